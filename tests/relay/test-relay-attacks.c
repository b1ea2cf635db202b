/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include "relay/relay-media.h"
#include "wzp/control-private.h"
#include <sodium.h>
#include <string.h>

/* What strangers and bad members can send, and what it gets them. */

#define IP_UDP 28

static GBytes *
hello(RelayClient *client)
{
  relay_client_connect(client);
  return g_queue_pop_head(&client->out);
}

static void
flip(GBytes *datagram, size_t byte)
{
  ((uint8_t *)g_bytes_get_data(datagram, NULL))[byte] ^= 0x10;
}

static WzpResult
send_media(RelayWorld *world, const RelayClient *client, uint16_t seq)
{
  return relay_world_send_bytes(world, client,
                                relay_client_media(client, (uint8_t)client->slot, seq));
}

static void
test_media_checks(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  RelayClient *roomless = relay_world_join(world, NULL);
  GBytes *datagram;
  RelayStats stats;
  size_t i, size;

  /* another member's slot */
  g_assert_cmpint(
      relay_world_send_bytes(world, alice, relay_client_media(alice, (uint8_t)bob->slot, 1)), ==,
      WZP_WRONG_SLOT);
  /* every single bit of packet, session id and tag counts */
  datagram = relay_client_media(alice, (uint8_t)alice->slot, 1);
  size = g_bytes_get_size(datagram);
  for (i = 8; i < size * 8; i++) {
    uint8_t copy[WZP_DATAGRAM_MAX];

    memcpy(copy, g_bytes_get_data(datagram, NULL), size);
    copy[i / 8] ^= (uint8_t)(1 << i % 8);
    g_assert_cmpint(relay_world_send(world, &alice->address, copy, size), !=, WZP_OK);
  }
  g_bytes_unref(datagram);
  /* too short to hold a packet, though its tag is right */
  g_assert_cmpint(
      relay_world_send_bytes(world, alice, relay_client_with_trailer(alice, "\xc0\x00\x00\x01", 4)),
      ==, WZP_TRUNCATED);
  roomless->slot = 0;
  g_assert_cmpint(send_media(world, roomless, 1), ==, WZP_NOT_CONNECTED);

  stats = relay_world_stats(world);
  g_assert_cmpuint(bob->media.length, ==, 0);
  g_assert_cmpuint(stats.packets_received, ==, 0);
  g_assert_cmpuint(stats.packets_forwarded, ==, 0);
  g_assert_cmpuint(stats.media_drops[WZP_WRONG_SLOT], ==, 1);
  g_assert_cmpuint(stats.media_drops[WZP_UNKNOWN_SESSION], ==, 32);
  g_assert_cmpuint(stats.media_drops[WZP_BAD_TAG], ==, size * 8 - 8 - 32);
  g_assert_cmpuint(stats.media_drops[WZP_TRUNCATED], ==, 1);
  g_assert_cmpuint(stats.media_drops[WZP_NOT_CONNECTED], ==, 1);
  /* and the call is as it was */
  g_assert_cmpint(send_media(world, alice, 1), ==, WZP_OK);
  g_assert_cmpuint(bob->media.length, ==, 1);
  relay_world_free(world);
}

