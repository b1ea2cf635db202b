/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "delivery.h"
#include "outage.h"
#include "seq.h"
#include "transit.h"
#include <glib.h>
#include <math.h>
#include <string.h>

#define BUCKET (5 * WZP_SECOND)
#define MEAN_STEP 0.3
#define ROUND_TRIP_STEP 0.25
#define ROUND_TRIP_MAX (10 * WZP_SECOND)
/* Delivery is measured over at least this, where so much is known. */
#define MARK_AGE (350 * WZP_MSEC)
#define FULL_MS 10
#define FULL_QUEUE_MS 60
#define FULL_LOSS 0.1
/* Drift: what a clock can do, what is seen at all, and how far off a straight line its points may lie. */
#define DRIFT_MAX 1.5 /* ms a second */
#define DRIFT_LEAST 0.15
#define DRIFT_OFF_MS 4
#define DRIFT_BUCKETS 6
#define EXCUSED (3 * WZP_SECOND) /* repair is given up later than packets are */
/* A step is ours if what we sent ourselves may have made so much of it. */
#define OWN_PART 0.6
#define STALE (10 * WZP_SECOND) /* without reports the transit may have gone round */

void
wzp_delivery_init(WzpDelivery *path, uint8_t slot)
{
  memset(path, 0, sizeof *path);
  path->slot = slot;
  path->round_trip = -1;
  wzp_delivery_expect(path, 20 * WZP_MSEC, 0);
}

void
wzp_delivery_expect(WzpDelivery *path, WzpTime interval, double again)
{
  path->interval = interval;
  path->again = again;
}

void
wzp_delivery_forget_delay(WzpDelivery *path)
{
  path->timed = false;
  path->n_buckets = path->n_marks = 0;
  path->queue = path->before = path->backlog = path->drift = path->delivered = 0;
  path->behind = path->reverse = path->contrast = 0;
}

/* --- what is lost --- */

/* What was lost while the way was cut is no loss of the way. */
static void
excuse(WzpDelivery *path, WzpTime now, unsigned lost, unsigned frames)
{
  path->outage = true;
  path->outage_at = now;
  path->excused = lost * frames;
}

static bool
count(WzpDelivery *path, WzpTime now, const WzpReport *report, unsigned frames)
{
  int judged = wzp_seq16_distance(report->judged, path->last.judged);
  int received = wzp_seq16_distance(report->received, path->last.received);
  if (judged < WZP_DELIVERY_FEW)
    return false;
  int lost = CLAMP(judged - received, 0, judged);
  unsigned runs = (uint16_t)(report->runs - path->last.runs);
  unsigned unrepaired = (uint16_t)(report->unrepaired - path->last.unrepaired);
  frames = MAX(frames, 1);
  path->outage =
      wzp_outage((unsigned)lost, MIN(runs, (unsigned)lost), path->again, lost * path->interval);
  path->missed = MIN((double)unrepaired / (judged * frames), 1);
  if (path->outage) {
    excuse(path, now, (unsigned)lost, frames);
    judged -= lost;
    lost = 0;
  }
  if (now - path->outage_at > EXCUSED)
    path->excused = 0;
  unsigned excused = MIN(path->excused, unrepaired);
  path->excused -= excused;
  unrepaired -= excused;
  path->judged = (unsigned)judged;
  path->loss = (double)lost / MAX(judged, 1);
  path->residual = MIN((double)unrepaired / (MAX(judged, 1) * frames), 1);
  if (judged < WZP_DELIVERY_FEW)
    return true;
  path->mean_loss += (path->n < 2 ? 1 : MEAN_STEP) * (path->loss - path->mean_loss);
  return true;
}

/* --- how long it takes --- */

static double
at_of(const WzpDelivery *path, unsigned bucket)
{
  return (double)(path->buckets[bucket].since - path->buckets[0].since) / WZP_SECOND;
}

