/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gf256.h"
#include "raptorq.h"

/* What encoder and decoder share: the rows of coefficients, and the tables of RFC 6330 that they come from. */

#define WZP_RAPTORQ_N_DEGREES 31
#define WZP_RAPTORQ_N_PARAMETERS 23

typedef struct {
  uint8_t k; /* K', of the block extended by padding symbols */
  uint16_t j;
  uint8_t s, h, w;
} WzpRaptorqParameters;

extern const uint32_t wzp_raptorq_random[4][256]; /* V0..V3 */
extern const uint32_t wzp_raptorq_degrees[WZP_RAPTORQ_N_DEGREES];
extern const WzpRaptorqParameters wzp_raptorq_parameters[WZP_RAPTORQ_N_PARAMETERS];

/* A row is kept in whole vectors of 16 bytes, zeros behind its K coefficients. */
#define WZP_RAPTORQ_VECTOR 16
#define WZP_RAPTORQ_ROW_MAX 112 /* K_MAX, rounded up */
static inline unsigned
wzp_raptorq_row_size(unsigned k)
{
  return (k + WZP_RAPTORQ_VECTOR - 1) / WZP_RAPTORQ_VECTOR * WZP_RAPTORQ_VECTOR;
}

/* The rows of the first repair symbols, ESI K..K + CACHED - 1, are computed at the first use of K and kept. */
#define WZP_RAPTORQ_CACHED 32
static inline bool
wzp_raptorq_is_cached(unsigned k, uint32_t esi)
{
  return esi - k < WZP_RAPTORQ_CACHED; /* esi < k wraps */
}

/* [WZP_RAPTORQ_CACHED][wzp_raptorq_row_size(k)] */
const uint8_t *wzp_raptorq_cached_rows(unsigned k);
/* The same, [WZP_RAPTORQ_CACHED][k], prepared for the kernel that is chosen now. */
const WzpGf256Factor *wzp_raptorq_cached_factors(unsigned k);
/* Any repair symbol, computed now; a whole row with its zeros. */
void wzp_raptorq_compute_row(unsigned k, uint32_t esi, uint8_t *row);

/* A decoder's rows, see there. */
typedef uint8_t WzpRaptorqRow[WZP_RAPTORQ_ROW_MAX] __attribute__((aligned(WZP_RAPTORQ_VECTOR)));

/* out = equation + sum over i < n of equation[column[i]] * rows[i], each of `size` bytes; out may be equation */
typedef void (*WzpRaptorqReduce)(WzpRaptorqRow out, const uint8_t *equation,
                                 const WzpRaptorqRow *rows, const uint8_t *column, unsigned n,
                                 unsigned size);
/* rows[own] = (rows[own] + unit vector of column) / rows[own][column], which is not 0; then for the other i < n
 * rows[i] += rows[i][column] * rows[own] */
typedef void (*WzpRaptorqExchange)(WzpRaptorqRow *rows, unsigned n, unsigned own, unsigned column,
                                   unsigned size);
typedef struct {
  WzpRaptorqReduce reduce;
  WzpRaptorqExchange exchange;
} WzpRaptorqRowCode;
const WzpRaptorqRowCode *wzp_raptorq_row_code(void); /* for the kernel that is chosen now */
