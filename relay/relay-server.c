/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-server.h"
#include "relay-access.h"
#include "relay-auth-http.h"
#include "relay-bucket.h"
#include "relay-control.h"
#include "relay-metrics.h"
#include "relay-tls.h"
#include "relay-worker.h"
#include <glib-unix.h>

/* datagrams that the control thread takes before it looks at timers and scrapes again */
#define CONTROL_BATCH 64
#define LOG_LINES_PER_SECOND 10
#define LOG_BURST 50

struct RelayServer {
  RelayWorker *worker;
  RelayTls *tls; /* NULL: UDP only */
  RelayControl *control;
  RelayMetrics *metrics;
  RelayAuthHttp *auth; /* NULL: no tokens are asked for */
  RelayAccess *access;
  GSource *datagrams, *timer;
  RelayBucket log_lines;
  unsigned log_left_out;
};

/* --- hooks of the control plane --- */

static void
on_command(void *user, const RelayCommand *command)
{
  RelayServer *server = user;

  relay_worker_command(server->worker, command);
}

static WzpTime
on_media_last_seen(void *user, uint32_t sid)
{
  RelayServer *server = user;

  return relay_worker_last_seen(server->worker, sid);
}

static uint64_t
on_egress(void *user)
{
  RelayServer *server = user;

  return relay_worker_egress(server->worker);
}

static void
on_log(void *user, const char *line)
{
  RelayServer *server = user;

  if (!relay_bucket_take(&server->log_lines, g_get_monotonic_time(), LOG_LINES_PER_SECOND,
                         LOG_BURST, 1)) {
    server->log_left_out++;
    return;
  }
  if (server->log_left_out > 0)
    g_printerr("wzp-relay: %u lines were left out here\n", server->log_left_out);
  server->log_left_out = 0;
  g_printerr("wzp-relay: %s\n", line);
}

static void
on_read_stats(void *user, RelayStats *stats)
{
  RelayServer *server = user;

  relay_control_get_stats(server->control, stats);
  relay_worker_add_stats(server->worker, stats);
  if (server->tls != NULL)
    relay_tls_add_stats(server->tls, stats);
}

/* --- clients without UDP; in the worker's thread, and in that of TLS --- */

static void
on_send_stream(void *user, const WzpAddress *to, const uint8_t *data, size_t length)
{
  RelayServer *server = user;

  relay_tls_send(server->tls, to, data, length);
}

static void
on_stream_received(void *user, const WzpAddress *from, const uint8_t *data, size_t length)
{
  RelayServer *server = user;

  relay_worker_bring(server->worker, from, data, length);
}

/* --- main context --- */

/* After every input: sends what is due and sets the timer. */
static void
pump(RelayServer *server, WzpTime now)
{
  RelayTokenCheck check;
  RelayDatagram datagram;
  WzpTime next;

  while (relay_control_poll(server->control, now, &datagram))
    relay_worker_send(server->worker, &datagram);
  while (server->auth != NULL && relay_control_next_token_check(server->control, now, &check))
    relay_auth_http_check(server->auth, check.id, check.token);
  next = relay_control_next_timeout(server->control);
  g_source_set_ready_time(server->timer, next == WZP_NEVER ? -1 : next);
}

static void
on_verdict(void *user, uint64_t id, RelayTokenVerdict verdict,
           const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  RelayServer *server = user;
  WzpTime now = g_get_monotonic_time();

  relay_control_token_verdict(server->control, now, id, verdict, fingerprint);
  pump(server, now);
}

