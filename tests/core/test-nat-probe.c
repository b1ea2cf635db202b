/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/nat-probe.h"
#include "test-util.h"

static void
start(WzpNatProbe *probe)
{
  WzpSeededRandom state;
  const WzpRandom random = wzp_random_seeded(&state, 1);
  const WzpAddress relay = test_address("198.51.100.1:4433");
  wzp_nat_probe_init(probe);
  g_assert_cmpint(wzp_nat_probe_next_timeout(probe), ==, WZP_NEVER);
  wzp_nat_probe_start(probe, WZP_SECOND, &relay, 5000, &random);
}

/* What the relay says to the question: that it sees this. */
static WzpResult
answer(WzpNatProbe *probe, unsigned n, const char *seen)
{
  WzpAddress to;
  uint8_t question[WZP_STUN_REQUEST_MIN], response[WZP_STUN_RESPONSE_MAX];
  WzpStunRequest request;
  const WzpAddress observed = test_address(seen);
  g_assert_true(wzp_nat_probe_question(probe, n, &to, question));
  g_assert_cmpint(wzp_stun_request_parse(&request, question, sizeof question), ==, WZP_OK);
  size_t length = wzp_stun_response_write(response, &request, &observed);
  WzpResult result = wzp_nat_probe_receive(probe, &to, response, length);
  if (result == WZP_OK)
    g_assert_cmpint(wzp_nat_probe_receive(probe, &to, response, length), ==, WZP_REPLAYED);
  return result;
}

static void
test_times(void)
{
  static const WzpTime at[] = {0, 250, 750, 1750, 3750};
  WzpNatProbe probe;
  WzpAddress to;
  uint8_t question[WZP_STUN_REQUEST_MIN];
  start(&probe);
  for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
    WzpTime next = wzp_nat_probe_next_timeout(&probe);
    g_assert_cmpint(next, ==, WZP_SECOND + at[i] * WZP_MSEC);
    g_assert_false(wzp_nat_probe_timeout(&probe, next - 1));
    g_assert_true(wzp_nat_probe_timeout(&probe, next));
    g_assert_true(wzp_nat_probe_question(&probe, 0, &to, question));
    g_assert_cmpuint(to.port, ==, 4433);
    g_assert_true(wzp_nat_probe_question(&probe, 1, &to, question));
    g_assert_cmpuint(to.port, ==, 5000);
    g_assert_false(wzp_nat_probe_question(&probe, 2, &to, question));
  }
  g_assert_cmpint(wzp_nat_probe_next_timeout(&probe), ==, WZP_NEVER);
  g_assert_cmpint(wzp_nat_probe_class(&probe, &(WzpAddress){0}), ==, WZP_NAT_UNKNOWN);
}

static void
test_classes(void)
{
  static const struct {
    const char *own, *first, *second;
    WzpNat nat;
  } cases[] = {
      {"192.168.1.2:7", "203.0.113.2:7", "203.0.113.2:7", WZP_NAT_CONE},
      {"192.168.1.2:7", "203.0.113.2:7", "203.0.113.2:8", WZP_NAT_SYMMETRIC},
      {"192.168.1.2:7", "203.0.113.2:7", "203.0.113.3:7", WZP_NAT_MULTIPLE},
      {"203.0.113.2:7", "203.0.113.2:7", "203.0.113.2:7", WZP_NAT_OPEN},
      {"192.168.1.2:7", "192.168.1.2:7", "192.168.1.2:7", WZP_NAT_UNKNOWN},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    WzpNatProbe probe;
    const WzpAddress own = test_address(cases[i].own);
    start(&probe);
    wzp_nat_probe_timeout(&probe, WZP_SECOND);
    g_assert_cmpint(answer(&probe, 1, cases[i].second), ==, WZP_OK);
    g_assert_cmpint(wzp_nat_probe_class(&probe, &own), ==,
                    cases[i].nat == WZP_NAT_OPEN ? WZP_NAT_OPEN : WZP_NAT_UNKNOWN);
    g_assert_cmpint(wzp_nat_probe_next_timeout(&probe), !=, WZP_NEVER);
    g_assert_cmpint(answer(&probe, 0, cases[i].first), ==, WZP_OK);
    g_assert_cmpint(wzp_nat_probe_class(&probe, &own), ==, cases[i].nat);
    g_assert_cmpint(wzp_nat_probe_next_timeout(&probe), ==, WZP_NEVER);
  }
}

/* From elsewhere, or to a question of before. */
static void
test_strangers(void)
{
  WzpNatProbe probe, before;
  WzpAddress to;
  uint8_t question[WZP_STUN_REQUEST_MIN], response[WZP_STUN_RESPONSE_MAX];
  WzpStunRequest request;
  const WzpAddress observed = test_address("203.0.113.2:7"),
                   elsewhere = test_address("198.51.100.2:4433");
  start(&before);
  g_assert_true(wzp_nat_probe_question(&before, 0, &to, question));
  g_assert_cmpint(wzp_stun_request_parse(&request, question, sizeof question), ==, WZP_OK);
  size_t length = wzp_stun_response_write(response, &request, &observed);
  start(&probe);
  probe.transactions[0][9] ^= 1;
  g_assert_cmpint(wzp_nat_probe_receive(&probe, &to, response, length), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_nat_probe_receive(&before, &elsewhere, response, length), ==,
                  WZP_UNKNOWN_SOURCE);
  g_assert_cmpint(wzp_nat_probe_receive(&before, &to, response, length), ==, WZP_OK);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/nat-probe/times", test_times);
  g_test_add_func("/nat-probe/classes", test_classes);
  g_test_add_func("/nat-probe/strangers", test_strangers);
  return g_test_run();
}
