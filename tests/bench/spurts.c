/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "spurts.h"
#include "noise.h"
#include <math.h>

#define FRAME SPURTS_FRAME
#define LEVEL -26.0
#define SPEECH_BELOW 30.0
#define BRIDGE 10 /* frames of a pause that is none */
#define ACTIVITY 0.387

Spurts *
spurts_new(void)
{
  Spurts *spurts = g_new(Spurts, 1);
  spurts->samples = g_array_new(FALSE, TRUE, sizeof(double));
  spurts->labels = g_array_new(FALSE, TRUE, sizeof(gboolean));
  return spurts;
}

void
spurts_free(Spurts *spurts)
{
  g_array_unref(spurts->samples);
  g_array_unref(spurts->labels);
  g_free(spurts);
}

void
spurts_add_silence(Spurts *spurts, gsize samples)
{
  samples -= samples % FRAME;
  g_array_set_size(spurts->samples, spurts->samples->len + (guint)samples);
  g_array_set_size(spurts->labels, spurts->samples->len / FRAME);
}

static void
add_spurt(Spurts *spurts, const double *x, gsize frames, double gain)
{
  double threshold = pow(10, (LEVEL - SPEECH_BELOW) / 10) / gain / gain;
  for (gsize k = 0; k < frames; k++) {
    gboolean speech = noise_power(x + k * FRAME, FRAME) > threshold;
    for (gsize i = 0; i < FRAME; i++) {
      double sample = x[k * FRAME + i] * gain;
      g_array_append_val(spurts->samples, sample);
    }
    g_array_append_val(spurts->labels, speech);
  }
}

static double
gain_of(const Speech *speech)
{
  double loud = 0;
  gsize frames = speech->length / FRAME, n_loud = 0;
  for (gsize k = 0; k < frames; k++) {
    double p = noise_power(speech->samples + k * FRAME, FRAME);
    if (noise_decibel(p) > -50) {
      loud += p;
      n_loud++;
    }
  }
  return sqrt(pow(10, LEVEL / 10) / (loud / (double)MAX(n_loud, 1)));
}

typedef struct {
  gsize first, frames;
  double pause; /* behind it, as a part of all pauses */
} Spurt;

static GArray *
find_spurts(const Speech *speech, double gain, GRand *random)
{
  GArray *found = g_array_new(FALSE, FALSE, sizeof(Spurt));
  double threshold = pow(10, (LEVEL - SPEECH_BELOW) / 10) / gain / gain;
  gsize frames = speech->length / FRAME;
  for (gsize k = 0; k < frames;) {
    gsize last = k, end = k;
    if (noise_power(speech->samples + k * FRAME, FRAME) <= threshold) {
      k++;
      continue;
    }
    for (; end < frames && end - last < BRIDGE; end++) {
      if (noise_power(speech->samples + end * FRAME, FRAME) > threshold)
        last = end;
    }
    Spurt spurt = {k, last + 1 - k, -log(1 - g_rand_double(random))};
    g_array_append_val(found, spurt);
    k = end;
  }
  return found;
}

gsize
spurts_add(Spurts *spurts, const Speech *speech, GRand *random)
{
  double gain = gain_of(speech), pauses = 0;
  g_autoptr(GArray) found = find_spurts(speech, gain, random);
  gsize talk = 0;
  for (guint i = 0; i < found->len; i++) {
    talk += g_array_index(found, Spurt, i).frames;
    pauses += g_array_index(found, Spurt, i).pause;
  }
  double pause_frames = (double)talk * (1 / ACTIVITY - 1) - BRIDGE * (double)found->len;
  for (guint i = 0; i < found->len; i++) {
    const Spurt *spurt = &g_array_index(found, Spurt, i);
    add_spurt(spurts, speech->samples + spurt->first * FRAME, spurt->frames, gain);
    spurts_add_silence(spurts, (gsize)(BRIDGE + pause_frames * spurt->pause / pauses) * FRAME);
  }
  return talk;
}
