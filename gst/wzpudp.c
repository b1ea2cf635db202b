/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpudp.h"
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_BUFFER (512 * 1024)
#define BATCH 32

struct WzpUdp {
  int v4, v6; /* -1: this machine has none */
  uint16_t port;
  GMutex lock; /* guards stats */
  WzpUdpStats stats;
};

static int
open_socket(int family, uint16_t port, uint16_t *bound)
{
  int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0)
    return -1;
  int one = 1, size = RECEIVE_BUFFER;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  struct sockaddr_storage name = {.ss_family = family};
  socklen_t length = sizeof(struct sockaddr_in);
  if (family == AF_INET6) {
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    ((struct sockaddr_in6 *)&name)->sin6_port = htons(port);
    length = sizeof(struct sockaddr_in6);
  } else {
    ((struct sockaddr_in *)&name)->sin_port = htons(port);
  }
  if (bind(descriptor, (struct sockaddr *)&name, length) != 0 ||
      getsockname(descriptor, (struct sockaddr *)&name, &length) != 0) {
    int saved = errno;
    close(descriptor);
    errno = saved;
    return -1;
  }
  *bound = ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                    : ((struct sockaddr_in *)&name)->sin_port);
  return descriptor;
}

WzpUdp *
wzp_udp_new(uint16_t local_port, GError **error)
{
  WzpUdp *udp = g_new0(WzpUdp, 1);
  g_mutex_init(&udp->lock);
  udp->v4 = open_socket(AF_INET, local_port, &udp->port);
  int reason = errno;
  uint16_t port6 = 0;
  udp->v6 = open_socket(AF_INET6, udp->v4 >= 0 ? udp->port : local_port, &port6);
  if (udp->v6 < 0 && local_port == 0 && udp->v4 >= 0)
    udp->v6 = open_socket(AF_INET6, 0, &port6); /* somebody else has that number there */
  if (udp->v4 < 0)
    udp->port = port6;
  bool taken = local_port != 0 && (udp->v4 < 0 ? reason : udp->v6 < 0 ? errno : 0) == EADDRINUSE;
  if ((udp->v4 < 0 && udp->v6 < 0) || taken) {
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(taken ? EADDRINUSE : reason),
                local_port != 0 ? "UDP port %2$u cannot be opened: %1$s" : "no UDP socket: %1$s",
                g_strerror(taken ? EADDRINUSE : reason), local_port);
    wzp_udp_free(udp);
    return NULL;
  }
  return udp;
}

void
wzp_udp_free(WzpUdp *udp)
{
  if (udp == NULL)
    return;
  if (udp->v4 >= 0)
    close(udp->v4);
  if (udp->v6 >= 0)
    close(udp->v6);
  g_mutex_clear(&udp->lock);
  g_free(udp);
}

uint16_t
wzp_udp_local_port(const WzpUdp *udp)
{
  return udp->port;
}

int
wzp_udp_descriptor(const WzpUdp *udp, unsigned family)
{
  return family == 4 ? udp->v4 : family == 6 ? udp->v6 : -1;
}

WzpAddress
wzp_udp_own_address(const WzpUdp *udp, const WzpAddress *to)
{
  WzpAddress own = {0};
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  int bound = wzp_udp_descriptor(udp, to->family);
  if (bound < 0 || getsockname(bound, (struct sockaddr *)&name, &length) != 0 ||
      !wzp_address_from_sockaddr(&own, (struct sockaddr *)&name, length))
    return (WzpAddress){0};
  uint16_t port = own.port;
  own = (WzpAddress){0};
  /* connecting sends nothing, and the system says where from it would */
  length = wzp_address_to_sockaddr(to, &name, false);
  int descriptor = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor >= 0 && connect(descriptor, (struct sockaddr *)&name, length) == 0) {
    length = sizeof name;
    if (getsockname(descriptor, (struct sockaddr *)&name, &length) == 0 &&
        wzp_address_from_sockaddr(&own, (struct sockaddr *)&name, length))
      own.port = port;
  }
  if (descriptor >= 0)
    close(descriptor);
  return own;
}

