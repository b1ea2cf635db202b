/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-hands.h"
#include "pair-recorder.h"
#include <string.h>

/* --- Keys --- */

static void
test_two(void)
{
  Hands hands;
  uint8_t packet[64];
  size_t length;

  hands_init(&hands, 2, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(show(a, 0, 1, b), ==, WZP_OK);
  g_assert_cmpint(show(a, 0, 1, b), ==, WZP_OK); /* again: nothing new */
  g_assert_cmpuint(wzp_group_n_members(a), ==, 1);

  GBytes *record = wzp_group_poll(a, 0);
  g_assert_null(wzp_group_poll(a, 0));
  g_assert_cmpint(give(b, 0, record), ==, WZP_UNKNOWN_SENDER); /* b was not shown a yet */
  g_assert_cmpint(show(b, 0, 0, a), ==, WZP_OK);
  g_assert_cmpint(give(b, 0, record), ==, WZP_OK);
  g_assert_cmpint(give(b, 0, record), ==, WZP_REPLAYED);
  g_bytes_unref(record);
  g_assert_cmpint(next_event(b), ==, WZP_GROUP_CONFIRMED);
  g_assert_cmpint(next_event(b), ==, WZP_GROUP_NONE);
  g_assert_true(member(b, 0).we_have_key);
  g_assert_false(member(b, 0).has_our_key);
  g_assert_cmpint(say(b, 0, packet, &length), ==, WZP_NO_RECEIVER);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK); /* sent, not acknowledged */
  g_assert_cmpint(listen_to(b, 0, packet, length), ==, WZP_OK);

  carry(&hands, 0);
  g_assert_cmpint(next_event(a), ==, WZP_GROUP_CONFIRMED);
  g_assert_cmpint(next_event(a), ==, WZP_GROUP_READY);
  g_assert_cmpint(next_event(b), ==, WZP_GROUP_READY);
  g_assert_true(member(a, 0).has_our_key);
  g_assert_true(member(b, 0).has_our_key);
  assert_talks(a, b, 0);
  assert_talks(b, a, 0);
  g_assert_cmpint(wzp_group_next_timeout(a), ==, 10 * WZP_SECOND); /* a sign of life */

  /* only who is in the slot is tried */
  g_assert_cmpint(say(a, 20, packet, &length), ==, WZP_OK);
  packet[1] = 7;
  g_assert_cmpint(listen_to(b, 0, packet, length), ==, WZP_UNKNOWN_SENDER);
  packet[1] = 0;
  g_assert_cmpint(listen_to(a, 0, packet, length), ==, WZP_UNKNOWN_SENDER);
  g_assert_cmpint(listen_to(b, 0, packet, length), ==, WZP_OK);
  g_assert_cmpint(listen_to(b, 0, packet, length), ==, WZP_REPLAYED);
  hands_clear(&hands);
}

