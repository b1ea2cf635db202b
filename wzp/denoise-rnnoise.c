/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "denoise-network.h"
#include "denoise-pitch.h"
#include "denoise-private.h"
#include "fft.h"
#include "vector.h"
#include <glib.h>
#include <math.h>
#include <string.h>

/* RNNoise 0.1 (J.-M. Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement", 2018), written
 * from its description for the weights that were trained with it: what a frame sounds like in 22 bands goes through
 * a small neural network, which says how loud each band should be. Between the harmonics of a voice a comb filter takes away
 * what the bands are too broad for. One thing is ours: see held_gain(). */

#define SAMPLES WZP_DENOISE_SAMPLES
#define WINDOW (2 * SAMPLES)
#define BINS (SAMPLES + 1)
#define BANDS WZP_NETWORK_BANDS
#define BAND_BINS 4 /* bins in a unit of the band edges: 200 Hz */
#define TOP (100 * BAND_BINS)
#define DELTAS 6      /* cepstral coefficients whose change counts */
#define REMEMBERED 8  /* frames */
#define SILENCE 0.04f /* energy below which nothing is looked at */
#define RELEASE 0.6f  /* a gain falls no faster in a frame */

/* of the bands' peaks, as in Opus; a band reaches from the peak before to the one behind */
static const uint8_t edges[BANDS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  10, 12,
                                     14, 16, 20, 24, 28, 34, 40, 48, 60, 78, 100};

typedef struct {
  float re[BINS], im[BINS];
} Spectrum;

typedef struct {
  WzpFft fft;
  float window[WINDOW];
  float scaled_window[WINDOW]; /* by 1 / WINDOW: the network knows spectra so */
  float cosine[BANDS][BANDS];  /* of the cepstrum */
  float share[TOP];            /* of each bin in the upper of its two bands */
  WzpNetwork *network;
  bool published; /* gains are held as RNNoise does */

  /* what a stream leaves behind */
  float high_pass[2];
  float before[SAMPLES], overlap[SAMPLES];
  float sound[WZP_PITCH_SAMPLES];
  WzpPitch pitch;
  float cepstrum[REMEMBERED][BANDS];
  unsigned newest;
  float gain[BANDS], energy[BANDS]; /* of the last frame */
} State;

static void
reset(void *data)
{
  State *state = data;
  wzp_network_reset(state->network);
  memset(state->high_pass, 0, sizeof state->high_pass);
  memset(state->before, 0, sizeof state->before);
  memset(state->overlap, 0, sizeof state->overlap);
  memset(state->sound, 0, sizeof state->sound);
  state->pitch = (WzpPitch){0, 0};
  memset(state->cepstrum, 0, sizeof state->cepstrum);
  state->newest = REMEMBERED - 1;
  memset(state->gain, 0, sizeof state->gain);
  memset(state->energy, 0, sizeof state->energy);
}

static void *
create(void)
{
  State *state = g_new0(State, 1);
  wzp_fft_init(&state->fft, WINDOW);
  for (unsigned i = 0; i < WINDOW; i++) {
    double half = sin(G_PI * (i + 0.5) / WINDOW);
    state->window[i] = (float)sin(G_PI / 2 * half * half);
    state->scaled_window[i] = state->window[i] / WINDOW;
  }
  for (unsigned b = 0; b < BANDS; b++)
    for (unsigned i = 0; i < BANDS; i++)
      state->cosine[i][b] =
          (float)(cos((b + 0.5) * i * G_PI / BANDS) * sqrt((i == 0 ? 1.0 : 2.0) / BANDS));
  for (unsigned b = 0; b + 1 < BANDS; b++) {
    unsigned first = edges[b] * BAND_BINS, width = edges[b + 1] * BAND_BINS - first;
    for (unsigned i = 0; i < width; i++)
      state->share[first + i] = (float)i / (float)width;
  }
  state->network = wzp_network_new();
  reset(state);
  return state;
}

