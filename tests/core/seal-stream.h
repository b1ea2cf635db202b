/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/random.h"
#include "wzp/seal.h"
#include <glib.h>

/* One stream of media, for the tests of sealing. */

#define CODE 0 /* Opus, 20 ms, one frame */

typedef struct {
  uint8_t data[WZP_DATAGRAM_MAX];
  size_t length;
  WzpHeader header;
} Packet;

extern const uint8_t sid[32], base[32];

void seal_as(WzpSender *sender, const WzpSealRequest *request, const void *plain, size_t length,
             Packet *packet);
/* "speech" under code CODE, slot 3. */
void seal(WzpSender *sender, bool full, Packet *packet);
/* OK means that it said "speech". opened may be NULL. */
WzpResult open_at(WzpReceiver *receiver, WzpTime now, const Packet *packet, WzpOpened *opened);
/* Of stream sid, with one base. */
WzpReceiver *receiver_with(uint32_t epoch, const uint8_t key[32]);
/* Seals n packets that nobody hears. */
void skip(WzpSender *sender, unsigned n);
/* Moves on to the next epoch with a base of its own. */
void rotate(WzpSender *sender, uint8_t fill, uint8_t fresh[32]);
