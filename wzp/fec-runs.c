/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-runs.h"
#include "comfort-noise.h"
#include "fec-private.h"
#include <glib.h>
#include <string.h>

#define FRAMES_PER_PACKET_MAX 4 /* of all framings */

uint64_t
wzp_fec_run_time(const WzpFecRun *run, uint64_t number)
{
  int64_t frames = (int64_t)(number - run->number);
  int64_t ms = (int64_t)run->media_ms + frames * (int64_t)run->frame_ms;
  return ms > 0 ? (uint64_t)ms : 0;
}

/* The number of the frame at media_ms. False: the run has no frame that begins then. */
static bool
number_at(const WzpFecRun *run, uint64_t media_ms, uint64_t *number)
{
  int64_t frame_ms = run->frame_ms;
  int64_t ms = (int64_t)(media_ms - run->media_ms);
  int64_t up = ms + frame_ms / 2;
  int64_t frames = up >= 0 ? up / frame_ms : -((frame_ms - 1 - up) / frame_ms);
  int64_t off = ms - frames * frame_ms;

  if (off > WZP_FEC_TOLERANCE_MS || off < -WZP_FEC_TOLERANCE_MS || frames < -(int64_t)run->number)
    return false;
  *number = run->number + (uint64_t)frames;
  return true;
}

static uint64_t
floor_of(const WzpFecRuns *runs, unsigned i)
{
  uint64_t floor = runs->runs[i].floor;
  return i > 0 ? MAX(floor, runs->runs[i - 1].end) : floor;
}

/* How many frames the packets that are missing before this one held at most. */
static uint64_t
missing_before(const WzpFecRuns *runs, uint64_t index, unsigned frames_per_packet)
{
  if (index <= runs->last_index)
    return 0;
  uint64_t between = index - runs->last_index - 1;
  uint64_t others = between < 64 ? runs->others & ((UINT64_C(1) << between) - 1) : runs->others;
  return (between - (unsigned)__builtin_popcountll(others)) * frames_per_packet;
}

/* Runs follow each other in media time, too, unless it began again. */
static bool
out_of_time(const WzpFecRuns *runs, unsigned i, uint64_t first, uint64_t end)
{
  const WzpFecRun *run = &runs->runs[i];
  if (i > 0) {
    const WzpFecRun *before = &runs->runs[i - 1];
    uint64_t end_ms = wzp_fec_run_time(before, before->end);
    if (end_ms <= wzp_fec_run_time(run, run->low) + WZP_FEC_TOLERANCE_MS &&
        wzp_fec_run_time(run, first) + WZP_FEC_TOLERANCE_MS < end_ms)
      return true;
  }
  if (i + 1 < runs->n) {
    const WzpFecRun *after = &runs->runs[i + 1];
    uint64_t begin_ms = wzp_fec_run_time(after, after->low) + WZP_FEC_TOLERANCE_MS;
    if (wzp_fec_run_time(run, run->end) <= begin_ms && wzp_fec_run_time(run, end) > begin_ms)
      return true;
  }
  return false;
}

/* Takes a range of numbers into run i, where it may be of that run. allowed: how far the newest run may grow. */
static bool
take_in(WzpFecRuns *runs, unsigned i, uint64_t first, uint64_t end, uint64_t allowed)
{
  WzpFecRun *run = &runs->runs[i];
  uint64_t limit = i + 1 < runs->n ? runs->runs[i + 1].low : run->end + allowed;
  if (first < floor_of(runs, i) || end > limit || out_of_time(runs, i, first, end))
    return false;
  run->low = MIN(run->low, first);
  run->end = MAX(run->end, end);
  return true;
}

static void
note_packet(WzpFecRuns *runs, uint64_t index, const WzpFraming *framing, uint64_t first)
{
  if (!runs->started || index > runs->last_index) {
    uint64_t shift = index - runs->last_index;
    runs->last_index = index;
    runs->last_end = first + framing->frames_per_packet;
    runs->last_frames_per_packet = framing->frames_per_packet;
    runs->others = shift < 64 ? runs->others >> shift : 0;
  }
  runs->started = true;
}

static bool
number_by_index(WzpFecRuns *runs, uint64_t index, const WzpFraming *framing, WzpFecNumbers *numbers)
{
  bool newest = !runs->started || index > runs->last_index;
  numbers->first = wzp_numbering_first_frame(&runs->numbering, framing, index);
  numbers->certain = runs->n == 0 && runs->numbering.before.framing == NULL;
  if (newest && runs->n > 0)
    runs->guessing = true;
  note_packet(runs, index, framing, numbers->first);
  return true;
}

/* What numbering by index goes on from. */
static void
anchor_numbering(WzpFecRuns *runs, uint64_t index, const WzpFraming *framing, uint64_t first)
{
  WzpNumbering *numbering = &runs->numbering;
  if (numbering->now.framing != framing)
    numbering->before = numbering->now;
  numbering->now = (WzpNumberingAnchor){framing, index, first};
  runs->guessing = false;
}

