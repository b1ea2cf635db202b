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

INLINE __m128i
add_product_128(__m128i sum, __m128i matrix, __m128i x)
{
  return _mm_xor_si128(sum, _mm_gf2p8affine_epi64_epi8(x, matrix, 0));
}

INLINE __m256i
add_product_256(__m256i sum, __m256i matrix, __m256i x)
{
  return _mm256_xor_si256(sum, _mm256_gf2p8affine_epi64_epi8(x, matrix, 0));
}

INLINE __m512i
add_product_512(__m512i sum, __m512i matrix, __m512i x)
{
  return _mm512_xor_si512(sum, _mm512_gf2p8affine_epi64_epi8(x, matrix, 0));
}

#define Vector __m128i
#define WIDTH 16u
#define GROUP 8
#define LONGER false
#define Split __m128i
#define Coefficient __m128i
#define NAME(x) x##_128
#include "gf256-product.h"

#define Vector __m256i
#define WIDTH 32u
#define GROUP 8
#define LONGER false
#define Split __m256i
#define Coefficient __m256i
#define NAME(x) x##_256
#include "gf256-product.h"

#define Vector __m512i
#define WIDTH 64u
#define GROUP 8
#define LONGER true
#define Split __m512i
#define Coefficient __m512i
#define NAME(x) x##_512
#include "gf256-product.h"

static void
gfni_product(uint8_t *const *out, unsigned n_out, const uint8_t *const *in, unsigned n_in,
             const WzpGf256Factor *factors, size_t n)
{
  const WzpGf256Symbols *of_group = n > 32 ? of_group_512 : n > 16 ? of_group_256 : of_group_128;
  if (n_out <= 8)
    of_group[n_out](out, in, n_in, factors, n);
  else
    wzp_gf256_in_groups(of_group, 8, out, n_out, in, n_in, factors, n);
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