static void
test_records_forged(void)
{
  Hands hands;
  const WzpTime now = 0;

  hands_init(&hands, 2, NULL);
  show(hands.group[0], now, 1, hands.group[1]);
  show(hands.group[1], now, 0, hands.group[0]);
  GBytes *record = wzp_group_poll(hands.group[0], now);
  size_t length;
  const uint8_t *data = g_bytes_get_data(record, &length);
  uint8_t *forged = g_memdup2(data, length);
  for (size_t bit = 0; bit < length * 8; bit++) {
    forged[bit / 8] ^= (uint8_t)(1 << bit % 8);
    g_assert_cmpint(wzp_group_receive(hands.group[1], now, forged, length), !=, WZP_OK);
    forged[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < length; n++)
    g_assert_cmpint(wzp_group_receive(hands.group[1], now, forged, n), !=, WZP_OK);
  g_assert_cmpint(member(hands.group[1], 0).state, ==, WZP_MEMBER_ANNOUNCED);
  /* reflected to its sender */
  forged[0] = data[1];
  forged[1] = data[0];
  g_assert_cmpint(wzp_group_receive(hands.group[0], now, forged, length), ==, WZP_BAD_TAG);
  g_assert_cmpint(give(hands.group[1], now, record), ==, WZP_OK);
  g_free(forged);
  g_bytes_unref(record);
  hands_clear(&hands);
}

/* The upper four bits of ctr say a generation of the key: one ahead is tried with the key that it would have,
 * one that was erased, or never was, with none. */
static void
test_other_generation(void)
{
  Hands hands;
  uint8_t record[6 + 1 + 16] = {0, 1}, nonce[12] = {0};
  const uint8_t confirm = 1;

  hands_init(&hands, 2, NULL);
  show(hands.group[0], 0, 1, hands.group[1]);
  show(hands.group[1], 0, 0, hands.group[0]);
  for (unsigned generation = 1; generation < 16; generation++) {
    record[2] = nonce[8] = (uint8_t)(generation << 4);
    wzp_aead_seal(record + 6, wzp_group_nth(hands.group[1], 0)->pair.send_key, nonce, record, 6,
                  &confirm, 1);
    g_assert_cmpint(wzp_group_receive(hands.group[0], 0, record, sizeof record), ==,
                    generation <= 8 ? WZP_BAD_TAG : WZP_NO_KEY);
  }
  g_assert_cmpint(member(hands.group[0], 0).state, ==, WZP_MEMBER_ANNOUNCED);

  /* and our own counter stops before it would get there */
  WzpGroupMember *other = wzp_group_nth(hands.group[0], 0);
  other->pair.send_counter = WZP_PAIR_COUNTER_MAX;
  GBytes *last = wzp_group_poll(hands.group[0], 0);
  g_assert_nonnull(last);
  g_bytes_unref(last);
  other->send_confirm = true;
  g_assert_null(wzp_group_poll(hands.group[0], 0));
  hands_clear(&hands);
}

/* An unknown frame ends the reading, padding too, and a cut one is counted; the record proves its
 * sender all the same. */
static void
test_records_odd(void)
{
  static const uint8_t odd[][10] = {
      {0x7f, 2, 1, 1}, {0, 2, 1, 1}, {2, 0, 0, 0, 9}, {3, 1}, {1, 1, 1}};
  static const WzpResult expected[] = {WZP_OK, WZP_OK, WZP_TRUNCATED, WZP_TRUNCATED, WZP_OK};

  for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
    Hands hands;
    uint8_t record[6 + sizeof odd[0] + 16] = {0, 1, 0, 0, 0, 5}, nonce[12] = {[11] = 5};
    size_t frames = expected[i] == WZP_TRUNCATED ? 5 : i == 4 ? 3 : sizeof odd[0];
    hands_init(&hands, 2, NULL);
    show(hands.group[0], 0, 1, hands.group[1]);
    show(hands.group[1], 0, 0, hands.group[0]);
    wzp_aead_seal(record + 6, wzp_group_nth(hands.group[1], 0)->pair.send_key, nonce, record, 6,
                  odd[i], frames);
    g_assert_cmpint(wzp_group_receive(hands.group[0], 0, record, 6 + frames + 16), ==, expected[i]);
    g_assert_cmpint(member(hands.group[0], 0).state, ==, WZP_MEMBER_CONFIRMED);
    g_assert_false(member(hands.group[0], 0).we_have_key);
    hands_clear(&hands);
  }
}

static void
test_key_sent_again(void)
{
  Hands hands;
  WzpTime now = 0;
  const WzpTime expected[] = {1, 3, 7, 12, 17, 22};

  hands_init(&hands, 2, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  show(a, now, 1, b);
  show(b, now, 0, a);
  GBytes *first = wzp_group_poll(a, now), *last = NULL;
  for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
    now = wzp_group_next_timeout(a);
    g_assert_cmpint(now, ==, expected[i] * WZP_SECOND);
    g_assert_null(wzp_group_poll(a, now));
    wzp_group_handle_timeout(a, now);
    g_clear_pointer(&last, g_bytes_unref);
    last = wzp_group_poll(a, now);
    g_assert_nonnull(last);
    g_assert_false(g_bytes_equal(first, last)); /* sealed anew */
  }
  g_assert_cmpint(give(b, now, last), ==, WZP_OK);
  g_assert_cmpint(give(b, now, first), ==, WZP_TOO_OLD); /* the same KEY by an older record */
  carry(&hands, now);
  g_assert_true(member(a, 0).has_our_key);
  g_assert_cmpint(wzp_group_key_resend_at(wzp_group_nth(a, 0)), ==, WZP_NEVER);
  g_bytes_unref(first);
  g_bytes_unref(last);
  hands_clear(&hands);
}

