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
#include "gf256-ssse3.h"

INLINE SSSE3 __m128i
times(Halves16 x, uint8_t coefficient)
{
  const uint8_t *table = wzp_gf256_nibbles[coefficient];
  return _mm_xor_si128(_mm_shuffle_epi8(load_16(table), x.low),
                       _mm_shuffle_epi8(load_16(table + 16), x.high));
}

SSSE3 static void
ssse3_reduce(Row row, const Row *rows, const uint8_t *pivot, unsigned n, unsigned size)
{
  uint8_t coefficient[WZP_RAPTORQ_K_MAX];
  for (unsigned i = 0; i < n; i++)
    coefficient[i] = row[pivot[i]];
  for (unsigned at = 0; at < size; at += 16) {
    __m128i sum = load_16(row + at);
    for (unsigned i = 0; i < n; i++)
      sum = _mm_xor_si128(sum, times(split_16(load_16(rows[i] + at)), coefficient[i]));
    store_16(row + at, sum);
  }
}

INLINE SSSE3 void
add_to_row(Row row, uint8_t coefficient, const Halves16 *own, unsigned size)
{
#pragma GCC unroll 2
  for (unsigned at = 0; at < size; at += 16)
    store_16(row + at, _mm_xor_si128(load_16(row + at), times(own[at / 16], coefficient)));
}

/* Where size is a constant, the multiplied row stays in registers. */
INLINE SSSE3 void
vector_exchange(Row *rows, unsigned n, unsigned own, unsigned column, unsigned size)
{
  Halves16 product[WZP_RAPTORQ_ROW_MAX / 16];
  const uint8_t *unit = unit_vector(column);
  const uint8_t inverse = wzp_gf256_inverses[rows[own][column]];
#pragma GCC unroll 2
  for (unsigned at = 0; at < size; at += 16) {
    __m128i x = _mm_xor_si128(load_16(rows[own] + at), load_16(unit + at));
    x = times(split_16(x), inverse);
    store_16(rows[own] + at, x);
    product[at / 16] = split_16(x);
  }
  for (unsigned i = own + 1; i < n; i++) /* first: the next one waits for it */
    add_to_row(rows[i], rows[i][column], product, size);
  for (unsigned i = 0; i < own; i++)
    add_to_row(rows[i], rows[i][column], product, size);
}

SSSE3 static void
ssse3_exchange(Row *rows, unsigned n, unsigned own, unsigned column, unsigned size)
{
  vector_exchange(rows, n, own, column, size);
}

INLINE SSSE3 unsigned
vector_exchange_all(Row *rows, unsigned n, unsigned own, uint8_t *pivot, WzpRaptorqColumns *free,
                    unsigned size)
{
  for (; own < n; own++) {
    unsigned column = wzp_raptorq_first_of(free, rows[own]);
    if (column == WZP_RAPTORQ_K_MAX)
      break;
    vector_exchange(rows, n, own, column, size);
    wzp_raptorq_drop(free, column);
    pivot[own] = (uint8_t)column;
  }
  return own;
}

SSSE3 static unsigned
ssse3_exchange_all(Row *rows, unsigned n, unsigned own, uint8_t *pivot, WzpRaptorqColumns *free,
                   unsigned size)
{
  if (size == 16)
    return vector_exchange_all(rows, n, own, pivot, free, 16);
  if (size == 32)
    return vector_exchange_all(rows, n, own, pivot, free, 32);
  return vector_exchange_all(rows, n, own, pivot, free, size);
}

static const WzpRaptorqRowCode ssse3 = {ssse3_reduce, ssse3_exchange, ssse3_exchange_all};
#endif

static void
plain_reduce(Row row, const Row *rows, const uint8_t *pivot, unsigned n, unsigned size)
{
  Row sum;
  memcpy(sum, row, size);
  for (unsigned i = 0; i < n; i++)
    wzp_gf256_add_scaled(sum, rows[i], row[pivot[i]], size);
  memcpy(row, sum, size);
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

static unsigned
plain_exchange_all(Row *rows, unsigned n, unsigned own, uint8_t *pivot, WzpRaptorqColumns *free,
                   unsigned size)
{
  for (; own < n; own++) {
    unsigned column = wzp_raptorq_first_of(free, rows[own]);
    if (column == WZP_RAPTORQ_K_MAX)
      break;
    plain_exchange(rows, n, own, column, size);
    wzp_raptorq_drop(free, column);
    pivot[own] = (uint8_t)column;
  }
  return own;
}

static const WzpRaptorqRowCode plain = {plain_reduce, plain_exchange, plain_exchange_all};

const WzpRaptorqRowCode *
wzp_raptorq_row_code(void)
{
#if defined(__x86_64__) || defined(__i386__)
  if (wzp_gf256_kernel() != WZP_GF256_PORTABLE)
    return &ssse3;
#endif
  return &plain;
}
