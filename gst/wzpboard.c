/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpboard.h"

/* When no packet took one for so long (nothing is spoken, or there is nobody who could), they go alone. */
#define ALONE_AFTER (100 * WZP_MSEC)

typedef struct {
  guint8 slot; /* whose stream, or who listens */
  WzpTime since;
  WzpTime at; /* of the report; since: of the first that it replaced */
  WzpReport report;
} Entry;

struct WzpBoard {
  GMutex lock;   /* a leaf */
  GArray *ours;  /* of Entry, by age */
  GArray *heard; /* of Entry, by age */
  GArray *left;  /* of slots, who left since that was asked */
  WzpReportPace *pace;
  guint released; /* of ours, the first ones: it is their turn */
  WzpTime released_at, taken_at;
};

WzpBoard *
wzp_board_new(gdouble phase)
{
  WzpBoard *board = g_new0(WzpBoard, 1);
  g_mutex_init(&board->lock);
  board->ours = g_array_new(FALSE, FALSE, sizeof(Entry));
  board->heard = g_array_new(FALSE, FALSE, sizeof(Entry));
  board->left = g_array_new(FALSE, FALSE, sizeof(guint8));
  board->pace = wzp_report_pace_new(phase);
  return board;
}

void
wzp_board_free(WzpBoard *board)
{
  g_array_unref(board->ours);
  g_array_unref(board->heard);
  g_array_unref(board->left);
  wzp_report_pace_free(board->pace);
  g_mutex_clear(&board->lock);
  g_free(board);
}

static Entry *
find(GArray *list, guint8 slot)
{
  for (guint n = 0; n < list->len; n++)
    if (g_array_index(list, Entry, n).slot == slot)
      return &g_array_index(list, Entry, n);
  return NULL;
}

/* A report that replaces another keeps its place: it waits since the other came. */
static void
put(GArray *list, guint8 slot, WzpTime now, const WzpReport *report)
{
  Entry *entry = find(list, slot);
  Entry fresh = {.slot = slot, .since = now, .at = now, .report = *report};
  if (entry != NULL) {
    fresh.since = entry->since;
    *entry = fresh;
  } else {
    g_array_append_val(list, fresh);
  }
}

static gboolean
take_first(GArray *list, Entry *first)
{
  if (list->len == 0)
    return FALSE;
  *first = g_array_index(list, Entry, 0);
  g_array_remove_index(list, 0);
  return TRUE;
}

static void
drop(GArray *list, guint8 slot)
{
  Entry *entry = find(list, slot);
  if (entry != NULL)
    g_array_remove_index(list, (guint)(entry - (Entry *)(void *)list->data));
}

static void
drop_ours(WzpBoard *board, guint8 slot)
{
  const Entry *entry = find(board->ours, slot);
  if (entry != NULL && entry - &g_array_index(board->ours, Entry, 0) < board->released)
    board->released--;
  drop(board->ours, slot);
}

/* --- our turns --- */

static WzpTime
turn_at(const WzpBoard *board)
{
  if (board->ours->len == board->released)
    return WZP_NEVER;
  return wzp_report_pace_next(board->pace, g_array_index(board->ours, Entry, board->released).since,
                              board->ours->len);
}

static void
release(WzpBoard *board, WzpTime now)
{
  if (now < turn_at(board))
    return;
  if (board->released == 0)
    board->released_at = now;
  board->released = board->ours->len;
  wzp_report_pace_turn(board->pace, now);
}

static WzpTime
alone_at(const WzpBoard *board)
{
  return board->released > 0 ? MAX(board->released_at, board->taken_at) + ALONE_AFTER : WZP_NEVER;
}

void
wzp_board_post(WzpBoard *board, WzpTime now, const WzpReport *report)
{
  g_mutex_lock(&board->lock);
  wzp_report_pace_own(board->pace, now, report);
  put(board->ours, report->slot, now, report);
  release(board, now);
  g_mutex_unlock(&board->lock);
}

