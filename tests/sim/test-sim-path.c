/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Dialled calls with a way past the relay, in virtual time: when media change over, and what is lost by it. */
#include "nonce-watch.h"
#include "sim-call.h"
#include <math.h>
#include <string.h>

static WzpDial *
dial_of(SimCall *sim, unsigned party)
{
  return wzp_call_dial(sim->parties[party].call);
}

static WzpPathStats
path_of(SimCall *sim, unsigned party)
{
  return sim_party_path(sim, party);
}

static void
start(SimCall *sim, unsigned index, int callee, WzpAcceptMode mode)
{
  WzpCallConfig config = sim_call_party_config(sim, index);
  config.calls = true;
  config.accept_mode = mode;
  if (callee >= 0) {
    config.has_callee = true;
    memcpy(config.callee, sim->parties[callee].identity->fingerprint, sizeof config.callee);
  }
  sim_call_start_with(sim, index, &config);
}

static bool
is_listening_1(SimCall *sim)
{
  return sim_party_stats(&sim->parties[1]).state == WZP_CALL_WAITING;
}

static bool
rings_at_1(SimCall *sim)
{
  WzpDialInfo info;
  wzp_dial_get_info(dial_of(sim, 1), &info);
  return info.state == WZP_DIAL_RINGS;
}

static bool
both_direct(SimCall *sim)
{
  return path_of(sim, 0).direct && path_of(sim, 1).direct;
}

/* It rings at party 1, which party 0 calls in this mode. */
static SimCall *
ringing(uint64_t seed, const SimLinkConfig *relay, const SimLinkConfig *direct, WzpAcceptMode mode)
{
  SimCallConfig config = {.seed = seed,
                          .mode = WZP_CALL_RELAY,
                          .n_parties = 2,
                          .out = *relay,
                          .in = *relay,
                          .direct = direct};
  nonce_watch_reset();
  SimCall *sim = sim_call_new(&config);
  sim_call_start_relay(sim);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, is_listening_1, 60 * WZP_SECOND));
  start(sim, 0, 1, mode);
  g_assert_true(sim_call_run_until(sim, rings_at_1, 120 * WZP_SECOND));
  return sim;
}

/* Party 1 takes the call in this mode: from then on the time counts. */
static SimCall *
accepted(uint64_t seed, const SimLinkConfig *relay, const SimLinkConfig *direct, WzpAcceptMode mode)
{
  SimCall *sim = ringing(seed, relay, direct, WZP_ACCEPT_TRUSTED);
  g_assert_cmpint(wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, mode), ==, WZP_OK);
  return sim;
}

/* Round trip of a client and its relay 60 ms; of the two on their LAN 2 ms. */
static const SimLinkConfig hop_60 = {.delay = 30 * WZP_MSEC};
static const SimLinkConfig lan = {.delay = WZP_MSEC};

static SimCall *
talking_directly(uint64_t seed)
{
  SimCall *sim = accepted(seed, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, both_direct, 5 * WZP_SECOND));
  sim_call_run(sim, 3 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    sim->parties[i].longest_gap = 0;
  return sim;
}

static void
assert_no_loss(SimCall *sim)
{
  for (unsigned i = 0; i < 2; i++)
    sim_call_talk(sim, i, false);
  sim_call_run(sim, 2 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim->parties[i].frames_received, ==, sim->parties[1 - i].frames_sent);
    g_assert_cmpuint(sim->parties[i].frames_twice, ==, 0);
  }
}

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

/* Who called hears the other one when the word that it was taken is there, the relay has told that both are, and what is
 * said then has come. */
