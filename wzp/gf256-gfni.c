/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* GFNI with AVX-512: a coefficient is a matrix of 8 x 8 bits, and one instruction multiplies 64 bytes by it.
 * Short symbols are read and written through a mask, in the shortest vector that holds them. */
#include "gf256-private.h"
#include <glib.h>
#ifdef WZP_GF256_EMULATION /* the tests' instructions in C, for CPUs that have them not */
#include WZP_GF256_EMULATION
#define TARGET
#else
#include <immintrin.h>
#define TARGET __attribute__((target("gfni,avx512f,avx512bw,avx512vl")))
#endif

#define INLINE TARGET static inline __attribute__((always_inline))

/* a vector of BITS, the prefix and the suffix of its instructions' names, the mask of its bytes */
#define OPERATIONS(BITS, MM, SI, Mask)                                                             \
  INLINE __m##BITS##i zero_##BITS(void)                                                            \
  {                                                                                                \
    return MM##_setzero_##SI();                                                                    \
  }                                                                                                \
  INLINE __m##BITS##i load_##BITS(const uint8_t *data)                                             \
  {                                                                                                \
    return MM##_loadu_##SI((const __m##BITS##i *)(const void *)data);                              \
  }                                                                                                \
  INLINE void store_##BITS(uint8_t *data, __m##BITS##i x)                                          \
  {                                                                                                \
    MM##_storeu_##SI((__m##BITS##i *)(void *)data, x);                                             \
  }                                                                                                \
  INLINE __m##BITS##i load_part_##BITS(const uint8_t *data, size_t n)                              \
  {                                                                                                \
    return MM##_maskz_loadu_epi8((Mask)(UINT64_MAX >> (64 - n)), data);                            \
  }                                                                                                \
  INLINE void store_part_##BITS(uint8_t *data, size_t n, __m##BITS##i x)                           \
  {                                                                                                \
    MM##_mask_storeu_epi8(data, (Mask)(UINT64_MAX >> (64 - n)), x);                                \
  }                                                                                                \
  INLINE __m##BITS##i split_##BITS(__m##BITS##i x)                                                 \
  {                                                                                                \
    return x;                                                                                      \
  }                                                                                                \
  INLINE __m##BITS##i times_##BITS(__m##BITS##i matrix, __m##BITS##i x)                            \
  {                                                                                                \
    return MM##_gf2p8affine_epi64_epi8(x, matrix, 0);                                              \
  }                                                                                                \
  INLINE __m##BITS##i add_product_##BITS(__m##BITS##i sum, __m##BITS##i matrix, __m##BITS##i x)    \
  {                                                                                                \
    return MM##_xor_##SI(sum, times_##BITS(matrix, x));                                            \
  }                                                                                                \
  INLINE __m##BITS##i add_products_##BITS(__m##BITS##i sum, __m##BITS##i matrix, __m##BITS##i x,   \
                                          __m##BITS##i other_matrix, __m##BITS##i other)           \
  {                                                                                                \
    return MM##_ternarylogic_epi64(sum, times_##BITS(matrix, x),                                   \
                                   times_##BITS(other_matrix, other),                              \
                                   0x96); /* the sum of three */                                   \
  }
OPERATIONS(128, _mm, si128, __mmask16)
OPERATIONS(256, _mm256, si256, __mmask32)
OPERATIONS(512, _mm512, si512, __mmask64)

INLINE __m128i
coefficient_128(const WzpGf256Factor *factor)
{
  return _mm_set1_epi64x((long long)*factor);
}

INLINE __m256i
coefficient_256(const WzpGf256Factor *factor)
{
  return _mm256_set1_epi64x((long long)*factor);
}

INLINE __m512i
coefficient_512(const WzpGf256Factor *factor)
{
  return _mm512_set1_epi64((long long)*factor);
}

#define Vector __m128i
#define WIDTH 16u
#define GROUP 8
#define PAIRS 1
#define LONGER false
#define Split __m128i
#define Coefficient __m128i
#define NAME(x) x##_128
#include "gf256-product.h"

#define Vector __m256i
#define WIDTH 32u
#define GROUP 8
#define PAIRS 1
#define LONGER false
#define Split __m256i
#define Coefficient __m256i
#define NAME(x) x##_256
#include "gf256-product.h"

#define Vector __m512i
#define WIDTH 64u
#define GROUP 8
#define PAIRS 1
#define LONGER true
#define Split __m512i
#define Coefficient __m512i
#define NAME(x) x##_512
#include "gf256-product.h"

static __attribute__((noinline)) void
any_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
            uint8_t *const *out, unsigned n_out, size_t n)
{
  const WzpGf256Product *of_group = n > 32   ? of_group_512(n)
                                    : n > 16 ? of_group_256(n)
                                             : of_group_128(n);
  if (n_out <= 8)
    of_group[n_out](n_in, in, factors, out, n_out, n);
  else
    wzp_gf256_in_groups(of_group, 8, n_in, in, factors, out, n_out, n);
}

static void
gfni_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
             uint8_t *const *out, unsigned n_out, size_t n)
{
  if (n == 64 && n_out <= 8)
    one_512[n_out](n_in, in, factors, out, n_out, n);
  else
    any_product(n_in, in, factors, out, n_out, n);
}

static TARGET void
gfni_add_scaled(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n)
{
  size_t done = add_whole_512(to, from, factor, n);
  if (done < n)
    add_part_512(to + done, from + done, factor, n - done);
}

const WzpGf256Code wzp_gf256_gfni = {WZP_GF256_GFNI, gfni_product, gfni_add_scaled,
                                     wzp_gf256_matrices};
