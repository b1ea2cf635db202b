/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-peer.h"
#include "relay-process.h"
#include "wzp/call-private.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The real program on real sockets of the loopback interface. */

#define PATIENCE (30 * WZP_SECOND)
#define GARBAGE 100000
/* fits into the smallest socket buffer that a system has */
#define GARBAGE_BATCH 200

static void
assert_contains(const char *text, const char *part)
{
  if (strstr(text, part) == NULL)
    g_error("\"%s\" is not in \"%s\"", part, text);
}

static double
read_metric(const RelayProcess *relay, const char *name)
{
  unsigned status;
  char *text = relay_process_get(relay, NULL, &status);
  double value = relay_metric(text, name);

  g_assert_cmpuint(status, ==, 200);
  g_free(text);
  return value;
}

/* Both in one room, and each holds the other's key. */
static void
start_call(const RelayProcess *relay, RelayPeer *peers[2])
{
  peers[0] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  peers[1] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
}

static void
end_call(RelayPeer *peers[2])
{
  relay_peer_free(peers[0]);
  relay_peer_free(peers[1]);
}

static void
test_start_line(void)
{
  RelayProcess *relay = relay_process_new(NULL);
  RelayPeer *peers[2];
  WzpAddress address = relay->address;
  char *key = g_strdup(relay_process_key(relay)), *second;

  g_assert_true(g_regex_match_simple("^wzp-relay [0-9.]+ listening on 127\\.0\\.0\\.1:[0-9]+, "
                                     "second port [0-9]+, key ([0-9a-f]{4}:){7}[0-9a-f]{4}$",
                                     relay->start_line, 0, 0));
  g_assert_true(
      g_regex_match_simple("^http://127\\.0\\.0\\.1:[0-9]+/metrics$", relay->metrics_url, 0, 0));
  start_call(relay, peers);
  second = g_strdup_printf(", second port %u, ", peers[0]->call->second_port);
  g_assert_nonnull(strstr(relay->start_line, second));
  g_free(second);
  end_call(peers);
  /* the identity stays, port and all; the second port is any free one again */
  kill(relay->pid, SIGKILL);
  relay_process_wait(relay, PATIENCE, NULL);
  relay_process_restart(relay);
  g_assert_true(wzp_address_equal(&relay->address, &address));
  g_assert_cmpstr(relay_process_key(relay), ==, key);
  g_free(key);
  relay_process_free(relay);
}

static void
assert_not_in(const char *log, const uint8_t *bytes, size_t length)
{
  char hex[2 * 32 + 1];

  sodium_bin2hex(hex, sizeof hex, bytes, length);
  if (strstr(log, hex) != NULL)
    g_error("%s is in the log: %s", hex, log);
}

/* No whole address and nothing of who somebody is, or where, but 16 bits of it. */
static void
assert_discreet(const char *log, RelayPeer **peers, unsigned n)
{
  g_assert_null(strstr(log, "127.0.0.1"));
  g_assert_false(g_regex_match_simple("[0-9a-f]{4}:[0-9a-f]{4}", log, 0, 0));
  while (n-- > 0) {
    assert_not_in(log, peers[n]->identity->fingerprint, 3);
    assert_not_in(log, peers[n]->identity->ed25519_public, 3);
    assert_not_in(log, wzp_group_room_id(peers[n]->call->group), 5);
  }
}

static void
test_call(void)
{
  RelayProcess *relay = relay_process_new(NULL);
  RelayPeer *peers[2];
  char *log;
  int status;
  WzpTime began;

  start_call(relay, peers);
  relay_peers_talk(peers, 50, PATIENCE);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_sessions"), ==, 2);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_rooms"), ==, 1);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_packets_received_total"), ==, 100);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_packets_forwarded_total"), ==, 100);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_handshake_duration_seconds_count"), ==, 2);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_drops_total"), ==, 0);

  began = g_get_monotonic_time();
  kill(relay->pid, SIGTERM);
  relay_peers_run(peers, 2, relay_peers_closed, PATIENCE);
  status = relay_process_wait(relay, PATIENCE, &log);
  g_assert_cmpint(g_get_monotonic_time() - began, <, 2 * WZP_SECOND);
  g_assert_true(WIFEXITED(status));
  g_assert_cmpint(WEXITSTATUS(status), ==, 0);
  g_assert_cmpint(peers[0]->close_reason, ==, WZP_CLOSE_SHUTDOWN);
  g_assert_cmpint(peers[1]->close_reason, ==, WZP_CLOSE_SHUTDOWN);
  assert_contains(log, "from 127.0.0.0/24 joined a room");
  assert_discreet(log, peers, 2);
  g_free(log);
  end_call(peers);
  relay_process_free(relay);
}

