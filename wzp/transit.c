/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "transit.h"
#include <glib.h>
#include <math.h>

#define JITTER_STEP (1 / 16.0)
#define MOVED_MS 20
#define LATELY_MS 80

void
wzp_transit_packet(WzpTransit *transit, WzpTime now, uint64_t media_ms, unsigned duration_ms)
{
  int64_t ms = now / WZP_MSEC - (int64_t)media_ms - duration_ms;
  if (transit->n > 0) {
    int64_t last = transit->latest[(transit->n - 1) % WZP_TRANSIT_PACKETS];
    double more = (double)(ms - last);
    transit->jitter += JITTER_STEP * (fabs(more - transit->trend) - transit->jitter);
    transit->trend += JITTER_STEP * (more - transit->trend);
  } else {
    transit->reported = (double)(transit->least = ms);
  }
  transit->least = MIN(transit->least, ms);
  transit->few = CLAMP(LATELY_MS / MAX(duration_ms, 1), 2, WZP_TRANSIT_PACKETS);
  transit->latest[transit->n++ % WZP_TRANSIT_PACKETS] = ms;
  transit->heard = media_ms;
  transit->heard_at = now;
}

int64_t
wzp_transit_ms(const WzpTransit *transit)
{
  int64_t least = INT64_MAX;
  if (!transit->told)
    return transit->least;
  for (unsigned i = 1; i <= MIN(transit->n, transit->few); i++)
    least = MIN(least, transit->latest[(transit->n - i) % WZP_TRANSIT_PACKETS]);
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
