/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "noise.h"
#include "tests/core/sound.h"
#include <math.h>

#define RATE 48000.0
#define VOICES 8

double
noise_power(const double *x, gsize n)
{
  double sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += x[i] * x[i];
  return sum / (double)MAX(n, 1);
}

double
noise_decibel(double power)
{
  return 10 * log10(MAX(power, 1e-12));
}

static void
bring_to(double *noise, gsize n, double level)
{
  double gain = sqrt(pow(10, level / 10) / noise_power(noise, n));
  for (gsize i = 0; i < n; i++)
    noise[i] *= gain;
}

/* Octaves of white noise that is held, one drawn anew each sample (Voss). */
void
noise_pink(double *noise, gsize n, double level, GRand *random)
{
  double rows[16] = {0};
  for (gsize i = 0; i < n; i++) {
    gsize row = (gsize)__builtin_ctzll(i | 0x8000);
    rows[row] = sound_gauss(random);
    noise[i] = sound_gauss(random);
    for (guint r = 0; r < G_N_ELEMENTS(rows); r++)
      noise[i] += rows[r];
  }
  bring_to(noise, n, level);
}

void
noise_fan(double *noise, gsize n, double level, GRand *random)
{
  SoundRoom room;
  sound_room_init(&room, random, 0, 300);
  for (gsize i = 0; i < n; i++) {
    double t = 2 * G_PI * 97 * (double)i / RATE;
    noise[i] = sound_room_next(&room) / 32768 * (1 + 0.2 * sin(t / 9));
    for (guint h = 1; h <= 6; h++)
      noise[i] += 0.5 / h * sin(h * t);
  }
  bring_to(noise, n, level);
}

void
noise_keyboard(double *noise, gsize n, double level, GRand *random)
{
  double strength = 0, body = 0, turn = 0;
  for (gsize i = 0; i < n; i++) {
    if (g_rand_double(random) < 6 / RATE) {
      strength = g_rand_double_range(random, 0.3, 1);
      body = g_rand_double_range(random, 900, 3500);
    }
    strength *= exp(-1 / (0.003 * RATE));
    turn += 2 * G_PI * body / RATE;
    noise[i] = strength * (sin(turn) + 0.7 * sound_gauss(random)) + 1e-4 * sound_gauss(random);
  }
  bring_to(noise, n, level);
}

void
noise_babble(double *noise, gsize n, double level, GRand *random, const double *speech,
             gsize speech_length)
{
  guint32 start[VOICES];
  for (guint v = 0; v < VOICES; v++)
    start[v] = (guint32)((speech_length * v + g_rand_int_range(random, 0, 9999)) / VOICES);
  for (gsize i = 0; i < n; i++) {
    noise[i] = 0;
    for (guint v = 0; v < VOICES; v++)
      noise[i] += speech[speech_length - 1 - (start[v] + i) % speech_length];
  }
  bring_to(noise, n, level);
}
