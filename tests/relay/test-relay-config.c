/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay/relay-access.h"
#include "relay/relay-config.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static bool
parse(RelayConfig *config, const char *text, GError **error)
{
  relay_config_init(config);
  return relay_config_parse(config, "relay.conf", text, strlen(text), error);
}

static void
test_defaults(void)
{
  RelayConfig config;
  RelayLimits limits;
  char text[WZP_ADDRESS_TEXT];

  relay_config_init(&config);
  relay_limits_default(&limits);
  g_assert_cmpstr(wzp_address_format(&config.listen, text), ==, "0.0.0.0:4433");
  g_assert_cmpint(config.metrics_port, ==, -1);
  g_assert_null(config.identity);
  g_assert_cmpmem(&config.limits, sizeof limits, &limits, sizeof limits);
  relay_config_clear(&config);
  g_assert_true(parse(&config, "", NULL));
  relay_config_clear(&config);
  g_assert_true(parse(&config, "# nothing\n\n[relay]\n", NULL));
  g_assert_cmpmem(&config.limits, sizeof limits, &limits, sizeof limits);
  relay_config_clear(&config);
}

static void
test_good(void)
{
  RelayConfig config;
  GError *error = NULL;
  char text[WZP_ADDRESS_TEXT];
  bool good = parse(&config,
                    "# a relay\r\n"
                    "[relay]\r\n"
                    "listen = [::]:5000\n"
                    "tls-listen=[::]:443\n"
                    "second-port=5001\n"
                    "max-tls-connections=29\n"
                    "max-tls-connections-per-ip=30\n"
                    "  identity=/etc/wzp/key  \n"
                    "metrics-port=9100\n"
                    "metrics-address=::1\n"
                    "max-sessions=11\nmax-sessions-per-ip=12\nmax-sessions-per-identity=13\n"
                    "max-rooms=14\nmax-rooms-per-identity=15\nmax-members=16\n"
                    "max-ringing-per-identity=27\ncall-attempts-per-minute=28\n"
                    "media-packets-per-second=17\nmedia-bytes-per-second=1800\n"
                    "control-bytes-per-second=1900\nhandshakes-per-second=20\n"
                    "cookie-threshold=21\nidle-timeout-ms=22000\n"
                    "max-token-checks=23\nmax-token-checks-per-ip=24\n"
                    "unauthorised-timeout-ms=25000\nmax-egress-bytes-per-second=4000000000\n"
                    "auth-url=https://auth.example/v1/auth/validate\nauth-ca=/etc/wzp/ca.pem\n"
                    "auth-timeout-ms=26000\n",
                    &error);

  g_assert_no_error(error);
  g_assert_true(good);
  g_assert_cmpstr(wzp_address_format(&config.listen, text), ==, "[::]:5000");
  g_assert_cmpstr(wzp_address_format(&config.tls_listen, text), ==, "[::]:443");
  g_assert_cmpint(config.second_port, ==, 5001);
  g_assert_cmpuint(config.limits.max_tls_connections, ==, 29);
  g_assert_cmpuint(config.limits.max_tls_connections_per_ip, ==, 30);
  g_assert_cmpstr(config.identity, ==, "/etc/wzp/key");
  g_assert_cmpint(config.metrics_port, ==, 9100);
  g_assert_cmpint(config.metrics_address.family, ==, 6);
  g_assert_cmpuint(config.limits.max_sessions, ==, 11);
  g_assert_cmpuint(config.limits.max_sessions_per_ip, ==, 12);
  g_assert_cmpuint(config.limits.max_sessions_per_identity, ==, 13);
  g_assert_cmpuint(config.limits.max_rooms, ==, 14);
  g_assert_cmpuint(config.limits.max_rooms_per_identity, ==, 15);
  g_assert_cmpuint(config.limits.max_members, ==, 16);
  g_assert_cmpuint(config.limits.max_ringing_per_identity, ==, 27);
  g_assert_cmpuint(config.limits.call_attempts_per_minute, ==, 28);
  g_assert_cmpuint(config.limits.media_packets_per_second, ==, 17);
  g_assert_cmpuint(config.limits.media_bytes_per_second, ==, 1800);
  g_assert_cmpuint(config.limits.control_bytes_per_second, ==, 1900);
  g_assert_cmpuint(config.limits.handshakes_per_second, ==, 20);
  g_assert_cmpuint(config.limits.cookie_threshold, ==, 21);
  g_assert_cmpuint(config.limits.idle_timeout_ms, ==, 22000);
  g_assert_cmpuint(config.limits.max_token_checks, ==, 23);
  g_assert_cmpuint(config.limits.max_token_checks_per_ip, ==, 24);
  g_assert_cmpuint(config.limits.unauthorised_timeout_ms, ==, 25000);
  g_assert_cmpuint(config.limits.max_egress_bytes_per_second, ==, 4000000000);
  g_assert_cmpstr(config.auth_url, ==, "https://auth.example/v1/auth/validate");
  g_assert_cmpstr(config.auth_ca, ==, "/etc/wzp/ca.pem");
  g_assert_cmpuint(config.auth_timeout_ms, ==, 26000);
  relay_config_clear(&config);
}

