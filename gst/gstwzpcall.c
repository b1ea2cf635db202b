/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpcall
 *
 * wzpcall is a whole call in one element: audio in is spoken, audio out is heard. It has a session of its
 * own, so that any number of them can stand in one pipeline. Each pad may stay unlinked: then wzpcall
 * only listens, or only speaks.
 *
 * |[
 * gst-launch-1.0 -e autoaudiosrc ! wzpcall uri=wzp://relay.example/room ! autoaudiosink
 * ]| A telephone.
 * |[
 * gst-launch-1.0 -e wzpcall uri=wzp://relay.example/room microphone=default speaker=default
 * ]| The same with devices of its own: they may be pulled out, echo is cancelled, and speech has the right level.
 * |[
 * gst-launch-1.0 filesrc location=speech.ogg ! decodebin ! audioconvert ! audioresample !
 *     wzpcall uri=wzp://relay.example/room
 * ]| Reads a file to whoever is in the room, from its beginning when the first one comes, at its own pace.
 *
 * Everybody in the room is heard, mixed. A request pad `sender_%u` takes the member of that slot (the message `wzp-peer`
 * names it) out of the mix and gives its sound alone: nothing before it speaks, EOS when it leaves.
 *
 * Live input is not held back: what is said before somebody is there is not sent. With
 * #GstWzpCall:end-on-leave the stream ends, in both directions, when the last other member leaves. When
 * the input ended (a file did), wzpcall listens on until nothing came for #GstWzpCall:end-after-silence.
 */

#include "gstwzpcall.h"
#include "gstwzpcall-chain.h"
#include "gstwzpcall-dial.h"
#include "gstwzpcall-ends.h"
#include "gstwzpcall-inner.h"
#include "gstwzpbranches.h"
#include "gstwzpcontext.h"
#include "gstwzpelements.h"
#include "gstwzpgate.h"
#include "gstwzpquiet.h"
#include <string.h>

GST_DEBUG_CATEGORY(gst_wzp_call_debug);
#define GST_CAT_DEFAULT gst_wzp_call_debug

enum {
  PROP_INNER = GST_WZP_ENDPOINT_N_PROPS,
  PROP_WAIT_FOR_PEER = PROP_INNER + GST_WZP_CALL_INNER_N_PROPS,
  PROP_END_AFTER_SILENCE,
  PROP_DIAL,
  PROP_ENDS = PROP_DIAL + GST_WZP_CALL_DIAL_N_PROPS,
};

#define DEFAULT_WAIT_FOR_PEER TRUE
/* longer than a relay's restart takes the two to find each other again */
#define DEFAULT_END_AFTER_SILENCE 5000

/* The elements of a direction, in the order of the data. */
static const gchar *const send_chain[GST_WZP_CHAIN_MAX] = {
    "audioconvert", "audioresample", "wzpdenoise", "wzpenc", "clocksync",
    "wzpfec",       "wzpcrypt",      "wzpsink",    NULL};
static const gchar *const receive_chain[GST_WZP_CHAIN_MAX] = {
    "wzpsrc", "wzpdemux", "audiomixer", "audioconvert", "audioresample", NULL};
/* Between them stand the branches of the senders. */
#define RECEIVE_DEMUX 1
#define RECEIVE_MIXER 2
/* Echo is cancelled between this and the next one, and between the mixer and the next one. */
#define SEND_RESAMPLE 1

struct _GstWzpCall {
  GstBin parent;
  GstWzpEndpoint endpoint; /* where the call goes, and its session */
  GstContext *context;     /* gives our session to our children, and to nobody else */
  GstPad *sink_pad, *src_pad;
  gulong state_handler;

  GMutex build_lock; /* state changes and pad links may want a chain at the same time. Elements are
                      * made and linked while it is held; not started, and nothing is posted */
  GstWzpChain send, receive;

  GstWzpCallDial *dial;
  GstWzpCallEnds *ends;
  GstWzpCallInner inner;
  GstWzpBranches *branches;
  GstWzpGate *gate; /* before the sending chain: nothing is spoken into an empty room */

