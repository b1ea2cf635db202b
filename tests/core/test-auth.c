/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/auth.h"
#include "wzp/keyfile.h"
#include "wzp/signal.h"
#include <glib/gstdio.h>

static WzpResult
parse(WzpAuth *auth, const void *body, size_t length)
{
  return wzp_auth_parse(auth, body, length);
}

static void
test_message(void)
{
  uint8_t message[64];
  WzpWriter writer;
  WzpAuth auth;

  wzp_writer_init(&writer, message, sizeof message);
  wzp_auth_write(&writer, "abc.def", "\x02join", 5);
  g_assert_false(writer.failed);
  g_assert_cmpmem(message, writer.length,
                  "\x05\x00\x07"
                  "abc.def\x02join",
                  15);
  g_assert_cmpint(parse(&auth, message + 1, writer.length - 1), ==, WZP_OK);
  g_assert_cmpmem(auth.token, auth.token_length, "abc.def", 7);
  g_assert_cmpmem(auth.message, auth.message_length, "\x02join", 5);

  /* the token alone */
  g_assert_cmpint(parse(&auth, "\x00\x01x", 3), ==, WZP_OK);
  g_assert_cmpuint(auth.message_length, ==, 0);

  for (size_t length = 0; length < 1 + 2 + 7 - 1; length++)
    g_assert_cmpint(parse(&auth, message + 1, length), ==, WZP_TRUNCATED);
  g_assert_cmpint(parse(&auth, "\x00\x00\x02", 3), ==, WZP_MALFORMED);
  g_assert_cmpint(parse(&auth, "\x00\x02x y", 5), ==, WZP_MALFORMED);
  g_assert_cmpint(parse(&auth, "\x00\x02x\n", 4), ==, WZP_MALFORMED);
  g_assert_cmpint(parse(&auth, "\x00\x02\xc3\xa9", 4), ==, WZP_MALFORMED);
  /* one AUTH in another */
  g_assert_cmpint(parse(&auth, "\x00\x01x\x05\x00\x01x", 7), ==, WZP_MALFORMED);
}

static void
test_lengths(void)
{
  g_autofree char *token = g_strnfill(WZP_TOKEN_MAX + 1, 'x');
  g_assert_true(wzp_token_is_valid(token, WZP_TOKEN_MAX));
  g_assert_false(wzp_token_is_valid(token, WZP_TOKEN_MAX + 1));
  g_assert_false(wzp_token_is_valid(token, 0));
  /* the longest one fits into a control message, JOIN and all */
  g_assert_cmpuint(WZP_AUTH_OVERHEAD + WZP_TOKEN_MAX + 1024, <, WZP_CONTROL_MESSAGE_MAX);
}

static void
assert_load(const char *path, const char *content, int mode, const char *token, const char *problem)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(g_file_set_contents_full(path, content, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_assert_cmpint(g_chmod(path, mode), ==, 0);
  char *loaded = wzp_token_load(path, &error);
  g_assert_cmpstr(loaded, ==, token);
  if (problem == NULL)
    g_assert_no_error(error);
  else if (strstr(error->message, problem) == NULL)
    g_error("\"%s\" does not say \"%s\"", error->message, problem);
  /* the token itself is not in what may be shown */
  if (error != NULL)
    g_assert_null(strstr(error->message, "secret"));
  wzp_token_free(loaded);
  g_assert_cmpint(g_unlink(path), ==, 0);
}

static void
test_load(void)
{
  g_autofree char *folder = g_dir_make_tmp("wzp-token-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "token", NULL);
  g_autofree char *longest = g_strnfill(WZP_TOKEN_MAX, 's');
  g_autofree char *too_long = g_strnfill(WZP_TOKEN_MAX + 1, 's');
  g_autoptr(GError) error = NULL;

  assert_load(path, "secret", 0600, "secret", NULL);
  assert_load(path, "secret\n", 0400, "secret", NULL);
  assert_load(path, "secret\r\n", 0600, "secret", NULL);
  assert_load(path, longest, 0600, longest, NULL);
  assert_load(path, too_long, 0600, NULL, "this is no token");
  assert_load(path, "secret\nsecret\n", 0600, NULL, "this is no token");
  assert_load(path, "", 0600, NULL, "this is no token");
  assert_load(path, "\n", 0600, NULL, "this is no token");
  assert_load(path, "secret\n", 0644, NULL, "chmod 600");
  g_assert_null(wzp_token_load(path, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_MISSING);
  g_assert_nonnull(strstr(error->message, path));
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/auth/message", test_message);
  g_test_add_func("/auth/lengths", test_lengths);
  g_test_add_func("/auth/load", test_load);
  return g_test_run();
}
