/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzpencoder.h"

G_BEGIN_DECLS

/* Frames of all profiles to sound of WZP_VOICE_RATE, one after the other as they come. Where the codec changes, the one
 * before goes on for a moment and the new one fades in over it. Not thread-safe. */

#define WZP_DECODER_STEP 120 /* concealment comes in steps of 2.5 ms */

typedef struct _WzpDecoder WzpDecoder;

/* NULL: a library refused; *why says in words what. */
WzpDecoder *wzp_decoder_new(const gchar **why);
void wzp_decoder_free(WzpDecoder *decoder);
void wzp_decoder_reset(WzpDecoder *decoder);
/* code: of a packet with such frames, or WZP_CODE_COMFORT_NOISE: the frame is a descriptor, and sounds like the room for
 * WZP_COMFORT_FRAME_MS. pcm: room for WZP_VOICE_SAMPLES_MAX. Returns the samples made, exactly the frame's
 * time; 0 when the bytes are no frame of that code. */
gsize wzp_decoder_decode(WzpDecoder *decoder, guint8 code, const guint8 *frame, gsize size,
                         gint16 *pcm);
/* What probably would have come: samples is a multiple of WZP_DECODER_STEP. Silence before the first frame. */
void wzp_decoder_conceal(WzpDecoder *decoder, gint16 *pcm, gsize samples);

/* Ahead of wzp_decoder_conceal(): after the next `ahead` samples comes this frame. What is concealed leads over to it, and it
 * need not be the frame that comes. What cannot be led over to (another codec, no frame of that code) changes nothing. */
void wzp_decoder_expect(WzpDecoder *decoder, guint8 code, const guint8 *frame, gsize size,
                        gsize ahead);

/* Nobody speaks: the room, as last described. FALSE: nobody has described it, and there is silence. */
gboolean wzp_decoder_rest(WzpDecoder *decoder, gint16 *pcm, gsize samples);

G_END_DECLS
