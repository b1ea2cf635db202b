/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which frames are lost for good. */
#include "fec-receiver-private.h"
#include <glib.h>

#define REACH_PACKETS 64 /* the windows of so many packets count as lately seen */

unsigned
wzp_fec_receiver_reach(const WzpFecReceiver *receiver)
{
  return MAX(receiver->reach_ms[0], receiver->reach_ms[1]);
}

static void
give_up(WzpFecReceiver *receiver, uint64_t frames)
{
  receiver->stats.hopeless += frames;
  wzp_reception_unrepaired(receiver->reception, (unsigned)MIN(frames, UINT16_MAX));
}

static void
judge_next(WzpFecReceiver *receiver)
{
  if (!wzp_elimination_is_known(receiver->elimination, receiver->judged))
    give_up(receiver, 1);
  receiver->judged++;
}

/* A missing frame is given up once no window reaches back to it any more; while equations wait, one of them may
 * name it, and is solved by one that reaches the newer frames of it. */
void
wzp_fec_receiver_judge(WzpFecReceiver *receiver)
{
  unsigned reach =
      wzp_fec_receiver_reach(receiver) * (wzp_elimination_pending(receiver->elimination) ? 2 : 1);
  uint64_t end = wzp_elimination_end(receiver->elimination);
  while (receiver->judging && receiver->judged < end) {
    const WzpFecRun *run = wzp_fec_runs_find(&receiver->runs, receiver->judged);
    bool known = wzp_elimination_is_known(receiver->elimination, receiver->judged);
    if (!known &&
        (run == NULL || wzp_fec_run_time(run, receiver->judged) + reach + WZP_FEC_REORDER_MS >=
                            receiver->newest_ms))
      break;
    judge_next(receiver);
  }
}

/* The window of columns is about to move up to end. */
void
wzp_fec_receiver_judge_leaving(WzpFecReceiver *receiver, uint64_t end)
{
  uint64_t old_end = wzp_elimination_end(receiver->elimination);
  uint64_t start = end > WZP_ELIMINATION_COLUMNS ? end - WZP_ELIMINATION_COLUMNS : 0;
  if (!receiver->judging)
    return;
  while (receiver->judged < MIN(start, old_end))
    judge_next(receiver);
  if (receiver->judged < start) {
    give_up(receiver, start - receiver->judged);
    receiver->judged = start;
  }
}

void
wzp_fec_receiver_note_reach(WzpFecReceiver *receiver, unsigned ms)
{
  receiver->reach_ms[0] = MAX(receiver->reach_ms[0], ms);
}

void
wzp_fec_receiver_age_reach(WzpFecReceiver *receiver)
{
  if (++receiver->reach_n < REACH_PACKETS)
    return;
  receiver->reach_n = 0;
  receiver->reach_ms[1] = receiver->reach_ms[0];
  receiver->reach_ms[0] = 0;
}
