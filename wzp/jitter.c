/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "jitter-private.h"

#define RESTART_JUMP (5 * SECOND)
/* base is the minimum over one to two of these */
#define BASE_WINDOW (4 * SECOND)
/* a step of the usual delay beyond base: the mean of about so many packets */
#define USUAL_PARTS 32
/* told to the sender at least: repair that comes sooner than this is always worth planning */
#define PLAYOUT_MIN (60 * MSEC)
/* and else less than it is by so much: what comes just at its turn is too late */
#define PLAYOUT_MARGIN (3 * MSEC)

static void
clear(WzpJitter *jitter)
{
  wzp_window_init(&jitter->seen, WZP_WINDOW_MAX);
  wzp_window_init(&jitter->hopeless, WZP_WINDOW_MAX);
  jitter->unheeded_since = -1;
}

WzpJitter *
wzp_jitter_new(int64_t latency_ns, unsigned max_queued)
{
  WzpJitter *jitter = g_new0(WzpJitter, 1);
  jitter->latency = latency_ns;
  jitter->max_queued = MAX(max_queued, 1);
  jitter->queue = g_array_sized_new(FALSE, FALSE, sizeof(Entry), jitter->max_queued + 1);
  jitter->delay = wzp_delay_new();
  clear(jitter);
  return jitter;
}

void
wzp_jitter_free(WzpJitter *jitter)
{
  if (jitter == NULL)
    return;
  g_array_unref(jitter->queue);
  wzp_delay_free(jitter->delay);
  g_free(jitter);
}

static bool
is_adaptive(const WzpJitter *jitter)
{
  return jitter->latency < 0;
}

void
wzp_jitter_set_latency(WzpJitter *jitter, int64_t latency_ns)
{
  int64_t before = jitter->latency;
  jitter->latency = latency_ns;
  if ((before < 0) == (latency_ns < 0))
    return;
  /* cursor changes its meaning, but not when it is played */
  int64_t step = latency_ns < 0 ? before : -latency_ns;
  jitter->cursor += step;
  jitter->offset += step;
  jitter->debt = 0;
  jitter->discont = true;
}

void
wzp_jitter_set_lead(WzpJitter *jitter, int64_t lead_ns)
{
  jitter->lead = lead_ns;
}

void
wzp_jitter_set_max_latency(WzpJitter *jitter, int64_t max_ns)
{
  wzp_delay_set_max(jitter->delay, max_ns);
}

void
wzp_jitter_set_round_trip(WzpJitter *jitter, int64_t round_trip_ns)
{
  wzp_delay_set_round_trip(jitter->delay, round_trip_ns);
}

void
wzp_jitter_set_reported(WzpJitter *jitter, int64_t reported_ns)
{
  jitter->reported = reported_ns;
}

void
wzp_jitter_reset(WzpJitter *jitter)
{
  WzpJitter fresh = {.latency = jitter->latency,
                     .lead = jitter->lead,
                     .max_queued = jitter->max_queued,
                     .queue = jitter->queue,
                     .delay = jitter->delay,
                     .reported = jitter->reported,
                     .concealed = jitter->concealed,
                     .stats = jitter->stats};
  g_array_set_size(fresh.queue, 0);
  wzp_delay_reset(fresh.delay);
  clear(&fresh);
  *jitter = fresh;
}

bool
wzp_jitter_discard(WzpJitter *jitter, uint64_t *id)
{
  if (jitter->queue->len == 0)
    return false;
  *id = wzp_jitter_entry(jitter, jitter->queue->len - 1)->id;
  g_array_set_size(jitter->queue, jitter->queue->len - 1);
  return true;
}

void
wzp_jitter_begin_stream(WzpJitter *jitter)
{
  jitter->begins = jitter->anchored;
}

int64_t
wzp_jitter_base(const WzpJitter *jitter)
{
  return MIN(jitter->minimum[0], jitter->minimum[1]);
}

