/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/fec-plan.h"

/* The best programs when each repair symbol is a packet behind its frame, one for one: what fec-search found.
 * Product senders let repair ride; this is for comparing codes at equal numbers of symbols. */

#define FEC_SEPARATE_DELAYS 3
#define FEC_SEPARATE_RATES 1
#define FEC_SEPARATE_LOSSES 10
#define FEC_SEPARATE_MEMORIES 14
#define FEC_SEPARATE_CELLS                                                                         \
  (FEC_SEPARATE_DELAYS * FEC_SEPARATE_RATES * FEC_SEPARATE_LOSSES * FEC_SEPARATE_MEMORIES)

extern const double fec_separate_losses[FEC_SEPARATE_LOSSES];
extern const double fec_separate_memories[FEC_SEPARATE_MEMORIES]; /* per packet */
extern const uint8_t fec_separate_delays[FEC_SEPARATE_DELAYS];    /* frames */
extern const uint8_t fec_separate_programs[][4];
extern const uint8_t fec_separate_program[FEC_SEPARATE_CELLS];
