/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gf256-private.h"
#include <glib.h>

#define POLYNOMIAL 0x11d /* x^8 + x^4 + x^3 + x^2 + 1 */
#define ORDER 255        /* of alpha */

/* Filled once, at first use, before `wzp_gf256_chosen` is set. */
uint8_t wzp_gf256_nibbles[256][32] __attribute__((aligned(64)));
WzpGf256Factor wzp_gf256_addresses[256], wzp_gf256_numbers[256], wzp_gf256_matrices[256];
uint8_t wzp_gf256_inverses[256];
static uint8_t powers[ORDER];

/* --- tables and choice --- */

static const WzpGf256Code *const kernels[WZP_GF256_N_KERNELS] = {
    [WZP_GF256_PORTABLE] = &wzp_gf256_portable,
#if defined(__x86_64__) || defined(__i386__)
    [WZP_GF256_SSSE3] = &wzp_gf256_ssse3,
    [WZP_GF256_AVX2] = &wzp_gf256_avx2,
    [WZP_GF256_GFNI] = &wzp_gf256_gfni,
#elif defined(__ARM_NEON)
    [WZP_GF256_NEON] = &wzp_gf256_neon,
#endif
};
const WzpGf256Code *_Atomic wzp_gf256_chosen;

static void
fill_tables(void)
{
  uint8_t logarithms[256] = {0};
  for (unsigned i = 0, power = 1; i < ORDER; i++) {
    powers[i] = (uint8_t)power;
    logarithms[power] = (uint8_t)i;
    power = power << 1 ^ (power >> 7) * POLYNOMIAL;
  }
  for (unsigned c = 0; c < 256; c++) {
    wzp_gf256_addresses[c] = (uintptr_t)wzp_gf256_nibbles[c];
    wzp_gf256_numbers[c] = c;
  }
  for (unsigned c = 1; c < 256; c++) {
    wzp_gf256_inverses[c] = powers[(ORDER - logarithms[c]) % ORDER];
    for (unsigned j = 0; j < 8; j++) {
      uint64_t multiple = powers[(logarithms[c] + j) % ORDER];
      for (unsigned i = 0; i < 8; i++)
        wzp_gf256_matrices[c] |= (multiple >> i & 1) << (8 * (7 - i) + j);
    }
    for (unsigned i = 1; i < 16; i++) {
      wzp_gf256_nibbles[c][i] = powers[(logarithms[c] + logarithms[i]) % ORDER];
      wzp_gf256_nibbles[c][16 + i] = powers[(logarithms[c] + logarithms[16 * i]) % ORDER];
    }
  }
}

static bool
cpu_has(WzpGf256Kernel kernel)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  switch (kernel) {
  case WZP_GF256_SSSE3:
    return __builtin_cpu_supports("ssse3");
  case WZP_GF256_AVX2:
    return __builtin_cpu_supports("avx2");
  case WZP_GF256_GFNI:
    return __builtin_cpu_supports("gfni") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  default:
    return true;
  }
#else
  (void)kernel; /* what is compiled in, the CPU has */
  return true;
#endif
}

const WzpGf256Code *
wzp_gf256_choose(void)
{
  static gsize done;
  if (g_once_init_enter(&done)) {
    const WzpGf256Code *best = &wzp_gf256_portable;
    fill_tables();
    for (WzpGf256Kernel i = 0; i < WZP_GF256_N_KERNELS; i++)
      if (wzp_gf256_kernel_usable(i))
        best = kernels[i];
    atomic_store_explicit(&wzp_gf256_chosen, best, memory_order_release);
    g_once_init_leave(&done, 1);
  }
  return atomic_load_explicit(&wzp_gf256_chosen, memory_order_acquire);
}

const char *
wzp_gf256_kernel_name(WzpGf256Kernel kernel)
{
  static const char *const names[] = {"portable", "ssse3", "avx2", "gfni", "neon"};
  return names[kernel];
}

const WzpGf256Code *
wzp_gf256_code(WzpGf256Kernel kernel)
{
  return kernels[kernel];
}

bool
wzp_gf256_kernel_usable(WzpGf256Kernel kernel)
{
  return kernel < WZP_GF256_N_KERNELS && kernels[kernel] != NULL && cpu_has(kernel);
}

WzpGf256Kernel
wzp_gf256_kernel(void)
{
  return wzp_gf256_current()->kernel;
}

void
wzp_gf256_use_kernel(WzpGf256Kernel kernel)
{
  wzp_gf256_current();
  g_return_if_fail(wzp_gf256_kernel_usable(kernel));
  atomic_store_explicit(&wzp_gf256_chosen, kernels[kernel], memory_order_release);
}

/* --- the interface --- */

uint8_t
wzp_gf256_multiply(uint8_t a, uint8_t b)
{
  wzp_gf256_current();
  return wzp_gf256_nibbles[a][b & 15] ^ wzp_gf256_nibbles[a][16 + (b >> 4)];
}

uint8_t
wzp_gf256_inverse(uint8_t a)
{
  wzp_gf256_current();
  return wzp_gf256_inverses[a];
}

uint8_t
wzp_gf256_alpha_power(unsigned n)
{
  wzp_gf256_current();
  return powers[n % ORDER];
}

void
wzp_gf256_prepare(WzpGf256Factor *factors, const uint8_t *coefficients, size_t n)
{
  const WzpGf256Factor *of = wzp_gf256_current()->factors;
#pragma GCC unroll 8
  for (size_t i = 0; i < n; i++)
    factors[i] = of[coefficients[i]];
}

void
wzp_gf256_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
                  uint8_t *const *out, unsigned n_out, size_t n)
{
  if (n != 0 && n_out != 0)
    wzp_gf256_current()->product(n_in, in, factors, out, n_out, n);
}

void
wzp_gf256_add_scaled(uint8_t *to, const uint8_t *from, uint8_t coefficient, size_t n)
{
  const WzpGf256Code *now = wzp_gf256_current();
  if (n != 0 && coefficient != 0)
    now->add_scaled(to, from, now->factors[coefficient], n);
}

void
wzp_gf256_scale(uint8_t *data, uint8_t coefficient, size_t n)
{
  wzp_gf256_add_scaled(data, data, coefficient ^ 1, n); /* c x = x + (c + 1) x */
}
