/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpfec-private.h"
#include "wzp/comfort-noise.h"

GST_DEBUG_CATEGORY_EXTERN(gst_wzp_fec_debug);
#define GST_CAT_DEFAULT gst_wzp_fec_debug

void
gst_wzp_fec_recover_begin_locked(GstWzpFec *self)
{
  GstWzpFecRecover *recover = &self->recover;
  if (recover->receiver != NULL)
    return;
  recover->receiver = wzp_fec_receiver_new();
  recover->holes = wzp_fec_holes_new();
  recover->slot = -1;
}

void
gst_wzp_fec_recover_clear(GstWzpFec *self)
{
  GstWzpFecRecover *recover = &self->recover;
  g_clear_pointer(&recover->receiver, wzp_fec_receiver_free);
  g_clear_pointer(&recover->holes, wzp_fec_holes_free);
  *recover = (GstWzpFecRecover){.slot = -1};
}

void
gst_wzp_fec_recover_reset_locked(GstWzpFec *self)
{
  GstWzpFecRecover *recover = &self->recover;
  if (recover->receiver == NULL)
    return;
  wzp_fec_receiver_reset(recover->receiver);
  wzp_fec_holes_reset(recover->holes);
  recover->slot = -1;
  recover->placed = FALSE;
}

/* --- frames --- */

/* Where a frame that did not come itself would have been, seen from the newest one that did. */
static GstClockTime
extrapolate_pts(const GstWzpFecRecover *recover, const WzpFecFrame *frame, GstClockTime duration)
{
  if (!recover->placed || !GST_CLOCK_TIME_IS_VALID(recover->pts))
    return GST_CLOCK_TIME_NONE;
  gint64 away = (gint64)(frame->number - recover->number) * (gint64)duration;
  if (frame->has_media_ms && recover->has_media_ms)
    away = (gint64)(frame->media_ms - recover->media_ms) * (gint64)GST_MSECOND;
  return (GstClockTime)MAX((gint64)recover->pts + away, 0);
}

/* The packet's PTS is its first frame's. Where frames of it came before by repair, the others are not moved up. */
static GstClockTime
own_pts(GstBuffer *packet, const WzpFecFrame *frame, guint place, GstClockTime duration)
{
  GstWzpMeta *meta = gst_wzp_meta_get(packet);
  if (!GST_BUFFER_PTS_IS_VALID(packet))
    return GST_CLOCK_TIME_NONE;
  GstClockTime away = place * duration;
  if (frame->has_media_ms)
    away = (frame->media_ms - meta->media_time / GST_MSECOND) * GST_MSECOND;
  return GST_BUFFER_PTS(packet) + away;
}

/* place: among the frames that the packet itself gave; its first one begins it. */
static GstBuffer *
make_frame(GstWzpFecRecover *recover, GstBuffer *packet, const GstMapInfo *map,
           const WzpFecFrame *frame, guint place)
{
  const WzpFraming *framing = wzp_framing_from_code(frame->code);
  gboolean comfort = frame->code == WZP_CODE_COMFORT_NOISE;
  GstClockTime duration = (comfort ? WZP_COMFORT_FRAME_MS : framing->frame_ms) * GST_MSECOND, pts;
  GstBuffer *buffer;
  if (frame->recovered) {
    buffer = gst_buffer_new_memdup(frame->data, frame->length);
    pts = extrapolate_pts(recover, frame, duration);
  } else {
    buffer = gst_buffer_copy_region(packet, GST_BUFFER_COPY_MEMORY,
                                    (gsize)(frame->data - map->data), frame->length);
    pts = own_pts(packet, frame, place, duration);
    recover->placed = TRUE;
    recover->number = frame->number;
    recover->has_media_ms = frame->has_media_ms;
    recover->media_ms = frame->media_ms;
    recover->pts = pts;
    if (place == 0 && GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_DISCONT))
      GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  }
  GST_BUFFER_PTS(buffer) = pts;
  GST_BUFFER_DURATION(buffer) = duration;
  gst_wzp_meta_copy(buffer, packet); /* slot; arrival: of the packet that brought it */
  GstWzpMeta *meta = gst_wzp_meta_get(buffer);
  meta->code = frame->code;
  meta->index = frame->number;
  meta->media_time = frame->has_media_ms ? frame->media_ms * GST_MSECOND : GST_CLOCK_TIME_NONE;
  meta->recovered = frame->recovered;
  meta->waited = frame->waited_ms * GST_MSECOND;
  return buffer;
}

