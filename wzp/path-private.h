/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "path.h"
#include <glib.h>

/* path.c: the choice between the ways. path-attempt.c: one attempt, its probes and candidates. path-pause.c: none for now. */

#define WZP_PATH_PINGS 8 /* whose fate is remembered */
#define WZP_PATH_STARTS_MAX 8
#define WZP_PATH_STARTS_TIME (4 * WZP_SECOND)

typedef struct {
  uint32_t seq;
  WzpTime sent;
  bool answered;
} WzpPathPing;

typedef struct {
  bool in_use;
  uint16_t k;
  WzpTime started;
  bool connected, lan, failed;
  bool settled; /* it was the newest with proof of both sides at some time */
  uint32_t next_seq;
  WzpWindow window;
  WzpPathPing pings[WZP_PATH_PINGS]; /* a ring */
  unsigned n_pings;
  WzpTime first_ping;
  unsigned quick;          /* pings that are still to go out quickly */
  WzpTime next_ping;       /* WZP_NEVER: not connected */
  WzpTime heard, answered; /* WZP_NEVER: not yet */
  WzpTime round_trip;      /* -1 */
  WzpTime proven_at;       /* WZP_NEVER */
  bool carries;            /* the other side sends media here */
  unsigned without;        /* media since the last that came here */
  bool peer_proven, peer_silent;
  bool reported; /* something was reported: */
  uint8_t reported_flags;
  WzpTime reported_round_trip, reported_at;
  WzpCandidate candidates[WZP_CANDIDATES_MAX]; /* found and not told yet */
  unsigned n_candidates, n_told;
  WzpTime tell_at; /* WZP_NEVER: nothing to tell */
} WzpPathAttempt;

/* Packets that came lately. */
#define WZP_PATH_SEEN 512
typedef struct {
  uint64_t mark;
  uint8_t ways; /* bit 0: relay; bit 1, 2: attempts[0], [1] */
  bool opened;
} WzpPathSeen;

struct WzpPath {
  WzpPathConfig config;
  bool paused;
  WzpTime drop_at;            /* paused: when the attempts go that are left */
  WzpPathAttempt attempts[2]; /* by k % 2 */
  GQueue outputs;
  bool direct;
  WzpTime switched;                  /* WZP_NEVER: not yet */
  unsigned falls;                    /* back to the relay, lately */
  WzpTime both_until;                /* after a switch, and ... */
  unsigned both_left;                /* ... so many packets more */
  WzpTime trouble_since, well_since; /* WZP_NEVER */
  bool relay_usable;
  WzpTime hop_round_trip, peer_hop_round_trip; /* -1 */
  WzpTime attempt_at;                          /* initiator: when the next one begins */
  unsigned unproven;                           /* attempts in a row that did not help */
  int last_k;                                  /* -1: none yet */
  bool again;                                  /* responder: a new attempt is wanted */
  WzpTime begun[WZP_PATH_STARTS_MAX]; /* responder: when the other side began attempts, a ring */
  unsigned n_begun;
  /* how the other side talks */
  WzpTime interval, jitter, last_opened;
  WzpPathSeen seen[WZP_PATH_SEEN];
  WzpPathStats stats;
};

WzpPathOutput *wzp_path_push(WzpPath *path, WzpPathOutputType type, uint16_t k);

/* --- path.c --- */
/* The way in use is another one from now on. */
void wzp_path_change(WzpPath *path, WzpTime now, bool direct);
/* An attempt is wanted soon: not sooner than the last one had some time. */
void wzp_path_want_attempt(WzpPath *path);

/* --- path-pause.c --- */
void wzp_path_pause_timeout(WzpPath *path, WzpTime now);
WzpTime wzp_path_pause_next_timeout(const WzpPath *path);

/* --- path-attempt.c --- */
WzpPathAttempt *wzp_path_attempt(WzpPath *path, uint16_t k); /* NULL: not, or no longer */
WzpPathAttempt *wzp_path_attempt_start(WzpPath *path, WzpTime now, uint16_t k);
void wzp_path_attempt_drop(WzpPath *path, WzpPathAttempt *attempt);
/* Pings quickly for a while. */
void wzp_path_attempt_hurry(WzpPathAttempt *attempt, WzpTime now, unsigned pings);
/* So often a path is pinged while it is young and carries nothing yet. */
#define WZP_PATH_SEARCH_EVERY (250 * WZP_MSEC)
#define WZP_PATH_SEARCH_FOR (2 * WZP_SECOND)
/* Enough pings were answered that media may go there: of the last five three, on a LAN half of those of which it is
 * known. */
bool wzp_path_attempt_is_good(const WzpPathAttempt *attempt, WzpTime now);
/* Both sides have proof. */
static inline bool
wzp_path_attempt_is_proven(const WzpPathAttempt *attempt)
{
  return attempt->in_use && attempt->proven_at != WZP_NEVER && attempt->peer_proven;
}
void wzp_path_attempt_report(WzpPath *path, WzpTime now, WzpPathAttempt *attempt, uint8_t flags);
void wzp_path_attempt_timeout(WzpPath *path, WzpTime now, WzpPathAttempt *attempt);
WzpTime wzp_path_attempt_next_timeout(const WzpPathAttempt *attempt);
