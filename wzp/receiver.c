/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seal-private.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

#define EPOCHS_MAX 8
#define WINDOW_SIZE 1024
/* How far ahead of e_max a header can point. */
#define AHEAD_MINI 2
#define AHEAD_FULL 8
#define OLD_EPOCH_LIFE (10 * WZP_SECOND)
/* Epochs change at most every 4 s, so after so much silence a stream can be more than two ahead. */
#define SILENCE_BEFORE_FAR (4 * WZP_SECOND)
/* When keys look missing. */
#define FAILURES 3
#define FAILURES_WITHIN (500 * WZP_MSEC)
#define ASK_EVERY WZP_SECOND

#define LONG_AGO (INT64_MIN / 2)

/* One epoch of the stream that we can open. Received: its base came by KEY. Opened: a packet verified
 * under it. Neither: a guess by the ratchet, of which a flood of forged headers can make two while
 * the stream runs. */
typedef struct {
  bool in_use, received, opened, has_keys;
  uint32_t epoch;
  uint8_t base[32];
  WzpEpochKeys keys;
  WzpWindow window;
} Epoch;

struct WzpReceiver {
  uint8_t sid[32];
  uint32_t stream; /* of the sid, see WzpOpened */
  Epoch epochs[EPOCHS_MAX];
  bool has_epoch;       /* a base was received */
  uint32_t first_epoch; /* the lowest received */
  uint32_t e_max;
  /* e_max - 1 loses its base then. UNSET: e_max moved by a KEY, the clock starts at the next packet. */
  WzpTime erase_at;
  bool previous_erased;

  bool has_highest;
  uint64_t highest; /* index of the newest packet that opened, its epoch and seq */
  uint32_t highest_epoch;
  uint16_t highest_seq;
  WzpMediaTime media_time;

  WzpTime last_opened;
  WzpTime failures[FAILURES]; /* oldest first */
  WzpTime last_asked;
};

#define UNSET INT64_MIN

WzpReceiver *
wzp_receiver_new(const uint8_t sid[32])
{
  WzpReceiver *receiver = g_new0(WzpReceiver, 1);

  memcpy(receiver->sid, sid, sizeof receiver->sid);
  memcpy(&receiver->stream, sid, sizeof receiver->stream);
  receiver->stream = MAX(receiver->stream, 1);
  receiver->erase_at = WZP_NEVER;
  receiver->last_opened = receiver->last_asked = LONG_AGO;
  for (unsigned i = 0; i < FAILURES; i++)
    receiver->failures[i] = LONG_AGO;
  return receiver;
}

void
wzp_receiver_free(WzpReceiver *receiver)
{
  if (receiver == NULL)
    return;
  sodium_memzero(receiver, sizeof *receiver);
  g_free(receiver);
}

static bool
proven(const Epoch *epoch)
{
  return epoch->received || epoch->opened;
}

static void
wipe(Epoch *epoch)
{
  sodium_memzero(epoch, sizeof *epoch);
}

static Epoch *
find(WzpReceiver *receiver, uint32_t number)
{
  for (unsigned i = 0; i < EPOCHS_MAX; i++) {
    if (receiver->epochs[i].in_use && receiver->epochs[i].epoch == number)
      return &receiver->epochs[i];
  }
  return NULL;
}

static Epoch *
free_entry(WzpReceiver *receiver)
{
  for (unsigned i = 0; i < EPOCHS_MAX; i++) {
    if (!receiver->epochs[i].in_use)
      return &receiver->epochs[i];
  }
  return NULL;
}

static void
set_base(Epoch *epoch, uint32_t number, const uint8_t base[32])
{
  wipe(epoch);
  epoch->in_use = true;
  epoch->epoch = number;
  memcpy(epoch->base, base, sizeof epoch->base);
  wzp_window_init(&epoch->window, WINDOW_SIZE);
}

/* The epoch by the ratchet from the newest proven one below, or NULL. */
static Epoch *
derive(WzpReceiver *receiver, uint32_t number)
{
  const Epoch *from = NULL;
  Epoch *entry = free_entry(receiver);
  uint8_t base[32];

  for (unsigned i = 0; i < EPOCHS_MAX; i++) {
    const Epoch *candidate = &receiver->epochs[i];
    if (candidate->in_use && proven(candidate) && candidate->epoch < number &&
        (from == NULL || candidate->epoch > from->epoch))
      from = candidate;
  }
  if (from == NULL || entry == NULL || number - from->epoch > AHEAD_FULL + 1)
    return NULL;
  memcpy(base, from->base, sizeof base);
  for (uint32_t at = from->epoch; at < number; at++) /* number may be the last there is */
    wzp_epoch_ratchet(base, base, at + 1);
  set_base(entry, number, base);
  sodium_memzero(base, sizeof base);
  return entry;
}

