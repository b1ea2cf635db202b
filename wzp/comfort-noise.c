/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "comfort-noise.h"
#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define BIN_HZ ((float)WZP_NOISE_RATE / WZP_FFT_SIZE)
#define LEVEL_STEP 0.5f /* dB below full scale in the first byte */
#define BAND_STEP 3.0f  /* dB below the strongest band in the others */
#define BAND_NONE 15
#define HOP (WZP_FFT_SIZE / 2)
#define SOFTLY 0.35f /* of the way to a new sound, each hop */

const uint16_t wzp_noise_edges[WZP_NOISE_BANDS + 1] = {
    50, 110, 190, 300, 450, 650, 900, 1300, 1900, 2700, 4000, 5700, 8000, 12000, 20000};

static float
decibel(float power)
{
  return 10 * log10f(fmaxf(power, WZP_NOISE_SILENT));
}

/* Bins that a band takes: [first, end). */
static void
bins_of(unsigned band, unsigned *first, unsigned *end)
{
  *first = (unsigned)lroundf(wzp_noise_edges[band] / BIN_HZ);
  *end = (unsigned)lroundf(wzp_noise_edges[band + 1] / BIN_HZ);
}

void
wzp_noise_measure(WzpNoise *noise, const float power[WZP_FFT_BINS])
{
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++) {
    unsigned first, end;
    bins_of(b, &first, &end);
    noise->power[b] = 0;
    for (unsigned k = first; k < end; k++)
      noise->power[b] += power[k];
  }
}

static float
sum(const WzpNoise *noise)
{
  float total = 0;
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++)
    total += noise->power[b];
  return total;
}

float
wzp_noise_distance(const WzpNoise *a, const WzpNoise *b)
{
  float audible = fmaxf(sum(a), sum(b)) * 1e-3f, largest = 0;
  for (unsigned i = 0; i < WZP_NOISE_BANDS; i++) {
    float x = fmaxf(a->power[i], audible), y = fmaxf(b->power[i], audible);
    largest = fmaxf(largest, fabsf(decibel(x) - decibel(y)));
  }
  return fmaxf(largest / 2, fabsf(decibel(sum(a)) - decibel(sum(b))));
}

void
wzp_comfort_write(const WzpNoise *noise, unsigned bandwidth, uint8_t out[WZP_COMFORT_SIZE])
{
  WzpNoise told = *noise;
  float strongest = WZP_NOISE_SILENT;
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++) {
    if (wzp_noise_edges[b] >= bandwidth)
      told.power[b] = 0;
    strongest = fmaxf(strongest, told.power[b]);
  }
  out[0] = (uint8_t)CLAMP(lroundf(-decibel(sum(&told)) / LEVEL_STEP), 0, 255);
  memset(out + 1, 0, WZP_COMFORT_SIZE - 1);
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++) {
    long steps = lroundf((decibel(strongest) - decibel(told.power[b])) / BAND_STEP);
    unsigned nibble = (unsigned)CLAMP(steps, 0, BAND_NONE);
    out[1 + b / 2] |= (uint8_t)(b % 2 == 0 ? nibble << 4 : nibble);
  }
}

void
wzp_comfort_write_nothing(uint8_t out[WZP_COMFORT_SIZE])
{
  static const WzpNoise nothing = {{0}};
  wzp_comfort_write(&nothing, 0, out);
}

WzpResult
wzp_comfort_parse(WzpNoise *noise, const uint8_t *data, size_t length)
{
  if (length < WZP_COMFORT_SIZE)
    return WZP_TRUNCATED;
  float level = data[0] == 255 ? 0 : powf(10, -LEVEL_STEP / 10 * (float)data[0]);
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++) {
    unsigned nibble = b % 2 == 0 ? data[1 + b / 2] >> 4 : data[1 + b / 2] & 15;
    noise->power[b] = nibble == BAND_NONE ? 0 : powf(10, -BAND_STEP / 10 * (float)nibble);
  }
  float total = sum(noise);
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++)
    noise->power[b] = total > 0 ? noise->power[b] * level / total : 0;
  return WZP_OK;
}

/* Making: spectra of random phase, each over two hops, overlapped. */

struct WzpNoiseMaker {
  WzpFft fft;
  float window[WZP_FFT_SIZE];
  WzpNoise now, wanted;
  bool sounding;
  uint32_t random;
  float overlap[HOP];
  float ready[HOP];
  unsigned n_ready; /* at its end */
};

