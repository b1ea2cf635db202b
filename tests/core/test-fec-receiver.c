/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-stream.h"

static WzpFecReceiverStats
stats_of(const FecStream *stream)
{
  WzpFecReceiverStats stats;
  wzp_fec_receiver_get_stats(stream->receiver, &stats);
  return stats;
}

/* Whatever the scheme, what comes out is what went in, and repair brings most of what was lost. */
typedef struct {
  const char *name, *profile;
  WzpFecScheme scheme;
  unsigned frames_per_packet;
  double loss, burst, lost_max;
} Trip;

static const Trip trips[] = {
    {"none", "opus-24k", WZP_FEC_NONE, 1, 0.1, 0, 0.13},
    {"sliding", "opus-24k", WZP_FEC_SLIDING, 1, 0.1, 0, 0.002},
    {"sliding-three", "opus-24k", WZP_FEC_SLIDING, 3, 0.1, 0, 0.03},
    {"sliding-20", "opus-16k", WZP_FEC_SLIDING, 2, 0.2, 0, 0.06},
    {"sliding-40-ms", "opus-6k", WZP_FEC_SLIDING, 1, 0.1, 0, 0.02},
    {"sliding-codec2", "codec2-1200", WZP_FEC_SLIDING, 4, 0.1, 0, 0.03},
    {"sliding-3200", "codec2-3200", WZP_FEC_SLIDING, 2, 0.1, 0, 0.03},
    {"block", "opus-24k", WZP_FEC_BLOCK, 1, 0.1, 0, 0.004},
    {"block-codec2", "codec2-1200", WZP_FEC_BLOCK, 2, 0.1, 0, 0.03},
    {"copies", "codec2-1200", WZP_FEC_COPIES, 1, 0.3, 0, 0.15},
    {"auto", "opus-64k", WZP_FEC_AUTO, 1, 0.1, 0, 0.01},
};

static void
test_trip(gconstpointer data)
{
  const Trip *trip = data;
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(trip->scheme, 100, trip->frames_per_packet);
  fec_stream_init(&stream, &limits);
  fec_stream_channel(&stream, trip->loss, trip->burst);
  fec_stream_talk(&stream, trip->profile, 0, 12); /* a start that arrives */
  stream.loss = trip->loss;
  fec_stream_talk(&stream, trip->profile, 0, 2988);
  stream.loss = 0;
  fec_stream_talk(&stream, trip->profile, 0, 60);

  unsigned lost = fec_stream_lost(&stream);
  WzpFecReceiverStats stats = stats_of(&stream);
  g_assert_cmpfloat(lost, <, trip->lost_max * 3060);
  g_assert_cmpuint(stats.frames + stats.recovered, ==, 3060 - lost);
  g_assert_cmpuint(stats.recovered, ==, fec_stream_recovered(&stream));
  g_assert_cmpuint(stats.malformed, ==, 0);
  g_assert_cmpuint(stats.late_repairs, ==, 0);
  /* given up is what did not come, but for what came very late */
  g_assert_cmpuint(stats.hopeless, >=, lost);
  g_assert_cmpuint(stats.reception.unrepaired, ==, stats.hopeless);
  fec_stream_check_numbers(&stream, 0);
  fec_stream_clear(&stream);
}

/* Every change of what is sent, at each phase of the packets before it, with each short run of packets lost. */
typedef struct {
  const char *name, *before, *after;
  unsigned frames_per_packet;
  bool talk_start;
  unsigned
      lost_max; /* where packets get much longer, losing three of them is more than the delay allows */
} Change;

static const Change changes[] = {
    {"size", "opus-24k", "opus-16k", 1, false, 0},
    {"size-by-three", "opus-16k", "opus-24k", 3, false, 0},
    {"framing", "opus-24k", "opus-12k", 1, false, 0},
    {"framing-back", "opus-12k", "opus-24k", 2, false, 0},
    {"codec", "opus-24k", "codec2-1200", 3, false, 3},
    {"codec-back", "codec2-1200", "opus-24k", 3, false, 0},
    {"pairs", "opus-24k", "codec2-3200", 2, false, 0},
    {"talk-start", "opus-24k", "opus-24k", 1, true, 0},
};

