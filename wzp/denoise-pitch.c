/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "denoise-pitch.h"
#include "denoise-kernel.h"
#include "vector.h"
#include <glib.h>
#include <math.h>
#include <stdbool.h>

#define HALF_SAMPLES (WZP_PITCH_SAMPLES / 2)
#define HALF_FRAME (WZP_PITCH_FRAME / 2)
#define HALF_LONGEST (WZP_PITCH_LONGEST / 2)
#define HALF_SHORTEST (WZP_PITCH_SHORTEST / 2)
/* The search leaves the shortest periods out; a check for multiples finds them. */
#define SEARCHED (WZP_PITCH_LONGEST - 3 * WZP_PITCH_SHORTEST)
#define ORDER 4

/* Half the rate. */
static void
decimate(const float sound[WZP_PITCH_SAMPLES], float half[HALF_SAMPLES])
{
  half[0] = 0.25f * sound[1] + 0.5f * sound[0];
  for (unsigned i = 1; i < HALF_SAMPLES; i++)
    half[i] = 0.25f * (sound[2 * i - 1] + sound[2 * i + 1]) + 0.5f * sound[2 * i];
}

/* Levinson and Durbin's recursion: what predicts a sample from the ORDER before it. */
static void
predictor(const float alike[ORDER + 1], float lpc[ORDER])
{
  float error = alike[0];
  for (unsigned i = 0; i < ORDER; i++)
    lpc[i] = 0;
  for (unsigned i = 0; i < ORDER && error >= 0.001f * alike[0] && alike[0] != 0; i++) {
    float sum = alike[i + 1];
    for (unsigned j = 0; j < i; j++)
      sum += lpc[j] * alike[i - j];
    float reflection = -sum / error;
    for (unsigned j = 0; j < (i + 1) / 2; j++) {
      float a = lpc[j], b = lpc[i - 1 - j];
      lpc[j] = a + reflection * b;
      lpc[i - 1 - j] = b + reflection * a;
    }
    lpc[i] = reflection;
    error -= reflection * reflection * error;
  }
}

/* Takes what is predictable over a few samples away, so that formants do not pass for a pitch; in place. */
static void
whiten(float x[HALF_SAMPLES])
{
  float alike[ORDER + 1], lpc[ORDER], filter[ORDER + 1], out[HALF_SAMPLES];
  for (unsigned lag = 0; lag <= ORDER; lag++) {
    unsigned n = (HALF_SAMPLES - lag) / 16 * 16;
    alike[lag] = wzp_vector_dot(x + lag, x, n);
    for (unsigned i = n; i < HALF_SAMPLES - lag; i++)
      alike[lag] += x[i + lag] * x[i];
  }
  alike[0] *= 1.0001f;
  for (unsigned lag = 1; lag <= ORDER; lag++)
    alike[lag] -= alike[lag] * (0.008f * (float)lag) * (0.008f * (float)lag);
  predictor(alike, lpc);

  float weight = 1;
  for (unsigned i = 0; i < ORDER; i++)
    lpc[i] *= weight *= 0.9f;
  const float zero = 0.8f;
  for (unsigned i = 0; i <= ORDER; i++)
    filter[i] = (i < ORDER ? lpc[i] : 0) + zero * (i > 0 ? lpc[i - 1] : 1);

  for (unsigned i = 0; i < 2 * WZP_VECTOR_FLOATS; i++) {
    out[i] = x[i];
    for (unsigned j = 0; j <= ORDER && j < i; j++)
      out[i] += filter[j] * x[i - 1 - j];
  }
  for (unsigned i = 2 * WZP_VECTOR_FLOATS; i < HALF_SAMPLES; i += WZP_VECTOR_FLOATS) {
    WzpVector sum = wzp_vector_load(x + i);
    for (unsigned j = 0; j <= ORDER; j++)
      sum += filter[j] * wzp_vector_load(x + i - 1 - j);
    wzp_vector_store(out + i, sum);
  }
  memcpy(x, out, sizeof out);
}

/* The two lags where y is most like x, by alike squared over y's energy there. n: samples. */
static void
best_two(const float *alike, unsigned lags, const float *y, unsigned n, unsigned best[2])
{
  float energy = 1 + wzp_vector_dot(y, y, n);
  float top[2] = {-1, -1}, top_energy[2] = {0, 0};
  best[0] = 0;
  best[1] = 1;
  for (unsigned lag = 0; lag < lags; lag++) {
    /* scaled, so that a square of squares stays in range */
    float a = alike[lag] * 1e-12f, value = a * a;
    if (alike[lag] > 0 && value * top_energy[1] > top[1] * energy) {
      bool first = value * top_energy[0] > top[0] * energy;
      if (first) {
        top[1] = top[0];
        top_energy[1] = top_energy[0];
        best[1] = best[0];
      }
      top[!first] = value;
      top_energy[!first] = energy;
      best[!first] = lag;
    }
    energy = MAX(1, energy + y[lag + n] * y[lag + n] - y[lag] * y[lag]);
  }
}

/* Where the peak lies between samples: -1, 0 or 1 half samples. */
static int
finer(float before, float at, float behind)
{
  if (behind - before > 0.7f * (at - before))
    return 1;
  return before - behind > 0.7f * (at - behind) ? -1 : 0;
}

