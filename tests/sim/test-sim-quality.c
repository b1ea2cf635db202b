/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-measure.h"

/* The quality controller in whole calls, both ways, in virtual time. The listener plays; tiers are the talker's. */

static void
run_far(SimMeasure *measure, uint64_t seed, WzpTime duration, WzpTime round_trip,
        const SimLinkConfig *link, const SimStep *steps, unsigned n_steps, const char *profile)
{
  const SimMeasureConfig config = {.seed = seed,
                                   .duration = duration,
                                   .round_trip = round_trip,
                                   .link = *link,
                                   .steps = steps,
                                   .n_steps = n_steps,
                                   .profile = wzp_profile_by_name(profile),
                                   .limits = {.overhead = WZP_FEC_OVERHEAD_AUTO,
                                              .max_delay = 200 * WZP_MSEC,
                                              .frames_per_packet = 1},
                                   .quality = true,
                                   .tier = WZP_N_TIERS,
                                   .playout = true};
  g_assert_true(sim_measure_run(&config, measure));
}

static void
run(SimMeasure *measure, uint64_t seed, WzpTime duration, const SimLinkConfig *link,
    const SimStep *steps, unsigned n_steps, const char *profile)
{
  run_far(measure, seed, duration, 100 * WZP_MSEC, link, steps, n_steps, profile);
}

static const SimSecond *
at(const SimMeasure *measure, unsigned second)
{
  return &g_array_index(measure->seconds, SimSecond, second);
}

static unsigned
tier_changes(const SimMeasure *measure, unsigned from, unsigned to)
{
  unsigned changes = 0;
  for (unsigned n = from + 1; n < to; n++)
    changes += at(measure, n)->quality.tier != at(measure, n - 1)->quality.tier;
  return changes;
}

static double
lost(const SimMeasure *measure, unsigned from, unsigned to)
{
  uint64_t frames = 0, sent = 0;
  for (unsigned n = from; n < to; n++) {
    frames += at(measure, n)->counts.lost;
    sent += at(measure, n)->counts.sent;
  }
  return (double)frames / (double)sent;
}

/* The hour: nothing wrong, 10 % loss, 50 %, a link of 32 kbit/s with five seconds of queue, of 14 kbit/s, bursts, and from
 * Wi-Fi to cellular; between them nothing wrong. */
static void
test_hour(void)
{
  enum {
    LOSS = 300,
    HALF = 600,
    CLEAR = 900,
    SLOW = 1200,
    SLOWER = 1800,
    FREE = 2400,
    BURSTS = 2700,
    FREE_AGAIN = 3000,
    CELLULAR = 3300,
    END = 3600
  };
  static const SimStep steps[] = {
      {.at = 10 * WZP_SECOND, .has_network = true, .network = WZP_NETWORK_WIFI},
      {.at = LOSS * WZP_SECOND, .has_loss = true, .loss = 0.1},
      {.at = HALF * WZP_SECOND, .has_loss = true, .loss = 0.5},
      {.at = CLEAR * WZP_SECOND, .has_loss = true},
      {.at = SLOW * WZP_SECOND, .has_rate = true, .rate = 32000},
      {.at = SLOWER * WZP_SECOND, .has_rate = true, .rate = 14000},
      {.at = FREE * WZP_SECOND, .has_rate = true, .rate = 10000000},
      {.at = BURSTS * WZP_SECOND, .has_loss = true, .loss = 0.3, .burst = 4},
      {.at = FREE_AGAIN * WZP_SECOND, .has_loss = true},
      {.at = CELLULAR * WZP_SECOND, .has_network = true, .network = WZP_NETWORK_CELLULAR},
  };
  const SimLinkConfig link = {.rate = 10000000, .queue_time = 5 * WZP_SECOND};
  SimMeasure measure;
  run(&measure, 2, END * WZP_SECOND, &link, steps, G_N_ELEMENTS(steps), "opus-24k");

  /* down and up, when and as far as there is reason to */
  g_assert_cmpuint(tier_changes(&measure, 0, HALF), ==, 0);
  /* repair nearly bears it */
  g_assert_cmpfloat(lost(&measure, HALF + 15, CLEAR), <, 0.06);
  g_assert_cmpint(at(&measure, CLEAR + 30)->quality.tier, ==, WZP_TIER_GOOD);
  g_assert_cmpuint(tier_changes(&measure, CLEAR + 30, SLOWER), ==, 0);
  g_assert_cmpint(at(&measure, SLOWER + 30)->quality.tier, >=, WZP_TIER_DEGRADED);
  g_assert_cmpint(at(&measure, FREE + 120)->quality.tier, ==, WZP_TIER_GOOD);
  g_assert_cmpint(at(&measure, FREE_AGAIN + 30)->quality.tier, ==, WZP_TIER_GOOD);
  g_assert_cmpuint(tier_changes(&measure, FREE_AGAIN + 30, CELLULAR), ==, 0);
  g_assert_cmpint(at(&measure, CELLULAR + 2)->quality.tier, ==, WZP_TIER_DEGRADED);
  g_assert_cmpint(at(&measure, CELLULAR + 30)->quality.tier, ==, WZP_TIER_GOOD);
  g_assert_cmpuint(tier_changes(&measure, 0, END), <=, 26);

  /* no queue stands on a slow link; the seconds after it became slow aside */
  for (unsigned n = SLOW + 10; n < END; n++)
    if (n < SLOWER || n > SLOWER + 20)
      g_assert_cmpint(at(&measure, n)->wait, <,
                      300 * WZP_MSEC); /* the keys of the room are new each ten minutes */
  /* and the latency comes back */
  const unsigned calm[] = {CLEAR - 1 + 299, FREE + 299, CELLULAR - 1, END - 1};
  for (size_t i = 0; i < G_N_ELEMENTS(calm); i++)
    g_assert_cmpint(at(&measure, calm[i])->latency, <=,
                    at(&measure, LOSS - 1)->latency + 15 * WZP_MSEC);
  g_assert_cmpint(measure.stall, <,
                  2500 * WZP_MSEC); /* where 32 kbit/s become 14, and keys are new */
  sim_measure_clear(&measure);
}

