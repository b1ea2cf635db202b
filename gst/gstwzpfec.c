/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpfec
 * @title: wzpfec
 * @see_also: wzpenc, wzpcrypt, wzpjitter
 *
 * Stands between frames and bundles, in both directions; the caps of the sink pad decide which.
 *
 * fec=false (behind wzpenc): *protect*. Each packet's frames become one bundle, the payload that wzpcrypt seals,
 * with repair for older frames inside: as much as the loss needs that the other side reports. Nothing waits for
 * it; only #GstWzpFec:frames-per-packet above 1 costs latency, which the LATENCY query reports. In silence (GAP
 * events) and at the end of the stream what is still owed to the last frames goes in packets of its own.
 *
 * fec=true (behind wzpcrypt): *recover*. Each bundle becomes its frames, numbered one by one, at once. Frames that
 * were lost follow as soon as repair determines them: late and out of order, with `recovered` in their meta.
 * Nothing is held back for them: wzpjitter's latency says how late they may come, and tells it by the upstream event
 * `wzp-playout-delay` ("delay", #guint64 ns). A serialized event `wzp-frame-hopeless` with the frame number "index"
 * (#guint64) says when no repair can bring it any more. A bundle that does not read is counted and dropped; elements of an unknown type are counted and skipped.
 *
 * The two directions of a session exchange reports; see #GstWzpFec:session.
 *
 * |[
 * gst-launch-1.0 autoaudiosrc ! audioconvert ! audioresample ! wzpenc ! wzpfec ! wzpcrypt !
 *     wzpsink uri=wzp://relay.example/room
 * ]| Protects and sends.
 * |[
 * gst-launch-1.0 wzpsrc uri=wzp://relay.example/room ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec !
 *     autoaudiosink
 * ]| Receives and recovers, with 200 ms for the network and for repair.
 */

#include "gstwzpcontext.h"
#include "gstwzpelements.h"
#include "gstwzpframes.h"
#include "gstwzpfec-private.h"

GST_DEBUG_CATEGORY(gst_wzp_fec_debug);
#define GST_CAT_DEFAULT gst_wzp_fec_debug

#define OUT_EXPECTED 4 /* buffers that one makes, as a rule */

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_WZP_CAPS_FRAMES "; " GST_WZP_CAPS_BUNDLES));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_WZP_CAPS_BUNDLES "; " GST_WZP_CAPS_FRAMES));

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpFec, gst_wzp_fec, GST_TYPE_ELEMENT,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_fec_debug, "wzpfec", 0,
                                                      "WZP bundles and repair"))
GST_ELEMENT_REGISTER_DEFINE(wzpfec, "wzpfec", GST_RANK_NONE, GST_TYPE_WZP_FEC)

WzpTime
gst_wzp_fec_now(GstWzpFec *self, GstClockTime fallback)
{
  GstClockTime time = gst_element_get_current_running_time(GST_ELEMENT(self));
  if (!GST_CLOCK_TIME_IS_VALID(time))
    time = GST_CLOCK_TIME_IS_VALID(fallback) ? fallback : 0;
  return (WzpTime)GST_TIME_AS_USECONDS(time);
}

WzpSession *
gst_wzp_fec_session(GstWzpFec *self)
{
  if (self->session_sought)
    return self->session;
  g_mutex_lock(&self->lock);
  g_autofree gchar *name = g_strdup(self->session_name);
  g_mutex_unlock(&self->lock);
  self->session_sought = TRUE;
  self->session = gst_wzp_context_find(GST_ELEMENT(self), name, FALSE);
  GST_DEBUG_OBJECT(self, "%s", self->session != NULL ? "reports go by the session" : "no session");
  if (self->session == NULL && name != NULL && *name != '\0')
    GST_ELEMENT_WARNING(
        self, RESOURCE, SETTINGS,
        ("No wzpsrc or wzpsink of this pipeline has session=%s: nothing is reported, and "
         "repair goes by a guess. Name theirs, or none.",
         name),
        (NULL));
  return self->session;
}

