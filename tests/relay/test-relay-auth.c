/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "relay/relay-auth.h"
#include "relay/relay-media.h"
#include "wzp/auth.h"
#include <string.h>

/* Tokens, in virtual time: who is let in, who waits, who is sent away, and what is remembered. */

#define LIMIT (10 * WZP_SECOND) /* unauthorised_timeout_ms */

static RelayWorld *
token_world(void)
{
  RelayWorld *world = relay_world_new(NULL);

  relay_world_require_tokens(world);
  return world;
}

/* A client that shows a token, and perhaps asks for a room, in its third message. */
static RelayClient *
show_token(RelayWorld *world, const char *token, const char *room)
{
  RelayClient *client = relay_world_add(world);

  client->token = token;
  relay_client_set_room(client, room, world->identity->ed25519_public);
  relay_client_connect(client);
  relay_world_settle(world);
  return client;
}

static uint64_t
expect_question(RelayWorld *world, const char *token)
{
  char *asked = NULL;
  uint64_t id = relay_world_question(world, &asked);

  g_assert_cmpuint(id, !=, 0);
  g_assert_cmpstr(asked, ==, token);
  g_free(asked);
  return id;
}

static void
assert_no_question(RelayWorld *world)
{
  g_assert_cmpuint(relay_world_question(world, NULL), ==, 0);
}

static void
assert_refused(RelayClient *client, WzpErrorCode code, const char *text)
{
  WzpSignal signal;

  g_assert_true(relay_client_take_signal(client, WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, code);
  if (strstr(signal.text, text) == NULL)
    g_error("\"%s\" does not say \"%s\"", signal.text, text);
  g_assert_true(client->closed);
  g_assert_cmpint(client->close_reason, ==, WZP_CLOSE_ERROR);
  g_assert_cmpint(client->slot, ==, -1);
}

static uint64_t
result_count(const RelayWorld *world, RelayAuthResult result)
{
  return relay_world_stats(world).auth_results[result];
}

static void
test_good(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, "alice-token", "kitchen");
  RelayStats stats = relay_world_stats(world);
  uint64_t id;

  /* connected, and nothing more */
  g_assert_true(alice->connected);
  g_assert_cmpint(alice->slot, ==, -1);
  relay_assert_no_news(alice);
  g_assert_cmpuint(stats.unauthorised, ==, 1);
  g_assert_cmpuint(stats.rooms, ==, 0);
  id = expect_question(world, "alice-token");
  assert_no_question(world);

  relay_world_advance(world, 40 * WZP_MSEC);
  relay_world_answer(world, id, RELAY_TOKEN_GOOD, alice);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_JOINED, NULL));
  g_assert_cmpint(alice->slot, ==, 0);
  stats = relay_world_stats(world);
  g_assert_cmpuint(stats.unauthorised, ==, 0);
  g_assert_cmpuint(stats.auth_results[RELAY_AUTH_OK], ==, 1);
  g_assert_cmpuint(stats.check_buckets[4], ==, 1); /* 25 to 50 ms */
  g_assert_cmpfloat_with_epsilon(stats.check_seconds_sum, 0.04, 1e-9);

  /* past the limit of those without a token */
  wzp_control_ping(alice->control);
  relay_world_advance(world, LIMIT + WZP_SECOND);
  g_assert_false(alice->closed);
  relay_world_free(world);
}

/* A longer token comes as a message of its own. */
static void
test_later(void)
{
  char *token = g_strnfill(WZP_TOKEN_MAX, 'x');
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, NULL, NULL);
  uint64_t id;

  relay_client_set_room(alice, "kitchen", alice->relay_key);
  relay_client_send_auth(alice, token);
  relay_world_settle(world);
  id = expect_question(world, token);
  relay_world_answer(world, id, RELAY_TOKEN_GOOD, alice);
  g_assert_cmpint(alice->slot, ==, 0);
  /* once let in it may go elsewhere, and a token more changes nothing */
  relay_client_set_room(alice, "garden", alice->relay_key);
  relay_client_send_auth(alice, "another");
  relay_world_settle(world);
  assert_no_question(world);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 1);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_JOINED, NULL));
  relay_world_free(world);
  g_free(token);
}