/* The most frames that lost packets before this one may each have held: around a start of talking packets are like
 * this one or like those before. */
static unsigned
frames_of_missing(const WzpFecRuns *runs, const WzpFecPacketInfo *info, const WzpFraming *framing)
{
  return info->talk_start ? MAX(runs->last_frames_per_packet, framing->frames_per_packet)
                          : FRAMES_PER_PACKET_MAX;
}

/* How many of `room` numbers behind a run to leave for lost frames before one at media_ms. */
static uint64_t
leave_out(const WzpFecRun *run, uint64_t room, uint64_t media_ms, unsigned frame_ms)
{
  uint64_t end_ms = wzp_fec_run_time(run, run->end) + WZP_FEC_TOLERANCE_MS;
  if (media_ms + 2 * WZP_FEC_TOLERANCE_MS < end_ms) /* time began again */
    return room;
  uint64_t missing_ms = media_ms > end_ms ? media_ms - end_ms : 0;
  frame_ms = MIN(frame_ms, run->frame_ms);
  return MIN(room, (missing_ms + frame_ms - 1) / frame_ms);
}

/* The first number of a run that begins with this packet, the newest. */
static uint64_t
next_number(WzpFecRuns *runs, const WzpFecPacketInfo *info, const WzpFraming *framing)
{
  if (runs->n == 0)
    return wzp_numbering_first_frame(&runs->numbering, framing, info->index);

  const WzpFecRun *last = &runs->runs[runs->n - 1];
  uint64_t end = last->end;
  if (runs->guessing) { /* go on from what has been said since */
    WzpNumbering guess = runs->numbering;
    end = MAX(end, wzp_numbering_first_frame(&guess, framing, info->index));
    if (runs->numbering.now.framing == framing)
      return end;
  }
  uint64_t room = missing_before(runs, info->index, frames_of_missing(runs, info, framing));
  return end + leave_out(last, room, info->media_ms, framing->frame_ms);
}

static void
begin_run(WzpFecRuns *runs, unsigned i, const WzpFecPacketInfo *info, const WzpFraming *framing,
          uint64_t number)
{
  WzpFecRun run = {
      .code = (uint8_t)wzp_fec_frame_code(framing),
      .frame_ms = framing->frame_ms,
      .media_ms = info->media_ms,
      .number = number,
      .low = number,
      .end = number + framing->frames_per_packet,
      .last_index = info->index,
      .most_n = framing->frames_per_packet,
  };
  if (runs->guessing || (i == 0 && runs->numbering.before.framing != NULL))
    run.floor = number; /* what came before is numbered by a guess */
  else if (i > 0) {     /* at most what is missing can be of it, too */
    const WzpFecRun *before = &runs->runs[i - 1];
    unsigned n = framing->frames_per_packet;
    unsigned most_n = before->code == run.code ? MAX(n, before->most_n) : FRAMES_PER_PACKET_MAX;
    uint64_t missing = missing_before(runs, info->index, most_n);
    run.floor = number - MIN(number, missing);
  }
  if (runs->n == WZP_FEC_RUNS) { /* i is not 0 then */
    runs->runs[1].floor = floor_of(runs, 1);
    memmove(runs->runs, runs->runs + 1, (WZP_FEC_RUNS - 1) * sizeof runs->runs[0]);
    runs->n--;
    i--;
  }
  memmove(runs->runs + i + 1, runs->runs + i, (runs->n - i) * sizeof runs->runs[0]);
  runs->runs[i] = run;
  runs->n++;
}

/* A late packet of a run that was not seen before. Its time lies inside another run, where numbers are missing, or
 * between two, where room was left for it. */
static bool
number_straggler(WzpFecRuns *runs, const WzpFecPacketInfo *info, const WzpFraming *framing,
                 WzpFecNumbers *numbers)
{
  unsigned i = runs->n, n = framing->frames_per_packet;
  while (i > 0 && info->media_ms < wzp_fec_run_time(&runs->runs[i - 1], runs->runs[i - 1].low))
    i--;
  if (i == 0)
    return false;
  const WzpFecRun *before = &runs->runs[i - 1];
  uint64_t low_ms = wzp_fec_run_time(before, before->low);
  numbers->first = before->low + (info->media_ms - low_ms) / before->frame_ms;
  if (numbers->first + n <= before->end)
    return true;
  if (i == runs->n || info->index <= before->last_index)
    return false;

  uint64_t limit = runs->runs[i].low, room = (info->index - before->last_index - 1) * n;
  numbers->first = before->end + leave_out(before, room, info->media_ms, framing->frame_ms);
  if (before->end + n > limit)
    return false;
  numbers->first = MIN(numbers->first, limit - n);
  begin_run(runs, i, info, framing, numbers->first);
  return true;
}

