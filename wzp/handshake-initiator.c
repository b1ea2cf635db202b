/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake-private.h"
#include <glib.h>
#include <sodium.h>

typedef enum { WAITING_FOR_HS2, HS2_ACCEPTED, FINISHED } State;

struct WzpInitiator {
  WzpHandshakeConfig config;
  State state;
  uint8_t ephemeral_secret[32];
  uint8_t n_i[WZP_HS_NONCE_SIZE];
  WzpHsSchedule schedule; /* from HS2_ACCEPTED on */
  uint8_t id_r[32], cid_r[WZP_CID_SIZE];
  uint8_t hs1[WZP_HS1_PADDED];
  size_t hs1_length, core_length;
  uint8_t box2[WZP_BOX2_FIXED + WZP_HANDSHAKE_PAYLOAD_MAX]; /* opened */
  uint8_t hs3[WZP_HS3_HEAD_SIZE + WZP_BOX3_FIXED + WZP_HANDSHAKE_PAYLOAD_MAX + WZP_TAG_SIZE];
  size_t hs3_length;
};

static void
build_hs1(WzpInitiator *initiator)
{
  const WzpHandshakeConfig *config = &initiator->config;
  uint8_t ephemeral[32], commitment[32];
  wzp_x25519_base(ephemeral, initiator->ephemeral_secret);
  wzp_hs_commitment(commitment, initiator->n_i, ephemeral, config->identity->ed25519_public);

  WzpWriter w;
  wzp_writer_init(&w, initiator->hs1, sizeof initiator->hs1);
  wzp_writer_u8(&w, 0x40);
  wzp_writer_u8(&w, WZP_HS_VERSION);
  wzp_writer_u8(&w, (uint8_t)config->mode);
  wzp_writer_u8(&w, WZP_HS_SUITES);
  wzp_writer_bytes(&w, config->cid, WZP_CID_SIZE);
  wzp_writer_bytes(&w, ephemeral, sizeof ephemeral);
  wzp_writer_bytes(&w, commitment, sizeof commitment);
  wzp_writer_u8(&w, 2);
  wzp_writer_u16(&w, config->capabilities);
  initiator->core_length = w.length;
  if (wzp_hs_mode_is_padded(config->mode)) {
    uint8_t cookie[WZP_COOKIE_SIZE] = {0};
    if (config->mode == WZP_MODE_UDP)
      wzp_hs_psk_mac(cookie, config->psk, initiator->hs1, initiator->core_length);
    wzp_writer_bytes(&w, cookie, sizeof cookie);
    wzp_writer_zero(&w, WZP_HS1_PADDED - w.length);
  }
  g_assert(!w.failed);
  initiator->hs1_length = w.length;
}

WzpInitiator *
wzp_initiator_new(const WzpHandshakeConfig *config, const WzpRandom *random)
{
  g_return_val_if_fail(config->identity != NULL, NULL);
  WzpInitiator *initiator = g_new0(WzpInitiator, 1);
  initiator->config = *config;
  wzp_random_fill(random, initiator->ephemeral_secret, sizeof initiator->ephemeral_secret);
  wzp_random_fill(random, initiator->n_i, sizeof initiator->n_i);
  build_hs1(initiator);
  return initiator;
}

void
wzp_initiator_free(WzpInitiator *initiator)
{
  if (!initiator)
    return;
  sodium_memzero(initiator, sizeof *initiator);
  g_free(initiator);
}

const uint8_t *
wzp_initiator_message(const WzpInitiator *initiator, size_t *length)
{
  bool finished = initiator->state == FINISHED;
  *length = finished ? initiator->hs3_length : initiator->hs1_length;
  return finished ? initiator->hs3 : initiator->hs1;
}

const uint8_t *
wzp_initiator_commitment(const WzpInitiator *initiator)
{
  return initiator->hs1 + WZP_HS1_CAPS_AT - 1 - 32;
}