static uint64_t first_lost, n_lost;

static bool
lose_run(FecStream *stream, uint64_t index, const WzpFecPacket *packet)
{
  (void)stream;
  (void)packet;
  return index >= first_lost && index < first_lost + n_lost;
}

static void
test_change(gconstpointer data)
{
  const Change *change = data;
  for (unsigned phase = 0; phase < 8; phase++) {
    for (n_lost = 0; n_lost < 4; n_lost++) {
      uint64_t at = (24 + phase) / change->frames_per_packet;
      for (first_lost = at - 5; first_lost < at + 5; first_lost++) {
        FecStream stream;
        WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 200, change->frames_per_packet);
        limits.window = 12;
        fec_stream_init(&stream, &limits);
        fec_stream_channel(&stream, 0.1, 0);
        stream.lose = lose_run;
        fec_stream_talk(&stream, change->before, 0, 24 + phase);
        if (change->talk_start)
          fec_stream_silence(&stream, 30);
        fec_stream_talk(&stream, change->after, 0, 48);
        g_assert_cmpuint(fec_stream_lost(&stream), <=, n_lost < 3 ? 0 : change->lost_max);
        g_assert_cmpuint(stats_of(&stream).malformed, ==, 0);
        fec_stream_check_numbers(&stream, 12);
        if (n_lost == 0) {
          g_assert_cmpuint(stats_of(&stream).late_repairs, ==, 0);
          fec_stream_check_numbers(&stream, 0);
        }
        fec_stream_clear(&stream);
      }
    }
  }
}

/* Loss, reordering, change and silence at random: never a wrong byte, never a frame twice. */
static void
test_weather(void)
{
  static const char *const profiles[] = {"opus-24k", "opus-16k", "opus-6k", "codec2-1200",
                                         "codec2-3200"};
  for (unsigned run = 0; run < 60; run++) {
    FecStream stream;
    /* order is sure where packets have one frame: a lost packet could have held fewer, and a single frame between two
     * changes comes after what followed it has been numbered */
    bool ordered = run % 2;
    unsigned n_profiles = G_N_ELEMENTS(profiles) - ordered;
    WzpFecLimits limits =
        fec_stream_limits((WzpFecScheme)(run % 5), 150, ordered ? 1 : run / 2 % 4);
    fec_stream_init(&stream, &limits);
    stream.media_ms = run % 3 == 0 ? (UINT64_C(1) << 32) - 2000 : 7;
    stream.index = run % 3 == 1 ? UINT64_C(1) << 40 : run;
    stream.hold = true;
    for (unsigned i = 0; i < 60; i++) {
      stream.loss = (double)test_random_below(&stream.random, 60) / 100;
      fec_stream_channel(&stream, stream.loss, (double)test_random_below(&stream.random, 5));
      fec_stream_talk(&stream, profiles[test_random_below(&stream.random, n_profiles)],
                      test_random_below(&stream.random, 4) == 0
                          ? 4 + test_random_below(&stream.random, 200)
                          : 0,
                      (ordered ? 12 : 1) + (unsigned)test_random_below(&stream.random, 30));
      if (test_random_below(&stream.random, 3) == 0)
        fec_stream_silence(&stream, (unsigned)test_random_below(&stream.random, 20));
      /* a few packets change places */
      GPtrArray *held = stream.held;
      for (unsigned k = 0; k + 1 < held->len; k++) {
        if (test_random_below(&stream.random, 5) == 0) {
          unsigned other = MIN(k + 2, held->len - 1);
          gpointer swap = held->pdata[k];
          held->pdata[k] = held->pdata[other];
          held->pdata[other] = swap;
          k = other;
        }
      }
      for (unsigned k = 0; k < held->len; k++)
        fec_stream_give(&stream, held->pdata[k]);
      g_ptr_array_set_size(held, 0);
    }
    g_assert_cmpuint(stats_of(&stream).malformed, ==, 0);
    if (ordered)
      fec_stream_check_numbers(&stream, UINT64_MAX);
    fec_stream_clear(&stream);
  }
}

