/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/delay.h"

#define MS INT64_C(1000000)
#define FRAME (20 * MS)

/* Frames that come each 20 ms, each so many ms late. */
static void
feed(WzpDelay *delay, uint64_t *order, unsigned n, int64_t way, unsigned jitter, TestRandom *random)
{
  for (unsigned i = 0; i < n; i++, (*order)++) {
    int64_t late = jitter > 0 ? (int64_t)test_random_below(random, jitter * 1000) * 1000 : 0;
    const WzpDelayArrival arrival = {.order = *order,
                                     .media = (int64_t)*order * FRAME,
                                     .duration = FRAME,
                                     .arrival = (int64_t)*order * FRAME + way + late};
    wzp_delay_arrived(delay, &arrival);
  }
}

static void
test_quiet(void)
{
  WzpDelay *delay = wzp_delay_new();
  uint64_t order = 7;
  g_assert_cmpint(wzp_delay_base(delay, 0), ==, INT64_MIN);
  g_assert_cmpint(wzp_delay_target(delay), >, 0); /* cautious at first */
  g_assert_cmpint(wzp_delay_target(delay), <=, 60 * MS);
  feed(delay, &order, 1000, 80 * MS, 0, NULL);
  g_assert_cmpint(wzp_delay_base(delay, 20000 * MS), ==, 80 * MS);
  g_assert_cmpint(wzp_delay_target(delay), <=, 5 * MS);
  wzp_delay_reset(delay);
  g_assert_cmpint(wzp_delay_base(delay, 0), ==, INT64_MIN);
  g_assert_cmpint(wzp_delay_target(delay), >, 5 * MS);
  wzp_delay_free(delay);
}

static void
test_jitter(void)
{
  TestRandom random;
  test_random_init(&random);
  WzpDelay *delay = wzp_delay_new();
  uint64_t order = 0;
  feed(delay, &order, 1000, 0, 100, &random);
  g_assert_cmpint(wzp_delay_target(delay), >=, 85 * MS);
  g_assert_cmpint(wzp_delay_target(delay), <=, 110 * MS);
  feed(delay, &order, 3000, 0, 20, &random);
  g_assert_cmpint(wzp_delay_target(delay), <=, 30 * MS);
  wzp_delay_set_max(delay, 12 * MS);
  g_assert_cmpint(wzp_delay_target(delay), <=, 12 * MS);
  wzp_delay_free(delay);
}

/* One frame in thirty comes 150 ms late: on a short way it is waited for, on a long one it is not. */
static void
test_round_trip(void)
{
  for (unsigned far = 0; far < 2; far++) {
    WzpDelay *delay = wzp_delay_new();
    wzp_delay_set_round_trip(delay, far ? 500 * MS : 20 * MS);
    for (uint64_t order = 0; order < 3000; order++) {
      const WzpDelayArrival arrival = {.order = order,
                                       .media = (int64_t)order * FRAME,
                                       .duration = FRAME,
                                       .arrival = (int64_t)order * FRAME,
                                       .recovered = false};
      if (order % 30 != 0)
        wzp_delay_arrived(delay, &arrival);
      if (order >= 8 && order % 30 == 8) { /* overtaken by seven */
        WzpDelayArrival late = {.order = order - 8,
                                .media = (int64_t)(order - 8) * FRAME,
                                .duration = FRAME,
                                .arrival = (int64_t)order * FRAME};
        wzp_delay_arrived(delay, &late);
      }
    }
    if (far)
      g_assert_cmpint(wzp_delay_target(delay), <=, 30 * MS);
    else
      g_assert_cmpint(wzp_delay_target(delay), >=, 155 * MS);
    wzp_delay_free(delay);
  }
}

/* A tenth is lost. What repair brings within 60 ms is waited for, what it brings after 500 ms is not; either way the
 * sender hears that waiting would pay. */
