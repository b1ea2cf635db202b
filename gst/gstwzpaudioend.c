/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpmicrophone
 * @title: wzpmicrophone
 * @see_also: wzpspeaker, wzpcall
 *
 * A microphone that the call survives: when the device goes away its sound turns to silence, and a WARNING says so; when it comes
 * back or works again, or if none was named any other one does, it is heard again. Its buffers are short. It gives the pipeline no clock, because
 * that would stand still without the device.
 *
 * |[
 * gst-launch-1.0 wzpmicrophone device=Headset ! audioconvert ! audioresample ! wzpcall uri=wzp://relay.example/room
 * ]| Speaks from a headset.
 */

/**
 * SECTION:element-wzpspeaker
 * @title: wzpspeaker
 * @see_also: wzpmicrophone, wzpcall
 *
 * The same for a loudspeaker: while its device is away what is to be heard is dropped at its pace.
 *
 * |[
 * gst-launch-1.0 wzpcall uri=wzp://relay.example/room ! wzpspeaker
 * ]| Listens.
 */

#include "gstwzpaudioend-private.h"
#include "gstwzpelements.h"

GST_DEBUG_CATEGORY(gst_wzp_audio_end_debug);
#define GST_CAT_DEFAULT gst_wzp_audio_end_debug

enum { PROP_0, PROP_DEVICE };

G_DEFINE_ABSTRACT_TYPE_WITH_CODE(GstWzpAudioEnd, gst_wzp_audio_end, GST_TYPE_BIN,
                                 G_ADD_PRIVATE(GstWzpAudioEnd)
                                     GST_DEBUG_CATEGORY_INIT(gst_wzp_audio_end_debug, "wzpaudioend",
                                                             0, "WZP microphone and speaker"))

#define PRIVATE(self) gst_wzp_audio_end_private(self)
#define KIND(self) (GST_WZP_AUDIO_END_GET_CLASS(self)->kind)

GstWzpAudioEndPrivate *
gst_wzp_audio_end_private(GstWzpAudioEnd *self)
{
  return gst_wzp_audio_end_get_instance_private(self);
}

gchar *
gst_wzp_audio_end_dup_name(GstWzpAudioEnd *self)
{
  GST_OBJECT_LOCK(self);
  gchar *name = g_strdup(PRIVATE(self)->name);
  GST_OBJECT_UNLOCK(self);
  return name;
}

/* --- the bin --- */

/* autoaudiosrc and autoaudiosink do without a device, and warn. */
static gboolean
found_nothing(GstWzpAudioEnd *self, GstMessage *message, GstElement *element)
{
  g_autofree gchar *name = gst_wzp_audio_end_dup_name(self);
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING && name == NULL && element != NULL &&
         GST_MESSAGE_SRC(message) == GST_OBJECT(element) && !gst_wzp_audio_end_is_lost(self);
}

static void
gst_wzp_audio_end_handle_message(GstBin *bin, GstMessage *message)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(bin);
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GST_OBJECT_LOCK(self);
  GstElement *element = priv->element != NULL ? gst_object_ref(priv->element) : NULL;
  gboolean good = priv->flowed == 2;
  GST_OBJECT_UNLOCK(self);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && good) {
    g_autoptr(GError) error = NULL;
    gst_message_parse_error(message, &error, NULL);
    if (element != NULL &&
        (GST_MESSAGE_SRC(message) == GST_OBJECT(element) ||
         gst_object_has_as_ancestor(GST_MESSAGE_SRC(message), GST_OBJECT(element))))
      gst_wzp_audio_end_lose(self, element, error->message);
    gst_message_unref(message);
  } else if (found_nothing(self, message, element)) {
    g_autoptr(GError) warning = NULL;
    gst_message_parse_warning(message, &warning, NULL);
    gst_wzp_audio_end_lose(self, element, warning->message);
    gst_message_unref(message);
  } else {
    GST_BIN_CLASS(gst_wzp_audio_end_parent_class)->handle_message(bin, message);
  }
  gst_clear_object(&element);
}

