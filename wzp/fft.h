/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* Fourier transform of 1024 real samples, forth and back. */

#define WZP_FFT_SIZE 1024
#define WZP_FFT_BINS (WZP_FFT_SIZE / 2 + 1)

typedef struct {
  float cosine[WZP_FFT_SIZE / 2], sine[WZP_FFT_SIZE / 2]; /* of 2 pi n / WZP_FFT_SIZE */
  unsigned short order[WZP_FFT_SIZE / 2];                 /* bits reversed */
} WzpFft;

void wzp_fft_init(WzpFft *fft);
/* bin k = sum of in[n] e^(-2 pi i k n / WZP_FFT_SIZE) */
void wzp_fft_forward(const WzpFft *fft, const float in[WZP_FFT_SIZE], float re[WZP_FFT_BINS],
                     float im[WZP_FFT_BINS]);
/* The real samples of these bins, so that what went forward comes back as it was. */
void wzp_fft_inverse(const WzpFft *fft, const float re[WZP_FFT_BINS], const float im[WZP_FFT_BINS],
                     float out[WZP_FFT_SIZE]);
