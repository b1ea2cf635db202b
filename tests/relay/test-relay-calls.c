/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "wzp/dial-message.h"
#include <string.h>

/* Dialled calls at the relay: who is reached, what is forwarded, where media go, what is refused. */

static WzpCallRoute
route_of(const RelayClient *caller, const RelayClient *callee, uint8_t number)
{
  WzpCallRoute route = {.id = {number}};

  memcpy(route.caller, caller->identity->fingerprint, sizeof route.caller);
  memcpy(route.callee, callee->identity->fingerprint, sizeof route.callee);
  return route;
}

static void
say(RelayWorld *world, RelayClient *client, WzpCallMessage message)
{
  GBytes *bytes = wzp_call_message_build(&message);

  relay_client_send(client, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  g_bytes_unref(bytes);
  relay_world_settle(world);
}

static void
say_call(RelayWorld *world, RelayClient *client, const WzpCallRoute *route, const char *text)
{
  say(world, client,
      (WzpCallMessage){.kind = WZP_MESSAGE_CALL,
                       .route = *route,
                       .body = (const uint8_t *)text,
                       .body_length = strlen(text)});
}

static void
say_media(RelayWorld *world, RelayClient *client, const WzpCallRoute *route, WzpCallMedia media)
{
  say(world, client,
      (WzpCallMessage){.kind = WZP_MESSAGE_CALL_MEDIA, .route = *route, .media = media});
}

/* The next news are this. */
static void
assert_hears(RelayClient *client, WzpMessageKind kind, const WzpCallRoute *route,
             WzpCallStatus status, const char *text)
{
  GBytes *bytes = g_queue_pop_head(&client->messages);
  WzpCallMessage message;

  g_assert_nonnull(bytes);
  g_assert_cmpint(
      wzp_call_message_parse(&message, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)), ==,
      WZP_OK);
  g_assert_cmpint(message.kind, ==, kind);
  if (route != NULL)
    g_assert_cmpmem(&message.route, sizeof message.route, route, sizeof *route);
  if (kind == WZP_MESSAGE_CALL)
    g_assert_cmpmem(message.body, message.body_length, text, strlen(text));
  else
    g_assert_cmpint(message.status, ==, status);
  g_bytes_unref(bytes);
}

static void
assert_told(RelayClient *client, const WzpCallRoute *route, WzpCallStatus status)
{
  assert_hears(client, WZP_MESSAGE_CALL_STATUS, route, status, NULL);
}

static void
forget_messages(RelayClient *client)
{
  g_queue_clear_full(&client->messages, (GDestroyNotify)g_bytes_unref);
}

static void
assert_silent(const RelayClient *client)
{
  g_assert_cmpuint(client->messages.length, ==, 0);
}

static RelayClient *
listener(RelayWorld *world)
{
  RelayClient *client = relay_world_join(world, NULL);

  say(world, client, (WzpCallMessage){.kind = WZP_MESSAGE_LISTEN});
  assert_told(client, NULL, WZP_CALL_LISTENING);
  return client;
}

static uint64_t
dropped(const RelayWorld *world, WzpResult reason)
{
  return relay_world_stats(world).control_drops[reason];
}

static void
test_forwards(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, NULL), *bob = listener(world),
              *eve = listener(world);
  WzpCallRoute route = route_of(alice, bob, 1), forged = route_of(alice, bob, 2), other;

  /* who does not listen is still heard in its own calls */
  say_call(world, alice, &route, "hello");
  assert_hears(bob, WZP_MESSAGE_CALL, &route, 0, "hello");
  say_call(world, bob, &route, "yes");
  assert_hears(alice, WZP_MESSAGE_CALL, &route, 0, "yes");
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 1);
  g_assert_cmpuint(relay_world_stats(world).calls_started, ==, 1);

  /* nobody speaks for others, or gets what is not for them */
  say_call(world, eve, &forged, "I am alice");
  say_call(world, eve, &route, "me too");
  say_media(world, eve, &route, WZP_CALL_MEDIA_JOIN);
  say_media(world, eve, &route, WZP_CALL_MEDIA_OVER);
  g_assert_cmpuint(dropped(world, WZP_WRONG_IDENTITY), ==, 4);
  assert_silent(alice);
  assert_silent(bob);
  assert_silent(eve);
  say(world, eve, (WzpCallMessage){.kind = WZP_MESSAGE_CALL_STATUS, .route = route});
  g_assert_cmpuint(dropped(world, WZP_UNKNOWN_KIND), ==, 1); /* that is for the relay to say */

  /* alice does not listen: a call for her ends here, and takes no place */
  other = route_of(bob, alice, 1);
  say_call(world, bob, &other, "hello");
  assert_told(bob, &other, WZP_CALL_UNREACHABLE);
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 1);

  say_media(world, alice, &route, WZP_CALL_MEDIA_OVER);
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 1);
  say_media(world, bob, &route, WZP_CALL_MEDIA_OVER);
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 0);
  relay_world_free(world);
}

