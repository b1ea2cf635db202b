/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "control-private.h"

#define IN_FLIGHT_MAX 16
#define MESSAGES_MAX 1024 /* a bound for many small ones */
#define FRAGMENTS_MAX                                                                              \
  ((WZP_CONTROL_MESSAGE_MAX + WZP_CONTROL_FRAGMENT_MAX - 1) / WZP_CONTROL_FRAGMENT_MAX)
#define RESEND_EARLY (100 * WZP_MSEC)
#define RESEND_LATE (250 * WZP_MSEC)
/* Who hears that what it says arrives sends again only what is not answered in time: on a slow link what comes twice waits
 * in front of what is spoken. */
#define ARRIVES 0.2
#define ARRIVES_PACED 0.3 /* on a slow link two answers in time are enough to say so */
#define UNKNOWN_LOSS 0.5
#define LOST_STEP 0.25
#define ANSWERED_WITHIN (150 * WZP_MSEC) /* and the round trip */
#define PATIENCE_MAX WZP_SECOND
#define IN_TIME_PART 4 / 5
#define PACED_BYTES 200 /* in a record, unless a fragment is longer */
#define RECORD_BYTES (WZP_IP_UDP_SIZE + WZP_CONTROL_OVERHEAD)

typedef struct {
  bool started; /* has a number */
  uint16_t number;
  uint8_t fragments, fragments_sent; /* sent at least once: always the first ones */
  WzpTime first_sent[FRAGMENTS_MAX], due[FRAGMENTS_MAX];
  WzpTime patience; /* before the second try */
  size_t length;
  uint8_t bytes[];
} OutMessage;

void
wzp_outbox_init(WzpOutbox *outbox, uint16_t first_number)
{
  *outbox = (WzpOutbox){.next_number = first_number, .round_trip = -1, .lost = UNKNOWN_LOSS};
  g_queue_init(&outbox->messages);
}

void
wzp_outbox_clear(WzpOutbox *outbox)
{
  g_queue_clear_full(&outbox->messages, g_free);
}

WzpResult
wzp_outbox_add(WzpOutbox *outbox, const void *message, size_t length)
{
  if (length > WZP_CONTROL_MESSAGE_MAX)
    return WZP_TOO_LONG;
  if (outbox->bytes + length > WZP_CONTROL_QUEUE_MAX || outbox->messages.length >= MESSAGES_MAX)
    return WZP_QUEUE_FULL;
  OutMessage *out = g_malloc0(sizeof *out + length);
  out->length = length;
  out->fragments =
      (uint8_t)MAX(1, (length + WZP_CONTROL_FRAGMENT_MAX - 1) / WZP_CONTROL_FRAGMENT_MAX);
  if (length > 0)
    memcpy(out->bytes, message, length);
  outbox->bytes += length;
  g_queue_push_tail(&outbox->messages, out);
  return WZP_OK;
}

static void
judge_loss(WzpOutbox *outbox, WzpTime now, const OutMessage *out)
{
  WzpTime took = now - out->first_sent[0];
  if (outbox->round_trip < 0 || took < outbox->round_trip) { /* no PING told */
    outbox->round_trip = took;
    return;
  }
  bool late = took > outbox->round_trip + out->patience * IN_TIME_PART;
  outbox->lost += LOST_STEP * (late - outbox->lost);
}

WzpResult
wzp_outbox_acknowledge(WzpOutbox *outbox, WzpTime now, uint16_t next, uint32_t bitmap)
{
  if (wzp_seq16_distance(next, outbox->next_number) > 0)
    return WZP_MALFORMED;
  for (GList *link = outbox->messages.head, *following; link; link = following) {
    OutMessage *out = link->data;
    following = link->next;
    if (!out->started)
      break;
    int ahead = wzp_seq16_distance(out->number, next);
    if (ahead >= 0 && !(ahead >= 1 && ahead <= 32 && bitmap >> (ahead - 1) & 1))
      continue;
    judge_loss(outbox, now, out);
    outbox->in_flight -= out->fragments_sent;
    outbox->bytes -= out->length;
    g_queue_delete_link(&outbox->messages, link);
    g_free(out);
  }
  return WZP_OK;
}

