/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "tests/tools/speech.h"

/* Recordings laid out as one side of a conversation: taken apart at their pauses of 200 ms and more (ITU-T P.59 bridges
 * shorter ones), brought to -26 dBFS, with silence between, so that 38.7 % of the time is speech (P.59: spurts of 1.004 s,
 * pauses of 1.587 s in the mean). */

#define SPURTS_RATE 48000
#define SPURTS_FRAME 960 /* samples, 20 ms */

typedef struct {
  GArray *samples; /* of double, -1..1; whole frames */
  GArray *labels; /* of gboolean, one a frame: in a spurt, and no more than 30 dB below its level */
} Spurts;

Spurts *spurts_new(void);
void spurts_free(Spurts *spurts);
void spurts_add_silence(Spurts *spurts, gsize samples);
/* speech: at SPURTS_RATE. The pauses are of random lengths, in all as long as they should be. Returns the frames of its
 * spurts. */
gsize spurts_add(Spurts *spurts, const Speech *speech, GRand *random);
