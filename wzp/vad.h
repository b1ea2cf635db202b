/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "comfort-noise.h"
#include <stdbool.h>

/* Whether somebody speaks: a frame of 20 ms at 48 kHz after the other. In 20 bands the sound is compared with what the room
 * sounds like, which is learnt on the way; what is periodic and loud is never taken for the room. */

#define WZP_VAD_SAMPLES 960

typedef struct WzpVad WzpVad;

WzpVad *wzp_vad_new(void);
void wzp_vad_free(WzpVad *vad);
/* As new: the room is unknown. */
void wzp_vad_reset(WzpVad *vad);
/* True: the frame is to be sent: speech, or not long after it. The first frames of a stream count as speech.
 * probability: of speech, 0..1, from noise removal that heard the frame, whose word then counts; -1 without. */
bool wzp_vad_frame(WzpVad *vad, const int16_t pcm[WZP_VAD_SAMPLES], float probability);
/* What the room sounds like. */
const WzpNoise *wzp_vad_room(const WzpVad *vad);
/* How far the last frame stands out of the room: dB, mean over the bands. */
float wzp_vad_score(const WzpVad *vad);
