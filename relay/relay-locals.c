/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-locals.h"
#include "relay-socket.h"
#include <netinet/in.h>
#include <string.h>

/* A control message as the kernel wants it back; the whole of it tells two addresses apart. */
typedef struct {
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
  } control;
  size_t length;
} Local;

struct RelayLocals {
  Local table[RELAY_LOCALS_MAX]; /* via - 1 */
  unsigned n;                    /* atomic */
  uint8_t last;                  /* most ask the same one */
};

RelayLocals *
relay_locals_new(void)
{
  return g_new0(RelayLocals, 1);
}

void
relay_locals_free(RelayLocals *locals)
{
  g_free(locals);
}

void
relay_locals_watch(int fd, bool v6_socket)
{
  if (v6_socket) /* for IPv4, which comes mapped, too */
    relay_socket_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  else
    relay_socket_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/* What it was sent to, as what it is to be answered from: on any interface, routes say which. */
static bool
read_local(Local *local, const struct msghdr *message)
{
  struct cmsghdr *header = (struct cmsghdr *)local->control.bytes;
  const struct cmsghdr *said;

  memset(local, 0, sizeof *local);
  for (said = CMSG_FIRSTHDR(message); said != NULL;
       said = CMSG_NXTHDR((struct msghdr *)message, (struct cmsghdr *)said)) {
    if (said->cmsg_level == IPPROTO_IP && said->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;

      memcpy(&info, CMSG_DATA(said), sizeof info);
      info.ipi_ifindex = 0;
      info.ipi_addr.s_addr = 0;
      *header = (struct cmsghdr){
          .cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
      memcpy(CMSG_DATA(header), &info, sizeof info);
      local->length = CMSG_SPACE(sizeof info);
      return true;
    }
    if (said->cmsg_level == IPPROTO_IPV6 && said->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;

      memcpy(&info, CMSG_DATA(said), sizeof info);
      if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) /* that one exists on each interface */
        info.ipi6_ifindex = 0;
      *header = (struct cmsghdr){
          .cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
      memcpy(CMSG_DATA(header), &info, sizeof info);
      local->length = CMSG_SPACE(sizeof info);
      return true;
    }
  }
  return false;
}

static bool
is_same(const Local *one, const Local *other)
{
  return one->length == other->length &&
         memcmp(one->control.bytes, other->control.bytes, sizeof one->control) == 0;
}

uint8_t
relay_locals_take(RelayLocals *locals, const struct msghdr *message)
{
  Local local;
  unsigned i;

  if (!read_local(&local, message))
    return 0;
  if (locals->last != 0 && is_same(&locals->table[locals->last - 1], &local))
    return locals->last;
  for (i = 0; i < locals->n && !is_same(&locals->table[i], &local); i++)
    ;
  if (i == G_N_ELEMENTS(locals->table))
    return 0;
  if (i == locals->n) {
    locals->table[i] = local;
    __atomic_store_n(&locals->n, i + 1, __ATOMIC_RELEASE);
  }
  return locals->last = (uint8_t)(i + 1);
}

void
relay_locals_put(const RelayLocals *locals, uint8_t via, struct msghdr *message)
{
  bool known = via != 0 && via <= __atomic_load_n(&locals->n, __ATOMIC_ACQUIRE);
  const Local *local = known ? &locals->table[via - 1] : NULL;

  /* the kernel reads it only */
  message->msg_control = known ? (void *)local->control.bytes : NULL;
  message->msg_controllen = known ? local->length : 0;
}
