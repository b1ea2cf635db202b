/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/signal.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses can be built again, means the same then, and is built the same from then on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpSignal signal, again;
  gsize length;
  if (wzp_signal_parse(&signal, data, size) != WZP_OK || signal.type == WZP_SIGNAL_UNKNOWN) {
    g_assert_cmpint(signal.type, ==, WZP_SIGNAL_UNKNOWN);
    return 0;
  }
  g_assert_cmpuint(signal.n_members, <=, WZP_SIGNAL_MEMBERS_MAX);
  g_assert_true(g_utf8_validate(signal.text, -1, NULL));
  g_assert_true(g_utf8_validate(signal.reason, -1, NULL));

  GBytes *built = wzp_signal_build(&signal);
  const uint8_t *text = g_bytes_get_data(built, &length);
  g_assert_cmpuint(length, <=, WZP_CONTROL_MESSAGE_MAX);
  g_assert_cmpuint(text[0], ==, WZP_MESSAGE_SIGNAL);
  g_assert_cmpint(wzp_signal_parse(&again, text + 1, length - 1), ==, WZP_OK);
  GBytes *rebuilt = wzp_signal_build(&again);
  g_assert_true(g_bytes_equal(built, rebuilt));
  g_bytes_unref(built);
  g_bytes_unref(rebuilt);
  return 0;
}
