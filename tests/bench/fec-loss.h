/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/fec-plan.h"

/* What codes lose when all have the same: frames of 20 ms, one packet per frame and one repair symbol per frame, in
 * a packet of its own. Gilbert channel over the packets in the order of sending. The real code at work. */

#define FEC_LOSS_BLOCK 5

typedef struct {
  uint8_t *fates;          /* of 2 n packets; 1 is lost */
  unsigned n;              /* frames, a multiple of 15 */
  WzpChannelState channel; /* memory per packet */
  uint64_t seed;
} FecLossRun;

/* burst: mean, in packets; 0: independent */
void fec_loss_run_init(FecLossRun *run, double loss, double burst, unsigned n, uint64_t seed);
void fec_loss_run_clear(FecLossRun *run);

/* The numbers of lost frames. delay: in frames; repaired later is lost. */
unsigned fec_loss_nothing(const FecLossRun *run);
/* Sliding windows: wzp/elimination with rows of wzp/raptorq, every solved symbol compared with the sent one. The
 * program is the best for the channel as it is, or as wzp/channel makes it out from wzp/report's reports, which come
 * 100 ms late and are lost like all else. */
unsigned fec_loss_sliding(const FecLossRun *run, unsigned delay);
unsigned fec_loss_sliding_estimated(const FecLossRun *run, unsigned delay);
/* fec_loss_sliding() by counting alone (fec-rank.h). */
unsigned fec_loss_counted(const FecLossRun *run, unsigned delay);
/* Each frame again, `delay` frames later. */
unsigned fec_loss_copies(const FecLossRun *run, unsigned delay);
/* Blocks of 5 frames and 5 repairs sent behind them, depth of them interleaved (delay 5 depth - 1): wzp/raptorq. */
unsigned fec_loss_blocks(const FecLossRun *run, unsigned depth);
/* No code loses less (fec-rank.h). */
unsigned fec_loss_floor(const FecLossRun *run, unsigned delay);

/* How many times fewer are lost by the one than by the other: geometric mean over cells with enough losses. */
#define FEC_LOSS_ENOUGH 100
typedef struct {
  double sum; /* of logarithms */
  unsigned n;
} FecLossGain;
void fec_loss_gain_add(FecLossGain *gain, unsigned theirs, unsigned ours);
double fec_loss_gain(const FecLossGain *gain); /* 1 without cells */
