/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A clean way is cut for a while, in virtual time: what is said afterwards is said as well as before, and heard at once. */
#include "sim-call.h"

typedef enum { BOTH, OUT, BACK, RELAY, OTHER_WAY, N_KINDS } Kind; /* out: of party 0 */
static const char *const kinds[] = {"both directions", "one direction", "the other direction",
                                    "relay restarted", "another way afterwards"};

#define BEFORE (12 * WZP_SECOND)
#define AFTER (7 * WZP_SECOND)
#define LOOK (100 * WZP_MSEC)
#define LONGER (60 * WZP_MSEC) /* the other way, each direction */
#define HARDLY (60 * WZP_MSEC) /* that may be our own packets, of different lengths */
/* Until a member is heard again by a relay that knows nobody. */
#define RETURNS (3500 * WZP_MSEC)
#define HEARD (600 * WZP_MSEC)
#define PLAYOUT_BACK (5 * WZP_SECOND)
#define MEANWHILE (80 * WZP_MSEC) /* what repair of the edges is worth waiting for */
#define UNKNOWN                                                                                    \
  (WZP_SECOND) /* after a long time without reports more is repaired, until one comes */

static void
make_longer(SimLink *link, WzpTime by)
{
  SimLinkConfig config = *sim_link_config(link);
  config.delay += by;
  sim_link_set_config(link, &config);
}

static void
set_cut(SimCall *sim, Kind kind, bool cut)
{
  if (kind == RELAY) {
    if (cut)
      sim_call_kill_relay(sim);
    else
      sim_call_start_relay(sim);
    return;
  }
  if (kind != BACK)
    sim_link_set_down(sim->parties[0].out, cut);
  if (kind != OUT)
    sim_link_set_down(sim->parties[0].in, cut);
  for (unsigned i = 0; i < 2 && kind == OTHER_WAY && !cut; i++)
    make_longer(i == 0 ? sim->parties[0].out : sim->parties[0].in, LONGER);
}

static WzpTime
latency(const SimParty *party)
{
  return wzp_jitter_latency(party->jitter) / 1000;
}

typedef struct {
  WzpTime latency;
  uint64_t received;
  WzpTime heard; /* after the outage; WZP_NEVER: not yet */
} Before;

static void
look(const SimParty *party, WzpTime now, WzpTime end, Kind kind, Before *before)
{
  const WzpFecPlan *plan = wzp_fec_sender_plan(party->fec_sender);
  WzpQualityState state;
  wzp_quality_get_state(party->quality, now, &state);
  g_assert_cmpint(state.tier, ==, WZP_TIER_GOOD);
  g_assert_cmpuint(state.limit, ==, 0);
  g_assert_cmpuint(plan->profile->bitrate, >=, now - end > UNKNOWN ? 24000 : 16000);
  if (before->heard == WZP_NEVER && party->frames_received > before->received + 5)
    before->heard = now;
  const bool back = before->heard != WZP_NEVER && now - before->heard > PLAYOUT_BACK;
  g_assert_cmpint(latency(party), <=,
                  before->latency + (kind == OTHER_WAY ? LONGER : 0) +
                      (back ? 20 * WZP_MSEC : MEANWHILE));
}

/* Both talk, for long enough that nothing limits. */
static SimCall *
talking(uint64_t seed, WzpTime trip)
{
  const SimLinkConfig link = {.delay = trip / 4};
  const SimCallConfig config = sim_call_adaptive_config(seed, &link);
  SimCall *sim = sim_call_new(&config);
  sim_call_start_all(sim);
  sim_call_run(sim, BEFORE);
  return sim;
}

