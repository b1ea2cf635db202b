/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth-server.h"
#include "relay-peer.h"
#include "relay-process.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* The real relay with a real auth server, good and bad, and with lists of who may join what. */

#define PATIENCE (30 * WZP_SECOND)
#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct {
  char *folder, *path;
} Config;

static void
config_write(const Config *config, const char *text)
{
  g_assert_true(g_file_set_contents(config->path, text, -1, NULL));
}

static Config
config_new(const char *text)
{
  Config config = {.folder = g_dir_make_tmp("wzp-relay-XXXXXX", NULL)};

  config.path = g_build_filename(config.folder, "conf", NULL);
  config_write(&config, text);
  return config;
}

static void
config_free(Config *config)
{
  g_unlink(config->path);
  g_rmdir(config->folder);
  g_free(config->path);
  g_free(config->folder);
}

static WzpIdentity *
new_identity(void)
{
  WzpRandom random = wzp_random_system();

  return wzp_identity_new_random(&random);
}

static char *
token_of(const WzpIdentity *identity)
{
  char text[WZP_FINGERPRINT_TEXT];

  return g_strconcat("of-", wzp_fingerprint_format(identity->fingerprint, text), NULL);
}

typedef struct {
  RelayPeer *peer;
  char *token;
} Caller;

/* token NULL: its own. */
static Caller
call_in(const RelayProcess *relay, const char *room, const char *token)
{
  WzpIdentity *identity = new_identity();
  Caller caller = {.token = token != NULL ? g_strdup(token) : token_of(identity)};

  caller.peer = relay_peer_new_with_token("127.0.0.1", &relay->address, room, identity,
                                          caller.token, relay_process_key(relay), false);
  return caller;
}

static void
caller_free(Caller *caller)
{
  relay_peer_free(caller->peer);
  g_free(caller->token);
}

static void
start_call(const RelayProcess *relay, Caller callers[2], RelayPeer *peers[2])
{
  unsigned i;

  for (i = 0; i < 2; i++) {
    callers[i] = call_in(relay, "kitchen", NULL);
    peers[i] = callers[i].peer;
  }
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
}

static double
read_metric(const RelayProcess *relay, const char *name)
{
  unsigned status;
  char *text = relay_process_get(relay, NULL, &status);
  double value = relay_metric(text, name);

  g_free(text);
  return value;
}

static double
read_attempts(const RelayProcess *relay, const char *result)
{
  char *name = g_strdup_printf("wzp_relay_auth_attempts_total{result=\"%s\"} ", result);
  unsigned status;
  char *text = relay_process_get(relay, NULL, &status);
  const char *sample = strstr(text, name);
  double value;

  g_assert_nonnull(sample);
  value = g_ascii_strtod(sample + strlen(name), NULL);
  g_free(text);
  g_free(name);
  return value;
}

static bool
last_has_ended(RelayPeer **peers, unsigned n)
{
  return peers[n - 1]->failed;
}

static bool
last_is_in(RelayPeer **peers, unsigned n)
{
  WzpCallStats stats;

  wzp_call_get_stats(peers[n - 1]->call, &stats);
  return stats.state == WZP_CALL_WAITING || stats.state == WZP_CALL_ACTIVE;
}

static void
assert_says(const RelayPeer *peer, WzpErrorCode code, const char *text)
{
  g_assert_cmpint(peer->error, ==, code);
  if (strstr(peer->error_text, text) == NULL)
    g_error("\"%s\" does not say \"%s\"", peer->error_text, text);
}

