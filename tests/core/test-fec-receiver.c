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
        stream.talk_start = change->talk_start;
        stream.media_ms += change->talk_start ? 500 : 0;
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
    WzpFecLimits limits = fec_stream_limits((WzpFecScheme)(run % 5), 150, run % 4);
    fec_stream_init(&stream, &limits);
    stream.media_ms = run % 3 == 0 ? (UINT64_C(1) << 32) - 2000 : 7;
    stream.index = run % 3 == 1 ? UINT64_C(1) << 40 : run;
    stream.hold = true;
    for (unsigned i = 0; i < 60; i++) {
      stream.loss = (double)test_random_below(&stream.random, 60) / 100;
      fec_stream_channel(&stream, stream.loss, (double)test_random_below(&stream.random, 5));
      fec_stream_talk(&stream, profiles[test_random_below(&stream.random, G_N_ELEMENTS(profiles))],
                      test_random_below(&stream.random, 4) == 0
                          ? 4 + test_random_below(&stream.random, 200)
                          : 0,
                      (run % 2 ? 12 : 1) + (unsigned)test_random_below(&stream.random, 30));
      if (test_random_below(&stream.random, 3) == 0)
        fec_stream_silence(&stream, (unsigned)test_random_below(&stream.random, 20));
      /* a few packets change places */
      GPtrArray *held = stream.held;
      for (unsigned k = 0; k + 1 < held->len; k++) {
        if (test_random_below(&stream.random, 5) == 0) {
          unsigned other = k + 1 + (unsigned)test_random_below(&stream.random, 4);
          other = MIN(other, held->len - 1);
          gpointer swap = held->pdata[k];
          held->pdata[k] = held->pdata[other];
          held->pdata[other] = swap;
        }
      }
      for (unsigned k = 0; k < held->len; k++)
        fec_stream_give(&stream, held->pdata[k]);
      g_ptr_array_set_size(held, 0);
    }
    g_assert_cmpuint(stats_of(&stream).malformed, ==, 0);
    /* a single frame between two changes may come after what followed it has been numbered */
    if (run % 2)
      fec_stream_check_numbers(&stream, UINT64_MAX);
    fec_stream_clear(&stream);
  }
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
  g_test_add_func("/fec-receiver/weather", test_weather);
  return g_test_run();
}
