/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-stream.h"
#include <math.h>

static const uint8_t frame_bytes[160] = {1, 2, 3, 4};

static WzpFecSender *
sender_of(WzpFecScheme scheme, int overhead, unsigned frames_per_packet)
{
  WzpFecLimits limits = fec_stream_limits(scheme, overhead, frames_per_packet);
  WzpFecSender *sender = wzp_fec_sender_new(&limits);
  WzpChannelState channel = {0.1, 0};
  wzp_fec_sender_set_channel(sender, &channel);
  return sender;
}

static void
push(WzpFecSender *sender, uint8_t code, uint64_t media_ms, bool talk_start, size_t length)
{
  WzpFecSourceFrame frame = {code, media_ms, talk_start, frame_bytes, length};
  g_assert_cmpint(wzp_fec_sender_push(sender, (WzpTime)media_ms * WZP_MSEC, &frame), ==, WZP_OK);
}

static void
assert_packet(WzpFecSender *sender, uint8_t code, uint64_t media_ms, uint64_t first, unsigned n)
{
  WzpFecPacket packet;
  g_assert_true(wzp_fec_sender_poll(sender, &packet));
  g_assert_cmpuint(packet.code, ==, code);
  g_assert_cmpuint(packet.media_ms, ==, media_ms);
  g_assert_cmpuint(packet.first, ==, first);
  g_assert_cmpuint(packet.n_frames, ==, n);
}

static void
assert_none(WzpFecSender *sender)
{
  WzpFecPacket packet;
  g_assert_false(wzp_fec_sender_poll(sender, &packet));
}

/* What cannot become a whole packet goes in as few as can be. */
static void
test_packing(void)
{
  WzpFecSender *sender = sender_of(WZP_FEC_NONE, 0, 3);
  for (unsigned i = 0; i < 5; i++)
    push(sender, 0, i * 20, i == 0, 60);
  assert_packet(sender, 2, 0, 0, 3);
  assert_none(sender);
  push(sender, 0, 100, false, 40); /* another size: 3 and 4 go without it */
  assert_packet(sender, 1, 60, 3, 2);
  push(sender, 3, 120, false, 40); /* another framing */
  assert_packet(sender, 0, 100, 5, 1);
  assert_none(sender);
  push(sender, 3, 160, false, 40); /* of 40 ms two is the most */
  assert_packet(sender, 4, 120, 6, 2);
  push(sender, 3, 200, false, 40);
  push(sender, 3, 900, true, 40); /* talk start */
  assert_packet(sender, 3, 200, 8, 1);
  push(sender, 3, 1000, false, 40); /* a jump in time */
  assert_packet(sender, 3, 900, 9, 1);
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_NONE, 0, 1);
  wzp_fec_sender_set_limits(sender, &limits);
  push(sender, 3, 1040, false, 40); /* a lower count */
  assert_packet(sender, 3, 1000, 10, 1);
  assert_packet(sender, 3, 1040, 11, 1);
  wzp_fec_sender_finish(sender, 0);
  assert_none(sender);
  wzp_fec_sender_free(sender);
}

/* A single frame of Codec2 3200 has no code: it goes as a copy. */
static void
test_odd_frame(void)
{
  WzpFecSender *sender = sender_of(WZP_FEC_NONE, 0, 2);
  WzpFecPacket packet;
  WzpFecElement element;
  for (unsigned i = 0; i < 3; i++)
    push(sender, 5, 1000 + i * 20, i == 0, 8);
  assert_packet(sender, 5, 1000, 0, 2);
  wzp_fec_sender_silence(sender, 1060 * WZP_MSEC, 1060);
  g_assert_true(wzp_fec_sender_poll(sender, &packet));
  g_assert_cmpuint(packet.code, ==, WZP_CODE_NO_AUDIO);
  g_assert_cmpuint(packet.n_frames, ==, 0);
  g_assert_true(fec_stream_repair(&packet, &element));
  g_assert_true(element.copies && element.other_framing);
  g_assert_cmpuint(element.code, ==, 5);
  g_assert_cmpuint(packet.media_ms - element.distance, ==, 1040);
  g_assert_cmpmem(element.symbols, element.symbol_length, frame_bytes, 8);
  assert_none(sender);
  wzp_fec_sender_free(sender);
}

