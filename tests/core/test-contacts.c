/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/contacts.h"
#include "test-util.h"

#define KEY_A "a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909"
#define KEY_B "46705b2fa5f2e0d9917cd934f76c4442f8d8908c2dae9259922c0c52c106183d"
#define FINGERPRINT_A "518e:b935:62fa:9e34:e59c:28b6:7fc2:d384"
#define FINGERPRINT_B "6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa"
#define SAS "eb2957f01c05c7d7" /* "twenty enjoy winter" */
#define NOW 1795537205         /* 2026-11-24T16:20:05Z */
#define LINE_A KEY_A " 2026-11-24T16:20:05Z - no - - Alice\n"
#define LINE_B                                                                                     \
  KEY_B " 2026-01-02T03:04:05Z 2026-11-24T16:20:05Z words 2026-02-03T00:00:00Z " SAS " Bob B.\n"

static const uint8_t *
key(const char *hex)
{
  static uint8_t keys[8][32];
  static unsigned next;
  uint8_t *out = keys[next++ % G_N_ELEMENTS(keys)];
  test_hex(out, 32, hex);
  return out;
}

static WzpContacts *
parse(const char *text)
{
  GError *error = NULL;
  WzpContacts *contacts = wzp_contacts_parse(text, &error);
  g_assert_no_error(error);
  g_assert_nonnull(contacts);
  return contacts;
}

static void
assert_text(const WzpContacts *contacts, const char *expected)
{
  g_autofree char *text = wzp_contacts_format(contacts);
  g_assert_cmpstr(text, ==, expected);
}

/* It fails with this code, says this, and changes nothing. */
#define assert_refused(contacts, call, expected_code, part)                                        \
  G_STMT_START                                                                                     \
  {                                                                                                \
    GError *error = NULL;                                                                          \
    g_autofree char *before = wzp_contacts_format(contacts);                                       \
    g_assert_false(call);                                                                          \
    g_assert_error(error, WZP_CONTACTS_ERROR, expected_code);                                      \
    if (!strstr(error->message, part))                                                             \
      g_error("\"%s\" does not say \"%s\"", error->message, part);                                 \
    g_error_free(error);                                                                           \
    assert_text(contacts, before);                                                                 \
  }                                                                                                \
  G_STMT_END

#define assert_done(call)                                                                          \
  G_STMT_START                                                                                     \
  {                                                                                                \
    GError *error = NULL;                                                                          \
    bool done = call;                                                                              \
    g_assert_no_error(error);                                                                      \
    g_assert_true(done);                                                                           \
  }                                                                                                \
  G_STMT_END

static void
test_text(void)
{
  g_autoptr(WzpContacts) contacts = parse("# mine\n\n" LINE_A "  # not at the start\n" LINE_B);
  assert_text(contacts, "# mine\n\n" LINE_A "  # not at the start\n" LINE_B);
  g_assert_cmpuint(wzp_contacts_count(contacts), ==, 2);
  const WzpContact *bob = wzp_contacts_nth(contacts, 1);
  g_assert_cmpstr(bob->name, ==, "Bob B.");
  assert_hex(bob->key, 32, KEY_B);
  g_assert_cmpint(bob->first_seen, ==, 1767323045);
  g_assert_cmpint(bob->last_seen, ==, NOW);
  g_assert_cmpint(bob->verified, ==, WZP_VERIFIED_WORDS);
  g_assert_cmpint(bob->verified_at, ==, 1770076800);
  g_assert_true(bob->has_sas);
  assert_hex(bob->sas, 8, SAS);
  const WzpContact *alice = wzp_contacts_nth(contacts, 0);
  g_assert_cmpint(alice->last_seen, ==, WZP_CONTACT_NEVER);
  g_assert_false(alice->has_sas);
  g_assert_null(wzp_contacts_nth(contacts, 2));

  g_autoptr(WzpContacts) empty = wzp_contacts_parse(NULL, NULL), blank = parse("");
  g_assert_cmpuint(wzp_contacts_count(empty), ==, 0);
  assert_text(empty, "");
  assert_text(blank, "");
}

