/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include <glib.h>
#include <stdbool.h>

/* What the relay's sockets and threads have in common. Errors are sentences for the operator. */

/* An option that improves something and that nothing depends on. */
void relay_socket_option(int fd, int level, int name, int value);
/* A socket of that type (SOCK_DGRAM, SOCK_STREAM) for such an address; one for IPv6 takes IPv4 too. */
int relay_socket_open(int type, const WzpAddress *address, GError **error);
/* *bound: where it really is. */
bool relay_socket_bind(int fd, const WzpAddress *address, WzpAddress *bound, GError **error);
/* A UDP socket that listens there. One bound to no address says of each datagram at which it was sent (relay-locals.h). */
int relay_socket_open_udp(const WzpAddress *listen, WzpAddress *bound, GError **error);
/* An eventfd: wakes who polls it; makes it quiet again. */
void relay_socket_wake(int event);
void relay_socket_drain(int event);