static uint64_t
all_in(const WzpAddress *address, size_t length)
{
  return length + (address->family == 6 ? WZP_UDP_IPV6_OVERHEAD : WZP_UDP_IPV4_OVERHEAD);
}

/* At most BATCH datagrams of one family; returns how many were dealt with. */
static unsigned
send_batch(WzpUdp *udp, const WzpUdpDatagram *datagrams, unsigned n)
{
  struct mmsghdr messages[BATCH] = {0};
  struct iovec parts[BATCH];
  struct sockaddr_storage names[BATCH];
  unsigned count = 0, sent = 0, failed = 0;
  uint64_t bytes = 0;
  int descriptor = wzp_udp_descriptor(udp, datagrams[0].to.family);
  while (count < n && count < BATCH && datagrams[count].to.family == datagrams[0].to.family) {
    const WzpUdpDatagram *datagram = &datagrams[count];
    parts[count] = (struct iovec){(void *)datagram->data, datagram->length};
    messages[count].msg_hdr.msg_iov = &parts[count];
    messages[count].msg_hdr.msg_iovlen = 1;
    messages[count].msg_hdr.msg_name = &names[count];
    messages[count].msg_hdr.msg_namelen =
        wzp_address_to_sockaddr(&datagram->to, &names[count], false);
    count++;
  }
  while (sent + failed < count && descriptor >= 0) {
    unsigned done = sent + failed;
    int result = sendmmsg(descriptor, messages + done, count - done, 0);
    if (result < 0 && errno == EINTR)
      continue;
    if (result <= 0) {
      failed++; /* this one is lost; the next may go elsewhere */
      continue;
    }
    for (unsigned i = done; i < done + (unsigned)result; i++)
      bytes += all_in(&datagrams[i].to, datagrams[i].length);
    sent += (unsigned)result;
  }
  g_mutex_lock(&udp->lock);
  udp->stats.datagrams_sent += sent;
  udp->stats.bytes_sent += bytes;
  udp->stats.send_errors += count - sent;
  g_mutex_unlock(&udp->lock);
  return count;
}

void
wzp_udp_send(WzpUdp *udp, const WzpUdpDatagram *datagrams, unsigned n)
{
  while (n > 0) {
    unsigned done = send_batch(udp, datagrams, n);
    datagrams += done;
    n -= done;
  }
}

static uint64_t
age_of(const struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
       c = CMSG_NXTHDR((struct msghdr *)message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
      continue;
    struct timespec stamp, now;
    memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (now.tv_sec - stamp.tv_sec) * INT64_C(1000000000) + (now.tv_nsec - stamp.tv_nsec);
    /* the wall clock may have been set between the two: then no correction is the best one */
    return age > 0 && age < INT64_C(1000000000) ? (uint64_t)age : 0;
  }
  return 0;
}

bool
wzp_udp_receive(WzpUdp *udp, int descriptor, uint8_t *data, size_t capacity, size_t *length,
                WzpAddress *from, uint64_t *age)
{
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct timespec)) + 64];
  } control;
  struct sockaddr_storage name;
  struct iovec part = {data, capacity};
  struct msghdr message = {.msg_name = &name,
                           .msg_namelen = sizeof name,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  ssize_t got;
  do
    got = recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_TRUNC);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return false;
  *age = age_of(&message);
  *length = (size_t)got <= capacity ? (size_t)got : 0;
  if (!wzp_address_from_sockaddr(from, (struct sockaddr *)&name, message.msg_namelen))
    memset(from, 0, sizeof *from);
  g_mutex_lock(&udp->lock);
  udp->stats.datagrams_received++;
  udp->stats.bytes_received += all_in(from, (size_t)got);
  g_mutex_unlock(&udp->lock);
  return true;
}

void
wzp_udp_get_stats(WzpUdp *udp, WzpUdpStats *stats)
{
  g_mutex_lock(&udp->lock);
  *stats = udp->stats;
  g_mutex_unlock(&udp->lock);
}
