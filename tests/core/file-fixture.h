/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <glib/gstdio.h>

/* A folder of a test's own, in which a file may be made in a new folder, beside its lock. */
typedef struct {
  char *folder, *path;
} Files;

/* name: of the file. */
static inline void
files_set_up(Files *files, gconstpointer name)
{
  files->folder = g_dir_make_tmp("wzp-files-XXXXXX", NULL);
  files->path = g_build_filename(files->folder, "new", name, NULL);
}

static inline void
files_tear_down(Files *files, gconstpointer name)
{
  (void)name;
  g_autofree char *lock = g_strconcat(files->path, ".lock", NULL);
  g_autofree char *inner = g_path_get_dirname(files->path);
  g_unlink(files->path);
  g_unlink(lock);
  g_rmdir(inner);
  g_assert_cmpint(g_rmdir(files->folder), ==, 0); /* nothing was left lying about */
  g_free(files->path);
  g_free(files->folder);
}
