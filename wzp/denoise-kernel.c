/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define LANES 4
#define TARGET
#include "denoise-kernel-body.h"

const WzpDenoiseKernel wzp_denoise_portable = {multiply, compare};

const WzpDenoiseKernel *
wzp_denoise_kernel(void)
{
#ifdef WZP_DENOISE_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return &wzp_denoise_avx2;
#endif
  return &wzp_denoise_portable;
}
