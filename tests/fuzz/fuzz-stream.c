/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/stream.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All frames of the stream, written again, in *all; false when the stream broke. */
static bool
read_all(const uint8_t *data, size_t size, size_t step, GByteArray *all)
{
  WzpStreamReader reader;
  wzp_stream_reader_init(&reader);
  for (size_t position = 0; position < size;) {
    const uint8_t *datagram;
    size_t used, length, chunk = MIN(step, size - position);
    if (wzp_stream_read(&reader, data + position, chunk, &used, &datagram, &length) != WZP_OK)
      return false;
    g_assert_cmpuint(used, <=, chunk);
    g_assert_true(used == chunk || datagram != NULL);
    position += used;
    if (datagram == NULL)
      continue;
    const uint8_t head[] = {(uint8_t)(length >> 8), (uint8_t)length};
    g_assert_cmpuint(length, <=, WZP_DATAGRAM_MAX);
    g_byte_array_append(all, head, sizeof head);
    g_byte_array_append(all, datagram, (guint)length);
  }
  return true;
}

/* However the bytes are cut, the datagrams are the same, and they are those bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GByteArray) whole = g_byte_array_new(), cut = g_byte_array_new();
  bool good = read_all(data, size, SIZE_MAX, whole);
  g_assert_cmpint(read_all(data, size, 1 + size % 7, cut), ==, good);
  g_assert_cmpmem(whole->data, whole->len, cut->data, cut->len);
  g_assert_cmpuint(whole->len, <=, size);
  if (whole->len > 0)
    g_assert_cmpmem(whole->data, whole->len, data, whole->len);

  /* the queue keeps its bounds, and what it lets out are whole frames */
  WzpStreamQueue *queue = wzp_stream_queue_new();
  for (size_t position = 0, n = 0; position < size; n++) {
    uint8_t out[2 * WZP_STREAM_FRAME_MAX];
    size_t length = MIN((size_t)data[position] * 8, size - position);
    wzp_stream_push(queue, (WzpTime)n * WZP_MSEC, data + position, length);
    g_assert_cmpuint(wzp_stream_queued(queue), <=,
                     WZP_STREAM_MEDIA_BYTES + WZP_STREAM_CONTROL_BYTES);
    position += MAX(length, 1);
    if (data[n] & 1)
      continue;
    g_autoptr(GByteArray) again = g_byte_array_new();
    length = wzp_stream_take(queue, (WzpTime)n * WZP_MSEC, out, sizeof out);
    g_assert_true(read_all(out, length, SIZE_MAX, again));
    g_assert_cmpuint(again->len, ==, length);
  }
  wzp_stream_queue_free(queue);
  return 0;
}
