/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A worker as the control thread sees it. */
#include "relay-socket.h"
#include "relay-worker-private.h"
#include <linux/sock_diag.h>
#include <string.h>

void
relay_worker_command(RelayWorker *worker, const RelayCommand *command)
{
  pthread_mutex_lock(&worker->command_lock);
  g_array_append_val(worker->commands, *command);
  g_atomic_int_set(&worker->commands_wait, 1);
  pthread_mutex_unlock(&worker->command_lock);
  relay_socket_wake(worker->command_event);
}

int
relay_worker_control_fd(const RelayWorker *worker)
{
  return worker->control_event;
}

bool
relay_worker_take_control(RelayWorker *worker, WzpAddress *from, uint8_t data[WZP_DATAGRAM_MAX],
                          size_t *length)
{
  ControlDatagram *first;

  pthread_mutex_lock(&worker->control_lock);
  if (worker->control_length == 0) {
    /* under the lock: what is queued from here on wakes anew */
    relay_socket_drain(worker->control_event);
    pthread_mutex_unlock(&worker->control_lock);
    return false;
  }
  first = &worker->control[worker->control_first];
  *from = first->from;
  *length = first->length;
  memcpy(data, first->data, first->length);
  worker->control_first = (worker->control_first + 1) % CONTROL_QUEUE;
  worker->control_length--;
  pthread_mutex_unlock(&worker->control_lock);
  return true;
}

void
relay_worker_send(RelayWorker *worker, const RelayDatagram *datagram)
{
  struct sockaddr_storage to;
  struct iovec part = {(void *)datagram->data, datagram->length};
  struct msghdr message = {.msg_name = &to, .msg_iov = &part, .msg_iovlen = 1};

  if (datagram->to.stream != 0) {
    if (worker->streams != NULL)
      worker->streams(worker->streams_user, &datagram->to, datagram->data, datagram->length);
    return;
  }
  message.msg_namelen = wzp_address_to_sockaddr(&datagram->to, &to, worker->v6_socket);
  relay_locals_put(worker->locals, datagram->to.via & ~VIA_SECOND, &message);
  /* the control channel sends again what matters */
  if (sendmsg(datagram->to.via & VIA_SECOND ? worker->second : worker->socket, &message,
              MSG_DONTWAIT) < 0)
    __atomic_fetch_add(&worker->unsent_control, 1, __ATOMIC_RELAXED);
}

WzpTime
relay_worker_last_seen(const RelayWorker *worker, uint32_t sid)
{
  return relay_media_last_seen(worker->media, sid);
}

uint64_t
relay_worker_egress(const RelayWorker *worker)
{
  return relay_media_egress(worker->media, g_get_monotonic_time());
}

/* What the kernel dropped because its queue was full, before the worker could read it. */
static uint64_t
never_read(int fd)
{
  uint32_t counts[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof counts;

  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counts, &length) == 0 ? counts[SK_MEMINFO_DROPS]
                                                                      : 0;
}

void
relay_worker_add_stats(const RelayWorker *worker, RelayStats *stats)
{
  relay_stats_add_media(stats, worker->media);
  stats->socket_drops += never_read(worker->socket);
  if (worker->second >= 0)
    stats->socket_drops += never_read(worker->second);
  stats->tls_drops[WZP_QUEUE_FULL] += __atomic_load_n(&worker->not_brought, __ATOMIC_RELAXED);
  stats->control_drops[WZP_QUEUE_FULL] +=
      __atomic_load_n(&worker->unsent_control, __ATOMIC_RELAXED);
}