/* The plan can change with any frame. */
static void
gst_wzp_fec_update_latency(GstWzpFec *self)
{
  g_mutex_lock(&self->lock);
  GstClockTime latency =
      self->direction == GST_WZP_FEC_PROTECT ? gst_wzp_fec_protect_latency_locked(self) : 0;
  gboolean changed = self->latency != latency;
  self->latency = latency;
  g_mutex_unlock(&self->lock);
  if (changed)
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

/* Data flow */

static void
gst_wzp_fec_handle(GstWzpFec *self, GstBuffer *buffer, GstBufferList *out)
{
  if (self->direction == GST_WZP_FEC_PROTECT)
    gst_wzp_fec_protect_frame(self, buffer, out);
  else
    gst_wzp_fec_recover_packet(self, buffer, out);
}

static GstFlowReturn
gst_wzp_fec_push_buffers(GstWzpFec *self, GstBufferList *out)
{
  guint n = gst_buffer_list_length(out);
  if (n > 1)
    return gst_pad_push_list(self->srcpad, out);
  GstFlowReturn flow = GST_FLOW_OK;
  if (n == 1)
    flow = gst_pad_push(self->srcpad, gst_buffer_ref(gst_buffer_list_get(out, 0)));
  gst_buffer_list_unref(out);
  return flow;
}

static GstFlowReturn
gst_wzp_fec_push(GstWzpFec *self, GstBufferList *out)
{
  gst_wzp_fec_update_latency(self);
  GstFlowReturn flow = gst_wzp_fec_push_buffers(self, out);
  if (self->direction == GST_WZP_FEC_RECOVER)
    gst_wzp_fec_recover_tell_hopeless(self);
  return flow;
}

static GstFlowReturn
gst_wzp_fec_not_negotiated(GstWzpFec *self)
{
  GST_ELEMENT_ERROR(
      self, CORE, NEGOTIATION,
      ("wzpfec got data without caps. Put wzpenc or wzpcrypt before it, or the caps " //
       GST_WZP_CAPS_NAME ",sealed=false,fec=(true|false)."),
      (NULL));
  return GST_FLOW_NOT_NEGOTIATED;
}

static GstFlowReturn
gst_wzp_fec_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  (void)pad;
  if (self->direction == GST_WZP_FEC_NONE) {
    gst_buffer_unref(buffer);
    return gst_wzp_fec_not_negotiated(self);
  }
  GstBufferList *out = gst_buffer_list_new_sized(OUT_EXPECTED);
  gst_wzp_fec_handle(self, buffer, out);
  return gst_wzp_fec_push(self, out);
}

static GstFlowReturn
gst_wzp_fec_chain_list(GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  (void)pad;
  if (self->direction == GST_WZP_FEC_NONE) {
    gst_buffer_list_unref(list);
    return gst_wzp_fec_not_negotiated(self);
  }
  GstBufferList *out = gst_buffer_list_new_sized(gst_buffer_list_length(list));
  for (guint i = 0; i < gst_buffer_list_length(list); i++)
    gst_wzp_fec_handle(self, gst_buffer_ref(gst_buffer_list_get(list, i)), out);
  gst_buffer_list_unref(list);
  return gst_wzp_fec_push(self, out);
}

/* The stream is interrupted: nothing of it is used any more. */
static void
gst_wzp_fec_reset(GstWzpFec *self)
{
  g_mutex_lock(&self->lock);
  gst_wzp_fec_protect_reset_locked(self);
  gst_wzp_fec_recover_reset_locked(self);
  g_mutex_unlock(&self->lock);
}

/* What is still owed goes out now, before what ends the stream or changes it. end: those who listen are told that nothing
 * follows. */
static void
gst_wzp_fec_finish(GstWzpFec *self, gboolean end)
{
  if (self->direction != GST_WZP_FEC_PROTECT)
    return;
  GstBufferList *out = gst_buffer_list_new();
  gst_wzp_fec_protect_finish(self, end, out);
  gst_wzp_fec_push(self, out);
}

