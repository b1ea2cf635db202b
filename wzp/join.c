/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include "handshake.h"
#include <sodium.h>
#include <string.h>

#define SIGNATURE_SIZE 64
#define MAC_SIZE 16
#define JOIN_LABEL "wz1 join"

void
wzp_labelled_hash(uint8_t out[32], const char *label, const void *data, size_t length)
{
  crypto_hash_sha256_state state;

  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, (const uint8_t *)label, strlen(label));
  crypto_hash_sha256_update(&state, data, length);
  crypto_hash_sha256_final(&state, out);
}

void
wzp_room_secret_open(WzpRoomSecret *secret, const char *name)
{
  memset(secret, 0, sizeof *secret);
  wzp_labelled_hash(secret->id_key, "wz1 open room", name, strlen(name));
}

void
wzp_room_secret_keyed(WzpRoomSecret *secret, const uint8_t link_key[16])
{
  uint8_t prk[32];

  wzp_hkdf_extract(prk, "wz1 room psk", strlen("wz1 room psk"), link_key, 16);
  wzp_hkdf_expand_label(secret->psk, sizeof secret->psk, prk, "psk");
  memcpy(secret->id_key, secret->psk, sizeof secret->id_key);
  secret->keyed = true;
  sodium_memzero(prk, sizeof prk);
}

void
wzp_room_id(uint8_t room_id[32], const WzpRoomSecret *secret, const uint8_t relay_key[32])
{
  uint8_t info[11 + 32];
  WzpWriter writer;

  wzp_writer_init(&writer, info, sizeof info);
  wzp_writer_label(&writer, "wz1 room id");
  wzp_writer_bytes(&writer, relay_key, 32);
  wzp_hkdf_expand(room_id, 32, secret->id_key, info, writer.length);
}

WzpResult
wzp_join_parse(WzpJoin *join, const uint8_t *blob, size_t length)
{
  WzpReader reader;
  const uint8_t *label;
  uint8_t version;

  if (length != WZP_JOIN_BLOB_SIZE)
    return length < WZP_JOIN_BLOB_SIZE ? WZP_TRUNCATED : WZP_TOO_LONG;
  wzp_reader_init(&reader, blob, WZP_JOIN_SIZE);
  label = wzp_reader_bytes(&reader, strlen(JOIN_LABEL));
  if (label == NULL || memcmp(label, JOIN_LABEL, strlen(JOIN_LABEL)) != 0)
    return WZP_MALFORMED;
  version = wzp_reader_u8(&reader);
  if (version != WZP_JOIN_VERSION)
    return WZP_UNKNOWN_KIND;
  wzp_reader_copy(&reader, join->room_id, sizeof join->room_id);
  wzp_reader_copy(&reader, join->relay_key, sizeof join->relay_key);
  wzp_reader_copy(&reader, join->id, sizeof join->id);
  wzp_reader_copy(&reader, join->e, sizeof join->e);
  wzp_reader_copy(&reader, join->j, sizeof join->j);
  join->capabilities = wzp_reader_u16(&reader);
  if (!wzp_reader_done(&reader))
    return WZP_TRUNCATED;
  if (!wzp_identity_verify(join->id, blob + WZP_JOIN_SIZE, blob, WZP_JOIN_SIZE))
    return WZP_BAD_SIGNATURE;
  wzp_sha256(join->jh, blob, WZP_JOIN_SIZE + SIGNATURE_SIZE);
  return WZP_OK;
}

static void
join_mac(uint8_t mac[MAC_SIZE], const uint8_t *blob, const WzpRoomSecret *secret)
{
  uint8_t message[7 + WZP_JOIN_SIZE], full[32];
  WzpWriter writer;

  memset(mac, 0, MAC_SIZE);
  if (!secret->keyed)
    return;
  wzp_writer_init(&writer, message, sizeof message);
  wzp_writer_label(&writer, "wz1 mac");
  wzp_writer_bytes(&writer, blob, WZP_JOIN_SIZE);
  wzp_hmac_sha256(full, secret->psk, message, writer.length);
  memcpy(mac, full, MAC_SIZE);
}

