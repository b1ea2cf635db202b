/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Dialled calls through a relay, in virtual time. */
#include "direct-call.h"
#include <stdlib.h>
#include <string.h>

static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};

static SimCall *
new_sim(uint64_t seed, const SimLinkConfig *link, unsigned n_parties)
{
  SimCallConfig config = {
      .seed = seed, .mode = WZP_CALL_RELAY, .n_parties = n_parties, .out = *link, .in = *link};
  nonce_watch_reset();
  SimCall *sim = sim_call_new(&config);
  sim_call_start_relay(sim);
  return sim;
}

static WzpDialInfo
info_of(SimCall *sim, unsigned party)
{
  WzpDialInfo info;
  wzp_dial_get_info(dial_of(sim, party), &info);
  return info;
}

static const WzpDialEvent *
find(SimCall *sim, unsigned party, WzpDialEventType type)
{
  GArray *events = sim->parties[party].events;
  for (unsigned i = 0; i < events->len; i++) {
    const WzpEvent *event = &g_array_index(events, WzpEvent, i);
    if (event->type == WZP_EVENT_CALL && event->dial.type == type)
      return &event->dial;
  }
  return NULL;
}

static unsigned
count(SimCall *sim, unsigned party, WzpDialEventType type)
{
  GArray *events = sim->parties[party].events;
  unsigned n = 0;
  for (unsigned i = 0; i < events->len; i++) {
    const WzpEvent *event = &g_array_index(events, WzpEvent, i);
    n += event->type == WZP_EVENT_CALL && event->dial.type == type;
  }
  return n;
}

static bool
both_idle(SimCall *sim)
{
  return info_of(sim, 0).state == WZP_DIAL_IDLE && info_of(sim, 1).state == WZP_DIAL_IDLE;
}

/* Party 0 calls party 1, which takes it; both talk. */
static SimCall *
talking(uint64_t seed, const SimLinkConfig *link, unsigned n_parties)
{
  SimCall *sim = new_sim(seed, link, n_parties);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, is_listening_1, 60 * WZP_SECOND));
  start(sim, 0, 1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, rings_at_1, 60 * WZP_SECOND));
  g_assert_cmpint(wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, WZP_ACCEPT_TRUSTED), ==, WZP_OK);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 60 * WZP_SECOND));
  return sim;
}

static void
assert_hears(SimCall *sim, WzpTime duration)
{
  uint64_t before[2];
  for (unsigned i = 0; i < 2; i++)
    before[i] = sim->parties[i].frames_received;
  sim_call_run(sim, duration);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(sim->parties[i].frames_received, >, before[i]);
}

static void
test_call(void)
{
  SimCall *sim = talking(1, &clean, 2);
  WzpDialInfo caller = info_of(sim, 0), callee = info_of(sim, 1);
  g_assert_true(caller.outgoing && !callee.outgoing && caller.proven && callee.proven);
  g_assert_cmpmem(caller.sas, 8, callee.sas, 8);
  g_assert_cmpmem(caller.id, 16, callee.id, 16);
  g_assert_cmpmem(caller.key, 32, sim->parties[1].identity->ed25519_public, 32);
  g_assert_cmpmem(callee.key, 32, sim->parties[0].identity->ed25519_public, 32);
  g_assert_cmpint(caller.mode, ==, WZP_ACCEPT_TRUSTED);
  g_assert_nonnull(find(sim, 0, WZP_DIAL_EVENT_PROVEN));
  g_assert_nonnull(find(sim, 0, WZP_DIAL_EVENT_REMOTE_RINGS));
  g_assert_nonnull(find(sim, 0, WZP_DIAL_EVENT_ACCEPTED));
  sim_call_run(sim, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    sim_call_talk(sim, i, false);
  sim_call_run(sim, WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) { /* from the first packet on */
    g_assert_cmpuint(sim->parties[i].frames_received, >, 450);
    g_assert_cmpuint(sim->parties[i].frames_received, ==, sim->parties[1 - i].frames_sent);
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).n_members, ==, 1);
  }
  RelayStats stats;
  relay_core_get_stats(sim->relay, &stats);
  g_assert_cmpuint(stats.calls, ==, 1);
  g_assert_cmpuint(stats.calls_started, ==, 1);
  wzp_dial_hang_up(dial_of(sim, 0), sim->now, NULL);
  g_assert_true(sim_call_run_until(sim, both_idle, WZP_SECOND));
  g_assert_cmpint(find(sim, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_HUNG_UP);
  g_assert_true(find(sim, 1, WZP_DIAL_EVENT_ENDED)->theirs);
  g_assert_cmpuint(sim_party_count_events(&sim->parties[1], WZP_EVENT_MEMBER_LEFT), ==, 1);
  sim_call_run(sim, 15 * WZP_SECOND);
  relay_core_get_stats(sim->relay, &stats);
  g_assert_cmpuint(stats.calls, ==, 0);
  sim_call_free(sim);
}

