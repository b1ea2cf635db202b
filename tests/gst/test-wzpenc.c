/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"
#include "wzp/profile.h"

static GstHarness *
encoder(const char *profile)
{
  GstHarness *h = gst_harness_new("wzpenc");
  if (profile != NULL)
    gst_util_set_object_arg(G_OBJECT(h->element), "profile", profile);
  gst_harness_set_src_caps_str(h, TEST_CAPS_AUDIO);
  return h;
}

static void
test_frames(void)
{
  GstHarness *h = encoder(NULL);
  guint64 at = 0;
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint(gst_harness_push(h, test_sine(10, &at)), ==, GST_FLOW_OK);

  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 50);
  for (guint i = 0; i < 50; i++) {
    GstBuffer *frame = gst_harness_pull(h);
    GstWzpMeta *meta = test_meta_get(frame);
    g_assert_cmpuint(gst_buffer_get_size(frame), ==, 60);
    g_assert_cmpuint(GST_BUFFER_PTS(frame), ==, i * 20 * GST_MSECOND);
    g_assert_cmpuint(GST_BUFFER_DURATION(frame), ==, 20 * GST_MSECOND);
    g_assert_nonnull(meta);
    g_assert_cmpuint(meta->code, ==, wzp_framing_code(WZP_CODEC_OPUS, 20, 1));
    g_assert_cmpuint(meta->index, ==, i);
    g_assert_cmpuint(meta->media_time, ==, GST_BUFFER_PTS(frame));
    gst_buffer_unref(frame);
  }
  test_assert_caps(h, GST_WZP_CAPS_FRAMES);
  test_assert_stats_name(h->element, "application/x-wzp-enc-stats");
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, 50);
  g_assert_cmpuint(test_stat(h->element, "bytes"), ==, 3000);
  g_assert_cmpuint(test_stat(h->element, "dropped"), ==, 0);
  gst_harness_teardown(h);
}

/* Every profile: loud noise and digital silence make frames of one size. */
static void
test_constant_size(void)
{
  for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
    const WzpProfile *profile = wzp_profile_nth(n);
    GstHarness *h = encoder(profile->name);
    guint bytes = profile->frame_ms * 48 * 2;
    for (guint i = 0; i < 60; i++) {
      guint8 *pcm = g_malloc0(bytes);
      for (guint k = 0; i % 20 < 10 && k < bytes; k++)
        pcm[k] = (guint8)g_test_rand_int();
      GstBuffer *buffer = gst_buffer_new_wrapped(pcm, bytes);
      GST_BUFFER_PTS(buffer) = i * profile->frame_ms * GST_MSECOND;
      g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
      GstBuffer *frame = gst_harness_pull(h);
      g_assert_cmpuint(gst_buffer_get_size(frame), ==, profile->frame_bytes);
      g_assert_cmpuint(test_meta_get(frame)->code, ==,
                       wzp_framing_frame_code(profile->codec, profile->frame_ms));
      gst_buffer_unref(frame);
    }
    g_assert_cmpuint(test_stat(h->element, "dropped"), ==, 0);
    gst_harness_teardown(h);
  }
}

/* Which of its coders libopus takes is told by the first byte of a frame (RFC 6716, 3.1): the cheap one where bits are many. One frame
 * leads over. */
static void
test_coder(void)
{
  static const char *const profiles[] = {"opus-64k", "opus-24k", "opus-32k", "opus-16k",
                                         "opus-48k"};
  GstHarness *h = encoder(profiles[0]);
  guint64 at = 0;
  for (guint n = 0; n < G_N_ELEMENTS(profiles); n++) {
    const WzpProfile *profile = wzp_profile_by_name(profiles[n]);
    gst_util_set_object_arg(G_OBJECT(h->element), "profile", profiles[n]);
    for (guint i = 0; i < 20; i++) {
      guint8 first;
      g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
      GstBuffer *frame = gst_harness_pull(h);
      gst_buffer_extract(frame, 0, &first, 1);
      if (i > 2)
        g_assert_cmpint(first >> 3 >= 16, ==, profile->bitrate >= 32000);
      gst_buffer_unref(frame);
    }
  }
  gst_harness_teardown(h);
}

