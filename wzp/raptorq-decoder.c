/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gf256-private.h"
#include "raptorq-private.h"
#include <glib.h>
#include <string.h>

/* A block is K columns, the source symbols, and one equation for each repair symbol. A column is known, or free,
 * or the pivot of an equation. Each has a slot: the bytes of a symbol that came, its own or, of a pivot, its
 * equation's repair symbol. In full, the row of an equation tells its pivot by the slots of all columns,
 *
 *   source symbol p = sum over c of row[c] * slot[c]
 *
 * So where a row names no free column it is a row of the decoding matrix, one product makes all missing symbols,
 * and before that no symbol is touched. A repair symbol becomes that of a pivot by an exchange with a free column
 * that its equation names (Gauss-Jordan in place).
 *
 * Kept is the row plus the unit vector of its pivot: then an exchange is nothing but multiples of whole rows added
 * to whole rows, and no byte of a row is written alone and read with its neighbours right after. */

#define K_MAX WZP_RAPTORQ_K_MAX
#define SOLVE_AT_ONCE 16

typedef WzpRaptorqRow Row;
typedef WzpRaptorqColumns Columns;

struct WzpRaptorqDecoder {
  const WzpRaptorqRowCode *code;
  unsigned k, row_size;
  size_t n;
  const uint8_t *cached_rows;
  unsigned n_free, n_known, n_solved;
  /* Equations: the first n_pivots have one, the others wait for solve and name the columns as they were sent. */
  unsigned n_pivots, n_equations;
  Row row[K_MAX];
  uint8_t pivot[K_MAX];
  uint32_t esi[K_MAX];
  const uint8_t *repair[K_MAX];
  /* columns */
  Columns free, known, solved; /* solved columns stay pivots */
  const uint8_t *slot[K_MAX];
  WzpGf256Factor factors[SOLVE_AT_ONCE * K_MAX];
  uint8_t *bytes; /* K source symbols, as copied or solved; K repair symbols that were copied */
};

WzpRaptorqDecoder *
wzp_raptorq_decoder_new(void)
{
  WzpRaptorqDecoder *decoder = g_new0(WzpRaptorqDecoder, 1);
  decoder->bytes = g_aligned_alloc(2 * K_MAX, WZP_RAPTORQ_SYMBOL_MAX, 64);
  return decoder;
}

void
wzp_raptorq_decoder_free(WzpRaptorqDecoder *decoder)
{
  if (decoder == NULL)
    return;
  g_aligned_free(decoder->bytes);
  g_free(decoder);
}

static uint8_t *
source_bytes(const WzpRaptorqDecoder *decoder, unsigned column)
{
  return decoder->bytes + column * decoder->n;
}

WzpResult
wzp_raptorq_decoder_start(WzpRaptorqDecoder *decoder, unsigned k, size_t n)
{
  if (k < 1 || k > K_MAX || n < 1 || n > WZP_RAPTORQ_SYMBOL_MAX)
    return WZP_MALFORMED;
  decoder->code = wzp_raptorq_row_code();
  decoder->k = decoder->n_free = k;
  decoder->row_size = wzp_raptorq_row_size(k);
  decoder->n = n;
  decoder->n_known = decoder->n_solved = decoder->n_pivots = decoder->n_equations = 0;
  decoder->cached_rows = wzp_raptorq_cached_rows(k);
  decoder->known = decoder->solved = (Columns){{0}};
  decoder->free.word[0] = k < 64 ? (UINT64_C(1) << k) - 1 : UINT64_MAX;
  decoder->free.word[1] = k > 64 ? (UINT64_C(1) << (k - 64)) - 1 : 0;
  return WZP_OK;
}

static void
leave_free(WzpRaptorqDecoder *decoder, unsigned column)
{
  wzp_raptorq_drop(&decoder->free, column);
  decoder->n_free--;
}

static uint8_t *
repair_bytes(const WzpRaptorqDecoder *decoder, unsigned equation)
{
  return decoder->bytes + (K_MAX + equation) * decoder->n;
}

/* The last equation takes the place of one that is gone. */
static void
remove_equation(WzpRaptorqDecoder *decoder, unsigned at)
{
  const unsigned last = --decoder->n_equations;
  const uint8_t *repair = decoder->repair[last];
  if (repair == repair_bytes(decoder, last))
    repair = memmove(repair_bytes(decoder, at), repair, decoder->n);
  memmove(decoder->row[at], decoder->row[last], decoder->row_size);
  decoder->esi[at] = decoder->esi[last];
  decoder->repair[at] = repair;
}

