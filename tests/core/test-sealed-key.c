/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/sealed-key.h"
#include "test-util.h"
#include <glib/gstdio.h>
#include <sys/stat.h>

/* Computed by the program argon2 and Python's cryptography. */
#define HEAD(passes, memory)                                                                       \
  "wzp-sealed-key 1 argon2id " passes " " memory " 73616c74206f66203136206279746573 "              \
  "000102030405060708090a0b0c0d0e0f1011121314151617 "
#define BOX_1                                                                                      \
  "7ea8d25d3bb30077665c2a6048fa6d3ffd0f79f091f1e23e95baee9f12101701c9a43259be6803504d1ef34cab398a" \
  "34"
#define BOX_2                                                                                      \
  "e36e8424715c9a43c169b88544c35b8fcb6c319673c8e882e2b1b46d746ad03e0a783ff8c7cedb5336cba523eade21" \
  "1c"
static const char line_1[] = HEAD("1", "8192") BOX_1 "\n";
static const char line_2[] = HEAD("3", "65536") BOX_2 "\n";
#define PASSPHRASE "correct horse"

static WzpSealedKey
parse(const char *line)
{
  WzpSealedKey sealed;
  g_assert_true(wzp_sealed_key_parse(&sealed, line, strlen(line)));
  return sealed;
}

static void
test_vectors(void)
{
  static const char *const lines[] = {line_1, line_2};
  for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
    WzpSealedKey sealed = parse(lines[i]);
    uint8_t secret[32], expected[32];
    char text[WZP_SEALED_KEY_TEXT];
    memset(expected, 0x42, sizeof expected);
    wzp_sealed_key_format(&sealed, text);
    g_assert_cmpstr(text, ==, lines[i]);
    g_assert_true(wzp_sealed_key_open(&sealed, secret, PASSPHRASE));
    g_assert_cmpmem(secret, 32, expected, 32);
  }
}

static void
test_seal(void)
{
  TestRandom random;
  WzpSealedKey sealed = {.passes = 1, .memory_kib = 8192}, other = sealed;
  uint8_t secret[32], opened[32];
  test_random_init(&random);
  test_random_bytes(&random, secret, sizeof secret);
  g_assert_false(wzp_sealed_key_seal(&sealed, secret, "", &random.random));
  g_assert_true(wzp_sealed_key_seal(&sealed, secret, "a", &random.random));
  g_assert_true(wzp_sealed_key_seal(&other, secret, "a", &random.random));
  /* nothing repeats */
  g_assert_cmpint(memcmp(sealed.salt, other.salt, sizeof sealed.salt), !=, 0);
  g_assert_cmpint(memcmp(sealed.nonce, other.nonce, sizeof sealed.nonce), !=, 0);
  g_assert_cmpint(memcmp(sealed.box, other.box, sizeof sealed.box), !=, 0);
  g_assert_true(wzp_sealed_key_open(&sealed, opened, "a"));
  g_assert_cmpmem(opened, 32, secret, 32);
  static const char *const wrong[] = {"", "A", "a ", "b"};
  for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
    memset(opened, 0xee, sizeof opened);
    g_assert_false(wzp_sealed_key_open(&sealed, opened, wrong[i]));
    g_assert_true(sodium_is_zero(opened, sizeof opened));
  }
}

/* Every digit of the line is authenticated: changed, it is either no sealed key or does not open. */
static void
test_changed(void)
{
  uint8_t opened[32];
  for (size_t at = 0; at < strlen(line_1); at++) {
    char text[sizeof line_1];
    WzpSealedKey sealed;
    memcpy(text, line_1, sizeof line_1);
    text[at] ^= 1;
    if (wzp_sealed_key_parse(&sealed, text, strlen(text)) && at % 29 == 0) /* it takes time */
      g_assert_false(wzp_sealed_key_open(&sealed, opened, PASSPHRASE));
  }
}