static void
test_repair(void)
{
  static const unsigned behind[] = {3, 25};
  for (unsigned n = 0; n < G_N_ELEMENTS(behind); n++) {
    WzpDelay *delay = wzp_delay_new();
    for (uint64_t order = 0; order < 8000; order++) {
      WzpDelayArrival arrival = {.order = order,
                                 .media = (int64_t)order * FRAME,
                                 .duration = FRAME,
                                 .arrival = (int64_t)order * FRAME};
      if (order % 10 != 4)
        wzp_delay_arrived(delay, &arrival);
      if (order >= behind[n] && (order - behind[n]) % 10 == 4) {
        arrival.order -= behind[n];
        arrival.media -= behind[n] * FRAME;
        arrival.recovered = true;
        wzp_delay_arrived(delay, &arrival);
      }
    }
    if (behind[n] == 3) {
      g_assert_cmpint(wzp_delay_target(delay), >=, 60 * MS);
      g_assert_cmpint(wzp_delay_target(delay), <=, 90 * MS);
    } else {
      g_assert_cmpint(wzp_delay_target(delay), <=, 30 * MS);
    }
    g_assert_cmpint(wzp_delay_worth_waiting(delay), >=, 90 * MS);
    g_assert_cmpint(wzp_delay_worth_waiting(delay), <=, 160 * MS);
    wzp_delay_free(delay);
  }
}

/* Repair that comes after 60 to 160 ms: playout is behind nearly all of it within seconds, by luck at first by more than it
 * needs, and stays there; after 90 s it is what is needed. When nothing has been lost for 5 s, nothing waits any more. */
static void
test_repair_is_steady(void)
{
  TestRandom random;
  test_random_init(&random);
  WzpDelay *delay = wzp_delay_new();
  unsigned changes = 0;
  int64_t before = 0;
  for (uint64_t order = 0; order < 6250; order++) {
    WzpDelayArrival arrival = {.order = order,
                               .media = (int64_t)order * FRAME,
                               .duration = FRAME,
                               .arrival = (int64_t)order * FRAME};
    if (order >= 6000 || test_random_below(&random, 10) != 0) {
      wzp_delay_arrived(delay, &arrival);
    } else {
      arrival.recovered = true;
      arrival.arrival += (3 + test_random_below(&random, 6)) * FRAME;
      wzp_delay_arrived(delay, &arrival);
    }
    if (order == 500 || order == 5999) {
      g_assert_cmpint(wzp_delay_target(delay), >=, 100 * MS);
      g_assert_cmpint(wzp_delay_target(delay), <=, order == 500 ? 260 * MS : 180 * MS);
    }
    changes += order > 500 && order < 6000 && wzp_delay_target(delay) != before;
    before = wzp_delay_target(delay);
  }
  g_assert_cmpuint(changes, <=, 12);
  g_assert_cmpint(wzp_delay_target(delay), <=, 10 * MS);
  wzp_delay_free(delay);
}

/* A way that was cut teaches nothing of losses, however many frames were counted meanwhile. */
static void
test_cut(void)
{
  for (unsigned bits = 6; bits <= 36; bits += 5) {
    WzpDelay *delay = wzp_delay_new();
    uint64_t order = 0;
    feed(delay, &order, 1000, 80 * MS, 0, NULL);
    const int64_t worth = wzp_delay_worth_waiting(delay);
    order += UINT64_C(1) << bits;
    feed(delay, &order, 5, 80 * MS, 0, NULL);
    g_assert_cmpint(wzp_delay_worth_waiting(delay), <=, worth);
    wzp_delay_free(delay);
  }
}

