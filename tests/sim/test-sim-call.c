/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls through a relay, in virtual time. */
#include "nonce-watch.h"
#include "sim-call.h"
#include <math.h>
#include <string.h>

static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};

static SimCall *
new_sim(uint64_t seed, const SimLinkConfig *link)
{
  SimCallConfig config = {.seed = seed, .mode = WZP_CALL_RELAY, .out = *link, .in = *link};
  nonce_watch_reset();
  return sim_call_new(&config);
}

static SimCall *
start_call(uint64_t seed, const SimLinkConfig *link)
{
  SimCall *sim = new_sim(seed, link);
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  return sim;
}

/* Both fall silent; what is on its way arrives. */
static void
finish(SimCall *sim)
{
  for (unsigned i = 0; i < sim->n_parties; i++)
    sim->parties[i].talking = false;
  sim_call_run(sim, 3 * WZP_SECOND);
}

/* --- Good networks --- */

static void
test_no_loss(void)
{
  SimCall *sim = start_call(1, &clean);
  sim_call_run(sim, 30 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  finish(sim);
  for (unsigned i = 0; i < 2; i++) {
    const SimParty *party = &sim->parties[i], *other = &sim->parties[1 - i];
    WzpCallStats stats = sim_party_stats(party);
    g_assert_cmpuint(party->frames_received, >, 1400);
    g_assert_cmpuint(party->frames_received, ==, other->frames_sent);
    g_assert_cmpuint(party->played->len, ==, other->frames_sent);
    g_assert_cmpint(party->longest_stall, ==, 0);
    g_assert_cmpuint(stats.handshakes_started, ==, 1);
    g_assert_cmpuint(stats.handshakes_completed, ==, 1);
    g_assert_cmpuint(stats.packets_sealed, ==, party->frames_sent);
    g_assert_cmpuint(stats.n_members, ==, 1);
    g_assert_cmpint(stats.round_trip, >=, 40 * WZP_MSEC);
    g_assert_cmpint(stats.round_trip, <, 50 * WZP_MSEC);
    g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_MEMBER), ==, 1);
    g_assert_cmpmem(sim_party_find_event(party, WZP_EVENT_MEMBER)->key, 32,
                    other->identity->ed25519_public, 32);
    g_assert_cmpmem(sim_party_find_event(party, WZP_EVENT_RELAY_KEY)->key, 32,
                    sim->relay_identity->ed25519_public, 32);
    g_assert_cmpint(party->active_at - party->started_at, <, WZP_SECOND);
  }
  RelayStats relay;
  relay_core_get_stats(sim->relay, &relay);
  g_assert_cmpuint(relay.packets_forwarded, ==,
                   sim->parties[0].frames_sent + sim->parties[1].frames_sent);
  sim_call_free(sim);
}

/* The same seed is the same run, to the last datagram. */
static void
test_deterministic(void)
{
  SimLinkConfig link = {
      .loss = 0.2, .delay = 50 * WZP_MSEC, .jitter = 80 * WZP_MSEC, .reorder = true};
  WzpCallStats stats[2];
  SimLinkStats links[2];
  memset(stats, 0, sizeof stats);
  for (unsigned i = 0; i < 2; i++) {
    SimCall *sim = start_call(2, &link);
    sim_call_run(sim, 20 * WZP_SECOND);
    stats[i] = sim_party_stats(&sim->parties[0]);
    links[i] = sim_link_stats(sim->parties[1].out);
    sim_call_free(sim);
  }
  g_assert_cmpmem(stats[0].drops, sizeof stats[0].drops, stats[1].drops, sizeof stats[1].drops);
  g_assert_cmpuint(stats[0].packets_opened, ==, stats[1].packets_opened);
  g_assert_cmpuint(stats[0].datagrams_received, ==, stats[1].datagrams_received);
  g_assert_cmpmem(&links[0], sizeof links[0], &links[1], sizeof links[1]);
}