  /* the object lock guards */
  guint end_after_silence;
  gboolean wait_for_peer;
  GstWzpQuiet *quiet; /* once our input ended */
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("audio/x-raw"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("audio/x-raw"));
static GstStaticPadTemplate sender_template = GST_STATIC_PAD_TEMPLATE(
    "sender_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS("audio/x-raw"));

G_DEFINE_TYPE_WITH_CODE(GstWzpCall, gst_wzp_call, GST_TYPE_BIN,
                        GST_DEBUG_CATEGORY_INIT(gst_wzp_call_debug, "wzpcall", 0, "WZP call"))
GST_ELEMENT_REGISTER_DEFINE(wzpcall, "wzpcall", GST_RANK_NONE, GST_TYPE_WZP_CALL)

/* --- the two chains --- */

static void
configure_element(GstBin *self, const gchar *factory, GstElement *element)
{
  gst_wzp_call_inner_bind(self, factory, element);
  if (g_str_equal(factory, "wzpsrc") || g_str_equal(factory, "wzpsink")) {
    g_object_bind_property(self, "end-on-leave", element, "end-on-leave", G_BINDING_SYNC_CREATE);
    if (gst_wzp_call_dial_calls_somebody(GST_WZP_CALL(self)->dial))
      g_object_set(element, "end-on-leave", TRUE, NULL);
  } else if (g_str_equal(factory, "wzpenc")) {
    g_object_set(element, "gain-control",
                 gst_wzp_call_ends_has_gain_control(GST_WZP_CALL(self)->ends), NULL);
  } else if (g_str_equal(factory, "clocksync")) {
    g_object_set(element, "sync-to-first", TRUE, NULL);
  } else if (g_str_equal(factory, "wzpjitter")) {
    g_object_set(element, "report-latency", FALSE, NULL); /* voices are mixed by their timestamps */
  }
}

static gboolean
begin_sending(GstWzpCall *self, gboolean stopped)
{
  g_autoptr(GstPad) first = gst_element_get_static_pad(self->send[0], "sink");
  GstElement *pace = gst_wzp_chain_find(self->send, send_chain, "clocksync");
  gst_wzp_gate_place(self->gate, first, pace);
  gst_wzp_call_dial_place(self->dial, gst_wzp_chain_find(self->send, send_chain, "wzpenc"), pace);
  if (!stopped)
    gst_wzp_chain_start(self->send);
  GstElement *microphone = gst_wzp_call_ends_get_microphone(self->ends);
  if (microphone != NULL)
    return gst_element_link(microphone, self->send[0]);
  return gst_ghost_pad_set_target(GST_GHOST_PAD(self->sink_pad), first);
}

static gboolean
begin_receiving(GstWzpCall *self, gboolean stopped)
{
  guint last = g_strv_length((gchar **)receive_chain) - 1;
  g_autoptr(GstPad) pad = gst_element_get_static_pad(self->receive[last], "src");
  gst_wzp_branches_place(self->branches, self->receive[0], self->receive[RECEIVE_DEMUX],
                         self->receive[RECEIVE_MIXER]);
  GstElement *speaker = gst_wzp_call_ends_get_speaker(self->ends);
  gboolean good = speaker != NULL ? gst_element_link(self->receive[last], speaker)
                                  : gst_ghost_pad_set_target(GST_GHOST_PAD(self->src_pad), pad);
  if (!stopped)
    gst_wzp_chain_start(self->receive);
  return good;
}

static gboolean
is_to_send(GstWzpCall *self)
{
  return gst_wzp_call_ends_get_microphone(self->ends) != NULL || gst_pad_is_linked(self->sink_pad);
}

static gboolean
is_to_receive(GstWzpCall *self)
{
  return gst_wzp_call_ends_get_speaker(self->ends) != NULL || gst_pad_is_linked(self->src_pad);
}

/* With build_lock, in state NULL. */
static void
prune(GstWzpCall *self)
{
  if (self->send[0] != NULL && !is_to_send(self)) {
    gst_ghost_pad_set_target(GST_GHOST_PAD(self->sink_pad), NULL);
    gst_wzp_chain_remove(self->send, GST_BIN(self));
    gst_wzp_gate_place(self->gate, NULL, NULL);
  }
  if (self->receive[0] != NULL && !is_to_receive(self)) {
    gst_ghost_pad_set_target(GST_GHOST_PAD(self->src_pad), NULL);
    gst_wzp_branches_place(self->branches, NULL, NULL, NULL);
    gst_wzp_chain_remove(self->receive, GST_BIN(self));
  }
}

/* A direction has its elements only while its pad is linked: an element that gets no data would keep
 * the pipeline from ending. */
static gboolean
build(GstWzpCall *self, gboolean stopped)
{
  const gchar *missing = NULL;
  g_mutex_lock(&self->build_lock);
  if (stopped)
    prune(self);
  gboolean send = self->send[0] == NULL && is_to_send(self);
  gboolean receive = self->receive[0] == NULL && is_to_receive(self);
  if (send)
    missing = gst_wzp_chain_make(self->send, GST_BIN(self), send_chain, 0, self->context,
                                 configure_element);
  if (receive && missing == NULL)
    missing = gst_wzp_chain_make(self->receive, GST_BIN(self), receive_chain, RECEIVE_MIXER,
                                 self->context, configure_element);
  if (stopped && missing == NULL && self->send[0] != NULL && self->receive[0] != NULL)
    missing = gst_wzp_call_ends_cancel_echo(self->ends, self->send + SEND_RESAMPLE,
                                            self->receive + RECEIVE_MIXER);
  g_mutex_unlock(&self->build_lock);
  if (missing == NULL)
    return (!send || begin_sending(self, stopped)) && (!receive || begin_receiving(self, stopped));
  GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN,
                    ("wzpcall needs the element '%s', in a version that fits; is its GStreamer "
                     "package installed?",
                     missing),
                    (NULL));
  return FALSE;
}

/* In state NULL: devices of our own go, and what they fed. */
static void
close_ends(GstWzpCall *self)
{
  gst_wzp_call_ends_close(self->ends);
  g_mutex_lock(&self->build_lock);
  prune(self);
  g_mutex_unlock(&self->build_lock);
}

/* A pad was linked while the call is on (decodebin does that). */
static void
pad_linked(GstPad *pad, GstPad *peer, gpointer data)
{
  (void)pad;
  (void)peer;
  GstWzpCall *self = data;
  if (GST_STATE(self) > GST_STATE_NULL || GST_STATE_NEXT(self) > GST_STATE_NULL)
    build(self, FALSE);
}

static GstElement *
dup_element(GstWzpCall *self, gboolean sending, const gchar *factory)
{
  g_mutex_lock(&self->build_lock);
  GstElement *element = sending ? gst_wzp_chain_find(self->send, send_chain, factory)
                                : gst_wzp_chain_find(self->receive, receive_chain, factory);
  if (element != NULL)
    gst_object_ref(element);
  g_mutex_unlock(&self->build_lock);
  return element;
}

/* --- the end: who spoke from a file listens on only while somebody speaks --- */

static void
stop_quiet(GstWzpCall *self)
{
  GST_OBJECT_LOCK(self);
  GstWzpQuiet *quiet = g_steal_pointer(&self->quiet);
  GST_OBJECT_UNLOCK(self);
  gst_wzp_quiet_stop(quiet);
}

static void
input_ended(GstWzpCall *self)
{
  g_autoptr(GstElement) source = dup_element(self, FALSE, "wzpsrc");
  g_autoptr(GstClock) clock = gst_element_get_clock(GST_ELEMENT(self));
  GST_OBJECT_LOCK(self);
  guint patience = self->end_after_silence;
  GST_OBJECT_UNLOCK(self);
  if (source == NULL || clock == NULL || patience == 0)
    return;
  stop_quiet(self);
  GstWzpQuiet *quiet = gst_wzp_quiet_start(source, clock, patience * GST_MSECOND);
  GST_OBJECT_LOCK(self);
  self->quiet = quiet;
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_call_handle_message(GstBin *bin, GstMessage *message)
{
  GstWzpCall *self = GST_WZP_CALL(bin);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS &&
      !gst_wzp_call_ends_has(self->ends, GST_MESSAGE_SRC(message)))
    input_ended(self); /* the other sink in here is the network's */
  GST_BIN_CLASS(gst_wzp_call_parent_class)->handle_message(bin, message);
}

/* EOS for our sources is EOS for what stands before us, too; waiting for a peer must not hold it up. */
static gboolean
gst_wzp_call_send_event(GstElement *element, GstEvent *event)
{
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
    gst_wzp_gate_end(GST_WZP_CALL(element)->gate);
  return GST_ELEMENT_CLASS(gst_wzp_call_parent_class)->send_event(element, event);
}

/* --- life --- */

/* In the session's thread, and once at the start. */
static void
state_changed(WzpSession *session, GParamSpec *pspec, gpointer data)
{
  (void)pspec;
  if (strcmp(wzp_session_get_state(session), wzp_call_state_name(WZP_CALL_ACTIVE)) == 0)
    gst_wzp_gate_peer_came(GST_WZP_CALL(data)->gate);
}

static gboolean
call_start(GstWzpCall *self)
{
  GST_OBJECT_LOCK(self);
  gboolean wait = self->wait_for_peer;
  GST_OBJECT_UNLOCK(self);
  gst_wzp_gate_begin(self->gate, wait);
  gst_wzp_call_dial_start(self->dial); /* misses no call */
  if (!gst_wzp_endpoint_start(&self->endpoint, NULL))
    return FALSE;
  self->state_handler =
      gst_wzp_endpoint_connect(&self->endpoint, "notify::state", G_CALLBACK(state_changed));
  state_changed(self->endpoint.session, NULL, self);
  return gst_wzp_endpoint_check_configured(&self->endpoint);
}

static void
call_stop(GstWzpCall *self)
{
  if (self->state_handler != 0)
    g_signal_handler_disconnect(self->endpoint.session, self->state_handler);
  self->state_handler = 0;
  gst_wzp_call_dial_stop(self->dial);
  gst_wzp_endpoint_stop(&self->endpoint);
}

static GstStateChangeReturn
gst_wzp_call_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpCall *self = GST_WZP_CALL(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY &&
      (!gst_wzp_call_ends_open(self->ends) || !build(self, TRUE))) {
    close_ends(self);
    return GST_STATE_CHANGE_FAILURE;
  }
  /* the call is first in and last out: the elements in it find it configured, and it speaks for them */
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !call_start(self)) {
    call_stop(self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    gst_wzp_gate_set_playing(self->gate, FALSE);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_call_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING && result != GST_STATE_CHANGE_FAILURE)
    gst_wzp_gate_set_playing(self->gate, TRUE);
  /* not before: until now our input could end. In PAUSED nothing comes, which is no silence; in PLAYING
   * the sink says again that it ended */
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED ||
      transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop_quiet(self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    call_stop(self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_wzp_branches_clear(self->branches);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL ||
      (transition == GST_STATE_CHANGE_NULL_TO_READY && result == GST_STATE_CHANGE_FAILURE))
    close_ends(self);
  /* live even while neither pad is linked yet: a call does not preroll */
  if (result == GST_STATE_CHANGE_SUCCESS && (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                                             transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    return GST_STATE_CHANGE_NO_PREROLL;
  return result;
}

/* Our children take part in our session and in no other one of the pipeline. */
static void
gst_wzp_call_set_context(GstElement *element, GstContext *context)
{
  if (!gst_context_has_context_type(context, WZP_SESSION_CONTEXT))
    GST_ELEMENT_CLASS(gst_wzp_call_parent_class)->set_context(element, context);
}

/* Nor does an element outside find ours through a pad. */
static gboolean
ghost_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (gst_wzp_context_is_query(query))
    return FALSE;
  return gst_pad_query_default(pad, parent, query);
}

/* --- properties --- */

static void
add_quality_stats(GstWzpCall *self, GstStructure *stats)
{
  static const gchar *const fields[] = {"tier",
                                        "reason",
                                        "verdict",
                                        "verdict-text",
                                        "profile",
                                        "uplink-loss",
                                        "limit",
                                        "residual-loss",
                                        "queue-ms",
                                        "downlink-loss",
                                        "path-round-trip",
                                        "drift-ppm",
                                        "tier-steps-down",
                                        "tier-steps-up"};
  g_autoptr(GstElement) protector = dup_element(self, TRUE, "wzpfec");
  g_autoptr(GstStructure) theirs = NULL;
  if (protector != NULL)
    g_object_get(protector, "stats", &theirs, NULL);
  for (guint n = 0; theirs != NULL && n < G_N_ELEMENTS(fields); n++) {
    const GValue *value = gst_structure_get_value(theirs, fields[n]);
    if (value != NULL)
      gst_structure_set_value(stats, fields[n], value);
  }
}

static void
add_audio_stats(GstWzpCall *self, GstStructure *stats)
{
  g_autoptr(GstElement) sealer = dup_element(self, TRUE, "wzpcrypt");
  g_autoptr(GstElement) encoder = dup_element(self, TRUE, "wzpenc");
  g_autoptr(GstStructure) sealed = NULL;
  guint64 sent = 0;
  if (sealer != NULL)
    g_object_get(sealer, "stats", &sealed, NULL);
  if (sealed != NULL)
    gst_structure_get_uint64(sealed, "frames", &sent);
  gst_structure_set(stats, "frames-sent", G_TYPE_UINT64, sent, NULL);
  add_quality_stats(self, stats);
  gst_wzp_call_ends_put_stats(self->ends, encoder, stats);
  gst_wzp_branches_put_stats(self->branches, stats);
}

static void
level_speech(GstWzpCall *self)
{
  g_autoptr(GstElement) encoder = dup_element(self, TRUE, "wzpenc");
  if (encoder != NULL)
    g_object_set(encoder, "gain-control", gst_wzp_call_ends_has_gain_control(self->ends), NULL);
}

static void
gst_wzp_call_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstWzpCall *self = GST_WZP_CALL(object);
  if (gst_wzp_endpoint_set_property(&self->endpoint, id, value) ||
      gst_wzp_call_inner_set_property(&self->inner, id - PROP_INNER, value) ||
      gst_wzp_call_dial_set_property(self->dial, id - PROP_DIAL, value))
    return;
  if (gst_wzp_call_ends_set_property(self->ends, id - PROP_ENDS, value)) {
    level_speech(self);
    return;
  }
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_WAIT_FOR_PEER:
    self->wait_for_peer = g_value_get_boolean(value);
    break;
  case PROP_END_AFTER_SILENCE:
    self->end_after_silence = g_value_get_uint(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_call_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstWzpCall *self = GST_WZP_CALL(object);
  if (gst_wzp_endpoint_get_property(&self->endpoint, id, value)) {
    if (id == GST_WZP_ENDPOINT_PROP_STATS) {
      GstStructure *stats = (GstStructure *)g_value_get_boxed(value);
      gst_structure_set_name(stats, "application/x-wzp-call-stats");
      add_audio_stats(self, stats);
    }
    return;
  }
  if (gst_wzp_call_inner_get_property(&self->inner, id - PROP_INNER, value) ||
      gst_wzp_call_dial_get_property(self->dial, id - PROP_DIAL, value) ||
      gst_wzp_call_ends_get_property(self->ends, id - PROP_ENDS, value))
    return;
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_WAIT_FOR_PEER:
    g_value_set_boolean(value, self->wait_for_peer);
    break;
  case PROP_END_AFTER_SILENCE:
    g_value_set_uint(value, self->end_after_silence);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK(self);
}

/* --- the object --- */

static GstPad *
gst_wzp_call_request_new_pad(GstElement *element, GstPadTemplate *template, const gchar *name,
                             const GstCaps *caps)
{
  (void)caps;
  return gst_wzp_branches_request_pad(GST_WZP_CALL(element)->branches, template, name);
}

static void
gst_wzp_call_release_pad(GstElement *element, GstPad *pad)
{
  gst_wzp_branches_release_pad(GST_WZP_CALL(element)->branches, pad);
}

static GstPad *
add_ghost(GstWzpCall *self, const gchar *name, GstPadTemplate *template)
{
  GstPad *pad = gst_ghost_pad_new_no_target_from_template(name, template);
  gst_pad_set_query_function(pad, ghost_query);
  g_signal_connect(pad, "linked", G_CALLBACK(pad_linked), self);
  gst_element_add_pad(GST_ELEMENT(self), pad);
  return pad; /* the element holds it as long as it lives */
}

static void
gst_wzp_call_init(GstWzpCall *self)
{
  GstElementClass *element_class = GST_ELEMENT_GET_CLASS(self);
  g_mutex_init(&self->build_lock);
  gst_wzp_call_inner_init(&self->inner, GST_ELEMENT(self));
  gst_wzp_endpoint_init(&self->endpoint, GST_ELEMENT(self));
  self->endpoint.session = wzp_session_new();
  self->endpoint.owner = TRUE;
  self->context = gst_wzp_context_new(NULL, self->endpoint.session, TRUE);
  self->branches = gst_wzp_branches_new(GST_BIN(self), self->context, configure_element);
  self->sink_pad =
      add_ghost(self, "sink", gst_element_class_get_pad_template(element_class, "sink"));
  self->src_pad = add_ghost(self, "src", gst_element_class_get_pad_template(element_class, "src"));
  self->ends = gst_wzp_call_ends_new(GST_BIN(self), self->sink_pad, self->src_pad);
  self->gate = gst_wzp_gate_new();
  self->dial = gst_wzp_call_dial_new(GST_ELEMENT(self), &self->endpoint);
}

static void
gst_wzp_call_finalize(GObject *object)
{
  GstWzpCall *self = GST_WZP_CALL(object);
  gst_wzp_gate_free(self->gate);
  gst_wzp_call_dial_free(self->dial);
  gst_wzp_call_ends_free(self->ends);
  gst_wzp_branches_free(self->branches);
  gst_wzp_endpoint_clear(&self->endpoint);
  gst_context_unref(self->context);
  g_mutex_clear(&self->build_lock);
  G_OBJECT_CLASS(gst_wzp_call_parent_class)->finalize(object);
}

static void
install_properties(GObjectClass *object_class)
{
  gst_wzp_endpoint_install_properties(object_class, FALSE);
  gst_wzp_call_inner_class_init(object_class, PROP_INNER);
  g_object_class_install_property(
      object_class, PROP_WAIT_FOR_PEER,
      g_param_spec_boolean("wait-for-peer", "Wait for peer",
                           "Hold what is to be spoken until the first other member is there",
                           DEFAULT_WAIT_FOR_PEER,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS |
                               GST_PARAM_MUTABLE_READY));
  g_object_class_install_property(
      object_class, PROP_END_AFTER_SILENCE,
      g_param_spec_uint("end-after-silence", "End after silence",
                        "When the own input has ended: milliseconds in which nothing comes from "
                        "the others until the output ends too; 0 listens on for ever",
                        0, G_MAXINT, DEFAULT_END_AFTER_SILENCE,
                        G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS |
                            GST_PARAM_MUTABLE_PLAYING));
}

static void
gst_wzp_call_class_init(GstWzpCallClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstBinClass *bin_class = GST_BIN_CLASS(klass);

  object_class->set_property = gst_wzp_call_set_property;
  object_class->get_property = gst_wzp_call_get_property;
  object_class->finalize = gst_wzp_call_finalize;
  install_properties(object_class);
  gst_wzp_call_dial_class_init(object_class, PROP_DIAL);
  gst_wzp_call_ends_class_init(object_class, PROP_ENDS);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_add_static_pad_template(element_class, &sender_template);
  gst_element_class_set_static_metadata(element_class, "WZP call", "Generic/Bin/Network/Audio",
                                        "A whole encrypted voice call: audio in, audio out",
                                        GST_WZP_AUTHOR);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_call_change_state);
  element_class->request_new_pad = GST_DEBUG_FUNCPTR(gst_wzp_call_request_new_pad);
  element_class->release_pad = GST_DEBUG_FUNCPTR(gst_wzp_call_release_pad);
  element_class->send_event = GST_DEBUG_FUNCPTR(gst_wzp_call_send_event);
  element_class->set_context = GST_DEBUG_FUNCPTR(gst_wzp_call_set_context);
  bin_class->handle_message = GST_DEBUG_FUNCPTR(gst_wzp_call_handle_message);
}
