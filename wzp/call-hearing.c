/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"

/* Whether nothing is heard of those who talk, by whatever way (hearing.h). */

/* Where it is one other side, he has one place whatever his slots. */
static uint8_t
place_of(const WzpCall *call, uint8_t slot)
{
  return call->group != NULL ? slot : 0;
}

void
wzp_call_hearing_opened(WzpCall *call, WzpTime now, uint8_t slot, bool more)
{
  wzp_hearing_opened(&call->hearing, now, place_of(call, slot), more);
}

void
wzp_call_hearing_left(WzpCall *call, uint8_t slot)
{
  wzp_hearing_forget(&call->hearing, place_of(call, slot));
}

/* The last sign of life of the one other side, media apart; -1: there are none from end to end. */
static WzpTime
last_sign(const WzpCall *call, WzpTime now)
{
  uint32_t serial;
  WzpPathStats stats;
  const WzpPath *path = wzp_call_path(call, &serial);
  WzpTime sign = -1;
  if (call->dial != NULL)
    sign = wzp_dial_last_heard(call->dial);
  else if (call->config.mode == WZP_CALL_UDP && call->session != NULL)
    sign = wzp_control_last_heard(call->session->control);
  if (path == NULL)
    return sign;
  wzp_path_get_stats(path, now, &stats);
  return stats.heard != WZP_NEVER ? MAX(sign, stats.heard) : sign;
}

static bool
is_quiet(const WzpCall *call)
{
  WzpDialInfo info;
  if (call->dial == NULL)
    return false;
  wzp_dial_get_info(call->dial, &info);
  return info.state != WZP_DIAL_TALKING || info.held || info.remote_held || info.remote_muted;
}

void
wzp_call_hearing_update(WzpCall *call, WzpTime now)
{
  if (wzp_hearing_is_due(&call->hearing, now)) {
    if (is_quiet(call))
      wzp_hearing_forget_all(&call->hearing);
    wzp_hearing_judge(&call->hearing, now, last_sign(call, now));
  }
  if (call->hearing.unheard == call->told_unheard)
    return;
  call->told_unheard = call->hearing.unheard;
  wzp_call_push_event(call, WZP_EVENT_HEARING)->heard = !call->hearing.unheard;
}