static void
test_leave(void)
{
  SimCall *sim = start_call(3, &clean);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim_call_leave_party(sim, 1);
  sim_call_run(sim, WZP_SECOND);
  SimParty *party = &sim->parties[0];
  g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_MEMBER_LEFT), ==, 1);
  g_assert_cmpint(sim_party_stats(party).state, ==, WZP_CALL_WAITING);
  /* speaks to no one: nothing is sealed */
  uint64_t sealed = sim_party_stats(party).packets_sealed;
  sim_call_run(sim, WZP_SECOND);
  g_assert_cmpuint(sim_party_stats(party).packets_sealed, ==, sealed);
  g_assert_cmpuint(sim_party_stats(party).drops[WZP_NO_RECEIVER], >=, 50);
  RelayStats relay;
  relay_core_get_stats(sim->relay, &relay);
  g_assert_cmpuint(relay.sessions, ==, 1);
  /* and comes back */
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
  sim_call_free(sim);
}

/* --- Bad networks --- */

/* One speaks, one listens, half of all datagrams are lost: answers are missing all the time, but the
 * relay is there, and nobody is told otherwise more than now and then. */
static void
test_one_way_half_lost(void)
{
  SimLinkConfig half = {.loss = 0.5, .delay = 25 * WZP_MSEC};
  SimCall *sim = start_call(460, &half);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 30 * WZP_SECOND));
  sim->parties[1].talking = false;
  unsigned before = sim_party_count_events(&sim->parties[0], WZP_EVENT_STATE);
  uint64_t received = sim->parties[1].frames_received;
  sim_call_run(sim, 300 * WZP_SECOND);
  unsigned changes = sim_party_count_events(&sim->parties[0], WZP_EVENT_STATE) - before;
  received = sim->parties[1].frames_received - received;
  g_test_message("50 %% loss, one way: %u changes of state in 300 s, %" G_GUINT64_FORMAT
                 " of 15000 frames came, %" G_GUINT64_FORMAT " handshakes",
                 changes, received, sim_party_stats(&sim->parties[0]).handshakes_started);
  g_assert_cmpuint(received, >=, 15000 / 5);
  g_assert_cmpuint(changes, <=, 30);
  sim_call_free(sim);
}

/* Half of all datagrams are lost: the goodbye is heard all the same, and long before the idle timeout. */
static void
test_leave_half_lost(void)
{
  SimLinkConfig half = {.loss = 0.5, .delay = 50 * WZP_MSEC};
  unsigned heard = 0;
  for (unsigned seed = 0; seed < 50; seed++) {
    SimCall *sim = start_call(400 + seed, &half);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 30 * WZP_SECOND));
    sim_call_leave_party(sim, 1);
    sim_call_run(sim, 3 * WZP_SECOND);
    heard += sim_party_count_events(&sim->parties[0], WZP_EVENT_MEMBER_LEFT) > 0;
    sim_call_free(sim);
  }
  g_test_message("50 %% loss: %u of 50 goodbyes heard", heard);
  g_assert_cmpuint(heard, >=, 49);
}

static void
check_ten_minutes(uint64_t seed, const SimLinkConfig *link, WzpTime stall)
{
  SimCall *sim = start_call(seed, link);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
  WzpTime start = sim->now + 5 * WZP_SECOND;
  sim_call_run(sim, 610 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  finish(sim);
  for (unsigned i = 0; i < 2; i++) {
    const SimParty *party = &sim->parties[i], *other = &sim->parties[1 - i];
    double lost = 1 - (double)party->frames_received / (double)other->frames_sent;
    double expected = 1 - pow(1 - link->loss, 2);
    double first = sim_party_mean_delay(party, start, start + 60 * WZP_SECOND);
    double last = sim_party_mean_delay(party, start + 540 * WZP_SECOND, start + 600 * WZP_SECOND);
    g_test_message("party %u: lost %.2f %%, delay %.1f ms then %.1f ms, longest stall %.0f ms", i,
                   100 * lost, first / WZP_MSEC, last / WZP_MSEC,
                   (double)party->longest_stall / WZP_MSEC);
    /* six standard deviations of 30,000 frames */
    g_assert_cmpfloat_with_epsilon(lost, expected, 0.011);
    g_assert_cmpfloat(last, <=, first + 2 * WZP_MSEC);
    g_assert_cmpint(party->longest_stall, <=, stall);
    /* what arrives is in time to be played */
    g_assert_cmpuint(party->played->len, >=, party->frames_received * 995 / 1000);
    g_assert_cmpuint(sim_party_stats(party).handshakes_started, ==, 1);
  }
  sim_call_free(sim);
}

static void
test_ten_minutes(void)
{
  /* 10 % and 100 ms from end to end and back */
  SimLinkConfig link = {.loss = 0.0513, .delay = 25 * WZP_MSEC};
  check_ten_minutes(10, &link, 200 * WZP_MSEC);
}

static void
test_ten_minutes_jitter(void)
{
  SimLinkConfig link = {.loss = 0.0513,
                        .delay = 25 * WZP_MSEC,
                        .jitter = 40 * WZP_MSEC,
                        .reorder = true,
                        .duplicate = 0.05};
  check_ten_minutes(11, &link, 200 * WZP_MSEC);
}

static void
test_reorder_and_duplicate(void)
{
  SimLinkConfig link = {
      .delay = 20 * WZP_MSEC, .jitter = 60 * WZP_MSEC, .reorder = true, .duplicate = 0.3};
  SimCall *sim = start_call(12, &link);
  sim_call_run(sim, 60 * WZP_SECOND);
  finish(sim);
  for (unsigned i = 0; i < 2; i++) {
    const SimParty *party = &sim->parties[i];
    uint64_t early = sim_party_stats(party).drops[WZP_NO_KEY]; /* overtook their key, some twice */
    g_assert_cmpuint(party->frames_received + early, >=, sim->parties[1 - i].frames_sent);
    g_assert_cmpuint(early, <=, 10);
    g_assert_cmpuint(sim_link_stats(party->out).reordered, >, 500);
    g_assert_cmpuint(sim_link_stats(party->out).duplicated, >, 500);
  }
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).drops[WZP_REPLAYED], >, 300);
  sim_call_free(sim);
}

