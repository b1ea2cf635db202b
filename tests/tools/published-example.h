/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/handshake.h"
#include <glib.h>
#include <string.h>

/* The handshake example that docs/PROTOCOL.md publishes: mode 2, seeds 32 x 42 and 00..1f. */

/* A WzpRandom that hands out given bytes in order, and ends the process when they run out. */
typedef struct {
  uint8_t bytes[48];
  size_t used;
} ExampleRandom;

static inline void
example_random_fill(void *user, void *out, size_t length)
{
  ExampleRandom *random = user;
  g_assert_cmpuint(length, <=, sizeof random->bytes - random->used);
  memcpy(out, random->bytes + random->used, length);
  random->used += length;
}

/* secret of e (32 times the one byte), then n (16 times the other). */
static inline WzpRandom
example_random(ExampleRandom *random, uint8_t secret, uint8_t n)
{
  memset(random->bytes, secret, 32);
  memset(random->bytes + 32, n, 16);
  random->used = 0;
  return (WzpRandom){.fill = example_random_fill, .user = random};
}

typedef struct {
  WzpIdentity *identity_i, *identity_r;
  WzpHandshakeConfig config_i, config_r;
} Example;

static inline void
example_init(Example *example)
{
  uint8_t seed_i[32], seed_r[32];
  memset(example, 0, sizeof *example);
  memset(seed_i, 0x42, sizeof seed_i);
  for (unsigned i = 0; i < 32; i++)
    seed_r[i] = (uint8_t)i;
  example->identity_i = wzp_identity_new(seed_i);
  example->identity_r = wzp_identity_new(seed_r);

  WzpHandshakeConfig *config = &example->config_i;
  config->mode = WZP_MODE_CALL;
  config->identity = example->identity_i;
  config->capabilities = WZP_CAP_MEDIA_1;
  memset(config->cid, 0x55, sizeof config->cid);
  for (unsigned i = 0; i < 16; i++)
    config->call_id[i] = (uint8_t)(0x60 + i);
  memcpy(config->caller, example->identity_i->fingerprint, WZP_FINGERPRINT_SIZE);
  memcpy(config->callee, example->identity_r->fingerprint, WZP_FINGERPRINT_SIZE);
  example->config_r = *config;
  example->config_r.identity = example->identity_r;
  memset(example->config_r.cid, 0x66, sizeof config->cid);
}

static inline void
example_clear(Example *example)
{
  wzp_identity_free(example->identity_i);
  wzp_identity_free(example->identity_r);
}

static inline WzpInitiator *
example_initiator(const Example *example)
{
  ExampleRandom bytes;
  WzpRandom random = example_random(&bytes, 0x11, 0x33);
  return wzp_initiator_new(&example->config_i, &random);
}

/* To the initiator's first message. */
static inline WzpResponder *
example_responder(const Example *example, const WzpInitiator *initiator)
{
  ExampleRandom bytes;
  WzpRandom random = example_random(&bytes, 0x22, 0x44);
  size_t length;
  WzpResult result;
  const uint8_t *hs1 = wzp_initiator_message(initiator, &length);
  return wzp_responder_new(&example->config_r, &random, hs1, length, NULL, 0, &result);
}

/* The keys of the example. */
static inline void
example_keys(WzpHandshakeKeys *keys)
{
  Example example;
  example_init(&example);
  WzpInitiator *initiator = example_initiator(&example);
  WzpResponder *responder = example_responder(&example, initiator);
  size_t length, payload_length;
  const uint8_t *payload, *hs2 = wzp_responder_message(responder, &length);
  g_assert_cmpint(wzp_initiator_read_hs2(initiator, hs2, length, &payload, &payload_length, NULL),
                  ==, WZP_OK);
  g_assert_cmpint(wzp_initiator_finish(initiator, NULL, 0, keys), ==, WZP_OK);
  wzp_initiator_free(initiator);
  wzp_responder_free(responder);
  example_clear(&example);
}
