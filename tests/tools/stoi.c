/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How intelligible a recording still is: STOI against what was said. Exit code 0: fine; 1: a bound was
 * missed; 2: usage or an unreadable file. */
#include "speech.h"
#include <locale.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
  double minimum = -1, seconds = 0, level = -200;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
      {"min", 'm', 0, G_OPTION_ARG_DOUBLE, &minimum, "Exit with 1 when STOI is below", "STOI"},
      {"min-seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "Exit with 1 when DEGRADED is shorter",
       "SECONDS"},
      {"min-level", 'l', 0, G_OPTION_ARG_DOUBLE, &level, "Exit with 1 when DEGRADED is softer",
       "DBFS"},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &json, "One JSON object instead of text", NULL},
      {0}};
  GError *error = NULL;
  setlocale(LC_NUMERIC, "C");
  GOptionContext *context = g_option_context_new("REFERENCE.wav DEGRADED.wav");
  g_option_context_set_summary(context, "Prints the STOI of DEGRADED, its level and its length.");
  g_option_context_add_main_entries(context, entries, NULL);
  gboolean good = g_option_context_parse(context, &argc, &argv, &error);
  g_option_context_free(context);
  if (good && argc != 3) {
    g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "name two files: what was said, and the recording");
    good = FALSE;
  }
  Speech *reference = good ? speech_read(argv[1], &error) : NULL;
  Speech *degraded = reference ? speech_read(argv[2], &error) : NULL;
  if (!degraded) {
    g_printerr("stoi: %s\n", error->message);
    g_error_free(error);
    speech_free(reference);
    return 2;
  }
  const SpeechScore score = speech_score(reference, degraded);
  const double length = (double)degraded->length / degraded->rate;
  const double loudness = speech_level(degraded);
  printf(json ? "{\"stoi\":%.4f,\"estoi\":%.4f,\"level_dbfs\":%.1f,\"seconds\":%.3f,"
                "\"offset_seconds\":%.3f}\n"
              : "STOI %.4f, ESTOI %.4f, level %.1f dBFS, %.3f s, begins at %.3f s\n",
         score.stoi, score.estoi, loudness, length, score.offset);
  speech_free(reference);
  speech_free(degraded);
  return score.stoi < minimum || length < seconds || loudness < level;
}
