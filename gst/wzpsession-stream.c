/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

/* The TLS stream to the relay: there as long as the call wants it, which is while UDP is dead. All in the session's thread. */

static void
call_told(WzpSession *self, const WzpAddress *remote)
{
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  if (self->started && remote != NULL)
    wzp_call_stream_up(self->call, now, remote);
  else if (self->started)
    wzp_call_stream_down(self->call, now);
  if (self->started)
    wzp_session_drain_locked(self, now);
  g_mutex_unlock(&self->lock);
}

static void
stream_up(void *user, const WzpAddress *remote)
{
  WzpSession *self = user;
  gchar text[WZP_ADDRESS_TEXT];
  GST_INFO_OBJECT(self, "TLS to %s", wzp_address_format(remote, text));
  g_clear_pointer(&self->stream_error, g_free);
  call_told(self, remote);
  wzp_session_finish_turn(self);
}

static void
stream_received(void *user, const uint8_t *data, size_t length, const WzpAddress *remote)
{
  wzp_session_handle_datagram(user, data, length, remote, 0);
}

/* It is of no use any more. */
static void
drop_stream(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  WzpTlsSocket *stream = g_steal_pointer(&self->stream);
  if (stream != NULL)
    wzp_tls_socket_add_stats(stream, &self->past_streams);
  g_mutex_unlock(&self->lock);
  if (stream == NULL)
    return;
  wzp_tls_socket_close(stream);
  wzp_tls_socket_unref(stream);
}

static void
warn_wrong_key(WzpSession *self)
{
  guint8 key[32], fingerprint[WZP_FINGERPRINT_SIZE];
  gchar seen[WZP_FINGERPRINT_TEXT], expected[WZP_FINGERPRINT_TEXT];
  if (self->stream_warned || !wzp_tls_socket_peer_key(self->stream, key))
    return;
  self->stream_warned = TRUE;
  wzp_fingerprint(fingerprint, key);
  g_autofree gchar *text = g_strdup_printf(
      "Somebody answers for relay %s by TLS with another key: expected %s, seen %s. Nothing was "
      "sent there. This network may look into TLS; if the relay has a new key, %s.",
      self->place, wzp_fingerprint_format(self->pinned, expected),
      wzp_fingerprint_format(fingerprint, seen),
      self->relay != NULL ? "correct relay=" : "set accept-new-relay-key=true once");
  wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
}

static void
stream_down(void *user, WzpResult reason, const char *text)
{
  WzpSession *self = user;
  GST_INFO_OBJECT(self, "no TLS: %s", text);
  g_free(self->stream_error);
  self->stream_error = g_strdup(text);
  if (reason == WZP_WRONG_IDENTITY)
    warn_wrong_key(self);
  drop_stream(self);
  call_told(self, NULL);
  wzp_session_finish_turn(self);
}

static void
open_stream(WzpSession *self)
{
  const WzpTlsHooks hooks = {
      .user = self, .up = stream_up, .received = stream_received, .down = stream_down};
  WzpTlsExpect expect = {.name = self->host, .has_fingerprint = self->has_pinned};
  memcpy(expect.fingerprint, self->pinned, sizeof expect.fingerprint);
  guint32 number = self->stream_number + 1;
  WzpTlsSocket *stream = wzp_tls_socket_new(self->context, self->remotes, self->n_remotes,
                                            self->tls_port, number, &expect, &hooks);
  g_mutex_lock(&self->lock);
  self->stream = stream;
  self->stream_number = number;
  g_mutex_unlock(&self->lock);
}

void
wzp_session_mind_stream(WzpSession *self)
{
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  gboolean has = self->stream != NULL;
  gboolean wanted = self->started && wzp_call_wants_stream(self->call, now);
  gboolean leaving = self->quit_at != WZP_NEVER || self->failed;
  g_mutex_unlock(&self->lock);
  if (wanted && !has && self->n_remotes > 0) {
    open_stream(self);
  } else if (!wanted && has && !leaving) { /* a goodbye may have to go there */
    drop_stream(self);
    call_told(self, NULL);
  }
}

void
wzp_session_close_stream(WzpSession *self)
{
  drop_stream(self);
  g_clear_pointer(&self->stream_error, g_free);
}

/* What was for a stream that broke must not leave by its successor: the relay would take the session for one that moved
 * there, and ask; the session would count as alive, and its downlink go on to the stream that is no more. */
WzpTlsSocket *
wzp_session_ref_stream_locked(WzpSession *self, const WzpAddress *to)
{
  bool it = self->stream != NULL && to->stream == self->stream_number;
  return it ? wzp_tls_socket_ref(self->stream) : NULL;
}

static void
count_unsent(WzpSession *self, guint n)
{
  g_mutex_lock(&self->lock);
  self->counters.drops[WZP_NOT_CONNECTED] += n;
  g_mutex_unlock(&self->lock);
}

void
wzp_session_send_datagrams(WzpSession *self, WzpTlsSocket *stream, const WzpUdpDatagram *datagrams,
                           guint n)
{
  if (n > 0 && datagrams[0].to.stream == 0)
    wzp_udp_send(self->sockets, datagrams, n);
  else if (stream == NULL && n > 0)
    count_unsent(self, n);
  else
    for (guint i = 0; i < n; i++)
      wzp_tls_socket_send(stream, datagrams[i].data, datagrams[i].length);
  if (stream != NULL)
    wzp_tls_socket_unref(stream);
}
