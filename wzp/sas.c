/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake.h"
#include <glib.h>
#include <sodium.h>

void
wzp_sas_words(char text[WZP_SAS_WORDS_TEXT], const uint8_t sas[8])
{
  /* A mnemonic's words are its seed's bits, eleven by eleven: the first three hold the top 33. */
  uint8_t seed[32] = {0};
  char mnemonic[WZP_MNEMONIC_TEXT];
  memcpy(seed, sas, 8);
  wzp_mnemonic_encode(mnemonic, seed);
  size_t length = 0;
  for (unsigned spaces = 0; mnemonic[length]; length++)
    if (mnemonic[length] == ' ' && ++spaces == 3)
      break;
  g_assert(length < WZP_SAS_WORDS_TEXT);
  memcpy(text, mnemonic, length);
  text[length] = '\0';
  sodium_memzero(seed, sizeof seed);
  sodium_memzero(mnemonic, sizeof mnemonic);
}

void
wzp_sas_digits(char text[7], const uint8_t sas[8])
{
  unsigned number = (unsigned)sas[5] << 16 | (unsigned)sas[6] << 8 | sas[7];
  g_snprintf(text, 7, "%06u", number % 1000000u);
}
