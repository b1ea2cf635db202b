/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "relay/relay-streams.h"

/* The connections of clients without UDP: how many and how long, in virtual time; and their legs in the relay. */

typedef struct {
  RelayStreams *streams;
  WzpTime now;
} Gate;

static void
gate_open(Gate *gate, unsigned max, unsigned max_per_ip)
{
  static WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 7);
  RelayLimits limits;

  relay_limits_default(&limits);
  limits.max_tls_connections = max;
  limits.max_tls_connections_per_ip = max_per_ip;
  gate->now = 1000 * WZP_SECOND;
  gate->streams = relay_streams_new(&limits, &random, gate->now);
}

static uint32_t
come(Gate *gate, unsigned host, RelayStreamEnd *refused, uint32_t *evicted)
{
  WzpAddress from = relay_world_address(host, 5000);

  return relay_streams_add(gate->streams, gate->now, &from, refused, evicted);
}

static uint32_t
expect_taken(Gate *gate, unsigned host)
{
  RelayStreamEnd refused;
  uint32_t evicted, number = come(gate, host, &refused, &evicted);

  g_assert_cmpuint(number, !=, 0);
  g_assert_cmpuint(evicted, ==, 0);
  return number;
}

static void
expect_refused(Gate *gate, unsigned host, RelayStreamEnd why)
{
  RelayStreamEnd refused;
  uint32_t evicted;

  g_assert_cmpuint(come(gate, host, &refused, &evicted), ==, 0);
  g_assert_cmpint(refused, ==, why);
  g_assert_cmpuint(evicted, ==, 0);
}

static void
expect_end(Gate *gate, WzpTime after, uint32_t number, RelayStreamEnd why)
{
  RelayStreamEnd end;

  g_assert_cmpint(relay_streams_next_timeout(gate->streams), ==, gate->now + after);
  gate->now += after - 1;
  g_assert_cmpuint(relay_streams_expire(gate->streams, gate->now, &end), ==, 0);
  gate->now += 1;
  g_assert_cmpuint(relay_streams_expire(gate->streams, gate->now, &end), ==, number);
  g_assert_cmpint(end, ==, why);
  g_assert_cmpuint(relay_streams_expire(gate->streams, gate->now, &end), ==, 0);
}

/* Who says nothing, or only TLS, or has no session any more. */
static void
test_deadlines(void)
{
  Gate gate;
  uint32_t number;

  gate_open(&gate, 10, 10);
  number = expect_taken(&gate, 1);
  relay_streams_proven(gate.streams, gate.now, number); /* not before TLS is up */
  expect_end(&gate, RELAY_STREAM_HANDSHAKE_TIME, number, RELAY_STREAM_NO_HANDSHAKE);

  number = expect_taken(&gate, 1);
  relay_streams_up(gate.streams, gate.now, number);
  gate.now += WZP_SECOND;
  relay_streams_up(gate.streams, gate.now, number); /* only the first counts */
  expect_end(&gate, RELAY_STREAM_SESSION_TIME - WZP_SECOND, number, RELAY_STREAM_NO_SESSION);

  number = expect_taken(&gate, 1);
  relay_streams_up(gate.streams, gate.now, number);
  relay_streams_proven(gate.streams, gate.now, number);
  gate.now += 20 * WZP_SECOND;
  relay_streams_proven(gate.streams, gate.now, number);
  expect_end(&gate, 40 * WZP_SECOND, number, RELAY_STREAM_SILENT);
  g_assert_cmpuint(relay_streams_count(gate.streams), ==, 0);

  /* a number that is over means nothing */
  relay_streams_up(gate.streams, gate.now, number);
  relay_streams_proven(gate.streams, gate.now, number);
  relay_streams_remove(gate.streams, number);
  relay_streams_remove(gate.streams, 0);
  g_assert_false(relay_streams_take(gate.streams, gate.now, number, 1));
  g_assert_cmpint(relay_streams_next_timeout(gate.streams), ==, WZP_NEVER);
  relay_streams_free(gate.streams);
}

