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
#define HEARD_MIN 10

static bool
is_pause(const WzpRelevel *self, float level)
{
  return self->heard > 0 ? level <= self->usual - 2 * FAR : level <= AUDIBLE;
}

/* The mean at first. The less is known of a frame's level the less it counts. */
static void
learn(WzpRelevel *self, float level)
{
  const float weight = SPEECH / (SPEECH + self->uncertainty);
  self->heard += weight;
  self->usual += fmaxf(USUAL_GAIN, 1 / self->heard) * weight * (level - self->usual);
}

/* A Kalman filter whose state is the offset. Returns the estimate for this frame. */
static float
estimate(WzpRelevel *self, float level, bool pause)
{
  const float weight = pause ? 0 : self->uncertainty / (self->uncertainty + SPEECH);
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
  const bool pause = is_pause(self, level);
  float offset = 0;
  if (self->uncertainty <= CERTAIN)
    self->offset = self->uncertainty = 0;
  if (!pause)
    learn(self, level - self->offset);
  if (self->uncertainty > 0 && self->heard >= HEARD_MIN)
    offset = estimate(self, level, pause);
  else
    self->uncertainty *= LEFT * LEFT;
  const float to = powf(10, -offset / 20);
  const float from = self->gain > 0 ? self->gain : to; /* behind a gap at once */
  self->gain = to;
  for (unsigned i = 0; i < n && (from != 1 || to != 1); i++) {
    const float gain = from + (to - from) * fminf((float)i * 4 / (float)n, 1);
    pcm[i] = wzp_waveform_saturate((float)pcm[i] * gain);
  }
}
