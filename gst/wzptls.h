/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include "wzp/tls.h"

/* The client's TLS connection to the relay, for networks without UDP: TCP to all of the relay's addresses at once, the first that
 * answers wins, then TLS (wzp/tls.h). Lives in one main context; sending and counting are safe from any thread.
 * What cannot be sent in time is dropped and counted. */

#define WZP_TLS_CONNECT_MSEC 5000 /* for TCP and TLS together */

typedef struct WzpTlsSocket WzpTlsSocket;

/* Called in the context, without any lock. */
typedef struct {
  void *user;
  void (*up)(void *user, const WzpAddress *remote);
  void (*received)(void *user, const uint8_t *data, size_t length, const WzpAddress *remote);
  /* The end, once: it failed, or the other side closed it. text: why, for people. Not after wzp_tls_socket_close(). */
  void (*down)(void *user, WzpResult reason, const char *text);
} WzpTlsHooks;

/* number: the stream in the address that the hooks are given; port: in the place of those in remotes. */
WzpTlsSocket *wzp_tls_socket_new(GMainContext *context, const WzpAddress *remotes, unsigned n,
                                 uint16_t port, uint32_t number, const WzpTlsExpect *expect,
                                 const WzpTlsHooks *hooks);
WzpTlsSocket *wzp_tls_socket_ref(WzpTlsSocket *socket);
void wzp_tls_socket_unref(WzpTlsSocket *socket);
/* In the context's thread, or when that ended. What is on its way to TCP may still leave. */
void wzp_tls_socket_close(WzpTlsSocket *socket);
void wzp_tls_socket_send(WzpTlsSocket *socket, const uint8_t *data, size_t length);

/* Of the certificate that was shown, in the hooks and later; false: none was. */
bool wzp_tls_socket_peer_key(WzpTlsSocket *socket, uint8_t key[32]);

/* All that was sent has arrived at the other end, or never will. Any thread. */
bool wzp_tls_socket_is_idle(WzpTlsSocket *socket);

typedef struct {
  uint64_t datagrams_sent, datagrams_received; /* sent: given to TLS or dropped by it */
  uint64_t bytes_sent, bytes_received;         /* of TCP, without IP and TCP headers */
  uint64_t drops[WZP_N_RESULTS];
} WzpTlsStats;
/* Adds what this one counted. */
void wzp_tls_socket_add_stats(WzpTlsSocket *socket, WzpTlsStats *stats);
