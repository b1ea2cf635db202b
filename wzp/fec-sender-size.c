/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-sender-private.h"
#include "fec-plan-private.h"
#include <glib.h>

/* Packets of one size: what the longest packet of the plan takes. */

static size_t
size_with(const WzpFecSender *sender, unsigned symbols)
{
  const WzpFecPlan *plan = &sender->plan;
  size_t frame = wzp_fec_sender_frame(sender, sender->n_frames - 1)->length;
  size_t frames = WZP_FEC_CONSTANT_ELEMENT + plan->frames_per_packet * frame;
  size_t elements = CLAMP(plan->n_programs, 1, symbols);
  size_t repair = symbols > 0 ? elements * WZP_FEC_CONSTANT_REPAIR + symbols * frame : 0;
  return frames + MAX(repair, WZP_FEC_CONSTANT_REPORT) + WZP_FEC_CONSTANT_PADDING;
}

size_t
wzp_fec_sender_room(const WzpFecSender *sender, unsigned budget)
{
  const WzpFecLimits limits = {.budget = budget};
  if (budget == 0)
    return WZP_FEC_BUNDLE_MAX;
  size_t ms = sender->plan.frames_per_packet * sender->stretch.frame_ms;
  size_t income = wzp_fec_media_budget(&limits) / 8 * ms / 1000;
  size_t overhead = wzp_fec_packet_overhead(&sender->limits) + WZP_FEC_CONSTANT_HEADERS;
  return MIN(income > overhead ? income - overhead : 0, WZP_FEC_BUNDLE_MAX);
}

unsigned
wzp_fec_sender_constant_symbols(const WzpFecSender *sender)
{
  unsigned symbols = (sender->plan.symbols_256 + 255) / 256;
  while (symbols > 0 &&
         size_with(sender, symbols) > wzp_fec_sender_room(sender, sender->planned_budget))
    symbols--;
  return symbols;
}

size_t
wzp_fec_sender_constant_size(const WzpFecSender *sender)
{
  if (!sender->limits.constant_size || sender->n_frames == 0)
    return 0;
  return size_with(sender, wzp_fec_sender_constant_symbols(sender));
}
