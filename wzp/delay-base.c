/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "delay-base.h"
#include <glib.h>
#include <math.h>

#define SPAN INT64_C(5000000000)
#define RECENT_SPANS 2
#define REMEMBERED (WZP_DELAY_BASE_SPANS * SPAN)
#define STEADY INT64_C(50000000)
/* No way becomes shorter by so much at once as a media time that was guessed wrong. */
#define DROP INT64_C(100000000)
#define FAR_FOR INT64_C(200000000)

/* Drift: the step between the minima of two spans is followed by a part, when it is no change of the way. */
#define DRIFT_GAIN 0.25
#define DRIFT_MAX 1500e-6
#define DRIFT_STEP_MAX 10e6 /* ns, or as much as clocks usually drift meanwhile */
#define DRIFT_USUAL 150e-6

static int64_t
correction(const WzpDelayBase *base, int64_t now)
{
  return base->corrected + (int64_t)(base->drift * (double)(now - base->origin));
}

static int64_t
minimum_of(const WzpDelayBase *base, unsigned spans)
{
  int64_t minimum = INT64_MAX;
  for (unsigned i = 0; i < MIN(spans, base->spans); i++)
    minimum = MIN(minimum, base->minimum[i]);
  return minimum;
}

/* Spans are further apart where somebody was silent. */
static void
follow_drift(WzpDelayBase *base, int64_t now)
{
  base->corrected = correction(base, now);
  base->origin = now;
  if (base->spans < 2 || base->minimum[0] == INT64_MAX || base->minimum[1] == INT64_MAX)
    return;
  double step = (double)(base->minimum[0] - base->minimum[1]);
  double apart = (double)(base->began[0] - base->began[1]);
  if (fabs(step) <= MAX(DRIFT_STEP_MAX, DRIFT_USUAL * apart))
    base->drift = CLAMP(base->drift + DRIFT_GAIN * step / apart, -DRIFT_MAX, DRIFT_MAX);
}

/* Far behind, but steady: no queue behaves so. */
static bool
has_changed_for_good(const WzpDelayBase *base, int64_t limit)
{
  int64_t far = minimum_of(base, WZP_DELAY_BASE_SPANS), last = base->minimum[0],
          before = base->minimum[1];
  if (base->spans <= RECENT_SPANS || last == INT64_MAX || before == INT64_MAX)
    return false;
  far += limit;
  return last > far && before > far && ABS(last - before) <= STEADY;
}

static void
next_span(WzpDelayBase *base, int64_t now, int64_t limit)
{
  if (has_changed_for_good(base, limit))
    base->spans = RECENT_SPANS;
  for (unsigned i = WZP_DELAY_BASE_SPANS - 1; i > 0; i--) {
    base->minimum[i] = base->minimum[i - 1];
    base->began[i] = base->began[i - 1];
  }
  base->minimum[0] = INT64_MAX;
  base->began[0] = now;
  base->spans = MIN(base->spans + 1, WZP_DELAY_BASE_SPANS);
  while (base->spans > RECENT_SPANS && now - base->began[base->spans - 2] > REMEMBERED)
    base->spans--; /* it ended before that */
}

/* So late that none is played, one like the other, and as it was before the way seemed to become shorter at once: it
 * did not, or it was for a while. */
static bool
is_back(WzpDelayBase *base, int64_t arrival, int64_t way, int64_t limit)
{
  if (way <= minimum_of(base, WZP_DELAY_BASE_SPANS) + limit || way > base->before_drop + limit ||
      way < base->before_drop - STEADY) {
    base->far_since = -1;
    return false;
  }
  base->far_least = MIN(base->far_least, way);
  base->far_most = MAX(base->far_most, way);
  if (base->far_since < 0 || base->far_most - base->far_least > STEADY) {
    base->far_since = arrival;
    base->far_least = base->far_most = way;
  }
  return arrival - base->far_since >= FAR_FOR;
}

/* Only what came since counts. */
static void
begin_anew(WzpDelayBase *base, int64_t arrival, int64_t minimum)
{
  base->spans = 1;
  base->began[0] = arrival;
  base->minimum[0] = minimum;
  base->before_drop = INT64_MIN;
  base->far_since = -1;
}

void
wzp_delay_base_observe(WzpDelayBase *base, int64_t arrival, int64_t way, int64_t limit)
{
  if (!base->known) {
    base->known = true;
    next_span(base, arrival, limit);
    base->origin = arrival;
    base->before_drop = INT64_MIN;
    base->far_since = -1;
  } else if (arrival - base->began[0] >= SPAN) {
    follow_drift(base, arrival);
    next_span(base, arrival, limit);
  }
  way -= correction(base, arrival);
  const int64_t least = minimum_of(base, WZP_DELAY_BASE_SPANS);
  if (least != INT64_MAX && way < least - DROP)
    base->before_drop = MAX(base->before_drop, least);
  if (base->before_drop != INT64_MIN && is_back(base, arrival, way, limit))
    begin_anew(base, arrival, base->far_least);
  base->minimum[0] = MIN(base->minimum[0], way);
}

int64_t
wzp_delay_base_at(const WzpDelayBase *base, int64_t now)
{
  int64_t minimum = minimum_of(base, WZP_DELAY_BASE_SPANS);
  return minimum == INT64_MAX ? INT64_MIN : minimum + correction(base, now);
}
