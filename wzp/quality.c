/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "quality.h"
#include "capacity.h"
#include "downlink.h"
#include <glib.h>
#include <string.h>

#define LISTENERS 64
#define SILENCE (15 * WZP_SECOND) /* who says nothing for so long listens no more */
#define UNHEARD (5 * WZP_SECOND)
#define SPOKEN_GAP (200 * WZP_MSEC) /* between packets: longer ones are pauses */
#define ALONE (5 * WZP_SECOND)      /* who comes so long after the last one left is another call */
#define MANY 4                      /* listeners, of whom the weakest quarter is left out */

#define BAD_REPORTS 3
#define GOOD_REPORTS 10
#define GOOD_REPORTS_MAX 640
#define BAD_RESIDUAL 0.03
#define GOOD_RESIDUAL 0.01
#define MEASURED_PART 1.0
#define PROMISING 0.02 /* what a better tier may be expected to lose */
#define TAKEN_BACK WZP_MINUTE
#define WZP_MINUTE (60 * WZP_SECOND)
#define RESIDUAL_STEP 0.3

#define SETTLES (3 * WZP_SECOND)
#define START_LOWEST "opus-16k" /* repair is worth it, but for a second not more */

#define LEAST_OPUS 11500 /* bit/s that opus-6k needs without repair, two in a packet */

#define BOOST_TIME (10 * WZP_SECOND)
#define BOOST_PERCENT 20

/* Frames' bytes in a packet of one frame, with repair. */
#define USUAL_FRAMES 1.6
#define MOST_FRAMES 3
#define USUAL_FRAME_MS 20

/* Where so much is lost, repair may take as long as in a call whose way is that long; until so little is. */
#define LOSSY 0.12
#define LOSSY_NO_MORE 0.06
#define LOSSY_MAX_DELAY (360 * WZP_MSEC)

#define RATE_SPAN (400 * WZP_MSEC)

/* Of a limit, for control records: new keys of a room are a kilobyte, and may take a second. */
#define SESSION_PART 0.25
#define SESSION_LEAST 4000

/* Verdicts: from which share on something is called lost, and from when on one listener is worse than the others. */
#define LOSES 0.02
#define DRIFTS_PPM 300

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

struct WzpQuality {
  WzpQualityMode mode;
  const WzpProfile *profile; /* the user's; NULL: whatever the frames are */
  WzpTier ceiling, given;    /* given: N_TIERS: none */
  WzpTier tier;
  WzpReason reason;
  WzpNetwork network;
  WzpTime boost_until;

  WzpDeliveryLog log;
  WzpTime rate_at;
  uint64_t rate_bytes;
  double rate; /* bit/s that go out; 0: not known yet */
  WzpDelivery paths[LISTENERS];
  unsigned n;
  int followed;        /* slot; -1 */
  WzpTime alone_since; /* since the last listener left; WZP_NEVER: there is one, or was none yet */
  double residual;
  bool lossy;
  WzpCapacity capacity;
  unsigned told; /* the limit, as the caller knows it */
  bool probing;

