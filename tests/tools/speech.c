/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "speech.h"
#include <gio/gio.h>
#include <math.h>
#include <string.h>

static guint32
little32(const guint8 *at)
{
  return (guint32)at[0] | (guint32)at[1] << 8 | (guint32)at[2] << 16 | (guint32)at[3] << 24;
}

static guint
little16(const guint8 *at)
{
  return (guint)at[0] | (guint)at[1] << 8;
}

static Speech *
speech_new(guint rate, gsize length)
{
  Speech *speech = g_new0(Speech, 1);
  speech->rate = rate;
  speech->length = length;
  speech->samples = g_new0(double, MAX(length, 1));
  return speech;
}

void
speech_free(Speech *speech)
{
  if (!speech)
    return;
  g_free(speech->samples);
  g_free(speech);
}

static Speech *
parse_wav(const guint8 *data, gsize length)
{
  guint channels = 0, rate = 0;
  if (length < 12 || memcmp(data, "RIFF", 4) || memcmp(data + 8, "WAVE", 4))
    return NULL;
  for (gsize at = 12; at + 8 <= length;) {
    const guint8 *chunk = data + at + 8;
    const gsize left = length - at - 8;
    gsize size = little32(data + at + 4);
    if (!memcmp(data + at, "fmt ", 4)) {
      if (size < 16 || size > left || little16(chunk) != 1 || little16(chunk + 14) != 16)
        return NULL;
      channels = little16(chunk + 2);
      rate = little32(chunk + 4);
    } else if (!memcmp(data + at, "data", 4)) {
      if (!channels || !rate)
        return NULL;
      if (size == 0 || size > left)
        size = left;
      Speech *speech = speech_new(rate, size / (2 * channels));
      for (gsize i = 0; i < speech->length; i++) {
        for (guint c = 0; c < channels; c++)
          speech->samples[i] += (gint16)little16(chunk + 2 * (i * channels + c));
        speech->samples[i] /= 32768. * channels;
      }
      return speech;
    }
    if (size > left)
      return NULL;
    at += 8 + size + size % 2;
  }
  return NULL;
}

Speech *
speech_read(const char *path, GError **error)
{
  char *text;
  gsize length;
  if (!g_file_get_contents(path, &text, &length, error))
    return NULL;
  Speech *speech = parse_wav((const guint8 *)text, length);
  g_free(text);
  if (!speech)
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s is not a WAV file of 16-bit PCM",
                path);
  return speech;
}

double
speech_level(const Speech *speech)
{
  double energy = 0;
  for (gsize i = 0; i < speech->length; i++)
    energy += speech->samples[i] * speech->samples[i];
  return energy > 0 ? 10 * log10(energy / (double)speech->length) : -200;
}

double
speech_si_sdr(const Speech *reference, const Speech *degraded)
{
  double both = 0, energy = 1e-20, left = 1e-20;
  for (gsize i = 0; i < reference->length; i++) {
    both += reference->samples[i] * degraded->samples[i];
    energy += reference->samples[i] * reference->samples[i];
  }
  double scale = both / energy;
  for (gsize i = 0; i < reference->length; i++) {
    double off = degraded->samples[i] - scale * reference->samples[i];
    left += off * off;
  }
  return 10 * log10(scale * scale * energy / left);
}

static double
bessel_i0(double x)
{
  double sum = 1, term = 1;
  for (int k = 1; term > sum * 1e-16; k++)
    sum += term *= (x / 2 / k) * (x / 2 / k);
  return sum;
}

Speech *
speech_resample(const Speech *speech, guint rate)
{
  guint a = speech->rate, b = rate;
  while (b) {
    guint rest = a % b;
    a = b;
    b = rest;
  }
  const gint64 up = rate / a, down = speech->rate / a;
  const gint64 half = 10 * MAX(up, down);
  /* a windowed sinc at the lower of the two rates, on the grid of the common multiple; its gain at zero
   * frequency is `up`, because up - 1 of up inputs are zeros */
  double *filter = g_new(double, 2 * half + 1), sum = 0;
  const double cutoff = 1. / (double)MAX(up, down);
  for (gint64 i = -half; i <= half; i++) {
    const double x = (double)i / (double)half, phase = G_PI * cutoff * (double)i;
    filter[i + half] = (i ? sin(phase) / phase : 1) * bessel_i0(5 * sqrt(1 - x * x));
    sum += filter[i + half];
  }
  for (gint64 i = 0; i <= 2 * half; i++)
    filter[i] *= (double)up / sum;
  const gint64 input = (gint64)speech->length;
  Speech *out = speech_new(rate, (gsize)((input * up + down - 1) / down));
  for (gint64 n = 0; n < (gint64)out->length; n++) {
    const gint64 centre = n * down;
    gint64 first = MAX(0, (centre - half + up - 1) / up);
    gint64 last = MIN(input - 1, (centre + half) / up);
    for (gint64 m = first; m <= last; m++)
      out->samples[n] += speech->samples[m] * filter[centre - m * up + half];
  }
  g_free(filter);
  return out;
}
