/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpecho
 * @title: wzpecho
 * @see_also: wzpdenoise, wzpcall
 *
 * Takes out of what a microphone hears (sink to src) what a loudspeaker plays (far_sink to far_src, which passes
 * as it is). Put it behind the last mixer and before everything that changes the level of what the microphone hears. What sounds
 * when follows from time stamps and the latency of the pipeline; how much later than that the echo comes, up to 500 ms, it finds
 * out by itself.
 *
 * |[
 * gst-launch-1.0 wzpecho name=echo
 *     autoaudiosrc ! audioconvert ! audioresample ! echo.sink
 *     echo.src ! audioconvert ! wavenc ! filesink location=clean.wav
 *     filesrc location=speech.wav ! decodebin ! audioconvert ! audioresample ! echo.far_sink
 *     echo.far_src ! audioconvert ! autoaudiosink
 * ]| Plays a file and records what the room says to it, without the file.
 */

#include "gstwzpelements.h"
#include "gstwzpframes.h"
#include "wzp/echo.h"
#include <gst/audio/audio.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_echo_debug);
#define GST_CAT_DEFAULT gst_wzp_echo_debug

#define RATE 48000
#define FRAME WZP_ECHO_SAMPLES
#define FRAME_BYTES (FRAME * sizeof(gint16))
#define FRAME_TIME (10 * GST_MSECOND)
#define CAPS                                                                                       \
  "audio/x-raw, format=(string)" GST_AUDIO_NE(                                                     \
      S16) ", layout=(string)interleaved, rate=(int)48000, channels=(int)1"

enum { PROP_0, PROP_STATS };

#define GST_TYPE_WZP_ECHO (gst_wzp_echo_get_type())
G_DECLARE_FINAL_TYPE(GstWzpEcho, gst_wzp_echo, GST, WZP_ECHO, GstElement)

struct _GstWzpEcho {
  GstElement parent;
  GstPad *sink, *src, *far_sink, *far_src;

  GMutex lock; /* guards what follows up to the blank line; nothing is pushed while it is held */
  WzpEcho *echo;
  guint64 frames, far_samples;

  /* the object lock guards */
  GstClockTime latency; /* of the pipeline: so much later than stamped the far end sounds */

  /* streaming thread of sink */
  GstSegment segment;
  GstWzpFrames in;        /* of what is heard */
  gboolean holding;       /* a frame went in and did not come out yet, */
  GstClockTime held, due; /* its time; when the next one comes, if its buffer does not say */
  gboolean discont;

  /* streaming thread of far_sink */
  GstSegment far_segment;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate far_sink_template =
    GST_STATIC_PAD_TEMPLATE("far_sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate far_src_template =
    GST_STATIC_PAD_TEMPLATE("far_src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpEcho, gst_wzp_echo, GST_TYPE_ELEMENT,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_echo_debug, "wzpecho", 0,
                                                      "WZP echo cancelling"))
GST_ELEMENT_REGISTER_DEFINE(wzpecho, "wzpecho", GST_RANK_NONE, GST_TYPE_WZP_ECHO)

/* Of the two ways through us; what comes in at one comes out at its other end. */
static GstPad *
other_end(GstWzpEcho *self, GstPad *pad)
{
  return pad == self->sink       ? self->src
         : pad == self->src      ? self->sink
         : pad == self->far_sink ? self->far_src
                                 : self->far_sink;
}

static GstIterator *
gst_wzp_echo_iterate_links(GstPad *pad, GstObject *parent)
{
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_PAD);
  g_value_set_object(&value, other_end(GST_WZP_ECHO(parent), pad));
  GstIterator *iterator = gst_iterator_new_single(GST_TYPE_PAD, &value);
  g_value_unset(&value);
  return iterator;
}

/* --- what is played --- */

static GstFlowReturn
gst_wzp_echo_far_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpEcho *self = GST_WZP_ECHO(parent);
  GstClockTime time =
      gst_segment_to_running_time(&self->far_segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  GstMapInfo map;
  (void)pad;
  GST_OBJECT_LOCK(self);
  GstClockTime latency = self->latency;
  GST_OBJECT_UNLOCK(self);
  if (GST_CLOCK_TIME_IS_VALID(time) && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    gsize samples = map.size / sizeof(gint16);
    g_mutex_lock(&self->lock);
    if (self->echo != NULL)
      wzp_echo_play(self->echo, (gint64)(time + latency), (const gint16 *)map.data, samples);
    self->far_samples += samples;
    g_mutex_unlock(&self->lock);
    gst_buffer_unmap(buffer, &map);
  }
  return gst_pad_push(self->far_src, buffer);
}

