/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "vad.h"
#include <glib.h>
#include <math.h>
#include <string.h>

#define BANDS 20
#define BIN_HZ ((float)WZP_NOISE_RATE / WZP_FFT_SIZE)

/* Deciding, in dB */
#define SPEECH_SCORE 0.7f
#define SPEECH_PROBABILITY 0.1f /* of a judge who also looked at the room */
#define SPREADS 2.2f            /* of a band's chance variation do not count */
#define BAND_SPREAD 4.3f        /* that variation of one bin */
#define BAND_MOST 15.0f
#define QUIETEST -72.0f       /* below it nothing is speech */
#define PERIODIC_LEVEL -45.0f /* above it what is periodic is no room */
#define PERIODIC 0.6f
#define PERIODIC_FRAMES 3    /* in a row; noise is by chance, now and then */
#define PERIODIC_SCORE 0.25f /* with so much above the room one is enough */
#define PERIODIC_FROM 2      /* bands: below lies hum, above little of a pitch */
#define PERIODIC_TO 17
#define STARTUP 10 /* frames that count as speech until something is known */

/* Hang-over, in frames */
#define HANG 9
#define HANG_SHORT 5
#define RUN_LONG 4 /* frames of speech that earn the long one */

#define SHORTEST (WZP_NOISE_RATE / 500) /* pitch periods, in samples */
#define LONGEST (WZP_NOISE_RATE / 110)

/* Learning */
#define ROOM_RATE 0.1f /* of a frame without speech */
#define TAIL_RATE 0.02f
#define SMOOTHING 0.7f    /* of what the minimum is taken of */
#define BIAS 1.6f         /* the mean is so much above that minimum */
#define MINIMA 6          /* windows */
#define MINIMUM_FRAMES 12 /* of a window */
#define ROOM_LEAST 1e-10f /* of a band */
#define ROOM_FIRST 3e-7f  /* taken for granted of a band: -65 dB */
#define ROOM_LIMIT 4.0f   /* a click is not the room */

static const uint16_t edges[BANDS + 1] = {80,   180,  280,  380,  500,  630,  770,
                                          920,  1080, 1270, 1480, 1720, 2000, 2320,
                                          2700, 3150, 3700, 4400, 5300, 6400, 7700};

struct WzpVad {
  WzpFft fft;
  float window[WZP_VAD_SAMPLES], scale;
  unsigned first[BANDS + 1]; /* bins */
  float left[LONGEST + 1];   /* of the likeness at each lag, by the window */

  float room[BANDS];
  float smooth[BANDS], minimum[MINIMA][BANDS];
  unsigned minimum_frames;
  WzpNoise sound; /* of the room, for others */
  bool sound_known;

  unsigned frames, run, hang, periodic; /* in a row */
  float score;
};

WzpVad *
wzp_vad_new(void)
{
  WzpVad *vad = g_new0(WzpVad, 1);
  float sum = 0;
  wzp_fft_init(&vad->fft, WZP_FFT_SIZE);
  for (unsigned i = 0; i < WZP_VAD_SAMPLES; i++) {
    vad->window[i] = (float)sin(G_PI * (i + 0.5) / WZP_VAD_SAMPLES);
    sum += vad->window[i] * vad->window[i];
  }
  vad->scale = 2 / (sum * WZP_FFT_SIZE);
  for (unsigned b = 0; b <= BANDS; b++)
    vad->first[b] = (unsigned)lroundf(edges[b] / BIN_HZ);
  for (unsigned lag = 0; lag <= LONGEST; lag++) {
    /* the window, half a sine, hides the more the farther apart */
    float away = (float)lag / WZP_VAD_SAMPLES, turn = (float)G_PI * away;
    vad->left[lag] = (1 - away) * cosf(turn) + sinf(turn) / (float)G_PI;
  }
  wzp_vad_reset(vad);
  return vad;
}

void
wzp_vad_free(WzpVad *vad)
{
  g_free(vad);
}

void
wzp_vad_reset(WzpVad *vad)
{
  for (unsigned b = 0; b < BANDS; b++) {
    vad->room[b] = vad->smooth[b] = ROOM_FIRST;
    for (unsigned m = 0; m < MINIMA; m++)
      vad->minimum[m][b] = ROOM_FIRST;
  }
  vad->minimum_frames = vad->frames = vad->run = vad->hang = vad->periodic = 0;
  vad->sound = (WzpNoise){0};
  vad->sound_known = false;
  vad->score = 0;
}

static float
decibel(float power)
{
  return 10 * log10f(fmaxf(power, 1e-12f));
}

/* How alike the frame is to itself a pitch period later: 0..1. From its power spectrum, whose transform that is. */
static float
periodicity(const WzpVad *vad, const float power[WZP_FFT_BINS])
{
  float zero[WZP_FFT_BINS] = {0}, voice[WZP_FFT_BINS] = {0}, alike[WZP_FFT_SIZE], best = 0;
  for (unsigned k = vad->first[PERIODIC_FROM]; k < vad->first[PERIODIC_TO]; k++)
    voice[k] = power[k];
  wzp_fft_inverse(&vad->fft, voice, zero, alike);
  for (unsigned lag = SHORTEST; lag <= LONGEST; lag++)
    best = MAX(best, alike[lag] / (alike[0] * vad->left[lag] + 1e-20f));
  return fminf(best, 1);
}