/* Without media time frames are numbered by their packets; when it comes, the numbers go on, and repair reaches back. */
static void
test_untimed(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 200, 2);
  fec_stream_init(&stream, &limits);
  stream.index = 1000;
  stream.untimed = true;
  fec_stream_talk(&stream, "opus-24k", 0, 20);
  stream.loss = 1;
  fec_stream_talk(&stream, "opus-24k", 0, 2);
  stream.loss = 0;
  fec_stream_talk(&stream, "opus-24k", 0, 4);
  g_assert_cmpuint(fec_stream_lost(&stream), ==, 2);
  stream.untimed = false;
  fec_stream_talk(&stream, "opus-24k", 0, 20);
  g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
  fec_stream_check_numbers(&stream, 0);
  g_assert_cmpuint(g_array_index(stream.sent, FecSent, 0).number, ==, 2000);
  fec_stream_clear(&stream);
}

/* A change of framing whose full headers were lost: its frames are numbered by their packets, in order. */
static void
test_untimed_change(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  fec_stream_init(&stream, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 40);
  stream.untimed = true;
  fec_stream_talk(&stream, "opus-6k", 0, 10);
  stream.untimed = false;
  fec_stream_talk(&stream, "opus-6k", 0, 40);
  g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
  fec_stream_check_numbers(&stream, 0);
  fec_stream_clear(&stream);
}

/* Silence takes no numbers, whatever of it arrives. */
static void
test_silence(void)
{
  for (unsigned loss = 0; loss <= 40; loss += 20) {
    FecStream stream;
    WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 200, 1);
    fec_stream_init(&stream, &limits);
    for (unsigned talk = 0; talk < 30; talk++) {
      stream.loss = loss / 100.0;
      fec_stream_talk(&stream, "opus-24k", 0, 20 + talk);
      fec_stream_silence(&stream, 2 * talk * talk % 100);
    }
    stream.loss = 0;
    fec_stream_talk(&stream, "opus-24k", 0, 50);
    if (loss == 0)
      g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
    /* packets that were lost in silence may have held frames */
    fec_stream_check_numbers(&stream, loss == 0 ? 0 : stream.no_audio);
    fec_stream_clear(&stream);
  }
}

/* A frame that comes after repair brought it is not given out again, nor is one that repair brings after it came
 * (fec_stream_give() counts). */
static void
test_reordering(void)
{
  for (unsigned late = 1; late < 20; late++) {
    FecStream stream;
    WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
    fec_stream_init(&stream, &limits);
    stream.hold = true;
    fec_stream_talk(&stream, "opus-24k", 0, 60);
    GPtrArray *held = stream.held;
    gpointer packet = g_ptr_array_steal_index(held, 20);
    g_ptr_array_insert(held, 20 + (int)late, packet);
    for (unsigned i = 0; i < held->len; i++)
      fec_stream_give(&stream, held->pdata[i]);
    g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
    g_assert_cmpuint(fec_stream_recovered(&stream), ==, 1);
    g_assert_cmpuint(stats_of(&stream).frames, ==, 59);
    g_assert_cmpuint(stats_of(&stream).hopeless, ==, 0);
    fec_stream_check_numbers(&stream, 0);
    fec_stream_clear(&stream);
  }
}

