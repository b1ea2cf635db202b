/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-worker-private.h"
#include "relay-socket.h"
#include "wzp/stun.h"
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* so many batches, then the commands get their turn */
#define BATCHES_PER_WAKEUP 8
/* a burst of junk must not push out good packets before the thread runs */
#define RECEIVE_BUFFER (8 * 1024 * 1024)
/* a burst of copies, but not a queue in which voice grows old */
#define SEND_BUFFER (1024 * 1024)
/* of the thread, where that is allowed: when a flood or others keep all processors busy, voice comes first */
#define NICE (-10)

/* --- socket --- */

static int
open_socket(const WzpAddress *listen, WzpAddress *bound, GError **error)
{
  int fd = relay_socket_open_udp(listen, bound, error);

  if (fd < 0)
    return -1;
  /* With DF set the kernel needs no IP id, which costs it a hash per packet. PROBE: always DF, and no
   * stranger's ICMP can shrink our path MTU. */
  relay_socket_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  if (listen->family == 6)
    relay_socket_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  relay_socket_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  relay_socket_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
  relay_socket_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
  return fd;
}

static bool
open_second(RelayWorker *worker, const WzpAddress *listen, int port, GError **error)
{
  WzpAddress address = *listen, bound = {0};

  if (port < 0)
    return true;
  address.port = (uint16_t)port;
  worker->second = relay_socket_open_udp(&address, &bound, error);
  worker->second_port = bound.port;
  return worker->second >= 0;
}

/* --- sending --- */

static void
flush(RelayWorker *worker)
{
  unsigned done = 0;

  while (done < worker->n_send) {
    int sent = sendmmsg(worker->socket, worker->send + done, worker->n_send - done, MSG_DONTWAIT);

    if (sent > 0) {
      done += (unsigned)sent;
    } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
      /* late voice is worth nothing: no second try */
      relay_media_count_drop(worker->media, WZP_QUEUE_FULL, worker->n_send - done);
      break;
    } else if (errno != EINTR) {
      /* no route to this one receiver; the others get theirs */
      relay_media_count_drop(worker->media, WZP_NOT_CONNECTED, 1);
      done++;
    }
  }
  worker->n_send = 0;
}

static void
on_forward(void *user, const WzpAddress *to, const uint8_t *data, size_t length)
{
  RelayWorker *worker = user;
  unsigned n;

  if (to->stream != 0) {
    if (worker->streams != NULL)
      worker->streams(worker->streams_user, to, data, length);
    return;
  }
  n = worker->n_send++;
  worker->send_iov[n].iov_base = (void *)data;
  worker->send_iov[n].iov_len = length;
  worker->send[n].msg_hdr.msg_namelen =
      wzp_address_to_sockaddr(to, &worker->send_to[n], worker->v6_socket);
  relay_locals_put(worker->locals, to->via & ~VIA_SECOND, &worker->send[n].msg_hdr);
  if (worker->n_send == SEND_BATCH)
    flush(worker);
}

/* --- receiving --- */

static void
queue_for_control(RelayWorker *worker, const WzpAddress *from, const uint8_t *data, size_t length)
{
  ControlDatagram *place;

  pthread_mutex_lock(&worker->control_lock);
  if (worker->control_length < CONTROL_QUEUE) {
    place = &worker->control[(worker->control_first + worker->control_length++) % CONTROL_QUEUE];
    place->from = *from;
    place->length = length;
    memcpy(place->data, data, length);
    worker->control_wakes = true;
    pthread_mutex_unlock(&worker->control_lock);
    return;
  }
  pthread_mutex_unlock(&worker->control_lock);
  relay_media_count_drop(worker->media, WZP_QUEUE_FULL, 1);
}

/* data has to stay until finish_batch(). */
static void
handle_datagram(RelayWorker *worker, WzpTime now, const WzpAddress *from, const uint8_t *data,
                size_t length)
{
  bool for_control;

  relay_media_handle(worker->media, now, from, data, length, on_forward, worker, &for_control);
  if (for_control)
    queue_for_control(worker, from, data, length);
}

static void
finish_batch(RelayWorker *worker)
{
  flush(worker);
  if (worker->control_wakes) {
    worker->control_wakes = false;
    relay_socket_wake(worker->control_event);
  }
}

static void
apply_commands(RelayWorker *worker, WzpTime now)
{
  GArray *taken;
  bool stop;
  unsigned i;

  pthread_mutex_lock(&worker->command_lock);
  g_atomic_int_set(&worker->commands_wait, 0);
  taken = worker->commands;
  worker->commands = worker->commands_taken;
  worker->commands_taken = taken;
  stop = worker->stop;
  pthread_mutex_unlock(&worker->command_lock);
  for (i = 0; i < taken->len; i++)
    relay_media_apply(worker->media, now, &g_array_index(taken, RelayCommand, i));
  /* hop keys stand in them */
  if (taken->len > 0)
    sodium_memzero(taken->data, taken->len * sizeof(RelayCommand));
  g_array_set_size(taken, 0);
  if (stop)
    g_main_loop_quit(worker->loop);
}

