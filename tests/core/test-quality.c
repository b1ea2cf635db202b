/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The tier and the rate of a sender, by what listeners report. */
#include "quality-rig.h"

static void
test_names(void)
{
  for (unsigned n = 0; n < WZP_N_TIERS; n++) {
    WzpTier tier;
    g_assert_true(wzp_tier_by_name(wzp_tier_name((WzpTier)n), &tier));
    g_assert_cmpint(tier, ==, n);
  }
  for (unsigned n = 0; n < WZP_N_NETWORKS; n++) {
    WzpNetwork network;
    g_assert_true(wzp_network_by_name(wzp_network_name((WzpNetwork)n), &network));
    g_assert_cmpint(network, ==, n);
  }
  g_assert_null(wzp_tier_name(WZP_N_TIERS));
  g_assert_null(wzp_reason_name(WZP_N_REASONS));
  g_assert_null(wzp_verdict_name(WZP_N_VERDICTS));
  g_assert_null(wzp_network_name(WZP_N_NETWORKS));
  WzpTier tier;
  g_assert_false(wzp_tier_by_name("best", &tier));
  g_assert_false(wzp_tier_by_name(NULL, &tier));
  for (unsigned n = 0; n < WZP_N_REASONS; n++)
    g_assert_nonnull(wzp_reason_name((WzpReason)n));
  for (unsigned n = 0; n < WZP_N_VERDICTS; n++) {
    const WzpQualityState state = {.verdict = (WzpVerdict)n, .loss = 0.123, .round_trip = -1};
    g_autofree char *text = wzp_quality_text(&state);
    g_assert_nonnull(wzp_verdict_name((WzpVerdict)n));
    g_assert_cmpuint(strlen(text), >, 10);
  }
  const WzpQualityState state = {.verdict = WZP_VERDICT_UPLINK_LOSES, .loss = 0.123};
  g_autofree char *text = wzp_quality_text(&state);
  g_assert_true(g_str_has_prefix(text, "your uplink loses 12 %"));
}

static void
test_ceilings(void)
{
  static const struct {
    const char *profile;
    WzpTier tier, begins;
  } rows[] = {{"opus-64k", WZP_TIER_STUDIO_64K, WZP_TIER_GOOD},
              {"opus-48k", WZP_TIER_STUDIO_48K, WZP_TIER_GOOD},
              {"opus-32k", WZP_TIER_STUDIO_32K, WZP_TIER_GOOD},
              {"opus-24k", WZP_TIER_GOOD, WZP_TIER_GOOD},
              {"opus-16k", WZP_TIER_GOOD, WZP_TIER_GOOD},
              {"opus-12k", WZP_TIER_GOOD, WZP_TIER_GOOD},
              {"opus-8k", WZP_TIER_DEGRADED, WZP_TIER_DEGRADED},
              {"opus-6k", WZP_TIER_DEGRADED, WZP_TIER_DEGRADED},
              {"codec2-3200", WZP_TIER_CATASTROPHIC, WZP_TIER_CATASTROPHIC},
              {"codec2-1200", WZP_TIER_CATASTROPHIC, WZP_TIER_CATASTROPHIC}};
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    Rig rig;
    const WzpProfile *profile = wzp_profile_by_name(rows[i].profile);
    rig_init(&rig, rows[i].profile);
    g_assert_cmpint(wzp_tier_of_profile(profile), ==, rows[i].tier);
    g_assert_cmpint(rig_tier(&rig), ==, rows[i].begins);
    /* far up, and never beyond */
    for (unsigned n = 0; n < 60; n++) {
      rig_report(&rig, 0, 0, 50);
      g_assert_cmpint(rig_plan(&rig).profile->bitrate, <=, profile->bitrate);
    }
    g_assert_cmpint(rig_tier(&rig), ==, rows[i].tier);
    g_assert_true(rows[i].tier == WZP_TIER_CATASTROPHIC || rig_plan(&rig).profile == profile);
    wzp_quality_free(rig.quality);
  }
  g_assert_cmpint(wzp_tier_of_profile(NULL), ==, WZP_TIER_GOOD);
}

