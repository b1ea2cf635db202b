/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "channel.h"
#include "outage.h"
#include "seq.h"
#include <glib.h>
#include <math.h>

#define SLOT (20 * WZP_MSEC)

/* Figures of late, to notice a step; figures of longer, to be exact. */
static const WzpTime short_windows[] = {1000 * WZP_MSEC, 2400 * WZP_MSEC};
#define LONG_WINDOW (12 * WZP_SECOND)
#define N_SPANS 128 /* reports in the long window, at most 5 a second */

#define SILENCE (5 * WZP_SECOND) /* without a report, what is known is old */
#define RESTART_AFTER 3          /* reports that do not fit what was before, but each other */

/* Before the first report, and at least this when reports stay away. */
#define PRIOR_LOSS 0.10
#define MEMORY_MAX 0.99

#define FEW 60 /* packets that say little */
/* Standard deviations that are no chance: more for the better than for the worse, since what was wrongly believed to be over
 * is heard. Both are looked for five times a second. */
#define STEP_UP 3.3
#define STEP_DOWN 3.6
#define LONGER_CHANCE 0.004 /* of runs as long as those of late: then they have become longer */

/* What lies between two reports that came. */
typedef struct {
  WzpTime at; /* the later one came */
  unsigned judged, lost, runs;
  WzpTime interval;
} Span;

/* A sum of spans. */
typedef struct {
  double judged, lost, runs, interval; /* interval: weighted by judged */
} Figures;

struct WzpChannel {
  bool started;
  WzpReport last;
  WzpTime last_at;
  unsigned misfits;
  WzpReport misfit;
  Span spans[N_SPANS]; /* a ring */
  unsigned n_spans, next;
  bool have_state;
  WzpChannelState state;
};

double
wzp_channel_mean_burst(const WzpChannelState *state)
{
  double loss = CLAMP(state->loss, 0, 0.999), memory = CLAMP(state->memory, 0, 0.999);
  return 1 / ((1 - loss) * (1 - memory));
}

WzpChannelState
wzp_channel_of_burst(double loss, double burst)
{
  WzpChannelState state = {CLAMP(loss, 0, 1), 0};
  if (burst > 0 && state.loss < 1)
    state.memory = CLAMP(1 - 1 / (burst * (1 - state.loss)), 0, MEMORY_MAX);
  return state;
}

double
wzp_channel_lost_again(const WzpChannelState *state, WzpTime interval)
{
  double memory = state->memory > 0 ? pow(state->memory, (double)interval / (double)SLOT) : 0;
  return state->loss + (1 - state->loss) * memory;
}

WzpChannel *
wzp_channel_new(void)
{
  return g_new0(WzpChannel, 1);
}

void
wzp_channel_free(WzpChannel *channel)
{
  g_free(channel);
}

/* The span between two reports; false when they cannot be of one count. */
static bool
span_between(Span *span, const WzpReport *before, const WzpReport *after)
{
  int judged = wzp_seq16_distance(after->judged, before->judged);
  int received = wzp_seq16_distance(after->received, before->received);
  int runs = wzp_seq16_distance(after->runs, before->runs);
  if (judged < 0)
    return false;
  /* a few packets may be taken back that were counted as lost before */
  int lost = judged - received;
  if (received < 0 || lost < -64 || runs < -64 || runs > MAX(lost, 0) + 1)
    return false;
  *span = (Span){.judged = (unsigned)judged,
                 .lost = (unsigned)MAX(lost, 0),
                 .runs = (unsigned)CLAMP(runs, 0, MAX(lost, 0))};
  return true;
}

static const Span *
span_back(const WzpChannel *channel, unsigned n)
{
  return &channel->spans[(channel->next + N_SPANS - 1 - n) % N_SPANS];
}

static Figures
figures_since(const WzpChannel *channel, WzpTime since)
{
  Figures figures = {0};
  for (unsigned n = 1; n <= channel->n_spans; n++) {
    const Span *span = span_back(channel, n - 1);
    /* the youngest one counts, however long it took to come */
    if (n > 1 && span->at <= since)
      break;
    figures.judged += span->judged;
    figures.lost += span->lost;
    figures.runs += span->runs;
    figures.interval += (double)span->interval * span->judged;
  }
  if (figures.judged > 0)
    figures.interval /= figures.judged;
  return figures;
}

