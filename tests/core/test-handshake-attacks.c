/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake-pair.h"
#include "tests/tools/published-example.h"
#include "wzp/handshake.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

/* The handshake against whoever changes, mixes, repeats or forges its messages, or is somebody else. */

/* --- changed bytes --- */

/* No flipped bit gets through, and afterwards the true message still does. */
static void
test_flips(void)
{
  for (unsigned m = 0; m < G_N_ELEMENTS(all_modes); m++) {
    Pair pair;
    pair_init(&pair, all_modes[m], 200 + m);
    pair_hs1(&pair);

    /* HS1: refused at once, or what the responder answers is refused by the initiator. */
    for (size_t bit = 0; bit < pair.hs1_length * 8; bit++) {
      uint8_t changed[256];
      WzpResult result;
      size_t length;
      memcpy(changed, pair.hs1, pair.hs1_length);
      changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
      bool cookie = all_modes[m] == WZP_MODE_HOP && bit / 8 >= 79 && bit / 8 < 95;
      WzpResponder *fooled = wzp_responder_new(&pair.config_r, &pair.random, changed,
                                               pair.hs1_length, NULL, 0, &result);
      if (!fooled) {
        g_assert_cmpint(result, !=, WZP_OK);
        g_assert_false(cookie);
        continue;
      }
      if (!cookie) { /* the hop's cookie stands outside the transcript */
        const uint8_t *hs2 = wzp_responder_message(fooled, &length);
        g_assert_cmpint(pair_read_hs2(&pair, hs2, length), !=, WZP_OK);
      }
      wzp_responder_free(fooled);
    }

    g_assert_cmpint(pair_hs2(&pair, "sid!", 4), ==, WZP_OK);
    for (size_t bit = 0; bit < pair.hs2_length * 8; bit++) {
      pair.hs2[bit / 8] ^= (uint8_t)(1 << bit % 8);
      g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), !=, WZP_OK);
      pair.hs2[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    size_t before;
    g_assert_cmpmem(wzp_initiator_message(pair.initiator, &before), pair.hs1_length, pair.hs1,
                    pair.hs1_length);
    g_assert_cmpint(wzp_initiator_finish(pair.initiator, NULL, 0, &pair.keys_i), ==,
                    WZP_UNEXPECTED);
    g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
    pair_hs3(&pair, "request", 7);

    for (size_t bit = 0; bit < pair.hs3_length * 8; bit++) {
      pair.hs3[bit / 8] ^= (uint8_t)(1 << bit % 8);
      g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), !=, WZP_OK);
      pair.hs3[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    g_assert_true(sodium_is_zero((const uint8_t *)&pair.keys_r, sizeof pair.keys_r));
    g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_OK);
    assert_agreement(&pair);
    pair_clear(&pair);
  }
}

/* Messages of one handshake never fit into another: other session, other mode, other role. */
static void
test_splices(void)
{
  Pair pairs[6];
  for (unsigned p = 0; p < 6; p++) {
    pair_init(&pairs[p], all_modes[p / 2], 400 + p / 2); /* twice the same two parties... */
    for (unsigned skip = 0; skip < p % 2; skip++) {      /* ...with other random bytes */
      uint8_t byte;
      wzp_random_fill(&pairs[p].random, &byte, 1);
    }
    /* Same connection ids and psk throughout, so that nothing is refused for its address alone. */
    memset(pairs[p].config_i.cid, 0x55, 8);
    memset(pairs[p].config_r.cid, 0x66, 8);
    memset(pairs[p].config_i.psk, 0x77, 32);
    memset(pairs[p].config_r.psk, 0x77, 32);
    pair_hs1(&pairs[p]);
    g_assert_cmpint(pair_hs2(&pairs[p], NULL, 0), ==, WZP_OK);
  }
  unsigned refused = 0;
  for (unsigned a = 0; a < 6; a++)
    for (unsigned b = 0; b < 6; b++)
      if (a != b) {
        g_assert_cmpint(pair_read_hs2(&pairs[a], pairs[b].hs2, pairs[b].hs2_length), !=, WZP_OK);
        if (all_modes[a / 2] != all_modes[b / 2]) {
          WzpResult result;
          g_assert_null(wzp_responder_new(&pairs[a].config_r, &pairs[a].random, pairs[b].hs1,
                                          pairs[b].hs1_length, NULL, 0, &result));
          g_assert_cmpint(result, ==, WZP_UNEXPECTED);
        }
        refused++;
      }
  for (unsigned p = 0; p < 6; p++) {
    g_assert_cmpint(pair_read_hs2(&pairs[p], pairs[p].hs2, pairs[p].hs2_length), ==, WZP_OK);
    pair_hs3(&pairs[p], NULL, 0);
  }
  for (unsigned a = 0; a < 6; a++)
    for (unsigned b = 0; b < 6; b++)
      if (a != b) {
        g_assert_cmpint(pair_read_hs3(&pairs[a], pairs[b].hs3, pairs[b].hs3_length), !=, WZP_OK);
        refused++;
      }
  g_assert_cmpuint(refused, ==, 60);

  /* Roles: each message to the side that made it, or as another kind. */
  Pair *pair = &pairs[0];
  g_assert_cmpint(pair_read_hs3(pair, pair->hs2, pair->hs2_length), !=, WZP_OK);
  g_assert_cmpint(pair_read_hs3(pair, pair->hs1, pair->hs1_length), !=, WZP_OK);
  g_assert_cmpint(pair_read_hs2(pair, pair->hs3, pair->hs3_length), !=, WZP_OK);
  pair->hs2[0] = 0x42;
  memcpy(pair->hs2 + 1, pair->config_r.cid, 8);
  g_assert_cmpint(pair_read_hs3(pair, pair->hs2, pair->hs2_length), ==, WZP_BAD_TAG);
  for (unsigned p = 0; p < 6; p++) {
    g_assert_cmpint(pair_read_hs3(&pairs[p], pairs[p].hs3, pairs[p].hs3_length), ==, WZP_OK);
    assert_agreement(&pairs[p]);
    pair_clear(&pairs[p]);
  }
}