void
gst_wzp_fec_recover_tell_hopeless(GstWzpFec *self)
{
  for (;;) {
    uint64_t number = 0;
    g_mutex_lock(&self->lock);
    gboolean more = self->recover.holes != NULL && wzp_fec_holes_next(self->recover.holes, &number);
    g_mutex_unlock(&self->lock);
    if (!more)
      return;
    gst_pad_push_event(self->srcpad,
                       gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                            gst_structure_new("wzp-frame-hopeless", "index",
                                                              G_TYPE_UINT64, number, NULL)));
  }
}

/* --- reports --- */

/* What a packet brought for the session's other direction. */
typedef struct {
  gboolean has_own;
  WzpReport own, peer[WZP_REPORTS_MAX];
  guint n_peer;
  guint8 listener;
} News;

static void
gather_news_locked(GstWzpFec *self, WzpTime now, const GstWzpMeta *meta, News *news)
{
  GstWzpFecRecover *recover = &self->recover;
  const WzpFraming *framing = wzp_framing_from_code(meta->code);
  gboolean audio = framing != NULL && framing->frames_per_packet > 0;
  news->listener = meta->slot;
  news->has_own = FALSE;
  news->n_peer = 0;
  while (news->n_peer < WZP_REPORTS_MAX &&
         wzp_fec_receiver_peer_report(recover->receiver, &news->peer[news->n_peer]))
    news->n_peer++;
  /* packets without audio bring reports, too: answered, two silent sides would never fall silent */
  if (audio && self->session != NULL)
    news->has_own = wzp_fec_receiver_report(recover->receiver, now, meta->slot,
                                            GST_TIME_AS_USECONDS(recover->playout), &news->own);
  recover->reports_made += news->has_own;
  recover->reports_heard += news->n_peer;
}

static void
hand_on_news(GstWzpFec *self, const News *news)
{
  if (self->session == NULL)
    return;
  if (news->has_own)
    wzp_session_post_report(self->session, &news->own);
  guint not_ours = 0;
  for (guint n = 0; n < news->n_peer; n++)
    if (!wzp_session_hear_report(self->session, news->listener, &news->peer[n]))
      not_ours++;
  if (not_ours == 0)
    return;
  g_mutex_lock(&self->lock);
  self->recover.reports_not_ours += not_ours;
  g_mutex_unlock(&self->lock);
}

/* --- packets --- */

static WzpTime
packet_time(GstWzpFec *self, GstBuffer *packet, const GstWzpMeta *meta)
{
  if (GST_CLOCK_TIME_IS_VALID(meta->arrival))
    return (WzpTime)GST_TIME_AS_USECONDS(meta->arrival);
  return gst_wzp_fec_now(
      self, gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(packet)));
}

static WzpResult
push_packet_locked(GstWzpFec *self, WzpTime now, GstBuffer *packet, const GstMapInfo *map,
                   GstBufferList *out)
{
  GstWzpFecRecover *recover = &self->recover;
  const GstWzpMeta *meta = gst_wzp_meta_get(packet);
  if (recover->slot >= 0 && (recover->slot != meta->slot || recover->stream != meta->stream))
    gst_wzp_fec_recover_reset_locked(self);
  recover->slot = meta->slot;
  recover->stream = meta->stream;

  gboolean timed = meta->media_time != GST_CLOCK_TIME_NONE;
  const WzpFecPacketInfo info = {.code = meta->code,
                                 .index = meta->index,
                                 .has_media_ms = timed,
                                 .media_ms = timed ? meta->media_time / GST_MSECOND : 0,
                                 .talk_start = (meta->flags & WZP_FLAG_TALK_START) != 0};
  WzpResult result = wzp_fec_receiver_push(recover->receiver, now, &info, map->data, map->size);
  WzpFecReceiverStats stats;
  wzp_fec_receiver_get_stats(recover->receiver, &stats);
  if (stats.restarts != recover->restarts)
    recover->placed = FALSE;
  recover->restarts = stats.restarts;
  wzp_fec_holes_pushed(recover->holes, recover->receiver);
  WzpFecFrame frame;
  guint place = 0;
  while (wzp_fec_receiver_next(recover->receiver, &frame)) {
    gst_buffer_list_add(out, make_frame(recover, packet, map, &frame, place));
    place += frame.recovered ? 0 : 1;
    wzp_fec_holes_came(recover->holes, frame.number);
  }
  wzp_fec_holes_find(recover->holes, recover->receiver);
  return result;
}

