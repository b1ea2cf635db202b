/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What two members of a room say of a direct path, and who is not listened to. */
#include "group-hands.h"
#include "pair-recorder.h"
#include <string.h>

static WzpRoomSecret
keyed(void)
{
  static const uint8_t link_key[16] = {0x77};
  WzpRoomSecret secret;
  wzp_room_secret_keyed(&secret, link_key);
  return secret;
}

static WzpPath *
path_of(const WzpGroup *group)
{
  uint32_t serial;
  return wzp_group_path(group, &serial);
}

static WzpPathStats
stats_of(const WzpGroup *group)
{
  WzpPathStats stats = {0};
  if (path_of(group) != NULL)
    wzp_path_get_stats(path_of(group), 0, &stats);
  return stats;
}

static bool
runs(const WzpGroup *group)
{
  return path_of(group) != NULL && !wzp_path_is_paused(path_of(group));
}

/* As the call does it: looks, carries, until nobody has anything to say. */
static void
settle(Hands *hands, WzpTime now)
{
  do {
    for (unsigned i = 0; i < G_N_ELEMENTS(hands->group); i++)
      if (hands->group[i] != NULL)
        wzp_group_follow_paths(hands->group[i], now);
  } while (carry(hands, now) > 0);
}

static void
introduce(Hands *hands, WzpTime now, unsigned a, unsigned b)
{
  show(hands->group[a], now, (uint8_t)b, hands->group[b]);
  show(hands->group[b], now, (uint8_t)a, hands->group[a]);
}

/* Of n who would go directly the first two are in the room. */
static void
two_directly(Hands *hands, unsigned n)
{
  const WzpRoomSecret secret = keyed();
  hands_init(hands, n, &secret);
  for (unsigned i = 0; i < n; i++)
    wzp_group_set_direct(hands->group[i], true);
  introduce(hands, 0, 0, 1);
  settle(hands, 0);
  g_assert_true(runs(hands->group[0]));
  g_assert_true(runs(hands->group[1]));
}

static void
discard_outputs(WzpGroup *group, WzpTime now)
{
  WzpPathOutput output;
  while (wzp_path_poll(path_of(group), now, &output))
    ;
}

/* Both have the same keys, and one of them begins attempts. */
static void
test_agree(void)
{
  Hands hands;
  two_directly(&hands, 2);
  const WzpPathConfig *a = &wzp_group_nth(hands.group[0], 0)->direct.config,
                      *b = &wzp_group_nth(hands.group[1], 0)->direct.config;
  g_assert_cmpmem(a->send_key, 32, b->receive_key, 32);
  g_assert_cmpmem(a->receive_key, 32, b->send_key, 32);
  g_assert_cmpmem(a->ice, 32, b->ice, 32);
  g_assert_true(a->initiator != b->initiator);
  for (unsigned i = 0; i < 2; i++) {
    const WzpGroupMember *other = wzp_group_nth(hands.group[i], 0);
    g_assert_cmpuint(stats_of(hands.group[i]).attempts, ==, 1);
    g_assert_true(memcmp(other->direct.config.send_key, other->pair.send_key, 32) != 0);
    g_assert_true(memcmp(other->direct.config.send_key, other->direct.config.receive_key, 32) != 0);
  }
  g_assert_cmpint(carry(&hands, 0), ==, 0);
  hands_clear(&hands);
}

/* One is asked and does not answer: nothing is begun, and nothing is said but the willingness itself. */
static void
test_unwilling(void)
{
  const WzpRoomSecret secret = keyed();
  Hands hands;
  const uint8_t report[] = {WZP_PATH_REPORT, 0, 0, 0, 0, 0, 0, 0};
  hands_init(&hands, 2, &secret);
  wzp_group_set_direct(hands.group[0], true);
  introduce(&hands, 0, 0, 1);
  settle(&hands, 0);
  g_assert_true(wzp_group_nth(hands.group[1], 0)->direct.theirs);
  g_assert_false(wzp_group_nth(hands.group[0], 0)->direct.theirs);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_null(path_of(hands.group[i]));
    g_assert_cmpint(wzp_group_send_path(hands.group[i], report, sizeof report), ==,
                    WZP_NOT_ALLOWED);
  }
  hands_clear(&hands);
}

/* --- Whom nobody listens to --- */

/* A record of frames that `from` seals for `to`. */
static GBytes *
frames(const Hands *hands, unsigned from, unsigned to, const uint8_t *data, size_t length)
{
  WzpGroupMember *receiver = wzp_group_by_slot(hands->group[from], (uint8_t)to);
  return wzp_group_pair_seal(&receiver->pair, (uint8_t)to, (uint8_t)from, data, length);
}

