/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Playout over whole calls: minutes of a network, and senders that begin anew. */
#include "test-util.h"
#include "wzp/jitter.h"

#define MS INT64_C(1000000)
#define FRAME (20 * MS)

/* A longer call. The network delays each frame by `delay` + 0..jitter, loses some, and the sender's
 * clock runs `ppm` fast or slow; every frame that is played must have waited for latency +- slack. */
typedef struct {
  const char *name;
  int seconds, latency, delay, jitter, loss_percent, ppm;
  bool media_time;
} Call;

static const Call calls[] = {
    {"ten-minutes-ten-percent", 600, 60, 80, 30, 10, 0, true},
    {"ten-minutes-ten-percent-by-number", 600, 60, 80, 30, 10, 0, false},
    {"sender-fast", 600, 60, 80, 20, 10, 300, true},
    {"sender-slow", 600, 60, 80, 20, 10, -300, true},
    {"sender-very-slow", 600, 60, 80, 20, 0, -1000, true},
    {"half-lost", 600, 60, 200, 10, 50, 0, true},
    {"more-jitter-than-latency", 600, 40, 80, 70, 5, 0, true},
};

typedef struct {
  int64_t arrival, sent;
  uint64_t index;
} Arrival;

static int
by_arrival(const void *a, const void *b)
{
  const Arrival *left = a, *right = b;
  return (left->arrival > right->arrival) - (left->arrival < right->arrival);
}

static Arrival *
make_arrivals(const Call *call, unsigned *n)
{
  TestRandom random;
  test_random_init(&random);
  unsigned frames = (unsigned)call->seconds * 50;
  Arrival *arrivals = g_new(Arrival, frames);
  *n = 0;
  for (unsigned i = 0; i < frames; i++) {
    if (test_random_below(&random, 100) < (unsigned)call->loss_percent)
      continue;
    int64_t sent = (int64_t)i * FRAME * (1000000 - call->ppm) / 1000000;
    int64_t way =
        call->delay * MS + (int64_t)test_random_below(&random, call->jitter * 1000 + 1) * 1000;
    arrivals[(*n)++] = (Arrival){.arrival = sent + way, .sent = sent, .index = 1000 + i};
  }
  qsort(arrivals, *n, sizeof *arrivals, by_arrival);
  return arrivals;
}

static void
test_call(gconstpointer data)
{
  const Call *call = data;
  unsigned n, at = 0;
  Arrival *arrivals = make_arrivals(call, &n);
  WzpJitter *jitter = wzp_jitter_new(call->latency * MS, 512);
  int64_t now = 0, end = call->seconds * 1000 * MS, cursor = -1, behind = 0;
  uint64_t first_index = 0, last_index = 0, turns = 0;

  while (now < end) {
    WzpJitterOutput output = wzp_jitter_poll(jitter, now);
    if (output.action == WZP_JITTER_WAIT) {
      bool arrives = at < n && arrivals[at].arrival <= MIN(output.until, end);
      now = arrives ? arrivals[at].arrival : MIN(output.until, end);
      if (!arrives)
        continue;
      WzpJitterFrame frame = {.index = arrivals[at].index,
                              .media_time =
                                  call->media_time ? (int64_t)arrivals[at].index * FRAME : -1,
                              .duration = FRAME,
                              .arrival = now,
                              .id = (uint64_t)arrivals[at].sent};
      wzp_jitter_push(jitter, &frame, NULL);
      at++;
      continue;
    }
    if (output.action == WZP_JITTER_DROP)
      continue;
    /* the timeline has no holes and does not run backwards by more than it must */
    g_assert_cmpint(output.due, <=, now);
    if (cursor >= 0)
      g_assert_cmpint(ABS(output.time - cursor), <=, FRAME / 2);
    cursor = output.time + output.duration;
    turns += (uint64_t)(output.duration / FRAME);
    if (output.action != WZP_JITTER_PLAY)
      continue;
    g_assert_cmpuint(output.index, >, last_index);
    if (first_index == 0)
      first_index = output.index;
    last_index = output.index;
    behind = now - (int64_t)output.id; /* mouth to ear */
    if (now > 20 * 1000 * MS) {
      g_assert_cmpint(behind, >=, (call->delay + call->latency) * MS - FRAME);
      g_assert_cmpint(behind, <=, (call->delay + call->latency) * MS + FRAME);
    }
  }

  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpuint(stats.played + stats.lost, ==, last_index + 1 - first_index);
  g_assert_cmpuint(stats.restarts, ==, 0);
  g_assert_cmpuint(stats.overflow, ==, 0);
  /* as many turns as real time has, whatever was lost */
  int64_t sent = (int64_t)call->seconds * 50 * (1000000 + call->ppm) / 1000000;
  g_assert_cmpint((int64_t)turns, >=, sent - 30);
  g_assert_cmpint((int64_t)turns, <=, sent);
  if (call->jitter <= call->latency)
    g_assert_cmpuint(stats.late, ==, 0);
  else
    g_assert_cmpuint(stats.late, >, 0);
  wzp_jitter_free(jitter);
  g_free(arrivals);
}

