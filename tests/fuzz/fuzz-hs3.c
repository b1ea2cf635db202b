/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tools/published-example.h"
#include "wzp/handshake-private.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Example example;
static WzpResponder *responder;
/* What an initiator that knows all of its secrets has. */
static WzpHsSchedule schedule;

static void
renew_responder(void)
{
  WzpInitiator *initiator = example_initiator(&example);
  wzp_responder_free(responder);
  responder = example_responder(&example, initiator);
  wzp_initiator_free(initiator);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  size_t hs1_length, hs2_length;
  uint8_t secret[32];
  wzp_init();
  example_init(&example);
  renew_responder();
  WzpInitiator *initiator = example_initiator(&example);
  const uint8_t *hs1 = wzp_initiator_message(initiator, &hs1_length);
  const uint8_t *hs2 = wzp_responder_message(responder, &hs2_length);
  memset(secret, 0x11, sizeof secret);
  g_assert_true(
      wzp_hs_schedule_start(&schedule, &example.config_i, hs1, hs1_length, hs2, secret, hs2 + 18));
  wzp_hs_schedule_add_box2(&schedule, hs2 + WZP_HS2_HEAD_SIZE, hs2_length - WZP_HS2_HEAD_SIZE);
  wzp_initiator_free(initiator);
  return 0;
}

/* 0x42 | cid | AEAD(plain) */
static size_t
build_hs3(uint8_t *out, const uint8_t *plain, size_t length)
{
  out[0] = 0x42;
  memcpy(out + 1, example.config_r.cid, WZP_CID_SIZE);
  wzp_aead_seal(out + WZP_HS3_HEAD_SIZE, schedule.k3, wzp_hs_zero_nonce, schedule.th3, 32, plain,
                length);
  return WZP_HS3_HEAD_SIZE + length + WZP_TAG_SIZE;
}

/* The first byte chooses: HS3 as it comes; a box that opens around the rest; the same with a good
 * identity, commitment and signature, so that the rest is the payload. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t hs3[1500], plain[WZP_BOX3_FIXED + 1200];
  const uint8_t *payload = NULL, *id_i = example.identity_i->ed25519_public;
  size_t length, payload_length = 0;
  if (size < 1 || size > 1100)
    return 0;
  unsigned kind = data[0] % 3;
  data++;
  size--;
  if (kind == 0) {
    memcpy(hs3, data, size);
    length = size;
  } else if (kind == 1) {
    length = build_hs3(hs3, data, size);
  } else {
    uint8_t covered[WZP_HS_SIGNED_MAX];
    size_t covered_length =
        wzp_hs_signed_by_initiator(covered, schedule.th3, id_i, example.identity_r->ed25519_public);
    memcpy(plain, id_i, 32);
    memset(plain + 32, 0x33, WZP_HS_NONCE_SIZE);
    wzp_identity_sign(example.identity_i, plain + 32 + WZP_HS_NONCE_SIZE, covered, covered_length);
    memcpy(plain + WZP_BOX3_FIXED, data, size);
    length = build_hs3(hs3, plain, WZP_BOX3_FIXED + size);
  }

  WzpHandshakeKeys keys;
  WzpResult result =
      wzp_responder_read_hs3(responder, hs3, length, &keys, &payload, &payload_length);
  if (kind == 2)
    g_assert_cmpint(result, ==, size > WZP_HANDSHAKE_PAYLOAD_MAX ? WZP_TOO_LONG : WZP_OK);
  if (result != WZP_OK)
    return 0; /* which left the responder as it was: the next input finds it so */

  g_assert_cmpmem(keys.peer, 32, id_i, 32);
  if (kind == 2)
    g_assert_cmpmem(payload, payload_length, data, size);
  g_assert_cmpint(wzp_responder_read_hs3(responder, hs3, length, &keys, &payload, &payload_length),
                  ==, WZP_UNEXPECTED);
  renew_responder();
  return 0;
}
