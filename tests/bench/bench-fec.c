/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What repair costs, each step beside its limit in the same run, in turn: encoding and decoding a block
 * against ISA-L's product of the same matrix (which has the matrix for nothing), against ISA-L's AVX2 and
 * against our own portable kernel; then memory. Ratios are the result (ours / reference, medians of the
 * rounds); nanoseconds of a noisy machine are not.
 *
 *   bench-fec [--json] [--rounds N]   --json: a line per comparison; the table of memory goes to stderr then
 *   bench-fec --instructions          instructions of one call, counted by single-stepping */
#include "bench-util.h"
#include "allocations.h"
#include "instructions.h"
#include "wzp/gf256-private.h"
#include "wzp/raptorq.h"
#include <glib.h>
#include <isa-l/erasure_code.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K_MOST 20
#define T_MOST 256
#define ROUNDS_MAX 999
#define BATCH_NS 40000 /* a batch of calls takes about as long: far above the clock's own cost */

/* A block with n_repair repair symbols; for decoding, with as many of its source symbols lost. */
typedef struct {
  unsigned k, n_repair;
  size_t t;
  uint8_t source[K_MOST][T_MOST], repair[K_MOST][T_MOST], ours[K_MOST][T_MOST];
  const uint8_t *in[K_MOST];
  uint8_t *out[K_MOST];
  uint32_t esi[K_MOST];
  WzpGf256Factor factors[K_MOST * K_MOST];
  uint8_t tables[32 * K_MOST * K_MOST]; /* ISA-L's, of the repair symbols' rows */
  unsigned char *isal_in[K_MOST], *isal_out[K_MOST];
  unsigned lost[K_MOST];
  uint32_t received_esi[K_MOST]; /* what did not get lost, then the repair symbols */
  const uint8_t *received[K_MOST];
  WzpRaptorqDecoder *decoder;
} Block;

/* --- what is measured --- */

static void
nothing(void *block)
{
  (void)block;
}

static void
encode(void *data)
{
  Block *block = data;
  wzp_raptorq_encode(block->k, block->in, block->esi, block->out, block->n_repair, block->t);
}

static void
product(void *data)
{
  Block *block = data;
  wzp_gf256_product(block->k, block->in, block->factors, block->out, block->n_repair, block->t);
}

static void
isal(void *data)
{
  Block *block = data;
  ec_encode_data((int)block->t, (int)block->k, (int)block->n_repair, block->tables, block->isal_in,
                 block->isal_out);
}

#if defined(__x86_64__)
static void
isal_avx2(void *data)
{
  Block *block = data;
  ec_encode_data_avx2((int)block->t, (int)block->k, (int)block->n_repair, block->tables,
                      block->isal_in, block->isal_out);
}
#endif

/* Matrix and product; like ISA-L it reads the symbols where they lie. */
static void
decode(void *data)
{
  Block *block = data;
  bench_require(wzp_raptorq_decode(block->decoder, block->k, block->t, block->received_esi,
                                   block->received, block->k),
                "a block could not be decoded");
}

/* --- a block --- */

static void
prepare_factors(Block *block)
{
  uint8_t row[K_MOST];
  for (unsigned r = 0; r < block->n_repair; r++) {
    wzp_raptorq_row(block->k, block->esi[r], row);
    wzp_gf256_prepare(block->factors + (size_t)r * block->k, row, block->k);
  }
}

static void
receive(Block *block)
{
  unsigned next_lost = 0, n = 0;
  for (unsigned i = 0; i < block->k; i++) {
    if (next_lost < block->n_repair && block->lost[next_lost] == i) {
      next_lost++;
      continue;
    }
    block->received_esi[n] = i;
    block->received[n++] = block->source[i];
  }
  for (unsigned r = 0; r < block->n_repair; r++) {
    block->received_esi[n] = block->esi[r];
    block->received[n++] = block->repair[r];
  }
}

