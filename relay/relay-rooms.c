/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-rooms.h"
#include "relay-hash.h"
#include "relay-tally.h"
#include <sodium.h>
#include <string.h>

struct RelayRooms {
  RelayLimits limits;
  GHashTable *by_id; /* RelayRoom.id -> RelayRoom */
  RelayTally *per_identity;
  uint32_t *free_indices; /* a stack */
  unsigned n_free;
};

static gboolean
room_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, 32) == 0;
}

static void
free_room(gpointer data)
{
  RelayRoom *room = data;

  g_free(room->members);
  g_free(room);
}

RelayRooms *
relay_rooms_new(const RelayLimits *limits)
{
  RelayRooms *rooms = g_new0(RelayRooms, 1);

  rooms->limits = *limits;
  rooms->by_id = g_hash_table_new_full(relay_hash_first, room_equal, NULL, free_room);
  rooms->per_identity = relay_tally_new();
  rooms->free_indices = g_new(uint32_t, limits->max_rooms);
  while (rooms->n_free < limits->max_rooms) {
    rooms->free_indices[rooms->n_free] = limits->max_rooms - 1 - rooms->n_free;
    rooms->n_free++;
  }
  return rooms;
}

void
relay_rooms_free(RelayRooms *rooms)
{
  if (rooms == NULL)
    return;
  g_hash_table_unref(rooms->by_id);
  relay_tally_free(rooms->per_identity);
  g_free(rooms->free_indices);
  g_free(rooms);
}

unsigned
relay_rooms_count(const RelayRooms *rooms)
{
  return g_hash_table_size(rooms->by_id);
}

static RelayMember *
find_slot(const RelayRoom *room, uint8_t slot)
{
  unsigned i;

  for (i = 0; i < room->n_members; i++) {
    if (room->members[i].slot == slot)
      return (RelayMember *)&room->members[i];
  }
  return NULL;
}

static RelayMember *
find_identity(const RelayRoom *room, const uint8_t id[32])
{
  unsigned i;

  for (i = 0; i < room->n_members; i++) {
    if (memcmp(room->members[i].id, id, 32) == 0)
      return (RelayMember *)&room->members[i];
  }
  return NULL;
}

const RelayMember *
relay_room_member(const RelayRoom *room, uint8_t slot)
{
  return find_slot(room, slot);
}

bool
relay_rooms_has(const RelayRooms *rooms, const uint8_t room_id[32], const uint8_t id[32])
{
  const RelayRoom *room = g_hash_table_lookup(rooms->by_id, room_id);

  return room != NULL && find_identity(room, id) != NULL;
}

/* The lowest slot that is free and rested, else the free one that has rested longest. */
static uint8_t
choose_slot(const RelayRoom *room, WzpTime now)
{
  unsigned best = 0, slot;
  WzpTime best_rest = WZP_NEVER;

  for (slot = 0; slot <= WZP_SLOT_MAX; slot++) {
    if (find_slot(room, (uint8_t)slot) != NULL)
      continue;
    if (room->rests_until[slot] <= now)
      return (uint8_t)slot;
    if (room->rests_until[slot] < best_rest) {
      best = slot;
      best_rest = room->rests_until[slot];
    }
  }
  return (uint8_t)best;
}

bool
relay_rooms_take_index(RelayRooms *rooms, uint32_t *index)
{
  if (rooms->n_free == 0)
    return false;
  *index = rooms->free_indices[--rooms->n_free];
  return true;
}

void
relay_rooms_give_index(RelayRooms *rooms, uint32_t index)
{
  rooms->free_indices[rooms->n_free++] = index;
}

static RelayRoom *
new_room(RelayRooms *rooms, const uint8_t id[32])
{
  RelayRoom *room = g_new0(RelayRoom, 1);
  unsigned slot;

  (void)relay_rooms_take_index(rooms, &room->index);
  memcpy(room->id, id, 32);
  for (slot = 0; slot <= WZP_SLOT_MAX; slot++)
    room->rests_until[slot] = INT64_MIN;
  g_hash_table_insert(rooms->by_id, room->id, room);
  return room;
}

/* Most rooms have two: they do not pay for the largest. */
static RelayMember *
append_member(RelayRoom *room)
{
  if (room->n_members == room->capacity) {
    room->capacity = MAX(2, 2 * room->capacity);
    room->members = g_renew(RelayMember, room->members, room->capacity);
  }
  return &room->members[room->n_members++];
}

static void
remove_member(RelayRooms *rooms, WzpTime now, RelayRoom *room, RelayMember *member)
{
  relay_tally_remove(rooms->per_identity, member->id, 32);
  room->rests_until[member->slot] = now + RELAY_SLOT_REST;
  *member = room->members[--room->n_members];
}

WzpErrorCode
relay_rooms_join(RelayRooms *rooms, WzpTime now, uint32_t session, const WzpJoin *join,
                 const uint8_t blob[WZP_JOIN_BLOB_SIZE], RelayJoined *joined)
{
  RelayRoom *room = g_hash_table_lookup(rooms->by_id, join->room_id);
  RelayMember *member = room != NULL ? find_identity(room, join->id) : NULL;

  memset(joined, 0, sizeof *joined);
  if (member != NULL) {
    joined->returned = memcmp(member->jh, join->jh, 32) == 0;
    joined->displaced = !joined->returned || member->session != session;
    joined->displaced_session = member->session;
    joined->displaced_slot = member->slot;
    if (!joined->returned)
      remove_member(rooms, now, room, member);
  } else {
    if (room == NULL && rooms->n_free == 0)
      return WZP_ERROR_BUSY;
    if (relay_tally_count(rooms->per_identity, join->id, 32) >=
        rooms->limits.max_rooms_per_identity)
      return WZP_ERROR_BUSY;
    if (room == NULL)
      room = new_room(rooms, join->room_id);
    else if (room->n_members >= rooms->limits.max_members)
      return WZP_ERROR_ROOM_FULL;
  }

  joined->room = room;
  if (joined->returned) {
    member->session = session;
    joined->slot = member->slot;
    return WZP_ERROR_NONE;
  }
  joined->slot = choose_slot(room, now);
  member = append_member(room);
  member->session = session;
  member->slot = joined->slot;
  memcpy(member->id, join->id, 32);
  memcpy(member->jh, join->jh, 32);
  memcpy(member->blob, blob, WZP_JOIN_BLOB_SIZE);
  relay_tally_add(rooms->per_identity, join->id, 32);
  return WZP_ERROR_NONE;
}

void
relay_rooms_leave(RelayRooms *rooms, WzpTime now, RelayRoom *room, uint8_t slot)
{
  RelayMember *member = find_slot(room, slot);

  g_assert(member != NULL);
  remove_member(rooms, now, room, member);
  if (room->n_members > 0)
    return;
  relay_rooms_give_index(rooms, room->index);
  g_hash_table_remove(rooms->by_id, room->id);
}