/* Every code with frames of the table is made, of as many frames as asked. */
static void
test_codes(void)
{
  for (uint8_t code = 0; code <= 10; code++) {
    const WzpFraming *framing = wzp_framing_from_code(code);
    int single = wzp_framing_code(framing->codec, framing->frame_ms, 1);
    WzpFecSender *sender = sender_of(WZP_FEC_NONE, 0, framing->frames_per_packet);
    unsigned n = framing->frames_per_packet;
    for (unsigned i = 0; i < 3 * n; i++) {
      push(sender, (uint8_t)(single < 0 ? 5 : single), i * framing->frame_ms, i == 0, 6);
      if (i % n == n - 1)
        assert_packet(sender, code, (i + 1 - n) * framing->frame_ms, i + 1 - n, n);
      assert_none(sender);
    }
    wzp_fec_sender_free(sender);
  }
}

static void
test_invalid(void)
{
  WzpFecSender *sender = sender_of(WZP_FEC_SLIDING, 100, 1);
  uint8_t big[2000] = {0};
  const WzpFecSourceFrame frames[] = {
      {1, 0, true, big, 60},   /* of two frames */
      {11, 0, true, big, 60},  /* reserved */
      {13, 0, true, big, 60},  /* comfort noise */
      {14, 0, true, big, 60},  /* no audio */
      {255, 0, true, big, 60}, /* none */
      {0, 0, true, big, 0},    /* empty */
      {0, 0, true, big, 481},  /* too long */
      {0, UINT64_MAX, true, big, 60},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(frames); i++)
    g_assert_cmpint(wzp_fec_sender_push(sender, 0, &frames[i]), ==, WZP_MALFORMED);
  assert_none(sender);
  WzpFecSourceFrame longest = {0, 0, true, big, 480};
  g_assert_cmpint(wzp_fec_sender_push(sender, 0, &longest), ==, WZP_OK);
  WzpFecSenderStats stats;
  wzp_fec_sender_get_stats(sender, 0, &stats);
  g_assert_cmpuint(stats.invalid, ==, G_N_ELEMENTS(frames));
  g_assert_cmpuint(stats.frames, ==, 1);
  wzp_fec_sender_free(sender);
}

/* gap once and talk_start three times after each start; never on packets of repair alone. */
static void
test_flags(void)
{
  WzpFecSender *sender = sender_of(WZP_FEC_SLIDING, 100, 1);
  WzpFecPacket packet;
  uint64_t media_ms = 5000;
  for (unsigned talk = 0; talk < 3; talk++) {
    for (unsigned i = 0; i < 8; i++, media_ms += 20) {
      push(sender, 0, media_ms, i == 0, 60);
      g_assert_true(wzp_fec_sender_poll(sender, &packet));
      g_assert_cmpint(packet.gap, ==, i == 0);
      g_assert_cmpint(packet.talk_start, ==, i < 3);
    }
    for (unsigned i = 0; i < 30; i++, media_ms += 20) {
      wzp_fec_sender_silence(sender, (WzpTime)media_ms * WZP_MSEC, media_ms);
      while (wzp_fec_sender_poll(sender, &packet))
        g_assert_false(packet.gap || packet.talk_start);
    }
  }
  wzp_fec_sender_free(sender);
}

/* At no loss nothing waits: a frame's packet is there when the frame is, alone or with repair of others. */
static void
test_no_delay(void)
{
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 0);
  WzpFecSender *sender = wzp_fec_sender_new(&limits);
  WzpChannelState clean = {0, 0};
  wzp_fec_sender_set_channel(sender, &clean);
  for (unsigned i = 0; i < 1000; i++) {
    push(sender, 0, i * 20, i == 0, 60);
    assert_packet(sender, 0, i * 20, i, 1);
    assert_none(sender);
  }
  wzp_fec_sender_free(sender);
}

