/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/keyfile.h"
#include "test-util.h"
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char key_text[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

typedef struct {
  char *folder, *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
  (void)data;
  fixture->folder = g_dir_make_tmp("wzp-keyfile-XXXXXX", NULL);
  g_assert_nonnull(fixture->folder);
  fixture->path = g_build_filename(fixture->folder, "key", NULL);
}

static void
remove_all(const char *path)
{
  if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(folder)) != NULL) {
      char *inside = g_build_filename(path, name, NULL);
      remove_all(inside);
      g_free(inside);
    }
    g_dir_close(folder);
  }
  g_remove(path);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  (void)data;
  remove_all(fixture->folder);
  g_free(fixture->folder);
  g_free(fixture->path);
}

static void
write_file(const char *path, const char *text, gssize length, int mode)
{
  GError *error = NULL;
  g_file_set_contents(path, text, length, &error);
  g_assert_no_error(error);
  g_assert_cmpint(g_chmod(path, mode), ==, 0);
}

static unsigned
count_files(const char *path)
{
  GDir *folder = g_dir_open(path, 0, NULL);
  unsigned count = 0;
  while (g_dir_read_name(folder) != NULL)
    count++;
  g_dir_close(folder);
  return count;
}

/* The message names the file and says what is wrong; nothing of a secret stays behind. */
static void
check_message(const char *path, GError *error, WzpKeyfileError code, const char *part)
{
  g_assert_error(error, WZP_KEYFILE_ERROR, (int)code);
  if (!g_str_has_prefix(error->message, path) || strstr(error->message, part) == NULL)
    g_error("\"%s\" does not name %s and say \"%s\"", error->message, path, part);
  g_error_free(error);
}

static void
check_refused(const char *path, WzpKeyfileError code, const char *part)
{
  uint8_t secret[32];
  GError *error = NULL;
  memset(secret, 0xee, sizeof secret);
  g_assert_false(wzp_keyfile_read(path, secret, &error));
  g_assert_true(sodium_is_zero(secret, sizeof secret));
  check_message(path, error, code, part);
}

static void
test_good(Fixture *fixture, gconstpointer data)
{
  static const int modes[] = {0600, 0400};
  (void)data;
  for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
    uint8_t secret[32];
    GError *error = NULL;
    write_file(fixture->path, key_text, -1, modes[i]);
    g_assert_true(wzp_keyfile_read(fixture->path, secret, &error));
    g_assert_no_error(error);
    assert_hex(secret, 32, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  }
}

static void
test_modes(Fixture *fixture, gconstpointer data)
{
  static const struct {
    int mode;
    const char *part;
  } cases[] = {{0644, "has mode 0644; only its owner may read it: chmod 600"},
               {0640, "mode 0640"},
               {0604, "mode 0604"},
               {0610, "mode 0610"},
               {0602, "mode 0602"},
               {0700, "mode 0700"},
               {0777, "mode 0777"},
               {04600, "mode 4600"}};
  (void)data;
  write_file(fixture->path, key_text, -1, 0600);
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_assert_cmpint(g_chmod(fixture->path, cases[i].mode), ==, 0);
    check_refused(fixture->path, WZP_KEYFILE_ERROR_UNSAFE, cases[i].part);
  }
}

static void
test_links(Fixture *fixture, gconstpointer data)
{
  char *other = g_build_filename(fixture->folder, "other", NULL);
  (void)data;

  write_file(fixture->path, key_text, -1, 0600);
  g_assert_cmpint(symlink(fixture->path, other), ==, 0);
  check_refused(other, WZP_KEYFILE_ERROR_UNSAFE, "this is a symbolic link; name the file itself");
  g_assert_cmpint(g_unlink(other), ==, 0);

  g_assert_cmpint(symlink("nowhere", other), ==, 0);
  check_refused(other, WZP_KEYFILE_ERROR_UNSAFE, "symbolic link");
  g_assert_cmpint(g_unlink(other), ==, 0);

  g_assert_cmpint(link(fixture->path, other), ==, 0);
  check_refused(other, WZP_KEYFILE_ERROR_UNSAFE, "has 2 hard links; it must have one");
  check_refused(fixture->path, WZP_KEYFILE_ERROR_UNSAFE, "has 2 hard links");
  g_free(other);
}

static void
test_not_a_file(Fixture *fixture, gconstpointer data)
{
  (void)data;
  check_refused(fixture->path, WZP_KEYFILE_ERROR_MISSING, "there is no such file");
  check_refused(fixture->folder, WZP_KEYFILE_ERROR_UNSAFE,
                "this is a directory; it must be a regular file");
  /* a pipe that nobody writes to: refused at once, not waited for */
  g_assert_cmpint(mkfifo(fixture->path, 0600), ==, 0);
  check_refused(fixture->path, WZP_KEYFILE_ERROR_UNSAFE, "must be a regular file");

  char *below = g_build_filename(fixture->path, "below", NULL);
  check_refused(below, WZP_KEYFILE_ERROR_UNSAFE, "cannot be opened for reading");
  g_free(below);
}

