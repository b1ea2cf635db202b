/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "random.h"
#include <sodium.h>
#include <string.h>
#include <stdlib.h>

void
wzp_init(void)
{
  if (sodium_init() < 0)
    abort();
}

static void
fill_system(void *user, void *out, size_t length)
{
  (void)user;
  randombytes_buf(out, length);
}

WzpRandom
wzp_random_system(void)
{
  return (WzpRandom){fill_system, NULL};
}

static void
fill_seeded(void *user, void *out, size_t length)
{
  WzpSeededRandom *state = user;
  uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
  memcpy(nonce, &state->counter, sizeof nonce);
  state->counter++;
  crypto_stream_chacha20(out, length, nonce, state->key);
}

WzpRandom
wzp_random_seeded(WzpSeededRandom *state, uint64_t seed)
{
  memset(state, 0, sizeof *state);
  memcpy(state->key, &seed, sizeof seed);
  return (WzpRandom){fill_seeded, state};
}
