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
 * seen since the last start of stream, following slow drift. Frames without media time go by arrival. */

typedef struct WzpJitter WzpJitter;

typedef struct {
  uint64_t index;     /* frame number of the stream, 64 bits, consecutive */
  int64_t media_time; /* ns, extended; -1 unknown */
  int64_t duration;   /* ns */
  int64_t arrival;    /* ns of running time */
  uint64_t id;        /* the owner's; returned by poll */
} WzpJitterFrame;

typedef enum {
  WZP_JITTER_WAIT, /* nothing before `until` (INT64_MAX: nothing queued) */
  WZP_JITTER_PLAY, /* frame `id`, due at `due` */
  WZP_JITTER_LOST  /* the frame at `index` is declared lost; due and duration set */
} WzpJitterAction;

typedef struct {
  WzpJitterAction action;
  int64_t until;
  uint64_t id, index;
  int64_t due, duration;
  bool discont; /* first frame, or after a restart of the stream */
} WzpJitterOutput;

typedef struct {
  uint64_t played, lost, late, duplicate, reordered, restarts, overflow;
  unsigned queued;
  int64_t delay; /* ns that the last played frame waited beyond its arrival */
} WzpJitterStats;

WzpJitter *wzp_jitter_new(int64_t latency_ns, unsigned max_queued);
void wzp_jitter_free(WzpJitter *jitter);
void wzp_jitter_set_latency(WzpJitter *jitter, int64_t latency_ns);
/* Forget the stream (flush, new sender). */
void wzp_jitter_reset(WzpJitter *jitter);
/* WZP_OK: queued. WZP_REPLAYED: duplicate. WZP_TOO_OLD: its turn has passed. WZP_QUEUE_FULL: *dropped
 * (may be NULL) is the id that had to go, which may be the frame's own. Indices that jump by more than
 * 5 s of frames restart the stream. */
WzpResult wzp_jitter_push(WzpJitter *jitter, const WzpJitterFrame *frame, uint64_t *dropped);
/* What to do at running time now. Call again after PLAY and LOST. A gap behind which nothing is queued
 * is not declared lost (the sender may be silent): WAIT. */
WzpJitterOutput wzp_jitter_poll(WzpJitter *jitter, int64_t now);
/* As poll, without waiting: the queue in order until WAIT with INT64_MAX (EOS). */
WzpJitterOutput wzp_jitter_drain(WzpJitter *jitter);
void wzp_jitter_get_stats(const WzpJitter *jitter, WzpJitterStats *stats);