static void
test_first_media(void)
{
  static const WzpTime one_way[] = {10 * WZP_MSEC, 30 * WZP_MSEC, 150 * WZP_MSEC};
  for (unsigned n = 0; n < G_N_ELEMENTS(one_way); n++) {
    const SimLinkConfig hop = {.delay = one_way[n]};
    SimCall *sim = accepted(80 + n, &hop, NULL, WZP_ACCEPT_TRUSTED);
    WzpTime answered = sim->now;
    sim_call_run(sim, 8 * one_way[n] + 100 * WZP_MSEC);
    WzpTime took = sim->parties[0].first_media_at - answered;
    g_test_message("by the relay %d ms: heard after %d ms", 2 * (int)(one_way[n] / WZP_MSEC),
                   (int)(took / WZP_MSEC));
    g_assert_cmpint(took, <=, 6 * one_way[n] + 40 * WZP_MSEC);
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
  g_assert_cmpuint(sim_party_stats(&sim->parties[1]).drops[WZP_RATE_LIMITED], >=, 8);
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

/* The direct way dies while both talk: the relay is audible within 320 ms and the way from the relay, and the way back is
 * found when it is whole again, without losing more. */
static void
test_cut(void)
{
  SimCall *sim = talking_directly(4);
  WzpTime cut = sim->now;
  sim_call_cut_direct(sim, true);
  sim_call_run(sim, 5 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_test_message("gap %" G_GINT64_FORMAT " ms", sim->parties[i].longest_gap / WZP_MSEC);
    g_assert_cmpint(sim->parties[i].longest_gap, <=, (320 + 30) * WZP_MSEC);
    g_assert_cmpuint(path_of(sim, i).silences, ==, 1);
    g_assert_cmpuint(path_of(sim, i).unheard_here, ==, 1);
    g_assert_cmpuint(path_of(sim, i).unheard_there, ==, 1);
    sim->parties[i].longest_gap = 0;
  }
  sim_call_run(sim, cut + 15 * WZP_SECOND - sim->now);
  for (unsigned i = 0; i < 2; i++)
    g_assert_false(path_of(sim, i).direct);
  uint64_t lost = sim->parties[0].frames_sent - sim->parties[1].frames_received;
  sim_call_cut_direct(sim, false);
  g_assert_true(sim_call_run_until(sim, both_direct, 90 * WZP_SECOND));
  sim_call_run(sim, 5 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 90 * WZP_MSEC); /* the relay's way is longer */
  sim_call_talk(sim, 0, false);
  sim_call_run(sim, WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].frames_sent - sim->parties[1].frames_received, <=, lost);
  sim_call_free(sim);
}

/* A path that dies as soon as it is taken, before it carried anything: its pings are missed. */
static void
test_cut_at_once(void)
{
  SimCall *sim = accepted(15, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  for (unsigned i = 0; i < 2; i++)
    sim_call_talk(sim, i, false);
  g_assert_true(sim_call_run_until(sim, both_direct, 5 * WZP_SECOND));
  sim_call_cut_direct(sim, true);
  uint64_t heard[2];
  for (unsigned i = 0; i < 2; i++) {
    sim_call_talk(sim, i, true);
    heard[i] = sim->parties[i].frames_received;
  }
  sim_call_run(sim, 1500 * WZP_MSEC);
  for (unsigned i = 0; i < 2; i++) {
    g_test_message("%" G_GUINT64_FORMAT " frames", sim->parties[i].frames_received - heard[i]);
    g_assert_cmpuint(sim->parties[i].frames_received - heard[i], >=, 25);
    g_assert_cmpuint(path_of(sim, i).silences, ==, 1);
  }
  sim_call_free(sim);
}

/* The same while both talk, at any moment around the change. */
static void
test_cut_young(void)
{
  for (unsigned n = 0; n < 20; n++) {
    SimCall *sim = accepted(40 + n, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
    sim_call_run(sim, 80 * WZP_MSEC + n * 20 * WZP_MSEC);
    sim_call_cut_direct(sim, true);
    for (unsigned i = 0; i < 2; i++)
      sim->parties[i].longest_gap = 0;
    sim_call_run(sim, 3 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpint(sim->parties[i].longest_gap, <=, 350 * WZP_MSEC);
    }
    sim_call_free(sim);
  }
}

/* Both stop talking right after the cut was noticed: nothing says that the path lives, so it is not trusted again, and
 * what they say then comes by the relay. */
static void
test_cut_then_silence(void)
{
  SimCall *sim = talking_directly(14);
  sim_call_cut_direct(sim, true);
  sim_call_run(sim, 400 * WZP_MSEC);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(path_of(sim, i).silences, ==, 1);
    sim_call_talk(sim, i, false);
  }
  sim_call_run(sim, 700 * WZP_MSEC);
  uint64_t heard[2];
  for (unsigned i = 0; i < 2; i++) {
    heard[i] = sim->parties[i].frames_received;
    sim_call_talk(sim, i, true);
  }
  sim_call_run(sim, 500 * WZP_MSEC);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(sim->parties[i].frames_received - heard[i], >=, 20);
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

/* What one of them sends directly does not arrive: the other one says so, by the way that works, and soon that one
 * sends by the relay alone. */
static void
test_one_way(void)
{
  SimCall *sim = talking_directly(5);
  sim_call_cut_direct_of(sim, 0, true);
  sim_call_run(sim, 2 * WZP_SECOND);
  uint64_t before = sim->parties[0].datagrams_direct;
  sim_call_run(sim, 3 * WZP_SECOND);
  g_assert_cmpuint(sim->parties[0].datagrams_direct - before, <,
                   100); /* pings, in both directions */
  g_test_message("gap %" G_GINT64_FORMAT " ms", sim->parties[1].longest_gap / WZP_MSEC);
  g_assert_cmpint(sim->parties[1].longest_gap, <=, (320 + 30) * WZP_MSEC);
  g_assert_cmpint(sim->parties[0].longest_gap, <=, 40 * WZP_MSEC);
  g_assert_true(path_of(sim, 0).peer_silent && !path_of(sim, 0).silent);
  g_assert_true(path_of(sim, 1).silent && !path_of(sim, 1).peer_silent);
  g_assert_cmpuint(path_of(sim, 0).unheard_there, ==, 1);
  g_assert_cmpuint(path_of(sim, 0).unheard_here, ==, 0);
  g_assert_cmpuint(path_of(sim, 1).unheard_here, ==, 1);
  g_assert_cmpuint(path_of(sim, 1).unheard_there, ==, 0);
  sim_call_free(sim);
}

/* Of what party 1 hears of party 0 from now on, how much is missing. */
static double
loss_of_1(SimCall *sim, WzpTime duration)
{
  uint64_t sent = sim->parties[0].frames_sent, heard = sim->parties[1].frames_received;
  sim_call_run(sim, duration);
  sent = sim->parties[0].frames_sent - sent;
  heard = sim->parties[1].frames_received - heard;
  return sent > heard ? (double)(sent - heard) / (double)sent : 0;
}

/* A direct path that loses a fifth in one direction is left in that direction for a relay that loses nothing, and taken
 * again some time after it became better. */
static void
test_lossy_direct(void)
{
  SimCall *sim = talking_directly(16);
  const SimLinkConfig bad = {.delay = WZP_MSEC, .loss = 0.2};
  sim_link_set_config(sim->parties[0].direct, &bad);
  sim_call_run(sim, 15 * WZP_SECOND);
  double loss = loss_of_1(sim, 60 * WZP_SECOND);
  g_test_message("%.1f %% lost", 100 * loss);
  g_assert_cmpfloat(loss, <, 0.01);
  g_assert_false(path_of(sim, 0).direct);
  g_assert_true(path_of(sim, 1).direct);
  g_assert_cmpuint(path_of(sim, 0).switches, ==, 2);
  g_assert_cmpint(path_of(sim, 1).loss, >=, 10);
  g_assert_cmpint(path_of(sim, 0).peer_loss, >=, 10);
  g_assert_cmpint(path_of(sim, 0).peer_relay_loss, ==, 0);
  sim_link_set_config(sim->parties[0].direct, &lan);
  g_assert_true(sim_call_run_until(sim, both_direct, 120 * WZP_SECOND));
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_cmpuint(path_of(sim, 0).switches, ==, 3);
  g_assert_cmpuint(path_of(sim, 1).switches, ==, 1);
  g_assert_cmpint(path_of(sim, 1).loss, ==, 0);
  sim_call_free(sim);
}

/* The other way round: the direct path loses much, and the relay more. */
static void
test_lossy_relay(void)
{
  static const SimLinkConfig relay = {.delay = 30 * WZP_MSEC, .loss = 0.3}; /* 51 %, by both legs */
  static const SimLinkConfig direct = {.delay = WZP_MSEC, .loss = 0.2};
  SimCall *sim = accepted(17, &relay, &direct, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, both_direct, 30 * WZP_SECOND));
  sim_call_run(sim, 15 * WZP_SECOND);
  g_assert_cmpfloat(loss_of_1(sim, 60 * WZP_SECOND), <, 0.22);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
  sim_call_free(sim);
}

/* Cut for a moment: both ways for a while, and no switch. */
static void
test_short_cut(void)
{
  SimCall *sim = talking_directly(6);
  sim_call_cut_direct(sim, true);
  sim_call_run(sim, 600 * WZP_MSEC);
  sim_call_cut_direct(sim, false);
  sim_call_run(sim, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
    g_assert_cmpuint(path_of(sim, i).silences, ==, 1);
    g_assert_true(path_of(sim, i).direct);
    g_assert_false(path_of(sim, i).duplicating);
  }
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

/* The relay dies and comes back: the call goes on directly, and nothing is missing. */
static void
test_relay_away(void)
{
  SimCall *sim = talking_directly(8);
  sim_call_kill_relay(sim);
  sim_call_run(sim, 40 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 40 * WZP_MSEC);
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).n_members, ==, 1);
  }
  sim_call_start_relay(sim);
  sim_call_run(sim, 3 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 40 * WZP_MSEC);
    g_assert_cmpint(sim_party_stats(&sim->parties[i]).state, ==, WZP_CALL_ACTIVE);
  }
  /* both are with the new relay, which carries the call when the direct path dies too */
  sim_call_cut_direct(sim, true);
  sim_call_run(sim, 5 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 350 * WZP_MSEC);
  sim_call_free(sim);
}