static void
handle_brought(RelayWorker *worker, WzpTime now)
{
  ControlDatagram *taken;
  unsigned n, i;

  if (worker->brought == NULL)
    return;
  pthread_mutex_lock(&worker->brought_lock);
  taken = worker->brought;
  worker->brought = worker->brought_taken;
  worker->brought_taken = taken;
  n = worker->n_brought;
  worker->n_brought = 0;
  pthread_mutex_unlock(&worker->brought_lock);
  for (i = 0; i < n; i++)
    handle_datagram(worker, now, &taken[i].from, taken[i].data, taken[i].length);
  finish_batch(worker);
}

static gboolean
on_commands(gint fd, GIOCondition condition, gpointer user)
{
  RelayWorker *worker = user;

  (void)fd, (void)condition;
  relay_socket_drain(worker->command_event);
  apply_commands(worker, g_get_monotonic_time());
  handle_brought(worker, g_get_monotonic_time());
  return G_SOURCE_CONTINUE;
}

/* Returns whether the batch was full, so that there may be more. */
static bool
receive_batch(RelayWorker *worker)
{
  WzpTime now;
  int n, i;

  for (i = 0; i < RECEIVE_BATCH; i++) {
    worker->received[i].msg_hdr.msg_namelen = sizeof worker->received_from[i];
    worker->received[i].msg_hdr.msg_controllen = sizeof worker->received_at[i];
  }
  n = recvmmsg(worker->socket, worker->received, RECEIVE_BATCH, MSG_DONTWAIT, NULL);
  if (n <= 0)
    return false;
  now = g_get_monotonic_time();
  /* a datagram may be the answer to one that the control thread sent after its commands */
  if (g_atomic_int_get(&worker->commands_wait))
    apply_commands(worker, now);
  for (i = 0; i < n; i++) {
    size_t length = worker->received[i].msg_len;
    WzpAddress from;

    if (!wzp_address_from_sockaddr(&from, (const struct sockaddr *)&worker->received_from[i],
                                   worker->received[i].msg_hdr.msg_namelen)) {
      relay_media_count_drop(worker->media, WZP_UNKNOWN_SOURCE, 1);
      continue;
    }
    from.via = relay_locals_take(worker->locals, &worker->received[i].msg_hdr);
    handle_datagram(worker, now, &from, worker->buffers[i], length);
  }
  finish_batch(worker);
  return n == RECEIVE_BATCH;
}

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer user)
{
  RelayWorker *worker = user;
  unsigned n = 0;

  (void)fd, (void)condition;
  while (n < BATCHES_PER_WAKEUP && receive_batch(worker))
    n++;
  return G_SOURCE_CONTINUE;
}

/* Questions are few, and nobody's voice waits for them. */
static gboolean
on_second_readable(gint fd, GIOCondition condition, gpointer user)
{
  RelayWorker *worker = user;
  struct sockaddr_storage name;
  uint8_t data[WZP_STUN_REQUEST_MAX + 1];
  _Alignas(struct cmsghdr) uint8_t at[RELAY_LOCALS_ROOM];
  unsigned n;

  (void)condition;
  for (n = 0; n < RECEIVE_BATCH; n++) {
    struct iovec part = {data, sizeof data};
    struct msghdr message = {.msg_name = &name,
                             .msg_namelen = sizeof name,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = at,
                             .msg_controllen = sizeof at};
    ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
    WzpAddress from;

    if (length < 0)
      break;
    if (!relay_media_handle_question(worker->media, data, (size_t)length))
      continue;
    if (!wzp_address_from_sockaddr(&from, (struct sockaddr *)&name, message.msg_namelen)) {
      relay_media_count_drop(worker->media, WZP_UNKNOWN_SOURCE, 1);
      continue;
    }
    from.via = relay_locals_take(worker->locals, &message) | VIA_SECOND;
    queue_for_control(worker, &from, data, (size_t)length);
  }
  finish_batch(worker);
  return G_SOURCE_CONTINUE;
}

/* --- thread --- */

static void
attach(RelayWorker *worker, int fd, GUnixFDSourceFunc function)
{
  GSource *source = g_unix_fd_source_new(fd, G_IO_IN);

  g_source_set_callback(source, G_SOURCE_FUNC(function), worker, NULL);
  g_source_attach(source, worker->context);
  g_source_unref(source);
}

