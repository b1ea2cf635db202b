/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "capacity.h"
#include <glib.h>

#define START_RAISE 1.2
#define START_EVERY                                                                                \
  (250 * WZP_MSEC) /* and the round trip: then it is known what the last step did */
#define TRIED_PART 0.97
#define START_PART 0.92
#define START_DOUBTS (2 * WZP_SECOND)
#define TRIED_JITTER_TIMES 3
#define TRIED_QUEUE_MS 8
#define EMPTY_MS 4
#define SMOOTH_JITTER 5
/* Who hears nothing in so long may have filled a queue that the report waits in, too; after this, nobody reports. */
#define START_PATIENCE (2 * WZP_SECOND)
#define START_GIVES_UP (6 * WZP_SECOND)
#define START_LEAST 9000
#define LEAST_LIMIT 6000

#define QUEUE_MS 35
#define JITTER_TIMES 2
#define JITTER_MAX_MS 80
/* Of what came out at the other end; less the longer the queue is, which must drain. */
#define SHARE 0.88
#define SHARE_LESS 0.0004 /* per ms */
#define DRAIN_MAX_MS 500
/* A queue that is still so long after so much time, though no more comes out than we send, is not ours. */
#define FOREIGN_RATE 1.15
#define FOREIGN_AFTER (3 * WZP_SECOND)
#define FOREIGN_PART 0.75

/* Playout waits for 600 ms at most. A pause so long tells whether the queue is ours. */
#define PAUSE_QUEUE_MS 450
#define PAUSE_LEAVES_MS 150
#define PAUSE_MAX (3 * WZP_SECOND)
#define PAUSE_TELLS (300 * WZP_MSEC)

#define RAISE 1.06
#define RAISE_SLOWLY 5 /* so many times; then what limits is far away, and each step is larger */
#define RAISE_MORE 0.015
#define RAISE_MOST 1.15
#define RAISE_EVERY WZP_SECOND
#define WAIT_LEAST (4 * WZP_SECOND)
#define WAIT_MOST (32 * WZP_SECOND)
#define FAILED_WITHIN (4 * WZP_SECOND)
#define TESTED_PART 0.9 /* of the limit must have been sent before it can be said to get through */

void
wzp_capacity_begin(WzpCapacity *capacity, WzpTime now)
{
  capacity->begun = capacity->starting = true;
  capacity->began = capacity->raised_at = capacity->raise_at = now;
  capacity->heard = false;
  capacity->limit = WZP_CAPACITY_START;
  capacity->over_since = WZP_NEVER;
  capacity->wait = WAIT_LEAST;
  capacity->pause_from = capacity->pause_until = now;
}

double
wzp_capacity_threshold(const WzpDelivery *path)
{
  return QUEUE_MS + JITTER_TIMES * MIN(path->jitter, JITTER_MAX_MS);
}

/* One report alone may be chance; not when the queue is long, or was seen coming. After a step up less comes out than
 * went in long before the queue is one. */
static bool
is_over(const WzpCapacity *capacity, WzpTime now, const WzpDelivery *path, double rate,
        double threshold)
{
  bool tried = capacity->cut && now - capacity->raised_at < FAILED_WITHIN;
  double little = TRIED_QUEUE_MS + TRIED_JITTER_TIMES * path->jitter;
  if (path->queue > little && path->delivered > 0 && path->delivered < TRIED_PART * rate &&
      (tried ||
       (capacity->starting && (path->jitter < SMOOTH_JITTER || path->before > little / 2))))
    return true;
  return path->queue > threshold && (path->queue > 2 * threshold || path->before > threshold / 2);
}

static void
consider_pause(WzpCapacity *capacity, WzpTime now, const WzpDelivery *path)
{
  if (path->backlog < PAUSE_QUEUE_MS)
    return;
  if (!wzp_capacity_is_paused(capacity, now)) {
    capacity->pause_from = now;
    capacity->pauses++;
  }
  capacity->pause_until =
      now + MIN((WzpTime)(path->backlog - PAUSE_LEAVES_MS) * WZP_MSEC, PAUSE_MAX);
}

/* What was sent after less was sent for a while, or nothing, waited as long as what was sent before. */
static bool
is_foreign(const WzpCapacity *capacity, WzpTime now, const WzpDelivery *path, double rate)
{
  if (path->queue < FOREIGN_PART * capacity->over_queue)
    return false;
  if (path->heard > capacity->pause_until && capacity->pause_from > capacity->over_since &&
      capacity->pause_until - capacity->pause_from > PAUSE_TELLS)
    return true;
  return now - capacity->over_since > FOREIGN_AFTER + 2 * MAX(path->round_trip, 0) &&
         path->delivered < FOREIGN_RATE * rate;
}