/* The relay dies and comes back at once while the call is direct, and nobody has to say anything there: the call
 * loses nothing, and both find the new one. */
static void
test_relay_restarts(void)
{
  SimCall *sim = talking_directly(26);
  sim_call_kill_relay(sim);
  sim_call_run(sim, 200 * WZP_MSEC);
  sim_call_start_relay(sim);
  sim_call_run(sim, 14 * WZP_SECOND); /* a keep-alive, and the silence after it */
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 40 * WZP_MSEC);
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).handshakes_completed, ==, 2);
    g_assert_true(path_of(sim, i).direct);
  }
  assert_no_loss(sim);
  sim_call_free(sim);
}

/* The same while it goes by the relay: it is up again within seconds, and directly where that is possible. */
static void
test_relay_restarts_relayed(void)
{
  for (unsigned lan_too = 0; lan_too < 2; lan_too++) {
    SimCall *sim = accepted(27, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
    sim_call_cut_direct(sim, true);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++)
      sim->parties[i].longest_gap = 0;
    sim_call_kill_relay(sim);
    sim_call_run(sim, 200 * WZP_MSEC);
    sim_call_start_relay(sim);
    sim_call_cut_direct(sim, lan_too == 0);
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_test_message("gap %" G_GINT64_FORMAT " ms", sim->parties[i].longest_gap / WZP_MSEC);
      g_assert_cmpint(sim->parties[i].longest_gap, <=, 3 * WZP_SECOND);
    }
    if (lan_too)
      g_assert_true(sim_call_run_until(sim, both_direct, 30 * WZP_SECOND));
    g_assert_cmpfloat(loss_of_1(sim, 5 * WZP_SECOND), ==, 0);
    sim_call_free(sim);
  }
}

