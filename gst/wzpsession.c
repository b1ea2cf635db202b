/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include <sodium.h>
#include <string.h>

GST_DEBUG_CATEGORY(wzp_session_debug);
#define GST_CAT_DEFAULT wzp_session_debug

enum { PROP_0, PROP_STATE };

static guint member_left_signal, call_event_signal;

G_DEFINE_FINAL_TYPE_WITH_CODE(WzpSession, wzp_session, G_TYPE_OBJECT,
                              GST_DEBUG_CATEGORY_INIT(wzp_session_debug, "wzpsession", 0,
                                                      "WZP client session"))

/* --- life: `life` is held --- */

static void
forget_stats(WzpSession *self)
{
  self->last_stats = (WzpCallStats){.round_trip = -1};
  self->last_path = (WzpPathStats){.round_trip = -1,
                                   .renewal = -1,
                                   .loss = -1,
                                   .peer_loss = -1,
                                   .relay_loss = -1,
                                   .peer_relay_loss = -1};
}

static void
reset_run(WzpSession *self)
{
  self->resolving = self->resolved = self->connected = self->warned = self->failed = FALSE;
  self->talked = FALSE;
  self->had_pin = self->has_pinned = FALSE;
  self->resolve_again = self->code_at = WZP_NEVER;
  memset(self->code_told, 0, sizeof self->code_told);
  self->n_remotes = 0;
  self->stream_warned = FALSE;
  self->episode = g_get_monotonic_time();
  wzp_board_clear(self->board);
  g_mutex_lock(&self->lock);
  self->state = WZP_CALL_CONNECTING;
  self->started = FALSE;
  self->quit_at = self->leave_at = WZP_NEVER;
  self->last_sent = 0;
  self->own_slot = -1;
  self->sealed_timestamp = 0;
  self->sealed_at = self->episode;
  self->armed = WZP_NEVER;
  memset(&self->counters, 0, sizeof self->counters);
  memset(&self->last_udp, 0, sizeof self->last_udp);
  memset(&self->past_streams, 0, sizeof self->past_streams);
  forget_stats(self);
  g_clear_pointer(&self->last_peers, g_strfreev);
  g_clear_pointer(&self->fingerprint, g_free);
  g_mutex_unlock(&self->lock);
}

static gboolean
session_start(WzpSession *self, const WzpSessionConfig *config, GError **error)
{
  WzpCallConfig *call = sodium_malloc(sizeof *call); /* holds room secret or psk */
  memset(call, 0, sizeof *call);
  call->random = wzp_random_system();
  reset_run(self);
  wzp_session_copy_config(self, config);
  g_autoptr(GError) reason = NULL;
  gboolean good = wzp_session_load(self, config, call, error);
  if (good && (self->sockets = wzp_udp_new(config->local_port, &reason)) == NULL)
    good = wzp_session_refuse(error, GST_RESOURCE_ERROR_OPEN_READ_WRITE, "%s.", reason->message);
  if (good) {
    g_mutex_lock(&self->lock);
    self->call = wzp_call_new(call);
    self->configured = TRUE;
    g_mutex_unlock(&self->lock);
    wzp_session_attach_sources(self);
    self->thread = g_thread_new("wzp-session", wzp_session_thread, self);
  } else {
    wzp_session_forget_config(self);
  }
  sodium_free(call);
  return good;
}

static void
session_stop(WzpSession *self)
{
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  g_strfreev(self->last_peers);
  self->last_peers = wzp_session_dup_peers_locked(self);
  self->quit_at = now;
  if (self->started && self->state != WZP_CALL_ENDED) {
    self->quit_at =
        now +
        (self->stream != NULL ? WZP_SESSION_TLS_LEAVE_MSEC : WZP_SESSION_LEAVE_MSEC) * WZP_MSEC;
    self->leave_at = self->last_sent + WZP_SESSION_LINGER_MSEC * WZP_MSEC;
  }
  wzp_session_wake_locked(self, 0);
  g_mutex_unlock(&self->lock);
  g_thread_join(g_steal_pointer(&self->thread));
  wzp_session_close_stream(self);
  wzp_session_detach_sources(self);
  g_mutex_lock(&self->lock);
  wzp_call_get_stats(self->call, &self->last_stats);
  wzp_udp_get_stats(self->sockets, &self->last_udp);
  g_clear_pointer(&self->call, wzp_call_free);
  g_queue_clear_full(&self->pending, g_free);
  self->configured = self->started = FALSE;
  self->state = WZP_CALL_IDLE;
  g_mutex_unlock(&self->lock);
  wzp_session_forget_config(self);
}

