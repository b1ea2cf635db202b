/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/path-message.h"
#include "test-util.h"
#include "tests/tools/published-example.h"

/* Credentials of ICE for k = 0, of the handshake that PROTOCOL.md section 13 shows. */
static void
test_credentials(void)
{
  WzpHandshakeKeys keys;
  WzpIceCredentials credentials, next;
  example_keys(&keys);
  wzp_ice_credentials(&credentials, keys.ice, 0, true);
  g_assert_cmpstr(credentials.ufrag, ==, "xr3szMzK");
  g_assert_cmpstr(credentials.password, ==, "qssmXji2SxbiaRdp99cdlBqX6MKXmWov");
  wzp_ice_credentials(&credentials, keys.ice, 0, false);
  g_assert_cmpstr(credentials.ufrag, ==, "OgW6BZHa");
  g_assert_cmpstr(credentials.password, ==, "5fAdA3Fj95sUgcDuE/2Cu1TgYqsMYTce");
  wzp_ice_credentials(&next, keys.ice, 1, false);
  g_assert_cmpstr(credentials.password, !=, next.password);
}

static void
test_probe(void)
{
  uint8_t key[32] = {1}, other[32] = {2}, bytes[WZP_PATH_PROBE_SIZE + 1] = {0};
  WzpPathProbe out;
  WzpWindow window, before;
  const WzpPathProbe in = {.pong = true,
                           .k = 7,
                           .seq = 70000,
                           .echoed = 3,
                           .time = 123456789,
                           .flags = WZP_PATH_PROVEN | WZP_PATH_MISSING,
                           .loss = 12,
                           .relay_loss = WZP_PATH_LOSS_UNKNOWN};
  wzp_window_init(&window, WZP_WINDOW_MAX);
  wzp_path_probe_seal(bytes, key, &in);
  g_assert_cmphex(bytes[0], ==, 0x46);
  before = window;
  for (unsigned bit = 0; bit < 8 * WZP_PATH_PROBE_SIZE; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    g_assert_cmpint(wzp_path_probe_open(&out, key, 7, &window, bytes, WZP_PATH_PROBE_SIZE), !=,
                    WZP_OK);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  g_assert_cmpmem(&window, sizeof window, &before, sizeof before);
  for (size_t length = 0; length <= sizeof bytes; length++)
    if (length != WZP_PATH_PROBE_SIZE)
      g_assert_cmpint(wzp_path_probe_open(&out, key, 7, &window, bytes, length), !=, WZP_OK);
  g_assert_cmpint(wzp_path_probe_open(&out, other, 7, &window, bytes, WZP_PATH_PROBE_SIZE), ==,
                  WZP_BAD_TAG);
  g_assert_cmpint(wzp_path_probe_open(&out, key, 8, &window, bytes, WZP_PATH_PROBE_SIZE), ==,
                  WZP_UNKNOWN_SESSION);
  g_assert_cmpint(wzp_path_probe_open(&out, key, 7, &window, bytes, WZP_PATH_PROBE_SIZE), ==,
                  WZP_OK);
  g_assert_true(out.pong);
  g_assert_cmphex(out.flags, ==, in.flags);
  g_assert_cmpuint(out.loss, ==, 12);
  g_assert_cmpuint(out.relay_loss, ==, WZP_PATH_LOSS_UNKNOWN);
  g_assert_cmpuint(out.k, ==, in.k);
  g_assert_cmpuint(out.seq, ==, in.seq);
  g_assert_cmpuint(out.echoed, ==, in.echoed);
  g_assert_cmpuint(out.time, ==, in.time);
  g_assert_cmpint(wzp_path_probe_open(&out, key, 7, &window, bytes, WZP_PATH_PROBE_SIZE), ==,
                  WZP_REPLAYED);
}

static void
test_setup(void)
{
  uint8_t bytes[WZP_PATH_MESSAGE_MAX];
  WzpPathMessage out, in = {.type = WZP_PATH_SETUP,
                            .k = 0x1234,
                            .nat = WZP_NAT_SYMMETRIC,
                            .n_candidates = WZP_CANDIDATES_MAX};
  unsigned refused;
  for (unsigned i = 0; i < WZP_CANDIDATES_MAX; i++)
    in.candidates[i] = (WzpCandidate){
        .kind = WZP_CANDIDATE_HOST,
        .priority = i + 1,
        .address = {.family = 6, .port = 9, .bytes = {0x20, 1, 13, 0xb8, (uint8_t)i}}};
  size_t length = wzp_path_message_write(bytes, &in);
  g_assert_cmpuint(length, ==, WZP_PATH_MESSAGE_MAX);
  g_assert_cmpint(wzp_path_message_parse(&out, bytes, length, &refused), ==, WZP_OK);
  g_assert_cmpuint(refused, ==, 0);
  g_assert_cmpuint(out.k, ==, 0x1234);
  g_assert_cmpuint(out.n_candidates, ==, WZP_CANDIDATES_MAX);
  g_assert_cmpuint(out.candidates[11].priority, ==, 12);
  g_assert_cmpint(out.nat, ==, WZP_NAT_SYMMETRIC);
  /* nothing is said of the NAT, or something that we do not know */
  g_assert_cmpint(wzp_path_message_parse(&out, bytes, length - 1, &refused), ==, WZP_OK);
  g_assert_cmpint(out.nat, ==, WZP_NAT_UNKNOWN);
  bytes[length - 1] = WZP_N_NATS;
  g_assert_cmpint(wzp_path_message_parse(&out, bytes, length, &refused), ==, WZP_OK);
  g_assert_cmpint(out.nat, ==, WZP_NAT_UNKNOWN);
  for (size_t cut = 0; cut < length - 1; cut++)
    g_assert_cmpint(wzp_path_message_parse(&out, bytes, cut, &refused), ==, WZP_TRUNCATED);

  /* one that nobody may be made to send to does not spoil the others */
  in.candidates[0].address = (WzpAddress){.family = 4, .port = 22, .bytes = {127, 0, 0, 1}};
  length = wzp_path_message_write(bytes, &in);
  g_assert_cmpint(wzp_path_message_parse(&out, bytes, length, &refused), ==, WZP_OK);
  g_assert_cmpuint(refused, ==, 1);
  g_assert_cmpuint(out.n_candidates, ==, WZP_CANDIDATES_MAX - 1);
}

static void
test_report(void)
{
  uint8_t bytes[WZP_PATH_MESSAGE_MAX];
  WzpPathMessage out;
  const WzpPathMessage in = {.type = WZP_PATH_REPORT,
                             .k = 3,
                             .flags = WZP_PATH_PROVEN | WZP_PATH_SILENT,
                             .round_trip = 12,
                             .hop_round_trip = WZP_PATH_ROUND_TRIP_UNKNOWN};
  unsigned refused;
  size_t length = wzp_path_message_write(bytes, &in);
  bytes[length] = 0xff; /* of a later version */
  g_assert_cmpint(wzp_path_message_parse(&out, bytes, length + 1, &refused), ==, WZP_OK);
  g_assert_cmpuint(out.k, ==, 3);
  g_assert_cmphex(out.flags, ==, 3);
  g_assert_cmpuint(out.round_trip, ==, 12);
  g_assert_cmphex(out.hop_round_trip, ==, 0xffff);
  g_assert_cmpint(wzp_path_message_parse(&out, bytes, length - 1, &refused), ==, WZP_TRUNCATED);
  bytes[0] = 9;
  g_assert_cmpint(wzp_path_message_parse(&out, bytes, length, &refused), ==, WZP_UNKNOWN_KIND);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/path-message/credentials", test_credentials);
  g_test_add_func("/path-message/probe", test_probe);
  g_test_add_func("/path-message/setup", test_setup);
  g_test_add_func("/path-message/report", test_report);
  return g_test_run();
}
