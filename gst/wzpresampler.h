/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* GStreamer's audio resampler for 16 bit mono, block by block: from its first block on, n samples in make exactly
 * n * out_rate / in_rate samples out, at a constant delay. */

typedef struct _WzpResampler WzpResampler;

/* NULL: GStreamer refuses these rates. */
WzpResampler *wzp_resampler_new(gint in_rate, gint out_rate);
void wzp_resampler_free(WzpResampler *resampler);
/* As new: silence came before the next sample. */
void wzp_resampler_reset(WzpResampler *resampler);
/* n: samples in, a multiple of in_rate / gcd(in_rate, out_rate). out has room for n * out_rate / in_rate. */
void wzp_resampler_process(WzpResampler *resampler, const gint16 *in, gsize n, gint16 *out);
/* Samples of the input that a sound comes later. */
gsize wzp_resampler_delay(const WzpResampler *resampler);

G_END_DECLS
