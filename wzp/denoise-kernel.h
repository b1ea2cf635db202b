/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* The two loops in which most of the time goes by: portable, and for what the CPU at hand has. */

#define WZP_KERNEL_BLOCK 24 /* columns at once */
#define WZP_KERNEL_LAGS 4   /* lags at once */

typedef struct {
  /* sum[c] += input[i] * weight[i * stride + c] for all inputs and columns, a multiple of WZP_KERNEL_BLOCK. */
  void (*multiply)(const float *weight, unsigned stride, unsigned columns, const float *input,
                   unsigned inputs, float *sum);
  /* alike[lag] = sum of x[i] * y[i + lag], i < n. n: a multiple of 8; lags: of WZP_KERNEL_LAGS. */
  void (*compare)(const float *x, const float *y, unsigned n, unsigned lags, float *alike);
} WzpDenoiseKernel;

extern const WzpDenoiseKernel wzp_denoise_portable;
extern const WzpDenoiseKernel wzp_denoise_avx2; /* on x86 */

/* The fastest one here. */
const WzpDenoiseKernel *wzp_denoise_kernel(void);