/* SETUP of attempt 7 with 10.0.0.1:4433. */
static const uint8_t setup[] = {
    WZP_GROUP_FRAME_PATH, 0, 16, WZP_PATH_SETUP, 0, 7, 1, 1, 0, 0, 0, 9, 4, 17, 81, 10, 0, 0, 1};

static WzpResult
send_frames(Hands *hands, unsigned from, unsigned to, const uint8_t *data, size_t length)
{
  GBytes *record = frames(hands, from, to, data, length);
  WzpResult result = give(hands->group[to], 0, record);
  g_bytes_unref(record);
  return result;
}

static unsigned
responder(const Hands *hands)
{
  return wzp_group_nth(hands->group[0], 0)->direct.config.initiator ? 1 : 0;
}

/* What the other end of the path says is taken, once; what was changed on the way, or shown again, is not. */
static void
test_forged(void)
{
  Hands hands;
  two_directly(&hands, 2);
  unsigned to = responder(&hands), from = 1 - to;
  GBytes *record = frames(&hands, from, to, setup, sizeof setup);
  size_t length;
  const uint8_t *data = g_bytes_get_data(record, &length);
  uint8_t *forged = g_memdup2(data, length);
  for (size_t bit = 6 * 8; bit < length * 8; bit++) {
    forged[bit / 8] ^= (uint8_t)(1 << bit % 8);
    g_assert_cmpint(wzp_group_receive(hands.group[to], 0, forged, length), ==, WZP_BAD_TAG);
    forged[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  g_assert_cmpuint(stats_of(hands.group[to]).attempts, ==, 1);
  g_assert_cmpint(give(hands.group[to], 0, record), ==, WZP_OK);
  g_assert_cmpuint(stats_of(hands.group[to]).attempts, ==, 2);
  g_assert_cmpint(give(hands.group[to], 0, record), ==, WZP_REPLAYED);
  g_assert_cmpuint(stats_of(hands.group[to]).attempts, ==, 2);
  g_free(forged);
  g_bytes_unref(record);
  hands_clear(&hands);
}

/* A frame that is cut, or of a message that is none. */
static void
test_damaged(void)
{
  Hands hands;
  two_directly(&hands, 2);
  unsigned to = responder(&hands), from = 1 - to;
  for (size_t length = 1; length < sizeof setup; length++)
    g_assert_cmpint(send_frames(&hands, from, to, setup, length), ==, WZP_TRUNCATED);
  const uint8_t unknown[] = {WZP_GROUP_FRAME_PATH, 0, 3, 99, 0, 0}, on[] = {WZP_GROUP_FRAME_DIRECT};
  g_assert_cmpint(send_frames(&hands, from, to, unknown, sizeof unknown), ==, WZP_UNKNOWN_KIND);
  g_assert_cmpint(send_frames(&hands, from, to, on, sizeof on), ==, WZP_TRUNCATED);
  g_assert_cmpuint(stats_of(hands.group[to]).attempts, ==, 1);
  hands_clear(&hands);
}

/* Whoever has not said that it would, or to whom we did not say it, has no part in a path. */
static void
test_uninvited(void)
{
  const WzpRoomSecret secret = keyed();
  const uint8_t on[] = {WZP_GROUP_FRAME_DIRECT, 1};
  Hands hands;
  hands_init(&hands, 2, &secret);
  wzp_group_set_direct(hands.group[0], true);
  introduce(&hands, 0, 0, 1);
  settle(&hands, 0);
  g_assert_cmpint(send_frames(&hands, 1, 0, setup, sizeof setup), ==, WZP_NOT_ALLOWED);
  g_assert_cmpint(send_frames(&hands, 0, 1, setup, sizeof setup), ==, WZP_NOT_ALLOWED);
  g_assert_null(path_of(hands.group[0]));
  /* said by who did not want to: the other one begins, and it listens to nothing */
  g_assert_cmpint(send_frames(&hands, 1, 0, on, sizeof on), ==, WZP_OK);
  g_assert_true(runs(hands.group[0]));
  g_assert_cmpint(send_frames(&hands, 0, 1, setup, sizeof setup), ==, WZP_NOT_ALLOWED);
  g_assert_null(path_of(hands.group[1]));
  hands_clear(&hands);
}

/* A third pauses the path of the two, whatever it says, and has no part in it. */
static void
test_third(void)
{
  const uint8_t on[] = {WZP_GROUP_FRAME_DIRECT, 1};
  Hands hands;
  two_directly(&hands, 3);
  /* one of the two sees it first, and says so */
  introduce(&hands, 0, 0, 2);
  wzp_group_follow_paths(hands.group[0], 0);
  g_assert_false(runs(hands.group[0]));
  settle(&hands, 0);
  g_assert_false(runs(hands.group[1]));
  introduce(&hands, 0, 1, 2);
  settle(&hands, 0);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(send_frames(&hands, 2, i, on, sizeof on), ==, WZP_OK);
    g_assert_cmpint(send_frames(&hands, 2, i, setup, sizeof setup), ==, WZP_NOT_ALLOWED);
    g_assert_cmpint(send_frames(&hands, 1 - i, i, setup, sizeof setup), ==, WZP_NOT_ALLOWED);
    g_assert_false(runs(hands.group[i]));
    g_assert_false(wzp_group_path_speaks(hands.group[i], 0, 2));
    g_assert_true(wzp_group_path_speaks(hands.group[i], 0, (uint8_t)(1 - i)));
  }
  g_assert_null(path_of(hands.group[2]));
  /* it leaves: first for one of the two */
  wzp_group_remove_member(hands.group[1], 0, 2);
  settle(&hands, 0);
  g_assert_false(runs(hands.group[0]));
  wzp_group_remove_member(hands.group[0], 0, 2);
  settle(&hands, 0);
  g_assert_true(runs(hands.group[0]));
  g_assert_true(runs(hands.group[1]));
  hands_clear(&hands);
}

/* Who was away is the same one when it comes back: no number of an attempt is given twice. */
static void
test_numbers(void)
{
  Hands hands;
  two_directly(&hands, 2);
  for (unsigned round = 0; round < 3; round++) {
    WzpTime now = (round + 1) * 100 * WZP_SECOND;
    for (unsigned i = 0; i < 2; i++)
      wzp_group_remove_member(hands.group[i], now, (uint8_t)(1 - i));
    settle(&hands, now);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_false(runs(hands.group[i]));
      discard_outputs(hands.group[i], now);
    }
    introduce(&hands, now, 0, 1);
    settle(&hands, now);
    WzpGroup *initiator = hands.group[1 - responder(&hands)];
    g_assert_true(runs(initiator));
    wzp_path_handle_timeout(path_of(initiator), now);
    WzpPathOutput output;
    g_assert_true(wzp_path_poll(path_of(initiator), now, &output));
    g_assert_cmpint(output.type, ==, WZP_PATH_AGENT_START);
    g_assert_cmpuint(output.k, ==, round + 1);
  }
  hands_clear(&hands);
}

