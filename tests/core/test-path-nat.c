/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/path.h"
#include "test-util.h"
#include <string.h>

/* Two paths without agents, that hear each other's messages: which candidates are told and tried between which NATs. */

typedef struct {
  WzpPath *paths[2];
  WzpTime now;
  unsigned tried[2][3]; /* of the other side's, by kind */
  unsigned attempts[2];
} Pair;

static void
pump(Pair *pair)
{
  WzpPathOutput output;
  bool more = true;
  while (more) {
    more = false;
    for (unsigned i = 0; i < 2; i++) {
      while (wzp_path_poll(pair->paths[i], pair->now, &output)) {
        more = true;
        if (output.type == WZP_PATH_SEND_MESSAGE)
          g_assert_cmpint(
              wzp_path_receive(pair->paths[1 - i], pair->now, output.data, output.length), ==,
              WZP_OK);
        pair->tried[i][output.candidate.kind] += output.type == WZP_PATH_AGENT_CANDIDATE;
        pair->attempts[i] += output.type == WZP_PATH_AGENT_START;
      }
    }
  }
}

static void
run(Pair *pair, WzpTime duration)
{
  const WzpTime end = pair->now + duration;
  for (;;) {
    WzpTime next = WZP_NEVER;
    pump(pair);
    for (unsigned i = 0; i < 2; i++)
      next = MIN(next, wzp_path_next_timeout(pair->paths[i]));
    if (next > end)
      break;
    pair->now = MAX(pair->now, next);
    for (unsigned i = 0; i < 2; i++)
      wzp_path_handle_timeout(pair->paths[i], pair->now);
  }
  pair->now = end;
}

static void
found(Pair *pair, unsigned side, uint16_t k, WzpCandidateKind kind, const char *text)
{
  WzpCandidate candidate = {.kind = kind, .priority = 1};
  g_assert_true(wzp_address_parse(&candidate.address, text));
  wzp_path_local_candidate(pair->paths[side], pair->now, k, &candidate);
}

static void
start(Pair *pair, WzpNat nat_a, WzpNat nat_b)
{
  const WzpNat nats[2] = {nat_a, nat_b};
  *pair = (Pair){.now = WZP_SECOND};
  for (unsigned i = 0; i < 2; i++) {
    const WzpPathConfig config = {.initiator = i == 0};
    pair->paths[i] = wzp_path_new(&config, pair->now);
    wzp_path_set_nat(pair->paths[i], pair->now, nats[i]);
  }
}

static void
finish(Pair *pair)
{
  for (unsigned i = 0; i < 2; i++)
    wzp_path_free(pair->paths[i]);
}

static WzpPathStats
stats_of(const Pair *pair, unsigned side)
{
  WzpPathStats stats;
  wzp_path_get_stats(pair->paths[side], pair->now, &stats);
  return stats;
}

static void
find_all(Pair *pair, uint16_t k)
{
  for (unsigned i = 0; i < 2; i++) {
    found(pair, i, k, WZP_CANDIDATE_HOST, i == 0 ? "192.168.1.2:7" : "10.0.0.2:7");
    run(pair, 20 * WZP_MSEC);
    found(pair, i, k, WZP_CANDIDATE_REFLEXIVE, i == 0 ? "203.0.113.1:7" : "203.0.113.2:7");
  }
  run(pair, 20 * WZP_MSEC);
}

/* Every other combination may work. */
static void
test_worth(void)
{
  for (unsigned a = 0; a < WZP_N_NATS; a++)
    for (unsigned b = 0; b < WZP_N_NATS; b++) {
      Pair pair;
      bool hopeless = a == WZP_NAT_SYMMETRIC && b == WZP_NAT_SYMMETRIC;
      start(&pair, (WzpNat)a, (WzpNat)b);
      find_all(&pair, 0);
      for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(stats_of(&pair, i).peer_nat, ==, i == 0 ? b : a);
        g_assert_cmpuint(pair.tried[i][WZP_CANDIDATE_HOST], ==, 1);
        g_assert_cmpuint(pair.tried[i][WZP_CANDIDATE_REFLEXIVE], ==, hopeless ? 0 : 1);
        g_assert_cmpuint(stats_of(&pair, i).not_tried, ==, hopeless ? 1 : 0);
      }
      run(&pair, 60 * WZP_SECOND);
      if (hopeless)
        g_assert_cmpuint(pair.attempts[0], ==, 1);
      else
        g_assert_cmpuint(pair.attempts[0], >=, 4);
      g_assert_cmpuint(pair.attempts[1], ==, pair.attempts[0]);
      finish(&pair);
    }
}

