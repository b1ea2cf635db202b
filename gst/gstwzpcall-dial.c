/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpcall-dial.h"
#include "gstwzpmeta.h"
#include "wzp/comfort-noise.h"
#include "wzp/profile.h"
#include <string.h>

/* Signals are emitted from the session's thread, actions are taken from any. What is muted or on hold stops
 * before repair is made: that of later packets must not speak of it. */

struct _GstWzpCallDial {
  GstElement *call;
  GstWzpEndpoint *endpoint;
  gulong handler;
  gint muted, held, held_there;             /* atomic: of the call that is on */
  gint switches[GST_WZP_CALL_DIAL_N_PROPS]; /* atomic: the properties that are booleans */
  gboolean said_silence;                    /* streaming thread */
};

enum { SIGNAL_INCOMING_CALL, SIGNAL_CALL_EVENT, N_SIGNALS };
static guint signals[N_SIGNALS];

static GQuark
dial_quark(void)
{
  return g_quark_from_static_string("gst-wzp-call-dial");
}

static GstWzpCallDial *
dial_of(GstElement *call)
{
  return g_object_get_qdata(G_OBJECT(call), dial_quark());
}

/* --- actions --- */

static gboolean
act(GstElement *call, const WzpSessionAction *action)
{
  GstWzpCallDial *self = dial_of(call);
  g_autoptr(WzpSession) session = gst_wzp_endpoint_dup_session(self->endpoint);
  return session != NULL && wzp_session_call_act(session, action);
}

static gboolean
accept_call(GstElement *call, const gchar *id, WzpAcceptMode mode)
{
  const WzpSessionAction action = {.type = WZP_SESSION_ACCEPT, .id = id, .mode = mode};
  return act(call, &action);
}

/* reason: "busy", or anything else for declined. */
static gboolean
decline_call(GstElement *call, const gchar *id, const gchar *reason)
{
  const WzpSessionAction action = {
      .type = WZP_SESSION_DECLINE,
      .id = id,
      .end = g_strcmp0(reason, "busy") == 0 ? WZP_END_BUSY : WZP_END_DECLINED,
  };
  return act(call, &action);
}

static gboolean
hang_up(GstElement *call, const gchar *id)
{
  const WzpSessionAction action = {.type = WZP_SESSION_HANG_UP, .id = id};
  return act(call, &action);
}

static gboolean
set_silent(GstElement *call, gint *silent, const WzpSessionAction *action)
{
  if (action->on)
    g_atomic_int_set(silent, TRUE);
  gboolean good = act(call, action);
  if (!action->on || !good)
    g_atomic_int_set(silent, FALSE);
  return good;
}

static gboolean
hold(GstElement *call, gboolean on)
{
  const WzpSessionAction action = {.type = WZP_SESSION_HOLD, .on = on};
  return set_silent(call, &dial_of(call)->held, &action);
}

static gboolean
mute(GstElement *call, gboolean on)
{
  const WzpSessionAction action = {.type = WZP_SESSION_MUTE, .on = on};
  return set_silent(call, &dial_of(call)->muted, &action);
}

