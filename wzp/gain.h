/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "comfort-noise.h"
#include <stdbool.h>

/* Automatic gain: brings the level of speech between WZP_GAIN_LOW_DB and WZP_GAIN_HIGH_DB, slowly. It stands behind the
 * decision what is speech and is told of it: it learns in speech only, and from 0.5 s behind speech on nothing is raised. Speech whose level is
 * right already comes out bit by bit as it went in. Sound is of 48 kHz; levels are dB of full scale, of the mean power
 * while somebody speaks. (The gain control of libspeexdsp is a part of its noise removal, and learns before the decision.) */

#define WZP_GAIN_LOW_DB -26.0f
#define WZP_GAIN_HIGH_DB -23.0f
#define WZP_GAIN_RAISE_MAX_DB 20.0f
#define WZP_GAIN_LOWER_MAX_DB 20.0f
#define WZP_GAIN_ROOM_MAX_DB -45.0f /* no raise brings the noise of the room above it */
#define WZP_GAIN_PEAK_DB -1.0f      /* nothing is raised above it: a limiter, with no clipping */
#define WZP_GAIN_SAMPLES 960        /* frames are multiples of this: 20 ms */

typedef struct WzpGain WzpGain;

WzpGain *wzp_gain_new(void);
void wzp_gain_free(WzpGain *gain);
/* As new: no speech was heard yet, and the gain is 0 dB. */
void wzp_gain_reset(WzpGain *gain);
/* speech: as it was decided. room: what the room sounds like, powers of 0 where that is not known. out may be in.
 * samples: a multiple of WZP_GAIN_SAMPLES. */
void wzp_gain_frame(WzpGain *gain, const int16_t *in, int16_t *out, unsigned samples, bool speech,
                    const WzpNoise *room);
/* What speech is raised by now, dB. */
float wzp_gain_db(const WzpGain *gain);
/* The level that speech came in with, dB; WZP_GAIN_UNKNOWN_DB before 0.5 s of it were heard. */
#define WZP_GAIN_UNKNOWN_DB -200.0f
float wzp_gain_speech_db(const WzpGain *gain);
