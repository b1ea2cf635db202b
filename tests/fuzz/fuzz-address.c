/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/address.h"
#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As text: what parses is shown as text that parses to the same. As bytes: what reads is written so
 * that it reads as the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpAddress address, again;
  char shown[WZP_ADDRESS_TEXT];
  char *text = g_strndup((const char *)data, size);

  if (wzp_address_parse(&address, text)) {
    g_assert_true(wzp_address_parse(&again, wzp_address_format(&address, shown)));
    g_assert_true(wzp_address_equal(&address, &again));
  }
  g_free(text);

  WzpReader reader;
  wzp_reader_init(&reader, data, size);
  if (wzp_address_read(&address, &reader)) {
    uint8_t wire[19];
    WzpWriter writer;
    wzp_writer_init(&writer, wire, sizeof wire);
    wzp_address_write(&address, &writer);
    g_assert_false(writer.failed);
    wzp_reader_init(&reader, wire, writer.length);
    g_assert_true(wzp_address_read(&again, &reader));
    g_assert_true(wzp_reader_done(&reader));
    g_assert_true(wzp_address_equal(&address, &again));
  }
  return 0;
}
