/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-world.h"
#include "test-util.h"
#include "wzp/profile.h"
#include <string.h>

/* Dialled calls: what the two say to each other, and how a call ends. */

/* --- A call --- */

static void
test_call(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  WzpDialInfo a = world_info(&world, 0), b = world_info(&world, 1);
  g_assert_cmpmem(a.sas, 8, b.sas, 8);
  g_assert_cmpmem(a.key, 32, world.people[1].identity->ed25519_public, 32);
  g_assert_cmpmem(b.key, 32, world.people[0].identity->ed25519_public, 32);
  g_assert_cmpmem(world_last(&world, 1, WZP_DIAL_EVENT_INCOMING)->sas, 8, a.sas, 8);
  g_assert_true(a.outgoing && !b.outgoing);
  g_assert_cmpint(a.slot, ==, 0);
  g_assert_cmpint(b.slot, ==, 1);
  world_assert_talk(&world);

  /* hold stops both, mute one, and only sound */
  g_assert_cmpint(wzp_dial_hold(world.people[1].dial, true), ==, WZP_OK);
  world_settle(&world);
  g_assert_true(world_last(&world, 0, WZP_DIAL_EVENT_HELD)->on);
  g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(world_speak(&world, 1, 0, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(wzp_dial_hold(world.people[1].dial, false), ==, WZP_OK);
  world_settle(&world);
  g_assert_false(world_last(&world, 0, WZP_DIAL_EVENT_HELD)->on);
  world_assert_talk(&world);
  g_assert_cmpint(wzp_dial_mute(world.people[0].dial, true), ==, WZP_OK);
  world_settle(&world);
  g_assert_true(world_last(&world, 1, WZP_DIAL_EVENT_MUTED)->on &&
                world_info(&world, 1).remote_muted);
  g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(world_speak(&world, 0, 1, WZP_CODE_NO_AUDIO), ==, WZP_OK);
  g_assert_cmpint(world_speak(&world, 1, 0, 0), ==, WZP_OK);

  /* the other side may be asked to go on with a third */
  g_assert_cmpint(wzp_dial_transfer(world.people[1].dial, world_fingerprint(&world, 0)), ==,
                  WZP_OWN_IDENTITY);
  g_assert_cmpint(wzp_dial_transfer(world.people[1].dial, world_fingerprint(&world, 2)), ==,
                  WZP_OK);
  world_settle(&world);
  g_assert_cmpmem(world_last(&world, 0, WZP_DIAL_EVENT_TRANSFER)->target, 16,
                  world_fingerprint(&world, 2), 16);
  g_assert_cmpint(
      wzp_dial_call(world.people[1].dial, world.now, world_fingerprint(&world, 2), NULL), ==,
      WZP_UNEXPECTED); /* nobody asked him to */
  world_call(&world, 0, 2);
  g_assert_cmpint(world_last(&world, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_TRANSFERRED);
  g_assert_true(world_last(&world, 1, WZP_DIAL_EVENT_ENDED)->theirs);
  g_assert_cmpint(world_info(&world, 2).state, ==, WZP_DIAL_RINGS);
  world_run(&world, WZP_SECOND);
  g_assert_cmpuint(world.people[1].dial->lines->len, ==, 0);
  g_assert_false(wzp_dial_is_finishing(world.people[1].dial));
  world_clear(&world);
}

/* What both want, and what cannot be. */
static void
test_modes(void)
{
  static const WzpAcceptMode modes[] = {WZP_ACCEPT_TRUSTED, WZP_ACCEPT_PRIVATE};
  for (unsigned i = 0; i < 4; i++) {
    World world;
    world_init(&world);
    world_start(&world, 0, modes[i & 1]);
    world_call(&world, 0, 1);
    g_assert_cmpint(world_last(&world, 1, WZP_DIAL_EVENT_INCOMING)->mode, ==, modes[i & 1]);
    g_assert_cmpint(wzp_dial_accept(world.people[1].dial, world.now, NULL, modes[i >> 1]), ==,
                    WZP_OK);
    world_settle(&world);
    WzpAcceptMode both = i == 0 ? WZP_ACCEPT_TRUSTED : WZP_ACCEPT_PRIVATE;
    g_assert_cmpint(world_info(&world, 0).mode, ==, both);
    g_assert_cmpint(world_info(&world, 1).mode, ==, both);
    world_clear(&world);
  }
  World world;
  world_init(&world);
  world_start(&world, 1, WZP_ACCEPT_REJECT);
  world_call(&world, 0, 1);
  g_assert_cmpint(world_last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_DECLINED);
  g_assert_cmpuint(world_count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, 0);
  g_assert_cmpuint(world_count(&world, 1, WZP_DIAL_EVENT_MISSED), ==, 1);
  WzpDial *dial = world.people[0].dial;
  g_assert_cmpint(wzp_dial_accept(dial, world.now, NULL, WZP_ACCEPT_TRUSTED), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_decline(dial, world.now, NULL, WZP_END_BUSY), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_hang_up(dial, world.now, NULL), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_hold(dial, true), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_transfer(dial, world_fingerprint(&world, 2)), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_call(dial, world.now, world_fingerprint(&world, 0), NULL), ==,
                  WZP_OWN_IDENTITY);
  world_call(&world, 0, 2);
  g_assert_cmpint(wzp_dial_call(dial, world.now, world_fingerprint(&world, 1), NULL), ==,
                  WZP_UNEXPECTED);
  uint8_t other_id[16] = {1}; /* a call that is not on */
  g_assert_cmpint(wzp_dial_hang_up(dial, world.now, other_id), ==, WZP_UNEXPECTED);
  world_clear(&world);
}

static void
test_refusals(void)
{
  static const struct {
    WzpCallStatus status;
    WzpCallEnd end;
  } cases[] = {{WZP_CALL_BUSY, WZP_END_BUSY},
               {WZP_CALL_LIMITED, WZP_END_LIMITED},
               {WZP_CALL_NO_PLACE, WZP_END_NO_PLACE}};
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    World world;
    world_init(&world);
    world_call(&world, 0, 1);
    world_start(&world, 1, WZP_ACCEPT_TRUSTED); /* its client is another one now */
    wzp_dial_hang_up(world.people[0].dial, world.now, NULL);
    world_run(&world, 20 * WZP_SECOND);
    world.lose = 8;
    world_call(&world, 0, 1);
    world_tell(&world, 0, &world.people[0].dial->on->route, cases[i].status);
    world_settle(&world);
    g_assert_cmpint(world_last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, cases[i].end);
    world_clear(&world);
  }
  /* one that is not there gets some seconds to come back */
  World world;
  world_init(&world);
  world.lose = 8;
  world_call(&world, 0, 1);
  for (unsigned i = 0; i < 4; i++) {
    g_assert_cmpint(world_info(&world, 0).state, ==, WZP_DIAL_DIALLING);
    world_tell(&world, 0, &world.people[0].dial->on->route, WZP_CALL_UNREACHABLE);
    world_run(&world, 2 * WZP_SECOND);
  }
  g_assert_cmpint(world_last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_UNREACHABLE);
  world_call(&world, 0, 1);
  world_run(&world, 31 * WZP_SECOND);
  g_assert_cmpint(world_last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_NO_ANSWER);
  world_clear(&world);
}

/* --- Media at the relay --- */

/* The caller's are there before the call is taken, the callee's not; what either says waits for no word of the relay, but
 * heeds it. */
static void
test_media_early(void)
{
  World world;
  world_init(&world);
  world_call(&world, 0, 1);
  WzpCallRoute route = world.people[0].dial->on->route;
  const WzpCallRoute nowhere = {0};
  g_assert_cmpmem(&world.people[0].joined, sizeof route, &route, sizeof route);
  g_assert_cmpmem(&world.people[1].joined, sizeof route, &nowhere, sizeof nowhere);
  g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(world_speak(&world, 1, 0, 0), ==, WZP_NO_RECEIVER);

  /* no place for them yet: it rings all the same, and they are shown again when they matter */
  world.people[0].joined = nowhere;
  world_tell(&world, 0, &route, WZP_CALL_NO_PLACE);
  world_settle(&world);
  g_assert_cmpint(world_info(&world, 0).state, ==, WZP_DIAL_DIALLING);
  g_assert_cmpint(wzp_dial_accept(world.people[1].dial, world.now, NULL, WZP_ACCEPT_PRIVATE), ==,
                  WZP_OK);
  g_assert_cmpint(world_speak(&world, 1, 0, 0), ==,
                  WZP_NOT_CONNECTED); /* said, and not heard yet */
  g_assert_false(world_info(&world, 1).together);
  world_settle(&world);
  g_assert_true(world_info(&world, 0).together && world_info(&world, 1).together);
  g_assert_cmpuint(world_count(&world, 0, WZP_DIAL_EVENT_TOGETHER), ==, 1);
  world_assert_talk(&world);

  world_tell(&world, 0, &route, WZP_CALL_ALONE);
  g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  world_tell(&world, 0, &route, WZP_CALL_NO_PLACE);
  g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  world_run(&world, 3 * WZP_SECOND); /* asks again */
  world_assert_talk(&world);

  /* the word that both are there overtakes the one that it was taken */
  world_start(&world, 0, WZP_ACCEPT_TRUSTED);
  world_run(&world, 60 * WZP_SECOND);
  world_call(&world, 0, 1);
  world_tell(&world, 0, &world.people[0].dial->on->route, WZP_CALL_TOGETHER);
  g_assert_false(world_info(&world, 0).together);
  g_assert_cmpint(world_speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(wzp_dial_accept(world.people[1].dial, world.now, NULL, WZP_ACCEPT_TRUSTED), ==,
                  WZP_OK);
  world_settle(&world);
  g_assert_true(world_info(&world, 0).together);
  world_assert_talk(&world);
  world_clear(&world);
}

/* --- The relay comes and goes --- */

static void
test_reconnect(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  for (unsigned i = 0; i < 2; i++) {
    wzp_dial_set_connected(world.people[i].dial, world.now, false);
    world.people[i].joined = (WzpCallRoute){0};
  }
  wzp_dial_hold(world.people[0].dial, true); /* said while nobody is there to carry it */
  world_run(&world, 20 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    wzp_dial_set_connected(world.people[i].dial, world.now, true);
  world_run(&world, 3 * WZP_SECOND);
  g_assert_true(world_info(&world, 0).together && world_info(&world, 1).together);
  g_assert_true(world_info(&world, 1).remote_held);
  wzp_dial_hold(world.people[0].dial, false);
  world_settle(&world);
  world_assert_talk(&world);

  /* one of them does not come back */
  wzp_dial_set_connected(world.people[1].dial, world.now, false);
  world.people[1].joined = (WzpCallRoute){0};
  world_tell(&world, 0, &world.people[0].dial->on->route, WZP_CALL_ALONE);
  world_run(&world, 29 * WZP_SECOND);
  g_assert_cmpint(world_info(&world, 0).state, ==, WZP_DIAL_TALKING);
  world_run(&world, 12 * WZP_SECOND);
  g_assert_cmpint(world_last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  world_run(&world, 10 * WZP_SECOND);
  g_assert_cmpint(world_last(&world, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  world_clear(&world);
}

/* Who calls anew has lost its call: that one ends here too. */
static void
test_caller_restarts(void)
{
  World world;
  world_init(&world);
  world_call_and_talk(&world);
  world_start(&world, 0, WZP_ACCEPT_TRUSTED);
  world_call(&world, 0, 1);
  g_assert_cmpint(world_last(&world, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  g_assert_cmpint(world_info(&world, 1).state, ==, WZP_DIAL_RINGS);
  /* a third one is told that we are busy */
  world_call(&world, 2, 1);
  g_assert_cmpint(world_last(&world, 2, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_BUSY);
  g_assert_cmpmem(world_last(&world, 1, WZP_DIAL_EVENT_MISSED)->key, 32,
                  world.people[2].identity->ed25519_public, 32);
  g_assert_cmpint(wzp_dial_accept(world.people[1].dial, world.now, NULL, WZP_ACCEPT_PRIVATE), ==,
                  WZP_OK);
  world_settle(&world);
  world_assert_talk(&world);
  world_clear(&world);
}

static bool
never(World *world, unsigned from, GBytes *message)
{
  (void)world, (void)from, (void)message;
  return false;
}

/* Both call each other before either hears of it. */
static void
test_crossing(void)
{
  World world;
  world_init(&world);
  unsigned low = memcmp(world_fingerprint(&world, 0), world_fingerprint(&world, 1), 16) < 0 ? 0 : 1;
  world.tap = never; /* the first messages are lost */
  world_call(&world, 0, 1);
  world_call(&world, 1, 0);
  world.tap = NULL;
  world_run(&world, 10 * WZP_SECOND);
  g_assert_true(world_info(&world, 0).together && world_info(&world, 1).together);
  g_assert_true(world_info(&world, low).outgoing);
  g_assert_cmpint(world_last(&world, 1 - low, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_CROSSED);
  g_assert_cmpuint(world_count(&world, low, WZP_DIAL_EVENT_ENDED), ==, 0);
  g_assert_cmpuint(world_count(&world, 1 - low, WZP_DIAL_EVENT_INCOMING), ==, 0);
  world_assert_talk(&world);
  world_clear(&world);
}

/* --- The callee forgets who does not go on --- */

#define HS3 0x42
#define RECORD 0x44
static struct {
  unsigned from;
  uint8_t kind;
  WzpTime until;
} hole;

static bool
through_the_hole(World *world, unsigned from, GBytes *message)
{
  const uint8_t *data = g_bytes_get_data(message, NULL);
  return data[0] != WZP_MESSAGE_CALL || from != hole.from ||
         data[1 + WZP_CALL_ROUTE_SIZE] != hole.kind || world->now >= hole.until;
}

static void
test_forgotten(void)
{
  static const struct {
    unsigned from;
    uint8_t kind;
    WzpTime time;
    bool new_client; /* of the callee, in the middle of it */
    WzpTime rings;   /* so long at most, from the call on */
  } cases[] = {
      {0, HS3, 9 * WZP_SECOND, false, 10 * WZP_SECOND}, /* just in time */
      {0, HS3, 12 * WZP_SECOND, false, 14 * WZP_SECOND},
      {0, HS3, 25 * WZP_SECOND, false, 27 * WZP_SECOND},
      {0, HS3, WZP_SECOND, true, 11 * WZP_SECOND},
      {1, RECORD, 25 * WZP_SECOND, false, 27 * WZP_SECOND}, /* it rings, and we do not hear of it */
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    World world;
    world_init(&world);
    world.tap = through_the_hole;
    hole.from = cases[i].from;
    hole.kind = cases[i].kind;
    hole.until = world.now + cases[i].time;
    world_call(&world, 0, 1);
    if (cases[i].new_client)
      world_start(&world, 1, WZP_ACCEPT_TRUSTED);
    WzpTime called = world.now;
    while (world_count(&world, 0, WZP_DIAL_EVENT_REMOTE_RINGS) == 0 &&
           world.now - called <= cases[i].rings)
      world_run(&world, WZP_SECOND);
    g_assert_cmpint(world.now - called, <=, cases[i].rings);
    g_assert_cmpuint(world_count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, 1);
    g_assert_cmpint(wzp_dial_accept(world.people[1].dial, world.now, NULL, WZP_ACCEPT_TRUSTED), ==,
                    WZP_OK);
    world_settle(&world);
    WzpDialInfo a = world_info(&world, 0), b = world_info(&world, 1);
    g_assert_cmpmem(a.id, 16, b.id, 16);
    g_assert_cmpmem(a.sas, 8, b.sas, 8);
    g_assert_cmpmem(world_last(&world, 0, WZP_DIAL_EVENT_PROVEN)->sas, 8, a.sas, 8);
    world_assert_talk(&world);
    world_run(&world, 60 * WZP_SECOND); /* nothing of the other tries is left */
    world_assert_talk(&world);
    g_assert_null(world.people[0].dial->on->again);
    world_clear(&world);
  }

  /* never through: patience ends, and the callee gave an answer for each ten seconds of it */
  World world;
  world_init(&world);
  world.tap = through_the_hole;
  hole.from = 0;
  hole.kind = HS3;
  hole.until = WZP_NEVER;
  world_call(&world, 0, 1);
  world_run(&world, 29 * WZP_SECOND);
  g_assert_cmpint(world_info(&world, 0).state, ==, WZP_DIAL_DIALLING);
  world_run(&world, 2 * WZP_SECOND);
  g_assert_cmpint(world_last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_NO_ANSWER);
  world_run(&world, 10 * WZP_SECOND);
  g_assert_cmpuint(world_last(&world, 1, WZP_DIAL_EVENT_UNFINISHED)->count, <=, 3);
  g_assert_cmpuint(world_count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, 0);
  world_clear(&world);
}

/* --- Messages --- */

static void
test_messages(void)
{
  uint8_t bytes[WZP_DIAL_MESSAGE_MAX];
  for (unsigned type = WZP_DIAL_INVITE; type <= WZP_DIAL_KEYACK; type++) {
    WzpDialMessage in = {.type = type, .number = 7}, out;
    bool has_mode = type == WZP_DIAL_INVITE || type == WZP_DIAL_ACCEPT;
    in.mode = has_mode ? WZP_ACCEPT_TRUSTED : 0;
    if (type < WZP_DIAL_REKEY)
      in.number = 0;
    size_t length = wzp_dial_message_write(bytes, &in);
    g_assert_cmpint(wzp_dial_message_parse(&out, bytes, length), ==, WZP_OK);
    g_assert_cmpmem(&in, sizeof in, &out, sizeof out);
    for (size_t n = 0; n < length; n++)
      g_assert_cmpint(wzp_dial_message_parse(&out, bytes, n), ==, WZP_TRUNCATED);
  }
  WzpDialMessage message;
  g_assert_cmpint(wzp_dial_message_parse(&message, (const uint8_t *)"\x06\x02", 2), ==,
                  WZP_MALFORMED);
  g_assert_cmpint(wzp_dial_message_parse(&message, (const uint8_t *)"\x7f", 1), ==,
                  WZP_UNKNOWN_KIND);
  g_assert_cmpint(wzp_dial_message_parse(&message, (const uint8_t *)"\x04\x77", 2), ==, WZP_OK);
  g_assert_cmpint(message.end, ==, WZP_END_ERROR);
  g_assert_cmpint(wzp_dial_message_parse(&message, (const uint8_t *)"\x03\x77", 2), ==, WZP_OK);
  g_assert_cmpint(message.mode, ==, WZP_ACCEPT_PRIVATE);

  WzpCallMessage route = {.kind = WZP_MESSAGE_CALL_MEDIA, .media = WZP_CALL_MEDIA_JOIN}, back;
  route.route.caller[0] = 1;
  g_autoptr(GBytes) built = wzp_call_message_build(&route);
  size_t length;
  const uint8_t *data = g_bytes_get_data(built, &length);
  g_assert_cmpuint(length, ==, 1 + 48 + 1);
  g_assert_cmpint(wzp_call_message_parse(&back, data, length), ==, WZP_OK);
  g_assert_cmpmem(&route, sizeof route, &back, sizeof back);
  for (size_t n = 0; n < length; n++)
    g_assert_cmpint(wzp_call_message_parse(&back, data, n), ==, WZP_TRUNCATED);
  g_autofree uint8_t *longer = g_malloc0(length + 1);
  memcpy(longer, data, length);
  g_assert_cmpint(wzp_call_message_parse(&back, longer, length + 1), ==, WZP_TOO_LONG);
  longer[length - 1] = 2;
  g_assert_cmpint(wzp_call_message_parse(&back, longer, length), ==, WZP_MALFORMED);
  longer[length - 1] = 1;
  longer[1 + 16] = 0; /* a call to oneself */
  g_assert_cmpint(wzp_call_message_parse(&back, longer, length), ==, WZP_MALFORMED);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/dial/messages", test_messages);
  g_test_add_func("/dial/call", test_call);
  g_test_add_func("/dial/modes", test_modes);
  g_test_add_func("/dial/refusals", test_refusals);
  g_test_add_func("/dial/media-early", test_media_early);
  g_test_add_func("/dial/reconnect", test_reconnect);
  g_test_add_func("/dial/caller-restarts", test_caller_restarts);
  g_test_add_func("/dial/crossing", test_crossing);
  g_test_add_func("/dial/forgotten", test_forgotten);
  return g_test_run();
}
