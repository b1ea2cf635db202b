/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/packet.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Elements lie inside the bundle, in order; written again, they read the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpBundleReader bundle, rewritten;
  WzpElement element, again;
  WzpWriter writer;
  const uint8_t *end = data;
  size_t room = 3 * size + 3; /* an element of form 0 grows by two bytes, an empty one by one */
  uint8_t *buffer;

  if (size > UINT16_MAX) /* no datagram is; a body must fit its two length bytes */
    return 0;
  buffer = g_malloc(room);

  wzp_writer_init(&writer, buffer, room);
  wzp_bundle_reader_init(&bundle, data, size);
  while (wzp_bundle_reader_next(&bundle, &element)) {
    g_assert_true(element.data >= end && element.length <= (size_t)(data + size - element.data));
    end = element.data + element.length;
    wzp_bundle_write(&writer, element.type, element.data, element.length, false);
  }
  g_assert_true(bundle.result == WZP_OK || bundle.result == WZP_TRUNCATED ||
                bundle.result == WZP_MALFORMED);
  g_assert_true(bundle.result != WZP_OK || end == data + size);
  g_assert_false(writer.failed);

  wzp_bundle_reader_init(&bundle, data, size);
  wzp_bundle_reader_init(&rewritten, buffer, writer.length);
  while (wzp_bundle_reader_next(&bundle, &element)) {
    g_assert_true(wzp_bundle_reader_next(&rewritten, &again));
    g_assert_cmpuint(again.type, ==, element.type);
    g_assert_cmpmem(again.data, again.length, element.data, element.length);
  }
  g_assert_false(wzp_bundle_reader_next(&rewritten, &again));
  g_assert_cmpint(rewritten.result, ==, WZP_OK);
  g_free(buffer);
  return 0;
}
