/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <sodium.h>
#include <string.h>

/* After a restart of the relay. */
#define RETURN_WITHIN (30 * WZP_SECOND)
/* What a member said before leaving may be overtaken by the goodbye. */
#define LATE_PACKETS (2 * WZP_SECOND)
/* Members who left are kept so many, then only their jh, at most so many. */
#define GONE_MAX 16
#define RETIRED_MAX 65536

#define LONG_AGO (INT64_MIN / 2)

static void
member_free(gpointer data)
{
  WzpGroupMember *member = data;

  wzp_receiver_free(member->receiver);
  wzp_group_direct_clear(member);
  sodium_memzero(member, sizeof *member);
  g_free(member);
}

static guint
jh_hash(gconstpointer key)
{
  guint hash;

  memcpy(&hash, key, sizeof hash); /* of a SHA-256: any part will do */
  return hash;
}

static gboolean
jh_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, 32) == 0;
}

WzpGroup *
wzp_group_new(const WzpIdentity *identity, const WzpRoomSecret *secret, const uint8_t relay_key[32],
              const WzpRandom *random)
{
  WzpGroup *group = g_new0(WzpGroup, 1);
  uint8_t e[32], j[16], sid[32], base[32];

  group->secret = *secret;
  group->random = *random;
  memcpy(group->relay_key, relay_key, sizeof group->relay_key);
  wzp_room_id(group->room_id, secret, relay_key);
  wzp_random_fill(random, group->e_secret, sizeof group->e_secret);
  wzp_random_fill(random, j, sizeof j);
  wzp_random_fill(random, base, sizeof base);
  wzp_x25519_base(e, group->e_secret);
  wzp_join_build(group->blob, &group->join, identity, secret, relay_key, e, j);
  wzp_join_stream_id(sid, &group->join);
  group->sender = wzp_sender_new(sid, base, 0);
  sodium_memzero(base, sizeof base);

  group->max_members = WZP_ROOM_MEMBERS_MAX;
  group->changed_at = group->looked_at = LONG_AGO;
  group->base_at = WZP_NEVER;
  group->members = g_ptr_array_new_with_free_func(member_free);
  group->retired = g_hash_table_new_full(jh_hash, jh_equal, g_free, NULL);
  group->events = g_array_new(FALSE, TRUE, sizeof(WzpGroupEvent));
  wzp_group_list_init(group);
  return group;
}

void
wzp_group_free(WzpGroup *group)
{
  if (group == NULL)
    return;
  wzp_sender_free(group->sender);
  wzp_group_list_clear(group);
  g_ptr_array_unref(group->members);
  g_hash_table_unref(group->retired);
  g_array_unref(group->events);
  sodium_memzero(group, sizeof *group);
  g_free(group);
}

void
wzp_group_set_max_members(WzpGroup *group, unsigned max_members)
{
  group->max_members = max_members;
}

const uint8_t *
wzp_group_join(const WzpGroup *group)
{
  return group->blob;
}

const uint8_t *
wzp_group_room_id(const WzpGroup *group)
{
  return group->room_id;
}

/* --- Members --- */

void
wzp_group_tell(WzpGroup *group, WzpGroupEventType type, uint8_t slot, const uint8_t id[32])
{
  WzpGroupEvent event = {.type = type, .slot = slot};

  memcpy(event.id, id, sizeof event.id);
  g_array_append_val(group->events, event);
}

void
wzp_group_event(WzpGroup *group, WzpGroupEventType type, const WzpGroupMember *member)
{
  wzp_group_tell(group, type, member->slot, member->join.id);
}

WzpGroupEvent
wzp_group_next_event(WzpGroup *group)
{
  WzpGroupEvent event = {.type = WZP_GROUP_NONE};

  if (group->events->len > 0) {
    event = g_array_index(group->events, WzpGroupEvent, 0);
    g_array_remove_index(group->events, 0);
  }
  return event;
}

WzpGroupMember *
wzp_group_by_slot(const WzpGroup *group, uint8_t slot)
{
  return group->by_slot[slot];
}

