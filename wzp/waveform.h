/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <math.h>
#include <stdint.h>

/* What is done with samples in several places. n above 0. */

static inline int16_t
wzp_waveform_saturate(float sample)
{
  return (int16_t)fmaxf(fminf(sample, INT16_MAX), INT16_MIN);
}

/* Mean square. */
static inline double
wzp_waveform_power(const int16_t *pcm, unsigned n)
{
  double sum = 0;
  for (unsigned i = 0; i < n; i++)
    sum += (double)pcm[i] * pcm[i];
  return sum / n;
}

/* Normalised correlation of n samples, each step-th: -1 to 1. */
static inline double
wzp_waveform_likeness(const int16_t *a, const int16_t *b, unsigned n, unsigned step)
{
  double ab = 0, aa = 1, bb = 1;
  for (unsigned i = 0; i < n; i += step) {
    ab += (double)a[i] * b[i];
    aa += (double)a[i] * a[i];
    bb += (double)b[i] * b[i];
  }
  return ab / sqrt(aa * bb);
}
