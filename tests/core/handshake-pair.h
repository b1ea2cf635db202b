/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/handshake.h"
#include <glib.h>
#include <string.h>

/* Two parties of a handshake in any mode, on seeded randomness, and each step of it. */

typedef struct {
  WzpIdentity *identity_i, *identity_r;
  WzpHandshakeConfig config_i, config_r;
  WzpSeededRandom seeded;
  WzpRandom random;
  WzpInitiator *initiator;
  WzpResponder *responder;
  uint8_t hs1[256], hs2[1300], hs3[1300];
  size_t hs1_length, hs2_length, hs3_length;
  const uint8_t *payload;
  size_t payload_length;
  WzpHandshakeKeys keys_i, keys_r;
} Pair;

static inline void
pair_init(Pair *pair, WzpHandshakeMode mode, uint64_t seed)
{
  memset(pair, 0, sizeof *pair);
  pair->random = wzp_random_seeded(&pair->seeded, seed);
  pair->identity_i = wzp_identity_new_random(&pair->random);
  pair->identity_r = wzp_identity_new_random(&pair->random);
  WzpHandshakeConfig *config = &pair->config_i;
  config->mode = mode;
  config->identity = pair->identity_i;
  config->capabilities = WZP_CAP_MEDIA_1 | WZP_CAP_TRUNK;
  wzp_random_fill(&pair->random, config->cid, sizeof config->cid);
  if (mode == WZP_MODE_CALL) {
    wzp_random_fill(&pair->random, config->call_id, sizeof config->call_id);
    memcpy(config->caller, pair->identity_i->fingerprint, WZP_FINGERPRINT_SIZE);
    memcpy(config->callee, pair->identity_r->fingerprint, WZP_FINGERPRINT_SIZE);
  } else if (mode == WZP_MODE_UDP) {
    wzp_random_fill(&pair->random, config->psk, sizeof config->psk);
  }
  pair->config_r = *config;
  pair->config_r.identity = pair->identity_r;
  wzp_random_fill(&pair->random, pair->config_r.cid, sizeof pair->config_r.cid);
}

static inline void
pair_clear(Pair *pair)
{
  wzp_initiator_free(pair->initiator);
  wzp_responder_free(pair->responder);
  wzp_identity_free(pair->identity_i);
  wzp_identity_free(pair->identity_r);
}

static inline size_t
keep(uint8_t *out, const uint8_t *message, size_t length)
{
  memcpy(out, message, length);
  return length;
}

static inline void
pair_hs1(Pair *pair)
{
  pair->initiator = wzp_initiator_new(&pair->config_i, &pair->random);
  size_t length;
  const uint8_t *message = wzp_initiator_message(pair->initiator, &length);
  pair->hs1_length = keep(pair->hs1, message, length);
}

static inline WzpResult
pair_hs2(Pair *pair, const void *payload, size_t payload_length)
{
  WzpResult result;
  size_t length;
  pair->responder = wzp_responder_new(&pair->config_r, &pair->random, pair->hs1, pair->hs1_length,
                                      payload, payload_length, &result);
  g_assert_true((result == WZP_OK) == (pair->responder != NULL));
  if (pair->responder) {
    const uint8_t *message = wzp_responder_message(pair->responder, &length);
    pair->hs2_length = keep(pair->hs2, message, length);
  }
  return result;
}

static inline WzpResult
pair_read_hs2(Pair *pair, const uint8_t *hs2, size_t length)
{
  return wzp_initiator_read_hs2(pair->initiator, hs2, length, &pair->payload, &pair->payload_length,
                                NULL);
}

static inline void
pair_hs3(Pair *pair, const void *payload, size_t payload_length)
{
  size_t length;
  g_assert_cmpint(wzp_initiator_finish(pair->initiator, payload, payload_length, &pair->keys_i), ==,
                  WZP_OK);
  const uint8_t *message = wzp_initiator_message(pair->initiator, &length);
  pair->hs3_length = keep(pair->hs3, message, length);
}

static inline WzpResult
pair_read_hs3(Pair *pair, const uint8_t *hs3, size_t length)
{
  return wzp_responder_read_hs3(pair->responder, hs3, length, &pair->keys_r, &pair->payload,
                                &pair->payload_length);
}

/* Up to and including HS2 accepted and HS3 made; the responder has not seen HS3. */
static inline void
pair_run(Pair *pair)
{
  pair_hs1(pair);
  g_assert_cmpint(pair_hs2(pair, "sid!", 4), ==, WZP_OK);
  g_assert_cmpint(pair_read_hs2(pair, pair->hs2, pair->hs2_length), ==, WZP_OK);
  g_assert_cmpmem(pair->payload, pair->payload_length, "sid!", 4);
  pair_hs3(pair, "request", 7);
}

static inline void
assert_agreement(const Pair *pair)
{
  const WzpHandshakeKeys *i = &pair->keys_i, *r = &pair->keys_r;
  g_assert_cmpmem(i->app_i2r, 32, r->app_i2r, 32);
  g_assert_cmpmem(i->app_r2i, 32, r->app_r2i, 32);
  g_assert_cmpmem(i->media_i, 32, r->media_i, 32);
  g_assert_cmpmem(i->media_r, 32, r->media_r, 32);
  g_assert_cmpmem(i->rekey, 32, r->rekey, 32);
  g_assert_cmpmem(i->hop_i2r, 16, r->hop_i2r, 16);
  g_assert_cmpmem(i->hop_r2i, 16, r->hop_r2i, 16);
  g_assert_cmpmem(i->path_i2r, 32, r->path_i2r, 32);
  g_assert_cmpmem(i->path_r2i, 32, r->path_r2i, 32);
  g_assert_cmpmem(i->ice, 32, r->ice, 32);
  g_assert_cmpmem(i->th4, 32, r->th4, 32);
  g_assert_cmpmem(i->sas, 8, r->sas, 8);
  g_assert_cmpmem(i->cid_i, 8, pair->config_i.cid, 8);
  g_assert_cmpmem(r->cid_i, 8, pair->config_i.cid, 8);
  g_assert_cmpmem(i->cid_r, 8, pair->config_r.cid, 8);
  g_assert_cmpmem(r->cid_r, 8, pair->config_r.cid, 8);
  g_assert_cmpmem(i->peer, 32, pair->identity_r->ed25519_public, 32);
  g_assert_cmpmem(r->peer, 32, pair->identity_i->ed25519_public, 32);
  g_assert_cmpuint(r->peer_capabilities, ==, pair->config_i.capabilities);
}

static const WzpHandshakeMode all_modes[] = {WZP_MODE_HOP, WZP_MODE_CALL, WZP_MODE_UDP};
