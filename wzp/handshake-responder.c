/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake-private.h"
#include <glib.h>
#include <sodium.h>

/* Kept small: a relay holds up to 1024 of them for strangers. */
struct WzpResponder {
  WzpHandshakeConfig config;
  WzpHs1 hs1;
  WzpHsSchedule schedule;
  uint8_t *hs2, *payload; /* payload: HS3's, once it was accepted */
  size_t hs2_length, payload_length;
  bool finished;
};

/* Writes box2 behind the head that already stands in hs2. */
static void
seal_box2(WzpResponder *responder, const void *payload, size_t payload_length)
{
  const WzpIdentity *identity = responder->config.identity;
  WzpHsSchedule *schedule = &responder->schedule;
  uint8_t covered[WZP_HS_SIGNED_MAX], signature[WZP_HS_SIGNATURE_SIZE];
  size_t covered_length =
      wzp_hs_signed_by_responder(covered, schedule->th2, identity->ed25519_public);
  wzp_identity_sign(identity, signature, covered, covered_length);

  uint8_t *box2 = responder->hs2 + WZP_HS2_HEAD_SIZE;
  size_t box2_length = responder->hs2_length - WZP_HS2_HEAD_SIZE;
  WzpWriter w;
  wzp_writer_init(&w, box2, box2_length);
  wzp_writer_bytes(&w, identity->ed25519_public, 32);
  wzp_writer_bytes(&w, signature, sizeof signature);
  wzp_writer_bytes(&w, payload, payload_length);
  g_assert(!w.failed);
  wzp_aead_seal(box2, schedule->k2, wzp_hs_zero_nonce, schedule->th2, 32, box2, w.length);
  wzp_hs_schedule_add_box2(schedule, box2, box2_length);
}

WzpResponder *
wzp_responder_new(const WzpHandshakeConfig *config, const WzpRandom *random, const uint8_t *data,
                  size_t length, const void *payload, size_t payload_length, WzpResult *result)
{
  g_return_val_if_fail(config->identity != NULL, NULL);
  WzpHs1 hs1;
  size_t hs2_length = WZP_HS2_HEAD_SIZE + WZP_BOX2_FIXED + payload_length + WZP_TAG_SIZE;
  *result = wzp_hs1_parse(&hs1, data, length);
  if (*result == WZP_OK && hs1.mode != config->mode)
    *result = WZP_UNEXPECTED;
  else if (*result == WZP_OK && hs1.mode == WZP_MODE_UDP &&
           !wzp_hs1_check_psk(data, &hs1, config->psk))
    *result = WZP_BAD_COOKIE;
  else if (*result == WZP_OK && (payload_length > WZP_HANDSHAKE_PAYLOAD_MAX ||
                                 (hs1.mode == WZP_MODE_HOP && hs2_length > WZP_HS2_HOP_MAX)))
    *result = WZP_TOO_LONG;
  if (*result != WZP_OK)
    return NULL;

  uint8_t head[WZP_HS2_HEAD_SIZE], secret[32], ephemeral[32], n_r[WZP_HS_NONCE_SIZE];
  wzp_random_fill(random, secret, sizeof secret);
  wzp_random_fill(random, n_r, sizeof n_r);
  wzp_x25519_base(ephemeral, secret);
  WzpWriter w;
  wzp_writer_init(&w, head, sizeof head);
  wzp_writer_u8(&w, 0x41);
  wzp_writer_bytes(&w, hs1.cid_i, WZP_CID_SIZE);
  wzp_writer_bytes(&w, config->cid, WZP_CID_SIZE);
  wzp_writer_u8(&w, WZP_HS_SUITE);
  wzp_writer_bytes(&w, ephemeral, sizeof ephemeral);
  wzp_writer_bytes(&w, n_r, sizeof n_r);
  g_assert(!w.failed);

  WzpResponder *responder = g_new0(WzpResponder, 1);
  bool strong = wzp_hs_schedule_start(&responder->schedule, config, data, hs1.core_length, head,
                                      secret, hs1.ephemeral);
  sodium_memzero(secret, sizeof secret);
  if (!strong) {
    g_free(responder);
    *result = WZP_WEAK_KEY;
    return NULL;
  }
  responder->config = *config;
  responder->hs1 = hs1;
  responder->hs2_length = hs2_length;
  responder->hs2 = g_malloc0(hs2_length);
  memcpy(responder->hs2, head, sizeof head);
  seal_box2(responder, payload, payload_length);
  return responder;
}

