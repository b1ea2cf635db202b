/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/jitter.h"

#define MS INT64_C(1000000)
#define FRAME (20 * MS)
#define PERIOD (8 * MS) /* what the decoder takes out or puts in */

/* A call in virtual time: frames are given with their arrival, playout wakes exactly when it asks to. */
typedef struct {
  WzpJitter *jitter;
  int64_t now, end, credit; /* end: of what was put out */
  bool stretches;
  uint64_t played;
  int64_t filled; /* ns of LOST and SILENCE */
  int64_t behind; /* of the last played frame: due - media */
  int64_t last_fill;
  int64_t next, next_due; /* what the last LOST knew to come next; -1: nothing */
} Call;

static void
call_init(Call *call)
{
  *call = (Call){
      .jitter = wzp_jitter_new(WZP_JITTER_ADAPTIVE, 512), .end = -1, .stretches = true, .next = -1};
}

static WzpJitterStats
call_stats(const Call *call)
{
  WzpJitterStats stats;
  wzp_jitter_get_stats(call->jitter, &stats);
  return stats;
}

static void
take(Call *call, const WzpJitterOutput *output)
{
  if (output->action == WZP_JITTER_DROP)
    return;
  /* no hole, no overlap */
  if (call->end >= 0)
    g_assert_cmpint(output->due, ==, call->end);
  g_assert_cmpint(output->due, <=, call->now);
  g_assert_cmpint(output->duration, >, 0);
  call->end = output->due + output->duration;
  if (output->action != WZP_JITTER_PLAY) {
    call->filled += output->duration;
    call->last_fill = output->due;
    if (output->action == WZP_JITTER_LOST) {
      g_assert_cmpint(output->ahead == 0 || output->ahead >= output->duration, ==, true);
      call->next = output->ahead > 0 ? (int64_t)output->id : -1;
      call->next_due = output->due + output->ahead;
    }
    return;
  }
  call->played++;
  call->behind = output->due - (int64_t)output->id;
  call->credit = MIN(call->credit + output->duration / 4, 2 * PERIOD);
  bool longer = output->stretch > 0, shorter = output->stretch <= -PERIOD;
  if (!call->stretches || call->credit < PERIOD || !(longer || shorter))
    return;
  call->credit -= PERIOD;
  wzp_jitter_stretched(call->jitter, longer ? PERIOD : -PERIOD);
  call->end += longer ? PERIOD : -PERIOD;
}

static void
run_until(Call *call, int64_t end)
{
  for (;;) {
    WzpJitterOutput output = wzp_jitter_poll(call->jitter, call->now);
    if (output.action != WZP_JITTER_WAIT) {
      take(call, &output);
      continue;
    }
    g_assert_cmpint(output.until, >, call->now);
    if (output.until >= end)
      break;
    call->now = output.until;
  }
  call->now = end;
}

static WzpResult
come(Call *call, uint64_t index, int64_t media, int64_t arrival)
{
  WzpJitterFrame frame = {.index = index,
                          .media_time = media,
                          .duration = FRAME,
                          .arrival = arrival,
                          .id = (uint64_t)media};
  run_until(call, arrival);
  return wzp_jitter_push(call->jitter, &frame, NULL);
}

/* Comfort noise, on time. */
static void
fall_silent(Call *call, uint64_t index, int64_t media)
{
  WzpJitterFrame comfort = {.index = index,
                            .media_time = media,
                            .duration = FRAME,
                            .arrival = media,
                            .id = (uint64_t)media,
                            .silence = true};
  run_until(call, media);
  g_assert_cmpint(wzp_jitter_push(call->jitter, &comfort, NULL), ==, WZP_OK);
}

/* n frames from index on, on time. */
static void
talk(Call *call, uint64_t index, unsigned n)
{
  for (uint64_t i = index; i < index + n; i++)
    g_assert_cmpint(come(call, i, (int64_t)i * FRAME, (int64_t)i * FRAME), ==, WZP_OK);
}

static void
call_clear(Call *call)
{
  wzp_jitter_free(call->jitter);
}

