/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-sender-private.h"
#include "fec-plan-private.h"
#include <glib.h>
#include <string.h>

#define PADDING_HEAD 3 /* its own type, and the length of the element before it */
#define PADDING_MAX 400
#define CARRY_DIVISOR 20          /* of a budget, 1/20 s may be left over for the next packet */
#define LOSES 0.02                /* from which on padding waits for repair */
#define IDLE_MAX (200 * WZP_MSEC) /* what is not spent in silence is lost */
#define PADDING_MIN 3             /* with the length of what is last otherwise */
#define FULL_HEADER_MORE (WZP_HEADER_FULL_SIZE - WZP_HEADER_MINI_SIZE)

/* Writing */

/* All of an element but its symbols. False: the packet cannot name these frames. */
static bool
describe(const WzpFecSender *sender, const WzpFecDraft *draft, const WzpFecRepair *repair,
         WzpFecElement *element)
{
  const WzpFecHistoryFrame *newest =
      wzp_fec_sender_frame(sender, repair->oldest + repair->window - 1);
  size_t longest = 0, shortest = SIZE_MAX;
  for (unsigned i = 0; i < repair->window; i++) {
    size_t length = wzp_fec_sender_frame(sender, repair->oldest + i)->length;
    longest = MAX(longest, length);
    shortest = MIN(shortest, length);
  }
  bool lengths = longest != shortest;
  *element = (WzpFecElement){
      .copies = repair->n >= repair->window,
      .lengths = lengths,
      .window = repair->window,
      .esi_step = repair->esi_step,
      .n_symbols = repair->n,
      .symbol_length = longest + (lengths ? 2 : 0),
  };

  int64_t back = (int64_t)(draft->media_ms - newest->media_ms);
  if (draft->code == newest->packet_code && back > 0 && newest->segment == sender->segment) {
    int64_t frames = (back + draft->frame_ms / 2) / draft->frame_ms;
    int64_t off = back - frames * draft->frame_ms;
    element->offset = (unsigned)(frames - 1);
    if (frames >= 1 && frames <= WZP_FEC_OFFSET_MAX + 1 && off <= WZP_FEC_TOLERANCE_MS &&
        off >= -WZP_FEC_TOLERANCE_MS)
      return true;
  }
  uint64_t packets = sender->position - newest->packet;
  element->offset =
      (unsigned)(packets << WZP_FEC_BEHIND_BITS | newest->behind) & WZP_FEC_OFFSET_MAX;
  element->other_framing = true;
  element->code = newest->packet_code;
  element->distance = (uint16_t)back;
  return back >= 0 && back <= UINT16_MAX && packets <= WZP_FEC_OFFSET_MAX >> WZP_FEC_BEHIND_BITS;
}

static size_t
body_size(const WzpFecElement *element)
{
  return wzp_fec_element_head_size(element) + element->n_symbols * element->symbol_length;
}

/* What an element adds to a bundle in which others follow. */
static size_t
size_in_bundle(size_t body)
{
  return body + (body <= UINT8_MAX ? 2 : 3);
}

static void
write_repair(const WzpFecSender *sender, const WzpFecDraft *draft, const WzpFecRepair *repair,
             WzpWriter *writer, bool last)
{
  WzpFecElement element;
  uint8_t symbols[WZP_FEC_BUNDLE_MAX], body[WZP_DATAGRAM_MAX];
  const uint8_t *source[WZP_FEC_WINDOW_MAX];
  uint8_t *out[WZP_FEC_WINDOW_MAX];
  uint32_t esi[WZP_FEC_CODED_MAX];

  describe(sender, draft, repair, &element);
  for (unsigned i = 0; i < repair->window; i++)
    source[i] =
        wzp_fec_sender_frame(sender, repair->oldest + i)->symbol + (element.lengths ? 0 : 2);
  for (unsigned j = 0; j < element.n_symbols; j++) {
    out[j] = symbols + j * element.symbol_length;
    if (element.copies)
      memcpy(out[j], source[j], element.symbol_length);
    else
      esi[j] = element.window + element.esi_step + j;
  }
  if (!element.copies)
    wzp_raptorq_encode(element.window, source, esi, out, element.n_symbols, element.symbol_length);
  element.symbols = symbols;

  WzpWriter inner;
  wzp_writer_init(&inner, body, sizeof body);
  wzp_fec_element_write(&inner, &element);
  wzp_bundle_write(writer, WZP_ELEMENT_REPAIR, body, inner.length, last);
}

/* The budget */

static int64_t
income(const WzpFecSender *sender, WzpTime time)
{
  return (int64_t)wzp_fec_media_budget(&sender->limits) * time / 8; /* us: millionths of a byte */
}

