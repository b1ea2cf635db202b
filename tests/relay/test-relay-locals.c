/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-peer.h"
#include "relay-process.h"
#include "wzp/call-private.h"
#include <glib/gstdio.h>

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
  g_test_add_func("/relay-locals/no-second-port", test_no_second);
  return g_test_run();
}
