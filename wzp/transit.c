/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "transit.h"
#include <glib.h>
#include <math.h>

#define JITTER_STEP (1 / 16.0)
#define MOVED_MS 20
#define LATELY_MS 80
#define LONG_MS 40
#define CLEAR_TIMES 2.5
#define EVEN_TIMES 3 /* else it was one of them */
#define LATE_MS 60   /* that took so much longer, and the jitter before that */
#define LATE_JITTER_TIMES 4
#define STEP_MS 15
#define STEP_JITTER_TIMES 3
/* Before and behind it the way differs by no more than this part of it and of the time that passed (behind a stall it becomes
 * shorter by all of that, before a slow link longer by more), or than jitter explains. */
#define STEP_FLAT 4.0
#define STEP_CALM 0.5
#define STEP_RANGE 2

/* A stall makes one packet late, and those behind it less so. */
static void
watch_run(WzpTransit *transit, double more, unsigned duration_ms)
{
  if (more <= duration_ms / 3.0) {
    transit->late_run = 0;
    return;
  }
  if (transit->late_run++ == 0) {
    transit->late_grew = transit->late_media = 0;
    transit->late_least = INFINITY;
    transit->calm_jitter = transit->jitter;
  }
  transit->late_grew += more;
  transit->late_least = MIN(transit->late_least, more / duration_ms);
  transit->late_media += duration_ms;
}

double
wzp_transit_passes(const WzpTransit *transit)
{
  double media = transit->late_media, grew = transit->late_grew, least = transit->late_least;
  unsigned needed = grew > CLEAR_TIMES * media ? 2 : grew > media ? 3 : 5;
  if (media >= LONG_MS * transit->late_run)
    needed = MAX(needed - 1, 2);
  if (transit->late_run < needed || grew > EVEN_TIMES * least * media ||
      grew < LATE_MS + LATE_JITTER_TIMES * transit->calm_jitter)
    return 0;
  return media / (media + grew);
}

static int64_t
transit_of(const WzpTransit *transit, unsigned packet)
{
  return transit->latest[packet % WZP_TRANSIT_REMEMBERED];
}

static void
range_of(const WzpTransit *transit, unsigned from, unsigned to, int64_t *least, int64_t *most)
{
  *least = *most = transit_of(transit, from);
  for (unsigned packet = from + 1; packet < to; packet++) {
    *least = MIN(*least, transit_of(transit, packet));
    *most = MAX(*most, transit_of(transit, packet));
  }
}

static void
watch_step(WzpTransit *transit, double more)
{
  if (more >= STEP_MS + STEP_JITTER_TIMES * transit->jitter) {
    transit->step_at = transit->n;
    transit->step_jitter = transit->jitter;
    transit->step_trend = transit->trend;
  }
}

/* As many packets behind the step have come as tell how long the way takes. */
static void
judge_step(WzpTransit *transit, unsigned duration_ms)
{
  unsigned at = transit->step_at;
  int64_t before_least, before_most, least, most;
  if (at < 2 || transit->n - at < transit->few)
    return;
  transit->step_at = 0;
  range_of(transit, at - MIN(at, WZP_TRANSIT_PACKETS), at, &before_least, &before_most);
  range_of(transit, at, transit->n, &least, &most);
  int64_t step = least - before_least;
  double calm = MIN((double)step / STEP_FLAT, STEP_CALM * (transit->few - 1) * duration_ms);
  double flat = MAX(calm, STEP_RANGE * transit->step_jitter);
  if (step < STEP_MS || (double)(before_most - before_least) > flat ||
      (double)(most - least) > flat)
    return;
  transit->stepped += (uint64_t)step;
  transit->jitter = transit->step_jitter;
  transit->trend = transit->step_trend;
}

uint64_t
wzp_transit_stepped(const WzpTransit *transit)
{
  return transit->stepped;
}

void
wzp_transit_packet(WzpTransit *transit, WzpTime now, uint64_t media_ms, unsigned duration_ms)
{
  int64_t ms = now / WZP_MSEC - (int64_t)media_ms - duration_ms;
  if (transit->n > 0) {
    int64_t last = transit_of(transit, transit->n - 1);
    double more = (double)(ms - last);
    watch_run(transit, more, duration_ms);
    watch_step(transit, more);
    transit->jitter += JITTER_STEP * (fabs(more - transit->trend) - transit->jitter);
    transit->trend += JITTER_STEP * (more - transit->trend);
  } else {
    transit->reported = (double)(transit->least = ms);
  }
  transit->least = MIN(transit->least, ms);
  transit->few = CLAMP(LATELY_MS / MAX(duration_ms, 1), 2, WZP_TRANSIT_PACKETS);
  transit->latest[transit->n++ % WZP_TRANSIT_REMEMBERED] = ms;
  judge_step(transit, duration_ms);
  transit->heard = media_ms;
  transit->heard_at = now;
}

int64_t
wzp_transit_ms(const WzpTransit *transit)
{
  int64_t least = INT64_MAX;
  if (!transit->told)
    return transit->least;
  if (wzp_transit_passes(transit) > 0)
    return transit_of(transit, transit->n - 1);
  for (unsigned i = 1; i <= MIN(transit->n, transit->few); i++)
    least = MIN(least, transit_of(transit, transit->n - i));
  return least;
}

int64_t
wzp_transit_tell(WzpTransit *transit)
{
  int64_t ms = wzp_transit_ms(transit);
  transit->told = true;
  transit->reported = (double)ms;
  return ms;
}

bool
wzp_transit_moved(const WzpTransit *transit)
{
  return transit->n >= WZP_TRANSIT_PACKETS &&
         fabs((double)wzp_transit_ms(transit) - transit->reported) > MOVED_MS + 2 * transit->jitter;
}
