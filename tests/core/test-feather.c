/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/feather.h"
#include "test-util.h"

#define ALICE "518e:b935:62fa:9e34:e59c:28b6:7fc2:d384"
#define BOB "6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa"
#define TWOS "2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2"
#define ONES "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"
#define THREES "3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3"
/* Rust's serde writes it so: no spaces, the shortest number, null for what there is not */
#define GOOD                                                                                       \
  "{\"codec\":\"Opus24k\",\"fec_ratio\":0.2,\"frame_duration_ms\":20,\"frames_per_block\":5}"
#define KEYS                                                                                       \
  "\"identity_pub\":[" ONES "],\"ephemeral_pub\":[" TWOS "],\"signature\":[" THREES "," THREES "]"
#define OFFER(alias)                                                                               \
  "{\"signal\":{\"CallOffer\":{" KEYS ",\"supported_profiles\":[" GOOD "],\"alias\":" alias        \
  "}},\"relay_addr\":\"relay.example.com:4433\",\"room\":\"myroom\"}"
#define TAIL ",\"relay_addr\":null,\"room\":null}"

static WzpFeatherPayload
parse(const char *text)
{
  WzpFeatherPayload payload;
  g_assert_cmpint(wzp_feather_payload_parse(&payload, text, strlen(text)), ==, WZP_OK);
  return payload;
}

static void
assert_round_trip(const WzpFeatherPayload *payload)
{
  g_autofree char *text = wzp_feather_payload_build(payload);
  WzpFeatherPayload again = parse(text);
  g_autofree char *rebuilt = wzp_feather_payload_build(&again);
  g_assert_cmpstr(text, ==, rebuilt);
  g_assert_cmpint(again.signal.kind, ==, payload->signal.kind);
}

static void
test_room(void)
{
  static const struct {
    const char *group, *room;
  } cases[] = {/* the first 16 bytes of SHA-256, by sha256sum */
               {"warzone-squad", "9f93729dbc113d681de217c2bcb79a20"},
               {"", "b0d6defd95a8636790ef7e362961f4cd"},
               {"\xc3\xa9quipe", "aa310128a3a4818d3f4ee538a449b0da"}};
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    char room[WZP_FEATHER_ROOM_TEXT];
    wzp_feather_room(room, cases[i].group);
    g_assert_cmpstr(room, ==, cases[i].room);
  }
}

static void
test_offer(void)
{
  WzpFeatherPayload payload = parse(OFFER("\"Manwe\""));
  const WzpFeatherSignal *signal = &payload.signal;
  uint8_t expected[64];
  g_assert_cmpint(signal->kind, ==, WZP_FEATHER_CALL_OFFER);
  g_assert_cmpstr(signal->name, ==, "CallOffer");
  memset(expected, 1, sizeof expected);
  g_assert_cmpmem(signal->identity, 32, expected, 32);
  memset(expected, 2, sizeof expected);
  g_assert_cmpmem(signal->ephemeral, 32, expected, 32);
  memset(expected, 3, sizeof expected);
  g_assert_cmpmem(signal->signature, signal->signature_length, expected, 64);
  g_assert_cmpuint(signal->n_profiles, ==, 1);
  g_assert_cmpstr(signal->profiles[0].codec, ==, "Opus24k");
  g_assert_cmpfloat(signal->profiles[0].fec_ratio, ==, 0.2);
  g_assert_cmpuint(signal->profiles[0].frame_msec, ==, 20);
  g_assert_cmpuint(signal->profiles[0].frames_per_block, ==, 5);
  g_assert_cmpstr(signal->alias, ==, "Manwe");
  g_assert_cmpstr(payload.relay, ==, "relay.example.com:4433");
  g_assert_cmpstr(payload.room, ==, "myroom");
  assert_round_trip(&payload);
  /* older ones have no alias, newer ones more members */
  payload = parse(OFFER("null"));
  g_assert_cmpstr(payload.signal.alias, ==, "");
  payload = parse("{\"signal\":{\"CallOffer\":{" KEYS
                  ",\"supported_profiles\":[],\"version\":{\"a\":[1]}}},"
                  "\"more\":true}");
  g_assert_cmpuint(payload.signal.n_profiles, ==, 0);
  g_assert_cmpstr(payload.relay, ==, "");
  assert_round_trip(&payload);
}

