/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "numbering.h"
#include <stddef.h>

/* 0 for what lies before the frame 0: packets that came late and had more frames than it looked. */
static uint64_t
count_from(const WzpNumberingAnchor *anchor, uint64_t packet)
{
  unsigned n = anchor->framing->frames_per_packet;
  if (packet < anchor->packet && (anchor->packet - packet) * n > anchor->frame)
    return 0;
  return anchor->frame + (packet - anchor->packet) * n;
}

uint64_t
wzp_numbering_first_frame(WzpNumbering *numbering, const WzpFraming *framing, uint64_t packet)
{
  WzpNumberingAnchor *now = &numbering->now, *before = &numbering->before;

  if (now->framing == NULL) {
    *now = (WzpNumberingAnchor){framing, packet, packet * framing->frames_per_packet};
  } else if (now->framing != framing) {
    if (before->framing == framing && packet < now->packet)
      return count_from(before, packet);
    *before = *now;
    *now = (WzpNumberingAnchor){framing, packet, count_from(before, packet)};
  }
  return count_from(now, packet);
}
