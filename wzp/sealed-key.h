/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "keyfile.h"

/* A key file that a passphrase opens (PROTOCOL.md 2): Argon2id makes a key of the passphrase, and
 * XChaCha20-Poly1305 seals the 32 bytes with it. One line of text, in a file like any other key file. */

#define WZP_SEALED_KEY_TEXT 288

typedef struct {
  uint32_t passes;     /* of Argon2id */
  uint32_t memory_kib; /* that each pass fills */
  uint8_t salt[16];
  uint8_t nonce[24];
  uint8_t box[32 + 16];
} WzpSealedKey;

/* What is allowed to come in: a file cannot ask for hours, or for more memory than there is. */
#define WZP_SEALED_KEY_PASSES_MAX 16
#define WZP_SEALED_KEY_MEMORY_MIN (8 * 1024)
#define WZP_SEALED_KEY_MEMORY_MAX (1024 * 1024)

/* passes and memory_kib are set before. The passphrase is not empty. */
bool wzp_sealed_key_seal(WzpSealedKey *sealed, const uint8_t secret[32], const char *passphrase,
                         const WzpRandom *random);
/* secret is wiped on failure: another passphrase, or a file that was changed. */
bool wzp_sealed_key_open(const WzpSealedKey *sealed, uint8_t secret[32], const char *passphrase);
/* The line with its newline. Nothing but what wzp_sealed_key_format() writes is read. */
void wzp_sealed_key_format(const WzpSealedKey *sealed, char text[WZP_SEALED_KEY_TEXT]);
bool wzp_sealed_key_parse(WzpSealedKey *sealed, const char *text, size_t length);

/* As wzp_keyfile_create() and wzp_keyfile_read(); takes about a second. WZP_KEYFILE_ERROR_PASSPHRASE:
 * another one opens it. */
bool wzp_sealed_key_create(const char *path, const uint8_t secret[32], const char *passphrase,
                           const WzpRandom *random, GError **error);
bool wzp_sealed_key_read(const char *path, uint8_t secret[32], const char *passphrase,
                         GError **error);
