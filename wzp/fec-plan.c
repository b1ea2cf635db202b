/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-plan-private.h"
#include "fec-element.h"
#include <glib.h>
#include <math.h>
#include <string.h>

static const char *const scheme_names[] = {
    [WZP_FEC_AUTO] = "auto",     [WZP_FEC_SLIDING] = "sliding", [WZP_FEC_BLOCK] = "block",
    [WZP_FEC_COPIES] = "copies", [WZP_FEC_NONE] = "none",
};

const char *
wzp_fec_scheme_name(WzpFecScheme scheme)
{
  return (unsigned)scheme < G_N_ELEMENTS(scheme_names) ? scheme_names[scheme] : NULL;
}

bool
wzp_fec_scheme_by_name(const char *name, WzpFecScheme *scheme)
{
  for (unsigned n = 0; name != NULL && n < G_N_ELEMENTS(scheme_names); n++) {
    if (strcmp(scheme_names[n], name) == 0) {
      *scheme = (WzpFecScheme)n;
      return true;
    }
  }
  return false;
}

#define BLOCK_SIZE_DEFAULT 5
#define OVERHEAD_WITHOUT_BUDGET 2.0
#define RATE_STEP 1.1

/* Repair is bought until no more than this is expected to stay lost. */
#define TARGET 0.0003
/* What a lost frame costs: most of those that repair leaves are missing one behind the other, and take syllables. */
#define LOST_COST 2
/* Those that scattered copies leave stand alone as a rule, and concealment has their neighbours to go by: measured at 50
 * to 70 %, Opus of 6 to 8 kbit/s. */
#define LOST_ALONE_COST 0.9
/* So many of them are no worse than one that repair leaves otherwise. */
#define ALONE_WORTH 1.25
/* Where losses are independent, and nothing else makes all well. */
#define SCATTER_MEMORY 0.1
/* What a loss above the target and a frame time of waiting for the packet to fill are held to be worth: enough to
 * decide between equals. */
#define ABOVE_TARGET_COST 0.0005
#define WAITING_COST 0.00005 /* per 20 ms */
/* Changing the packing costs the repair that reaches across the change: another must be better by this. Not where all
 * is nearly well: there the shorter packet is wanted back. */
#define HOLD 0.002
#define NEARLY_WELL 0.002
/* A channel without losses is planned for as if it had these. */
#define LEAST_LOSS 0.003

/* Bytes of a bundle besides frames and symbols. */
#define FRAMES_ELEMENT_HEAD 2
#define CODED_ELEMENT_HEAD 4
#define COPIES_ELEMENT_HEAD 3
/* Copies may miss the budget by so many bytes: the sender leaves one out now and then. */
#define COPIES_SHORT 3
/* A second has one report (2 bytes of element) and one full header (8 more than a mini). */
#define EXTRA_PER_SECOND (2 + WZP_REPORT_SIZE + 8)

/* Never less repair than this, so that the first losses of a good channel are repaired before it is known that
 * it is one no more. */
static double
floor_rate(const WzpProfile *profile)
{
  if (profile->codec != WZP_CODEC_OPUS)
    return 1.0;
  return profile->bitrate <= 12000 ? 0.5 : 0.2;
}

/* What is understood of clean speech: STOI as wzpenc makes it, five speakers (docs/PERFORMANCE.md). */
static double
clean_quality(const WzpProfile *profile)
{
  static const struct {
    unsigned bitrate;
    double quality;
  } steps[] = {{6000, .906},  {6600, .926},  {8000, .955},  {12000, .973}, {16000, .986},
               {20000, .991}, {24000, .993}, {32000, .994}, {48000, .996}, {64000, .998}};
  if (profile->codec != WZP_CODEC_OPUS)
    return profile->codec == WZP_CODEC_CODEC2_3200 ? .84 : .78;
  for (size_t n = 0; n < G_N_ELEMENTS(steps); n++) {
    if (profile->bitrate <= steps[n].bitrate)
      return steps[n].quality;
  }
  return steps[G_N_ELEMENTS(steps) - 1].quality;
}

