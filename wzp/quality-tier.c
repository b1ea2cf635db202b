/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "quality-private.h"

#define BAD_REPORTS 3
#define GOOD_REPORTS_MAX 640
#define BAD_RESIDUAL 0.03
#define GOOD_RESIDUAL 0.01
#define MEASURED_PART 1.0
#define PROMISING 0.02 /* what a better tier may be expected to lose */

#define START_LOWEST "opus-16k" /* repair is worth it, but for a second not more */

#define LEAST_OPUS 11500 /* bit/s that opus-6k needs without repair, two in a packet */

#define BOOST_PERCENT 20

#define LOSSY_MAX_DELAY (360 * WZP_MSEC)

/* lowest: with less than this the tier is not what it should be; until it is another one less is spoken all the same.
 * budget: of a tier that was stepped down to, bit/s. A lower one sends less even where nobody limits it: what is lost may
 * be lost for lack of room. */
static const struct {
  const char *profile, *lowest;
  unsigned budget;
  WzpTime max_delay;
} tiers[WZP_N_TIERS] = {
    [WZP_TIER_STUDIO_64K] = {"opus-64k", "opus-12k", 220000, 200 * WZP_MSEC},
    [WZP_TIER_STUDIO_48K] = {"opus-48k", "opus-12k", 170000, 200 * WZP_MSEC},
    [WZP_TIER_STUDIO_32K] = {"opus-32k", "opus-12k", 120000, 200 * WZP_MSEC},
    [WZP_TIER_GOOD] = {"opus-24k", "opus-12k", 97000, 200 * WZP_MSEC},
    [WZP_TIER_DEGRADED] = {"opus-8k", "opus-6k", 40000, 360 * WZP_MSEC},
    [WZP_TIER_CATASTROPHIC] = {"codec2-1200", "codec2-1200", 20000, 400 * WZP_MSEC},
};

WzpTier
wzp_tier_of_profile(const WzpProfile *profile)
{
  WzpTier tier = WZP_TIER_STUDIO_64K;
  if (profile == NULL)
    return WZP_TIER_GOOD;
  if (profile->codec != WZP_CODEC_OPUS)
    return WZP_TIER_CATASTROPHIC;
  if (profile->bitrate < wzp_profile_by_name(tiers[WZP_TIER_GOOD].lowest)->bitrate)
    return WZP_TIER_DEGRADED;
  while (tier < WZP_TIER_GOOD &&
         profile->bitrate <= wzp_profile_by_name(tiers[tier + 1].profile)->bitrate)
    tier++;
  return tier;
}

WzpTier
wzp_quality_tier(const WzpQuality *quality)
{
  return quality->given < WZP_N_TIERS ? MAX(quality->given, quality->ceiling) : quality->tier;
}

void
wzp_quality_step(WzpQuality *quality, WzpTime now, WzpTier tier, WzpReason reason)
{
  bool up = tier < quality->tier;
  if (up) {
    quality->steps_up++;
    quality->stepped_up = now;
  } else {
    quality->steps_down++;
    if (now - quality->stepped_up < WZP_QUALITY_TAKEN_BACK)
      quality->good_needed = MIN(quality->good_needed * 2, GOOD_REPORTS_MAX);
  }
  quality->tier = tier;
  quality->reason = reason;
  quality->bad = quality->good = 0;
}

/* --- what it may spend --- */

static const WzpProfile *
lower_of(const WzpProfile *a, const WzpProfile *b)
{
  if (a->codec != b->codec)
    return a->codec == WZP_CODEC_OPUS ? b : a;
  return a->bitrate < b->bitrate ? a : b;
}

static unsigned
least_of(unsigned a, unsigned b)
{
  return a == 0 || (b != 0 && b < a) ? b : a;
}

static WzpFecLimits
limits_of(const WzpQuality *quality, const WzpFecLimits *users, WzpTier tier)
{
  WzpFecLimits limits = *users;
  limits.budget = least_of(users->budget, wzp_capacity_limit(&quality->capacity));
  if (quality->profile != NULL) {
    limits.profile = lower_of(quality->profile, wzp_profile_by_name(tiers[tier].profile));
    limits.may_lower_profile = true;
    if (quality->capacity.starting && !quality->lossy &&
        least_of(users->budget, quality->capacity.limit) >= WZP_CAPACITY_START)
      limits.lowest_profile = lower_of(limits.profile, wzp_profile_by_name(START_LOWEST));
  }
  /* a limit above it can only be tried by sending that much; else the tier would hold it, and it the tier */
  if (tier > quality->ceiling && !(quality->probing && quality->given == WZP_N_TIERS))
    limits.budget = least_of(limits.budget, tiers[tier].budget);
  if (limits.budget != 0) /* what it saves may be the codec */
    limits.frames_per_packet = 0;
  limits.max_delay = MAX(users->max_delay, tiers[tier].max_delay);
  if (quality->lossy)
    limits.max_delay = MAX(limits.max_delay, LOSSY_MAX_DELAY);
  limits.more = quality->boost_until != 0 ? BOOST_PERCENT : 0;
  limits.fill = quality->probing || quality->capacity.starting;
  limits.empty = quality->capacity.starting && quality->capacity.limit > WZP_CAPACITY_START;
  return limits;
}

/* While a queue drains, speaking as little as can be is better than silence. */
static bool
speaks_least(const WzpQuality *quality)
{
  return quality->mode == WZP_QUALITY_AUTO && quality->profile != NULL &&
         quality->given == WZP_N_TIERS &&
         (quality->capacity.over_since != WZP_NEVER || quality->capacity.alarm != 0) &&
         wzp_capacity_limit(&quality->capacity) < LEAST_OPUS;
}

