/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpnetwork.h"
#include "wzpagent.h"
#include <arpa/inet.h>
#include <glib-unix.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_MSEC 200

/* What matters of all that may change. */
typedef struct {
  WzpAddress addresses[WZP_CANDIDATES_MAX];
  guint n_addresses;
  WzpAddress outgoing[2]; /* of IPv4 and IPv6, without a port; family 0: no way out */
} Situation;

typedef struct {
  int descriptor;
  GSource *settled;    /* a timer that runs while changes go on */
  Situation told, was; /* at once; settled */
  WzpNetworkChanged changed;
  gpointer user;
} Watch;

/* With which address a datagram to the internet would go; none is sent. */
static WzpAddress
outgoing(int family)
{
  /* addresses for documentation (RFC 5737, RFC 3849) take the default route */
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  WzpAddress address = {0};
  inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
  inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
  int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return address;
  if (connect(descriptor, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
              family == AF_INET ? sizeof v4 : sizeof v6) == 0 &&
      getsockname(descriptor, (struct sockaddr *)&name, &length) == 0 &&
      !wzp_address_from_sockaddr(&address, (struct sockaddr *)&name, length))
    address.family = 0;
  address.port = 0;
  close(descriptor);
  return address;
}

static void
look(Situation *situation)
{
  *situation = (Situation){.outgoing = {outgoing(AF_INET), outgoing(AF_INET6)}};
  situation->n_addresses = wzp_agent_list_addresses(situation->addresses);
}

static gboolean
is_same(const Situation *one, const Situation *other)
{
  gboolean same = one->n_addresses == other->n_addresses;
  for (guint i = 0; same && i < one->n_addresses; i++)
    same = wzp_address_equal(&one->addresses[i], &other->addresses[i]);
  for (guint i = 0; same && i < G_N_ELEMENTS(one->outgoing); i++)
    same = wzp_address_equal(&one->outgoing[i], &other->outgoing[i]);
  return same;
}

/* What changes nothing of ours is not told. */
static void
tell(Watch *watch, Situation *before, gboolean settled)
{
  Situation now;
  look(&now);
  gboolean same = is_same(&now, before);
  *before = now;
  if (!same)
    watch->changed(watch->user, settled);
}

static gboolean
on_settled(gpointer data)
{
  Watch *watch = data;
  g_source_set_ready_time(watch->settled, -1);
  tell(watch, &watch->was, TRUE);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_readable(gint descriptor, GIOCondition condition, gpointer data)
{
  (void)condition;
  Watch *watch = data;
  guint8 ignored[8192];
  while (recv(descriptor, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
    ;
  /* what came says only that it is worth to look, and so does a queue that ran over */
  g_source_set_ready_time(watch->settled, g_get_monotonic_time() + SETTLE_MSEC * 1000);
  tell(watch, &watch->told, FALSE);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer(GSource *source, GSourceFunc callback, gpointer data)
{
  (void)source;
  return callback(data);
}

static GSourceFuncs timer_functions = {.dispatch = dispatch_timer};

static void
watch_free(gpointer data)
{
  Watch *watch = data;
  g_source_destroy(watch->settled);
  g_source_unref(watch->settled);
  close(watch->descriptor);
  g_free(watch);
}

GSource *
wzp_network_watch(GMainContext *context, WzpNetworkChanged changed, gpointer user)
{
  const struct sockaddr_nl name = {.nl_family = AF_NETLINK,
                                   .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                                RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                                RTMGRP_IPV6_ROUTE};
  int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (descriptor < 0)
    return NULL;
  if (bind(descriptor, (const struct sockaddr *)&name, sizeof name) != 0) {
    close(descriptor);
    return NULL;
  }
  Watch *watch = g_new0(Watch, 1);
  watch->descriptor = descriptor;
  watch->changed = changed;
  watch->user = user;
  look(&watch->was);
  watch->told = watch->was;
  watch->settled = g_source_new(&timer_functions, sizeof(GSource));
  g_source_set_callback(watch->settled, on_settled, watch, NULL);
  g_source_attach(watch->settled, context);
  GSource *source = g_unix_fd_source_new(descriptor, G_IO_IN);
  g_source_set_callback(source, G_SOURCE_FUNC(on_readable), watch, watch_free);
  g_source_attach(source, context);
  return source;
}
