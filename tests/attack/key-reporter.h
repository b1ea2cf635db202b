/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stddef.h>

/* From here on each secret that libsodium is given goes to this pipe: kind(1) | length(1) | bytes. Kinds: A a key of
 * an AEAD, H of HMAC (a base, a key to derive from), I what HMAC makes
 * keys from, by its length, X of X25519, D what X25519 gave, S a seed of Ed25519, T of a
 * hop tag, M: no secret, a word to the reader. */
void key_reporter_start(int descriptor);
void key_reporter_say(char kind, const void *bytes, size_t length);
