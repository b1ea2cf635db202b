/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "profile.h"
#include "raptorq.h"

/* What both ends of repair share. A source symbol is length(2) | frame | zeros. */

#define WZP_FEC_FRAME_MAX 480
#define WZP_FEC_SYMBOL_SIZE (2 + WZP_FEC_FRAME_MAX)

#define WZP_FEC_TOLERANCE_MS 4 /* of media times that were rounded */

static inline int
wzp_fec_frame_code(const WzpFraming *framing)
{
  return wzp_framing_frame_code(framing->codec, framing->frame_ms);
}
