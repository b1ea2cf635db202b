/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <sodium.h>
#include <string.h>

/* Between changes of epoch, so that two bits in a header are enough. */
#define CHANGE_EVERY (4 * WZP_SECOND)
/* How long those who stay may take to acknowledge a fresh base. */
#define ACKNOWLEDGE_WITHIN (5 * WZP_SECOND)
/* The hop is reliable; sending again covers a relay that lost its memory. */
#define RESEND_FIRST WZP_SECOND
#define RESEND_MAX (5 * WZP_SECOND)
#define KEYREQ_EVERY WZP_SECOND
/* A fresh base at least so often. */
#define REKEY_EVERY (600 * WZP_SECOND)
#define REKEY_PACKETS (1u << 15)

static bool
listens(const WzpGroupMember *member)
{
  return !member->gone && member->state == WZP_MEMBER_CONFIRMED && member->holds_current;
}

/* Has the key in use, or can have it soon: the record that brings it is on its way. */
static bool
may_listen(const WzpGroupMember *member)
{
  const WzpGroupKey *key = &member->key;

  return listens(member) || (key->sent && !key->replaced && !key->for_pending);
}

bool
wzp_group_has_receiver(const WzpGroup *group)
{
  for (unsigned i = 0; i < group->members->len; i++) {
    if (may_listen(wzp_group_nth(group, i)))
      return true;
  }
  return false;
}

WzpTime
wzp_group_rekey_at(const WzpGroup *group)
{
  if (group->pending_fresh || group->base_at == WZP_NEVER ||
      !wzp_sender_epoch_used(group->sender) || !wzp_group_has_receiver(group))
    return WZP_NEVER;
  return group->sealed >= REKEY_PACKETS ? group->base_at : group->base_at + REKEY_EVERY;
}

WzpTime
wzp_group_switch_at(const WzpGroup *group)
{
  bool all_hold = true, anybody = false;
  WzpTime earliest = group->changed_at + CHANGE_EVERY;

  if (!wzp_sender_has_pending(group->sender))
    return WZP_NEVER;
  for (unsigned i = 0; i < group->members->len; i++) {
    const WzpGroupMember *member = wzp_group_nth(group, i);
    if (listens(member))
      anybody = true;
    if (!member->gone && member->state == WZP_MEMBER_CONFIRMED && !member->holds_pending)
      all_hold = false;
  }
  if (!anybody)
    return INT64_MIN; /* nobody said that he has the current epoch: leaving it costs little */
  if (group->pending_fresh && !all_hold)
    return MAX(earliest, group->pending_since + ACKNOWLEDGE_WITHIN);
  return earliest;
}

/* The pending base became the current one. */
static void
pending_is_current(WzpGroup *group)
{
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (group->pending_fresh) {
      member->holds_current = member->holds_pending;
      if (!member->key.for_pending)
        member->key.replaced = true;
    } else {
      member->holds_current = member->holds_current || member->holds_pending;
    }
    member->holds_pending = false;
    member->key.for_pending = false;
  }
  group->pending_fresh = false;
}

void
wzp_group_advance(WzpGroup *group, WzpTime now)
{
  if (group->changed_unknown) {
    group->changed_unknown = false;
    group->changed_at = now;
  }
  if (group->base_at == WZP_NEVER)
    group->base_at = now;
  if (now < wzp_group_switch_at(group))
    return;
  wzp_sender_switch(group->sender);
  pending_is_current(group);
  group->changed_at = now;
}

void
wzp_group_wrapped(WzpGroup *group, bool had_pending)
{
  if (had_pending)
    pending_is_current(group);
  group->changed_unknown = true;
}

void
wzp_group_rotate(WzpGroup *group, WzpTime now)
{
  bool used = wzp_sender_epoch_used(group->sender);
  uint8_t base[32];

  wzp_random_fill(&group->random, base, sizeof base);
  if (used) {
    wzp_sender_set_pending(group->sender, base);
    group->pending_fresh = true;
    group->pending_since = now;
  } else {
    wzp_sender_replace_unused(group->sender, base);
  }
  sodium_memzero(base, sizeof base);
  group->base_at = now;
  group->sealed = 0;

  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    member->holds_pending = false;
    if (!used)
      member->holds_current = false;
    if (!used || member->key.for_pending)
      member->key.replaced = true;
    if (!member->gone)
      member->send_key_frame = member->send_newest = true;
  }
  wzp_group_advance(group, now);
}

void
wzp_group_key_assign(WzpGroup *group, WzpTime now, WzpGroupMember *member, uint64_t number)
{
  WzpGroupKey *key = &member->key;

  /* A newcomer must not be able to read what was sealed before: it gets the next epoch's base, which
   * the others reach by the ratchet. Under an unused epoch there is nothing to read. */
  if (!wzp_sender_has_pending(group->sender) && wzp_sender_epoch_used(group->sender) &&
      !member->holds_current) {
    uint8_t base[32];
    wzp_sender_ratcheted_base(group->sender, base);
    wzp_sender_set_pending(group->sender, base);
    sodium_memzero(base, sizeof base);
    group->pending_fresh = false;
    group->pending_since = now;
  }
  memset(key, 0, sizeof *key);
  key->sent = true;
  key->for_pending = wzp_sender_has_pending(group->sender);
  key->epoch = wzp_sender_epoch(group->sender) + (key->for_pending ? 1 : 0);
  memcpy(key->base,
         key->for_pending ? wzp_sender_pending(group->sender) : wzp_sender_base(group->sender), 32);
  key->first_number = key->last_number = number;
  key->resend_step = RESEND_FIRST;
  key->resend_at = now + RESEND_FIRST;
  wzp_group_advance(group, now);
}

void
wzp_group_key_repeat(WzpGroupMember *member, WzpTime now, uint64_t number)
{
  WzpGroupKey *key = &member->key;

  key->last_number = number;
  key->resend_step = MIN(2 * key->resend_step, RESEND_MAX);
  key->resend_at = now + key->resend_step;
}

WzpTime
wzp_group_key_resend_at(const WzpGroupMember *member)
{
  const WzpGroupKey *key = &member->key;
  bool reachable = !member->gone && !member->absent && member->has_slot;

  return reachable && key->sent && !key->replaced && !key->acknowledged ? key->resend_at
                                                                        : WZP_NEVER;
}

void
wzp_group_key_acknowledged(WzpGroup *group, WzpGroupMember *member, uint32_t epoch, uint64_t number)
{
  WzpGroupKey *key = &member->key;

  if (!key->sent || key->replaced || epoch != key->epoch || number < key->first_number ||
      number > key->last_number || key->acknowledged)
    return;
  key->acknowledged = true;
  wzp_group_pair_ratchet_soon(&member->pair); /* the records that brought it are not needed again */
  if (key->for_pending)
    member->holds_pending = true;
  else
    member->holds_current = true;
  wzp_group_event(group, WZP_GROUP_READY, member);
}

void
wzp_group_key_requested(WzpGroupMember *member, WzpTime now)
{
  if (member->state != WZP_MEMBER_CONFIRMED || !member->key.sent)
    return;
  if (member->keyreq_answered && now - member->keyreq_answered_at < KEYREQ_EVERY)
    return;
  member->keyreq_answered = true;
  member->keyreq_answered_at = now;
  member->send_key_frame = true;
}
