/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/seq.h"
#include "test-util.h"

static void
test_distance(void)
{
  g_assert_cmpint(wzp_seq16_distance(5, 3), ==, 2);
  g_assert_cmpint(wzp_seq16_distance(3, 5), ==, -2);
  g_assert_cmpint(wzp_seq16_distance(0, 65535), ==, 1);
  g_assert_cmpint(wzp_seq16_distance(65535, 0), ==, -1);
  g_assert_cmpint(wzp_seq16_distance(32767, 0), ==, 32767);
  g_assert_cmpint(wzp_seq16_distance(32768, 0), ==, -32768);
  g_assert_cmpint(wzp_seq16_distance(1234, 1234), ==, 0);
}

static void
test_extend(void)
{
  g_assert_cmpuint(wzp_seq16_extend(7, 0), ==, 7);
  g_assert_cmpuint(wzp_seq16_extend(0, 5), ==, 0);
  g_assert_cmpuint(wzp_seq16_extend(65535, 0), ==, 65535); /* nothing is below 0 */
  g_assert_cmpuint(wzp_seq16_extend(65535, 65536), ==, 65535);
  g_assert_cmpuint(wzp_seq16_extend(0, 65535), ==, 65536);
  g_assert_cmpuint(wzp_seq16_extend(3, 0x20000), ==, 0x20003);
  g_assert_cmpuint(wzp_seq16_extend(0xfffd, 0x20000), ==, 0x1fffd);
}

/* Whatever the reference, an index less than half the range away is found again. */
static void
test_extend_finds_the_nearest(void)
{
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 100000; round++) {
    uint64_t reference =
        test_random_below(&random, (uint64_t)1 << (1 + test_random_below(&random, 48)));
    int64_t offset = (int64_t)test_random_below(&random, 65535) - 32767;
    if ((int64_t)reference + offset < 0)
      continue;
    uint64_t index = reference + (uint64_t)offset;
    g_assert_cmpuint(wzp_seq16_extend((uint16_t)index, reference), ==, index);
  }
}

static void
test_window_by_hand(void)
{
  WzpWindow window;
  wzp_window_init(&window, 64);
  g_assert_cmpint(wzp_window_check(&window, 0), ==, WZP_WINDOW_NEW);
  wzp_window_mark(&window, 0);
  g_assert_cmpint(wzp_window_check(&window, 0), ==, WZP_WINDOW_SEEN);
  g_assert_cmpint(wzp_window_check(&window, 1), ==, WZP_WINDOW_NEW);
  wzp_window_mark(&window, 63);
  g_assert_cmpint(wzp_window_check(&window, 0), ==, WZP_WINDOW_SEEN);
  wzp_window_mark(&window, 64);
  g_assert_cmpint(wzp_window_check(&window, 0), ==, WZP_WINDOW_BEHIND);
  g_assert_cmpint(wzp_window_check(&window, 1), ==, WZP_WINDOW_NEW);
  wzp_window_mark(&window, 1000000);
  g_assert_cmpint(wzp_window_check(&window, 64), ==, WZP_WINDOW_BEHIND);
  g_assert_cmpint(wzp_window_check(&window, 1000000 - 63), ==, WZP_WINDOW_NEW);
  g_assert_cmpint(wzp_window_check(&window, 1000000 - 64), ==, WZP_WINDOW_BEHIND);
}

/* At the top of the range nothing wraps round to "new". */
static void
test_window_at_the_top(void)
{
  WzpWindow window;
  wzp_window_init(&window, 64);
  wzp_window_mark(&window, UINT64_MAX - 1);
  g_assert_cmpint(wzp_window_check(&window, UINT64_MAX - 1), ==, WZP_WINDOW_SEEN);
  g_assert_cmpint(wzp_window_check(&window, UINT64_MAX), ==, WZP_WINDOW_BEHIND);
  g_assert_cmpint(wzp_window_check(&window, 0), ==, WZP_WINDOW_BEHIND);
}

/* The naive model: a set of all indices ever marked, and the highest. */
static void
check_against_set(gconstpointer data)
{
  unsigned size = GPOINTER_TO_UINT(data);
  TestRandom random;
  test_random_init(&random);

  for (unsigned run = 0; run < 20; run++) {
    GHashTable *seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    WzpWindow window;
    uint64_t highest = 0;
    bool any = false;
    wzp_window_init(&window, size);
    uint64_t start = test_random_below(&random, 3) == 0 ? 0 : test_random_below(&random, 100000);
    for (unsigned step = 0; step < 5000; step++) {
      uint64_t top = any ? highest : start;
      uint64_t back = test_random_below(&random, size + size / 4);
      uint64_t ahead = test_random_below(&random, 50) == 0 ? test_random_below(&random, 3 * size)
                                                           : test_random_below(&random, 4);
      uint64_t index = test_random_below(&random, 2) == 0 ? top + ahead : top - MIN(back, top);

      WzpWindowVerdict expected = any && index + size <= highest        ? WZP_WINDOW_BEHIND
                                  : g_hash_table_contains(seen, &index) ? WZP_WINDOW_SEEN
                                                                        : WZP_WINDOW_NEW;
      g_assert_cmpint(wzp_window_check(&window, index), ==, expected);
      /* what did not authenticate is not marked */
      if (expected != WZP_WINDOW_NEW || test_random_below(&random, 4) == 0)
        continue;
      wzp_window_mark(&window, index);
      g_hash_table_add(seen, g_memdup2(&index, sizeof index));
      highest = MAX(highest, index);
      any = true;
    }
    g_hash_table_unref(seen);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/seq/distance", test_distance);
  g_test_add_func("/seq/extend", test_extend);
  g_test_add_func("/seq/extend-finds-the-nearest", test_extend_finds_the_nearest);
  g_test_add_func("/seq/window/by-hand", test_window_by_hand);
  g_test_add_func("/seq/window/at-the-top", test_window_at_the_top);
  g_test_add_data_func("/seq/window/64-equals-a-set", GUINT_TO_POINTER(64), check_against_set);
  g_test_add_data_func("/seq/window/1024-equals-a-set", GUINT_TO_POINTER(1024), check_against_set);
  return g_test_run();
}
