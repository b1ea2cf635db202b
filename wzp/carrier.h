/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "time.h"
#include <stdbool.h>

/* What carries the leg to the relay: UDP, or a TLS stream while UDP is dead (PROTOCOL.md 16). Decides when a stream is
 * opened, when UDP is probed, when the leg goes back to it; does nothing itself. The stream is opened when UDP was asked and
 * silent for as long as who asked says, or for 1 s while it never answered at all, beside what UDP still tries; the first
 * answer wins. On the stream UDP is probed with growing pauses;
 * one answer brings quick probes, and three the return (a missing one takes one away), but not before a hold, which grows with each
 * time that UDP died soon after a return; a UDP that only was too late at the start has none. A stream that was left stays open for 10 s more. */

#define WZP_CARRIER_SILENT (3 * WZP_SECOND)
#define WZP_CARRIER_SILENT_TALKING (1500 * WZP_MSEC) /* and a round trip: it is asked often then */
#define WZP_CARRIER_SILENT_NEW WZP_SECOND            /* it never answered */
#define WZP_CARRIER_LINGER (10 * WZP_SECOND)
#define WZP_CARRIER_HOLD (10 * WZP_SECOND)
#define WZP_CARRIER_HOLD_MAX (300 * WZP_SECOND)
#define WZP_CARRIER_SOON (60 * WZP_SECOND)     /* dead so soon after a return: a flap */
#define WZP_CARRIER_PROBE (2 * WZP_SECOND)     /* the first pause; it doubles */
#define WZP_CARRIER_PROBE_NEW (500 * WZP_MSEC) /* the same, of UDP that never answered */
#define WZP_CARRIER_PROBE_MAX (16 * WZP_SECOND)
#define WZP_CARRIER_PROBE_QUICK (300 * WZP_MSEC) /* behind an answer */
#define WZP_CARRIER_PROBE_WAIT WZP_SECOND        /* for one, between quick ones */
#define WZP_CARRIER_PROBES 3
#define WZP_CARRIER_RETRY (1 * WZP_SECOND) /* after a stream that failed; it doubles */
#define WZP_CARRIER_RETRY_MAX (30 * WZP_SECOND)

typedef struct {
  bool available;          /* there is a port to try; false: all this is UDP's */
  bool on_stream;          /* the leg is there */
  bool up;                 /* a stream is open */
  bool stuck;              /* the open one is to be replaced */
  bool lived;              /* UDP answered at some time */
  WzpTime dead_at;         /* UDP was asked; WZP_NEVER: it has answered since, or was not */
  WzpTime retry_at, retry; /* of the stream */
  WzpTime linger_until;    /* after a return */
  WzpTime returned, hold_until, hold;
  WzpTime probe_at, probe; /* the next one; the pause behind it */
  bool probe_open;         /* the last one is not answered yet */
  unsigned answered;
} WzpCarrier;

void wzp_carrier_init(WzpCarrier *carrier, bool available);

/* Something that has to be answered left by UDP, which is dead when nothing comes within patience; something good came by it. */
void wzp_carrier_asked(WzpCarrier *carrier, WzpTime now, WzpTime patience);
void wzp_carrier_heard(WzpCarrier *carrier);
/* A stream is open, or is not any more, or could not be opened. spread: the next one waits so much longer. */
void wzp_carrier_up(WzpCarrier *carrier);
void wzp_carrier_down(WzpCarrier *carrier, WzpTime now, WzpTime spread);
/* The leg is there now. */
void wzp_carrier_on_stream(WzpCarrier *carrier, WzpTime now);
void wzp_carrier_on_udp(WzpCarrier *carrier, WzpTime now);
/* Nothing comes from the stream, and it does not even break. */
void wzp_carrier_stuck(WzpCarrier *carrier);

/* There should be an open stream. */
bool wzp_carrier_wants_stream(const WzpCarrier *carrier, WzpTime now);
/* True when a probe is to be sent by UDP now; it is then counted as sent. */
bool wzp_carrier_probe(WzpCarrier *carrier, WzpTime now);
/* One was answered. True: go back to UDP. */
bool wzp_carrier_probe_answered(WzpCarrier *carrier, WzpTime now);
/* When one of the answers above will be another one by itself. */
WzpTime wzp_carrier_next_timeout(const WzpCarrier *carrier, WzpTime now);