static bool
is_first_connected(SimCall *sim)
{
  return sim->parties[0].connected_at != WZP_NEVER;
}

static bool
both_heard(SimCall *sim)
{
  return sim->parties[0].first_media_at != WZP_NEVER && sim->parties[1].first_media_at != WZP_NEVER;
}

/* Limits in seconds: from the start of a client to the first of its requests that is answered. */
static void
check_handshake(unsigned first_seed, double loss, double median, double p90)
{
  SimLinkConfig link = {.loss = loss, .delay = 400 * WZP_MSEC};
  GArray *connected = g_array_new(FALSE, FALSE, sizeof(WzpTime));
  GArray *heard = g_array_new(FALSE, FALSE, sizeof(WzpTime));
  for (unsigned seed = 0; seed < 200; seed++) {
    SimCall *sim = new_sim(first_seed + seed, &link);
    sim_call_start_relay(sim);
    sim_call_start_party(sim, 0);
    sim_call_start_party(sim, 1);
    g_assert_true(sim_call_run_until(sim, is_first_connected, 120 * WZP_SECOND));
    WzpTime time = sim->parties[0].connected_at - sim->parties[0].started_at;
    g_array_append_val(connected, time);
    g_assert_true(sim_call_run_until(sim, both_heard, 120 * WZP_SECOND));
    time = sim->now - sim->parties[0].started_at;
    g_array_append_val(heard, time);
    sim_call_free(sim);
  }
  g_test_message("%.0f %% / 800 ms: connected median %.2f s, p90 %.2f s; both hear each other "
                 "median %.2f s, p90 %.2f s",
                 100 * loss, sim_quantile(connected, 0.5), sim_quantile(connected, 0.9),
                 sim_quantile(heard, 0.5), sim_quantile(heard, 0.9));
  g_assert_cmpfloat(sim_quantile(connected, 0.5), <=, median);
  g_assert_cmpfloat(sim_quantile(connected, 0.9), <=, p90);
  g_array_unref(connected);
  g_array_unref(heard);
}

static void
test_handshake_half_lost(void)
{
  check_handshake(1000, 0.5, 2.3, 3.2);
}

static void
test_handshake_most_lost(void)
{
  check_handshake(4000, 0.7, 4.0, 10);
}

static bool
lose_hs3(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  const SimCall *sim = user;
  (void)to;
  return party != 0 || length == 0 || data[0] != 0x42 ||
         sim->now >= sim->parties[0].started_at + 11 * WZP_SECOND;
}

/* HS3 came to a relay that had forgotten its HS2, as it does after 10 s. */
static void
test_answer_forgotten(void)
{
  SimCall *sim = new_sim(4, &clean);
  sim->tap = lose_hs3;
  sim->tap_user = sim;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_false(is_first_connected(sim));
  g_assert_true(sim_call_run_until(sim, is_first_connected, 2 * WZP_SECOND));
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).handshakes_started, ==, 2);
  sim_call_free(sim);
}

