/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relevel.h"
#include "waveform.h"
#include <math.h>
#include <stdbool.h>

/* Of five speakers through Codec2 1200, behind gaps of 1 to 8 frames of 40 ms: the variance of what is off behind a long
 * gap, the share of it that each lost frame does not bring, and what is left of an offset a frame later. */
#define OFF_MOST 255 /* dB^2 */
#define OFF_KEPT 0.46f
#define LEFT 0.82f
#define CERTAIN 2 /* dB^2 */
/* The variance of the level of speech, larger than it is (80), since a frame is like the one before. */
#define SPEECH 144
/* What is farther from the usual level counts as if it were so far: it may be a pause. */
#define FAR 15 /* dB */
/* The usual level: of what is louder than silence and no pause. */
#define AUDIBLE 30 /* dB */
#define USUAL_GAIN 0.02f

/* The mean at first. */
static void
learn(WzpRelevel *self, float level)
{
  const bool pause = self->heard == 0 ? level <= AUDIBLE : level <= self->usual - 2 * FAR;
  if (!pause)
    self->usual += fmaxf(USUAL_GAIN, 1 / (float)++self->heard) * (level - self->usual);
}

/* A Kalman filter whose state is the offset. Returns the estimate for this frame. */
static float
estimate(WzpRelevel *self, float level)
{
  const float weight = self->uncertainty / (self->uncertainty + SPEECH);
  const float seen = fmaxf(fminf(level - self->usual, FAR), -FAR);
  const float offset = self->offset + weight * (seen - self->offset);
  self->offset = offset * LEFT;
  self->uncertainty *= (1 - weight) * LEFT * LEFT;
  return offset;
}

void
wzp_relevel_lost(WzpRelevel *self, float frames)
{
  self->uncertainty = fmaxf(self->uncertainty, OFF_MOST * (1 - powf(OFF_KEPT, frames)));
  self->gain = 0;
}

void
wzp_relevel_frame(WzpRelevel *self, int16_t *pcm, unsigned n)
{
  const float level = (float)(10 * log10(wzp_waveform_power(pcm, n) + 1e-3));
  float to = 1;
  if (self->heard > 0 && self->uncertainty > CERTAIN) {
    to = powf(10, -estimate(self, level) / 20);
  } else {
    self->offset = self->uncertainty = 0;
    learn(self, level);
  }
  const float from = self->gain > 0 ? self->gain : to; /* behind a gap at once */
  self->gain = to;
  for (unsigned i = 0; i < n && (from != 1 || to != 1); i++) {
    const float gain = from + (to - from) * fminf((float)i * 4 / (float)n, 1);
    pcm[i] = (int16_t)fmaxf(fminf((float)pcm[i] * gain, INT16_MAX), INT16_MIN);
  }
}