/* A sender begins anew four times, always with the same numbers and times, after speaking for less than what stands for a jump, up to
 * half a second apart. Nothing of it is late, twice there or concealed, at a fixed latency and at one that is found. */
static void
test_new_streams(gconstpointer data)
{
  const int64_t latency = *(const int64_t *)data;
  const unsigned frames = 75;
  WzpJitter *jitter = wzp_jitter_new(latency, 512);
  int64_t now = 0, end = -1, filled = 0;
  unsigned played = 0, at = 0, next = 0;
  for (int64_t turn = 0; now < 5 * 2000 * MS; now += MS) {
    int64_t start =
        turn * (1500 + 125 * (turn - 1)) * MS; /* each rest is longer than the one before */
    if (now == start + at * FRAME) {
      if (at == 0)
        wzp_jitter_begin_stream(jitter);
      bool last = at == frames - 1; /* the sender says that it falls silent */
      WzpJitterFrame frame = {.index = at,
                              .media_time = at * FRAME,
                              .duration = FRAME,
                              .arrival = now,
                              .id = at,
                              .silence = last};
      g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
      at = last ? 0 : at + 1;
      turn += last;
      if (turn == 5)
        turn = 100;
    }
    WzpJitterOutput output;
    while ((output = wzp_jitter_poll(jitter, now)).action != WZP_JITTER_WAIT) {
      g_assert_true(output.action == WZP_JITTER_PLAY || output.action == WZP_JITTER_SILENCE);
      if (end >= 0)
        g_assert_cmpint(ABS(output.due - end), <=, latency < 0 ? 0 : FRAME / 2);
      end = output.due + output.duration;
      filled += output.action == WZP_JITTER_SILENCE ? output.duration : 0;
      if (output.action != WZP_JITTER_PLAY)
        continue;
      g_assert_cmpuint(output.id, ==, next); /* in order, each once */
      g_assert_true(output.discont || next > 0);
      next = (next + 1) % frames;
      played++;
    }
  }
  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpuint(played, ==, 5 * frames);
  g_assert_cmpuint(stats.restarts, ==, 4);
  g_assert_cmpuint(stats.lost + stats.concealed + stats.late + stats.duplicate + stats.skipped, ==,
                   0);
  g_assert_cmpint(filled, >, 0);
  wzp_jitter_free(jitter);
}

/* The profile changes where frames are lost, from frames of 40 ms to such of 20, and back; what comes first behind a loss says no
 * media time. It is played all the same, and what follows is, too. */
static void
test_profile_changes_in_a_hole(void)
{
  WzpJitter *jitter = wzp_jitter_new(WZP_JITTER_ADAPTIVE, 512);
  int64_t media = 0, now = 0, unheard = 0, last = 0;
  uint64_t played = 0, pushed = 0, concealed = 0;
  WzpJitterStats stats;
  for (unsigned index = 0; index < 3000; index++) {
    const unsigned phase = index % 300;
    const int64_t duration = phase < 100 || phase >= 225 ? 2 * FRAME : FRAME;
    const bool lost = (phase >= 90 && phase < 120) || (phase >= 210 && phase < 230);
    const bool timed = !(phase >= 120 && phase < 150) && !(phase >= 230 && phase < 235);
    for (const int64_t until = media + duration; now < until; now += MS) {
      WzpJitterOutput output;
      while ((output = wzp_jitter_poll(jitter, now)).action != WZP_JITTER_WAIT) {
        if (output.action != WZP_JITTER_PLAY)
          continue;
        if (played++ > 0)
          unheard = MAX(unheard, now - last);
        last = now;
        wzp_jitter_stretched(jitter, output.stretch);
      }
    }
    wzp_jitter_get_stats(jitter, &stats);
    g_assert_cmpuint(stats.concealed, >=, concealed); /* frames of any length */
    concealed = stats.concealed;
    media += duration;
    if (lost)
      continue;
    WzpJitterFrame frame = {.index = index,
                            .media_time = timed ? media : -1,
                            .duration = duration,
                            .arrival = now,
                            .id = index};
    g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
    pushed++;
  }
  g_assert_cmpuint(stats.late + stats.skipped, ==, 0);
  g_assert_cmpuint(played, >, pushed - 10);
  g_assert_cmpint(unheard, <, 1200 * MS); /* what was lost is 800 ms at most, and a target */
  wzp_jitter_free(jitter);
}