/* A straight line through the least transits of a minute; 0 when they do not lie on one. */
static double
find_drift(const WzpDelivery *path)
{
  double n = path->n_buckets, time = 0, least = 0, both = 0, square = 0;
  for (unsigned i = 0; i < path->n_buckets; i++) {
    time += at_of(path, i) / n;
    least += (double)(path->buckets[i].least - path->buckets[0].least) / n;
  }
  for (unsigned i = 0; i < path->n_buckets; i++) {
    double x = at_of(path, i) - time;
    both += x * ((double)(path->buckets[i].least - path->buckets[0].least) - least);
    square += x * x;
  }
  double slope = both / square;
  for (unsigned i = 0; i < path->n_buckets; i++) {
    double off = (double)(path->buckets[i].least - path->buckets[0].least) - least -
                 slope * (at_of(path, i) - time);
    if (fabs(off) > DRIFT_OFF_MS)
      return 0;
  }
  return fabs(slope) > DRIFT_MAX || fabs(slope) < DRIFT_LEAST ? 0 : slope;
}

static void
remember_least(WzpDelivery *path, WzpTime now)
{
  unsigned n = path->n_buckets;
  if (n > 0 && now - path->buckets[n - 1].since < BUCKET) {
    if (path->transit >= path->buckets[n - 1].least)
      return;
    path->buckets[n - 1].least = path->transit;
    path->buckets[n - 1].bits = path->bits;
    path->buckets[n - 1].most_bits = path->most_bits;
    return;
  }
  if (n >= DRIFT_BUCKETS) /* before it looks like a queue */
    path->drift = find_drift(path);
  if (n == WZP_DELIVERY_BUCKETS) {
    memmove(&path->buckets[0], &path->buckets[1], (n - 1) * sizeof path->buckets[0]);
    n--;
  }
  path->buckets[n].since = now;
  path->buckets[n].least = path->transit;
  path->buckets[n].bits = path->bits;
  path->buckets[n].most_bits = path->most_bits;
  path->buckets[n].trip = WZP_NEVER;
  path->n_buckets = n + 1;
}

/* What the way would take if nothing waited: a longer packet takes longer, too. */
static double
empty_way(WzpDelivery *path, WzpTime now)
{
  double least = (double)path->transit;
  path->contrast = 0;
  for (unsigned i = 0; i < path->n_buckets; i++) {
    double age = (double)(now - path->buckets[i].since) / WZP_SECOND;
    bool known = path->bits > 0 && path->buckets[i].bits > 0;
    double longer = known && path->bottleneck > 0
                        ? MAX(path->bits - path->buckets[i].bits, 0) * 1000 / path->bottleneck
                        : 0;
    double way = (double)path->buckets[i].least + path->drift * age + longer;
    if (way <= least) {
      least = way;
      path->contrast = known ? MAX(path->least_bits - path->buckets[i].most_bits, 0) : 0;
    }
  }
  return least;
}

/* The way became longer at one instant, so what waits there does not grow by what we send. If we did it, it was by sending so
 * much at once. */
static void
take_step(WzpDelivery *path, double step, const WzpDeliveryLog *log, int64_t entry)
{
  const int64_t last = wzp_delivery_log_find(log, path->last.heard);
  const int64_t oldest =
      last < 0 ? WZP_DELIVERY_LOG : wzp_delivery_log_age(log, last) + WZP_TRANSIT_PACKETS;
  double own = wzp_delivery_log_queue(log, entry, oldest - wzp_delivery_log_age(log, entry));
  if (own > OWN_PART * step)
    return;
  for (unsigned i = 0; i < path->n_buckets; i++) {
    path->buckets[i].least += (int64_t)step;
    if (path->buckets[i].trip != WZP_NEVER)
      path->buckets[i].trip += (WzpTime)step * WZP_MSEC;
  }
  for (unsigned i = 0; i < path->n_marks; i++)
    path->marks[i].transit += (int64_t)step;
}

