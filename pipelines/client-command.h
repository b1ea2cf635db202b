/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "client-options.h"

/* wzp-client identity, contacts, list and featherchat: what is done without a call. */

typedef struct {
  char *identity, *contacts; /* paths, the default ones when not given */
  char *passphrase_file;
  gboolean passphrase, qr;
  char *alias, *relay, *room, *call_id;
  char *known_relays, *room_passphrase_file, *version;
  char **words; /* what stands behind the command's name */
} ClientCommandOptions;

typedef struct {
  const char *name, *arguments, *summary;
  guint n_min, n_max;  /* words */
  const char *options; /* long names, separated by spaces */
  gboolean (*run)(const ClientCommandOptions *options, GError **error);
} ClientCommand;

extern const ClientCommand client_identity_commands[]; /* each list ends with a name NULL */
extern const ClientCommand client_contacts_commands[];
extern const ClientCommand client_featherchat_commands[];
extern const ClientCommand client_list_commands[];

/* True when argv asks for one of them; then it is done, with *code. Errors go to standard error. */
gboolean client_command_run(int argc, char **argv, ClientExit *code);

/* Shared by commands: an error of contacts.h or keyfile.h as one with an exit code. */
gboolean client_command_error(GError *wrong, GError **error);
/* To standard output, to the last byte. */
gboolean client_command_put(const char *text, GError **error);
/* Marks as verified what words[0] names, by the rest: fingerprint, key, or the three words of a call. */
gboolean client_contacts_verify(const ClientCommandOptions *options, GError **error);
