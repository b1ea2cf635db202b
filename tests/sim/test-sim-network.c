/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-network.h"
#include <glib.h>

#define N 20000

static void
test_loss_and_delay(void)
{
  SimLinkConfig config = {.loss = 0.3, .delay = 50 * WZP_MSEC, .jitter = 20 * WZP_MSEC};
  SimLink *link = sim_link_new(&config, 1);
  unsigned arrived = 0;
  WzpTime latest = 0, at[2];
  for (unsigned i = 0; i < N; i++) {
    WzpTime now = i * WZP_MSEC;
    if (sim_link_push(link, now, 100, at) == 0)
      continue;
    arrived++;
    g_assert_cmpint(at[0], >=, now + config.delay);
    g_assert_cmpint(at[0], <, now + config.delay + config.jitter + WZP_MSEC);
    g_assert_cmpint(at[0], >=, latest); /* jitter without reordering */
    latest = at[0];
  }
  /* six standard deviations of a binomial */
  g_assert_cmpfloat_with_epsilon(arrived / (double)N, 0.7, 0.02);
  SimLinkStats stats = sim_link_stats(link);
  g_assert_cmpuint(stats.sent, ==, N);
  g_assert_cmpuint(stats.bytes, ==, N * 100);
  g_assert_cmpuint(stats.lost, ==, N - arrived);
  g_assert_cmpuint(stats.reordered, ==, 0);
  sim_link_free(link);
}

static void
test_reorder_and_duplicate(void)
{
  SimLinkConfig config = {.duplicate = 0.1, .jitter = 50 * WZP_MSEC, .reorder = true};
  SimLink *link = sim_link_new(&config, 2);
  unsigned copies = 0;
  WzpTime at[2];
  for (unsigned i = 0; i < N; i++)
    copies += sim_link_push(link, i * 10 * WZP_MSEC, 1, at);
  g_assert_cmpfloat_with_epsilon(copies / (double)N, 1.1, 0.02);
  g_assert_cmpuint(sim_link_stats(link).reordered, >, N / 10);
  sim_link_set_down(link, true);
  g_assert_cmpuint(sim_link_push(link, 0, 1, at), ==, 0);
  sim_link_set_down(link, false);
  g_assert_cmpuint(sim_link_push(link, 0, 1, at), >=, 1);
  sim_link_free(link);
}

/* The same seed gives the same fate, and loss does not shift the luck of the delays. */
static void
test_seed(void)
{
  SimLinkConfig lossy = {.loss = 0.5, .jitter = WZP_SECOND, .reorder = true};
  SimLinkConfig whole = {.jitter = WZP_SECOND, .reorder = true};
  SimLink *a = sim_link_new(&lossy, 3), *b = sim_link_new(&lossy, 3), *c = sim_link_new(&whole, 3);
  SimLink *other = sim_link_new(&lossy, 4);
  unsigned differences = 0;
  for (unsigned i = 0; i < 1000; i++) {
    WzpTime at[4][2];
    unsigned n = sim_link_push(a, i, 1, at[0]);
    g_assert_cmpuint(sim_link_push(b, i, 1, at[1]), ==, n);
    g_assert_cmpuint(sim_link_push(c, i, 1, at[2]), ==, 1);
    if (n == 1) {
      g_assert_cmpint(at[1][0], ==, at[0][0]);
      g_assert_cmpint(at[2][0], ==, at[0][0]);
    }
    differences += sim_link_push(other, i, 1, at[3]) != n;
  }
  g_assert_cmpuint(differences, >, 300);
  sim_link_free(a);
  sim_link_free(b);
  sim_link_free(c);
  sim_link_free(other);
}

static void
test_order_of_delivery(void)
{
  SimLinkConfig slow = {.delay = 100}, fast = {.delay = 10};
  SimLink *slow_link = sim_link_new(&slow, 1), *fast_link = sim_link_new(&fast, 1);
  SimNetwork *network = sim_network_new();
  WzpAddress from = {.family = 4, .port = 1}, to = {.family = 4, .port = 2};
  SimDatagram datagram;
  g_assert_cmpint(sim_network_next(network), ==, WZP_NEVER);
  sim_network_send(network, slow_link, 0, &from, &to, (const uint8_t *)"a", 1);
  sim_network_send(network, fast_link, 0, &from, &to, (const uint8_t *)"c", 1);
  sim_network_send(network, fast_link, 90, &from, &to, (const uint8_t *)"b", 1);
  g_assert_cmpint(sim_network_next(network), ==, 10);
  g_assert_false(sim_network_receive(network, 9, &datagram));
  static const char order[] = "cab"; /* a and b are due together: a was sent first */
  for (unsigned i = 0; i < 3; i++) {
    g_assert_true(sim_network_receive(network, 100, &datagram));
    g_assert_cmpint(datagram.data[0], ==, order[i]);
    g_assert_true(wzp_address_equal(&datagram.to, &to));
    g_assert_true(wzp_address_equal(&datagram.from, &from));
  }
  g_assert_false(sim_network_receive(network, 100, &datagram));
  sim_network_free(network);
  sim_link_free(slow_link);
  sim_link_free(fast_link);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/network/loss-and-delay", test_loss_and_delay);
  g_test_add_func("/sim/network/reorder-and-duplicate", test_reorder_and_duplicate);
  g_test_add_func("/sim/network/seed", test_seed);
  g_test_add_func("/sim/network/order-of-delivery", test_order_of_delivery);
  return g_test_run();
}
