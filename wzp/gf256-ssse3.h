/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <immintrin.h>
#include <stdint.h>

/* 16 bytes with SSSE3, for all who multiply by looking halves of bytes up. */

#define SSSE3 __attribute__((target("ssse3")))
#define INLINE static inline __attribute__((always_inline))

typedef struct {
  __m128i low, high; /* of each byte, or the tables of the low and the high half */
} Halves16;

INLINE SSSE3 __m128i
zero_16(void)
{
  return _mm_setzero_si128();
}

INLINE SSSE3 __m128i
load_16(const uint8_t *data)
{
  return _mm_loadu_si128((const __m128i *)data);
}

INLINE SSSE3 void
store_16(uint8_t *data, __m128i x)
{
  _mm_storeu_si128((__m128i *)data, x);
}

INLINE SSSE3 Halves16
split_16(__m128i x)
{
  const __m128i half = _mm_set1_epi8(15);
  return (Halves16){_mm_and_si128(x, half), _mm_and_si128(_mm_srli_epi64(x, 4), half)};
}