static void
test_refused(void)
{
  static const char *const wrong[] = {
      "",
      "\n",
      HEAD("1", "8192") BOX_1,         /* no newline */
      HEAD("1", "8192") BOX_1 "\n\n",  /* too many */
      HEAD("1", "8192") BOX_1 " \n",   /* a word more */
      HEAD("1", "8192") BOX_1 "0\n",   /* an odd digit */
      HEAD("1", "8192") BOX_1 "00\n",  /* a byte more */
      HEAD("01", "8192") BOX_1 "\n",   /* written in another way */
      HEAD("0", "8192") BOX_1 "\n",    /* no pass at all */
      HEAD("17", "8192") BOX_1 "\n",   /* hours */
      HEAD("1", "8191") BOX_1 "\n",    /* too easy */
      HEAD("1", "1048577") BOX_1 "\n", /* more memory than a machine shall give */
      HEAD("1", "99999999999") BOX_1 "\n",
      HEAD("-1", "8192") BOX_1 "\n",
      " " HEAD("1", "8192") BOX_1 "\n",
      HEAD("1", "8192") "\n",
  };
  WzpSealedKey sealed;
  for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
    g_assert_false(wzp_sealed_key_parse(&sealed, wrong[i], strlen(wrong[i])));
  for (size_t length = 0; length < strlen(line_1); length++)
    g_assert_false(wzp_sealed_key_parse(&sealed, line_1, length));
  char upper[sizeof line_1], zero[sizeof line_1];
  for (size_t i = 0; i < sizeof line_1; i++)
    upper[i] = g_ascii_toupper(line_1[i]);
  g_assert_false(wzp_sealed_key_parse(&sealed, upper, strlen(line_1)));
  memcpy(zero, line_1, sizeof zero);
  zero[60] = '\0';
  g_assert_false(wzp_sealed_key_parse(&sealed, zero, strlen(line_1)));
}

static void
test_file(void)
{
  g_autofree char *folder = g_dir_make_tmp("wzp-sealed-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "identity", NULL);
  uint8_t secret[32], opened[32];
  TestRandom random;
  struct stat status;
  GError *error = NULL;
  test_random_init(&random);
  test_random_bytes(&random, secret, sizeof secret);

  g_assert_false(wzp_sealed_key_read(path, opened, "a", &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_MISSING);
  g_clear_error(&error);
  g_assert_false(wzp_sealed_key_create(path, secret, "", &random.random, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_PASSPHRASE);
  g_clear_error(&error);
  g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

  g_assert_true(wzp_sealed_key_create(path, secret, PASSPHRASE, &random.random, &error));
  g_assert_no_error(error);
  g_assert_cmpint(stat(path, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
  g_assert_true(wzp_sealed_key_read(path, opened, PASSPHRASE, &error));
  g_assert_cmpmem(opened, 32, secret, 32);
  /* never over another */
  g_assert_false(wzp_sealed_key_create(path, opened, "other", &random.random, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_WRITE);
  g_clear_error(&error);

  g_assert_false(wzp_sealed_key_read(path, opened, "other", &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_PASSPHRASE);
  g_assert_nonnull(strstr(error->message, path));
  g_assert_true(sodium_is_zero(opened, sizeof opened));
  g_clear_error(&error);

  /* who reads it as a bare key file is told what it is, and makes no new identity in its place */
  g_assert_false(wzp_keyfile_read(path, opened, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_SEALED);
  g_clear_error(&error);
  g_assert_null(wzp_identity_load(path, &random.random, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_SEALED);
  g_clear_error(&error);

  g_assert_cmpint(g_chmod(path, 0644), ==, 0);
  g_assert_false(wzp_sealed_key_read(path, opened, PASSPHRASE, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_UNSAFE);
  g_clear_error(&error);
  g_assert_true(g_file_set_contents(path, line_1, 100, NULL));
  g_assert_cmpint(g_chmod(path, 0600), ==, 0);
  g_assert_false(wzp_sealed_key_read(path, opened, PASSPHRASE, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_CONTENT);
  g_clear_error(&error);
  g_unlink(path);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/sealed-key/vectors", test_vectors);
  g_test_add_func("/sealed-key/seal", test_seal);
  g_test_add_func("/sealed-key/changed", test_changed);
  g_test_add_func("/sealed-key/refused", test_refused);
  g_test_add_func("/sealed-key/file", test_file);
  return g_test_run();
}
