/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "jitter-private.h"

/* Nothing is stretched for less; too early costs more than too late. */
#define EXPAND_MIN MSEC
#define COMPRESS_MIN (3 * MSEC)
/* one period of a deep voice, of which no part can be had */
#define EXPAND_MOST (16 * MSEC)
/* against a slow sender playout keeps what the drift takes in so long */
#define DRIFT_AHEAD 5
/* What a sender holds back at most, and what a frame may be late besides. */
#define HELD_BACK_MAX (80 * MSEC)
/* Waiting for repair begins with a pause, if playout is so far from it: stretched so much, speech would be late for
 * seconds. */
#define PAUSE_BEFORE_REPAIR (100 * MSEC)
/* What fills while nothing comes: short, so that playing goes on as soon as something does; long once it is clear
 * that nobody speaks. */
#define FILL_STEP (5 * MSEC / 2)
#define FILL_LONG_AFTER SECOND
/* Skipping behind a stall leaves so much between the newest frame and its turn. */
#define SKIP_MARGIN (20 * MSEC)
#define DEBT_AGE (5 * SECOND)
/* Who was asked to compress a frame away, and did not for so long, cannot. */
#define UNHEEDED_AGE (2 * SECOND)
/* a poll that comes later than this missed its turns: they are filled in one piece */
#define LATE_POLL (200 * MSEC)

static int64_t
base_at(const WzpJitter *jitter, int64_t when, const Entry *fallback)
{
  int64_t base = wzp_delay_base(jitter->delay, when);
  return base == INT64_MIN ? fallback->arrival - fallback->media : base;
}

/* Media time at the cursor: of what is to be played next. */
static int64_t
media_at_cursor(const WzpJitter *jitter)
{
  return jitter->cursor - jitter->offset;
}

static void
pay_debt(WzpJitter *jitter, int64_t duration)
{
  jitter->debt = MAX(jitter->debt - duration, 0);
}

/* Content is passed over: time stands, media time goes on. */
static void
pass(WzpJitter *jitter, uint64_t frames, int64_t media)
{
  jitter->next += frames;
  jitter->offset -= media;
  jitter->stats.lost += frames;
}

/* The listener's time goes on, content stands. */
static WzpJitterOutput
fill(WzpJitter *jitter, int64_t duration, bool conceal)
{
  WzpJitterOutput output = {.action = conceal ? WZP_JITTER_LOST : WZP_JITTER_SILENCE,
                            .index = jitter->next - jitter->order_shift,
                            .time = jitter->cursor - jitter->reported,
                            .due = jitter->cursor,
                            .duration = duration};
  if (conceal)
    wzp_jitter_count_concealed(jitter, duration);
  else
    jitter->stats.silence += duration;
  jitter->cursor += duration;
  jitter->offset += duration;
  jitter->filled += duration;
  jitter->concealing = conceal;
  return output;
}

/* As fill; behind it, or some more, comes the head, after `ahead`. */
static WzpJitterOutput
fill_before(WzpJitter *jitter, const Entry *head, int64_t duration, int64_t ahead, bool conceal)
{
  WzpJitterOutput output = fill(jitter, duration, conceal);
  if (conceal) {
    output.id = head->id;
    output.ahead = MAX(ahead, 0);
  }
  return output;
}

static bool
conceals(const WzpJitter *jitter, int64_t ahead)
{
  return !jitter->silent && wzp_jitter_conceals(jitter, ahead);
}

/* Nothing to play. */
static WzpJitterOutput
hold(WzpJitter *jitter, int64_t now)
{
  bool conceal = conceals(jitter, 0);
  int64_t step = jitter->filled < FILL_LONG_AFTER && !jitter->silent ? FILL_STEP : jitter->duration;
  int64_t missed = MIN(now - jitter->cursor, SILENCE_MAX);
  if (!conceal && missed > jitter->duration)
    step = missed - missed % jitter->duration;
  if (!jitter->silent) {
    jitter->debt += step;
    jitter->debt_at = jitter->cursor + step;
  }
  return fill(jitter, step, conceal);
}

static WzpJitterOutput
skip_head(WzpJitter *jitter, bool late)
{
  Entry head = *wzp_jitter_entry(jitter, 0);
  pass(jitter, head.order + 1 - jitter->next, head.media + head.duration - media_at_cursor(jitter));
  pay_debt(jitter, head.duration);
  if (late)
    return wzp_jitter_drop_head(jitter);
  jitter->stats.skipped++;
  g_array_remove_index(jitter->queue, 0);
  return (WzpJitterOutput){.action = WZP_JITTER_DROP, .id = head.id};
}

