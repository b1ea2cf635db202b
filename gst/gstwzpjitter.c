/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpjitter
 * @title: wzpjitter
 * @see_also: wzpfec, wzpdec
 *
 * Takes one sender's frames as the network brings them and plays them in order. How long after the fastest
 * frames' arrival is found by what the network does and what repair brings back: as long as it costs the listener
 * least, never more than #GstWzpJitter:max-latency. With #GstWzpJitter:latency it is fixed. Duplicates and frames
 * that come after their turn are dropped; the latency never grows for good.
 *
 * The delay moves by time stretch: the meta of a frame says by how much it should be played longer or shorter, wzpdec
 * does it at the pitch of the voice and answers by the upstream event `wzp-frame-stretched` with "by" (#gint64, ns).
 * Without an answer the delay moves in pauses only.
 *
 * Where a frame is missing at its turn, a serialized custom event `wzp-frame-lost` with "index",
 * "timestamp" and "duration" (#guint64) says so, and a GAP event with %GST_GAP_FLAG_MISSING_DATA asks the
 * decoder to conceal it. If the frame that comes behind it is there already, the custom event has it as "next" (#GstBuffer),
 * "ahead" (#guint64, ns) later, so that the decoder can lead over to it. While nothing at all is there the gaps are of 2.5 ms, so that playing goes on with what comes;
 * behind a stall old frames are skipped. When nothing comes for more than 120 ms, or the sender said that it falls
 * silent, plain GAP events follow: silence.
 *
 * Frames that wzpfec brings back come out of order and are played when their turn has not passed. Upstream is told
 * how long waiting for them pays: a custom event `wzp-playout-delay` with "delay" (#guint64, ns after a packet's usual
 * arrival), at the start and when it changes. The event `wzp-frame-hopeless` ends the wait for a frame.
 *
 * A LATENCY message is posted whenever the latency changed by 10 ms. When downstream takes it up (the LATENCY event),
 * timestamps move back by as much as it plays later: what is heard goes on without a gap.
 *
 * The element waits on the pipeline's clock and is therefore live, whatever stands before it. Timestamps
 * behind it are running time; the latency is in the answer to the LATENCY query, not in them.
 *
 * |[
 * gst-launch-1.0 wzpsrc uri=wzp://relay.example/room ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec !
 *     autoaudiosink
 * ]| Plays as soon as the network allows.
 */

#include "gstwzpelements.h"
#include "gstwzpjitter-private.h"
#include "gstwzpmeta.h"
#include "wzp/packet.h"
#include "wzp/profile.h"

GST_DEBUG_CATEGORY(gst_wzp_jitter_debug);
#define GST_CAT_DEFAULT gst_wzp_jitter_debug

#define DEFAULT_LATENCY 0
#define DEFAULT_MAX_LATENCY 600
#define MIN_MAX_LATENCY 20
#define DEFAULT_REPORT_LATENCY TRUE
#define MAX_LATENCY 2000
/* The longest latency at the shortest frames, five times: what a source that is not live may be ahead. */
#define MAX_QUEUED 512
#define DEFAULT_DURATION (20 * GST_MSECOND)

enum { PROP_0, PROP_LATENCY, PROP_MAX_LATENCY, PROP_REPORT_LATENCY, PROP_STATS };

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_WZP_CAPS_FRAMES));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_WZP_CAPS_FRAMES));

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpJitter, gst_wzp_jitter, GST_TYPE_ELEMENT,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_jitter_debug, "wzpjitter", 0,
                                                      "WZP playout"))
GST_ELEMENT_REGISTER_DEFINE(wzpjitter, "wzpjitter", GST_RANK_NONE, GST_TYPE_WZP_JITTER)

static void
gst_wzp_jitter_free_event(gpointer data)
{
  HeldEvent *held = data;
  gst_event_unref(held->event);
  g_free(held);
}

