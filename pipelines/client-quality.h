/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

/* How well is spoken, and why: the message wzp-quality and the fields of that name in the stats of wzpcall. */
typedef struct {
  char *tier, *profile, *reason, *verdict, *text;   /* NULL: nothing was said */
  double uplink_loss, residual_loss, downlink_loss; /* 0..1; negative: unknown */
  double queue, round_trip;                         /* ms; negative: unknown */
  double steps_down, steps_up;
} ClientQuality;

void client_quality_init(ClientQuality *quality);
void client_quality_clear(ClientQuality *quality);
/* True: another tier or verdict than before; text says it to people. */
gboolean client_quality_take(ClientQuality *quality, const GstStructure *structure);