/* Every limit has a key: the sum of what can be set is the whole structure. */
static void
test_every_limit(void)
{
  RelayConfig config;
  unsigned n = 0, i;

  relay_config_init(&config);
  memset(&config.limits, 0, sizeof config.limits);
  for (; relay_config_key(n) != NULL; n++)
    (void)relay_config_set(&config, relay_config_key(n), "20000", NULL);
  (void)relay_config_set(&config, "max-members", "64", NULL);
  (void)relay_config_set(&config, "max-sessions-per-identity", "1000", NULL);
  (void)relay_config_set(&config, "max-rooms-per-identity", "1000", NULL);
  (void)relay_config_set(&config, "max-ringing-per-identity", "1000", NULL);
  (void)relay_config_set(&config, "call-attempts-per-minute", "1000", NULL);
  (void)relay_config_set(&config, "max-token-checks", "1000", NULL);
  (void)relay_config_set(&config, "max-token-checks-per-ip", "1000", NULL);
  (void)relay_config_set(&config, "max-tls-connections", "1000", NULL);
  (void)relay_config_set(&config, "max-tls-connections-per-ip", "1000", NULL);
  for (i = 0; i < sizeof config.limits / sizeof(unsigned); i++)
    g_assert_cmpuint(((unsigned *)&config.limits)[i], !=, 0);
  relay_config_clear(&config);
}

static const struct {
  const char *text, *message;
} bad[] = {
    {"[relay]\nlisten=localhost:4433\n",
     "relay.conf:2: listen is \"localhost:4433\"; it has to be a "
     "numeric address and a port, like 0.0.0.0:4433 or [::]:4433"},
    {"[relay]\nsecond-port=no\n",
     "relay.conf:2: second-port is \"no\"; it has to be a port, 1 to 65535, 0 for any free one, or "
     "off"},
    {"[relay]\ntls-listen=443\n",
     "relay.conf:2: tls-listen is \"443\"; it has to be a numeric address and a port, like "
     "0.0.0.0:443 or [::]:443"},
    {"[relay]\nlisten=127.0.0.1\n", "relay.conf:2: listen is \"127.0.0.1\""},
    {"[relay]\nlisten=127.0.0.1:65536\n", "relay.conf:2: listen is"},
    {"[relay]\nlisten=\n", "relay.conf:2: listen is \"\""},
    {"[relay]\n\n# x\nport=5\n", "relay.conf:4: unknown key \"port\""},
    {"[relay]\nlisten=0.0.0.0:1\nmax-rooms=3\nlisten=0.0.0.0:2\n",
     "relay.conf:4: \"listen\" was set in line 2 before"},
    {"[relay]\nmax-rooms=1\n[relay]\n", "relay.conf:3: the group [relay] is there a second time"},
    {"[server]\n", "relay.conf:1: unknown group \"[server]\"; there are [relay], [rooms], "},
    {"[rooms]\npolicy=closed\n\n[rooms]\n",
     "relay.conf:4: the group [rooms] is there a second time"},
    {"[rooms]\npolicy=shut\n", "relay.conf:2: policy is \"shut\"; it has to be open or closed"},
    {"[rooms]\nmax-rooms=1\n", "relay.conf:2: unknown key \"max-rooms\"; here is only policy="},
    {"[rooms]\npolicy=open\npolicy=open\n", "relay.conf:3: \"policy\" was set in line 2 before"},
    {"[room]\n", "relay.conf:1: unknown group"},
    {"[room ]\n", "relay.conf:1: the room \"\" is there"},
    {"[room a\n", "relay.conf:1: unknown group"},
    {"[roomy a]\n", "relay.conf:1: unknown group"},
    {"[room a]\npolicy=open\n", "relay.conf:2: unknown key \"policy\"; here is only allow="},
    {"[room a]\nallow=*\nallow=*\n", "relay.conf:3: \"allow\" was set in line 2 before"},
    {"[room a]\n[room  a ]\n", "relay.conf:2: the room \"a\" is there a second time"},
    {"[room a]\nallow=27ba:36eb\n", "relay.conf:2: \"27ba:36eb\" is not a fingerprint"},
    {"[room-id 00]\n", "relay.conf:1: the room id \"00\""},
    {"[relay]\nauth-url=http://auth.example/\n",
     "relay.conf:2: auth-url has to be an https:// URL"},
    {"[relay]\nauth-url=http://127.0.0.1.example/\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-url=http://[::2]/\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-url=https://user:secret@auth.example/\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-url=https://auth.example/#x\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-url=https:///x\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-url=auth.example\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-url=ftp://127.0.0.1/\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-url=\n", "relay.conf:2: auth-url has to be"},
    {"[relay]\nauth-ca=\n", "relay.conf:2: auth-ca is empty"},
    {"[relay]\nauth-timeout-ms=99\n", "relay.conf:2: auth-timeout-ms is \"99\""},
    {"[relay\n", "relay.conf:1: unknown group \"[relay\""},
    {"max-rooms=1\n", "relay.conf:1: \"max-rooms\" stands before the group [relay]"},
    {"[relay]\nmax-rooms\n", "relay.conf:2: \"max-rooms\" is not a line of the form key=value"},
    {"[relay]\nmax-rooms=0\n",
     "relay.conf:2: max-rooms is \"0\"; it has to be a whole number from 1 to 100000"},
    {"[relay]\nmax-rooms=-1\n", "relay.conf:2: max-rooms is \"-1\""},
    {"[relay]\nmax-rooms=1.5\n", "relay.conf:2: max-rooms is \"1.5\""},
    {"[relay]\nmax-rooms=1 2\n", "relay.conf:2: max-rooms is \"1 2\""},
    {"[relay]\nmax-rooms=99999999999999999999999\n", "relay.conf:2: max-rooms is"},
    {"[relay]\nmax-members=1\n", "relay.conf:2: max-members is \"1\""},
    {"[relay]\nmax-members=251\n", "relay.conf:2: max-members is \"251\""},
    {"[relay]\nidle-timeout-ms=9999\n", "relay.conf:2: idle-timeout-ms is \"9999\""},
    {"[relay]\nmetrics-port=65536\n", "relay.conf:2: metrics-port is \"65536\""},
    {"[relay]\nmetrics-port=off\n", "relay.conf:2: metrics-port is \"off\""},
    {"[relay]\nmetrics-address=127.0.0.1:9100\n", "relay.conf:2: metrics-address is"},
    {"[relay]\nmetrics-address=all\n", "relay.conf:2: metrics-address is \"all\""},
    {"[relay]\nidentity=\n", "relay.conf:2: identity is empty"},
    {"[relay]\nidentity=\\q\n", "relay.conf:2: "},
    {"[relay]\nmax-rooms[de]=1\n", "relay.conf:2: unknown key \"max-rooms[de]\""},
    {"[relay]\nidentity=\xff\n", "relay.conf:1: the file is not UTF-8 text"},
};

