/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/dial-message.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Messages of dialled calls, those that the relay reads and those inside: what parses is built again to the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpCallMessage outer;
  WzpDialMessage inner, again;
  uint8_t bytes[WZP_DIAL_MESSAGE_MAX];
  if (wzp_call_message_parse(&outer, data, size) == WZP_OK) {
    g_autoptr(GBytes) built = wzp_call_message_build(&outer);
    g_assert_cmpmem(g_bytes_get_data(built, NULL), g_bytes_get_size(built), data, size);
  }
  if (wzp_dial_message_parse(&inner, data, size) == WZP_OK && inner.type != WZP_DIAL_PATH) {
    size_t length = wzp_dial_message_write(bytes, &inner);
    g_assert_cmpuint(length, <=, size); /* what follows was ignored */
    g_assert_cmpint(wzp_dial_message_parse(&again, bytes, length), ==, WZP_OK);
    g_assert_cmpmem(&inner, sizeof inner, &again, sizeof again);
  }
  return 0;
}
