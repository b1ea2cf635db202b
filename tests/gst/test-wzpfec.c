/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"
#include "wzp/packet.h"
#include "wzp/profile.h"

#define SIZE 60

/* Without repair: what is looked at here are packets and frames; test-wzpfec-repair.c has the rest. */
static GstHarness *
protect(guint frames_per_packet)
{
  GstHarness *h = gst_harness_new("wzpfec");
  gst_util_set_object_arg(G_OBJECT(h->element), "scheme", "none");
  g_object_set(h->element, "frames-per-packet", frames_per_packet, NULL);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  return h;
}

static GstHarness *
recover(void)
{
  GstHarness *h = gst_harness_new("wzpfec");
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_BUNDLES);
  return h;
}

/* Frame n of a stream whose bytes all are n. */
static GstBuffer *
frame(guint8 code, guint n)
{
  guint8 bytes[SIZE];
  const WzpFraming *framing = wzp_framing_from_code(code);
  memset(bytes, (int)n, sizeof bytes);
  GstBuffer *buffer = test_buffer(bytes, sizeof bytes, code, n);
  GST_BUFFER_DURATION(buffer) = framing->frame_ms * GST_MSECOND;
  GST_BUFFER_PTS(buffer) = n * GST_BUFFER_DURATION(buffer);
  test_meta_get(buffer)->media_time = GST_BUFFER_PTS(buffer);
  return buffer;
}

static void
assert_frame(GstBuffer *buffer, guint8 code, guint n)
{
  guint8 bytes[SIZE];
  memset(bytes, (int)n, sizeof bytes);
  g_assert_cmpuint(gst_buffer_get_size(buffer), ==, SIZE);
  g_assert_cmpint(gst_buffer_memcmp(buffer, 0, bytes, SIZE), ==, 0);
  GstWzpMeta *meta = test_meta_get(buffer);
  g_assert_cmpuint(meta->code, ==, code);
  g_assert_cmpuint(meta->index, ==, n);
  g_assert_cmpuint(meta->media_time, ==, GST_BUFFER_PTS(buffer));
  gst_buffer_unref(buffer);
}

static void
assert_direction(GstHarness *h, const char *expected)
{
  GValue value = G_VALUE_INIT;
  g_object_get_property(G_OBJECT(h->element), "direction", &value);
  GEnumClass *klass = g_type_class_peek(G_VALUE_TYPE(&value));
  g_assert_cmpstr(g_enum_get_value(klass, g_value_get_enum(&value))->value_nick, ==, expected);
  g_value_unset(&value);
}

static void
test_protect(void)
{
  GstHarness *h = gst_harness_new("wzpfec");
  assert_direction(h, "none");
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  assert_direction(h, "protect");
  g_assert_cmpint(gst_harness_push(h, frame(0, 7)), ==, GST_FLOW_OK);
  GstBuffer *bundle = gst_harness_pull(h);
  test_assert_caps(h, GST_WZP_CAPS_BUNDLES);
  /* PROTOCOL.md, section 9: type 1, form 0, then the frame to the end */
  guint8 expected[1 + SIZE];
  memset(expected, 7, sizeof expected);
  expected[0] = 0x10;
  g_assert_cmpuint(gst_buffer_get_size(bundle), ==, sizeof expected);
  g_assert_cmpint(gst_buffer_memcmp(bundle, 0, expected, sizeof expected), ==, 0);
  g_assert_cmpuint(test_meta_get(bundle)->code, ==, 0);
  g_assert_cmpuint(test_meta_get(bundle)->index, ==, 0);
  g_assert_cmpuint(test_meta_get(bundle)->media_time, ==, 140 * GST_MSECOND);
  g_assert_cmpuint(GST_BUFFER_PTS(bundle), ==, 140 * GST_MSECOND);
  g_assert_cmpuint(GST_BUFFER_DURATION(bundle), ==, 20 * GST_MSECOND);
  gst_buffer_unref(bundle);
  test_assert_stats_name(h->element, "application/x-wzp-fec-protect-stats");
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "packets"), ==, 1);
  gst_harness_teardown(h);
}

/* Codes by codec and count: 0 1 2 for Opus 20 ms, 3 4 for 40 ms, where three frames have no code. */
typedef struct {
  guint frames_per_packet;
  guint8 in, out;
  guint held;
} Packing;

static const Packing packings[] = {
    {1, 0, 0, 1}, {2, 0, 1, 2}, {3, 0, 2, 3}, {1, 3, 3, 1}, {2, 3, 4, 2}, {3, 3, 4, 2},
};

