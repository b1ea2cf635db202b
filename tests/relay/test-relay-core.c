/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include <string.h>

/* Rooms, what members are told, and what is forwarded, in virtual time. Sessions and
 * attacks have files of their own. */

static void
test_join(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen"), *bob;
  WzpSignal signal;
  RelayStats stats;

  g_assert_true(alice->connected);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_JOINED, &signal));
  g_assert_cmpmem(signal.home, 32, world->identity->ed25519_public, 32);
  g_assert_cmpmem(alice->relay_key, 32, world->identity->ed25519_public, 32);
  relay_assert_members(&signal, 1, (const uint8_t[]){(uint8_t)alice->slot});
  relay_assert_no_news(alice);
  g_assert_true(wzp_address_equal(&alice->observed, &alice->address));

  bob = relay_world_join(world, "kitchen");
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_JOINED, &signal));
  g_assert_cmpint(bob->slot, !=, alice->slot);
  relay_assert_members(&signal, 2, (const uint8_t[]){(uint8_t)alice->slot, (uint8_t)bob->slot});
  relay_assert_member_message(bob, alice);
  relay_assert_no_news(bob);
  relay_assert_member_message(alice, bob);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_ROSTER, &signal));
  relay_assert_members(&signal, 2, (const uint8_t[]){(uint8_t)alice->slot, (uint8_t)bob->slot});
  relay_assert_no_news(alice);

  stats = relay_world_stats(world);
  g_assert_cmpuint(stats.sessions, ==, 2);
  g_assert_cmpuint(stats.rooms, ==, 1);
  g_assert_cmpuint(stats.handshakes_completed, ==, 2);
  g_assert_cmpuint(stats.cookies_sent, ==, 0);
  relay_world_free(world);
}

/* A session needs no room, and may ask for one later. */
static void
test_join_later(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *client = relay_world_join(world, NULL);

  g_assert_true(client->connected);
  relay_assert_no_news(client);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 1);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);

  relay_client_set_room(client, "kitchen", client->relay_key);
  relay_client_send_join(client);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(client, WZP_SIGNAL_JOINED, NULL));
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 1);

  /* the same again: the same answer, and nothing else changes */
  relay_client_send_join(client);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(client, WZP_SIGNAL_JOINED, NULL));
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 1);

  /* another room: the first one is left */
  relay_client_set_room(client, "garden", client->relay_key);
  relay_client_send_join(client);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(client, WZP_SIGNAL_JOINED, NULL));
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 1);
  relay_world_free(world);
}

static void
test_leave(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  int bobs_slot = bob->slot;
  WzpSignal signal;

  relay_client_clear_news(alice);
  relay_client_send_leave(bob);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_LEFT, &signal));
  g_assert_cmpuint(signal.slot, ==, (unsigned)bobs_slot);
  g_assert_cmpstr(signal.reason, ==, "leave");
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_ROSTER, &signal));
  relay_assert_members(&signal, 1, (const uint8_t[]){(uint8_t)alice->slot});
  /* the session stays until it says CLOSE */
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  wzp_control_close(bob->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 1);

  /* CLOSE alone does it as well, and the last one out takes the room along */
  wzp_control_close(alice->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);
  relay_world_free(world);
}

static void
test_room_full(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob, *carol;
  WzpSignal signal;

  relay_limits_default(&limits);
  g_assert_cmpuint(limits.max_members, ==, 64);
  limits.max_members = 2;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_join(world, "kitchen");
  relay_client_clear_news(alice);
  relay_client_clear_news(bob);
  carol = relay_world_join(world, "kitchen");
  g_assert_true(relay_client_take_signal(carol, WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, WZP_ERROR_ROOM_FULL);
  g_assert_nonnull(strstr(signal.text, "2 members"));
  g_assert_cmpint(carol->slot, ==, -1);
  relay_assert_no_news(carol);
  relay_assert_no_news(alice);
  relay_assert_no_news(bob);

  /* one goes, the next may come, under a slot that has rested */
  wzp_control_close(bob->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  relay_client_send_join(carol);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(carol, WZP_SIGNAL_JOINED, &signal));
  g_assert_cmpint(carol->slot, !=, bob->slot);
  g_assert_cmpint(carol->slot, !=, alice->slot);
  relay_world_free(world);
}

/* Slots rest 30 s, then the lowest is given out again. */
static void
test_slots_rest(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  int seen[3] = {bob->slot, 0, 0};
  unsigned i;

  for (i = 1; i < 3; i++) {
    relay_client_send_leave(bob);
    relay_world_settle(world);
    relay_client_send_join(bob);
    relay_world_settle(world);
    seen[i] = bob->slot;
  }
  g_assert_cmpint(seen[0], ==, 1);
  g_assert_cmpint(seen[1], ==, 2);
  g_assert_cmpint(seen[2], ==, 3);
  relay_client_send_leave(bob);
  relay_world_settle(world);
  for (i = 0; i < 5; i++) {
    relay_world_advance(world, 7 * WZP_SECOND);
    wzp_control_ping(alice->control);
    wzp_control_ping(bob->control);
    relay_world_settle(world);
  }
  relay_client_send_join(bob);
  relay_world_settle(world);
  g_assert_cmpint(bob->slot, ==, 1);
  relay_world_free(world);
}

static void
assert_refused_join(RelayWorld *world, RelayClient *client, WzpErrorCode code)
{
  WzpSignal signal;

  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(client, WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, code);
  g_assert_cmpint(client->slot, ==, -1);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);
}

