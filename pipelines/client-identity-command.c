/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-command.h"
#include "client-qr.h"
#include "client-seed.h"
#include "client-terminal.h"
#include "wzp/contacts.h"
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define N_WORDS 24
#define N_ROWS 6 /* of four words */
#define SECRET "the 24 words go"
#define PAGE_TEXT 2048
#define TRIES 3

static gboolean
put_qr(const char *key, GError **error)
{
  g_autofree char *capitals = g_ascii_strup(key, -1);
  g_autofree char *code =
      client_qr_draw(capitals, isatty(STDOUT_FILENO), g_get_charset(NULL), error);
  return code && client_command_put(code, error);
}

static gboolean
put_identity(const uint8_t seed[32], const char *path, gboolean qr, GError **error)
{
  char fingerprint[WZP_FINGERPRINT_TEXT], key[WZP_CONTACT_KEY_TEXT];
  WzpIdentity *identity = wzp_identity_new(seed);
  wzp_fingerprint_format(identity->fingerprint, fingerprint);
  wzp_contact_key_format(key, identity->ed25519_public);
  wzp_identity_free(identity);
  g_autofree char *text =
      g_strdup_printf("fingerprint %s\nkey         %s\nfile        %s\n", fingerprint, key, path);
  return client_command_put(text, error) && (!qr || put_qr(key, error));
}

static gboolean
store(const ClientCommandOptions *options, const uint8_t seed[32], GError **error)
{
  const gboolean seal = options->passphrase || options->passphrase_file;
  return client_seed_create(options->identity, seed, seal, options->passphrase_file, error) &&
         put_identity(seed, options->identity, options->qr, error);
}

/* Before anything is asked or made. */
static gboolean
require_no_file(const ClientCommandOptions *options, GError **error)
{
  if (options->passphrase && options->passphrase_file) {
    g_set_error(error, CLIENT_ERROR, CLIENT_USAGE,
                "--passphrase asks for it and --passphrase-file reads it; choose one");
    return FALSE;
  }
  if (!g_file_test(options->identity, G_FILE_TEST_EXISTS) &&
      !g_file_test(options->identity, G_FILE_TEST_IS_SYMLINK))
    return TRUE;
  g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL,
              "there is an identity in %s already, and it is never written over; name another file "
              "with --identity, or move that one away",
              options->identity);
  return FALSE;
}

static gboolean
command_new(const ClientCommandOptions *options, GError **error)
{
  uint8_t seed[32];
  if (!require_no_file(options, error))
    return FALSE;
  const WzpRandom random = wzp_random_system();
  wzp_random_fill(&random, seed, sizeof seed);
  const gboolean good = store(options, seed, error);
  sodium_memzero(seed, sizeof seed);
  if (good)
    g_printerr(
        "Write its 24 words down now, on paper (wzp-client identity words): without them a lost "
        "file is a lost identity.\n");
  return good;
}

static gboolean
command_show(const ClientCommandOptions *options, GError **error)
{
  uint8_t seed[32];
  const gboolean good =
      client_seed_read(options->identity, options->passphrase_file, seed, error) &&
      put_identity(seed, options->identity, options->qr, error);
  sodium_memzero(seed, sizeof seed);
  return good;
}

/* --- the words --- */

static gboolean
require_terminals(GError **error)
{
  const char *problem = NULL;
  if (!isatty(STDOUT_FILENO))
    problem = "standard output is a pipe or a file";
  else if (!isatty(STDIN_FILENO))
    problem = "standard input is a pipe or a file";
  if (!problem)
    return TRUE;
  g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL,
              SECRET " only from and to a terminal, so that no copy of them is left behind, and %s",
              problem);
  return FALSE;
}

/* In four columns, to be read downwards. */
static void
lay_out(char page[PAGE_TEXT], const char *mnemonic)
{
  const char *starts[N_WORDS];
  int lengths[N_WORDS];
  for (guint i = 0; i < N_WORDS; i++) {
    lengths[i] = (int)strcspn(mnemonic, " ");
    starts[i] = mnemonic;
    mnemonic += lengths[i] + (mnemonic[lengths[i]] == ' ');
  }
  gsize length = g_strlcpy(page,
                           "The 24 words of your identity. Whoever has them is you: on paper "
                           "only, for nobody else.\n\n",
                           PAGE_TEXT);
  for (guint row = 0; row < N_ROWS; row++) {
    for (guint i = row; i < N_WORDS; i += N_ROWS)
      length += (gsize)g_snprintf(page + length, PAGE_TEXT - length, "%4u %-10.*s", i + 1,
                                  lengths[i], starts[i]);
    length += (gsize)g_snprintf(page + length, PAGE_TEXT - length, "\n");
  }
}

