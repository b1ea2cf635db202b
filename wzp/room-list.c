/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "room-list-private.h"
#include "bytes.h"
#include <sodium.h>
#include <string.h>

#define HEAD "wzp-room-list 1"
#define LABEL "wz1 list"
#define FORMAT 1
#define SIGNATURE_SIZE 64
#define DRAFT "-"

struct WzpRoomList {
  gatomicrefcount references;
  uint8_t room_id[32], owner[32];
  uint64_t version;
  GArray *keys; /* of 32 bytes, ascending */
  bool is_signed;
  uint8_t signature[SIGNATURE_SIZE];
};

G_DEFINE_QUARK(wzp_room_list_error, wzp_room_list_error)

WzpRoomList *
wzp_room_list_new(const uint8_t room_id[32], const uint8_t owner[32], uint64_t version)
{
  WzpRoomList *list = g_new0(WzpRoomList, 1);

  g_assert(version >= 1 && version <= WZP_ROOM_LIST_VERSION_MAX);
  g_atomic_ref_count_init(&list->references);
  memcpy(list->room_id, room_id, sizeof list->room_id);
  memcpy(list->owner, owner, sizeof list->owner);
  list->version = version;
  list->keys = g_array_new(FALSE, FALSE, 32);
  return list;
}

WzpRoomList *
wzp_room_list_ref(WzpRoomList *list)
{
  g_atomic_ref_count_inc(&list->references);
  return list;
}

void
wzp_room_list_unref(WzpRoomList *list)
{
  if (list == NULL || !g_atomic_ref_count_dec(&list->references))
    return;
  g_array_unref(list->keys);
  g_free(list);
}

/* --- what it says --- */

const uint8_t *
wzp_room_list_room_id(const WzpRoomList *list)
{
  return list->room_id;
}

const uint8_t *
wzp_room_list_owner(const WzpRoomList *list)
{
  return list->owner;
}

uint64_t
wzp_room_list_version(const WzpRoomList *list)
{
  return list->version;
}

bool
wzp_room_list_is_signed(const WzpRoomList *list)
{
  return list->is_signed;
}

unsigned
wzp_room_list_count(const WzpRoomList *list)
{
  return list->keys->len;
}

const uint8_t *
wzp_room_list_nth(const WzpRoomList *list, unsigned n)
{
  return n < list->keys->len ? (const uint8_t *)list->keys->data + 32 * (size_t)n : NULL;
}

static int
compare_keys(const void *a, const void *b)
{
  return memcmp(a, b, 32);
}

/* Where the key is, or would be. */
static bool
find(const WzpRoomList *list, const uint8_t key[32], unsigned *at)
{
  for (*at = 0; *at < list->keys->len; ++*at) {
    int order = compare_keys(wzp_room_list_nth(list, *at), key);
    if (order >= 0)
      return order == 0;
  }
  return false;
}

bool
wzp_room_list_has(const WzpRoomList *list, const uint8_t key[32])
{
  unsigned at;
  return find(list, key, &at);
}

/* --- changes --- */

static void
make_draft(WzpRoomList *list)
{
  g_assert(g_atomic_ref_count_compare(&list->references, 1));
  if (list->is_signed && list->version < WZP_ROOM_LIST_VERSION_MAX)
    list->version++;
  list->is_signed = false;
  memset(list->signature, 0, sizeof list->signature);
}

bool
wzp_room_list_add(WzpRoomList *list, const uint8_t key[32])
{
  unsigned at;

  if (find(list, key, &at) || list->keys->len >= WZP_ROOM_LIST_KEYS_MAX)
    return false;
  g_array_insert_vals(list->keys, at, key, 1);
  make_draft(list);
  return true;
}

bool
wzp_room_list_remove(WzpRoomList *list, const uint8_t key[32])
{
  unsigned at;

  if (!find(list, key, &at))
    return false;
  g_array_remove_index(list->keys, at);
  make_draft(list);
  return true;
}

GBytes *
wzp_room_list_message(const WzpRoomList *list)
{
  size_t size = strlen(LABEL) + 1 + 32 + 8 + 32 + 2 + 32 * (size_t)list->keys->len;
  uint8_t *message = g_malloc(size);
  WzpWriter writer;

  wzp_writer_init(&writer, message, size);
  wzp_writer_label(&writer, LABEL);
  wzp_writer_u8(&writer, FORMAT);
  wzp_writer_bytes(&writer, list->room_id, 32);
  wzp_writer_u64(&writer, list->version);
  wzp_writer_bytes(&writer, list->owner, 32);
  wzp_writer_u16(&writer, (uint16_t)list->keys->len);
  wzp_writer_bytes(&writer, list->keys->data, 32 * (size_t)list->keys->len);
  g_assert(!writer.failed && writer.length == size);
  return g_bytes_new_take(message, size);
}

