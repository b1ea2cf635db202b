/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "denoise-private.h"
#include "vad.h"
#include "vector.h"
#include <glib.h>
#include <math.h>
#include <string.h>

#define FULL 32768.0f
#define LOUDEST 8.0f /* beyond it a sample is broken */

static const WzpDenoiser *const engines[] = {
#ifdef WZP_HAVE_RNNOISE
    &wzp_denoiser_rnnoise,
#endif
    &wzp_denoiser_speexdsp};

struct WzpDenoise {
  const WzpDenoiser *engine;
  void *state;
  float before[WZP_DENOISER_DELAY_MAX]
              [WZP_DENOISE_SAMPLES]; /* what went in last; the oldest first */
  float share, wanted;               /* of the sound as it was in what comes out */

  /* an engine may take steady noise for speech, and this one what is sudden: they must agree */
  WzpVad *vad;
  int16_t heard[WZP_VAD_SAMPLES];
  unsigned n_heard;
  bool stands_out;
};

const char *
wzp_denoise_engine(unsigned n)
{
  return n < G_N_ELEMENTS(engines) ? engines[n]->name : NULL;
}

WzpDenoise *
wzp_denoise_new(const char *engine)
{
  for (unsigned n = 0; n < G_N_ELEMENTS(engines); n++) {
    if (engine != NULL && strcmp(engine, engines[n]->name) != 0)
      continue;
    WzpDenoise *denoise = g_new0(WzpDenoise, 1);
    denoise->engine = engines[n];
    denoise->state = engines[n]->create();
    denoise->vad = wzp_vad_new();
    wzp_denoise_reset(denoise);
    return denoise;
  }
  return NULL;
}

void
wzp_denoise_free(WzpDenoise *denoise)
{
  if (denoise == NULL)
    return;
  denoise->engine->free(denoise->state);
  wzp_vad_free(denoise->vad);
  g_free(denoise);
}

unsigned
wzp_denoise_delay(const WzpDenoise *denoise)
{
  return denoise->engine->delay;
}

void
wzp_denoise_reset(WzpDenoise *denoise)
{
  denoise->engine->reset(denoise->state);
  memset(denoise->before, 0, sizeof denoise->before);
  denoise->share = denoise->wanted;
  wzp_vad_reset(denoise->vad);
  denoise->n_heard = 0;
  denoise->stands_out = true;
}

void
wzp_denoise_set_strength(WzpDenoise *denoise, WzpDenoiseStrength strength)
{
  denoise->wanted = 1;
  if (strength == WZP_DENOISE_STRONG)
    denoise->wanted = 0;
  else if (strength == WZP_DENOISE_LIGHT)
    denoise->wanted = powf(10, -WZP_DENOISE_LIGHT_DB / 20.0f);
}

/* At full scale; what is no number or far beyond it is silence. */
static void
take(const float in[WZP_DENOISE_SAMPLES], float now[WZP_DENOISE_SAMPLES])
{
  for (unsigned i = 0; i < WZP_DENOISE_SAMPLES; i += WZP_VECTOR_FLOATS) {
    WzpVector x = wzp_vector_load(in + i);
    x = wzp_vector_where((x <= LOUDEST) & (x >= -LOUDEST), x);
    wzp_vector_store(now + i, x * FULL);
  }
}

/* The clean sound with a share of that which it was, which goes to the one that is wanted. */
static void
mix(WzpDenoise *denoise, const float clean[WZP_DENOISE_SAMPLES], float out[WZP_DENOISE_SAMPLES])
{
  float step = (denoise->wanted - denoise->share) / WZP_DENOISE_SAMPLES;
  WzpVector share = denoise->share + step * (WzpVector){1, 2, 3, 4};
  for (unsigned i = 0; i < WZP_DENOISE_SAMPLES; i += WZP_VECTOR_FLOATS) {
    WzpVector x = wzp_vector_load(clean + i), was = wzp_vector_load(denoise->before[0] + i);
    wzp_vector_store(out + i, (x + share * (was - x)) * (1 / FULL));
    share += step * WZP_VECTOR_FLOATS;
  }
  denoise->share = denoise->wanted;
}

/* Two frames at a time, before their noise is taken away. */
static bool
hear(WzpDenoise *denoise, const float now[WZP_DENOISE_SAMPLES])
{
  int16_t *to = denoise->heard + denoise->n_heard;
  for (unsigned i = 0; i < WZP_DENOISE_SAMPLES; i++)
    to[i] = (int16_t)CLAMP(now[i], -32768, 32767);
  denoise->n_heard += WZP_DENOISE_SAMPLES;
  if (denoise->n_heard == WZP_VAD_SAMPLES) {
    denoise->stands_out = wzp_vad_frame(denoise->vad, denoise->heard, -1);
    denoise->n_heard = 0;
  }
  return denoise->stands_out;
}

float
wzp_denoise_frame(WzpDenoise *denoise, const float in[WZP_DENOISE_SAMPLES],
                  float out[WZP_DENOISE_SAMPLES])
{
  float now[WZP_DENOISE_SAMPLES], clean[WZP_DENOISE_SAMPLES];
  take(in, now);
  float speech = denoise->engine->frame(denoise->state, now, clean);
  mix(denoise, clean, out);
  if (speech >= 0 && !hear(denoise, now))
    speech = 0;
  unsigned last = denoise->engine->delay - 1;
  memmove(denoise->before[0], denoise->before[1], last * sizeof now);
  memcpy(denoise->before[last], now, sizeof now);
  return speech;
}