static void
test_limits(void)
{
  Gate gate;
  uint32_t numbers[100], evicted;
  RelayStreamEnd refused;
  unsigned i;

  gate_open(&gate, 100, 3);
  for (i = 0; i < 3; i++)
    numbers[i] = expect_taken(&gate, 1);
  expect_refused(&gate, 1, RELAY_STREAM_TOO_MANY);
  relay_streams_remove(gate.streams, numbers[0]);
  numbers[0] = expect_taken(&gate, 1);
  /* handshakes: the longest in theirs gives way */
  for (i = 3; i < RELAY_STREAM_HANDSHAKES_MAX; i++)
    numbers[i] = expect_taken(&gate, i);
  g_assert_cmpuint(come(&gate, 1000, &refused, &evicted), !=, 0);
  g_assert_cmpuint(evicted, ==, numbers[1]);
  /* those that are up do not */
  for (i = 2; i < RELAY_STREAM_HANDSHAKES_MAX; i++)
    relay_streams_up(gate.streams, gate.now, numbers[i]);
  for (i = relay_streams_count(gate.streams); i < 100; i++)
    relay_streams_up(gate.streams, gate.now, expect_taken(&gate, 2000 + i));
  g_assert_cmpuint(relay_streams_count(gate.streams), ==, 100);
  for (i = 0; i < 2; i++) { /* two are in their handshake still */
    g_assert_cmpuint(come(&gate, 3000 + i, &refused, &evicted), !=, 0);
    g_assert_cmpuint(evicted, !=, 0);
    numbers[i] = evicted;
    g_assert_cmpuint(relay_streams_count(gate.streams), ==, 100);
  }
  g_assert_cmpuint(numbers[0], !=, numbers[1]);
  relay_streams_free(gate.streams);
}

/* Hosts of one net differ in the last byte. */
#define NET(n) (256 * (n))

/* One network takes all handshakes, from as many addresses as it likes: one from elsewhere is never the one to go. */
static void
test_crowds(void)
{
  Gate gate;
  RelayStreamEnd refused;
  uint32_t crowd[RELAY_STREAM_HANDSHAKES_MAX], honest, evicted, next = 0;
  unsigned i;

  gate_open(&gate, 1000, 16);
  honest = expect_taken(&gate, NET(2) + 1); /* the oldest of all */
  for (i = 1; i < RELAY_STREAM_HANDSHAKES_MAX; i++)
    crowd[i] = expect_taken(&gate, NET(1) + i);
  for (i = 1; i < 40; i++) {
    crowd[0] = come(&gate, NET(1) + i, &refused, &evicted);
    g_assert_cmpuint(crowd[0], !=, 0);
    g_assert_cmpuint(evicted, ==, crowd[i]); /* one of its own, the oldest */
    crowd[i] = crowd[0];
  }
  relay_streams_up(gate.streams, gate.now, honest);
  /* two nets with as many: the newcomer's own oldest goes, as its net would then have more */
  relay_streams_free(gate.streams);
  gate_open(&gate, 1000, 64);
  for (i = 0; i < RELAY_STREAM_HANDSHAKES_MAX; i++) {
    crowd[i] = expect_taken(&gate, NET(1 + i % 2) + i / 8);
  }
  g_assert_cmpuint(come(&gate, NET(2) + 100, &refused, &evicted), !=, 0);
  g_assert_cmpuint(evicted, ==, crowd[1]);
  relay_streams_free(gate.streams);

  /* all places, with TLS handshakes that are through: a net that has fewer gets one, until it has as many */
  gate_open(&gate, 32, 16);
  for (i = 0; i < 32; i++) {
    crowd[i] = expect_taken(&gate, NET(1) + i / 16);
    relay_streams_up(gate.streams, gate.now, crowd[i]);
  }
  expect_refused(&gate, NET(1) + 9, RELAY_STREAM_TOO_MANY);
  relay_streams_proven(gate.streams, gate.now, crowd[0]); /* whose session speaks never gives way */
  for (i = 0; i < 15; i++) {
    honest = come(&gate, NET(2) + i / 8, &refused, &evicted);
    g_assert_cmpuint(honest, !=, 0);
    g_assert_cmpuint(evicted, ==, crowd[++next]);
    relay_streams_up(gate.streams, gate.now, honest);
  }
  expect_refused(&gate, NET(2) + 9, RELAY_STREAM_TOO_MANY);
  honest = come(&gate, NET(3), &refused, &evicted);
  g_assert_cmpuint(honest, !=, 0);
  g_assert_cmpuint(evicted, ==, crowd[++next]); /* of 16 and 15 */
  g_assert_cmpuint(relay_streams_count(gate.streams), ==, 32);
  relay_streams_free(gate.streams);
}

