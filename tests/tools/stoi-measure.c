/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The measure of speech.h, with the constants of the paper: 10 kHz, frames of 256 with half overlap in a
 * transform of 512, 15 third-octave bands from 150 Hz, segments of 30 frames, clipping at -15 dB, frames
 * more than 40 dB below the loudest left out. */
#include "speech.h"
#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define RATE 10000
#define FRAME 256
#define HOP (FRAME / 2)
#define TRANSFORM 512
#define BINS (TRANSFORM / 2 + 1)
#define BANDS 15
#define SEGMENT 30
#define LOWEST 150.
#define CLIP_DB -15.
#define RANGE_DB 40.
#define PIECE (3 * RATE)
#define SEARCH (3 * RATE)
#define SLACK (RATE * 12 / 100)
#define LOUDNESS_STEP (RATE / 1000)
#define LOUDNESS_HALF 64 /* samples to each side */

typedef double complex Complex;

/* In place, length a power of two; sign -1 forward, 1 backward (not scaled). */
static void
transform(Complex *x, gsize length, int sign)
{
  for (gsize i = 1, j = 0; i < length; i++) {
    gsize bit = length >> 1;
    for (; j & bit; bit >>= 1)
      j ^= bit;
    j ^= bit;
    if (i < j) {
      const Complex keep = x[i];
      x[i] = x[j];
      x[j] = keep;
    }
  }
  Complex *roots = g_new(Complex, MAX(length / 2, 1));
  for (gsize i = 0; i < length / 2; i++)
    roots[i] = cexp(sign * 2 * G_PI * I * (double)i / (double)length);
  for (gsize size = 2; size <= length; size *= 2)
    for (gsize start = 0; start < length; start += size)
      for (gsize k = 0; k < size / 2; k++) {
        const Complex even = x[start + k];
        const Complex odd = x[start + k + size / 2] * roots[k * (length / size)];
        x[start + k] = even + odd;
        x[start + k + size / 2] = even - odd;
      }
  g_free(roots);
}

/* Where in window (length window_length) the reference fits best, among the first `places`. */
static gsize
best_place(const double *reference, gsize length, const double *window, gsize window_length,
           gsize places)
{
  gsize size = 1;
  while (size < length + window_length)
    size *= 2;
  Complex *a = g_new0(Complex, size), *b = g_new0(Complex, size);
  for (gsize i = 0; i < length; i++)
    a[i] = reference[i];
  for (gsize i = 0; i < window_length; i++)
    b[i] = window[i];
  transform(a, size, -1);
  transform(b, size, -1);
  for (gsize i = 0; i < size; i++)
    b[i] *= conj(a[i]);
  transform(b, size, 1);
  gsize best = 0;
  for (gsize i = 1; i < places; i++)
    if (creal(b[i]) > creal(b[best]))
      best = i;
  g_free(a);
  g_free(b);
  return best;
}

static gsize
frame_count(gsize length)
{
  return length < FRAME ? 0 : (length - FRAME) / HOP + 1;
}

static double
window_at(gsize i)
{
  return .5 - .5 * cos(2 * G_PI * (double)(i + 1) / (FRAME + 1));
}

/* Keeps the frames in which the reference is not silent, of both, overlapped and added again.
 * Returns the new length of x and y. */
static gsize
drop_silence(const double *x_in, const double *y_in, gsize length, double *x, double *y)
{
  const gsize frames = frame_count(length);
  double *level = g_new(double, MAX(frames, 1)), loudest = -G_MAXDOUBLE;
  for (gsize f = 0; f < frames; f++) {
    double energy = 0;
    for (gsize i = 0; i < FRAME; i++) {
      const double value = x_in[f * HOP + i] * window_at(i);
      energy += value * value;
    }
    level[f] = 20 * log10(sqrt(energy) + 1e-12);
    loudest = MAX(loudest, level[f]);
  }
  gsize kept = 0;
  memset(x, 0, length * sizeof *x);
  memset(y, 0, length * sizeof *y);
  for (gsize f = 0; f < frames; f++) {
    if (level[f] <= loudest - RANGE_DB)
      continue;
    for (gsize i = 0; i < FRAME; i++) {
      x[kept * HOP + i] += x_in[f * HOP + i] * window_at(i);
      y[kept * HOP + i] += y_in[f * HOP + i] * window_at(i);
    }
    kept++;
  }
  g_free(level);
  return kept ? (kept - 1) * HOP + FRAME : 0;
}

