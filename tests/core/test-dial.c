/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pair-recorder.h"
#include "test-util.h"
#include "wzp/dial-private.h"
#include "wzp/profile.h"
#include <string.h>

/* Dialled calls without a network: two or three who call, and a relay that hands over everything at once, and may do
 * what it likes. The recorder (--wrap) fails every program in which a key and a nonce meet twice. */

#define PEOPLE 3
typedef struct World World;
typedef bool (*Tap)(World *world, unsigned from, GBytes *message); /* false: it is lost */
struct World {
  WzpTime now;
  struct {
    WzpSeededRandom state;
    WzpIdentity *identity;
    WzpDial *dial;
    GArray *events;
    WzpCallRoute joined; /* the call that its media are in at the relay */
  } people[PEOPLE];
  Tap tap;
  GPtrArray *taken; /* what the tap kept */
  unsigned lose;    /* of eight messages so many are lost */
  uint32_t luck;
  unsigned carried;
};

static uint64_t seeds = 100; /* no two clients have the same keys */

static void
start(World *world, unsigned i, WzpAcceptMode mode)
{
  WzpDialConfig config = {.identity = world->people[i].identity, .mode = mode};
  config.random = wzp_random_seeded(&world->people[i].state, ++seeds);
  wzp_dial_free(world->people[i].dial);
  world->people[i].dial = wzp_dial_new(&config);
  wzp_dial_set_connected(world->people[i].dial, world->now, true);
}

static void
init(World *world)
{
  memset(world, 0, sizeof *world);
  world->now = 1000 * WZP_SECOND;
  world->taken = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (unsigned i = 0; i < PEOPLE; i++) {
    WzpRandom random = wzp_random_seeded(&world->people[i].state, 7 + i);
    world->people[i].identity = wzp_identity_new_random(&random);
    world->people[i].events = g_array_new(FALSE, FALSE, sizeof(WzpDialEvent));
    start(world, i, WZP_ACCEPT_TRUSTED);
  }
}

static void
clear(World *world)
{
  for (unsigned i = 0; i < PEOPLE; i++) {
    wzp_dial_free(world->people[i].dial);
    wzp_identity_free(world->people[i].identity);
    g_array_unref(world->people[i].events);
  }
  g_ptr_array_unref(world->taken);
}

static const uint8_t *
fingerprint(const World *world, unsigned i)
{
  return world->people[i].identity->fingerprint;
}

static int
person(const World *world, const uint8_t *who)
{
  for (unsigned i = 0; i < PEOPLE; i++)
    if (memcmp(fingerprint(world, i), who, WZP_FINGERPRINT_SIZE) == 0)
      return (int)i;
  return -1;
}

static WzpResult
give(World *world, unsigned to, GBytes *message)
{
  size_t length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  if (!world->people[to].dial->connected)
    return WZP_NOT_CONNECTED;
  return wzp_dial_receive(world->people[to].dial, world->now, data, length);
}

static void
tell(World *world, unsigned to, const WzpCallRoute *route, WzpCallStatus status)
{
  const WzpCallMessage message = {
      .kind = WZP_MESSAGE_CALL_STATUS, .route = *route, .status = status};
  g_autoptr(GBytes) bytes = wzp_call_message_build(&message);
  (void)give(world, to, bytes);
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
    (void)give(world, (unsigned)to, bytes);
    return;
  }
  if (message.media == WZP_CALL_MEDIA_JOIN)
    world->people[from].joined = message.route;
  else if (is_in(world, from, &message.route))
    world->people[from].joined = (WzpCallRoute){0};
  const unsigned both[] = {from, (unsigned)to};
  for (unsigned i = 0; i < 2; i++)
    if (is_in(world, both[i], &message.route))
      tell(world, both[i], &message.route,
           is_in(world, both[1 - i], &message.route) ? WZP_CALL_TOGETHER : WZP_CALL_ALONE);
}

static void
take_events(World *world)
{
  for (unsigned i = 0; i < PEOPLE; i++) {
    WzpDialEvent event;
    while ((event = wzp_dial_next_event(world->people[i].dial)).type != WZP_DIAL_EVENT_NONE)
      g_array_append_val(world->people[i].events, event);
  }
}

