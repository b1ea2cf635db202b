/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "wzp/stun.h"
#include <string.h>

/* The relay as a STUN server for its own clients, and for nobody else. */

static const uint8_t modern[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3};
static const uint8_t classic[20] = {0, 1, 0, 0, 7, 8, 9};

/* The answer to a request, or false. */
static bool
ask(RelayWorld *world, const WzpAddress *from, const uint8_t *request, RelayDatagram *answer)
{
  relay_core_handle_datagram(world->core, world->now, from, request, 20);
  if (!relay_core_poll(world->core, world->now, answer))
    return false;
  g_assert_true(wzp_address_equal(&answer->to, from));
  RelayDatagram more;
  g_assert_false(relay_core_poll(world->core, world->now, &more));
  return true;
}

/* From any port of a client's, in both forms. */
static void
test_answers(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  WzpAddress other_socket = alice->address;
  const uint8_t *forms[] = {modern, classic};
  RelayDatagram answer;

  other_socket.port = 0x1234;
  for (unsigned i = 0; i < G_N_ELEMENTS(forms); i++) {
    g_assert_true(ask(world, &other_socket, forms[i], &answer));
    g_assert_cmpuint(answer.length, ==, 32);
    g_assert_cmphex(answer.data[0] << 8 | answer.data[1], ==, 0x0101);
    g_assert_cmpmem(answer.data + 4, 16, forms[i] + 4, 16);
    g_assert_cmphex(answer.data[20] << 8 | answer.data[21], ==, i == 0 ? 0x0020 : 0x0001);
    const uint8_t *mask = i == 0 ? modern + 4 : (const uint8_t[16]){0};
    g_assert_cmphex((answer.data[26] ^ mask[0]) << 8 | (answer.data[27] ^ mask[1]), ==, 0x1234);
    for (unsigned n = 0; n < 4; n++)
      g_assert_cmphex(answer.data[28 + n] ^ mask[n], ==, alice->address.bytes[n]);
  }
  g_assert_cmpuint(relay_world_stats(world).stun_answered, ==, 2);
  relay_world_free(world);
}

/* Not before the handshake is through, not to another address, not after the session. */
static void
test_strangers(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_add(world);
  WzpAddress stranger = relay_world_address(200, 4000);
  RelayDatagram hs2, answer;
  size_t length;

  const uint8_t *hs1 =
      (relay_client_connect(alice), wzp_initiator_message(alice->initiator, &length));
  relay_core_handle_datagram(world->core, world->now, &alice->address, hs1, length);
  g_assert_true(relay_core_poll(world->core, world->now, &hs2));
  g_assert_false(ask(world, &alice->address, modern, &answer));
  relay_client_connect(alice);
  relay_world_settle(world);
  g_assert_true(alice->connected);
  g_assert_true(ask(world, &alice->address, modern, &answer));
  g_assert_false(ask(world, &stranger, modern, &answer));
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_UNKNOWN_SOURCE], ==, 2);
  relay_world_advance(world, 40 * WZP_SECOND); /* silent too long */
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  g_assert_false(ask(world, &alice->address, modern, &answer));
  relay_world_free(world);
}

/* A client of both families is answered where it was heard from in the other one too, for as long as its session lives. What
 * comes there again, or from elsewhere, says nothing. */
static void
test_other_family(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  const WzpAddress v6 = {.family = 6, .port = 9, .bytes = {0x20, 1, 0xd, 0xb8, 1}},
                   other = {.family = 6, .port = 9, .bytes = {0x20, 1, 0xd, 0xb8, 2}};
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  RelayDatagram answer;

  g_assert_true(wzp_control_probe(alice->control, world->now, record, &length));
  g_assert_false(ask(world, &v6, modern, &answer));
  relay_core_handle_datagram(world->core, world->now, &v6, record, length);
  g_assert_false(relay_core_poll(world->core, world->now, &answer)); /* it is no move */
  g_assert_true(ask(world, &v6, modern, &answer));
  g_assert_cmpuint(answer.length, ==, 44);
  relay_core_handle_datagram(world->core, world->now, &other, record, length);
  g_assert_false(ask(world, &other, modern, &answer));
  g_assert_true(ask(world, &alice->address, modern, &answer));
  relay_world_advance(world, 40 * WZP_SECOND); /* silent too long */
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  g_assert_false(ask(world, &v6, modern, &answer));
  relay_world_free(world);
}

static unsigned
answered_in_a_second(RelayWorld *world, const RelayClient *client)
{
  RelayDatagram answer;
  unsigned n = 0;

  for (unsigned i = 0; i < 100; i++) {
    WzpAddress from = client->address;
    from.port = (uint16_t)(5000 + i);
    n += ask(world, &from, classic, &answer);
    relay_world_advance(world, WZP_SECOND / 100);
  }
  return n;
}

/* Five a second of an address, from whatever ports; that one asks too much is nothing to others. */
static void
test_rate(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen"),
              *bob = relay_world_join(world, "kitchen");
  RelayDatagram answer;

  g_assert_cmpuint(answered_in_a_second(world, alice), <=, 10); /* five at once, and five more */
  g_assert_cmpuint(answered_in_a_second(world, alice), ==, 5);
  g_assert_true(ask(world, &bob->address, classic, &answer));
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_RATE_LIMITED], >=, 185);
  relay_world_free(world);
}

/* What is no plain question for one's address is not even looked at by the control plane. */
static void
test_malformed(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  uint8_t request[28];
  RelayDatagram answer;

  memcpy(request, modern, sizeof modern);
  request[1] = 3; /* Allocate */
  g_assert_false(ask(world, &alice->address, request, &answer));
  memcpy(request, (const uint8_t[]){0, 1, 0, 8}, 4);
  memcpy(request + 20, (const uint8_t[]){0, 2, 0, 4, 10, 0, 0, 9}, 8); /* answer elsewhere */
  relay_core_handle_datagram(world->core, world->now, &alice->address, request, sizeof request);
  g_assert_false(relay_core_poll(world->core, world->now, &answer));
  RelayStats stats = relay_world_stats(world);
  g_assert_cmpuint(stats.media_drops[WZP_UNKNOWN_KIND], ==, 1);
  g_assert_cmpuint(stats.media_drops[WZP_UNSUPPORTED], ==, 1);
  g_assert_cmpuint(stats.stun_answered, ==, 0);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/relay-stun/answers", test_answers);
  g_test_add_func("/relay-stun/strangers", test_strangers);
  g_test_add_func("/relay-stun/other-family", test_other_family);
  g_test_add_func("/relay-stun/rate", test_rate);
  g_test_add_func("/relay-stun/malformed", test_malformed);
  return g_test_run();
}
