/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "candidate.h"
#include "kdf.h"
#include "nat.h"
#include "seq.h"
#include "time.h"

/* What two clients say of direct paths (PROTOCOL.md 16): messages in their call's own channel, probes on the path
 * itself, and the credentials of ICE. k is the number of an attempt: chosen by the initiator, growing, used once. */

typedef enum {
  WZP_PATH_SETUP = 1, /* candidates; the first one of a k also begins it */
  WZP_PATH_REPORT = 2 /* what the path k is like from here */
} WzpPathMessageType;

#define WZP_PATH_PROVEN 0x01  /* pings of mine on k were answered */
#define WZP_PATH_SILENT 0x02  /* and now I hear nothing on it */
#define WZP_PATH_MISSING 0x08 /* of a probe: what should have come is late */
#define WZP_PATH_ROUND_TRIP_UNKNOWN 0xffff

typedef struct {
  WzpPathMessageType type;
  uint16_t k;
  WzpNat
      nat; /* SETUP: what its sender is behind; unknown ones, and none, count as WZP_NAT_UNKNOWN */
  unsigned n_candidates; /* SETUP */
  WzpCandidate candidates[WZP_CANDIDATES_MAX];
  uint8_t flags;           /* REPORT; unknown ones are ignored */
  uint16_t round_trip;     /* REPORT: ms, on the path */
  uint16_t hop_round_trip; /* REPORT: ms, between its sender and its relay */
} WzpPathMessage;
#define WZP_PATH_MESSAGE_MAX (5 + WZP_CANDIDATES_MAX * WZP_CANDIDATE_SIZE_MAX)
/* More bytes behind are ignored. Candidates that cannot be used are left out and counted in *refused. */
WzpResult wzp_path_message_parse(WzpPathMessage *message, const uint8_t *data, size_t length,
                                 unsigned *refused);
size_t wzp_path_message_write(uint8_t out[WZP_PATH_MESSAGE_MAX], const WzpPathMessage *message);

#define WZP_PATH_LOSS_UNKNOWN 0xff
/* Probe = 0x46 | k(2) | seq(4) | AEAD(key, 0^6 | k | seq, the 7 bytes before, type(1) | echoed(4) | time(4) | flags(1) |
 *         loss(1) | loss by relay(1)) */
typedef struct {
  bool pong;
  uint16_t k;
  uint32_t seq;    /* of all probes of one direction and k */
  uint32_t echoed; /* pong: seq of its ping */
  uint32_t time;   /* of the ping's sender, ms; a pong repeats it */
  uint8_t flags;   /* WZP_PATH_PROVEN, _SILENT, _MISSING; unknown ones are ignored */
  /* %, or WZP_PATH_LOSS_UNKNOWN: of what its receiver sent on this path, and by the relay, lately */
  uint8_t loss, relay_loss;
} WzpPathProbe;
#define WZP_PATH_PROBE_SIZE 35
void wzp_path_probe_seal(uint8_t out[WZP_PATH_PROBE_SIZE], const uint8_t key[32],
                         const WzpPathProbe *probe);
/* window: of this direction and k; moved when the probe opened. */
WzpResult wzp_path_probe_open(WzpPathProbe *probe, const uint8_t key[32], uint16_t k,
                              WzpWindow *window, const uint8_t *data, size_t length);

/* ICE's user name and password of one side of attempt k; text, both with a NUL. They prove nothing to us. */
typedef struct {
  char ufrag[9], password[33];
} WzpIceCredentials;
void wzp_ice_credentials(WzpIceCredentials *credentials, const uint8_t ice[32], uint16_t k,
                         bool initiator);