static void
test_no_token(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = relay_world_join(world, "kitchen");
  WzpSignal signal;
  unsigned i;

  /* told so, and not thrown out yet: a token may follow */
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, WZP_ERROR_AUTH_REQUIRED);
  g_assert_false(alice->closed);
  assert_no_question(world);
  /* told once, whatever it tries */
  for (i = 0; i < 20; i++) {
    relay_client_send_join(alice);
    relay_client_send_pairwise(alice, 0, 0, "hello");
    relay_client_send_leave(alice);
  }
  relay_world_settle(world);
  relay_assert_no_news(alice);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_NOT_ALLOWED], ==, 61);
  g_assert_cmpint(relay_world_send_bytes(world, alice, relay_client_media(alice, 0, 1)), ==,
                  WZP_NOT_CONNECTED);

  /* staying alive does not help */
  wzp_control_ping(alice->control);
  relay_world_advance(world, LIMIT - WZP_MSEC);
  g_assert_false(alice->closed);
  relay_world_advance(world, 2 * WZP_MSEC);
  assert_refused(alice, WZP_ERROR_AUTH_REQUIRED, "none came");
  g_assert_cmpuint(result_count(world, RELAY_AUTH_MISSING), ==, 1);
  relay_world_advance(world, 2 * WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  relay_world_free(world);
}

static void
test_refused(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, "stale", "kitchen");

  relay_world_answer(world, expect_question(world, "stale"), RELAY_TOKEN_REFUSED, NULL);
  assert_refused(alice, WZP_ERROR_AUTH_REFUSED, "not valid");
  g_assert_cmpuint(result_count(world, RELAY_AUTH_REFUSED), ==, 1);
  g_assert_cmpuint(relay_world_stats(world).unauthorised, ==, 0);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);
  /* a refusal is not remembered */
  relay_client_connect(alice);
  relay_world_settle(world);
  relay_world_answer(world, expect_question(world, "stale"), RELAY_TOKEN_GOOD, alice);
  g_assert_cmpint(alice->slot, ==, 0);
  relay_world_free(world);
}

/* A stolen token does not serve the thief, be it asked about or remembered. */
static void
test_wrong_identity(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = relay_world_add(world);
  RelayClient *mallory = show_token(world, "alice-token", "kitchen");

  relay_world_answer(world, expect_question(world, "alice-token"), RELAY_TOKEN_GOOD, alice);
  assert_refused(mallory, WZP_ERROR_AUTH_REFUSED, "another identity");
  relay_client_connect(mallory);
  relay_world_settle(world);
  assert_no_question(world);
  assert_refused(mallory, WZP_ERROR_AUTH_REFUSED, "another identity");
  g_assert_cmpuint(result_count(world, RELAY_AUTH_WRONG_IDENTITY), ==, 2);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);

  alice->token = "alice-token";
  relay_client_set_room(alice, "kitchen", world->identity->ed25519_public);
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_cmpint(alice->slot, ==, 0);
  g_assert_cmpuint(result_count(world, RELAY_AUTH_REMEMBERED), ==, 1);
  relay_world_free(world);
}

static void
test_remembered_for_a_minute(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, "t", "kitchen");

  relay_world_answer(world, expect_question(world, "t"), RELAY_TOKEN_GOOD, alice);
  relay_world_advance(world, RELAY_TOKEN_MEMORY - WZP_MSEC);
  relay_client_connect(alice);
  relay_world_settle(world);
  assert_no_question(world);
  g_assert_cmpint(alice->slot, ==, 0);
  /* using it does not make it last longer */
  relay_world_advance(world, WZP_MSEC);
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_cmpint(alice->slot, ==, -1);
  relay_world_answer(world, expect_question(world, "t"), RELAY_TOKEN_GOOD, alice);
  g_assert_cmpint(alice->slot, ==, 0);
  relay_world_free(world);
}