/* Frees what is queued and forgets the stream. */
static void
gst_wzp_jitter_forget_locked(GstWzpJitter *self)
{
  guint64 id;
  while (wzp_jitter_discard(self->jitter, &id))
    gst_buffer_unref(GSIZE_TO_POINTER(id));
  wzp_jitter_reset(self->jitter);
  g_queue_clear_full(&self->events, gst_wzp_jitter_free_event);
  self->slot = -1;
  self->told_playout = -1;
}

/* Sink pad */

static WzpJitterFrame
gst_wzp_jitter_describe_locked(GstWzpJitter *self, GstBuffer *buffer)
{
  GstWzpMeta *meta = gst_wzp_meta_get(buffer);
  const WzpFraming *framing = meta != NULL ? wzp_framing_from_code(meta->code) : NULL;
  GstClockTime pts =
      gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  GstClockTime duration = DEFAULT_DURATION, arrival = 0;

  if (framing != NULL && framing->frame_ms > 0)
    duration = framing->frame_ms * GST_MSECOND;
  else if (GST_BUFFER_DURATION_IS_VALID(buffer))
    duration = GST_BUFFER_DURATION(buffer);
  /* not from the network: a live frame comes when it is over, another one long before its turn */
  gboolean from_network = meta != NULL && GST_CLOCK_TIME_IS_VALID(meta->arrival);
  if (!from_network && ((self->live && self->playing) || !GST_CLOCK_TIME_IS_VALID(pts)))
    gst_wzp_jitter_now(self, &arrival);
  if (from_network)
    arrival = meta->arrival;
  else if (GST_CLOCK_TIME_IS_VALID(pts))
    arrival = MAX(arrival, pts);
  gboolean timed = meta != NULL && GST_CLOCK_TIME_IS_VALID(meta->media_time);
  return (WzpJitterFrame){.index = meta != NULL ? meta->index : self->count,
                          .media_time = timed ? (gint64)meta->media_time : -1,
                          .duration = (gint64)duration,
                          .arrival = (gint64)arrival,
                          .waited = meta != NULL ? meta->waited : 0,
                          .id = GPOINTER_TO_SIZE(buffer),
                          .recovered = meta != NULL && meta->recovered,
                          .silence = meta != NULL && meta->code == WZP_CODE_COMFORT_NOISE,
                          .held_back = meta != NULL && meta->flags & WZP_FLAG_TALK_START};
}

static GstFlowReturn
gst_wzp_jitter_state_locked(GstWzpJitter *self)
{
  if (self->flushing)
    return GST_FLOW_FLUSHING;
  return self->eos ? GST_FLOW_EOS : self->flow;
}

static guint
gst_wzp_jitter_queued_locked(GstWzpJitter *self)
{
  WzpJitterStats stats;
  wzp_jitter_get_stats(self->jitter, &stats);
  return stats.queued;
}

static GstFlowReturn
gst_wzp_jitter_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpJitter *self = GST_WZP_JITTER(parent);
  (void)pad;

  gst_wzp_jitter_ask_round_trip(self);
  g_mutex_lock(&self->lock);
  while (!self->live && gst_wzp_jitter_state_locked(self) == GST_FLOW_OK &&
         gst_wzp_jitter_queued_locked(self) >= MAX_QUEUED)
    g_cond_wait(&self->changed, &self->lock);
  GstFlowReturn flow = gst_wzp_jitter_state_locked(self);
  if (flow != GST_FLOW_OK) {
    g_mutex_unlock(&self->lock);
    gst_buffer_unref(buffer);
    return flow;
  }

  GstWzpMeta *meta = gst_wzp_meta_get(buffer);
  if (meta != NULL && self->slot >= 0 && meta->slot != self->slot)
    gst_wzp_jitter_forget_locked(self); /* another sender has nothing to do with the one before */
  else if (meta != NULL && meta->stream != self->stream)
    wzp_jitter_begin_stream(self->jitter);
  if (meta != NULL) {
    self->slot = meta->slot;
    self->stream = meta->stream;
  }

  WzpJitterFrame frame = gst_wzp_jitter_describe_locked(self, buffer);
  guint64 dropped = 0;
  self->count++;
  WzpResult result = wzp_jitter_push(self->jitter, &frame, &dropped);
  if (result == WZP_QUEUE_FULL) {
    gst_buffer_unref(GSIZE_TO_POINTER(dropped));
    gst_wzp_jitter_frame_left_locked(self);
  } else if (result != WZP_OK) {
    GST_LOG_OBJECT(self, "frame %" G_GUINT64_FORMAT " dropped: %s", frame.index,
                   wzp_result_name(result));
    self->malformed += result == WZP_MALFORMED;
    gst_buffer_unref(buffer);
  }
  gst_wzp_jitter_wake_locked(self);
  g_mutex_unlock(&self->lock);
  gst_wzp_jitter_tell_playout(self);
  gst_wzp_jitter_tell_latency(self);
  return GST_FLOW_OK;
}