static void
replace_inboxes_locked(WzpSession *self, GstWzpInbox *add, GstElement *without)
{
  GPtrArray *inboxes = g_ptr_array_new_with_free_func((GDestroyNotify)gst_wzp_inbox_unref);
  for (guint n = 0; n < self->inboxes->len; n++) {
    GstWzpInbox *inbox = g_ptr_array_index(self->inboxes, n);
    if (without == NULL || gst_wzp_inbox_owner(inbox) != without)
      g_ptr_array_add(inboxes, gst_wzp_inbox_ref(inbox));
  }
  if (add != NULL)
    g_ptr_array_add(inboxes, gst_wzp_inbox_ref(add));
  g_ptr_array_unref(self->inboxes);
  self->inboxes = inboxes;
}

gboolean
wzp_session_join(WzpSession *self, GstElement *element, GstWzpInbox *inbox,
                 const WzpSessionConfig *config, GError **error)
{
  g_return_val_if_fail(WZP_IS_SESSION(self) && GST_IS_ELEMENT(element), FALSE);
  gboolean good = TRUE;
  g_mutex_lock(&self->life);
  if (config != NULL && self->thread != NULL)
    good = wzp_session_check_config(self, config, error);
  if (good) {
    g_mutex_lock(&self->lock);
    self->users = g_list_append(self->users, element);
    if (inbox != NULL)
      replace_inboxes_locked(self, inbox, NULL);
    g_mutex_unlock(&self->lock);
  }
  if (good && config != NULL && self->thread == NULL)
    good = session_start(self, config, error);
  g_mutex_unlock(&self->life);
  if (!good)
    wzp_session_leave(self, element);
  return good;
}

void
wzp_session_leave(WzpSession *self, GstElement *element)
{
  g_return_if_fail(WZP_IS_SESSION(self));
  g_mutex_lock(&self->life);
  g_mutex_lock(&self->lock);
  gboolean last = self->users != NULL && self->users->next == NULL && self->users->data == element;
  g_mutex_unlock(&self->lock);
  /* the last one stays listed, so that the end can still be told */
  if (last && self->thread != NULL)
    session_stop(self);
  g_mutex_lock(&self->lock);
  self->users = g_list_remove(self->users, element);
  replace_inboxes_locked(self, NULL, element);
  g_mutex_unlock(&self->lock);
  g_mutex_unlock(&self->life);
}

gboolean
wzp_session_is_configured(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  gboolean configured = self->configured;
  g_mutex_unlock(&self->lock);
  return configured;
}

/* --- the media path --- */

void
wzp_session_wake_locked(WzpSession *self, WzpTime when)
{
  /* later than armed: the thread finds out when it wakes */
  if (self->timer == NULL || when >= self->armed)
    return;
  self->armed = when;
  if (!g_main_context_is_owner(self->context)) /* else it looks before it sleeps */
    g_main_context_wakeup(self->context);
}

void
wzp_session_drain_locked(WzpSession *self, WzpTime now)
{
  while (wzp_call_poll(self->call, now, &self->scratch))
    g_queue_push_tail(&self->pending, g_memdup2(&self->scratch, sizeof self->scratch));
  wzp_session_wake_locked(self,
                          g_queue_is_empty(&self->pending) ? wzp_call_next_timeout(self->call) : 0);
}

