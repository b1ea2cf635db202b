/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-sender-private.h"
#include <glib.h>
#include <string.h>

#define MEDIA_MS_MAX (UINT64_C(1) << 42)
#define FRAMES_ROOM (3 * WZP_FEC_FRAME_MAX)
#define TALK_START_PACKETS 3
#define FINISH_PACKETS 3

/* How different the channel must look before a new plan is made, and how long a plan holds. */
#define WORSE_AFTER (200 * WZP_MSEC)
#define BETTER_AFTER WZP_SECOND
#define DELAY_STEP (20 * WZP_MSEC)

/* The plan */

static WzpChannelState
channel_state(const WzpFecSender *sender, WzpTime now)
{
  return sender->channel_given ? sender->given : wzp_channel_state(sender->channel, now);
}

static WzpTime
delay_allowed(const WzpFecSender *sender)
{
  WzpTime playout = sender->channel_given ? 0 : wzp_channel_playout(sender->channel);
  return playout > 0 ? MIN(sender->limits.max_delay, playout) : sender->limits.max_delay;
}

static bool
same_plan(const WzpFecPlan *a, const WzpFecPlan *b)
{
  if (a->scheme != b->scheme || a->profile != b->profile ||
      a->frames_per_packet != b->frames_per_packet || a->n_programs != b->n_programs ||
      a->symbols_256 != b->symbols_256 || a->block_size != b->block_size ||
      a->block_repairs != b->block_repairs)
    return false;
  for (unsigned p = 0; p < a->n_programs; p++) {
    if (a->programs[p].offset != b->programs[p].offset ||
        a->programs[p].window != b->programs[p].window)
      return false;
  }
  return true;
}

static void
make_plan(WzpFecSender *sender)
{
  WzpFecLimits limits = sender->limits;
  WzpFecPlan before = sender->plan;
  sender->planned_state = channel_state(sender, sender->now);
  sender->planned_delay = limits.max_delay = delay_allowed(sender);
  sender->planned_at = sender->now;
  sender->planned_budget = limits.budget;
  sender->plan_unfit = false;
  sender->headers.repeat = wzp_header_repeat(sender->planned_state.loss);
  if (limits.profile == NULL)
    limits.profile = sender->frames_profile;
  limits.held_profile = before.profile;
  limits.held_frames = before.frames_per_packet;
  wzp_fec_plan(&sender->plan, &sender->planned_state, &limits);
  if (same_plan(&before, &sender->plan))
    return;
  sender->stats.plans++;
  if (before.scheme != sender->plan.scheme) { /* what blocks still owed is forgotten */
    sender->n_blocks = 0;
    sender->block_start = sender->stretch.end;
  }
  if (sender->plan.scheme == WZP_FEC_NONE)
    sender->has_tail = false;
}

/* It no longer fits, whatever the channel: another at once, or for packets of one size when its time is over, unless they
 * are longer than is allowed now: who waits then fills a queue. */
static void
replace_plan(WzpFecSender *sender)
{
  if (sender->limits.constant_size && sender->n_packets > 0 &&
      wzp_fec_sender_constant_size(sender) <= wzp_fec_sender_room(sender, sender->limits.budget))
    sender->plan_unfit = true;
  else
    make_plan(sender);
}

/* Not on every flicker of the estimate: soon when it is worse, later when it is better. */
static void
consider_plan(WzpFecSender *sender)
{
  const WzpChannelState *old = &sender->planned_state;
  WzpChannelState state = channel_state(sender, sender->now);
  WzpTime delay = delay_allowed(sender), age = sender->now - sender->planned_at;
  double burst = wzp_channel_mean_burst(&state), old_burst = wzp_channel_mean_burst(old);

  double come = 1 - state.loss, came = 1 - old->loss;
  bool worse = state.loss > old->loss * 1.15 + 0.004 || come < came / 1.15 ||
               burst > old_burst * 1.2 || delay <= sender->planned_delay - DELAY_STEP;
  bool better = state.loss < old->loss * 0.8 - 0.002 || come > came * 1.15 ||
                burst < old_burst / 1.25 || delay >= sender->planned_delay + DELAY_STEP;
  if (sender->limits.constant_size) {
    if ((worse || better || sender->plan_unfit) && age >= WZP_FEC_CONSTANT_PERIOD)
      make_plan(sender);
  } else if ((worse && age >= WORSE_AFTER) || (better && age >= BETTER_AFTER))
    make_plan(sender);
}

