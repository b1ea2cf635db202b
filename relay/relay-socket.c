/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-socket.h"
#include "relay-locals.h"
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
relay_socket_option(int fd, int level, int name, int value)
{
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

int
relay_socket_open(int type, const WzpAddress *address, GError **error)
{
  bool v6 = address->family == 6;
  int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0) {
    int problem = errno;

    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot open a %s socket: %s",
                type == SOCK_STREAM ? "TCP" : "UDP", g_strerror(problem));
    return -1;
  }
  if (v6)
    relay_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  return fd;
}

bool
relay_socket_bind(int fd, const WzpAddress *address, WzpAddress *bound, GError **error)
{
  struct sockaddr_storage name;
  socklen_t length = wzp_address_to_sockaddr(address, &name, address->family == 6);
  char text[WZP_ADDRESS_TEXT];

  if (bind(fd, (struct sockaddr *)&name, length) < 0) {
    int problem = errno;

    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(problem), "cannot listen on %s: %s%s",
                wzp_address_format(address, text), g_strerror(problem),
                problem == EADDRINUSE ? "; another program, perhaps another relay, uses this port"
                : problem == EADDRNOTAVAIL ? "; this machine has no such address"
                : problem == EACCES
                    ? "; ports below 1024 need the capability CAP_NET_BIND_SERVICE (docs/RELAY.md)"
                    : "");
    return false;
  }
  length = sizeof name;
  if (getsockname(fd, (struct sockaddr *)&name, &length) == 0 &&
      wzp_address_from_sockaddr(bound, (struct sockaddr *)&name, length))
    return true;
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                      "cannot find out the address of the relay's socket");
  return false;
}

int
relay_socket_open_udp(const WzpAddress *listen, WzpAddress *bound, GError **error)
{
  static const uint8_t any[sizeof listen->bytes];
  int fd = relay_socket_open(SOCK_DGRAM, listen, error);

  if (fd < 0)
    return -1;
  if (memcmp(listen->bytes, any, sizeof any) == 0)
    relay_locals_watch(fd, listen->family == 6);
  if (relay_socket_bind(fd, listen, bound, error))
    return fd;
  close(fd);
  return -1;
}

void
relay_socket_wake(int event)
{
  uint64_t one = 1;
  ssize_t written;

  do
    written = write(event, &one, sizeof one);
  while (written < 0 && errno == EINTR);
}

void
relay_socket_drain(int event)
{
  uint64_t count;
  ssize_t got;

  do
    got = read(event, &count, sizeof count);
  while (got < 0 && errno == EINTR);
}