/* A hop HS1 stripped of its padding and relabelled is a well-formed call HS1, and still no good. */
static void
test_relabelled_mode(void)
{
  Pair hop, call;
  WzpResult result;
  size_t length;
  pair_init(&hop, WZP_MODE_HOP, 11);
  pair_init(&call, WZP_MODE_CALL, 11);
  pair_hs1(&hop);
  hop.hs1[2] = WZP_MODE_CALL;
  WzpResponder *fooled =
      wzp_responder_new(&call.config_r, &call.random, hop.hs1, 79, NULL, 0, &result);
  g_assert_nonnull(fooled);
  const uint8_t *hs2 = wzp_responder_message(fooled, &length);
  g_assert_cmpint(pair_read_hs2(&hop, hs2, length), ==, WZP_BAD_TAG);
  wzp_responder_free(fooled);
  pair_clear(&hop);
  pair_clear(&call);
}

/* --- identities --- */

static void
test_expected_identity(void)
{
  for (unsigned what = 0; what < 4; what++) {
    Pair pair;
    uint8_t peer[32] = {0};
    pair_init(&pair, WZP_MODE_HOP, 12);
    pair.config_i.has_expected_key = what & 1;
    pair.config_i.has_expected_fingerprint = what & 2;
    memcpy(pair.config_i.expected_key, pair.identity_r->ed25519_public, 32);
    memcpy(pair.config_i.expected_fingerprint, pair.identity_r->fingerprint, 16);

    /* the right one */
    pair_hs1(&pair);
    g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
    g_assert_cmpint(wzp_initiator_read_hs2(pair.initiator, pair.hs2, pair.hs2_length, &pair.payload,
                                           &pair.payload_length, peer),
                    ==, WZP_OK);
    g_assert_cmpmem(peer, 32, pair.identity_r->ed25519_public, 32);
    g_clear_pointer(&pair.initiator, wzp_initiator_free);
    g_clear_pointer(&pair.responder, wzp_responder_free);

    /* somebody else, who signs properly: named, and the right one may still come */
    WzpIdentity *stranger = wzp_identity_new_random(&pair.random);
    pair_hs1(&pair);
    pair.config_r.identity = stranger;
    g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
    WzpResult result = wzp_initiator_read_hs2(pair.initiator, pair.hs2, pair.hs2_length,
                                              &pair.payload, &pair.payload_length, peer);
    g_assert_cmpint(result, ==, what ? WZP_WRONG_IDENTITY : WZP_OK);
    g_assert_cmpmem(peer, 32, stranger->ed25519_public, 32);
    if (what) {
      g_clear_pointer(&pair.responder, wzp_responder_free);
      pair.config_r.identity = pair.identity_r;
      g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
      g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
    }
    wzp_identity_free(stranger);
    pair_clear(&pair);
  }
}