/* IPv6 on both sides is worth attempts whatever the NATs of IPv4. */
static void
test_ipv6(void)
{
  Pair pair;
  start(&pair, WZP_NAT_SYMMETRIC, WZP_NAT_SYMMETRIC);
  found(&pair, 0, 0, WZP_CANDIDATE_HOST, "[2001:db8::1]:7");
  found(&pair, 1, 0, WZP_CANDIDATE_HOST, "[2001:db8::2]:7");
  find_all(&pair, 0);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(pair.tried[i][WZP_CANDIDATE_HOST], ==, 2);
    g_assert_cmpuint(pair.tried[i][WZP_CANDIDATE_REFLEXIVE], ==, 0);
  }
  run(&pair, 60 * WZP_SECOND);
  g_assert_cmpuint(pair.attempts[0], >=, 4);
  finish(&pair);
}

/* Another network is another chance; and what is learnt late counts as well. */
static void
test_later(void)
{
  Pair pair;
  start(&pair, WZP_NAT_UNKNOWN, WZP_NAT_SYMMETRIC);
  find_all(&pair, 0);
  g_assert_cmpuint(pair.tried[1][WZP_CANDIDATE_REFLEXIVE], ==, 1);
  wzp_path_set_nat(pair.paths[0], pair.now, WZP_NAT_SYMMETRIC);
  run(&pair, 60 * WZP_SECOND);
  g_assert_cmpint(stats_of(&pair, 1).peer_nat, ==, WZP_NAT_SYMMETRIC);
  g_assert_cmpuint(pair.attempts[0], ==, 1);
  wzp_path_network_changed(pair.paths[1], pair.now);
  run(&pair, 60 * WZP_SECOND);
  g_assert_cmpuint(pair.attempts[0], ==, 2);
  wzp_path_set_nat(pair.paths[1], pair.now, WZP_NAT_CONE);
  run(&pair, 60 * WZP_SECOND);
  g_assert_cmpuint(pair.attempts[0], >=, 4);
  finish(&pair);
}

/* What the other side can be told of an address it is told once, in the order in which it was found, and nothing that it
 * cannot reach. */
static void
test_told(void)
{
  Pair pair;
  start(&pair, WZP_NAT_OPEN, WZP_NAT_CONE);
  found(&pair, 0, 0, WZP_CANDIDATE_HOST, "203.0.113.1:7");
  found(&pair, 0, 0, WZP_CANDIDATE_HOST, "[fe80::1%2]:7");
  found(&pair, 0, 0, WZP_CANDIDATE_HOST, "169.254.3.4:7");
  found(&pair, 0, 0, WZP_CANDIDATE_HOST, "127.0.0.1:7");
  run(&pair, 20 * WZP_MSEC);
  found(&pair, 0, 0, WZP_CANDIDATE_REFLEXIVE, "203.0.113.1:7");
  found(&pair, 0, 0, WZP_CANDIDATE_HOST, "192.168.1.2:7");
  run(&pair, 20 * WZP_MSEC);
  g_assert_cmpuint(pair.tried[1][WZP_CANDIDATE_HOST], ==, 2);
  g_assert_cmpuint(pair.tried[1][WZP_CANDIDATE_REFLEXIVE], ==, 0);
  for (unsigned port = 100; port < 120; port++) {
    g_autofree char *text = g_strdup_printf("10.0.0.1:%u", port);
    found(&pair, 0, 0, WZP_CANDIDATE_HOST, text);
    run(&pair, 20 * WZP_MSEC);
  }
  g_assert_cmpuint(pair.tried[1][WZP_CANDIDATE_HOST], ==, WZP_CANDIDATES_MAX);
  finish(&pair);
}

/* Behind a NAT that left a port alone, what the relay will see of the next attempt is told at once; not behind others, nor in
 * another network. */
static void
test_guess(void)
{
  static const struct {
    WzpNat nat;
    const char *before, *host;
    bool moved, guessed;
  } cases[] = {
      {WZP_NAT_CONE, "203.0.113.1:7", "192.168.1.2:8", false, true},
      {WZP_NAT_UNKNOWN, "203.0.113.1:7", "192.168.1.2:8", false, true},
      {WZP_NAT_SYMMETRIC, "203.0.113.1:7", "192.168.1.2:8", false, false},
      {WZP_NAT_CONE, "203.0.113.1:9", "192.168.1.2:8", false, false},
      {WZP_NAT_CONE, "203.0.113.1:7", "192.168.1.3:8", false, false},
      {WZP_NAT_CONE, "203.0.113.1:7", "192.168.1.2:8", true, false},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    Pair pair;
    start(&pair, cases[i].nat, WZP_NAT_CONE);
    found(&pair, 0, 0, WZP_CANDIDATE_HOST, "192.168.1.2:7");
    found(&pair, 0, 0, WZP_CANDIDATE_REFLEXIVE, cases[i].before);
    if (cases[i].moved)
      wzp_path_network_changed(pair.paths[0], pair.now);
    run(&pair, 6500 * WZP_MSEC);
    uint16_t k = (uint16_t)(pair.attempts[0] - 1);
    g_assert_cmpuint(k, >=, 1);
    memset(pair.tried, 0, sizeof pair.tried);
    found(&pair, 0, k, WZP_CANDIDATE_HOST, cases[i].host);
    run(&pair, 20 * WZP_MSEC);
    g_assert_cmpuint(pair.tried[1][WZP_CANDIDATE_HOST], ==, 1);
    g_assert_cmpuint(pair.tried[1][WZP_CANDIDATE_REFLEXIVE], ==, cases[i].guessed);
    /* and once more, by whom the relay was asked, is no news */
    found(&pair, 0, k, WZP_CANDIDATE_REFLEXIVE, "203.0.113.1:8");
    run(&pair, 20 * WZP_MSEC);
    g_assert_cmpuint(pair.tried[1][WZP_CANDIDATE_REFLEXIVE], ==, 1);
    finish(&pair);
  }
}

