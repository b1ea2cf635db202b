/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "seal.h"

/* What sender and receiver of media share: the keys of one epoch (docs/PROTOCOL.md, "Media packets"),
 * and the receiver's idea of media time. */

typedef struct {
  uint8_t key[WZP_KEY_SIZE];
  uint8_t salt[WZP_NONCE_SIZE];
} WzpEpochKeys;

void wzp_epoch_keys_derive(WzpEpochKeys *keys, const uint8_t base[32], uint32_t epoch,
                           const uint8_t sid[32]);
/* base of next_epoch from the base of next_epoch - 1; next may be base. */
void wzp_epoch_ratchet(uint8_t next[32], const uint8_t base[32], uint32_t next_epoch);
void wzp_epoch_nonce(uint8_t nonce[WZP_NONCE_SIZE], const WzpEpochKeys *keys, uint32_t epoch,
                     uint16_t seq);

/* Header as sent, then the epoch. Returns the length written to ad. */
#define WZP_EPOCH_AD_MAX (WZP_HEADER_FULL_SIZE + 4)
size_t wzp_epoch_ad(uint8_t ad[WZP_EPOCH_AD_MAX], const uint8_t *header, size_t header_length,
                    uint32_t epoch);

/* Media time of packets. An anchor is a full header that said something new; between anchors, time
 * goes by the packet's duration. Several are kept, so that a late packet is timed by the stretch that
 * it belongs to and not by one that began after it. */
#define WZP_MEDIA_ANCHORS 8
typedef struct {
  uint64_t index;
  uint64_t media_ms;
  uint8_t code;
} WzpMediaAnchor;
typedef struct {
  WzpMediaAnchor anchors[WZP_MEDIA_ANCHORS]; /* by index, ascending */
  unsigned n;
} WzpMediaTime;

/* Learns from a full header, answers for a mini one. False: the time is not known. */
bool wzp_media_time_of(WzpMediaTime *time, const WzpHeader *header, uint64_t index,
                       uint64_t *media_ms);
