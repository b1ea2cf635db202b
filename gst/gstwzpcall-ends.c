/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpcall-ends.h"
#include <string.h>

#define PREFERRED "default" /* the device that the system prefers */

typedef enum { ECHO_AUTO, ECHO_OFF, ECHO_ON, ECHO_WEBRTC, ECHO_SPEEX } EchoCancel;
typedef enum { GAIN_AUTO, GAIN_OFF, GAIN_ON } GainControl;

/* Where it stands between two elements of the call: one way of two. */
typedef struct {
  GstElement *before, *after; /* of the call; NULL: it is not there */
  GstElement *element;
} Place;

struct _GstWzpCallEnds {
  GstBin *call;
  GstPad *input, *output;

  /* the object lock of the call guards */
  gchar *microphone, *speaker;
  gint echo_cancel, gain_control;

  /* changed in state NULL only */
  GstElement *source, *sink; /* the bin holds them; NULL: they stand outside */
  Place near,
      far; /* of what cancels the echo: one element twice, or two; with the object lock, too */
};

/* --- devices --- */

static GstElement *
open_end(GstWzpCallEnds *self, const gchar *factory, const gchar *property, const gchar *name,
         GstPad *pad)
{
  if (gst_pad_is_linked(pad)) {
    GST_ELEMENT_ERROR(self->call, CORE, PAD,
                      ("wzpcall is to open a %s of its own, but its pad '%s' is linked; leave out "
                       "either.",
                       property, GST_PAD_NAME(pad)),
                      (NULL));
    return NULL;
  }
  GstElement *end = gst_element_factory_make(factory, NULL);
  g_object_set(end, "device", strcmp(name, PREFERRED) == 0 ? NULL : name, NULL);
  gst_bin_add(self->call, end);
  return end;
}

gboolean
gst_wzp_call_ends_open(GstWzpCallEnds *self)
{
  GST_OBJECT_LOCK(self->call);
  g_autofree gchar *microphone = g_strdup(self->microphone), *speaker = g_strdup(self->speaker);
  GST_OBJECT_UNLOCK(self->call);
  if (microphone != NULL && self->source == NULL)
    self->source = open_end(self, "wzpmicrophone", "microphone", microphone, self->input);
  if (speaker != NULL && self->sink == NULL)
    self->sink = open_end(self, "wzpspeaker", "speaker", speaker, self->output);
  return (microphone == NULL || self->source != NULL) && (speaker == NULL || self->sink != NULL);
}

GstElement *
gst_wzp_call_ends_get_microphone(GstWzpCallEnds *self)
{
  return self->source;
}

GstElement *
gst_wzp_call_ends_get_speaker(GstWzpCallEnds *self)
{
  return self->sink;
}

static void
remove_child(GstWzpCallEnds *self, GstElement **child)
{
  GST_OBJECT_LOCK(self->call);
  GstElement *element = g_steal_pointer(child);
  GST_OBJECT_UNLOCK(self->call);
  if (element == NULL)
    return;
  gst_element_set_state(element, GST_STATE_NULL);
  gst_bin_remove(self->call, element);
}

gboolean
gst_wzp_call_ends_has(GstWzpCallEnds *self, GstObject *object)
{
  return self->sink != NULL && (object == GST_OBJECT(self->sink) ||
                                gst_object_has_as_ancestor(object, GST_OBJECT(self->sink)));
}

/* --- echo --- */

static EchoCancel
get_echo_cancel(GstWzpCallEnds *self)
{
  GST_OBJECT_LOCK(self->call);
  EchoCancel mode = (EchoCancel)self->echo_cancel;
  GST_OBJECT_UNLOCK(self->call);
  if (mode == ECHO_AUTO)
    return self->source != NULL && self->sink != NULL ? ECHO_ON : ECHO_OFF;
  return mode;
}

static gboolean
insert(GstWzpCallEnds *self, Place *place, GstElement *const between[2], GstElement *element,
       const gchar *sink, const gchar *src)
{
  GST_OBJECT_LOCK(self->call);
  *place = (Place){between[0], between[1], element};
  GST_OBJECT_UNLOCK(self->call);
  gst_element_unlink(place->before, place->after);
  return gst_element_link_pads(place->before, "src", element, sink) &&
         gst_element_link_pads(element, src, place->after, "sink");
}

static void
take_out(Place *place, const gchar *sink, const gchar *src)
{
  if (place->before == NULL)
    return;
  gst_element_unlink_pads(place->before, "src", place->element, sink);
  gst_element_unlink_pads(place->element, src, place->after, "sink");
  gst_element_link(place->before, place->after);
  place->before = place->after = NULL;
}

static GstElement *
add_child(GstWzpCallEnds *self, const gchar *factory)
{
  GstElement *element = gst_element_factory_make(factory, NULL);
  if (element != NULL)
    gst_bin_add(self->call, element);
  return element;
}

