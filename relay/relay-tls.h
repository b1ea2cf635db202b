/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-config.h"

/* The port for clients whose network carries no UDP: TLS over TCP, in a thread of its own, so that its handshakes
 * never hold up the media of the others. What comes out of a connection goes on as if it had come by UDP, from the
 * client's address with the connection's number in it; what is sent to such an address goes into the connection,
 * or is dropped. */

typedef void (*RelayTlsReceive)(void *user, const WzpAddress *from, const uint8_t *data,
                                size_t length);

typedef struct RelayTls RelayTls;
/* Listens from here on. identity is borrowed for the call. The error is a sentence for the operator. */
RelayTls *relay_tls_new(const RelayConfig *config, const WzpIdentity *identity,
                        RelayTlsReceive receive, void *user, GError **error);
bool relay_tls_start(RelayTls *tls, GError **error);
/* Nothing is received any more; what is sent is lost. NULL is fine. */
void relay_tls_stop(RelayTls *tls);
void relay_tls_free(RelayTls *tls);
const WzpAddress *relay_tls_address(const RelayTls *tls);

/* Any thread: */
void relay_tls_send(RelayTls *tls, const WzpAddress *to, const uint8_t *data, size_t length);
void relay_tls_add_stats(RelayTls *tls, RelayStats *stats);
