/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/elimination.h"

/* Against a model without window, ring or short cuts: everything ever accepted, each symbol that came by itself
 * as one more equation, in one dense matrix in reduced row echelon form. */

#define SPAN 400 /* columns of a run */
#define SYMBOL 24

static uint8_t times[256][256];

static uint8_t
slow_multiply(uint8_t a, uint8_t b)
{
  unsigned sum = 0, shifted = a;
  for (unsigned bit = 0; bit < 8; bit++) {
    if (b >> bit & 1)
      sum ^= shifted;
    shifted = shifted << 1 ^ (shifted & 0x80 ? 0x11d : 0);
  }
  return (uint8_t)sum;
}

static void
make_times(void)
{
  for (unsigned a = 0; a < 256; a++)
    for (unsigned b = 0; b < 256; b++)
      times[a][b] = slow_multiply((uint8_t)a, (uint8_t)b);
}

typedef struct {
  TestRandom random;
  WzpElimination *elimination;
  uint64_t origin; /* column = origin + index */
  unsigned end;    /* 1 + newest index that was named */
  uint8_t truth[SPAN][SYMBOL];
  size_t length[SPAN];
  bool has_row[SPAN]; /* by pivot */
  uint8_t row[SPAN][SPAN];
  bool came[SPAN], told[SPAN];
} Run;

static unsigned
start(const Run *run)
{
  return run->end > WZP_ELIMINATION_COLUMNS ? run->end - WZP_ELIMINATION_COLUMNS : 0;
}

static void
row_add(uint8_t *to, const uint8_t *from, uint8_t coefficient)
{
  for (unsigned i = 0; i < SPAN; i++)
    to[i] ^= times[coefficient][from[i]];
}

/* False: says nothing new. */
static bool
model_add(Run *run, const uint8_t *equation)
{
  uint8_t row[SPAN];
  unsigned pivot = 0;
  memcpy(row, equation, SPAN);
  for (unsigned i = 0; i < SPAN; i++)
    if (run->has_row[i])
      row_add(row, run->row[i], row[i]);
  while (pivot < SPAN && row[pivot] == 0)
    pivot++;
  if (pivot == SPAN)
    return false;
  unsigned inverse = 1;
  while (times[inverse][row[pivot]] != 1)
    inverse++;
  for (unsigned i = 0; i < SPAN; i++)
    row[i] = times[inverse][row[i]];
  for (unsigned i = 0; i < SPAN; i++)
    if (run->has_row[i])
      row_add(run->row[i], row, run->row[i][pivot]);
  memcpy(run->row[pivot], row, SPAN);
  run->has_row[pivot] = true;
  return true;
}

static bool
model_knows(const Run *run, unsigned index)
{
  static const uint8_t zeros[SPAN];
  return run->has_row[index] && memcmp(run->row[index], zeros, index) == 0 &&
         memcmp(run->row[index] + index + 1, zeros, SPAN - index - 1) == 0;
}

static void
compare(Run *run)
{
  unsigned pivots = 0, known = 0;
  uint64_t column, before = 0;
  const uint8_t *symbol;
  while (wzp_elimination_next_solved(run->elimination, &column, &symbol)) {
    unsigned index = (unsigned)(column - run->origin);
    g_assert_true(before == 0 || column > before);
    before = column;
    g_assert_cmpuint(index, >=, start(run));
    g_assert_cmpuint(index, <, run->end);
    g_assert_true(model_knows(run, index));
    g_assert_false(run->came[index] || run->told[index]);
    g_assert_cmpmem(symbol, SYMBOL, run->truth[index], SYMBOL);
    run->told[index] = true;
  }
  g_assert_cmpuint(wzp_elimination_end(run->elimination), ==,
                   run->end ? run->origin + run->end : 0);
  for (unsigned i = start(run); i < run->end; i++) {
    const bool knows = model_knows(run, i);
    pivots += run->has_row[i];
    known += knows;
    symbol = wzp_elimination_symbol(run->elimination, run->origin + i);
    g_assert_cmpint(wzp_elimination_is_known(run->elimination, run->origin + i), ==, knows);
    g_assert_cmpint(symbol != NULL, ==, knows);
    if (!knows)
      continue;
    g_assert_cmpmem(symbol, SYMBOL, run->truth[i], SYMBOL);
    g_assert_true(run->came[i] || run->told[i]);
  }
  g_assert_cmpuint(wzp_elimination_pending(run->elimination), ==, pivots - known);
  if (start(run) > 0)
    g_assert_false(wzp_elimination_is_known(run->elimination, run->origin + start(run) - 1));
  g_assert_null(wzp_elimination_symbol(run->elimination, run->origin + run->end));
}

static void
begin(Run *run, uint64_t origin, size_t longest)
{
  run->origin = origin;
  run->end = 0;
  memset(run->truth, 0, sizeof run->truth);
  memset(run->has_row, 0, sizeof run->has_row);
  memset(run->row, 0, sizeof run->row);
  memset(run->came, 0, sizeof run->came);
  memset(run->told, 0, sizeof run->told);
  for (unsigned i = 0; i < SPAN; i++) {
    run->length[i] = test_random_below(&run->random, longest + 1);
    test_random_bytes(&run->random, run->truth[i], run->length[i]);
  }
}

