/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "test-util.h"
#include "wzp/quality.h"

/* A sender of 50 packets a second, and listeners who report each second what the test says. */
typedef struct {
  WzpQuality *quality;
  WzpTime now;
  uint64_t media_ms;
  WzpFecLimits users;
  WzpChannelState channel;
  WzpReport reports[8]; /* of each listener */
} Rig;

void rig_init(Rig *rig, const char *profile);
WzpFecPlan rig_plan(const Rig *rig);
WzpQualityState rig_state(const Rig *rig);
WzpTier rig_tier(const Rig *rig);
/* Half a second of packets, as many as the plan makes, of as many bytes as the limit says. */
void rig_talk(Rig *rig);
/* Of 25 packets so many were lost, and of all frames this share (in percent) stayed so; the transit is `delay`. */
bool rig_say(Rig *rig, uint8_t listener, unsigned lost, unsigned residual, unsigned delay);
void rig_report(Rig *rig, unsigned lost, unsigned residual, unsigned delay);
void rig_warm(Rig *rig);
