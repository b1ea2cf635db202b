/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"

/* Time moves by the test clock only: each crank lets the element's one wait run out. */

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

static GstBuffer *
frame(guint64 index, GstClockTime arrival)
{
  GstBuffer *buffer = test_buffer(&index, sizeof index, 0, index);
  GstWzpMeta *meta = test_meta_get(buffer);
  meta->media_time = 7 * GST_SECOND + index * 20 * MS;
  meta->arrival = arrival;
  return buffer;
}

static void
push(GstHarness *h, guint64 index, GstClockTime arrival)
{
  g_assert_cmpint(gst_harness_push(h, frame(index, arrival)), ==, GST_FLOW_OK);
}

static GstClockTime
now(GstHarness *h)
{
  GstTestClock *clock = gst_harness_get_testclock(h);
  GstClockTime time = gst_clock_get_time(GST_CLOCK(clock));
  gst_object_unref(clock);
  return time;
}

/* The element waits for exactly this time; then it is this time. */
static void
crank_to(GstHarness *h, GstClockTime time)
{
  GstTestClock *clock = gst_harness_get_testclock(h);
  GstClockID id;
  gst_test_clock_wait_for_next_pending_id(clock, &id);
  g_assert_cmpuint(gst_clock_id_get_time(id), ==, time);
  gst_clock_id_unref(id);
  gst_object_unref(clock);
  g_assert_true(gst_harness_crank_single_clock_wait(h));
}

static void
assert_played(GstHarness *h, guint64 index, GstClockTime pts, gboolean discont)
{
  GstBuffer *buffer = gst_harness_pull(h);
  g_assert_nonnull(buffer);
  g_assert_cmpuint(test_meta_get(buffer)->index, ==, index);
  g_assert_cmpint(gst_buffer_memcmp(buffer, 0, &index, sizeof index), ==, 0);
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, pts);
  g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 20 * MS);
  g_assert_true(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) == discont);
  gst_buffer_unref(buffer);
}

/* The next event that is not of the stream's start. */
static GstEvent *
pull_event(GstHarness *h)
{
  for (;;) {
    GstEvent *event = gst_harness_pull_event(h);
    g_assert_nonnull(event);
    if (GST_EVENT_TYPE(event) != GST_EVENT_STREAM_START &&
        GST_EVENT_TYPE(event) != GST_EVENT_CAPS && GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT)
      return event;
    gst_event_unref(event);
  }
}

static void
assert_gap(GstHarness *h, GstClockTime at, GstClockTime length, gboolean lost)
{
  GstEvent *event = pull_event(h);
  GstClockTime timestamp, duration;
  GstGapFlags flags = 0;
  g_assert_cmpstr(GST_EVENT_TYPE_NAME(event), ==, "gap");
  gst_event_parse_gap(event, &timestamp, &duration);
  gst_event_parse_gap_flags(event, &flags);
  g_assert_cmpuint(timestamp, ==, at);
  g_assert_cmpuint(duration, ==, length);
  g_assert_true(!!(flags & GST_GAP_FLAG_MISSING_DATA) == lost);
  gst_event_unref(event);
}

/* next: the number of the frame that is there already, -1 for none. */
static void
assert_lost_before(GstHarness *h, guint64 index, GstClockTime at, gint64 next)
{
  GstEvent *event = pull_event(h);
  guint64 got_index, timestamp, duration;
  g_assert_true(gst_event_has_name(event, "wzp-frame-lost"));
  g_assert_true(GST_EVENT_IS_SERIALIZED(event));
  g_assert_true(gst_structure_get(gst_event_get_structure(event), "index", G_TYPE_UINT64,
                                  &got_index, "timestamp", G_TYPE_UINT64, &timestamp, "duration",
                                  G_TYPE_UINT64, &duration, NULL));
  g_assert_cmpuint(got_index, ==, index);
  g_assert_cmpuint(timestamp, ==, at);
  g_assert_cmpuint(duration, ==, 20 * MS);
  GstBuffer *frame = NULL;
  guint64 ahead = 0;
  gboolean known = gst_structure_get(gst_event_get_structure(event), "next", GST_TYPE_BUFFER,
                                     &frame, "ahead", G_TYPE_UINT64, &ahead, NULL);
  g_assert_true(known == (next >= 0));
  if (known) {
    g_assert_cmpint((gint64)test_meta_get(frame)->index, ==, next);
    g_assert_cmpuint(ahead, ==, ((guint64)next - index) * 20 * MS);
    gst_buffer_unref(frame);
  }
  gst_event_unref(event);
  assert_gap(h, at, 20 * MS, TRUE);
}

