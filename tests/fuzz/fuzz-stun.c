/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/stun.h"
#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is answered was a Binding request, and the answer has its number and one address. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpStunRequest request;
  uint8_t out[WZP_STUN_RESPONSE_MAX];
  if (wzp_stun_request_parse(&request, data, size) != WZP_OK)
    return 0;
  for (uint8_t family = 4; family <= 6; family += 2) {
    const WzpAddress observed = {.family = family, .port = 0x1234};
    size_t length = wzp_stun_response_write(out, &request, &observed);
    g_assert_cmpuint(length, ==, family == 6 ? 44 : 32);
    g_assert_cmpmem(out + 4, 16, data + 4, 16);
  }
  return 0;
}
