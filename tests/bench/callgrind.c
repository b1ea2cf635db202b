/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "callgrind.h"
#include <gio/gio.h>
#include <string.h>

#define COLLECTED "Collected :"

double
callgrind_instructions(const char *only, const char *const *command, GError **error)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_autofree char *toggle = g_strconcat("--toggle-collect=", only, NULL), *report = NULL;
  gint status = 0;
  g_strv_builder_add_many(builder, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          only != NULL ? toggle : NULL, NULL);
  g_strv_builder_addv(builder, (const char **)command);
  g_auto(GStrv) arguments = g_strv_builder_end(builder);
  if (!g_spawn_sync(NULL, arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &report, &status,
                    error))
    return -1;
  const char *at = report != NULL ? strstr(report, COLLECTED) : NULL;
  if (status == 0 && at != NULL)
    return g_ascii_strtod(at + strlen(COLLECTED), NULL);
  g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "valgrind counted nothing: %s", report);
  return -1;
}
