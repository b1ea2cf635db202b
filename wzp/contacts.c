/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "contacts-private.h"
#include "handshake.h"
#include "keyfile.h"
#include <sodium.h>
#include <string.h>
#include <unistd.h>

G_DEFINE_QUARK(wzp_contacts_error, wzp_contacts_error)

/* A line of the text: a contact, or a comment. */
typedef struct {
  WzpContact contact; /* name NULL: a comment */
  char *comment;
  char *folded; /* the name, for comparing */
} Row;

struct WzpContacts {
  GPtrArray *rows;
};

static void
row_free(void *data)
{
  Row *row = data;
  g_free(row->contact.name);
  g_free(row->comment);
  g_free(row->folded);
  g_free(row);
}

static bool G_GNUC_PRINTF(3, 4)
    refuse(GError **error, WzpContactsError code, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, WZP_CONTACTS_ERROR, (int)code, text);
  return false;
}

/* --- finding --- */

/* Without upper case and without the differences between ways to write one letter: whoever reads two names
 * shall see that they are two. */
static char *
fold(const char *name)
{
  if (!g_utf8_validate(name, -1, NULL))
    return g_strdup(name);
  g_autofree char *normal = g_utf8_normalize(name, -1, G_NORMALIZE_ALL_COMPOSE);
  g_autofree char *lower = g_utf8_casefold(normal, -1);
  return g_utf8_normalize(lower, -1, G_NORMALIZE_ALL_COMPOSE);
}

static Row *
row_by_name(const WzpContacts *contacts, const char *name)
{
  g_autofree char *folded = fold(name);
  for (unsigned n = 0; n < contacts->rows->len; n++) {
    Row *row = g_ptr_array_index(contacts->rows, n);
    if (row->folded != NULL && strcmp(row->folded, folded) == 0)
      return row;
  }
  return NULL;
}

static Row *
row_by_key(const WzpContacts *contacts, const uint8_t key[32])
{
  for (unsigned n = 0; n < contacts->rows->len; n++) {
    Row *row = g_ptr_array_index(contacts->rows, n);
    if (row->contact.name != NULL && memcmp(row->contact.key, key, 32) == 0)
      return row;
  }
  return NULL;
}

unsigned
wzp_contacts_count(const WzpContacts *contacts)
{
  unsigned count = 0;
  while (wzp_contacts_nth(contacts, count) != NULL)
    count++;
  return count;
}

const WzpContact *
wzp_contacts_nth(const WzpContacts *contacts, unsigned n)
{
  for (unsigned i = 0; i < contacts->rows->len; i++) {
    const Row *row = g_ptr_array_index(contacts->rows, i);
    if (row->contact.name != NULL && n-- == 0)
      return &row->contact;
  }
  return NULL;
}

const WzpContact *
wzp_contacts_by_name(const WzpContacts *contacts, const char *name)
{
  const Row *row = row_by_name(contacts, name);
  return row == NULL ? NULL : &row->contact;
}

const WzpContact *
wzp_contacts_by_key(const WzpContacts *contacts, const uint8_t key[32])
{
  const Row *row = row_by_key(contacts, key);
  return row == NULL ? NULL : &row->contact;
}

const WzpContact *
wzp_contacts_by_fingerprint(const WzpContacts *contacts,
                            const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  for (unsigned n = 0; n < contacts->rows->len; n++) {
    const Row *row = g_ptr_array_index(contacts->rows, n);
    uint8_t own[WZP_FINGERPRINT_SIZE];
    if (row->contact.name == NULL)
      continue;
    wzp_fingerprint(own, row->contact.key);
    if (memcmp(own, fingerprint, sizeof own) == 0)
      return &row->contact;
  }
  return NULL;
}

/* --- judging --- */

static const char *
fingerprint_of(const uint8_t key[32], char text[WZP_FINGERPRINT_TEXT])
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  wzp_fingerprint(fingerprint, key);
  return wzp_fingerprint_format(fingerprint, text);
}

static char *
key_changed_sentence(const WzpContact *contact, const uint8_t key[32])
{
  char is[WZP_FINGERPRINT_TEXT], was[WZP_FINGERPRINT_TEXT];
  return g_strdup_printf(
      "STOP: the key of %s is not the one that it was. It was %s (%s), and now it is %s. Either "
      "they have a new identity, or somebody else is pretending to be them. Ask them in person or "
      "over another channel; if the new key is theirs, remove the contact and add it again.",
      contact->name, fingerprint_of(contact->key, was),
      contact->verified == WZP_VERIFIED_NO ? "never verified" : "verified",
      fingerprint_of(key, is));
}

