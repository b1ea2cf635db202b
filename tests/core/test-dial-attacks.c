/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-world.h"
#include "test-util.h"
#include <string.h>

/* Dialled calls with a relay or callers that mean harm. */

static bool
keep_all(World *world, unsigned from, GBytes *message)
{
  (void)from;
  g_ptr_array_add(world->taken, g_bytes_ref(message));
  return true;
}

/* Everything of an old call, in any order, at any of both: nothing rings, and no new call is hurt. */
static void
test_replay(void)
{
  World world;
  world_init(&world);
  world.tap = keep_all;
  world_call_and_talk(&world);
  wzp_dial_hang_up(world.people[0].dial, world.now, NULL);
  world_run(&world, 20 * WZP_SECOND);
  world.tap = NULL;
  unsigned rang = world_count(&world, 1, WZP_DIAL_EVENT_INCOMING);
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned i = 0; i < world.taken->len; i++)
      for (unsigned to = 0; to < 2; to++)
        (void)world_give(&world, to, g_ptr_array_index(world.taken, i));
    world_settle(&world);
    world_run(&world, 12 * WZP_SECOND);
  }
  g_assert_cmpuint(world_count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, rang);
  g_assert_cmpuint(world_count(&world, 0, WZP_DIAL_EVENT_INCOMING), ==, 0);
  g_assert_cmpint(world_info(&world, 0).state, ==, WZP_DIAL_IDLE);
  g_assert_cmpint(world_info(&world, 1).state, ==, WZP_DIAL_IDLE);
  g_assert_cmpuint(world_last(&world, 1, WZP_DIAL_EVENT_UNFINISHED)->count, >=, 1);
  g_assert_cmpuint(world.people[1].dial->lines->len, ==, 0);

  /* and while the next one is on */
  world_call_and_talk(&world);
  for (unsigned i = 0; i < world.taken->len; i++)
    for (unsigned to = 0; to < 2; to++)
      (void)world_give(&world, to, g_ptr_array_index(world.taken, i));
  world_settle(&world);
  world_assert_talk(&world);
  world_clear(&world);
}

static unsigned flips;

/* Each message of the call in turn, with one bit changed, before the good one. */
static bool
flip_first(World *world, unsigned from, GBytes *message)
{
  size_t length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  g_autofree uint8_t *bad = g_memdup2(data, length);
  if (length < 1 + WZP_CALL_ROUTE_SIZE + 20)
    return true;
  for (size_t at = 0; at < length; at++) {
    bad[at] ^= (uint8_t)(1 << (at % 8));
    for (unsigned to = 0; to < 2; to++) {
      if (to == from)
        continue;
      /* one that it is sent as it is may count; one that is not may not */
      (void)wzp_dial_receive(world->people[to].dial, world->now, bad, length);
      flips++;
    }
    bad[at] = data[at];
  }
  return true;
}

static void
test_flips(void)
{
  World world;
  world_init(&world);
  world.tap = flip_first;
  world_call(&world, 0, 1);
  /* a changed call id or HS1 is another call, which may be begun, and is never proven */
  world_run(&world, 5 * WZP_SECOND);
  g_assert_cmpuint(flips, >, 300);
  g_assert_cmpuint(world_count(&world, 1, WZP_DIAL_EVENT_INCOMING), <=, 1);
  world.tap = NULL;
  world_run(&world, 700 * WZP_SECOND); /* all guesses at it are forgotten */
  world_call_and_talk(&world);
  world_assert_talk(&world);
  world_clear(&world);
}

