/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Media of the members: sealed for all, opened by who sits at the slot. */
#include "group-private.h"

/* Whose stream a packet of this slot is: the member's there, or the one's who just left it. */
static WzpGroupMember *
speaker(const WzpGroup *group, WzpTime now, uint8_t slot)
{
  WzpGroupMember *found = wzp_group_by_slot(group, slot);

  for (unsigned i = group->members->len; found == NULL && i-- > 0;) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (member->gone && member->slot == slot && now < member->late_until)
      found = member;
  }
  return found;
}

bool
wzp_group_path_speaks(const WzpGroup *group, WzpTime now, uint8_t slot)
{
  const WzpGroupMember *there = speaker(group, now, slot);
  return group->beside != NULL && (there == NULL || there == group->beside);
}

void
wzp_group_set_header_repeat(WzpGroup *group, unsigned repeat)
{
  group->policy.repeat = repeat;
}

void
wzp_group_leave_out(WzpGroup *group, unsigned packets)
{
  wzp_sender_leave_out(group->sender, packets);
}

WzpResult
wzp_group_seal(WzpGroup *group, uint8_t code, uint32_t timestamp, uint8_t flags, bool gap,
               const void *plain, size_t length, uint8_t *out, size_t capacity, size_t *out_length,
               WzpHeader *header)
{
  WzpHeaderPolicy policy = group->policy;
  uint32_t epoch = wzp_sender_epoch(group->sender);
  bool had_pending = wzp_sender_has_pending(group->sender);
  WzpSealRequest request = {
      .code = code, .slot = group->slot, .timestamp = timestamp, .flags = flags};
  WzpResult result;

  if (group->left || !group->has_slot || !wzp_group_has_receiver(group))
    return WZP_NO_RECEIVER;
  request.full =
      wzp_header_policy_full(&policy, code, wzp_sender_next_epoch(group->sender), timestamp, gap);
  result =
      wzp_sender_seal(group->sender, &request, plain, length, out, capacity, out_length, header);
  if (result != WZP_OK)
    return result;
  group->policy = policy;
  group->spoke = true;
  group->sealed++;
  if (wzp_sender_epoch(group->sender) != epoch)
    wzp_group_wrapped(group, had_pending);
  return WZP_OK;
}

/* Nobody is known at this slot. A relay that came back may have given it to the one with whom we go directly, and what he says
 * comes before its word: his key tells. */
static WzpResult
open_moved(WzpGroup *group, WzpTime now, const uint8_t *packet, size_t length, uint8_t *out,
           size_t *out_length, WzpOpened *opened)
{
  WzpGroupMember *member = group->beside;
  if (member == NULL || member->gone ||
      wzp_receiver_open(member->receiver, now, packet, length, out, out_length, opened) != WZP_OK)
    return WZP_UNKNOWN_SENDER;
  member->heard_at = now;
  opened->header.slot = member->slot;
  return WZP_OK;
}

WzpResult
wzp_group_open(WzpGroup *group, WzpTime now, const uint8_t *packet, size_t length, uint8_t *out,
               size_t *out_length, WzpOpened *opened)
{
  WzpGroupMember *member;
  WzpHeader header;
  size_t header_length;
  WzpResult result = wzp_header_parse(&header, packet, length, &header_length);

  if (result != WZP_OK)
    return result;
  member = speaker(group, now, header.slot);
  if (member == NULL)
    return open_moved(group, now, packet, length, out, out_length, opened);
  result = wzp_receiver_open(member->receiver, now, packet, length, out, out_length, opened);
  if (result == WZP_OK)
    member->heard_at = now;
  if (result != WZP_OK && !member->gone && wzp_receiver_wants_key(member->receiver, now))
    member->send_keyreq = true;
  return result;
}
