/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* The 2048 English words of BIP39, in order (which is alphabetical). */
#define WZP_MNEMONIC_WORDS 2048
#define WZP_MNEMONIC_WORD_SIZE 9 /* at most 8 letters and the NUL */

extern const char wzp_mnemonic_words[WZP_MNEMONIC_WORDS][WZP_MNEMONIC_WORD_SIZE];
