/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gain.h"
#include <glib.h>
#include <math.h>

#define FULL 32768.0f

/* Learning, in frames of 20 ms with speech */
#define FIRST 25           /* until something is known */
#define STARTUP 50         /* and before them, while the room is not known */
#define MEMORY 200         /* of the mean */
#define ABOVE_ROOM 8.0f    /* a frame's power over the room's, that is speech and no pause in it */
#define BELOW_SPEECH 0.01f /* of what is known: a pause between words */
#define LOST 100           /* pauses in a row are none: somebody speaks softly now */
#define SLEW powf(10, 0.06f / 20) /* of the gain in a frame: 3 dB a second */
#define HOLD 25                   /* frames behind speech until that, */
#define REST powf(10, 2.0f / 20)  /* in a frame, to the gain of what is no speech */
#define WAKE powf(10, 10.0f / 20) /* and back */

/* Limiter */
#define BLOCK 120                   /* samples: 2.5 ms */
#define RELEASE powf(10, 0.2f / 20) /* in a block: 80 dB a second */

struct WzpGain {
  float power;         /* of speech, mean */
  unsigned seen;       /* frames, up to STARTUP */
  unsigned heard, low; /* frames of speech; of pauses, in a row */
  unsigned since;      /* frames, that there was speech */
  float gain;          /* of speech */
  float now;           /* what is strived for in this frame */
  float end;           /* what the last sample was raised by */
};

static float
ratio(float db)
{
  return powf(10, db / 20);
}

static float
decibel(float power)
{
  return 10 * log10f(fmaxf(power, 1e-20f));
}

WzpGain *
wzp_gain_new(void)
{
  WzpGain *gain = g_new0(WzpGain, 1);
  wzp_gain_reset(gain);
  return gain;
}

void
wzp_gain_free(WzpGain *gain)
{
  g_free(gain);
}

void
wzp_gain_reset(WzpGain *gain)
{
  *gain = (WzpGain){.since = HOLD, .gain = 1, .now = 1, .end = 1};
}

float
wzp_gain_db(const WzpGain *gain)
{
  return 20 * log10f(gain->gain);
}

float
wzp_gain_speech_db(const WzpGain *gain)
{
  return gain->heard < FIRST ? WZP_GAIN_UNKNOWN_DB : decibel(gain->power);
}

/* --- learning --- */

static float
room_power(const WzpNoise *room)
{
  float power = 0;
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++)
    power += room->power[b];
  return power;
}

static void
learn(WzpGain *gain, const int16_t in[WZP_GAIN_SAMPLES], float room)
{
  float power = 0;
  for (unsigned i = 0; i < WZP_GAIN_SAMPLES; i++)
    power += (float)in[i] * in[i];
  power /= WZP_GAIN_SAMPLES * FULL * FULL;
  if (power < room * ABOVE_ROOM)
    return;
  if (power < gain->power * BELOW_SPEECH && ++gain->low < LOST)
    return;
  if (gain->low == LOST)
    gain->heard = 0;
  gain->low = 0;
  gain->heard = MIN(gain->heard + 1, MEMORY);
  gain->power += (power - gain->power) / (float)gain->heard;
}

/* What speech should be raised by. */
static float
aim(const WzpGain *gain, float room)
{
  float level = wzp_gain_speech_db(gain);
  if (level <= WZP_GAIN_UNKNOWN_DB)
    return gain->gain;
  float db = CLAMP(level, WZP_GAIN_LOW_DB, WZP_GAIN_HIGH_DB) - level;
  float most = fminf(WZP_GAIN_RAISE_MAX_DB, fmaxf(WZP_GAIN_ROOM_MAX_DB - decibel(room), 0));
  return ratio(CLAMP(db, -WZP_GAIN_LOWER_MAX_DB, most));
}

static float
approach(float from, float to, float up, float down)
{
  return from < to ? fminf(from * up, to) : fmaxf(from / down, to);
}

/* --- the sound --- */

/* What a block may be raised by: what is wanted, as far as its peak allows. It is never lowered for its peak. */
static float
limit(const int16_t in[BLOCK], float wanted)
{
  int peak = 1;
  for (unsigned i = 0; i < BLOCK; i++)
    peak = MAX(peak, ABS((int)in[i]));
  float most = ratio(WZP_GAIN_PEAK_DB) * FULL / (float)peak;
  return fmaxf(fminf(wanted, most), fminf(wanted, 1));
}

/* From block to block in straight lines, at no place above the limit of its block. */
static void
apply(WzpGain *gain, const int16_t *in, int16_t *out, unsigned samples)
{
  unsigned blocks = samples / BLOCK;
  float next = limit(in, gain->now);
  for (unsigned k = 0; k < blocks; k++) {
    float here = next, from = fminf(gain->end, here);
    if (k + 1 < blocks)
      next = limit(in + (k + 1) * BLOCK, gain->now);
    float to = fminf(fminf(here, next), fmaxf(from, 1e-3f) * RELEASE);
    float step = (to - from) / BLOCK;
    for (unsigned i = 0; i < BLOCK; i++) {
      float x = (float)in[k * BLOCK + i] * (from + step * (float)(i + 1));
      out[k * BLOCK + i] = (int16_t)lrintf(CLAMP(x, -32768, 32767));
    }
    gain->end = to;
  }
}

void
wzp_gain_frame(WzpGain *gain, const int16_t *in, int16_t *out, unsigned samples, bool speech,
               const WzpNoise *noise)
{
  float room = room_power(noise);
  for (unsigned i = 0; i < samples; i += WZP_GAIN_SAMPLES) {
    gain->seen += gain->seen < STARTUP;
    if (speech && gain->seen == STARTUP) {
      learn(gain, in + i, room);
      gain->gain = approach(gain->gain, aim(gain, room), SLEW, SLEW);
    }
    gain->since = speech ? 0 : MIN(gain->since + 1, HOLD + 1);
    gain->now =
        approach(gain->now, gain->since <= HOLD ? gain->gain : fminf(gain->gain, 1), WAKE, REST);
    apply(gain, in + i, out + i, WZP_GAIN_SAMPLES);
  }
}
