/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "denoise-private.h"
#include <glib.h>
#include <rnnoise.h>

/* The system's librnnoise. From 0.2 on it hears a frame ahead. */

typedef struct {
  DenoiseState *rnnoise;
} State;

/* Made anew: rnnoise_init() on a state in use loses the memory that 0.1 has in it. */
static void
reset(void *data)
{
  State *state = data;
  g_clear_pointer(&state->rnnoise, rnnoise_destroy);
  state->rnnoise = rnnoise_create(NULL);
}

static void *
create(void)
{
  State *state = g_new0(State, 1);
  reset(state);
  return state;
}

static void
destroy(void *data)
{
  State *state = data;
  rnnoise_destroy(state->rnnoise);
  g_free(state);
}

static float
frame(void *data, const float in[WZP_DENOISE_SAMPLES], float out[WZP_DENOISE_SAMPLES])
{
  State *state = data;
  return rnnoise_process_frame(state->rnnoise, out, in);
}

const WzpDenoiser wzp_denoiser_rnnoise = {"rnnoise", WZP_RNNOISE_DELAY, create, destroy, reset,
                                          frame};
