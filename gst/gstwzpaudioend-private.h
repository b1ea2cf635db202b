/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpdevice.h"

G_BEGIN_DECLS

/* What the parts of wzpmicrophone and wzpspeaker share: gstwzpaudioend.c is the bin, gstwzpaudioend-swap.c lets one element take
 * the place of another when devices fail and come. */

#define GST_TYPE_WZP_AUDIO_END (gst_wzp_audio_end_get_type())
G_DECLARE_DERIVABLE_TYPE(GstWzpAudioEnd, gst_wzp_audio_end, GST, WZP_AUDIO_END, GstBin)

struct _GstWzpAudioEndClass {
  GstBinClass parent;
  GstWzpDeviceKind kind;
};

typedef struct {
  GstPad *pad;
  GRecMutex
      swap; /* held while one element takes the place of another, and while the state changes, which
                   * the application may do from within messages; before all other locks */
  gboolean started; /* with swap: elements may be exchanged */

  GCond closed; /* with the object lock: one less is closing */
  guint closing;

  /* the object lock guards */
  gchar *name;
  gchar *opened;       /* the whole name of the device in use; NULL: unknown */
  GstElement *element; /* in the bin: a device's, or what stands in for it */
  guint flowed;        /* buffers, up to 2: the device is good, and if it fails nothing ends */
  gboolean lost;       /* the device failed later */
  GstElement *
      proving; /* of a device that was opened again: nothing flowed through it yet; only to compare */
  guint tries;        /* to open it again */
  GstClockTime taken; /* running time */
  GstClockID retry;   /* when it is tried next */
  gboolean ending;    /* EOS was asked for */
  GstClockTime latency;
  GstState reached; /* what is in the bin is to have this state; changed with swap */
} GstWzpAudioEndPrivate;

GstWzpAudioEndPrivate *gst_wzp_audio_end_private(GstWzpAudioEnd *self);
gchar *gst_wzp_audio_end_dup_name(GstWzpAudioEnd *self);

/* --- gstwzpaudioend-swap.c --- */

/* Takes the element (floating) into the bin and links it; one for a speaker that is on is linked by the next line. */
gboolean gst_wzp_audio_end_adopt(GstWzpAudioEnd *self, GstElement *element);
/* Speaker, in the thread that brings the stream: it goes to the element in the bin from now on. */
void gst_wzp_audio_end_lead(GstWzpAudioEnd *self);
/* The element in the bin is stopped and taken out; nothing in the pipeline may hold it any more. */
void gst_wzp_audio_end_close(GstWzpAudioEnd *self);
/* The element failed: in its place comes silence, and the device is tried again. Any thread; counts once. */
void gst_wzp_audio_end_lose(GstWzpAudioEnd *self, GstElement *element, const gchar *why);
gboolean gst_wzp_audio_end_is_lost(GstWzpAudioEnd *self);
/* Something flowed through it. */
void gst_wzp_audio_end_proven(GstWzpAudioEnd *self, const GstElement *element);
/* Of READY <-> PAUSED: from now on elements may be exchanged, or no more. */
void gst_wzp_audio_end_start(GstWzpAudioEnd *self);
void gst_wzp_audio_end_stop(GstWzpAudioEnd *self);

G_END_DECLS
