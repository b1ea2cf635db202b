/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The program lossy-hop between real sockets. Its luck is the simulator's, so what arrives is foretold here. */
#include "capture.h"
#include "sim-network.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *program;

typedef struct {
  GSubprocess *process;
  GDataInputStream *output;
  int relay, client;
  WzpAddress hop, relay_address, client_address;
} Net;

static int
open_udp(WzpAddress *address)
{
  struct sockaddr_storage storage;
  const WzpAddress loopback = {.family = 4, .bytes = {127, 0, 0, 1}};
  socklen_t size = wzp_address_to_sockaddr(&loopback, &storage, false);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(fd, >=, 0);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&storage, size), ==, 0);
  size = sizeof storage;
  g_assert_cmpint(getsockname(fd, (struct sockaddr *)&storage, &size), ==, 0);
  g_assert_true(wzp_address_from_sockaddr(address, (struct sockaddr *)&storage, size));
  return fd;
}

/* more: options, NULL at the end. */
static void
net_begin(Net *net, const char *const *more)
{
  GError *error = NULL;
  net->relay = open_udp(&net->relay_address);
  net->client = open_udp(&net->client_address);
  char text[WZP_ADDRESS_TEXT];
  GPtrArray *arguments = g_ptr_array_new();
  g_ptr_array_add(arguments, (gpointer)program);
  g_ptr_array_add(arguments, (gpointer) "--listen=127.0.0.1:0");
  g_ptr_array_add(arguments, (gpointer) "--to");
  g_ptr_array_add(arguments, (gpointer)wzp_address_format(&net->relay_address, text));
  for (; *more; more++)
    g_ptr_array_add(arguments, (gpointer)*more);
  g_ptr_array_add(arguments, NULL);
  net->process = g_subprocess_newv((const char *const *)arguments->pdata,
                                   G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_assert_no_error(error);
  g_ptr_array_unref(arguments);
  net->output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(net->process));
  char *line = g_data_input_stream_read_line(net->output, NULL, NULL, &error);
  g_assert_no_error(error);
  static const char prefix[] = "lossy-hop listening on ";
  g_assert_true(g_str_has_prefix(line, prefix));
  g_assert_true(wzp_address_parse(&net->hop, line + strlen(prefix)));
  g_free(line);
}

/* Ends the hop; returns its summary. */
static char *
net_end(Net *net)
{
  GError *error = NULL;
  g_subprocess_send_signal(net->process, SIGTERM);
  char *line = g_data_input_stream_read_line(net->output, NULL, NULL, &error);
  g_assert_no_error(error);
  g_assert_true(g_subprocess_wait_check(net->process, NULL, &error));
  g_assert_no_error(error);
  g_object_unref(net->output);
  g_object_unref(net->process);
  close(net->relay);
  close(net->client);
  return line;
}

static void
send_number(int fd, const WzpAddress *to, guint8 number, gsize length)
{
  struct sockaddr_storage storage;
  const socklen_t size = wzp_address_to_sockaddr(to, &storage, false);
  guint8 datagram[2000] = {number};
  g_assert_cmpint(sendto(fd, datagram, length, 0, (struct sockaddr *)&storage, size), ==, length);
}

/* Blocks; the test's own timeout is the limit. */
static guint8
receive_number(int fd, WzpAddress *from)
{
  guint8 datagram[2000];
  struct sockaddr_storage storage;
  socklen_t size = sizeof storage;
  g_assert_cmpint(recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&storage, &size), >,
                  0);
  g_assert_true(wzp_address_from_sockaddr(from, (struct sockaddr *)&storage, size));
  return datagram[0];
}

static void
assert_has(const char *text, const char *part)
{
  if (!strstr(text, part))
    g_error("'%s' does not say '%s'", text, part);
}

