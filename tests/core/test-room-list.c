/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists of who may be in a room: text, signature, versions. */
#include "test-util.h"
#include "wzp/kdf.h"
#include "wzp/keyfile.h"
#include "wzp/room-list-private.h"
#include <glib/gstdio.h>

/* Of docs/PROTOCOL.md, from an independent implementation: owner 32 x 42, members that and 00 01 .. 1f, room
 * "kitchen" at the relay of seed 32 x 00. */
#define ROOM_LINE "room df5e2bb0cae0302f6f0b869ed9b1e175dcb97ed94683b0c619e404633700e499\n"
#define OWNER_LINE "owner a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909\n"
#define FIRST_LINE "member 46705b2fa5f2e0d9917cd934f76c4442f8d8908c2dae9259922c0c52c106183d\n"
#define SECOND_LINE "member a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909\n"
#define SIGNATURE_LINE                                                                             \
  "signature fc8a6c177051991327f4d0b904376bfa0734efc2e0b4d7d488e505f26b5253539a4e412d55d35d6cb276" \
  "d379df053bdee7330ad1a2bffdabef6a4c3bc8e8a800\n"
#define BEFORE "wzp-room-list 1\n" ROOM_LINE OWNER_LINE "version 7\n"
#define PUBLISHED BEFORE FIRST_LINE SECOND_LINE SIGNATURE_LINE

static WzpIdentity *
identity(uint8_t byte, uint8_t step)
{
  uint8_t seed[32];
  for (unsigned i = 0; i < sizeof seed; i++)
    seed[i] = (uint8_t)(byte + i * step);
  return wzp_identity_new(seed);
}

static WzpRoomList *
parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  WzpRoomList *list = wzp_room_list_parse(text, strlen(text), &error);
  g_assert_no_error(error);
  return list;
}

static void
test_published(void)
{
  uint8_t room_id[32], hash[32], expected[32];
  WzpIdentity *owner = identity(0x42, 0), *other = identity(0, 1);
  g_autoptr(WzpRoomList) list = parse(PUBLISHED);
  g_assert_true(wzp_room_list_is_signed(list));
  g_assert_cmpuint(wzp_room_list_version(list), ==, 7);
  g_assert_cmpuint(wzp_room_list_count(list), ==, 2);
  g_assert_cmpmem(wzp_room_list_owner(list), 32, owner->ed25519_public, 32);
  g_assert_true(wzp_room_list_has(list, owner->ed25519_public));
  g_assert_true(wzp_room_list_has(list, other->ed25519_public));
  test_hex(room_id, 32, ROOM_LINE + strlen("room "));
  g_assert_cmpmem(wzp_room_list_room_id(list), 32, room_id, 32);

  /* the same made here */
  g_autoptr(WzpRoomList) made = wzp_room_list_new(room_id, owner->ed25519_public, 7);
  g_assert_true(wzp_room_list_add(made, owner->ed25519_public));
  g_assert_true(wzp_room_list_add(made, other->ed25519_public));
  g_assert_false(wzp_room_list_sign(made, other));
  g_assert_false(wzp_room_list_is_signed(made));
  g_assert_true(wzp_room_list_sign(made, owner));
  g_autofree char *text = wzp_room_list_format(made);
  g_assert_cmpstr(text, ==, PUBLISHED);
  g_autoptr(GBytes) message = wzp_room_list_message(made);
  g_assert_cmpuint(g_bytes_get_size(message), ==, 147);
  wzp_sha256(hash, g_bytes_get_data(message, NULL), 147);
  test_hex(expected, 32, "6a33a17e0b328cd05b1b1be3e0e3202ab973d24b36e44543cb062f08798989c8");
  g_assert_cmpmem(hash, 32, expected, 32);
  wzp_identity_free(owner);
  wzp_identity_free(other);
}