/* Plays until then, stretching as asked. Returns by how much the last frame was behind its media time, which is its id. */
static int64_t
play_until(WzpJitter *jitter, int64_t *now, int64_t until, int64_t behind)
{
  for (; *now < until; *now += MS) {
    WzpJitterOutput output;
    while ((output = wzp_jitter_poll(jitter, *now)).action != WZP_JITTER_WAIT) {
      if (output.action != WZP_JITTER_PLAY)
        continue;
      behind = output.due - (int64_t)output.id;
      wzp_jitter_stretched(jitter, output.stretch);
    }
  }
  return behind;
}

/* A frame comes when the last of it was spoken. From 10 s on frames have 40 instead of 20 ms: playout does not move then, nor
 * when the short ones are forgotten. */
static void
test_longer_frames(void)
{
  WzpJitter *jitter = wzp_jitter_new(WZP_JITTER_ADAPTIVE, 512);
  int64_t media = 0, now = 0, behind = 0, least = INT64_MAX, most = 0;
  for (uint64_t index = 0; media < 90 * 1000 * MS; index++) {
    const int64_t duration = media < 10 * 1000 * MS ? FRAME : 2 * FRAME;
    WzpJitterFrame frame = {.index = index,
                            .media_time = media,
                            .duration = duration,
                            .arrival = media + duration + 50 * MS,
                            .id = (uint64_t)media};
    behind = play_until(jitter, &now, frame.arrival, behind);
    g_assert_cmpint(wzp_jitter_push(jitter, &frame, NULL), ==, WZP_OK);
    media += duration;
    if (media < 20 * 1000 * MS)
      continue;
    least = MIN(least, behind);
    most = MAX(most, behind);
  }
  g_assert_cmpint(most - least, <=, 5 * MS);
  g_assert_cmpint(most, <=, 2 * FRAME + 62 * MS);
  wzp_jitter_free(jitter);
}

static void
bring(WzpJitter *jitter, uint64_t index, int64_t arrival, bool recovered)
{
  const WzpJitterFrame frame = {.index = index,
                                .media_time = (int64_t)index * FRAME,
                                .duration = FRAME,
                                .arrival = arrival,
                                .id = index * (uint64_t)FRAME,
                                .recovered = recovered};
  wzp_jitter_push(jitter, &frame, NULL);
}

/* One frame in ten is brought back by repair, in time. Now and then ten in a row are, and the first of them is later by a part
 * of its length than anything is played. It is lost, but those behind it keep their turn. */
