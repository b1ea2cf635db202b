/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/jitter.h"

#define MS INT64_C(1000000)
#define FRAME (20 * MS)
#define UNKNOWN (-1)

/* What comes in: frame number, media time and arrival in ms, and what push must answer. */
typedef struct {
  uint64_t index;
  int media, arrival;
  WzpResult expected;
} Step;
#define IN(index, media, arrival)                                                                  \
  {                                                                                                \
    index, media, arrival, WZP_OK                                                                  \
  }

/* What goes out, as words: "p7@60" frame 7 played at 60 ms, "l8@80" lost, "l8@80>9+20" while 9 is there and plays 20 ms later, "s100@80" 100 ms of silence,
 * "d" dropped; "!" marks discont. */
static void
put_word(GString *words, const WzpJitterOutput *output)
{
  int at = (int)(output->due / MS);
  if (words->len > 0)
    g_string_append_c(words, ' ');
  switch (output->action) {
  case WZP_JITTER_PLAY:
    g_assert_cmpuint(output->index, ==, output->id);
    g_string_append_printf(words, "p%d@%d%s", (int)output->index, at, output->discont ? "!" : "");
    break;
  case WZP_JITTER_LOST:
    g_string_append_printf(words, "l%d@%d", (int)output->index, at);
    if (output->ahead > 0)
      g_string_append_printf(words, ">%d+%d", (int)output->id, (int)(output->ahead / MS));
    break;
  case WZP_JITTER_SILENCE:
    g_string_append_printf(words, "s%d@%d", (int)(output->duration / MS), at);
    break;
  case WZP_JITTER_DROP:
    g_string_append_printf(words, "d%d", (int)output->id);
    break;
  case WZP_JITTER_WAIT:
    g_assert_not_reached();
  }
}

/* Wakes exactly when the queue asks for it, as the element does, until the time `end`. */
static void
play_until(WzpJitter *jitter, int64_t *now, int64_t end, GString *words)
{
  for (;;) {
    WzpJitterOutput output = wzp_jitter_poll(jitter, *now);
    if (output.action == WZP_JITTER_WAIT) {
      g_assert_cmpint(output.until, >, *now);
      if (output.until >= end)
        break;
      *now = output.until;
      continue;
    }
    if (output.action != WZP_JITTER_DROP)
      g_assert_cmpint(output.due, <=, *now);
    put_word(words, &output);
  }
  *now = end;
}

static WzpJitterFrame
frame_of(const Step *step)
{
  return (WzpJitterFrame){.index = step->index,
                          .media_time = step->media == UNKNOWN ? -1 : step->media * MS,
                          .duration = FRAME,
                          .arrival = step->arrival * MS,
                          .id = step->index};
}

typedef struct {
  const char *name;
  int latency, end;
  const char *expected;
  WzpJitterStats stats; /* only what is not zero is compared */
  Step steps[24];       /* ends at duration 0: arrival 0 and index 0 behind the first */
} Case;

