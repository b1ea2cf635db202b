/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdint.h>

/* What the decoder makes of a wish to stretch, for a voice of 125 Hz that never pauses: whole periods of 8 ms, a
 * quarter of the time at most. */
typedef struct {
  int64_t credit; /* ns that may be changed */
} Decoder;

#define DECODER_PERIOD INT64_C(8000000)

static inline int64_t
decoder_play(Decoder *decoder, int64_t duration, int64_t wish)
{
  decoder->credit += duration / 4;
  if (decoder->credit > 2 * DECODER_PERIOD)
    decoder->credit = 2 * DECODER_PERIOD;
  if (decoder->credit < DECODER_PERIOD || (wish <= 0 && wish > -DECODER_PERIOD))
    return 0;
  decoder->credit -= DECODER_PERIOD;
  return wish > 0 ? DECODER_PERIOD : -DECODER_PERIOD;
}

static inline void
decoder_fill(Decoder *decoder, int64_t duration)
{
  (void)decoder;
  (void)duration;
}
