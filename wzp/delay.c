/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "delay.h"
#include "delay-base.h"
#include "outage.h"
#include <glib.h>
#include <math.h>

#define MSEC 1000000.0

/* A frame is sent when the last of it was spoken: its way counts from there, as if it were of this length. So it stays the same
 * when frames become longer or shorter. */
#define FRAME_SHORT INT64_C(20000000)
/* How long a packet lasts is asked of the speech of the last one to two of these. */
#define PACKING_SPAN INT64_C(500000000)
#define PACKING_MAX INT64_C(1000000000)
/* candidates: 0 to 100 ms by 5, to 300 by 10, to 600 by 20, to 2000 by 50 */
#define CANDIDATES_MAX 84

/* what a frame leaves of the memory, and the share of the slow one */
#define SLOW_GAIN 0.0015
#define FAST_GAIN 0.1
#define SLOW_SHARE 0.35
#define LOSS_GAIN 0.0002
/* Ie grows less the more is lost, and the listener judges the whole: so a moment that is lost costs as it does on top of what
 * the last minute lost, but for a share by which it counts alone. */
#define MOMENT_SHARE 0.3
#define OVERALL_GAIN 0.0003
#define OVERALL_FIRST 5.0 /* percent */
#define RECENT_LOSS_GAIN 0.0025
/* R that a percent of frames costs which repair brings too late, however many they are; and how much more the first percent
 * does, since bandwidth was spent on it and what is rare is heard most. */
#define REPAIR_COST 4
#define REPAIR_COST_FIRST 14
#define REPAIR_GAIN 0.0005
#define REPAIR_PRIOR 200 /* as if so many frames had come without need of repair */
/* Where repair decides, a change must be worth more: what is known of rare losses is little, and sender and playout follow
 * each other. */
#define HELD_REPAIR 0.6
/* Of the loss that repair makes good, waiting for it may cost so much. */
#define WAITING_SHARE (2 / 3.0)
/* So long playout waits as the sender was told that it would: what comes late then is a frame in a thousand, and of those
 * some must be seen to say that less would do. */
#define REPAIR_LEARNT INT64_C(90000000000)
/* It is told anew when it should be this much longer. */
#define TOLD_STEP 1.15
/* Before anything came: as if so many frames had, of which some were lost. */
#define LOSS_PRIOR_FRAMES 20
#define LOSS_PRIOR_LOST 2
#define OUTAGE_MS_MOST 1e6 /* what is longer is one, too */
#define REPAIR_FORGOTTEN                                                                           \
  INT64_C(4000000000)      /* when nothing was lost for so long, nothing is waited for */
#define REPAIR_SEEN 0.0005 /* of all frames */
/* A change must be worth so much R: each moves the sound, and down there is time. */
#define HELD_UP 0.05
#define HELD_DOWN 0.1

/* More of the frames are overtaken than this: what is missing may still come by itself. */
#define OVERTAKING 0.01
#define OVERTAKING_GAIN 0.01
#define OVERTAKEN_MARGIN 5.0 /* ms */

/* Before anything is known: as if so many frames had come, late by an exponential distribution of this mean. */
#define PRIOR_FRAMES 4
#define PRIOR_MEAN 8.0

/* A playout that had to wait returns to its delay by this much of the time: what is skipped behind a stall and what is
 * compressed, together. It fills in steps of so many ms. */
#define RELAX 0.5
#define FILL_STEP 2.5

typedef struct {
  float delay;                /* ms */
  float level;                /* its playout now */
  float slow_late, fast_late; /* share of time filled */
  float slow_wait, fast_wait; /* mean level */
  float repair_late;          /* share of time filled where repair came too late */
} Candidate;

/* forgetting counts of frames */
typedef struct {
  double expected, received;
} Loss;

struct WzpDelay {
  int64_t max, round_trip;

  Candidate candidates[CANDIDATES_MAX];
  unsigned n;             /* of them up to max */
  double target, network; /* network: what it would be without repair and packing */
  double overall;         /* percent of the last minute that was lost or filled */
  uint64_t frames;