static gboolean
gst_wzp_echo_far_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpEcho *self = GST_WZP_ECHO(parent);
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment(event, &self->far_segment);
  return gst_pad_event_default(pad, parent, event);
}

/* The sinks behind tell how much later than stamped all of them play. */
static gboolean
gst_wzp_echo_far_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpEcho *self = GST_WZP_ECHO(parent);
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY) {
    GST_OBJECT_LOCK(self);
    gst_event_parse_latency(event, &self->latency);
    GST_OBJECT_UNLOCK(self);
  }
  return gst_pad_event_default(pad, parent, event);
}

/* --- what is heard --- */

static GstFlowReturn
give(GstWzpEcho *self, const gint16 pcm[FRAME])
{
  GstBuffer *buffer = gst_buffer_new_memdup(pcm, FRAME_BYTES);
  GST_BUFFER_PTS(buffer) = self->held;
  GST_BUFFER_DURATION(buffer) = FRAME_TIME;
  if (self->discont)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  self->discont = FALSE;
  return gst_pad_push(self->src, buffer);
}

/* A frame goes in, stamped with this time, and the one before comes out. */
static GstFlowReturn
hear(GstWzpEcho *self, const gint16 in[FRAME], GstClockTime pts)
{
  gint16 out[FRAME];
  GstClockTime time = gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, pts);
  g_mutex_lock(&self->lock);
  if (self->echo != NULL)
    wzp_echo_hear(self->echo, GST_CLOCK_TIME_IS_VALID(time) ? (gint64)time : 0, in, out);
  self->frames++;
  gboolean there = self->echo != NULL && self->holding;
  g_mutex_unlock(&self->lock);
  GstFlowReturn flow = there ? give(self, out) : GST_FLOW_OK;
  self->holding = TRUE;
  self->held = pts;
  self->due = pts + FRAME_TIME;
  return flow;
}

static GstClockTime
next_time(GstWzpEcho *self)
{
  GstClockTime pts = gst_wzp_frames_time(&self->in, sizeof(gint16), RATE);
  if (GST_CLOCK_TIME_IS_VALID(pts))
    return pts;
  return GST_CLOCK_TIME_IS_VALID(self->due) ? self->due : 0;
}

/* All that went in comes out; a part of a frame is completed by silence. */
static void
drain(GstWzpEcho *self)
{
  gint16 rest[FRAME] = {0};
  gsize left = gst_adapter_available(self->in.adapter);
  if (left > 0) {
    GstClockTime pts = next_time(self);
    gst_wzp_frames_take(&self->in, rest, left);
    hear(self, rest, pts);
    memset(rest, 0, sizeof rest);
  }
  if (self->holding)
    hear(self, rest, self->due);
  self->holding = FALSE;
}

static void
forget(GstWzpEcho *self)
{
  gst_adapter_clear(self->in.adapter);
  self->holding = FALSE;
  self->discont = TRUE;
  self->due = GST_CLOCK_TIME_NONE;
}

static GstFlowReturn
gst_wzp_echo_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpEcho *self = GST_WZP_ECHO(parent);
  gint16 in[FRAME];
  GstFlowReturn flow = GST_FLOW_OK;
  (void)pad;
  if (GST_BUFFER_IS_DISCONT(buffer)) {
    drain(self);
    self->discont = TRUE;
    self->due = GST_CLOCK_TIME_NONE;
  }
  gst_wzp_frames_push(&self->in, buffer, FRAME_BYTES);
  while (flow == GST_FLOW_OK && gst_adapter_available(self->in.adapter) >= FRAME_BYTES) {
    GstClockTime pts = next_time(self);
    gst_wzp_frames_take(&self->in, in, FRAME_BYTES);
    flow = hear(self, in, pts);
  }
  return flow;
}

static gboolean
gst_wzp_echo_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpEcho *self = GST_WZP_ECHO(parent);
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_SEGMENT:
    drain(self);
    gst_event_copy_segment(event, &self->segment);
    break;
  case GST_EVENT_CAPS:
  case GST_EVENT_GAP:
  case GST_EVENT_EOS:
    drain(self);
    break;
  case GST_EVENT_FLUSH_STOP:
    forget(self);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    break;
  default:
    break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static gboolean
gst_wzp_echo_src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstWzpEcho *self = GST_WZP_ECHO(parent);
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  GST_OBJECT_LOCK(self);
  GstClockTime ours = (WZP_ECHO_DELAY + (self->in.ragged ? 1 : 0)) * FRAME_TIME;
  GST_OBJECT_UNLOCK(self);
  return gst_wzp_frames_answer_latency(self->sink, query, ours);
}

