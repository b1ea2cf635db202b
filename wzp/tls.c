/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls.h"
#include <glib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

/* A datagram that was given to TLS cannot be dropped any more: so many bytes at once. */
#define UNIT 2048
G_STATIC_ASSERT(UNIT >= WZP_STREAM_FRAME_MAX);

struct WzpTlsServer {
  SSL_CTX *context;
};

struct WzpTls {
  SSL_CTX *own_context; /* client */
  SSL *ssl;
  BIO *in, *out; /* of ssl */
  bool wrong_key, has_peer_key;
  WzpTlsExpect expect; /* name: not kept */
  uint8_t peer_key[32];
  WzpStreamQueue *queue;
  WzpStreamReader reader;
  uint8_t plain[UNIT]; /* read from TLS, not yet by the reader */
  size_t plain_length, plain_used;
  WzpResult failed; /* WZP_OK: no */
};

/* --- contexts --- */

static SSL_CTX *
context_new(const SSL_METHOD *method)
{
  SSL_CTX *context = SSL_CTX_new(method);
  if (context == NULL)
    return NULL;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1)
    return context;
  SSL_CTX_free(context);
  return NULL;
}

/* Self-signed, the same each time, without an end. */
static X509 *
certificate_new(EVP_PKEY *key)
{
  X509 *certificate = X509_new();
  X509_NAME *name = certificate != NULL ? X509_get_subject_name(certificate) : NULL;
  if (name != NULL && X509_set_version(certificate, 2) == 1 &&
      ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
      ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20000101000000Z") == 1 &&
      ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"wzp", -1, -1, 0) ==
          1 &&
      X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
      X509_sign(certificate, key, NULL) > 0)
    return certificate;
  X509_free(certificate);
  return NULL;
}

WzpTlsServer *
wzp_tls_server_new(const WzpIdentity *identity)
{
  SSL_CTX *context = context_new(TLS_server_method());
  /* libsodium's secret begins with the seed that RFC 8032 calls the private key */
  EVP_PKEY *key =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, identity->ed25519_secret, 32);
  X509 *certificate = key != NULL ? certificate_new(key) : NULL;
  WzpTlsServer *server = NULL;
  if (context != NULL && certificate != NULL && SSL_CTX_set_num_tickets(context, 0) == 1 &&
      SSL_CTX_use_certificate(context, certificate) == 1 &&
      SSL_CTX_use_PrivateKey(context, key) == 1) {
    server = g_new0(WzpTlsServer, 1);
    server->context = g_steal_pointer(&context);
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  SSL_CTX_free(context);
  return server;
}

void
wzp_tls_server_free(WzpTlsServer *server)
{
  if (server == NULL)
    return;
  SSL_CTX_free(server->context);
  g_free(server);
}

/* --- connections --- */

static WzpTls *
tls_new(SSL_CTX *context)
{
  WzpTls *tls = g_new0(WzpTls, 1);
  tls->ssl = SSL_new(context);
  tls->in = BIO_new(BIO_s_mem());
  tls->out = BIO_new(BIO_s_mem());
  if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL)
    g_error("no memory for a TLS connection");
  SSL_set_bio(tls->ssl, tls->in, tls->out);
  tls->queue = wzp_stream_queue_new();
  wzp_stream_reader_init(&tls->reader);
  return tls;
}

WzpTls *
wzp_tls_accept(WzpTlsServer *server)
{
  WzpTls *tls = tls_new(server->context);
  SSL_set_accept_state(tls->ssl);
  return tls;
}

/* In the place of all that is usual: the key alone says whose certificate it is. */
static int
check_certificate(X509_STORE_CTX *store, void *data)
{
  WzpTls *tls = data;
  X509 *certificate = X509_STORE_CTX_get0_cert(store);
  EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  size_t length = sizeof tls->peer_key;
  tls->has_peer_key = key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
                      EVP_PKEY_get_raw_public_key(key, tls->peer_key, &length) == 1 &&
                      length == sizeof tls->peer_key;
  if (!tls->has_peer_key)
    return 0;
  wzp_fingerprint(fingerprint, tls->peer_key);
  tls->wrong_key =
      (tls->expect.has_key && memcmp(tls->expect.key, tls->peer_key, sizeof tls->peer_key) != 0) ||
      (tls->expect.has_fingerprint &&
       memcmp(tls->expect.fingerprint, fingerprint, sizeof fingerprint) != 0);
  return !tls->wrong_key;
}

static void advance(WzpTls *tls);

WzpTls *
wzp_tls_connect(const WzpTlsExpect *expect)
{
  SSL_CTX *context = context_new(TLS_client_method());
  if (context == NULL || SSL_CTX_set1_sigalgs_list(context, "ed25519") != 1)
    g_error("OpenSSL has no TLS 1.3 with Ed25519");
  WzpTls *tls = tls_new(context);
  tls->own_context = context;
  tls->expect = *expect;
  tls->expect.name = NULL;
  SSL_CTX_set_cert_verify_callback(context, check_certificate, tls);
  SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL);
  if (expect->name != NULL && *expect->name != '\0' && !g_hostname_is_ip_address(expect->name))
    SSL_set_tlsext_host_name(tls->ssl, expect->name);
  SSL_set_connect_state(tls->ssl);
  advance(tls);
  return tls;
}

