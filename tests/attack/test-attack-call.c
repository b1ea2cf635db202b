/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "attack-sim.h"
#include <string.h>

/* Calls under attack from the network, or from the relay that carries them. */

/* --- A1: media again, at once and much later --- */

#define LATER 5 /* at once, 1 s, 1 min, one wrap of seq, four epochs */

typedef struct {
  SimCall *sim;
  AttackRow rows[LATER];
  bool by_relay; /* the relay itself, past its own window; else somebody on the way to it */
} Recorder;

static bool
is_media(const uint8_t *data, size_t length)
{
  return wzp_datagram_kind(data, length) == WZP_DATAGRAM_MEDIA;
}

/* Of the later ones every 50th: so that all of them together stay a moment's work. */
static bool
record_media(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Recorder *recorder = user;
  const int at = attack_sim_at(recorder->sim, to);
  if (!is_media(data, length) || (party < 0) != recorder->by_relay)
    return true;
  for (unsigned i = 0; i < LATER; i++)
    if (i < 3 || data[3] % 50 == 0)
      attack_row_push(&recorder->rows[i], recorder->sim, at,
                      attack_sim_address(recorder->sim, party), data, length);
  return true;
}

static void
check_media_again(bool by_relay)
{
  static const WzpTime delays[LATER] = {WZP_MSEC, WZP_SECOND, 60 * WZP_SECOND,
                                        /* 2^16 packets of 40 ms; the fourth change of key */
                                        65536 * 40 * WZP_MSEC, 41 * 60 * WZP_SECOND};
  static const SimLinkConfig link = {.delay = 20 * WZP_MSEC};
  SimCallConfig config = {.seed = 101 + by_relay,
                          .out = link,
                          .in = link,
                          .no_playout = true,
                          .profile = wzp_profile_by_name("opus-8k")};
  Recorder recorder = {.sim = sim_call_new(&config), .by_relay = by_relay};
  SimCall *sim = recorder.sim;
  nonce_watch_reset();
  for (unsigned i = 0; i < LATER; i++)
    recorder.rows[i].delay = delays[i];
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  sim_call_talk(sim, 1, false); /* one speaks, one listens */
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim->tap = record_media;
  sim->tap_user = &recorder;

  while (sim->now < 46 * 60 * WZP_SECOND) {
    sim_call_run(sim, 10 * WZP_MSEC);
    for (unsigned i = 0; i < LATER; i++)
      attack_row_show(&recorder.rows[i], sim);
  }
  sim->tap = NULL;
  sim_call_talk(sim, 0, false);
  sim_call_run(sim, WZP_SECOND);
  const SimParty *speaker = &sim->parties[0], *listener = &sim->parties[1];
  g_assert_cmpuint(speaker->frames_sent, >, 65000);
  for (unsigned i = 0; i < LATER; i++) {
    g_test_message("%u s later: %u shown again", (unsigned)(delays[i] / WZP_SECOND),
                   (unsigned)recorder.rows[i].shown);
    g_assert_cmpuint(recorder.rows[i].shown, >, 40);
    attack_row_clear(&recorder.rows[i]);
  }
  /* each once, and nothing is missing because something else came first */
  g_assert_cmpuint(sim_party_stats(listener).packets_opened, ==, speaker->frames_sent);
  g_assert_cmpuint(listener->frames_received, ==, speaker->frames_sent);
  g_assert_cmpuint(listener->frames_twice, ==, 0);
  g_assert_true(sim_call_is_active(sim));
  sim_call_free(sim);
}

static void
test_media_again_by_relay(void)
{
  check_media_again(true);
}

static void
test_media_again_on_the_way(void)
{
  check_media_again(false);
}

/* --- A7: what brings keys is lost, late, doubled and out of order --- */

typedef struct {
  SimCall *sim;
  GRand *rand;
  AttackRow soon, late;
  unsigned lost, kept;
} Saboteur;

/* Seven of ten records are lost; of the others every third comes later, or twice. Media passes. */
static bool
sabotage(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Saboteur *saboteur = user;
  if (wzp_datagram_kind(data, length) != WZP_DATAGRAM_CONTROL)
    return true;
  if (g_rand_int_range(saboteur->rand, 0, 10) < 7) {
    saboteur->lost++;
    return false;
  }
  const gint32 fate = g_rand_int_range(saboteur->rand, 0, 6);
  if (fate >= 3)
    return true;
  attack_row_push(fate == 0 ? &saboteur->late : &saboteur->soon, saboteur->sim,
                  attack_sim_at(saboteur->sim, to), attack_sim_address(saboteur->sim, party), data,
                  length);
  saboteur->kept++;
  return fate == 2; /* and now as well */
}