bool
wzp_room_list_sign(WzpRoomList *list, const WzpIdentity *identity)
{
  size_t length;

  if (memcmp(identity->ed25519_public, list->owner, 32) != 0)
    return false;
  g_assert(g_atomic_ref_count_compare(&list->references, 1));
  g_autoptr(GBytes) message = wzp_room_list_message(list);
  const void *data = g_bytes_get_data(message, &length);
  wzp_identity_sign(identity, list->signature, data, length);
  list->is_signed = true;
  return true;
}

/* --- as text --- */

static void
append_key(GString *text, const char *name, const uint8_t key[32])
{
  char hex[65];
  g_string_append_printf(text, "%s %s\n", name, sodium_bin2hex(hex, sizeof hex, key, 32));
}

char *
wzp_room_list_format(const WzpRoomList *list)
{
  GString *text = g_string_new(HEAD "\n");
  char signature[2 * SIGNATURE_SIZE + 1];

  append_key(text, "room", list->room_id);
  append_key(text, "owner", list->owner);
  g_string_append_printf(text, "version %" G_GUINT64_FORMAT "\n", list->version);
  for (unsigned n = 0; n < list->keys->len; n++)
    append_key(text, "member", wzp_room_list_nth(list, n));
  sodium_bin2hex(signature, sizeof signature, list->signature, SIGNATURE_SIZE);
  g_string_append_printf(text, "signature %s\n", list->is_signed ? signature : DRAFT);
  return g_string_free(text, FALSE);
}

/* The value of a line that starts with name and a space, or NULL. */
static const char *
value_of(const char *line, const char *name)
{
  size_t length = strlen(name);
  return line != NULL && strncmp(line, name, length) == 0 && line[length] == ' ' ? line + length + 1
                                                                                 : NULL;
}

static bool
read_key(uint8_t key[32], const char *line, const char *name)
{
  const char *value = value_of(line, name);
  return value != NULL && wzp_hex_read(key, 32, value);
}

/* Up to the signature; lines is NULL-terminated. The number of the first line that is wrong, or 0. */
static unsigned
read_lines(WzpRoomList *list, char *const *lines)
{
  uint8_t key[32];
  unsigned at = 4;
  const char *version = g_strv_length((char **)lines) > 4 ? value_of(lines[3], "version") : NULL;
  guint64 number;

  if (strcmp(lines[0], HEAD) != 0)
    return 1;
  if (!read_key(list->room_id, lines[1], "room"))
    return 2;
  if (!read_key(list->owner, lines[2], "owner"))
    return 3;
  if (version == NULL ||
      !g_ascii_string_to_unsigned(version, 10, 1, WZP_ROOM_LIST_VERSION_MAX, &number, NULL))
    return 4;
  list->version = number;
  for (; read_key(key, lines[at], "member"); at++) {
    const uint8_t *last = wzp_room_list_nth(list, list->keys->len - 1);
    if (list->keys->len >= WZP_ROOM_LIST_KEYS_MAX || (last != NULL && compare_keys(last, key) >= 0))
      return at + 1;
    g_array_append_vals(list->keys, key, 1);
  }
  const char *signature = value_of(lines[at], "signature");
  list->is_signed = signature != NULL && strcmp(signature, DRAFT) != 0;
  if (signature == NULL ||
      (list->is_signed && !wzp_hex_read(list->signature, SIGNATURE_SIZE, signature)))
    return at + 1;
  return 0;
}

static bool
check_signature(const WzpRoomList *list, GError **error)
{
  size_t length;
  g_autoptr(GBytes) message = wzp_room_list_message(list);
  const void *data = g_bytes_get_data(message, &length);

  if (!list->is_signed || wzp_identity_verify(list->owner, list->signature, data, length))
    return true;
  g_set_error_literal(error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_SIGNATURE,
                      "the signature does not hold: this list was changed after its owner signed "
                      "it, or is not the owner's");
  return false;
}

WzpRoomList *
wzp_room_list_parse(const char *text, size_t length, GError **error)
{
  static const uint8_t nothing[32];
  WzpRoomList *list = wzp_room_list_new(nothing, nothing, 1);
  g_autofree char *copy = g_strndup(text, length);
  g_auto(GStrv) lines = g_strsplit(copy, "\n", WZP_ROOM_LIST_KEYS_MAX + 8);
  unsigned wrong = *copy == '\0' ? 1 : read_lines(list, lines);

  if (wrong != 0) {
    g_set_error(error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_CONTENT,
                "line %u is not as in a room list, which \"wzp-client list\" writes; take a copy "
                "that nobody edited",
                wrong);
    wzp_room_list_unref(list);
    return NULL;
  }
  g_autofree char *again = wzp_room_list_format(list);
  if (strlen(again) != length || memcmp(again, text, length) != 0) {
    g_set_error_literal(error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_CONTENT,
                        "this is a room list with something else in it or behind it; take a copy "
                        "that nobody edited");
    wzp_room_list_unref(list);
    return NULL;
  }
  if (check_signature(list, error))
    return list;
  wzp_room_list_unref(list);
  return NULL;
}
