/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"

/* Token checks without their I/O: which run, and which good answers are remembered. Fixed memory.
 *
 * A good answer is kept for a minute under the hash of the token, with the fingerprint that it named;
 * that is compared with the identity of the handshake on every use. Refusals are never kept. */

#define RELAY_TOKEN_MEMORY (60 * WZP_SECOND)
#define RELAY_TOKENS_REMEMBERED 1024

typedef struct RelayAuth RelayAuth;
RelayAuth *relay_auth_new(const RelayLimits *limits);
void relay_auth_free(RelayAuth *auth);

void relay_auth_hash(uint8_t hash[32], const char *token);
/* Whose token this is, if a good answer is still remembered. */
bool relay_auth_recall(RelayAuth *auth, WzpTime now, const uint8_t hash[32],
                       uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);

typedef struct {
  uint64_t id; /* never 0 */
  uint32_t session, sid;
  uint8_t hash[32];
  WzpTime began;
} RelayCheck;

/* False when too many checks run, in all or for this address. */
bool relay_auth_has_room(const RelayAuth *auth, const WzpAddress *address);
/* There is room. */
uint64_t relay_auth_begin(RelayAuth *auth, WzpTime now, const WzpAddress *address, uint32_t session,
                          uint32_t sid, const uint8_t hash[32]);
/* Takes the check out; false when there is none of this id. A good answer is remembered. */
bool relay_auth_end(RelayAuth *auth, WzpTime now, uint64_t id, RelayTokenVerdict verdict,
                    const uint8_t fingerprint[WZP_FINGERPRINT_SIZE], RelayCheck *check);

/* What an auth server answers to a token: {"valid":true,"fingerprint":"<32 hex digits>",...}. Other
 * fields are ignored. {"valid":false} is a refusal; whatever is not exactly one or the other is
 * RELAY_TOKEN_UNAVAILABLE. fingerprint is set only with RELAY_TOKEN_GOOD. */
#define RELAY_AUTH_ANSWER_MAX 16384
RelayTokenVerdict relay_auth_read_answer(const void *text, size_t length,
                                         uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);
