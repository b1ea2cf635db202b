/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Wrong relays and hostile networks, in virtual time. */
#include "nonce-watch.h"
#include "sim-call.h"
#include <string.h>

static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};

static SimCall *
new_sim(uint64_t seed, unsigned n_parties)
{
  SimCallConfig config = {.seed = seed, .n_parties = n_parties, .out = clean, .in = clean};
  nonce_watch_reset();
  return sim_call_new(&config);
}

static uint64_t
n_drops(const WzpCallStats *stats)
{
  uint64_t n = 0;
  for (unsigned i = 0; i < WZP_N_RESULTS; i++)
    n += stats->drops[i];
  return n;
}

/* --- The relay's key --- */

static bool
count_hs3(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  unsigned *n = user;
  (void)to;
  if (party >= 0 && wzp_datagram_kind(data, length) == WZP_DATAGRAM_HS3)
    (*n)++;
  return true;
}

static void
check_wrong_relay(uint64_t seed, bool by_fingerprint)
{
  SimCall *sim = new_sim(seed, 2);
  unsigned n_hs3 = 0;
  sim->tap = count_hs3;
  sim->tap_user = &n_hs3;
  sim_call_start_relay(sim);
  WzpCallConfig config = sim_call_party_config(sim, 0);
  config.has_relay_key = !by_fingerprint;
  config.has_relay_fingerprint = by_fingerprint;
  memset(config.relay_key, 7, sizeof config.relay_key);
  memset(config.relay_fingerprint, 7, sizeof config.relay_fingerprint);
  sim_call_start_with(sim, 0, &config);
  sim_call_run(sim, 5 * WZP_SECOND);

  const SimParty *party = &sim->parties[0];
  g_assert_cmpuint(n_hs3, ==, 0);
  g_assert_cmpint(sim_call_state(sim, 0), ==, WZP_CALL_ENDED);
  g_assert_cmpuint(sim_party_stats(party).drops[WZP_WRONG_IDENTITY], ==, 1);
  g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_RELAY_CHANGED), ==, 1);
  g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_RELAY_KEY), ==, 0);
  g_assert_cmpmem(sim_party_find_event(party, WZP_EVENT_RELAY_CHANGED)->key, 32,
                  sim->relay_identity->ed25519_public, 32);
  g_assert_cmpint(wzp_call_next_timeout(party->call), ==, WZP_NEVER);
  sim_call_free(sim);
}

static void
test_wrong_pinned_key(void)
{
  check_wrong_relay(1, false);
}

static void
test_wrong_fingerprint(void)
{
  check_wrong_relay(2, true);
}

/* The right one, pinned or named, is no event; named, it is to be pinned. */
static void
test_known_relay(void)
{
  for (unsigned by_fingerprint = 0; by_fingerprint < 2; by_fingerprint++) {
    SimCall *sim = new_sim(3, 2);
    sim_call_start_relay(sim);
    WzpCallConfig config = sim_call_party_config(sim, 0);
    config.has_relay_key = !by_fingerprint;
    config.has_relay_fingerprint = by_fingerprint;
    memcpy(config.relay_key, sim->relay_identity->ed25519_public, 32);
    memcpy(config.relay_fingerprint, sim->relay_identity->fingerprint, WZP_FINGERPRINT_SIZE);
    sim_call_start_with(sim, 0, &config);
    sim_call_run(sim, WZP_SECOND);
    g_assert_cmpint(sim_call_state(sim, 0), ==, WZP_CALL_WAITING);
    g_assert_cmpuint(sim_party_count_events(&sim->parties[0], WZP_EVENT_RELAY_KEY), ==,
                     by_fingerprint);
    sim_call_free(sim);
  }
}

static bool
key_before_hs3(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  SimCall *sim = user;
  (void)to;
  if (party >= 0 && wzp_datagram_kind(data, length) == WZP_DATAGRAM_HS3)
    g_assert_nonnull(sim_party_find_event(&sim->parties[party], WZP_EVENT_RELAY_KEY));
  return true;
}

static void
test_key_is_told_before_hs3(void)
{
  SimCall *sim = new_sim(4, 2);
  sim->tap = key_before_hs3;
  sim->tap_user = sim;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim_call_free(sim);
}