void
wzp_tls_free(WzpTls *tls)
{
  if (tls == NULL)
    return;
  SSL_free(tls->ssl);
  SSL_CTX_free(tls->own_context);
  wzp_stream_queue_free(tls->queue);
  sodium_memzero(tls, sizeof *tls);
  g_free(tls);
}

/* --- in --- */

static WzpResult
failure(WzpTls *tls, int returned)
{
  int error = SSL_get_error(tls->ssl, returned);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
    return WZP_OK;
  ERR_clear_error();
  if (tls->wrong_key)
    return WZP_WRONG_IDENTITY;
  return error == SSL_ERROR_ZERO_RETURN ? WZP_NOT_CONNECTED : WZP_BAD_TAG;
}

/* One step of the TLS handshake, if it is not through. */
static void
advance(WzpTls *tls)
{
  if (tls->failed != WZP_OK || SSL_is_init_finished(tls->ssl))
    return;
  ERR_clear_error();
  int done = SSL_do_handshake(tls->ssl);
  if (done != 1)
    tls->failed = failure(tls, done);
}

WzpResult
wzp_tls_receive(WzpTls *tls, const uint8_t *data, size_t length)
{
  size_t written = 0;
  if (tls->failed == WZP_OK && length > 0 && BIO_write_ex(tls->in, data, length, &written) != 1)
    tls->failed = WZP_BAD_TAG;
  advance(tls);
  return tls->failed;
}

/* More plaintext; false when there is none now. */
static bool
read_plain(WzpTls *tls)
{
  if (tls->failed != WZP_OK || !SSL_is_init_finished(tls->ssl))
    return false;
  ERR_clear_error();
  tls->plain_used = 0;
  int got = SSL_read_ex(tls->ssl, tls->plain, sizeof tls->plain, &tls->plain_length);
  if (got == 1)
    return true;
  tls->plain_length = 0;
  tls->failed = failure(tls, got);
  return false;
}

bool
wzp_tls_next(WzpTls *tls, const uint8_t **datagram, size_t *length, WzpResult *result)
{
  *datagram = NULL;
  while (tls->failed == WZP_OK && (tls->plain_used < tls->plain_length || read_plain(tls))) {
    size_t used;
    tls->failed = wzp_stream_read(&tls->reader, tls->plain + tls->plain_used,
                                  tls->plain_length - tls->plain_used, &used, datagram, length);
    tls->plain_used += used;
    if (tls->failed == WZP_OK && *datagram != NULL)
      break;
  }
  *result = tls->failed;
  return *datagram != NULL && tls->failed == WZP_OK;
}

/* --- out --- */

void
wzp_tls_send(WzpTls *tls, WzpTime now, const uint8_t *datagram, size_t length)
{
  wzp_stream_push(tls->queue, now, datagram, length);
}

const uint8_t *
wzp_tls_output(WzpTls *tls, WzpTime now, size_t *length)
{
  char *bytes;
  if (BIO_pending(tls->out) == 0 && tls->failed == WZP_OK && SSL_is_init_finished(tls->ssl)) {
    uint8_t unit[UNIT];
    size_t taken = wzp_stream_take(tls->queue, now, unit, sizeof unit), written;
    ERR_clear_error();
    if (taken > 0 && SSL_write_ex(tls->ssl, unit, taken, &written) != 1)
      tls->failed = WZP_BAD_TAG; /* into memory: it takes all, or something is broken */
    sodium_memzero(unit, taken);
  }
  long waiting = BIO_get_mem_data(tls->out, &bytes);
  *length = waiting > 0 ? (size_t)waiting : 0;
  return *length > 0 ? (const uint8_t *)bytes : NULL;
}

void
wzp_tls_sent(WzpTls *tls, size_t length)
{
  uint8_t gone[UNIT];
  while (length > 0) {
    size_t read = 0;
    if (BIO_read_ex(tls->out, gone, MIN(length, sizeof gone), &read) != 1)
      break;
    length -= read;
  }
}

bool
wzp_tls_wants_output(WzpTls *tls, WzpTime now)
{
  return BIO_pending(tls->out) > 0 || (wzp_tls_is_up(tls) && !wzp_stream_is_empty(tls->queue, now));
}

bool
wzp_tls_is_up(const WzpTls *tls)
{
  return tls->failed == WZP_OK && SSL_is_init_finished(tls->ssl);
}

bool
wzp_tls_peer_key(const WzpTls *tls, uint8_t key[32])
{
  if (tls->has_peer_key)
    memcpy(key, tls->peer_key, sizeof tls->peer_key);
  return tls->has_peer_key;
}

uint64_t
wzp_tls_dropped(const WzpTls *tls, WzpResult reason)
{
  return wzp_stream_dropped(tls->queue, reason);
}
