/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The internet between network namespaces, with delay and loss: a TUN device called "wan" in each, and this program
 * routes between them, by seeded links of the simulator. Needs root, or the rights to enter the namespaces.
 *
 *   wan --seed 7 --delay 30 --loss 0.05 --port relay=198.51.100.0/24,2001:db8:ff::/48 --port natA=203.0.113.0/30
 *
 * --port NAMESPACE=PREFIX[,PREFIX]: what is sent to these addresses comes out there. A packet waits --delay ms (and up to
 * --jitter more) between two ports and is lost with probability --loss. Prints "ready" when the devices are there, and
 * at the end (SIGTERM, SIGINT) how many packets went and were lost. Commands on stdin, a line each: "loss 0.3",
 * "delay 150". */
#include "sim-network.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PORTS_MAX 8
#define PREFIXES_MAX 4
#define BATCH 64

typedef struct {
  guint8 family; /* 4, 6 */
  guint8 bytes[16];
  guint bits;
} Prefix;

typedef struct Wan Wan;
typedef struct {
  Wan *wan;
  guint index;
  int fd;
  Prefix prefixes[PREFIXES_MAX];
  guint n_prefixes;
  SimLink *links[PORTS_MAX]; /* to the others */
} Port;

struct Wan {
  GMainLoop *loop;
  SimNetwork *network;
  SimLinkConfig config;
  Port ports[PORTS_MAX];
  guint n_ports;
  GSource *timer;
  guint64 passed, unroutable;
};

static gboolean
parse_prefix(Prefix *prefix, const char *text)
{
  g_auto(GStrv) parts = g_strsplit(text, "/", 2);
  guint64 bits;
  if (!parts[0] || !parts[1] || !g_ascii_string_to_unsigned(parts[1], 10, 0, 128, &bits, NULL))
    return FALSE;
  prefix->bits = (guint)bits;
  prefix->family = strchr(parts[0], ':') ? 6 : 4;
  return inet_pton(prefix->family == 6 ? AF_INET6 : AF_INET, parts[0], prefix->bytes) == 1;
}

static gboolean
is_within(const Prefix *prefix, guint8 family, const guint8 *bytes)
{
  if (prefix->family != family)
    return FALSE;
  for (guint bit = 0; bit < prefix->bits; bit++)
    if ((prefix->bytes[bit / 8] ^ bytes[bit / 8]) & (0x80 >> bit % 8))
      return FALSE;
  return TRUE;
}

/* A TUN device in that namespace; -1 and a message if not. */
static int
open_tun(const char *namespace)
{
  g_autofree char *path = g_strdup_printf("/run/netns/%s", namespace);
  int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int there = open(path, O_RDONLY | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  int fd = -1;
  g_strlcpy(request.ifr_name, "wan", sizeof request.ifr_name);
  if (there >= 0 && setns(there, CLONE_NEWNET) == 0) {
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) < 0) {
      close(fd);
      fd = -1;
    }
    if (fd < 0)
      fprintf(stderr, "wan: no TUN device in %s: %s\n", namespace, g_strerror(errno));
    if (setns(here, CLONE_NEWNET) != 0)
      abort();
  } else {
    fprintf(stderr, "wan: cannot enter %s: %s\n", path, g_strerror(errno));
  }
  close(here);
  if (there >= 0)
    close(there);
  return fd;
}

static Port *
route(Wan *wan, const guint8 *packet, gsize length)
{
  const guint8 family = length > 0 ? packet[0] >> 4 : 0;
  const guint8 *to = family == 4 && length >= 20   ? packet + 16
                     : family == 6 && length >= 40 ? packet + 24
                                                   : NULL;
  for (guint i = 0; to && i < wan->n_ports; i++)
    for (guint n = 0; n < wan->ports[i].n_prefixes; n++)
      if (is_within(&wan->ports[i].prefixes[n], family, to))
        return &wan->ports[i];
  return NULL;
}

