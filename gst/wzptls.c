/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzptls.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES_MAX 16
#define READ_SIZE 16384
#define NOT_SENT_MAX                                                                               \
  512 /* what the kernel may hold that is not on its way: voice must not grow old there */
#define USER_TIMEOUT_MS 15000

/* One TCP connection that is being made. */
typedef struct {
  WzpTlsSocket *owner;
  int fd;
  WzpAddress remote;
  GSource *source;
} Try;

struct WzpTlsSocket {
  gint references;
  WzpTlsHooks hooks;
  GMainContext *context;
  /* of the context's thread; source and tag: changed under the lock once there is a connection */
  Try tries[TRIES_MAX];
  unsigned n_tries, n_failed;
  int problem; /* errno of the last that failed */
  GSource *timer, *source;
  gpointer tag;
  bool told_up, over;
  WzpAddress remote;

  GMutex lock; /* guards all below */
  int fd;      /* -1: not connected */
  bool blocked;
  WzpTls *tls;
  WzpTlsStats stats;
};

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  (void)source;
  return callback(data);
}

static GSourceFuncs source_functions = {.dispatch = dispatch};

static GSource *
attach(WzpTlsSocket *self, GSourceFunc callback, gpointer data)
{
  GSource *source = g_source_new(&source_functions, sizeof(GSource));
  g_source_set_callback(source, callback, data, NULL);
  g_source_attach(source, self->context);
  return source;
}

static void
detach(GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy(*source);
  g_clear_pointer(source, g_source_unref);
}

/* --- the end --- */

static void
forget_try(Try *try)
{
  detach(&try->source);
  if (try->fd >= 0)
    close(try->fd);
  try->fd = -1;
}

void
wzp_tls_socket_close(WzpTlsSocket *self)
{
  self->over = true;
  for (unsigned i = 0; i < self->n_tries; i++)
    forget_try(&self->tries[i]);
  detach(&self->timer);
  g_mutex_lock(&self->lock);
  detach(&self->source); /* who sends may want it to poll for output */
  if (self->fd >= 0)
    close(self->fd);
  self->fd = -1;
  g_mutex_unlock(&self->lock);
}

static void
finish(WzpTlsSocket *self, WzpResult reason, const char *text)
{
  if (self->over)
    return;
  wzp_tls_socket_close(self);
  self->hooks.down(self->hooks.user, reason, text);
}

static void
finish_tls(WzpTlsSocket *self, WzpResult reason)
{
  finish(self, reason,
         reason == WZP_WRONG_IDENTITY ? "it has another key"
         : reason == WZP_BAD_TAG      ? "what answers there is not a relay"
         : reason == WZP_MALFORMED    ? "what came through it is no protocol of ours"
                                      : "the connection was closed");
}

/* --- data --- */

static bool
takes_more(int fd)
{
  int not_sent = 0;
  return ioctl(fd, SIOCOUTQNSD, &not_sent) != 0 || not_sent < NOT_SENT_MAX;
}

static void
poll_for_output_locked(WzpTlsSocket *self, bool blocked)
{
  if (self->blocked == blocked || self->source == NULL)
    return;
  self->blocked = blocked;
  g_source_modify_unix_fd(self->source, self->tag, G_IO_IN | (blocked ? G_IO_OUT : 0));
}

/* What fails here is seen when the thread reads. */
static void
write_out_locked(WzpTlsSocket *self)
{
  WzpTime now = g_get_monotonic_time();
  const uint8_t *bytes;
  size_t length;
  while (wzp_tls_wants_output(self->tls, now)) {
    bool full = !takes_more(self->fd);
    ssize_t sent = 0;
    if (!full && (bytes = wzp_tls_output(self->tls, now, &length)) == NULL)
      break;
    if (!full)
      sent = send(self->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      wzp_tls_sent(self->tls, (size_t)sent);
      self->stats.bytes_sent += (uint64_t)sent;
    } else if (full || errno == EAGAIN) {
      poll_for_output_locked(self, true);
      return;
    } else if (errno != EINTR) {
      return;
    }
  }
  poll_for_output_locked(self, false);
}

