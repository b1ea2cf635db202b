/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/identity.h"
#include "wzp/kdf.h"
#include "wzp/mnemonic-words.h"
#include "test-util.h"

static const struct {
  const char *seed, *words;
} vectors[] = {
    /* BIP39's own, those of 256 bits */
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon art"},
    {"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
     "legal winner thank year wave sausage worth useful legal winner thank year wave sausage "
     "worth useful legal winner thank year wave sausage worth title"},
    {"8080808080808080808080808080808080808080808080808080808080808080",
     "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount "
     "doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless"},
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
     "zoo vote"},
    {"00ac97c48106f0aeb8ba061e0250a559b3251dc35854e694780ba51d53a50120",
     "absent gorilla van acoustic humor firm title dolphin bulk barely citizen recall crane "
     "moment aspect appear track phrase actual enforce steel spoon afraid benefit"},
    {"3edc83b60740d77af3afa2fcb82c2f1bc541ee4e2518ddef4996d32453f54a3c",
     "disagree tomato unique attend aspect runway solid violin witness scrap armed daring "
     "favorite warm decade perfect target kid grant play early wide cigar night"},
    {"89bb4bc5555992cdaf3444c5e7ca5a6e9f27efab894f1990bae41be8b2a26ea4",
     "meadow surge vanish primary odor grocery rubber mass shine dinner notable tag venue "
     "water purchase clarify book magic ribbon daughter menu eye ritual orchard"},
    {"911fec0fbd88029f6fa99164896c18d898c9232af18bdcca3e42d53b86493104",
     "much youth advance kitchen lens exile salt cram goose enter alert raise milk muscle "
     "profit cousin system faint mouse price reveal cause series long"},
    /* docs/PROTOCOL.md, section 13 */
    {"4242424242424242424242424242424242424242424242424242424242424242",
     "drastic bamboo mountain loyal category cancel animal embark drastic bamboo mountain loyal "
     "category cancel animal embark drastic bamboo mountain loyal category cancel animal embark"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "abandon amount liar amount expire adjust cage candy arch gather drum bullet absurd math era "
     "live bid rhythm alien crouch range attend journey unaware"},
};

/* The compiled table, written out as the published file, has the published hash. */
static void
test_list(void)
{
  GString *file = g_string_new(NULL);
  uint8_t hash[32];
  for (unsigned i = 0; i < WZP_MNEMONIC_WORDS; i++) {
    g_string_append(file, wzp_mnemonic_words[i]);
    g_string_append_c(file, '\n');
    /* the search for a word needs the order */
    g_assert_true(i == 0 || strcmp(wzp_mnemonic_words[i - 1], wzp_mnemonic_words[i]) < 0);
  }
  wzp_sha256(hash, file->str, file->len);
  assert_hex(hash, 32, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
  g_string_free(file, TRUE);
}

static void
test_vectors(void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(vectors); i++) {
    uint8_t seed[32], decoded[32];
    char text[WZP_MNEMONIC_TEXT];
    GError *error = NULL;
    test_hex(seed, 32, vectors[i].seed);
    wzp_mnemonic_encode(text, seed);
    g_assert_cmpstr(text, ==, vectors[i].words);
    g_assert_true(wzp_mnemonic_decode(decoded, text, &error));
    g_assert_no_error(error);
    g_assert_cmpmem(decoded, 32, seed, 32);
  }
}

/* As people type: any case, any white space. */
static void
test_forgiving(void)
{
  char **words = g_strsplit(vectors[8].words, " ", -1);
  char *lines = g_strjoinv("\r\n\t ", words);
  char *loud = g_ascii_strup(lines, -1);
  char *padded = g_strconcat("\n  ", loud, " \n", NULL);
  uint8_t seed[32];
  GError *error = NULL;
  g_assert_true(wzp_mnemonic_decode(seed, padded, &error));
  g_assert_no_error(error);
  assert_hex(seed, 32, vectors[8].seed);
  g_free(padded);
  g_free(loud);
  g_free(lines);
  g_strfreev(words);
}

static void
check_refusal(const char *words, WzpMnemonicError code, const char *part)
{
  uint8_t seed[32];
  GError *error = NULL;
  memset(seed, 0xee, sizeof seed);
  g_assert_false(wzp_mnemonic_decode(seed, words, &error));
  g_assert_error(error, WZP_MNEMONIC_ERROR, (int)code);
  g_assert_true(sodium_is_zero(seed, sizeof seed));
  if (strstr(error->message, part) == NULL)
    g_error("\"%s\" does not say \"%s\"", error->message, part);
  g_assert_true(g_utf8_validate(error->message, -1, NULL));
  g_error_free(error);
}

/* A copy of the words with one replaced. */
static char *
replace(const char *text, unsigned position, const char *word)
{
  char **words = g_strsplit(text, " ", -1);
  g_free(words[position]);
  words[position] = g_strdup(word);
  char *result = g_strjoinv(" ", words);
  g_strfreev(words);
  return result;
}

