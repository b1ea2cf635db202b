/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "path.h"
#include "room-list.h"
#include "seal.h"
#include "signal.h"

/* A room's keys: signed JOINs, pairwise keys from them, sender keys sent pairwise (PROTOCOL.md 7).
 * A room has at most WZP_ROOM_MEMBERS_MAX members, whatever its relay says: one more is refused with
 * WZP_ROOM_FULL. Sans-I/O: JOINs and records go in and come out, the relay only carries them.
 *
 * JOIN blob = JOIN | sig(64) | mac(16)
 *   JOIN = "wz1 join" | ver=1 | room_id(32) | relay key(32) | id(32) | e(32) | j(16) | caps(2)
 *   mac  = HMAC(room_key, "wz1 mac" | JOIN)[0..16], zero in open rooms
 * Pairwise record = to(1) | from(1) | ctr(4) | AEAD(pw key, 0^8 | ctr, ad = to | from | ctr, frames)
 *   0x01 confirm   (nothing: that it opened is the proof)
 *   0x02 key       epoch(4) | base(32)
 *   0x03 keyack    epoch(4) | ctr(4) of the record that brought the key
 *   0x04 keyreq
 *   0x05 leave
 *   0x06 direct    on(1): would the sender go directly?
 *   0x07 path      length(2) | path message
 *   0x00 padding   the rest
 * An unknown frame type ends the reading of that record. */

/* Ourselves included. What a room costs each member grows with it: a record to everybody at each leave. */
#define WZP_ROOM_MEMBERS_MAX 64

#define WZP_JOIN_SIZE 155
#define WZP_JOIN_BLOB_SIZE (WZP_JOIN_SIZE + 64 + 16)
#define WZP_JOIN_VERSION 1

typedef struct {
  uint8_t room_id[32], relay_key[32], id[32], e[32], j[16];
  uint16_t capabilities;
  uint8_t jh[32]; /* H(JOIN | sig) */
} WzpJoin;

/* Format and signature; not the mac (only members can). */
WzpResult wzp_join_parse(WzpJoin *join, const uint8_t *blob, size_t length);

/* How a room is found and who may enter (PROTOCOL.md 7). */
typedef struct {
  bool keyed;
  uint8_t psk[32];    /* keyed: the room's psk; open: zero */
  uint8_t id_key[32]; /* what room_id is made of: psk, or H("wz1 open room" | name) */
} WzpRoomSecret;
void wzp_room_secret_open(WzpRoomSecret *secret, const char *name);
void wzp_room_secret_keyed(WzpRoomSecret *secret, const uint8_t link_key[16]);
/* A keyed room whose psk is Argon2id(passphrase in Unicode's form NFC, salt = H("wz1 room" | name)[0..16], 64 MiB, 3 passes):
 * some tenths of a second. The relay, which sees room_id, can try guesses as fast as its machines allow. False: no memory. */
bool wzp_room_secret_passphrase(WzpRoomSecret *secret, const char *name, const char *passphrase);
#define WZP_ROOM_PASSPHRASE_MIN 8   /* letters */
#define WZP_ROOM_PASSPHRASE_MAX 255 /* bytes */
/* NULL when it can be a room's passphrase, or what is wrong with it. */
const char *wzp_room_passphrase_problem(const char *passphrase);
/* So short that guessing it is cheap, whatever is in it. */
bool wzp_room_passphrase_is_short(const char *passphrase);
/* room_id = Exp(id_key, "wz1 room id" | relay key, 32) */
void wzp_room_id(uint8_t room_id[32], const WzpRoomSecret *secret, const uint8_t relay_key[32]);

typedef struct WzpGroup WzpGroup;
/* identity is borrowed. Makes e, j, the JOIN and the first sender base. */
WzpGroup *wzp_group_new(const WzpIdentity *identity, const WzpRoomSecret *secret,
                        const uint8_t relay_key[32], const WzpRandom *random);
void wzp_group_free(WzpGroup *group); /* wipes */

const uint8_t *
wzp_group_join(const WzpGroup *group); /* WZP_JOIN_BLOB_SIZE bytes, always the same */
const uint8_t *wzp_group_room_id(const WzpGroup *group);
/* Our slot, as the relay's "joined" said; may change when a relay comes back after a restart. */
void wzp_group_set_slot(WzpGroup *group, uint8_t slot);

/* Listed rooms: from now on only who is on the list is a member; whoever is in the room and is not on it is treated as one who left.
 * NULL: everybody. WZP_NOT_ALLOWED: we are not on it; WZP_UNEXPECTED: it is another room's; then the one before stays. */
WzpResult wzp_group_set_list(WzpGroup *group, WzpTime now, WzpRoomList *list);

/* A MEMBER message. WZP_NOT_ALLOWED: not on the list; told of, and given nothing. The same jh again (relay restarted, other slot): only its slot moves. */
WzpResult wzp_group_add_member(WzpGroup *group, WzpTime now, uint8_t slot, const uint8_t *blob,
                               size_t length);
/* "left", or absence from a roster. */
void wzp_group_remove_member(WzpGroup *group, WzpTime now, uint8_t slot);
/* The relay is back with an empty memory: members stay known, but must show up again (by add_member)
 * within 30 s or count as left. */
