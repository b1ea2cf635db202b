/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "report.h"
#include "transit.h"
#include <glib.h>
#include <math.h>

#define WINDOW 512 /* indices remembered, judged or not */

/* How long a hole may be explained by reordering: at least, at most. It grows with what is seen. */
#define PATIENCE_MIN (60 * WZP_MSEC)
#define PATIENCE_MAX (200 * WZP_MSEC)

#define REPORT_SOON (200 * WZP_MSEC)
#define REPORT_AT_ONCE (100 * WZP_MSEC)
#define REPORT_LATE (1000 * WZP_MSEC)
#define START (5 * WZP_SECOND) /* reports are frequent until then: all is news */

/* A run of losses is longer than chance explains. */
#define AGAIN_LOSSES 32
#define AGAIN_LEAST 0.05
#define LONG_RUN_CHANCE 0.01

/* The loss rate over about these, to see whether it changes. */
#define FAST 1.0
#define SLOW 5.0

typedef struct {
  bool came;
  WzpTime since; /* when a packet behind it came: since then it has been missing */
} Slot;

struct WzpReception {
  bool started;
  uint64_t judged; /* indices below are judged */
  uint64_t end;    /* 1 + the highest that came */
  uint64_t first;  /* the stream began here, for us */
  Slot slots[WINDOW];
  WzpTime patience;
  WzpReceptionStats stats;
  WzpTransit transit;
  uint64_t heard; /* packets, duplicates included */

  bool reported;
  WzpTime start, last_report;
  uint64_t heard_at_report, heard_before_that;

  WzpTime last_look;
  WzpReceptionStats at_look;
  double fast_loss, slow_loss, slow_runs; /* per packet */
  double packet_rate;                     /* a second */
  double quiet;                           /* packets since the last loss */

  double again;      /* share of the lost that were lost right after another, of late */
  double run_chance; /* of a run to become as long as this one */
  bool long_run;     /* one that chance hardly explains, since the last look */
  WzpTime long_run_at;
};

WzpReception *
wzp_reception_new(void)
{
  WzpReception *reception = g_new0(WzpReception, 1);
  reception->patience = PATIENCE_MIN;
  reception->long_run_at = -WZP_SECOND;
  return reception;
}

void
wzp_reception_free(WzpReception *reception)
{
  g_free(reception);
}

static Slot *
slot_of(WzpReception *reception, uint64_t index)
{
  return &reception->slots[index % WINDOW];
}

/* Whether a judged index was lost; false for what is no longer remembered. */
static bool
was_lost(WzpReception *reception, uint64_t index)
{
  return index >= reception->first && index < reception->judged &&
         index + WINDOW >= reception->end && !slot_of(reception, index)->came;
}

/* A lost packet; goes_on: so was the one before it. */
static void
note_run(WzpReception *reception, bool goes_on)
{
  reception->run_chance = goes_on ? reception->run_chance * MAX(reception->again, AGAIN_LEAST) : 1;
  reception->long_run |= reception->run_chance < LONG_RUN_CHANCE;
  reception->again += ((goes_on ? 1 : 0) - reception->again) / AGAIN_LOSSES;
}

static void
judge_one(WzpReception *reception)
{
  uint64_t index = reception->judged;
  bool before_lost = index > 0 && was_lost(reception, index - 1);
  reception->judged++;
  reception->stats.judged++;
  if (slot_of(reception, index)->came) {
    reception->stats.received++;
    return;
  }
  reception->stats.lost++;
  note_run(reception, before_lost);
  if (!before_lost)
    reception->stats.runs++;
}

static void
judge(WzpReception *reception, WzpTime now)
{
  while (reception->judged < reception->end) {
    const Slot *slot = slot_of(reception, reception->judged);
    if (!slot->came && now - slot->since < reception->patience)
      return;
    judge_one(reception);
  }
}

/* It was judged lost, and here it is. */
static void
take_back(WzpReception *reception, WzpTime now, uint64_t index)
{
  Slot *slot = slot_of(reception, index);
  bool before = index > 0 && was_lost(reception, index - 1);
  bool behind = was_lost(reception, index + 1);
  reception->patience = CLAMP((now - slot->since) * 5 / 4, reception->patience, PATIENCE_MAX);
  slot->came = true;
  reception->stats.lost--;
  reception->stats.received++;
  if (before && behind)
    reception->stats.runs++;
  else if (!before && !behind)
    reception->stats.runs--;
}

static void
move_end(WzpReception *reception, WzpTime now, uint64_t index)
{
  if (index - reception->end >= WINDOW) { /* nothing of the window is left: the hole is one run */
    while (reception->judged < reception->end)
      judge_one(reception);
    uint64_t hole = index - WINDOW / 2 - reception->judged;
    bool run_goes_on = was_lost(reception, reception->judged - 1);
    reception->stats.judged += hole;
    reception->stats.lost += hole;
    reception->stats.runs += run_goes_on ? 0 : 1;
    reception->judged += hole;
    reception->end = reception->judged;
    *slot_of(reception, reception->judged - 1) = (Slot){false, now};
  }
  while (reception->end <= index) {
    if (reception->end - reception->judged == WINDOW)
      judge_one(reception);
    *slot_of(reception, reception->end) = (Slot){reception->end == index, now};
    reception->end++;
  }
}