/* One side talks over a long way, the other only listens: the relay's answers take 800 ms. */
static void
test_slow_and_one_sided(void)
{
  SimLinkConfig link = {.delay = 400 * WZP_MSEC};
  SimCall *sim = start_call(13, &link);
  sim->parties[1].talking = false;
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 20 * WZP_SECOND));
  sim_call_run(sim, 60 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).handshakes_started, ==, 1);
    g_assert_cmpint(sim_party_stats(&sim->parties[i]).state, ==, WZP_CALL_ACTIVE);
  }
  sim_call_free(sim);
}

/* --- Silence --- */

static void
test_silence(void)
{
  SimCall *sim = start_call(20, &clean);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  finish(sim);
  sim_call_run(sim, 20 * WZP_SECOND); /* past the memory of media */
  uint64_t before = sim_link_stats(sim->parties[0].out).sent;
  sim_call_run(sim, 80 * WZP_SECOND);
  uint64_t sent = sim_link_stats(sim->parties[0].out).sent - before;
  g_assert_cmpuint(
      sent, >=, 9); /* one keep-alive each 8 s, a sign of life to the other each 10 s, and acks */
  g_assert_cmpuint(sent, <=, 8 + 10 + 10);
  g_assert_true(sim_call_is_active(sim));
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).handshakes_started, ==, 1);

  /* the relay vanishes and comes back while nobody talks */
  sim_call_kill_relay(sim);
  sim_call_run(sim, 13 * WZP_SECOND);
  g_assert_cmpint(sim_party_stats(&sim->parties[0]).state, ==, WZP_CALL_RECONNECTING);
  sim_call_start_relay(sim);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 3 * WZP_SECOND));
  sim_call_free(sim);
}

/* --- The relay comes and goes --- */

static void
test_relay_late(void)
{
  SimCall *sim = new_sim(30, &clean);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  sim_call_run(sim, 70 * WZP_SECOND);
  WzpCallStats stats = sim_party_stats(&sim->parties[0]);
  g_assert_cmpint(stats.state, ==, WZP_CALL_CONNECTING);
  g_assert_cmpuint(stats.handshakes_started, ==, 3);
  g_assert_cmpuint(stats.drops[WZP_NOT_CONNECTED], >, 3000); /* frames: counted, not sent */
  sim_call_start_relay(sim);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 2 * WZP_SECOND));
  sim_call_free(sim);
}

/* Several addresses are tried at once; a fresh answer of the resolver serves the next handshake. */
static void
test_remotes(void)
{
  SimCall *sim = new_sim(33, &clean);
  WzpAddress nobody;
  g_assert_true(wzp_address_parse(&nobody, "[2001:db8::9]:4433"));
  sim_call_start_relay(sim);
  WzpCallConfig config = sim_call_party_config(sim, 0);
  config.remotes[1] = config.remotes[0];
  config.remotes[0] = nobody;
  config.n_remotes = 2;
  sim_call_start_with(sim, 0, &config);
  config = sim_call_party_config(sim, 1);
  config.remotes[0] = nobody;
  sim_call_start_with(sim, 1, &config);
  sim_call_run(sim, WZP_SECOND);
  WzpCallStats stats = sim_party_stats(&sim->parties[0]);
  g_assert_cmpint(stats.state, ==, WZP_CALL_WAITING);
  g_assert_true(wzp_address_equal(&stats.remote, &sim->relay_address));
  wzp_call_set_remotes(sim->parties[1].call, &sim->relay_address, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 31 * WZP_SECOND));
  sim_call_kill_party(sim, 1);

  /* without any address nothing is sent; the first that comes is used at once */
  config = sim_call_party_config(sim, 1);
  config.n_remotes = 0;
  uint64_t before = sim_link_stats(sim->parties[1].out).sent;
  sim_call_start_with(sim, 1, &config);
  sim_call_run(sim, 3 * WZP_SECOND);
  g_assert_cmpuint(sim_link_stats(sim->parties[1].out).sent, ==, before);
  wzp_call_set_remotes(sim->parties[1].call, &sim->relay_address, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  sim_call_free(sim);
}

static WzpTime resumed_after; /* frames received later than this show that the call goes on */