static void
test_duplicates(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;
  unsigned i;

  relay_limits_default(&limits);
  limits.media_packets_per_second = 100000;
  limits.media_bytes_per_second = 100000000;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_join(world, "kitchen");
  /* across the wrap, each once */
  for (i = 65000; i < 65000 + 1500; i++) {
    alice->wraps = i >> 16;
    g_assert_cmpint(send_media(world, alice, (uint16_t)i), ==, WZP_OK);
    g_assert_cmpint(send_media(world, alice, (uint16_t)i), ==, WZP_REPLAYED);
  }
  g_assert_cmpuint(bob->media.length, ==, 1500);
  /* reordered within the window is fine, once; behind it is not */
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 10)), ==, WZP_OK);
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 3)), ==, WZP_OK);
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 3)), ==, WZP_REPLAYED);
  alice->wraps = 0;
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 10 - 1024)), ==, WZP_TOO_OLD);
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 10 - 1023)), ==, WZP_REPLAYED);

  /* what has the number of one that is ahead, from a wrap before, has no good tag */
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 20)), ==, WZP_BAD_TAG);
  world->now += 10 * WZP_SECOND; /* nor when the leg is silent */
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 20)), ==, WZP_BAD_TAG);
  alice->wraps = 1;
  g_assert_cmpint(send_media(world, alice, (uint16_t)(i + 20)), ==, WZP_OK);
  alice->wraps = 0;

  /* 64 behind the window in a row, and a second without one in it, reset it there */
  for (i = 0; i < 64; i++)
    g_assert_cmpint(send_media(world, alice, (uint16_t)(50000 + i)), ==, WZP_TOO_OLD);
  world->now += WZP_SECOND;
  g_assert_cmpint(send_media(world, alice, 50063), ==, WZP_OK);
  g_assert_cmpint(send_media(world, alice, 50063), ==, WZP_REPLAYED);
  g_assert_cmpint(send_media(world, alice, 50064), ==, WZP_OK);
  /* one good packet in between and the count starts anew */
  world->now += WZP_SECOND;
  for (i = 0; i < 63; i++)
    g_assert_cmpint(send_media(world, alice, (uint16_t)(40000 + i)), ==, WZP_TOO_OLD);
  g_assert_cmpint(send_media(world, alice, 50065), ==, WZP_OK);
  g_assert_cmpint(send_media(world, alice, 40063), ==, WZP_TOO_OLD);
  /* each leg has its own window; a wrap may be lost before the first packet, or in a silence */
  bob->wraps = 1;
  g_assert_cmpint(send_media(world, bob, 1), ==, WZP_OK);
  bob->wraps = 2;
  g_assert_cmpint(send_media(world, bob, 2), ==, WZP_BAD_TAG);
  world->now += WZP_SECOND;
  g_assert_cmpint(send_media(world, bob, 2), ==, WZP_OK);
  relay_world_free(world);
}

static void
test_media_rate(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  unsigned sent = 0, i;
  uint16_t seq = 0;
  GBytes *datagram = relay_client_media(alice, 0, 0);
  size_t packet = g_bytes_get_size(datagram) - WZP_TRAILER_SIZE;

  g_bytes_unref(datagram);
  for (i = 0; i < 2000; i++)
    sent += send_media(world, alice, seq++) == WZP_OK;
  g_assert_cmpuint(sent, ==, MIN(400, 32000 / packet));
  g_assert_cmpuint(relay_world_stats(world).media_drops[WZP_RATE_LIMITED], ==, 2000 - sent);
  /* the other leg is not touched by it */
  g_assert_cmpint(send_media(world, bob, 1), ==, WZP_OK);
  relay_world_advance(world, WZP_SECOND / 2);
  for (i = 0, sent = 0; i < 2000; i++)
    sent += send_media(world, alice, seq++) == WZP_OK;
  g_assert_cmpuint(sent, ==, MIN(200, 16000 / packet));
  relay_world_free(world);
}

static void
test_control_rate(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  uint64_t limited;
  unsigned i;

  /* garbage with the right connection id costs the leg nothing */
  for (i = 0; i < 2000; i++) {
    uint8_t garbage[200] = {0x44};

    memcpy(garbage + 1, alice->keys.cid_r, WZP_CID_SIZE);
    garbage[1 + WZP_CID_SIZE + 2] = 1; /* a counter not seen yet */
    g_assert_cmpint(relay_world_send(world, &alice->address, garbage, sizeof garbage), ==,
                    WZP_BAD_TAG);
  }
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_RATE_LIMITED], ==, 0);

  /* its own flood stops at the burst */
  for (i = 0; i < 2000; i++) {
    wzp_control_ping(alice->control);
    relay_world_settle(world);
  }
  limited = relay_world_stats(world).control_drops[WZP_RATE_LIMITED];
  g_assert_cmpuint(limited, >, 500);
  g_assert_cmpuint(limited, <, 1500);
  wzp_control_ping(bob->control);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_RATE_LIMITED], ==, limited);
  relay_world_free(world);
}

