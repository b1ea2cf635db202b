/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/stretch.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* What wzpdec makes of a wish: the same time stretch, over a voice that never pauses, of 90 to 160 Hz in a second and
 * back. */

#define DECODER_RATE 48000
#define DECODER_FRAME 960
#define DECODER_NS INT64_C(1000000000)

typedef struct {
  WzpStretch *stretch;
  int16_t voice[2 * DECODER_RATE]; /* two seconds, then again */
  unsigned at;
} Decoder;

static inline void
decoder_init(Decoder *decoder)
{
  const double pi = 3.14159265358979;
  double phase = 0;
  *decoder = (Decoder){.stretch = wzp_stretch_new()};
  for (unsigned i = 0; i < 2 * DECODER_RATE; i++) {
    phase += 2 * pi * (125 - 35 * cos(pi * i / DECODER_RATE)) / DECODER_RATE;
    double sum = 0;
    for (unsigned harmonic = 1; harmonic <= 6; harmonic++)
      sum += cos(harmonic * phase) / harmonic;
    decoder->voice[i] = (int16_t)(3000 * sum);
  }
}

static inline void
decoder_clear(Decoder *decoder)
{
  wzp_stretch_free(decoder->stretch);
}

static inline int64_t
decoder_run(Decoder *decoder, size_t n, int64_t wish)
{
  int16_t in[DECODER_FRAME], out[DECODER_FRAME + WZP_STRETCH_LONGER_MAX];
  for (size_t i = 0; i < n; i++)
    in[i] = decoder->voice[(decoder->at + i) % (2 * DECODER_RATE)];
  decoder->at += (unsigned)n;
  size_t made =
      wzp_stretch_run(decoder->stretch, in, n, (int)(wish * DECODER_RATE / DECODER_NS), out);
  return ((int64_t)made - (int64_t)n) * DECODER_NS / DECODER_RATE;
}

/* A frame of 20 ms. Returns by how many ns it became longer. */
static inline int64_t
decoder_play(Decoder *decoder, int64_t wish)
{
  return decoder_run(decoder, DECODER_FRAME, wish);
}

/* Concealment goes on with the voice; behind it the next frame begins where it would have. */
static inline void
decoder_fill(Decoder *decoder, int64_t duration)
{
  unsigned at = decoder->at;
  for (int64_t n = duration * DECODER_RATE / DECODER_NS; n > 0; n -= DECODER_FRAME)
    decoder_run(decoder, (size_t)(n < DECODER_FRAME ? n : DECODER_FRAME), 0);
  decoder->at = at;
}
