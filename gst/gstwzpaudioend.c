/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpmicrophone
 * @title: wzpmicrophone
 * @see_also: wzpspeaker, wzpcall
 *
 * A microphone that the call survives: when the device goes away its sound turns to silence, and a WARNING says so; when it comes
 * back, or if none was named any other one, it is heard again. Its buffers are short. It gives the pipeline no clock, because
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

#include "gstwzpdevice.h"
#include "gstwzpelements.h"
#include <string.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_audio_end_debug);
#define GST_CAT_DEFAULT gst_wzp_audio_end_debug

#define STEP_SAMPLES 480

enum { PROP_0, PROP_DEVICE };

#define GST_TYPE_WZP_AUDIO_END (gst_wzp_audio_end_get_type())
G_DECLARE_DERIVABLE_TYPE(GstWzpAudioEnd, gst_wzp_audio_end, GST, WZP_AUDIO_END, GstBin)

struct _GstWzpAudioEndClass {
  GstBinClass parent;
  GstWzpDeviceKind kind;
};

typedef struct {
  GstPad *pad;
  GRecMutex
      swap; /* held while one element takes the place of another, and while the state changes, which
                   * the application may do from within messages; before all other locks */
  gboolean started; /* with swap: elements may be exchanged */

  GCond closed; /* with the object lock: one less is closing */
  guint closing;

  /* the object lock guards */
  gchar *name;
  gchar *opened;       /* the whole name of the device in use; NULL: unknown */
  GstElement *element; /* in the bin: a device's, or what stands in for it */
  guint flowed;        /* buffers, up to 2: the device is good */
  gboolean lost;       /* the device failed later */
  gboolean ending;     /* EOS was asked for */
  GstClockTime latency;
} GstWzpAudioEndPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_CODE(GstWzpAudioEnd, gst_wzp_audio_end, GST_TYPE_BIN,
                                 G_ADD_PRIVATE(GstWzpAudioEnd)
                                     GST_DEBUG_CATEGORY_INIT(gst_wzp_audio_end_debug, "wzpaudioend",
                                                             0, "WZP microphone and speaker"))

#define PRIVATE(self) ((GstWzpAudioEndPrivate *)gst_wzp_audio_end_get_instance_private(self))
#define KIND(self) (GST_WZP_AUDIO_END_GET_CLASS(self)->kind)

static gboolean
is_lost(GstWzpAudioEnd *self)
{
  GST_OBJECT_LOCK(self);
  gboolean lost = PRIVATE(self)->lost;
  GST_OBJECT_UNLOCK(self);
  return lost;
}

static void
tell(GstWzpAudioEnd *self, const gchar *event, const gchar *device, const gchar *text)
{
  GST_INFO_OBJECT(self, "%s", text);
  gst_element_post_message(
      GST_ELEMENT(self),
      gst_message_new_element(GST_OBJECT(self),
                              gst_structure_new("wzp-device", "event", G_TYPE_STRING, event, "kind",
                                                G_TYPE_STRING, gst_wzp_device_word(KIND(self)),
                                                "device", G_TYPE_STRING, device, "text",
                                                G_TYPE_STRING, text, NULL)));
}

static gchar *
dup_name(GstWzpAudioEnd *self)
{
  GST_OBJECT_LOCK(self);
  gchar *name = g_strdup(PRIVATE(self)->name);
  GST_OBJECT_UNLOCK(self);
  return name;
}

/* --- one element takes the place of another --- */

static void lose(GstWzpAudioEnd *self, GstElement *element, const gchar *why);

