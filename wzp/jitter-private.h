/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "delay.h"
#include "jitter.h"
#include "seq.h"
#include <glib.h>

/* What the parts share: jitter.c numbers and queues frames, jitter-fixed.c plays them at a latency that the owner
 * chose, jitter-adaptive.c at the delay that costs least. */

#define MSEC INT64_C(1000000)
#define SECOND (1000 * MSEC)

/* the first frame to play is no older than this, if there is a newer one */
#define START_AGE (500 * MSEC)
/* a poll that comes late fills what it missed in one piece, up to this */
#define SILENCE_MAX SECOND

typedef struct {
  uint64_t order;
  int64_t media; /* on our own scale, see media_shift */
  int64_t duration, arrival, waited;
  uint64_t index, id;                                   /* the owner's */
  bool discont, recovered, silence, held_back, guessed; /* guessed: media */
} Entry;

struct WzpJitter {
  int64_t latency; /* WZP_JITTER_ADAPTIVE, or fixed */
  int64_t lead;
  unsigned max_queued;
  GArray *queue; /* of Entry, by order */

  /* Numbering. order = index + order_shift and media = media time + media_shift, both without the
   * sender's restarts; newest is the entry with the highest order so far. */
  bool anchored, media_known;
  bool begins; /* the next frame is of another stream */
  uint64_t order_shift;
  int64_t media_shift;
  Entry newest;
  WzpWindow seen;

  /* base: minimum of arrival - media, of this window and the one before */
  bool window_open;
  int64_t window_start, last_arrival;
  int64_t minimum[2];
  int64_t usual; /* mean of (arrival - media - base) */

  /* Playout. cursor is the end of what was put out: on the timeline at a fixed latency, else when it was played.
   * offset: what cursor is ahead of the media time there. */
  bool started, discont, silent; /* silent: the last frame said that silence follows */
  uint64_t next;
  int64_t offset, cursor, duration;
  int64_t filled;  /* ns since the last played frame */
  bool concealing; /* the last of that by LOST */
  uint64_t filled_frames;

  /* fixed: a run of late frames, its start, its smallest delay */
  int64_t late_since, late_delay;
  unsigned late_run;

  /* adaptive */
  WzpDelay *delay;
  int64_t reported;       /* latency that whoever plays adds to our times */
  int64_t debt, debt_at;  /* ns filled while nothing came: as much may be skipped at no cost */
  int64_t unheeded_since; /* a frame is asked to be compressed away, in vain, since then; -1 */
  int64_t pause;          /* until the delay is so much, that of repair; 0: none */
  int64_t
      held_back; /* until the next pause playout keeps this delay: what the sender held back took it */
  WzpWindow hopeless; /* by order: repair was given up */

  int64_t concealed; /* ns, not in the count of frames yet; below 0: rounded up */
  WzpJitterStats stats;
};

static inline Entry *
wzp_jitter_entry(const WzpJitter *jitter, unsigned at)
{
  return &g_array_index(jitter->queue, Entry, at);
}

static inline WzpJitterOutput
wzp_jitter_wait_until(int64_t until)
{
  return (WzpJitterOutput){.action = WZP_JITTER_WAIT, .until = until};
}

/* Smallest arrival - media of the last seconds. */
int64_t wzp_jitter_base(const WzpJitter *jitter);
/* The first of the queue is played as output says: counts it and takes it out. */
void wzp_jitter_take_head(WzpJitter *jitter, int64_t now, WzpJitterOutput *output);
/* What is missing is concealed, not silent: for a while, and on to the frame that is so far ahead, once that is near (0: there is
 * none). */
static inline bool
wzp_jitter_conceals(const WzpJitter *jitter, int64_t ahead)
{
  const bool near = ahead > 0 && ahead <= WZP_JITTER_CONCEAL_NS;
  return jitter->filled < WZP_JITTER_CONCEAL_NS || (jitter->concealing && near);
}
/* Nothing of the stream is being played: not yet, or no more. */
bool wzp_jitter_is_unheard(const WzpJitter *jitter);
void wzp_jitter_open_window(WzpJitter *jitter, int64_t arrival, int64_t way);
/* A new numbering begins: this frame stands behind all before it. */
void wzp_jitter_restart_order(WzpJitter *jitter, Entry *frame);
void wzp_jitter_count_restart(WzpJitter *jitter, Entry *frame);
void wzp_jitter_count_concealed(WzpJitter *jitter, int64_t duration);
WzpJitterOutput wzp_jitter_drop_head(WzpJitter *jitter);

/* jitter-fixed.c */
void wzp_jitter_fixed_follow(WzpJitter *jitter, int64_t step);
bool wzp_jitter_fixed_is_late(const WzpJitter *jitter, const Entry *frame);
bool wzp_jitter_fixed_give_in(WzpJitter *jitter, Entry *late);
WzpJitterOutput wzp_jitter_fixed_poll(WzpJitter *jitter, int64_t now);
WzpJitterOutput wzp_jitter_fixed_drain(WzpJitter *jitter);

/* jitter-adaptive.c */
WzpJitterOutput wzp_jitter_adaptive_poll(WzpJitter *jitter, int64_t now);
WzpJitterOutput wzp_jitter_adaptive_drain(WzpJitter *jitter);