static void *
create_published(void)
{
  State *state = create();
  state->published = true;
  return state;
}

static void
destroy(void *data)
{
  State *state = data;
  wzp_network_free(state->network);
  g_free(state);
}

/* Takes away what is below speech. In double: the poles are near the circle. */
static void
high_pass(State *state, const float in[SAMPLES], float out[SAMPLES])
{
  static const float pole[2] = {1.99599f, 0.99600f};
  float a = state->high_pass[0], b = state->high_pass[1];
  for (unsigned i = 0; i < SAMPLES; i++) {
    double x = in[i];
    float y = in[i] + a;
    a = (float)(b + (-2 * x + (double)pole[0] * (double)y));
    b = (float)(x - (double)pole[1] * (double)y);
    out[i] = y;
  }
  state->high_pass[0] = a;
  state->high_pass[1] = b;
}

static void
apply_window(const float window[WINDOW], float wave[WINDOW])
{
  for (unsigned i = 0; i < WINDOW; i += WZP_VECTOR_FLOATS)
    wzp_vector_store(wave + i, wzp_vector_load(wave + i) * wzp_vector_load(window + i));
}

static void
analyse(const State *state, float wave[WINDOW], Spectrum *spectrum)
{
  apply_window(state->scaled_window, wave);
  wzp_fft_forward(&state->fft, wave, spectrum->re, spectrum->im);
}

/* In triangles that overlap by half: the energy a has in common with b. */
static void
measure_bands(const State *state, const Spectrum *a, const Spectrum *b, float band[BANDS])
{
  memset(band, 0, BANDS * sizeof *band);
  for (unsigned n = 0; n + 1 < BANDS; n++) {
    WzpVector all = {0}, upper = {0};
    for (unsigned k = edges[n] * BAND_BINS; k < edges[n + 1] * BAND_BINS; k += WZP_VECTOR_FLOATS) {
      WzpVector energy = wzp_vector_load(a->re + k) * wzp_vector_load(b->re + k) +
                         wzp_vector_load(a->im + k) * wzp_vector_load(b->im + k);
      all += energy;
      upper += energy * wzp_vector_load(state->share + k);
    }
    band[n] += wzp_vector_sum(all - upper);
    band[n + 1] += wzp_vector_sum(upper);
  }
  band[0] *= 2; /* half a triangle each */
  band[BANDS - 1] *= 2;
}

/* From bands to bins, straight lines between their peaks. Above the last peak there is nothing. */
static void
spread(const State *state, const float band[BANDS], float bins[TOP])
{
  for (unsigned n = 0; n + 1 < BANDS; n++) {
    WzpVector from = wzp_vector_of(band[n]), step = wzp_vector_of(band[n + 1] - band[n]);
    for (unsigned k = edges[n] * BAND_BINS; k < edges[n + 1] * BAND_BINS; k += WZP_VECTOR_FLOATS)
      wzp_vector_store(bins + k, from + step * wzp_vector_load(state->share + k));
  }
}

/* Every bin times its band's gain; with add, only added to what is there. */
static void
shape(const State *state, const float band[BANDS], Spectrum *spectrum)
{
  float gain[TOP];
  spread(state, band, gain);
  for (unsigned k = 0; k < TOP; k += WZP_VECTOR_FLOATS) {
    WzpVector by = wzp_vector_load(gain + k);
    wzp_vector_store(spectrum->re + k, by * wzp_vector_load(spectrum->re + k));
    wzp_vector_store(spectrum->im + k, by * wzp_vector_load(spectrum->im + k));
  }
  memset(spectrum->re + TOP, 0, (BINS - TOP) * sizeof *gain);
  memset(spectrum->im + TOP, 0, (BINS - TOP) * sizeof *gain);
}

static void
to_cepstrum(const State *state, const float band[BANDS], float cepstrum[], unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    cepstrum[i] = 0;
    for (unsigned b = 0; b < BANDS; b++)
      cepstrum[i] += band[b] * state->cosine[i][b];
  }
}