WzpContactStanding
wzp_contacts_check(const WzpContacts *contacts, const char *name, const uint8_t key[32],
                   char **sentence)
{
  const WzpContact *meant = name == NULL ? NULL : wzp_contacts_by_name(contacts, name);
  const WzpContact *found = wzp_contacts_by_key(contacts, key);
  WzpContactStanding standing = WZP_CONTACT_STRANGER;
  char fingerprint[WZP_FINGERPRINT_TEXT];
  g_autofree char *text = NULL;

  if (meant != NULL && meant != found) {
    standing = WZP_CONTACT_KEY_CHANGED;
    text = key_changed_sentence(meant, key);
  } else if (found == NULL) {
    text = g_strdup_printf("%s is nobody that you know", fingerprint_of(key, fingerprint));
  } else if (found->verified == WZP_VERIFIED_NO) {
    standing = WZP_CONTACT_KNOWN;
    text = g_strdup_printf("%s, known but never verified", found->name);
  } else {
    standing = WZP_CONTACT_IS_VERIFIED;
    text = g_strdup_printf("%s, verified", found->name);
  }
  if (sentence != NULL)
    *sentence = g_steal_pointer(&text);
  return standing;
}

/* --- changing --- */

static Row *
require(WzpContacts *contacts, const char *name, GError **error)
{
  Row *row = row_by_name(contacts, name);
  if (row == NULL)
    refuse(error, WZP_CONTACTS_ERROR_UNKNOWN, "no contact is called '%s'", name);
  return row;
}

static bool
check_name(const char *name, GError **error)
{
  const char *problem = wzp_contact_name_problem(name);
  return problem == NULL || refuse(error, WZP_CONTACTS_ERROR_NAME, "%s", problem);
}

static void
row_set_name(Row *row, const char *name)
{
  g_autofree char *before = row->contact.name;
  row->contact.name = g_strdup(name);
  g_free(row->folded);
  row->folded = fold(name);
}

bool
wzp_contacts_add(WzpContacts *contacts, const char *name, const uint8_t key[32], int64_t now,
                 GError **error)
{
  if (!check_name(name, error))
    return false;
  const WzpContact *same_name = wzp_contacts_by_name(contacts, name);
  const WzpContact *same_key = wzp_contacts_by_key(contacts, key);
  if (same_name != NULL && same_name != same_key) {
    g_autofree char *sentence = key_changed_sentence(same_name, key);
    return refuse(error, WZP_CONTACTS_ERROR_KEY_CHANGED, "%s", sentence);
  }
  if (same_key != NULL)
    return refuse(error, WZP_CONTACTS_ERROR_EXISTS, "this key is known already, as '%s'",
                  same_key->name);
  Row *row = g_new0(Row, 1);
  memcpy(row->contact.key, key, 32);
  row->contact.first_seen = now;
  row_set_name(row, name);
  g_ptr_array_add(contacts->rows, row);
  return true;
}

bool
wzp_contacts_remove(WzpContacts *contacts, const char *name, GError **error)
{
  Row *row = require(contacts, name, error);
  return row != NULL && g_ptr_array_remove(contacts->rows, row);
}

bool
wzp_contacts_rename(WzpContacts *contacts, const char *name, const char *new_name, GError **error)
{
  Row *row = require(contacts, name, error);
  if (row == NULL || !check_name(new_name, error))
    return false;
  const Row *other = row_by_name(contacts, new_name);
  if (other != NULL && other != row)
    return refuse(error, WZP_CONTACTS_ERROR_EXISTS, "another contact is called '%s' already",
                  other->contact.name);
  row_set_name(row, new_name);
  return true;
}

bool
wzp_contacts_trust(WzpContacts *contacts, const char *name, bool trusted, GError **error)
{
  Row *row = require(contacts, name, error);
  if (row == NULL)
    return false;
  if (trusted && row->contact.verified == WZP_VERIFIED_NO)
    return refuse(error, WZP_CONTACTS_ERROR_NOT_VERIFIED,
                  "'%s' is not verified: anybody could be trusted under this name; verify the key "
                  "first",
                  row->contact.name);
  row->contact.trusted = trusted;
  return true;
}

