/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "nonce-watch.h"
#include "sim-call.h"
#include <string.h>

/* A dialled call of party 0 to party 1, by the relay alone or with a way past it. */

static inline WzpDial *
dial_of(SimCall *sim, unsigned party)
{
  return wzp_call_dial(sim->parties[party].call);
}

static inline WzpPathStats
path_of(SimCall *sim, unsigned party)
{
  return sim_party_path(sim, party);
}

static inline void
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

static inline bool
is_listening_1(SimCall *sim)
{
  return sim_party_stats(&sim->parties[1]).state == WZP_CALL_WAITING;
}

static inline bool
rings_at_1(SimCall *sim)
{
  WzpDialInfo info;
  wzp_dial_get_info(dial_of(sim, 1), &info);
  return info.state == WZP_DIAL_RINGS;
}

static inline bool
both_direct(SimCall *sim)
{
  return path_of(sim, 0).direct && path_of(sim, 1).direct;
}

static inline SimCallConfig
direct_config(uint64_t seed, const SimLinkConfig *relay, const SimLinkConfig *direct)
{
  return (SimCallConfig){.seed = seed,
                         .mode = WZP_CALL_RELAY,
                         .n_parties = 2,
                         .out = *relay,
                         .in = *relay,
                         .direct = direct};
}

/* It rings at party 1, which party 0 calls in this mode. */
static inline SimCall *
ringing_in(const SimCallConfig *config, WzpAcceptMode mode)
{
  nonce_watch_reset();
  SimCall *sim = sim_call_new(config);
  sim_call_start_relay(sim);
  start(sim, 1, -1, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, is_listening_1, 60 * WZP_SECOND));
  start(sim, 0, 1, mode);
  g_assert_true(sim_call_run_until(sim, rings_at_1, 120 * WZP_SECOND));
  return sim;
}

static inline SimCall *
ringing(uint64_t seed, const SimLinkConfig *relay, const SimLinkConfig *direct, WzpAcceptMode mode)
{
  const SimCallConfig config = direct_config(seed, relay, direct);
  return ringing_in(&config, mode);
}

/* Party 1 takes the call in this mode: from then on the time counts. */
static inline SimCall *
accepted_in(const SimCallConfig *config, WzpAcceptMode mode)
{
  SimCall *sim = ringing_in(config, WZP_ACCEPT_TRUSTED);
  g_assert_cmpint(wzp_dial_accept(dial_of(sim, 1), sim->now, NULL, mode), ==, WZP_OK);
  return sim;
}

static inline SimCall *
accepted(uint64_t seed, const SimLinkConfig *relay, const SimLinkConfig *direct, WzpAcceptMode mode)
{
  const SimCallConfig config = direct_config(seed, relay, direct);
  return accepted_in(&config, mode);
}

/* Round trip of a client and its relay 60 ms; of the two on their LAN 2 ms. */
static const SimLinkConfig hop_60 = {.delay = 30 * WZP_MSEC};
static const SimLinkConfig lan = {.delay = WZP_MSEC};

static inline SimCall *
talking_directly(uint64_t seed)
{
  SimCall *sim = accepted(seed, &hop_60, &lan, WZP_ACCEPT_TRUSTED);
  g_assert_true(sim_call_run_until(sim, both_direct, 5 * WZP_SECOND));
  sim_call_run(sim, 3 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    sim->parties[i].longest_gap = 0;
  return sim;
}

static inline void
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
