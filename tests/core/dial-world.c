/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-world.h"
#include "test-util.h"
#include <string.h>

static uint64_t seeds = 100;

WzpRandom
world_random(World *world, unsigned i)
{
  return wzp_random_seeded(&world->people[i].state, ++seeds);
}

void
world_start(World *world, unsigned i, WzpAcceptMode mode)
{
  WzpDialConfig config = {.identity = world->people[i].identity, .mode = mode};
  config.random = world_random(world, i);
  wzp_dial_free(world->people[i].dial);
  world->people[i].dial = wzp_dial_new(&config);
  wzp_dial_set_connected(world->people[i].dial, world->now, true);
}

void
world_init(World *world)
{
  memset(world, 0, sizeof *world);
  world->now = 1000 * WZP_SECOND;
  world->taken = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (unsigned i = 0; i < WORLD_PEOPLE; i++) {
    WzpRandom random = wzp_random_seeded(&world->people[i].state, 7 + i);
    world->people[i].identity = wzp_identity_new_random(&random);
    world->people[i].events = g_array_new(FALSE, FALSE, sizeof(WzpDialEvent));
    world_start(world, i, WZP_ACCEPT_TRUSTED);
  }
}

void
world_clear(World *world)
{
  for (unsigned i = 0; i < WORLD_PEOPLE; i++) {
    wzp_dial_free(world->people[i].dial);
    wzp_identity_free(world->people[i].identity);
    g_array_unref(world->people[i].events);
  }
  g_ptr_array_unref(world->taken);
}

const uint8_t *
world_fingerprint(const World *world, unsigned i)
{
  return world->people[i].identity->fingerprint;
}

static int
person(const World *world, const uint8_t *who)
{
  for (unsigned i = 0; i < WORLD_PEOPLE; i++)
    if (memcmp(world_fingerprint(world, i), who, WZP_FINGERPRINT_SIZE) == 0)
      return (int)i;
  return -1;
}

WzpResult
world_give(World *world, unsigned to, GBytes *message)
{
  size_t length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  if (!world->people[to].dial->connected)
    return WZP_NOT_CONNECTED;
  return wzp_dial_receive(world->people[to].dial, world->now, data, length);
}

void
world_tell(World *world, unsigned to, const WzpCallRoute *route, WzpCallStatus status)
{
  const WzpCallMessage message = {
      .kind = WZP_MESSAGE_CALL_STATUS, .route = *route, .status = status};
  g_autoptr(GBytes) bytes = wzp_call_message_build(&message);
  (void)world_give(world, to, bytes);
}

static bool
is_in(const World *world, unsigned i, const WzpCallRoute *route)
{
  return memcmp(&world->people[i].joined, route, sizeof *route) == 0;
}

/* The relay's work. */
static void
carry(World *world, unsigned from, GBytes *bytes)
{
  WzpCallMessage message;
  size_t length;
  const uint8_t *data = g_bytes_get_data(bytes, &length);
  g_assert_cmpint(wzp_call_message_parse(&message, data, length), ==, WZP_OK);
  if (message.kind == WZP_MESSAGE_LISTEN)
    return;
  int caller = person(world, message.route.caller), callee = person(world, message.route.callee);
  g_assert_true(caller == (int)from || callee == (int)from);
  int to = caller == (int)from ? callee : caller;
  g_assert_cmpint(to, >=, 0);
  if (message.kind == WZP_MESSAGE_CALL) {
    (void)world_give(world, (unsigned)to, bytes);
    return;
  }
  if (message.media == WZP_CALL_MEDIA_JOIN)
    world->people[from].joined = message.route;
  else if (is_in(world, from, &message.route))
    world->people[from].joined = (WzpCallRoute){0};
  const unsigned both[] = {from, (unsigned)to};
  for (unsigned i = 0; i < 2; i++)
    if (is_in(world, both[i], &message.route))
      world_tell(world, both[i], &message.route,
                 is_in(world, both[1 - i], &message.route) ? WZP_CALL_TOGETHER : WZP_CALL_ALONE);
}

