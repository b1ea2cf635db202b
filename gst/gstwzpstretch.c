/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpstretch.h"

#define SAMPLE_RATE 48000
#define WISH_MAX GST_SECOND

static void
tell(GstAudioDecoder *decoder, gssize by)
{
  gint64 ns = by * (gint64)GST_SECOND / SAMPLE_RATE;
  gst_pad_push_event(
      GST_AUDIO_DECODER_SINK_PAD(decoder),
      gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                           gst_structure_new("wzp-frame-stretched", "by", G_TYPE_INT64, ns, NULL)));
}

GstBuffer *
gst_wzp_stretch_buffer(WzpStretch *stretch, GstAudioDecoder *decoder, GstBuffer *sound, gint64 wish)
{
  /* 13 KB for each buffer, of which `made` are written and read */
  gint16 out[WZP_STRETCH_FRAME_MAX + WZP_STRETCH_LONGER_MAX] __attribute__((uninitialized));
  GstMapInfo map;
  if (!gst_buffer_map(sound, &map, GST_MAP_READ))
    return sound;
  wish = CLAMP(wish, -(gint64)WISH_MAX, (gint64)WISH_MAX) * SAMPLE_RATE / (gint64)GST_SECOND;
  gsize n = map.size / sizeof(gint16), made = n;
  /* longer ones fill gaps: only their end is remembered */
  gsize skipped = n > WZP_STRETCH_FRAME_MAX ? n - WZP_STRETCH_FRAME_MAX : 0;
  if (n > 0)
    made = wzp_stretch_run(stretch, (const gint16 *)map.data + skipped, n - skipped,
                           skipped > 0 ? 0 : (gint)wish, out) +
           skipped;
  gst_buffer_unmap(sound, &map);
  if (made == n)
    return sound;

  gst_buffer_unref(sound);
  sound = gst_audio_decoder_allocate_output_buffer(decoder, made * sizeof(gint16));
  gst_buffer_fill(sound, 0, out, made * sizeof(gint16));
  tell(decoder, (gssize)made - (gssize)n);
  return sound;
}
