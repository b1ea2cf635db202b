/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gf256.h"
#include <stdatomic.h>
#include <string.h>

/* What gf256.c and the kernels share. No table is ever indexed by a byte of a symbol, only by coefficients:
 * how long repair takes says nothing of what was said. */

/* wzp_gf256_product() with n and n_out at least 1 */
typedef void (*WzpGf256Product)(unsigned n_in, const uint8_t *const *in,
                                const WzpGf256Factor *factors, uint8_t *const *out, unsigned n_out,
                                size_t n);

typedef struct {
  WzpGf256Kernel kernel;
  WzpGf256Product product;
  /* to += factor * from; they are the same or do not overlap; n is at least 1 */
  void (*add_scaled)(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n);
  /* factors[c]: the coefficient c as this kernel wants it */
  const WzpGf256Factor *factors;
} WzpGf256Code;

const WzpGf256Code *wzp_gf256_code(WzpGf256Kernel kernel); /* NULL: not compiled in */

/* The kernel in use; NULL before the first use. */
extern const WzpGf256Code *_Atomic wzp_gf256_chosen;
const WzpGf256Code *wzp_gf256_choose(void); /* at first use */

static inline const WzpGf256Code *
wzp_gf256_chosen_or_null(void)
{
  return atomic_load_explicit(&wzp_gf256_chosen, memory_order_acquire);
}

static inline const WzpGf256Code *
wzp_gf256_current(void)
{
  const WzpGf256Code *code = wzp_gf256_chosen_or_null();
  return __builtin_expect(code != NULL, 1) ? code : wzp_gf256_choose();
}

/* Of each coefficient c, filled before any kernel runs: */
/* [c][i] = c * i and [c][16 + i] = c * 16 i, for i < 16 */
extern uint8_t wzp_gf256_nibbles[256][32];
extern WzpGf256Factor wzp_gf256_addresses[256]; /* of wzp_gf256_nibbles[c] */
extern WzpGf256Factor wzp_gf256_numbers[256];   /* c itself */
extern uint8_t wzp_gf256_inverses[256];
/* As GFNI's affine instruction takes it: byte 7 - i has, as bit j, bit i of c * 2^j. */
extern WzpGf256Factor wzp_gf256_matrices[256];

extern const WzpGf256Code wzp_gf256_portable;
#if defined(__x86_64__) || defined(__i386__)
extern const WzpGf256Code wzp_gf256_ssse3, wzp_gf256_avx2, wzp_gf256_gfni;
#elif defined(__ARM_NEON)
extern const WzpGf256Code wzp_gf256_neon;
#endif

/* 1 to 7 bytes as a word, some of them twice; and back. Nothing beside them is touched. */
static inline uint64_t
wzp_gf256_load_few(const uint8_t *data, size_t n)
{
  if (n >= 4) {
    uint32_t low, high;
    memcpy(&low, data, 4);
    memcpy(&high, data + n - 4, 4);
    return (uint64_t)high << 32 | low;
  }
  return (uint64_t)data[0] | (uint64_t)data[n / 2] << 8 | (uint64_t)data[n - 1] << 16;
}

static inline void
wzp_gf256_store_few(uint8_t *data, size_t n, uint64_t word)
{
  if (n >= 4) {
    uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 32);
    memcpy(data, &low, 4);
    memcpy(data + n - 4, &high, 4);
    return;
  }
  data[0] = (uint8_t)word;
  data[n / 2] = (uint8_t)(word >> 8);
  data[n - 1] = (uint8_t)(word >> 16);
}
