/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/fec-plan.h"

/* What repair can do, by counting alone: which lost frames do the received equations determine, if no two
 * coefficients ever conspire (the code itself fails in about 0.5 % of the cases where counts just suffice)?
 * A hundred times faster than solving, for searches and bounds. One packet holds one frame. */

/* A two-state channel, packet by packet: n fates, 1 is lost. memory: per packet. */
void fec_fates(uint8_t *fates, unsigned n, const WzpChannelState *channel, uint64_t seed);

typedef struct {
  const WzpFecProgram *programs;
  unsigned n_programs;
  unsigned symbols_256; /* per packet */
  unsigned delay;       /* in packets: later is lost */
} FecRankScheme;

/* Repair rides in the packets: the number of lost frames among the n. */
unsigned fec_rank_lost(const FecRankScheme *scheme, const uint8_t *fates, unsigned n);
/* Each symbol is a packet behind its frame's packet: fates hold 1 + symbols_256 / 256 per frame (a whole number),
 * offset 0 is the frame just sent. */
unsigned fec_rank_lost_separate(const FecRankScheme *scheme, const uint8_t *fates,
                                unsigned n_frames);
/* The clairvoyant floor: as many frames saved as symbols that come within `delay` after them can save, each one:
 * no code with symbols of a frame's size can do better. */
unsigned fec_rank_floor(unsigned delay, unsigned symbols, bool separate, const uint8_t *fates,
                        unsigned n_frames);
