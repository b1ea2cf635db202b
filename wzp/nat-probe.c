/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "nat-probe.h"
#include <string.h>

#define AGAIN (250 * WZP_MSEC) /* doubling */
#define TRIES 5

void
wzp_nat_probe_init(WzpNatProbe *probe)
{
  *probe = (WzpNatProbe){.next = WZP_NEVER};
}

void
wzp_nat_probe_start(WzpNatProbe *probe, WzpTime now, const WzpAddress *relay, uint16_t second_port,
                    const WzpRandom *random)
{
  *probe = (WzpNatProbe){.targets = {*relay, *relay}, .next = now};
  probe->targets[1].port = second_port;
  wzp_random_fill(random, probe->transactions, sizeof probe->transactions);
}

WzpTime
wzp_nat_probe_next_timeout(const WzpNatProbe *probe)
{
  return probe->next;
}

static bool
is_done(const WzpNatProbe *probe)
{
  return probe->tries == TRIES || (probe->answered[0] && probe->answered[1]);
}

bool
wzp_nat_probe_timeout(WzpNatProbe *probe, WzpTime now)
{
  if (now < probe->next)
    return false;
  probe->next = now + (AGAIN << probe->tries++);
  if (is_done(probe))
    probe->next = WZP_NEVER;
  return true;
}

bool
wzp_nat_probe_question(WzpNatProbe *probe, unsigned n, WzpAddress *to,
                       uint8_t out[WZP_STUN_REQUEST_MIN])
{
  for (unsigned i = 0; i < WZP_NAT_PROBE_TARGETS; i++) {
    if (probe->answered[i] || n-- > 0)
      continue;
    *to = probe->targets[i];
    wzp_stun_request_write(out, probe->transactions[i]);
    return true;
  }
  return false;
}

WzpResult
wzp_nat_probe_receive(WzpNatProbe *probe, const WzpAddress *from, const uint8_t *data,
                      size_t length)
{
  for (unsigned i = 0; i < WZP_NAT_PROBE_TARGETS; i++) {
    WzpAddress observed;
    if (!wzp_address_equal(from, &probe->targets[i]))
      continue;
    WzpResult result = wzp_stun_response_parse(&observed, probe->transactions[i], data, length);
    if (result != WZP_OK)
      return result;
    if (probe->answered[i])
      return WZP_REPLAYED;
    probe->answered[i] = true;
    probe->observed[i] = observed;
    if (is_done(probe))
      probe->next = WZP_NEVER;
    return WZP_OK;
  }
  return WZP_UNKNOWN_SOURCE;
}

WzpNat
wzp_nat_probe_class(const WzpNatProbe *probe, const WzpAddress *own)
{
  WzpNatObservation seen[WZP_NAT_PROBE_TARGETS];
  unsigned n = 0;
  for (unsigned i = 0; i < WZP_NAT_PROBE_TARGETS; i++)
    if (probe->answered[i])
      seen[n++] = (WzpNatObservation){*own, probe->observed[i]};
  return wzp_nat_classify(seen, n);
}