static void
take_transit(WzpDelivery *path, WzpTime now, const WzpReport *report, const WzpDeliveryLog *log,
             int64_t entry)
{
  if (!path->timed || now - path->at > STALE) {
    wzp_delivery_forget_delay(path);
    path->transit = (int16_t)report->transit;
  } else {
    int16_t grew = (int16_t)(uint16_t)(report->transit - (uint16_t)path->transit);
    int16_t step = (int16_t)(uint16_t)(report->stepped - path->stepped);
    path->transit += grew;
    if (MIN(grew, step) > 0 && entry >= 0)
      take_step(path, MIN(grew, step), log, entry);
  }
  path->stepped = report->stepped;
  path->timed = true;
  remember_least(path, now);
  path->jitter = report->jitter;
  path->before = path->queue;
  path->queue = (double)path->transit - empty_way(path, now);
}

static void
measure_delivery(WzpDelivery *path, WzpTime sent, uint64_t bytes)
{
  unsigned from = 0;
  while (from + 1 < path->n_marks && sent - path->marks[from].sent < MARK_AGE)
    from++;
  if (from < path->n_marks && sent > path->marks[from].sent) {
    WzpTime took =
        sent - path->marks[from].sent + (path->transit - path->marks[from].transit) * WZP_MSEC;
    /* a queue that is full drops; else what is lost is lost behind it, or before */
    bool full = path->queue > FULL_QUEUE_MS && fabs(path->queue - path->before) < FULL_MS &&
                path->loss > FULL_LOSS;
    double bits = (double)(bytes - path->marks[from].bytes) * 8 * (full ? 1 - path->loss : 1);
    path->delivered = bits * WZP_SECOND / (double)MAX(took, 20 * WZP_MSEC);
  }
  if (path->n_marks > 0 && sent <= path->marks[0].sent)
    return;
  path->n_marks = MIN(path->n_marks + 1, WZP_DELIVERY_MARKS);
  memmove(&path->marks[1], &path->marks[0], (path->n_marks - 1) * sizeof path->marks[0]);
  path->marks[0].sent = sent;
  path->marks[0].bytes = bytes;
  path->marks[0].transit = path->transit;
}

static void
take_trip(WzpDelivery *path, WzpTime trip)
{
  WzpTime least = trip;
  for (unsigned i = 0; i < path->n_buckets; i++)
    least = MIN(least, path->buckets[i].trip);
  if (path->n_buckets > 0)
    path->buckets[path->n_buckets - 1].trip = MIN(path->buckets[path->n_buckets - 1].trip, trip);
  double reverse = MAX((double)(trip - least) / WZP_MSEC - path->queue, 0);
  path->behind = MAX(reverse - path->reverse, 0);
  path->reverse = reverse;
  path->round_trip =
      path->round_trip < 0
          ? trip
          : path->round_trip + (WzpTime)(ROUND_TRIP_STEP * (double)(trip - path->round_trip));
}

static void
take_heard(WzpDelivery *path, WzpTime now, const WzpReport *report, const WzpDeliveryLog *log,
           unsigned entry)
{
  WzpTime trip = now - log->entries[entry].at - report->held * WZP_REPORT_HELD_UNIT;
  if (report->held < UINT8_MAX && trip >= 0 && trip < ROUND_TRIP_MAX)
    take_trip(path, trip);
  measure_delivery(path, log->entries[entry].at, log->entries[entry].bytes);
  path->heard = log->entries[entry].at;
  double since = (double)(log->bytes - log->entries[entry].bytes) * 8;
  double passed = (double)(now - path->heard) / WZP_MSEC;
  path->backlog = path->queue;
  if (path->delivered > 0)
    path->backlog = MAX(path->queue + since * 1000 / path->delivered - passed, 0);
}

