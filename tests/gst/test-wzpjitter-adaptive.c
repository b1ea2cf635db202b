/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpjitter by itself finds its latency; with wzpdec, by time stretch. */
#include "gst-util.h"
#include <opus/opus.h>

#define MS GST_MSECOND

static GstBuffer *
frame(guint64 index, GstClockTime arrival, const void *data, gsize size)
{
  GstBuffer *buffer = test_buffer(data, size, 0, index);
  GstWzpMeta *meta = test_meta_get(buffer);
  meta->media_time = index * 20 * MS;
  meta->arrival = arrival;
  return buffer;
}

static guint
count_latency_messages(GstBus *bus)
{
  guint n = 0;
  GstMessage *message;
  while ((message = gst_bus_pop_filtered(bus, GST_MESSAGE_LATENCY)) != NULL) {
    n++;
    gst_message_unref(message);
  }
  return n;
}

/* First a network without jitter, then one with much: the latency goes down to nearly nothing and up again, and is
 * told at the frame that changed it. */
static void
test_latency_is_told(void)
{
  GstHarness *h = gst_harness_new("wzpjitter");
  g_autoptr(GstBus) bus = gst_bus_new();
  gst_harness_use_testclock(h);
  gst_element_set_bus(h->element, bus);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  gst_harness_set_drop_buffers(h, TRUE);
  guint64 index = 0, told = GST_CLOCK_TIME_NONE;
  for (; index < 600; index++) {
    if (index > 0)
      test_crank_until(h, index * 20 * MS);
    gst_harness_push(h, frame(index, index * 20 * MS, &index, sizeof index));
    if (count_latency_messages(bus) > 0)
      told = gst_harness_query_latency(h);
  }
  g_assert_true(GST_CLOCK_TIME_IS_VALID(told));
  g_assert_cmpuint(gst_harness_query_latency(h), <=, 12 * MS);
  g_assert_cmpuint(test_stat(h->element, "latency"), <=, 12 * MS);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 0);
  for (GstClockTime last = 0; index < 1000; index++) {
    GstClockTime arrival = MAX(last, index * 20 * MS + (index % 5) * 9 * MS);
    last = arrival;
    test_crank_until(h, arrival);
    gst_harness_push(h, frame(index, arrival, &index, sizeof index));
    GstClockTime now = gst_harness_query_latency(h);
    guint messages = count_latency_messages(bus);
    if (ABS((gint64)(now - told)) >= (gint64)(10 * MS))
      g_assert_cmpuint(messages, >, 0);
    if (messages > 0)
      told = now;
  }
  g_assert_cmpuint(told, >=, 30 * MS);
  g_assert_cmpuint(told, <=, 60 * MS);
  gst_element_set_bus(h->element, NULL);
  gst_harness_teardown(h);
}

/* When downstream plays later, times go back by as much. */
static void
test_reported(void)
{
  GstHarness *h = gst_harness_new("wzpjitter");
  gst_harness_use_testclock(h);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  GstClockTime pts = 0, moved = 0;
  gboolean went_back = FALSE;
  for (guint64 index = 0; index < 100; index++) {
    if (index > 0)
      test_crank_until(h, index * 20 * MS);
    gst_harness_push(h, frame(index, index * 20 * MS, &index, sizeof index));
    if (index == 20) { /* while it still waits for what it does not know */
      moved = gst_harness_query_latency(h);
      gst_harness_push_upstream_event(h, gst_event_new_latency(moved + 100 * MS));
    }
    GstBuffer *out;
    while ((out = gst_harness_try_pull(h)) != NULL) {
      GstClockTime expected = pts + 20 * MS;
      if (moved > 0 && !went_back && GST_BUFFER_PTS(out) != expected) {
        expected -= moved;
        went_back = TRUE;
      }
      if (test_meta_get(out)->index > 0)
        g_assert_cmpuint(GST_BUFFER_PTS(out), ==, expected);
      pts = GST_BUFFER_PTS(out);
      gst_buffer_unref(out);
    }
  }
  g_assert_true(went_back);
  g_assert_cmpuint(moved, >, 0);
  gst_harness_teardown(h);
}

/* A voice that gets its delay by stretch: the sound that comes out is one piece, whatever the network does. */
static void
test_stretch(void)
{
  GstHarness *h = gst_harness_new_parse("wzpjitter name=jitter ! wzpdec");
  gst_harness_use_testclock(h);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  g_autoptr(GstElement) jitter = gst_bin_get_by_name(GST_BIN(h->element), "jitter");
  int error;
  OpusEncoder *encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
  GstClockTime end = GST_CLOCK_TIME_NONE;
  GstClockTime last = 0;
  guint64 sound = 0, first = GST_CLOCK_TIME_NONE;
  for (guint64 index = 0; index < 900; index++) {
    gint16 pcm[960];
    guint8 data[200];
    for (guint i = 0; i < 960; i++) /* 125 Hz */
      pcm[i] = (gint16)(((index * 960 + i) % 384) * 40) - 7680;
    opus_int32 size = opus_encode(encoder, pcm, 960, data, sizeof data);
    /* in the middle every other frame is late, and comes with the next one */
    GstClockTime arrival = (index / 300 == 1 && index % 2 ? index + 3 : index) * 20 * MS;
    last = MAX(last, arrival);
    if (index > 0)
      test_crank_until(h, last);
    gst_harness_push(h, frame(index, last, data, (gsize)size));
    GstBuffer *out;
    while ((out = gst_harness_try_pull(h)) != NULL) {
      if (end != GST_CLOCK_TIME_NONE)
        g_assert_cmpint(ABS((gint64)(GST_BUFFER_PTS(out) - end)), <=, 100000); /* samples */
      else
        first = GST_BUFFER_PTS(out);
      sound += gst_buffer_get_size(out) / 2;
      end = GST_BUFFER_PTS(out) + GST_BUFFER_DURATION(out);
      gst_buffer_unref(out);
    }
  }
  g_assert_cmpuint(test_stat(jitter, "stretched"), >, 2);
  gint64 lasted = (gint64)(end - first);
  g_assert_cmpint(ABS(lasted - (gint64)(sound * GST_SECOND / 48000)), <=, (gint64)(2 * MS));
  g_assert_cmpuint(test_stat(jitter, "played"), >, 850);
  opus_encoder_destroy(encoder);
  gst_harness_teardown(h);
}

/* Without a network a live frame comes when it is over, not when it begins. */
static void
test_no_network(void)
{
  GstHarness *h = gst_harness_new_parse("wzpenc ! wzpjitter name=jitter ! wzpdec");
  gst_harness_use_testclock(h);
  gst_harness_set_src_caps_str(h, TEST_CAPS_AUDIO);
  gst_harness_set_drop_buffers(h, TRUE);
  g_autoptr(GstElement) jitter = gst_bin_get_by_name(GST_BIN(h->element), "jitter");
  guint64 at = 0;
  for (guint n = 0; n < 400; n++) {
    if (n > 0)
      test_crank_until(h, (n + 1) * 20 * MS);
    else
      gst_harness_set_time(h, 20 * MS);
    g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  }
  g_assert_cmpuint(test_stat(jitter, "played"), >, 390);
  g_assert_cmpuint(test_stat(jitter, "concealed"), ==, 0);
  gst_harness_teardown(h);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/wzpjitter/latency-is-told", test_latency_is_told);
  g_test_add_func("/wzpjitter/reported", test_reported);
  g_test_add_func("/wzpjitter/stretch", test_stretch);
  g_test_add_func("/wzpjitter/no-network", test_no_network);
  return test_run();
}
