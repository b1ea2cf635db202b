/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdint.h>

/* Sees every AEAD sealing of the process and fails the test when a (key, nonce) comes twice. Link with
 * -Wl,--wrap=crypto_aead_chacha20poly1305_ietf_encrypt. */

void nonce_watch_reset(void);
/* Sealings since the reset, all different. */
uint64_t nonce_watch_count(void);
