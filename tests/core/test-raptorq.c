/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "raptorq-textbook.h"
#include "test-util.h"
#include "vectors-raptorq.h"
#include "wzp/gf256.h"
#include "wzp/raptorq.h"
#include <math.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PARTS 10 /* a tenth of the work */
#else
#define PARTS 1
#endif

#define K_MAX WZP_RAPTORQ_K_MAX
#define T_MAX 64

typedef struct {
  uint8_t bytes[K_MAX][T_MAX];
  const uint8_t *symbol[K_MAX];
} Source;

/* byte i of symbol j is 37 j + 11 i + 5 */
static void
pattern(Source *source)
{
  for (unsigned j = 0; j < K_MAX; j++) {
    source->symbol[j] = source->bytes[j];
    for (unsigned i = 0; i < T_MAX; i++)
      source->bytes[j][i] = (uint8_t)(37 * j + 11 * i + 5);
  }
}

static void
for_each_kernel(void (*check)(void))
{
  const WzpGf256Kernel before = wzp_gf256_kernel();
  for (WzpGf256Kernel kernel = 0; kernel < WZP_GF256_N_KERNELS; kernel++) {
    if (!wzp_gf256_kernel_usable(kernel))
      continue;
    wzp_gf256_use_kernel(kernel);
    check();
  }
  wzp_gf256_use_kernel(before);
}

static void
check_vectors(void)
{
  Source source;
  uint8_t out[T_MAX];
  pattern(&source);
  for (unsigned i = 0; i < G_N_ELEMENTS(raptorq_vectors); i++) {
    const RaptorqVector *vector = &raptorq_vectors[i];
    wzp_raptorq_encode_one(vector->k, source.symbol, vector->esi, out, vector->t);
    assert_hex(out, vector->t, vector->hex);
  }
}

static void
test_vectors(void)
{
  for_each_kernel(check_vectors);
}

/* Every K against the textbook: the rows of the first repair symbols, and of some far away. */
static void
test_textbook(void)
{
  TestRandom random;
  test_random_init(&random);
  for (unsigned k = 1; k <= K_MAX; k++) {
    Textbook *textbook = textbook_new(k);
    uint8_t row[K_MAX], expected[K_MAX];
    for (unsigned i = 0; i < 60; i++) {
      uint32_t esi = k + i;
      if (i == 40)
        esi = WZP_RAPTORQ_ESI_MAX;
      else if (i > 40)
        esi = k + (uint32_t)test_random_below(&random, WZP_RAPTORQ_ESI_MAX + 1 - k);
      wzp_raptorq_row(k, esi, row);
      textbook_row(textbook, esi, expected);
      g_assert_cmpmem(row, k, expected, k);
    }
    for (uint32_t esi = 0; esi < k; esi++) {
      wzp_raptorq_row(k, esi, row);
      textbook_row(textbook, esi, expected); /* systematic by the matrix, not by definition */
      g_assert_cmpmem(row, k, expected, k);
    }
    textbook_free(textbook);
  }
}

/* Any list of ESIs at once, with symbols that end where their memory ends. */
static void
check_encode(void)
{
  TestRandom random;
  test_random_init(&random);
  for (unsigned round = 0; round < 300; round++) {
    const unsigned k = 1 + (unsigned)test_random_below(&random, K_MAX);
    const unsigned n_out = 1 + (unsigned)test_random_below(&random, 12);
    const size_t n = 1 + test_random_below(&random, 40);
    uint8_t *source[K_MAX], *out[12];
    uint32_t esi[12];
    for (unsigned i = 0; i < k; i++) {
      source[i] = g_malloc(n);
      test_random_bytes(&random, source[i], n);
    }
    for (unsigned i = 0; i < n_out; i++) {
      out[i] = g_malloc(n);
      esi[i] = (uint32_t)test_random_below(&random, k + 40);
      if (i > 0 && test_random_below(&random, 4) > 0)
        esi[i] = esi[i - 1] + 1;
    }
    wzp_raptorq_encode(k, (const uint8_t *const *)source, esi, out, n_out, n);
    for (unsigned i = 0; i < n_out; i++) {
      uint8_t row[K_MAX];
      wzp_raptorq_row(k, esi[i], row);
      for (size_t at = 0; at < n; at++) {
        uint8_t sum = 0;
        for (unsigned j = 0; j < k; j++)
          sum ^= textbook_multiply(row[j], source[j][at]);
        g_assert_cmpuint(out[i][at], ==, sum);
      }
      g_free(out[i]);
    }
    for (unsigned i = 0; i < k; i++)
      g_free(source[i]);
  }
}