/* The profile of the frames that come, or of the table the one next to it. */
static const WzpProfile *
profile_of(const WzpFraming *framing, size_t length)
{
  const WzpProfile *best = NULL, *profile;
  size_t best_off = SIZE_MAX;
  for (unsigned i = 0; (profile = wzp_profile_nth(i)) != NULL; i++) {
    size_t off = profile->frame_bytes > length ? profile->frame_bytes - length
                                               : length - profile->frame_bytes;
    if (profile->codec == framing->codec && profile->frame_ms == framing->frame_ms &&
        off < best_off) {
      best = profile;
      best_off = off;
    }
  }
  return best;
}

/* Life */

WzpFecSender *
wzp_fec_sender_new(const WzpFecLimits *limits)
{
  WzpFecSender *sender = g_new0(WzpFecSender, 1);
  sender->channel = wzp_channel_new();
  sender->limits = *limits;
  sender->talk_start_left = TALK_START_PACKETS;
  make_plan(sender);
  sender->stats.plans = 0;
  return sender;
}

void
wzp_fec_sender_free(WzpFecSender *sender)
{
  if (sender == NULL)
    return;
  wzp_channel_free(sender->channel);
  g_free(sender);
}

void
wzp_fec_sender_set_limits(WzpFecSender *sender, const WzpFecLimits *limits)
{
  bool other_mode = sender->limits.constant_size != limits->constant_size;
  /* more is tried since no queue stands: what was spent beside is through */
  if (limits->empty && limits->budget > sender->limits.budget && sender->limits.budget != 0)
    sender->tokens = MAX(sender->tokens, 0);
  sender->limits = *limits;
  if (other_mode)
    make_plan(sender);
  else
    replace_plan(sender);
}

void
wzp_fec_sender_reset(WzpFecSender *sender)
{
  sender->n_frames = sender->n_waiting = sender->n_blocks = sender->queue_n = 0;
  sender->in_silence = sender->comfort_due = sender->comfort_again = false;
  sender->in_stretch = sender->has_tail = sender->gap = sender->has_report = false;
  sender->stretch = (WzpFecStretch){0};
  sender->block_start = sender->last_ms = sender->owed_256 = 0;
  sender->segment = sender->segment_next = 0;
  sender->talk_start_left = TALK_START_PACKETS;
  sender->headers = (WzpHeaderPolicy){.repeat = sender->headers.repeat};
}

/* The channel */

WzpResult
wzp_fec_sender_handle_report(WzpFecSender *sender, WzpTime now, const WzpReport *report)
{
  const WzpProfile *profile = sender->plan.profile;
  unsigned frame_ms = sender->in_stretch ? sender->stretch.frame_ms
                      : profile != NULL  ? profile->frame_ms
                                         : 20;
  WzpTime interval = sender->plan.frames_per_packet * frame_ms * WZP_MSEC;
  WzpResult result = wzp_channel_report(sender->channel, now, report, interval);
  sender->now = now;
  if (result == WZP_OK)
    sender->stats.reports_handled++;
  else
    sender->stats.reports_stale++;
  consider_plan(sender);
  return result;
}

void
wzp_fec_sender_follow(WzpFecSender *sender, WzpTime now, const WzpReport *last, double loss)
{
  wzp_channel_follow(sender->channel, now, last, loss);
  sender->now = now;
  replace_plan(sender);
}

