/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "echo.h"
#include "fft.h"

/* The parts of the echo canceller. Spectra are of windows of two frames, samples of -1..1; powers are summed in bands. */

#define WZP_ECHO_WINDOW (2 * WZP_ECHO_SAMPLES)
#define WZP_ECHO_BINS (WZP_ECHO_WINDOW / 2 + 1)
#define WZP_ECHO_BANDS 17

typedef struct {
  float power[WZP_ECHO_BANDS];
} WzpEchoBands;

/* --- echo-played.c: what is played, by its time --- */

typedef struct WzpEchoPlayed WzpEchoPlayed;
WzpEchoPlayed *wzp_echo_played_new(void);
void wzp_echo_played_free(WzpEchoPlayed *played);
void wzp_echo_played_reset(WzpEchoPlayed *played);
void wzp_echo_played_put(WzpEchoPlayed *played, int64_t time, const int16_t *pcm, size_t n);
/* The frame that is heard at this time; it moves on evenly where times jitter. */
void wzp_echo_played_get(WzpEchoPlayed *played, int64_t time, int16_t out[WZP_ECHO_SAMPLES]);

/* --- echo-late.c: how many frames later the echo comes --- */

#define WZP_ECHO_LAGS (WZP_ECHO_LATE_MS / 10)

typedef struct {
  float far_mean[WZP_ECHO_BANDS], near_mean[WZP_ECHO_BANDS]; /* log power */
  uint32_t far[WZP_ECHO_LAGS]; /* which bands were above the mean; the latest first */
  bool active[WZP_ECHO_LAGS];
  float score[WZP_ECHO_LAGS];
  unsigned seen, apart; /* frames; of them in a row that speak against the present choice */
} WzpEchoLate;

void wzp_echo_late_reset(WzpEchoLate *late);
/* How late the filter should begin, in frames; now: as it does. */
unsigned wzp_echo_late_find(WzpEchoLate *late, const WzpEchoBands *far, const WzpEchoBands *near,
                            unsigned now);

/* --- echo-residual.c: what the filter left --- */

typedef struct {
  float error_mean[WZP_ECHO_BANDS], echo_mean[WZP_ECHO_BANDS]; /* of the logarithms */
  float both[WZP_ECHO_BANDS], echo_square[WZP_ECHO_BANDS], error_square[WZP_ECHO_BANDS];
  float leak[WZP_ECHO_BANDS]; /* the share of the echo that is left */
  float far[WZP_ECHO_BANDS];
  float held[WZP_ECHO_BANDS]; /* echo that decays */
  float noise[WZP_ECHO_BANDS], smooth[WZP_ECHO_BANDS];
  float gain[WZP_ECHO_BANDS];
  unsigned frames;
} WzpEchoResidual;

/* Powers of the bands of a spectrum. */
void wzp_echo_bands(const float re[WZP_ECHO_BINS], const float im[WZP_ECHO_BINS],
                    WzpEchoBands *bands);

void wzp_echo_residual_reset(WzpEchoResidual *residual);
/* error: what the filter left; echo: what it took away; far: what was played. gain: of each bin, 0..1. */
void wzp_echo_residual_gain(WzpEchoResidual *residual, const WzpEchoBands *error,
                            const WzpEchoBands *echo, const WzpEchoBands *far,
                            float gain[WZP_ECHO_BINS]);