  /* ms that the first of a packet waits in it beyond FRAME_SHORT, at most; that of the last two spans, newest first */
  double packing, packing_spans[2];
  int64_t packing_heard;

  bool started;
  uint64_t newest;
  int64_t newest_media;
  double overtaking;  /* share of frames behind a newer one, lately */
  bool repairs;       /* something was brought back lately, */
  double told, floor; /* ms: what the sender was told last; the target is no less than the floor, */
  int64_t floor_since;    /* which was set then */
  uint64_t repair_frames; /* since something was lost first */
  int64_t since_loss; /* ns of frames that came since something was missing, or came by repair */
  Loss loss, before_repair; /* of all; lately, and of what came by itself */

  WzpDelayBase base;
};

static double
id_of(double ms)
{
  return 0.024 * ms + (ms > 177.3 ? 0.11 * (ms - 177.3) : 0);
}

static double
ie_of(double percent)
{
  return 5 + 90 * percent / (percent + 20);
}

/* of ie_of, per percent */
static double
ie_slope(double percent)
{
  return 90 * 20 / ((percent + 20) * (percent + 20));
}

static float
candidate_delay(unsigned n)
{
  if (n <= 20)
    return (float)n * 5;
  if (n <= 40)
    return 100 + (float)(n - 20) * 10;
  if (n <= 55)
    return 300 + (float)(n - 40) * 20;
  return 600 + (float)(n - 55) * 50;
}

static void
limit_candidates(WzpDelay *delay)
{
  delay->n = 1;
  while (delay->n < CANDIDATES_MAX && candidate_delay(delay->n) * MSEC <= (double)delay->max)
    delay->n++;
  delay->network = MIN(delay->network, delay->candidates[delay->n - 1].delay);
  delay->target = MIN(delay->target, delay->candidates[delay->n - 1].delay);
  delay->floor = MIN(delay->floor, delay->target);
}

WzpDelay *
wzp_delay_new(void)
{
  WzpDelay *delay = g_new0(WzpDelay, 1);
  delay->max = WZP_DELAY_MAX_DEFAULT_NS;
  delay->round_trip = WZP_DELAY_ROUND_TRIP_NS;
  wzp_delay_reset(delay);
  return delay;
}

void
wzp_delay_free(WzpDelay *delay)
{
  g_free(delay);
}

static double
repair_gain(const WzpDelay *delay)
{
  return MAX(REPAIR_GAIN, 1 / (double)(delay->repair_frames + REPAIR_PRIOR));
}

/* What repair brings too late for a candidate; for one below the floor what it may be if we only had luck: the upper bound
 * of so many events. */
static double
repair_late(const WzpDelay *delay, const Candidate *candidate)
{
  double event = repair_gain(delay), late = candidate->repair_late;
  if (candidate->delay + delay->packing >= delay->floor || delay->repair_frames == 0)
    return late;
  return late + 2 * sqrt(late * event) + 2 * event;
}

static double
cost_of(const WzpDelay *delay, const Candidate *candidate, double lost, bool repair)
{
  double late = SLOW_SHARE * candidate->slow_late + (1 - SLOW_SHARE) * candidate->fast_late;
  double wait = SLOW_SHARE * candidate->slow_wait + (1 - SLOW_SHARE) * candidate->fast_wait;
  double repaired = repair ? 100 * repair_late(delay, candidate) : 0, filled = late * (100 - lost);
  return id_of((double)delay->round_trip / 2 / MSEC + 30 + delay->packing + wait) +
         MOMENT_SHARE * ie_of(lost + filled) +
         (1 - MOMENT_SHARE) * ie_slope(MAX(delay->overall, lost)) * filled +
         REPAIR_COST * repaired + REPAIR_COST_FIRST * MIN(repaired, 1);
}

/* Percent of the frames that neither came nor were brought back. */
static double
lost_percent(const Loss *loss)
{
  return loss->expected > 0 ? CLAMP(100 * (1 - loss->received / loss->expected), 0, 100) : 0;
}

static void
expect(Loss *loss, double frames, double gain)
{
  double keep = pow(1 - gain, MIN(frames, 10 / gain));
  loss->expected = loss->expected * keep + frames;
  loss->received *= keep;
}

