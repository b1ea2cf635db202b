/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "time.h"
#include <stdbool.h>

/* How long a stream's packets are on their way, as their receiver sees it: the clocks of the two sides differ by
 * nobody knows what, so only changes mean something. The sender judges them (delivery.h). */

#define WZP_TRANSIT_PACKETS 4

#define WZP_TRANSIT_REMEMBERED (2 * WZP_TRANSIT_PACKETS)

/* Zeroed: nothing came. */
typedef struct {
  int64_t latest[WZP_TRANSIT_REMEMBERED]; /* ms: arrival less the end of the packet's media time */
  unsigned n;                             /* packets so far */
  unsigned few;   /* of them say how long it takes now: those of the last 80 ms, at least two */
  int64_t least;  /* ms, until the first report */
  double jitter;  /* ms: mean difference between one packet and the next (RFC 3550, 6.4.1), */
  double trend;   /* less the mean of the signed ones */
  uint64_t heard; /* media time, in ms, of the packet that came last, */
  WzpTime heard_at;
  /* Packets one behind the other of which each took longer than the one before by more than its own length. */
  unsigned late_run;
  double late_grew, late_media; /* ms, by all of them; which they last */
  double late_least;            /* what one grew at least, of its length */
  double calm_jitter;           /* ms, before the first of them */
  /* A packet took longer by much, all at once: so do those behind it, but no longer than it; or they do not. */
  unsigned step_at;               /* which packet; 0: none, or that is known */
  double step_jitter, step_trend; /* before it */
  uint64_t stepped;               /* ms, by all steps */
  bool told;                      /* there was a report, */
  double reported;                /* ms: and its transit */
} WzpTransit;

/* A packet with audio came; media_ms of its first frame, duration_ms of them all. Not one whose frames may have been
 * held back. */
void wzp_transit_packet(WzpTransit *transit, WzpTime now, uint64_t media_ms, unsigned duration_ms);
/* The least of the last packets, in ms: a single late one does not matter, and where the way became slow all at once the
 * last one counts. Before the first report: of all. */
int64_t wzp_transit_ms(const WzpTransit *transit);
/* A report says so; its transit is what later ones differ from. */
int64_t wzp_transit_tell(WzpTransit *transit);
/* Of what is sent so much comes out, 0..1, as the last packets tell by coming further and further apart; 0: they do not,
 * or chance may explain it. */
double wzp_transit_passes(const WzpTransit *transit);
/* By how much the way became longer, at one instant each time, since the stream began, in ms. A queue grows by what is sent
 * into it, packet for packet; another way is longer for all packets behind one, and then as long as it is. */
uint64_t wzp_transit_stepped(const WzpTransit *transit);
/* It is another than the last report said, by more than jitter explains. */
bool wzp_transit_moved(const WzpTransit *transit);
