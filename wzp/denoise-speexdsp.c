/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "denoise-private.h"
#include <glib.h>
#include <math.h>
#include <speex/speex_preprocess.h>

/* What is always there: spectral subtraction by libspeexdsp, which knows no voices. */

#define RATE 48000
#define SUPPRESS_DB -30

typedef struct {
  SpeexPreprocessState *speex;
} State;

static void
reset(void *data)
{
  State *state = data;
  int on = 1, off = 0, suppress = SUPPRESS_DB;
  g_clear_pointer(&state->speex, speex_preprocess_state_destroy);
  state->speex = speex_preprocess_state_init(WZP_DENOISE_SAMPLES, RATE);
  speex_preprocess_ctl(state->speex, SPEEX_PREPROCESS_SET_DENOISE, &on);
  speex_preprocess_ctl(state->speex, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, &suppress);
  speex_preprocess_ctl(state->speex, SPEEX_PREPROCESS_SET_AGC, &off);
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
  speex_preprocess_state_destroy(state->speex);
  g_free(state);
}

static float
frame(void *data, const float in[WZP_DENOISE_SAMPLES], float out[WZP_DENOISE_SAMPLES])
{
  State *state = data;
  int16_t pcm[WZP_DENOISE_SAMPLES];
  for (unsigned i = 0; i < WZP_DENOISE_SAMPLES; i++)
    pcm[i] = (int16_t)lrintf(CLAMP(in[i], -32768, 32767));
  speex_preprocess_run(state->speex, pcm);
  for (unsigned i = 0; i < WZP_DENOISE_SAMPLES; i++)
    out[i] = pcm[i];
  return -1; /* its own probability takes steady noise for speech */
}

const WzpDenoiser wzp_denoiser_speexdsp = {"speexdsp", 1, create, destroy, reset, frame};
