/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-hands.h"
#include "pair-recorder.h"
#include "test-util.h"
#include <string.h>

static void
scripted_fill(void *user, void *out, size_t length)
{
  uint8_t **next = user;
  memset(out, *(*next)++, length);
}

static WzpGroup *
scripted_group(const WzpIdentity *identity, const WzpRoomSecret *secret, const uint8_t relay[32],
               uint8_t e, uint8_t j, uint8_t base)
{
  uint8_t script[] = {e, j, base}, *next = script;
  WzpRandom random = {.fill = scripted_fill, .user = &next};
  return wzp_group_new(identity, secret, relay, &random);
}

/* Values from an independent implementation in another language, of docs/PROTOCOL.md. */
static void
test_vectors(void)
{
  static const struct {
    const char *room_id, *blob_hash, *jh_a, *jh_b, *record;
  } expected[] = {
      {"df5e2bb0cae0302f6f0b869ed9b1e175dcb97ed94683b0c619e404633700e499",
       "ab31da31d854a7818461d48cbb59d590f76b93153419805f582bd31a9793b272",
       "a80a41b1c72e4192b6409827572ac04e938b7555184cc554c5215c1f69646595",
       "ed635833ebef33a6f7362eaf289ac1fccd418b4c37b25c700b6128474880361d",
       "0100000000001f51e116feb66e5c8ab8e12b1391722adc1986bc27da6e0c8def9e78907c2e0aec20633cdecbe4"
       "cc2aee9b417b4d783a4d967334caca"},
      {"aa4d0ac54dd25b4a58d5b770d011833f49dfc220b9e7476471a805c8fffd6a0e",
       "c9aaff9657870f21a8241807d77bf843dcc2ce0cafca2061465d0dd71d7af203",
       "433810fcabca19cd5c659591f81c94cf31fa51bd5f22df5b3328bb51b12aba69",
       "5819ed72d49d03e3a1d64e0cb7e440d2eb61e8f88ef09d063c66f1146e2ba651",
       "010000000000940741ab4243f6b89aa192e03899f0c8753adcb7b6b0d4aa868144c761f362cd8399520d586109"
       "b57e54fa69a0451b78c7d55fc2fbf3"},
  };
  uint8_t seed[3][32], link_key[16], hash[32];
  memset(seed[0], 0x42, 32);
  for (unsigned i = 0; i < 32; i++)
    seed[1][i] = (uint8_t)i;
  memset(seed[2], 0, 32);
  memset(link_key, 0x77, sizeof link_key);
  WzpIdentity *a = wzp_identity_new(seed[0]), *b = wzp_identity_new(seed[1]),
              *relay = wzp_identity_new(seed[2]);

  for (unsigned keyed = 0; keyed < 2; keyed++) {
    WzpRoomSecret secret;
    WzpJoin join;
    if (keyed)
      wzp_room_secret_keyed(&secret, link_key);
    else
      wzp_room_secret_open(&secret, ROOM);
    WzpGroup *group_a = scripted_group(a, &secret, relay->ed25519_public, 0x11, 0x33, 0x55);
    WzpGroup *group_b = scripted_group(b, &secret, relay->ed25519_public, 0x22, 0x44, 0x66);
    assert_hex(wzp_group_room_id(group_a), 32, expected[keyed].room_id);
    wzp_sha256(hash, wzp_group_join(group_a), WZP_JOIN_BLOB_SIZE);
    assert_hex(hash, 32, expected[keyed].blob_hash);
    g_assert_cmpint(wzp_join_parse(&join, wzp_group_join(group_a), WZP_JOIN_BLOB_SIZE), ==, WZP_OK);
    assert_hex(join.jh, 32, expected[keyed].jh_a);
    g_assert_cmpint(wzp_join_parse(&join, wzp_group_join(group_b), WZP_JOIN_BLOB_SIZE), ==, WZP_OK);
    assert_hex(join.jh, 32, expected[keyed].jh_b);

    wzp_group_set_slot(group_a, 0);
    wzp_group_set_slot(group_b, 1);
    g_assert_cmpint(show(group_a, 0, 1, group_b), ==, WZP_OK);
    g_assert_cmpint(show(group_b, 0, 0, group_a), ==, WZP_OK);
    GBytes *record = wzp_group_poll(group_a, 0);
    assert_hex(g_bytes_get_data(record, NULL), g_bytes_get_size(record), expected[keyed].record);
    g_assert_cmpint(give(group_b, 0, record), ==, WZP_OK);
    g_assert_true(member(group_b, 0).we_have_key);
    g_bytes_unref(record);
    wzp_group_free(group_a);
    wzp_group_free(group_b);
  }
  wzp_identity_free(a);
  wzp_identity_free(b);
  wzp_identity_free(relay);
}

