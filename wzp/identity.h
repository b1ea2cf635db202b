/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "random.h"
#include <glib.h>
#include <stdbool.h>

/* Who somebody is: a 32-byte seed, and what derives from it (PROTOCOL.md 2). */

#define WZP_FINGERPRINT_SIZE 16
#define WZP_FINGERPRINT_TEXT 40 /* "27ba:36eb:...": 39 characters and the NUL */
#define WZP_MNEMONIC_TEXT 256   /* 24 words of at most 8 letters, spaces, NUL */

/* In guarded, locked memory (sodium_malloc); make with _new, end with _free. Read only. */
typedef struct {
  uint8_t seed[32];
  uint8_t ed25519_public[32];
  uint8_t ed25519_secret[64];
  uint8_t x25519_public[32];
  uint8_t x25519_secret[32];
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
} WzpIdentity;

WzpIdentity *wzp_identity_new(const uint8_t seed[32]);
WzpIdentity *wzp_identity_new_random(const WzpRandom *random);
void wzp_identity_free(WzpIdentity *identity); /* wipes; NULL is fine */
void wzp_identity_sign(const WzpIdentity *identity, uint8_t signature[64], const void *message,
                       size_t length);
/* Strict verification by libsodium. */
bool wzp_identity_verify(const uint8_t ed25519_public[32], const uint8_t signature[64],
                         const void *message, size_t length);

/* First 16 bytes of SHA-256 of the Ed25519 public key. */
void wzp_fingerprint(uint8_t out[WZP_FINGERPRINT_SIZE], const uint8_t ed25519_public[32]);
/* Eight groups of four hex digits. Returns text. */
const char *wzp_fingerprint_format(const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                                   char text[WZP_FINGERPRINT_TEXT]);
/* Accepts upper and lower case, with or without colons; false for anything else. */
bool wzp_fingerprint_parse(uint8_t out[WZP_FINGERPRINT_SIZE], const char *text);

#define WZP_MNEMONIC_ERROR (wzp_mnemonic_error_quark())
GQuark wzp_mnemonic_error_quark(void);
typedef enum {
  WZP_MNEMONIC_ERROR_WORD,    /* not in the list */
  WZP_MNEMONIC_ERROR_COUNT,   /* not 24 words */
  WZP_MNEMONIC_ERROR_CHECKSUM /* all are words, but not these together */
} WzpMnemonicError;

/* BIP39, 24 English words; the seed is the entropy itself, no PBKDF2 (PROTOCOL.md 2). */
void wzp_mnemonic_encode(char text[WZP_MNEMONIC_TEXT], const uint8_t seed[32]);
/* Words separated by any white space, any case. The error says which word is wrong (never echoing
 * other words), how many there are, or that the checksum fails. seed is wiped on failure. */
bool wzp_mnemonic_decode(uint8_t seed[32], const char *words, GError **error);
