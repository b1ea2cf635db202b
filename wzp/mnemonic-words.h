/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The 2048 English words of BIP39, in order (which is alphabetical). */
#define WZP_MNEMONIC_WORDS 2048
#define WZP_MNEMONIC_WORD_SIZE 9 /* at most 8 letters and the NUL */

extern const char wzp_mnemonic_words[WZP_MNEMONIC_WORDS][WZP_MNEMONIC_WORD_SIZE];

#define WZP_MNEMONIC_BITS 11 /* of a word */
/* The words of these bits, eleven each, with spaces between; what is left over at the end says nothing. text has room for
 * WZP_MNEMONIC_WORD_SIZE a word. */
void wzp_mnemonic_write(char *text, const uint8_t *bytes, size_t n);