static void
earn(WzpFecSender *sender, WzpTime first_packet)
{
  WzpTime idle = sender->spending ? sender->now - sender->spent_at : first_packet;
  sender->tokens = MIN(sender->tokens, income(sender, WZP_SECOND) / CARRY_DIVISOR) +
                   income(sender, CLAMP(idle, 0, IDLE_MAX));
  sender->spent_at = sender->now;
  sender->spending = true;
}

static int64_t
bundle_cost(const WzpFecSender *sender, const WzpFecDraft *draft, size_t bundle)
{
  return (int64_t)(wzp_fec_packet_overhead(&sender->limits) + (draft->full ? FULL_HEADER_MORE : 0) +
                   bundle) *
         1000000;
}

static void
spend(WzpFecSender *sender, int64_t cost)
{
  sender->tokens = MAX(sender->tokens - cost, -income(sender, WZP_SECOND));
}

void
wzp_fec_sender_spent(WzpFecSender *sender, uint64_t bytes)
{
  if (sender->spending)
    spend(sender, (int64_t)bytes * 1000000);
}

/* The size of the bundle: own bytes of frames and report, and repairs. */
static size_t
draft_size(const WzpFecSender *sender, const WzpFecDraft *draft, size_t frames)
{
  size_t size = 0, last = 0;
  size_t bodies[WZP_FEC_REPAIRS + 3], n = 0;
  if (frames > 0)
    bodies[n++] = frames;
  for (unsigned i = 0; i < draft->n_repairs; i++) {
    WzpFecElement element;
    describe(sender, draft, &draft->repairs[i], &element);
    bodies[n++] = body_size(&element);
  }
  if (sender->in_silence)
    bodies[n++] = WZP_COMFORT_SIZE;
  if (sender->has_report)
    bodies[n++] = WZP_REPORT_SIZE;
  for (size_t i = 0; i < n; i++) {
    last = size_in_bundle(bodies[i]) - bodies[i] - 1;
    size += size_in_bundle(bodies[i]);
  }
  return size - last; /* the last one has no length */
}

/* Takes a symbol away: the last of what has more of them for each frame, the stretch or the tail. */
static void
cut_symbol(WzpFecSender *sender, WzpFecDraft *draft)
{
  unsigned n[2] = {0}, last[2] = {0}; /* of the stretch, of the tail */
  for (unsigned i = 0; i < draft->n_repairs; i++) {
    n[draft->repairs[i].of_tail] += draft->repairs[i].n;
    last[draft->repairs[i].of_tail] = i;
  }
  bool of_tail = n[true] * MAX(sender->plan.frames_per_packet, 1) > n[false] * draft->tail_frames;
  WzpFecRepair *repair = &draft->repairs[last[of_tail]];
  unsigned *owed_256 = of_tail ? &sender->tail.owed_256 : &sender->owed_256;
  if (wzp_fec_sender_plan_of(sender, repair)->scheme == WZP_FEC_COPIES) {
    repair->window--;
    repair->oldest++;
  }
  if (--repair->n == 0)
    memmove(repair, repair + 1, (--draft->n_repairs - last[of_tail]) * sizeof draft->repairs[0]);
  else if (repair->n < repair->window)
    repair->n = MIN(repair->n, WZP_FEC_CODED_MAX);
  *owed_256 = MIN(*owed_256 + 256, 2 * 256);
}

static void
drop_unnameable(const WzpFecSender *sender, WzpFecDraft *draft)
{
  unsigned kept = 0;
  for (unsigned i = 0; i < draft->n_repairs; i++) {
    WzpFecElement element;
    if (describe(sender, draft, &draft->repairs[i], &element))
      draft->repairs[kept++] = draft->repairs[i];
  }
  draft->n_repairs = kept;
}

static void
fit(WzpFecSender *sender, WzpFecDraft *draft, size_t frames, bool unlimited)
{
  bool limited = sender->limits.budget != 0 && !unlimited;
  size_t constant = wzp_fec_sender_constant_size(sender);
  drop_unnameable(sender, draft);
  while (draft->n_repairs > 0) {
    size_t size = draft_size(sender, draft, frames);
    if (constant > 0 && size + PADDING_MIN <= constant)
      break;
    if (constant == 0 && size <= WZP_FEC_BUNDLE_MAX &&
        (!limited || bundle_cost(sender, draft, size) <= sender->tokens))
      break;
    cut_symbol(sender, draft);
  }
}

