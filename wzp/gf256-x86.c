/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SSSE3 and AVX2: an instruction looks 16 or 32 bytes up in a table of 16. A byte times a coefficient is the
 * sum of two look-ups, one for each half of the byte; a factor is the address of the coefficient's tables. */
#include "gf256-private.h"
#include "gf256-ssse3.h"
#include <glib.h>

#define AVX2 __attribute__((target("avx2")))

/* --- 16 bytes --- */

/* from 8 bytes on, two words that may overlap */
INLINE SSSE3 __m128i
load_part_16(const uint8_t *data, size_t n)
{
  if (n >= 8)
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)data),
                              _mm_loadl_epi64((const __m128i *)(data + n - 8)));
  uint64_t word = wzp_gf256_load_few(data, n);
  return _mm_loadl_epi64((const __m128i *)&word);
}

INLINE SSSE3 void
store_part_16(uint8_t *data, size_t n, __m128i x)
{
  if (n >= 8) {
    _mm_storel_epi64((__m128i *)data, x);
    _mm_storel_epi64((__m128i *)(data + n - 8), _mm_unpackhi_epi64(x, x));
  } else {
    uint64_t word;
    _mm_storel_epi64((__m128i *)&word, x);
    wzp_gf256_store_few(data, n, word);
  }
}

INLINE SSSE3 Halves16
coefficient_16(const WzpGf256Factor *factor)
{
  const __m128i *table = (const __m128i *)(uintptr_t)*factor;
  return (Halves16){_mm_load_si128(table), _mm_load_si128(table + 1)};
}

INLINE SSSE3 __m128i
add_product_16(__m128i sum, Halves16 table, Halves16 x)
{
  sum = _mm_xor_si128(sum, _mm_shuffle_epi8(table.low, x.low));
  return _mm_xor_si128(sum, _mm_shuffle_epi8(table.high, x.high));
}

#define TARGET SSSE3
#define Vector __m128i
#define WIDTH 16u
#define GROUP 4
#define PAIRS 0
#define LONGER true
#define Split Halves16
#define Coefficient Halves16
#define NAME(x) x##_16
#include "gf256-product.h"
#undef TARGET

static void
ssse3_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
              uint8_t *const *out, unsigned n_out, size_t n)
{
  const WzpGf256Product *of_group = of_group_16(n);
  if (n_out <= 4)
    of_group[n_out](n_in, in, factors, out, n_out, n);
  else
    wzp_gf256_in_groups(of_group, 4, n_in, in, factors, out, n_out, n);
}

static SSSE3 void
ssse3_add_scaled(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n)
{
  size_t done = add_whole_16(to, from, factor, n);
  if (done < n)
    add_part_16(to + done, from + done, factor, n - done);
}

const WzpGf256Code wzp_gf256_ssse3 = {WZP_GF256_SSSE3, ssse3_product, ssse3_add_scaled,
                                      wzp_gf256_addresses};

/* --- symbols of up to 16 bytes on a CPU that has AVX2 --- */

#define TARGET AVX2
#define Vector __m128i
#define WIDTH 16u
#define GROUP 5
#define PAIRS 0
#define LONGER false
#define Split Halves16
#define Coefficient Halves16
#define NAME(x) x##_short
#define zero_short zero_16
#define load_short load_16
#define store_short store_16
#define load_part_short load_part_16
#define store_part_short store_part_16
#define split_short split_16
#define coefficient_short coefficient_16
#define add_product_short add_product_16
#include "gf256-product.h"

/* --- 32 bytes --- */

typedef struct {
  __m256i low, high;
} Halves32;

INLINE AVX2 __m256i
zero_32(void)
{
  return _mm256_setzero_si256();
}

INLINE AVX2 __m256i
load_32(const uint8_t *data)
{
  return _mm256_loadu_si256((const __m256i *)data);
}

INLINE AVX2 void
store_32(uint8_t *data, __m256i x)
{
  _mm256_storeu_si256((__m256i *)data, x);
}

/* n is at least 16: two halves that may overlap */
INLINE AVX2 __m256i
load_part_32(const uint8_t *data, size_t n)
{
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(data)), load_16(data + n - 16), 1);
}

INLINE AVX2 void
store_part_32(uint8_t *data, size_t n, __m256i x)
{
  store_16(data, _mm256_castsi256_si128(x));
  store_16(data + n - 16, _mm256_extracti128_si256(x, 1));
}

INLINE AVX2 Halves32
split_32(__m256i x)
{
  const __m256i half = _mm256_set1_epi8(15);
  return (Halves32){_mm256_and_si256(x, half), _mm256_and_si256(_mm256_srli_epi64(x, 4), half)};
}

INLINE AVX2 Halves32
coefficient_32(const WzpGf256Factor *factor)
{
  Halves16 table = coefficient_16(factor);
  return (Halves32){_mm256_broadcastsi128_si256(table.low),
                    _mm256_broadcastsi128_si256(table.high)};
}

INLINE AVX2 __m256i
add_product_32(__m256i sum, Halves32 table, Halves32 x)
{
  sum = _mm256_xor_si256(sum, _mm256_shuffle_epi8(table.low, x.low));
  return _mm256_xor_si256(sum, _mm256_shuffle_epi8(table.high, x.high));
}

#define Vector __m256i
#define WIDTH 32u
#define GROUP 5
#define PAIRS 0
#define LONGER true
#define Split Halves32
#define Coefficient Halves32
#define NAME(x) x##_32
#include "gf256-product.h"

static void
avx2_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
             uint8_t *const *out, unsigned n_out, size_t n)
{
  const WzpGf256Product *of_group = n > 16 ? of_group_32(n) : of_group_short(n);
  if (n_out <= 5)
    of_group[n_out](n_in, in, factors, out, n_out, n);
  else
    wzp_gf256_in_groups(of_group, 5, n_in, in, factors, out, n_out, n);
}

static AVX2 void
avx2_add_scaled(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n)
{
  size_t done = add_whole_32(to, from, factor, n);
  done += add_whole_short(to + done, from + done, factor, n - done);
  if (done < n)
    add_part_short(to + done, from + done, factor, n - done);
}

const WzpGf256Code wzp_gf256_avx2 = {WZP_GF256_AVX2, avx2_product, avx2_add_scaled,
                                     wzp_gf256_addresses};