static void
test_call_identities(void)
{
  Pair pair;
  pair_init(&pair, WZP_MODE_CALL, 13);
  WzpIdentity *stranger = wzp_identity_new_random(&pair.random);

  /* Somebody else answers the call. */
  pair.config_r.identity = stranger;
  pair_hs1(&pair);
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_WRONG_IDENTITY);
  g_clear_pointer(&pair.initiator, wzp_initiator_free);
  g_clear_pointer(&pair.responder, wzp_responder_free);

  /* Somebody else calls in the caller's name. */
  pair.config_r.identity = pair.identity_r;
  pair.config_i.identity = stranger;
  pair_hs1(&pair);
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
  pair_hs3(&pair, NULL, 0);
  g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_WRONG_IDENTITY);
  wzp_identity_free(stranger);
  pair_clear(&pair);
}

static void
test_own_identity(void)
{
  for (unsigned m = 0; m < G_N_ELEMENTS(all_modes); m += 2) { /* a call names two parties */
    Pair pair;
    pair_init(&pair, all_modes[m], 14);
    pair.config_r.identity = pair.identity_i;
    pair_hs1(&pair);
    g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
    g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OWN_IDENTITY);
    pair_clear(&pair);
  }
}

/* --- forged HS3s by somebody who completed the key exchange honestly --- */

/* The initiator of the example, in hop mode, that writes any box3 it likes. */
static WzpResult
forged_hs3(WzpResponder *responder, const WzpIdentity *signer, const uint8_t id_i[32],
           const uint8_t n_i[16], const uint8_t k3[32], const uint8_t th3[32],
           const uint8_t id_r[32], bool break_signature)
{
  uint8_t hs3[137], covered[105], signature[64];
  static const uint8_t nonce[12];
  WzpWriter w;
  wzp_writer_init(&w, covered, sizeof covered);
  wzp_writer_label(&w, "wz1 sig i");
  wzp_writer_bytes(&w, th3, 32);
  wzp_writer_bytes(&w, id_i, 32);
  wzp_writer_bytes(&w, id_r, 32);
  wzp_identity_sign(signer, signature, covered, w.length);
  signature[10] ^= break_signature;

  wzp_writer_init(&w, hs3, sizeof hs3);
  wzp_writer_u8(&w, 0x42);
  for (unsigned i = 0; i < 8; i++)
    wzp_writer_u8(&w, 0x66);
  wzp_writer_bytes(&w, id_i, 32);
  wzp_writer_bytes(&w, n_i, 16);
  wzp_writer_bytes(&w, signature, 64);
  wzp_aead_seal(hs3 + 9, k3, nonce, th3, 32, hs3 + 9, w.length - 9);
  WzpHandshakeKeys keys;
  const uint8_t *payload;
  size_t payload_length;
  return wzp_responder_read_hs3(responder, hs3, sizeof hs3, &keys, &payload, &payload_length);
}