/* FALSE: stale, its maker did not know yet of a packet that went in between. */
static gboolean
take_position_locked(WzpSession *self, guint64 position)
{
  if (position == WZP_SESSION_UNPLACED) {
    self->unplaced++;
    self->unplaced_since++;
    self->next_position++;
    return TRUE;
  }
  if (self->placed && position < self->next_position &&
      self->next_position - position <= self->unplaced_since)
    return FALSE;
  if (self->placed && position > self->next_position)
    wzp_call_leave_out(self->call, (guint)MIN(position - self->next_position, G_MAXUINT));
  self->placed = TRUE;
  self->next_position = position + 1;
  self->unplaced_since = 0;
  return TRUE;
}

guint64
wzp_session_count_unplaced(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  guint64 count = self->unplaced;
  g_mutex_unlock(&self->lock);
  return count;
}

WzpResult
wzp_session_seal(WzpSession *self, guint64 position, guint8 code, guint32 timestamp, guint8 flags,
                 gboolean gap, gconstpointer plain, gsize length, guint8 *out, gsize capacity,
                 gsize *out_length, WzpHeader *header)
{
  WzpTime now = g_get_monotonic_time();
  WzpResult result = WZP_NOT_CONNECTED;
  g_mutex_lock(&self->lock);
  if (self->started && !take_position_locked(self, position)) {
    result = WZP_TOO_OLD;
    self->counters.drops[result]++;
  } else if (self->started) {
    result = wzp_call_seal(self->call, now, code, timestamp, flags, gap, plain, length, out,
                           capacity, out_length, header);
    if (result == WZP_OK)
      wzp_session_note_sealed_locked(self, now, header, timestamp);
    wzp_session_drain_locked(self, now);
  } else {
    self->counters.drops[result]++;
  }
  g_mutex_unlock(&self->lock);
  return result;
}

WzpResult
wzp_session_open(WzpSession *self, gconstpointer packet, gsize length, guint8 *out,
                 gsize *out_length, WzpOpened *opened)
{
  WzpTime now = g_get_monotonic_time();
  WzpResult result = WZP_NOT_CONNECTED;
  g_mutex_lock(&self->lock);
  if (self->started) {
    result = wzp_call_open(self->call, now, packet, length, out, out_length, opened);
    wzp_session_drain_locked(self, now);
  } else {
    self->counters.drops[result]++;
  }
  g_mutex_unlock(&self->lock);
  return result;
}

#define SEND_BATCH 16

static guint
frame_locked(WzpSession *self, WzpTime now, const WzpSessionPacket *packet,
             guint8 bytes[WZP_DATAGRAM_MAX], WzpUdpDatagram *datagram)
{
  WzpResult result = WZP_NOT_CONNECTED;
  datagram->data = bytes;
  if (packet->length > WZP_DATAGRAM_MAX - WZP_TRAILER_SIZE)
    self->counters.drops[result = WZP_TOO_LONG]++;
  else if (self->started)
    result = wzp_call_frame_media(self->call, now, packet->data, packet->length, bytes,
                                  &datagram->length, &datagram->to);
  else
    self->counters.drops[result]++;
  if (result != WZP_OK)
    return 0;
  self->counters.packets_sent++;
  self->last_sent = now;
  return 1;
}

/* Each goes where the path wants it; direct[i]: by which agent too, or NULL. */
static guint
route_locked(WzpSession *self, WzpTime now, const WzpSessionPacket *packet, WzpAgent **direct,
             guint8 bytes[WZP_DATAGRAM_MAX], WzpUdpDatagram *datagram)
{
  guint16 k;
  unsigned ways = self->started ? wzp_call_route(self->call, now, &k) : WZP_WAY_RELAY;
  *direct = ways & WZP_WAY_DIRECT ? wzp_session_ref_agent_locked(self, k) : NULL;
  if (*direct == NULL || ways & WZP_WAY_RELAY)
    return frame_locked(self, now, packet, bytes, datagram);
  self->counters.packets_sent++;
  self->last_sent = now;
  return 0;
}

static void
send_direct(WzpSession *self, WzpAgent *agent, const WzpSessionPacket *packet)
{
  gboolean sent = wzp_agent_send(agent, packet->data, packet->length);
  g_mutex_lock(&self->lock);
  wzp_session_count_direct_locked(self, agent, packet->length, sent);
  g_mutex_unlock(&self->lock);
  wzp_agent_unref(agent);
}

