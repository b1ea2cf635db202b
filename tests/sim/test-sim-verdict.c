/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-call.h"

/* Each verdict that the controller knows comes where the network gives reason for it, and is what is said at the end. */

#define LOOK_EVERY (100 * WZP_MSEC)
#define ONE_WAY (25 * WZP_MSEC)
#define DRIFT_SLOTS 4500
#define DRIFT_STEP 14 /* us a slot: 700 ppm */

typedef struct {
  WzpVerdict verdict;
  WzpReason reason; /* that comes with it; WZP_N_REASONS: any */
  unsigned n_parties;
  SimLinkConfig out;   /* from who talks to the relay, at first, */
  SimLinkConfig later; /* and from `at` on, if that is not 0 */
  WzpTime at;
  SimLinkConfig back;    /* from the listener to the relay */
  SimLinkConfig last_in; /* from the relay to the last listener */
  bool drifts, ends_so;
  unsigned seconds;
} Case;

static const Case cases[] = {
    {.verdict = WZP_VERDICT_UNKNOWN, .reason = WZP_REASON_START, .seconds = 1},
    {.verdict = WZP_VERDICT_GOOD, .reason = WZP_REASON_CLEAR, .seconds = 10, .ends_so = true},
    {.verdict = WZP_VERDICT_UNHEARD,
     .reason = WZP_N_REASONS,
     .at = 5 * WZP_SECOND,
     .later = {.loss = 1},
     .seconds = 14,
     .ends_so = true},
    {.verdict = WZP_VERDICT_CONGESTED,
     .reason = WZP_REASON_QUEUE,
     .out = {.rate = 48000, .queue_time = 5 * WZP_SECOND},
     .at = 10 * WZP_SECOND,
     .later = {.rate = 20000, .queue_time = 5 * WZP_SECOND},
     .seconds = 20},
    {.verdict = WZP_VERDICT_UPLINK_LOSES,
     .reason = WZP_N_REASONS,
     .out = {.loss = 0.15},
     .seconds = 20,
     .ends_so = true},
    {.verdict = WZP_VERDICT_LISTENER_LOSES,
     .reason = WZP_N_REASONS,
     .n_parties = 3,
     .last_in = {.loss = 0.2},
     .seconds = 20,
     .ends_so = true},
    {.verdict = WZP_VERDICT_DOWNLINK_LOSES,
     .reason = WZP_N_REASONS,
     .back = {.loss = 0.15},
     .seconds = 20,
     .ends_so = true},
    {.verdict = WZP_VERDICT_SLOW,
     .reason = WZP_N_REASONS,
     .out = {.rate = 32000, .queue_time = 5 * WZP_SECOND},
     .seconds = 25,
     .ends_so = true},
    {.verdict = WZP_VERDICT_PEER_DRIFTS,
     .reason = WZP_REASON_CLEAR,
     .drifts = true,
     .seconds = 80,
     .ends_so = true},
};

static void
set_link(SimLink *link, SimLinkConfig config, const SimTrace *trace)
{
  config.delay = ONE_WAY;
  config.trace = trace;
  sim_link_set_config(link, &config);
}

/* How often the verdict was given, with the reason. */
static unsigned
look(SimCall *sim, const Case *this, WzpTime duration, WzpVerdict *last)
{
  unsigned n = 0;
  for (WzpTime end = sim->now + duration; sim->now < end;) {
    WzpQualityState state;
    sim_call_run(sim, LOOK_EVERY);
    wzp_quality_get_state(sim->parties[0].quality, sim->now, &state);
    *last = state.verdict;
    n += state.verdict == this->verdict &&
         (this->reason == WZP_N_REASONS || this->reason == state.reason);
  }
  return n;
}

static void
run(const Case *this, const SimTrace *drift)
{
  const SimLinkConfig clean = {.delay = ONE_WAY};
  SimCallConfig config = sim_call_adaptive_config(1 + this->verdict, &clean);
  config.n_parties = this->n_parties;
  SimCall *sim = sim_call_new(&config);
  const SimParty *last = &sim->parties[sim->n_parties - 1];
  WzpVerdict verdict = WZP_N_VERDICTS;
  sim_call_start_all(sim);
  set_link(sim->parties[0].out, this->out, this->drifts ? drift : NULL);
  sim_link_set_origin(sim->parties[0].out, sim->now);
  set_link(sim->parties[1].out, this->back, NULL);
  set_link(last->in, this->last_in, NULL);

  const WzpTime before = this->at > 0 ? this->at : this->seconds * WZP_SECOND;
  unsigned n = look(sim, this, before, &verdict);
  if (this->at > 0) {
    g_assert_cmpint(verdict, !=, this->verdict);
    set_link(sim->parties[0].out, this->later, NULL);
    n += look(sim, this, this->seconds * WZP_SECOND - before, &verdict);
  }
  g_test_message("%s: %u times, at last %s", wzp_verdict_name(this->verdict), n,
                 wzp_verdict_name(verdict));
  g_assert_cmpuint(n, >=, 1);
  if (this->ends_so)
    g_assert_cmpint(verdict, ==, this->verdict);
  sim_call_free(sim);
}

static void
test_each(void)
{
  SimTraceSlot slots[DRIFT_SLOTS] = {0};
  const SimTrace drift = {.n_slots = DRIFT_SLOTS, .slots = slots};
  for (unsigned n = 0; n < DRIFT_SLOTS; n++)
    slots[n].delay = (WzpTime)n * DRIFT_STEP;
  g_assert_cmpuint(G_N_ELEMENTS(cases), ==, WZP_N_VERDICTS);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_assert_cmpint(cases[i].verdict, ==, i);
    run(&cases[i], &drift);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-verdict/each", test_each);
  return g_test_run();
}
