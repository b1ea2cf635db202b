/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-loss.h"
#include "fec-rank.h"
#include "fec-separate.h"
#include "wzp/elimination.h"
#include "wzp/raptorq.h"
#include <glib.h>
#include <math.h>
#include <string.h>

#define SYMBOL 4 /* bytes */
#define ESI_STEPS 16
#define PACKET_TIME (10 * WZP_MSEC)
#define REPORT_DELAY (100 * WZP_MSEC)

void
fec_loss_run_init(FecLossRun *run, double loss, double burst, unsigned n, uint64_t seed)
{
  *run = (FecLossRun){.fates = g_malloc(2 * n),
                      .n = n - n % (3 * FEC_LOSS_BLOCK),
                      .channel = wzp_channel_of_burst(loss, burst),
                      .seed = seed};
  fec_fates(run->fates, 2 * n, &run->channel, seed);
}

void
fec_loss_run_clear(FecLossRun *run)
{
  g_free(run->fates);
}

/* The bytes of a frame: any that differ will do. */
static void
frame_symbol(uint64_t frame, uint8_t symbol[SYMBOL])
{
  uint32_t value = (uint32_t)((frame + 1) * 0x9e3779b97f4a7c15u >> 32);
  memcpy(symbol, &value, SYMBOL);
}

static unsigned
nearest(const double *axis, unsigned n, double value)
{
  unsigned best = 0;
  for (unsigned i = 1; i < n; i++) {
    if (fabs(axis[i] - value) < fabs(axis[best] - value))
      best = i;
  }
  return best;
}

static const uint8_t *
choose(const WzpChannelState *per_packet, unsigned delay)
{
  unsigned row = 0;
  while (row + 1 < FEC_SEPARATE_DELAYS && fec_separate_delays[row + 1] <= delay)
    row++;
  unsigned loss = nearest(fec_separate_losses, FEC_SEPARATE_LOSSES, per_packet->loss);
  unsigned memory = nearest(fec_separate_memories, FEC_SEPARATE_MEMORIES, per_packet->memory);
  unsigned here = (row * FEC_SEPARATE_LOSSES + loss) * FEC_SEPARATE_MEMORIES + memory;
  return fec_separate_programs[fec_separate_program[here]];
}

/* The receiver of a sliding code, and its sender as far as it matters. */
typedef struct {
  WzpElimination *elimination;
  unsigned delay, turn;
  const uint8_t *program;
} Sliding;

static void
receive_repair(Sliding *sliding, uint64_t now)
{
  const uint8_t *program = sliding->program;
  unsigned which = program[3] != 0 ? sliding->turn % 2 : 0;
  unsigned offset = program[2 * which], window = program[2 * which + 1];
  if (now + 1 < offset + window)
    return;
  uint64_t first = now + 1 - offset - window;
  uint8_t row[WZP_RAPTORQ_K_MAX], sources[WZP_RAPTORQ_K_MAX][SYMBOL], symbol[SYMBOL];
  const uint8_t *source[WZP_RAPTORQ_K_MAX];
  uint32_t esi = window + (program[3] != 0 ? sliding->turn / 2 : sliding->turn) % ESI_STEPS;
  for (unsigned i = 0; i < window; i++) {
    frame_symbol(first + i, sources[i]);
    source[i] = sources[i];
  }
  wzp_raptorq_row(window, esi, row);
  wzp_raptorq_encode_one(window, source, esi, symbol, SYMBOL);
  wzp_elimination_add(sliding->elimination, first, window, row, symbol, SYMBOL);
  uint64_t column;
  const uint8_t *solved;
  while (wzp_elimination_next_solved(sliding->elimination, &column, &solved)) {
    frame_symbol(column, symbol);
    g_assert_cmpmem(solved, SYMBOL, symbol, SYMBOL);
  }
}

/* One frame time; true when the frame that is due now is lost. */
static bool
step(Sliding *sliding, const FecLossRun *run, uint64_t frame)
{
  const uint8_t *fate = run->fates + 2 * frame;
  if (!fate[0]) {
    uint8_t symbol[SYMBOL];
    frame_symbol(frame, symbol);
    wzp_elimination_know(sliding->elimination, frame, symbol, SYMBOL);
  }
  if (!fate[1])
    receive_repair(sliding, frame);
  sliding->turn++;
  return frame >= sliding->delay &&
         !wzp_elimination_is_known(sliding->elimination, frame - sliding->delay);
}

static unsigned
lost_with(const FecLossRun *run, unsigned delay, const uint8_t *program)
{
  Sliding sliding = {
      .elimination = wzp_elimination_new(SYMBOL), .delay = delay, .program = program};
  unsigned lost = 0;
  for (uint64_t frame = 0; frame < run->n; frame++)
    lost += step(&sliding, run, frame);
  wzp_elimination_free(sliding.elimination);
  return lost;
}

unsigned
fec_loss_sliding(const FecLossRun *run, unsigned delay)
{
  return lost_with(run, delay, choose(&run->channel, delay));
}