static void
test_decline_busy(void)
{
  SimCall *sim = talking(2, &clean, 3);
  start(sim, 2, 1, WZP_ACCEPT_TRUSTED);
  sim_call_run(sim, 3 * WZP_SECOND);
  g_assert_cmpint(find(sim, 2, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_BUSY);
  g_assert_nonnull(find(sim, 1, WZP_DIAL_EVENT_MISSED));
  g_assert_cmpuint(count(sim, 1, WZP_DIAL_EVENT_INCOMING), ==, 1);
  assert_hears(sim, WZP_SECOND);
  sim_call_free(sim);

  sim = new_sim(3, &clean, 2);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  sim_call_run(sim, WZP_SECOND);
  start(sim, 0, 1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, rings_at_1, WZP_SECOND));
  g_assert_cmpint(wzp_dial_decline(dial_of(sim, 1), sim->now, NULL, WZP_END_DECLINED), ==, WZP_OK);
  g_assert_true(sim_call_run_until(sim, both_idle, WZP_SECOND));
  g_assert_cmpint(find(sim, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_DECLINED);
  sim_call_free(sim);
}

static void
test_nobody_answers(void)
{
  SimCall *sim = new_sim(4, &clean, 2);
  start(sim, 0, 1, WZP_ACCEPT_TRUSTED); /* nobody listens */
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_cmpint(find(sim, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_UNREACHABLE);
  sim_call_free(sim);

  sim = new_sim(5, &clean, 2);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  sim_call_run(sim, WZP_SECOND);
  start(sim, 0, 1, WZP_ACCEPT_TRUSTED); /* it rings and rings */
  sim_call_run(sim, 59 * WZP_SECOND);
  g_assert_true(rings_at_1(sim));
  sim_call_run(sim, 3 * WZP_SECOND);
  g_assert_true(both_idle(sim));
  g_assert_cmpint(find(sim, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_TIMEOUT);
  sim_call_free(sim);

  sim = new_sim(6, &clean, 2);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  sim_call_run(sim, WZP_SECOND);
  start(sim, 0, 1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, rings_at_1, WZP_SECOND));
  sim_call_kill_party(sim, 0); /* the caller's client is gone without a word */
  sim_call_run(sim, 50 * WZP_SECOND);
  g_assert_cmpint(info_of(sim, 1).state, ==, WZP_DIAL_IDLE);
  g_assert_cmpint(find(sim, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  sim_call_free(sim);
}

/* Both dial each other at once, whoever has the lower fingerprint. */
static void
test_glare(void)
{
  for (uint64_t seed = 10; seed < 40; seed++) {
    SimLinkConfig link = {.delay = 20 * WZP_MSEC, .jitter = 50 * WZP_MSEC};
    SimCall *sim = new_sim(seed, &link, 2);
    unsigned first = seed % 2;
    start(sim, first, 1 - first, WZP_ACCEPT_TRUSTED);
    sim_call_run(sim, (WzpTime)(seed % 5) * 40 * WZP_MSEC);
    start(sim, 1 - first, first, WZP_ACCEPT_TRUSTED);
    if (!sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND)) {
      /* it rang before the other one dialled: that is a call like any other */
      unsigned ringing = info_of(sim, 0).state == WZP_DIAL_RINGS ? 0 : 1;
      g_assert_cmpint(info_of(sim, ringing).state, ==, WZP_DIAL_RINGS);
    } else {
      WzpDialInfo a = info_of(sim, 0), b = info_of(sim, 1);
      g_assert_cmpmem(a.id, 16, b.id, 16);
      g_assert_true(a.outgoing != b.outgoing);
      assert_hears(sim, WZP_SECOND);
    }
    sim_call_free(sim);
  }
}

typedef enum { TIME_RINGS, TIME_TAKEN, TIME_HEARD, N_TIMES } Time;

static bool
caller_knows_it_rings(SimCall *sim)
{
  return find(sim, 0, WZP_DIAL_EVENT_REMOTE_RINGS) != NULL;
}

static bool
caller_knows_it_is_taken(SimCall *sim)
{
  return info_of(sim, 0).state == WZP_DIAL_TALKING;
}

static bool
both_heard(SimCall *sim)
{
  return sim->parties[0].frames_received > 0 && sim->parties[1].frames_received > 0;
}

/* A call from its beginning to its end. */
static void
call_through(uint64_t seed, const SimLinkConfig *link, GArray *times[N_TIMES])
{
  SimCall *sim = new_sim(seed, link, 2);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, is_listening_1, 60 * WZP_SECOND));
  WzpTime begun = sim->now, time[N_TIMES];
  start(sim, 0, 1, WZP_ACCEPT_TRUSTED); /* with the way to the relay */
  g_assert_true(sim_call_run_until(sim, caller_knows_it_rings, 60 * WZP_SECOND));
  time[TIME_RINGS] = sim->now - begun;
  begun = sim->now;
  wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, WZP_ACCEPT_PRIVATE);
  g_assert_true(sim_call_run_until(sim, caller_knows_it_is_taken, 60 * WZP_SECOND));
  time[TIME_TAKEN] = sim->now - begun;
  g_assert_true(sim_call_run_until(sim, both_heard, 60 * WZP_SECOND));
  time[TIME_HEARD] = sim->now - begun;
  for (unsigned t = 0; t < N_TIMES; t++)
    g_array_append_val(times[t], time[t]);
  assert_hears(sim, 5 * WZP_SECOND);
  wzp_dial_hang_up(dial_of(sim, seed % 2), sim->now, NULL);
  g_assert_true(sim_call_run_until(sim, both_idle, 60 * WZP_SECOND));
  g_assert_cmpint(find(sim, 1 - seed % 2, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_HUNG_UP);
  sim_call_free(sim);
}

/* How long a call takes to come about: from the caller's start until it knows that it rings, and from when the callee
 * takes it until the caller knows, and until both hear. Each of the two links loses so much of all datagrams; the round
 * trip is that from end to end. docs/PERFORMANCE.md has the figures of WZP_SIM_RUNS=200. */
static void
test_times(void)
{
  static const struct {
    unsigned loss, round_trip; /* %, ms */
    double median[N_TIMES], worst[N_TIMES];
  } cases[] = {
      {0, 300, {1, .2, .34}, {1, .2, .34}},    {30, 300, {1.7, .3, .5}, {3, 1.2, 1.3}},
      {50, 300, {2.6, .4, .8}, {6, 1.5, 2.2}}, {0, 800, {2.5, .5, .84}, {2.5, .5, .84}},
      {30, 800, {3.4, .7, 1.1}, {6, 1.5, 2}},  {50, 800, {4.2, .8, 1.4}, {8, 2.5, 3.2}},
      {70, 800, {6.5, 1.2, 2}, {25, 5, 6}},
  };
  const char *more = g_getenv("WZP_SIM_RUNS");
  const unsigned runs = more != NULL ? (unsigned)atoi(more) : 20;
  for (unsigned c = 0; c < G_N_ELEMENTS(cases); c++) {
    const SimLinkConfig link = {.loss = cases[c].loss / 100.0,
                                .delay = cases[c].round_trip * WZP_MSEC / 4};
    GArray *times[N_TIMES];
    for (unsigned t = 0; t < N_TIMES; t++)
      times[t] = g_array_new(FALSE, FALSE, sizeof(WzpTime));
    for (unsigned run = 0; run < runs; run++)
      call_through(50 + run, &link, times);
    for (unsigned t = 0; t < N_TIMES; t++) {
      static const char *const names[N_TIMES] = {"rings", "taken", "heard"};
      double median = sim_quantile(times[t], 0.5), worst = sim_quantile(times[t], 1);
      g_test_message("loss %u %%, %u ms: %s after median %.2f s, p90 %.2f s, worst %.2f s",
                     cases[c].loss, cases[c].round_trip, names[t], median,
                     sim_quantile(times[t], 0.9), worst);
      g_assert_true(more != NULL || (median <= cases[c].median[t] && worst <= cases[c].worst[t]));
      g_array_unref(times[t]);
    }
  }
}

/* New keys every ten minutes while half of everything is lost: nothing that arrives stays closed for long. */
static void
test_rekey(void)
{
  SimLinkConfig link = {.loss = 0.5, .delay = 200 * WZP_MSEC, .jitter = 40 * WZP_MSEC};
  SimCall *sim = talking(90, &link, 2);
  sim_call_run(sim, 2000 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    WzpDialInfo info = info_of(sim, i);
    WzpCallStats stats = sim_party_stats(&sim->parties[i]);
    g_assert_cmpuint(info.generation, >=, 3);
    g_assert_cmpuint(info.epoch, >=, 3);
    g_assert_cmpint(info.state, ==, WZP_DIAL_TALKING);
    g_assert_cmpuint(stats.packets_opened, >, 20000);
    g_assert_cmpuint(stats.drops[WZP_BAD_TAG] + stats.drops[WZP_NO_KEY] + stats.drops[WZP_TOO_OLD],
                     <, stats.packets_opened / 100);
  }
  g_assert_cmpuint(info_of(sim, 0).generation, ==, info_of(sim, 1).generation);
  sim_call_free(sim);
}

/* The relay goes and comes back with an empty memory: the same call goes on, with the same keys. */
static void
test_relay_restart(void)
{
  for (uint64_t seed = 100; seed < 110; seed++) {
    SimLinkConfig link = {.loss = seed % 2 ? 0.3 : 0, .delay = 100 * WZP_MSEC};
    SimCall *sim = talking(seed, &link, 2);
    WzpDialInfo before = info_of(sim, 0);
    sim_call_run(sim, 5 * WZP_SECOND);
    if (seed % 3 == 0)
      sim_call_stop_relay(sim);
    else
      sim_call_kill_relay(sim);
    sim_call_run(sim, (WzpTime)(seed % 4) * WZP_SECOND);
    sim_call_start_relay(sim);
    sim_call_run(sim, 25 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    for (unsigned i = 0; i < 2; i++) {
      WzpDialInfo after = info_of(sim, i);
      g_assert_cmpmem(after.id, 16, before.id, 16);
      g_assert_cmpmem(after.sas, 8, before.sas, 8);
      g_assert_cmpuint(count(sim, i, WZP_DIAL_EVENT_ENDED), ==, 0);
      g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_MEMBER), ==, 1);
    }
    assert_hears(sim, 2 * WZP_SECOND);
    wzp_dial_hang_up(dial_of(sim, 1), sim->now, NULL);
    g_assert_true(sim_call_run_until(sim, both_idle, 20 * WZP_SECOND));
    g_assert_cmpint(find(sim, 0, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_HUNG_UP);
    sim_call_free(sim);
  }
}

/* Nothing that is said while it rings, or after it was declined, leaves; what is said from acceptance on does. */
static void
test_nothing_before_acceptance(void)
{
  for (unsigned declined = 0; declined < 2; declined++) {
    SimCall *sim = new_sim(140 + declined, &clean, 2);
    start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
    g_assert_true(sim_call_run_until(sim, is_listening_1, 30 * WZP_SECOND));
    start(sim, 0, 1, WZP_ACCEPT_TRUSTED);
    g_assert_true(sim_call_run_until(sim, rings_at_1, 30 * WZP_SECOND));
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_true(sim->parties[i].talking);
      g_assert_cmpuint(sim->parties[i].frames_sent, ==, 0);
    }
    if (declined)
      wzp_dial_decline(dial_of(sim, 1), sim->now, NULL, WZP_END_DECLINED);
    else
      wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, WZP_ACCEPT_TRUSTED);
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++)
      g_assert_true((sim->parties[i].frames_sent == 0) == (declined == 1));
    sim_call_free(sim);
  }
}