static void
test_good(void)
{
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  RelayPeer *peers[2];
  Caller callers[2];
  char *last, *log, *body;
  unsigned i;

  start_call(relay, callers, peers);
  relay_peers_talk(peers, 10, PATIENCE);
  /* one question for each, by the book: what servers that exist understand */
  g_assert_cmpuint(auth_server_requests(server), ==, 2);
  last = auth_server_last(server);
  g_assert_true(g_str_has_prefix(last, "POST /v1/auth/validate HTTP/1.1\r\n"));
  g_assert_nonnull(strstr(last, "\r\nContent-Type: application/json\r\n"));
  body = strstr(last, "\r\n\r\n") + 4;
  g_assert_true(g_regex_match_simple("^{\"token\":\"of-[0-9a-f:]{39}\"}$", body, 0, 0));
  g_assert_cmpfloat(read_attempts(relay, "ok"), ==, 2);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_auth_attempts_total"), ==, 2);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_unauthorised_sessions"), ==, 0);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_token_check_duration_seconds_count"), ==, 2);

  kill(relay->pid, SIGTERM);
  g_assert_cmpint(relay_process_wait(relay, PATIENCE, &log), ==, 0);
  /* neither tokens nor where they are asked about in the log */
  for (i = 0; i < 2; i++) {
    g_assert_null(strstr(log, callers[i].token));
    caller_free(&callers[i]);
  }
  g_assert_null(strstr(log, "validate"));
  g_free(log);
  g_free(last);
  relay_process_free(relay);
  auth_server_free(server);
}

static void
test_no_token(void)
{
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  RelayPeer *peer = relay_peer_new("127.0.0.1", &relay->address, "kitchen");

  relay_peers_run(&peer, 1, last_has_ended, PATIENCE);
  assert_says(peer, WZP_ERROR_AUTH_REQUIRED, "only who shows a token");
  g_assert_cmpuint(auth_server_requests(server), ==, 0);
  relay_peer_free(peer);
  relay_process_free(relay);
  auth_server_free(server);
}

/* A relay that nobody vouches for does not get the token, unless the person wants that. */
static void
test_first_use(void)
{
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  WzpIdentity *identity = new_identity();
  char *token = token_of(identity);
  RelayPeer *peer = relay_peer_new_with_token("127.0.0.1", &relay->address, "kitchen", identity,
                                              token, NULL, false);

  relay_peers_run(&peer, 1, last_has_ended, PATIENCE);
  assert_says(peer, WZP_ERROR_AUTH_REQUIRED, "nobody vouches");
  g_assert_cmpuint(auth_server_requests(server), ==, 0);
  relay_peer_free(peer);
  g_free(token);

  identity = new_identity();
  token = token_of(identity);
  peer = relay_peer_new_with_token("127.0.0.1", &relay->address, "kitchen", identity, token, NULL,
                                   true);
  relay_peers_run(&peer, 1, last_is_in, PATIENCE);
  g_assert_cmpuint(auth_server_requests(server), ==, 1);
  relay_peer_free(peer);
  g_free(token);
  relay_process_free(relay);
  auth_server_free(server);
}

/* Tokens that do not fit into the handshake. */
static void
test_long_token(void)
{
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  unsigned lengths[] = {785, 786, 4096}, i; /* the longest that fits; one more; the longest */

  for (i = 0; i < G_N_ELEMENTS(lengths); i++) {
    char *token = g_strnfill(lengths[i], 'x'), *last;
    Caller caller = call_in(relay, "kitchen", token);

    relay_peers_run(&caller.peer, 1, last_has_ended, PATIENCE);
    assert_says(caller.peer, WZP_ERROR_AUTH_REFUSED, "not valid");
    last = auth_server_last(server);
    g_assert_nonnull(strstr(last, token));
    g_free(last);
    caller_free(&caller);
    g_free(token);
  }
  relay_process_free(relay);
  auth_server_free(server);
}

