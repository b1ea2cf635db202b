/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth-server.h"
#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 16384
#define PATH "/v1/auth/validate"
#define OTHER_PATH "/elsewhere"
#define HALF_AN_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"valid\":"

struct AuthServer {
  pthread_t thread;
  int listener, stop[2];
  unsigned port;
  char *url, *folder, *certificate;
  SSL_CTX *tls;
  gint mode; /* atomic */
  pthread_mutex_t lock;
  unsigned requests;
  char *last;
  GArray *held; /* of int: connections that never get their answer */
};

/* One connection, with or without TLS. */
typedef struct {
  int fd;
  SSL *ssl;
} Connection;

static ssize_t
connection_read(Connection *connection, char *data, size_t size)
{
  return connection->ssl != NULL ? SSL_read(connection->ssl, data, (int)size)
                                 : recv(connection->fd, data, size, 0);
}

/* False when the other side has gone. */
static bool
connection_write(Connection *connection, const char *text, size_t length)
{
  while (length > 0) {
    ssize_t n = connection->ssl != NULL ? SSL_write(connection->ssl, text, (int)length)
                                        : send(connection->fd, text, length, MSG_NOSIGNAL);

    if (n <= 0)
      return false;
    text += n;
    length -= (size_t)n;
  }
  return true;
}

/* Head and body; NULL when none came. */
static char *
read_request(Connection *connection)
{
  GString *text = g_string_new(NULL);

  while (text->len < REQUEST_MAX) {
    const char *body = strstr(text->str, "\r\n\r\n"), *length;
    char part[1024];
    ssize_t n;

    if (body != NULL) {
      char *head = g_ascii_strdown(text->str, body - text->str);

      length = strstr(head, "\r\ncontent-length: ");
      n = length != NULL ? (ssize_t)g_ascii_strtoull(length + 18, NULL, 10) : 0;
      g_free(head);
      if ((ssize_t)strlen(body + 4) >= n)
        return g_string_free(text, FALSE);
    }
    n = connection_read(connection, part, sizeof part);
    if (n <= 0)
      break;
    g_string_append_len(text, part, n);
  }
  g_string_free(text, TRUE);
  return NULL;
}

