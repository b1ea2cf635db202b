/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpboard.h"

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
};

WzpBoard *
wzp_board_new(void)
{
  WzpBoard *board = g_new0(WzpBoard, 1);
  g_mutex_init(&board->lock);
  board->ours = g_array_new(FALSE, FALSE, sizeof(Entry));
  board->heard = g_array_new(FALSE, FALSE, sizeof(Entry));
  return board;
}

void
wzp_board_free(WzpBoard *board)
{
  g_array_unref(board->ours);
  g_array_unref(board->heard);
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

void
wzp_board_post(WzpBoard *board, WzpTime now, const WzpReport *report)
{
  g_mutex_lock(&board->lock);
  put(board->ours, report->slot, now, report);
  g_mutex_unlock(&board->lock);
}

gboolean
wzp_board_take(WzpBoard *board, WzpTime now, WzpTime until, WzpReport *report)
{
  Entry first;
  g_mutex_lock(&board->lock);
  gboolean old = board->ours->len > 0 && g_array_index(board->ours, Entry, 0).since < until;
  gboolean taken = old && take_first(board->ours, &first);
  g_mutex_unlock(&board->lock);
  if (taken) {
    *report = first.report;
    wzp_report_age(report, now - first.at);
  }
  return taken;
}

WzpTime
wzp_board_oldest(WzpBoard *board)
{
  g_mutex_lock(&board->lock);
  WzpTime since = board->ours->len > 0 ? g_array_index(board->ours, Entry, 0).since : WZP_NEVER;
  g_mutex_unlock(&board->lock);
  return since;
}

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
  drop(board->ours, slot);
  drop(board->heard, slot);
  g_mutex_unlock(&board->lock);
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
  g_array_set_size(board->heard, 0);
  g_mutex_unlock(&board->lock);
}
