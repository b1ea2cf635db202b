/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/path.h"
#include <gio/gio.h>

/* One attempt at a direct path: a libnice agent with one stream of one component, used once and thrown away. Everything
 * but wzp_agent_send() belongs to the thread that runs the context; the callbacks come there.
 *
 * What libnice 0.1.21 is known for, and what is done about it: both sides' credentials are set before anything is gathered
 * (a check that comes earlier loses its pair); aggressive nomination (regular waits for all pairs); no consent checks
 * (they end healthy paths with losses); the component's state is no proof that anything arrives; an agent is dropped by
 * its last reference, from an idle callback, and its stream never removed (a crash while it gathers); the end of gathering
 * is waited for by nobody. */

typedef struct WzpAgent WzpAgent;

typedef struct {
  void (*candidate)(gpointer user, WzpAgent *agent, const WzpCandidate *candidate);
  /* A pair can be used, or another one than before. lan: both ends are addresses of interfaces. */
  void (*connected)(gpointer user, WzpAgent *agent, gboolean lan);
  void (*failed)(gpointer user, WzpAgent *agent);
  void (*received)(gpointer user, WzpAgent *agent, const guint8 *data, gsize length);
} WzpAgentCallbacks;

typedef struct {
  GMainContext *context;
  guint32 serial; /* what the owner knows it by, with k */
  guint16 k;
  gboolean controlling;
  const WzpIceCredentials *ours, *theirs;
  const WzpAddress *addresses; /* where sockets shall wait; none: the agent has nothing to try */
  guint n_addresses;
  WzpAddress stun; /* family 0: none */
} WzpAgentConfig;

/* Gathers at once. Callbacks come until wzp_agent_drop(). */
WzpAgent *wzp_agent_new(const WzpAgentConfig *config, const WzpAgentCallbacks *callbacks,
                        gpointer user);
/* No callback comes any more; takes the owner's reference. Also from within a callback. */
void wzp_agent_drop(WzpAgent *agent);
WzpAgent *wzp_agent_ref(WzpAgent *agent); /* to send: any thread */
void wzp_agent_unref(WzpAgent *agent);

guint32 wzp_agent_serial(const WzpAgent *agent);
guint16 wzp_agent_k(const WzpAgent *agent);
void wzp_agent_add_candidate(WzpAgent *agent, const WzpCandidate *candidate);
/* On the selected pair; any thread. FALSE: there is none, or the system does not take it. */
gboolean wzp_agent_send(WzpAgent *agent, gconstpointer data, gsize length);
/* The ends of the selected pair; family 0: none. */
void wzp_agent_get_pair(WzpAgent *agent, WzpAddress *local, WzpAddress *remote);

/* With which address of this machine a datagram to the internet would go (AF_INET, AF_INET6); none is sent. Without a port;
 * family 0: there is no way out. */
WzpAddress wzp_agent_outgoing_address(int family);
/* Of this machine, as wzp_candidates_choose() takes them. Returns how many. */
guint wzp_agent_list_addresses(WzpAddress addresses[WZP_CANDIDATES_MAX]);
