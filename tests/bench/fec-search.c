/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Searches the programs of repair that wzp/fec-plan.c chooses from, and prints them as C:
 *   fec-search > wzp/fec-plan-table.c                    repair that rides (5 minutes of a core)
 *   fec-search --separate > tests/bench/fec-separate.c   one packet per symbol, 100 % (15 minutes)
 * The same fates judge all candidates of a cell; half of them fall out at each of the rounds, which grow longer. */
#include "fec-rank.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <glib.h>

#define CANDIDATES_MAX 512

static const double losses[] = {0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70};
static const double riding_memories[] = {0, 0.25, 0.5, 0.7, 0.85, 0.93};
static const double separate_memories[] = {0,    0.15,  0.29, 0.375, 0.46,  0.55, 0.645,
                                           0.69, 0.735, 0.78, 0.825, 0.845, 0.87, 0.92};
static const unsigned riding_delays[] = {1, 2, 3, 4, 5, 6, 7, 9, 12, 18};
static const double riding_rates[] = {0.2, 0.4, 0.7, 1, 1.5, 2, 3, 4.5};
static const unsigned separate_delays[] = {4, 5, 10};
static const double separate_rates[] = {1};

#define N_LOSSES G_N_ELEMENTS(losses)

typedef struct {
  WzpFecProgram programs[2];
  unsigned n_programs;
  double score, lost;
} Candidate;

typedef struct {
  bool separate;
  const unsigned *delays;
  const double *rates, *memories;
  unsigned n_delays, n_rates, n_memories;
  double losses_seen; /* by all that stay in a round: else it is made longer */
  double caution;     /* what a loss in a worse channel counts */
  unsigned effort;    /* 2: twice as many frames and candidates */
  unsigned frames;    /* at most, for a candidate */
  Candidate *best;    /* [delay][rate][loss][memory] */
} Search;

/* The channel of the cell, and a worse one: what is chosen must not break when the estimate is a little off. */
static uint8_t *fates, *worse_fates;

static Candidate *
cell(const Search *search, size_t delay, size_t rate, size_t loss, size_t memory)
{
  return &search->best[((delay * search->n_rates + rate) * N_LOSSES + loss) * search->n_memories +
                       memory];
}

static void
judge(const Search *search, Candidate *candidate, unsigned delay, double rate, unsigned n)
{
  FecRankScheme scheme = {candidate->programs, candidate->n_programs, (unsigned)(rate * 256),
                          delay};
  unsigned lost = search->separate ? fec_rank_lost_separate(&scheme, fates, n)
                                   : fec_rank_lost(&scheme, fates, n);
  unsigned worse = search->separate ? fec_rank_lost_separate(&scheme, worse_fates, n / 4)
                                    : fec_rank_lost(&scheme, worse_fates, n / 4);
  candidate->lost = (double)lost / n;
  candidate->score = (lost + search->caution * worse) / n;
  if (candidate->n_programs == 2) /* the simpler one, unless this is clearly better */
    candidate->score *= 1.03;
}

static int
by_score(const void *a, const void *b)
{
  const Candidate *x = a, *y = b;
  return (x->score > y->score) - (x->score < y->score);
}

static void
append(Candidate *candidates, unsigned *n, const Candidate *one)
{
  for (unsigned i = 0; i < *n; i++) {
    if (candidates[i].n_programs == one->n_programs &&
        memcmp(candidates[i].programs, one->programs, sizeof one->programs) == 0)
      return;
  }
  if (*n < CANDIDATES_MAX)
    candidates[(*n)++] = *one;
}

static unsigned
singles(Candidate *candidates, unsigned delay, bool separate)
{
  /* packets that can still help: riding repair misses its own */
  unsigned reach = separate ? delay + 1 : delay;
  unsigned n = 0;
  for (unsigned offset = 0; offset < reach; offset++) {
    if (offset > 4 && offset + 5 < reach && offset % 3 != 0)
      continue;
    for (unsigned window = 1; window <= 2 * reach && window <= 40; window++) {
      bool fits = offset + window <= reach;
      bool fine = window <= 6 || offset + window == reach || window == reach;
      if (fits ? fine || window % 3 == 0
               : offset <= 1 && (window == reach + 1 || window == reach + 2 || window == 2 * reach))
        append(candidates, &n, &(Candidate){.programs = {{offset, window}}, .n_programs = 1});
    }
  }
  return n;
}

