/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "denoise-private.h"
#include <rnnoise.h>

/* The system's librnnoise. From 0.2 on it hears a frame ahead. */

static void *
create(void)
{
  return rnnoise_create(NULL);
}

static void
destroy(void *state)
{
  rnnoise_destroy(state);
}

static void
reset(void *state)
{
  rnnoise_init(state, NULL);
}

static float
frame(void *state, const float in[WZP_DENOISE_SAMPLES], float out[WZP_DENOISE_SAMPLES])
{
  return rnnoise_process_frame(state, out, in);
}

const WzpDenoiser wzp_denoiser_rnnoise = {"rnnoise", WZP_RNNOISE_DELAY, create, destroy, reset,
                                          frame};
