/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seal-private.h"
#include <sodium.h>
#include <string.h>

void
wzp_epoch_keys_derive(WzpEpochKeys *keys, const uint8_t base[32], uint32_t epoch,
                      const uint8_t sid[32])
{
  uint8_t info[6 + 4 + 32];
  WzpWriter writer;

  wzp_writer_init(&writer, info, sizeof info);
  wzp_writer_label(&writer, "wz1 mk");
  wzp_writer_u32(&writer, epoch);
  wzp_writer_bytes(&writer, sid, 32);
  wzp_hkdf_expand(keys->key, sizeof keys->key, base, info, writer.length);
  memcpy(info, "wz1 ms", 6);
  wzp_hkdf_expand(keys->salt, sizeof keys->salt, base, info, writer.length);
}

void
wzp_stream_id(uint8_t sid[32], const uint8_t id[32], const uint8_t session[32])
{
  uint8_t both[64];

  memcpy(both, id, 32);
  memcpy(both + 32, session, 32);
  wzp_sha256(sid, both, sizeof both);
}

void
wzp_epoch_ratchet(uint8_t next[32], const uint8_t base[32], uint32_t next_epoch)
{
  uint8_t info[11 + 4], out[32];
  WzpWriter writer;

  wzp_writer_init(&writer, info, sizeof info);
  wzp_writer_label(&writer, "wz1 ratchet");
  wzp_writer_u32(&writer, next_epoch);
  wzp_hkdf_expand(out, sizeof out, base, info, writer.length);
  memcpy(next, out, sizeof out);
  sodium_memzero(out, sizeof out);
}

void
wzp_epoch_nonce(uint8_t nonce[WZP_NONCE_SIZE], const WzpEpochKeys *keys, uint32_t epoch,
                uint16_t seq)
{
  WzpWriter writer;

  wzp_writer_init(&writer, nonce, WZP_NONCE_SIZE);
  wzp_writer_zero(&writer, 6);
  wzp_writer_u32(&writer, epoch);
  wzp_writer_u16(&writer, seq);
  for (size_t i = 0; i < WZP_NONCE_SIZE; i++)
    nonce[i] ^= keys->salt[i];
}

size_t
wzp_epoch_ad(uint8_t ad[WZP_EPOCH_AD_MAX], const uint8_t *header, size_t header_length,
             uint32_t epoch)
{
  WzpWriter writer;

  wzp_writer_init(&writer, ad, WZP_EPOCH_AD_MAX);
  wzp_writer_bytes(&writer, header, header_length);
  wzp_writer_u32(&writer, epoch);
  return writer.length;
}
