/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/tls.h"
#include <glib.h>
#include <string.h>

/* Both ends in memory. */
typedef struct {
  WzpIdentity *identity;
  WzpTlsServer *server;
  WzpTls *relay, *client;
  WzpTime now;
  uint64_t bytes[2]; /* to the relay, to the client */
} Pair;

static void
pair_start(Pair *pair, const WzpTlsExpect *expect)
{
  static const uint8_t seed[32] = {7};
  *pair = (Pair){.identity = wzp_identity_new(seed)};
  pair->server = wzp_tls_server_new(pair->identity);
  pair->relay = wzp_tls_accept(pair->server);
  pair->client = wzp_tls_connect(expect);
}

static void
pair_stop(Pair *pair)
{
  wzp_tls_free(pair->client);
  wzp_tls_free(pair->relay);
  wzp_tls_server_free(pair->server);
  wzp_identity_free(pair->identity);
}

/* In pieces of step bytes. */
static WzpResult
carry(Pair *pair, WzpTls *from, WzpTls *to, size_t step)
{
  const uint8_t *bytes;
  size_t length;
  WzpResult result = WZP_OK;
  while (result == WZP_OK && (bytes = wzp_tls_output(from, pair->now, &length)) != NULL) {
    g_autofree uint8_t *copy = g_memdup2(bytes, MIN(length, step));
    length = MIN(length, step);
    result = wzp_tls_receive(to, copy, length);
    wzp_tls_sent(from, length);
    pair->bytes[to == pair->client] += length;
  }
  return result;
}

static void
pair_run(Pair *pair, size_t step)
{
  for (unsigned i = 0; i < 4; i++) {
    carry(pair, pair->client, pair->relay, step);
    carry(pair, pair->relay, pair->client, step);
  }
}

static void
assert_next(WzpTls *tls, const void *expected, size_t expected_length)
{
  const uint8_t *datagram;
  size_t length;
  WzpResult result;
  g_assert_true(wzp_tls_next(tls, &datagram, &length, &result));
  g_assert_cmpmem(datagram, length, expected, expected_length);
}

static void
assert_none(WzpTls *tls, WzpResult expected)
{
  const uint8_t *datagram;
  size_t length;
  WzpResult result;
  g_assert_false(wzp_tls_next(tls, &datagram, &length, &result));
  g_assert_cmpint(result, ==, expected);
}

static void
test_carries(void)
{
  static const size_t steps[] = {SIZE_MAX, 700, 1};
  for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
    WzpTlsExpect expect = {.name = "relay.example"};
    uint8_t key[32], longest[WZP_DATAGRAM_MAX] = {0xc0, 1, 2};
    Pair pair;
    pair_start(&pair, &expect);
    g_assert_false(wzp_tls_is_up(pair.client));
    wzp_tls_send(pair.client, pair.now, (const uint8_t *)"@early", 6); /* waits for the handshake */
    pair_run(&pair, steps[i]);
    g_assert_true(wzp_tls_is_up(pair.client) && wzp_tls_is_up(pair.relay));
    g_assert_true(wzp_tls_peer_key(pair.client, key));
    g_assert_cmpmem(key, sizeof key, pair.identity->ed25519_public, 32);
    assert_next(pair.relay, "@early", 6);
    assert_none(pair.relay, WZP_OK);
    for (unsigned n = 0; n < 5; n++) {
      wzp_tls_send(pair.relay, pair.now, longest, sizeof longest);
      wzp_tls_send(pair.client, pair.now, (const uint8_t *)"\xc0say", 4);
    }
    g_assert_true(wzp_tls_wants_output(pair.client, pair.now));
    pair_run(&pair, steps[i]);
    g_assert_false(wzp_tls_wants_output(pair.client, pair.now));
    for (unsigned n = 0; n < 5; n++) {
      assert_next(pair.client, longest, sizeof longest);
      assert_next(pair.relay, "\xc0say", 4);
    }
    assert_none(pair.client, WZP_OK);
    pair_stop(&pair);
  }
}

/* The key that is expected, or the fingerprint; or another one. */
static void
test_pinned(void)
{
  static const uint8_t seed[32] = {7}, other_seed[32] = {8};
  WzpIdentity *right = wzp_identity_new(seed), *wrong = wzp_identity_new(other_seed);
  for (unsigned i = 0; i < 4; i++) {
    const WzpIdentity *expected = i < 2 ? right : wrong;
    WzpTlsExpect expect = {.has_key = i % 2 == 0, .has_fingerprint = i % 2 == 1};
    Pair pair;
    uint8_t key[32];
    memcpy(expect.key, expected->ed25519_public, sizeof expect.key);
    memcpy(expect.fingerprint, expected->fingerprint, sizeof expect.fingerprint);
    pair_start(&pair, &expect);
    wzp_tls_send(pair.client, pair.now, (const uint8_t *)"secret", 6);
    pair_run(&pair, SIZE_MAX);
    g_assert_cmpint(wzp_tls_is_up(pair.client), ==, i < 2);
    assert_none(pair.client, i < 2 ? WZP_OK : WZP_WRONG_IDENTITY);
    g_assert_true(wzp_tls_peer_key(pair.client, key)); /* what was seen can be told */
    g_assert_cmpmem(key, sizeof key, right->ed25519_public, 32);
    if (i < 2)
      assert_next(pair.relay, "secret", 6);
    else
      g_assert_false(wzp_tls_is_up(pair.relay));
    pair_stop(&pair);
  }
  wzp_identity_free(right);
  wzp_identity_free(wrong);
}