static const Case cases[] = {
    {"in-order",
     60,
     125,
     "p0@65! p1@85 p2@105 l3@125",
     {.played = 3, .concealed = 1},
     {IN(0, 0, 5), IN(1, 20, 25), IN(2, 40, 45)}},
    {"first-frame-had-the-longest-way",
     60,
     101,
     "p0@60! p1@80 p2@100",
     {.played = 3},
     {IN(0, 0, 30), IN(1, 20, 31), IN(2, 40, 40)}},
    {"reordered",
     60,
     121,
     "p0@60! p1@80 p2@100 p3@120",
     {.played = 4, .reordered = 2},
     {IN(0, 0, 0), IN(3, 60, 60), IN(1, 20, 61), IN(2, 40, 62)}},
    {"reordered-at-start",
     60,
     81,
     "p0@60! p1@80",
     {.played = 2, .reordered = 1},
     {IN(1, 20, 20), IN(0, 0, 21)}},
    {"duplicates",
     60,
     81,
     "p0@60! p1@80",
     {.played = 2, .duplicate = 3},
     {IN(0, 0, 0),
      {0, 0, 1, WZP_REPLAYED},
      IN(1, 20, 20),
      {0, 0, 61, WZP_REPLAYED},
      {1, 20, 62, WZP_REPLAYED}}},
    {"one-lost",
     60,
     101,
     "p0@60! l1@80>2+20 p2@100",
     {.played = 2, .lost = 1, .concealed = 1},
     {IN(0, 0, 0), IN(2, 40, 40)}},
    {"concealed-to-the-next",
     200,
     361,
     "p0@200! l1@220>8+140 l2@240>8+120 l3@260>8+100 l4@280>8+80 l5@300>8+60 l6@320>8+40 "
     "l7@340>8+20 "
     "p8@360!",
     {.played = 2, .lost = 7, .concealed = 7},
     {IN(0, 0, 0), IN(8, 160, 160)}},
    {"too-far-to-be-concealed",
     200,
     601,
     "p0@200! l1@220 l2@240 l3@260 l4@280 l5@300 l6@320 "
     "s20@340 s20@360 s20@380 s20@400 s20@420 s20@440 s20@460 s20@480 s20@500 s20@520 s20@540 "
     "s20@560 s20@580 p20@600!",
     {.played = 2, .lost = 19, .concealed = 6, .silence = 260 * MS},
     {IN(0, 0, 0), IN(20, 400, 400)}},
    {"late-is-dropped",
     60,
     101,
     "p0@60! l1@80>2+20 p2@100",
     {.played = 2, .lost = 1, .late = 1, .concealed = 1},
     {IN(0, 0, 0), IN(2, 40, 40), {1, 20, 81, WZP_TOO_OLD}}},
    {"just-in-time",
     60,
     101,
     "p0@60! p1@80 p2@100",
     {.played = 3, .reordered = 1},
     {IN(0, 0, 0), IN(2, 40, 40), IN(1, 20, 80)}},
    {"sixteen-bit-wrap-is-nothing",
     60,
     101,
     "p65535@60! p65536@80 p65537@100",
     {.played = 3, .reordered = 1},
     {IN(65535, 0, 0), IN(65537, 40, 40), IN(65536, 20, 41)}},
    {"no-media-time",
     60,
     131,
     "p10@65! p11@85 p12@105 l13@125",
     {.played = 3, .reordered = 1, .concealed = 1},
     {IN(10, UNKNOWN, 5), IN(12, UNKNOWN, 46), IN(11, UNKNOWN, 47)}},
    {"media-time-learnt-later-shifts-nothing",
     60,
     125,
     "p10@65! p11@85 p12@105 p13@125",
     {.played = 4},
     {IN(10, UNKNOWN, 5), IN(11, UNKNOWN, 25), IN(12, 7040, 45), IN(13, 7060, 65)}},
    /* the sender is silent: 120 ms concealed, then silence; its next frame is on time at once */
    {"talk-pause",
     40,
     441,
     "p0@40! l1@60 l2@80 l3@100 l4@120 l5@140 l6@160 s20@180 s20@200 s20@220 s20@240 s20@260 "
     "s20@280 s20@300 s20@320 s20@340 s20@360 s20@380 s20@400 s20@420 p1@440!",
     {.played = 2, .concealed = 6, .silence = 260 * MS},
     {IN(0, 0, 0), IN(1, 400, 400)}},
    {"talk-pause-without-media-time",
     40,
     261,
     "p0@40! l1@60 l2@80 l3@100 l4@120 l5@140 l6@160 s20@180 s20@200 s20@220 p1@240! p2@260",
     {.played = 3, .concealed = 6, .silence = 60 * MS},
     {IN(0, UNKNOWN, 0), IN(1, UNKNOWN, 203), IN(2, UNKNOWN, 220)}},
    /* the network stops and then brings all at once: only what is still of use is played */
    {"outage-with-a-burst-behind",
     40,
     301,
     "p0@40! l1@60 l2@80 l3@100 l4@120 l5@140 l6@160 s20@180 s20@200 s20@220 p10@240! p11@260 "
     "p12@280 p13@300",
     {.played = 5, .lost = 9, .concealed = 6, .late = 3, .silence = 60 * MS},
     {IN(0, 0, 0),
      {7, 140, 221, WZP_TOO_OLD},
      {8, 160, 222, WZP_TOO_OLD},
      {9, 180, 223, WZP_TOO_OLD},
      IN(10, 200, 224),
      IN(11, 220, 225),
      IN(12, 240, 240),
      IN(13, 260, 260)}},
    {"restart-of-numbers",
     60,
     141,
     "p5000@60! p5001@80 p7@100! p8@120 p9@140",
     {.played = 5, .restarts = 1},
     {IN(5000, 90000, 0), IN(5001, 90020, 20), IN(7, 0, 40), IN(8, 20, 60), IN(9, 40, 80)}},
    {"jump-of-media-time",
     60,
     121,
     "p0@60! p1@80 p2@100! p3@120",
     {.played = 4, .restarts = 1},
     {IN(0, 0, 0), IN(1, 20, 20), IN(2, 60000, 40), IN(3, 60020, 60)}},
    /* a shorter way: what is queued moves up in one jump */
    {"shorter-way",
     100,
     421,
     "p0@300! p1@320 d2 d3 d4 d5 p6@341! p7@361 p8@381 p9@401 p10@421",
     {.played = 7, .late = 4, .lost = 4, .reordered = 3},
     {IN(0, 0, 200), IN(1, 20, 220), IN(2, 40, 240), IN(3, 60, 260), IN(4, 80, 280),
      IN(5, 100, 300), IN(9, 180, 301), IN(6, 120, 320), IN(10, 200, 321), IN(7, 140, 340),
      IN(8, 160, 360)}},
};

