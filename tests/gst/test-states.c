/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"

/* Up and down a hundred times, with and without data in the element; what leaks, LeakSanitizer tells. And
 * which elements may stand side by side at all. */

typedef struct {
  const char *name, *caps;
} Filter;

static const Filter filters[] = {
    {"wzpenc", TEST_CAPS_AUDIO},       {"wzpdec", GST_WZP_CAPS_FRAMES},
    {"wzpfec", GST_WZP_CAPS_FRAMES},   {"wzpjitter", GST_WZP_CAPS_FRAMES},
    {"wzpdemux", GST_WZP_CAPS_SEALED}, {"wzpdenoise", TEST_CAPS_AUDIO},
    {"wzpecho", TEST_CAPS_AUDIO},
};

static void
test_ladder(gconstpointer data)
{
  GstElement *element = gst_element_factory_make(data, NULL);
  g_assert_nonnull(element);
  for (guint i = 0; i < 100; i++) {
    for (GstState state = GST_STATE_READY; state <= GST_STATE_PLAYING; state++)
      g_assert_cmpint(gst_element_set_state(element, state), !=, GST_STATE_CHANGE_FAILURE);
    if (i % 2 == 0) /* step by step, or in one go */
      for (GstState state = GST_STATE_PAUSED; state >= GST_STATE_READY; state--)
        g_assert_cmpint(gst_element_set_state(element, state), !=, GST_STATE_CHANGE_FAILURE);
    g_assert_cmpint(gst_element_set_state(element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
  }
  gst_object_unref(element);
}

static GstBuffer *
some_data(const Filter *filter, guint64 index)
{
  static const guint8 bytes[1920] = {0xc0, 1};
  gboolean audio = strcmp(filter->caps, TEST_CAPS_AUDIO) == 0;
  GstBuffer *buffer = test_buffer(bytes, audio ? sizeof bytes : 60, 0, index);
  GST_BUFFER_PTS(buffer) = index * 20 * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = 20 * GST_MSECOND;
  return buffer;
}

static void
test_ladder_with_data(gconstpointer data)
{
  const Filter *filter = data;
  gboolean demux = strcmp(filter->name, "wzpdemux") == 0;
  GstHarness *h = gst_harness_new_with_padnames(filter->name, "sink", demux ? NULL : "src");
  gst_harness_use_testclock(h);
  gst_harness_set_drop_buffers(h, TRUE);
  for (guint i = 0; i < 100; i++) {
    GstSegment segment;
    GstCaps *caps = gst_caps_from_string(filter->caps);
    gst_segment_init(&segment, GST_FORMAT_TIME);
    g_assert_true(gst_harness_push_event(h, gst_event_new_stream_start("ladder")));
    g_assert_true(gst_harness_push_event(h, gst_event_new_caps(caps)));
    g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
    gst_caps_unref(caps);
    /* some of it stays inside: half a frame, a frame that waits, a pad */
    for (guint64 index = 0; index < 3; index++)
      g_assert_cmpint(gst_harness_push(h, some_data(filter, index)), ==, GST_FLOW_OK);
    g_assert_cmpint(gst_element_set_state(h->element, GST_STATE_NULL), ==,
                    GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpint(gst_element_set_state(h->element, GST_STATE_PLAYING), !=,
                    GST_STATE_CHANGE_FAILURE);
  }
  gst_harness_teardown(h);
}

typedef struct {
  const char *before, *after;
  gboolean links;
} Neighbours;

static const Neighbours neighbours[] = {
    {"wzpenc", "wzpdec", TRUE},
    {"wzpenc", "wzpfec", TRUE},
    {"wzpfec", "wzpcrypt", TRUE},
    {"wzpfec", "wzpfec", TRUE},
    {"wzpcrypt", "wzpcrypt", TRUE},
    {"wzpcrypt", "wzpfec", TRUE},
    {"wzpcrypt", "wzpsink", TRUE},
    {"wzpsrc", "wzpcrypt", TRUE},
    {"wzpsrc", "wzpdemux", TRUE},
    {"wzpfec", "wzpjitter", TRUE},
    {"wzpjitter", "wzpdec", TRUE},
    /* there is no clear text on the wire, and no sealed bytes in a decoder */
    {"wzpenc", "wzpsink", FALSE},
    {"wzpfec", "wzpsink", FALSE},
    {"wzpsrc", "wzpfec", FALSE},
    {"wzpsrc", "wzpdec", FALSE},
    {"wzpsrc", "wzpjitter", FALSE},
    {"wzpcrypt", "wzpdec", FALSE},
    {"wzpenc", "wzpcrypt", FALSE},
    {"wzpjitter", "wzpsink", FALSE},
    {"wzpcrypt", "wzpjitter", FALSE},
};

static void
test_neighbours(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(neighbours); i++) {
    const Neighbours *test = &neighbours[i];
    GstElement *bin = gst_bin_new(NULL);
    GstElement *before = gst_element_factory_make(test->before, NULL);
    GstElement *after = gst_element_factory_make(test->after, NULL);
    g_assert_nonnull(before);
    g_assert_nonnull(after);
    gst_bin_add_many(GST_BIN(bin), before, after, NULL);
    if (gst_element_link(before, after) != test->links)
      g_error("%s ! %s should %s", test->before, test->after, test->links ? "link" : "not link");
    gst_object_unref(bin);
  }
}

/* A longer line, whole: a forgotten wzpcrypt is found when the line is linked, before anything runs. */
static void
test_forgotten_crypt(void)
{
  GstElement *bin = gst_bin_new(NULL);
  GstElement *enc = gst_element_factory_make("wzpenc", NULL);
  GstElement *fec = gst_element_factory_make("wzpfec", NULL);
  GstElement *sink = gst_element_factory_make("wzpsink", NULL);
  gst_bin_add_many(GST_BIN(bin), enc, fec, sink, NULL);
  g_assert_true(gst_element_link(enc, fec));
  g_assert_false(gst_element_link(fec, sink));
  gst_object_unref(bin);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS(filters); i++) {
    char *path = g_strdup_printf("/states/%s", filters[i].name);
    g_test_add_data_func(path, filters[i].name, test_ladder);
    g_free(path);
    path = g_strdup_printf("/states/%s-with-data", filters[i].name);
    g_test_add_data_func(path, &filters[i], test_ladder_with_data);
    g_free(path);
  }
  g_test_add_func("/links/neighbours", test_neighbours);
  g_test_add_func("/links/forgotten-wzpcrypt", test_forgotten_crypt);
  return test_run();
}
