/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/path.h"
#include "test-util.h"

/* What a path takes from the probes that come. */

#define NOW WZP_SECOND

static void
hear(WzpPath *path, uint32_t seq, uint8_t flags, uint8_t loss)
{
  static const uint8_t key[32];
  const WzpPathProbe probe = {.seq = seq, .flags = flags, .loss = loss, .relay_loss = 1};
  uint8_t bytes[WZP_PATH_PROBE_SIZE];
  wzp_path_probe_seal(bytes, key, &probe);
  g_assert_cmpint(wzp_path_probe(path, NOW, 0, bytes, sizeof bytes), ==, WZP_OK);
}

static WzpPathStats
stats_of(const WzpPath *path)
{
  WzpPathStats stats;
  wzp_path_get_stats(path, NOW, &stats);
  return stats;
}

/* One that was overtaken on its way says what is not so any more; but that a path was proven stays true. */
static void
test_overtaken(void)
{
  const WzpPathConfig config = {.initiator = true};
  WzpPath *path = wzp_path_new(&config, NOW);
  hear(path, 5, WZP_PATH_SILENT, 20);
  g_assert_true(stats_of(path).peer_silent);
  g_assert_false(stats_of(path).peer_proven);
  hear(path, 4, WZP_PATH_PROVEN, 0);
  g_assert_true(stats_of(path).peer_silent);
  g_assert_true(stats_of(path).peer_proven);
  g_assert_cmpint(stats_of(path).peer_loss, ==, 20);
  g_assert_cmpuint(stats_of(path).unheard_there, ==, 1);
  hear(path, 6, WZP_PATH_PROVEN, 3);
  g_assert_false(stats_of(path).peer_silent);
  g_assert_cmpint(stats_of(path).peer_loss, ==, 3);
  g_assert_cmpint(stats_of(path).peer_relay_loss, ==, 1);
  wzp_path_free(path);
}

/* Answers the first ping of attempt 0 that waits. */
static void
answer(WzpPath *path, WzpTime now, uint32_t *seq, uint8_t flags)
{
  static const uint8_t key[32];
  WzpPathOutput output;
  WzpWindow window;
  wzp_window_init(&window, WZP_WINDOW_MAX);
  while (wzp_path_poll(path, now, &output)) {
    WzpPathProbe ping, pong = {.pong = true, .flags = flags, .seq = *seq};
    uint8_t bytes[WZP_PATH_PROBE_SIZE];
    if (output.type != WZP_PATH_SEND_PROBE)
      continue;
    g_assert_cmpint(wzp_path_probe_open(&ping, key, 0, &window, output.data, output.length), ==,
                    WZP_OK);
    pong.echoed = ping.seq;
    pong.loss = pong.relay_loss = WZP_PATH_LOSS_UNKNOWN;
    ++*seq;
    wzp_path_probe_seal(bytes, key, &pong);
    g_assert_cmpint(wzp_path_probe(path, now, 0, bytes, sizeof bytes), ==, WZP_OK);
    return;
  }
}

/* Who alone has proof says it both ways for a while: what goes directly after the change then overtakes nothing. */
static void
test_early(void)
{
  const WzpPathConfig config = {.initiator = true};
  WzpPath *path = wzp_path_new(&config, NOW);
  uint32_t seq = 0;
  uint16_t k;
  g_assert_cmpuint(wzp_path_route(path, NOW, &k), ==, WZP_WAY_RELAY);
  wzp_path_connected(path, NOW, 0, true);
  wzp_path_handle_timeout(path, NOW);
  answer(path, NOW, &seq, 0);
  g_assert_false(wzp_path_is_direct(path));
  g_assert_cmpuint(wzp_path_route(path, NOW + 1999 * WZP_MSEC, &k), ==,
                   WZP_WAY_RELAY | WZP_WAY_DIRECT);
  g_assert_cmpuint(wzp_path_route(path, NOW + 2 * WZP_SECOND, &k), ==, WZP_WAY_RELAY);
  wzp_path_free(path);
}