/* Whether the newest packet goes on from the one before it: whether the packets between them account for the numbers
 * between. Else there was a pause, or the time of what came before was reckoned without the full headers of a
 * change. */
static bool
goes_on(const WzpFecRuns *runs, const WzpFecPacketInfo *info, const WzpFraming *framing,
        uint64_t first)
{
  unsigned n = framing->frames_per_packet, most_n = MAX(n, runs->runs[runs->n - 1].most_n);
  uint64_t missing = missing_before(runs, info->index, 1);
  uint64_t most = missing * most_n;
  return !runs->guessing && first >= runs->last_end + missing && first <= runs->last_end + most;
}

bool
wzp_fec_runs_packet(WzpFecRuns *runs, const WzpFecPacketInfo *info, const WzpFraming *framing,
                    WzpFecNumbers *numbers)
{
  if (!info->has_media_ms)
    return number_by_index(runs, info->index, framing, numbers);

  bool newest = !runs->started || info->index > runs->last_index;
  unsigned n = framing->frames_per_packet;
  int code = wzp_fec_frame_code(framing);

  numbers->certain = true;
  for (unsigned i = runs->n; i-- > 0;) {
    WzpFecRun *run = &runs->runs[i];
    if (newest && i + 1 < runs->n)
      break; /* only the newest run grows at its end */
    if (run->code != code || !number_at(run, info->media_ms, &numbers->first) ||
        (newest && !goes_on(runs, info, framing, numbers->first)) ||
        !take_in(runs, i, numbers->first, numbers->first + n, newest ? UINT32_MAX : 0))
      continue;
    if (info->index > run->last_index) {
      run->last_index = info->index;
      run->most_n = MAX(run->most_n, n);
    }
    if (newest)
      anchor_numbering(runs, info->index, framing, numbers->first);
    note_packet(runs, info->index, framing, numbers->first);
    return true;
  }
  if (!newest && runs->n > 0)
    return number_straggler(runs, info, framing, numbers);
  numbers->first = next_number(runs, info, framing);
  begin_run(runs, runs->n, info, framing, numbers->first);
  anchor_numbering(runs, info->index, framing, numbers->first);
  note_packet(runs, info->index, framing, numbers->first);
  return true;
}

bool
wzp_fec_runs_silent(const WzpFecRuns *runs)
{
  return !runs->guessing && runs->n > 0 && runs->runs[runs->n - 1].code == WZP_CODE_COMFORT_NOISE;
}

bool
wzp_fec_runs_comfort(WzpFecRuns *runs, const WzpFecPacketInfo *info, WzpFecNumbers *numbers)
{
  static const WzpFraming framing = {WZP_CODEC_COMFORT_NOISE, WZP_COMFORT_FRAME_MS, 1};
  WzpFecRun *last = runs->n > 0 ? &runs->runs[runs->n - 1] : NULL;
  if (!info->has_media_ms || (runs->started && info->index <= runs->last_index))
    return false;
  numbers->certain = true;
  /* silence is one run, however long, unless frames without a time came in between */
  if (wzp_fec_runs_silent(runs)) {
    numbers->first = last->end;
    last->low = last->number = numbers->first;
    last->end = numbers->first + 1;
    last->media_ms = info->media_ms;
    last->last_index = info->index;
  } else {
    numbers->first = next_number(runs, info, &framing);
    begin_run(runs, runs->n, info, &framing, numbers->first);
    runs->runs[runs->n - 1].code = WZP_CODE_COMFORT_NOISE;
  }
  anchor_numbering(runs, info->index, &framing, numbers->first);
  note_packet(runs, info->index, &framing, numbers->first);
  return true;
}

bool
wzp_fec_runs_window(WzpFecRuns *runs, uint64_t index, const WzpFraming *framing, uint64_t newest_ms,
                    unsigned window, uint64_t *first)
{
  int code = wzp_fec_frame_code(framing);
  uint64_t newest, allowed = missing_before(runs, index, runs->last_frames_per_packet);

  for (unsigned i = runs->n; i-- > 0;) {
    const WzpFecRun *run = &runs->runs[i];
    if (run->code != code || !number_at(run, newest_ms, &newest) || newest + 1 < window)
      continue;
    *first = newest + 1 - window;
    /* where a stretch ends, the window may reach over frames that were all lost */
    if (take_in(runs, i, *first, newest + 1, allowed))
      return true;
  }
  return false;
}

void
wzp_fec_runs_no_frames(WzpFecRuns *runs, uint64_t index)
{
  if (runs->started && index > runs->last_index && index - runs->last_index <= 64)
    runs->others |= UINT64_C(1) << (index - runs->last_index - 1);
}

const WzpFecRun *
wzp_fec_runs_find(const WzpFecRuns *runs, uint64_t number)
{
  for (unsigned i = runs->n; i-- > 0;) {
    if (number >= runs->runs[i].low)
      return &runs->runs[i];
  }
  return runs->n > 0 ? &runs->runs[0] : NULL;
}
