/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-rank.h"
#include <glib.h>
#include <string.h>

#define COLUMNS 64 /* frames looked back on */

void
fec_fates(uint8_t *fates, unsigned n, const WzpChannelState *channel, uint64_t seed)
{
  /* xorshift64*: a search draws billions */
  uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15u;
  uint64_t after_lost =
      (uint64_t)((channel->loss + channel->memory * (1 - channel->loss)) * 4294967296.0);
  uint64_t after_come = (uint64_t)(channel->loss * (1 - channel->memory) * 4294967296.0);
  uint64_t threshold = (uint64_t)(channel->loss * 4294967296.0);
  for (unsigned i = 0; i < n; i++) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    fates[i] = (state * 0x2545f4914f6cdd1du) >> 32 < threshold;
    threshold = fates[i] ? after_lost : after_come;
  }
}

/* Lost frames that are not solved, and a maximum matching of them to equations. Bit t % 64 is frame t. */
typedef struct {
  uint64_t unknown, matched;
  uint64_t support[COLUMNS]; /* of the equation matched with this column */
} System;

/* Bits of the frames first..first + n - 1. */
static uint64_t
bits_of(uint64_t first, unsigned n)
{
  uint64_t mask = n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
  unsigned turn = first % 64;
  return turn == 0 ? mask : mask << turn | mask >> (64 - turn);
}

/* A column that is looked at no longer takes the equations that name it along. */
static void
expire(System *system, uint64_t frame)
{
  uint64_t bit = UINT64_C(1) << frame % 64;
  if ((system->unknown & bit) == 0)
    return;
  system->unknown &= ~bit;
  system->matched &= ~bit;
  for (uint64_t left = system->matched; left != 0; left &= left - 1) {
    unsigned column = (unsigned)__builtin_ctzll(left);
    if (system->support[column] & bit)
      system->matched &= ~(UINT64_C(1) << column);
  }
}

/* Adds an equation; false: it follows from the others. */
static bool
match(System *system, uint64_t support)
{
  support &= system->unknown;
  uint64_t visited = 0, queue = 0, found = support & ~system->matched;
  uint8_t parent[COLUMNS]; /* the column whose equation leads here; COLUMNS: the new one */
  if (found == 0) {
    visited = queue = support;
    for (uint64_t left = support; left != 0; left &= left - 1)
      parent[__builtin_ctzll(left)] = COLUMNS;
    while (queue != 0) {
      unsigned column = (unsigned)__builtin_ctzll(queue);
      queue &= queue - 1;
      uint64_t more = system->support[column] & system->unknown & ~visited;
      visited |= more;
      for (uint64_t left = more; left != 0; left &= left - 1)
        parent[__builtin_ctzll(left)] = (uint8_t)column;
      found = more & ~system->matched;
      if (found != 0)
        break;
      queue |= more;
    }
    if (found == 0)
      return false;
    unsigned column = (unsigned)__builtin_ctzll(found);
    system->matched |= UINT64_C(1) << column;
    while (parent[column] != COLUMNS) {
      system->support[column] = system->support[parent[column]];
      column = parent[column];
    }
    system->support[column] = support;
    return true;
  }
  unsigned column = (unsigned)__builtin_ctzll(found);
  system->matched |= UINT64_C(1) << column;
  system->support[column] = support;
  return true;
}

/* Unknown columns without an equation are free, and so is all that hangs on them; the rest is determined. */
static void
solve(System *system)
{
  uint64_t open = system->unknown & ~system->matched, last;
  do {
    last = open;
    for (uint64_t left = system->matched & ~open; left != 0; left &= left - 1) {
      unsigned column = (unsigned)__builtin_ctzll(left);
      if (system->support[column] & system->unknown & open)
        open |= UINT64_C(1) << column;
    }
  } while (open != last);
  system->unknown = open;
  system->matched &= open;
}

/* The equation over the `window` frames that end `offset` before `end`. */
static bool
add(System *system, uint64_t end, const WzpFecProgram *program)
{
  uint64_t window_end = end > program->offset ? end - program->offset : 0;
  uint64_t window = MIN(program->window, window_end);
  /* columns further back are gone */
  uint64_t oldest = end + 1 > COLUMNS ? end + 1 - COLUMNS : 0;
  if (window_end - window < oldest)
    window = window_end > oldest ? window_end - oldest : 0;
  uint64_t support = bits_of(window_end - window, (unsigned)window) & system->unknown;
  return window != 0 && support != 0 && match(system, support);
}

static unsigned
run(const FecRankScheme *scheme, const uint8_t *fates, unsigned n_frames, unsigned separate)
{
  System system = {0};
  unsigned lost = 0, turn = 0, owed = 0;
  for (uint64_t t = 0; t < n_frames; t++) {
    expire(&system, t);
    const uint8_t *fate = fates + t * (1 + separate);
    if (fate[0])
      system.unknown |= UINT64_C(1) << t % 64;
    owed += scheme->symbols_256;
    bool news = false;
    for (unsigned symbol = 0; owed >= 256; symbol++, owed -= 256) {
      const WzpFecProgram *program = &scheme->programs[turn++ % scheme->n_programs];
      if (system.unknown == 0 || fate[separate ? 1 + symbol : 0])
        continue;
      news |= add(&system, t + (separate ? 1 : 0), program);
    }
    if (news)
      solve(&system);
    if (t >= scheme->delay && system.unknown >> (t - scheme->delay) % 64 & 1)
      lost++;
  }
  return lost;
}

unsigned
fec_rank_lost(const FecRankScheme *scheme, const uint8_t *fates, unsigned n)
{
  return run(scheme, fates, n, 0);
}

unsigned
fec_rank_lost_separate(const FecRankScheme *scheme, const uint8_t *fates, unsigned n_frames)
{
  return run(scheme, fates, n_frames, scheme->symbols_256 / 256);
}

unsigned
fec_rank_floor(unsigned delay, unsigned symbols, bool separate, const uint8_t *fates,
               unsigned n_frames)
{
  /* Symbols in the order they come each save the oldest lost frame that is still in time: for deadlines in
   * order this is a maximum matching. */
  unsigned lost = 0, step = separate ? 1 + symbols : 1;
  GArray *waiting = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  guint head = 0;
  for (uint64_t t = 0; t < n_frames; t++) {
    const uint8_t *fate = fates + t * step;
    while (head < waiting->len && g_array_index(waiting, uint64_t, head) + delay < t) {
      head++;
      lost++;
    }
    if (fate[0])
      g_array_append_val(waiting, t);
    for (unsigned symbol = 0; symbol < symbols && head < waiting->len; symbol++) {
      if (!fate[separate ? 1 + symbol : 0])
        head++;
    }
  }
  g_array_free(waiting, TRUE);
  return lost;
}
