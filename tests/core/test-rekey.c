/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-hands.h"
#include "pair-recorder.h"
#include "room-model.h"
#include <string.h>

/* Keys that change with time, and members who fall silent. The recorder (--wrap) fails every program in which a
 * key and a nonce meet twice. */

static void
two_talking(Hands *hands, WzpTime now)
{
  hands_init(hands, 2, NULL);
  show(hands->group[0], now, 1, hands->group[1]);
  show(hands->group[1], now, 0, hands->group[0]);
  carry(hands, now);
  assert_talks(hands->group[0], hands->group[1], now);
  assert_talks(hands->group[1], hands->group[0], now);
  while (next_event(hands->group[0]) != WZP_GROUP_NONE ||
         next_event(hands->group[1]) != WZP_GROUP_NONE)
    ;
}

/* Runs both groups' timers and carries their records, in steps of a second. */
static void
pass(Hands *hands, WzpTime *now, WzpTime duration, bool speaking)
{
  for (WzpTime end = *now + duration; *now < end; *now += WZP_SECOND) {
    for (unsigned i = 0; i < 2; i++)
      wzp_group_handle_timeout(hands->group[i], *now);
    carry(hands, *now);
    if (speaking) {
      assert_talks(hands->group[0], hands->group[1], *now);
      assert_talks(hands->group[1], hands->group[0], *now);
    }
  }
}

static void
test_by_time(void)
{
  Hands hands;
  WzpTime now = 0;

  two_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  pass(&hands, &now, 11 * WZP_SECOND, true); /* the first KEY's records are spent */
  g_assert_cmpuint(wzp_group_nth(a, 0)->pair.send_generation, ==, 1);
  pass(&hands, &now, 580 * WZP_SECOND, true);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 0);

  uint8_t pair_key[32], base[32];
  memcpy(pair_key, wzp_group_nth(a, 0)->pair.send_key, 32);
  memcpy(base, wzp_sender_base(a->sender), 32);
  pass(&hands, &now, 40 * WZP_SECOND, true);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_cmpuint(wzp_group_nth(a, 0)->pair.send_generation, ==, 2);
  g_assert_cmpuint(wzp_group_nth(b, 0)->pair.receive.generation, ==, 2);

  /* fresh: the ratchet of the old base does not give it; and nobody holds the old pairwise key */
  WzpSender *old = wzp_sender_new(a->join.jh, base, 0);
  uint8_t ratcheted[32];
  wzp_sender_ratcheted_base(old, ratcheted);
  g_assert_true(memcmp(ratcheted, wzp_sender_base(a->sender), 32) != 0);
  wzp_sender_free(old);
  g_assert_false(wzp_group_nth(b, 0)->pair.has_previous);
  g_assert_true(memcmp(pair_key, wzp_group_nth(b, 0)->pair.receive.key, 32) != 0);
  g_assert_true(memcmp(pair_key, wzp_group_nth(b, 0)->pair.previous.key, 32) != 0);
  hands_clear(&hands);
}

static void
test_by_packets(void)
{
  Hands hands;
  WzpTime now = 0;
  uint8_t packet[64];
  size_t length;

  two_talking(&hands, now);
  WzpGroup *a = hands.group[0];
  while (a->sealed < (1u << 15)) {
    g_assert_cmpint(wzp_group_next_timeout(a), >, now);
    g_assert_cmpint(say(a, 20 * a->sealed, packet, &length), ==, WZP_OK);
  }
  g_assert_cmpint(wzp_group_next_timeout(a), <=, now);
  pass(&hands, &now, 2 * WZP_SECOND, true);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_cmpuint(wzp_sender_epoch(hands.group[1]->sender), ==, 0);
  hands_clear(&hands);
}

