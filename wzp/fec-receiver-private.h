/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "elimination.h"
#include "fec-receiver.h"
#include "fec-runs.h"

/* Shared by fec-receiver.c and fec-receiver-judge.c. */

#define WZP_FEC_OWN_MAX 4 /* frames of a packet */
#define WZP_FEC_PAST 1024 /* packets: as many as the replay window lets come late */

/* Where a frame was: in which packet, and where in it. Other than number and media time it follows from what every
 * packet says for sure, so it decides what an equation is about, and whether a frame was given out before. */
typedef uint64_t WzpFecPlace;

/* What was said first of the frame that a number stands for. */
typedef struct {
  uint64_t number;
  WzpFecPlace place; /* 0: nothing yet */
  uint8_t code;
  uint64_t media_ms;
} WzpFecColumn;

typedef struct {
  uint64_t index;
  uint8_t given; /* bit i: the frame at i was given out */
  bool came;     /* the packet itself */
} WzpFecPacketPast;

#define WZP_FEC_REORDER_MS 60 /* a packet may come so long after its turn */

struct WzpFecReceiver {
  WzpElimination *elimination;
  WzpFecColumn columns[WZP_ELIMINATION_COLUMNS]; /* by number, going round */
  WzpReception *reception;
  WzpFecRuns runs;

  WzpFecFrame own[WZP_FEC_OWN_MAX]; /* of the last bundle, not yet taken */
  unsigned n_own, next_own;
  WzpFecPlace own_places[WZP_FEC_OWN_MAX];
  WzpFecPacketPast past[WZP_FEC_PAST]; /* going round */
  uint64_t newest;                     /* packet of all that came */
  unsigned n_long_ago;                 /* packets in a row that are older than the past */
  WzpReport reports[WZP_REPORTS_MAX];  /* of the last bundle */
  unsigned n_reports, next_report;

  bool has_time;
  uint64_t newest_ms; /* media time of the newest packet */
  uint64_t newest_index;
  unsigned reach_ms[2], reach_n; /* how far windows reached back: these packets, those before */
  bool judging;
  uint64_t judged; /* every number below came, or was given up */

  WzpFecReceiverStats stats;
};

/* How far back windows reached lately, in ms. */
unsigned wzp_fec_receiver_reach(const WzpFecReceiver *receiver);
/* That of one repair. */
void wzp_fec_receiver_note_reach(WzpFecReceiver *receiver, unsigned ms);
/* With each packet. */
void wzp_fec_receiver_age_reach(WzpFecReceiver *receiver);
/* Gives up the missing frames that no repair can bring any more. */
void wzp_fec_receiver_judge(WzpFecReceiver *receiver);
/* The window of columns is about to move up to end. */
void wzp_fec_receiver_judge_leaving(WzpFecReceiver *receiver, uint64_t end);
