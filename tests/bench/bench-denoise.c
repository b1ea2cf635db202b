/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench-util.h"
#include "callgrind.h"
#include "noise.h"
#include "tests/tools/speech.h"
#include "wzp/denoise.h"
#include <locale.h>
#include <math.h>
#include <string.h>

/* What noise removal does to speech in noise and to clean speech, and its cost, by the code that wzpdenoise runs.
 *
 *   bench-denoise [--engine NAME] [--light] [--json] [--cost] SPEECH.wav...      and bounds: --help
 *
 * Each recording in pink noise, in that of a fan, of a keyboard and of eight voices; --snr dB below it in power. STOI (Taal
 * 2011) and SI-SDR (Le Roux 2019) against the clean recording, means over recordings and noises; beside them those of the
 * noisy sound. Cost: instructions to remove the noise of a second of speech in fan noise. */

#define RATE 48000
#define FRAME WZP_DENOISE_SAMPLES
#define COSTED 2 /* seconds whose instructions are counted */

typedef enum { PINK, FAN, KEYBOARD, BABBLE, N_NOISES, CLEAN = N_NOISES } Noise;
static const char *const names[] = {"pink", "fan", "keyboard", "babble"};

typedef struct {
  double stoi, si_sdr;
} Score;

static Score
score(const Speech *clean, const Speech *heard)
{
  return (Score){speech_stoi(clean, heard, NULL), speech_si_sdr(clean, heard)};
}

static Speech *
copy(const Speech *speech)
{
  Speech *other = g_memdup2(speech, sizeof *speech);
  other->samples = g_memdup2(speech->samples, speech->length * sizeof *speech->samples);
  return other;
}

static Speech *
add_noise(const Speech *speech, Noise noise, double snr)
{
  Speech *noisy = copy(speech);
  gsize n = speech->length;
  if (noise == CLEAN)
    return noisy;
  g_autofree double *x = g_new(double, n);
  double level = speech_level(speech) - snr;
  GRand *random = g_rand_new_with_seed(2018);
  if (noise == PINK)
    noise_pink(x, n, level, random);
  else if (noise == FAN)
    noise_fan(x, n, level, random);
  else if (noise == KEYBOARD)
    noise_keyboard(x, n, level, random);
  else
    noise_babble(x, n, level, random, speech->samples, n);
  g_rand_free(random);
  for (gsize i = 0; i < n; i++)
    noisy->samples[i] += x[i];
  return noisy;
}

static Speech *
denoise(const Speech *noisy, const char *engine, WzpDenoiseStrength strength)
{
  WzpDenoise *denoise = wzp_denoise_new(engine);
  Speech *heard = copy(noisy);
  gsize delay = wzp_denoise_delay(denoise) * FRAME;
  wzp_denoise_set_strength(denoise, strength);
  for (gsize at = 0; at < noisy->length + delay; at += FRAME) {
    float in[FRAME], out[FRAME];
    for (guint i = 0; i < FRAME; i++)
      in[i] = at + i < noisy->length ? (float)noisy->samples[at + i] : 0;
    wzp_denoise_frame(denoise, in, out);
    for (guint i = 0; i < FRAME; i++)
      if (at + i >= delay && at + i - delay < noisy->length)
        heard->samples[at + i - delay] = out[i];
  }
  wzp_denoise_free(denoise);
  return heard;
}

/* Million instructions a second of speech, counted in a run of this program over COSTED seconds. */
static double
cost(const char *program, const char *engine, const char *file)
{
  g_autoptr(GError) error = NULL;
  const char *command[] = {program, "--engine", engine, "--only-run", file, NULL};
  double count = callgrind_instructions("wzp_denoise_frame", command, &error);
  bench_require(count >= 0, error ? error->message : NULL);
  return count / COSTED / 1e6;
}

static void
only_run(const char *engine, const char *file)
{
  Speech *recorded = speech_read(file, NULL);
  bench_require(recorded != NULL, "no speech");
  Speech *clean = speech_resample(recorded, RATE);
  clean->length = MIN(clean->length, COSTED * RATE);
  Speech *noisy = add_noise(clean, FAN, 5);
  speech_free(denoise(noisy, engine, WZP_DENOISE_STRONG));
  exit(0);
}

static void
add(Score *sum, Score one, gsize of)
{
  sum->stoi += one.stoi / (double)of;
  sum->si_sdr += one.si_sdr / (double)of;
}

