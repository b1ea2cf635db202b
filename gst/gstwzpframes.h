/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/base/gstadapter.h>

G_BEGIN_DECLS

/* Buffers of any size in, frames of one length out, each with its time. For elements that work on whole frames; what waits for
 * the next buffer makes them later by a frame, which they tell the pipeline when it first happens. */

typedef struct {
  GstElement *element; /* borrowed */
  GstAdapter *adapter; /* streaming thread */
  gboolean ragged; /* the element's object lock: buffers came that are no whole number of frames */
} GstWzpFrames;

void gst_wzp_frames_init(GstWzpFrames *frames, GstElement *element);
void gst_wzp_frames_clear(GstWzpFrames *frames);
/* Nothing is known of the buffers that come. */
void gst_wzp_frames_restart(GstWzpFrames *frames);
/* Takes the buffer. frame_size: bytes. Posts a LATENCY message when frames are later from now on. */
void gst_wzp_frames_push(GstWzpFrames *frames, GstBuffer *buffer, gsize frame_size);
/* When the next sample sounds, by the time stamp of the buffer that it came in; GST_CLOCK_TIME_NONE: unknown.
 * sample_size: bytes. */
GstClockTime gst_wzp_frames_time(const GstWzpFrames *frames, gsize sample_size, guint rate);
/* Takes out so many bytes, which are there. */
void gst_wzp_frames_take(GstWzpFrames *frames, gpointer data, gsize size);
/* Answers a LATENCY query behind an element: what is before its sink pad, and what it adds itself. FALSE: nobody answered. */
gboolean gst_wzp_frames_answer_latency(GstPad *sink, GstQuery *query, GstClockTime own);

G_END_DECLS
