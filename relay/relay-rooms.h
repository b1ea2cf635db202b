/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"

/* Who is in which room under which slot. Pure tables: what members are told is relay-control's part.
 *
 * A slot that was given back rests for 30 s, so that late packets of its last holder are not taken for
 * the next one's, unless no other is free. A room lives as long as it has members. */

#define RELAY_SLOT_REST (30 * WZP_SECOND)

typedef struct {
  uint32_t session; /* the control plane's table index */
  uint8_t slot;
  uint8_t id[32], jh[32];
  uint8_t blob[WZP_JOIN_BLOB_SIZE];
} RelayMember;

typedef struct {
  uint32_t index; /* below max_rooms: the media plane's name of the room */
  uint8_t id[32];
  WzpTime rests_until[WZP_SLOT_MAX + 1];
  unsigned n_members;
  unsigned capacity;
  RelayMember *members;
} RelayRoom;

typedef struct {
  RelayRoom *room;
  uint8_t slot;
  /* An older entry of the same identity had to go: its session (which may be the caller's own, with
   * another JOIN), and whether it showed the very same JOIN; then the slot stays and the others need not
   * hear of it. */
  bool displaced, returned;
  uint32_t displaced_session;
  uint8_t displaced_slot;
} RelayJoined;

typedef struct RelayRooms RelayRooms;
RelayRooms *relay_rooms_new(const RelayLimits *limits);
void relay_rooms_free(RelayRooms *rooms);
unsigned relay_rooms_count(const RelayRooms *rooms);

/* join is parsed, and its id is the session's identity. A refusal changes nothing: WZP_ERROR_ROOM_FULL,
 * or WZP_ERROR_BUSY (too many rooms in all, or for this identity). */
WzpErrorCode relay_rooms_join(RelayRooms *rooms, WzpTime now, uint32_t session, const WzpJoin *join,
                              const uint8_t blob[WZP_JOIN_BLOB_SIZE], RelayJoined *joined);
/* The room is freed with its last member. */
void relay_rooms_leave(RelayRooms *rooms, WzpTime now, RelayRoom *room, uint8_t slot);
/* Is this identity in that room? */
bool relay_rooms_has(const RelayRooms *rooms, const uint8_t room_id[32], const uint8_t id[32]);

/* A name for the media plane that no room has (a call's); false: all are taken. */
bool relay_rooms_take_index(RelayRooms *rooms, uint32_t *index);
void relay_rooms_give_index(RelayRooms *rooms, uint32_t index);

const RelayMember *relay_room_member(const RelayRoom *room, uint8_t slot); /* NULL if nobody */
