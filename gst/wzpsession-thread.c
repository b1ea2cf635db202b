/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "wzp/packet.h"
#include "wzp/profile.h"
#include <glib-unix.h>
#include <netdb.h>
#include <sodium.h>
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

#define RECEIVE_BUDGET 64 /* datagrams a turn, so that timers get theirs */
#define LAST_TURNS 8
#define RESOLVE_AGAIN (2 * WZP_SECOND)
#define LOOK_AGAIN (20 * WZP_MSEC)

/* --- out: what the call said goes to the network and to people, in the call's order --- */

static void
dispatch_pending(WzpSession *self)
{
  for (;;) {
    g_mutex_lock(&self->lock);
    WzpOutput *output = g_queue_pop_head(&self->pending);
    WzpTlsSocket *stream = output != NULL && output->kind == WZP_OUTPUT_DATAGRAM
                               ? wzp_session_ref_stream_locked(self, &output->to)
                               : NULL;
    g_mutex_unlock(&self->lock);
    if (output == NULL)
      return;
    if (output->kind == WZP_OUTPUT_DATAGRAM) {
      WzpUdpDatagram datagram = {output->to, output->data, output->length};
      wzp_session_send_datagrams(self, stream, &datagram, 1);
    } else if (output->kind == WZP_OUTPUT_PATH) {
      wzp_session_direct_output(self, output);
      sodium_memzero(output, sizeof *output); /* credentials */
    } else {
      wzp_session_handle_event(self, &output->event);
    }
    g_free(output);
  }
}

/* --- timers --- */

static void
rearm(WzpSession *self)
{
  WzpTime patience = MIN(wzp_session_patience_deadline(self), self->resolve_again);
  patience = MIN(patience, self->code_at);
  g_mutex_lock(&self->lock);
  WzpTime when = MIN(patience, MIN(self->leave_at, self->quit_at));
  if (!g_queue_is_empty(&self->pending))
    when = 0;
  else if (self->started)
    when = MIN(when, MIN(wzp_call_next_timeout(self->call), wzp_board_deadline(self->board)));
  /* nobody tells when TCP is through with a goodbye */
  if (self->quit_at != WZP_NEVER && self->leave_at == WZP_NEVER && self->stream != NULL)
    when = MIN(when, g_get_monotonic_time() + LOOK_AGAIN);
  self->armed = when;
  g_mutex_unlock(&self->lock);
}

/* True when a goodbye is out, or took long enough. */
static gboolean
farewell_done(WzpSession *self, WzpTime now)
{
  g_mutex_lock(&self->lock);
  gboolean said = (!self->started || wzp_call_next_timeout(self->call) == WZP_NEVER) &&
                  (self->stream == NULL || wzp_tls_socket_is_idle(self->stream));
  gboolean done = self->quit_at != WZP_NEVER && self->leave_at == WZP_NEVER &&
                  g_queue_is_empty(&self->pending) && (now >= self->quit_at || said);
  g_mutex_unlock(&self->lock);
  return done;
}

void
wzp_session_finish_turn(WzpSession *self)
{
  WzpTime now = g_get_monotonic_time();
  dispatch_pending(self);
  wzp_session_mind_stream(self);
  wzp_session_check_patience(self, now);
  wzp_session_tell_code_changed(self, now);
  if (farewell_done(self, now))
    g_main_loop_quit(self->loop);
  rearm(self);
}