static gboolean
on_time(gpointer data)
{
  Wan *wan = data;
  SimDatagram out;
  while (sim_network_receive(wan->network, g_get_monotonic_time(), &out))
    if (write(wan->ports[out.to.port].fd, out.data, out.length) >= 0)
      wan->passed++;
  const WzpTime next = sim_network_next(wan->network);
  g_source_set_ready_time(wan->timer, next == WZP_NEVER ? -1 : next);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer(GSource *source, GSourceFunc callback, gpointer data)
{
  g_source_set_ready_time(source, -1);
  return callback(data);
}

static gboolean
on_readable(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  const Port *port = data;
  Wan *wan = port->wan;
  guint8 packet[WZP_DATAGRAM_MAX];
  const WzpAddress from = {.port = (guint16)port->index};
  for (guint n = 0; n < BATCH; n++) {
    const ssize_t length = read(fd, packet, sizeof packet);
    if (length <= 0)
      break;
    const Port *target = route(wan, packet, (gsize)length);
    if (!target || target == port) {
      wan->unroutable++;
      continue;
    }
    const WzpAddress to = {.port = (guint16)target->index};
    sim_network_send(wan->network, port->links[target->index], g_get_monotonic_time(), &from, &to,
                     packet, (gsize)length);
  }
  on_time(wan);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_command(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Wan *wan = data;
  char line[128];
  double value;
  const ssize_t length = read(fd, line, sizeof line - 1);
  if (length <= 0)
    return G_SOURCE_REMOVE;
  line[length] = '\0';
  if (sscanf(line, "loss %lf", &value) == 1)
    wan->config.loss = value;
  else if (sscanf(line, "delay %lf", &value) == 1)
    wan->config.delay = (WzpTime)(value * WZP_MSEC);
  else
    fprintf(stderr, "wan: not a command: %s", line);
  for (guint i = 0; i < wan->n_ports; i++)
    for (guint j = 0; j < wan->n_ports; j++)
      sim_link_set_config(wan->ports[i].links[j], &wan->config);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_end(gpointer data)
{
  g_main_loop_quit(((Wan *)data)->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
add_port(Wan *wan, const char *text)
{
  g_auto(GStrv) parts = g_strsplit(text, "=", 2);
  Port *port = &wan->ports[wan->n_ports];
  if (wan->n_ports == PORTS_MAX || !parts[0] || !parts[1])
    return FALSE;
  g_auto(GStrv) prefixes = g_strsplit(parts[1], ",", PREFIXES_MAX);
  for (guint n = 0; prefixes[n]; n++)
    if (!parse_prefix(&port->prefixes[port->n_prefixes++], prefixes[n]))
      return FALSE;
  port->wan = wan;
  port->index = wan->n_ports++;
  port->fd = open_tun(parts[0]);
  return port->fd >= 0;
}

int
main(int argc, char **argv)
{
  static GSourceFuncs timer_functions = {.dispatch = dispatch_timer};
  g_auto(GStrv) ports = NULL;
  double delay = 0, jitter = 0, loss = 0;
  gint64 seed = 1;
  const GOptionEntry entries[] = {
      {"port", 0, 0, G_OPTION_ARG_STRING_ARRAY, &ports, "NAMESPACE=PREFIX[,PREFIX]", NULL},
      {"delay", 0, 0, G_OPTION_ARG_DOUBLE, &delay, "one way, ms", NULL},
      {"jitter", 0, 0, G_OPTION_ARG_DOUBLE, &jitter, "on top of it, ms", NULL},
      {"loss", 0, 0, G_OPTION_ARG_DOUBLE, &loss, "0 to 1", NULL},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of chance", NULL},
      G_OPTION_ENTRY_NULL};
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  Wan wan = {.network = sim_network_new(), .loop = g_main_loop_new(NULL, FALSE)};

  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    fprintf(stderr, "wan: %s\n", error->message);
    return 2;
  }
  wan.config = (SimLinkConfig){
      .loss = loss, .delay = (WzpTime)(delay * WZP_MSEC), .jitter = (WzpTime)(jitter * WZP_MSEC)};
  for (guint n = 0; ports && ports[n]; n++) {
    if (!add_port(&wan, ports[n])) {
      fprintf(stderr, "wan: '%s' is not NAMESPACE=PREFIX[,PREFIX], or there is no such place\n",
              ports[n]);
      return 1;
    }
  }
  for (guint i = 0; i < wan.n_ports; i++) {
    for (guint j = 0; j < wan.n_ports; j++)
      wan.ports[i].links[j] = sim_link_new(&wan.config, (uint64_t)seed * 100 + i * PORTS_MAX + j);
    g_unix_fd_add(wan.ports[i].fd, G_IO_IN, on_readable, &wan.ports[i]);
  }
  wan.timer = g_source_new(&timer_functions, sizeof(GSource));
  g_source_set_callback(wan.timer, on_time, &wan, NULL);
  g_source_attach(wan.timer, NULL);
  g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_command, &wan);
  g_unix_signal_add(SIGTERM, on_end, &wan);
  g_unix_signal_add(SIGINT, on_end, &wan);
  puts("ready");
  fflush(stdout);
  g_main_loop_run(wan.loop);
  printf("%" G_GUINT64_FORMAT " packets passed, %" G_GUINT64_FORMAT " had nowhere to go\n",
         wan.passed, wan.unroutable);
  for (guint i = 0; i < wan.n_ports; i++)
    for (guint j = 0; j < wan.n_ports; j++)
      sim_link_free(wan.ports[i].links[j]);
  sim_network_free(wan.network);
  g_source_destroy(wan.timer);
  g_source_unref(wan.timer);
  g_main_loop_unref(wan.loop);
  return 0;
}