/* No answer, or none to be understood: nobody new comes in, calls that run go on. */
static void
test_server_dead(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, "a", "kitchen");
  RelayClient *bob = show_token(world, "b", "kitchen"), *carol;
  GBytes *media;
  unsigned i;

  relay_world_answer(world, expect_question(world, "a"), RELAY_TOKEN_GOOD, alice);
  relay_world_answer(world, expect_question(world, "b"), RELAY_TOKEN_GOOD, bob);
  relay_client_clear_news(alice);
  carol = show_token(world, "c", "garden");
  relay_world_answer(world, expect_question(world, "c"), RELAY_TOKEN_UNAVAILABLE, carol);
  assert_refused(carol, WZP_ERROR_AUTH_UNAVAILABLE, "later");
  g_assert_cmpuint(result_count(world, RELAY_AUTH_UNAVAILABLE), ==, 1);

  /* the embedder itself forgets to answer: the session is gone all the same */
  relay_client_connect(carol);
  relay_world_settle(world);
  expect_question(world, "c");
  for (i = 0; i < 2; i++) {
    relay_world_advance(world, LIMIT / 2);
    wzp_control_ping(alice->control);
    wzp_control_ping(bob->control);
    relay_world_settle(world);
  }
  assert_refused(carol, WZP_ERROR_AUTH_UNAVAILABLE, "later");
  relay_assert_no_news(alice);
  media = relay_client_media(bob, (uint8_t)bob->slot, 1);
  g_assert_cmpint(relay_world_send_copy(world, bob, media), ==, WZP_OK);
  relay_assert_media(alice, media);
  g_bytes_unref(media);
  relay_world_free(world);
}

static unsigned
session_index(const RelayClient *client)
{
  RelayLimits limits;
  WzpReader reader;

  relay_limits_default(&limits);
  limits.max_sessions = 1;
  wzp_reader_init(&reader, client->session_id, 4);
  return relay_sid_index(wzp_reader_u32(&reader), relay_sid_capacity(&limits));
}

/* An answer that comes after its session went helps nobody who has its place now. */
static void
test_late_answer(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *mallory;
  unsigned index, i;
  uint64_t id;

  relay_limits_default(&limits);
  limits.max_sessions = 1;
  world = relay_world_new(&limits);
  relay_world_require_tokens(world);
  alice = show_token(world, "alice-token", "kitchen");
  id = expect_question(world, "alice-token");
  wzp_control_close(alice->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);

  /* round the whole table, until the same index comes again */
  index = session_index(alice);
  mallory = relay_world_add(world);
  mallory->token = "mallory-token";
  for (i = 0;; i++) {
    g_assert_cmpuint(i, <, 2000);
    relay_client_connect(mallory);
    relay_world_settle(world);
    g_assert_true(mallory->connected);
    if (session_index(mallory) == index)
      break;
    wzp_control_close(mallory->control, WZP_CLOSE_LEAVE);
    relay_world_settle(world);
    relay_world_advance(world, 100 * WZP_MSEC);
  }
  expect_question(world, "mallory-token");
  relay_world_answer(world, id, RELAY_TOKEN_GOOD, alice);
  g_assert_false(mallory->closed);
  relay_client_set_room(mallory, "kitchen", world->identity->ed25519_public);
  relay_client_send_join(mallory);
  relay_world_settle(world);
  g_assert_cmpint(mallory->slot, ==, -1);
  g_assert_cmpuint(result_count(world, RELAY_AUTH_OK), ==, 0);
  /* answered twice, or never asked */
  relay_world_answer(world, id, RELAY_TOKEN_GOOD, alice);
  relay_world_answer(world, 0, RELAY_TOKEN_GOOD, alice);
  relay_world_answer(world, 12345, RELAY_TOKEN_GOOD, alice);
  /* though the answer itself was good, and is remembered */
  relay_world_advance(world, 20 * WZP_SECOND);
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_cmpint(alice->slot, ==, 0);
  relay_world_free(world);
}