/* A member cannot fill another's leg: what is over a part of its queue is dropped and counted. */
static void
test_pairwise_flood(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;
  uint8_t message[512] = {WZP_MESSAGE_PAIRWISE}, too_long[513] = {WZP_MESSAGE_PAIRWISE};
  unsigned i;

  relay_limits_default(&limits);
  limits.control_bytes_per_second = 1000000;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_join(world, "kitchen");
  message[1] = too_long[1] = (uint8_t)bob->slot;
  message[2] = too_long[2] = (uint8_t)alice->slot;
  relay_client_send(alice, too_long, sizeof too_long);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_TOO_LONG], ==, 1);
  /* bob's address does not exist any more */
  bob->address.port++;
  for (i = 0; i < 200; i++) {
    relay_client_send(alice, message, sizeof message);
    relay_world_settle(world);
  }
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_QUEUE_FULL], ==, 200 - 32);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);
  relay_world_free(world);
}

/* A record with one message and nothing else: it acknowledges nothing. */
static void
send_bare_message(RelayWorld *world, const RelayClient *client, WzpRecords *records,
                  uint16_t number, const void *message, uint16_t length)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  WzpWriter writer;

  wzp_writer_init(&writer, record + WZP_RECORD_HEADER_SIZE, WZP_RECORD_PLAIN_MAX);
  wzp_writer_u8(&writer, WZP_FRAME_MESSAGE);
  wzp_writer_u16(&writer, number);
  wzp_writer_u8(&writer, 0);
  wzp_writer_u8(&writer, 1);
  wzp_writer_lp(&writer, message, length);
  g_assert_cmpint(relay_world_send(world, &client->address, record,
                                   wzp_records_seal(records, record, writer.length)),
                  ==, WZP_OK);
}

/* A member that asks and asks and takes no answer is closed when its queue is full; the others' call
 * goes on. */
static void
test_queue_overflow(void)
{
  const uint8_t bad_join[] = {WZP_MESSAGE_JOIN, 0};
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *bob;
  WzpControlConfig config;
  WzpRecords records;
  WzpSignal signal;
  unsigned i;

  relay_limits_default(&limits);
  limits.control_bytes_per_second = 1000000;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  bob = relay_world_join(world, "kitchen");
  wzp_control_config_from_keys(&config, &bob->keys, true);
  wzp_records_init(&records, &config);
  records.send_counter = 1000; /* behind what was sent properly */
  for (i = 0; i < 2000 && relay_world_stats(world).sessions == 2; i++)
    send_bare_message(world, bob, &records, (uint16_t)(1 + i), bad_join, sizeof bad_join);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 1);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_QUEUE_FULL], ==, 1);
  g_assert_true(relay_client_take_signal(alice, WZP_SIGNAL_LEFT, &signal));
  g_assert_cmpuint(signal.slot, ==, (unsigned)bob->slot);
  g_assert_false(alice->closed);
  relay_world_free(world);
}

static void
test_address_limit(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *client = relay_world_add(world);
  unsigned admitted = 0, i;

  world->deaf = true;
  for (i = 0; i < 60; i++)
    admitted += relay_world_send_bytes(world, client, hello(client)) == WZP_OK;
  g_assert_cmpuint(admitted, ==, 40);
  /* beyond the burst there is a cookie for the rest: no state, and a way in for who really is there */
  g_assert_cmpuint(relay_world_stats(world).cookies_sent, ==, 20);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_BAD_COOKIE], ==, 20);
  world->deaf = false;
  relay_client_connect(client);
  relay_world_settle(world);
  g_assert_cmpuint(client->cookies, ==, 1);
  g_assert_true(client->connected);

  /* with cookies it is 20 a second and no more */
  for (i = 0, admitted = 0; i < 60; i++) {
    relay_client_connect(client);
    relay_world_settle(world);
    admitted += client->connected;
  }
  g_assert_cmpuint(admitted, ==, 39);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_RATE_LIMITED], ==, 21);
  relay_world_advance(world, WZP_SECOND / 2);
  /* a neighbour is not touched */
  g_assert_true(relay_world_join(world, "kitchen")->connected);
  relay_world_free(world);
}

static GBytes *
stranger_hello(RelayWorld *world, RelayClient *client, unsigned host)
{
  (void)world;
  client->address = relay_world_address(1000 + host, 1000);
  return hello(client);
}

