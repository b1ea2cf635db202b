/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile.h"
#include "seal-private.h"
#include <string.h>

/* 139 years. What a sender says beyond has no meaning, and must not overflow where it becomes
 * nanoseconds. */
#define MEDIA_MS_MAX (UINT64_C(1) << 42)

/* Time of the packet `index` if it belongs to the anchor's stretch; false when that would lie before
 * the stream's zero. index may be on either side of the anchor. */
static bool
reckon(const WzpMediaAnchor *anchor, uint64_t index, uint64_t *media_ms)
{
  uint64_t duration = wzp_framing_packet_ms(anchor->code);

  if (index >= anchor->index) {
    *media_ms = anchor->media_ms + (index - anchor->index) * duration;
    return *media_ms <= MEDIA_MS_MAX;
  }
  if ((anchor->index - index) * duration > anchor->media_ms)
    return false;
  *media_ms = anchor->media_ms - (anchor->index - index) * duration;
  return true;
}

static bool
agrees(const WzpMediaAnchor *anchor, const WzpMediaAnchor *with)
{
  uint64_t media_ms;

  return anchor->code == with->code && reckon(anchor, with->index, &media_ms) &&
         media_ms == with->media_ms;
}

static void
learn(WzpMediaTime *time, const WzpMediaAnchor *news)
{
  unsigned at = 0;

  while (at < time->n && time->anchors[at].index <= news->index)
    at++;
  if (at > 0 && agrees(&time->anchors[at - 1], news))
    return;
  if (at < time->n && agrees(&time->anchors[at], news)) {
    time->anchors[at] = *news; /* the same stretch began earlier than known */
    return;
  }
  if (time->n == WZP_MEDIA_ANCHORS) {
    if (at == 0)
      return; /* older than all that is remembered */
    memmove(time->anchors, time->anchors + 1, (at - 1) * sizeof time->anchors[0]);
    time->anchors[at - 1] = *news;
    return;
  }
  memmove(time->anchors + at + 1, time->anchors + at, (time->n - at) * sizeof time->anchors[0]);
  time->anchors[at] = *news;
  time->n++;
}

bool
wzp_media_time_of(WzpMediaTime *time, const WzpHeader *header, uint64_t index, uint64_t *media_ms)
{
  const WzpMediaAnchor *anchor = NULL;

  if (header->full) {
    WzpMediaAnchor news = {.index = index, .media_ms = header->timestamp, .code = header->code};
    if (time->n > 0) {
      uint64_t last = time->anchors[time->n - 1].media_ms;
      int32_t step = (int32_t)(header->timestamp - (uint32_t)last);
      if (step < 0 && (uint64_t)(-(int64_t)step) > last)
        return false;
      news.media_ms = last + (uint64_t)(int64_t)step;
      if (news.media_ms > MEDIA_MS_MAX)
        return false;
    }
    learn(time, &news);
    *media_ms = news.media_ms;
    return true;
  }
  for (unsigned i = 0; i < time->n && time->anchors[i].index <= index; i++)
    anchor = &time->anchors[i];
  if (anchor == NULL && time->n > 0)
    anchor = &time->anchors[0]; /* before the first full header that we saw */
  return anchor != NULL && anchor->code == header->code && reckon(anchor, index, media_ms);
}
