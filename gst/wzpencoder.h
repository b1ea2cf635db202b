/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include "wzp/profile.h"

G_BEGIN_DECLS

/* Voice to frames of the profiles, with libopus and libcodec2 behind it. Not thread-safe. */

#define WZP_VOICE_RATE 48000                               /* of all sound in and out */
#define WZP_VOICE_SAMPLES_MAX (WZP_VOICE_RATE * 40 / 1000) /* of the longest frame */

typedef struct _WzpEncoder WzpEncoder;

/* NULL: a library refused; *why says in words what. The profile is to be set before the first frame. */
WzpEncoder *wzp_encoder_new(const gchar **why);
void wzp_encoder_free(WzpEncoder *encoder);
/* Forgets what was heard: the next frame does not go on from the last one. */
void wzp_encoder_reset(WzpEncoder *encoder);
/* Takes over a profile between two frames. Another codec starts as if it had heard the last frames, too. NULL on success,
 * else what was refused, in words. */
const gchar *wzp_encoder_set_profile(WzpEncoder *encoder, const WzpProfile *profile);
/* pcm: frame_ms of the profile at WZP_VOICE_RATE. frame: room for frame_bytes, which it has exactly. FALSE: the codec made
 * no frame of that size. */
gboolean wzp_encoder_encode(WzpEncoder *encoder, const gint16 *pcm, guint8 *frame);

G_END_DECLS
