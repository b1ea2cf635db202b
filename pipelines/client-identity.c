/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-identity.h"
#include "client-options.h"
#include "client-seed.h"
#include "wzp/keyfile.h"
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

struct ClientIdentity {
  char *folder, *file;
};

static gboolean
read_seed(const char *path, uint8_t seed[32], GError **error)
{
  GError *wrong = NULL;
  char *words = NULL;
  gboolean good = wzp_private_text_read(path, &words, &wrong);
  if (good && !words) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "there is no file '%s' with the 24 words", path);
    return FALSE;
  }
  good = good && wzp_mnemonic_decode(seed, words, &wrong);
  if (words) {
    sodium_memzero(words, strlen(words));
    g_free(words);
  }
  if (!good) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "--mnemonic-file %s: %s", path, wrong->message);
    g_error_free(wrong);
  }
  return good;
}

static char *
make_folder(void)
{
  const char *const places[] = {g_getenv("XDG_RUNTIME_DIR"), "/dev/shm", g_get_tmp_dir()};
  for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
    if (!places[i])
      continue;
    char *folder = g_build_filename(places[i], "wzp-client-XXXXXX", NULL);
    if (g_mkdtemp(folder)) /* 0700 */
      return folder;
    g_free(folder);
  }
  return NULL;
}

static ClientIdentity *
keep_seed(const uint8_t seed[32], GError **error)
{
  ClientIdentity *identity = g_new0(ClientIdentity, 1);
  GError *wrong = NULL;
  identity->folder = make_folder();
  if (identity->folder)
    identity->file = g_build_filename(identity->folder, "identity", NULL);
  if (!identity->file || !wzp_keyfile_create(identity->file, seed, &wrong)) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "no private place for the identity: %s",
                wrong ? wrong->message : "no temporary folder can be made");
    g_clear_error(&wrong);
    g_clear_pointer(&identity, client_identity_free);
  }
  return identity;
}

ClientIdentity *
client_identity_from_words(const char *path, GError **error)
{
  uint8_t seed[32];
  ClientIdentity *identity = read_seed(path, seed, error) ? keep_seed(seed, error) : NULL;
  sodium_memzero(seed, sizeof seed);
  return identity;
}

gboolean
client_identity_unseal(const char *path, const char *passphrase_file, ClientIdentity **identity,
                       GError **error)
{
  uint8_t seed[32];
  GError *problem = NULL;
  *identity = NULL;
  wzp_keyfile_read(path, seed, &problem);
  const gboolean sealed = g_error_matches(problem, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_SEALED);
  g_clear_error(&problem);
  if (sealed && client_seed_read(path, passphrase_file, seed, error))
    *identity = keep_seed(seed, error);
  sodium_memzero(seed, sizeof seed);
  return !sealed || *identity;
}

const char *
client_identity_seed_file(const ClientIdentity *identity)
{
  return identity->file;
}

void
client_identity_free(ClientIdentity *identity)
{
  if (!identity)
    return;
  if (identity->file)
    g_unlink(identity->file);
  if (identity->folder)
    g_rmdir(identity->folder);
  g_free(identity->file);
  g_free(identity->folder);
  g_free(identity);
}
