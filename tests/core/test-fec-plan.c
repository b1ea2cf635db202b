/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/fec-plan.h"
#include "wzp/fec-element.h"
#include "../bench/fec-rank.h"
#include "test-util.h"
#include <math.h>

static WzpFecLimits
limits_of(const char *profile, unsigned delay_ms, unsigned budget)
{
  return (WzpFecLimits){.overhead = WZP_FEC_OVERHEAD_AUTO,
                        .profile = wzp_profile_by_name(profile),
                        .max_delay = delay_ms * WZP_MSEC,
                        .budget = budget};
}

static WzpFecPlan
plan_for(const WzpFecLimits *limits, double loss, double burst)
{
  WzpChannelState state = wzp_channel_of_burst(loss, burst);
  WzpFecPlan plan;
  wzp_fec_plan(&plan, &state, limits);
  return plan;
}

static double
overhead(const WzpFecPlan *plan)
{
  return plan->symbols_256 / 256.0 / plan->frames_per_packet;
}

/* Bit/s on the wire, all-in, of packets as the plan says, a report and a full header a second. */
static double
wire_rate(const WzpFecPlan *plan)
{
  double frames = plan->frames_per_packet, size = plan->profile->frame_bytes;
  double symbols = plan->symbols_256 / 256.0;
  double element = symbols >= plan->programs[0].window ? 3 : 4; /* copies have no ESI */
  double packet = 56 + 2 + frames * size + MIN(symbols, 1) * element + symbols * size;
  return 8 * (packet * 1000 / (frames * plan->profile->frame_ms) + 2 + WZP_REPORT_SIZE + 8);
}

/* What every plan keeps to. */
static void
check_plan(const WzpFecPlan *plan, const WzpFecLimits *limits, double loss)
{
  g_assert_cmpint(plan->scheme, !=, WZP_FEC_AUTO);
  g_assert_cmpint(
      wzp_framing_code(plan->profile->codec, plan->profile->frame_ms, plan->frames_per_packet), >=,
      0);
  g_assert_true(plan->expected_loss >= 0 && plan->expected_loss <= loss + 1e-9);
  g_assert_cmpuint(plan->n_programs, <=, 2);
  /* of copies one is left out now and then */
  const bool copies = plan->symbols_256 >= plan->programs[0].window * 256u;
  if (limits->budget != 0 && plan->symbols_256 > 0)
    g_assert_cmpfloat(wire_rate(plan), <=, limits->budget * (copies ? 1.004 : 1.002));
  WzpFecPlan bare = *plan;
  bare.symbols_256 = 0;
  g_assert_cmpfloat(fabs(wire_rate(&bare) * 150 / 149 - plan->least_budget), <, 1.001);
  if (limits->budget != 0 && limits->budget < plan->least_budget)
    g_assert_cmpuint(plan->symbols_256, ==, 0);
  if (plan->scheme == WZP_FEC_NONE) {
    g_assert_cmpuint(plan->symbols_256, ==, 0);
    return;
  }
  if (plan->scheme == WZP_FEC_BLOCK)
    return;
  g_assert_cmpuint(plan->n_programs, >=, 1);
  unsigned delay = (unsigned)(limits->max_delay /
                              (plan->frames_per_packet * plan->profile->frame_ms * WZP_MSEC));
  for (unsigned n = 0; n < plan->n_programs; n++) {
    g_assert_cmpuint(plan->programs[n].window, >=, 1);
    g_assert_cmpuint(plan->programs[n].window, <=, WZP_FEC_WINDOW_MAX);
    /* the newest frame of the window can still be in time */
    g_assert_cmpuint(plan->programs[n].offset, <, delay * plan->frames_per_packet);
  }
  unsigned most = plan->scheme == WZP_FEC_COPIES ? WZP_FEC_SYMBOLS_MAX : WZP_FEC_CODED_MAX;
  g_assert_cmpuint(plan->symbols_256, <=, most * 256);
  const WzpFecProgram *one = &plan->programs[0], *other = &plan->programs[1];
  if (plan->scheme == WZP_FEC_COPIES && plan->n_programs == 2) { /* each frame once in a packet */
    g_assert_cmpuint(one->offset + one->window, <=, other->offset);
    g_assert_cmpuint(other->offset + other->window, <=, delay * plan->frames_per_packet);
    g_assert_cmpuint(plan->symbols_256, <=, (one->window + other->window) * 256);
  } else if (plan->scheme == WZP_FEC_COPIES && plan->symbols_256 >= 256)
    g_assert_cmpuint(plan->symbols_256, ==, one->window * 256);
}