static void
receive(Loss *loss)
{
  loss->received = MIN(loss->received + 1, loss->expected);
}

/* The candidate whose playout waits so many ms, with what packing takes. */
static const Candidate *
candidate_of(const WzpDelay *delay, double ms)
{
  const double network = ms - delay->packing;
  unsigned i = 0;
  while (i + 1 < delay->n && delay->candidates[i].delay < network)
    i++;
  return &delay->candidates[i];
}

/* At the target, as far as it is known; the slow memory, since a stall is to be judged by what was before it. */
static double
lost_at_target(const WzpDelay *delay)
{
  double lost = lost_percent(&delay->loss);
  const Candidate *candidate = candidate_of(delay, delay->target);
  double late = candidate->slow_late + candidate->repair_late;
  return lost + MIN(late, 1) * (100 - lost);
}

int64_t
wzp_delay_limit(const WzpDelay *delay)
{
  double lost = lost_at_target(delay);
  double at = (double)delay->round_trip / 2 / MSEC + 30 + delay->target;
  double frame_costs = ie_slope(lost) * 100, ms_costs = id_of(at + 1) - id_of(at);
  return MIN(delay->max, (int64_t)(frame_costs / ms_costs * MSEC));
}

/* How long waiting for repair pays, whatever it brings. */
static int64_t
worth_of_repair(const WzpDelay *delay)
{
  double fixed = (double)delay->round_trip / 2 / MSEC + 30, wait = 0;
  double gain = (ie_of(lost_percent(&delay->before_repair)) - ie_of(0)) * WAITING_SHARE;
  while (wait * MSEC < (double)delay->max && id_of(fixed + wait + 5) - id_of(fixed) < gain)
    wait += 5;
  return (int64_t)MIN(wait * MSEC, (double)delay->max);
}

/* The delay of least cost; `from`, unless another is better by so much. */
static double
best_of(const WzpDelay *delay, double from, bool repair, double up, double down)
{
  double lost = lost_percent(&delay->loss), best = INFINITY, held = INFINITY, target = from;
  for (unsigned i = 0; i < delay->n; i++) {
    double cost = cost_of(delay, &delay->candidates[i], lost, repair);
    if (delay->candidates[i].delay == from)
      held = cost;
    if (cost < best) {
      best = cost;
      target = delay->candidates[i].delay;
    }
  }
  return best < held - (target > from ? up : down) ? target : from;
}

static void
set_floor(WzpDelay *delay, double floor, int64_t now)
{
  delay->floor = floor;
  delay->floor_since = now;
}

/* Repair is waited for as long as the sender was told, from the first frame that it brings; longer when that shows to
 * be better, shorter when it did for long. All at once: each move is heard. */
static void
choose_floor(WzpDelay *delay, int64_t now)
{
  double told = (double)worth_of_repair(delay) / MSEC;
  if (!delay->repairs) {
    delay->told = delay->floor = 0;
    return;
  }
  if (told > delay->told * TOLD_STEP) {
    delay->told = told;
    set_floor(delay, MAX(delay->floor, candidate_of(delay, told)->delay + delay->packing), now);
  }
  double held = candidate_of(delay, delay->floor)->delay;
  double best = best_of(delay, held, true, HELD_REPAIR, HELD_REPAIR);
  if (best > held || (best < held && now - delay->floor_since >= REPAIR_LEARNT))
    set_floor(delay, best + delay->packing, now);
}

static void
choose(WzpDelay *delay, int64_t now)
{
  choose_floor(delay, now);
  delay->network = best_of(delay, delay->network, false, HELD_UP, HELD_DOWN);
  delay->target =
      MIN(MAX(delay->network + delay->packing, delay->floor), (double)delay->max / MSEC);
}

void
wzp_delay_reset(WzpDelay *delay)
{
  WzpDelay fresh = {.max = delay->max,
                    .round_trip = delay->round_trip,
                    .overall = OVERALL_FIRST,
                    .before_repair = {LOSS_PRIOR_FRAMES, LOSS_PRIOR_FRAMES - LOSS_PRIOR_LOST}};
  for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
    Candidate *candidate = &fresh.candidates[i];
    candidate->delay = candidate->level = candidate_delay(i);
    candidate->slow_wait = candidate->fast_wait = candidate->delay;
    candidate->slow_late = candidate->fast_late = expf(-candidate->delay / (float)PRIOR_MEAN);
  }
  *delay = fresh;
  limit_candidates(delay);
  choose(delay, 0);
}