/* A report may be of packets that went another way than those do now: its transit is that of the fastest of the last few. */
static bool
is_of_this_way(WzpDelivery *path, const WzpDeliveryLog *log, int64_t entry)
{
  const int64_t older = entry >= 0 ? wzp_delivery_log_older(log, entry) : -1;
  for (int64_t n = 0; n <= MIN(WZP_TRANSIT_PACKETS - 1, older); n++)
    if (log->entries[(entry + WZP_DELIVERY_LOG - n) % WZP_DELIVERY_LOG].way != log->way)
      return false;
  if (path->way != log->way)
    wzp_delivery_forget_delay(path);
  path->way = log->way;
  return true;
}

/* The transit is the least of up to WZP_TRANSIT_PACKETS packets, of which heard is the last. */
static void
note_sizes(WzpDelivery *path, const WzpDeliveryLog *log, int64_t heard)
{
  path->bits = path->least_bits = path->most_bits = 0;
  if (heard < 0)
    return;
  path->bits = path->least_bits = log->entries[heard].size * 8;
  const int64_t older = MIN(wzp_delivery_log_older(log, heard), WZP_TRANSIT_PACKETS - 1);
  for (int64_t back = 0; back <= older; back++) {
    int64_t entry = (heard + WZP_DELIVERY_LOG - back) % WZP_DELIVERY_LOG;
    path->least_bits = MIN(path->least_bits, log->entries[entry].size * 8);
    path->most_bits = MAX(path->most_bits, log->entries[entry].size * 8);
  }
}

/* Packets that were sent since the last report that counted, up to the one that is heard, and are not judged yet, though
 * they were sent for longer than reordering explains: the way was cut, and the next report tells for how long. */
static bool
has_hole(const WzpDelivery *path, const WzpDeliveryLog *log, const WzpReport *report, int64_t entry)
{
  int64_t from = wzp_delivery_log_find(log, path->counted_heard);
  int judged = wzp_seq16_distance(report->judged, path->last.judged);
  if (entry < 0)
    return false;
  const int64_t older = wzp_delivery_log_older(log, entry);
  int64_t sent = from < 0 ? older + 1 : older - wzp_delivery_log_older(log, from);
  int64_t hole = MIN(sent - judged, older);
  if (hole <= WZP_DELIVERY_FEW)
    return false;
  int64_t begin = (entry + WZP_DELIVERY_LOG - hole) % WZP_DELIVERY_LOG;
  return log->entries[entry].at - log->entries[begin].at >= WZP_OUTAGE_LEAST;
}

bool
wzp_delivery_report(WzpDelivery *path, WzpTime now, const WzpReport *report, unsigned frames,
                    const WzpDeliveryLog *log)
{
  if (path->n > 0 && now - path->at < STALE &&
      wzp_seq16_distance(report->judged, path->last.judged) < 0)
    return false;
  bool first = path->n == 0 || wzp_seq16_distance(report->judged, path->last.judged) < 0;
  bool fresh = first || report->heard != path->last.heard || !path->timed;
  int64_t entry = wzp_delivery_log_find(log, report->heard);
  bool counted = !first && count(path, now, report, frames);
  if (counted && path->outage) {
    wzp_delivery_forget_delay(path); /* it may be another way */
    fresh = true;
  }
  path->unsettled = !first && !(counted && path->outage) && has_hole(path, log, report, entry);
  if (!path->unsettled && report->held < UINT8_MAX && fresh && is_of_this_way(path, log, entry)) {
    note_sizes(path, log, entry);
    take_transit(path, now, report, log, entry);
    if (entry >= 0)
      take_heard(path, now, report, log, (unsigned)entry);
  }
  path->at = now;
  path->last.heard = report->heard;
  if (first || counted) {
    path->last = *report;
    path->counted_heard = report->heard;
    path->n++;
  }
  return counted;
}

double
wzp_delivery_drift_ppm(const WzpDelivery *path)
{
  return path->drift * 1000;
}