void
wzp_reception_packet(WzpReception *reception, WzpTime now, uint64_t index)
{
  if (index == UINT64_MAX)
    return;
  if (!reception->started) {
    reception->started = true;
    reception->first = reception->judged = reception->end = index;
    reception->start = reception->last_report = reception->last_look = now;
  }
  reception->heard++;
  if (index >= reception->end)
    move_end(reception, now, index);
  else if (index >= reception->judged)
    slot_of(reception, index)->came = true;
  else if (was_lost(reception, index))
    take_back(reception, now, index);
  judge(reception, now);
}

void
wzp_reception_unrepaired(WzpReception *reception, unsigned frames)
{
  reception->stats.unrepaired += frames;
}

void
wzp_reception_media(WzpReception *reception, WzpTime now, uint64_t media_ms, unsigned duration_ms)
{
  wzp_transit_packet(&reception->transit, now, media_ms, duration_ms);
}

void
wzp_reception_repaired(WzpReception *reception, unsigned frames)
{
  reception->stats.repaired += frames;
}

/* What the report says of delay. */
static void
say_transit(WzpTransit *transit, WzpTime now, WzpReport *report)
{
  report->held = UINT8_MAX;
  if (transit->n == 0)
    return;
  report->jitter = (uint8_t)MIN(transit->jitter + 0.5, UINT8_MAX);
  report->heard = (uint16_t)transit->heard;
  report->transit = (uint16_t)wzp_transit_tell(transit);
  report->stepped = (uint16_t)wzp_transit_stepped(transit);
  report->passes = wzp_transit_passes(transit);
  report->held = 0;
  wzp_report_age(report, now - transit->heard_at);
}

static void
look(WzpReception *reception, WzpTime now)
{
  const WzpReceptionStats *here = &reception->stats, *last = &reception->at_look;
  double judged = (double)(int64_t)(here->judged - last->judged);
  double lost = (double)(int64_t)(here->lost - last->lost);
  double runs = (double)(int64_t)(here->runs - last->runs);
  double seconds = (double)(now - reception->last_look) / (double)WZP_SECOND;
  bool first = last->judged == 0;
  if (reception->long_run)
    reception->long_run_at = now;
  reception->long_run = false;
  reception->last_look = now;
  reception->at_look = *here;
  if (judged <= 0)
    return;
  double loss = CLAMP(lost / judged, 0, 1);
  double run_rate = MAX(runs, 0) / judged;
  reception->quiet = lost > 0 ? 0 : reception->quiet + judged;
  reception->slow_runs += (run_rate - reception->slow_runs) * MIN(first ? 1 : seconds / SLOW, 1);
  reception->fast_loss += (loss - reception->fast_loss) * MIN(first ? 1 : seconds / FAST, 1);
  reception->slow_loss += (loss - reception->slow_loss) * MIN(first ? 1 : seconds / SLOW, 1);
  reception->packet_rate +=
      (judged / seconds - reception->packet_rate) * MIN(first ? 1 : seconds / SLOW, 1);
}

/* The loss of late differs from that of before by more than chance, which is wider when losses come in runs; or runs
 * have become longer. */
static bool
loss_changes(const WzpReception *reception)
{
  double loss = CLAMP(reception->slow_loss, 0.005, 0.95);
  double run = (double)reception->stats.lost / (double)MAX(reception->stats.runs, 1);
  double spread = CLAMP(2 * run * (1 - loss) - 1, 1, 20);
  double chance = sqrt(loss * (1 - loss) * spread / (2 * FAST * MAX(reception->packet_rate, 1)));
  if (fabs(reception->fast_loss - reception->slow_loss) > 0.02 + 2.5 * chance)
    return true;
  if (reception->last_look - reception->long_run_at < WZP_SECOND)
    return true;
  /* three runs should have come by now */
  return reception->slow_loss > 0.02 && reception->quiet * reception->slow_runs > 3;
}

bool
wzp_reception_report(WzpReception *reception, WzpTime now, WzpReport *report)
{
  if (!reception->started)
    return false;
  judge(reception, now);
  if (now - reception->last_look >= REPORT_SOON)
    look(reception, now);
  /* a second report without news repeats the first, in case that was lost; a third would say nothing */
  if (reception->reported && reception->heard == reception->heard_before_that)
    return false;
  bool soon = now - reception->start < START || loss_changes(reception) ||
              wzp_transit_moved(&reception->transit);
  bool first = reception->transit.n > 0 && !reception->transit.told; /* the sender waits for it */
  bool slow = wzp_transit_passes(&reception->transit) > 0;
  if (!first && now - reception->last_report < (slow   ? REPORT_AT_ONCE
                                                : soon ? REPORT_SOON
                                                       : REPORT_LATE))
    return false;
  reception->patience -= (reception->patience - PATIENCE_MIN) / 64;
  reception->heard_before_that = reception->heard_at_report;
  reception->heard_at_report = reception->heard;
  reception->last_report = now;
  reception->reported = true;
  *report = (WzpReport){
      .judged = (uint16_t)reception->judged,
      .received = (uint16_t)reception->stats.received,
      .runs = (uint16_t)reception->stats.runs,
      .unrepaired = (uint16_t)reception->stats.unrepaired,
      .repaired = (uint16_t)reception->stats.repaired,
  };
  say_transit(&reception->transit, now, report);
  return true;
}

void
wzp_reception_get_stats(const WzpReception *reception, WzpReceptionStats *stats)
{
  *stats = reception->stats;
}