void
wzp_delay_set_max(WzpDelay *delay, int64_t max_ns)
{
  delay->max = CLAMP(max_ns, 0, WZP_DELAY_LIMIT_NS);
  limit_candidates(delay);
  choose(delay, 0);
}

int64_t
wzp_delay_max(const WzpDelay *delay)
{
  return delay->max;
}

void
wzp_delay_set_round_trip(WzpDelay *delay, int64_t round_trip_ns)
{
  delay->round_trip = round_trip_ns < 0 ? WZP_DELAY_ROUND_TRIP_NS : round_trip_ns;
}

int64_t
wzp_delay_base(const WzpDelay *delay, int64_t now)
{
  return wzp_delay_base_at(&delay->base, now);
}

double
wzp_delay_drift_ppm(const WzpDelay *delay)
{
  return delay->base.drift * 1e6;
}

/* --- arrivals --- */

/* What the frame, late by relative ms, does to a candidate's playout. step: media time since the newest frame; below 0: it
 * stands behind that. Returns the ms that it has to fill. */
static double
fill_of(const WzpDelay *delay, Candidate *candidate, double relative, double duration, double step)
{
  if (step >= 0)
    candidate->level = MAX(candidate->delay, candidate->level - (float)(RELAX * step));
  double behind = relative - candidate->level;
  if (behind <= 0)
    return 0;
  /* behind a newer frame its turn has passed; beyond the limit nobody waits */
  if (step < 0 || (relative + delay->packing) * MSEC > (double)delay->max)
    return duration;
  double filled = ceil(behind / FILL_STEP) * FILL_STEP;
  candidate->level += (float)filled;
  return filled;
}

/* keep: of what is known of repair. Returns the share of the frame's time that is filled at the target. */
static double
update_candidates(WzpDelay *delay, double relative, double duration, double step, float keep)
{
  /* the later a frame the more it counts, so that what was guessed is soon gone */
  double count = (double)(delay->frames + PRIOR_FRAMES);
  float slow = (float)MAX(SLOW_GAIN, 2 / (count + 1)), fast = (float)MAX(FAST_GAIN, 1 / count);
  const Candidate *target = candidate_of(delay, delay->target);
  double filled = 0;
  for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
    Candidate *candidate = &delay->candidates[i];
    float late = (float)(fill_of(delay, candidate, relative, duration, step) / duration);
    if (candidate == target)
      filled = MIN(late, 1);
    candidate->slow_late += slow * (late - candidate->slow_late);
    candidate->fast_late += fast * (late - candidate->fast_late);
    candidate->slow_wait += slow * (candidate->level - candidate->slow_wait);
    candidate->fast_wait += fast * (candidate->level - candidate->fast_wait);
    candidate->repair_late *= keep;
  }
  return filled;
}

/* Losses follow no course as queues do: what repair needed lately says nothing of what it will need next. Only the mean
 * over seconds counts, and the delay stays where it is. */
static void
update_repair(WzpDelay *delay, double relative)
{
  for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
    Candidate *candidate = &delay->candidates[i];
    if (relative > candidate->level || (relative + delay->packing) * MSEC > (double)delay->max)
      candidate->repair_late += (float)repair_gain(delay);
  }
}

/* Brought by repair, but in the time that the network asks for anyway: where frames overtake each other it was only slow. */
static bool
is_overtaken(const WzpDelay *delay, double relative)
{
  return delay->overtaking > OVERTAKING && relative <= delay->network + OVERTAKEN_MARGIN;
}

/* The way was cut: no repair brings that back, and it says nothing of what the way loses when it is whole. */
static bool
is_outage(const WzpDelay *delay, double missing, double duration)
{
  const double each = (double)FRAME_SHORT / MSEC + delay->packing;
  const double ms = MIN(missing * duration, OUTAGE_MS_MOST);
  return wzp_outage((unsigned)ceil(ms / each), 1, lost_percent(&delay->before_repair) / 100,
                    (WzpTime)(ms * (double)WZP_MSEC));
}

