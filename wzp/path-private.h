/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "path.h"
#include <glib.h>

/* path.c: the choice between the ways. path-attempt.c: one attempt and its probes. path-candidate.c: the addresses.
 * path-media.c: what comes by which way. path-loss.c: how much of it does not. path-compare.c: which way loses less.
 * path-route.c: where ours go. path-pause.c: none for now. path-stats.c: what is told of it. */

#define WZP_PATH_PINGS 8 /* whose fate is remembered */
/* How much of what the other side sent by one way was lost, in the last seconds. */
typedef struct {
  unsigned expected, lost;
  WzpTime updated, faded;
} WzpPathLoss;
/* One row of numbers on it. */
typedef struct {
  bool started;
  uint16_t highest;
} WzpPathNumbers;
/* The packet with this number came that way, once. */
void wzp_path_loss_add(WzpPathLoss *loss, WzpPathNumbers *numbers, WzpTime now, uint16_t number);
/* 0..100, or WZP_PATH_LOSS_UNKNOWN: too little went there lately. */
uint8_t wzp_path_loss_percent(const WzpPathLoss *loss, WzpTime now);

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
  bool silent;           /* nothing was heard here for too long, ... */
  WzpTime silent_behind; /* ... since then */
  WzpTime missed;        /* the last sign of media, when it was told that nothing came behind it */
  WzpTime peer_missed; /* when the other side missed what should have come; WZP_NEVER: it did not */
  uint32_t newest;     /* probe of the other side, + 1 */
  uint8_t peer_loss;   /* %, of what we sent here; WZP_PATH_LOSS_UNKNOWN */
  WzpPathLoss loss;    /* of what it sends */
  WzpPathNumbers media_numbers, probe_numbers;
  bool reported; /* something was reported: */
  uint8_t reported_flags;
  WzpTime reported_round_trip, reported_at;
  WzpCandidate candidates[WZP_CANDIDATES_MAX]; /* found, the first of them told */
  unsigned n_candidates, n_told;
  unsigned n_theirs; /* of the other side that were tried */
  WzpTime tell_at;   /* WZP_NEVER: nothing to tell */
  WzpNat told_nat;
} WzpPathAttempt;

/* Packets that came lately. */
#define WZP_PATH_SEEN 512
typedef struct {
  uint64_t mark;
  uint8_t ways; /* bit 0: relay; bit 1, 2: attempts[0], [1] */
  bool opened;
} WzpPathSeen;

/* Sends by both ways for a while, to learn which one loses more. */
typedef struct {
  WzpTime since; /* WZP_NEVER: it does not */
  WzpTime not_before, pause;
  bool lossy;   /* it came out that the direct path does: left as soon as it may be */
  bool shunned; /* that is why it was left: not taken again without another comparison */
} WzpPathComparison;

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
  WzpTime
      silent_since; /* the path in use fell silent; WZP_NEVER: it did not, or there is a newer one */
  int silent_k;     /* the last attempt then */
  bool relay_usable;
  WzpTime hop_round_trip, peer_hop_round_trip; /* -1 */
  WzpNat nat, peer_nat;
  bool has_v6, peer_has_v6;           /* said so */
  bool blocked;                       /* so they are */
  bool keeps_port;                    /* our NAT, with the last attempt: */
  WzpAddress inner, outer;            /* of this interface it made that */
  WzpTime attempt_at;                 /* when we begin the next one */
  unsigned unproven;                  /* attempts in a row that did not help */
  int last_k;                         /* -1: none yet */
  bool wanted;                        /* that one is for a reason */
  WzpTime begun[WZP_PATH_STARTS_MAX]; /* when the other side began attempts, a ring */
  unsigned n_begun;
  WzpPathLoss relay_loss;
  WzpPathNumbers relay_numbers;
  WzpTime relay_heard;     /* media, WZP_NEVER: not yet */
  uint8_t peer_relay_loss; /* of what we sent there */
  WzpTime peer_loss_at;    /* when that, and an attempt's peer_loss, was told */
  WzpTime routed;          /* the last packet of ours; WZP_NEVER: none yet */
  WzpPathComparison comparison;
  /* how the other side talks */
  WzpTime interval, jitter, last_opened;
  bool talked; /* with the last packet */
  WzpPathSeen seen[WZP_PATH_SEEN];
  WzpPathStats stats;
};

WzpPathOutput *wzp_path_push(WzpPath *path, WzpPathOutputType type, uint16_t k);

/* --- path.c --- */
/* It goes by the relay alone after so much trouble. */
#define WZP_PATH_FALL_AFTER WZP_SECOND
/* The newest attempt that both sides have proof of; NULL: none. */
WzpPathAttempt *wzp_path_best(const WzpPath *path);
/* The way in use is another one from now on. */
void wzp_path_change(WzpPath *path, WzpTime now, bool direct);
/* An attempt is wanted soon: not sooner than the last one had some time. */
void wzp_path_want_attempt(WzpPath *path);

/* When media of the other side are missing here; WZP_NEVER: it sends none here. */
WzpTime wzp_path_missing_at(const WzpPath *path, const WzpPathAttempt *attempt);
/* When nothing was heard here for too long, if nothing more is. */
WzpTime wzp_path_unheard_at(const WzpPath *path, const WzpPathAttempt *attempt);
void wzp_path_set_peer_silent(WzpPath *path, WzpPathAttempt *attempt, bool silent);

/* --- path-pause.c --- */
void wzp_path_pause_timeout(WzpPath *path, WzpTime now);
WzpTime wzp_path_pause_next_timeout(const WzpPath *path);

/* --- path-compare.c --- */
/* Answers enough, and does not lose much more than the relay. */
bool wzp_path_is_good(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now);
/* A direct path in use that loses much, or one that was left for that and may_go_direct but for it, is measured against the
 * relay's way. attempt: the best; NULL: none. */
void wzp_path_compare(WzpPath *path, WzpTime now, const WzpPathAttempt *attempt,
                      bool may_go_direct);
void wzp_path_compare_afresh(WzpPath *path); /* what was found is forgotten */
WzpTime wzp_path_compare_timeout(const WzpPath *path);

/* --- path-route.c --- */
/* The path in use is a direct one, and media go both ways at the moment. */
bool wzp_path_duplicates(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now);

/* --- path-attempt.c --- */
WzpPathAttempt *wzp_path_attempt(WzpPath *path, uint16_t k); /* NULL: not, or no longer */
WzpPathAttempt *wzp_path_attempt_start(WzpPath *path, WzpTime now, uint16_t k);
void wzp_path_attempt_drop(WzpPath *path, WzpPathAttempt *attempt);
/* When the answer to the first ping since something was heard should be there; WZP_NEVER: all were answered. */
WzpTime wzp_path_attempt_unanswered_at(const WzpPathAttempt *attempt);
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

/* --- path-candidate.c --- */
/* There is something to tell of it: soon. */
void wzp_path_attempt_tell(WzpPathAttempt *attempt, WzpTime now);
/* Two symmetric NATs, and no IPv6 past them. */
bool wzp_path_is_blocked(const WzpPath *path);
/* Takes one of the other side; each costs our agent checks. False: it told as many as an honest one has. */
bool wzp_path_take_candidate(WzpPath *path, WzpPathAttempt *attempt, const WzpCandidate *candidate);
/* Is this one worth its checks, between the NATs of both sides? Counts the others. */
bool wzp_path_is_worth(WzpPath *path, const WzpCandidate *candidate);