/* All profiles, delays, budgets, schemes and channels: a plan comes out, within its limits. */
static void
test_everywhere(void)
{
  static const double losses[] = {0, 0.001, 0.02, 0.13, 0.35, 0.6, 0.9, 1};
  static const double bursts[] = {0, 2, 5, 30};
  static const unsigned budgets[] = {0, 5000, 11000, 13500, 24000, 60000, 200000};
  static const unsigned delays[] = {0, 19, 20, 80, 200, 400, 2000};
  for (unsigned p = 0; wzp_profile_nth(p) != NULL; p++) {
    for (size_t b = 0; b < G_N_ELEMENTS(budgets); b++) {
      for (size_t d = 0; d < G_N_ELEMENTS(delays); d++) {
        for (WzpFecScheme scheme = WZP_FEC_AUTO; scheme <= WZP_FEC_NONE; scheme++) {
          for (size_t l = 0; l < G_N_ELEMENTS(losses) * G_N_ELEMENTS(bursts); l++) {
            WzpFecLimits limits = limits_of(wzp_profile_nth(p)->name, delays[d], budgets[b]);
            limits.scheme = scheme;
            limits.may_lower_profile = l % 2 == 0;
            double loss = losses[l / G_N_ELEMENTS(bursts)];
            WzpFecPlan plan = plan_for(&limits, loss, bursts[l % G_N_ELEMENTS(bursts)]);
            check_plan(&plan, &limits, loss);
          }
        }
      }
    }
  }
}

/* The floors of docs/PERFORMANCE.md: without losses and without a budget. */
static void
test_floor(void)
{
  static const struct {
    const char *profile;
    unsigned delay_ms;
    double floor;
  } tiers[] = {{"opus-24k", 200, 0.2}, {"opus-6k", 360, 0.5}, {"codec2-1200", 400, 1}};
  for (size_t n = 0; n < G_N_ELEMENTS(tiers); n++) {
    WzpFecLimits limits = limits_of(tiers[n].profile, tiers[n].delay_ms, 0);
    WzpFecPlan plan = plan_for(&limits, 0, 0);
    g_assert_cmpfloat_with_epsilon(overhead(&plan), tiers[n].floor, 0.01);
    g_assert_cmpuint(plan.frames_per_packet, ==, 1);
    g_assert_cmpfloat(plan.expected_loss, ==, 0);
    limits.budget = 200000;
    plan = plan_for(&limits, 0, 0);
    g_assert_cmpfloat_with_epsilon(overhead(&plan), tiers[n].floor, 0.01);
  }
}

/* Only what the target needs, more of it the worse the channel; never above 200 % of one's own accord. */
static void
test_spending(void)
{
  WzpFecLimits limits = limits_of("opus-24k", 200, 0);
  double before = 0;
  for (double loss = 0.01; loss < 0.9; loss *= 1.3) {
    WzpFecPlan plan = plan_for(&limits, loss, 0);
    g_assert_cmpfloat(overhead(&plan), >=, before - 0.02);
    g_assert_cmpfloat(overhead(&plan), <=, 2.01);
    if (overhead(&plan) < 1.9)
      g_assert_cmpfloat(plan.expected_loss, <=, 0.0005);
    before = overhead(&plan);
  }
  g_assert_cmpfloat(before, >=, 1.9);
}

/* A little less of the codec, where that buys the repair that matters more. */
static void
test_lower_profile(void)
{
  WzpFecLimits limits = limits_of("opus-24k", 360, 60000);
  limits.may_lower_profile = true;
  unsigned before = UINT_MAX;
  for (double loss = 0; loss < 0.8; loss += 0.1) {
    WzpFecPlan plan = plan_for(&limits, loss, 0);
    g_assert_cmpint(plan.profile->codec, ==, WZP_CODEC_OPUS);
    g_assert_cmpuint(plan.profile->bitrate, <=, before);
    before = plan.profile->bitrate;
    if (loss < 0.05)
      g_assert_cmpstr(plan.profile->name, ==, "opus-24k");
    limits.may_lower_profile = false;
    WzpFecPlan stubborn = plan_for(&limits, loss, 0);
    g_assert_true(stubborn.profile == limits.profile);
    g_assert_cmpfloat(plan.expected_loss, <=, stubborn.expected_loss + 0.001);
    limits.may_lower_profile = true;
  }
  g_assert_cmpuint(before, <=, 12000);
}

