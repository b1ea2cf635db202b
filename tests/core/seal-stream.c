/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seal-stream.h"
#include <string.h>

const uint8_t sid[32] = {1, 2, 3}, base[32] = {9, 8, 7};

void
seal_as(WzpSender *sender, const WzpSealRequest *request, const void *plain, size_t length,
        Packet *packet)
{
  g_assert_cmpint(wzp_sender_seal(sender, request, plain, length, packet->data, sizeof packet->data,
                                  &packet->length, &packet->header),
                  ==, WZP_OK);
}

void
seal(WzpSender *sender, bool full, Packet *packet)
{
  WzpSealRequest request = {.code = CODE, .slot = 3, .timestamp = 77, .full = full};
  seal_as(sender, &request, "speech", 6, packet);
}

WzpResult
open_at(WzpReceiver *receiver, WzpTime now, const Packet *packet, WzpOpened *opened)
{
  uint8_t out[WZP_DATAGRAM_MAX];
  size_t length = 0;
  WzpOpened unused;
  WzpResult result = wzp_receiver_open(receiver, now, packet->data, packet->length, out, &length,
                                       opened ? opened : &unused);
  if (result == WZP_OK)
    g_assert_cmpmem(out, length, "speech", 6);
  return result;
}

WzpReceiver *
receiver_with(uint32_t epoch, const uint8_t key[32])
{
  WzpReceiver *receiver = wzp_receiver_new(sid);
  g_assert_cmpint(wzp_receiver_add_base(receiver, epoch, key), ==, WZP_OK);
  return receiver;
}

void
skip(WzpSender *sender, unsigned n)
{
  Packet packet;
  while (n-- > 0)
    seal(sender, false, &packet);
}

void
rotate(WzpSender *sender, uint8_t fill, uint8_t fresh[32])
{
  memset(fresh, fill, 32);
  wzp_sender_set_pending(sender, fresh);
  wzp_sender_switch(sender);
}
