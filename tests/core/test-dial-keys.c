/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-world.h"
#include "test-util.h"
#include <sodium.h>
#include <string.h>

/* New keys in dialled calls. */

static void
talk_on(World *world, WzpTime duration)
{
  for (WzpTime end = world->now + duration; world->now < end;) {
    world_run(world, WZP_SECOND);
    world_assert_talk(world);
  }
}

static void
test_rekey(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  talk_on(&world, 599 * WZP_SECOND);
  g_assert_cmpuint(world_info(&world, 0).generation, ==, 0);
  for (unsigned n = 1; n <= 20; n++) { /* more than the wire tells apart */
    talk_on(&world, 30 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpuint(world_info(&world, i).generation, ==, n);
      g_assert_cmpuint(world_info(&world, i).epoch, ==, n);
      const WzpLine *line = world.people[i].dial->on;
      g_assert_cmpuint(wzp_control_send_generation(line->control), ==, n);
      g_assert_false(wzp_control_holds_previous(line->control)); /* erased in time */
      g_assert_false(line->offered);
      g_assert_true(sodium_is_zero(line->offer_secret, sizeof line->offer_secret));
    }
    g_assert_cmpmem(world.people[0].dial->on->rekey, 32, world.people[1].dial->on->rekey, 32);
    talk_on(&world, 570 * WZP_SECOND);
  }
  world_clear(&world);
}

/* A share of the numbers of packets alone, in no time. */
static void
test_rekey_packets(void)
{
  for (unsigned who = 0; who < 2; who++) {
    World world;
    world_init(&world);
    world_call_and_talk(&world);
    for (unsigned i = 1; i < WZP_DIAL_REKEY_PACKETS; i++)
      g_assert_cmpint(world_speak(&world, who, 1 - who, 0), ==, WZP_OK);
    world_run(&world, WZP_SECOND);
    g_assert_cmpuint(world_info(&world, who).generation, ==, 0);
    g_assert_cmpint(world_speak(&world, who, 1 - who, 0), ==, WZP_OK);
    world_run(&world, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpuint(world_info(&world, i).generation, ==, 1);
      g_assert_cmpuint(world_info(&world, i).epoch, ==, 1);
    }
    world_assert_talk(&world);
    world_clear(&world);
  }
}

static bool
nothing_of(World *world, unsigned from, GBytes *message)
{
  (void)message;
  return (world->deaf & 1u << from) == 0;
}

/* When seq wraps and no new keys came through, the stream goes on with the ratchet's. */
static void
test_wrap(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  world.tap = nothing_of;
  world.deaf = 3;
  for (unsigned i = 0; i < 1u << 16; i++)
    g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_OK);
  world_run(&world, 10 * WZP_SECOND);
  g_assert_cmpuint(world_info(&world, 0).epoch, ==, 0);
  g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_OK);
  g_assert_cmpuint(world_info(&world, 0).epoch, ==, 1);
  g_assert_cmpuint(world_info(&world, 0).generation, ==, 0);
  world_assert_talk(&world);
  /* all comes through at last, and the next epoch waits until this one is old enough */
  world.deaf = 0;
  world_run(&world, 3 * WZP_SECOND);
  g_assert_cmpuint(world_info(&world, 0).generation, ==, 1);
  g_assert_true(world.people[0].dial->on->base_acknowledged);
  g_assert_cmpuint(world_info(&world, 0).epoch, ==, 1);
  world_run(&world, 2 * WZP_SECOND);
  g_assert_cmpuint(world_info(&world, 0).epoch, ==, 2);
  world_assert_talk(&world);
  world_clear(&world);
}

/* Asks for new keys now. */
static void
rekey_now(World *world, unsigned who)
{
  world->people[who].dial->on->rekey_at = world->now;
  wzp_dial_handle_timeout(world->people[who].dial, world->now);
  world_settle(world);
}

static bool
take_records(World *world, unsigned from, GBytes *message)
{
  (void)from;
  g_ptr_array_add(world->taken, g_bytes_ref(message));
  return false;
}