void
wzp_responder_free(WzpResponder *responder)
{
  if (!responder)
    return;
  g_free(responder->hs2);
  if (responder->payload)
    sodium_memzero(responder->payload, responder->payload_length); /* a token may stand in it */
  g_free(responder->payload);
  sodium_memzero(responder, sizeof *responder);
  g_free(responder);
}

const uint8_t *
wzp_responder_message(const WzpResponder *responder, size_t *length)
{
  *length = responder->hs2_length;
  return responder->hs2;
}

/* opened = id_I | n_I | signature | payload. */
static WzpResult
check_box3(const WzpResponder *responder, const uint8_t *opened)
{
  const WzpHandshakeConfig *config = &responder->config;
  const uint8_t *id_i = opened, *n_i = opened + 32, *signature = n_i + WZP_HS_NONCE_SIZE;
  uint8_t commitment[32], covered[WZP_HS_SIGNED_MAX];
  wzp_hs_commitment(commitment, n_i, responder->hs1.ephemeral, id_i);
  if (sodium_memcmp(commitment, responder->hs1.commitment, sizeof commitment) != 0)
    return WZP_BAD_COMMITMENT;
  size_t covered_length = wzp_hs_signed_by_initiator(covered, responder->schedule.th3, id_i,
                                                     config->identity->ed25519_public);
  if (!wzp_identity_verify(id_i, signature, covered, covered_length))
    return WZP_BAD_SIGNATURE;
  if (sodium_memcmp(id_i, config->identity->ed25519_public, 32) == 0)
    return WZP_OWN_IDENTITY;
  if (config->mode == WZP_MODE_CALL) {
    uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
    wzp_fingerprint(fingerprint, id_i);
    if (sodium_memcmp(fingerprint, config->caller, sizeof fingerprint) != 0)
      return WZP_WRONG_IDENTITY;
  }
  return WZP_OK;
}

WzpResult
wzp_responder_read_hs3(WzpResponder *responder, const uint8_t *data, size_t length,
                       WzpHandshakeKeys *keys, const uint8_t **payload, size_t *payload_length)
{
  uint8_t opened[WZP_BOX3_FIXED + WZP_HANDSHAKE_PAYLOAD_MAX];
  if (length < WZP_HS3_HEAD_SIZE + WZP_BOX3_FIXED + WZP_TAG_SIZE)
    return WZP_TRUNCATED;
  if (data[0] != 0x42)
    return WZP_UNKNOWN_KIND;
  if (length > WZP_HS3_HEAD_SIZE + sizeof opened + WZP_TAG_SIZE)
    return WZP_TOO_LONG;
  if (memcmp(data + 1, responder->config.cid, WZP_CID_SIZE) != 0)
    return WZP_UNKNOWN_SESSION;
  if (responder->finished)
    return WZP_UNEXPECTED;

  const uint8_t *box3 = data + WZP_HS3_HEAD_SIZE;
  size_t box3_length = length - WZP_HS3_HEAD_SIZE;
  WzpHsSchedule *schedule = &responder->schedule;
  WzpResult result = WZP_BAD_TAG;
  if (wzp_aead_open(opened, schedule->k3, wzp_hs_zero_nonce, schedule->th3, 32, box3, box3_length))
    result = check_box3(responder, opened);
  if (result == WZP_OK) {
    sodium_memzero(keys, sizeof *keys);
    wzp_hs_schedule_finish(schedule, box3, box3_length, opened, opened + 32,
                           responder->config.identity->ed25519_public, keys);
    memcpy(keys->peer, opened, 32);
    memcpy(keys->cid_i, responder->hs1.cid_i, WZP_CID_SIZE);
    memcpy(keys->cid_r, responder->config.cid, WZP_CID_SIZE);
    keys->peer_capabilities = responder->hs1.capabilities;
    *payload_length = box3_length - WZP_TAG_SIZE - WZP_BOX3_FIXED;
    responder->payload_length = *payload_length;
    responder->payload = g_malloc0(*payload_length + 1);
    memcpy(responder->payload, opened + WZP_BOX3_FIXED, *payload_length);
    *payload = responder->payload;
    sodium_memzero(responder->config.psk, sizeof responder->config.psk);
    responder->finished = true;
  }
  sodium_memzero(opened, sizeof opened);
  return result;
}
