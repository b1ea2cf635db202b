/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "quality-private.h"

#define DRIFTS_PPM 300

/* Several listeners, and the best of them loses far less than the one we follow. */
static bool
others_hear_well(const WzpQuality *quality, const WzpDelivery *path)
{
  for (unsigned i = 0; i < quality->n; i++)
    if (quality->paths[i].n > 1 && quality->paths[i].mean_loss < path->mean_loss / 3)
      return true;
  return false;
}

static WzpVerdict
judge(const WzpQuality *quality, WzpTime now, const WzpDelivery *path, double downlink)
{
  if (quality->unreported > WZP_QUALITY_UNHEARD && now - quality->spoken_last < WZP_SECOND)
    return WZP_VERDICT_UNHEARD;
  if (path != NULL && path->timed && quality->capacity.over_since != WZP_NEVER)
    return WZP_VERDICT_CONGESTED;
  if (path != NULL && path->mean_loss > WZP_QUALITY_LOSES)
    return others_hear_well(quality, path) ? WZP_VERDICT_LISTENER_LOSES : WZP_VERDICT_UPLINK_LOSES;
  if (downlink > WZP_QUALITY_LOSES)
    return WZP_VERDICT_DOWNLINK_LOSES;
  if (quality->capacity.limit != 0 && !quality->capacity.starting)
    return WZP_VERDICT_SLOW;
  if (path != NULL && ABS(wzp_delivery_drift_ppm(path)) > DRIFTS_PPM)
    return WZP_VERDICT_PEER_DRIFTS;
  return path != NULL && path->n > 1 ? WZP_VERDICT_GOOD : WZP_VERDICT_UNKNOWN;
}

void
wzp_quality_get_state(const WzpQuality *quality, WzpTime now, WzpQualityState *state)
{
  const WzpDelivery *path =
      quality->followed >= 0 ? wzp_quality_find((WzpQuality *)quality, (uint8_t)quality->followed)
                             : NULL;
  bool manual = quality->mode == WZP_QUALITY_FIXED || quality->given < WZP_N_TIERS;
  *state = (WzpQualityState){.tier = wzp_quality_tier(quality),
                             .reason = manual ? WZP_REASON_MANUAL : quality->reason,
                             .network = quality->network,
                             .limit = wzp_capacity_limit(&quality->capacity),
                             .downlink_loss = wzp_downlink_loss(&quality->downlink, now),
                             .residual = quality->residual,
                             .round_trip = -1,
                             .listeners = quality->n,
                             .steps_down = quality->steps_down,
                             .steps_up = quality->steps_up,
                             .cuts = quality->capacity.cuts,
                             .probes = quality->capacity.probes,
                             .pauses = quality->capacity.pauses};
  if (path != NULL) {
    state->loss = path->mean_loss;
    state->queue = path->queue;
    state->jitter = path->jitter;
    state->drift_ppm = wzp_delivery_drift_ppm(path);
    state->round_trip = path->round_trip;
  }
  state->verdict = judge(quality, now, path, state->downlink_loss);
}
