/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake-pair.h"
#include "test-util.h"
#include "tests/tools/published-example.h"
#include "wzp/handshake.h"
#include <glib.h>
#include <malloc.h>
#include <sodium.h>
#include <string.h>

/* The handshake against its published example, in all modes, with its fields, lengths and state. */

static void
assert_hash(const uint8_t *data, size_t length, const char *expected)
{
  uint8_t hash[32];
  wzp_sha256(hash, data, length);
  assert_hex(hash, 32, expected);
}

/* --- the published example --- */

static void
test_published(void)
{
  Example example;
  example_init(&example);
  WzpInitiator *initiator = example_initiator(&example);
  WzpResponder *responder = example_responder(&example, initiator);
  g_assert_nonnull(responder);

  size_t length, payload_length;
  const uint8_t *payload;
  uint8_t peer[32];
  const uint8_t *message = wzp_initiator_message(initiator, &length);
  g_assert_cmpuint(length, ==, 79);
  assert_hash(message, length, "e74979e3101c79cb6e317f43e65e23bec58bf0ec48ff1408451391d63fc3ec3f");
  message = wzp_responder_message(responder, &length);
  g_assert_cmpuint(length, ==, 178);
  assert_hash(message, length, "6962071a6241137cfa12abcd3168c5149962fff83822c54c954f5bb59bcdfba8");

  WzpHandshakeKeys keys_i, keys_r;
  g_assert_cmpint(
      wzp_initiator_read_hs2(initiator, message, length, &payload, &payload_length, peer), ==,
      WZP_OK);
  g_assert_cmpuint(payload_length, ==, 0);
  g_assert_cmpmem(peer, 32, example.identity_r->ed25519_public, 32);
  g_assert_cmpint(wzp_initiator_finish(initiator, NULL, 0, &keys_i), ==, WZP_OK);
  message = wzp_initiator_message(initiator, &length);
  g_assert_cmpuint(length, ==, 137);
  assert_hash(message, length, "86664b80660a3fd5527e38173c789b0256d348a4999751982cb3be00927a06a3");
  g_assert_cmpint(
      wzp_responder_read_hs3(responder, message, length, &keys_r, &payload, &payload_length), ==,
      WZP_OK);
  g_assert_cmpuint(payload_length, ==, 0);

  const WzpHandshakeKeys *both[] = {&keys_i, &keys_r};
  for (unsigned i = 0; i < 2; i++) {
    const WzpHandshakeKeys *keys = both[i];
    char words[WZP_SAS_WORDS_TEXT], digits[7];
    assert_hex(keys->th4, 32, "97712cf05f50fa0858a16d2eaf1972c4839edc7a093c07bdf9c9acf42de517b4");
    assert_hex(keys->app_i2r, 32,
               "60c51aa0895265cd98f9514b2b0d5bcbe03445de1b79c000443ee131ef73960d");
    assert_hex(keys->app_r2i, 32,
               "b170fa3ea6f22def063648211aa6c4a3a4803ee1baafe3a8e4e45afea767c025");
    assert_hex(keys->media_i, 32,
               "605a772a54c7cfa89069640f0923a72e21d248672752c07bf1d55ab67822195a");
    assert_hex(keys->media_r, 32,
               "8e56ca304493ea88dd4ccb131369ecefd4da7bb77349436af7f7d9f18fc057b2");
    assert_hex(keys->hop_i2r, 16, "29b91f37bb1b6105faa4d78f87911433");
    assert_hex(keys->hop_r2i, 16, "1cdfa3aff4075d37247e940a1d301082");
    assert_hex(keys->sas, 8, "eb2957f01c05c7d7");
    wzp_sas_words(words, keys->sas);
    wzp_sas_digits(digits, keys->sas);
    g_assert_cmpstr(words, ==, "twenty enjoy winter");
    g_assert_cmpstr(digits, ==, "378839");

    /* The ICE credentials of both roles, generation 0, hold the "wz1 ice" key to its bytes. */
    static const char *const labels[] = {"wz1 ufrag", "wz1 pwd"};
    static const size_t sizes[] = {6, 24};
    static const char *const expected[2][2] = {{"xr3szMzK", "qssmXji2SxbiaRdp99cdlBqX6MKXmWov"},
                                               {"OgW6BZHa", "5fAdA3Fj95sUgcDuE/2Cu1TgYqsMYTce"}};
    for (unsigned role = 0; role < 2; role++)
      for (unsigned what = 0; what < 2; what++) {
        uint8_t info[32], out[24];
        WzpWriter w;
        wzp_writer_init(&w, info, sizeof info);
        wzp_writer_label(&w, labels[what]);
        wzp_writer_u16(&w, 0);
        wzp_writer_u8(&w, role ? 'r' : 'i');
        wzp_hkdf_expand(out, sizes[what], keys->ice, info, w.length);
        g_autofree char *text = g_base64_encode(out, sizes[what]);
        g_assert_cmpstr(text, ==, expected[role][what]);
      }
  }
  g_assert_cmpmem(keys_i.path_i2r, 32, keys_r.path_i2r, 32);
  g_assert_cmpmem(keys_i.path_r2i, 32, keys_r.path_r2i, 32);
  g_assert_cmpmem(keys_i.rekey, 32, keys_r.rekey, 32);
  g_assert_cmpmem(keys_i.peer, 32, example.identity_r->ed25519_public, 32);
  g_assert_cmpmem(keys_r.peer, 32, example.identity_i->ed25519_public, 32);

  wzp_initiator_free(initiator);
  wzp_responder_free(responder);
  example_clear(&example);
}