#define QUARTER_FRAME (HALF_FRAME / 2)
#define QUARTER_LAGS (SEARCHED / 4)
#define LAGS_PADDED ((QUARTER_LAGS + WZP_KERNEL_LAGS - 1) / WZP_KERNEL_LAGS * WZP_KERNEL_LAGS)

/* The period at the full rate. */
static int
search(const float half[HALF_SAMPLES])
{
  const float *frame = half + HALF_LONGEST;
  float x[QUARTER_FRAME], y[QUARTER_FRAME + LAGS_PADDED] = {0};
  float alike[SEARCHED / 2] = {0};
  unsigned best[2];
  for (unsigned i = 0; i < QUARTER_FRAME; i++)
    x[i] = frame[2 * i];
  for (unsigned i = 0; i < QUARTER_FRAME + QUARTER_LAGS; i++)
    y[i] = half[2 * i];
  wzp_denoise_kernel()->compare(x, y, QUARTER_FRAME, LAGS_PADDED, alike);
  best_two(alike, QUARTER_LAGS, y, QUARTER_FRAME, best);

  unsigned coarse[2] = {2 * best[0], 2 * best[1]};
  memset(alike, 0, sizeof alike);
  for (unsigned n = 0; n < 2; n++) {
    unsigned end = MIN(coarse[n] + 3, SEARCHED / 2);
    for (unsigned lag = coarse[n] - MIN(coarse[n], 2); lag < end; lag++)
      alike[lag] = MAX(-1, wzp_vector_dot(frame, half + lag, HALF_FRAME));
  }
  best_two(alike, SEARCHED / 2, half, HALF_FRAME, best);
  int offset = 0;
  if (best[0] > 0 && best[0] < SEARCHED / 2 - 1)
    offset = finer(alike[best[0] - 1], alike[best[0]], alike[best[0] + 1]);
  return WZP_PITCH_LONGEST - (2 * (int)best[0] - offset);
}

static float
gain_of(float alike, float energy_a, float energy_b)
{
  return alike / sqrtf(1 + energy_a * energy_b);
}

/* How good a period must be to win over a multiple of it: less, when the last frame had it; more for short ones, which
 * chance favours. All periods at half the rate. */
static float
threshold(int period, unsigned divisor, int first, const WzpPitch *last, float first_gain)
{
  int away = ABS(period - last->period / 2);
  float same = 0;
  if (away <= 1)
    same = last->gain;
  else if (away <= 2 && 5 * (int)(divisor * divisor) < first)
    same = 0.5f * last->gain;
  if (period < 3 * HALF_SHORTEST)
    return MAX(0.4f, 0.85f * first_gain - same);
  return MAX(0.3f, 0.7f * first_gain - same);
}

/* Whether a part of the period does as well as it. */
static void
undo_multiples(const float half[HALF_SAMPLES], int period, WzpPitch *pitch)
{
  /* which other multiple of the part must be alike, too */
  static const unsigned char second[16] = {0, 0, 3, 2, 3, 2, 5, 2, 3, 2, 3, 2, 5, 2, 3, 2};
  const float *x = half + HALF_LONGEST;
  float energy[HALF_LONGEST + 1]; /* of what lies so far back */
  int first = MIN(period / 2, HALF_LONGEST - 1), best = first;
  float own = wzp_vector_dot(x, x, HALF_FRAME), running = own;
  energy[0] = own;
  for (int lag = 1; lag <= HALF_LONGEST; lag++) {
    running += x[-lag] * x[-lag] - x[HALF_FRAME - lag] * x[HALF_FRAME - lag];
    energy[lag] = MAX(0, running);
  }
  float best_alike = wzp_vector_dot(x, x - first, HALF_FRAME), best_energy = energy[first];
  float first_gain = gain_of(best_alike, own, best_energy), gain = first_gain;
  for (unsigned k = 2; k <= 15; k++) {
    int part = (int)((2 * (unsigned)first + k) / (2 * k)), other;
    if (part < HALF_SHORTEST)
      break;
    if (k == 2)
      other = part + first > HALF_LONGEST ? first : first + part;
    else
      other = (int)((2 * second[k] * (unsigned)first + k) / (2 * k));
    float alike =
        0.5f * (wzp_vector_dot(x, x - part, HALF_FRAME) + wzp_vector_dot(x, x - other, HALF_FRAME));
    float mean = 0.5f * (energy[part] + energy[other]);
    float part_gain = gain_of(alike, own, mean);
    if (part_gain > threshold(part, k, first, pitch, first_gain)) {
      best_alike = alike;
      best_energy = mean;
      best = part;
      gain = part_gain;
    }
  }
  best_alike = MAX(0, best_alike);
  float ratio = best_energy <= best_alike ? 1 : best_alike / (best_energy + 1);
  float near[3];
  for (int k = 0; k < 3; k++)
    near[k] = wzp_vector_dot(x, x - (best + k - 1), HALF_FRAME);
  pitch->period = MAX(2 * best + finer(near[0], near[1], near[2]), WZP_PITCH_SHORTEST);
  pitch->gain = MIN(ratio, gain);
}

void
wzp_pitch_find(const float sound[WZP_PITCH_SAMPLES], WzpPitch *pitch)
{
  float half[HALF_SAMPLES];
  decimate(sound, half);
  whiten(half);
  undo_multiples(half, search(half), pitch);
}
