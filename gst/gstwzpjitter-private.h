/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>
#include "wzp/jitter.h"

/* What the parts of wzpjitter share: gstwzpjitter.c takes frames in, gstwzpjitter-play.c is the task that plays them,
 * gstwzpjitter-tell.c is what it and its neighbours tell each other. Functions in _locked are called with the lock held. */

G_BEGIN_DECLS

/* A serialized event waits for the frames that came before it. */
typedef struct {
  GstEvent *event;
  guint ahead;
} HeldEvent;

#define GST_TYPE_WZP_JITTER (gst_wzp_jitter_get_type())
G_DECLARE_FINAL_TYPE(GstWzpJitter, gst_wzp_jitter, GST, WZP_JITTER, GstElement)

struct _GstWzpJitter {
  GstElement parent;
  GstPad *sinkpad, *srcpad;

  GMutex lock; /* for all below; not held while pushing, posting or waiting for the clock */
  GCond changed;
  guint latency, max_latency; /* ms; latency 0: adaptive */
  WzpJitter *jitter;
  GQueue events;      /* of HeldEvent */
  GstSegment segment; /* of the sink pad */
  guint64 count;      /* frames so far: the number of one without meta */
  guint64 malformed, hopeless;
  gint slot; /* of the stream; -1 before the first frame */
  guint32 stream;
  gboolean live;       /* upstream; else it is held back when the queue is full */
  gint64 told_playout; /* what upstream knows of our patience; -1: nothing */
  guint until_asked;   /* frames, until upstream is asked for the round trip again */
  gboolean report_latency;
  /* adaptive: what the bus was told of, what the last query was answered, and what downstream lives by */
  gint64 told_latency, answered_latency;

  gboolean flushing, playing, eos;
  guint32 eos_seqnum;
  GstFlowReturn flow;
  GstClockID wait;
};

/* Tells the bus when the latency is another than it knows. */
void gst_wzp_jitter_tell_latency(GstWzpJitter *self);
/* Upstream plans repair by how late a frame may come. */
void gst_wzp_jitter_tell_playout(GstWzpJitter *self);
/* wzpfec knows the way to the relay; the other side's is taken for as long. Once in a while; streaming thread. */
void gst_wzp_jitter_ask_round_trip(GstWzpJitter *self);
/* What downstream has to add to our timestamps. */
gint64 gst_wzp_jitter_reported_locked(GstWzpJitter *self);
gboolean gst_wzp_jitter_src_query(GstPad *pad, GstObject *parent, GstQuery *query);
gboolean gst_wzp_jitter_src_event(GstPad *pad, GstObject *parent, GstEvent *event);
/* Running time of the pipeline's clock; FALSE without one. */
gboolean gst_wzp_jitter_now(GstWzpJitter *self, GstClockTime *now);
/* A queued frame went out or was dropped: events behind it move up, and there is room for another. */
void gst_wzp_jitter_frame_left_locked(GstWzpJitter *self);
/* Ends the wait of the task, and that of chain. */
void gst_wzp_jitter_wake_locked(GstWzpJitter *self);
/* The source pad's task; data is the element. */
void gst_wzp_jitter_loop(gpointer data);

G_END_DECLS