/* Three that were shown to each other; no record moved yet. */
static void
three_announced(Hands *hands)
{
  hands_init(hands, 3, NULL);
  for (unsigned i = 0; i < 3; i++) {
    for (unsigned k = 0; k < 3; k++) {
      if (i != k)
        g_assert_cmpint(show(hands->group[i], 0, (uint8_t)k, hands->group[k]), ==, WZP_OK);
    }
  }
}

/* An acknowledgement that names a base which was replaced since does not count, whether it comes
 * before the record with the new one left or after. */
static void
test_acknowledgement_of_replaced(void)
{
  for (unsigned late = 0; late < 2; late++) {
    Hands hands;
    uint8_t packet[64];
    size_t length;
    GBytes *record;

    three_announced(&hands);
    WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
    GBytes *to_b = wzp_group_poll(a, 0), *to_c = wzp_group_poll(a, 0), *renewed = NULL;
    g_assert_cmpint(give(b, 0, to_b), ==, WZP_OK);
    GBytes *ack = wzp_group_poll(b, 0);
    g_assert_cmpuint(((const uint8_t *)g_bytes_get_data(ack, NULL))[0], ==, 0);

    wzp_group_remove_member(a, 0, 2); /* c had the key: a makes a new one for the unused epoch */
    if (late)
      renewed = wzp_group_poll(a, 0);
    g_assert_cmpint(give(a, 0, ack), ==, WZP_OK);
    g_assert_cmpint(member(a, 0).state, ==, WZP_MEMBER_CONFIRMED);
    g_assert_false(member(a, 0).has_our_key);
    g_assert_cmpint(say(a, 0, packet, &length), ==, late ? WZP_OK : WZP_NO_RECEIVER);
    g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 0);
    if (!late)
      renewed = wzp_group_poll(a, 0);

    g_assert_cmpint(give(b, 0, renewed), ==, WZP_OK);
    g_assert_cmpint(give(b, 0, to_b), ==, WZP_REPLAYED);
    while ((record = wzp_group_poll(b, 0)) != NULL) { /* one for c, and the acknowledgement */
      if (((const uint8_t *)g_bytes_get_data(record, NULL))[0] == 0)
        g_assert_cmpint(give(a, 0, record), ==, WZP_OK);
      g_bytes_unref(record);
    }
    g_assert_true(member(a, 0).has_our_key);
    assert_talks(a, b, 0);
    /* c, with the old base of the same epoch, hears nothing */
    g_assert_cmpint(give(c, 0, to_c), ==, WZP_OK);
    g_assert_cmpint(say(a, 20, packet, &length), ==, WZP_OK);
    g_assert_cmpint(listen_to(c, 0, packet, length), ==, WZP_BAD_TAG);
    g_bytes_unref(to_b);
    g_bytes_unref(to_c);
    g_bytes_unref(ack);
    g_bytes_unref(renewed);
    hands_clear(&hands);
  }
}

/* A KEY for an epoch that the other has left behind is acknowledged: it holds what follows from it, and
 * nothing but this ends the sending. */
