/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"

/* Which new HS1 is worth the work of a handshake: limits per address, the measure of load, and cookies
 * (docs/PROTOCOL.md section 4). Fixed memory; a stranger can make it do two keyed hashes, no more.
 *
 * A valid cookie proves that the sender gets what is sent to its address. Addresses that proved it have
 * buckets of their own, so that spoofed HS1s cannot use up the share of the address they claim: without
 * a cookie an empty bucket leads to a cookie, with one to a refusal. */

typedef enum {
  RELAY_ADMIT,
  RELAY_ASK_COOKIE, /* send a cookie and forget the HS1 */
  RELAY_REFUSE      /* over the limit of its address */
} RelayVerdict;

typedef struct RelayAdmission RelayAdmission;
RelayAdmission *relay_admission_new(const RelayLimits *limits, const WzpRandom *random,
                                    WzpTime now);
void relay_admission_free(RelayAdmission *admission);
/* An HS1 that is not a repeated one. n_half_open: entries that wait now. */
RelayVerdict relay_admission_check(RelayAdmission *admission, WzpTime now, const WzpAddress *from,
                                   const uint8_t cookie[WZP_COOKIE_SIZE], unsigned n_half_open);
/* May a STUN request from here be answered? 5 a second for each IPv4 /32 and IPv6 /64. */
#define RELAY_STUN_PER_SECOND 5
bool relay_admission_stun(RelayAdmission *admission, WzpTime now, const WzpAddress *from);
/* May a TCP connection from here take work? The address is proven by that. As many as handshakes with a cookie. */
bool relay_admission_connection(RelayAdmission *admission, WzpTime now, const WzpAddress *from);
/* The cookie for this address. */
void relay_admission_cookie(RelayAdmission *admission, WzpTime now, const WzpAddress *from,
                            uint8_t cookie[WZP_COOKIE_SIZE]);