static void
assert_stats(const WzpJitterStats *got, const WzpJitterStats *expected)
{
  g_assert_cmpuint(got->played, ==, expected->played);
  g_assert_cmpuint(got->lost, ==, expected->lost);
  g_assert_cmpuint(got->concealed, ==, expected->concealed);
  g_assert_cmpuint(got->late, ==, expected->late);
  g_assert_cmpuint(got->duplicate, ==, expected->duplicate);
  g_assert_cmpuint(got->reordered, ==, expected->reordered);
  g_assert_cmpuint(got->restarts, ==, expected->restarts);
  g_assert_cmpuint(got->overflow, ==, expected->overflow);
  g_assert_cmpint(got->silence, ==, expected->silence);
}

static void
test_case(gconstpointer data)
{
  const Case *test = data;
  WzpJitter *jitter = wzp_jitter_new(test->latency * MS, 64);
  GString *words = g_string_new(NULL);
  int64_t now = 0;

  for (unsigned i = 0; i < G_N_ELEMENTS(test->steps); i++) {
    const Step *step = &test->steps[i];
    if (i > 0 && step->index == 0 && step->arrival == 0)
      break;
    play_until(jitter, &now, step->arrival * MS, words);
    WzpJitterFrame frame = frame_of(step);
    g_assert_cmpstr(wzp_result_name(wzp_jitter_push(jitter, &frame, NULL)), ==,
                    wzp_result_name(step->expected));
  }
  play_until(jitter, &now, test->end * MS, words);
  /* the end itself is included */
  for (;;) {
    WzpJitterOutput output = wzp_jitter_poll(jitter, now);
    if (output.action == WZP_JITTER_WAIT)
      break;
    put_word(words, &output);
  }
  g_assert_cmpstr(words->str, ==, test->expected);
  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  assert_stats(&stats, &test->stats);
  g_string_free(words, TRUE);
  wzp_jitter_free(jitter);
}