/* While the call's own relay is unreachable, somebody else answers its handshakes. */
typedef struct {
  SimCall *sim;
  RelayCore *core;
  GQueue answers; /* RelayDatagram */
  bool on;
  unsigned n_hs3;
} Impostor;

static bool
impersonate(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Impostor *impostor = user;
  RelayDatagram answer;
  (void)to;
  if (!impostor->on)
    return true;
  if (party != 0)
    return false;
  if (wzp_datagram_kind(data, length) == WZP_DATAGRAM_HS3)
    impostor->n_hs3++;
  relay_core_handle_datagram(impostor->core, impostor->sim->now, &impostor->sim->parties[0].address,
                             data, length);
  while (relay_core_poll(impostor->core, impostor->sim->now, &answer))
    g_queue_push_tail(&impostor->answers, g_memdup2(&answer, sizeof answer));
  return false;
}

static void
test_impostor(void)
{
  SimCall *sim = new_sim(5, 2);
  sim_call_start_all(sim);
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 999);
  WzpIdentity *identity = wzp_identity_new_random(&random);
  RelayLimits limits;
  relay_limits_default(&limits);
  Impostor impostor = {.sim = sim};
  g_queue_init(&impostor.answers);
  impostor.core = relay_core_new(&limits, identity, &random, sim->now);
  sim->tap = impersonate;
  sim->tap_user = &impostor;
  impostor.on = true;
  for (unsigned i = 0; i < 600; i++) {
    RelayDatagram *answer;
    sim_call_run(sim, 10 * WZP_MSEC);
    while ((answer = g_queue_pop_head(&impostor.answers)) != NULL) {
      sim_call_inject(sim, 0, &sim->relay_address, answer->data, answer->length);
      g_free(answer);
    }
  }
  const SimParty *party = &sim->parties[0];
  g_assert_cmpuint(impostor.n_hs3, ==, 0);
  g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_RELAY_CHANGED), ==, 1);
  g_assert_cmpmem(sim_party_find_event(party, WZP_EVENT_RELAY_CHANGED)->key, 32,
                  identity->ed25519_public, 32);
  g_assert_cmpuint(sim_party_stats(party).drops[WZP_WRONG_IDENTITY], >, 1);
  g_assert_cmpint(sim_call_state(sim, 0), ==, WZP_CALL_RECONNECTING);

  /* the real one is back: the call goes on */
  impostor.on = false;
  uint64_t received = party->frames_received;
  sim_call_run(sim, 2 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  g_assert_cmpuint(party->frames_received, >, received + 50);
  sim->tap = NULL;
  relay_core_free(impostor.core);
  wzp_identity_free(identity);
  sim_call_free(sim);
}

/* --- Under load the relay asks for cookies --- */

static void
test_cookie(void)
{
  SimCall *sim = new_sim(20, 2);
  sim->limits.cookie_threshold = 0;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 3 * WZP_SECOND));
  RelayStats stats;
  relay_core_get_stats(sim->relay, &stats);
  g_assert_cmpuint(stats.cookies_sent, >=, 2);
  /* HS1 goes again as soon as it has its cookie: three round trips of 40 ms in all */
  g_assert_cmpint(sim->parties[0].connected_at - sim->parties[0].started_at, <=, 125 * WZP_MSEC);
  sim_call_free(sim);
}

/* HS3 alone makes no connection: only a record of the relay that opens does. */
static bool
lose_records_of_relay(void *user, int party, const WzpAddress *to, const uint8_t *data,
                      size_t length)
{
  const bool *lose = user;
  (void)to;
  return !*lose || party >= 0 || wzp_datagram_kind(data, length) != WZP_DATAGRAM_CONTROL;
}

static void
test_first_record(void)
{
  SimCall *sim = new_sim(21, 2);
  bool lose = true;
  RelayStats stats;
  sim->tap = lose_records_of_relay;
  sim->tap_user = &lose;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  sim_call_run(sim, 2 * WZP_SECOND);
  relay_core_get_stats(sim->relay, &stats);
  g_assert_cmpuint(stats.handshakes_completed, ==, 2);
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpint(sim_call_state(sim, i), ==, WZP_CALL_CONNECTING);
    g_assert_cmpuint(sim_party_stats(&sim->parties[i]).handshakes_completed, ==, 0);
    g_assert_cmpuint(sim->parties[i].frames_sent, ==, 0);
  }
  lose = false;
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, WZP_SECOND));
  relay_core_get_stats(sim->relay, &stats);
  g_assert_cmpuint(stats.handshakes_completed, ==, 2);
  sim_call_free(sim);
}

