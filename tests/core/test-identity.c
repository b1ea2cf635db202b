/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/identity.h"
#include "test-util.h"
#include "vectors-rfc8032.h"

/* docs/PROTOCOL.md, section 13 */
static const struct {
  const char *seed, *ed25519, *x25519, *fingerprint;
} published[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "a0132a15a473e4478c1399ff727b7afac413310884ad9f126b5610d4ceae94a8",
     "d3d347dc25dfb61e671b30b8729bf1658830e0dd03e5bbede729c2988b410c48",
     "27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e"},
    {"4242424242424242424242424242424242424242424242424242424242424242",
     "a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909",
     "fdc25545cf63114dbf4ba37c55e93d262de2eec433e8e8013753360df984956b",
     "518e:b935:62fa:9e34:e59c:28b6:7fc2:d384"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "46705b2fa5f2e0d9917cd934f76c4442f8d8908c2dae9259922c0c52c106183d",
     "70ea094727e0b015acb996e4264e7483b178f6a8614f73d5b83aeecf89bd011f",
     "6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa"},
};

static void
test_published(void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(published); i++) {
    uint8_t seed[32], parsed[WZP_FINGERPRINT_SIZE];
    char text[WZP_FINGERPRINT_TEXT];
    test_hex(seed, 32, published[i].seed);
    WzpIdentity *identity = wzp_identity_new(seed);
    g_assert_cmpmem(identity->seed, 32, seed, 32);
    assert_hex(identity->ed25519_public, 32, published[i].ed25519);
    assert_hex(identity->x25519_public, 32, published[i].x25519);
    g_assert_cmpstr(wzp_fingerprint_format(identity->fingerprint, text), ==,
                    published[i].fingerprint);
    g_assert_true(wzp_fingerprint_parse(parsed, text));
    g_assert_cmpmem(parsed, sizeof parsed, identity->fingerprint, WZP_FINGERPRINT_SIZE);
    wzp_identity_free(identity);
  }
  wzp_identity_free(NULL);
}

static void
test_fingerprint_text(void)
{
  static const char *const good[] = {
      "27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e",
      "27BA:36EB:371E:EA99:E7D0:EE57:3165:E50E",
      "27ba36eb371eea99e7d0ee573165e50e",
      "27Ba36eB371eea99E7D0ee573165e50E",
  };
  static const char *const bad[] = {
      "",
      "27ba",
      "27ba:36eb:371e:ea99:e7d0:ee57:3165:e50",
      "27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e:",
      "27ba:36eb:371e:ea99:e7d0:ee57:3165:e50g",
      "27ba36eb371eea99e7d0ee573165e50",
      "27ba36eb371eea99e7d0ee573165e50e0",
      "27ba36eb371eea99e7d0ee573165e50 ",
      "27ba-36eb-371e-ea99-e7d0-ee57-3165-e50e",
      "27:ba36eb:371e:ea99:e7d0:ee57:3165:e50e",
      "27ba:36eb:371e:ea99:e7d0:ee57:3165e50e1",
      " 27ba:36eb:371e:ea99:e7d0:ee57:3165:e50",
  };
  uint8_t out[WZP_FINGERPRINT_SIZE];

  for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
    g_assert_true(wzp_fingerprint_parse(out, good[i]));
    assert_hex(out, sizeof out, "27ba36eb371eea99e7d0ee573165e50e");
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    if (wzp_fingerprint_parse(out, bad[i]))
      g_error("\"%s\" was taken for a fingerprint", bad[i]);
    g_assert_true(sodium_is_zero(out, sizeof out));
  }
}

static void
test_fingerprint_round_trip(void)
{
  TestRandom random;
  test_random_init(&random);
  for (unsigned round = 0; round < 100000; round++) {
    uint8_t in[WZP_FINGERPRINT_SIZE], out[WZP_FINGERPRINT_SIZE];
    char text[WZP_FINGERPRINT_TEXT];
    test_random_bytes(&random, in, sizeof in);
    g_assert_cmpuint(strlen(wzp_fingerprint_format(in, text)), ==, WZP_FINGERPRINT_TEXT - 1);
    g_assert_true(wzp_fingerprint_parse(out, text));
    g_assert_cmpmem(out, sizeof out, in, sizeof in);
  }
}

