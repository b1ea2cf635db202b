/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <glib/gstdio.h>

#define FILES_WRITERS 8

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

typedef struct {
  Files *files;
  guint n; /* which of FILES_WRITERS */
} FilesWriter;

/* write: of a FilesWriter each, all at the same moment. */
static inline void
files_write_together(Files *files, GThreadFunc write)
{
  GThread *threads[FILES_WRITERS];
  FilesWriter writers[FILES_WRITERS];
  for (guint n = 0; n < FILES_WRITERS; n++) {
    writers[n] = (FilesWriter){files, n};
    threads[n] = g_thread_new("writer", write, &writers[n]);
  }
  for (guint n = 0; n < FILES_WRITERS; n++)
    g_thread_join(threads[n]);
}
