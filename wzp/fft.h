/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* Fourier transform of real samples, forth and back. Sizes: 32 times any product of 2, 3, 4 and 5, up to WZP_FFT_SIZE. */

#define WZP_FFT_SIZE 1024
#define WZP_FFT_BINS (WZP_FFT_SIZE / 2 + 1)

typedef struct {
  unsigned size;
  unsigned char radix[8];                         /* of the stages; 0 ends them */
  float cosine[WZP_FFT_SIZE], sine[WZP_FFT_SIZE]; /* of 2 pi n / size */
  float first_cosine[3][WZP_FFT_SIZE / 8],
      first_sine[3][WZP_FFT_SIZE / 8]; /* for the first stage */
} WzpFft;

void wzp_fft_init(WzpFft *fft, unsigned size);
/* bin k = sum of in[n] e^(-2 pi i k n / size); re and im have size / 2 + 1 bins, in has size samples. */
void wzp_fft_forward(const WzpFft *fft, const float *in, float *re, float *im);
/* The real samples of these bins, so that what went forward comes back as it was. */
void wzp_fft_inverse(const WzpFft *fft, const float *re, const float *im, float *out);
