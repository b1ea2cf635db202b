/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which repairs go with a packet: windows of the programs, the tail of a stretch, blocks. */
#include "fec-sender-private.h"
#include <glib.h>

#define BLOCK_DEPTH 3        /* between two turns of a block lie two packets */
#define BLOCK_REPAIRS_MAX 16 /* as many first ESIs as the element can say */

void
wzp_fec_sender_add_repair(const WzpFecSender *sender, WzpFecDraft *draft, WzpFecRepair repair)
{
  bool coded = repair.n < repair.window;
  repair.n = MIN(repair.n, coded ? WZP_FEC_CODED_MAX : repair.window);
  if (repair.n > 0 && draft->n_repairs < WZP_FEC_REPAIRS &&
      repair.oldest + WZP_FEC_HISTORY > sender->n_frames)
    draft->repairs[draft->n_repairs++] = repair;
}

/* Cuts a window that reaches over several segments down to one: over many calls to each as often as it has frames. */
static void
keep_to_segment(WzpFecSender *sender, WzpFecRepair *repair)
{
  uint64_t end = repair->oldest + repair->window;
  if (wzp_fec_sender_frame(sender, end - 1)->segment <= repair->oldest)
    return;
  uint32_t turn = sender->pieces++ * 2654435769u; /* 2^32 / golden ratio: spreads evenly */
  uint64_t pick = repair->oldest + ((uint64_t)turn * repair->window >> 32);
  uint64_t segment = wzp_fec_sender_frame(sender, pick)->segment;
  while (pick + 1 < end && wzp_fec_sender_frame(sender, pick + 1)->segment == segment)
    pick++;
  repair->oldest = MAX(repair->oldest, segment);
  repair->window = (unsigned)(pick + 1 - repair->oldest);
}

/* The window of a program in a packet that begins with the frame `position`, as far as the stretch has it. */
static bool
window_of(const WzpFecProgram *program, const WzpFecStretch *stretch, uint64_t position,
          WzpFecRepair *repair)
{
  int64_t end = MIN((int64_t)position - program->offset, (int64_t)stretch->end);
  int64_t oldest =
      MAX((int64_t)position - program->offset - program->window, (int64_t)stretch->start);
  if (oldest >= end)
    return false;
  repair->oldest = (uint64_t)oldest;
  repair->window = (unsigned)(end - oldest);
  return true;
}

/* Symbols of one packet differ in their ESI, and so do those of the two programs, whose windows meet the same
 * frames at different times. */
static unsigned
next_esi_step(WzpFecSender *sender, unsigned program, unsigned n)
{
  const unsigned range = (WZP_FEC_ESI_STEP_MAX + 1) / 2;
  if (n > range)
    return 0;
  return program * range + sender->esi_turn[program]++ % (range + 1 - n);
}

/* The symbols of one program, for each segment of its window as many as it has frames of it. */
static void
add_program(WzpFecSender *sender, WzpFecDraft *draft, unsigned program, const WzpFecRepair *window)
{
  WzpFecRepair parts[WZP_FEC_REPAIRS];
  unsigned n_parts = 0;
  for (unsigned left = window->n; left > 0; left--) {
    unsigned i = 0;
    WzpFecRepair part = *window;
    keep_to_segment(sender, &part);
    while (i < n_parts && parts[i].oldest != part.oldest)
      i++;
    if (i == n_parts && n_parts < G_N_ELEMENTS(parts))
      parts[n_parts++] =
          (WzpFecRepair){.oldest = part.oldest, .window = part.window, .of_tail = part.of_tail};
    if (i < n_parts)
      parts[i].n++;
  }
  for (unsigned i = 0; i < n_parts; i++) {
    WzpFecRepair *part = &parts[i];
    if (wzp_fec_sender_plan_of(sender, part)->scheme == WZP_FEC_COPIES && part->n < part->window) {
      if (!sender->oldest_first)
        part->oldest += part->window - part->n;
      part->window = part->n;
      sender->oldest_first = !sender->oldest_first;
    }
    part->esi_step = next_esi_step(sender, program, part->n);
    wzp_fec_sender_add_repair(sender, draft, *part);
  }
}

/* The symbols of `packets` packets of the stretch's plan, of which the first begins with the frame `position`. */
void
wzp_fec_sender_choose_sliding(WzpFecSender *sender, WzpFecDraft *draft,
                              const WzpFecStretch *stretch, uint64_t position, unsigned packets,
                              unsigned *owed_256)
{
  const WzpFecPlan *plan = &stretch->plan;
  unsigned n[G_N_ELEMENTS(plan->programs)] = {0};
  if (sender->limits.constant_size) /* padding is of no use */
    *owed_256 = wzp_fec_sender_constant_symbols(sender) * 256 * packets;
  else
    *owed_256 += plan->symbols_256 * packets;
  unsigned symbols = *owed_256 / 256;
  *owed_256 %= 256;
  if (plan->n_programs == 0)
    return;
  for (unsigned i = 0; i < symbols; i++) {
    unsigned p = sender->turn++ % plan->n_programs;
    /* of copies one is enough: where there are all, it is the other's turn */
    if (plan->scheme == WZP_FEC_COPIES && n[p] >= plan->programs[p].window)
      p = (p + 1) % plan->n_programs;
    n[p]++;
  }

  for (unsigned p = 0; p < plan->n_programs; p++) {
    WzpFecRepair repair;
    if (n[p] == 0 || !window_of(&plan->programs[p], stretch, position, &repair))
      continue;
    repair.n = n[p];
    repair.of_tail = stretch == &sender->tail.stretch;
    add_program(sender, draft, p, &repair);
  }
}

