/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/room-list.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken is exactly what would be written, with each key once, and signed only when the signature holds: the one that is
 * in the corpus, because no other can be made here. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(WzpRoomList) list = wzp_room_list_parse((const char *)data, size, NULL);

  if (list == NULL)
    return 0;
  g_autofree char *text = wzp_room_list_format(list);
  g_assert_cmpmem(text, strlen(text), data, size);
  g_assert_cmpuint(wzp_room_list_count(list), <=, WZP_ROOM_LIST_KEYS_MAX);
  for (unsigned n = 0; n < wzp_room_list_count(list); n++) {
    g_assert_true(wzp_room_list_has(list, wzp_room_list_nth(list, n)));
    if (n > 0)
      g_assert_cmpint(memcmp(wzp_room_list_nth(list, n - 1), wzp_room_list_nth(list, n), 32), <, 0);
  }
  if (wzp_room_list_is_signed(list)) {
    g_assert_cmpuint(wzp_room_list_version(list), ==, 7);
    g_assert_cmpuint(wzp_room_list_count(list), ==, 2);
  }
  return 0;
}
