/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "echo-private.h"
#include <glib.h>
#include <math.h>
#include <speex/speex_echo.h>
#include <string.h>

#define RATE 48000
#define REACH 13         /* frames of the filter: 130 ms */
#define LEAD_NS 10000000 /* the filter begins before the time said */
#define FULL 32768.0f
#define PLAYING 1e-6f /* mean power of what is played, and */
#define HEARING 1e-7f /* of what is heard, that make an echo */
#define RECENT 0.01f  /* of a frame */

typedef struct {
  float sound[WZP_ECHO_WINDOW]; /* the frame before, and this one */
  float re[WZP_ECHO_BINS], im[WZP_ECHO_BINS];
} Spectrum;

struct WzpEcho {
  WzpEchoPlayed *played;
  SpeexEchoState *filter;
  WzpEchoLate late;
  WzpEchoResidual residual;
  WzpFft fft;
  float window[WZP_ECHO_WINDOW];

  Spectrum far, error, echo;
  float overlap[WZP_ECHO_SAMPLES];
  unsigned begin; /* of the filter, in frames behind the time said */
  unsigned realigned;
  int16_t frames[WZP_ECHO_LAGS][WZP_ECHO_SAMPLES]; /* played; the latest at `at` */
  WzpEchoBands powers[WZP_ECHO_LAGS];
  unsigned at;
  float before, after; /* power, of what was heard and what was left */
  float last_heard;    /* power of the frame before: what comes out is of it */
};

static void
make_filter(WzpEcho *echo)
{
  int rate = RATE;
  if (echo->filter == NULL)
    echo->filter = speex_echo_state_init(WZP_ECHO_SAMPLES, REACH * WZP_ECHO_SAMPLES);
  else
    speex_echo_state_reset(echo->filter);
  speex_echo_ctl(echo->filter, SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
}

WzpEcho *
wzp_echo_new(void)
{
  WzpEcho *echo = g_new0(WzpEcho, 1);
  echo->played = wzp_echo_played_new();
  wzp_fft_init(&echo->fft, WZP_ECHO_WINDOW);
  for (unsigned i = 0; i < WZP_ECHO_WINDOW; i++)
    echo->window[i] = (float)sin(G_PI * (i + 0.5) / WZP_ECHO_WINDOW);
  wzp_echo_reset(echo);
  return echo;
}

void
wzp_echo_free(WzpEcho *echo)
{
  if (echo == NULL)
    return;
  speex_echo_state_destroy(echo->filter);
  wzp_echo_played_free(echo->played);
  g_free(echo);
}

void
wzp_echo_reset(WzpEcho *echo)
{
  make_filter(echo);
  wzp_echo_played_reset(echo->played);
  wzp_echo_late_reset(&echo->late);
  wzp_echo_residual_reset(&echo->residual);
  echo->far = echo->error = echo->echo = (Spectrum){0};
  memset(echo->overlap, 0, sizeof echo->overlap);
  memset(echo->frames, 0, sizeof echo->frames);
  memset(echo->powers, 0, sizeof echo->powers);
  echo->begin = echo->realigned = echo->at = 0;
  echo->before = echo->after = echo->last_heard = 0;
}

void
wzp_echo_play(WzpEcho *echo, int64_t time, const int16_t *pcm, size_t n)
{
  wzp_echo_played_put(echo->played, time, pcm, n);
}

/* --- a frame --- */

static void
take(WzpEcho *echo, Spectrum *spectrum, const float sound[WZP_ECHO_SAMPLES], WzpEchoBands *bands)
{
  float windowed[WZP_ECHO_WINDOW];
  memmove(spectrum->sound, spectrum->sound + WZP_ECHO_SAMPLES, WZP_ECHO_SAMPLES * sizeof *sound);
  memcpy(spectrum->sound + WZP_ECHO_SAMPLES, sound, WZP_ECHO_SAMPLES * sizeof *sound);
  for (unsigned i = 0; i < WZP_ECHO_WINDOW; i++)
    windowed[i] = spectrum->sound[i] * echo->window[i];
  wzp_fft_forward(&echo->fft, windowed, spectrum->re, spectrum->im);
  wzp_echo_bands(spectrum->re, spectrum->im, bands);
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++) /* so that all of them are the mean power */
    bands->power[b] *= 4.0f / ((float)WZP_ECHO_WINDOW * WZP_ECHO_WINDOW);
}

static float
power_of(const WzpEchoBands *bands)
{
  float power = 0;
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++)
    power += bands->power[b];
  return power;
}

