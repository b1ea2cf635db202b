/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* A program linked with pair-recorder.c and --wrap=crypto_aead_chacha20poly1305_ietf_encrypt ends when
 * a (key, nonce) pair is sealed under twice, in whatever test, media and records alike. */

/* How many there were. */
unsigned pair_recorder_count(void);
void pair_recorder_clear(void);
