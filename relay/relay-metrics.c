/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-metrics.h"
#include <libsoup/soup.h>
#include <string.h>

static void
family(GString *text, const char *name, const char *type, const char *help)
{
  g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
single(GString *text, const char *name, const char *type, const char *help, uint64_t value)
{
  family(text, name, type, help);
  g_string_append_printf(text, "%s %" G_GUINT64_FORMAT "\n", name, value);
}

static void
drops(GString *text, const char *plane, const uint64_t counts[WZP_N_RESULTS])
{
  unsigned reason;

  for (reason = WZP_OK + 1; reason < WZP_N_RESULTS; reason++)
    g_string_append_printf(
        text, "wzp_relay_drops_total{plane=\"%s\",reason=\"%s\"} %" G_GUINT64_FORMAT "\n", plane,
        wzp_result_name((WzpResult)reason), counts[reason]);
}

static void
durations(GString *text, const char *name, const char *help, const uint64_t buckets[12],
          double seconds_sum)
{
  char bound[G_ASCII_DTOSTR_BUF_SIZE];
  uint64_t below = 0;
  unsigned i;

  family(text, name, "histogram", help);
  for (i = 0; i < RELAY_N_HANDSHAKE_BOUNDS; i++) {
    below += buckets[i];
    g_ascii_formatd(bound, sizeof bound, "%g", relay_handshake_bounds[i]);
    g_string_append_printf(text, "%s_bucket{le=\"%s\"} %" G_GUINT64_FORMAT "\n", name, bound,
                           below);
  }
  below += buckets[RELAY_N_HANDSHAKE_BOUNDS];
  g_string_append_printf(text, "%s_bucket{le=\"+Inf\"} %" G_GUINT64_FORMAT "\n", name, below);
  g_ascii_formatd(bound, sizeof bound, "%.6f", seconds_sum);
  g_string_append_printf(text, "%s_sum %s\n%s_count %" G_GUINT64_FORMAT "\n", name, bound, name,
                         below);
}

static void
auth_attempts(GString *text, const uint64_t counts[RELAY_N_AUTH_RESULTS])
{
  static const char name[] = "wzp_relay_auth_attempts_total";
  unsigned result;

  family(text, name, "counter", "Clients that were to show a token, by what became of it.");
  for (result = 0; result < RELAY_N_AUTH_RESULTS; result++)
    g_string_append_printf(text, "%s{result=\"%s\"} %" G_GUINT64_FORMAT "\n", name,
                           relay_auth_result_names[result], counts[result]);
}

static void
tls(GString *text, const RelayStats *stats)
{
  const char *name = "wzp_relay_tls_connections_ended_total";
  unsigned end;

  if (!stats->tls)
    return;
  single(text, "wzp_relay_tls_connections", "gauge", "TCP connections of clients without UDP.",
         stats->tls_connections);
  single(text, "wzp_relay_tls_connections_total", "counter", "Such connections that were taken.",
         stats->tls_accepted);
  family(text, name, "counter", "Such connections that ended or were refused, by reason.");
  for (end = 0; end < RELAY_N_STREAM_ENDS; end++)
    g_string_append_printf(text, "%s{reason=\"%s\"} %" G_GUINT64_FORMAT "\n", name,
                           relay_stream_end_names[end], stats->tls_ends[end]);
}

static void
refused_calls(GString *text, const uint64_t counts[WZP_N_CALL_STATUS])
{
  static const WzpCallStatus refusals[] = {WZP_CALL_UNREACHABLE, WZP_CALL_BUSY, WZP_CALL_LIMITED,
                                           WZP_CALL_NO_PLACE};
  const char *name = "wzp_relay_calls_refused_total";
  unsigned i;

  family(text, name, "counter", "Messages of dialled calls that were not let through, by reason.");
  for (i = 0; i < G_N_ELEMENTS(refusals); i++)
    g_string_append_printf(text, "%s{reason=\"%s\"} %" G_GUINT64_FORMAT "\n", name,
                           wzp_call_status_name(refusals[i]), counts[refusals[i]]);
}

char *
relay_metrics_text(const RelayStats *stats)
{
  GString *text = g_string_new(NULL);

  family(text, "wzp_relay_build_info", "gauge", "The version that runs; always 1.");
  g_string_append(text, "wzp_relay_build_info{version=\"" WZP_VERSION "\"} 1\n");
  single(text, "wzp_relay_active_sessions", "gauge", "Clients with an open session.",
         stats->sessions);
  single(text, "wzp_relay_active_rooms", "gauge", "Rooms with at least one member.", stats->rooms);
  single(text, "wzp_relay_active_calls", "gauge", "Dialled calls that ring or are on.",
         stats->calls);
  single(text, "wzp_relay_calls_total", "counter", "Dialled calls that were let through.",
         stats->calls_started);
  refused_calls(text, stats->calls_refused);
  single(text, "wzp_relay_datagrams_received_total", "counter",
         "Datagrams that came to the relay's port.", stats->datagrams_received);
  single(text, "wzp_relay_packets_received_total", "counter",
         "Media packets that passed all checks.", stats->packets_received);
  single(text, "wzp_relay_bytes_received_total", "counter",
         "Bytes of those packets, without their trailers.", stats->bytes_received);
  single(text, "wzp_relay_packets_forwarded_total", "counter",
         "Copies of media datagrams sent to members.", stats->packets_forwarded);
  single(text, "wzp_relay_bytes_forwarded_total", "counter", "Bytes of those copies.",
         stats->bytes_forwarded);
  family(text, "wzp_relay_drops_total", "counter", "What was dropped, by plane and reason.");
  drops(text, "media", stats->media_drops);
  drops(text, "control", stats->control_drops);
  g_string_append_printf(
      text, "wzp_relay_drops_total{plane=\"socket\",reason=\"queue-full\"} %" G_GUINT64_FORMAT "\n",
      stats->socket_drops);
  if (stats->tls)
    drops(text, "tls", stats->tls_drops);
  tls(text, stats);
  single(text, "wzp_relay_cookies_sent_total", "counter",
         "Handshakes answered with a cookie, because of load.", stats->cookies_sent);
  single(text, "wzp_relay_stun_answered_total", "counter",
         "Clients' questions for their own address that were answered.", stats->stun_answered);
  single(text, "wzp_relay_legs_moved_total", "counter",
         "Clients that went on from another address.", stats->legs_moved);
  single(text, "wzp_relay_moves_refused_total", "counter",
         "Datagrams of a client came from elsewhere, but it still answered where it was.",
         stats->moves_refused);
  durations(text, "wzp_relay_handshake_duration_seconds",
            "Time from the first to the third message of a handshake.", stats->handshake_buckets,
            stats->handshake_seconds_sum);
  single(text, "wzp_relay_unauthorised_sessions", "gauge",
         "Sessions of which no token was found good yet.", stats->unauthorised);
  auth_attempts(text, stats->auth_results);
  durations(text, "wzp_relay_token_check_duration_seconds",
            "Time that the auth server took to answer, or not to.", stats->check_buckets,
            stats->check_seconds_sum);
  return g_string_free(text, FALSE);
}

struct RelayMetrics {
  SoupServer *server;
  RelayMetricsRead read;
  void *user;
  char *url;
  bool ready;
};

/* True when the request may be answered. */
static bool
check_method(SoupServerMessage *message)
{
  const char *method = soup_server_message_get_method(message);

  if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD)
    return true;
  soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow",
                               "GET, HEAD");
  soup_server_message_set_status(message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
  return false;
}

