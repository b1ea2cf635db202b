/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/comfort-noise.h"
#include "sound.h"
#include "test-util.h"

#define BANDS WZP_NOISE_BANDS

static double
decibel(double x)
{
  return 10 * log10(MAX(x, 1e-12));
}

/* Forward is the definition, and back is where it came from. */
static void
check_fft(unsigned size)
{
  WzpFft fft;
  float in[WZP_FFT_SIZE], out[WZP_FFT_SIZE], re[WZP_FFT_BINS], im[WZP_FFT_BINS];
  wzp_fft_init(&fft, size);
  for (unsigned i = 0; i < size; i++)
    in[i] = (float)g_test_rand_double_range(-1, 1);
  wzp_fft_forward(&fft, in, re, im);
  for (unsigned k = 0; k <= size / 2; k += k < 16 ? 1 : 31) {
    double r = 0, i = 0;
    for (unsigned n = 0; n < size; n++) {
      r += in[n] * cos(2 * G_PI * k * n / size);
      i -= in[n] * sin(2 * G_PI * k * n / size);
    }
    g_assert_cmpfloat_with_epsilon(re[k], r, 1e-3);
    g_assert_cmpfloat_with_epsilon(im[k], i, 1e-3);
  }
  wzp_fft_inverse(&fft, re, im, out);
  for (unsigned i = 0; i < size; i++)
    g_assert_cmpfloat_with_epsilon(in[i], out[i], 1e-5);
}

static void
test_fft(void)
{
  static const unsigned sizes[] = {32, 96, 160, 480, 960, WZP_FFT_SIZE};
  for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
    check_fft(sizes[i]);
}

static double
total(const WzpNoise *noise)
{
  double sum = 0;
  for (unsigned b = 0; b < BANDS; b++)
    sum += noise->power[b];
  return sum;
}

/* What a descriptor tells: the level within a quarter of a dB, strong bands within 3 dB, and all but nothing where nothing
 * was. */
static void
test_descriptor(void)
{
  for (unsigned round = 0; round < 200; round++) {
    WzpNoise noise, told;
    uint8_t bytes[WZP_COMFORT_SIZE];
    double level = g_test_rand_double_range(-60, -20), strongest = 0;
    for (unsigned b = 0; b < BANDS; b++) {
      noise.power[b] = (float)pow(10, (level - g_test_rand_double_range(0, 60)) / 10);
      strongest = MAX(strongest, noise.power[b]);
    }
    wzp_comfort_write(&noise, 20000, bytes);
    g_assert_cmpint(wzp_comfort_parse(&told, bytes, sizeof bytes), ==, WZP_OK);
    g_assert_cmpfloat(fabs(decibel(total(&told)) - decibel(total(&noise))), <, 0.3);
    for (unsigned b = 0; b < BANDS; b++) {
      if (noise.power[b] > strongest * 1e-4)
        g_assert_cmpfloat(fabs(decibel(told.power[b]) - decibel(noise.power[b])), <, 3);
      else if (noise.power[b] < strongest * 1e-5)
        g_assert_cmpfloat(told.power[b], ==, 0);
    }
  }
}

/* The bytes of PROTOCOL.md. */
static void
test_vectors(void)
{
  WzpNoise noise;
  uint8_t bytes[WZP_COMFORT_SIZE];
  for (unsigned b = 0; b < BANDS; b++)
    noise.power[b] = (float)pow(10, -5.5 - 0.3 * b);
  wzp_comfort_write(&noise, 20000, bytes);
  assert_hex(bytes, sizeof bytes, "680123456789abcd");
  wzp_comfort_write(&noise, 4000, bytes);
  assert_hex(bytes, sizeof bytes, "680123456789ffff");
}

static void
test_bandwidth(void)
{
  WzpNoise noise, told;
  uint8_t bytes[WZP_COMFORT_SIZE];
  for (unsigned b = 0; b < BANDS; b++)
    noise.power[b] = 1e-6f;
  wzp_comfort_write(&noise, 4000, bytes);
  wzp_comfort_parse(&told, bytes, sizeof bytes);
  for (unsigned b = 0; b < BANDS; b++) {
    if (wzp_noise_edges[b] >= 4000)
      g_assert_cmpfloat(told.power[b], ==, 0);
    else
      g_assert_cmpfloat(fabs(decibel(told.power[b]) + 60), <, 0.5);
  }
}