static bool
both_resumed(SimCall *sim)
{
  return sim->parties[0].last_received > resumed_after &&
         sim->parties[1].last_received > resumed_after;
}

static void
check_restart(bool goodbye, double limit)
{
  SimLinkConfig link = {.loss = 0.02, .delay = 25 * WZP_MSEC, .jitter = 5 * WZP_MSEC};
  GArray *times = g_array_new(FALSE, FALSE, sizeof(WzpTime));
  for (unsigned seed = 0; seed < 100; seed++) {
    SimCall *sim = start_call(3000 + seed, &link);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
    sim_call_run(sim, 2 * WZP_SECOND + seed * 7 * WZP_MSEC);
    WzpTime killed = sim->now;
    if (goodbye)
      sim_call_stop_relay(sim);
    else
      sim_call_kill_relay(sim);
    sim_call_run(sim, 200 * WZP_MSEC);
    sim_call_start_relay(sim);
    resumed_after = killed + 200 * WZP_MSEC;
    g_assert_true(sim_call_run_until(sim, both_resumed, 30 * WZP_SECOND));
    WzpTime time = sim->now - killed;
    g_array_append_val(times, time);
    sim_call_run(sim, 5 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    for (unsigned i = 0; i < 2; i++) {
      const SimParty *party = &sim->parties[i];
      /* members stayed members, and nobody was asked about the relay's key again */
      g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_MEMBER), ==, 1);
      g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_MEMBER_LEFT), ==, 0);
      g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_RELAY_KEY), ==, 1);
      g_assert_cmpuint(sim_party_stats(party).handshakes_completed, ==, 2);
    }
    g_assert_cmpuint(nonce_watch_count(), >, 500);
    sim_call_free(sim);
  }
  g_test_message("relay %s, back after 0.2 s: both hear again after median %.2f s, p95 %.2f s",
                 goodbye ? "stopped" : "killed", sim_quantile(times, 0.5),
                 sim_quantile(times, 0.95));
  g_assert_cmpfloat(sim_quantile(times, 0.95), <=, limit);
  g_array_unref(times);
}

static void
test_relay_killed(void)
{
  check_restart(false, 3.0);
}

static void
test_relay_stopped(void)
{
  check_restart(true, 3.0);
}

/* The relay and one of the two die together: who does not come back in half a minute has left. */
static void
test_not_back(void)
{
  SimCall *sim = start_call(32, &clean);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim_call_kill_relay(sim);
  sim_call_kill_party(sim, 1);
  sim_call_run(sim, 500 * WZP_MSEC);
  sim_call_start_relay(sim);
  sim_call_run(sim, 20 * WZP_SECOND);
  const SimParty *party = &sim->parties[0];
  g_assert_cmpuint(sim_party_stats(party).handshakes_completed, ==, 2);
  g_assert_cmpuint(sim_party_stats(party).n_members, ==, 1);
  g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_MEMBER_LEFT), ==, 0);
  sim_call_run(sim, 15 * WZP_SECOND);
  g_assert_cmpuint(sim_party_stats(party).n_members, ==, 0);
  g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_MEMBER_LEFT), ==, 1);
  g_assert_cmpint(sim_party_stats(party).state, ==, WZP_CALL_WAITING);
  /* back at last, as somebody new */
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 10 * WZP_SECOND));
  sim_call_free(sim);
}

/* A relay that is full for a while: no reason to give a running call up, but one not to start it. */
static void
test_relay_busy(void)
{
  SimCall *sim = start_call(36, &clean);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim_call_kill_relay(sim);
  sim->limits.max_sessions = 1;
  sim_call_start_relay(sim);
  sim_call_run(sim, 20 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_ERROR), ==, 0);
    g_assert_cmpint(sim_party_stats(&sim->parties[i]).state, !=, WZP_CALL_ENDED);
  }
  sim_call_kill_relay(sim);
  sim->limits.max_sessions = 2;
  sim_call_start_relay(sim);
  sim_call_run(sim, 20 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  sim_call_free(sim);

  sim = start_call(37, &clean);
  sim_call_kill_relay(sim);
  sim->limits.max_sessions = 1;
  sim_call_start_relay(sim);
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_cmpuint(sim_party_count_events(&sim->parties[0], WZP_EVENT_ERROR) +
                       sim_party_count_events(&sim->parties[1], WZP_EVENT_ERROR),
                   ==, 1);
  sim_call_free(sim);
}