/* The relay dies without a word and comes back: the call goes on by itself. */
static void
test_killed(void)
{
  RelayProcess *relay = relay_process_new(NULL);
  WzpTime killed;
  RelayPeer *peers[2];

  start_call(relay, peers);
  relay_peers_talk(peers, 5, PATIENCE);
  killed = g_get_monotonic_time();
  kill(relay->pid, SIGKILL);
  relay_process_wait(relay, PATIENCE, NULL);
  relay_process_restart(relay);
  relay_peers_hear_again(peers, killed + PATIENCE);
  g_test_message("heard again after %d ms", (int)((g_get_monotonic_time() - killed) / WZP_MSEC));
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_sessions"), ==, 2);
  end_call(peers);
  relay_process_free(relay);
}

/* A dialled call: the relay counts it, dies, and knows nothing of it until the two go on by themselves. */
static void
test_dialled(void)
{
  RelayProcess *relay = relay_process_new(NULL);
  RelayPeer *peers[2];
  WzpTime killed;
  WzpDialInfo before, after;
  char *log;

  peers[0] = relay_peer_new_for_calls("127.0.0.1", &relay->address, NULL);
  peers[1] = relay_peer_new_for_calls("127.0.0.1", &relay->address, peers[0]);
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
  relay_peers_talk(peers, 50, PATIENCE);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_calls"), ==, 1);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_calls_total"), ==, 1);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_rooms"), ==, 0);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_packets_forwarded_total"), ==, 100);
  wzp_dial_get_info(wzp_call_dial(peers[0]->call), &before);
  killed = g_get_monotonic_time();
  kill(relay->pid, SIGKILL);
  relay_process_wait(relay, PATIENCE, &log);
  g_assert_false(g_regex_match_simple("[0-9a-f]{4}:[0-9a-f]{4}", log, 0, 0));
  g_free(log);
  relay_process_restart(relay);
  relay_peers_hear_again(peers, killed + PATIENCE);
  wzp_dial_get_info(wzp_call_dial(peers[0]->call), &after);
  g_assert_cmpmem(before.id, sizeof before.id, after.id, sizeof after.id);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_calls"), ==, 1);
  end_call(peers);
  relay_process_free(relay);
}

static unsigned
send_garbage(int fd, const WzpAddress *to, GRand *random, unsigned n)
{
  struct sockaddr_storage native;
  socklen_t length = wzp_address_to_sockaddr(to, &native, false);
  unsigned i, j, sent = 0;

  for (i = 0; i < n; i++) {
    uint32_t data[50];

    for (j = 0; j < G_N_ELEMENTS(data); j++)
      data[j] = g_rand_int(random);
    sent += sendto(fd, data, 1 + data[0] % sizeof data, 0, (struct sockaddr *)&native, length) > 0;
  }
  return sent;
}

static void
test_garbage(void)
{
  RelayProcess *relay = relay_process_new(NULL);
  GRand *random = g_rand_new_with_seed(4433);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  RelayPeer *peers[2];
  unsigned batch = 0;
  double sent = 0;

  start_call(relay, peers);
  while (sent < GARBAGE) {
    sent += send_garbage(fd, &relay->address, random, GARBAGE_BATCH);
    if (batch++ % 4 == 0) {
      g_assert_cmpint(relay_peer_talk(peers[0]), ==, WZP_OK);
      g_assert_cmpint(relay_peer_talk(peers[1]), ==, WZP_OK);
    }
    relay_peers_step(peers, 2);
    /* each one is counted before the next come */
    while (read_metric(relay, "wzp_relay_drops_total") < sent)
      g_assert_cmpint(kill(relay->pid, 0), ==, 0);
  }
  relay_peers_run(peers, 2, relay_peers_heard_all, PATIENCE);
  g_assert_cmpuint(peers[0]->sent, >, 100);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_drops_total"), ==, sent);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_active_sessions"), ==, 2);
  g_assert_true(relay_peers_active(peers, 2));
  close(fd);
  g_rand_free(random);
  end_call(peers);
  relay_process_free(relay);
}

