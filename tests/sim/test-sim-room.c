/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who may be in a room, in virtual time: how many, with which key, by which list, from which device. */
#include "nonce-watch.h"
#include "sim-call.h"
#include <string.h>

static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};

static SimCall *
new_sim(uint64_t seed, unsigned n_parties)
{
  SimCallConfig config = {.seed = seed, .n_parties = n_parties, .out = clean, .in = clean};
  nonce_watch_reset();
  return sim_call_new(&config);
}

/* Of three. */
static void
start_two(SimCall *sim)
{
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
}

static void
test_room_full(void)
{
  SimCall *sim = new_sim(10, 3);
  sim->limits.max_members = 2;
  start_two(sim);
  sim_call_start_party(sim, 2);
  sim_call_run(sim, 5 * WZP_SECOND);
  const SimParty *third = &sim->parties[2];
  const WzpEvent *event = sim_party_find_event(third, WZP_EVENT_ERROR);
  g_assert_nonnull(event);
  g_assert_cmpint(event->code, ==, WZP_ERROR_ROOM_FULL);
  g_assert_cmpuint(strlen(event->text), >, 5);
  g_assert_cmpint(sim_call_state(sim, 2), ==, WZP_CALL_ENDED);
  g_assert_cmpuint(third->frames_sent, ==, 0);
  g_assert_true(sim_call_is_active(sim));
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_MEMBER), ==, 1);
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
}

static void
test_keyed_room(void)
{
  static const uint8_t key[16] = {1, 2, 3}, other_key[16] = {1, 2, 4};
  for (unsigned same = 0; same < 2; same++) {
    SimCall *sim = new_sim(11 + same, 2);
    sim_call_start_relay(sim);
    for (unsigned i = 0; i < 2; i++) {
      WzpCallConfig config = sim_call_party_config(sim, i);
      wzp_room_secret_keyed(&config.room, i == 0 || same ? key : other_key);
      sim_call_start_with(sim, i, &config);
    }
    sim_call_run(sim, 5 * WZP_SECOND);
    g_assert_cmpint(sim_call_is_active(sim), ==, same);
    g_assert_cmpint(sim->parties[0].frames_received > 0, ==, same);
    sim_call_free(sim);
  }
}

/* Of the parties whose bit is set, signed by party 0. */
static WzpRoomList *
list_of(SimCall *sim, uint64_t version, unsigned bits)
{
  WzpCallConfig config = sim_call_party_config(sim, 0);
  uint8_t room_id[32];
  wzp_room_id(room_id, &config.room, sim->relay_identity->ed25519_public);
  WzpRoomList *list = wzp_room_list_new(room_id, sim->parties[0].identity->ed25519_public, version);
  for (unsigned i = 0; i < sim->n_parties; i++)
    if (bits & (1u << i))
      wzp_room_list_add(list, sim->parties[i].identity->ed25519_public);
  g_assert_true(wzp_room_list_sign(list, sim->parties[0].identity));
  return list;
}

static void
give_list(SimCall *sim, uint64_t version, unsigned bits)
{
  g_autoptr(WzpRoomList) list = list_of(sim, version, bits);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(wzp_call_set_list(sim->parties[i].call, sim->now, list), ==, WZP_OK);
  sim_call_run(sim, 8 * WZP_SECOND);
}

/* A relay that lets in a third one, whom the two others do not have on their list; then they have, then not any more. */
static void
test_listed_room(void)
{
  SimCall *sim = new_sim(15, 3);
  const SimParty *third = &sim->parties[2];
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 2);
  sim_call_run(sim, WZP_SECOND);
  g_autoptr(WzpRoomList) list = list_of(sim, 1, 3);
  for (unsigned i = 0; i < 2; i++) {
    WzpCallConfig config = sim_call_party_config(sim, i);
    config.list = list;
    sim_call_start_with(sim, i, &config);
  }
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_cmpuint(sim_party_stats(third).packets_opened, ==, 0);
  g_assert_cmpint(sim_call_state(sim, 2), ==, WZP_CALL_WAITING); /* nobody took its key */
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).n_members, ==, 1);
    g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_MEMBER_UNLISTED), ==, 1);
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).drops[WZP_NOT_ALLOWED], ==, 1);
  }
  give_list(sim, 2, 7);
  g_assert_cmpuint(sim_party_count_events(&sim->parties[1], WZP_EVENT_UNLISTED_LEFT), ==, 1);
  g_assert_cmpuint(sim_party_stats(third).packets_opened, >, 200);
  g_assert_cmpint(sim_call_state(sim, 2), ==, WZP_CALL_ACTIVE);
  give_list(sim, 3, 3); /* and 8 s, more than a rotation may take */
  uint64_t opened = sim_party_stats(third).packets_opened;
  uint64_t heard = sim->parties[1].frames_received;
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_cmpuint(sim_party_stats(third).packets_opened, ==, opened);
  g_assert_cmpuint(sim->parties[1].frames_received, >, heard + 200);
  sim_call_free(sim);
}

/* What has no place for us, or is of another room, ends the call before the JOIN left. */
static void
test_wrong_list(void)
{
  for (unsigned which = 0; which < 2; which++) {
    SimCall *sim = new_sim(17 + which, 2);
    sim_call_start_relay(sim);
    g_autoptr(WzpRoomList) list = list_of(sim, 1, which == 0 ? 1 : 3);
    WzpCallConfig config = sim_call_party_config(sim, 1);
    config.list = list;
    if (which == 1)
      wzp_room_secret_open(&config.room, "elsewhere");
    sim_call_start_with(sim, 1, &config);
    sim_call_run(sim, 5 * WZP_SECOND);
    g_assert_cmpint(sim_call_state(sim, 1), ==, WZP_CALL_ENDED);
    g_assert_cmpuint(sim_party_count_events(&sim->parties[1], WZP_EVENT_WRONG_LIST), ==, 1);
    RelayStats stats;
    relay_core_get_stats(sim->relay, &stats);
    g_assert_cmpuint(stats.rooms, ==, 0);
    sim_call_free(sim);
  }
}

/* The same person on another device: the newer one takes over, the older one is told and stops. */
static void
test_replaced(void)
{
  SimCall *sim = new_sim(13, 3);
  start_two(sim);
  WzpCallConfig config = sim_call_party_config(sim, 2);
  config.identity = sim->parties[0].identity;
  sim_call_start_with(sim, 2, &config);
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_cmpint(sim_call_state(sim, 0), ==, WZP_CALL_ENDED);
  g_assert_cmpint(sim_party_find_event(&sim->parties[0], WZP_EVENT_CLOSED)->reason, ==,
                  WZP_CLOSE_REPLACED);
  g_assert_cmpint(sim_call_state(sim, 1), ==, WZP_CALL_ACTIVE);
  g_assert_cmpint(sim_call_state(sim, 2), ==, WZP_CALL_ACTIVE);
  g_assert_cmpuint(sim->parties[2].frames_received, >, 200);
  sim_call_free(sim);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/room/room-full", test_room_full);
  g_test_add_func("/sim/room/keyed-room", test_keyed_room);
  g_test_add_func("/sim/room/listed-room", test_listed_room);
  g_test_add_func("/sim/room/wrong-list", test_wrong_list);
  g_test_add_func("/sim/room/replaced", test_replaced);
  return g_test_run();
}
