/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "identity.h"
#include "kdf.h"
#include <sodium.h>
#include <string.h>

WzpIdentity *
wzp_identity_new(const uint8_t seed[32])
{
  static const uint8_t salt[32];
  uint8_t prk[32], ed25519_seed[32];

  WzpIdentity *identity = sodium_malloc(sizeof *identity);
  if (identity == NULL)
    g_error("no guarded memory for an identity: out of memory, or too many mappings");

  memcpy(identity->seed, seed, 32);
  wzp_hkdf_extract(prk, salt, sizeof salt, seed, 32);
  wzp_hkdf_expand_label(ed25519_seed, 32, prk, "warzone-ed25519");
  crypto_sign_seed_keypair(identity->ed25519_public, identity->ed25519_secret, ed25519_seed);
  wzp_hkdf_expand_label(identity->x25519_secret, 32, prk, "warzone-x25519");
  wzp_x25519_base(identity->x25519_public, identity->x25519_secret);
  wzp_fingerprint(identity->fingerprint, identity->ed25519_public);

  sodium_memzero(prk, sizeof prk);
  sodium_memzero(ed25519_seed, sizeof ed25519_seed);
  sodium_mprotect_readonly(identity);
  return identity;
}

WzpIdentity *
wzp_identity_new_random(const WzpRandom *random)
{
  uint8_t seed[32];
  wzp_random_fill(random, seed, sizeof seed);
  WzpIdentity *identity = wzp_identity_new(seed);
  sodium_memzero(seed, sizeof seed);
  return identity;
}

void
wzp_identity_free(WzpIdentity *identity)
{
  sodium_free(identity); /* makes it writable, then wipes it */
}

void
wzp_identity_sign(const WzpIdentity *identity, uint8_t signature[64], const void *message,
                  size_t length)
{
  crypto_sign_detached(signature, NULL, message, length, identity->ed25519_secret);
}

bool
wzp_identity_verify(const uint8_t ed25519_public[32], const uint8_t signature[64],
                    const void *message, size_t length)
{
  return crypto_sign_verify_detached(signature, message, length, ed25519_public) == 0;
}

void
wzp_fingerprint(uint8_t out[WZP_FINGERPRINT_SIZE], const uint8_t ed25519_public[32])
{
  uint8_t hash[32];
  wzp_sha256(hash, ed25519_public, 32);
  memcpy(out, hash, WZP_FINGERPRINT_SIZE);
}

const char *
wzp_fingerprint_format(const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                       char text[WZP_FINGERPRINT_TEXT])
{
  static const char digits[] = "0123456789abcdef";
  char *end = text;

  for (unsigned i = 0; i < WZP_FINGERPRINT_SIZE; i++) {
    if (i > 0 && i % 2 == 0)
      *end++ = ':';
    *end++ = digits[fingerprint[i] >> 4];
    *end++ = digits[fingerprint[i] & 15];
  }
  *end = '\0';
  return text;
}

bool
wzp_fingerprint_parse(uint8_t out[WZP_FINGERPRINT_SIZE], const char *text)
{
  char hex[2 * WZP_FINGERPRINT_SIZE + 1];
  size_t length = strlen(text), n_digits = 0, n_bytes = 0;
  bool colons = length == WZP_FINGERPRINT_TEXT - 1;

  memset(out, 0, WZP_FINGERPRINT_SIZE);
  if (!colons && length != sizeof hex - 1)
    return false;
  for (size_t i = 0; i < length; i++) {
    if (colons && i % 5 == 4) {
      if (text[i] != ':')
        return false;
    } else {
      hex[n_digits++] = text[i];
    }
  }
  hex[n_digits] = '\0';
  if (sodium_hex2bin(out, WZP_FINGERPRINT_SIZE, hex, n_digits, NULL, &n_bytes, NULL) == 0 &&
      n_bytes == WZP_FINGERPRINT_SIZE)
    return true;
  memset(out, 0, WZP_FINGERPRINT_SIZE);
  return false;
}
