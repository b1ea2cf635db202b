/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes out of what a microphone hears what a loudspeaker plays, at 48 kHz. An adaptive filter (libspeexdsp) is told what is
 * played when; what it leaves is suppressed, band by band, down to the noise of the room. Whoever speaks meanwhile
 * is heard; of that only what lies below 60 Hz is lost. Times are ns of any clock, the same for both sides; they need not be exact: how much later than said an echo
 * comes, up to WZP_ECHO_LATE_MS, is found out. */

#define WZP_ECHO_SAMPLES 480 /* of a frame: 10 ms */
#define WZP_ECHO_DELAY 1     /* frames: what comes out is so much older than what went in */
#define WZP_ECHO_LATE_MS 500

typedef struct WzpEcho WzpEcho;

WzpEcho *wzp_echo_new(void);
void wzp_echo_free(WzpEcho *echo);
/* As new: the room and all sound are forgotten. */
void wzp_echo_reset(WzpEcho *echo);
/* What is played: the first of n samples sounds at this time. Where nothing was said to be played there is silence. Up to 1 s
 * may lie ahead of what is heard. */
void wzp_echo_play(WzpEcho *echo, int64_t time, const int16_t *pcm, size_t n);
/* What is heard from this time on, and WZP_ECHO_DELAY frames later, without the echo. out may be in. */
void wzp_echo_hear(WzpEcho *echo, int64_t time, const int16_t in[WZP_ECHO_SAMPLES],
                   int16_t out[WZP_ECHO_SAMPLES]);

typedef struct {
  float
      reduction_db; /* of what was heard while something was played and echoed, lately; 0: nothing was */
  int late_ms;      /* the filter begins so much behind the time said */
  unsigned realigned; /* times that this changed */
} WzpEchoState;
void wzp_echo_get_state(const WzpEcho *echo, WzpEchoState *state);
