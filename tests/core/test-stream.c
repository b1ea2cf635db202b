/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/stream.h"
#include <glib.h>
#include <string.h>

#define MEDIA 0xc0
#define RECORD 0x44

static void
push(WzpStreamQueue *queue, WzpTime now, uint8_t kind, uint8_t mark, size_t length)
{
  uint8_t datagram[WZP_DATAGRAM_MAX + 1] = {kind, mark};
  wzp_stream_push(queue, now, datagram, length);
}

/* The marks of all that comes out, as text. */
static char *
take_marks(WzpStreamQueue *queue, WzpTime now)
{
  GString *marks = g_string_new(NULL);
  uint8_t out[WZP_STREAM_FRAME_MAX];
  size_t length;
  while ((length = wzp_stream_take(queue, now, out, sizeof out)) > 0) {
    for (size_t position = 0; position < length;) {
      size_t size = (size_t)out[position] << 8 | out[position + 1];
      g_string_append_c(marks, (char)out[position + 3]);
      position += 2 + size;
      g_assert_cmpuint(position, <=, length);
    }
  }
  g_assert_true(wzp_stream_is_empty(queue, now));
  return g_string_free(marks, FALSE);
}

static void
assert_marks(WzpStreamQueue *queue, WzpTime now, const char *expected)
{
  g_autofree char *marks = take_marks(queue, now);
  g_assert_cmpstr(marks, ==, expected);
}

static void
test_order(void)
{
  WzpStreamQueue *queue = wzp_stream_queue_new();
  assert_marks(queue, 0, "");
  push(queue, 0, MEDIA, 'a', 100);
  push(queue, 1, MEDIA, 'b', 60);
  push(queue, 2, RECORD, 'C', 40);
  push(queue, 3, 0x45, 't', 300);
  push(queue, 4, 0x40, 'H', 224);
  assert_marks(queue, 5, "CHabt"); /* control first, each in its order */
  wzp_stream_queue_free(queue);
}

/* Media that waited too long are not sent; control is. */
static void
test_late(void)
{
  WzpStreamQueue *queue = wzp_stream_queue_new();
  for (unsigned i = 0; i < 20; i++)
    push(queue, i * 20 * WZP_MSEC, MEDIA, (uint8_t)('a' + i), 100);
  push(queue, 0, RECORD, 'C', 40);
  g_assert_cmpuint(wzp_stream_dropped(queue, WZP_TOO_OLD), ==, 9); /* as they came */
  assert_marks(queue, 19 * 20 * WZP_MSEC, "Cjklmnopqrst");
  push(queue, 1000 * WZP_MSEC, MEDIA, 'x', 100);
  g_assert_false(wzp_stream_is_empty(queue, 1200 * WZP_MSEC));
  g_assert_true(wzp_stream_is_empty(queue, 1201 * WZP_MSEC));
  g_assert_cmpuint(wzp_stream_queued(queue), ==, 0);
  push(queue, 2000 * WZP_MSEC, RECORD, 'D', 100);
  assert_marks(queue, 60 * WZP_SECOND, "D");
  g_assert_cmpuint(wzp_stream_dropped(queue, WZP_TOO_OLD), ==, 10);
  wzp_stream_queue_free(queue);
}

/* Too much: the oldest of a kind gives way, and never for the other kind. */
static void
test_full(void)
{
  WzpStreamQueue *queue = wzp_stream_queue_new();
  const unsigned media = WZP_STREAM_MEDIA_BYTES / 1002, control = WZP_STREAM_CONTROL_BYTES / 1002;
  for (unsigned i = 0; i < media + 3; i++)
    push(queue, 0, MEDIA, (uint8_t)('a' + i), 1000);
  g_assert_cmpuint(wzp_stream_dropped(queue, WZP_QUEUE_FULL), ==, 3);
  for (unsigned i = 0; i < control + 2; i++)
    push(queue, 0, RECORD, (uint8_t)('A' + i), 1000);
  g_assert_cmpuint(wzp_stream_dropped(queue, WZP_QUEUE_FULL), ==, 5);
  g_assert_cmpuint(wzp_stream_queued(queue), ==, (media + control) * 1002);
  g_autofree char *marks = take_marks(queue, 0);
  g_assert_cmpuint(strlen(marks), ==, media + control);
  g_assert_cmpint(marks[0], ==, 'C');
  g_assert_cmpint(marks[control], ==, 'd');
  push(queue, 0, MEDIA, 'z', 0);
  push(queue, 0, MEDIA, 'z', WZP_DATAGRAM_MAX + 1);
  g_assert_cmpuint(wzp_stream_dropped(queue, WZP_TOO_LONG), ==, 2);
  push(queue, 0, MEDIA, 'z', WZP_DATAGRAM_MAX);
  assert_marks(queue, 0, "z");
  wzp_stream_queue_free(queue);
}

static void
test_reader(void)
{
  static const uint8_t stream[] = {0, 1, 'a', 0, 3, 'b', 'c', 'd', 0, 2, 'e'};
  WzpStreamReader reader;
  const uint8_t *datagram;
  size_t used, length;
  wzp_stream_reader_init(&reader);
  g_assert_cmpint(wzp_stream_read(&reader, stream, sizeof stream, &used, &datagram, &length), ==,
                  WZP_OK);
  g_assert_cmpmem(datagram, length, "a", 1);
  g_assert_cmpuint(used, ==, 3);
  g_assert_cmpint(wzp_stream_read(&reader, stream + 3, 4, &used, &datagram, &length), ==, WZP_OK);
  g_assert_null(datagram);
  g_assert_cmpuint(used, ==, 4);
  g_assert_cmpint(wzp_stream_read(&reader, stream + 7, 4, &used, &datagram, &length), ==, WZP_OK);
  g_assert_cmpmem(datagram, length, "bcd", 3);
  g_assert_cmpuint(used, ==, 1);
  g_assert_cmpint(wzp_stream_read(&reader, stream + 8, 3, &used, &datagram, &length), ==, WZP_OK);
  g_assert_null(datagram);

  static const uint8_t bad[][2] = {{0, 0}, {0x05, 0xdd}, {0xff, 0xff}, {'G', 'E'}};
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    wzp_stream_reader_init(&reader);
    g_assert_cmpint(wzp_stream_read(&reader, bad[i], 2, &used, &datagram, &length), ==,
                    WZP_MALFORMED);
    g_assert_null(datagram);
    /* and it stays so */
    g_assert_cmpint(wzp_stream_read(&reader, stream, 1, &used, &datagram, &length), ==,
                    WZP_MALFORMED);
  }
  static const uint8_t longest[] = {0x05, 0xdc};
  uint8_t rest[WZP_DATAGRAM_MAX] = {7};
  wzp_stream_reader_init(&reader);
  g_assert_cmpint(wzp_stream_read(&reader, longest, 2, &used, &datagram, &length), ==, WZP_OK);
  g_assert_cmpint(wzp_stream_read(&reader, rest, sizeof rest, &used, &datagram, &length), ==,
                  WZP_OK);
  g_assert_cmpmem(datagram, length, rest, sizeof rest);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/stream/order", test_order);
  g_test_add_func("/stream/late", test_late);
  g_test_add_func("/stream/full", test_full);
  g_test_add_func("/stream/reader", test_reader);
  return g_test_run();
}
