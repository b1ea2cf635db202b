/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seal-private.h"
#include <glib.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct WzpSender {
  uint8_t sid[32];
  uint32_t epoch;
  uint8_t base[32];
  WzpEpochKeys keys;
  bool has_pending;
  uint8_t pending[32];
  uint64_t n; /* packets sealed and left out; seq is its low 16 bits and goes on across epochs */
  unsigned left_out; /* before the next one */

  /* The last pair used, for the check that none is used again. */
  bool epoch_used;
  bool used;
  uint32_t last_epoch;
  uint64_t last_n;
};

/* A stream that could repeat a (key, nonce) must not go on, in any build. */
static void
require(bool condition, const char *what)
{
  if (!condition) {
    g_critical("media sender stopped: %s", what);
    abort();
  }
}

static void
begin_epoch(WzpSender *sender, uint32_t epoch, const uint8_t base[32])
{
  sender->epoch = epoch;
  memmove(sender->base, base, sizeof sender->base);
  wzp_epoch_keys_derive(&sender->keys, sender->base, epoch, sender->sid);
  sender->epoch_used = false;
}

static void
drop_pending(WzpSender *sender)
{
  sender->has_pending = false;
  sodium_memzero(sender->pending, sizeof sender->pending);
}

WzpSender *
wzp_sender_new(const uint8_t sid[32], const uint8_t base[32], uint32_t epoch)
{
  WzpSender *sender = g_new0(WzpSender, 1);

  memcpy(sender->sid, sid, sizeof sender->sid);
  begin_epoch(sender, epoch, base);
  return sender;
}

void
wzp_sender_free(WzpSender *sender)
{
  if (sender == NULL)
    return;
  sodium_memzero(sender, sizeof *sender);
  g_free(sender);
}

uint32_t
wzp_sender_epoch(const WzpSender *sender)
{
  return sender->epoch;
}

/* The next seq is beyond a wrap in an epoch that has packets already: the numbers would start to repeat. */
static bool
wraps_now(const WzpSender *sender)
{
  return sender->epoch_used && (sender->n + sender->left_out) >> 16 != sender->last_n >> 16;
}

uint32_t
wzp_sender_next_epoch(const WzpSender *sender)
{
  return wraps_now(sender) ? sender->epoch + 1 : sender->epoch;
}

bool
wzp_sender_epoch_used(const WzpSender *sender)
{
  return sender->epoch_used;
}

const uint8_t *
wzp_sender_base(const WzpSender *sender)
{
  return sender->base;
}

void
wzp_sender_ratcheted_base(const WzpSender *sender, uint8_t base[32])
{
  wzp_epoch_ratchet(base, sender->base, sender->epoch + 1);
}

void
wzp_sender_set_pending(WzpSender *sender, const uint8_t base[32])
{
  memcpy(sender->pending, base, sizeof sender->pending);
  sender->has_pending = true;
}

bool
wzp_sender_has_pending(const WzpSender *sender)
{
  return sender->has_pending;
}

const uint8_t *
wzp_sender_pending(const WzpSender *sender)
{
  return sender->has_pending ? sender->pending : NULL;
}

void
wzp_sender_switch(WzpSender *sender)
{
  require(sender->has_pending, "switch without a pending base");
  require(sender->epoch != UINT32_MAX, "out of epochs");
  begin_epoch(sender, sender->epoch + 1, sender->pending);
  drop_pending(sender);
}

void
wzp_sender_replace_unused(WzpSender *sender, const uint8_t base[32])
{
  require(!sender->epoch_used, "base of a used epoch replaced");
  /* A pending base may be the ratchet of the one that goes; it must not outlive it. */
  drop_pending(sender);
  begin_epoch(sender, sender->epoch, base);
}

static void
wrap(WzpSender *sender)
{
  if (!sender->has_pending) {
    uint8_t base[32];
    wzp_sender_ratcheted_base(sender, base);
    wzp_sender_set_pending(sender, base);
    sodium_memzero(base, sizeof base);
  }
  wzp_sender_switch(sender);
}

/* (epoch, seq) must grow, else it could be one that was used. */
static void
require_fresh(const WzpSender *sender, uint16_t seq)
{
  require(!sender->used || sender->epoch > sender->last_epoch ||
              (sender->epoch == sender->last_epoch && seq > (uint16_t)sender->last_n),
          "key and nonce would repeat");
}

void
wzp_sender_leave_out(WzpSender *sender, unsigned packets)
{
  unsigned room = WZP_SENDER_LEFT_OUT_MAX - sender->left_out;
  sender->left_out += MIN(packets, room);
}

WzpResult
wzp_sender_seal(WzpSender *sender, const WzpSealRequest *request, const void *plain, size_t length,
                uint8_t *out, size_t capacity, size_t *out_length, WzpHeader *header)
{
  uint8_t nonce[WZP_NONCE_SIZE], ad[WZP_EPOCH_AD_MAX], header_bytes[WZP_HEADER_FULL_SIZE];
  size_t header_length, ad_length;
  uint16_t seq = (uint16_t)(sender->n + sender->left_out);

  header_length = request->full ? WZP_HEADER_FULL_SIZE : WZP_HEADER_MINI_SIZE;
  if (capacity < header_length + WZP_TAG_SIZE || capacity - header_length - WZP_TAG_SIZE < length)
    return WZP_BUFFER_TOO_SMALL;

  if (wraps_now(sender))
    wrap(sender);
  require_fresh(sender, seq);

  WzpHeader written = {
      .full = request->full,
      .epoch_low = (uint8_t)(sender->epoch & 3),
      .code = request->code,
      .slot = request->slot,
      .seq = seq,
      .timestamp = request->full ? request->timestamp : 0,
      .epoch8 = request->full ? (uint8_t)sender->epoch : 0,
      .flags = request->full ? request->flags : 0,
  };
  wzp_header_write(&written, header_bytes);
  wzp_epoch_nonce(nonce, &sender->keys, sender->epoch, seq);
  ad_length = wzp_epoch_ad(ad, header_bytes, header_length, sender->epoch);
  wzp_aead_seal(out + header_length, sender->keys.key, nonce, ad, ad_length, plain, length);
  memcpy(out, header_bytes, header_length);
  *out_length = header_length + length + WZP_TAG_SIZE;

  sender->used = sender->epoch_used = true;
  sender->last_epoch = sender->epoch;
  sender->last_n = sender->n + sender->left_out;
  sender->n = sender->last_n + 1;
  sender->left_out = 0;
  if (header != NULL)
    *header = written;
  return WZP_OK;
}
