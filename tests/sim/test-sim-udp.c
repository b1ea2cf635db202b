/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two boxes and a key file, in virtual time. Every sealing of both boxes is watched for a repeated key and
 * nonce, over all restarts of a test. */
#include "nonce-watch.h"
#include "sim-call.h"
#include <string.h>

static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};

static SimCall *
new_sim(uint64_t seed, const SimLinkConfig *link)
{
  SimCallConfig config = {.seed = seed, .mode = WZP_CALL_UDP, .out = *link, .in = *link};
  nonce_watch_reset();
  return sim_call_new(&config);
}

static WzpCallStats
stats_of(const SimCall *sim, unsigned party)
{
  return sim_party_stats(&sim->parties[party]);
}

static unsigned
count(const SimCall *sim, unsigned party, WzpEventType type)
{
  return sim_party_count_events(&sim->parties[party], type);
}

/* Either order of start, and both at once: one session, one peer, nothing lost. */
static void
test_order_of_start(void)
{
  for (unsigned seed = 0; seed < 30; seed++) {
    SimCall *sim = new_sim(seed, &clean);
    unsigned first = seed & 1;
    sim_call_start_party(sim, first);
    sim_call_run(sim, (seed % 3) * 700 * WZP_MSEC); /* 0: the first messages cross */
    sim_call_start_party(sim, 1 - first);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
    sim_call_run(sim, 20 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    sim_call_check_nothing_lost(sim);
    uint8_t slots[2];
    for (unsigned i = 0; i < 2; i++) {
      WzpMemberInfo peer;
      g_assert_cmpuint(stats_of(sim, i).handshakes_completed, ==, 1);
      g_assert_cmpuint(count(sim, i, WZP_EVENT_MEMBER), ==, 1);
      g_assert_cmpuint(count(sim, i, WZP_EVENT_MEMBER_LEFT), ==, 0);
      g_assert_cmpint(stats_of(sim, i).round_trip, >=, 40 * WZP_MSEC);
      g_assert_true(wzp_call_member(sim->parties[i].call, 0, &peer));
      g_assert_false(wzp_call_member(sim->parties[i].call, 1, &peer));
      slots[i] = peer.slot;
      g_assert_cmpuint(sim->parties[i].frames_received, >, 900);
    }
    g_assert_cmpuint(slots[0] ^ slots[1], ==, 1);
    sim_call_free(sim);
  }
}

/* One of the two knows no address: it waits for the other, also after a restart of either. */
static void
test_waiting_side(void)
{
  SimCall *sim = new_sim(40, &clean);
  sim->parties[1].knows_others = false;
  sim_call_start_party(sim, 1);
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_cmpuint(sim_link_stats(sim->parties[1].out).sent, ==, 0);
  sim_call_start_party(sim, 0);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  for (unsigned i = 0; i < 2; i++) {
    sim_call_kill_party(sim, i);
    sim_call_run(sim, WZP_SECOND);
    sim_call_start_party(sim, i);
    sim_call_run(sim, 5 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
  }
  sim_call_free(sim);
}

static uint64_t heard_before;

static bool
first_hears(SimCall *sim)
{
  return stats_of(sim, 0).packets_opened > heard_before;
}

/* A box moves, and its machine tells: a handshake at once, and nobody else is at the old address. When nothing changed for
 * the other box, what it says ends the handshake. */
static void
test_moves(void)
{
  SimCall *sim = new_sim(45, &clean);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_run(sim, 5 * WZP_SECOND);
  wzp_call_moved(sim->parties[0].call, sim->now);
  sim_call_run(sim, 5 * WZP_SECOND);
  g_assert_cmpuint(stats_of(sim, 0).handshakes_completed, ==, 1);
  WzpTime moved = sim->now;
  sim_call_move_party(sim, 0, "198.51.100.77:7000");
  wzp_call_moved(sim->parties[0].call, sim->now);
  sim_call_run(sim, 1);
  heard_before = stats_of(sim, 0).packets_opened;
  g_assert_true(sim_call_run_until(sim, first_hears, WZP_SECOND));
  g_test_message("heard again after %d ms", (int)((sim->now - moved) / WZP_MSEC));
  g_assert_cmpint(sim->now - moved, <=, 4 * clean.delay + 40 * WZP_MSEC);
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  g_assert_cmpuint(count(sim, 1, WZP_EVENT_MEMBER_LEFT), ==, 0);
  sim_call_free(sim);
}

static void
test_lossy(void)
{
  SimLinkConfig link = {.loss = 0.3,
                        .delay = 100 * WZP_MSEC,
                        .jitter = 100 * WZP_MSEC,
                        .reorder = true,
                        .duplicate = 0.1};
  for (unsigned seed = 50; seed < 60; seed++) {
    SimCall *sim = new_sim(seed, &link);
    sim_call_start_party(sim, 0);
    sim_call_start_party(sim, 1);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
    sim_call_run(sim, 60 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    for (unsigned i = 0; i < 2; i++) {
      const SimParty *party = &sim->parties[i];
      double share = (double)party->frames_received / (double)sim->parties[1 - i].frames_sent;
      g_assert_cmpfloat(share, >, 0.63);
      g_assert_cmpfloat(share, <, 0.77);
    }
    sim_call_free(sim);
  }
}

/* Each end dies twice, at moments that differ by seed, and comes back. */
static void
test_restarts(void)
{
  uint64_t n_sealed = 0;
  for (unsigned seed = 100; seed < 120; seed++) {
    SimCall *sim = new_sim(seed, &clean);
    sim_call_start_party(sim, 0);
    sim_call_start_party(sim, 1);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
    for (unsigned i = 0; i < 4; i++) {
      unsigned dies = i & 1;
      sim_call_run(sim, 2 * WZP_SECOND + seed * 13 * WZP_MSEC);
      sim_call_kill_party(sim, dies);
      /* back at once, while the other waits, or when it already looks for it */
      sim_call_run(sim, (seed % 4) * 1500 * WZP_MSEC);
      sim_call_start_party(sim, dies);
      g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
      sim_call_run(sim, 300 * WZP_MSEC); /* the latency of playout */
      uint64_t received[2], played[2];
      for (unsigned party = 0; party < 2; party++) {
        received[party] = sim->parties[party].frames_received;
        played[party] = sim->parties[party].played->len;
      }
      sim_call_run(sim, 2 * WZP_SECOND);
      /* also on the side that stayed, whose peer's packet numbers started again */
      for (unsigned party = 0; party < 2; party++) {
        g_assert_cmpuint(sim->parties[party].frames_received, >=, received[party] + 99);
        g_assert_cmpuint(sim->parties[party].played->len, >=, played[party] + 99);
      }
    }
    /* fresh identities: the one who stayed saw the other go and come */
    g_assert_cmpuint(count(sim, 0, WZP_EVENT_MEMBER), >=, 3);
    sim_call_run(sim, 20 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    n_sealed += nonce_watch_count();
    sim_call_free(sim);
  }
  g_assert_cmpuint(n_sealed, >, 40000);
}

static void
test_wrong_key_file(void)
{
  SimCall *sim = new_sim(60, &clean);
  sim_call_start_party(sim, 0);
  sim->parties[1].knows_others = false; /* so that all it could send is an answer */
  WzpCallConfig config = sim_call_party_config(sim, 1);
  config.psk[31] ^= 1;
  sim_call_start_with(sim, 1, &config);
  sim_call_run(sim, 40 * WZP_SECOND);
  g_assert_cmpuint(sim_link_stats(sim->parties[1].out).sent, ==, 0);
  g_assert_cmpuint(stats_of(sim, 1).drops[WZP_BAD_COOKIE], >, 100);
  g_assert_cmpint(stats_of(sim, 0).state, ==, WZP_CALL_CONNECTING);
  g_assert_cmpint(stats_of(sim, 1).state, ==, WZP_CALL_CONNECTING);
  sim_call_free(sim);
}

/* A cut in one direction, in the other, in both, for as long as sessions are found lost and longer. */
static void
test_outage(void)
{
  for (unsigned i = 0; i < 24; i++) {
    SimCall *sim = new_sim(200 + i, &clean);
    unsigned cut = i % 3 + 1;
    sim_call_start_party(sim, 0);
    sim_call_start_party(sim, 1);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned party = 0; party < 2; party++)
      sim_link_set_down(sim->parties[party].out, cut >> party & 1);
    sim_call_run(sim, (3 + i / 3 * 2) * WZP_SECOND);
    for (unsigned party = 0; party < 2; party++)
      sim_link_set_down(sim->parties[party].out, false);
    sim_call_run(sim, 2 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    uint64_t received[2] = {sim->parties[0].frames_received, sim->parties[1].frames_received};
    sim_call_run(sim, 30 * WZP_SECOND);
    for (unsigned party = 0; party < 2; party++) {
      g_assert_cmpuint(sim->parties[party].frames_received, >=, received[party] + 1499);
      g_assert_cmpuint(count(sim, party, WZP_EVENT_MEMBER), ==, 1); /* the same box all along */
    }
    /* the direction that was whole lost nothing, also not when a new session took over */
    sim->parties[0].talking = sim->parties[1].talking = false;
    sim_call_run(sim, WZP_SECOND);
    for (unsigned party = 0; party < 2; party++)
      if ((cut >> party & 1) == 0)
        g_assert_cmpuint(sim->parties[1 - party].frames_received, ==,
                         sim->parties[party].frames_sent);
    sim_call_free(sim);
  }
}

/* The responder talks as soon as it has HS3. Its first records get lost; its media opens all the same. */
static bool
lose_records(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  unsigned *n = user;
  (void)party;
  (void)to;
  if (wzp_datagram_kind(data, length) != WZP_DATAGRAM_CONTROL || *n == 0)
    return true;
  (*n)--;
  return false;
}

static void
test_first_record_lost(void)
{
  SimCall *sim = new_sim(71, &clean);
  unsigned n_to_lose = 3;
  sim->tap = lose_records;
  sim->tap_user = &n_to_lose;
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  g_assert_cmpuint(n_to_lose, ==, 0);
  g_assert_cmpuint(sim->parties[0].frames_received + sim->parties[1].frames_received, >, 10);
  sim_call_run(sim, WZP_SECOND);
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
}

/* Of box 0 only handshakes get through for a while: box 1 makes a new session, which box 0 has long before
 * box 1 knows. */
static bool
only_handshakes(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  const SimCall *sim = user;
  WzpDatagramKind kind = wzp_datagram_kind(data, length);
  (void)to;
  return party != 0 || kind == WZP_DATAGRAM_HS1 || kind == WZP_DATAGRAM_HS2 ||
         kind == WZP_DATAGRAM_HS3 || sim->now > 10 * WZP_SECOND;
}

static void
test_change_over(void)
{
  SimCall *sim = new_sim(72, &clean);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_run(sim, 2 * WZP_SECOND);
  sim->tap = only_handshakes;
  sim->tap_user = sim;
  sim_call_run(sim, 20 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  sim->parties[0].talking = sim->parties[1].talking = false;
  sim_call_run(sim, WZP_SECOND);
  g_assert_cmpuint(stats_of(sim, 0).handshakes_completed, >=, 2);
  g_assert_cmpuint(stats_of(sim, 1).handshakes_completed, >=, 2);
  g_assert_cmpuint(sim->parties[0].frames_received, ==, sim->parties[1].frames_sent);
  sim_call_free(sim);
}

/* Whatever the slot of a forged packet, and though sessions of before still live: one key is tried. */
static void
test_one_attempt(void)
{
  SimCall *sim = new_sim(90, &clean);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  for (unsigned i = 0; i < 2; i++) {
    sim_link_set_down(sim->parties[0].out, true);
    sim_call_run(sim, 4 * WZP_SECOND);
    sim_link_set_down(sim->parties[0].out, false);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 2 * WZP_SECOND));
  }
  g_assert_cmpuint(stats_of(sim, 0).handshakes_completed, >=, 3);
  uint8_t packet[60] = {0xc0, 0, 0x70}, plain[60]; /* a seq that was not seen */
  size_t length;
  WzpOpened opened;
  unsigned tried = 0;
  for (unsigned slot = 0; slot < 256; slot++) {
    packet[1] = (uint8_t)slot;
    uint64_t before = nonce_watch_opens();
    g_assert_cmpint(wzp_call_open(sim->parties[0].call, sim->now, packet, sizeof packet, plain,
                                  &length, &opened),
                    !=, WZP_OK);
    g_assert_cmpuint(nonce_watch_opens() - before, <=, 1);
    tried += (unsigned)(nonce_watch_opens() - before);
  }
  g_assert_cmpuint(tried, >=, 2); /* the session and one of before */
  sim_call_free(sim);
}

static void
test_leave(void)
{
  SimCall *sim = new_sim(70, &clean);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_leave_party(sim, 1);
  sim_call_run(sim, 500 * WZP_MSEC);
  g_assert_cmpint(stats_of(sim, 0).state, ==, WZP_CALL_RECONNECTING);
  g_assert_cmpuint(count(sim, 0, WZP_EVENT_CLOSED), ==, 1);
  g_assert_cmpuint(count(sim, 0, WZP_EVENT_MEMBER_LEFT), ==, 1);
  uint64_t sealed = stats_of(sim, 0).packets_sealed;
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_cmpuint(stats_of(sim, 0).packets_sealed, ==, sealed);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 2 * WZP_SECOND));
  sim_call_free(sim);
}

/* All that a box sends comes back to it. */
static bool
reflect(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  SimCall *sim = user;
  /* nobody answers himself */
  if (sim->parties[1].call == NULL)
    g_assert_cmpint(wzp_datagram_kind(data, length), ==, WZP_DATAGRAM_HS1);
  sim_network_send(sim->network, sim->parties[party].out, sim->now, to,
                   &sim->parties[party].address, data, length);
  return true;
}

static void
test_reflection(void)
{
  SimCall *sim = new_sim(80, &clean);
  sim->tap = reflect;
  sim->tap_user = sim;
  sim_call_start_party(sim, 0);
  sim_call_run(sim, 20 * WZP_SECOND);
  g_assert_cmpint(stats_of(sim, 0).state, ==, WZP_CALL_CONNECTING);
  g_assert_cmpuint(stats_of(sim, 0).drops[WZP_OWN_IDENTITY], >, 50);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_cmpuint(stats_of(sim, 0).handshakes_completed, ==, 1);
  sim->tap = NULL;
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
}

/* With each datagram goes a copy with one bit flipped, and one of random bytes behind a random first one. */
typedef struct {
  SimCall *sim;
  GRand *rand;
  uint64_t n_sent;
} Vandal;

static bool
spoil(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Vandal *vandal = user;
  SimCall *sim = vandal->sim;
  const SimParty *sender = &sim->parties[party];
  uint8_t copy[WZP_DATAGRAM_MAX];
  memcpy(copy, data, length);
  copy[g_rand_int_range(vandal->rand, 0, (gint32)length)] ^=
      (uint8_t)(1 << g_rand_int_range(vandal->rand, 0, 8));
  sim_network_send(sim->network, sender->out, sim->now, &sender->address, to, copy, length);
  for (size_t i = 0; i < length; i++)
    copy[i] = (uint8_t)g_rand_int(vandal->rand);
  sim_network_send(sim->network, sender->out, sim->now, &sender->address, to, copy, length);
  vandal->n_sent += 2;
  return true;
}

static void
test_spoilt(void)
{
  SimCall *sim = new_sim(81, &clean);
  Vandal vandal = {.sim = sim, .rand = g_rand_new_with_seed(81)};
  sim->tap = spoil;
  sim->tap_user = &vandal;
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_run(sim, 20 * WZP_SECOND);
  sim_call_check_nothing_lost(sim);
  uint64_t n_drops = 0;
  for (unsigned i = 0; i < 2; i++) {
    WzpCallStats stats = stats_of(sim, i);
    g_assert_cmpint(stats.state, ==, WZP_CALL_ACTIVE);
    g_assert_cmpuint(stats.handshakes_completed, ==, 1);
    for (unsigned reason = 0; reason < WZP_N_RESULTS; reason++)
      n_drops += stats.drops[reason];
  }
  /* a flip in what an HS1 does not use, or in HS3's after it served, goes unseen */
  g_assert_cmpuint(n_drops, >=, vandal.n_sent * 99 / 100);
  g_rand_free(vandal.rand);
  sim_call_free(sim);
}

/* An eavesdropper sends all first messages of yesterday again: answered in vain, and not too often. */
typedef struct {
  GPtrArray *hs1; /* GBytes */
} Recording;

static bool
record_hs1(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Recording *recording = user;
  (void)party;
  (void)to;
  if (wzp_datagram_kind(data, length) == WZP_DATAGRAM_HS1)
    g_ptr_array_add(recording->hs1, g_bytes_new(data, length));
  return true;
}

static void
record_yesterday(Recording *recording)
{
  recording->hs1 = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (unsigned seed = 300; seed < 350; seed++) {
    SimCall *sim = new_sim(seed, &clean);
    sim->tap = record_hs1;
    sim->tap_user = recording;
    sim_call_start_party(sim, 0);
    sim_call_run(sim, 50 * WZP_MSEC);
    sim_call_free(sim);
  }
  g_assert_cmpuint(recording->hs1->len, ==, 50);
}

static void
test_replayed_hs1(void)
{
  Recording recording;
  record_yesterday(&recording);
  SimCall *sim = new_sim(90, &clean);
  for (unsigned i = 0; i < 100; i++) {
    if (i == 20)
      sim_call_start_party(sim, 0);
    if (i == 30)
      sim_call_start_party(sim, 1);
    for (unsigned n = 0; n < recording.hs1->len; n++) {
      gsize length;
      const uint8_t *data = g_bytes_get_data(g_ptr_array_index(recording.hs1, n), &length);
      for (int party = 0; party < 2; party++)
        sim_call_inject(sim, party, &sim->parties[1 - party].address, data, length);
    }
    sim_call_run(sim, 50 * WZP_MSEC);
    if (i >= 60)
      g_assert_true(sim_call_is_active(sim));
  }
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(stats_of(sim, i).handshakes_completed, ==, 1);
    g_assert_cmpuint(stats_of(sim, i).drops[WZP_RATE_LIMITED], >, 0);
  }
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
  g_ptr_array_unref(recording.hs1);
}