static gboolean
gst_wzp_jitter_is_upstream_live(GstWzpJitter *self)
{
  GstQuery *query = gst_query_new_latency();
  gboolean live = TRUE;
  if (gst_pad_peer_query(self->sinkpad, query))
    gst_query_parse_latency(query, &live, NULL, NULL);
  gst_query_unref(query);
  return live;
}

static gboolean
gst_wzp_jitter_sink_segment(GstWzpJitter *self, GstEvent *event)
{
  gboolean live = gst_wzp_jitter_is_upstream_live(self);
  g_mutex_lock(&self->lock);
  gst_event_copy_segment(event, &self->segment);
  self->live = live;
  g_mutex_unlock(&self->lock);
  /* out goes running time, whatever came in */
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  GstEvent *own = gst_event_new_segment(&segment);
  gst_event_set_seqnum(own, gst_event_get_seqnum(event));
  gst_event_unref(event);
  return gst_pad_push_event(self->srcpad, own);
}

static void
gst_wzp_jitter_set_flushing(GstWzpJitter *self, gboolean flushing)
{
  g_mutex_lock(&self->lock);
  self->flushing = flushing;
  if (!flushing) {
    self->flow = GST_FLOW_OK;
    self->eos = FALSE;
  }
  gst_wzp_jitter_wake_locked(self);
  g_mutex_unlock(&self->lock);
}

/* Behind an end another stream may begin, as in a list of files. It begins when the first one was played out. */
static gboolean
gst_wzp_jitter_stream_start(GstWzpJitter *self, GstEvent *event)
{
  g_mutex_lock(&self->lock);
  while (self->eos && !self->flushing && self->flow == GST_FLOW_OK)
    g_cond_wait(&self->changed, &self->lock);
  gboolean again = self->eos && !self->flushing && self->flow == GST_FLOW_EOS;
  g_mutex_unlock(&self->lock);
  if (again) {
    gst_pad_pause_task(self->srcpad); /* it is over when this returns: EOS is out */
    g_mutex_lock(&self->lock);
    gst_wzp_jitter_forget_locked(self);
    self->flow = GST_FLOW_OK;
    self->eos = FALSE;
    g_mutex_unlock(&self->lock);
  }
  gboolean pushed = gst_pad_push_event(self->srcpad, event);
  if (again)
    gst_pad_start_task(self->srcpad, gst_wzp_jitter_loop, self, NULL);
  return pushed;
}