static void
test_cookie_under_load(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *flood = relay_world_add(world), *good;
  RelayStats stats;
  GBytes *stolen;
  unsigned i;

  world->deaf = true;
  for (i = 0; i < 300; i++)
    relay_world_send_bytes(world, flood, stranger_hello(world, flood, i));
  stats = relay_world_stats(world);
  g_assert_cmpuint(stats.cookies_sent, ==, 200);
  world->deaf = false;

  good = relay_world_join(world, "kitchen");
  g_assert_cmpuint(good->cookies, ==, 1);
  g_assert_true(good->connected);
  g_assert_cmpint(good->slot, ==, 0);

  /* a cookie is good for its address only, and for a minute or two */
  relay_client_connect(good);
  relay_world_send_bytes(world, good, g_queue_pop_head(&good->out)); /* brings the cookie */
  stolen = g_queue_pop_head(&good->out);
  g_assert_nonnull(stolen);
  g_assert_cmpint(relay_world_send_bytes(world, flood, g_bytes_ref(stolen)), ==, WZP_BAD_COOKIE);
  relay_world_advance(world, 121 * WZP_SECOND);
  world->deaf = true;
  for (i = 0; i < 300; i++)
    relay_world_send_bytes(world, flood, stranger_hello(world, flood, i));
  g_assert_cmpint(relay_world_send_bytes(world, good, stolen), ==, WZP_BAD_COOKIE);

  /* calm again: no cookie */
  world->deaf = false;
  relay_world_advance(world, 15 * WZP_SECOND);
  good = relay_world_join(world, "garden");
  g_assert_cmpuint(good->cookies, ==, 0);
  g_assert_true(good->connected);
  relay_world_free(world);
}

/* The table holds 1024, the oldest gives way, 10 s end the rest; established sessions stay. */
static void
test_half_open(void)
{
  RelayLimits limits;
  RelayWorld *world;
  RelayClient *alice, *flood, *oldest;
  GBytes *first;
  unsigned i;

  relay_limits_default(&limits);
  limits.cookie_threshold = 1000000;
  limits.max_sessions = 10;
  world = relay_world_new(&limits);
  alice = relay_world_join(world, "kitchen");
  flood = relay_world_add(world);
  oldest = relay_world_add(world);

  first = hello(oldest);
  relay_world_send_bytes(world, oldest, first);
  g_assert_cmpuint(oldest->hello_answers, ==, 1);
  world->deaf = true;
  /* at half the table cookies are asked for; each stranger here has one */
  for (i = 0; i < RELAY_HALF_OPEN_MAX; i++) {
    world->deaf = false;
    relay_world_send_bytes(world, flood, stranger_hello(world, flood, i));
    if (flood->cookies > 0) {
      flood->cookies = 0;
      relay_world_send_bytes(world, flood, g_queue_pop_head(&flood->out));
    }
    g_queue_clear_full(&flood->out, (GDestroyNotify)g_bytes_unref);
  }
  g_assert_cmpuint(relay_world_stats(world).cookies_sent, >, 400);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_QUEUE_FULL], ==, 1);
  /* the oldest one was it: its HS3 comes too late */
  relay_world_settle(world);
  g_assert_false(oldest->connected);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_UNKNOWN_SESSION], ==, 1);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 1);
  wzp_control_ping(alice->control);
  relay_world_settle(world);
  g_assert_cmpuint(relay_world_stats(world).control_drops[WZP_UNKNOWN_SESSION], ==, 1);

  relay_world_advance(world, 11 * WZP_SECOND);
  g_assert_true(relay_world_join(world, "kitchen")->connected);
  relay_world_free(world);
}

/* HS3 counts only from the address of its HS1, and one bad one does not spoil the good one. */
static void
test_hs3_source(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *client = relay_world_add(world);
  WzpAddress elsewhere = relay_world_address(500, 5);
  GBytes *hs3;

  relay_world_send_bytes(world, client, hello(client));
  hs3 = g_queue_pop_head(&client->out);
  g_assert_cmpint(
      relay_world_send(world, &elsewhere, g_bytes_get_data(hs3, NULL), g_bytes_get_size(hs3)), ==,
      WZP_UNKNOWN_SOURCE);
  flip(hs3, 60);
  g_assert_cmpint(relay_world_send_bytes(world, client, g_bytes_ref(hs3)), ==, WZP_BAD_TAG);
  flip(hs3, 60);
  g_assert_cmpint(relay_world_send_bytes(world, client, hs3), ==, WZP_OK);
  g_assert_true(client->connected);
  relay_world_free(world);
}

