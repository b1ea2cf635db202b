/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpagent.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <nice/agent.h>
#include <string.h>
#include <unistd.h>

#define COMPONENT 1
#define INTERFACE_ADDRESSES_MAX 256

struct WzpAgent {
  gatomicrefcount references;
  NiceAgent *nice; /* NULL: dropped */
  guint stream;
  guint32 serial;
  guint16 k;
  GMainContext *context;
  WzpAgentCallbacks callbacks;
  gpointer user;
  guint n_remote;

  GMutex lock;    /* guards the pair */
  int descriptor; /* our own of the pair's socket: the agent may close its any time; -1: no pair */
  WzpAddress local, remote;
  gboolean v6_socket;
};

/* --- addresses, there and back --- */

static gboolean
from_nice(WzpAddress *address, const NiceAddress *nice)
{
  struct sockaddr_storage name;
  nice_address_copy_to_sockaddr(nice, (struct sockaddr *)&name);
  socklen_t length =
      name.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  return wzp_address_from_sockaddr(address, (struct sockaddr *)&name, length);
}

static void
to_nice(NiceAddress *nice, const WzpAddress *address)
{
  struct sockaddr_storage name;
  wzp_address_to_sockaddr(address, &name, false);
  nice_address_set_from_sockaddr(nice, (struct sockaddr *)&name);
}

WzpAddress
wzp_agent_outgoing_address(int family)
{
  /* addresses for documentation (RFC 5737, RFC 3849) take the default route */
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  WzpAddress address = {0};
  inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
  inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
  int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return address;
  if (connect(descriptor, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
              family == AF_INET ? sizeof v4 : sizeof v6) == 0 &&
      getsockname(descriptor, (struct sockaddr *)&name, &length) == 0 &&
      !wzp_address_from_sockaddr(&address, (struct sockaddr *)&name, length))
    address.family = 0;
  address.port = 0;
  close(descriptor);
  return address;
}

/* Of all addresses those that are on an interface with one of the two by which we go out. */
static void
mark_outgoing(WzpInterfaceAddress *all, guint n)
{
  const WzpAddress out[] = {wzp_agent_outgoing_address(AF_INET),
                            wzp_agent_outgoing_address(AF_INET6)};
  for (guint i = 0; i < n; i++) {
    if (!wzp_address_equal(&all[i].address, &out[0]) &&
        !wzp_address_equal(&all[i].address, &out[1]))
      continue;
    for (guint j = 0; j < n; j++)
      all[j].outgoing |= all[j].interface == all[i].interface;
  }
}

guint
wzp_agent_list_addresses(WzpAddress addresses[WZP_CANDIDATES_MAX])
{
  WzpInterfaceAddress all[INTERFACE_ADDRESSES_MAX];
  struct ifaddrs *list = NULL;
  guint n = 0;
  if (getifaddrs(&list) != 0)
    return 0;
  for (struct ifaddrs *one = list; one != NULL && n < G_N_ELEMENTS(all); one = one->ifa_next) {
    const guint wanted = IFF_UP | IFF_RUNNING;
    if (one->ifa_addr == NULL || (one->ifa_flags & (wanted | IFF_LOOPBACK)) != wanted)
      continue;
    socklen_t length = one->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                            : sizeof(struct sockaddr_in);
    all[n] = (WzpInterfaceAddress){.interface = if_nametoindex(one->ifa_name)};
    if (wzp_address_from_sockaddr(&all[n].address, one->ifa_addr, length))
      n++;
  }
  freeifaddrs(list);
  mark_outgoing(all, n);
  return wzp_candidates_choose(addresses, all, n);
}

/* --- what the agent says --- */