static void
test_sas_edges(void)
{
  char words[WZP_SAS_WORDS_TEXT], digits[7];
  const uint8_t zero[8] = {0}, ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
  const uint8_t seven[8] = {0, 0, 0, 0, 0, 0x0f, 0x42, 0x47};
  wzp_sas_words(words, zero);
  wzp_sas_digits(digits, zero);
  g_assert_cmpstr(words, ==, "abandon abandon abandon");
  g_assert_cmpstr(digits, ==, "000000");
  wzp_sas_words(words, ones);
  wzp_sas_digits(digits, ones);
  g_assert_cmpstr(words, ==, "zoo zoo zoo");
  g_assert_cmpstr(digits, ==, "777215"); /* 2^24 - 1 = 16777215 */
  wzp_sas_digits(digits, seven);
  g_assert_cmpstr(digits, ==, "000007"); /* 1000007 */
}

/* --- all modes --- */

static void
test_modes(void)
{
  for (unsigned m = 0; m < G_N_ELEMENTS(all_modes); m++) {
    Pair pair;
    pair_init(&pair, all_modes[m], 100 + m);
    pair_run(&pair);
    g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_OK);
    g_assert_cmpmem(pair.payload, pair.payload_length, "request", 7);
    assert_agreement(&pair);

    g_assert_cmpuint(pair.hs1_length, ==, all_modes[m] == WZP_MODE_CALL ? 79 : 224);
    WzpHs1 hs1;
    g_assert_cmpint(wzp_hs1_parse(&hs1, pair.hs1, pair.hs1_length), ==, WZP_OK);
    g_assert_cmpuint(hs1.core_length, ==, 79);
    g_assert_cmpuint(hs1.capabilities, ==, WZP_CAP_MEDIA_1 | WZP_CAP_TRUNK);
    g_assert_cmpmem(hs1.commitment, 32, wzp_initiator_commitment(pair.initiator), 32);
    if (all_modes[m] != WZP_MODE_CALL)
      g_assert_true(sodium_is_zero(pair.hs1 + 95, 224 - 95));
    g_assert_cmpint(sodium_is_zero(hs1.cookie, 16), ==, all_modes[m] != WZP_MODE_UDP);
    pair_clear(&pair);
  }
}

