/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Addresses of this machine's own at which clients ask. A socket that is bound to none of them would answer from
 * whichever the system likes best, and the client's NAT, or the client, drops what comes from elsewhere than it asked.
 * So each client's address carries a number (via of WzpAddress) of the one it asked, 0 for "as the system likes".
 *
 * One thread takes, any may put: the table only grows. When it is full (an attacker cannot fill it: what comes in was
 * sent to an address that is here), further addresses are answered as the system likes. */

typedef struct RelayLocals RelayLocals;
RelayLocals *relay_locals_new(void);
void relay_locals_free(RelayLocals *locals);

/* The socket shall say of each datagram where it was sent to. For sockets that are bound to no address of their own. */
void relay_locals_watch(int fd, bool v6_socket);
/* Room for what the socket says; into msg_control before each receive. */
#define RELAY_LOCALS_ROOM 64
/* Of a datagram that came: 0 to RELAY_LOCALS_MAX. */
#define RELAY_LOCALS_MAX 127
uint8_t relay_locals_take(RelayLocals *locals, const struct msghdr *message);
/* Lets the message go out from there: sets msg_control, which points into the table. */
void relay_locals_put(const RelayLocals *locals, uint8_t via, struct msghdr *message);
