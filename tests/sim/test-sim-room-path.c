/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rooms of two with a way past the relay, in virtual time: when media change over, and back when a third comes. */
#include "nonce-watch.h"
#include "sim-call.h"
#include <string.h>

/* Round trip of a client and its relay 60 ms; of two on their LAN 2 ms. */
static const SimLinkConfig hop_60 = {.delay = 30 * WZP_MSEC};
static const SimLinkConfig lan = {.delay = WZP_MSEC};
static const uint8_t link_key[16] = {0x77};

static WzpPathStats
path_of(SimCall *sim, unsigned party)
{
  return sim_party_path(sim, party);
}

static void
start(SimCall *sim, unsigned index, WzpAcceptMode mode)
{
  WzpCallConfig config = sim_call_party_config(sim, index);
  config.accept_mode = mode;
  sim_call_start_with(sim, index, &config);
}

static SimCallConfig
room_config(uint64_t seed, const uint8_t *key)
{
  return (SimCallConfig){.seed = seed,
                         .mode = WZP_CALL_RELAY,
                         .n_parties = 3,
                         .out = hop_60,
                         .in = hop_60,
                         .link_key = key,
                         .direct = &lan};
}

static SimCall *
room(const SimCallConfig *config)
{
  nonce_watch_reset();
  SimCall *sim = sim_call_new(config);
  sim_call_start_relay(sim);
  return sim;
}

static bool
both_direct(SimCall *sim)
{
  return path_of(sim, 0).direct && path_of(sim, 1).direct;
}

static bool
both_by_relay(SimCall *sim)
{
  return !path_of(sim, 0).direct && !path_of(sim, 1).direct;
}

static bool
both_race(SimCall *sim)
{
  return path_of(sim, 0).attempts > 0 && path_of(sim, 1).attempts > 0;
}

static bool
third_is_heard(SimCall *sim)
{
  return sim->parties[0].frames_from[2] > 0 && sim->parties[1].frames_from[2] > 0;
}

static bool
third_hears(SimCall *sim)
{
  return sim->parties[2].frames_from[0] > 0 && sim->parties[2].frames_from[1] > 0;
}

/* Two in a room that would go directly: both hear each other. */
static SimCall *
two(const SimCallConfig *config, WzpAcceptMode first, WzpAcceptMode second)
{
  SimCall *sim = room(config);
  start(sim, 0, first);
  sim_call_run(sim, WZP_SECOND);
  start(sim, 1, second);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  return sim;
}

static void
forget_gaps(SimCall *sim)
{
  for (unsigned i = 0; i < sim->n_parties; i++) {
    sim->parties[i].longest_gap = 0;
    sim->parties[i].last_arrival = 0;
  }
}

static SimCall *
two_directly_with(const SimCallConfig *config)
{
  SimCall *sim = two(config, WZP_ACCEPT_TRUSTED, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, both_direct, WZP_SECOND));
  sim_call_run(sim, 3 * WZP_SECOND);
  forget_gaps(sim);
  return sim;
}

static SimCall *
two_directly(uint64_t seed)
{
  const SimCallConfig config = room_config(seed, link_key);
  return two_directly_with(&config);
}

/* All that the first two said to each other came, and once. */
static void
assert_no_loss(SimCall *sim)
{
  for (unsigned i = 0; i < 2; i++)
    sim_call_talk(sim, i, false);
  sim_call_run(sim, 2 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim->parties[i].frames_from[1 - i], ==, sim->parties[1 - i].frames_sent);
    g_assert_cmpuint(sim->parties[i].frames_twice, ==, 0);
    g_assert_cmpuint(sim->parties[i].frames_wrong, ==, 0);
  }
}

/* --- Two --- */