/* May the next fragment that never went out go now? */
static bool
may_send_new(const WzpOutbox *outbox, const OutMessage *out)
{
  if (outbox->in_flight >= IN_FLIGHT_MAX)
    return false;
  const OutMessage *oldest = g_queue_peek_head((GQueue *)&outbox->messages);
  /* The peer takes no number further ahead than its window. */
  return out->started || !oldest->started ||
         wzp_seq16_distance(outbox->next_number, oldest->number) < WZP_CONTROL_WINDOW;
}

/* After so much time a fragment is sent again. */
static WzpTime
resend_after(const WzpOutbox *outbox, WzpTime since_first)
{
  WzpTime patience = MIN(outbox->round_trip + ANSWERED_WITHIN, PATIENCE_MAX);
  if (outbox->resend_every > 0)
    return outbox->resend_every;
  double arrives = outbox->rate > 0 ? ARRIVES_PACED : ARRIVES;
  if (outbox->round_trip >= 0 && outbox->lost < arrives && since_first < 2 * patience)
    return patience;
  return since_first < WZP_SECOND ? RESEND_EARLY : RESEND_LATE;
}

/* False when it does not fit. */
static bool
write_fragment(WzpOutbox *outbox, OutMessage *out, uint8_t fragment, WzpTime now, WzpWriter *writer)
{
  size_t offset = (size_t)fragment * WZP_CONTROL_FRAGMENT_MAX;
  size_t length = MIN(out->length - offset, WZP_CONTROL_FRAGMENT_MAX);
  if (writer->capacity - writer->length < WZP_FRAME_MESSAGE_HEAD + length)
    return false;
  if (!out->started) {
    out->started = true;
    out->number = outbox->next_number++;
  }
  if (fragment == out->fragments_sent) {
    out->fragments_sent++;
    out->first_sent[fragment] = now;
    outbox->in_flight++;
  }
  WzpTime after = resend_after(outbox, now - out->first_sent[fragment]);
  if (out->first_sent[0] == now)
    out->patience = after;
  out->due[fragment] = now + after;
  wzp_writer_u8(writer, WZP_FRAME_MESSAGE);
  wzp_writer_u16(writer, out->number);
  wzp_writer_u8(writer, fragment);
  wzp_writer_u8(writer, out->fragments);
  wzp_writer_u16(writer, (uint16_t)length);
  wzp_writer_bytes(writer, out->bytes + offset, length);
  return true;
}

/* False: no more fits, or should be written now. */
static bool
write_message(WzpOutbox *outbox, OutMessage *out, WzpTime now, bool all, WzpWriter *writer)
{
  for (uint8_t fragment = 0; fragment < out->fragments; fragment++) {
    if (fragment < out->fragments_sent) {
      if (!all && out->due[fragment] > now)
        continue;
    } else if (!may_send_new(outbox, out)) {
      return out->started; /* later messages may still have fragments to send again */
    }
    if (!write_fragment(outbox, out, fragment, now, writer) ||
        (!all && outbox->rate > 0 && writer->length >= PACED_BYTES))
      return false;
  }
  return true;
}

void
wzp_outbox_write(WzpOutbox *outbox, WzpTime now, bool all, WzpWriter *writer)
{
  size_t before = writer->length;
  if (!all && outbox->rate > 0 && now < outbox->free_at)
    return;
  for (GList *link = outbox->messages.head; link; link = link->next)
    if (!write_message(outbox, link->data, now, all, writer))
      break;
  if (outbox->rate > 0 && writer->length > before)
    outbox->free_at =
        now + (WzpTime)(writer->length + RECORD_BYTES) * 8 * WZP_SECOND / outbox->rate;
}

WzpTime
wzp_outbox_waiting_since(const WzpOutbox *outbox)
{
  const OutMessage *oldest = g_queue_peek_head((GQueue *)&outbox->messages);
  return oldest != NULL && oldest->started ? oldest->first_sent[0] : WZP_NEVER;
}

WzpTime
wzp_outbox_next_timeout(const WzpOutbox *outbox)
{
  WzpTime earliest = WZP_NEVER, free = outbox->rate > 0 ? outbox->free_at : 0;
  for (const GList *link = outbox->messages.head; link; link = link->next) {
    const OutMessage *out = link->data;
    if (out->fragments_sent < out->fragments && may_send_new(outbox, out))
      return free;
    if (!out->started)
      break;
    for (uint8_t fragment = 0; fragment < out->fragments_sent; fragment++)
      earliest = MIN(earliest, out->due[fragment]);
  }
  return earliest == WZP_NEVER ? earliest : MAX(earliest, free);
}
