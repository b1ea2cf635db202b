/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* The one media type of this plugin. Both fields are always present.
 * sealed=false, fec=false: one codec frame a buffer (wzpenc, wzpjitter, wzpdec)
 * sealed=false, fec=true:  one bundle a buffer      (wzpfec to wzpcrypt)
 * sealed=true,  fec=true:  one media packet a buffer (wzpcrypt, wzpsink, wzpsrc, wzpdemux) */
#define GST_WZP_CAPS_NAME "application/x-wzp"
#define GST_WZP_CAPS_FRAMES GST_WZP_CAPS_NAME ", sealed=(boolean)false, fec=(boolean)false"
#define GST_WZP_CAPS_BUNDLES GST_WZP_CAPS_NAME ", sealed=(boolean)false, fec=(boolean)true"
#define GST_WZP_CAPS_SEALED GST_WZP_CAPS_NAME ", sealed=(boolean)true, fec=(boolean)true"

/* What is known of a packet or a frame beside its bytes; travels through every element of the plugin.
 * Fields that are not known yet have the value in brackets. */
typedef struct {
  GstMeta meta;
  guint8 code;          /* CCCC of wzp/profile.h: codec, frame length, frames per packet */
  guint8 slot;          /* sender in the room [0] */
  guint32 stream;       /* receive side: another one where the sender began anew [0] */
  guint64 index;        /* receive side: packet number of the stream; behind wzpfec: frame number */
  guint64 media_time;   /* ns, of the (first) frame [GST_CLOCK_TIME_NONE]; see below */
  GstClockTime arrival; /* running time at which the datagram came in [GST_CLOCK_TIME_NONE] */
  guint8 flags;         /* WZP_FLAG_* of the packet's full header; 0 without one [0] */
  gboolean recovered;   /* brought back by repair, not by its own packet [FALSE] */
  gint64 waited;        /* behind wzpfec: ns, in its packet for the frames behind it [0] */
  gint64 stretch; /* behind wzpjitter: ns that it should be played longer, below 0 shorter [0] */
} GstWzpMeta;
/* Media time is running time, but behind wzpfec it goes on over seeks and pauses. */

GType gst_wzp_meta_api_get_type(void);
const GstMetaInfo *gst_wzp_meta_get_info(void);
#define GST_WZP_META_API_TYPE (gst_wzp_meta_api_get_type())

/* Adds one with all fields unknown, code WZP_CODE_NO_AUDIO. The buffer must be writable. */
GstWzpMeta *gst_wzp_meta_add(GstBuffer *buffer);
GstWzpMeta *gst_wzp_meta_get(GstBuffer *buffer); /* NULL without one */
/* Copies the fields of from's meta (if any) to a meta on to. */
void gst_wzp_meta_copy(GstBuffer *to, GstBuffer *from);

/* On raw audio behind wzpdenoise: how likely somebody speaks in this buffer, 0..1. */
typedef struct {
  GstMeta meta;
  gfloat probability;
} GstWzpSpeechMeta;

const GstMetaInfo *gst_wzp_speech_meta_get_info(void);
void gst_wzp_speech_meta_add(GstBuffer *buffer, gfloat probability);
GstWzpSpeechMeta *gst_wzp_speech_meta_get(GstBuffer *buffer); /* NULL without one */

G_END_DECLS
