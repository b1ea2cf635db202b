/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-auth-http.h"
#include "relay-auth.h"
#include <libsoup/soup.h>
#include <sodium.h>
#include <string.h>

struct RelayAuthHttp {
  SoupSession *session;
  GUri *uri;
  unsigned timeout_ms;
  RelayAuthHttpDone done; /* NULL once freed */
  void *user;
  GHashTable *checks; /* that run */
  unsigned references;
};

typedef struct {
  RelayAuthHttp *http;
  uint64_t id;
  SoupMessage *message;
  GCancellable *cancellable;
  GSource *timeout;
  GInputStream *stream;
  char answer[RELAY_AUTH_ANSWER_MAX + 1]; /* one more shows that it is too long */
} Check;

static void
unref(RelayAuthHttp *http)
{
  if (--http->references > 0)
    return;
  g_hash_table_unref(http->checks);
  g_uri_unref(http->uri);
  g_object_unref(http->session);
  g_free(http);
}

static void
end_check(Check *check, RelayTokenVerdict verdict, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  RelayAuthHttp *http = check->http;
  uint64_t id = check->id;

  g_source_destroy(check->timeout);
  g_source_unref(check->timeout);
  g_clear_object(&check->stream);
  g_object_unref(check->message);
  g_object_unref(check->cancellable);
  g_hash_table_remove(http->checks, check);
  sodium_memzero(check, sizeof *check);
  g_free(check);
  if (http->done != NULL)
    http->done(http->user, id, verdict, fingerprint);
  unref(http);
}

static void
on_read(GObject *source, GAsyncResult *result, void *user)
{
  RelayTokenVerdict verdict = RELAY_TOKEN_UNAVAILABLE;
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  Check *check = user;
  gsize length = 0;

  if (g_input_stream_read_all_finish(G_INPUT_STREAM(source), result, &length, NULL))
    verdict = relay_auth_read_answer(check->answer, length, fingerprint);
  end_check(check, verdict, fingerprint);
}

static void
on_sent(GObject *source, GAsyncResult *result, void *user)
{
  Check *check = user;
  SoupStatus status = soup_message_get_status(check->message);

  check->stream = soup_session_send_finish(SOUP_SESSION(source), result, NULL);
  if (check->stream == NULL || status < 200 || status > 299) {
    /* a redirect, too, is no answer */
    end_check(check,
              check->stream != NULL && status == SOUP_STATUS_UNAUTHORIZED ? RELAY_TOKEN_REFUSED
                                                                          : RELAY_TOKEN_UNAVAILABLE,
              NULL);
    return;
  }
  g_input_stream_read_all_async(check->stream, check->answer, sizeof check->answer,
                                G_PRIORITY_DEFAULT, check->cancellable, on_read, check);
}

static gboolean
on_timeout(void *user)
{
  Check *check = user;

  g_cancellable_cancel(check->cancellable);
  return G_SOURCE_CONTINUE; /* destroyed with the check */
}

static void
wipe(void *text)
{
  sodium_memzero(text, strlen(text));
  g_free(text);
}

/* {"token":"..."}, of printable characters; by hand, so that nobody else makes copies of the token. */
static void
set_body(SoupMessage *message, const char *token)
{
  static const char before[] = "{\"token\":\"", behind[] = "\"}";
  char *text = g_malloc(sizeof before + 2 * strlen(token) + sizeof behind);
  char *end = g_stpcpy(text, before);
  GBytes *body;

  for (; *token != '\0'; token++) {
    if (*token == '"' || *token == '\\')
      *end++ = '\\';
    *end++ = *token;
  }
  end = g_stpcpy(end, behind);
  body = g_bytes_new_with_free_func(text, (size_t)(end - text), wipe, text);
  soup_message_set_request_body_from_bytes(message, "application/json", body);
  g_bytes_unref(body);
}

void
relay_auth_http_check(RelayAuthHttp *http, uint64_t id, const char *token)
{
  Check *check = g_new0(Check, 1);

  check->http = http;
  http->references++;
  check->id = id;
  check->message = soup_message_new_from_uri("POST", http->uri);
  soup_message_add_flags(check->message, SOUP_MESSAGE_NO_REDIRECT);
  set_body(check->message, token);
  check->cancellable = g_cancellable_new();
  check->timeout = g_timeout_source_new(http->timeout_ms);
  g_source_set_callback(check->timeout, on_timeout, check, NULL);
  g_source_attach(check->timeout, NULL);
  g_hash_table_add(http->checks, check);
  soup_session_send_async(http->session, check->message, G_PRIORITY_DEFAULT, check->cancellable,
                          on_sent, check);
}

RelayAuthHttp *
relay_auth_http_new(const RelayConfig *config, RelayAuthHttpDone done, void *user, GError **error)
{
  RelayAuthHttp *http;
  GTlsDatabase *authorities = NULL;

  if (config->auth_ca != NULL) {
    char *path = g_canonicalize_filename(config->auth_ca, NULL);
    GError *problem = NULL;

    authorities = g_tls_file_database_new(path, &problem);
    g_free(path);
    if (authorities == NULL) {
      g_set_error(error, problem->domain, problem->code,
                  "auth-ca: the certificates in %s cannot be used: %s", config->auth_ca,
                  problem->message);
      g_error_free(problem);
      return NULL;
    }
  }
  http = g_new0(RelayAuthHttp, 1);
  http->references = 1;
  http->done = done;
  http->user = user;
  http->timeout_ms = config->auth_timeout_ms;
  http->uri = g_uri_parse(config->auth_url, SOUP_HTTP_URI_FLAGS, NULL);
  http->checks = g_hash_table_new(NULL, NULL);
  http->session =
      soup_session_new_with_options("proxy-resolver", NULL, "user-agent", "wzp-relay", "max-conns",
                                    (int)config->limits.max_token_checks, "max-conns-per-host",
                                    (int)config->limits.max_token_checks, NULL);
  if (authorities != NULL) {
    soup_session_set_tls_database(http->session, authorities);
    g_object_unref(authorities);
  }
  return http;
}

void
relay_auth_http_free(RelayAuthHttp *http)
{
  GHashTableIter iterator;
  void *check;

  if (http == NULL)
    return;
  http->done = NULL;
  g_hash_table_iter_init(&iterator, http->checks);
  while (g_hash_table_iter_next(&iterator, &check, NULL))
    g_cancellable_cancel(((Check *)check)->cancellable);
  /* those end in the main loop, if it still runs */
  soup_session_abort(http->session);
  unref(http);
}
