/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-stream.h"

/* Packets of one size: whatever is reported and lost, lengths change with a plan, and a plan holds. */

#define SECONDS 60

typedef struct {
  size_t length; /* of the packets since then */
  WzpTime since;
  unsigned changes, packets;
  uint64_t bytes;
} Lengths;

static bool
watch(FecStream *stream, uint64_t index, const WzpFecPacket *packet)
{
  Lengths *lengths = stream->user;
  (void)index;
  lengths->packets++;
  lengths->bytes += packet->length;
  if (packet->length != lengths->length) {
    if (lengths->length != 0) {
      /* but for frames of a packet that was begun when the plan came */
      g_assert_cmpint(stream->now - lengths->since, >=, WZP_FEC_CONSTANT_PERIOD - 80 * WZP_MSEC);
      lengths->changes++;
    }
    lengths->length = packet->length;
    lengths->since = stream->now;
  }
  return (double)test_random_below(&stream->random, 1000000) < stream->loss * 1e6;
}

/* The network gets better and worse, and reports come and are carried, at random. */
static Lengths
talk(const char *profile, const WzpFecLimits *limits)
{
  FecStream stream;
  Lengths lengths = {0};
  fec_stream_init(&stream, limits);
  stream.lose = watch;
  stream.user = &lengths;
  for (unsigned tenth = 0; tenth < 10 * SECONDS; tenth++) {
    unsigned frame_ms = wzp_profile_by_name(profile)->frame_ms;
    if (tenth % 20 == 0) {
      stream.loss = (double)test_random_below(&stream.random, 60) / 100;
      fec_stream_channel(&stream, stream.loss, 1.5);
    }
    if (test_random_below(&stream.random, 3) == 0) {
      WzpReport report = {.judged = (uint16_t)tenth};
      wzp_fec_sender_carry_report(stream.sender, stream.now, &report);
    }
    fec_stream_talk(&stream, profile, 0, 120 / frame_ms);
  }
  g_assert_cmpuint(lengths.changes, <=, SECONDS * 12 / 10 / 5);
  g_assert_cmpuint(fec_stream_recovered(&stream), >, 0);
  fec_stream_clear(&stream);
  return lengths;
}

static void
test_constant(gconstpointer data)
{
  static const WzpFecScheme schemes[] = {WZP_FEC_AUTO, WZP_FEC_SLIDING, WZP_FEC_BLOCK,
                                         WZP_FEC_COPIES};
  unsigned changes = 0;
  for (unsigned i = 0; i < G_N_ELEMENTS(schemes); i++) {
    for (unsigned frames = 1; frames <= 2; frames++) {
      WzpFecLimits limits = fec_stream_limits(schemes[i], WZP_FEC_OVERHEAD_AUTO, frames);
      limits.constant_size = true;
      changes += talk(data, &limits).changes;
    }
  }
  g_assert_cmpuint(changes, >, 0);
}

/* A budget holds for packets that are filled up, too. */
static void
test_budget(void)
{
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 1);
  limits.constant_size = true;
  limits.budget = 84000;
  Lengths lengths = talk("opus-24k", &limits);
  g_test_message("%.0f bit/s",
                 (double)(lengths.bytes + 56 * lengths.packets) * 400 / lengths.packets);
  double wire = (double)(lengths.bytes + 56 * lengths.packets) * 8 * 50 / lengths.packets;
  g_assert_cmpfloat(wire, <=, limits.budget);
  g_assert_cmpfloat(wire, >=, 0.75 * limits.budget); /* and it is used */
}

