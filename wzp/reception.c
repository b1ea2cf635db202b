/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "report.h"
#include <glib.h>

#define WINDOW 512 /* indices remembered, judged or not */

/* How long a hole may be explained by reordering: at least, at most. It grows with what is seen. */
#define PATIENCE_MIN (60 * WZP_MSEC)
#define PATIENCE_MAX (200 * WZP_MSEC)

#define REPORT_SOON (200 * WZP_MSEC)
#define REPORT_HEAVY (500 * WZP_MSEC) /* many reports will be lost: say it oftener */
#define REPORT_LATE (1000 * WZP_MSEC)

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
  uint64_t heard; /* packets, duplicates included */

  bool reported;
  WzpTime last_report;
  uint64_t heard_at_report, heard_before_that;
  WzpReceptionStats at_report;
  double slow_loss, fast_loss; /* over about 5 s and 1 s, of reports' intervals */
};

WzpReception *
wzp_reception_new(void)
{
  WzpReception *reception = g_new0(WzpReception, 1);
  reception->patience = PATIENCE_MIN;
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

/* Reports are frequent while the loss of late differs from that of before by more than chance. */
static WzpTime
report_interval(const WzpReception *reception)
{
  double difference = reception->fast_loss - reception->slow_loss;
  if (difference < 0)
    difference = -difference;
  if (difference > 0.04 + 0.25 * reception->slow_loss)
    return REPORT_SOON;
  return reception->slow_loss > 0.35 ? REPORT_HEAVY : REPORT_LATE;
}

static void
follow_loss(WzpReception *reception, WzpTime passed)
{
  const WzpReceptionStats *last = &reception->at_report, *here = &reception->stats;
  int64_t judged = (int64_t)(here->judged - last->judged);
  int64_t lost = (int64_t)(here->lost - last->lost);
  if (judged <= 0)
    return;
  double loss = CLAMP((double)lost / (double)judged, 0, 1);
  double seconds = (double)passed / (double)WZP_SECOND;
  reception->fast_loss += (loss - reception->fast_loss) * MIN(1, seconds / 1.0);
  reception->slow_loss += (loss - reception->slow_loss) * MIN(1, seconds / 5.0);
}

bool
wzp_reception_report(WzpReception *reception, WzpTime now, WzpReport *report)
{
  if (!reception->started)
    return false;
  judge(reception, now);
  if (reception->reported) {
    WzpTime passed = now - reception->last_report;
    uint64_t lost_now = reception->stats.lost - reception->at_report.lost;
    /* a silent second report repeats the last one, in case that was lost; a third would say nothing */
    if (passed < REPORT_SOON || reception->heard == reception->heard_before_that)
      return false;
    /* many losses at once are news, whatever the interval */
    bool news = (int64_t)lost_now >= 4 && reception->slow_loss < 0.1;
    if (passed < report_interval(reception) && !news)
      return false;
    follow_loss(reception, passed);
  }
  reception->patience -= (reception->patience - PATIENCE_MIN) / 64;
  reception->heard_before_that = reception->reported ? reception->heard_at_report : 0;
  reception->heard_at_report = reception->heard;
  reception->at_report = reception->stats;
  reception->last_report = now;
  reception->reported = true;
  *report = (WzpReport){
      .judged = (uint16_t)reception->judged,
      .received = (uint16_t)reception->stats.received,
      .runs = (uint16_t)reception->stats.runs,
      .unrepaired = (uint16_t)reception->stats.unrepaired,
  };
  return true;
}

void
wzp_reception_get_stats(const WzpReception *reception, WzpReceptionStats *stats)
{
  *stats = reception->stats;
}