static void
test_bad(void)
{
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS(bad); i++) {
    RelayConfig config;
    GError *error = NULL;

    g_test_message("case %u", i);
    g_assert_false(parse(&config, bad[i].text, &error));
    g_assert_nonnull(error);
    if (!g_str_has_prefix(error->message, bad[i].message))
      g_assert_cmpstr(error->message, ==, bad[i].message);
    g_clear_error(&error);
    relay_config_clear(&config);
  }
}

static void
test_auth_urls(void)
{
  static const char *const good[] = {"https://auth.example",
                                     "https://auth.example:8443/v1?x=1",
                                     "http://127.0.0.1:8080/validate",
                                     "http://127.8.8.8/",
                                     "http://[::1]:99/x",
                                     "http://localhost/"};
  RelayConfig config;
  unsigned i;

  relay_config_init(&config);
  for (i = 0; i < G_N_ELEMENTS(good); i++) {
    g_assert_true(relay_config_set(&config, "auth-url", good[i], NULL));
    g_assert_cmpstr(config.auth_url, ==, good[i]);
  }
  relay_config_clear(&config);
}

#define ALICE "27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e"
#define BOB "518eb93562fa9e34e59c28b67fc2d384"
#define CAROL "6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa"
#define KEYED_ID "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static bool
allows(const RelayConfig *config, const uint8_t relay_key[32], const char *room, const char *who)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE], id[32];
  WzpRoomSecret secret;

  g_assert_true(wzp_fingerprint_parse(fingerprint, who));
  wzp_room_secret_open(&secret, room);
  wzp_room_id(id, &secret, relay_key);
  return relay_access_allows(config->access, id, fingerprint);
}

