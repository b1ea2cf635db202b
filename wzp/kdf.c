/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "kdf.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

#define HASH_SIZE crypto_auth_hmacsha256_BYTES

void
wzp_hkdf_extract(uint8_t prk[32], const void *salt, size_t salt_length, const void *ikm,
                 size_t ikm_length)
{
  static const uint8_t no_salt[HASH_SIZE];
  crypto_auth_hmacsha256_state state;

  if (salt_length == 0) {
    salt = no_salt;
    salt_length = sizeof no_salt;
  }
  crypto_auth_hmacsha256_init(&state, salt, salt_length);
  crypto_auth_hmacsha256_update(&state, ikm, ikm_length);
  crypto_auth_hmacsha256_final(&state, prk);
  sodium_memzero(&state, sizeof state);
}

void
wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                size_t info_length)
{
  crypto_auth_hmacsha256_state state;
  uint8_t block[HASH_SIZE];
  uint8_t *target = out;
  uint8_t number = 0;

  g_assert(length <= 255 * HASH_SIZE);
  while (length > 0) {
    crypto_auth_hmacsha256_init(&state, prk, 32);
    if (number > 0)
      crypto_auth_hmacsha256_update(&state, block, sizeof block);
    crypto_auth_hmacsha256_update(&state, info, info_length);
    number++;
    crypto_auth_hmacsha256_update(&state, &number, 1);
    crypto_auth_hmacsha256_final(&state, block);

    size_t part = MIN(length, sizeof block);
    memcpy(target, block, part);
    target += part;
    length -= part;
  }
  sodium_memzero(block, sizeof block);
  sodium_memzero(&state, sizeof state);
}

void
wzp_hkdf_expand_label(void *out, size_t length, const uint8_t prk[32], const char *label)
{
  wzp_hkdf_expand(out, length, prk, label, strlen(label));
}

void
wzp_sha256(uint8_t out[32], const void *data, size_t length)
{
  crypto_hash_sha256(out, data, length);
}

void
wzp_hmac_sha256(uint8_t out[32], const uint8_t key[32], const void *data, size_t length)
{
  crypto_auth_hmacsha256(out, data, length, key);
}

bool
wzp_x25519(uint8_t out[32], const uint8_t secret[32], const uint8_t public_key[32])
{
  if (crypto_scalarmult(out, secret, public_key) == 0)
    return true;
  sodium_memzero(out, 32);
  return false;
}

void
wzp_x25519_base(uint8_t public_key[32], const uint8_t secret[32])
{
  crypto_scalarmult_base(public_key, secret);
}

void
wzp_aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const void *ad,
              size_t ad_length, const void *plain, size_t length)
{
  crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, length, ad, ad_length, NULL, nonce,
                                            key);
}

bool
wzp_aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const void *ad,
              size_t ad_length, const void *sealed, size_t length)
{
  return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, length, ad, ad_length,
                                                   nonce, key) == 0;
}
