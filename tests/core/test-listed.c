/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rooms with a list of who may be in them, which clients check, whatever the relay says. */
#include "group-hands.h"
#include "pair-recorder.h"
#include <string.h>

static uint64_t version; /* of the last list made */

/* Of those whose bit is set; signed by the first. */
static WzpRoomList *
list_of(const Hands *hands, unsigned bits)
{
  WzpRoomList *list = wzp_room_list_new(wzp_group_room_id(hands->group[0]),
                                        hands->identity[0]->ed25519_public, ++version);
  for (unsigned i = 0; i < G_N_ELEMENTS(hands->identity); i++) {
    if (bits & (1u << i))
      wzp_room_list_add(list, hands->identity[i]->ed25519_public);
  }
  g_assert_true(wzp_room_list_sign(list, hands->identity[0]));
  return list;
}

static WzpResult
set_list(const Hands *hands, unsigned who, WzpTime now, unsigned bits)
{
  g_autoptr(WzpRoomList) list = list_of(hands, bits);
  return wzp_group_set_list(hands->group[who], now, list);
}

static WzpGroupEvent
next_of(WzpGroup *group, WzpGroupEventType type)
{
  WzpGroupEvent event;
  do
    event = wzp_group_next_event(group);
  while (event.type != type && event.type != WZP_GROUP_NONE);
  g_assert_cmpint(event.type, ==, type);
  return event;
}

/* Nobody was told of again. */
static void
assert_quiet(WzpGroup *group)
{
  WzpGroupEventType type;
  while ((type = wzp_group_next_event(group).type) != WZP_GROUP_NONE)
    g_assert_cmpint(type, ==, WZP_GROUP_READY);
}

