/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* NEON: an instruction looks 16 bytes up in a table of 16; as gf256-x86.c does it. */
#include "gf256-private.h"
#include <arm_neon.h>
#include <glib.h>

#define INLINE static inline __attribute__((always_inline))

typedef struct {
  uint8x16_t low, high; /* of each byte, or the tables of the low and the high half */
} Halves;

INLINE uint8x16_t
zero_16(void)
{
  return vdupq_n_u8(0);
}

INLINE uint8x16_t
load_16(const uint8_t *data)
{
  return vld1q_u8(data);
}

INLINE void
store_16(uint8_t *data, uint8x16_t x)
{
  vst1q_u8(data, x);
}

/* from 8 bytes on, two words that may overlap */
INLINE uint8x16_t
load_part_16(const uint8_t *data, size_t n)
{
  if (n >= 8)
    return vcombine_u8(vld1_u8(data), vld1_u8(data + n - 8));
  return vcombine_u8(vcreate_u8(wzp_gf256_load_few(data, n)), vcreate_u8(0));
}

INLINE void
store_part_16(uint8_t *data, size_t n, uint8x16_t x)
{
  if (n >= 8) {
    vst1_u8(data, vget_low_u8(x));
    vst1_u8(data + n - 8, vget_high_u8(x));
  } else {
    wzp_gf256_store_few(data, n, vgetq_lane_u64(vreinterpretq_u64_u8(x), 0));
  }
}

INLINE Halves
split_16(uint8x16_t x)
{
  return (Halves){vandq_u8(x, vdupq_n_u8(15)), vshrq_n_u8(x, 4)};
}

INLINE Halves
coefficient_16(const WzpGf256Factor *factor)
{
  const uint8_t *table = (const uint8_t *)(uintptr_t)*factor;
  return (Halves){vld1q_u8(table), vld1q_u8(table + 16)};
}

INLINE uint8x16_t
look_up(uint8x16_t table, uint8x16_t x)
{
#ifdef __aarch64__
  return vqtbl1q_u8(table, x);
#else
  uint8x8x2_t halves = {{vget_low_u8(table), vget_high_u8(table)}};
  return vcombine_u8(vtbl2_u8(halves, vget_low_u8(x)), vtbl2_u8(halves, vget_high_u8(x)));
#endif
}

INLINE uint8x16_t
add_product_16(uint8x16_t sum, Halves table, Halves x)
{
  return veorq_u8(veorq_u8(sum, look_up(table.low, x.low)), look_up(table.high, x.high));
}

#define TARGET
#define Vector uint8x16_t
#define WIDTH 16u
#define GROUP 4
#define PAIRS 0
#define LONGER true
#define Split Halves
#define Coefficient Halves
#define NAME(x) x##_16
#include "gf256-product.h"

static void
neon_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
             uint8_t *const *out, unsigned n_out, size_t n)
{
  const WzpGf256Product *of_group = of_group_16(n);
  if (n_out <= 4)
    of_group[n_out](n_in, in, factors, out, n_out, n);
  else
    wzp_gf256_in_groups(of_group, 4, n_in, in, factors, out, n_out, n);
}

static void
neon_add_scaled(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n)
{
  size_t done = add_whole_16(to, from, factor, n);
  if (done < n)
    add_part_16(to + done, from + done, factor, n - done);
}

const WzpGf256Code wzp_gf256_neon = {WZP_GF256_NEON, neon_product, neon_add_scaled,
                                     wzp_gf256_addresses};