/* A user who wants little for a while, and then more, need not wait for the tier to climb. */
static void
test_wanted_again(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  wzp_quality_set_profile(rig.quality, wzp_profile_by_name("codec2-1200"));
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
  wzp_quality_set_profile(rig.quality, wzp_profile_by_name("opus-64k"));
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  for (unsigned i = 0; i < 3; i++) /* what the way asks for stays */
    rig_report(&rig, 10, 20, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  wzp_quality_set_profile(rig.quality, wzp_profile_by_name("opus-32k"));
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  wzp_quality_free(rig.quality);
}

/* Little at first; it is lifted when the reports say that it gets through, by and by. */
static void
test_start(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  wzp_quality_tick(rig.quality, 0);
  WzpFecLimits limits = wzp_quality_limits(rig.quality, &rig.users);
  g_assert_cmpuint(limits.budget, ==, rig_state(&rig).limit);
  g_assert_cmpuint(limits.budget, <, 40000);
  g_assert_cmpuint(limits.frames_per_packet, ==, 0);
  g_assert_cmpuint(rig_plan(&rig).profile->bitrate, >=, 16000); /* not much less */
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_UNKNOWN);
  unsigned reports = 0, last = limits.budget;
  for (; rig_state(&rig).limit != 0; reports++) {
    rig_report(&rig, 0, 0, 50);
    g_assert_true(rig_state(&rig).limit == 0 || rig_state(&rig).limit >= last);
  }
  g_assert_cmpuint(reports, >=, 3);
  g_assert_cmpuint(reports, <=, 5);
  limits = wzp_quality_limits(rig.quality, &rig.users);
  g_assert_cmpuint(limits.budget, ==, 0);
  g_assert_cmpuint(limits.frames_per_packet, ==, 1);
  g_assert_false(limits.fill);
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_GOOD);
  wzp_quality_free(rig.quality);
}

/* Nobody reports: less and less, in case the reports wait behind us; in the end nobody reports. */
static void
test_unheard(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  unsigned least = 24000;
  for (unsigned i = 0; i < 14; i++) {
    rig_talk(&rig);
    least = MIN(least, rig_state(&rig).limit);
    g_assert_cmpint(rig_state(&rig).verdict, ==,
                    rig.now > 5 * WZP_SECOND ? WZP_VERDICT_UNHEARD : WZP_VERDICT_UNKNOWN);
  }
  g_assert_cmpuint(least, <=, 12000);
  g_assert_cmpuint(rig_state(&rig).limit, ==, 36000);
  rig.now += 2 * WZP_SECOND; /* who says nothing need not be heard */
  g_assert_cmpint(rig_state(&rig).verdict, !=, WZP_VERDICT_UNHEARD);
  rig.now += 10 * WZP_SECOND; /* and when he speaks again, nobody can have reported yet */
  rig_talk(&rig);
  g_assert_cmpint(rig_state(&rig).verdict, !=, WZP_VERDICT_UNHEARD);
  wzp_quality_free(rig.quality);
}

/* Nobody reports of pauses: with descriptions of the room in them, which are sent, too. */
static void
test_unheard_pauses(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  for (unsigned n = 0; n < 4; n++) {
    for (unsigned i = 0; i < 11; i++) { /* 4.4 s */
      wzp_quality_sent(rig.quality, rig.now, rig.media_ms, false, 80);
      g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_GOOD);
      rig.now += 400 * WZP_MSEC;
      rig.media_ms += 400;
    }
    rig_talk(&rig);
    rig_talk(&rig);
    g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_GOOD);
  }
  rig_talk(&rig);
  rig_talk(&rig);
  rig_talk(&rig); /* 5.5 s of speech that nobody reported, in 23 s */
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_UNHEARD);
  wzp_quality_free(rig.quality);
}

