/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Noise removal at 48 kHz, in frames of 10 ms. */

#define WZP_DENOISE_SAMPLES 480

typedef enum {
  WZP_DENOISE_OFF,   /* the sound as it is */
  WZP_DENOISE_LIGHT, /* noise is WZP_DENOISE_LIGHT_DB softer, and sounds as it did */
  WZP_DENOISE_STRONG /* all that the engine takes away */
} WzpDenoiseStrength;

#define WZP_DENOISE_LIGHT_DB 10

typedef struct WzpDenoise WzpDenoise;

/* What can remove noise here, the best one first: "rnnoise" (when it was built in), "speexdsp". NULL behind the last. */
const char *wzp_denoise_engine(unsigned n);
/* NULL: there is no such engine. An engine of NULL is the best one. */
WzpDenoise *wzp_denoise_new(const char *engine);
void wzp_denoise_free(WzpDenoise *denoise);
/* Frames that come out so many later than they went in: 1, with a librnnoise of 0.2 or later 2. */
unsigned wzp_denoise_delay(const WzpDenoise *denoise);
/* As new: what went in is forgotten. */
void wzp_denoise_reset(WzpDenoise *denoise);
/* From the next frame on, faded over 10 ms. */
void wzp_denoise_set_strength(WzpDenoise *denoise, WzpDenoiseStrength strength);
/* Samples of -1..1; what is no number counts as silence. What comes out first is the silence before the sound.
 * Gives the probability that the frame which went in is speech, 0..1, or -1 when the engine is no judge of it;
 * 0 where the sound does not stand out of the room (vad.h). The engine
 * works whatever the strength is: so its memory fits when that changes. */
float wzp_denoise_frame(WzpDenoise *denoise, const float in[WZP_DENOISE_SAMPLES],
                        float out[WZP_DENOISE_SAMPLES]);
