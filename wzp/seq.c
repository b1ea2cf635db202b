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
  if (distance >= 0)
    return reference + (uint64_t)distance;
  uint64_t back = (uint64_t)-distance;
  /* before the first number there is nothing: then it is the one ahead */
  return back > reference ? reference - back + 0x10000 : reference - back;
}

/* The bits are a ring: the bit of an index is index modulo size. */
static bool
bit_is_set(const WzpWindow *window, uint64_t index)
{
  uint64_t bit = index & (window->size - 1);
  return window->bits[bit / 64] >> (bit % 64) & 1;
}

void
wzp_window_init(WzpWindow *window, unsigned size)
{
  memset(window, 0, sizeof *window);
  window->size = size;
}

WzpWindowVerdict
wzp_window_check(const WzpWindow *window, uint64_t index)
{
  if (index == UINT64_MAX) /* next could not stand above it */
    return WZP_WINDOW_BEHIND;
  if (index >= window->next)
    return WZP_WINDOW_NEW;
  if (window->next - index > window->size)
    return WZP_WINDOW_BEHIND;
  return bit_is_set(window, index) ? WZP_WINDOW_SEEN : WZP_WINDOW_NEW;
}

WzpResult
wzp_window_admit(const WzpWindow *window, uint64_t index)
{
  switch (wzp_window_check(window, index)) {
  case WZP_WINDOW_SEEN:
    return WZP_REPLAYED;
  case WZP_WINDOW_BEHIND:
    return WZP_TOO_OLD;
  case WZP_WINDOW_NEW:
    break;
  }
  return WZP_OK;
}

void
wzp_window_mark(WzpWindow *window, uint64_t index)
{
  if (index >= window->next) {
    if (index - window->next >= window->size) {
      memset(window->bits, 0, sizeof window->bits);
    } else {
      for (uint64_t skipped = window->next; skipped < index; skipped++) {
        uint64_t bit = skipped & (window->size - 1);
        window->bits[bit / 64] &= ~((uint64_t)1 << (bit % 64));
      }
    }
    window->next = index + 1;
  }
  uint64_t bit = index & (window->size - 1);
  window->bits[bit / 64] |= (uint64_t)1 << (bit % 64);
}
