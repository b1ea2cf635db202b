/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The file of known relays. */
#include "file-fixture.h"
#include "wzp/pins.h"
#include "wzp/random.h"
#include <string.h>
#include <sys/stat.h>

static void
expect(Files *files, const char *place, int key_byte)
{
  uint8_t expected[32];
  WzpPin pin;
  bool found;
  g_autoptr(GError) error = NULL;
  g_assert_true(wzp_pins_lookup(files->path, place, &pin, &found, &error));
  g_assert_no_error(error);
  g_assert_true(found == (key_byte >= 0));
  if (found) {
    memset(expected, key_byte, sizeof expected);
    g_assert_cmpmem(pin.key, 32, expected, 32);
    g_assert_false(pin.first_use);
  }
}

static void
store(Files *files, const char *place, uint8_t key_byte)
{
  WzpPin pin = {.first_use = false};
  g_autoptr(GError) error = NULL;
  memset(pin.key, key_byte, sizeof pin.key);
  g_assert_true(wzp_pins_store(files->path, place, &pin, &error));
  g_assert_no_error(error);
}

static void
test_store(Files *files, gconstpointer data)
{
  (void)data;
  struct stat status;
  expect(files, "a:1", -1);
  store(files, "a:1", 0x11);
  store(files, "[::1]:4433", 0x22);
  expect(files, "a:1", 0x11);
  expect(files, "[::1]:4433", 0x22);
  expect(files, "a:11", -1);
  store(files, "a:1", 0x33);
  expect(files, "a:1", 0x33);
  expect(files, "[::1]:4433", 0x22);
  g_assert_cmpint(stat(files->path, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
}

static void
write_text(Files *files, const char *text)
{
  g_autofree char *inner = g_path_get_dirname(files->path);
  g_mkdir_with_parents(inner, 0700);
  g_assert_true(g_file_set_contents(files->path, text, -1, NULL));
  g_assert_cmpint(g_chmod(files->path, 0600), ==, 0);
}

#define KEY_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_2 "2222222222222222222222222222222222222222222222222222222222222222"

static void
test_comments(Files *files, gconstpointer data)
{
  (void)data;
  g_autofree char *text = NULL;
  write_text(files, "# mine\n\na:1 " KEY_1 "\n");
  expect(files, "a:1", 0x11);
  store(files, "b:2", 0x22);
  g_assert_true(g_file_get_contents(files->path, &text, NULL, NULL));
  g_assert_cmpstr(text, ==, "# mine\n\na:1 " KEY_1 "\nb:2 " KEY_2 "\n");
}

/* What was taken as it came stays marked until somebody says that it is right. */
static void
test_first_use(Files *files, gconstpointer data)
{
  (void)data;
  WzpPin pin = {.first_use = true};
  bool found;
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  memset(pin.key, 0x11, sizeof pin.key);
  g_assert_true(wzp_pins_store(files->path, "a:1", &pin, &error));
  g_assert_true(g_file_get_contents(files->path, &text, NULL, NULL));
  g_assert_cmpstr(text, ==, "a:1 " KEY_1 " first-use\n");
  pin.first_use = false;
  g_assert_true(wzp_pins_lookup(files->path, "a:1", &pin, &found, &error));
  g_assert_true(found && pin.first_use);
  store(files, "a:1", 0x11);
  expect(files, "a:1", 0x11);
}

static void
refuse(Files *files, const char *text, const char *word)
{
  WzpPin pin = {.first_use = false};
  bool found = true;
  g_autoptr(GError) error = NULL, other = NULL;
  write_text(files, text);
  g_assert_false(wzp_pins_lookup(files->path, "a:1", &pin, &found, &error));
  g_assert_error(error, WZP_PINS_ERROR, WZP_PINS_ERROR_CONTENT);
  g_assert_nonnull(strstr(error->message, word));
  g_assert_false(found);
  /* and nothing is written over it */
  g_autofree char *after = NULL;
  g_assert_false(wzp_pins_store(files->path, "a:1", &pin, &other));
  g_assert_true(g_file_get_contents(files->path, &after, NULL, NULL));
  g_assert_cmpstr(after, ==, text);
}

static void
test_bad_lines(Files *files, gconstpointer data)
{
  (void)data;
  refuse(files, "a:1\n", "line 1");
  refuse(files, "# x\na:1 11\n", "line 2");
  refuse(files, "a:1 " KEY_1 " more\n", "line 1");
  refuse(files, "a:1 " KEY_1 " first-use more\n", "line 1");
  refuse(files, "a:1 " KEY_1 "1\n", "line 1");
  refuse(files, "a:1 zz" KEY_1 "\n", "line 1");
  refuse(files, "a:1 " KEY_1 "\na:1 " KEY_2 "\n", "line 2");
}

static void
test_unsafe(Files *files, gconstpointer data)
{
  (void)data;
  WzpPin pin;
  bool found;
  write_text(files, "a:1 " KEY_1 "\n");
  g_chmod(files->path, 0644);
  g_autoptr(GError) error = NULL;
  g_assert_false(wzp_pins_lookup(files->path, "a:1", &pin, &found, &error));
  g_assert_nonnull(strstr(error->message, files->path));
}

static gpointer
pin_one(gpointer data)
{
  const FilesWriter *writer = data;
  g_autofree char *place = g_strdup_printf("relay-%u:4433", writer->n);
  store(writer->files, place, (uint8_t)writer->n);
  return NULL;
}

/* Clients that start at the same moment each keep their pin. */
static void
test_together(Files *files, gconstpointer data)
{
  (void)data;
  files_write_together(files, pin_one);
  for (guint n = 0; n < FILES_WRITERS; n++) {
    g_autofree char *place = g_strdup_printf("relay-%u:4433", n);
    expect(files, place, (int)n);
  }
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add("/pins/" name, Files, "known-relays", files_set_up, function, files_tear_down)
  ADD("store", test_store);
  ADD("comments", test_comments);
  ADD("first-use", test_first_use);
  ADD("bad-lines", test_bad_lines);
  ADD("unsafe", test_unsafe);
  ADD("together", test_together);
  return g_test_run();
}
