/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "result.h"
#include <stdbool.h>
#include <stdint.h>

/* Ordering and playout of one sender's frames. It holds identifiers, not buffers: the owner keeps the frame under
 * the id that it passed. Times are nanoseconds of running time, so that the element needs no conversion; the clock
 * is the caller's. The output is a timeline without holes: the listener's side needs sound at its turn and cannot
 * wait to learn why there is none.
 *
 * With WZP_JITTER_ADAPTIVE the latency is the target of delay.h. Playout moves to it by time stretch, which PLAY
 * asks for and the owner reports back (wzp_jitter_stretched); without that it moves in pauses, and leaves a frame
 * out when it was one too late for 2 s. When nothing is there at its turn, it is filled in steps of 2.5 ms, by LOST for the first 120 ms, then by SILENCE, and content is
 * held: it is played when it comes. What the fill made later is skipped behind it, frame for frame, so that after
 * a stall the playout is back at its target with the newest frames. A frame that is missing before one that came is
 * concealed at its turn, which a target that has not been reached yet puts off; up to that one, if it is no more than 120 ms ahead. What is later than max-latency is
 * dropped. Where a word begins with frames that were held back, the delay that they bring stays until the next pause.
 *
 * At a fixed latency a frame is due at its media time + base + latency, where base is the smallest (arrival - media
 * time) of the last seconds: it follows drift between the clocks. Frames without media time go by their index
 * from the last known one, or by arrival. A missing frame's turn is filled for the first 120 ms by LOST (conceal
 * it), then by SILENCE, also when nothing is queued behind the gap. What comes after its turn was filled is late
 * and dropped, so the latency never grows. When everything has come late for 500 ms, the way itself has become
 * longer: base starts again. */

typedef struct WzpJitter WzpJitter;

#define WZP_JITTER_CONCEAL_NS INT64_C(120000000)
#define WZP_JITTER_ADAPTIVE INT64_C(-1) /* as latency */

typedef struct {
  uint64_t index;     /* frame number of the stream, 64 bits, consecutive */
  int64_t media_time; /* ns, extended; -1 unknown */
  int64_t duration;   /* ns, above 0 */
  int64_t arrival;    /* ns of running time */
  int64_t waited;     /* ns, in its packet for the frames behind it; 0 unknown */
  uint64_t id;        /* the owner's; returned by poll */
  bool recovered;     /* by repair: when it came says nothing about the way */
  bool silence;       /* comfort noise: what follows may be silence, and is not concealed */
  bool
      held_back; /* perhaps by the sender, who heard only later how a word began: when it came says nothing, either */
} WzpJitterFrame;

typedef enum {
  WZP_JITTER_WAIT,    /* nothing before `until` (INT64_MAX: until the next push) */
  WZP_JITTER_PLAY,    /* frame `id` of `index` */
  WZP_JITTER_LOST,    /* the frame `index` is missing at its turn: conceal it */
  WZP_JITTER_SILENCE, /* nothing to conceal from any more: `duration` of silence */
  WZP_JITTER_DROP /* frame `id` goes unplayed: its turn has passed (late), or behind a stall (skipped) */
} WzpJitterAction;

typedef struct {
  WzpJitterAction action;
  int64_t until;
  uint64_t id, index; /* LOST: id is the frame that comes next, if `ahead` tells; it stays queued */
  int64_t ahead; /* LOST: ns from its own place to that of the next frame; 0: none is there yet */
  int64_t time;  /* place on the output's timeline: due less the latency, fixed or reported */
  int64_t due;   /* when it is played; PLAY: may be put out before, see wzp_jitter_set_lead() */
  int64_t duration; /* of PLAY, LOST, SILENCE */
  int64_t stretch;  /* PLAY: by how much it should take longer, below 0 shorter; 0: as it is */
  bool discont;     /* PLAY: first frame, after silence, or after a jump of the timeline */
} WzpJitterOutput;

