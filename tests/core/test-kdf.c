/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/kdf.h"
#include "test-util.h"
#include "vectors-kdf.h"
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

/* The bytes of a hex text of any length; free with g_free(). */
static uint8_t *
from_hex(const char *hex, size_t *length)
{
  *length = strlen(hex) / 2;
  uint8_t *bytes = g_malloc(*length + 1);
  test_hex(bytes, *length, hex);
  return bytes;
}

static void
test_hkdf_vectors(void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(rfc5869_cases); i++) {
    size_t ikm_length, salt_length, info_length;
    uint8_t *ikm = from_hex(rfc5869_cases[i].ikm, &ikm_length);
    uint8_t *salt = from_hex(rfc5869_cases[i].salt, &salt_length);
    uint8_t *info = from_hex(rfc5869_cases[i].info, &info_length);
    uint8_t prk[32], okm[128];

    wzp_hkdf_extract(prk, salt, salt_length, ikm, ikm_length);
    assert_hex(prk, 32, rfc5869_cases[i].prk);
    wzp_hkdf_expand(okm, rfc5869_cases[i].length, prk, info, info_length);
    assert_hex(okm, rfc5869_cases[i].length, rfc5869_cases[i].okm);
    g_free(ikm);
    g_free(salt);
    g_free(info);
  }

  /* no salt, NULL, is 32 zero bytes */
  static const uint8_t zero[32];
  uint8_t with_null[32], with_zero[32];
  wzp_hkdf_extract(with_null, NULL, 0, "key", 3);
  wzp_hkdf_extract(with_zero, zero, 32, "key", 3);
  g_assert_cmpmem(with_null, 32, with_zero, 32);

  /* the label form is the same with the NUL left out */
  uint8_t with_label[40], with_info[40];
  wzp_hkdf_expand_label(with_label, 40, zero, "wz1 label");
  wzp_hkdf_expand(with_info, 40, zero, "wz1 label", 9);
  g_assert_cmpmem(with_label, 40, with_info, 40);
}

static void
openssl_hkdf(int mode, uint8_t *out, size_t length, const void *salt, size_t salt_length,
             const void *key, size_t key_length, const void *info, size_t info_length)
{
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
  OSSL_PARAM params[6], *param = params;
  *param++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
  *param++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
  *param++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_length);
  if (salt_length > 0)
    *param++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_length);
  if (info_length > 0)
    *param++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_length);
  *param = OSSL_PARAM_construct_end();
  g_assert_cmpint(EVP_KDF_derive(context, out, length, params), ==, 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
}

/* Another implementation, over random lengths up to the longest that there are. */
static void
test_hkdf_equals_openssl(void)
{
  static uint8_t ours[255 * 32], theirs[255 * 32], input[3 * 200];
  uint8_t our_prk[32], their_prk[32];
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 2000; round++) {
    size_t salt_length = test_random_below(&random, 200);
    size_t ikm_length = 1 + test_random_below(&random, 199);
    size_t info_length = test_random_below(&random, 200);
    size_t length = 1 + test_random_below(&random, round % 20 == 0 ? sizeof ours : 200);
    test_random_bytes(&random, input, sizeof input);

    wzp_hkdf_extract(our_prk, input, salt_length, input + 200, ikm_length);
    openssl_hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, their_prk, 32, input, salt_length, input + 200,
                 ikm_length, NULL, 0);
    g_assert_cmpmem(our_prk, 32, their_prk, 32);

    wzp_hkdf_expand(ours, length, our_prk, input + 400, info_length);
    openssl_hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, theirs, length, NULL, 0, our_prk, 32, input + 400,
                 info_length);
    g_assert_cmpmem(ours, length, theirs, length);
  }

  wzp_hkdf_expand(ours, sizeof ours, our_prk, input, 10);
  openssl_hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, theirs, sizeof theirs, NULL, 0, our_prk, 32, input,
               10);
  g_assert_cmpmem(ours, sizeof ours, theirs, sizeof theirs);
}