void
wzp_tls_socket_send(WzpTlsSocket *self, const uint8_t *data, size_t length)
{
  g_mutex_lock(&self->lock);
  if (self->fd >= 0) {
    wzp_tls_send(self->tls, g_get_monotonic_time(), data, length);
    self->stats.datagrams_sent++;
    if (!self->blocked)
      write_out_locked(self);
  } else {
    self->stats.drops[WZP_NOT_CONNECTED]++;
  }
  g_mutex_unlock(&self->lock);
}

bool
wzp_tls_socket_peer_key(WzpTlsSocket *self, uint8_t key[32])
{
  g_mutex_lock(&self->lock);
  bool shown = wzp_tls_peer_key(self->tls, key);
  g_mutex_unlock(&self->lock);
  return shown;
}

bool
wzp_tls_socket_is_idle(WzpTlsSocket *self)
{
  int unacknowledged = 0;
  g_mutex_lock(&self->lock);
  bool idle =
      self->fd < 0 || (!wzp_tls_wants_output(self->tls, g_get_monotonic_time()) &&
                       ioctl(self->fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0);
  g_mutex_unlock(&self->lock);
  return idle;
}

/* A copy of the next datagram: hooks are called without the lock, and send meanwhile. */
static bool
next_datagram(WzpTlsSocket *self, uint8_t data[WZP_DATAGRAM_MAX], size_t *length, WzpResult *result)
{
  const uint8_t *datagram;
  g_mutex_lock(&self->lock);
  bool has = self->fd >= 0 && wzp_tls_next(self->tls, &datagram, length, result);
  if (has) {
    memcpy(data, datagram, *length);
    self->stats.datagrams_received++;
  }
  g_mutex_unlock(&self->lock);
  return has;
}

static gboolean
connection_ready(gpointer data)
{
  WzpTlsSocket *self = wzp_tls_socket_ref(data);
  uint8_t bytes[READ_SIZE], datagram[WZP_DATAGRAM_MAX];
  WzpResult result = WZP_OK;
  size_t length;
  g_mutex_lock(&self->lock);
  ssize_t got = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  bool cut = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
  if (got > 0) {
    self->stats.bytes_received += (uint64_t)got;
    result = wzp_tls_receive(self->tls, bytes, (size_t)got);
  }
  write_out_locked(self);
  bool up = wzp_tls_is_up(self->tls);
  g_mutex_unlock(&self->lock);
  if (up && !self->told_up) {
    self->told_up = true;
    detach(&self->timer);
    self->hooks.up(self->hooks.user, &self->remote);
  }
  while (!self->over && next_datagram(self, datagram, &length, &result))
    self->hooks.received(self->hooks.user, datagram, length, &self->remote);
  if (result != WZP_OK || cut)
    finish_tls(self, result != WZP_OK ? result : WZP_NOT_CONNECTED);
  wzp_tls_socket_unref(self);
  return G_SOURCE_CONTINUE;
}

/* --- TCP --- */

static void
use_connection(WzpTlsSocket *self, Try *try)
{
  const int one = 1, not_sent = NOT_SENT_MAX, timeout = USER_TIMEOUT_MS;
  int fd = try->fd;
  self->remote = try->remote;
  try->fd = -1;
  for (unsigned i = 0; i < self->n_tries; i++)
    forget_try(&self->tries[i]);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent, sizeof not_sent);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
  self->source = attach(self, connection_ready, self);
  self->tag = g_source_add_unix_fd(self->source, fd, G_IO_IN);
  g_mutex_lock(&self->lock);
  self->fd = fd;
  write_out_locked(self);
  g_mutex_unlock(&self->lock);
}

static void
fail_try(WzpTlsSocket *self, Try *try, int problem)
{
  forget_try(try);
  self->problem = problem;
  if (++self->n_failed == self->n_tries)
    finish(self, WZP_NOT_CONNECTED, g_strerror(self->problem));
}