/* What a hand has mended: more space, tabs, upper case, the end of a line from another system. */
static void
test_mended(void)
{
  g_autofree char *upper = g_ascii_strup(KEY_A, -1);
  g_autofree char *text =
      g_strconcat("  ", upper, "\t2026-11-24T16:20:05Z  -   no - -   Alice  \r\n", NULL);
  g_autoptr(WzpContacts) contacts = parse(text);
  assert_text(contacts, LINE_A);
}

static void
test_damaged(void)
{
  static const struct {
    const char *text, *part;
  } cases[] = {
      {"x\n", "line 1 is not KEY"},
      {LINE_A "# fine\n" KEY_B "\n", "line 3 is not KEY"},
      {KEY_A " 2026-11-24T16:20:05Z - no - -\n", "line 1 is not KEY"},
      {KEY_A " 2026-11-24T16:20:05Z - no - - \n", "no good name"},
      {"g" KEY_A " 2026-11-24T16:20:05Z - no - - Alice\n", "a key of 64 hex digits"},
      {KEY_A "00 2026-11-24T16:20:05Z - no - - Alice\n", "a key of 64 hex digits"},
      {KEY_A " 2026-11-24T16:20:05 - no - - Alice\n", "a time"},
      {KEY_A " 2026-13-24T16:20:05Z - no - - Alice\n", "a time"},
      {KEY_A " 2026-02-30T16:20:05Z - no - - Alice\n", "a time"},
      {KEY_A " 2026-11-24T24:20:05Z - no - - Alice\n", "a time"},
      {KEY_A " 1969-11-24T16:20:05Z - no - - Alice\n", "a time"},
      {KEY_A " 20261124T162005Z - no - - Alice\n", "a time"},
      {KEY_A " - 2026-11-24T16:20:05+1 no - - Alice\n", "a time"},
      {KEY_A " - - No - - Alice\n", "no, fingerprint or words"},
      {KEY_A " - - yes 2026-11-24T16:20:05Z - Alice\n", "no, fingerprint or words"},
      {KEY_A " - - words - - Alice\n", "without when"},
      {KEY_A " - - no 2026-11-24T16:20:05Z - Alice\n", "without when"},
      {KEY_A " - - no - " SAS "0 Alice\n", "a SAS"},
      {KEY_A " - - no - " SAS "00 Alice\n", "a SAS"},
      {KEY_A " - - no - - Ali\x1b[2Jce\n", "no good name"},
      {KEY_A " - - no - - \xff\n", "no good name"},
      {LINE_A LINE_A, "line 2 has the name or the key of 'Alice' a second time"},
      {LINE_A KEY_B " - - no - - alice\n", "a second time"},
      {LINE_A KEY_A " - - no - - Bob\n", "a second time"},
      {KEY_A " 2026-11-24T16:20:05Z - no - - Ali", "does not end with a newline"},
      {LINE_A "# half a comm", "line 2 does not end"},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    GError *error = NULL;
    g_assert_null(wzp_contacts_parse(cases[i].text, &error));
    g_assert_error(error, WZP_CONTACTS_ERROR, WZP_CONTACTS_ERROR_CONTENT);
    if (!strstr(error->message, cases[i].part))
      g_error("\"%s\" does not say \"%s\"", error->message, cases[i].part);
    g_error_free(error);
  }
}

/* Cut anywhere but at the end of a line, a file is never taken for a whole one. */
static void
test_cut(void)
{
  static const char whole[] = LINE_A LINE_B;
  for (size_t length = 1; length < strlen(whole); length++) {
    g_autofree char *text = g_strndup(whole, length);
    g_autoptr(WzpContacts) contacts = wzp_contacts_parse(text, NULL);
    g_assert_true((contacts != NULL) == (text[length - 1] == '\n'));
  }
}

