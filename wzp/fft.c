/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fft.h"
#include <math.h>

#define HALF (WZP_FFT_SIZE / 2)

void
wzp_fft_init(WzpFft *fft)
{
  for (unsigned n = 0; n < HALF; n++) {
    fft->cosine[n] = (float)cos(2 * M_PI * n / WZP_FFT_SIZE);
    fft->sine[n] = (float)sin(2 * M_PI * n / WZP_FFT_SIZE);
    unsigned reversed = 0;
    for (unsigned bit = 1, mirror = HALF / 2; bit < HALF; bit <<= 1, mirror >>= 1)
      reversed |= n & bit ? mirror : 0;
    fft->order[n] = (unsigned short)reversed;
  }
}

/* In place, of HALF complex numbers that stand in bit-reversed order: butterflies of two at a time. */
static void
butterflies(const WzpFft *fft, float re[HALF], float im[HALF])
{
  for (unsigned size = 1, step = HALF; size < HALF; size *= 2, step /= 2) {
    for (unsigned k = 0; k < size; k++) {
      float c = fft->cosine[k * step], s = fft->sine[k * step];
      for (unsigned at = k; at < HALF; at += 2 * size) {
        float r = re[at + size] * c + im[at + size] * s;
        float i = im[at + size] * c - re[at + size] * s;
        re[at + size] = re[at] - r;
        im[at + size] = im[at] - i;
        re[at] += r;
        im[at] += i;
      }
    }
  }
}

/* Even samples as real parts, odd ones as imaginary parts make one transform of half the size. */
void
wzp_fft_forward(const WzpFft *fft, const float in[WZP_FFT_SIZE], float re[WZP_FFT_BINS],
                float im[WZP_FFT_BINS])
{
  float zr[HALF], zi[HALF];
  for (unsigned n = 0; n < HALF; n++) {
    zr[fft->order[n]] = in[2 * n];
    zi[fft->order[n]] = in[2 * n + 1];
  }
  butterflies(fft, zr, zi);

  re[0] = zr[0] + zi[0];
  re[HALF] = zr[0] - zi[0];
  im[0] = im[HALF] = 0;
  for (unsigned k = 1; k < HALF; k++) {
    unsigned mirror = HALF - k;
    float even_r = (zr[k] + zr[mirror]) / 2, even_i = (zi[k] - zi[mirror]) / 2;
    float odd_r = (zi[k] + zi[mirror]) / 2, odd_i = (zr[mirror] - zr[k]) / 2;
    re[k] = even_r + odd_r * fft->cosine[k] + odd_i * fft->sine[k];
    im[k] = even_i + odd_i * fft->cosine[k] - odd_r * fft->sine[k];
  }
}

void
wzp_fft_inverse(const WzpFft *fft, const float re[WZP_FFT_BINS], const float im[WZP_FFT_BINS],
                float out[WZP_FFT_SIZE])
{
  float zr[HALF], zi[HALF];
  for (unsigned k = 0; k < HALF; k++) {
    unsigned mirror = HALF - k, at = fft->order[k];
    float even_r = (re[k] + re[mirror]) / 2, even_i = (im[k] - im[mirror]) / 2;
    float r = (re[k] - re[mirror]) / 2, i = (im[k] + im[mirror]) / 2;
    float odd_r = r * fft->cosine[k] - i * fft->sine[k];
    float odd_i = i * fft->cosine[k] + r * fft->sine[k];
    zr[at] = even_r - odd_i;
    zi[at] = -(even_i + odd_r); /* the conjugate: back is forth of it */
  }
  butterflies(fft, zr, zi);
  for (unsigned n = 0; n < HALF; n++) {
    out[2 * n] = zr[n] / HALF;
    out[2 * n + 1] = -zi[n] / HALF;
  }
}