/* One way of packing: a profile and so many frames in a packet. */
typedef struct {
  const WzpFecLimits *limits;
  const WzpProfile *profile;
  unsigned frames;
  double bytes; /* of repair per packet, its element's head included; infinite without a budget */
  WzpFecPlace place; /* its rate is set as rates are tried */
  bool scattered;    /* copies, with packets between that have none of the frame */
} Packing;

/* Bytes of a packet that holds frames alone, headers included. */
static unsigned
bare_bytes(const WzpFecLimits *limits, const WzpProfile *profile, unsigned frames)
{
  const unsigned head = limits->constant_size
                            ? WZP_FEC_CONSTANT_ELEMENT + WZP_FEC_CONSTANT_REPORT +
                                  WZP_FEC_CONSTANT_PADDING + WZP_FEC_CONSTANT_HEADERS
                            : FRAMES_ELEMENT_HEAD;
  return wzp_fec_packet_overhead(limits) + head + frames * profile->frame_bytes;
}

static unsigned
extra_per_second(const WzpFecLimits *limits)
{
  return limits->constant_size ? 0 : EXTRA_PER_SECOND;
}

/* The budget that holds them; see packing_of(). */
static unsigned
least_budget(const WzpFecLimits *limits, const WzpProfile *profile, unsigned frames)
{
  double bytes = 1000.0 * bare_bytes(limits, profile, frames) / (frames * profile->frame_ms);
  return (unsigned)ceil((bytes + extra_per_second(limits)) * 8 * WZP_FEC_SESSION_SHARE /
                        (WZP_FEC_SESSION_SHARE - 1));
}

static Packing
packing_of(const WzpFecLimits *limits, const WzpChannelState *channel, const WzpProfile *profile,
           unsigned frames)
{
  Packing packing = {.limits = limits, .profile = profile, .frames = frames, .bytes = INFINITY};
  unsigned interval_ms = frames * profile->frame_ms;
  if (limits->budget != 0) {
    double income = wzp_fec_media_budget(limits) / 8.0 - extra_per_second(limits);
    packing.bytes = income * interval_ms / 1000 - bare_bytes(limits, profile, frames);
  }
  packing.place = (WzpFecPlace){
      .loss = CLAMP(channel->loss, LEAST_LOSS, 1),
      .memory = pow(CLAMP(channel->memory, 0, 1), interval_ms / 20.0),
      .delay = (unsigned)MAX(limits->max_delay / (interval_ms * WZP_MSEC), 0),
  };
  if (channel->memory <= 0)
    packing.place.memory = 0;
  return packing;
}

static const WzpProfile *
wanted_profile(const WzpFecLimits *limits)
{
  return limits->profile != NULL ? limits->profile : wzp_profile_by_name(WZP_PROFILE_DEFAULT);
}

/* A lower profile may have the bytes of the wanted one and its repair. */
static double
most_without_budget(const Packing *packing)
{
  double times = (double)wanted_profile(packing->limits)->bitrate / packing->profile->bitrate;
  return (1 + OVERHEAD_WITHOUT_BUDGET) * times - 1;
}

/* Symbols that a packet's bytes hold; copies: so many are one element, of frames alone. */
static double
affordable_symbols(const Packing *packing, double *copies)
{
  const double size = packing->profile->frame_bytes, bytes = packing->bytes;
  if (packing->limits->constant_size) {
    double repair = bytes + WZP_FEC_CONSTANT_REPORT;
    double two = (repair - 2 * WZP_FEC_CONSTANT_REPAIR) / size; /* elements */
    *copies = (repair - WZP_FEC_CONSTANT_REPAIR) / size;
    return two >= 2 ? two : CLAMP(*copies, 0, 1);
  }
  *copies = (bytes - COPIES_ELEMENT_HEAD + COPIES_SHORT) / size;
  return MAX((bytes - CODED_ELEMENT_HEAD) / size, 0);
}

