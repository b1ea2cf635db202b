/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gf256-private.h"
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
/* The same, [WZP_RAPTORQ_CACHED][k], prepared for a kernel; NULL before the first use. */
extern const WzpGf256Factor
    *_Atomic wzp_raptorq_factors[WZP_GF256_N_KERNELS][WZP_RAPTORQ_K_MAX + 1];
const WzpGf256Factor *wzp_raptorq_prepare_factors(unsigned k, const WzpGf256Code *code);

static inline const WzpGf256Factor *
wzp_raptorq_factors_or_null(unsigned k, const WzpGf256Code *code)
{
  return atomic_load_explicit(&wzp_raptorq_factors[code->kernel][k], memory_order_acquire);
}

static inline const WzpGf256Factor *
wzp_raptorq_cached_factors(unsigned k, const WzpGf256Code *code)
{
  const WzpGf256Factor *factors = wzp_raptorq_factors_or_null(k, code);
  return factors != NULL ? factors : wzp_raptorq_prepare_factors(k, code);
}
/* Any repair symbol, computed now; a whole row with its zeros. */
void wzp_raptorq_compute_row(unsigned k, uint32_t esi, uint8_t *row);

/* --- the decoder's rows, see there --- */

typedef uint8_t WzpRaptorqRow[WZP_RAPTORQ_ROW_MAX] __attribute__((aligned(WZP_RAPTORQ_VECTOR)));

/* Some of the columns. */
typedef struct {
  uint64_t word[2];
} WzpRaptorqColumns;

static inline bool
wzp_raptorq_has(const WzpRaptorqColumns *columns, unsigned column)
{
  return columns->word[column / 64] >> column % 64 & 1;
}

static inline void
wzp_raptorq_put(WzpRaptorqColumns *columns, unsigned column)
{
  columns->word[column / 64] |= UINT64_C(1) << column % 64;
}

static inline void
wzp_raptorq_drop(WzpRaptorqColumns *columns, unsigned column)
{
  columns->word[column / 64] &= ~(UINT64_C(1) << column % 64);
}

/* The first of columns that the row names; WZP_RAPTORQ_K_MAX: it names none. */
static inline unsigned
wzp_raptorq_first_of(const WzpRaptorqColumns *columns, const uint8_t *row)
{
  for (unsigned i = 0; i < 2; i++)
    for (uint64_t bits = columns->word[i]; bits != 0; bits &= bits - 1) {
      unsigned column = 64 * i + (unsigned)__builtin_ctzll(bits);
      if (row[column] != 0)
        return column;
    }
  return WZP_RAPTORQ_K_MAX;
}

/* Rows have `size` bytes in use. One function pointer for the work of many small steps. */
typedef struct {
  /* row += sum over i < n of row[pivot[i]] * rows[i] */
  void (*reduce)(WzpRaptorqRow row, const WzpRaptorqRow *rows, const uint8_t *pivot, unsigned n,
                 unsigned size);
  /* rows[own] = (rows[own] + unit vector of column) / rows[own][column], which is not 0; then, for the other
   * i < n, rows[i] += rows[i][column] * rows[own] */
  void (*exchange)(WzpRaptorqRow *rows, unsigned n, unsigned own, unsigned column, unsigned size);
  /* Exchanges rows[own], rows[own + 1] .. rows[n - 1] with the first free column that each names, which is then
   * its pivot and not free; until one names none. The first that was not exchanged. */
  unsigned (*exchange_all)(WzpRaptorqRow *rows, unsigned n, unsigned own, uint8_t *pivot,
                           WzpRaptorqColumns *free, unsigned size);
} WzpRaptorqRowCode;
const WzpRaptorqRowCode *wzp_raptorq_row_code(void); /* for the kernel that is chosen now */
