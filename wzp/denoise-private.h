/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "denoise.h"

#define WZP_DENOISER_DELAY_MAX 2

/* What removes the noise. Samples have the range of 16 bits. */
typedef struct {
  const char *name;
  unsigned delay; /* frames that come out later than they went in: 1..WZP_DENOISER_DELAY_MAX */
  void *(*create)(void);
  void (*free)(void *state);
  void (*reset)(void *state);
  /* The probability of speech, 0..1, or -1 from an engine that is no judge of it. */
  float (*frame)(void *state, const float in[WZP_DENOISE_SAMPLES], float out[WZP_DENOISE_SAMPLES]);
} WzpDenoiser;

extern const WzpDenoiser wzp_denoiser_speexdsp;
extern const WzpDenoiser wzp_denoiser_rnnoise; /* when it was built in */
/* Our own as RNNoise 0.1 is, frame by frame, without what we do otherwise; for comparison. */
extern const WzpDenoiser wzp_denoiser_rnnoise_published;
