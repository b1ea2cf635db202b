/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "capture.h"
#include "wzp/packet.h"

/* What a stranger on the wire could see of a call: every datagram of a capture is held against
 * docs/PROTOCOL.md and against plaintexts that must not be there. */

/* Known plaintexts. What is looked for are their pieces of eight bytes: a hit by chance has probability
 * 2^-64 for each pair of piece and place. Pieces with fewer than four different byte values are left out
 * (runs of zeros are padding, and prove nothing). */
#define WIRE_PIECE 8
typedef struct WireSecrets WireSecrets;
WireSecrets *wire_secrets_new(void);
void wire_secrets_free(WireSecrets *secrets);
/* what names it in the report. Returns how many pieces it gave; 0: too short or too plain to look for. */
guint wire_secrets_add(WireSecrets *secrets, const char *what, const void *data, size_t length);

/* The sealed bytes are judged when there are this many. */
#define WIRE_RANDOM_BYTES_MIN 100000
#define WIRE_RANDOM_P 1e-6

typedef struct {
  WzpAddress from, to;
  guint64 datagrams, media;
  gint64 first, last; /* time of the first and last media datagram, us */
  guint64 bytes;      /* with IP and UDP headers, all kinds, from first up to but without last */
  double kbit_s;      /* of these; 0 without media */
} WireFlow;

typedef struct {
  guint64 datagrams;
  guint64 kinds[WZP_DATAGRAM_MEDIA + 1];
  guint64 media_packets, full_headers, mini_headers; /* packets in trunks too */
  guint pieces;                                      /* that were looked for */
  guint64 clear;                                     /* that were found */
  guint64 sealed_bytes;                              /* of different packets */
  gboolean judged;                                   /* enough of them */
  double chi_square, p;
  GArray *flows;         /* WireFlow */
  guint64 violations;    /* 0: all is well */
  GPtrArray *complaints; /* the first of them, as sentences */
} WireReport;

void wire_audit(WireReport *report, GPtrArray *datagrams, const WireSecrets *secrets);
void wire_report_clear(WireReport *report);

/* Probability that a chi-square sum of that many degrees of freedom is at least x. */
double chi_square_p(double x, double degrees);
