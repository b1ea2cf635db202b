/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* The period of a voice, as RNNoise looks for it (J.-M. Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band
 * Speech Enhancement", 2018; the method is that of Opus): whitened by linear prediction, coarse at a quarter of the
 * rate, finer at half of it, and then checked for being a multiple of the true one. */

#define WZP_PITCH_LONGEST 768 /* samples: 62.5 Hz */
#define WZP_PITCH_SHORTEST 60 /* 800 Hz */
#define WZP_PITCH_FRAME 960   /* what is compared with what was before it */
#define WZP_PITCH_SAMPLES (WZP_PITCH_LONGEST + WZP_PITCH_FRAME)

typedef struct {
  int period; /* samples; the last frame's, at first 0 */
  float gain; /* how alike the two are, 0..1 */
} WzpPitch;

/* The newest WZP_PITCH_SAMPLES samples; pitch has the last frame's and gets this one's. */
void wzp_pitch_find(const float sound[WZP_PITCH_SAMPLES], WzpPitch *pitch);