static void
test_profile_while_playing(void)
{
  GstHarness *h = encoder("opus-24k");
  guint64 at = 0;
  GstClockTime expected = 0;
  guint short_frames = 0, long_frames = 0;

  for (guint i = 0; i < 40; i++) {
    if (i == 20)
      gst_util_set_object_arg(G_OBJECT(h->element), "profile", "opus-6k");
    g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  }
  GstBuffer *frame;
  while ((frame = gst_harness_try_pull(h)) != NULL) {
    g_assert_cmpuint(GST_BUFFER_PTS(frame), ==, expected);
    expected += GST_BUFFER_DURATION(frame);
    if (GST_BUFFER_DURATION(frame) == 20 * GST_MSECOND) {
      g_assert_cmpuint(long_frames, ==, 0);
      g_assert_cmpuint(gst_buffer_get_size(frame), ==, 60);
      short_frames++;
    } else {
      g_assert_cmpuint(gst_buffer_get_size(frame), ==, 30);
      long_frames++;
    }
    gst_buffer_unref(frame);
  }
  /* the frame in hand is still made the old way */
  g_assert_cmpuint(short_frames, ==, 21);
  g_assert_cmpuint(long_frames, ==, 9);
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 40 * GST_MSECOND);
  gst_harness_teardown(h);
}

static void
ask(GstHarness *h, const char *profile)
{
  GstStructure *structure =
      gst_structure_new("wzp-profile", "profile", G_TYPE_STRING, profile, NULL);
  g_assert_true(gst_harness_push_upstream_event(
      h, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure)));
}

static gsize
next_size(GstHarness *h, guint64 *at)
{
  g_assert_cmpint(gst_harness_push(h, test_sine(20, at)), ==, GST_FLOW_OK);
  GstBuffer *frame = gst_harness_pull(h);
  gsize size = gst_buffer_get_size(frame);
  gst_buffer_unref(frame);
  return size;
}

/* wzpfec asks for less, and never gets more than the property says; the property is what it was. */
static void
test_asked_profile(void)
{
  GstHarness *h = encoder("opus-24k");
  guint64 at = 0;
  gint profile = -1;
  g_assert_cmpuint(next_size(h, &at), ==, 60);
  ask(h, "opus-16k");
  next_size(h, &at); /* the frame in hand */
  g_assert_cmpuint(next_size(h, &at), ==, 40);
  g_autoptr(GstStructure) stats = NULL;
  g_object_get(h->element, "profile", &profile, "stats", &stats, NULL);
  g_assert_true(wzp_profile_nth((guint)profile) == wzp_profile_by_name("opus-24k"));
  g_assert_cmpstr(gst_structure_get_string(stats, "profile"), ==, "opus-16k");
  g_autoptr(GstQuery) query =
      gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty("wzp-wanted-profile"));
  g_assert_true(gst_pad_peer_query(h->sinkpad, query));
  g_assert_cmpstr(gst_structure_get_string(gst_query_get_structure(query), "profile"), ==,
                  "opus-24k");
  ask(h, "opus-64k");
  next_size(h, &at);
  g_assert_cmpuint(next_size(h, &at), ==, 60);
  ask(h, "opus-16k");
  ask(h, "");
  next_size(h, &at);
  g_assert_cmpuint(next_size(h, &at), ==, 60);
  ask(h, "no such thing");
  next_size(h, &at);
  g_assert_cmpuint(next_size(h, &at), ==, 60);
  gst_harness_teardown(h);
}

