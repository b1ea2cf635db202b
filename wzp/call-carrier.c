/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"

#define SPREAD WZP_SECOND /* a relay that ends cuts all its streams at once */

void
wzp_call_carrier_init(WzpCall *call)
{
  wzp_carrier_init(&call->carrier, call->config.mode == WZP_CALL_RELAY && call->config.tls);
  call->carrier_timeout = WZP_NEVER;
}

void
wzp_call_carrier_asked(WzpCall *call, WzpTime now, const WzpAddress *to, WzpTime patience)
{
  if (to->stream == 0)
    wzp_carrier_asked(&call->carrier, now, patience);
}

void
wzp_call_carrier_heard(WzpCall *call, const WzpAddress *from)
{
  if (from->stream == 0)
    wzp_carrier_heard(&call->carrier);
}

void
wzp_call_carrier_set(WzpCall *call, WzpTime now, const WzpAddress *remote)
{
  bool was = call->carrier.on_stream, is = remote->stream != 0;
  if (is)
    wzp_carrier_on_stream(&call->carrier, now);
  else
    wzp_carrier_on_udp(&call->carrier, now);
  if (is == was)
    return;
  call->stats.carrier_changes++;
  wzp_call_push_event(call, WZP_EVENT_CARRIER)->by_stream = is;
}

bool
wzp_call_carrier_knows(const WzpCall *call, const WzpAddress *from)
{
  if (!call->carrier.available)
    return false;
  if (from->stream != 0)
    return call->carrier.up && wzp_address_equal(from, &call->stream);
  for (unsigned i = 0; i < call->config.n_remotes; i++)
    if (wzp_address_equal(from, &call->config.remotes[i]))
      return true;
  return false;
}

bool
wzp_call_carrier_challenged(WzpCall *call, WzpTime now, WzpCallSession *session,
                            const WzpAddress *from)
{
  if (session == call->session && session->remote.stream != 0 && from->stream == 0) {
    /* an answer to our probe: UDP carries both ways */
    if (!wzp_carrier_probe_answered(&call->carrier, now))
      return false;
    session->remote = *from;
    wzp_call_carrier_set(call, now, from);
  }
  /* On a stream a challenge is about our own probes, nobody else can send any there: its answer would say that we want
   * to stay. And who left for UDP does not say that he is still there. */
  return from->stream == 0 && wzp_address_equal(from, &session->remote);
}

static void
probe(WzpCall *call, WzpTime now)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  if (!wzp_control_probe(call->session->control, now, record, &length))
    return;
  for (unsigned i = 0; i < call->config.n_remotes; i++)
    wzp_call_push_datagram(call, &call->config.remotes[i], record, length);
}

void
wzp_call_carrier_timeout(WzpCall *call, WzpTime now)
{
  if (wzp_carrier_probe(&call->carrier, now) && call->session != NULL &&
      call->session->remote.stream != 0)
    probe(call, now);
}

bool
wzp_call_wants_stream(const WzpCall *call, WzpTime now)
{
  return call->state != WZP_CALL_IDLE && call->state != WZP_CALL_ENDED &&
         wzp_carrier_wants_stream(&call->carrier, now);
}

void
wzp_call_stream_up(WzpCall *call, WzpTime now, const WzpAddress *remote)
{
  g_return_if_fail(remote->stream != 0 && !call->carrier.up);
  call->stream = *remote;
  wzp_carrier_up(&call->carrier);
  wzp_call_attempt_add(call, now, remote);
}

void
wzp_call_stream_down(WzpCall *call, WzpTime now)
{
  bool was_up = call->carrier.up;
  wzp_carrier_down(&call->carrier, now, wzp_call_random_time(call, SPREAD));
  if (!was_up)
    return;
  wzp_call_attempt_forget(call, now, &call->stream);
  if (call->session != NULL && wzp_address_equal(&call->session->remote, &call->stream))
    wzp_call_hop_lose(call, now);
}