static void
test_acknowledgement_of_old(void)
{
  Hands hands;
  const uint8_t later[32] = {1};

  hands_init(&hands, 2, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  show(a, 0, 1, b);
  show(b, 0, 0, a);
  GBytes *record = wzp_group_poll(a, 0);
  g_assert_cmpint(wzp_receiver_add_base(wzp_group_nth(b, 0)->receiver, 3, later), ==, WZP_OK);
  g_assert_cmpint(wzp_receiver_add_base(wzp_group_nth(b, 0)->receiver, 9, later), ==, WZP_OK);
  g_assert_cmpint(give(b, 0, record), ==, WZP_OK);
  carry(&hands, 0);
  g_assert_true(member(a, 0).has_our_key);
  g_bytes_unref(record);
  hands_clear(&hands);
}

/* An acknowledgement of an epoch that has passed on to a fresh base does not count either. */
static void
test_acknowledgement_of_passed(void)
{
  Hands hands;
  uint8_t packet[64];
  size_t length;

  three_announced(&hands);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  GBytes *to_b = wzp_group_poll(a, 0);
  g_assert_cmpint(give(b, 0, to_b), ==, WZP_OK);
  GBytes *ack = wzp_group_poll(b, 0); /* held back */
  hands.group[1] = NULL;
  GBytes *to_c = wzp_group_poll(a, 0);
  g_assert_cmpint(give(hands.group[2], 0, to_c), ==, WZP_OK);
  for (GBytes *record; (record = wzp_group_poll(hands.group[2], 0)) != NULL;) {
    if (((const uint8_t *)g_bytes_get_data(record, NULL))[0] == 0)
      g_assert_cmpint(give(a, 0, record), ==, WZP_OK);
    g_bytes_unref(record);
  }
  assert_talks(a, hands.group[2], 0); /* the epoch is used */
  wzp_group_remove_member(a, 0, 2);   /* nobody confirmed is left: a fresh one at once */
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_cmpint(give(a, 0, ack), ==, WZP_OK);
  g_assert_false(member(a, 0).has_our_key);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_NO_RECEIVER);
  hands.group[1] = b;
  carry(&hands, 0);
  assert_talks(a, b, 0);
  g_bytes_unref(to_b);
  g_bytes_unref(to_c);
  g_bytes_unref(ack);
  hands_clear(&hands);
}

/* KEYREQ: repeats what was sent to this member, at most once a second, only to a confirmed one. */
static void
test_keyreq(void)
{
  Hands hands;

  hands_init(&hands, 2, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1];
  show(a, 0, 1, b);
  show(b, 0, 0, a);
  carry(&hands, 0);
  for (unsigned i = 0; i < 4; i++)
    assert_talks(a, b, 0);
  WzpGroupMember *a_of_b = wzp_group_nth(b, 0), *b_of_a = wzp_group_nth(a, 0);
  uint32_t counter = b_of_a->pair.send_counter;
  WzpGroupKey sent = b_of_a->key;

  for (WzpTime now = 0; now < 3 * WZP_SECOND; now += 100 * WZP_MSEC) {
    a_of_b->send_keyreq = true;
    GBytes *request = wzp_group_poll(b, now);
    g_assert_cmpint(give(a, now, request), ==, WZP_OK);
    g_bytes_unref(request);
    GBytes *answer = wzp_group_poll(a, now);
    g_assert_cmpint(answer != NULL, ==, now % WZP_SECOND == 0);
    if (answer != NULL) {
      g_assert_cmpint(give(b, now, answer), ==, WZP_OK);
      g_bytes_unref(answer);
    }
  }
  g_assert_cmpuint(b_of_a->pair.send_counter, ==, counter + 3);
  g_assert_cmpuint(b_of_a->key.epoch, ==, sent.epoch);
  g_assert_cmpmem(b_of_a->key.base, 32, sent.base, 32);
  carry(&hands, 3 * WZP_SECOND);

  /* the asking: three packets that do not open */
  uint8_t packet[64];
  size_t length;
  for (unsigned i = 0; i < 3; i++) {
    g_assert_null(wzp_group_poll(b, 10 * WZP_SECOND));
    say(a, 0, packet, &length);
    packet[length - 1] ^= 1;
    g_assert_cmpint(listen_to(b, 10 * WZP_SECOND, packet, length), ==, WZP_BAD_TAG);
  }
  GBytes *request = wzp_group_poll(b, 10 * WZP_SECOND);
  g_assert_nonnull(request);
  g_bytes_unref(request);
  hands_clear(&hands);
}