bool
wzp_jitter_is_unheard(const WzpJitter *jitter)
{
  return !jitter->started || jitter->filled >= WZP_JITTER_CONCEAL_NS;
}

void
wzp_jitter_take_head(WzpJitter *jitter, int64_t now, WzpJitterOutput *output)
{
  const Entry *head = wzp_jitter_entry(jitter, 0);
  output->discont = wzp_jitter_is_unheard(jitter) || jitter->discont || head->discont;
  if (jitter->started)
    jitter->stats.lost += head->order - jitter->next;
  jitter->stats.played++;
  jitter->stats.recovered += head->recovered;
  if (!head->recovered)
    jitter->stats.delay = MAX(now, output->due) - head->arrival;
  jitter->started = true;
  jitter->discont = false;
  jitter->next = head->order + 1;
  g_array_remove_index(jitter->queue, 0);
}

void
wzp_jitter_open_window(WzpJitter *jitter, int64_t arrival, int64_t delay)
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
    jitter->usual += (MAX(delay - wzp_jitter_base(jitter), 0) - jitter->usual) / USUAL_PARTS;
  if (!jitter->window_open || arrival - jitter->window_start >= 2 * BASE_WINDOW) {
    wzp_jitter_open_window(jitter, arrival, delay);
  } else if (arrival - jitter->window_start >= BASE_WINDOW) {
    jitter->minimum[1] = jitter->minimum[0];
    jitter->minimum[0] = delay;
    jitter->window_start += BASE_WINDOW;
  } else {
    jitter->minimum[0] = MIN(jitter->minimum[0], delay);
  }
}

/* The media time that follows from the order; from the arrival where that says nothing: behind a restart
 * and behind a silence. Where frames are missing the order may have counted too many, since nobody knows how many each
 * lost packet held, and what they lasted may have changed: it lies behind the last one, at most where the longest
 * would put it, and no frame came sooner than the fastest. */
static int64_t
infer_media(const WzpJitter *jitter, const Entry *frame, bool restarted)
{
  const Entry *newest = &jitter->newest;
  const int64_t distance = (int64_t)(frame->order - newest->order);
  const int64_t at_base = frame->arrival - wzp_jitter_base(jitter);
  int64_t media = newest->media + distance * newest->duration;
  if (distance > 1 && (jitter->media_known || frame->duration != newest->duration)) {
    const int64_t next = newest->media + newest->duration;
    const int64_t most = next + (distance - 1) * MAX(newest->duration, frame->duration);
    media = CLAMP(at_base, next, most);
  }
  bool past = media + jitter->offset + frame->duration / 2 < jitter->cursor;
  bool after_silence = !frame->recovered && jitter->started && wzp_jitter_is_unheard(jitter) &&
                       frame->order >= jitter->next;
  return restarted || (past && after_silence) ? at_base : media;
}

void
wzp_jitter_restart_order(WzpJitter *jitter, Entry *frame)
{
  frame->order = MAX(jitter->newest.order + 1, jitter->next);
  jitter->order_shift = frame->order - frame->index;
}

void
wzp_jitter_count_restart(WzpJitter *jitter, Entry *frame)
{
  if (!frame->discont)
    jitter->stats.restarts++;
  frame->discont = true;
}

/* A higher number with an earlier time: the sender plays from an earlier place on. */
static bool
turns_back(const WzpJitter *jitter, const Entry *frame)
{
  return frame->order > jitter->newest.order && !frame->recovered && !jitter->newest.guessed &&
         !jitter->newest.recovered && frame->media < jitter->newest.media;
}

