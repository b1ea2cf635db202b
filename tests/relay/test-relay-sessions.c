/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include <malloc.h>
#include <string.h>

/* How sessions begin, go on, are replaced, are refused and end, in virtual time. */

/* The same JOIN on a new session: the slot stays, the others hear nothing, the old session is gone. */
static void
test_same_join_returns(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  int slot = bob->slot;
  GBytes *old_media = relay_client_media(bob, (uint8_t)slot, 10), *datagram;

  relay_client_clear_news(alice);
  relay_client_connect(bob);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_JOINED, NULL));
  g_assert_cmpint(bob->slot, ==, slot);
  g_assert_false(bob->closed);
  relay_assert_no_news(alice);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  g_assert_cmpint(relay_world_send_bytes(world, bob, old_media), ==, WZP_UNKNOWN_SESSION);

  datagram = relay_client_media(bob, (uint8_t)slot, 10);
  g_assert_cmpint(relay_world_send_copy(world, bob, datagram), ==, WZP_OK);
  relay_assert_media(alice, datagram);
  g_bytes_unref(datagram);
  relay_world_free(world);
}

/* Another JOIN of the same identity: the older leg is told, the others see it go and come. */
static void
test_new_join_replaces(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  RelayClient *again = relay_world_add(world);
  WzpSignal signal;

  relay_client_clear_news(alice);
  wzp_identity_free(again->identity);
  again->identity = wzp_identity_new(bob->identity->seed);
  relay_client_set_room(again, "kitchen", bob->relay_key);
  relay_client_connect(again);
  relay_world_settle(world);

  g_assert_true(relay_client_take_signal(again, WZP_SIGNAL_JOINED, &signal));
  g_assert_cmpint(again->slot, !=, bob->slot);
  relay_assert_members(&signal, 2, (const uint8_t[]){(uint8_t)alice->slot, (uint8_t)again->slot});
  g_assert_true(bob->closed);
  g_assert_cmpint(bob->close_reason, ==, WZP_CLOSE_REPLACED);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_LEFT, &signal));
  g_assert_cmpuint(signal.slot, ==, (unsigned)bob->slot);
  g_assert_cmpstr(signal.reason, ==, "replaced");
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_ROSTER, &signal));
  relay_assert_members(&signal, 2, (const uint8_t[]){(uint8_t)alice->slot, (uint8_t)again->slot});
  relay_assert_member_message(alice, again);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  relay_world_free(world);
}

static void
test_idle(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  WzpSignal signal;
  unsigned i;

  relay_client_clear_news(alice);
  /* media alone keeps bob, pings alone keep alice */
  for (i = 0; i < 10; i++) {
    relay_world_advance(world, 8 * WZP_SECOND);
    wzp_control_ping(alice->control);
    relay_world_settle(world);
    g_assert_cmpint(relay_world_send_bytes(
                        world, bob, relay_client_media(bob, (uint8_t)bob->slot, (uint16_t)i)),
                    ==, WZP_OK);
  }
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  g_assert_false(relay_client_take_signal(alice, WZP_SIGNAL_LEFT, &signal));

  /* bob falls silent; garbage in his name does not count as life */
  for (i = 0; i < 4; i++) {
    GBytes *bad = relay_client_media(bob, (uint8_t)bob->slot, 100);

    relay_world_advance(world, 8 * WZP_SECOND);
    wzp_control_ping(alice->control);
    relay_world_settle(world);
    ((uint8_t *)g_bytes_get_data(bad, NULL))[20] ^= 1;
    g_assert_cmpint(relay_world_send_bytes(world, bob, bad), !=, WZP_OK);
  }
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_LEFT, &signal));
  g_assert_cmpuint(signal.slot, ==, (unsigned)bob->slot);
  g_assert_cmpstr(signal.reason, ==, "timeout");
  g_assert_true(bob->closed);
  g_assert_cmpint(bob->close_reason, ==, WZP_CLOSE_TIMEOUT);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 1);
  relay_world_free(world);
}

