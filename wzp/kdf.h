/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The primitives, each in one place: HKDF-SHA256 (RFC 5869), SHA-256, X25519 (RFC 7748), and
 * ChaCha20-Poly1305 (RFC 8439). */

#define WZP_KEY_SIZE 32
#define WZP_TAG_SIZE 16
#define WZP_NONCE_SIZE 12

/* Ext(salt, ikm). salt may be NULL with length 0 (32 zero bytes, RFC 5869 section 2.2). */
void wzp_hkdf_extract(uint8_t prk[32], const void *salt, size_t salt_length, const void *ikm,
                      size_t ikm_length);
/* Exp(prk, info, length); length <= 255 * 32. */
void wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                     size_t info_length);
/* The same with an ASCII label as info. */
void wzp_hkdf_expand_label(void *out, size_t length, const uint8_t prk[32], const char *label);

void wzp_sha256(uint8_t out[32], const void *data, size_t length);
void wzp_hmac_sha256(uint8_t out[32], const uint8_t key[32], const void *data, size_t length);

/* False (and out zeroed) when the shared secret is all zero: a low-order point. */
bool wzp_x25519(uint8_t out[32], const uint8_t secret[32], const uint8_t public_key[32]);
void wzp_x25519_base(uint8_t public_key[32], const uint8_t secret[32]);

/* Writes length + 16 bytes to out; out may be plain (in place). */
void wzp_aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const void *ad,
                   size_t ad_length, const void *plain, size_t length);
/* sealed holds length bytes, tag included (length >= 16). Writes length - 16 bytes; in place is fine.
 * False: nothing of the plaintext is released. */
bool wzp_aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const void *ad,
                   size_t ad_length, const void *sealed, size_t length);