/* Whatever the server does: no entrance, in bounded time, and no harm to those who are in. */
static void
test_bad_servers(void)
{
  static const WzpErrorCode expected[AUTH_SERVER_N_MODES] = {
      [AUTH_SERVER_JUDGES] = WZP_ERROR_NONE,
      [AUTH_SERVER_401] = WZP_ERROR_AUTH_REFUSED,
      [AUTH_SERVER_500] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_REDIRECTS] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_SEE_OTHER] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_OVERSIZE] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_GARBAGE] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_NAMELESS] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_CLOSES] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_SILENT] = WZP_ERROR_AUTH_UNAVAILABLE,
      [AUTH_SERVER_HALF] = WZP_ERROR_AUTH_UNAVAILABLE,
  };
  Config config = config_new("[relay]\nauth-timeout-ms=300\n");
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay =
      relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server), "--config", config.path));
  RelayPeer *peers[3];
  Caller callers[2], third;
  unsigned mode, before;

  start_call(relay, callers, peers);
  for (mode = AUTH_SERVER_401; mode < AUTH_SERVER_N_MODES; mode++) {
    g_test_message("mode %u", mode);
    auth_server_set_mode(server, (AuthServerMode)mode);
    before = auth_server_requests(server);
    third = call_in(relay, "garden", NULL);
    peers[2] = third.peer;
    relay_peers_run(peers, 3, last_has_ended, PATIENCE);
    g_assert_cmpint(third.peer->error, ==, expected[mode]);
    /* asked once: neither a redirect nor another try; who hangs up may be asked again by HTTP's rules */
    if (mode != AUTH_SERVER_CLOSES)
      g_assert_cmpuint(auth_server_requests(server), ==, before + 1);
    caller_free(&third);
    relay_peers_talk(peers, 3, PATIENCE);
  }
  auth_server_set_mode(server, AUTH_SERVER_JUDGES);
  /* not this server's token, and another's */
  third = call_in(relay, "garden", "nobody-knows-it");
  peers[2] = third.peer;
  relay_peers_run(peers, 3, last_has_ended, PATIENCE);
  assert_says(third.peer, WZP_ERROR_AUTH_REFUSED, "not valid");
  caller_free(&third);
  third = call_in(relay, "garden", callers[0].token);
  peers[2] = third.peer;
  relay_peers_run(peers, 3, last_has_ended, PATIENCE);
  assert_says(third.peer, WZP_ERROR_AUTH_REFUSED, "another identity");
  caller_free(&third);
  /* and with no server at all */
  auth_server_free(server);
  third = call_in(relay, "garden", NULL);
  peers[2] = third.peer;
  relay_peers_run(peers, 3, last_has_ended, PATIENCE);
  assert_says(third.peer, WZP_ERROR_AUTH_UNAVAILABLE, "later");
  caller_free(&third);

  relay_peers_talk(peers, 3, PATIENCE);
  g_assert_cmpfloat(read_attempts(relay, "ok"), ==, 2);
  g_assert_cmpfloat(read_attempts(relay, "refused"), ==, 2);
  g_assert_cmpfloat(read_attempts(relay, "wrong-identity"), ==, 1);
  g_assert_cmpfloat(read_attempts(relay, "unavailable"), ==, 10);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_rooms"), ==, 1);
  caller_free(&callers[0]);
  caller_free(&callers[1]);
  relay_process_free(relay);
  config_free(&config);
}

/* The relay ends while a question is open. */
static void
test_stop_while_asking(void)
{
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  Caller caller = call_in(relay, "kitchen", NULL);

  auth_server_set_mode(server, AUTH_SERVER_SILENT);
  while (auth_server_requests(server) == 0)
    relay_peers_run_for(&caller.peer, 1, WZP_MSEC);
  kill(relay->pid, SIGTERM);
  g_assert_cmpint(relay_process_wait(relay, PATIENCE, NULL), ==, 0);
  caller_free(&caller);
  relay_process_free(relay);
  auth_server_free(server);
}

static void
test_tls(void)
{
  AuthServer *server = auth_server_new(true);
  char *text = g_strdup_printf("[relay]\nauth-ca=%s\n", auth_server_certificate(server));
  Config config = config_new(text);
  RelayProcess *relay =
      relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server), "--config", config.path));
  char *elsewhere = g_strdup_printf("https://localhost:%u/", auth_server_port(server));
  RelayPeer *peers[2];
  Caller callers[2];

  start_call(relay, callers, peers);
  relay_peers_talk(peers, 3, PATIENCE);
  g_assert_cmpuint(auth_server_requests(server), ==, 2);
  caller_free(&callers[0]);
  caller_free(&callers[1]);
  relay_process_free(relay);

  /* trusted by nobody: the token is not sent at all */
  relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  callers[0] = call_in(relay, "kitchen", NULL);
  relay_peers_run(&callers[0].peer, 1, last_has_ended, PATIENCE);
  assert_says(callers[0].peer, WZP_ERROR_AUTH_UNAVAILABLE, "later");
  caller_free(&callers[0]);
  relay_process_free(relay);

  /* trusted, but the certificate is another host's */
  relay = relay_process_new(ARGUMENTS("--auth-url", elsewhere, "--config", config.path));
  callers[0] = call_in(relay, "kitchen", NULL);
  relay_peers_run(&callers[0].peer, 1, last_has_ended, PATIENCE);
  assert_says(callers[0].peer, WZP_ERROR_AUTH_UNAVAILABLE, "later");
  caller_free(&callers[0]);
  relay_process_free(relay);

  g_assert_cmpuint(auth_server_requests(server), ==, 2);
  config_free(&config);
  g_free(elsewhere);
  g_free(text);
  auth_server_free(server);
}

