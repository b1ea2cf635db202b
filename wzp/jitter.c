/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "jitter.h"
#include "seq.h"
#include <glib.h>

#define MSEC INT64_C(1000000)
#define SECOND (1000 * MSEC)

#define RESTART_JUMP (5 * SECOND)
/* base is the minimum over one to two of these */
#define BASE_WINDOW (4 * SECOND)
/* the playout point follows base by at most a hundredth of the time played, farther away it jumps */
#define SLEW_PARTS 100
#define SLEW_LIMIT (40 * MSEC)
/* this long nothing but late frames: the way is longer now */
#define LATE_RUN (500 * MSEC)
#define LATE_RUN_FRAMES 10
/* the first frame to play is no older than this, if there is a newer one */
#define START_AGE (500 * MSEC)
/* a step of the usual delay beyond base: the mean of about so many packets */
#define USUAL_PARTS 32
/* a poll that comes late fills what it missed in one piece, up to this */
#define SILENCE_MAX SECOND

typedef struct {
  uint64_t order;
  int64_t media; /* on our own scale, see media_shift */
  int64_t duration, arrival;
  uint64_t index, id; /* the owner's */
  bool discont, recovered;
} Entry;

struct WzpJitter {
  int64_t latency;
  unsigned max_queued;
  GArray *queue; /* of Entry, by order */

  /* Numbering. order = index + order_shift and media = media time + media_shift, both without the
   * sender's restarts; newest is the entry with the highest order so far. */
  bool anchored, media_known;
  uint64_t order_shift;
  int64_t media_shift;
  Entry newest;
  WzpWindow seen;

  /* base: minimum of arrival - media, of this window and the one before */
  bool window_open;
  int64_t window_start, last_arrival;
  int64_t minimum[2];
  int64_t usual; /* mean of (arrival - media - base) */

  /* Playout. time = media + offset; cursor is the end of what was put out. */
  bool started, discont;
  uint64_t next;
  int64_t offset, cursor, duration;
  int64_t filled; /* ns since the last played frame */
  uint64_t filled_frames;

  int64_t late_since, late_delay; /* of the run: its start, its smallest delay */
  unsigned late_run;

  WzpJitterStats stats;
};

WzpJitter *
wzp_jitter_new(int64_t latency_ns, unsigned max_queued)
{
  WzpJitter *jitter = g_new0(WzpJitter, 1);
  jitter->latency = latency_ns;
  jitter->max_queued = MAX(max_queued, 1);
  jitter->queue = g_array_sized_new(FALSE, FALSE, sizeof(Entry), jitter->max_queued + 1);
  wzp_window_init(&jitter->seen, WZP_WINDOW_MAX);
  return jitter;
}

void
wzp_jitter_free(WzpJitter *jitter)
{
  if (jitter == NULL)
    return;
  g_array_unref(jitter->queue);
  g_free(jitter);
}

void
wzp_jitter_set_latency(WzpJitter *jitter, int64_t latency_ns)
{
  jitter->latency = latency_ns;
}

void
wzp_jitter_reset(WzpJitter *jitter)
{
  WzpJitter fresh = {.latency = jitter->latency,
                     .max_queued = jitter->max_queued,
                     .queue = jitter->queue,
                     .stats = jitter->stats};
  g_array_set_size(fresh.queue, 0);
  wzp_window_init(&fresh.seen, WZP_WINDOW_MAX);
  *jitter = fresh;
}

static Entry *
entry(const WzpJitter *jitter, unsigned at)
{
  return &g_array_index(jitter->queue, Entry, at);
}

static int64_t
base(const WzpJitter *jitter)
{
  return MIN(jitter->minimum[0], jitter->minimum[1]);
}

/* Nothing of the stream is being played: not yet, or no more. */
static bool
is_unheard(const WzpJitter *jitter)
{
  return !jitter->started || jitter->filled >= WZP_JITTER_CONCEAL_NS;
}

static void
open_window(WzpJitter *jitter, int64_t arrival, int64_t delay)
{
  jitter->window_open = true;
  jitter->window_start = arrival;
  jitter->minimum[0] = jitter->minimum[1] = delay;
}