void
gst_wzp_fec_recover_packet(GstWzpFec *self, GstBuffer *packet, GstBufferList *out)
{
  const GstWzpMeta *meta = gst_wzp_meta_get(packet);
  GstMapInfo map;
  News news;
  WzpResult result = WZP_MALFORMED;
  gst_wzp_fec_session(self);
  if (meta != NULL && gst_buffer_map(packet, &map, GST_MAP_READ)) {
    WzpTime now = packet_time(self, packet, meta);
    g_mutex_lock(&self->lock);
    result = push_packet_locked(self, now, packet, &map, out);
    gather_news_locked(self, now, meta, &news);
    self->invalid += result != WZP_OK;
    g_mutex_unlock(&self->lock);
    gst_buffer_unmap(packet, &map);
    hand_on_news(self, &news);
  } else {
    g_mutex_lock(&self->lock);
    self->invalid++;
    g_mutex_unlock(&self->lock);
  }
  if (result != WZP_OK)
    GST_LOG_OBJECT(self, "%s: %" GST_PTR_FORMAT, wzp_result_name(result), packet);
  gst_buffer_unref(packet);
}

/* --- what playout says and asks; any thread --- */

gboolean
gst_wzp_fec_recover_event(GstWzpFec *self, GstEvent *event)
{
  guint64 delay;
  if (!gst_event_has_name(event, "wzp-playout-delay") ||
      !gst_structure_get_uint64(gst_event_get_structure(event), "delay", &delay))
    return FALSE;
  g_mutex_lock(&self->lock);
  self->recover.playout = delay;
  g_mutex_unlock(&self->lock);
  return TRUE;
}

/* wzpjitter asks for the round trip between two packets, in the thread that brings them. */
gboolean
gst_wzp_fec_recover_query(GstWzpFec *self, GstQuery *query)
{
  const GstStructure *asked = gst_query_get_structure(query);
  gdouble ms = -1;
  if (asked == NULL || !gst_structure_has_name(asked, "wzp-round-trip") || self->session == NULL)
    return FALSE;
  g_autoptr(GstStructure) stats = wzp_session_get_stats(self->session);
  if (!gst_structure_get_double(stats, "round-trip", &ms) || ms < 0)
    return FALSE;
  gst_structure_set(gst_query_writable_structure(query), "round-trip", G_TYPE_UINT64,
                    (guint64)(ms * GST_MSECOND), NULL);
  return TRUE;
}

GstStructure *
gst_wzp_fec_recover_stats_locked(GstWzpFec *self)
{
  const GstWzpFecRecover *recover = &self->recover;
  WzpFecReceiverStats stats = {0};
  if (recover->receiver != NULL)
    wzp_fec_receiver_get_stats(recover->receiver, &stats);
  guint64 playout = recover->playout;
  return gst_structure_new(
      "application/x-wzp-fec-recover-stats", "packets", G_TYPE_UINT64, stats.packets, "frames",
      G_TYPE_UINT64, stats.frames, "recovered", G_TYPE_UINT64, stats.recovered, "hopeless",
      G_TYPE_UINT64, stats.hopeless, "invalid", G_TYPE_UINT64, self->invalid, "unknown-elements",
      G_TYPE_UINT64, stats.unknown_elements, "restarts", G_TYPE_UINT64, stats.restarts,
      "repair-misplaced", G_TYPE_UINT64, stats.misplaced, "repair-symbols", G_TYPE_UINT64,
      stats.repair_symbols, "repair-redundant", G_TYPE_UINT64, stats.redundant, "repair-late",
      G_TYPE_UINT64, stats.late_repairs, "repair-pending", G_TYPE_UINT64, (guint64)stats.pending,
      "packets-judged", G_TYPE_UINT64, stats.reception.judged, "packets-lost", G_TYPE_UINT64,
      stats.reception.lost, "loss-runs", G_TYPE_UINT64, stats.reception.runs, "reports-made",
      G_TYPE_UINT64, recover->reports_made, "reports-heard", G_TYPE_UINT64, recover->reports_heard,
      "reports-not-ours", G_TYPE_UINT64, recover->reports_not_ours, "playout", G_TYPE_UINT64,
      playout, NULL);
}
