/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A NAT gives a client another port, or its machine another address, in virtual time. */
#include "nonce-watch.h"
#include "sim-call.h"

static SimCall *
start_call(uint64_t seed, const SimLinkConfig *link)
{
  SimCallConfig config = {.seed = seed, .mode = WZP_CALL_RELAY, .out = *link, .in = *link};
  nonce_watch_reset();
  SimCall *sim = sim_call_new(&config);
  sim_call_start_all(sim);
  return sim;
}

static uint64_t heard_before;

static bool
mover_hears(SimCall *sim)
{
  return sim_party_stats(&sim->parties[0]).packets_opened > heard_before;
}

/* How long the first party hears nothing from the move on; and what it says meanwhile is heard, all of it. */
static WzpTime
move_and_wait(SimCall *sim, const char *address, WzpTime limit)
{
  const WzpTime moved = sim->now;
  sim_call_move_party(sim, 0, address);
  heard_before = sim_party_stats(&sim->parties[0]).packets_opened;
  g_assert_true(sim_call_run_until(sim, mover_hears, limit));
  return sim->parties[0].last_received - moved;
}

static void
assert_same_session(SimCall *sim, unsigned n_moves)
{
  RelayStats relay;
  relay_core_get_stats(sim->relay, &relay);
  g_assert_cmpuint(relay.legs_moved, ==, n_moves);
  g_assert_cmpuint(relay.moves_refused, ==, 0);
  g_assert_cmpuint(relay.sessions, ==, 2);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).handshakes_started, ==, 1);
    g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_MEMBER), ==, 1);
  }
  g_assert_true(sim_call_is_active(sim));
}

static void
test_rebinding(void)
{
  static const WzpTime one_way[] = {10 * WZP_MSEC, 30 * WZP_MSEC, 150 * WZP_MSEC, 400 * WZP_MSEC};
  for (unsigned n = 0; n < G_N_ELEMENTS(one_way); n++) {
    const SimLinkConfig link = {.delay = one_way[n]};
    SimCall *sim = start_call(40 + n, &link);
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned move = 0; move < 3; move++) {
      g_autofree char *address = g_strdup_printf("198.51.100.1:%u", 6000 + move);
      WzpTime gap = move_and_wait(sim, address, 3 * WZP_SECOND);
      /* a packet each 20 ms; there (detection), and back, and there; then what the other says */
      g_test_message("one way %d ms: a gap of %d ms", (int)(one_way[n] / WZP_MSEC),
                     (int)(gap / WZP_MSEC));
      g_assert_cmpint(gap, <=,
                      20 * WZP_MSEC + one_way[n] + 2 * one_way[n] + 40 * WZP_MSEC + one_way[n]);
      sim_call_run(sim, 3 * WZP_SECOND);
      assert_same_session(sim, move + 1);
    }
    sim_call_talk(sim, 0, false);
    sim_call_run(sim, 2 * WZP_SECOND);
    g_assert_cmpuint(sim->parties[1].frames_received, ==, sim->parties[0].frames_sent);
    g_assert_cmpuint(sim->parties[0].frames_twice, <=,
                     3 * 26); /* at both addresses for half a second */
    sim_call_free(sim);
  }
}

/* Who only listens notices by the silence. */
static void
test_rebinding_listener(void)
{
  const SimLinkConfig link = {.delay = 30 * WZP_MSEC};
  SimCall *sim = start_call(44, &link);
  sim_call_talk(sim, 0, false);
  sim_call_run(sim, 5 * WZP_SECOND);
  WzpTime gap = move_and_wait(sim, "198.51.100.9:6000", 3 * WZP_SECOND);
  g_assert_cmpint(gap, <=, WZP_SECOND + 4 * link.delay + 40 * WZP_MSEC);
  sim_call_run(sim, 3 * WZP_SECOND);
  assert_same_session(sim, 1);
  sim_call_free(sim);
}

/* Who only listens, and whose machine tells that it has another address. */
static void
test_rebinding_told(void)
{
  unsigned late = 0;
  for (unsigned n = 0; n < 10; n++) {
    const SimLinkConfig link = {.delay = 30 * WZP_MSEC, .loss = n < 1 ? 0 : 0.3};
    SimCall *sim = start_call(60 + n, &link);
    sim_call_talk(sim, 0, false);
    sim_call_run(sim, 5 * WZP_SECOND);
    const WzpTime moved = sim->now;
    sim_call_move_party(sim, 0, "198.51.100.9:6000");
    wzp_call_moved(sim->parties[0].call, sim->now);
    sim_call_run(sim, 1);
    heard_before = sim_party_stats(&sim->parties[0]).packets_opened;
    g_assert_true(sim_call_run_until(sim, mover_hears, 5 * WZP_SECOND));
    WzpTime gap = sim->parties[0].last_received - moved;
    g_test_message("a gap of %d ms", (int)(gap / WZP_MSEC));
    /* there, and back, and there, and what the other one says */
    if (n < 1)
      g_assert_cmpint(gap, <=, 4 * link.delay + 40 * WZP_MSEC);
    late += gap > 4 * link.delay + WZP_SECOND;
    sim_call_run(sim, 5 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    if (n < 1)
      assert_same_session(sim, 1);
    sim_call_free(sim);
  }
  g_assert_cmpuint(late, <=, 3); /* of three hundred with loss one in six */
}

/* On a bad network it may take a few tries, or even a new handshake. */
static void
test_rebinding_lossy(void)
{
  const SimLinkConfig link = {
      .delay = 60 * WZP_MSEC, .jitter = 40 * WZP_MSEC, .loss = 0.3, .reorder = true};
  WzpTime sum = 0;
  for (unsigned n = 0; n < 10; n++) {
    SimCall *sim = start_call(50 + n, &link);
    sim_call_run(sim, 5 * WZP_SECOND);
    WzpTime gap = move_and_wait(sim, "198.51.100.1:6000", 6 * WZP_SECOND);
    sum += gap;
    sim_call_run(sim, 5 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    sim_call_free(sim);
  }
  g_test_message("a mean gap of %d ms", (int)(sum / 10 / WZP_MSEC));
  g_assert_cmpint(sum / 10, <, 600 * WZP_MSEC);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/rebinding/port", test_rebinding);
  g_test_add_func("/sim/rebinding/listener", test_rebinding_listener);
  g_test_add_func("/sim/rebinding/told", test_rebinding_told);
  g_test_add_func("/sim/rebinding/lossy", test_rebinding_lossy);
  return g_test_run();
}
