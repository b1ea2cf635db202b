/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <string.h>

/* Listed rooms: who is not on the owner's list is shown, and given nothing. */

/* So many are told of in all; a relay can make up as many as it likes. */
#define UNLISTED_TOLD_MAX 4096

void
wzp_group_list_init(WzpGroup *group)
{
  group->unlisted = g_ptr_array_new_with_free_func(g_free);
}

void
wzp_group_list_clear(WzpGroup *group)
{
  g_ptr_array_unref(group->unlisted);
  wzp_room_list_unref(group->list);
}

bool
wzp_group_may_enter(const WzpGroup *group, const uint8_t id[32])
{
  return group->list == NULL || wzp_room_list_has(group->list, id);
}

static WzpGroupUnlisted *
nth(const WzpGroup *group, unsigned n)
{
  return g_ptr_array_index(group->unlisted, n);
}

void
wzp_group_forget_unlisted(WzpGroup *group, uint8_t slot)
{
  for (unsigned i = 0; i < group->unlisted->len; i++) {
    const WzpGroupUnlisted *unlisted = nth(group, i);
    if (unlisted->slot != slot)
      continue;
    wzp_group_tell(group, WZP_GROUP_UNLISTED_LEFT, slot, unlisted->join.id);
    g_ptr_array_remove_index(group->unlisted, i);
    return;
  }
}

WzpResult
wzp_group_show_unlisted(WzpGroup *group, uint8_t slot, const WzpJoin *join)
{
  for (unsigned i = 0; i < group->unlisted->len; i++) {
    const WzpGroupUnlisted *unlisted = nth(group, i);
    if (memcmp(unlisted->join.jh, join->jh, sizeof join->jh) != 0)
      continue;
    if (unlisted->slot == slot)
      return WZP_NOT_ALLOWED;
    wzp_group_forget_unlisted(group, unlisted->slot);
    break;
  }
  wzp_group_forget_unlisted(group, slot);
  if (group->unlisted_told >= UNLISTED_TOLD_MAX)
    return WZP_QUEUE_FULL;
  group->unlisted_told++;
  WzpGroupUnlisted *unlisted = g_new0(WzpGroupUnlisted, 1);
  unlisted->join = *join;
  unlisted->slot = slot;
  g_ptr_array_add(group->unlisted, unlisted);
  wzp_group_tell(group, WZP_GROUP_UNLISTED, slot, join->id);
  return WZP_NOT_ALLOWED;
}

/* Whoever is not on the list any more has left; the relay still shows it. */
static void
expel(WzpGroup *group, WzpTime now)
{
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    bool shown = member->has_slot && !member->absent;
    if (wzp_group_may_enter(group, member->join.id))
      continue;
    member->silent = false; /* nor does a record bring it back */
    if (member->gone)
      continue;
    wzp_group_drop(group, now, member);
    if (shown)
      wzp_group_show_unlisted(group, member->slot, &member->join);
  }
}

static void
let_in(WzpGroup *group, WzpTime now)
{
  for (unsigned i = 0; i < group->unlisted->len;) {
    const WzpGroupUnlisted unlisted = *nth(group, i);
    if (!wzp_group_may_enter(group, unlisted.join.id)) {
      i++;
      continue;
    }
    wzp_group_forget_unlisted(group, unlisted.slot);
    wzp_group_admit(group, now, unlisted.slot, &unlisted.join);
  }
}

WzpResult
wzp_group_set_list(WzpGroup *group, WzpTime now, WzpRoomList *list)
{
  WzpRoomList *former = group->list;

  if (list != NULL && memcmp(wzp_room_list_room_id(list), group->room_id, 32) != 0)
    return WZP_UNEXPECTED;
  if (list != NULL && !wzp_room_list_has(list, group->join.id))
    return WZP_NOT_ALLOWED;
  group->list = list != NULL ? wzp_room_list_ref(list) : NULL;
  wzp_room_list_unref(former);
  if (group->left)
    return WZP_OK;
  expel(group, now);
  let_in(group, now);
  return WZP_OK;
}
