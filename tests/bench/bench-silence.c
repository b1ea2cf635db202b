/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "noise.h"
#include "spurts.h"
#include "tests/tools/speech.h"
#include "wzp/denoise.h"
#include "wzp/talk.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much of a conversation is not sent, and how much speech is cut, by the code that wzpenc runs.
 *
 *   bench-silence [--denoise] [--min-unsent PERCENT] [--max-cut PERCENT] SPEECH.wav...
 *
 * The speech is laid out as in a conversation (spurts.h). Noise is pink. The room's noise
 * that a listener would hear in the silences is compared with that of the room, in octaves. */

#define FRAME WZP_VAD_SAMPLES

typedef struct {
  double unsent, cut, level_off, band_off;
} Figures;

static Spurts *track;

/* Mean spectrum in the bands of a descriptor. */
typedef struct {
  WzpFft fft;
  WzpNoise sum;
  guint n;
} Spectrum;

static void
add_spectrum(Spectrum *spectrum, const gint16 *pcm)
{
  float wave[WZP_FFT_SIZE] = {0}, re[WZP_FFT_BINS], im[WZP_FFT_BINS], bins[WZP_FFT_BINS];
  WzpNoise now;
  double sum = 0;
  for (guint i = 0; i < FRAME; i++) {
    double w = sin(G_PI * (i + 0.5) / FRAME);
    wave[i] = (float)(pcm[i] / 32768.0 * w);
    sum += w * w;
  }
  wzp_fft_forward(&spectrum->fft, wave, re, im);
  for (guint k = 0; k < WZP_FFT_BINS; k++)
    bins[k] = (re[k] * re[k] + im[k] * im[k]) * (float)(2 / (sum * WZP_FFT_SIZE));
  wzp_noise_measure(&now, bins);
  for (guint b = 0; b < WZP_NOISE_BANDS; b++)
    spectrum->sum.power[b] += now.power[b];
  spectrum->n++;
}

static void
compare(const Spectrum *room, const Spectrum *made, Figures *figures)
{
  double all_room = 1e-20, all_made = 1e-20;
  for (guint b = 0; b < WZP_NOISE_BANDS; b++) {
    double r = room->sum.power[b] / MAX(room->n, 1), m = made->sum.power[b] / MAX(made->n, 1);
    all_room += r;
    all_made += m;
    figures->band_off = MAX(figures->band_off, fabs(noise_decibel(r) - noise_decibel(m)));
  }
  figures->level_off = noise_decibel(all_made) - noise_decibel(all_room);
}

/* The next frame of the track, or 20 ms of it with its noise taken away; probability: of speech. */
static void
make_frame(WzpDenoise *denoise, gsize at, const double *noise, gint16 pcm[FRAME],
           float *probability)
{
  gsize n = track->samples->len,
        delay = denoise ? wzp_denoise_delay(denoise) * WZP_DENOISE_SAMPLES : 0;
  float sound[FRAME], clean[FRAME];
  for (gsize i = 0; i < FRAME; i++) {
    gsize from = at + i + delay;
    sound[i] = from < n ? (float)(g_array_index(track->samples, double, from) + noise[from]) : 0;
  }
  *probability = -1;
  for (gsize i = 0; i < FRAME && denoise != NULL; i += WZP_DENOISE_SAMPLES)
    *probability = MAX(*probability, wzp_denoise_frame(denoise, sound + i, clean + i));
  for (gsize i = 0; i < FRAME; i++)
    pcm[i] =
        (gint16)CLAMP(lround((denoise ? clean[i] : sound[i]) * 32768.0), G_MININT16, G_MAXINT16);
}