static void
test_shutdown(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen"), *late;

  relay_client_clear_news(alice);
  relay_client_clear_news(bob);
  relay_core_shutdown(world->core, world->now);
  relay_world_send(world, &alice->address, "", 0);
  g_assert_true(alice->closed);
  g_assert_true(bob->closed);
  g_assert_cmpint(alice->close_reason, ==, WZP_CLOSE_SHUTDOWN);
  /* no "left": they will all be back */
  relay_assert_no_news(alice);
  relay_assert_no_news(bob);
  late = relay_world_join(world, "kitchen");
  g_assert_false(late->connected);
  relay_world_advance(world, 2 * WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  relay_world_free(world);
}

/* After a restart the relay knows nobody; the same JOINs meet again. */
static void
test_restart(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  GBytes *old = relay_client_media(bob, (uint8_t)bob->slot, 1);

  relay_world_restart(world);
  g_assert_cmpint(relay_world_send_bytes(world, bob, old), ==, WZP_UNKNOWN_SESSION);
  wzp_control_ping(alice->control);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_UNKNOWN_SESSION], ==, 1);

  relay_client_clear_news(alice);
  relay_client_clear_news(bob);
  relay_client_connect(bob);
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_JOINED, NULL));
  relay_assert_member_message(alice, bob);
  relay_assert_member_message(bob, alice);
  relay_world_free(world);
}

/* A record lost on the way is sent again, in both directions. */
static void
test_resend(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen"), *bob;

  relay_client_clear_news(alice);
  world->deaf = true;
  bob = relay_world_join(world, "kitchen");
  g_assert_cmpuint(bob->hello_answers, ==, 0);
  world->deaf = false;
  /* the lost HS2 comes again for the same HS1, and it is the same one */
  relay_client_resend(bob);
  relay_world_settle(world);
  g_assert_cmpuint(bob->hello_answers, ==, 1);
  g_assert_cmpuint(relay_world_stats(world).handshakes_completed, ==, 2);
  relay_assert_member_message(alice, bob);

  world->deaf = true;
  relay_client_send_pairwise(bob, (uint8_t)alice->slot, (uint8_t)bob->slot, "twice");
  relay_world_settle(world);
  g_assert_cmpuint(alice->pairwise.length, ==, 0);
  world->deaf = false;
  relay_world_advance(world, WZP_SECOND);
  g_assert_cmpuint(alice->pairwise.length, ==, 1);
  relay_world_free(world);
}

/* A lost first record: the repeated HS3 brings the same bytes again, until the client was heard. */
static void
test_repeated_hs3(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *client = relay_world_add(world);
  GBytes *hs3;
  uint64_t before;

  relay_client_set_room(client, "kitchen", world->identity->ed25519_public);
  relay_client_connect(client);
  relay_world_send_bytes(world, client, g_queue_pop_head(&client->out));
  hs3 = g_queue_pop_head(&client->out);
  g_assert_nonnull(hs3);
  world->deaf = true;
  g_assert_cmpint(relay_world_send_copy(world, client, hs3), ==, WZP_OK);
  g_assert_cmpuint(world->datagrams_out, ==, 2);
  g_assert_cmpuint(world->last_length, <=, g_bytes_get_size(hs3));

  world->deaf = false;
  g_assert_cmpint(relay_world_send_copy(world, client, hs3), ==, WZP_OK);
  g_assert_true(client->connected);
  g_assert_cmpint(client->slot, ==, 0);
  g_assert_cmpuint(relay_world_stats(world).handshakes_completed, ==, 1);
  relay_world_settle(world);

  wzp_control_ping(client->control);
  relay_world_settle(world);
  before = world->datagrams_out;
  g_assert_cmpint(relay_world_send_copy(world, client, hs3), ==, WZP_UNEXPECTED);
  g_assert_cmpuint(world->datagrams_out, ==, before);
  g_bytes_unref(hs3);
  relay_world_free(world);
}