static void
respond(Connection *connection, const char *status, const char *more, const char *body,
        size_t spaces)
{
  char *head = g_strdup_printf("HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s"
                               "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                               status, more, strlen(body) + spaces, body);
  char *tail = g_strnfill(spaces, ' ');

  if (connection_write(connection, head, strlen(head)))
    connection_write(connection, tail, spaces);
  g_free(head);
  g_free(tail);
}

/* What this token is worth. */
static char *
verdict_on(const char *request)
{
  const char *token = strstr(request, "{\"token\":\"of-");
  char owner[40] = "";

  if (token == NULL || sscanf(token, "{\"token\":\"of-%39[0-9a-f:]\"}", owner) != 1)
    return g_strdup("{\"valid\":false}");
  return g_strdup_printf("{\"valid\":true,\"fingerprint\":\"%s\",\"alias\":\"somebody\"}", owner);
}

/* True when the connection is to stay open. */
static bool
answer(AuthServer *server, Connection *connection, const char *request)
{
  AuthServerMode mode = (AuthServerMode)g_atomic_int_get(&server->mode);
  char *verdict = verdict_on(request);
  char *location = g_strdup_printf("Location: http%s://127.0.0.1:%u" OTHER_PATH "\r\n",
                                   server->tls != NULL ? "s" : "", server->port);

  if (strstr(request, OTHER_PATH) != NULL)
    mode = AUTH_SERVER_JUDGES;
  switch (mode) {
  case AUTH_SERVER_JUDGES:
    respond(connection, "200 OK", "", verdict, 0);
    break;
  case AUTH_SERVER_401:
    respond(connection, "401 Unauthorized", "", verdict, 0);
    break;
  case AUTH_SERVER_500:
    respond(connection, "500 Oh dear", "", verdict, 0);
    break;
  case AUTH_SERVER_REDIRECTS:
    respond(connection, "307 Temporary Redirect", location, verdict, 0);
    break;
  case AUTH_SERVER_SEE_OTHER:
    respond(connection, "303 See Other", location, verdict, 0);
    break;
  case AUTH_SERVER_OVERSIZE:
    respond(connection, "200 OK", "", verdict, 1024 * 1024);
    break;
  case AUTH_SERVER_GARBAGE:
    respond(connection, "200 OK", "", "<html>valid: true</html>", 0);
    break;
  case AUTH_SERVER_NAMELESS:
    respond(connection, "200 OK", "", "{\"valid\":true}", 0);
    break;
  case AUTH_SERVER_HALF:
    connection_write(connection, HALF_AN_ANSWER, strlen(HALF_AN_ANSWER));
    break;
  case AUTH_SERVER_CLOSES:
  case AUTH_SERVER_SILENT:
  case AUTH_SERVER_N_MODES:
    break;
  }
  g_free(location);
  g_free(verdict);
  return mode == AUTH_SERVER_SILENT || mode == AUTH_SERVER_HALF;
}

static void
serve(AuthServer *server, int fd)
{
  struct timeval patience = {.tv_sec = 5};
  Connection connection = {.fd = fd};
  char *request = NULL;
  bool hold = false;

  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (server->tls != NULL) {
    connection.ssl = SSL_new(server->tls);
    SSL_set_fd(connection.ssl, fd);
  }
  if (connection.ssl == NULL || SSL_accept(connection.ssl) == 1)
    request = read_request(&connection);
  if (request != NULL) {
    pthread_mutex_lock(&server->lock);
    server->requests++;
    g_free(server->last);
    server->last = g_strdup(request);
    pthread_mutex_unlock(&server->lock);
    hold = answer(server, &connection, request);
  }
  if (connection.ssl != NULL) {
    if (request != NULL && !hold)
      SSL_shutdown(connection.ssl);
    SSL_free(connection.ssl);
  }
  if (hold)
    g_array_append_val(server->held, fd);
  else
    close(fd);
  g_free(request);
}

static void *
run(void *user)
{
  AuthServer *server = user;
  struct pollfd pollers[2] = {{.fd = server->listener, .events = POLLIN},
                              {.fd = server->stop[0], .events = POLLIN}};

  for (;;) {
    int fd;

    if (poll(pollers, 2, -1) < 0)
      continue;
    if (pollers[1].revents != 0)
      return NULL;
    fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
      serve(server, fd);
  }
}

/* --- a certificate that nobody signed but itself --- */

static X509 *
make_certificate(EVP_PKEY *key)
{
  X509 *certificate = X509_new();
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_EXTENSION *host = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_add_ext(certificate, host, -1);
  X509_EXTENSION_free(host);
  g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
  return certificate;
}

static void
set_up_tls(AuthServer *server)
{
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = make_certificate(key);
  FILE *file;

  server->tls = SSL_CTX_new(TLS_server_method());
  g_assert_cmpint(SSL_CTX_use_certificate(server->tls, certificate), ==, 1);
  g_assert_cmpint(SSL_CTX_use_PrivateKey(server->tls, key), ==, 1);
  server->folder = g_dir_make_tmp("wzp-auth-XXXXXX", NULL);
  server->certificate = g_build_filename(server->folder, "certificate.pem", NULL);
  file = g_fopen(server->certificate, "w");
  g_assert_nonnull(file);
  g_assert_cmpint(PEM_write_X509(file, certificate), ==, 1);
  fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

AuthServer *
auth_server_new(bool with_tls)
{
  AuthServer *server = g_new0(AuthServer, 1);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;

  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(bind(server->listener, (struct sockaddr *)&address, length), ==, 0);
  g_assert_cmpint(listen(server->listener, 16), ==, 0);
  g_assert_cmpint(getsockname(server->listener, (struct sockaddr *)&address, &length), ==, 0);
  g_assert_cmpint(pipe(server->stop), ==, 0);
  server->port = ntohs(address.sin_port);
  server->url = g_strdup_printf("http%s://127.0.0.1:%u" PATH, with_tls ? "s" : "", server->port);
  server->held = g_array_new(FALSE, FALSE, sizeof(int));
  pthread_mutex_init(&server->lock, NULL);
  if (with_tls)
    set_up_tls(server);
  g_assert_cmpint(pthread_create(&server->thread, NULL, run, server), ==, 0);
  return server;
}

void
auth_server_free(AuthServer *server)
{
  unsigned i;

  if (server == NULL)
    return;
  g_assert_cmpint(write(server->stop[1], "", 1), ==, 1);
  pthread_join(server->thread, NULL);
  for (i = 0; i < server->held->len; i++)
    close(g_array_index(server->held, int, i));
  g_array_unref(server->held);
  close(server->listener);
  close(server->stop[0]);
  close(server->stop[1]);
  pthread_mutex_destroy(&server->lock);
  if (server->tls != NULL) {
    SSL_CTX_free(server->tls);
    g_unlink(server->certificate);
    g_rmdir(server->folder);
  }
  g_free(server->certificate);
  g_free(server->folder);
  g_free(server->last);
  g_free(server->url);
  g_free(server);
}

const char *
auth_server_url(const AuthServer *server)
{
  return server->url;
}

unsigned
auth_server_port(const AuthServer *server)
{
  return server->port;
}

const char *
auth_server_certificate(const AuthServer *server)
{
  return server->certificate;
}

void
auth_server_set_mode(AuthServer *server, AuthServerMode mode)
{
  g_atomic_int_set(&server->mode, (gint)mode);
}

unsigned
auth_server_requests(AuthServer *server)
{
  unsigned requests;

  pthread_mutex_lock(&server->lock);
  requests = server->requests;
  pthread_mutex_unlock(&server->lock);
  return requests;
}

char *
auth_server_last(AuthServer *server)
{
  char *last;

  pthread_mutex_lock(&server->lock);
  last = g_strdup(server->last);
  pthread_mutex_unlock(&server->lock);
  return last;
}
