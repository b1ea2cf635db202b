/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpsrc
 *
 * wzpsrc is the receiving end of a call: it pushes the sealed packets that the session of the pipeline
 * receives, one packet a buffer, stamped with the running time at which the datagram came in. #wzpcrypt
 * opens them. The session is shared with the pipeline's #wzpsink, see #GstWzpSrc:session.
 *
 * |[
 * gst-launch-1.0 -e wzpsrc uri=wzp://relay.example/room ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec !
 *     audioconvert ! audioresample ! autoaudiosink
 * ]| Hears what somebody says in the room.
 *
 * When a member leaves, the custom event `wzp-member-left` (slot) goes downstream behind that member's
 * last packet.
 */

#include "gstwzpsrc.h"
#include "gstwzpelements.h"
#include "gstwzpmeta.h"

GST_DEBUG_CATEGORY_STATIC(gst_wzp_src_debug);
#define GST_CAT_DEFAULT gst_wzp_src_debug

struct _GstWzpSrc {
  GstPushSrc parent;
  GstWzpEndpoint endpoint;
  GstWzpInbox *inbox;
  gulong left_handler;
  gboolean checked; /* streaming thread: somebody said where to go */
};

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_WZP_CAPS_SEALED));

static void gst_wzp_src_uri_handler_init(gpointer interface, gpointer data);

G_DEFINE_TYPE_WITH_CODE(GstWzpSrc, gst_wzp_src, GST_TYPE_PUSH_SRC,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER, gst_wzp_src_uri_handler_init)
                            GST_DEBUG_CATEGORY_INIT(gst_wzp_src_debug, "wzpsrc", 0,
                                                    "WZP call source"))
GST_ELEMENT_REGISTER_DEFINE(wzpsrc, "wzpsrc", GST_RANK_NONE, GST_TYPE_WZP_SRC)

/* --- life --- */

/* In the session's thread. */
static void
member_left(WzpSession *session, guint slot, guint remaining, gpointer data)
{
  (void)session;
  GstWzpSrc *self = data;
  gst_wzp_inbox_push_event(self->inbox,
                           gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                gst_structure_new(GST_WZP_EVENT_MEMBER_LEFT, "slot",
                                                                  G_TYPE_UINT, slot, NULL)));
  if (remaining == 0 && gst_wzp_endpoint_end_on_leave(&self->endpoint))
    gst_wzp_inbox_end(self->inbox);
}

static gboolean
gst_wzp_src_start(GstBaseSrc *source)
{
  GstWzpSrc *self = GST_WZP_SRC(source);
  self->checked = FALSE;
  gst_wzp_inbox_clear(self->inbox);
  if (!gst_wzp_endpoint_start(&self->endpoint, self->inbox))
    return FALSE;
  self->left_handler =
      gst_wzp_endpoint_connect(&self->endpoint, "member-left", G_CALLBACK(member_left));
  return TRUE;
}

static gboolean
gst_wzp_src_stop(GstBaseSrc *source)
{
  GstWzpSrc *self = GST_WZP_SRC(source);
  if (self->left_handler != 0)
    g_signal_handler_disconnect(self->endpoint.session, self->left_handler);
  self->left_handler = 0;
  gst_wzp_endpoint_stop(&self->endpoint);
  gst_wzp_inbox_clear(self->inbox);
  return TRUE;
}

static gboolean
gst_wzp_src_unlock(GstBaseSrc *source)
{
  gst_wzp_inbox_set_flushing(GST_WZP_SRC(source)->inbox, TRUE);
  return TRUE;
}

static gboolean
gst_wzp_src_unlock_stop(GstBaseSrc *source)
{
  gst_wzp_inbox_set_flushing(GST_WZP_SRC(source)->inbox, FALSE);
  return TRUE;
}

/* Packets are stamped, and wanted, only while the element plays. */
static GstStateChangeReturn
gst_wzp_src_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpSrc *self = GST_WZP_SRC(element);
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    gst_wzp_inbox_set_clock(self->inbox, NULL, 0);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_src_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING && result != GST_STATE_CHANGE_FAILURE) {
    g_autoptr(GstClock) clock = gst_element_get_clock(element);
    gst_wzp_inbox_set_clock(self->inbox, clock, gst_element_get_base_time(element));
  }
  return result;
}

/* --- data --- */