static const gchar *
cancel_by_speex(GstWzpCallEnds *self, GstElement *const near[2], GstElement *const far[2])
{
  GstElement *echo = add_child(self, "wzpecho");
  if (echo == NULL || !insert(self, &self->near, near, echo, "sink", "src") ||
      !insert(self, &self->far, far, echo, "far_sink", "far_src"))
    return "wzpecho";
  return NULL;
}

/* Its other parts stay off: noise and level are cared for elsewhere, once. */
static const gchar *
cancel_by_webrtc(GstWzpCallEnds *self, GstElement *const near[2], GstElement *const far[2])
{
  GstElement *probe = add_child(self, "webrtcechoprobe"), *dsp = add_child(self, "webrtcdsp");
  if (probe == NULL || dsp == NULL)
    return "webrtcdsp";
  g_object_set(dsp, "probe", GST_OBJECT_NAME(probe), "echo-cancel", TRUE, "noise-suppression",
               FALSE, "gain-control", FALSE, "delay-agnostic", TRUE, NULL);
  return insert(self, &self->near, near, dsp, "sink", "src") &&
                 insert(self, &self->far, far, probe, "sink", "src")
             ? NULL
             : "webrtcdsp";
}

static gboolean
has_webrtc(void)
{
  g_autoptr(GstElementFactory) dsp = gst_element_factory_find("webrtcdsp");
  g_autoptr(GstElementFactory) probe = gst_element_factory_find("webrtcechoprobe");
  return dsp != NULL && probe != NULL;
}

const gchar *
gst_wzp_call_ends_cancel_echo(GstWzpCallEnds *self, GstElement *const near[2],
                              GstElement *const far[2])
{
  EchoCancel mode = get_echo_cancel(self);
  if (mode == ECHO_OFF || self->near.before != NULL)
    return NULL;
  if (mode == ECHO_WEBRTC || (mode == ECHO_ON && has_webrtc()))
    return cancel_by_webrtc(self, near, far);
  return cancel_by_speex(self, near, far);
}

void
gst_wzp_call_ends_close(GstWzpCallEnds *self)
{
  gboolean one = self->near.element == self->far.element;
  take_out(&self->near, "sink", "src");
  take_out(&self->far, one ? "far_sink" : "sink", one ? "far_src" : "src");
  GST_OBJECT_LOCK(self->call);
  if (one)
    self->far.element = NULL;
  GST_OBJECT_UNLOCK(self->call);
  remove_child(self, &self->near.element);
  remove_child(self, &self->far.element);
  remove_child(self, &self->source);
  remove_child(self, &self->sink);
}

/* --- gain --- */

gboolean
gst_wzp_call_ends_has_gain_control(GstWzpCallEnds *self)
{
  GST_OBJECT_LOCK(self->call);
  gboolean on = self->gain_control == GAIN_ON ||
                (self->gain_control == GAIN_AUTO && self->microphone != NULL);
  GST_OBJECT_UNLOCK(self->call);
  return on;
}

/* --- counters --- */

static void
copy_fields(GstElement *from, const gchar *const pairs[][2], guint n, GstStructure *stats)
{
  g_autoptr(GstStructure) theirs = NULL;
  g_object_get(from, "stats", &theirs, NULL);
  for (guint i = 0; theirs != NULL && i < n; i++) {
    const GValue *value = gst_structure_get_value(theirs, pairs[i][0]);
    if (value != NULL)
      gst_structure_set_value(stats, pairs[i][1], value);
  }
}

void
gst_wzp_call_ends_put_stats(GstWzpCallEnds *self, GstElement *encoder, GstStructure *stats)
{
  static const gchar *const echo_fields[][2] = {{"reduction-db", "echo-reduction-db"},
                                                {"late-ms", "echo-late-ms"}};
  static const gchar *const gain_fields[][2] = {{"gain-db", "gain-db"}, {"speech-db", "speech-db"}};
  GST_OBJECT_LOCK(self->call);
  g_autoptr(GstElement) canceller =
      self->near.element != NULL ? gst_object_ref(self->near.element) : NULL;
  GST_OBJECT_UNLOCK(self->call);
  const gchar *name = "off";
  if (canceller != NULL)
    name = GST_OBJECT_NAME(gst_element_get_factory(canceller));
  gst_structure_set(stats, "echo-canceller", G_TYPE_STRING, name, NULL);
  if (strcmp(name, "wzpecho") == 0) /* webrtcdsp says nothing */
    copy_fields(canceller, echo_fields, G_N_ELEMENTS(echo_fields), stats);
  if (encoder != NULL && gst_wzp_call_ends_has_gain_control(self))
    copy_fields(encoder, gain_fields, G_N_ELEMENTS(gain_fields), stats);
}