/* The most symbols per frame that the limits allow. */
static double
most_rate(const Packing *packing)
{
  const WzpFecLimits *limits = packing->limits;
  double affordable = INFINITY, frames = packing->frames, most = most_without_budget(packing);
  if (limits->budget != 0) {
    double copies;
    affordable = affordable_symbols(packing, &copies) / frames;
    if (copies >= packing->place.delay * frames)
      affordable = MAX(affordable, packing->place.delay);
    most = affordable;
  }
  if (limits->overhead != WZP_FEC_OVERHEAD_AUTO)
    most = MIN(CLAMP(limits->overhead, 0, WZP_FEC_OVERHEAD_MAX) / 100.0, affordable);
  /* more than every frame in every packet helps nobody */
  most = MIN(most, packing->place.delay);
  most =
      MIN(most, (most >= packing->place.delay ? WZP_FEC_SYMBOLS_MAX : WZP_FEC_CODED_MAX) / frames);
  return limits->constant_size ? floor(most * frames + 0.001) / frames : most;
}

/* Packets of one size have all the same number of symbols. */
static double
whole_rate(const Packing *packing, double rate, double most)
{
  const unsigned frames = packing->frames;
  if (packing->limits->constant_size)
    rate = ceil(rate * frames - 0.001) / frames;
  return MIN(rate, most);
}

/* Frames lost when symbols are copies: the newest `rate` packets behind `offset` others. */
static double
expect_copies(const WzpFecPlace *place, unsigned offset)
{
  double loss = place->loss, bad = 1 - loss;
  double first = loss + pow(place->memory, offset + 1) * bad;
  double next = loss + place->memory * bad;
  if (place->rate <= 1)
    return loss * (1 - place->rate * (1 - first));
  return loss * first * pow(next, place->rate - 1);
}

static unsigned
copies_offset(const WzpFecPlace *place)
{
  unsigned packets = (unsigned)ceil(place->rate);
  return place->memory > SCATTER_MEMORY && place->delay > packets ? place->delay - packets : 0;
}

/* Of as many packets one has a frame and the others its copies, wherever these lie; in some there is no room for the last
 * one. */
static double
expect_scattered(const WzpFecPlace *place)
{
  double whole = floor(place->rate + 1e-6), loss = pow(place->loss, 1 + whole);
  return loss * (1 - (place->rate - whole) * (1 - place->loss));
}

/* Scattered copies of a frame: none in the packet behind it, then one in each but the last but one. */
#define SCATTERED_GAPS 2
static unsigned
scattered_reach(const WzpFecPlace *place)
{
  return (unsigned)ceil(place->rate) + SCATTERED_GAPS;
}

/* Frames lost with blocks of k frames and r repairs, if losses are independent; bursts spoil it. */
static double
expect_block(const WzpFecPlace *place, unsigned k, unsigned r)
{
  double p = place->loss, sum = 0, ways = 1;
  for (unsigned lost = 1; lost <= k; lost++) {
    ways = ways * (k - lost + 1) / lost;
    double frames_so = ways * pow(p, lost) * pow(1 - p, k - lost);
    double too_few = 0, choices = 1;
    for (unsigned come = 0; come < lost && come <= r; come++) {
      too_few += choices * pow(1 - p, come) * pow(p, r - come);
      choices = choices * (r - come) / (come + 1);
    }
    sum += frames_so * too_few * lost / k;
  }
  return sum + (p - sum) * pow(place->memory, 3);
}

static unsigned
block_size(const WzpFecLimits *limits)
{
  return limits->block_size != 0 ? MIN(limits->block_size, WZP_FEC_BLOCK_SIZE_MAX)
                                 : BLOCK_SIZE_DEFAULT;
}

static double
expect(const Packing *packing)
{
  const WzpFecPlace *place = &packing->place;
  unsigned k = block_size(packing->limits);
  if (packing->scattered)
    return expect_scattered(place);
  switch (packing->limits->scheme) {
  case WZP_FEC_NONE:
    return place->loss;
  case WZP_FEC_BLOCK:
    return expect_block(place, k, (unsigned)(place->rate * k + 0.001));
  case WZP_FEC_COPIES:
    return expect_copies(place, copies_offset(place));
  default:
    return wzp_fec_table_expect(place);
  }
}

