/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <math.h>
#include <string.h>
#include "gst/gstwzpmeta.h"

/* What the element tests share. The plugin is loaded as everybody loads it; its meta is found by name,
 * because a type cannot be registered twice. */

#define TEST_CAPS_AUDIO                                                                            \
  "audio/x-raw, format=(string)S16LE, layout=(string)interleaved, rate=(int)48000, "               \
  "channels=(int)1"

static inline GstWzpMeta *
test_meta_get(GstBuffer *buffer)
{
  const GstMetaInfo *info = gst_meta_get_info("GstWzpMeta");
  g_assert_nonnull(info);
  return (GstWzpMeta *)gst_buffer_get_meta(buffer, info->api);
}

static inline GstWzpSpeechMeta *
test_speech_meta_get(GstBuffer *buffer)
{
  const GstMetaInfo *info = gst_meta_get_info("GstWzpSpeechMeta");
  g_assert_nonnull(info);
  return (GstWzpSpeechMeta *)gst_buffer_get_meta(buffer, info->api);
}

static inline void
test_speech_meta_add(GstBuffer *buffer, gfloat probability)
{
  GstMeta *meta = gst_buffer_add_meta(buffer, gst_meta_get_info("GstWzpSpeechMeta"), NULL);
  ((GstWzpSpeechMeta *)meta)->probability = probability;
}

static inline GstWzpMeta *
test_meta_add(GstBuffer *buffer)
{
  const GstMetaInfo *info = gst_meta_get_info("GstWzpMeta");
  g_assert_nonnull(info);
  return (GstWzpMeta *)gst_buffer_add_meta(buffer, info, NULL);
}

/* A buffer of these bytes with a meta of this code and index. */
static inline GstBuffer *
test_buffer(gconstpointer data, gsize size, guint8 code, guint64 index)
{
  GstBuffer *buffer = gst_buffer_new_memdup(data, size);
  GstWzpMeta *meta = test_meta_add(buffer);
  meta->code = code;
  meta->index = index;
  return buffer;
}

/* Lets all happen that is due until then. Somebody always waits for the clock. */
static inline void
test_crank_until(GstHarness *h, GstClockTime end)
{
  g_autoptr(GstTestClock) clock = gst_harness_get_testclock(h);
  for (;;) {
    GstClockID id;
    gst_test_clock_wait_for_next_pending_id(clock, &id);
    GstClockTime next = gst_clock_id_get_time(id);
    gst_clock_id_unref(id);
    if (next > end)
      break;
    g_assert_true(gst_harness_crank_single_clock_wait(h));
  }
  gst_harness_set_time(h, end);
}

/* ms of a sine of 440 Hz at half amplitude, which goes on over calls with the same at (in samples). */
static inline GstBuffer *
test_sine(guint ms, guint64 *at)
{
  gsize samples = ms * 48;
  gint16 *pcm = g_new(gint16, samples);
  for (gsize i = 0; i < samples; i++)
    pcm[i] = (gint16)(16384 * sin(2 * G_PI * 440 * (double)(*at + i) / 48000));
  GstBuffer *buffer = gst_buffer_new_wrapped(pcm, samples * sizeof *pcm);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(*at, GST_SECOND, 48000);
  GST_BUFFER_DURATION(buffer) = ms * GST_MSECOND;
  *at += samples;
  return buffer;
}

/* A field of the element's stats. */
static inline guint64
test_stat(GstElement *element, const char *field)
{
  GstStructure *stats = NULL;
  guint64 value = G_MAXUINT64;
  g_object_get(element, "stats", &stats, NULL);
  g_assert_nonnull(stats);
  if (!gst_structure_get_uint64(stats, field, &value))
    g_error("no field %s in %s", field, gst_structure_get_name(stats));
  gst_structure_free(stats);
  return value;
}

static inline void
test_assert_stats_name(GstElement *element, const char *name)
{
  GstStructure *stats = NULL;
  g_object_get(element, "stats", &stats, NULL);
  g_assert_cmpstr(gst_structure_get_name(stats), ==, name);
  gst_structure_free(stats);
}

static inline void
test_assert_caps(GstHarness *h, const char *expected)
{
  GstCaps *caps = gst_pad_get_current_caps(h->sinkpad);
  GstCaps *wanted = gst_caps_from_string(expected);
  g_assert_nonnull(caps);
  g_assert_true(gst_caps_is_equal(caps, wanted));
  gst_caps_unref(caps);
  gst_caps_unref(wanted);
}

/* The element's sink pad neither says that it takes these caps, nor takes data with them. */
static inline void
test_assert_refuses(GstHarness *h, const char *text)
{
  GstCaps *caps = gst_caps_from_string(text);
  GstPad *sink = gst_pad_get_peer(h->srcpad);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  g_assert_false(gst_pad_query_accept_caps(sink, caps));
  gst_pad_push_event(h->srcpad, gst_event_new_stream_start("refused"));
  gst_pad_push_event(h->srcpad, gst_event_new_caps(caps));
  gst_pad_push_event(h->srcpad, gst_event_new_segment(&segment));
  g_assert_cmpint(gst_harness_push(h, gst_buffer_new_allocate(NULL, 8, NULL)), ==,
                  GST_FLOW_NOT_NEGOTIATED);
  gst_object_unref(sink);
  gst_caps_unref(caps);
}

/* The next event of this type, those before it are thrown away; NULL when there is none. */
static inline GstEvent *
test_try_event(GstHarness *h, GstEventType type)
{
  GstEvent *event;
  while ((event = gst_harness_try_pull_event(h)) != NULL) {
    if (GST_EVENT_TYPE(event) == type)
      return event;
    gst_event_unref(event);
  }
  return NULL;
}

static inline void
test_flush(GstHarness *h)
{
  GstSegment segment;
  g_assert_true(gst_harness_push_event(h, gst_event_new_flush_start()));
  g_assert_true(gst_harness_push_event(h, gst_event_new_flush_stop(TRUE)));
  gst_segment_init(&segment, GST_FORMAT_TIME);
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
}

static inline void
test_init(int *argc, char ***argv)
{
  gst_init(argc, argv);
  g_test_init(argc, argv, NULL);
  GstPlugin *plugin = gst_plugin_load_by_name("wzp");
  if (plugin == NULL)
    g_error("the plugin wzp is not found: set GST_PLUGIN_PATH_1_0 to the folder of libgstwzp.so");
  gst_object_unref(plugin);
}

static inline int
test_run(void)
{
  int result = g_test_run();
  gst_deinit();
  return result;
}
