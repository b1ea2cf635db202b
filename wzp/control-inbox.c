/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "control-private.h"
#include <sodium.h>
#include <string.h>

struct WzpInMessage {
  uint8_t fragments;
  uint32_t have; /* bit per fragment */
  size_t bytes;
  GBytes *parts[];
};

void
wzp_inbox_init(WzpInbox *inbox, uint16_t first_number)
{
  *inbox = (WzpInbox){.next = first_number};
  g_queue_init(&inbox->ready);
}

typedef struct {
  size_t length;
  uint8_t bytes[];
} Wiped;

static void
wipe(gpointer data)
{
  Wiped *wiped = data;
  sodium_memzero(wiped->bytes, wiped->length);
  g_free(wiped);
}

/* Messages bring tokens and keys: nothing of them stays when they are gone. *bytes is to be filled. */
static GBytes *
wiped_bytes(size_t length, uint8_t **bytes)
{
  Wiped *wiped = g_malloc(sizeof *wiped + length);
  wiped->length = length;
  *bytes = wiped->bytes;
  return g_bytes_new_with_free_func(wiped->bytes, length, wipe, wiped);
}

static void
message_free(WzpInMessage *message)
{
  if (!message)
    return;
  for (unsigned i = 0; i < message->fragments; i++)
    g_clear_pointer(&message->parts[i], g_bytes_unref);
  g_free(message);
}

void
wzp_inbox_clear(WzpInbox *inbox)
{
  for (unsigned i = 0; i < WZP_CONTROL_WINDOW; i++)
    g_clear_pointer(&inbox->window[i], message_free);
  g_queue_clear_full(&inbox->ready, (GDestroyNotify)g_bytes_unref);
}

static bool
is_complete(const WzpInMessage *message)
{
  return message && message->have == UINT32_MAX >> (32 - message->fragments);
}

static GBytes *
join_parts(const WzpInMessage *message)
{
  if (message->fragments == 1)
    return g_bytes_ref(message->parts[0]);
  uint8_t *next;
  GBytes *whole = wiped_bytes(message->bytes, &next);
  for (unsigned i = 0; i < message->fragments; i++) {
    gsize length;
    const void *data = g_bytes_get_data(message->parts[i], &length);
    if (length > 0)
      memcpy(next, data, length);
    next += length;
  }
  return whole;
}

/* Moves what is complete from the window's start to the ready queue. */
static void
advance(WzpInbox *inbox)
{
  for (;;) {
    WzpInMessage **slot = &inbox->window[inbox->next % WZP_CONTROL_WINDOW];
    if (!is_complete(*slot))
      return;
    g_queue_push_tail(&inbox->ready, join_parts(*slot));
    g_clear_pointer(slot, message_free);
    inbox->next++;
  }
}

WzpResult
wzp_inbox_add(WzpInbox *inbox, uint16_t number, uint8_t fragment, uint8_t fragments,
              const uint8_t *data, size_t length)
{
  if (fragments == 0 || fragments > WZP_INBOX_FRAGMENTS_MAX || fragment >= fragments)
    return WZP_MALFORMED;
  int ahead = wzp_seq16_distance(number, inbox->next);
  if (ahead < 0)
    return WZP_TOO_OLD;
  if (ahead >= WZP_CONTROL_WINDOW)
    return WZP_UNEXPECTED;

  WzpInMessage **slot = &inbox->window[number % WZP_CONTROL_WINDOW];
  const WzpInMessage *known = *slot;
  if (known && known->fragments != fragments)
    return WZP_MALFORMED;
  if (known && known->have >> fragment & 1)
    return WZP_REPLAYED;
  if ((known ? known->bytes : 0) + length > WZP_CONTROL_MESSAGE_MAX)
    return WZP_TOO_LONG;
  /* The message that all others wait for finds room even so, unless nobody takes messages out. */
  size_t limit = WZP_CONTROL_QUEUE_MAX;
  if (ahead == 0 && g_queue_is_empty(&inbox->ready))
    limit += WZP_CONTROL_MESSAGE_MAX;
  if (inbox->bytes + length > limit)
    return WZP_QUEUE_FULL;

  if (!*slot) {
    *slot = g_malloc0(sizeof **slot + fragments * sizeof(GBytes *));
    (*slot)->fragments = fragments;
  }
  uint8_t *bytes;
  (*slot)->parts[fragment] = wiped_bytes(length, &bytes);
  if (length > 0)
    memcpy(bytes, data, length);
  (*slot)->have |= 1u << fragment;
  (*slot)->bytes += length;
  inbox->bytes += length;
  advance(inbox);
  return WZP_OK;
}

uint32_t
wzp_inbox_bitmap(const WzpInbox *inbox)
{
  uint32_t bitmap = 0;
  for (unsigned i = 0; i + 1 < WZP_CONTROL_WINDOW; i++)
    if (is_complete(inbox->window[(inbox->next + 1u + i) % WZP_CONTROL_WINDOW]))
      bitmap |= 1u << i;
  return bitmap;
}

GBytes *
wzp_inbox_take(WzpInbox *inbox)
{
  GBytes *message = g_queue_pop_head(&inbox->ready);
  if (message)
    inbox->bytes -= g_bytes_get_size(message);
  return message;
}
