/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sealed-key.h"
#include "bytes.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PASSES 3
#define MEMORY_KIB (256 * 1024)
#define HEAD_FORMAT "wzp-sealed-key 1 argon2id %u %u %s %s"
#define HEAD_SIZE 160

/* All that stands before the box; it is what the box authenticates beside the key. */
static size_t
head(const WzpSealedKey *sealed, char text[HEAD_SIZE])
{
  char salt[2 * sizeof sealed->salt + 1], nonce[2 * sizeof sealed->nonce + 1];
  int length = snprintf(text, HEAD_SIZE, HEAD_FORMAT, sealed->passes, sealed->memory_kib,
                        sodium_bin2hex(salt, sizeof salt, sealed->salt, sizeof sealed->salt),
                        sodium_bin2hex(nonce, sizeof nonce, sealed->nonce, sizeof sealed->nonce));
  g_assert(length > 0 && length < HEAD_SIZE);
  return (size_t)length;
}

static bool
derive(const WzpSealedKey *sealed, uint8_t key[32], const char *passphrase)
{
  return crypto_pwhash(key, 32, passphrase, strlen(passphrase), sealed->salt, sealed->passes,
                       (size_t)sealed->memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool
wzp_sealed_key_seal(WzpSealedKey *sealed, const uint8_t secret[32], const char *passphrase,
                    const WzpRandom *random)
{
  uint8_t key[32];
  char text[HEAD_SIZE];

  if (*passphrase == '\0')
    return false;
  wzp_random_fill(random, sealed->salt, sizeof sealed->salt);
  wzp_random_fill(random, sealed->nonce, sizeof sealed->nonce);
  size_t length = head(sealed, text);
  bool derived = derive(sealed, key, passphrase);
  if (derived)
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed->box, NULL, secret, 32, (const void *)text,
                                               length, NULL, sealed->nonce, key);
  sodium_memzero(key, sizeof key);
  return derived;
}

bool
wzp_sealed_key_open(const WzpSealedKey *sealed, uint8_t secret[32], const char *passphrase)
{
  uint8_t key[32];
  char text[HEAD_SIZE];

  size_t length = head(sealed, text);
  bool opened = derive(sealed, key, passphrase) &&
                crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, sealed->box,
                                                           sizeof sealed->box, (const void *)text,
                                                           length, sealed->nonce, key) == 0;
  sodium_memzero(key, sizeof key);
  if (!opened)
    sodium_memzero(secret, 32);
  return opened;
}

void
wzp_sealed_key_format(const WzpSealedKey *sealed, char text[WZP_SEALED_KEY_TEXT])
{
  char box[2 * sizeof sealed->box + 1], start[HEAD_SIZE];
  head(sealed, start);
  sodium_bin2hex(box, sizeof box, sealed->box, sizeof sealed->box);
  g_snprintf(text, WZP_SEALED_KEY_TEXT, "%s %s\n", start, box);
}

bool
wzp_sealed_key_parse(WzpSealedKey *sealed, const char *text, size_t length)
{
  char again[WZP_SEALED_KEY_TEXT];

  memset(sealed, 0, sizeof *sealed);
  if (length >= WZP_SEALED_KEY_TEXT || memchr(text, '\0', length) != NULL)
    return false;
  g_autofree char *line = g_strndup(text, length);
  g_auto(GStrv) words = g_strsplit(g_strchomp(line), " ", 9);
  guint64 passes, memory;
  /* the comparison at the end judges all that is constant, and how numbers are written */
  if (g_strv_length(words) != 8 ||
      !g_ascii_string_to_unsigned(words[3], 10, 1, WZP_SEALED_KEY_PASSES_MAX, &passes, NULL) ||
      !g_ascii_string_to_unsigned(words[4], 10, WZP_SEALED_KEY_MEMORY_MIN,
                                  WZP_SEALED_KEY_MEMORY_MAX, &memory, NULL) ||
      !wzp_hex_read(sealed->salt, sizeof sealed->salt, words[5]) ||
      !wzp_hex_read(sealed->nonce, sizeof sealed->nonce, words[6]) ||
      !wzp_hex_read(sealed->box, sizeof sealed->box, words[7]))
    return false;
  sealed->passes = (uint32_t)passes;
  sealed->memory_kib = (uint32_t)memory;
  wzp_sealed_key_format(sealed, again);
  return strlen(again) == length && memcmp(again, text, length) == 0;
}

bool
wzp_sealed_key_create(const char *path, const uint8_t secret[32], const char *passphrase,
                      const WzpRandom *random, GError **error)
{
  WzpSealedKey sealed = {.passes = PASSES, .memory_kib = MEMORY_KIB};
  char text[WZP_SEALED_KEY_TEXT];

  if (*passphrase == '\0') {
    g_set_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_PASSPHRASE,
                "%s: an empty passphrase seals nothing", path);
    return false;
  }
  if (!wzp_sealed_key_seal(&sealed, secret, passphrase, random)) {
    g_set_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_WRITE,
                "%s: sealing needs %u MiB of memory, and they are not there", path,
                sealed.memory_kib / 1024);
    return false;
  }
  wzp_sealed_key_format(&sealed, text);
  return wzp_private_text_create(path, text, error);
}

bool
wzp_sealed_key_read(const char *path, uint8_t secret[32], const char *passphrase, GError **error)
{
  WzpSealedKey sealed;
  g_autofree char *text = NULL;

  sodium_memzero(secret, 32);
  if (!wzp_private_text_read(path, &text, error))
    return false;
  if (text == NULL) {
    g_set_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_MISSING, "%s: there is no such file",
                path);
    return false;
  }
  if (!wzp_sealed_key_parse(&sealed, text, strlen(text))) {
    g_set_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_CONTENT,
                "%s: this is not a whole sealed key; take the copy that you keep, or restore the "
                "key from its 24 words",
                path);
    return false;
  }
  if (wzp_sealed_key_open(&sealed, secret, passphrase))
    return true;
  g_set_error(
      error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_PASSPHRASE,
      "%s: this is not its passphrase (or the file was changed, or the %u MiB of memory are "
      "not there)",
      path, sealed.memory_kib / 1024);
  return false;
}