/* The relay says goodbye again and again: each try waits longer. */
static void
test_back_off(void)
{
  SimCall *sim = start_call(31, &clean);
  SimParty *party = &sim->parties[0];
  static const WzpTime least[] = {1, 2, 4, 8, 8};
  for (unsigned i = 0; i < G_N_ELEMENTS(least); i++) {
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 20 * WZP_SECOND));
    sim_call_stop_relay(sim);
    sim_call_run(sim, 100 * WZP_MSEC);
    g_assert_cmpint(sim_party_stats(party).state, ==, WZP_CALL_RECONNECTING);
    uint64_t started = sim_party_stats(party).handshakes_started;
    sim_call_run(sim, least[i] * WZP_SECOND - 150 * WZP_MSEC);
    g_assert_cmpuint(sim_party_stats(party).handshakes_started, ==, started);
    sim_call_run(sim, 1150 * WZP_MSEC);
    g_assert_cmpuint(sim_party_stats(party).handshakes_started, ==, started + 1);
    sim_call_start_relay(sim);
  }
  g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_CLOSED), ==, G_N_ELEMENTS(least));
  /* after a session that lasted it starts from one second again */
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 20 * WZP_SECOND));
  sim_call_run(sim, 31 * WZP_SECOND);
  uint64_t started = sim_party_stats(party).handshakes_started;
  sim_call_stop_relay(sim);
  sim_call_run(sim, 2100 * WZP_MSEC);
  g_assert_cmpuint(sim_party_stats(party).handshakes_started, ==, started + 1);
  g_assert_cmpint(sim_party_find_event(party, WZP_EVENT_CLOSED)->reason, ==, WZP_CLOSE_SHUTDOWN);
  sim_call_free(sim);
}

/* A cut of a few seconds, the same relay: the old session is heard again or a new one replaces it. */
static void
test_outage(void)
{
  for (unsigned seconds = 1; seconds <= 40; seconds += 3) {
    SimCall *sim = start_call(3200 + seconds, &clean);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
    sim_call_run(sim, 5 * WZP_SECOND);
    sim_link_set_down(sim->parties[0].out, true);
    sim_link_set_down(sim->parties[0].in, true);
    sim_call_run(sim, seconds * WZP_SECOND);
    sim_link_set_down(sim->parties[0].out, false);
    sim_link_set_down(sim->parties[0].in, false);
    resumed_after = sim->now;
    g_assert_true(sim_call_run_until(sim, both_resumed, 2 * WZP_SECOND));
    sim_call_run(sim, 2 * WZP_SECOND);
    g_assert_true(sim_call_is_active(sim));
    sim_call_free(sim);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/call/no-loss", test_no_loss);
  g_test_add_func("/sim/call/deterministic", test_deterministic);
  g_test_add_func("/sim/call/leave", test_leave);
  g_test_add_func("/sim/call/leave-half-lost", test_leave_half_lost);
  g_test_add_func("/sim/call/one-way-half-lost", test_one_way_half_lost);
  g_test_add_func("/sim/call/ten-minutes", test_ten_minutes);
  g_test_add_func("/sim/call/ten-minutes-jitter", test_ten_minutes_jitter);
  g_test_add_func("/sim/call/reorder-and-duplicate", test_reorder_and_duplicate);
  g_test_add_func("/sim/call/handshake-half-lost", test_handshake_half_lost);
  g_test_add_func("/sim/call/handshake-most-lost", test_handshake_most_lost);
  g_test_add_func("/sim/call/answer-forgotten", test_answer_forgotten);
  g_test_add_func("/sim/call/slow-and-one-sided", test_slow_and_one_sided);
  g_test_add_func("/sim/call/silence", test_silence);
  g_test_add_func("/sim/call/relay-late", test_relay_late);
  g_test_add_func("/sim/call/remotes", test_remotes);
  g_test_add_func("/sim/call/relay-killed", test_relay_killed);
  g_test_add_func("/sim/call/relay-stopped", test_relay_stopped);
  g_test_add_func("/sim/call/not-back", test_not_back);
  g_test_add_func("/sim/call/relay-busy", test_relay_busy);
  g_test_add_func("/sim/call/back-off", test_back_off);
  g_test_add_func("/sim/call/outage", test_outage);
  return g_test_run();
}