/* Where a plan says that a budget holds the frames, it holds the packets: reports have their place in them. */
static void
test_small_budgets(void)
{
  const WzpProfile *profile;
  unsigned held = 0;
  for (unsigned n = 0; (profile = wzp_profile_nth(n)) != NULL; n++)
    for (unsigned budget = 6000; budget <= 80000; budget += budget < 40000 ? 1000 : 8000) {
      FecStream stream;
      WzpFecSenderStats stats;
      WzpFecLimits limits = fec_stream_limits(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 0);
      WzpChannelState channel = {0.1, 0};
      limits.profile = profile;
      limits.constant_size = true;
      limits.budget = budget;
      fec_stream_init(&stream, &limits);
      wzp_fec_sender_set_channel(stream.sender, &channel);
      for (unsigned second = 0; second < 12; second++) {
        const WzpReport report = {.judged = (uint16_t)second};
        wzp_fec_sender_carry_report(stream.sender, stream.now, &report);
        fec_stream_talk(&stream, profile->name, 0, 1000 / profile->frame_ms);
      }
      wzp_fec_sender_get_stats(stream.sender, stream.now, &stats);
      if (wzp_fec_sender_plan(stream.sender)->least_budget <= budget) {
        g_assert_cmpuint((stats.bundle_bytes + 56 * stats.packets) * 8 / 12, <=, budget);
        held++;
      }
      fec_stream_clear(&stream);
    }
  g_assert_cmpuint(held, >, 200);
}

static bool
measure(FecStream *stream, uint64_t index, const WzpFecPacket *packet)
{
  Lengths *lengths = stream->user;
  (void)index;
  lengths->length = packet->length;
  return false;
}

/* Other limits wait for the next plan; without one size they do not. */
static void
test_limits_wait(void)
{
  FecStream stream;
  Lengths lengths = {0};
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  limits.constant_size = true;
  fec_stream_init(&stream, &limits);
  fec_stream_channel(&stream, 0.1, 1);
  stream.lose = watch;
  stream.user = &lengths;
  fec_stream_talk(&stream, "opus-24k", 0, 50);
  limits.overhead = 300;
  wzp_fec_sender_set_limits(stream.sender, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 150);
  g_assert_cmpuint(lengths.changes, ==, 0);
  fec_stream_talk(&stream, "opus-24k", 0, 100);
  g_assert_cmpuint(lengths.changes, ==, 1);
  size_t before = lengths.length;
  limits.constant_size = false;
  wzp_fec_sender_set_limits(stream.sender, &limits);
  stream.lose = measure;
  fec_stream_talk(&stream, "opus-24k", 0, 1);
  g_assert_cmpuint(lengths.length, !=, before);
  fec_stream_clear(&stream);
}

/* A limit that moves with the way: upward it waits for the next plan, downward packets are shorter at once when they would
 * exceed it, and else stay as they are. */
static void
test_limit_moves(void)
{
  FecStream stream;
  Lengths lengths = {0};
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 1);
  limits.constant_size = true;
  limits.profile = wzp_profile_by_name("opus-24k");
  limits.budget = 60000;
  fec_stream_init(&stream, &limits);
  fec_stream_channel(&stream, 0.3, 1);
  stream.user = &lengths;
  stream.lose = watch; /* asserts that a length holds for 5 s */
  for (unsigned n = 0; n < 60; n++) {
    limits.budget += 1000;
    wzp_fec_sender_set_limits(stream.sender, &limits);
    fec_stream_talk(&stream, "opus-24k", 0, 25);
  }
  g_assert_cmpuint(lengths.changes, >=, 2);
  size_t before = lengths.length;
  stream.lose = measure;
  limits.budget = 66000;
  wzp_fec_sender_set_limits(stream.sender, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 1);
  g_assert_cmpuint(lengths.length, <, before);
  g_assert_cmpuint((lengths.length + 56) * 8 * 50, <=, limits.budget);
  /* and no longer for as long as a plan holds */
  before = lengths.length;
  limits.budget = 120000;
  wzp_fec_sender_set_limits(stream.sender, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 200);
  g_assert_cmpuint(lengths.length, ==, before);
  fec_stream_talk(&stream, "opus-24k", 0, 60);
  g_assert_cmpuint(lengths.length, >, before);
  fec_stream_clear(&stream);
}

int
main(int argc, char **argv)
{
  const WzpProfile *profile;
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  for (unsigned i = 0; (profile = wzp_profile_nth(i)) != NULL; i++) {
    g_autofree char *path = g_strdup_printf("/fec-size/constant/%s", profile->name);
    g_test_add_data_func(path, profile->name, test_constant);
  }
  g_test_add_func("/fec-size/budget", test_budget);
  g_test_add_func("/fec-size/small-budgets", test_small_budgets);
  g_test_add_func("/fec-size/limits-wait", test_limits_wait);
  g_test_add_func("/fec-size/limit-moves", test_limit_moves);
  return g_test_run();
}
