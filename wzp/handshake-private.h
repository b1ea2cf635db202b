/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "handshake.h"

/* What both roles of the handshake share: sizes, HS1's outer fields and the key schedule
 * (docs/PROTOCOL.md section 4). */

#define WZP_HS_VERSION 1
#define WZP_HS_SUITE 1     /* the number, in HS2 */
#define WZP_HS_SUITES 0x01 /* the set, in HS1: bit 0 is suite 1 */
#define WZP_HS_NONCE_SIZE 16
#define WZP_HS1_CAPS_AT 77 /* where caps start in HS1 */
#define WZP_HS1_CAPS_MAX 129
#define WZP_HS1_CORE_MAX (WZP_HS1_CAPS_AT + WZP_HS1_CAPS_MAX)
#define WZP_HS2_HEAD_SIZE 66 /* up to and including n_R */
#define WZP_HS3_HEAD_SIZE 9
#define WZP_HS_SIGNATURE_SIZE 64
/* Box contents before the payload: id_R, signature; id_I, n_I, signature. */
#define WZP_BOX2_FIXED (32 + WZP_HS_SIGNATURE_SIZE)
#define WZP_BOX3_FIXED (32 + WZP_HS_NONCE_SIZE + WZP_HS_SIGNATURE_SIZE)

typedef struct {
  uint8_t th2[32], th3[32];
  uint8_t ikm[64]; /* X25519 result; in udp mode the psk behind it */
  size_t ikm_length;
  uint8_t k2[32], k3[32];
} WzpHsSchedule;

/* Modes whose HS1 carries a cookie field and zero padding. */
bool wzp_hs_mode_is_padded(WzpHandshakeMode mode);

/* From the first two messages to k2 and k3. False for a low-order peer key; nothing is left then. */
bool wzp_hs_schedule_start(WzpHsSchedule *schedule, const WzpHandshakeConfig *config,
                           const uint8_t *hs1_core, size_t hs1_core_length,
                           const uint8_t hs2_head[WZP_HS2_HEAD_SIZE], const uint8_t secret[32],
                           const uint8_t peer_ephemeral[32]);
/* th3, from the sealed box2. Erases k2. */
void wzp_hs_schedule_add_box2(WzpHsSchedule *schedule, const uint8_t *box2, size_t length);
/* th4, every key and the SAS, from the sealed box3. Does not fill peer, cids and capabilities.
 * Erases the whole schedule. */
void wzp_hs_schedule_finish(WzpHsSchedule *schedule, const uint8_t *box3, size_t length,
                            const uint8_t id_i[32], const uint8_t n_i[WZP_HS_NONCE_SIZE],
                            const uint8_t id_r[32], WzpHandshakeKeys *keys);

void wzp_hs_commitment(uint8_t out[32], const uint8_t n_i[WZP_HS_NONCE_SIZE],
                       const uint8_t ephemeral[32], const uint8_t id_i[32]);
/* The udp mode's cookie field. */
void wzp_hs_psk_mac(uint8_t out[WZP_COOKIE_SIZE], const uint8_t psk[32], const uint8_t *core,
                    size_t core_length);

/* What the signatures cover: "wz1 sig r" | th2 | id_R, and "wz1 sig i" | th3 | id_I | id_R. */
#define WZP_HS_SIGNED_MAX (9 + 32 + 32 + 32)
size_t wzp_hs_signed_by_responder(uint8_t out[WZP_HS_SIGNED_MAX], const uint8_t th2[32],
                                  const uint8_t id_r[32]);
size_t wzp_hs_signed_by_initiator(uint8_t out[WZP_HS_SIGNED_MAX], const uint8_t th3[32],
                                  const uint8_t id_i[32], const uint8_t id_r[32]);

/* Every key of the handshake seals exactly one box. */
extern const uint8_t wzp_hs_zero_nonce[WZP_NONCE_SIZE];
