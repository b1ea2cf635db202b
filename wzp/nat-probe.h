/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "nat.h"
#include "random.h"
#include "result.h"
#include "stun.h"
#include "time.h"

/* Asks a relay at two of its ports what one socket looks like from there, by STUN, and so learns what NAT is in between.
 * Sans-I/O. Each question goes out at once and 0.25, 0.75, 1.75 and 3.75 s later, until it is answered: a relay answers
 * few of them a second. */

#define WZP_NAT_PROBE_TARGETS 2

typedef struct {
  WzpAddress targets[WZP_NAT_PROBE_TARGETS];
  uint8_t transactions[WZP_NAT_PROBE_TARGETS][16];
  bool answered[WZP_NAT_PROBE_TARGETS];
  WzpAddress observed[WZP_NAT_PROBE_TARGETS];
  WzpTime next; /* WZP_NEVER: it asks nothing (more) */
  unsigned tries;
} WzpNatProbe;

void wzp_nat_probe_init(WzpNatProbe *probe);
/* Begins, or begins anew; what was known is forgotten. */
void wzp_nat_probe_start(WzpNatProbe *probe, WzpTime now, const WzpAddress *relay,
                         uint16_t second_port, const WzpRandom *random);
WzpTime wzp_nat_probe_next_timeout(const WzpNatProbe *probe);
/* Is it time to ask? Then each target is: n from 0; false: past the last. Targets that answered are asked no more. */
bool wzp_nat_probe_timeout(WzpNatProbe *probe, WzpTime now);
bool wzp_nat_probe_question(WzpNatProbe *probe, unsigned n, WzpAddress *to,
                            uint8_t out[WZP_STUN_REQUEST_MIN]);
/* WZP_UNKNOWN_SOURCE: of none that was asked; WZP_REPLAYED: once more; or as wzp_stun_response_parse(). */
WzpResult wzp_nat_probe_receive(WzpNatProbe *probe, const WzpAddress *from, const uint8_t *data,
                                size_t length);
/* own: the socket's address on this machine, as it speaks to the relay; family 0: unknown. */
WzpNat wzp_nat_probe_class(const WzpNatProbe *probe, const WzpAddress *own);