static void
test_bad_joins(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *client = relay_world_join(world, NULL), *other = relay_world_add(world);
  uint8_t message[1 + WZP_JOIN_BLOB_SIZE] = {WZP_MESSAGE_JOIN}, elsewhere[32] = {9};

  /* somebody else's JOIN */
  relay_client_set_room(other, "kitchen", client->relay_key);
  memcpy(message + 1, wzp_group_join(other->group), WZP_JOIN_BLOB_SIZE);
  relay_client_send(client, message, sizeof message);
  assert_refused_join(world, client, WZP_ERROR_BAD_JOIN);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_WRONG_IDENTITY], ==, 1);

  /* one bit wrong */
  relay_client_set_room(client, "kitchen", client->relay_key);
  memcpy(message + 1, wzp_group_join(client->group), WZP_JOIN_BLOB_SIZE);
  message[1 + 60] ^= 1;
  relay_client_send(client, message, sizeof message);
  assert_refused_join(world, client, WZP_ERROR_BAD_JOIN);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_BAD_SIGNATURE], ==, 1);

  /* too short */
  relay_client_send(client, message, 100);
  assert_refused_join(world, client, WZP_ERROR_BAD_JOIN);

  /* meant for another relay */
  relay_client_set_room(client, "kitchen", elsewhere);
  relay_client_send_join(client);
  assert_refused_join(world, client, WZP_ERROR_WRONG_RELAY);
  relay_world_free(world);
}

static void
test_forward(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *members[3], *stranger;
  WzpAddress elsewhere = relay_world_address(99, 99);
  GBytes *datagram;
  RelayStats stats;
  unsigned i;

  relay_limits_default(&limits);
  limits.max_members = 3;
  world = relay_world_new(&limits);
  for (i = 0; i < 3; i++)
    members[i] = relay_world_join(world, "kitchen");
  stranger = relay_world_join(world, "garden");
  for (i = 0; i < 3; i++)
    relay_client_clear_news(members[i]);
  relay_client_clear_news(stranger);

  datagram = relay_client_media(members[0], (uint8_t)members[0]->slot, 1);
  g_assert_cmpint(relay_world_send_copy(world, members[0], datagram), ==, WZP_OK);
  relay_assert_media(members[1], datagram);
  relay_assert_media(members[2], datagram);
  relay_assert_no_news(members[0]);
  relay_assert_no_news(stranger);
  stats = relay_world_stats(world);
  g_assert_cmpuint(stats.packets_received, ==, 1);
  g_assert_cmpuint(stats.bytes_received, ==, g_bytes_get_size(datagram) - 8);
  g_assert_cmpuint(stats.packets_forwarded, ==, 2);
  g_assert_cmpuint(stats.bytes_forwarded, ==, 2 * (g_bytes_get_size(datagram) - 8));
  g_bytes_unref(datagram);

  /* the tag says who sends, not the address; and the leg does not move */
  datagram = relay_client_media(members[0], (uint8_t)members[0]->slot, 2);
  g_assert_cmpint(relay_world_send(world, &elsewhere, g_bytes_get_data(datagram, NULL),
                                   g_bytes_get_size(datagram)),
                  ==, WZP_OK);
  relay_assert_media(members[1], datagram);
  relay_assert_media(members[2], datagram);
  g_bytes_unref(datagram);
  datagram = relay_client_media(members[1], (uint8_t)members[1]->slot, 1);
  g_assert_cmpint(relay_world_send_copy(world, members[1], datagram), ==, WZP_OK);
  relay_assert_media(members[0], datagram);
  g_bytes_unref(datagram);

  /* who left hears nothing any more, at once */
  wzp_control_close(members[2]->control, WZP_CLOSE_LEAVE);
  relay_world_settle(world);
  g_queue_clear_full(&members[2]->media, (GDestroyNotify)g_bytes_unref);
  datagram = relay_client_media(members[0], (uint8_t)members[0]->slot, 3);
  g_assert_cmpint(relay_world_send_copy(world, members[0], datagram), ==, WZP_OK);
  relay_assert_media(members[1], datagram);
  g_assert_cmpuint(members[2]->media.length, ==, 0);
  g_bytes_unref(datagram);
  relay_world_free(world);
}

