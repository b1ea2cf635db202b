/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-tls.h"
#include "relay-socket.h"
#include "relay-streams.h"
#include "wzp/tls.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128
#define ACCEPTS_PER_WAKEUP 16
#define READ_SIZE 16384
#define QUEUE 1024
/* What the kernel may hold that is not on its way yet: voice must not grow old there, unseen. */
#define NOT_SENT_MAX 512
/* a peer that acknowledges nothing for so long is gone */
#define USER_TIMEOUT_MS 15000

typedef struct {
  RelayTls *owner;
  uint32_t number;
  int fd;
  WzpTls *tls;
  WzpAddress from;
  bool up, blocked;
  uint64_t drops_seen[WZP_N_RESULTS];
  GSource *source;
  gpointer tag;
} Connection;

typedef struct {
  WzpAddress to;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} Outgoing;

struct RelayTls {
  WzpTlsServer *server;
  int listener, spare; /* spare: given up for a moment when there are no descriptors left */
  WzpAddress address;
  RelayTlsReceive receive;
  void *user;
  GMainContext *context;
  GMainLoop *loop;
  GSource *timer;
  pthread_t thread;
  bool running;

  /* the thread's own */
  RelayStreams *streams;
  Connection *connections[RELAY_STREAMS_MAX];

  /* from other threads, under the lock */
  pthread_mutex_t lock;
  Outgoing *waiting, *taken;
  unsigned n_waiting;
  bool stop;
  int event;

  uint64_t now_open, accepted, ends[RELAY_N_STREAM_ENDS], drops[WZP_N_RESULTS]; /* atomic */
};

static void
count(uint64_t *counter, uint64_t n)
{
  __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* --- connections --- */

static void
count_drops(Connection *connection)
{
  static const WzpResult reasons[] = {WZP_TOO_OLD, WZP_QUEUE_FULL, WZP_TOO_LONG};
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS(reasons); i++) {
    uint64_t dropped = wzp_tls_dropped(connection->tls, reasons[i]);

    count(&connection->owner->drops[reasons[i]], dropped - connection->drops_seen[reasons[i]]);
    connection->drops_seen[reasons[i]] = dropped;
  }
}

static void
close_connection(Connection *connection, RelayStreamEnd end)
{
  RelayTls *self = connection->owner;

  count_drops(connection);
  count(&self->ends[end], 1);
  __atomic_fetch_sub(&self->now_open, 1, __ATOMIC_RELAXED);
  self->connections[relay_stream_index(connection->number)] = NULL;
  relay_streams_remove(self->streams, connection->number);
  g_source_destroy(connection->source);
  g_source_unref(connection->source);
  wzp_tls_free(connection->tls);
  close(connection->fd);
  g_free(connection);
}

static void
close_number(RelayTls *self, uint32_t number, RelayStreamEnd end)
{
  Connection *connection = self->connections[relay_stream_index(number)];

  if (connection != NULL && connection->number == number)
    close_connection(connection, end);
}

static void
poll_for_output(Connection *connection, bool blocked)
{
  if (connection->blocked == blocked)
    return;
  connection->blocked = blocked;
  g_source_modify_unix_fd(connection->source, connection->tag, G_IO_IN | (blocked ? G_IO_OUT : 0));
}

/* send() alone would take much more: it fills what it has of a segment, whatever TCP_NOTSENT_LOWAT says. */
static bool
takes_more(int fd)
{
  int not_sent = 0;

  return ioctl(fd, SIOCOUTQNSD, &not_sent) != 0 || not_sent < NOT_SENT_MAX;
}

/* False: the connection is over. */
static bool
write_out(Connection *connection, WzpTime now)
{
  const uint8_t *bytes;
  size_t length;

  while (wzp_tls_wants_output(connection->tls, now)) {
    ssize_t sent;

    if (!takes_more(connection->fd)) {
      poll_for_output(connection, true);
      return true;
    }
    bytes = wzp_tls_output(connection->tls, now, &length);
    if (bytes == NULL)
      break;
    sent = send(connection->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      wzp_tls_sent(connection->tls, (size_t)sent);
    } else if (sent < 0 && errno == EAGAIN) {
      poll_for_output(connection, true);
      return true;
    } else if (sent == 0 || errno != EINTR) {
      return false;
    }
  }
  poll_for_output(connection, false);
  return true;
}

