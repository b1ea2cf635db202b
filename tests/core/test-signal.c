/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/signal.h"

static WzpResult
parse(WzpSignal *signal, const char *text)
{
  return wzp_signal_parse(signal, text, strlen(text));
}

static void
assert_built(const WzpSignal *signal, const char *expected)
{
  GBytes *message = wzp_signal_build(signal);
  gsize length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  g_assert_cmpuint(length, ==, strlen(expected) + 1);
  g_assert_cmpuint(data[0], ==, WZP_MESSAGE_SIGNAL);
  g_assert_cmpmem(data + 1, length - 1, expected, strlen(expected));

  /* The same is read back, which is to say: what builds the same. */
  WzpSignal again;
  g_assert_cmpint(wzp_signal_parse(&again, data + 1, length - 1), ==, WZP_OK);
  g_assert_cmpint(again.type, ==, signal->type);
  g_assert_cmpint(again.code, ==, signal->code);
  g_assert_cmpuint(again.n_members, ==, signal->n_members);
  GBytes *rebuilt = wzp_signal_build(&again);
  g_assert_true(g_bytes_equal(rebuilt, message));
  g_bytes_unref(rebuilt);
  g_bytes_unref(message);
}

#define HOME "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* As docs/PROTOCOL.md writes them. */
static void
test_round_trips(void)
{
  WzpSignal joined = {.type = WZP_SIGNAL_JOINED, .slot = 7, .n_members = 3};
  test_hex(joined.home, 32, HOME);
  joined.members[0] = 7;
  joined.members[1] = 0;
  joined.members[2] = 249;
  assert_built(&joined,
               "{\"type\":\"joined\",\"slot\":7,\"home\":\"" HOME "\",\"members\":[7,0,249]}");

  WzpSignal roster = {.type = WZP_SIGNAL_ROSTER};
  assert_built(&roster, "{\"type\":\"roster\",\"members\":[]}");
  roster.n_members = WZP_SIGNAL_MEMBERS_MAX;
  for (unsigned i = 0; i < WZP_SIGNAL_MEMBERS_MAX; i++)
    roster.members[i] = (uint8_t)i;
  GBytes *message = wzp_signal_build(&roster);
  WzpSignal again;
  gsize length;
  const char *text = g_bytes_get_data(message, &length);
  g_assert_cmpint(wzp_signal_parse(&again, text + 1, length - 1), ==, WZP_OK);
  g_assert_cmpmem(again.members, again.n_members, roster.members, WZP_SIGNAL_MEMBERS_MAX);
  g_bytes_unref(message);

  WzpSignal left = {.type = WZP_SIGNAL_LEFT, .slot = 1, .reason = "timeout"};
  assert_built(&left, "{\"type\":\"left\",\"slot\":1,\"reason\":\"timeout\"}");
  WzpSignal leave = {.type = WZP_SIGNAL_LEAVE};
  assert_built(&leave, "{\"type\":\"leave\"}");

  for (unsigned code = WZP_ERROR_UNKNOWN; code <= WZP_ERROR_NOT_ALLOWED; code++) {
    WzpSignal error = {.type = WZP_SIGNAL_ERROR, .code = (WzpErrorCode)code, .text = "a \"b\" \\"};
    g_autofree char *expected =
        g_strdup_printf("{\"type\":\"error\",\"code\":\"%s\",\"text\":\"a \\\"b\\\" \\\\\"}",
                        wzp_error_code_name((WzpErrorCode)code));
    assert_built(&error, expected);
  }
  g_assert_cmpstr(wzp_error_code_name(WZP_ERROR_ROOM_FULL), ==, "ROOM_FULL");
  g_assert_cmpstr(wzp_error_code_name(WZP_ERROR_UNSUPPORTED), ==, "UNSUPPORTED");
  g_assert_cmpstr(wzp_error_code_name(WZP_ERROR_AUTH_UNAVAILABLE), ==, "AUTH_UNAVAILABLE");
  g_assert_cmpstr(wzp_error_code_name((WzpErrorCode)99), ==, "UNKNOWN");
}