static void
send_media(RelayWorld *world, RelayClient *from, uint8_t slot, uint16_t seq, WzpResult expected,
           RelayClient *to)
{
  GBytes *datagram = relay_client_media(from, slot, seq);

  g_assert_cmpint(relay_world_send_copy(world, from, datagram), ==, expected);
  if (to != NULL)
    relay_assert_media(to, datagram);
  g_bytes_unref(datagram);
}

static void
test_media(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = listener(world), *bob = listener(world), *eve = listener(world);
  WzpCallRoute route = route_of(alice, bob, 1), eves = route_of(eve, bob, 1);

  say_media(world, alice, &route, WZP_CALL_MEDIA_JOIN);
  assert_told(alice, &route, WZP_CALL_ALONE);
  send_media(world, alice, 0, 1, WZP_OK, NULL);
  g_assert_true(g_queue_is_empty(&bob->media));
  say_media(world, bob, &route, WZP_CALL_MEDIA_JOIN);
  assert_told(bob, &route, WZP_CALL_TOGETHER);
  assert_told(alice, &route, WZP_CALL_TOGETHER);
  send_media(world, alice, 0, 2, WZP_OK, bob);
  send_media(world, bob, 1, 1, WZP_OK, alice);
  send_media(world, bob, 0, 2, WZP_WRONG_SLOT, NULL);

  /* another call with the same number is another call */
  say_media(world, eve, &eves, WZP_CALL_MEDIA_JOIN);
  assert_told(eve, &eves, WZP_CALL_ALONE);
  send_media(world, eve, 0, 1, WZP_OK, NULL);
  send_media(world, alice, 0, 3, WZP_OK, bob);
  g_assert_true(g_queue_is_empty(&bob->media) && g_queue_is_empty(&eve->media));

  /* the same JOIN again changes nothing and is answered */
  say_media(world, alice, &route, WZP_CALL_MEDIA_JOIN);
  assert_told(alice, &route, WZP_CALL_TOGETHER);
  assert_silent(bob);

  /* a new session of bob takes the place of the one before */
  relay_client_connect(bob);
  relay_world_settle(world);
  say_media(world, bob, &route, WZP_CALL_MEDIA_JOIN);
  assert_told(bob, &route, WZP_CALL_TOGETHER);
  assert_told(alice, &route, WZP_CALL_ALONE);
  assert_told(alice, &route, WZP_CALL_TOGETHER);
  send_media(world, bob, 1, 10, WZP_OK, alice);
  send_media(world, alice, 0, 4, WZP_OK, bob);

  /* whoever joins a room speaks there */
  relay_client_set_room(alice, "kitchen", alice->relay_key);
  relay_client_send_join(alice);
  relay_world_settle(world);
  assert_told(bob, &route, WZP_CALL_ALONE);
  send_media(world, bob, 1, 11, WZP_OK, NULL);
  g_assert_true(g_queue_is_empty(&alice->media));
  forget_messages(alice);
  say_media(world, alice, &route, WZP_CALL_MEDIA_JOIN);
  assert_told(alice, &route, WZP_CALL_TOGETHER);
  assert_told(bob, &route, WZP_CALL_TOGETHER);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);

  /* alice's client is gone; bob hears of it, and the call goes when he does */
  wzp_control_close(alice->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  assert_told(bob, &route, WZP_CALL_ALONE);
  wzp_control_close(bob->control, WZP_CLOSE_LEAVE);
  wzp_control_close(eve->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 0);
  relay_world_free(world);
}