static void
test_drift(void)
{
  static const int ppm[] = {-1000, -100, 0, 300, 1000};
  TestRandom random;
  test_random_init(&random);
  for (unsigned n = 0; n < G_N_ELEMENTS(ppm); n++) {
    WzpDelay *delay = wzp_delay_new();
    int64_t true_base = 0;
    for (uint64_t order = 0; order < 15000; order++) {
      int64_t media = (int64_t)order * FRAME;
      true_base = 2000 * MS + media / 1000000 * ppm[n];
      const WzpDelayArrival arrival = {
          .order = order,
          .media = media,
          .duration = FRAME,
          .arrival = media + true_base + (int64_t)test_random_below(&random, 20000) * 1000};
      wzp_delay_arrived(delay, &arrival);
    }
    g_assert_cmpfloat(wzp_delay_drift_ppm(delay), >, ppm[n] - 100);
    g_assert_cmpfloat(wzp_delay_drift_ppm(delay), <, ppm[n] + 100);
    int64_t base = wzp_delay_base(delay, 15000 * FRAME + true_base);
    g_assert_cmpint(ABS(base - true_base), <, 10 * MS);
    g_assert_cmpint(wzp_delay_target(delay), <=, 40 * MS);
    wzp_delay_free(delay);
  }
}

/* Who speaks for 3 s now and then: what the clocks drift meanwhile is no jitter. */
static void
test_drift_over_silence(void)
{
  static const struct {
    unsigned pause_s;
    int ppm;
  } rows[] = {{57, 0}, {57, 30}, {57, -30}, {57, 100}, {597, 100}};
  TestRandom random;
  test_random_init(&random);
  for (unsigned n = 0; n < G_N_ELEMENTS(rows); n++) {
    WzpDelay *delay = wzp_delay_new();
    int64_t media = 0, true_base = 0;
    for (uint64_t order = 0; order < 60 * 150; order++, media += FRAME) {
      media += order % 150 == 0 ? rows[n].pause_s * 1000 * MS : 0;
      true_base = 2000 * MS + media / 1000000 * rows[n].ppm;
      const WzpDelayArrival arrival = {.order = order,
                                       .media = media,
                                       .duration = FRAME,
                                       .arrival = media + true_base +
                                                  (int64_t)test_random_below(&random, 5000) * 1000};
      wzp_delay_arrived(delay, &arrival);
      if (order > 20 * 150)
        g_assert_cmpint(wzp_delay_target(delay), <=, 20 * MS);
    }
    g_assert_cmpfloat(wzp_delay_drift_ppm(delay), >, rows[n].ppm - 40);
    g_assert_cmpfloat(wzp_delay_drift_ppm(delay), <, rows[n].ppm + 40);
    g_assert_cmpint(ABS(wzp_delay_base(delay, media + true_base) - true_base), <, 5 * MS);
    wzp_delay_free(delay);
  }
}

/* The way becomes longer for good. By 200 ms it is lived with at once; by 2 s it is the new base after a while; by
 * 2 s and less and less it is a queue that will be gone. */
static void
test_longer_way(void)
{
  for (unsigned n = 0; n < 3; n++) {
    WzpDelay *delay = wzp_delay_new();
    uint64_t order = 0, rebased = 0;
    int64_t longer = n == 0 ? 200 * MS : 2000 * MS;
    feed(delay, &order, 1000, 50 * MS, 0, NULL);
    for (; order < 2000; order++) {
      int64_t media = (int64_t)order * FRAME, gone = (int64_t)(order - 1000) * MS;
      const WzpDelayArrival arrival = {.order = order,
                                       .media = media,
                                       .duration = FRAME,
                                       .arrival = media + 50 * MS + longer - (n == 2 ? gone : 0)};
      wzp_delay_arrived(delay, &arrival);
      if (rebased == 0 && wzp_delay_base(delay, arrival.arrival) > 60 * MS)
        rebased = order;
    }
    if (n == 0)
      g_assert_cmpint(wzp_delay_target(delay), >=, 100 * MS);
    if (n == 1) {
      g_assert_cmpuint(rebased, >=, 1000 + 500);
      g_assert_cmpuint(rebased, <=, 1000 + 800);
    } else {
      g_assert_cmpuint(rebased, ==, 0);
    }
    wzp_delay_free(delay);
  }
}

/* Media times that were guessed a second too late make the way seem shorter than any. Nothing is played by them once the right
 * ones are there. */
