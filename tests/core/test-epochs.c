/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seal-stream.h"
#include <string.h>

/* Linked with --wrap=wzp_hkdf_expand: counts what a flood makes the receiver derive. */
void __real_wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                            size_t info_length);
void __wrap_wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                            size_t info_length);
static unsigned media_keys_derived, ratchets;

void
__wrap_wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                       size_t info_length)
{
  if (info_length >= 6 && memcmp(info, "wz1 mk", 6) == 0)
    media_keys_derived++;
  if (info_length >= 11 && memcmp(info, "wz1 ratchet", 11) == 0)
    ratchets++;
  __real_wzp_hkdf_expand(out, length, prk, info, info_length);
}

/* What opens, against the rule in full width: no low bits, no arithmetic modulo anything. */
static void
test_epoch_choice(void)
{
  const uint32_t middles[] = {0, 1, 2, 5, 254, 255, 256, 1000, 0xfffffe00};

  for (unsigned m = 0; m < G_N_ELEMENTS(middles); m++) {
    const uint8_t previous[32] = {5};
    WzpSender *walker = wzp_sender_new(sid, base, middles[m]); /* by the ratchet, step by step */

    for (int d = -1; d <= 270; d++) {
      int64_t epoch = (int64_t)middles[m] + d;
      if (epoch < 0)
        continue;
      if (d > 0) {
        uint8_t next[32];
        wzp_sender_ratcheted_base(walker, next);
        wzp_sender_set_pending(walker, next);
        wzp_sender_switch(walker);
      }
      for (unsigned full = 0; full < 2; full++) {
        Packet packet, first;
        WzpReceiver *receiver = wzp_receiver_new(sid);
        WzpSender *sender = wzp_sender_new(sid, base, middles[m]);
        WzpSender *there =
            wzp_sender_new(sid, d < 0 ? previous : wzp_sender_base(walker), (uint32_t)epoch);
        bool expected = d >= -1 && d <= (full ? 8 : 2);

        if (middles[m] > 0)
          wzp_receiver_add_base(receiver, middles[m] - 1, previous);
        wzp_receiver_add_base(receiver, middles[m], base);
        seal(sender, false, &first);
        g_assert_cmpint(open_at(receiver, 0, &first, NULL), ==, WZP_OK);
        seal(there, false, &packet);
        seal(there, full, &packet); /* seq 1: not the one that opened for d == 0 */
        WzpResult result = open_at(receiver, 5 * WZP_SECOND, &packet, NULL);
        if (expected != (result == WZP_OK))
          g_error("epoch %" G_GINT64_FORMAT " against %u, full %u: %s", epoch, middles[m], full,
                  wzp_result_name(result));
        wzp_sender_free(there);
        wzp_sender_free(sender);
        wzp_receiver_free(receiver);
      }
    }
    wzp_sender_free(walker);
  }
}