/* The relay dies and comes back, knowing nothing: the tokens come again and the call goes on. */
static void
test_killed(void)
{
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  RelayPeer *peers[2];
  Caller callers[2];
  WzpTime killed;

  start_call(relay, callers, peers);
  relay_peers_talk(peers, 5, PATIENCE);
  killed = g_get_monotonic_time();
  kill(relay->pid, SIGKILL);
  relay_process_wait(relay, PATIENCE, NULL);
  relay_process_restart(relay);
  relay_peers_hear_again(peers, killed + PATIENCE);
  g_test_message("heard again after %d ms", (int)((g_get_monotonic_time() - killed) / WZP_MSEC));
  g_assert_cmpuint(auth_server_requests(server), ==, 4);
  g_assert_cmpfloat(read_attempts(relay, "ok"), ==, 2);
  caller_free(&callers[0]);
  caller_free(&callers[1]);
  relay_process_free(relay);
  auth_server_free(server);
}

/* The same, and the auth server is ill meanwhile: who was in a call asks again until it is well. */
static void
test_killed_without_server(void)
{
  AuthServer *server = auth_server_new(false);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--auth-url", auth_server_url(server)));
  RelayPeer *peers[2];
  Caller callers[2];
  WzpTime killed;

  start_call(relay, callers, peers);
  killed = g_get_monotonic_time();
  kill(relay->pid, SIGKILL);
  relay_process_wait(relay, PATIENCE, NULL);
  auth_server_set_mode(server, AUTH_SERVER_500);
  relay_process_restart(relay);
  peers[0]->opened = peers[1]->opened = 0;
  while (peers[0]->opened == 0 || peers[1]->opened == 0) {
    g_assert_cmpint(g_get_monotonic_time(), <, killed + PATIENCE);
    if (read_attempts(relay, "unavailable") >= 2)
      auth_server_set_mode(server, AUTH_SERVER_JUDGES);
    relay_peer_talk(peers[0]);
    relay_peer_talk(peers[1]);
    relay_peers_run_for(peers, 2, 20 * WZP_MSEC);
  }
  g_assert_false(peers[0]->failed);
  g_assert_false(peers[1]->failed);
  g_assert_cmpfloat(read_attempts(relay, "ok"), ==, 2);
  caller_free(&callers[0]);
  caller_free(&callers[1]);
  relay_process_free(relay);
  auth_server_free(server);
}

/* --- who may join what --- */

static char *
list(const char *policy, const WzpIdentity *identity)
{
  char text[WZP_FINGERPRINT_TEXT];

  return g_strdup_printf("[rooms]\npolicy=%s\n[room kitchen]\nallow=%s\n", policy,
                         wzp_fingerprint_format(identity->fingerprint, text));
}

static RelayPeer *
join_as(const RelayProcess *relay, const char *room, const WzpIdentity *identity)
{
  return relay_peer_new_with_token("127.0.0.1", &relay->address, room,
                                   wzp_identity_new(identity->seed), NULL, NULL, false);
}

static void
assert_not_allowed(const RelayProcess *relay, const char *room, const WzpIdentity *identity)
{
  RelayPeer *peer = join_as(relay, room, identity);

  relay_peers_run(&peer, 1, last_has_ended, PATIENCE);
  assert_says(peer, WZP_ERROR_NOT_ALLOWED, "not open to your identity");
  relay_peer_free(peer);
}