/* All agree on the bytes before any is timed. */
static void
set_up(Block *block, unsigned k, unsigned n_repair, size_t t)
{
  uint8_t rows[K_MOST * K_MOST];
  block->k = k;
  block->n_repair = n_repair;
  block->t = t;
  for (unsigned i = 0; i < k; i++) {
    for (size_t j = 0; j < t; j++)
      block->source[i][j] = (uint8_t)(37 * i + 11 * j + 5);
    block->in[i] = block->isal_in[i] = block->source[i];
  }
  for (unsigned r = 0; r < n_repair; r++) {
    block->esi[r] = k + r;
    block->lost[r] = r * k / n_repair;
    block->out[r] = block->ours[r];
    block->isal_out[r] = block->repair[r];
    wzp_raptorq_row(k, block->esi[r], rows + (size_t)r * k);
  }
  ec_init_tables((int)k, (int)n_repair, rows, block->tables);
  prepare_factors(block);
  isal(block);
  encode(block);
  for (unsigned r = 0; r < n_repair; r++)
    bench_require(memcmp(block->ours[r], block->repair[r], t) == 0, "ISA-L computed other bytes");
  receive(block);
  decode(block);
  for (unsigned i = 0; i < k; i++)
    bench_require(memcmp(wzp_raptorq_decoder_symbol(block->decoder, i), block->source[i], t) == 0,
                  "a block was decoded to other bytes");
}

/* --- rounds --- */

static double
time_batch(void (*run)(void *block), Block *block, unsigned calls)
{
  double start = bench_now_ns();
  for (unsigned i = 0; i < calls; i++)
    run(block);
  return (bench_now_ns() - start) / calls;
}

static int
compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
median(double *values, unsigned n)
{
  qsort(values, n, sizeof *values, compare);
  return values[n / 2];
}

typedef struct {
  bool json;
  unsigned rounds;
} Options;

/* A run with a kernel of its own. */
typedef struct {
  void (*run)(void *block);
  WzpGf256Kernel kernel;
} Way;

static double
time_way(const Way *way, Block *block, unsigned calls)
{
  if (wzp_gf256_kernel() != way->kernel) {
    wzp_gf256_use_kernel(way->kernel);
    prepare_factors(block);
    way->run(block); /* what the library prepares for a kernel, it prepares here */
  }
  return time_batch(way->run, block, calls);
}

static void
compare_ways(const Options *options, Block *block, const char *name, Way ours,
             const char *reference_name, Way reference)
{
  static double our_ns[ROUNDS_MAX], reference_ns[ROUNDS_MAX], ratios[ROUNDS_MAX];
  double once = time_way(&ours, block, 1000);
  unsigned calls = 1 + (unsigned)(BATCH_NS / once);
  for (unsigned i = 0; i < options->rounds; i++) {
    our_ns[i] = time_way(&ours, block, calls);
    reference_ns[i] = time_way(&reference, block, calls);
    ratios[i] = our_ns[i] / reference_ns[i];
  }
  char *full = g_strdup_printf("%s K=%u R=%u T=%zu %s", name, block->k, block->n_repair, block->t,
                               wzp_gf256_kernel_name(ours.kernel));
  printf(options->json ? "{\"name\":\"%s\",\"ours_ns\":%.1f,\"reference\":\"%s\","
                         "\"reference_ns\":%.1f,\"ratio\":%.2f}\n"
                       : "%-30s %8.1f ns   %-24s %8.1f ns   ratio %.2f\n",
         full, median(our_ns, options->rounds), reference_name,
         median(reference_ns, options->rounds), median(ratios, options->rounds));
  fflush(stdout);
  g_free(full);
}

static void
measure_block(const Options *options, Block *block)
{
  WzpGf256Kernel best = wzp_gf256_kernel();
  compare_ways(options, block, "encode", (Way){encode, best}, "ISA-L ec_encode_data",
               (Way){isal, best});
#if defined(__x86_64__)
  if (wzp_gf256_kernel_usable(WZP_GF256_AVX2))
    compare_ways(options, block, "encode", (Way){encode, WZP_GF256_AVX2},
                 "ISA-L ec_encode_data_avx2", (Way){isal_avx2, WZP_GF256_AVX2});
#endif
  compare_ways(options, block, "encode", (Way){encode, best}, "portable kernel",
               (Way){encode, WZP_GF256_PORTABLE});
  compare_ways(options, block, "decode", (Way){decode, best}, "ISA-L product alone",
               (Way){isal, best});
  compare_ways(options, block, "decode", (Way){decode, best}, "portable kernel",
               (Way){decode, WZP_GF256_PORTABLE});
  wzp_gf256_use_kernel(best);
  prepare_factors(block);
}