/* e_max moves up: only it and the one before stay of the past. */
static void
advance(WzpReceiver *receiver, uint32_t e_max, WzpTime erase_at)
{
  if (e_max > 0 && find(receiver, e_max - 1) == NULL)
    derive(receiver, e_max - 1);
  receiver->e_max = e_max;
  receiver->erase_at = erase_at;
  receiver->previous_erased = false;
  for (unsigned i = 0; i < EPOCHS_MAX; i++) {
    if (receiver->epochs[i].in_use && (uint64_t)receiver->epochs[i].epoch + 1 < e_max)
      wipe(&receiver->epochs[i]);
  }
}

static void
expire(WzpReceiver *receiver, WzpTime now)
{
  if (receiver->erase_at == UNSET)
    receiver->erase_at = now + OLD_EPOCH_LIFE;
  if (now < receiver->erase_at)
    return;
  receiver->erase_at = WZP_NEVER;
  receiver->previous_erased = true;
  if (receiver->e_max > 0) {
    Epoch *previous = find(receiver, receiver->e_max - 1);
    if (previous != NULL)
      wipe(previous);
  }
}

WzpResult
wzp_receiver_add_base(WzpReceiver *receiver, uint32_t epoch, const uint8_t base[32])
{
  Epoch *entry;

  if (!receiver->has_epoch) {
    receiver->has_epoch = true;
    receiver->first_epoch = receiver->e_max = epoch;
  }
  if ((uint64_t)epoch + 1 < receiver->e_max)
    return WZP_TOO_OLD;
  if ((uint64_t)epoch + 1 == receiver->e_max && receiver->previous_erased)
    return WZP_TOO_OLD;
  entry = find(receiver, epoch);
  if (entry != NULL && entry->opened)
    return sodium_memcmp(entry->base, base, 32) == 0 ? WZP_OK : WZP_UNEXPECTED;

  /* A KEY is for the sender's present epoch or the next one: nothing older than the one before the
   * KEY's will come any more, however long we were deaf. The current one may still be reached by the
   * ratchet, which advance() sees to. */
  if (epoch > receiver->e_max + (uint64_t)1) {
    if (find(receiver, epoch - 1) == NULL)
      derive(receiver, epoch - 1);
    advance(receiver, epoch - 1, UNSET);
  }
  /* Guesses above were ratcheted from another base than this one. */
  for (unsigned i = 0; i < EPOCHS_MAX; i++) {
    Epoch *guess = &receiver->epochs[i];
    if (guess->in_use && !proven(guess) && guess->epoch > epoch)
      wipe(guess);
  }
  if (entry == NULL)
    entry = find(receiver, epoch);
  if (entry == NULL)
    entry = free_entry(receiver);
  if (entry == NULL)
    return WZP_QUEUE_FULL;
  if (!entry->received || sodium_memcmp(entry->base, base, 32) != 0)
    set_base(entry, epoch, base);
  entry->received = true;
  receiver->first_epoch = MIN(receiver->first_epoch, epoch);
  return WZP_OK;
}

bool
wzp_receiver_has_key(const WzpReceiver *receiver)
{
  for (unsigned i = 0; i < EPOCHS_MAX; i++) {
    if (receiver->epochs[i].in_use && proven(&receiver->epochs[i]))
      return true;
  }
  return false;
}

/* The one epoch that the header can mean; false when there is none. */
static bool
choose_epoch(const WzpReceiver *receiver, const WzpHeader *header, uint32_t *epoch)
{
  int64_t lowest = (int64_t)receiver->e_max - 1;
  int64_t mask = header->full ? 0xff : 3;
  int64_t low = header->full ? header->epoch8 : header->epoch_low;
  int64_t ahead = header->full ? AHEAD_FULL : AHEAD_MINI;
  int64_t chosen = lowest + ((low - lowest) & mask);

  if (chosen < 0 || chosen > receiver->e_max + ahead || chosen > UINT32_MAX)
    return false;
  *epoch = (uint32_t)chosen;
  return true;
}

static Epoch *
epoch_for(WzpReceiver *receiver, WzpTime now, uint32_t number)
{
  Epoch *epoch = find(receiver, number);

  if (epoch == NULL && number > receiver->e_max) {
    bool near = number - receiver->e_max <= AHEAD_MINI;
    if (near || now - receiver->last_opened >= SILENCE_BEFORE_FAR)
      epoch = derive(receiver, number);
  }
  if (epoch != NULL && !epoch->has_keys) {
    wzp_epoch_keys_derive(&epoch->keys, epoch->base, number, receiver->sid);
    epoch->has_keys = true;
  }
  return epoch;
}

