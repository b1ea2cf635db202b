/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <math.h>

/* Sound for tests, at 48 kHz, from a seeded generator; levels in dB of full scale. */

static inline double
sound_gauss(GRand *random)
{
  return sqrt(-2 * log(1 - g_rand_double(random))) * cos(2 * G_PI * g_rand_double(random));
}

/* Noise that falls by 6 dB an octave above `corner` Hz. */
typedef struct {
  GRand *random;
  double gain, pole, state;
} SoundRoom;

static inline void
sound_room_init(SoundRoom *room, GRand *random, double level, double corner)
{
  room->random = random;
  room->pole = exp(-2 * G_PI * corner / 48000);
  room->gain = pow(10, level / 20) * 32768 * sqrt(1 - room->pole * room->pole);
  room->state = 0;
}

static inline double
sound_room_next(SoundRoom *room)
{
  room->state = room->pole * room->state + room->gain * sound_gauss(room->random);
  return room->state;
}

/* A vowel at 120 Hz whose harmonics fall by 6 dB an octave; `at` counts samples. About level dB. */
static inline double
sound_vowel(double level, guint64 at)
{
  double x = 0, t = 2 * G_PI * 120 * (double)at / 48000;
  for (guint n = 1; n <= 25; n++)
    x += sin(n * t + n * n) / n;
  return x * pow(10, level / 20) * 32768 / 0.9;
}

static inline gint16
sound_sample(double x)
{
  return (gint16)CLAMP(lround(x), G_MININT16, G_MAXINT16);
}

static inline double
sound_level(const gint16 *pcm, gsize n)
{
  double sum = 1e-9;
  for (gsize i = 0; i < n; i++)
    sum += (double)pcm[i] * pcm[i];
  return 10 * log10(sum / (double)n) - 20 * log10(32768);
}