static void *
run(void *user)
{
  RelayWorker *worker = user;

  (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* needs CAP_SYS_NICE or LimitNICE */
  g_main_context_push_thread_default(worker->context);
  g_main_loop_run(worker->loop);
  g_main_context_pop_thread_default(worker->context);
  return NULL;
}

static void
prepare_batches(RelayWorker *worker)
{
  unsigned i;

  for (i = 0; i < RECEIVE_BATCH; i++) {
    worker->received_iov[i].iov_base = worker->buffers[i];
    worker->received_iov[i].iov_len = RECEIVE_SIZE;
    worker->received[i].msg_hdr.msg_iov = &worker->received_iov[i];
    worker->received[i].msg_hdr.msg_iovlen = 1;
    worker->received[i].msg_hdr.msg_name = &worker->received_from[i];
    worker->received[i].msg_hdr.msg_control = worker->received_at[i];
  }
  for (i = 0; i < SEND_BATCH; i++) {
    worker->send[i].msg_hdr.msg_iov = &worker->send_iov[i];
    worker->send[i].msg_hdr.msg_iovlen = 1;
    worker->send[i].msg_hdr.msg_name = &worker->send_to[i];
  }
}

RelayWorker *
relay_worker_new(const RelayLimits *limits, const WzpAddress *listen, int second_port,
                 GError **error)
{
  RelayWorker *worker;
  WzpAddress bound;
  int fd;

  if (second_port > 0 && second_port == listen->port) {
    g_set_error(
        error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "second-port is %d, where the relay itself listens; it has to be another one, 0 for "
        "any free one, or off",
        second_port);
    return NULL;
  }
  fd = open_socket(listen, &bound, error);
  if (fd < 0)
    return NULL;
  worker = g_new0(RelayWorker, 1);
  worker->socket = fd;
  worker->second = -1;
  worker->v6_socket = listen->family == 6;
  worker->address = bound;
  worker->locals = relay_locals_new();
  worker->media = relay_media_new(limits);
  worker->context = g_main_context_new();
  worker->loop = g_main_loop_new(worker->context, FALSE);
  pthread_mutex_init(&worker->control_lock, NULL);
  worker->control = g_new(ControlDatagram, CONTROL_QUEUE);
  worker->control_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_mutex_init(&worker->command_lock, NULL);
  pthread_mutex_init(&worker->brought_lock, NULL);
  worker->commands = g_array_new(FALSE, FALSE, sizeof(RelayCommand));
  worker->commands_taken = g_array_new(FALSE, FALSE, sizeof(RelayCommand));
  worker->command_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  prepare_batches(worker);
  if (worker->control_event < 0 || worker->command_event < 0) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                        "cannot open an event descriptor; are too many files open?");
    relay_worker_free(worker);
    return NULL;
  }
  if (!open_second(worker, listen, second_port, error)) {
    relay_worker_free(worker);
    return NULL;
  }
  attach(worker, worker->socket, on_readable);
  if (worker->second >= 0)
    attach(worker, worker->second, on_second_readable);
  attach(worker, worker->command_event, on_commands);
  return worker;
}

bool
relay_worker_start(RelayWorker *worker, GError **error)
{
  int problem = pthread_create(&worker->thread, NULL, run, worker);

  worker->running = problem == 0;
  if (!worker->running)
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot start the media thread: %s",
                g_strerror(problem));
  return worker->running;
}

void
relay_worker_free(RelayWorker *worker)
{
  if (worker == NULL)
    return;
  if (worker->running) {
    pthread_mutex_lock(&worker->command_lock);
    worker->stop = true;
    pthread_mutex_unlock(&worker->command_lock);
    relay_socket_wake(worker->command_event);
    pthread_join(worker->thread, NULL);
  }
  g_main_loop_unref(worker->loop);
  g_main_context_unref(worker->context);
  close(worker->socket);
  if (worker->second >= 0)
    close(worker->second);
  if (worker->control_event >= 0)
    close(worker->control_event);
  if (worker->command_event >= 0)
    close(worker->command_event);
  pthread_mutex_destroy(&worker->control_lock);
  pthread_mutex_destroy(&worker->command_lock);
  pthread_mutex_destroy(&worker->brought_lock);
  g_array_unref(worker->commands);
  g_array_unref(worker->commands_taken);
  g_free(worker->control);
  g_free(worker->brought);
  g_free(worker->brought_taken);
  relay_media_free(worker->media);
  relay_locals_free(worker->locals);
  g_free(worker);
}

void
relay_worker_set_streams(RelayWorker *worker, RelayWorkerSend send, void *user)
{
  g_assert(!worker->running);
  worker->streams = send;
  worker->streams_user = user;
  worker->brought = g_new(ControlDatagram, CONTROL_QUEUE);
  worker->brought_taken = g_new(ControlDatagram, CONTROL_QUEUE);
}

void
relay_worker_bring(RelayWorker *worker, const WzpAddress *from, const uint8_t *data, size_t length)
{
  ControlDatagram *place;
  unsigned n;

  pthread_mutex_lock(&worker->brought_lock);
  n = worker->n_brought;
  if (n < CONTROL_QUEUE) {
    place = &worker->brought[worker->n_brought++];
    place->from = *from;
    place->length = length;
    memcpy(place->data, data, length);
  }
  pthread_mutex_unlock(&worker->brought_lock);
  if (n == 0)
    relay_socket_wake(worker->command_event);
  else if (n == CONTROL_QUEUE)
    __atomic_fetch_add(&worker->not_brought, 1, __ATOMIC_RELAXED);
}

const WzpAddress *
relay_worker_address(const RelayWorker *worker)
{
  return &worker->address;
}

uint16_t
relay_worker_second_port(const RelayWorker *worker)
{
  return worker->second_port;
}