/* Prometheus' text format: one HELP and one TYPE before the samples of each family, and so on. */
static void
check_family(const char *name, const char *type)
{
  g_assert_true(g_regex_match_simple("^wzp_relay_[a-z_]+$", name, 0, 0));
  if (strcmp(type, "counter") == 0)
    g_assert_true(g_str_has_suffix(name, "_total"));
  else
    g_assert_false(g_str_has_suffix(name, "_total"));
}

static void
check_metrics_text(const char *text)
{
  GHashTable *families = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GHashTable *samples = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  char **lines = g_strsplit(text, "\n", -1), *family = NULL;
  double bucket = 0;
  unsigned i;

  for (i = 0; lines[i + 1] != NULL; i++) {
    char **words = g_strsplit(lines[i], " ", 4), *sample, *end;

    if (strcmp(words[0], "#") == 0 && strcmp(words[1], "HELP") == 0) {
      g_free(family);
      family = g_strdup(words[2]);
      bucket = 0;
      g_assert_true(g_hash_table_add(families, g_strdup(family)));
      g_assert_cmpuint(strlen(words[3]), >, 10);
    } else if (strcmp(words[0], "#") == 0) {
      g_assert_cmpstr(words[1], ==, "TYPE");
      g_assert_cmpstr(words[2], ==, family);
      g_assert_true(g_str_has_prefix(lines[i - 1], "# HELP "));
      check_family(family, words[3]);
    } else {
      g_assert_true(g_regex_match_simple(
          "^[a-z_]+(\\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\\})? [0-9.]+$", lines[i], 0, 0));
      g_assert_true(g_str_has_prefix(lines[i], family));
      sample = g_strdup(lines[i]);
      end = strrchr(sample, ' ');
      *end = '\0';
      g_assert_true(g_hash_table_add(samples, sample));
      if (strstr(sample, "_bucket{") != NULL) {
        g_assert_cmpfloat(g_ascii_strtod(end + 1, NULL), >=, bucket);
        bucket = g_ascii_strtod(end + 1, NULL);
      } else if (g_str_has_suffix(sample, "_count")) {
        g_assert_cmpfloat(g_ascii_strtod(end + 1, NULL), ==, bucket); /* the +Inf one */
      }
    }
    g_strfreev(words);
  }
  g_assert_cmpstr(lines[i], ==, "");
  g_assert_cmpfloat(relay_metric(text, "wzp_relay_handshake_duration_seconds_count"), ==, 2);
  g_assert_cmpuint(g_hash_table_size(families), >=, 10);
  assert_contains(text, "wzp_relay_drops_total{plane=\"media\",reason=\"bad-tag\"} 0\n");
  assert_contains(text, "wzp_relay_drops_total{plane=\"control\",reason=\"rate-limited\"} 0\n");
  assert_contains(text, "wzp_relay_handshake_duration_seconds_bucket{le=\"0.025\"} ");
  assert_contains(text, "wzp_relay_handshake_duration_seconds_bucket{le=\"+Inf\"} ");
  assert_contains(text, "wzp_relay_build_info{version=\"");
  g_free(family);
  g_strfreev(lines);
  g_hash_table_unref(families);
  g_hash_table_unref(samples);
}

static void
test_metrics(void)
{
  static const char *const wanted[] = {
      "wzp_relay_active_sessions",
      "wzp_relay_active_rooms",
      "wzp_relay_packets_received_total",
      "wzp_relay_bytes_received_total",
      "wzp_relay_packets_forwarded_total",
      "wzp_relay_bytes_forwarded_total",
      "wzp_relay_drops_total",
      "wzp_relay_cookies_sent_total",
      "wzp_relay_legs_moved_total",
      "wzp_relay_moves_refused_total",
      "wzp_relay_build_info",
      "wzp_relay_datagrams_received_total",
      "wzp_relay_unauthorised_sessions",
      "wzp_relay_auth_attempts_total",
      "wzp_relay_token_check_duration_seconds_count",
  };
  RelayProcess *relay = relay_process_new(NULL);
  RelayPeer *peers[2];
  unsigned status, i;
  char *text;

  start_call(relay, peers);
  text = relay_process_get(relay, NULL, &status);
  g_assert_cmpuint(status, ==, 200);
  for (i = 0; i < G_N_ELEMENTS(wanted); i++)
    (void)relay_metric(text, wanted[i]);
  check_metrics_text(text);
  g_free(text);
  end_call(peers);

  text = relay_process_get(relay, "/livez", &status);
  g_assert_cmpuint(status, ==, 200);
  g_free(text);
  text = relay_process_get(relay, "/healthz", &status);
  g_assert_cmpuint(status, ==, 200);
  g_free(text);
  text = relay_process_get(relay, "/readyz", &status);
  g_assert_cmpuint(status, ==, 200);
  g_free(text);
  text = relay_process_get(relay, "/nothing", &status);
  g_assert_cmpuint(status, ==, 404);
  g_free(text);
  relay_process_free(relay);
}