/* Caps */

static void
gst_wzp_fec_flip(GstCaps *caps)
{
  for (guint i = 0; i < gst_caps_get_size(caps); i++) {
    GstStructure *structure = gst_caps_get_structure(caps, i);
    gboolean fec;
    if (gst_structure_get_boolean(structure, "fec", &fec))
      gst_structure_set(structure, "fec", G_TYPE_BOOLEAN, !fec, NULL);
  }
}

static gboolean
gst_wzp_fec_sink_caps(GstWzpFec *self, GstCaps *caps)
{
  gboolean fec;
  if (!gst_structure_get_boolean(gst_caps_get_structure(caps, 0), "fec", &fec)) {
    GST_ELEMENT_ERROR(self, CORE, NEGOTIATION,
                      ("The caps before wzpfec lack the field fec=(boolean)."),
                      ("%" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  GstWzpFecDirection direction = fec ? GST_WZP_FEC_RECOVER : GST_WZP_FEC_PROTECT;
  gboolean changed = self->direction != direction;
  if (changed)
    gst_wzp_fec_finish(self, FALSE);
  g_mutex_lock(&self->lock);
  self->direction = direction;
  if (changed && direction == GST_WZP_FEC_PROTECT) {
    gst_wzp_fec_recover_clear(self);
    gst_wzp_fec_protect_begin_locked(self);
  } else if (changed) {
    gst_wzp_fec_protect_clear(self);
    gst_wzp_fec_recover_begin_locked(self);
  }
  g_mutex_unlock(&self->lock);
  if (changed) {
    gst_wzp_fec_update_latency(self);
    gst_wzp_fec_notify_direction(self);
  }
  GstCaps *flipped = gst_caps_copy(caps);
  gst_wzp_fec_flip(flipped);
  gboolean pushed = gst_pad_push_event(self->srcpad, gst_event_new_caps(flipped));
  gst_caps_unref(flipped);
  return pushed;
}

/* What one side can do is what the other side's peer can do, with fec flipped. */
static GstCaps *
gst_wzp_fec_query_caps(GstWzpFec *self, GstPad *pad, GstCaps *filter)
{
  GstPad *other = pad == self->sinkpad ? self->srcpad : self->sinkpad;
  GstCaps *own = gst_pad_get_pad_template_caps(pad);
  GstCaps *peer = gst_pad_peer_query_caps(other, NULL);
  GstCaps *template = gst_pad_get_pad_template_caps(other);
  GstCaps *there = gst_caps_intersect(peer, template);
  gst_caps_unref(peer);
  gst_caps_unref(template);
  there = gst_caps_make_writable(there);
  gst_wzp_fec_flip(there);
  GstCaps *caps = gst_caps_intersect(own, there);
  gst_caps_unref(own);
  gst_caps_unref(there);
  if (filter != NULL) {
    GstCaps *both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(caps);
    caps = both;
  }
  return caps;
}

/* Events and queries */

static gboolean
gst_wzp_fec_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS: {
    GstCaps *caps;
    gst_event_parse_caps(event, &caps);
    gboolean handled = gst_wzp_fec_sink_caps(self, caps);
    gst_event_unref(event);
    return handled;
  }
  case GST_EVENT_GAP:
    if (self->direction == GST_WZP_FEC_PROTECT) {
      GstBufferList *out = gst_buffer_list_new();
      gst_wzp_fec_protect_gap(self, event, out);
      gst_wzp_fec_push(self, out);
    }
    break;
  case GST_EVENT_STREAM_START:
    gst_wzp_fec_finish(self, FALSE);
    break;
  case GST_EVENT_EOS:
    gst_wzp_fec_finish(self, TRUE);
    break;
  case GST_EVENT_SEGMENT:
    gst_wzp_fec_finish(self, FALSE);
    gst_event_copy_segment(event, &self->segment);
    if (self->segment.format != GST_FORMAT_TIME)
      gst_segment_init(&self->segment, GST_FORMAT_TIME);
    break;
  case GST_EVENT_FLUSH_STOP:
    gst_wzp_fec_reset(self);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    break;
  default:
    break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static gboolean
gst_wzp_fec_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM &&
      gst_wzp_fec_recover_event(self, event)) {
    gst_event_unref(event);
    return TRUE;
  }
  return gst_pad_event_default(pad, parent, event);
}

static gboolean
gst_wzp_fec_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  switch (GST_QUERY_TYPE(query)) {
  case GST_QUERY_CAPS: {
    GstCaps *filter;
    gst_query_parse_caps(query, &filter);
    GstCaps *caps = gst_wzp_fec_query_caps(self, pad, filter);
    gst_query_set_caps_result(query, caps);
    gst_caps_unref(caps);
    return TRUE;
  }
  case GST_QUERY_LATENCY: {
    g_mutex_lock(&self->lock);
    GstClockTime own = self->latency;
    g_mutex_unlock(&self->lock);
    if (pad == self->srcpad && gst_wzp_frames_answer_latency(self->sinkpad, query, own))
      return TRUE;
    return gst_pad_query_default(pad, parent, query);
  }
  case GST_QUERY_CUSTOM:
    if (pad == self->srcpad && gst_wzp_fec_recover_query(self, query))
      return TRUE;
    return gst_pad_query_default(pad, parent, query);
  default:
    return gst_pad_query_default(pad, parent, query);
  }
}