/* A relay that restarts while it rings, with a goodbye or without one: nothing but the silence tells. */
static void
test_restart_while_ringing(void)
{
  for (uint64_t seed = 120; seed < 130; seed++) {
    SimLinkConfig link = {.loss = seed % 2 ? 0.3 : 0, .delay = 100 * WZP_MSEC};
    SimCall *sim = new_sim(seed, &link, 2);
    start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
    g_assert_true(sim_call_run_until(sim, is_listening_1, 30 * WZP_SECOND));
    start(sim, 0, 1, WZP_ACCEPT_TRUSTED);
    g_assert_true(sim_call_run_until(sim, rings_at_1, 30 * WZP_SECOND));
    sim_call_run(sim, (WzpTime)(seed % 4) * 3 * WZP_SECOND);
    if (seed % 5 == 0)
      sim_call_stop_relay(sim);
    else
      sim_call_kill_relay(sim);
    sim_call_run(sim, (WzpTime)(seed % 3) * WZP_SECOND);
    sim_call_start_relay(sim);
    sim_call_run(sim, 20 * WZP_SECOND);
    g_assert_true(rings_at_1(sim));
    wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, WZP_ACCEPT_TRUSTED);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
    assert_hears(sim, WZP_SECOND);
    sim_call_free(sim);
  }
}