static void
assert_lost(GstHarness *h, guint64 index, GstClockTime at)
{
  assert_lost_before(h, index, at, -1);
}

/* For a mix: as much as half of the latency ahead, as far as none is missing. */
static void
test_ahead(void)
{
  GstHarness *h = jitter(100);
  g_object_set(h->element, "report-latency", FALSE, NULL);
  for (guint n = 0; n < 3; n++)
    push(h, n, n * 20 * MS);
  push(h, 4, 80 * MS);
  crank_to(h, 100 * MS);
  for (guint n = 0; n < 3; n++)
    assert_played(h, n, n * 20 * MS, n == 0);
  crank_to(h, 160 * MS);
  assert_lost_before(h, 3, 60 * MS, 4);
  assert_played(h, 4, 80 * MS, FALSE);
  g_assert_cmpuint(now(h), ==, 160 * MS);
  gst_harness_teardown(h);
}

static void
test_in_order(void)
{
  GstHarness *h = jitter(60);
  push(h, 100, 5 * MS);
  push(h, 102, 45 * MS);
  push(h, 101, 47 * MS);
  push(h, 101, 48 * MS);
  /* timestamps tell when the frames came at best; they are played the latency later */
  for (guint i = 0; i < 3; i++) {
    crank_to(h, (65 + 20 * i) * MS);
    assert_played(h, 100 + i, (5 + 20 * i) * MS, i == 0);
  }
  test_assert_caps(h, GST_WZP_CAPS_FRAMES);
  test_assert_stats_name(h->element, "application/x-wzp-jitter-stats");
  g_assert_cmpuint(test_stat(h->element, "played"), ==, 3);
  g_assert_cmpuint(test_stat(h->element, "reordered"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "duplicate"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "lost"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "queued"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "latency"), ==, 60 * MS);
  g_assert_cmpuint(test_stat(h->element, "delay"), ==, 60 * MS);
  gst_harness_teardown(h);
}

static void
test_loss(void)
{
  GstHarness *h = jitter(60);
  push(h, 1, 0);
  push(h, 3, 40 * MS);
  crank_to(h, 60 * MS);
  assert_played(h, 1, 0, TRUE);
  crank_to(h, 80 * MS);
  assert_lost_before(h, 2, 20 * MS, 3);
  push(h, 2, 81 * MS); /* too late */
  crank_to(h, 100 * MS);
  assert_played(h, 3, 40 * MS, FALSE);
  g_assert_cmpuint(test_stat(h->element, "lost"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "late"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 1);
  gst_harness_teardown(h);
}

/* Nothing comes: 120 ms to conceal, then silence, in real time; what comes then is played at once. */
static void
test_silence(void)
{
  GstHarness *h = jitter(40);
  push(h, 1, 0);
  crank_to(h, 40 * MS);
  assert_played(h, 1, 0, TRUE);
  for (guint i = 1; i <= 6; i++) {
    crank_to(h, (40 + 20 * i) * MS);
    assert_lost(h, 1 + i, 20 * i * MS);
  }
  for (guint i = 7; i <= 10; i++) {
    crank_to(h, (40 + 20 * i) * MS);
    assert_gap(h, 20 * i * MS, 20 * MS, FALSE);
  }
  push(h, 12, 220 * MS);
  crank_to(h, 260 * MS);
  assert_played(h, 12, 220 * MS, TRUE);
  g_assert_cmpuint(test_stat(h->element, "silence-ms"), ==, 80);
  g_assert_cmpuint(test_stat(h->element, "lost"), ==, 10);
  gst_harness_teardown(h);
}

/* Without meta: numbered and timed as it comes. */
static void
test_without_meta(void)
{
  GstHarness *h = jitter(60);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *buffer = gst_buffer_new_memdup("abc", 3);
    GST_BUFFER_PTS(buffer) = i * 40 * MS;
    GST_BUFFER_DURATION(buffer) = 40 * MS;
    g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
  }
  for (guint i = 0; i < 3; i++) {
    crank_to(h, (60 + 40 * i) * MS);
    GstBuffer *buffer = gst_harness_pull(h);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, i * 40 * MS);
    g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 40 * MS);
    gst_buffer_unref(buffer);
  }
  gst_harness_teardown(h);
}

