/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-command.h"
#include "client-seed.h"
#include "wzp/contacts.h"
#include "wzp/group.h"
#include "wzp/keyfile.h"
#include "wzp/pins.h"
#include <gio/gio.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_PORT 4433

static gboolean fail(GError **error, ClientExit code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean
fail(GError **error, ClientExit code, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, CLIENT_ERROR, (int)code, text);
  return FALSE;
}

/* --- files --- */

static WzpRoomList *
load(const ClientCommandOptions *options, GError **error)
{
  GError *wrong = NULL;
  WzpRoomList *list = wzp_room_list_load(options->words[0], &wrong);
  if (!list)
    client_command_error(wrong, error);
  return list;
}

/* All of it or nothing: others may read it at this moment. */
static gboolean
store(const ClientCommandOptions *options, const WzpRoomList *list, GError **error)
{
  GError *wrong = NULL;
  g_autofree char *text = wzp_room_list_format(list);
  return g_file_set_contents_full(options->words[0], text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
                                  &wrong) ||
         client_command_error(wrong, error);
}

/* --- people --- */

static void
put_person(const char *role, const WzpContacts *contacts, const uint8_t key[32])
{
  char text[WZP_FINGERPRINT_TEXT];
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  const WzpContact *contact = wzp_contacts_by_key(contacts, key);
  wzp_fingerprint(fingerprint, key);
  printf("%-8s%s  %s%s\n", role, wzp_fingerprint_format(fingerprint, text),
         contact ? contact->name : "nobody that you know",
         contact && contact->verified == WZP_VERIFIED_NO ? ", NOT verified" : "");
}

