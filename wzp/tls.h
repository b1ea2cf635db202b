/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "identity.h"
#include "stream.h"

/* The tunnel for networks that carry no UDP: TLS 1.3 over TCP (PROTOCOL.md 16), both ends, without the TCP. Bytes of the
 * socket go in and come out, datagrams in between; what cannot leave in time is dropped as in stream.h. TLS hides what
 * it is from the network, and keeps strangers from meddling; keys and identities of the call are those of the hop
 * handshake inside, as over UDP. Randomness is OpenSSL's own. Not thread safe.
 *
 * The relay's certificate holds its Ed25519 key, and nothing else counts: no authority, no name, no date. */

typedef struct WzpTlsServer WzpTlsServer;
/* The certificate; for all connections. NULL: OpenSSL cannot. */
WzpTlsServer *wzp_tls_server_new(const WzpIdentity *identity);
void wzp_tls_server_free(WzpTlsServer *server);

typedef struct WzpTls WzpTls;
WzpTls *wzp_tls_accept(WzpTlsServer *server);

typedef struct {
  const char *name; /* what the person calls the relay, for SNI; NULL or an address: none */
  /* What the key has to be; none: any Ed25519 key will do, and the handshake inside says which. */
  bool has_key, has_fingerprint;
  uint8_t key[32];
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
} WzpTlsExpect;
WzpTls *wzp_tls_connect(const WzpTlsExpect *expect);
void wzp_tls_free(WzpTls *tls);

/* Bytes from the socket; all are taken. What is not WZP_OK is the end of this connection: WZP_WRONG_IDENTITY,
 * WZP_MALFORMED (frames), WZP_BAD_TAG (TLS says no), WZP_NOT_CONNECTED (the other end said goodbye). */
WzpResult wzp_tls_receive(WzpTls *tls, const uint8_t *data, size_t length);
/* The next datagram that came, a view until the next call of wzp_tls_; false: none. *result as above. */
bool wzp_tls_next(WzpTls *tls, const uint8_t **datagram, size_t *length, WzpResult *result);
/* Queues one. */
void wzp_tls_send(WzpTls *tls, WzpTime now, const uint8_t *datagram, size_t length);
/* What the socket is to be given next; NULL: nothing. Ask only when the socket takes something. */
const uint8_t *wzp_tls_output(WzpTls *tls, WzpTime now, size_t *length);
/* It took so many of them. */
void wzp_tls_sent(WzpTls *tls, size_t length);
/* There is, or may be, output. */
bool wzp_tls_wants_output(WzpTls *tls, WzpTime now);
/* The TLS handshake is through. */
bool wzp_tls_is_up(const WzpTls *tls);
/* The key of the other end's certificate; false before one came. Client only. */
bool wzp_tls_peer_key(const WzpTls *tls, uint8_t key[32]);
uint64_t wzp_tls_dropped(const WzpTls *tls, WzpResult reason); /* as wzp_stream_dropped() */
