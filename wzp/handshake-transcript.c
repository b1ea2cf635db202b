/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake-private.h"
#include <glib.h>
#include <sodium.h>

const uint8_t wzp_hs_zero_nonce[WZP_NONCE_SIZE];

bool
wzp_hs_mode_is_padded(WzpHandshakeMode mode)
{
  return mode == WZP_MODE_HOP || mode == WZP_MODE_UDP;
}

/* LP(P) | LP(HS1 core) | LP(HS2 head): who talks, in which mode, and all that was said in clear. */
static void
transcript_2(uint8_t th2[32], const WzpHandshakeConfig *config, const uint8_t *core,
             size_t core_length, const uint8_t *hs2_head)
{
  uint8_t prologue[64];
  WzpWriter p;
  wzp_writer_init(&p, prologue, sizeof prologue);
  wzp_writer_label(&p, "wz1 handshake");
  wzp_writer_u8(&p, (uint8_t)config->mode);
  if (config->mode == WZP_MODE_CALL) {
    wzp_writer_bytes(&p, config->call_id, sizeof config->call_id);
    wzp_writer_bytes(&p, config->caller, sizeof config->caller);
    wzp_writer_bytes(&p, config->callee, sizeof config->callee);
  }

  uint8_t all[6 + sizeof prologue + WZP_HS1_CORE_MAX + WZP_HS2_HEAD_SIZE];
  WzpWriter w;
  wzp_writer_init(&w, all, sizeof all);
  wzp_writer_lp(&w, prologue, p.length);
  wzp_writer_lp(&w, core, core_length);
  wzp_writer_lp(&w, hs2_head, WZP_HS2_HEAD_SIZE);
  g_assert(!p.failed && !w.failed);
  wzp_sha256(th2, all, w.length);
}

/* H(previous | LP(box)). */
static void
transcript_next(uint8_t out[32], const uint8_t previous[32], const uint8_t *box, size_t length)
{
  uint8_t all[32 + 2 + WZP_BOX3_FIXED + WZP_HANDSHAKE_PAYLOAD_MAX + WZP_TAG_SIZE];
  WzpWriter w;
  wzp_writer_init(&w, all, sizeof all);
  wzp_writer_bytes(&w, previous, 32);
  wzp_writer_lp(&w, box, length);
  g_assert(!w.failed);
  wzp_sha256(out, all, w.length);
}

bool
wzp_hs_schedule_start(WzpHsSchedule *schedule, const WzpHandshakeConfig *config,
                      const uint8_t *hs1_core, size_t hs1_core_length,
                      const uint8_t hs2_head[WZP_HS2_HEAD_SIZE], const uint8_t secret[32],
                      const uint8_t peer_ephemeral[32])
{
  sodium_memzero(schedule, sizeof *schedule);
  if (!wzp_x25519(schedule->ikm, secret, peer_ephemeral))
    return false;
  schedule->ikm_length = 32;
  if (config->mode == WZP_MODE_UDP) {
    memcpy(schedule->ikm + 32, config->psk, 32);
    schedule->ikm_length = 64;
  }
  transcript_2(schedule->th2, config, hs1_core, hs1_core_length, hs2_head);

  uint8_t prk[32];
  wzp_hkdf_extract(prk, schedule->th2, 32, schedule->ikm, schedule->ikm_length);
  wzp_hkdf_expand_label(schedule->k2, 32, prk, "wz1 k2");
  wzp_hkdf_expand_label(schedule->k3, 32, prk, "wz1 k3");
  sodium_memzero(prk, sizeof prk);
  return true;
}

void
wzp_hs_schedule_add_box2(WzpHsSchedule *schedule, const uint8_t *box2, size_t length)
{
  transcript_next(schedule->th3, schedule->th2, box2, length);
  sodium_memzero(schedule->k2, sizeof schedule->k2);
}

