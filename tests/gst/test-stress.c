/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"

/* Data, flushes, changes of state, properties and questions at once, each in a thread of its own. What goes wrong the
 * sanitizers tell, or it hangs. */

#define BUFFERS 600

typedef struct {
  const char *name, *caps;
  const char *settings[8][2]; /* to NULL */
} Element;

static const Element elements[] = {
    {"wzpenc",
     TEST_CAPS_AUDIO,
     {{"profile", "codec2-1200"},
      {"dtx", "true"},
      {"profile", "opus-12k"},
      {"gain-control", "true"},
      {"profile", "codec2-3200"},
      {"dtx", "false"},
      {"profile", "opus-48k"}}},
    {"wzpdec", GST_WZP_CAPS_FRAMES, {{"plc", "false"}, {"plc", "true"}}},
    {"wzpdenoise",
     TEST_CAPS_AUDIO,
     {{"strength", "light"}, {"strength", "off"}, {"strength", "strong"}}},
    {"wzpjitter",
     GST_WZP_CAPS_FRAMES,
     {{"latency", "60"}, {"max-latency", "100"}, {"latency", "0"}, {"max-latency", "600"}}},
    {"wzpfec",
     GST_WZP_CAPS_FRAMES,
     {{"frames-per-packet", "3"},
      {"scheme", "block"},
      {"tier", "manual"},
      {"scheme", "none"},
      {"overhead", "100"},
      {"scheme", "auto"},
      {"frames-per-packet", "0"}}},
    {"wzpecho", TEST_CAPS_AUDIO, {{NULL, NULL}}},
};

typedef struct {
  const Element *element;
  GstHarness *harness;
  gint flushing, ended; /* atomic */
} Stress;

static void
begin_stream(GstHarness *h, const char *text)
{
  GstSegment segment;
  g_autoptr(GstCaps) caps = gst_caps_from_string(text);
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h, gst_event_new_stream_start("stress"));
  gst_harness_push_event(h, gst_event_new_caps(caps));
  gst_harness_push_event(h, gst_event_new_segment(&segment));
}

static GstBuffer *
some_data(const Element *element, guint64 n)
{
  guint8 bytes[1920] = {0xc0};
  gboolean audio = strcmp(element->caps, TEST_CAPS_AUDIO) == 0;
  bytes[7] = (guint8)n;
  /* not whole frames, and for decoders some that are none */
  gsize size = audio ? 1920 - 2 * (n % 5) : n % 7 == 0 ? 3 : 60;
  GstBuffer *buffer = test_buffer(bytes, size, 0, n);
  GST_BUFFER_PTS(buffer) = n * 20 * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = 20 * GST_MSECOND;
  test_meta_get(buffer)->media_time = GST_BUFFER_PTS(buffer);
  return buffer;
}

static gpointer
push(gpointer data)
{
  Stress *stress = data;
  GstHarness *h = stress->harness;
  for (guint64 n = 0; n < BUFFERS; n++) {
    if (g_atomic_int_get(&stress->flushing)) {
      gst_harness_push_event(h, gst_event_new_flush_stop(TRUE));
      begin_stream(h, stress->element->caps);
      g_atomic_int_set(&stress->flushing, FALSE);
    }
    if (n % 31 == 30)
      gst_harness_push_event(h, gst_event_new_gap(n * 20 * GST_MSECOND, 20 * GST_MSECOND));
    gst_harness_push(h, some_data(stress->element, n));
  }
  g_atomic_int_set(&stress->ended, TRUE);
  return NULL;
}

/* Whatever the other thread is at. */
static gpointer
flush(gpointer data)
{
  Stress *stress = data;
  while (!g_atomic_int_get(&stress->ended)) {
    gst_harness_push_event(stress->harness, gst_event_new_flush_start());
    g_atomic_int_set(&stress->flushing, TRUE);
    while (g_atomic_int_get(&stress->flushing) && !g_atomic_int_get(&stress->ended))
      g_thread_yield();
    for (guint n = 0; n < 200; n++) /* lets some data through */
      g_thread_yield();
  }
  return NULL;
}

static gpointer
change_state(gpointer data)
{
  Stress *stress = data;
  for (guint n = 0; !g_atomic_int_get(&stress->ended); n++) {
    gst_element_set_state(stress->harness->element,
                          n % 2 == 0 ? GST_STATE_PAUSED : GST_STATE_PLAYING);
    for (guint k = 0; k < 50; k++)
      g_thread_yield();
  }
  gst_element_set_state(stress->harness->element, GST_STATE_PLAYING);
  return NULL;
}

static void
ask(Stress *stress, guint n)
{
  GstElement *element = stress->harness->element;
  guint count = 0;
  while (count < 8 && stress->element->settings[count][0] != NULL)
    count++;
  if (count > 0)
    gst_util_set_object_arg(G_OBJECT(element), stress->element->settings[n % count][0],
                            stress->element->settings[n % count][1]);
  g_autoptr(GstStructure) stats = NULL;
  g_object_get(element, "stats", &stats, NULL);
  g_assert_nonnull(stats);
  g_autoptr(GstQuery) query = gst_query_new_latency();
  gst_element_query(element, query);
}

static void
test_stress(gconstpointer data)
{
  const Element *element = data;
  Stress stress = {.element = element,
                   .harness = gst_harness_new_with_padnames(element->name, "sink", "src")};
  gst_harness_use_systemclock(stress.harness);
  gst_harness_set_drop_buffers(stress.harness, TRUE);
  begin_stream(stress.harness, element->caps);
  GThread *threads[] = {g_thread_new("push", push, &stress), g_thread_new("flush", flush, &stress),
                        g_thread_new("state", change_state, &stress)};
  for (guint n = 0; !g_atomic_int_get(&stress.ended); n++) {
    ask(&stress, n);
    g_thread_yield();
  }
  for (guint n = 0; n < G_N_ELEMENTS(threads); n++)
    g_thread_join(threads[n]);
  gst_harness_teardown(stress.harness);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  for (guint n = 0; n < G_N_ELEMENTS(elements); n++) {
    g_autofree char *path = g_strdup_printf("/stress/%s", elements[n].name);
    g_test_add_data_func(path, &elements[n], test_stress);
  }
  return test_run();
}
