/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "elimination.h"
#include "gf256.h"
#include <glib.h>
#include <string.h>

#define COLUMNS WZP_ELIMINATION_COLUMNS
G_STATIC_ASSERT((COLUMNS & (COLUMNS - 1)) == 0);

/* A column lives in the slot of its number modulo COLUMNS, and so do the coefficients of an equation. What a slot
 * keeps in its symbol depends on its state. */
typedef enum {
  FREE,  /* unknown, no equation of its own: nothing */
  PIVOT, /* unknown, the oldest of an equation: column + sum of row * free columns = symbol */
  KNOWN, /* the column itself */
} State;

struct WzpElimination {
  size_t symbol_size;
  uint64_t end;
  unsigned n_pivots, n_solved;
  uint8_t state[COLUMNS]; /* State */
  bool solved[COLUMNS];   /* and not yet told */
  size_t length[COLUMNS]; /* the bytes of symbol from here on are zero: most symbols are short */
  uint8_t *symbol[COLUMNS];
  uint8_t *padded; /* a short symbol of the caller */
  /* of an equation: only free columns are not 0; the pivot's own coefficient, 1, is left out */
  uint8_t row[COLUMNS][COLUMNS];
  uint8_t bytes[]; /* behind symbol and padded */
};

static unsigned
slot_of(uint64_t column)
{
  return (unsigned)(column % COLUMNS);
}

static uint64_t
window_start(const WzpElimination *elimination)
{
  return elimination->end > COLUMNS ? elimination->end - COLUMNS : 0;
}

WzpElimination *
wzp_elimination_new(size_t symbol_size)
{
  WzpElimination *elimination = g_malloc0(sizeof(WzpElimination) + (COLUMNS + 1) * symbol_size);
  elimination->symbol_size = symbol_size;
  for (unsigned i = 0; i < COLUMNS; i++)
    elimination->symbol[i] = elimination->bytes + i * symbol_size;
  elimination->padded = elimination->bytes + COLUMNS * symbol_size;
  return elimination;
}

void
wzp_elimination_free(WzpElimination *elimination)
{
  g_free(elimination);
}

static void
forget_slot(WzpElimination *elimination, unsigned slot)
{
  elimination->n_pivots -= elimination->state[slot] == PIVOT;
  elimination->n_solved -= elimination->solved[slot];
  elimination->state[slot] = FREE;
  elimination->solved[slot] = false;
}

void
wzp_elimination_reset(WzpElimination *elimination)
{
  for (unsigned i = 0; i < COLUMNS; i++)
    forget_slot(elimination, i);
  elimination->end = 0;
}

/* No equation but its own names a column that leaves: of the unknown columns of an equation the pivot is the
 * oldest. */
static void
move_up(WzpElimination *elimination, uint64_t end)
{
  if (end <= elimination->end)
    return;
  uint64_t first_new = MAX(elimination->end, end > COLUMNS ? end - COLUMNS : 0);
  for (uint64_t column = first_new; column < end; column++)
    forget_slot(elimination, slot_of(column));
  elimination->end = end;
}

/* For writing length bytes into it; what is behind them becomes zero. */
static uint8_t *
open_symbol(WzpElimination *elimination, unsigned slot, size_t length)
{
  uint8_t *symbol = elimination->symbol[slot];
  if (elimination->length[slot] > length)
    memset(symbol + length, 0, elimination->length[slot] - length);
  elimination->length[slot] = length;
  return symbol;
}

static void
add_scaled(WzpElimination *elimination, unsigned slot, const uint8_t *from, size_t length,
           uint8_t coefficient)
{
  wzp_gf256_add_scaled(elimination->symbol[slot], from, coefficient, length);
  elimination->length[slot] = MAX(elimination->length[slot], length);
}

static void
check_solved(WzpElimination *elimination, unsigned slot)
{
  static const uint8_t zeros[COLUMNS];
  if (memcmp(elimination->row[slot], zeros, COLUMNS) != 0)
    return;
  elimination->state[slot] = KNOWN;
  elimination->solved[slot] = true;
  elimination->n_pivots--;
  elimination->n_solved++;
}

/* A free column has become known, or, with its row, a pivot: takes it out of all equations. */
static void
substitute(WzpElimination *elimination, unsigned slot, const uint8_t *row)
{
  if (elimination->n_pivots == 0)
    return;
  for (unsigned i = 0; i < COLUMNS; i++) {
    uint8_t coefficient = elimination->row[i][slot];
    if (elimination->state[i] != PIVOT || coefficient == 0)
      continue;
    elimination->row[i][slot] = 0;
    if (row)
      wzp_gf256_add_scaled(elimination->row[i], row, coefficient, COLUMNS);
    add_scaled(elimination, i, elimination->symbol[slot], elimination->length[slot], coefficient);
    check_solved(elimination, i);
  }
}

typedef struct {
  unsigned n;
  size_t length; /* the longest */
  uint8_t coefficient[COLUMNS + 1];
  const uint8_t *symbol[COLUMNS + 1];
} Sum;

static void
sum_add(Sum *sum, uint8_t coefficient, const uint8_t *symbol, size_t length)
{
  sum->coefficient[sum->n] = coefficient;
  sum->symbol[sum->n++] = symbol;
  sum->length = MAX(sum->length, length);
}

/* The equation row = sum, where row names free columns only, the oldest not before first. False when it names
 * none: it says nothing new. */