/* What an interpreter of the udp mode from the text alone would compute. */
static void
test_udp_key_schedule(void)
{
  Pair pair;
  pair_init(&pair, WZP_MODE_UDP, 7);
  ExampleRandom bytes_i, bytes_r;
  WzpRandom random_i = example_random(&bytes_i, 0x11, 0x33);
  WzpRandom random_r = example_random(&bytes_r, 0x22, 0x44);
  WzpRandom mixed = pair.random;
  pair.random = random_i;
  pair_hs1(&pair);
  pair.random = random_r;
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
  pair.random = mixed;

  uint8_t mac_key[32], mac[32], ikm[64], secret[32], prk[32], expected[32];
  wzp_hkdf_expand_label(mac_key, 32, pair.config_i.psk, "wz1 udp mac");
  wzp_hmac_sha256(mac, mac_key, pair.hs1, 79);
  g_assert_cmpmem(pair.hs1 + 79, 16, mac, 16);

  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
  pair_hs3(&pair, NULL, 0);
  memset(secret, 0x11, 32);
  g_assert_true(wzp_x25519(ikm, secret, pair.hs2 + 18));
  memcpy(ikm + 32, pair.config_i.psk, 32);
  wzp_hkdf_extract(prk, pair.keys_i.th4, 32, ikm, sizeof ikm);
  wzp_hkdf_expand_label(expected, 32, prk, "wz1 app i2r");
  g_assert_cmpmem(pair.keys_i.app_i2r, 32, expected, 32);
  wzp_hkdf_expand_label(expected, 32, prk, "wz1 path i2r");
  g_assert_cmpmem(pair.keys_i.path_i2r, 32, expected, 32);
  wzp_hkdf_expand_label(expected, 32, prk, "wz1 rekey");
  g_assert_cmpmem(pair.keys_i.rekey, 32, expected, 32);
  pair_clear(&pair);
}

static void
test_same_seed_same_bytes(void)
{
  Pair a, b;
  pair_init(&a, WZP_MODE_HOP, 5);
  pair_init(&b, WZP_MODE_HOP, 5);
  pair_run(&a);
  pair_run(&b);
  g_assert_cmpmem(a.hs3, a.hs3_length, b.hs3, b.hs3_length);
  pair_clear(&a);
  pair_clear(&b);
}

static void
test_lengths(void)
{
  for (unsigned m = 0; m < G_N_ELEMENTS(all_modes); m++) {
    Pair pair;
    WzpHs1 hs1;
    pair_init(&pair, all_modes[m], 300 + m);
    pair_hs1(&pair);
    for (size_t n = 0; n < pair.hs1_length; n++)
      g_assert_cmpint(wzp_hs1_parse(&hs1, pair.hs1, n), ==, WZP_TRUNCATED);
    g_assert_cmpint(wzp_hs1_parse(&hs1, pair.hs1, pair.hs1_length + 1), ==, WZP_TOO_LONG);
    g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
    for (size_t n = 0; n < pair.hs2_length; n++)
      g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, n), ==, WZP_TRUNCATED);
    g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length + 1), ==, WZP_BAD_TAG);
    g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, sizeof pair.hs2), ==, WZP_TOO_LONG);
    g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);

    uint8_t large[WZP_HANDSHAKE_PAYLOAD_MAX + 1] = {1};
    g_assert_cmpint(wzp_initiator_finish(pair.initiator, large, sizeof large, &pair.keys_i), ==,
                    WZP_TOO_LONG);
    pair_hs3(&pair, large, WZP_HANDSHAKE_PAYLOAD_MAX);
    for (size_t n = 0; n < pair.hs3_length; n++)
      g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, n), !=, WZP_OK);
    g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length + 1), ==, WZP_TOO_LONG);
    g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_OK);
    g_assert_cmpuint(pair.payload_length, ==, WZP_HANDSHAKE_PAYLOAD_MAX);
    pair_clear(&pair);
  }
}

/* An unverified address never gets back more than it sent. */
static void
test_hop_amplification(void)
{
  Pair pair;
  uint8_t payload[31] = {0};
  pair_init(&pair, WZP_MODE_HOP, 8);
  pair_hs1(&pair);
  g_assert_cmpint(pair_hs2(&pair, payload, 31), ==, WZP_TOO_LONG);
  g_assert_cmpint(pair_hs2(&pair, payload, 30), ==, WZP_OK);
  g_assert_cmpuint(pair.hs2_length, ==, WZP_HS2_HOP_MAX);
  g_assert_cmpuint(pair.hs2_length, <, pair.hs1_length);
  pair_clear(&pair);
}