/* The counters of a run stay until the next one begins. */
static void
gst_wzp_fec_begin(GstWzpFec *self)
{
  g_mutex_lock(&self->lock);
  gst_wzp_fec_protect_clear(self);
  gst_wzp_fec_recover_clear(self);
  self->invalid = 0;
  g_mutex_unlock(&self->lock);
  gst_segment_init(&self->segment, GST_FORMAT_TIME);
}

static void
gst_wzp_fec_end(GstWzpFec *self)
{
  gst_wzp_fec_reset(self);
  g_mutex_lock(&self->lock);
  gboolean changed = self->direction != GST_WZP_FEC_NONE;
  self->direction = GST_WZP_FEC_NONE;
  self->latency = 0;
  g_mutex_unlock(&self->lock);
  g_clear_object(&self->session);
  self->session_sought = FALSE;
  if (changed)
    gst_wzp_fec_notify_direction(self);
}

static GstStateChangeReturn
gst_wzp_fec_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpFec *self = GST_WZP_FEC(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    gst_wzp_fec_begin(self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    gst_wzp_fec_protect_resume(self);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_fec_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_wzp_fec_end(self);
  return result;
}

/* GObject */

static void
gst_wzp_fec_finalize(GObject *object)
{
  GstWzpFec *self = GST_WZP_FEC(object);
  gst_wzp_fec_protect_clear(self);
  gst_wzp_fec_recover_clear(self);
  g_clear_object(&self->session);
  g_free(self->session_name);
  g_mutex_clear(&self->lock);
  G_OBJECT_CLASS(gst_wzp_fec_parent_class)->finalize(object);
}

static void
gst_wzp_fec_class_init(GstWzpFecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->finalize = gst_wzp_fec_finalize;
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_fec_change_state);
  gst_wzp_fec_install_properties(object_class);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "WZP repair", "Filter/Network",
      "Makes bundles of frames and repair for sending, and frames of bundles that came",
      GST_WZP_AUTHOR);
}

static void
gst_wzp_fec_init(GstWzpFec *self)
{
  g_mutex_init(&self->lock);
  gst_wzp_fec_init_properties(self);
  gst_segment_init(&self->segment, GST_FORMAT_TIME);
  self->recover.slot = -1;
  self->protect.media_last = GST_CLOCK_TIME_NONE;

  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_chain));
  gst_pad_set_chain_list_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_chain_list));
  gst_pad_set_event_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_sink_event));
  gst_pad_set_query_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_query));
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_event_function(self->srcpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_src_event));
  gst_pad_set_query_function(self->srcpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_query));
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}
