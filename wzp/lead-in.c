/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "lead-in.h"
#include "waveform.h"
#include <math.h>

#define FADE_IN 1920
#define JOIN 96.0f
#define WRAP 24.0f
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

/* Period after period; where one ends it goes over into the next. */
static float
periodic(const int16_t *pcm, unsigned period, int at)
{
  const int turn = at % (int)period, from = turn < 0 ? turn + (int)period : turn;
  const float in = fminf((float)from / WRAP, 1);
  return in * pcm[from] + (1 - in) * pcm[from + (int)period];
}

static float
mirrored(const int16_t *pcm, int n, int at)
{
  const int turn = at < 0 ? (-1 - at) % (2 * n) : at;
  return pcm[turn < n ? turn : 2 * n - 1 - turn];
}

/* at: below 0 before the speech. Near to that it is one or the other: the two are alike there. */
static float
sample_at(const int16_t *pcm, unsigned n, unsigned period, float voicing, int at)
{
  const float at_join = voicing > 0.5f ? 1 : 0;
  const float share = at_join + (voicing - at_join) * (at < 0 ? fminf((float)-at / JOIN, 1) : 0);
  return share * periodic(pcm, period, at) + sqrtf(1 - share * share) * mirrored(pcm, (int)n, at);
}

void
wzp_lead_in_begin(WzpLeadIn *self, const int16_t *pcm, unsigned n, unsigned ahead)
{
  float voicing;
  const unsigned period = find_period(pcm, n, &voicing);
  const int length = (int)min_of(ahead, WZP_LEAD_IN_MAX);
  for (int at = -length; at < WZP_LEAD_IN_OVERLAP; at++)
    self->sound[length + at] = wzp_waveform_saturate(sample_at(pcm, n, period, voicing, at));
  self->at = 0;
  self->end = (unsigned)length + WZP_LEAD_IN_OVERLAP;
  self->fade = min_of((unsigned)length, FADE_IN);
}

float
wzp_lead_in_share(const WzpLeadIn *self)
{
  if (self->at == self->end)
    return 0;
  const float in = fminf(((float)self->at + 0.5f) / (float)self->fade, 1);
  return in * fminf((float)(self->end - self->at) / WZP_LEAD_IN_OVERLAP, 1);
}

/* It has nothing to do with what else is known, so that their powers add up. */
void
wzp_lead_in_mix(WzpLeadIn *self, int16_t *pcm, unsigned n)
{
  for (unsigned i = 0; i < n && self->at < self->end; i++) {
    const float in = wzp_lead_in_share(self);
    pcm[i] = wzp_waveform_saturate(in * self->sound[self->at] + sqrtf(1 - in * in) * pcm[i]);
    self->at++;
  }
  if (self->at == self->end)
    wzp_lead_in_leave(self);
}

void
wzp_lead_in_leave(WzpLeadIn *self)
{
  self->at = self->end = 0;
}

void
wzp_lead_in_end(WzpLeadIn *self, int16_t *pcm, unsigned n)
{
  const unsigned rest = min_of(min_of(n, WZP_LEAD_IN_OVERLAP), self->end - self->at);
  const float heard = wzp_lead_in_share(self);
  for (unsigned i = 0; i < rest; i++) {
    const float in = heard * (1 - (float)(i + 1) / (float)rest);
    pcm[i] = wzp_waveform_saturate(in * self->sound[self->at + i] + (1 - in) * pcm[i]);
  }
  wzp_lead_in_leave(self);
}