static void
test_hs1_fields(void)
{
  Pair pair;
  WzpHs1 hs1;
  uint8_t changed[256] = {0};
  pair_init(&pair, WZP_MODE_HOP, 9);
  pair_hs1(&pair);
  const struct {
    size_t at;
    uint8_t value;
    WzpResult result;
  } cases[] = {
      {0, 0x41, WZP_UNKNOWN_KIND}, /* kind */
      {1, 2, WZP_UNKNOWN_KIND},    /* version */
      {2, 0, WZP_UNKNOWN_KIND},    /* mode */
      {2, 3, WZP_UNKNOWN_KIND},
      {2, 2, WZP_TOO_LONG}, /* a call's HS1 has no padding */
      {3, 0, WZP_UNSUPPORTED},
      {3, 2, WZP_UNSUPPORTED},
      {3, 3, WZP_OK}, /* a suite of the future beside ours */
      {76, 0, WZP_MALFORMED},
      {76, 1, WZP_MALFORMED},
      {76, 130, WZP_MALFORMED},
      {76, 255, WZP_TRUNCATED},
      {78, 0, WZP_UNSUPPORTED}, /* the one media format that there is */
      {95, 1, WZP_MALFORMED},   /* padding */
      {223, 0x80, WZP_MALFORMED},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    memcpy(changed, pair.hs1, pair.hs1_length);
    changed[cases[i].at] = cases[i].value;
    g_assert_cmpint(wzp_hs1_parse(&hs1, changed, pair.hs1_length), ==, cases[i].result);
  }

  /* The largest caps: more than we know is carried in the transcript and otherwise ignored. */
  memcpy(changed, pair.hs1, pair.hs1_length);
  changed[76] = 129;
  g_assert_cmpint(wzp_hs1_parse(&hs1, changed, pair.hs1_length), ==, WZP_OK);
  g_assert_cmpuint(hs1.core_length, ==, 206);
  WzpResult result;
  WzpResponder *responder =
      wzp_responder_new(&pair.config_r, &pair.random, changed, pair.hs1_length, NULL, 0, &result);
  g_assert_nonnull(responder);
  wzp_responder_free(responder);
  pair_clear(&pair);
}

/* --- state --- */

static void
test_one_hs2(void)
{
  Pair pair;
  pair_init(&pair, WZP_MODE_HOP, 10);
  pair_hs1(&pair);
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
  /* The same responder once more, with a fresh e_R and n_R: valid in all it says. */
  WzpResult result;
  size_t length;
  WzpResponder *other =
      wzp_responder_new(&pair.config_r, &pair.random, pair.hs1, pair.hs1_length, NULL, 0, &result);
  uint8_t second[1300];
  const uint8_t *message = wzp_responder_message(other, &length);
  memcpy(second, message, length);
  g_assert_true(memcmp(second, pair.hs2, length) != 0);

  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
  g_assert_cmpint(pair_read_hs2(&pair, second, length), ==, WZP_UNEXPECTED);
  pair_hs3(&pair, NULL, 0);
  g_assert_cmpint(pair_read_hs2(&pair, second, length), ==, WZP_UNEXPECTED);
  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_UNEXPECTED);
  /* No second HS3 either: the stored one stays. */
  WzpHandshakeKeys keys;
  g_assert_cmpint(wzp_initiator_finish(pair.initiator, NULL, 0, &keys), ==, WZP_UNEXPECTED);
  message = wzp_initiator_message(pair.initiator, &length);
  g_assert_cmpmem(message, length, pair.hs3, pair.hs3_length);

  g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_OK);
  g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_UNEXPECTED);
  /* HS2 stays what it was. */
  message = wzp_responder_message(pair.responder, &length);
  g_assert_cmpmem(message, length, pair.hs2, pair.hs2_length);
  wzp_responder_free(other);
  pair_clear(&pair);
}

/* --- udp mode, cookie --- */

