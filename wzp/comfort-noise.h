/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "fft.h"
#include "result.h"
#include <stddef.h>
#include <stdint.h>

/* The noise of a room: as powers in bands, as the few bytes of a descriptor (PROTOCOL.md 9), and made again from these.
 * Sound is of 48 kHz; powers are those of samples from -1 to 1. */

#define WZP_NOISE_RATE 48000
#define WZP_NOISE_BANDS 14
#define WZP_COMFORT_SIZE (1 + WZP_NOISE_BANDS / 2)
#define WZP_COMFORT_FRAME_MS 20 /* of sound that a descriptor's frame stands for */
#define WZP_NOISE_SILENT 1e-12f /* -120 dB; nothing weaker is told */

typedef struct {
  float power[WZP_NOISE_BANDS];
} WzpNoise;

/* Edges of the bands in Hz: band b reaches from the bth to the next. */
extern const uint16_t wzp_noise_edges[WZP_NOISE_BANDS + 1];

/* Adds up the bands of a spectrum: power of each bin, of samples from -1 to 1. */
void wzp_noise_measure(WzpNoise *noise, const float power[WZP_FFT_BINS]);
/* How different two sound, in dB: of the level, or half as much of the band that differs most. */
float wzp_noise_distance(const WzpNoise *a, const WzpNoise *b);

/* bandwidth: Hz; what lies wholly above is left out. */
void wzp_comfort_write(const WzpNoise *noise, unsigned bandwidth, uint8_t out[WZP_COMFORT_SIZE]);
/* Of a room in which nothing sounds. */
void wzp_comfort_write_nothing(uint8_t out[WZP_COMFORT_SIZE]);
/* WZP_OK, or WZP_TRUNCATED; a longer body's tail is ignored. */
WzpResult wzp_comfort_parse(WzpNoise *noise, const uint8_t *data, size_t length);

/* Makes noise without end. */
typedef struct WzpNoiseMaker WzpNoiseMaker;
WzpNoiseMaker *wzp_noise_maker_new(uint32_t seed);
void wzp_noise_maker_free(WzpNoiseMaker *maker);
/* What it is to sound like from now on; it gets there softly, unless it was silent. */
void wzp_noise_maker_set(WzpNoiseMaker *maker, const WzpNoise *noise);
void wzp_noise_maker_make(WzpNoiseMaker *maker, int16_t *pcm, size_t n);
