/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "wzpnetwork.h"
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

/* The direct path of a session's call or room of two: wzp/path.h decides, agents (wzpagent.h) carry. */

static guint
all_in(const WzpAddress *remote, gsize length)
{
  return (guint)length + (remote->family == 6 ? WZP_UDP_IPV6_OVERHEAD : WZP_UDP_IPV4_OVERHEAD);
}

WzpAgent *
wzp_session_ref_agent_locked(WzpSession *self, guint16 k)
{
  WzpAgent *agent = self->agents[k % 2];
  return agent != NULL && wzp_agent_k(agent) == k ? wzp_agent_ref(agent) : NULL;
}

void
wzp_session_count_direct_locked(WzpSession *self, WzpAgent *agent, gsize length, gboolean sent)
{
  WzpAddress local, remote;
  if (!sent) {
    self->counters.direct_unsent++;
    return;
  }
  wzp_agent_get_pair(agent, &local, &remote);
  self->counters.direct_sent++;
  self->counters.direct_bytes_sent += all_in(&remote, length);
}

/* With the lock. NULL: the agent's path is over. */
static WzpPath *
path_of_locked(WzpSession *self, WzpAgent *agent)
{
  guint32 serial;
  WzpPath *path = self->call != NULL && self->started ? wzp_call_path(self->call, &serial) : NULL;
  return path != NULL && serial == wzp_agent_serial(agent) ? path : NULL;
}

/* --- what agents say --- */

