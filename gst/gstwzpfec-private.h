/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpmeta.h"
#include "wzp/fec-holes.h"
#include "wzp/fec-receiver.h"
#include "wzp/fec-sender.h"
#include "wzp/listeners.h"
#include "wzp/quality.h"
#include "wzpsession.h"

/* What the parts of wzpfec share: gstwzpfec.c is the element, gstwzpfec-protect.c makes bundles of frames,
 * gstwzpfec-recover.c frames of bundles, gstwzpfec-properties.c what can be set and asked, gstwzpfec-quality.c
 * how well is spoken. Functions in _locked
 * are called with the lock held, all others without. */

G_BEGIN_DECLS

typedef enum { GST_WZP_FEC_NONE, GST_WZP_FEC_PROTECT, GST_WZP_FEC_RECOVER } GstWzpFecDirection;

#define GST_TYPE_WZP_FEC (gst_wzp_fec_get_type())
G_DECLARE_FINAL_TYPE(GstWzpFec, gst_wzp_fec, GST, WZP_FEC, GstElement)

/* What the property `tier` says; from FIRST on a WzpTier. */
typedef enum {
  GST_WZP_FEC_TIER_AUTO,
  GST_WZP_FEC_TIER_COMPATIBLE,
  GST_WZP_FEC_TIER_MANUAL,
  GST_WZP_FEC_TIER_FIRST
} GstWzpFecTier;

/* What a packet takes over from its first frame. */
typedef struct {
  GstClockTime pts, media_time;
} GstWzpFecOrigin;
#define GST_WZP_FEC_ORIGINS 8 /* more than a packet's frames */

typedef struct {
  WzpFecSender *sender;
  GstWzpFecOrigin origins[GST_WZP_FEC_ORIGINS]; /* of the newest frames, by number */
  guint64 next_frame;
  guint64 others; /* packets of the stream that are not ours, as far as the sender knows */
  guint64 beside; /* bytes of the session, as far as it knows */
  const WzpFraming *framing; /* of the newest frame; NULL: none yet */
  GstClockTime next_turn;    /* in running time: when the next frame would be due */
  /* media time: running time and media_shift; that of the newest frame or turn, and when it was by this clock */
  gint64 media_shift;
  GstClockTime media_last, media_last_at;
  GstClock *media_clock;
  gboolean interrupted; /* running time began anew, or stood still */
  WzpListeners listeners;
  gboolean carrying;      /* the sender holds a report that no packet took yet */
  gboolean budget_warned; /* since the limits were set */
  gboolean time_warned;
  WzpQuality *quality;
  gboolean settings_changed; /* the properties that it follows */
  gboolean left_out;         /* the frame before, or the stream ended there */
  guint64 frames_left_out;
  /* streaming thread */
  const WzpProfile *wanted,
      *asked; /* by wzpenc's user; of wzpenc; NULL: nobody can be asked; nothing */
  gboolean told_any;
  WzpQualityState told;
  WzpTime told_at;
} GstWzpFecProtect;

typedef struct {
  WzpFecReceiver *receiver;
  gint slot; /* whose stream; -1: none yet */
  guint32 stream;
  /* the newest frame that came itself, for the places of recovered ones */
  gboolean placed, has_media_ms;
  guint64 number, media_ms;
  GstClockTime pts;
  WzpFecHoles *holes;
  guint64 restarts; /* of the receiver, as far as we know */
  GstClockTime playout;
  guint64 reports_made, reports_heard, reports_not_ours;
} GstWzpFecRecover;

struct _GstWzpFec {
  GstElement parent;
  GstPad *sinkpad, *srcpad;

  GMutex lock; /* for all below; nothing is pushed, posted or asked while it is held */
  WzpFecLimits limits;
  gboolean limits_changed;
  GstWzpFecTier tier;
  WzpNetwork network;
  gchar *session_name;
  GstWzpFecDirection direction;
  GstClockTime latency;
  guint64 invalid; /* buffers that never reached sender or receiver */
  GstWzpFecProtect protect;
  GstWzpFecRecover recover;

  /* streaming thread */
  GstSegment segment;
  WzpSession *session; /* NULL: there is none */
  gboolean session_sought;
};

/* NULL when nobody has one; looked for once a run, with the first data. */
WzpSession *gst_wzp_fec_session(GstWzpFec *self);
/* The time that sender and receiver live in: running time by the clock, or without one the fallback, a running time
 * that may be GST_CLOCK_TIME_NONE: then 0. */
WzpTime gst_wzp_fec_now(GstWzpFec *self, GstClockTime fallback);

/* gstwzpfec-protect.c: streaming thread. Packets that are ready are added to out. */
void gst_wzp_fec_protect_begin_locked(GstWzpFec *self);
void gst_wzp_fec_protect_clear(GstWzpFec *self);
void gst_wzp_fec_protect_reset_locked(GstWzpFec *self);
void gst_wzp_fec_protect_frame(GstWzpFec *self, GstBuffer *frame, GstBufferList *out);
void gst_wzp_fec_protect_gap(GstWzpFec *self, GstEvent *gap, GstBufferList *out);
void gst_wzp_fec_protect_finish(GstWzpFec *self, gboolean end, GstBufferList *out);
/* The pipeline plays again, perhaps behind a pause; any thread. */
void gst_wzp_fec_protect_resume(GstWzpFec *self);
/* How long a frame waits for others. */
GstClockTime gst_wzp_fec_protect_latency_locked(GstWzpFec *self);
GstStructure *gst_wzp_fec_protect_stats_locked(GstWzpFec *self);

/* gstwzpfec-recover.c: streaming thread, except query and playout */
void gst_wzp_fec_recover_begin_locked(GstWzpFec *self);
void gst_wzp_fec_recover_clear(GstWzpFec *self);
void gst_wzp_fec_recover_reset_locked(GstWzpFec *self);
void gst_wzp_fec_recover_packet(GstWzpFec *self, GstBuffer *packet, GstBufferList *out);
void gst_wzp_fec_recover_tell_hopeless(GstWzpFec *self);
gboolean gst_wzp_fec_recover_event(GstWzpFec *self, GstEvent *event);
gboolean gst_wzp_fec_recover_query(GstWzpFec *self, GstQuery *query);
GstStructure *gst_wzp_fec_recover_stats_locked(GstWzpFec *self);

/* gstwzpfec-quality.c: streaming thread. Before a frame or a turn of silence is taken, and after. */
void gst_wzp_fec_quality_begin_locked(GstWzpFec *self);
void gst_wzp_fec_quality_before(GstWzpFec *self, WzpTime now);
void gst_wzp_fec_quality_heard_locked(GstWzpFec *self, WzpTime now, guint8 listener,
                                      const WzpReport *report, const WzpChannelState *channel);
WzpFecLimits gst_wzp_fec_quality_limits_locked(GstWzpFec *self);
gboolean gst_wzp_fec_quality_is_paused_locked(GstWzpFec *self, WzpTime now);
void gst_wzp_fec_quality_after(GstWzpFec *self, WzpTime now);
void gst_wzp_fec_quality_put_stats_locked(GstWzpFec *self, GstStructure *stats);

/* gstwzpfec-properties.c */
void gst_wzp_fec_install_properties(GObjectClass *object_class);
void gst_wzp_fec_init_properties(GstWzpFec *self);
void gst_wzp_fec_notify_direction(GstWzpFec *self);

G_END_DECLS