/* Nothing of several generations arrives: what comes after them opens, what was before them no more. */
static void
test_lost_generations(void)
{
  Hands hands;
  WzpTime now = 0;

  two_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  WzpGroupMember *b_of_a = wzp_group_nth(a, 0);
  GBytes *stale[3];
  for (unsigned i = 0; i < 3; i++) {
    b_of_a->send_confirm = true;
    stale[i] = wzp_group_poll(a, now);
    g_assert_nonnull(stale[i]);
    wzp_group_pair_ratchet(&b_of_a->pair, now);
  }
  b_of_a->send_confirm = true;
  GBytes *newest = wzp_group_poll(a, now);
  g_assert_cmpint(give(b, now, stale[0]), ==, WZP_OK);
  g_assert_cmpint(give(b, now, newest), ==, WZP_OK);
  g_assert_cmpint(give(b, now, newest), ==, WZP_REPLAYED);
  g_assert_cmpint(give(b, now, stale[1]), ==, WZP_NO_KEY);
  g_assert_cmpint(give(b, now, stale[2]), ==, WZP_NO_KEY);
  g_assert_cmpint(give(b, now, stale[0]), ==, WZP_REPLAYED); /* the one before is still held */
  g_assert_cmpint(give(b, now + WZP_PAIR_LATE, stale[0]), ==, WZP_NO_KEY);
  for (unsigned i = 0; i < 3; i++)
    g_bytes_unref(stale[i]);
  g_bytes_unref(newest);

  /* the generation goes round its four bits; every other message still arrives */
  for (unsigned i = 0; i < 40; i++) {
    wzp_group_pair_ratchet(&b_of_a->pair, now);
    b_of_a->send_confirm = true;
    newest = wzp_group_poll(a, now);
    if (i % 2 == 0)
      g_assert_cmpint(give(b, now, newest), ==, WZP_OK);
    g_bytes_unref(newest);
  }
  hands_clear(&hands);
}

/* A KEY that was sent under a former generation is acknowledged under a later one. */
static void
test_acknowledged_late(void)
{
  Hands hands;
  WzpTime now = 0;

  two_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  WzpGroupMember *b_of_a = wzp_group_nth(a, 0);
  wzp_group_rotate(a, now);
  GBytes *key = wzp_group_poll(a, now);
  g_assert_cmpint(give(b, now, key), ==, WZP_OK);
  GBytes *ack = wzp_group_poll(b, now);
  wzp_group_pair_ratchet(&b_of_a->pair, now);
  g_assert_false(b_of_a->holds_pending);
  g_assert_cmpint(give(a, now, ack), ==, WZP_OK);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1); /* all hold it: switched */
  g_assert_true(b_of_a->holds_current);
  g_bytes_unref(key);
  g_bytes_unref(ack);
  hands_clear(&hands);
}

static void
test_silent_member(void)
{
  Hands hands;
  WzpTime now = 0, spoke = 0;

  two_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  /* nobody speaks, both are there: a sign of life each 10 s keeps them */
  pass(&hands, &now, 200 * WZP_SECOND, false);
  g_assert_cmpint(next_event(a), ==, WZP_GROUP_NONE);
  assert_talks(b, a, now);
  spoke = now;
  hands.group[1] = NULL; /* b is no more, and the relay does not say so */
  while (wzp_group_n_members(a) > 0) {
    g_assert_cmpint(now, <, spoke + 31 * WZP_SECOND);
    wzp_group_handle_timeout(a, now);
    for (GBytes *record; (record = wzp_group_poll(a, now)) != NULL;)
      g_bytes_unref(record);
    now = MIN(MAX(now + 1, wzp_group_next_timeout(a)), spoke + 31 * WZP_SECOND);
  }
  g_assert_cmpint(next_event(a), ==, WZP_GROUP_LEFT);
  uint8_t packet[64];
  size_t length;
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_NO_RECEIVER);

  /* it was there all the time, only nothing came through: the first word brings it back, and a new key */
  uint32_t epoch = wzp_sender_epoch(a->sender);
  hands.group[1] = b;
  wzp_group_nth(b, 0)->send_confirm = true;
  carry(&hands, now);
  g_assert_cmpint(next_event(a), ==, WZP_GROUP_CONFIRMED);
  g_assert_cmpint(next_event(a), ==, WZP_GROUP_READY);
  assert_talks(a, b, now);
  assert_talks(b, a, now);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, epoch);

  /* not so one whom the relay, too, says to be gone, or that was in its slot before a restart */
  for (unsigned how = 0; how < 3; how++) {
    wzp_group_drop(a, now, wzp_group_nth(a, 0));
    wzp_group_nth(a, 0)->silent = true;
    if (how == 0)
      wzp_group_remove_member(a, now, 1);
    else if (how == 1)
      wzp_group_relay_restarted(a, now);
    wzp_group_nth(b, 0)->send_confirm = true;
    GBytes *record = wzp_group_poll(b, now);
    g_assert_cmpint(give(a, now, record), ==, how < 2 ? WZP_UNKNOWN_SENDER : WZP_OK);
    g_bytes_unref(record);
    if (how < 2)
      g_assert_cmpint(show(a, now, 1, b), ==, WZP_OK);
    carry(&hands, now);
  }
  hands_clear(&hands);
}