static Figures
run(double noise_level, gboolean clean, GRand *random)
{
  Figures figures = {0};
  gsize n = track->samples->len - track->samples->len % FRAME, frames = n / FRAME;
  g_autofree double *noise = g_new0(double, n);
  g_autofree gboolean *sent = g_new0(gboolean, frames);
  if (noise_level > -100)
    noise_pink(noise, n, noise_level, random);
  WzpTalk *talk = wzp_talk_new();
  WzpNoiseMaker *maker = wzp_noise_maker_new(1);
  WzpDenoise *denoise = clean ? wzp_denoise_new(NULL) : NULL;
  Spectrum room = {0}, made = {0};
  if (denoise != NULL)
    wzp_denoise_set_strength(denoise, WZP_DENOISE_STRONG);
  wzp_fft_init(&room.fft, WZP_FFT_SIZE);
  wzp_fft_init(&made.fft, WZP_FFT_SIZE);
  WzpTalkOutput output;
  gsize at = 0, unsent = 0, speech = 0, cut = 0;
  for (gsize k = 0; k < frames; k++) {
    gint16 pcm[FRAME], heard[FRAME];
    float probability[WZP_TALK_FRAME_MAX / FRAME] = {-1, -1};
    make_frame(denoise, k * FRAME, noise, pcm, &probability[0]);
    wzp_talk_set_speech(talk, probability);
    wzp_talk_frame(talk, pcm, FRAME);
    if (k + 1 == frames)
      wzp_talk_drain(talk);
    for (; wzp_talk_next(talk, &output); at++) {
      guint8 bytes[WZP_COMFORT_SIZE];
      WzpNoise told;
      sent[at] = output.action == WZP_TALK_SEND;
      unsent += output.action == WZP_TALK_SILENT;
      if (output.action == WZP_TALK_COMFORT) {
        wzp_comfort_write(wzp_talk_room(talk), 20000, bytes);
        wzp_comfort_parse(&told, bytes, sizeof bytes);
        wzp_noise_maker_set(maker, &told);
      }
      if (!sent[at] && !g_array_index(track->labels, gboolean, at)) {
        wzp_noise_maker_make(maker, heard, FRAME);
        add_spectrum(&room, output.pcm);
        add_spectrum(&made, heard);
      }
    }
  }
  for (gsize k = 0; k < frames; k++) {
    speech += g_array_index(track->labels, gboolean, k) != FALSE;
    cut += g_array_index(track->labels, gboolean, k) && !sent[k];
  }
  figures.unsent = 100.0 * (double)unsent / (double)frames;
  figures.cut = 100.0 * (double)cut / (double)MAX(speech, 1);
  compare(&room, &made, &figures);
  wzp_noise_maker_free(maker);
  wzp_talk_free(talk);
  wzp_denoise_free(denoise);
  return figures;
}

int
main(int argc, char **argv)
{
  double min_unsent = 0, max_cut = 100;
  gboolean clean = FALSE;
  gchar **files = NULL;
  const GOptionEntry options[] = {
      {"min-unsent", 0, 0, G_OPTION_ARG_DOUBLE, &min_unsent, "Fail below", "PERCENT"},
      {"max-cut", 0, 0, G_OPTION_ARG_DOUBLE, &max_cut, "Fail above", "PERCENT"},
      {"denoise", 0, 0, G_OPTION_ARG_NONE, &clean, "Behind noise removal", NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL},
      {0}};
  g_autoptr(GError) error = NULL;
  g_autoptr(GOptionContext) context = g_option_context_new("SPEECH.wav...");
  g_option_context_add_main_entries(context, options, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || files == NULL) {
    fprintf(stderr, "bench-silence: %s\n", error ? error->message : "give recordings of speech");
    return 2;
  }
  GRand *random = g_rand_new_with_seed(59);
  track = spurts_new();
  gsize talk = 0;
  spurts_add_silence(track, WZP_NOISE_RATE);
  for (gchar **file = files; *file != NULL; file++) {
    Speech *speech = speech_read(*file, &error);
    if (speech == NULL) {
      fprintf(stderr, "bench-silence: %s\n", error->message);
      return 2;
    }
    Speech *resampled = speech_resample(speech, WZP_NOISE_RATE);
    talk += spurts_add(track, resampled, random);
    speech_free(resampled);
    speech_free(speech);
  }
  gsize speech = 0;
  for (guint k = 0; k < track->labels->len; k++)
    speech += g_array_index(track->labels, gboolean, k) != FALSE;
  printf("%.0f s, %.1f %% in spurts, %.1f %% of the frames are speech\n",
         track->samples->len / 48000.0, 100.0 * (double)talk / track->labels->len,
         100.0 * (double)speech / track->labels->len);

  static const double levels[] = {-200, -70, -50, -40};
  gboolean good = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
    Figures figures = run(levels[i], clean, random);
    char name[32] = "clean";
    if (levels[i] > -100)
      snprintf(name, sizeof name, "pink %.0f dBFS", levels[i]);
    printf("%-13s unsent %.1f %%  speech cut %.2f %%", name, figures.unsent, figures.cut);
    if (levels[i] > -100)
      printf("  noise made: level %+.1f dB, farthest band %.1f dB", figures.level_off,
             figures.band_off);
    printf("\n");
    good = good && figures.unsent >= min_unsent && figures.cut <= max_cut;
    if (levels[i] > -100 && !clean) /* of cleaned noise nothing is left to be like */
      good = good && fabs(figures.level_off) <= 3 && figures.band_off <= 3;
  }
  return good ? 0 : 1;
}