/* A source that fails ends its stream, too; ours goes on. */
static GstPadProbeReturn
look_at_source(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstWzpAudioEnd *self = data;
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  gboolean end = GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM &&
                 GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS;
  GST_OBJECT_LOCK(self);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
    priv->flowed = 2;
  gboolean drop = end && !priv->ending && priv->flowed == 2;
  GST_OBJECT_UNLOCK(self);
  if (drop) {
    g_autoptr(GstElement) element = gst_pad_get_parent_element(pad);
    lose(self, element, "it ended");
  }
  return drop ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static GstPad *
pad_of(GstWzpAudioEnd *self, GstElement *element)
{
  return gst_element_get_static_pad(element, KIND(self) == GST_WZP_MICROPHONE ? "src" : "sink");
}

/* Takes it (floating) into the bin and links it. */
static gboolean
adopt(GstWzpAudioEnd *self, GstElement *element)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  if (!gst_bin_add(GST_BIN(self), element))
    return FALSE;
  g_autoptr(GstPad) pad = pad_of(self, element);
  if (pad == NULL)
    return FALSE;
  GST_OBJECT_LOCK(self);
  priv->element = element;
  GST_OBJECT_UNLOCK(self);
  if (KIND(self) == GST_WZP_MICROPHONE)
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER,
                      look_at_source, self, NULL);
  return gst_ghost_pad_set_target(GST_GHOST_PAD(priv->pad), pad);
}

/* Out of the bin with it, but it still runs; NULL: there is none. */
static GstElement *
take_out(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GST_OBJECT_LOCK(self);
  GstElement *element = g_steal_pointer(&priv->element);
  priv->closing += element != NULL;
  GST_OBJECT_UNLOCK(self);
  if (element == NULL)
    return NULL;
  gst_object_ref(element);
  gst_element_set_locked_state(element, TRUE);
  gst_ghost_pad_set_target(GST_GHOST_PAD(priv->pad), NULL);
  gst_bin_remove(GST_BIN(self), element);
  return element;
}

/* It waits for the element's thread, and that perhaps for a pipeline that pauses: without the lock swap, and outside of the
 * bin, whose state must not wait for this. */
static void
shut_down(GstWzpAudioEnd *self, GstElement *element)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  if (element == NULL)
    return;
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
  GST_OBJECT_LOCK(self);
  priv->closing--;
  g_cond_broadcast(&priv->closed);
  GST_OBJECT_UNLOCK(self);
}

/* When nothing in the pipeline holds anybody any more. */
static void
close_device(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  shut_down(self, take_out(self));
  GST_OBJECT_LOCK(self);
  while (priv->closing > 0)
    g_cond_wait(&priv->closed, GST_OBJECT_GET_LOCK(self));
  GST_OBJECT_UNLOCK(self);
}

static GstClockTime
running_time(GstWzpAudioEnd *self)
{
  g_autoptr(GstClock) clock = gst_element_get_clock(GST_ELEMENT(self));
  GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  if (clock == NULL || !GST_CLOCK_TIME_IS_VALID(base))
    return 0;
  GstClockTime now = gst_clock_get_time(clock);
  return now > base ? now - base : 0;
}

/* Silence that is marked as such, or a sink that only keeps the pace. */
static GstElement *
stand_in_new(GstWzpAudioEnd *self)
{
  GstElement *element;
  if (KIND(self) == GST_WZP_SPEAKER) {
    element = gst_element_factory_make("fakesink", NULL);
    if (element != NULL)
      g_object_set(element, "sync", TRUE, "async", FALSE, "enable-last-sample", FALSE, NULL);
    return element;
  }
  element = gst_element_factory_make("audiotestsrc", NULL);
  if (element != NULL) {
    gst_util_set_object_arg(G_OBJECT(element), "wave", "silence");
    g_object_set(element, "is-live", TRUE, "samplesperbuffer", STEP_SAMPLES, "timestamp-offset",
                 (gint64)running_time(self), NULL);
  }
  return element;
}

/* With swap. Afterwards, without it, shut_down() for *before and news(). */
static gboolean
exchange(GstWzpAudioEnd *self, GstElement *element, GstElement **before)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  *before = take_out(self);
  if (element == NULL || !adopt(self, element) || !gst_element_sync_state_with_parent(element))
    return FALSE;
  GST_OBJECT_LOCK(self);
  GstClockTime latency = priv->latency;
  GST_OBJECT_UNLOCK(self);
  if (KIND(self) == GST_WZP_SPEAKER && GST_CLOCK_TIME_IS_VALID(latency))
    gst_element_send_event(element, gst_event_new_latency(latency));
  return TRUE;
}