/* At most so many questions at a time, in all and for one address; the others wait their turn. */
static void
test_limits(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *clients[6];
  uint64_t ids[6], total = 0;
  unsigned i;

  relay_limits_default(&limits);
  limits.max_token_checks = 3;
  world = relay_world_new(&limits);
  relay_world_require_tokens(world);
  for (i = 0; i < 6; i++) {
    clients[i] = relay_world_add(world);
    clients[i]->token = "t";
    /* four behind one address */
    if (i < 4)
      clients[i]->address = relay_world_address(1, (uint16_t)(6000 + i));
    relay_client_connect(clients[i]);
    relay_world_settle(world);
  }
  g_assert_cmpuint(relay_world_stats(world).unauthorised, ==, 6);
  ids[0] = expect_question(world, "t");
  ids[1] = expect_question(world, "t");
  ids[2] = expect_question(world, "t"); /* clients[4]: the third of the address has to wait */
  assert_no_question(world);
  relay_world_answer(world, ids[2], RELAY_TOKEN_GOOD, clients[4]);
  g_assert_false(clients[4]->closed);
  g_assert_cmpuint(result_count(world, RELAY_AUTH_OK), ==, 1);
  ids[5] = expect_question(world, "t");
  assert_no_question(world);
  /* one that waits goes: its place in the queue too */
  wzp_control_close(clients[2]->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  relay_world_answer(world, ids[0], RELAY_TOKEN_REFUSED, NULL);
  g_assert_true(clients[0]->closed);
  ids[3] = expect_question(world, "t");
  assert_no_question(world);
  relay_world_answer(world, ids[3], RELAY_TOKEN_REFUSED, NULL);
  g_assert_true(clients[3]->closed);
  relay_world_answer(world, ids[1], RELAY_TOKEN_UNAVAILABLE, NULL);
  relay_world_answer(world, ids[5], RELAY_TOKEN_GOOD, clients[5]);
  assert_no_question(world);
  for (i = 0; i < RELAY_N_AUTH_RESULTS; i++)
    total += result_count(world, (RelayAuthResult)i);
  g_assert_cmpuint(total, ==, 5);
  relay_world_free(world);
}

/* What waits is bounded: the next one is sent away at once. */
static void
test_queue_full(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *last = NULL;
  unsigned i;

  relay_limits_default(&limits);
  limits.max_sessions_per_identity = 1000;
  limits.max_sessions_per_ip = 1000;
  limits.handshakes_per_second = 1000;
  limits.cookie_threshold = 10000;
  world = relay_world_new(&limits);
  relay_world_require_tokens(world);
  last = show_token(world, "t", NULL);
  for (i = 0; i < 256; i++) {
    g_assert_false(last->closed);
    relay_client_connect(last);
    relay_world_settle(world);
  }
  assert_refused(last, WZP_ERROR_AUTH_UNAVAILABLE, "too many");
  g_assert_cmpuint(result_count(world, RELAY_AUTH_BUSY), ==, 1);
  /* none of those who wait stays beyond its time */
  relay_world_advance(world, LIMIT + 2 * WZP_SECOND);
  g_assert_cmpuint(result_count(world, RELAY_AUTH_UNAVAILABLE), ==, 256);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  assert_no_question(world);
  relay_world_free(world);
}

static void
test_malformed(void)
{
  static const char *const bad[] = {"\x05",
                                    "\x05\x00",
                                    "\x05\x00\x00",
                                    "\x05\x00\x05"
                                    "abc",
                                    "\x05\x00\x03"
                                    "a c",
                                    "\x05\x00\x01"
                                    "a\x05\x00\x01"
                                    "a"};
  static const size_t lengths[] = {1, 2, 3, 6, 6, 8};
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS(bad); i++) {
    RelayWorld *world = token_world();
    RelayClient *alice = show_token(world, NULL, NULL);

    relay_client_send(alice, bad[i], lengths[i]);
    relay_world_settle(world);
    assert_no_question(world);
    assert_refused(alice, WZP_ERROR_AUTH_REFUSED, "no token");
    g_assert_cmpuint(result_count(world, RELAY_AUTH_MALFORMED), ==, 1);
    relay_world_free(world);
  }
}

/* A second token while the first is looked at is dropped; so is what else comes. */
static void
test_impatient(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, "first", "kitchen");
  uint64_t id = expect_question(world, "first");
  WzpSignal signal;

  relay_client_send_auth(alice, "second");
  relay_client_send_join(alice);
  relay_world_settle(world);
  assert_no_question(world);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_UNEXPECTED], ==, 1);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_ERROR, &signal));
  g_assert_nonnull(strstr(signal.text, "still being checked"));
  relay_world_answer(world, id, RELAY_TOKEN_GOOD, alice);
  g_assert_cmpint(alice->slot, ==, 0);
  relay_world_free(world);
}

/* A relay that asks for no tokens takes no notice of them. */
static void
test_not_asked(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = show_token(world, "whatever", "kitchen");

  g_assert_cmpint(alice->slot, ==, 0);
  assert_no_question(world);
  g_assert_cmpuint(relay_world_stats(world).unauthorised, ==, 0);
  relay_world_free(world);
}

/* After a restart nothing is remembered: tokens come again with the new handshakes, and the members keep
 * their places to each other. */