static void
test_others(void)
{
  static const struct {
    const char *signal;
    WzpFeatherKind kind;
    WzpFeatherType type;
  } cases[] = {
      {"{\"CallAnswer\":{" KEYS ",\"chosen_profile\":" GOOD "}}", WZP_FEATHER_CALL_ANSWER,
       WZP_FEATHER_TYPE_ANSWER},
      {"{\"IceCandidate\":{\"candidate\":\"candidate:1\"}}", WZP_FEATHER_ICE_CANDIDATE,
       WZP_FEATHER_TYPE_ICE_CANDIDATE},
      {"{\"Hangup\":{\"reason\":\"Normal\",\"call_id\":\"c-1\"}}", WZP_FEATHER_HANGUP,
       WZP_FEATHER_TYPE_HANGUP},
      {"{\"Hangup\":{\"reason\":\"Busy\",\"call_id\":null}}", WZP_FEATHER_HANGUP,
       WZP_FEATHER_TYPE_BUSY},
      {"{\"Hangup\":{\"reason\":\"Declined\"}}", WZP_FEATHER_HANGUP, WZP_FEATHER_TYPE_REJECT},
      {"{\"Hangup\":{\"reason\":\"Timeout\"}}", WZP_FEATHER_HANGUP, WZP_FEATHER_TYPE_HANGUP},
      {"{\"Hangup\":{\"reason\":\"Error\"}}", WZP_FEATHER_HANGUP, WZP_FEATHER_TYPE_HANGUP},
      {"\"Hold\"", WZP_FEATHER_HOLD, WZP_FEATHER_TYPE_HOLD},
      {"\"Unhold\"", WZP_FEATHER_UNHOLD, WZP_FEATHER_TYPE_UNHOLD},
      {"\"Mute\"", WZP_FEATHER_MUTE, WZP_FEATHER_TYPE_MUTE},
      {"\"Unmute\"", WZP_FEATHER_UNMUTE, WZP_FEATHER_TYPE_UNMUTE},
      {"{\"Transfer\":{\"target_fingerprint\":\"" BOB "\",\"relay_addr\":null}}",
       WZP_FEATHER_TRANSFER, WZP_FEATHER_TYPE_TRANSFER},
      {"\"TransferAck\"", WZP_FEATHER_TRANSFER_ACK, WZP_FEATHER_TYPE_OFFER},
      {"{\"CallRinging\":{\"call_id\":\"c-1\"}}", WZP_FEATHER_CALL_RINGING,
       WZP_FEATHER_TYPE_RINGING},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = g_strconcat("{\"signal\":", cases[i].signal, TAIL, NULL);
    WzpFeatherPayload payload = parse(text);
    g_assert_cmpint(payload.signal.kind, ==, cases[i].kind);
    g_assert_cmpint(wzp_feather_type_of(&payload.signal), ==, cases[i].type);
    assert_round_trip(&payload);
    /* byte for byte, where no number has a fraction and nothing is left out */
    g_autofree char *built = wzp_feather_payload_build(&payload);
    if (!strstr(text, "fec_ratio") && (!strstr(text, "Hangup") || strstr(text, "call_id")))
      g_assert_cmpstr(built, ==, text);
  }
  /* signals between clients and relays: they are named and passed over */
  WzpFeatherPayload payload = parse("{\"signal\":{\"Ping\":{\"timestamp_ms\":12}}" TAIL);
  g_assert_cmpint(payload.signal.kind, ==, WZP_FEATHER_OTHER);
  g_assert_cmpstr(payload.signal.name, ==, "Ping");
  g_assert_cmpint(wzp_feather_type_of(&payload.signal), ==, WZP_FEATHER_TYPE_OFFER);
  payload = parse("{\"signal\":\"Reflect\"" TAIL);
  g_assert_cmpstr(payload.signal.name, ==, "Reflect");
  for (WzpFeatherType type = 0; type < WZP_FEATHER_N_TYPES; type++) {
    WzpFeatherType again = WZP_FEATHER_N_TYPES;
    g_autofree char *lower = g_ascii_strdown(wzp_feather_type_name(type), -1);
    g_assert_true(wzp_feather_type_parse(&again, lower));
    g_assert_cmpint(again, ==, type);
    g_assert_false(wzp_feather_type_parse(&again, lower + 1));
  }
}