/* The best ones, after as many frames as are needed to see losses in most of them. */
static unsigned
halve(const Search *search, Candidate *candidates, unsigned n, unsigned kept, unsigned delay,
      double rate, unsigned frames)
{
  unsigned most = search->frames;
  frames *= search->effort;
  kept = MIN(kept, n);
  for (;;) {
    for (unsigned i = 0; i < n; i++)
      judge(search, &candidates[i], delay, rate, frames);
    qsort(candidates, n, sizeof *candidates, by_score);
    if (candidates[kept - 1].lost * frames >= search->losses_seen || frames == most)
      return kept;
    frames = MIN(frames * 4, most);
  }
}

static Candidate
search_cell(const Search *search, unsigned delay, double rate, const Candidate *neighbour)
{
  static Candidate candidates[CANDIDATES_MAX];
  unsigned n = singles(candidates, delay, search->separate);
  n = halve(search, candidates, n, 10 * search->effort, delay, rate, 8000);
  unsigned n_singles = n;
  for (unsigned i = 0; i < n_singles; i++) {
    for (unsigned j = i + 1; j < n_singles; j++)
      append(candidates, &n,
             &(Candidate){.programs = {candidates[i].programs[0], candidates[j].programs[0]},
                          .n_programs = 2});
    /* a far narrow one beside a wide one: for bursts */
    unsigned reach = search->separate ? delay + 1 : delay;
    append(candidates, &n,
           &(Candidate){.programs = {candidates[i].programs[0], {(uint8_t)(reach - 1), 1}},
                        .n_programs = 2});
  }
  if (neighbour != NULL)
    append(candidates, &n, neighbour);
  n = halve(search, candidates, n, 16 * search->effort, delay, rate, 12000);
  n = halve(search, candidates, n, 6 * search->effort, delay, rate, 40000);
  n = halve(search, candidates, n, 2 * search->effort, delay, rate, 120000);
  halve(search, candidates, n, 1, delay, rate, 400000);
  return candidates[0];
}

static void
run(Search *search)
{
  search->best =
      g_new0(Candidate, search->n_delays * search->n_rates * N_LOSSES * search->n_memories);
  size_t size = (size_t)search->frames * (search->separate ? 2 : 1);
  fates = g_malloc(size);
  worse_fates = g_malloc(size);
  for (size_t loss = 0; loss < N_LOSSES; loss++) {
    for (size_t memory = 0; memory < search->n_memories; memory++) {
      WzpChannelState state = {losses[loss], search->memories[memory]};
      fec_fates(fates, (unsigned)size, &state, 1);
      state = (WzpChannelState){MIN(losses[loss] * 1.3, 0.9), search->memories[memory] * 0.8 + 0.2};
      fec_fates(worse_fates, (unsigned)size, &state, 2);
      for (size_t delay = 0; delay < search->n_delays; delay++) {
        const Candidate *before = NULL;
        for (size_t rate = 0; rate < search->n_rates; rate++) {
          Candidate *best = cell(search, delay, rate, loss, memory);
          /* nothing left to search for */
          if (before != NULL && before->lost < 4e-6)
            *best = *before;
          else
            *best = search_cell(search, search->delays[delay], search->rates[rate], before);
          before = best;
        }
      }
      fprintf(stderr, "loss %g memory %g\n", losses[loss], search->memories[memory]);
    }
  }
}

/* The programs in use, each once; the number of them. */
static unsigned
index_programs(const Search *search, Candidate *programs, unsigned *index)
{
  unsigned n = 0, cells = search->n_delays * search->n_rates * N_LOSSES * search->n_memories;
  for (unsigned c = 0; c < cells; c++) {
    const Candidate *best = &search->best[c];
    unsigned i = 0;
    while (i < n && memcmp(programs[i].programs, best->programs, sizeof best->programs) != 0)
      i++;
    if (i == n)
      programs[n++] = *best;
    index[c] = i;
  }
  return n;
}

static void
print_axis(const char *prefix, const char *sizes, const char *name, const char *size,
           const double *values, unsigned n)
{
  printf("const double %s_%s[%s_%s] = {", prefix, name, sizes, size);
  for (unsigned i = 0; i < n; i++)
    printf("%s%g", i > 0 ? ", " : "", values[i]);
  printf("};\n");
}

