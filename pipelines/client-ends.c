/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-ends.h"
#include <math.h>

#define SPEECH_UNKNOWN_DB -199.

void
client_ends_init(ClientEnds *ends)
{
  *ends = (ClientEnds){.canceller = "off", .erle = NAN, .gain = NAN, .speech = NAN};
}

void
client_ends_take(ClientEnds *ends, const GstStructure *stats)
{
  const char *canceller = gst_structure_get_string(stats, "echo-canceller");
  client_ends_init(ends);
  if (canceller != NULL)
    g_strlcpy(ends->canceller, canceller, sizeof ends->canceller);
  gst_structure_get_double(stats, "echo-reduction-db", &ends->erle);
  gst_structure_get_double(stats, "gain-db", &ends->gain);
  if (gst_structure_get_double(stats, "speech-db", &ends->speech) &&
      ends->speech < SPEECH_UNKNOWN_DB)
    ends->speech = NAN;
}

char *
client_ends_describe(const ClientEnds *ends)
{
  GString *text = g_string_new(NULL);
  if (g_strcmp0(ends->canceller, "off") != 0) {
    g_string_append_printf(text, "echo by %s", ends->canceller);
    if (!isnan(ends->erle))
      g_string_append_printf(text, ", %.0f dB less of it", ends->erle);
  }
  if (!isnan(ends->gain)) {
    g_string_append_printf(text, "%sgain %+.1f dB", text->len > 0 ? "; " : "", ends->gain);
    if (!isnan(ends->speech))
      g_string_append_printf(text, ", speech comes at %.0f dB", ends->speech);
  }
  return g_string_free(text, text->len == 0);
}