void
wzp_session_send(WzpSession *self, const WzpSessionPacket *packets, guint n)
{
  guint8 bytes[SEND_BATCH][WZP_DATAGRAM_MAX] __attribute__((uninitialized)); /* 24 KB a packet */
  WzpUdpDatagram datagrams[SEND_BATCH];
  WzpAgent *direct[SEND_BATCH];
  while (n > 0) {
    WzpTime now = g_get_monotonic_time();
    guint used = MIN(n, SEND_BATCH), ready = 0;
    g_mutex_lock(&self->lock);
    for (guint i = 0; i < used; i++)
      ready += route_locked(self, now, &packets[i], &direct[i], bytes[ready], &datagrams[ready]);
    if (self->started)
      wzp_session_drain_locked(self, now);
    WzpTlsSocket *stream = ready > 0 ? wzp_session_ref_stream_locked(self, &datagrams[0].to) : NULL;
    g_mutex_unlock(&self->lock);
    for (guint i = 0; i < used; i++)
      if (direct[i] != NULL)
        send_direct(self, direct[i], &packets[i]);
    /* the UDP sockets stay: they close only after the caller's element left */
    wzp_session_send_datagrams(self, stream, datagrams, ready);
    packets += used;
    n -= used;
  }
}

/* --- the object --- */

void
wzp_session_emit_member_left(WzpSession *self, guint slot, guint remaining)
{
  g_signal_emit(self, member_left_signal, 0, slot, remaining);
}

void
wzp_session_emit_call_event(WzpSession *self, GstStructure *event)
{
  g_signal_emit(self, call_event_signal, 0, event);
}

WzpSession *
wzp_session_new(void)
{
  return g_object_new(WZP_TYPE_SESSION, NULL);
}

static void
wzp_session_init(WzpSession *self)
{
  g_mutex_init(&self->life);
  g_mutex_init(&self->lock);
  g_queue_init(&self->pending);
  self->board = wzp_board_new(g_random_double());
  self->met = g_array_new(FALSE, FALSE, 32);
  self->own_slot = -1;
  self->inboxes = g_ptr_array_new_with_free_func((GDestroyNotify)gst_wzp_inbox_unref);
  self->state = WZP_CALL_IDLE;
  self->armed = self->quit_at = self->leave_at = WZP_NEVER;
  self->resolve_again = self->episode = WZP_NEVER;
  forget_stats(self);
}

static void
wzp_session_finalize(GObject *object)
{
  WzpSession *self = WZP_SESSION(object);
  g_warn_if_fail(self->users == NULL && self->thread == NULL);
  wzp_board_free(self->board);
  g_array_unref(self->met);
  g_ptr_array_unref(self->inboxes);
  g_strfreev(self->last_peers);
  g_free(self->fingerprint);
  sodium_memzero(&self->scratch, sizeof self->scratch);
  g_mutex_clear(&self->lock);
  g_mutex_clear(&self->life);
  G_OBJECT_CLASS(wzp_session_parent_class)->finalize(object);
}

static void
wzp_session_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_STATE)
    g_value_set_static_string(value, wzp_session_get_state(WZP_SESSION(object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

/* A context is printed by gst-launch-1.0 and in debug logs. */
static void
session_to_string(const GValue *session, GValue *text)
{
  gpointer self = g_value_get_object(session);
  g_value_take_string(text, self != NULL ? g_strdup_printf("%s@%p", G_OBJECT_TYPE_NAME(self), self)
                                         : NULL);
}

static void
wzp_session_class_init(WzpSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  wzp_init();
  g_value_register_transform_func(WZP_TYPE_SESSION, G_TYPE_STRING, session_to_string);
  object_class->finalize = wzp_session_finalize;
  object_class->get_property = wzp_session_get_property;
  g_object_class_install_property(
      object_class, PROP_STATE,
      g_param_spec_string(
          "state", "State", "idle, connecting, waiting, active, reconnecting or ended",
          wzp_call_state_name(WZP_CALL_IDLE), G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  member_left_signal = g_signal_new("member-left", WZP_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_UINT);
  call_event_signal = g_signal_new("call-event", WZP_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
}
