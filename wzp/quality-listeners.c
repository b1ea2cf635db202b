/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "quality-private.h"

#define SILENCE (15 * WZP_SECOND) /* who says nothing for so long listens no more */
#define MANY 4                    /* listeners, of whom the weakest quarter is left out */

WzpDelivery *
wzp_quality_find(WzpQuality *quality, uint8_t slot)
{
  for (unsigned i = 0; i < quality->n; i++)
    if (quality->paths[i].slot == slot)
      return &quality->paths[i];
  return NULL;
}

WzpDelivery *
wzp_quality_find_or_add(WzpQuality *quality, WzpTime now, uint8_t slot)
{
  for (unsigned i = 0; i < quality->n;) {
    if (quality->paths[i].slot == slot || now - quality->paths[i].at < SILENCE)
      i++;
    else
      quality->paths[i] = quality->paths[--quality->n];
  }
  WzpDelivery *path = wzp_quality_find(quality, slot);
  if (path == NULL && quality->n < WZP_QUALITY_LISTENERS) {
    path = &quality->paths[quality->n++];
    wzp_delivery_init(path, slot);
    quality->alone_since = WZP_NEVER;
  }
  return path;
}

/* How badly he hears us: what stays lost counts most. */
static double
badness(const WzpDelivery *path)
{
  return path->residual * 4 + path->mean_loss +
         MAX(path->queue - wzp_capacity_threshold(path), 0) / 500;
}

static int
compare_badness(gconstpointer a, gconstpointer b)
{
  double x = badness(*(const WzpDelivery *const *)a), y = badness(*(const WzpDelivery *const *)b);
  return x < y ? 1 : x > y ? -1 : 0;
}

const WzpDelivery *
wzp_quality_follow(WzpQuality *quality)
{
  const WzpDelivery *sorted[WZP_QUALITY_LISTENERS];
  for (unsigned i = 0; i < quality->n; i++)
    sorted[i] = &quality->paths[i];
  qsort(sorted, quality->n, sizeof sorted[0], compare_badness);
  unsigned skipped = quality->n >= MANY ? quality->n / MANY : 0, place = 0;
  while (place < quality->n && sorted[place]->slot != quality->followed)
    place++;
  if (place >= quality->n || place < skipped ||
      badness(sorted[skipped]) > 1.3 * badness(sorted[place]) + 0.02)
    quality->followed = sorted[skipped]->slot;
  return wzp_quality_find(quality, (uint8_t)quality->followed);
}