/* The relay answers itself, with an identity of its own. */
static bool
answer_as_relay(World *world, unsigned from, GBytes *bytes)
{
  WzpCallMessage message;
  size_t length;
  const uint8_t *data = g_bytes_get_data(bytes, &length);
  g_assert_cmpint(wzp_call_message_parse(&message, data, length), ==, WZP_OK);
  if (message.kind != WZP_MESSAGE_CALL || message.body[0] != 0x40)
    return false;
  WzpHandshakeConfig config = {.mode = WZP_MODE_CALL,
                               .identity = world->people[2].identity,
                               .capabilities = WZP_CAP_MEDIA_1};
  memcpy(config.call_id, message.route.id, sizeof config.call_id);
  memcpy(config.caller, message.route.caller, sizeof config.caller);
  memcpy(config.callee, message.route.callee, sizeof config.callee);
  WzpRandom random = world_random(world, 2);
  WzpResult result;
  WzpResponder *responder =
      wzp_responder_new(&config, &random, message.body, message.body_length, NULL, 0, &result);
  WzpCallMessage answer = {.kind = WZP_MESSAGE_CALL, .route = message.route};
  answer.body = wzp_responder_message(responder, &answer.body_length);
  g_autoptr(GBytes) forged = wzp_call_message_build(&answer);
  g_assert_cmpint(world_give(world, from, forged), ==, WZP_WRONG_IDENTITY);
  wzp_responder_free(responder);
  return false;
}

static void
test_wrong_identity(void)
{
  World world;
  world_init(&world);
  world.tap = answer_as_relay;
  world_call(&world, 0, 1);
  world_run(&world, 10 * WZP_SECOND);
  g_assert_cmpuint(world_count(&world, 0, WZP_DIAL_EVENT_WRONG_IDENTITY), ==, 1);
  g_assert_cmpmem(world_last(&world, 0, WZP_DIAL_EVENT_WRONG_IDENTITY)->key, 32,
                  world.people[2].identity->ed25519_public, 32);
  g_assert_cmpint(world_info(&world, 0).state, ==, WZP_DIAL_DIALLING);
  world_run(&world, 21 * WZP_SECOND);
  g_assert_cmpint(world_last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_WRONG_IDENTITY);
  /* the right one may still answer */
  world_call(&world, 0, 1);
  world.tap = NULL;
  world_run(&world, 4 * WZP_SECOND);
  g_assert_cmpint(world_info(&world, 1).state, ==, WZP_DIAL_RINGS);
  world_clear(&world);

  /* the fingerprint is right, the whole key is not the one that was met */
  world_init(&world);
  g_assert_cmpint(wzp_dial_call(world.people[0].dial, world.now, world_fingerprint(&world, 1),
                                world.people[2].identity->ed25519_public),
                  ==, WZP_OK);
  world_run(&world, WZP_SECOND);
  g_assert_cmpuint(world_count(&world, 0, WZP_DIAL_EVENT_WRONG_IDENTITY), ==, 1);
  g_assert_cmpuint(world_count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, 0);
  world_clear(&world);
}

/* HS1s of one who never goes on: four at once, twenty in ten minutes. */
static void
test_answers_limited(void)
{
  World world;
  world_init(&world);
  unsigned answered = 0, half_open = 0;
  for (unsigned i = 0; i < 60; i++) {
    World other;
    world_init(&other);
    g_assert_cmpint(
        wzp_dial_call(other.people[0].dial, other.now, world_fingerprint(&other, 1), NULL), ==,
        WZP_OK);
    g_autoptr(GBytes) hs1 = wzp_dial_poll(other.people[0].dial, other.now);
    WzpResult result = world_give(&world, 1, hs1);
    answered += result == WZP_OK;
    half_open = MAX(half_open, world.people[1].dial->lines->len);
    if (i % 6 == 5)
      world_run(&world, 11 * WZP_SECOND);
    world_clear(&other);
  }
  g_assert_cmpuint(half_open, ==, WZP_DIAL_HALF_OPEN_MAX);
  g_assert_cmpuint(answered, ==, WZP_DIAL_ANSWERS_MAX);
  g_assert_cmpuint(world_last(&world, 1, WZP_DIAL_EVENT_UNFINISHED)->count, ==,
                   WZP_DIAL_ANSWERS_MAX);
  world_run(&world, 600 * WZP_SECOND);
  world_call_and_talk(&world);
  world_clear(&world);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/dial-attacks/replay", test_replay);
  g_test_add_func("/dial-attacks/flips", test_flips);
  g_test_add_func("/dial-attacks/wrong-identity", test_wrong_identity);
  g_test_add_func("/dial-attacks/answers-limited", test_answers_limited);
  return g_test_run();
}
