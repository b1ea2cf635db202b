/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-command.h"
#include "wzp/contacts.h"
#include <stdio.h>
#include <string.h>

#define DAY_TEXT 16

static int64_t
now(void)
{
  return g_get_real_time() / G_USEC_PER_SEC;
}

/* The day where the person is. */
static const char *
day(char text[DAY_TEXT], int64_t seconds)
{
  if (seconds == WZP_CONTACT_NEVER)
    return "never";
  g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(seconds);
  g_autofree char *formatted = when ? g_date_time_format(when, "%Y-%m-%d") : NULL;
  g_strlcpy(text, formatted ? formatted : "?", DAY_TEXT);
  return text;
}

static void
put_contact(const WzpContact *contact)
{
  char text[WZP_FINGERPRINT_TEXT], first[DAY_TEXT], last[DAY_TEXT], verified[DAY_TEXT];
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  wzp_fingerprint(fingerprint, contact->key);
  printf("%s  %s", contact->name, wzp_fingerprint_format(fingerprint, text));
  if (contact->verified == WZP_VERIFIED_NO)
    printf("  NOT verified");
  else
    printf("  verified by %s %s", wzp_verified_name(contact->verified),
           day(verified, contact->verified_at));
  if (contact->trusted)
    printf("  trusted");
  printf("  known since %s, last call %s\n", day(first, contact->first_seen),
         day(last, contact->last_seen));
}

static gboolean
command_list(const ClientCommandOptions *options, GError **error)
{
  GError *wrong = NULL;
  g_autoptr(WzpContacts) contacts = wzp_contacts_load(options->contacts, &wrong);
  if (!contacts)
    return client_command_error(wrong, error);
  const WzpContact *contact;
  for (guint n = 0; (contact = wzp_contacts_nth(contacts, n)); n++)
    put_contact(contact);
  return client_command_put("", error);
}

/* --- changes --- */

static gboolean
update(const ClientCommandOptions *options, WzpContactsChange change, GError **error)
{
  GError *wrong = NULL;
  if (wzp_contacts_update(options->contacts, change, (void *)options, &wrong))
    return TRUE;
  return client_command_error(wrong, error);
}

static bool
add(WzpContacts *contacts, void *data, GError **error)
{
  const ClientCommandOptions *options = data;
  uint8_t key[32];
  return wzp_contact_key_parse(key, options->words[1]) &&
         wzp_contacts_add(contacts, options->words[0], key, now(), error);
}

static gboolean
command_add(const ClientCommandOptions *options, GError **error)
{
  uint8_t key[32], fingerprint[WZP_FINGERPRINT_SIZE];
  const char *text = options->words[1];
  if (wzp_contact_key_parse(key, text))
    return update(options, add, error);
  g_set_error(error, CLIENT_ERROR, CLIENT_USAGE,
              "'%s' is %s; it is the 64 hex digits behind "
              "WZP-ID: that \"wzp-client identity show\" prints for its owner",
              text,
              wzp_fingerprint_parse(fingerprint, text) ? "a fingerprint, not the whole key"
                                                       : "not a key");
  return FALSE;
}

static bool
remove_one(WzpContacts *contacts, void *data, GError **error)
{
  const ClientCommandOptions *options = data;
  return wzp_contacts_remove(contacts, options->words[0], error);
}

static gboolean
command_remove(const ClientCommandOptions *options, GError **error)
{
  return update(options, remove_one, error);
}

static bool
rename_one(WzpContacts *contacts, void *data, GError **error)
{
  const ClientCommandOptions *options = data;
  return wzp_contacts_rename(contacts, options->words[0], options->words[1], error);
}

static gboolean
command_rename(const ClientCommandOptions *options, GError **error)
{
  return update(options, rename_one, error);
}

static bool
verify(WzpContacts *contacts, void *data, GError **error)
{
  const ClientCommandOptions *options = data;
  const char *name = options->words[0];
  uint8_t key[32], fingerprint[WZP_FINGERPRINT_SIZE];
  g_autofree char *proof = g_strjoinv(" ", options->words + 1);
  if (wzp_contact_key_parse(key, proof))
    return wzp_contacts_verify_key(contacts, name, key, now(), error);
  if (wzp_fingerprint_parse(fingerprint, proof))
    return wzp_contacts_verify_fingerprint(contacts, name, fingerprint, now(), error);
  return wzp_contacts_verify_words(contacts, name, proof, now(), error);
}

/* Three words, or what can be a fingerprint or a key: a slip of the finger is no attack. */
static gboolean
can_be_proof(const ClientCommandOptions *options)
{
  uint8_t key[32], fingerprint[WZP_FINGERPRINT_SIZE];
  g_autofree char *proof = g_strjoinv(" ", options->words + 1);
  if (wzp_contact_key_parse(key, proof) || wzp_fingerprint_parse(fingerprint, proof))
    return TRUE;
  guint n_words = 0;
  for (const char *at = proof; *at; at++) {
    if (!g_ascii_isalpha(*at) && *at != ' ')
      return FALSE;
    n_words += *at != ' ' && (at == proof || at[-1] == ' ');
  }
  return n_words == 3;
}

gboolean
client_contacts_verify(const ClientCommandOptions *options, GError **error)
{
  if (!can_be_proof(options)) {
    g_set_error(
        error, CLIENT_ERROR, CLIENT_USAGE,
        "verify takes a fingerprint (eight groups of four hex digits), a key (64 hex digits) "
        "or the three words of the last call");
    return FALSE;
  }
  if (!update(options, verify, error))
    return FALSE;
  printf("%s is verified\n", options->words[0]);
  return TRUE;
}

static bool
trust(WzpContacts *contacts, void *data, GError **error)
{
  const ClientCommandOptions *options = data;
  return wzp_contacts_trust(contacts, options->words[0], true, error);
}

static bool
distrust(WzpContacts *contacts, void *data, GError **error)
{
  const ClientCommandOptions *options = data;
  return wzp_contacts_trust(contacts, options->words[0], false, error);
}

static gboolean
command_trust(const ClientCommandOptions *options, GError **error)
{
  return update(options, trust, error);
}

static gboolean
command_distrust(const ClientCommandOptions *options, GError **error)
{
  return update(options, distrust, error);
}

const ClientCommand client_contacts_commands[] = {
    {"list", "", "All of them", 0, 0, "contacts", command_list},
    {"add", "NAME KEY", "Somebody whose key you have", 2, 2, "contacts", command_add},
    {"remove", "NAME", "Forget somebody", 1, 1, "contacts", command_remove},
    {"rename", "NAME NEW-NAME", "Call somebody something else", 2, 2, "contacts", command_rename},
    {"trust", "NAME", "Let somebody verified have your addresses as soon as a call rings", 1, 1,
     "contacts", command_trust},
    {"distrust", "NAME", "Only once a call is taken", 1, 1, "contacts", command_distrust},
    {"verify", "NAME FINGERPRINT|KEY|WORDS...", "Say that you checked a contact's key", 2, 4,
     "contacts", client_contacts_verify},
    {0}};