static void
test_owner(Fixture *fixture, gconstpointer data)
{
  (void)data;
  if (geteuid() != 0) {
    g_test_skip("only root can give a file away");
    return;
  }
  write_file(fixture->path, key_text, -1, 0600);
  g_assert_cmpint(chown(fixture->path, 65534, (gid_t)-1), ==, 0);
  check_refused(fixture->path, WZP_KEYFILE_ERROR_UNSAFE,
                "belongs to user 65534; it must belong to you (user 0)");
}

static void
test_content(Fixture *fixture, gconstpointer data)
{
  char text[80];
  (void)data;

  write_file(fixture->path, "", 0, 0600);
  check_refused(fixture->path, WZP_KEYFILE_ERROR_CONTENT, "too short");
  write_file(fixture->path, key_text, 64, 0600); /* no newline */
  check_refused(fixture->path, WZP_KEYFILE_ERROR_CONTENT,
                "too short; a key file is 64 hex digits (32 bytes) and a newline");
  g_snprintf(text, sizeof text, "%s\n", key_text);
  write_file(fixture->path, text, -1, 0600);
  check_refused(fixture->path, WZP_KEYFILE_ERROR_CONTENT, "too long");

  static const char wrong[] = {'g', ' ', ':', '\0', '\n', '-', '\x80'};
  for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
    for (unsigned at = 0; at < 64; at += 21) {
      memcpy(text, key_text, sizeof key_text);
      text[at] = wrong[i];
      write_file(fixture->path, text, 65, 0600);
      check_refused(fixture->path, WZP_KEYFILE_ERROR_CONTENT, "something else than hex digits");
    }
  }
  memcpy(text, key_text, sizeof key_text);
  text[64] = ' ';
  write_file(fixture->path, text, 65, 0600);
  check_refused(fixture->path, WZP_KEYFILE_ERROR_CONTENT, "something else");
}