/* --- memory --- */

static void
print_size(FILE *out, const char *name, const char *unit, size_t value)
{
  fprintf(out, "%-52s %zu %s\n", name, value, unit);
}

/* Before anything else has used the library. */
static void
measure_memory(FILE *out, Block *block)
{
  static const unsigned ks[] = {5, 10, 20};
  Allocations before = allocations_now();
  uint8_t row[K_MOST];
  block->decoder = wzp_raptorq_decoder_new();
  print_size(out, "memory: a decoder", "bytes", allocations_now().bytes - before.bytes);
  for (unsigned i = 0; i < G_N_ELEMENTS(ks); i++) {
    char *name = g_strdup_printf("memory: rows of K=%u, at its first use", ks[i]);
    before = allocations_now();
    wzp_raptorq_row(ks[i], ks[i], row);
    set_up(block, ks[i], ks[i], 64);
    print_size(out, name, "bytes", allocations_now().bytes - before.bytes);
    g_free(name);
  }
  before = allocations_now();
  for (unsigned i = 0; i < 1000; i++) {
    encode(block);
    decode(block);
  }
  print_size(out, "allocations: 1000 blocks encoded and decoded", "calls",
             allocations_now().calls - before.calls);
}

/* --- instructions --- */

static void
print_instructions(const Block *block, const char *what, const char *by, void (*run)(void *block))
{
  unsigned long count = instructions_of(run, (void *)block) - instructions_of(nothing, NULL);
  printf("%-8s K=%-2u R=%-2u T=%-3zu %-24s %7lu instructions\n", what, block->k, block->n_repair,
         block->t, by, count);
  fflush(stdout);
}

static void
count_block(Block *block)
{
  WzpGf256Kernel best = wzp_gf256_kernel();
  for (WzpGf256Kernel i = 0; i < WZP_GF256_N_KERNELS; i++) {
    if (!wzp_gf256_kernel_usable(i))
      continue;
    const char *name = wzp_gf256_kernel_name(i);
    wzp_gf256_use_kernel(i);
    prepare_factors(block);
    print_instructions(block, "product", name, product);
    print_instructions(block, "encode", name, encode);
    print_instructions(block, "decode", name, decode);
  }
  wzp_gf256_use_kernel(best);
  prepare_factors(block);
  print_instructions(block, "product", "ISA-L ec_encode_data", isal);
#if defined(__x86_64__)
  if (wzp_gf256_kernel_usable(WZP_GF256_AVX2))
    print_instructions(block, "product", "ISA-L ec_encode_data_avx2", isal_avx2);
#endif
}

int
main(int argc, char **argv)
{
  static const struct {
    unsigned k, n_repair;
  } blocks[] = {{5, 1}, {5, 3}, {5, 5}, {10, 2}, {10, 5}, {10, 10}, {20, 4}, {20, 10}, {20, 20}};
  static const size_t sizes[] = {64, 256};
  static Block block;
  Options options = {.rounds = 21};
  bool instructions = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0)
      options.json = true;
    else if (strcmp(argv[i], "--instructions") == 0)
      instructions = true;
    else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
      options.rounds = (unsigned)strtoul(argv[++i], NULL, 10);
    else
      options.rounds = 0;
  }
  if (options.rounds < 1 || options.rounds > ROUNDS_MAX || (instructions && options.json)) {
    fprintf(stderr, "usage: bench-fec [--json] [--rounds N], N from 1 to %d, or --instructions\n",
            ROUNDS_MAX);
    return 2;
  }
  if (instructions)
    block.decoder = wzp_raptorq_decoder_new();
  else
    measure_memory(options.json ? stderr : stdout, &block);
  for (unsigned s = 0; s < G_N_ELEMENTS(sizes); s++)
    for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++) {
      if (instructions && (blocks[i].k > 10 || sizes[s] > 64))
        continue; /* a step costs microseconds */
      set_up(&block, blocks[i].k, blocks[i].n_repair, sizes[s]);
      if (instructions)
        count_block(&block);
      else
        measure_block(&options, &block);
    }
  wzp_raptorq_decoder_free(block.decoder);
  return 0;
}