void
wzp_fec_sender_set_channel(WzpFecSender *sender, const WzpChannelState *state)
{
  sender->channel_given = state != NULL;
  if (state != NULL)
    sender->given = *state;
  replace_plan(sender);
}

void
wzp_fec_sender_skip(WzpFecSender *sender, uint64_t packets)
{
  sender->position += packets;
}

void
wzp_fec_sender_carry_report(WzpFecSender *sender, WzpTime now, const WzpReport *report)
{
  sender->report_at = now;
  sender->report = *report;
  sender->has_report = true;
}

/* Packets */

/* The code of a packet of as many frames as asked, or as there is a code and room for, or, where so few have no code,
 * of the fewest that have one. *n: how many. */
static uint8_t
packet_code(const WzpFraming *framing, size_t length, unsigned *n)
{
  unsigned most = MIN(MAX(*n, 1), (unsigned)(FRAMES_ROOM / length));
  *n = wzp_framing_frames_up_to(framing->codec, framing->frame_ms, most);
  if (*n > 0)
    return (uint8_t)wzp_framing_code(framing->codec, framing->frame_ms, *n);
  *n = framing->frames_per_packet; /* of the code that names a frame: the fewest */
  return (uint8_t)wzp_fec_frame_code(framing);
}

/* What waits cannot become a whole packet any more: its frames go in as few packets as there are codes for. */
static void
close_packet(WzpFecSender *sender)
{
  while (sender->n_waiting > 0) {
    const WzpFecHistoryFrame *frame =
        wzp_fec_sender_frame(sender, sender->n_frames - sender->n_waiting);
    unsigned n = sender->n_waiting;
    uint8_t code = packet_code(wzp_framing_from_code(frame->code), frame->length, &n);
    if (n <= sender->n_waiting)
      wzp_fec_sender_emit_frames(sender, n, code);
    else
      wzp_fec_sender_emit_copy(sender);
  }
}

static bool
follows(const WzpFecSender *sender, const WzpFecSourceFrame *frame)
{
  const WzpFecStretch *stretch = &sender->stretch;
  int64_t expected =
      (int64_t)(stretch->media_ms + (sender->n_frames - stretch->start) * stretch->frame_ms);
  int64_t off = (int64_t)frame->media_ms - expected;
  return off <= WZP_FEC_TOLERANCE_MS && off >= -WZP_FEC_TOLERANCE_MS;
}

static void
begin_stretch(WzpFecSender *sender, const WzpFecSourceFrame *frame, const WzpFraming *framing)
{
  wzp_fec_sender_end_stretch(sender);
  sender->stretch = (WzpFecStretch){.code = frame->code,
                                    .frame_ms = framing->frame_ms,
                                    .media_ms = frame->media_ms,
                                    .start = sender->n_frames,
                                    .end = sender->n_frames};
  sender->in_stretch = true;
  sender->block_start = sender->n_frames;
  sender->gap |= frame->talk_start;
  if (frame->talk_start)
    sender->talk_start_left = TALK_START_PACKETS;
}

static void
remember(WzpFecSender *sender, const WzpFecSourceFrame *frame)
{
  WzpFecHistoryFrame *kept = &sender->history[sender->n_frames++ % WZP_FEC_HISTORY];
  WzpWriter writer;
  kept->code = frame->code;
  kept->media_ms = frame->media_ms;
  kept->length = frame->length;
  wzp_writer_init(&writer, kept->symbol, sizeof kept->symbol);
  wzp_writer_lp(&writer, frame->data, frame->length);
  wzp_writer_zero(&writer, sizeof kept->symbol - writer.length);
  sender->n_waiting++;
}