/* --- Hostile networks --- */

/* Keeps copies of what passes. */
typedef struct {
  int party;
  WzpAddress to;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} Copy;

static bool
keep_copy(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Copy *copy = g_new(Copy, 1);
  copy->party = party;
  copy->to = *to;
  copy->length = length;
  memcpy(copy->data, data, length);
  g_queue_push_tail(user, copy);
  return true;
}

static int
receiver_of(SimCall *sim, const Copy *copy)
{
  for (unsigned i = 0; i < sim->n_parties; i++)
    if (wzp_address_equal(&copy->to, &sim->parties[i].address))
      return (int)i;
  return -1;
}

static const WzpAddress *
sender_of(SimCall *sim, const Copy *copy)
{
  return copy->party < 0 ? &sim->relay_address : &sim->parties[copy->party].address;
}

static uint64_t
relay_drops(SimCall *sim)
{
  RelayStats stats;
  uint64_t n = 0;
  relay_core_get_stats(sim->relay, &stats);
  for (unsigned i = 0; i < WZP_N_RESULTS; i++)
    n += stats.control_drops[i] + stats.media_drops[i];
  return n;
}

/* Before each genuine datagram comes a copy with one bit flipped, or cut short. */
static void
test_flipped_bits(void)
{
  SimCall *sim = new_sim(30, 2);
  g_autoptr(GRand) rand = g_rand_new_with_seed(30);
  GQueue copies = G_QUEUE_INIT;
  uint64_t n_injected = 0;
  sim->tap = keep_copy;
  sim->tap_user = &copies;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  for (unsigned i = 0; i < 20 * 200; i++) {
    Copy *copy;
    sim_call_run(sim, 5 * WZP_MSEC);
    while ((copy = g_queue_pop_head(&copies)) != NULL) {
      gint at = g_rand_int_range(rand, 0, (gint32)copy->length);
      if (g_rand_int_range(rand, 0, 4) == 0)
        copy->length = (size_t)at;
      else
        copy->data[at] ^= (uint8_t)(1 << g_rand_int_range(rand, 0, 8));
      sim_call_inject(sim, receiver_of(sim, copy), sender_of(sim, copy), copy->data, copy->length);
      n_injected++;
      g_free(copy);
    }
  }
  g_queue_clear_full(&copies, g_free);
  g_assert_true(sim_call_is_active(sim));
  WzpCallStats stats[2] = {sim_party_stats(&sim->parties[0]), sim_party_stats(&sim->parties[1])};
  for (unsigned i = 0; i < 2; i++) {
    g_assert_cmpuint(stats[i].handshakes_completed, ==, 1);
    g_assert_cmpuint(n_drops(&stats[i]), >, 800);
    g_assert_cmpuint(sim_party_count_events(&sim->parties[i], WZP_EVENT_MEMBER), ==, 1);
  }
  g_assert_cmpuint(relay_drops(sim), >, 1500);
  g_assert_cmpuint(n_injected, >, 3500);
  sim->tap = NULL;
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
}

/* Random bytes with every first byte, from the relay's address, a member's and nobody's. */
static void
test_garbage(void)
{
  SimCall *sim = new_sim(31, 2);
  sim_call_start_all(sim);
  g_autoptr(GRand) rand = g_rand_new_with_seed(31);
  WzpAddress nobody;
  g_assert_true(wzp_address_parse(&nobody, "203.0.113.9:9"));
  uint64_t injected[2] = {0, 0}, before[2];
  for (unsigned i = 0; i < 2; i++) {
    WzpCallStats stats = sim_party_stats(&sim->parties[i]);
    before[i] = n_drops(&stats);
  }
  for (unsigned i = 0; i < 20000; i++) {
    uint8_t data[300];
    gint length = g_rand_int_range(rand, 0, sizeof data);
    for (gint at = 0; at < length; at++)
      data[at] = (uint8_t)g_rand_int(rand);
    if (length > 0)
      data[0] = (uint8_t)i;
    const WzpAddress *from[] = {&nobody, &sim->relay_address, &sim->parties[i & 1].address};
    int to = (int)(i % 3) - 1;
    sim_call_inject(sim, to, from[g_rand_int_range(rand, 0, 3)], data, (size_t)length);
    if (to >= 0)
      injected[to]++;
    if (i % 10 == 0)
      sim_call_run(sim, WZP_MSEC);
  }
  g_assert_true(sim_call_is_active(sim));
  for (unsigned i = 0; i < 2; i++) {
    WzpCallStats stats = sim_party_stats(&sim->parties[i]);
    /* nothing else is dropped on this network: each one is counted, once */
    g_assert_cmpuint(n_drops(&stats) - before[i], ==, injected[i]);
  }
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
}