/* By how much a frame that is played so long beyond base should be stretched. How a word begins is what the sender held
 * back: the delay that it brings is not taken out of it, but kept until the next pause. */
static int64_t
stretch_for(const WzpJitter *jitter, int64_t played)
{
  double slow_ppm = MAX(wzp_delay_drift_ppm(jitter->delay), 0);
  int64_t away = MAX(wzp_delay_target(jitter->delay), jitter->held_back) +
                 (int64_t)(slow_ppm * 1000 * DRIFT_AHEAD) - played;
  if (away < EXPAND_MIN && away > -COMPRESS_MIN)
    return 0;
  return away > 0 && played + EXPAND_MOST > wzp_delay_max(jitter->delay) ? 0 : away;
}

static WzpJitterOutput
play_head(WzpJitter *jitter, int64_t now)
{
  Entry head = *wzp_jitter_entry(jitter, 0);
  int64_t played = jitter->cursor - head.media - base_at(jitter, jitter->cursor, &head);
  WzpJitterOutput output = {.action = WZP_JITTER_PLAY,
                            .id = head.id,
                            .index = head.index,
                            .time = jitter->cursor - jitter->reported,
                            .due = jitter->cursor,
                            .duration = head.duration,
                            .stretch = stretch_for(jitter, played)};
  wzp_jitter_take_head(jitter, now, &output);
  jitter->silent = head.silence;
  if (output.stretch > -head.duration)
    jitter->unheeded_since = -1;
  else if (jitter->unheeded_since < 0)
    jitter->unheeded_since = jitter->cursor;
  jitter->offset = jitter->cursor - head.media;
  jitter->cursor += head.duration;
  jitter->duration = head.duration;
  jitter->filled = head.silence ? WZP_JITTER_CONCEAL_NS : 0;
  return output;
}

/* The frames before the head are missing, each as long as `lasts`, and nothing says that the sender was silent there. */
static WzpJitterOutput
take_hole(WzpJitter *jitter, const Entry *head, int64_t lasts, int64_t now)
{
  int64_t waits = jitter->cursor - media_at_cursor(jitter) - base_at(jitter, jitter->cursor, head);
  bool hope = wzp_window_check(&jitter->hopeless, jitter->next) != WZP_WINDOW_SEEN;
  bool early = waits < wzp_delay_target(jitter->delay) - COMPRESS_MIN;
  if (hope && early)
    return hold(jitter, now);
  /* what was filled already needs no filling again */
  int64_t paid = early || jitter->debt >= lasts ? 0 : jitter->debt;
  pay_debt(jitter, paid);
  const int64_t ahead = (int64_t)(head->order - jitter->next) * lasts - paid;
  WzpJitterOutput output = fill_before(jitter, head, lasts - paid, ahead, conceals(jitter, ahead));
  pass(jitter, 1, lasts);
  return output;
}

/* The sender was silent before the head: its delay can be chosen anew. */
static WzpJitterOutput
take_pause(WzpJitter *jitter, const Entry *head, int64_t now)
{
  int64_t due =
      head->media + base_at(jitter, jitter->cursor, head) + wzp_delay_target(jitter->delay);
  jitter->debt = 0;
  if (jitter->cursor + FILL_STEP <= due)
    return fill(jitter, MIN(due - jitter->cursor, jitter->duration), false);
  jitter->held_back = 0;
  if (head->held_back && !head->silence)
    jitter->held_back =
        MIN(jitter->cursor - head->media - base_at(jitter, jitter->cursor, head), HELD_BACK_MAX);
  return play_head(jitter, now);
}