/* While we were away ourselves (asleep, without a relay) nobody's silence counts. */
static void
test_we_were_away(void)
{
  Hands hands;
  WzpTime now = 0;

  two_talking(&hands, now);
  pass(&hands, &now, 20 * WZP_SECOND, true);
  now += 300 * WZP_SECOND;
  wzp_group_handle_timeout(hands.group[0], now);
  g_assert_cmpuint(wzp_group_n_members(hands.group[0]), ==, 1);
  pass(&hands, &now, 60 * WZP_SECOND, false);
  g_assert_cmpint(next_event(hands.group[0]), ==, WZP_GROUP_NONE);
  hands_clear(&hands);
}

/* A long call over a bad network: no gap in which a key is missing, whatever changes underneath. */
static void
test_long_call(void)
{
  RoomModel *model = room_model_new();
  unsigned arrived = 0, opened = 0;

  model->loss_percent = 30;
  model->delay = 100 * WZP_MSEC;
  model->jitter = 50 * WZP_MSEC;
  room_model_join(model, 0, ROOM);
  room_model_join(model, 1, ROOM);
  model->clients[0].talking = model->clients[1].talking = true;
  room_model_run(model, 10 * WZP_SECOND);
  for (unsigned n = 0; n < 2; n++) {
    arrived -= model->clients[n].arrived;
    opened -= model->clients[n].opened;
  }
  for (unsigned step = 0; step < 1500 * 5; step++) {
    room_model_run(model, 200 * WZP_MSEC);
    for (unsigned n = 0; n < 2; n++)
      g_assert_cmpint(model->now - model->clients[n].last_opened, <, 600 * WZP_MSEC);
  }
  for (unsigned n = 0; n < 2; n++) {
    arrived += model->clients[n].arrived;
    opened += model->clients[n].opened;
    g_assert_cmpuint(wzp_sender_epoch(model->clients[n].group->sender), >=, 2);
    g_assert_cmpuint(wzp_group_nth(model->clients[n].group, 0)->pair.send_generation, >=, 2);
    g_assert_cmpuint(model->clients[n].left, ==, 0);
  }
  g_assert_cmpuint(opened, >=, arrived - arrived / 1000);
  room_model_free(model);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/rekey/by-time", test_by_time);
  g_test_add_func("/rekey/by-packets", test_by_packets);
  g_test_add_func("/rekey/lost-generations", test_lost_generations);
  g_test_add_func("/rekey/acknowledged-late", test_acknowledged_late);
  g_test_add_func("/rekey/silent-member", test_silent_member);
  g_test_add_func("/rekey/we-were-away", test_we_were_away);
  g_test_add_func("/rekey/long-call", test_long_call);
  int result = g_test_run();
  pair_recorder_clear();
  return result;
}
