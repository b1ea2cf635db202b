/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/nat.h"
#include "test-util.h"

typedef struct {
  WzpNat nat;
  struct {
    const char *own, *observed;
  } seen[4];
} Case;

static void
test_classes(void)
{
  static const Case cases[] = {
      {WZP_NAT_UNKNOWN, {{NULL, NULL}}},
      {WZP_NAT_UNKNOWN, {{"192.168.1.2:40000", "203.0.113.2:40000"}}},
      {WZP_NAT_OPEN, {{"203.0.113.2:40000", "203.0.113.2:40000"}}},
      {WZP_NAT_OPEN,
       {{"[2001:db8::1]:7", "[2001:db8::1]:7"}, {"[2001:db8::1]:7", "[2001:db8::1]:7"}}},
      {WZP_NAT_CONE,
       {{"192.168.1.2:40000", "203.0.113.2:1"}, {"192.168.1.2:40000", "203.0.113.2:1"}}},
      {WZP_NAT_SYMMETRIC,
       {{"192.168.1.2:40000", "203.0.113.2:1"}, {"192.168.1.2:40000", "203.0.113.2:2"}}},
      {WZP_NAT_SYMMETRIC,
       {{"192.168.1.2:40000", "203.0.113.2:1"},
        {"192.168.1.2:40000", "203.0.113.2:1"},
        {"192.168.1.2:40000", "203.0.113.2:2"}}},
      {WZP_NAT_MULTIPLE,
       {{"192.168.1.2:40000", "203.0.113.2:1"}, {"192.168.1.2:40000", "203.0.113.9:1"}}},
      /* relays on the same LAN, behind the same carrier, or on this machine tell nothing */
      {WZP_NAT_UNKNOWN,
       {{"192.168.1.2:4", "192.168.1.2:4"},
        {"10.0.0.1:4", "10.0.0.1:4"},
        {"100.64.0.1:4", "100.64.0.1:4"},
        {"127.0.0.1:4", "127.0.0.1:4"}}},
      {WZP_NAT_UNKNOWN, {{"172.16.0.9:4", "172.16.0.9:4"}, {"172.16.0.9:4", "203.0.113.2:1"}}},
      {WZP_NAT_OPEN, {{"172.32.0.9:4", "172.32.0.9:4"}}},
      /* open towards one, translated towards the other: by a tunnel, say */
      {WZP_NAT_MULTIPLE, {{"203.0.113.2:4", "203.0.113.2:4"}, {"203.0.113.2:4", "198.51.100.7:4"}}},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    WzpNatObservation seen[4] = {0};
    unsigned n = 0;
    for (; n < 4 && cases[i].seen[n].observed != NULL; n++) {
      g_assert_true(wzp_address_parse(&seen[n].own, cases[i].seen[n].own));
      g_assert_true(wzp_address_parse(&seen[n].observed, cases[i].seen[n].observed));
    }
    g_assert_cmpstr(wzp_nat_name(wzp_nat_classify(seen, n)), ==, wzp_nat_name(cases[i].nat));
  }
  for (unsigned nat = 0; nat < WZP_N_NATS; nat++)
    g_assert_true(g_str_has_prefix(wzp_nat_text((WzpNat)nat), wzp_nat_name((WzpNat)nat)));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/nat/classes", test_classes);
  return g_test_run();
}
