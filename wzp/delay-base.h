/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The fastest way of the last minute (of who speaks seldom, of the last 5 to 10 s of that), and the drift between the two
 * clocks, which is taken out of it. Times are nanoseconds. Part of delay.h. */

#define WZP_DELAY_BASE_SPANS 12 /* minima over so many times 5 s, and of silence between */

/* All 0 at first. Times of ways are such from which drift * (arrival - origin) was taken out. */
typedef struct {
  bool known;
  int64_t origin, corrected;             /* corrected: up to origin */
  double drift;                          /* above 0 the sender is slow */
  int64_t minimum[WZP_DELAY_BASE_SPANS]; /* newest first */
  int64_t began[WZP_DELAY_BASE_SPANS];
  unsigned spans;
  int64_t before_drop; /* the minimum before it fell at once; INT64_MIN */
  /* a run that is all beyond the limit, and steady; since: -1 */
  int64_t far_since, far_least, far_most;
} WzpDelayBase;

/* way: arrival - media time. What is later than limit beyond base is not played: base gives in to such a way when it
 * stays. */
void wzp_delay_base_observe(WzpDelayBase *base, int64_t arrival, int64_t way, int64_t limit);
/* INT64_MIN: nothing is known. */
int64_t wzp_delay_base_at(const WzpDelayBase *base, int64_t now);
