/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
/* The instructions of wzp/gf256-gfni.c in C: from SIMDe, and those that it lacks: bytes through a mask, of
 * which the CPU touches no other. */
#define SIMDE_ENABLE_NATIVE_ALIASES
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <simde/x86/avx512.h>
#include <simde/x86/gfni.h>
#pragma GCC diagnostic pop
#include <stdint.h>
#include <string.h>

#define __mmask16 uint16_t
#define __mmask32 uint32_t
#define __mmask64 uint64_t

static inline void
emulate_masked(uint8_t *to, const uint8_t *from, uint64_t mask)
{
  for (unsigned i = 0; i < 64; i++)
    if (mask >> i & 1)
      to[i] = from[i];
}

#define EMULATE_MASKED(BITS, MM)                                                                   \
  static inline simde__m##BITS##i MM##_maskz_loadu_epi8(uint64_t mask, const void *from)           \
  {                                                                                                \
    simde__m##BITS##i x;                                                                           \
    memset(&x, 0, sizeof x);                                                                       \
    emulate_masked((uint8_t *)&x, from, mask);                                                     \
    return x;                                                                                      \
  }                                                                                                \
  static inline void MM##_mask_storeu_epi8(void *to, uint64_t mask, simde__m##BITS##i x)           \
  {                                                                                                \
    emulate_masked(to, (const uint8_t *)&x, mask);                                                 \
  }

EMULATE_MASKED(128, _mm)
EMULATE_MASKED(256, _mm256)
EMULATE_MASKED(512, _mm512)