unsigned
fec_loss_counted(const FecLossRun *run, unsigned delay)
{
  const uint8_t *program = choose(&run->channel, delay);
  const WzpFecProgram programs[2] = {{program[0], program[1]}, {program[2], program[3]}};
  FecRankScheme scheme = {programs, program[3] != 0 ? 2 : 1, 256, delay};
  return fec_rank_lost_separate(&scheme, run->fates, run->n);
}

unsigned
fec_loss_copies(const FecLossRun *run, unsigned delay)
{
  const uint8_t again[4] = {(uint8_t)delay, 1, 0, 0};
  return lost_with(run, delay, again);
}

unsigned
fec_loss_sliding_estimated(const FecLossRun *run, unsigned delay)
{
  Sliding sliding = {.elimination = wzp_elimination_new(SYMBOL), .delay = delay};
  WzpReception *reception = wzp_reception_new();
  WzpChannel *channel = wzp_channel_new();
  WzpReport report, said;
  WzpTime arrives = WZP_NEVER;
  unsigned lost = 0, n_reports = 0;
  /* reports meet a channel of their own */
  uint8_t report_fates[4096];
  fec_fates(report_fates, sizeof report_fates, &run->channel, run->seed + 1000);
  for (uint64_t frame = 0; frame < run->n; frame++) {
    WzpTime now = (WzpTime)frame * 2 * PACKET_TIME;
    if (now >= arrives) {
      wzp_channel_report(channel, now, &said, PACKET_TIME);
      arrives = WZP_NEVER;
    }
    if (sliding.program == NULL || frame % 10 == 0) {
      WzpChannelState state = wzp_channel_state(channel, now);
      state.memory = sqrt(state.memory); /* of 20 ms, that is two packets */
      sliding.program = choose(&state, delay);
    }
    for (unsigned packet = 0; packet < 2; packet++) {
      if (!run->fates[2 * frame + packet])
        wzp_reception_packet(reception, now + packet * PACKET_TIME, 2 * frame + packet);
    }
    lost += step(&sliding, run, frame);
    if (wzp_reception_report(reception, now + PACKET_TIME, &report) &&
        !report_fates[n_reports++ % sizeof report_fates]) {
      said = report;
      arrives = now + REPORT_DELAY;
    }
  }
  wzp_elimination_free(sliding.elimination);
  wzp_reception_free(reception);
  wzp_channel_free(channel);
  return lost;
}

unsigned
fec_loss_blocks(const FecLossRun *run, unsigned depth)
{
  enum { K = FEC_LOSS_BLOCK };
  WzpRaptorqDecoder *decoder = wzp_raptorq_decoder_new();
  unsigned lost = 0;
  for (uint64_t first = 0; first + K * depth <= run->n; first += K * depth) {
    const uint8_t *fates = run->fates + 2 * first; /* frames, then repairs; the blocks take turns */
    for (unsigned block = 0; block < depth; block++) {
      uint8_t sources[K][SYMBOL], symbol[SYMBOL];
      const uint8_t *source[K];
      bool came[K];
      unsigned missing = 0;
      wzp_raptorq_decoder_start(decoder, K, SYMBOL);
      for (unsigned i = 0; i < K; i++) {
        frame_symbol(first + i * depth + block, sources[i]);
        source[i] = sources[i];
        came[i] = !fates[i * depth + block];
        missing += !came[i];
        if (came[i])
          wzp_raptorq_decoder_add(decoder, i, sources[i]);
      }
      for (unsigned i = 0; missing > 0 && i < K; i++) {
        if (fates[(K + i) * depth + block])
          continue;
        wzp_raptorq_encode_one(K, source, K + i, symbol, SYMBOL);
        wzp_raptorq_decoder_add(decoder, K + i, symbol);
      }
      if (missing > 0)
        wzp_raptorq_decoder_solve(decoder);
      for (unsigned i = 0; missing > 0 && i < K; i++) {
        const uint8_t *known = wzp_raptorq_decoder_symbol(decoder, i);
        lost += known == NULL;
        if (known != NULL)
          g_assert_cmpmem(known, SYMBOL, sources[i], SYMBOL);
      }
    }
  }
  wzp_raptorq_decoder_free(decoder);
  return lost;
}

unsigned
fec_loss_nothing(const FecLossRun *run)
{
  unsigned lost = 0;
  for (unsigned frame = 0; frame < run->n; frame++)
    lost += run->fates[2 * frame];
  return lost;
}

unsigned
fec_loss_floor(const FecLossRun *run, unsigned delay)
{
  return fec_rank_floor(delay, 1, true, run->fates, run->n);
}

void
fec_loss_gain_add(FecLossGain *gain, unsigned theirs, unsigned ours)
{
  gain->sum += log((double)theirs / ours);
  gain->n++;
}

double
fec_loss_gain(const FecLossGain *gain)
{
  return exp(gain->sum / MAX(gain->n, 1));
}