static void
test_names(void)
{
  g_autoptr(WzpContacts) contacts = parse(LINE_A);
  static const char *const bad[] = {
      "",
      " ",
      "-",
      "--help",
      " Bob",
      "Bob ",
      "Bob  B",
      "B\nb",
      "B\tb",
      "B\x7f",
      "\xc0\x80",
      "a\xe2\x80\xae"
      "b", /* turns the writing direction */
      "a\xe2\x80\x8b"
      "b", /* a space of no width */
      "a\xc2\xa0"
      "b", /* a space that looks like one */
      "a\xe2\x80\xa8"
      "b", /* a line's end */
      KEY_B,
      "WZP-ID:" KEY_B,
      FINGERPRINT_A,
      "518eb93562fa9e34e59c28b67fc2d384",
      "12345678901234567890123456789012345678901234567890123456789012345"};
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    assert_refused(contacts, wzp_contacts_add(contacts, bad[i], key(KEY_B), NOW, &error),
                   WZP_CONTACTS_ERROR_NAME, "a name");
    assert_refused(contacts, wzp_contacts_rename(contacts, "Alice", bad[i], &error),
                   WZP_CONTACTS_ERROR_NAME, "a name");
  }
  static const char *const good[] = {
      "B",
      "Bob B.",
      "\xc3\x85sa",
      "\xe5\xb0\x8f\xe6\x9e\x97",
      "O'Neil #2",
      "a-b",
      "A name of sixty-four bytes is as long as a name can be, no more."};
  for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
    assert_done(
        wzp_contacts_rename(contacts, wzp_contacts_nth(contacts, 0)->name, good[i], &error));
    g_autofree char *text = wzp_contacts_format(contacts);
    g_autoptr(WzpContacts) again = parse(text);
    g_assert_cmpstr(wzp_contacts_nth(again, 0)->name, ==, good[i]);
  }
  /* letters that look the same are the same: a ring of its own, another case, wide letters */
  assert_done(wzp_contacts_rename(contacts, good[6], good[2], &error));
  g_assert_nonnull(wzp_contacts_by_name(contacts, "A\xcc\x8asa"));
  g_assert_nonnull(wzp_contacts_by_name(contacts, "\xc3\xa5SA"));
  g_assert_nonnull(wzp_contacts_by_name(contacts, "\xc3\x85\xef\xbd\x93\xef\xbd\x81"));
  g_assert_null(wzp_contacts_by_name(contacts, "Asa"));
  g_assert_null(wzp_contacts_by_name(contacts, "\xff"));
}

static void
test_change(void)
{
  g_autoptr(WzpContacts) contacts = parse("# mine\n" LINE_A);
  assert_refused(contacts, wzp_contacts_add(contacts, "Anna", key(KEY_A), NOW, &error),
                 WZP_CONTACTS_ERROR_EXISTS, "this key is known already, as 'Alice'");
  assert_refused(contacts, wzp_contacts_add(contacts, "ALICE", key(KEY_A), NOW, &error),
                 WZP_CONTACTS_ERROR_EXISTS, "as 'Alice'");
  assert_done(wzp_contacts_add(contacts, "Bob", key(KEY_B), NOW, &error));
  assert_text(contacts, "# mine\n" LINE_A KEY_B " 2026-11-24T16:20:05Z - no - - Bob\n");
  assert_refused(contacts, wzp_contacts_rename(contacts, "Bob", "alice", &error),
                 WZP_CONTACTS_ERROR_EXISTS, "called 'Alice' already");
  assert_refused(contacts, wzp_contacts_rename(contacts, "Carol", "C", &error),
                 WZP_CONTACTS_ERROR_UNKNOWN, "no contact is called 'Carol'");
  assert_done(wzp_contacts_rename(contacts, "bob", "BOB", &error));
  g_assert_cmpstr(wzp_contacts_by_key(contacts, key(KEY_B))->name, ==, "BOB");
  uint8_t sas[8], fingerprint[WZP_FINGERPRINT_SIZE], other[32] = {1};
  test_hex(sas, 8, SAS);
  g_assert_false(wzp_contacts_seen(contacts, other, NOW, sas));
  g_assert_true(wzp_contacts_seen(contacts, key(KEY_B), NOW + 1, sas));
  g_assert_true(wzp_contacts_seen(contacts, key(KEY_B), NOW + 2, NULL)); /* keeps the words */
  assert_text(contacts, "# mine\n" LINE_A KEY_B
                        " 2026-11-24T16:20:05Z 2026-11-24T16:20:07Z no - " SAS " BOB\n");
  g_assert_true(wzp_fingerprint_parse(fingerprint, FINGERPRINT_B));
  g_assert_cmpstr(wzp_contacts_by_fingerprint(contacts, fingerprint)->name, ==, "BOB");
  fingerprint[15] ^= 1;
  g_assert_null(wzp_contacts_by_fingerprint(contacts, fingerprint));
  assert_done(wzp_contacts_remove(contacts, "BoB", &error));
  assert_refused(contacts, wzp_contacts_remove(contacts, "Bob", &error), WZP_CONTACTS_ERROR_UNKNOWN,
                 "no contact");
  assert_text(contacts, "# mine\n" LINE_A);
}