/* The way gets 300 ms longer in the middle, for good: half a second of loss, then the call goes on. */
static void
test_longer_way(void)
{
  WzpJitter *jitter = wzp_jitter_new(60 * MS, 512);
  int64_t now = 0;
  unsigned since_change = 0;
  for (unsigned i = 0; i < 500; i++) {
    int64_t arrival = i * FRAME + (i < 250 ? 50 : 350) * MS;
    GString *words = g_string_new(NULL);
    play_until(jitter, &now, arrival, words);
    g_string_free(words, TRUE);
    WzpJitterFrame frame = {
        .index = i, .media_time = i * FRAME, .duration = FRAME, .arrival = arrival, .id = i};
    WzpResult result = wzp_jitter_push(jitter, &frame, NULL);
    if (result != WZP_OK) {
      g_assert_cmpint(result, ==, WZP_TOO_OLD);
      since_change++;
    }
  }
  g_assert_cmpuint(since_change, <=, 26);
  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpuint(stats.restarts, ==, 1);
  g_assert_cmpuint(stats.late, ==, since_change);
  g_assert_cmpint(stats.delay, ==, 60 * MS);
  wzp_jitter_free(jitter);
}

static WzpResult
push(WzpJitter *jitter, uint64_t index, int64_t arrival, uint64_t *dropped)
{
  WzpJitterFrame frame = {.index = index,
                          .media_time = (int64_t)index * FRAME,
                          .duration = FRAME,
                          .arrival = arrival,
                          .id = index};
  return wzp_jitter_push(jitter, &frame, dropped);
}

static void
test_overflow(void)
{
  WzpJitter *jitter = wzp_jitter_new(1000 * MS, 3);
  uint64_t dropped = 99;
  g_assert_cmpint(push(jitter, 0, 0, &dropped), ==, WZP_OK);
  g_assert_cmpint(push(jitter, 1, 1, &dropped), ==, WZP_OK);
  g_assert_cmpint(push(jitter, 5, 2, &dropped), ==, WZP_OK);
  g_assert_cmpint(push(jitter, 2, 3, &dropped), ==, WZP_QUEUE_FULL);
  g_assert_cmpuint(dropped, ==, 5);
  g_assert_cmpint(push(jitter, 7, 4, &dropped), ==, WZP_QUEUE_FULL);
  g_assert_cmpuint(dropped, ==, 7);
  g_assert_cmpint(push(jitter, 8, 5, NULL), ==, WZP_QUEUE_FULL);
  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpuint(stats.overflow, ==, 3);
  g_assert_cmpuint(stats.queued, ==, 3);
  wzp_jitter_free(jitter);
}

static void
test_drain(void)
{
  WzpJitter *jitter = wzp_jitter_new(60 * MS, 64);
  push(jitter, 4, 80 * MS, NULL);
  push(jitter, 7, 140 * MS, NULL);
  push(jitter, 5, 150 * MS, NULL);
  GString *words = g_string_new(NULL);
  for (;;) {
    WzpJitterOutput output = wzp_jitter_drain(jitter);
    if (output.action == WZP_JITTER_WAIT) {
      g_assert_cmpint(output.until, ==, INT64_MAX);
      break;
    }
    put_word(words, &output);
  }
  g_assert_cmpstr(words->str, ==, "p4@140! p5@160 l6@180>7+20 p7@200");
  g_string_free(words, TRUE);
  wzp_jitter_free(jitter);
}

/* The timeline stands still when the latency changes; only when it is played moves. */
static void
test_change_latency(void)
{
  WzpJitter *jitter = wzp_jitter_new(60 * MS, 64);
  for (unsigned i = 0; i < 4; i++)
    push(jitter, i, i * FRAME, NULL);
  WzpJitterOutput first = wzp_jitter_poll(jitter, 60 * MS);
  g_assert_cmpint(first.time, ==, 0);
  g_assert_cmpint(first.due, ==, 60 * MS);

  wzp_jitter_set_latency(jitter, 200 * MS);
  WzpJitterOutput wait = wzp_jitter_poll(jitter, 80 * MS);
  g_assert_cmpint(wait.action, ==, WZP_JITTER_WAIT);
  g_assert_cmpint(wait.until, ==, 220 * MS);

  wzp_jitter_set_latency(jitter, 0);
  WzpJitterOutput second = wzp_jitter_poll(jitter, 80 * MS);
  g_assert_cmpint(second.action, ==, WZP_JITTER_PLAY);
  g_assert_cmpint(second.time, ==, first.time + FRAME);
  g_assert_cmpint(second.due, ==, 20 * MS);
  wzp_jitter_free(jitter);
}