int
main(int argc, char **argv)
{
  double min_stoi = -1, min_si_sdr = -100, min_clean = -1, max_cost = 1e9, snr = 5;
  gboolean json = FALSE, light = FALSE, run = FALSE, costs = FALSE;
  gchar **files = NULL;
  g_autofree gchar *engine = NULL;
  const GOptionEntry options[] = {
      {"engine", 0, 0, G_OPTION_ARG_STRING, &engine, "rnnoise or speexdsp", "NAME"},
      {"light", 0, 0, G_OPTION_ARG_NONE, &light, "Strength light instead of strong", NULL},
      {"snr", 0, 0, G_OPTION_ARG_DOUBLE, &snr, "Speech above noise (5)", "DB"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object instead of text", NULL},
      {"min-stoi", 0, 0, G_OPTION_ARG_DOUBLE, &min_stoi, "Fail below, in noise", "STOI"},
      {"min-si-sdr", 0, 0, G_OPTION_ARG_DOUBLE, &min_si_sdr, "Fail below, in noise", "DB"},
      {"min-clean", 0, 0, G_OPTION_ARG_DOUBLE, &min_clean, "Fail below, without noise", "STOI"},
      {"cost", 0, 0, G_OPTION_ARG_NONE, &costs, "Count instructions, too (needs valgrind)", NULL},
      {"max-cost", 0, 0, G_OPTION_ARG_DOUBLE, &max_cost, "Fail above (with --cost)", "MIPS"},
      {"only-run", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &run, NULL, NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL},
      {0}};
  g_autoptr(GError) error = NULL;
  setlocale(LC_NUMERIC, "C");
  g_autoptr(GOptionContext) context = g_option_context_new("SPEECH.wav...");
  g_option_context_add_main_entries(context, options, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || files == NULL) {
    fprintf(stderr, "bench-denoise: %s\n", error ? error->message : "give recordings of speech");
    return 2;
  }
  if (engine == NULL)
    engine = g_strdup(wzp_denoise_engine(0));
  WzpDenoise *known = wzp_denoise_new(engine);
  bench_require(known != NULL, "there is no such engine here");
  wzp_denoise_free(known);
  if (run)
    only_run(engine, files[0]);

  WzpDenoiseStrength strength = light ? WZP_DENOISE_LIGHT : WZP_DENOISE_STRONG;
  gsize n = g_strv_length(files);
  Score before[N_NOISES + 1] = {0}, after[N_NOISES + 1] = {0}, noisy_mean = {0}, mean = {0};
  double mips = costs ? cost(argv[0], engine, files[0]) : 0;
  for (gsize f = 0; f < n; f++) {
    Speech *recorded = speech_read(files[f], &error);
    bench_require(recorded != NULL, error ? error->message : "no speech");
    Speech *clean = speech_resample(recorded, RATE);
    for (guint k = 0; k <= CLEAN; k++) {
      Speech *noisy = add_noise(clean, k, snr), *heard = denoise(noisy, engine, strength);
      if (k != CLEAN)
        add(&before[k], score(clean, noisy), n);
      add(&after[k], score(clean, heard), n);
      speech_free(noisy);
      speech_free(heard);
    }
    speech_free(clean);
    speech_free(recorded);
  }
  for (guint k = 0; k < N_NOISES; k++) {
    add(&noisy_mean, before[k], N_NOISES);
    add(&mean, after[k], N_NOISES);
  }
  if (json) {
    printf("{\"engine\":\"%s\",\"strength\":\"%s\",\"recordings\":%zu,\"snr_db\":%g", engine,
           light ? "light" : "strong", n, snr);
    for (guint k = 0; k < N_NOISES; k++)
      printf(
          ",\"%s\":{\"stoi\":%.4f,\"si_sdr_db\":%.2f,\"noisy_stoi\":%.4f,\"noisy_si_sdr_db\":%.2f}",
          names[k], after[k].stoi, after[k].si_sdr, before[k].stoi, before[k].si_sdr);
    printf(",\"stoi\":%.4f,\"si_sdr_db\":%.2f,\"clean_stoi\":%.4f", mean.stoi, mean.si_sdr,
           after[CLEAN].stoi);
    if (costs)
      printf(",\"mips\":%.2f", mips);
    printf("}\n");
  } else {
    printf("%s, speech %g dB above the noise   STOI noisy, then    SI-SDR noisy, then\n", engine,
           snr);
    for (guint k = 0; k < N_NOISES; k++)
      printf("%-32s   %.3f  %.3f          %5.1f  %5.1f\n", names[k], before[k].stoi, after[k].stoi,
             before[k].si_sdr, after[k].si_sdr);
    printf("%-32s   %.3f  %.3f          %5.1f  %5.1f\n", "mean", noisy_mean.stoi, mean.stoi,
           noisy_mean.si_sdr, mean.si_sdr);
    printf("%-32s          %.3f\n", "clean speech", after[CLEAN].stoi);
    if (costs)
      printf("%.2f million instructions a second of speech\n", mips);
  }
  return mean.stoi < min_stoi || mean.si_sdr < min_si_sdr || after[CLEAN].stoi < min_clean ||
         mips > max_cost;
}
