/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-world.h"
#include "test-util.h"
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
    }
    g_assert_cmpmem(world.people[0].dial->on->rekey, 32, world.people[1].dial->on->rekey, 32);
    talk_on(&world, 570 * WZP_SECOND);
  }
  world_clear(&world);
}

static void
test_rekey_packets(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  for (unsigned i = 0; i < 3 * WZP_DIAL_REKEY_PACKETS; i++) {
    g_assert_cmpint(world_speak(&world, 1, 0, 0), ==, WZP_OK);
    if (i % 50 == 0)
      world_run(&world, WZP_SECOND);
  }
  g_assert_cmpuint(world_info(&world, 1).generation, >=, 2);
  g_assert_cmpuint(world_info(&world, 1).epoch, >=, 3); /* with the wrap */
  g_assert_cmpuint(world_info(&world, 0).generation, ==, world_info(&world, 1).generation);
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
  g_test_add_func("/dial-keys/rekey-glare", test_rekey_glare);
  return g_test_run();
}
