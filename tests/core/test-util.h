/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include "wzp/address.h"
#include "wzp/random.h"

/* Hex in and out, and seeded random numbers, for all tests. */

/* Exactly n bytes of hex; spaces and newlines are skipped. */
static inline void
test_hex(uint8_t *out, size_t n, const char *hex)
{
  size_t length = 0;
  const char *end = NULL;
  int result = sodium_hex2bin(out, n, hex, strlen(hex), " \n", &length, &end);
  g_assert_cmpint(result, ==, 0);
  g_assert_cmpuint(*end, ==, '\0');
  g_assert_cmpuint(length, ==, n);
}

/* Of numbers and a port. */
static inline WzpAddress
test_address(const char *text)
{
  WzpAddress parsed;
  g_assert_true(wzp_address_parse(&parsed, text));
  return parsed;
}

/* Lower case; free with g_free(). */
static inline char *
test_to_hex(const void *data, size_t n)
{
  char *hex = g_malloc(2 * n + 1);
  sodium_bin2hex(hex, 2 * n + 1, data, n);
  return hex;
}

#define assert_hex(data, n, hex)                                                                   \
  G_STMT_START                                                                                     \
  {                                                                                                \
    char *assert_hex_text = test_to_hex(data, n);                                                  \
    g_assert_cmpstr(assert_hex_text, ==, hex);                                                     \
    g_free(assert_hex_text);                                                                       \
  }                                                                                                \
  G_STMT_END

/* A stream of random numbers that starts from g_test_rand_int(): the seed GLib prints ("# random seed:
 * ...") and takes back with --seed, so that every failure can be run again. */
typedef struct {
  WzpSeededRandom state;
  WzpRandom random;
} TestRandom;

static inline void
test_random_init(TestRandom *test)
{
  test->random = wzp_random_seeded(&test->state, (uint32_t)g_test_rand_int());
}

static inline void
test_random_bytes(TestRandom *test, void *out, size_t length)
{
  wzp_random_fill(&test->random, out, length);
}

static inline uint64_t
test_random_u64(TestRandom *test)
{
  uint64_t value;
  wzp_random_fill(&test->random, &value, sizeof value);
  return value;
}

/* 0 to end - 1; end >= 1. */
static inline uint64_t
test_random_below(TestRandom *test, uint64_t end)
{
  return test_random_u64(test) % end;
}
