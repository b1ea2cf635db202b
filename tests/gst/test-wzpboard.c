/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst/wzpboard.h"

static WzpReport
about(guint8 slot, guint16 judged)
{
  return (WzpReport){.slot = slot, .judged = judged, .received = judged};
}

static void
post(WzpBoard *board, WzpTime now, guint8 slot, guint16 judged)
{
  const WzpReport report = about(slot, judged);
  wzp_board_post(board, now, &report);
}

static void
hear(WzpBoard *board, guint8 listener, guint16 judged)
{
  const WzpReport report = about(1, judged);
  wzp_board_hear(board, listener, &report);
}

static void
assert_taken(WzpBoard *board, WzpTime until, guint8 slot, guint16 judged)
{
  WzpReport report;
  g_assert_true(wzp_board_take(board, 500, until, &report));
  g_assert_cmpuint(report.slot, ==, slot);
  g_assert_cmpuint(report.judged, ==, judged);
}

static void
assert_heard(WzpBoard *board, guint8 listener, guint16 judged)
{
  WzpReport report;
  guint8 slot;
  g_assert_true(wzp_board_take_heard(board, &slot, &report));
  g_assert_cmpuint(slot, ==, listener);
  g_assert_cmpuint(report.judged, ==, judged);
}

/* One a stream: the newer one takes the place of the older, and its age. */
static void
test_ours(void)
{
  WzpBoard *board = wzp_board_new();
  WzpReport report;
  g_assert_cmpint(wzp_board_oldest(board), ==, WZP_NEVER);
  g_assert_false(wzp_board_take(board, 500, WZP_NEVER, &report));
  post(board, 100, 3, 1);
  post(board, 200, 4, 2);
  post(board, 300, 3, 5);
  g_assert_cmpint(wzp_board_oldest(board), ==, 100);
  g_assert_false(wzp_board_take(board, 500, 100, &report));
  assert_taken(board, 101, 3, 5);
  g_assert_cmpint(wzp_board_oldest(board), ==, 200);
  g_assert_false(wzp_board_take(board, 500, 150, &report));
  assert_taken(board, WZP_NEVER, 4, 2);
  g_assert_false(wzp_board_take(board, 500, WZP_NEVER, &report));
  wzp_board_free(board);
}

static void
test_heard(void)
{
  WzpBoard *board = wzp_board_new();
  WzpReport report;
  guint8 slot;
  g_assert_false(wzp_board_take_heard(board, &slot, &report));
  hear(board, 7, 1);
  hear(board, 8, 2);
  hear(board, 7, 3);
  assert_heard(board, 7, 3);
  assert_heard(board, 8, 2);
  g_assert_false(wzp_board_take_heard(board, &slot, &report));
  wzp_board_free(board);
}

/* Who leaves takes its stream and its word along. */
static void
test_forget(void)
{
  WzpBoard *board = wzp_board_new();
  WzpReport report;
  guint8 slot;
  for (guint8 n = 0; n < 4; n++) {
    post(board, n, n, n);
    hear(board, n, n);
  }
  wzp_board_forget(board, 0);
  wzp_board_forget(board, 2);
  wzp_board_forget(board, 200);
  assert_taken(board, WZP_NEVER, 1, 1);
  assert_heard(board, 1, 1);
  wzp_board_forget_heard(board);
  g_assert_false(wzp_board_take_heard(board, &slot, &report));
  assert_taken(board, WZP_NEVER, 3, 3);
  post(board, 5, 9, 9);
  hear(board, 9, 9);
  wzp_board_clear(board);
  g_assert_false(wzp_board_take_heard(board, &slot, &report));
  g_assert_false(wzp_board_take(board, 500, WZP_NEVER, &report));
  g_assert_cmpint(wzp_board_oldest(board), ==, WZP_NEVER);
  wzp_board_free(board);
}

/* Two streaming threads and the session's: no report is invented, none comes twice. */
#define ROUNDS 20000

static gpointer
write_reports(gpointer data)
{
  for (guint n = 1; n <= ROUNDS; n++) {
    post(data, n, (guint8)(n % 5), (guint16)n);
    hear(data, (guint8)(n % 3), (guint16)n);
    if (n % 100 == 0)
      wzp_board_forget(data, 2);
  }
  return NULL;
}

static void
test_threads(void)
{
  WzpBoard *board = wzp_board_new();
  guint16 last[5] = {0}, last_heard[3] = {0};
  GThread *thread = g_thread_new("write-reports", write_reports, board);
  gboolean written = FALSE;
  for (guint taken = 0; !written || taken > 0;) {
    WzpReport report;
    guint8 listener;
    written |= last[ROUNDS % 5] == ROUNDS;
    taken = 0;
    while (wzp_board_take(board, 500, WZP_NEVER, &report)) {
      g_assert_cmpuint(report.judged % 5, ==, report.slot);
      g_assert_cmpuint(report.judged, >, last[report.slot]);
      last[report.slot] = report.judged;
      taken++;
    }
    while (wzp_board_take_heard(board, &listener, &report)) {
      g_assert_cmpuint(report.judged % 3, ==, listener);
      g_assert_cmpuint(report.judged, >, last_heard[listener]);
      last_heard[listener] = report.judged;
      taken++;
    }
  }
  g_thread_join(thread);
  wzp_board_free(board);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/board/ours", test_ours);
  g_test_add_func("/board/heard", test_heard);
  g_test_add_func("/board/forget", test_forget);
  g_test_add_func("/board/threads", test_threads);
  return g_test_run();
}