bool
wzp_contacts_seen(WzpContacts *contacts, const uint8_t key[32], int64_t now, const uint8_t sas[8])
{
  Row *row = row_by_key(contacts, key);
  if (row == NULL)
    return false;
  row->contact.last_seen = now;
  if (sas != NULL) {
    row->contact.has_sas = true;
    memcpy(row->contact.sas, sas, 8);
  }
  return true;
}

/* Half of the fingerprint: long enough that nobody makes a key for another's. */
static char *
stranger_name(const uint8_t key[32])
{
  char fingerprint[WZP_FINGERPRINT_TEXT];
  return g_strdup_printf("stranger %.19s", fingerprint_of(key, fingerprint));
}

static bool
is_passer_by(const WzpContact *contact)
{
  if (contact->name == NULL || contact->verified != WZP_VERIFIED_NO || contact->has_sas)
    return false;
  g_autofree char *name = stranger_name(contact->key);
  return strcmp(contact->name, name) == 0;
}

static void
make_room_for_stranger(WzpContacts *contacts)
{
  unsigned count = 0;
  Row *oldest = NULL;

  for (unsigned n = 0; n < contacts->rows->len; n++) {
    Row *row = g_ptr_array_index(contacts->rows, n);
    if (!is_passer_by(&row->contact))
      continue;
    count++;
    if (oldest == NULL || row->contact.last_seen < oldest->contact.last_seen)
      oldest = row;
  }
  if (count >= WZP_CONTACT_STRANGERS_MAX)
    g_ptr_array_remove(contacts->rows, oldest);
}

bool
wzp_contacts_meet(WzpContacts *contacts, const uint8_t key[32], const char *name, int64_t now,
                  const uint8_t sas[8], GError **error)
{
  if (wzp_contacts_seen(contacts, key, now, sas))
    return true;
  g_autofree char *stranger = name == NULL ? stranger_name(key) : NULL;
  if (stranger != NULL && sas == NULL)
    make_room_for_stranger(contacts);
  return wzp_contacts_add(contacts, stranger != NULL ? stranger : name, key, now, error) &&
         wzp_contacts_seen(contacts, key, now, sas);
}

static bool
set_verified(Row *row, WzpVerified how, int64_t now)
{
  row->contact.verified = how;
  row->contact.verified_at = now;
  return true;
}

static bool
mismatch(const Row *row, const char *what, GError **error)
{
  char fingerprint[WZP_FINGERPRINT_TEXT];
  return refuse(
      error, WZP_CONTACTS_ERROR_MISMATCH,
      "STOP: %s not of the key that is stored for %s (%s). Compare once more; if it stays "
      "so, the stored key is not theirs, and somebody may have been in the middle of your "
      "calls. Nothing was marked as verified.",
      what, row->contact.name, fingerprint_of(row->contact.key, fingerprint));
}

bool
wzp_contacts_verify_key(WzpContacts *contacts, const char *name, const uint8_t key[32], int64_t now,
                        GError **error)
{
  Row *row = require(contacts, name, error);
  if (row == NULL)
    return false;
  if (sodium_memcmp(row->contact.key, key, 32) != 0)
    return mismatch(row, "this key is", error);
  return set_verified(row, WZP_VERIFIED_FINGERPRINT, now);
}

bool
wzp_contacts_verify_fingerprint(WzpContacts *contacts, const char *name,
                                const uint8_t fingerprint[WZP_FINGERPRINT_SIZE], int64_t now,
                                GError **error)
{
  uint8_t own[WZP_FINGERPRINT_SIZE];
  Row *row = require(contacts, name, error);
  if (row == NULL)
    return false;
  wzp_fingerprint(own, row->contact.key);
  if (sodium_memcmp(own, fingerprint, sizeof own) != 0)
    return mismatch(row, "this fingerprint is", error);
  return set_verified(row, WZP_VERIFIED_FINGERPRINT, now);
}

