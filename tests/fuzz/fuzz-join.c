/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/group-private.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID_AT (8 + 1 + 32 + 32)

static WzpIdentity *own, *other;
static WzpGroup *group;
static WzpSeededRandom state;

static void
start(void)
{
  const uint8_t relay_key[32] = {1}, own_seed[32] = {2}, other_seed[32] = {3};
  WzpRandom random = wzp_random_seeded(&state, 1);
  WzpRoomSecret secret;

  wzp_init();
  own = wzp_identity_new(own_seed);
  other = wzp_identity_new(other_seed);
  wzp_room_secret_open(&secret, "room");
  group = wzp_group_new(own, &secret, relay_key, &random);
  wzp_group_set_slot(group, 0);
}

/* slot | how | JOIN blob. Bits of how: signed by a known key, the room's own label, version, room and
 * relay put in, cut or filled up to the right length, so that the fuzzer passes those checks too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t blob[WZP_JOIN_BLOB_SIZE];
  WzpJoin join;
  GBytes *record;

  if (group == NULL)
    start();
  if (size < 2)
    return 0;
  if (size - 2 != sizeof blob && !(data[1] & 16)) {
    g_assert_cmpint(wzp_join_parse(&join, data + 2, size - 2), !=, WZP_OK);
    wzp_group_add_member(group, 0, data[0], data + 2, size - 2);
    return 0;
  }
  memset(blob, 0, sizeof blob);
  memcpy(blob, data + 2, MIN(size - 2, sizeof blob));
  if (data[1] & 1)
    memcpy(blob, wzp_group_join(group), ID_AT);
  if (data[1] & 2)
    memcpy(blob + ID_AT, data[1] & 4 ? own->ed25519_public : other->ed25519_public, 32);
  if (data[1] & 2)
    wzp_identity_sign(data[1] & 4 ? own : other, blob + WZP_JOIN_SIZE, blob, WZP_JOIN_SIZE);
  if (data[1] & 8)
    memset(blob + WZP_JOIN_SIZE + 64, 0, 16);

  WzpResult parsed = wzp_join_parse(&join, blob, sizeof blob);
  WzpResult added = wzp_group_add_member(group, 0, data[0], blob, sizeof blob);
  g_assert_true(parsed == WZP_OK || added == parsed);
  while ((record = wzp_group_poll(group, 0)) != NULL) {
    g_assert_cmpint(added, ==, WZP_OK);
    g_bytes_unref(record);
  }
  g_assert_cmpuint(wzp_group_n_members(group), <=, 1);
  wzp_group_remove_member(group, 0, data[0]);
  for (WzpGroupEvent event; (event = wzp_group_next_event(group)).type != WZP_GROUP_NONE;)
    g_assert_true(event.type == WZP_GROUP_ANNOUNCED ||
                  event.type == WZP_GROUP_WITHDRAWN); /* nobody can confirm */
  return 0;
}