/* The packing in use stays while another is hardly better, and goes when it is clearly worse. */
static void
test_hold(void)
{
  WzpFecLimits limits = limits_of("codec2-1200", 400, 11000);
  bool changed = false;
  for (double loss = 0.3; loss < 0.6; loss += 0.005) {
    limits.held_profile = NULL;
    WzpFecPlan free_plan = plan_for(&limits, loss, 0);
    limits.held_profile = limits.profile;
    limits.held_frames = 2;
    WzpFecPlan plan = plan_for(&limits, loss, 0);
    limits.held_frames = 3;
    WzpFecPlan other = plan_for(&limits, loss, 0);
    changed |= plan.frames_per_packet == 2 && other.frames_per_packet == 3;
    g_assert_cmpfloat(plan.expected_loss, <=, free_plan.expected_loss + 0.01);
    g_assert_cmpfloat(other.expected_loss, <=, free_plan.expected_loss + 0.01);
  }
  g_assert_true(changed);
}

static void
test_wishes(void)
{
  WzpFecLimits limits = limits_of("opus-24k", 200, 0);
  limits.overhead = 60;
  WzpFecPlan plan = plan_for(&limits, 0.1, 0);
  g_assert_cmpfloat_with_epsilon(overhead(&plan), 0.6, 0.01);
  limits.window = 7;
  plan = plan_for(&limits, 0.1, 0);
  g_assert_cmpuint(plan.programs[0].window, ==, 7);
  g_assert_cmpuint(plan.programs[0].offset, ==, 0);
  limits.window = 0;
  limits.frames_per_packet = 3;
  plan = plan_for(&limits, 0, 0);
  g_assert_cmpuint(plan.frames_per_packet, ==, 3);
  limits.frames_per_packet = 4; /* Opus has no such framing: then the next lower */
  plan = plan_for(&limits, 0, 0);
  g_assert_cmpuint(plan.frames_per_packet, ==, 3);
  limits.profile = wzp_profile_by_name("codec2-3200");
  limits.frames_per_packet = 1; /* nor has this, and none is lower */
  plan = plan_for(&limits, 0, 0);
  g_assert_cmpuint(plan.frames_per_packet, ==, 2);
  limits = limits_of("opus-24k", 200, 0);
  limits.overhead = 0;
  g_assert_cmpint(plan_for(&limits, 0.3, 0).scheme, ==, WZP_FEC_NONE);
  limits = limits_of("opus-24k", 200, 0);
  limits.scheme = WZP_FEC_BLOCK;
  limits.overhead = 100;
  plan = plan_for(&limits, 0.1, 0);
  g_assert_cmpuint(plan.block_size, ==, 5);
  g_assert_cmpuint(plan.block_repairs, ==, 5);
  g_assert_cmpfloat_with_epsilon(plan.expected_loss, 0.00008, 0.00002);
  limits.scheme = WZP_FEC_COPIES;
  plan = plan_for(&limits, 0.1, 0);
  g_assert_cmpuint(plan.programs[0].window, ==, 1);
  g_assert_cmpuint(plan.symbols_256, ==, 256);
  g_assert_cmpfloat_with_epsilon(plan.expected_loss, 0.01, 1e-6);
}

static void
test_names(void)
{
  WzpFecScheme scheme;
  for (WzpFecScheme s = WZP_FEC_AUTO; s <= WZP_FEC_NONE; s++) {
    g_assert_true(wzp_fec_scheme_by_name(wzp_fec_scheme_name(s), &scheme));
    g_assert_cmpint(scheme, ==, s);
  }
  g_assert_false(wzp_fec_scheme_by_name("raptor", &scheme));
  g_assert_null(wzp_fec_scheme_name((WzpFecScheme)5));
}