static void
test_reset(void)
{
  WzpJitter *jitter = wzp_jitter_new(60 * MS, 64);
  push(jitter, 100, 0, NULL);
  g_assert_cmpint(wzp_jitter_poll(jitter, 60 * MS).action, ==, WZP_JITTER_PLAY);
  wzp_jitter_reset(jitter);
  g_assert_cmpint(wzp_jitter_poll(jitter, 10000 * MS).until, ==, INT64_MAX);
  g_assert_cmpint(push(jitter, 100, 10000 * MS, NULL), ==, WZP_OK);
  WzpJitterOutput output = wzp_jitter_poll(jitter, 10060 * MS);
  g_assert_cmpint(output.action, ==, WZP_JITTER_PLAY);
  g_assert_true(output.discont);
  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpuint(stats.played, ==, 2);
  g_assert_cmpuint(stats.restarts, ==, 0);
  wzp_jitter_free(jitter);
}

static void
test_no_duration(void)
{
  WzpJitter *jitter = wzp_jitter_new(60 * MS, 64);
  WzpJitterFrame frame = {.index = 1, .media_time = 0};
  g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_MALFORMED);
  wzp_jitter_free(jitter);
}

/* Repair brings every tenth frame, late: first in time, then too late, for seconds. Neither the playout point nor
 * the picture of the way moves by that. */
static void
test_recovered(void)
{
  WzpJitter *jitter = wzp_jitter_new(60 * MS, 64);
  WzpJitterStats stats;
  int64_t now = 0;
  unsigned played = 0, lost = 0;
  for (unsigned i = 0; i < 2000; i++) {
    int64_t sent = i * FRAME, repaired = i < 1000 ? 50 * MS : 90 * MS;
    bool missing = i % 10 == 5;
    WzpJitterFrame own = {
        .index = i, .media_time = sent, .duration = FRAME, .arrival = sent, .id = i};
    /* what was lost some frames ago comes back between two frames */
    unsigned back = (unsigned)(repaired / FRAME);
    if (i >= back && (i - back) % 10 == 5) {
      WzpJitterFrame recovered = own;
      recovered.index = recovered.id = i - back;
      recovered.media_time = (int64_t)(i - back) * FRAME;
      recovered.recovered = true;
      recovered.arrival = recovered.media_time + repaired;
      WzpResult result = wzp_jitter_push(jitter, &recovered, NULL);
      g_assert_cmpint(result, ==, back == 2 ? WZP_OK : WZP_TOO_OLD);
    }
    if (!missing)
      g_assert_cmpint(wzp_jitter_push(jitter, &own, NULL), ==, WZP_OK);
    WzpJitterOutput output;
    while ((output = wzp_jitter_poll(jitter, now = sent)).action != WZP_JITTER_WAIT) {
      g_assert_cmpint(output.due, ==, output.time + 60 * MS);
      g_assert_cmpint(output.time % FRAME, ==, 0);
      played += output.action == WZP_JITTER_PLAY;
      lost += output.action == WZP_JITTER_LOST;
    }
  }
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpuint(stats.recovered, ==, 100);
  g_assert_cmpuint(stats.recovered_late, ==, 100);
  g_assert_cmpuint(stats.played, ==, played);
  g_assert_cmpuint(stats.lost, ==, 100);
  g_assert_cmpuint(lost, ==, 100);
  g_assert_cmpuint(stats.late + stats.reordered + stats.restarts + stats.duplicate, ==, 0);
  g_assert_cmpint(stats.delay, ==, 60 * MS);
  g_assert_cmpint(stats.playout, ==, 60 * MS);
  wzp_jitter_free(jitter);
}