static void
test_back_to_back(gconstpointer data)
{
  const Packing *packing = data;
  GstHarness *there = protect(packing->frames_per_packet), *back = recover();
  for (guint n = 0; n < 12; n++)
    g_assert_cmpint(gst_harness_push(there, frame(packing->in, n)), ==, GST_FLOW_OK);
  GstClockTime frame_time = wzp_framing_from_code(packing->in)->frame_ms * GST_MSECOND;
  gst_harness_set_upstream_latency(there, 0);
  g_assert_cmpuint(gst_harness_query_latency(there), ==, (packing->held - 1) * frame_time);

  g_assert_cmpuint(gst_harness_buffers_received(there), ==, 12 / packing->held);
  for (guint p = 0; p < 12 / packing->held; p++) {
    GstBuffer *bundle = gst_harness_pull(there);
    g_assert_cmpuint(test_meta_get(bundle)->code, ==, packing->out);
    g_assert_cmpuint(test_meta_get(bundle)->index, ==, p);
    g_assert_cmpuint(GST_BUFFER_DURATION(bundle), ==, packing->held * frame_time);
    g_assert_cmpint(gst_harness_push(back, bundle), ==, GST_FLOW_OK);
  }
  g_assert_cmpuint(gst_harness_buffers_received(back), ==, 12);
  for (guint n = 0; n < 12; n++)
    assert_frame(gst_harness_pull(back), packing->in, n);
  test_assert_caps(back, GST_WZP_CAPS_FRAMES);
  test_assert_stats_name(back->element, "application/x-wzp-fec-recover-stats");
  g_assert_cmpuint(test_stat(back->element, "frames"), ==, 12);
  g_assert_cmpuint(test_stat(back->element, "invalid"), ==, 0);
  g_assert_cmpuint(gst_harness_query_latency(back), ==, 0);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* A packet that cannot become whole goes out with what it has. At the end three say that silence begins. */
static void
test_partial(void)
{
  GstHarness *h = protect(3);
  for (guint n = 0; n < 5; n++)
    gst_harness_push(h, frame(0, n));
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 1);
  GstBuffer *after = frame(0, 5);
  GST_BUFFER_FLAG_SET(after, GST_BUFFER_FLAG_DISCONT);
  gst_harness_push(h, after);
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 2);
  gst_harness_push(h, frame(3, 6)); /* other frames: cannot share */
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 3);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 7);

  static const guint8 codes[] = {
      2, 1, 0, 3, WZP_CODE_COMFORT_NOISE, WZP_CODE_NO_AUDIO, WZP_CODE_NO_AUDIO};
  for (guint i = 0; i < G_N_ELEMENTS(codes); i++) {
    GstBuffer *bundle = gst_harness_pull(h);
    g_assert_cmpuint(test_meta_get(bundle)->code, ==, codes[i]);
    g_assert_cmpuint(test_meta_get(bundle)->index, ==, i);
    g_assert_true(GST_BUFFER_FLAG_IS_SET(bundle, GST_BUFFER_FLAG_DISCONT) == (i == 2));
    gst_buffer_unref(bundle);
  }
  GstEvent *eos = test_try_event(h, GST_EVENT_EOS);
  g_assert_nonnull(eos);
  gst_event_unref(eos);
  gst_harness_teardown(h);
}

