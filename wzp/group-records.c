/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <sodium.h>
#include <string.h>

/* Pairwise records: to(1) | from(1) | ctr(4) | AEAD(frames). */
#define FRAMES_MAX (64 + WZP_GROUP_DIRECT_FRAMES_MAX) /* one of each kind: 1 + 1 + 9 + 37 + 1 */

enum { FRAME_PADDING, FRAME_CONFIRM, FRAME_KEY, FRAME_KEYACK, FRAME_KEYREQ, FRAME_LEAVE };

static bool
has_something_to_say(const WzpGroup *group, const WzpGroupMember *member)
{
  if (member->gone || member->absent || !member->has_slot ||
      !wzp_group_pair_can_send(&member->pair))
    return false;
  if (group->left)
    return member->send_leave;
  return member->send_confirm || member->send_key_frame || member->send_ack ||
         member->send_keyreq || wzp_group_direct_has_frames(member);
}

static void
write_frames(WzpGroup *group, WzpTime now, WzpGroupMember *member, WzpWriter *writer)
{
  uint64_t number = wzp_group_pair_next_number(&member->pair);

  if (group->left) {
    wzp_writer_u8(writer, FRAME_LEAVE);
    member->send_leave = false;
    return;
  }
  if (member->send_confirm)
    wzp_writer_u8(writer, FRAME_CONFIRM);
  if (member->send_ack) {
    wzp_writer_u8(writer, FRAME_KEYACK);
    wzp_writer_u32(writer, member->ack_epoch);
    wzp_writer_u32(writer, member->ack_counter);
  }
  if (member->send_key_frame) {
    if (member->send_newest || !member->key.sent)
      wzp_group_key_assign(group, now, member, number);
    else
      wzp_group_key_repeat(member, now, number);
    wzp_writer_u8(writer, FRAME_KEY);
    wzp_writer_u32(writer, member->key.epoch);
    wzp_writer_bytes(writer, member->key.base, sizeof member->key.base);
  }
  if (member->send_keyreq)
    wzp_writer_u8(writer, FRAME_KEYREQ);
  wzp_group_direct_write(member, writer); /* last: whoever does not know these reads no further */
  member->send_confirm = member->send_ack = member->send_key_frame = false;
  member->send_newest = member->send_keyreq = false;
}

static GBytes *
build_record(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  uint8_t frames[FRAMES_MAX];
  WzpWriter plain;
  GBytes *record;

  wzp_writer_init(&plain, frames, sizeof frames);
  write_frames(group, now, member, &plain);
  g_assert(!plain.failed);
  record = wzp_group_pair_seal(&member->pair, member->slot, group->slot, frames, plain.length);
  member->said_at = now;
  sodium_memzero(frames, sizeof frames);
  return record;
}

GBytes *
wzp_group_poll(WzpGroup *group, WzpTime now)
{
  unsigned n = group->members->len;

  if (!group->has_slot)
    return NULL;
  for (unsigned i = 0; i < n; i++) {
    unsigned at = (group->next_record + i) % n;
    WzpGroupMember *member = wzp_group_nth(group, at);
    if (has_something_to_say(group, member)) {
      group->next_record = at + 1;
      return build_record(group, now, member);
    }
  }
  return NULL;
}

GBytes *
wzp_group_poll_direct(WzpGroup *group, WzpTime now)
{
  WzpGroupMember *member = group->beside;

  if (!group->has_slot || member == NULL || !has_something_to_say(group, member))
    return NULL;
  return build_record(group, now, member);
}