/* While a newcomer waits for the switch, KEYREQ gets it nothing from before. */
static void
test_keyreq_before_switch(void)
{
  Hands hands;
  uint8_t packet[64];
  size_t length;
  WzpTime now = 10 * WZP_SECOND;

  hands_init(&hands, 3, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  show(a, now, 1, b);
  show(b, now, 0, a);
  carry(&hands, now);
  assert_talks(a, b, now);
  a->changed_at = now; /* as if the epoch had changed just now: the next change waits 4 s */

  show(a, now, 2, c);
  show(b, now, 2, c);
  show(c, now, 0, a);
  show(c, now, 1, b);
  carry(&hands, now);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 0);
  g_assert_true(wzp_sender_has_pending(a->sender));
  g_assert_cmpuint(wzp_group_nth(a, 1)->key.epoch, ==, 1);
  for (unsigned i = 0; i < 5; i++) {
    g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK);
    g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
    g_assert_cmpint(listen_to(c, now, packet, length), ==, WZP_NO_KEY);
  }
  wzp_group_nth(c, 0)->send_keyreq = true;
  g_assert_cmpuint(carry(&hands, now), >=, 2);
  g_assert_cmpint(listen_to(c, now, packet, length), ==, WZP_NO_KEY);
  g_assert_cmpuint(wzp_group_nth(a, 1)->key.epoch, ==, 1);

  now += 4 * WZP_SECOND;
  g_assert_cmpint(wzp_group_next_timeout(a), <=, now);
  wzp_group_handle_timeout(a, now);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK); /* by the ratchet, no KEY */
  g_assert_cmpint(listen_to(c, now, packet, length), ==, WZP_OK);
  g_assert_cmpuint(wzp_group_nth(a, 0)->key.epoch, ==, 0);
  hands_clear(&hands);
}

/* Under an epoch in which nothing was sealed there is nothing to hide from a newcomer: it gets that
 * base, and no epoch is used up however many come. */
static void
test_newcomer_before_speech(void)
{
  Hands hands;
  uint8_t packet[64], base[32];
  size_t length;
  WzpTime now = 10 * WZP_SECOND;

  hands_init(&hands, 3, NULL);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  memcpy(base, wzp_sender_base(a->sender), 32);
  show(a, now, 1, b);
  show(b, now, 0, a);
  carry(&hands, now);
  show(a, now, 2, c);
  show(b, now, 2, c);
  show(c, now, 0, a);
  show(c, now, 1, b);
  carry(&hands, now);
  g_assert_false(wzp_sender_has_pending(a->sender));
  g_assert_cmpuint(wzp_group_nth(a, 1)->key.epoch, ==, 0);
  g_assert_cmpmem(wzp_group_nth(a, 1)->key.base, 32, base, 32);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 0);
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
  g_assert_cmpint(listen_to(c, now, packet, length), ==, WZP_OK);
  hands_clear(&hands);
}

/* --- Sender keys among more than two --- */

static void
test_rotation_waits(void)
{
  Hands hands;
  WzpTime now = 20 * WZP_SECOND;
  uint8_t packet[64];
  size_t length;

  three_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  wzp_group_remove_member(a, now, 2);
  wzp_group_remove_member(b, now, 2);
  hands.group[2] = NULL;
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 0);
  assert_talks(a, b, now); /* not a frame is missed */
  carry(&hands, now);      /* acknowledged: a goes to it at once */
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
  g_assert_cmpint(listen_to(c, now, packet, length), ==, WZP_BAD_TAG);
  hands.group[2] = c;
  hands_clear(&hands);

  /* without acknowledgement: after 5 s; and never within 4 s of the last change */
  three_talking(&hands, now);
  a = hands.group[0], b = hands.group[1], c = hands.group[2];
  wzp_group_remove_member(a, now, 2);
  GBytes *key = wzp_group_poll(a, now);
  g_assert_cmpint(wzp_group_switch_at(a), ==, now + 5 * WZP_SECOND);
  wzp_group_handle_timeout(a, now + 5 * WZP_SECOND - 1);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 0);
  wzp_group_handle_timeout(a, now + 5 * WZP_SECOND);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_cmpint(say(a, 0, packet, &length), ==,
                  WZP_OK); /* b was sent it, and has not said more */
  now += 5 * WZP_SECOND;
  hands.group[2] = NULL;
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_BAD_TAG);
  g_assert_cmpint(give(b, now, key), ==, WZP_OK);
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
  carry(&hands, now);
  assert_talks(a, b, now);
  g_assert_cmpint(show(a, now, 2, c), ==, WZP_OK); /* c is back: next change after 4 s */
  hands.group[2] = c;
  g_assert_cmpint(show(b, now, 2, c), ==, WZP_OK);
  carry(&hands, now);
  g_assert_cmpint(wzp_group_switch_at(a), ==, now + 4 * WZP_SECOND);
  g_bytes_unref(key);
  hands_clear(&hands);
}