/* What came. RELAY_N_STREAM_ENDS: it goes on. */
static RelayStreamEnd
read_in(Connection *connection, WzpTime now)
{
  RelayTls *self = connection->owner;
  uint8_t bytes[READ_SIZE];
  const uint8_t *datagram;
  size_t length;
  WzpResult result;
  ssize_t got = recv(connection->fd, bytes, sizeof bytes, MSG_DONTWAIT);

  if (got < 0)
    return errno == EAGAIN || errno == EINTR ? RELAY_N_STREAM_ENDS : RELAY_STREAM_LEFT;
  if (got == 0)
    return RELAY_STREAM_LEFT;
  if (!relay_streams_take(self->streams, now, connection->number, (size_t)got))
    return RELAY_STREAM_TOO_FAST;
  (void)wzp_tls_receive(connection->tls, bytes, (size_t)got);
  while (wzp_tls_next(connection->tls, &datagram, &length, &result))
    self->receive(self->user, &connection->from, datagram, length);
  if (result != WZP_OK)
    return result == WZP_NOT_CONNECTED ? RELAY_STREAM_LEFT : RELAY_STREAM_BROKEN;
  if (!connection->up && wzp_tls_is_up(connection->tls)) {
    connection->up = true;
    relay_streams_up(self->streams, now, connection->number);
  }
  return RELAY_N_STREAM_ENDS;
}

static void
set_timer(RelayTls *self)
{
  WzpTime next = relay_streams_next_timeout(self->streams);

  g_source_set_ready_time(self->timer, next == WZP_NEVER ? -1 : next);
}

static gboolean
on_connection(gpointer user)
{
  Connection *connection = user;
  RelayTls *self = connection->owner;
  GIOCondition condition = g_source_query_unix_fd(connection->source, connection->tag);
  WzpTime now = g_get_monotonic_time();
  RelayStreamEnd end = RELAY_N_STREAM_ENDS;

  if (condition & (G_IO_IN | G_IO_ERR | G_IO_HUP))
    end = read_in(connection, now);
  /* also what TLS has to answer before the end: its alert */
  if (!write_out(connection, now) && end == RELAY_N_STREAM_ENDS)
    end = RELAY_STREAM_LEFT;
  if (end != RELAY_N_STREAM_ENDS)
    close_connection(connection, end);
  set_timer(self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
  (void)source;
  return callback(user);
}

static GSourceFuncs source_functions = {.dispatch = dispatch};

static GSource *
attach(RelayTls *self, GSourceFunc callback, gpointer user)
{
  GSource *source = g_source_new(&source_functions, sizeof(GSource));

  g_source_set_callback(source, callback, user, NULL);
  g_source_attach(source, self->context);
  return source;
}

static void
take_connection(RelayTls *self, int fd, const WzpAddress *from)
{
  Connection *connection;
  WzpTime now = g_get_monotonic_time();
  RelayStreamEnd refused;
  uint32_t evicted, number = relay_streams_add(self->streams, now, from, &refused, &evicted);

  if (evicted != 0)
    close_number(self, evicted, RELAY_STREAM_GAVE_WAY);
  if (number == 0) {
    count(&self->ends[refused], 1);
    close(fd);
    return;
  }
  relay_socket_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  relay_socket_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT_MAX);
  relay_socket_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
  connection = g_new0(Connection, 1);
  connection->owner = self;
  connection->number = number;
  connection->fd = fd;
  connection->tls = wzp_tls_accept(self->server);
  connection->from = *from;
  connection->from.stream = number;
  connection->source = attach(self, on_connection, connection);
  connection->tag = g_source_add_unix_fd(connection->source, fd, G_IO_IN);
  self->connections[relay_stream_index(number)] = connection;
  count(&self->accepted, 1);
  count(&self->now_open, 1);
}

/* No descriptor is free: the one that waits is told so, instead of waking us for ever. */
static void
refuse_one(RelayTls *self)
{
  int fd;

  close(self->spare);
  fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0) {
    count(&self->ends[RELAY_STREAM_TOO_MANY], 1);
    close(fd);
  }
  self->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static gboolean