/* Sets the rate: as little as meets the target, else what loses least. */
static double
choose_rate(Packing *packing)
{
  double most = most_rate(packing);
  bool fixed = packing->limits->overhead != WZP_FEC_OVERHEAD_AUTO;
  double least = floor_rate(packing->profile) + packing->limits->more / 100.0;
  double rate = fixed || packing->limits->fill ? most : whole_rate(packing, least, most);
  double best_rate = rate, best = INFINITY;
  for (;;) {
    packing->place.rate = rate;
    double lost = expect(packing);
    if (lost < best) {
      best = lost;
      best_rate = rate;
    }
    if (best <= TARGET || rate >= most)
      break;
    rate = whole_rate(packing, rate * RATE_STEP, most);
  }
  packing->place.rate = best_rate;
  return best;
}

static double
lost_cost(const Packing *packing)
{
  return packing->scattered ? LOST_ALONE_COST : LOST_COST;
}

/* Where much stays lost whatever the code, copies do hardly worse, and what they leave is concealed better. Returns what is
 * lost. */
static double
try_scattered(Packing *packing, double lost)
{
  const WzpFecLimits *limits = packing->limits;
  Packing other = *packing;
  other.scattered = true;
  other.place.rate = MIN(most_rate(packing), (double)packing->place.delay - SCATTERED_GAPS);
  if (limits->scheme != WZP_FEC_AUTO || packing->profile->codec != WZP_CODEC_OPUS ||
      limits->window != 0 || lost <= NEARLY_WELL || other.place.rate < 2 ||
      other.place.memory > SCATTER_MEMORY)
    return lost;
  double others = expect(&other);
  if (others > ALONE_WORTH * lost)
    return lost;
  *packing = other;
  return others;
}

/* What is understood with a packing that loses so much. */
static double
worth_of(const Packing *packing, double lost)
{
  const WzpFecLimits *limits = packing->limits;
  const WzpProfile *profile = packing->profile;
  double worth = clean_quality(profile) - lost_cost(packing) * MAX(lost, TARGET);
  if (lost > TARGET)
    worth -= ABOVE_TARGET_COST;
  if (lost > NEARLY_WELL && profile == limits->held_profile &&
      packing->frames == limits->held_frames)
    worth += HOLD;
  return worth - WAITING_COST * (packing->frames * profile->frame_ms / 20.0 - 1);
}

static void
fill_copies(WzpFecPlan *plan, const Packing *packing)
{
  double symbols = packing->place.rate * packing->frames;
  unsigned offset = copies_offset(&packing->place) * packing->frames;
  plan->programs[0] =
      (WzpFecProgram){(uint8_t)offset, (uint8_t)MAX((unsigned)(symbols + 0.001), 1)};
  plan->n_programs = 1;
  plan->symbols_256 = symbols >= 1 ? plan->programs[0].window * 256 : (unsigned)(symbols * 256);
  if (plan->programs[0].window < packing->frames && plan->programs[0].window == 1) {
    plan->programs[1] = (WzpFecProgram){(uint8_t)(offset + packing->frames - 1), 1};
    plan->n_programs = 2;
  }
}

static void
fill_scattered(WzpFecPlan *plan, const Packing *packing)
{
  unsigned frames = packing->frames, most = scattered_reach(&packing->place) * frames;
  plan->programs[0] = (WzpFecProgram){(uint8_t)frames, (uint8_t)(most - 3 * frames)};
  plan->programs[1] = (WzpFecProgram){(uint8_t)(most - frames), (uint8_t)frames};
  plan->n_programs = 2;
  plan->symbols_256 = (unsigned)(packing->place.rate * frames * 256 + 0.5);
}