/* --- life --- */

static GstStateChangeReturn
gst_wzp_echo_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpEcho *self = GST_WZP_ECHO(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    forget(self);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    gst_segment_init(&self->far_segment, GST_FORMAT_TIME);
    GST_OBJECT_LOCK(self);
    self->latency = 0;
    GST_OBJECT_UNLOCK(self);
    gst_wzp_frames_restart(&self->in);
    g_mutex_lock(&self->lock);
    self->echo = wzp_echo_new();
    g_mutex_unlock(&self->lock);
  }
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_echo_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    g_mutex_lock(&self->lock);
    g_clear_pointer(&self->echo, wzp_echo_free);
    g_mutex_unlock(&self->lock);
    forget(self);
  }
  return result;
}

static void
gst_wzp_echo_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpEcho *self = GST_WZP_ECHO(object);
  WzpEchoState state = {0};
  if (id != PROP_STATS) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  g_mutex_lock(&self->lock);
  if (self->echo != NULL)
    wzp_echo_get_state(self->echo, &state);
  guint64 frames = self->frames, far_frames = self->far_samples / FRAME;
  g_mutex_unlock(&self->lock);
  g_value_take_boxed(
      value, gst_structure_new("application/x-wzp-echo-stats", "frames", G_TYPE_UINT64, frames,
                               "far-frames", G_TYPE_UINT64, far_frames, "realigned", G_TYPE_UINT64,
                               (guint64)state.realigned, "late-ms", G_TYPE_INT, state.late_ms,
                               "reduction-db", G_TYPE_DOUBLE, (gdouble)state.reduction_db, NULL));
}

static void
gst_wzp_echo_finalize(GObject *object)
{
  GstWzpEcho *self = GST_WZP_ECHO(object);
  wzp_echo_free(self->echo);
  gst_wzp_frames_clear(&self->in);
  g_mutex_clear(&self->lock);
  G_OBJECT_CLASS(gst_wzp_echo_parent_class)->finalize(object);
}

static void
gst_wzp_echo_class_init(GstWzpEchoClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->get_property = gst_wzp_echo_get_property;
  object_class->finalize = gst_wzp_echo_finalize;
  /**
   * GstWzpEcho:stats:
   *
   * "application/x-wzp-echo-stats" with, as #guint64, "frames" of 10 ms that were heard, "far-frames" that were played, and
   * "realigned", times that another delay of the echo was found; "late-ms" (#gint), how much later than the time stamps say the echo is
   * looked for; "reduction-db" (#gdouble), by how much less came out than was heard while something was played, lately.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Frames heard and played, and what became of echo",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_echo_change_state);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_add_static_pad_template(element_class, &far_sink_template);
  gst_element_class_add_static_pad_template(element_class, &far_src_template);
  gst_element_class_set_static_metadata(
      element_class, "WZP echo cancelling", "Filter/Effect/Audio",
      "Takes out of what a microphone hears what a loudspeaker plays", GST_WZP_AUTHOR);
}

static GstPad *
add_pad(GstWzpEcho *self, GstStaticPadTemplate *template)
{
  GstPad *pad = gst_pad_new_from_static_template(template, template->name_template);
  gst_pad_set_iterate_internal_links_function(pad, gst_wzp_echo_iterate_links);
  GST_PAD_SET_PROXY_CAPS(pad); /* or caps would not be passed on */
  GST_PAD_SET_PROXY_ALLOCATION(pad);
  gst_element_add_pad(GST_ELEMENT(self), pad);
  return pad;
}

static void
gst_wzp_echo_init(GstWzpEcho *self)
{
  g_mutex_init(&self->lock);
  gst_wzp_frames_init(&self->in, GST_ELEMENT(self));
  self->sink = add_pad(self, &sink_template);
  self->src = add_pad(self, &src_template);
  self->far_sink = add_pad(self, &far_sink_template);
  self->far_src = add_pad(self, &far_src_template);
  gst_pad_set_chain_function(self->sink, gst_wzp_echo_chain);
  gst_pad_set_event_function(self->sink, gst_wzp_echo_sink_event);
  gst_pad_set_query_function(self->src, gst_wzp_echo_src_query);
  gst_pad_set_chain_function(self->far_sink, gst_wzp_echo_far_chain);
  gst_pad_set_event_function(self->far_sink, gst_wzp_echo_far_sink_event);
  gst_pad_set_event_function(self->far_src, gst_wzp_echo_far_src_event);
}