static void
assert_standing(const WzpContacts *contacts, const char *name, const char *key_hex,
                WzpContactStanding expected, const char *part)
{
  g_autofree char *sentence = NULL;
  g_assert_cmpint(wzp_contacts_check(contacts, name, key(key_hex), &sentence), ==, expected);
  g_assert_cmpint(wzp_contacts_check(contacts, name, key(key_hex), NULL), ==, expected);
  if (!strstr(sentence, part))
    g_error("\"%s\" does not say \"%s\"", sentence, part);
}

static void
test_check(void)
{
  g_autoptr(WzpContacts) contacts = parse(LINE_A LINE_B);
  assert_standing(contacts, NULL, KEY_A, WZP_CONTACT_KNOWN, "Alice, known but never verified");
  assert_standing(contacts, "alice", KEY_A, WZP_CONTACT_KNOWN, "Alice");
  assert_standing(contacts, NULL, KEY_B, WZP_CONTACT_IS_VERIFIED, "Bob B., verified");
  assert_standing(contacts, "Dora", KEY_B, WZP_CONTACT_IS_VERIFIED, "Bob B.");
  static const char stranger[] = "0000000000000000000000000000000000000000000000000000000000000001";
  assert_standing(contacts, NULL, stranger, WZP_CONTACT_STRANGER, "nobody that you know");
  assert_standing(contacts, "Dora", stranger, WZP_CONTACT_STRANGER, "nobody that you know");
  assert_standing(contacts, "Bob b.", stranger, WZP_CONTACT_KEY_CHANGED,
                  "STOP: the key of Bob B. is not the one that it was. It was " FINGERPRINT_B
                  " (verified)");
  /* the key of another contact is no better */
  assert_standing(contacts, "Alice", KEY_B, WZP_CONTACT_KEY_CHANGED, "now it is " FINGERPRINT_B);
  /* and it is not taken by adding either */
  assert_refused(contacts, wzp_contacts_add(contacts, "alice", key(stranger), NOW, &error),
                 WZP_CONTACTS_ERROR_KEY_CHANGED, "STOP: the key of Alice");
  assert_refused(contacts, wzp_contacts_add(contacts, "Alice", key(KEY_B), NOW, &error),
                 WZP_CONTACTS_ERROR_KEY_CHANGED, "STOP");
}

