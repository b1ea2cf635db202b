/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tools/published-example.h"
#include "wzp/handshake-private.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Example example;
static WzpInitiator *initiator;
/* What a responder that knows all of its secrets has: the head of HS2 and the key of its box. */
static uint8_t head[WZP_HS2_HEAD_SIZE];
static WzpHsSchedule schedule;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  size_t length;
  uint8_t secret[32];
  wzp_init();
  example_init(&example);
  initiator = example_initiator(&example);
  WzpResponder *responder = example_responder(&example, initiator);
  memcpy(head, wzp_responder_message(responder, &length), sizeof head);
  wzp_responder_free(responder);

  const uint8_t *hs1 = wzp_initiator_message(initiator, &length);
  memset(secret, 0x22, sizeof secret);
  g_assert_true(
      wzp_hs_schedule_start(&schedule, &example.config_r, hs1, length, head, secret, hs1 + 12));
  return 0;
}

/* head | AEAD(plain) */
static size_t
build_hs2(uint8_t *out, const uint8_t *plain, size_t length)
{
  memcpy(out, head, sizeof head);
  wzp_aead_seal(out + sizeof head, schedule.k2, wzp_hs_zero_nonce, schedule.th2, 32, plain, length);
  return sizeof head + length + WZP_TAG_SIZE;
}

/* The first byte chooses: HS2 as it comes; a box that opens around the rest; the same with a good
 * identity and signature, so that the rest is the payload. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t hs2[1500], plain[WZP_BOX2_FIXED + 1200], peer[32];
  const uint8_t *payload = NULL, *id_r = example.identity_r->ed25519_public;
  size_t length, payload_length = 0;
  if (size < 1 || size > 1100)
    return 0;
  unsigned kind = data[0] % 3;
  data++;
  size--;
  if (kind == 0) {
    memcpy(hs2, data, size);
    length = size;
  } else if (kind == 1) {
    length = build_hs2(hs2, data, size);
  } else {
    uint8_t covered[WZP_HS_SIGNED_MAX];
    size_t covered_length = wzp_hs_signed_by_responder(covered, schedule.th2, id_r);
    memcpy(plain, id_r, 32);
    wzp_identity_sign(example.identity_r, plain + 32, covered, covered_length);
    memcpy(plain + WZP_BOX2_FIXED, data, size);
    length = build_hs2(hs2, plain, WZP_BOX2_FIXED + size);
  }

  WzpResult result =
      wzp_initiator_read_hs2(initiator, hs2, length, &payload, &payload_length, peer);
  if (kind == 2)
    g_assert_cmpint(result, ==, size > WZP_HANDSHAKE_PAYLOAD_MAX ? WZP_TOO_LONG : WZP_OK);
  if (result != WZP_OK)
    return 0; /* which left the initiator as it was: the next input finds it so */

  g_assert_cmpmem(peer, 32, id_r, 32);
  if (kind == 2)
    g_assert_cmpmem(payload, payload_length, data, size);
  WzpHandshakeKeys keys;
  g_assert_cmpint(wzp_initiator_read_hs2(initiator, hs2, length, &payload, &payload_length, peer),
                  ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_initiator_finish(initiator, payload, payload_length, &keys), ==, WZP_OK);
  wzp_initiator_free(initiator);
  initiator = example_initiator(&example);
  return 0;
}