/* Strangers: other protocols, cut and changed bytes. Nothing comes out, and it ends. */
static void
test_strangers(void)
{
  static const char *const greetings[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-x\r\n",
                                          "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", "\x80\x2e"};
  const WzpTlsExpect any = {.has_key = false};
  for (unsigned i = 0; i < 3; i++) {
    Pair pair;
    pair_start(&pair, &any);
    g_assert_cmpint(wzp_tls_receive(pair.relay, (const uint8_t *)greetings[i],
                                    i == 2 ? 10 : strlen(greetings[i])),
                    ==, WZP_BAD_TAG);
    assert_none(pair.relay, WZP_BAD_TAG);
    g_assert_cmpint(wzp_tls_receive(pair.client, (const uint8_t *)greetings[i],
                                    i == 2 ? 10 : strlen(greetings[i])),
                    ==, WZP_BAD_TAG);
    pair_stop(&pair);
  }
  /* one bit of one byte of the relay's first flight, or of a datagram later */
  for (unsigned n = 0; n < 2; n++) {
    for (unsigned flip = 0; flip < 60; flip++) {
      Pair pair;
      const uint8_t *bytes;
      size_t length;
      pair_start(&pair, &any);
      if (n == 0)
        carry(&pair, pair.client, pair.relay, SIZE_MAX);
      else
        pair_run(&pair, SIZE_MAX);
      if (n == 1)
        wzp_tls_send(pair.relay, pair.now, (const uint8_t *)"\xc0 and something long", 21);
      bytes = wzp_tls_output(pair.relay, pair.now, &length);
      g_autofree uint8_t *copy = g_memdup2(bytes, length);
      copy[length * flip / 60] ^= (uint8_t)(1 << flip % 8);
      wzp_tls_receive(pair.client, copy, length);
      const uint8_t *datagram;
      WzpResult result;
      size_t got;
      g_assert_false(wzp_tls_next(pair.client, &datagram, &got, &result));
      pair_stop(&pair);
    }
  }
}

/* What is no datagram is not sent. */
static void
test_no_datagram(void)
{
  const WzpTlsExpect any = {.has_key = false};
  uint8_t frames[] = {0xc0, 1};
  Pair pair;
  pair_start(&pair, &any);
  pair_run(&pair, SIZE_MAX);
  wzp_tls_send(pair.client, pair.now, frames, sizeof frames);
  wzp_tls_send(pair.client, pair.now, frames, 0); /* nothing */
  pair_run(&pair, SIZE_MAX);
  assert_next(pair.relay, frames, sizeof frames);
  assert_none(pair.relay, WZP_OK);
  g_assert_cmpuint(wzp_tls_dropped(pair.client, WZP_TOO_LONG), ==, 1);
  pair_stop(&pair);
}

/* A socket that takes nothing for a while: what was said then is dropped, what is new comes at once. */
static void
test_stalled(void)
{
  const WzpTlsExpect any = {.has_key = false};
  uint8_t media[100] = {0xc0}, record[100] = {0x44};
  const uint8_t *datagram;
  size_t length;
  WzpResult result;
  unsigned n = 0;
  Pair pair;
  pair_start(&pair, &any);
  pair_run(&pair, SIZE_MAX);
  for (unsigned i = 0; i < 500; i++, pair.now += 20 * WZP_MSEC) {
    media[1] = (uint8_t)i;
    wzp_tls_send(pair.client, pair.now, media, sizeof media);
    if (i == 0)
      wzp_tls_send(pair.client, pair.now, record, sizeof record);
  }
  pair.now -= 20 * WZP_MSEC; /* the last one is new */
  pair_run(&pair, SIZE_MAX);
  assert_next(pair.relay, record, sizeof record);
  while (wzp_tls_next(pair.relay, &datagram, &length, &result))
    n++;
  g_assert_cmpuint(n, ==, WZP_STREAM_MEDIA_AGE / (20 * WZP_MSEC) + 1);
  g_assert_cmpuint(wzp_tls_dropped(pair.client, WZP_TOO_OLD), ==, 500 - n);
  g_assert_cmpuint(wzp_tls_dropped(pair.client, WZP_QUEUE_FULL), ==, 0);
  pair_stop(&pair);
}

/* A handshake's bytes, and what the frame and TLS add to a packet: docs/PERFORMANCE.md */
static void
test_cost(void)
{
  const WzpTlsExpect any = {.has_key = false};
  uint8_t media[100] = {0xc0};
  Pair pair;
  pair_start(&pair, &any);
  pair_run(&pair, SIZE_MAX);
  g_test_message("handshake: %u bytes to the relay, %u back", (unsigned)pair.bytes[0],
                 (unsigned)pair.bytes[1]);
  g_assert_cmpuint(pair.bytes[0] + pair.bytes[1], <, 1600);
  pair.bytes[0] = 0;
  wzp_tls_send(pair.client, pair.now, media, sizeof media);
  pair_run(&pair, SIZE_MAX);
  g_assert_cmpuint(pair.bytes[0], ==, sizeof media + 2 + 22);
  pair_stop(&pair);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tls/carries", test_carries);
  g_test_add_func("/tls/pinned", test_pinned);
  g_test_add_func("/tls/strangers", test_strangers);
  g_test_add_func("/tls/no-datagram", test_no_datagram);
  g_test_add_func("/tls/stalled", test_stalled);
  g_test_add_func("/tls/cost", test_cost);
  return g_test_run();
}
