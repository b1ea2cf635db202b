/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "wzp/handshake-private.h"
#include <sodium.h>
#include <string.h>

/* What those can do who speak the protocol, to get more of the relay than their share or to end what is
 * another's. */

/* A JOIN that would replace the sender's own leg excuses one session more; a JOIN that replaces nothing
 * does not. */
static void
test_limits_hold(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *more;
  uint8_t other_relay[32] = {1};
  unsigned i;

  relay_limits_default(&limits);
  limits.max_sessions_per_identity = 2;
  limits.max_sessions = 3;
  limits.max_sessions_per_ip = 2;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  for (i = 0; i < 6; i++) {
    uint8_t *blob;
    WzpJoin join;

    more = relay_world_add(world);
    more->address = alice->address;
    more->address.port = (uint16_t)(6000 + i);
    wzp_identity_free(more->identity);
    more->identity = wzp_identity_new(alice->identity->seed);
    relay_client_set_room(more, "kitchen", world->identity->ed25519_public);
    relay_client_connect(more);
    /* the right room, at home on another relay, properly signed */
    blob = (uint8_t *)wzp_group_join(more->group);
    memcpy(blob + 9 + 32, other_relay, 32);
    wzp_identity_sign(more->identity, blob + WZP_JOIN_SIZE, blob, WZP_JOIN_SIZE);
    g_assert_cmpint(wzp_join_parse(&join, blob, WZP_JOIN_BLOB_SIZE), ==, WZP_OK);
    relay_world_settle(world);
    g_assert_true(more->closed == (i >= 1));
  }
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  g_assert_false(alice->closed);
  relay_world_free(world);
}

/* HS3s that open but prove no identity: each costs the relay a signature check, so the first is the
 * last of its handshake. Forged ones that do not open cost nothing and change nothing. */
static void
test_unproven_hs3(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *mallory = relay_world_add(world), *honest = relay_world_add(world);
  uint8_t hs1[WZP_HS1_PADDED] = {0x40, 1, WZP_MODE_HOP, 1};
  uint8_t secret[32] = {3}, n_i[16] = {4}, id[32] = {5},
          hs3[WZP_HS3_HEAD_SIZE + WZP_BOX3_FIXED + 16];
  WzpHandshakeConfig config = {.mode = WZP_MODE_HOP};
  WzpHsSchedule schedule;
  RelayDatagram hs2;
  GBytes *forged;

  /* a handshake made by hand */
  wzp_x25519_base(hs1 + 12, secret);
  wzp_hs_commitment(hs1 + 44, n_i, hs1 + 12, id);
  hs1[76] = 2;
  hs1[78] = WZP_CAP_MEDIA_1;
  g_assert_cmpint(
      relay_core_handle_datagram(world->core, world->now, &mallory->address, hs1, sizeof hs1), ==,
      WZP_OK);
  g_assert_true(relay_core_poll(world->core, world->now, &hs2));
  g_assert_true(
      wzp_hs_schedule_start(&schedule, &config, hs1, 79, hs2.data, secret, hs2.data + 18));
  wzp_hs_schedule_add_box2(&schedule, hs2.data + WZP_HS2_HEAD_SIZE, hs2.length - WZP_HS2_HEAD_SIZE);
  memset(hs3, 0, sizeof hs3);
  hs3[0] = 0x42;
  memcpy(hs3 + 1, hs2.data + 9, WZP_CID_SIZE);
  g_assert_cmpint(relay_world_send(world, &mallory->address, hs3, sizeof hs3), ==, WZP_BAD_TAG);
  g_assert_cmpint(relay_world_send(world, &mallory->address, hs3, sizeof hs3), ==, WZP_BAD_TAG);
  memcpy(hs3 + 9, id, 32);
  memcpy(hs3 + 41, n_i, 16);
  wzp_aead_seal(hs3 + 9, schedule.k3, wzp_hs_zero_nonce, schedule.th3, 32, hs3 + 9, WZP_BOX3_FIXED);
  g_assert_cmpint(relay_world_send(world, &mallory->address, hs3, sizeof hs3), ==,
                  WZP_BAD_SIGNATURE);
  g_assert_cmpint(relay_world_send(world, &mallory->address, hs3, sizeof hs3), ==,
                  WZP_UNKNOWN_SESSION);

  /* an honest handshake is not ended by what others send for it */
  relay_client_connect(honest);
  relay_world_send_bytes(world, honest, g_queue_pop_head(&honest->out));
  forged = g_queue_peek_head(&honest->out);
  memcpy(hs3, g_bytes_get_data(forged, NULL), 9);
  g_assert_cmpint(relay_world_send(world, &honest->address, hs3, sizeof hs3), ==, WZP_BAD_TAG);
  relay_world_settle(world);
  g_assert_true(honest->connected);
  relay_world_free(world);
}

/* Whoever recorded a leg's datagrams can send them again, from anywhere. While the leg itself speaks,
 * that moves nothing and takes nothing of its share. */
