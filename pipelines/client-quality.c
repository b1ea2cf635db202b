/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-quality.h"
#include <string.h>

void
client_quality_init(ClientQuality *quality)
{
  *quality = (ClientQuality){
      .uplink_loss = -1, .residual_loss = -1, .downlink_loss = -1, .queue = -1, .round_trip = -1};
}

void
client_quality_clear(ClientQuality *quality)
{
  g_free(quality->tier);
  g_free(quality->profile);
  g_free(quality->reason);
  g_free(quality->verdict);
  g_free(quality->text);
  client_quality_init(quality);
}

static gboolean
take_text(char **text, const GstStructure *structure, const char *field)
{
  const char *value = gst_structure_get_string(structure, field);
  if (value == NULL || g_strcmp0(*text, value) == 0)
    return FALSE;
  g_free(*text);
  *text = g_strdup(value);
  return TRUE;
}

static void
take_count(double *number, const GstStructure *structure, const char *field)
{
  guint64 count;
  if (gst_structure_get_uint64(structure, field, &count))
    *number = (double)count;
}

gboolean
client_quality_take(ClientQuality *quality, const GstStructure *structure)
{
  gboolean tier = take_text(&quality->tier, structure, "tier");
  gboolean verdict = take_text(&quality->verdict, structure, "verdict");
  take_text(&quality->profile, structure, "profile");
  take_text(&quality->reason, structure, "reason");
  take_text(&quality->text, structure, "text");
  take_text(&quality->text, structure, "verdict-text");
  gst_structure_get_double(structure, "uplink-loss", &quality->uplink_loss);
  gst_structure_get_double(structure, "residual-loss", &quality->residual_loss);
  gst_structure_get_double(structure, "downlink-loss", &quality->downlink_loss);
  gst_structure_get_double(structure, "queue-ms", &quality->queue);
  gst_structure_get_double(structure, "path-round-trip", &quality->round_trip);
  take_count(&quality->steps_down, structure, "tier-steps-down");
  take_count(&quality->steps_up, structure, "tier-steps-up");
  return tier || verdict;
}