static gboolean
gst_wzp_audio_end_send_event(GstElement *element, GstEvent *event)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(element);
  GST_OBJECT_LOCK(self);
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
    PRIVATE(self)->ending = TRUE;
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY)
    gst_event_parse_latency(event, &PRIVATE(self)->latency);
  GST_OBJECT_UNLOCK(self);
  return GST_ELEMENT_CLASS(gst_wzp_audio_end_parent_class)->send_event(element, event);
}

static GstPadProbeReturn
lead_speaker(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  if (!(GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) ||
      GST_EVENT_IS_SERIALIZED(GST_PAD_PROBE_INFO_EVENT(info)))
    gst_wzp_audio_end_lead(data);
  return GST_PAD_PROBE_OK;
}

/* A speaker that failed must not stop those who speak. */
static GstFlowReturn
speaker_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(parent);
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GST_OBJECT_LOCK(self);
  const GstElement *to = priv->element;
  GST_OBJECT_UNLOCK(self);
  GstFlowReturn flow = gst_proxy_pad_chain_default(pad, parent, buffer);
  GST_OBJECT_LOCK(self);
  if (flow == GST_FLOW_OK && priv->flowed < 2)
    priv->flowed++;
  gboolean good = priv->flowed == 2;
  GST_OBJECT_UNLOCK(self);
  if (flow == GST_FLOW_OK)
    gst_wzp_audio_end_proven(self, to);
  if (flow == GST_FLOW_EOS || !good || GST_PAD_IS_FLUSHING(pad))
    return flow;
  return GST_FLOW_OK;
}

/* None: a device's would stand still when that goes. */
static GstClock *
gst_wzp_audio_end_provide_clock(GstElement *element)
{
  (void)element;
  return NULL;
}

static gboolean
open_device(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  g_autoptr(GError) error = NULL;
  g_autofree gchar *name = gst_wzp_audio_end_dup_name(self);
  GST_OBJECT_LOCK(self);
  priv->flowed = 0;
  priv->lost = priv->ending = FALSE;
  priv->proving = NULL;
  priv->tries = 0;
  priv->taken = 0;
  priv->latency = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK(self);
  gchar *opened;
  GstElement *element = gst_wzp_device_new(KIND(self), name, &opened, &error);
  GST_OBJECT_LOCK(self);
  g_free(priv->opened);
  priv->opened = opened;
  GST_OBJECT_UNLOCK(self);
  if (element != NULL && gst_wzp_audio_end_adopt(self, element))
    return TRUE;
  if (error == NULL)
    error = g_error_new(GST_CORE_ERROR, GST_CORE_ERROR_PAD, "the %s has no pad",
                        gst_wzp_device_word(KIND(self)));
  gst_element_message_full(GST_ELEMENT(self), GST_MESSAGE_ERROR, error->domain, error->code,
                           g_strdup(error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
  return FALSE;
}

static GstStateChangeReturn
gst_wzp_audio_end_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_device(self)) {
    gst_wzp_audio_end_close(self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_wzp_audio_end_stop(self);
  g_rec_mutex_lock(&PRIVATE(self)->swap);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_audio_end_parent_class)->change_state(element, transition);
  if (result != GST_STATE_CHANGE_FAILURE) {
    GST_OBJECT_LOCK(self);
    PRIVATE(self)->reached = GST_STATE_TRANSITION_NEXT(transition);
    GST_OBJECT_UNLOCK(self);
  }
  g_rec_mutex_unlock(&PRIVATE(self)->swap);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result != GST_STATE_CHANGE_FAILURE)
    gst_wzp_audio_end_start(self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL ||
      (transition == GST_STATE_CHANGE_NULL_TO_READY && result == GST_STATE_CHANGE_FAILURE))
    gst_wzp_audio_end_close(self);
  return result;
}