static void
test_switch(void)
{
  const SimCallConfig config = room_config(1, link_key);
  SimCall *sim = two(&config, WZP_ACCEPT_TRUSTED, WZP_ACCEPT_TRUSTED);
  WzpTime active = sim->now;
  g_assert_true(sim_call_run_until(sim, both_direct, WZP_SECOND));
  g_test_message("direct after %" G_GINT64_FORMAT " ms", (sim->now - active) / WZP_MSEC);
  g_assert_cmpint(sim->now - active, <=, 300 * WZP_MSEC);
  forget_gaps(sim);
  sim_call_run(sim, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 40 * WZP_MSEC);
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
    g_assert_cmpuint(path_of(sim, i).silences, ==, 0);
    g_assert_false(path_of(sim, i).duplicating);
    g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_PATH), ==, 1);
  }
  RelayStats before, after;
  relay_core_get_stats(sim->relay, &before);
  sim_call_run(sim, 5 * WZP_SECOND);
  relay_core_get_stats(sim->relay, &after);
  g_assert_cmpuint(after.packets_forwarded, ==, before.packets_forwarded);
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* Who is private tells nothing and is told nothing, and hears no word of paths from who would. */
static void
test_private(void)
{
  static const WzpAcceptMode modes[][2] = {{WZP_ACCEPT_TRUSTED, WZP_ACCEPT_PRIVATE},
                                           {WZP_ACCEPT_PRIVATE, WZP_ACCEPT_TRUSTED},
                                           {WZP_ACCEPT_PRIVATE, WZP_ACCEPT_PRIVATE}};
  uint32_t serial;
  for (unsigned n = 0; n < G_N_ELEMENTS(modes); n++) {
    const SimCallConfig config = room_config(2 + n, link_key);
    SimCall *sim = two(&config, modes[n][0], modes[n][1]);
    sim_call_run(sim, 20 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_null(wzp_call_path(sim->parties[i].call, &serial));
      g_assert_cmpuint(sim->parties[i].datagrams_direct, ==, 0);
      g_assert_cmpuint(sim_party_stats(&sim->parties[i]).drops[WZP_NOT_ALLOWED], ==, 0);
    }
    assert_no_loss(sim);
    sim_call_free(sim);
  }
}

/* Whoever knows its name enters an open room: only whom both know goes directly. */
static void
test_open_room(void)
{
  uint32_t serial;
  const SimCallConfig config = room_config(6, NULL);
  SimCall *sim = two(&config, WZP_ACCEPT_TRUSTED, WZP_ACCEPT_TRUSTED);
  sim_call_run(sim, 5 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_null(wzp_call_path(sim->parties[i].call, &serial));
    wzp_call_trust(sim->parties[i].call, sim->now, sim->parties[1 - i].identity->ed25519_public);
    sim_call_run(sim, WZP_SECOND);
  }
  g_assert_true(both_direct(sim));
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* A person thinks better of it, and worse again. */
static void
test_mode_changed(void)
{
  SimCall *sim = two_directly(7);
  wzp_call_set_accept_mode(sim->parties[1].call, sim->now, WZP_ACCEPT_PRIVATE);
  sim_call_run(sim, WZP_SECOND);
  g_assert_true(both_by_relay(sim));
  sim_call_run(sim, 10 * WZP_SECOND);
  uint64_t before = sim->parties[0].datagrams_direct + sim->parties[1].datagrams_direct;
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].datagrams_direct + sim->parties[1].datagrams_direct, ==, before);
  wzp_call_set_accept_mode(sim->parties[1].call, sim->now, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, both_direct, 2 * WZP_SECOND));
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* --- A third --- */

/* It comes before the two are through with their attempt: nothing more is tried, and nobody misses anything. */
static void
test_third_in_race(void)
{
  const SimCallConfig config = room_config(10, link_key);
  SimCall *sim = room(&config);
  start(sim, 0, WZP_ACCEPT_TRUSTED);
  start(sim, 1, WZP_ACCEPT_TRUSTED);
  sim_call_cut_direct(sim, true);
  g_assert_true(sim_call_run_until(sim, both_race, 2 * WZP_SECOND));
  start(sim, 2, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, third_is_heard, 2 * WZP_SECOND));
  g_assert_true(sim_call_run_until(sim, third_hears, 6 * WZP_SECOND));
  sim_call_cut_direct(sim, false);
  uint64_t sent = sim->parties[0].datagrams_direct + sim->parties[1].datagrams_direct;
  sim_call_run(sim, 30 * WZP_SECOND);
  g_assert_true(both_by_relay(sim));
  g_assert_cmpuint(sim->parties[0].datagrams_direct + sim->parties[1].datagrams_direct, ==, sent);
  g_assert_cmpuint(sim->parties[2].datagrams_direct, ==, 0);
  sim_call_leave_party(sim, 2);
  g_assert_true(sim_call_run_until(sim, both_direct, 2 * WZP_SECOND));
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* It comes while they go directly: by the relay at once, it hears both, nothing is lost. It leaves: directly again, as soon as
 * the last change is long enough ago. */