/* Relay and direct path die at the same moment, and the relay is back at once: nobody had to ask it for long, and it is
 * asked at once now. */
static void
test_both_die(void)
{
  SimCall *sim = talking_directly(28);
  sim_call_kill_relay(sim);
  sim_call_cut_direct(sim, true);
  sim_call_run(sim, 200 * WZP_MSEC);
  sim_call_start_relay(sim);
  sim_call_run(sim, 6 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_test_message("gap %" G_GINT64_FORMAT " ms", sim->parties[i].longest_gap / WZP_MSEC);
    g_assert_cmpint(sim->parties[i].longest_gap, <=, 3500 * WZP_MSEC);
  }
  sim_call_free(sim);
}

/* A relay that lives, and had nothing to say for seconds, is not taken for dead when the direct path dies. */
static void
test_relay_quiet(void)
{
  for (unsigned n = 0; n < 9; n++) {
    SimCall *sim = talking_directly(30 + n);
    sim_call_run(sim, 5 * WZP_SECOND + n * 1100 * WZP_MSEC);
    sim_call_cut_direct(sim, true);
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpuint(sim_party_stats(&sim->parties[i]).handshakes_started, ==, 1);
      g_assert_cmpint(sim->parties[i].longest_gap, <=, 350 * WZP_MSEC);
    }
    sim_call_free(sim);
  }
}