/* The same from everywhere: who is at the address where the other box is expected need not wait behind. */
static void
test_replayed_from_elsewhere(void)
{
  Recording recording;
  record_yesterday(&recording);
  SimCall *sim = new_sim(91, &clean);
  sim_call_start_party(sim, 0);
  for (unsigned i = 0; i < 200; i++) {
    for (unsigned n = 0; n < recording.hs1->len; n++) {
      WzpAddress from = {.family = 4, .port = (uint16_t)(1 + i), .bytes = {192, 0, 2, (uint8_t)n}};
      gsize length;
      const uint8_t *data = g_bytes_get_data(g_ptr_array_index(recording.hs1, n), &length);
      sim_call_inject(sim, 0, &from, data, length);
    }
    if (i == 100)
      sim_call_start_party(sim, 1);
    sim_call_run(sim, 10 * WZP_MSEC);
  }
  g_assert_true(sim_call_is_active(sim));
  g_assert_cmpuint(stats_of(sim, 0).drops[WZP_RATE_LIMITED], >, 9000);
  g_assert_cmpint(sim->parties[1].active_at - sim->parties[1].started_at, <=, 300 * WZP_MSEC);
  sim_call_free(sim);
  g_ptr_array_unref(recording.hs1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/udp/order-of-start", test_order_of_start);
  g_test_add_func("/sim/udp/waiting-side", test_waiting_side);
  g_test_add_func("/sim/udp/moves", test_moves);
  g_test_add_func("/sim/udp/lossy", test_lossy);
  g_test_add_func("/sim/udp/restarts", test_restarts);
  g_test_add_func("/sim/udp/wrong-key-file", test_wrong_key_file);
  g_test_add_func("/sim/udp/outage", test_outage);
  g_test_add_func("/sim/udp/first-record-lost", test_first_record_lost);
  g_test_add_func("/sim/udp/change-over", test_change_over);
  g_test_add_func("/sim/udp/one-attempt", test_one_attempt);
  g_test_add_func("/sim/udp/leave", test_leave);
  g_test_add_func("/sim/udp/reflection", test_reflection);
  g_test_add_func("/sim/udp/spoilt", test_spoilt);
  g_test_add_func("/sim/udp/replayed-hs1", test_replayed_hs1);
  g_test_add_func("/sim/udp/replayed-from-elsewhere", test_replayed_from_elsewhere);
  return g_test_run();
}