static gboolean
try_ready(gpointer data)
{
  Try *try = data;
  WzpTlsSocket *self = wzp_tls_socket_ref(try->owner);
  int problem = 0;
  socklen_t length = sizeof problem;
  if (getsockopt(try->fd, SOL_SOCKET, SO_ERROR, &problem, &length) != 0)
    problem = errno;
  if (problem == 0)
    use_connection(self, try);
  else
    fail_try(self, try, problem);
  wzp_tls_socket_unref(self);
  return G_SOURCE_REMOVE;
}

static gboolean
took_too_long(gpointer data)
{
  WzpTlsSocket *self = wzp_tls_socket_ref(data);
  finish(self, WZP_NOT_CONNECTED, g_strerror(self->problem != 0 ? self->problem : ETIMEDOUT));
  wzp_tls_socket_unref(self);
  return G_SOURCE_REMOVE;
}

static int
start_try(const WzpAddress *remote)
{
  struct sockaddr_storage name;
  socklen_t length = wzp_address_to_sockaddr(remote, &name, false);
  int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  if (connect(fd, (struct sockaddr *)&name, length) == 0 || errno == EINPROGRESS)
    return fd;
  int problem = errno;
  close(fd);
  errno = problem;
  return -1;
}

WzpTlsSocket *
wzp_tls_socket_new(GMainContext *context, const WzpAddress *remotes, unsigned n, uint16_t port,
                   uint32_t number, const WzpTlsExpect *expect, const WzpTlsHooks *hooks)
{
  WzpTlsSocket *self = g_new0(WzpTlsSocket, 1);
  self->references = 1;
  self->hooks = *hooks;
  self->context = g_main_context_ref(context);
  self->fd = -1;
  self->problem = EHOSTUNREACH;
  g_mutex_init(&self->lock);
  self->tls = wzp_tls_connect(expect);
  for (unsigned i = 0; i < MIN(n, TRIES_MAX); i++) {
    WzpAddress remote = remotes[i];
    remote.port = port;
    int fd = start_try(&remote);
    if (fd < 0) {
      self->problem = errno;
      continue;
    }
    Try *try = &self->tries[self->n_tries++];
    *try = (Try){.owner = self, .fd = fd, .remote = remote};
    try->remote.stream = number;
    try->source = attach(self, try_ready, try);
    g_source_add_unix_fd(try->source, fd, G_IO_OUT);
  }
  self->timer = attach(self, took_too_long, self);
  /* without any address the end is told from the context, as always */
  g_source_set_ready_time(self->timer, self->n_tries == 0 ? 0
                                                          : g_get_monotonic_time() +
                                                                WZP_TLS_CONNECT_MSEC * WZP_MSEC);
  return self;
}

WzpTlsSocket *
wzp_tls_socket_ref(WzpTlsSocket *self)
{
  g_atomic_int_inc(&self->references);
  return self;
}

void
wzp_tls_socket_unref(WzpTlsSocket *self)
{
  if (!g_atomic_int_dec_and_test(&self->references))
    return;
  g_warn_if_fail(self->over);
  wzp_tls_free(self->tls);
  g_main_context_unref(self->context);
  g_mutex_clear(&self->lock);
  g_free(self);
}

void
wzp_tls_socket_add_stats(WzpTlsSocket *self, WzpTlsStats *stats)
{
  static const WzpResult queue[] = {WZP_TOO_OLD, WZP_QUEUE_FULL, WZP_TOO_LONG};
  g_mutex_lock(&self->lock);
  stats->datagrams_sent += self->stats.datagrams_sent;
  stats->datagrams_received += self->stats.datagrams_received;
  stats->bytes_sent += self->stats.bytes_sent;
  stats->bytes_received += self->stats.bytes_received;
  for (unsigned i = 0; i < WZP_N_RESULTS; i++)
    stats->drops[i] += self->stats.drops[i];
  for (unsigned i = 0; i < G_N_ELEMENTS(queue); i++)
    stats->drops[queue[i]] += wzp_tls_dropped(self->tls, queue[i]);
  g_mutex_unlock(&self->lock);
}