static void
test_encode(void)
{
  for_each_kernel(check_encode);
}

/* --- decoding --- */

typedef struct {
  unsigned k;
  uint32_t esi[4 * K_MAX];
  unsigned n;
} Received;

/* n different ESIs below end */
static void
receive(Received *received, TestRandom *random, unsigned k, unsigned n, uint32_t end)
{
  received->k = k;
  received->n = 0;
  while (received->n < n) {
    uint32_t esi = (uint32_t)test_random_below(random, end);
    bool twice = false;
    for (unsigned i = 0; i < received->n; i++)
      twice |= received->esi[i] == esi;
    if (!twice)
      received->esi[received->n++] = esi;
  }
}

/* A generator that costs nothing beside what it steers. */
static uint32_t
quick(uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (uint32_t)(*state >> 16);
}

static void
quick_shuffle(Received *received, uint64_t *state)
{
  for (unsigned i = received->n; i > 1; i--) {
    unsigned other = quick(state) % i;
    uint32_t esi = received->esi[other];
    received->esi[other] = received->esi[i - 1];
    received->esi[i - 1] = esi;
  }
}

static unsigned
rank_of(const Received *received, unsigned *determined)
{
  g_autofree uint8_t *rows = g_malloc(received->n * received->k + 1);
  for (unsigned i = 0; i < received->n; i++)
    wzp_raptorq_row(received->k, received->esi[i], rows + i * received->k);
  return textbook_rank(rows, received->n, received->k, determined);
}

#define PATTERNS (1000000 / PARTS)
#define POOL 40 /* repair symbols of a K that are encoded */
#define PATTERN_T 3

/* 10^6 patterns, most at small K as calls have; everything that comes out is right, and on a sample the rank
 * says the same about what must. */
static void
test_patterns(void)
{
  static uint8_t symbols[K_MAX + POOL][PATTERN_T];
  uint8_t *repair[POOL];
  const uint8_t *source[K_MAX];
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  TestRandom random;
  test_random_init(&random);
  uint64_t state = test_random_u64(&random) | 1;
  unsigned solved = 0, checked = 0, failed = 0, done = 0;
  while (done < PATTERNS) {
    const unsigned k = done % 50 ? 1 + quick(&state) % 20 : 1 + quick(&state) % K_MAX;
    const unsigned rounds = k > 20 ? 20 : 400;
    uint32_t esi[POOL];
    test_random_bytes(&random, symbols, sizeof symbols);
    for (unsigned i = 0; i < k; i++)
      source[i] = symbols[i];
    for (unsigned i = 0; i < POOL; i++) {
      repair[i] = symbols[k + i];
      esi[i] = k + i;
    }
    wzp_raptorq_encode(k, source, esi, repair, POOL, PATTERN_T);
    for (unsigned round = 0; round < rounds; round++, done++) {
      Received received = {.k = k, .n = k + POOL};
      for (unsigned i = 0; i < received.n; i++)
        received.esi[i] = i;
      quick_shuffle(&received, &state);
      received.n = MIN(received.n, k + quick(&state) % 3 - (quick(&state) % 8 == 0));
      const bool eager = quick(&state) % 4 == 0; /* solve after each symbol */
      bool whole = false;
      if (quick(&state) % 2) {
        const uint8_t *come[K_MAX + POOL];
        for (unsigned i = 0; i < received.n; i++)
          come[i] = symbols[received.esi[i]];
        whole = wzp_raptorq_decode(decoder, k, PATTERN_T, received.esi, come, received.n);
      } else {
        g_assert_cmpint(wzp_raptorq_decoder_start(decoder, k, PATTERN_T), ==, WZP_OK);
        for (unsigned i = 0; i < received.n; i++) {
          wzp_raptorq_decoder_add(decoder, received.esi[i], symbols[received.esi[i]]);
          if (eager)
            wzp_raptorq_decoder_solve(decoder);
        }
        whole = wzp_raptorq_decoder_solve(decoder);
      }
      unsigned known = 0;
      for (unsigned i = 0; i < k; i++) {
        const uint8_t *symbol = wzp_raptorq_decoder_symbol(decoder, i);
        known += symbol != NULL;
        if (symbol && memcmp(symbol, symbols[i], PATTERN_T) != 0)
          g_error("K=%u: symbol %u is wrong", k, i);
      }
      g_assert_cmpint(whole, ==, known == k);
      solved += whole;
      /* a sample, and all that failed while there were enough */
      if (round % 64 == 0 || (!whole && received.n >= k)) {
        unsigned determined, rank = rank_of(&received, &determined);
        g_assert_cmpuint(determined, ==, known);
        g_assert_cmpint(whole, ==, rank == k);
        checked++;
        failed += received.n >= k && !whole;
      }
    }
  }
  g_test_message("%u of %u solved; %u undecodable though enough came; rank of %u compared", solved,
                 done, failed, checked);
  g_assert_cmpuint(solved, >, done / 2);
  g_assert_cmpuint(failed, >, done / 10000);
  wzp_raptorq_decoder_free(decoder);
}