static void
test_changes(void)
{
  WzpIdentity *owner = identity(0x42, 0), *third = identity(3, 0);
  g_autoptr(WzpRoomList) list = parse(PUBLISHED);
  g_assert_false(wzp_room_list_add(list, owner->ed25519_public)); /* is there */
  g_assert_false(wzp_room_list_remove(list, third->ed25519_public));
  g_assert_true(wzp_room_list_is_signed(list)); /* nothing changed */
  g_assert_true(wzp_room_list_add(list, third->ed25519_public));
  g_assert_false(wzp_room_list_is_signed(list));
  g_assert_cmpuint(wzp_room_list_version(list), ==, 8);
  g_assert_true(wzp_room_list_remove(list, owner->ed25519_public));
  g_assert_cmpuint(wzp_room_list_version(list), ==, 8); /* the draft is one version */
  g_autofree char *draft = wzp_room_list_format(list);
  g_assert_true(g_str_has_suffix(draft, "signature -\n"));
  g_autoptr(WzpRoomList) again = parse(draft);
  g_assert_false(wzp_room_list_is_signed(again));
  g_assert_true(wzp_room_list_sign(again, owner));
  g_assert_cmpuint(wzp_room_list_version(again), ==, 8);
  g_assert_false(wzp_room_list_has(again, owner->ed25519_public));
  for (unsigned n = 1; wzp_room_list_nth(again, n) != NULL; n++)
    g_assert_cmpint(memcmp(wzp_room_list_nth(again, n - 1), wzp_room_list_nth(again, n), 32), <, 0);
  wzp_identity_free(owner);
  wzp_identity_free(third);
}

static void
test_full(void)
{
  uint8_t key[32] = {0};
  g_autoptr(WzpRoomList) list = wzp_room_list_new(key, key, WZP_ROOM_LIST_VERSION_MAX);
  for (unsigned n = 0; n < WZP_ROOM_LIST_KEYS_MAX; n++) {
    key[0] = (uint8_t)(n >> 8);
    key[1] = (uint8_t)n;
    g_assert_true(wzp_room_list_add(list, key));
  }
  key[0] = 0xff;
  g_assert_false(wzp_room_list_add(list, key));
  g_autofree char *text = wzp_room_list_format(list);
  g_autoptr(WzpRoomList) again = parse(text);
  g_assert_cmpuint(wzp_room_list_count(again), ==, WZP_ROOM_LIST_KEYS_MAX);
  /* one more, written by somebody else */
  char *signature = strstr(text, "signature");
  g_autofree char *more =
      g_strdup_printf("%.*smember ff%062d\n%s", (int)(signature - text), text, 0, signature);
  g_assert_null(wzp_room_list_parse(more, strlen(more), NULL));
}

static void
test_refused(void)
{
  static const struct {
    const char *text, *words;
  } cases[] = {
      {"", "line 1 "},
      {"wzp-room-list 2\n", "line 1 "},
      {"wzp-room-list 1\n", "line 2 "},
      {"wzp-room-list 1\n" OWNER_LINE, "line 2 "},
      {"wzp-room-list 1\n" ROOM_LINE, "line 3 "},
      {"wzp-room-list 1\n" ROOM_LINE OWNER_LINE "version 0\n" SIGNATURE_LINE, "line 4 "},
      {"wzp-room-list 1\n" ROOM_LINE OWNER_LINE "version 9223372036854775808\n" SIGNATURE_LINE,
       "line 4 "},
      {"wzp-room-list 1\n" ROOM_LINE OWNER_LINE
       "version 07\n" FIRST_LINE SECOND_LINE SIGNATURE_LINE,
       "something else in it"},
      {BEFORE SECOND_LINE FIRST_LINE SIGNATURE_LINE, "line 6 "},
      {BEFORE FIRST_LINE FIRST_LINE SIGNATURE_LINE, "line 6 "},
      {BEFORE FIRST_LINE SECOND_LINE, "line 7 "},
      {BEFORE FIRST_LINE SECOND_LINE "signature 00\n", "line 7 "},
      {BEFORE FIRST_LINE SECOND_LINE "signature -", "something else"},
      {PUBLISHED "\n", "behind it"},
      {"\n" PUBLISHED, "line 1 "},
      {BEFORE FIRST_LINE SIGNATURE_LINE, "signature does not hold"},
  };
  for (unsigned n = 0; n < G_N_ELEMENTS(cases); n++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(wzp_room_list_parse(cases[n].text, strlen(cases[n].text), &error));
    g_assert_nonnull(error);
    g_test_message("%u: %s", n, error->message);
    g_assert_nonnull(strstr(error->message, cases[n].words));
  }
  g_autoptr(GError) nul = NULL;
  g_assert_null(wzp_room_list_parse(PUBLISHED, sizeof PUBLISHED, &nul)); /* with its NUL */
  g_assert_nonnull(nul);
}