/* A KEY that an older record brings than the one we have for that epoch was replaced since. */
static WzpResult
receive_key(WzpGroupMember *member, uint64_t number, uint32_t epoch, const uint8_t base[32])
{
  unsigned at = epoch % WZP_KEYS_REMEMBERED;
  WzpResult result;

  if (member->keys_seen[at].set &&
      (member->keys_seen[at].epoch > epoch ||
       (member->keys_seen[at].epoch == epoch && member->keys_seen[at].number > number)))
    return WZP_TOO_OLD;
  /* too old: we are past it and hold what follows from it, which is what the sender wants to know */
  result = wzp_receiver_add_base(member->receiver, epoch, base);
  if (result != WZP_OK && result != WZP_TOO_OLD)
    return result;
  member->keys_seen[at].set = true;
  member->keys_seen[at].epoch = epoch;
  member->keys_seen[at].number = number;
  member->send_ack = true;
  member->ack_epoch = epoch;
  member->ack_counter = (uint32_t)number; /* as it was on the wire */
  return WZP_OK;
}

static WzpResult
read_frames(WzpGroup *group, WzpTime now, WzpGroupMember *member, uint64_t number,
            WzpReader *reader)
{
  WzpResult result = WZP_OK;

  while (wzp_reader_left(reader) > 0) {
    uint32_t epoch, named;
    const uint8_t *base, *message;
    size_t length;
    bool on;

    switch (wzp_reader_u8(reader)) {
    case FRAME_CONFIRM:
      break;
    case FRAME_KEY:
      epoch = wzp_reader_u32(reader);
      base = wzp_reader_bytes(reader, 32);
      if (base != NULL && result == WZP_OK)
        result = receive_key(member, number, epoch, base);
      break;
    case FRAME_KEYACK:
      epoch = wzp_reader_u32(reader);
      named = wzp_reader_u32(reader);
      if (!reader->failed)
        wzp_group_key_acknowledged(group, member, epoch,
                                   wzp_group_pair_sent_number(&member->pair, named));
      break;
    case FRAME_KEYREQ:
      wzp_group_key_requested(member, now);
      break;
    case FRAME_LEAVE:
      wzp_group_drop(group, now, member);
      return result;
    case WZP_GROUP_FRAME_DIRECT:
      on = wzp_reader_u8(reader) != 0;
      if (!reader->failed)
        wzp_group_direct_said(group, now, member, on);
      break;
    case WZP_GROUP_FRAME_PATH:
      length = wzp_reader_u16(reader);
      message = wzp_reader_bytes(reader, length);
      if (message != NULL && result == WZP_OK)
        result = wzp_group_direct_message(now, member, message, length);
      break;
    case FRAME_PADDING:
    default:
      return result;
    }
    if (reader->failed)
      return WZP_TRUNCATED;
  }
  return result;
}

WzpResult
wzp_group_receive(WzpGroup *group, WzpTime now, const uint8_t *record, size_t length)
{
  uint8_t frames[WZP_DATAGRAM_MAX];
  WzpGroupMember *member;
  WzpReader reader;
  uint8_t to, from;
  uint64_t number;
  WzpResult result;

  if (length < WZP_PAIR_HEADER + WZP_TAG_SIZE)
    return WZP_TRUNCATED;
  if (length > sizeof frames)
    return WZP_TOO_LONG;
  if (group->left)
    return WZP_UNEXPECTED;
  to = record[0];
  from = record[1];
  if (!group->has_slot || to != group->slot)
    return WZP_WRONG_SLOT;
  member = wzp_group_by_slot(group, from);
  if (member == NULL)
    member = wzp_group_silent_by_slot(group, from);
  if (member == NULL)
    return WZP_UNKNOWN_SENDER;
  result = wzp_group_pair_open(&member->pair, now, record, length, frames, &number);
  if (result != WZP_OK)
    return result;

  if (member->silent)
    result = wzp_group_hear_again(group, now, member);
  if (result != WZP_OK) {
    sodium_memzero(frames, sizeof frames);
    return result;
  }
  member->heard_at = now;
  wzp_group_confirm(group, now, member);
  wzp_reader_init(&reader, frames, length - WZP_PAIR_HEADER - WZP_TAG_SIZE);
  result = read_frames(group, now, member, number, &reader);
  sodium_memzero(frames, sizeof frames);
  wzp_group_advance(group, now);
  return result;
}