static gboolean
timer_fired(gpointer data)
{
  WzpSession *self = data;
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  if (self->started && now >= wzp_call_next_timeout(self->call)) {
    wzp_call_handle_timeout(self->call, now);
    wzp_session_drain_locked(self, now);
  }
  if (now >= self->leave_at) {
    self->leave_at = WZP_NEVER;
    wzp_call_leave(self->call, now);
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
  wzp_session_send_reports(self, now);
  if (now >= self->resolve_again)
    wzp_session_resolve(self);
  wzp_session_finish_turn(self);
  return G_SOURCE_CONTINUE;
}

/* --- in: the sockets --- */

static void
deliver_packet(WzpSession *self, GPtrArray *inboxes, const guint8 *packet, gsize length,
               guint64 age, WzpWay way, guint16 k)
{
  WzpHeader header;
  gsize header_length;
  guint64 taken = 0, overflow = 0;
  WzpResult result = wzp_header_parse(&header, packet, length, &header_length);
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  bool fresh = wzp_call_packet_arrived(self->call, now, way, k, packet, length);
  g_mutex_unlock(&self->lock);
  if (!fresh)
    return; /* it came by another way */
  for (guint n = 0; result == WZP_OK && n < inboxes->len; n++) {
    gboolean dropped;
    if (gst_wzp_inbox_push_packet(g_ptr_array_index(inboxes, n), packet, length, age, header.slot,
                                  &dropped))
      taken++;
    overflow += dropped ? 1 : 0;
  }
  g_mutex_lock(&self->lock);
  if (result != WZP_OK)
    self->counters.drops[result]++;
  else
    self->counters.packets_received++;
  if (result == WZP_OK && taken == 0)
    self->counters.unread++;
  self->counters.queue_overflow += overflow;
  g_mutex_unlock(&self->lock);
  if (result == WZP_OK && header.code != WZP_CODE_NO_AUDIO)
    wzp_board_media(self->board, g_get_monotonic_time(), length);
  if (result == WZP_OK && taken == 0)
    wzp_session_read_report(self, packet, length);
}

void
wzp_session_deliver_media(WzpSession *self, GPtrArray *inboxes, const guint8 *data, gsize length,
                          guint64 age, WzpWay way, guint16 k)
{
  if (wzp_datagram_kind(data, length) != WZP_DATAGRAM_TRUNK) {
    deliver_packet(self, inboxes, data, length, age, way, k);
    return;
  }
  size_t position = 0, packet_length;
  const uint8_t *packet;
  while (wzp_trunk_next(data, length, &position, &packet, &packet_length))
    deliver_packet(self, inboxes, packet, packet_length, age, way, k);
}

void
wzp_session_handle_datagram(WzpSession *self, const guint8 *data, gsize length,
                            const WzpAddress *from, guint64 age)
{
  WzpTime now = g_get_monotonic_time();
  bool media = false;
  GPtrArray *inboxes = NULL;
  g_mutex_lock(&self->lock);
  if (length == 0) {
    self->counters.drops[WZP_TOO_LONG]++;
  } else if (!self->started) {
    self->counters.drops[WZP_NOT_CONNECTED]++;
  } else {
    WzpResult result = wzp_call_handle_datagram(self->call, now, from, data, length, &media);
    wzp_session_drain_locked(self, now);
    if (result == WZP_OK && media)
      inboxes = g_ptr_array_ref(self->inboxes);
  }
  g_mutex_unlock(&self->lock);
  if (inboxes != NULL) {
    wzp_session_deliver_media(self, inboxes, data, length, age, WZP_WAY_RELAY, 0);
    g_ptr_array_unref(inboxes);
  }
  dispatch_pending(self);
}

static gboolean
socket_readable(gint descriptor, GIOCondition condition, gpointer data)
{
  (void)condition;
  WzpSession *self = data;
  guint8 bytes[WZP_DATAGRAM_MAX];
  gsize length;
  WzpAddress from;
  guint64 age;
  for (unsigned n = 0; n < RECEIVE_BUDGET; n++) {
    if (!wzp_udp_receive(self->sockets, descriptor, bytes, sizeof bytes, &length, &from, &age))
      break;
    wzp_session_handle_datagram(self, bytes, length, &from, age);
  }
  wzp_session_finish_turn(self);
  return G_SOURCE_CONTINUE;
}

/* --- names --- */

static void
use_remotes(WzpSession *self, const WzpAddress *remotes, unsigned n)
{
  WzpTime now = g_get_monotonic_time();
  self->resolved = TRUE;
  self->resolve_again = WZP_NEVER;
  if (n > 0) {
    memcpy(self->remotes, remotes, n * sizeof *remotes);
    self->n_remotes = n;
  }
  g_mutex_lock(&self->lock);
  if (n > 0) {
    wzp_call_set_remotes(self->call, remotes, n);
    wzp_session_look_at_network_locked(self);
  }
  if (!self->started && !self->failed && self->quit_at == WZP_NEVER) {
    self->started = TRUE;
    wzp_call_start(self->call, now);
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
}

/* An address needs no resolver. */
static gboolean
use_numeric_host(WzpSession *self)
{
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  gchar port[8];
  g_snprintf(port, sizeof port, "%u", self->port);
  WzpAddress remote;
  if (getaddrinfo(self->host, port, &hints, &found) != 0)
    return FALSE;
  gboolean good = wzp_address_from_sockaddr(&remote, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (good)
    use_remotes(self, &remote, 1);
  return good;
}

static unsigned
addresses_from_list(WzpSession *self, GList *list, WzpAddress remotes[WZP_CALL_REMOTES_MAX])
{
  unsigned n = 0;
  for (GList *link = list; link != NULL && n < WZP_CALL_REMOTES_MAX; link = link->next) {
    struct sockaddr_storage name;
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new(link->data, self->port);
    gssize length = g_socket_address_get_native_size(address);
    if (g_socket_address_to_native(address, &name, sizeof name, NULL) &&
        wzp_address_from_sockaddr(&remotes[n], (struct sockaddr *)&name, (socklen_t)length))
      n++;
  }
  return n;
}

static void
resolved(GObject *resolver, GAsyncResult *result, gpointer data)
{
  WzpSession *self = data;
  g_autoptr(GError) error = NULL;
  GList *list = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, &error);
  self->resolving = FALSE;
  if (g_cancellable_is_cancelled(self->cancellable)) {
    g_resolver_free_addresses(list);
    return;
  }
  WzpAddress remotes[WZP_CALL_REMOTES_MAX];
  unsigned n = addresses_from_list(self, list, remotes);
  g_resolver_free_addresses(list);
  if (n > 0) {
    g_clear_pointer(&self->resolve_error, g_free);
    use_remotes(self, remotes, n);
  } else {
    g_free(self->resolve_error);
    self->resolve_error = g_strdup(error != NULL ? error->message : "the name has no address");
    GST_INFO_OBJECT(self, "%s: %s", self->host, self->resolve_error);
    self->resolve_again = g_get_monotonic_time() + RESOLVE_AGAIN;
  }
  wzp_session_finish_turn(self);
}

void
wzp_session_resolve(WzpSession *self)
{
  self->resolve_again = WZP_NEVER;
  if (*self->host == '\0')
    use_remotes(self, NULL, 0); /* udp mode: the other box comes to us */
  else if (!self->resolving && !use_numeric_host(self)) {
    self->resolving = TRUE;
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    g_resolver_lookup_by_name_async(resolver, self->host, self->cancellable, resolved, self);
  }
}

/* --- the thread --- */

/* Goes by .armed, which moves with each packet. g_source_set_ready_time() would wake the thread each time, even by itself. */
typedef struct {
  GSource source;
  WzpSession *session;
} Timer;

static gboolean
timer_prepare(GSource *source, gint *timeout)
{
  WzpSession *self = ((Timer *)source)->session;
  g_mutex_lock(&self->lock);
  WzpTime left = self->armed != WZP_NEVER ? self->armed - g_source_get_time(source) : WZP_NEVER;
  g_mutex_unlock(&self->lock);
  if (left == WZP_NEVER)
    *timeout = -1;
  else
    *timeout = left > 0 ? (gint)MIN((left + WZP_MSEC - 1) / WZP_MSEC, G_MAXINT) : 0;
  return *timeout == 0;
}

static gboolean
timer_check(GSource *source)
{
  gint timeout;
  return timer_prepare(source, &timeout);
}

static gboolean
timer_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  (void)source;
  return callback(data);
}

static GSourceFuncs timer_functions = {
    .prepare = timer_prepare, .check = timer_check, .dispatch = timer_dispatch};

static void
attach_socket(WzpSession *self, unsigned family)
{
  int descriptor = wzp_udp_descriptor(self->sockets, family);
  if (descriptor < 0)
    return;
  g_autoptr(GSource) source = g_unix_fd_source_new(descriptor, G_IO_IN);
  g_source_set_callback(source, G_SOURCE_FUNC(socket_readable), self, NULL);
  /* it does not; but GLib takes a source that cannot out of the poll meanwhile, and then wakes us for putting it back */
  g_source_set_can_recurse(source, TRUE);
  g_source_attach(source, self->context);
}

void
wzp_session_attach_sources(WzpSession *self)
{
  self->context = g_main_context_new();
  self->loop = g_main_loop_new(self->context, FALSE);
  self->cancellable = g_cancellable_new();
  self->timer = g_source_new(&timer_functions, sizeof(Timer));
  ((Timer *)self->timer)->session = self;
  g_source_set_callback(self->timer, timer_fired, self, NULL);
  self->armed = 0;
  g_source_attach(self->timer, self->context);
  attach_socket(self, 4);
  attach_socket(self, 6);
}

void
wzp_session_detach_sources(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  g_source_destroy(self->timer);
  g_clear_pointer(&self->timer, g_source_unref);
  g_mutex_unlock(&self->lock);
  g_clear_pointer(&self->loop, g_main_loop_unref);
  g_clear_pointer(&self->context, g_main_context_unref); /* and with it the socket sources */
  g_clear_object(&self->cancellable);
}

gpointer
wzp_session_thread(gpointer data)
{
  WzpSession *self = data;
  g_main_context_push_thread_default(self->context);
  wzp_session_warn_of_room(self);
  wzp_session_watch_list(self);
  wzp_session_watch_network(self);
  wzp_session_resolve(self);
  wzp_session_finish_turn(self);
  g_main_loop_run(self->loop);
  wzp_session_unwatch_list(self);
  wzp_session_unwatch_network(self);
  wzp_session_drop_agents(self);
  for (unsigned n = 0; n < LAST_TURNS; n++) /* in which they really go */
    g_main_context_iteration(self->context, FALSE);
  wzp_session_finish_met(self);
  g_cancellable_cancel(self->cancellable);
  while (self->resolving)
    g_main_context_iteration(self->context, TRUE);
  g_main_context_pop_thread_default(self->context);
  return NULL;
}
