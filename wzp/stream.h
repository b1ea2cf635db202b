/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "bytes.h"
#include "result.h"
#include "time.h"

/* Datagrams in a byte stream (PROTOCOL.md 16): length(2) | datagram, one after the other. A stream makes what is
 * late later still, so the side that sends drops instead: media that waited too long or too many, the oldest
 * first. Control waits longer, goes out before media, and is itself bounded. */

#define WZP_STREAM_HEAD 2
#define WZP_STREAM_FRAME_MAX (WZP_STREAM_HEAD + WZP_DATAGRAM_MAX)
#define WZP_STREAM_MEDIA_AGE (200 * WZP_MSEC)
#define WZP_STREAM_MEDIA_BYTES 8192
#define WZP_STREAM_CONTROL_BYTES 24576

/* --- in --- */
typedef struct {
  size_t length;
  uint8_t bytes[WZP_STREAM_FRAME_MAX];
} WzpStreamReader;

void wzp_stream_reader_init(WzpStreamReader *reader);
/* Takes *used bytes, up to the end of the next datagram. *datagram: that one, a view until the next call; NULL when it
 * is not whole yet, and then all bytes were taken. WZP_MALFORMED: a length that no datagram has; from there on
 * the stream cannot be read. */
WzpResult wzp_stream_read(WzpStreamReader *reader, const uint8_t *data, size_t length, size_t *used,
                          const uint8_t **datagram, size_t *datagram_length);

/* --- out --- */
typedef struct WzpStreamQueue WzpStreamQueue;
WzpStreamQueue *wzp_stream_queue_new(void);
void wzp_stream_queue_free(WzpStreamQueue *queue);
void wzp_stream_push(WzpStreamQueue *queue, WzpTime now, const uint8_t *datagram, size_t length);
/* Writes as many whole frames as fit (at least one when capacity is WZP_STREAM_FRAME_MAX), returns their bytes.
 * What was taken is not dropped any more, so take it when it can leave. */
size_t wzp_stream_take(WzpStreamQueue *queue, WzpTime now, uint8_t *out, size_t capacity);
/* Nothing waits that is still worth sending. */
bool wzp_stream_is_empty(WzpStreamQueue *queue, WzpTime now);
/* Bytes that wait. */
size_t wzp_stream_queued(const WzpStreamQueue *queue);
/* Datagrams that were not sent: WZP_TOO_OLD, WZP_QUEUE_FULL (others came while they waited), WZP_TOO_LONG (empty ones,
 * too). */
uint64_t wzp_stream_dropped(const WzpStreamQueue *queue, WzpResult reason);