/* What the kernel drops before the relay reads it is counted as well. */
static void
test_metrics_socket(void)
{
  static const char name[] = "wzp_relay_drops_total{plane=\"socket\",reason=\"queue-full\"}";
  static const uint8_t junk[1200];
  RelayProcess *relay = relay_process_new(NULL);
  struct sockaddr_storage to;
  socklen_t length = wzp_address_to_sockaddr(&relay->address, &to, false);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  unsigned status, i;
  char *text = relay_process_get(relay, NULL, &status);

  g_assert_nonnull(strstr(text, name));
  g_assert_cmpfloat(g_ascii_strtod(strstr(text, name) + strlen(name), NULL), ==, 0);
  g_free(text);
  kill(relay->pid, SIGSTOP);
  for (i = 0; i < 20000; i++) /* more than 16 MiB */
    g_assert_cmpint(sendto(fd, junk, sizeof junk, 0, (struct sockaddr *)&to, length), ==,
                    sizeof junk);
  kill(relay->pid, SIGCONT);
  text = relay_process_get(relay, NULL, &status);
  g_assert_cmpfloat(g_ascii_strtod(strstr(text, name) + strlen(name), NULL), >, 1000);
  g_free(text);
  close(fd);
  relay_process_free(relay);
}

/* One socket for both families: an IPv6 client and an IPv4 client in one call. */
static void
test_dual_stack(void)
{
  static const char *const listen[] = {"--listen", "[::]:0", NULL};
  int probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_storage native;
  WzpAddress loopback, v4, v6;
  RelayProcess *relay;
  RelayPeer *peers[2];
  socklen_t length;

  g_assert_true(wzp_address_parse(&loopback, "[::1]:0"));
  length = wzp_address_to_sockaddr(&loopback, &native, true);
  if (probe < 0 || bind(probe, (struct sockaddr *)&native, length) != 0) {
    g_test_skip("this machine has no IPv6 loopback");
    if (probe >= 0)
      close(probe);
    return;
  }
  close(probe);
  relay = relay_process_new(listen); /* the later --listen counts */
  g_assert_cmpuint(relay->address.family, ==, 6);
  g_assert_true(wzp_address_parse(&v4, "127.0.0.1:0"));
  g_assert_true(wzp_address_parse(&v6, "[::1]:0"));
  v4.port = v6.port = relay->address.port;
  peers[0] = relay_peer_new("127.0.0.1", &v4, "kitchen");
  peers[1] = relay_peer_new("::1", &v6, "kitchen");
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
  relay_peers_talk(peers, 5, PATIENCE);
  end_call(peers);
  relay_process_free(relay);
}