/* Repair that did not fit any more is for the next packet, and so is what is left, where losses are known of. */
static int64_t
saved_for_repair(const WzpFecSender *sender)
{
  bool known = sender->channel_given || wzp_channel_is_known(sender->channel, sender->now);
  if (sender->owed_256 < 256 || !known || sender->planned_state.loss < LOSES)
    return 0;
  return (int64_t)wzp_fec_sender_frame(sender, sender->n_frames - 1)->length;
}

/* What the repair leaves of the budget, where all of it is to be sent. */
static void
pad(WzpFecSender *sender, WzpFecDraft *draft, size_t frames)
{
  if (!sender->limits.fill || sender->limits.budget == 0)
    return;
  size_t size = draft_size(sender, draft, frames);
  int64_t left = (sender->tokens - bundle_cost(sender, draft, size)) / 1000000 - PADDING_HEAD;
  int64_t room = (int64_t)WZP_FEC_BUNDLE_MAX - (int64_t)size - PADDING_HEAD;
  left = MIN(left - saved_for_repair(sender), MIN(room, PADDING_MAX));
  draft->padding = left > 0 ? (size_t)left : 0;
}

/* Packets */

static WzpFecQueued *
queue_packet(WzpFecSender *sender)
{
  if (sender->queue_n == WZP_FEC_QUEUE) { /* the owner did not poll */
    sender->queue_first = (sender->queue_first + 1) % WZP_FEC_QUEUE;
    sender->queue_n--;
  }
  return &sender->queue[(sender->queue_first + sender->queue_n++) % WZP_FEC_QUEUE];
}

static void
finish_packet(WzpFecSender *sender, const WzpFecDraft *draft, uint64_t first, unsigned n)
{
  WzpFecQueued *queued = queue_packet(sender);
  WzpFecSenderStats *stats = &sender->stats;
  WzpWriter writer;
  bool comfort = sender->in_silence;
  size_t constant = wzp_fec_sender_constant_size(sender);
  bool padded = constant > 0 || draft->padding > 0;
  unsigned elements = (n > 0) + comfort + draft->n_repairs + sender->has_report + padded;
  wzp_writer_init(&writer, queued->bytes, sizeof queued->bytes);

  if (n > 0) {
    uint8_t frames[WZP_DATAGRAM_MAX];
    size_t length = wzp_fec_sender_frame(sender, first)->length;
    for (unsigned i = 0; i < n; i++)
      memcpy(frames + i * length, wzp_fec_sender_frame(sender, first + i)->symbol + 2, length);
    wzp_bundle_write(&writer, WZP_ELEMENT_FRAMES, frames, n * length, --elements == 0);
    stats->frame_bytes += n * length;
  }
  if (comfort)
    wzp_bundle_write(&writer, WZP_ELEMENT_COMFORT, sender->comfort, sizeof sender->comfort,
                     --elements == 0);
  size_t before = writer.length;
  for (unsigned i = 0; i < draft->n_repairs; i++) {
    write_repair(sender, draft, &draft->repairs[i], &writer, --elements == 0);
    stats->repair_symbols += draft->repairs[i].n;
  }
  stats->repair_bytes += writer.length - before;
  if (sender->has_report) {
    wzp_report_age(&sender->report, sender->now - sender->report_at);
    wzp_report_write_element(&writer, &sender->report, --elements == 0);
    sender->has_report = false;
    stats->reports_carried++;
  }
  if (padded) {
    static const uint8_t zeros[WZP_DATAGRAM_MAX];
    size_t left = constant > writer.length ? constant - writer.length - 1 : 0;
    wzp_bundle_write(&writer, WZP_ELEMENT_PADDING, zeros, constant > 0 ? left : draft->padding,
                     true);
  }
  stats->bundle_bytes += writer.length;
  stats->packets++;
  sender->position++;
  sender->n_packets++;
  sender->headers = draft->headers;
  spend(sender, bundle_cost(sender, draft, writer.length));

  queued->packet = (WzpFecPacket){
      .position = sender->position - 1,
      .code = draft->code,
      .media_ms = draft->media_ms,
      .gap = n > 0 && sender->gap,
      .talk_start = n > 0 && sender->talk_start_left > 0,
      .n_frames = n,
      .first = first,
      .bundle = queued->bytes,
      .length = writer.length,
  };
  if (n > 0) {
    sender->gap = false;
    sender->talk_start_left -= sender->talk_start_left > 0;
  }
}

static void
begin_draft(WzpFecSender *sender, WzpFecDraft *draft, uint8_t code, uint64_t media_ms,
            WzpTime duration)
{
  const WzpFraming *framing = wzp_framing_from_code(code);
  bool audio = framing->frames_per_packet > 0;
  *draft = (WzpFecDraft){
      .code = code,
      .frame_ms = framing->frame_ms,
      .media_ms = media_ms,
      .headers = sender->headers,
  };
  draft->full =
      wzp_header_policy_full(&draft->headers, code, 0, (uint32_t)media_ms, audio && sender->gap);
  earn(sender, duration);
}