/* Three bad ones in a row, and not two; ten good ones, and not nine. The round trip is not asked. */
static void
test_steps(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  rig_report(&rig, 10, 4, 50);
  rig_report(&rig, 10, 4, 50);
  rig_report(&rig, 10, 2, 50); /* neither */
  rig_report(&rig, 10, 4, 50);
  rig_report(&rig, 10, 4, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  rig_report(&rig, 10, 4, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  g_assert_cmpint(rig_state(&rig).reason, ==, WZP_REASON_LOSS);
  for (unsigned i = 0; i < 2; i++)
    rig_report(&rig, 10, 4, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  rig_report(&rig, 10, 4, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
  for (unsigned i = 0; i < 20; i++) /* the end */
    rig_report(&rig, 10, 40, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
  for (unsigned i = 0; i < 9; i++)
    rig_report(&rig, 0, 0, 50);
  rig_report(&rig, 0, 2, 50); /* not quite good: from the beginning */
  for (unsigned i = 0; i < 9; i++)
    rig_report(&rig, 0, 1, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
  rig_report(&rig, 0, 1, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  g_assert_cmpint(rig_state(&rig).reason, ==, WZP_REASON_CLEAR);
  for (unsigned i = 0; i < 10; i++)
    rig_report(&rig, 0, 0, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  g_assert_cmpuint(rig_state(&rig).steps_down, ==, 2);
  g_assert_cmpuint(rig_state(&rig).steps_up, ==, 2);
  for (unsigned i = 0; i < 30; i++) {
    rig_talk(&rig);
    rig.now += 600 * WZP_MSEC; /* on its way */
    rig_say(&rig, 1, 0, 0, 50);
    g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  }
  g_assert_cmpint(rig_state(&rig).round_trip, >, 500 * WZP_MSEC);
  wzp_quality_free(rig.quality);
}

/* A step up that has to be taken back needs twice as many good reports the next time, and again. */
static void
test_no_flapping(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  unsigned changes = 0, changes_late = 0;
  WzpTier tier = rig_tier(&rig);
  for (unsigned i = 0; i < 1200;
       i++) { /* ten minutes in which good is too much, and degraded is well */
    rig_report(&rig, 5, rig_tier(&rig) == WZP_TIER_GOOD ? 5 : 0, 50);
    changes += rig_tier(&rig) != tier;
    changes_late += i >= 600 && rig_tier(&rig) != tier;
    tier = rig_tier(&rig);
  }
  g_assert_cmpuint(changes, >=, 5);
  g_assert_cmpuint(changes, <=, 15);
  g_assert_cmpuint(changes_late, <=, 4);
  /* the loss is over: at once as at first */
  rig.channel.loss = 0;
  while (rig_tier(&rig) == WZP_TIER_GOOD)
    rig_report(&rig, 5, 5, 50);
  for (unsigned i = 0; i < 11; i++)
    rig_report(&rig, 0, 0, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  wzp_quality_free(rig.quality);
}

/* What is known of the channel forbids a step up that would lose more. */
static void
test_promising(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  for (unsigned i = 0; i < 10; i++)
    rig_report(&rig, 14, 10, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
  for (unsigned i = 0; i < 100; i++)
    rig_report(&rig, 15, 0, 50); /* 60 % are lost, and all are brought back */
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
  wzp_quality_free(rig.quality);
}

/* A queue grows: less is sent at once, and less than comes out. When it is gone, more again, step by step; when that
 * fails, later. */
static void
test_congestion(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  rig_report(&rig, 0, 0, 90);
  g_assert_cmpuint(rig_state(&rig).limit, ==, 0); /* once may be chance */
  rig_report(&rig, 0, 0, 180);
  WzpQualityState state = rig_state(&rig);
  g_assert_cmpuint(state.limit, <, 46000); /* 54000 less a sixth, and less than that */
  g_assert_cmpuint(state.limit, >, 25000);
  g_assert_cmpint(state.verdict, ==, WZP_VERDICT_CONGESTED);
  g_assert_cmpint(state.reason, ==, WZP_REASON_QUEUE);
  g_assert_cmpint(state.tier, ==, WZP_TIER_GOOD);
  g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).budget, ==, state.limit);
  g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).frames_per_packet, ==, 0);
  rig_report(&rig, 0, 0, 120);
  rig_report(&rig, 0, 0, 50);
  state = rig_state(&rig);
  g_assert_cmpint(state.verdict, ==, WZP_VERDICT_SLOW);
  unsigned limit = state.limit;
  for (unsigned i = 0; i < 6; i++) { /* for a while nothing is tried */
    rig_report(&rig, 0, 0, 50);
    g_assert_cmpuint(rig_state(&rig).limit, ==, limit);
    g_assert_false(wzp_quality_limits(rig.quality, &rig.users).fill);
  }
  unsigned raised = 0;
  for (unsigned i = 0; i < 12; i++) {
    rig_report(&rig, 0, 0, 50);
    raised += rig_state(&rig).limit > limit;
    g_assert_cmpuint(rig_state(&rig).limit, <=, limit + limit / 6);
    limit = rig_state(&rig).limit;
  }
  g_assert_cmpuint(raised, >=, 3);
  g_assert_cmpint(rig_state(&rig).reason, ==, WZP_REASON_PROBE);
  g_assert_true(wzp_quality_limits(rig.quality, &rig.users).fill);
  for (unsigned i = 0; i < 60; i++)
    rig_report(&rig, 0, 0, 50);
  g_assert_cmpuint(rig_state(&rig).limit, ==, 0);
  g_assert_false(wzp_quality_limits(rig.quality, &rig.users).fill);
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_GOOD);
  wzp_quality_free(rig.quality);
}

/* A queue stood, and is gone: less is sent than is wanted. */
static void
begin_limited(Rig *rig)
{
  rig_init(rig, "opus-24k");
  rig_warm(rig);
  rig_report(rig, 0, 0, 90);
  rig_report(rig, 0, 0, 180);
  rig_report(rig, 0, 0, 50);
}

/* A low tier has a budget of its own, but what limits it may be tried beyond that: else it stayed so for ever. */
static void
test_tries_beyond_tier(void)
{
  for (unsigned given = 0; given <= 1; given++) {
    Rig rig;
    begin_limited(&rig);
    for (unsigned i = 0; i < 7; i++)
      rig_report(&rig, 9, 9, 50);
    g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
    if (given)
      wzp_quality_set_tier(rig.quality, WZP_TIER_CATASTROPHIC);
    for (unsigned i = 0; i < 4; i++)
      rig_report(&rig, 9, 9, 50);
    WzpQualityState state = rig_state(&rig);
    WzpFecLimits limits = wzp_quality_limits(rig.quality, &rig.users);
    g_assert_cmpint(state.tier, ==, WZP_TIER_CATASTROPHIC);
    g_assert_cmpuint(state.limit, >, 20000);
    g_assert_true(limits.fill);
    g_assert_cmpuint(limits.budget, ==, given ? 20000 : state.limit);
    wzp_quality_free(rig.quality);
  }
}

/* What is not used up is not known to get through. */
static void
test_untested(void)
{
  Rig rig;
  begin_limited(&rig);
  unsigned limit = rig_state(&rig).limit;
  for (unsigned i = 0; i < 60; i++) {
    for (unsigned n = 0; n < 25; n++) {
      wzp_quality_tick(rig.quality, rig.now);
      wzp_quality_sent(rig.quality, rig.now, rig.media_ms, true, 40); /* 16 kbit/s */
      rig.now += 20 * WZP_MSEC;
      rig.media_ms += 20;
    }
    rig_say(&rig, 1, 0, 0, 50);
  }
  g_assert_cmpuint(rig_state(&rig).limit, ==, limit);
  wzp_quality_free(rig.quality);
}

/* A way that becomes longer for good is no queue of ours for long. */
static void
test_longer_way(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  unsigned congested = 0;
  for (unsigned i = 0; i < 120; i++) {
    rig_report(&rig, 0, 0, 250);
    congested += rig_state(&rig).verdict == WZP_VERDICT_CONGESTED;
  }
  g_assert_cmpuint(congested, >=, 2);
  g_assert_cmpuint(congested, <=, 16); /* 8 s */
  g_assert_cmpuint(rig_state(&rig).limit, ==, 0);
  wzp_quality_free(rig.quality);
}

/* The queue is longer than anybody waits for. */
static void
test_pause(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  g_assert_false(wzp_quality_is_paused(rig.quality, rig.now));
  rig_report(&rig, 0, 0, 450);
  rig_report(&rig, 0, 0, 1050);
  g_assert_true(wzp_quality_is_paused(rig.quality, rig.now));
  g_assert_false(wzp_quality_is_paused(rig.quality, rig.now + 3 * WZP_SECOND));
  g_assert_cmpuint(rig_state(&rig).pauses, ==, 1);
  wzp_quality_set_mode(rig.quality, WZP_QUALITY_FIXED);
  g_assert_false(wzp_quality_is_paused(rig.quality, rig.now));
  wzp_quality_free(rig.quality);
}

static void
test_network(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  wzp_quality_set_network(rig.quality, 0, WZP_NETWORK_WIFI); /* the first word is no change */
  g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).more, ==, 0);
  rig_warm(&rig);
  wzp_quality_set_network(rig.quality, rig.now, WZP_NETWORK_WIFI);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  wzp_quality_set_network(rig.quality, rig.now, WZP_NETWORK_CELLULAR);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  g_assert_cmpint(rig_state(&rig).reason, ==, WZP_REASON_NETWORK);
  g_assert_cmpuint(rig_state(&rig).limit, >, 0); /* it is measured anew */
  g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).more, ==, 20);
  WzpTime changed = rig.now;
  wzp_quality_tick(rig.quality, changed + 10 * WZP_SECOND - 1);
  g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).more, ==, 20);
  g_assert_true(wzp_quality_tick(rig.quality, changed + 10 * WZP_SECOND));
  g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).more, ==, 0);
  /* the other way there is more repair, too, and no step */
  wzp_quality_set_network(rig.quality, rig.now, WZP_NETWORK_WIRED);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).more, ==, 20);
  g_assert_cmpuint(rig_state(&rig).steps_down, ==, 1);
  wzp_quality_free(rig.quality);
}

