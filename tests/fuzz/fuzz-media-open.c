/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/seal-private.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t sid[32] = {7};

/* The base of an epoch: by the ratchet from the one before, except that every fourth is fresh. */
static void
base_of(uint8_t base[32], uint32_t epoch)
{
  memset(base, (int)(epoch / 4 + 1), 32);
  for (uint32_t at = epoch / 4 * 4 + 1; at <= epoch; at++)
    wzp_epoch_ratchet(base, base, at);
}

static size_t
seal(uint8_t *packet, uint32_t epoch, uint16_t seq, uint32_t timestamp, uint8_t how, size_t length)
{
  uint8_t base[32], nonce[WZP_NONCE_SIZE], ad[WZP_EPOCH_AD_MAX];
  WzpEpochKeys keys;
  WzpHeader header = {.full = how & 1,
                      .epoch_low = epoch & 3,
                      .code = how >> 4,
                      .slot = 1,
                      .seq = seq,
                      .timestamp = timestamp,
                      .epoch8 = (uint8_t)epoch};
  size_t header_length = wzp_header_write(&header, packet), ad_length;

  base_of(base, epoch);
  wzp_epoch_keys_derive(&keys, base, epoch, sid);
  wzp_epoch_nonce(nonce, &keys, epoch, seq);
  ad_length = wzp_epoch_ad(ad, packet, header_length, epoch);
  memset(packet + header_length, how, length);
  wzp_aead_seal(packet + header_length, keys.key, nonce, ad, ad_length, packet + header_length,
                length);
  return header_length + length + WZP_TAG_SIZE;
}

/* A program of steps: a raw packet, a rightly sealed one, a KEY, time. Nothing opens twice, and what
 * opens is what was sealed. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpReceiver *receiver = wzp_receiver_new(sid);
  GHashTable *seen = g_hash_table_new(g_direct_hash, g_direct_equal);
  uint8_t packet[WZP_DATAGRAM_MAX], out[WZP_DATAGRAM_MAX], base[32];
  WzpTime now = 0;
  WzpReader reader;

  wzp_reader_init(&reader, data, size);
  while (wzp_reader_left(&reader) > 0 && !reader.failed) {
    uint8_t step = wzp_reader_u8(&reader);
    size_t length = 0, opened_length = 0;
    uint32_t epoch = 0;
    bool sealed = false;

    switch (step & 3) {
    case 0: {
      length = wzp_reader_u8(&reader);
      const uint8_t *raw = wzp_reader_bytes(&reader, length);
      if (raw != NULL)
        memcpy(packet, raw, length);
      else
        length = 0;
      break;
    }
    case 1: {
      epoch = wzp_reader_u8(&reader);
      uint16_t seq = wzp_reader_u16(&reader);
      uint32_t timestamp = wzp_reader_u32(&reader);
      length = seal(packet, epoch, seq, timestamp, wzp_reader_u8(&reader), step >> 2);
      sealed = true;
      break;
    }
    case 2:
      epoch = wzp_reader_u8(&reader);
      base_of(base, epoch);
      if (step & 0x80) /* a wrong one */
        base[0] ^= 0xff;
      wzp_receiver_add_base(receiver, epoch, base);
      continue;
    default:
      now += (WzpTime)(step >> 2) * (step & 4 ? WZP_SECOND : 10 * WZP_MSEC);
      wzp_receiver_wants_key(receiver, now);
      continue;
    }
    WzpOpened opened;
    if (wzp_receiver_open(receiver, now, packet, length, out, &opened_length, &opened) != WZP_OK)
      continue;
    g_assert_cmpuint(opened_length, <=, length);
    if (sealed) {
      g_assert_cmpuint(opened.epoch, ==, epoch);
      g_assert_cmpuint(opened_length, ==, step >> 2);
    }
    g_assert_true(g_hash_table_add(seen, GUINT_TO_POINTER(opened.epoch << 16 | opened.header.seq)));
  }
  g_hash_table_unref(seen);
  wzp_receiver_free(receiver);
  return 0;
}