/* Neither meta nor timestamp: then it arrived when it arrived. */
static void
test_without_times(void)
{
  GstHarness *h = jitter(60);
  gst_harness_set_time(h, 500 * MS);
  g_assert_cmpint(gst_harness_push(h, gst_buffer_new_memdup("abc", 3)), ==, GST_FLOW_OK);
  crank_to(h, 560 * MS);
  GstBuffer *buffer = gst_harness_pull(h);
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, 500 * MS);
  gst_buffer_unref(buffer);
  gst_harness_teardown(h);
}

static void
test_other_sender(void)
{
  GstHarness *h = jitter(60);
  push(h, 1000, 0);
  push(h, 1001, 20 * MS);
  crank_to(h, 60 * MS);
  assert_played(h, 1000, 0, TRUE);
  GstBuffer *other = frame(998, 61 * MS);
  test_meta_get(other)->slot = 5;
  g_assert_cmpint(gst_harness_push(h, other), ==, GST_FLOW_OK);
  crank_to(h, 121 * MS);
  assert_played(h, 998, 61 * MS, TRUE);
  g_assert_cmpuint(test_stat(h->element, "late"), ==, 0);
  gst_harness_teardown(h);
}

/* The same sender begins anew, with numbers that have been there: what waits is played, and the new ones behind it. */
static void
test_new_stream(void)
{
  GstHarness *h = jitter(60);
  push(h, 0, 0);
  push(h, 1, 20 * MS);
  for (guint n = 0; n < 2; n++) {
    GstBuffer *anew = frame(n, (40 + n * 20) * MS);
    test_meta_get(anew)->stream = 7;
    g_assert_cmpint(gst_harness_push(h, anew), ==, GST_FLOW_OK);
  }
  for (guint n = 0; n < 4; n++) {
    crank_to(h, (60 + n * 20) * MS);
    assert_played(h, n % 2, n * 20 * MS, n % 2 == 0);
  }
  g_assert_cmpuint(test_stat(h->element, "duplicate") + test_stat(h->element, "late"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "restarts"), ==, 1);
  gst_harness_teardown(h);
}

static void
test_latency(void)
{
  GstHarness *h = jitter(60);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);
  gst_harness_set_upstream_latency(h, 5 * MS);
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 65 * MS);

  g_object_set(h->element, "latency", 60, NULL); /* no change, no message */
  g_assert_null(gst_bus_pop_filtered(bus, GST_MESSAGE_LATENCY));
  g_object_set(h->element, "latency", 200, NULL);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_LATENCY);
  g_assert_nonnull(message);
  gst_message_unref(message);
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 205 * MS);

  /* live, and able to wait for others */
  GstQuery *query = gst_query_new_latency();
  gboolean live;
  GstClockTime min, max;
  g_assert_true(gst_pad_peer_query(h->sinkpad, query));
  gst_query_parse_latency(query, &live, &min, &max);
  g_assert_true(live);
  g_assert_cmpuint(min, ==, 205 * MS);
  g_assert_cmpuint(max, ==, GST_CLOCK_TIME_NONE);
  gst_query_unref(query);
  gst_element_set_bus(h->element, NULL);
  gst_object_unref(bus);
  gst_harness_teardown(h);
}

/* A change while playing: frames that wait get the new time; the timeline has no break. */
static void
test_latency_while_playing(void)
{
  GstHarness *h = jitter(60);
  for (guint i = 0; i < 4; i++)
    push(h, i, i * 20 * MS);
  crank_to(h, 60 * MS);
  assert_played(h, 0, 0, TRUE);
  g_object_set(h->element, "latency", 100, NULL);
  crank_to(h, 120 * MS);
  assert_played(h, 1, 20 * MS, FALSE);
  g_object_set(h->element, "latency", 1, NULL);
  assert_played(h, 2, 40 * MS, FALSE);
  assert_played(h, 3, 60 * MS, FALSE);
  gst_harness_teardown(h);
}