static unsigned
reach(const WzpFecPlan *plan)
{
  unsigned reach = 0;
  for (unsigned p = 0; p < plan->n_programs; p++)
    reach = MAX(reach, plan->programs[p].offset + plan->programs[p].window);
  return reach;
}

/* ms: so much time goes by with this packet. */
void
wzp_fec_sender_choose_tail(WzpFecSender *sender, WzpFecDraft *draft, unsigned ms)
{
  WzpFecTail *tail = &sender->tail;
  const WzpFecPlan *plan = &tail->stretch.plan;
  if (!sender->has_tail)
    return;
  unsigned per_packet = MAX(plan->frames_per_packet, 1);
  unsigned packet_ms = per_packet * tail->stretch.frame_ms;
  tail->waited_ms += ms;
  unsigned packets = tail->waited_ms / packet_ms;
  if (packets > 0)
    wzp_fec_sender_choose_sliding(sender, draft, &tail->stretch, tail->position, packets,
                                  &tail->owed_256);
  tail->waited_ms %= packet_ms;
  tail->position += packets * per_packet;
  draft->tail_frames = packets * per_packet;
  sender->has_tail = tail->position < tail->stretch.end + reach(plan);
}

void
wzp_fec_sender_close_block(WzpFecSender *sender, uint64_t end)
{
  const WzpFecPlan *plan = &sender->plan;
  unsigned n = (unsigned)(end - sender->block_start), size = MAX(plan->block_size, 1);
  unsigned repairs = MIN((plan->block_repairs * n + size - 1) / size, BLOCK_REPAIRS_MAX);
  if (sender->n_blocks == WZP_FEC_BLOCKS)
    memmove(sender->blocks, sender->blocks + 1, --sender->n_blocks * sizeof sender->blocks[0]);
  if (n > 0 && repairs > 0)
    sender->blocks[sender->n_blocks++] = (WzpFecBlock){
        .first = sender->block_start, .n = n, .left = repairs, .due = sender->n_packets};
  sender->block_start = end;
}

void
wzp_fec_sender_fill_blocks(WzpFecSender *sender)
{
  unsigned size = CLAMP(sender->plan.block_size, 1, WZP_FEC_WINDOW_MAX);
  while (sender->in_stretch && sender->stretch.end - sender->block_start >= size)
    wzp_fec_sender_close_block(sender, sender->block_start + size);
}

/* Blocks take turns, each in every third packet. */
void
wzp_fec_sender_choose_blocks(WzpFecSender *sender, WzpFecDraft *draft, unsigned packets)
{
  unsigned turn = MAX((sender->plan.symbols_256 + 255) / 256, 1), left = turn * packets, kept = 0;
  for (unsigned i = 0; i < sender->n_blocks; i++) {
    WzpFecBlock *block = &sender->blocks[i];
    unsigned n = 0;
    while (block->left > 0 && left > 0 && block->due < sender->n_packets + packets) {
      unsigned now = MIN(MIN(turn, left), block->left);
      n += now;
      left -= now;
      block->left -= now;
      block->due = MAX(block->due, sender->n_packets) + BLOCK_DEPTH;
    }
    wzp_fec_sender_add_repair(sender, draft,
                              (WzpFecRepair){.oldest = block->first,
                                             .window = block->n,
                                             .n = n,
                                             .esi_step = MIN(block->sent, WZP_FEC_ESI_STEP_MAX)});
    block->sent += n;
    if (block->left > 0)
      sender->blocks[kept++] = *block;
  }
  sender->n_blocks = kept;
}

void
wzp_fec_sender_end_stretch(WzpFecSender *sender)
{
  if (!sender->in_stretch)
    return;
  if (sender->plan.scheme == WZP_FEC_BLOCK)
    wzp_fec_sender_close_block(sender, sender->stretch.end);
  if (sender->stretch.plan.n_programs > 0) {
    sender->tail = (WzpFecTail){
        .stretch = sender->stretch, .position = sender->stretch.end, .owed_256 = sender->owed_256};
    sender->has_tail = true;
  }
  sender->in_stretch = false;
  sender->owed_256 = 0;
}

unsigned
wzp_fec_sender_owed_frames(const WzpFecSender *sender)
{
  uint64_t frames = 0;
  if (sender->has_tail) {
    const WzpFecPlan *plan = &sender->tail.stretch.plan;
    unsigned per_packet = MAX(plan->frames_per_packet, 1);
    frames = sender->tail.stretch.end + reach(plan) - sender->tail.position + per_packet - 1;
    frames -= frames % per_packet;
  }
  for (unsigned i = 0; i < sender->n_blocks; i++) {
    const WzpFecBlock *block = &sender->blocks[i];
    uint64_t last = MAX(block->due, sender->n_packets) + (block->left - 1) * BLOCK_DEPTH + 1;
    frames = MAX(frames, (last - sender->n_packets) * MAX(sender->plan.frames_per_packet, 1));
  }
  return (unsigned)frames;
}
