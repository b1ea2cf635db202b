/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "relay/relay-auth.h"
#include <string.h>

/* What an auth server answers, and for how many of its answers there is room. */

static void
assert_answer(const char *text, RelayTokenVerdict verdict)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];

  if (relay_auth_read_answer(text, strlen(text), fingerprint) != verdict)
    g_error("not as expected: %s", text);
}

static void
test_answers(void)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE], expected[WZP_FINGERPRINT_SIZE];
  const char *good = "{\"valid\":true,\"fingerprint\":\"6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa\","
                     "\"alias\":\"bob\",\"more\":{\"x\":[1,2]}}";
  char *large;

  g_assert_true(wzp_fingerprint_parse(expected, "687112110e91ecb309f66f51d257ccaa"));
  g_assert_cmpint(relay_auth_read_answer(good, strlen(good), fingerprint), ==, RELAY_TOKEN_GOOD);
  g_assert_cmpmem(fingerprint, sizeof fingerprint, expected, sizeof expected);
  assert_answer("{\"fingerprint\":\"687112110E91ECB309F66F51D257CCAA\",\"valid\":true}",
                RELAY_TOKEN_GOOD);
  assert_answer("{\"valid\":false}", RELAY_TOKEN_REFUSED);
  assert_answer("{\"valid\":false,\"fingerprint\":\"687112110e91ecb309f66f51d257ccaa\"}",
                RELAY_TOKEN_REFUSED);
  assert_answer("{\"valid\":false,\"fingerprint\":null,\"alias\":null}", RELAY_TOKEN_REFUSED);

  assert_answer("", RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{}", RELAY_TOKEN_UNAVAILABLE);
  assert_answer("true", RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":true}", RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":true,\"fingerprint\":null}", RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":true,\"fingerprint\":\"\"}", RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":true,\"fingerprint\":\"687112110e91ecb309f66f51d257cc\"}",
                RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":true,\"fingerprint\":[\"687112110e91ecb309f66f51d257ccaa\"]}",
                RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":\"true\",\"fingerprint\":\"687112110e91ecb309f66f51d257ccaa\"}",
                RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":1,\"fingerprint\":\"687112110e91ecb309f66f51d257ccaa\"}",
                RELAY_TOKEN_UNAVAILABLE);
  assert_answer("[{\"valid\":true,\"fingerprint\":\"687112110e91ecb309f66f51d257ccaa\"}]",
                RELAY_TOKEN_UNAVAILABLE);
  assert_answer("<html>{\"valid\":true}</html>", RELAY_TOKEN_UNAVAILABLE);
  assert_answer("{\"valid\":true,\"fingerprint\":\"687112110e91ecb309f66f51d257ccaa\"",
                RELAY_TOKEN_UNAVAILABLE);

  /* as long as it may be, and one more */
  large = g_strnfill(RELAY_AUTH_ANSWER_MAX + 1, ' ');
  memcpy(large, good, strlen(good));
  g_assert_cmpint(relay_auth_read_answer(large, RELAY_AUTH_ANSWER_MAX, fingerprint), ==,
                  RELAY_TOKEN_GOOD);
  g_assert_cmpint(relay_auth_read_answer(large, RELAY_AUTH_ANSWER_MAX + 1, fingerprint), ==,
                  RELAY_TOKEN_UNAVAILABLE);
  g_free(large);
}

/* What is remembered has a bound: the oldest goes. */
static void
test_memory_bounded(void)
{
  RelayLimits limits;
  RelayAuth *auth;
  WzpAddress address = relay_world_address(1, 1);
  uint8_t owner[WZP_FINGERPRINT_SIZE], hash[32];
  unsigned i;

  relay_limits_default(&limits);
  auth = relay_auth_new(&limits);
  for (i = 0; i <= RELAY_TOKENS_REMEMBERED; i++) {
    char token[16];
    RelayCheck check;
    uint64_t id;

    g_snprintf(token, sizeof token, "%u", i);
    relay_auth_hash(hash, token);
    id = relay_auth_begin(auth, 0, &address, 0, 0, hash);
    memset(owner, (int)(i & 0xff), sizeof owner);
    g_assert_true(relay_auth_end(auth, i, id, RELAY_TOKEN_GOOD, owner, &check));
  }
  relay_auth_hash(hash, "0");
  g_assert_false(relay_auth_recall(auth, RELAY_TOKENS_REMEMBERED, hash, owner));
  relay_auth_hash(hash, "1");
  g_assert_true(relay_auth_recall(auth, RELAY_TOKENS_REMEMBERED, hash, owner));
  g_assert_cmpuint(owner[0], ==, 1);
  relay_auth_free(auth);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-answers/read", test_answers);
  g_test_add_func("/relay-answers/memory-bounded", test_memory_bounded);
  return g_test_run();
}
