/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <sodium.h>
#include <string.h>

/* Both here and in room codes: some tenths of a second of each try. */
#define PASSES 3
#define MEMORY ((size_t)64 << 20)

#define SHORT_OF 16 /* letters */

bool
wzp_room_stretch(uint8_t *out, size_t length, const void *input, size_t input_length,
                 const uint8_t salt[32])
{
  G_STATIC_ASSERT(crypto_pwhash_SALTBYTES <= 32);
  return crypto_pwhash(out, length, input, input_length, salt, PASSES, MEMORY,
                       crypto_pwhash_ALG_ARGON2ID13) == 0;
}

const char *
wzp_room_passphrase_problem(const char *passphrase)
{
  size_t length = strlen(passphrase);

  if (length == 0)
    return "it is empty";
  if (!g_utf8_validate(passphrase, (gssize)length, NULL))
    return "it is not UTF-8 text";
  for (const char *at = passphrase; *at != '\0'; at = g_utf8_next_char(at)) {
    if (g_unichar_iscntrl(g_utf8_get_char(at)))
      return "it has a control character; letters, digits, signs and spaces are what others can "
             "type, too";
  }
  if (g_utf8_strlen(passphrase, -1) < WZP_ROOM_PASSPHRASE_MIN)
    return "it has fewer than 8 letters, which are tried one after the other";
  return length > WZP_ROOM_PASSPHRASE_MAX ? "it has more than 255 bytes" : NULL;
}

bool
wzp_room_passphrase_is_short(const char *passphrase)
{
  return g_utf8_strlen(passphrase, -1) < SHORT_OF;
}

bool
wzp_room_secret_passphrase(WzpRoomSecret *secret, const char *name, const char *passphrase)
{
  uint8_t salt[32];
  char *normal = g_utf8_normalize(passphrase, -1, G_NORMALIZE_DEFAULT_COMPOSE);
  bool good;

  memset(secret, 0, sizeof *secret);
  if (normal == NULL)
    return false;
  wzp_labelled_hash(salt, "wz1 room", name, strlen(name));
  good = wzp_room_stretch(secret->psk, sizeof secret->psk, normal, strlen(normal), salt);
  memcpy(secret->id_key, secret->psk, sizeof secret->id_key);
  secret->keyed = true;
  sodium_memzero(normal, strlen(normal));
  g_free(normal);
  return good;
}