static void
test_udp_psk(void)
{
  Pair pair;
  WzpHs1 hs1;
  pair_init(&pair, WZP_MODE_UDP, 17);
  pair_hs1(&pair);
  g_assert_cmpint(wzp_hs1_parse(&hs1, pair.hs1, pair.hs1_length), ==, WZP_OK);
  g_assert_true(wzp_hs1_check_psk(pair.hs1, &hs1, pair.config_r.psk));
  pair.config_r.psk[31] ^= 1;
  g_assert_false(wzp_hs1_check_psk(pair.hs1, &hs1, pair.config_r.psk));
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_BAD_COOKIE);

  /* Somebody who saw the MAC but lacks the psk gets no further than that. */
  memcpy(pair.config_r.psk, pair.config_i.psk, 32);
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
  g_clear_pointer(&pair.initiator, wzp_initiator_free);
  pair.random = wzp_random_seeded(&pair.seeded, 99);
  pair_hs1(&pair);
  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), !=, WZP_OK);

  /* The cookie of a relay is nothing in udp mode. */
  uint8_t datagram[WZP_COOKIE_DATAGRAM], cookie[16] = {1};
  wzp_cookie_datagram(datagram, pair.config_i.cid, cookie);
  g_assert_cmpint(wzp_initiator_read_cookie(pair.initiator, datagram, sizeof datagram), ==,
                  WZP_UNEXPECTED);
  pair_clear(&pair);
}

static void
test_cookie(void)
{
  Pair pair;
  WzpAddress a, b;
  uint8_t key[32], cookie[16], other[16], datagram[WZP_COOKIE_DATAGRAM + 1] = {0};
  memset(key, 7, sizeof key);
  g_assert_true(wzp_address_parse(&a, "192.0.2.1:4433"));
  wzp_cookie_make(cookie, key, &a);

  /* BLAKE2b-128 keyed with K_t over "wz1 cookie" | ip | port, computed by other means */
  static const uint8_t covered[] = "wz1 cookie\xc0\x00\x02\x01\x11\x51";
  g_assert_cmpint(crypto_generichash(other, 16, covered, sizeof covered - 1, key, 32), ==, 0);
  g_assert_cmpmem(cookie, 16, other, 16);
  static const char *const differs[] = {"192.0.2.1:4434", "192.0.2.2:4433", "[2001:db8::1]:4433"};
  for (unsigned i = 0; i < G_N_ELEMENTS(differs); i++) {
    g_assert_true(wzp_address_parse(&b, differs[i]));
    wzp_cookie_make(other, key, &b);
    g_assert_true(memcmp(cookie, other, 16) != 0);
  }
  key[0]++;
  wzp_cookie_make(other, key, &a);
  g_assert_true(memcmp(cookie, other, 16) != 0);

  pair_init(&pair, WZP_MODE_HOP, 18);
  pair_hs1(&pair);
  wzp_cookie_datagram(datagram, pair.config_i.cid, cookie);
  g_assert_cmpint(wzp_initiator_read_cookie(pair.initiator, datagram, 24), ==, WZP_TRUNCATED);
  g_assert_cmpint(wzp_initiator_read_cookie(pair.initiator, datagram, 26), ==, WZP_TOO_LONG);
  datagram[0] = 0x44;
  g_assert_cmpint(wzp_initiator_read_cookie(pair.initiator, datagram, 25), ==, WZP_UNKNOWN_KIND);
  datagram[0] = 0x43;
  datagram[8] ^= 1;
  g_assert_cmpint(wzp_initiator_read_cookie(pair.initiator, datagram, 25), ==, WZP_UNKNOWN_SESSION);
  datagram[8] ^= 1;
  size_t length;
  g_assert_cmpmem(wzp_initiator_message(pair.initiator, &length), 224, pair.hs1, 224);
  g_assert_cmpint(wzp_initiator_read_cookie(pair.initiator, datagram, 25), ==, WZP_OK);
  memcpy(pair.hs1 + 79, cookie, 16);
  g_assert_cmpmem(wzp_initiator_message(pair.initiator, &length), 224, pair.hs1, 224);

  /* It stands outside the transcript: both HS1s have the same digest and end in one session. */
  WzpHs1 hs1;
  uint8_t digest[32];
  g_assert_cmpint(wzp_hs1_parse(&hs1, pair.hs1, 224), ==, WZP_OK);
  g_assert_cmpmem(hs1.cookie, 16, cookie, 16);
  wzp_hs1_digest(digest, pair.hs1, &hs1);
  uint8_t expected[32];
  wzp_sha256(expected, pair.hs1, 79);
  g_assert_cmpmem(digest, 32, expected, 32);
  g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
  g_assert_cmpint(wzp_initiator_read_cookie(pair.initiator, datagram, 25), ==, WZP_UNEXPECTED);
  pair_hs3(&pair, NULL, 0);
  g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_OK);
  assert_agreement(&pair);
  pair_clear(&pair);
}

