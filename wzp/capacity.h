/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "delivery.h"

/* How much may be sent without filling a queue: a limit in bit/s, all-in, moved by the queue that a listener's reports
 * show. It is cut to less than what came out at the other end while a queue stood, so that the queue drains, then set to
 * what came out, and raised while there is none, each time after a longer wait when that failed. A queue that does not
 * become shorter when less is sent is not ours: the way is longer now. */

#define WZP_CAPACITY_START 24000   /* bit/s, with which a sender begins */
#define WZP_CAPACITY_UNHEARD 36000 /* when nobody has reported for long */

typedef struct {
  unsigned limit; /* 0: none */
  bool begun, starting;
  WzpTime began;
  bool heard;         /* since the start */
  bool excused;       /* the start was ended once by what was jitter */
  WzpTime over_since; /* a queue stands; WZP_NEVER: none */
  WzpTime cut_at;     /* last */
  double over_queue;  /* ms, when it began to */
  double over_rate;   /* bit/s that were sent then */
  WzpTime raised_at, raise_at, wait;
  bool cut;              /* it was cut, and is not yet where it was */
  unsigned resume;       /* the limit when the queue is gone */
  unsigned started_with; /* the limit that the start was ended by; 0: it may not go on */
  unsigned alarm;        /* a limit for a moment; 0: none */
  unsigned alarm_from;   /* what was sent before */
  bool alarm_told;       /* how much comes out of the other direction is known */
  WzpTime alarmed_at;
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
/* Time goes on: nobody reports. */
void wzp_capacity_tick(WzpCapacity *capacity, WzpTime now);
/* The other direction becomes slow all at once (downlink.h): so may ours. Of what is sent that passes which comes out there,
 * a third if that is not known (0), and a third of it the next time, until a report about what is sent from now on says
 * that it is not so. */
void wzp_capacity_alarm(WzpCapacity *capacity, WzpTime now, double rate, double passes);
/* What may be sent now, bit/s; 0: anything. */
unsigned wzp_capacity_limit(const WzpCapacity *capacity);
/* The queue is longer than anybody waits for: what is said now would come too late, and make more do so. */
bool wzp_capacity_is_paused(const WzpCapacity *capacity, WzpTime now);
/* More than is needed should be sent now, to see whether it gets through. */
bool wzp_capacity_is_probing(const WzpCapacity *capacity, WzpTime now);
/* From which queue on, in ms, it is one. */
double wzp_capacity_threshold(const WzpDelivery *path);