static void
new_candidate(NiceAgent *nice, NiceCandidate *found, gpointer data)
{
  (void)nice;
  WzpAgent *self = data;
  WzpCandidate candidate = {.priority = found->priority};
  if (found->transport != NICE_CANDIDATE_TRANSPORT_UDP ||
      !from_nice(&candidate.address, &found->addr))
    return;
  if (found->type == NICE_CANDIDATE_TYPE_HOST)
    candidate.kind = WZP_CANDIDATE_HOST;
  else if (found->type == NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE)
    candidate.kind = WZP_CANDIDATE_REFLEXIVE;
  else
    return; /* what the other side's checks showed is no news to it */
  self->callbacks.candidate(self->user, self, &candidate);
}

static void
forget_pair_locked(WzpAgent *self)
{
  if (self->descriptor >= 0)
    close(self->descriptor);
  self->descriptor = -1;
}

static void
new_pair(NiceAgent *nice, guint stream, guint component, NiceCandidate *local,
         NiceCandidate *remote, gpointer data)
{
  WzpAgent *self = data;
  WzpAddress ours, theirs;
  g_autoptr(GSocket) socket = nice_agent_get_selected_socket(nice, stream, component);
  if (socket == NULL || !from_nice(&ours, &local->addr) || !from_nice(&theirs, &remote->addr))
    return;
  g_mutex_lock(&self->lock);
  forget_pair_locked(self);
  self->descriptor = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
  self->v6_socket = g_socket_get_family(socket) == G_SOCKET_FAMILY_IPV6;
  self->local = ours;
  self->remote = theirs;
  g_mutex_unlock(&self->lock);
  self->callbacks.connected(self->user, self,
                            local->type == NICE_CANDIDATE_TYPE_HOST &&
                                remote->type == NICE_CANDIDATE_TYPE_HOST);
}

static void
state_changed(NiceAgent *nice, guint stream, guint component, guint state, gpointer data)
{
  (void)nice, (void)stream, (void)component;
  WzpAgent *self = data;
  if (state == NICE_COMPONENT_STATE_FAILED)
    self->callbacks.failed(self->user, self);
}

static void
received(NiceAgent *nice, guint stream, guint component, guint length, gchar *bytes, gpointer data)
{
  (void)nice, (void)stream, (void)component;
  WzpAgent *self = data;
  self->callbacks.received(self->user, self, (const guint8 *)bytes, length);
}

/* --- life --- */

static void
set_properties(NiceAgent *nice, const WzpAgentConfig *config)
{
  g_object_set(nice, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", config->controlling,
               "stun-max-retransmissions", 4, "stun-initial-timeout", 100, "stun-pacing-timer", 10,
               "idle-timeout", 1000, "keepalive-conncheck", FALSE, NULL);
  if (config->stun.family == 0)
    return;
  gchar text[INET6_ADDRSTRLEN];
  NiceAddress server;
  to_nice(&server, &config->stun);
  nice_address_to_string(&server, text); /* a literal: no name is resolved */
  g_object_set(nice, "stun-server", text, "stun-server-port", (guint)config->stun.port, NULL);
}

WzpAgent *
wzp_agent_new(const WzpAgentConfig *config, const WzpAgentCallbacks *callbacks, gpointer user)
{
  WzpAgent *self = g_new0(WzpAgent, 1);
  g_atomic_ref_count_init(&self->references);
  g_mutex_init(&self->lock);
  self->serial = config->serial;
  self->k = config->k;
  self->context = g_main_context_ref(config->context);
  self->callbacks = *callbacks;
  self->user = user;
  self->descriptor = -1;
  self->nice = nice_agent_new_full(config->context, NICE_COMPATIBILITY_RFC5245,
                                   NICE_AGENT_OPTION_ICE_TRICKLE);
  set_properties(self->nice, config);
  for (guint i = 0; i < config->n_addresses; i++) {
    NiceAddress address;
    to_nice(&address, &config->addresses[i]);
    nice_agent_add_local_address(self->nice, &address);
  }
  if (config->n_addresses == 0)
    return self;
  self->stream = nice_agent_add_stream(self->nice, 1);
  nice_agent_set_local_credentials(self->nice, self->stream, config->ours->ufrag,
                                   config->ours->password);
  nice_agent_set_remote_credentials(self->nice, self->stream, config->theirs->ufrag,
                                    config->theirs->password);
  g_signal_connect(self->nice, "new-candidate-full", G_CALLBACK(new_candidate), self);
  g_signal_connect(self->nice, "new-selected-pair-full", G_CALLBACK(new_pair), self);
  g_signal_connect(self->nice, "component-state-changed", G_CALLBACK(state_changed), self);
  nice_agent_attach_recv(self->nice, self->stream, COMPONENT, config->context, received, self);
  nice_agent_gather_candidates(self->nice, self->stream);
  return self;
}

