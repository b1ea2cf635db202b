/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/core/handshake-pair.h"
#include <sodium.h>

/* Somebody sits between two parties of a handshake. What does not need two handshakes, or a change of length,
 * is in tests/core/test-handshake-attacks.c. */

/* --- A4: two handshakes instead of one --- */

/* Caller and callee each talk to the middle, whom both take for the other: names came from the relay. */
typedef struct {
  Pair to_caller, to_callee; /* the middle answers the one, starts the other */
} Middle;

static void
middle_init(Middle *middle, uint64_t seed)
{
  Pair *one = &middle->to_caller, *two = &middle->to_callee;
  pair_init(one, WZP_MODE_CALL, 2 * seed);
  pair_init(two, WZP_MODE_CALL, 2 * seed + 1);
  /* the middle copies all that it may choose, and has one identity for both */
  wzp_identity_free(two->identity_i);
  two->identity_i = wzp_identity_new(one->identity_r->seed);
  two->config_i.identity = two->identity_i;
  memcpy(two->config_i.cid, one->config_i.cid, WZP_CID_SIZE);
  memcpy(one->config_r.cid, two->config_r.cid, WZP_CID_SIZE);
  memcpy(two->config_i.caller, two->identity_i->fingerprint, WZP_FINGERPRINT_SIZE);
  memcpy(two->config_r.caller, two->identity_i->fingerprint, WZP_FINGERPRINT_SIZE);
  memcpy(two->config_i.call_id, one->config_i.call_id, sizeof one->config_i.call_id);
  memcpy(two->config_r.call_id, one->config_i.call_id, sizeof one->config_i.call_id);
}

static void
middle_clear(Middle *middle)
{
  pair_clear(&middle->to_caller);
  pair_clear(&middle->to_callee);
}

static void
complete(Pair *pair)
{
  pair_run(pair);
  g_assert_cmpint(pair_read_hs3(pair, pair->hs3, pair->hs3_length), ==, WZP_OK);
  assert_agreement(pair);
}

static void
test_middle_changes_words(void)
{
  for (unsigned run = 0; run < 1000; run++) {
    char words[2][WZP_SAS_WORDS_TEXT];
    Middle middle;
    middle_init(&middle, run);
    complete(&middle.to_caller);
    complete(&middle.to_callee);
    wzp_sas_words(words[0], middle.to_caller.keys_i.sas);
    wzp_sas_words(words[1], middle.to_callee.keys_r.sas);
    g_assert_cmpstr(words[0], !=, words[1]);
    middle_clear(&middle);
  }
}

/* The middle knows what the caller will read out before it begins with the callee, and begins again until the
 * first bits agree. Nothing helps it: each try wins with the chance of a guess. At 6 bits instead of 33. */
static void
test_middle_only_guesses(void)
{
  enum { TRIES = 2000, BITS = 6 };
  Middle middle;
  unsigned won = 0;
  middle_init(&middle, 4);
  complete(&middle.to_caller);
  Pair *callee = &middle.to_callee;
  for (unsigned i = 0; i < TRIES; i++) {
    pair_run(callee); /* HS3 need not even leave */
    won += (callee->keys_i.sas[0] ^ middle.to_caller.keys_i.sas[0]) >> (8 - BITS) == 0;
    /* and another answer to the same HS1 changes nothing any more: there is one HS2 */
    g_assert_cmpint(pair_read_hs2(callee, callee->hs2, callee->hs2_length), ==, WZP_UNEXPECTED);
    g_clear_pointer(&callee->initiator, wzp_initiator_free);
    g_clear_pointer(&callee->responder, wzp_responder_free);
  }
  /* 31.25 expected, standard deviation 5.5 */
  g_test_message("%u of %u tries", won, (unsigned)TRIES);
  g_assert_cmpuint(won, >=, 31 - 17);
  g_assert_cmpuint(won, <=, 31 + 17);
  middle_clear(&middle);
}

/* --- A6: suites, capabilities and version that were not sent --- */

typedef struct {
  const char *what;
  size_t at;          /* a byte of HS1 that changes */
  uint8_t value;      /* to this */
  int shorter_core;   /* so many bytes of caps are cut out, negative: put in */
  bool refused;       /* by the responder, already */
  WzpResult expected; /* then */
} Strip;

static const Strip strips[] = {
    {"version 0", 1, 0, 0, true, WZP_UNKNOWN_KIND},
    {"version 2", 1, 2, 0, true, WZP_UNKNOWN_KIND},
    {"no suite", 3, 0, 0, true, WZP_UNSUPPORTED},
    {"an unknown suite alone", 3, 2, 0, true, WZP_UNSUPPORTED},
    {"one more suite", 3, 3, 0, false, WZP_OK},
    {"capabilities cleared", 78, 0x01, 0, false, WZP_OK},
    {"no capabilities", 76, 0, 2, true, WZP_MALFORMED},
    {"more capabilities", 76, 4, -2, false, WZP_OK},
};

/* HS1 as the responder gets it; the length on the wire stays what it must be. */
static size_t
strip_hs1(uint8_t *out, const Pair *pair, const Strip *strip)
{
  const size_t core = 79;
  size_t length = pair->hs1_length;
  memset(out, 0, 300);
  memcpy(out, pair->hs1, core);
  const size_t new_core = (size_t)((int)core - strip->shorter_core);
  if (length > core) /* cookie and padding move */
    memcpy(out + new_core, pair->hs1 + core, length - MAX(core, new_core));
  else
    length = new_core;
  out[strip->at] = strip->value;
  return length;
}

static void
test_stripped(void)
{
  for (unsigned m = 0; m < G_N_ELEMENTS(all_modes); m++)
    for (unsigned i = 0; i < G_N_ELEMENTS(strips); i++) {
      const Strip *strip = &strips[i];
      uint8_t hs1[300];
      WzpResult result;
      Pair pair;
      pair_init(&pair, all_modes[m], 600 + i);
      pair_hs1(&pair);
      const size_t length = strip_hs1(hs1, &pair, strip);
      WzpResponder *fooled =
          wzp_responder_new(&pair.config_r, &pair.random, hs1, length, NULL, 0, &result);
      g_test_message("mode %d, %s: %s", all_modes[m], strip->what, wzp_result_name(result));
      if (all_modes[m] == WZP_MODE_UDP) {
        g_assert_null(fooled); /* the key file's MAC covers all of it */
      } else if (strip->refused) {
        g_assert_null(fooled);
        g_assert_cmpint(result, ==, strip->expected);
      } else {
        size_t hs2_length;
        g_assert_nonnull(fooled);
        const uint8_t *hs2 = wzp_responder_message(fooled, &hs2_length);
        g_assert_cmpint(pair_read_hs2(&pair, hs2, hs2_length), ==, WZP_BAD_TAG);
      }
      wzp_responder_free(fooled);

      /* and the suite that the answer names */
      g_assert_cmpint(pair_hs2(&pair, NULL, 0), ==, WZP_OK);
      for (unsigned suite = 0; suite < 256; suite++) {
        uint8_t hs2[1300];
        memcpy(hs2, pair.hs2, pair.hs2_length);
        hs2[17] = (uint8_t)suite;
        if (suite != 1)
          g_assert_cmpint(pair_read_hs2(&pair, hs2, pair.hs2_length), !=, WZP_OK);
      }
      g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
      pair_clear(&pair);
    }
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/attack/handshake/middle-changes-words", test_middle_changes_words);
  g_test_add_func("/attack/handshake/middle-only-guesses", test_middle_only_guesses);
  g_test_add_func("/attack/handshake/stripped", test_stripped);
  return g_test_run();
}