/* Sources and repairs in any order, with solve in between; the same symbols twice. */
static void
check_orders(void)
{
  TestRandom random;
  Received received;
  Source source;
  uint8_t out[T_MAX];
  test_random_init(&random);
  pattern(&source);
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  for (unsigned round = 0; round < 1500 / PARTS; round++) {
    const unsigned k = 1 + (unsigned)test_random_below(&random, round % 10 ? 12 : K_MAX);
    const size_t n = 1 + test_random_below(&random, T_MAX);
    receive(&received, &random, k, 2 * k, 3 * k);
    g_assert_cmpint(wzp_raptorq_decoder_start(decoder, k, n), ==, WZP_OK);
    for (unsigned i = 0; i < received.n; i++) {
      const unsigned all = received.n;
      unsigned determined, known = 0;
      wzp_raptorq_encode_one(k, source.symbol, received.esi[i], out, n);
      g_autofree uint8_t *symbol = g_memdup2(out, n);
      WzpResult result = wzp_raptorq_decoder_add(decoder, received.esi[i], symbol);
      memset(symbol, 0xee, n); /* it was copied */
      g_assert_true(result == WZP_OK || result == WZP_REPLAYED);
      if (result == WZP_OK && test_random_below(&random, 2))
        g_assert_cmpint(wzp_raptorq_decoder_add(decoder, received.esi[i], out), ==, WZP_REPLAYED);
      if (test_random_below(&random, k > 12 ? 60 : 3) && i + 1 < all)
        continue;
      received.n = i + 1;
      unsigned rank = rank_of(&received, &determined);
      received.n = all;
      g_assert_cmpint(wzp_raptorq_decoder_solve(decoder), ==, rank == k);
      for (unsigned j = 0; j < k; j++) {
        const uint8_t *solved = wzp_raptorq_decoder_symbol(decoder, j);
        if (solved)
          g_assert_cmpmem(solved, n, source.symbol[j], n);
        known += solved != NULL;
      }
      g_assert_cmpuint(known, ==, determined);
      if (rank == k) /* nothing is new any more */
        g_assert_cmpint(wzp_raptorq_decoder_add(decoder, 5000, out), ==, WZP_REPLAYED);
    }
  }
  wzp_raptorq_decoder_free(decoder);
}

static void
test_orders(void)
{
  for_each_kernel(check_orders);
}

