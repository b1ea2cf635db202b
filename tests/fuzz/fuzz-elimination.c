/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/bytes.h"
#include "wzp/elimination.h"
#include "wzp/gf256.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Columns and equations in any order, near each other and far apart. As long as every symbol is the true one of
 * its columns, so is what comes out. */

#define SYMBOL 12

static void
truth(uint64_t column, uint8_t out[SYMBOL])
{
  for (unsigned i = 0; i < SYMBOL; i++)
    out[i] = (uint8_t)((column * 151 + i * 29 + 7) * (column % 5 + 1));
  memset(out + 4 + column % 8, 0, SYMBOL - 4 - column % 8);
}

static size_t
trimmed(const uint8_t *symbol)
{
  size_t length = SYMBOL;
  while (length > 0 && symbol[length - 1] == 0)
    length--;
  return length;
}

static void
take(WzpElimination *elimination, bool honest)
{
  uint64_t column, before = 0;
  const uint8_t *symbol;
  uint8_t expected[SYMBOL];
  while (wzp_elimination_next_solved(elimination, &column, &symbol)) {
    g_assert_cmpuint(column, <, wzp_elimination_end(elimination));
    g_assert_true(before == 0 || column > before);
    g_assert_true(wzp_elimination_symbol(elimination, column) == symbol);
    before = column;
    truth(column, expected);
    if (honest)
      g_assert_cmpmem(symbol, SYMBOL, expected, SYMBOL);
  }
  g_assert_cmpuint(wzp_elimination_pending(elimination), <=, WZP_ELIMINATION_COLUMNS);
}

static WzpResult
equation(WzpElimination *elimination, WzpReader *reader, uint64_t first, bool honest)
{
  uint8_t sum[SYMBOL] = {0}, of_column[SYMBOL];
  const unsigned n = wzp_reader_u8(reader), step = wzp_reader_u8(reader);
  g_autofree uint8_t *coefficients = g_malloc(n + 1);
  for (unsigned i = 0; i < n; i++) {
    coefficients[i] = (uint8_t)(step < 8 ? 1 : (step & 3) == 0 && (i & 1) ? 0 : step * (i + 3));
    truth(first + i, of_column);
    wzp_gf256_add_scaled(sum, of_column, coefficients[i], SYMBOL);
  }
  size_t length = honest ? trimmed(sum) : step % (SYMBOL + 2);
  g_autofree uint8_t *symbol = g_malloc0(length + 1);
  memcpy(symbol, sum, MIN(length, SYMBOL));
  return wzp_elimination_add(elimination, first, n, coefficients, symbol, length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static WzpElimination *elimination;
  WzpReader reader;
  uint8_t own[SYMBOL];
  if (elimination == NULL)
    elimination = wzp_elimination_new(SYMBOL);
  wzp_elimination_reset(elimination);
  wzp_reader_init(&reader, data, size);
  const bool honest = wzp_reader_u8(&reader) & 1;
  uint64_t column = wzp_reader_u64(&reader);
  while (!reader.failed && !wzp_reader_done(&reader)) {
    const uint8_t what = wzp_reader_u8(&reader);
    WzpResult result = WZP_OK;
    uint64_t near = column - wzp_reader_u8(&reader);
    if (what < 0x50) {
      truth(column, own);
      result = wzp_elimination_know(elimination, column++, own, trimmed(own));
    } else if (what < 0x60) {
      column += what & 7;
    } else if (what < 0x80) {
      truth(near, own);
      result = wzp_elimination_know(elimination, near, own, trimmed(own));
    } else if (what < 0xf8) {
      result = equation(elimination, &reader, near, honest);
    } else if (what < 0xfc) {
      column += (uint64_t)wzp_reader_u16(&reader) << (what & 3) * 16;
    } else {
      take(elimination, honest);
    }
    g_assert_true(result == WZP_OK || result == WZP_REPLAYED || result == WZP_TOO_OLD ||
                  result == WZP_MALFORMED || (!honest && result == WZP_TOO_LONG));
    if (what & 1)
      take(elimination, honest);
  }
  take(elimination, honest);
  return 0;
}
