/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "delivery.h"

/* How much may be sent without filling a queue: a limit in bit/s, all-in, moved by the queue that a listener's reports
 * show. It is cut to less than what came out at the other end while a queue stood, so that the queue drains, and raised
 * while there is none, each time after a longer wait when that failed. A queue that does not become shorter when less is
 * sent is not ours: the way is longer now. */

#define WZP_CAPACITY_START 36000 /* bit/s, with which a sender begins */

typedef struct {
  unsigned limit; /* 0: none */
  bool begun, starting;
  WzpTime began;
  bool heard;         /* since the start */
  WzpTime over_since; /* a queue stands; WZP_NEVER: none */
  double over_queue;  /* ms, when it began to */
  WzpTime raised_at, raise_at, wait;
  bool cut;                        /* it was cut, and is not yet where it was */
  unsigned steps;                  /* up since then */
  WzpTime pause_from, pause_until; /* nothing is spoken */
  uint64_t cuts, probes, pauses;
} WzpCapacity;

/* A sender, or a way, begins: little is sent until the first reports say that it gets through. */
void wzp_capacity_begin(WzpCapacity *capacity, WzpTime now);
/* path: just reported. rate: bit/s that go out. needed: more than this is never sent; a limit above it is lifted. True: the
 * limit changed. */
bool wzp_capacity_report(WzpCapacity *capacity, WzpTime now, WzpDelivery *path, double rate,
                         double needed);
/* True: the limit changed, because nobody reports. */
bool wzp_capacity_tick(WzpCapacity *capacity, WzpTime now);
/* The queue is longer than anybody waits for: what is said now would come too late, and make more do so. */
bool wzp_capacity_is_paused(const WzpCapacity *capacity, WzpTime now);
/* More than is needed should be sent now, to see whether it gets through. */
bool wzp_capacity_is_probing(const WzpCapacity *capacity, WzpTime now);
/* From which queue on, in ms, it is one. */
double wzp_capacity_threshold(const WzpDelivery *path);