static void
append_packet(WzpWriter *trunk, const RelayClient *client, uint8_t slot, uint16_t seq)
{
  GBytes *datagram = relay_client_media(client, slot, seq);

  g_assert_true(wzp_trunk_append(trunk, g_bytes_get_data(datagram, NULL),
                                 g_bytes_get_size(datagram) - WZP_TRAILER_SIZE));
  g_bytes_unref(datagram);
}

static void
test_trunk(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  uint8_t data[WZP_DATAGRAM_MAX], slot = (uint8_t)alice->slot;
  WzpWriter trunk;
  GBytes *datagram;

  relay_client_clear_news(bob);
  wzp_writer_init(&trunk, data, sizeof data);
  append_packet(&trunk, alice, slot, 1);
  append_packet(&trunk, alice, slot, 2);
  datagram = relay_client_with_trailer(alice, data, trunk.length);
  g_assert_cmpint(relay_world_send_copy(world, alice, datagram), ==, WZP_OK);
  g_assert_cmpuint(bob->media.length, ==, 1);
  relay_assert_media(bob, datagram);
  g_bytes_unref(datagram);
  g_assert_cmpuint(relay_world_stats(world).packets_received, ==, 2);

  /* one good, one of another slot, one known: the good one goes on alone */
  wzp_writer_init(&trunk, data, sizeof data);
  append_packet(&trunk, alice, slot, 3);
  append_packet(&trunk, alice, (uint8_t)bob->slot, 4);
  append_packet(&trunk, alice, slot, 2);
  datagram = relay_client_with_trailer(alice, data, trunk.length);
  g_assert_cmpint(relay_world_send_bytes(world, alice, datagram), !=, WZP_OK);
  datagram = relay_client_media(alice, slot, 3);
  g_assert_cmpuint(bob->media.length, ==, 1);
  relay_assert_media(bob, datagram);
  g_bytes_unref(datagram);
  g_assert_cmpuint(relay_world_stats(world).media_drops[WZP_WRONG_SLOT], ==, 1);
  g_assert_cmpuint(relay_world_stats(world).media_drops[WZP_REPLAYED], ==, 1);

  /* one bad length spoils all of it */
  wzp_writer_init(&trunk, data, sizeof data);
  append_packet(&trunk, alice, slot, 5);
  data[trunk.length++] = 0;
  datagram = relay_client_with_trailer(alice, data, trunk.length);
  g_assert_cmpint(relay_world_send_bytes(world, alice, datagram), ==, WZP_MALFORMED);
  g_assert_cmpuint(bob->media.length, ==, 0);
  relay_world_free(world);
}

static void
test_pairwise(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *members[3], *stranger;
  uint8_t slot[3];
  GBytes *got;
  unsigned i;

  relay_limits_default(&limits);
  limits.max_members = 3;
  world = relay_world_new(&limits);
  for (i = 0; i < 3; i++) {
    members[i] = relay_world_join(world, "kitchen");
    slot[i] = (uint8_t)members[i]->slot;
  }
  stranger = relay_world_join(world, "garden");
  for (i = 0; i < 3; i++)
    relay_client_clear_news(members[i]);
  relay_client_clear_news(stranger);

  relay_client_send_pairwise(members[0], slot[1], slot[0], "sealed");
  relay_world_settle(world);
  got = g_queue_pop_head(&members[1]->pairwise);
  g_assert_nonnull(got);
  g_assert_cmpmem((const uint8_t *)g_bytes_get_data(got, NULL) + 6, 6, "sealed", 6);
  g_bytes_unref(got);
  relay_assert_no_news(members[2]);

  /* in another's name; to nobody; to oneself; too short */
  relay_client_send_pairwise(members[0], slot[1], slot[2], "forged");
  relay_client_send_pairwise(members[0], 77, slot[0], "nobody");
  relay_client_send_pairwise(members[0], slot[0], slot[0], "mirror");
  relay_client_send(members[0], "\x04\x01\x00", 3);
  /* from outside any room of these */
  relay_client_send_pairwise(stranger, slot[1], (uint8_t)stranger->slot, "other room");
  relay_world_settle(world);
  for (i = 0; i < 3; i++)
    relay_assert_no_news(members[i]);
  relay_assert_no_news(stranger);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_WRONG_SLOT], ==, 1);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_NO_RECEIVER], ==, 3);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_TRUNCATED], ==, 1);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay/join", test_join);
  g_test_add_func("/relay/join-later", test_join_later);
  g_test_add_func("/relay/leave", test_leave);
  g_test_add_func("/relay/room-full", test_room_full);
  g_test_add_func("/relay/slots-rest", test_slots_rest);
  g_test_add_func("/relay/bad-joins", test_bad_joins);
  g_test_add_func("/relay/forward", test_forward);
  g_test_add_func("/relay/trunk", test_trunk);
  g_test_add_func("/relay/pairwise", test_pairwise);
  return g_test_run();
}