/* What a later version may say. */
static void
test_unknown(void)
{
  WzpSignal signal;
  g_assert_cmpint(parse(&signal, "{\"type\":\"dance\",\"slot\":\"x\"}"), ==, WZP_OK);
  g_assert_cmpint(signal.type, ==, WZP_SIGNAL_UNKNOWN);
  g_assert_cmpint(parse(&signal, "{\"type\":\"leave\",\"why\":{\"a\":[1,2.5,null,true]}}"), ==,
                  WZP_OK);
  g_assert_cmpint(signal.type, ==, WZP_SIGNAL_LEAVE);
  g_assert_cmpint(parse(&signal, " {\"code\":\"NEW\" , \"type\":\"error\"}\r\n\t"), ==, WZP_OK);
  g_assert_cmpint(signal.code, ==, WZP_ERROR_UNKNOWN);
  g_assert_cmpstr(signal.text, ==, "");
  g_assert_cmpint(parse(&signal, "{\"type\":\"left\",\"slot\":2}"), ==, WZP_OK);
  g_assert_cmpstr(signal.reason, ==, "");
  g_assert_cmpint(parse(&signal, "{\"type\":\"l\\u0065ave\"}"), ==, WZP_OK);
  g_assert_cmpint(signal.type, ==, WZP_SIGNAL_LEAVE);
}

static void
test_malformed(void)
{
  static const char *const bad[] = {
      "",
      " ",
      "{",
      "}",
      "null",
      "[]",
      "[{\"type\":\"leave\"}]",
      "\"leave\"",
      "{}",
      "{\"type\":1}",
      "{\"type\":null}",
      "{\"type\":[\"leave\"]}",
      "{\"type\":\"leave\"",
      "{\"type\":\"leave}",
      "{\"type\":\"leave\",}",
      "{\"type\":\"leave\"} x",
      "{\"type\":\"leave\"}{\"type\":\"leave\"}",
      "{\"type\":\"leave\"]",
      "{type:\"leave\"}",
      "{'type':'leave'}",
      "var a = {\"type\":\"leave\"}",
      "/* */{\"type\":\"leave\"}",
      "{\"type\":\"leave\" /* */}",
      "{\"type\":\"leave\" // x\n}",
      "{\"type\":\"leave\\u0000\"}",
      "{\"type\":\"le\nave\"}",
      "{\"type\":\"\\ud800\"}",
      "{\"type\":\"leave\xff\"}",
      "{\"type\":\"leave\",\"a\":[[[[[[[[1]]]]]]]]}",
      /* fields that we use */
      "{\"type\":\"joined\"}",
      "{\"type\":\"joined\",\"slot\":1,\"home\":\"" HOME "\"}",
      "{\"type\":\"joined\",\"slot\":1,\"members\":[1]}",
      "{\"type\":\"joined\",\"home\":\"" HOME "\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":250,\"home\":\"" HOME "\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":-1,\"home\":\"" HOME "\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":1.0,\"home\":\"" HOME "\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":\"1\",\"home\":\"" HOME "\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":99999999999999999999,\"home\":\"" HOME "\",\"members\":[]}",
      "{\"type\":\"joined\",\"slot\":4294967297,\"home\":\"" HOME "\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":1,\"home\":\"" HOME "0\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":1,\"home\":\"x" HOME "\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":1,\"home\":\"00\",\"members\":[1]}",
      "{\"type\":\"joined\",\"slot\":1,\"home\":7,\"members\":[1]}",
      "{\"type\":\"roster\"}",
      "{\"type\":\"roster\",\"members\":1}",
      "{\"type\":\"roster\",\"members\":{\"0\":1}}",
      "{\"type\":\"roster\",\"members\":[1,250]}",
      "{\"type\":\"roster\",\"members\":[1,null]}",
      "{\"type\":\"roster\",\"members\":[[1]]}",
      "{\"type\":\"roster\",\"members\":[1,2,1]}",
      "{\"type\":\"left\"}",
      "{\"type\":\"left\",\"slot\":true}",
      "{\"type\":\"error\"}",
      "{\"type\":\"error\",\"code\":7,\"text\":\"x\"}",
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    WzpSignal signal;
    memset(&signal, 0xaa, sizeof signal);
    g_test_message("case %u", i);
    g_assert_cmpint(parse(&signal, bad[i]), ==, WZP_MALFORMED);
    g_assert_cmpint(signal.type, ==, WZP_SIGNAL_UNKNOWN);
    g_assert_cmpuint(signal.slot + signal.n_members, ==, 0);
    g_assert_true(sodium_is_zero(signal.home, sizeof signal.home));
  }
  WzpSignal signal;
  g_assert_cmpint(wzp_signal_parse(&signal, "{\"type\":\"leave\"}\0", 17), ==, WZP_MALFORMED);
  g_assert_cmpint(parse(&signal, "{\"type\":\"leave\",\"a\":[[[[[[[1]]]]]]]}"), ==, WZP_OK);
}