/* The elements that a plan asks for: as many symbols, over the windows of its programs, no ESI twice for a window. */
static void
test_elements(gconstpointer data)
{
  WzpFecScheme scheme = GPOINTER_TO_INT(data);
  WzpFecSender *sender = sender_of(scheme, 150, 2);
  const WzpFecPlan *plan = wzp_fec_sender_plan(sender);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  unsigned symbols = 0;
  g_assert_cmpint(plan->scheme, ==, scheme);
  for (unsigned i = 0; i < 2000; i++) {
    push(sender, 0, i * 20, i == 0, 60);
    WzpFecPacket packet;
    while (wzp_fec_sender_poll(sender, &packet)) {
      WzpBundleReader bundle;
      WzpElement part;
      WzpFecElement element;
      wzp_bundle_reader_init(&bundle, packet.bundle, packet.length);
      g_assert_true(wzp_bundle_reader_next(&bundle, &part));
      g_assert_cmpint(part.type, ==, WZP_ELEMENT_FRAMES);
      while (wzp_bundle_reader_next(&bundle, &part)) {
        g_assert_cmpint(part.type, ==, WZP_ELEMENT_REPAIR);
        g_assert_cmpint(wzp_fec_element_parse(&element, part.data, part.length), ==, WZP_OK);
        g_assert_false(element.lengths || element.other_framing);
        g_assert_cmpuint(element.symbol_length, ==, 60);
        g_assert_cmpint(element.copies, ==, element.n_symbols == element.window);
        symbols += element.n_symbols;
        for (unsigned j = 0; j < element.n_symbols && !element.copies; j++)
          g_assert_true(g_hash_table_add(
              seen, g_strdup_printf("%" G_GUINT64_FORMAT " %u %u", packet.first - element.offset,
                                    element.window, element.esi_step + j)));
      }
      g_assert_cmpint(bundle.result, ==, WZP_OK);
    }
  }
  g_assert_cmpuint(symbols, >=, plan->symbols_256 * 980 / 256);
  g_assert_cmpuint(symbols, <=, plan->symbols_256 * 1000 / 256);
  wzp_fec_sender_free(sender);
}

/* The wire stays within the budget over ten seconds, and repair uses it. */
typedef struct {
  const char *name, *profile;
  WzpFecScheme scheme;
  unsigned budget;
  double loss;
} Budget;

static const Budget budgets[] = {
    {"good-60k", "opus-24k", WZP_FEC_AUTO, 60000, 0.2},
    {"good-60k-clean", "opus-24k", WZP_FEC_AUTO, 60000, 0},
    {"good-60k-sliding", "opus-24k", WZP_FEC_SLIDING, 60000, 0.3},
    {"good-100k", "opus-24k", WZP_FEC_AUTO, 100000, 0.3},
    {"degraded-30k", "opus-6k", WZP_FEC_AUTO, 30000, 0.3},
    {"catastrophic-11k", "codec2-1200", WZP_FEC_AUTO, 11000, 0.5},
    {"catastrophic-13500", "codec2-1200", WZP_FEC_AUTO, 13500, 0.5},
    {"block-60k", "opus-24k", WZP_FEC_BLOCK, 60000, 0.1},
};

static void
test_budget(gconstpointer data)
{
  const Budget *budget = data;
  WzpFecLimits limits = fec_stream_limits(budget->scheme, WZP_FEC_OVERHEAD_AUTO, 0);
  const WzpProfile *profile = wzp_profile_by_name(budget->profile);
  limits.budget = budget->budget;
  limits.profile = profile;
  FecStream stream;
  fec_stream_init(&stream, &limits);
  fec_stream_channel(&stream, budget->loss, 0);
  WzpReport report = {.judged = 1};
  uint64_t before = 0;
  for (unsigned ten = 0; ten < 6; ten++) {
    for (unsigned i = 0; i < 50; i++) { /* reports count, too */
      wzp_fec_sender_carry_report(stream.sender, stream.now, &report);
      fec_stream_talk(&stream, budget->profile, 0, 200 / profile->frame_ms);
    }
    double rate = (double)(stream.wire_bytes - before) * 8 / 10;
    before = stream.wire_bytes;
    g_assert_cmpfloat(rate, <=, budget->budget * 1.005);
    if (budget->loss > 0)
      g_assert_cmpfloat(rate, >=, budget->budget * 0.8);
  }
  fec_stream_clear(&stream);
}

/* Scattered copies: how many frames back the packets told of, a bit each, in all and in the one that told of fewest. */
static unsigned told_ever, told_least;

static bool
note_told(FecStream *stream, uint64_t index, const WzpFecPacket *packet)
{
  WzpBundleReader bundle;
  WzpElement part;
  unsigned told = 0;
  wzp_bundle_reader_init(&bundle, packet->bundle, packet->length);
  while (wzp_bundle_reader_next(&bundle, &part)) {
    WzpFecElement element;
    if (part.type != WZP_ELEMENT_REPAIR)
      continue;
    g_assert_cmpint(wzp_fec_element_parse(&element, part.data, part.length), ==, WZP_OK);
    g_assert_true(element.copies && !element.other_framing);
    for (unsigned i = 0; i < element.window; i++)
      told |= 2u << (element.offset + i);
  }
  told_ever |= told;
  if (index >= 8 && __builtin_popcount(told) < __builtin_popcount(told_least))
    told_least = told;
  return test_random_below(&stream->random, 10) < 7;
}