/* Until when a lost frame may still come, and that it is given up then. */
static void
test_horizon(void)
{
  FecStream stream;
  uint64_t media_ms;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  limits.window = 6;
  fec_stream_init(&stream, &limits);
  fec_stream_channel(&stream, 0.1, 0);
  g_assert_cmpuint(wzp_fec_sender_plan(stream.sender)->programs[0].window, ==, 6);
  g_assert_false(wzp_fec_receiver_horizon(stream.receiver, 0, &media_ms));
  fec_stream_talk(&stream, "opus-24k", 0, 20);
  g_assert_false(wzp_fec_receiver_horizon(stream.receiver, 19, &media_ms)); /* it came */
  g_assert_false(wzp_fec_receiver_horizon(stream.receiver, 20, &media_ms)); /* nobody knows of it */
  stream.loss = 1;
  fec_stream_talk(&stream, "opus-24k", 0, 8); /* 20 to 27: more than the window brings back */
  stream.loss = 0;
  fec_stream_talk(&stream, "opus-24k", 0, 1);
  unsigned reach = 20 * (6 + wzp_fec_sender_plan(stream.sender)->programs[0].offset);
  for (unsigned number = 25; number < 28; number++) {
    g_assert_true(wzp_fec_receiver_horizon(stream.receiver, number, &media_ms));
    g_assert_cmpuint(media_ms, ==, number * 20 + reach);
  }
  fec_stream_talk(&stream, "opus-24k", 0, 40);
  g_assert_cmpuint(fec_stream_lost(&stream), >, 0);
  g_assert_cmpuint(stats_of(&stream).hopeless, ==, fec_stream_lost(&stream));
  for (unsigned number = 20; number < 28; number++)
    g_assert_false(wzp_fec_receiver_horizon(stream.receiver, number, &media_ms));
  fec_stream_clear(&stream);

  /* without repair there is no hope at all */
  limits.scheme = WZP_FEC_NONE;
  fec_stream_init(&stream, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 20);
  stream.loss = 1;
  fec_stream_talk(&stream, "opus-24k", 0, 5);
  stream.loss = 0;
  fec_stream_talk(&stream, "opus-24k", 0, 1);
  g_assert_false(wzp_fec_receiver_horizon(stream.receiver, 22, &media_ms));
  fec_stream_talk(&stream, "opus-24k", 0, 10);
  g_assert_cmpuint(stats_of(&stream).hopeless, ==, 5);
  fec_stream_clear(&stream);
}

/* A gap longer than all windows: every frame of it is given up. */
static void
test_blackout(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  fec_stream_init(&stream, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, 20);
  stream.loss = 1;
  fec_stream_talk(&stream, "opus-24k", 0, 3000);
  stream.loss = 0;
  fec_stream_talk(&stream, "opus-24k", 0, 200);
  g_assert_cmpuint(fec_stream_lost(&stream), <=, 3000);
  g_assert_cmpuint(stats_of(&stream).hopeless, ==, fec_stream_lost(&stream));
  fec_stream_check_numbers(&stream, 0);
  fec_stream_clear(&stream);
}

static void
test_reports(void)
{
  FecStream stream;
  WzpReport report;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_NONE, 0, 1);
  unsigned n = 0;
  fec_stream_init(&stream, &limits);
  for (unsigned i = 0; i < 200; i++) {
    stream.loss = i % 10 == 5;
    fec_stream_talk(&stream, "opus-24k", 0, 1);
    WzpTime playout = i < 100 ? 155 * WZP_MSEC : 5 * WZP_SECOND;
    if (!wzp_fec_receiver_report(stream.receiver, stream.now, 9, playout, &report))
      continue;
    n++;
    g_assert_cmpuint(report.slot, ==, 9);
    g_assert_cmpuint(report.playout, ==, i < 100 ? 15 : 255);
  }
  g_assert_cmpuint(n, >=, 4);
  g_assert_cmpuint(report.judged, >=, 150);
  g_assert_cmpuint(report.unrepaired, >=, 14);
  g_assert_cmpuint(report.runs, >=, 14);
  fec_stream_clear(&stream);
}