static void
test_repair_too_late(void)
{
  const int64_t max = 200 * MS;
  WzpJitter *jitter = wzp_jitter_new(WZP_JITTER_ADAPTIVE, 512);
  int64_t now = 0, behind = 0, settled = 0;
  unsigned late = 0;
  WzpJitterStats before, stats;
  wzp_jitter_set_max_latency(jitter, max);
  for (uint64_t index = 0; index < 3000; index++) {
    const bool in_run = index >= 1000 && index % 100 >= 50 && index % 100 < 60;
    behind = play_until(jitter, &now, (int64_t)index * FRAME, behind);
    if (index % 10 != 0 && !in_run)
      bring(jitter, index, now, false);
    if (index % 10 == 9 && !in_run) {
      behind = play_until(jitter, &now, (int64_t)(index - 9) * FRAME + max - 5 * MS, behind);
      bring(jitter, index - 9, now, true);
    } else if (index % 10 == 0 && index % 100 == 60 && index >= 1000) {
      behind = play_until(jitter, &now, (int64_t)(index - 10) * FRAME + max + 5 * MS, behind);
      for (uint64_t back = index - 10; back < index; back++)
        bring(jitter, back, now, true);
      late++;
    }
    if (index == 900) {
      settled = behind;
      wzp_jitter_get_stats(jitter, &before);
    } else if (index > 900) {
      g_assert_cmpint(ABS(behind - settled), <=, 5 * MS);
    }
  }
  wzp_jitter_get_stats(jitter, &stats);
  g_assert_cmpint(settled, ==, max);
  g_assert_cmpuint(late, ==, 20);
  g_assert_cmpuint(stats.recovered_late - before.recovered_late, ==, late);
  g_assert_cmpuint(stats.concealed - before.concealed, ==, late);
  g_assert_cmpint(stats.playout, <, max); /* what comes just at its turn is too late */
  wzp_jitter_free(jitter);
}

/* A sender plays from an earlier place on, with numbers that go on: nothing of that is late, and of what was before it
 * at most the last frame, if that comes behind the first. */
static void
turn_back(int64_t latency, unsigned back, bool swapped)
{
  enum { TURN = 400, END = 700 };
  WzpJitter *jitter = wzp_jitter_new(latency, 512);
  unsigned played = 0;
  for (int64_t at = 0; at < END + 20; at++) {
    const int64_t now = at * FRAME;
    int64_t index = at;
    if (swapped && (at == TURN || at == TURN - 1))
      index = 2 * TURN - 1 - at;
    const WzpJitterFrame frame = {.index = (uint64_t)index,
                                  .media_time = (index - (index < TURN ? 0 : back)) * FRAME,
                                  .duration = FRAME,
                                  .arrival = now,
                                  .id = (uint64_t)index};
    if (at < END)
      wzp_jitter_push(jitter, &frame, NULL);
    WzpJitterOutput output;
    while ((output = wzp_jitter_poll(jitter, now)).action != WZP_JITTER_WAIT) {
      if (output.action == WZP_JITTER_PLAY && output.id >= TURN)
        g_assert_cmpint(output.due - (int64_t)output.id * FRAME, <=, 200 * MS);
      played += output.action == WZP_JITTER_PLAY;
    }
  }
  WzpJitterStats stats;
  wzp_jitter_get_stats(jitter, &stats);
  g_test_message("latency %d, %u back%s: %u played, %u lost, %u skipped", (int)(latency / MS), back,
                 swapped ? ", swapped" : "", played, (unsigned)stats.lost, (unsigned)stats.skipped);
  g_assert_cmpuint(stats.restarts, ==, 1);
  g_assert_cmpuint(stats.late, <=, swapped ? 1 : 0);
  g_assert_cmpuint(played + stats.lost, ==, END);
  g_assert_cmpuint(played, >=, END - 4);
  wzp_jitter_free(jitter);
}

static void
test_turns_back(void)
{
  static const unsigned backs[] = {4, 50, 150, 249, 251, 400};
  for (size_t i = 0; i < G_N_ELEMENTS(backs); i++)
    for (unsigned swapped = 0; swapped < 2; swapped++) {
      turn_back(100 * MS, backs[i], swapped);
      turn_back(WZP_JITTER_ADAPTIVE, backs[i], swapped);
    }
}

int
main(int argc, char **argv)
{
  static const int64_t fixed = 60 * MS, adaptive = WZP_JITTER_ADAPTIVE;
  g_test_init(&argc, &argv, NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
    char *path = g_strdup_printf("/jitter/call/%s", calls[i].name);
    g_test_add_data_func(path, &calls[i], test_call);
    g_free(path);
  }
  g_test_add_data_func("/jitter/new-streams/fixed", &fixed, test_new_streams);
  g_test_add_data_func("/jitter/new-streams/adaptive", &adaptive, test_new_streams);
  g_test_add_func("/jitter/profile-changes-in-a-hole", test_profile_changes_in_a_hole);
  g_test_add_func("/jitter/turns-back", test_turns_back);
  g_test_add_func("/jitter/longer-frames", test_longer_frames);
  g_test_add_func("/jitter/repair-too-late", test_repair_too_late);
  return g_test_run();
}
