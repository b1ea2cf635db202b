/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "bytes.h"
#include "result.h"
#include <glib.h>

/* Bearer tokens, for relays that serve only who shows one (PROTOCOL.md 6).
 *
 *   AUTH = 0x05 | length(2) | token | message        message: what waits for the verdict, normally JOIN
 *
 * A token is 1 to 4096 characters of printable ASCII without spaces. */

#define WZP_TOKEN_MAX 4096
#define WZP_AUTH_OVERHEAD 3 /* of the message kind and the length */

typedef struct {
  const char *token; /* token_length characters, no NUL */
  size_t token_length;
  const uint8_t *message; /* with its kind byte; message_length may be 0 */
  size_t message_length;
} WzpAuth;

bool wzp_token_is_valid(const char *token, size_t length);
/* body is the message without its kind byte; the fields are views into it. WZP_MALFORMED: not a token, or
 * another AUTH inside. */
WzpResult wzp_auth_parse(WzpAuth *auth, const void *body, size_t length);
/* The whole message, kind byte included; the token is valid. */
void wzp_auth_write(WzpWriter *writer, const char *token, const void *message, size_t length);

/* The token in a private file (checked as in keyfile.h), without white space around it. Free with
 * wzp_token_free(). NULL: the error is a sentence. */
char *wzp_token_load(const char *path, GError **error);
void wzp_token_free(char *token); /* wipes; NULL is fine */
