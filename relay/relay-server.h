/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-config.h"

/* The running relay: the control plane on the default main context, a media worker, and what operators
 * look at. */

typedef struct RelayServer RelayServer;
/* identity is borrowed. Listens from here on; the error is a sentence for the operator. */
RelayServer *relay_server_new(const RelayConfig *config, const WzpIdentity *identity,
                              GError **error);
void relay_server_free(RelayServer *server);
const WzpAddress *relay_server_address(const RelayServer *server);
const WzpAddress *relay_server_tls_address(const RelayServer *server); /* NULL: UDP only */
uint16_t relay_server_second_port(const RelayServer *server);          /* of STUN alone; 0: none */
const char *relay_server_metrics_url(const RelayServer *server);       /* NULL when off */
/* Who may join what, from now on; bound. Takes it. */
void relay_server_take_access(RelayServer *server, RelayAccess *access);
/* Tells the clients and refuses new ones. */
void relay_server_shutdown(RelayServer *server);