/* A slow link with a deep queue: what we send adds little to it, from the first second on. */
static void
test_slow_link(void)
{
  for (unsigned kbps = 24; kbps <= 48; kbps += 8) {
    const SimLinkConfig link = {.rate = kbps * 1000, .queue_time = 10 * WZP_SECOND};
    SimMeasure measure;
    run(&measure, kbps, 300 * WZP_SECOND, &link, NULL, 0, "opus-24k");
    g_assert_cmpint(measure.wait_p95, <, 60 * WZP_MSEC);
    if (kbps == 32)
      g_assert_cmpint(measure.wait_max, <, 150 * WZP_MSEC);
    g_assert_cmpuint(tier_changes(&measure, 0, 300), <=, 2);
    /* and most of it is used */
    g_assert_cmpuint(measure.counts.wire_bytes * 8 / 300, >, kbps * 1000 * 7 / 10);
    g_assert_cmpuint(measure.counts.lost * 1000, <=, measure.counts.sent);
    g_assert_cmpint(measure.quality.verdict, !=, WZP_VERDICT_GOOD);
    sim_measure_clear(&measure);
  }
}

/* A link that is slow and loses, too: while it is tried what else it carries, its losses are repaired as before. */
static void
test_slow_and_lossy(void)
{
  static const unsigned kbps[] = {64, 96}, trips[] = {60, 280}, percent[] = {5, 10, 20};
  for (unsigned n = 0; n < 12; n++) {
    const SimLinkConfig link = {
        .rate = kbps[n / 6] * 1000, .queue_time = WZP_SECOND, .loss = percent[n % 3] / 100.0};
    SimMeasure measure;
    run_far(&measure, 900 + n, 90 * WZP_SECOND, trips[n / 3 % 2] * WZP_MSEC, &link, NULL, 0,
            "opus-64k");
    for (unsigned second = 1; second < 90; second++)
      g_assert_cmpint(at(&measure, second)->quality.tier, <=, WZP_TIER_GOOD);
    g_assert_cmpfloat(lost(&measure, 10, 90), <, 0.008);
    sim_measure_clear(&measure);
  }
}

/* However far the other one is, from the first packet on. */
static void
test_far(void)
{
  static const unsigned trips[] = {50, 150, 200, 300, 400, 500, 800};
  const SimLinkConfig link = {.rate = 32000, .queue_time = 10 * WZP_SECOND};
  for (size_t i = 0; i < G_N_ELEMENTS(trips); i++) {
    SimMeasure measure;
    run_far(&measure, 200 + i, 60 * WZP_SECOND, trips[i] * WZP_MSEC, &link, NULL, 0, "opus-24k");
    g_assert_cmpint(measure.wait_max, <, 150 * WZP_MSEC);
    g_assert_cmpint(measure.unheard, ==, 0);
    sim_measure_clear(&measure);
  }
}

/* On a fast way nothing limits any more after a few seconds, however far the other one is. */
static void
test_fast(void)
{
  static const struct {
    unsigned trip, seconds;
  } rows[] = {{20, 3}, {60, 3}, {100, 3}, {200, 4}, {300, 4}};
  const SimLinkConfig link = {.jitter = 2 * WZP_MSEC};
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
    for (unsigned n = 0; n < 4; n++) {
      SimMeasure measure;
      run_far(&measure, 700 + 10 * i + n, 8 * WZP_SECOND, rows[i].trip * WZP_MSEC, &link, NULL, 0,
              "opus-24k");
      for (unsigned second = rows[i].seconds; second < 8; second++) {
        g_assert_cmpuint(at(&measure, second)->quality.limit, ==, 0);
        g_assert_cmpstr(at(&measure, second)->plan.profile->name, ==, "opus-24k");
      }
      sim_measure_clear(&measure);
    }
}

