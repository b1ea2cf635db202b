/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seal-stream.h"
#include "wzp/profile.h"

static void
test_header_policy(void)
{
  WzpHeaderPolicy policy = {0};
  uint32_t t = 0xfffffc18 - 60; /* the timestamp wraps in the middle of the test */

#define NEXT(full)                                                                                 \
  do {                                                                                             \
    g_assert_cmpint(wzp_header_policy_full(&policy, 0, 7, t, false), ==, (full));                  \
    t += 20;                                                                                       \
  } while (0)
  for (unsigned i = 0; i < 3; i++)
    NEXT(true);
  const unsigned rests[] = {100, 200, 400, 800, 1000, 1000}; /* ms; then once a second */
  for (size_t n = 0; n < G_N_ELEMENTS(rests); n++) {
    for (unsigned i = 1; i < rests[n] / 20; i++)
      NEXT(false);
    NEXT(true);
  }
  NEXT(false);
  t += 400; /* silence, seen by the time alone */
  for (unsigned i = 0; i < 3; i++)
    NEXT(true);
  NEXT(false);
  g_assert_true(wzp_header_policy_full(&policy, 0, 7, t, true)); /* said by the caller */
  t += 20;
  NEXT(true);
  NEXT(true);
  NEXT(false);
#undef NEXT
  g_assert_true(wzp_header_policy_full(&policy, 1, 7, t, false)); /* code */
  g_assert_true(wzp_header_policy_full(&policy, 1, 7, t + 40, false));
  g_assert_true(wzp_header_policy_full(&policy, 1, 7, t + 80, false));
  g_assert_false(wzp_header_policy_full(&policy, 1, 7, t + 120, false));
  g_assert_true(wzp_header_policy_full(&policy, 1, 8, t + 160, false)); /* epoch */
  g_assert_true(wzp_header_policy_full(&policy, 1, 8, t + 200, false));
  g_assert_cmpuint(wzp_header_repeat(0), ==, 3);
  g_assert_cmpuint(wzp_header_repeat(0.2), ==, 3);
  g_assert_cmpuint(wzp_header_repeat(0.3), ==, 4);
  g_assert_cmpuint(wzp_header_repeat(0.5), ==, 7);
  g_assert_cmpuint(wzp_header_repeat(0.7), ==, 13);
  g_assert_cmpuint(wzp_header_repeat(1), ==, 13);
  policy.repeat = wzp_header_repeat(0.7);
  for (unsigned i = 0; i < 13; i++)
    g_assert_true(wzp_header_policy_full(&policy, 1, 9, t + 240 + i * 40, false));
  g_assert_false(wzp_header_policy_full(&policy, 1, 9, t + 240 + 13 * 40, false));
}

/* Sends (code, timestamp, full) and returns the packet for later. */
static Packet
media(WzpSender *sender, uint8_t code, uint32_t timestamp, bool full)
{
  WzpSealRequest request = {.code = code, .timestamp = timestamp, .full = full};
  Packet packet;
  seal_as(sender, &request, "speech", 6, &packet);
  return packet;
}

static void
assert_time(WzpReceiver *receiver, const Packet *packet, int64_t expected)
{
  WzpOpened opened;
  g_assert_cmpint(open_at(receiver, 0, packet, &opened), ==, WZP_OK);
  g_assert_cmpint(opened.has_media_ms, ==, expected >= 0);
  if (expected >= 0)
    g_assert_cmpuint(opened.media_ms, ==, (uint64_t)expected);
}

static void
test_media_time(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  const int64_t round = INT64_C(1) << 32;
  Packet p[30];

  p[0] = media(sender, 0, 0xffffff00, false);
  p[1] = media(sender, 0, 0xffffff14, true);
  p[2] = media(sender, 0, 0xffffff28, false);
  p[3] = media(sender, 0, 0xffffff3c, false);
  p[4] = media(sender, 1, 0xffffff50, false); /* 40 ms packets; their full header is to come */
  p[5] = media(sender, 1, 0xffffff78, true);
  p[6] = media(sender, 1, 0xffffffa0, false);
  p[7] = media(sender, 1, 0x00000100, true); /* silence lay between; the clock went round */
  p[8] = media(sender, 1, 0x00000128, false);
  p[9] = media(sender, 1, 0x00000150, false);
  assert_time(receiver, &p[0], -1); /* no full header yet */
  assert_time(receiver, &p[1], 0xffffff14);
  assert_time(receiver, &p[3], 0xffffff3c);
  assert_time(receiver, &p[4], -1); /* another code than the last full one */
  assert_time(receiver, &p[5], 0xffffff78);
  assert_time(receiver, &p[8], INT64_C(0xffffff78) + 3 * 40); /* the newest full that is known */
  assert_time(receiver, &p[7], round + 0x100);
  assert_time(receiver, &p[9], round + 0x150);
  assert_time(receiver, &p[6],
              0xffffffa0); /* late: by the full header before it, not by the newest */
  assert_time(receiver, &p[2], 0xffffff28); /* later still, with two changes after it */
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);

  /* packets before the first full header that arrives, across a wrap of seq and the timestamp */
  sender = wzp_sender_new(sid, base, 3);
  receiver = receiver_with(3, base);
  skip(sender, 0x10000 - 2);
  p[0] = media(sender, 0, 100, true);
  p[1] = media(sender, 0, 120, false);
  p[2] = media(sender, 0, 140, true);
  p[3] = media(sender, 0, 160, false);
  assert_time(receiver, &p[2], 140);
  assert_time(receiver, &p[3], 160);
  assert_time(receiver, &p[1], 120);
  assert_time(receiver, &p[0], 100);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* All repeats of a full header, newest first, do not push out what a late packet needs. */
