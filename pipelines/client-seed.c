/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-seed.h"
#include "client-command.h"
#include "client-terminal.h"
#include "wzp/keyfile.h"
#include "wzp/sealed-key.h"
#include <sodium.h>
#include <string.h>

#define PASSPHRASE_SIZE (WZP_PASSPHRASE_MAX + 1)
#define PASSPHRASE_MIN 8 /* letters; fewer are tried one after the other */

char *
client_seed_default_path(void)
{
  return g_build_filename(g_get_user_config_dir(), "wzp", "identity", NULL);
}

static gboolean
passphrase_from_file(const char *path, char passphrase[PASSPHRASE_SIZE], GError **error)
{
  GError *wrong = NULL;
  char *text = wzp_passphrase_load(path, &wrong);
  if (!text)
    return client_command_error(wrong, error);
  g_strlcpy(passphrase, text, PASSPHRASE_SIZE);
  wzp_secret_text_free(text);
  return TRUE;
}

static gboolean
ask_new(char passphrase[PASSPHRASE_SIZE], GError **error)
{
  char again[PASSPHRASE_SIZE];
  gboolean good = client_terminal_ask_passphrase(
      "A passphrase for the new identity, not shown: ", passphrase, PASSPHRASE_SIZE, error);
  if (good && strlen(passphrase) < PASSPHRASE_MIN) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL,
                "this passphrase is too short: take at least %d letters, better a few words",
                PASSPHRASE_MIN);
    good = FALSE;
  }
  good =
      good && client_terminal_ask_passphrase("The same once more: ", again, PASSPHRASE_SIZE, error);
  if (good && strcmp(passphrase, again) != 0) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "the two passphrases differ; nothing was made");
    good = FALSE;
  }
  sodium_memzero(again, sizeof again);
  return good;
}

gboolean
client_seed_read(const char *path, const char *passphrase_file, uint8_t seed[32], GError **error)
{
  GError *wrong = NULL;
  char passphrase[PASSPHRASE_SIZE] = "";
  if (wzp_keyfile_read(path, seed, &wrong))
    return TRUE;
  if (!g_error_matches(wrong, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_SEALED))
    return client_command_error(wrong, error);
  g_clear_error(&wrong);
  gboolean good = passphrase_file ? passphrase_from_file(passphrase_file, passphrase, error)
                                  : client_terminal_ask_passphrase(
                                        "The passphrase of your identity, not shown: ", passphrase,
                                        PASSPHRASE_SIZE, error);
  if (good && !wzp_sealed_key_read(path, seed, passphrase, &wrong))
    good = client_command_error(wrong, error);
  sodium_memzero(passphrase, sizeof passphrase);
  return good;
}

gboolean
client_seed_create(const char *path, const uint8_t seed[32], gboolean seal,
                   const char *passphrase_file, GError **error)
{
  GError *wrong = NULL;
  char passphrase[PASSPHRASE_SIZE] = "";
  if (!seal)
    return wzp_keyfile_create(path, seed, &wrong) || client_command_error(wrong, error);
  gboolean good = passphrase_file ? passphrase_from_file(passphrase_file, passphrase, error)
                                  : ask_new(passphrase, error);
  if (good) {
    const WzpRandom random = wzp_random_system();
    good = wzp_sealed_key_create(path, seed, passphrase, &random, &wrong) ||
           client_command_error(wrong, error);
  }
  sodium_memzero(passphrase, sizeof passphrase);
  return good;
}