static void
news(GstWzpAudioEnd *self)
{
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

/* In a thread of its own: an element that fails cannot stop itself. */
static void
stand_in(GstElement *element, gpointer data)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(element);
  (void)data;
  g_rec_mutex_lock(&PRIVATE(self)->swap);
  gboolean wanted = PRIVATE(self)->started && is_lost(self);
  GstElement *before = NULL;
  gboolean good = !wanted || exchange(self, stand_in_new(self), &before);
  g_rec_mutex_unlock(&PRIVATE(self)->swap);
  shut_down(self, before);
  if (!good)
    GST_ELEMENT_ERROR(
        self, CORE, MISSING_PLUGIN,
        ("Nothing can stand in for the %s; is the package of GStreamer's base plugins "
         "installed?",
         gst_wzp_device_word(KIND(self))),
        (NULL));
  else if (wanted)
    news(self);
}

/* Any thread; counts once. */
static void
lose(GstWzpAudioEnd *self, GstElement *element, const gchar *why)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  const gchar *word = gst_wzp_device_word(KIND(self));
  g_autofree gchar *name = dup_name(self), *text = NULL;
  GST_OBJECT_LOCK(self);
  gboolean news = !priv->lost && element == priv->element, worked = priv->flowed == 2;
  if (news)
    priv->lost = TRUE;
  GST_OBJECT_UNLOCK(self);
  if (!news)
    return;
  g_autofree gchar *cause = g_strdup(why);
  if (g_str_has_suffix(cause, "."))
    cause[strlen(cause) - 1] = '\0';
  if (worked)
    text = g_strdup_printf(
        "The %s%s%s%s is gone: %s. The call goes on without; %s.", word, name != NULL ? " '" : "",
        name != NULL ? name : "", name != NULL ? "'" : "", cause,
        name != NULL ? "it is taken again when it comes back" : "the next one that comes is taken");
  else
    text = g_strdup_printf("There is no %s that works: %s. The call goes on without; the next one "
                           "that comes is taken.",
                           word, cause);
  tell(self, "lost", name != NULL ? name : "", text);
  gst_element_message_full(GST_ELEMENT(self), GST_MESSAGE_WARNING, GST_RESOURCE_ERROR,
                           KIND(self) == GST_WZP_MICROPHONE ? GST_RESOURCE_ERROR_READ
                                                            : GST_RESOURCE_ERROR_WRITE,
                           g_steal_pointer(&text), NULL, __FILE__, GST_FUNCTION, __LINE__);
  gst_element_call_async(GST_ELEMENT(self), stand_in, NULL, NULL);
}

/* --- devices that come --- */

static void
take_device(GstElement *element, gpointer data)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(element);
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GstDevice *device = data;
  g_autofree gchar *name = dup_name(self), *display = gst_device_get_display_name(device);
  g_rec_mutex_lock(&priv->swap);
  GstElement *found = NULL, *before = NULL;
  if (priv->started && is_lost(self) &&
      (name == NULL || gst_wzp_device_is_meant(KIND(self), name, device)))
    found = gst_wzp_device_open(device);
  gboolean good = FALSE;
  if (found != NULL) {
    GST_OBJECT_LOCK(self);
    priv->lost = FALSE; /* from now on it may be lost again */
    g_free(priv->opened);
    priv->opened = g_strdup(display);
    GST_OBJECT_UNLOCK(self);
    good = exchange(self, found, &before);
  }
  g_rec_mutex_unlock(&priv->swap);
  shut_down(self, before);
  if (good) {
    news(self);
    g_autofree gchar *text =
        g_strdup_printf("The %s '%s' is taken.", gst_wzp_device_word(KIND(self)), display);
    tell(self, "taken", display, text);
  } else if (found != NULL) {
    lose(self, found, "it cannot be opened");
  }
}

