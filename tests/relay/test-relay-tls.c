/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-peer.h"
#include "relay-process.h"
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The relay's TLS port, on real sockets: calls through it, and those who mean no call. */

#define PATIENCE (30 * WZP_SECOND)
#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

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

/* The counter of connections that ended for this reason, once it is there. */
static void
wait_for_end(const RelayProcess *relay, const char *reason, unsigned n)
{
  char *sample =
      g_strdup_printf("wzp_relay_tls_connections_ended_total{reason=\"%s\"} %u\n", reason, n);
  WzpTime deadline = g_get_monotonic_time() + PATIENCE;
  bool found = false;

  while (!found) {
    unsigned status;
    char *text = relay_process_get(relay, NULL, &status);

    g_assert_cmpint(g_get_monotonic_time(), <, deadline);
    found = strstr(text, sample) != NULL;
    g_free(text);
    g_usleep(found ? 0 : 5000);
  }
  g_free(sample);
}

static int
connect_to(const WzpAddress *address)
{
  struct sockaddr_storage native;
  socklen_t length = wzp_address_to_sockaddr(address, &native, false);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint(connect(fd, (struct sockaddr *)&native, length), ==, 0);
  return fd;
}

static bool
is_waiting(RelayPeer **peers, unsigned n)
{
  WzpCallStats stats;

  g_assert_cmpuint(n, ==, 1);
  wzp_call_get_stats(peers[0]->call, &stats);
  return stats.state == WZP_CALL_WAITING;
}

/* One by TLS, one by UDP; and both by TLS. */
static void
test_calls(void)
{
  RelayProcess *relay = relay_process_new(ARGUMENTS("--tls-listen", "127.0.0.1:0"));
  RelayPeer *peers[2];
  char *log;
  unsigned i;

  for (i = 0; i < 2; i++) {
    peers[0] = relay_peer_new("127.0.0.1", &relay->tls_address, "kitchen");
    peers[1] =
        relay_peer_new("127.0.0.1", i == 0 ? &relay->address : &relay->tls_address, "kitchen");
    relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
    relay_peers_talk(peers, 30, PATIENCE);
    g_assert_cmpfloat(read_metric(relay, "wzp_relay_tls_connections"), ==, i + 1);
    relay_peer_free(peers[0]);
    relay_peer_free(peers[1]);
  }
  wait_for_end(relay, "left", 3);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_tls_connections_total"), ==, 3);
  g_assert_cmpfloat(read_metric(relay, "wzp_relay_tls_connections"), ==, 0);

  /* the goodbye goes there as well */
  peers[0] = relay_peer_new("127.0.0.1", &relay->tls_address, "kitchen");
  relay_peers_run(peers, 1, is_waiting, PATIENCE);
  kill(relay->pid, SIGTERM);
  relay_peers_run(peers, 1, relay_peers_closed, PATIENCE);
  g_assert_cmpint(peers[0]->close_reason, ==, WZP_CLOSE_SHUTDOWN);
  g_assert_cmpint(WEXITSTATUS(relay_process_wait(relay, PATIENCE, &log)), ==, 0);
  g_free(log);
  relay_peer_free(peers[0]);
  relay_process_free(relay);
}

/* The certificate is the relay's key. */
static void
test_key(void)
{
  RelayProcess *relay = relay_process_new(ARGUMENTS("--tls-listen", "127.0.0.1:0"));
  RelayPeer *peer = relay_peer_new("127.0.0.1", &relay->tls_address, "kitchen");
  uint8_t key[32], fingerprint[WZP_FINGERPRINT_SIZE];
  char text[WZP_FINGERPRINT_TEXT];

  while (!wzp_tls_is_up(peer->tls))
    relay_peers_run_for(&peer, 1, 10 * WZP_MSEC);
  g_assert_true(wzp_tls_peer_key(peer->tls, key));
  wzp_fingerprint(fingerprint, key);
  g_assert_cmpstr(wzp_fingerprint_format(fingerprint, text), ==, relay_process_key(relay));
  relay_peer_free(peer);
  relay_process_free(relay);
}

