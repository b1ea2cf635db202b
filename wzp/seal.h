/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "kdf.h"
#include "packet.h"
#include "seq.h"
#include "time.h"

/* Media sealing: one sender's stream, and one receiver's view of it (PROTOCOL.md 8).
 * (key, nonce) is unique by construction: within an epoch seq never repeats, and an epoch never spans
 * a wrap of seq. Sealing with a used pair aborts the process, also in release builds. */

/* What a stream's keys are bound to: H(id | session), session being a handshake's th4 or a JOIN's jh. */
void wzp_stream_id(uint8_t sid[32], const uint8_t id[32], const uint8_t session[32]);

typedef struct WzpSender WzpSender;
WzpSender *wzp_sender_new(const uint8_t sid[32], const uint8_t base[32], uint32_t epoch);
void wzp_sender_free(WzpSender *sender); /* wipes */

uint32_t wzp_sender_epoch(const WzpSender *sender);
/* The epoch of the next packet: one more when seq is about to wrap. For wzp_header_policy_full(). */
uint32_t wzp_sender_next_epoch(const WzpSender *sender);
bool wzp_sender_epoch_used(const WzpSender *sender); /* something was sealed under it */
/* The current base, for KEY records. */
const uint8_t *wzp_sender_base(const WzpSender *sender);
/* The base that ratcheting gives for epoch + 1. */
void wzp_sender_ratcheted_base(const WzpSender *sender, uint8_t base[32]);
/* A pending base for epoch + 1: used by wzp_sender_switch(), or at once when seq wraps.
 * Replaces an earlier pending one. */
void wzp_sender_set_pending(WzpSender *sender, const uint8_t base[32]);
bool wzp_sender_has_pending(const WzpSender *sender);
const uint8_t *wzp_sender_pending(const WzpSender *sender); /* NULL without one */
/* Goes to epoch + 1 with the pending base (must exist). */
void wzp_sender_switch(WzpSender *sender);
/* Replaces the base of the current, unused epoch. Must not be used yet. */
void wzp_sender_replace_unused(WzpSender *sender, const uint8_t base[32]);

/* So many packets were made and not sealed. The next one's number leaves room for them, so that what its bundle says of
 * packets before it counts right: to receivers they are lost. At most WZP_SENDER_LEFT_OUT_MAX at a time: no bundle
 * speaks of older ones. */
#define WZP_SENDER_LEFT_OUT_MAX 255
void wzp_sender_leave_out(WzpSender *sender, unsigned packets);

/* What the caller knows of a packet; epoch and seq are the sender's. */
typedef struct {
  uint8_t code;
  uint8_t slot;
  uint32_t timestamp; /* media time of the first frame, ms */
  uint8_t flags;
  bool full; /* write the 12-byte header */
} WzpSealRequest;

/* Seals plain into one media packet: header | ciphertext | tag. out has capacity for length + 28.
 * Returns WZP_OK or WZP_BUFFER_TOO_SMALL (nothing consumed). *header (may be NULL): as written. */
WzpResult wzp_sender_seal(WzpSender *sender, const WzpSealRequest *request, const void *plain,
                          size_t length, uint8_t *out, size_t capacity, size_t *out_length,
                          WzpHeader *header);

/* Decides between mini and full: full on the first `repeat` packets after a start, a change of code, a
 * change of epoch or a gap in the media time, 100, 300, 700 and 1500 ms of media time behind these, and once a second. */
typedef struct {
  unsigned repeat; /* 3 to 13; 0 reads as 3; see wzp_header_repeat() */
  unsigned left;
  bool started;
  uint8_t code;
  uint32_t epoch;
  uint32_t last_timestamp, last_full, every; /* ms */
} WzpHeaderPolicy;
/* How often a full header must be repeated so that at most one in a hundred times none of them arrives. loss:
 * 0..1, of packets. */
unsigned wzp_header_repeat(double loss);
/* gap: the stream was interrupted (discont, end of silence). */
bool wzp_header_policy_full(WzpHeaderPolicy *policy, uint8_t code, uint32_t epoch,
                            uint32_t timestamp, bool gap);

typedef struct WzpReceiver WzpReceiver;
WzpReceiver *wzp_receiver_new(const uint8_t sid[32]);
void wzp_receiver_free(WzpReceiver *receiver); /* wipes */
/* A base received by KEY (or the call's first base). Ignored for an epoch in which a packet already
 * opened, for erased epochs, and beyond 8 cached ones. */
WzpResult wzp_receiver_add_base(WzpReceiver *receiver, uint32_t epoch, const uint8_t base[32]);
bool wzp_receiver_has_key(const WzpReceiver *receiver);

typedef struct {
  WzpHeader header;
  uint32_t epoch;
  uint32_t
      stream; /* above 0, another one for each sid: numbers and times of two have nothing to do with each other */
  uint64_t index;    /* packet number of the stream, extended to 64 bits, starts near seq */
  uint64_t media_ms; /* media time of the first frame, extended; see has_media_ms */
  bool has_media_ms; /* false until the first full header: then the receiver goes by arrival */
} WzpOpened;

/* Opens one media packet: window check, exactly one AEAD attempt, then mark (R10, R11). out has room
 * for length bytes. Every failure changes nothing but the two cached derivations. Failures:
 * header errors, WZP_NO_KEY, WZP_REPLAYED, WZP_TOO_OLD, WZP_BAD_TAG. */
WzpResult wzp_receiver_open(WzpReceiver *receiver, WzpTime now, const uint8_t *packet,
                            size_t length, uint8_t *out, size_t *out_length, WzpOpened *opened);
/* True at most once a second when keys look missing: three failures within 500 ms and no success since
 * (counted only after the first epoch is known). */
bool wzp_receiver_wants_key(WzpReceiver *receiver, WzpTime now);
