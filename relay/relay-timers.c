/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-timers.h"
#include <glib.h>

#define NOT_IN_HEAP G_MAXUINT

struct RelayTimers {
  unsigned capacity, length;
  unsigned *heap;     /* indices, earliest first */
  unsigned *position; /* of each index in heap */
  WzpTime *due;
};

RelayTimers *
relay_timers_new(unsigned capacity)
{
  RelayTimers *timers = g_new0(RelayTimers, 1);
  unsigned i;

  timers->capacity = capacity;
  timers->heap = g_new(unsigned, capacity);
  timers->position = g_new(unsigned, capacity);
  timers->due = g_new(WzpTime, capacity);
  for (i = 0; i < capacity; i++)
    timers->position[i] = NOT_IN_HEAP;
  return timers;
}

void
relay_timers_free(RelayTimers *timers)
{
  if (timers == NULL)
    return;
  g_free(timers->heap);
  g_free(timers->position);
  g_free(timers->due);
  g_free(timers);
}

static void
place(RelayTimers *timers, unsigned position, unsigned index)
{
  timers->heap[position] = index;
  timers->position[index] = position;
}

static void
sift_up(RelayTimers *timers, unsigned position)
{
  unsigned index = timers->heap[position];

  while (position > 0) {
    unsigned parent = (position - 1) / 2;

    if (timers->due[timers->heap[parent]] <= timers->due[index])
      break;
    place(timers, position, timers->heap[parent]);
    position = parent;
  }
  place(timers, position, index);
}

static void
sift_down(RelayTimers *timers, unsigned position)
{
  unsigned index = timers->heap[position];

  for (;;) {
    unsigned child = 2 * position + 1;

    if (child >= timers->length)
      break;
    if (child + 1 < timers->length &&
        timers->due[timers->heap[child + 1]] < timers->due[timers->heap[child]])
      child++;
    if (timers->due[timers->heap[child]] >= timers->due[index])
      break;
    place(timers, position, timers->heap[child]);
    position = child;
  }
  place(timers, position, index);
}

static void
remove_index(RelayTimers *timers, unsigned index)
{
  unsigned position = timers->position[index];
  unsigned last;

  if (position == NOT_IN_HEAP)
    return;
  timers->position[index] = NOT_IN_HEAP;
  last = timers->heap[--timers->length];
  if (last == index)
    return;
  place(timers, position, last);
  sift_up(timers, position);
  sift_down(timers, timers->position[last]);
}

void
relay_timers_set(RelayTimers *timers, unsigned index, WzpTime due)
{
  g_assert(index < timers->capacity);
  if (due == WZP_NEVER) {
    remove_index(timers, index);
    return;
  }
  timers->due[index] = due;
  if (timers->position[index] == NOT_IN_HEAP)
    place(timers, timers->length++, index);
  sift_up(timers, timers->position[index]);
  sift_down(timers, timers->position[index]);
}

WzpTime
relay_timers_next(const RelayTimers *timers)
{
  return timers->length > 0 ? timers->due[timers->heap[0]] : WZP_NEVER;
}

bool
relay_timers_pop(RelayTimers *timers, WzpTime now, unsigned *index)
{
  if (relay_timers_next(timers) > now || timers->length == 0)
    return false;
  *index = timers->heap[0];
  remove_index(timers, *index);
  return true;
}
