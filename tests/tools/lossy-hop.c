/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A bad network for real processes, without root: datagrams that clients send to --listen go on to --to, and
 * the answers back, each through a seeded link of the simulator (tests/sim/sim-network.h) that loses, delays
 * and doubles them, or replays a recorded network. Each client address has a socket of its own towards --to, as behind a NAT.
 *
 *   lossy-hop --listen 127.0.0.1:0 --to relay.example:4433 --loss 0.1 --delay 40 --jitter 20 --seed 7
 *
 * Prints "lossy-hop listening on ADDRESS:PORT" first and, when it is told to end (SIGTERM, SIGINT), one JSON
 * object. What it captures is what arrived here, before anything was lost. */
#include "capture.h"
#include "sim-options.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <locale.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define BATCH 64 /* datagrams read in a row before timers get their turn */

typedef struct {
  SimLink *link;
  guint64 received, too_long, sent, send_failed;
} Direction;

typedef struct Hop Hop;

typedef struct {
  Hop *hop;
  WzpAddress address;
  int fd; /* connected to the relay */
  guint source;
} Client;

struct Hop {
  GMainLoop *loop;
  SimNetwork *network;
  Direction up, down;
  WzpAddress relay, bound;
  int fd; /* clients send here */
  gboolean v6;
  GPtrArray *clients;
  guint64 refused; /* from a client too many */
  GSource *timer;
  CaptureWriter *capture;
};

/* "host:port", "1.2.3.4:port", "[v6]:port". */
static gboolean
resolve(const char *option, const char *text, WzpAddress *address, GError **error)
{
  if (wzp_address_parse(address, text))
    return TRUE;
  const char *colon = strrchr(text, ':');
  guint64 port;
  if (!colon || colon == text || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL))
    return sim_option_fail(error, "%s '%s' is not HOST:PORT or [IPV6]:PORT", option, text);
  char *host = g_strndup(text, (gsize)(colon - text));
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  const int status = getaddrinfo(host, colon + 1, &hints, &found);
  gboolean good = status == 0 &&
                  wzp_address_from_sockaddr(address, found->ai_addr, (socklen_t)found->ai_addrlen);
  if (!good)
    sim_option_fail(error, "%s: cannot find the host '%s': %s", option, host, gai_strerror(status));
  if (found)
    freeaddrinfo(found);
  g_free(host);
  return good;
}

static int
open_socket(gboolean v6)
{
  return socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void
deliver(Hop *hop, const SimDatagram *datagram)
{
  if (wzp_address_equal(&datagram->to, &hop->relay)) {
    for (guint i = 0; i < hop->clients->len; i++) {
      const Client *client = g_ptr_array_index(hop->clients, i);
      if (!wzp_address_equal(&client->address, &datagram->from))
        continue;
      if (send(client->fd, datagram->data, datagram->length, 0) >= 0)
        hop->up.sent++;
      else
        hop->up.send_failed++; /* the relay may be down; the hop goes on */
    }
    return;
  }
  struct sockaddr_storage to;
  const socklen_t size = wzp_address_to_sockaddr(&datagram->to, &to, hop->v6);
  if (sendto(hop->fd, datagram->data, datagram->length, 0, (struct sockaddr *)&to, size) >= 0)
    hop->down.sent++;
  else
    hop->down.send_failed++;
}

static gboolean
on_time(gpointer data)
{
  Hop *hop = data;
  SimDatagram datagram;
  while (sim_network_receive(hop->network, g_get_monotonic_time(), &datagram))
    deliver(hop, &datagram);
  const WzpTime next = sim_network_next(hop->network);
  g_source_set_ready_time(hop->timer, next == WZP_NEVER ? -1 : next);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer(GSource *source, GSourceFunc callback, gpointer data)
{
  g_source_set_ready_time(source, -1);
  return callback(data);
}

static void
pass_on(Hop *hop, Direction *direction, const WzpAddress *from, const WzpAddress *to,
        const uint8_t *data, size_t length)
{
  direction->received++;
  if (length > WZP_DATAGRAM_MAX) {
    direction->too_long++;
    return;
  }
  if (hop->capture)
    capture_writer_add(hop->capture, g_get_real_time(), from, to, data, length);
  sim_network_send(hop->network, direction->link, g_get_monotonic_time(), from, to, data, length);
}

static gboolean
on_relay_readable(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Client *client = data;
  Hop *hop = client->hop;
  uint8_t buffer[WZP_DATAGRAM_MAX + 1];
  for (int i = 0; i < BATCH; i++) {
    const ssize_t length = recv(fd, buffer, sizeof buffer, 0);
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      break;
    if (length >= 0) /* anything else is an ICMP error of an earlier send */
      pass_on(hop, &hop->down, &hop->relay, &client->address, buffer, (size_t)length);
  }
  on_time(hop);
  return G_SOURCE_CONTINUE;
}

static Client *
find_client(Hop *hop, const WzpAddress *address)
{
  for (guint i = 0; i < hop->clients->len; i++) {
    Client *client = g_ptr_array_index(hop->clients, i);
    if (wzp_address_equal(&client->address, address))
      return client;
  }
  if (hop->clients->len == CLIENTS_MAX)
    return NULL;
  struct sockaddr_storage to;
  const socklen_t size = wzp_address_to_sockaddr(&hop->relay, &to, hop->relay.family == 6);
  const int fd = open_socket(hop->relay.family == 6);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, size) < 0) {
    if (fd >= 0)
      close(fd);
    return NULL;
  }
  Client *client = g_new0(Client, 1);
  client->hop = hop;
  client->address = *address;
  client->fd = fd;
  client->source = g_unix_fd_add(fd, G_IO_IN, on_relay_readable, client);
  g_ptr_array_add(hop->clients, client);
  return client;
}