static void
test_random_identities_differ(void)
{
  TestRandom random;
  test_random_init(&random);
  WzpIdentity *a = wzp_identity_new_random(&random.random);
  WzpIdentity *b = wzp_identity_new_random(&random.random);
  g_assert_true(memcmp(a->seed, b->seed, 32) != 0);
  g_assert_true(memcmp(a->ed25519_public, b->ed25519_public, 32) != 0);
  wzp_identity_free(a);
  wzp_identity_free(b);
}

static void
test_rfc8032(void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(rfc8032_cases); i++) {
    WzpIdentity identity;
    uint8_t secret[32], signature[64];
    size_t length = strlen(rfc8032_cases[i].message) / 2;
    uint8_t *message = g_malloc(length + 1);
    test_hex(message, length, rfc8032_cases[i].message);
    test_hex(secret, 32, rfc8032_cases[i].secret);
    crypto_sign_seed_keypair(identity.ed25519_public, identity.ed25519_secret, secret);
    assert_hex(identity.ed25519_public, 32, rfc8032_cases[i].public_key);

    wzp_identity_sign(&identity, signature, message, length);
    assert_hex(signature, 64, rfc8032_cases[i].signature);
    g_assert_true(wzp_identity_verify(identity.ed25519_public, signature, message, length));

    for (unsigned bit = 0; bit < 512; bit += 7) {
      signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
      g_assert_false(wzp_identity_verify(identity.ed25519_public, signature, message, length));
      signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    message[length] = 0;
    g_assert_false(wzp_identity_verify(identity.ed25519_public, signature, message, length + 1));
    g_free(message);
  }
}

/* Strict verification: a key of small order would "sign" everything with R = itself and S = 0; and a
 * signature with S + L would be a second one for the same message. */
static void
test_verification_is_strict(void)
{
  static const char *const weak_keys[] = {
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  uint8_t key[32], signature[64];
  for (unsigned i = 0; i < G_N_ELEMENTS(weak_keys); i++) {
    test_hex(key, 32, weak_keys[i]);
    memset(signature, 0, sizeof signature);
    memcpy(signature, key, 32);
    g_assert_false(wzp_identity_verify(key, signature, "any", 3));
    memset(signature, 0, sizeof signature);
    signature[0] = 1;
    g_assert_false(wzp_identity_verify(key, signature, "any", 3));
  }

  uint8_t seed[32] = {7}, order[32];
  test_hex(order, 32, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  WzpIdentity *identity = wzp_identity_new(seed);
  wzp_identity_sign(identity, signature, "message", 7);
  g_assert_true(wzp_identity_verify(identity->ed25519_public, signature, "message", 7));
  sodium_add(signature + 32, order, 32);
  g_assert_false(wzp_identity_verify(identity->ed25519_public, signature, "message", 7));
  wzp_identity_free(identity);
}

/* The keys cannot be overwritten by accident: a write to them ends the process. */
static void
test_identity_is_read_only(void)
{
  if (g_test_subprocess()) {
    uint8_t seed[32] = {1};
    WzpIdentity *identity = wzp_identity_new(seed);
    ((volatile uint8_t *)identity->seed)[0] = 2;
    wzp_identity_free(identity);
    return;
  }
  g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed();
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/identity/published", test_published);
  g_test_add_func("/identity/fingerprint/text", test_fingerprint_text);
  g_test_add_func("/identity/fingerprint/round-trip", test_fingerprint_round_trip);
  g_test_add_func("/identity/random-ones-differ", test_random_identities_differ);
  g_test_add_func("/identity/signature/rfc8032", test_rfc8032);
  g_test_add_func("/identity/signature/strict", test_verification_is_strict);
  g_test_add_func("/identity/read-only", test_identity_is_read_only);
  return g_test_run();
}
