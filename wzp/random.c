/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "random.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

static void
fill_system(void *user, void *out, size_t length)
{
  (void)user;
  randombytes_buf(out, length);
}

WzpRandom
wzp_random_system(void)
{
  return (WzpRandom){.fill = fill_system, .user = NULL};
}

/* One nonce per call: the stream depends on the sizes asked for, which are the same in every run. */
static void
fill_seeded(void *user, void *out, size_t length)
{
  WzpSeededRandom *state = user;
  uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
  uint64_t counter = GUINT64_TO_LE(state->counter);
  memcpy(nonce, &counter, sizeof nonce);
  state->counter++;
  crypto_stream_chacha20(out, length, nonce, state->key);
}

WzpRandom
wzp_random_seeded(WzpSeededRandom *state, uint64_t seed)
{
  memset(state, 0, sizeof *state);
  seed = GUINT64_TO_LE(seed);
  memcpy(state->key, &seed, sizeof seed);
  return (WzpRandom){.fill = fill_seeded, .user = state};
}

void
wzp_init(void)
{
  if (sodium_init() < 0)
    g_error("libsodium could not start: the system gives no random numbers");
}
