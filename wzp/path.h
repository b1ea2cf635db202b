/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "nat.h"
#include "path-message.h"

/* Which way the media of a call of two travel: by the relay, or directly. Sans-I/O: what happens on the ways and the time
 * go in; what to do with ICE agents, probes, messages and the choice come out. One object a call and side.
 *
 * Media begin on the relay; the direct path is tried beside it, in attempts with an ICE agent each, at most two at a time.
 * It is taken when this side has proof of its own (pings that were answered, under a key of the call) and the other side
 * reports its own; the switch sends on both for 200 ms. Whatever comes on any path is taken, always, so the two sides
 * need not agree on when.
 *
 * Media that are late on the direct path, by max(140 ms, 3 packets + 4 x jitter, which counts as 140 ms at most), here or as the other side's probes say: also
 * by the relay, until they come again. Nothing heard while the other side talks for max(300 ms, 3 packets + 4 x jitter), at
 * all for 750 ms in its first 2 s or for 2 s later, no answer for 3.5 s, or the other side says that it hears nothing: at
 * least 2 s on both; the relay alone when that lasts for 1 s; and a new attempt. Each direction is judged on its own: who
 * is heard there by the relay, and not directly, is sent no more than pings directly after that second.
 *
 * The other side tells what it misses of what comes directly and by the relay. A direct path that loses 10 % is compared with
 * the relay's way: 3 s on both, at most each 30 s (doubling to 120 s). It is left when it loses 10 % more, and taken again
 * only after another such comparison, in which it loses less than 5 % more.
 *
 * A path that was left is taken again 10 s later at the earliest, after more falls 20 and 30 s, so that there is never more
 * than one switch in 10 s. While the relay is away every direct path that was proven is used.
 *
 * Attempts: one that is not proven after 6 s gets a successor of the initiator's, then 12, 30, 60 s. A path that fell silent
 * gets one at once, by whoever finds out, but no sooner than 1 s after the last one (doubling up to 60 s while that does not
 * help); so it does when the network changed. Both who begin one at the same time give it the same number.
 * Pings: each 20 ms five times, each 250 ms for 2 s, then each second; each 100 ms for 1 s in trouble. */

#define WZP_PATH_HOLD (10 * WZP_SECOND) /* between two switches, at least */
#define WZP_PATH_OVERLAP (200 * WZP_MSEC)
#define WZP_PATH_SILENCE (300 * WZP_MSEC)

/* A set of ways. */
typedef enum { WZP_WAY_RELAY = 1, WZP_WAY_DIRECT = 2 } WzpWay;

typedef struct {
  bool initiator; /* of the handshake: begins attempts that have no reason, controls ICE */
  uint8_t send_key[32], receive_key[32], ice[32];
} WzpPathConfig;

typedef enum {
  WZP_PATH_AGENT_START,     /* k, ours, theirs, controlling */
  WZP_PATH_AGENT_CANDIDATE, /* k, candidate: of the other side */
  WZP_PATH_AGENT_DROP,      /* k */
  WZP_PATH_SEND_PROBE,      /* k, data: on the selected pair of agent k */
  WZP_PATH_SEND_MESSAGE,    /* data: to the other side, in the call's channel */
  WZP_PATH_SEND_RECORD, /* not from here: a record of the call's channel; k, and the bytes beside it */
  WZP_PATH_CHANGED,     /* direct: the way in use is another one */
  WZP_PATH_OVER         /* not from here: the call is over, and with it all agents */
} WzpPathOutputType;

typedef struct {
  WzpPathOutputType type;
  uint16_t k;
  bool controlling, direct;
  WzpIceCredentials ours, theirs;
  WzpCandidate candidate;
  uint8_t data[WZP_PATH_MESSAGE_MAX];
  size_t length;
} WzpPathOutput;

typedef struct WzpPath WzpPath;
/* Both sides may exchange candidates from now on. */
WzpPath *wzp_path_new(const WzpPathConfig *config, WzpTime now);
void wzp_path_free(WzpPath *path); /* wipes; NULL is fine */

/* None for now, because others are to hear what is said: the relay alone, at once, as at any change on both for a moment. What
 * still comes directly is taken for 5 s. Numbers of attempts are never given twice, and a path that comes again waits as one
 * that fell silent does. */
