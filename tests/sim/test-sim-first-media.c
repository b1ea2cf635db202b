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

typedef struct {
  uint8_t kind;
  GString *at; /* of each, in ms after the first */
  WzpTime first;
  SimCall *sim;
} Shown;

static bool
show(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Shown *shown = user;
  (void)to, (void)length;
  if (party != 0 || data[0] != shown->kind)
    return party == 0; /* nothing of the relay's but HS2 comes */
  if (shown->first == WZP_NEVER)
    shown->first = shown->sim->now;
  g_string_append_printf(shown->at, "%d ", (int)((shown->sim->now - shown->first) / WZP_MSEC));
  return true;
}

static bool
show_without_records(void *user, int party, const WzpAddress *to, const uint8_t *data,
                     size_t length)
{
  return show(user, party, to, data, length) || data[0] == 0x41;
}

/* What a client sends of its handshake as long as nothing answers: twice once it waited for a while. */
static void
test_twice(void)
{
  static const SimTap taps[] = {show, show_without_records};
  for (unsigned i = 0; i < G_N_ELEMENTS(taps); i++) {
    const SimLinkConfig link = {.delay = 30 * WZP_MSEC};
    const SimCallConfig config = {
        .seed = 3000 + i, .mode = WZP_CALL_RELAY, .out = link, .in = link, .no_playout = true};
    nonce_watch_reset();
    SimCall *sim = sim_call_new(&config);
    g_autoptr(GString) at = g_string_new(NULL);
    Shown shown = {.kind = i == 0 ? 0x40 : 0x42, .at = at, .first = WZP_NEVER, .sim = sim};
    sim->tap = taps[i];
    sim->tap_user = &shown;
    sim_call_start_relay(sim);
    sim_call_start_party(sim, 0);
    sim_call_run(sim, 1700 * WZP_MSEC);
    g_assert_cmpstr(at->str, ==,
                    "0 100 200 300 400 500 530 600 630 700 730 800 830 900 930 1000 1030 1250 "
                    "1280 1500 1530 ");
    sim_call_free(sim);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-first-media/joined", test_joined);
  g_test_add_func("/sim-first-media/clean", test_clean);
  g_test_add_func("/sim-first-media/lossy", test_lossy);
  g_test_add_func("/sim-first-media/twice", test_twice);
  return g_test_run();
}