static void
answer(SoupServerMessage *message, unsigned status, const char *type, const char *text)
{
  soup_server_message_set_status(message, status, NULL);
  soup_server_message_set_response(message, type, SOUP_MEMORY_COPY, text, strlen(text));
}

static void
on_metrics(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
           gpointer user)
{
  RelayMetrics *metrics = user;
  RelayStats stats;
  char *text;

  (void)server, (void)path, (void)query;
  if (!check_method(message))
    return;
  metrics->read(metrics->user, &stats);
  text = relay_metrics_text(&stats);
  answer(message, SOUP_STATUS_OK, "text/plain; version=0.0.4; charset=utf-8", text);
  g_free(text);
}

static void
on_live(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
        gpointer user)
{
  (void)server, (void)path, (void)query, (void)user;
  if (check_method(message))
    answer(message, SOUP_STATUS_OK, "text/plain", "ok\n");
}

static void
on_ready(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
         gpointer user)
{
  RelayMetrics *metrics = user;

  (void)server, (void)path, (void)query;
  if (!check_method(message))
    return;
  if (metrics->ready)
    answer(message, SOUP_STATUS_OK, "text/plain", "ready\n");
  else
    answer(message, SOUP_STATUS_SERVICE_UNAVAILABLE, "text/plain", "not ready\n");
}

static void
on_other(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
         gpointer user)
{
  (void)server, (void)path, (void)query, (void)user;
  answer(message, SOUP_STATUS_NOT_FOUND, "text/plain",
         "There are /metrics, /livez, /healthz and /readyz here.\n");
}

RelayMetrics *
relay_metrics_new(const WzpAddress *address, uint16_t port, RelayMetricsRead read, void *user,
                  GError **error)
{
  RelayMetrics *metrics;
  WzpAddress with_port = *address;
  struct sockaddr_storage native;
  socklen_t native_length;
  GSocketAddress *socket_address;
  char text[WZP_ADDRESS_TEXT];
  GError *problem = NULL;
  GSList *uris;
  bool good;

  metrics = g_new0(RelayMetrics, 1);
  metrics->read = read;
  metrics->user = user;
  metrics->server = soup_server_new("server-header", "wzp-relay", NULL);
  with_port.port = port;
  native_length = wzp_address_to_sockaddr(&with_port, &native, false);
  socket_address = g_socket_address_new_from_native(&native, native_length);
  good = soup_server_listen(metrics->server, socket_address, 0, &problem);
  g_object_unref(socket_address);
  if (!good) {
    g_set_error(error, problem->domain, problem->code, "cannot serve metrics on %s: %s",
                wzp_address_format(&with_port, text), problem->message);
    g_error_free(problem);
    relay_metrics_free(metrics);
    return NULL;
  }
  uris = soup_server_get_uris(metrics->server);
  with_port.port = (uint16_t)g_uri_get_port(uris->data);
  metrics->url = g_strdup_printf("http://%s/metrics", wzp_address_format(&with_port, text));
  g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);

  soup_server_add_handler(metrics->server, NULL, on_other, metrics, NULL);
  soup_server_add_handler(metrics->server, "/metrics", on_metrics, metrics, NULL);
  soup_server_add_handler(metrics->server, "/livez", on_live, metrics, NULL);
  soup_server_add_handler(metrics->server, "/healthz", on_live, metrics, NULL);
  soup_server_add_handler(metrics->server, "/readyz", on_ready, metrics, NULL);
  return metrics;
}

void
relay_metrics_free(RelayMetrics *metrics)
{
  if (metrics == NULL)
    return;
  soup_server_disconnect(metrics->server);
  g_object_unref(metrics->server);
  g_free(metrics->url);
  g_free(metrics);
}

const char *
relay_metrics_url(const RelayMetrics *metrics)
{
  return metrics->url;
}

void
relay_metrics_set_ready(RelayMetrics *metrics, bool ready)
{
  metrics->ready = ready;
}
