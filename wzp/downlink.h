/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "report.h"

/* What our own reports say of the streams that we hear: how much is lost, and whether their way becomes slow all at once.
 * In a call of two that is a hint about what we send: both directions often share a link, and the other side's reports
 * about us wait behind what he sends. */

typedef struct {
  struct {
    bool known;
    WzpTime at; /* of the last report */
    WzpReport last;
    double loss;     /* 0..1, of late */
    double queue;    /* ms above the least transit since it was timed */
    double grew;     /* ms, with the last report */
    int64_t transit; /* ms */
    int64_t least;
    bool timed;
  } heard[WZP_SLOT_MAX + 1];
} WzpDownlink; /* Zeroed: nothing is known. */

#define WZP_DOWNLINK_AGE (15 * WZP_SECOND) /* who is silent for so long is no longer heard badly */

/* A report of ours. True: the way of the only one whom we hear becomes longer from report to report, or from packet to
 * packet. */
bool wzp_downlink_report(WzpDownlink *downlink, WzpTime now, const WzpReport *report);
/* He left. */
void wzp_downlink_forget(WzpDownlink *downlink, uint8_t slot);
/* Of what we hear, the worst stream: 0..1; without what was lost while the way was cut. */
double wzp_downlink_loss(const WzpDownlink *downlink, WzpTime now);
