/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "profile.h"

/* From packet numbers, which the wire carries, to frame numbers, which playout needs. As long as packets
 * have one framing a frame's number is packet * frames_per_packet + its place. Where the framing changes
 * the numbers go on without a hole; a straggler from before the change still gets its old number. */

typedef struct {
  const WzpFraming *framing; /* NULL: not set */
  uint64_t packet, frame;    /* a packet and the number of its first frame */
} WzpNumberingAnchor;

typedef struct {
  WzpNumberingAnchor now, before;
} WzpNumbering;

/* The number of the first frame of a packet. framing is one of the table's, with frames. Start with a
 * zeroed WzpNumbering. */
uint64_t wzp_numbering_first_frame(WzpNumbering *numbering, const WzpFraming *framing,
                                   uint64_t packet);
