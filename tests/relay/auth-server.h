/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* An auth server on 127.0.0.1 in a thread of its own, good or bad as it is told to be. A token is good if it
 * is "of-" and a fingerprint: it is that one's. */

typedef enum {
  AUTH_SERVER_JUDGES, /* 200, {"valid":true,"fingerprint":...} or {"valid":false} */
  AUTH_SERVER_401,
  AUTH_SERVER_500,
  AUTH_SERVER_REDIRECTS, /* to another place of its own, 307: ask there */
  AUTH_SERVER_SEE_OTHER, /* 303: look there */
  AUTH_SERVER_OVERSIZE,  /* good, but for the megabyte of spaces behind it */
  AUTH_SERVER_GARBAGE,
  AUTH_SERVER_NAMELESS, /* valid, but whose? */
  AUTH_SERVER_CLOSES,   /* takes the question and hangs up */
  AUTH_SERVER_SILENT,   /* takes the question, and that was it */
  AUTH_SERVER_HALF,     /* begins to answer, and that was it */
  AUTH_SERVER_N_MODES
} AuthServerMode;

typedef struct AuthServer AuthServer;
/* with_tls: shows a certificate made for 127.0.0.1, and nobody else. */
AuthServer *auth_server_new(bool with_tls);
void auth_server_free(AuthServer *server);
/* "http://127.0.0.1:41234/v1/auth/validate"; https with TLS. */
const char *auth_server_url(const AuthServer *server);
unsigned auth_server_port(const AuthServer *server);
/* File of the certificate; NULL without TLS. */
const char *auth_server_certificate(const AuthServer *server);
void auth_server_set_mode(AuthServer *server, AuthServerMode mode);
/* Questions so far, and the last of them: head and body. */
unsigned auth_server_requests(AuthServer *server);
char *auth_server_last(AuthServer *server);