/* Equations that say nothing new go. */
static void
take_in_waiting(WzpRaptorqDecoder *decoder)
{
  if (decoder->n_pivots > 0)
    for (unsigned i = decoder->n_pivots; i < decoder->n_equations; i++)
      decoder->code->reduce(decoder->row[i], decoder->row, decoder->pivot, decoder->n_pivots,
                            decoder->row_size);
  while (decoder->n_pivots < decoder->n_equations) {
    unsigned before = decoder->n_pivots;
    decoder->n_pivots =
        decoder->code->exchange_all(decoder->row, decoder->n_equations, before, decoder->pivot,
                                    &decoder->free, decoder->row_size);
    decoder->n_free -= decoder->n_pivots - before;
    for (unsigned i = before; i < decoder->n_pivots; i++)
      decoder->slot[decoder->pivot[i]] = decoder->repair[i];
    if (decoder->n_pivots < decoder->n_equations)
      remove_equation(decoder, decoder->n_pivots);
  }
}

static void
copy_row(uint8_t *row, const uint8_t *from, unsigned size)
{
  for (unsigned at = 0; at < size; at += WZP_RAPTORQ_VECTOR)
    memcpy(row + at, from + at, WZP_RAPTORQ_VECTOR);
}

/* WZP_REPLAYED: the block is known. Equations that wait are as many as there are free columns, at most. */
static inline WzpResult
take_repair(WzpRaptorqDecoder *decoder, uint32_t esi, const uint8_t *symbol)
{
  const unsigned k = decoder->k, size = decoder->row_size;
  if (decoder->n_equations - decoder->n_pivots >= decoder->n_free) {
    take_in_waiting(decoder);
    if (decoder->n_free == 0)
      return WZP_REPLAYED;
  }
  const unsigned own = decoder->n_equations++;
  decoder->esi[own] = esi;
  decoder->repair[own] = symbol;
  if (wzp_raptorq_is_cached(k, esi))
    copy_row(decoder->row[own], decoder->cached_rows + (esi - k) * size, size);
  else
    wzp_raptorq_compute_row(k, esi, decoder->row[own]);
  return WZP_OK;
}

static bool
has_repair(const WzpRaptorqDecoder *decoder, uint32_t esi)
{
  for (unsigned i = 0; i < decoder->n_equations; i++)
    if (decoder->esi[i] == esi)
      return true;
  return false;
}

static void
swap_bytes(uint8_t *row, unsigned a, unsigned b)
{
  uint8_t byte = row[a];
  row[a] = row[b];
  row[b] = byte;
}

/* The source symbol of a pivot came after all; its equation becomes that of a free column. After the exchange the
 * two columns have each other's slot. WZP_REPLAYED: the equation names none, so the symbol follows from it. */
static WzpResult
release_pivot(WzpRaptorqDecoder *decoder, unsigned column)
{
  unsigned own = 0;
  take_in_waiting(decoder);
  while (decoder->pivot[own] != column)
    own++;
  uint8_t *row = decoder->row[own];
  unsigned other = wzp_raptorq_first_of(&decoder->free, row);
  if (other == K_MAX)
    return WZP_REPLAYED;
  row[column] ^= 1; /* in full, which is an equation for the source symbol */
  decoder->code->exchange(decoder->row, decoder->n_equations, own, other, decoder->row_size);
  row[other] ^= 1;
  for (unsigned i = 0; i < decoder->n_equations; i++)
    swap_bytes(decoder->row[i], column, other);
  row[other] ^= 1;
  decoder->pivot[own] = (uint8_t)other;
  decoder->slot[other] = decoder->repair[own];
  leave_free(decoder, other);
  return WZP_OK;
}

static WzpResult
take_source(WzpRaptorqDecoder *decoder, unsigned column, const uint8_t *symbol)
{
  if (wzp_raptorq_has(&decoder->known, column))
    return WZP_REPLAYED;
  if (wzp_raptorq_has(&decoder->free, column))
    leave_free(decoder, column);
  else if (release_pivot(decoder, column) != WZP_OK)
    return WZP_REPLAYED;
  wzp_raptorq_put(&decoder->known, column);
  decoder->n_known++;
  decoder->slot[column] = symbol;
  return WZP_OK;
}