static void
test_scattered(void)
{
  enum { FRAMES = 4000, ALL = 0x17c }; /* 2 to 6 and 8 back */
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 0);
  FecStream stream;
  limits.budget = 60000;
  limits.max_delay = 340 * WZP_MSEC;
  limits.profile = wzp_profile_by_name("opus-6.6k");
  fec_stream_init(&stream, &limits);
  fec_stream_channel(&stream, 0.7, 0);
  stream.lose = note_told;
  told_ever = 0;
  told_least = ALL;
  fec_stream_talk(&stream, "opus-6.6k", 0, FRAMES);
  g_assert_cmphex(told_ever, ==, ALL);
  g_assert_cmpuint((unsigned)__builtin_popcount(told_least), >=, 5); /* what a full header takes */
  double lost = (double)fec_stream_lost(&stream) / FRAMES;
  g_assert_cmpfloat_with_epsilon(lost, 0.0824, 0.04);
  fec_stream_clear(&stream);
}

/* Behind the last frames of a talk come packets of what they are owed, one per frame time, and then none. They bring
 * back the last frames, when those were lost. */
static uint64_t lost_from;

static bool
lose_last_frames(FecStream *stream, uint64_t index, const WzpFecPacket *packet)
{
  (void)stream;
  return index >= lost_from && packet->n_frames > 0;
}

static void
test_silence(gconstpointer data)
{
  WzpFecScheme scheme = GPOINTER_TO_INT(data);
  for (unsigned per_packet = 1; per_packet <= 3; per_packet++) {
    FecStream stream;
    WzpFecLimits limits = fec_stream_limits(scheme, 200, per_packet);
    fec_stream_init(&stream, &limits);
    stream.lose = lose_last_frames;
    for (unsigned talk = 0; talk < 3; talk++) {
      lost_from = stream.index + 30 / per_packet - 1;
      fec_stream_talk(&stream, "opus-24k", 0, 30);
      uint64_t before = stream.no_audio;
      for (unsigned i = 0; i < 60; i++) {
        uint64_t packets = stream.packets;
        fec_stream_silence(&stream, 1);
        g_assert_cmpuint(stream.packets - packets, <=, 1);
      }
      g_assert_cmpuint(stream.no_audio - before, >=, 2);
      before = stream.packets;
      fec_stream_silence(&stream, 20);
      g_assert_cmpuint(stream.packets, ==, before);
      g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
    }
    fec_stream_clear(&stream);

    /* and at the end of all, in three packets */
    fec_stream_init(&stream, &limits);
    stream.lose = lose_last_frames;
    lost_from = 30 / per_packet - 1;
    fec_stream_talk(&stream, "opus-24k", 0, 30);
    uint64_t before = stream.packets;
    fec_stream_finish(&stream);
    g_assert_cmpuint(stream.packets - before, >=, 1);
    g_assert_cmpuint(stream.packets - before, <=, 3);
    g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
    fec_stream_finish(&stream);
    g_assert_cmpuint(stream.packets - before, <=, 3);
    fec_stream_clear(&stream);
  }
}

/* A report rides in the next packet, and goes alone in silence. */
static void
test_report(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  WzpReport report = {.slot = 3, .judged = 700, .received = 690, .runs = 8, .playout = 12}, got;
  fec_stream_init(&stream, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 30);
  g_assert_false(wzp_fec_receiver_peer_report(stream.receiver, &got));
  wzp_fec_sender_carry_report(stream.sender, stream.now, &report);
  fec_stream_talk(&stream, "opus-24k", 0, 1);
  g_assert_true(wzp_fec_receiver_peer_report(stream.receiver, &got));
  g_assert_cmpuint(got.slot, ==, 3);
  g_assert_cmpuint(got.judged, ==, 700);
  g_assert_cmpuint(got.playout, ==, 12);
  fec_stream_talk(&stream, "opus-24k", 0, 1);
  g_assert_false(wzp_fec_receiver_peer_report(stream.receiver, &got));

  fec_stream_silence(&stream, 60);
  uint64_t before = stream.packets;
  report.judged++;
  wzp_fec_sender_carry_report(stream.sender, stream.now, &report);
  fec_stream_silence(&stream, 10);
  g_assert_cmpuint(stream.packets - before, ==, 1);
  g_assert_true(wzp_fec_receiver_peer_report(stream.receiver, &got));
  g_assert_cmpuint(got.judged, ==, 701);
  WzpFecSenderStats stats;
  wzp_fec_sender_get_stats(stream.sender, 0, &stats);
  g_assert_cmpuint(stats.reports_carried, ==, 2);
  fec_stream_clear(&stream);
}