static void
test_restart(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, "a", "kitchen");
  RelayClient *bob = show_token(world, "b", "kitchen");
  GBytes *media;

  relay_world_answer(world, expect_question(world, "a"), RELAY_TOKEN_GOOD, alice);
  relay_world_answer(world, expect_question(world, "b"), RELAY_TOKEN_GOOD, bob);
  relay_world_restart(world);
  relay_client_connect(bob);
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);
  relay_world_answer(world, expect_question(world, "a"), RELAY_TOKEN_GOOD, alice);
  relay_world_answer(world, expect_question(world, "b"), RELAY_TOKEN_GOOD, bob);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 1);
  media = relay_client_media(bob, (uint8_t)bob->slot, 1);
  g_assert_cmpint(relay_world_send_copy(world, bob, media), ==, WZP_OK);
  relay_assert_media(alice, media);
  g_bytes_unref(media);
  relay_world_free(world);
}

/* Shutting down while a token is looked at. */
static void
test_shutdown(void)
{
  RelayWorld *world = token_world();
  RelayClient *alice = show_token(world, "a", "kitchen");
  RelayClient *bob = show_token(world, "b", "kitchen");
  uint64_t id = expect_question(world, "a");

  relay_core_shutdown(world->core, world->now);
  relay_world_send(world, &alice->address, "", 0);
  assert_no_question(world);
  relay_world_answer(world, id, RELAY_TOKEN_GOOD, alice);
  g_assert_cmpint(alice->close_reason, ==, WZP_CLOSE_SHUTDOWN);
  g_assert_cmpint(bob->close_reason, ==, WZP_CLOSE_SHUTDOWN);
  relay_world_advance(world, 2 * WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  relay_world_free(world);
}

/* Over the limit of sessions one may still come back to one's own place, once the token is good. */
static void
test_return_over_limit(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;

  relay_limits_default(&limits);
  limits.max_sessions = 1;
  world = relay_world_new(&limits);
  relay_world_require_tokens(world);
  alice = show_token(world, "a", "kitchen");
  relay_world_answer(world, expect_question(world, "a"), RELAY_TOKEN_GOOD, alice);
  bob = show_token(world, "b", "kitchen");
  assert_no_question(world);
  assert_refused(bob, WZP_ERROR_BUSY, "no more sessions");

  relay_world_advance(world, RELAY_TOKEN_MEMORY / 3);
  wzp_control_ping(alice->control);
  relay_world_settle(world);
  relay_world_advance(world, RELAY_TOKEN_MEMORY / 3);
  wzp_control_ping(alice->control);
  relay_world_settle(world);
  relay_world_advance(world, RELAY_TOKEN_MEMORY / 3);
  relay_client_connect(alice);
  relay_world_settle(world);
  relay_world_answer(world, expect_question(world, "a"), RELAY_TOKEN_GOOD, alice);
  g_assert_cmpint(alice->slot, ==, 0);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 1);
  /* and is away at once when it is not good */
  relay_world_advance(world, 20 * WZP_SECOND);
  wzp_control_ping(alice->control);
  relay_world_settle(world);
  bob->token = "b";
  relay_client_connect(bob);
  relay_world_settle(world);
  assert_refused(bob, WZP_ERROR_BUSY, "no more sessions");
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-auth/good", test_good);
  g_test_add_func("/relay-auth/later", test_later);
  g_test_add_func("/relay-auth/no-token", test_no_token);
  g_test_add_func("/relay-auth/refused", test_refused);
  g_test_add_func("/relay-auth/wrong-identity", test_wrong_identity);
  g_test_add_func("/relay-auth/remembered-for-a-minute", test_remembered_for_a_minute);
  g_test_add_func("/relay-auth/server-dead", test_server_dead);
  g_test_add_func("/relay-auth/late-answer", test_late_answer);
  g_test_add_func("/relay-auth/limits", test_limits);
  g_test_add_func("/relay-auth/queue-full", test_queue_full);
  g_test_add_func("/relay-auth/malformed", test_malformed);
  g_test_add_func("/relay-auth/impatient", test_impatient);
  g_test_add_func("/relay-auth/not-asked", test_not_asked);
  g_test_add_func("/relay-auth/restart", test_restart);
  g_test_add_func("/relay-auth/shutdown", test_shutdown);
  g_test_add_func("/relay-auth/return-over-limit", test_return_over_limit);
  return g_test_run();
}
