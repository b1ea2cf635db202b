/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/fec-element.h"
#include "wzp/profile.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What reads as an element lies inside its bytes, names what exists, and is written as it was read. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpFecElement element;
  WzpResult result = wzp_fec_element_parse(&element, data, size);
  g_assert_true(result == WZP_OK || result == WZP_TRUNCATED || result == WZP_MALFORMED);
  if (result != WZP_OK)
    return 0;

  g_assert_true(element.window >= 1 && element.window <= WZP_FEC_WINDOW_MAX);
  g_assert_cmpuint(element.offset, <=, WZP_FEC_OFFSET_MAX);
  g_assert_cmpuint(element.esi_step, <=, WZP_FEC_ESI_STEP_MAX);
  g_assert_cmpuint(element.n_symbols, <=, element.copies ? element.window : WZP_FEC_CODED_MAX);
  g_assert_true(element.n_symbols >= 1 && element.symbol_length >= 1);
  g_assert_true(!element.other_framing || wzp_framing_from_code(element.code)->frame_ms > 0);
  g_assert_true(element.symbols == data + (size - element.n_symbols * element.symbol_length));

  g_autofree uint8_t *again = g_malloc(size);
  WzpWriter writer;
  wzp_writer_init(&writer, again, size);
  wzp_fec_element_write(&writer, &element);
  g_assert_false(writer.failed);
  g_assert_cmpmem(again, writer.length, data, size);
  return 0;
}