/* Old control records do nothing a second time. */
static void
test_control_replay(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  GBytes *record;
  uint64_t before;

  relay_client_send_pairwise(alice, (uint8_t)bob->slot, (uint8_t)alice->slot, "once");
  relay_client_poll(alice, world->now);
  record = g_queue_pop_head(&alice->out);
  g_assert_cmpint(relay_world_send_bytes(world, alice, g_bytes_ref(record)), ==, WZP_OK);
  before = world->datagrams_out;
  g_assert_cmpint(relay_world_send_bytes(world, alice, record), ==, WZP_REPLAYED);
  g_assert_cmpuint(world->datagrams_out, ==, before);
  g_assert_cmpuint(bob->pairwise.length, ==, 1);
  relay_world_free(world);
}

/* Whatever somebody without keys sends: never more comes back than went in, per datagram, and nothing of
 * the call changes. One who claims the address of a live session may get an answer to STUN that is twelve bytes longer
 * than the shortest question, five times a second. */
static void
test_amplification(void)
{
  RelayWorld *world = relay_world_new(NULL);
  RelayClient *alice = relay_world_join(world, "kitchen");
  RelayClient *bob = relay_world_join(world, "kitchen");
  RelayClient *stranger = relay_world_add(world);
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 77);
  GBytes *samples[6];
  uint64_t in = 0, out, received, stun;
  unsigned i;

  stranger->address = relay_world_address(4000, 4);
  samples[0] = hello(stranger);
  relay_world_send_bytes(world, stranger, g_bytes_ref(samples[0]));
  samples[1] = g_queue_pop_head(&stranger->out); /* a good HS3: only its flipped form is used */
  samples[2] = relay_client_media(alice, (uint8_t)alice->slot, 9);
  relay_client_send_pairwise(alice, (uint8_t)bob->slot, (uint8_t)alice->slot, "x");
  relay_client_poll(alice, world->now);
  samples[3] = g_queue_pop_head(&alice->out);
  samples[4] = g_bytes_new_static("\x00\x01\x00\x00\x21\x12\xa4\x42zzzzzzzzzzzz", 20);
  samples[5] = g_bytes_new_static("\x46zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 36);
  world->deaf = true;
  world->datagrams_out = world->bytes_out = 0;
  received = relay_world_stats(world).datagrams_received;

  for (i = 0; i < 20000; i++) {
    uint8_t data[WZP_DATAGRAM_MAX];
    uint64_t bytes_before = world->bytes_out, datagrams_before = world->datagrams_out;
    uint32_t pick[4];
    size_t length;
    WzpAddress from;

    wzp_random_fill(&random, pick, sizeof pick);
    if (pick[0] % 8 < G_N_ELEMENTS(samples)) {
      length = g_bytes_get_size(samples[pick[0] % 8]);
      memcpy(data, g_bytes_get_data(samples[pick[0] % 8], NULL), length);
      /* the HS1 may be whole; all else is spoilt behind its first byte */
      if (pick[0] % 8 != 0 || pick[1] % 2)
        data[1 + pick[1] % (length - 1)] ^= (uint8_t)(1 + pick[2] % 255);
    } else {
      length = pick[1] % sizeof data;
      wzp_random_fill(&random, data, length);
      if (length > 0 && pick[2] % 2)
        data[0] = (uint8_t)(0x40 + pick[2] % 7);
    }
    from = pick[3] % 3 == 0 ? alice->address : relay_world_address(5000 + pick[3] % 3000, 7);
    stun = relay_world_stats(world).stun_answered;
    relay_world_send(world, &from, data, length);
    stun = relay_world_stats(world).stun_answered - stun;
    g_assert_true(stun == 0 || pick[3] % 3 == 0);
    in += length + IP_UDP;
    out = world->bytes_out - bytes_before + IP_UDP * (world->datagrams_out - datagrams_before);
    g_assert_cmpuint(out, <=, length + IP_UDP + 12 * stun);
    world->now += 300;
  }
  g_assert_cmpuint(world->datagrams_out, >, 100); /* else this proves nothing */
  g_assert_cmpuint(world->bytes_out + IP_UDP * world->datagrams_out, <, in);
  g_assert_cmpuint(relay_world_stats(world).datagrams_received - received, ==, 20000);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);

  world->deaf = false;
  g_assert_cmpint(relay_world_send_bytes(world, alice, samples[2]), ==, WZP_OK);
  g_assert_cmpuint(bob->media.length, ==, 1);
  for (i = 0; i < G_N_ELEMENTS(samples); i++) {
    if (i != 2)
      g_bytes_unref(samples[i]);
  }
  relay_world_free(world);
}