static gboolean
on_datagrams(gint fd, GIOCondition condition, gpointer user)
{
  RelayServer *server = user;
  uint8_t data[WZP_DATAGRAM_MAX];
  WzpAddress from;
  size_t length;
  unsigned n;

  (void)fd, (void)condition;
  for (n = 0; n < CONTROL_BATCH && relay_worker_take_control(server->worker, &from, data, &length);
       n++) {
    WzpTime now = g_get_monotonic_time();

    relay_control_handle(server->control, now, &from, data, length);
    pump(server, now);
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_timer(gpointer user)
{
  RelayServer *server = user;
  WzpTime now = g_get_monotonic_time();

  relay_control_handle_timeout(server->control, now);
  pump(server, now);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer(GSource *source, GSourceFunc callback, gpointer user)
{
  (void)source;
  return callback(user);
}

/* a source whose only trigger is its ready time */
static GSourceFuncs timer_functions = {.dispatch = dispatch_timer};

static void
attach_sources(RelayServer *server)
{
  server->timer = g_source_new(&timer_functions, sizeof(GSource));
  g_source_set_callback(server->timer, on_timer, server, NULL);
  g_source_attach(server->timer, NULL);
  server->datagrams = g_unix_fd_source_new(relay_worker_control_fd(server->worker), G_IO_IN);
  g_source_set_callback(server->datagrams, G_SOURCE_FUNC(on_datagrams), server, NULL);
  g_source_attach(server->datagrams, NULL);
}

RelayServer *
relay_server_new(const RelayConfig *config, const WzpIdentity *identity, GError **error)
{
  RelayServer *server = g_new0(RelayServer, 1);
  WzpRandom random = wzp_random_system();
  WzpTime now = g_get_monotonic_time();
  RelayControlHooks hooks = {.user = server,
                             .command = on_command,
                             .media_last_seen = on_media_last_seen,
                             .egress = on_egress,
                             .log = on_log};

  relay_bucket_init(&server->log_lines, now, LOG_BURST);
  server->worker = relay_worker_new(&config->limits, &config->listen, config->second_port, error);
  if (server->worker == NULL)
    goto failed;
  server->control = relay_control_new(&config->limits, identity, &random, now, &hooks);
  relay_control_set_second_port(server->control, relay_worker_second_port(server->worker));
  if (config->auth_url != NULL) {
    server->auth = relay_auth_http_new(config, on_verdict, server, error);
    if (server->auth == NULL)
      goto failed;
    relay_control_require_tokens(server->control);
  }
  attach_sources(server);
  if (config->metrics_port >= 0) {
    server->metrics = relay_metrics_new(&config->metrics_address, (uint16_t)config->metrics_port,
                                        on_read_stats, server, error);
    if (server->metrics == NULL)
      goto failed;
  }
  if (config->tls_listen.family != 0) {
    server->tls = relay_tls_new(config, identity, on_stream_received, server, error);
    if (server->tls == NULL)
      goto failed;
    relay_worker_set_streams(server->worker, on_send_stream, server);
  }
  if (!relay_worker_start(server->worker, error) ||
      (server->tls != NULL && !relay_tls_start(server->tls, error)))
    goto failed;
  if (server->metrics != NULL)
    relay_metrics_set_ready(server->metrics, true);
  return server;

failed:
  relay_server_free(server);
  return NULL;
}

static void
destroy_source(GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy(*source);
  g_source_unref(*source);
  *source = NULL;
}

void
relay_server_free(RelayServer *server)
{
  if (server == NULL)
    return;
  destroy_source(&server->datagrams);
  destroy_source(&server->timer);
  relay_metrics_free(server->metrics);
  relay_auth_http_free(server->auth);
  relay_tls_stop(server->tls);
  relay_worker_free(server->worker);
  relay_tls_free(server->tls);
  relay_control_free(server->control);
  relay_access_free(server->access);
  g_free(server);
}

const WzpAddress *
relay_server_address(const RelayServer *server)
{
  return relay_worker_address(server->worker);
}

uint16_t
relay_server_second_port(const RelayServer *server)
{
  return relay_worker_second_port(server->worker);
}

const WzpAddress *
relay_server_tls_address(const RelayServer *server)
{
  return server->tls != NULL ? relay_tls_address(server->tls) : NULL;
}

const char *
relay_server_metrics_url(const RelayServer *server)
{
  return server->metrics != NULL ? relay_metrics_url(server->metrics) : NULL;
}

void
relay_server_take_access(RelayServer *server, RelayAccess *access)
{
  relay_control_set_access(server->control, access);
  relay_access_free(server->access);
  server->access = access;
}

void
relay_server_shutdown(RelayServer *server)
{
  WzpTime now = g_get_monotonic_time();

  if (server->metrics != NULL)
    relay_metrics_set_ready(server->metrics, false);
  relay_control_shutdown(server->control, now);
  pump(server, now);
}