static void
test_bounds(void)
{
  WzpSignal signal;
  GString *text = g_string_new("{\"type\":\"leave\",\"a\":\"");
  while (text->len < WZP_CONTROL_MESSAGE_MAX - 2)
    g_string_append_c(text, 'x');
  g_string_append(text, "\"}");
  g_assert_cmpint(wzp_signal_parse(&signal, text->str, text->len), ==, WZP_OK);
  g_string_append_c(text, ' ');
  g_assert_cmpint(wzp_signal_parse(&signal, text->str, text->len), ==, WZP_TOO_LONG);

  /* 8 KiB of nesting costs a look at its first bytes */
  memset(text->str, '{', WZP_CONTROL_MESSAGE_MAX);
  g_assert_cmpint(wzp_signal_parse(&signal, text->str, WZP_CONTROL_MESSAGE_MAX), ==, WZP_MALFORMED);
  g_string_assign(text, "{\"type\":\"roster\",\"members\":[0");
  for (unsigned i = 1; i <= 250; i++)
    g_string_append_printf(text, ",%u", i % 250);
  g_string_append(text, "]}");
  g_assert_cmpint(wzp_signal_parse(&signal, text->str, text->len), ==, WZP_MALFORMED);
  g_string_free(text, TRUE);
}

/* What a stranger's text may do to a terminal: nothing. */
static void
test_text(void)
{
  WzpSignal signal;
  g_assert_cmpint(parse(&signal, "{\"type\":\"error\",\"code\":\"BUSY\",\"text\":"
                                 "\"a\\u001b[2Jb\\nc\\u007fd\\u202ee\\u2028f\\u0085g\"}"),
                  ==, WZP_OK);
  g_assert_cmpint(signal.code, ==, WZP_ERROR_BUSY);
  g_assert_cmpstr(signal.text, ==, "a [2Jb c d e f g");

  /* cut at a whole character */
  GString *text = g_string_new("{\"type\":\"error\",\"code\":\"BUSY\",\"text\":\"");
  for (unsigned i = 0; i < 300; i++)
    g_string_append(text, "\xe2\x82\xac");
  g_string_append(text, "\"}");
  g_assert_cmpint(wzp_signal_parse(&signal, text->str, text->len), ==, WZP_OK);
  g_assert_cmpuint(strlen(signal.text), ==, 255);
  g_assert_true(g_utf8_validate(signal.text, -1, NULL));
  g_string_free(text, TRUE);

  g_assert_cmpint(parse(&signal, "{\"type\":\"left\",\"slot\":1,\"reason\":"
                                 "\"0123456789012345678901234567890123456789\"}"),
                  ==, WZP_OK);
  g_assert_cmpstr(signal.reason, ==, "0123456789012345678901234567890");

  /* Writing what is not UTF-8 gives a signal all the same. */
  WzpSignal error = {.type = WZP_SIGNAL_ERROR, .code = WZP_ERROR_BUSY, .text = "x\xff\x01y"};
  GBytes *message = wzp_signal_build(&error);
  gsize length;
  const char *built = g_bytes_get_data(message, &length);
  g_assert_cmpint(wzp_signal_parse(&signal, built + 1, length - 1), ==, WZP_OK);
  g_assert_cmpstr(signal.text, ==, "x\xef\xbf\xbd y");
  g_bytes_unref(message);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signal/round-trips", test_round_trips);
  g_test_add_func("/signal/unknown", test_unknown);
  g_test_add_func("/signal/malformed", test_malformed);
  g_test_add_func("/signal/bounds", test_bounds);
  g_test_add_func("/signal/text", test_text);
  return g_test_run();
}