static void
give_up_slot(WzpGroup *group, WzpGroupMember *member)
{
  if (member->has_slot)
    group->by_slot[member->slot] = NULL;
  member->has_slot = false;
}

WzpGroupMember *
wzp_group_silent_by_slot(const WzpGroup *group, uint8_t slot)
{
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (member->silent && member->slot == slot)
      return member;
  }
  return NULL;
}

static WzpGroupMember *
by_jh(const WzpGroup *group, const uint8_t jh[32])
{
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (memcmp(member->join.jh, jh, 32) == 0)
      return member;
  }
  return NULL;
}

/* Another JOIN of the same identity that is in the room, in the given state. */
static WzpGroupMember *
twin(const WzpGroup *group, const WzpJoin *join, WzpMemberState state)
{
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (!member->gone && member->state == state && memcmp(member->join.id, join->id, 32) == 0 &&
        memcmp(member->join.jh, join->jh, 32) != 0)
      return member;
  }
  return NULL;
}

/* Others who count: one that waits to replace its own former self does not. */
static unsigned
count_members(const WzpGroup *group)
{
  unsigned n = 0;

  for (unsigned i = 0; i < group->members->len; i++) {
    const WzpGroupMember *member = wzp_group_nth(group, i);
    if (!member->gone && (member->state == WZP_MEMBER_CONFIRMED ||
                          twin(group, &member->join, WZP_MEMBER_CONFIRMED) == NULL))
      n++;
  }
  return n;
}

static void
retire_oldest(WzpGroup *group)
{
  unsigned gone = 0, oldest = 0;

  for (unsigned i = group->members->len; i-- > 0;) {
    if (wzp_group_nth(group, i)->gone) {
      gone++;
      oldest = i;
    }
  }
  if (gone > GONE_MAX) {
    g_hash_table_add(group->retired, g_memdup2(wzp_group_nth(group, oldest)->join.jh, 32));
    wzp_group_direct_forget(group, wzp_group_nth(group, oldest));
    g_ptr_array_remove_index(group->members, oldest);
  }
}

/* Out of the room. The member stays in the table: should the same JOIN come back (the relay had lost
 * it for a while), its counters and windows go on where they were. */
void
wzp_group_drop(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  bool had_key = member->key.sent;

  wzp_group_event(
      group, member->state == WZP_MEMBER_CONFIRMED ? WZP_GROUP_LEFT : WZP_GROUP_WITHDRAWN, member);
  member->gone = true;
  member->late_until = member->has_slot ? now + LATE_PACKETS : now;
  member->state = WZP_MEMBER_ANNOUNCED;
  member->absent = false;
  give_up_slot(group, member);
  member->holds_current = member->holds_pending = false;
  sodium_memzero(&member->key, sizeof member->key);
  member->send_confirm = member->send_key_frame = member->send_newest = false;
  member->send_ack = member->send_keyreq = member->send_leave = false;
  wzp_group_direct_over(group, now, member);
  if (had_key)
    wzp_group_rotate(group, now);
}

void
wzp_group_confirm(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  WzpGroupMember *former;

  if (member->state == WZP_MEMBER_CONFIRMED)
    return;
  member->heard_at = member->said_at = now;
  while ((former = twin(group, &member->join, WZP_MEMBER_CONFIRMED)) != NULL)
    wzp_group_drop(group, now, former);
  member->state = WZP_MEMBER_CONFIRMED;
  wzp_group_event(group, WZP_GROUP_CONFIRMED, member);
}

static void
make_absent(WzpGroupMember *member, WzpTime now)
{
  if (!member->absent)
    member->absent_until = now + RETURN_WITHIN;
  member->absent = true;
}

/* The member was shown at this slot: whoever was there is there no more. */
static void
take_slot(WzpGroup *group, WzpTime now, WzpGroupMember *member, uint8_t slot)
{
  WzpGroupMember *other = wzp_group_by_slot(group, slot);
  WzpGroupMember *silent = wzp_group_silent_by_slot(group, slot);

  wzp_group_forget_unlisted(group, slot);
  if (silent != NULL)
    silent->silent = false;
  if (other != NULL && other != member) {
    /* After a restart the old numbers mean nothing, and a former self goes only when its successor
     * confirms, or never shows up elsewhere. Else the relay's "left" got lost. */
    if (other->absent || memcmp(other->join.id, member->join.id, 32) == 0) {
      make_absent(other, now);
      give_up_slot(group, other);
    } else {
      wzp_group_drop(group, now, other);
    }
  }
  give_up_slot(group, member);
  member->slot = slot;
  member->has_slot = true;
  group->by_slot[slot] = member;
  member->absent = false;
}