static void
test_bytes(void)
{
  WzpNoise noise;
  uint8_t bytes[WZP_COMFORT_SIZE + 4];
  for (unsigned n = 0; n < WZP_COMFORT_SIZE; n++)
    g_assert_cmpint(wzp_comfort_parse(&noise, bytes, n), ==, WZP_TRUNCATED);
  memset(bytes, 0xff, sizeof bytes); /* nothing at all */
  g_assert_cmpint(wzp_comfort_parse(&noise, bytes, sizeof bytes), ==, WZP_OK);
  g_assert_cmpfloat(total(&noise), ==, 0);
  memset(bytes, 0, sizeof bytes); /* the loudest there is */
  g_assert_cmpint(wzp_comfort_parse(&noise, bytes, sizeof bytes), ==, WZP_OK);
  g_assert_cmpfloat(fabs(total(&noise) - 1), <, 1e-3);
  WzpNoiseMaker *maker = wzp_noise_maker_new(1);
  int16_t pcm[4800];
  wzp_noise_maker_set(maker, &noise);
  wzp_noise_maker_make(maker, pcm, G_N_ELEMENTS(pcm)); /* clips, and no more */
  wzp_noise_maker_free(maker);
}

/* Made noise is as loud as told, in each band. */
static void
test_making(void)
{
  for (unsigned round = 0; round < 10; round++) {
    WzpNoise noise, sum = {{0}}, now;
    double level = g_test_rand_double_range(-60, -30);
    for (unsigned b = 0; b < BANDS; b++) {
      noise.power[b] = (float)pow(10, level / 10);
      level += g_test_rand_double_range(-6, 5); /* a steeper room would leak into its neighbours */
    }
    WzpNoiseMaker *maker = wzp_noise_maker_new((uint32_t)g_test_rand_int());
    WzpFft fft;
    int16_t pcm[48000];
    wzp_fft_init(&fft, WZP_FFT_SIZE);
    wzp_noise_maker_set(maker, &noise);
    for (unsigned at = 0; at < G_N_ELEMENTS(pcm);) { /* pieces of any length */
      unsigned n = (unsigned)g_test_rand_int_range(1, 2000);
      n = MIN(n, G_N_ELEMENTS(pcm) - at);
      wzp_noise_maker_make(maker, pcm + at, n);
      at += n;
    }
    unsigned hops = G_N_ELEMENTS(pcm) / 512 - 1;
    for (unsigned hop = 0; hop < hops; hop++) {
      float wave[WZP_FFT_SIZE], re[WZP_FFT_BINS], im[WZP_FFT_BINS], power[WZP_FFT_BINS];
      for (unsigned i = 0; i < WZP_FFT_SIZE; i++)
        wave[i] = pcm[hop * 512 + i] / 32768.0f * (float)sin(G_PI * (i + 0.5) / WZP_FFT_SIZE);
      wzp_fft_forward(&fft, wave, re, im);
      for (unsigned k = 0; k < WZP_FFT_BINS; k++)
        power[k] = (re[k] * re[k] + im[k] * im[k]) * 4 / WZP_FFT_SIZE / WZP_FFT_SIZE;
      wzp_noise_measure(&now, power);
      for (unsigned b = 0; b < BANDS; b++)
        sum.power[b] += now.power[b] / (float)hops;
    }
    for (unsigned b = 0; b < BANDS; b++)
      g_assert_cmpfloat(fabs(decibel(sum.power[b]) - decibel(noise.power[b])), <, 6);
    g_assert_cmpfloat(fabs(sound_level(pcm, G_N_ELEMENTS(pcm)) - decibel(total(&noise))), <, 2.5);
    wzp_noise_maker_free(maker);
  }
}

/* Another room comes softly: within a tenth of a second, and without a jump. */
static void
test_change(void)
{
  WzpNoise quiet, loud;
  int16_t pcm[960];
  for (unsigned b = 0; b < BANDS; b++) {
    quiet.power[b] = 1e-8f;
    loud.power[b] = 1e-6f;
  }
  WzpNoiseMaker *maker = wzp_noise_maker_new(3);
  wzp_noise_maker_set(maker, &quiet);
  for (unsigned i = 0; i < 10; i++)
    wzp_noise_maker_make(maker, pcm, 960);
  wzp_noise_maker_set(maker, &loud);
  wzp_noise_maker_make(maker, pcm, 240);
  g_assert_cmpfloat(sound_level(pcm, 240), <, -55);
  for (unsigned i = 0; i < 10; i++)
    wzp_noise_maker_make(maker, pcm, 960);
  g_assert_cmpfloat(fabs(sound_level(pcm, 960) + 48.5), <, 2);
  wzp_noise_maker_free(maker);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/comfort-noise/fft", test_fft);
  g_test_add_func("/comfort-noise/descriptor", test_descriptor);
  g_test_add_func("/comfort-noise/vectors", test_vectors);
  g_test_add_func("/comfort-noise/bandwidth", test_bandwidth);
  g_test_add_func("/comfort-noise/bytes", test_bytes);
  g_test_add_func("/comfort-noise/making", test_making);
  g_test_add_func("/comfort-noise/change", test_change);
  return g_test_run();
}