  unsigned bad, good, good_needed;
  WzpTime stepped_up;
  WzpTime sent_first, spoken_last;
  WzpTime unreported; /* so much was spoken since the last report, or a pause of seconds */
  WzpDownlink downlink;
  double down_loss;    /* when the tier last went down, */
  unsigned down_limit; /* and the limit */
  uint64_t steps_down, steps_up;
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

/* --- life --- */

WzpQuality *
wzp_quality_new(void)
{
  WzpQuality *quality = g_new0(WzpQuality, 1);
  quality->given = WZP_N_TIERS;
  quality->ceiling = quality->tier = WZP_TIER_GOOD;
  wzp_quality_reset(quality);
  return quality;
}

void
wzp_quality_free(WzpQuality *quality)
{
  g_free(quality);
}

void
wzp_quality_reset(WzpQuality *quality)
{
  memset(&quality->log, 0, sizeof quality->log);
  memset(&quality->capacity, 0, sizeof quality->capacity);
  memset(&quality->downlink, 0, sizeof quality->downlink);
  quality->n = quality->bad = quality->good = 0;
  quality->followed = -1;
  quality->good_needed = GOOD_REPORTS;
  quality->stepped_up = -WZP_MINUTE;
  quality->sent_first = quality->spoken_last = WZP_NEVER;
  quality->unreported = 0;
  quality->alone_since = WZP_NEVER;
  quality->rate = quality->residual = 0;
  quality->lossy = false;
  quality->rate_bytes = 0;
  quality->probing = false;
  quality->told = 0;
  quality->tier = MAX(quality->ceiling, WZP_TIER_GOOD);
  quality->reason = WZP_REASON_START;
}

void
wzp_quality_set_mode(WzpQuality *quality, WzpQualityMode mode)
{
  quality->mode = mode;
}

void
wzp_quality_set_profile(WzpQuality *quality, const WzpProfile *profile)
{
  if (profile == quality->profile)
    return;
  WzpTier before = quality->ceiling;
  quality->profile = profile;
  quality->ceiling = wzp_tier_of_profile(profile);
  if (quality->tier == before) /* the user held it down, not the way */
    quality->tier = MIN(quality->tier, WZP_TIER_GOOD);
  quality->tier = MAX(quality->tier, quality->ceiling);
}

void
wzp_quality_set_tier(WzpQuality *quality, WzpTier tier)
{
  quality->given = MIN(tier, WZP_N_TIERS);
}

/* --- the tier --- */

static WzpTier
tier_now(const WzpQuality *quality)
{
  return quality->given < WZP_N_TIERS ? MAX(quality->given, quality->ceiling) : quality->tier;
}

static void
step(WzpQuality *quality, WzpTime now, WzpTier tier, WzpReason reason)
{
  bool up = tier < quality->tier;
  if (up) {
    quality->steps_up++;
    quality->stepped_up = now;
  } else {
    quality->steps_down++;
    if (now - quality->stepped_up < TAKEN_BACK)
      quality->good_needed = MIN(quality->good_needed * 2, GOOD_REPORTS_MAX);
  }
  quality->tier = tier;
  quality->reason = reason;
  quality->bad = quality->good = 0;
}

void
wzp_quality_set_network(WzpQuality *quality, WzpTime now, WzpNetwork network)
{
  WzpNetwork before = quality->network;
  quality->network = network;
  if (network == before || before == WZP_NETWORK_UNKNOWN)
    return;
  quality->boost_until = now + BOOST_TIME;
  for (unsigned i = 0; i < quality->n; i++)
    wzp_delivery_forget_delay(&quality->paths[i]);
  if (quality->capacity.begun)
    wzp_capacity_begin(&quality->capacity, now);
  quality->good_needed = GOOD_REPORTS;
  if (network == WZP_NETWORK_CELLULAR && quality->tier < WZP_TIER_CATASTROPHIC &&
      quality->given == WZP_N_TIERS && quality->mode != WZP_QUALITY_FIXED)
    step(quality, now, quality->tier + 1, WZP_REASON_NETWORK);
}

/* --- limits --- */

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
  if (quality->profile != NULL) {
    limits.profile = lower_of(quality->profile, wzp_profile_by_name(tiers[tier].profile));
    limits.may_lower_profile = true;
    if (quality->capacity.starting && !quality->lossy &&
        quality->capacity.limit >= WZP_CAPACITY_START)
      limits.lowest_profile = lower_of(limits.profile, wzp_profile_by_name(START_LOWEST));
  }
  limits.budget = least_of(users->budget, wzp_capacity_limit(&quality->capacity));
  if (tier > quality->ceiling)
    limits.budget = least_of(limits.budget, tiers[tier].budget);
  if (limits.budget != users->budget)
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
                   speaks_least(quality) ? WZP_TIER_CATASTROPHIC : tier_now(quality));
}

/* What the best that is wanted takes at most, without a limit: the more is lost the more repair. */
static double
needed(const WzpQuality *quality, double loss)
{
  const WzpProfile *profile =
      quality->profile != NULL ? quality->profile : wzp_profile_by_name(WZP_PROFILE_DEFAULT);
  double frames = loss > LOSES ? MOST_FRAMES : USUAL_FRAMES;
  return (62 + frames * profile->frame_bytes) * 8000 / profile->frame_ms;
}

