/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/identity.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words that decode are the ones their seed encodes to; all else is refused with a message. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t seed[32], again[32];
  char words[WZP_MNEMONIC_TEXT];
  GError *error = NULL;
  char *text = g_strndup((const char *)data, size);

  if (wzp_mnemonic_decode(seed, text, &error)) {
    g_assert_no_error(error);
    wzp_mnemonic_encode(words, seed);
    g_assert_true(wzp_mnemonic_decode(again, words, NULL));
    g_assert_cmpmem(again, sizeof again, seed, sizeof seed);
  } else {
    g_assert_nonnull(error);
    g_assert_true(error->domain == WZP_MNEMONIC_ERROR);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    for (unsigned i = 0; i < sizeof seed; i++)
      g_assert_cmpuint(seed[i], ==, 0);
    g_error_free(error);
  }
  g_free(text);
  return 0;
}