static void
test_quiet_network(void)
{
  Call call;
  call_init(&call);
  talk(&call, 0, 1000);
  g_assert_cmpint(call.filled, ==, 0);
  g_assert_cmpint(call.behind, <=, 12 * MS);
  g_assert_cmpuint(call_stats(&call).lost + call_stats(&call).concealed, ==, 0);
  g_assert_cmpint(call_stats(&call).latency, <=, 12 * MS);
  call_clear(&call);
}

/* Half a second nothing, then all at once: the newest is played, and soon the delay is as before. */
static void
test_stall(void)
{
  Call call;
  call_init(&call);
  talk(&call, 0, 500);
  int64_t before = call.behind;
  for (uint64_t i = 500; i < 525; i++)
    come(&call, i, (int64_t)i * FRAME, 525 * FRAME);
  int64_t back = -1;
  for (uint64_t i = 525; i < 800; i++) {
    come(&call, i, (int64_t)i * FRAME, (int64_t)i * FRAME);
    if (back < 0 && call.behind <= MAX(call_stats(&call).latency, before) + FRAME)
      back = call.now;
  }
  g_assert_cmpint(back, >=, 0);
  g_assert_cmpint(back - 525 * FRAME, <=, 1500 * MS);
  g_assert_cmpint(call.filled, <=, 500 * MS + FRAME);
  g_assert_cmpuint(call_stats(&call).lost, <=, 26);
  g_assert_cmpuint(call_stats(&call).skipped, >, 10);
  call_clear(&call);
}

static void
test_duplicates(void)
{
  Call call;
  call_init(&call);
  for (uint64_t i = 0; i < 500; i++) {
    g_assert_cmpint(come(&call, i, (int64_t)i * FRAME, (int64_t)i * FRAME), ==, WZP_OK);
    g_assert_cmpint(come(&call, i, (int64_t)i * FRAME, (int64_t)i * FRAME + MS), ==, WZP_REPLAYED);
    if (i >= 3)
      g_assert_cmpint(come(&call, i - 3, (int64_t)(i - 3) * FRAME, (int64_t)i * FRAME + 2 * MS), ==,
                      WZP_REPLAYED);
  }
  g_assert_cmpint(call.filled, ==, 0);
  g_assert_cmpuint(call_stats(&call).duplicate, ==, 997);
  g_assert_cmpint(call.behind, <=, 12 * MS);
  call_clear(&call);
}

/* Each eight frames come in a random order, with the last of them. */
static void
test_reordering(void)
{
  Call call;
  TestRandom random;
  test_random_init(&random);
  call_init(&call);
  int64_t filled = 0;
  for (uint64_t block = 0; block < 200; block++) {
    uint64_t order[8];
    for (unsigned i = 0; i < 8; i++) {
      unsigned at = test_random_below(&random, i + 1);
      order[i] = order[at];
      order[at] = block * 8 + i;
    }
    for (unsigned i = 0; i < 8; i++)
      come(&call, order[i], (int64_t)order[i] * FRAME,
           (int64_t)(block * 8 + 7) * FRAME + i * (MS / 10));
    if (block == 20)
      filled = call.filled; /* learnt */
  }
  g_assert_cmpint(call.filled, ==, filled);
  g_assert_cmpint(call.behind, <=, 200 * MS);
  call_clear(&call);
}

/* The sender says that it falls silent, and speaks again after half a minute, twice. */
static void
test_silence(void)
{
  Call call;
  call_init(&call);
  int64_t media = 0;
  uint64_t index = 0;
  for (unsigned turn = 0; turn < 3; turn++) {
    for (unsigned i = 0; i < 100; i++, index++, media += FRAME)
      g_assert_cmpint(come(&call, index, media, media), ==, WZP_OK);
    fall_silent(&call, index++, media);
    media += 30000 * MS;
  }
  WzpJitterStats stats = call_stats(&call);
  g_assert_cmpuint(stats.concealed, ==, 0);
  g_assert_cmpuint(stats.lost, ==, 0);
  g_assert_cmpuint(call.played, ==, 302);
  g_assert_cmpint(stats.silence, >=, 59 * 1000 * MS);
  g_assert_cmpint(call.behind, <=, 20 * MS);
  g_assert_cmpint(stats.latency, <=, 12 * MS);
  call_clear(&call);
}

/* How a word begins comes 60 ms late, since only then it was known for one. The whole word is played with that delay, and not
 * stretched; the next word, which is heard at once, without. */