static void
test_join(void)
{
  Hands hands;
  WzpJoin join;
  uint8_t blob[WZP_JOIN_BLOB_SIZE + 1];

  hands_init(&hands, 2, NULL);
  memcpy(blob, wzp_group_join(hands.group[1]), WZP_JOIN_BLOB_SIZE);
  g_assert_cmpint(wzp_join_parse(&join, blob, WZP_JOIN_BLOB_SIZE), ==, WZP_OK);
  g_assert_cmpmem(join.id, 32, hands.identity[1]->ed25519_public, 32);
  g_assert_cmpmem(join.relay_key, 32, hands_relay_key, 32);
  g_assert_cmpmem(join.room_id, 32, wzp_group_room_id(hands.group[0]), 32);
  for (size_t n = 0; n < WZP_JOIN_BLOB_SIZE; n++)
    g_assert_cmpint(wzp_join_parse(&join, blob, n), ==, WZP_TRUNCATED);
  g_assert_cmpint(wzp_join_parse(&join, blob, sizeof blob), ==, WZP_TOO_LONG);

  for (size_t bit = 0; bit < WZP_JOIN_BLOB_SIZE * 8; bit++) {
    blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
    g_assert_cmpint(wzp_group_add_member(hands.group[0], 0, 1, blob, WZP_JOIN_BLOB_SIZE), !=,
                    WZP_OK);
    if (bit / 8 < WZP_JOIN_SIZE + 64)
      g_assert_cmpint(wzp_join_parse(&join, blob, WZP_JOIN_BLOB_SIZE), !=, WZP_OK);
    blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  g_assert_cmpuint(wzp_group_n_members(hands.group[0]), ==, 0);
  g_assert_null(wzp_group_poll(hands.group[0], 0));

  g_assert_cmpint(show(hands.group[0], 0, 5, hands.group[0]), ==, WZP_OWN_IDENTITY);
  g_assert_cmpint(show(hands.group[0], 0, 0, hands.group[1]), ==, WZP_WRONG_SLOT);
  g_assert_cmpint(show(hands.group[0], 0, 250, hands.group[1]), ==, WZP_MALFORMED);
  g_assert_cmpint(show(hands.group[0], 0, 1, hands.group[1]), ==, WZP_OK);
  g_assert_cmpint(member(hands.group[0], 0).state, ==, WZP_MEMBER_ANNOUNCED);
  hands_clear(&hands);
}

/* Rightly signed, wrong in itself. */
static void
test_join_refused(void)
{
  Hands hands;
  WzpRoomSecret secret;
  const uint8_t zero[32] = {0}, secret_e[32] = {1}, j[16] = {1}, other_relay[32] = {9};
  uint8_t blob[WZP_JOIN_BLOB_SIZE], e[32], link_key[16] = {1};
  WzpJoin join;

  hands_init(&hands, 2, NULL);
  wzp_x25519_base(e, secret_e);
  wzp_room_secret_open(&secret, ROOM);
  wzp_join_build(blob, &join, hands.identity[1], &secret, hands_relay_key, zero, j);
  g_assert_cmpint(wzp_group_add_member(hands.group[0], 0, 1, blob, sizeof blob), ==, WZP_WEAK_KEY);
  wzp_join_build(blob, &join, hands.identity[1], &secret, other_relay, e, j);
  g_assert_cmpint(wzp_group_add_member(hands.group[0], 0, 1, blob, sizeof blob), ==,
                  WZP_WRONG_IDENTITY);
  wzp_room_secret_open(&secret, "cellar");
  wzp_join_build(blob, &join, hands.identity[1], &secret, hands_relay_key, e, j);
  g_assert_cmpint(wzp_group_add_member(hands.group[0], 0, 1, blob, sizeof blob), ==,
                  WZP_UNEXPECTED);
  wzp_room_secret_keyed(&secret, link_key);
  wzp_join_build(blob, &join, hands.identity[1], &secret, hands_relay_key, e, j);
  g_assert_cmpint(wzp_group_add_member(hands.group[0], 0, 1, blob, sizeof blob), ==,
                  WZP_UNEXPECTED);
  g_assert_cmpuint(wzp_group_n_members(hands.group[0]), ==, 0);
  hands_clear(&hands);
}

/* Who has not the link's key can neither meet those who have, nor be taken for one of them. */
static void
test_keyed_room(void)
{
  Hands keyed, other;
  WzpRoomSecret secret, wrong;
  uint8_t link_key[16] = {1}, wrong_key[16] = {2}, blob[WZP_JOIN_BLOB_SIZE];

  wzp_room_secret_keyed(&secret, link_key);
  wzp_room_secret_keyed(&wrong, wrong_key);
  hands_init(&keyed, 2, &secret);
  hands_init(&other, 2, &wrong);
  g_assert_cmpint(memcmp(wzp_group_room_id(keyed.group[0]), wzp_group_room_id(other.group[0]), 32),
                  !=, 0);
  g_assert_cmpint(show(keyed.group[0], 0, 1, other.group[1]), ==, WZP_UNEXPECTED);

  /* the relay knows room_id: it can build the JOIN, but not the mac */
  memcpy(blob, wzp_group_join(keyed.group[1]), sizeof blob);
  memset(blob + WZP_JOIN_BLOB_SIZE - 16, 0, 16);
  g_assert_cmpint(wzp_group_add_member(keyed.group[0], 0, 1, blob, sizeof blob), ==, WZP_BAD_TAG);

  g_assert_cmpint(show(keyed.group[0], 0, 1, keyed.group[1]), ==, WZP_OK);
  g_assert_cmpint(show(keyed.group[1], 0, 0, keyed.group[0]), ==, WZP_OK);
  carry(&keyed, 0);
  assert_talks(keyed.group[0], keyed.group[1], 0);
  hands_clear(&keyed);
  hands_clear(&other);
}

/* Values from an independent implementation of Argon2id. */
static void
test_passphrase(void)
{
  static const struct {
    const char *passphrase, *psk, *room_id;
  } expected[] = {
      {"correct horse battery staple",
       "5908c0dbd01fbb536dbc7f1deae85f39023a2b3b1eb4e77e5ba1ec0a9cf97692",
       "d3fd9b8ffd1bb40d41888c30afdcb0ba2d6c6283ca2b883d09047ea8ff8d9f26"},
      /* typed as single letters, and as letters with their dots behind them */
      {"Gr\xc3\xbc\xc3\x9f"
       "e aus K\xc3\xb6ln",
       "aecfe19a5367fc3dd8f30a6062513d5f85ff53ee0e0b289577f57c9ebfb51a28",
       "17813d2a82389a6d3a609d9304a5c2debc08cdcce28a8cefdeef80ccb586f68b"},
      {"Gru\xcc\x88\xc3\x9f"
       "e aus Ko\xcc\x88ln",
       "aecfe19a5367fc3dd8f30a6062513d5f85ff53ee0e0b289577f57c9ebfb51a28",
       "17813d2a82389a6d3a609d9304a5c2debc08cdcce28a8cefdeef80ccb586f68b"},
  };
  WzpRoomSecret secret;
  uint8_t seed[32] = {0}, id[32];
  WzpIdentity *relay = wzp_identity_new(seed);

  for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
    g_assert_null(wzp_room_passphrase_problem(expected[i].passphrase));
    g_assert_true(wzp_room_secret_passphrase(&secret, ROOM, expected[i].passphrase));
    g_assert_true(secret.keyed);
    assert_hex(secret.psk, 32, expected[i].psk);
    wzp_room_id(id, &secret, relay->ed25519_public);
    assert_hex(id, 32, expected[i].room_id);
  }
  g_assert_false(wzp_room_passphrase_is_short(expected[0].passphrase));
  g_assert_true(wzp_room_passphrase_is_short(expected[1].passphrase));
  wzp_identity_free(relay);
}

