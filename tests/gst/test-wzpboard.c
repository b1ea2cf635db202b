/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst/wzpboard.h"

#define ROUNDS 20000

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
assert_taken(WzpBoard *board, WzpTime now, guint8 slot, guint16 judged)
{
  WzpReport report;
  g_assert_true(wzp_board_take(board, now, &report));
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
  WzpBoard *board = wzp_board_new(0);
  WzpReport report;
  g_assert_cmpint(wzp_board_deadline(board), ==, WZP_NEVER);
  g_assert_false(wzp_board_take(board, 0, &report));
  post(board, 100, 3, 1);
  post(board, 200, 4, 2);
  post(board, 300, 3, 5);
  assert_taken(board, 300, 3, 5);
  assert_taken(board, 300, 4, 2);
  g_assert_false(wzp_board_take(board, 300, &report));
  g_assert_cmpint(wzp_board_deadline(board), ==, WZP_NEVER);
  wzp_board_free(board);
}

/* What no packet takes for 100 ms goes together; as long as packets take them one by one, nothing goes alone. */
static void
test_alone(void)
{
  WzpBoard *board = wzp_board_new(0);
  WzpReport reports[WZP_REPORTS_MAX];
  WzpTime now = WZP_SECOND;
  for (guint8 slot = 0; slot < 5; slot++)
    post(board, now, slot, slot);
  g_assert_cmpint(wzp_board_deadline(board), ==, now + 100 * WZP_MSEC);
  for (guint8 slot = 0; slot < 3; slot++) {
    now += 40 * WZP_MSEC;
    g_assert_cmpuint(wzp_board_take_alone(board, now, reports), ==, 0);
    assert_taken(board, now, slot, slot);
  }
  WzpTime deadline = wzp_board_deadline(board);
  g_assert_cmpint(deadline, ==, now + 100 * WZP_MSEC);
  g_assert_cmpuint(wzp_board_take_alone(board, deadline - 1, reports), ==, 0);
  g_assert_cmpuint(wzp_board_take_alone(board, deadline, reports), ==, 2);
  g_assert_cmpuint(reports[0].slot, ==, 3);
  g_assert_cmpuint(reports[1].slot, ==, 4);
  g_assert_cmpint(wzp_board_deadline(board), ==, WZP_NEVER);

  /* more than fit go in two */
  for (guint8 slot = 0; slot < WZP_REPORTS_MAX + 3; slot++)
    post(board, deadline, slot, slot);
  now = deadline + WZP_SECOND;
  g_assert_cmpuint(wzp_board_take_alone(board, now, reports), ==, WZP_REPORTS_MAX);
  g_assert_cmpuint(wzp_board_take_alone(board, now, reports), ==, 3);
  g_assert_cmpuint(wzp_board_take_alone(board, now, reports), ==, 0);
  wzp_board_free(board);
}

/* In a room ours wait for their turn, and what came meanwhile goes along. */
static void
test_turns(void)
{
  WzpBoard *board = wzp_board_new(0.5);
  WzpReport report, reports[WZP_REPORTS_MAX];
  wzp_board_set_members(board, 20);
  post(board, 0, 1, 1);
  WzpTime turn = wzp_board_deadline(board);
  g_assert_cmpint(turn, >, WZP_SECOND);
  for (guint16 n = 0; n < 10; n++)
    post(board, n + 1, (guint8)(n % 3), n);
  turn = wzp_board_deadline(board);
  g_assert_false(wzp_board_take(board, turn - 1, &report));
  g_assert_cmpuint(wzp_board_take_alone(board, turn, reports), ==, 0);
  g_assert_cmpint(wzp_board_deadline(board), ==, turn + 100 * WZP_MSEC);
  assert_taken(board, turn, 1, 7);
  post(board, turn, 1, 8); /* of the next turn */
  wzp_board_forget(board, 0);
  g_assert_cmpuint(wzp_board_take_alone(board, turn + 100 * WZP_MSEC, reports), ==, 1);
  g_assert_cmpuint(reports[0].slot, ==, 2);
  g_assert_cmpuint(reports[0].judged, ==, 8);
  g_assert_false(wzp_board_take(board, turn + WZP_SECOND, &report));
  WzpTime next = wzp_board_deadline(board);
  g_assert_cmpint(next, >, turn + 2 * WZP_SECOND);
  assert_taken(board, next, 1, 8);
  /* much more is said: turns are shorter; and back to two, nobody waits */
  for (WzpTime now = next; now < next + WZP_SECOND; now += WZP_MSEC)
    wzp_board_media(board, now, 100);
  post(board, next, 1, 9);
  g_assert_cmpint(wzp_board_deadline(board), <, next + (next - turn) / 2);
  wzp_board_set_members(board, 2);
  assert_taken(board, next + 1, 1, 9);
  wzp_board_free(board);
}

static void
test_heard(void)
{
  WzpBoard *board = wzp_board_new(0);
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
  WzpBoard *board = wzp_board_new(0);
  WzpReport report;
  guint8 slot;
  for (guint8 n = 0; n < 4; n++) {
    post(board, n, n, n);
    hear(board, n, n);
  }
  wzp_board_forget(board, 0);
  wzp_board_forget(board, 2);
  wzp_board_forget(board, 200);
  const guint8 left[] = {0, 2, 200};
  for (gsize n = 0; n < G_N_ELEMENTS(left); n++) {
    g_assert_true(wzp_board_take_left(board, &slot));
    g_assert_cmpuint(slot, ==, left[n]);
  }
  g_assert_false(wzp_board_take_left(board, &slot));
  wzp_board_forget(board, 200);
  assert_taken(board, ROUNDS, 1, 1);
  assert_heard(board, 1, 1);
  wzp_board_forget_heard(board);
  g_assert_false(wzp_board_take_heard(board, &slot, &report));
  assert_taken(board, ROUNDS, 3, 3);
  post(board, 5, 9, 9);
  hear(board, 9, 9);
  wzp_board_clear(board);
  g_assert_false(wzp_board_take_left(board, &slot));
  g_assert_false(wzp_board_take_heard(board, &slot, &report));
  g_assert_false(wzp_board_take(board, ROUNDS, &report));
  g_assert_cmpint(wzp_board_deadline(board), ==, WZP_NEVER);
  wzp_board_free(board);
}

/* Two streaming threads and the session's: no report is invented, none comes twice. */
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
  WzpBoard *board = wzp_board_new(0);
  guint16 last[5] = {0}, last_heard[3] = {0};
  GThread *thread = g_thread_new("write-reports", write_reports, board);
  gboolean written = FALSE;
  for (guint taken = 0; !written || taken > 0;) {
    WzpReport report;
    guint8 listener;
    written |= last[ROUNDS % 5] == ROUNDS;
    taken = 0;
    while (wzp_board_take(board, ROUNDS, &report)) {
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
  g_test_add_func("/board/alone", test_alone);
  g_test_add_func("/board/turns", test_turns);
  g_test_add_func("/board/heard", test_heard);
  g_test_add_func("/board/forget", test_forget);
  g_test_add_func("/board/threads", test_threads);
  return g_test_run();
}