static void
test_session_limits(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *clients[6];
  WzpSignal signal;
  unsigned i;

  relay_limits_default(&limits);
  limits.max_sessions_per_identity = 2;
  limits.max_sessions_per_ip = 3;
  limits.max_sessions = 5;
  world = relay_world_new(&limits);
  for (i = 0; i < 3; i++) {
    char *name = g_strdup_printf("room %u", i);

    clients[i] = relay_world_add(world);
    wzp_identity_free(clients[i]->identity);
    clients[i]->identity = wzp_identity_new((const uint8_t[32]){7});
    relay_client_set_room(clients[i], name, world->identity->ed25519_public);
    relay_client_connect(clients[i]);
    relay_world_settle(world);
    g_free(name);
  }
  g_assert_cmpint(clients[1]->slot, ==, 0);
  g_assert_true(relay_client_take_signal(clients[2], WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, WZP_ERROR_BUSY);
  g_assert_true(clients[2]->closed);
  g_assert_cmpint(clients[2]->close_reason, ==, WZP_CLOSE_ERROR);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 2);

  /* its own reconnect replaces, so it is no third one */
  relay_client_connect(clients[1]);
  relay_world_settle(world);
  g_assert_cmpint(clients[1]->slot, ==, 0);
  g_assert_false(clients[1]->closed);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);

  /* a third and a fourth session behind one address */
  for (i = 3; i < 6; i++) {
    clients[i] = relay_world_add(world);
    clients[i]->address = relay_world_address(77, (uint16_t)(1000 + i));
    relay_client_connect(clients[i]);
    relay_world_settle(world);
    g_assert_false(clients[i]->closed);
  }
  clients[0]->address = relay_world_address(77, 2000);
  relay_client_set_room(clients[0], NULL, NULL);
  wzp_identity_free(clients[0]->identity);
  clients[0]->identity = wzp_identity_new((const uint8_t[32]){8});
  relay_client_connect(clients[0]);
  relay_world_settle(world);
  g_assert_true(clients[0]->closed);
  relay_world_free(world);
}

static void
test_room_limits(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;
  WzpSignal signal;

  relay_limits_default(&limits);
  limits.max_rooms = 1;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_join(world, "garden");
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, WZP_ERROR_BUSY);
  g_assert_false(bob->closed);
  wzp_control_close(alice->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  relay_client_send_join(bob);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_JOINED, NULL));
  relay_world_free(world);

  limits.max_rooms = 10;
  limits.max_rooms_per_identity = 1;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_add(world);
  wzp_identity_free(bob->identity);
  bob->identity = wzp_identity_new(alice->identity->seed);
  relay_client_set_room(bob, "garden", world->identity->ed25519_public);
  relay_client_connect(bob);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, WZP_ERROR_BUSY);
  relay_world_free(world);
}

static size_t
heap(void)
{
  struct mallinfo2 info = mallinfo2();

  return info.uordblks + info.hblkhd;
}

/* What a session costs the relay, its place in all tables included, while nothing waits in its queue. */
static void
test_memory(void)
{
  const unsigned sessions = 1000;
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *client;
  size_t before, each;
  unsigned i;

  if (heap() == 0) {
    g_test_skip("a sanitizer's allocator does not count");
    return;
  }
  relay_limits_default(&limits);
  limits.max_sessions = limits.max_sessions_per_identity = limits.max_sessions_per_ip = sessions;
  limits.handshakes_per_second = limits.cookie_threshold = sessions;
  before = heap();
  world = relay_world_new(&limits);
  client = relay_world_add(world);
  /* the client forgets each when it makes the next */
  for (i = 0; i < sessions; i++) {
    relay_client_connect(client);
    relay_world_settle(world);
    g_assert_true(client->connected);
  }
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, sessions);
  each = (heap() - before) / sessions;
  g_test_message("%zu bytes a session", each);
  g_assert_cmpuint(each, <=, 4096);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay/same-join-returns", test_same_join_returns);
  g_test_add_func("/relay/new-join-replaces", test_new_join_replaces);
  g_test_add_func("/relay/idle", test_idle);
  g_test_add_func("/relay/shutdown", test_shutdown);
  g_test_add_func("/relay/restart", test_restart);
  g_test_add_func("/relay/resend", test_resend);
  g_test_add_func("/relay/repeated-hs3", test_repeated_hs3);
  g_test_add_func("/relay/session-limits", test_session_limits);
  g_test_add_func("/relay/room-limits", test_room_limits);
  g_test_add_func("/relay/memory", test_memory);
  return g_test_run();
}