static void
test_passphrase_refused(void)
{
  g_autofree char *longest = g_strnfill(WZP_ROOM_PASSPHRASE_MAX, 'a'),
                  *too_long = g_strnfill(WZP_ROOM_PASSPHRASE_MAX + 1, 'a');
  g_assert_nonnull(strstr(wzp_room_passphrase_problem(""), "empty"));
  g_assert_nonnull(strstr(wzp_room_passphrase_problem("seven l"), "fewer than 8"));
  /* letters count, not bytes */
  g_assert_nonnull(
      strstr(wzp_room_passphrase_problem("\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6"), "fewer than 8"));
  g_assert_nonnull(strstr(wzp_room_passphrase_problem("with a\ttab in it"), "control"));
  g_assert_nonnull(strstr(wzp_room_passphrase_problem("latin one \xf6"), "UTF-8"));
  g_assert_nonnull(strstr(wzp_room_passphrase_problem(too_long), "255"));
  g_assert_null(wzp_room_passphrase_problem(longest));
  g_assert_null(wzp_room_passphrase_problem("8 letter"));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/join/vectors", test_vectors);
  g_test_add_func("/join/join", test_join);
  g_test_add_func("/join/join-refused", test_join_refused);
  g_test_add_func("/join/keyed-room", test_keyed_room);
  g_test_add_func("/join/passphrase", test_passphrase);
  g_test_add_func("/join/passphrase-refused", test_passphrase_refused);
  int result = g_test_run();
  pair_recorder_clear();
  return result;
}
