/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-peer.h"
#include "relay-process.h"
#include "wzp/call-private.h"
#include <glib/gstdio.h>
#include <string.h>

/* The real program on a machine of several addresses: clients ask at different ones, and each is answered from the one
 * that it asked, or does not hear it: handshake, records, media, STUN at both ports. */

#define PATIENCE (30 * WZP_SECOND)

static bool
know_their_ports(RelayPeer **peers, unsigned n)
{
  bool all = relay_peers_active(peers, n);

  for (unsigned i = 0; i < n; i++) {
    const WzpNatProbe *probe = &peers[i]->call->nat_probe;

    all = all && probe->answered[0] && probe->answered[1] &&
          probe->targets[0].port != probe->targets[1].port;
  }
  return all;
}

static void
test_any(gconstpointer data)
{
  const char *const arguments[] = {"--listen", data, NULL};
  RelayProcess *relay = relay_process_new(arguments);
  const char *const asked[2] = {"127.0.0.2", "127.0.0.3"};
  RelayPeer *peers[2];

  for (unsigned i = 0; i < 2; i++) {
    WzpAddress address;
    char *text = g_strdup_printf("%s:%u", asked[i], relay->address.port);

    g_assert_true(wzp_address_parse(&address, text));
    g_free(text);
    /* from 127.0.0.1, so that the system would answer from there */
    peers[i] = relay_peer_new("127.0.0.1", &address, "kitchen");
  }
  relay_peers_run(peers, 2, know_their_ports, PATIENCE);
  relay_peers_talk(peers, 20, PATIENCE);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(peers[i]->call->stats.drops[WZP_UNKNOWN_SOURCE], ==, 0);
    g_assert_cmpuint(peers[i]->opened, ==, 20);
    relay_peer_free(peers[i]);
  }
  relay_process_free(relay);
}

static void
ask(int fd, const WzpAddress *to, const uint8_t *data, size_t length)
{
  struct sockaddr_storage name;
  socklen_t size = wzp_address_to_sockaddr(to, &name, false);

  g_assert_cmpint(sendto(fd, data, length, 0, (struct sockaddr *)&name, size), ==, (ssize_t)length);
}

/* At the second port nothing is heard but questions: all else is counted, and unanswered, even what would be answered at the
 * first one. */
static void
test_second(void)
{
  RelayProcess *relay = relay_process_new(NULL);
  RelayPeer *peers[2];
  WzpRandom random = wzp_random_system();
  WzpHandshakeConfig config = {.mode = WZP_MODE_HOP};
  WzpAddress second = relay->address, observed;
  uint8_t junk[2000] = {0x80}, record[60] = {0x44}, question[WZP_STUN_REQUEST_MIN], answer[100],
          transaction[16] = {0};
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  size_t length;
  unsigned status, i;

  for (i = 0; i < 2; i++)
    peers[i] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 2, know_their_ports, PATIENCE);
  second.port = peers[0]->call->second_port;

  char *before = relay_process_get(relay, NULL, &status);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  config.identity = peers[0]->identity;
  WzpInitiator *initiator = wzp_initiator_new(&config, &random);
  const uint8_t *hs1 = wzp_initiator_message(initiator, &length);
  ask(fd, &second, hs1, length);
  ask(fd, &second, record, sizeof record);
  ask(fd, &second, junk, sizeof junk);
  ask(fd, &second, junk, 100);
  ask(fd, &second, junk, 0);
  wzp_stun_request_write(question, transaction);
  ask(fd, &second, question, sizeof question);
  /* the first answer is that to the last */
  ssize_t got = recvfrom(fd, answer, sizeof answer, 0, (struct sockaddr *)&name, &size);
  g_assert_cmpint(got, >, 0);
  g_assert_cmpint(wzp_stun_response_parse(&observed, transaction, answer, (size_t)got), ==, WZP_OK);
  g_assert_true(wzp_address_from_sockaddr(&observed, (struct sockaddr *)&name, size));
  g_assert_true(wzp_address_equal(&observed, &second));

  char *after = relay_process_get(relay, NULL, &status);
  static const struct {
    const char *name;
    double more;
  } counted[] = {{"wzp_relay_datagrams_received_total", 6},
                 {"wzp_relay_drops_total", 5},
                 {"wzp_relay_stun_answered_total", 1}};
  for (i = 0; i < G_N_ELEMENTS(counted); i++)
    g_assert_cmpfloat(relay_metric(after, counted[i].name) - relay_metric(before, counted[i].name),
                      ==, counted[i].more);
  g_free(before);
  g_free(after);
  g_close(fd, NULL);
  wzp_initiator_free(initiator);
  for (i = 0; i < 2; i++)
    relay_peer_free(peers[i]);
  relay_process_free(relay);
}

/* Without a second port nobody is told of one, and nothing is asked. */
static void
test_no_second(void)
{
  char *name;
  int file = g_file_open_tmp("wzp-relay-XXXXXX", &name, NULL);
  const char *const arguments[] = {"--config", name, NULL};
  RelayProcess *relay;
  RelayPeer *peers[2];

  g_assert_cmpint(file, >=, 0);
  g_assert_true(g_file_set_contents(name, "[relay]\nsecond-port=off\n", -1, NULL));
  g_close(file, NULL);
  relay = relay_process_new(arguments);
  g_assert_null(strstr(relay->start_line, "second port"));
  for (unsigned i = 0; i < 2; i++)
    peers[i] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(peers[i]->call->second_port, ==, 0);
    g_assert_cmpint(wzp_nat_probe_next_timeout(&peers[i]->call->nat_probe), ==, WZP_NEVER);
    relay_peer_free(peers[i]);
  }
  relay_process_free(relay);
  g_assert_cmpint(g_unlink(name), ==, 0);
  g_free(name);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_data_func("/relay-locals/ipv4", "0.0.0.0:0", test_any);
  g_test_add_data_func("/relay-locals/both", "[::]:0", test_any);
  g_test_add_func("/relay-locals/second-port", test_second);
  g_test_add_func("/relay-locals/no-second-port", test_no_second);
  return g_test_run();
}
