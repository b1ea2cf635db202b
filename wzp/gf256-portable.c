/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* In C, 16 bytes at a time, which the compiler makes of what the target has. A coefficient is a sum of powers
 * of two: for each of the eight, the inputs whose coefficients have it are summed up, and the eight sums are
 * then put together by doubling: once for an output, not for each input. */
#include "gf256-private.h"

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef int8_t Signs __attribute__((vector_size(16)));

#define B(byte)                                                                                    \
  {                                                                                                \
    byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte \
  }
#define NIBBLE(n)                                                                                  \
  {                                                                                                \
    B(n & 1 ? 255 : 0), B(n & 2 ? 255 : 0), B(n & 4 ? 255 : 0), B(n & 8 ? 255 : 0)                 \
  }
/* [half of a coefficient][bit] */
static const Bytes masks[16][4] = {
    NIBBLE(0), NIBBLE(1), NIBBLE(2),  NIBBLE(3),  NIBBLE(4),  NIBBLE(5),  NIBBLE(6),  NIBBLE(7),
    NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15)};

/* The 1 to 16 bytes of a symbol at data: two halves that may overlap; and back. */
static inline Bytes
load(const uint8_t *data, size_t n)
{
  uint64_t halves[2] = {0, 0};
  Bytes x;
  if (n == 16) {
    memcpy(&x, data, 16);
    return x;
  }
  if (n >= 8) {
    memcpy(&halves[0], data, 8);
    memcpy(&halves[1], data + n - 8, 8);
  } else {
    halves[0] = wzp_gf256_load_few(data, n);
  }
  memcpy(&x, halves, sizeof x);
  return x;
}

static inline void
store(uint8_t *data, size_t n, Bytes x)
{
  uint64_t halves[2];
  memcpy(halves, &x, sizeof x);
  if (n == 16) {
    memcpy(data, &x, 16);
  } else if (n >= 8) {
    memcpy(data, &halves[0], 8);
    memcpy(data + n - 8, &halves[1], 8);
  } else {
    wzp_gf256_store_few(data, n, halves[0]);
  }
}

static inline Bytes
twice(Bytes x)
{
  Bytes carry = (Bytes)((Signs)x < 0); /* 255 where the top bit is set */
  return (x + x) ^ (carry & 0x1d);
}

/* sums[i] times 2^i, added up */
static inline Bytes
put_together(const Bytes sums[8])
{
  Bytes x = sums[7];
#pragma GCC unroll 8
  for (unsigned i = 7; i-- > 0;)
    x = twice(x) ^ sums[i];
  return x;
}

static inline void
add_masked(Bytes sums[8], Bytes x, WzpGf256Factor factor)
{
  const Bytes *low = masks[factor & 15], *high = masks[factor >> 4];
#pragma GCC unroll 8
  for (unsigned i = 0; i < 4; i++) {
    sums[i] ^= x & low[i];
    sums[4 + i] ^= x & high[i];
  }
}

static void
portable_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
                 uint8_t *const *out, unsigned n_out, size_t n)
{
  for (unsigned r = 0; r < n_out; r++, factors += n_in)
    for (size_t at = 0; at < n; at += 16) {
      Bytes sums[8] = {{0}};
      size_t length = n - at < 16 ? n - at : 16;
      for (unsigned k = 0; k < n_in; k++)
        add_masked(sums, load(in[k] + at, length), factors[k]);
      store(out[r] + at, length, put_together(sums));
    }
}

static void
portable_add_scaled(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n)
{
  for (size_t at = 0; at < n; at += 16) {
    Bytes sums[8] = {{0}};
    size_t length = n - at < 16 ? n - at : 16;
    add_masked(sums, load(from + at, length), factor);
    store(to + at, length, load(to + at, length) ^ put_together(sums));
  }
}

const WzpGf256Code wzp_gf256_portable = {WZP_GF256_PORTABLE, portable_product, portable_add_scaled,
                                         wzp_gf256_numbers};