static void
test_wrong_times(void)
{
  WzpDelay *delay = wzp_delay_new();
  uint64_t order = 0;
  feed(delay, &order, 1000, 1300 * MS, 0, NULL);
  int64_t base = 0;
  for (; order < 1060; order++) {
    int64_t media = (int64_t)order * FRAME, wrong = order < 1040 ? 1000 * MS : 0;
    const WzpDelayArrival arrival = {
        .order = order, .media = media + wrong, .duration = FRAME, .arrival = media + 1300 * MS};
    wzp_delay_arrived(delay, &arrival);
    base = wzp_delay_base(delay, arrival.arrival);
    if (order < 1040)
      g_assert_cmpint(base, <, 310 * MS);
  }
  g_assert_cmpint(base, >, 1290 * MS);
  wzp_delay_free(delay);
}

static void
feed_packed(WzpDelay *delay, uint64_t *order, unsigned packets, unsigned frames, int64_t way)
{
  for (unsigned n = 0; n < packets; n++) {
    const int64_t spoken = (int64_t)(*order + frames) * FRAME;
    for (unsigned i = 0; i < frames; i++, (*order)++) {
      const WzpDelayArrival arrival = {.order = *order,
                                       .media = (int64_t)*order * FRAME,
                                       .duration = FRAME,
                                       .arrival = spoken - FRAME + way,
                                       .waited = (frames - 1 - i) * FRAME};
      wzp_delay_arrived(delay, &arrival);
    }
  }
}

/* That several frames share a packet is no jitter: it is waited for at once, and goes within a second when they come alone. */
static void
test_packing(void)
{
  WzpDelay *delay = wzp_delay_new();
  uint64_t order = 0;
  feed_packed(delay, &order, 1, 3, 80 * MS);
  g_assert_cmpint(wzp_delay_target(delay), >=, 40 * MS);
  feed_packed(delay, &order, 100, 3, 80 * MS);
  g_assert_cmpint(wzp_delay_base(delay, (int64_t)order * FRAME), ==, 80 * MS);
  g_assert_cmpint(wzp_delay_target(delay), >=, 40 * MS);
  g_assert_cmpint(wzp_delay_target(delay), <=, 45 * MS);
  feed_packed(delay, &order, 50, 1, 80 * MS);
  g_assert_cmpint(wzp_delay_base(delay, (int64_t)order * FRAME), ==, 80 * MS);
  g_assert_cmpint(wzp_delay_target(delay), <=, 5 * MS);
  feed_packed(delay, &order, 1, 2, 80 * MS);
  g_assert_cmpint(wzp_delay_target(delay), >=, 20 * MS);
  g_assert_cmpint(wzp_delay_target(delay), <=, 25 * MS);
  /* a length that nothing can have asks for no more than the most */
  const WzpDelayArrival absurd = {.order = order,
                                  .media = (int64_t)order * FRAME,
                                  .duration = FRAME,
                                  .arrival = (int64_t)order * FRAME + 80 * MS,
                                  .waited = INT64_C(3600) * 1000 * MS};
  wzp_delay_set_max(delay, 300 * MS);
  wzp_delay_arrived(delay, &absurd);
  g_assert_cmpint(wzp_delay_target(delay), <=, 300 * MS);
  wzp_delay_free(delay);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/delay/quiet", test_quiet);
  g_test_add_func("/delay/jitter", test_jitter);
  g_test_add_func("/delay/round-trip", test_round_trip);
  g_test_add_func("/delay/repair", test_repair);
  g_test_add_func("/delay/repair-is-steady", test_repair_is_steady);
  g_test_add_func("/delay/cut", test_cut);
  g_test_add_func("/delay/drift", test_drift);
  g_test_add_func("/delay/drift-over-silence", test_drift_over_silence);
  g_test_add_func("/delay/longer-way", test_longer_way);
  g_test_add_func("/delay/wrong-times", test_wrong_times);
  g_test_add_func("/delay/packing", test_packing);
  return g_test_run();
}
