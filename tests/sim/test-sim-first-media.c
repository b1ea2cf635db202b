/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How soon a client that starts hears who talks in its room already, in virtual time. */
#include "nonce-watch.h"
#include "sim-call.h"

#define RUNS 40

static bool
hears(SimCall *sim)
{
  return sim->parties[1].first_media_at != WZP_NEVER;
}

static bool
waits(SimCall *sim)
{
  return sim_party_stats(&sim->parties[0]).state == WZP_CALL_WAITING;
}

static WzpTime
first_media(uint64_t seed, const SimLinkConfig *link)
{
  const SimCallConfig config = {
      .seed = seed, .mode = WZP_CALL_RELAY, .out = *link, .in = *link, .no_playout = true};
  nonce_watch_reset();
  SimCall *sim = sim_call_new(&config);
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  g_assert_true(sim_call_run_until(sim, waits, 120 * WZP_SECOND));
  sim_call_run(sim, 3 * WZP_SECOND + (WzpTime)(seed % 20) * WZP_MSEC);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, hears, 120 * WZP_SECOND));
  WzpTime took = sim->parties[1].first_media_at - sim->parties[1].started_at;
  sim_call_free(sim);
  return took;
}

static gint
by_time(gconstpointer a, gconstpointer b)
{
  WzpTime one = *(const WzpTime *)a, other = *(const WzpTime *)b;
  return one < other ? -1 : one > other;
}

/* Returns the 90th percentile. */
static WzpTime
cell(WzpTime round_trip, double loss)
{
  const SimLinkConfig link = {.delay = round_trip / 2, .loss = loss};
  g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(WzpTime));
  for (unsigned seed = 0; seed < (loss > 0 ? RUNS : 5); seed++) {
    WzpTime took = first_media(1000 + seed, &link);
    g_array_append_val(times, took);
  }
  g_array_sort(times, by_time);
  g_test_message("round trip %d ms, %.0f %% lost: median %.2f s, p90 %.2f s",
                 (int)(round_trip / WZP_MSEC), 100 * loss, sim_quantile(times, 0.5),
                 sim_quantile(times, 0.9));
  return (WzpTime)(sim_quantile(times, 0.9) * WZP_SECOND);
}

/* Two that are there, one of whom begins to talk. */
static void
test_joined(void)
{
  static const int one_way[] = {20, 60, 300};
  for (unsigned i = 0; i < G_N_ELEMENTS(one_way); i++) {
    const SimLinkConfig half = {.delay = one_way[i] * WZP_MSEC / 2};
    const SimCallConfig config = {
        .seed = 2000 + i, .mode = WZP_CALL_RELAY, .out = half, .in = half, .no_playout = true};
    nonce_watch_reset();
    SimCall *sim = sim_call_new(&config);
    sim_call_start_relay(sim);
    for (unsigned n = 0; n < 2; n++) {
      sim_call_start_party(sim, n);
      sim_call_talk(sim, n, false);
    }
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
    WzpTime began = sim->now;
    sim_call_talk(sim, 0, true);
    g_assert_true(sim_call_run_until(sim, hears, WZP_SECOND));
    g_assert_cmpint(sim->parties[1].first_media_at - began, <=, (one_way[i] + 40) * WZP_MSEC);
    sim_call_free(sim);
  }
}

/* HS1 to HS3 and the way to the room, and to who is there; then the key and what is said come together. */
static void
test_clean(void)
{
  static const int round_trips[] = {20, 60, 300, 800};
  for (unsigned i = 0; i < G_N_ELEMENTS(round_trips); i++) {
    WzpTime round_trip = round_trips[i] * WZP_MSEC;
    g_assert_cmpint(cell(round_trip, 0), <=, 3 * round_trip + 60 * WZP_MSEC);
  }
}

static void
test_lossy(void)
{
  g_assert_cmpint(cell(300 * WZP_MSEC, 0.3), <=, 2 * WZP_SECOND);
  g_assert_cmpint(cell(300 * WZP_MSEC, 0.7), <=, 8 * WZP_SECOND);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-first-media/joined", test_joined);
  g_test_add_func("/sim-first-media/clean", test_clean);
  g_test_add_func("/sim-first-media/lossy", test_lossy);
  return g_test_run();
}