static void
give(WzpEcho *echo, const float gain[WZP_ECHO_BINS], int16_t out[WZP_ECHO_SAMPLES])
{
  float re[WZP_ECHO_BINS], im[WZP_ECHO_BINS], sound[WZP_ECHO_WINDOW];
  for (unsigned k = 0; k < WZP_ECHO_BINS; k++) {
    re[k] = echo->error.re[k] * gain[k];
    im[k] = echo->error.im[k] * gain[k];
  }
  wzp_fft_inverse(&echo->fft, re, im, sound);
  for (unsigned i = 0; i < WZP_ECHO_SAMPLES; i++) {
    float x = echo->overlap[i] + sound[i] * echo->window[i];
    out[i] = (int16_t)lrintf(CLAMP(x * FULL, -32768, 32767));
    echo->overlap[i] = sound[WZP_ECHO_SAMPLES + i] * echo->window[WZP_ECHO_SAMPLES + i];
  }
}

/* How much less comes out than went in, while something is played. */
static void
measure(WzpEcho *echo, float heard, float played, const int16_t out[WZP_ECHO_SAMPLES])
{
  float power = 0;
  for (unsigned i = 0; i < WZP_ECHO_SAMPLES; i++)
    power += (float)out[i] * out[i];
  power /= WZP_ECHO_SAMPLES * FULL * FULL;
  if (played > PLAYING && echo->last_heard > HEARING) {
    echo->before += RECENT * (echo->last_heard - echo->before);
    echo->after += RECENT * (power - echo->after);
  }
  echo->last_heard = heard;
}

static void
align(WzpEcho *echo, const WzpEchoBands *near)
{
  unsigned begin = wzp_echo_late_find(&echo->late, &echo->powers[echo->at], near, echo->begin);
  if (begin == echo->begin)
    return;
  echo->begin = begin;
  echo->realigned++;
  make_filter(echo);
}

void
wzp_echo_hear(WzpEcho *echo, int64_t time, const int16_t in[WZP_ECHO_SAMPLES],
              int16_t out[WZP_ECHO_SAMPLES])
{
  float sound[WZP_ECHO_SAMPLES], gain[WZP_ECHO_BINS], heard = 0;
  int16_t left[WZP_ECHO_SAMPLES];
  WzpEchoBands error, taken, near;
  echo->at = (echo->at + 1) % WZP_ECHO_LAGS;
  int16_t *now = echo->frames[echo->at];
  wzp_echo_played_get(echo->played, time + LEAD_NS, now);
  unsigned then = (echo->at + WZP_ECHO_LAGS - echo->begin) % WZP_ECHO_LAGS;
  speex_echo_cancellation(echo->filter, in, echo->frames[then], left);

  for (unsigned i = 0; i < WZP_ECHO_SAMPLES; i++)
    sound[i] = now[i] / FULL;
  take(echo, &echo->far, sound, &echo->powers[echo->at]);
  for (unsigned i = 0; i < WZP_ECHO_SAMPLES; i++) {
    sound[i] = left[i] / FULL;
    heard += (float)in[i] * in[i];
  }
  take(echo, &echo->error, sound, &error);
  for (unsigned i = 0; i < WZP_ECHO_SAMPLES; i++)
    sound[i] = (float)(in[i] - left[i]) / FULL;
  take(echo, &echo->echo, sound, &taken);
  for (unsigned k = 0; k < WZP_ECHO_BINS; k++) { /* what was heard is the sum of both */
    echo->echo.re[k] += echo->error.re[k];
    echo->echo.im[k] += echo->error.im[k];
  }
  wzp_echo_bands(echo->echo.re, echo->echo.im, &near);

  wzp_echo_residual_gain(&echo->residual, &error, &taken, &echo->powers[then], gain);
  give(echo, gain, out);
  measure(echo, heard / (WZP_ECHO_SAMPLES * FULL * FULL), power_of(&echo->powers[then]), out);
  align(echo, &near);
}

void
wzp_echo_get_state(const WzpEcho *echo, WzpEchoState *state)
{
  bool known = echo->before > 0 && echo->after >= 0;
  *state = (WzpEchoState){
      .reduction_db = known ? 10 * log10f(echo->before / fmaxf(echo->after, 1e-12f)) : 0,
      .late_ms = 10 * (int)echo->begin - LEAD_NS / 1000000,
      .realigned = echo->realigned,
  };
}
