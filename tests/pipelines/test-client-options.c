/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pipelines/client-options.h"

static void
test_relay(void)
{
  static const struct {
    const char *relay, *room, *uri;
  } cases[] = {
      {"relay.example", NULL, "wzp://relay.example/default"},
      {"relay.example:5000", "den", "wzp://relay.example:5000/den"},
      {"192.0.2.1:1", NULL, "wzp://192.0.2.1:1/default"},
      {"[2001:db8::1]:4433", NULL, "wzp://[2001:db8::1]:4433/default"},
      {"[::1]", NULL, "wzp://[::1]/default"},
      {"::1", NULL, "wzp://[::1]/default"},
      {"2001:db8::1", NULL, "wzp://[2001:db8::1]/default"},
      {"relay.example", "a/b c#d", "wzp://relay.example/a%2Fb%20c%23d"},
      {"wzp://relay.example/room", NULL, "wzp://relay.example/room"},
      {"wzp://relay.example", "room", "wzp://relay.example/room"},
      {"wzp://relay.example/", "room", "wzp://relay.example/room"},
      {"wzp://relay.example?relay=12#34", "room", "wzp://relay.example/room?relay=12#34"},
      {"wzp://relay.example/?relay=12", NULL, "wzp://relay.example/default?relay=12"},
      {"wzp://[::1]:9/room?latency=60#ab", NULL, "wzp://[::1]:9/room?latency=60#ab"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GError *error = NULL;
    char *uri = client_relay_uri(cases[i].relay, cases[i].room, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(uri, ==, cases[i].uri);
    g_free(uri);
  }
}

static void
test_bad_relay(void)
{
  static const struct {
    const char *relay, *room;
  } cases[] = {{"", NULL},           {"host:", NULL},          {"host:0", NULL},
               {"host:65536", NULL}, {"host:+1", NULL},        {":4433", NULL},
               {"[::1", NULL},       {"[host]:1", NULL},       {"[::1]x", NULL},
               {"a b", NULL},        {"host/room", NULL},      {"me@host", NULL},
               {"host", ""},         {"1:2:3", NULL},          {"[]", NULL},
               {"[", NULL},          {"wzp://host/a", "room"}, {"]:1", NULL},
               {"host#0ab1", NULL},  {"host:1/a#0ab1", NULL},  {"wzp://host/a#0ab1", "room"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GError *error = NULL;
    char *uri = client_relay_uri(cases[i].relay, cases[i].room, &error);
    g_assert_null(uri);
    g_assert_error(error, CLIENT_ERROR, CLIENT_USAGE);
    g_assert_null(strstr(error->message, "0ab1")); /* a secret is not said again */
    g_clear_error(&error);
  }
}

/* Parses as from a shell; FALSE with the error. */
static gboolean
parse(const char *line, ClientOptions *options, GError **error)
{
  char **words = g_strsplit(line, " ", -1);
  char **rest = g_memdup2(words, (g_strv_length(words) + 1) * sizeof *words);
  int n = (int)g_strv_length(words);
  gboolean good = client_options_parse(options, &n, &rest, error);
  g_free(rest);
  g_strfreev(words);
  return good;
}

/* --check is no call: what is of one is refused, not left out. */
static void
test_check(void)
{
  static const char *const calls[] = {"--room den", "--call 27ba", "--answer",     "--send-tone 1",
                                      "--live",     "--record /x", "--send-file x"};
  ClientOptions options;
  GError *error = NULL;
  g_assert_true(
      parse("wzp-client --check --tls-port 444 --json a.example b.example:1", &options, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(g_strv_length(options.check), ==, 2);
  g_assert_cmpint(options.tls_port, ==, 444);
  client_options_clear(&options);
  for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
    char *line = g_strdup_printf("wzp-client --check %s a.example", calls[i]);
    char *option = g_strndup(calls[i], strcspn(calls[i], " "));
    g_assert_false(parse(line, &options, &error));
    g_assert_error(error, CLIENT_ERROR, CLIENT_USAGE);
    g_assert_nonnull(strstr(error->message, option));
    g_assert_nonnull(strstr(error->message, "--check"));
    g_clear_error(&error);
    client_options_clear(&options);
    g_free(option);
    g_free(line);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/client-options/relay", test_relay);
  g_test_add_func("/client-options/bad-relay", test_bad_relay);
  g_test_add_func("/client-options/check", test_check);
  return g_test_run();
}