/* Lists change while a call runs: it goes on, and the next ones are judged by the new list. */
static void
test_reload(void)
{
  WzpIdentity *alice = new_identity(), *bob = new_identity();
  char *text = list("closed", alice);
  Config config = config_new(text);
  RelayProcess *relay = relay_process_new(ARGUMENTS("--config", config.path));
  RelayPeer *peers[2] = {join_as(relay, "kitchen", alice), NULL};

  relay_peers_run(peers, 1, last_is_in, PATIENCE);
  assert_not_allowed(relay, "kitchen", bob);
  assert_not_allowed(relay, "garden", alice);
  g_free(text);

  /* not understood: all stays as it was */
  config_write(&config, "[room kitchen]\nallow=everybody\n");
  kill(relay->pid, SIGHUP);
  relay_process_wait_for_log(relay, "conf:2: \"everybody\" is not a fingerprint", PATIENCE);
  assert_not_allowed(relay, "kitchen", bob);

  text = list("open", bob);
  config_write(&config, text);
  kill(relay->pid, SIGHUP);
  relay_process_wait_for_log(relay, "1 rooms have a list", PATIENCE);
  peers[1] = join_as(relay, "kitchen", bob);
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
  relay_peers_talk(peers, 5, PATIENCE);
  assert_not_allowed(relay, "kitchen", alice);
  relay_peers_talk(peers, 5, PATIENCE);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_rooms"), ==, 1);

  relay_peer_free(peers[0]);
  relay_peer_free(peers[1]);
  relay_process_free(relay);
  config_free(&config);
  g_free(text);
  wzp_identity_free(alice);
  wzp_identity_free(bob);
}

/* The printed id names the same room as the name does. */
static void
test_room_id(void)
{
  WzpIdentity *alice = new_identity(), *bob = new_identity();
  RelayProcess *relay = relay_process_new(NULL);
  char *identity = g_build_filename(relay->directory, "identity", NULL);
  char fingerprint[WZP_FINGERPRINT_TEXT], *id, *text;
  RelayPeer *peer;
  Config config;

  g_assert_cmpint(
      relay_process_run(ARGUMENTS("--identity", identity, "--room-id", "kitchen"), &id, NULL), ==,
      0);
  g_assert_true(g_regex_match_simple("^[0-9a-f]{64}\n$", id, 0, 0));
  text = g_strdup_printf("[room-id %s]\nallow=%s\n", g_strchomp(id),
                         wzp_fingerprint_format(alice->fingerprint, fingerprint));
  config = config_new(text);
  kill(relay->pid, SIGKILL);
  relay_process_wait(relay, PATIENCE, NULL);
  relay->more = g_strdupv((char **)ARGUMENTS("--config", config.path));
  relay_process_restart(relay);
  assert_not_allowed(relay, "kitchen", bob);
  peer = join_as(relay, "kitchen", alice);
  relay_peers_run(&peer, 1, last_is_in, PATIENCE);
  relay_peer_free(peer);
  relay_process_free(relay);
  config_free(&config);
  g_free(identity);
  g_free(text);
  g_free(id);
  wzp_identity_free(alice);
  wzp_identity_free(bob);
}

static void
test_cannot_start(void)
{
  Config config = config_new("[relay]\nauth-ca=/nonexistent.pem\n");
  char *err;

  g_assert_cmpint(relay_process_run(ARGUMENTS("--auth-url", "http://auth.example/"), NULL, &err),
                  ==, 2);
  g_assert_nonnull(strstr(err, "auth-url has to be an https:// URL"));
  g_free(err);
  g_assert_cmpint(relay_process_run(ARGUMENTS("--listen", "127.0.0.1:0", "--auth-url",
                                              "https://auth.example/", "--config", config.path),
                                    NULL, &err),
                  ==, 1);
  g_assert_nonnull(strstr(err, "the certificates in /nonexistent.pem cannot be used"));
  g_free(err);
  config_free(&config);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-auth-process/good", test_good);
  g_test_add_func("/relay-auth-process/no-token", test_no_token);
  g_test_add_func("/relay-auth-process/first-use", test_first_use);
  g_test_add_func("/relay-auth-process/long-token", test_long_token);
  g_test_add_func("/relay-auth-process/bad-servers", test_bad_servers);
  g_test_add_func("/relay-auth-process/stop-while-asking", test_stop_while_asking);
  g_test_add_func("/relay-auth-process/tls", test_tls);
  g_test_add_func("/relay-auth-process/killed", test_killed);
  g_test_add_func("/relay-auth-process/killed-without-server", test_killed_without_server);
  g_test_add_func("/relay-auth-process/reload", test_reload);
  g_test_add_func("/relay-auth-process/room-id", test_room_id);
  g_test_add_func("/relay-auth-process/cannot-start", test_cannot_start);
  return g_test_run();
}