/* --- listeners --- */

static WzpDelivery *
find(WzpQuality *quality, uint8_t slot)
{
  for (unsigned i = 0; i < quality->n; i++)
    if (quality->paths[i].slot == slot)
      return &quality->paths[i];
  return NULL;
}

static WzpDelivery *
find_or_add(WzpQuality *quality, WzpTime now, uint8_t slot)
{
  for (unsigned i = 0; i < quality->n;) {
    if (quality->paths[i].slot == slot || now - quality->paths[i].at < SILENCE)
      i++;
    else
      quality->paths[i] = quality->paths[--quality->n];
  }
  WzpDelivery *path = find(quality, slot);
  if (path == NULL && quality->n < LISTENERS) {
    path = &quality->paths[quality->n++];
    wzp_delivery_init(path, slot);
    quality->alone_since = WZP_NEVER;
  }
  return path;
}

/* How badly he hears us: what stays lost counts most. */
static double
badness(const WzpDelivery *path)
{
  return path->residual * 4 + path->mean_loss +
         MAX(path->queue - wzp_capacity_threshold(path), 0) / 500;
}

static int
compare_badness(gconstpointer a, gconstpointer b)
{
  double x = badness(*(const WzpDelivery *const *)a), y = badness(*(const WzpDelivery *const *)b);
  return x < y ? 1 : x > y ? -1 : 0;
}

/* The weakest one, the outliers of many aside; who is followed is left for one that is clearly worse, or because he became
 * an outlier. */
static const WzpDelivery *
follow(WzpQuality *quality)
{
  const WzpDelivery *sorted[LISTENERS];
  for (unsigned i = 0; i < quality->n; i++)
    sorted[i] = &quality->paths[i];
  qsort(sorted, quality->n, sizeof sorted[0], compare_badness);
  unsigned skipped = quality->n >= MANY ? quality->n / MANY : 0, place = 0;
  while (place < quality->n && sorted[place]->slot != quality->followed)
    place++;
  if (place >= quality->n || place < skipped ||
      badness(sorted[skipped]) > 1.3 * badness(sorted[place]) + 0.02)
    quality->followed = sorted[skipped]->slot;
  return find(quality, (uint8_t)quality->followed);
}

/* --- judging --- */

static bool
fits(const WzpFecPlan *plan, WzpTier tier, unsigned budget, double loss)
{
  const WzpProfile *lowest = wzp_profile_by_name(tiers[tier].lowest);
  return budget == 0 || (plan->least_budget <= budget && plan->expected_loss <= loss &&
                         lower_of(lowest, plan->profile) == lowest);
}

/* Whether the tier would do with so many bit/s (0: as many as it may take), as far as is known. */
static bool
would_fit(const WzpQuality *quality, WzpTier tier, const WzpChannelState *channel, double budget,
          double loss)
{
  const WzpFecLimits users = {.overhead = WZP_FEC_OVERHEAD_AUTO};
  WzpFecLimits limits = limits_of(quality, &users, tier);
  WzpFecPlan plan;
  limits.fill = false;
  limits.lowest_profile = wzp_profile_by_name(tiers[tier].lowest);
  limits.frames_per_packet = 0;
  limits.budget = least_of((unsigned)budget, tiers[tier].budget);
  wzp_fec_plan(&plan, channel, &limits);
  return fits(&plan, tier, limits.budget, loss);
}