/* Before the first frame there is nothing to count back from; a report goes all the same. */
static void
test_report_first(void)
{
  WzpFecSender *sender = sender_of(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 0);
  WzpReport report = {.judged = 1};
  WzpFecPacket packet;
  wzp_fec_sender_silence(sender, 0, 20);
  assert_none(sender);
  wzp_fec_sender_carry_report(sender, 0, &report);
  wzp_fec_sender_silence(sender, 20 * WZP_MSEC, 40);
  g_assert_true(wzp_fec_sender_poll(sender, &packet));
  g_assert_cmpuint(packet.code, ==, WZP_CODE_NO_AUDIO);
  g_assert_cmpuint(packet.media_ms, ==, 40);
  g_assert_cmpuint(packet.length, ==, 1 + WZP_REPORT_SIZE);
  wzp_fec_sender_free(sender);
}

/* Reports of a channel that stays the same change the plan a few times at most; one of a change does. */
static void
test_plan_holds(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 1);
  WzpFecSenderStats stats;
  WzpReport report = {0};
  limits.budget = 60000;
  fec_stream_init(&stream, &limits);
  for (unsigned second = 0; second < 120; second++) {
    for (unsigned i = 0; i < 50; i++) {
      fec_stream_talk(&stream, "opus-24k", 0, 1);
      bool lost = (7 * second + i) % (8 + second % 5) == 3;
      report.judged++;
      report.received += !lost;
      report.runs += lost;
      if (i % 10 == 9) {
        g_assert_cmpint(wzp_fec_sender_handle_report(stream.sender, stream.now, &report), ==,
                        WZP_OK);
      }
    }
    if (second == 20)
      wzp_fec_sender_get_stats(stream.sender, stream.now, &stats);
  }
  uint64_t plans = stats.plans;
  wzp_fec_sender_get_stats(stream.sender, stream.now, &stats);
  g_assert_cmpuint(stats.reports_handled, ==, 600);
  g_assert_cmpuint(stats.plans - plans, <=, 50); /* in 100 s, of 500 reports */
  g_assert_cmpfloat(stats.channel.loss, >, 0.05);
  g_assert_cmpfloat(stats.channel.loss, <, 0.2);

  WzpChannelState worse = {0.4, 0.5};
  wzp_fec_sender_set_channel(stream.sender, &worse);
  wzp_fec_sender_get_stats(stream.sender, stream.now, &stats);
  g_assert_cmpfloat(stats.channel.loss, ==, 0.4);
  g_assert_cmpfloat(wzp_fec_sender_plan(stream.sender)->expected_loss, >, 0);
  fec_stream_clear(&stream);
}

static void
test_reset(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 200, 3);
  fec_stream_init(&stream, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 31);
  wzp_fec_sender_reset(stream.sender);
  uint64_t before = stream.packets;
  fec_stream_finish(&stream);
  g_assert_cmpuint(stream.packets, ==, before); /* nothing waits, nothing is owed */
  push(stream.sender, 0, 77, true, 60);
  push(stream.sender, 0, 97, false, 60);
  push(stream.sender, 0, 117, false, 60);
  WzpFecPacket packet;
  WzpFecElement element;
  g_assert_true(wzp_fec_sender_poll(stream.sender, &packet));
  g_assert_cmpuint(packet.first, ==, 0);
  g_assert_true(packet.talk_start && packet.gap);
  g_assert_false(fec_stream_repair(&packet, &element));
  fec_stream_clear(&stream);
}

/* What the plan promises is sent, also where a symbol is more than a packet's share of the budget: as little as is needed, all
 * of the budget, and with packets of one size. */
