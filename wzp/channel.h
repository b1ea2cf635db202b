/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "report.h"

/* The sender's picture of the channel, from reports: the loss rate, and how much one packet's fate tells of the
 * next one's. A two-state (Gilbert) model in time: memory is what is left of the correlation after 20 ms, 0 for
 * independent losses; mean burst in slots of 20 ms = 1 / ((1 - loss) * (1 - memory)). */

typedef struct {
  double loss;   /* 0..1 */
  double memory; /* 0..1, per 20 ms */
} WzpChannelState;

double wzp_channel_mean_burst(const WzpChannelState *state); /* in slots of 20 ms */
/* How probable it is that the packet behind a lost one is lost, where there is one each `interval`. */
double wzp_channel_lost_again(const WzpChannelState *state, WzpTime interval);
WzpChannelState wzp_channel_of_burst(double loss, double burst); /* burst 0: independent */

typedef struct WzpChannel WzpChannel;
WzpChannel *wzp_channel_new(void);
void wzp_channel_free(WzpChannel *channel);
/* A report came. interval: between packets while they were sent. WZP_OK, WZP_REPLAYED (older than the last). */
WzpResult wzp_channel_report(WzpChannel *channel, WzpTime now, const WzpReport *report,
                             WzpTime interval);
/* From now on another listener's reports come, of whom this is the last one and so much is lost: what was known is no more. */
void wzp_channel_follow(WzpChannel *channel, WzpTime now, const WzpReport *last, double loss);
/* What to plan for: leans to the worse side while little is known, follows a step within 3 s, falls back slowly.
 * Before the first report: a cautious guess. */
WzpChannelState wzp_channel_state(const WzpChannel *channel, WzpTime now);
bool wzp_channel_is_known(const WzpChannel *channel, WzpTime now); /* reports came lately */
/* The receiver's word, 0: unknown. */
WzpTime wzp_channel_playout(const WzpChannel *channel);