static gboolean
gst_wzp_jitter_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpJitter *self = GST_WZP_JITTER(parent);
  gboolean pushed;

  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_FLUSH_START:
    gst_wzp_jitter_set_flushing(self, TRUE);
    pushed = gst_pad_push_event(self->srcpad, event);
    gst_pad_pause_task(self->srcpad);
    return pushed;
  case GST_EVENT_FLUSH_STOP:
    pushed = gst_pad_push_event(self->srcpad, event);
    g_mutex_lock(&self->lock);
    gst_wzp_jitter_forget_locked(self);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    g_mutex_unlock(&self->lock);
    gst_wzp_jitter_set_flushing(self, FALSE);
    gst_pad_start_task(self->srcpad, gst_wzp_jitter_loop, self, NULL);
    return pushed;
  case GST_EVENT_SEGMENT:
    return gst_wzp_jitter_sink_segment(self, event);
  case GST_EVENT_GAP: /* time is made here */
    gst_event_unref(event);
    return TRUE;
  case GST_EVENT_EOS:
    g_mutex_lock(&self->lock);
    self->eos = TRUE;
    self->eos_seqnum = gst_event_get_seqnum(event);
    gst_wzp_jitter_wake_locked(self);
    g_mutex_unlock(&self->lock);
    gst_event_unref(event);
    return TRUE;
  case GST_EVENT_STREAM_START:
    return gst_wzp_jitter_stream_start(self, event);
  case GST_EVENT_CAPS:
    return gst_pad_event_default(pad, parent, event);
  default:
    break;
  }
  if (gst_event_has_name(event, "wzp-frame-hopeless")) {
    guint64 index;
    g_mutex_lock(&self->lock);
    self->hopeless++;
    if (gst_structure_get_uint64(gst_event_get_structure(event), "index", &index))
      wzp_jitter_hopeless(self->jitter, index);
    gst_wzp_jitter_wake_locked(self);
    g_mutex_unlock(&self->lock);
    gst_event_unref(event);
    return TRUE;
  }
  if (!GST_EVENT_IS_SERIALIZED(event))
    return gst_pad_event_default(pad, parent, event);

  HeldEvent *held = g_new(HeldEvent, 1);
  held->event = event;
  g_mutex_lock(&self->lock);
  held->ahead = gst_wzp_jitter_queued_locked(self);
  g_queue_push_tail(&self->events, held);
  gst_wzp_jitter_wake_locked(self);
  g_mutex_unlock(&self->lock);
  return TRUE;
}

/* Source pad */

static gboolean
gst_wzp_jitter_src_activate_mode(GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstWzpJitter *self = GST_WZP_JITTER(parent);
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  gst_wzp_jitter_set_flushing(self, !active);
  if (active)
    return gst_pad_start_task(pad, gst_wzp_jitter_loop, self, NULL);
  return gst_pad_stop_task(pad);
}

/* GstElement */

static void
gst_wzp_jitter_set_playing(GstWzpJitter *self, gboolean playing)
{
  g_mutex_lock(&self->lock);
  self->playing = playing;
  gst_wzp_jitter_wake_locked(self);
  g_mutex_unlock(&self->lock);
}

static GstStateChangeReturn
gst_wzp_jitter_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpJitter *self = GST_WZP_JITTER(element);
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    gst_wzp_jitter_set_playing(self, FALSE);

  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_jitter_parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE)
    return result;

  switch (transition) {
  case GST_STATE_CHANGE_READY_TO_PAUSED:
  case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
    return GST_STATE_CHANGE_NO_PREROLL;
  case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
    gst_wzp_jitter_set_playing(self, TRUE);
    break;
  case GST_STATE_CHANGE_PAUSED_TO_READY:
    g_mutex_lock(&self->lock);
    gst_wzp_jitter_forget_locked(self);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    g_mutex_unlock(&self->lock);
    break;
  default:
    break;
  }
  return result;
}

/* GObject */

/* Who mixes by time takes a frame as soon as it is sure, and then no thread has to be woken just in time. */
static void
gst_wzp_jitter_set_lead_locked(GstWzpJitter *self)
{
  wzp_jitter_set_lead(self->jitter,
                      self->report_latency ? 0 : (gint64)(self->latency * GST_MSECOND / 2));
}