/* Loudness of the bands, none far below its neighbours or the loudest before it. Gives their energy. */
static float
loudness(const float energy[BANDS], float loud[BANDS])
{
  float most = -2, follow = -2, total = 0;
  for (unsigned b = 0; b < BANDS; b++) {
    loud[b] = MAX(MAX(most - 7, follow - 1.5f), log10f(1e-2f + energy[b]));
    most = MAX(most, loud[b]);
    follow = MAX(follow - 1.5f, loud[b]);
    total += energy[b];
  }
  return total;
}

/* How much the sound of the last frames varies: to each one its nearest. */
static float
variability(const State *state)
{
  float distance[REMEMBERED][REMEMBERED], sum = 0;
  for (unsigned i = 0; i < REMEMBERED; i++) {
    for (unsigned j = 0; j < i; j++) {
      distance[i][j] = 0;
      for (unsigned b = 0; b < BANDS; b++) {
        float difference = state->cepstrum[i][b] - state->cepstrum[j][b];
        distance[i][j] += difference * difference;
      }
      distance[j][i] = distance[i][j];
    }
  }
  for (unsigned i = 0; i < REMEMBERED; i++) {
    float nearest = 1e15f;
    for (unsigned j = 0; j < REMEMBERED; j++)
      nearest = j != i ? MIN(nearest, distance[i][j]) : nearest;
    sum += nearest;
  }
  return sum / REMEMBERED;
}

/* What the network hears of a frame: cepstrum with its first and second change, that of the likeness to the
 * pitch period before, the period, and how much all that varies. The offsets are those of its training. */
static void
make_features(State *state, const float loud[BANDS], const float alike[BANDS],
              float features[WZP_NETWORK_FEATURES])
{
  state->newest = (state->newest + 1) % REMEMBERED;
  float *now = state->cepstrum[state->newest];
  const float *last = state->cepstrum[(state->newest + REMEMBERED - 1) % REMEMBERED];
  const float *older = state->cepstrum[(state->newest + REMEMBERED - 2) % REMEMBERED];
  to_cepstrum(state, loud, now, BANDS);
  now[0] -= 12;
  now[1] -= 4;

  memcpy(features, now, BANDS * sizeof *now);
  float *change = features + BANDS, *bend = change + DELTAS, *pitch = bend + DELTAS;
  for (unsigned i = 0; i < DELTAS; i++) {
    features[i] = now[i] + last[i] + older[i];
    change[i] = now[i] - older[i];
    bend[i] = now[i] - 2 * last[i] + older[i];
  }
  to_cepstrum(state, alike, pitch, DELTAS);
  pitch[0] -= 1.3f;
  pitch[1] -= 0.9f;
  pitch[DELTAS] = 0.01f * (float)(state->pitch.period - 300);
  pitch[DELTAS + 1] = variability(state) - 2.1f;
}

static float
square(float x)
{
  return x * x;
}

/* Adds of the sound a pitch period before as much as the wanted gain asks for: voice grows by that, noise does not. */
static void
comb(const State *state, Spectrum *now, const Spectrum *before, const float energy[BANDS],
     const float energy_before[BANDS], const float alike[BANDS], const float gain[BANDS])
{
  float add[BANDS], bins[TOP], energy_new[BANDS], level[BANDS];
  for (unsigned b = 0; b < BANDS; b++) {
    float part = square(alike[b]) * (1 - square(gain[b])) /
                 (0.001f + square(gain[b]) * (1 - square(alike[b])));
    part = alike[b] > gain[b] ? 1 : sqrtf(CLAMP(part, 0, 1));
    add[b] = part * sqrtf(energy[b] / (1e-8f + energy_before[b]));
  }
  spread(state, add, bins);
  for (unsigned k = 0; k < TOP; k += WZP_VECTOR_FLOATS) {
    WzpVector by = wzp_vector_load(bins + k);
    wzp_vector_store(now->re + k,
                     wzp_vector_load(now->re + k) + by * wzp_vector_load(before->re + k));
    wzp_vector_store(now->im + k,
                     wzp_vector_load(now->im + k) + by * wzp_vector_load(before->im + k));
  }
  measure_bands(state, now, now, energy_new);
  for (unsigned b = 0; b < BANDS; b++)
    level[b] = sqrtf(energy[b] / (1e-8f + energy_new[b]));
  shape(state, level, now);
}

