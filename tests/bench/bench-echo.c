/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench-echo-webrtc.h"
#include "bench-util.h"
#include "callgrind.h"
#include "tests/tools/echo-room.h"
#include "tests/tools/speech.h"
#include "wzp/echo.h"
#include <gst/gst.h>
#include <locale.h>
#include <math.h>
#include <string.h>

/* What echo cancelling leaves of echo and of speech, and its cost, by the code that wzpecho runs and, where the package
 * gst-plugins-bad is there, by webrtcdsp.
 *
 *   bench-echo [--engine speex|webrtc] [--json] [--cost] [--drift PPM] SPEECH.wav...
 *
 * Each recording is played in rooms with echoes of 30, 80 and 150 ms that are 6, 9 and 12 dB softer (tests/tools/echo-room.h),
 * with noise of -70 dB in the microphone. First only the far end speaks: ERLE, the power that came in over that which came out, from 3 s on, and
 * the time until a second has 20 dB. Then, from 6 s on, somebody speaks here, too: STOI and SI-SDR of that against
 * what was spoken here. Cost: instructions to clean a second of it. --drift: the microphone's clock against the loudspeaker's. */

#define RATE 48000
#define FRAME WZP_ECHO_SAMPLES
#define LEVEL -23.0
#define NOISE -70.0
#define CONVERGED 3 /* s */
#define TALK 6      /* s, until somebody speaks here */
#define COSTED 2    /* s */

typedef struct {
  double erle, stoi, si_sdr, converged;
  guint never; /* converged */
} Score;

static double drift;

static double *
samples_of(const Speech *speech, gsize n)
{
  double *x = g_new0(double, n), gain = pow(10, (LEVEL - speech_level(speech)) / 20);
  for (gsize i = 0; i < n; i++)
    x[i] = gain * speech->samples[i % speech->length];
  return x;
}

static void
add_noise(double *x, gsize n, guint32 seed)
{
  GRand *random = g_rand_new_with_seed(seed);
  double level = pow(10, NOISE / 20) * sqrt(12);
  for (gsize i = 0; i < n; i++)
    x[i] += level * (g_rand_double(random) - 0.5);
  g_rand_free(random);
}

static gint16
pcm_of(double x)
{
  return (gint16)CLAMP(lrint(x * 32768), -32768, 32767);
}

/* What is heard, by a clock that runs a little differently. */
static double *
drifted(double *x, gsize n)
{
  if (drift == 0)
    return x;
  double *y = g_new0(double, n);
  for (gsize i = 0; i < n; i++) {
    double at = (double)i * (1 + drift * 1e-6);
    gsize k = (gsize)at;
    if (k + 1 < n)
      y[i] = x[k] + (at - (double)k) * (x[k + 1] - x[k]);
  }
  g_free(x);
  return y;
}

static void
cancel(const char *engine, const double *played, const double *heard, double *out, gsize n)
{
  gint16 far[FRAME], near[FRAME], clean[FRAME];
  gboolean webrtc = strcmp(engine, "webrtc") == 0;
  WzpEcho *echo = webrtc ? NULL : wzp_echo_new();
  BenchWebrtc *other = webrtc ? bench_webrtc_new() : NULL;
  gsize delay = webrtc ? 0 : WZP_ECHO_DELAY * FRAME;
  bench_require(echo != NULL || other != NULL, "webrtcdsp is not there: install gst-plugins-bad");
  for (gsize at = 0; at + FRAME <= n; at += FRAME) {
    for (guint i = 0; i < FRAME; i++) {
      far[i] = pcm_of(played[at + i]);
      near[i] = pcm_of(heard[at + i]);
    }
    gint64 time = (gint64)at * 1000000 / 48;
    if (webrtc) {
      bench_webrtc_frame(other, far, near, clean);
    } else {
      wzp_echo_play(echo, time, far, FRAME);
      if (at >= 2 * FRAME) { /* what is played is known before it sounds */
        for (guint i = 0; i < FRAME; i++)
          near[i] = pcm_of(heard[at - 2 * FRAME + i]);
        wzp_echo_hear(echo, time - 20000000, near, clean);
      }
    }
    gsize lag = webrtc ? 0 : 2 * FRAME + delay;
    for (guint i = 0; i < FRAME; i++)
      if (at + i >= lag)
        out[at + i - lag] = clean[i] / 32768.0;
  }
  wzp_echo_free(echo);
  g_clear_pointer(&other, bench_webrtc_free);
}

static double
power(const double *x, gsize from, gsize to)
{
  double sum = 1e-20;
  for (gsize i = from; i < to; i++)
    sum += x[i] * x[i];
  return sum / (double)MAX(to - from, 1);
}

static void
far_end_only(const char *engine, const EchoRoom *room, const Speech *far, Score *score)
{
  gsize n = 14 * RATE;
  g_autofree double *played = samples_of(far, n), *heard = g_new0(double, n),
                    *out = g_new0(double, n);
  echo_room_add(room, played, heard, n);
  add_noise(heard, n, room->seed);
  heard = drifted(heard, n);
  cancel(engine, played, heard, out, n);
  gsize end = n - RATE / 10;
  score->erle = 10 * log10(power(heard, CONVERGED * RATE, end) / power(out, CONVERGED * RATE, end));
  score->converged = -1;
  for (gsize at = 0; at + RATE < end && score->converged < 0; at += RATE / 10)
    if (power(heard, at, at + RATE) / power(out, at, at + RATE) > 100)
      score->converged = (double)at / RATE;
  if (g_getenv("BENCH_ECHO_VERBOSE") != NULL) {
    printf("  late %u:", room->late);
    for (gsize at = 0; at + RATE <= end; at += RATE)
      printf(" %.0f", 10 * log10(power(heard, at, at + RATE) / power(out, at, at + RATE)));
    printf("\n");
  }
}