static void
test_create(Fixture *fixture, gconstpointer data)
{
  char *folder = g_build_filename(fixture->folder, "made", "here", NULL);
  char *path = g_build_filename(folder, "identity", NULL);
  uint8_t secret[32], read_back[32];
  GError *error = NULL;
  struct stat status;
  TestRandom random;
  (void)data;
  test_random_init(&random);
  test_random_bytes(&random, secret, sizeof secret);

  g_assert_true(wzp_keyfile_create(path, secret, &error));
  g_assert_no_error(error);
  g_assert_cmpint(stat(path, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
  g_assert_cmpuint(status.st_nlink, ==, 1);
  g_assert_cmpuint(status.st_size, ==, 65);
  g_assert_cmpint(stat(folder, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 07777, ==, 0700);
  g_assert_true(wzp_keyfile_read(path, read_back, &error));
  g_assert_cmpmem(read_back, 32, secret, 32);

  /* never replaced, and nothing left lying about */
  uint8_t other[32] = {1};
  g_assert_false(wzp_keyfile_create(path, other, &error));
  check_message(path, error, WZP_KEYFILE_ERROR_WRITE, "exists already and is not replaced");
  error = NULL;
  g_assert_true(wzp_keyfile_read(path, read_back, &error));
  g_assert_cmpmem(read_back, 32, secret, 32);
  g_assert_cmpuint(count_files(folder), ==, 1);

  /* not even a link that leads nowhere */
  char *link_path = g_build_filename(folder, "link", NULL);
  g_assert_cmpint(symlink("elsewhere", link_path), ==, 0);
  g_assert_false(wzp_keyfile_create(link_path, secret, &error));
  check_message(link_path, error, WZP_KEYFILE_ERROR_WRITE, "exists already");
  error = NULL;
  g_assert_cmpuint(count_files(folder), ==, 2);

  /* a file where the folder should be */
  char *below = g_build_filename(path, "below", NULL);
  g_assert_false(wzp_keyfile_create(below, secret, &error));
  check_message(below, error, WZP_KEYFILE_ERROR_WRITE, "its folder cannot be made");
  g_free(below);
  g_free(link_path);
  g_free(path);
  g_free(folder);
}

static void
test_umask_cannot_spoil_it(Fixture *fixture, gconstpointer data)
{
  uint8_t secret[32] = {9}, read_back[32];
  GError *error = NULL;
  (void)data;

  mode_t before = umask(0777);
  bool created = wzp_keyfile_create(fixture->path, secret, &error);
  umask(before);
  g_assert_no_error(error);
  g_assert_true(created);
  g_assert_true(wzp_keyfile_read(fixture->path, read_back, &error));
  g_assert_cmpmem(read_back, 32, secret, 32);
}

static void
test_load(Fixture *fixture, gconstpointer data)
{
  GError *error = NULL;
  TestRandom random;
  (void)data;
  test_random_init(&random);

  g_assert_null(wzp_identity_load(fixture->path, NULL, &error));
  check_message(fixture->path, error, WZP_KEYFILE_ERROR_MISSING, "there is no such file");
  error = NULL;

  WzpIdentity *made = wzp_identity_load(fixture->path, &random.random, &error);
  g_assert_no_error(error);
  WzpIdentity *loaded = wzp_identity_load(fixture->path, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpmem(made->seed, 32, loaded->seed, 32);
  wzp_identity_free(loaded);
  loaded = wzp_identity_load(fixture->path, &random.random, &error);
  g_assert_no_error(error);
  g_assert_cmpmem(made->fingerprint, WZP_FINGERPRINT_SIZE, loaded->fingerprint,
                  WZP_FINGERPRINT_SIZE);
  wzp_identity_free(loaded);
  wzp_identity_free(made);

  /* an unsafe file is refused, not replaced by a new identity */
  g_assert_cmpint(g_chmod(fixture->path, 0644), ==, 0);
  g_assert_null(wzp_identity_load(fixture->path, &random.random, &error));
  check_message(fixture->path, error, WZP_KEYFILE_ERROR_UNSAFE, "mode 0644");
}

static void
test_private_text(Fixture *fixture, gconstpointer data)
{
  char *text = (char *)"x";
  GError *error = NULL;
  struct stat status;
  (void)data;

  g_assert_true(wzp_private_text_read(fixture->path, &text, &error));
  g_assert_no_error(error);
  g_assert_null(text);

  g_assert_true(wzp_private_text_write(fixture->path, "[relay]\nkey=1\n", &error));
  g_assert_no_error(error);
  g_assert_true(wzp_private_text_write(fixture->path, "[relay]\nkey=2\n", &error));
  g_assert_no_error(error);
  g_assert_true(wzp_private_text_read(fixture->path, &text, &error));
  g_assert_cmpstr(text, ==, "[relay]\nkey=2\n");
  g_free(text);
  g_assert_cmpint(stat(fixture->path, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
  g_assert_cmpuint(count_files(fixture->folder), ==, 1);

  g_assert_true(wzp_private_text_write(fixture->path, "", &error));
  g_assert_true(wzp_private_text_read(fixture->path, &text, &error));
  g_assert_cmpstr(text, ==, "");
  g_free(text);

  /* somebody else could have written it: neither read nor replaced */
  g_assert_cmpint(g_chmod(fixture->path, 0666), ==, 0);
  g_assert_false(wzp_private_text_read(fixture->path, &text, &error));
  g_assert_null(text);
  check_message(fixture->path, error, WZP_KEYFILE_ERROR_UNSAFE, "mode 0666");
  error = NULL;
  g_assert_false(wzp_private_text_write(fixture->path, "new", &error));
  check_message(fixture->path, error, WZP_KEYFILE_ERROR_UNSAFE, "mode 0666");
  error = NULL;

  write_file(fixture->path, "a\0b", 3, 0600);
  g_assert_false(wzp_private_text_read(fixture->path, &text, &error));
  check_message(fixture->path, error, WZP_KEYFILE_ERROR_CONTENT, "zero byte");
  error = NULL;

  char *large = g_malloc(1024 * 1024 + 1);
  memset(large, 'x', 1024 * 1024 + 1);
  write_file(fixture->path, large, 1024 * 1024, 0600);
  g_assert_true(wzp_private_text_read(fixture->path, &text, &error));
  g_assert_cmpuint(strlen(text), ==, 1024 * 1024);
  g_free(text);
  write_file(fixture->path, large, 1024 * 1024 + 1, 0600);
  g_assert_false(wzp_private_text_read(fixture->path, &text, &error));
  check_message(fixture->path, error, WZP_KEYFILE_ERROR_CONTENT, "at most 1 MiB");
  g_free(large);
}

/* Any 32 bytes survive; upper case is hex too. */
static void
test_parse_round_trip(void)
{
  TestRandom random;
  test_random_init(&random);
  for (unsigned round = 0; round < 100000; round++) {
    uint8_t in[32], out[32];
    test_random_bytes(&random, in, sizeof in);
    char *hex = test_to_hex(in, sizeof in);
    if (test_random_below(&random, 2) == 0) {
      for (char *digit = hex; *digit != '\0'; digit++)
        *digit = g_ascii_toupper(*digit);
    }
    hex[64] = '\n'; /* in the place of the NUL */
    g_assert_true(wzp_keyfile_parse(out, hex, 65));
    g_assert_cmpmem(out, 32, in, 32);
    g_assert_false(wzp_keyfile_parse(out, hex, test_random_below(&random, 65)));
    g_assert_true(sodium_is_zero(out, 32));
    g_free(hex);
  }
}

#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  ADD("/keyfile/good", test_good);
  ADD("/keyfile/refused/modes", test_modes);
  ADD("/keyfile/refused/links", test_links);
  ADD("/keyfile/refused/not-a-file", test_not_a_file);
  ADD("/keyfile/refused/owner", test_owner);
  ADD("/keyfile/refused/content", test_content);
  ADD("/keyfile/create", test_create);
  ADD("/keyfile/create/umask", test_umask_cannot_spoil_it);
  ADD("/keyfile/load", test_load);
  ADD("/keyfile/private-text", test_private_text);
  g_test_add_func("/keyfile/parse/round-trip", test_parse_round_trip);
  return g_test_run();
}