static void
print_cells(const Search *search, const char *type, const char *name, const unsigned *values)
{
  const char *prefix = search->separate ? "FEC_SEPARATE" : "WZP_FEC_TABLE";
  printf("\nconst %s %s[%s_CELLS] = {\n", type, name, prefix);
  for (unsigned delay = 0; delay < search->n_delays; delay++) {
    for (unsigned rate = 0; rate < search->n_rates; rate++) {
      printf("/* %u packets, rate %g */\n", search->delays[delay], search->rates[rate]);
      for (unsigned i = 0; i < N_LOSSES * search->n_memories; i++)
        printf("%u,%s", *values++, i % 30 == 29 ? "\n" : "");
    }
  }
  printf("};\n");
}

static void
print(const Search *search)
{
  unsigned cells = search->n_delays * search->n_rates * N_LOSSES * search->n_memories;
  Candidate *programs = g_new0(Candidate, cells);
  unsigned *index = g_new0(unsigned, cells);
  unsigned n = index_programs(search, programs, index);
  fprintf(stderr, "%u programs\n", n);
  const char *prefix = search->separate ? "fec_separate" : "wzp_fec_table";
  const char *type = search->separate ? "uint8_t" : "uint16_t";
  printf("/* SPDX-License-Identifier: MIT OR Apache-2.0 */\n"
         "/* Made by: build/tests/bench/fec-search%s\n"
         " * Do not edit; see there. */\n"
         "/* clang-format off */\n#include \"%s\"\n\n",
         search->separate ? " --separate > tests/bench/fec-separate.c" : " > wzp/fec-plan-table.c",
         search->separate ? "fec-separate.h" : "fec-plan-private.h");
  const char *sizes = search->separate ? "FEC_SEPARATE" : "WZP_FEC_TABLE";
  print_axis(prefix, sizes, "losses", "LOSSES", losses, N_LOSSES);
  print_axis(prefix, sizes, "memories", "MEMORIES", search->memories, search->n_memories);
  if (!search->separate)
    print_axis(prefix, sizes, "rates", "RATES", search->rates, search->n_rates);
  printf("const uint8_t %s_delays[%s_DELAYS] = {", prefix, sizes);
  for (unsigned i = 0; i < search->n_delays; i++)
    printf("%s%u", i > 0 ? ", " : "", search->delays[i]);
  printf("};\n");
  printf("\nconst uint8_t %s_programs[][4] = {", prefix);
  for (unsigned i = 0; i < n; i++) {
    const WzpFecProgram *p = programs[i].programs;
    printf("%s{%u, %u, %u, %u},", i % 6 == 0 ? "\n    " : " ", p[0].offset, p[0].window,
           p[1].offset, p[1].window);
  }
  printf("\n};\n");
  char *name = g_strconcat(prefix, "_program", NULL);
  print_cells(search, type, name, index);
  g_free(name);
  for (unsigned c = 0; c < cells; c++) {
    double lost = MAX(search->best[c].lost, 1.0 / search->frames);
    index[c] = (unsigned)(-log2(lost) * 8);
  }
  if (!search->separate)
    print_cells(search, "uint8_t", "wzp_fec_table_lost", index);
  g_free(programs);
  g_free(index);
}

int
main(int argc, char **argv)
{
  Search search = {.caution = 0.08,
                   .effort = 1,
                   .frames = 400000,
                   .memories = riding_memories,
                   .n_memories = G_N_ELEMENTS(riding_memories),
                   .delays = riding_delays,
                   .rates = riding_rates,
                   .n_delays = G_N_ELEMENTS(riding_delays),
                   .n_rates = G_N_ELEMENTS(riding_rates)};
  if (argc == 2 && strcmp(argv[1], "--separate") == 0) {
    search = (Search){.separate = true,
                      .caution = 0.001,
                      .losses_seen = 150,
                      .effort = 2,
                      .frames = 8000000,
                      .memories = separate_memories,
                      .n_memories = G_N_ELEMENTS(separate_memories),
                      .delays = separate_delays,
                      .rates = separate_rates,
                      .n_delays = G_N_ELEMENTS(separate_delays),
                      .n_rates = G_N_ELEMENTS(separate_rates)};
  } else if (argc != 1) {
    fprintf(stderr, "usage: fec-search [--separate] > FILE.c\n");
    return 2;
  }
  run(&search);
  print(&search);
  g_free(search.best);
  g_free(fates);
  g_free(worse_fates);
  return 0;
}
