/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/packet.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header that parses is written as it came, but for flags that do not exist. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpHeader header, again;
  size_t length, again_length;
  uint8_t expected[WZP_HEADER_FULL_SIZE], out[WZP_HEADER_FULL_SIZE];

  wzp_datagram_kind(data, size);
  if (wzp_header_parse(&header, data, size, &length) != WZP_OK) {
    g_assert_cmpuint(length, ==, 0);
    return 0;
  }
  g_assert_cmpuint(length, ==, header.full ? WZP_HEADER_FULL_SIZE : WZP_HEADER_MINI_SIZE);
  g_assert_cmpuint(length, <=, size);
  memcpy(expected, data, length);
  if (header.full)
    expected[9] &= WZP_FLAG_TALK_START;
  g_assert_cmpuint(wzp_header_write(&header, out), ==, length);
  g_assert_cmpmem(out, length, expected, length);
  g_assert_cmpint(wzp_header_parse(&again, out, length, &again_length), ==, WZP_OK);
  g_assert_cmpuint(again.seq, ==, header.seq);
  return 0;
}
