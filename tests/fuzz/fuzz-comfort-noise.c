/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/comfort-noise.h"
#include <glib.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Descriptors of a room in a row, the first byte of each being its length: what is read has powers that are such, can be
 * told again, and sounds. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpNoiseMaker *maker = wzp_noise_maker_new(1);
  while (size > 0) {
    size_t length = MIN(data[0] % 16u, size - 1);
    uint8_t again[WZP_COMFORT_SIZE];
    int16_t pcm[480];
    WzpNoise noise;
    WzpResult result = wzp_comfort_parse(&noise, data + 1, length);
    g_assert_cmpint(result, ==, length < WZP_COMFORT_SIZE ? WZP_TRUNCATED : WZP_OK);
    if (result == WZP_OK) {
      for (unsigned band = 0; band < WZP_NOISE_BANDS; band++)
        g_assert_true(isfinite(noise.power[band]) && noise.power[band] >= 0);
      wzp_comfort_write(&noise, 24000, again);
      g_assert_cmpint(wzp_comfort_parse(&noise, again, sizeof again), ==, WZP_OK);
      wzp_noise_maker_set(maker, &noise);
      wzp_noise_maker_make(maker, pcm, G_N_ELEMENTS(pcm));
    }
    data += 1 + length;
    size -= 1 + length;
  }
  wzp_noise_maker_free(maker);
  return 0;
}