/* Brings the frame on our own scales of order and media time. */
static Entry
place(WzpJitter *jitter, const WzpJitterFrame *frame)
{
  Entry placed = {.order = frame->index + jitter->order_shift,
                  .duration = frame->duration,
                  .arrival = frame->arrival,
                  .waited = frame->waited,
                  .index = frame->index,
                  .id = frame->id,
                  .recovered = frame->recovered,
                  .silence = frame->silence,
                  .held_back = frame->held_back || frame->silence};
  bool has_media = frame->media_time >= 0;

  if (!jitter->anchored) {
    placed.media = has_media ? frame->media_time : frame->arrival;
    jitter->media_known = has_media;
    return placed;
  }

  int64_t distance = (int64_t)(placed.order - jitter->newest.order);
  int64_t limit = RESTART_JUMP / frame->duration;
  bool jumped = jitter->begins || distance > limit || distance < -limit;
  if (jitter->begins) {
    jitter->begins = jitter->media_known = false;
    jitter->debt = jitter->held_back = 0;
  }
  if (jumped) {
    wzp_jitter_restart_order(jitter, &placed);
    wzp_jitter_count_restart(jitter, &placed);
  }

  if (!has_media || !jitter->media_known)
    placed.media = infer_media(jitter, &placed, jumped);
  placed.guessed = !has_media && jitter->media_known;
  if (!has_media)
    return placed;

  if (!jitter->media_known) { /* the first real time takes over seamlessly */
    jitter->media_shift = placed.media - frame->media_time;
    jitter->media_known = true;
    return placed;
  }
  placed.media = frame->media_time + jitter->media_shift;
  if (turns_back(jitter, &placed)) {
    const int64_t next = jitter->newest.media + jitter->newest.duration;
    const int64_t media = MAX(frame->arrival - wzp_jitter_base(jitter), next);
    jitter->media_shift += media - placed.media;
    placed.media = media;
    wzp_jitter_count_restart(jitter, &placed);
    return placed;
  }
  if (!jumped && distance < 0 &&
      placed.media > jitter->newest.media) { /* from before it turned back */
    placed.media = infer_media(jitter, &placed, false);
    placed.guessed = true;
    return placed;
  }
  int64_t off = frame->arrival - placed.media - wzp_jitter_base(jitter);
  if (off < -RESTART_JUMP || (jumped && off > RESTART_JUMP)) {
    jitter->media_shift += off;
    placed.media += off;
    wzp_jitter_count_restart(jitter, &placed);
  }
  return placed;
}

static void
count_late(WzpJitter *jitter, const Entry *frame)
{
  if (frame->recovered)
    jitter->stats.recovered_late++;
  else
    jitter->stats.late++;
}

static void
observe(WzpJitter *jitter, const Entry *placed)
{
  WzpDelayArrival arrival = {.order = placed->order,
                             .media = placed->media,
                             .duration = placed->duration,
                             .arrival = placed->arrival,
                             .waited = placed->waited,
                             .recovered = placed->recovered};
  bool held_back = placed->held_back && jitter->window_open;
  bool guessed = placed->guessed && jitter->window_open;
  if (held_back || guessed) {
    int64_t in_time = placed->media + wzp_delay_base(jitter->delay, placed->arrival);
    /* what was held back counts as one that came in time; and no guess tells of a faster way */
    arrival.arrival = held_back ? in_time : MAX(placed->arrival, in_time);
    arrival.guessed = true;
  }
  wzp_delay_arrived(jitter->delay, &arrival);
  if (placed->recovered || held_back || guessed)
    return;
  observe_delay(jitter, placed->arrival, placed->arrival - placed->media);
  if (!is_adaptive(jitter) && wzp_jitter_is_unheard(jitter))
    wzp_jitter_fixed_follow(jitter, 0);
}