static gsize
nearest_bin(double frequency)
{
  return (gsize)floor(frequency * TRANSFORM / RATE + .5);
}

typedef double Bands[BANDS];

static Bands *
third_octaves(const double *x, gsize frames)
{
  Bands *bands = (Bands *)g_new0(double, MAX(frames, 1) * BANDS);
  Complex spectrum[TRANSFORM];
  for (gsize f = 0; f < frames; f++) {
    for (gsize i = 0; i < TRANSFORM; i++)
      spectrum[i] = i < FRAME ? x[f * HOP + i] * window_at(i) : 0;
    transform(spectrum, TRANSFORM, -1);
    for (int band = 0; band < BANDS; band++) {
      const gsize low = nearest_bin(LOWEST * pow(2, (2 * band - 1) / 6.));
      const gsize high = nearest_bin(LOWEST * pow(2, (2 * band + 1) / 6.));
      double energy = 0;
      for (gsize bin = low; bin < MIN(high, BINS); bin++)
        energy += creal(spectrum[bin] * conj(spectrum[bin]));
      bands[f][band] = sqrt(energy);
    }
  }
  return bands;
}

/* Correlation of one band over one segment, after the degraded one was scaled and clipped. */
static double
correlate(Bands *x, Bands *y, int band)
{
  double x_energy = 0, y_energy = 0, x_mean = 0, y_mean = 0;
  double degraded[SEGMENT];
  for (int i = 0; i < SEGMENT; i++) {
    x_energy += x[i][band] * x[i][band];
    y_energy += y[i][band] * y[i][band];
  }
  const double scale = sqrt(x_energy) / (sqrt(y_energy) + DBL_EPSILON);
  const double clip = 1 + pow(10, -CLIP_DB / 20);
  for (int i = 0; i < SEGMENT; i++) {
    degraded[i] = MIN(y[i][band] * scale, x[i][band] * clip);
    x_mean += x[i][band] / SEGMENT;
    y_mean += degraded[i] / SEGMENT;
  }
  double xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < SEGMENT; i++) {
    const double a = x[i][band] - x_mean, b = degraded[i] - y_mean;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Mean 0 and length 1, of a row or a column. */
static void
normalise(double *x, gsize n, gsize step)
{
  double mean = 0, energy = 0;
  for (gsize i = 0; i < n; i++)
    mean += x[i * step] / (double)n;
  for (gsize i = 0; i < n; i++) {
    x[i * step] -= mean;
    energy += x[i * step] * x[i * step];
  }
  for (gsize i = 0; i < n; i++)
    x[i * step] /= sqrt(energy) + DBL_EPSILON;
}

/* Correlation of the spectra over a segment: each band's course is normalised, then each frame's spectrum. */
static double
correlate_spectra(Bands *x, Bands *y)
{
  double a[SEGMENT * BANDS], b[SEGMENT * BANDS], sum = 0;
  memcpy(a, x, sizeof a);
  memcpy(b, y, sizeof b);
  for (gsize band = 0; band < BANDS; band++) {
    normalise(a + band, SEGMENT, BANDS);
    normalise(b + band, SEGMENT, BANDS);
  }
  for (gsize i = 0; i < SEGMENT; i++) {
    normalise(a + i * BANDS, BANDS, 1);
    normalise(b + i * BANDS, BANDS, 1);
  }
  for (gsize i = 0; i < SEGMENT * BANDS; i++)
    sum += a[i] * b[i];
  return sum / SEGMENT;
}

/* Of two aligned pieces at 10 kHz; false when too little of the reference is not silent. */
static gboolean
score_piece(const double *x_in, const double *y_in, gsize length, double *stoi, double *estoi)
{
  double *x = g_new(double, length), *y = g_new(double, length), sum = 0, extended = 0;
  const gsize frames = frame_count(drop_silence(x_in, y_in, length, x, y));
  Bands *x_bands = third_octaves(x, frames), *y_bands = third_octaves(y, frames);
  for (gsize start = 0; start + SEGMENT <= frames; start++) {
    for (int band = 0; band < BANDS; band++)
      sum += correlate(x_bands + start, y_bands + start, band);
    extended += correlate_spectra(x_bands + start, y_bands + start);
  }
  g_free(x_bands);
  g_free(y_bands);
  g_free(x);
  g_free(y);
  if (frames < SEGMENT)
    return FALSE;
  *stoi = sum / (double)((frames - SEGMENT + 1) * BANDS);
  *estoi = extended / (double)(frames - SEGMENT + 1);
  return TRUE;
}

static double
energy_of(const double *x, gsize length)
{
  double energy = 0;
  for (gsize i = 0; i < length; i++)
    energy += x[i] * x[i];
  return energy;
}

/* How loud it is each ms, less the mean. */
static double *
loudness_of(const double *x, gsize length, gsize *n)
{
  double *loudness = g_new0(double, length / LOUDNESS_STEP + 1), mean = 0;
  *n = length / LOUDNESS_STEP;
  for (gsize k = 0; k < *n; k++) {
    const gsize at = k * LOUDNESS_STEP, from = at > LOUDNESS_HALF ? at - LOUDNESS_HALF : 0;
    const gsize to = MIN(length, at + LOUDNESS_HALF);
    loudness[k] = sqrt(energy_of(x + from, to - from) / (double)(to - from));
    mean += loudness[k] / (double)*n;
  }
  for (gsize k = 0; k < *n; k++)
    loudness[k] -= mean;
  return loudness;
}

static gsize
best_place_by_loudness(const double *reference, gsize length, const double *window,
                       gsize window_length, gsize places)
{
  gsize n, window_n;
  double *a = loudness_of(reference, length, &n);
  double *b = loudness_of(window, window_length, &window_n);
  const gsize best = best_place(a, n, b, window_n, places / LOUDNESS_STEP) * LOUDNESS_STEP;
  g_free(a);
  g_free(b);
  return best;
}

SpeechScore
speech_score_pieces(const Speech *reference_in, const Speech *degraded_in, GArray *pieces)
{
  Speech *reference = speech_resample(reference_in, RATE);
  Speech *degraded = speech_resample(degraded_in, RATE);
  const gsize length = reference->length;
  /* the degraded one with room for the search in front and silence behind */
  const gsize room = SLACK + MAX(degraded->length, length) + SEARCH + SLACK + PIECE;
  double *padded = g_new0(double, room), weighted = 0, extended = 0, loudness = 0, weights = 0;
  memcpy(padded + SLACK, degraded->samples, degraded->length * sizeof *padded);
  const gsize head = MIN(length, 20 * RATE);
  const gsize start = best_place(reference->samples, head, padded + SLACK, head + SEARCH, SEARCH);
  const double mean = energy_of(reference->samples, length) / (double)MAX(length, 1);
  for (gsize at = 0; at + PIECE <= length; at += PIECE) {
    const double *piece = reference->samples + at;
    const double energy = energy_of(piece, PIECE);
    if (energy / PIECE < 1e-3 * mean)
      continue;
    const double *window = padded + start + at;
    const gsize place = best_place(piece, PIECE, window, PIECE + 2 * SLACK, 2 * SLACK);
    const gsize louder = best_place_by_loudness(piece, PIECE, window, PIECE + 2 * SLACK, 2 * SLACK);
    double stoi, estoi, by_loudness, unused;
    if (!score_piece(piece, window + place, PIECE, &stoi, &estoi) ||
        !score_piece(piece, window + louder, PIECE, &by_loudness, &unused))
      continue;
    loudness += energy * by_loudness;
    weighted += energy * stoi;
    extended += energy * estoi;
    weights += energy;
    const SpeechPiece scored = {(double)at / RATE, ((double)place - SLACK) / RATE, stoi, estoi};
    if (pieces != NULL)
      g_array_append_val(pieces, scored);
  }
  g_free(padded);
  speech_free(reference);
  speech_free(degraded);
  SpeechScore score = {-1, -1, -1, (double)start / RATE};
  if (weights > 0) {
    score.loudness_stoi = loudness / weights;
    score.stoi = weighted / weights;
    score.estoi = extended / weights;
  }
  return score;
}

SpeechScore
speech_score(const Speech *reference, const Speech *degraded)
{
  return speech_score_pieces(reference, degraded, NULL);
}

double
speech_stoi(const Speech *reference, const Speech *degraded, double *offset)
{
  SpeechScore score = speech_score(reference, degraded);
  if (offset != NULL)
    *offset = score.offset;
  return score.stoi;
}
