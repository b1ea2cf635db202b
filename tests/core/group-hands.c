/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-hands.h"
#include <string.h>

const uint8_t hands_relay_key[32] = {0x4e};

void
hands_init(Hands *hands, unsigned n, const WzpRoomSecret *secret)
{
  static uint64_t seed = UINT64_C(1) << 48; /* far from those of whole rooms: keys are watched */
  WzpRoomSecret open_room;

  memset(hands, 0, sizeof *hands);
  hands->random = wzp_random_seeded(&hands->state, seed++);
  if (secret == NULL) {
    wzp_room_secret_open(&open_room, ROOM);
    secret = &open_room;
  }
  for (unsigned i = 0; i < n; i++) {
    hands->identity[i] = wzp_identity_new_random(&hands->random);
    hands->group[i] = wzp_group_new(hands->identity[i], secret, hands_relay_key, &hands->random);
    wzp_group_set_slot(hands->group[i], (uint8_t)i);
  }
}

void
hands_clear(Hands *hands)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(hands->group); i++) {
    wzp_group_free(hands->group[i]);
    wzp_identity_free(hands->identity[i]);
  }
}

/* Who has a slot is found there, and nobody else. */
static void
assert_slots(const WzpGroup *group)
{
  unsigned with_slot = 0, found = 0;
  for (unsigned i = 0; i < group->members->len; i++) {
    const WzpGroupMember *one = g_ptr_array_index(group->members, i);
    g_assert_false(one->gone && one->has_slot);
    g_assert_true(!one->has_slot || wzp_group_by_slot(group, one->slot) == one);
    with_slot += one->has_slot;
  }
  for (unsigned slot = 0; slot <= UINT8_MAX; slot++)
    found += wzp_group_by_slot(group, (uint8_t)slot) != NULL;
  g_assert_cmpuint(found, ==, with_slot);
}

WzpResult
show(WzpGroup *to, WzpTime now, uint8_t slot, const WzpGroup *who)
{
  WzpResult result = wzp_group_add_member(to, now, slot, wzp_group_join(who), WZP_JOIN_BLOB_SIZE);
  assert_slots(to);
  return result;
}

WzpResult
give(WzpGroup *to, WzpTime now, GBytes *record)
{
  size_t length;
  const uint8_t *data = g_bytes_get_data(record, &length);
  WzpResult result = wzp_group_receive(to, now, data, length);
  assert_slots(to);
  return result;
}

unsigned
carry(Hands *hands, WzpTime now)
{
  unsigned carried = 0;
  bool more = true;

  while (more) {
    more = false;
    for (unsigned i = 0; i < G_N_ELEMENTS(hands->group); i++) {
      GBytes *record = hands->group[i] ? wzp_group_poll(hands->group[i], now) : NULL;
      if (record == NULL)
        continue;
      const uint8_t *data = g_bytes_get_data(record, NULL);
      g_assert_cmpuint(data[1], ==, i);
      g_assert_cmpint(give(hands->group[data[0]], now, record), ==, WZP_OK);
      g_bytes_unref(record);
      more = true;
      carried++;
    }
  }
  return carried;
}

WzpResult
say(WzpGroup *group, uint32_t timestamp, uint8_t packet[64], size_t *length)
{
  WzpHeader header;
  return wzp_group_seal(group, 0, timestamp, 0, false, "hello", 5, packet, 64, length, &header);
}

WzpResult
listen_to(WzpGroup *group, WzpTime now, const uint8_t *packet, size_t length)
{
  uint8_t plain[64];
  size_t plain_length;
  WzpOpened opened;
  WzpResult result = wzp_group_open(group, now, packet, length, plain, &plain_length, &opened);
  if (result == WZP_OK)
    g_assert_cmpmem(plain, plain_length, "hello", 5);
  return result;
}

void
assert_talks(WzpGroup *from, WzpGroup *to, WzpTime now)
{
  uint8_t packet[64];
  size_t length;
  g_assert_cmpint(say(from, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpint(listen_to(to, now, packet, length), ==, WZP_OK);
}

WzpMemberInfo
member(const WzpGroup *group, unsigned n)
{
  WzpMemberInfo info;
  g_assert_true(wzp_group_member(group, n, &info));
  return info;
}

WzpGroupEvent
next_told(WzpGroup *group)
{
  WzpGroupEvent event;
  do
    event = wzp_group_next_event(group);
  while (event.type == WZP_GROUP_ANNOUNCED || event.type == WZP_GROUP_WITHDRAWN);
  return event;
}

WzpGroupEventType
next_event(WzpGroup *group)
{
  return next_told(group).type;
}

void
three_talking(Hands *hands, WzpTime now)
{
  hands_init(hands, 3, NULL);
  for (unsigned i = 0; i < 3; i++) {
    for (unsigned k = 0; k < 3; k++) {
      if (i != k)
        show(hands->group[i], now, (uint8_t)k, hands->group[k]);
    }
  }
  carry(hands, now);
  assert_talks(hands->group[0], hands->group[1], now);
  assert_talks(hands->group[0], hands->group[2], now);
}
