/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/packet.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A valid trunk, taken apart and put together, is the same bytes; an invalid one stays inside too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *packet;
  size_t position = 0, length, header_length;
  WzpHeader header;
  WzpWriter writer;
  uint8_t *buffer = g_malloc(size + 1);
  bool valid = wzp_trunk_valid(data, size);

  wzp_writer_init(&writer, buffer, size);
  while (wzp_trunk_next(data, size, &position, &packet, &length)) {
    g_assert_true(packet > data && packet + length <= data + size);
    g_assert_cmpint(wzp_datagram_kind(packet, length), ==, WZP_DATAGRAM_MEDIA);
    wzp_header_parse(&header, packet, length, &header_length);
    g_assert_true(wzp_trunk_append(&writer, packet, length));
  }
  g_assert_cmpint(valid, ==, position > 0 && position == size);
  if (valid)
    g_assert_cmpmem(buffer, writer.length, data, size);
  g_free(buffer);
  return 0;
}