static void
test_keys_sabotaged(void)
{
  SimCall *sim = attack_sim_call(107);
  Saboteur saboteur = {.sim = sim,
                       .rand = g_rand_new_with_seed(107),
                       .soon.delay = 300 * WZP_MSEC,
                       .late.delay = 10 * WZP_SECOND};
  sim->tap = sabotage;
  sim->tap_user = &saboteur;
  while (sim->now < 42 * 60 * WZP_SECOND) {
    sim_call_run(sim, 50 * WZP_MSEC);
    attack_row_show(&saboteur.soon, sim);
    attack_row_show(&saboteur.late, sim);
  }
  sim->tap = NULL;
  for (unsigned i = 0; i < 2; i++) {
    const SimParty *party = &sim->parties[i];
    g_test_message("%u of %u frames, longest stall %d ms", (unsigned)party->frames_received,
                   (unsigned)sim->parties[1 - i].frames_sent,
                   (int)(party->longest_stall / WZP_MSEC));
    g_assert_cmpint(party->longest_stall, <=, 300 * WZP_MSEC);
    g_assert_cmpuint(sim_party_count_events(party, WZP_EVENT_MEMBER), ==, 1);
  }
  g_assert_cmpuint(saboteur.lost, >, 500);
  g_assert_cmpuint(saboteur.kept, >, 80);
  g_assert_true(sim_call_is_active(sim));
  attack_sim_assert_all_heard(sim);
  attack_row_clear(&saboteur.soon);
  attack_row_clear(&saboteur.late);
  g_rand_free(saboteur.rand);
  sim_call_free(sim);
}

/* --- A10: a flood of packets that look right and are not --- */

typedef struct {
  uint64_t received, lost, silent, records;
  WzpTime stall;
  double delay;
} Outcome;

typedef struct {
  GBytes *to_relay, *to_client; /* the last good ones of party 0 */
  uint64_t records;
} Sample;

static bool
keep_sample(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Sample *sample = user;
  (void)to;
  sample->records += wzp_datagram_kind(data, length) == WZP_DATAGRAM_CONTROL;
  if (!is_media(data, length) || (party < 0 && data[1] % 2 == 1) || party == 1)
    return true;
  GBytes **kept = party < 0 ? &sample->to_client : &sample->to_relay;
  g_clear_pointer(kept, g_bytes_unref);
  *kept = g_bytes_new(data, length);
  return true;
}

/* Headers, slots and numbers as good ones have them, or a little ahead, and any epoch: only the tag is wrong. */
static void
show_spoilt(SimCall *sim, GRand *rand, GBytes *sample, int to, const WzpAddress *from)
{
  uint8_t data[WZP_DATAGRAM_MAX];
  size_t length = g_bytes_get_size(sample);
  memcpy(data, g_bytes_get_data(sample, NULL), length);
  data[0] = (uint8_t)((data[0] & 0xcf) | g_rand_int_range(rand, 0, 4) << 4);
  data[3] = (uint8_t)(data[3] + g_rand_int_range(rand, 0, 40));
  data[length - 1 - (size_t)g_rand_int_range(rand, 0, 4)] ^= 0x10;
  g_assert_cmpint(sim_call_inject(sim, to, from, data, length), ==, to < 0 ? WZP_BAD_TAG : WZP_OK);
}

/* 20 s of a call, with 5,000 bad packets each second or none. */
static Outcome
call_under_flood(unsigned per_msec, uint64_t *n_bad)
{
  SimCall *sim = attack_sim_call(110);
  g_autoptr(GRand) rand = g_rand_new_with_seed(110);
  Sample sample = {0};
  sim->tap = keep_sample;
  sim->tap_user = &sample;
  sim_call_run(sim, WZP_SECOND);
  const WzpTime begin = sim->now;
  for (unsigned msec = 0; msec < 20000; msec++) {
    sim_call_run(sim, WZP_MSEC);
    for (unsigned i = 0; i < per_msec; i++) {
      if (i % 2 == 0)
        show_spoilt(sim, rand, sample.to_relay, -1, &sim->parties[0].address);
      else
        show_spoilt(sim, rand, sample.to_client, 1, &sim->relay_address);
      (*n_bad)++;
    }
  }
  sim->tap = NULL;
  const SimParty *party = &sim->parties[1];
  Outcome outcome = {.received = party->frames_received,
                     .lost = party->frames_lost,
                     .silent = party->frames_silent,
                     .records = sample.records,
                     .stall = party->longest_stall,
                     .delay = sim_party_mean_delay(party, begin, sim->now)};
  if (per_msec > 0)
    g_assert_cmpuint(sim_party_stats(party).drops[WZP_BAD_TAG] +
                         sim_party_stats(party).drops[WZP_NO_KEY],
                     >, *n_bad / 4);
  g_assert_true(sim_call_is_active(sim));
  g_assert_cmpuint(sim_party_stats(party).handshakes_started, ==, 1);
  attack_sim_assert_all_heard(sim);
  g_bytes_unref(sample.to_relay);
  g_bytes_unref(sample.to_client);
  sim_call_free(sim);
  return outcome;
}

