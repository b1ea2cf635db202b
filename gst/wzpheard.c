/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpheard.h"

typedef struct {
  guint samples;
  gfloat speech;
} Part;

struct WzpHeard {
  GArray *parts; /* of Part; nothing as long as nothing is known */
};

WzpHeard *
wzp_heard_new(void)
{
  WzpHeard *heard = g_new0(WzpHeard, 1);
  heard->parts = g_array_new(FALSE, FALSE, sizeof(Part));
  return heard;
}

void
wzp_heard_free(WzpHeard *heard)
{
  g_array_unref(heard->parts);
  g_free(heard);
}

void
wzp_heard_clear(WzpHeard *heard)
{
  g_array_set_size(heard->parts, 0);
}

void
wzp_heard_add(WzpHeard *heard, guint samples, gfloat speech)
{
  const Part part = {samples, speech};
  if (speech >= 0 || heard->parts->len > 0)
    g_array_append_val(heard->parts, part);
}

void
wzp_heard_keep(WzpHeard *heard, guint samples)
{
  guint left = 0;
  for (guint i = heard->parts->len; i > 0; i--) {
    left += g_array_index(heard->parts, Part, i - 1).samples;
    if (left >= samples) {
      g_array_remove_range(heard->parts, 0, i);
      return;
    }
  }
}

gfloat
wzp_heard_take(WzpHeard *heard, guint samples)
{
  gfloat most = -1;
  while (samples > 0 && heard->parts->len > 0) {
    Part *first = &g_array_index(heard->parts, Part, 0);
    guint taken = MIN(samples, first->samples);
    most = MAX(most, first->speech);
    samples -= taken;
    first->samples -= taken;
    if (first->samples == 0)
      g_array_remove_index(heard->parts, 0);
  }
  return most;
}
