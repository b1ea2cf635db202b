/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "extrapolate.h"
#include "waveform.h"
#include <math.h>
#include <string.h>

#define ORDER WZP_EXTRAPOLATE_ORDER
#define HISTORY WZP_EXTRAPOLATE_HISTORY
#define PERIOD_MIN 20                         /* 400 Hz */
#define PERIOD_MAX WZP_EXTRAPOLATE_PERIOD_MAX /* 50 Hz */
#define WINDOW 240                            /* 30 ms for the filter */
#define WHITENING 1.0001f                     /* -40 dB of noise keep the filter stable */
#define WIDEN 0.992f                          /* formants lose their sharpness */
#define HOLD 120                              /* samples at full loudness */

static void
autocorrelate(const int16_t *end, double r[ORDER + 1])
{
  float windowed[WINDOW];
  const int16_t *from = end - WINDOW;
  for (unsigned i = 0; i < WINDOW; i++) /* the newest samples count most */
    windowed[i] = (float)from[i] * sinf((float)M_PI * ((float)i + 0.5f) / (1.6f * WINDOW));
  for (unsigned lag = 0; lag <= ORDER; lag++) {
    double sum = 0;
    for (unsigned i = lag; i < WINDOW; i++)
      sum += (double)windowed[i] * windowed[i - lag];
    r[lag] = sum;
  }
  r[0] = r[0] * WHITENING + 1;
}

/* Levinson and Durbin's recursion: x[n] is predicted as the sum of filter[i] * x[n - 1 - i]. */
static void
predict(const double r[ORDER + 1], float filter[ORDER])
{
  double a[ORDER] = {0}, error = r[0];
  for (unsigned i = 0; i < ORDER; i++) {
    double k = r[i + 1], before[ORDER];
    for (unsigned j = 0; j < i; j++)
      k -= a[j] * r[i - j];
    k /= error;
    memcpy(before, a, sizeof a);
    a[i] = k;
    for (unsigned j = 0; j < i; j++)
      a[j] = before[j] - k * before[i - 1 - j];
    error *= 1 - k * k;
  }
  double widen = WIDEN;
  for (unsigned i = 0; i < ORDER; i++, widen *= WIDEN)
    filter[i] = (float)(a[i] * widen);
}

/* The lag at which the newest samples are most like those before; how alike, 0..1. */
static float
find_period(const int16_t *end, unsigned *period)
{
  float best = 0;
  *period = PERIOD_MAX;
  for (unsigned lag = PERIOD_MIN; lag <= PERIOD_MAX; lag++) {
    const int16_t *newest = end - PERIOD_MAX;
    float alike = (float)wzp_waveform_likeness(newest, newest - lag, PERIOD_MAX, 1);
    if (alike > best * 1.02f) { /* of multiples the shortest */
      best = alike;
      *period = lag;
    }
  }
  return fminf(best, 1);
}

static void
begin(WzpExtrapolator *self)
{
  const int16_t *end = self->history + HISTORY;
  double r[ORDER + 1], power = 0;

  autocorrelate(end, r);
  predict(r, self->filter);
  self->voicing = find_period(end, &self->period);
  for (unsigned i = 0; i < self->period; i++) {
    const int16_t *x = end - self->period + i;
    float residual = x[0];
    for (unsigned j = 0; j < ORDER; j++)
      residual -= self->filter[j] * (float)x[-1 - (int)j];
    self->excitation[i] = residual;
    power += (double)residual * residual;
  }
  self->loudness = (float)sqrt(power / self->period);
  for (unsigned j = 0; j < ORDER; j++)
    self->memory[j] = end[-1 - (int)j];
  self->voicing = self->voicing > 0.8f   ? 1
                  : self->voicing < 0.4f ? 0
                                         : (self->voicing - 0.4f) / 0.4f;
  self->at = self->made = 0;
  self->going_on = true;
}

static float
noise(WzpExtrapolator *self)
{
  self->random = self->random * UINT32_C(1664525) + UINT32_C(1013904223);
  return (float)(int32_t)self->random * (1.7320508f / 2147483648.0f); /* of deviation 1 */
}

static int16_t
next_sample(WzpExtrapolator *self)
{
  float lasted = (float)self->made / WZP_EXTRAPOLATE_FADE;
  float periodic = self->voicing * fmaxf(1 - lasted, 0);
  float gain = self->made < HOLD ? 1 : fmaxf(1 - lasted, 0);
  float sample = periodic * self->excitation[self->at] +
                 sqrtf(1 - periodic * periodic) * self->loudness * noise(self);
  for (unsigned j = 0; j < ORDER; j++)
    sample += self->filter[j] * self->memory[j];
  memmove(self->memory + 1, self->memory, (ORDER - 1) * sizeof self->memory[0]);
  self->memory[0] = sample;
  self->at = (self->at + 1) % self->period;
  self->made++;
  return wzp_waveform_saturate(sample * gain);
}

static void
remember(WzpExtrapolator *self, const int16_t *pcm, unsigned n)
{
  if (n > HISTORY) {
    pcm += n - HISTORY;
    n = HISTORY;
  }
  memmove(self->history, self->history + n, (HISTORY - n) * sizeof *pcm);
  memcpy(self->history + HISTORY - n, pcm, n * sizeof *pcm);
}

void
wzp_extrapolator_hear(WzpExtrapolator *self, const int16_t *pcm, unsigned n)
{
  self->going_on = false;
  remember(self, pcm, n);
}

void
wzp_extrapolator_make(WzpExtrapolator *self, int16_t *pcm, unsigned n)
{
  if (!self->going_on)
    begin(self);
  for (unsigned i = 0; i < n; i++)
    pcm[i] = next_sample(self);
  remember(self, pcm, n);
}