static gboolean
do_nothing(gpointer data)
{
  (void)data;
  return G_SOURCE_REMOVE;
}

/* The source's end drops the agent: when it ran, or when its context goes before that. It comes behind what the agent itself
 * still waits for: libnice 0.1.21 forgets 16 bytes if it goes before its server's address, a literal, is resolved. */
static void
unref_later(GMainContext *context, NiceAgent *nice)
{
  g_autoptr(GSource) source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_LOW);
  g_source_set_callback(source, do_nothing, nice, g_object_unref);
  g_source_attach(source, context);
}

void
wzp_agent_drop(WzpAgent *self)
{
  NiceAgent *nice = g_steal_pointer(&self->nice);
  g_signal_handlers_disconnect_by_data(nice, self);
  if (self->stream != 0)
    nice_agent_attach_recv(nice, self->stream, COMPONENT, self->context, NULL, NULL);
  unref_later(self->context, nice);
  g_mutex_lock(&self->lock);
  forget_pair_locked(self);
  g_mutex_unlock(&self->lock);
  wzp_agent_unref(self);
}

WzpAgent *
wzp_agent_ref(WzpAgent *self)
{
  g_atomic_ref_count_inc(&self->references);
  return self;
}

void
wzp_agent_unref(WzpAgent *self)
{
  if (!g_atomic_ref_count_dec(&self->references))
    return;
  g_warn_if_fail(self->nice == NULL);
  g_main_context_unref(self->context);
  g_mutex_clear(&self->lock);
  g_free(self);
}

guint32
wzp_agent_serial(const WzpAgent *self)
{
  return self->serial;
}

guint16
wzp_agent_k(const WzpAgent *self)
{
  return self->k;
}

/* --- the other side --- */

void
wzp_agent_add_candidate(WzpAgent *self, const WzpCandidate *from)
{
  gboolean host = from->kind == WZP_CANDIDATE_HOST;
  if (self->nice == NULL || self->stream == 0)
    return;
  NiceCandidate *candidate =
      nice_candidate_new(host ? NICE_CANDIDATE_TYPE_HOST : NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE);
  candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
  candidate->component_id = COMPONENT;
  candidate->stream_id = self->stream;
  candidate->priority = from->priority;
  to_nice(&candidate->addr, &from->address);
  g_snprintf(candidate->foundation, sizeof candidate->foundation, "%u", ++self->n_remote);
  GSList *list = g_slist_prepend(NULL, candidate);
  nice_agent_set_remote_candidates(self->nice, self->stream, COMPONENT, list);
  g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

gboolean
wzp_agent_send(WzpAgent *self, gconstpointer data, gsize length)
{
  struct sockaddr_storage name;
  gboolean sent = FALSE;
  g_mutex_lock(&self->lock);
  /* the pair's socket and not the agent: its lock is held through all of the agent's work */
  if (self->descriptor >= 0) {
    socklen_t name_length = wzp_address_to_sockaddr(&self->remote, &name, self->v6_socket);
    sent = sendto(self->descriptor, data, length, MSG_DONTWAIT, (struct sockaddr *)&name,
                  name_length) == (gssize)length;
  }
  g_mutex_unlock(&self->lock);
  return sent;
}

void
wzp_agent_get_pair(WzpAgent *self, WzpAddress *local, WzpAddress *remote)
{
  g_mutex_lock(&self->lock);
  *local = self->local;
  *remote = self->remote;
  g_mutex_unlock(&self->lock);
}
