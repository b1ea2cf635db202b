/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/path-message.h"
#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Messages of direct paths: what parses is built again to what parses to the same, and no candidate is one that nobody
 * may be made to send to. The same bytes as a probe never open. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t key[32] = {7};
  WzpPathMessage message, again;
  WzpPathProbe probe;
  WzpWindow window;
  uint8_t bytes[WZP_PATH_MESSAGE_MAX];
  unsigned refused;
  wzp_window_init(&window, WZP_WINDOW_MAX);
  g_assert_cmpint(wzp_path_probe_open(&probe, key, 0, &window, data, size), !=, WZP_OK);
  if (wzp_path_message_parse(&message, data, size, &refused) != WZP_OK)
    return 0;
  g_assert_cmpuint(message.n_candidates, <=, WZP_CANDIDATES_MAX);
  for (unsigned i = 0; i < message.n_candidates; i++) {
    g_assert_true(wzp_address_is_reachable(&message.candidates[i].address));
    g_assert_cmpuint(message.candidates[i].address.port, !=, 0);
  }
  size_t length = wzp_path_message_write(bytes, &message);
  g_assert_cmpint(wzp_path_message_parse(&again, bytes, length, &refused), ==, WZP_OK);
  g_assert_cmpuint(refused, ==, 0);
  g_assert_cmpmem(&message, sizeof message, &again, sizeof again);
  return 0;
}