static void
test_profile_names(void)
{
  GstElement *element = gst_element_factory_make("wzpenc", NULL);
  GObjectClass *klass = G_OBJECT_GET_CLASS(element);
  GParamSpecEnum *spec = G_PARAM_SPEC_ENUM(g_object_class_find_property(klass, "profile"));
  const GEnumValue *initial = g_enum_get_value(spec->enum_class, spec->default_value);
  g_assert_cmpstr(initial->value_nick, ==, WZP_PROFILE_DEFAULT);
  g_assert_nonnull(g_enum_get_value_by_nick(spec->enum_class, "opus-6k"));
  g_assert_nonnull(g_enum_get_value_by_nick(spec->enum_class, "codec2-1200"));
  for (guint i = 0; i < spec->enum_class->n_values; i++) {
    gint value = -1;
    g_object_set(element, "profile", spec->enum_class->values[i].value, NULL);
    g_object_get(element, "profile", &value, NULL);
    g_assert_cmpint(value, ==, spec->enum_class->values[i].value);
  }
  gst_object_unref(element);
}

static void
test_refuses_caps(void)
{
  GstHarness *h = encoder(NULL);
  test_assert_refuses(h, "audio/x-raw, format=(string)S16LE, layout=(string)interleaved, "
                         "rate=(int)44100, channels=(int)1");
  test_assert_refuses(h, "audio/x-raw, format=(string)S16LE, layout=(string)interleaved, "
                         "rate=(int)48000, channels=(int)2");
  gst_harness_teardown(h);
}

/* A second CAPS event in the middle, and a RECONFIGURE from behind, disturb nothing. */
static void
test_renegotiation(void)
{
  GstHarness *h = encoder(NULL);
  guint64 at = 0;
  g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  GstCaps *caps = gst_caps_from_string(TEST_CAPS_AUDIO);
  g_assert_true(gst_harness_push_event(h, gst_event_new_caps(caps)));
  gst_caps_unref(caps);
  g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  g_assert_true(gst_harness_push_upstream_event(h, gst_event_new_reconfigure()));
  g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 3);
  test_assert_caps(h, GST_WZP_CAPS_FRAMES);
  gst_harness_teardown(h);
}

static void
test_end_of_stream(void)
{
  GstHarness *h = encoder(NULL);
  guint64 at = 0;
  g_assert_cmpint(gst_harness_push(h, test_sine(30, &at)), ==, GST_FLOW_OK);
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 1);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  /* the rest is completed by silence to a whole frame */
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 2);
  gst_buffer_unref(gst_harness_pull(h));
  GstBuffer *last = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(last), ==, 60);
  g_assert_cmpuint(GST_BUFFER_PTS(last), ==, 20 * GST_MSECOND);
  g_assert_cmpuint(GST_BUFFER_DURATION(last), ==, 20 * GST_MSECOND);
  gst_buffer_unref(last);
  GstEvent *eos = test_try_event(h, GST_EVENT_EOS);
  g_assert_nonnull(eos);
  gst_event_unref(eos);
  gst_harness_teardown(h);
}

/* Silence by design is told when it begins, not with the next frame; what is spoken after it is discontinuous. */
static void
test_gap(void)
{
  GstHarness *h = encoder(NULL);
  guint64 at = 0;
  g_assert_true(gst_harness_push_event(h, gst_event_new_gap(0, GST_SECOND)));
  g_assert_null(test_try_event(h, GST_EVENT_GAP)); /* there are no caps to say it with */
  at = 48000;
  g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  gst_buffer_unref(gst_harness_pull(h));
  GstEvent *gap = test_try_event(h, GST_EVENT_GAP);
  g_assert_nonnull(gap);
  gst_event_unref(gap);
  g_assert_true(gst_harness_push_event(h, gst_event_new_gap(1020 * GST_MSECOND, GST_SECOND)));
  gap = test_try_event(h, GST_EVENT_GAP);
  g_assert_nonnull(gap);
  GstClockTime start, duration;
  gst_event_parse_gap(gap, &start, &duration);
  g_assert_cmpuint(start, ==, 1020 * GST_MSECOND);
  g_assert_cmpuint(duration, ==, GST_SECOND);
  gst_event_unref(gap);
  at += 48000;
  g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  GstBuffer *frame = gst_harness_pull(h);
  g_assert_true(GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_DISCONT));
  g_assert_cmpuint(GST_BUFFER_PTS(frame), ==, 2020 * GST_MSECOND);
  gst_buffer_unref(frame);
  g_assert_null(test_try_event(h, GST_EVENT_GAP));
  gst_harness_teardown(h);
}