/* What is to be said while nobody fetches it does not grow for ever; and the room forgets whom it had a path with. */
static void
test_bounded(void)
{
  Hands hands;
  const uint8_t report[] = {WZP_PATH_REPORT, 0, 0, 0, 0, 0, 0, 0};
  two_directly(&hands, 2);
  for (unsigned n = 0; n < 1000; n++)
    g_assert_cmpint(wzp_group_send_path(hands.group[0], report, sizeof report), ==, WZP_OK);
  g_assert_cmpuint(wzp_group_nth(hands.group[0], 0)->direct.messages.length, <=, 32);
  carry(&hands, 0);
  wzp_group_remove_member(hands.group[0], 0, 1);
  for (unsigned n = 0; n < 40; n++) { /* others come and go */
    const WzpRoomSecret secret = keyed();
    WzpIdentity *identity = wzp_identity_new_random(&hands.random);
    WzpGroup *other = wzp_group_new(identity, &secret, hands_relay_key, &hands.random);
    g_assert_cmpint(show(hands.group[0], 0, 5, other), ==, WZP_OK);
    wzp_group_remove_member(hands.group[0], 0, 5);
    wzp_group_free(other);
    wzp_identity_free(identity);
  }
  g_assert_null(path_of(hands.group[0]));
  hands_clear(&hands);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/group-path/agree", test_agree);
  g_test_add_func("/group-path/unwilling", test_unwilling);
  g_test_add_func("/group-path/forged", test_forged);
  g_test_add_func("/group-path/damaged", test_damaged);
  g_test_add_func("/group-path/uninvited", test_uninvited);
  g_test_add_func("/group-path/third", test_third);
  g_test_add_func("/group-path/numbers", test_numbers);
  g_test_add_func("/group-path/bounded", test_bounded);
  int result = g_test_run();
  pair_recorder_clear();
  return result;
}