/* A direct path with that round trip, where each has 20 ms to the relay: is it taken? */
static bool
is_taken(WzpTime round_trip)
{
  const WzpPathConfig config = {.initiator = true};
  const WzpPathMessage report = {
      .type = WZP_PATH_REPORT, .round_trip = WZP_PATH_ROUND_TRIP_UNKNOWN, .hop_round_trip = 20};
  uint8_t bytes[WZP_PATH_MESSAGE_MAX];
  WzpPath *path = wzp_path_new(&config, NOW);
  uint32_t seq = 0;
  wzp_path_set_relay(path, NOW, true, 20 * WZP_MSEC);
  size_t length = wzp_path_message_write(bytes, &report);
  g_assert_cmpint(wzp_path_receive(path, NOW, bytes, length), ==, WZP_OK);
  wzp_path_connected(path, NOW, 0, true);
  wzp_path_handle_timeout(path, NOW);
  answer(path, NOW + round_trip, &seq, WZP_PATH_PROVEN);
  bool taken = wzp_path_is_direct(path);
  wzp_path_free(path);
  return taken;
}

/* It may be 30 ms slower than by the relay, and not more. */
static void
test_slower(void)
{
  g_assert_true(is_taken(70 * WZP_MSEC));
  g_assert_false(is_taken(71 * WZP_MSEC));
}

/* Behind the change three packets go both ways, however seldom one is sent. */
static void
test_seldom(void)
{
  const WzpPathConfig config = {.initiator = true};
  WzpPath *path = wzp_path_new(&config, NOW);
  uint32_t seq = 0;
  uint16_t k;
  wzp_path_connected(path, NOW, 0, true);
  wzp_path_handle_timeout(path, NOW);
  answer(path, NOW, &seq, WZP_PATH_PROVEN);
  g_assert_true(wzp_path_is_direct(path));
  WzpTime now = NOW + WZP_PATH_OVERLAP;
  for (unsigned i = 0; i < 3; i++, now += 160 * WZP_MSEC)
    g_assert_cmpuint(wzp_path_route(path, now, &k), ==, WZP_WAY_RELAY | WZP_WAY_DIRECT);
  g_assert_cmpuint(wzp_path_route(path, now, &k), ==, WZP_WAY_DIRECT);
  wzp_path_free(path);
}

/* Pings are answered, and the other side hears us or not, until the way in use is that one. */
static WzpTime
run_until(WzpPath *path, WzpTime now, uint32_t *seq, uint8_t flags, bool direct)
{
  for (; wzp_path_is_direct(path) != direct; now += 20 * WZP_MSEC) {
    wzp_path_handle_timeout(path, now);
    answer(path, now, seq, flags);
    g_assert_cmpint(now, <, 1000 * WZP_SECOND);
  }
  return now;
}

/* A path that falls again and again is taken again ever later: 10, 20, then 30 s; after a minute without a change as at first. */
static void
test_falls(void)
{
  static const WzpTime holds[] = {10 * WZP_SECOND, 20 * WZP_SECOND, 30 * WZP_SECOND,
                                  30 * WZP_SECOND};
  const WzpPathConfig config = {.initiator = true};
  WzpPath *path = wzp_path_new(&config, NOW);
  uint32_t seq = 0;
  wzp_path_connected(path, NOW, 0, true);
  WzpTime now = run_until(path, NOW, &seq, WZP_PATH_PROVEN, true);
  for (unsigned i = 0; i <= G_N_ELEMENTS(holds); i++) {
    const bool calm = i == G_N_ELEMENTS(holds);
    WzpTime until = now + (calm ? 61 * WZP_SECOND : 0);
    for (; now < until; now += 20 * WZP_MSEC) {
      wzp_path_handle_timeout(path, now);
      answer(path, now, &seq, WZP_PATH_PROVEN);
    }
    const WzpTime fell = run_until(path, now, &seq, WZP_PATH_PROVEN | WZP_PATH_SILENT, false);
    now = run_until(path, fell, &seq, WZP_PATH_PROVEN, true);
    const WzpTime held = now - fell;
    g_test_message("taken again after %d ms", (int)(held / WZP_MSEC));
    g_assert_cmpint(held, >=, calm ? holds[0] : holds[i]);
    g_assert_cmpint(held, <=, (calm ? holds[0] : holds[i]) + 100 * WZP_MSEC);
  }
  wzp_path_free(path);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/path-probe/overtaken", test_overtaken);
  g_test_add_func("/path-probe/early", test_early);
  g_test_add_func("/path-probe/slower", test_slower);
  g_test_add_func("/path-probe/falls", test_falls);
  g_test_add_func("/path-probe/seldom", test_seldom);
  return g_test_run();
}