static void
test_kinds(void)
{
  RelayWorld *world = relay_world_new(NULL);
  WzpAddress from = relay_world_address(1, 1);
  uint8_t data[WZP_DATAGRAM_MAX + 1] = {0};
  static const struct {
    uint8_t first;
    size_t length;
    WzpResult result;
    bool control;
  } table[] = {
      {0x00, 20, WZP_UNKNOWN_KIND, false},    {0x03, 20, WZP_UNKNOWN_KIND, false},
      {0x04, 20, WZP_UNKNOWN_KIND, false},    {0x3f, 20, WZP_UNKNOWN_KIND, false},
      {0x41, 180, WZP_UNEXPECTED, false},     {0x43, 25, WZP_UNEXPECTED, false},
      {0x46, 40, WZP_UNSUPPORTED, false},     {0x47, 40, WZP_UNSUPPORTED, false},
      {0x48, 40, WZP_UNKNOWN_KIND, false},    {0x7f, 40, WZP_UNKNOWN_KIND, false},
      {0x80, 40, WZP_UNKNOWN_SESSION, false}, {0xff, 40, WZP_UNKNOWN_SESSION, false},
      {0x45, 40, WZP_UNKNOWN_SESSION, false}, {0x42, 150, WZP_UNKNOWN_SESSION, true},
      {0x44, 60, WZP_UNKNOWN_SESSION, true},  {0x42, 8, WZP_TRUNCATED, true},
      {0x44, 8, WZP_TRUNCATED, true},         {0x80, 8, WZP_TRUNCATED, false},
      {0x80, 7, WZP_TRUNCATED, false},        {0x00, 19, WZP_TRUNCATED, false},
      {0x40, 0, WZP_TRUNCATED, false},        {0x80, WZP_DATAGRAM_MAX + 1, WZP_TOO_LONG, false},
  };
  RelayStats before, after;
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS(table); i++) {
    data[0] = table[i].first;
    before = relay_world_stats(world);
    g_assert_cmpint(relay_world_send(world, &from, data, table[i].length), ==, table[i].result);
    after = relay_world_stats(world);
    g_assert_cmpuint(after.media_drops[table[i].result] - before.media_drops[table[i].result], ==,
                     !table[i].control);
    g_assert_cmpuint(after.control_drops[table[i].result] - before.control_drops[table[i].result],
                     ==, table[i].control);
  }
  g_assert_cmpuint(world->datagrams_out, ==, 0);
  relay_world_free(world);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay/kinds", test_kinds);
  g_test_add_func("/relay/media-checks", test_media_checks);
  g_test_add_func("/relay/duplicates", test_duplicates);
  g_test_add_func("/relay/media-rate", test_media_rate);
  g_test_add_func("/relay/control-rate", test_control_rate);
  g_test_add_func("/relay/pairwise-flood", test_pairwise_flood);
  g_test_add_func("/relay/queue-overflow", test_queue_overflow);
  g_test_add_func("/relay/address-limit", test_address_limit);
  g_test_add_func("/relay/cookie-under-load", test_cookie_under_load);
  g_test_add_func("/relay/half-open", test_half_open);
  g_test_add_func("/relay/hs3-source", test_hs3_source);
  g_test_add_func("/relay/control-replay", test_control_replay);
  g_test_add_func("/relay/amplification", test_amplification);
  return g_test_run();
}