static void
assert_refused(const char *text, WzpResult result)
{
  WzpFeatherPayload payload, none = {0};
  memset(&payload, 0xee, sizeof payload);
  if (wzp_feather_payload_parse(&payload, text, strlen(text)) != result)
    g_error("not refused so: %s", text);
  g_assert_cmpmem(&payload, sizeof payload, &none, sizeof none);
}

static void
test_refused(void)
{
  static const char *const wrong[] = {
      "",
      "null",
      "[]",
      "{}",
      "{\"signal\":null}",
      "{\"signal\":12}",
      "{\"signal\":\"\"}",
      "{\"signal\":{}}",
      "{\"signal\":{\"Hold\":{}}}",
      "{\"signal\":{\"Hold\":null}}",
      "{\"signal\":\"Hangup\"}",
      "{\"signal\":{\"Hangup\":{\"reason\":\"Normal\"},\"Mute\":{}}}",
      "{\"signal\":{\"Hangup\":[]}}",
      "{\"signal\":{\"Hangup\":{}}}",
      "{\"signal\":{\"Hangup\":{\"reason\":\"normal\"}}}",
      "{\"signal\":{\"Hangup\":{\"reason\":\"Normal\",\"call_id\":7}}}",
      "{\"signal\":{\"CallRinging\":{}}}",
      "{\"signal\":{\"CallRinging\":{\"call_id\":null}}}",
      "{\"signal\":{\"IceCandidate\":{\"candidate\":\"a\\nb\"}}}",
      "{\"signal\":{\"Transfer\":{\"target_fingerprint\":\"bob\"}}}",
      "{\"signal\":{\"CallAnswer\":{" KEYS "}}}",
      "{\"signal\":{\"CallAnswer\":{" KEYS ",\"chosen_profile\":{\"codec\":\"Opus24k\"}}}}",
      "{\"signal\":{\"CallOffer\":{" KEYS "}}}",
      "{\"signal\":{\"CallOffer\":{" KEYS ",\"supported_profiles\":[null]}}}",
      "{\"signal\":{\"CallOffer\":{\"identity_pub\":[" ONES ",1],\"ephemeral_pub\":[" ONES
      "],\"signature\":[],\"supported_profiles\":[]}}}",
      "{\"signal\":{\"CallOffer\":{\"identity_pub\":[],\"ephemeral_pub\":[" ONES
      "],\"signature\":[],\"supported_profiles\":[]}}}",
      "{\"signal\":{\"CallOffer\":{\"identity_pub\":[" ONES "],\"ephemeral_pub\":[" ONES
      "],\"signature\":[1],\"supported_profiles\":[]}}}",
      "{\"signal\":{\"CallOffer\":{\"identity_pub\":[256," ONES "],\"ephemeral_pub\":[" ONES
      "],\"signature\":[],\"supported_profiles\":[]}}}",
      "{\"signal\":\"Hold\",\"room\":7}",
      "{\"signal\":\"Hold\",\"room\":\"a\\u001b[2Jb\"}",
      "{\"signal\":\"Hold\",\"relay_addr\":\"a\\u202eb\"}",
      "{\"signal\":\"Hold\"} trailing",
      "{'signal':\"Hold\"}",
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
    assert_refused(wrong[i], WZP_MALFORMED);
  static const char *const ratios[] = {"-0.1", "101", "\"1\"", "null", "1e999"};
  for (unsigned i = 0; i < G_N_ELEMENTS(ratios); i++) {
    g_autofree char *text =
        g_strdup_printf("{\"signal\":{\"CallAnswer\":{" KEYS
                        ",\"chosen_profile\":{\"codec\":\"Opus24k\",\"fec_ratio\":%s,"
                        "\"frame_duration_ms\":20,\"frames_per_block\":5}}}}",
                        ratios[i]);
    assert_refused(text, WZP_MALFORMED);
  }
  g_autofree char *long_name = g_strnfill(300, 'x');
  g_autofree char *long_room = g_strdup_printf("{\"signal\":\"Hold\",\"room\":\"%s\"}", long_name);
  assert_refused(long_room, WZP_TOO_LONG);
  g_autofree char *huge = g_strnfill(WZP_FEATHER_TEXT_MAX + 1, ' ');
  assert_refused(huge, WZP_TOO_LONG);
  GString *many =
      g_string_new("{\"signal\":{\"CallOffer\":{" KEYS ",\"supported_profiles\":[" GOOD);
  for (unsigned i = 0; i < WZP_FEATHER_PROFILES_MAX; i++)
    g_string_append(many, "," GOOD);
  g_string_append(many, "]}}}");
  assert_refused(many->str, WZP_TOO_LONG);
  g_string_free(many, TRUE);
}

static void
test_call(void)
{
  WzpFeatherCall call = {.id = "call-123",
                         .sender = ALICE,
                         .target = BOB,
                         .type = WZP_FEATHER_TYPE_BUSY,
                         .payload = {.signal = {.kind = WZP_FEATHER_HANGUP,
                                                .name = "Hangup",
                                                .reason = WZP_FEATHER_REASON_BUSY},
                                     .room = "a \"quoted\" room"}},
                 again;
  g_autofree char *text = wzp_feather_call_build(&call);
  g_assert_cmpstr(
      text, ==,
      "{\"CallSignal\":{\"id\":\"call-123\",\"sender_fingerprint\":\"" ALICE
      "\",\"signal_type\":\"Busy\",\"payload\":\"{\\\"signal\\\":{\\\"Hangup\\\":{\\\"reason\\\":"
      "\\\"Busy\\\",\\\"call_id\\\":null}},\\\"relay_addr\\\":null,\\\"room\\\":\\\"a "
      "\\\\\\\"quoted\\\\\\\" room\\\"}\",\"target\":\"" BOB "\"}}");
  g_assert_cmpint(wzp_feather_call_parse(&again, text, strlen(text)), ==, WZP_OK);
  g_autofree char *rebuilt = wzp_feather_call_build(&again);
  g_assert_cmpstr(rebuilt, ==, text);
  g_assert_cmpint(again.type, ==, WZP_FEATHER_TYPE_BUSY);
  g_assert_cmpstr(again.id, ==, call.id);
  g_assert_cmpstr(again.sender, ==, ALICE);
  g_assert_cmpstr(again.target, ==, BOB);
  g_assert_cmpstr(again.payload.room, ==, call.payload.room);

  static const char *const wrong[] = {"",
                                      "{}",
                                      "{\"CallSignal\":null}",
                                      "{\"CallSignal\":{}}",
#define CALL(sender, type, payload)                                                                \
  "{\"CallSignal\":{\"id\":\"1\",\"sender_fingerprint\":\"" sender "\",\"signal_type\":\"" type    \
  "\",\"payload\":\"" payload "\",\"target\":\"" BOB "\"}}"
                                      CALL("bob", "Hold", "{\\\"signal\\\":\\\"Hold\\\"}"),
                                      CALL(ALICE, "hold", "{\\\"signal\\\":\\\"Hold\\\"}"),
                                      CALL(ALICE, "Hold", "{\\\"signal\\\":\\\"Hold\\\""),
                                      CALL(ALICE, "Hold", "")};
  for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
    g_assert_cmpint(wzp_feather_call_parse(&again, wrong[i], strlen(wrong[i])), ==, WZP_MALFORMED);
  const char *good =
      CALL("518EB93562FA9E34E59C28B67FC2D384", "Hold", "{\\\"signal\\\":\\\"Hold\\\"}");
  g_assert_cmpint(wzp_feather_call_parse(&again, good, strlen(good)), ==, WZP_OK);
  g_assert_cmpstr(again.sender, ==, ALICE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/feather/room", test_room);
  g_test_add_func("/feather/offer", test_offer);
  g_test_add_func("/feather/others", test_others);
  g_test_add_func("/feather/refused", test_refused);
  g_test_add_func("/feather/call", test_call);
  return g_test_run();
}
