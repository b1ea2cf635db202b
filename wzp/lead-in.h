/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* How speech probably sounded before it is heard: where it is periodic its first period again and again, else its mirror
 * image. So it is as loud and as bright as what follows, and leads over to that without a break. */

#define WZP_LEAD_IN_RATE 48000
#define WZP_LEAD_IN_SPEECH_MIN 480 /* samples that it is made of */
#define WZP_LEAD_IN_MAX 5760       /* and that it lasts */
#define WZP_LEAD_IN_OVERLAP 240    /* it goes on beside the speech and fades out */

typedef struct {
  int16_t sound[WZP_LEAD_IN_MAX + WZP_LEAD_IN_OVERLAP];
  unsigned at, end; /* of what is to be heard of it; equal: nothing */
  unsigned fade;    /* samples in which it takes over from what was before it */
} WzpLeadIn;

/* Starts zeroed. pcm: the speech, n samples, which is heard `ahead` samples later. */
void wzp_lead_in_begin(WzpLeadIn *lead_in, const int16_t *pcm, unsigned n, unsigned ahead);
/* It fades in over the next n samples of what else is known, and out again where the speech does not come. */
void wzp_lead_in_mix(WzpLeadIn *lead_in, int16_t *pcm, unsigned n);
/* How much of what is heard next is it: 0 to 1, then nothing else is. */
float wzp_lead_in_share(const WzpLeadIn *lead_in);
/* The speech is there, or sooner something before it: n samples, over which it fades out. */
void wzp_lead_in_end(WzpLeadIn *lead_in, int16_t *pcm, unsigned n);
/* Something else comes. */
void wzp_lead_in_leave(WzpLeadIn *lead_in);