/* Sets of valid symbols on which other decoders read outside of their memory. */
static void
test_all_repair(void)
{
  static const struct {
    unsigned k;
    uint32_t esi[10];
  } sets[] = {
      {5, {70, 61, 89, 87, 77}},
      {10, {10, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
  };
  Source source;
  uint8_t out[10][T_MAX];
  const uint8_t *come[10];
  pattern(&source);
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  for (unsigned i = 0; i < G_N_ELEMENTS(sets); i++) {
    Received received = {.k = sets[i].k, .n = sets[i].k};
    unsigned determined;
    for (unsigned j = 0; j < received.n; j++) {
      received.esi[j] = sets[i].esi[j];
      wzp_raptorq_encode_one(received.k, source.symbol, received.esi[j], out[j], T_MAX);
      come[j] = out[j];
    }
    bool whole = wzp_raptorq_decode(decoder, received.k, T_MAX, received.esi, come, received.n);
    g_assert_cmpint(whole, ==, rank_of(&received, &determined) == received.k);
    g_assert_true(whole);
    for (unsigned j = 0; j < received.k; j++)
      g_assert_cmpmem(wzp_raptorq_decoder_symbol(decoder, j), T_MAX, source.symbol[j], T_MAX);
  }
  wzp_raptorq_decoder_free(decoder);
}

/* How many of `trials` blocks stay incomplete when k + overhead of the repair symbols k..k + sent - 1 come. */
static unsigned
failures(unsigned k, unsigned sent, unsigned overhead, unsigned trials, uint64_t *state)
{
  static const uint8_t zero[1];
  const uint8_t *come[K_MAX];
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  unsigned failed = 0;
  for (unsigned i = 0; i < K_MAX; i++)
    come[i] = zero;
  for (unsigned trial = 0; trial < trials; trial++) {
    Received received = {.n = sent};
    for (unsigned i = 0; i < sent; i++)
      received.esi[i] = k + i;
    quick_shuffle(&received, state);
    failed += !wzp_raptorq_decode(decoder, k, 1, received.esi, come, k + overhead);
  }
  wzp_raptorq_decoder_free(decoder);
  return failed;
}

/* As random coefficients: 1/256 + 1/256^2 ... with nothing to spare, a 256th of it with each symbol more. */
static void
test_failure_rates(void)
{
  static const unsigned ks[] = {5, 10, 20};
  const unsigned trials = 100000 / PARTS;
  TestRandom random;
  test_random_init(&random);
  uint64_t state = test_random_u64(&random) | 1;
  for (unsigned i = 0; i < G_N_ELEMENTS(ks); i++) {
    const unsigned k = ks[i], sent = 32;
    unsigned none = failures(k, sent, 0, trials, &state);
    unsigned one = failures(k, sent, 1, trials, &state);
    unsigned two = failures(k, sent, 2, trials, &state);
    g_test_message("K=%u: %u, %u and %u of %u fail at overhead 0, 1, 2", k, none, one, two, trials);
    /* 0.37 (K = 5) to 0.45 % are expected, within six standard deviations; 0.002 %; 1 in 10^7 */
    g_assert_cmpfloat(none, >, 0.0037 * trials - 6 * sqrt(0.0037 * trials));
    g_assert_cmpfloat(none, <, 0.0049 * trials + 6 * sqrt(0.0049 * trials));
    g_assert_cmpuint(one, <=, 13);
    g_assert_cmpuint(two, <=, 1);
  }
}

/* ESIs with which any K of the K + R symbols are enough. */
static void
test_mds(void)
{
  static const struct {
    unsigned k, n;
    uint32_t esi[10];
  } lists[] = {
      {2, 4, {2, 3, 4, 5}},
      {3, 6, {3, 4, 5, 6, 7, 8}},
      {4, 8, {4, 5, 6, 7, 8, 9, 11, 16}},
      {5, 10, {5, 6, 7, 8, 9, 10, 14, 20, 26, 80}},
      {6, 9, {6, 7, 8, 9, 10, 11, 23, 132, 1216}},
  };
  static const uint8_t zero[1];
  const uint8_t *come[K_MAX];
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  for (unsigned i = 0; i < K_MAX; i++)
    come[i] = zero;
  for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++) {
    const unsigned k = lists[i].k, n = k + lists[i].n;
    for (unsigned mask = 0; mask < 1u << n; mask++) {
      uint32_t esi[20];
      unsigned got = 0;
      if ((unsigned)__builtin_popcount(mask) != k)
        continue;
      for (unsigned bit = 0; bit < n; bit++)
        if (mask >> bit & 1)
          esi[got++] = bit < k ? bit : lists[i].esi[bit - k];
      g_assert_true(wzp_raptorq_decode(decoder, k, 1, esi, come, k));
    }
  }
  /* and where it ends: K = 7, the fifth consecutive repair symbol */
  unsigned failed = 0;
  for (unsigned mask = 0; mask < 1u << 12; mask++) {
    uint32_t esi[12];
    unsigned got = 0;
    if (__builtin_popcount(mask) != 7)
      continue;
    for (unsigned bit = 0; bit < 12; bit++)
      if (mask >> bit & 1)
        esi[got++] = bit;
    failed += !wzp_raptorq_decode(decoder, 7, 1, esi, come, 7);
  }
  g_assert_cmpuint(failed, >, 0);
  wzp_raptorq_decoder_free(decoder);
}

static void
test_limits(void)
{
  static const uint8_t symbol[WZP_RAPTORQ_SYMBOL_MAX] = {1};
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  g_assert_cmpint(wzp_raptorq_decoder_add(decoder, 0, symbol), ==, WZP_MALFORMED);
  g_assert_false(wzp_raptorq_decoder_solve(decoder));
  g_assert_null(wzp_raptorq_decoder_symbol(decoder, 0));
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, 1, WZP_RAPTORQ_SYMBOL_MAX), ==, WZP_OK);
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, 0, 1), ==, WZP_MALFORMED);
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, K_MAX + 1, 1), ==, WZP_MALFORMED);
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, 1, 0), ==, WZP_MALFORMED);
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, 1, WZP_RAPTORQ_SYMBOL_MAX + 1), ==,
                  WZP_MALFORMED);
  g_assert_false(wzp_raptorq_decode(decoder, 0, 1, NULL, NULL, 0));
  /* still the block of one symbol */
  g_assert_cmpint(wzp_raptorq_decoder_add(decoder, WZP_RAPTORQ_ESI_MAX + 1, symbol), ==,
                  WZP_MALFORMED);
  g_assert_cmpint(wzp_raptorq_decoder_add(decoder, WZP_RAPTORQ_ESI_MAX, symbol), ==, WZP_OK);
  g_assert_true(wzp_raptorq_decoder_solve(decoder));
  g_assert_null(wzp_raptorq_decoder_symbol(decoder, 1));
  g_assert_cmpint(wzp_raptorq_decoder_add(decoder, 0, symbol), ==, WZP_REPLAYED);
  wzp_raptorq_decoder_free(decoder);
  wzp_raptorq_decoder_free(NULL);
}

