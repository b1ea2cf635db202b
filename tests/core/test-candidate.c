/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/candidate.h"
#include "test-util.h"

static void
test_reachable(void)
{
  static const char *const good[] = {
      "10.0.0.1:1",    "172.16.0.1:1",    "192.168.88.11:1", "100.64.0.1:1",
      "203.0.113.9:1", "[2001:db8::1]:1", "[3fff:ffff::]:1", "[fd00:a::11]:1",
      "[fc00::1]:1",   "223.1.1.1:1",     "[2001:db8::1]:0",
  };
  static const char *const bad[] = {
      "127.0.0.1:1", "0.0.0.0:1",   "0.1.2.3:1", "169.254.1.1:1", "224.0.0.251:1",
      "240.0.0.1:1", "[::1]:1",     "[::]:1",    "[fe80::1%2]:1", "255.255.255.255:1",
      "[ff02::1]:1", "[fec0::1]:1", "[64::1]:1",
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
    WzpAddress one = test_address(good[i]);
    g_assert_true(wzp_address_is_reachable(&one));
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    WzpAddress one = test_address(bad[i]);
    g_assert_false(wzp_address_is_reachable(&one));
  }
  g_assert_false(wzp_address_is_reachable(&(WzpAddress){0}));
}

static void
test_choose(void)
{
  static const struct {
    unsigned interface;
    const char *text;
    bool chosen;
  } all[] = {
      {1, "127.0.0.1:0", false},      {1, "[::1]:0", false},
      {2, "192.168.88.11:0", true},   {2, "192.168.88.12:0", false}, /* one of IPv4 */
      {2, "[fe80::1%2]:0", false},    {2, "[2001:db8:a::1]:0", true},
      {2, "[2001:db8:a::2]:0", true}, {2, "[2001:db8:a::3]:0", false}, /* two global ones */
      {2, "[fd00:a::1]:0", true},     {2, "[fd00:a::2]:0", false},
      {3, "10.8.0.2:0", true},        {3, "[2001:db8:b::1]:0", true},
      {4, "172.17.0.1:0", false}, /* six in all */
  };
  WzpInterfaceAddress list[G_N_ELEMENTS(all)];
  WzpAddress chosen[WZP_CANDIDATES_MAX];
  unsigned n = 0;
  for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
    list[i] =
        (WzpInterfaceAddress){.interface = all[i].interface, .address = test_address(all[i].text)};
  unsigned count = wzp_candidates_choose(chosen, list, G_N_ELEMENTS(list));
  for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
    if (all[i].chosen) {
      g_assert_cmpuint(n, <, count);
      g_assert_true(wzp_address_equal(&chosen[n++], &list[i].address));
    }
  g_assert_cmpuint(n, ==, count);
  g_assert_cmpuint(wzp_candidates_choose(chosen, list, 0), ==, 0);
}

/* A machine with more networks of its own making than places: that to the internet is not left out. */
static void
test_outgoing_first(void)
{
  WzpInterfaceAddress list[] = {
      {1, false, test_address("172.17.0.1:0")},  {2, false, test_address("172.18.0.1:0")},
      {3, false, test_address("172.19.0.1:0")},  {4, false, test_address("172.20.0.1:0")},
      {5, false, test_address("172.21.0.1:0")},  {6, false, test_address("172.22.0.1:0")},
      {7, true, test_address("192.168.1.5:0")},  {1, false, test_address("[fd00::1]:0")},
      {7, true, test_address("[2001:db8::5]:0")}};
  static const unsigned expected[] = {6, 8, 0, 1, 2, 3};
  WzpAddress chosen[WZP_CANDIDATES_MAX];
  g_assert_cmpuint(wzp_candidates_choose(chosen, list, G_N_ELEMENTS(list)), ==,
                   G_N_ELEMENTS(expected));
  for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++)
    g_assert_true(wzp_address_equal(&chosen[i], &list[expected[i]].address));
}

static WzpResult
read_back(const WzpCandidate *candidate, WzpCandidate *out)
{
  uint8_t bytes[WZP_CANDIDATE_SIZE_MAX];
  WzpWriter writer;
  WzpReader reader;
  wzp_writer_init(&writer, bytes, sizeof bytes);
  wzp_candidate_write(candidate, &writer);
  g_assert_false(writer.failed);
  for (size_t cut = 0; cut < writer.length; cut++) {
    wzp_reader_init(&reader, bytes, cut);
    g_assert_cmpint(wzp_candidate_read(out, &reader), !=, WZP_OK);
  }
  wzp_reader_init(&reader, bytes, writer.length);
  WzpResult result = wzp_candidate_read(out, &reader);
  g_assert_true(wzp_reader_done(&reader));
  return result;
}

/* Nobody can be made to send to himself, to his link or to many by a candidate. */
static void
test_bytes(void)
{
  static const char *const good[] = {"192.168.88.11:40000", "[2001:db8::1]:1"};
  static const char *const bad[] = {"127.0.0.1:40000", "[::1]:40000", "224.0.0.1:9", "192.0.2.1:0"};
  WzpCandidate out, in = {.kind = WZP_CANDIDATE_REFLEXIVE, .priority = 0x64001234};
  for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
    in.address = test_address(good[i]);
    g_assert_cmpint(read_back(&in, &out), ==, WZP_OK);
    g_assert_cmpint(out.kind, ==, in.kind);
    g_assert_cmpuint(out.priority, ==, in.priority);
    g_assert_true(wzp_address_equal(&out.address, &in.address));
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    in.address = test_address(bad[i]);
    g_assert_cmpint(read_back(&in, &out), ==, WZP_MALFORMED);
  }
  in.address = test_address(good[0]);
  in.priority = 0;
  g_assert_cmpint(read_back(&in, &out), ==, WZP_MALFORMED);
  in.priority = 1;
  in.kind = (WzpCandidateKind)3;
  g_assert_cmpint(read_back(&in, &out), ==, WZP_MALFORMED);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/candidate/reachable", test_reachable);
  g_test_add_func("/candidate/choose", test_choose);
  g_test_add_func("/candidate/outgoing-first", test_outgoing_first);
  g_test_add_func("/candidate/bytes", test_bytes);
  return g_test_run();
}