static void
test_held_back(void)
{
  Call call;
  call_init(&call);
  int64_t media = 0;
  uint64_t index = 0;
  for (unsigned word = 0; word < 5; word++) {
    const unsigned held = word == 4 ? 0 : 3;
    const uint64_t stretched = call_stats(&call).stretched;
    for (unsigned i = 0; i < 100; i++, index++, media += FRAME) {
      WzpJitterFrame frame = {.index = index,
                              .media_time = media,
                              .duration = FRAME,
                              .arrival = media + (i < held ? held - i : 0) * FRAME,
                              .id = (uint64_t)media,
                              .held_back = i < 3};
      run_until(&call, frame.arrival);
      g_assert_cmpint(wzp_jitter_push(call.jitter, &frame, NULL), ==, WZP_OK);
      if (word > 0 && i >= 10 && held > 0) { /* noise goes out a frame at a time */
        g_assert_cmpint(call.behind, >=, 60 * MS);
        g_assert_cmpint(call.behind, <, 60 * MS + FRAME);
      }
    }
    if (word > 0)
      g_assert_cmpuint(call_stats(&call).stretched, ==, stretched);
    if (held == 0)
      g_assert_cmpint(call.behind, <=, 20 * MS);
    fall_silent(&call, index++, media);
    media += 1000 * MS;
  }
  g_assert_cmpuint(call_stats(&call).concealed, ==, 0);
  g_assert_cmpint(call_stats(&call).latency, <=, 12 * MS); /* the way has not become longer */
  call_clear(&call);
}

/* A new stream's numbers and times, and numbers beyond 16 and 32 bits. */
static void
test_restart(void)
{
  Call call;
  call_init(&call);
  uint64_t index = 0xffff0;
  for (unsigned turn = 0; turn < 4; turn++) {
    for (unsigned i = 0; i < 200; i++) {
      int64_t arrival = (int64_t)(turn * 200 + i) * FRAME;
      g_assert_cmpint(come(&call, index + i, (int64_t)i * FRAME + turn * 90000 * MS, arrival), ==,
                      WZP_OK);
    }
    index = turn == 0 ? UINT64_C(0xffffffe0) : turn == 1 ? 0 : 100000;
  }
  g_assert_cmpint(call.filled, ==, 0);
  g_assert_cmpuint(call.played, >=, 799);
  g_assert_cmpuint(call_stats(&call).restarts, ==, 3);
  g_assert_cmpuint(call_stats(&call).lost, ==, 0);
  call_clear(&call);
}

/* The delay is never above max-latency, and what cannot be played in it is not waited for. */
static void
test_max_latency(void)
{
  Call call;
  TestRandom random;
  test_random_init(&random);
  call_init(&call);
  wzp_jitter_set_max_latency(call.jitter, 100 * MS);
  wzp_jitter_set_round_trip(call.jitter, 0);
  for (uint64_t i = 0; i < 3000; i++) {
    int64_t late = i % 400 >= 350 ? 300 * MS : test_random_below(&random, 150) * MS;
    if (i == 0)
      late = 0; /* the way is known */
    come(&call, i, (int64_t)i * FRAME, (int64_t)i * FRAME + late);
    g_assert_cmpint(call.behind, <=, 102 * MS); /* drift is estimated */
    g_assert_cmpint(call_stats(&call).latency, <=, 100 * MS);
  }
  g_assert_cmpuint(call_stats(&call).late, >, 0);
  call_clear(&call);
}

/* Half an hour, the sender's clock a thousandth slow or fast. */
static void
test_drift(void)
{
  for (int ppm = -1000; ppm <= 1000; ppm += 2000) {
    Call call;
    TestRandom random;
    test_random_init(&random);
    call_init(&call);
    for (uint64_t i = 0; i < 90000; i++) {
      int64_t sent = (int64_t)i * FRAME;
      int64_t arrival = 2000 * MS + sent + sent / 1000000 * ppm;
      come(&call, i, sent, arrival + (int64_t)test_random_below(&random, 20000) * 1000);
      if (i > 3000)
        g_assert_cmpint(call.behind + sent - (int64_t)i * FRAME, <=, arrival - sent + 60 * MS);
    }
    g_assert_cmpint(call.filled, <=, 1800 * MS); /* 0.1 % */
    g_assert_cmpuint(call_stats(&call).restarts, ==, 0);
    call_clear(&call);
  }
}