/* The largest block, all of it from repair symbols. */
static void
test_largest(void)
{
  static uint8_t bytes[2][K_MAX][WZP_RAPTORQ_SYMBOL_MAX];
  const uint8_t *source[K_MAX];
  TestRandom random;
  test_random_init(&random);
  test_random_bytes(&random, bytes[0], sizeof bytes[0]);
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  g_assert_cmpint(wzp_raptorq_decoder_start(decoder, K_MAX, WZP_RAPTORQ_SYMBOL_MAX), ==, WZP_OK);
  for (unsigned i = 0; i < K_MAX; i++)
    source[i] = bytes[0][i];
  uint32_t esi = K_MAX;
  while (!wzp_raptorq_decoder_solve(decoder)) {
    wzp_raptorq_encode_one(K_MAX, source, esi, bytes[1][0], WZP_RAPTORQ_SYMBOL_MAX);
    wzp_raptorq_decoder_add(decoder, esi, bytes[1][0]);
    g_assert_cmpuint(++esi, <, 2 * K_MAX + 4);
  }
  for (unsigned i = 0; i < K_MAX; i++)
    g_assert_cmpmem(wzp_raptorq_decoder_symbol(decoder, i), WZP_RAPTORQ_SYMBOL_MAX, source[i],
                    WZP_RAPTORQ_SYMBOL_MAX);
  wzp_raptorq_decoder_free(decoder);
}

/* First uses at the same time. */
static gpointer
thread(gpointer user)
{
  Source source;
  uint8_t out[T_MAX], sum = 0;
  (void)user;
  pattern(&source);
  for (unsigned k = 1; k <= K_MAX; k++)
    for (uint32_t esi = 0; esi < k + 40; esi += 7) {
      wzp_raptorq_encode_one(k, source.symbol, esi, out, T_MAX);
      for (unsigned i = 0; i < T_MAX; i++)
        sum = (uint8_t)(sum * 5 + out[i]);
    }
  return GUINT_TO_POINTER(sum);
}

static void
test_threads(void)
{
  GThread *threads[4];
  for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("raptorq", thread, NULL);
  const gpointer expected = g_thread_join(threads[0]);
  for (unsigned i = 1; i < G_N_ELEMENTS(threads); i++)
    g_assert_true(g_thread_join(threads[i]) == expected);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/raptorq/threads", test_threads); /* first: the caches are empty */
  g_test_add_func("/raptorq/vectors", test_vectors);
  g_test_add_func("/raptorq/textbook", test_textbook);
  g_test_add_func("/raptorq/encode", test_encode);
  g_test_add_func("/raptorq/limits", test_limits);
  g_test_add_func("/raptorq/largest", test_largest);
  g_test_add_func("/raptorq/orders", test_orders);
  g_test_add_func("/raptorq/all-repair", test_all_repair);
  g_test_add_func("/raptorq/mds", test_mds);
  g_test_add_func("/raptorq/failure-rates", test_failure_rates);
  g_test_add_func("/raptorq/patterns", test_patterns);
  return g_test_run();
}