static void
test_third_while_direct(void)
{
  SimCall *sim = two_directly(11);
  start(sim, 2, WZP_ACCEPT_TRUSTED);
  WzpTime came = sim->now;
  g_assert_true(sim_call_run_until(sim, both_by_relay, WZP_SECOND));
  WzpTime changed = sim->now;
  g_test_message("by the relay after %" G_GINT64_FORMAT " ms", (changed - came) / WZP_MSEC);
  g_assert_true(sim_call_run_until(sim, third_is_heard, WZP_SECOND));
  g_assert_true(sim_call_run_until(sim, third_hears, 6 * WZP_SECOND));
  /* from then on it hears every word */
  uint64_t heard = sim->parties[2].frames_from[0], said = sim->parties[0].frames_sent;
  sim_call_run(sim, 6 * WZP_SECOND); /* what was direct is given up meanwhile */
  g_assert_cmpuint(sim->parties[2].frames_from[0] - heard + 5, >=,
                   sim->parties[0].frames_sent - said);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 90 * WZP_MSEC); /* the relay's way is longer */
  uint64_t attempts = path_of(sim, 0).attempts;
  sim_call_leave_party(sim, 2);
  g_assert_true(sim_call_run_until(sim, both_direct, 15 * WZP_SECOND));
  g_assert_cmpint(sim->now - changed, >=, WZP_PATH_HOLD);
  g_assert_cmpuint(path_of(sim, 0).attempts, >, attempts);
  g_assert_cmpuint(path_of(sim, 0).switches, ==, 3);
  sim_call_run(sim, 3 * WZP_SECOND);
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* It comes and goes again and again: never two changes within 10 s, nothing lost between the two. */
static void
test_third_flaps(void)
{
  SimCall *sim = two_directly(12);
  unsigned switches = path_of(sim, 0).switches;
  WzpTime since = sim->now;
  for (unsigned n = 0; n < 12; n++) {
    start(sim, 2, WZP_ACCEPT_TRUSTED);
    sim_call_run(sim, 3 * WZP_SECOND);
    sim_call_leave_party(sim, 2);
    sim_call_run(sim, 4 * WZP_SECOND);
  }
  switches = path_of(sim, 0).switches - switches;
  g_test_message("%u changes in %" G_GINT64_FORMAT " s", switches, (sim->now - since) / WZP_SECOND);
  g_assert_cmpuint(switches, <=, 1 + 2 * (sim->now - since) / WZP_PATH_HOLD);
  assert_no_loss(sim);
  sim_call_free(sim);
}

static bool
first_and_third_direct(SimCall *sim)
{
  return path_of(sim, 0).direct && path_of(sim, 2).direct;
}

/* The other one leaves, without a word or with one, and somebody else comes: directly with that one. */
static void
test_another(void)
{
  for (unsigned politely = 0; politely < 2; politely++) {
    SimCall *sim = two_directly(13 + politely);
    if (politely)
      sim_call_leave_party(sim, 1);
    else
      sim_call_kill_party(sim, 1);
    sim_call_run(sim, politely ? WZP_SECOND : 40 * WZP_SECOND);
    start(sim, 2, WZP_ACCEPT_TRUSTED);
    g_assert_true(sim_call_run_until(sim, first_and_third_direct, 3 * WZP_SECOND));
    uint64_t heard = sim->parties[2].frames_from[0];
    sim_call_run(sim, 5 * WZP_SECOND);
    g_assert_cmpuint(sim->parties[2].frames_from[0] - heard, >=, 240);
    /* and the first one back: by the relay, and all hear all */
    start(sim, 1, WZP_ACCEPT_TRUSTED);
    sim_call_run(sim, 10 * WZP_SECOND);
    g_assert_false(path_of(sim, 0).direct);
    heard = sim->parties[1].frames_from[0];
    sim_call_run(sim, WZP_SECOND);
    g_assert_cmpuint(sim->parties[1].frames_from[0] - heard, >=, 45);
    sim_call_free(sim);
  }
}