/* These frames go in the packet that is being made, which has `code`; frames_code: of one that could hold them. */
static void
note_place(WzpFecSender *sender, uint64_t first, unsigned n, uint8_t code, uint8_t frames_code)
{
  bool goes_on = code == frames_code && code == sender->segment_code &&
                 sender->position == sender->segment_next && first > sender->stretch.start;
  if (!goes_on) {
    if (sender->plan.scheme == WZP_FEC_BLOCK && sender->block_start < first)
      wzp_fec_sender_close_block(sender, first);
    sender->segment = first;
    sender->segment_code = code;
  }
  sender->segment_next = sender->position + 1;
  for (unsigned i = 0; i < n; i++) {
    WzpFecHistoryFrame *frame = &sender->history[(first + i) % WZP_FEC_HISTORY];
    frame->packet = sender->position;
    frame->packet_code = frames_code;
    frame->behind = n - 1 - i;
    frame->segment = sender->segment;
  }
}

/* A plan for other frames may come before they do: what it counts are not the frames of this stretch. */
static void
follow_plan(WzpFecSender *sender, uint64_t first)
{
  WzpFecStretch *stretch = &sender->stretch;
  const WzpProfile *planned = sender->plan.profile;
  if (first == stretch->start || (planned->frame_ms == stretch->frame_ms &&
                                  planned->codec == wzp_framing_from_code(stretch->code)->codec))
    stretch->plan = sender->plan;
}

void
wzp_fec_sender_emit_frames(WzpFecSender *sender, unsigned n, uint8_t code)
{
  WzpFecDraft draft;
  WzpFecStretch *stretch = &sender->stretch;
  uint64_t first = sender->n_frames - sender->n_waiting;
  unsigned ms = n * stretch->frame_ms;
  begin_draft(sender, &draft, code, wzp_fec_sender_frame(sender, first)->media_ms, ms * WZP_MSEC);
  note_place(sender, first, n, code, code);

  follow_plan(sender, first);
  wzp_fec_sender_choose_tail(sender, &draft, ms);
  if (sender->plan.scheme == WZP_FEC_BLOCK)
    wzp_fec_sender_choose_blocks(sender, &draft, 1);
  else
    wzp_fec_sender_choose_sliding(sender, &draft, stretch, first, 1, &sender->owed_256);
  fit(sender, &draft, n * wzp_fec_sender_frame(sender, first)->length, false);
  pad(sender, &draft, n * wzp_fec_sender_frame(sender, first)->length);
  finish_packet(sender, &draft, first, n);

  sender->n_waiting -= n;
  stretch->end = first + n;
  wzp_fec_sender_fill_blocks(sender);
}

void
wzp_fec_sender_emit_copy(WzpFecSender *sender)
{
  WzpFecDraft draft;
  uint64_t first = sender->n_frames - sender->n_waiting;
  begin_draft(sender, &draft, WZP_CODE_NO_AUDIO, wzp_fec_sender_frame(sender, first)->media_ms,
              sender->stretch.frame_ms * WZP_MSEC);
  note_place(sender, first, 1, WZP_CODE_NO_AUDIO, wzp_fec_sender_frame(sender, first)->code);
  follow_plan(sender, first);
  wzp_fec_sender_add_repair(sender, &draft, (WzpFecRepair){.oldest = first, .window = 1, .n = 1});
  finish_packet(sender, &draft, first, 0);
  sender->n_waiting--;
  sender->stretch.end = first + 1;
}

void
wzp_fec_sender_emit_owed(WzpFecSender *sender, uint64_t media_ms, unsigned frames, bool unlimited)
{
  WzpFecDraft draft;
  unsigned packets = MAX(frames / MAX(sender->plan.frames_per_packet, 1), 1);
  uint64_t next_packet = sender->n_packets + packets;
  begin_draft(sender, &draft, sender->comfort_due ? WZP_CODE_COMFORT_NOISE : WZP_CODE_NO_AUDIO,
              media_ms, 0);
  wzp_fec_sender_choose_tail(sender, &draft, frames * sender->tail.stretch.frame_ms);
  wzp_fec_sender_choose_blocks(sender, &draft, packets);
  fit(sender, &draft, 0, unlimited);
  if (draft.n_repairs > 0 || sender->has_report || sender->comfort_due || sender->comfort_again) {
    finish_packet(sender, &draft, sender->n_frames, 0);
    sender->comfort_due = sender->comfort_again = false;
  }
  sender->n_packets = next_packet;
}