static void
synthesise(State *state, const Spectrum *spectrum, float out[SAMPLES])
{
  float wave[WINDOW];
  wzp_fft_inverse(&state->fft, spectrum->re, spectrum->im, wave);
  apply_window(state->window, wave);
  for (unsigned i = 0; i < SAMPLES; i++) {
    out[i] = WINDOW * wave[i] + state->overlap[i];
    state->overlap[i] = WINDOW * wave[SAMPLES + i];
  }
}

/* The sound a pitch period before, and its likeness to this one. */
static void
find_voice(State *state, const Spectrum *now, const float energy[BANDS], Spectrum *before,
           float energy_before[BANDS], float alike[BANDS])
{
  float wave[WINDOW];
  wzp_pitch_find(state->sound, &state->pitch);
  memcpy(wave, state->sound + WZP_PITCH_SAMPLES - WINDOW - state->pitch.period, sizeof wave);
  analyse(state, wave, before);
  measure_bands(state, before, before, energy_before);
  measure_bands(state, now, before, alike);
  for (unsigned b = 0; b < BANDS; b++)
    alike[b] /= sqrtf(0.001f + energy[b] * energy_before[b]);
}

/* A gain falls no faster than a room decays, so that words keep their end. RNNoise lets through by that what breaks in
 * upon a word, too, such as a key that is struck; here a band that is only held gets no louder than it was. */
static float
held_gain(const State *state, unsigned band, float energy)
{
  float held = RELEASE * state->gain[band];
  if (state->published || square(RELEASE) * energy <= state->energy[band])
    return held;
  return state->gain[band] * sqrtf(state->energy[band] / energy);
}

static float
frame(void *data, const float in[SAMPLES], float out[SAMPLES])
{
  State *state = data;
  float wave[WINDOW], energy[BANDS], loud[BANDS], speech = 0;
  Spectrum now;
  memcpy(wave, state->before, sizeof state->before);
  high_pass(state, in, wave + SAMPLES);
  memcpy(state->before, wave + SAMPLES, sizeof state->before);
  memmove(state->sound, state->sound + SAMPLES, sizeof state->sound - sizeof state->before);
  memcpy(state->sound + WZP_PITCH_SAMPLES - SAMPLES, state->before, sizeof state->before);
  analyse(state, wave, &now);
  measure_bands(state, &now, &now, energy);

  Spectrum before;
  float energy_before[BANDS], alike[BANDS];
  find_voice(state, &now, energy, &before, energy_before, alike);
  if (loudness(energy, loud) >= SILENCE) {
    float features[WZP_NETWORK_FEATURES], gain[BANDS];
    make_features(state, loud, alike, features);
    speech = wzp_network_frame(state->network, features, gain);
    comb(state, &now, &before, energy, energy_before, alike, gain);
    for (unsigned b = 0; b < BANDS; b++)
      state->gain[b] = MAX(gain[b], held_gain(state, b, energy[b]));
    shape(state, state->gain, &now);
  }
  memcpy(state->energy, energy, sizeof energy);
  synthesise(state, &now, out);
  return speech;
}

const WzpDenoiser wzp_denoiser_rnnoise = {"rnnoise", 1, create, destroy, reset, frame};
const WzpDenoiser wzp_denoiser_rnnoise_published = {"rnnoise", 1,     create_published,
                                                    destroy,   reset, frame};
