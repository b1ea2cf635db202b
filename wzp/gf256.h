/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The field GF(2^8) of RFC 6330 section 5.7: polynomial x^8 + x^4 + x^3 + x^2 + 1, alpha = 2, and its
 * product of a matrix with short vectors, which is all that repair costs. No function reads or writes
 * outside the given bytes; no alignment is asked for; n may be 0. */

uint8_t wzp_gf256_multiply(uint8_t a, uint8_t b);
uint8_t wzp_gf256_inverse(uint8_t a); /* a is not 0 */
uint8_t wzp_gf256_alpha_power(unsigned n);

/* How the machine computes it. All give the same bytes; the best usable one is chosen at first use. */
typedef enum {
  WZP_GF256_PORTABLE,
  WZP_GF256_SSSE3,
  WZP_GF256_AVX2,
  WZP_GF256_GFNI, /* with AVX-512 */
  WZP_GF256_NEON,
  WZP_GF256_N_KERNELS
} WzpGf256Kernel;
const char *wzp_gf256_kernel_name(WzpGf256Kernel kernel); /* "avx2" */
bool wzp_gf256_kernel_usable(WzpGf256Kernel kernel);      /* compiled in, and this CPU has it */
WzpGf256Kernel wzp_gf256_kernel(void);
/* For tests and benchmarks: usable kernels only, while no other thread computes. Factors prepared before
 * become invalid. */
void wzp_gf256_use_kernel(WzpGf256Kernel kernel);

/* A coefficient as the chosen kernel wants it. */
typedef uint64_t WzpGf256Factor;
void wzp_gf256_prepare(WzpGf256Factor *factors, const uint8_t *coefficients, size_t n);

/* out[r] = sum over k of factors[r * n_in + k] * in[k], for r < n_out, each n bytes. No out may overlap an
 * in. n_in may be 0 (zeros). */
void wzp_gf256_product(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
                       uint8_t *const *out, unsigned n_out, size_t n);
/* to += coefficient * from; to and from are the same or do not overlap */
void wzp_gf256_add_scaled(uint8_t *to, const uint8_t *from, uint8_t coefficient, size_t n);
void wzp_gf256_scale(uint8_t *data, uint8_t coefficient, size_t n);