/* A client that comes back is the same client, in whatever state its older session is. */
static void
test_returns(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = listener(world), *bob = listener(world);
  WzpCallRoute route = route_of(alice, bob, 1);
  unsigned i;

  say_media(world, alice, &route, WZP_CALL_MEDIA_JOIN);
  say_media(world, bob, &route, WZP_CALL_MEDIA_JOIN);
  forget_messages(alice);
  forget_messages(bob);
  /* more often than an identity may have sessions; the relay has heard no goodbye */
  for (i = 0; i < 10; i++) {
    relay_client_connect(bob);
    relay_world_settle(world);
    say(world, bob, (WzpCallMessage){.kind = WZP_MESSAGE_LISTEN});
    assert_told(bob, NULL, WZP_CALL_LISTENING);
    g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
    send_media(world, bob, 1, 1, WZP_OK, alice);
    send_media(world, alice, 0, (uint16_t)(10 + i), WZP_OK, bob);
  }
  assert_silent(alice); /* for whom nothing happened */
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 1);
  relay_world_free(world);
}

/* Of three sessions of an identity the one that asked last gets the calls. */
static void
test_listeners(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = listener(world), *bob = listener(world), *again = relay_world_add(world);
  WzpCallRoute first = route_of(alice, bob, 1), second = route_of(alice, bob, 2),
               third = route_of(alice, bob, 3);

  wzp_identity_free(again->identity);
  again->identity = wzp_identity_new(bob->identity->seed);
  relay_client_connect(again);
  relay_world_settle(world);
  say_call(world, alice, &first, "a");
  assert_hears(bob, WZP_MESSAGE_CALL, &first, 0, "a");
  say(world, again, (WzpCallMessage){.kind = WZP_MESSAGE_LISTEN, .instance = {1}});
  assert_told(again, NULL, WZP_CALL_LISTENING);
  say_call(world, alice, &second, "b");
  assert_hears(again, WZP_MESSAGE_CALL, &second, 0, "b");
  say_call(world, alice, &first, "c"); /* a call stays where it is */
  assert_hears(bob, WZP_MESSAGE_CALL, &first, 0, "c");
  wzp_control_close(again->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  say_call(world, alice, &third, "d");
  assert_hears(bob, WZP_MESSAGE_CALL, &third, 0, "d");
  say_call(world, alice, &second, "e"); /* and goes on where its owner still listens */
  assert_hears(bob, WZP_MESSAGE_CALL, &second, 0, "e");
  relay_world_free(world);
}

static void
test_limits(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = listener(world), *bob = listener(world), *eve[4], *carol;
  WzpCallRoute route;
  unsigned i;

  /* three ring at bob, from three; the fourth hears that he is busy */
  for (i = 0; i < 4; i++) {
    eve[i] = listener(world);
    route = route_of(eve[i], bob, 1);
    say_call(world, eve[i], &route, "ring");
    if (i < 3)
      assert_hears(bob, WZP_MESSAGE_CALL, &route, 0, "ring");
    else
      assert_told(eve[i], &route, WZP_CALL_BUSY);
  }
  /* one that is answered rings no more */
  route = route_of(eve[0], bob, 1);
  say_media(world, eve[0], &route, WZP_CALL_MEDIA_JOIN);
  say_media(world, bob, &route, WZP_CALL_MEDIA_JOIN);
  route = route_of(eve[3], bob, 2);
  say_call(world, eve[3], &route, "ring");
  forget_messages(bob);
  /* nor one that nobody spoke of for long */
  for (i = 0; i < 13; i++) {
    unsigned n;
    relay_world_advance(world, 8 * WZP_SECOND);
    for (n = 0; n < world->n_clients; n++)
      wzp_control_ping(world->clients[n]->control);
    relay_world_settle(world);
  }
  route = route_of(alice, bob, 1);
  say_call(world, alice, &route, "ring");
  assert_hears(bob, WZP_MESSAGE_CALL, &route, 0, "ring");
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 2); /* with the one that is on */

  /* ten attempts a minute, whatever becomes of them */
  carol = listener(world);
  for (i = 0; i < 11; i++) {
    route = route_of(carol, alice, (uint8_t)i);
    say_call(world, carol, &route, "ring");
    if (i == 10) {
      assert_told(carol, &route, WZP_CALL_LIMITED);
      break;
    }
    assert_hears(alice, WZP_MESSAGE_CALL, &route, 0, "ring");
    say_media(world, carol, &route, WZP_CALL_MEDIA_OVER);
    say_media(world, alice, &route, WZP_CALL_MEDIA_OVER);
  }
  route = route_of(carol, eve[1], 1); /* to somebody else */
  say_call(world, carol, &route, "ring");
  assert_hears(eve[1], WZP_MESSAGE_CALL, &route, 0, "ring");
  relay_world_advance(world, 6 * WZP_SECOND);
  route = route_of(carol, alice, 20);
  say_call(world, carol, &route, "ring");
  assert_hears(alice, WZP_MESSAGE_CALL, &route, 0, "ring");
  g_assert_cmpuint(relay_world_stats(world).calls_refused[WZP_CALL_LIMITED], ==, 1);
  g_assert_cmpuint(relay_world_stats(world).calls_refused[WZP_CALL_BUSY], ==, 1);
  relay_world_free(world);
}

