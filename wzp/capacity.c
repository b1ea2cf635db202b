/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "capacity.h"
#include <glib.h>
#include <math.h>

#define START_SEEN (200 * WZP_MSEC) /* what was sent so long after a step has shown what it does */
#define START_STANDS (600 * WZP_MSEC)
#define START_EVERY (START_SEEN + 100 * WZP_MSEC) /* and the round trip: when that is known */
/* Each step up, if it is one too much, may make a queue of so much before that is known. */
#define START_OVER (90 * WZP_MSEC)
#define START_RAISE_LEAST 1.2
#define START_FAR (350 * WZP_MSEC) /* of a round trip beyond, a smaller one */
#define START_RAISE_FAR 1.12
#define START_RAISE_MOST 1.5
#define START_RAISE_WORTH 1.02
#define START_EXCUSED (300 * WZP_MSEC)
#define START_MOST (15 * WZP_SECOND)
/* A way on which longer packets take no longer is a fast one: of what it must carry then so much is surely less. */
#define START_SURE 0.5
#define START_SEEN_MS 1.5
/* How much longer they take tells how fast it is, where that is more than a few ms and jitter. */
#define START_CONTRAST 250 /* bits */
#define START_TELLS_MS 3
#define START_TELLS_JITTER 3
#define START_TOLD_PART 0.85
#define TRIED_PART 0.97
#define START_PART 0.92
#define START_TESTED 0.9 /* of the limit must have come out */
#define START_DOUBTS (2 * WZP_SECOND)
#define TRIED_JITTER_TIMES 3
#define TRIED_QUEUE_MS 8
#define START_JITTER_TIMES 2 /* where there is little */
#define START_QUEUE_MS 6
#define EMPTY_MS 4
#define SMOOTH_JITTER 5
/* Who hears nothing in so long may have filled a queue that the report waits in, too; after this, nobody reports. */
#define START_PATIENCE (600 * WZP_MSEC)
#define START_GIVES_UP (4 * WZP_SECOND)
#define START_LEAST 12000
#define LEAST_LIMIT 6000

#define QUEUE_MS 35
#define JITTER_TIMES 2
#define JITTER_MAX_MS 80
/* Of what came out at the other end; less while there is a queue, which drains in so much time. */
#define SHARE 0.88
#define DRAIN_MS 800
#define SHORT_MS 350 /* of queue, for which nobody has to speak much worse */
#define SHORT_SHARE 0.55
/* A queue that begins, seen by a report that itself came late: both directions became slow at once, and it is by now
 * as long as that took. */
#define SUDDEN_TIMES 4
/* A queue that is still so long after so much time, though no more comes out than we send, is not ours. */
#define FOREIGN_RATE 1.15
#define FOREIGN_AFTER (3 * WZP_SECOND)
#define FOREIGN_PART 0.75
#define LONGER_AFTER (5 * WZP_SECOND)

/* Playout waits for 600 ms at most. A pause so long tells whether the queue is ours. */
#define PAUSE_QUEUE_MS 600
#define PAUSE_LEAVES_MS 300
#define PAUSE_SEEN_MS 100 /* what was lost on its way is no queue */
#define PAUSE_MAX (3 * WZP_SECOND)
#define PAUSE_TELLS (300 * WZP_MSEC)

#define ALARM_MOST (3 * WZP_SECOND)

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
  capacity->heard = capacity->excused = false;
  capacity->started_with = capacity->alarm = 0;
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

static double
expected_queue(WzpTime now, const WzpDelivery *path)
{
  double age = (double)(now - path->heard) / WZP_MSEC;
  return path->queue > path->before ? path->queue + MIN(path->behind, age) : path->queue;
}

/* One report alone may be chance; not when the queue is long, or was seen coming. After a step up less comes out than
 * went in long before the queue is one. */
static bool
is_over(const WzpCapacity *capacity, WzpTime now, const WzpDelivery *path, double rate,
        double threshold)
{
  bool tried =
      !capacity->starting && capacity->limit != 0 && now - capacity->raised_at < FAILED_WITHIN;
  bool smooth = capacity->starting && path->jitter < SMOOTH_JITTER;
  double little = smooth ? START_QUEUE_MS + START_JITTER_TIMES * path->jitter
                         : TRIED_QUEUE_MS + TRIED_JITTER_TIMES * path->jitter;
  if (path->queue > little && path->delivered > 0 && path->delivered < TRIED_PART * rate &&
      (tried || smooth ||
       (capacity->starting && path->before > little && path->queue > path->before)))
    return true;
  if (expected_queue(now, path) > SUDDEN_TIMES * threshold && path->queue > threshold / 2)
    return true;
  return path->queue > threshold && (path->queue > 2 * threshold || path->before > threshold / 2);
}

static void
consider_pause(WzpCapacity *capacity, WzpTime now, const WzpDelivery *path)
{
  if (path->backlog < PAUSE_QUEUE_MS || path->queue < PAUSE_SEEN_MS)
    return;
  if (!wzp_capacity_is_paused(capacity, now)) {
    capacity->pause_from = now;
    capacity->pauses++;
  }
  capacity->pause_until =
      now + MIN((WzpTime)(path->backlog - PAUSE_LEAVES_MS) * WZP_MSEC, PAUSE_MAX);
}