/* Slower than the first packets: the queue of the start is short all the same. */
static void
test_slowest(void)
{
  for (unsigned kbps = 14; kbps <= 24; kbps += 2) {
    const SimLinkConfig link = {.rate = kbps * 1000, .queue_time = 10 * WZP_SECOND};
    SimMeasure measure;
    run(&measure, 300 + kbps, 60 * WZP_SECOND, &link, NULL, 0, "opus-24k");
    g_assert_cmpint(measure.wait_max, <, 700 * WZP_MSEC);
    g_assert_cmpint(measure.unheard, ==, 0);
    sim_measure_clear(&measure);
  }
}

/* A link becomes slow, whenever that is: what waits in front of it by then is soon gone, and silence is short. */
static void
test_becomes_slow(void)
{
  static const struct {
    unsigned from, to;
    WzpTime unheard; /* in the mean */
  } rows[] = {{32000, 14000, WZP_SECOND},
              {10000000, 32000, 0},
              {10000000, 14000, 1300 * WZP_MSEC},
              {24000, 14000, 0}};
  enum { TIMES = 5 };
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    WzpTime unheard = 0;
    for (unsigned n = 0; n < TIMES; n++) {
      const SimLinkConfig link = {.rate = rows[i].from, .queue_time = 10 * WZP_SECOND};
      const SimStep step = {
          .at = (20000 + n * 230) * WZP_MSEC, .has_rate = true, .rate = rows[i].to};
      SimMeasure measure;
      run(&measure, 400 + 10 * i + n, 40 * WZP_SECOND, &link, &step, 1, "opus-24k");
      g_assert_cmpint(measure.wait_max, <, 1200 * WZP_MSEC);
      g_assert_cmpuint(tier_changes(&measure, 0, 40), <=, 4);
      unheard += measure.unheard;
      sim_measure_clear(&measure);
    }
    g_assert_cmpint(unheard, <=, TIMES * rows[i].unheard);
  }
}

/* Slow from just after the first reports on: each packet takes longer than those did, which is no queue, and not for ever a
 * reason to say little. */
static void
test_becomes_slow_at_once(void)
{
  const SimLinkConfig link = {.queue_time = 10 * WZP_SECOND};
  for (unsigned n = 0; n < 12; n++) {
    const SimStep step = {.at = (100 + n * 100) * WZP_MSEC, .has_rate = true, .rate = 32000};
    SimMeasure measure;
    run_far(&measure, 600 + n, 20 * WZP_SECOND, (n % 3 * 150 + 60) * WZP_MSEC, &link, &step, 1,
            "opus-24k");
    g_assert_cmpint(measure.wait_max, <, 600 * WZP_MSEC);
    for (unsigned second = 14; second < 20; second++)
      g_assert_cmpuint(at(&measure, second)->quality.limit, >, 15000);
    sim_measure_clear(&measure);
  }
}

/* Jitter and a long way are no reason to speak worse; nor is loss that repair brings back. */
static void
test_no_reason(void)
{
  static const SimLinkConfig links[] = {{.jitter = 60 * WZP_MSEC},
                                        {.jitter = 60 * WZP_MSEC, .loss = 0.05},
                                        {.loss = 0.1},
                                        {.loss = 0.2}};
  for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
    SimMeasure measure;
    run(&measure, 100 + i, 200 * WZP_SECOND, &links[i], NULL, 0, "opus-24k");
    g_assert_cmpuint(tier_changes(&measure, 0, 200), ==, 0);
    g_assert_cmpint(measure.quality.tier, ==, WZP_TIER_GOOD);
    g_assert_cmpuint(measure.quality.cuts, <=, 1);
    sim_measure_clear(&measure);
  }
}

/* Who wants more than good gets it when there is room. */
static void
test_studio(void)
{
  const SimLinkConfig free = {0}, narrow = {.rate = 70000, .queue_time = WZP_SECOND};
  SimMeasure measure;
  run(&measure, 11, 60 * WZP_SECOND, &free, NULL, 0, "opus-64k");
  g_assert_cmpint(measure.quality.tier, ==, WZP_TIER_STUDIO_64K);
  g_assert_cmpstr(measure.plan.profile->name, ==, "opus-64k");
  sim_measure_clear(&measure);
  run(&measure, 12, 300 * WZP_SECOND, &narrow, NULL, 0, "opus-64k");
  g_assert_cmpint(measure.wait_p95, <, 150 * WZP_MSEC);
  g_assert_cmpuint(measure.plan.profile->bitrate, <, 64000);
  sim_measure_clear(&measure);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-quality/hour", test_hour);
  g_test_add_func("/sim-quality/slow-link", test_slow_link);
  g_test_add_func("/sim-quality/slow-and-lossy", test_slow_and_lossy);
  g_test_add_func("/sim-quality/far", test_far);
  g_test_add_func("/sim-quality/fast", test_fast);
  g_test_add_func("/sim-quality/slowest", test_slowest);
  g_test_add_func("/sim-quality/becomes-slow", test_becomes_slow);
  g_test_add_func("/sim-quality/becomes-slow-at-once", test_becomes_slow_at_once);
  g_test_add_func("/sim-quality/no-reason", test_no_reason);
  g_test_add_func("/sim-quality/studio", test_studio);
  return g_test_run();
}