/* --- What else happens meanwhile --- */

/* Both take fresh keys after ten minutes. */
static void
test_rekey(void)
{
  SimCall *sim = two_directly(20);
  sim_call_run(sim, 620 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 40 * WZP_MSEC);
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).drops[WZP_NO_KEY], ==, 0);
  }
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* The relay dies: they go on. It comes back with an empty memory, and gives each of them some slot; they stay together, and
 * nothing is lost. */
static void
test_relay_away(void)
{
  unsigned swapped = 0;
  for (unsigned n = 0; n < 8; n++) {
    SimCall *sim = two_directly(21 + n);
    const uint8_t before = sim->parties[0].own_slot;
    sim_call_kill_relay(sim);
    sim_call_run(sim, (n == 0 ? 40 : 10) * WZP_SECOND + n * 777 * WZP_MSEC);
    sim_call_start_relay(sim);
    sim_call_run(sim, 20 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      const SimParty *party = &sim->parties[i];
      g_test_message("slot %u, longest gap %" G_GINT64_FORMAT " ms", party->own_slot,
                     party->longest_gap / WZP_MSEC);
      g_assert_cmpint(party->longest_gap, <=, 40 * WZP_MSEC);
      g_assert_cmpuint(sim_party_stats(party).n_members, ==, 1);
      g_assert_true(path_of(sim, i).direct);
      g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
    }
    swapped += sim->parties[0].own_slot != before;
    assert_no_loss(sim);
    sim_call_free(sim);
  }
  g_assert_cmpuint(swapped, >, 0);
  g_assert_cmpuint(swapped, <, 8);
}

static bool
has_second_attempt(SimCall *sim)
{
  return path_of(sim, 0).k > 0 && path_of(sim, 1).k > 0;
}

static bool
second_is_alone(SimCall *sim)
{
  return sim_party_stats(&sim->parties[1]).n_members == 0;
}

/* While the relay is away, what the two have to say to each other goes past it as well: fresh keys, another attempt, and
 * the goodbye. */
static void
test_words_past_relay(void)
{
  SimCall *sim = two_directly(25);
  uint32_t serial;
  sim_call_kill_relay(sim);
  sim_call_run(sim, 640 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim->parties[i].epochs, >=, 2);
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 40 * WZP_MSEC);
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
  }
  wzp_path_network_changed(wzp_call_path(sim->parties[0].call, &serial), sim->now);
  wzp_path_network_changed(wzp_call_path(sim->parties[1].call, &serial), sim->now);
  g_assert_true(sim_call_run_until(sim, has_second_attempt, 2 * WZP_SECOND));
  assert_no_loss(sim);
  sim_call_leave_party(sim, 0);
  g_assert_true(sim_call_run_until(sim, second_is_alone, WZP_SECOND));
  sim_call_free(sim);
}

/* The direct way dies: as in a dialled call. */
static void
test_cut(void)
{
  SimCall *sim = two_directly(22);
  sim_call_cut_direct(sim, true);
  sim_call_run(sim, 5 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(sim->parties[i].longest_gap, <=, (320 + 60 + 20) * WZP_MSEC);
    g_assert_cmpuint(path_of(sim, i).silences, ==, 1);
  }
  sim_call_cut_direct(sim, false);
  g_assert_true(sim_call_run_until(sim, both_direct, 90 * WZP_SECOND));
  sim_call_free(sim);
}