/* What was sealed under the generation before opens for ten seconds more, and then never again. */
static void
test_old_generation(void)
{
  for (unsigned late = 0; late < 2; late++) {
    World world;
    world_init(&world);
    world_call_and_talk(&world);
    world.tap = take_records;
    for (unsigned i = 0; i < 2; i++)
      wzp_dial_mute(world.people[i].dial, true);
    world_settle(&world);
    g_assert_cmpuint(world.taken->len, ==, 2);
    world.tap = NULL;
    rekey_now(&world, 0);
    while (world_info(&world, 0).generation == 0) /* behind what was lost */
      world_run(&world, 100 * WZP_MSEC);
    world_run(&world, late ? 10100 * WZP_MSEC : 9800 * WZP_MSEC);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpuint(world_info(&world, i).generation, ==, 1);
      g_assert_cmpint(world_give(&world, 1 - i, g_ptr_array_index(world.taken, i)), ==,
                      late ? WZP_NO_KEY : WZP_OK);
    }
    world_clear(&world);
  }
}

/* Says what an honest side does not: an offer with this number. */
static void
offer_wrongly(World *world, unsigned who, uint32_t number)
{
  WzpDialMessage message = {.type = WZP_DIAL_REKEY, .number = number};
  uint8_t secret[32] = {1};
  wzp_x25519_base(message.key, secret);
  wzp_line_say(world->people[who].dial->on, &message);
  world_settle(world);
}

static void
test_offers_refused(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  static const uint32_t numbers[] = {0, 2, UINT32_MAX};
  for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
    offer_wrongly(&world, 0, numbers[i]);
  g_assert_cmpuint(world_info(&world, 1).generation, ==, 0);

  /* the keys before the last ones are still there */
  rekey_now(&world, 0);
  world_run(&world, WZP_SECOND);
  offer_wrongly(&world, 1, 2);
  g_assert_cmpuint(world_info(&world, 0).generation, ==, 1);

  /* one answer in 30 s; the same offer again after a minute */
  world_run(&world, 14 * WZP_SECOND);
  rekey_now(&world, 0);
  g_assert_true(world.people[0].dial->on->offered);
  talk_on(&world, 58 * WZP_SECOND);
  g_assert_cmpuint(world_info(&world, 1).generation, ==, 1);
  talk_on(&world, 4 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(world_info(&world, i).generation, ==, 2);
  world_clear(&world);
}

/* Who answered does neither send with the new keys nor take another offer, before it heard that they work; a fresh
 * base goes under them and not before. */
static void
test_answer_unheard(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  world.tap = nothing_of;
  world.deaf = 1 << 1; /* what the callee says is lost */
  rekey_now(&world, 0);
  const WzpLine *line = world.people[1].dial->on;
  world_run(&world, 31 * WZP_SECOND);
  offer_wrongly(&world, 0, 2);
  g_assert_cmpuint(line->generation, ==, 1);
  g_assert_cmpuint(wzp_control_send_generation(line->control), ==, 0);
  g_assert_true(line->fresh_base_due && !wzp_sender_has_pending(line->sender));
  world.deaf = 0;
  world_run(&world, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(world_info(&world, i).generation, ==, 1);
    g_assert_cmpuint(world_info(&world, i).epoch, ==, 1);
  }
  world_assert_talk(&world);
  world_clear(&world);
}

/* Both offer at the same moment, in every order; and messages get lost. */
static void
test_rekey_glare(void)
{
  for (unsigned lose = 0; lose < 6; lose++) {
    World world;
    world_init(&world);
    world_call_and_talk(&world);
    world.lose = lose;
    for (unsigned n = 0; n < 3; n++) {
      for (unsigned i = 0; i < 2; i++)
        world.people[i].dial->on->rekey_at = world.now;
      for (unsigned i = 0; i < 2; i++)
        wzp_dial_handle_timeout(world.people[i].dial, world.now);
      g_assert_true(world.people[0].dial->on->offered && world.people[1].dial->on->offered);
      talk_on(&world, 120 * WZP_SECOND);
      g_assert_cmpuint(world_info(&world, 0).generation, ==, n + 1);
      g_assert_cmpuint(world_info(&world, 1).generation, ==, n + 1);
      g_assert_cmpuint(world_info(&world, 0).epoch, ==, n + 1);
      g_assert_cmpuint(world_info(&world, 1).epoch, ==, n + 1);
    }
    world_clear(&world);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/dial-keys/rekey", test_rekey);
  g_test_add_func("/dial-keys/rekey-packets", test_rekey_packets);
  g_test_add_func("/dial-keys/wrap", test_wrap);
  g_test_add_func("/dial-keys/old-generation", test_old_generation);
  g_test_add_func("/dial-keys/offers-refused", test_offers_refused);
  g_test_add_func("/dial-keys/answer-unheard", test_answer_unheard);
  g_test_add_func("/dial-keys/rekey-glare", test_rekey_glare);
  return g_test_run();
}
