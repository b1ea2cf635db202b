/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-call-private.h"

/* ICE agents as their owner sees them: a candidate is found, checks go out once the other one's is known (or a check of
 * his came), one that is answered connects. What comes from where no check was answered is dropped, as libnice does.
 * Behind cones, which leave ports alone, the one of the interface leads nowhere. What the relay sees takes a round trip to it,
 * and what comes from where nothing was sent yet does not pass the NAT.
 * Here checks are one byte of type and nothing else: that they prove nothing is what the probes are for. */

#define GATHER_TIME (5 * WZP_MSEC)
#define CHECK_AGAIN (100 * WZP_MSEC) /* doubles, as the agent's does */
#define CHECK_REQUEST 0x00
#define CHECK_RESPONSE 0x01
#define PORT_BASE 40000

static WzpAddress
address_of_agent(unsigned party, uint16_t k)
{
  return (WzpAddress){.family = 4,
                      .port = (uint16_t)(PORT_BASE + k),
                      .bytes = {192, 168, 88, (uint8_t)(11 + party)}};
}

void
sim_direct_init(SimCall *sim, SimParty *party)
{
  if (sim->config.direct != NULL)
    party->direct = sim_link_new(sim->config.direct, sim->config.seed * 100 + 50 + party->index);
}

void
sim_call_cut_direct_of(SimCall *sim, unsigned party, bool cut)
{
  sim_link_set_down(sim->parties[party].direct, cut);
}

void
sim_call_cut_direct(SimCall *sim, bool cut)
{
  for (unsigned i = 0; i < sim->n_parties; i++)
    sim_call_cut_direct_of(sim, i, cut);
}

WzpPathStats
sim_party_path(const SimCall *sim, unsigned party)
{
  const WzpCall *call = sim->parties[party].call;
  WzpPathStats stats = {0};
  uint32_t serial;
  const WzpPath *path = call != NULL ? wzp_call_path(call, &serial) : NULL;
  if (path != NULL)
    wzp_path_get_stats(path, sim->now, &stats);
  return stats;
}

static SimAgent *
find_agent(SimParty *party, uint16_t k)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(party->agents); i++)
    if (party->agents[i].alive && party->agents[i].k == k)
      return &party->agents[i];
  return NULL;
}

static WzpTime
send_direct(SimCall *sim, SimParty *party, SimAgent *agent, const uint8_t *data, size_t length)
{
  const WzpAddress from = address_of_agent(party->index, agent->k);
  if (party->direct == NULL)
    return WZP_NEVER;
  party->datagrams_direct++;
  agent->opened = true;
  if (sim->tap != NULL && !sim->tap(sim->tap_user, (int)party->index, &agent->remote, data, length))
    return WZP_NEVER;
  return sim_network_send(sim->network, party->direct, sim->now, &from, &agent->remote, data,
                          length);
}

WzpTime
sim_direct_send(SimCall *sim, SimParty *party, uint16_t k, const uint8_t *data, size_t length)
{
  SimAgent *agent = find_agent(party, k);
  return agent != NULL && agent->connected ? send_direct(sim, party, agent, data, length)
                                           : WZP_NEVER;
}

static void
know_remote(SimCall *sim, SimAgent *agent, const WzpAddress *remote)
{
  if (agent->has_remote)
    return;
  agent->has_remote = true;
  agent->remote = *remote;
  agent->check_at = sim->now;
}

void
sim_direct_take(SimCall *sim, SimParty *party, const WzpOutput *output)
{
  SimAgent *agent = find_agent(party, output->path.k);
  switch (output->path.type) {
  case WZP_PATH_AGENT_START:
    agent = &party->agents[output->path.k % 2];
    g_assert_false(agent->alive); /* never more than two at a time */
    *agent = (SimAgent){.alive = true,
                        .serial = output->path_serial,
                        .k = output->path.k,
                        .gathered_at = sim->now + GATHER_TIME,
                        .check_at = WZP_NEVER,
                        .check_interval = CHECK_AGAIN};
    break;
  case WZP_PATH_AGENT_CANDIDATE:
    if (agent != NULL && !(sim->config.cones && output->path.candidate.kind == WZP_CANDIDATE_HOST))
      know_remote(sim, agent, &output->path.candidate.address);
    break;
  case WZP_PATH_AGENT_DROP:
    g_assert_nonnull(agent);
    agent->alive = false;
    break;
  case WZP_PATH_OVER:
    for (unsigned i = 0; i < G_N_ELEMENTS(party->agents); i++)
      party->agents[i].alive = false;
    break;
  case WZP_PATH_SEND_PROBE:
    if (agent != NULL && agent->connected)
      send_direct(sim, party, agent, output->path.data, output->path.length);
    break;
  case WZP_PATH_SEND_RECORD:
    if (agent != NULL && agent->connected)
      send_direct(sim, party, agent, output->data, output->length);
    break;
  default:
    g_assert_not_reached();
  }
}