/* A tier that is given, or limits that are fixed, take no step, and none is counted; more is repaired all the same. */
static void
test_network_manual(void)
{
  for (unsigned fixed = 0; fixed < 2; fixed++) {
    Rig rig;
    rig_init(&rig, "opus-24k");
    if (fixed)
      wzp_quality_set_mode(rig.quality, WZP_QUALITY_FIXED);
    else
      wzp_quality_set_tier(rig.quality, WZP_TIER_GOOD);
    wzp_quality_set_network(rig.quality, 0, WZP_NETWORK_WIFI);
    wzp_quality_set_network(rig.quality, 0, WZP_NETWORK_CELLULAR);
    g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
    g_assert_cmpuint(rig_state(&rig).steps_down, ==, 0);
    g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).more, ==, fixed ? 0 : 20);
    wzp_quality_set_mode(rig.quality, WZP_QUALITY_AUTO);
    wzp_quality_set_tier(rig.quality, WZP_N_TIERS);
    g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
    wzp_quality_free(rig.quality);
  }
}

static void
test_manual(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  wzp_quality_set_tier(rig.quality, WZP_TIER_DEGRADED);
  for (unsigned i = 0; i < 40; i++)
    rig_report(&rig, 10, i < 20 ? 9 : 0, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_DEGRADED);
  g_assert_cmpint(rig_state(&rig).reason, ==, WZP_REASON_MANUAL);
  g_assert_cmpuint(rig_plan(&rig).profile->bitrate, <=, 8000);
  wzp_quality_set_tier(rig.quality, WZP_N_TIERS);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  wzp_quality_set_mode(rig.quality, WZP_QUALITY_FIXED);
  rig.users.budget = 12345;
  for (unsigned i = 0; i < 20; i++)
    rig_report(&rig, 10, 9, 50 + 100 * i);
  WzpFecLimits limits = wzp_quality_limits(rig.quality, &rig.users);
  g_assert_cmpmem(&limits, sizeof limits, &rig.users, sizeof rig.users);
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_CONGESTED); /* it is said all the same */
  wzp_quality_free(rig.quality);
}