static bool
judge_auto(WzpQuality *quality, WzpTime now, const WzpDelivery *path, const WzpFecPlan *plan,
           const WzpChannelState *channel)
{
  const WzpCapacity *capacity = &quality->capacity;
  /* while a queue drains the limit is less than the way carries */
  bool fit = capacity->starting || fits(plan, quality->tier, capacity->limit, BAD_RESIDUAL) ||
             would_fit(quality, quality->tier, channel,
                       MAX(capacity->limit, MEASURED_PART * path->bottleneck), BAD_RESIDUAL);
  /* at first there is little repair for want of room */
  bool lost =
      path->residual > BAD_RESIDUAL && now - quality->sent_first > SETTLES && !capacity->starting;
  quality->bad = lost || !fit ? quality->bad + 1 : 0;
  quality->good = fit && path->residual <= GOOD_RESIDUAL && capacity->over_since == WZP_NEVER
                      ? quality->good + 1
                      : 0;
  if (quality->bad >= BAD_REPORTS && quality->tier < WZP_TIER_CATASTROPHIC) {
    quality->down_loss = fit ? channel->loss : 0;
    quality->down_limit = fit ? 0 : capacity->limit;
    step(quality, now, quality->tier + 1, fit ? WZP_REASON_LOSS : WZP_REASON_CAPACITY);
    return true;
  }
  /* what made the last step up fail is over */
  if (channel->loss < quality->down_loss / 2 ||
      (quality->down_limit != 0 &&
       (capacity->limit == 0 || capacity->limit > quality->down_limit * 3 / 2)))
    quality->good_needed = GOOD_REPORTS;
  if (quality->good >= quality->good_needed && quality->tier > quality->ceiling) {
    quality->good = 0;
    if (!would_fit(quality, quality->tier - 1, channel, capacity->limit, PROMISING))
      return false;
    step(quality, now, quality->tier - 1, WZP_REASON_CLEAR);
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
    step(quality, now, seen, WZP_REASON_LOSS);
    return true;
  }
  if (quality->good >= GOOD_REPORTS) {
    step(quality, now, quality->tier - 1, WZP_REASON_CLEAR);
    return true;
  }
  return false;
}

/* --- events --- */

/* Of silence nobody reports. */
static void
note_spoken(WzpQuality *quality, WzpTime now)
{
  WzpTime gap = quality->spoken_last != WZP_NEVER ? now - quality->spoken_last : UNHEARD;
  if (gap >= UNHEARD)
    quality->unreported = 0;
  else
    quality->unreported += MIN(gap, SPOKEN_GAP);
  quality->spoken_last = now;
}

void
wzp_quality_sent(WzpQuality *quality, WzpTime now, uint64_t media_ms, bool audio, unsigned bytes)
{
  if (quality->sent_first == WZP_NEVER) {
    quality->sent_first = quality->rate_at = now;
    quality->rate_bytes = quality->log.bytes;
  }
  if (now - quality->rate_at >= RATE_SPAN) {
    quality->rate = (double)(quality->log.bytes - quality->rate_bytes) * 8 * WZP_SECOND /
                    (double)(now - quality->rate_at);
    quality->rate_at = now;
    quality->rate_bytes = quality->log.bytes;
  }
  if (audio)
    note_spoken(quality, now);
  wzp_delivery_log_packet(&quality->log, now, media_ms, audio, bytes);
}

void
wzp_quality_sent_beside(WzpQuality *quality, uint64_t bytes)
{
  if (quality->sent_first != WZP_NEVER)
    quality->log.bytes += bytes;
}

unsigned
wzp_quality_session_rate(const WzpQuality *quality, WzpTime now)
{
  const unsigned limit = wzp_capacity_limit(&quality->capacity);
  if (quality->mode == WZP_QUALITY_FIXED || limit == 0 || quality->sent_first == WZP_NEVER ||
      now - quality->sent_first < SETTLES)
    return 0;
  return MAX((unsigned)(limit * SESSION_PART), SESSION_LEAST);
}