static void
know(Run *run, unsigned index)
{
  uint8_t unit[SPAN] = {0};
  WzpResult expected = WZP_OK;
  unit[index] = 1;
  if (index < start(run))
    expected = WZP_TOO_OLD;
  else if (!model_add(run, unit))
    expected = WZP_REPLAYED;
  /* a copy of exactly its size: AddressSanitizer sees a read behind it */
  g_autofree uint8_t *symbol = g_memdup2(run->truth[index], run->length[index]);
  g_assert_cmpint(
      wzp_elimination_know(run->elimination, run->origin + index, symbol, run->length[index]), ==,
      expected);
  if (expected == WZP_TOO_OLD)
    return;
  run->came[index] |= expected == WZP_OK;
  run->end = MAX(run->end, index + 1);
}

static void
add(Run *run, unsigned first, unsigned n, unsigned zeros_in_8)
{
  uint8_t equation[SPAN] = {0}, sum[SYMBOL] = {0};
  unsigned oldest = SPAN, newest = 0;
  for (unsigned i = first; i < first + n; i++) {
    if (test_random_below(&run->random, 8) < zeros_in_8)
      continue;
    equation[i] = (uint8_t)test_random_u64(&run->random);
    if (equation[i] == 0)
      continue;
    oldest = MIN(oldest, i);
    newest = i;
    for (unsigned j = 0; j < SYMBOL; j++)
      sum[j] ^= times[equation[i]][run->truth[i][j]];
  }
  size_t length = SYMBOL;
  while (length > 0 && sum[length - 1] == 0)
    length--;
  length += test_random_below(&run->random, SYMBOL - length + 1);

  WzpResult expected = WZP_OK;
  if (oldest == SPAN)
    expected = WZP_REPLAYED;
  else if (oldest < start(run))
    expected = WZP_TOO_OLD;
  else if (!model_add(run, equation))
    expected = WZP_REPLAYED;
  g_autofree uint8_t *coefficients = g_memdup2(equation + first, n);
  g_autofree uint8_t *symbol = g_memdup2(sum, length);
  g_assert_cmpint(
      wzp_elimination_add(run->elimination, run->origin + first, n, coefficients, symbol, length),
      ==, expected);
  if (oldest < SPAN && expected != WZP_TOO_OLD)
    run->end = MAX(run->end, newest + 1);
}

/* A stream with losses; its equations over the window that ends offset columns before now. */
static void
stream(Run *run, unsigned span, unsigned loss_percent, unsigned width, unsigned jump_percent)
{
  for (unsigned now = 0; now < span; now++) {
    if (test_random_below(&run->random, 100) >= loss_percent)
      know(run, now);
    if (test_random_below(&run->random, 100) < jump_percent)
      now += (unsigned)test_random_below(&run->random, MIN(span - now, 200));
    while (test_random_below(&run->random, 3) == 0) {
      unsigned n = 1 + (unsigned)test_random_below(&run->random, width);
      unsigned offset = (unsigned)test_random_below(&run->random, 2 * width);
      unsigned last = now + 3 > offset ? MIN(now + 3 - offset, SPAN - 1) : 0;
      n = MIN(n, last + 1);
      add(run, last + 1 - n, n, (unsigned)test_random_below(&run->random, 9));
    }
    if (test_random_below(&run->random, 4) == 0) /* late, twice or too late */
      know(run, now - (unsigned)test_random_below(&run->random, MIN(now + 1, 150)));
    compare(run);
  }
}

static void
test_model(void)
{
  static const uint64_t origins[] = {0, 1, 127, 128, 1000, UINT64_C(1) << 40, UINT64_MAX - SPAN};
  g_autofree Run *run = g_new0(Run, 1);
  test_random_init(&run->random);
  run->elimination = wzp_elimination_new(SYMBOL);
  for (unsigned round = 0; round < 120; round++) {
    static const unsigned widths[] = {2, 5, 10, 20, 64, WZP_ELIMINATION_COLUMNS};
    begin(run, origins[round % G_N_ELEMENTS(origins)], round % 5 == 0 ? 0 : SYMBOL);
    stream(run, round % 8 ? 40 : SPAN, (unsigned)test_random_below(&run->random, 101),
           widths[test_random_below(&run->random, G_N_ELEMENTS(widths))], round % 3 ? 0 : 2);
    wzp_elimination_reset(run->elimination);
  }
  wzp_elimination_free(run->elimination);
}

/* Any order of sources and equations of one window gives the same. */
static void
test_orders(void)
{
  g_autofree Run *run = g_new0(Run, 1);
  test_random_init(&run->random);
  for (unsigned round = 0; round < 300; round++) {
    const unsigned n = 1 + (unsigned)test_random_below(&run->random, 16);
    unsigned sources = n;
    run->elimination = wzp_elimination_new(SYMBOL);
    begin(run, test_random_u64(&run->random) >> 1, SYMBOL);
    for (unsigned left = 2 * n; left > 0; left--) {
      if (test_random_below(&run->random, left) < sources)
        know(run, --sources);
      else
        add(run, 0, n, 0);
      compare(run);
    }
    for (unsigned i = 0; i < n; i++)
      g_assert_true(wzp_elimination_is_known(run->elimination, run->origin + i));
    wzp_elimination_free(run->elimination);
  }
}

