/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pins.h"
#include "bytes.h"
#include "keyfile.h"
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define FIRST_USE "first-use"

G_DEFINE_QUARK(wzp_pins_error, wzp_pins_error)

char *
wzp_pins_default_path(void)
{
  return g_build_filename(g_get_user_config_dir(), "wzp", "known-relays", NULL);
}

typedef struct {
  char *place; /* NULL: a comment or an empty line */
  WzpPin pin;
  char *text;
} Line;

static void
line_free(gpointer data)
{
  Line *line = data;
  g_free(line->place);
  g_free(line->text);
  g_free(line);
}

static bool
line_parse(Line *line, const char *text)
{
  line->text = g_strdup(text);
  g_strstrip(line->text);
  if (*line->text == '\0' || *line->text == '#')
    return true;
  g_auto(GStrv) words = g_strsplit_set(line->text, " \t", -1);
  line->pin.first_use = g_strv_length(words) == 3 && strcmp(words[2], FIRST_USE) == 0;
  if (g_strv_length(words) != (line->pin.first_use ? 3u : 2u) ||
      !wzp_hex_read(line->pin.key, 32, words[1]))
    return false;
  line->place = g_strdup(words[0]);
  return true;
}

static GPtrArray *
pins_read(const char *path, GError **error)
{
  g_autofree char *text = NULL;
  if (!wzp_private_text_read(path, &text, error))
    return NULL;
  GPtrArray *lines = g_ptr_array_new_with_free_func(line_free);
  if (text == NULL)
    return lines;
  g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
  g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
  for (unsigned n = 0; rows[n] != NULL; n++) {
    if (rows[n + 1] == NULL && *rows[n] == '\0')
      break; /* behind the last newline */
    Line *line = g_new0(Line, 1);
    g_ptr_array_add(lines, line);
    if (!line_parse(line, rows[n])) {
      g_set_error(error, WZP_PINS_ERROR, WZP_PINS_ERROR_CONTENT,
                  "%s line %u is not 'host:port', 64 hex digits and at most '" FIRST_USE
                  "'; correct or remove it",
                  path, n + 1);
      g_ptr_array_unref(lines);
      return NULL;
    }
    if (line->place != NULL && !g_hash_table_add(places, line->place)) {
      g_set_error(error, WZP_PINS_ERROR, WZP_PINS_ERROR_CONTENT,
                  "%s line %u names %s a second time; remove the wrong line", path, n + 1,
                  line->place);
      g_ptr_array_unref(lines);
      return NULL;
    }
  }
  return lines;
}

static Line *
pins_find(GPtrArray *lines, const char *place)
{
  for (unsigned n = 0; n < lines->len; n++) {
    Line *line = g_ptr_array_index(lines, n);
    if (g_strcmp0(line->place, place) == 0)
      return line;
  }
  return NULL;
}

bool
wzp_pins_lookup(const char *path, const char *place, WzpPin *pin, bool *found, GError **error)
{
  *found = false;
  g_autoptr(GPtrArray) lines = pins_read(path, error);
  if (lines == NULL)
    return false;
  const Line *line = pins_find(lines, place);
  if (line != NULL) {
    *pin = line->pin;
    *found = true;
  }
  return true;
}

static bool
pins_write(const char *path, GPtrArray *lines, GError **error)
{
  g_autoptr(GString) text = g_string_new(NULL);
  for (unsigned n = 0; n < lines->len; n++) {
    const Line *line = g_ptr_array_index(lines, n);
    char hex[65];
    if (line->place == NULL)
      g_string_append_printf(text, "%s\n", line->text);
    else
      g_string_append_printf(text, "%s %s%s\n", line->place,
                             sodium_bin2hex(hex, sizeof hex, line->pin.key, 32),
                             line->pin.first_use ? " " FIRST_USE : "");
  }
  return wzp_private_text_write(path, text->str, error);
}

bool
wzp_pins_store(const char *path, const char *place, const WzpPin *pin, GError **error)
{
  int lock = wzp_private_text_lock(path, error);
  if (lock < 0)
    return false;
  bool stored = false;
  g_autoptr(GPtrArray) lines = pins_read(path, error);
  if (lines != NULL) {
    Line *line = pins_find(lines, place);
    if (line == NULL) {
      line = g_new0(Line, 1);
      line->place = g_strdup(place);
      g_ptr_array_add(lines, line);
    }
    line->pin = *pin;
    stored = pins_write(path, lines, error);
  }
  close(lock);
  return stored;
}
