/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpnetwork.h"
#include "wzpagent.h"
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

static void
look(Situation *situation)
{
  *situation = (Situation){
      .outgoing = {wzp_agent_outgoing_address(AF_INET), wzp_agent_outgoing_address(AF_INET6)}};
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