/* The wrap takes the pending base, whoever acknowledged it. */
static void
test_wrap_while_pending(void)
{
  Hands hands;
  WzpTime now = 20 * WZP_SECOND;
  uint8_t packet[64];
  size_t length;

  three_talking(&hands, now);
  WzpGroup *a = hands.group[0], *b = hands.group[1], *c = hands.group[2];
  for (unsigned i = 2; i < 0x10000; i++)
    g_assert_cmpint(say(a, 20 * i, packet, &length), ==, WZP_OK);
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
  wzp_group_remove_member(a, now, 2);
  GBytes *key = wzp_group_poll(a, now);
  g_assert_cmpint(give(b, now, key), ==, WZP_OK);
  uint8_t pending[32];
  memcpy(pending, wzp_sender_pending(a->sender), 32);
  g_assert_cmpint(say(a, 0, packet, &length), ==, WZP_OK);
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, 1);
  g_assert_cmpmem(wzp_sender_base(a->sender), 32, pending, 32);
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
  g_assert_cmpint(listen_to(c, now, packet, length), ==, WZP_BAD_TAG);
  g_assert_cmpint(say(a, 20, packet, &length), ==, WZP_OK); /* b was sent it */
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
  hands.group[2] = NULL;
  carry(&hands, now);
  assert_talks(a, b, now);

  /* and without one: both sides by the ratchet */
  uint32_t epoch = wzp_sender_epoch(a->sender);
  unsigned full = 0;
  for (unsigned i = 0; i < 0x10000; i++) {
    g_assert_cmpint(say(a, 20 * i, packet, &length), ==, WZP_OK);
    uint16_t seq = (uint16_t)(packet[2] << 8 | packet[3]);
    full += seq < 3 && (packet[0] & 0x40) == 0;
  }
  g_assert_cmpuint(full, ==, 3); /* full headers from the first packet of the epoch on */
  g_assert_cmpuint(wzp_sender_epoch(a->sender), ==, epoch + 1);
  g_assert_cmpint(listen_to(b, now, packet, length), ==, WZP_OK);
  g_assert_true(member(a, 0).has_our_key);
  hands.group[2] = c;
  g_bytes_unref(key);
  hands_clear(&hands);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/group/two", test_two);
  g_test_add_func("/group/records-forged", test_records_forged);
  g_test_add_func("/group/records-odd", test_records_odd);
  g_test_add_func("/group/other-generation", test_other_generation);
  g_test_add_func("/group/key-sent-again", test_key_sent_again);
  g_test_add_func("/group/acknowledgement-of-replaced", test_acknowledgement_of_replaced);
  g_test_add_func("/group/acknowledgement-of-passed", test_acknowledgement_of_passed);
  g_test_add_func("/group/acknowledgement-of-old", test_acknowledgement_of_old);
  g_test_add_func("/group/keyreq", test_keyreq);
  g_test_add_func("/group/keyreq-before-switch", test_keyreq_before_switch);
  g_test_add_func("/group/newcomer-before-speech", test_newcomer_before_speech);
  g_test_add_func("/group/rotation-waits", test_rotation_waits);
  g_test_add_func("/group/wrap-while-pending", test_wrap_while_pending);
  int result = g_test_run();
  pair_recorder_clear();
  return result;
}