void wzp_path_pause(WzpPath *path, WzpTime now);
void wzp_path_resume(WzpPath *path, WzpTime now);
bool wzp_path_is_paused(const WzpPath *path);
/* Paused, and its agents are gone already. */
void wzp_path_forget_agents(WzpPath *path);

/* A path that was begun while the call rang: it was taken now. One of which nothing came is tried anew, since its candidates
 * may be old. */
void wzp_path_accepted(WzpPath *path, WzpTime now);

/* The relay's leg: does it work, and its round trip (-1: unknown). */
void wzp_path_set_relay(WzpPath *path, WzpTime now, bool usable, WzpTime round_trip);
/* What NAT this side is behind. When both are behind symmetric ones, no two reflexive addresses ever find each other:
 * none is told or tried, and unless both have IPv6 there is one attempt until the network changes. */
void wzp_path_set_nat(WzpPath *path, WzpTime now, WzpNat nat);
/* Addresses or routes of this machine changed, or the relay sees us elsewhere. */
void wzp_path_network_changed(WzpPath *path, WzpTime now);
/* A path message of the other side. */
WzpResult wzp_path_receive(WzpPath *path, WzpTime now, const uint8_t *data, size_t length);

/* The agent of attempt k: what it found, that it can send, that it gave up. */
void wzp_path_local_candidate(WzpPath *path, WzpTime now, uint16_t k,
                              const WzpCandidate *candidate);
/* lan: both ends are addresses of interfaces. */
void wzp_path_connected(WzpPath *path, WzpTime now, uint16_t k, bool lan);
void wzp_path_failed(WzpPath *path, WzpTime now, uint16_t k);
/* A datagram of kind WZP_DATAGRAM_PATH_PROBE that came by agent k. */
WzpResult wzp_path_probe(WzpPath *path, WzpTime now, uint16_t k, const uint8_t *data,
                         size_t length);

/* A media packet came, not opened yet; k: by which agent, if direct. False: it is the copy, byte for byte as far as the
 * tag tells, of one that opened: nothing is left to do. */
bool wzp_path_arrived(WzpPath *path, WzpTime now, WzpWay way, uint16_t k, const uint8_t *packet,
                      size_t length);
/* It opened. interval: until the next one, as the sender talks; 0: he does not. Returns the ways by which it came. */
unsigned wzp_path_opened(WzpPath *path, WzpTime now, const uint8_t *packet, size_t length,
                         WzpTime interval);
/* Where a media packet goes now: a set of WzpWay; k: of the direct one. Counts it. */
unsigned wzp_path_route(WzpPath *path, WzpTime now, uint16_t *k);

bool wzp_path_is_direct(const WzpPath *path); /* the way in use */
/* Is there a direct path on which something is heard? */
bool wzp_path_reaches(const WzpPath *path, WzpTime now);

bool wzp_path_poll(WzpPath *path, WzpTime now, WzpPathOutput *output);
void wzp_path_handle_timeout(WzpPath *path, WzpTime now);
WzpTime wzp_path_next_timeout(const WzpPath *path);

typedef struct {
  bool direct;      /* the way in use */
  bool duplicating; /* both at the moment */
  bool proven, peer_proven, peer_silent, silent;
  WzpNat nat, peer_nat;
  unsigned not_tried; /* reflexive addresses of both sides, for their NATs */
  uint16_t k;         /* of the best attempt */
  unsigned attempts;  /* begun */
  unsigned switches;  /* of the way in use */
  unsigned silences;  /* times that the path in use fell silent, for us or for the other side */
  unsigned unheard_here,
      unheard_there; /* times that we, or the other side, heard nothing on a direct path */
  /* %, of the best attempt and of the relay's way, lately: of what is sent to us, of what we send; -1: unknown */
  int loss, relay_loss, peer_loss, peer_relay_loss;
  WzpTime round_trip; /* of the best attempt; -1: unknown */
  WzpTime heard;      /* when, on the best attempt; WZP_NEVER: not yet */
  WzpTime
      renewal; /* from the time that the path in use fell silent until both had proof of a newer one; -1: not yet */
  WzpTime longest_gap; /* between two media packets of one who talks, by whatever way */
  uint64_t probes_sent, probes_received, copies; /* copies: of packets that came by another way */
} WzpPathStats;
void wzp_path_get_stats(const WzpPath *path, WzpTime now, WzpPathStats *stats);
