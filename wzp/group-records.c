/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <sodium.h>
#include <string.h>

/* Pairwise records: to(1) | from(1) | ctr(4) | AEAD(frames). */
#define RECORD_HEADER 6
#define FRAMES_MAX 64 /* one of each kind: 1 + 1 + 9 + 37 + 1 */

enum { FRAME_PADDING, FRAME_CONFIRM, FRAME_KEY, FRAME_KEYACK, FRAME_KEYREQ, FRAME_LEAVE };

static void
record_nonce(uint8_t nonce[WZP_NONCE_SIZE], uint32_t counter)
{
  WzpWriter writer;

  wzp_writer_init(&writer, nonce, WZP_NONCE_SIZE);
  wzp_writer_zero(&writer, 8);
  wzp_writer_u32(&writer, counter);
}

static bool
has_something_to_say(const WzpGroup *group, const WzpGroupMember *member)
{
  if (member->gone || member->absent || !member->has_slot ||
      member->send_counter > WZP_PAIR_COUNTER_MAX)
    return false;
  if (group->left)
    return member->send_leave;
  return member->send_confirm || member->send_key_frame || member->send_ack || member->send_keyreq;
}

static void
write_frames(WzpGroup *group, WzpTime now, WzpGroupMember *member, WzpWriter *writer)
{
  uint32_t counter = member->send_counter;

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
      wzp_group_key_assign(group, now, member, counter);
    else
      wzp_group_key_repeat(member, now, counter);
    wzp_writer_u8(writer, FRAME_KEY);
    wzp_writer_u32(writer, member->key.epoch);
    wzp_writer_bytes(writer, member->key.base, sizeof member->key.base);
  }
  if (member->send_keyreq)
    wzp_writer_u8(writer, FRAME_KEYREQ);
  member->send_confirm = member->send_ack = member->send_key_frame = false;
  member->send_newest = member->send_keyreq = false;
}

static GBytes *
build_record(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  uint8_t frames[FRAMES_MAX], nonce[WZP_NONCE_SIZE];
  WzpWriter plain, writer;
  uint8_t *record;
  size_t length;

  wzp_writer_init(&plain, frames, sizeof frames);
  write_frames(group, now, member, &plain);
  g_assert(!plain.failed);

  length = RECORD_HEADER + plain.length + WZP_TAG_SIZE;
  record = g_malloc(length);
  wzp_writer_init(&writer, record, length);
  wzp_writer_u8(&writer, member->slot);
  wzp_writer_u8(&writer, group->slot);
  wzp_writer_u32(&writer, member->send_counter);
  record_nonce(nonce, member->send_counter);
  wzp_aead_seal(record + RECORD_HEADER, member->send_key, nonce, record, RECORD_HEADER, frames,
                plain.length);
  member->send_counter++;
  sodium_memzero(frames, sizeof frames);
  return g_bytes_new_take(record, length);
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

/* A KEY that an older record brings than the one we have for that epoch was replaced since. */
static WzpResult
receive_key(WzpGroupMember *member, uint32_t counter, uint32_t epoch, const uint8_t base[32])
{
  unsigned at = epoch % WZP_KEYS_REMEMBERED;
  WzpResult result;

  if (member->keys_seen[at].set &&
      (member->keys_seen[at].epoch > epoch ||
       (member->keys_seen[at].epoch == epoch && member->keys_seen[at].counter > counter)))
    return WZP_TOO_OLD;
  /* too old: we are past it and hold what follows from it, which is what the sender wants to know */
  result = wzp_receiver_add_base(member->receiver, epoch, base);
  if (result != WZP_OK && result != WZP_TOO_OLD)
    return result;
  member->keys_seen[at].set = true;
  member->keys_seen[at].epoch = epoch;
  member->keys_seen[at].counter = counter;
  member->send_ack = true;
  member->ack_epoch = epoch;
  member->ack_counter = counter;
  return WZP_OK;
}

static WzpResult
read_frames(WzpGroup *group, WzpTime now, WzpGroupMember *member, uint32_t counter,
            WzpReader *reader)
{
  WzpResult result = WZP_OK;

  while (wzp_reader_left(reader) > 0) {
    uint32_t epoch, named;
    const uint8_t *base;

    switch (wzp_reader_u8(reader)) {
    case FRAME_CONFIRM:
      break;
    case FRAME_KEY:
      epoch = wzp_reader_u32(reader);
      base = wzp_reader_bytes(reader, 32);
      if (base != NULL && result == WZP_OK)
        result = receive_key(member, counter, epoch, base);
      break;
    case FRAME_KEYACK:
      epoch = wzp_reader_u32(reader);
      named = wzp_reader_u32(reader);
      if (!reader->failed)
        wzp_group_key_acknowledged(group, member, epoch, named);
      break;
    case FRAME_KEYREQ:
      wzp_group_key_requested(member, now);
      break;
    case FRAME_LEAVE:
      wzp_group_drop(group, now, member);
      return result;
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
  uint8_t frames[WZP_DATAGRAM_MAX], nonce[WZP_NONCE_SIZE];
  WzpGroupMember *member;
  WzpReader reader;
  uint8_t to, from;
  uint32_t counter;
  WzpResult result;

  if (length < RECORD_HEADER + WZP_TAG_SIZE)
    return WZP_TRUNCATED;
  if (length > sizeof frames)
    return WZP_TOO_LONG;
  if (group->left)
    return WZP_UNEXPECTED;
  wzp_reader_init(&reader, record, length);
  to = wzp_reader_u8(&reader);
  from = wzp_reader_u8(&reader);
  counter = wzp_reader_u32(&reader);
  if (!group->has_slot || to != group->slot)
    return WZP_WRONG_SLOT;
  member = wzp_group_by_slot(group, from);
  if (member == NULL)
    return WZP_UNKNOWN_SENDER;
  if (counter > WZP_PAIR_COUNTER_MAX)
    return WZP_NO_KEY; /* a later generation of the pairwise key, which we do not have */
  result = wzp_window_admit(&member->window, counter);
  if (result != WZP_OK)
    return result;
  record_nonce(nonce, counter);
  if (!wzp_aead_open(frames, member->receive_key, nonce, record, RECORD_HEADER,
                     record + RECORD_HEADER, length - RECORD_HEADER))
    return WZP_BAD_TAG;
  wzp_window_mark(&member->window, counter);

  wzp_group_confirm(group, now, member);
  wzp_reader_init(&reader, frames, length - RECORD_HEADER - WZP_TAG_SIZE);
  result = read_frames(group, now, member, counter, &reader);
  sodium_memzero(frames, sizeof frames);
  wzp_group_advance(group, now);
  return result;
}