/* Correlation of neighbours, per packet; 0 unless chance hardly explains it. */
static double
memory_per_packet(const Figures *figures)
{
  if (figures->lost < 4)
    return 0;
  double loss = MIN(figures->lost / figures->judged, 0.98);
  double again = 1 - figures->runs / figures->lost; /* lost after lost */
  double chance = sqrt(loss * (1 - loss) / figures->lost);
  double sigmas = (again - loss) / chance;
  if (sigmas < 1.5)
    return 0;
  return CLAMP((again - loss) / (1 - loss), 0, MEMORY_MAX);
}

/* The loss rate, leaning to the worse by a part of what it may be wrong. */
static double
cautious_loss(const Figures *figures, double memory)
{
  double effective = figures->judged * (1 - memory) / (1 + memory);
  double loss = (figures->lost + 0.02) / (figures->judged + 0.2);
  return MIN(loss + 0.4 * sqrt(loss * (1 - loss) / (effective + 1)), 0.98);
}

/* How many standard deviations lie between what was expected of rare events and what was seen. */
static double
surprise(double seen, double expected)
{
  if (expected <= 0)
    return seen > 0 ? INFINITY : 0;
  double deviance = 2 * (seen > 0 ? seen * log(seen / expected) - (seen - expected) : expected);
  return sqrt(MAX(deviance, 0));
}

/* Whether chance hardly explains the difference between what came before and what came of late: more or fewer
 * losses, more or fewer runs of them, longer or shorter ones. */
static bool
differ(const Figures *before, const Figures *late)
{
  if (before->judged < 5 || late->judged < 5 || before->judged + late->judged < 25)
    return false;
  double memory = memory_per_packet(before);
  double spread = (1 + memory) / (1 - memory);
  double mean = (before->lost + late->lost + 0.5) / (before->judged + late->judged + 1);
  double chance = sqrt(mean * (1 - mean) * spread * (1 / before->judged + 1 / late->judged));
  double more = late->lost / late->judged - before->lost / before->judged;
  if (fabs(more) > (more > 0 ? STEP_UP : STEP_DOWN) * chance)
    return true;
  /* the figures before are not exact, either: half a run to and fro */
  double share = late->judged / before->judged;
  double expected = (before->runs + (late->runs > before->runs * share ? 0.5 : -0.5)) * share;
  if (before->runs >= 1 && surprise(late->runs, expected) > 2.8)
    return true;
  if (before->lost < 8 || late->lost < 8)
    return false;
  double shorter = before->runs / before->lost - late->runs / late->lost;
  double ends = (before->runs + late->runs) / (before->lost + late->lost);
  return fabs(shorter) > 3.5 * sqrt(ends * (1 - ends) * (1 / before->lost + 1 / late->lost));
}

/* The correlation of neighbours in what came of late, where its runs of losses are longer than chance explains by what
 * came before; else 0. One long run is enough: it is not proof, but waiting for the second would lose that, too. */
static double
lengthened(const Figures *before, const Figures *late)
{
  double longer = late->lost - late->runs; /* losses right after another */
  if (before->lost < 8 || longer < 2)
    return 0;
  double again = (before->lost - before->runs + 0.5) / (before->lost + 1);
  double ways = lgamma(late->lost + 1) - lgamma(longer + 1) - lgamma(late->runs + 1);
  if (ways + longer * log(MIN(again, 1)) > log(LONGER_CHANCE))
    return 0;
  double loss = (before->lost + late->lost) / (before->judged + late->judged);
  return loss < 1 ? CLAMP((longer / late->lost - loss) / (1 - loss), 0, MEMORY_MAX) : 0;
}

static Figures
difference(const Figures *all, const Figures *late)
{
  return (Figures){.judged = all->judged - late->judged,
                   .lost = all->lost - late->lost,
                   .runs = all->runs - late->runs};
}

static void
forget_until(WzpChannel *channel, WzpTime since)
{
  unsigned kept = 1;
  while (kept < channel->n_spans && span_back(channel, kept)->at > since)
    kept++;
  channel->n_spans = kept;
}

/* Short after a step little is kept of what was before it, and of that the losses would be remembered for long. They are
 * over when far more packets came without one than there were. */
