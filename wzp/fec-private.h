/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "profile.h"
#include "raptorq.h"

/* What both ends of repair share. A source symbol is length(2) | frame | zeros. */

#define WZP_FEC_FRAME_MAX 480
#define WZP_FEC_SYMBOL_SIZE (2 + WZP_FEC_FRAME_MAX)

/* The code that names one frame of this kind. Codec2 3200 has no packet of one frame: its smallest packet names it.
 * -1 for codes without frames. */
static inline int
wzp_fec_frame_code(const WzpFraming *framing)
{
  for (unsigned n = 1; framing != NULL && framing->frame_ms > 0 && n <= framing->frames_per_packet;
       n++) {
    int code = wzp_framing_code(framing->codec, framing->frame_ms, n);
    if (code >= 0)
      return code;
  }
  return -1;
}