static void
found_candidate(gpointer user, WzpAgent *agent, const WzpCandidate *candidate)
{
  WzpSession *self = user;
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  WzpPath *path = path_of_locked(self, agent);
  if (path != NULL) {
    wzp_path_local_candidate(path, now, wzp_agent_k(agent), candidate);
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
}

static void
connected(gpointer user, WzpAgent *agent, gboolean lan)
{
  WzpSession *self = user;
  WzpTime now = g_get_monotonic_time();
  WzpAddress local, remote;
  gchar text[2][WZP_ADDRESS_TEXT];
  wzp_agent_get_pair(agent, &local, &remote);
  GST_INFO_OBJECT(self, "attempt %u: checks came through between %s and %s", wzp_agent_k(agent),
                  wzp_address_format(&local, text[0]), wzp_address_format(&remote, text[1]));
  g_mutex_lock(&self->lock);
  WzpPath *path = path_of_locked(self, agent);
  if (path != NULL) {
    wzp_path_connected(path, now, wzp_agent_k(agent), lan);
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
}

static void
failed(gpointer user, WzpAgent *agent)
{
  WzpSession *self = user;
  WzpTime now = g_get_monotonic_time();
  WzpPathStats stats = {0};
  g_mutex_lock(&self->lock);
  WzpPath *path = path_of_locked(self, agent);
  if (path != NULL) {
    wzp_path_failed(path, now, wzp_agent_k(agent));
    wzp_path_get_stats(path, now, &stats);
  }
  g_mutex_unlock(&self->lock);
  GST_INFO_OBJECT(self,
                  "attempt %u: no check came through; NAT here: %s, there: %s; %u addresses not "
                  "worth a try",
                  wzp_agent_k(agent), wzp_nat_name(stats.nat), wzp_nat_name(stats.peer_nat),
                  stats.not_tried);
}

static void
received(gpointer user, WzpAgent *agent, const guint8 *data, gsize length)
{
  WzpSession *self = user;
  WzpTime now = g_get_monotonic_time();
  WzpAddress local, remote;
  GPtrArray *inboxes = NULL;
  bool media = false;
  wzp_agent_get_pair(agent, &local, &remote);
  g_mutex_lock(&self->lock);
  self->counters.direct_received++;
  self->counters.direct_bytes_received += all_in(&remote, length);
  if (self->call != NULL && self->started &&
      wzp_call_handle_direct(self->call, now, wzp_agent_serial(agent), wzp_agent_k(agent), data,
                             length, &media) == WZP_OK &&
      media)
    inboxes = g_ptr_array_ref(self->inboxes);
  if (self->call != NULL && self->started)
    wzp_session_drain_locked(self, now);
  g_mutex_unlock(&self->lock);
  if (inboxes != NULL) {
    wzp_session_deliver_media(self, inboxes, data, length, 0, WZP_WAY_DIRECT, wzp_agent_k(agent));
    g_ptr_array_unref(inboxes);
  }
  wzp_session_finish_turn(self);
}

/* --- what the path wants of agents --- */

static void
set_agent(WzpSession *self, guint16 k, WzpAgent *agent)
{
  g_mutex_lock(&self->lock);
  WzpAgent *before = self->agents[k % 2];
  self->agents[k % 2] = agent;
  g_mutex_unlock(&self->lock);
  if (before != NULL)
    wzp_agent_drop(before);
}

void
wzp_session_drop_agents(WzpSession *self)
{
  for (guint16 k = 0; k < G_N_ELEMENTS(self->agents); k++)
    set_agent(self, k, NULL);
}

static void
start_agent(WzpSession *self, guint32 serial, const WzpPathOutput *output)
{
  static const WzpAgentCallbacks callbacks = {found_candidate, connected, failed, received};
  WzpAddress addresses[WZP_CANDIDATES_MAX];
  WzpCallStats stats;
  g_mutex_lock(&self->lock);
  wzp_call_get_stats(self->call, &stats);
  g_mutex_unlock(&self->lock);
  const WzpAgentConfig config = {
      .context = self->context,
      .serial = serial,
      .k = output->k,
      .controlling = output->controlling,
      .ours = &output->ours,
      .theirs = &output->theirs,
      .addresses = addresses,
      .n_addresses = wzp_agent_list_addresses(addresses),
      .stun = stats.asked,
  };
  GST_INFO_OBJECT(self, "attempt %u at a direct path, from %u addresses", output->k,
                  config.n_addresses);
  set_agent(self, output->k, wzp_agent_new(&config, &callbacks, self));
}

/* What is no media. */
static void
send_own(WzpSession *self, WzpAgent *agent, const guint8 *data, gsize length)
{
  gboolean sent = wzp_agent_send(agent, data, length);
  g_mutex_lock(&self->lock);
  wzp_session_count_direct_locked(self, agent, length, sent);
  g_mutex_unlock(&self->lock);
}

void
wzp_session_direct_output(WzpSession *self, const WzpOutput *output)
{
  const WzpPathOutput *path = &output->path;
  g_mutex_lock(&self->lock);
  WzpAgent *agent = wzp_session_ref_agent_locked(self, path->k);
  g_mutex_unlock(&self->lock);
  if (agent != NULL && wzp_agent_serial(agent) != output->path_serial)
    g_clear_pointer(&agent, wzp_agent_unref);
  switch (path->type) {
  case WZP_PATH_AGENT_START:
    start_agent(self, output->path_serial, path);
    break;
  case WZP_PATH_AGENT_CANDIDATE:
    if (agent != NULL)
      wzp_agent_add_candidate(agent, &path->candidate);
    break;
  case WZP_PATH_AGENT_DROP:
    if (agent != NULL)
      set_agent(self, path->k, NULL);
    break;
  case WZP_PATH_SEND_PROBE:
    if (agent != NULL)
      send_own(self, agent, path->data, path->length);
    break;
  case WZP_PATH_SEND_RECORD:
    if (agent != NULL)
      send_own(self, agent, output->data, output->length);
    break;
  case WZP_PATH_OVER:
    wzp_session_drop_agents(self);
    break;
  default:
    break;
  }
  if (agent != NULL)
    wzp_agent_unref(agent);
}

guint64
wzp_session_count_ways(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  guint64 changes = self->call != NULL ? wzp_call_way_changes(self->call) : 0;
  g_mutex_unlock(&self->lock);
  return changes;
}

/* --- this machine's addresses --- */

void
wzp_session_look_at_network_locked(WzpSession *self)
{
  for (guint i = 0; i < self->n_remotes; i++) {
    WzpAddress own = wzp_udp_own_address(self->sockets, &self->remotes[i]);
    if (own.family != 0)
      wzp_call_set_own_address(self->call, &own);
  }
}

/* The relay is told at once, as a call may hang on it; agents of new attempts are to find all that there is now. */
static void
network_changed(gpointer user, gboolean settled)
{
  WzpSession *self = user;
  WzpTime now = g_get_monotonic_time();
  GST_INFO_OBJECT(self, "this machine has other addresses now%s",
                  settled ? ", and has settled" : "");
  g_mutex_lock(&self->lock);
  if (self->call != NULL && self->started) {
    wzp_call_moved(self->call, now);
    if (settled && !self->udp) {
      wzp_session_look_at_network_locked(self);
      wzp_call_network_changed(self->call, now);
    }
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
  wzp_session_finish_turn(self);
}

void
wzp_session_watch_network(WzpSession *self)
{
  self->network = wzp_network_watch(self->context, network_changed, self);
}

void
wzp_session_unwatch_network(WzpSession *self)
{
  if (self->network == NULL)
    return;
  g_source_destroy(self->network);
  g_clear_pointer(&self->network, g_source_unref);
}

/* --- what people are told --- */

gboolean
wzp_session_is_direct(WzpSession *self)
{
  guint32 serial;
  g_mutex_lock(&self->lock);
  const WzpPath *path =
      self->call != NULL && self->started ? wzp_call_path(self->call, &serial) : NULL;
  gboolean direct = path != NULL && wzp_path_reaches(path, g_get_monotonic_time());
  g_mutex_unlock(&self->lock);
  return direct;
}

static void
get_pair(WzpSession *self, guint16 k, gchar local_text[WZP_ADDRESS_TEXT],
         gchar remote_text[WZP_ADDRESS_TEXT])
{
  WzpAddress local = {0}, remote = {0};
  g_mutex_lock(&self->lock);
  WzpAgent *agent = wzp_session_ref_agent_locked(self, k);
  g_mutex_unlock(&self->lock);
  if (agent != NULL) {
    wzp_agent_get_pair(agent, &local, &remote);
    wzp_agent_unref(agent);
  }
  wzp_address_format(&local, local_text);
  wzp_address_format(&remote, remote_text);
}

static void
get_path_stats(WzpSession *self, WzpPathStats *stats)
{
  guint32 serial;
  g_mutex_lock(&self->lock);
  const WzpPath *path =
      self->call != NULL && self->started ? wzp_call_path(self->call, &serial) : NULL;
  *stats = self->last_path;
  if (path != NULL) {
    wzp_path_get_stats(path, g_get_monotonic_time(), stats);
    self->last_path = *stats;
  }
  g_mutex_unlock(&self->lock);
}

void
wzp_session_path_changed(WzpSession *self, gboolean direct)
{
  gchar local[WZP_ADDRESS_TEXT], remote[WZP_ADDRESS_TEXT];
  WzpPathStats stats;
  WzpDialInfo info = {.state = WZP_DIAL_TALKING};
  g_mutex_lock(&self->lock);
  if (self->call != NULL && wzp_call_dial(self->call) != NULL)
    wzp_dial_get_info(wzp_call_dial(self->call), &info);
  g_mutex_unlock(&self->lock);
  gboolean rings = direct && info.state != WZP_DIAL_TALKING;
  get_path_stats(self, &stats);
  get_pair(self, stats.k, local, remote);
  const gchar *text = rings    ? "the call will go directly, without the relay"
                      : direct ? "the call goes directly now, without the relay"
                               : "the call goes by the relay again";
  GST_INFO_OBJECT(self, "%s (%s, %s)", text, local, remote);
  wzp_session_post_structure(
      self, gst_structure_new("wzp-path", "path", G_TYPE_STRING, direct ? "direct" : "relay",
                              "local", G_TYPE_STRING, local, "remote", G_TYPE_STRING, remote,
                              "round-trip", G_TYPE_DOUBLE,
                              stats.round_trip < 0 ? -1.0 : (gdouble)stats.round_trip / WZP_MSEC,
                              "text", G_TYPE_STRING, text, NULL));
}

static gdouble
fraction(int percent)
{
  return percent < 0 ? -1.0 : percent / 100.0;
}

void
wzp_session_put_path(WzpSession *self, GstStructure *structure)
{
  gchar local[WZP_ADDRESS_TEXT], remote[WZP_ADDRESS_TEXT];
  WzpPathStats stats;
  get_path_stats(self, &stats);
  get_pair(self, stats.k, local, remote);
  g_mutex_lock(&self->lock);
  const WzpSessionCounters counters = self->counters;
  g_mutex_unlock(&self->lock);
  gst_structure_set(
      structure, "direct-local", G_TYPE_STRING, local, "direct-remote", G_TYPE_STRING, remote,
      "direct-round-trip", G_TYPE_DOUBLE,
      stats.round_trip < 0 ? -1.0 : (gdouble)stats.round_trip / WZP_MSEC, "peer-nat", G_TYPE_STRING,
      wzp_nat_name(stats.peer_nat), "path-not-tried", G_TYPE_UINT, stats.not_tried, "path-attempts",
      G_TYPE_UINT, stats.attempts, "path-switches", G_TYPE_UINT, stats.switches, "path-silences",
      G_TYPE_UINT, stats.silences, "path-duplicating", G_TYPE_BOOLEAN, (gboolean)stats.duplicating,
      "direct-unheard-there", G_TYPE_BOOLEAN, (gboolean)stats.peer_silent, "direct-unheard-here",
      G_TYPE_BOOLEAN, (gboolean)stats.silent, "path-unheard-here", G_TYPE_UINT, stats.unheard_here,
      "path-unheard-there", G_TYPE_UINT, stats.unheard_there, "path-longest-gap", G_TYPE_DOUBLE,
      stats.attempts > 0 ? (gdouble)stats.longest_gap / WZP_MSEC : -1.0, "path-renewal",
      G_TYPE_DOUBLE, stats.renewal < 0 ? -1.0 : (gdouble)stats.renewal / WZP_MSEC,
      "direct-loss-here", G_TYPE_DOUBLE, fraction(stats.loss), "direct-loss-there", G_TYPE_DOUBLE,
      fraction(stats.peer_loss), "relay-loss-here", G_TYPE_DOUBLE, fraction(stats.relay_loss),
      "relay-loss-there", G_TYPE_DOUBLE, fraction(stats.peer_relay_loss), "packets-copies",
      G_TYPE_UINT64, stats.copies, "direct-datagrams-sent", G_TYPE_UINT64, counters.direct_sent,
      "direct-datagrams-received", G_TYPE_UINT64, counters.direct_received, "direct-send-errors",
      G_TYPE_UINT64, counters.direct_unsent, NULL);
}