/* Within an epoch seq are plain numbers; between epochs the count goes on, so a step forward to a
 * later epoch is less than one round, and so is a step back. */
static uint64_t
index_of(const WzpReceiver *receiver, uint32_t epoch, uint16_t seq)
{
  uint64_t back;

  if (!receiver->has_highest) /* with room below for late packets of the round before */
    return epoch > 0 ? (uint64_t)seq + 0x10000 : seq;
  if (epoch > receiver->highest_epoch)
    return receiver->highest + 1 + (uint16_t)(seq - receiver->highest_seq - 1);
  if (epoch == receiver->highest_epoch && seq >= receiver->highest_seq)
    return receiver->highest + (uint16_t)(seq - receiver->highest_seq);
  back = (uint64_t)(uint16_t)(receiver->highest_seq - seq - 1) + 1;
  return back < receiver->highest ? receiver->highest - back : 0;
}

static WzpResult
failed(WzpReceiver *receiver, WzpTime now, WzpResult result)
{
  memmove(receiver->failures, receiver->failures + 1, (FAILURES - 1) * sizeof(WzpTime));
  receiver->failures[FAILURES - 1] = now;
  return result;
}

static void
forget_failures(WzpReceiver *receiver)
{
  for (unsigned i = 0; i < FAILURES; i++)
    receiver->failures[i] = LONG_AGO;
}

WzpResult
wzp_receiver_open(WzpReceiver *receiver, WzpTime now, const uint8_t *packet, size_t length,
                  uint8_t *out, size_t *out_length, WzpOpened *opened)
{
  uint8_t nonce[WZP_NONCE_SIZE], ad[WZP_EPOCH_AD_MAX];
  WzpHeader header;
  size_t header_length, ad_length;
  uint32_t number;
  Epoch *epoch;
  WzpResult result;

  if (length > WZP_DATAGRAM_MAX)
    return WZP_TOO_LONG;
  result = wzp_header_parse(&header, packet, length, &header_length);
  if (result != WZP_OK)
    return result;
  if (length < header_length + WZP_TAG_SIZE)
    return WZP_TRUNCATED;
  expire(receiver, now);
  if (!receiver->has_epoch)
    return WZP_NO_KEY;
  if (!choose_epoch(receiver, &header, &number))
    return failed(receiver, now, WZP_NO_KEY);

  epoch = epoch_for(receiver, now, number);
  if (epoch == NULL) {
    if (number < receiver->e_max && receiver->previous_erased)
      return WZP_TOO_OLD;
    /* A newcomer gets no key for what was before, and does not miss it. */
    return number < receiver->first_epoch ? WZP_NO_KEY : failed(receiver, now, WZP_NO_KEY);
  }
  result = wzp_window_admit(&epoch->window, header.seq);
  if (result != WZP_OK)
    return result;

  wzp_epoch_nonce(nonce, &epoch->keys, number, header.seq);
  ad_length = wzp_epoch_ad(ad, packet, header_length, number);
  if (!wzp_aead_open(out, epoch->keys.key, nonce, ad, ad_length, packet + header_length,
                     length - header_length))
    return failed(receiver, now, WZP_BAD_TAG);

  wzp_window_mark(&epoch->window, header.seq);
  epoch->opened = true;
  if (number > receiver->e_max)
    advance(receiver, number, now + OLD_EPOCH_LIFE);
  receiver->last_opened = now;
  forget_failures(receiver);

  opened->header = header;
  opened->epoch = number;
  opened->stream = receiver->stream;
  opened->index = index_of(receiver, number, header.seq);
  opened->has_media_ms =
      wzp_media_time_of(&receiver->media_time, &header, opened->index, &opened->media_ms);
  if (!opened->has_media_ms)
    opened->media_ms = 0;
  if (!receiver->has_highest || opened->index > receiver->highest) {
    receiver->has_highest = true;
    receiver->highest = opened->index;
    receiver->highest_epoch = number;
    receiver->highest_seq = header.seq;
  }
  *out_length = length - header_length - WZP_TAG_SIZE;
  return WZP_OK;
}

bool
wzp_receiver_wants_key(WzpReceiver *receiver, WzpTime now)
{
  expire(receiver, now);
  if (now - receiver->failures[0] > FAILURES_WITHIN || now - receiver->last_asked < ASK_EVERY)
    return false;
  receiver->last_asked = now;
  forget_failures(receiver);
  return true;
}