static void
test_both_ways(void)
{
  Net net;
  char *path = g_strdup_printf("%s/wzp-test-hop-%d.pcap", g_get_tmp_dir(), (int)getpid());
  const char *const options[] = {"--capture", path, NULL};
  net_begin(&net, options);
  WzpAddress second_address;
  const int second = open_udp(&second_address);
  for (guint8 i = 0; i < 50; i++) {
    WzpAddress a, b, from;
    send_number(net.client, &net.hop, i, 40);
    g_assert_cmpuint(receive_number(net.relay, &a), ==, i);
    send_number(second, &net.hop, i, 50);
    g_assert_cmpuint(receive_number(net.relay, &b), ==, i);
    g_assert_false(wzp_address_equal(&a, &b)); /* the relay tells its clients apart */
    send_number(net.relay, &b, 100 + i, 60);
    g_assert_cmpuint(receive_number(second, &from), ==, 100 + i);
    g_assert_true(wzp_address_equal(&from, &net.hop));
    send_number(net.relay, &a, 200, 70);
    g_assert_cmpuint(receive_number(net.client, &from), ==, 200);
  }
  WzpAddress client = net.client_address;
  char *summary = net_end(&net);
  assert_has(summary, "{\"clients\":2,\"refused\":0,\"up\":{\"received\":100,\"bytes\":4500,");
  assert_has(summary, "\"down\":{\"received\":100,\"bytes\":6500,");
  g_free(summary);
  close(second);

  GError *error = NULL;
  GPtrArray *datagrams = capture_read(path, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(datagrams->len, ==, 200);
  const CapturedDatagram *first = g_ptr_array_index(datagrams, 0);
  g_assert_true(wzp_address_equal(&first->from, &client));
  g_assert_true(wzp_address_equal(&first->to, &net.relay_address));
  g_assert_cmpuint(g_bytes_get_size(first->data), ==, 40);
  const CapturedDatagram *last = g_ptr_array_index(datagrams, 199);
  g_assert_true(wzp_address_equal(&last->from, &net.relay_address));
  g_assert_true(wzp_address_equal(&last->to, &client));
  g_ptr_array_unref(datagrams);
  g_unlink(path);
  g_free(path);
}

static void
test_seeded_loss(void)
{
  enum { COUNT = 200 };
  Net net;
  const char *const options[] = {"--loss=0.3", "--seed=9", NULL};
  net_begin(&net, options);
  const SimLinkConfig config = {.loss = .3};
  SimLink *link = sim_link_new(&config, 18);
  guint lost = 0;
  for (guint i = 0; i < COUNT; i++) {
    WzpTime at[2];
    WzpAddress from;
    send_number(net.client, &net.hop, (guint8)i, 30);
    /* what is due arrives before the next is sent, so a wrong decision shows at once */
    if (sim_link_push(link, 0, 30, at))
      g_assert_cmpuint(receive_number(net.relay, &from), ==, (guint8)i);
    else
      lost++;
  }
  g_assert_cmpuint(lost, >, COUNT / 5);
  sim_link_free(link);
  char *summary = net_end(&net);
  char *expected = g_strdup_printf("\"sent\":%u,", COUNT - lost);
  assert_has(summary, expected);
  g_free(expected);
  g_free(summary);
}

static void
test_delay_and_duplicates(void)
{
  Net net;
  const char *const options[] = {"--delay=30", "--duplicate=1", NULL};
  net_begin(&net, options);
  WzpAddress from;
  const gint64 start = g_get_monotonic_time();
  send_number(net.client, &net.hop, 1, 30);
  g_assert_cmpuint(receive_number(net.relay, &from), ==, 1);
  g_assert_cmpint(g_get_monotonic_time() - start, >=, 30000);
  g_assert_cmpuint(receive_number(net.relay, &from), ==, 1);
  send_number(net.relay, &from, 2, 30);
  g_assert_cmpuint(receive_number(net.client, &from), ==, 2);
  g_assert_cmpuint(receive_number(net.client, &from), ==, 2);
  char *summary = net_end(&net);
  assert_has(summary, "\"up\":{\"received\":1,\"bytes\":30,\"lost\":0,\"duplicated\":1,");
  g_free(summary);
}

/* Returns the path of a trace; to be unlinked and freed. */
static char *
write_trace(const char *text)
{
  GError *error = NULL;
  char *path = g_strdup_printf("%s/wzp-test-hop-%d.trace", g_get_tmp_dir(), (int)getpid());
  g_assert_true(g_file_set_contents(path, text, -1, &error));
  g_assert_no_error(error);
  return path;
}

static void
test_trace(void)
{
  Net net;
  WzpAddress from;
  char *path = write_trace("# all slots alike\n40.00\n"), *summary;
  const char *const options[] = {"--trace", path, NULL};
  net_begin(&net, options);
  const gint64 start = g_get_monotonic_time();
  send_number(net.client, &net.hop, 1, 30);
  g_assert_cmpuint(receive_number(net.relay, &from), ==, 1);
  g_assert_cmpint(g_get_monotonic_time() - start, >=, 40000);
  g_free(net_end(&net));
  g_unlink(path);
  g_free(path);

  path = write_trace("-1\n");
  const char *const dead[] = {"--trace", path, NULL};
  net_begin(&net, dead);
  send_number(net.client, &net.hop, 1, 30);
  send_number(net.client, &net.hop, 2, 1501); /* counted behind the first one */
  summary = net_end(&net);
  assert_has(summary, "\"up\":{\"received\":2,\"bytes\":30,\"lost\":1,");
  g_free(summary);
  g_unlink(path);
  g_free(path);
}

/* Two at once through a bottleneck that is busy with the first for a tenth of a second. */
static void
test_rate(void)
{
  Net net;
  const char *const options[] = {"--rate=80", "--queue=0", NULL};
  net_begin(&net, options);
  WzpAddress from;
  const gint64 start = g_get_monotonic_time();
  send_number(net.client, &net.hop, 1, 972);
  send_number(net.client, &net.hop, 2, 972);
  g_assert_cmpuint(receive_number(net.relay, &from), ==, 1);
  g_assert_cmpint(g_get_monotonic_time() - start, >=, 100000);
  char *summary = net_end(&net);
  assert_has(summary,
             "\"lost\":1,\"duplicated\":0,\"reordered\":0,\"queue_dropped\":1,\"sent\":1,");
  g_free(summary);
}

static void
test_too_long(void)
{
  Net net;
  const char *const options[] = {NULL};
  net_begin(&net, options);
  WzpAddress from;
  send_number(net.client, &net.hop, 1, 1501);
  send_number(net.client, &net.hop, 2, 1500);
  g_assert_cmpuint(receive_number(net.relay, &from), ==, 2);
  char *summary = net_end(&net);
  assert_has(summary, "\"too_long\":1}");
  g_free(summary);
}

static void
test_usage(void)
{
  char *path = write_trace("20\n\ntwenty\n");
  const struct {
    const char *arguments[6], *message;
  } cases[] = {
      {{NULL}, "are needed"},
      {{"--listen=127.0.0.1:0", NULL}, "are needed"},
      {{"--listen=127.0.0.1:0", "--to=nowhere", NULL}, "is not HOST:PORT"},
      {{"--listen=127.0.0.1:0", "--to=host.invalid:1", NULL}, "cannot find the host"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--loss=10", NULL}, "probability"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--loss=nan", NULL}, "probability"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--delay=-1", NULL}, "milliseconds"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--jitter=x", NULL}, "jitter"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "more", NULL}, "belong to no option"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--capture=/nowhere/x", NULL}, "cannot write"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--burst=2", NULL}, "needs --loss"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--loss=.1", "--burst=0", NULL}, "slots"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--trace", path, NULL}, "line 3: 'twenty'"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--trace=/nowhere/x", NULL}, "cannot be read"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--rate=0", NULL}, "kbit/s"},
      {{"--listen=127.0.0.1:0", "--to=127.0.0.1:1", "--queue=5", NULL}, "needs --rate"},
      {{"--listen=192.0.2.1:9", "--to=127.0.0.1:1", NULL}, "cannot listen on 192.0.2.1:9"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GPtrArray *arguments = g_ptr_array_new();
    g_ptr_array_add(arguments, (gpointer)program);
    for (const char *const *argument = cases[i].arguments; *argument; argument++)
      g_ptr_array_add(arguments, (gpointer)*argument);
    g_ptr_array_add(arguments, NULL);
    GError *error = NULL;
    char *message = NULL;
    GSubprocess *process = g_subprocess_newv(
        (const char *const *)arguments->pdata,
        G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);
    g_assert_no_error(error);
    g_assert_true(g_subprocess_communicate_utf8(process, NULL, NULL, NULL, &message, &error));
    g_assert_cmpint(g_subprocess_get_exit_status(process), ==, 2);
    assert_has(message, cases[i].message);
    g_free(message);
    g_object_unref(process);
    g_ptr_array_unref(arguments);
  }
  g_unlink(path);
  g_free(path);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_assert_cmpint(argc, ==, 2);
  program = argv[1];
  g_test_add_func("/lossy-hop/both-ways", test_both_ways);
  g_test_add_func("/lossy-hop/seeded-loss", test_seeded_loss);
  g_test_add_func("/lossy-hop/delay-and-duplicates", test_delay_and_duplicates);
  g_test_add_func("/lossy-hop/trace", test_trace);
  g_test_add_func("/lossy-hop/rate", test_rate);
  g_test_add_func("/lossy-hop/too-long", test_too_long);
  g_test_add_func("/lossy-hop/usage", test_usage);
  return g_test_run();
}
