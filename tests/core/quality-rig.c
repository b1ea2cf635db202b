/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "quality-rig.h"

void
rig_init(Rig *rig, const char *profile)
{
  memset(rig, 0, sizeof *rig);
  rig->quality = wzp_quality_new();
  rig->users = (WzpFecLimits){
      .overhead = WZP_FEC_OVERHEAD_AUTO, .max_delay = 200 * WZP_MSEC, .frames_per_packet = 1};
  wzp_quality_set_profile(rig->quality, wzp_profile_by_name(profile));
}

WzpFecPlan
rig_plan(const Rig *rig)
{
  WzpFecPlan plan;
  WzpFecLimits limits = wzp_quality_limits(rig->quality, &rig->users);
  wzp_fec_plan(&plan, &rig->channel, &limits);
  return plan;
}

WzpQualityState
rig_state(const Rig *rig)
{
  WzpQualityState state;
  wzp_quality_get_state(rig->quality, rig->now, &state);
  return state;
}

WzpTier
rig_tier(const Rig *rig)
{
  return rig_state(rig).tier;
}

void
rig_talk(Rig *rig)
{
  WzpFecPlan plan = rig_plan(rig);
  unsigned step = plan.frames_per_packet * plan.profile->frame_ms;
  unsigned limit = rig_state(rig).limit != 0 ? rig_state(rig).limit : 54000;
  for (unsigned ms = 0; ms < 500; ms += step) {
    wzp_quality_tick(rig->quality, rig->now);
    wzp_quality_sent(rig->quality, rig->now, rig->media_ms, true, limit * step / 8000);
    rig->now += step * WZP_MSEC;
    rig->media_ms += step;
  }
}

bool
rig_say(Rig *rig, uint8_t listener, unsigned lost, unsigned residual, unsigned delay)
{
  WzpFecPlan plan = rig_plan(rig);
  WzpReport *report = &rig->reports[listener];
  report->judged = (uint16_t)(report->judged + 100);
  report->received = (uint16_t)(report->received + 100 - 4 * lost);
  report->runs = (uint16_t)(report->runs + 2 * lost); /* two in a row */
  report->unrepaired = (uint16_t)(report->unrepaired + residual * plan.frames_per_packet);
  report->transit = (uint16_t)delay;
  report->heard = (uint16_t)(rig->media_ms - plan.frames_per_packet * plan.profile->frame_ms);
  report->held = 2;
  rig->channel.loss = lost / 25.0;
  return wzp_quality_report(rig->quality, rig->now, listener, report, &rig->users, &plan,
                            &rig->channel);
}

void
rig_report(Rig *rig, unsigned lost, unsigned residual, unsigned delay)
{
  rig_talk(rig);
  rig_say(rig, 1, lost, residual, delay);
}

void
rig_warm(Rig *rig)
{
  for (unsigned i = 0; i < 10; i++)
    rig_report(rig, 0, 0, 50);
  g_assert_cmpuint(rig_state(rig).limit, ==, 0);
}
