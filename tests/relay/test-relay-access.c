/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "relay/relay-access.h"

/* Who may join which room, and how much traffic there may be, in virtual time. */

/* A list for one room, by name. */
static RelayAccess *
list(const RelayWorld *world, bool open, const char *room, const RelayClient *allowed)
{
  RelayAccess *access = relay_access_new();
  char text[WZP_FINGERPRINT_TEXT], *wrong = NULL;

  relay_access_set_open(access, open);
  g_assert_true(relay_access_add_name(access, room));
  g_assert_true(relay_access_allow(
      access, wzp_fingerprint_format(allowed->identity->fingerprint, text), &wrong));
  g_assert_true(relay_access_bind(access, world->identity->ed25519_public));
  return access;
}

static void
join(RelayWorld *world, RelayClient *client, const char *room)
{
  relay_client_set_room(client, room, world->identity->ed25519_public);
  relay_client_connect(client);
  relay_world_settle(world);
}

static void
assert_error(RelayClient *client, WzpErrorCode code)
{
  WzpSignal signal;

  g_assert_true(relay_client_take_signal(client, WZP_SIGNAL_ERROR, &signal));
  g_assert_cmpint(signal.code, ==, code);
  g_assert_cmpint(client->slot, ==, -1);
}

static void
test_list(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_add(world), *bob = relay_world_add(world);
  RelayAccess *access = list(world, true, "kitchen", alice);

  relay_world_set_access(world, access);
  join(world, alice, "kitchen");
  g_assert_cmpint(alice->slot, ==, 0);
  join(world, bob, "kitchen");
  assert_error(bob, WZP_ERROR_NOT_ALLOWED);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_NOT_ALLOWED], ==, 1);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 1);
  /* the session lives, and other rooms are open to it */
  g_assert_false(bob->closed);
  relay_client_set_room(bob, "garden", bob->relay_key);
  relay_client_send_join(bob);
  relay_world_settle(world);
  g_assert_cmpint(bob->slot, ==, 0);
  /* who is refused a room stays in the one before */
  relay_client_set_room(bob, "kitchen", bob->relay_key);
  relay_client_send_join(bob);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_ERROR, NULL));
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 2);
  relay_world_free(world);
  relay_access_free(access);
}

static void
test_closed(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_add(world);
  RelayAccess *access = list(world, false, "kitchen", alice);

  relay_world_set_access(world, access);
  join(world, alice, "garden");
  assert_error(alice, WZP_ERROR_NOT_ALLOWED);
  join(world, alice, "kitchen");
  g_assert_cmpint(alice->slot, ==, 0);
  relay_world_free(world);
  relay_access_free(access);
}

/* A new list ends no call; it counts when somebody comes (back). */
static void
test_new_list(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  RelayAccess *access = list(world, true, "kitchen", alice);
  GBytes *media;

  relay_client_clear_news(alice);
  relay_client_clear_news(bob);
  relay_world_set_access(world, access);
  media = relay_client_media(bob, (uint8_t)bob->slot, 1);
  g_assert_cmpint(relay_world_send_copy(world, bob, media), ==, WZP_OK);
  relay_assert_media(alice, media);
  g_bytes_unref(media);
  relay_client_connect(bob);
  relay_world_settle(world);
  assert_error(bob, WZP_ERROR_NOT_ALLOWED);
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_JOINED, NULL));
  relay_world_set_access(world, NULL);
  relay_client_connect(bob);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_JOINED, NULL));
  relay_world_free(world);
  relay_access_free(access);
}

/* A token opens the relay, not every room of it. */
static void
test_with_token(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_add(world), *bob = relay_world_add(world);
  RelayAccess *access = list(world, true, "kitchen", alice);

  relay_world_require_tokens(world);
  relay_world_set_access(world, access);
  bob->token = "bob-token";
  join(world, bob, "kitchen");
  relay_world_answer(world, relay_world_question(world, NULL), RELAY_TOKEN_GOOD, bob);
  assert_error(bob, WZP_ERROR_NOT_ALLOWED);
  g_assert_false(bob->closed);
  relay_world_free(world);
  relay_access_free(access);
}

/* One second of packets of bob's, evenly. Returns how many of them alice got. */
static unsigned
talk_a_second(RelayWorld *world, const RelayClient *bob, RelayClient *alice, unsigned packets,
              uint16_t *seq)
{
  unsigned heard, i;

  for (i = 0; i < packets; i++) {
    relay_world_send_bytes(world, bob, relay_client_media(bob, (uint8_t)bob->slot, (*seq)++));
    relay_world_advance(world, WZP_SECOND / packets);
  }
  heard = alice->media.length;
  g_queue_clear_full(&alice->media, (GDestroyNotify)g_bytes_unref);
  return heard;
}

/* From nine tenths of the traffic that the operator allows nobody new may join; beyond all of it packets
 * are dropped and counted. */
static void
test_egress(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob, *carol;
  const size_t size = 4 + 60 + WZP_TAG_SIZE; /* of a packet with a mini header */
  uint16_t seq = 0;

  relay_limits_default(&limits);
  limits.max_egress_bytes_per_second = (unsigned)(100 * size);
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_join(world, "kitchen");
  g_assert_cmpuint(talk_a_second(world, bob, alice, 80, &seq), ==, 80);
  carol = relay_world_join(world, "garden");
  g_assert_cmpint(carol->slot, ==, 0);
  g_assert_cmpuint(relay_world_stats(world).media_drops[WZP_RATE_LIMITED], ==, 0);

  talk_a_second(world, bob, alice, 95, &seq);
  carol = relay_world_join(world, "cellar");
  assert_error(carol, WZP_ERROR_BUSY);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_RATE_LIMITED], ==, 1);
  /* who is in a room may come back to it */
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_JOINED, NULL));

  talk_a_second(world, bob, alice, 200, &seq);
  g_assert_cmpuint(talk_a_second(world, bob, alice, 200, &seq), ==, 100);
  g_assert_cmpuint(relay_world_stats(world).media_drops[WZP_RATE_LIMITED], >=, 100);
  /* in quiet there is room again */
  relay_world_advance(world, 2 * WZP_SECOND);
  relay_client_connect(carol);
  relay_world_settle(world);
  g_assert_cmpint(carol->slot, ==, 0);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-access/list", test_list);
  g_test_add_func("/relay-access/closed", test_closed);
  g_test_add_func("/relay-access/new-list", test_new_list);
  g_test_add_func("/relay-access/with-token", test_with_token);
  g_test_add_func("/relay-access/egress", test_egress);
  return g_test_run();
}
