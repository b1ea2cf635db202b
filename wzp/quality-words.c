/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "quality.h"
#include <glib.h>
#include <math.h>
#include <string.h>

static const char *const tier_names[WZP_N_TIERS] = {
    [WZP_TIER_STUDIO_64K] = "studio-64k", [WZP_TIER_STUDIO_48K] = "studio-48k",
    [WZP_TIER_STUDIO_32K] = "studio-32k", [WZP_TIER_GOOD] = "good",
    [WZP_TIER_DEGRADED] = "degraded",     [WZP_TIER_CATASTROPHIC] = "catastrophic",
};

static const char *const reason_names[WZP_N_REASONS] = {
    [WZP_REASON_START] = "start",     [WZP_REASON_CLEAR] = "clear",
    [WZP_REASON_LOSS] = "loss",       [WZP_REASON_CAPACITY] = "capacity",
    [WZP_REASON_QUEUE] = "queue",     [WZP_REASON_PROBE] = "probe",
    [WZP_REASON_NETWORK] = "network", [WZP_REASON_MANUAL] = "manual",
};

static const char *const verdict_names[WZP_N_VERDICTS] = {
    [WZP_VERDICT_UNKNOWN] = "unknown",
    [WZP_VERDICT_GOOD] = "good",
    [WZP_VERDICT_UNHEARD] = "unheard",
    [WZP_VERDICT_CONGESTED] = "congested",
    [WZP_VERDICT_UPLINK_LOSES] = "uplink-loses",
    [WZP_VERDICT_LISTENER_LOSES] = "listener-loses",
    [WZP_VERDICT_DOWNLINK_LOSES] = "downlink-loses",
    [WZP_VERDICT_SLOW] = "slow",
    [WZP_VERDICT_PEER_DRIFTS] = "peer-drifts",
};

static const char *const network_names[WZP_N_NETWORKS] = {
    [WZP_NETWORK_UNKNOWN] = "unknown",
    [WZP_NETWORK_WIRED] = "wired",
    [WZP_NETWORK_WIFI] = "wifi",
    [WZP_NETWORK_CELLULAR] = "cellular",
};

static const char *
name_of(const char *const *names, unsigned n_names, unsigned n)
{
  return n < n_names ? names[n] : NULL;
}

static bool
find_name(const char *const *names, unsigned n_names, const char *name, unsigned *found)
{
  for (unsigned n = 0; name != NULL && n < n_names; n++) {
    if (strcmp(names[n], name) == 0) {
      *found = n;
      return true;
    }
  }
  return false;
}

const char *
wzp_tier_name(WzpTier tier)
{
  return name_of(tier_names, WZP_N_TIERS, tier);
}

bool
wzp_tier_by_name(const char *name, WzpTier *tier)
{
  unsigned found;
  if (!find_name(tier_names, WZP_N_TIERS, name, &found))
    return false;
  *tier = (WzpTier)found;
  return true;
}

const char *
wzp_reason_name(WzpReason reason)
{
  return name_of(reason_names, WZP_N_REASONS, reason);
}

const char *
wzp_verdict_name(WzpVerdict verdict)
{
  return name_of(verdict_names, WZP_N_VERDICTS, verdict);
}

const char *
wzp_network_name(WzpNetwork network)
{
  return name_of(network_names, WZP_N_NETWORKS, network);
}

bool
wzp_network_by_name(const char *name, WzpNetwork *network)
{
  unsigned found;
  if (!find_name(network_names, WZP_N_NETWORKS, name, &found))
    return false;
  *network = (WzpNetwork)found;
  return true;
}

static int
percent(double share)
{
  return (int)lround(100 * share);
}

char *
wzp_quality_text(const WzpQualityState *state)
{
  switch (state->verdict) {
  case WZP_VERDICT_GOOD:
    return g_strdup("the way is good");
  case WZP_VERDICT_UNHEARD:
    return g_strdup("nobody says any more that he hears you");
  case WZP_VERDICT_CONGESTED:
    return g_strdup_printf("the path is congested: what you send waits %ld ms in a queue",
                           lround(state->queue));
  case WZP_VERDICT_UPLINK_LOSES:
    return g_strdup_printf("your uplink loses %d %%, of which %d %% stay lost after repair",
                           percent(state->loss), percent(state->residual));
  case WZP_VERDICT_LISTENER_LOSES:
    return g_strdup_printf("a listener's downlink loses %d %%; others hear you well",
                           percent(state->loss));
  case WZP_VERDICT_DOWNLINK_LOSES:
    return g_strdup_printf("what you hear loses %d %% on its way", percent(state->downlink_loss));
  case WZP_VERDICT_SLOW:
    return g_strdup_printf("the path is slow: %u kbit/s for what you send",
                           (state->limit + 500) / 1000);
  case WZP_VERDICT_PEER_DRIFTS:
    return g_strdup_printf("the peer's clock drifts by %+ld ppm", lround(state->drift_ppm));
  default:
    return g_strdup("nothing is known of the way yet");
  }
}