static void
test_repeats_backwards(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  Packet before, late, repeats[13];

  before = media(sender, 0, 1000, true);
  late = media(sender, 0, 1020, false);
  for (unsigned i = 0; i < G_N_ELEMENTS(repeats); i++)
    repeats[i] = media(sender, 0, 9000 + 20 * i, true);
  assert_time(receiver, &before, 1000);
  for (unsigned i = G_N_ELEMENTS(repeats); i-- > 0;)
    assert_time(receiver, &repeats[i], 9000 + 20 * i);
  assert_time(receiver, &late, 1020);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* A sender with the policy, a lossy and reordering path: every time that is given is right, as long as
 * one of the repeated full headers of each change arrives. */
static void
test_media_time_random(void)
{
  static const uint8_t codes[] = {0, 1, 3, 7};
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 99);
  unsigned known = 0, total = 0;

  for (unsigned run = 0; run < 20; run++) {
    enum { COUNT = 3000, SPREAD = 40 };
    WzpSender *sender = wzp_sender_new(sid, base, 0);
    WzpReceiver *receiver = receiver_with(0, base);
    Packet *packets = g_new(Packet, COUNT);
    uint64_t *truth = g_new(uint64_t, COUNT);
    WzpHeaderPolicy policy = {.repeat = 13};
    uint64_t t = UINT64_C(0xffff8000) + run * 100;
    uint8_t code = 0;

    for (unsigned i = 0; i < COUNT; i++) {
      uint16_t draw[2];
      wzp_random_fill(&random, draw, sizeof draw);
      bool gap = draw[0] % 400 == 0;
      if (gap)
        t += 20 + draw[1] % 5000;
      else if (draw[0] % 400 == 1)
        code = codes[draw[1] % G_N_ELEMENTS(codes)];
      WzpSealRequest request = {.code = code, .timestamp = (uint32_t)t};
      request.full = wzp_header_policy_full(&policy, code, 0, (uint32_t)t, gap);
      seal_as(sender, &request, "speech", 6, &packets[i]);
      truth[i] = t;
      const WzpFraming *framing = wzp_framing_from_code(code);
      t += (uint64_t)framing->frame_ms * framing->frames_per_packet;
    }
    for (unsigned i = 0; i + SPREAD < COUNT; i += SPREAD) { /* shuffled within blocks, 30 % lost */
      unsigned order[SPREAD];
      for (unsigned k = 0; k < SPREAD; k++)
        order[k] = i + k;
      for (unsigned k = SPREAD - 1; k > 0; k--) {
        uint16_t draw;
        wzp_random_fill(&random, &draw, sizeof draw);
        unsigned other = draw % (k + 1), swap = order[k];
        order[k] = order[other];
        order[other] = swap;
      }
      for (unsigned k = 0; k < SPREAD * 7 / 10; k++) {
        WzpOpened opened;
        g_assert_cmpint(open_at(receiver, 0, &packets[order[k]], &opened), ==, WZP_OK);
        g_assert_cmpuint(opened.header.seq, ==, order[k]);
        total++;
        if (packets[order[k]].header.full) {
          g_assert_true(opened.has_media_ms);
          g_assert_cmpuint(opened.media_ms, ==, truth[order[k]]);
        }
        if (opened.has_media_ms && opened.media_ms == truth[order[k]])
          known++;
      }
    }
    g_free(truth);
    g_free(packets);
    wzp_receiver_free(receiver);
    wzp_sender_free(sender);
  }
  /* what is not known: mini packets shuffled before the full headers of their stretch */
  g_test_message("%u of %u packets timed exactly", known, total);
  g_assert_cmpuint(known * 100, >, total * 98);
}

/* A sender that jumps ahead as far as it can, again and again: in nanoseconds its time still fits. */
static void
test_far_future(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  uint32_t timestamp = 0;
  unsigned known = 0;
  WzpOpened opened;

  for (unsigned i = 0; i < 10000; i++) {
    Packet packet = media(sender, 0, timestamp, true);
    timestamp += 0x7fffffff;
    g_assert_cmpint(open_at(receiver, 0, &packet, &opened), ==, WZP_OK);
    known += opened.has_media_ms;
    if (opened.has_media_ms)
      g_assert_cmpuint(opened.media_ms, <, INT64_MAX / 1000000 - (INT64_C(1) << 32));
  }
  g_assert_cmpuint(known, >, 1000);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/media-time/header-policy", test_header_policy);
  g_test_add_func("/media-time/by-hand", test_media_time);
  g_test_add_func("/media-time/repeats-backwards", test_repeats_backwards);
  g_test_add_func("/media-time/far-future", test_far_future);
  g_test_add_func("/media-time/random", test_media_time_random);
  return g_test_run();
}