static void
assert_refusal(const char *const *arguments, int code, const char *message)
{
  char *out, *err;

  g_assert_cmpint(relay_process_run(arguments, &out, &err), ==, code);
  g_assert_cmpstr(out, ==, "");
  assert_contains(err, message);
  g_free(out);
  g_free(err);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
test_flags(void)
{
  char *out;

  assert_refusal(ARGUMENTS("--listne", "x"), 2, "--listne");
  assert_refusal(ARGUMENTS("0.0.0.0:4433"), 2, "0.0.0.0:4433");
  assert_refusal(ARGUMENTS("--listen"), 2, "--listen");
  assert_refusal(ARGUMENTS("--listen", "nowhere"), 2, "listen is \"nowhere\"; it has to be");
  assert_refusal(ARGUMENTS("--metrics-port", "99999"), 2, "metrics-port is \"99999\"");
  assert_refusal(ARGUMENTS("--config", "/nonexistent/conf"), 1, "/nonexistent/conf");

  g_assert_cmpint(relay_process_run(ARGUMENTS("--version"), &out, NULL), ==, 0);
  g_assert_cmpstr(out, ==, "wzp-relay " WZP_VERSION "\n");
  g_free(out);
  g_assert_cmpint(relay_process_run(ARGUMENTS("--help"), &out, NULL), ==, 0);
  assert_contains(out, "--listen");
  assert_contains(out, "--metrics-port");
  g_free(out);
}

static void
test_cannot_start(void)
{
  char *directory = g_dir_make_tmp("wzp-relay-XXXXXX", NULL);
  char *identity = g_build_filename(directory, "identity", NULL);
  char *config = g_build_filename(directory, "conf", NULL);
  char *message = g_strdup_printf("%s:3: unknown key \"speed\"", config);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_storage native;
  char taken[WZP_ADDRESS_TEXT];
  WzpAddress address;
  socklen_t length;

  /* port in use */
  g_assert_true(wzp_address_parse(&address, "127.0.0.1:0"));
  length = wzp_address_to_sockaddr(&address, &native, false);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&native, length), ==, 0);
  length = sizeof native;
  g_assert_cmpint(getsockname(fd, (struct sockaddr *)&native, &length), ==, 0);
  g_assert_true(wzp_address_from_sockaddr(&address, (struct sockaddr *)&native, length));
  wzp_address_format(&address, taken);
  assert_refusal(ARGUMENTS("--identity", identity, "--listen", taken), 1, taken);
  assert_refusal(ARGUMENTS("--identity", identity, "--listen", taken), 1, "uses this port");
  /* not our address (RFC 5737) */
  assert_refusal(ARGUMENTS("--identity", identity, "--listen", "192.0.2.1:4433"), 1,
                 "this machine has no such address");
  /* others can read the identity */
  g_assert_cmpint(g_chmod(identity, 0644), ==, 0);
  assert_refusal(ARGUMENTS("--identity", identity, "--listen", "127.0.0.1:0"), 1, identity);
  /* a mistake in the configuration */
  g_assert_true(g_file_set_contents(config, "[relay]\nmax-rooms=3\nspeed=9\n", -1, NULL));
  assert_refusal(ARGUMENTS("--config", config), 1, message);
  /* both ports are one */
  g_assert_cmpint(g_chmod(identity, 0600), ==, 0);
  g_assert_true(g_file_set_contents(config, "[relay]\nsecond-port=4433\n", -1, NULL));
  assert_refusal(
      ARGUMENTS("--identity", identity, "--config", config, "--listen", "127.0.0.1:4433"), 1,
      "second-port is 4433, where the relay itself listens");

  g_assert_cmpint(g_unlink(identity), ==, 0);
  g_assert_cmpint(g_unlink(config), ==, 0);
  g_assert_cmpint(g_rmdir(directory), ==, 0);
  close(fd);
  g_free(message);
  g_free(config);
  g_free(identity);
  g_free(directory);
}

static bool
third_has_ended(RelayPeer **peers, unsigned n)
{
  WzpCallStats stats;

  g_assert_cmpuint(n, ==, 3);
  wzp_call_get_stats(peers[2]->call, &stats);
  return stats.state == WZP_CALL_ENDED;
}

/* A third one in a room of two is told so in words. */
static void
test_room_full(void)
{
  char *config = g_strdup_printf("%s/wzp-relay-two-%d.conf", g_get_tmp_dir(), (int)getpid());
  const char *const arguments[] = {"--config", config, NULL};
  RelayProcess *relay;
  RelayPeer *peers[3];

  g_assert_true(g_file_set_contents(config, "[relay]\nmax-members=2\n", -1, NULL));
  relay = relay_process_new(arguments);
  g_remove(config);
  g_free(config);

  start_call(relay, peers);
  peers[2] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 3, third_has_ended, PATIENCE);
  g_assert_true(peers[2]->failed);
  g_assert_cmpint(peers[2]->error, ==, WZP_ERROR_ROOM_FULL);
  relay_peers_talk(peers, 5, PATIENCE);
  relay_peer_free(peers[2]);
  end_call(peers);
  relay_process_free(relay);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-process/start-line", test_start_line);
  g_test_add_func("/relay-process/call", test_call);
  g_test_add_func("/relay-process/killed", test_killed);
  g_test_add_func("/relay-process/dialled", test_dialled);
  g_test_add_func("/relay-process/garbage", test_garbage);
  g_test_add_func("/relay-process/metrics", test_metrics);
  g_test_add_func("/relay-process/metrics-socket", test_metrics_socket);
  g_test_add_func("/relay-process/dual-stack", test_dual_stack);
  g_test_add_func("/relay-process/flags", test_flags);
  g_test_add_func("/relay-process/cannot-start", test_cannot_start);
  g_test_add_func("/relay-process/room-full", test_room_full);
  return g_test_run();
}