/* Who leaves says so, and who is silent for long is gone. */
static void
test_ends(void)
{
  SimCall *sim = talking(130, &clean, 2);
  sim_call_leave_party(sim, 0);
  sim_call_run(sim, WZP_SECOND);
  g_assert_cmpint(find(sim, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_HUNG_UP);
  g_assert_cmpint(sim_party_stats(&sim->parties[1]).state, ==, WZP_CALL_WAITING);
  sim_call_free(sim);

  sim = talking(131, &clean, 2);
  sim_call_kill_party(sim, 0);
  sim_call_run(sim, 44 * WZP_SECOND);
  g_assert_cmpint(info_of(sim, 1).state, ==, WZP_DIAL_TALKING);
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_cmpint(find(sim, 1, WZP_DIAL_EVENT_ENDED)->end, ==, WZP_END_LOST);
  sim_call_free(sim);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dial/call", test_call);
  g_test_add_func("/dial/decline-busy", test_decline_busy);
  g_test_add_func("/dial/nobody-answers", test_nobody_answers);
  g_test_add_func("/dial/glare", test_glare);
  g_test_add_func("/dial/nothing-before-acceptance", test_nothing_before_acceptance);
  g_test_add_func("/dial/times", test_times);
  g_test_add_func("/dial/rekey", test_rekey);
  g_test_add_func("/dial/relay-restart", test_relay_restart);
  g_test_add_func("/dial/restart-while-ringing", test_restart_while_ringing);
  g_test_add_func("/dial/ends", test_ends);
  return g_test_run();
}