static void
test_refusals(void)
{
  const char *good = vectors[8].words;

  check_refusal("", WZP_MNEMONIC_ERROR_COUNT, "there are 0 words; an identity has exactly 24");
  check_refusal(" \n\t", WZP_MNEMONIC_ERROR_COUNT, "there are 0 words");
  check_refusal("abandon", WZP_MNEMONIC_ERROR_COUNT, "there is 1 word;");

  char *text = g_strconcat(good, " zoo", NULL);
  check_refusal(text, WZP_MNEMONIC_ERROR_COUNT, "there are 25 words");
  g_free(text);
  text = g_strndup(good, (gsize)(strrchr(good, ' ') - good));
  check_refusal(text, WZP_MNEMONIC_ERROR_COUNT, "there are 23 words");
  g_free(text);

  text = replace(good, 4, "bambo");
  check_refusal(text, WZP_MNEMONIC_ERROR_WORD, "word 5 (\"bambo\") is not one of");
  /* no other word of the secret is in the message */
  GError *error = NULL;
  uint8_t seed[32];
  wzp_mnemonic_decode(seed, text, &error);
  char **words = g_strsplit(good, " ", -1);
  char **shown = g_strsplit_set(error->message, " ;,()\"", -1);
  for (unsigned i = 0; words[i] != NULL; i++)
    g_assert_false(g_strv_contains((const char *const *)shown, words[i]));
  g_strfreev(words);
  g_strfreev(shown);
  g_error_free(error);
  g_free(text);

  /* what cannot be shown is not shown */
  text = replace(good, 23, "\xff\x1b[2J");
  check_refusal(text, WZP_MNEMONIC_ERROR_WORD, "word 24 is not one of");
  g_free(text);
  text = replace(good, 0, "abandonabandonabandonabandonabandon");
  check_refusal(text, WZP_MNEMONIC_ERROR_WORD, "word 1 is not one of");
  g_free(text);
  text = replace(good, 0, "aban");
  check_refusal(text, WZP_MNEMONIC_ERROR_WORD, "word 1 (\"aban\")");
  g_free(text);

  text = replace(vectors[0].words, 23, "zoo");
  check_refusal(text, WZP_MNEMONIC_ERROR_CHECKSUM, "checksum");
  g_free(text);

  g_assert_false(wzp_mnemonic_decode(seed, "no error wanted", NULL));
}

/* Changing one word to any other is refused with probability 255/256, and what gets through is what
 * BIP39 says it is, not the old seed. */
static void
test_one_word_changes(void)
{
  TestRandom random;
  unsigned passed = 0;
  const unsigned rounds = 100000;
  test_random_init(&random);

  for (unsigned round = 0; round < rounds; round++) {
    uint8_t seed[32], decoded[32];
    char text[WZP_MNEMONIC_TEXT], again[WZP_MNEMONIC_TEXT], changed[WZP_MNEMONIC_TEXT];
    test_random_bytes(&random, seed, sizeof seed);
    wzp_mnemonic_encode(text, seed);
    g_assert_true(wzp_mnemonic_decode(decoded, text, NULL));
    g_assert_cmpmem(decoded, 32, seed, 32);

    const char *start = text;
    for (uint64_t skip = test_random_below(&random, 24); skip > 0; skip--)
      start = strchr(start, ' ') + 1;
    size_t before = (size_t)(start - text), old_length = strcspn(start, " ");
    const char *word = wzp_mnemonic_words[test_random_below(&random, WZP_MNEMONIC_WORDS)];
    if (strlen(word) == old_length && strncmp(word, start, old_length) == 0)
      continue;
    g_snprintf(changed, sizeof changed, "%.*s%s%s", (int)before, text, word, start + old_length);
    if (!wzp_mnemonic_decode(decoded, changed, NULL))
      continue;
    passed++;
    g_assert_true(memcmp(decoded, seed, 32) != 0);
    wzp_mnemonic_encode(again, decoded);
    g_assert_cmpstr(again, ==, changed);
  }
  /* expected 390, standard deviation 20; six of them to each side */
  g_assert_cmpuint(passed, >, 270);
  g_assert_cmpuint(passed, <, 510);
}

/* The longest text there can be fits. */
static void
test_longest(void)
{
  unsigned longest = 0;
  for (unsigned i = 0; i < WZP_MNEMONIC_WORDS; i++)
    longest = MAX(longest, (unsigned)strlen(wzp_mnemonic_words[i]));
  g_assert_cmpuint(24 * longest + 23 + 1, <=, WZP_MNEMONIC_TEXT);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/mnemonic/list", test_list);
  g_test_add_func("/mnemonic/vectors", test_vectors);
  g_test_add_func("/mnemonic/forgiving", test_forgiving);
  g_test_add_func("/mnemonic/refusals", test_refusals);
  g_test_add_func("/mnemonic/one-word-changes", test_one_word_changes);
  g_test_add_func("/mnemonic/longest", test_longest);
  return g_test_run();
}
