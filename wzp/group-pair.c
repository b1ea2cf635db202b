/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <sodium.h>
#include <string.h>

#define COUNTER_BITS 28
#define GENERATION_MASK 15 /* what of the generation the wire carries */
/* So many generations may pass without one record that came: the relay lost its memory, say. */
#define AHEAD_MAX 8

static void
ratchet_key(uint8_t key[32])
{
  uint8_t next[32];

  wzp_hkdf_expand_label(next, sizeof next, key, "wz1 pw ratchet");
  memcpy(key, next, sizeof next);
  sodium_memzero(next, sizeof next);
}

static void
record_nonce(uint8_t nonce[WZP_NONCE_SIZE], const uint8_t *record)
{
  memset(nonce, 0, 8);
  memcpy(nonce + 8, record + 2, 4);
}

void
wzp_group_pair_init(WzpGroupPair *pair, WzpTime now)
{
  wzp_window_init(&pair->receive.window, WZP_PAIR_WINDOW);
  pair->ratchet_at = now + WZP_PAIR_RATCHET_EVERY;
  pair->ratcheted_at = now;
}

bool
wzp_group_pair_can_send(const WzpGroupPair *pair)
{
  return pair->send_counter <= WZP_PAIR_COUNTER_MAX;
}

uint64_t
wzp_group_pair_next_number(const WzpGroupPair *pair)
{
  return ((uint64_t)pair->send_generation << COUNTER_BITS) | pair->send_counter;
}

uint64_t
wzp_group_pair_sent_number(const WzpGroupPair *pair, uint32_t ctr)
{
  uint64_t back = (pair->send_generation - (ctr >> COUNTER_BITS)) & GENERATION_MASK;

  if (back > pair->send_generation)
    return UINT64_MAX; /* never sent */
  return (((uint64_t)pair->send_generation - back) << COUNTER_BITS) | (ctr & WZP_PAIR_COUNTER_MAX);
}

GBytes *
wzp_group_pair_seal(WzpGroupPair *pair, uint8_t to, uint8_t from, const uint8_t *frames,
                    size_t length)
{
  size_t size = WZP_PAIR_HEADER + length + WZP_TAG_SIZE;
  uint8_t *record = g_malloc(size), nonce[WZP_NONCE_SIZE];
  WzpWriter writer;

  g_assert(wzp_group_pair_can_send(pair));
  wzp_writer_init(&writer, record, size);
  wzp_writer_u8(&writer, to);
  wzp_writer_u8(&writer, from);
  wzp_writer_u32(&writer,
                 (pair->send_generation & GENERATION_MASK) << COUNTER_BITS | pair->send_counter);
  record_nonce(nonce, record);
  wzp_aead_seal(record + WZP_PAIR_HEADER, pair->send_key, nonce, record, WZP_PAIR_HEADER, frames,
                length);
  pair->send_counter++;
  return g_bytes_new_take(record, size);
}

void
wzp_group_pair_ratchet(WzpGroupPair *pair, WzpTime now)
{
  ratchet_key(pair->send_key);
  pair->send_generation++;
  pair->send_counter = 0;
  pair->ratcheted_at = now;
  pair->ratchet_at = now + WZP_PAIR_RATCHET_EVERY;
}

void
wzp_group_pair_ratchet_soon(WzpGroupPair *pair)
{
  /* the receiver keeps two generations: a third must not push the first out while its records travel */
  pair->ratchet_at = MIN(pair->ratchet_at, pair->ratcheted_at + WZP_PAIR_LATE);
}

void
wzp_group_pair_expire(WzpGroupPair *pair, WzpTime now)
{
  if (pair->has_previous && now >= pair->previous_until) {
    sodium_memzero(&pair->previous, sizeof pair->previous);
    pair->has_previous = false;
  }
}

static WzpResult
open_with(const WzpGroupPairKey *key, const uint8_t *record, size_t length, uint8_t *frames)
{
  uint8_t nonce[WZP_NONCE_SIZE];

  record_nonce(nonce, record);
  return wzp_aead_open(frames, key->key, nonce, record, WZP_PAIR_HEADER, record + WZP_PAIR_HEADER,
                       length - WZP_PAIR_HEADER)
             ? WZP_OK
             : WZP_BAD_TAG;
}

static WzpResult
open_known(WzpGroupPairKey *key, const uint8_t *record, size_t length, uint32_t counter,
           uint8_t *frames)
{
  WzpResult result = wzp_window_admit(&key->window, counter);

  if (result == WZP_OK)
    result = open_with(key, record, length, frames);
  if (result == WZP_OK)
    wzp_window_mark(&key->window, counter);
  return result;
}

/* A record of a later generation: only one that opens moves us there. */
static WzpResult
open_ahead(WzpGroupPair *pair, WzpTime now, unsigned ahead, const uint8_t *record, size_t length,
           uint32_t counter, uint8_t *frames)
{
  WzpGroupPairKey next = {.generation = pair->receive.generation + ahead};
  WzpResult result;

  memcpy(next.key, pair->receive.key, sizeof next.key);
  for (unsigned i = 0; i < ahead; i++)
    ratchet_key(next.key);
  wzp_window_init(&next.window, WZP_PAIR_WINDOW);
  result = open_with(&next, record, length, frames);
  if (result == WZP_OK) {
    wzp_window_mark(&next.window, counter);
    pair->previous = pair->receive;
    pair->has_previous = true;
    pair->previous_until = now + WZP_PAIR_LATE;
    pair->receive = next;
  }
  sodium_memzero(&next, sizeof next);
  return result;
}

WzpResult
wzp_group_pair_open(WzpGroupPair *pair, WzpTime now, const uint8_t *record, size_t length,
                    uint8_t *frames, uint64_t *number)
{
  WzpGroupPairKey *key = &pair->receive;
  WzpReader reader;
  WzpResult result;
  uint32_t ctr, counter;
  unsigned ahead;

  wzp_reader_init(&reader, record + 2, 4);
  ctr = wzp_reader_u32(&reader);
  counter = ctr & WZP_PAIR_COUNTER_MAX;
  ahead = ((ctr >> COUNTER_BITS) - pair->receive.generation) & GENERATION_MASK;
  wzp_group_pair_expire(pair, now);

  if (ahead == 0) {
    result = open_known(key, record, length, counter, frames);
  } else if (ahead <= AHEAD_MAX) {
    result = open_ahead(pair, now, ahead, record, length, counter, frames);
  } else {
    key = &pair->previous;
    if (!pair->has_previous || ((ctr >> COUNTER_BITS) ^ key->generation) & GENERATION_MASK)
      return WZP_NO_KEY;
    result = open_known(key, record, length, counter, frames);
  }
  *number = ((uint64_t)key->generation << COUNTER_BITS) | counter;
  return result;
}
