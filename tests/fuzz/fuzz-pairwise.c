/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/group-private.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t relay_key[32] = {1};

/* What the direct path wants; its messages go to the other side. */
static void
pump_path(WzpGroup *group, WzpTime now)
{
  WzpPathOutput output;
  uint32_t serial;
  WzpPath *path = wzp_group_path(group, &serial);
  while (path != NULL && wzp_path_poll(path, now, &output))
    if (output.type == WZP_PATH_SEND_MESSAGE)
      g_assert_cmpint(wzp_group_send_path(group, output.data, output.length), ==, WZP_OK);
}

/* What we send opens at the other side or is for a record that never came; it never crashes it. */
static void
pump(WzpGroup *from, WzpGroup *to, WzpTime now)
{
  GBytes *record;
  size_t length;

  wzp_group_follow_paths(from, now);
  pump_path(from, now);
  while ((record = wzp_group_poll(from, now)) != NULL) {
    const uint8_t *bytes = g_bytes_get_data(record, &length);
    wzp_group_receive(to, now, bytes, length);
    g_bytes_unref(record);
  }
  while (wzp_group_next_event(from).type != WZP_GROUP_NONE)
    ;
}

/* A program of steps by a member who holds the pairwise key: frames under any counter, raw records,
 * time, the relay's doings; and speech, which must go on or be refused, nothing else. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpSeededRandom state;
  WzpRandom random;
  WzpIdentity *identity[2];
  WzpGroup *group[2];
  WzpRoomSecret secret;
  WzpReader reader;
  WzpTime now = 0;

  wzp_init();
  random = wzp_random_seeded(&state, 1);
  wzp_room_secret_open(&secret, "room");
  for (unsigned i = 0; i < 2; i++) {
    identity[i] = wzp_identity_new_random(&random);
    group[i] = wzp_group_new(identity[i], &secret, relay_key, &random);
    wzp_group_set_slot(group[i], (uint8_t)i);
    wzp_group_set_direct(group[i], true);
  }
  wzp_group_add_member(group[0], now, 1, wzp_group_join(group[1]), WZP_JOIN_BLOB_SIZE);
  wzp_group_add_member(group[1], now, 0, wzp_group_join(group[0]), WZP_JOIN_BLOB_SIZE);
  const WzpGroupMember *as = wzp_group_nth(group[1], 0);
  for (unsigned i = 0; i < 2; i++)
    wzp_group_trust(group[i], identity[1 - i]->ed25519_public);

  wzp_reader_init(&reader, data, size);
  while (wzp_reader_left(&reader) > 0 && !reader.failed) {
    uint8_t step = wzp_reader_u8(&reader), record[6 + 255 + WZP_TAG_SIZE], packet[128];
    uint8_t plain[128], nonce[WZP_NONCE_SIZE] = {0};
    size_t length, packet_length, plain_length;
    uint32_t serial;
    WzpOpened opened;
    WzpResult result;

    switch (step & 7) {
    case 0:
    case 1: { /* frames, sealed */
      uint32_t counter = wzp_reader_u32(&reader);
      length = wzp_reader_u8(&reader);
      const uint8_t *frames = wzp_reader_bytes(&reader, length);
      WzpWriter writer;
      if (frames == NULL)
        break;
      wzp_writer_init(&writer, record, sizeof record);
      wzp_writer_u8(&writer, 0);
      wzp_writer_u8(&writer, wzp_group_nth(group[0], 0)->slot);
      wzp_writer_u32(&writer, counter);
      memcpy(nonce + 8, record + 2, 4);
      wzp_aead_seal(record + 6, as->pair.send_key, nonce, record, 6, frames, length);
      wzp_group_receive(group[0], now, record, 6 + length + WZP_TAG_SIZE);
      g_assert_cmpint(wzp_group_receive(group[0], now, record, 6 + length + WZP_TAG_SIZE), !=,
                      WZP_OK);
      break;
    }
    case 2: { /* raw */
      length = wzp_reader_u8(&reader);
      const uint8_t *raw = wzp_reader_bytes(&reader, length);
      if (raw != NULL)
        wzp_group_receive(group[0], now, raw, length);
      break;
    }
    case 3:
      now += (WzpTime)(step >> 3) * 300 * WZP_MSEC;
      wzp_group_handle_timeout(group[0], now);
      g_assert_cmpint(wzp_group_next_timeout(group[0]), >, now);
      if (wzp_group_path(group[0], &serial) != NULL)
        wzp_path_handle_timeout(wzp_group_path(group[0], &serial), now);
      break;
    case 4:
      wzp_group_remove_member(group[0], now, step >> 3);
      break;
    case 5:
      wzp_group_add_member(group[0], now, step >> 3, wzp_group_join(group[1]), WZP_JOIN_BLOB_SIZE);
      break;
    case 6:
      wzp_group_relay_restarted(group[0], now);
      break;
    default:
      result = wzp_group_seal(group[0], 0, 0, 0, false, "speech", 6, packet, sizeof packet,
                              &packet_length, NULL);
      if (result == WZP_OK) {
        result =
            wzp_group_open(group[1], now, packet, packet_length, plain, &plain_length, &opened);
        if (result == WZP_OK)
          g_assert_cmpmem(plain, plain_length, "speech", 6);
      } else {
        g_assert_cmpint(result, ==, WZP_NO_RECEIVER);
      }
    }
    if ((step & 0x80) == 0) {
      pump(group[0], group[1], now);
      pump(group[1], group[0], now);
    }
  }
  for (unsigned i = 0; i < 2; i++) {
    wzp_group_free(group[i]);
    wzp_identity_free(identity[i]);
  }
  return 0;
}
