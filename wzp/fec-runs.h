/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "fec-receiver.h"
#include "numbering.h"

/* Numbers for the frames of a stream, from media time. Consecutive frames of one codec and length at regular times
 * are a run; within it, time and number follow from each other. The numbers of the next run go on: missing time
 * takes as many numbers as frames were lost in it at most, silence takes none. A number is never given to two
 * frames: packets that were lost between two runs may have belonged to either, so room is left for them all. */

#define WZP_FEC_RUNS 16

typedef struct {
  uint8_t code; /* of one frame */
  unsigned frame_ms;
  uint64_t media_ms, number; /* of one of its frames */
  uint64_t floor;            /* no number below is its own */
  uint64_t low, end;         /* the numbers that came, or that repair spoke of */
  uint64_t last_index;       /* of its packets */
  unsigned most_n;           /* frames that one of them held */
} WzpFecRun;

typedef struct {
  WzpFecRun runs[WZP_FEC_RUNS]; /* oldest first */
  unsigned n;
  WzpNumbering numbering; /* where media time is not known */
  bool guessing;          /* the newest packet was numbered so */
  bool started;
  uint64_t last_index, last_end; /* the newest packet with frames; 1 + the last of their numbers */
  uint64_t others;               /* bit i: packet last_index + 1 + i came, without frames */
  unsigned last_frames_per_packet;
} WzpFecRuns;

typedef struct {
  uint64_t first;
  bool certain; /* not a guess that other packets of the same time may contradict */
} WzpFecNumbers;

/* The numbers of a packet's frames. False: it is too old to be numbered. index and media_ms are below 2^60. */
bool wzp_fec_runs_packet(WzpFecRuns *runs, const WzpFecPacketInfo *info, const WzpFraming *framing,
                         WzpFecNumbers *numbers);
/* A packet that says that silence begins or goes on: it has a number, like a frame, and the next one in the same
 * silence has the next. False: newer packets came, or its media time is not known. */
bool wzp_fec_runs_comfort(WzpFecRuns *runs, const WzpFecPacketInfo *info, WzpFecNumbers *numbers);
/* The newest frame was such a packet. */
bool wzp_fec_runs_silent(const WzpFecRuns *runs);
/* A packet without frames came. */
void wzp_fec_runs_no_frames(WzpFecRuns *runs, uint64_t index);
/* The numbers that a repair element in the packet `index` speaks of: *first and the window - 1 behind it. newest_ms: of
 * the last of them. False: no run has them. */
bool wzp_fec_runs_window(WzpFecRuns *runs, uint64_t index, const WzpFraming *framing,
                         uint64_t newest_ms, unsigned window, uint64_t *first);
/* The run of a number, NULL before the first. */
const WzpFecRun *wzp_fec_runs_find(const WzpFecRuns *runs, uint64_t number);
/* The media time of a number as its run has it. */
uint64_t wzp_fec_run_time(const WzpFecRun *run, uint64_t number);