static void
test_rooms(void)
{
  static const uint8_t relay_key[32] = {7};
  uint8_t keyed[32], fingerprint[WZP_FINGERPRINT_SIZE];
  GError *error = NULL;
  RelayConfig config;
  unsigned i;

  g_assert_true(parse(&config,
                      "[relay]\nmax-rooms=5\n[rooms]\n  policy = closed \n"
                      "[room kitchen]\nallow = " ALICE ", " BOB "\n"
                      "[room hall of the m\xc3\xb6wes]\nallow=*\n[room attic]\n"
                      "[room-id " KEYED_ID "]\nallow=" CAROL "\n",
                      &error));
  g_assert_no_error(error);
  g_assert_cmpuint(config.limits.max_rooms, ==, 5);
  g_assert_cmpuint(relay_access_n_rules(config.access), ==, 4);
  g_assert_true(relay_access_bind(config.access, relay_key));
  g_assert_true(allows(&config, relay_key, "kitchen", ALICE));
  g_assert_true(allows(&config, relay_key, "kitchen", BOB));
  g_assert_false(allows(&config, relay_key, "kitchen", CAROL));
  g_assert_true(allows(&config, relay_key, "hall of the m\xc3\xb6wes", CAROL));
  g_assert_false(allows(&config, relay_key, "attic", ALICE));
  g_assert_false(allows(&config, relay_key, "garden", ALICE));
  for (i = 0; i < sizeof keyed; i++)
    keyed[i] = (uint8_t)i;
  g_assert_true(wzp_fingerprint_parse(fingerprint, CAROL));
  g_assert_true(relay_access_allows(config.access, keyed, fingerprint));
  keyed[31] ^= 1;
  g_assert_false(relay_access_allows(config.access, keyed, fingerprint));
  relay_config_clear(&config);

  /* without a word about them all rooms are open, but for those that have a list */
  g_assert_true(parse(&config, "[room kitchen]\nallow=" ALICE "\n", &error));
  g_assert_true(relay_access_bind(config.access, relay_key));
  g_assert_true(allows(&config, relay_key, "garden", BOB));
  g_assert_false(allows(&config, relay_key, "kitchen", BOB));
  relay_config_clear(&config);
}

/* The same room by its name and by its id: nobody knows what was meant. */
static void
test_same_room_twice(void)
{
  static const uint8_t relay_key[32] = {7};
  uint8_t id[32];
  char hex[65], *text;
  WzpRoomSecret secret;
  RelayConfig config;

  wzp_room_secret_open(&secret, "kitchen");
  wzp_room_id(id, &secret, relay_key);
  sodium_bin2hex(hex, sizeof hex, id, sizeof id);
  text = g_strdup_printf("[room kitchen]\n[room-id %s]\n", hex);
  g_assert_true(parse(&config, text, NULL));
  g_assert_false(relay_access_bind(config.access, relay_key));
  relay_config_clear(&config);
  g_free(text);
}

static void
test_files(void)
{
  RelayConfig config;
  GError *error = NULL;
  char *directory = g_dir_make_tmp("wzp-relay-XXXXXX", NULL);
  char *path = g_build_filename(directory, "conf", NULL);
  char *large = g_strnfill(RELAY_CONFIG_SIZE_MAX + 1, '\n');

  relay_config_init(&config);
  g_assert_false(relay_config_load(&config, path, &error));
  g_assert_true(g_str_has_prefix(error->message, "cannot read the configuration: "));
  g_assert_nonnull(strstr(error->message, path));
  g_clear_error(&error);

  g_assert_true(g_file_set_contents(path, "[relay]\nmax-rooms=7\n", -1, NULL));
  g_assert_true(relay_config_load(&config, path, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(config.limits.max_rooms, ==, 7);

  g_assert_true(g_file_set_contents(path, "[relay]\nmax-room=7\n", -1, NULL));
  g_assert_false(relay_config_load(&config, path, &error));
  g_assert_true(g_str_has_prefix(error->message, path));
  g_clear_error(&error);

  g_assert_true(g_file_set_contents(path, large, -1, NULL));
  g_assert_false(relay_config_load(&config, path, &error));
  g_assert_nonnull(strstr(error->message, "longer than"));
  g_clear_error(&error);

  relay_config_clear(&config);
  g_assert_cmpint(remove(path), ==, 0);
  g_assert_cmpint(remove(directory), ==, 0);
  g_free(large);
  g_free(path);
  g_free(directory);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-config/defaults", test_defaults);
  g_test_add_func("/relay-config/good", test_good);
  g_test_add_func("/relay-config/every-limit", test_every_limit);
  g_test_add_func("/relay-config/bad", test_bad);
  g_test_add_func("/relay-config/auth-urls", test_auth_urls);
  g_test_add_func("/relay-config/rooms", test_rooms);
  g_test_add_func("/relay-config/same-room-twice", test_same_room_twice);
  g_test_add_func("/relay-config/files", test_files);
  return g_test_run();
}
