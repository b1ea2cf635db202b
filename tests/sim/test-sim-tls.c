/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-call.h"

/* Calls where UDP is dead, dies, or comes back: when the stream is opened, used, and left. */

static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};

static SimCall *
new_call(uint64_t seed, const SimLinkConfig *link)
{
  const SimCallConfig config = {.seed = seed, .mode = WZP_CALL_RELAY, .out = *link, .in = *link};
  SimCall *sim = sim_call_new(&config);
  sim->parties[0].has_tls = sim->parties[1].has_tls = true;
  sim_call_start_relay(sim);
  return sim;
}

static SimCall *
start_call(uint64_t seed, const SimLinkConfig *link)
{
  SimCall *sim = new_call(seed, link);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 20 * WZP_SECOND));
  return sim;
}

static bool
is_on_stream(SimCall *sim)
{
  return sim_party_stats(&sim->parties[0]).by_stream;
}

static bool
is_on_udp(SimCall *sim)
{
  return !is_on_stream(sim);
}

/* Both hear all that is said from now on, for so long. */
static void
assert_heard(SimCall *sim, WzpTime duration)
{
  sim_call_run(sim, WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_true(sim_call_is_active(sim));
  const uint64_t before[] = {sim->parties[0].frames_received, sim->parties[1].frames_received};
  sim_call_run(sim, duration);
  for (unsigned i = 0; i < 2; i++) {
    const uint64_t heard = sim->parties[i].frames_received - before[i];
    g_assert_cmpuint(heard, >=, (uint64_t)(duration / SIM_FRAME_TIME) - 2);
  }
}

/* UDP works: nobody opens anything. */
static void
test_not_needed(void)
{
  SimCall *sim = start_call(1, &clean);
  sim_call_run(sim, 60 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim->parties[i].n_opened, ==, 0);
    g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_CARRIER), ==, 0);
  }
  sim_call_free(sim);
}

/* Blocked from the start: three seconds, and the handshakes of TCP, TLS and hop. */
static void
test_blocked(void)
{
  SimCall *sim = new_call(2, &clean);
  sim_call_block_udp(sim, 0, true);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
  const WzpTime took = sim->parties[0].connected_at - sim->parties[0].started_at;
  g_test_message("connected after %d ms", (int)(took / WZP_MSEC));
  g_assert_cmpint(took, <=, WZP_CARRIER_SILENT_NEW + 4 * 40 * WZP_MSEC + 10 * WZP_MSEC);
  g_assert_true(is_on_stream(sim));
  g_assert_false(sim_party_stats(&sim->parties[1]).by_stream);
  g_assert_true(sim_party_find_event(&sim->parties[0], WZP_EVENT_CARRIER)->by_stream);
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).handshakes_started, ==, 1);
  assert_heard(sim, 60 * WZP_SECOND);
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).handshakes_started, ==, 1);
  g_assert_cmpuint(sim->parties[0].n_opened, ==, 1);
  sim_call_free(sim);
}

/* It dies in the middle of a call, and lives again. */
static void
test_dies_and_returns(void)
{
  SimCall *sim = start_call(3, &clean);
  sim_call_run(sim, 5 * WZP_SECOND);
  const WzpTime died = sim->now;
  sim_call_block_udp(sim, 0, true);
  g_assert_true(sim_call_run_until(sim, is_on_stream, 10 * WZP_SECOND));
  g_test_message("on the stream after %d ms", (int)((sim->now - died) / WZP_MSEC));
  g_assert_cmpint(sim->now - died, <, 3 * WZP_SECOND);
  assert_heard(sim, 20 * WZP_SECOND);
  const uint64_t frames[] = {sim->parties[0].frames_received, sim->parties[1].frames_received};
  const uint64_t sent[] = {sim->parties[0].frames_sent, sim->parties[1].frames_sent};
  const WzpTime lives = sim->now;
  sim_call_block_udp(sim, 0, false);
  g_assert_true(sim_call_run_until(sim, is_on_udp, 60 * WZP_SECOND));
  g_test_message("back after %d ms", (int)((sim->now - lives) / WZP_MSEC));
  g_assert_cmpint(sim->now - lives, <=, WZP_CARRIER_PROBE_MAX + 3 * WZP_SECOND);
  sim_call_run(sim, 5 * WZP_SECOND);
  /* without a new handshake, and without a frame lost in either direction */
  RelayStats relay;
  relay_core_get_stats(sim->relay, &relay);
  g_assert_cmpuint(relay.legs_moved, ==, 1);
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).handshakes_completed, ==, 2);
  for (unsigned i = 0; i < 2; i++) {
    const uint64_t heard = sim->parties[i].frames_received - frames[i];
    g_assert_cmpuint(heard + 4, >=, sim->parties[1 - i].frames_sent - sent[1 - i]);
    g_assert_cmpuint(sim->parties[i].frames_twice, ==, 0);
    g_assert_cmpint(sim->parties[i].longest_stall, <=, 5 * WZP_SECOND); /* the one when UDP died */
  }
  assert_heard(sim, 20 * WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].stream, ==, 0); /* closed */
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).carrier_changes, ==, 2);
  sim_call_free(sim);
}