static GstFlowReturn
gst_wzp_src_create(GstPushSrc *source, GstBuffer **buffer)
{
  GstWzpSrc *self = GST_WZP_SRC(source);
  if (!self->checked && !gst_wzp_endpoint_check_configured(&self->endpoint))
    return GST_FLOW_EOS; /* the error is posted */
  self->checked = TRUE;
  for (;;) {
    gboolean ended;
    GstMiniObject *object = gst_wzp_inbox_pop(self->inbox, &ended);
    if (object == NULL)
      return ended ? GST_FLOW_EOS : GST_FLOW_FLUSHING;
    if (GST_IS_BUFFER(object)) {
      *buffer = GST_BUFFER(object);
      return GST_FLOW_OK;
    }
    gst_pad_push_event(GST_BASE_SRC_PAD(source), GST_EVENT(object));
  }
}

static gboolean
gst_wzp_src_query(GstBaseSrc *source, GstQuery *query)
{
  GstWzpSrc *self = GST_WZP_SRC(source);
  if (GST_QUERY_TYPE(query) == GST_QUERY_CONTEXT &&
      gst_wzp_endpoint_query_context(&self->endpoint, query))
    return TRUE;
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    /* a packet is pushed as soon as it came in */
    gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
  }
  return GST_BASE_SRC_CLASS(gst_wzp_src_parent_class)->query(source, query);
}

/* --- URI handler --- */

static GstURIType
gst_wzp_src_uri_get_type(GType type)
{
  (void)type;
  return GST_URI_SRC;
}

static const gchar *const *
gst_wzp_src_uri_get_protocols(GType type)
{
  (void)type;
  return gst_wzp_endpoint_protocols;
}

static gchar *
gst_wzp_src_uri_get_uri(GstURIHandler *handler)
{
  return gst_wzp_endpoint_dup_uri(&GST_WZP_SRC(handler)->endpoint);
}

static gboolean
gst_wzp_src_uri_set_uri(GstURIHandler *handler, const gchar *uri, GError **error)
{
  return gst_wzp_endpoint_set_uri(&GST_WZP_SRC(handler)->endpoint, uri, error);
}

static void
gst_wzp_src_uri_handler_init(gpointer interface, gpointer data)
{
  (void)data;
  GstURIHandlerInterface *handler = interface;
  handler->get_type = gst_wzp_src_uri_get_type;
  handler->get_protocols = gst_wzp_src_uri_get_protocols;
  handler->get_uri = gst_wzp_src_uri_get_uri;
  handler->set_uri = gst_wzp_src_uri_set_uri;
}

/* --- the object --- */

static void
gst_wzp_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (!gst_wzp_endpoint_set_property(&GST_WZP_SRC(object)->endpoint, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void
gst_wzp_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (!gst_wzp_endpoint_get_property(&GST_WZP_SRC(object)->endpoint, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void
gst_wzp_src_finalize(GObject *object)
{
  GstWzpSrc *self = GST_WZP_SRC(object);
  gst_wzp_endpoint_clear(&self->endpoint);
  gst_wzp_inbox_unref(self->inbox);
  G_OBJECT_CLASS(gst_wzp_src_parent_class)->finalize(object);
}

static void
gst_wzp_src_init(GstWzpSrc *self)
{
  gst_wzp_endpoint_init(&self->endpoint, GST_ELEMENT(self));
  self->inbox = gst_wzp_inbox_new(self);
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
  gst_base_src_set_do_timestamp(GST_BASE_SRC(self), FALSE);
}

static void
gst_wzp_src_class_init(GstWzpSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstBaseSrcClass *source_class = GST_BASE_SRC_CLASS(klass);

  object_class->set_property = gst_wzp_src_set_property;
  object_class->get_property = gst_wzp_src_get_property;
  object_class->finalize = gst_wzp_src_finalize;
  gst_wzp_endpoint_install_properties(object_class, TRUE);

  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "WZP call source", "Source/Network",
                                        "Receives the sealed packets of an encrypted voice call",
                                        GST_WZP_AUTHOR);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_src_change_state);

  source_class->start = GST_DEBUG_FUNCPTR(gst_wzp_src_start);
  source_class->stop = GST_DEBUG_FUNCPTR(gst_wzp_src_stop);
  source_class->unlock = GST_DEBUG_FUNCPTR(gst_wzp_src_unlock);
  source_class->unlock_stop = GST_DEBUG_FUNCPTR(gst_wzp_src_unlock_stop);
  source_class->query = GST_DEBUG_FUNCPTR(gst_wzp_src_query);
  GST_PUSH_SRC_CLASS(klass)->create = GST_DEBUG_FUNCPTR(gst_wzp_src_create);
}