/* With pulsesrc a device that went away is silent for ever: no error comes. */
static void
device_went(GstWzpAudioEnd *self, GstDevice *device)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  g_autofree gchar *display = gst_device_get_display_name(device);
  GST_OBJECT_LOCK(self);
  gboolean ours = priv->flowed == 2 && g_strcmp0(priv->opened, display) == 0;
  GstElement *element = ours && priv->element != NULL ? gst_object_ref(priv->element) : NULL;
  GST_OBJECT_UNLOCK(self);
  if (element != NULL)
    lose(self, element, "it was pulled out");
  gst_clear_object(&element);
}

static void
device_told(GstElement *element, GstDevice *device, gboolean came)
{
  if (!came)
    device_went(GST_WZP_AUDIO_END(element), device);
  else if (is_lost(GST_WZP_AUDIO_END(element)))
    gst_element_call_async(element, take_device, gst_object_ref(device), gst_object_unref);
}

static void
set_started(GstWzpAudioEnd *self, gboolean started)
{
  g_rec_mutex_lock(&PRIVATE(self)->swap);
  PRIVATE(self)->started = started;
  g_rec_mutex_unlock(&PRIVATE(self)->swap);
}

/* --- the bin --- */

/* autoaudiosrc and autoaudiosink do without a device, and warn. */
static gboolean
found_nothing(GstWzpAudioEnd *self, GstMessage *message, GstElement *element)
{
  g_autofree gchar *name = dup_name(self);
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING && name == NULL && element != NULL &&
         GST_MESSAGE_SRC(message) == GST_OBJECT(element) && !is_lost(self);
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
      lose(self, element, error->message);
    gst_message_unref(message);
  } else if (found_nothing(self, message, element)) {
    g_autoptr(GError) warning = NULL;
    gst_message_parse_warning(message, &warning, NULL);
    lose(self, element, warning->message);
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

/* A speaker that failed must not stop those who speak. */
static GstFlowReturn
speaker_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(parent);
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GstFlowReturn flow = gst_proxy_pad_chain_default(pad, parent, buffer);
  GST_OBJECT_LOCK(self);
  if (flow == GST_FLOW_OK && priv->flowed < 2)
    priv->flowed++;
  gboolean good = priv->flowed == 2;
  GST_OBJECT_UNLOCK(self);
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
  g_autofree gchar *name = dup_name(self);
  GST_OBJECT_LOCK(self);
  priv->flowed = 0;
  priv->lost = priv->ending = FALSE;
  priv->latency = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK(self);
  gchar *opened;
  GstElement *element = gst_wzp_device_new(KIND(self), name, &opened, &error);
  GST_OBJECT_LOCK(self);
  g_free(priv->opened);
  priv->opened = opened;
  GST_OBJECT_UNLOCK(self);
  if (element != NULL && adopt(self, element))
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
    close_device(self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_wzp_device_unwatch(element);
    set_started(self, FALSE);
  }
  g_rec_mutex_lock(&PRIVATE(self)->swap);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_audio_end_parent_class)->change_state(element, transition);
  g_rec_mutex_unlock(&PRIVATE(self)->swap);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result != GST_STATE_CHANGE_FAILURE) {
    set_started(self, TRUE);
    gst_wzp_device_watch(KIND(self), element, device_told);
    if (is_lost(self)) /* already */
      gst_element_call_async(element, stand_in, NULL, NULL);
  }
  if (transition == GST_STATE_CHANGE_READY_TO_NULL ||
      (transition == GST_STATE_CHANGE_NULL_TO_READY && result == GST_STATE_CHANGE_FAILURE))
    close_device(self);
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
    g_value_take_string(value, dup_name(GST_WZP_AUDIO_END(object)));
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
                          "the system prefers",
                          NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
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
  gst_pad_set_chain_function(PRIVATE(GST_WZP_AUDIO_END(self))->pad, speaker_chain);
}
