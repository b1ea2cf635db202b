/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "bytes.h"
#include <sys/socket.h>

/* An IP address and port as a plain value. IPv4-mapped IPv6 addresses are stored as IPv4, so that one
 * peer has one form. */
typedef struct {
  uint8_t family; /* 0 none, 4, 6 */
  /* Number of the address of one's own that it asked, chosen by who has the socket; 0: none. Neither compared, written
   * nor shown: an answer goes out from there. */
  uint8_t via;
  uint16_t port;  /* host order */
  uint32_t scope; /* IPv6 scope id, else 0; not written on the wire */
  /* Number of a TCP connection, chosen by who has it; 0: UDP. Only for telling apart: neither written nor shown. */
  uint32_t stream;
  uint8_t bytes[16];
} WzpAddress;

#define WZP_ADDRESS_TEXT 80

bool wzp_address_equal(const WzpAddress *a, const WzpAddress *b);
bool wzp_address_from_sockaddr(WzpAddress *address, const struct sockaddr *from, socklen_t length);
/* Returns the length used. v6_socket: write IPv4 addresses as IPv4-mapped IPv6. */
socklen_t wzp_address_to_sockaddr(const WzpAddress *address, struct sockaddr_storage *to,
                                  bool v6_socket);
/* "192.0.2.1:4433", "[2001:db8::1]:4433", "[fe80::1%3]:4433" (scope 3), "none". Returns text. */
const char *wzp_address_format(const WzpAddress *address, char text[WZP_ADDRESS_TEXT]);
/* What format writes, but for "none": numbers only. False (and family 0) when it is not that. */
bool wzp_address_parse(WzpAddress *address, const char *text);
/* family(1) | port(2) | 4 or 16 bytes: 7 or 19 bytes. */
void wzp_address_write(const WzpAddress *address, WzpWriter *writer);
bool wzp_address_read(WzpAddress *address, WzpReader *reader);