/* So many strangers pass through rooms that the file must not grow with them. */
static void
test_meet(void)
{
  uint8_t stranger[32] = {0}, sas[8] = {1};
  g_autoptr(WzpContacts) contacts = parse(LINE_A LINE_B);
  GError *problem = NULL;
  g_assert_true(wzp_contacts_meet(contacts, key(KEY_A), "Somebody", NOW, NULL, &problem));
  g_assert_cmpuint(wzp_contacts_count(contacts), ==, 2);
  g_assert_cmpint(wzp_contacts_by_name(contacts, "Alice")->last_seen, ==, NOW);
  g_assert_true(wzp_contacts_meet(contacts, stranger, "Dora", NOW, NULL, &problem));
  g_assert_cmpmem(wzp_contacts_by_name(contacts, "Dora")->key, 32, stranger, 32);
  stranger[1] = 1; /* one with whom there was a call stays */
  g_assert_true(wzp_contacts_meet(contacts, stranger, NULL, 1, sas, &problem));
  for (unsigned n = 0; n < 2 * WZP_CONTACT_STRANGERS_MAX; n++) {
    stranger[0] = (uint8_t)(n + 1);
    g_assert_true(wzp_contacts_meet(contacts, stranger, NULL, NOW + n, NULL, &problem));
    if (n == 10) { /* one that gets a name stays, too */
      g_autofree char *name = g_strdup(wzp_contacts_by_key(contacts, stranger)->name);
      g_assert_true(g_str_has_prefix(name, "stranger "));
      g_assert_true(wzp_contacts_rename(contacts, name, "Emil", &problem));
    }
  }
  g_assert_no_error(problem);
  g_assert_cmpuint(wzp_contacts_count(contacts), ==, 5 + WZP_CONTACT_STRANGERS_MAX);
  g_assert_nonnull(wzp_contacts_by_name(contacts, "Emil"));
  stranger[0] = 0;
  g_assert_nonnull(wzp_contacts_by_key(contacts, stranger));
  stranger[0] = 1; /* the first is gone, the last is there */
  g_assert_null(wzp_contacts_by_key(contacts, stranger));
  stranger[0] = 2 * WZP_CONTACT_STRANGERS_MAX;
  g_assert_nonnull(wzp_contacts_by_key(contacts, stranger));
  /* a name that another key has is not given away */
  stranger[2] = 1;
  assert_refused(contacts, wzp_contacts_meet(contacts, stranger, "Bob B.", NOW, NULL, &error),
                 WZP_CONTACTS_ERROR_KEY_CHANGED, "STOP");
}

static void
test_verify(void)
{
  uint8_t right[WZP_FINGERPRINT_SIZE], wrong[WZP_FINGERPRINT_SIZE], sas[8];
  g_autoptr(WzpContacts) contacts = parse(LINE_A);
  g_assert_true(wzp_fingerprint_parse(right, FINGERPRINT_A));
  g_assert_true(wzp_fingerprint_parse(wrong, FINGERPRINT_B));
  test_hex(sas, 8, SAS);
  const WzpContact *alice = wzp_contacts_nth(contacts, 0);

  assert_refused(contacts, wzp_contacts_verify_fingerprint(contacts, "Alice", wrong, NOW, &error),
                 WZP_CONTACTS_ERROR_MISMATCH, "STOP: this fingerprint is not of the key");
  assert_refused(contacts, wzp_contacts_verify_key(contacts, "Alice", key(KEY_B), NOW, &error),
                 WZP_CONTACTS_ERROR_MISMATCH, "STOP: this key is not");
  assert_refused(contacts,
                 wzp_contacts_verify_words(contacts, "Alice", "twenty enjoy winter", NOW, &error),
                 WZP_CONTACTS_ERROR_NO_CALL, "call first");
  assert_refused(contacts, wzp_contacts_verify_fingerprint(contacts, "A", right, NOW, &error),
                 WZP_CONTACTS_ERROR_UNKNOWN, "no contact");
  assert_done(wzp_contacts_verify_fingerprint(contacts, "alice", right, NOW + 5, &error));
  g_assert_cmpint(alice->verified, ==, WZP_VERIFIED_FINGERPRINT);
  g_assert_cmpint(alice->verified_at, ==, NOW + 5);
  assert_done(wzp_contacts_verify_key(contacts, "alice", key(KEY_A), NOW + 6, &error));
  g_assert_cmpint(alice->verified_at, ==, NOW + 6);

  g_assert_true(wzp_contacts_seen(contacts, key(KEY_A), NOW, sas));
  static const char *const not_them[] = {"",
                                         "twenty enjoy",
                                         "twenty winter enjoy",
                                         "twenty enjoy winter winter",
                                         "twentyenjoywinter",
                                         "378839"}; /* the digits are never enough */
  for (unsigned i = 0; i < G_N_ELEMENTS(not_them); i++)
    assert_refused(contacts, wzp_contacts_verify_words(contacts, "Alice", not_them[i], NOW, &error),
                   WZP_CONTACTS_ERROR_MISMATCH, "STOP: these words are not");
  assert_done(
      wzp_contacts_verify_words(contacts, "Alice", " Twenty  ENJOY\nwinter ", NOW + 7, &error));
  g_assert_cmpint(alice->verified, ==, WZP_VERIFIED_WORDS);
  g_assert_cmpint(alice->verified_at, ==, NOW + 7);
}

