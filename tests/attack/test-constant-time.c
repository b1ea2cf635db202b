/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/core/handshake-pair.h"
#include "wzp/control-private.h"
#include "wzp/group-private.h"
#include "wzp/seal-private.h"
#include <sodium.h>
#include <valgrind/memcheck.h>

/* Secrets are marked as undefined memory. memcheck follows them through all that is computed from them and complains
 * of each branch and each address that depends on one: what a clock or a cache could tell. What goes onto the wire is
 * public from there on. What may branch are verdicts: whether something verified. The other side is told anyway, by
 * silence. They are made public in the four functions that give them (--wrap); libsodium's own branch on the one of the
 * tag is in constant-time.supp. */

static void
make_secret(void *bytes, size_t length)
{
  (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes, length);
}

static void
make_public(const void *bytes, size_t length)
{
  (void)VALGRIND_MAKE_MEM_DEFINED(bytes, length);
}

static bool
verdict(bool result)
{
  make_public(&result, sizeof result);
  return result;
}

static void
assert_quiet(unsigned before)
{
  g_assert_cmpuint(VALGRIND_COUNT_ERRORS, ==, before);
}

/* --- What is public: verdicts --- */

bool __real_wzp_aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
                          const void *ad, size_t ad_length, const void *sealed, size_t length);
bool __wrap_wzp_aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
                          const void *ad, size_t ad_length, const void *sealed, size_t length);
bool
__wrap_wzp_aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const void *ad,
                     size_t ad_length, const void *sealed, size_t length)
{
  return verdict(__real_wzp_aead_open(out, key, nonce, ad, ad_length, sealed, length));
}

/* zero: only for points of low order, which are public */
int __real_crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p);
int __wrap_crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p);
int
__wrap_crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
  int result = __real_crypto_scalarmult(q, n, p);
  make_public(&result, sizeof result);
  return result;
}

int __real_sodium_memcmp(const void *a, const void *b, size_t length);
int __wrap_sodium_memcmp(const void *a, const void *b, size_t length);
int
__wrap_sodium_memcmp(const void *a, const void *b, size_t length)
{
  int result = __real_sodium_memcmp(a, b, length);
  make_public(&result, sizeof result);
  return result;
}

/* Who signed, and what: no secret between the two who talk. */
bool __real_wzp_identity_verify(const uint8_t key[32], const uint8_t signature[64],
                                const void *message, size_t length);
bool __wrap_wzp_identity_verify(const uint8_t key[32], const uint8_t signature[64],
                                const void *message, size_t length);
bool
__wrap_wzp_identity_verify(const uint8_t key[32], const uint8_t signature[64], const void *message,
                           size_t length)
{
  make_public(key, 32);
  make_public(signature, 64);
  make_public(message, length);
  return verdict(__real_wzp_identity_verify(key, signature, message, length));
}

static unsigned
begin(void)
{
  return VALGRIND_COUNT_ERRORS;
}

/* --- That it sees: a comparison that ends early, a table that is looked into --- */

static int __attribute__((noinline))
leaky_compare(const volatile uint8_t *a, const volatile uint8_t *b)
{
  for (unsigned i = 0; i < 16; i++)
    if (a[i] != b[i])
      return 1;
  return 0;
}

static void
test_control(void)
{
  volatile uint8_t table[256] = {1}, tag[16] = {2}, secret[16] = {2}, sink;
  make_secret((void *)secret, sizeof secret);
  unsigned before = begin();
  sink = (uint8_t)leaky_compare(secret, tag);
  g_assert_cmpuint(VALGRIND_COUNT_ERRORS, >, before);
  before = begin();
  sink = table[secret[3]];
  g_assert_cmpuint(VALGRIND_COUNT_ERRORS, >, before);
  (void)sink;
}

/* --- Media --- */