static void
test_property(void)
{
  GstElement *element = gst_element_factory_make("wzpjitter", NULL);
  GParamSpecUInt *spec =
      G_PARAM_SPEC_UINT(g_object_class_find_property(G_OBJECT_GET_CLASS(element), "latency"));
  guint value = 0;
  g_assert_cmpuint(spec->minimum, ==, 0);
  g_assert_cmpuint(spec->maximum, ==, 2000);
  g_object_get(element, "latency", &value, NULL);
  g_assert_cmpuint(value, ==, 0);
  g_object_set(element, "latency", 2000, NULL);
  g_object_get(element, "latency", &value, NULL);
  g_assert_cmpuint(value, ==, 2000);
  gst_object_unref(element);
}

/* With hardly any latency it still orders nothing away: everything is due as it comes. */
static void
test_smallest_latency(void)
{
  GstHarness *h = jitter(1);
  push(h, 1, 0);
  crank_to(h, 1 * MS);
  assert_played(h, 1, 0, TRUE);
  push(h, 2, 20 * MS);
  crank_to(h, 21 * MS);
  assert_played(h, 2, 20 * MS, FALSE);
  gst_harness_teardown(h);
}

static void
test_end_of_stream(void)
{
  GstHarness *h = jitter(2000);
  push(h, 1, 0);
  push(h, 2, 20 * MS);
  push(h, 4, 60 * MS);
  GstEvent *eos = gst_event_new_eos();
  guint32 seqnum = gst_event_get_seqnum(eos);
  g_assert_true(gst_harness_push_event(h, eos));
  /* no clock needs to move for that */
  assert_played(h, 1, 0, TRUE);
  assert_played(h, 2, 20 * MS, FALSE);
  assert_lost_before(h, 3, 40 * MS, 4);
  assert_played(h, 4, 60 * MS, FALSE);
  GstEvent *end = pull_event(h);
  g_assert_cmpstr(GST_EVENT_TYPE_NAME(end), ==, "eos");
  g_assert_cmpuint(gst_event_get_seqnum(end), ==, seqnum);
  gst_event_unref(end);
  g_assert_cmpint(gst_harness_push(h, frame(5, 80 * MS)), ==, GST_FLOW_EOS);

  /* and another stream, with numbers of its own */
  g_assert_true(gst_harness_push_event(h, gst_event_new_stream_start("another")));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
  push(h, 1, 100 * MS);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  /* at once, though the first one may still be at its end */
  g_assert_true(gst_harness_push_event(h, gst_event_new_stream_start("a third")));
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
  assert_played(h, 1, 100 * MS, TRUE);
  push(h, 1, 120 * MS);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  assert_played(h, 1, 120 * MS, TRUE);
  gst_harness_teardown(h);
}

static void
test_flushing(void)
{
  GstHarness *h = jitter(60);
  push(h, 1, 0);
  crank_to(h, 60 * MS);
  assert_played(h, 1, 0, TRUE);
  push(h, 2, 20 * MS);
  push(h, 4, 60 * MS);
  test_flush(h);
  g_assert_cmpuint(test_stat(h->element, "queued"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "played"), ==, 1); /* what was thrown away nobody heard, */
  g_assert_cmpuint(test_stat(h->element, "lost"), ==, 0);   /* or missed */
  GstEvent *flush = test_try_event(h, GST_EVENT_FLUSH_START);
  g_assert_nonnull(flush);
  gst_event_unref(flush);
  /* afterwards it begins anew, with numbers that would have been late */
  push(h, 1, 70 * MS);
  crank_to(h, 130 * MS);
  assert_played(h, 1, 70 * MS, TRUE);
  /* and after EOS, too */
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  GstEvent *eos = NULL;
  while (eos == NULL)
    eos = test_try_event(h, GST_EVENT_EOS);
  gst_event_unref(eos);
  test_flush(h);
  push(h, 9, 140 * MS);
  crank_to(h, 200 * MS);
  assert_played(h, 9, 140 * MS, TRUE);
  gst_harness_teardown(h);
}

static GstEvent *
note(const char *name)
{
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(name));
}

