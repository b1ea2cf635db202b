/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "address.h"
#include "identity.h"
#include "kdf.h"
#include "packet.h"

/* The three-message handshake (SIGMA-I; PROTOCOL.md 4). One code for the
 * hop (client to relay), a dialled call and udp mode. Sans-I/O: who resends when is the caller's.
 *
 * Random bytes are drawn once per object, in this order: initiator: secret of e_I (32), n_I (16);
 * responder: secret of e_R (32), n_R (16). A refused HS1 may draw none.
 * Secrets are erased as soon as what they were for is done; both objects keep none after HS3. */

typedef enum { WZP_MODE_HOP = 1, WZP_MODE_CALL = 2, WZP_MODE_UDP = 4 } WzpHandshakeMode;

#define WZP_CID_SIZE 8
#define WZP_COOKIE_SIZE 16
#define WZP_HS1_PADDED 224 /* hop and udp mode */
#define WZP_HS2_HOP_MAX 208
#define WZP_HANDSHAKE_PAYLOAD_MAX 1024

/* Capability bits (2 bytes, in HS1 and JOIN). */
#define WZP_CAP_MEDIA_1 0x0001 /* media format of this document; always set */
#define WZP_CAP_TRUNK 0x0002   /* accepts trunks */

typedef struct {
  WzpHandshakeMode mode;
  const WzpIdentity *identity; /* borrowed, must outlive the handshake */
  uint16_t capabilities;
  uint8_t cid[WZP_CID_SIZE]; /* our own connection id: what the peer writes to us */
  /* Initiator: whom we expect; either, both or none (first contact). */
  bool has_expected_key, has_expected_fingerprint;
  uint8_t expected_key[32];
  uint8_t expected_fingerprint[WZP_FINGERPRINT_SIZE];
  /* Call mode. */
  uint8_t call_id[16];
  uint8_t caller[WZP_FINGERPRINT_SIZE], callee[WZP_FINGERPRINT_SIZE];
  /* Udp mode: the key file's 32 bytes. */
  uint8_t psk[32];
} WzpHandshakeConfig;

/* Everything that comes out. Wipe with sodium_memzero() when taken over. */
typedef struct {
  uint8_t app_i2r[32], app_r2i[32];
  uint8_t media_i[32], media_r[32];
  uint8_t rekey[32];
  uint8_t hop_i2r[16], hop_r2i[16];
  uint8_t path_i2r[32], path_r2i[32];
  uint8_t ice[32];
  uint8_t th4[32];
  uint8_t sas[8];
  uint8_t peer[32]; /* verified Ed25519 public key */
  uint8_t cid_i[WZP_CID_SIZE], cid_r[WZP_CID_SIZE];
  uint16_t peer_capabilities; /* known to the responder; 0 at the initiator */
} WzpHandshakeKeys;

/* --- Initiator --- */
typedef struct WzpInitiator WzpInitiator;
WzpInitiator *wzp_initiator_new(const WzpHandshakeConfig *config, const WzpRandom *random);
void wzp_initiator_free(WzpInitiator *initiator); /* wipes; NULL is fine */
/* The bytes to send now (stored, always the same): HS1 until HS3 is built, then HS3. */
const uint8_t *wzp_initiator_message(const WzpInitiator *initiator, size_t *length);
/* The commitment, for udp mode's crossing rule (PROTOCOL.md 11). */
const uint8_t *wzp_initiator_commitment(const WzpInitiator *initiator);
/* A COOKIE datagram: stores it, so that HS1 carries it from now on. Hop mode, before HS2 only. */
WzpResult wzp_initiator_read_cookie(WzpInitiator *initiator, const uint8_t *data, size_t length);
/* Checks HS2 whole (box, signature, expectation). On WZP_OK keys->peer and *payload (a view into the
 * initiator) are known and HS3 can be built; anything else leaves the state as it was, except that
 * after WZP_OK every other HS2 is WZP_UNEXPECTED (PROTOCOL.md 4). WZP_WRONG_IDENTITY means: properly signed by
 * somebody else; peer_out (may be NULL) then holds the key that was seen. */
WzpResult wzp_initiator_read_hs2(WzpInitiator *initiator, const uint8_t *data, size_t length,
                                 const uint8_t **payload, size_t *payload_length,
                                 uint8_t peer_out[32]);
/* Builds HS3 with its payload and derives the keys; once. payload <= WZP_HANDSHAKE_PAYLOAD_MAX. */
WzpResult wzp_initiator_finish(WzpInitiator *initiator, const void *payload, size_t payload_length,
                               WzpHandshakeKeys *keys);

/* --- Responder --- */
/* What HS1 says, without any secret or state. */
typedef struct {
  WzpHandshakeMode mode;
  uint8_t cid_i[WZP_CID_SIZE];
  uint8_t ephemeral[32];
  uint8_t commitment[32];
  uint16_t capabilities;
  size_t core_length;              /* HS1 core: up to and including caps */
  uint8_t cookie[WZP_COOKIE_SIZE]; /* hop and udp mode */
} WzpHs1;
/* Format, version, suite, mode, exact padding (224 in hop and udp mode), zero padding bytes. */
WzpResult wzp_hs1_parse(WzpHs1 *hs1, const uint8_t *data, size_t length);
/* H(HS1 core): half-open entries are keyed by (source, this). */
void wzp_hs1_digest(uint8_t out[32], const uint8_t *data, const WzpHs1 *hs1);
/* Udp mode: is HS1's MAC made with this psk? Constant time. */
bool wzp_hs1_check_psk(const uint8_t *data, const WzpHs1 *hs1, const uint8_t psk[32]);

typedef struct WzpResponder WzpResponder;
/* data is an HS1 that parsed, of config->mode. Builds and stores HS2. WZP_HS2_HOP_MAX is enforced in
 * hop mode. Returns NULL and sets *result for a weak ephemeral key, a bad udp MAC or a wrong mode. */
WzpResponder *wzp_responder_new(const WzpHandshakeConfig *config, const WzpRandom *random,
                                const uint8_t *data, size_t length, const void *payload,
                                size_t payload_length, WzpResult *result);
void wzp_responder_free(WzpResponder *responder);
const uint8_t *wzp_responder_message(const WzpResponder *responder, size_t *length); /* HS2 */
/* Checks HS3 whole and derives the keys. A failure changes nothing: a good one may still come.
 * *payload is a view into the responder. After WZP_OK further calls are WZP_UNEXPECTED. */
WzpResult wzp_responder_read_hs3(WzpResponder *responder, const uint8_t *data, size_t length,
                                 WzpHandshakeKeys *keys, const uint8_t **payload,
                                 size_t *payload_length);

/* --- COOKIE (relay only): 0x43 | cid_I | BLAKE2b-128(K_t, "wz1 cookie" | ip | port) --- */
#define WZP_COOKIE_DATAGRAM 25
void wzp_cookie_make(uint8_t cookie[WZP_COOKIE_SIZE], const uint8_t key[32],
                     const WzpAddress *from);
void wzp_cookie_datagram(uint8_t out[WZP_COOKIE_DATAGRAM], const uint8_t cid_i[WZP_CID_SIZE],
                         const uint8_t cookie[WZP_COOKIE_SIZE]);

/* Short authentication string: three words and six digits (3A conventions). */
#define WZP_SAS_WORDS_TEXT 32
void wzp_sas_words(char text[WZP_SAS_WORDS_TEXT], const uint8_t sas[8]);
void wzp_sas_digits(char text[7], const uint8_t sas[8]);