bool
wzp_join_check_mac(const uint8_t blob[WZP_JOIN_BLOB_SIZE], const WzpRoomSecret *secret)
{
  uint8_t mac[MAC_SIZE];

  join_mac(mac, blob, secret);
  return sodium_memcmp(mac, blob + WZP_JOIN_SIZE + SIGNATURE_SIZE, MAC_SIZE) == 0;
}

void
wzp_join_build(uint8_t blob[WZP_JOIN_BLOB_SIZE], WzpJoin *join, const WzpIdentity *identity,
               const WzpRoomSecret *secret, const uint8_t relay_key[32], const uint8_t e[32],
               const uint8_t j[16])
{
  WzpWriter writer;
  uint8_t *signature;

  wzp_room_id(join->room_id, secret, relay_key);
  memcpy(join->relay_key, relay_key, sizeof join->relay_key);
  memcpy(join->id, identity->ed25519_public, sizeof join->id);
  memcpy(join->e, e, sizeof join->e);
  memcpy(join->j, j, sizeof join->j);
  join->capabilities = WZP_CAP_MEDIA_1 | WZP_CAP_TRUNK;

  wzp_writer_init(&writer, blob, WZP_JOIN_BLOB_SIZE);
  wzp_writer_label(&writer, JOIN_LABEL);
  wzp_writer_u8(&writer, WZP_JOIN_VERSION);
  wzp_writer_bytes(&writer, join->room_id, sizeof join->room_id);
  wzp_writer_bytes(&writer, join->relay_key, sizeof join->relay_key);
  wzp_writer_bytes(&writer, join->id, sizeof join->id);
  wzp_writer_bytes(&writer, join->e, sizeof join->e);
  wzp_writer_bytes(&writer, join->j, sizeof join->j);
  wzp_writer_u16(&writer, join->capabilities);
  signature = wzp_writer_reserve(&writer, SIGNATURE_SIZE);
  wzp_identity_sign(identity, signature, blob, WZP_JOIN_SIZE);
  join_mac(wzp_writer_reserve(&writer, MAC_SIZE), blob, secret);
  wzp_sha256(join->jh, blob, WZP_JOIN_SIZE + SIGNATURE_SIZE);
}

WzpResult
wzp_pair_keys(uint8_t send_key[32], uint8_t receive_key[32], WzpPathConfig *path,
              const WzpRoomSecret *secret, const WzpJoin *own, const uint8_t e_secret[32],
              const WzpJoin *other)
{
  bool own_low = memcmp(own->jh, other->jh, sizeof own->jh) < 0;
  uint8_t pair[32 * 3], salt[32], ikm[64], prk[32];
  WzpWriter writer;

  if (!wzp_x25519(ikm, e_secret, other->e))
    return WZP_WEAK_KEY;
  memcpy(ikm + 32, secret->psk, 32);
  wzp_writer_init(&writer, pair, sizeof pair);
  wzp_writer_bytes(&writer, own->room_id, 32);
  wzp_writer_bytes(&writer, own_low ? own->jh : other->jh, 32);
  wzp_writer_bytes(&writer, own_low ? other->jh : own->jh, 32);
  wzp_labelled_hash(salt, "wz1 pair", pair, writer.length);
  wzp_hkdf_extract(prk, salt, sizeof salt, ikm, sizeof ikm);
  wzp_hkdf_expand_label(own_low ? send_key : receive_key, 32, prk, "wz1 pw lo");
  wzp_hkdf_expand_label(own_low ? receive_key : send_key, 32, prk, "wz1 pw hi");
  path->initiator = own_low;
  wzp_hkdf_expand_label(own_low ? path->send_key : path->receive_key, 32, prk, "wz1 pw path lo");
  wzp_hkdf_expand_label(own_low ? path->receive_key : path->send_key, 32, prk, "wz1 pw path hi");
  wzp_hkdf_expand_label(path->ice, 32, prk, "wz1 pw ice");
  sodium_memzero(ikm, sizeof ikm);
  sodium_memzero(prk, sizeof prk);
  return WZP_OK;
}

void
wzp_join_stream_id(uint8_t sid[32], const WzpJoin *join)
{
  wzp_stream_id(sid, join->id, join->jh);
}
