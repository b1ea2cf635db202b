/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tools/published-example.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Example example;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  wzp_init();
  example_init(&example);
  return 0;
}

/* Whatever parses is answered with an HS2 or refused with a reason, in the length that the mode allows. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpHs1 hs1;
  WzpResult parsed = wzp_hs1_parse(&hs1, data, size), result;
  ExampleRandom bytes;
  WzpRandom random = example_random(&bytes, 0x22, 0x44);
  WzpHandshakeConfig config = example.config_r;
  size_t length;

  if (parsed == WZP_OK) {
    uint8_t digest[32];
    g_assert_cmpuint(hs1.core_length, <=, size);
    wzp_hs1_digest(digest, data, &hs1);
    config.mode = hs1.mode;
    if (hs1.mode == WZP_MODE_UDP)
      wzp_hs1_check_psk(data, &hs1, config.psk);
    else
      g_assert_false(wzp_hs1_check_psk(data, &hs1, config.psk));
  }
  WzpResponder *responder =
      wzp_responder_new(&config, &random, data, size, "0123456789", 10, &result);
  g_assert_true((responder != NULL) == (result == WZP_OK));
  g_assert_true(parsed == WZP_OK || result == parsed);
  if (responder) {
    const uint8_t *hs2 = wzp_responder_message(responder, &length);
    g_assert_cmpuint(hs2[0], ==, 0x41);
    g_assert_cmpmem(hs2 + 1, WZP_CID_SIZE, hs1.cid_i, WZP_CID_SIZE);
    if (hs1.mode != WZP_MODE_CALL)
      g_assert_cmpuint(length, <=, size);
    wzp_responder_free(responder);
  }
  return 0;
}
