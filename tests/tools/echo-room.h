/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* A room with a loudspeaker and a microphone in it, at 48 kHz, from a seed: the echo comes `late` ms late, decays by 60 dB in
 * `decay` ms and is `loss` dB softer than what is played. Reflections lie 1/6 ms apart on average (velvet noise: sparse,
 * and as good as dense to ear and filter). */

typedef struct {
  guint late, decay; /* ms */
  double loss;       /* dB */
  guint32 seed;
} EchoRoom;

/* Adds the echo of n samples to what the microphone hears. */
void echo_room_add(const EchoRoom *room, const double *played, double *heard, gsize n);
