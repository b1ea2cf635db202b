/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpframes.h"

void
gst_wzp_frames_init(GstWzpFrames *frames, GstElement *element)
{
  *frames = (GstWzpFrames){.element = element, .adapter = gst_adapter_new()};
}

void
gst_wzp_frames_clear(GstWzpFrames *frames)
{
  g_clear_object(&frames->adapter);
}

void
gst_wzp_frames_restart(GstWzpFrames *frames)
{
  GST_OBJECT_LOCK(frames->element);
  frames->ragged = FALSE;
  GST_OBJECT_UNLOCK(frames->element);
}

void
gst_wzp_frames_push(GstWzpFrames *frames, GstBuffer *buffer, gsize frame_size)
{
  GstElement *element = frames->element;
  gboolean whole = gst_buffer_get_size(buffer) % frame_size == 0;
  GST_OBJECT_LOCK(element);
  gboolean news = !whole && !frames->ragged;
  frames->ragged |= !whole;
  GST_OBJECT_UNLOCK(element);
  if (news)
    gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
  gst_adapter_push(frames->adapter, buffer);
}

GstClockTime
gst_wzp_frames_time(const GstWzpFrames *frames, gsize sample_size, guint rate)
{
  guint64 distance;
  GstClockTime pts = gst_adapter_prev_pts(frames->adapter, &distance);
  if (!GST_CLOCK_TIME_IS_VALID(pts))
    return GST_CLOCK_TIME_NONE;
  return pts + gst_util_uint64_scale(distance / sample_size, GST_SECOND, rate);
}

void
gst_wzp_frames_take(GstWzpFrames *frames, gpointer data, gsize size)
{
  gst_adapter_copy(frames->adapter, data, 0, size);
  gst_adapter_flush(frames->adapter, size);
}

gboolean
gst_wzp_frames_answer_latency(GstPad *sink, GstQuery *query, GstClockTime own)
{
  gboolean live;
  GstClockTime min, max;
  if (!gst_pad_peer_query(sink, query))
    return FALSE;
  gst_query_parse_latency(query, &live, &min, &max);
  gst_query_set_latency(query, live, min + own,
                        GST_CLOCK_TIME_IS_VALID(max) ? max + own : GST_CLOCK_TIME_NONE);
  return TRUE;
}
