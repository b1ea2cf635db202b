/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "echo-private.h"
#include <glib.h>
#include <math.h>
#include <string.h>

/* How much of an echo is left: a share of what the filter took away, that four frames of five stay below. Much more than it is
 * a voice here, unless what is left goes up and down with the echo: then the room has changed. */

#define FAR_SHARE 0.003f /* of what is played: echo, until the filter knows better */
#define ECHO_MAX 10.0f   /* more than what is played no echo is */
#define DECAY 0.75f      /* of an echo in a frame, beyond the filter */
#define LEAK_FIRST 30.0f
#define LEAK_LEAST 1e-4f
#define LEAK_DOWN 0.96f   /* in a frame, */
#define LEAK_UP 1.01f     /* and up: so that one frame of five is above */
#define LEAK_VOICE 1.001f /* while somebody speaks here, */
#define LEAK_CHANGE 1.05f /* and when the room has changed */
#define VOICE 8.0f        /* more than the share of the echo */
#define ALIKE 0.6f        /* correlation of what is left and the echo */
#define MEAN 0.03f        /* of a frame, in what is usual */
#define FORGET 0.98f      /* in a frame */
#define OVER 2.0f         /* more echo is taken away than is likely there */
#define HEARD 1e-10f      /* echo in a band: less is nothing */
#define RISE 0.4f         /* of the gain in a frame */
#define SMOOTH 0.8f       /* for the noise, */
#define NOISE_RISE 1.003f /* which goes up by 1.3 dB a second */
#define NOISE_BIAS 1.5f   /* and is so much more than the least */

static const unsigned short edges[WZP_ECHO_BANDS + 1] = {
    0, 4, 8, 12, 16, 20, 26, 32, 40, 50, 62, 78, 98, 124, 160, 220, 320, WZP_ECHO_BINS};

void
wzp_echo_bands(const float re[WZP_ECHO_BINS], const float im[WZP_ECHO_BINS], WzpEchoBands *bands)
{
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++) {
    float sum = 0;
    for (unsigned k = edges[b]; k < edges[b + 1]; k++)
      sum += re[k] * re[k] + im[k] * im[k];
    bands->power[b] = sum;
  }
}

void
wzp_echo_residual_reset(WzpEchoResidual *residual)
{
  *residual = (WzpEchoResidual){0};
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++)
    residual->gain[b] = 1, residual->leak[b] = LEAK_FIRST;
}

/* Whether both go up and down together: in all bands, -1..1. */
static float
likeness(WzpEchoResidual *self, const WzpEchoBands *error)
{
  float sum = 0, weight = 1e-6f;
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++) {
    if (self->held[b] < HEARD)
      continue;
    float dx = log2f(self->held[b]) - self->echo_mean[b];
    float dy = log2f(error->power[b] + HEARD) - self->error_mean[b];
    self->echo_mean[b] += MEAN * dx;
    self->error_mean[b] += MEAN * dy;
    self->both[b] = FORGET * self->both[b] + dx * dy;
    self->echo_square[b] = FORGET * self->echo_square[b] + dx * dx;
    self->error_square[b] = FORGET * self->error_square[b] + dy * dy;
    sum += self->both[b] / (sqrtf(self->echo_square[b] * self->error_square[b]) + 1e-6f);
    weight++;
  }
  return sum / weight;
}

static void
follow_leak(WzpEchoResidual *self, unsigned b, float left, bool alike)
{
  float most = self->leak[b] * self->held[b];
  if (self->held[b] < HEARD)
    return;
  if (left <= most)
    self->leak[b] *= LEAK_DOWN;
  else if (alike)
    self->leak[b] *= LEAK_CHANGE;
  else
    self->leak[b] *= left > VOICE * most ? LEAK_VOICE : LEAK_UP;
  self->leak[b] = CLAMP(self->leak[b], LEAK_LEAST, LEAK_FIRST);
}

/* The least that is left for some time is noise. */
static void
follow_noise(WzpEchoResidual *self, unsigned b, float error)
{
  self->smooth[b] = SMOOTH * self->smooth[b] + (1 - SMOOTH) * error;
  self->noise[b] = self->frames < 20 ? self->smooth[b] * 0.1f
                                     : fminf(self->noise[b] * NOISE_RISE + 1e-14f, self->smooth[b]);
}

static void
spread(const float band[WZP_ECHO_BANDS], float gain[WZP_ECHO_BINS])
{
  float before = 0;
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++) {
    float middle = (float)(edges[b] + edges[b + 1]) / 2, from = b > 0 ? band[b - 1] : band[0];
    unsigned first = (unsigned)before,
             last = b + 1 < WZP_ECHO_BANDS ? (unsigned)middle : WZP_ECHO_BINS;
    for (unsigned k = first; k < last; k++) {
      float share = fminf(((float)k - before) / (middle - before), 1);
      gain[k] = from + CLAMP(share, 0, 1) * (band[b] - from);
    }
    before = (float)(unsigned)middle;
  }
}

void
wzp_echo_residual_gain(WzpEchoResidual *self, const WzpEchoBands *error, const WzpEchoBands *echo,
                       const WzpEchoBands *far, float gain[WZP_ECHO_BINS])
{
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++) {
    self->far[b] = fmaxf(far->power[b], self->far[b] * DECAY);
    float now = fminf(echo->power[b], ECHO_MAX * self->far[b]) + FAR_SHARE * far->power[b];
    self->held[b] = fmaxf(now, self->held[b] * DECAY);
  }
  bool alike = likeness(self, error) > ALIKE;
  for (unsigned b = 0; b < WZP_ECHO_BANDS; b++) {
    float left = error->power[b];
    follow_leak(self, b, left, alike);
    float likely = OVER * self->leak[b] * self->held[b];
    follow_noise(self, b, left);
    float over = fmaxf(left / (likely + 1e-20f) - 1, 0), wanted = over / (1 + over);
    float quiet = fminf(sqrtf(NOISE_BIAS * self->noise[b] / (left + 1e-20f)), 1);
    wanted = likely < HEARD ? 1 : fmaxf(wanted, quiet);
    self->gain[b] =
        wanted < self->gain[b] ? wanted : self->gain[b] + RISE * (wanted - self->gain[b]);
  }
  self->frames++;
  spread(self->gain, gain);
}
