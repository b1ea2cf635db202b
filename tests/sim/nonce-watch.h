/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdint.h>

/* Sees every AEAD sealing of the process and fails the test when a (key, nonce) comes twice; counts the
 * attempts to open. Link with -Wl,--wrap=crypto_aead_chacha20poly1305_ietf_encrypt and _decrypt. */

void nonce_watch_reset(void);
/* Sealings since the reset, all different. */
uint64_t nonce_watch_count(void);
/* Attempts to open, good and bad, since the start of the process. */
uint64_t nonce_watch_opens(void);