/* --- properties --- */

static GType
echo_cancel_type(void)
{
  static const GEnumValue values[] = {
      {ECHO_AUTO, "While the call has a microphone and a speaker of its own", "auto"},
      {ECHO_OFF, "Never", "off"},
      {ECHO_ON, "By webrtcdsp, where gst-plugins-bad is installed, otherwise by wzpecho", "on"},
      {ECHO_WEBRTC, "By webrtcdsp", "webrtc"},
      {ECHO_SPEEX, "By wzpecho", "speex"},
      {0, NULL, NULL},
  };
  static gsize type = 0;
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpEchoCancel", values));
  return type;
}

static GType
gain_control_type(void)
{
  static const GEnumValue values[] = {
      {GAIN_AUTO, "While the call has a microphone of its own", "auto"},
      {GAIN_OFF, "Never", "off"},
      {GAIN_ON, "Always", "on"},
      {0, NULL, NULL},
  };
  static gsize type = 0;
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpGainControl", values));
  return type;
}

static gchar **
text_of(GstWzpCallEnds *self, guint n)
{
  return n == GST_WZP_CALL_ENDS_PROP_MICROPHONE ? &self->microphone
         : n == GST_WZP_CALL_ENDS_PROP_SPEAKER  ? &self->speaker
                                                : NULL;
}

static gint *
choice_of(GstWzpCallEnds *self, guint n)
{
  return n == GST_WZP_CALL_ENDS_PROP_ECHO_CANCEL ? &self->echo_cancel : &self->gain_control;
}

gboolean
gst_wzp_call_ends_set_property(GstWzpCallEnds *self, guint n, const GValue *value)
{
  if (n >= GST_WZP_CALL_ENDS_N_PROPS)
    return FALSE;
  gchar **text = text_of(self, n);
  GST_OBJECT_LOCK(self->call);
  if (text != NULL) {
    g_free(*text);
    *text = g_value_dup_string(value);
  } else {
    *choice_of(self, n) = g_value_get_enum(value);
  }
  GST_OBJECT_UNLOCK(self->call);
  return TRUE;
}

gboolean
gst_wzp_call_ends_get_property(GstWzpCallEnds *self, guint n, GValue *value)
{
  if (n >= GST_WZP_CALL_ENDS_N_PROPS)
    return FALSE;
  gchar **text = text_of(self, n);
  GST_OBJECT_LOCK(self->call);
  if (text != NULL)
    g_value_set_string(value, *text);
  else
    g_value_set_enum(value, *choice_of(self, n));
  GST_OBJECT_UNLOCK(self->call);
  return TRUE;
}

void
gst_wzp_call_ends_class_init(GObjectClass *klass, guint first)
{
  /* not MUTABLE_READY: devices are opened on the way there */
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  g_object_class_install_property(
      klass, first + GST_WZP_CALL_ENDS_PROP_MICROPHONE,
      g_param_spec_string("microphone", "Microphone",
                          "Speak by a device of this name, or the only one that has it in its "
                          "name; 'default' is the one that the system prefers. Unset: what is "
                          "spoken comes through the pad 'sink'",
                          NULL, flags));
  g_object_class_install_property(
      klass, first + GST_WZP_CALL_ENDS_PROP_SPEAKER,
      g_param_spec_string("speaker", "Speaker",
                          "Listen by a device of this name, or the only one that has it in its "
                          "name; 'default' is the one that the system prefers. Unset: what is "
                          "heard goes to the pad 'src'",
                          NULL, flags));
  g_object_class_install_property(
      klass, first + GST_WZP_CALL_ENDS_PROP_ECHO_CANCEL,
      g_param_spec_enum("echo-cancel", "Echo cancelling",
                        "Whether what is heard is taken out of what is spoken; taken up when the "
                        "call leaves NULL",
                        echo_cancel_type(), ECHO_AUTO, flags));
  g_object_class_install_property(
      klass, first + GST_WZP_CALL_ENDS_PROP_GAIN_CONTROL,
      g_param_spec_enum("gain-control", "Gain control",
                        "Whether the level of speech is brought between -26 and -23 dB of full "
                        "scale",
                        gain_control_type(), GAIN_AUTO,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  gst_type_mark_as_plugin_api(echo_cancel_type(), 0);
  gst_type_mark_as_plugin_api(gain_control_type(), 0);
}

GstWzpCallEnds *
gst_wzp_call_ends_new(GstBin *call, GstPad *input, GstPad *output)
{
  GstWzpCallEnds *self = g_new0(GstWzpCallEnds, 1);
  self->call = call;
  self->input = input;
  self->output = output;
  return self;
}

void
gst_wzp_call_ends_free(GstWzpCallEnds *self)
{
  g_free(self->microphone);
  g_free(self->speaker);
  g_free(self);
}
