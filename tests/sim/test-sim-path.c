/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Dialled calls with a way past the relay, in virtual time: when media change over, and what is lost by it. */
#include "direct-call.h"

/* On one LAN: direct within 300 ms of the answer, nothing lost, nothing twice, and no gap. */
static void
test_switch(void)
{
  SimCall *sim = accepted(1, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  WzpTime answered = sim->now;
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  g_assert_true(sim_call_run_until(sim, both_direct, WZP_SECOND));
  g_test_message("direct after %" G_GINT64_FORMAT " ms", (sim->now - answered) / WZP_MSEC);
  g_assert_cmpint(sim->now - answered, <=, 300 * WZP_MSEC);
  for (unsigned i = 0; i < 2; i++)
    sim->parties[i].longest_gap = 0;
  sim_call_run(sim, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    const SimParty *party = &sim->parties[i];
    g_test_message("longest gap %" G_GINT64_FORMAT " ms", party->longest_gap / WZP_MSEC);
    g_assert_cmpint(party->longest_gap, <=, 40 * WZP_MSEC);
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
    g_assert_cmpuint(path_of(sim, i).silences, ==, 0);
    g_assert_false(path_of(sim, i).duplicating);
    g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_PATH), ==, 1);
  }
  /* settled: all media go past the relay */
  uint64_t before = sim_party_stats(&sim->parties[0]).packets_opened;
  RelayStats relay_before, relay_after;
  relay_core_get_stats(sim->relay, &relay_before);
  sim_call_run(sim, 5 * WZP_SECOND);
  relay_core_get_stats(sim->relay, &relay_after);
  g_assert_cmpuint(relay_after.packets_forwarded, ==, relay_before.packets_forwarded);
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).packets_opened - before, >, 200);
  assert_no_loss(sim);
  sim_call_free(sim);
}

static bool
has_path(SimCall *sim, unsigned party)
{
  uint32_t serial;
  return wzp_call_path(sim->parties[party].call, &serial) != NULL;
}

static bool
heard_both(SimCall *sim)
{
  return sim->parties[0].frames_received > 0 && sim->parties[1].frames_received > 0;
}

/* Two who trust each other: the direct path is there before the call is taken, not a packet of media goes until then, and
 * the first one goes directly. */
static void
test_early(void)
{
  SimCall *sim = ringing(21, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(wzp_dial_trust(dial_of(sim, i), sim->now, NULL), ==, WZP_OK);
  g_assert_true(sim_call_run_until(sim, both_direct, WZP_SECOND));
  sim_call_run(sim, 20 * WZP_SECOND);
  RelayStats before, after;
  relay_core_get_stats(sim->relay, &before);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).packets_sealed, ==, 0);
    g_assert_cmpuint(path_of(sim, i).attempts, ==, 1);
  }
  g_assert_cmpint(wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, WZP_ACCEPT_TRUSTED), ==, WZP_OK);
  WzpTime taken = sim->now;
  g_assert_true(sim_call_run_until(sim, heard_both, WZP_SECOND));
  g_test_message("heard after %" G_GINT64_FORMAT " ms", (sim->now - taken) / WZP_MSEC);
  /* a frame, and the LAN; the relay alone is 60 ms away */
  g_assert_cmpint(sim->now - taken, <=, 30 * WZP_MSEC);
  sim_call_run(sim, 3 * WZP_SECOND);
  relay_core_get_stats(sim->relay, &after);
  /* the first three of each may take both ways, as after each switch */
  g_assert_cmpuint(after.packets_forwarded - before.packets_forwarded, <=, 6);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* Only one trusts the other: nothing of the other one leaves until the call is taken. */