static void
observe_delay(WzpJitter *jitter, int64_t arrival, int64_t delay)
{
  /* Frames of one packet arrive together: the first waited longest, and only it tells the delay. */
  if (jitter->window_open && arrival == jitter->last_arrival)
    return;
  jitter->last_arrival = arrival;
  if (jitter->window_open)
    jitter->usual += (MAX(delay - base(jitter), 0) - jitter->usual) / USUAL_PARTS;
  if (!jitter->window_open || arrival - jitter->window_start >= 2 * BASE_WINDOW) {
    open_window(jitter, arrival, delay);
  } else if (arrival - jitter->window_start >= BASE_WINDOW) {
    jitter->minimum[1] = jitter->minimum[0];
    jitter->minimum[0] = delay;
    jitter->window_start += BASE_WINDOW;
  } else {
    jitter->minimum[0] = MIN(jitter->minimum[0], delay);
  }
}

/* Lets the playout point follow base; freely while nobody hears it, else slowly, or in one jump when it
 * is far away. step is the time that was played since the last call. */
static void
follow_base(WzpJitter *jitter, int64_t step)
{
  int64_t away = base(jitter) - jitter->offset;
  if (is_unheard(jitter)) {
    jitter->offset += away;
  } else if (ABS(away) > SLEW_LIMIT) {
    jitter->offset += away;
    jitter->discont = true;
  } else {
    jitter->offset += CLAMP(away, -step / SLEW_PARTS, step / SLEW_PARTS);
  }
}

static int64_t
entry_time(const WzpJitter *jitter, const Entry *frame)
{
  return frame->media + jitter->offset;
}

/* The media time that follows from the order; from the arrival where that says nothing: behind a restart
 * and behind a silence. */
static int64_t
infer_media(const WzpJitter *jitter, const Entry *frame, bool restarted)
{
  const Entry *newest = &jitter->newest;
  int64_t media = newest->media + (int64_t)(frame->order - newest->order) * newest->duration;
  bool past = media + jitter->offset + frame->duration / 2 < jitter->cursor;
  bool after_silence =
      !frame->recovered && jitter->started && is_unheard(jitter) && frame->order >= jitter->next;
  return restarted || (past && after_silence) ? frame->arrival - base(jitter) : media;
}

/* A new numbering begins: this frame stands behind all before it. */
static void
restart_order(WzpJitter *jitter, Entry *frame)
{
  frame->order = MAX(jitter->newest.order + 1, jitter->next);
  jitter->order_shift = frame->order - frame->index;
}

static void
count_restart(WzpJitter *jitter, Entry *frame)
{
  if (!frame->discont)
    jitter->stats.restarts++;
  frame->discont = true;
}

/* Brings the frame on our own scales of order and media time. */
static Entry
place(WzpJitter *jitter, const WzpJitterFrame *frame)
{
  Entry placed = {.order = frame->index + jitter->order_shift,
                  .duration = frame->duration,
                  .arrival = frame->arrival,
                  .index = frame->index,
                  .id = frame->id,
                  .recovered = frame->recovered};
  bool has_media = frame->media_time >= 0;

  if (!jitter->anchored) {
    placed.media = has_media ? frame->media_time : frame->arrival;
    jitter->media_known = has_media;
    return placed;
  }

  int64_t distance = (int64_t)(placed.order - jitter->newest.order);
  int64_t limit = RESTART_JUMP / frame->duration;
  bool jumped = distance > limit || distance < -limit;
  if (jumped) {
    restart_order(jitter, &placed);
    count_restart(jitter, &placed);
  }

  if (!has_media || !jitter->media_known)
    placed.media = infer_media(jitter, &placed, jumped);
  if (!has_media)
    return placed;

  if (!jitter->media_known) { /* the first real time takes over seamlessly */
    jitter->media_shift = placed.media - frame->media_time;
    jitter->media_known = true;
    return placed;
  }
  placed.media = frame->media_time + jitter->media_shift;
  int64_t off = frame->arrival - placed.media - base(jitter);
  if (off < -RESTART_JUMP || (jumped && off > RESTART_JUMP)) {
    jitter->media_shift += off;
    placed.media += off;
    count_restart(jitter, &placed);
  }
  return placed;
}