typedef struct {
  uint64_t played;
  uint64_t lost; /* frame numbers passed over: frames that never came, and late ones */
  uint64_t
      concealed; /* time of LOST actions, in frames: also of those before a silence that the sender meant */
  uint64_t late, duplicate, reordered, restarts, overflow;
  uint64_t skipped;        /* behind a stall; not counted as late */
  uint64_t stretched;      /* frames that took longer or shorter */
  uint64_t recovered;      /* of the played ones: brought back by repair */
  uint64_t recovered_late; /* brought back too late; not counted as late */
  int64_t silence;         /* ns filled by SILENCE */
  unsigned queued;
  int64_t latency;  /* the fixed one, or the target */
  double drift_ppm; /* the sender's clock against ours; above 0 it is slow */
  int64_t delay; /* ns that the last played frame waited beyond its arrival, recovered ones aside */
  int64_t
      playout; /* how long after a packet's usual arrival a repaired frame of it is still played */
} WzpJitterStats;

/* latency_ns: fixed, or WZP_JITTER_ADAPTIVE. */
WzpJitter *wzp_jitter_new(int64_t latency_ns, unsigned max_queued);
void wzp_jitter_free(WzpJitter *jitter);
void wzp_jitter_set_latency(WzpJitter *jitter, int64_t latency_ns);
int64_t wzp_jitter_latency(const WzpJitter *jitter); /* the fixed one, or the target */
/* At a fixed latency: a frame that goes on where the one before ended is put out so long before it is due, by who plays
 * it by its time and may be late himself. 0 at first. */
void wzp_jitter_set_lead(WzpJitter *jitter, int64_t lead_ns);
/* Adaptive: see delay.h. */
void wzp_jitter_set_max_latency(WzpJitter *jitter, int64_t max_ns);
void wzp_jitter_set_round_trip(WzpJitter *jitter, int64_t round_trip_ns); /* below 0: unknown */
/* Adaptive: whoever plays adds this to the times of the output, from the next one on. 0 at first. */
void wzp_jitter_set_reported(WzpJitter *jitter, int64_t reported_ns);
/* Forget the stream (flush, new sender), not the counters. Queued ids are forgotten as well: take them
 * out by discard before, or know them. */
void wzp_jitter_reset(WzpJitter *jitter);
/* Takes a frame out of the queue, which is neither played nor counted. False: there is none. */
bool wzp_jitter_discard(WzpJitter *jitter, uint64_t *id);
/* What is pushed from now on is of another stream: its numbers and times have nothing to do with those before. It is
 * played behind what is queued; what was learnt of the way stays. */
void wzp_jitter_begin_stream(WzpJitter *jitter);
/* WZP_OK: queued. WZP_REPLAYED: duplicate. WZP_TOO_OLD: its turn has passed. WZP_MALFORMED: without
 * duration. WZP_QUEUE_FULL: *dropped (may be NULL) is the id that had to go: the one farthest from its
 * turn, which may be the frame's own. Indices that jump by more than 5 s of frames, times by more than
 * 5 s, and an earlier time with a higher index restart the stream behind what is queued. */
WzpResult wzp_jitter_push(WzpJitter *jitter, const WzpJitterFrame *frame, uint64_t *dropped);
/* What to do at running time now. Call again after everything but WAIT. Before the first frame nothing is
 * filled. */
WzpJitterOutput wzp_jitter_poll(WzpJitter *jitter, int64_t now);
/* Adaptive: the frame that was played last took so much longer (below 0: shorter) than its duration. */
void wzp_jitter_stretched(WzpJitter *jitter, int64_t by_ns);
/* Adaptive: nothing can bring this frame any more: it is not waited for. */
void wzp_jitter_hopeless(WzpJitter *jitter, uint64_t index);
/* As poll, without waiting and without silence: the queue in order until WAIT with INT64_MAX (EOS). */
WzpJitterOutput wzp_jitter_drain(WzpJitter *jitter);
void wzp_jitter_get_stats(const WzpJitter *jitter, WzpJitterStats *stats);
