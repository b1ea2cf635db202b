/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth.h"
#include "keyfile.h"
#include "signal.h"
#include <sodium.h>
#include <string.h>

bool
wzp_token_is_valid(const char *token, size_t length)
{
  if (length == 0 || length > WZP_TOKEN_MAX)
    return false;
  for (size_t i = 0; i < length; i++)
    if (!g_ascii_isgraph(token[i]))
      return false;
  return true;
}

WzpResult
wzp_auth_parse(WzpAuth *auth, const void *body, size_t length)
{
  WzpReader reader;
  wzp_reader_init(&reader, body, length);
  auth->token_length = wzp_reader_u16(&reader);
  auth->token = (const char *)wzp_reader_bytes(&reader, auth->token_length);
  auth->message = wzp_reader_rest(&reader, &auth->message_length);
  if (reader.failed)
    return WZP_TRUNCATED;
  if (!wzp_token_is_valid(auth->token, auth->token_length))
    return WZP_MALFORMED;
  if (auth->message_length > 0 && auth->message[0] == WZP_MESSAGE_AUTH)
    return WZP_MALFORMED;
  return WZP_OK;
}

void
wzp_auth_write(WzpWriter *writer, const char *token, const void *message, size_t length)
{
  wzp_writer_u8(writer, WZP_MESSAGE_AUTH);
  wzp_writer_lp(writer, token, strlen(token));
  wzp_writer_bytes(writer, message, length);
}

char *
wzp_token_load(const char *path, GError **error)
{
  char *text;
  if (!wzp_private_text_read(path, &text, error))
    return NULL;
  if (text == NULL) {
    g_set_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_MISSING, "%s: there is no such file",
                path);
    return NULL;
  }
  size_t size = strlen(text) + 1;
  g_strstrip(text);
  if (wzp_token_is_valid(text, strlen(text)))
    return text;
  g_set_error(error, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_CONTENT,
              "%s: this is no token; it must be one line of 1 to %d printable characters without "
              "spaces",
              path, WZP_TOKEN_MAX);
  sodium_memzero(text, size);
  g_free(text);
  return NULL;
}

void
wzp_token_free(char *token)
{
  wzp_secret_text_free(token);
}
