/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include <string.h>

/* What NAT stands between us and the relay: what HS2 said of us, and what its two ports say. */

void
wzp_call_nat_answered(WzpCall *call, const WzpAddress *observed, uint16_t second_port)
{
  call->observed = *observed;
  call->second_port = second_port;
}

WzpAddress
wzp_call_nat_relay(const WzpCall *call)
{
  const WzpAddress none = {0};
  if (call->session == NULL || call->session->remote.stream != 0)
    return none; /* UDP is dead */
  if (call->session->remote.family == 4)
    return call->session->remote;
  for (unsigned i = 0; i < call->config.n_remotes; i++)
    if (call->config.remotes[i].family == 4)
      return call->config.remotes[i];
  return call->session->remote;
}

void
wzp_call_nat_start(WzpCall *call, WzpTime now)
{
  WzpAddress relay = wzp_call_nat_relay(call);
  wzp_nat_probe_init(&call->nat_probe);
  if (relay.family != 0 && call->second_port != 0)
    wzp_nat_probe_start(&call->nat_probe, now, &relay, call->second_port, &call->config.random);
}

void
wzp_call_set_own_address(WzpCall *call, const WzpAddress *own)
{
  call->own[own->family == 6] = *own;
}

void
wzp_call_network_changed(WzpCall *call, WzpTime now)
{
  uint32_t serial;
  WzpPath *path = wzp_call_path(call, &serial);
  if (call->session == NULL || call->state == WZP_CALL_ENDED)
    return;
  wzp_call_nat_start(call, now);
  wzp_call_nat_timeout(call, now);
  if (path != NULL)
    wzp_path_network_changed(path, now);
}

/* The relay answers where a session lives: one record from there says that ours does. */
static void
say_other_family(WzpCall *call, WzpTime now, const WzpAddress *relay)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  if (relay->family != call->session->remote.family &&
      wzp_control_probe(call->session->control, now, record, &length))
    wzp_call_push_datagram(call, relay, record, length);
}

void
wzp_call_nat_timeout(WzpCall *call, WzpTime now)
{
  uint8_t question[WZP_STUN_REQUEST_MIN];
  WzpAddress to;
  if (call->session == NULL || !wzp_nat_probe_timeout(&call->nat_probe, now))
    return;
  say_other_family(call, now, &call->nat_probe.targets[0]);
  for (unsigned n = 0; wzp_nat_probe_question(&call->nat_probe, n, &to, question); n++)
    wzp_call_push_datagram(call, &to, question, sizeof question);
}

WzpResult
wzp_call_nat_receive(WzpCall *call, const WzpAddress *from, const uint8_t *data, size_t length)
{
  WzpNat before = wzp_call_nat(call);
  WzpResult result = wzp_nat_probe_receive(&call->nat_probe, from, data, length);
  WzpNat nat = wzp_call_nat(call);
  if (nat != before)
    wzp_call_push_event(call, WZP_EVENT_NAT)->nat = nat;
  return result;
}

WzpNat
wzp_call_nat(const WzpCall *call)
{
  const WzpNatProbe *probe = &call->nat_probe;
  if (probe->answered[0] || probe->answered[1])
    return wzp_nat_probe_class(probe, &call->own[probe->targets[0].family == 6]);
  const WzpNatObservation said = {call->own[call->observed.family == 6], call->observed};
  return wzp_nat_classify(&said, 1);
}
