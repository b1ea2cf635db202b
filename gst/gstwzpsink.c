/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpsink
 *
 * wzpsink is the sending end of a call: it sends sealed packets through the session of the pipeline, at
 * once, without waiting for the clock. It takes nothing but what #wzpcrypt made: a line without it fails
 * when it is linked. The session is shared with the pipeline's #wzpsrc, see #GstWzpSink:session.
 *
 * |[
 * gst-launch-1.0 autoaudiosrc ! audioconvert ! audioresample ! wzpenc ! wzpfec ! wzpcrypt !
 *     wzpsink uri=wzp://relay.example/room
 * ]| Speaks into the room.
 *
 * As long as nobody is there, packets are dropped and counted; wzpsink never blocks.
 */

#include "gstwzpsink.h"
#include "gstwzpelements.h"
#include "gstwzpmeta.h"

GST_DEBUG_CATEGORY_STATIC(gst_wzp_sink_debug);
#define GST_CAT_DEFAULT gst_wzp_sink_debug

struct _GstWzpSink {
  GstBaseSink parent;
  GstWzpEndpoint endpoint;
  gulong left_handler;
  gboolean checked; /* streaming thread: somebody said where to go */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_WZP_CAPS_SEALED));

static void gst_wzp_sink_uri_handler_init(gpointer interface, gpointer data);

G_DEFINE_TYPE_WITH_CODE(GstWzpSink, gst_wzp_sink, GST_TYPE_BASE_SINK,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER, gst_wzp_sink_uri_handler_init)
                            GST_DEBUG_CATEGORY_INIT(gst_wzp_sink_debug, "wzpsink", 0,
                                                    "WZP call sink"))
GST_ELEMENT_REGISTER_DEFINE(wzpsink, "wzpsink", GST_RANK_NONE, GST_TYPE_WZP_SINK)

/* --- life --- */

static void
end_stream(GstElement *element, gpointer data)
{
  (void)data;
  gst_pad_send_event(GST_BASE_SINK_PAD(element), gst_event_new_eos());
}

/* In the session's thread, which must not wait for a streaming thread. */
static void
member_left(WzpSession *session, guint slot, guint remaining, gpointer data)
{
  (void)session;
  (void)slot;
  GstWzpSink *self = data;
  if (remaining == 0 && gst_wzp_endpoint_end_on_leave(&self->endpoint))
    gst_element_call_async(GST_ELEMENT(self), end_stream, NULL, NULL);
}

static gboolean
enter_call(GstWzpSink *self)
{
  self->checked = FALSE;
  if (!gst_wzp_endpoint_start(&self->endpoint, NULL))
    return FALSE;
  self->left_handler =
      gst_wzp_endpoint_connect(&self->endpoint, "member-left", G_CALLBACK(member_left));
  return TRUE;
}

static void
leave_call(GstWzpSink *self)
{
  if (self->left_handler != 0)
    g_signal_handler_disconnect(self->endpoint.session, self->left_handler);
  self->left_handler = 0;
  gst_wzp_endpoint_stop(&self->endpoint);
}

/* The base class starts its sinks in READY, where a call must not open anything yet; so not by its
 * start hook. And a call is live: a pipeline with this sink never prerolls, whatever its source is. */
