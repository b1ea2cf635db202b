/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define LANES 8
#define TARGET __attribute__((target("avx2,fma")))
#include "denoise-kernel-body.h"

const WzpDenoiseKernel wzp_denoise_avx2 = {multiply, compare};