static void
client_free(Client *client)
{
  g_source_remove(client->source);
  close(client->fd);
  g_free(client);
}

static gboolean
on_client_readable(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Hop *hop = data;
  uint8_t buffer[WZP_DATAGRAM_MAX + 1];
  for (int i = 0; i < BATCH; i++) {
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    const ssize_t length = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      break;
    WzpAddress address;
    if (length < 0 || !wzp_address_from_sockaddr(&address, (struct sockaddr *)&from, size))
      continue;
    if (find_client(hop, &address))
      pass_on(hop, &hop->up, &address, &hop->relay, buffer, (size_t)length);
    else
      hop->refused++;
  }
  on_time(hop);
  return G_SOURCE_CONTINUE;
}

static gboolean
listen_on(Hop *hop, const WzpAddress *wanted, GError **error)
{
  struct sockaddr_storage address;
  char text[WZP_ADDRESS_TEXT];
  hop->v6 = wanted->family == 6;
  socklen_t size = wzp_address_to_sockaddr(wanted, &address, hop->v6);
  hop->fd = open_socket(hop->v6);
  if (hop->fd < 0 || bind(hop->fd, (struct sockaddr *)&address, size) < 0)
    return sim_option_fail(error, "cannot listen on %s: %s", wzp_address_format(wanted, text),
                           g_strerror(errno));
  size = sizeof address;
  if (getsockname(hop->fd, (struct sockaddr *)&address, &size) < 0 ||
      !wzp_address_from_sockaddr(&hop->bound, (struct sockaddr *)&address, size))
    return sim_option_fail(error, "cannot tell the port that is listened on: %s",
                           g_strerror(errno));
  return TRUE;
}

static void
print_direction(const char *name, const Direction *direction)
{
  const SimLinkStats stats = sim_link_stats(direction->link);
  printf(",\"%s\":{\"received\":%" G_GUINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT
         ",\"lost\":%" G_GUINT64_FORMAT ",\"duplicated\":%" G_GUINT64_FORMAT
         ",\"reordered\":%" G_GUINT64_FORMAT ",\"queue_dropped\":%" G_GUINT64_FORMAT
         ",\"sent\":%" G_GUINT64_FORMAT ",\"send_failed\":%" G_GUINT64_FORMAT
         ",\"too_long\":%" G_GUINT64_FORMAT "}",
         name, direction->received, (guint64)stats.bytes, (guint64)stats.lost,
         (guint64)stats.duplicated, (guint64)stats.reordered, (guint64)stats.queue_dropped,
         direction->sent, direction->send_failed, direction->too_long);
}

static gboolean
on_signal(gpointer data)
{
  g_main_loop_quit(data);
  return G_SOURCE_CONTINUE;
}

