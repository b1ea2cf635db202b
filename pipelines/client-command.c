/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-command.h"
#include "client-seed.h"
#include "wzp/contacts.h"
#include "wzp/keyfile.h"
#include "wzp/pins.h"
#include "wzp/room-list.h"
#include <stdio.h>
#include <string.h>

typedef struct {
  const char *name, *summary;
  const ClientCommand *commands;
} Group;

static const Group groups[] = {
    {"identity", "Your identity: make it, show it, keep it safe.", client_identity_commands},
    {"contacts", "The people that you know, and whether you checked their keys.",
     client_contacts_commands},
    {"list", "Lists of who may be in a room, which their owner signs and every client checks.",
     client_list_commands},
    {"featherchat", "Calls of the messenger featherChat, which knows people by the same keys.",
     client_featherchat_commands},
};

static const char exit_codes[] =
    "\n"
    "Exit codes:\n"
    "  0  done\n"
    "  1  not possible: no such contact, or one that is there already\n"
    "  2  wrong usage\n"
    "  3  a file or the terminal is the problem\n"
    "  4  STOP: a key is not the one that it should be\n";

gboolean
client_command_error(GError *wrong, GError **error)
{
  ClientExit code = CLIENT_LOCAL;
  if (wrong->domain == WZP_CONTACTS_ERROR) {
    switch ((WzpContactsError)wrong->code) {
    case WZP_CONTACTS_ERROR_KEY_CHANGED:
    case WZP_CONTACTS_ERROR_MISMATCH:
      code = CLIENT_SECURITY;
      break;
    case WZP_CONTACTS_ERROR_NAME:
      code = CLIENT_USAGE;
      break;
    case WZP_CONTACTS_ERROR_UNKNOWN:
    case WZP_CONTACTS_ERROR_EXISTS:
    case WZP_CONTACTS_ERROR_NOT_VERIFIED:
    case WZP_CONTACTS_ERROR_NO_CALL:
      code = CLIENT_CALL_FAILED;
      break;
    case WZP_CONTACTS_ERROR_CONTENT:
      break;
    }
  }
  if (wrong->domain == WZP_ROOM_LIST_ERROR && wrong->code != WZP_ROOM_LIST_ERROR_CONTENT)
    code = CLIENT_SECURITY;
  g_set_error_literal(error, CLIENT_ERROR, (int)code, wrong->message);
  g_error_free(wrong);
  return FALSE;
}

gboolean
client_command_put(const char *text, GError **error)
{
  if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
    return TRUE;
  g_set_error_literal(error, CLIENT_ERROR, CLIENT_LOCAL, "standard output cannot be written to");
  return FALSE;
}

static void
options_clear(ClientCommandOptions *options)
{
  g_free(options->identity);
  g_free(options->contacts);
  g_free(options->passphrase_file);
  g_free(options->alias);
  g_free(options->relay);
  g_free(options->room);
  g_free(options->call_id);
  g_free(options->known_relays);
  g_free(options->room_passphrase_file);
  g_free(options->version);
  g_strfreev(options->words);
}

static char *
describe(const Group *group)
{
  GString *text = g_string_new("Commands:\n");
  for (const ClientCommand *command = group->commands; command->name; command++) {
    g_autofree char *line = g_strjoin(" ", command->name, command->arguments, NULL);
    g_string_append_printf(text, "  %-38s %s\n", line, command->summary);
    g_auto(GStrv) names = g_strsplit(command->options, " ", -1);
    if (*names)
      g_string_append_printf(text, "  %-38s   ", "");
    for (char **name = names; *name; name++)
      g_string_append_printf(text, "--%s%s", *name, name[1] ? ", " : "\n");
  }
  g_string_append(text, exit_codes);
  return g_string_free(text, FALSE);
}

static const ClientCommand *
find_command(const Group *group, const char *name, GError **error)
{
  for (const ClientCommand *command = group->commands; name && command->name; command++)
    if (g_str_equal(command->name, name))
      return command;
  GString *names = g_string_new(NULL);
  for (const ClientCommand *command = group->commands; command->name; command++)
    g_string_append_printf(names, "%s%s", names->len ? ", " : "", command->name);
  if (name)
    g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "%s has no command '%s'; there are %s",
                group->name, name, names->str);
  else
    g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "%s needs a command: %s", group->name,
                names->str);
  g_string_free(names, TRUE);
  return NULL;
}

static gboolean
takes(const ClientCommand *command, const char *option)
{
  g_auto(GStrv) names = g_strsplit(command->options, " ", -1);
  return g_strv_contains((const char *const *)names, option);
}

/* Those that some command of the group takes stay. */
static void
keep_options(const Group *group, GOptionEntry *entries)
{
  GOptionEntry *kept = entries;
  for (; entries->long_name; entries++) {
    gboolean taken = entries->arg == G_OPTION_ARG_STRING_ARRAY;
    for (const ClientCommand *command = group->commands; command->name; command++)
      taken |= takes(command, entries->long_name);
    if (taken)
      *kept++ = *entries;
  }
  *kept = *entries;
}

