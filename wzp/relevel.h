/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdint.h>

/* How loud speech is behind a gap, for a codec that only tells how the loudness changes (Codec2 1200): it goes on from what
 * was before the gap, which is off by 12 to 16 dB. How far is estimated from how loud this voice is usually, and taken out;
 * the codec itself forgets a fifth of it with each frame of 40 ms. Without a gap nothing is changed. */

typedef struct {
  float heard; /* frames that were no pause, those behind gaps in part */
  float usual; /* level of the voice, dB */
  float offset,
      uncertainty; /* the estimate for the next frame, dB, and its variance; 0 far from gaps */
  float gain;      /* of the last sample; 0: behind a gap there is none */
} WzpRelevel;

/* Starts zeroed. So many frames were lost, parts counted, above 0. */
void wzp_relevel_lost(WzpRelevel *relevel, float frames);
/* A frame as decoded, n above 0. */
void wzp_relevel_frame(WzpRelevel *relevel, int16_t *pcm, unsigned n);
