/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/keyfile.h"
#include <sodium.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken for a key file is the hex of its secret and a newline, in upper or lower case. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t secret[32];
  char hex[65];

  memset(secret, 0xee, sizeof secret);
  if (wzp_keyfile_parse(secret, (const char *)data, size)) {
    sodium_bin2hex(hex, sizeof hex, secret, sizeof secret);
    g_assert_cmpuint(size, ==, 65);
    g_assert_cmpint(g_ascii_strncasecmp(hex, (const char *)data, 64), ==, 0);
    g_assert_cmpint(data[64], ==, '\n');
  } else {
    g_assert_true(sodium_is_zero(secret, sizeof secret));
  }
  return 0;
}
