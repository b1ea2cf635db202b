/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tools/published-example.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Example example;
static WzpInitiator *initiator;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  wzp_init();
  example_init(&example);
  example.config_i.mode = WZP_MODE_HOP;
  initiator = example_initiator(&example);
  return 0;
}

/* A cookie for us goes into its field of HS1; nothing else ever changes anything. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t expected[WZP_HS1_PADDED];
  size_t length;
  memcpy(expected, wzp_initiator_message(initiator, &length), sizeof expected);
  WzpResult result = wzp_initiator_read_cookie(initiator, data, size);
  if (result == WZP_OK) {
    g_assert_cmpuint(size, ==, WZP_COOKIE_DATAGRAM);
    g_assert_cmpuint(data[0], ==, 0x43);
    g_assert_cmpmem(data + 1, WZP_CID_SIZE, example.config_i.cid, WZP_CID_SIZE);
    memcpy(expected + 79, data + 9, WZP_COOKIE_SIZE);
  }
  const uint8_t *hs1 = wzp_initiator_message(initiator, &length);
  g_assert_cmpmem(hs1, length, expected, sizeof expected);
  WzpHs1 parsed;
  g_assert_cmpint(wzp_hs1_parse(&parsed, hs1, length), ==, WZP_OK);
  return 0;
}
