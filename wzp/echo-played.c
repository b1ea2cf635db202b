/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "echo-private.h"
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define RATE 48000
#define RING (1 << 17) /* samples: 2.7 s */
#define LOOSE                                                                                      \
  (RATE /                                                                                          \
   200) /* times that differ by less than 5 ms from where the sound before ended say nothing new */

struct WzpEchoPlayed {
  int64_t put, got; /* where the next sample goes and comes from, counted in samples of the clock */
  bool putting, getting;
  int16_t ring[RING];
};

WzpEchoPlayed *
wzp_echo_played_new(void)
{
  return g_new0(WzpEchoPlayed, 1);
}

void
wzp_echo_played_free(WzpEchoPlayed *played)
{
  g_free(played);
}

void
wzp_echo_played_reset(WzpEchoPlayed *played)
{
  *played = (WzpEchoPlayed){0};
}

static int64_t
place_of(int64_t time)
{
  int64_t second = 1000000000, whole = time / second;
  return whole * RATE + (time - whole * second) * RATE / second;
}

static bool
is_near(int64_t a, int64_t b)
{
  return llabs(a - b) <= LOOSE;
}

static size_t
slot(int64_t place)
{
  return (size_t)((uint64_t)place % RING);
}

void
wzp_echo_played_put(WzpEchoPlayed *played, int64_t time, const int16_t *pcm, size_t n)
{
  int64_t place = place_of(time);
  if (!played->putting || llabs(place - played->put) >= RING) {
    memset(played->ring, 0, sizeof played->ring);
    played->put = place;
  }
  if (!is_near(place, played->put)) {
    for (; played->put < place; played->put++)
      played->ring[slot(played->put)] = 0;
    played->put = place;
  }
  played->putting = true;
  for (size_t i = 0; i < n; i++)
    played->ring[slot(played->put++)] = pcm[i];
}

void
wzp_echo_played_get(WzpEchoPlayed *played, int64_t time, int16_t out[WZP_ECHO_SAMPLES])
{
  int64_t place = place_of(time);
  if (!played->getting || !is_near(place, played->got))
    played->got = place;
  played->getting = true;
  for (unsigned i = 0; i < WZP_ECHO_SAMPLES; i++, played->got++) {
    bool there = played->putting && played->got < played->put && played->got >= played->put - RING;
    out[i] = there ? played->ring[slot(played->got)] : 0;
  }
}
