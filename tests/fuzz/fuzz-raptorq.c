/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/bytes.h"
#include "wzp/raptorq.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Blocks: start(K, symbol size, honest), then encoding symbols in any order. What comes out of honest ones is the
 * source; other ones only must not hurt. The same symbols taken at once bring the same as one by one. */

#define K_MAX WZP_RAPTORQ_K_MAX
#define N_MAX 40
#define SYMBOLS_MAX 256

typedef struct {
  unsigned k, n_come;
  size_t n;
  bool honest;
  uint8_t source[K_MAX][N_MAX];
  uint32_t esi[SYMBOLS_MAX];
  uint8_t come[SYMBOLS_MAX][N_MAX];
} Block;

static void
start(Block *block, WzpRaptorqDecoder *decoder, WzpReader *reader)
{
  block->k = wzp_reader_u8(reader);
  block->n = wzp_reader_u8(reader);
  block->honest = wzp_reader_u8(reader) & 1;
  block->n_come = 0;
  bool valid = block->k >= 1 && block->k <= K_MAX && block->n >= 1;
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, block->k, block->n), ==,
                  valid ? WZP_OK : WZP_MALFORMED);
  block->k = 1 + block->k % K_MAX;
  block->n = 1 + block->n % N_MAX;
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, block->k, block->n), ==, WZP_OK);
  for (unsigned i = 0; i < block->k; i++)
    for (size_t at = 0; at < block->n; at++)
      block->source[i][at] = (uint8_t)(37 * i + 11 * at + 5);
}

static void
add(Block *block, WzpRaptorqDecoder *decoder, uint32_t esi, uint8_t fill)
{
  const uint8_t *source[K_MAX];
  if (block->n_come == SYMBOLS_MAX)
    return;
  uint8_t *symbol = block->come[block->n_come];
  memset(symbol, fill, N_MAX);
  for (unsigned i = 0; i < block->k; i++)
    source[i] = block->source[i];
  if (block->honest && esi <= WZP_RAPTORQ_ESI_MAX)
    wzp_raptorq_encode_one(block->k, source, esi, symbol, block->n);
  g_autofree uint8_t *copy = g_memdup2(symbol, block->n); /* ends where it ends */
  WzpResult result = wzp_raptorq_decoder_add(decoder, esi, copy);
  if (esi > WZP_RAPTORQ_ESI_MAX)
    g_assert_cmpint(result, ==, WZP_MALFORMED);
  else
    g_assert_true(result == WZP_OK || result == WZP_REPLAYED);
  block->esi[block->n_come++] = esi;
}

static void
solve(Block *block, WzpRaptorqDecoder *decoder)
{
  unsigned known = 0;
  bool whole = wzp_raptorq_decoder_solve(decoder);
  for (unsigned i = 0; i < block->k; i++) {
    const uint8_t *symbol = wzp_raptorq_decoder_symbol(decoder, i);
    known += symbol != NULL;
    if (symbol && block->honest)
      g_assert_cmpmem(symbol, block->n, block->source[i], block->n);
  }
  g_assert_cmpint(whole, ==, known == block->k);
  g_assert_null(wzp_raptorq_decoder_symbol(decoder, block->k));
}

/* Which symbols are determined does not depend on the order, nor on what they say. */
static void
compare(const Block *block, WzpRaptorqDecoder *decoder, WzpRaptorqDecoder *other)
{
  const uint8_t *come[SYMBOLS_MAX];
  for (unsigned i = 0; i < block->n_come; i++)
    come[i] = block->come[i];
  bool whole = wzp_raptorq_decode(other, block->k, block->n, block->esi, come, block->n_come);
  g_assert_cmpint(whole, ==, wzp_raptorq_decoder_solve(decoder));
  for (unsigned i = 0; i < block->k; i++) {
    const uint8_t *symbol = wzp_raptorq_decoder_symbol(other, i);
    g_assert_cmpint(symbol != NULL, ==, wzp_raptorq_decoder_symbol(decoder, i) != NULL);
    if (symbol && block->honest)
      g_assert_cmpmem(symbol, block->n, block->source[i], block->n);
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static WzpRaptorqDecoder *decoder, *other;
  static Block block;
  WzpReader reader;
  if (decoder == NULL) {
    decoder = wzp_raptorq_decoder_new();
    other = wzp_raptorq_decoder_new();
  }
  wzp_reader_init(&reader, data, size);
  start(&block, decoder, &reader);
  while (!reader.failed && !wzp_reader_done(&reader)) {
    uint8_t what = wzp_reader_u8(&reader);
    if (what < 0xe0) {
      add(&block, decoder, what % (2 * block.k + 8), what);
    } else if (what < 0xf0) {
      add(&block, decoder, wzp_reader_u32(&reader) >> (what & 7), what);
    } else if (what < 0xfe) {
      solve(&block, decoder);
    } else {
      compare(&block, decoder, other);
      start(&block, decoder, &reader);
    }
  }
  solve(&block, decoder);
  compare(&block, decoder, other);
  return 0;
}