static GstStateChangeReturn
gst_wzp_sink_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpSink *self = GST_WZP_SINK(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !enter_call(self))
    return GST_STATE_CHANGE_FAILURE;
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    leave_call(self);
  if (result == GST_STATE_CHANGE_SUCCESS && (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                                             transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    return GST_STATE_CHANGE_NO_PREROLL;
  return result;
}

/* --- data --- */

#define LIST_BATCH 16

static GstFlowReturn
send_buffers(GstWzpSink *self, GstBuffer *const *buffers, guint n)
{
  GstMapInfo maps[LIST_BATCH];
  WzpSessionPacket packets[LIST_BATCH];
  guint mapped = 0;
  if (!self->checked && !gst_wzp_endpoint_check_configured(&self->endpoint))
    return GST_FLOW_ERROR;
  self->checked = TRUE;
  while (mapped < n && gst_buffer_map(buffers[mapped], &maps[mapped], GST_MAP_READ)) {
    packets[mapped] = (WzpSessionPacket){maps[mapped].data, maps[mapped].size};
    mapped++;
  }
  wzp_session_send(self->endpoint.session, packets, mapped);
  for (guint i = 0; i < mapped; i++)
    gst_buffer_unmap(buffers[i], &maps[i]);
  if (mapped == n)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR(self, RESOURCE, READ, ("A packet's memory cannot be read."), (NULL));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
gst_wzp_sink_render(GstBaseSink *sink, GstBuffer *buffer)
{
  return send_buffers(GST_WZP_SINK(sink), &buffer, 1);
}

static GstFlowReturn
gst_wzp_sink_render_list(GstBaseSink *sink, GstBufferList *list)
{
  GstBuffer *buffers[LIST_BATCH];
  GstFlowReturn result = GST_FLOW_OK;
  guint length = gst_buffer_list_length(list), next = 0;
  while (next < length && result == GST_FLOW_OK) {
    guint n = 0;
    while (n < LIST_BATCH && next < length)
      buffers[n++] = gst_buffer_list_get(list, next++);
    result = send_buffers(GST_WZP_SINK(sink), buffers, n);
  }
  return result;
}

static gboolean
gst_wzp_sink_query(GstBaseSink *sink, GstQuery *query)
{
  GstWzpSink *self = GST_WZP_SINK(sink);
  if (GST_QUERY_TYPE(query) == GST_QUERY_CONTEXT &&
      gst_wzp_endpoint_query_context(&self->endpoint, query))
    return TRUE;
  return GST_BASE_SINK_CLASS(gst_wzp_sink_parent_class)->query(sink, query);
}

/* --- URI handler --- */

static GstURIType
gst_wzp_sink_uri_get_type(GType type)
{
  (void)type;
  return GST_URI_SINK;
}

static const gchar *const *
gst_wzp_sink_uri_get_protocols(GType type)
{
  (void)type;
  return gst_wzp_endpoint_protocols;
}

static gchar *
gst_wzp_sink_uri_get_uri(GstURIHandler *handler)
{
  return gst_wzp_endpoint_dup_uri(&GST_WZP_SINK(handler)->endpoint);
}

static gboolean
gst_wzp_sink_uri_set_uri(GstURIHandler *handler, const gchar *uri, GError **error)
{
  return gst_wzp_endpoint_set_uri(&GST_WZP_SINK(handler)->endpoint, uri, error);
}

static void
gst_wzp_sink_uri_handler_init(gpointer interface, gpointer data)
{
  (void)data;
  GstURIHandlerInterface *handler = interface;
  handler->get_type = gst_wzp_sink_uri_get_type;
  handler->get_protocols = gst_wzp_sink_uri_get_protocols;
  handler->get_uri = gst_wzp_sink_uri_get_uri;
  handler->set_uri = gst_wzp_sink_uri_set_uri;
}

/* --- the object --- */

static void
gst_wzp_sink_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (!gst_wzp_endpoint_set_property(&GST_WZP_SINK(object)->endpoint, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void
gst_wzp_sink_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (!gst_wzp_endpoint_get_property(&GST_WZP_SINK(object)->endpoint, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void
gst_wzp_sink_finalize(GObject *object)
{
  gst_wzp_endpoint_clear(&GST_WZP_SINK(object)->endpoint);
  G_OBJECT_CLASS(gst_wzp_sink_parent_class)->finalize(object);
}

static void
gst_wzp_sink_init(GstWzpSink *self)
{
  gst_wzp_endpoint_init(&self->endpoint, GST_ELEMENT(self));
  /* what was captured has waited enough; and a sender that starts in silence must not hold up PAUSED */
  gst_base_sink_set_sync(GST_BASE_SINK(self), FALSE);
  gst_base_sink_set_async_enabled(GST_BASE_SINK(self), FALSE);
}

static void
gst_wzp_sink_class_init(GstWzpSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS(klass);

  object_class->set_property = gst_wzp_sink_set_property;
  object_class->get_property = gst_wzp_sink_get_property;
  object_class->finalize = gst_wzp_sink_finalize;
  gst_wzp_endpoint_install_properties(object_class, TRUE);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "WZP call sink", "Sink/Network",
                                        "Sends the sealed packets of an encrypted voice call",
                                        GST_WZP_AUTHOR);

  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_sink_change_state);

  sink_class->render = GST_DEBUG_FUNCPTR(gst_wzp_sink_render);
  sink_class->render_list = GST_DEBUG_FUNCPTR(gst_wzp_sink_render_list);
  sink_class->query = GST_DEBUG_FUNCPTR(gst_wzp_sink_query);
}
