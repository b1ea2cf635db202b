/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "room-list-private.h"
#include "bytes.h"
#include "kdf.h"
#include "keyfile.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 20)

WzpRoomList *
wzp_room_list_load(const char *path, GError **error)
{
  GError *problem = NULL;
  WzpRoomList *list = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;
  struct stat status;

  /* a pipe or a device would be read for ever */
  if (stat(path, &status) != 0)
    g_set_error(&problem, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_CONTENT, "%s",
                g_strerror(errno));
  else if (!S_ISREG(status.st_mode) || (size_t)status.st_size > TEXT_MAX)
    g_set_error_literal(&problem, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_CONTENT,
                        "it is not a regular file of at most 1 MiB");
  else if (g_file_get_contents(path, &text, &length, &problem))
    list = wzp_room_list_parse(text, length, &problem);
  if (list == NULL)
    g_propagate_prefixed_error(error, problem, "%s: ", path);
  return list;
}

/* --- which were seen --- */

typedef struct {
  uint8_t room_id[32], owner[32], hash[32];
  uint64_t version;
} Seen;

char *
wzp_room_list_memory_path(void)
{
  return g_build_filename(g_get_user_config_dir(), "wzp", "known-lists", NULL);
}

static bool
seen_parse(Seen *seen, const char *line)
{
  g_auto(GStrv) words = g_strsplit(line, " ", 5);
  guint64 version;

  if (g_strv_length(words) != 4 || !wzp_hex_read(seen->room_id, 32, words[0]) ||
      !wzp_hex_read(seen->owner, 32, words[1]) || !wzp_hex_read(seen->hash, 32, words[3]) ||
      !g_ascii_string_to_unsigned(words[2], 10, 1, WZP_ROOM_LIST_VERSION_MAX, &version, NULL))
    return false;
  seen->version = version;
  return true;
}

static void
seen_format(GString *text, const Seen *seen)
{
  char room[65], owner[65], hash[65];
  g_string_append_printf(text, "%s %s %" G_GUINT64_FORMAT " %s\n",
                         sodium_bin2hex(room, sizeof room, seen->room_id, 32),
                         sodium_bin2hex(owner, sizeof owner, seen->owner, 32), seen->version,
                         sodium_bin2hex(hash, sizeof hash, seen->hash, 32));
}

/* A damaged file must not read as "never seen". */
static GArray *
seen_read(const char *path, GError **error)
{
  g_autofree char *text = NULL;

  if (!wzp_private_text_read(path, &text, error))
    return NULL;
  GArray *all = g_array_new(FALSE, FALSE, sizeof(Seen));
  g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
  for (unsigned n = 0; lines[n] != NULL && (lines[n + 1] != NULL || *lines[n] != '\0'); n++) {
    Seen seen;
    if (lines[n + 1] == NULL || !seen_parse(&seen, lines[n])) {
      g_set_error(error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_CONTENT,
                  "%s line %u is not \"ROOM-ID OWNER VERSION HASH\"; correct or remove it", path,
                  n + 1);
      g_array_unref(all);
      return NULL;
    }
    g_array_append_val(all, seen);
  }
  return all;
}

static bool
seen_write(const char *path, const GArray *all, GError **error)
{
  g_autoptr(GString) text = g_string_new(NULL);
  for (unsigned n = 0; n < all->len; n++)
    seen_format(text, &g_array_index(all, Seen, n));
  return wzp_private_text_write(path, text->str, error);
}

/* What is remembered of the list's room and owner, made when there is nothing. */
static Seen *
seen_find(GArray *all, const WzpRoomList *list)
{
  Seen fresh = {.version = 0};

  for (unsigned n = 0; n < all->len; n++) {
    Seen *seen = &g_array_index(all, Seen, n);
    if (memcmp(seen->room_id, wzp_room_list_room_id(list), 32) == 0 &&
        memcmp(seen->owner, wzp_room_list_owner(list), 32) == 0)
      return seen;
  }
  memcpy(fresh.room_id, wzp_room_list_room_id(list), 32);
  memcpy(fresh.owner, wzp_room_list_owner(list), 32);
  g_array_append_val(all, fresh);
  return &g_array_index(all, Seen, all->len - 1);
}

static bool
may_follow(const Seen *seen, const WzpRoomList *list, const uint8_t hash[32], GError **error)
{
  uint64_t version = wzp_room_list_version(list);

  if (version > seen->version || memcmp(hash, seen->hash, 32) == 0)
    return true;
  if (version < seen->version)
    g_set_error(error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_OLD,
                "this is version %" G_GUINT64_FORMAT " of the room's list, and version "
                "%" G_GUINT64_FORMAT " was seen here: who was taken off since then would be let in "
                "again. Ask the owner for the newest one",
                version, seen->version);
  else
    g_set_error(error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_FORKED,
                "another version %" G_GUINT64_FORMAT " of the room's list was seen here, and its "
                "owner signed both; ask the owner for one with a higher version",
                version);
  return false;
}

bool
wzp_room_list_remember(const char *path, const WzpRoomList *list, GError **error)
{
  g_autoptr(GBytes) message = wzp_room_list_message(list);
  uint8_t hash[32];
  bool good = false;
  int lock = wzp_private_text_lock(path, error);

  g_assert(wzp_room_list_is_signed(list));
  if (lock < 0)
    return false;
  wzp_sha256(hash, g_bytes_get_data(message, NULL), g_bytes_get_size(message));
  g_autoptr(GArray) all = seen_read(path, error);
  Seen *seen = all != NULL ? seen_find(all, list) : NULL;
  if (seen != NULL && may_follow(seen, list, hash, error)) {
    bool known = seen->version == wzp_room_list_version(list);
    seen->version = wzp_room_list_version(list);
    memcpy(seen->hash, hash, sizeof hash);
    good = known || seen_write(path, all, error);
  }
  close(lock);
  return good;
}