static void
test_replayed_past(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  WzpAddress elsewhere = relay_world_address(999, 9);
  enum { PAST = 2000 };
  GBytes *recorded[PAST];
  unsigned i, n, replayed = 0, heard;

  for (i = 0; i < PAST; i++) {
    recorded[i] = relay_client_media(alice, (uint8_t)alice->slot, (uint16_t)i);
    world->now += 20 * WZP_MSEC;
    g_assert_cmpint(relay_world_send_copy(world, alice, recorded[i]), ==, WZP_OK);
  }
  heard = bob->media.length;
  g_assert_cmpuint(heard, ==, PAST);
  /* 5000 a second against 50 */
  for (i = 0; i < 200; i++) {
    world->now += 20 * WZP_MSEC;
    for (n = 0; n < 100; n++, replayed++)
      g_assert_cmpint(relay_world_send(world, &elsewhere,
                                       g_bytes_get_data(recorded[replayed % 900], NULL),
                                       g_bytes_get_size(recorded[replayed % 900])),
                      ==, WZP_TOO_OLD);
    g_assert_cmpint(
        relay_world_send_bytes(
            world, alice, relay_client_media(alice, (uint8_t)alice->slot, (uint16_t)(PAST + i))),
        ==, WZP_OK);
  }
  g_assert_cmpuint(bob->media.length, ==, heard + 200);
  for (i = 0; i < PAST; i++)
    g_bytes_unref(recorded[i]);
  relay_world_free(world);
}

/* Each JOIN costs a signature check: a few at once and one a second. */
static void
test_join_rate(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;
  WzpSignal signal;
  unsigned i, joined = 0, refused = 0;

  relay_limits_default(&limits);
  limits.control_bytes_per_second = 1000000;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_join(world, "garden");
  for (i = 0; i < 100; i++) {
    relay_client_send_join(alice);
    relay_world_settle(world);
    while (alice->signals.length > 0) {
      WzpSignal *next = g_queue_pop_head(&alice->signals);

      joined += next->type == WZP_SIGNAL_JOINED;
      refused += next->type == WZP_SIGNAL_ERROR && next->code == WZP_ERROR_RATE_LIMITED;
      g_free(next);
    }
  }
  g_assert_cmpuint(joined, ==, 8); /* the one of the handshake among them */
  g_assert_cmpuint(refused, ==, 100 - 7);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_RATE_LIMITED], ==, 100 - 7);
  g_assert_false(alice->closed);
  relay_world_advance(world, WZP_SECOND);
  relay_client_send_join(alice);
  relay_client_send_join(bob);
  relay_world_settle(world);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_JOINED, &signal));
  g_assert_true(relay_client_take_signal(bob, WZP_SIGNAL_JOINED, &signal));
  relay_world_free(world);
}

/* Who is in the room, by the rules of a client: present holds JOIN blobs by slot. */
static void
apply_news(RelayClient *client, GBytes *present[WZP_SLOT_MAX + 1])
{
  GBytes *message;
  unsigned slot;

  while ((message = g_queue_pop_head(&client->messages)) != NULL) {
    const uint8_t *data = g_bytes_get_data(message, NULL);
    size_t length = g_bytes_get_size(message);
    WzpSignal signal = {0};

    if (data[0] == WZP_MESSAGE_MEMBER) {
      g_clear_pointer(&present[data[1]], g_bytes_unref);
      present[data[1]] = g_bytes_new(data + 2, length - 2);
    } else if (data[0] == WZP_MESSAGE_SIGNAL) {
      g_assert_cmpint(wzp_signal_parse(&signal, data + 1, length - 1), ==, WZP_OK);
    }
    for (slot = 0; slot <= WZP_SLOT_MAX; slot++) {
      if ((signal.type == WZP_SIGNAL_LEFT && signal.slot == slot) ||
          (signal.type == WZP_SIGNAL_ROSTER &&
           memchr(signal.members, (int)slot, signal.n_members) == NULL))
        g_clear_pointer(&present[slot], g_bytes_unref);
    }
    g_bytes_unref(message);
  }
}

/* Coming and going does not fill, and so close, a leg that is slow to take the news: it misses the steps
 * between and is told the room as it is. */
static void
test_churn(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *slow, *guests[3];
  GBytes *present[WZP_SLOT_MAX + 1] = {NULL};
  WzpAddress address;
  unsigned i, n = 0;

  relay_limits_default(&limits);
  limits.max_members = 4;
  limits.handshakes_per_second = 10000;
  limits.cookie_threshold = 1000000;
  world = relay_world_new(&limits);
  slow = relay_world_join(world, "kitchen");
  address = slow->address;
  for (i = 0; i < 3; i++)
    guests[i] = relay_world_join(world, "kitchen");
  slow->address.port++; /* nothing reaches it for a while */
  for (i = 0; i < 1000; i++) {
    /* a new JOIN of the same identity: the others see it go and come */
    relay_client_set_room(guests[i % 3], "kitchen", world->identity->ed25519_public);
    relay_client_connect(guests[i % 3]);
    relay_world_settle(world);
    g_assert_cmpuint(relay_world_stats(world).sessions, ==, 4);
  }
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_QUEUE_FULL], ==, 0);

  slow->address = address;
  relay_world_advance(world, 5 * WZP_SECOND);
  g_assert_false(slow->closed);
  apply_news(slow, present);
  for (i = 0; i < 3; i++) {
    GBytes *blob = present[guests[i]->slot];

    g_assert_nonnull(blob);
    g_assert_cmpmem(g_bytes_get_data(blob, NULL), g_bytes_get_size(blob),
                    wzp_group_join(guests[i]->group), WZP_JOIN_BLOB_SIZE);
  }
  for (i = 0; i <= WZP_SLOT_MAX; i++) {
    n += present[i] != NULL;
    g_clear_pointer(&present[i], g_bytes_unref);
  }
  g_assert_cmpuint(n, ==, 3);
  relay_world_free(world);
}