static bool
cut(WzpCapacity *capacity, WzpTime now, WzpDelivery *path, double rate)
{
  double delivered = path->delivered > 0 ? path->delivered : rate * SHARE;
  double share = SHARE - SHARE_LESS * MIN(path->backlog, DRAIN_MAX_MS);
  unsigned limit = (unsigned)MAX(delivered * share, LEAST_LIMIT);
  if (capacity->over_since == WZP_NEVER) {
    capacity->over_since = now;
    capacity->over_queue = path->queue;
    bool failed = now - capacity->raised_at < FAILED_WITHIN && capacity->cut;
    capacity->wait = failed ? MIN(capacity->wait * 2, WAIT_MOST) : WAIT_LEAST;
  } else if (is_foreign(capacity, now, path, rate)) {
    wzp_delivery_forget_delay(path);
    capacity->over_since = WZP_NEVER;
    return false;
  }
  capacity->over_queue = MAX(capacity->over_queue, path->queue);
  consider_pause(capacity, now, path);
  capacity->starting = false;
  capacity->raise_at = now + capacity->wait;
  path->bottleneck = delivered;
  if (capacity->limit != 0 && limit >= capacity->limit)
    return false;
  capacity->limit = limit;
  capacity->cut = true;
  capacity->steps = 0;
  capacity->cuts++;
  return true;
}

static bool
raise_limit(WzpCapacity *capacity, WzpTime now, WzpDelivery *path, double times, double needed)
{
  capacity->limit = (unsigned)(capacity->limit * times);
  capacity->raised_at = now;
  capacity->probes += !capacity->starting;
  if (capacity->limit < needed)
    return true;
  capacity->limit = 0;
  capacity->starting = capacity->cut = false;
  capacity->wait = WAIT_LEAST;
  path->bottleneck = 0;
  return true;
}

bool
wzp_capacity_report(WzpCapacity *capacity, WzpTime now, WzpDelivery *path, double rate,
                    double needed)
{
  double threshold = wzp_capacity_threshold(path);
  if (!capacity->begun || !path->timed)
    return false;
  if (is_over(capacity, now, path, rate, threshold))
    return cut(capacity, now, path, rate);
  bool second = capacity->heard; /* the first one only says where the delay begins */
  capacity->heard = true;
  if (path->queue > threshold / 2)
    return false;
  capacity->over_since = WZP_NEVER;
  if (capacity->limit == 0)
    return false;
  if (capacity->starting)
    return second && now - capacity->raised_at >= START_EVERY + MAX(path->round_trip, 0) &&
           path->queue <= EMPTY_MS + path->jitter &&
           (path->delivered >= START_PART * rate || now - capacity->began > START_DOUBTS) &&
           raise_limit(capacity, now, path, START_RAISE, needed);
  if (now < capacity->raise_at || path->queue > EMPTY_MS + path->jitter ||
      now - capacity->raised_at < RAISE_EVERY + MAX(path->round_trip, 0) ||
      rate < TESTED_PART * capacity->limit)
    return false;
  unsigned more = capacity->steps++ > RAISE_SLOWLY ? capacity->steps - RAISE_SLOWLY : 0;
  double times = MIN(RAISE + RAISE_MORE * more, RAISE_MOST);
  return raise_limit(capacity, now, path, times, needed);
}

bool
wzp_capacity_tick(WzpCapacity *capacity, WzpTime now)
{
  unsigned limit = capacity->limit;
  if (!capacity->starting || capacity->heard)
    return false;
  if (now - capacity->began >= START_GIVES_UP)
    capacity->limit = WZP_CAPACITY_START;
  else if (now - capacity->raised_at >= START_PATIENCE) {
    capacity->raised_at = now;
    capacity->limit = MAX(limit / 2, START_LEAST);
  }
  return capacity->limit != limit;
}

bool
wzp_capacity_is_paused(const WzpCapacity *capacity, WzpTime now)
{
  return now >= capacity->pause_from && now < capacity->pause_until;
}

bool
wzp_capacity_is_probing(const WzpCapacity *capacity, WzpTime now)
{
  return capacity->limit != 0 && !capacity->starting && capacity->over_since == WZP_NEVER &&
         now >= capacity->raise_at;
}