static void
gst_wzp_audio_end_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(object);
  if (id != PROP_DEVICE) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  GST_OBJECT_LOCK(self);
  g_free(PRIVATE(self)->name);
  PRIVATE(self)->name = g_value_dup_string(value);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_audio_end_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_DEVICE)
    g_value_take_string(value, gst_wzp_audio_end_dup_name(GST_WZP_AUDIO_END(object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void
gst_wzp_audio_end_finalize(GObject *object)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(GST_WZP_AUDIO_END(object));
  g_free(priv->name);
  g_free(priv->opened);
  g_rec_mutex_clear(&priv->swap);
  g_cond_clear(&priv->closed);
  G_OBJECT_CLASS(gst_wzp_audio_end_parent_class)->finalize(object);
}

static void
gst_wzp_audio_end_class_init(GstWzpAudioEndClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_wzp_audio_end_set_property;
  object_class->get_property = gst_wzp_audio_end_get_property;
  object_class->finalize = gst_wzp_audio_end_finalize;
  /**
   * GstWzpAudioEnd:device:
   *
   * The device of that name, or the only one whose name has this in it; `gst-device-monitor-1.0 Audio` lists them.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_DEVICE,
      g_param_spec_string("device", "Device",
                          "Name of the device, or a part that no other has; unset: the one that "
                          "the system prefers. Taken up when the element leaves NULL",
                          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_audio_end_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR(gst_wzp_audio_end_send_event);
  element_class->provide_clock = GST_DEBUG_FUNCPTR(gst_wzp_audio_end_provide_clock);
  GST_BIN_CLASS(klass)->handle_message = GST_DEBUG_FUNCPTR(gst_wzp_audio_end_handle_message);
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_AUDIO_END, 0);
}

static void
gst_wzp_audio_end_init(GstWzpAudioEnd *self)
{
  g_rec_mutex_init(&PRIVATE(self)->swap);
  g_cond_init(&PRIVATE(self)->closed);
  PRIVATE(self)->latency = GST_CLOCK_TIME_NONE;
}

static void
add_pad(GstWzpAudioEnd *self, const gchar *name)
{
  GstPadTemplate *template = gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(self), name);
  PRIVATE(self)->pad = gst_ghost_pad_new_no_target_from_template(name, template);
  gst_element_add_pad(GST_ELEMENT(self), PRIVATE(self)->pad);
}

/* --- wzpmicrophone --- */

typedef struct {
  GstWzpAudioEnd parent;
} GstWzpMicrophone;
typedef struct {
  GstWzpAudioEndClass parent;
} GstWzpMicrophoneClass;
GType gst_wzp_microphone_get_type(void);
G_DEFINE_TYPE(GstWzpMicrophone, gst_wzp_microphone, GST_TYPE_WZP_AUDIO_END)
GST_ELEMENT_REGISTER_DEFINE(wzpmicrophone, "wzpmicrophone", GST_RANK_NONE,
                            gst_wzp_microphone_get_type())

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("audio/x-raw"));

static void
gst_wzp_microphone_class_init(GstWzpMicrophoneClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  klass->parent.kind = GST_WZP_MICROPHONE;
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "WZP microphone", "Source/Audio/Device",
                                        "A microphone that may go away and come back",
                                        GST_WZP_AUTHOR);
}

static void
gst_wzp_microphone_init(GstWzpMicrophone *self)
{
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  add_pad(GST_WZP_AUDIO_END(self), "src");
}

/* --- wzpspeaker --- */

typedef struct {
  GstWzpAudioEnd parent;
} GstWzpSpeaker;
typedef struct {
  GstWzpAudioEndClass parent;
} GstWzpSpeakerClass;
GType gst_wzp_speaker_get_type(void);
G_DEFINE_TYPE(GstWzpSpeaker, gst_wzp_speaker, GST_TYPE_WZP_AUDIO_END)
GST_ELEMENT_REGISTER_DEFINE(wzpspeaker, "wzpspeaker", GST_RANK_NONE, gst_wzp_speaker_get_type())

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("audio/x-raw"));

static void
gst_wzp_speaker_class_init(GstWzpSpeakerClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  klass->parent.kind = GST_WZP_SPEAKER;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "WZP speaker", "Sink/Audio/Device",
                                        "A loudspeaker that may go away and come back",
                                        GST_WZP_AUTHOR);
}

static void
gst_wzp_speaker_init(GstWzpSpeaker *self)
{
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
  add_pad(GST_WZP_AUDIO_END(self), "sink");
  GstPad *pad = PRIVATE(GST_WZP_AUDIO_END(self))->pad;
  gst_pad_set_chain_function(pad, speaker_chain);
  gst_pad_add_probe(pad,
                    GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
                        GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                    lead_speaker, self, NULL);
}
