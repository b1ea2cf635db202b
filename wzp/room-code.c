/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include "mnemonic-words.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define N_WORDS 8

static int
compare_hashes(const void *a, const void *b)
{
  return memcmp(a, b, 32);
}

bool
wzp_group_code_digest(const WzpGroup *group, uint8_t digest[32], unsigned *n_members)
{
  g_autofree uint8_t *hashes = g_malloc((group->members->len + 1) * (size_t)32);
  unsigned n = 0;

  memcpy(hashes, group->join.jh, 32);
  for (unsigned i = 0; i < group->members->len; i++) {
    const WzpGroupMember *member = wzp_group_nth(group, i);
    if (!member->gone && member->state == WZP_MEMBER_CONFIRMED)
      memcpy(hashes + 32 * ++n, member->join.jh, 32);
  }
  *n_members = n + 1;
  if (n == 0 || group->left)
    return false;
  qsort(hashes, n + 1, 32, compare_hashes);
  wzp_sha256(digest, hashes, 32 * (n + 1));
  return true;
}

bool
wzp_room_code(char text[WZP_ROOM_CODE_TEXT], const uint8_t digest[32])
{
  static const char label[] = "wz1 room code";
  uint8_t salt[32], code[N_WORDS * WZP_MNEMONIC_BITS / 8];

  G_STATIC_ASSERT(crypto_pwhash_BYTES_MIN >= sizeof code);
  uint8_t full[crypto_pwhash_BYTES_MIN];
  wzp_sha256(salt, label, sizeof label - 1);
  if (!wzp_room_stretch(full, sizeof full, digest, 32, salt))
    return false;
  memcpy(code, full, sizeof code);
  wzp_mnemonic_write(text, code, sizeof code);
  return true;
}