WzpResult
wzp_initiator_read_cookie(WzpInitiator *initiator, const uint8_t *data, size_t length)
{
  if (length != WZP_COOKIE_DATAGRAM)
    return length < WZP_COOKIE_DATAGRAM ? WZP_TRUNCATED : WZP_TOO_LONG;
  if (data[0] != 0x43)
    return WZP_UNKNOWN_KIND;
  if (memcmp(data + 1, initiator->config.cid, WZP_CID_SIZE) != 0)
    return WZP_UNKNOWN_SESSION;
  if (initiator->config.mode != WZP_MODE_HOP || initiator->state != WAITING_FOR_HS2)
    return WZP_UNEXPECTED;
  memcpy(initiator->hs1 + initiator->core_length, data + 1 + WZP_CID_SIZE, WZP_COOKIE_SIZE);
  return WZP_OK;
}

/* The peer's key is proven by its signature; is it the one that we meant to reach? */
static WzpResult
check_identity(const WzpHandshakeConfig *config, const uint8_t id_r[32])
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  if (sodium_memcmp(id_r, config->identity->ed25519_public, 32) == 0)
    return WZP_OWN_IDENTITY;
  wzp_fingerprint(fingerprint, id_r);
  if (config->has_expected_key && sodium_memcmp(id_r, config->expected_key, 32) != 0)
    return WZP_WRONG_IDENTITY;
  if (config->has_expected_fingerprint &&
      sodium_memcmp(fingerprint, config->expected_fingerprint, sizeof fingerprint) != 0)
    return WZP_WRONG_IDENTITY;
  if (config->mode == WZP_MODE_CALL &&
      sodium_memcmp(fingerprint, config->callee, sizeof fingerprint) != 0)
    return WZP_WRONG_IDENTITY;
  return WZP_OK;
}

/* Opens box2 with the schedule's k2 into opened and checks what it says. */
static WzpResult
check_box2(const WzpInitiator *initiator, const WzpHsSchedule *schedule, const uint8_t *box2,
           size_t length, uint8_t *opened, uint8_t peer_out[32])
{
  if (!wzp_aead_open(opened, schedule->k2, wzp_hs_zero_nonce, schedule->th2, 32, box2, length))
    return WZP_BAD_TAG;
  uint8_t covered[WZP_HS_SIGNED_MAX];
  size_t covered_length = wzp_hs_signed_by_responder(covered, schedule->th2, opened);
  if (!wzp_identity_verify(opened, opened + 32, covered, covered_length))
    return WZP_BAD_SIGNATURE;
  WzpResult result = check_identity(&initiator->config, opened);
  if (peer_out && (result == WZP_OK || result == WZP_WRONG_IDENTITY))
    memcpy(peer_out, opened, 32);
  return result;
}