static void
double_talk(const char *engine, const EchoRoom *room, const Speech *far, const Speech *near,
            Score *score)
{
  gsize n = 18 * RATE, from = TALK * RATE, end = n - RATE / 10;
  g_autofree double *played = samples_of(far, n), *heard = g_new0(double, n);
  g_autofree double *spoken = samples_of(near, n), *out = g_new0(double, n);
  memset(spoken, 0, from * sizeof *spoken);
  echo_room_add(room, played, heard, n);
  add_noise(heard, n, room->seed);
  heard = drifted(heard, n);
  for (gsize i = from; i < n; i++)
    heard[i] += spoken[i];
  cancel(engine, played, heard, out, n);
  Speech clean = {RATE, end - from, spoken + from}, left = {RATE, end - from, out + from};
  score->stoi = speech_stoi(&clean, &left, NULL);
  score->si_sdr = speech_si_sdr(&clean, &left);
}

/* Million instructions a second of sound, counted in a run of this program over COSTED seconds. */
static double
cost(const char *program, const char *file)
{
  g_autoptr(GError) error = NULL;
  const char *command[] = {program, "--only-run", file, NULL};
  double count = callgrind_instructions("wzp_echo_hear", command, &error);
  bench_require(count >= 0, error ? error->message : NULL);
  return count / COSTED / 1e6;
}

static Speech *
read_speech(const char *file)
{
  g_autoptr(GError) error = NULL;
  Speech *recorded = speech_read(file, &error);
  bench_require(recorded != NULL, error ? error->message : "no speech");
  Speech *speech = speech_resample(recorded, RATE);
  speech_free(recorded);
  return speech;
}

static void
only_run(const char *file)
{
  const EchoRoom room = {30, 200, 6, 1};
  Speech *far = read_speech(file);
  gsize n = COSTED * RATE;
  g_autofree double *played = samples_of(far, n), *heard = g_new0(double, n),
                    *out = g_new0(double, n);
  echo_room_add(&room, played, heard, n);
  cancel("speex", played, heard, out, n);
  exit(0);
}

int
main(int argc, char **argv)
{
  static const EchoRoom rooms[] = {{30, 200, 6, 1}, {80, 300, 9, 2}, {150, 200, 12, 3}};
  gboolean json = FALSE, run = FALSE, costs = FALSE;
  double min_erle = -100, min_stoi = -1;
  gchar **files = NULL;
  g_autofree gchar *engine = NULL;
  const GOptionEntry options[] = {
      {"engine", 0, 0, G_OPTION_ARG_STRING, &engine, "speex (the default) or webrtc", "NAME"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object instead of text", NULL},
      {"drift", 0, 0, G_OPTION_ARG_DOUBLE, &drift, "Of the microphone's clock (0)", "PPM"},
      {"min-erle", 0, 0, G_OPTION_ARG_DOUBLE, &min_erle, "Fail below", "DB"},
      {"min-stoi", 0, 0, G_OPTION_ARG_DOUBLE, &min_stoi, "Fail below", "STOI"},
      {"cost", 0, 0, G_OPTION_ARG_NONE, &costs, "Count instructions of speex, too (needs valgrind)",
       NULL},
      {"only-run", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &run, NULL, NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL},
      {0}};
  g_autoptr(GError) error = NULL;
  setlocale(LC_NUMERIC, "C");
  g_autoptr(GOptionContext) context = g_option_context_new("SPEECH.wav...");
  g_option_context_add_main_entries(context, options, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || files == NULL) {
    fprintf(stderr, "bench-echo: %s\n", error ? error->message : "give recordings of speech");
    return 2;
  }
  gst_init(NULL, NULL);
  if (run)
    only_run(files[0]);
  if (engine == NULL)
    engine = g_strdup("speex");

  guint n = g_strv_length(files), count = n * G_N_ELEMENTS(rooms);
  Score mean = {0};
  double least = 1000;
  for (guint f = 0; f < n; f++) {
    Speech *far = read_speech(files[f]), *near = read_speech(files[(f + 1) % n]);
    for (guint r = 0; r < G_N_ELEMENTS(rooms); r++) {
      Score one = {0};
      far_end_only(engine, &rooms[r], far, &one);
      double_talk(engine, &rooms[r], far, near, &one);
      mean.erle += one.erle / count;
      mean.stoi += one.stoi / count;
      mean.si_sdr += one.si_sdr / count;
      least = MIN(least, one.erle);
      mean.never += one.converged < 0;
      mean.converged += MAX(one.converged, 0) / count;
      if (!json)
        printf("%s, echo of %u ms, %g dB softer: ERLE %.1f dB, 20 dB after %.1f s; two at once: "
               "STOI %.3f, "
               "SI-SDR %.1f dB\n",
               files[f], rooms[r].late, rooms[r].loss, one.erle, one.converged, one.stoi,
               one.si_sdr);
    }
    speech_free(far);
    speech_free(near);
  }
  double mips = costs ? cost(argv[0], files[0]) : 0;
  printf(json ? "{\"engine\":\"%s\",\"erle_db\":%.2f,\"erle_least_db\":%.2f,\"converged_s\":%.2f,"
                "\"never\":%u,"
                "\"stoi\":%.4f,\"si_sdr_db\":%.2f,\"mips\":%.1f}\n"
              : "%s: ERLE %.1f dB (least %.1f), 20 dB after %.1f s (never: %u); two at once: STOI "
                "%.3f, SI-SDR "
                "%.1f dB; %.1f million instructions a second\n",
         engine, mean.erle, least, mean.converged, mean.never, mean.stoi, mean.si_sdr, mips);
  return mean.erle < min_erle || mean.stoi < min_stoi;
}