static void
gst_wzp_jitter_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstWzpJitter *self = GST_WZP_JITTER(object);
  gboolean changed, streaming;
  switch (id) {
  case PROP_REPORT_LATENCY:
    g_mutex_lock(&self->lock);
    self->report_latency = g_value_get_boolean(value);
    gst_wzp_jitter_set_lead_locked(self);
    g_mutex_unlock(&self->lock);
    gst_wzp_jitter_tell_latency(self);
    break;
  case PROP_MAX_LATENCY:
    g_mutex_lock(&self->lock);
    self->max_latency = g_value_get_uint(value);
    wzp_jitter_set_max_latency(self->jitter, (gint64)(self->max_latency * GST_MSECOND));
    gst_wzp_jitter_wake_locked(self);
    g_mutex_unlock(&self->lock);
    gst_wzp_jitter_tell_latency(self);
    break;
  case PROP_LATENCY:
    g_mutex_lock(&self->lock);
    changed = self->latency != g_value_get_uint(value);
    self->latency = g_value_get_uint(value);
    streaming = self->told_playout >= 0; /* else the first frame tells it */
    wzp_jitter_set_latency(self->jitter, self->latency > 0 ? (gint64)(self->latency * GST_MSECOND)
                                                           : WZP_JITTER_ADAPTIVE);
    gst_wzp_jitter_set_lead_locked(self);
    self->told_latency = gst_wzp_jitter_reported_locked(self);
    gst_wzp_jitter_wake_locked(self);
    g_mutex_unlock(&self->lock);
    if (changed)
      gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    if (changed && streaming)
      gst_wzp_jitter_tell_playout(self);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static GstStructure *
gst_wzp_jitter_stats_locked(GstWzpJitter *self)
{
  WzpJitterStats stats;
  wzp_jitter_get_stats(self->jitter, &stats);
  return gst_structure_new(
      "application/x-wzp-jitter-stats", "played", G_TYPE_UINT64, stats.played, "lost",
      G_TYPE_UINT64, stats.lost, "concealed", G_TYPE_UINT64, stats.concealed, "silence-ms",
      G_TYPE_UINT64, (guint64)stats.silence / GST_MSECOND, "late", G_TYPE_UINT64, stats.late,
      "duplicate", G_TYPE_UINT64, stats.duplicate, "reordered", G_TYPE_UINT64, stats.reordered,
      "restarts", G_TYPE_UINT64, stats.restarts, "overflow", G_TYPE_UINT64, stats.overflow,
      "malformed", G_TYPE_UINT64, self->malformed, "recovered", G_TYPE_UINT64, stats.recovered,
      "recovered-late", G_TYPE_UINT64, stats.recovered_late, "hopeless", G_TYPE_UINT64,
      self->hopeless, "playout", G_TYPE_UINT64, (guint64)stats.playout, "queued", G_TYPE_UINT64,
      (guint64)stats.queued, "delay", G_TYPE_UINT64, (guint64)MAX(stats.delay, 0), "latency",
      G_TYPE_UINT64, (guint64)stats.latency, "skipped", G_TYPE_UINT64, stats.skipped, "stretched",
      G_TYPE_UINT64, stats.stretched, "drift-ppm", G_TYPE_DOUBLE, stats.drift_ppm, NULL);
}

static void
gst_wzp_jitter_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpJitter *self = GST_WZP_JITTER(object);
  g_mutex_lock(&self->lock);
  switch (id) {
  case PROP_LATENCY:
    g_value_set_uint(value, self->latency);
    break;
  case PROP_MAX_LATENCY:
    g_value_set_uint(value, self->max_latency);
    break;
  case PROP_REPORT_LATENCY:
    g_value_set_boolean(value, self->report_latency);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, gst_wzp_jitter_stats_locked(self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  g_mutex_unlock(&self->lock);
}

static void
gst_wzp_jitter_finalize(GObject *object)
{
  GstWzpJitter *self = GST_WZP_JITTER(object);
  gst_wzp_jitter_forget_locked(self);
  wzp_jitter_free(self->jitter);
  g_mutex_clear(&self->lock);
  g_cond_clear(&self->changed);
  G_OBJECT_CLASS(gst_wzp_jitter_parent_class)->finalize(object);
}

static void
gst_wzp_jitter_class_init(GstWzpJitterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->set_property = gst_wzp_jitter_set_property;
  object_class->get_property = gst_wzp_jitter_get_property;
  object_class->finalize = gst_wzp_jitter_finalize;
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_jitter_change_state);

  /**
   * GstWzpJitter:latency:
   *
   * How long after the fastest frames' arrival a frame is played: what the network may be late without
   * loss. 0: adaptive, by what the network does, up to #GstWzpJitter:max-latency. A change posts a LATENCY
   * message.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_LATENCY,
      g_param_spec_uint("latency", "Latency",
                        "Time in ms for frames to arrive late or out of order; 0: adaptive", 0,
                        MAX_LATENCY, DEFAULT_LATENCY,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpJitter:max-latency:
   *
   * Adaptive: the latency is never more, in ms, and what comes later is not played.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_MAX_LATENCY,
      g_param_spec_uint("max-latency", "Maximal latency",
                        "Adaptive: time in ms after which a frame is of no use", MIN_MAX_LATENCY,
                        MAX_LATENCY, DEFAULT_MAX_LATENCY,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpJitter:report-latency:
   *
   * Adaptive: the LATENCY query answers the latency, a message tells when it changed, and timestamps stand where
   * they would be without it. FALSE: timestamps carry it, and nothing is told; for streams that are mixed, which all would
   * have to wait for the slowest. At a fixed latency such a stream is pushed as much as half of it ahead, as far as nothing
   * is missing: the mixer plays it by its timestamps.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_REPORT_LATENCY,
      g_param_spec_boolean("report-latency", "Report latency",
                           "Adaptive: tell downstream of the latency instead of putting it in "
                           "timestamps",
                           DEFAULT_REPORT_LATENCY,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * GstWzpJitter:stats:
   *
   * "application/x-wzp-jitter-stats" with, as #guint64: "played"; "lost", frame numbers passed over,
   * late frames among them; "concealed", time given to concealment, in frames; "silence-ms", time given to
   * silence; the drops "late", "skipped" (behind a stall), "duplicate", "overflow" and "malformed"; "stretched",
   * frames played longer or shorter; "reordered", frames that came behind a
   * newer one; "restarts" of the stream; "recovered", frames played that repair brought back, and
   * "recovered-late", those that it brought too late; "hopeless", frames that no repair can bring any more;
   * "queued" now; "delay", ns that the last frame of a packet of its own waited; "playout", ns after a packet's
   * usual arrival for repair to come; "latency" in ns, when adaptive the one that is aimed at. And "drift-ppm"
   * (#gdouble), how slow the sender's clock is against ours.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Frames played, lost and dropped by reason",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "WZP playout", "Filter/Network",
                                        "Plays a sender's frames in order and on time, and says "
                                        "which are lost",
                                        GST_WZP_AUTHOR);
}

static void
gst_wzp_jitter_init(GstWzpJitter *self)
{
  g_mutex_init(&self->lock);
  g_cond_init(&self->changed);
  g_queue_init(&self->events);
  gst_segment_init(&self->segment, GST_FORMAT_TIME);
  self->latency = DEFAULT_LATENCY;
  self->max_latency = DEFAULT_MAX_LATENCY;
  self->report_latency = DEFAULT_REPORT_LATENCY;
  self->jitter = wzp_jitter_new(WZP_JITTER_ADAPTIVE, MAX_QUEUED);
  self->told_latency = wzp_jitter_latency(self->jitter);
  self->slot = -1;
  self->told_playout = -1;
  self->live = TRUE;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_REQUIRE_CLOCK);

  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_jitter_chain));
  gst_pad_set_event_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_jitter_sink_event));
  GST_PAD_SET_PROXY_CAPS(self->sinkpad);
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_activatemode_function(self->srcpad,
                                    GST_DEBUG_FUNCPTR(gst_wzp_jitter_src_activate_mode));
  gst_pad_set_event_function(self->srcpad, GST_DEBUG_FUNCPTR(gst_wzp_jitter_src_event));
  gst_pad_set_query_function(self->srcpad, GST_DEBUG_FUNCPTR(gst_wzp_jitter_src_query));
  GST_PAD_SET_PROXY_CAPS(self->srcpad);
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}