/* True when so much has come late that the timeline itself must move; then it begins anew with frame. */
static bool
give_in_to_lateness(WzpJitter *jitter, Entry *late)
{
  int64_t delay = late->arrival - late->media;
  if (late->recovered)
    return false;
  if (jitter->late_run == 0) {
    jitter->late_since = late->arrival;
    jitter->late_delay = delay;
  }
  jitter->late_delay = MIN(jitter->late_delay, delay);
  jitter->late_run++;
  if (jitter->late_run < LATE_RUN_FRAMES || late->arrival - jitter->late_since < LATE_RUN)
    return false;
  if (late->order <= jitter->newest.order) {
    restart_order(jitter, late);
    wzp_window_mark(&jitter->seen, late->order);
  }
  open_window(jitter, late->arrival, jitter->late_delay);
  jitter->offset = base(jitter);
  count_restart(jitter, late);
  return true;
}

static void
count_late(WzpJitter *jitter, const Entry *frame)
{
  if (frame->recovered)
    jitter->stats.recovered_late++;
  else
    jitter->stats.late++;
}

static bool
is_late(const WzpJitter *jitter, const Entry *frame)
{
  return jitter->started && (frame->order < jitter->next ||
                             entry_time(jitter, frame) + frame->duration / 2 < jitter->cursor);
}

WzpResult
wzp_jitter_push(WzpJitter *jitter, const WzpJitterFrame *frame, uint64_t *dropped)
{
  if (frame->duration <= 0)
    return WZP_MALFORMED;

  Entry placed = place(jitter, frame);
  WzpWindowVerdict verdict = wzp_window_check(&jitter->seen, placed.order);
  bool duplicate = verdict == WZP_WINDOW_SEEN;
  if (verdict == WZP_WINDOW_NEW)
    wzp_window_mark(&jitter->seen, placed.order);
  if (!duplicate && !placed.recovered) {
    observe_delay(jitter, placed.arrival, placed.arrival - placed.media);
    if (is_unheard(jitter))
      follow_base(jitter, 0);
  }
  if ((duplicate || is_late(jitter, &placed)) && !give_in_to_lateness(jitter, &placed)) {
    jitter->stats.duplicate += duplicate;
    if (!duplicate)
      count_late(jitter, &placed);
    return duplicate ? WZP_REPLAYED : WZP_TOO_OLD;
  }
  if (!placed.recovered)
    jitter->late_run = 0;

  if (!jitter->anchored || placed.order > jitter->newest.order)
    jitter->newest = placed;
  else if (!placed.recovered)
    jitter->stats.reordered++;
  jitter->anchored = true;

  unsigned at = jitter->queue->len;
  while (at > 0 && entry(jitter, at - 1)->order > placed.order)
    at--;
  g_array_insert_val(jitter->queue, at, placed);
  if (jitter->queue->len <= jitter->max_queued)
    return WZP_OK;

  unsigned last = jitter->queue->len - 1;
  if (dropped != NULL)
    *dropped = entry(jitter, last)->id;
  g_array_set_size(jitter->queue, last);
  jitter->stats.overflow++;
  return WZP_QUEUE_FULL;
}

static WzpJitterOutput
wait_until(int64_t until)
{
  return (WzpJitterOutput){.action = WZP_JITTER_WAIT, .until = until};
}

static WzpJitterOutput
drop_head(WzpJitter *jitter)
{
  WzpJitterOutput output = {.action = WZP_JITTER_DROP, .id = entry(jitter, 0)->id};
  count_late(jitter, entry(jitter, 0));
  g_array_remove_index(jitter->queue, 0);
  return output;
}