static bool
is_late(const WzpJitter *jitter, const Entry *frame)
{
  if (is_adaptive(jitter))
    return jitter->started && frame->order < jitter->next;
  return wzp_jitter_fixed_is_late(jitter, frame);
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
  if (!duplicate)
    observe(jitter, &placed);
  if ((duplicate || is_late(jitter, &placed)) &&
      (is_adaptive(jitter) || !wzp_jitter_fixed_give_in(jitter, &placed))) {
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
  while (at > 0 && wzp_jitter_entry(jitter, at - 1)->order > placed.order)
    at--;
  g_array_insert_val(jitter->queue, at, placed);
  if (jitter->queue->len <= jitter->max_queued)
    return WZP_OK;

  unsigned last = jitter->queue->len - 1;
  if (dropped != NULL)
    *dropped = wzp_jitter_entry(jitter, last)->id;
  g_array_set_size(jitter->queue, last);
  jitter->stats.overflow++;
  return WZP_QUEUE_FULL;
}

WzpJitterOutput
wzp_jitter_drop_head(WzpJitter *jitter)
{
  WzpJitterOutput output = {.action = WZP_JITTER_DROP, .id = wzp_jitter_entry(jitter, 0)->id};
  count_late(jitter, wzp_jitter_entry(jitter, 0));
  g_array_remove_index(jitter->queue, 0);
  return output;
}

WzpJitterOutput
wzp_jitter_poll(WzpJitter *jitter, int64_t now)
{
  return is_adaptive(jitter) ? wzp_jitter_adaptive_poll(jitter, now)
                             : wzp_jitter_fixed_poll(jitter, now);
}

WzpJitterOutput
wzp_jitter_drain(WzpJitter *jitter)
{
  return is_adaptive(jitter) ? wzp_jitter_adaptive_drain(jitter) : wzp_jitter_fixed_drain(jitter);
}

void
wzp_jitter_stretched(WzpJitter *jitter, int64_t by_ns)
{
  if (!is_adaptive(jitter))
    return;
  jitter->cursor += by_ns;
  jitter->offset += by_ns;
  jitter->unheeded_since = -1;
  jitter->stats.stretched++;
}

void
wzp_jitter_hopeless(WzpJitter *jitter, uint64_t index)
{
  uint64_t order = index + jitter->order_shift;
  if (jitter->anchored && order <= jitter->newest.order &&
      wzp_window_check(&jitter->hopeless, order) == WZP_WINDOW_NEW)
    wzp_window_mark(&jitter->hopeless, order);
}

void
wzp_jitter_count_concealed(WzpJitter *jitter, int64_t duration)
{
  jitter->concealed += duration;
  const int64_t frames = (jitter->concealed + jitter->duration / 2) / jitter->duration;
  jitter->stats.concealed += (uint64_t)MAX(frames, 0);
  jitter->concealed -= MAX(frames, 0) * jitter->duration;
}

int64_t
wzp_jitter_latency(const WzpJitter *jitter)
{
  return is_adaptive(jitter) ? wzp_delay_target(jitter->delay) : jitter->latency;
}

/* How long after what comes fastest in a packet a frame of it is waited for. Long frames, and the first of several, were
 * spoken earlier: base is that of a short one alone. Where nothing is repaired a sender only packs by that. */
static int64_t
adaptive_patience(const WzpJitter *jitter)
{
  const int64_t max = wzp_delay_max(jitter->delay);
  int64_t worth = MIN(wzp_delay_worth_waiting(jitter->delay), max) - PLAYOUT_MARGIN;
  if (jitter->window_open && wzp_delay_repairs(jitter->delay))
    worth -= MAX(wzp_jitter_base(jitter) - wzp_delay_base(jitter->delay, jitter->last_arrival), 0);
  return MAX(worth, MIN(PLAYOUT_MIN, max));
}

void
wzp_jitter_get_stats(const WzpJitter *jitter, WzpJitterStats *stats)
{
  const int64_t patience = is_adaptive(jitter) ? adaptive_patience(jitter) : jitter->latency;
  *stats = jitter->stats;
  stats->queued = jitter->queue->len;
  stats->latency = wzp_jitter_latency(jitter);
  stats->playout = MAX(patience - jitter->usual, 0);
  stats->drift_ppm = wzp_delay_drift_ppm(jitter->delay);
}