/* The oldest column expires unknown and takes one equation of two with it. */
static void
test_expiry(void)
{
  static const uint8_t a[] = {1, 1, 1}, b[] = {1, 2, 3}, symbol[] = {5}, other[] = {6};
  WzpElimination *elimination = wzp_elimination_new(1);
  uint64_t column;
  const uint8_t *solved;
  g_assert_cmpint(wzp_elimination_add(elimination, 0, 3, a, symbol, 1), ==, WZP_OK);
  g_assert_cmpint(wzp_elimination_add(elimination, 0, 3, b, other, 1), ==, WZP_OK);
  g_assert_cmpuint(wzp_elimination_pending(elimination), ==, 2);
  g_assert_cmpint(wzp_elimination_know(elimination, WZP_ELIMINATION_COLUMNS, symbol, 1), ==,
                  WZP_OK);
  g_assert_cmpuint(wzp_elimination_pending(elimination), ==, 1);
  g_assert_cmpint(wzp_elimination_know(elimination, 2, symbol, 1), ==, WZP_OK);
  g_assert_true(wzp_elimination_next_solved(elimination, &column, &solved));
  g_assert_cmpuint(column, ==, 1);
  /* 3 c1 + 2 c2 = 3, c2 = 5: c1 = 9 / 3 = 7 */
  g_assert_cmpuint(*solved, ==, 7);
  g_assert_false(wzp_elimination_next_solved(elimination, &column, &solved));
  /* far ahead: nothing is left */
  g_assert_cmpint(wzp_elimination_know(elimination, 1000, symbol, 1), ==, WZP_OK);
  g_assert_cmpuint(wzp_elimination_pending(elimination), ==, 0);
  g_assert_false(wzp_elimination_is_known(elimination, WZP_ELIMINATION_COLUMNS));
  g_assert_cmpint(wzp_elimination_know(elimination, 1000 - WZP_ELIMINATION_COLUMNS, symbol, 1), ==,
                  WZP_TOO_OLD);
  g_assert_cmpint(wzp_elimination_know(elimination, 1001 - WZP_ELIMINATION_COLUMNS, symbol, 1), ==,
                  WZP_OK);
  wzp_elimination_free(elimination);
}

static void
test_arguments(void)
{
  static const uint8_t ones[WZP_ELIMINATION_COLUMNS + 1] = {1, 1}, symbol[SYMBOL + 1] = {1};
  WzpElimination *elimination = wzp_elimination_new(SYMBOL);
  g_assert_cmpuint(wzp_elimination_end(elimination), ==, 0);
  g_assert_cmpint(wzp_elimination_know(elimination, 0, symbol, SYMBOL + 1), ==, WZP_TOO_LONG);
  g_assert_cmpint(wzp_elimination_know(elimination, UINT64_MAX, symbol, 1), ==, WZP_MALFORMED);
  g_assert_cmpint(wzp_elimination_add(elimination, 0, 2, ones, symbol, SYMBOL + 1), ==,
                  WZP_TOO_LONG);
  g_assert_cmpint(wzp_elimination_add(elimination, 0, 0, ones, symbol, 1), ==, WZP_MALFORMED);
  g_assert_cmpint(wzp_elimination_add(elimination, 0, WZP_ELIMINATION_COLUMNS + 1, ones, symbol, 1),
                  ==, WZP_MALFORMED);
  g_assert_cmpint(wzp_elimination_add(elimination, UINT64_MAX - 1, 2, ones, symbol, 1), ==,
                  WZP_MALFORMED);
  g_assert_cmpint(wzp_elimination_add(elimination, 0, 2, ones + 2, symbol, 1), ==, WZP_REPLAYED);
  g_assert_cmpuint(wzp_elimination_end(elimination), ==, 0);
  /* only what is named moves the window */
  g_assert_cmpint(wzp_elimination_add(elimination, 0, WZP_ELIMINATION_COLUMNS, ones, symbol, 1), ==,
                  WZP_OK);
  g_assert_cmpuint(wzp_elimination_end(elimination), ==, 2);
  g_assert_cmpint(wzp_elimination_know(elimination, UINT64_MAX - 1, NULL, 0), ==, WZP_OK);
  g_assert_cmpuint(wzp_elimination_end(elimination), ==, UINT64_MAX);
  wzp_elimination_free(elimination);
  wzp_elimination_free(NULL);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  make_times();
  g_test_add_func("/elimination/arguments", test_arguments);
  g_test_add_func("/elimination/expiry", test_expiry);
  g_test_add_func("/elimination/orders", test_orders);
  g_test_add_func("/elimination/model", test_model);
  return g_test_run();
}
