/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gst-util.h"
#include "wzp/fec-plan.h"
#include "wzp/packet.h"
#include "wzp/profile.h"

/* A protecting and a recovering wzpfec, and the network between them. */

#define SIZE 60
#define FRAME (20 * GST_MSECOND)
#define WAY (50 * GST_MSECOND) /* from sending to arrival */

static inline GstHarness *
protect(const char *scheme, gint overhead)
{
  GstHarness *h = gst_harness_new("wzpfec");
  gst_util_set_object_arg(G_OBJECT(h->element), "scheme", scheme);
  g_object_set(h->element, "overhead", overhead, NULL);
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  return h;
}

static inline GstHarness *
recover(void)
{
  GstHarness *h = gst_harness_new("wzpfec");
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_BUNDLES);
  return h;
}

/* Bytes that are of this frame and of no other. */
static inline void
fill(guint8 bytes[SIZE], guint64 n)
{
  guint32 state = (guint32)n * 2654435761u + 1;
  for (guint i = 0; i < SIZE; i++) {
    state = state * 1664525 + 1013904223;
    bytes[i] = (guint8)(state >> 24);
  }
}

static inline void
push_frame(GstHarness *there, guint64 n)
{
  guint8 bytes[SIZE];
  fill(bytes, n);
  GstBuffer *buffer = test_buffer(bytes, SIZE, 0, n);
  GST_BUFFER_PTS(buffer) = n * FRAME;
  GST_BUFFER_DURATION(buffer) = FRAME;
  test_meta_get(buffer)->media_time = n * FRAME;
  g_assert_cmpint(gst_harness_push(there, buffer), ==, GST_FLOW_OK);
}

/* What the network does to a packet: it arrives a while later, from slot 5. */
static inline void
deliver(GstHarness *back, GstBuffer *packet)
{
  GstWzpMeta *meta = test_meta_get(packet);
  meta->slot = 5;
  meta->arrival = GST_BUFFER_PTS(packet) + WAY;
  g_assert_cmpint(gst_harness_push(back, packet), ==, GST_FLOW_OK);
}

/* Frames that came out, each once and as it was, and what said that silence begins. */
typedef struct {
  GHashTable *numbers;
  guint own, recovered, silences;
} Heard;

static inline void
take_frames(GstHarness *back, Heard *heard, GstClockTime arrival)
{
  GstBuffer *buffer;
  while ((buffer = gst_harness_try_pull(back)) != NULL) {
    guint8 bytes[SIZE];
    const GstWzpMeta *meta = test_meta_get(buffer);
    if (meta->code == WZP_CODE_COMFORT_NOISE) {
      heard->silences++;
      gst_buffer_unref(buffer);
      continue;
    }
    fill(bytes, meta->index);
    g_assert_cmpuint(gst_buffer_get_size(buffer), ==, SIZE);
    g_assert_cmpint(gst_buffer_memcmp(buffer, 0, bytes, SIZE), ==, 0);
    g_assert_true(g_hash_table_add(heard->numbers, GUINT_TO_POINTER((guint)meta->index)));
    g_assert_cmpuint(meta->media_time, ==, meta->index * FRAME);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, meta->index * FRAME);
    g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, FRAME);
    g_assert_cmpuint(meta->arrival, ==, arrival);
    g_assert_cmpuint(meta->code, ==, 0);
    g_assert_cmpuint(meta->slot, ==, 5);
    heard->own += !meta->recovered;
    heard->recovered += meta->recovered ? 1 : 0;
    gst_buffer_unref(buffer);
  }
}

/* Takes what the sender made through the network; lose: tells which packets it loses. */
static inline void
carry(GstHarness *there, GstHarness *back, Heard *heard, gboolean (*lose)(gpointer), gpointer data)
{
  GstBuffer *packet;
  while ((packet = gst_harness_try_pull(there)) != NULL) {
    GstClockTime arrival = GST_BUFFER_PTS(packet) + WAY;
    if (lose != NULL && lose(data)) {
      gst_buffer_unref(packet);
      continue;
    }
    deliver(back, packet);
    take_frames(back, heard, arrival);
  }
}

static inline gboolean
lose_all(gpointer data)
{
  (void)data;
  return TRUE;
}

static inline void
lose_the_last(GstHarness *there, GstHarness *back, Heard *heard)
{
  for (guint n = 0; n < 20; n++) {
    push_frame(there, n);
    carry(there, back, heard, n == 19 ? lose_all : NULL, NULL);
  }
  g_assert_cmpuint(heard->own, ==, 19);
}