/* Two are on the list; the third, whom the relay lets in, is shown to them and gets not a record. */
static void
test_unlisted(void)
{
  Hands hands;
  hands_init(&hands, 3, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  g_assert_cmpint(set_list(&hands, 0, 0, 3), ==, WZP_OK);
  g_assert_cmpint(set_list(&hands, 1, 0, 3), ==, WZP_OK);
  g_assert_cmpint(show(a, 0, 2, c), ==, WZP_NOT_ALLOWED);
  WzpGroupEvent event = wzp_group_next_event(a);
  g_assert_cmpint(event.type, ==, WZP_GROUP_UNLISTED);
  g_assert_cmpuint(event.slot, ==, 2);
  g_assert_cmpmem(event.id, 32, hands.identity[2]->ed25519_public, 32);
  g_assert_null(wzp_group_poll(a, 0));
  g_assert_cmpuint(wzp_group_n_members(a), ==, 0);
  g_assert_cmpint(show(a, 0, 2, c), ==, WZP_NOT_ALLOWED); /* shown again: told once */
  assert_quiet(a);

  show(a, 0, 1, b);
  show(b, 0, 0, a);
  show(c, 0, 0, a); /* who has no list gives its key: nobody takes it */
  GBytes *record = wzp_group_poll(c, 0);
  g_assert_nonnull(record);
  g_assert_cmpint(give(a, 0, record), ==, WZP_UNKNOWN_SENDER);
  g_bytes_unref(record);
  hands.group[2] = NULL;
  carry(&hands, 0);
  assert_talks(a, b, 0);
  assert_talks(b, a, 0);

  wzp_group_remove_member(a, 0, 2);
  event = next_of(a, WZP_GROUP_UNLISTED_LEFT);
  g_assert_cmpuint(event.slot, ==, 2);
  hands.group[2] = c;
  hands_clear(&hands);
}

/* A newer list takes one off: as if it had left, and a fresh key goes to those who stay. */
static void
test_taken_off(void)
{
  Hands hands;
  uint8_t packet[64];
  size_t length;
  three_talking(&hands, 0);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  while (wzp_group_next_event(a).type != WZP_GROUP_NONE)
    ;
  g_assert_cmpint(set_list(&hands, 0, WZP_SECOND, 3), ==, WZP_OK);
  g_assert_cmpint(set_list(&hands, 1, WZP_SECOND, 3), ==, WZP_OK);
  g_assert_cmpint(wzp_group_next_event(a).type, ==, WZP_GROUP_LEFT);
  WzpGroupEvent event = wzp_group_next_event(a);
  g_assert_cmpint(event.type, ==, WZP_GROUP_UNLISTED);
  g_assert_cmpuint(event.slot, ==, 2);
  g_assert_cmpuint(wzp_group_n_members(a), ==, 1);

  hands.group[2] = NULL; /* nothing is for c: carry() would fall over it */
  carry(&hands, WZP_SECOND);
  wzp_group_handle_timeout(a, 10 * WZP_SECOND);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpint(listen_to(b, 10 * WZP_SECOND, packet, length), ==, WZP_OK);
  WzpResult result = listen_to(c, 10 * WZP_SECOND, packet, length);
  g_assert_true(result == WZP_BAD_TAG || result == WZP_NO_KEY);

  /* what c says is nobody's word */
  g_assert_cmpint(say(c, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpint(listen_to(a, 10 * WZP_SECOND, packet, length), ==, WZP_UNKNOWN_SENDER);
  g_assert_cmpint(show(a, 10 * WZP_SECOND, 2, c), ==, WZP_NOT_ALLOWED);
  assert_quiet(a);

  /* and put on again, it is in at once, with the JOIN that the relay showed before */
  g_assert_cmpint(set_list(&hands, 0, 11 * WZP_SECOND, 7), ==, WZP_OK);
  g_assert_cmpint(wzp_group_next_event(a).type, ==, WZP_GROUP_UNLISTED_LEFT);
  g_assert_cmpint(wzp_group_next_event(a).type, ==, WZP_GROUP_ANNOUNCED);
  g_assert_cmpint(set_list(&hands, 1, 11 * WZP_SECOND, 7), ==, WZP_OK);
  hands.group[2] = c;
  carry(&hands, 11 * WZP_SECOND);
  for (WzpTime now = 12 * WZP_SECOND; now < 18 * WZP_SECOND; now += WZP_SECOND) {
    for (unsigned i = 0; i < 3; i++)
      wzp_group_handle_timeout(hands.group[i], now);
    carry(&hands, now);
  }
  assert_talks(a, c, 18 * WZP_SECOND);
  assert_talks(a, b, 18 * WZP_SECOND);
  hands_clear(&hands);
}

/* Whose silence made it count as gone does not come back by a record either. */
static void
test_silent(void)
{
  Hands hands;
  three_talking(&hands, 0);
  WzpGroup *a = hands.group[0], *c = hands.group[2];
  for (WzpTime now = 0; now <= 40 * WZP_SECOND; now += WZP_SECOND)
    wzp_group_handle_timeout(a, now);
  g_assert_cmpuint(wzp_group_n_members(a), ==, 0);
  g_assert_cmpint(set_list(&hands, 0, 40 * WZP_SECOND, 3), ==, WZP_OK);
  wzp_group_handle_timeout(c, 11 * WZP_SECOND);
  GBytes *record;
  bool any = false;
  while ((record = wzp_group_poll(c, 11 * WZP_SECOND)) != NULL) {
    if (((const uint8_t *)g_bytes_get_data(record, NULL))[0] == 0) {
      g_assert_cmpint(give(a, 41 * WZP_SECOND, record), ==, WZP_UNKNOWN_SENDER);
      any = true;
    }
    g_bytes_unref(record);
  }
  g_assert_true(any);
  g_assert_cmpuint(wzp_group_n_members(a), ==, 0);
  hands_clear(&hands);
}

static void
test_wrong_lists(void)
{
  Hands hands;
  uint8_t elsewhere[32] = {1};
  hands_init(&hands, 2, NULL);
  g_assert_cmpint(set_list(&hands, 0, 0, 3), ==, WZP_OK);
  g_assert_cmpint(set_list(&hands, 0, 0, 2), ==, WZP_NOT_ALLOWED); /* without ourselves */
  g_autoptr(WzpRoomList) other = wzp_room_list_new(elsewhere, hands.identity[0]->ed25519_public, 1);
  wzp_room_list_add(other, hands.identity[0]->ed25519_public);
  g_assert_cmpint(wzp_group_set_list(hands.group[0], 0, other), ==, WZP_UNEXPECTED);
  g_assert_cmpint(show(hands.group[0], 0, 1, hands.group[1]), ==,
                  WZP_OK); /* the one before holds */
  hands_clear(&hands);
}

/* A relay makes up as many as it likes. */
static void
test_flood(void)
{
  Hands hands;
  unsigned told = 0;
  WzpRoomSecret secret;
  hands_init(&hands, 2, NULL);
  wzp_room_secret_open(&secret, ROOM);
  WzpGroup *a = hands.group[0];
  g_assert_cmpint(set_list(&hands, 0, 0, 3), ==, WZP_OK);
  for (unsigned i = 0; i < 5000; i++) {
    uint8_t blob[WZP_JOIN_BLOB_SIZE], e[32], j[16];
    WzpJoin join;
    WzpIdentity *stranger = hands.identity[2];
    if (i % 1000 == 0) {
      wzp_identity_free(stranger);
      stranger = hands.identity[2] = wzp_identity_new_random(&hands.random);
    }
    wzp_random_fill(&hands.random, e, sizeof e);
    wzp_random_fill(&hands.random, j, sizeof j);
    wzp_join_build(blob, &join, stranger, &secret, hands_relay_key, e, j);
    WzpResult result = wzp_group_show_unlisted(a, (uint8_t)(2 + i % 200), &join);
    told += wzp_group_next_event(a).type != WZP_GROUP_NONE;
    while (wzp_group_next_event(a).type != WZP_GROUP_NONE)
      ;
    g_assert_cmpint(result, ==, i < 4096 ? WZP_NOT_ALLOWED : WZP_QUEUE_FULL);
    g_assert_cmpuint(a->unlisted->len, <=, 200);
  }
  g_assert_cmpuint(told, >=, 4096);
  g_assert_cmpint(show(a, 0, 1, hands.group[1]), ==,
                  WZP_OK); /* who is listed comes in none the less */
  hands_clear(&hands);
}

/* The relay lost its memory and gives the slots anew. */
static void
test_restart(void)
{
  Hands hands;
  hands_init(&hands, 3, NULL);
  WzpGroup *a = hands.group[0];
  g_assert_cmpint(set_list(&hands, 0, 0, 3), ==, WZP_OK);
  g_assert_cmpint(show(a, 0, 2, hands.group[2]), ==, WZP_NOT_ALLOWED);
  wzp_group_relay_restarted(a, WZP_SECOND);
  next_of(a, WZP_GROUP_UNLISTED_LEFT);
  g_assert_cmpint(show(a, WZP_SECOND, 1, hands.group[2]), ==, WZP_NOT_ALLOWED);
  g_assert_cmpint(show(a, WZP_SECOND, 1, hands.group[1]), ==, WZP_OK); /* in that slot */
  g_assert_cmpuint(next_of(a, WZP_GROUP_UNLISTED).slot, ==, 1);
  next_of(a, WZP_GROUP_UNLISTED_LEFT);
  next_of(a, WZP_GROUP_ANNOUNCED);
  g_assert_cmpuint(a->unlisted->len, ==, 0);
  hands_clear(&hands);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/listed/unlisted", test_unlisted);
  g_test_add_func("/listed/taken-off", test_taken_off);
  g_test_add_func("/listed/silent", test_silent);
  g_test_add_func("/listed/wrong-lists", test_wrong_lists);
  g_test_add_func("/listed/flood", test_flood);
  g_test_add_func("/listed/restart", test_restart);
  int result = g_test_run();
  pair_recorder_clear();
  return result;
}