static void
test_hashes(void)
{
  uint8_t out[32], key[32];

  wzp_sha256(out, "abc", 3); /* FIPS 180-4 */
  assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  wzp_sha256(out, NULL, 0);
  assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

  /* RFC 4231, the cases with keys up to 32 bytes: a shorter one reads as one filled up with zeros */
  uint8_t data[50];
  memset(key, 0, sizeof key);
  memset(key, 0x0b, 20);
  wzp_hmac_sha256(out, key, "Hi There", 8);
  assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  memset(key, 0, sizeof key);
  memcpy(key, "Jefe", 4);
  wzp_hmac_sha256(out, key, "what do ya want for nothing?", 28);
  assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0, sizeof key);
  memset(key, 0xaa, 20);
  memset(data, 0xdd, sizeof data);
  wzp_hmac_sha256(out, key, data, sizeof data);
  assert_hex(out, 32, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  for (unsigned i = 0; i < 25; i++)
    key[i] = (uint8_t)(i + 1);
  memset(data, 0xcd, sizeof data);
  wzp_hmac_sha256(out, key, data, sizeof data);
  assert_hex(out, 32, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

static void
check_x25519(const char *secret_hex, const char *public_hex, const char *shared_hex)
{
  uint8_t secret[32], public_key[32], shared[32];
  test_hex(secret, 32, secret_hex);
  test_hex(public_key, 32, public_hex);
  g_assert_true(wzp_x25519(shared, secret, public_key));
  assert_hex(shared, 32, shared_hex);
}

/* RFC 7748 sections 5.2 and 6.1 */
static void
test_x25519_vectors(void)
{
  check_x25519("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
               "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
               "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  check_x25519("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
               "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
               "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");

  static const char a[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
  static const char b[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
  static const char a_public[] = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
  static const char b_public[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
  static const char shared[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  uint8_t secret[32], public_key[32];
  test_hex(secret, 32, a);
  wzp_x25519_base(public_key, secret);
  assert_hex(public_key, 32, a_public);
  test_hex(secret, 32, b);
  wzp_x25519_base(public_key, secret);
  assert_hex(public_key, 32, b_public);
  check_x25519(a, b_public, shared);
  check_x25519(b, a_public, shared);
}

static void
test_x25519_iterated(void)
{
  uint8_t k[32] = {9}, u[32] = {9}, result[32];
  for (unsigned i = 1; i <= 1000; i++) {
    g_assert_true(wzp_x25519(result, k, u));
    memcpy(u, k, 32);
    memcpy(k, result, 32);
    if (i == 1)
      assert_hex(k, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  }
  assert_hex(k, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

/* The points of order 1, 2, 4 and 8 on the curve and its twist, also written above the prime. */
static void
test_x25519_refuses_weak_points(void)
{
  static const char *const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(points); i++) {
    for (unsigned high = 0; high < 2; high++) {
      uint8_t secret[32], point[32], out[32];
      memset(secret, 0x42, sizeof secret);
      memset(out, 0xff, sizeof out);
      test_hex(point, 32, points[i]);
      point[31] |= (uint8_t)(high << 7); /* the top bit does not count */
      g_assert_false(wzp_x25519(out, secret, point));
      g_assert_true(sodium_is_zero(out, sizeof out));
    }
  }
}

static void
test_aead_vectors(void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(rfc8439_cases); i++) {
    uint8_t key[32], nonce[12];
    size_t ad_length, length, sealed_length;
    test_hex(key, 32, rfc8439_cases[i].key);
    test_hex(nonce, 12, rfc8439_cases[i].nonce);
    uint8_t *ad = from_hex(rfc8439_cases[i].ad, &ad_length);
    uint8_t *plain = from_hex(rfc8439_cases[i].plain, &length);
    uint8_t *sealed = from_hex(rfc8439_cases[i].sealed, &sealed_length);
    uint8_t *out = g_malloc(sealed_length);

    g_assert_cmpuint(sealed_length, ==, length + WZP_TAG_SIZE);
    wzp_aead_seal(out, key, nonce, ad, ad_length, plain, length);
    g_assert_cmpmem(out, sealed_length, sealed, sealed_length);
    g_assert_true(wzp_aead_open(out, key, nonce, ad, ad_length, sealed, sealed_length));
    g_assert_cmpmem(out, length, plain, length);

    /* in place */
    wzp_aead_seal(out, key, nonce, ad, ad_length, out, length);
    g_assert_cmpmem(out, sealed_length, sealed, sealed_length);
    g_assert_true(wzp_aead_open(out, key, nonce, ad, ad_length, out, sealed_length));
    g_assert_cmpmem(out, length, plain, length);
    g_free(ad);
    g_free(plain);
    g_free(sealed);
    g_free(out);
  }
}

/* All lengths; one flipped bit anywhere is refused and releases nothing. */
static void
test_aead_bit_flips(void)
{
  enum { LONGEST = 1200 };
  static uint8_t plain[LONGEST], sealed[LONGEST + WZP_TAG_SIZE], opened[LONGEST];
  uint8_t key[32], nonce[12], ad[16];
  TestRandom random;
  test_random_init(&random);

  for (size_t length = 0; length <= LONGEST; length++) {
    test_random_bytes(&random, plain, sizeof plain);
    test_random_bytes(&random, key, sizeof key);
    test_random_bytes(&random, nonce, sizeof nonce);
    test_random_bytes(&random, ad, sizeof ad);
    wzp_aead_seal(sealed, key, nonce, ad, sizeof ad, plain, length);
    g_assert_true(wzp_aead_open(opened, key, nonce, ad, sizeof ad, sealed, length + WZP_TAG_SIZE));
    g_assert_cmpmem(opened, length, plain, length);

    struct {
      uint8_t *data;
      size_t length;
    } parts[] = {{sealed, length + WZP_TAG_SIZE},
                 {sealed + length, WZP_TAG_SIZE},
                 {key, sizeof key},
                 {nonce, sizeof nonce},
                 {ad, sizeof ad}};
    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
      size_t bit = test_random_below(&random, 8 * parts[i].length);
      parts[i].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
      memset(opened, 0xee, sizeof opened);
      g_assert_false(
          wzp_aead_open(opened, key, nonce, ad, sizeof ad, sealed, length + WZP_TAG_SIZE));
      g_assert_true(length < 8 || memcmp(opened, plain, length) != 0);
      parts[i].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    size_t cut = test_random_below(&random, length + WZP_TAG_SIZE);
    g_assert_false(wzp_aead_open(opened, key, nonce, ad, sizeof ad, sealed, cut));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/kdf/hkdf/rfc5869", test_hkdf_vectors);
  g_test_add_func("/kdf/hkdf/equals-openssl", test_hkdf_equals_openssl);
  g_test_add_func("/kdf/hashes", test_hashes);
  g_test_add_func("/kdf/x25519/rfc7748", test_x25519_vectors);
  g_test_add_func("/kdf/x25519/iterated", test_x25519_iterated);
  g_test_add_func("/kdf/x25519/refuses-weak-points", test_x25519_refuses_weak_points);
  g_test_add_func("/kdf/aead/rfc8439", test_aead_vectors);
  g_test_add_func("/kdf/aead/bit-flips", test_aead_bit_flips);
  return g_test_run();
}