static void
test_repair_comes(void)
{
  unsigned repaired[3] = {0};
  for (unsigned mode = 0; mode < 3; mode++)
    for (unsigned budget = 44000; budget <= 90000; budget += 1000) {
      FecStream stream;
      WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, WZP_FEC_OVERHEAD_AUTO, 1);
      limits.budget = budget;
      limits.fill = mode == 1;
      limits.constant_size = mode == 2;
      fec_stream_init(&stream, &limits);
      WzpChannelState channel = {0.1, 0};
      wzp_fec_sender_set_channel(stream.sender, &channel);
      fec_stream_talk(&stream, "opus-20k", 0, 400);
      WzpFecSenderStats stats;
      wzp_fec_sender_get_stats(stream.sender, stream.now, &stats);
      const WzpFecPlan *plan = wzp_fec_sender_plan(stream.sender);
      double planned = (double)plan->symbols_256 / 256 * (double)stats.packets;
      g_test_message("%u %u %.0f %d", mode, budget, planned, (int)stats.repair_symbols);
      g_assert_cmpfloat(fabs((double)stats.repair_symbols - planned), <=, 0.03 * planned + 3);
      repaired[mode] += planned > 0;
      fec_stream_clear(&stream);
    }
  g_assert_cmpuint(repaired[0], >, 40);
  g_assert_cmpuint(repaired[1], >, 40);
  g_assert_cmpuint(repaired[2], >, 20); /* whole symbols only */
}

/* Where a budget is filled up to try it, repair that does not fit comes before padding. */
static void
test_padding_leaves_repair(void)
{
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, WZP_FEC_OVERHEAD_AUTO, 1);
  limits.profile = wzp_profile_by_name("opus-16k");
  limits.budget = 72000; /* 1 to 2 symbols in a packet, in the mean 1.6 or so */
  uint64_t symbols[2], packets[2], bytes[2];
  for (unsigned fill = 0; fill <= 1; fill++) {
    FecStream stream;
    WzpFecSenderStats stats;
    limits.fill = fill == 1;
    fec_stream_init(&stream, &limits);
    fec_stream_channel(&stream, 0.36, 1);
    fec_stream_talk(&stream, "opus-16k", 0, 500);
    wzp_fec_sender_get_stats(stream.sender, stream.now, &stats);
    symbols[fill] = stats.repair_symbols;
    packets[fill] = stats.packets;
    bytes[fill] = stats.bundle_bytes;
    fec_stream_clear(&stream);
  }
  g_test_message("%u symbols, filled up %u", (unsigned)symbols[0], (unsigned)symbols[1]);
  g_assert_cmpuint(symbols[0], >, packets[0] * 5 / 4);
  g_assert_cmpuint(symbols[1], >=, symbols[0] * 97 / 100);
  g_assert_cmpuint(bytes[1] + 56 * packets[1], >, 72000 / 8 * 10 * 97 / 100);
}

int
main(int argc, char **argv)
{
  static const WzpFecScheme schemes[] = {WZP_FEC_SLIDING, WZP_FEC_BLOCK};
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/fec-sender/packing", test_packing);
  g_test_add_func("/fec-sender/scattered", test_scattered);
  g_test_add_func("/fec-sender/odd-frame", test_odd_frame);
  g_test_add_func("/fec-sender/codes", test_codes);
  g_test_add_func("/fec-sender/invalid", test_invalid);
  g_test_add_func("/fec-sender/flags", test_flags);
  g_test_add_func("/fec-sender/no-delay", test_no_delay);
  g_test_add_func("/fec-sender/report", test_report);
  g_test_add_func("/fec-sender/report-first", test_report_first);
  g_test_add_func("/fec-sender/plan-holds", test_plan_holds);
  g_test_add_func("/fec-sender/repair-comes", test_repair_comes);
  g_test_add_func("/fec-sender/reset", test_reset);
  for (unsigned i = 0; i < G_N_ELEMENTS(schemes); i++) {
    const char *name = wzp_fec_scheme_name(schemes[i]);
    g_autofree char *elements = g_strdup_printf("/fec-sender/elements/%s", name);
    g_autofree char *silence = g_strdup_printf("/fec-sender/silence/%s", name);
    g_test_add_data_func(elements, GINT_TO_POINTER(schemes[i]), test_elements);
    g_test_add_data_func(silence, GINT_TO_POINTER(schemes[i]), test_silence);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(budgets); i++) {
    g_autofree char *path = g_strdup_printf("/fec-sender/budget/%s", budgets[i].name);
    g_test_add_data_func(path, &budgets[i], test_budget);
  }
  g_test_add_func("/fec-sender/padding-leaves-repair", test_padding_leaves_repair);
  return g_test_run();
}
