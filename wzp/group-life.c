/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"

/* What happens in a room as time goes by: signs of life and their absence, keys that have served their time, and
 * what must be said again. */

/* Who says nothing for so long has left; who has nothing to say says so. */
#define SILENT_MAX (30 * WZP_SECOND)
#define SPEAK_EVERY (10 * WZP_SECOND)

static bool
is_shown(const WzpGroupMember *member)
{
  return !member->gone && !member->absent && member->has_slot;
}

static bool
is_reachable(const WzpGroupMember *member)
{
  return is_shown(member) && member->state == WZP_MEMBER_CONFIRMED;
}

static WzpTime
silent_at(const WzpGroup *group, const WzpGroupMember *member)
{
  return MAX(member->heard_at, group->watched_since) + SILENT_MAX;
}

/* Signs of life, the pair's keys, and what must be said again. */
static void
look_after(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  wzp_group_pair_expire(&member->pair, now);
  /* nor does who never proved itself keep our key for longer */
  if (is_shown(member) && now >= silent_at(group, member)) {
    wzp_group_drop(group, now, member);
    member->silent = true;
    return;
  }
  if (is_reachable(member)) {
    if (now >= member->pair.ratchet_at) {
      wzp_group_pair_ratchet(&member->pair, now);
      member->send_confirm = true; /* which lets the other side follow */
    }
    if (group->spoke)
      member->said_at = now;
    if (now >= member->said_at + SPEAK_EVERY) {
      member->send_confirm = true;
      member->said_at = now;
    }
  }
  if (now >= wzp_group_key_resend_at(member)) {
    member->send_key_frame = true;
    member->key.resend_at = now + member->key.resend_step;
  }
  if (wzp_receiver_wants_key(member->receiver, now))
    member->send_keyreq = true;
}

void
wzp_group_handle_timeout(WzpGroup *group, WzpTime now)
{
  if (now - group->looked_at > 2 * SPEAK_EVERY) /* we were away */
    group->watched_since = now;
  group->looked_at = now;
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (!member->gone && member->absent && now >= member->absent_until)
      wzp_group_drop(group, now, member);
    else if (!member->gone)
      look_after(group, now, member);
  }
  group->spoke = false;
  if (now >= wzp_group_rekey_at(group))
    wzp_group_rotate(group, now);
  wzp_group_advance(group, now);
}

WzpTime
wzp_group_next_timeout(const WzpGroup *group)
{
  WzpTime next = MIN(wzp_group_switch_at(group), wzp_group_rekey_at(group));

  if (group->left)
    return WZP_NEVER;
  for (unsigned i = 0; i < group->members->len; i++) {
    const WzpGroupMember *member = wzp_group_nth(group, i);
    if (member->gone)
      continue;
    if (member->absent)
      next = MIN(next, member->absent_until);
    next = MIN(next, wzp_group_key_resend_at(member));
    if (is_shown(member))
      next = MIN(next, silent_at(group, member));
    if (is_reachable(member)) {
      next = MIN(next, member->pair.ratchet_at);
      next = MIN(next, member->said_at + SPEAK_EVERY);
    }
  }
  return next;
}
