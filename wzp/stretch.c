/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stretch.h"
#include "waveform.h"
#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define HISTORY 960    /* 20 ms */
#define PERIOD_MIN 120 /* 2.5 ms, 400 Hz */
#define PERIOD_MAX 720 /* 15 ms, 67 Hz */
#define COMPARED 480   /* samples that must look alike */
#define FADE 240       /* 5 ms */
#define FADE_MIN 96
#define COARSE 8 /* the search goes at 6 kHz first */
#define CREDIT_MAX (2 * PERIOD_MAX)
#define SPEECH_PARTS 4 /* of speech one part in so many may be changed */

/* How alike two stretches must be, and for how large a wish (samples) less will do. */
#define ALIKE 0.8
#define ALIKE_URGENT 0.5
#define URGENT 2400
/* Near silence: so far below the loudest of the last seconds, or this mean square. */
#define QUIET_BELOW 0.002
#define QUIET_POWER 100.0
#define LOUDEST_DECAY 0.995

_Static_assert(WZP_STRETCH_LONGER_MAX >= PERIOD_MAX, "a period must fit");

struct WzpStretch {
  int16_t history[HISTORY]; /* what was heard last */
  double loudest;           /* mean square */
  int credit;               /* samples that may be changed */
};

WzpStretch *
wzp_stretch_new(void)
{
  return g_new0(WzpStretch, 1);
}

void
wzp_stretch_free(WzpStretch *stretch)
{
  g_free(stretch);
}

void
wzp_stretch_reset(WzpStretch *stretch)
{
  *stretch = (WzpStretch){0};
}

static void
remember(WzpStretch *stretch, const int16_t *heard, size_t n)
{
  if (n >= HISTORY) {
    memcpy(stretch->history, heard + n - HISTORY, sizeof stretch->history);
    return;
  }
  memmove(stretch->history, stretch->history + n, (HISTORY - n) * sizeof *heard);
  memcpy(stretch->history + HISTORY - n, heard, n * sizeof *heard);
}

/* The distance from at, backward or forward, at which the wave looks most like that at `at`. */
static int
find_period(const int16_t *at, int direction, int from, int to, int room, double *alike)
{
  int best = from;
  *alike = -1;
  for (int fine = 0; fine < 2; fine++) {
    int step = fine ? 1 : COARSE;
    int first = fine ? MAX(best - COARSE + 1, from) : from;
    int last = fine ? MIN(best + COARSE - 1, to) : to;
    if (fine)
      *alike = -1;
    for (int period = first; period <= last; period += step) {
      /* forward what is compared must lie in the frame, backward in what was heard */
      int n = MIN(COMPARED, direction > 0 ? room - period : period);
      double is =
          wzp_waveform_likeness(at, at + direction * period, (unsigned)n, fine ? 2 : COARSE);
      if (is > *alike) {
        *alike = is;
        best = period;
      }
    }
  }
  return best;
}

static void
fade(int16_t *out, const int16_t *from, const int16_t *to, int n)
{
  for (int i = 0; i < n; i++)
    out[i] = (int16_t)lrint(((double)from[i] * (n - i) + (double)to[i] * i) / n);
}

/* How many samples go in (above 0) or out. near: history and frame, `at` is the frame's first sample. */
static int
choose(WzpStretch *stretch, const int16_t *at, int n, int wish, bool quiet)
{
  bool longer = wish > 0;
  int most = longer ? PERIOD_MAX : MIN(-wish, n - (quiet ? FADE_MIN : FADE));
  if (quiet)
    return longer ? MIN(MAX(wish, FADE_MIN), PERIOD_MAX) : most >= 48 ? -most : 0;
  most = MIN(most, MIN(PERIOD_MAX, stretch->credit));
  if (most < PERIOD_MIN)
    return 0;
  double alike;
  int period = find_period(at, longer ? -1 : 1, PERIOD_MIN, most, n, &alike);
  if (alike < (ABS(wish) > URGENT ? ALIKE_URGENT : ALIKE))
    return 0;
  stretch->credit -= period;
  return longer ? period : -period;
}

size_t
wzp_stretch_run(WzpStretch *stretch, const int16_t *in, size_t n, int wish, int16_t *out)
{
  double power = wzp_waveform_power(in, (unsigned)n);
  stretch->loudest = MAX(stretch->loudest * LOUDEST_DECAY, power);
  stretch->credit = MIN(stretch->credit + (int)n / SPEECH_PARTS, CREDIT_MAX);
  bool quiet = power <= MAX(stretch->loudest * QUIET_BELOW, QUIET_POWER);
  int by = 0;

  if (wish != 0 && n > FADE && n <= WZP_STRETCH_FRAME_MAX) {
    int16_t near[HISTORY + WZP_STRETCH_FRAME_MAX];
    const int16_t *at = near + HISTORY;
    memcpy(near, stretch->history, sizeof stretch->history);
    memcpy(near + HISTORY, in, n * sizeof *in);
    by = choose(stretch, at, (int)n, wish, quiet);
    int faded = MIN(MIN(FADE, (int)n - (by < 0 ? -by : 0)), by > 0 ? by : (int)n);
    if (by != 0) {
      const int16_t *to = at - by; /* back by a period, or on by one */
      fade(out, at, to, faded);
      memcpy(out + faded, to + faded, (n + (size_t)by - (size_t)faded) * sizeof *out);
    }
  }
  if (by == 0)
    memcpy(out, in, n * sizeof *in);
  n += (size_t)by;
  remember(stretch, out, n);
  return n;
}
