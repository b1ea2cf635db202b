/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "identity.h"

/* Who may be in a room, as the room's owner says it and every client checks it (PROTOCOL.md 7): the relay has no say.
 * As text, made for mailing and reading; exactly this is read, in this order, each line with its newline:
 *
 *   wzp-room-list 1
 *   room ROOM-ID           64 hex digits, lower case, as are all below
 *   owner KEY
 *   version N              1 and up; a client never goes back to a lower one
 *   member KEY             once for each, in ascending order; none or more
 *   signature SIGNATURE    128 hex digits; "-": a draft that is not signed yet, which admits nobody
 *
 *   SIGNATURE = Sign_owner("wz1 list" | 1 | room_id(32) | version(8) | owner(32) | n(2) | keys(32 each)) */

#define WZP_ROOM_LIST_ERROR (wzp_room_list_error_quark())
GQuark wzp_room_list_error_quark(void);
typedef enum {
  WZP_ROOM_LIST_ERROR_CONTENT,   /* not a list */
  WZP_ROOM_LIST_ERROR_SIGNATURE, /* missing, or not of the owner that it names */
  WZP_ROOM_LIST_ERROR_OWNER,     /* somebody else's list */
  WZP_ROOM_LIST_ERROR_OLD,       /* a newer one was seen */
  WZP_ROOM_LIST_ERROR_FORKED     /* another one of this version was seen */
} WzpRoomListError;

#define WZP_ROOM_LIST_KEYS_MAX 1024
#define WZP_ROOM_LIST_VERSION_MAX INT64_MAX

typedef struct WzpRoomList WzpRoomList;
/* A draft without members. version is 1 to WZP_ROOM_LIST_VERSION_MAX. */
WzpRoomList *wzp_room_list_new(const uint8_t room_id[32], const uint8_t owner[32],
                               uint64_t version);
/* A draft, or a list whose signature holds. NULL: the error is a sentence. */
WzpRoomList *wzp_room_list_parse(const char *text, size_t length, GError **error);
char *wzp_room_list_format(const WzpRoomList *list);
WzpRoomList *
wzp_room_list_ref(WzpRoomList *list);        /* a list that others hold does not change any more */
void wzp_room_list_unref(WzpRoomList *list); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WzpRoomList, wzp_room_list_unref)

const uint8_t *wzp_room_list_room_id(const WzpRoomList *list);
const uint8_t *wzp_room_list_owner(const WzpRoomList *list);
uint64_t wzp_room_list_version(const WzpRoomList *list);
bool wzp_room_list_is_signed(const WzpRoomList *list);
unsigned wzp_room_list_count(const WzpRoomList *list);
const uint8_t *wzp_room_list_nth(const WzpRoomList *list, unsigned n); /* NULL past the last */
bool wzp_room_list_has(const WzpRoomList *list, const uint8_t key[32]);

/* Changes make a draft: of a signed list, that of the next version. False: it is there already, or full; not there. */
bool wzp_room_list_add(WzpRoomList *list, const uint8_t key[32]);
bool wzp_room_list_remove(WzpRoomList *list, const uint8_t key[32]);
/* False: identity is not the owner's. */
bool wzp_room_list_sign(WzpRoomList *list, const WzpIdentity *identity);

/* --- On disk --- */

/* Any readable file of at most 1 MiB: the signature protects it, not the mode. */
WzpRoomList *wzp_room_list_load(const char *path, GError **error);
/* $XDG_CONFIG_HOME/wzp/known-lists; free with g_free(). */
char *wzp_room_list_memory_path(void);
/* Whether list may follow what is remembered in path (a private file, one "ROOM-ID OWNER VERSION HASH" a line, hash of what is signed)
 * of its room and owner; it is remembered then. The list is signed. */
bool wzp_room_list_remember(const char *path, const WzpRoomList *list, GError **error);