WzpFecLimits
wzp_quality_limits(const WzpQuality *quality, const WzpFecLimits *users)
{
  if (quality->mode == WZP_QUALITY_FIXED)
    return *users;
  return limits_of(quality, users,
                   speaks_least(quality) ? WZP_TIER_CATASTROPHIC : wzp_quality_tier(quality));
}

/* --- judging --- */

static bool
fits(const WzpFecPlan *plan, WzpTier tier, unsigned budget, double loss)
{
  const WzpProfile *lowest = wzp_profile_by_name(tiers[tier].lowest);
  return budget == 0 || (plan->least_budget <= budget && plan->expected_loss <= loss &&
                         lower_of(lowest, plan->profile) == lowest);
}

/* Whether the tier would do with so many bit/s (0: as many as it and the user may take), as far as is known. */
static bool
would_fit(const WzpQuality *quality, const WzpFecLimits *users, WzpTier tier,
          const WzpChannelState *channel, double budget, double loss)
{
  const WzpFecLimits usual = {.overhead = WZP_FEC_OVERHEAD_AUTO,
                              .packet_overhead = users->packet_overhead,
                              .constant_size = users->constant_size};
  WzpFecLimits limits = limits_of(quality, &usual, tier);
  WzpFecPlan plan;
  limits.fill = false;
  limits.lowest_profile = wzp_profile_by_name(tiers[tier].lowest);
  limits.frames_per_packet = 0;
  limits.budget = least_of(users->budget, least_of((unsigned)budget, tiers[tier].budget));
  wzp_fec_plan(&plan, channel, &limits);
  return fits(&plan, tier, limits.budget, loss);
}

static bool
judge_auto(WzpQuality *quality, WzpTime now, const WzpDelivery *path, const WzpFecLimits *users,
           const WzpFecPlan *plan, const WzpChannelState *channel)
{
  const WzpCapacity *capacity = &quality->capacity;
  const unsigned budget = least_of(users->budget, capacity->limit);
  /* while a queue drains the limit is less than the way carries */
  bool fit = capacity->starting || fits(plan, quality->tier, budget, BAD_RESIDUAL) ||
             would_fit(quality, users, quality->tier, channel,
                       MAX(capacity->limit, MEASURED_PART * path->bottleneck), BAD_RESIDUAL);
  /* at first there is little repair for want of room */
  bool lost = path->residual > BAD_RESIDUAL && now - quality->sent_first > WZP_QUALITY_SETTLES &&
              !capacity->starting;
  quality->bad = lost || !fit ? quality->bad + 1 : 0;
  quality->good = fit && path->residual <= GOOD_RESIDUAL && capacity->over_since == WZP_NEVER
                      ? quality->good + 1
                      : 0;
  if (quality->bad >= BAD_REPORTS && quality->tier < WZP_TIER_CATASTROPHIC) {
    quality->down_loss = fit ? channel->loss : 0;
    quality->down_limit = fit ? 0 : capacity->limit;
    wzp_quality_step(quality, now, quality->tier + 1, fit ? WZP_REASON_LOSS : WZP_REASON_CAPACITY);
    return true;
  }
  /* what made the last step up fail is over */
  if (channel->loss < quality->down_loss / 2 ||
      (quality->down_limit != 0 &&
       (capacity->limit == 0 || capacity->limit > quality->down_limit * 3 / 2)))
    quality->good_needed = WZP_QUALITY_GOOD_REPORTS;
  if (quality->good >= quality->good_needed && quality->tier > quality->ceiling) {
    quality->good = 0;
    if (!would_fit(quality, users, quality->tier - 1, channel, capacity->limit, PROMISING))
      return false;
    wzp_quality_step(quality, now, quality->tier - 1, WZP_REASON_CLEAR);
    return true;
  }
  return false;
}

/* What earlier versions did: straight down to what was seen three times, on cellular twice. */
static bool
judge_compatible(WzpQuality *quality, WzpTime now, const WzpDelivery *path)
{
  bool cellular = quality->network == WZP_NETWORK_CELLULAR;
  double worst = cellular ? 0.25 : 0.40, worse = cellular ? 0.08 : 0.10;
  WzpTime longest = (cellular ? 500 : 600) * WZP_MSEC, longer = (cellular ? 300 : 400) * WZP_MSEC;
  WzpTier seen = quality->ceiling;
  if (path->loss > worst || path->round_trip > longest)
    seen = WZP_TIER_CATASTROPHIC;
  else if (path->loss > worse || path->round_trip > longer)
    seen = MAX(WZP_TIER_DEGRADED, quality->ceiling);
  quality->bad = seen > quality->tier ? quality->bad + 1 : 0;
  quality->good = seen < quality->tier ? quality->good + 1 : 0;
  if (quality->bad >= (cellular ? 2 : BAD_REPORTS)) {
    wzp_quality_step(quality, now, seen, WZP_REASON_LOSS);
    return true;
  }
  if (quality->good >= WZP_QUALITY_GOOD_REPORTS) {
    wzp_quality_step(quality, now, quality->tier - 1, WZP_REASON_CLEAR);
    return true;
  }
  return false;
}

bool
wzp_quality_judge(WzpQuality *quality, WzpTime now, const WzpDelivery *path,
                  const WzpFecLimits *users, const WzpFecPlan *plan, const WzpChannelState *channel)
{
  if (quality->given < WZP_N_TIERS || quality->mode == WZP_QUALITY_FIXED)
    return false;
  return quality->mode == WZP_QUALITY_AUTO ? judge_auto(quality, now, path, users, plan, channel)
                                           : judge_compatible(quality, now, path);
}
