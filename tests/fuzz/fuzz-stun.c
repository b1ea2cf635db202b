/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/stun.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is answered was a Binding request, and the answer has its number and one address. What counts as an answer has the
 * number of the question. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpStunRequest request;
  uint8_t out[WZP_STUN_RESPONSE_MAX], transaction[16] = {0};
  WzpAddress seen;
  memcpy(transaction, data + MIN(size, 4), MIN(size - MIN(size, 4), sizeof transaction));
  if (wzp_stun_response_parse(&seen, transaction, data, size) == WZP_OK) {
    g_assert_cmpuint(size, >=, 32);
    g_assert_true(seen.family == 4 || seen.family == 6);
    transaction[15] ^= 1;
    g_assert_cmpint(wzp_stun_response_parse(&seen, transaction, data, size), ==, WZP_UNEXPECTED);
  }
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
