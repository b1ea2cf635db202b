/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The file of the contacts: damaged, full, and written by several at once. */
#include "file-fixture.h"
#include "wzp/contacts.h"
#include "wzp/keyfile.h"
#include "test-util.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_A "a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909"
#define NOW 1795537205 /* 2026-11-24T16:20:05Z */
#define LINE_A KEY_A " 2026-11-24T16:20:05Z - no - - Alice\n"

static void
write_text(Files *files, const char *text, gssize length)
{
  g_autofree char *inner = g_path_get_dirname(files->path);
  g_mkdir_with_parents(inner, 0700);
  g_assert_true(g_file_set_contents(files->path, text, length, NULL));
  g_assert_cmpint(g_chmod(files->path, 0600), ==, 0);
}

static void
assert_file(Files *files, const char *expected)
{
  g_autofree char *text = NULL;
  g_assert_true(g_file_get_contents(files->path, &text, NULL, NULL));
  g_assert_cmpstr(text, ==, expected);
}

typedef struct {
  char name[32];
  uint8_t key[32];
} Addition;

static bool
add(WzpContacts *contacts, void *data, GError **error)
{
  const Addition *addition = data;
  return wzp_contacts_add(contacts, addition->name, addition->key, NOW, error);
}

static void
test_file(Files *files, gconstpointer data)
{
  (void)data;
  Addition alice = {.name = "Alice"}, wrong = {.name = "alice", .key = {1}};
  struct stat status;
  GError *error = NULL;
  test_hex(alice.key, 32, KEY_A);
  g_autoptr(WzpContacts) none = wzp_contacts_load(files->path, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(wzp_contacts_count(none), ==, 0);
  g_assert_true(wzp_contacts_update(files->path, add, &alice, &error));
  g_assert_no_error(error);
  assert_file(files, LINE_A);
  g_assert_cmpint(stat(files->path, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
  g_assert_false(wzp_contacts_update(files->path, add, &wrong, &error));
  g_assert_error(error, WZP_CONTACTS_ERROR, WZP_CONTACTS_ERROR_KEY_CHANGED);
  g_clear_error(&error);
  assert_file(files, LINE_A);
}

/* What cannot be read whole is neither taken for empty nor written over. */
static void
test_file_damaged(Files *files, gconstpointer data)
{
  (void)data;
  Addition carol = {.name = "Carol", .key = {3}};
  static const struct {
    const char *text;
    gssize length;
  } damaged[] = {{LINE_A "half a li", -1}, {LINE_A "?\n", -1}, {LINE_A LINE_A, -1}};
  for (unsigned i = 0; i < G_N_ELEMENTS(damaged); i++) {
    GError *error = NULL;
    write_text(files, damaged[i].text, damaged[i].length);
    g_assert_null(wzp_contacts_load(files->path, &error));
    g_assert_error(error, WZP_CONTACTS_ERROR, WZP_CONTACTS_ERROR_CONTENT);
    g_assert_true(g_str_has_prefix(error->message, files->path));
    g_clear_error(&error);
    g_assert_false(wzp_contacts_update(files->path, add, &carol, &error));
    g_assert_error(error, WZP_CONTACTS_ERROR, WZP_CONTACTS_ERROR_CONTENT);
    g_clear_error(&error);
    assert_file(files, damaged[i].text);
  }
  GError *error = NULL;
  write_text(files, LINE_A "\0\n", strlen(LINE_A) + 2); /* what a crashed disk leaves */
  g_assert_false(wzp_contacts_update(files->path, add, &carol, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_CONTENT);
  g_clear_error(&error);
  write_text(files, LINE_A, -1);
  g_assert_cmpint(g_chmod(files->path, 0644), ==, 0);
  g_assert_false(wzp_contacts_update(files->path, add, &carol, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_UNSAFE);
  g_clear_error(&error);
  assert_file(files, LINE_A);
  /* the folder is a file */
  g_autofree char *below = g_build_filename(files->path, "contacts", NULL);
  g_assert_false(wzp_contacts_update(below, add, &carol, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_WRITE);
  g_clear_error(&error);
}

/* The most that is read is also the most that is written. */
static void
test_file_too_large(Files *files, gconstpointer data)
{
  (void)data;
  Addition carol = {.name = "Carol", .key = {3}};
  g_autofree char *text = g_malloc(1024 * 1024 + 1);
  GError *error = NULL;
  memset(text, '#', 1024 * 1024);
  text[1024 * 1024 - 1] = '\n';
  text[1024 * 1024] = '\0';
  write_text(files, text, -1);
  g_assert_false(wzp_contacts_update(files->path, add, &carol, &error));
  g_assert_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_WRITE);
  g_assert_nonnull(strstr(error->message, "more than the 1 MiB"));
  g_clear_error(&error);
  assert_file(files, text);
}

/* A limit on file size does what a full disk does; in another process, because it does not come off. */
static void
test_file_full_disk(Files *files, gconstpointer data)
{
  (void)data;
  Addition carol = {.name = "Carol", .key = {3}};
  write_text(files, LINE_A, -1);
  pid_t child = fork();
  if (child == 0) {
    const struct rlimit limit = {100, 100};
    GError *error = NULL;
    signal(SIGXFSZ, SIG_IGN);
    bool refused = setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                   !wzp_contacts_update(files->path, add, &carol, &error) &&
                   g_error_matches(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_WRITE);
    _exit(refused ? 0 : 1);
  }
  int status;
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_file(files, LINE_A);
}

static gpointer
add_one(gpointer data)
{
  const FilesWriter *writer = data;
  Addition addition = {0};
  GError *error = NULL;
  addition.key[0] = (uint8_t)writer->n;
  g_snprintf(addition.name, sizeof addition.name, "number %u", addition.key[0]);
  g_assert_true(wzp_contacts_update(writer->files->path, add, &addition, &error));
  g_assert_no_error(error);
  return NULL;
}

static void
test_file_together(Files *files, gconstpointer data)
{
  (void)data;
  files_write_together(files, add_one);
  g_autoptr(WzpContacts) contacts = wzp_contacts_load(files->path, NULL);
  g_assert_cmpuint(wzp_contacts_count(contacts), ==, FILES_WRITERS);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
#define ADD(name, function)                                                                        \
  g_test_add("/contacts-file/" name, Files, "contacts", files_set_up, function, files_tear_down)
  ADD("store", test_file);
  ADD("damaged", test_file_damaged);
  ADD("too-large", test_file_too_large);
  ADD("full-disk", test_file_full_disk);
  ADD("together", test_file_together);
  return g_test_run();
}