bool
wzp_quality_report(WzpQuality *quality, WzpTime now, uint8_t listener, const WzpReport *report,
                   const WzpFecPlan *plan, const WzpChannelState *channel)
{
  WzpDelivery *path = find_or_add(quality, now, listener);
  if (path == NULL)
    return false;
  const WzpTime interval = MAX(plan->frames_per_packet, 1) *
                           (plan->profile != NULL ? plan->profile->frame_ms : USUAL_FRAME_MS) *
                           WZP_MSEC;
  wzp_delivery_expect(path, interval, wzp_channel_lost_again(channel, interval));
  bool counted = wzp_delivery_report(path, now, report, plan->frames_per_packet, &quality->log);
  quality->unreported = 0;
  if (follow(quality) != path)
    return false;
  if (counted)
    quality->residual += (path->n <= 2 ? 1 : RESIDUAL_STEP) * (path->missed - quality->residual);
  if (path->unsettled)
    return false;
  bool lossy = channel->loss > (quality->lossy ? LOSSY_NO_MORE : LOSSY) && path->n > 1;
  bool other = lossy != quality->lossy;
  quality->lossy = lossy;
  unsigned limit = quality->capacity.limit;
  bool changed = wzp_capacity_report(&quality->capacity, now, path, quality->rate,
                                     needed(quality, channel->loss));
  if (changed)
    quality->reason = quality->capacity.limit == 0                    ? WZP_REASON_CLEAR
                      : quality->capacity.limit < limit || limit == 0 ? WZP_REASON_QUEUE
                                                                      : WZP_REASON_PROBE;
  if (counted && quality->given == WZP_N_TIERS && quality->mode != WZP_QUALITY_FIXED)
    changed |= quality->mode == WZP_QUALITY_AUTO ? judge_auto(quality, now, path, plan, channel)
                                                 : judge_compatible(quality, now, path);
  return (changed || other) && quality->mode != WZP_QUALITY_FIXED;
}

bool
wzp_quality_left(WzpQuality *quality, WzpTime now, uint8_t listener)
{
  WzpDelivery *path = find(quality, listener);
  wzp_downlink_forget(&quality->downlink, listener);
  if (path == NULL)
    return false;
  *path = quality->paths[--quality->n];
  if (quality->followed != listener)
    return false;
  quality->followed = -1;
  if (quality->n == 0) {
    quality->alone_since = now;
    return false;
  }
  /* what he lost is no reason any more, nor that it was too much before */
  const WzpDelivery *next = follow(quality);
  quality->residual = next->missed;
  quality->lossy = next->mean_loss > LOSSY;
  quality->good_needed = GOOD_REPORTS;
  quality->bad = quality->good = 0;
  return quality->mode != WZP_QUALITY_FIXED;
}

void
wzp_quality_set_way(WzpQuality *quality, uint64_t way)
{
  quality->log.way = way;
}

void
wzp_quality_own_report(WzpQuality *quality, WzpTime now, const WzpReport *report)
{
  if (wzp_downlink_report(&quality->downlink, now, report))
    wzp_capacity_alarm(&quality->capacity, now, quality->rate, report->passes);
}

bool
wzp_quality_tick(WzpQuality *quality, WzpTime now)
{
  if (quality->alone_since != WZP_NEVER && now - quality->alone_since > ALONE)
    wzp_quality_reset(quality);
  if (!quality->capacity.begun)
    wzp_capacity_begin(&quality->capacity, now);
  wzp_capacity_tick(&quality->capacity, now);
  bool changed = wzp_capacity_limit(&quality->capacity) != quality->told;
  quality->told = wzp_capacity_limit(&quality->capacity);
  bool probing = wzp_capacity_is_probing(&quality->capacity, now);
  if (probing != quality->probing) {
    quality->probing = probing;
    changed = true;
  }
  if (quality->boost_until != 0 && now >= quality->boost_until) {
    quality->boost_until = 0;
    changed = true;
  }
  return changed && quality->mode != WZP_QUALITY_FIXED;
}

bool
wzp_quality_is_paused(const WzpQuality *quality, WzpTime now)
{
  return quality->mode != WZP_QUALITY_FIXED && wzp_capacity_is_paused(&quality->capacity, now);
}

/* --- what can be said of it --- */

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
  if (quality->unreported > UNHEARD && now - quality->spoken_last < WZP_SECOND)
    return WZP_VERDICT_UNHEARD;
  if (path != NULL && path->timed && quality->capacity.over_since != WZP_NEVER)
    return WZP_VERDICT_CONGESTED;
  if (path != NULL && path->mean_loss > LOSES)
    return others_hear_well(quality, path) ? WZP_VERDICT_LISTENER_LOSES : WZP_VERDICT_UPLINK_LOSES;
  if (downlink > LOSES)
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
      quality->followed >= 0 ? find((WzpQuality *)quality, (uint8_t)quality->followed) : NULL;
  bool manual = quality->mode == WZP_QUALITY_FIXED || quality->given < WZP_N_TIERS;
  *state = (WzpQualityState){.tier = tier_now(quality),
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
