/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "fec-plan.h"

/* One part in so many of a budget is left for what the session says beside media: handshake, pings. */
#define WZP_FEC_SESSION_SHARE 150

/* What media may have of the budget, bit/s. */
static inline unsigned
wzp_fec_media_budget(const WzpFecLimits *limits)
{
  return limits->budget - limits->budget / WZP_FEC_SESSION_SHARE;
}

/* Packets of one size: in a bundle all lengths take most, a report takes the place of repair (else there would be padding in
 * its place most of the time), and some padding is always there, with its type. */
#define WZP_FEC_CONSTANT_ELEMENT 3                             /* type and length before a body */
#define WZP_FEC_CONSTANT_REPAIR (WZP_FEC_CONSTANT_ELEMENT + 3) /* and the head of coded repair */
#define WZP_FEC_CONSTANT_REPORT (WZP_FEC_CONSTANT_ELEMENT + WZP_REPORT_SIZE)
#define WZP_FEC_CONSTANT_PADDING 1
#define WZP_FEC_CONSTANT_HEADERS 1 /* what full headers, which are rare, cost a packet */

/* The best programs by channel, delay and rate, as a search found them (tests/bench/fec-search.c), in units of
 * packets: offset and window count packets, the rate is repair symbols per frame, memory is per packet. */

#define WZP_FEC_TABLE_LOSSES 10
#define WZP_FEC_TABLE_MEMORIES 6
#define WZP_FEC_TABLE_DELAYS 10
#define WZP_FEC_TABLE_RATES 8

extern const double wzp_fec_table_losses[WZP_FEC_TABLE_LOSSES];
extern const double wzp_fec_table_memories[WZP_FEC_TABLE_MEMORIES];
extern const uint8_t wzp_fec_table_delays[WZP_FEC_TABLE_DELAYS];
extern const double wzp_fec_table_rates[WZP_FEC_TABLE_RATES];

/* offset and window of two programs that take turns; the second window 0: one program */
extern const uint8_t wzp_fec_table_programs[][4];
/* By delay, rate, loss and memory, in this order: an index into the programs, and what is still lost:
 * 2^(-value / 8). */
#define WZP_FEC_TABLE_CELLS                                                                        \
  (WZP_FEC_TABLE_DELAYS * WZP_FEC_TABLE_RATES * WZP_FEC_TABLE_LOSSES * WZP_FEC_TABLE_MEMORIES)
extern const uint16_t wzp_fec_table_program[WZP_FEC_TABLE_CELLS];
extern const uint8_t wzp_fec_table_lost[WZP_FEC_TABLE_CELLS];

/* A channel as packets of one size see it, and what repair may do there. */
typedef struct {
  double loss, memory; /* memory: per packet */
  unsigned delay;      /* packets */
  double rate;         /* symbols per frame */
} WzpFecPlace;

/* Frames lost after repair with the best program. */
double wzp_fec_table_expect(const WzpFecPlace *place);
/* The program of the nearest place; in packets. Returns the number of programs: 1 or 2, 0 when the delay is 0. */
unsigned wzp_fec_table_choose(const WzpFecPlace *place, WzpFecProgram programs[2]);
