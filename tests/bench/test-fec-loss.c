/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A short look at what bench-fec-loss measures at length. */
#include "fec-loss.h"
#include "fec-rank.h"
#include <glib.h>

#define FRAMES 45000

static const double losses[] = {0.05, 0.1, 0.2, 0.3};
static const double bursts[] = {0, 2, 4, 8};

typedef struct {
  unsigned delay;
  double gain; /* at least, over blocks of 5 + 5; a third below what two million frames show */
} Case;
static const Case cases[] = {{4, 1.3}, {5, 1.6}, {10, 2.5}};

static void
test_gain(gconstpointer data)
{
  const Case *here = data;
  FecLossGain known = {0}, estimated = {0};
  for (unsigned cell = 0; cell < 16; cell++) {
    FecLossRun run;
    fec_loss_run_init(&run, losses[cell % 4], bursts[cell / 4], FRAMES, cell);
    unsigned blocks = fec_loss_blocks(&run, 1), ours = fec_loss_sliding(&run, here->delay);
    unsigned from_reports = fec_loss_sliding_estimated(&run, here->delay);
    unsigned floor = fec_loss_floor(&run, here->delay), nothing = fec_loss_nothing(&run);
    g_assert_cmpuint(floor, <=, ours);
    g_assert_cmpuint(floor, <=, from_reports);
    g_assert_cmpuint(floor, <=, fec_loss_copies(&run, here->delay));
    g_assert_cmpuint(ours, <, nothing);
    g_assert_cmpuint(from_reports, <, nothing);
    g_assert_cmpuint(fec_loss_blocks(&run, 3), <, nothing);
    if (ours >= FEC_LOSS_ENOUGH && from_reports >= FEC_LOSS_ENOUGH) {
      fec_loss_gain_add(&known, blocks, ours);
      fec_loss_gain_add(&estimated, blocks, from_reports);
    }
    fec_loss_run_clear(&run);
  }
  g_test_message("%u ms: %.2f, with estimates %.2f, %u cells", here->delay * 20,
                 fec_loss_gain(&known), fec_loss_gain(&estimated), known.n);
  g_assert_cmpuint(known.n, >=, 8);
  g_assert_cmpfloat(fec_loss_gain(&known), >=, here->gain);
  g_assert_cmpfloat(fec_loss_gain(&estimated), >=, 0.8 * fec_loss_gain(&known));
}

/* Blocks lose what probability says they do. */
static void
test_blocks(void)
{
  FecLossRun run;
  fec_loss_run_init(&run, 0.3, 0, 300000, 7);
  double lost = (double)fec_loss_blocks(&run, 1) / run.n;
  double interleaved = (double)fec_loss_blocks(&run, 3) / run.n;
  g_assert_cmpfloat_with_epsilon(lost, 0.0294, 0.0015);
  g_assert_cmpfloat_with_epsilon(interleaved, 0.0294, 0.0015);
  fec_loss_run_clear(&run);
}

/* Counting agrees with solving, but for the few coefficients that conspire. */
static void
test_counting(void)
{
  for (unsigned cell = 0; cell < 16; cell++) {
    FecLossRun run;
    fec_loss_run_init(&run, losses[cell % 4], bursts[cell / 4], FRAMES, cell + 100);
    const WzpFecProgram again = {10, 1};
    FecRankScheme scheme = {&again, 1, 256, 10};
    g_assert_cmpuint(fec_rank_lost_separate(&scheme, run.fates, run.n), ==,
                     fec_loss_copies(&run, 10));
    unsigned counted = fec_loss_counted(&run, 5), solved = fec_loss_sliding(&run, 5);
    g_assert_cmpfloat(solved, <=, counted * 1.1 + 20);
    g_assert_cmpfloat(solved, >=, counted * 0.95 - 5);
    fec_loss_run_clear(&run);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    char *path = g_strdup_printf("/fec-loss/gain-%u-ms", cases[n].delay * 20);
    g_test_add_data_func(path, &cases[n], test_gain);
    g_free(path);
  }
  g_test_add_func("/fec-loss/blocks", test_blocks);
  g_test_add_func("/fec-loss/counting", test_counting);
  return g_test_run();
}