on_listener(gint listener, GIOCondition condition, gpointer user)
{
  RelayTls *self = user;
  unsigned n;

  (void)condition;
  for (n = 0; n < ACCEPTS_PER_WAKEUP; n++) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int fd = accept4(listener, (struct sockaddr *)&name, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    WzpAddress from;

    if (fd >= 0 && wzp_address_from_sockaddr(&from, (struct sockaddr *)&name, length))
      take_connection(self, fd, &from);
    else if (fd >= 0)
      close(fd);
    else if (errno == EMFILE || errno == ENFILE)
      refuse_one(self);
    else if (errno != EINTR && errno != ECONNABORTED)
      break;
  }
  set_timer(self);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_timer(gpointer user)
{
  RelayTls *self = user;
  WzpTime now = g_get_monotonic_time();
  RelayStreamEnd end;
  uint32_t number;

  while ((number = relay_streams_expire(self->streams, now, &end)) != 0)
    close_number(self, number, end);
  set_timer(self);
  return G_SOURCE_CONTINUE;
}

/* --- what the others want to send --- */

void
relay_tls_send(RelayTls *self, const WzpAddress *to, const uint8_t *data, size_t length)
{
  bool first = false;

  pthread_mutex_lock(&self->lock);
  if (self->n_waiting < QUEUE) {
    Outgoing *place = &self->waiting[self->n_waiting++];

    place->to = *to;
    place->length = length;
    memcpy(place->data, data, length);
    first = self->n_waiting == 1;
  } else {
    count(&self->drops[WZP_QUEUE_FULL], 1);
  }
  pthread_mutex_unlock(&self->lock);
  if (first)
    relay_socket_wake(self->event);
}

static Connection *
connection_of(RelayTls *self, const WzpAddress *to)
{
  Connection *connection = self->connections[relay_stream_index(to->stream)];

  return connection != NULL && connection->number == to->stream ? connection : NULL;
}

static gboolean
on_outgoing(gint fd, GIOCondition condition, gpointer user)
{
  RelayTls *self = user;
  WzpTime now = g_get_monotonic_time();
  Outgoing *taken;
  unsigned n, i;
  bool stop;

  (void)condition;
  relay_socket_drain(fd);
  pthread_mutex_lock(&self->lock);
  taken = self->waiting;
  self->waiting = self->taken;
  self->taken = taken;
  n = self->n_waiting;
  self->n_waiting = 0;
  stop = self->stop;
  pthread_mutex_unlock(&self->lock);
  for (i = 0; i < n; i++) {
    Connection *connection = connection_of(self, &taken[i].to);

    if (connection == NULL) {
      count(&self->drops[WZP_NOT_CONNECTED], 1);
      continue;
    }
    wzp_tls_send(connection->tls, now, taken[i].data, taken[i].length);
    /* records go to sessions only */
    if (wzp_datagram_kind(taken[i].data, taken[i].length) == WZP_DATAGRAM_CONTROL)
      relay_streams_proven(self->streams, now, connection->number);
  }
  for (i = 0; i < n; i++) {
    Connection *connection = connection_of(self, &taken[i].to);

    if (connection == NULL)
      continue;
    count_drops(connection);
    if (!connection->blocked && !write_out(connection, now))
      close_connection(connection, RELAY_STREAM_LEFT);
  }
  set_timer(self);
  if (stop)
    g_main_loop_quit(self->loop);
  return G_SOURCE_CONTINUE;
}

/* --- life --- */

static void *
run(void *user)
{
  RelayTls *self = user;

  g_main_context_push_thread_default(self->context);
  g_main_loop_run(self->loop);
  g_main_context_pop_thread_default(self->context);
  return NULL;
}

static void
attach_descriptor(RelayTls *self, int fd, GUnixFDSourceFunc function)
{
  GSource *source = g_unix_fd_source_new(fd, G_IO_IN);

  g_source_set_callback(source, G_SOURCE_FUNC(function), self, NULL);
  g_source_attach(source, self->context);
  g_source_unref(source);
}

static int
open_listener(const WzpAddress *listen_on, WzpAddress *bound, GError **error)
{
  int fd = relay_socket_open(SOCK_STREAM, listen_on, error);

  if (fd < 0)
    return -1;
  relay_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!relay_socket_bind(fd, listen_on, bound, error)) {
    close(fd);
    return -1;
  }
  if (listen(fd, BACKLOG) < 0) {
    int problem = errno;

    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(problem), "cannot listen for TLS: %s",
                g_strerror(problem));
    close(fd);
    return -1;
  }
  return fd;
}