static void
test_early_one_side(gconstpointer data)
{
  const unsigned trusts = GPOINTER_TO_UINT(data);
  SimCall *sim = ringing(22, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  g_assert_cmpint(wzp_dial_trust(dial_of(sim, trusts), sim->now, NULL), ==, WZP_OK);
  sim_call_run(sim, 10 * WZP_SECOND);
  /* the callee begins: a caller has nothing to begin for before that */
  g_assert_cmpint(has_path(sim, 1), ==, trusts == 1);
  g_assert_false(has_path(sim, 0));
  g_assert_cmpuint(sim->parties[0].datagrams_direct + sim->parties[1].datagrams_direct, ==, 0);
  g_assert_cmpint(wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, WZP_ACCEPT_TRUSTED), ==, WZP_OK);
  g_assert_true(sim_call_run_until(sim, both_direct, 2 * WZP_SECOND));
  sim_call_run(sim, 3 * WZP_SECOND);
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* Private on either side, whatever trust there is; a path that was begun ends when the call is taken so. */
static void
test_early_private(void)
{
  SimCall *sim = ringing(23, &hop_60, &lan, WZP_ACCEPT_PRIVATE);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(wzp_dial_trust(dial_of(sim, i), sim->now, NULL), ==, WZP_OK);
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_false(has_path(sim, 0) || has_path(sim, 1));
  sim_call_free(sim);

  sim = ringing(24, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  wzp_dial_set_mode(dial_of(sim, 1), WZP_ACCEPT_PRIVATE);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(wzp_dial_trust(dial_of(sim, i), sim->now, NULL), ==, WZP_OK);
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_false(has_path(sim, 0) || has_path(sim, 1));
  sim_call_free(sim);

  sim = ringing(25, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(wzp_dial_trust(dial_of(sim, i), sim->now, NULL), ==, WZP_OK);
  g_assert_true(sim_call_run_until(sim, both_direct, WZP_SECOND));
  g_assert_cmpint(wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, WZP_ACCEPT_PRIVATE), ==, WZP_OK);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  g_assert_false(has_path(sim, 0) || has_path(sim, 1));
  uint64_t before = sim->parties[0].datagrams_direct + sim->parties[1].datagrams_direct;
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].datagrams_direct + sim->parties[1].datagrams_direct, ==, before);
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* Nobody is trusted before he proved himself. */
static void
test_early_unproven(void)
{
  SimCallConfig config = {
      .seed = 26, .mode = WZP_CALL_RELAY, .n_parties = 2, .out = hop_60, .in = hop_60};
  SimCall *sim = sim_call_new(&config);
  sim_call_start_relay(sim);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, is_listening_1, 60 * WZP_SECOND));
  g_assert_cmpint(wzp_dial_trust(dial_of(sim, 1), sim->now, NULL), ==, WZP_UNEXPECTED);
  start(sim, 0, 1, WZP_ACCEPT_TRUSTED);
  sim_call_run(sim, WZP_MSEC);
  g_assert_cmpint(wzp_dial_trust(dial_of(sim, 0), sim->now, NULL), ==, WZP_UNEXPECTED);
  sim_call_free(sim);
}

/* Who called hears the other one as soon as the word that it was taken is there, and is heard as soon after that. */
static void
test_first_media(void)
{
  static const WzpTime one_way[] = {10 * WZP_MSEC, 30 * WZP_MSEC, 150 * WZP_MSEC};
  for (unsigned n = 0; n < 2 * G_N_ELEMENTS(one_way); n++) {
    const WzpTime way = 2 * one_way[n / 2]; /* to the relay, and on */
    const SimLinkConfig hop = {.delay = way / 2};
    SimCall *sim =
        accepted(80 + n, &hop, NULL, n % 2 == 0 ? WZP_ACCEPT_TRUSTED : WZP_ACCEPT_PRIVATE);
    WzpTime answered = sim->now;
    sim_call_run(sim, 3 * way + 100 * WZP_MSEC);
    WzpTime caller = sim->parties[0].first_media_at - answered,
            callee = sim->parties[1].first_media_at - answered;
    g_test_message("by the relay %d ms: heard after %d ms, and by the other one after %d ms",
                   (int)(way / WZP_MSEC), (int)(caller / WZP_MSEC), (int)(callee / WZP_MSEC));
    g_assert_cmpint(caller, <=, way + 40 * WZP_MSEC);
    g_assert_cmpint(callee, <=, way + way + 40 * WZP_MSEC);
    g_assert_true(sim_call_is_active(sim));
    sim_call_free(sim);
  }
}

