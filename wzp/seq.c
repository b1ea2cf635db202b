/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seq.h"
#include <string.h>

int
wzp_seq16_distance(uint16_t a, uint16_t b)
{
  return (int16_t)(uint16_t)(a - b);
}

uint64_t
wzp_seq16_extend(uint16_t seq, uint64_t reference)
{
  int distance = wzp_seq16_distance(seq, (uint16_t)reference);
  if (distance < 0 && reference < (uint64_t)-distance)
    return seq;
  return reference + (uint64_t)(int64_t)distance;
}

void
wzp_window_init(WzpWindow *window, unsigned size)
{
  memset(window, 0, sizeof *window);
  window->size = size;
}

static bool
get_bit(const WzpWindow *window, uint64_t index)
{
  return window->bits[index / 64 % (WZP_WINDOW_MAX / 64)] >> (index % 64) & 1;
}

WzpWindowVerdict
wzp_window_check(const WzpWindow *window, uint64_t index)
{
  if (index >= window->next)
    return WZP_WINDOW_NEW;
  if (window->next - index > window->size)
    return WZP_WINDOW_BEHIND;
  return get_bit(window, index) ? WZP_WINDOW_SEEN : WZP_WINDOW_NEW;
}

void
wzp_window_mark(WzpWindow *window, uint64_t index)
{
  if (index >= window->next) {
    /* the numbers jumped over have not been seen: clear what the ring still says of older ones */
    uint64_t skipped = index - window->next;
    if (skipped >= WZP_WINDOW_MAX)
      memset(window->bits, 0, sizeof window->bits);
    else
      for (uint64_t i = window->next; i < index; i++)
        window->bits[i / 64 % (WZP_WINDOW_MAX / 64)] &= ~(UINT64_C(1) << (i % 64));
    window->next = index + 1;
  }
  window->bits[index / 64 % (WZP_WINDOW_MAX / 64)] |= UINT64_C(1) << (index % 64);
}