/* Silence that the encoder tells and silence that it is told of make one timeline. */
static void
test_gap_in_silence(void)
{
  GstHarness *h = encoder(NULL);
  GstClockTime end = 0;
  guint gaps = 0;
  GstEvent *event;
  g_object_set(h->element, "dtx", TRUE, NULL);
  for (guint n = 0; n < 200; n++) {
    GstClockTime at = n * 20 * GST_MSECOND + (n < 100 ? 0 : 10 * GST_SECOND);
    GstBuffer *quiet = gst_buffer_new_allocate(NULL, 1920, NULL);
    gst_buffer_memset(quiet, 0, 0, 1920);
    GST_BUFFER_PTS(quiet) = at;
    GST_BUFFER_DURATION(quiet) = 20 * GST_MSECOND;
    if (n == 100)
      g_assert_true(gst_harness_push_event(h, gst_event_new_gap(2 * GST_SECOND, 10 * GST_SECOND)));
    g_assert_cmpint(gst_harness_push(h, quiet), ==, GST_FLOW_OK);
  }
  while ((event = test_try_event(h, GST_EVENT_GAP)) != NULL) {
    GstClockTime start, duration;
    gst_event_parse_gap(event, &start, &duration);
    g_assert_cmpuint(start, >=, end);
    end = start + duration;
    gaps++;
    gst_event_unref(event);
  }
  g_assert_cmpuint(gaps, >, 100);
  g_assert_cmpuint(end, >=, 13800 * GST_MSECOND);
  g_assert_cmpuint(end, <=, 14 * GST_SECOND);
  gst_harness_teardown(h);
}

static void
test_flushing(void)
{
  GstHarness *h = encoder(NULL);
  guint64 at = 0;
  g_assert_cmpint(gst_harness_push(h, test_sine(30, &at)), ==, GST_FLOW_OK);
  gst_buffer_unref(gst_harness_pull(h));
  test_flush(h);
  at = 48000;
  g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  GstBuffer *frame = gst_harness_pull(h);
  g_assert_cmpuint(GST_BUFFER_PTS(frame), ==, GST_SECOND);
  gst_buffer_unref(frame);
  g_assert_null(gst_harness_try_pull(h));
  gst_harness_teardown(h);
}

static void
test_latency(void)
{
  GstHarness *h = encoder(NULL);
  guint64 at = 0;
  g_assert_cmpint(gst_harness_push(h, test_sine(20, &at)), ==, GST_FLOW_OK);
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 20 * GST_MSECOND);
  gst_harness_teardown(h);
}

static GstBuffer *
quiet(guint64 *at)
{
  GstBuffer *buffer = test_sine(20, at);
  gst_buffer_memset(buffer, 0, 0, 20 * 48 * 2);
  return buffer;
}

