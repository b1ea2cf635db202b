/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "hearing.h"
#include <string.h>

static void
set_talks(WzpHearing *hearing, uint8_t slot, bool talks)
{
  if (slot > WZP_SLOT_MAX || hearing->talks[slot] == talks)
    return;
  hearing->talks[slot] = talks;
  hearing->n_talk += talks ? 1 : -1;
}

void
wzp_hearing_opened(WzpHearing *hearing, WzpTime now, uint8_t slot, bool more)
{
  set_talks(hearing, slot, more);
  hearing->media = now;
  hearing->unheard = false;
}

void
wzp_hearing_forget(WzpHearing *hearing, uint8_t slot)
{
  set_talks(hearing, slot, false);
  hearing->unheard &= hearing->n_talk > 0;
}

void
wzp_hearing_forget_all(WzpHearing *hearing)
{
  memset(hearing->talks, 0, sizeof hearing->talks);
  hearing->n_talk = 0;
  hearing->unheard = false;
}

bool
wzp_hearing_is_due(const WzpHearing *hearing, WzpTime now)
{
  return hearing->n_talk > 0 && now - hearing->media >= WZP_HEARING_PATIENCE;
}

void
wzp_hearing_judge(WzpHearing *hearing, WzpTime now, WzpTime sign)
{
  if (!wzp_hearing_is_due(hearing, now))
    return;
  if (sign - hearing->media >= WZP_HEARING_TALK_OVER) {
    wzp_hearing_forget_all(hearing);
    return;
  }
  hearing->times += !hearing->unheard;
  hearing->unheard = true;
}

WzpTime
wzp_hearing_next_timeout(const WzpHearing *hearing)
{
  return hearing->n_talk > 0 && !hearing->unheard ? hearing->media + WZP_HEARING_PATIENCE
                                                  : WZP_NEVER;
}