/* Says again what may have been lost. */
static void
reintroduce(WzpGroupMember *member)
{
  member->send_confirm = true;
  member->direct.say = member->direct.ours || member->direct.path != NULL;
  if (!member->key.acknowledged)
    member->send_key_frame = true;
}

/* Into the room, or back. */
static void
enter(WzpGroup *group, WzpTime now, WzpGroupMember *member, uint8_t slot)
{
  member->gone = member->silent = false;
  member->heard_at = now;
  take_slot(group, now, member, slot);
  wzp_group_event(group, WZP_GROUP_ANNOUNCED, member);
  member->send_confirm = member->send_key_frame = member->send_newest = true;
  retire_oldest(group);
  wzp_group_advance(group, now);
}

/* Room for one more identity; those that the relay forgot and that did not come back make way. */
static bool
make_room(WzpGroup *group, WzpTime now)
{
  for (unsigned i = 0; count_members(group) + 1 >= group->max_members; i++) {
    if (i == group->members->len)
      return false;
    if (!wzp_group_nth(group, i)->gone && wzp_group_nth(group, i)->absent)
      wzp_group_drop(group, now, wzp_group_nth(group, i));
  }
  return true;
}

static WzpResult
check_join(const WzpGroup *group, uint8_t slot, const WzpJoin *join, const uint8_t *blob)
{
  if (slot > WZP_SLOT_MAX)
    return WZP_MALFORMED;
  if (memcmp(join->id, group->join.id, 32) == 0)
    return WZP_OWN_IDENTITY;
  if (memcmp(join->relay_key, group->relay_key, 32) != 0)
    return WZP_WRONG_IDENTITY;
  if (memcmp(join->room_id, group->room_id, 32) != 0)
    return WZP_UNEXPECTED;
  if (!wzp_join_check_mac(blob, &group->secret))
    return WZP_BAD_TAG;
  if (group->has_slot && slot == group->slot)
    return WZP_WRONG_SLOT;
  return WZP_OK;
}

static WzpResult
introduce(WzpGroup *group, WzpTime now, const WzpJoin *join, WzpGroupMember **introduced)
{
  WzpGroupMember *member = g_new0(WzpGroupMember, 1);
  uint8_t sid[32];
  WzpResult result =
      wzp_pair_keys(member->pair.send_key, member->pair.receive.key, &member->direct.config,
                    &group->secret, &group->join, group->e_secret, join);

  if (result != WZP_OK) {
    g_free(member);
    return result;
  }
  member->join = *join;
  g_queue_init(&member->direct.messages);
  wzp_group_pair_init(&member->pair, now);
  wzp_join_stream_id(sid, join);
  member->receiver = wzp_receiver_new(sid);
  g_ptr_array_add(group->members, member);
  *introduced = member;
  return WZP_OK;
}

WzpResult
wzp_group_add_member(WzpGroup *group, WzpTime now, uint8_t slot, const uint8_t *blob, size_t length)
{
  WzpJoin join;
  WzpResult result;

  if (group->left)
    return WZP_UNEXPECTED;
  result = wzp_join_parse(&join, blob, length);
  if (result == WZP_OK)
    result = check_join(group, slot, &join, blob);
  if (result != WZP_OK)
    return result;
  return wzp_group_may_enter(group, join.id) ? wzp_group_admit(group, now, slot, &join)
                                             : wzp_group_show_unlisted(group, slot, &join);
}

