/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "echo-private.h"
#include <glib.h>
#include <math.h>

/* Which bands are louder than usual makes a pattern of bits a frame. That of what is heard is compared with those of what was
 * played before: the lag at which most bits agree is that of the echo. */

#define MEAN 0.03f   /* of a frame, in what is usual */
#define ACTIVE 1e-6f /* of what is played: -60 dB */
#define RATE 0.01f   /* of a frame with sound, in the score */
#define ENOUGH 100   /* such frames */
#define CLEAR 1.5f   /* bits that the best lag agrees in more than the mean of them */
#define STEADY 30    /* frames that say so in a row */
#define MARGIN 3     /* frames of the filter before the echo, */
#define FIRST 6      /* and at most so many: a room still sounds when the echo has come */

void
wzp_echo_late_reset(WzpEchoLate *late)
{
  *late = (WzpEchoLate){0};
}

static uint32_t
pattern(float mean[WZP_ECHO_BANDS], const WzpEchoBands *bands)
{
  uint32_t bits = 0;
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++) {
    float log = log2f(bands->power[b] + 1e-12f);
    bits |= (uint32_t)(log > mean[b]) << b;
    mean[b] += MEAN * (log - mean[b]);
  }
  return bits;
}

static void
push_far(WzpEchoLate *late, const WzpEchoBands *far)
{
  float power = 0;
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++)
    power += far->power[b];
  for (unsigned l = WZP_ECHO_LAGS - 1; l > 0; l--) {
    late->far[l] = late->far[l - 1];
    late->active[l] = late->active[l - 1];
  }
  late->active[0] = power > ACTIVE;
  if (late->active[0])
    late->far[0] = pattern(late->far_mean, far);
}

unsigned
wzp_echo_late_find(WzpEchoLate *late, const WzpEchoBands *far, const WzpEchoBands *near,
                   unsigned now)
{
  uint32_t heard = pattern(late->near_mean, near);
  unsigned best = 0;
  float sum = 0;
  push_far(late, far);
  late->seen += late->active[0] && late->seen < ENOUGH;
  for (unsigned l = 0; l < WZP_ECHO_LAGS; l++) {
    if (late->active[l]) {
      int agree = WZP_ECHO_BANDS - __builtin_popcount(heard ^ late->far[l]);
      late->score[l] += RATE * ((float)agree - late->score[l]);
    }
    sum += late->score[l];
    if (late->score[l] > late->score[best])
      best = l;
  }
  bool clear = late->seen == ENOUGH && late->score[best] > sum / WZP_ECHO_LAGS + CLEAR;
  bool covered = best >= now && best <= now + FIRST;
  late->apart = clear && !covered ? late->apart + 1 : 0;
  if (late->apart < STEADY)
    return now;
  late->apart = 0;
  return best > MARGIN ? best - MARGIN : 0;
}