/* Each connection takes a descriptor, and the usual limit is made for other times. */
static void
allow_descriptors(void)
{
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = MIN(limit.rlim_max, 16384);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

RelayTls *
relay_tls_new(const RelayConfig *config, const WzpIdentity *identity, RelayTlsReceive receive,
              void *user, GError **error)
{
  RelayTls *self;
  WzpRandom random = wzp_random_system();
  WzpAddress bound;
  int listener = open_listener(&config->tls_listen, &bound, error);

  if (listener < 0)
    return NULL;
  allow_descriptors();
  self = g_new0(RelayTls, 1);
  pthread_mutex_init(&self->lock, NULL);
  self->listener = listener;
  self->address = bound;
  self->receive = receive;
  self->user = user;
  self->context = g_main_context_new();
  self->loop = g_main_loop_new(self->context, FALSE);
  self->streams = relay_streams_new(&config->limits, &random, g_get_monotonic_time());
  self->waiting = g_new(Outgoing, QUEUE);
  self->taken = g_new(Outgoing, QUEUE);
  self->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  self->server = wzp_tls_server_new(identity);
  if (self->server == NULL || self->event < 0 || self->spare < 0) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                        self->server == NULL
                            ? "OpenSSL cannot make a TLS 1.3 certificate with an Ed25519 key"
                            : "cannot open an event descriptor; are too many files open?");
    relay_tls_free(self);
    return NULL;
  }
  self->timer = attach(self, on_timer, self);
  attach_descriptor(self, self->listener, on_listener);
  attach_descriptor(self, self->event, on_outgoing);
  return self;
}

bool
relay_tls_start(RelayTls *self, GError **error)
{
  int problem = pthread_create(&self->thread, NULL, run, self);

  self->running = problem == 0;
  if (!self->running)
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot start the TLS thread: %s",
                g_strerror(problem));
  return self->running;
}

void
relay_tls_stop(RelayTls *self)
{
  if (self == NULL || !self->running)
    return;
  pthread_mutex_lock(&self->lock);
  self->stop = true;
  pthread_mutex_unlock(&self->lock);
  relay_socket_wake(self->event);
  pthread_join(self->thread, NULL);
  self->running = false;
}

void
relay_tls_free(RelayTls *self)
{
  unsigned i;

  if (self == NULL)
    return;
  relay_tls_stop(self);
  for (i = 0; i < RELAY_STREAMS_MAX; i++) {
    if (self->connections[i] != NULL)
      close_connection(self->connections[i], RELAY_STREAM_LEFT);
  }
  if (self->timer != NULL) {
    g_source_destroy(self->timer);
    g_source_unref(self->timer);
  }
  g_main_loop_unref(self->loop);
  g_main_context_unref(self->context);
  relay_streams_free(self->streams);
  wzp_tls_server_free(self->server);
  close(self->listener);
  if (self->event >= 0)
    close(self->event);
  if (self->spare >= 0)
    close(self->spare);
  pthread_mutex_destroy(&self->lock);
  g_free(self->waiting);
  g_free(self->taken);
  g_free(self);
}

const WzpAddress *
relay_tls_address(const RelayTls *self)
{
  return &self->address;
}

void
relay_tls_add_stats(RelayTls *self, RelayStats *stats)
{
  unsigned i;

  stats->tls = true;
  stats->tls_connections += __atomic_load_n(&self->now_open, __ATOMIC_RELAXED);
  stats->tls_accepted += __atomic_load_n(&self->accepted, __ATOMIC_RELAXED);
  for (i = 0; i < RELAY_N_STREAM_ENDS; i++)
    stats->tls_ends[i] += __atomic_load_n(&self->ends[i], __ATOMIC_RELAXED);
  for (i = 0; i < WZP_N_RESULTS; i++)
    stats->tls_drops[i] += __atomic_load_n(&self->drops[i], __ATOMIC_RELAXED);
}