/* With dtx: a second of sound, two of silence, a second of sound. What goes out is a timeline without holes. */
static void
test_dtx(gconstpointer data)
{
  const WzpProfile *profile = wzp_profile_by_name(data);
  GstHarness *h = encoder(data);
  g_object_set(h->element, "dtx", TRUE, NULL);
  guint64 at = 0;
  for (guint i = 0; i < 200; i++) {
    GstBuffer *audio = i < 50 || i >= 150 ? test_sine(20, &at) : quiet(&at);
    g_assert_cmpint(gst_harness_push(h, audio), ==, GST_FLOW_OK);
  }
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));

  GstBuffer *frame;
  guint frames = 0, comfort = 0, starts = 0, index = 0;
  GstClockTime sent = 0;
  while ((frame = gst_harness_try_pull(h)) != NULL) {
    const GstWzpMeta *meta = test_meta_get(frame);
    g_assert_cmpuint(meta->index, ==, index++); /* silence takes no numbers */
    g_assert_cmpuint(meta->media_time, ==, GST_BUFFER_PTS(frame));
    if (meta->code == WZP_CODE_COMFORT_NOISE) {
      g_assert_cmpuint(gst_buffer_get_size(frame), ==, 8);
      g_assert_cmpuint(GST_BUFFER_DURATION(frame), ==, 20 * GST_MSECOND);
      g_assert_cmpuint(GST_BUFFER_PTS(frame), >, GST_SECOND);
      g_assert_cmpuint(GST_BUFFER_PTS(frame), <, 3 * GST_SECOND);
      comfort++;
    } else {
      g_assert_cmpuint(gst_buffer_get_size(frame), ==, profile->frame_bytes);
      starts += GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_DISCONT);
      frames++;
    }
    sent += GST_BUFFER_DURATION(frame);
    gst_buffer_unref(frame);
  }
  GstEvent *event;
  GstClockTime gap_end = 0;
  while ((event = gst_harness_try_pull_event(h)) != NULL) {
    GstClockTime start, duration;
    if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
      gst_event_parse_gap(event, &start, &duration);
      g_assert_cmpuint(start, >=, gap_end);
      gap_end = start + duration;
      sent += duration;
    }
    gst_event_unref(event);
  }
  g_assert_cmpuint(sent, ==, 4 * GST_SECOND);
  g_assert_cmpuint(starts, ==, 2);
  g_assert_cmpuint(comfort, >=, 1);
  g_assert_cmpuint(test_stat(h->element, "comfort"), ==, comfort);
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, frames);
  guint silent = (guint)test_stat(h->element, "silent") * profile->frame_ms;
  g_assert_cmpuint(silent, >, 1500);
  g_assert_cmpuint((frames + comfort) * profile->frame_ms + silent, ==, 4000);
  gst_harness_teardown(h);
}

/* Silence is what wzpdenoise says: a tone in which it hears nobody is not sent, in frames of any length. */
static void
test_dtx_by_denoise(gconstpointer data)
{
  GstHarness *h = encoder(data);
  guint64 at = 0;
  g_object_set(h->element, "dtx", TRUE, NULL);
  for (guint i = 0; i < 300; i++) {
    GstBuffer *buffer = test_sine(10, &at);
    test_speech_meta_add(buffer, i >= 100 && i < 200 ? 0.9f : 0.05f);
    g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
  }
  /* what the stream begins with is sent; then a second, and the hang-over behind it */
  guint frame_ms = wzp_profile_by_name(data)->frame_ms;
  guint64 sent = test_stat(h->element, "frames") * frame_ms;
  g_assert_cmpuint(sent, >=, 1000 + 180);
  g_assert_cmpuint(sent, <=, 1000 + 180 + 200 + 60 + 4 * frame_ms);
  gst_harness_teardown(h);
}