/* What the network's jitter takes of the latency is not left for repair. */
static void
test_playout(void)
{
  WzpJitter *jitter = wzp_jitter_new(100 * MS, 64);
  WzpJitterStats stats;
  for (unsigned i = 0; i < 500; i++) {
    int64_t media = i * FRAME, arrival = media + (i % 2) * 40 * MS;
    WzpJitterFrame frame = {
        .index = i, .media_time = media, .duration = FRAME, .arrival = arrival, .id = i};
    while (wzp_jitter_poll(jitter, media).action != WZP_JITTER_WAIT)
      ;
    g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
  }
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpint(stats.playout, >=, 78 * MS);
  g_assert_cmpint(stats.playout, <=, 82 * MS);
  wzp_jitter_set_latency(jitter, 10 * MS);
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpint(stats.playout, ==, 0);
  wzp_jitter_free(jitter);
}

/* Anything may come in any order: what goes out is in order, without holes, and each id leaves once. */
static void
test_random(void)
{
  TestRandom random;
  test_random_init(&random);
  for (unsigned round = 0; round < 200; round++) {
    WzpJitter *jitter = wzp_jitter_new((int64_t)test_random_below(&random, 200) * MS, 32);
    wzp_jitter_set_lead(jitter, (int64_t)test_random_below(&random, 150) * MS);
    GHashTable *inside = g_hash_table_new(g_direct_hash, g_direct_equal);
    int64_t now = 0;
    for (unsigned i = 1; i < 500; i++) {
      now += (int64_t)test_random_below(&random, 30) * MS;
      unsigned far = test_random_below(&random, 50) == 0 ? 100000 : 20;
      WzpJitterFrame frame = {.index = i + test_random_below(&random, far),
                              .duration = (int64_t)(1 + test_random_below(&random, 3)) * FRAME,
                              .arrival = now,
                              .id = i,
                              .recovered = test_random_below(&random, 5) == 0};
      bool timed = test_random_below(&random, 2) == 0;
      frame.media_time = timed ? (int64_t)(i + test_random_below(&random, far)) * FRAME : -1;
      uint64_t dropped = 0;
      WzpResult result = wzp_jitter_push(jitter, &frame, &dropped);
      if (result == WZP_OK || result == WZP_QUEUE_FULL)
        g_assert_true(g_hash_table_add(inside, GUINT_TO_POINTER(i)));
      if (result == WZP_QUEUE_FULL)
        g_assert_true(g_hash_table_remove(inside, GUINT_TO_POINTER((guint)dropped)));
      WzpJitterOutput output;
      unsigned outputs = 0;
      while ((output = wzp_jitter_poll(jitter, now)).action != WZP_JITTER_WAIT) {
        if (output.action == WZP_JITTER_PLAY || output.action == WZP_JITTER_DROP)
          g_assert_true(g_hash_table_remove(inside, GUINT_TO_POINTER((guint)output.id)));
        else
          g_assert_cmpint(output.duration, >, 0);
        g_assert_cmpuint(outputs++, <, 1000);
      }
      g_assert_cmpint(output.until, >, now);
    }
    WzpJitterOutput output;
    while ((output = wzp_jitter_drain(jitter)).action != WZP_JITTER_WAIT) {
      if (output.action == WZP_JITTER_PLAY || output.action == WZP_JITTER_DROP)
        g_assert_true(g_hash_table_remove(inside, GUINT_TO_POINTER((guint)output.id)));
    }
    g_assert_cmpuint(g_hash_table_size(inside), ==, 0);
    g_hash_table_unref(inside);
    wzp_jitter_free(jitter);
  }
}

/* The sender says that he is silent: nothing is concealed. A word whose beginning he held back comes late, and that moves
 * neither the playout nor what is thought of the way. */
