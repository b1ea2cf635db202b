/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Dialled calls whose direct path or relay dies, loses or comes back, in virtual time: what is heard meanwhile. */
#include "direct-call.h"
#include <math.h>

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

/* The mapping of the first attempt is forgotten: what goes from there passes no more, in both directions, or what one party
 * sends. */
typedef struct {
  WzpAddress first[2];
  int party; /* -1: both */
} Forgotten;

static bool
forget_first(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  const Forgotten *self = user;
  (void)data;
  (void)length;
  if (party < 0 || (self->party >= 0 && self->party != party))
    return true;
  return !wzp_address_equal(to, &self->first[1 - party]);
}

static bool
both_renewed(SimCall *sim)
{
  return path_of(sim, 0).k > 0 && path_of(sim, 1).k > 0 && path_of(sim, 0).proven &&
         path_of(sim, 0).peer_proven && path_of(sim, 1).proven && path_of(sim, 1).peer_proven;
}

static bool
noticed(SimCall *sim)
{
  return path_of(sim, 0).silences > 0 || path_of(sim, 1).silences > 0;
}

/* The direct path dies while both talk, and another one is possible: both have it one round trip to the relay, two by the
 * new path and 150 ms after the first noticed. When only one direction died, the other side hears of it by the path itself. */
static void
test_renewed(void)
{
  static const struct {
    WzpTime relay, direct; /* one way */
    bool cones;
  } cells[] = {{30, 1, false}, {150, 1, false}, {10, 10, true}, {30, 30, true},
               {50, 40, true}, {30, 60, true},  {150, 30, true}};
  static const char *const names[] = {"both directions", "from the caller", "from the callee"};
  for (unsigned n = 0; n < 3 * G_N_ELEMENTS(cells); n++) {
    const SimLinkConfig relay = {.delay = cells[n / 3].relay * WZP_MSEC};
    const SimLinkConfig direct = {.delay = cells[n / 3].direct * WZP_MSEC};
    SimCallConfig config = direct_config(200 + n, &relay, &direct);
    Forgotten forgotten = {.party = (int)(n % 3) - 1};
    config.cones = cells[n / 3].cones;
    SimCall *sim = accepted_in(&config, WZP_ACCEPT_TRUSTED);
    g_assert_true(sim_call_run_until(sim, both_direct, 20 * WZP_SECOND));
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++)
      forgotten.first[i] = sim->parties[1 - i].agents[0].remote;
    sim->tap = forget_first;
    sim->tap_user = &forgotten;
    g_assert_true(sim_call_run_until(sim, noticed, 5 * WZP_SECOND));
    WzpTime found = sim->now;
    g_assert_true(sim_call_run_until(sim, both_renewed, 20 * WZP_SECOND));
    WzpTime told = forgotten.party >= 0 ? direct.delay : 0;
    WzpTime bound = told + 2 * relay.delay + 4 * direct.delay + 150 * WZP_MSEC;
    g_test_message("%s, relay %d ms, path %d ms, %s: after %d ms, at most %d",
                   config.cones ? "cones" : "LAN", (int)(2 * relay.delay / WZP_MSEC),
                   (int)(2 * direct.delay / WZP_MSEC), names[n % 3],
                   (int)((sim->now - found) / WZP_MSEC), (int)(bound / WZP_MSEC));
    g_assert_cmpint(sim->now - found, <=, bound);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpint(path_of(sim, i).renewal, >, 0);
      g_assert_cmpint(path_of(sim, i).renewal, <=, bound);
    }
    sim_call_run(sim, 5 * WZP_SECOND);
    for (unsigned i = 0; i < 2; i++) {
      g_assert_cmpuint(path_of(sim, i).attempts, ==, 2);
      g_assert_cmpuint(path_of(sim, i).switches, ==, 1);
      g_assert_false(path_of(sim, i).duplicating);
    }
    sim_call_free(sim);
  }
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
  /* the second half minute goes by the better one, but for the seconds of a path that was taken meanwhile by luck */
  g_assert_cmpfloat(loss, <, (has_both ? MIN(by_relay, direct_loss) : by_relay) + 0.15);
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
  g_test_add_func("/sim-heal/cut", test_cut);
  g_test_add_func("/sim-heal/cut-at-once", test_cut_at_once);
  g_test_add_func("/sim-heal/cut-young", test_cut_young);
  g_test_add_func("/sim-heal/cut-then-silence", test_cut_then_silence);
  g_test_add_func("/sim-heal/one-way", test_one_way);
  g_test_add_func("/sim-heal/lossy-direct", test_lossy_direct);
  g_test_add_func("/sim-heal/lossy-relay", test_lossy_relay);
  g_test_add_func("/sim-heal/short-cut", test_short_cut);
  g_test_add_func("/sim-heal/relay-away", test_relay_away);
  g_test_add_func("/sim-heal/relay-restarts", test_relay_restarts);
  g_test_add_func("/sim-heal/relay-restarts-relayed", test_relay_restarts_relayed);
  g_test_add_func("/sim-heal/both-die", test_both_die);
  g_test_add_func("/sim-heal/relay-quiet", test_relay_quiet);
  g_test_add_func("/sim-heal/network-changed", test_network_changed);
  g_test_add_func("/sim-heal/renewed", test_renewed);
  g_test_add_func("/sim-heal/trickle", test_trickle);
  g_test_add_func("/sim-heal/grid", test_grid);
  return g_test_run();
}