/* Another stream: numbers begin again, the counters go on. */
static void
test_reset(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  fec_stream_init(&stream, &limits);
  stream.index = 5000;
  fec_stream_talk(&stream, "opus-24k", 0, 50);
  wzp_fec_receiver_reset(stream.receiver);
  wzp_fec_sender_reset(stream.sender);
  stream.index = 3;
  stream.media_ms = 40;
  stream.talk_start = true;
  fec_stream_talk(&stream, "opus-24k", 0, 50);
  g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
  g_assert_cmpuint(g_array_index(stream.sent, FecSent, 50).number, ==, 3);
  g_assert_cmpuint(stats_of(&stream).frames, ==, 100);
  fec_stream_clear(&stream);
}

/* Gives one of the packets that are held, until no more than `keep` are. */
static void
give_held(FecStream *stream, unsigned keep)
{
  GPtrArray *held = stream->held;
  while (held->len > keep) {
    unsigned i = (unsigned)test_random_below(&stream->random, MIN(held->len, keep + 1));
    fec_stream_give(stream, held->pdata[i]);
    g_ptr_array_remove_index(held, i);
  }
}

/* The sender began anew and nobody said so: its packets have numbers that were there before, just now or long ago. */
static void
test_restart(void)
{
  static const unsigned before[] = {50, 1000, 1100, 2000, 6000};
  for (unsigned i = 0; i < G_N_ELEMENTS(before); i++) {
    FecStream stream;
    WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
    fec_stream_init(&stream, &limits);
    fec_stream_talk(&stream, "opus-24k", 0, before[i]);
    wzp_fec_sender_reset(stream.sender);
    stream.index = 0;
    stream.talk_start = true;
    stream.hold = true;
    fec_stream_talk(&stream, "opus-24k", 0, 20);
    stream.loss = 1;
    fec_stream_talk(&stream, "opus-24k", 0, 2);
    stream.loss = 0;
    fec_stream_talk(&stream, "opus-24k", 0, 50);
    give_held(&stream, 0);
    g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
    g_assert_cmpuint(stats_of(&stream).restarts, ==, 1);
    unsigned waited = before[i] > 1024 ? 2 : 0;
    g_assert_cmpuint(stats_of(&stream).late_packets, ==, waited);
    g_assert_cmpuint(stats_of(&stream).recovered, ==, 2 + waited);
    fec_stream_clear(&stream);
  }
}

/* Packets that were held back for very long: the stream goes on, and no frame comes twice. */
static void
test_held_back(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  fec_stream_init(&stream, &limits);
  stream.hold = true;
  fec_stream_talk(&stream, "opus-24k", 0, 1500);
  for (unsigned i = 3; i < stream.held->len; i++) {
    if (i >= 1400 && i < 1403)
      fec_stream_give(&stream, stream.held->pdata[i - 1400]);
    fec_stream_give(&stream, stream.held->pdata[i]);
  }
  g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
  g_assert_cmpuint(stats_of(&stream).restarts, ==, 0);
  g_assert_cmpuint(stats_of(&stream).late_packets, ==, 3);
  fec_stream_clear(&stream);
}

/* Packets of the stream that others made lie between those of the sender, and it is told. */
static void
test_others(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  fec_stream_init(&stream, &limits);
  stream.loss = 0.2;
  for (unsigned i = 0; i < 300; i++) {
    unsigned others = i % 20 < 17 ? 0 : i % 3;
    stream.index += others;
    wzp_fec_sender_skip(stream.sender, others);
    fec_stream_talk(&stream, "opus-24k", 0, 1);
  }
  g_assert_cmpuint(stats_of(&stream).misplaced, ==, 0);
  g_assert_cmpuint(stats_of(&stream).malformed, ==, 0);
  g_assert_cmpuint(fec_stream_recovered(&stream), >, 30);
  fec_stream_clear(&stream);
}

/* What a receiver knows of media time is wrong where the full headers behind a change were lost, or come later than
 * the packets behind them. Still no frame is made up, and none comes twice. */
typedef struct {
  const char *name;
  unsigned lost_max; /* percent */
  unsigned reorder;  /* packets that change places; 0: in order */
  unsigned frames;   /* frames_per_packet up to */
  bool one_profile;
} Headers;