static bool
holds(void *object, const void *secret, size_t length)
{
  return memmem(object, malloc_usable_size(object), secret, length) != NULL;
}

/* After HS3 neither side's object holds an ephemeral secret, a nonce, the X25519 result or a psk. */
static void
test_erased(void)
{
  Example example;
  WzpHandshakeKeys keys;
  uint8_t e_i[32], n_i[16], psk[32], ss[32];
  const uint8_t *payload, *message;
  size_t length, payload_length;
  example_init(&example);
  example.config_i.mode = example.config_r.mode = WZP_MODE_UDP;
  memset(e_i, 0x11, sizeof e_i);
  memset(n_i, 0x33, sizeof n_i);
  memset(psk, 0x99, sizeof psk);
  memcpy(example.config_i.psk, psk, sizeof psk);
  memcpy(example.config_r.psk, psk, sizeof psk);
  WzpInitiator *initiator = example_initiator(&example);
  WzpResponder *responder = example_responder(&example, initiator);
  g_assert_true(holds(initiator, e_i, 32) && holds(initiator, n_i, 16));
  g_assert_true(holds(initiator, psk, 32) && holds(responder, psk, 32));

  message = wzp_responder_message(responder, &length);
  g_assert_true(wzp_x25519(ss, e_i, message + 18));
  g_assert_true(holds(responder, ss, 32));
  g_assert_cmpint(
      wzp_initiator_read_hs2(initiator, message, length, &payload, &payload_length, NULL), ==,
      WZP_OK);
  g_assert_false(holds(initiator, e_i, 32));
  g_assert_true(holds(initiator, ss, 32));
  g_assert_cmpint(wzp_initiator_finish(initiator, NULL, 0, &keys), ==, WZP_OK);
  message = wzp_initiator_message(initiator, &length);
  g_assert_cmpint(
      wzp_responder_read_hs3(responder, message, length, &keys, &payload, &payload_length), ==,
      WZP_OK);

  const uint8_t *const secrets[] = {e_i, n_i, psk, ss, keys.app_i2r, keys.media_i, keys.media_r};
  for (unsigned i = 0; i < G_N_ELEMENTS(secrets); i++) {
    size_t size = secrets[i] == n_i ? 16 : 32;
    g_assert_false(holds(initiator, secrets[i], size));
    g_assert_false(holds(responder, secrets[i], size));
  }
  wzp_initiator_free(initiator);
  wzp_responder_free(responder);
  example_clear(&example);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/handshake/published", test_published);
  g_test_add_func("/handshake/sas-edges", test_sas_edges);
  g_test_add_func("/handshake/modes", test_modes);
  g_test_add_func("/handshake/udp-key-schedule", test_udp_key_schedule);
  g_test_add_func("/handshake/same-seed-same-bytes", test_same_seed_same_bytes);
  g_test_add_func("/handshake/lengths", test_lengths);
  g_test_add_func("/handshake/hop-amplification", test_hop_amplification);
  g_test_add_func("/handshake/hs1-fields", test_hs1_fields);
  g_test_add_func("/handshake/one-hs2", test_one_hs2);
  g_test_add_func("/handshake/udp-psk", test_udp_psk);
  g_test_add_func("/handshake/cookie", test_cookie);
  g_test_add_func("/handshake/erased", test_erased);
  return g_test_run();
}