static void
settle(World *world)
{
  bool quiet;
  do {
    quiet = true;
    for (unsigned i = 0; i < PEOPLE; i++) {
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

static void
run(World *world, WzpTime duration)
{
  WzpTime end = world->now + duration;
  unsigned rounds = 0;
  settle(world);
  for (;;) {
    WzpTime next = WZP_NEVER;
    for (unsigned i = 0; i < PEOPLE; i++)
      next = MIN(next, wzp_dial_next_timeout(world->people[i].dial));
    if (next > end)
      break;
    rounds = next > world->now ? 0 : rounds + 1;
    g_assert_cmpuint(rounds, <, 1000); /* a timer that does not move */
    world->now = MAX(world->now, next);
    for (unsigned i = 0; i < PEOPLE; i++)
      wzp_dial_handle_timeout(world->people[i].dial, world->now);
    settle(world);
  }
  world->now = end;
}

static unsigned
count(const World *world, unsigned i, WzpDialEventType type)
{
  const GArray *events = world->people[i].events;
  unsigned n = 0;
  for (unsigned e = 0; e < events->len; e++)
    n += g_array_index(events, WzpDialEvent, e).type == type;
  return n;
}

static const WzpDialEvent *
last(const World *world, unsigned i, WzpDialEventType type)
{
  const GArray *events = world->people[i].events;
  for (unsigned e = events->len; e-- > 0;)
    if (g_array_index(events, WzpDialEvent, e).type == type)
      return &g_array_index(events, WzpDialEvent, e);
  g_assert_not_reached();
}

static WzpDialInfo
info(const World *world, unsigned i)
{
  WzpDialInfo known;
  wzp_dial_get_info(world->people[i].dial, &known);
  return known;
}

static void
call(World *world, unsigned caller, unsigned callee)
{
  g_assert_cmpint(
      wzp_dial_call(world->people[caller].dial, world->now, fingerprint(world, callee), NULL), ==,
      WZP_OK);
  settle(world);
}

static void
call_and_talk(World *world)
{
  call(world, 0, 1);
  g_assert_cmpint(info(world, 1).state, ==, WZP_DIAL_RINGS);
  g_assert_cmpint(wzp_dial_accept(world->people[1].dial, world->now, NULL, WZP_ACCEPT_TRUSTED), ==,
                  WZP_OK);
  settle(world);
  g_assert_true(info(world, 0).together && info(world, 1).together);
}

/* One packet from one to the other. */
static WzpResult
speak(World *world, unsigned from, unsigned to, uint8_t code)
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

static void
assert_talk(World *world)
{
  g_assert_cmpint(speak(world, 0, 1, 0), ==, WZP_OK);
  g_assert_cmpint(speak(world, 1, 0, 0), ==, WZP_OK);
}

/* --- A call --- */

static void
test_call(void)
{
  World world;
  init(&world);
  call_and_talk(&world);
  WzpDialInfo a = info(&world, 0), b = info(&world, 1);
  g_assert_cmpmem(a.sas, 8, b.sas, 8);
  g_assert_cmpmem(a.key, 32, world.people[1].identity->ed25519_public, 32);
  g_assert_cmpmem(b.key, 32, world.people[0].identity->ed25519_public, 32);
  g_assert_cmpmem(last(&world, 1, WZP_DIAL_EVENT_INCOMING)->sas, 8, a.sas, 8);
  g_assert_true(a.outgoing && !b.outgoing);
  g_assert_cmpint(a.slot, ==, 0);
  g_assert_cmpint(b.slot, ==, 1);
  assert_talk(&world);

  /* hold stops both, mute one, and only sound */
  g_assert_cmpint(wzp_dial_hold(world.people[1].dial, true), ==, WZP_OK);
  settle(&world);
  g_assert_true(last(&world, 0, WZP_DIAL_EVENT_HELD)->on);
  g_assert_cmpint(speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(speak(&world, 1, 0, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(wzp_dial_hold(world.people[1].dial, false), ==, WZP_OK);
  settle(&world);
  g_assert_false(last(&world, 0, WZP_DIAL_EVENT_HELD)->on);
  assert_talk(&world);
  g_assert_cmpint(wzp_dial_mute(world.people[0].dial, true), ==, WZP_OK);
  settle(&world);
  g_assert_true(last(&world, 1, WZP_DIAL_EVENT_MUTED)->on && info(&world, 1).remote_muted);
  g_assert_cmpint(speak(&world, 0, 1, 0), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(speak(&world, 0, 1, WZP_CODE_NO_AUDIO), ==, WZP_OK);
  g_assert_cmpint(speak(&world, 1, 0, 0), ==, WZP_OK);

  /* the other side may be asked to go on with a third */
  g_assert_cmpint(wzp_dial_transfer(world.people[1].dial, fingerprint(&world, 0)), ==,
                  WZP_OWN_IDENTITY);
  g_assert_cmpint(wzp_dial_transfer(world.people[1].dial, fingerprint(&world, 2)), ==, WZP_OK);
  settle(&world);
  g_assert_cmpmem(last(&world, 0, WZP_DIAL_EVENT_TRANSFER)->target, 16, fingerprint(&world, 2), 16);
  g_assert_cmpint(wzp_dial_call(world.people[1].dial, world.now, fingerprint(&world, 2), NULL), ==,
                  WZP_UNEXPECTED); /* nobody asked him to */
  call(&world, 0, 2);
  g_assert_cmpint(last(&world, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_TRANSFERRED);
  g_assert_true(last(&world, 1, WZP_DIAL_EVENT_ENDED)->theirs);
  g_assert_cmpint(info(&world, 2).state, ==, WZP_DIAL_RINGS);
  run(&world, WZP_SECOND);
  g_assert_cmpuint(world.people[1].dial->lines->len, ==, 0);
  g_assert_false(wzp_dial_is_finishing(world.people[1].dial));
  clear(&world);
}

/* What both want, and what cannot be. */
static void
test_modes(void)
{
  static const WzpAcceptMode modes[] = {WZP_ACCEPT_TRUSTED, WZP_ACCEPT_PRIVATE};
  for (unsigned i = 0; i < 4; i++) {
    World world;
    init(&world);
    start(&world, 0, modes[i & 1]);
    call(&world, 0, 1);
    g_assert_cmpint(last(&world, 1, WZP_DIAL_EVENT_INCOMING)->mode, ==, modes[i & 1]);
    g_assert_cmpint(wzp_dial_accept(world.people[1].dial, world.now, NULL, modes[i >> 1]), ==,
                    WZP_OK);
    settle(&world);
    WzpAcceptMode both = i == 0 ? WZP_ACCEPT_TRUSTED : WZP_ACCEPT_PRIVATE;
    g_assert_cmpint(info(&world, 0).mode, ==, both);
    g_assert_cmpint(info(&world, 1).mode, ==, both);
    clear(&world);
  }
  World world;
  init(&world);
  start(&world, 1, WZP_ACCEPT_REJECT);
  call(&world, 0, 1);
  g_assert_cmpint(last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_DECLINED);
  g_assert_cmpuint(count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, 0);
  g_assert_cmpuint(count(&world, 1, WZP_DIAL_EVENT_MISSED), ==, 1);
  WzpDial *dial = world.people[0].dial;
  g_assert_cmpint(wzp_dial_accept(dial, world.now, NULL, WZP_ACCEPT_TRUSTED), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_decline(dial, world.now, NULL, WZP_END_BUSY), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_hang_up(dial, world.now, NULL), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_hold(dial, true), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_transfer(dial, fingerprint(&world, 2)), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_dial_call(dial, world.now, fingerprint(&world, 0), NULL), ==,
                  WZP_OWN_IDENTITY);
  call(&world, 0, 2);
  g_assert_cmpint(wzp_dial_call(dial, world.now, fingerprint(&world, 1), NULL), ==, WZP_UNEXPECTED);
  uint8_t other_id[16] = {1}; /* a call that is not on */
  g_assert_cmpint(wzp_dial_hang_up(dial, world.now, other_id), ==, WZP_UNEXPECTED);
  clear(&world);
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
    init(&world);
    call(&world, 0, 1);
    start(&world, 1, WZP_ACCEPT_TRUSTED); /* its client is another one now */
    wzp_dial_hang_up(world.people[0].dial, world.now, NULL);
    run(&world, 20 * WZP_SECOND);
    world.lose = 8;
    call(&world, 0, 1);
    tell(&world, 0, &world.people[0].dial->on->route, cases[i].status);
    settle(&world);
    g_assert_cmpint(last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, cases[i].end);
    clear(&world);
  }
  /* one that is not there gets some seconds to come back */
  World world;
  init(&world);
  world.lose = 8;
  call(&world, 0, 1);
  for (unsigned i = 0; i < 4; i++) {
    g_assert_cmpint(info(&world, 0).state, ==, WZP_DIAL_DIALLING);
    tell(&world, 0, &world.people[0].dial->on->route, WZP_CALL_UNREACHABLE);
    run(&world, 2 * WZP_SECOND);
  }
  g_assert_cmpint(last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_UNREACHABLE);
  call(&world, 0, 1);
  run(&world, 31 * WZP_SECOND);
  g_assert_cmpint(last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_NO_ANSWER);
  clear(&world);
}

/* --- Attacks --- */

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
  init(&world);
  world.tap = keep_all;
  call_and_talk(&world);
  wzp_dial_hang_up(world.people[0].dial, world.now, NULL);
  run(&world, 20 * WZP_SECOND);
  world.tap = NULL;
  unsigned rang = count(&world, 1, WZP_DIAL_EVENT_INCOMING);
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned i = 0; i < world.taken->len; i++)
      for (unsigned to = 0; to < 2; to++)
        (void)give(&world, to, g_ptr_array_index(world.taken, i));
    settle(&world);
    run(&world, 12 * WZP_SECOND);
  }
  g_assert_cmpuint(count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, rang);
  g_assert_cmpuint(count(&world, 0, WZP_DIAL_EVENT_INCOMING), ==, 0);
  g_assert_cmpint(info(&world, 0).state, ==, WZP_DIAL_IDLE);
  g_assert_cmpint(info(&world, 1).state, ==, WZP_DIAL_IDLE);
  g_assert_cmpuint(last(&world, 1, WZP_DIAL_EVENT_UNFINISHED)->count, >=, 1);
  g_assert_cmpuint(world.people[1].dial->lines->len, ==, 0);

  /* and while the next one is on */
  call_and_talk(&world);
  for (unsigned i = 0; i < world.taken->len; i++)
    for (unsigned to = 0; to < 2; to++)
      (void)give(&world, to, g_ptr_array_index(world.taken, i));
  settle(&world);
  assert_talk(&world);
  clear(&world);
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
  init(&world);
  world.tap = flip_first;
  call(&world, 0, 1);
  /* a changed call id or HS1 is another call, which may be begun, and is never proven */
  run(&world, 5 * WZP_SECOND);
  g_assert_cmpuint(flips, >, 300);
  g_assert_cmpuint(count(&world, 1, WZP_DIAL_EVENT_INCOMING), <=, 1);
  world.tap = NULL;
  run(&world, 700 * WZP_SECOND); /* all guesses at it are forgotten */
  call_and_talk(&world);
  assert_talk(&world);
  clear(&world);
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
  WzpRandom random = wzp_random_seeded(&world->people[2].state, ++seeds);
  WzpResult result;
  WzpResponder *responder =
      wzp_responder_new(&config, &random, message.body, message.body_length, NULL, 0, &result);
  WzpCallMessage answer = {.kind = WZP_MESSAGE_CALL, .route = message.route};
  answer.body = wzp_responder_message(responder, &answer.body_length);
  g_autoptr(GBytes) forged = wzp_call_message_build(&answer);
  g_assert_cmpint(give(world, from, forged), ==, WZP_WRONG_IDENTITY);
  wzp_responder_free(responder);
  return false;
}

static void
test_wrong_identity(void)
{
  World world;
  init(&world);
  world.tap = answer_as_relay;
  call(&world, 0, 1);
  run(&world, 10 * WZP_SECOND);
  g_assert_cmpuint(count(&world, 0, WZP_DIAL_EVENT_WRONG_IDENTITY), ==, 1);
  g_assert_cmpmem(last(&world, 0, WZP_DIAL_EVENT_WRONG_IDENTITY)->key, 32,
                  world.people[2].identity->ed25519_public, 32);
  g_assert_cmpint(info(&world, 0).state, ==, WZP_DIAL_DIALLING);
  run(&world, 21 * WZP_SECOND);
  g_assert_cmpint(last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_WRONG_IDENTITY);
  /* the right one may still answer */
  call(&world, 0, 1);
  world.tap = NULL;
  run(&world, 4 * WZP_SECOND);
  g_assert_cmpint(info(&world, 1).state, ==, WZP_DIAL_RINGS);
  clear(&world);

  /* the fingerprint is right, the whole key is not the one that was met */
  init(&world);
  g_assert_cmpint(wzp_dial_call(world.people[0].dial, world.now, fingerprint(&world, 1),
                                world.people[2].identity->ed25519_public),
                  ==, WZP_OK);
  run(&world, WZP_SECOND);
  g_assert_cmpuint(count(&world, 0, WZP_DIAL_EVENT_WRONG_IDENTITY), ==, 1);
  g_assert_cmpuint(count(&world, 1, WZP_DIAL_EVENT_INCOMING), ==, 0);
  clear(&world);
}

/* HS1s of one who never goes on: four at once, twenty in ten minutes. */
static void
test_answers_limited(void)
{
  World world;
  init(&world);
  unsigned answered = 0, half_open = 0;
  for (unsigned i = 0; i < 60; i++) {
    World other;
    init(&other);
    g_assert_cmpint(wzp_dial_call(other.people[0].dial, other.now, fingerprint(&other, 1), NULL),
                    ==, WZP_OK);
    g_autoptr(GBytes) hs1 = wzp_dial_poll(other.people[0].dial, other.now);
    WzpResult result = give(&world, 1, hs1);
    answered += result == WZP_OK;
    half_open = MAX(half_open, world.people[1].dial->lines->len);
    if (i % 6 == 5)
      run(&world, 11 * WZP_SECOND);
    clear(&other);
  }
  g_assert_cmpuint(half_open, ==, WZP_DIAL_HALF_OPEN_MAX);
  g_assert_cmpuint(answered, ==, WZP_DIAL_ANSWERS_MAX);
  g_assert_cmpuint(last(&world, 1, WZP_DIAL_EVENT_UNFINISHED)->count, ==, WZP_DIAL_ANSWERS_MAX);
  run(&world, 600 * WZP_SECOND);
  call_and_talk(&world);
  clear(&world);
}

/* --- New keys --- */

static void
talk_on(World *world, WzpTime duration)
{
  for (WzpTime end = world->now + duration; world->now < end;) {
    run(world, WZP_SECOND);
    assert_talk(world);
  }
}

static void
test_rekey(void)
{
  World world;
  init(&world);
  call_and_talk(&world);
  talk_on(&world, 599 * WZP_SECOND);
  g_assert_cmpuint(info(&world, 0).generation, ==, 0);
  for (unsigned n = 1; n <= 20; n++) { /* more than the wire tells apart */
    talk_on(&world, 30 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpuint(info(&world, i).generation, ==, n);
      g_assert_cmpuint(info(&world, i).epoch, ==, n);
      const WzpLine *line = world.people[i].dial->on;
      g_assert_cmpuint(wzp_control_send_generation(line->control), ==, n);
      g_assert_false(wzp_control_holds_previous(line->control)); /* erased in time */
      g_assert_false(line->offered);
    }
    g_assert_cmpmem(world.people[0].dial->on->rekey, 32, world.people[1].dial->on->rekey, 32);
    talk_on(&world, 570 * WZP_SECOND);
  }
  clear(&world);
}

static void
test_rekey_packets(void)
{
  World world;
  init(&world);
  call_and_talk(&world);
  for (unsigned i = 0; i < 3 * WZP_DIAL_REKEY_PACKETS; i++) {
    g_assert_cmpint(speak(&world, 1, 0, 0), ==, WZP_OK);
    if (i % 50 == 0)
      run(&world, WZP_SECOND);
  }
  g_assert_cmpuint(info(&world, 1).generation, >=, 2);
  g_assert_cmpuint(info(&world, 1).epoch, >=, 3); /* with the wrap */
  g_assert_cmpuint(info(&world, 0).generation, ==, info(&world, 1).generation);
  clear(&world);
}

/* Both offer at the same moment, in every order; and messages get lost. */
static void
test_rekey_glare(void)
{
  for (unsigned lose = 0; lose < 6; lose++) {
    World world;
    init(&world);
    call_and_talk(&world);
    world.lose = lose;
    for (unsigned n = 0; n < 3; n++) {
      for (unsigned i = 0; i < 2; i++)
        world.people[i].dial->on->rekey_at = world.now;
      for (unsigned i = 0; i < 2; i++)
        wzp_dial_handle_timeout(world.people[i].dial, world.now);
      g_assert_true(world.people[0].dial->on->offered && world.people[1].dial->on->offered);
      talk_on(&world, 120 * WZP_SECOND);
      g_assert_cmpuint(info(&world, 0).generation, ==, n + 1);
      g_assert_cmpuint(info(&world, 1).generation, ==, n + 1);
      g_assert_cmpuint(info(&world, 0).epoch, ==, n + 1);
      g_assert_cmpuint(info(&world, 1).epoch, ==, n + 1);
    }
    clear(&world);
  }
}

/* --- The relay comes and goes --- */

static void
test_reconnect(void)
{
  World world;
  init(&world);
  call_and_talk(&world);
  for (unsigned i = 0; i < 2; i++) {
    wzp_dial_set_connected(world.people[i].dial, world.now, false);
    world.people[i].joined = (WzpCallRoute){0};
  }
  wzp_dial_hold(world.people[0].dial, true); /* said while nobody is there to carry it */
  run(&world, 20 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    wzp_dial_set_connected(world.people[i].dial, world.now, true);
  run(&world, 3 * WZP_SECOND);
  g_assert_true(info(&world, 0).together && info(&world, 1).together);
  g_assert_true(info(&world, 1).remote_held);
  wzp_dial_hold(world.people[0].dial, false);
  settle(&world);
  assert_talk(&world);

  /* one of them does not come back */
  wzp_dial_set_connected(world.people[1].dial, world.now, false);
  world.people[1].joined = (WzpCallRoute){0};
  tell(&world, 0, &world.people[0].dial->on->route, WZP_CALL_ALONE);
  run(&world, 29 * WZP_SECOND);
  g_assert_cmpint(info(&world, 0).state, ==, WZP_DIAL_TALKING);
  run(&world, 12 * WZP_SECOND);
  g_assert_cmpint(last(&world, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  run(&world, 10 * WZP_SECOND);
  g_assert_cmpint(last(&world, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  clear(&world);
}

/* Who calls anew has lost its call: that one ends here too. */
static void
test_caller_restarts(void)
{
  World world;
  init(&world);
  call_and_talk(&world);
  start(&world, 0, WZP_ACCEPT_TRUSTED);
  call(&world, 0, 1);
  g_assert_cmpint(last(&world, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  g_assert_cmpint(info(&world, 1).state, ==, WZP_DIAL_RINGS);
  /* a third one is told that we are busy */
  call(&world, 2, 1);
  g_assert_cmpint(last(&world, 2, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_BUSY);
  g_assert_cmpmem(last(&world, 1, WZP_DIAL_EVENT_MISSED)->key, 32,
                  world.people[2].identity->ed25519_public, 32);
  g_assert_cmpint(wzp_dial_accept(world.people[1].dial, world.now, NULL, WZP_ACCEPT_PRIVATE), ==,
                  WZP_OK);
  settle(&world);
  assert_talk(&world);
  clear(&world);
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
  init(&world);
  unsigned low = memcmp(fingerprint(&world, 0), fingerprint(&world, 1), 16) < 0 ? 0 : 1;
  world.tap = never; /* the first messages are lost */
  call(&world, 0, 1);
  call(&world, 1, 0);
  world.tap = NULL;
  run(&world, 10 * WZP_SECOND);
  g_assert_true(info(&world, 0).together && info(&world, 1).together);
  g_assert_true(info(&world, low).outgoing);
  g_assert_cmpint(last(&world, 1 - low, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_CROSSED);
  g_assert_cmpuint(count(&world, low, WZP_DIAL_EVENT_ENDED), ==, 0);
  g_assert_cmpuint(count(&world, 1 - low, WZP_DIAL_EVENT_INCOMING), ==, 0);
  assert_talk(&world);
  clear(&world);
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
  g_test_add_func("/dial/replay", test_replay);
  g_test_add_func("/dial/flips", test_flips);
  g_test_add_func("/dial/wrong-identity", test_wrong_identity);
  g_test_add_func("/dial/answers-limited", test_answers_limited);
  g_test_add_func("/dial/rekey", test_rekey);
  g_test_add_func("/dial/rekey-packets", test_rekey_packets);
  g_test_add_func("/dial/rekey-glare", test_rekey_glare);
  g_test_add_func("/dial/reconnect", test_reconnect);
  g_test_add_func("/dial/caller-restarts", test_caller_restarts);
  g_test_add_func("/dial/crossing", test_crossing);
  return g_test_run();
}