/* Serialized events keep their place among the frames. */
static void
test_event_order(void)
{
  GstHarness *h = jitter(60);
  GstEvent *event;
  g_assert_true(gst_harness_push_event(h, note("before")));
  event = pull_event(h);
  g_assert_true(gst_event_has_name(event, "before"));
  gst_event_unref(event);

  push(h, 1, 0);
  push(h, 2, 20 * MS);
  g_assert_true(gst_harness_push_event(h, note("between")));
  push(h, 3, 40 * MS);
  crank_to(h, 60 * MS);
  assert_played(h, 1, 0, TRUE);
  g_assert_null(test_try_event(h, GST_EVENT_CUSTOM_DOWNSTREAM));
  crank_to(h, 80 * MS);
  assert_played(h, 2, 20 * MS, FALSE);
  event = pull_event(h);
  g_assert_true(gst_event_has_name(event, "between"));
  gst_event_unref(event);
  crank_to(h, 100 * MS);
  assert_played(h, 3, 40 * MS, FALSE);
  gst_harness_teardown(h);
}

static void
test_caps(void)
{
  GstHarness *h = gst_harness_new("wzpjitter");
  test_assert_refuses(h, GST_WZP_CAPS_BUNDLES);
  test_assert_refuses(h, GST_WZP_CAPS_SEALED);
  gst_harness_teardown(h);

  h = jitter(60);
  push(h, 1, 0);
  GstCaps *caps = gst_caps_from_string(GST_WZP_CAPS_FRAMES);
  g_assert_true(gst_harness_push_event(h, gst_event_new_caps(caps)));
  gst_caps_unref(caps);
  push(h, 2, 20 * MS);
  crank_to(h, 60 * MS);
  assert_played(h, 1, 0, TRUE);
  crank_to(h, 80 * MS);
  assert_played(h, 2, 20 * MS, FALSE);
  gst_harness_teardown(h);
}

/* A segment that does not start at zero: out comes running time all the same. */
static void
test_segment(void)
{
  GstHarness *h = jitter(60);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = 3600 * GST_SECOND;
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
  GstBuffer *buffer = frame(1, GST_CLOCK_TIME_NONE);
  GST_BUFFER_PTS(buffer) = 3600 * GST_SECOND + 10 * MS;
  g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
  crank_to(h, 70 * MS);
  assert_played(h, 1, 10 * MS, TRUE);
  gst_harness_teardown(h);
}