static gboolean
take_released(WzpBoard *board, WzpTime now, WzpReport *report)
{
  Entry first;
  if (board->released == 0 || !take_first(board->ours, &first))
    return FALSE;
  board->released--;
  *report = first.report;
  wzp_report_age(report, now - first.at);
  return TRUE;
}

gboolean
wzp_board_take(WzpBoard *board, WzpTime now, WzpReport *report)
{
  g_mutex_lock(&board->lock);
  release(board, now);
  gboolean taken = take_released(board, now, report);
  if (taken)
    board->taken_at = now;
  g_mutex_unlock(&board->lock);
  return taken;
}

guint
wzp_board_take_alone(WzpBoard *board, WzpTime now, WzpReport reports[WZP_REPORTS_MAX])
{
  guint n = 0;
  g_mutex_lock(&board->lock);
  release(board, now);
  if (now >= alone_at(board))
    while (n < WZP_REPORTS_MAX && take_released(board, now, &reports[n]))
      n++;
  g_mutex_unlock(&board->lock);
  return n;
}

WzpTime
wzp_board_deadline(WzpBoard *board)
{
  g_mutex_lock(&board->lock);
  WzpTime deadline = MIN(turn_at(board), alone_at(board));
  g_mutex_unlock(&board->lock);
  return deadline;
}

void
wzp_board_overhear(WzpBoard *board, WzpTime now, guint8 listener, const WzpReport *report)
{
  g_mutex_lock(&board->lock);
  wzp_report_pace_heard(board->pace, now, listener, report);
  g_mutex_unlock(&board->lock);
}

void
wzp_board_media(WzpBoard *board, WzpTime now, gsize length)
{
  g_mutex_lock(&board->lock);
  wzp_report_pace_media(board->pace, now, length);
  g_mutex_unlock(&board->lock);
}

void
wzp_board_set_members(WzpBoard *board, guint members)
{
  g_mutex_lock(&board->lock);
  wzp_report_pace_set_members(board->pace, members);
  g_mutex_unlock(&board->lock);
}

/* --- what others say --- */

void
wzp_board_hear(WzpBoard *board, guint8 listener, const WzpReport *report)
{
  g_mutex_lock(&board->lock);
  put(board->heard, listener, 0, report);
  g_mutex_unlock(&board->lock);
}

gboolean
wzp_board_take_heard(WzpBoard *board, guint8 *listener, WzpReport *report)
{
  Entry first;
  g_mutex_lock(&board->lock);
  gboolean taken = take_first(board->heard, &first);
  g_mutex_unlock(&board->lock);
  if (taken) {
    *listener = first.slot;
    *report = first.report;
  }
  return taken;
}

void
wzp_board_forget(WzpBoard *board, guint8 slot)
{
  g_mutex_lock(&board->lock);
  drop_ours(board, slot);
  drop(board->heard, slot);
  wzp_report_pace_forget(board->pace, slot);
  if (board->left->len <= WZP_SLOT_MAX) /* nobody may ask */
    g_array_append_val(board->left, slot);
  g_mutex_unlock(&board->lock);
}

gboolean
wzp_board_take_left(WzpBoard *board, guint8 *slot)
{
  g_mutex_lock(&board->lock);
  gboolean any = board->left->len > 0;
  if (any) {
    *slot = g_array_index(board->left, guint8, 0);
    g_array_remove_index(board->left, 0);
  }
  g_mutex_unlock(&board->lock);
  return any;
}

void
wzp_board_forget_heard(WzpBoard *board)
{
  g_mutex_lock(&board->lock);
  g_array_set_size(board->heard, 0);
  g_mutex_unlock(&board->lock);
}

void
wzp_board_clear(WzpBoard *board)
{
  g_mutex_lock(&board->lock);
  g_array_set_size(board->ours, 0);
  g_array_set_size(board->left, 0);
  g_array_set_size(board->heard, 0);
  wzp_report_pace_reset(board->pace);
  board->released = 0;
  board->released_at = board->taken_at = 0;
  g_mutex_unlock(&board->lock);
}