/* A tenth is lost and comes back 60 ms later: nearly all of it is played. Where it is known that nothing will come
 * back, nothing waits. */
static void
test_repair(void)
{
  Call call;
  call_init(&call);
  uint64_t recovered = 0;
  for (uint64_t i = 0; i < 8000; i++) {
    int64_t media = (int64_t)i * FRAME;
    if (i % 10 != 4)
      come(&call, i, media, media);
    if (i % 10 == 7) {
      WzpJitterFrame frame = {.index = i - 3,
                              .media_time = media - 3 * FRAME,
                              .duration = FRAME,
                              .arrival = media,
                              .id = (uint64_t)(media - 3 * FRAME),
                              .recovered = true};
      recovered += wzp_jitter_push(call.jitter, &frame, NULL) == WZP_OK;
    }
  }
  g_assert_cmpuint(recovered, >=, 780);
  g_assert_cmpuint(call_stats(&call).recovered, >=, 780);
  g_assert_cmpuint(call_stats(&call).concealed, <=, 20);
  g_assert_cmpint(call.behind, <=, 100 * MS);
  g_assert_cmpint(call_stats(&call).playout, >=, 90 * MS);
  call_clear(&call);
}

/* What was filled while nothing was there counts for the hole that it turns out to be. */
static void
test_hole(void)
{
  Call call;
  call_init(&call);
  talk(&call, 0, 500);
  int64_t behind = call.behind;
  g_assert_cmpint(call.filled, ==, 0);
  come(&call, 501, 501 * FRAME, 500 * FRAME + behind + 8 * MS);
  g_assert_cmpint(call.filled, >, 0); /* it was not known before that there is a hole */
  g_assert_cmpint(call.filled, <, FRAME);
  run_until(&call, 501 * FRAME + behind + MS);
  g_assert_cmpuint(call.played, ==, 501);
  g_assert_cmpint(call.filled, ==, FRAME);
  g_assert_cmpint(call.behind, ==, behind);
  /* and the rest of it was filled knowing what comes behind it */
  g_assert_cmpint(call.next, ==, 501 * FRAME);
  g_assert_cmpint(call.next_due, ==, 501 * FRAME + behind);
  call_clear(&call);
}

/* Of packets of two frames eight get lost, which held one each: so what comes behind them is counted eight frames too far, and
 * says no media time. It is not played as late as that, and nothing behind it. */
static void
test_counted_too_far(void)
{
  const int64_t way = 50 * MS;
  Call call;
  call_init(&call);
  for (uint64_t i = 0; i < 500; i++)
    come(&call, i, (int64_t)i * FRAME, (int64_t)i * FRAME + way);
  int64_t behind = call.behind, latency = call_stats(&call).latency;
  for (uint64_t i = 508; i < 513; i++) {
    int64_t sent = (int64_t)i * FRAME;
    WzpJitterFrame frame = {.index = i + 8,
                            .media_time = -1,
                            .duration = FRAME,
                            .arrival = sent + way,
                            .id = (uint64_t)sent};
    run_until(&call, frame.arrival);
    g_assert_cmpint(wzp_jitter_push(call.jitter, &frame, NULL), ==, WZP_OK);
  }
  uint64_t played = call.played;
  for (uint64_t i = 513; i < 600; i++)
    come(&call, i + 8, (int64_t)i * FRAME, (int64_t)i * FRAME + way);
  g_assert_cmpint(call.behind, <=, behind + PERIOD);
  g_assert_cmpint(call_stats(&call).latency, <=, latency + 10 * MS);
  g_assert_cmpuint(call.played - played, >=, 85);
  call_clear(&call);
}

/* One frame in twenty is overtaken by seven. On a long way it is not waited for; the way becomes short, and the target is above
 * what playout keeps: it gets there by waiting for the next one, but not if that is hopeless. */