WzpNoiseMaker *
wzp_noise_maker_new(uint32_t seed)
{
  WzpNoiseMaker *maker = g_new0(WzpNoiseMaker, 1);
  wzp_fft_init(&maker->fft, WZP_FFT_SIZE);
  maker->random = seed;
  for (unsigned i = 0; i < WZP_FFT_SIZE; i++)
    maker->window[i] = (float)sin(G_PI * (i + 0.5) / WZP_FFT_SIZE);
  return maker;
}

void
wzp_noise_maker_free(WzpNoiseMaker *maker)
{
  g_free(maker);
}

void
wzp_noise_maker_set(WzpNoiseMaker *maker, const WzpNoise *noise)
{
  maker->wanted = *noise;
  if (!maker->sounding)
    maker->now = *noise;
}

static float
draw(WzpNoiseMaker *maker)
{
  maker->random = maker->random * UINT32_C(1664525) + UINT32_C(1013904223);
  return (float)(int32_t)maker->random * (float)(1 / 2147483648.0);
}

/* Density at the middle of a band, in dB a bin. */
static float
density(const WzpNoise *noise, unsigned band)
{
  unsigned first, end;
  bins_of(band, &first, &end);
  return decibel(noise->power[band] / (float)(end - first));
}

/* Power of each bin: no steps between the bands, where both sound, and each band as strong as told. */
static void
spread(const WzpNoise *noise, float power[WZP_FFT_BINS])
{
  memset(power, 0, WZP_FFT_BINS * sizeof *power);
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++) {
    unsigned first, end;
    float made = 0, own = density(noise, b);
    bins_of(b, &first, &end);
    if (noise->power[b] <= WZP_NOISE_SILENT)
      continue;
    for (unsigned k = first; k < end; k++) {
      float place = ((float)k + 0.5f - (float)first) / (float)(end - first) - 0.5f;
      unsigned other = place < 0 ? (b > 0 ? b - 1 : b) : (b + 1 < WZP_NOISE_BANDS ? b + 1 : b);
      float slope = noise->power[other] > WZP_NOISE_SILENT ? density(noise, other) - own : 0;
      power[k] = powf(10, 0.1f * (own + fabsf(place) * slope));
      made += power[k];
    }
    for (unsigned k = first; k < end; k++)
      power[k] *= noise->power[b] / made;
  }
}

static void
make_hop(WzpNoiseMaker *maker)
{
  float power[WZP_FFT_BINS], re[WZP_FFT_BINS], im[WZP_FFT_BINS], wave[WZP_FFT_SIZE];
  for (unsigned b = 0; b < WZP_NOISE_BANDS; b++)
    maker->now.power[b] += SOFTLY * (maker->wanted.power[b] - maker->now.power[b]);
  spread(&maker->now, power);
  /* a bin of amplitude A is a sine of 2 A / size: of power 2 (A / size)^2; draws are of variance 1/3 each */
  for (unsigned k = 0; k < WZP_FFT_BINS; k++) {
    float amplitude = WZP_FFT_SIZE * sqrtf(power[k] * 0.5f * 1.5f);
    re[k] = amplitude * draw(maker);
    im[k] = amplitude * draw(maker);
  }
  im[0] = im[WZP_FFT_BINS - 1] = 0;
  wzp_fft_inverse(&maker->fft, re, im, wave);
  for (unsigned i = 0; i < HOP; i++) {
    maker->ready[i] = maker->overlap[i] + wave[i] * maker->window[i];
    maker->overlap[i] = wave[HOP + i] * maker->window[HOP + i];
  }
  maker->n_ready = HOP;
}

void
wzp_noise_maker_make(WzpNoiseMaker *maker, int16_t *pcm, size_t n)
{
  if (!maker->sounding) /* the first hop has no half before it */
    make_hop(maker);
  if (!maker->sounding)
    maker->n_ready = 0;
  maker->sounding = true;
  for (size_t i = 0; i < n; i++) {
    if (maker->n_ready == 0)
      make_hop(maker);
    float x = maker->ready[HOP - maker->n_ready--] * 32768;
    pcm[i] = (int16_t)CLAMP(lroundf(x), INT16_MIN, INT16_MAX);
  }
}