/* The first of several frames was spoken that much sooner than the last: playout waits for it beside what the network
 * needs. */
static void
observe_packing(WzpDelay *delay, const WzpDelayArrival *arrival, int64_t in_packet)
{
  double *spans = delay->packing_spans;
  delay->packing_heard += arrival->duration;
  if (delay->packing_heard >= PACKING_SPAN) {
    spans[1] = spans[0];
    spans[0] = 0;
    delay->packing_heard = 0;
  }
  spans[0] = MAX(spans[0], (double)in_packet / MSEC);
  delay->packing = MAX(spans[0], spans[1]);
}

void
wzp_delay_arrived(WzpDelay *delay, const WzpDelayArrival *arrival)
{
  int64_t way = arrival->arrival - arrival->media;
  double duration = (double)arrival->duration / MSEC;
  bool is_new = !arrival->recovered && (!delay->started || arrival->order > delay->newest);
  double step = duration;

  const int64_t in_packet =
      CLAMP(MIN(arrival->waited, PACKING_MAX) + arrival->duration - FRAME_SHORT, 0, PACKING_MAX);
  if (!arrival->recovered && (!arrival->guessed || !delay->base.known))
    wzp_delay_base_observe(&delay->base, arrival->arrival, way - in_packet, wzp_delay_limit(delay));
  if (!arrival->recovered && !arrival->guessed)
    observe_packing(delay, arrival, in_packet);
  if (!delay->base.known) /* repair of what was before the first packet */
    return;
  if (is_new) {
    double gap = delay->started ? (double)(arrival->order - delay->newest) : 1;
    if (delay->started)
      step = MAX((double)(arrival->media - delay->newest_media) / MSEC, 0);
    if (gap > 1 && is_outage(delay, gap - 1, duration))
      gap = 1;
    expect(&delay->loss, gap, LOSS_GAIN);
    expect(&delay->before_repair, gap, RECENT_LOSS_GAIN);
    if (gap > 1 && delay->overtaking <= OVERTAKING)
      delay->since_loss = 0;
    delay->newest = arrival->order;
    delay->newest_media = arrival->media;
    delay->started = true;
  }
  receive(&delay->loss);
  double relative = (double)(way - wzp_delay_base(delay, arrival->arrival)) / MSEC - delay->packing;
  bool overtaken = arrival->recovered && is_overtaken(delay, relative);
  if (!arrival->recovered || overtaken)
    receive(&delay->before_repair);
  if (!arrival->recovered)
    delay->overtaking += OVERTAKING_GAIN * ((is_new ? 0 : 1) - delay->overtaking);
  if (arrival->recovered) {
    if (!overtaken) {
      delay->since_loss = 0;
      delay->repairs = true;
    }
    update_repair(delay, relative);
  } else {
    delay->frames++;
    delay->since_loss += arrival->duration;
    bool forgotten = delay->since_loss >= REPAIR_FORGOTTEN;
    if (forgotten)
      delay->repairs = false;
    delay->repair_frames = delay->repairs ? delay->repair_frames + 1 : 0;
    double filled = update_candidates(delay, relative, duration, is_new ? step : -1,
                                      forgotten ? 0 : (float)(1 - repair_gain(delay)));
    double lost = lost_percent(&delay->loss);
    delay->overall += OVERALL_GAIN * (lost + filled * (100 - lost) - delay->overall);
  }
  choose(delay, arrival->arrival);
}

int64_t
wzp_delay_target(const WzpDelay *delay)
{
  return (int64_t)(delay->target * MSEC);
}

int64_t
wzp_delay_told(const WzpDelay *delay)
{
  return (int64_t)(MIN(delay->told, delay->target) * MSEC);
}

int64_t
wzp_delay_worth_waiting(const WzpDelay *delay)
{
  return MAX(worth_of_repair(delay), (int64_t)(delay->target * MSEC));
}

bool
wzp_delay_repairs(const WzpDelay *delay)
{
  return delay->repairs;
}
