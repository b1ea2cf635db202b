/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "packet.h"
#include "time.h"

/* What a receiver tells the sender of a stream: counters since the stream began, modulo 2^16, so that any two
 * reports give the figures between them and a lost report costs nothing (PROTOCOL.md 9). */

#define WZP_REPORT_SIZE 20
#define WZP_REPORT_LEAST 18                           /* without what came later: stepped */
#define WZP_REPORT_ELEMENT_SIZE (2 + WZP_REPORT_SIZE) /* with type and length */
#define WZP_REPORT_HELD_UNIT (4 * WZP_MSEC)
#define WZP_REPORTS_MAX 32 /* in a packet, each about another stream; more are not looked at */

typedef struct {
  uint8_t slot;        /* whose stream it is about */
  uint16_t judged;     /* low bits of 1 + the highest packet index that was judged: come or lost */
  uint16_t received;   /* packets among the judged ones that came */
  uint16_t runs;       /* runs of lost packets among them: mean burst = lost / runs */
  uint16_t unrepaired; /* frames that stayed lost after repair, within the horizon */
  uint8_t
      playout; /* how long after a packet's usual arrival a repaired frame is still played; 10 ms; 0: unknown */
  uint8_t jitter;    /* ms: how much the delay differs from packet to packet, in the mean */
  uint16_t repaired; /* frames that repair brought back */
  uint16_t heard; /* low bits of the media time, in ms, of the packet with audio that came last, */
  uint8_t
      held; /* and how long before this report: WZP_REPORT_HELD_UNIT; 255: longer, or none came */
  uint16_t
      transit; /* low bits of the least delay (ms) of late: arrival by the receiver's clock less media time */
  uint16_t
      stepped; /* by how much that grew at one instant, each time: another way, and no queue (transit.h); ms */
  /* Not on the wire, but for our own sender: the way to us became slow all at once, and of what is sent so much comes out,
   * 0..1; 0: it did not. */
  double passes;
} WzpReport;

/* The body of a WZP_ELEMENT_REPORT. A longer body is read, its tail ignored: later versions append. */
void wzp_report_write(WzpWriter *writer, const WzpReport *report);
/* The report waited for so long before it was sent. */
void wzp_report_age(WzpReport *report, WzpTime waited);
/* The same as an element of a bundle; see wzp_bundle_write(). */
void wzp_report_write_element(WzpWriter *writer, const WzpReport *report, bool last);
WzpResult wzp_report_parse(WzpReport *report, const uint8_t *body, size_t length);

/* The receiver's side: watches the packet numbers of one stream. A packet counts as lost once it is missing
 * behind newer ones for longer than reordering explains. */
typedef struct WzpReception WzpReception;
WzpReception *wzp_reception_new(void);
void wzp_reception_free(WzpReception *reception);
/* A packet opened. index: of the stream, 64 bits. */
void wzp_reception_packet(WzpReception *reception, WzpTime now, uint64_t index);
/* The same packet, if it has audio that was sent as soon as it was spoken; see wzp_transit_packet(). */
void wzp_reception_media(WzpReception *reception, WzpTime now, uint64_t media_ms,
                         unsigned duration_ms);
void wzp_reception_unrepaired(WzpReception *reception, unsigned frames);
void wzp_reception_repaired(WzpReception *reception, unsigned frames);
/* The report to send now, if one is due: each 200 ms while losses come, or their rate or the delay changes, each 100 ms
 * where the way became slow all at once, else each 1000 ms. False: not yet, or nothing heard since the last one but one. */
bool wzp_reception_report(WzpReception *reception, WzpTime now, WzpReport *report);
/* The counters in full, for stats. */
typedef struct {
  uint64_t judged, received, lost, runs, unrepaired, repaired;
} WzpReceptionStats;
void wzp_reception_get_stats(const WzpReception *reception, WzpReceptionStats *stats);
