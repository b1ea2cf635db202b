/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Mouth to ear, by clicks: from the time at which one is spoken to that at which a sink plays it, in one process and in real time,
 * without devices (sinks with a processing-deadline of 0: its default adds 20 ms to either); ours and the stock pipeline at its default of 200 ms side by side, each through its own lossy-hop.
 *
 *   bench-latency [--seconds N] [--jitter MS]      20 s; 0 and 50 ms
 *
 * A click a second, of which the first five are left out; printed are the least, the median and the most. On a loaded machine
 * only the least and the median say something. */
#include "bench-gst.h"
#include <stdio.h>
#include <string.h>

#define LEFT_OUT 5
#define LEVEL 8000 /* of a click */
#define HEARD 2000 /* an onset */
#define CLICK (BENCH_RATE / 100)

typedef struct {
  const char *name;
  GstElement *mouth, *ear; /* a pipeline each: the latency of one is not that of the other */
  GSubprocess *hop;
  GArray *delays; /* of double, ms */
  gint64 last;    /* the second of the last onset */
} Side;

/* Where lossy-hop listens; what comes there goes on to the port. */
static guint
start_hop(Side *side, guint to, int jitter)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *target = g_strdup_printf("127.0.0.1:%u", to);
  g_autofree char *amount = g_strdup_printf("%d", jitter);
  side->hop = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, WZP_LOSSY_HOP, "--listen",
                               "127.0.0.1:0", "--to", target, "--jitter", amount, NULL);
  if (side->hop == NULL) {
    g_printerr("bench-latency: %s\n", error->message);
    exit(1);
  }
  g_autoptr(GDataInputStream) lines =
      g_data_input_stream_new(g_subprocess_get_stdout_pipe(side->hop));
  g_autofree char *line = g_data_input_stream_read_line(lines, NULL, NULL, NULL);
  const char *port = line != NULL ? strrchr(line, ':') : NULL;
  if (port == NULL) {
    g_printerr("bench-latency: lossy-hop does not say where it listens\n");
    exit(1);
  }
  return (guint)g_ascii_strtoull(port + 1, NULL, 10);
}

static void
on_handoff(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Side *side = data;
  GstMapInfo map;
  GstClockTime now = gst_element_get_current_running_time(sink);
  (void)pad;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  const gint16 *pcm = (const gint16 *)(gpointer)map.data;
  for (gsize i = 0; i < map.size / sizeof *pcm; i++) {
    if (ABS(pcm[i]) < HEARD)
      continue;
    double at = (double)now / GST_MSECOND + (double)i * 1000 / BENCH_RATE;
    gint64 second = (gint64)(at / 1000);
    double delay = at - (double)second * 1000;
    if (second > side->last && second > LEFT_OUT)
      g_array_append_val(side->delays, delay);
    side->last = MAX(side->last, second);
    break;
  }
  gst_buffer_unmap(buffer, &map);
}

static GstElement *
parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch(text, &error);
  if (error != NULL) {
    g_printerr("bench-latency: %s\n", error->message);
    exit(1);
  }
  return pipeline;
}

/* Both live by the same time. */
static void
start(Side *side, const char *mouth, const char *ear, const gint16 *pcm, gsize n)
{
  g_autoptr(GstClock) clock = gst_system_clock_obtain();
  GstClockTime base = gst_clock_get_time(clock);
  GstElement *pipelines[] = {parse(ear), parse(mouth)};
  side->ear = pipelines[0];
  side->mouth = pipelines[1];
  bench_gst_feed(side->mouth, "mouth", pcm, n);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(side->ear), "ear");
  g_signal_connect(sink, "handoff", G_CALLBACK(on_handoff), side);
  for (guint i = 0; i < 2; i++) {
    gst_pipeline_use_clock(GST_PIPELINE(pipelines[i]), clock);
    gst_element_set_start_time(pipelines[i], GST_CLOCK_TIME_NONE);
    gst_element_set_base_time(pipelines[i], base);
    gst_element_set_state(pipelines[i], GST_STATE_PLAYING);
  }
}

/* LATENCY messages are answered as gst-launch-1.0 does. */
static void
answer(const char *name, GstElement *pipeline)
{
  g_autoptr(GstBus) bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
  g_autoptr(GstMessage) message =
      gst_bus_timed_pop_filtered(bus, 5 * GST_MSECOND, GST_MESSAGE_LATENCY | GST_MESSAGE_ERROR);
  g_autoptr(GError) error = NULL;
  if (message == NULL)
    return;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY) {
    gst_bin_recalculate_latency(GST_BIN(pipeline));
    return;
  }
  gst_message_parse_error(message, &error, NULL);
  g_printerr("bench-latency: %s: %s\n", name, error->message);
  exit(1);
}

static void
run_for(Side *sides, guint n, guint seconds)
{
  gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
  while (g_get_monotonic_time() < end)
    for (guint i = 0; i < n; i++) {
      answer(sides[i].name, sides[i].mouth);
      answer(sides[i].name, sides[i].ear);
    }
}