bool
wzp_contacts_verify_words(WzpContacts *contacts, const char *name, const char *words, int64_t now,
                          GError **error)
{
  char expected[WZP_SAS_WORDS_TEXT];
  Row *row = require(contacts, name, error);
  if (row == NULL)
    return false;
  if (!row->contact.has_sas)
    return refuse(error, WZP_CONTACTS_ERROR_NO_CALL,
                  "no call with %s has shown words yet; verify the fingerprint, or call first",
                  row->contact.name);
  wzp_sas_words(expected, row->contact.sas);
  g_auto(GStrv) parts = g_strsplit_set(words, " \t\r\n", -1);
  g_autoptr(GString) said = g_string_new(NULL);
  for (char **part = parts; *part != NULL; part++) {
    g_autofree char *lower = g_ascii_strdown(*part, -1);
    if (*lower != '\0')
      g_string_append_printf(said, "%s%s", said->len > 0 ? " " : "", lower);
  }
  if (strcmp(said->str, expected) != 0)
    return mismatch(row, "these words are", error);
  return set_verified(row, WZP_VERIFIED_WORDS, now);
}

/* --- text and file --- */

static bool
add_line(WzpContacts *contacts, const char *line, unsigned number, GError **error)
{
  Row *row = g_new0(Row, 1);
  const char *start = line + strspn(line, " \t\r");
  const char *problem = NULL;
  g_autofree char *twice = NULL;

  if (*start == '\0' || *start == '#') {
    row->comment = g_strdup(line);
  } else if ((problem = wzp_contact_parse(&row->contact, start)) == NULL) {
    row->folded = fold(row->contact.name);
    const Row *other = row_by_name(contacts, row->contact.name);
    if (other == NULL)
      other = row_by_key(contacts, row->contact.key);
    if (other != NULL)
      problem = twice =
          g_strdup_printf("has the name or the key of '%s' a second time", other->contact.name);
  }
  if (problem == NULL) {
    g_ptr_array_add(contacts->rows, row);
    return true;
  }
  row_free(row);
  return refuse(error, WZP_CONTACTS_ERROR_CONTENT, "line %u %s; correct or remove it", number,
                problem);
}

WzpContacts *
wzp_contacts_parse(const char *text, GError **error)
{
  WzpContacts *contacts = g_new0(WzpContacts, 1);
  contacts->rows = g_ptr_array_new_with_free_func(row_free);
  g_auto(GStrv) lines = g_strsplit(text == NULL ? "" : text, "\n", -1);
  for (unsigned n = 0; lines[n] != NULL; n++) {
    if (lines[n + 1] == NULL && *lines[n] == '\0')
      break;                    /* behind the last newline */
    if (lines[n + 1] == NULL) { /* half a name would be another name */
      refuse(error, WZP_CONTACTS_ERROR_CONTENT,
             "line %u does not end with a newline, so the file may be cut off; complete it", n + 1);
      wzp_contacts_free(contacts);
      return NULL;
    }
    if (!add_line(contacts, lines[n], n + 1, error)) {
      wzp_contacts_free(contacts);
      return NULL;
    }
  }
  return contacts;
}

char *
wzp_contacts_format(const WzpContacts *contacts)
{
  GString *text = g_string_new(NULL);
  for (unsigned n = 0; n < contacts->rows->len; n++) {
    const Row *row = g_ptr_array_index(contacts->rows, n);
    if (row->contact.name == NULL)
      g_string_append_printf(text, "%s\n", row->comment);
    else
      wzp_contact_format(text, &row->contact);
  }
  return g_string_free(text, FALSE);
}

void
wzp_contacts_free(WzpContacts *contacts)
{
  if (contacts == NULL)
    return;
  g_ptr_array_unref(contacts->rows);
  g_free(contacts);
}

char *
wzp_contacts_default_path(void)
{
  return g_build_filename(g_get_user_config_dir(), "wzp", "contacts", NULL);
}

WzpContacts *
wzp_contacts_load(const char *path, GError **error)
{
  g_autofree char *text = NULL;
  if (!wzp_private_text_read(path, &text, error))
    return NULL;
  WzpContacts *contacts = wzp_contacts_parse(text, error);
  if (contacts == NULL)
    g_prefix_error(error, "%s: ", path);
  return contacts;
}

bool
wzp_contacts_update(const char *path, WzpContactsChange change, void *data, GError **error)
{
  int lock = wzp_private_text_lock(path, error);
  if (lock < 0)
    return false;
  g_autoptr(WzpContacts) contacts = wzp_contacts_load(path, error);
  bool done = contacts != NULL && change(contacts, data, error);
  if (done) {
    g_autofree char *text = wzp_contacts_format(contacts);
    done = wzp_private_text_write(path, text, error);
  }
  close(lock);
  return done;
}
