/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay/relay-auth.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never a yes without the words for it and a fingerprint that stands in the answer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  RelayTokenVerdict verdict = relay_auth_read_answer(data, size, fingerprint);

  if (verdict == RELAY_TOKEN_UNAVAILABLE)
    return 0;
  char *text = g_strndup((const char *)data, size);
  g_assert_cmpuint(size, <=, RELAY_AUTH_ANSWER_MAX);
  if (verdict == RELAY_TOKEN_GOOD) {
    g_assert_nonnull(strstr(text, "true"));
    /* 32 digits, unless they are written as \u escapes */
    g_assert_cmpuint(size, >=, strlen("{\"valid\":true,\"fingerprint\":\"\"}") + 32);
  } else {
    g_assert_nonnull(strstr(text, "false"));
  }
  g_free(text);
  return 0;
}