static bool
has_second_attempt(SimCall *sim)
{
  return path_of(sim, 0).k > 0 && path_of(sim, 1).k > 0;
}

/* Either side's addresses change: a new attempt at once, and the old path serves until it is there. */
static void
test_network_changed(void)
{
  for (unsigned i = 0; i < 2; i++) {
    SimCall *sim = talking_directly(20 + i);
    uint32_t serial;
    WzpTime changed = sim->now;
    wzp_path_network_changed(wzp_call_path(sim->parties[i].call, &serial), sim->now);
    sim_call_run(sim, 1);
    g_assert_true(sim_call_run_until(sim, has_second_attempt, WZP_SECOND));
    g_assert_cmpint(sim->now - changed, <=, 300 * WZP_MSEC);
    sim_call_run(sim, 20 * WZP_SECOND);
    for (unsigned n = 0; n < 2; n++) {
      g_assert_cmpuint(path_of(sim, n).attempts, ==, 2);
      g_assert_cmpuint(path_of(sim, n).switches, ==, 1);
      g_assert_cmpint(sim->parties[n].longest_gap, <=, 40 * WZP_MSEC);
    }
    assert_no_loss(sim);
    sim_call_free(sim);
  }
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

/* What passes on a network that is as good as dead: one datagram of each client in 5 s, directly or by the relay. */
typedef struct {
  SimCall *sim;
  bool direct;
  WzpTime next[2][2]; /* by party, and by direction to or from the relay */
} Trickle;

static bool
trickle(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Trickle *self = user;
  (void)data;
  (void)length;
  bool is_direct = party >= 0 && !wzp_address_equal(to, &self->sim->relay_address);
  int about = party;
  for (int i = 0; party < 0 && i < 2; i++)
    if (wzp_address_equal(to, &self->sim->parties[i].address))
      about = i;
  if (is_direct != self->direct || about < 0)
    return false;
  WzpTime *next = &self->next[about][party < 0];
  if (self->sim->now < *next)
    return false;
  *next = self->sim->now + 5 * WZP_SECOND;
  return true;
}

/* No call ends while either path brings a packet in 5 s. */
static void
test_trickle(void)
{
  for (unsigned direct = 0; direct < 2; direct++) {
    SimCall *sim = talking_directly(18 + direct);
    Trickle state = {.sim = sim, .direct = direct != 0};
    WzpDialInfo info;
    sim->tap = trickle;
    sim->tap_user = &state;
    sim_call_run(sim, 180 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      wzp_dial_get_info(dial_of(sim, i), &info);
      g_assert_cmpint(info.state, ==, WZP_DIAL_TALKING);
      g_assert_cmpuint(sim_party_stats(&sim->parties[i]).n_members, ==, 1);
    }
    sim->tap = NULL;
    sim_call_run(sim, 30 * WZP_SECOND);
    g_assert_cmpfloat(loss_of_1(sim, 10 * WZP_SECOND), <, 0.01);
    sim_call_free(sim);
  }
}

typedef struct {
  WzpTime at[64];
  unsigned n;
} Switches;

/* Loss and delay on the relay's way, and loss on the direct one: no flapping, and the call lives. */
static void
grid_cell(double relay_loss, WzpTime round_trip, double direct_loss, uint64_t seed)
{
  const SimLinkConfig relay = {.delay = round_trip / 2, .loss = relay_loss};
  const SimLinkConfig direct = {.delay = 10 * WZP_MSEC, .loss = direct_loss};
  SimCall *sim = accepted(seed, &relay, &direct, WZP_ACCEPT_TRUSTED);
  Switches switches[2] = {0};
  unsigned events[2] = {0};
  uint64_t sent = 0, heard = 0;
  bool has_both = true; /* from some time before the measurement on */
  for (unsigned step = 0; step < 600; step++) {
    for (unsigned i = 0; step >= 200 && i < 2; i++)
      has_both &= path_of(sim, i).proven && path_of(sim, i).peer_proven;
    if (step == 300) {
      sent = sim->parties[0].frames_sent + sim->parties[1].frames_sent;
      heard = sim->parties[0].frames_received + sim->parties[1].frames_received;
    }
    sim_call_run(sim, 100 * WZP_MSEC);
    for (unsigned i = 0; i < 2; i++) {
      unsigned n = sim_party_count_events(&sim->parties[i], WZP_EVENT_PATH);
      for (; events[i] < n; events[i]++)
        switches[i].at[switches[i].n++ % 64] = sim->now;
    }
  }
  for (unsigned i = 0; i < 2; i++) {
    for (unsigned n = 1; n < switches[i].n; n++)
      g_assert_cmpint(switches[i].at[n] - switches[i].at[n - 1], >=,
                      WZP_PATH_HOLD - 200 * WZP_MSEC);
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).n_members, ==, 1);
    g_assert_cmpuint(sim->parties[i].frames_twice, ==, 0);
  }
  sent = sim->parties[0].frames_sent + sim->parties[1].frames_sent - sent;
  heard = sim->parties[0].frames_received + sim->parties[1].frames_received - heard;
  double loss = 1 - (double)heard / (double)sent, by_relay = 1 - pow(1 - relay_loss, 2);
  g_test_message(
      "relay %2.0f %% %3d ms, direct %2.0f %%: %s, %u switches, %u silences, %u attempts, "
      "%.0f %% lost",
      100 * relay_loss, (int)(round_trip / WZP_MSEC), 100 * direct_loss,
      path_of(sim, 0).direct ? "direct" : "relay", path_of(sim, 0).switches,
      path_of(sim, 0).silences, path_of(sim, 0).attempts, 100 * loss);
  /* the second half minute goes by the better one */
  g_assert_cmpfloat(loss, <, (has_both ? MIN(by_relay, direct_loss) : by_relay) + 0.1);
  sim_call_free(sim);
}