/* What has a good tag is served from wherever it comes; the leg stays where its handshake was. */
static void
test_addresses(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  WzpAddress home = alice->address;
  uint64_t before;
  GBytes *datagram;

  alice->address = relay_world_address(500, 5);
  datagram = relay_client_media(alice, (uint8_t)alice->slot, 1);
  g_assert_cmpint(relay_world_send_copy(world, alice, datagram), ==, WZP_OK);
  relay_assert_media(bob, datagram);
  g_bytes_unref(datagram);
  before = world->datagrams_out;
  wzp_control_ping(alice->control);
  relay_world_settle(world);
  g_assert_cmpuint(world->datagrams_out, ==, before + 1);
  g_assert_cmpint(wzp_control_round_trip(alice->control), <, 0); /* the answer went home */

  datagram = relay_client_media(bob, (uint8_t)bob->slot, 1);
  relay_world_send_copy(world, bob, datagram);
  g_assert_cmpuint(alice->media.length, ==, 0);
  g_bytes_unref(datagram);
  alice->address = home;
  datagram = relay_client_media(bob, (uint8_t)bob->slot, 2);
  relay_world_send_copy(world, bob, datagram);
  relay_assert_media(alice, datagram);
  g_bytes_unref(datagram);
  relay_world_free(world);
}

/* The same HS1 gets the same HS2 while its handshake waits; from another address it is another
 * handshake, with an ephemeral key and a nonce of its own. */
static void
test_hs1_again(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *client = relay_world_add(world);
  WzpAddress elsewhere = relay_world_address(500, 5);
  RelayDatagram answers[3];
  GBytes *hs1;
  size_t length;
  const uint8_t *data;
  unsigned i;

  relay_client_connect(client);
  hs1 = g_queue_pop_head(&client->out);
  data = g_bytes_get_data(hs1, &length);
  for (i = 0; i < 3; i++) {
    g_assert_cmpint(relay_core_handle_datagram(world->core, world->now,
                                               i < 2 ? &client->address : &elsewhere, data, length),
                    ==, WZP_OK);
    g_assert_true(relay_core_poll(world->core, world->now, &answers[i]));
  }
  g_assert_cmpmem(answers[0].data, answers[0].length, answers[1].data, answers[1].length);
  g_assert_true(wzp_address_equal(&answers[2].to, &elsewhere));
  g_assert_cmpint(memcmp(answers[0].data + 9, answers[2].data + 9, 8), !=, 0);
  g_assert_cmpint(memcmp(answers[0].data + 18, answers[2].data + 18, 32), !=, 0);
  g_assert_cmpint(memcmp(answers[0].data + 50, answers[2].data + 50, 16), !=, 0);
  g_bytes_unref(hs1);
  relay_world_free(world);
}

/* Handshakes between clients do not reach the relay bare. */
static void
test_other_modes(void)
{
  const WzpHandshakeMode modes[] = {WZP_MODE_CALL, WZP_MODE_UDP};
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *client = relay_world_add(world);
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS(modes); i++) {
    WzpHandshakeConfig config = {
        .mode = modes[i], .identity = client->identity, .capabilities = WZP_CAP_MEDIA_1};
    WzpInitiator *initiator = wzp_initiator_new(&config, &client->random);
    size_t length;
    const uint8_t *hs1 = wzp_initiator_message(initiator, &length);

    g_assert_cmpint(relay_world_send(world, &client->address, hs1, length), ==, WZP_UNSUPPORTED);
    wzp_initiator_free(initiator);
  }
  g_assert_cmpuint(world->datagrams_out, ==, 0);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/relay-abuse/limits-hold", test_limits_hold);
  g_test_add_func("/relay-abuse/unproven-hs3", test_unproven_hs3);
  g_test_add_func("/relay-abuse/replayed-past", test_replayed_past);
  g_test_add_func("/relay-abuse/join-rate", test_join_rate);
  g_test_add_func("/relay-abuse/churn", test_churn);
  g_test_add_func("/relay-abuse/addresses", test_addresses);
  g_test_add_func("/relay-abuse/hs1-again", test_hs1_again);
  g_test_add_func("/relay-abuse/other-modes", test_other_modes);
  return g_test_run();
}
