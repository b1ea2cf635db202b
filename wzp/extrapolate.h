/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* How speech of 8 kHz goes on where it is missing: the filter of the vocal tract (linear prediction) and the pitch of what
 * was heard last, repeated, rougher and softer as it lasts; silent after WZP_EXTRAPOLATE_FADE samples. */

#define WZP_EXTRAPOLATE_HISTORY 480
#define WZP_EXTRAPOLATE_ORDER 10
#define WZP_EXTRAPOLATE_PERIOD_MAX 160
#define WZP_EXTRAPOLATE_FADE 1200

typedef struct {
  int16_t history[WZP_EXTRAPOLATE_HISTORY]; /* the newest samples last; zeros before the first */

  /* of the gap in hand */
  bool going_on;
  unsigned made; /* samples */
  float filter[WZP_EXTRAPOLATE_ORDER], memory[WZP_EXTRAPOLATE_ORDER];
  float excitation[WZP_EXTRAPOLATE_PERIOD_MAX]; /* a period of it */
  unsigned period, at;
  float voicing, loudness; /* 0..1: how periodic; standard deviation of the excitation */
  uint32_t random;
} WzpExtrapolator;

/* Starts zeroed. Samples that were heard; a gap ends with them. */
void wzp_extrapolator_hear(WzpExtrapolator *extrapolator, const int16_t *pcm, unsigned n);
/* n samples more of the gap. */
void wzp_extrapolator_make(WzpExtrapolator *extrapolator, int16_t *pcm, unsigned n);