static void
test_live(void)
{
  GstElement *element = gst_element_factory_make("wzpjitter", NULL);
  g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), ==,
                  GST_STATE_CHANGE_NO_PREROLL);
  g_assert_cmpint(gst_element_set_state(element, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), ==,
                  GST_STATE_CHANGE_NO_PREROLL);
  g_assert_cmpint(gst_element_set_state(element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
  gst_object_unref(element);
}

/* In PAUSED the clock stands still for the element: it keeps the frames. */
static void
test_pause(void)
{
  GstHarness *h = jitter(60);
  push(h, 1, 0);
  g_assert_cmpint(gst_element_set_state(h->element, GST_STATE_PAUSED), ==,
                  GST_STATE_CHANGE_NO_PREROLL);
  gst_harness_set_time(h, 70 * MS);
  g_assert_null(gst_harness_try_pull(h));
  g_assert_cmpint(gst_element_set_state(h->element, GST_STATE_PLAYING), ==,
                  GST_STATE_CHANGE_SUCCESS);
  assert_played(h, 1, 0, TRUE);
  gst_harness_teardown(h);
}

/* A source that is not live may run ahead, but only as far as the queue. */
static GstPadProbeReturn
answer_not_live(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
  (void)pad;
  (void)data;
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return GST_PAD_PROBE_OK;
  gst_query_set_latency(query, FALSE, 0, GST_CLOCK_TIME_NONE);
  return GST_PAD_PROBE_HANDLED;
}

#define AHEAD 700

static gpointer
push_ahead(gpointer data)
{
  for (guint i = 0; i < AHEAD; i++)
    push(data, i, i * 20 * MS);
  return NULL;
}

static void
test_not_live(void)
{
  GstHarness *h = gst_harness_new("wzpjitter");
  g_object_set(h->element, "latency", 60, NULL);
  gst_harness_use_testclock(h);
  gst_pad_add_probe(h->srcpad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM | GST_PAD_PROBE_TYPE_PUSH,
                    answer_not_live, NULL, NULL);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  GThread *thread = g_thread_new("push-ahead", push_ahead, h);
  for (guint i = 0; i < AHEAD; i++) {
    /* the source is as far ahead as it may be, and waits */
    while (test_stat(h->element, "queued") < MIN(512, AHEAD - i))
      g_thread_yield();
    crank_to(h, (60 + 20 * i) * MS);
    assert_played(h, i, i * 20 * MS, i == 0);
  }
  g_thread_join(thread);
  g_assert_cmpuint(test_stat(h->element, "overflow"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "lost"), ==, 0);
  gst_harness_teardown(h);
}

/* Downstream is gone: the next frame that comes is told. */
static GstPadProbeReturn
refuse(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  (void)data;
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
  return GST_PAD_PROBE_HANDLED;
}

static void
test_flow_return(void)
{
  GstHarness *h = jitter(1);
  gst_pad_add_probe(h->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, refuse, NULL, NULL);
  push(h, 1, 0);
  crank_to(h, 1 * MS);
  GstEvent *eos = pull_event(h);
  g_assert_cmpstr(GST_EVENT_TYPE_NAME(eos), ==, "eos");
  gst_event_unref(eos);
  g_assert_cmpint(gst_harness_push(h, frame(2, 20 * MS)), ==, GST_FLOW_EOS);
  gst_harness_teardown(h);
}

/* Ten minutes at 10 % loss, packet by packet as the clock goes: at the end a frame waits as long as at
 * the start. */
static void
test_ten_minutes(void)
{
  GstHarness *h = jitter(60);
  guint64 played = 0;
  gst_harness_set_drop_buffers(h, TRUE);
  for (guint64 index = 0; index < 30000; index++) {
    GstClockTime arrival = index * 20 * MS;
    while (now(h) < arrival)
      g_assert_true(gst_harness_crank_single_clock_wait(h));
    if (g_test_rand_int_range(0, 100) < 10 && index > 0)
      continue;
    push(h, index, arrival);
    played++;
  }
  /* in one look: the task goes on playing what is due */
  GstStructure *stats = NULL;
  guint64 delay, late, queued, out;
  g_object_get(h->element, "stats", &stats, NULL);
  g_assert_true(gst_structure_get(stats, "delay", G_TYPE_UINT64, &delay, "late", G_TYPE_UINT64,
                                  &late, "queued", G_TYPE_UINT64, &queued, "played", G_TYPE_UINT64,
                                  &out, NULL));
  gst_structure_free(stats);
  g_assert_cmpuint(delay, ==, 60 * MS);
  g_assert_cmpuint(late, ==, 0);
  g_assert_cmpuint(queued, <=, 4);
  g_assert_cmpuint(out + queued, ==, played);
  gst_harness_teardown(h);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/wzpjitter/ahead", test_ahead);
  g_test_add_func("/wzpjitter/in-order", test_in_order);
  g_test_add_func("/wzpjitter/loss", test_loss);
  g_test_add_func("/wzpjitter/silence", test_silence);
  g_test_add_func("/wzpjitter/without-meta", test_without_meta);
  g_test_add_func("/wzpjitter/without-times", test_without_times);
  g_test_add_func("/wzpjitter/other-sender", test_other_sender);
  g_test_add_func("/wzpjitter/new-stream", test_new_stream);
  g_test_add_func("/wzpjitter/latency", test_latency);
  g_test_add_func("/wzpjitter/latency-while-playing", test_latency_while_playing);
  g_test_add_func("/wzpjitter/property", test_property);
  g_test_add_func("/wzpjitter/smallest-latency", test_smallest_latency);
  g_test_add_func("/wzpjitter/end-of-stream", test_end_of_stream);
  g_test_add_func("/wzpjitter/flush", test_flushing);
  g_test_add_func("/wzpjitter/event-order", test_event_order);
  g_test_add_func("/wzpjitter/caps", test_caps);
  g_test_add_func("/wzpjitter/segment", test_segment);
  g_test_add_func("/wzpjitter/live", test_live);
  g_test_add_func("/wzpjitter/pause", test_pause);
  g_test_add_func("/wzpjitter/not-live", test_not_live);
  g_test_add_func("/wzpjitter/flow-return", test_flow_return);
  g_test_add_func("/wzpjitter/ten-minutes", test_ten_minutes);
  return test_run();
}