/* An option that a command does not have is not passed over: who gave it meant something. */
static gboolean
check_options(const ClientCommand *command, const GOptionEntry *entries, GError **error)
{
  for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
    const gboolean given = entry->arg == G_OPTION_ARG_NONE
                               ? *(const gboolean *)entry->arg_data
                               : *(char *const *)entry->arg_data != NULL;
    if (!given || entry->arg == G_OPTION_ARG_STRING_ARRAY || takes(command, entry->long_name))
      continue;
    g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "%s does not take --%s", command->name,
                entry->long_name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
run(const Group *group, int argc, char **argv, GError **error)
{
  ClientCommandOptions options = {0};
  char **rest = NULL;
  GOptionEntry entries[] = {
      {"identity", 'i', 0, G_OPTION_ARG_FILENAME, &options.identity,
       "Seed file (default: wzp/identity in your configuration)", "FILE"},
      {"passphrase", 'p', 0, G_OPTION_ARG_NONE, &options.passphrase,
       "Seal the new seed file with a passphrase, asked at the terminal", NULL},
      {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.passphrase_file,
       "The passphrase is the first line of a file that only you can read", "FILE"},
      {"qr", 0, 0, G_OPTION_ARG_NONE, &options.qr, "Draw the key as a QR code too", NULL},
      {"contacts", 'c', 0, G_OPTION_ARG_FILENAME, &options.contacts,
       "Contact store (default: wzp/contacts in your configuration)", "FILE"},
      {"alias", 0, 0, G_OPTION_ARG_STRING, &options.alias, "What you call yourself in an offer",
       "NAME"},
      {"relay", 0, 0, G_OPTION_ARG_STRING, &options.relay, "Where the call is", "HOST:PORT"},
      {"room", 0, 0, G_OPTION_ARG_STRING, &options.room, "In which room", "NAME"},
      {"room-passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.room_passphrase_file,
       "The passphrase that closes the room is the first line of this file", "FILE"},
      {"known-relays", 0, 0, G_OPTION_ARG_FILENAME, &options.known_relays,
       "Keys of relays met before (default: wzp/known-relays in your configuration)", "FILE"},
      {"version", 0, 0, G_OPTION_ARG_STRING, &options.version,
       "Of a new list, where members have seen one before (1)", "NUMBER"},
      {"call-id", 0, 0, G_OPTION_ARG_STRING, &options.call_id,
       "Of which call it is (default: of a new one)", "ID"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, "COMMAND [ARGUMENT...]"},
      {0}};
  keep_options(group, entries);
  g_autofree char *description = describe(group);
  GOptionContext *context = g_option_context_new(NULL);
  g_option_context_set_summary(context, group->summary);
  g_option_context_set_description(context, description);
  g_option_context_add_main_entries(context, entries, NULL);
  GError *wrong = NULL;
  const ClientCommand *command = NULL;
  if (g_option_context_parse(context, &argc, &argv, &wrong)) {
    command = find_command(group, rest ? rest[0] : NULL, error);
  } else {
    g_set_error_literal(error, CLIENT_ERROR, CLIENT_USAGE, wrong->message);
    g_error_free(wrong);
  }
  g_option_context_free(context);
  gboolean good = command && check_options(command, entries, error);
  if (good) {
    options.words = g_strdupv(rest + 1);
    const guint n = g_strv_length(options.words);
    good = n >= command->n_min && n <= command->n_max;
    if (!good)
      g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "it is: %s %s %s", group->name, command->name,
                  command->arguments);
  }
  if (good) {
    if (!options.identity)
      options.identity = client_seed_default_path();
    if (!options.contacts)
      options.contacts = wzp_contacts_default_path();
    if (!options.known_relays)
      options.known_relays = wzp_pins_default_path();
    good = command->run(&options, error);
  }
  g_strfreev(rest);
  options_clear(&options);
  return good;
}

gboolean
client_command_run(int argc, char **argv, ClientExit *code)
{
  const Group *group = NULL;
  for (guint i = 0; argc > 1 && i < G_N_ELEMENTS(groups); i++)
    if (g_str_equal(argv[1], groups[i].name))
      group = &groups[i];
  if (!group)
    return FALSE;
  wzp_init();
  g_autofree char *name = g_strconcat("wzp-client ", group->name, NULL);
  g_set_prgname(name);
  /* as if the program were called "wzp-client identity" */
  argv[1] = argv[0];
  GError *error = NULL;
  *code = run(group, argc - 1, argv + 1, &error) ? CLIENT_OK : (ClientExit)error->code;
  if (error) {
    g_printerr("wzp-client: %s%s\n", error->message,
               *code == CLIENT_USAGE ? " (--help shows the commands)" : "");
    g_error_free(error);
  }
  return TRUE;
}
