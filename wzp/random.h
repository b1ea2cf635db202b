/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Random bytes are an argument. Programs pass wzp_random_system(); tests pass a seeded generator. */
typedef struct {
  void (*fill)(void *user, void *out, size_t length); /* never fails */
  void *user;
} WzpRandom;

static inline void
wzp_random_fill(const WzpRandom *random, void *out, size_t length)
{
  random->fill(random->user, out, length);
}

/* The operating system's generator, through libsodium. Call sodium_init() (wzp_init()) first. */
WzpRandom wzp_random_system(void);

/* A deterministic generator for tests and the simulator: ChaCha20 key stream of the seed.
 * state is caller memory and must outlive the returned value. Never use it for real keys. */
typedef struct {
  uint8_t key[32];
  uint64_t counter;
} WzpSeededRandom;
WzpRandom wzp_random_seeded(WzpSeededRandom *state, uint64_t seed);

/* Initialises libsodium; must be called once before anything else. Safe to call again.
 * Aborts the process if libsodium cannot start. */
void wzp_init(void);