/* UDP that lives for seconds and dies again: the stream is left ever less often, and the call goes on. */
static void
test_flapping(void)
{
  SimCall *sim = start_call(4, &clean);
  unsigned active = 0;
  for (unsigned i = 0; i < 240; i++) {
    sim_call_block_udp(sim, 0, i % 20 < 12);
    sim_call_run(sim, WZP_SECOND);
    active += sim_call_is_active(sim);
  }
  const uint64_t changes = sim_party_stats(&sim->parties[0]).carrier_changes;
  g_test_message("%u changes in four minutes, active in %u of 240 s", (unsigned)changes, active);
  g_assert_cmpuint(changes, <=, 12);
  g_assert_cmpuint(active, >=, 216);
  sim_call_block_udp(sim, 0, false);
  g_assert_true(sim_call_run_until(sim, is_on_udp, 320 * WZP_SECOND));
  assert_heard(sim, 10 * WZP_SECOND);
  sim_call_free(sim);
}

/* TLS does not get through either: tried again and again, ever less often, and UDP meanwhile. */
static void
test_both_blocked(void)
{
  SimCall *sim = new_call(5, &clean);
  sim->parties[0].tls_blocked = true;
  sim_call_block_udp(sim, 0, true);
  sim_call_start_party(sim, 1);
  sim_call_start_party(sim, 0);
  sim_call_run(sim, 120 * WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].n_opened, ==, 0);
  g_assert_cmpint(sim_party_stats(&sim->parties[0]).state, ==, WZP_CALL_CONNECTING);
  sim->parties[0].tls_blocked = false;
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 35 * WZP_SECOND));
  g_assert_true(is_on_stream(sim));
  sim_call_free(sim);

  sim = new_call(6, &clean);
  sim->parties[0].tls_blocked = true;
  sim_call_block_udp(sim, 0, true);
  sim_call_start_party(sim, 1);
  sim_call_start_party(sim, 0);
  sim_call_run(sim, 20 * WZP_SECOND);
  sim_call_block_udp(sim, 0, false);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 2 * WZP_SECOND));
  g_assert_true(is_on_udp(sim));
  sim_call_free(sim);
}

/* The stream breaks, or stands still; the relay is restarted. UDP is dead all the time. */
static void
test_stream_breaks(void)
{
  SimCall *sim = new_call(7, &clean);
  sim_call_block_udp(sim, 0, true);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
  sim_call_run(sim, 10 * WZP_SECOND);
  sim_call_cut_stream(sim, 0);
  sim_call_run(sim, 3 * WZP_SECOND);
  assert_heard(sim, 5 * WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].n_opened, ==, 2);

  sim_link_set_down(sim->stream_in[0], true); /* nothing comes, nothing breaks */
  sim_call_run(sim, 5500 * WZP_MSEC);
  sim_link_set_down(sim->stream_in[0], false);
  sim_call_run(sim, 4 * WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].n_opened, ==, 3);
  assert_heard(sim, 5 * WZP_SECOND);

  sim_call_stop_relay(sim);
  sim_call_run(sim, 5 * WZP_SECOND);
  sim_call_start_relay(sim);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 40 * WZP_SECOND));
  sim_call_run(sim, 5 * WZP_SECOND);
  assert_heard(sim, 5 * WZP_SECOND);
  g_assert_true(is_on_stream(sim));
  sim_call_free(sim);
}

/* Who leaves says so on the stream. */
static void
test_leave(void)
{
  SimCall *sim = new_call(8, &clean);
  sim_call_block_udp(sim, 0, true);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
  sim_call_leave_party(sim, 0);
  sim_call_run(sim, WZP_SECOND);
  g_assert_cmpuint(sim_party_count_events(&sim->parties[1], WZP_EVENT_MEMBER_LEFT), ==, 1);
  sim_call_free(sim);
}

/* Half of all datagrams lost is not dead: the stream, if one is opened at all, is left again. */
static void
test_bad_but_alive(void)
{
  static const SimLinkConfig bad = {
      .loss = 0.3, .delay = 150 * WZP_MSEC, .jitter = 50 * WZP_MSEC, .reorder = true};
  uint64_t changes = 0;
  for (unsigned n = 0; n < 3; n++) {
    SimCall *sim = start_call(20 + n, &bad);
    sim_call_run(sim, 60 * WZP_SECOND);
    g_assert_true(is_on_udp(sim));
    changes += sim_party_stats(&sim->parties[0]).carrier_changes;
    sim_call_free(sim);
  }
  g_test_message("%u changes in 3 calls of a minute", (unsigned)changes);
  g_assert_cmpuint(changes, <=, 3);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/tls/not-needed", test_not_needed);
  g_test_add_func("/sim/tls/blocked", test_blocked);
  g_test_add_func("/sim/tls/dies-and-returns", test_dies_and_returns);
  g_test_add_func("/sim/tls/flapping", test_flapping);
  g_test_add_func("/sim/tls/both-blocked", test_both_blocked);
  g_test_add_func("/sim/tls/stream-breaks", test_stream_breaks);
  g_test_add_func("/sim/tls/leave", test_leave);
  g_test_add_func("/sim/tls/bad-but-alive", test_bad_but_alive);
  return g_test_run();
}