/* The user's budget is never exceeded. */
static void
test_budget(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig.users.budget = 30000;
  for (unsigned i = 0; i < 60; i++) {
    rig_report(&rig, 10, i < 20 ? 9 : 0, 50);
    g_assert_cmpuint(wzp_quality_limits(rig.quality, &rig.users).budget, <=, 30000);
  }
  wzp_quality_free(rig.quality);
}

/* What the session says beside media: nothing limits it at first, nor where nothing limits media; else a quarter. */
static void
test_session(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_talk(&rig);
  g_assert_cmpuint(rig_state(&rig).limit, >, 0);
  g_assert_cmpuint(wzp_quality_session_rate(rig.quality, rig.now), ==, 0);
  rig_warm(&rig);
  g_assert_cmpuint(wzp_quality_session_rate(rig.quality, rig.now), ==, 0);
  rig_report(&rig, 0, 0, 90);
  rig_report(&rig, 0, 0, 180);
  unsigned limit = rig_state(&rig).limit;
  g_assert_cmpuint(wzp_quality_session_rate(rig.quality, rig.now), ==, limit / 4);
  wzp_quality_set_mode(rig.quality, WZP_QUALITY_FIXED);
  g_assert_cmpuint(wzp_quality_session_rate(rig.quality, rig.now), ==, 0);
  wzp_quality_free(rig.quality);
}

