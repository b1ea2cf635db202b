/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "jitter-private.h"

/* the playout point follows base by at most a hundredth of the time played, farther away it jumps */
#define SLEW_PARTS 100
#define SLEW_LIMIT (40 * MSEC)
/* this long nothing but late frames: the way is longer now */
#define LATE_RUN (500 * MSEC)
#define LATE_RUN_FRAMES 10

/* Lets the playout point follow base; freely while nobody hears it, else slowly, or in one jump when it
 * is far away. step is the time that was played since the last call. */
void
wzp_jitter_fixed_follow(WzpJitter *jitter, int64_t step)
{
  int64_t away = wzp_jitter_base(jitter) - jitter->offset;
  if (wzp_jitter_is_unheard(jitter)) {
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

/* True when so much has come late that the timeline itself must move; then it begins anew with frame. */
bool
wzp_jitter_fixed_give_in(WzpJitter *jitter, Entry *late)
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
    wzp_jitter_restart_order(jitter, late);
    wzp_window_mark(&jitter->seen, late->order);
  }
  wzp_jitter_open_window(jitter, late->arrival, jitter->late_delay);
  jitter->offset = wzp_jitter_base(jitter);
  wzp_jitter_count_restart(jitter, late);
  return true;
}

bool
wzp_jitter_fixed_is_late(const WzpJitter *jitter, const Entry *frame)
{
  return jitter->started && (frame->order < jitter->next ||
                             entry_time(jitter, frame) + frame->duration / 2 < jitter->cursor);
}

static WzpJitterOutput
play_head(WzpJitter *jitter, int64_t now)
{
  Entry head = *wzp_jitter_entry(jitter, 0);
  int64_t time = entry_time(jitter, &head);
  WzpJitterOutput output = {.action = WZP_JITTER_PLAY,
                            .id = head.id,
                            .index = head.index,
                            .time = time,
                            .due = time + jitter->latency,
                            .duration = head.duration};
  wzp_jitter_take_head(jitter, now, &output);
  jitter->cursor = time + head.duration;
  jitter->duration = head.duration;
  jitter->filled = head.silence ? WZP_JITTER_CONCEAL_NS : 0; /* what follows is not concealed */
  jitter->filled_frames = 0;
  wzp_jitter_fixed_follow(jitter, head.duration);
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
  const int64_t ahead = head != NULL ? entry_time(jitter, head) - jitter->cursor : 0;
  jitter->concealing = number_free && wzp_jitter_conceals(jitter, ahead);
  if (jitter->concealing) {
    output.action = WZP_JITTER_LOST;
    if (ahead > 0) {
      output.id = head->id;
      output.ahead = ahead;
    }
    wzp_jitter_count_concealed(jitter, output.duration);
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

/* Nothing can come any more that belongs before it, so that only who plays it has to wait. */
static bool
goes_on(const WzpJitter *jitter, const Entry *head)
{
  return jitter->started && head->order == jitter->next + jitter->filled_frames && !head->discont &&
         !jitter->discont && !wzp_jitter_is_unheard(jitter);
}

WzpJitterOutput
wzp_jitter_fixed_poll(WzpJitter *jitter, int64_t now)
{
  int64_t turn = jitter->cursor + jitter->latency;
  if (jitter->queue->len == 0) {
    if (!jitter->started)
      return wzp_jitter_wait_until(INT64_MAX);
    return now < turn ? wzp_jitter_wait_until(turn) : fill(jitter, NULL, now);
  }

  const Entry *head = wzp_jitter_entry(jitter, 0);
  int64_t time = entry_time(jitter, head);
  if (jitter->started && wzp_jitter_fixed_is_late(jitter, head))
    return wzp_jitter_drop_head(jitter);
  if (jitter->started && time > jitter->cursor + jitter->duration / 2)
    return now < turn ? wzp_jitter_wait_until(turn) : fill(jitter, head, now);
  int64_t due = time + jitter->latency;
  if (!jitter->started && jitter->queue->len > 1 && now - due > START_AGE)
    return wzp_jitter_drop_head(jitter);
  if (goes_on(jitter, head))
    due -= MIN(jitter->lead, jitter->latency);
  return now < due ? wzp_jitter_wait_until(due) : play_head(jitter, now);
}

WzpJitterOutput
wzp_jitter_fixed_drain(WzpJitter *jitter)
{
  if (jitter->queue->len == 0)
    return wzp_jitter_wait_until(INT64_MAX);

  const Entry *head = wzp_jitter_entry(jitter, 0);
  if (jitter->started && wzp_jitter_fixed_is_late(jitter, head))
    return wzp_jitter_drop_head(jitter);
  bool missing =
      jitter->started && entry_time(jitter, head) > jitter->cursor + jitter->duration / 2 &&
      jitter->next + jitter->filled_frames < head->order && jitter->filled < WZP_JITTER_CONCEAL_NS;
  return missing ? fill(jitter, head, INT64_MIN) : play_head(jitter, INT64_MIN);
}