static float
score_of(const WzpVad *vad, const float band[BANDS])
{
  float score = 0;
  for (unsigned b = 0; b < BANDS; b++) {
    float bins = (float)(vad->first[b + 1] - vad->first[b]);
    float above = decibel(band[b] / vad->room[b]) - SPREADS * BAND_SPREAD / sqrtf(bins);
    score += fminf(fmaxf(above, 0), BAND_MOST);
  }
  return score / BANDS;
}

/* The least that smoothed bands were in the last second or two: not even speech is everywhere all the time. */
static void
follow_minimum(WzpVad *vad, const float band[BANDS])
{
  if (++vad->minimum_frames > MINIMUM_FRAMES) {
    memmove(vad->minimum[1], vad->minimum[0], sizeof vad->minimum - sizeof vad->minimum[0]);
    memcpy(vad->minimum[0], vad->smooth, sizeof vad->smooth);
    vad->minimum_frames = 1;
  }
  for (unsigned b = 0; b < BANDS; b++) {
    vad->smooth[b] = SMOOTHING * vad->smooth[b] + (1 - SMOOTHING) * band[b];
    vad->minimum[0][b] = fminf(vad->minimum[0][b], vad->smooth[b]);
    float least = vad->minimum[0][b];
    for (unsigned m = 1; m < MINIMA; m++)
      least = fminf(least, vad->minimum[m][b]);
    vad->room[b] = fmaxf(fmaxf(vad->room[b], least * BIAS), ROOM_LEAST);
  }
}

static void
learn(WzpVad *vad, const float band[BANDS], const float power[WZP_FFT_BINS])
{
  WzpNoise now;
  for (unsigned b = 0; b < BANDS; b++) {
    float heard = fminf(band[b], vad->room[b] * ROOM_LIMIT);
    vad->room[b] = fmaxf(vad->room[b] + ROOM_RATE * (heard - vad->room[b]), ROOM_LEAST);
  }
  wzp_noise_measure(&now, power);
  /* right behind speech words may still die away */
  float rate = !vad->sound_known                         ? 1
               : vad->hang > 0 && vad->frames >= STARTUP ? TAIL_RATE
                                                         : ROOM_RATE;
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++) {
    float *sound = &vad->sound.power[b];
    float heard = vad->sound_known ? fminf(now.power[b], *sound * ROOM_LIMIT + WZP_NOISE_SILENT)
                                   : now.power[b];
    *sound += rate * (heard - *sound);
  }
  vad->sound_known = true;
}

static bool
is_speech(WzpVad *vad, const int16_t pcm[WZP_VAD_SAMPLES], float probability)
{
  float wave[WZP_FFT_SIZE] = {0}, re[WZP_FFT_BINS], im[WZP_FFT_BINS], power[WZP_FFT_BINS];
  float band[BANDS], total = 0;
  for (unsigned i = 0; i < WZP_VAD_SAMPLES; i++) {
    float x = pcm[i] * (1 / 32768.0f);
    wave[i] = x * vad->window[i];
  }
  wzp_fft_forward(&vad->fft, wave, re, im);
  for (unsigned k = 0; k < WZP_FFT_BINS; k++)
    power[k] = (re[k] * re[k] + im[k] * im[k]) * vad->scale;
  for (unsigned b = 0; b < BANDS; b++) {
    band[b] = 0;
    for (unsigned k = vad->first[b]; k < vad->first[b + 1]; k++)
      band[b] += power[k];
    total += band[b];
  }

  float level = decibel(total);
  vad->score = score_of(vad, band);
  bool judged = probability >= 0;
  bool speech = judged ? probability > SPEECH_PROBABILITY && level > QUIETEST
                       : vad->score > SPEECH_SCORE && level > QUIETEST;
  if (!judged && !speech && level > PERIODIC_LEVEL) {
    vad->periodic = periodicity(vad, power) > PERIODIC ? vad->periodic + 1 : 0;
    speech = vad->periodic >= (vad->score > PERIODIC_SCORE ? 1 : PERIODIC_FRAMES);
  }
  if (!speech)
    learn(vad, band, power);
  follow_minimum(vad, band);
  return speech;
}

bool
wzp_vad_frame(WzpVad *vad, const int16_t pcm[WZP_VAD_SAMPLES], float probability)
{
  bool speech = is_speech(vad, pcm, probability);
  if (vad->frames < STARTUP) {
    vad->frames++;
    vad->hang = MAX(vad->hang, 1);
  }
  if (speech) {
    vad->run++;
    vad->hang = MAX(vad->hang, 1 + (vad->run >= RUN_LONG ? HANG : HANG_SHORT));
  } else {
    vad->run = 0;
  }
  vad->hang -= vad->hang > 0;
  return speech || vad->hang > 0;
}

const WzpNoise *
wzp_vad_room(const WzpVad *vad)
{
  return &vad->sound;
}

float
wzp_vad_score(const WzpVad *vad)
{
  return vad->score;
}
