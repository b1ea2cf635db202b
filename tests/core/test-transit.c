/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/transit.h"
#include "test-util.h"

#define BEFORE 40 /* packets whose way is 70 ms long */
#define AFTER 40

typedef struct {
  const char *name;
  unsigned duration_ms;
  int grows
      [10]; /* each of the next packets takes so much longer than the one before; then all take as long as the last */
  int more; /* and the following ones, each */
  int stepped; /* what that makes */
} Row;

/* Another way is longer for all packets behind one. A queue grows, a stall ends, and a packet may be late alone. */
static void
test_steps(void)
{
  static const Row rows[] = {
      {"step", 20, {50}, 0, 50},
      {"step", 20, {400}, 0, 400},
      {"step, packets of two frames", 40, {100}, 0, 100},
      {"step, packets of 80 ms", 80, {200}, 0, 200},
      {"two steps", 20, {60, 0, 0, 0, 0, 0, 0, 0, 200}, 0, 260},
      {"shorter", 20, {-50}, 0, 0},
      {"a little longer", 20, {12}, 0, 0},
      {"40 kbit/s into 32", 20, {5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, 5, 0},
      {"60 kbit/s into 14", 20, {66, 66, 66, 66, 66, 66, 66, 66, 66, 66}, 66, 0},
      {"for a moment", 20, {66, 66, 66}, 0, 0},
      {"packets of 80 ms, 24 kbit/s into 14", 80, {57, 57, 57}, 57, 0},
      {"a stall", 20, {200, -20, -20, -20, -20, -20, -20, -20, -20, -20}, 0, 0},
      {"a long stall", 40, {400, -40, -40, -40, -40, -40, -40, -40, -40, -40}, 0, 0},
      {"one is late", 20, {120, -120}, 0, 0},
      {"and two", 20, {120, -20, -100}, 0, 0},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    const Row *row = &rows[i];
    WzpTransit transit = {0};
    int way = 70;
    uint64_t media_ms = 0;
    g_test_message("%s", row->name);
    for (unsigned n = 0; n < BEFORE + AFTER; n++, media_ms += row->duration_ms) {
      const unsigned behind = n - BEFORE;
      if (n >= BEFORE)
        way += behind < G_N_ELEMENTS(row->grows) ? row->grows[behind] : row->more;
      const WzpTime now = ((WzpTime)media_ms + row->duration_ms + way) * WZP_MSEC;
      wzp_transit_packet(&transit, now, media_ms, row->duration_ms);
      wzp_transit_tell(&transit);
    }
    g_assert_cmpint((int64_t)wzp_transit_stepped(&transit), ==, row->stepped);
  }
}

/* It is known as soon as the transit shows it. */
static void
test_at_once(void)
{
  WzpTransit transit = {0};
  for (unsigned n = 0; n < 100; n++) {
    wzp_transit_packet(&transit, (20 * n + (n < 50 ? 30 : 230)) * WZP_MSEC, 20 * n, 20);
    const int64_t ms = wzp_transit_tell(&transit);
    g_assert_cmpint(ms, ==, 10 + (int64_t)wzp_transit_stepped(&transit));
    g_assert_cmpint(ms, ==, n < 53 ? 10 : 210);
    g_assert_cmpfloat(n < 50 || n >= 53 ? transit.jitter : 0, <, 1);
  }
}

/* Jitter hides small steps, and hardly makes any. */
static void
test_jitter(void)
{
  TestRandom random;
  test_random_init(&random);
  for (int most = 5; most <= 80; most *= 4)
    for (int step = 0; step <= 400; step += 200) {
      WzpTransit transit = {0};
      WzpTime last = 0;
      for (unsigned n = 0; n < 2000; n++) {
        const int way =
            50 + (int)test_random_below(&random, (uint64_t)most) + (n < 1000 ? 0 : step);
        last = MAX(last, (20 * n + way) * WZP_MSEC); /* none overtakes another */
        wzp_transit_packet(&transit, last, 20 * n, 20);
        wzp_transit_tell(&transit);
      }
      const int stepped = (int)wzp_transit_stepped(&transit);
      g_test_message("%d ms, %d of jitter: %d", step, most, stepped);
      if (step == 0)
        g_assert_cmpint(stepped, <=, 5 * most); /* in 40 s */
      else if (most < 80)
        g_assert_cmpint(ABS(stepped - step), <=, most);
    }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/transit/steps", test_steps);
  g_test_add_func("/transit/at-once", test_at_once);
  g_test_add_func("/transit/jitter", test_jitter);
  return g_test_run();
}