WzpResult
wzp_group_admit(WzpGroup *group, WzpTime now, uint8_t slot, const WzpJoin *join)
{
  WzpGroupMember *member = by_jh(group, join->jh), *waiting;

  if (member != NULL && !member->gone) {
    bool moved = member->absent || !member->has_slot || member->slot != slot;
    uint8_t former_slot = member->slot;
    take_slot(group, now, member, slot);
    if (moved)
      reintroduce(member);
    if (former_slot != slot && member->state == WZP_MEMBER_CONFIRMED) {
      wzp_group_event(group, WZP_GROUP_MOVED, member);
      g_array_index(group->events, WzpGroupEvent, group->events->len - 1).former_slot = former_slot;
    }
    wzp_group_advance(group, now);
    return WZP_OK;
  }
  if (g_hash_table_contains(group->retired, join->jh))
    return WZP_UNEXPECTED;
  if (g_hash_table_size(group->retired) >= RETIRED_MAX)
    return WZP_QUEUE_FULL;
  waiting = twin(group, join, WZP_MEMBER_ANNOUNCED);
  if (waiting != NULL)
    wzp_group_drop(group, now, waiting);
  if (twin(group, join, WZP_MEMBER_CONFIRMED) == NULL && !make_room(group, now))
    return WZP_ROOM_FULL;

  if (member == NULL) {
    WzpResult result = introduce(group, now, join, &member);
    if (result != WZP_OK)
      return result;
  }
  enter(group, now, member, slot);
  return WZP_OK;
}

WzpResult
wzp_group_hear_again(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  if (!make_room(group, now))
    return WZP_ROOM_FULL;
  enter(group, now, member, member->slot);
  return WZP_OK;
}

void
wzp_group_remove_member(WzpGroup *group, WzpTime now, uint8_t slot)
{
  WzpGroupMember *member = wzp_group_by_slot(group, slot);
  WzpGroupMember *silent = wzp_group_silent_by_slot(group, slot);

  wzp_group_forget_unlisted(group, slot);
  if (silent != NULL)
    silent->silent = false;
  /* an absent one's slot is of the relay's former life */
  if (member != NULL && !member->absent)
    wzp_group_drop(group, now, member);
}

void
wzp_group_relay_restarted(WzpGroup *group, WzpTime now)
{
  for (unsigned i = 0; i < group->members->len; i++) {
    if (!wzp_group_nth(group, i)->gone)
      make_absent(wzp_group_nth(group, i), now);
    wzp_group_nth(group, i)->silent = false;
  }
  while (group->unlisted->len > 0) /* shown again if they are there */
    wzp_group_forget_unlisted(
        group, ((const WzpGroupUnlisted *)g_ptr_array_index(group->unlisted, 0))->slot);
}

void
wzp_group_set_slot(WzpGroup *group, uint8_t slot)
{
  bool moved = group->has_slot && group->slot != slot;

  group->has_slot = true;
  group->slot = slot;
  for (unsigned i = 0; moved && i < group->members->len; i++) {
    if (!wzp_group_nth(group, i)->gone)
      reintroduce(wzp_group_nth(group, i));
  }
}

void
wzp_group_leave(WzpGroup *group)
{
  group->left = true;
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    member->send_leave = !member->gone && member->state == WZP_MEMBER_CONFIRMED;
  }
  sodium_memzero(group->e_secret, sizeof group->e_secret);
}

static const WzpGroupMember *
nth_present(const WzpGroup *group, unsigned n)
{
  for (unsigned i = 0; i < group->members->len; i++) {
    if (!wzp_group_nth(group, i)->gone && n-- == 0)
      return wzp_group_nth(group, i);
  }
  return NULL;
}

unsigned
wzp_group_n_members(const WzpGroup *group)
{
  unsigned n = 0;

  for (unsigned i = 0; i < group->members->len; i++)
    n += !wzp_group_nth(group, i)->gone;
  return n;
}

bool
wzp_group_member(const WzpGroup *group, unsigned n, WzpMemberInfo *info)
{
  const WzpGroupMember *member = nth_present(group, n);

  if (member == NULL)
    return false;
  info->slot = member->slot;
  info->state = member->state;
  memcpy(info->id, member->join.id, sizeof info->id);
  info->has_our_key = member->holds_current;
  info->we_have_key = wzp_receiver_has_key(member->receiver);
  return true;
}