static bool
is_closed_by_relay(int fd)
{
  struct pollfd poller = {.fd = fd, .events = POLLIN};
  char bytes[4096];
  ssize_t got;

  do {
    if (poll(&poller, 1, (int)(PATIENCE / WZP_MSEC)) != 1)
      return false;
    got = recv(fd, bytes, sizeof bytes, 0);
  } while (got > 0);
  return true;
}

/* Not TLS; TLS that is older; a frame that is none; too many. Who is in a call does not notice. */
static void
test_strangers(void)
{
  static const uint8_t frames[] = {0x00, 0x04, 0x99, 1, 2, 3, 0x00, 0x00};
  RelayProcess *relay;
  RelayPeer *peers[2];
  char *config = g_build_filename(g_get_tmp_dir(), "wzp-relay-tls-XXXXXX", NULL);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *ssl;
  int fds[4], i;

  i = g_mkstemp(config);
  g_assert_cmpint(i, >=, 0);
  close(i);
  g_assert_true(g_file_set_contents(
      config, "[relay]\ntls-listen=127.0.0.1:0\nmax-tls-connections-per-ip=4\n", -1, NULL));
  relay = relay_process_new(ARGUMENTS("--config", config));
  peers[0] = relay_peer_new("127.0.0.1", &relay->tls_address, "kitchen");
  peers[1] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);

  fds[0] = connect_to(&relay->tls_address);
  g_assert_cmpint(send(fds[0], "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), ==, 18);
  g_assert_true(is_closed_by_relay(fds[0]));
  wait_for_end(relay, "broken", 1);

  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  fds[1] = connect_to(&relay->tls_address);
  ssl = SSL_new(context);
  SSL_set_fd(ssl, fds[1]);
  g_assert_cmpint(SSL_connect(ssl), <=, 0);
  SSL_free(ssl);
  wait_for_end(relay, "broken", 2);

  SSL_CTX_set_max_proto_version(context, 0);
  fds[2] = connect_to(&relay->tls_address);
  ssl = SSL_new(context);
  SSL_set_fd(ssl, fds[2]);
  g_assert_cmpint(SSL_connect(ssl), ==, 1);
  g_assert_cmpint(SSL_write(ssl, frames, sizeof frames), ==, sizeof frames);
  g_assert_true(is_closed_by_relay(fds[2]));
  SSL_free(ssl);
  wait_for_end(relay, "broken", 3);
  for (i = 0; i < 3; i++)
    close(fds[i]);

  /* one is the call's */
  for (i = 0; i < 4; i++)
    fds[i] = connect_to(&relay->tls_address);
  g_assert_true(is_closed_by_relay(fds[3]));
  wait_for_end(relay, "too-many", 1);
  relay_peers_talk(peers, 30, PATIENCE);
  for (i = 0; i < 4; i++)
    close(fds[i]);

  relay_peer_free(peers[0]);
  relay_peer_free(peers[1]);
  relay_process_free(relay);
  SSL_CTX_free(context);
  unlink(config);
  g_free(config);
}

/* A client that does not read: what it misses is dropped, not kept, and the other one hears all. */
static void
test_stalled_reader(void)
{
  RelayProcess *relay = relay_process_new(ARGUMENTS("--tls-listen", "127.0.0.1:0"));
  RelayPeer *peers[2];
  uint8_t voice[1000] = {0x00};
  unsigned i;

  peers[0] = relay_peer_new_slow("127.0.0.1", &relay->tls_address, "kitchen");
  peers[1] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
  for (i = 0; i < 2000 && read_metric(relay, "wzp_relay_drops_total") < 20; i++) {
    relay_peer_say(peers[1], voice, sizeof voice);
    relay_peers_run_for(&peers[1], 1, 40 * WZP_MSEC);
  }
  g_assert_cmpuint(i, <, 2000);
  g_test_message("dropped after %u packets", i);
  peers[0]->opened = 0;
  relay_peers_hear_again(peers, g_get_monotonic_time() + PATIENCE);
  relay_peer_free(peers[0]);
  relay_peer_free(peers[1]);
  relay_process_free(relay);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  (void)signal(SIGPIPE, SIG_IGN);
  g_test_add_func("/relay-tls/calls", test_calls);
  g_test_add_func("/relay-tls/key", test_key);
  g_test_add_func("/relay-tls/strangers", test_strangers);
  g_test_add_func("/relay-tls/stalled-reader", test_stalled_reader);
  return g_test_run();
}