static void
test_forged_hs3(void)
{
  Example example;
  example_init(&example);
  example.config_i.mode = example.config_r.mode = WZP_MODE_HOP;
  WzpInitiator *initiator = example_initiator(&example);
  WzpResponder *responder = example_responder(&example, initiator);
  size_t hs1_length, hs2_length;
  const uint8_t *hs1 = wzp_initiator_message(initiator, &hs1_length);
  const uint8_t *hs2 = wzp_responder_message(responder, &hs2_length);

  uint8_t all[300], th2[32], th3[32], secret[32], ss[32], prk[32], k3[32], n_i[16], other_n[16];
  WzpWriter w;
  wzp_writer_init(&w, all, sizeof all);
  wzp_writer_lp(&w, "wz1 handshake\x01", 14);
  wzp_writer_lp(&w, hs1, 79);
  wzp_writer_lp(&w, hs2, 66);
  wzp_sha256(th2, all, w.length);
  wzp_writer_init(&w, all, sizeof all);
  wzp_writer_bytes(&w, th2, 32);
  wzp_writer_lp(&w, hs2 + 66, hs2_length - 66);
  wzp_sha256(th3, all, w.length);
  memset(secret, 0x11, 32);
  memset(n_i, 0x33, 16);
  memset(other_n, 0x34, 16);
  g_assert_true(wzp_x25519(ss, secret, hs2 + 18));
  wzp_hkdf_extract(prk, th2, 32, ss, 32);
  wzp_hkdf_expand_label(k3, 32, prk, "wz1 k3");

  const WzpIdentity *i = example.identity_i, *r = example.identity_r;
  const uint8_t *id_i = i->ed25519_public, *id_r = r->ed25519_public;
  WzpIdentity *stranger = wzp_identity_new(id_r);
  /* not what was committed to: other n, other identity */
  g_assert_cmpint(forged_hs3(responder, i, id_i, other_n, k3, th3, id_r, false), ==,
                  WZP_BAD_COMMITMENT);
  g_assert_cmpint(
      forged_hs3(responder, stranger, stranger->ed25519_public, n_i, k3, th3, id_r, false), ==,
      WZP_BAD_COMMITMENT);
  /* signed by another, over another responder, over another transcript, or badly */
  g_assert_cmpint(forged_hs3(responder, stranger, id_i, n_i, k3, th3, id_r, false), ==,
                  WZP_BAD_SIGNATURE);
  g_assert_cmpint(forged_hs3(responder, i, id_i, n_i, k3, th3, id_r, true), ==, WZP_BAD_SIGNATURE);
  g_assert_cmpint(forged_hs3(responder, i, id_i, n_i, k3, th3, stranger->ed25519_public, false), ==,
                  WZP_BAD_SIGNATURE);
  g_assert_cmpint(forged_hs3(responder, i, id_i, n_i, k3, th2, id_r, false), ==, WZP_BAD_TAG);
  /* and the honest one, by the same road */
  g_assert_cmpint(forged_hs3(responder, i, id_i, n_i, k3, th3, id_r, false), ==, WZP_OK);
  wzp_identity_free(stranger);
  wzp_initiator_free(initiator);
  wzp_responder_free(responder);

  /* Own identity: a commitment to the responder's own key, opened and signed with that key. */
  example.config_i.identity = r;
  initiator = example_initiator(&example);
  responder = example_responder(&example, initiator);
  hs1 = wzp_initiator_message(initiator, &hs1_length);
  hs2 = wzp_responder_message(responder, &hs2_length);
  wzp_writer_init(&w, all, sizeof all);
  wzp_writer_lp(&w, "wz1 handshake\x01", 14);
  wzp_writer_lp(&w, hs1, 79);
  wzp_writer_lp(&w, hs2, 66);
  wzp_sha256(th2, all, w.length);
  wzp_writer_init(&w, all, sizeof all);
  wzp_writer_bytes(&w, th2, 32);
  wzp_writer_lp(&w, hs2 + 66, hs2_length - 66);
  wzp_sha256(th3, all, w.length);
  wzp_hkdf_extract(prk, th2, 32, ss, 32);
  wzp_hkdf_expand_label(k3, 32, prk, "wz1 k3");
  g_assert_cmpint(forged_hs3(responder, r, id_r, n_i, k3, th3, id_r, false), ==, WZP_OWN_IDENTITY);
  wzp_initiator_free(initiator);
  wzp_responder_free(responder);
  example_clear(&example);
}

/* --- weak keys --- */

/* All encodings of the points whose order divides 8, on the curve and its twist; and with the top bit, which
 * does not count. */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void
test_low_order_points(void)
{
  Pair pair;
  WzpResult result;
  pair_init(&pair, WZP_MODE_HOP, 16);
  pair_hs1(&pair);
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
  for (unsigned i = 0; i < 2 * G_N_ELEMENTS(low_order); i++) {
    uint8_t point[32], hs1[224], hs2[1300];
    size_t length;
    g_assert_cmpint(sodium_hex2bin(point, 32, low_order[i / 2], 64, NULL, &length, NULL), ==, 0);
    point[31] |= (uint8_t)(i % 2 << 7);
    memcpy(hs1, pair.hs1, 224);
    memcpy(hs1 + 12, point, 32);
    memcpy(hs2, pair.hs2, pair.hs2_length);
    memcpy(hs2 + 18, point, 32);
    g_assert_null(wzp_responder_new(&pair.config_r, &pair.random, hs1, 224, NULL, 0, &result));
    g_assert_cmpint(result, ==, WZP_WEAK_KEY);
    g_assert_cmpint(pair_read_hs2(&pair, hs2, pair.hs2_length), ==, WZP_WEAK_KEY);
  }
  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
  pair_clear(&pair);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/handshake-attacks/flips", test_flips);
  g_test_add_func("/handshake-attacks/splices", test_splices);
  g_test_add_func("/handshake-attacks/relabelled-mode", test_relabelled_mode);
  g_test_add_func("/handshake-attacks/expected-identity", test_expected_identity);
  g_test_add_func("/handshake-attacks/call-identities", test_call_identities);
  g_test_add_func("/handshake-attacks/own-identity", test_own_identity);
  g_test_add_func("/handshake-attacks/forged-hs3", test_forged_hs3);
  g_test_add_func("/handshake-attacks/low-order-points", test_low_order_points);
  return g_test_run();
}
