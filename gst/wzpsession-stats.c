/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"

/* What can be asked of a session; any thread. */

const gchar *
wzp_session_get_state(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  WzpCallState state = self->state;
  g_mutex_unlock(&self->lock);
  return wzp_call_state_name(state);
}

gchar *
wzp_session_dup_fingerprint(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  gchar *fingerprint = g_strdup(self->fingerprint);
  g_mutex_unlock(&self->lock);
  return fingerprint;
}

GStrv
wzp_session_dup_peers_locked(WzpSession *self)
{
  g_autoptr(GStrvBuilder) peers = g_strv_builder_new();
  WzpMemberInfo member;
  for (unsigned n = 0; self->call != NULL && wzp_call_member(self->call, n, &member); n++) {
    uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
    gchar text[WZP_FINGERPRINT_TEXT];
    wzp_fingerprint(fingerprint, member.id);
    g_strv_builder_add(peers, wzp_fingerprint_format(fingerprint, text));
  }
  return g_strv_builder_end(peers);
}

static void
put_peers(GstStructure *stats, GStrv peers)
{
  GValue list = G_VALUE_INIT;
  gst_value_array_init(&list, 1);
  for (gchar **peer = peers; peer != NULL && *peer != NULL; peer++) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_STRING);
    g_value_set_string(&value, *peer);
    gst_value_array_append_and_take_value(&list, &value);
  }
  gst_structure_take_value(stats, "peers", &list);
}

static void
put_drops(GstStructure *stats, const WzpCallStats *call, const WzpSessionCounters *counters,
          const WzpTlsStats *tls)
{
  for (unsigned reason = WZP_OK + 1; reason < WZP_N_RESULTS; reason++) {
    gchar name[64];
    g_snprintf(name, sizeof name, "drops-%s", wzp_result_name(reason));
    gst_structure_set(stats, name, G_TYPE_UINT64,
                      call->drops[reason] + counters->drops[reason] + tls->drops[reason], NULL);
  }
}

GstStructure *
wzp_session_get_stats(WzpSession *self)
{
  WzpUdpStats udp = {0};
  g_mutex_lock(&self->lock);
  WzpCallStats call = self->last_stats;
  WzpSessionCounters counters = self->counters;
  WzpTlsStats tls = self->past_streams;
  if (self->stream != NULL)
    wzp_tls_socket_add_stats(self->stream, &tls);
  gboolean running = self->call != NULL, direct = self->udp;
  if (running) {
    wzp_call_get_stats(self->call, &call);
    wzp_udp_get_stats(self->sockets, &udp); /* a leaf, and under the lock it cannot close */
  } else {
    udp = self->last_udp;
  }
  g_auto(GStrv) peers = running ? wzp_session_dup_peers_locked(self) : g_strdupv(self->last_peers);
  WzpCallState state = self->state;
  guint32 serial;
  const WzpPath *path = running ? wzp_call_path(self->call, &serial) : NULL;
  gboolean past_relay = path != NULL && wzp_path_is_direct(path);
  g_mutex_unlock(&self->lock);
  udp.datagrams_sent += counters.direct_sent;
  udp.datagrams_received += counters.direct_received;
  udp.bytes_sent += counters.direct_bytes_sent;
  udp.bytes_received += counters.direct_bytes_received;

  gboolean connected = state == WZP_CALL_WAITING || state == WZP_CALL_ACTIVE;
  gchar remote[WZP_ADDRESS_TEXT], relay_text[WZP_FINGERPRINT_TEXT];
  uint8_t relay[WZP_FINGERPRINT_SIZE];
  wzp_fingerprint(relay, call.relay_key);
  GstStructure *stats = gst_structure_new(
      WZP_SESSION_STATS, "state", G_TYPE_STRING, wzp_call_state_name(state), "path", G_TYPE_STRING,
      direct && connected     ? "udp"
      : running && past_relay ? "direct"
      : connected             ? "relay"
                              : "none",
      "transport", G_TYPE_STRING,
      !connected       ? "none"
      : call.by_stream ? "tls"
                       : "udp",
      "remote", G_TYPE_STRING, wzp_address_format(&call.remote, remote), "relay-fingerprint",
      G_TYPE_STRING, call.has_relay_key ? wzp_fingerprint_format(relay, relay_text) : "",
      "round-trip", G_TYPE_DOUBLE,
      call.round_trip < 0 || !running ? -1.0 : (gdouble)call.round_trip / WZP_MSEC, "members",
      G_TYPE_UINT, call.n_members, "packets-sealed", G_TYPE_UINT64, call.packets_sealed,
      "packets-opened", G_TYPE_UINT64, call.packets_opened, "packets-sent", G_TYPE_UINT64,
      counters.packets_sent, "packets-received", G_TYPE_UINT64, counters.packets_received,
      "packets-unread", G_TYPE_UINT64, counters.unread, "queue-overflow", G_TYPE_UINT64,
      counters.queue_overflow, "datagrams-sent", G_TYPE_UINT64,
      udp.datagrams_sent + tls.datagrams_sent, "datagrams-received", G_TYPE_UINT64,
      udp.datagrams_received + tls.datagrams_received, "bytes-sent", G_TYPE_UINT64,
      udp.bytes_sent + tls.bytes_sent, "bytes-received", G_TYPE_UINT64,
      udp.bytes_received + tls.bytes_received, "send-errors", G_TYPE_UINT64, udp.send_errors, "nat",
      G_TYPE_STRING, wzp_nat_name(call.nat), "transport-changes", G_TYPE_UINT64,
      call.carrier_changes, "handshakes-started", G_TYPE_UINT64, call.handshakes_started,
      "handshakes-completed", G_TYPE_UINT64, call.handshakes_completed, "unheard", G_TYPE_BOOLEAN,
      (gboolean)(running && call.unheard), "unheard-times", G_TYPE_UINT, call.unheard_times, NULL);
  wzp_session_put_path(self, stats);
  put_peers(stats, peers);
  put_drops(stats, &call, &counters, &tls);
  return stats;
}
