/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "sim-call.h"

/* One call of two that talk all the time, and what became of the frames from the first to the second. The
 * handshake has a clean network of the same delay; slot 0 of bursts and traces, the talking and the counting
 * begin together, when both sides are active. Losses, jitter and the rest are applied once, on the way to the
 * relay, in both directions with luck of their own. */

typedef struct {
  WzpTime at; /* after the beginning; from then on: */
  bool has_loss, has_rate, has_network;
  double loss, burst; /* as in SimLinkConfig */
  unsigned rate;
  WzpNetwork network; /* that the talker's application says */
} SimStep;

typedef struct {
  uint64_t seed;
  WzpTime duration;
  WzpTime round_trip; /* of the whole path, jitter, trace and queue aside */
  SimLinkConfig link; /* delay follows from round_trip */
  const SimStep *steps;
  unsigned n_steps;
  const WzpProfile *profile;
  WzpFecLimits
      limits;   /* max_delay: what is repaired later is lost; with quality more than 400 ms later */
  bool quality; /* as in SimCallConfig, for both */
  WzpQualityMode quality_mode;
  WzpTier tier;
  bool playout; /* adaptive, and measured */
} SimMeasureConfig;

typedef struct {
  uint64_t sent, received, repaired, lost; /* sent = received + repaired + lost */
  uint64_t wire_bytes;
} SimCounts;

typedef struct {
  SimCounts counts;
  WzpFecPlan plan; /* as it was at the end of the second */
  WzpChannelState estimate;
  WzpQualityState quality;
  WzpTime wait;    /* in the bottleneck's queue, 95 % */
  WzpTime latency; /* of the listener's playout, at the end of the second */
} SimSecond;

typedef struct {
  SimCounts counts;
  uint64_t gaps;                           /* runs of frames whose own packet did not bring them */
  WzpTime delay_p50, delay_p95, delay_max; /* of the repaired frames */
  uint64_t datagrams, datagrams_lost;      /* of the direction, on its lossy leg */
  uint64_t twice, mistimed, refused;       /* at the listener, see SimParty */
  WzpFecPlan plan;                         /* at the end */
  WzpTime wait_p95, wait_max;              /* in the bottleneck's queue */
  WzpQualityState quality;                 /* at the end */
  bool has_quality, has_playout;
  uint64_t concealed, played; /* with playout: frames */
  WzpTime stall;              /* the longest time between two frames that were played */
  WzpTime unheard;            /* all such times above SIM_STALL */
  WzpFecSenderStats sender;
  GArray *seconds; /* SimSecond, the last one may be shorter */
} SimMeasure;

/* False: no call came about. */
bool sim_measure_run(const SimMeasureConfig *config, SimMeasure *measure);
void sim_measure_clear(SimMeasure *measure);