static void
test_flood(void)
{
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 4);
  WzpSender *sender = wzp_sender_new(sid, base, 5);
  WzpReceiver *receiver = receiver_with(5, base);
  Packet packet;

  seal(sender, true, &packet);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
  media_keys_derived = ratchets = 0;
  for (unsigned i = 0; i < 20000; i++) {
    Packet forged = {.length = 60};
    wzp_random_fill(&random, forged.data, forged.length);
    forged.data[0] = (uint8_t)((forged.data[0] & 0x70) | 0x80); /* code 0, any KK, mini and full */
    if ((forged.data[0] & 0x40) == 0) {                         /* a full header that parses */
      forged.data[8] = (uint8_t)((forged.data[8] & 0xfc) | (forged.data[0] >> 4 & 3));
      forged.data[10] = forged.data[11] = 0;
    }
    g_assert_cmpint(open_at(receiver, i, &forged, NULL), !=, WZP_OK);
  }
  g_assert_cmpuint(media_keys_derived, ==, 2);
  g_assert_cmpuint(ratchets, ==, 1 + 2);

  /* a real change of epoch is not hindered */
  uint8_t fresh[32];
  rotate(sender, 0x31, fresh);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 6, fresh), ==, WZP_OK);
  seal(sender, false, &packet);
  g_assert_cmpint(open_at(receiver, WZP_SECOND, &packet, NULL), ==, WZP_OK);

  /* in silence every epoch that a header can name is derived at most once */
  media_keys_derived = 0;
  for (unsigned i = 0; i < 20000; i++) {
    Packet forged = {.length = 60};
    wzp_random_fill(&random, forged.data, forged.length);
    forged.data[0] = (uint8_t)(0x80 | (forged.data[8] & 3) << 4);
    forged.data[10] = forged.data[11] = 0;
    g_assert_cmpint(open_at(receiver, 20 * WZP_SECOND, &forged, NULL), !=, WZP_OK);
  }
  g_assert_cmpuint(media_keys_derived, <=, 8);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_keys_received(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  uint8_t fresh[32], other[32] = {0xee};
  Packet old[3], packet, late;
  WzpOpened opened;

  for (unsigned i = 0; i < G_N_ELEMENTS(old); i++)
    seal(sender, false, &old[i]);
  g_assert_cmpint(open_at(receiver, 0, &old[0], NULL), ==, WZP_OK);

  /* the packet overtakes its KEY: the guess fails, the KEY replaces the guess */
  rotate(sender, 0x11, fresh);
  seal(sender, false, &packet);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_BAD_TAG);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, other), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_BAD_TAG);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, fresh), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packet, &opened), ==, WZP_OK);
  g_assert_cmpuint(opened.epoch, ==, 1);

  /* opened: the base stands */
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, other), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, fresh), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_REPLAYED);

  /* the old epoch lives 10 s more */
  g_assert_cmpint(open_at(receiver, 10 * WZP_SECOND - 1, &old[1], NULL), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 10 * WZP_SECOND, &old[2], NULL), ==, WZP_TOO_OLD);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 0, base), ==, WZP_TOO_OLD);
  g_assert_cmpint(open_at(receiver, 10 * WZP_SECOND, &old[2], NULL), ==, WZP_TOO_OLD);

  /* deaf for long: the KEY of a far epoch moves the range, and the one before is still ratcheted */
  for (unsigned i = 0; i < 4; i++) {
    wzp_sender_ratcheted_base(sender, fresh);
    wzp_sender_set_pending(sender, fresh);
    wzp_sender_switch(sender);
  }
  seal(sender, false, &late); /* epoch 5 */
  rotate(sender, 0x22, fresh);
  seal(sender, false, &packet); /* epoch 6 */
  g_assert_cmpint(wzp_receiver_add_base(receiver, 6, fresh), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 60 * WZP_SECOND, &packet, &opened), ==, WZP_OK);
  g_assert_cmpuint(opened.epoch, ==, 6);
  g_assert_cmpint(open_at(receiver, 60 * WZP_SECOND, &late, &opened), ==, WZP_OK);
  g_assert_cmpuint(opened.epoch, ==, 5);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 4, other), ==, WZP_TOO_OLD);

  /* and much farther than any ratchet */
  wzp_sender_free(sender);
  sender = wzp_sender_new(sid, other, 4000000000);
  seal(sender, false, &packet);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 4000000000, other), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 61 * WZP_SECOND, &packet, NULL), ==, WZP_OK);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* A packet two epochs ahead: the one between is still reached. A guess that was made from another base
 * than a KEY brings goes. */
static void
test_steps_of_two(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 5);
  WzpReceiver *receiver = receiver_with(5, base);
  uint8_t next[32];
  Packet first, between, ahead, guessed;

  seal(sender, false, &first);
  g_assert_cmpint(open_at(receiver, 0, &first, NULL), ==, WZP_OK);
  wzp_sender_ratcheted_base(sender, next);
  wzp_sender_set_pending(sender, next);
  wzp_sender_switch(sender);
  seal(sender, false, &between);
  wzp_sender_ratcheted_base(sender, next);
  wzp_sender_set_pending(sender, next);
  wzp_sender_switch(sender);
  seal(sender, false, &ahead);
  g_assert_cmpint(open_at(receiver, 0, &ahead, NULL), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &between, NULL), ==, WZP_OK);

  uint8_t fresh[32];
  rotate(sender, 0x44, fresh); /* 8 */
  wzp_sender_ratcheted_base(sender, next);
  wzp_sender_set_pending(sender, next);
  wzp_sender_switch(sender);
  seal(sender, false, &guessed); /* 9 */
  g_assert_cmpint(open_at(receiver, 0, &guessed, NULL), ==, WZP_BAD_TAG);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 8, fresh), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &guessed, NULL), ==, WZP_OK);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* Keys come and go in any order: what was received last for an epoch holds, nothing crashes, and the
 * cache never refuses a key that could be needed. */
static void
test_many_keys(void)
{
  WzpReceiver *receiver = wzp_receiver_new(sid);

  for (uint32_t epoch = 10; epoch < 60; epoch++) {
    uint8_t key[32];
    Packet packet;
    memset(key, (int)epoch, sizeof key);
    WzpSender *sender = wzp_sender_new(sid, key, epoch);
    seal(sender, false, &packet);
    g_assert_cmpint(wzp_receiver_add_base(receiver, epoch, key), ==, WZP_OK);
    if (epoch % 3 == 0)
      g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
    wzp_sender_free(sender);
  }
  wzp_receiver_free(receiver);
}