static void
test_media(void)
{
  uint8_t sid[32] = {1}, base[32] = {2}, packet[128], plain[128];
  size_t length, plain_length;
  WzpOpened opened;
  WzpSealRequest request = {.code = 0, .full = true};
  make_secret(base, sizeof base);
  const unsigned before = begin();
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = wzp_receiver_new(sid);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 0, base), ==, WZP_OK);
  for (unsigned i = 0; i < 20; i++) {
    uint8_t voice[60] = {0};
    make_secret(voice, sizeof voice);
    g_assert_cmpint(wzp_sender_seal(sender, &request, voice, sizeof voice, packet, sizeof packet,
                                    &length, NULL),
                    ==, WZP_OK);
    make_public(packet, length);
    for (unsigned at = 0; at < 16; at++) { /* wrong in each byte of the tag */
      packet[length - 1 - at] ^= 1;
      g_assert_cmpint(wzp_receiver_open(receiver, 0, packet, length, plain, &plain_length, &opened),
                      ==, WZP_BAD_TAG);
      packet[length - 1 - at] ^= 1;
    }
    g_assert_cmpint(wzp_receiver_open(receiver, 0, packet, length, plain, &plain_length, &opened),
                    ==, WZP_OK);
  }
  uint8_t next[32];
  wzp_sender_ratcheted_base(sender, next);
  wzp_sender_set_pending(sender, next);
  wzp_sender_switch(sender);
  wzp_sender_free(sender);
  wzp_receiver_free(receiver);
  assert_quiet(before);
}

static void
test_hop_tag(void)
{
  uint8_t datagram[80] = {0xc0}, key[16] = {3}, session_id[4] = {4};
  WzpHopKeys keys;
  make_secret(key, sizeof key);
  const unsigned before = begin();
  wzp_hop_keys_init(&keys, key);
  for (uint32_t wraps = 0; wraps < 3; wraps++) {
    wzp_trailer_append(datagram, 60, session_id, wzp_hop_keys_at(&keys, wraps));
    make_public(datagram, sizeof datagram);
    g_assert_true(verdict(wzp_trailer_check(datagram, 68, wzp_hop_keys_at(&keys, wraps))));
    for (unsigned at = 64; at < 68; at++) {
      datagram[at] ^= 1;
      g_assert_false(verdict(wzp_trailer_check(datagram, 68, wzp_hop_keys_at(&keys, wraps))));
      datagram[at] ^= 1;
    }
  }
  assert_quiet(before);
}

/* --- Handshake, records, rooms --- */

typedef struct {
  WzpSeededRandom seeded;
  WzpRandom inner;
} SecretRandom;

static void
fill_secret(void *user, void *out, size_t length)
{
  SecretRandom *random = user;
  wzp_random_fill(&random->inner, out, length);
  make_secret(out, length);
}

static WzpRandom
secret_random(SecretRandom *random, uint64_t seed)
{
  random->inner = wzp_random_seeded(&random->seeded, seed);
  return (WzpRandom){.fill = fill_secret, .user = random};
}

static void
show_public_parts(const WzpIdentity *identity)
{
  make_public(identity->ed25519_public, sizeof identity->ed25519_public);
  make_public(identity->x25519_public, sizeof identity->x25519_public);
  make_public(identity->fingerprint, sizeof identity->fingerprint);
}

static void
show_message(const uint8_t *message, size_t length)
{
  make_public(message, length);
}