/* All that was ever said comes once more, from where it came. */
static void
test_replay(void)
{
  SimCall *sim = new_sim(32, 2);
  GQueue copies = G_QUEUE_INIT;
  Copy *copy;
  sim->tap = keep_copy;
  sim->tap_user = &copies;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  sim_call_run(sim, 10 * WZP_SECOND);
  sim->tap = NULL;
  uint64_t opened = sim_party_stats(&sim->parties[0]).packets_opened;
  unsigned n = 0;
  while ((copy = g_queue_pop_head(&copies)) != NULL) {
    sim_call_inject(sim, receiver_of(sim, copy), sender_of(sim, copy), copy->data, copy->length);
    g_free(copy);
    n++;
  }
  g_assert_cmpuint(n, >, 1500);
  /* at most what was on its way and thus arrived early */
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).packets_opened - opened, <, 5);
  sim_call_run(sim, 10 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  g_assert_cmpuint(sim_party_stats(&sim->parties[0]).handshakes_started, ==, 1);
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
}

/* Media and records count only from the relay's address; a relay's client answers no handshakes. */
static void
test_sources(void)
{
  SimCall *sim = new_sim(33, 2);
  GQueue copies = G_QUEUE_INIT;
  Copy *copy;
  WzpAddress elsewhere = sim->relay_address;
  elsewhere.port++;
  sim->tap = keep_copy;
  sim->tap_user = &copies;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  sim_call_run(sim, 3 * WZP_SECOND);
  sim->tap = NULL;
  unsigned n_media = 0, n_records = 0;
  while ((copy = g_queue_pop_head(&copies)) != NULL) {
    WzpDatagramKind kind = wzp_datagram_kind(copy->data, copy->length);
    if (copy->party < 0 && (kind == WZP_DATAGRAM_MEDIA || kind == WZP_DATAGRAM_CONTROL)) {
      WzpResult result =
          sim_call_inject(sim, receiver_of(sim, copy), &elsewhere, copy->data, copy->length);
      g_assert_cmpint(result, ==, WZP_UNKNOWN_SOURCE);
      n_media += kind == WZP_DATAGRAM_MEDIA;
      n_records += kind == WZP_DATAGRAM_CONTROL;
    }
    g_free(copy);
  }
  g_assert_cmpuint(n_media, >, 200);
  g_assert_cmpuint(n_records, >, 5);

  WzpHandshakeConfig config = {.mode = WZP_MODE_UDP, .identity = sim->relay_identity};
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 1);
  WzpInitiator *initiator = wzp_initiator_new(&config, &random);
  size_t length;
  const uint8_t *hs1 = wzp_initiator_message(initiator, &length);
  g_assert_cmpint(sim_call_inject(sim, 0, &sim->relay_address, hs1, length), ==, WZP_UNEXPECTED);
  wzp_initiator_free(initiator);
  sim_call_check_nothing_lost(sim);
  sim_call_free(sim);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/attacks/wrong-pinned-key", test_wrong_pinned_key);
  g_test_add_func("/sim/attacks/wrong-fingerprint", test_wrong_fingerprint);
  g_test_add_func("/sim/attacks/known-relay", test_known_relay);
  g_test_add_func("/sim/attacks/key-before-hs3", test_key_is_told_before_hs3);
  g_test_add_func("/sim/attacks/impostor", test_impostor);
  g_test_add_func("/sim/attacks/cookie", test_cookie);
  g_test_add_func("/sim/attacks/first-record", test_first_record);
  g_test_add_func("/sim/attacks/flipped-bits", test_flipped_bits);
  g_test_add_func("/sim/attacks/garbage", test_garbage);
  g_test_add_func("/sim/attacks/replay", test_replay);
  g_test_add_func("/sim/attacks/sources", test_sources);
  return g_test_run();
}