static void
test_change_while_playing(void)
{
  GstHarness *there = protect(1), *back = recover();
  GstBuffer *bundle;
  for (guint n = 0; n < 30; n++) {
    g_object_set(there->element, "frames-per-packet", 1 + (n / 10 + 2) % 3, NULL); /* 3, 1, 2 */
    gst_harness_push(there, frame(0, n));
  }
  gst_harness_push_event(there, gst_event_new_eos());
  while ((bundle = gst_harness_try_pull(there)) != NULL)
    gst_harness_push(back, bundle);
  for (guint n = 0; n < 30; n++)
    assert_frame(gst_harness_pull(back), 0, n);
  GstBuffer *silence = gst_harness_pull(back);
  g_assert_cmpuint(test_meta_get(silence)->code, ==, WZP_CODE_COMFORT_NOISE);
  gst_buffer_unref(silence);
  g_assert_null(gst_harness_try_pull(back));
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

static void
test_flushing(void)
{
  GstHarness *h = protect(3);
  gst_harness_push(h, frame(0, 0));
  gst_harness_push(h, frame(0, 1));
  test_flush(h);
  for (guint n = 10; n < 13; n++)
    gst_harness_push(h, frame(0, n));
  GstBuffer *bundle = gst_harness_pull(h);
  g_assert_cmpuint(GST_BUFFER_PTS(bundle), ==, 200 * GST_MSECOND);
  gst_buffer_unref(bundle);
  g_assert_null(gst_harness_try_pull(h));
  gst_harness_teardown(h);
}

/* Media time of what a frame pushed now becomes. */
static GstClockTime
media_time_sent(GstHarness *h, guint n)
{
  g_assert_cmpint(gst_harness_push(h, frame(0, n)), ==, GST_FLOW_OK);
  g_autoptr(GstBuffer) bundle = gst_harness_pull(h);
  g_assert_cmpuint(GST_BUFFER_PTS(bundle), ==, n * 20 * GST_MSECOND);
  return test_meta_get(bundle)->media_time;
}

/* Running time begins anew; the listener's time does not. */
static void
test_seek(void)
{
  GstHarness *h = protect(1);
  gst_harness_use_testclock(h);
  for (guint n = 0; n < 10; n++) {
    gst_harness_set_time(h, n * 20 * GST_MSECOND);
    g_assert_cmpuint(media_time_sent(h, n), ==, n * 20 * GST_MSECOND);
  }
  test_flush(h);
  gst_harness_set_time(h, GST_SECOND);
  g_assert_cmpuint(media_time_sent(h, 0), ==, GST_SECOND);
  gst_harness_set_time(h, 1003 * GST_MSECOND); /* jitter of ours is none of the frames' */
  g_assert_cmpuint(media_time_sent(h, 1), ==, 1020 * GST_MSECOND);
  test_flush(h); /* faster than the clock: no time comes twice */
  g_assert_cmpuint(media_time_sent(h, 0), ==, 1040 * GST_MSECOND);
  gst_harness_teardown(h);
}

/* Running time stands still; the listener's time does not. */
static void
test_pause(void)
{
  GstHarness *h = protect(1);
  gst_harness_use_testclock(h);
  g_assert_cmpuint(media_time_sent(h, 0), ==, 0);
  gst_element_set_state(h->element, GST_STATE_PAUSED);
  gst_harness_set_time(h, 2020 * GST_MSECOND);
  gst_element_set_base_time(h->element, 2 * GST_SECOND);
  gst_element_set_state(h->element, GST_STATE_PLAYING);
  g_assert_cmpuint(media_time_sent(h, 1), ==, 2020 * GST_MSECOND);
  g_assert_cmpuint(media_time_sent(h, 2), ==, 2040 * GST_MSECOND);
  gst_harness_teardown(h);
}

/* Repair that goes alone, in silence behind a pause, has the time of the others. */
static void
test_gap_behind_pause(void)
{
  GstHarness *h = gst_harness_new("wzpfec");
  gst_harness_use_testclock(h);
  g_object_set(h->element, "overhead", 100, NULL);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  for (guint n = 0; n < 5; n++)
    media_time_sent(h, n);
  gst_element_set_state(h->element, GST_STATE_PAUSED);
  gst_harness_set_time(h, 2 * GST_SECOND);
  gst_element_set_state(h->element, GST_STATE_PLAYING);
  g_assert_true(gst_harness_push_event(h, gst_event_new_gap(100 * GST_MSECOND, 20 * GST_MSECOND)));
  g_autoptr(GstBuffer) repair = gst_harness_pull(h);
  g_assert_cmpuint(GST_BUFFER_PTS(repair), ==, 100 * GST_MSECOND);
  g_assert_cmpuint(test_meta_get(repair)->media_time, ==, 2080 * GST_MSECOND);
  gst_harness_teardown(h);
}

static void
test_lists(void)
{
  GstHarness *there = protect(2), *back = recover();
  GstPad *sink = gst_pad_get_peer(there->srcpad);
  GstBufferList *list = gst_buffer_list_new();
  for (guint n = 0; n < 6; n++)
    gst_buffer_list_add(list, frame(0, n));
  g_assert_cmpint(gst_pad_chain_list(sink, list), ==, GST_FLOW_OK);
  gst_object_unref(sink);
  g_assert_cmpuint(gst_harness_buffers_received(there), ==, 3);

  sink = gst_pad_get_peer(back->srcpad);
  list = gst_buffer_list_new();
  for (guint p = 0; p < 3; p++)
    gst_buffer_list_add(list, gst_harness_pull(there));
  g_assert_cmpint(gst_pad_chain_list(sink, list), ==, GST_FLOW_OK);
  gst_object_unref(sink);
  for (guint n = 0; n < 6; n++)
    assert_frame(gst_harness_pull(back), 0, n);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* What is no bundle of its code is dropped and counted, and harms nothing. */
typedef struct {
  const char *name;
  guint8 code;
  gsize size;
  guint8 bytes[16];
} Broken;

static const Broken brokens[] = {
    {"empty-frames", 0, 1, {0x10}},
    {"bad-form", 0, 4, {0x13, 1, 2, 3}},
    {"length-beyond-end", 0, 4, {0x11, 9, 2, 3}},
    {"cut-length", 0, 2, {0x12, 0}},
    {"not-divisible-by-three", 2, 5, {0x10, 1, 2, 3, 4}},
    {"frames-without-audio-code", WZP_CODE_NO_AUDIO, 4, {0x10, 1, 2, 3}},
    {"comfort-noise", WZP_CODE_COMFORT_NOISE, 4, {0x10, 1, 2, 3}},
    {"reserved-code", 12, 4, {0x10, 1, 2, 3}},
};

static void
test_broken(gconstpointer data)
{
  const Broken *broken = data;
  GstHarness *h = recover();
  g_assert_cmpint(gst_harness_push(h, test_buffer(broken->bytes, broken->size, broken->code, 0)),
                  ==, GST_FLOW_OK);
  g_assert_null(gst_harness_try_pull(h));
  g_assert_cmpuint(test_stat(h->element, "invalid"), ==, 1);
  /* a good one behind it */
  g_assert_cmpint(gst_harness_push(h, test_buffer("\x10ok", 3, 0, 1)), ==, GST_FLOW_OK);
  GstBuffer *good = gst_harness_pull(h);
  g_assert_cmpint(gst_buffer_memcmp(good, 0, "ok", 2), ==, 0);
  gst_buffer_unref(good);
  gst_harness_teardown(h);
}

static void
test_without_meta(void)
{
  GstHarness *there = protect(1), *back = recover();
  g_assert_cmpint(gst_harness_push(there, gst_buffer_new_memdup("abc", 3)), ==, GST_FLOW_OK);
  g_assert_cmpint(gst_harness_push(back, gst_buffer_new_memdup("\x10"
                                                               "abc",
                                                               4)),
                  ==, GST_FLOW_OK);
  g_assert_null(gst_harness_try_pull(there));
  g_assert_null(gst_harness_try_pull(back));
  g_assert_cmpuint(test_stat(there->element, "invalid"), ==, 1);
  g_assert_cmpuint(test_stat(back->element, "invalid"), ==, 1);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* They cannot be sent; that is said once. */
static void
test_without_time(void)
{
  GstHarness *h = protect(1);
  g_autoptr(GstBus) bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);
  for (guint n = 0; n < 3; n++) {
    GstBuffer *buffer = frame(0, n);
    GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
    g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
  }
  g_assert_cmpuint(test_stat(h->element, "invalid"), ==, 3);
  g_autoptr(GstMessage) warning = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
  g_assert_nonnull(warning);
  g_assert_null(gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING));
  gst_element_set_bus(h->element, NULL);
  gst_harness_teardown(h);
}

/* A session that is named but not there is a mistake, which would only show as worse repair. */
static void
test_no_such_session(void)
{
  for (guint named = 0; named <= 1; named++) {
    GstHarness *h = gst_harness_new("wzpfec");
    g_autoptr(GstBus) bus = gst_bus_new();
    gst_element_set_bus(h->element, bus);
    g_object_set(h->element, "session", named ? "other" : NULL, NULL);
    gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
    for (guint n = 0; n < 3; n++)
      g_assert_cmpint(gst_harness_push(h, frame(0, n)), ==, GST_FLOW_OK);
    g_autoptr(GstMessage) warning = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
    g_assert_true((warning != NULL) == (named == 1));
    g_assert_null(gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING));
    gst_element_set_bus(h->element, NULL);
    gst_harness_teardown(h);
  }
}