static gboolean
show_words(const char *mnemonic, GError **error)
{
  char page[PAGE_TEXT], answer[16];
  ClientTerminal *terminal = client_terminal_open(SECRET, error);
  if (!terminal)
    return FALSE;
  lay_out(page, mnemonic);
  client_terminal_page(terminal);
  gboolean good = client_terminal_write(terminal, page, error);
  sodium_memzero(page, sizeof page);
  good = good && client_terminal_ask(terminal, "\nWritten down? Enter clears the screen: ", FALSE,
                                     answer, sizeof answer, error);
  client_terminal_close(terminal);
  return good;
}

static gboolean
command_words(const ClientCommandOptions *options, GError **error)
{
  uint8_t seed[32];
  char mnemonic[WZP_MNEMONIC_TEXT];
  if (!require_terminals(error) ||
      !client_seed_read(options->identity, options->passphrase_file, seed, error))
    return FALSE;
  wzp_mnemonic_encode(mnemonic, seed);
  const gboolean good = show_words(mnemonic, error);
  sodium_memzero(seed, sizeof seed);
  sodium_memzero(mnemonic, sizeof mnemonic);
  return good;
}

static guint
count_words(const char *text)
{
  guint count = 0;
  for (const char *at = text; *at; at++)
    count += !g_ascii_isspace(*at) && (at == text || g_ascii_isspace(at[-1]));
  return count;
}

/* Over as many lines as the person likes; an empty one ends them. */
static gboolean
ask_words(ClientTerminal *terminal, char *words, gsize size, GError **error)
{
  gsize length = 0;
  *words = '\0';
  while (count_words(words) < N_WORDS) {
    char question[32];
    g_snprintf(question, sizeof question, "word %u: ", count_words(words) + 1);
    if (!client_terminal_ask(terminal, question, TRUE, words + length, size - length, error))
      return FALSE;
    if (!words[length])
      break;
    length += strlen(words + length);
    if (length + 2 < size) {
      words[length++] = ' ';
      words[length] = '\0';
    }
  }
  return TRUE;
}

static gboolean
seed_from_terminal(uint8_t seed[32], GError **error)
{
  char words[2048];
  gboolean good = FALSE;
  GError *wrong = NULL;
  ClientTerminal *terminal = client_terminal_open(SECRET, error);
  if (!terminal)
    return FALSE;
  client_terminal_page(terminal);
  client_terminal_write(
      terminal, "Type the 24 words of the identity, one or more a line, in their order.\n\n", NULL);
  for (guint i = 0; !good && i < TRIES && !wrong; i++) {
    if (!ask_words(terminal, words, sizeof words, &wrong))
      break;
    good = wzp_mnemonic_decode(seed, words, &wrong);
    if (!good && i + 1 < TRIES) {
      g_autofree char *text =
          g_strdup_printf("\nThis is not it: %s. Once more, all of them.\n\n", wrong->message);
      client_terminal_write(terminal, text, NULL);
      g_clear_error(&wrong);
    }
  }
  sodium_memzero(words, sizeof words);
  client_terminal_close(terminal);
  if (wrong)
    client_command_error(wrong, error);
  return good;
}

static gboolean
command_restore(const ClientCommandOptions *options, GError **error)
{
  uint8_t seed[32];
  const gboolean good = require_no_file(options, error) && require_terminals(error) &&
                        seed_from_terminal(seed, error) && store(options, seed, error);
  sodium_memzero(seed, sizeof seed);
  return good;
}

const ClientCommand client_identity_commands[] = {
    {"new", "", "Make one, in a file of its own", 0, 0, "identity passphrase passphrase-file qr",
     command_new},
    {"show", "", "Its fingerprint and key, to give to others", 0, 0, "identity passphrase-file qr",
     command_show},
    {"words", "", "Its 24 words, on the terminal only", 0, 0, "identity passphrase-file",
     command_words},
    {"restore", "", "Make the file again from the 24 words", 0, 0,
     "identity passphrase passphrase-file qr", command_restore},
    {"verify", "NAME FINGERPRINT|KEY|WORDS...", "Say that you checked a contact's key", 2, 4,
     "contacts", client_contacts_verify},
    {0}};