static void
test_newcomer(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 40);
  Packet before[5], packet;
  uint8_t pending[32];

  for (unsigned i = 0; i < G_N_ELEMENTS(before); i++)
    seal(sender, false, &before[i]);
  wzp_sender_ratcheted_base(sender, pending);
  wzp_sender_set_pending(sender, pending);
  g_assert_cmpmem(wzp_sender_pending(sender), 32, pending, 32);

  WzpReceiver *receiver = receiver_with(41, pending);
  for (unsigned i = 0; i < G_N_ELEMENTS(before); i++)
    g_assert_cmpint(open_at(receiver, 0, &before[i], NULL), ==, WZP_NO_KEY);
  g_assert_false(wzp_receiver_wants_key(receiver, 0)); /* it is not missing anything */
  wzp_sender_switch(sender);
  g_assert_false(wzp_sender_has_pending(sender));
  g_assert_false(wzp_sender_epoch_used(sender));
  seal(sender, false, &packet);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &before[0], NULL), ==, WZP_NO_KEY);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_wants_key(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = wzp_receiver_new(sid);
  uint8_t fresh[32];
  Packet packet, good;
  const WzpTime step = 20 * WZP_MSEC;

  seal(sender, false, &good);
  for (unsigned i = 0; i < 5; i++) /* before the first epoch nothing counts */
    g_assert_cmpint(open_at(receiver, i * step, &good, NULL), ==, WZP_NO_KEY);
  g_assert_false(wzp_receiver_wants_key(receiver, 5 * step));
  wzp_receiver_add_base(receiver, 0, base);
  g_assert_cmpint(open_at(receiver, 0, &good, NULL), ==, WZP_OK);
  seal(sender, false, &good);

  rotate(sender, 0x77, fresh);
  seal(sender, false, &packet);
  open_at(receiver, 0, &packet, NULL);
  open_at(receiver, step, &packet, NULL);
  g_assert_false(wzp_receiver_wants_key(receiver, step));
  open_at(receiver, 501 * WZP_MSEC, &packet, NULL);
  g_assert_false(wzp_receiver_wants_key(receiver, 501 * WZP_MSEC)); /* not within 500 ms */
  open_at(receiver, 502 * WZP_MSEC, &packet, NULL);
  g_assert_true(wzp_receiver_wants_key(receiver, 502 * WZP_MSEC));
  for (unsigned i = 0; i < 5; i++)
    open_at(receiver, 600 * WZP_MSEC, &packet, NULL);
  g_assert_false(wzp_receiver_wants_key(receiver, 600 * WZP_MSEC)); /* once a second */
  for (unsigned i = 0; i < 3; i++)
    open_at(receiver, 1500 * WZP_MSEC, &packet, NULL);
  g_assert_cmpint(open_at(receiver, 1500 * WZP_MSEC, &good, NULL), ==, WZP_OK);
  g_assert_false(wzp_receiver_wants_key(receiver, 1600 * WZP_MSEC)); /* success since */
  for (unsigned i = 0; i < 3; i++)
    open_at(receiver, 1700 * WZP_MSEC, &packet, NULL);
  g_assert_true(wzp_receiver_wants_key(receiver, 1700 * WZP_MSEC));
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* A member may name any epoch in its KEY. */
static void
test_last_epoch(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, UINT32_MAX - 1);
  WzpReceiver *receiver = receiver_with(UINT32_MAX - 1, base);
  uint8_t next[32];
  Packet packet;

  wzp_sender_ratcheted_base(sender, next);
  wzp_sender_set_pending(sender, next);
  wzp_sender_switch(sender);
  for (unsigned full = 0; full < 2; full++) {
    seal(sender, full, &packet);
    g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
  }
  /* there is none behind the last */
  packet.data[0] = (uint8_t)(0x80 | CODE);
  packet.data[8] = 0;
  g_assert_cmpint(open_at(receiver, 5 * WZP_SECOND, &packet, NULL), ==, WZP_NO_KEY);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/epochs/epoch-choice", test_epoch_choice);
  g_test_add_func("/epochs/flood", test_flood);
  g_test_add_func("/epochs/keys-received", test_keys_received);
  g_test_add_func("/epochs/steps-of-two", test_steps_of_two);
  g_test_add_func("/epochs/many-keys", test_many_keys);
  g_test_add_func("/epochs/newcomer", test_newcomer);
  g_test_add_func("/epochs/wants-key", test_wants_key);
  g_test_add_func("/epochs/last-epoch", test_last_epoch);
  return g_test_run();
}