static void
derive_sas(WzpHandshakeKeys *keys, const WzpHsSchedule *schedule, const uint8_t id_i[32],
           const uint8_t n_i[WZP_HS_NONCE_SIZE], const uint8_t id_r[32])
{
  /* Only what was committed to before the other side's random values were known. */
  uint8_t committed[7 + 32 + 32 + WZP_HS_NONCE_SIZE + 32], salt[32], prk[32];
  WzpWriter w;
  wzp_writer_init(&w, committed, sizeof committed);
  wzp_writer_label(&w, "wz1 sas");
  wzp_writer_bytes(&w, schedule->th2, 32);
  wzp_writer_bytes(&w, id_r, 32);
  wzp_writer_bytes(&w, n_i, WZP_HS_NONCE_SIZE);
  wzp_writer_bytes(&w, id_i, 32);
  g_assert(!w.failed);
  wzp_sha256(salt, committed, w.length);
  wzp_hkdf_extract(prk, salt, sizeof salt, schedule->ikm, schedule->ikm_length);
  wzp_hkdf_expand_label(keys->sas, sizeof keys->sas, prk, "wz1 sas");
  sodium_memzero(committed, sizeof committed);
  sodium_memzero(salt, sizeof salt);
  sodium_memzero(prk, sizeof prk);
}

void
wzp_hs_schedule_finish(WzpHsSchedule *schedule, const uint8_t *box3, size_t length,
                       const uint8_t id_i[32], const uint8_t n_i[WZP_HS_NONCE_SIZE],
                       const uint8_t id_r[32], WzpHandshakeKeys *keys)
{
  const struct {
    const char *label;
    uint8_t *out;
    size_t length;
  } derived[] = {
      {"wz1 app i2r", keys->app_i2r, sizeof keys->app_i2r},
      {"wz1 app r2i", keys->app_r2i, sizeof keys->app_r2i},
      {"wz1 media i", keys->media_i, sizeof keys->media_i},
      {"wz1 media r", keys->media_r, sizeof keys->media_r},
      {"wz1 rekey", keys->rekey, sizeof keys->rekey},
      {"wz1 hop i2r", keys->hop_i2r, sizeof keys->hop_i2r},
      {"wz1 hop r2i", keys->hop_r2i, sizeof keys->hop_r2i},
      {"wz1 path i2r", keys->path_i2r, sizeof keys->path_i2r},
      {"wz1 path r2i", keys->path_r2i, sizeof keys->path_r2i},
      {"wz1 ice", keys->ice, sizeof keys->ice},
  };
  uint8_t prk[32];
  transcript_next(keys->th4, schedule->th3, box3, length);
  wzp_hkdf_extract(prk, keys->th4, 32, schedule->ikm, schedule->ikm_length);
  for (size_t i = 0; i < G_N_ELEMENTS(derived); i++)
    wzp_hkdf_expand_label(derived[i].out, derived[i].length, prk, derived[i].label);
  derive_sas(keys, schedule, id_i, n_i, id_r);
  sodium_memzero(prk, sizeof prk);
  sodium_memzero(schedule, sizeof *schedule);
}

void
wzp_hs_commitment(uint8_t out[32], const uint8_t n_i[WZP_HS_NONCE_SIZE],
                  const uint8_t ephemeral[32], const uint8_t id_i[32])
{
  uint8_t all[10 + WZP_HS_NONCE_SIZE + 32 + 32];
  WzpWriter w;
  wzp_writer_init(&w, all, sizeof all);
  wzp_writer_label(&w, "wz1 commit");
  wzp_writer_bytes(&w, n_i, WZP_HS_NONCE_SIZE);
  wzp_writer_bytes(&w, ephemeral, 32);
  wzp_writer_bytes(&w, id_i, 32);
  g_assert(!w.failed);
  wzp_sha256(out, all, w.length);
  sodium_memzero(all, sizeof all);
}

void
wzp_hs_psk_mac(uint8_t out[WZP_COOKIE_SIZE], const uint8_t psk[32], const uint8_t *core,
               size_t core_length)
{
  uint8_t key[32], mac[32];
  wzp_hkdf_expand_label(key, sizeof key, psk, "wz1 udp mac");
  wzp_hmac_sha256(mac, key, core, core_length);
  memcpy(out, mac, WZP_COOKIE_SIZE);
  sodium_memzero(key, sizeof key);
  sodium_memzero(mac, sizeof mac);
}