static void
test_said_silence(void)
{
  WzpJitter *jitter = wzp_jitter_new(80 * MS, 64);
  GString *words = g_string_new(NULL);
  int64_t now = 0;
  for (unsigned n = 0; n < 3; n++) {
    WzpJitterFrame frame = {.index = n,
                            .media_time = n * FRAME,
                            .duration = FRAME,
                            .arrival = n * FRAME,
                            .id = n,
                            .silence = n == 2};
    g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
  }
  play_until(jitter, &now, 360 * MS, words);
  for (unsigned n = 3; n < 7; n++) { /* from 300 ms on, and there at 360 */
    WzpJitterFrame frame = {.index = n,
                            .media_time = 300 * MS + (n - 3) * FRAME,
                            .duration = FRAME,
                            .arrival = 360 * MS,
                            .id = n,
                            .held_back = n < 6};
    g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
  }
  play_until(jitter, &now, 460 * MS, words);
  g_assert_cmpstr(words->str, ==,
                  "p0@80! p1@100 p2@120 s20@140 s20@160 s20@180 s20@200 s20@220 s20@240 s20@260 "
                  "s20@280 s20@300 s20@320 s20@340 s20@360 p3@380! p4@400 p5@420 p6@440");
  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpuint(stats.concealed, ==, 0);
  g_assert_cmpuint(stats.lost, ==, 0);
  g_assert_cmpint(stats.playout, ==, 80 * MS); /* the way never took longer */
  g_string_free(words, TRUE);
  wzp_jitter_free(jitter);
}

/* What goes on is put out ahead; what may still come is waited for until its turn. */
static void
test_lead(void)
{
  static const struct {
    uint64_t index;
    int64_t at, due; /* ms */
    WzpJitterAction action;
  } expected[] = {
      {0, 100, 100, WZP_JITTER_PLAY}, /* nobody knows yet how fast the way can be */
      {1, 100, 120, WZP_JITTER_PLAY}, {2, 100, 140, WZP_JITTER_PLAY},
      {3, 150, 160, WZP_JITTER_PLAY}, /* as soon as it is there */
      {4, 150, 180, WZP_JITTER_PLAY}, {5, 150, 200, WZP_JITTER_PLAY},
      {6, 170, 220, WZP_JITTER_PLAY}, {7, 240, 240, WZP_JITTER_LOST},
  };
  WzpJitter *jitter = wzp_jitter_new(100 * MS, 64);
  int64_t now = 0;
  wzp_jitter_set_lead(jitter, 50 * MS);
  wzp_jitter_reset(jitter); /* which keeps it */
  for (unsigned n = 0; n < 7; n++)
    if (n != 3) {
      WzpJitterFrame frame = {
          .index = n, .media_time = n * FRAME, .duration = FRAME, .arrival = n * FRAME, .id = n};
      g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
    }
  for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
    WzpJitterOutput output;
    while ((output = wzp_jitter_poll(jitter, now)).action == WZP_JITTER_WAIT) {
      g_assert_cmpint(output.until, >, now);
      now = output.until;
      if (i == 3) {
        WzpJitterFrame frame = {.index = 3,
                                .media_time = 3 * FRAME,
                                .duration = FRAME,
                                .arrival = 150 * MS,
                                .id = 3,
                                .recovered = true};
        g_assert_cmpint(now, ==, 160 * MS); /* its turn */
        now = 150 * MS;
        g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
      }
    }
    g_assert_cmpint(output.action, ==, expected[i].action);
    g_assert_cmpuint(output.index, ==, expected[i].index);
    g_assert_cmpint(output.due, ==, expected[i].due * MS);
    g_assert_cmpint(now, ==, expected[i].at * MS);
  }
  wzp_jitter_free(jitter);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    char *path = g_strdup_printf("/jitter/table/%s", cases[i].name);
    g_test_add_data_func(path, &cases[i], test_case);
    g_free(path);
  }
  g_test_add_func("/jitter/longer-way", test_longer_way);
  g_test_add_func("/jitter/overflow", test_overflow);
  g_test_add_func("/jitter/drain", test_drain);
  g_test_add_func("/jitter/change-latency", test_change_latency);
  g_test_add_func("/jitter/reset", test_reset);
  g_test_add_func("/jitter/no-duration", test_no_duration);
  g_test_add_func("/jitter/recovered", test_recovered);
  g_test_add_func("/jitter/playout", test_playout);
  g_test_add_func("/jitter/random", test_random);
  g_test_add_func("/jitter/said-silence", test_said_silence);
  g_test_add_func("/jitter/lead", test_lead);
  return g_test_run();
}