/* Plays a plan's riding repair on a channel; shares of lost frames. Packets of several frames are one column. */
static double
play(const WzpFecPlan *plan, const WzpFecLimits *limits, const uint8_t *fates, unsigned n)
{
  unsigned frames = plan->frames_per_packet;
  WzpFecProgram programs[2];
  unsigned lost = 0;
  if (plan->scheme == WZP_FEC_NONE) {
    for (unsigned i = 0; i < n; i++)
      lost += fates[i];
    return (double)lost / n;
  }
  for (unsigned i = 0; i < plan->n_programs; i++)
    programs[i] = (WzpFecProgram){(uint8_t)(plan->programs[i].offset / frames),
                                  (uint8_t)MAX(plan->programs[i].window / frames, 1)};
  FecRankScheme scheme = {
      programs, plan->n_programs, plan->symbols_256 / frames,
      (unsigned)(limits->max_delay / (frames * plan->profile->frame_ms * WZP_MSEC))};
  return (double)fec_rank_lost(&scheme, fates, n) / n;
}

/* The plan for any channel, on any other: never more lost than without repair. On its own: what was expected. */
static void
test_wrong_estimate(void)
{
  static const double losses[] = {0.02, 0.07, 0.12, 0.2, 0.35, 0.55};
  static const double bursts[] = {0, 2.5, 5, 10};
  enum { N = 100000, CHANNELS = 24 };
  static uint8_t fates[CHANNELS][N];
  WzpFecLimits limits = limits_of("opus-24k", 200, 60000);
  limits.frames_per_packet = 2;
  for (unsigned c = 0; c < CHANNELS; c++) {
    WzpChannelState state = wzp_channel_of_burst(losses[c / 4], bursts[c % 4]);
    state.memory *= state.memory; /* per packet of two frames */
    fec_fates(fates[c], N, &state, c + 50);
  }
  for (unsigned a = 0; a < CHANNELS; a++) {
    WzpFecPlan plan = plan_for(&limits, losses[a / 4], bursts[a % 4]);
    double own = play(&plan, &limits, fates[a], N);
    g_test_message("loss %.2f burst %.1f: expected %.4f, is %.4f", losses[a / 4], bursts[a % 4],
                   plan.expected_loss, own);
    g_assert_cmpfloat(own, <=, plan.expected_loss * 1.4 + 0.001);
    g_assert_cmpfloat(own, >=, plan.expected_loss * 0.6 - 0.001);
    for (unsigned b = 0; b < CHANNELS; b++) {
      WzpFecPlan none = {.scheme = WZP_FEC_NONE, .frames_per_packet = 2};
      double nothing = play(&none, &limits, fates[b], N);
      g_assert_cmpfloat(play(&plan, &limits, fates[b], N), <=, nothing);
    }
  }
}

/* Where most packets are lost the copies of a frame are scattered; not for losses that come together, nor for Codec2, which
 * a gap costs more than its frames. */
static void
test_scattered(void)
{
  WzpFecLimits limits = limits_of("opus-24k", 340, 60000);
  limits.may_lower_profile = true;
  WzpFecPlan plan = plan_for(&limits, 0.7, 0);
  check_plan(&plan, &limits, 0.7);
  g_assert_cmpint(plan.scheme, ==, WZP_FEC_COPIES);
  g_assert_cmpuint(plan.n_programs, ==, 2);
  g_assert_cmpuint(plan.programs[0].offset, ==, 1);
  g_assert_cmpuint(plan.programs[0].window, ==, 5);
  g_assert_cmpuint(plan.programs[1].offset, ==, 7);
  g_assert_cmpuint(plan.programs[1].window, ==, 1);
  g_assert_cmpfloat_with_epsilon(plan.expected_loss, pow(0.7, 7), 1e-6);
  plan = plan_for(&limits, 0.7, 8);
  g_assert_false(plan.scheme == WZP_FEC_COPIES && plan.n_programs == 2);
  limits = limits_of("codec2-1200", 340, 11000);
  plan = plan_for(&limits, 0.5, 0);
  g_assert_false(plan.scheme == WZP_FEC_COPIES && plan.n_programs == 2);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/fec-plan/everywhere", test_everywhere);
  g_test_add_func("/fec-plan/floor", test_floor);
  g_test_add_func("/fec-plan/spending", test_spending);
  g_test_add_func("/fec-plan/lower-profile", test_lower_profile);
  g_test_add_func("/fec-plan/hold", test_hold);
  g_test_add_func("/fec-plan/wishes", test_wishes);
  g_test_add_func("/fec-plan/names", test_names);
  g_test_add_func("/fec-plan/scattered", test_scattered);
  g_test_add_func("/fec-plan/wrong-estimate", test_wrong_estimate);
  return g_test_run();
}
