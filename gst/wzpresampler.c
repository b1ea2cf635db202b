/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpresampler.h"
#include <gst/audio/audio.h>

#define PROBE                                                                                      \
  480 /* a block of this many input samples, and its output, tell what is still held back */

struct _WzpResampler {
  GstAudioResampler *resampler;
  gint in_rate, out_rate;
  gsize delay;
};

/* The resampler withholds output until its filter is full: silence fills it. */
static void
prime(WzpResampler *self)
{
  gsize whole = PROBE * (gsize)self->out_rate / (gsize)self->in_rate;
  self->delay = 0;
  while (gst_audio_resampler_get_out_frames(self->resampler, self->delay + PROBE) < whole)
    self->delay++;
  gsize out_frames = gst_audio_resampler_get_out_frames(self->resampler, self->delay);
  g_autofree gint16 *silence = g_new0(gint16, self->delay + 1);
  g_autofree gint16 *nothing = g_new(gint16, out_frames + 1);
  gpointer in[] = {silence}, out[] = {nothing};
  gst_audio_resampler_resample(self->resampler, in, self->delay, out, out_frames);
}

WzpResampler *
wzp_resampler_new(gint in_rate, gint out_rate)
{
  WzpResampler *self = g_new0(WzpResampler, 1);
  self->in_rate = in_rate;
  self->out_rate = out_rate;
  GstStructure *options = gst_structure_new_empty("options");
  gst_audio_resampler_options_set_quality(GST_AUDIO_RESAMPLER_METHOD_KAISER,
                                          GST_AUDIO_RESAMPLER_QUALITY_DEFAULT, in_rate, out_rate,
                                          options);
  self->resampler =
      gst_audio_resampler_new(GST_AUDIO_RESAMPLER_METHOD_KAISER, GST_AUDIO_RESAMPLER_FLAG_NONE,
                              GST_AUDIO_FORMAT_S16, 1, in_rate, out_rate, options);
  gst_structure_free(options);
  if (self->resampler == NULL) {
    g_free(self);
    return NULL;
  }
  prime(self);
  return self;
}

void
wzp_resampler_free(WzpResampler *self)
{
  if (self == NULL)
    return;
  gst_audio_resampler_free(self->resampler);
  g_free(self);
}

void
wzp_resampler_reset(WzpResampler *self)
{
  gst_audio_resampler_reset(self->resampler);
  prime(self);
}

void
wzp_resampler_process(WzpResampler *self, const gint16 *in, gsize n, gint16 *out)
{
  gpointer from[] = {(gpointer)in}, to[] = {out};
  gst_audio_resampler_resample(self->resampler, from, n, to,
                               n * (gsize)self->out_rate / (gsize)self->in_rate);
}

gsize
wzp_resampler_delay(const WzpResampler *self)
{
  return self->delay;
}
