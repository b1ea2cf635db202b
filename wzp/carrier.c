/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "carrier.h"
#include <glib.h>

void
wzp_carrier_init(WzpCarrier *carrier, bool available)
{
  *carrier = (WzpCarrier){
      .available = available,
      .dead_at = WZP_NEVER,
      .probe_at = WZP_NEVER,
      .hold = WZP_CARRIER_HOLD,
      .retry = WZP_CARRIER_RETRY,
      .returned = -WZP_CARRIER_SOON,
  };
}

void
wzp_carrier_asked(WzpCarrier *carrier, WzpTime now, WzpTime patience)
{
  if (!carrier->lived)
    patience = MIN(patience, WZP_CARRIER_SILENT_NEW);
  carrier->dead_at = MIN(carrier->dead_at, now + patience);
}

void
wzp_carrier_heard(WzpCarrier *carrier)
{
  carrier->lived = true;
  carrier->dead_at = WZP_NEVER;
}

void
wzp_carrier_up(WzpCarrier *carrier)
{
  carrier->up = true;
}

void
wzp_carrier_down(WzpCarrier *carrier, WzpTime now, WzpTime spread)
{
  /* one that carried the leg is worth another try soon */
  bool served = carrier->up && carrier->on_stream;
  carrier->up = carrier->stuck = false;
  carrier->retry = served ? WZP_CARRIER_RETRY : MIN(2 * carrier->retry, WZP_CARRIER_RETRY_MAX);
  carrier->retry_at = now + spread + (served ? 0 : carrier->retry / 2);
}

void
wzp_carrier_on_stream(WzpCarrier *carrier, WzpTime now)
{
  if (!carrier->on_stream) {
    bool flap = now - carrier->returned < WZP_CARRIER_SOON;
    carrier->hold = flap ? MIN(2 * carrier->hold, WZP_CARRIER_HOLD_MAX) : WZP_CARRIER_HOLD;
    carrier->hold_until = carrier->lived ? now + carrier->hold : now;
  }
  carrier->on_stream = true;
  carrier->retry = WZP_CARRIER_RETRY;
  carrier->probe = carrier->lived ? WZP_CARRIER_PROBE : WZP_CARRIER_PROBE_NEW;
  carrier->probe_at = now + carrier->probe;
  carrier->probe_open = false;
  carrier->answered = 0;
}

void
wzp_carrier_on_udp(WzpCarrier *carrier, WzpTime now)
{
  if (carrier->on_stream) {
    carrier->returned = now;
    carrier->linger_until = now + WZP_CARRIER_LINGER;
  }
  carrier->on_stream = false;
  carrier->probe_at = WZP_NEVER;
  carrier->dead_at = WZP_NEVER;
}

void
wzp_carrier_stuck(WzpCarrier *carrier)
{
  carrier->stuck = carrier->up;
}

static bool
is_dead(const WzpCarrier *carrier, WzpTime now)
{
  return now >= carrier->dead_at;
}

bool
wzp_carrier_wants_stream(const WzpCarrier *carrier, WzpTime now)
{
  if (!carrier->available || carrier->stuck)
    return false;
  if (!carrier->up && now < carrier->retry_at)
    return false;
  return carrier->on_stream || is_dead(carrier, now) ||
         (carrier->up && now < carrier->linger_until);
}

bool
wzp_carrier_probe(WzpCarrier *carrier, WzpTime now)
{
  if (!carrier->on_stream || now < carrier->probe_at)
    return false;
  if (carrier->probe_open && carrier->answered > 0)
    carrier->answered--;
  else if (carrier->probe_open)
    carrier->probe = MIN(2 * carrier->probe, WZP_CARRIER_PROBE_MAX);
  carrier->probe_open = true;
  carrier->probe_at = now + (carrier->answered > 0 ? WZP_CARRIER_PROBE_WAIT : carrier->probe);
  return true;
}

bool
wzp_carrier_probe_answered(WzpCarrier *carrier, WzpTime now)
{
  if (!carrier->on_stream || !carrier->probe_open)
    return false;
  carrier->probe_open = false;
  carrier->probe = WZP_CARRIER_PROBE;
  if (now < carrier->hold_until) {
    carrier->probe_at = MAX(carrier->probe_at, carrier->hold_until);
    return false;
  }
  carrier->answered++;
  carrier->probe_at = MIN(carrier->probe_at, now + WZP_CARRIER_PROBE_QUICK);
  return carrier->answered >= WZP_CARRIER_PROBES;
}

WzpTime
wzp_carrier_next_timeout(const WzpCarrier *carrier, WzpTime now)
{
  if (!carrier->available)
    return WZP_NEVER;
  WzpTime next = carrier->on_stream ? carrier->probe_at : WZP_NEVER;
  if (!carrier->on_stream && carrier->dead_at > now)
    next = MIN(next, carrier->dead_at);
  if (!carrier->up && carrier->retry_at > now &&
      (carrier->on_stream || carrier->dead_at != WZP_NEVER))
    next = MIN(next, carrier->retry_at);
  if (carrier->up && !carrier->on_stream && carrier->linger_until > now)
    next = MIN(next, carrier->linger_until);
  return next;
}