WzpResult
wzp_initiator_read_hs2(WzpInitiator *initiator, const uint8_t *data, size_t length,
                       const uint8_t **payload, size_t *payload_length, uint8_t peer_out[32])
{
  if (length < WZP_HS2_HEAD_SIZE + WZP_BOX2_FIXED + WZP_TAG_SIZE)
    return WZP_TRUNCATED;
  if (data[0] != 0x41)
    return WZP_UNKNOWN_KIND;
  if (length > WZP_HS2_HEAD_SIZE + sizeof initiator->box2 + WZP_TAG_SIZE ||
      (initiator->config.mode == WZP_MODE_HOP && length > WZP_HS2_HOP_MAX))
    return WZP_TOO_LONG;

  WzpReader r;
  wzp_reader_init(&r, data + 1, length - 1);
  const uint8_t *cid_i = wzp_reader_bytes(&r, WZP_CID_SIZE);
  const uint8_t *cid_r = wzp_reader_bytes(&r, WZP_CID_SIZE);
  uint8_t suite = wzp_reader_u8(&r);
  const uint8_t *ephemeral = wzp_reader_bytes(&r, 32);
  if (memcmp(cid_i, initiator->config.cid, WZP_CID_SIZE) != 0)
    return WZP_UNKNOWN_SESSION;
  /* One HS2 per HS1: a second answer would let a man in the middle, who knows n_I by then, search for
   * an n_R that makes the SAS agree. */
  if (initiator->state != WAITING_FOR_HS2)
    return WZP_UNEXPECTED;
  if (suite != WZP_HS_SUITE)
    return WZP_UNSUPPORTED;

  const uint8_t *box2 = data + WZP_HS2_HEAD_SIZE;
  size_t box2_length = length - WZP_HS2_HEAD_SIZE, opened_length = box2_length - WZP_TAG_SIZE;
  uint8_t opened[sizeof initiator->box2];
  WzpHsSchedule schedule;
  WzpResult result = WZP_WEAK_KEY;
  if (wzp_hs_schedule_start(&schedule, &initiator->config, initiator->hs1, initiator->core_length,
                            data, initiator->ephemeral_secret, ephemeral))
    result = check_box2(initiator, &schedule, box2, box2_length, opened, peer_out);
  if (result == WZP_OK) {
    wzp_hs_schedule_add_box2(&schedule, box2, box2_length);
    initiator->schedule = schedule;
    memcpy(initiator->box2, opened, opened_length);
    memcpy(initiator->id_r, opened, 32);
    memcpy(initiator->cid_r, cid_r, WZP_CID_SIZE);
    sodium_memzero(initiator->ephemeral_secret, sizeof initiator->ephemeral_secret);
    initiator->state = HS2_ACCEPTED;
    *payload = initiator->box2 + WZP_BOX2_FIXED;
    *payload_length = opened_length - WZP_BOX2_FIXED;
  }
  sodium_memzero(&schedule, sizeof schedule);
  sodium_memzero(opened, sizeof opened);
  return result;
}

WzpResult
wzp_initiator_finish(WzpInitiator *initiator, const void *payload, size_t payload_length,
                     WzpHandshakeKeys *keys)
{
  if (initiator->state != HS2_ACCEPTED)
    return WZP_UNEXPECTED;
  if (payload_length > WZP_HANDSHAKE_PAYLOAD_MAX)
    return WZP_TOO_LONG;

  const WzpIdentity *identity = initiator->config.identity;
  WzpHsSchedule *schedule = &initiator->schedule;
  uint8_t covered[WZP_HS_SIGNED_MAX], signature[WZP_HS_SIGNATURE_SIZE];
  size_t covered_length =
      wzp_hs_signed_by_initiator(covered, schedule->th3, identity->ed25519_public, initiator->id_r);
  wzp_identity_sign(identity, signature, covered, covered_length);

  WzpWriter w;
  wzp_writer_init(&w, initiator->hs3, sizeof initiator->hs3);
  wzp_writer_u8(&w, 0x42);
  wzp_writer_bytes(&w, initiator->cid_r, WZP_CID_SIZE);
  wzp_writer_bytes(&w, identity->ed25519_public, 32);
  wzp_writer_bytes(&w, initiator->n_i, sizeof initiator->n_i);
  wzp_writer_bytes(&w, signature, sizeof signature);
  wzp_writer_bytes(&w, payload, payload_length);
  wzp_writer_reserve(&w, WZP_TAG_SIZE);
  g_assert(!w.failed);
  initiator->hs3_length = w.length;

  uint8_t *box3 = initiator->hs3 + WZP_HS3_HEAD_SIZE;
  size_t box3_length = w.length - WZP_HS3_HEAD_SIZE;
  wzp_aead_seal(box3, schedule->k3, wzp_hs_zero_nonce, schedule->th3, 32, box3,
                box3_length - WZP_TAG_SIZE);

  sodium_memzero(keys, sizeof *keys);
  wzp_hs_schedule_finish(schedule, box3, box3_length, identity->ed25519_public, initiator->n_i,
                         initiator->id_r, keys);
  memcpy(keys->peer, initiator->id_r, 32);
  memcpy(keys->cid_i, initiator->config.cid, WZP_CID_SIZE);
  memcpy(keys->cid_r, initiator->cid_r, WZP_CID_SIZE);
  sodium_memzero(initiator->n_i, sizeof initiator->n_i);
  sodium_memzero(initiator->config.psk, sizeof initiator->config.psk);
  initiator->state = FINISHED;
  return WZP_OK;
}
