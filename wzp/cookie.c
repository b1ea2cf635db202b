/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handshake.h"
#include <glib.h>
#include <sodium.h>

void
wzp_cookie_make(uint8_t cookie[WZP_COOKIE_SIZE], const uint8_t key[32], const WzpAddress *from)
{
  uint8_t covered[10 + 16 + 2];
  WzpWriter w;
  wzp_writer_init(&w, covered, sizeof covered);
  wzp_writer_label(&w, "wz1 cookie");
  wzp_writer_bytes(&w, from->bytes, from->family == 4 ? 4 : 16);
  wzp_writer_u16(&w, from->port);
  g_assert(!w.failed);
  crypto_generichash(cookie, WZP_COOKIE_SIZE, covered, w.length, key, 32);
}

void
wzp_cookie_datagram(uint8_t out[WZP_COOKIE_DATAGRAM], const uint8_t cid_i[WZP_CID_SIZE],
                    const uint8_t cookie[WZP_COOKIE_SIZE])
{
  out[0] = 0x43;
  memcpy(out + 1, cid_i, WZP_CID_SIZE);
  memcpy(out + 1 + WZP_CID_SIZE, cookie, WZP_COOKIE_SIZE);
}