static void
test_rates(void)
{
  Gate gate;
  uint32_t number;
  unsigned i;

  gate_open(&gate, 100, 100);
  for (i = 0; i < 40; i++)
    relay_streams_remove(gate.streams, expect_taken(&gate, 1));
  expect_refused(&gate, 1, RELAY_STREAM_TOO_FAST);
  number = expect_taken(&gate, 2);
  g_assert_true(relay_streams_take(gate.streams, gate.now, number, RELAY_STREAM_BURST));
  g_assert_false(relay_streams_take(gate.streams, gate.now, number, 1));
  gate.now += WZP_SECOND;
  g_assert_true(relay_streams_take(gate.streams, gate.now, number, RELAY_STREAM_BYTES_PER_SECOND));
  g_assert_false(relay_streams_take(gate.streams, gate.now, number, 1));
  relay_streams_free(gate.streams);
}

/* A handshake counts only from the connection of its HS1; and one connection is never another, of one address. */
static void
test_legs(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_add(world), *bob;
  WzpAddress other;
  GBytes *hs3, *media;

  alice->address.stream = 5;
  other = alice->address;
  other.stream = 6;
  relay_client_set_room(alice, "kitchen", world->identity->ed25519_public);
  relay_client_connect(alice);
  relay_world_send_bytes(world, alice, g_queue_pop_head(&alice->out));
  hs3 = g_queue_pop_head(&alice->out);
  g_assert_cmpint(
      relay_world_send(world, &other, g_bytes_get_data(hs3, NULL), g_bytes_get_size(hs3)), ==,
      WZP_UNKNOWN_SOURCE);
  g_assert_cmpint(relay_world_send_bytes(world, alice, hs3), ==, WZP_OK);
  relay_world_settle(world);
  bob = relay_world_join(world, "kitchen");
  media = relay_client_media(bob, (uint8_t)bob->slot, 1);
  g_assert_cmpint(relay_world_send_copy(world, bob, media), ==, WZP_OK);
  relay_assert_media(alice, media);
  g_bytes_unref(media);

  /* from TLS to UDP, and the observed address is one of UDP's kind on the wire */
  g_assert_cmpuint(alice->observed.stream, ==, 0);
  alice->address.stream = 0;
  alice->challenged = false;
  media = relay_client_media(alice, (uint8_t)alice->slot, 1);
  g_assert_cmpint(relay_world_send_bytes(world, alice, media), ==, WZP_OK);
  g_assert_true(alice->challenged);
  relay_world_send_bytes(world, alice, relay_client_answer(alice, world->now, alice->challenge));
  relay_world_advance(world, WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(world).legs_moved, ==, 1);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-streams/deadlines", test_deadlines);
  g_test_add_func("/relay-streams/limits", test_limits);
  g_test_add_func("/relay-streams/crowds", test_crowds);
  g_test_add_func("/relay-streams/rates", test_rates);
  g_test_add_func("/relay-streams/legs", test_legs);
  return g_test_run();
}
