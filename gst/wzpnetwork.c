/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpnetwork.h"
#include "wzpagent.h"
#include <glib-unix.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_MSEC 200

typedef struct {
  int descriptor;
  GSource *settled; /* a timer that runs while changes go on */
  WzpAddress addresses[WZP_CANDIDATES_MAX];
  guint n_addresses;
  WzpNetworkChanged changed;
  gpointer user;
} Watch;

static gboolean
on_settled(gpointer data)
{
  Watch *watch = data;
  WzpAddress now[WZP_CANDIDATES_MAX] = {0};
  guint n = wzp_agent_list_addresses(now);
  gboolean same = n == watch->n_addresses;
  for (guint i = 0; same && i < n; i++)
    same = wzp_address_equal(&now[i], &watch->addresses[i]);
  g_source_set_ready_time(watch->settled, -1);
  memcpy(watch->addresses, now, sizeof now);
  watch->n_addresses = n;
  if (!same) /* else it was about what we do not use */
    watch->changed(watch->user);
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
  const struct sockaddr_nl name = {
      .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
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
  watch->n_addresses = wzp_agent_list_addresses(watch->addresses);
  watch->settled = g_source_new(&timer_functions, sizeof(GSource));
  g_source_set_callback(watch->settled, on_settled, watch, NULL);
  g_source_attach(watch->settled, context);
  GSource *source = g_unix_fd_source_new(descriptor, G_IO_IN);
  g_source_set_callback(source, G_SOURCE_FUNC(on_readable), watch, watch_free);
  g_source_attach(source, context);
  return source;
}