static void
test_bad_tags(void)
{
  uint64_t n_bad = 0;
  const Outcome calm = call_under_flood(0, &n_bad), flood = call_under_flood(5, &n_bad);
  g_assert_cmpuint(n_bad, ==, 100000);
  g_assert_cmpuint(flood.received, ==, calm.received);
  g_assert_cmpuint(flood.lost, ==, calm.lost);
  g_assert_cmpuint(flood.silent, ==, calm.silent);
  g_assert_cmpint(flood.stall, ==, calm.stall);
  g_assert_cmpfloat(flood.delay, ==, calm.delay);
  /* it makes nobody talk much: a question for a key each second, the key and its receipt, over two hops, acknowledged */
  g_test_message("%u records, %u without the flood", (unsigned)flood.records,
                 (unsigned)calm.records);
  g_assert_cmpuint(flood.records, <=, calm.records + 20 * 12);
}

/* --- A12: all that a client says comes first from somewhere else --- */

typedef struct {
  SimCall *sim;
  AttackRow row;
  WzpAddress thief;
  bool passes_on; /* what comes to the thief, to the client */
  unsigned n_challenges, n_to_thief;
  size_t longest_to_thief;
} Thief;

static bool
steal(void *user, int party, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Thief *thief = user;
  if (wzp_address_equal(to, &thief->thief)) {
    if (wzp_datagram_kind(data, length) == WZP_DATAGRAM_CONTROL)
      thief->n_challenges++;
    else
      thief->n_to_thief++;
    thief->longest_to_thief = MAX(thief->longest_to_thief, length);
    if (thief->passes_on)
      attack_row_push(&thief->row, thief->sim, 0, &thief->sim->relay_address, data, length);
  }
  if (party == 0)
    attack_row_push(&thief->row, thief->sim, -1, &thief->thief, data, length);
  return true;
}

/* The copies need 1 to 5 ms to the relay, the good ones 20. */
static void
run_with_thief(Thief *thief)
{
  RelayStats relay;
  g_assert_true(wzp_address_parse(&thief->thief, "203.0.113.66:666"));
  thief->sim->tap = steal;
  thief->sim->tap_user = thief;
  for (unsigned i = 0; i < 20 * 200; i++) {
    sim_call_run(thief->sim, 5 * WZP_MSEC);
    attack_row_show(&thief->row, thief->sim);
  }
  g_assert_cmpuint(thief->row.shown, >, 1000);
  g_assert_cmpuint(sim_party_stats(&thief->sim->parties[0]).handshakes_started, ==, 1);
  relay_core_get_stats(thief->sim->relay, &relay);
  g_assert_cmpuint(relay.legs_moved, ==, 0);
  g_assert_true(sim_call_is_active(thief->sim));
  attack_row_clear(&thief->row);
  thief->sim->tap = NULL;
  attack_sim_assert_all_heard(thief->sim);
  sim_call_free(thief->sim);
}

/* He gets questions that he cannot answer, and nothing else. */
static void
test_stolen_address(void)
{
  Thief thief = {.sim = attack_sim_call(112), .row.delay = 0};
  run_with_thief(&thief);
  g_assert_cmpuint(thief.n_to_thief, ==, 0);
  g_assert_cmpuint(thief.n_challenges, >, 0);
  g_assert_cmpuint(thief.n_challenges, <=, 20 * 4);
  g_assert_cmpuint(thief.longest_to_thief, <=, WZP_CHALLENGE_RECORD);
}

/* He brings the questions to the client and its answers to the relay, before they come by themselves. He may
 * then see some more copies of what he sees anyway, but the leg stays where it is. */
static void
test_stolen_answers(void)
{
  Thief thief = {.sim = attack_sim_call(113), .row.delay = 0, .passes_on = true};
  run_with_thief(&thief);
  g_assert_cmpuint(thief.n_challenges, >, 0);
  g_test_message("%u packets went to the thief too", thief.n_to_thief);
  g_assert_cmpuint(thief.n_to_thief, <, 20 * 50 / 20);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/attack/call/media-again-by-relay", test_media_again_by_relay);
  g_test_add_func("/attack/call/media-again-on-the-way", test_media_again_on_the_way);
  g_test_add_func("/attack/call/keys-sabotaged", test_keys_sabotaged);
  g_test_add_func("/attack/call/bad-tags", test_bad_tags);
  g_test_add_func("/attack/call/stolen-address", test_stolen_address);
  g_test_add_func("/attack/call/stolen-answers", test_stolen_answers);
  return g_test_run();
}