static bool
is_over(const WzpChannel *channel, const Figures *all, WzpTime *since)
{
  unsigned n = 0;
  while (n < channel->n_spans && span_back(channel, n)->lost == 0)
    n++;
  if (n == 0 || n == channel->n_spans)
    return false;
  *since = span_back(channel, n)->at;
  Figures late = figures_since(channel, *since);
  Figures before = difference(all, &late);
  return before.judged < FEW && late.judged >= before.judged && before.runs >= 1 &&
         surprise(0, (before.runs - 0.5) * late.judged / before.judged) > 2.8;
}

/* Forgets what was before a short window when that tells another story. */
static void
notice_step(WzpChannel *channel, WzpTime now)
{
  Figures all = figures_since(channel, now - LONG_WINDOW);
  WzpTime since;
  for (size_t n = 0; n < G_N_ELEMENTS(short_windows); n++) {
    since = now - short_windows[n];
    Figures late = figures_since(channel, since);
    Figures before = difference(&all, &late);
    if (differ(&before, &late)) {
      forget_until(channel, since);
      return;
    }
  }
  if (is_over(channel, &all, &since))
    forget_until(channel, since);
}

static void
update_state(WzpChannel *channel, WzpTime now)
{
  notice_step(channel, now);
  Figures all = figures_since(channel, now - LONG_WINDOW);
  if (all.judged < 1)
    return;
  double memory = memory_per_packet(&all);
  WzpChannelState state = {.loss = cautious_loss(&all, memory)};
  for (size_t n = 0; n < G_N_ELEMENTS(short_windows); n++) {
    Figures late = figures_since(channel, now - short_windows[n]);
    Figures before = difference(&all, &late);
    memory = MAX(memory, lengthened(&before, &late));
  }
  if (memory > 0)
    state.memory = CLAMP(pow(memory, (double)SLOT / MAX(all.interval, 1)), 0, MEMORY_MAX);
  channel->state = state;
  channel->have_state = true;
}

WzpResult
wzp_channel_report(WzpChannel *channel, WzpTime now, const WzpReport *report, WzpTime interval)
{
  Span span;
  if (!channel->started) {
    channel->started = true;
    channel->last = *report;
    channel->last_at = now;
    return WZP_OK;
  }
  if (!span_between(&span, &channel->last, report)) {
    /* late, or the receiver counts anew: then the next ones fit each other */
    bool fits =
        channel->misfits > 0 && span_between(&span, &channel->misfit, report) && span.judged > 0;
    channel->misfits = fits ? channel->misfits + 1 : 1;
    channel->misfit = *report;
    if (channel->misfits < RESTART_AFTER && now - channel->last_at < SILENCE)
      return WZP_REPLAYED;
    channel->misfits = 0;
    channel->last = *report;
    channel->last_at = now;
    return WZP_OK;
  }
  channel->misfits = 0;
  channel->last = *report;
  channel->last_at = now;
  if (span.judged == 0)
    return WZP_OK;
  span.at = now;
  span.interval = MAX(interval, WZP_MSEC);
  const WzpChannelState state = wzp_channel_state(channel, now);
  if (wzp_outage(span.lost, span.runs, wzp_channel_lost_again(&state, span.interval),
                 span.lost * span.interval)) {
    if (span.lost >= span.judged)
      return WZP_OK;
    span.judged -= span.lost;
    span.lost = span.runs = 0;
  }
  channel->spans[channel->next] = span;
  channel->next = (channel->next + 1) % N_SPANS;
  channel->n_spans = MIN(channel->n_spans + 1, N_SPANS);
  update_state(channel, now);
  return WZP_OK;
}

void
wzp_channel_follow(WzpChannel *channel, WzpTime now, const WzpReport *last, double loss)
{
  *channel = (WzpChannel){.started = true,
                          .last = *last,
                          .last_at = now,
                          .have_state = true,
                          .state = {.loss = CLAMP(loss, 0, 1)}};
}

WzpChannelState
wzp_channel_state(const WzpChannel *channel, WzpTime now)
{
  if (!channel->have_state)
    return (WzpChannelState){PRIOR_LOSS, 0};
  WzpChannelState state = channel->state;
  if (!wzp_channel_is_known(channel, now))
    state.loss = MAX(state.loss, PRIOR_LOSS);
  return state;
}

bool
wzp_channel_is_known(const WzpChannel *channel, WzpTime now)
{
  return channel->have_state && now - channel->last_at < SILENCE;
}

WzpTime
wzp_channel_playout(const WzpChannel *channel)
{
  return channel->started ? channel->last.playout * 10 * WZP_MSEC : 0;
}
