/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gf256-private.h"
#include "raptorq-private.h"
#include <glib.h>

/* Rows are a few vectors long: a call for each multiple of a row costs more than the multiple itself, so all that
 * follow from one exchange are made in one place. */

typedef WzpRaptorqRow Row;

static const uint8_t unit_at_row_max[2 * WZP_RAPTORQ_ROW_MAX] = {[WZP_RAPTORQ_ROW_MAX] = 1};

static inline const uint8_t *
unit_vector(unsigned column)
{
  return unit_at_row_max + WZP_RAPTORQ_ROW_MAX - column;
}

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>

#define TARGET __attribute__((target("ssse3")))
#define INLINE TARGET static inline __attribute__((always_inline))

typedef struct {
  __m128i low, high; /* of each byte, four bits */
} Halves;

INLINE __m128i
load(const uint8_t *at)
{
  return _mm_loadu_si128((const __m128i *)at);
}

INLINE void
store(uint8_t *at, __m128i x)
{
  _mm_storeu_si128((__m128i *)at, x);
}

INLINE Halves
halves(__m128i x)
{
  const __m128i low = _mm_set1_epi8(15);
  return (Halves){_mm_and_si128(x, low), _mm_and_si128(_mm_srli_epi64(x, 4), low)};
}

INLINE __m128i
times(Halves x, uint8_t coefficient)
{
  const uint8_t *table = wzp_gf256_nibbles[coefficient];
  return _mm_xor_si128(_mm_shuffle_epi8(load(table), x.low),
                       _mm_shuffle_epi8(load(table + 16), x.high));
}

TARGET static void
ssse3_reduce(Row out, const uint8_t *equation, const Row *rows, const uint8_t *column, unsigned n,
             unsigned size)
{
  uint8_t coefficient[WZP_RAPTORQ_K_MAX];
  for (unsigned i = 0; i < n; i++)
    coefficient[i] = equation[column[i]];
  for (unsigned at = 0; at < size; at += 16) {
    __m128i sum = load(equation + at);
    for (unsigned i = 0; i < n; i++)
      sum = _mm_xor_si128(sum, times(halves(load(rows[i] + at)), coefficient[i]));
    store(out + at, sum);
  }
}

INLINE void
add_to_rows(Row *rows, unsigned n, unsigned own, unsigned column, unsigned size)
{
  Halves first = halves(load(rows[own]));
  Halves second = size > 16 ? halves(load(rows[own] + 16)) : first;
  for (unsigned i = 0; i < n; i++) {
    uint8_t *row = rows[i];
    const uint8_t coefficient = row[column];
    if (i == own)
      continue;
    store(row, _mm_xor_si128(load(row), times(first, coefficient)));
    if (size > 16)
      store(row + 16, _mm_xor_si128(load(row + 16), times(second, coefficient)));
    for (unsigned at = 32; at < size; at += 16)
      store(row + at,
            _mm_xor_si128(load(row + at), times(halves(load(rows[own] + at)), coefficient)));
  }
}

TARGET static void
ssse3_exchange(Row *rows, unsigned n, unsigned own, unsigned column, unsigned size)
{
  uint8_t *row = rows[own];
  const uint8_t *unit = unit_vector(column), inverse = wzp_gf256_inverse(row[column]);
  for (unsigned at = 0; at < size; at += 16)
    store(row + at, times(halves(_mm_xor_si128(load(row + at), load(unit + at))), inverse));
  if (size == 16) /* constants: the loops inside are gone */
    add_to_rows(rows, n, own, column, 16);
  else if (size == 32)
    add_to_rows(rows, n, own, column, 32);
  else
    add_to_rows(rows, n, own, column, size);
}

static const WzpRaptorqRowCode ssse3 = {ssse3_reduce, ssse3_exchange};
#endif

static void
plain_reduce(Row out, const uint8_t *equation, const Row *rows, const uint8_t *column, unsigned n,
             unsigned size)
{
  Row sum;
  memcpy(sum, equation, size);
  for (unsigned i = 0; i < n; i++)
    wzp_gf256_add_scaled(sum, rows[i], equation[column[i]], size);
  memcpy(out, sum, size);
}

static void
plain_exchange(Row *rows, unsigned n, unsigned own, unsigned column, unsigned size)
{
  const uint8_t inverse = wzp_gf256_inverse(rows[own][column]);
  wzp_gf256_add_scaled(rows[own], unit_vector(column), 1, size);
  wzp_gf256_scale(rows[own], inverse, size);
  for (unsigned i = 0; i < n; i++)
    if (i != own)
      wzp_gf256_add_scaled(rows[i], rows[own], rows[i][column], size);
}

static const WzpRaptorqRowCode plain = {plain_reduce, plain_exchange};

const WzpRaptorqRowCode *
wzp_raptorq_row_code(void)
{
#if defined(__x86_64__) || defined(__i386__)
  if (wzp_gf256_kernel() != WZP_GF256_PORTABLE)
    return &ssse3;
#endif
  return &plain;
}