/* A stream that begins anew begins as the first one did. */
static void
test_reset(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  for (unsigned n = 0; n < 10; n++)
    rig_report(&rig, 12, 10, 50);
  wzp_quality_reset(rig.quality);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_UNKNOWN);
  g_assert_true(wzp_quality_tick(rig.quality, rig.now));
  g_assert_cmpuint(rig_state(&rig).limit, ==, 24000);
  wzp_quality_free(rig.quality);
}

/* What the user lets be sent, and how, is a reason for a lower tier, too. */
static void
test_users_limits(void)
{
  static const struct {
    unsigned budget, packet_overhead;
    bool constant_size;
    WzpTier tier;
  } rows[] = {{0, 0, false, WZP_TIER_GOOD},         {18500, 0, false, WZP_TIER_GOOD},
              {18500, 0, true, WZP_TIER_DEGRADED},  {18500, 80, false, WZP_TIER_DEGRADED},
              {14500, 0, false, WZP_TIER_DEGRADED}, {8000, 0, false, WZP_TIER_CATASTROPHIC}};
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    Rig rig;
    rig_init(&rig, "opus-24k");
    rig.users.budget = rows[i].budget;
    rig.users.packet_overhead = rows[i].packet_overhead;
    rig.users.constant_size = rows[i].constant_size;
    for (unsigned n = 0; n < 60; n++)
      rig_report(&rig, 0, 0, 50);
    g_assert_cmpint(rig_tier(&rig), ==, rows[i].tier);
    g_assert_cmpuint(rig_state(&rig).limit, ==, 0); /* the way has none */
    if (rows[i].budget != 0)
      g_assert_cmpuint(rig_plan(&rig).least_budget, <=, rows[i].budget);
    wzp_quality_free(rig.quality);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/quality/names", test_names);
  g_test_add_func("/quality/ceilings", test_ceilings);
  g_test_add_func("/quality/wanted-again", test_wanted_again);
  g_test_add_func("/quality/start", test_start);
  g_test_add_func("/quality/unheard", test_unheard);
  g_test_add_func("/quality/unheard-pauses", test_unheard_pauses);
  g_test_add_func("/quality/steps", test_steps);
  g_test_add_func("/quality/no-flapping", test_no_flapping);
  g_test_add_func("/quality/promising", test_promising);
  g_test_add_func("/quality/congestion", test_congestion);
  g_test_add_func("/quality/tries-beyond-tier", test_tries_beyond_tier);
  g_test_add_func("/quality/untested", test_untested);
  g_test_add_func("/quality/longer-way", test_longer_way);
  g_test_add_func("/quality/pause", test_pause);
  g_test_add_func("/quality/network", test_network);
  g_test_add_func("/quality/network-manual", test_network_manual);
  g_test_add_func("/quality/manual", test_manual);
  g_test_add_func("/quality/budget", test_budget);
  g_test_add_func("/quality/users-limits", test_users_limits);
  g_test_add_func("/quality/session", test_session);
  g_test_add_func("/quality/reset", test_reset);
  return g_test_run();
}
