/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* Noise for benchmarks, at 48 kHz, from a seeded generator. Samples of -1..1, all brought to `level` dB of full scale. */

double noise_power(const double *x, gsize n);
double noise_decibel(double power);

/* Octaves of equal power. */
void noise_pink(double *noise, gsize n, double level, GRand *random);
/* A rush below 300 Hz and the hum of its blades. */
void noise_fan(double *noise, gsize n, double level, GRand *random);
/* Clicks of 10 ms, some six a second, and next to nothing between them. */
void noise_keyboard(double *noise, gsize n, double level, GRand *random);
/* Eight voices at once: a recording backwards, from eight places. */
void noise_babble(double *noise, gsize n, double level, GRand *random, const double *speech,
                  gsize speech_length);