static void
cut_for(uint64_t seed, Kind kind, WzpTime duration, WzpTime trip)
{
  Before before[2];
  g_test_message("%s, %ld ms, round trip %ld ms", kinds[kind], (long)(duration / WZP_MSEC),
                 (long)(trip / WZP_MSEC));
  SimCall *sim = talking(seed, trip);
  set_cut(sim, kind, true);
  sim_call_run(sim, duration);
  set_cut(sim, kind, false);
  const WzpTime end = sim->now;
  for (unsigned i = 0; i < 2; i++) {
    const SimParty *party = &sim->parties[i];
    before[i] = (Before){latency(party), party->frames_received, WZP_NEVER};
  }
  while (sim->now < end + AFTER) {
    sim_call_run(sim, LOOK);
    for (unsigned i = 0; i < 2; i++)
      look(&sim->parties[i], sim->now, end, kind, &before[i]);
  }
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(before[i].heard, !=, WZP_NEVER);
    g_assert_cmpint(before[i].heard - end, <=, kind == RELAY ? RETURNS : HEARD);
    g_assert_cmpint(sim->parties[i].longest_stall, <=,
                    duration + (kind == RELAY ? RETURNS : HEARD));
  }
  sim_call_free(sim);
}

static void
test_grid(void)
{
  static const unsigned times[] = {500, 1000, 2000, 4000, 8000, 15000}, trips[] = {20, 60, 300};
  uint64_t seed = 1;
  for (unsigned kind = 0; kind < N_KINDS; kind++)
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
      for (size_t k = 0; k < G_N_ELEMENTS(trips); k++)
        cut_for(seed++, kind, times[i] * WZP_MSEC, trips[k] * WZP_MSEC);
}

/* A way that becomes longer at one instant is no queue: nobody speaks worse for it, at whichever tier, far or near. */
static void
longer(uint64_t seed, const char *profile, WzpTime before, WzpTime by, WzpTime trip)
{
  const SimLinkConfig link = {.delay = trip / 4, .jitter = 2 * WZP_MSEC};
  SimCallConfig config = sim_call_adaptive_config(seed, &link);
  WzpQualityState was[2], is;
  config.profile = wzp_profile_by_name(profile);
  SimCall *sim = sim_call_new(&config);
  sim_call_start_all(sim);
  sim_call_run(sim, before);
  g_test_message("%s, %ld ms longer, round trip %ld ms", profile, (long)(by / WZP_MSEC),
                 (long)(trip / WZP_MSEC));
  for (unsigned i = 0; i < 2; i++) {
    wzp_quality_get_state(sim->parties[i].quality, sim->now, &was[i]);
    g_assert_cmpint(was[i].tier, ==, wzp_tier_of_profile(config.profile));
    g_assert_cmpuint(was[i].limit, ==, 0);
    make_longer(i == 0 ? sim->parties[0].out : sim->parties[0].in, by);
  }
  for (const WzpTime end = sim->now + AFTER; sim->now < end;) {
    sim_call_run(sim, LOOK);
    for (unsigned i = 0; i < 2; i++) {
      const WzpFecPlan *plan = wzp_fec_sender_plan(sim->parties[i].fec_sender);
      wzp_quality_get_state(sim->parties[i].quality, sim->now, &is);
      g_assert_cmpint(is.tier, ==, was[i].tier);
      g_assert_cmpuint(plan->profile->bitrate, >=, config.profile->bitrate);
      g_assert_cmpuint(is.cuts, <=, was[i].cuts + (by < HARDLY ? 1 : 0));
    }
  }
  sim_call_free(sim);
}

static void
test_longer(void)
{
  static const struct {
    const char *profile;
    WzpTime before; /* one tier more each few seconds */
  } rows[] = {{"opus-64k", 35 * WZP_SECOND},
              {"opus-24k", BEFORE},
              {"opus-8k", BEFORE},
              {"codec2-1200", BEFORE}};
  uint64_t seed = 500;
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
    for (WzpTime by = 50 * WZP_MSEC; by <= 400 * WZP_MSEC; by *= 2)
      for (WzpTime trip = 60 * WZP_MSEC; trip <= 300 * WZP_MSEC; trip *= 5)
        longer(seed++, rows[i].profile, rows[i].before, by, trip);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-outage/grid", test_grid);
  g_test_add_func("/sim-outage/longer", test_longer);
  return g_test_run();
}