/* As much comes out as goes in, and what waits becomes neither more nor less. */
static bool
stands(const WzpDelivery *path, double rate)
{
  return fabs(path->queue - path->before) <= EMPTY_MS + path->jitter &&
         path->delivered < FOREIGN_RATE * rate;
}

/* What was sent after less was sent for a while, or nothing, waited as long as what was sent before. */
static bool
is_foreign(const WzpCapacity *capacity, WzpTime now, const WzpDelivery *path, double rate)
{
  bool as_long = path->queue >= FOREIGN_PART * capacity->over_queue;
  if (as_long && path->heard > capacity->pause_until &&
      capacity->pause_from > capacity->over_since &&
      capacity->pause_until - capacity->pause_from > PAUSE_TELLS)
    return true;
  return now - capacity->cut_at > FOREIGN_AFTER + 2 * MAX(path->round_trip, 0) &&
         (stands(path, rate) || (as_long && path->delivered < FOREIGN_RATE * rate));
}

static bool
over_ends(WzpCapacity *capacity)
{
  bool drained = capacity->over_since != WZP_NEVER && capacity->resume > capacity->limit;
  capacity->over_since = WZP_NEVER;
  if (drained && capacity->limit != 0)
    capacity->limit = capacity->resume;
  return drained && capacity->limit != 0;
}

/* The way is longer than it was. */
static bool
not_ours(WzpCapacity *capacity, WzpDelivery *path)
{
  /* what came out at the step of a longer way says nothing; but a queue that became shorter was ours, for the most part */
  if (path->queue >= FOREIGN_PART * capacity->over_queue)
    capacity->resume = MAX(capacity->resume, (unsigned)(capacity->over_rate * SHARE));
  wzp_delivery_forget_delay(path);
  return over_ends(capacity);
}