WzpResult
wzp_fec_sender_push(WzpFecSender *sender, WzpTime now, const WzpFecSourceFrame *frame)
{
  const WzpFraming *framing = wzp_framing_from_code(frame->code);
  sender->now = now;
  if (framing == NULL || wzp_fec_frame_code(framing) != frame->code || frame->length == 0 ||
      frame->length > WZP_FEC_FRAME_MAX || frame->media_ms > MEDIA_MS_MAX) {
    sender->stats.invalid++;
    return WZP_MALFORMED;
  }
  sender->stats.frames++;
  sender->in_silence = sender->comfort_due = false;
  const WzpProfile *profile = profile_of(framing, frame->length);
  if (sender->limits.profile == NULL && profile != sender->frames_profile) {
    sender->frames_profile = profile;
    make_plan(sender);
  } else {
    consider_plan(sender);
  }

  unsigned n = sender->plan.frames_per_packet;
  uint8_t code = packet_code(framing, frame->length, &n);
  bool joins = sender->in_stretch && !frame->talk_start && sender->stretch.code == frame->code &&
               follows(sender, frame);
  if (sender->n_waiting > 0 &&
      (!joins || sender->n_waiting >= n ||
       wzp_fec_sender_frame(sender, sender->n_frames - 1)->length != frame->length))
    close_packet(sender);
  if (!joins)
    begin_stretch(sender, frame, framing);
  remember(sender, frame);
  sender->last_ms = frame->media_ms + framing->frame_ms;
  if (sender->n_waiting == n)
    wzp_fec_sender_emit_frames(sender, n, code);
  return WZP_OK;
}

void
wzp_fec_sender_silence(WzpFecSender *sender, WzpTime now, uint64_t media_ms)
{
  sender->now = now;
  consider_plan(sender);
  close_packet(sender);
  wzp_fec_sender_end_stretch(sender);
  sender->last_ms = MAX(sender->last_ms, media_ms);
  wzp_fec_sender_emit_owed(sender, media_ms, 1, false);
}

WzpResult
wzp_fec_sender_comfort(WzpFecSender *sender, WzpTime now, uint64_t media_ms,
                       const uint8_t *descriptor, size_t length)
{
  if (length != WZP_COMFORT_SIZE || media_ms > MEDIA_MS_MAX) {
    sender->stats.invalid++;
    return WZP_MALFORMED;
  }
  sender->now = now;
  close_packet(sender);
  memcpy(sender->comfort, descriptor, length);
  sender->in_silence = sender->comfort_due = true;
  wzp_fec_sender_silence(sender, now, media_ms);
  return WZP_OK;
}

static void
finish(WzpFecSender *sender, WzpTime now, bool end)
{
  sender->now = now;
  close_packet(sender);
  wzp_fec_sender_end_stretch(sender);
  for (unsigned left = FINISH_PACKETS; left > 0; left--) {
    unsigned owed = wzp_fec_sender_owed_frames(sender);
    sender->comfort_again = end;
    wzp_fec_sender_emit_owed(sender, sender->last_ms, (owed + left - 1) / left, true);
  }
}

void
wzp_fec_sender_finish(WzpFecSender *sender, WzpTime now)
{
  finish(sender, now, false);
}

void
wzp_fec_sender_end(WzpFecSender *sender, WzpTime now)
{
  bool says_silence = sender->n_frames > 0 && !sender->in_silence;
  close_packet(sender);
  if (says_silence) {
    wzp_comfort_write_nothing(sender->comfort);
    sender->in_silence = sender->comfort_due = true;
  }
  finish(sender, now, says_silence);
}

bool
wzp_fec_sender_poll(WzpFecSender *sender, WzpFecPacket *packet)
{
  if (sender->queue_n == 0)
    return false;
  *packet = sender->queue[sender->queue_first].packet;
  sender->queue_first = (sender->queue_first + 1) % WZP_FEC_QUEUE;
  sender->queue_n--;
  return true;
}

const WzpFecPlan *
wzp_fec_sender_plan(const WzpFecSender *sender)
{
  return &sender->plan;
}

void
wzp_fec_sender_get_stats(const WzpFecSender *sender, WzpTime now, WzpFecSenderStats *stats)
{
  *stats = sender->stats;
  stats->channel = channel_state(sender, now);
}
