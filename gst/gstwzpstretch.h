/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/stretch.h"
#include <gst/audio/gstaudiodecoder.h>

G_BEGIN_DECLS

/* Time stretch at the end of wzpdec. All sound passes through here, 16-bit mono of 48 kHz; wish: of the frame's meta, ns,
 * 0 for what fills gaps. What was done is told upstream by the event `wzp-frame-stretched` with "by" (#gint64, ns),
 * before the sound goes on. Takes the buffer and returns it, or another. */
GstBuffer *gst_wzp_stretch_buffer(WzpStretch *stretch, GstAudioDecoder *decoder, GstBuffer *sound,
                                  gint64 wish);

G_END_DECLS