static bool
cut(WzpCapacity *capacity, WzpTime now, WzpDelivery *path, double rate)
{
  double delivered = path->delivered > 0 ? path->delivered : rate * SHARE;
  double backlog = path->backlog, expected = expected_queue(now, path);
  if (capacity->over_since == WZP_NEVER && expected > path->queue) {
    double age = (double)(now - path->heard) / WZP_MSEC;
    delivered = MIN(delivered, rate * age / (age + expected - path->before));
    backlog = MAX(backlog, expected);
  }
  double share = MAX(SHARE - backlog / DRAIN_MS, backlog < SHORT_MS ? SHORT_SHARE : 0);
  unsigned limit = (unsigned)MAX(delivered * share, LEAST_LIMIT);
  if (capacity->over_since == WZP_NEVER) {
    capacity->over_since = capacity->cut_at = now;
    capacity->over_queue = path->queue;
    capacity->over_rate = rate;
    bool failed = now - capacity->raised_at < FAILED_WITHIN && capacity->cut;
    capacity->wait = failed ? MIN(capacity->wait * 2, WAIT_MOST) : WAIT_LEAST;
  } else if (is_foreign(capacity, now, path, rate)) {
    return not_ours(capacity, path);
  } else if (stands(path, rate)) {
    return false; /* what comes out is no more than what goes in, and says nothing of the way */
  }
  capacity->over_queue = MAX(capacity->over_queue, path->queue);
  consider_pause(capacity, now, path);
  if (capacity->starting && !capacity->excused)
    capacity->started_with = capacity->limit;
  capacity->starting = false;
  capacity->raise_at = now + capacity->wait;
  path->bottleneck = delivered;
  capacity->resume = (unsigned)MAX(delivered * SHARE, LEAST_LIMIT);
  if (capacity->alarm != 0)
    limit = MIN(limit, capacity->alarm);
  capacity->alarm = 0;
  if (capacity->limit != 0 && limit >= capacity->limit)
    return false;
  capacity->limit = limit;
  capacity->cut_at = now;
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

/* While it starts: from what longer packets take longer, how much the way carries at least. */
static double
surely_carries(const WzpDelivery *path)
{
  return START_SURE * path->contrast * 1000 / (MAX(path->queue, 0) + path->jitter + START_SEEN_MS);
}

/* Without a queue longer packets take longer by as much as the bottleneck needs for what they are longer; 0: not seen. */
static double
tell_bottleneck(const WzpDelivery *path, double rate)
{
  if (path->contrast < START_CONTRAST || path->jitter > START_TELLS_JITTER ||
      path->queue < START_TELLS_MS + 2 * path->jitter)
    return 0;
  double told = path->contrast * 1000 / path->queue;
  return told > rate ? told : 0;
}

static bool
start_more(WzpCapacity *capacity, WzpTime now, WzpDelivery *path, double rate, double needed)
{
  double sure = surely_carries(path), limit = capacity->limit;
  if (path->bottleneck <= 0 && (path->bottleneck = tell_bottleneck(path, rate)) > 0)
    return false; /* from now on the queue is without what longer packets take longer */
  if (path->bottleneck > 0)
    sure = START_TOLD_PART * path->bottleneck;
  if (sure >= needed)
    return raise_limit(capacity, now, path, needed / limit + 0.01, needed);
  WzpTime seen = path->heard - capacity->raised_at;
  bool empty = path->queue <= EMPTY_MS + path->jitter ||
               (seen > START_STANDS && stands(path, rate)); /* longer packets, and no queue */
  if (seen < START_SEEN || !empty ||
      (path->delivered < START_PART * rate && now - capacity->began <= START_DOUBTS) ||
      path->delivered < START_TESTED * MIN(limit, needed))
    return false;
  if (limit >= needed)
    return raise_limit(capacity, now, path, 1, needed);
  WzpTime trip = MAX(path->round_trip, 0);
  double safe = MAX(1 + (double)START_OVER / (double)(START_EVERY + trip),
                    trip > START_FAR ? START_RAISE_FAR : START_RAISE_LEAST);
  double times = CLAMP(sure / limit, safe, START_RAISE_MOST);
  times = MAX(times, WZP_CAPACITY_START / limit); /* only the reports were late */
  if (path->bottleneck > 0)
    times = MIN(times, sure / limit);
  if (times > START_RAISE_WORTH && now - capacity->began < START_MOST)
    return raise_limit(capacity, now, path, times, needed);
  capacity->starting = false;
  return false;
}

/* At first nobody knows the jitter. What is gone as soon as that was some of it. */
static bool
start_goes_on(WzpCapacity *capacity, WzpTime now, const WzpDelivery *path)
{
  unsigned limit = capacity->started_with;
  capacity->started_with = 0;
  if (limit == 0 || now - capacity->over_since > START_EXCUSED + MAX(path->round_trip, 0))
    return false;
  capacity->starting = capacity->excused = true;
  capacity->cut = false;
  capacity->limit = limit;
  capacity->over_since = WZP_NEVER;
  capacity->raised_at = now;
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
  if (path->heard > capacity->alarmed_at)
    capacity->alarm = 0;
  bool second = capacity->heard; /* the first one only says where the delay begins */
  capacity->heard = true;
  bool waits = path->queue > EMPTY_MS + path->jitter, over = capacity->over_since != WZP_NEVER;
  if (waits && !over && !capacity->starting && capacity->limit != 0 &&
      now > capacity->raise_at + LONGER_AFTER && now - capacity->raised_at > LONGER_AFTER &&
      stands(path, rate)) {
    wzp_delivery_forget_delay(path); /* the way is a little longer than it was */
    return false;
  }
  if (path->queue > threshold / 2 && over)
    return is_foreign(capacity, now, path, rate) && not_ours(capacity, path);
  if (path->queue > threshold / 2 && !(capacity->starting && stands(path, rate)))
    return false;
  if (over && start_goes_on(capacity, now, path))
    return true;
  if (over_ends(capacity))
    return true;
  if (capacity->limit == 0)
    return false;
  if (capacity->starting)
    return second && start_more(capacity, now, path, rate, needed);
  if (now < capacity->raise_at || waits ||
      now - capacity->raised_at < RAISE_EVERY + MAX(path->round_trip, 0) ||
      rate < TESTED_PART * MIN(capacity->limit, needed))
    return false;
  unsigned more = capacity->steps++ > RAISE_SLOWLY ? capacity->steps - RAISE_SLOWLY : 0;
  double times = MIN(RAISE + RAISE_MORE * more, RAISE_MOST);
  return raise_limit(capacity, now, path, times, needed);
}

void
wzp_capacity_tick(WzpCapacity *capacity, WzpTime now)
{
  if (capacity->alarm != 0 && now - capacity->alarmed_at > ALARM_MOST)
    capacity->alarm = 0;
  if (!capacity->starting || capacity->heard)
    return;
  if (now - capacity->began >= START_GIVES_UP)
    capacity->limit = WZP_CAPACITY_UNHEARD;
  else if (now - capacity->raised_at >= START_PATIENCE) {
    capacity->raised_at = now;
    capacity->limit = MAX(capacity->limit / 2, START_LEAST);
  }
}

void
wzp_capacity_alarm(WzpCapacity *capacity, WzpTime now, double rate, double passes)
{
  if (!capacity->begun || capacity->over_since != WZP_NEVER || rate <= 0)
    return;
  if (capacity->alarm == 0) {
    capacity->alarmed_at = now;
    capacity->alarm = capacity->limit != 0 ? MIN(capacity->limit, (unsigned)rate) : (unsigned)rate;
    capacity->alarm_from = capacity->alarm;
    capacity->alarm_told = false;
  }
  if (passes > 0)
    capacity->alarm = MIN(capacity->alarm, (unsigned)(capacity->alarm_from * passes * SHARE));
  else if (!capacity->alarm_told)
    capacity->alarm /= 3;
  capacity->alarm = MAX(capacity->alarm, LEAST_LIMIT);
  capacity->alarm_told |= passes > 0;
}

unsigned
wzp_capacity_limit(const WzpCapacity *capacity)
{
  if (capacity->alarm != 0 && (capacity->limit == 0 || capacity->alarm < capacity->limit))
    return capacity->alarm;
  return capacity->limit;
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