static void
take_events(World *world)
{
  for (unsigned i = 0; i < WORLD_PEOPLE; i++) {
    WzpDialEvent event;
    while ((event = wzp_dial_next_event(world->people[i].dial)).type != WZP_DIAL_EVENT_NONE)
      g_array_append_val(world->people[i].events, event);
  }
}

void
world_settle(World *world)
{
  bool quiet;
  do {
    quiet = true;
    for (unsigned i = 0; i < WORLD_PEOPLE; i++) {
      GBytes *message;
      while ((message = wzp_dial_poll(world->people[i].dial, world->now)) != NULL) {
        quiet = false;
        world->carried++;
        world->luck = world->luck * 1664525 + 1013904223;
        bool lost = world->luck >> 29 < world->lose;
        if (!lost && (world->tap == NULL || world->tap(world, i, message)))
          carry(world, i, message);
        g_bytes_unref(message);
      }
    }
  } while (!quiet);
  take_events(world);
}

void
world_run(World *world, WzpTime duration)
{
  WzpTime end = world->now + duration;
  unsigned rounds = 0;
  world_settle(world);
  for (;;) {
    WzpTime next = WZP_NEVER;
    for (unsigned i = 0; i < WORLD_PEOPLE; i++)
      next = MIN(next, wzp_dial_next_timeout(world->people[i].dial));
    if (next > end)
      break;
    rounds = next > world->now ? 0 : rounds + 1;
    g_assert_cmpuint(rounds, <, 1000); /* a timer that does not move */
    world->now = MAX(world->now, next);
    for (unsigned i = 0; i < WORLD_PEOPLE; i++)
      wzp_dial_handle_timeout(world->people[i].dial, world->now);
    world_settle(world);
  }
  world->now = end;
}

unsigned
world_count(const World *world, unsigned i, WzpDialEventType type)
{
  const GArray *events = world->people[i].events;
  unsigned n = 0;
  for (unsigned e = 0; e < events->len; e++)
    n += g_array_index(events, WzpDialEvent, e).type == type;
  return n;
}

const WzpDialEvent *
world_last(const World *world, unsigned i, WzpDialEventType type)
{
  const GArray *events = world->people[i].events;
  for (unsigned e = events->len; e-- > 0;)
    if (g_array_index(events, WzpDialEvent, e).type == type)
      return &g_array_index(events, WzpDialEvent, e);
  g_assert_not_reached();
}

WzpDialInfo
world_info(const World *world, unsigned i)
{
  WzpDialInfo known;
  wzp_dial_get_info(world->people[i].dial, &known);
  return known;
}

void
world_call(World *world, unsigned caller, unsigned callee)
{
  g_assert_cmpint(
      wzp_dial_call(world->people[caller].dial, world->now, world_fingerprint(world, callee), NULL),
      ==, WZP_OK);
  world_settle(world);
}

void
world_call_and_talk(World *world)
{
  world_call(world, 0, 1);
  g_assert_cmpint(world_info(world, 1).state, ==, WZP_DIAL_RINGS);
  g_assert_cmpint(wzp_dial_accept(world->people[1].dial, world->now, NULL, WZP_ACCEPT_TRUSTED), ==,
                  WZP_OK);
  world_settle(world);
  g_assert_true(world_info(world, 0).together && world_info(world, 1).together);
}

WzpResult
world_speak(World *world, unsigned from, unsigned to, uint8_t code)
{
  static uint32_t timestamp;
  const WzpSealRequest request = {.code = code, .timestamp = timestamp += 20};
  uint8_t packet[200], plain[200];
  size_t length, plain_length;
  WzpOpened opened;
  WzpResult result = wzp_dial_seal(world->people[from].dial, world->now, &request, false, 3,
                                   "spoken", 6, packet, sizeof packet, &length, NULL);
  if (result != WZP_OK)
    return result;
  result = wzp_dial_open(world->people[to].dial, world->now, packet, length, plain, &plain_length,
                         &opened);
  if (result == WZP_OK)
    g_assert_cmpmem(plain, plain_length, "spoken", 6);
  return result;
}

void
world_assert_talk(World *world)
{
  g_assert_cmpint(world_speak(world, 0, 1, 0), ==, WZP_OK);
  g_assert_cmpint(world_speak(world, 1, 0, 0), ==, WZP_OK);
}
