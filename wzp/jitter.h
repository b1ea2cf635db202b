/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "result.h"
#include <stdbool.h>
#include <stdint.h>

/* Ordering and playout of one sender's frames at a fixed latency. It holds identifiers, not buffers:
 * the owner keeps the frame under the id that it passed. Times are nanoseconds of running time, so that
 * the element needs no conversion; the clock is the caller's.
 *
 * A frame is due at its media time + base + latency, where base is the smallest (arrival - media time)
 * of the last seconds: it follows drift between the clocks. Frames without media time go by their index
 * from the last known one, or by arrival.
 *
 * The output is a timeline without holes. Where a frame is missing at its turn, the turn is filled: for
 * the first 120 ms by LOST (conceal it), then by SILENCE. That holds too when nothing is queued behind
 * the gap (the sender is silent, or the network is out): the listener's side needs sound at its turn and
 * cannot wait to learn why. What comes after its turn was filled is late and dropped, so the latency
 * never grows. When everything has come late for 500 ms, the way itself has become longer: base starts
 * again. */

typedef struct WzpJitter WzpJitter;

#define WZP_JITTER_CONCEAL_NS INT64_C(120000000)

typedef struct {
  uint64_t index;     /* frame number of the stream, 64 bits, consecutive */
  int64_t media_time; /* ns, extended; -1 unknown */
  int64_t duration;   /* ns, above 0 */
  int64_t arrival;    /* ns of running time */
  uint64_t id;        /* the owner's; returned by poll */
  bool recovered;     /* by repair: when it came says nothing about the way */
} WzpJitterFrame;

typedef enum {
  WZP_JITTER_WAIT,    /* nothing before `until` (INT64_MAX: until the next push) */
  WZP_JITTER_PLAY,    /* frame `id` of `index` */
  WZP_JITTER_LOST,    /* the frame `index` is missing at its turn: conceal it */
  WZP_JITTER_SILENCE, /* nothing to conceal from any more: `duration` of silence */
  WZP_JITTER_DROP     /* frame `id` goes unplayed: its turn has passed (counted as late) */
} WzpJitterAction;

typedef struct {
  WzpJitterAction action;
  int64_t until;
  uint64_t id, index;
  int64_t time;     /* place on the output's timeline, not moved by changes of the latency */
  int64_t due;      /* time + latency: when it is played */
  int64_t duration; /* of PLAY, LOST, SILENCE */
  bool discont;     /* PLAY: first frame, after silence, or after a jump of the timeline */
} WzpJitterOutput;

typedef struct {
  uint64_t played;
  uint64_t lost;      /* frame numbers passed over: frames that never came, and late ones */
  uint64_t concealed; /* LOST actions: also those before a silence that the sender meant */
  uint64_t late, duplicate, reordered, restarts, overflow;
  uint64_t recovered;      /* of the played ones: brought back by repair */
  uint64_t recovered_late; /* brought back too late; not counted as late */
  int64_t silence;         /* ns filled by SILENCE */
  unsigned queued;
  int64_t delay; /* ns that the last played frame waited beyond its arrival, recovered ones aside */
  int64_t
      playout; /* how long after a packet's usual arrival a repaired frame of it is still played */
} WzpJitterStats;

WzpJitter *wzp_jitter_new(int64_t latency_ns, unsigned max_queued);
void wzp_jitter_free(WzpJitter *jitter);
void wzp_jitter_set_latency(WzpJitter *jitter, int64_t latency_ns);
/* Forget the stream (flush, new sender), not the counters. Queued ids are forgotten as well: take them
 * out by drain before, or know them. */
void wzp_jitter_reset(WzpJitter *jitter);
/* WZP_OK: queued. WZP_REPLAYED: duplicate. WZP_TOO_OLD: its turn has passed. WZP_MALFORMED: without
 * duration. WZP_QUEUE_FULL: *dropped (may be NULL) is the id that had to go: the one farthest from its
 * turn, which may be the frame's own. Indices that jump by more than 5 s of frames, and times by more than
 * 5 s, restart the stream behind what is queued. */
WzpResult wzp_jitter_push(WzpJitter *jitter, const WzpJitterFrame *frame, uint64_t *dropped);
/* What to do at running time now. Call again after everything but WAIT. Before the first frame nothing is
 * filled. */
WzpJitterOutput wzp_jitter_poll(WzpJitter *jitter, int64_t now);
/* As poll, without waiting and without silence: the queue in order until WAIT with INT64_MAX (EOS). */
WzpJitterOutput wzp_jitter_drain(WzpJitter *jitter);
void wzp_jitter_get_stats(const WzpJitter *jitter, WzpJitterStats *stats);