/* Private on either side: no agent, no candidate, no word about paths. */
static void
test_private(void)
{
  SimCall *sim = accepted(2, &hop_60, &lan, WZP_ACCEPT_PRIVATE);
  uint32_t serial;
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_run(sim, 20 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_null(wzp_call_path(sim->parties[i].call, &serial));
    g_assert_cmpuint(sim->parties[i].datagrams_direct, ==, 0);
  }
  /* whoever sends a path message all the same is not listened to */
  const uint8_t setup[] = {WZP_PATH_SETUP, 0, 0, 0};
  wzp_dial_send_path(dial_of(sim, 0), setup, sizeof setup);
  sim_call_run(sim, WZP_SECOND);
  g_assert_cmpuint(sim_party_stats(&sim->parties[1]).drops[WZP_NOT_ALLOWED], ==, 1);
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* A caller that begins attempts without end costs the callee no more sockets than an honest one does. */
static void
test_many_attempts(void)
{
  SimCall *sim = accepted(9, &hop_60, NULL, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  for (uint8_t k = 100; k < 200; k++) {
    const uint8_t setup[] = {WZP_PATH_SETUP, 0, k, 0};
    wzp_dial_send_path(dial_of(sim, 0), setup, sizeof setup);
  }
  sim_call_run(sim, 2 * WZP_SECOND);
  g_assert_cmpuint(path_of(sim, 1).attempts, ==, 9);
  g_assert_cmpuint(sim_party_stats(&sim->parties[1]).drops[WZP_RATE_LIMITED], >=,
                   6); /* one a record */
  sim_call_free(sim);
}

/* No way past the relay: everything goes by it from the first frame, and nothing waits. */
static void
test_no_way(void)
{
  SimCall *sim = accepted(3, &hop_60, NULL, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_run(sim, 60 * WZP_SECOND);
  g_assert_cmpuint(path_of(sim, 0).switches, ==, 0);
  g_assert_cmpuint(path_of(sim, 0).attempts, >=, 4); /* 0, 6, 18, 42 s */
  g_assert_cmpuint(path_of(sim, 0).attempts, <=, 5);
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* Somebody who can send from the other one's address, but has no key, keeps no dead path alive: neither with packets that
 * he made up, nor with probes. */
static void
test_forged(void)
{
  SimCall *sim = talking_directly(11);
  uint32_t serial;
  uint16_t k = path_of(sim, 1).k;
  uint8_t packet[WZP_DATAGRAM_MAX], probe[WZP_PATH_PROBE_SIZE] = {0x46, 0, 0};
  bool media;
  g_assert_nonnull(wzp_call_path(sim->parties[1].call, &serial));
  sim_call_cut_direct(sim, true);
  for (unsigned n = 0; n < 200; n++) {
    memset(packet, (int)n, 80);
    packet[0] = 0xc0;
    packet[1] = 0;
    packet[2] = (uint8_t)(n >> 8);
    wzp_call_handle_direct(sim->parties[1].call, sim->now, serial, k, packet, 80, &media);
    g_assert_true(media);
    if (wzp_call_packet_arrived(sim->parties[1].call, sim->now, WZP_WAY_DIRECT, k, packet, 80)) {
      uint8_t plain[WZP_DATAGRAM_MAX];
      size_t length;
      WzpOpened opened;
      g_assert_cmpint(
          wzp_call_open(sim->parties[1].call, sim->now, packet, 80, plain, &length, &opened), !=,
          WZP_OK);
    }
    probe[2] = (uint8_t)k;
    probe[6] = (uint8_t)n;
    g_assert_cmpint(wzp_call_handle_direct(sim->parties[1].call, sim->now, serial, k, probe,
                                           sizeof probe, &media),
                    !=, WZP_OK);
    sim_call_run(sim, 20 * WZP_MSEC);
  }
  g_assert_true(path_of(sim, 1).silent);
  g_assert_cmpuint(path_of(sim, 1).silences, ==, 1);
  g_assert_cmpint(sim->parties[1].longest_gap, <=, (320 + 30) * WZP_MSEC);
  sim_call_free(sim);
}

static uint64_t
all_drops(SimCall *sim, unsigned party)
{
  WzpCallStats stats = sim_party_stats(&sim->parties[party]);
  uint64_t sum = 0;
  for (unsigned i = 0; i < WZP_N_RESULTS; i++)
    sum += stats.drops[i];
  return sum;
}

/* 100,000 datagrams of somebody who can send from the other one's address, of all kinds and lengths, in the middle of a direct
 * call: each is counted by reason, and the call goes on as if nothing was, directly and without a loss. */
static void
test_garbage(void)
{
  enum { DATAGRAMS = 100000, A_MOMENT = 100 };
  static const uint8_t kinds[] = {0x00, 0x01, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45,
                                  0x46, 0x7f, 0x80, 0x9c, 0xc0, 0xc1, 0xff};
  SimCall *sim = talking_directly(16);
  WzpCall *call = sim->parties[1].call;
  WzpSeededRandom state;
  const WzpRandom random = wzp_random_seeded(&state, 16);
  uint32_t serial;
  uint64_t before = all_drops(sim, 1);
  g_assert_nonnull(wzp_call_path(call, &serial));
  for (unsigned n = 0; n < DATAGRAMS; n++) {
    uint8_t data[WZP_DATAGRAM_MAX + 1], plain[WZP_DATAGRAM_MAX];
    uint16_t k = path_of(sim, 1).k;
    size_t length, opened_length;
    bool media;
    WzpOpened opened;
    wzp_random_fill(&random, &length, sizeof length);
    length = n % 3 == 0 ? length % (sizeof data + 1) : length % 100;
    wzp_random_fill(&random, data, length);
    if (length > 0)
      data[0] = kinds[n % G_N_ELEMENTS(kinds)];
    if (length > 2 && data[0] == 0x46) { /* of the attempt that lives */
      data[1] = (uint8_t)(k >> 8);
      data[2] = (uint8_t)k;
    }
    if (length > 2 && data[0] >= 0x80 && n % 2 == 0)
      data[1] = 0; /* of the other one's slot */
    WzpResult result = wzp_call_handle_direct(call, sim->now, serial, k, data, length, &media);
    g_assert_cmpint(media, ==, result == WZP_OK);
    if (media && wzp_call_packet_arrived(call, sim->now, WZP_WAY_DIRECT, k, data, length))
      g_assert_cmpint(wzp_call_open(call, sim->now, data, length, plain, &opened_length, &opened),
                      !=, WZP_OK);
    if (n % A_MOMENT == 0)
      sim_call_run(sim, 20 * WZP_MSEC);
  }
  g_assert_cmpuint(all_drops(sim, 1) - before, ==, DATAGRAMS);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_true(path_of(sim, i).direct);
    g_assert_cmpuint(path_of(sim, i).silences, ==, 0);
    g_assert_cmpuint(path_of(sim, i).attempts, ==, 1);
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 40 * WZP_MSEC);
  }
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* Settled, a path wakes the machine up for its ping each second, and hardly ever else; nor does the whole call much more. */
static void
test_wake_ups(void)
{
  for (unsigned talk = 0; talk < 2; talk++) {
    SimCall *sim = talking_directly(29);
    uint32_t serial;
    unsigned path_wakes = 0, call_wakes = 0;
    for (unsigned i = 0; i < 2; i++)
      sim_call_talk(sim, i, talk != 0);
    sim_call_run(sim, 15 * WZP_SECOND);
    for (unsigned step = 0; step < 30000; step++) {
      WzpTime path = wzp_path_next_timeout(wzp_call_path(sim->parties[0].call, &serial));
      WzpTime call = wzp_call_next_timeout(sim->parties[0].call);
      sim_call_run(sim, WZP_MSEC);
      path_wakes += path <= sim->now;
      call_wakes += call <= sim->now;
    }
    g_test_message("%s: %.2f wake-ups a second of the path, %.2f of the call",
                   talk ? "talking" : "quiet", path_wakes / 30.0, call_wakes / 30.0);
    g_assert_cmpuint(path_wakes, <=, 2 * 30);
    g_assert_cmpuint(path_wakes, >=, 27); /* its pings, at least */
    g_assert_cmpuint(call_wakes, <=, 3 * 30);
    sim_call_free(sim);
  }
}

/* Silence is no death: who talks no more is still there. */
static void
test_silence(void)
{
  SimCall *sim = talking_directly(7);
  for (unsigned i = 0; i < 2; i++)
    sim_call_talk(sim, i, false);
  sim_call_run(sim, 60 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
    g_assert_true(path_of(sim, i).direct);
    g_assert_cmpuint(path_of(sim, i).attempts, ==, 1);
  }
  sim_call_free(sim);
}

static bool
both_idle(SimCall *sim)
{
  WzpDialInfo info[2];
  for (unsigned i = 0; i < 2; i++)
    wzp_dial_get_info(dial_of(sim, i), &info[i]);
  return info[0].state == WZP_DIAL_IDLE && info[1].state == WZP_DIAL_IDLE;
}

/* While the relay is away, what the two say to each other goes past it as well: hold, new keys, and the end. */
static void
test_words_past_relay(void)
{
  SimCall *sim = talking_directly(10);
  WzpDialInfo info;
  sim_call_kill_relay(sim);
  sim_call_run(sim, 15 * WZP_SECOND);
  g_assert_cmpint(wzp_dial_hold(dial_of(sim, 0), true), ==, WZP_OK);
  sim_call_run(sim, WZP_SECOND);
  wzp_dial_get_info(dial_of(sim, 1), &info);
  g_assert_true(info.remote_held);
  g_assert_cmpint(wzp_dial_hold(dial_of(sim, 0), false), ==, WZP_OK);
  sim_call_run(sim, WZP_DIAL_REKEY_EVERY + 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    wzp_dial_get_info(dial_of(sim, i), &info);
    g_assert_cmpuint(info.generation, ==, 1);
    g_assert_cmpuint(info.epoch, ==, 1);
  }
  wzp_dial_hang_up(dial_of(sim, 0), sim->now, NULL);
  g_assert_true(sim_call_run_until(sim, both_idle, WZP_SECOND));
  sim_call_run(sim, 15 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    for (unsigned n = 0; n < 2; n++)
      g_assert_false(sim->parties[i].agents[n].alive);
  sim_call_free(sim);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim-path/switch", test_switch);
  g_test_add_func("/sim-path/early", test_early);
  g_test_add_data_func("/sim-path/early-for-callee", GUINT_TO_POINTER(0), test_early_one_side);
  g_test_add_data_func("/sim-path/early-for-caller", GUINT_TO_POINTER(1), test_early_one_side);
  g_test_add_func("/sim-path/early-private", test_early_private);
  g_test_add_func("/sim-path/early-unproven", test_early_unproven);
  g_test_add_func("/sim-path/first-media", test_first_media);
  g_test_add_func("/sim-path/private", test_private);
  g_test_add_func("/sim-path/many-attempts", test_many_attempts);
  g_test_add_func("/sim-path/no-way", test_no_way);
  g_test_add_func("/sim-path/forged", test_forged);
  g_test_add_func("/sim-path/garbage", test_garbage);
  g_test_add_func("/sim-path/wake-ups", test_wake_ups);
  g_test_add_func("/sim-path/silence", test_silence);
  g_test_add_func("/sim-path/words-past-relay", test_words_past_relay);
  return g_test_run();
}