static WzpJitterOutput
take_turn(WzpJitter *jitter, int64_t now)
{
  const int64_t target = wzp_delay_target(jitter->delay);
  const Entry *head = wzp_jitter_entry(jitter, 0);
  const Entry *newest = wzp_jitter_entry(jitter, jitter->queue->len - 1);
  if (head->order < jitter->next)
    return wzp_jitter_drop_head(jitter);
  if (jitter->cursor - jitter->debt_at > DEBT_AGE)
    jitter->debt = 0;

  int64_t base = base_at(jitter, jitter->cursor, head);
  int64_t waits = jitter->cursor - head->media - base;
  if (waits > wzp_delay_limit(jitter->delay)) {
    const WzpJitterOutput dropped = skip_head(jitter, true);
    if (wzp_delay_told(jitter->delay) > 0) { /* what follows keeps its turn: the rest is filled */
      jitter->pause = target;
      jitter->debt = 0;
    }
    return dropped;
  }
  int64_t least = MAX(target, jitter->cursor - newest->media - base + SKIP_MARGIN);
  bool unheeded =
      jitter->unheeded_since >= 0 && jitter->cursor - jitter->unheeded_since > UNHEEDED_AGE;
  if ((jitter->debt >= head->duration || unheeded) && newest != head &&
      waits - head->duration > least) {
    jitter->unheeded_since = -1;
    return skip_head(jitter, false);
  }

  int64_t media = media_at_cursor(jitter), gap = head->media - media;
  uint64_t missing = head->order - jitter->next;
  if (gap > (int64_t)missing * jitter->duration + jitter->duration / 2)
    return take_pause(jitter, head, now);
  if (wzp_delay_told(jitter->delay) - waits > PAUSE_BEFORE_REPAIR)
    jitter->pause = wzp_delay_told(jitter->delay);
  if (waits + FILL_STEP > jitter->pause)
    jitter->pause = 0;
  if (jitter->pause > 0)
    return fill(jitter, FILL_STEP, conceals(jitter, 0));
  if (missing == 0)
    return play_head(jitter, now);
  /* shorter ones are missing than was played last, when the profile changed there */
  const int64_t lasts = MIN(jitter->duration, gap / (int64_t)missing);
  if (lasts < FILL_STEP) {
    pass(jitter, missing, gap);
    return take_turn(jitter, now);
  }
  /* what was filled already needs no filling again */
  if (jitter->debt >= lasts && waits > target - COMPRESS_MIN) {
    uint64_t paid = MIN(missing, (uint64_t)(jitter->debt / lasts));
    pass(jitter, paid, (int64_t)paid * lasts);
    pay_debt(jitter, (int64_t)paid * lasts);
    return take_turn(jitter, now);
  }
  return take_hole(jitter, head, lasts, now);
}

WzpJitterOutput
wzp_jitter_adaptive_poll(WzpJitter *jitter, int64_t now)
{
  if (jitter->queue->len == 0) {
    if (!jitter->started)
      return wzp_jitter_wait_until(INT64_MAX);
    return now < jitter->cursor ? wzp_jitter_wait_until(jitter->cursor) : hold(jitter, now);
  }
  if (!jitter->started) {
    const Entry *head = wzp_jitter_entry(jitter, 0);
    int64_t due = head->media + base_at(jitter, now, head) + wzp_delay_target(jitter->delay);
    if (jitter->queue->len > 1 && now - due > START_AGE)
      return wzp_jitter_drop_head(jitter);
    if (now < due)
      return wzp_jitter_wait_until(due);
    jitter->cursor = now - due < head->duration ? due : now;
    return play_head(jitter, now);
  }
  if (now < jitter->cursor)
    return wzp_jitter_wait_until(jitter->cursor);
  if (now - jitter->cursor > LATE_POLL) {
    jitter->filled = MAX(jitter->filled, WZP_JITTER_CONCEAL_NS);
    return hold(jitter, now);
  }
  return take_turn(jitter, now);
}

WzpJitterOutput
wzp_jitter_adaptive_drain(WzpJitter *jitter)
{
  if (jitter->queue->len == 0)
    return wzp_jitter_wait_until(INT64_MAX);
  const Entry *head = wzp_jitter_entry(jitter, 0);
  if (!jitter->started) {
    jitter->cursor =
        head->media + base_at(jitter, head->arrival, head) + wzp_delay_target(jitter->delay);
    return play_head(jitter, INT64_MIN);
  }
  if (head->order < jitter->next)
    return wzp_jitter_drop_head(jitter);
  if (head->order == jitter->next || jitter->filled >= WZP_JITTER_CONCEAL_NS)
    return play_head(jitter, INT64_MIN);
  const int64_t ahead = (int64_t)(head->order - jitter->next) * jitter->duration;
  WzpJitterOutput output = fill_before(jitter, head, jitter->duration, ahead, true);
  pass(jitter, 1, jitter->duration);
  return output;
}