/* Runs until a signal, then prints what happened. */
static gboolean
run(Hop *hop, GError **error)
{
  static GSourceFuncs timer_funcs = {.dispatch = dispatch_timer};
  hop->loop = g_main_loop_new(NULL, FALSE);
  hop->timer = g_source_new(&timer_funcs, sizeof(GSource));
  g_source_set_callback(hop->timer, on_time, hop, NULL);
  g_source_attach(hop->timer, NULL);
  g_unix_fd_add(hop->fd, G_IO_IN, on_client_readable, hop);
  g_unix_signal_add(SIGTERM, on_signal, hop->loop);
  g_unix_signal_add(SIGINT, on_signal, hop->loop);
  /* only now: who reads this may send the signal at once */
  char text[WZP_ADDRESS_TEXT];
  printf("lossy-hop listening on %s\n", wzp_address_format(&hop->bound, text));
  fflush(stdout);
  g_main_loop_run(hop->loop);
  printf("{\"clients\":%u,\"refused\":%" G_GUINT64_FORMAT, hop->clients->len, hop->refused);
  print_direction("up", &hop->up);
  print_direction("down", &hop->down);
  printf("}\n");
  fflush(stdout);
  g_source_destroy(hop->timer);
  g_source_unref(hop->timer);
  g_main_loop_unref(hop->loop);
  return capture_writer_close(g_steal_pointer(&hop->capture), error);
}

typedef struct {
  char *listen, *to, *capture;
  double delay;
  SimLinkOptions link;
  gint64 seed;
} Options;

static gboolean
check_options(Options *options, int rest, SimLinkConfig *link, GError **error)
{
  if (rest > 1)
    return sim_option_fail(error, "there are words that belong to no option");
  if (!options->listen || !options->to)
    return sim_option_fail(error, "--listen ADDRESS:PORT and --to HOST:PORT are needed");
  if (!sim_link_options_apply(&options->link, link, error) ||
      !sim_option_check_ms("--delay", options->delay, error))
    return FALSE;
  link->delay = (WzpTime)(options->delay * WZP_MSEC);
  return TRUE;
}

static SimLink *
make_link(const SimLinkConfig *config, uint64_t seed)
{
  SimLink *link = sim_link_new(config, seed);
  sim_link_set_origin(link, g_get_monotonic_time());
  return link;
}

static gboolean
set_up(Hop *hop, const Options *options, const SimLinkConfig *link, GError **error)
{
  WzpAddress listen;
  if (!resolve("--listen", options->listen, &listen, error) ||
      !resolve("--to", options->to, &hop->relay, error))
    return FALSE;
  hop->network = sim_network_new();
  /* two directions, two rows of luck */
  hop->up.link = make_link(link, (uint64_t)options->seed * 2);
  hop->down.link = make_link(link, (uint64_t)options->seed * 2 + 1);
  if (options->capture && !(hop->capture = capture_writer_new(options->capture, error)))
    return FALSE;
  return listen_on(hop, &listen, error);
}

int
main(int argc, char **argv)
{
  Options options = {.seed = 1};
  SimLinkConfig link = {0};
  const GOptionEntry entries[] = {
      {"listen", 'l', 0, G_OPTION_ARG_STRING, &options.listen,
       "Where clients send to; port 0 takes a free one", "ADDRESS:PORT"},
      {"to", 't', 0, G_OPTION_ARG_STRING, &options.to, "Where their datagrams go", "HOST:PORT"},
      {"delay", 0, 0, G_OPTION_ARG_DOUBLE, &options.delay, "Of every datagram, each way (0)", "MS"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "The same seed, the same luck (1)", "N"},
      {"capture", 'c', 0, G_OPTION_ARG_FILENAME, &options.capture,
       "Writes what arrives, before loss, for Wireshark and wire-check", "FILE.pcap"},
      {0}};
  GError *error = NULL;
  sim_link_options_init(&options.link);
  Hop hop = {.fd = -1};
  setlocale(LC_NUMERIC, "C");
  GOptionContext *context = g_option_context_new(NULL);
  g_option_context_set_summary(context, "A bad network between a client and a relay, by UDP.");
  g_option_context_add_main_entries(context, entries, NULL);
  sim_link_options_add(&options.link, context);
  hop.clients = g_ptr_array_new_with_free_func((GDestroyNotify)client_free);
  int status = 0;
  if (!g_option_context_parse(context, &argc, &argv, &error) ||
      !check_options(&options, argc, &link, &error) || !set_up(&hop, &options, &link, &error))
    status = 2;
  else if (!run(&hop, &error))
    status = 1;
  if (status)
    g_printerr("lossy-hop: %s\n", error->message);
  g_clear_error(&error);
  g_option_context_free(context);
  g_ptr_array_unref(hop.clients);
  capture_writer_close(hop.capture, NULL);
  if (hop.fd >= 0)
    close(hop.fd);
  g_clear_pointer(&hop.up.link, sim_link_free);
  g_clear_pointer(&hop.down.link, sim_link_free);
  g_clear_pointer(&hop.network, sim_network_free);
  sim_link_options_clear(&options.link);
  g_free(options.listen);
  g_free(options.to);
  g_free(options.capture);
  return status;
}