/* What is sent to somebody who takes nothing does not pile up. */
static void
test_flood(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;
  WzpCallRoute route;
  char text[1301];
  unsigned i;

  relay_limits_default(&limits);
  limits.control_bytes_per_second = 1000000;
  world = relay_world_new(&limits);
  alice = listener(world);
  bob = listener(world);
  route = route_of(alice, bob, 1);
  memset(text, 'x', sizeof text);
  text[1300] = '\0';
  say_call(world, alice, &route, text);
  assert_hears(bob, WZP_MESSAGE_CALL, &route, 0, text);
  bob->address.port++; /* nothing arrives there, and so nothing is acknowledged */
  for (i = 0; i < 100; i++)
    say_call(world, alice, &route, text);
  g_assert_cmpuint(dropped(world, WZP_QUEUE_FULL), >, 70);
  /* nor what the other one does over and over */
  say_media(world, bob, &route, WZP_CALL_MEDIA_JOIN);
  for (i = 0; i < 3000; i++)
    say_media(world, alice, &route, i % 2 ? WZP_CALL_MEDIA_OVER : WZP_CALL_MEDIA_JOIN);
  relay_world_advance(world, WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  relay_world_free(world);
}

/* Whether the other one is there is told later, when it cannot be told now: how it is then, once. */
static void
test_late_news(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;
  WzpCallRoute route;
  char text[1301];
  unsigned i, changes;

  relay_limits_default(&limits);
  limits.control_bytes_per_second = 1000000;
  memset(text, 'x', sizeof text);
  text[1300] = '\0';
  for (changes = 1; changes <= 4; changes++) {
    world = relay_world_new(&limits);
    alice = listener(world);
    bob = listener(world);
    route = route_of(alice, bob, 1);
    say_media(world, alice, &route, WZP_CALL_MEDIA_JOIN);
    say_media(world, bob, &route, WZP_CALL_MEDIA_JOIN);
    forget_messages(bob);
    bob->address.port++; /* nothing arrives there */
    for (i = 0; i < 60; i++)
      say_call(world, alice, &route, i < 30 ? text : "x");
    for (i = 1; i <= changes; i++)
      say_media(world, alice, &route, i % 2 ? WZP_CALL_MEDIA_OVER : WZP_CALL_MEDIA_JOIN);
    bob->address.port--;
    relay_world_advance(world, 2 * WZP_SECOND);
    while (((const uint8_t *)g_bytes_get_data(g_queue_peek_head(&bob->messages), NULL))[0] ==
           WZP_MESSAGE_CALL)
      g_bytes_unref(g_queue_pop_head(&bob->messages));
    assert_told(bob, &route, changes % 2 ? WZP_CALL_ALONE : WZP_CALL_TOGETHER);
    assert_silent(bob);
    relay_world_free(world);
  }
}

/* Whoever has shown no good token calls nobody, and is not called. */
static void
test_tokens(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *bob, *eve;
  WzpCallRoute route;

  bob = listener(world);
  relay_world_require_tokens(world);
  eve = relay_world_join(world, NULL);
  route = route_of(eve, bob, 1);
  say(world, eve, (WzpCallMessage){.kind = WZP_MESSAGE_LISTEN});
  say_call(world, eve, &route, "hello");
  say_media(world, eve, &route, WZP_CALL_MEDIA_JOIN);
  assert_silent(bob);
  g_assert_true(relay_client_take_signal(eve, WZP_SIGNAL_ERROR, NULL));
  route = route_of(bob, eve, 1);
  say_call(world, bob, &route, "hello");
  assert_told(bob, &route, WZP_CALL_UNREACHABLE);
  g_assert_cmpuint(relay_world_stats(world).calls, ==, 0);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/relay-calls/forwards", test_forwards);
  g_test_add_func("/relay-calls/media", test_media);
  g_test_add_func("/relay-calls/returns", test_returns);
  g_test_add_func("/relay-calls/listeners", test_listeners);
  g_test_add_func("/relay-calls/limits", test_limits);
  g_test_add_func("/relay-calls/flood", test_flood);
  g_test_add_func("/relay-calls/late-news", test_late_news);
  g_test_add_func("/relay-calls/tokens", test_tokens);
  return g_test_run();
}
