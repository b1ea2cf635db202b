/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "nat.h"
#include "candidate.h"
#include <glib.h>
#include <string.h>

const char *
wzp_nat_name(WzpNat nat)
{
  static const char *const names[WZP_N_NATS] = {"unknown", "open", "cone", "symmetric", "multiple"};
  return (unsigned)nat < WZP_N_NATS ? names[nat] : "unknown";
}

const char *
wzp_nat_text(WzpNat nat)
{
  static const char *const texts[WZP_N_NATS] = {
      "unknown: a relay on the internet has to see us at two ports, or two relays, to tell",
      "open: no NAT; direct paths work unless a firewall is in the way",
      "cone: one mapping for all; direct paths work with all but symmetric ones",
      "symmetric: another port for each; direct paths work with open ones, or by IPv6",
      "multiple addresses: direct paths may work or not",
  };
  return texts[(unsigned)nat < WZP_N_NATS ? nat : WZP_NAT_UNKNOWN];
}

static bool
is_public(const WzpAddress *address)
{
  const uint8_t *b = address->bytes;
  if (!wzp_address_is_reachable(address))
    return false;
  if (address->family == 6)
    return (b[0] & 0xe0) == 0x20;
  bool private = b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
                 (b[0] == 192 && b[1] == 168) || (b[0] == 100 && (b[1] & 0xc0) == 64);
  return !private;
}

static bool
same_host(const WzpAddress *a, const WzpAddress *b)
{
  return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

WzpNat
wzp_nat_classify(const WzpNatObservation *observations, unsigned n)
{
  const WzpAddress *first = NULL;
  unsigned count = 0, open = 0;
  bool same_address = true, same_port = true;
  for (unsigned i = 0; i < n; i++) {
    const WzpAddress *observed = &observations[i].observed;
    if (!is_public(observed))
      continue;
    count++;
    open += wzp_address_equal(observed, &observations[i].own);
    if (first == NULL)
      first = observed;
    same_address &= same_host(observed, first);
    same_port &= observed->port == first->port;
  }
  if (count > 0 && open == count)
    return WZP_NAT_OPEN;
  if (count < 2)
    return WZP_NAT_UNKNOWN;
  if (!same_address)
    return WZP_NAT_MULTIPLE;
  return same_port ? WZP_NAT_CONE : WZP_NAT_SYMMETRIC;
}