static gboolean
act_on_person(GstElement *call, const gchar *whom, WzpSessionAction *action)
{
  GstWzpCallDial *self = dial_of(call);
  g_autoptr(GError) error = NULL;
  GST_OBJECT_LOCK(call);
  g_autofree gchar *contacts = g_strdup(self->endpoint->contacts);
  GST_OBJECT_UNLOCK(call);
  if (whom != NULL && wzp_session_find_person(contacts, whom, NULL, &action->person, &error))
    return act(call, action);
  if (error != NULL)
    gst_element_message_full(call, GST_MESSAGE_WARNING, error->domain, error->code,
                             g_strdup(error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
  return FALSE;
}

static gboolean
transfer(GstElement *call, const gchar *whom)
{
  WzpSessionAction action = {.type = WZP_SESSION_TRANSFER};
  return act_on_person(call, whom, &action);
}

static gboolean
dial(GstElement *call, const gchar *whom)
{
  WzpSessionAction action = {.type = WZP_SESSION_DIAL};
  return act_on_person(call, whom, &action);
}

/* --- events --- */

static gboolean
get_switch(GstWzpCallDial *self, guint n)
{
  return g_atomic_int_get(&self->switches[n]);
}

static gboolean
is_silent(GstWzpCallDial *self)
{
  return g_atomic_int_get(&self->muted) || g_atomic_int_get(&self->held) ||
         g_atomic_int_get(&self->held_there) || get_switch(self, GST_WZP_CALL_DIAL_PROP_MUTE) ||
         (get_switch(self, GST_WZP_CALL_DIAL_PROP_PUSH_TO_TALK) &&
          !get_switch(self, GST_WZP_CALL_DIAL_PROP_TALK));
}

/* No trace of what was said meanwhile stays in the encoder. */
static GstPadProbeReturn
blank(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  if (!is_silent(data))
    return GST_PAD_PROBE_OK;
  GstBuffer *buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  gst_buffer_memset(buffer, 0, 0, gst_buffer_get_size(buffer));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  return GST_PAD_PROBE_OK;
}

/* A room in which nothing sounds, in the place of a frame. */
static GstBuffer *
silence_for(GstBuffer *frame)
{
  guint8 descriptor[WZP_COMFORT_SIZE];
  wzp_comfort_write_nothing(descriptor);
  GstBuffer *silence = gst_buffer_new_memdup(descriptor, sizeof descriptor);
  gst_buffer_copy_into(silence, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_wzp_meta_copy(silence, frame);
  gst_wzp_meta_get(silence)->code = WZP_CODE_COMFORT_NOISE;
  return silence;
}

/* Behind what paces a file: it goes on as fast as somebody speaks, heard or not. The others are told, once, that this is
 * silence, and take it for no loss; in it goes what repair still owes them. */
static GstPadProbeReturn
fall_silent(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstWzpCallDial *self = data;
  GstBuffer *frame = GST_PAD_PROBE_INFO_BUFFER(info);
  gboolean spoke = !self->said_silence;
  self->said_silence = is_silent(self);
  if (!self->said_silence)
    return GST_PAD_PROBE_OK;
  if (spoke) {
    GST_PAD_PROBE_INFO_DATA(info) = silence_for(frame);
    gst_buffer_unref(frame);
    return GST_PAD_PROBE_OK;
  }
  if (GST_BUFFER_PTS_IS_VALID(frame))
    gst_pad_push_event(pad, gst_event_new_gap(GST_BUFFER_PTS(frame), GST_BUFFER_DURATION(frame)));
  return GST_PAD_PROBE_DROP;
}

static void
add_probe(GstElement *element, const gchar *name, GstPadProbeCallback probe, GstWzpCallDial *self)
{
  g_autoptr(GstPad) pad = gst_element_get_static_pad(element, name);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, probe, self, NULL);
}

void
gst_wzp_call_dial_place(GstWzpCallDial *self, GstElement *encoder, GstElement *pace)
{
  add_probe(encoder, "sink", blank, self);
  self->said_silence = TRUE; /* nothing was spoken yet */
  add_probe(pace, "src", fall_silent, self);
}

/* In the session's thread. */
static void
call_event(WzpSession *session, const GstStructure *event, gpointer call)
{
  GstWzpCallDial *self = dial_of(call);
  const gchar *name = gst_structure_get_string(event, "event");
  (void)session;
  if (strcmp(name, "ended") == 0) { /* the next one begins as it should */
    g_atomic_int_set(&self->muted, FALSE);
    g_atomic_int_set(&self->held, FALSE);
    g_atomic_int_set(&self->held_there, FALSE);
  }
  gboolean on;
  if (strcmp(name, "hold") == 0 && gst_structure_get_boolean(event, "on", &on))
    g_atomic_int_set(&self->held_there, on);
  const WzpSessionAction muted = {.type = WZP_SESSION_MUTE, .on = TRUE};
  if (strcmp(name, "accepted") == 0 && get_switch(self, GST_WZP_CALL_DIAL_PROP_MUTE))
    act(call, &muted); /* it was set before the call */
  if (strcmp(name, "accepted") == 0 || strcmp(name, "ended") == 0 || strcmp(name, "proven") == 0)
    g_object_notify(G_OBJECT(call), "sas");
  g_signal_emit(call, signals[SIGNAL_CALL_EVENT], 0, event);
  if (strcmp(name, "incoming") == 0)
    g_signal_emit(
        call, signals[SIGNAL_INCOMING_CALL], 0, gst_structure_get_string(event, "fingerprint"),
        gst_structure_get_string(event, "name"), gst_structure_get_string(event, "call-id"));
}

void
gst_wzp_call_dial_start(GstWzpCallDial *self)
{
  self->muted = self->held = self->held_there = FALSE;
  self->handler = gst_wzp_endpoint_connect(self->endpoint, "call-event", G_CALLBACK(call_event));
}

void
gst_wzp_call_dial_stop(GstWzpCallDial *self)
{
  if (self->handler != 0)
    g_signal_handler_disconnect(self->endpoint->session, self->handler);
  self->handler = 0;
}

gboolean
gst_wzp_call_dial_calls_somebody(GstWzpCallDial *self)
{
  GST_OBJECT_LOCK(self->call);
  gboolean somebody = self->endpoint->uri != NULL && self->endpoint->uri->callee != NULL;
  GST_OBJECT_UNLOCK(self->call);
  return somebody;
}

/* --- properties --- */

static gchar **
text_of(GstWzpCallDial *self, guint n)
{
  return n == GST_WZP_CALL_DIAL_PROP_CONTACTS    ? &self->endpoint->contacts
         : n == GST_WZP_CALL_DIAL_PROP_PEER_NAME ? &self->endpoint->peer_name
                                                 : NULL;
}

static gboolean
is_switch(guint n)
{
  return n >= GST_WZP_CALL_DIAL_PROP_MUTE && n <= GST_WZP_CALL_DIAL_PROP_TALK;
}

static void
set_switch(GstWzpCallDial *self, guint n, gboolean on)
{
  const WzpSessionAction action = {.type = WZP_SESSION_MUTE, .on = on};
  g_atomic_int_set(&self->switches[n], on);
  if (n == GST_WZP_CALL_DIAL_PROP_MUTE)
    act(self->call, &action); /* the other side of a dialled call is told, if there is one */
}

gboolean
gst_wzp_call_dial_set_property(GstWzpCallDial *self, guint n, const GValue *value)
{
  gchar **text = text_of(self, n);
  if (is_switch(n)) {
    set_switch(self, n, g_value_get_boolean(value));
    return TRUE;
  }
  if (text == NULL)
    return FALSE;
  GST_OBJECT_LOCK(self->call);
  g_free(*text);
  *text = g_value_dup_string(value);
  GST_OBJECT_UNLOCK(self->call);
  return TRUE;
}

gboolean
gst_wzp_call_dial_get_property(GstWzpCallDial *self, guint n, GValue *value)
{
  gchar **text = text_of(self, n);
  if (n >= GST_WZP_CALL_DIAL_N_PROPS)
    return FALSE;
  if (is_switch(n)) {
    g_value_set_boolean(value, get_switch(self, n));
    return TRUE;
  }
  if (n == GST_WZP_CALL_DIAL_PROP_SAS) {
    g_autoptr(WzpSession) session = gst_wzp_endpoint_dup_session(self->endpoint);
    g_value_take_string(value, session != NULL ? wzp_session_dup_sas(session) : NULL);
    return TRUE;
  }
  if (text == NULL)
    return FALSE;
  GST_OBJECT_LOCK(self->call);
  g_value_set_string(value, *text);
  GST_OBJECT_UNLOCK(self->call);
  return TRUE;
}

/* --- the class --- */

static void
install_properties(GObjectClass *klass, guint first)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  g_object_class_install_property(
      klass, first + GST_WZP_CALL_DIAL_PROP_CONTACTS,
      g_param_spec_string("contacts", "Contacts",
                          "Path of the file of people that were met. Unset: wzp/contacts in the "
                          "user's configuration folder",
                          NULL, flags));
  g_object_class_install_property(
      klass, first + GST_WZP_CALL_DIAL_PROP_PEER_NAME,
      g_param_spec_string(
          "peer-name", "Peer's name",
          "What the one is called whom the URI calls, or who alone shall be in its room: the call "
          "stops when a contact of this name has another key, and a new contact gets the name",
          NULL, flags));
  g_object_class_install_property(
      klass, first + GST_WZP_CALL_DIAL_PROP_SAS,
      g_param_spec_string("sas", "Short authentication string",
                          "Three words and six digits of the call that is on: both sides have the "
                          "same ones, unless somebody sits between them",
                          NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
install_switches(GObjectClass *klass, guint first)
{
  static const struct {
    const gchar *name, *nick, *blurb;
  } switches[] = {
      {"mute", "Mute", "Nothing that is spoken is sent; it stays so from call to call"},
      {"push-to-talk", "Push to talk", "What is spoken is sent only while talk is true"},
      {"talk", "Talk", "The key of push-to-talk is down"},
  };
  for (guint n = 0; n < G_N_ELEMENTS(switches); n++)
    g_object_class_install_property(
        klass, first + GST_WZP_CALL_DIAL_PROP_MUTE + n,
        g_param_spec_boolean(switches[n].name, switches[n].nick, switches[n].blurb, FALSE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                 GST_PARAM_MUTABLE_PLAYING));
}

static void
add_action(GObjectClass *klass, const gchar *name, GCallback handler, guint n, GType first,
           GType second)
{
  g_signal_new_class_handler(name, G_OBJECT_CLASS_TYPE(klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
                             handler, NULL, NULL, NULL, G_TYPE_BOOLEAN, n, first, second);
}

void
gst_wzp_call_dial_class_init(GObjectClass *klass, guint first)
{
  GType type = G_OBJECT_CLASS_TYPE(klass);
  install_properties(klass, first);
  install_switches(klass, first);
  signals[SIGNAL_INCOMING_CALL] =
      g_signal_new("incoming-call", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                   G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
  signals[SIGNAL_CALL_EVENT] = g_signal_new("call-event", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                            NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  add_action(klass, "accept", G_CALLBACK(accept_call), 2, G_TYPE_STRING, GST_WZP_TYPE_ACCEPT_MODE);
  add_action(klass, "decline", G_CALLBACK(decline_call), 2, G_TYPE_STRING, G_TYPE_STRING);
  add_action(klass, "hangup", G_CALLBACK(hang_up), 1, G_TYPE_STRING, G_TYPE_NONE);
  add_action(klass, "hold", G_CALLBACK(hold), 1, G_TYPE_BOOLEAN, G_TYPE_NONE);
  add_action(klass, "mute", G_CALLBACK(mute), 1, G_TYPE_BOOLEAN, G_TYPE_NONE);
  add_action(klass, "transfer", G_CALLBACK(transfer), 1, G_TYPE_STRING, G_TYPE_NONE);
  add_action(klass, "dial", G_CALLBACK(dial), 1, G_TYPE_STRING, G_TYPE_NONE);
}

GstWzpCallDial *
gst_wzp_call_dial_new(GstElement *call, GstWzpEndpoint *endpoint)
{
  GstWzpCallDial *self = g_new0(GstWzpCallDial, 1);
  self->call = call;
  self->endpoint = endpoint;
  endpoint->dials = TRUE;
  g_object_set_qdata(G_OBJECT(call), dial_quark(), self);
  return self;
}

void
gst_wzp_call_dial_free(GstWzpCallDial *self)
{
  g_free(self);
}
