/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whole calls of which one side hears nothing: known there, by whatever way, and silence is not taken for it. */
#include "direct-call.h"

static bool
is_unheard(const SimCall *sim, unsigned party)
{
  return sim_party_stats(&sim->parties[party]).unheard;
}

static unsigned
times(const SimCall *sim, unsigned party)
{
  return sim_party_stats(&sim->parties[party]).unheard_times;
}

/* Nothing comes to party 0 for 8 s: it says so after 2 s, once, and no longer than that. Party 1 hears all the time. */
static void
check_cut(SimCall *sim, SimLink *link)
{
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 20 * WZP_SECOND));
  sim_call_run(sim, 3 * WZP_SECOND);
  sim_link_set_down(link, true);
  sim_call_run(sim, 1900 * WZP_MSEC);
  g_assert_false(is_unheard(sim, 0));
  sim_call_run(sim, 200 * WZP_MSEC);
  g_assert_true(is_unheard(sim, 0));
  g_assert_cmpuint(sim_party_count_events(&sim->parties[0], WZP_EVENT_HEARING), ==, 1);
  sim_call_run(sim, 6 * WZP_SECOND);
  g_assert_true(is_unheard(sim, 0));
  sim_link_set_down(link, false);
  sim_call_run(sim, 8 * WZP_SECOND);
  g_assert_false(is_unheard(sim, 0));
  g_assert_cmpuint(times(sim, 0), ==, 1);
  g_assert_cmpuint(sim_party_count_events(&sim->parties[0], WZP_EVENT_HEARING), ==, 2);
  sim_call_free(sim);
}

static void
test_room(void)
{
  const SimCallConfig config = {.seed = 1, .mode = WZP_CALL_RELAY, .out = hop_60, .in = hop_60};
  SimCall *sim = sim_call_new(&config);
  sim_call_start_all(sim);
  check_cut(sim, sim->parties[0].in);
}

static void
test_private(void)
{
  SimCall *sim = accepted(2, &hop_60, &lan, WZP_ACCEPT_PRIVATE);
  check_cut(sim, sim->parties[0].in);
}

static void
test_udp(void)
{
  const SimCallConfig config = {.seed = 3, .mode = WZP_CALL_UDP, .out = hop_60, .in = hop_60};
  SimCall *sim = sim_call_new(&config);
  sim->parties[0].knows_others = sim->parties[1].knows_others = true;
  for (unsigned i = 0; i < 2; i++)
    sim_call_start_party(sim, i);
  check_cut(sim, sim->parties[1].out);
}

/* The other side dies without a word; then it is gone for the relay too, and nobody is missed any more. */
static void
test_dead(void)
{
  SimCall *sim = accepted(4, &hop_60, NULL, WZP_ACCEPT_PRIVATE);
  sim_call_run(sim, 3 * WZP_SECOND);
  sim_call_kill_party(sim, 1);
  sim_call_run(sim, 3 * WZP_SECOND);
  g_assert_true(is_unheard(sim, 0));
  sim_call_run(sim, 60 * WZP_SECOND);
  g_assert_false(is_unheard(sim, 0));
  g_assert_cmpuint(times(sim, 0), ==, 1);
  sim_call_free(sim);
}

/* The direct path dies, and the relay takes over; then the relay's legs of a direct call. */
static void
test_other_way(void)
{
  SimCall *sim = talking_directly(5);
  sim_call_cut_direct(sim, true);
  sim_call_run(sim, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(times(sim, i), ==, 0);
  sim_call_free(sim);
  sim = talking_directly(6);
  sim_link_set_down(sim->parties[0].in, true);
  sim_call_run(sim, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(times(sim, i), ==, 0);
  sim_call_free(sim);
}

/* Who is held or muted is not missed. */
static void
test_held(void)
{
  for (unsigned kind = 0; kind < 3; kind++) {
    SimCall *sim = accepted(7 + kind, &hop_60, NULL, WZP_ACCEPT_PRIVATE);
    sim_call_run(sim, 3 * WZP_SECOND);
    WzpDial *dial = dial_of(sim, kind == 2 ? 0 : 1);
    g_assert_cmpint(kind == 1 ? wzp_dial_mute(dial, true) : wzp_dial_hold(dial, true), ==, WZP_OK);
    sim_call_run(sim, 20 * WZP_SECOND);
    g_assert_cmpint(kind == 1 ? wzp_dial_mute(dial, false) : wzp_dial_hold(dial, false), ==,
                    WZP_OK);
    sim_call_run(sim, 3 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++)
      g_assert_cmpuint(times(sim, i), ==, 0);
    sim_call_free(sim);
  }
}

/* Who stops without a word, and lives: directly that is known at once, in a call by the relay once he has answered. */
static void
test_stops(void)
{
  SimCall *sim = talking_directly(10);
  sim_call_talk(sim, 1, false);
  sim_call_run(sim, 20 * WZP_SECOND);
  g_assert_cmpuint(times(sim, 0), ==, 0);
  sim_call_free(sim);
  sim = accepted(11, &hop_60, NULL, WZP_ACCEPT_PRIVATE);
  sim_call_run(sim, 3 * WZP_SECOND);
  sim_call_talk(sim, 1, false);
  sim_call_run(sim, 12 * WZP_SECOND);
  g_assert_false(is_unheard(sim, 0));
  sim_call_run(sim, 60 * WZP_SECOND);
  g_assert_cmpuint(times(sim, 0), <=, 1);
  sim_call_free(sim);
}

/* Two talk in a room, by the relay, where nobody gives another sign of life. Then both stop: party 1 says so, or not.
 * How often party 0 thinks that he cannot be heard, within 20 s. */
static unsigned
times_behind_talk(uint64_t seed, double loss, bool says_so)
{
  const SimLinkConfig in = {.delay = 30 * WZP_MSEC, .loss = loss};
  const SimCallConfig config = {.seed = seed, .mode = WZP_CALL_RELAY, .out = hop_60, .in = in};
  nonce_watch_reset();
  SimCall *sim = sim_call_new(&config);
  sim_call_start_all(sim);
  sim_call_run(sim, 3 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    sim_call_talk(sim, i, false);
  if (says_so)
    sim_call_end_talk(sim, 1);
  sim_call_run(sim, 20 * WZP_SECOND);
  unsigned thought = times(sim, 0);
  sim_call_free(sim);
  return thought;
}

/* The end of what is said comes in three packets: at 30 % loss one of 37 ends is not heard of. */
static void
test_ends(void)
{
  g_assert_cmpuint(times_behind_talk(20, 0, false), ==, 1);
  g_assert_cmpuint(times_behind_talk(20, 0, true), ==, 0);
  unsigned missed = 0;
  for (unsigned seed = 21; seed < 31; seed++)
    missed += times_behind_talk(seed, 0.3, true);
  g_assert_cmpuint(missed, <=, 1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-hearing/room", test_room);
  g_test_add_func("/sim-hearing/private", test_private);
  g_test_add_func("/sim-hearing/udp", test_udp);
  g_test_add_func("/sim-hearing/dead", test_dead);
  g_test_add_func("/sim-hearing/other-way", test_other_way);
  g_test_add_func("/sim-hearing/held", test_held);
  g_test_add_func("/sim-hearing/stops", test_stops);
  g_test_add_func("/sim-hearing/ends", test_ends);
  return g_test_run();
}
