/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "quality-private.h"
#include <string.h>

#define SPOKEN_GAP (200 * WZP_MSEC) /* between packets: longer ones are pauses */
#define ALONE (5 * WZP_SECOND)      /* who comes so long after the last one left is another call */

#define RESIDUAL_STEP 0.3
#define BOOST_TIME (10 * WZP_SECOND)

/* Frames' bytes in a packet of one frame, with repair. */
#define USUAL_FRAMES 1.6
#define MOST_FRAMES 3
#define USUAL_FRAME_MS 20

/* Where so much is lost, repair may take as long as in a call whose way is that long; until so little is. */
#define LOSSY 0.12
#define LOSSY_NO_MORE 0.06

#define RATE_SPAN (400 * WZP_MSEC)

/* Of a limit, for control records: new keys of a room are a kilobyte, and may take a second. */
#define SESSION_PART 0.25
#define SESSION_LEAST 4000

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
  quality->good_needed = WZP_QUALITY_GOOD_REPORTS;
  quality->stepped_up = -WZP_QUALITY_TAKEN_BACK;
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
  quality->good_needed = WZP_QUALITY_GOOD_REPORTS;
  if (network == WZP_NETWORK_CELLULAR && quality->tier < WZP_TIER_CATASTROPHIC &&
      quality->given == WZP_N_TIERS && quality->mode != WZP_QUALITY_FIXED)
    wzp_quality_step(quality, now, quality->tier + 1, WZP_REASON_NETWORK);
}

/* --- events --- */

/* What the best that is wanted takes at most, without another limit than the user's: the more is lost the more repair. */
static double
needed(const WzpQuality *quality, const WzpFecLimits *users, double loss)
{
  const WzpProfile *profile =
      quality->profile != NULL ? quality->profile : wzp_profile_by_name(WZP_PROFILE_DEFAULT);
  double frames = loss > WZP_QUALITY_LOSES ? MOST_FRAMES : USUAL_FRAMES;
  double most = (62 + frames * profile->frame_bytes) * 8000 / profile->frame_ms;
  return users->budget != 0 ? MIN(most, users->budget) : most;
}

/* Of silence nobody reports. */
static void
note_spoken(WzpQuality *quality, WzpTime now)
{
  WzpTime gap =
      quality->spoken_last != WZP_NEVER ? now - quality->spoken_last : WZP_QUALITY_UNHEARD;
  if (gap >= WZP_QUALITY_UNHEARD)
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
      now - quality->sent_first < WZP_QUALITY_SETTLES)
    return 0;
  return MAX((unsigned)(limit * SESSION_PART), SESSION_LEAST);
}

bool
wzp_quality_report(WzpQuality *quality, WzpTime now, uint8_t listener, const WzpReport *report,
                   const WzpFecLimits *users, const WzpFecPlan *plan,
                   const WzpChannelState *channel)
{
  WzpDelivery *path = wzp_quality_find_or_add(quality, now, listener);
  if (path == NULL)
    return false;
  const WzpTime interval = MAX(plan->frames_per_packet, 1) *
                           (plan->profile != NULL ? plan->profile->frame_ms : USUAL_FRAME_MS) *
                           WZP_MSEC;
  wzp_delivery_expect(path, interval, wzp_channel_lost_again(channel, interval));
  bool counted = wzp_delivery_report(path, now, report, plan->frames_per_packet, &quality->log);
  quality->unreported = 0;
  if (wzp_quality_follow(quality) != path)
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
                                     needed(quality, users, channel->loss));
  if (changed)
    quality->reason = quality->capacity.limit == 0                    ? WZP_REASON_CLEAR
                      : quality->capacity.limit < limit || limit == 0 ? WZP_REASON_QUEUE
                                                                      : WZP_REASON_PROBE;
  if (counted)
    changed |= wzp_quality_judge(quality, now, path, users, plan, channel);
  return (changed || other) && quality->mode != WZP_QUALITY_FIXED;
}

bool
wzp_quality_left(WzpQuality *quality, WzpTime now, uint8_t listener)
{
  WzpDelivery *path = wzp_quality_find(quality, listener);
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
  const WzpDelivery *next = wzp_quality_follow(quality);
  quality->residual = next->missed;
  quality->lossy = next->mean_loss > LOSSY;
  quality->good_needed = WZP_QUALITY_GOOD_REPORTS;
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