WzpTime
sim_direct_next(const SimParty *party)
{
  WzpTime next = WZP_NEVER;
  for (unsigned i = 0; i < G_N_ELEMENTS(party->agents); i++)
    if (party->agents[i].alive)
      next = MIN(next, MIN(party->agents[i].gathered_at, party->agents[i].check_at));
  return next;
}

static void
gather(SimCall *sim, const SimParty *party, SimAgent *agent, WzpPath *path)
{
  WzpCandidate candidate = {.kind = WZP_CANDIDATE_HOST,
                            .priority = 1,
                            .address = address_of_agent(party->index, agent->k)};
  agent->gathered_at = WZP_NEVER;
  if (sim->config.cones && !agent->asks) {
    candidate.address.bytes[0] = 10;
    agent->asks = true;
    agent->gathered_at = sim->now + sim->config.out.delay + sim->config.in.delay;
  } else if (sim->config.cones) {
    candidate.kind = WZP_CANDIDATE_REFLEXIVE;
  }
  wzp_path_local_candidate(path, sim->now, agent->k, &candidate);
}

void
sim_direct_act(SimCall *sim, SimParty *party)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(party->agents); i++) {
    SimAgent *agent = &party->agents[i];
    uint32_t serial;
    WzpPath *path = wzp_call_path(party->call, &serial);
    if (!agent->alive || path == NULL)
      continue;
    if (sim->now >= agent->gathered_at)
      gather(sim, party, agent, path);
    if (sim->now >= agent->check_at) {
      const uint8_t request[100] = {CHECK_REQUEST};
      agent->check_at = sim->now + agent->check_interval;
      agent->check_interval *= 2;
      send_direct(sim, party, agent, request, sizeof request);
    }
  }
  sim_call_drain_party(sim, party);
}

static void
take_check(SimCall *sim, SimParty *party, SimAgent *agent, const WzpAddress *from, uint8_t type)
{
  const uint8_t response[100] = {CHECK_RESPONSE};
  uint32_t serial;
  if (type == CHECK_REQUEST) {
    know_remote(sim, agent, from);
    send_direct(sim, party, agent, response, sizeof response);
    if (!agent->connected)
      agent->check_at = sim->now; /* a triggered check: RFC 8445 section 7.3.1.4 */
    return;
  }
  WzpPath *path = wzp_call_path(party->call, &serial);
  agent->check_at = WZP_NEVER;
  if (agent->connected || path == NULL)
    return;
  agent->connected = true;
  wzp_path_connected(path, sim->now, agent->k, !sim->config.cones);
  sim_call_drain_party(sim, party);
}

bool
sim_direct_deliver(SimCall *sim, const SimDatagram *datagram)
{
  for (unsigned i = 0; i < sim->n_parties; i++) {
    SimParty *party = &sim->parties[i];
    for (unsigned n = 0; n < G_N_ELEMENTS(party->agents); n++) {
      SimAgent *agent = &party->agents[n];
      const WzpAddress here = address_of_agent(i, agent->k);
      if (!agent->alive || party->call == NULL || !wzp_address_equal(&here, &datagram->to))
        continue;
      bool media = false;
      if (sim->config.cones &&
          !(agent->opened && wzp_address_equal(&agent->remote, &datagram->from)))
        return true;
      if (datagram->data[0] <= CHECK_RESPONSE) {
        take_check(sim, party, agent, &datagram->from, datagram->data[0]);
      } else if (agent->connected) {
        wzp_call_handle_direct(party->call, sim->now, agent->serial, agent->k, datagram->data,
                               datagram->length, &media);
        if (media)
          sim_call_media(sim, party, WZP_WAY_DIRECT, agent->k, datagram->data, datagram->length);
        sim_call_drain_party(sim, party);
      }
      return true;
    }
  }
  return datagram->to.bytes[0] == 192 && datagram->to.bytes[1] == 168;
}