size_t
wzp_hs_signed_by_responder(uint8_t out[WZP_HS_SIGNED_MAX], const uint8_t th2[32],
                           const uint8_t id_r[32])
{
  WzpWriter w;
  wzp_writer_init(&w, out, WZP_HS_SIGNED_MAX);
  wzp_writer_label(&w, "wz1 sig r");
  wzp_writer_bytes(&w, th2, 32);
  wzp_writer_bytes(&w, id_r, 32);
  return w.length;
}

size_t
wzp_hs_signed_by_initiator(uint8_t out[WZP_HS_SIGNED_MAX], const uint8_t th3[32],
                           const uint8_t id_i[32], const uint8_t id_r[32])
{
  WzpWriter w;
  wzp_writer_init(&w, out, WZP_HS_SIGNED_MAX);
  wzp_writer_label(&w, "wz1 sig i");
  wzp_writer_bytes(&w, th3, 32);
  wzp_writer_bytes(&w, id_i, 32);
  wzp_writer_bytes(&w, id_r, 32);
  return w.length;
}

WzpResult
wzp_hs1_parse(WzpHs1 *hs1, const uint8_t *data, size_t length)
{
  WzpReader r;
  *hs1 = (WzpHs1){0};
  wzp_reader_init(&r, data, length);
  uint8_t kind = wzp_reader_u8(&r);
  uint8_t version = wzp_reader_u8(&r);
  uint8_t mode = wzp_reader_u8(&r);
  uint8_t suites = wzp_reader_u8(&r);
  wzp_reader_copy(&r, hs1->cid_i, sizeof hs1->cid_i);
  wzp_reader_copy(&r, hs1->ephemeral, sizeof hs1->ephemeral);
  wzp_reader_copy(&r, hs1->commitment, sizeof hs1->commitment);
  uint8_t caps_length = wzp_reader_u8(&r);
  const uint8_t *caps = wzp_reader_bytes(&r, caps_length);
  if (!caps || r.failed)
    return WZP_TRUNCATED;
  if (kind != 0x40 || version != WZP_HS_VERSION ||
      (mode != WZP_MODE_HOP && mode != WZP_MODE_CALL && mode != WZP_MODE_UDP))
    return WZP_UNKNOWN_KIND;
  if (caps_length < 2 || caps_length > WZP_HS1_CAPS_MAX)
    return WZP_MALFORMED;
  hs1->mode = (WzpHandshakeMode)mode;
  hs1->capabilities = (uint16_t)(caps[0] << 8 | caps[1]);
  hs1->core_length = (size_t)WZP_HS1_CAPS_AT + caps_length;

  if (wzp_hs_mode_is_padded(hs1->mode)) {
    if (length != WZP_HS1_PADDED)
      return length < WZP_HS1_PADDED ? WZP_TRUNCATED : WZP_TOO_LONG;
    size_t padding_length;
    wzp_reader_copy(&r, hs1->cookie, sizeof hs1->cookie);
    const uint8_t *padding = wzp_reader_rest(&r, &padding_length);
    if (!sodium_is_zero(padding, padding_length))
      return WZP_MALFORMED;
  } else if (wzp_reader_left(&r) > 0) {
    return WZP_TOO_LONG;
  }
  if (!(suites & WZP_HS_SUITES) || !(hs1->capabilities & WZP_CAP_MEDIA_1))
    return WZP_UNSUPPORTED;
  return WZP_OK;
}

void
wzp_hs1_digest(uint8_t out[32], const uint8_t *data, const WzpHs1 *hs1)
{
  wzp_sha256(out, data, hs1->core_length);
}

bool
wzp_hs1_check_psk(const uint8_t *data, const WzpHs1 *hs1, const uint8_t psk[32])
{
  uint8_t mac[WZP_COOKIE_SIZE];
  wzp_hs_psk_mac(mac, psk, data, hs1->core_length);
  bool good = hs1->mode == WZP_MODE_UDP && sodium_memcmp(mac, hs1->cookie, sizeof mac) == 0;
  sodium_memzero(mac, sizeof mac);
  return good;
}