static bool
add_reduced(WzpElimination *elimination, uint64_t first, const uint8_t *row, Sum *sum)
{
  while (first < elimination->end && row[slot_of(first)] == 0)
    first++;
  if (first == elimination->end)
    return false;

  WzpGf256Factor factors[COLUMNS + 1];
  unsigned pivot = slot_of(first);
  uint8_t scale = wzp_gf256_inverse(row[pivot]);
  wzp_gf256_scale(sum->coefficient, scale, sum->n);
  wzp_gf256_prepare(factors, sum->coefficient, sum->n);
  uint8_t *out = open_symbol(elimination, pivot, sum->length);
  wzp_gf256_product(sum->n, sum->symbol, factors, &out, 1, sum->length);

  uint8_t *own = elimination->row[pivot];
  memcpy(own, row, COLUMNS);
  wzp_gf256_scale(own, scale, COLUMNS);
  own[pivot] = 0;
  substitute(elimination, pivot, own);
  elimination->state[pivot] = PIVOT;
  elimination->n_pivots++;
  check_solved(elimination, pivot);
  return true;
}

/* The caller's symbol with as many zeros as sum reads. */
static const uint8_t *
pad(WzpElimination *elimination, const uint8_t *symbol, size_t length, size_t padded_length)
{
  if (length >= padded_length)
    return symbol;
  if (length)
    memcpy(elimination->padded, symbol, length);
  memset(elimination->padded + length, 0, padded_length - length);
  return elimination->padded;
}

WzpResult
wzp_elimination_know(WzpElimination *elimination, uint64_t column, const uint8_t *symbol,
                     size_t length)
{
  if (length > elimination->symbol_size)
    return WZP_TOO_LONG;
  if (column == UINT64_MAX)
    return WZP_MALFORMED;
  if (column < window_start(elimination))
    return WZP_TOO_OLD;
  move_up(elimination, column + 1);
  unsigned slot = slot_of(column);
  State before = elimination->state[slot];
  if (before == KNOWN)
    return WZP_REPLAYED;
  if (before == PIVOT) { /* its equation now speaks about its other columns */
    Sum sum = {0};
    sum_add(&sum, 1, elimination->symbol[slot], elimination->length[slot]);
    sum_add(&sum, 1, symbol, length);
    sum.symbol[1] = pad(elimination, symbol, length, sum.length);
    forget_slot(elimination, slot);
    add_reduced(elimination, column + 1, elimination->row[slot], &sum);
  }
  uint8_t *own = open_symbol(elimination, slot, length);
  if (length)
    memcpy(own, symbol, length);
  elimination->state[slot] = KNOWN;
  if (before == FREE)
    substitute(elimination, slot, NULL);
  return WZP_OK;
}

WzpResult
wzp_elimination_add(WzpElimination *elimination, uint64_t first, unsigned n,
                    const uint8_t *coefficients, const uint8_t *symbol, size_t length)
{
  if (n == 0 || n > COLUMNS || first > UINT64_MAX - n)
    return WZP_MALFORMED;
  if (length > elimination->symbol_size)
    return WZP_TOO_LONG;
  while (n > 0 && coefficients[n - 1] == 0)
    n--;
  while (n > 0 && coefficients[0] == 0)
    coefficients++, first++, n--;
  if (n == 0)
    return WZP_REPLAYED;
  if (first < window_start(elimination))
    return WZP_TOO_OLD;
  move_up(elimination, first + n);

  uint8_t row[COLUMNS] = {0};
  Sum sum = {0};
  sum_add(&sum, 1, symbol, length);
  for (unsigned i = 0; i < n; i++) {
    unsigned slot = slot_of(first + i);
    if (coefficients[i] == 0)
      continue;
    if (elimination->state[slot] == FREE) {
      row[slot] ^= coefficients[i]; /* an equation before may have put something here */
      continue;
    }
    if (elimination->state[slot] == PIVOT)
      wzp_gf256_add_scaled(row, elimination->row[slot], coefficients[i], COLUMNS);
    sum_add(&sum, coefficients[i], elimination->symbol[slot], elimination->length[slot]);
  }
  sum.symbol[0] = pad(elimination, symbol, length, sum.length);
  return add_reduced(elimination, first, row, &sum) ? WZP_OK : WZP_REPLAYED;
}

bool
wzp_elimination_next_solved(WzpElimination *elimination, uint64_t *column, const uint8_t **symbol)
{
  if (elimination->n_solved == 0)
    return false;
  uint64_t oldest = window_start(elimination);
  while (!elimination->solved[slot_of(oldest)])
    oldest++;
  unsigned slot = slot_of(oldest);
  elimination->solved[slot] = false;
  elimination->n_solved--;
  *column = oldest;
  *symbol = elimination->symbol[slot];
  return true;
}

const uint8_t *
wzp_elimination_symbol(const WzpElimination *elimination, uint64_t column)
{
  if (column >= elimination->end || column < window_start(elimination) ||
      elimination->state[slot_of(column)] != KNOWN)
    return NULL;
  return elimination->symbol[slot_of(column)];
}

bool
wzp_elimination_is_known(const WzpElimination *elimination, uint64_t column)
{
  return wzp_elimination_symbol(elimination, column) != NULL;
}

unsigned
wzp_elimination_pending(const WzpElimination *elimination)
{
  return elimination->n_pivots;
}

uint64_t
wzp_elimination_end(const WzpElimination *elimination)
{
  return elimination->end;
}