/* Only whose key was verified can be trusted, and the mark lives in the text. */
static void
test_trust(void)
{
  g_autoptr(WzpContacts) contacts = parse(LINE_A LINE_B);
  assert_refused(contacts, wzp_contacts_trust(contacts, "Alice", true, &error),
                 WZP_CONTACTS_ERROR_NOT_VERIFIED, "verify the key first");
  assert_refused(contacts, wzp_contacts_trust(contacts, "Carol", true, &error),
                 WZP_CONTACTS_ERROR_UNKNOWN, "no contact");
  assert_done(wzp_contacts_trust(contacts, "bob b.", true, &error));
  g_autofree char *text = wzp_contacts_format(contacts);
  g_assert_nonnull(strstr(text, " words+trusted 2026-02-03"));
  g_autoptr(WzpContacts) again = parse(text);
  g_assert_true(wzp_contacts_nth(again, 1)->trusted);
  g_assert_false(wzp_contacts_nth(again, 0)->trusted);
  assert_text(again, text);
  assert_done(wzp_contacts_trust(again, "Bob B.", false, &error));
  assert_text(again, LINE_A LINE_B);
  g_autoptr(GError) wrong = NULL;
  g_assert_null(wzp_contacts_parse(KEY_A " - - no+trusted - - A\n", &wrong));
  g_assert_nonnull(strstr(wrong->message, "without being verified"));
}

static void
test_key_text(void)
{
  char text[WZP_CONTACT_KEY_TEXT];
  uint8_t out[32];
  wzp_contact_key_format(text, key(KEY_A));
  g_assert_cmpstr(text, ==, "WZP-ID:" KEY_A);
  static const char *const good[] = {"WZP-ID:" KEY_A, "wzp-id:" KEY_A, KEY_A};
  for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autofree char *upper = g_ascii_strup(good[i], -1);
    g_assert_true(wzp_contact_key_parse(out, good[i]));
    assert_hex(out, 32, KEY_A);
    g_assert_true(wzp_contact_key_parse(out, upper));
    assert_hex(out, 32, KEY_A);
  }
  static const char *const bad[] = {"",
                                    "WZP-ID:",
                                    "WZP-ID",
                                    KEY_A "0",
                                    KEY_A "00",
                                    " " KEY_A,
                                    "WZP-ID:WZP-ID:" KEY_A,
                                    FINGERPRINT_A,
                                    "x" KEY_A};
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_assert_false(wzp_contact_key_parse(out, bad[i]));
    g_assert_true(sodium_is_zero(out, 32));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/contacts/text", test_text);
  g_test_add_func("/contacts/mended", test_mended);
  g_test_add_func("/contacts/damaged", test_damaged);
  g_test_add_func("/contacts/cut", test_cut);
  g_test_add_func("/contacts/names", test_names);
  g_test_add_func("/contacts/change", test_change);
  g_test_add_func("/contacts/check", test_check);
  g_test_add_func("/contacts/meet", test_meet);
  g_test_add_func("/contacts/verify", test_verify);
  g_test_add_func("/contacts/trust", test_trust);
  g_test_add_func("/contacts/key-text", test_key_text);
  return g_test_run();
}
