/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "identity.h"
#include "kdf.h"
#include "mnemonic-words.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define N_WORDS 24
#define PACKED_SIZE 33 /* 32 bytes of seed and the checksum: 24 * 11 bits */

G_DEFINE_QUARK(wzp_mnemonic_error, wzp_mnemonic_error)

static uint8_t
checksum(const uint8_t seed[32])
{
  uint8_t hash[32];
  wzp_sha256(hash, seed, 32);
  uint8_t first = hash[0];
  sodium_memzero(hash, sizeof hash);
  return first;
}

void
wzp_mnemonic_write(char *text, const uint8_t *bytes, size_t n)
{
  char *end = text;
  unsigned bits = 0, n_bits = 0;
  for (size_t i = 0; i < n; i++) {
    bits = bits << 8 | bytes[i];
    n_bits += 8;
    if (n_bits < WZP_MNEMONIC_BITS)
      continue;
    n_bits -= WZP_MNEMONIC_BITS;
    if (end != text)
      *end++ = ' ';
    end = stpcpy(end, wzp_mnemonic_words[bits >> n_bits]);
    bits &= (1u << n_bits) - 1;
  }
  sodium_memzero(&bits, sizeof bits);
}

void
wzp_mnemonic_encode(char text[WZP_MNEMONIC_TEXT], const uint8_t seed[32])
{
  uint8_t packed[PACKED_SIZE];
  memcpy(packed, seed, 32);
  packed[32] = checksum(seed);
  wzp_mnemonic_write(text, packed, sizeof packed);
  sodium_memzero(packed, sizeof packed);
}

static int
compare_words(const void *word, const void *entry)
{
  return strcmp(word, entry);
}

/* The number of a word in any case, or -1. */
static int
word_number(const char *start, size_t length)
{
  char word[WZP_MNEMONIC_WORD_SIZE];
  if (length >= sizeof word)
    return -1;
  for (size_t i = 0; i < length; i++)
    word[i] = g_ascii_tolower(start[i]);
  word[length] = '\0';
  const char(*found)[WZP_MNEMONIC_WORD_SIZE] =
      bsearch(word, wzp_mnemonic_words, WZP_MNEMONIC_WORDS, WZP_MNEMONIC_WORD_SIZE, compare_words);
  sodium_memzero(word, sizeof word);
  return found == NULL ? -1 : (int)(found - wzp_mnemonic_words);
}

/* Shows the word that is wrong, when it is something that can be shown on a line. */
static void
set_word_error(GError **error, unsigned position, const char *start, size_t length)
{
  bool shown = length <= 20;
  for (size_t i = 0; i < length; i++)
    shown = shown && g_ascii_isalnum(start[i]);
  if (shown)
    g_set_error(error, WZP_MNEMONIC_ERROR, WZP_MNEMONIC_ERROR_WORD,
                "word %u (\"%.*s\") is not one of the 2048 English BIP39 words; check its spelling",
                position, (int)length, start);
  else
    g_set_error(error, WZP_MNEMONIC_ERROR, WZP_MNEMONIC_ERROR_WORD,
                "word %u is not one of the 2048 English BIP39 words; check its spelling", position);
}

static bool
collect(uint8_t packed[PACKED_SIZE], const char *words, GError **error)
{
  unsigned count = 0, bits = 0, n_bits = 0;
  size_t n_bytes = 0;

  for (const char *at = words;; count++) {
    while (g_ascii_isspace(*at))
      at++;
    if (*at == '\0')
      break;
    const char *start = at;
    while (*at != '\0' && !g_ascii_isspace(*at))
      at++;
    int number = word_number(start, (size_t)(at - start));
    if (number < 0) {
      set_word_error(error, count + 1, start, (size_t)(at - start));
      return false;
    }
    bits = bits << WZP_MNEMONIC_BITS | (unsigned)number;
    n_bits += WZP_MNEMONIC_BITS;
    while (n_bits >= 8) {
      n_bits -= 8;
      if (n_bytes < PACKED_SIZE)
        packed[n_bytes++] = (uint8_t)(bits >> n_bits);
    }
    bits &= (1u << n_bits) - 1;
  }
  sodium_memzero(&bits, sizeof bits);
  if (count == N_WORDS)
    return true;
  g_set_error(error, WZP_MNEMONIC_ERROR, WZP_MNEMONIC_ERROR_COUNT,
              "there %s %u word%s; an identity has exactly %u", count == 1 ? "is" : "are", count,
              count == 1 ? "" : "s", N_WORDS);
  return false;
}

bool
wzp_mnemonic_decode(uint8_t seed[32], const char *words, GError **error)
{
  uint8_t packed[PACKED_SIZE] = {0};
  bool good = collect(packed, words, error);

  if (good && checksum(packed) != packed[32]) {
    g_set_error(error, WZP_MNEMONIC_ERROR, WZP_MNEMONIC_ERROR_CHECKSUM,
                "the checksum of the %u words fails: one of them is another word of the list, or "
                "two are swapped",
                N_WORDS);
    good = false;
  }
  if (good)
    memcpy(seed, packed, 32);
  else
    sodium_memzero(seed, 32);
  sodium_memzero(packed, sizeof packed);
  return good;
}
