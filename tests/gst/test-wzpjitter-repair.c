/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpjitter and repair: what it tells wzpfec, and what it makes of the frames that wzpfec brings back. */
#include "gst-util.h"

#define MS GST_MSECOND

static GstHarness *
jitter(guint latency)
{
  GstHarness *h = gst_harness_new("wzpjitter");
  gst_harness_use_testclock(h);
  g_object_set(h->element, "latency", latency, NULL);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  return h;
}

static void
push(GstHarness *h, guint64 index, GstClockTime arrival, gboolean recovered)
{
  GstBuffer *buffer = test_buffer(&index, sizeof index, 0, index);
  GstWzpMeta *meta = test_meta_get(buffer);
  meta->media_time = index * 20 * MS;
  meta->arrival = arrival;
  meta->recovered = recovered;
  g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
}

/* What upstream was told last, in ms; -1: nothing new. */
static gint
told(GstHarness *h)
{
  GstEvent *event;
  gint ms = -1;
  while ((event = gst_harness_try_pull_upstream_event(h)) != NULL) {
    guint64 delay;
    if (gst_event_has_name(event, "wzp-playout-delay")) {
      g_assert_true(gst_structure_get_uint64(gst_event_get_structure(event), "delay", &delay));
      ms = (gint)(delay / MS);
    }
    gst_event_unref(event);
  }
  return ms;
}

static void
test_told(void)
{
  GstHarness *h = jitter(60);
  g_assert_cmpint(told(h), ==, -1); /* no stream yet, nobody to tell */
  g_object_set(h->element, "latency", 80, NULL);
  g_assert_cmpint(told(h), ==, -1);
  push(h, 0, 0, FALSE);
  g_assert_cmpint(told(h), ==, 80);
  push(h, 1, 20 * MS, FALSE);
  g_assert_cmpint(told(h), ==, -1);
  g_object_set(h->element, "latency", 200, NULL);
  g_assert_cmpint(told(h), ==, 200);
  g_object_set(h->element, "latency", 205, NULL); /* too little to plan by */
  g_assert_cmpint(told(h), ==, -1);
  test_flush(h); /* a new stream is told anew */
  push(h, 0, 50 * MS, FALSE);
  g_assert_cmpint(told(h), ==, 205);
  gst_harness_teardown(h);
}

/* What the network's jitter needs is not there for repair. */
static void
test_told_of_jitter(void)
{
  GstHarness *h = jitter(100);
  gint last = -1;
  gst_harness_set_drop_buffers(h, TRUE);
  for (guint n = 0; n < 300; n++) {
    push(h, n, n * 20 * MS + (n % 2) * 40 * MS, FALSE);
    gint now = told(h);
    if (now >= 0)
      last = now;
  }
  g_assert_cmpint(last, >=, 75);
  g_assert_cmpint(last, <=, 90);
  g_assert_cmpuint(test_stat(h->element, "playout"), >=, 78 * MS);
  g_assert_cmpuint(test_stat(h->element, "playout"), <=, 82 * MS);
  gst_harness_teardown(h);
}

static guint64
pull_index(GstHarness *h, gboolean *recovered)
{
  GstBuffer *buffer = gst_harness_pull(h);
  guint64 index = test_meta_get(buffer)->index;
  *recovered = test_meta_get(buffer)->recovered;
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, index * 20 * MS);
  gst_buffer_unref(buffer);
  return index;
}

/* Lets the element's waits run out until it is this time. */
static void
crank_until(GstHarness *h, GstClockTime end)
{
  g_autoptr(GstTestClock) clock = gst_harness_get_testclock(h);
  while (gst_clock_get_time(GST_CLOCK(clock)) < end)
    g_assert_true(gst_harness_crank_single_clock_wait(h));
}

/* Frame 2 comes back behind 4, frame 5 so late that its turn is over: the one is played in its place, the other is
 * not, and neither moves the rest. */