void wzp_group_relay_restarted(WzpGroup *group, WzpTime now);
/* A PAIRWISE message's body. */
WzpResult wzp_group_receive(WzpGroup *group, WzpTime now, const uint8_t *record, size_t length);
/* The next PAIRWISE body to send (to | from | ...), or NULL. Free with g_bytes_unref(). */
GBytes *wzp_group_poll(WzpGroup *group, WzpTime now);
/* The same for the other end of the direct path alone. */
GBytes *wzp_group_poll_direct(WzpGroup *group, WzpTime now);
/* Resends a KEY that was not acknowledged end to end, switches pending epochs, asks KEYREQ. */
void wzp_group_handle_timeout(WzpGroup *group, WzpTime now);
WzpTime wzp_group_next_timeout(const WzpGroup *group);
/* Queues LEAVE records for all confirmed members. */
void wzp_group_leave(WzpGroup *group);

typedef enum {
  WZP_MEMBER_ANNOUNCED, /* JOIN seen, signature (and mac) valid: sent our key, so shown, as unproven */
  WZP_MEMBER_CONFIRMED, /* a pairwise record of theirs opened: shown, unverified */
} WzpMemberState;
typedef struct {
  uint8_t slot;
  WzpMemberState state;
  uint8_t id[32];
  bool has_our_key; /* acknowledged our current sender key */
  bool we_have_key; /* we hold a key of theirs */
} WzpMemberInfo;
unsigned wzp_group_n_members(const WzpGroup *group); /* others, in any state */
bool wzp_group_member(const WzpGroup *group, unsigned n, WzpMemberInfo *info);

typedef enum {
  WZP_GROUP_NONE,
  WZP_GROUP_CONFIRMED,
  WZP_GROUP_READY,
  WZP_GROUP_LEFT,
  WZP_GROUP_MOVED,
  WZP_GROUP_ANNOUNCED,
  WZP_GROUP_WITHDRAWN,
  WZP_GROUP_UNLISTED,
  WZP_GROUP_UNLISTED_LEFT
} WzpGroupEventType;
typedef struct {
  WzpGroupEventType type; /* ready: the member acknowledged our key; moved: its slot is another now.
                           * Nobody is sent a key who was not told of: announced until confirmed, or withdrawn.
                           * Unlisted: the relay shows somebody who is not on the list, and gets nothing */
  uint8_t slot, former_slot;
  uint8_t id[32];
} WzpGroupEvent;
WzpGroupEvent wzp_group_next_event(WzpGroup *group); /* type NONE: no more */

/* --- A direct path, in a room of two (PROTOCOL.md 16) --- */

/* Whether our address may be told, to go directly: to who is alone with us, confirmed, and either in a keyed or listed room or
 * trusted one by one. At first: no. */
void wzp_group_set_direct(WzpGroup *group, bool may);
/* This identity is whom we mean, whatever the room. */
void wzp_group_trust(WzpGroup *group, const uint8_t id[32]);
/* Looks who is there now, and says what changed. Call after every input, before wzp_group_poll(). */
void wzp_group_follow_paths(WzpGroup *group, WzpTime now);
/* The path with whom we are alone, or last were; NULL: none yet. *serial: another one for each. It is asked as any other
 * (path.h), its messages go to wzp_group_send_path(). */
WzpPath *wzp_group_path(const WzpGroup *group, uint32_t *serial);
WzpResult wzp_group_send_path(WzpGroup *group, const uint8_t *message, size_t length);
/* Are packets of this slot those of the other end of that path, or of nobody who is known? Who is not alone with us holds the
 * keys of others, and no relay looks at what comes directly. */
bool wzp_group_path_speaks(const WzpGroup *group, WzpTime now, uint8_t slot);

/* Seals with our sender key. WZP_NO_RECEIVER while nobody was sent it (nothing is consumed, so that a
 * joiner can get the epoch's base). */
WzpResult wzp_group_seal(WzpGroup *group, uint8_t code, uint32_t timestamp, uint8_t flags, bool gap,
                         const void *plain, size_t length, uint8_t *out, size_t capacity,
                         size_t *out_length, WzpHeader *header);
/* See wzp_sender_leave_out(). */
void wzp_group_leave_out(WzpGroup *group, unsigned packets);
/* Of full headers, see wzp_header_repeat(). */
void wzp_group_set_header_repeat(WzpGroup *group, unsigned repeat);
/* Opens with the key of the member that holds the packet's slot; where nobody is known, with that of the one with whom there
 * is a direct path: *opened has the slot where he is known. */
WzpResult wzp_group_open(WzpGroup *group, WzpTime now, const uint8_t *packet, size_t length,
                         uint8_t *out, size_t *out_length, WzpOpened *opened);

/* The room code: eight words that are the same for all who see the same members. Members compare them; where they differ, the
 * relay shows somebody to one and not to the other. digest = H(jh of all confirmed members and our own, sorted); false
 * while nobody else is confirmed. */
#define WZP_ROOM_CODE_TEXT 72 /* 8 words of at most 8 letters, spaces, NUL */
bool wzp_group_code_digest(const WzpGroup *group, uint8_t digest[32], unsigned *n_members);
/* The first 88 bits of Argon2id(digest, salt = H("wz1 room code")[0..16], 64 MiB, 3 passes) as BIP39 words: some tenths of a
 * second. So long because a relay could search for members that make two codes the same. False: no memory. */
bool wzp_room_code(char text[WZP_ROOM_CODE_TEXT], const uint8_t digest[32]);
