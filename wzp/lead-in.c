/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "lead-in.h"
#include "waveform.h"
#include <math.h>
#include <string.h>

#define FADE_IN 1920
/* A period is looked for at 8 kHz first. */
#define FACTOR (WZP_LEAD_IN_RATE / 8000)
#define COARSE_MAX 480
#define LAG_MIN 20  /* 400 Hz */
#define LAG_MAX 160 /* 50 Hz */
/* so alike one period and the next are in a voice, or at most in noise */
#define VOICED 0.8f
#define UNVOICED 0.4f

static unsigned
min_of(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* A longer lag must be so many times as good: of multiples the shortest is meant. */
static unsigned
find_lag(const int16_t *pcm, unsigned n, unsigned from, unsigned to, float better, float *alike)
{
  unsigned best = from;
  *alike = 0;
  for (unsigned lag = from; lag <= to; lag++) {
    const float this = (float)wzp_waveform_likeness(pcm, pcm + lag, n - to, 1);
    if (this > *alike * better) {
      *alike = this;
      best = lag;
    }
  }
  return best;
}

/* In samples; how periodic it is, 0..1. */
static unsigned
find_period(const int16_t *pcm, unsigned n, float *voicing)
{
  int16_t coarse[COARSE_MAX];
  const unsigned n_coarse = min_of(n / FACTOR, COARSE_MAX);
  float alike, fine;
  for (unsigned i = 0; i < n_coarse; i++) {
    int sum = 0;
    for (unsigned k = 0; k < FACTOR; k++)
      sum += pcm[i * FACTOR + k];
    coarse[i] = (int16_t)(sum / FACTOR);
  }
  const unsigned lag =
      find_lag(coarse, n_coarse, LAG_MIN, min_of(LAG_MAX, n_coarse / 2), 1.02f, &alike) * FACTOR;
  *voicing = fminf(fmaxf((alike - UNVOICED) / (VOICED - UNVOICED), 0), 1);
  return find_lag(pcm, min_of(n, n_coarse * FACTOR), lag - FACTOR, min_of(lag + FACTOR, n / 2), 1,
                  &fine);
}

static int16_t
saturate(float sample)
{
  return (int16_t)fmaxf(fminf(sample, INT16_MAX), INT16_MIN);
}

void
wzp_lead_in_begin(WzpLeadIn *self, const int16_t *pcm, unsigned n, unsigned ahead)
{
  float voicing;
  const unsigned period = find_period(pcm, n, &voicing);
  const float rest = sqrtf(1 - voicing * voicing);
  const unsigned length = min_of(ahead, WZP_LEAD_IN_MAX);
  for (unsigned i = 0; i < length; i++) {
    const unsigned turn = i % (2 * n), mirrored = turn < n ? turn : 2 * n - 1 - turn;
    self->sound[length - 1 - i] =
        saturate(voicing * pcm[period - 1 - i % period] + rest * pcm[mirrored]);
  }
  memcpy(self->sound + length, pcm, WZP_LEAD_IN_OVERLAP * sizeof *pcm);
  self->at = self->faded = 0;
  self->end = length + WZP_LEAD_IN_OVERLAP;
  self->fade = min_of(length, FADE_IN);
}

/* The two have nothing to do with each other, so that their powers add up. */
void
wzp_lead_in_mix(WzpLeadIn *self, int16_t *pcm, unsigned n)
{
  for (unsigned i = 0; i < n && self->at < self->end; i++) {
    const float in =
        self->faded < self->fade ? ((float)self->faded++ + 0.5f) / (float)self->fade : 1;
    pcm[i] = saturate(in * self->sound[self->at++] + sqrtf(1 - in * in) * pcm[i]);
  }
}

void
wzp_lead_in_leave(WzpLeadIn *self)
{
  self->at = self->end = 0;
}

bool
wzp_lead_in_end(WzpLeadIn *self, int16_t *pcm, unsigned n)
{
  const bool leads = self->at < self->end && self->faded == self->fade;
  n = min_of(min_of(n, WZP_LEAD_IN_OVERLAP), self->end - self->at);
  for (unsigned i = 0; i < n && leads; i++)
    pcm[i] = saturate(
        ((float)pcm[i] * (float)(i + 1) + (float)self->sound[self->at + i] * (float)(n - 1 - i)) /
        (float)n);
  wzp_lead_in_leave(self);
  return leads;
}
