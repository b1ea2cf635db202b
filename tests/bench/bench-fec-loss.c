/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is lost after repair at 100 % overhead, by code, channel and delay; and the gain over blocks of 5 + 5. */
#include "fec-loss.h"
#include <glib.h>
#include <stdio.h>

static const double losses[] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.7};
static const double bursts[] = {0, 2, 4, 8};
static const unsigned delays[] = {4, 5, 10};
#define N_LOSSES G_N_ELEMENTS(losses)
#define N_DELAYS G_N_ELEMENTS(delays)
#define GAIN_LOSS_MAX 0.3 /* gains count cells up to this */

static int frames = 200000, seed = 1;
static gboolean json;
static const GOptionEntry entries[] = {
    {"frames", 0, 0, G_OPTION_ARG_INT, &frames, "Frames per cell (200000)", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "The same seed, the same luck (1)", "N"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &json, "A JSON object a line", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL}};

static void
print_cell(const FecLossRun *run, double loss, double burst, int delay, const char *code,
           unsigned lost)
{
  double percent = 100.0 * lost / run->n;
  if (json)
    printf("{\"loss\":%g,\"burst\":%g,\"delay_ms\":%d,\"code\":\"%s\",\"lost\":%u,\"frames\":%u,"
           "\"lost_pct\":%.5f}\n",
           loss, burst, delay * 20, code, lost, run->n, percent);
  else if (delay >= 0)
    printf("%-5g %-5g %-7d %-22s %.4f\n", 100 * loss, burst, delay * 20, code, percent);
  else
    printf("%-5g %-5g %-7s %-22s %.4f\n", 100 * loss, burst, "-", code, percent);
}

static void
measure(double loss, double burst, FecLossGain known[N_DELAYS], FecLossGain estimated[N_DELAYS])
{
  FecLossRun run;
  fec_loss_run_init(&run, loss, burst, (unsigned)frames, (uint64_t)seed + 100);
  unsigned blocks = fec_loss_blocks(&run, 1);
  print_cell(&run, loss, burst, 0, "nothing", fec_loss_nothing(&run));
  print_cell(&run, loss, burst, 4, "blocks 5+5", blocks);
  print_cell(&run, loss, burst, 14, "blocks 5+5, 3 interleaved", fec_loss_blocks(&run, 3));
  for (size_t d = 0; d < N_DELAYS; d++) {
    unsigned ours = fec_loss_sliding(&run, delays[d]);
    unsigned from_reports = fec_loss_sliding_estimated(&run, delays[d]);
    print_cell(&run, loss, burst, (int)delays[d], "ours", ours);
    print_cell(&run, loss, burst, (int)delays[d], "ours, estimated", from_reports);
    print_cell(&run, loss, burst, (int)delays[d], "copies", fec_loss_copies(&run, delays[d]));
    print_cell(&run, loss, burst, (int)delays[d], "floor", fec_loss_floor(&run, delays[d]));
    if (loss <= GAIN_LOSS_MAX && MIN(MIN(blocks, ours), from_reports) >= FEC_LOSS_ENOUGH) {
      fec_loss_gain_add(&known[d], blocks, ours);
      fec_loss_gain_add(&estimated[d], blocks, from_reports);
    }
  }
  fec_loss_run_clear(&run);
}

int
main(int argc, char **argv)
{
  GError *error = NULL;
  GOptionContext *context = g_option_context_new("- what codes lose");
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || frames < 15 || frames > 100000000) {
    fprintf(stderr, "bench-fec-loss: %s\n",
            error != NULL ? error->message : "--frames is from 15 to 100000000");
    return 2;
  }
  g_option_context_free(context);
  FecLossGain known[N_DELAYS] = {0}, estimated[N_DELAYS] = {0};
  if (!json)
    printf("loss%% burst delay   code                   lost%%\n");
  for (size_t b = 0; b < G_N_ELEMENTS(bursts); b++) {
    for (size_t l = 0; l < N_LOSSES; l++) {
      if (bursts[b] == 0 ||
          losses[l] <= bursts[b] / (bursts[b] + 1)) /* else there is no such channel */
        measure(losses[l], bursts[b], known, estimated);
    }
  }
  for (size_t d = 0; d < N_DELAYS; d++) {
    double gain = fec_loss_gain(&known[d]);
    double with_estimates = fec_loss_gain(&estimated[d]);
    if (json)
      printf(
          "{\"delay_ms\":%u,\"gain\":%.3f,\"gain_estimated\":%.3f,\"share\":%.3f,\"cells\":%u}\n",
          delays[d] * 20, gain, with_estimates, with_estimates / gain, known[d].n);
    else
      printf("at %u ms %.2f times fewer than blocks 5+5 (%u cells); with estimates %.2f: %.0f %%\n",
             delays[d] * 20, gain, known[d].n, with_estimates, 100 * with_estimates / gain);
  }
  return 0;
}