static void
test_hopeless(void)
{
  const uint64_t last = 3001; /* behind a frame that is missing yet */
  int64_t waits[2];
  for (unsigned hopeless = 0; hopeless < 2; hopeless++) {
    Call call;
    call_init(&call);
    call.stretches = false;
    wzp_jitter_set_round_trip(call.jitter, 1000 * MS);
    for (uint64_t i = 1; i <= last; i++) {
      if (i == last - 10)
        wzp_jitter_set_round_trip(call.jitter, 20 * MS);
      if (i % 20 != 0)
        come(&call, i, (int64_t)i * FRAME, (int64_t)i * FRAME);
      if (i > 8 && i % 20 == 8)
        come(&call, i - 8, (int64_t)(i - 8) * FRAME, (int64_t)i * FRAME);
    }
    g_assert_cmpint(call_stats(&call).latency, >=, call.behind + 20 * MS);
    int64_t behind = call.behind;
    if (hopeless)
      wzp_jitter_hopeless(call.jitter, last - 1);
    run_until(&call, (int64_t)last * FRAME + behind + 200 * MS);
    waits[hopeless] = call.behind - behind;
    call_clear(&call);
  }
  g_test_message("later by %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, waits[0], waits[1]);
  g_assert_cmpint(waits[0], >=, 10 * MS);
  g_assert_cmpint(waits[1], ==, 0);
}

/* Without anybody to stretch, playout moves when it may: in pauses, by what is filled anyway, and by a frame left out
 * where a start behind a late first one left it too late for good. */
static void
test_no_stretch(void)
{
  Call call;
  TestRandom random;
  test_random_init(&random);
  call_init(&call);
  call.stretches = false;
  for (uint64_t i = 0; i < 3000; i++)
    come(&call, i, (int64_t)i * FRAME, (int64_t)i * FRAME + test_random_below(&random, 60) * MS);
  g_assert_cmpint(call.behind, >=, 40 * MS);
  g_assert_cmpint(call.behind, <=, 90 * MS);
  g_assert_cmpint(call.filled, <=, 300 * MS);
  g_assert_cmpuint(call_stats(&call).stretched, ==, 0);
  call_clear(&call);
}

/* What is added to the times outside is not in them; both ways of playing follow each other without a hole. */
static void
test_reported_and_fixed(void)
{
  Call call;
  call_init(&call);
  talk(&call, 0, 100);
  wzp_jitter_set_reported(call.jitter, 30 * MS);
  come(&call, 100, 100 * FRAME, 100 * FRAME);
  run_until(&call, 100 * FRAME + 12 * MS);
  WzpJitterOutput output;
  come(&call, 101, 101 * FRAME, 101 * FRAME);
  do
    output = wzp_jitter_poll(call.jitter, call.now += MS);
  while (output.action == WZP_JITTER_WAIT);
  g_assert_cmpint(output.due - output.time, ==, 30 * MS);
  wzp_jitter_set_latency(call.jitter, 80 * MS);
  g_assert_cmpint(wzp_jitter_latency(call.jitter), ==, 80 * MS);
  unsigned played = 0;
  for (uint64_t i = 102; i < 150; i++) {
    WzpJitterFrame frame = {.index = i,
                            .media_time = (int64_t)i * FRAME,
                            .duration = FRAME,
                            .arrival = (int64_t)i * FRAME,
                            .id = i * (uint64_t)FRAME};
    wzp_jitter_push(call.jitter, &frame, NULL);
    while ((output = wzp_jitter_poll(call.jitter, (int64_t)i * FRAME)).action != WZP_JITTER_WAIT) {
      played += output.action == WZP_JITTER_PLAY;
      if (output.action == WZP_JITTER_PLAY && i > 120)
        g_assert_cmpint(output.due, ==, (int64_t)output.id + 80 * MS);
    }
  }
  g_assert_cmpuint(played, >=, 43);
  wzp_jitter_set_latency(call.jitter, WZP_JITTER_ADAPTIVE);
  call.now = 150 * FRAME;
  call.end = -1;
  talk(&call, 150, 200);
  g_assert_cmpint(call.behind, <=, 12 * MS);
  call_clear(&call);
}

/* Anything may come in any order: the timeline has no holes, and each id leaves once. */
static void
test_random(void)
{
  TestRandom random;
  test_random_init(&random);
  for (unsigned round = 0; round < 100; round++) {
    WzpJitter *jitter = wzp_jitter_new(WZP_JITTER_ADAPTIVE, 32);
    GHashTable *inside = g_hash_table_new(g_direct_hash, g_direct_equal);
    int64_t now = 0, end = -1;
    WzpJitterOutput output;
    for (unsigned i = 1; i < 500; i++) {
      now += (int64_t)test_random_below(&random, 30) * MS;
      unsigned far = test_random_below(&random, 50) == 0 ? 100000 : 20;
      WzpJitterFrame frame = {.index = i + test_random_below(&random, far),
                              .duration = (int64_t)(1 + test_random_below(&random, 3)) * FRAME,
                              .arrival = now,
                              .waited = (int64_t)test_random_below(&random, 4) * FRAME,
                              .id = i,
                              .recovered = test_random_below(&random, 5) == 0,
                              .silence = test_random_below(&random, 20) == 0,
                              .held_back = test_random_below(&random, 20) == 0};
      bool timed = test_random_below(&random, 2) == 0;
      frame.media_time = timed ? (int64_t)(i + test_random_below(&random, far)) * FRAME : -1;
      uint64_t dropped = 0;
      WzpResult result = wzp_jitter_push(jitter, &frame, &dropped);
      if (result == WZP_OK || result == WZP_QUEUE_FULL)
        g_assert_true(g_hash_table_add(inside, GUINT_TO_POINTER(i)));
      if (result == WZP_QUEUE_FULL)
        g_assert_true(g_hash_table_remove(inside, GUINT_TO_POINTER((guint)dropped)));
      if (test_random_below(&random, 10) == 0)
        wzp_jitter_hopeless(jitter, frame.index - 1);
      unsigned outputs = 0;
      while ((output = wzp_jitter_poll(jitter, now)).action != WZP_JITTER_WAIT) {
        g_assert_cmpuint(outputs++, <, 10000);
        if (output.action == WZP_JITTER_PLAY || output.action == WZP_JITTER_DROP)
          g_assert_true(g_hash_table_remove(inside, GUINT_TO_POINTER((guint)output.id)));
        if (output.action == WZP_JITTER_DROP)
          continue;
        if (end >= 0)
          g_assert_cmpint(output.due, ==, end);
        g_assert_cmpint(output.duration, >, 0);
        end = output.due + output.duration;
        int64_t by = output.stretch / 2;
        if (output.action == WZP_JITTER_PLAY && ABS(by) < output.duration) {
          wzp_jitter_stretched(jitter, by);
          end += by;
        }
      }
      g_assert_cmpint(output.until, >, now);
    }
    while ((output = wzp_jitter_drain(jitter)).action != WZP_JITTER_WAIT)
      if (output.action == WZP_JITTER_PLAY || output.action == WZP_JITTER_DROP)
        g_assert_true(g_hash_table_remove(inside, GUINT_TO_POINTER((guint)output.id)));
    g_assert_cmpuint(g_hash_table_size(inside), ==, 0);
    g_hash_table_unref(inside);
    wzp_jitter_free(jitter);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/jitter-adaptive/quiet-network", test_quiet_network);
  g_test_add_func("/jitter-adaptive/stall", test_stall);
  g_test_add_func("/jitter-adaptive/duplicates", test_duplicates);
  g_test_add_func("/jitter-adaptive/reordering", test_reordering);
  g_test_add_func("/jitter-adaptive/silence", test_silence);
  g_test_add_func("/jitter-adaptive/held-back", test_held_back);
  g_test_add_func("/jitter-adaptive/restart", test_restart);
  g_test_add_func("/jitter-adaptive/max-latency", test_max_latency);
  g_test_add_func("/jitter-adaptive/drift", test_drift);
  g_test_add_func("/jitter-adaptive/repair", test_repair);
  g_test_add_func("/jitter-adaptive/hole", test_hole);
  g_test_add_func("/jitter-adaptive/counted-too-far", test_counted_too_far);
  g_test_add_func("/jitter-adaptive/hopeless", test_hopeless);
  g_test_add_func("/jitter-adaptive/no-stretch", test_no_stretch);
  g_test_add_func("/jitter-adaptive/reported-and-fixed", test_reported_and_fixed);
  g_test_add_func("/jitter-adaptive/random", test_random);
  return g_test_run();
}