static void
test_late_repair(void)
{
  static const guint64 expected[] = {0, 1, 2, 3, 4, 6, 7, 8, 9};
  GstHarness *h = jitter(60);
  for (guint n = 0; n < 10; n++) {
    GstClockTime now = n * 20 * MS;
    crank_until(h, now);
    if (n != 2 && n != 5)
      push(h, n, now, FALSE);
    if (n == 4)
      push(h, 2, now, TRUE);
    if (n == 9)
      push(h, 5, now, TRUE);
  }
  crank_until(h, 12 * 20 * MS);
  for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
    gboolean recovered;
    g_assert_cmpuint(pull_index(h, &recovered), ==, expected[i]);
    g_assert_true(recovered == (expected[i] == 2));
  }
  g_assert_cmpuint(test_stat(h->element, "recovered"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "recovered-late"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "late"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "reordered"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "lost"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "delay"), ==, 60 * MS);
  g_assert_cmpuint(test_stat(h->element, "playout"), ==, 60 * MS);
  gst_harness_teardown(h);
}

/* The end of hope is taken at once, not held like an event of the stream, and goes no further. */
static void
test_hopeless(void)
{
  GstHarness *h = jitter(60);
  push(h, 0, 0, FALSE);
  GstStructure *structure =
      gst_structure_new("wzp-frame-hopeless", "index", G_TYPE_UINT64, (guint64)3, NULL);
  g_assert_true(
      gst_harness_push_event(h, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, structure)));
  g_assert_cmpuint(test_stat(h->element, "hopeless"), ==, 1);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  gst_buffer_unref(gst_harness_pull(h));
  GstEvent *event;
  GstEventType type = GST_EVENT_UNKNOWN;
  while (type != GST_EVENT_EOS) {
    event = gst_harness_pull_event(h);
    type = GST_EVENT_TYPE(event);
    g_assert_cmpint(type, !=, GST_EVENT_CUSTOM_DOWNSTREAM);
    gst_event_unref(event);
  }
  gst_harness_teardown(h);
}

/* The two side by side: what is told reaches wzpfec, and repair reaches playout. */
static void
test_with_wzpfec(void)
{
  GstHarness *h = gst_harness_new_parse("wzpfec name=fec ! wzpjitter name=jitter latency=100");
  gst_harness_use_testclock(h);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_BUNDLES);
  GstHarness *there = gst_harness_new("wzpfec");
  gst_util_set_object_arg(G_OBJECT(there->element), "scheme", "copies");
  g_object_set(there->element, "overhead", 100, NULL);
  gst_harness_set_src_caps_str(there, GST_WZP_CAPS_FRAMES);
  g_autoptr(GstElement) fec = gst_bin_get_by_name(GST_BIN(h->element), "fec");
  g_autoptr(GstElement) playout = gst_bin_get_by_name(GST_BIN(h->element), "jitter");
  for (guint64 n = 0; n < 20; n++) {
    GstBuffer *frame = test_buffer(&n, sizeof n, 0, n);
    GST_BUFFER_PTS(frame) = test_meta_get(frame)->media_time = n * 20 * MS;
    g_assert_cmpint(gst_harness_push(there, frame), ==, GST_FLOW_OK);
    GstBuffer *packet = gst_harness_pull(there);
    test_meta_get(packet)->arrival = n * 20 * MS;
    if (n % 4 == 2)
      gst_buffer_unref(packet);
    else
      g_assert_cmpint(gst_harness_push(h, packet), ==, GST_FLOW_OK);
  }
  g_assert_cmpuint(test_stat(fec, "playout"), ==, 100 * MS);
  g_assert_cmpuint(test_stat(fec, "recovered"), ==, 5);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  gboolean recovered;
  for (guint64 n = 0; n < 20; n++) {
    g_assert_cmpuint(pull_index(h, &recovered), ==, n);
    g_assert_true(recovered == (n % 4 == 2));
  }
  g_assert_cmpuint(test_stat(playout, "recovered"), ==, 5);
  g_assert_cmpuint(test_stat(playout, "lost"), ==, 0);
  gst_harness_teardown(there);
  gst_harness_teardown(h);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/wzpjitter/told", test_told);
  g_test_add_func("/wzpjitter/told-of-jitter", test_told_of_jitter);
  g_test_add_func("/wzpjitter/late-repair", test_late_repair);
  g_test_add_func("/wzpjitter/hopeless", test_hopeless);
  g_test_add_func("/wzpjitter/with-wzpfec", test_with_wzpfec);
  return test_run();
}
