/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* Recorded speech, and how much of it is still intelligible. */

typedef struct {
  guint rate;
  gsize length;
  double *samples; /* mono; -1 to 1 */
} Speech;

/* PCM WAV of 16 bits, any rate and number of channels (their mean is taken). A file whose length fields
 * were never filled in (0 or 0xffffffff) is read to its end. NULL on error. */
Speech *speech_read(const char *path, GError **error);
void speech_free(Speech *speech);

/* Band-limited conversion to another rate: polyphase, Kaiser window (beta 5) over ten zero crossings. */
Speech *speech_resample(const Speech *speech, guint rate);

/* dB of full scale, -200 for silence. */
double speech_level(const Speech *speech);

/* dB, scale-invariant signal to distortion (J. Le Roux et al., 2019): what in degraded is the reference, over all else. Of one
 * rate, of the same length, and not shifted. */
double speech_si_sdr(const Speech *reference, const Speech *degraded);

/* STOI (C. H. Taal et al., 2011) of a degraded recording against its reference, both of any rate. The
 * energy-weighted mean over pieces of 3 s; the start of the degraded one is looked for in its first 3 s, and each
 * piece within 120 ms of where it should be, so that a changed but constant delay is not punished.
 * -1 when there is too little speech to say. *offset: seconds of the start. */
double speech_stoi(const Speech *reference, const Speech *degraded, double *offset);

/* The same, and ESTOI (J. Jensen, C. H. Taal, 2016) of the same pieces, which also hears what is made up by a
 * vocoder or by concealment. */
typedef struct {
  double stoi, estoi; /* -1: too little speech */
  double
      loudness_stoi; /* of pieces that are found by their loudness instead of their waveform: what a vocoder makes has
                           another one, and is found up to 20 ms beside where it is */
  double offset;
} SpeechScore;
SpeechScore speech_score(const Speech *reference, const Speech *degraded);

typedef struct {
  double at, shift; /* seconds: in the reference; how much later than the whole it was found */
  double stoi, estoi;
} SpeechPiece;
/* And each piece that counts, behind what is in the array of SpeechPiece; NULL: none. */
SpeechScore speech_score_pieces(const Speech *reference, const Speech *degraded, GArray *pieces);