/* Elements of a later version: skipped, and counted. */
static void
test_unknown_elements(void)
{
  static const guint8 bundle[] = {0x91, 2, 0xaa, 0xbb, 0x01, 1, 0, 0x11, 2, 'h', 'i', 0xf0, 1, 2};
  GstHarness *h = recover();
  g_assert_cmpint(gst_harness_push(h, test_buffer(bundle, sizeof bundle, 0, 3)), ==, GST_FLOW_OK);
  GstBuffer *buffer = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(buffer), ==, 2);
  g_assert_cmpint(gst_buffer_memcmp(buffer, 0, "hi", 2), ==, 0);
  g_assert_cmpuint(test_meta_get(buffer)->index, ==, 3);
  gst_buffer_unref(buffer);
  g_assert_cmpuint(test_stat(h->element, "unknown-elements"), ==, 2);
  g_assert_cmpuint(test_stat(h->element, "invalid"), ==, 0);
  gst_harness_teardown(h);
}

static void
test_caps(void)
{
  GstHarness *h = gst_harness_new("wzpfec");
  test_assert_refuses(h, GST_WZP_CAPS_SEALED);
  test_assert_refuses(h, GST_WZP_CAPS_NAME ", sealed=(boolean)false");
  test_assert_refuses(h, "application/x-rtp");

  /* asked from behind for bundles, it takes frames only, and the other way round */
  gst_harness_set_sink_caps_str(h, GST_WZP_CAPS_BUNDLES);
  GstPad *sink = gst_pad_get_peer(h->srcpad);
  GstCaps *caps = gst_pad_query_caps(sink, NULL),
          *frames = gst_caps_from_string(GST_WZP_CAPS_FRAMES);
  g_assert_true(gst_caps_is_equal(caps, frames));
  gst_caps_unref(caps);
  gst_caps_unref(frames);
  gst_object_unref(sink);
  gst_harness_teardown(h);
}

