/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include <glib.h>

/* The client's UDP sockets, one for IPv4 and one for IPv6, on one local port where that is possible.
 * Sending is safe from any thread; the rest belongs to the owner. Nothing here is an error of the call:
 * what cannot be sent is counted, as if the network had lost it. */

#define WZP_UDP_IPV4_OVERHEAD 28 /* IP and UDP header, counted with the bytes */
#define WZP_UDP_IPV6_OVERHEAD 48

typedef struct WzpUdp WzpUdp;

/* local_port 0: any. An address family that this machine lacks is left out; none at all, or a port that
 * is taken, is an error (domain G_IO_ERROR). */
WzpUdp *wzp_udp_new(uint16_t local_port, GError **error);
void wzp_udp_free(WzpUdp *udp);
uint16_t wzp_udp_local_port(const WzpUdp *udp);
/* -1: no socket of that family. */
int wzp_udp_descriptor(const WzpUdp *udp, unsigned family);

/* The address of this machine that speaks to that one, with the port of the socket; family 0: there is no way. */
WzpAddress wzp_udp_own_address(const WzpUdp *udp, const WzpAddress *to);

typedef struct {
  WzpAddress to;
  const uint8_t *data;
  size_t length;
} WzpUdpDatagram;
/* Sends n datagrams, with one system call a family and batch. */
void wzp_udp_send(WzpUdp *udp, const WzpUdpDatagram *datagrams, unsigned n);

/* One datagram, without waiting; false when there is none. Longer than capacity: *length is 0.
 * *age: nanoseconds since the kernel took it in. */
bool wzp_udp_receive(WzpUdp *udp, int descriptor, uint8_t *data, size_t capacity, size_t *length,
                     WzpAddress *from, uint64_t *age);

typedef struct {
  uint64_t datagrams_sent, datagrams_received, bytes_sent, bytes_received, send_errors;
} WzpUdpStats;
void wzp_udp_get_stats(WzpUdp *udp, WzpUdpStats *stats);