static const Headers headers[] = {
    {"lost", 60, 0, 1, true},          {"lost-many-frames", 60, 0, 4, true},
    {"lost-changes", 60, 0, 4, false}, {"reordered", 15, 5, 4, false},
    {"both", 50, 5, 4, false},         {"far-reordered", 15, 40, 3, false},
};

static void
set_random_limits(FecStream *stream, unsigned most_frames)
{
  WzpFecLimits limits =
      fec_stream_limits((WzpFecScheme)test_random_below(&stream->random, 5), 200,
                        1 + (unsigned)test_random_below(&stream->random, most_frames));
  wzp_fec_sender_set_limits(stream->sender, &limits);
}

static void
test_headers(gconstpointer data)
{
  static const char *const profiles[] = {"opus-24k", "opus-64k",    "opus-16k",   "opus-12k",
                                         "opus-6k",  "codec2-1200", "codec2-3200"};
  const Headers *test = data;
  uint64_t recovered = 0;
  for (unsigned run = 0; run < 20; run++) {
    FecStream stream;
    WzpFecLimits limits = fec_stream_limits((WzpFecScheme)(run % 4), 200, 1);
    fec_stream_init(&stream, &limits);
    stream.by_header = true;
    stream.hold = test->reorder > 0;
    for (unsigned talk = 0; talk < 100; talk++) {
      TestRandom *random = &stream.random;
      unsigned n = 1 + (unsigned)test_random_below(random, 60);
      const char *profile = test->one_profile
                                ? profiles[0]
                                : profiles[test_random_below(random, G_N_ELEMENTS(profiles))];
      stream.loss = talk % 10 == 9 ? 0.9 : (double)test_random_below(random, test->lost_max) / 100;
      fec_stream_channel(&stream, MIN(stream.loss, 0.5), 0);
      if (test_random_below(random, 4) == 0)
        set_random_limits(&stream, test->frames);
      for (unsigned i = 0; i < n; i++) {
        fec_stream_talk(&stream, profile, 0, 1);
        give_held(&stream, test->reorder);
      }
      if (test_random_below(random, 3) != 0)
        fec_stream_silence(&stream, (unsigned)test_random_below(random, 10));
      stream.media_ms += 20 * test_random_below(random, 20);
      stream.talk_start |= test_random_below(random, 2) == 0;
    }
    give_held(&stream, 0);
    g_assert_cmpuint(stats_of(&stream).malformed, ==, 0);
    recovered += stats_of(&stream).recovered;
    fec_stream_clear(&stream);
  }
  g_assert_cmpuint(recovered, >, 20 * 100);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  for (unsigned i = 0; i < G_N_ELEMENTS(trips); i++) {
    g_autofree char *path = g_strdup_printf("/fec-receiver/trip/%s", trips[i].name);
    g_test_add_data_func(path, &trips[i], test_trip);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(changes); i++) {
    g_autofree char *path = g_strdup_printf("/fec-receiver/change/%s", changes[i].name);
    g_test_add_data_func(path, &changes[i], test_change);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(headers); i++) {
    g_autofree char *path = g_strdup_printf("/fec-receiver/headers/%s", headers[i].name);
    g_test_add_data_func(path, &headers[i], test_headers);
  }
  g_test_add_func("/fec-receiver/weather", test_weather);
  g_test_add_func("/fec-receiver/untimed", test_untimed);
  g_test_add_func("/fec-receiver/untimed-change", test_untimed_change);
  g_test_add_func("/fec-receiver/silence", test_silence);
  g_test_add_func("/fec-receiver/reordering", test_reordering);
  g_test_add_func("/fec-receiver/horizon", test_horizon);
  g_test_add_func("/fec-receiver/blackout", test_blackout);
  g_test_add_func("/fec-receiver/reports", test_reports);
  g_test_add_func("/fec-receiver/reset", test_reset);
  g_test_add_func("/fec-receiver/restart", test_restart);
  g_test_add_func("/fec-receiver/held-back", test_held_back);
  g_test_add_func("/fec-receiver/others", test_others);
  return g_test_run();
}