/* Each bit of each byte: never the same list, never one that is signed. */
static void
test_flips(void)
{
  size_t length = strlen(PUBLISHED);
  for (size_t at = 0; at < length; at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      g_autofree char *text = g_strdup(PUBLISHED);
      text[at] = (char)(text[at] ^ (1 << bit));
      g_assert_null(wzp_room_list_parse(text, length, NULL));
    }
  }
}

/* --- on disk --- */

static void
assert_refused(const char *path, const WzpRoomList *list, int code, const char *words)
{
  g_autoptr(GError) error = NULL;
  g_assert_false(wzp_room_list_remember(path, list, &error));
  g_assert_error(error, WZP_ROOM_LIST_ERROR, code);
  g_assert_nonnull(strstr(error->message, words));
}

static void
test_remembered(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("wzp-list-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "known-lists", NULL);
  g_autofree char *lock = g_strconcat(path, ".lock", NULL);
  WzpIdentity *owner = identity(0x42, 0), *other = identity(0, 1), *third = identity(3, 0);
  g_autoptr(WzpRoomList) seven = parse(PUBLISHED), eight = parse(PUBLISHED);
  wzp_room_list_add(eight, third->ed25519_public);
  wzp_room_list_sign(eight, owner);

  g_assert_true(wzp_room_list_remember(path, seven, &error));
  g_assert_true(wzp_room_list_remember(path, seven, &error)); /* the same again */
  g_assert_true(wzp_room_list_remember(path, eight, &error));
  g_assert_no_error(error);
  assert_refused(path, seven, WZP_ROOM_LIST_ERROR_OLD, "version 8 was seen");
  g_assert_true(wzp_room_list_remember(path, eight, &error));

  /* the owner signed two of one version */
  g_autoptr(WzpRoomList) fork =
      wzp_room_list_new(wzp_room_list_room_id(eight), owner->ed25519_public, 8);
  wzp_room_list_sign(fork, owner);
  assert_refused(path, fork, WZP_ROOM_LIST_ERROR_FORKED, "signed both");

  /* another owner's list, or another room's, is another matter */
  g_autoptr(WzpRoomList) others =
      wzp_room_list_new(wzp_room_list_room_id(eight), other->ed25519_public, 1);
  wzp_room_list_sign(others, other);
  g_assert_true(wzp_room_list_remember(path, others, &error));
  g_autoptr(WzpRoomList) elsewhere =
      wzp_room_list_new(third->ed25519_public, owner->ed25519_public, 1);
  wzp_room_list_sign(elsewhere, owner);
  g_assert_true(wzp_room_list_remember(path, elsewhere, &error));
  g_assert_no_error(error);
  assert_refused(path, seven, WZP_ROOM_LIST_ERROR_OLD, "version 8 was seen");

  /* a damaged memory is no empty one */
  g_assert_true(wzp_private_text_write(path, "nonsense\n", &error));
  assert_refused(path, eight, WZP_ROOM_LIST_ERROR_CONTENT, "line 1");
  g_unlink(path);
  g_unlink(lock);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
  wzp_identity_free(owner);
  wzp_identity_free(other);
  wzp_identity_free(third);
}

static void
test_load(void)
{
  g_autoptr(GError) error = NULL, missing = NULL, folder_error = NULL;
  g_autofree char *folder = g_dir_make_tmp("wzp-list-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "room.list", NULL);
  g_assert_true(g_file_set_contents(path, PUBLISHED, -1, NULL));
  g_autoptr(WzpRoomList) list = wzp_room_list_load(path, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(wzp_room_list_count(list), ==, 2);
  g_unlink(path);
  g_assert_null(wzp_room_list_load(path, &missing));
  g_assert_nonnull(strstr(missing->message, path));
  g_assert_null(wzp_room_list_load(folder, &folder_error));
  g_assert_nonnull(strstr(folder_error->message, "regular file"));
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/room-list/published", test_published);
  g_test_add_func("/room-list/changes", test_changes);
  g_test_add_func("/room-list/full", test_full);
  g_test_add_func("/room-list/refused", test_refused);
  g_test_add_func("/room-list/flips", test_flips);
  g_test_add_func("/room-list/remembered", test_remembered);
  g_test_add_func("/room-list/load", test_load);
  return g_test_run();
}