/* Message after message of addresses: of an attempt as many are tried as an honest one has, and the next attempt has its own. */
static void
test_many(void)
{
  Pair pair;
  WzpPathOutput output;
  uint8_t bytes[WZP_PATH_MESSAGE_MAX];
  unsigned refused = 0, tried = 0;
  start(&pair, WZP_NAT_CONE, WZP_NAT_CONE);
  for (unsigned k = 0; k < 2; k++) {
    for (unsigned n = 0; n < 3 * WZP_CANDIDATES_MAX / 2; n++) {
      WzpPathMessage setup = {.type = WZP_PATH_SETUP, .k = (uint16_t)k, .n_candidates = 2};
      for (unsigned i = 0; i < 2; i++) {
        setup.candidates[i] = (WzpCandidate){.kind = WZP_CANDIDATE_HOST, .priority = 1};
        g_assert_true(wzp_address_parse(&setup.candidates[i].address, "198.51.100.1:7"));
        setup.candidates[i].address.port = (uint16_t)(1000 + 2 * n + i);
      }
      size_t length = wzp_path_message_write(bytes, &setup);
      refused += wzp_path_receive(pair.paths[0], pair.now, bytes, length) == WZP_NOT_ALLOWED;
    }
    while (wzp_path_poll(pair.paths[0], pair.now, &output))
      tried += output.type == WZP_PATH_AGENT_CANDIDATE;
    g_assert_cmpuint(tried, ==, (k + 1) * WZP_CANDIDATES_MAX);
    g_assert_cmpuint(refused, ==, (k + 1) * WZP_CANDIDATES_MAX);
  }
  finish(&pair);
}

/* Attempts that both sides begin at once are one; and who knows less numbers than the other one catches up. */
static void
test_numbers(void)
{
  Pair pair;
  WzpPathOutput output;
  start(&pair, WZP_NAT_CONE, WZP_NAT_CONE);
  run(&pair, 3 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    wzp_path_network_changed(pair.paths[i], pair.now);
  run(&pair, WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(pair.attempts[i], ==, 2);
  /* the responder begins three that the initiator never hears of */
  for (unsigned n = 0; n < 3; n++) {
    wzp_path_network_changed(pair.paths[1], pair.now);
    for (WzpTime until = pair.now + 2 * WZP_SECOND; pair.now < until; pair.now += 20 * WZP_MSEC) {
      wzp_path_handle_timeout(pair.paths[1], pair.now);
      while (wzp_path_poll(pair.paths[1], pair.now, &output))
        pair.attempts[1] += output.type == WZP_PATH_AGENT_START;
    }
  }
  g_assert_cmpuint(pair.attempts[1], ==, 5);
  wzp_path_network_changed(pair.paths[0], pair.now);
  run(&pair, 5 * WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(stats_of(&pair, i).k, ==, 5);
  finish(&pair);
}

/* What was about to be said is not, once there is to be no path for now: it would name our addresses. */
static void
test_paused(void)
{
  Pair pair;
  WzpPathOutput output;
  unsigned messages = 0, dropped = 0;
  start(&pair, WZP_NAT_CONE, WZP_NAT_CONE);
  pump(&pair);
  found(&pair, 0, 0, WZP_CANDIDATE_HOST, "192.168.1.2:7");
  pair.now = wzp_path_next_timeout(pair.paths[0]);
  wzp_path_handle_timeout(pair.paths[0], pair.now); /* it waits to be polled */
  wzp_path_pause(pair.paths[0], pair.now);
  while (wzp_path_poll(pair.paths[0], pair.now, &output)) {
    messages += output.type == WZP_PATH_SEND_MESSAGE;
    dropped += output.type == WZP_PATH_AGENT_DROP;
  }
  g_assert_cmpuint(messages, ==, 0);
  g_assert_cmpuint(dropped, ==, 1);
  finish(&pair);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/path-nat/worth", test_worth);
  g_test_add_func("/path-nat/ipv6", test_ipv6);
  g_test_add_func("/path-nat/later", test_later);
  g_test_add_func("/path-nat/told", test_told);
  g_test_add_func("/path-nat/guess", test_guess);
  g_test_add_func("/path-nat/many", test_many);
  g_test_add_func("/path-nat/paused", test_paused);
  g_test_add_func("/path-nat/numbers", test_numbers);
  return g_test_run();
}