static int
by_value(gconstpointer a, gconstpointer b)
{
  const double *left = a, *right = b;
  return (*left > *right) - (*left < *right);
}

/* What playout of ours took it for. */
static double
own_latency(GstElement *pipeline)
{
  g_autoptr(GstElement) jitter = gst_bin_get_by_name(GST_BIN(pipeline), "jitter");
  g_autoptr(GstStructure) stats = NULL;
  guint64 latency = 0;
  if (jitter == NULL)
    return 200;
  g_object_get(jitter, "stats", &stats, NULL);
  gst_structure_get_uint64(stats, "latency", &latency);
  return (double)latency / GST_MSECOND;
}

static void
stop(Side *side, int jitter)
{
  double latency = own_latency(side->ear);
  GstElement *pipelines[] = {side->mouth, side->ear};
  for (guint i = 0; i < 2; i++) {
    gst_element_set_state(pipelines[i], GST_STATE_NULL);
    gst_object_unref(pipelines[i]);
  }
  g_subprocess_force_exit(side->hop);
  g_object_unref(side->hop);
  g_array_sort(side->delays, by_value);
  guint n = side->delays->len;
  const double *delays = (const double *)(gpointer)side->delays->data;
  if (n == 0)
    printf("jitter %3d ms  %-6s nothing was heard\n", jitter, side->name);
  else
    printf("jitter %3d ms  %-6s %6.1f %6.1f %6.1f ms, least, median and most of %u clicks; playout "
           "holds %.0f ms\n",
           jitter, side->name, delays[0], delays[n / 2], delays[n - 1], n, latency);
  g_array_unref(side->delays);
}

/* The clocksync gives out what is complete, as a microphone does. */
#define MOUTH BENCH_SOURCE("mouth") "clocksync ts-offset=10000000 ! "
/* Sinks ask for 20 ms to process what they get, which nothing here needs. */
#define EAR "fakesink name=ear processing-deadline=0 sync=true async=false signal-handoffs=true"

static void
measure(int jitter, guint seconds, const gint16 *pcm, gsize n)
{
  g_autofree char *key_file = bench_gst_key_file();
  Side sides[] = {{.name = "ours"}, {.name = "stock"}};
  guint ports[] = {bench_gst_free_port(), bench_gst_free_port()}, hops[2];
  for (guint i = 0; i < 2; i++) {
    sides[i].delays = g_array_new(FALSE, FALSE, sizeof(double));
    hops[i] = start_hop(&sides[i], ports[i], jitter);
  }
  g_autofree char *our_mouth = g_strdup_printf(
      MOUTH "wzpenc ! wzpfec ! wzpcrypt ! wzpsink host=127.0.0.1 port=%u key-file=%s", hops[0],
      key_file);
  g_autofree char *our_ear = g_strdup_printf(
      "wzpsrc local-port=%u key-file=%s ! wzpcrypt ! wzpfec ! wzpjitter name=jitter ! "
      "wzpdec ! " EAR,
      ports[0], key_file);
  g_autofree char *stock_mouth =
      g_strdup_printf(MOUTH "opusenc audio-type=voice bitrate=24000 bandwidth=auto ! rtpopuspay "
                            "pt=96 ! udpsink host=127.0.0.1 port=%u sync=false async=false",
                      hops[1]);
  g_autofree char *stock_ear = g_strdup_printf(
      "udpsrc port=%u caps=\"application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,"
      "payload=96\" ! rtpjitterbuffer ! rtpopusdepay ! opusdec ! audio/x-raw,channels=1 ! " EAR,
      ports[1]);
  start(&sides[0], our_mouth, our_ear, pcm, n);
  start(&sides[1], stock_mouth, stock_ear, pcm, n);
  run_for(sides, 2, seconds);
  for (guint i = 0; i < 2; i++)
    stop(&sides[i], jitter);
  fflush(stdout);
  unlink(key_file);
}

int
main(int argc, char **argv)
{
  int seconds = 20, jitter = -1;
  const GOptionEntry options[] = {
      {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "Of each network (20)", "N"},
      {"jitter", 0, 0, G_OPTION_ARG_INT, &jitter, "This one alone", "MS"},
      {0},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  g_option_context_add_main_entries(context, options, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || seconds <= LEFT_OUT) {
    g_printerr("bench-latency: %s\n", error != NULL ? error->message : "--seconds is above 5");
    return 2;
  }
  bench_gst_init();
  gsize n = (gsize)seconds * BENCH_RATE;
  g_autofree gint16 *pcm = g_new0(gint16, n);
  for (gsize i = 0; i < n; i++)
    if (i % BENCH_RATE < CLICK)
      pcm[i] = i / 24 % 2 == 0 ? LEVEL : -LEVEL; /* 1 kHz */
  if (jitter >= 0) {
    measure(jitter, (guint)seconds, pcm, n);
    return 0;
  }
  measure(0, (guint)seconds, pcm, n);
  measure(50, (guint)seconds, pcm, n);
  return 0;
}
