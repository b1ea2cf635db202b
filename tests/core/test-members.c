/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-hands.h"
#include "pair-recorder.h"
#include <string.h>

static void
test_third_refused(void)
{
  Hands hands;

  hands_init(&hands, 3, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  wzp_group_set_max_members(a, 2);
  show(a, 0, 1, b);
  show(b, 0, 0, a);
  carry(&hands, 0);
  g_assert_cmpint(show(a, 0, 2, c), ==, WZP_ROOM_FULL);
  g_assert_null(wzp_group_poll(a, 0)); /* no key, not even a word */
  g_assert_cmpuint(wzp_group_n_members(a), ==, 1);
  assert_talks(a, b, 0);

  /* nobody left: a fresh epoch at once, however young the old one is */
  a->changed_at = 0;
  wzp_group_remove_member(a, 0, 1);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_false(wzp_sender_epoch_used(a->sender));
  g_assert_cmpint(show(a, 0, 2, c), ==, WZP_OK);
  g_assert_cmpint(show(c, 0, 0, a), ==, WZP_OK);
  while (next_event(a) != WZP_GROUP_LEFT)
    ;
  hands.group[1] = NULL;
  carry(&hands, 0);
  assert_talks(a, c, 0);
  hands.group[1] = b;
  hands_clear(&hands);
}

/* The same person on a new start of the program: in the room only once proven. */
static void
test_same_identity(void)
{
  Hands hands;
  WzpRoomSecret secret;
  uint8_t packet[64];
  size_t length;

  hands_init(&hands, 2, NULL);
  wzp_room_secret_open(&secret, ROOM);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  show(a, 0, 1, b);
  show(b, 0, 0, a);
  carry(&hands, 0);
  assert_talks(a, b, 0);
  hands.group[2] = wzp_group_new(hands.identity[1], &secret, hands_relay_key, &hands.random);
  WzpGroup *again = hands.group[2];
  wzp_group_set_slot(again, 2);
  g_assert_cmpint(show(a, 0, 2, again), ==, WZP_OK);
  g_assert_cmpuint(wzp_group_n_members(a), ==, 2);
  assert_talks(a, b, 0); /* still the old one */
  while (next_event(a) != WZP_GROUP_NONE)
    ;

  g_assert_cmpint(show(again, 0, 0, a), ==, WZP_OK);
  hands.group[1] = NULL;
  carry(&hands, 0);
  g_assert_cmpuint(wzp_group_n_members(a), ==, 1);
  WzpGroupEvent event = next_told(a);
  g_assert_cmpint(event.type, ==, WZP_GROUP_LEFT);
  g_assert_cmpuint(event.slot, ==, 1);
  event = next_told(a);
  g_assert_cmpint(event.type, ==, WZP_GROUP_CONFIRMED);
  g_assert_cmpuint(event.slot, ==, 2);
  g_assert_cmpmem(event.id, 32, hands.identity[1]->ed25519_public, 32);
  assert_talks(a, again, 0);
  assert_talks(again, a, 0);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpint(listen_to(b, 0, packet, length), ==, WZP_BAD_TAG);
  hands.group[1] = b;
  hands_clear(&hands);
}

/* The relay shows a JOIN of long ago: nobody holds its secret. */
static void
test_replayed_join(void)
{
  Hands hands;
  WzpRoomSecret secret;
  uint8_t packet[64];
  size_t length;

  hands_init(&hands, 2, NULL);
  wzp_room_secret_open(&secret, ROOM);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  WzpGroup *former = wzp_group_new(hands.identity[1], &secret, hands_relay_key, &hands.random);
  show(a, 0, 1, b);
  show(b, 0, 0, a);
  carry(&hands, 0);
  g_assert_cmpint(show(a, 0, 3, former), ==, WZP_OK);
  for (WzpTime now = 0; now < 100 * WZP_SECOND; now += WZP_SECOND) {
    GBytes *record;
    wzp_group_handle_timeout(a, now);
    while ((record = wzp_group_poll(a, now)) != NULL) {
      if (((const uint8_t *)g_bytes_get_data(record, NULL))[0] == 1)
        g_assert_cmpint(give(b, now, record), ==, WZP_OK);
      else
        g_bytes_unref(record);
    }
    while ((record = wzp_group_poll(b, now)) != NULL)
      g_assert_cmpint(give(a, now, record), ==, WZP_OK);
    assert_talks(b, a, now); /* it is there */
    g_assert_cmpint(member(a, 0).state, ==, WZP_MEMBER_CONFIRMED);
    if (now < 30 * WZP_SECOND)
      g_assert_cmpint(member(a, 1).state, ==, WZP_MEMBER_ANNOUNCED);
    else
      g_assert_cmpuint(wzp_group_n_members(a), ==, 1);
  }
  assert_talks(a, b, 100 * WZP_SECOND);
  wzp_group_free(former);

  /* one who left, shown again: its records are spent too */
  GBytes *recorded = NULL;
  wzp_group_nth(b, 0)->send_confirm = true;
  recorded = wzp_group_poll(b, 0);
  g_assert_cmpint(give(a, 0, recorded), ==, WZP_OK);
  wzp_group_leave(b);
  GBytes *leave = wzp_group_poll(b, 0);
  g_assert_cmpint(give(a, 0, leave), ==, WZP_OK);
  g_assert_null(wzp_group_poll(b, 0));
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(say(b, 0, packet, &length), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(wzp_group_next_timeout(b), ==, WZP_NEVER);
  g_assert_cmpint(show(b, 0, 0, a), ==, WZP_UNEXPECTED);
  g_assert_cmpint(show(a, 0, 9, b), ==, WZP_OK);
  g_assert_cmpint(give(a, 0, recorded), ==, WZP_UNKNOWN_SENDER);
  g_assert_cmpint(show(a, 0, 1, b), ==, WZP_OK); /* even at its old slot */
  g_assert_cmpint(give(a, 0, recorded), ==, WZP_REPLAYED);
  g_assert_cmpint(give(a, 0, leave), ==, WZP_REPLAYED);
  for (unsigned i = 0; i < wzp_group_n_members(a); i++)
    g_assert_cmpint(member(a, i).state, ==, WZP_MEMBER_ANNOUNCED);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_NO_RECEIVER);
  g_bytes_unref(recorded);
  g_bytes_unref(leave);
  hands_clear(&hands);
}

/* However many come and go, a JOIN that was in the room never starts its counters again. */
static void
test_forgotten_joins(void)
{
  Hands hands;
  WzpRoomSecret secret;
  WzpGroup *visitors[30];

  hands_init(&hands, 2, NULL);
  wzp_room_secret_open(&secret, ROOM);
  WzpGroup *a = hands.group[0];
  for (unsigned i = 0; i < G_N_ELEMENTS(visitors); i++) {
    GBytes *record;
    visitors[i] = wzp_group_new(hands.identity[1], &secret, hands_relay_key, &hands.random);
    g_assert_cmpint(show(a, 0, 1, visitors[i]), ==, WZP_OK);
    record = wzp_group_poll(a, 0);
    g_assert_nonnull(record);
    g_bytes_unref(record);
    wzp_group_remove_member(a, 0, 1);
  }
  g_assert_cmpuint(a->members->len, <=, 17);
  for (unsigned i = 0; i < G_N_ELEMENTS(visitors); i++) {
    WzpResult result = show(a, 0, 1, visitors[i]);
    if (i < 10)
      g_assert_cmpint(result, ==, WZP_UNEXPECTED);
    if (result == WZP_OK) {
      GBytes *record = wzp_group_poll(a, 0); /* --wrap would catch a repeated counter */
      g_assert_nonnull(record);
      g_bytes_unref(record);
      wzp_group_remove_member(a, 0, 1);
    }
    wzp_group_free(visitors[i]);
  }
  hands_clear(&hands);
}

/* --- A relay that restarts --- */

/* The relay comes back and gives b and c each other's number: nobody left, nobody is mistaken. */
static void
test_slots_exchanged(void)
{
  Hands hands;
  WzpTime now = 20 * WZP_SECOND;

  three_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  while (next_event(a) != WZP_GROUP_NONE)
    ;
  wzp_group_relay_restarted(a, now);
  wzp_group_remove_member(a, now,
                          1); /* the relay's new numbers say nothing of b, who had this one */
  g_assert_cmpint(show(a, now, 1, c), ==, WZP_OK);
  g_assert_cmpint(show(a, now, 2, b), ==, WZP_OK);
  for (uint8_t n = 1; n <= 2; n++) { /* c, then b */
    WzpGroupEvent moved = next_told(a);
    g_assert_cmpint(moved.type, ==, WZP_GROUP_MOVED);
    g_assert_cmpuint(moved.slot, ==, n);
    g_assert_cmpuint(moved.former_slot, ==, 3 - n);
  }
  g_assert_cmpint(next_event(a), ==, WZP_GROUP_NONE);
  g_assert_cmpuint(wzp_group_n_members(a), ==, 2);
  g_assert_cmpuint(member(a, 0).slot, ==, 2);
  g_assert_cmpuint(member(a, 1).slot, ==, 1);
  wzp_group_set_slot(b, 2);
  wzp_group_set_slot(c, 1);
  assert_talks(b, a, now);
  assert_talks(c, a, now);
  /* without a restart, another one in a slot means that its holder is gone */
  g_assert_cmpint(show(a, now, 1, b), ==, WZP_OK);
  WzpGroupEvent event = next_told(a);
  g_assert_cmpint(event.type, ==, WZP_GROUP_LEFT);
  g_assert_cmpuint(event.slot, ==, 1);
  hands_clear(&hands);
}

/* The goodbye overtakes the last words: they still open for two seconds, and once. */
static void
test_last_words(void)
{
  Hands hands;
  WzpTime now = WZP_SECOND;
  uint8_t packet[3][64];
  size_t length[3];

  three_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  for (unsigned i = 0; i < 3; i++)
    g_assert_cmpint(say(b, i * 20, packet[i], &length[i]), ==, WZP_OK);
  wzp_group_leave(b);
  carry(&hands, now);
  g_assert_cmpuint(wzp_group_n_members(a), ==, 1);
  g_assert_cmpint(listen_to(a, now, packet[0], length[0]), ==, WZP_OK);
  g_assert_cmpint(listen_to(a, now, packet[0], length[0]), ==, WZP_REPLAYED);
  now += 2 * WZP_SECOND - 1;
  g_assert_cmpint(listen_to(a, now, packet[1], length[1]), ==, WZP_OK);
  g_assert_cmpint(listen_to(a, now + 1, packet[2], length[2]), ==, WZP_UNKNOWN_SENDER);
  hands_clear(&hands);
}

/* What was on its way when the relay went down is said again at once, not after the next timeout. */
static void
test_said_again(void)
{
  Hands hands;
  WzpTime now = 0;

  hands_init(&hands, 2, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  show(a, now, 1, b);
  show(b, now, 0, a);
  for (unsigned i = 0; i < 2; i++) { /* both records are lost */
    GBytes *lost = wzp_group_poll(hands.group[i], now);
    g_assert_nonnull(lost);
    g_bytes_unref(lost);
    wzp_group_relay_restarted(hands.group[i], now);
    g_assert_null(wzp_group_poll(hands.group[i], now));
  }
  now += 100 * WZP_MSEC;
  wzp_group_set_slot(a, 0);
  wzp_group_set_slot(b, 1);
  g_assert_null(wzp_group_poll(a, now)); /* b was not shown again yet */
  g_assert_cmpint(show(a, now, 1, b), ==, WZP_OK);
  g_assert_cmpint(show(b, now, 0, a), ==, WZP_OK);
  GBytes *record = wzp_group_poll(a, now);
  g_assert_cmpint(give(b, now, record), ==, WZP_OK);
  g_assert_true(member(b, 0).we_have_key);
  g_bytes_unref(record);
  record = wzp_group_poll(b, now);
  g_assert_cmpint(give(a, now, record), ==, WZP_OK);
  g_assert_true(member(a, 0).has_our_key);
  g_bytes_unref(record);
  assert_talks(a, b, now);

  /* our own number moved, nothing else: confirmed again */
  while ((record = wzp_group_poll(a, now)) != NULL)
    g_bytes_unref(record);
  wzp_group_set_slot(a, 7);
  record = wzp_group_poll(a, now);
  g_assert_nonnull(record);
  g_bytes_unref(record);
  g_assert_null(wzp_group_poll(a, now));
  hands_clear(&hands);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/members/third-refused", test_third_refused);
  g_test_add_func("/members/same-identity", test_same_identity);
  g_test_add_func("/members/replayed-join", test_replayed_join);
  g_test_add_func("/members/forgotten-joins", test_forgotten_joins);
  g_test_add_func("/members/slots-exchanged", test_slots_exchanged);
  g_test_add_func("/members/last-words", test_last_words);
  g_test_add_func("/members/said-again", test_said_again);
  int result = g_test_run();
  pair_recorder_clear();
  return result;
}