static WzpJitterOutput
play_head(WzpJitter *jitter, int64_t now)
{
  Entry head = *entry(jitter, 0);
  int64_t time = entry_time(jitter, &head);
  WzpJitterOutput output = {.action = WZP_JITTER_PLAY,
                            .id = head.id,
                            .index = head.index,
                            .time = time,
                            .due = time + jitter->latency,
                            .duration = head.duration};
  output.discont = is_unheard(jitter) || jitter->discont || head.discont;
  if (jitter->started)
    jitter->stats.lost += head.order - jitter->next;
  jitter->stats.played++;
  jitter->stats.recovered += head.recovered;
  if (!head.recovered)
    jitter->stats.delay = MAX(now, output.due) - head.arrival;

  g_array_remove_index(jitter->queue, 0);
  jitter->started = true;
  jitter->discont = false;
  jitter->next = head.order + 1;
  jitter->cursor = time + head.duration;
  jitter->duration = head.duration;
  jitter->filled = 0;
  jitter->filled_frames = 0;
  follow_base(jitter, head.duration);
  return output;
}

/* Fills the turn at cursor. head: the next queued frame, if there is one. */
static WzpJitterOutput
fill(WzpJitter *jitter, const Entry *head, int64_t now)
{
  WzpJitterOutput output = {.action = WZP_JITTER_SILENCE,
                            .index = jitter->next + jitter->filled_frames - jitter->order_shift,
                            .time = jitter->cursor,
                            .due = jitter->cursor + jitter->latency,
                            .duration = jitter->duration};
  bool number_free = head == NULL || jitter->next + jitter->filled_frames < head->order;
  if (number_free && jitter->filled < WZP_JITTER_CONCEAL_NS) {
    output.action = WZP_JITTER_LOST;
    jitter->stats.concealed++;
    jitter->filled_frames++;
  } else {
    int64_t missed = now - output.due;
    if (head != NULL)
      missed = MIN(missed, entry_time(jitter, head) - jitter->cursor);
    missed = MIN(missed, SILENCE_MAX);
    if (missed > jitter->duration)
      output.duration = missed - missed % jitter->duration;
    jitter->stats.silence += output.duration;
    jitter->filled = MAX(jitter->filled, WZP_JITTER_CONCEAL_NS);
  }
  jitter->filled += output.duration;
  jitter->cursor += output.duration;
  return output;
}

WzpJitterOutput
wzp_jitter_poll(WzpJitter *jitter, int64_t now)
{
  int64_t turn = jitter->cursor + jitter->latency;
  if (jitter->queue->len == 0) {
    if (!jitter->started)
      return wait_until(INT64_MAX);
    return now < turn ? wait_until(turn) : fill(jitter, NULL, now);
  }

  const Entry *head = entry(jitter, 0);
  int64_t time = entry_time(jitter, head);
  if (jitter->started && is_late(jitter, head))
    return drop_head(jitter);
  if (jitter->started && time > jitter->cursor + jitter->duration / 2)
    return now < turn ? wait_until(turn) : fill(jitter, head, now);
  int64_t due = time + jitter->latency;
  if (!jitter->started && jitter->queue->len > 1 && now - due > START_AGE)
    return drop_head(jitter);
  return now < due ? wait_until(due) : play_head(jitter, now);
}

WzpJitterOutput
wzp_jitter_drain(WzpJitter *jitter)
{
  if (jitter->queue->len == 0)
    return wait_until(INT64_MAX);

  const Entry *head = entry(jitter, 0);
  if (jitter->started && is_late(jitter, head))
    return drop_head(jitter);
  bool missing =
      jitter->started && entry_time(jitter, head) > jitter->cursor + jitter->duration / 2 &&
      jitter->next + jitter->filled_frames < head->order && jitter->filled < WZP_JITTER_CONCEAL_NS;
  return missing ? fill(jitter, head, INT64_MIN) : play_head(jitter, INT64_MIN);
}

void
wzp_jitter_get_stats(const WzpJitter *jitter, WzpJitterStats *stats)
{
  *stats = jitter->stats;
  stats->queued = jitter->queue->len;
  stats->playout = MAX(jitter->latency - jitter->usual, 0);
}