static gboolean
find_on_list(const WzpRoomList *list, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
             uint8_t key[32])
{
  uint8_t theirs[WZP_FINGERPRINT_SIZE];
  const uint8_t *listed;
  for (guint n = 0; (listed = wzp_room_list_nth(list, n)); n++) {
    wzp_fingerprint(theirs, listed);
    if (memcmp(theirs, fingerprint, sizeof theirs) == 0) {
      memcpy(key, listed, 32);
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
find_key(const WzpContacts *contacts, const WzpRoomList *list, const char *word, uint8_t key[32],
         GError **error)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  if (wzp_fingerprint_parse(fingerprint, word) && find_on_list(list, fingerprint, key))
    return TRUE;
  const WzpContact *contact = wzp_fingerprint_parse(fingerprint, word)
                                  ? wzp_contacts_by_fingerprint(contacts, fingerprint)
                                  : wzp_contacts_by_name(contacts, word);
  if (wzp_contact_key_parse(key, word))
    return TRUE;
  if (!contact)
    return fail(error, CLIENT_CALL_FAILED,
                "'%s' is neither a contact nor a key; a list has whole keys: the 64 hex digits "
                "behind WZP-ID: that \"wzp-client identity show\" prints for their owner",
                word);
  memcpy(key, contact->key, 32);
  return TRUE;
}

static WzpContacts *
load_contacts(const ClientCommandOptions *options, GError **error)
{
  GError *wrong = NULL;
  WzpContacts *contacts = wzp_contacts_load(options->contacts, &wrong);
  if (!contacts)
    client_command_error(wrong, error);
  return contacts;
}

/* The owner's, who makes and signs lists. */
static WzpIdentity *
load_identity(const ClientCommandOptions *options, GError **error)
{
  uint8_t seed[32];
  WzpIdentity *identity = client_seed_read(options->identity, options->passphrase_file, seed, error)
                              ? wzp_identity_new(seed)
                              : NULL;
  sodium_memzero(seed, sizeof seed);
  return identity;
}

/* --- the room --- */

static gboolean
find_relay_key(const ClientCommandOptions *options, GUri *uri, uint8_t key[32], GError **error)
{
  GError *wrong = NULL;
  WzpPin pin;
  bool found;
  g_autofree char *host = g_ascii_strdown(g_uri_get_host(uri), -1);
  const int port = g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : DEFAULT_PORT;
  g_autofree char *place = g_strdup_printf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
  if (!wzp_pins_lookup(options->known_relays, place, &pin, &found, &wrong))
    return client_command_error(wrong, error);
  if (!found)
    return fail(error, CLIENT_CALL_FAILED,
                "the key of relay %s, which is part of a room's id, is not known here yet; call "
                "there once",
                place);
  memcpy(key, pin.key, 32);
  return TRUE;
}

static gboolean
read_secret(const ClientCommandOptions *options, GUri *uri, WzpRoomSecret *secret, GError **error)
{
  GError *wrong = NULL;
  uint8_t link_key[16];
  const char *fragment = g_uri_get_fragment(uri);
  g_autofree char *room = g_uri_unescape_string(g_uri_get_path(uri) + 1, NULL);
  if (!room || !*room || *room == '@')
    return fail(error, CLIENT_USAGE, "name the room: wzp://host[:port]/room, or --room");
  if (options->room_passphrase_file) {
    char *passphrase = wzp_passphrase_load(options->room_passphrase_file, &wrong);
    const char *problem = passphrase ? wzp_room_passphrase_problem(passphrase) : NULL;
    gboolean good = passphrase && !problem && wzp_room_secret_passphrase(secret, room, passphrase);
    wzp_secret_text_free(passphrase);
    if (wrong)
      return client_command_error(wrong, error);
    return good || fail(error, CLIENT_LOCAL, "the room's passphrase cannot be used: %s",
                        problem ? problem : "it takes 64 MiB of memory");
  }
  if (!fragment) {
    wzp_room_secret_open(secret, room);
  } else if (wzp_hex_read(link_key, sizeof link_key, fragment)) {
    wzp_room_secret_keyed(secret, link_key);
    sodium_memzero(link_key, sizeof link_key);
  } else {
    return fail(error, CLIENT_USAGE,
                "the room's secret behind '#' is 32 hex digits; with #passphrase name the "
                "--room-passphrase-file");
  }
  return TRUE;
}

/* words[1]: a room id itself, or what a call would name. */
static gboolean
find_room_id(const ClientCommandOptions *options, uint8_t room_id[32], GError **error)
{
  WzpRoomSecret secret;
  uint8_t relay_key[32];
  GError *wrong = NULL;
  if (!options->room && wzp_hex_read(room_id, 32, options->words[1]))
    return TRUE;
  g_autofree char *text = client_relay_uri(options->words[1], options->room, error);
  if (!text)
    return FALSE;
  g_autoptr(GUri) uri = g_uri_parse(
      text, G_URI_FLAGS_ENCODED_PATH | G_URI_FLAGS_ENCODED_FRAGMENT | G_URI_FLAGS_NON_DNS, &wrong);
  if (!uri || !g_uri_get_host(uri) || !*g_uri_get_host(uri)) {
    g_clear_error(&wrong); /* it quotes the secret */
    return fail(error, CLIENT_USAGE,
                "name the room as for a call, host[:port] and --room or wzp://host[:port]/room, or "
                "by its id, 64 hex digits");
  }
  const gboolean good =
      find_relay_key(options, uri, relay_key, error) && read_secret(options, uri, &secret, error);
  if (good)
    wzp_room_id(room_id, &secret, relay_key);
  sodium_memzero(&secret, sizeof secret);
  return good;
}

/* --- commands --- */

static gboolean
command_new(const ClientCommandOptions *options, GError **error)
{
  uint8_t room_id[32];
  guint64 version = 1;
  const char *path = options->words[0];
  if (g_file_test(path, G_FILE_TEST_EXISTS) || g_file_test(path, G_FILE_TEST_IS_SYMLINK))
    return fail(error, CLIENT_LOCAL, "%s is there already, and is not written over", path);
  if (options->version && !g_ascii_string_to_unsigned(options->version, 10, 1,
                                                      WZP_ROOM_LIST_VERSION_MAX, &version, NULL))
    return fail(error, CLIENT_USAGE, "--version is a number from 1 up, not '%s'", options->version);
  if (!find_room_id(options, room_id, error))
    return FALSE;
  WzpIdentity *identity = load_identity(options, error);
  if (!identity)
    return FALSE;
  g_autoptr(WzpRoomList) list = wzp_room_list_new(room_id, identity->ed25519_public, version);
  wzp_room_list_add(list, identity->ed25519_public);
  wzp_identity_free(identity);
  return store(options, list, error);
}

/* add and remove: all of them or none. */
static gboolean
change(const ClientCommandOptions *options, bool (*one)(WzpRoomList *, const uint8_t *),
       const char *problem, GError **error)
{
  uint8_t key[32];
  g_autoptr(WzpContacts) contacts = load_contacts(options, error);
  g_autoptr(WzpRoomList) list = contacts ? load(options, error) : NULL;
  if (!list)
    return FALSE;
  for (char **word = options->words + 1; *word; word++) {
    if (!find_key(contacts, list, *word, key, error))
      return FALSE;
    if (!one(list, key))
      return fail(error, CLIENT_CALL_FAILED, "'%s' %s", *word, problem);
  }
  if (!store(options, list, error))
    return FALSE;
  g_printerr("Not signed yet: wzp-client list sign %s\n", options->words[0]);
  return TRUE;
}

static gboolean
command_add(const ClientCommandOptions *options, GError **error)
{
  return change(options, wzp_room_list_add,
                "is on the list already (or the list has all of its 1024 places taken)", error);
}

static gboolean
command_remove(const ClientCommandOptions *options, GError **error)
{
  return change(options, wzp_room_list_remove, "is not on the list", error);
}

static gboolean
command_show(const ClientCommandOptions *options, GError **error)
{
  char room[65];
  g_autoptr(WzpContacts) contacts = load_contacts(options, error);
  g_autoptr(WzpRoomList) list = contacts ? load(options, error) : NULL;
  if (!list)
    return FALSE;
  printf("room    %s\n", sodium_bin2hex(room, sizeof room, wzp_room_list_room_id(list), 32));
  put_person("owner", contacts, wzp_room_list_owner(list));
  printf("version %" G_GUINT64_FORMAT ", %s\n", wzp_room_list_version(list),
         wzp_room_list_is_signed(list) ? "signed" : "a draft, NOT signed");
  for (guint n = 0; wzp_room_list_nth(list, n); n++)
    put_person("member", contacts, wzp_room_list_nth(list, n));
  return client_command_put("", error);
}

static gboolean
command_sign(const ClientCommandOptions *options, GError **error)
{
  g_autoptr(WzpRoomList) list = load(options, error);
  WzpIdentity *identity = list ? load_identity(options, error) : NULL;
  if (!identity)
    return FALSE;
  const gboolean is_owner = wzp_room_list_sign(list, identity);
  wzp_identity_free(identity);
  if (!is_owner)
    return fail(error, CLIENT_SECURITY,
                "this identity is not the owner of the list; who does not own it cannot sign it");
  if (!store(options, list, error))
    return FALSE;
  printf("version %" G_GUINT64_FORMAT " is signed; give the file to all members\n",
         wzp_room_list_version(list));
  return TRUE;
}

static gboolean
command_verify(const ClientCommandOptions *options, GError **error)
{
  uint8_t owner[32], fingerprint[WZP_FINGERPRINT_SIZE], theirs[WZP_FINGERPRINT_SIZE];
  g_autoptr(WzpContacts) contacts = load_contacts(options, error);
  g_autoptr(WzpRoomList) list = contacts ? load(options, error) : NULL;
  if (!list)
    return FALSE;
  wzp_fingerprint(theirs, wzp_room_list_owner(list));
  if (!wzp_fingerprint_parse(fingerprint, options->words[1])) {
    if (!find_key(contacts, list, options->words[1], owner, error))
      return FALSE;
    wzp_fingerprint(fingerprint, owner);
  }
  if (memcmp(theirs, fingerprint, sizeof theirs) != 0)
    return fail(error, CLIENT_SECURITY, "STOP: this is somebody else's list, not the one of '%s'",
                options->words[1]);
  if (!wzp_room_list_is_signed(list))
    return fail(error, CLIENT_SECURITY, "this list is a draft: its owner has not signed it");
  printf("version %" G_GUINT64_FORMAT ", signed by its owner\n", wzp_room_list_version(list));
  return TRUE;
}

const ClientCommand client_list_commands[] = {
    {"new", "FILE RELAY|ROOM-ID", "A draft with yourself, who own it", 2, 2,
     "identity passphrase-file room room-passphrase-file known-relays version", command_new},
    {"add", "FILE WHO...", "Put contacts, or keys, on it", 2, G_MAXUINT, "contacts", command_add},
    {"remove", "FILE WHO...", "Take them off", 2, G_MAXUINT, "contacts", command_remove},
    {"show", "FILE", "Who is on it", 1, 1, "contacts", command_show},
    {"sign", "FILE", "Make it count: the owner's signature", 1, 1, "identity passphrase-file",
     command_sign},
    {"verify", "FILE OWNER", "Whether the owner signed it", 2, 2, "contacts", command_verify},
    {0}};
