/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/auth.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An AUTH message that is taken is built again byte for byte, and its token is safe to show in a terminal. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpAuth auth;

  if (size == 0 || wzp_auth_parse(&auth, data + 1, size - 1) != WZP_OK)
    return 0;
  g_assert_cmpuint(auth.token_length, >=, 1);
  g_assert_cmpuint(auth.token_length, <=, WZP_TOKEN_MAX);
  g_assert_cmpuint(WZP_AUTH_OVERHEAD + auth.token_length + auth.message_length, ==, size);

  char *token = g_strndup(auth.token, auth.token_length);
  g_assert_cmpuint(strlen(token), ==, auth.token_length);
  uint8_t *again = g_malloc(size);
  WzpWriter writer;
  wzp_writer_init(&writer, again, size);
  wzp_auth_write(&writer, token, auth.message, auth.message_length);
  g_assert_false(writer.failed);
  g_assert_cmpmem(again + 1, writer.length - 1, data + 1, size - 1);
  g_free(again);
  g_free(token);
  return 0;
}