/* The relay's way is longer, and no queue stands in it: who speaks goes on as well as before. */
static void
test_quality(void)
{
  SimCallConfig config = room_config(24, link_key);
  WzpQualityState state;
  config.repair = config.quality = true;
  config.profile = wzp_profile_by_name("opus-24k");
  config.limits = (WzpFecLimits){
      .overhead = WZP_FEC_OVERHEAD_AUTO, .max_delay = 200 * WZP_MSEC, .frames_per_packet = 1};
  config.tier = WZP_N_TIERS;
  SimCall *sim = two_directly_with(&config);
  sim_call_run(sim, 10 * WZP_SECOND);
  start(sim, 2, WZP_ACCEPT_TRUSTED);
  sim_call_run(sim, 8 * WZP_SECOND);
  sim_call_leave_party(sim, 2);
  sim_call_run(sim, 20 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    wzp_quality_get_state(sim->parties[i].quality, sim->now, &state);
    g_assert_cmpuint(path_of(sim, i).switches, ==, 3);
    g_assert_cmpuint(state.cuts, ==, 0);
    g_assert_cmpuint(state.steps_down, ==, 0);
  }
  sim_call_free(sim);
}

/* A member that is not alone with us any more holds the keys of others, and no relay looks at what it sends directly: what says a
 * slot of another one is refused, and what says one of nobody opens with that member's own key or not at all. */
static void
test_wrong_slot(void)
{
  SimCall *sim = two_directly(23);
  WzpCall *call = sim->parties[0].call;
  uint32_t serial;
  uint8_t packet[80] = {0xc0}, plain[WZP_DATAGRAM_MAX];
  size_t length;
  WzpOpened opened;
  bool media;
  g_assert_nonnull(wzp_call_path(call, &serial));
  uint16_t k = path_of(sim, 0).k;
  WzpCallStats before = sim_party_stats(&sim->parties[0]);
  for (packet[1] = 2; packet[1] < 10; packet[1]++) {
    wzp_call_handle_direct(call, sim->now, serial, k, packet, sizeof packet, &media);
    g_assert_true(media);
    g_assert_true(
        wzp_call_packet_arrived(call, sim->now, WZP_WAY_DIRECT, k, packet, sizeof packet));
    g_assert_cmpint(wzp_call_open(call, sim->now, packet, sizeof packet, plain, &length, &opened),
                    ==, WZP_UNKNOWN_SENDER);
  }
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).drops[WZP_UNKNOWN_SENDER], ==,
                   before.drops[WZP_UNKNOWN_SENDER] + 8);
  start(sim, 2, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, third_is_heard, 5 * WZP_SECOND));
  packet[1] = sim->parties[2].own_slot;
  wzp_call_handle_direct(call, sim->now, serial, k, packet, sizeof packet, &media);
  g_assert_true(media);
  g_assert_false(wzp_call_packet_arrived(call, sim->now, WZP_WAY_DIRECT, k, packet, sizeof packet));
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).drops[WZP_WRONG_SLOT], ==,
                   before.drops[WZP_WRONG_SLOT] + 1);
  sim_call_free(sim);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-room-path/switch", test_switch);
  g_test_add_func("/sim-room-path/private", test_private);
  g_test_add_func("/sim-room-path/open-room", test_open_room);
  g_test_add_func("/sim-room-path/mode-changed", test_mode_changed);
  g_test_add_func("/sim-room-path/third-in-race", test_third_in_race);
  g_test_add_func("/sim-room-path/third-while-direct", test_third_while_direct);
  g_test_add_func("/sim-room-path/third-flaps", test_third_flaps);
  g_test_add_func("/sim-room-path/another", test_another);
  g_test_add_func("/sim-room-path/rekey", test_rekey);
  g_test_add_func("/sim-room-path/relay-away", test_relay_away);
  g_test_add_func("/sim-room-path/words-past-relay", test_words_past_relay);
  g_test_add_func("/sim-room-path/cut", test_cut);
  g_test_add_func("/sim-room-path/quality", test_quality);
  g_test_add_func("/sim-room-path/wrong-slot", test_wrong_slot);
  return g_test_run();
}