/* The stream before the element turns round: what waited goes out, and from now on it recovers. */
static void
test_renegotiation(void)
{
  GstHarness *h = protect(2);
  gst_harness_push(h, frame(0, 0));
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_BUNDLES);
  assert_direction(h, "recover");
  GstBuffer *bundle = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(bundle), ==, 1 + SIZE);
  gst_buffer_unref(bundle);
  g_assert_cmpint(gst_harness_push(h, test_buffer("\x10hi", 3, 0, 1)), ==, GST_FLOW_OK);
  GstBuffer *buffer = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(buffer), ==, 2);
  gst_buffer_unref(buffer);
  test_assert_caps(h, GST_WZP_CAPS_FRAMES);
  gst_harness_teardown(h);
}

static void
test_property(void)
{
  GstElement *element = gst_element_factory_make("wzpfec", NULL);
  guint value = 0;
  g_object_get(element, "frames-per-packet", &value, NULL);
  g_assert_cmpuint(value, ==, 1);
  GParamSpecUInt *spec = G_PARAM_SPEC_UINT(
      g_object_class_find_property(G_OBJECT_GET_CLASS(element), "frames-per-packet"));
  g_assert_cmpuint(spec->minimum, ==, 0);
  g_assert_cmpuint(spec->maximum, ==, 4);
  gst_object_unref(element);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/wzpfec/protect", test_protect);
  for (guint i = 0; i < G_N_ELEMENTS(packings); i++) {
    char *path = g_strdup_printf("/wzpfec/back-to-back/%u-of-code-%u",
                                 packings[i].frames_per_packet, packings[i].in);
    g_test_add_data_func(path, &packings[i], test_back_to_back);
    g_free(path);
  }
  for (guint i = 0; i < G_N_ELEMENTS(brokens); i++) {
    char *path = g_strdup_printf("/wzpfec/broken/%s", brokens[i].name);
    g_test_add_data_func(path, &brokens[i], test_broken);
    g_free(path);
  }
  g_test_add_func("/wzpfec/partial", test_partial);
  g_test_add_func("/wzpfec/change-while-playing", test_change_while_playing);
  g_test_add_func("/wzpfec/flush", test_flushing);
  g_test_add_func("/wzpfec/seek", test_seek);
  g_test_add_func("/wzpfec/pause", test_pause);
  g_test_add_func("/wzpfec/gap-behind-pause", test_gap_behind_pause);
  g_test_add_func("/wzpfec/lists", test_lists);
  g_test_add_func("/wzpfec/without-meta", test_without_meta);
  g_test_add_func("/wzpfec/without-time", test_without_time);
  g_test_add_func("/wzpfec/no-such-session", test_no_such_session);
  g_test_add_func("/wzpfec/unknown-elements", test_unknown_elements);
  g_test_add_func("/wzpfec/caps", test_caps);
  g_test_add_func("/wzpfec/renegotiation", test_renegotiation);
  g_test_add_func("/wzpfec/property", test_property);
  return test_run();
}