WzpResult
wzp_raptorq_decoder_add(WzpRaptorqDecoder *decoder, uint32_t esi, const uint8_t *symbol)
{
  if (decoder->k == 0 || esi > WZP_RAPTORQ_ESI_MAX)
    return WZP_MALFORMED;
  if (esi < decoder->k) {
    if (take_source(decoder, esi, symbol) != WZP_OK)
      return WZP_REPLAYED;
    decoder->slot[esi] = memcpy(source_bytes(decoder, esi), symbol, decoder->n);
  } else {
    if (has_repair(decoder, esi) || take_repair(decoder, esi, symbol) != WZP_OK)
      return WZP_REPLAYED;
    unsigned own = decoder->n_equations - 1;
    decoder->repair[own] = memcpy(repair_bytes(decoder, own), symbol, decoder->n);
  }
  return WZP_OK;
}

/* One product of the rows that name no free column, SOLVE_AT_ONCE at most; how many. */
static unsigned
solve_some(WzpRaptorqDecoder *decoder)
{
  const unsigned k = decoder->k;
  const WzpGf256Factor *of = wzp_gf256_code(wzp_gf256_kernel())->factors; /* wzp_gf256_prepare() */
  uint8_t *out[SOLVE_AT_ONCE];
  Columns solved = decoder->solved;
  unsigned n = 0;
  for (unsigned i = 0; i < decoder->n_pivots && n < SOLVE_AT_ONCE; i++) {
    const unsigned column = decoder->pivot[i];
    if (wzp_raptorq_has(&solved, column) ||
        (decoder->n_free > 0 && wzp_raptorq_first_of(&decoder->free, decoder->row[i]) != K_MAX))
      continue;
    wzp_raptorq_put(&solved, column);
    const uint8_t *row = decoder->row[i];
    WzpGf256Factor *factors = decoder->factors + n * k;
#pragma GCC unroll 8
    for (unsigned j = 0; j < k; j++)
      factors[j] = of[row[j]];
    factors[column] = of[row[column] ^ 1]; /* in full */
    out[n++] = source_bytes(decoder, column);
  }
  decoder->solved = solved;
  decoder->n_solved += n;
  wzp_gf256_product(k, decoder->slot, decoder->factors, out, n, decoder->n);
  return n;
}

bool
wzp_raptorq_decoder_solve(WzpRaptorqDecoder *decoder)
{
  take_in_waiting(decoder);
  if (decoder->n_free > 0) /* read, times 0 */
    for (unsigned i = 0; i < decoder->k; i++)
      if (wzp_raptorq_has(&decoder->free, i))
        decoder->slot[i] = source_bytes(decoder, i);
  while (decoder->n_solved < decoder->n_pivots && solve_some(decoder) == SOLVE_AT_ONCE)
    ;
  return decoder->k > 0 && decoder->n_known + decoder->n_solved == decoder->k;
}

bool
wzp_raptorq_decode(WzpRaptorqDecoder *decoder, unsigned k, size_t n, const uint32_t *esi,
                   const uint8_t *const *symbols, unsigned n_symbols)
{
  if (wzp_raptorq_decoder_start(decoder, k, n) != WZP_OK)
    return false;
  Columns left = decoder->free;
  for (unsigned i = 0; i < n_symbols; i++)
    if (esi[i] < k) {
      decoder->n_known += wzp_raptorq_has(&left, esi[i]);
      wzp_raptorq_drop(&left, esi[i]);
      decoder->slot[esi[i]] = symbols[i];
    }
  for (unsigned i = 0; i < 2; i++)
    decoder->known.word[i] = decoder->free.word[i] & ~left.word[i];
  decoder->free = left;
  decoder->n_free -= decoder->n_known;
  for (unsigned i = 0; i < n_symbols && decoder->n_free > 0; i++)
    if (esi[i] >= k && esi[i] <= WZP_RAPTORQ_ESI_MAX)
      take_repair(decoder, esi[i], symbols[i]);
  return wzp_raptorq_decoder_solve(decoder);
}

const uint8_t *
wzp_raptorq_decoder_symbol(const WzpRaptorqDecoder *decoder, unsigned i)
{
  if (i >= decoder->k)
    return NULL;
  if (wzp_raptorq_has(&decoder->known, i))
    return decoder->slot[i];
  return wzp_raptorq_has(&decoder->solved, i) ? source_bytes(decoder, i) : NULL;
}
