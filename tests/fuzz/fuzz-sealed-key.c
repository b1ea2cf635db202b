/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/sealed-key.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken is within its limits, and is exactly what would be written. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpSealedKey sealed;
  char text[WZP_SEALED_KEY_TEXT];

  if (!wzp_sealed_key_parse(&sealed, (const char *)data, size))
    return 0;
  g_assert_cmpuint(sealed.passes, >=, 1);
  g_assert_cmpuint(sealed.passes, <=, WZP_SEALED_KEY_PASSES_MAX);
  g_assert_cmpuint(sealed.memory_kib, >=, WZP_SEALED_KEY_MEMORY_MIN);
  g_assert_cmpuint(sealed.memory_kib, <=, WZP_SEALED_KEY_MEMORY_MAX);
  wzp_sealed_key_format(&sealed, text);
  g_assert_cmpmem(text, strlen(text), data, size);
  return 0;
}
