/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stream.h"
#include "packet.h"
#include <glib.h>
#include <string.h>

void
wzp_stream_reader_init(WzpStreamReader *reader)
{
  reader->length = 0;
}

/* Copies until the reader holds so many bytes; false when there were too few. */
static bool
fill(WzpStreamReader *reader, size_t until, const uint8_t *data, size_t length, size_t *used)
{
  size_t n = MIN(until - reader->length, length - *used);
  memcpy(reader->bytes + reader->length, data + *used, n);
  reader->length += n;
  *used += n;
  return reader->length == until;
}

WzpResult
wzp_stream_read(WzpStreamReader *reader, const uint8_t *data, size_t length, size_t *used,
                const uint8_t **datagram, size_t *datagram_length)
{
  *used = 0;
  *datagram = NULL;
  if (reader->length < WZP_STREAM_HEAD && !fill(reader, WZP_STREAM_HEAD, data, length, used))
    return WZP_OK;
  size_t size = (size_t)reader->bytes[0] << 8 | reader->bytes[1];
  if (size == 0 || size > WZP_DATAGRAM_MAX)
    return WZP_MALFORMED;
  if (!fill(reader, WZP_STREAM_HEAD + size, data, length, used))
    return WZP_OK;
  *datagram = reader->bytes + WZP_STREAM_HEAD;
  *datagram_length = size;
  reader->length = 0;
  return WZP_OK;
}

/* --- out --- */

typedef struct {
  WzpTime since;
  size_t length;
  uint8_t data[];
} Waiting;

typedef struct {
  GQueue datagrams; /* Waiting, oldest first */
  size_t bytes, most;
  WzpTime oldest; /* what waited longer is dropped; WZP_NEVER: no such bound */
} Lane;

struct WzpStreamQueue {
  Lane control, media;
  uint64_t drops[WZP_N_RESULTS];
};

WzpStreamQueue *
wzp_stream_queue_new(void)
{
  WzpStreamQueue *queue = g_new0(WzpStreamQueue, 1);
  g_queue_init(&queue->control.datagrams);
  g_queue_init(&queue->media.datagrams);
  queue->control.most = WZP_STREAM_CONTROL_BYTES;
  queue->control.oldest = WZP_NEVER;
  queue->media.most = WZP_STREAM_MEDIA_BYTES;
  queue->media.oldest = WZP_STREAM_MEDIA_AGE;
  return queue;
}

void
wzp_stream_queue_free(WzpStreamQueue *queue)
{
  if (queue == NULL)
    return;
  g_queue_clear_full(&queue->control.datagrams, g_free);
  g_queue_clear_full(&queue->media.datagrams, g_free);
  g_free(queue);
}

static void
remove_first(Lane *lane)
{
  Waiting *first = g_queue_pop_head(&lane->datagrams);
  lane->bytes -= WZP_STREAM_HEAD + first->length;
  g_free(first);
}

static void
drop_late(WzpStreamQueue *queue, Lane *lane, WzpTime now)
{
  const Waiting *first;
  while (lane->oldest != WZP_NEVER && (first = g_queue_peek_head(&lane->datagrams)) != NULL &&
         now - first->since > lane->oldest) {
    queue->drops[WZP_TOO_OLD]++;
    remove_first(lane);
  }
}

void
wzp_stream_push(WzpStreamQueue *queue, WzpTime now, const uint8_t *datagram, size_t length)
{
  if (length == 0 || length > WZP_DATAGRAM_MAX) {
    queue->drops[WZP_TOO_LONG]++;
    return;
  }
  WzpDatagramKind kind = wzp_datagram_kind(datagram, length);
  Lane *lane =
      kind == WZP_DATAGRAM_MEDIA || kind == WZP_DATAGRAM_TRUNK ? &queue->media : &queue->control;
  drop_late(queue, lane, now);
  while (lane->bytes + WZP_STREAM_HEAD + length > lane->most) {
    queue->drops[WZP_QUEUE_FULL]++;
    remove_first(lane);
  }
  Waiting *waiting = g_malloc(sizeof *waiting + length);
  waiting->since = now;
  waiting->length = length;
  memcpy(waiting->data, datagram, length);
  g_queue_push_tail(&lane->datagrams, waiting);
  lane->bytes += WZP_STREAM_HEAD + length;
}

static void
take_lane(Lane *lane, WzpWriter *writer)
{
  const Waiting *first;
  while ((first = g_queue_peek_head(&lane->datagrams)) != NULL &&
         writer->length + WZP_STREAM_HEAD + first->length <= writer->capacity) {
    wzp_writer_u16(writer, (uint16_t)first->length);
    wzp_writer_bytes(writer, first->data, first->length);
    remove_first(lane);
  }
}

size_t
wzp_stream_take(WzpStreamQueue *queue, WzpTime now, uint8_t *out, size_t capacity)
{
  WzpWriter writer;
  wzp_writer_init(&writer, out, capacity);
  drop_late(queue, &queue->media, now);
  take_lane(&queue->control, &writer);
  take_lane(&queue->media, &writer);
  return writer.length;
}

bool
wzp_stream_is_empty(WzpStreamQueue *queue, WzpTime now)
{
  drop_late(queue, &queue->media, now);
  return wzp_stream_queued(queue) == 0;
}

size_t
wzp_stream_queued(const WzpStreamQueue *queue)
{
  return queue->control.bytes + queue->media.bytes;
}

uint64_t
wzp_stream_dropped(const WzpStreamQueue *queue, WzpResult reason)
{
  return queue->drops[reason];
}