/* The frames' length changes in a silence, and dtx is switched while playing: nothing is lost or out of turn. */
static void
test_dtx_changes(void)
{
  static const char *const profiles[] = {"opus-24k", "opus-6k", "codec2-1200", "codec2-3200"};
  GstHarness *h = encoder("opus-24k");
  guint64 at = 0;
  for (guint i = 0; i < 600; i++) {
    if (i % 7 == 0)
      gst_util_set_object_arg(G_OBJECT(h->element), "profile", profiles[i / 7 % 4]);
    if (i % 50 == 0)
      g_object_set(h->element, "dtx", i / 50 % 3 != 0, NULL);
    GstBuffer *audio = i % 120 < 30 ? test_sine(20, &at) : quiet(&at);
    g_assert_cmpint(gst_harness_push(h, audio), ==, GST_FLOW_OK);
  }
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  GstBuffer *frame;
  GstClockTime end = 0;
  while ((frame = gst_harness_try_pull(h)) != NULL) {
    g_assert_cmpuint(GST_BUFFER_PTS(frame), >=, end);
    end = GST_BUFFER_PTS(frame) + GST_BUFFER_DURATION(frame);
    gst_buffer_unref(frame);
  }
  g_assert_cmpuint(test_stat(h->element, "silent"), >, 50);
  g_assert_cmpuint(test_stat(h->element, "dropped"), ==, 0);
  gst_harness_teardown(h);
}

static double
double_stat(GstElement *element, const char *field)
{
  g_autoptr(GstStructure) stats = NULL;
  double value = -1000;
  g_object_get(element, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_double(stats, field, &value));
  return value;
}

/* A sine of -9 dB is too loud, 20 ms and 40 ms at a time; off again, it is as it was. */
static void
test_gain_control(gconstpointer data)
{
  GstHarness *h = encoder(data);
  guint64 at = 0;
  g_object_set(h->element, "gain-control", TRUE, NULL);
  for (guint i = 0; i < 800; i++) {
    GstBuffer *buffer = test_sine(20, &at);
    if (i / 25 % 2 != 0) /* for ever the same is no speech */
      gst_buffer_memset(buffer, 0, 0, gst_buffer_get_size(buffer));
    g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
  }
  g_assert_cmpfloat(fabs(double_stat(h->element, "speech-db") + 9), <, 0.5);
  g_assert_cmpfloat(fabs(double_stat(h->element, "gain-db") + 14), <, 0.5);
  g_object_set(h->element, "gain-control", FALSE, NULL);
  g_assert_cmpint(gst_harness_push(h, test_sine(40, &at)), ==, GST_FLOW_OK);
  g_assert_cmpfloat(double_stat(h->element, "gain-db"), ==, 0);
  gst_harness_teardown(h);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/wzpenc/frames", test_frames);
  g_test_add_func("/wzpenc/constant-size", test_constant_size);
  g_test_add_func("/wzpenc/coder", test_coder);
  g_test_add_func("/wzpenc/profile-while-playing", test_profile_while_playing);
  g_test_add_data_func("/wzpenc/dtx/opus-24k", "opus-24k", test_dtx);
  g_test_add_data_func("/wzpenc/dtx/opus-6k", "opus-6k", test_dtx);
  g_test_add_data_func("/wzpenc/dtx/codec2-3200", "codec2-3200", test_dtx);
  g_test_add_func("/wzpenc/dtx/changes", test_dtx_changes);
  g_test_add_data_func("/wzpenc/dtx/denoise-20ms", "opus-24k", test_dtx_by_denoise);
  g_test_add_data_func("/wzpenc/dtx/denoise-40ms", "opus-6k", test_dtx_by_denoise);
  g_test_add_data_func("/wzpenc/gain-control/20ms", "opus-24k", test_gain_control);
  g_test_add_data_func("/wzpenc/gain-control/40ms", "opus-6k", test_gain_control);
  g_test_add_func("/wzpenc/asked-profile", test_asked_profile);
  g_test_add_func("/wzpenc/profile-names", test_profile_names);
  g_test_add_func("/wzpenc/refuses-caps", test_refuses_caps);
  g_test_add_func("/wzpenc/renegotiation", test_renegotiation);
  g_test_add_func("/wzpenc/end-of-stream", test_end_of_stream);
  g_test_add_func("/wzpenc/gap", test_gap);
  g_test_add_func("/wzpenc/gap-in-silence", test_gap_in_silence);
  g_test_add_func("/wzpenc/flush", test_flushing);
  g_test_add_func("/wzpenc/latency", test_latency);
  return test_run();
}