static void
test_grid(void)
{
  static const double losses[] = {0.05, 0.3, 0.5, 0.7};
  static const int round_trips[] = {60, 300, 800};
  for (unsigned l = 0; l < G_N_ELEMENTS(losses); l++)
    for (unsigned r = 0; r < G_N_ELEMENTS(round_trips); r++)
      for (unsigned d = 0; d < G_N_ELEMENTS(losses); d++)
        grid_cell(losses[l], round_trips[r] * WZP_MSEC, losses[d], 100 + 16 * l + 4 * r + d);
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
  g_test_add_func("/sim-path/cut", test_cut);
  g_test_add_func("/sim-path/cut-at-once", test_cut_at_once);
  g_test_add_func("/sim-path/cut-young", test_cut_young);
  g_test_add_func("/sim-path/cut-then-silence", test_cut_then_silence);
  g_test_add_func("/sim-path/one-way", test_one_way);
  g_test_add_func("/sim-path/lossy-direct", test_lossy_direct);
  g_test_add_func("/sim-path/lossy-relay", test_lossy_relay);
  g_test_add_func("/sim-path/forged", test_forged);
  g_test_add_func("/sim-path/garbage", test_garbage);
  g_test_add_func("/sim-path/short-cut", test_short_cut);
  g_test_add_func("/sim-path/wake-ups", test_wake_ups);
  g_test_add_func("/sim-path/silence", test_silence);
  g_test_add_func("/sim-path/relay-away", test_relay_away);
  g_test_add_func("/sim-path/relay-restarts", test_relay_restarts);
  g_test_add_func("/sim-path/relay-restarts-relayed", test_relay_restarts_relayed);
  g_test_add_func("/sim-path/both-die", test_both_die);
  g_test_add_func("/sim-path/relay-quiet", test_relay_quiet);
  g_test_add_func("/sim-path/network-changed", test_network_changed);
  g_test_add_func("/sim-path/words-past-relay", test_words_past_relay);
  g_test_add_func("/sim-path/trickle", test_trickle);
  g_test_add_func("/sim-path/grid", test_grid);
  return g_test_run();
}