static void
fill_sliding(WzpFecPlan *plan, const Packing *packing)
{
  unsigned frames = packing->frames;
  double symbols = packing->place.rate * frames;
  plan->n_programs = wzp_fec_table_choose(&packing->place, plan->programs);
  for (unsigned n = 0; n < plan->n_programs; n++) {
    WzpFecProgram *program = &plan->programs[n];
    program->offset = (uint8_t)MIN(program->offset * frames, WZP_FEC_OFFSET_MAX);
    program->window = (uint8_t)MIN(program->window * frames, WZP_FEC_WINDOW_MAX);
  }
  plan->symbols_256 = (unsigned)(symbols * 256 + 0.5);
  if (packing->limits->window != 0) {
    plan->n_programs = 1;
    plan->programs[0] =
        (WzpFecProgram){0, (uint8_t)MIN(packing->limits->window, WZP_FEC_WINDOW_MAX)};
  }
  /* as many symbols as frames: then the frames themselves */
  if (plan->n_programs == 1 && packing->limits->scheme == WZP_FEC_AUTO &&
      plan->symbols_256 >= plan->programs[0].window * 256u) {
    plan->scheme = WZP_FEC_COPIES;
    plan->symbols_256 = plan->programs[0].window * 256u;
  } else {
    plan->symbols_256 = MIN(plan->symbols_256, WZP_FEC_CODED_MAX * 256);
  }
}

static void
fill_plan(WzpFecPlan *plan, const Packing *packing, double loss)
{
  const WzpFecLimits *limits = packing->limits;
  Packing real = *packing;
  real.place.loss = CLAMP(loss, 0, 1);
  const WzpFecScheme best = packing->scattered ? WZP_FEC_COPIES : WZP_FEC_SLIDING;
  *plan = (WzpFecPlan){.scheme = limits->scheme == WZP_FEC_AUTO ? best : limits->scheme,
                       .profile = packing->profile,
                       .frames_per_packet = packing->frames,
                       .block_size = block_size(limits),
                       .expected_loss = expect(&real),
                       .least_budget = least_budget(limits, packing->profile, packing->frames)};
  if (packing->place.delay == 0 || packing->place.rate * packing->frames * 256 < 1)
    plan->scheme = WZP_FEC_NONE;
  switch (plan->scheme) {
  case WZP_FEC_NONE:
    plan->expected_loss = real.place.loss;
    break;
  case WZP_FEC_BLOCK:
    plan->block_repairs = (unsigned)(packing->place.rate * plan->block_size + 0.001);
    plan->symbols_256 = plan->block_repairs * 256 * packing->frames / plan->block_size;
    break;
  case WZP_FEC_COPIES:
    if (packing->scattered)
      fill_scattered(plan, packing);
    else
      fill_copies(plan, packing);
    break;
  default:
    fill_sliding(plan, packing);
  }
}

void
wzp_fec_plan(WzpFecPlan *plan, const WzpChannelState *channel, const WzpFecLimits *limits)
{
  const WzpProfile *wanted = wanted_profile(limits);
  const WzpProfile *profile;
  double best = -INFINITY;
  for (unsigned n = 0; (profile = wzp_profile_nth(n)) != NULL; n++) {
    bool lower =
        limits->may_lower_profile && profile->codec == wanted->codec &&
        profile->bitrate < wanted->bitrate &&
        (limits->lowest_profile == NULL || profile->bitrate >= limits->lowest_profile->bitrate);
    if (profile != wanted && !lower)
      continue;
    for (unsigned frames = 1; frames <= 4; frames++) {
      if (wzp_framing_code(profile->codec, profile->frame_ms, frames) < 0 ||
          (limits->frames_per_packet != 0 && limits->frames_per_packet != frames))
        continue;
      Packing packing = packing_of(limits, channel, profile, frames);
      double expected = choose_rate(&packing);
      expected = try_scattered(&packing, expected);
      double worth = worth_of(&packing, expected);
      if (packing.bytes < 0) /* not even the frames fit: the one that is over by least */
        worth = -1e6 + packing.bytes / (frames * profile->frame_ms);
      if (worth > best) {
        best = worth;
        fill_plan(plan, &packing, channel->loss);
      }
    }
  }
  if (best == -INFINITY) { /* frames_per_packet names no framing: the next lower does, or any */
    WzpFecLimits fewer = *limits;
    fewer.frames_per_packet--;
    wzp_fec_plan(plan, channel, &fewer);
  }
}