static void
test_handshake(gconstpointer data)
{
  const WzpHandshakeMode mode = *(const WzpHandshakeMode *)data;
  SecretRandom random;
  Pair pair;
  size_t length;
  pair_init(&pair, mode, 9);
  make_secret((void *)pair.identity_i->seed, 32);
  make_secret((void *)pair.identity_r->seed, 32);
  const unsigned before = begin();
  WzpIdentity *identities[2] = {wzp_identity_new(pair.identity_i->seed),
                                wzp_identity_new(pair.identity_r->seed)};
  show_public_parts(identities[0]);
  show_public_parts(identities[1]);
  pair.config_i.identity = identities[0];
  pair.config_r.identity = identities[1];
  make_secret(pair.config_i.psk, 32);
  make_secret(pair.config_r.psk, 32);
  pair.random = secret_random(&random, 10);

  pair.initiator = wzp_initiator_new(&pair.config_i, &pair.random);
  const uint8_t *message = wzp_initiator_message(pair.initiator, &length);
  show_message(message, length);
  pair.hs1_length = keep(pair.hs1, message, length);
  g_assert_cmpint(pair_hs2(&pair, "sid!", 4), ==, WZP_OK);
  show_message(pair.hs2, pair.hs2_length);
  for (unsigned at = 0; at < 3; at++) { /* refused by its tag */
    pair.hs2[pair.hs2_length - 1 - at] ^= 1;
    g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_BAD_TAG);
    pair.hs2[pair.hs2_length - 1 - at] ^= 1;
  }
  g_assert_cmpint(pair_read_hs2(&pair, pair.hs2, pair.hs2_length), ==, WZP_OK);
  pair_hs3(&pair, "request", 7);
  show_message(pair.hs3, pair.hs3_length);
  pair.hs3[20] ^= 1;
  g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_BAD_TAG);
  pair.hs3[20] ^= 1;
  g_assert_cmpint(pair_read_hs3(&pair, pair.hs3, pair.hs3_length), ==, WZP_OK);

  /* and a record under its keys */
  WzpControlConfig configs[2];
  WzpRecords records[2];
  uint8_t record[128];
  wzp_control_config_from_keys(&configs[0], &pair.keys_i, true);
  wzp_control_config_from_keys(&configs[1], &pair.keys_r, false);
  for (unsigned i = 0; i < 2; i++) {
    make_public(configs[i].send_cid, sizeof configs[i].send_cid);
    make_public(configs[i].receive_cid, sizeof configs[i].receive_cid);
    wzp_records_init(&records[i], &configs[i]);
  }
  memset(record, 0, sizeof record);
  length = wzp_records_seal(&records[0], record, 20);
  make_public(record, length);
  assert_quiet(before);
  make_public(&pair.keys_i, sizeof pair.keys_i);
  make_public(&pair.keys_r, sizeof pair.keys_r);
  assert_agreement(&pair);
  pair_clear(&pair);
  wzp_identity_free(identities[0]);
  wzp_identity_free(identities[1]);
}

/* The mac of a keyed room. */
static void
test_room_mac(void)
{
  uint8_t link_key[16] = {5}, relay_key[32] = {6}, e[32] = {7}, j[16] = {8};
  uint8_t blob[WZP_JOIN_BLOB_SIZE], seed[32] = {9};
  WzpRoomSecret secret;
  WzpJoin join;
  WzpIdentity *identity = wzp_identity_new(seed);
  make_secret(link_key, sizeof link_key);
  const unsigned before = begin();
  wzp_room_secret_keyed(&secret, link_key);
  wzp_join_build(blob, &join, identity, &secret, relay_key, e, j);
  make_public(blob, sizeof blob);
  g_assert_true(verdict(wzp_join_check_mac(blob, &secret)));
  for (unsigned at = 1; at <= 16; at++) {
    blob[WZP_JOIN_BLOB_SIZE - at] ^= 1;
    g_assert_false(verdict(wzp_join_check_mac(blob, &secret)));
    blob[WZP_JOIN_BLOB_SIZE - at] ^= 1;
  }
  assert_quiet(before);
  wzp_identity_free(identity);
}

int
main(int argc, char **argv)
{
  static const char *const names[] = {"hop", "call", "udp"};
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  if (!RUNNING_ON_VALGRIND)
    g_error("run me as  valgrind --suppressions=tests/attack/constant-time.supp %s", argv[0]);
  g_test_add_func("/attack/constant-time/control", test_control);
  g_test_add_func("/attack/constant-time/media", test_media);
  g_test_add_func("/attack/constant-time/hop-tag", test_hop_tag);
  for (unsigned m = 0; m < G_N_ELEMENTS(all_modes); m++) {
    g_autofree char *path = g_strdup_printf("/attack/constant-time/handshake-%s", names[m]);
    g_test_add_data_func(path, &all_modes[m], test_handshake);
  }
  g_test_add_func("/attack/constant-time/room-mac", test_room_mac);
  return g_test_run();
}
