/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpjitter-private.h"

#define PLAYOUT_STEP (10 * GST_MSECOND) /* smaller changes are not told */
#define LATENCY_STEP (10 * GST_MSECOND)
#define ROUND_TRIP_FRAMES 100 /* how often it is asked for */

void
gst_wzp_jitter_tell_playout(GstWzpJitter *self)
{
  WzpJitterStats stats;
  g_mutex_lock(&self->lock);
  wzp_jitter_get_stats(self->jitter, &stats);
  gboolean changed =
      self->told_playout < 0 || ABS(stats.playout - self->told_playout) >= (gint64)PLAYOUT_STEP;
  if (changed)
    self->told_playout = stats.playout;
  g_mutex_unlock(&self->lock);
  if (changed)
    gst_pad_push_event(
        self->sinkpad,
        gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
                             gst_structure_new("wzp-playout-delay", "delay", G_TYPE_UINT64,
                                               (guint64)stats.playout, NULL)));
}

gint64
gst_wzp_jitter_reported_locked(GstWzpJitter *self)
{
  return self->latency > 0 || self->report_latency ? wzp_jitter_latency(self->jitter) : 0;
}

void
gst_wzp_jitter_tell_latency(GstWzpJitter *self)
{
  g_mutex_lock(&self->lock);
  gint64 latency = gst_wzp_jitter_reported_locked(self);
  gboolean changed = ABS(latency - self->told_latency) >= (gint64)LATENCY_STEP;
  if (changed)
    self->told_latency = latency;
  g_mutex_unlock(&self->lock);
  if (changed)
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

void
gst_wzp_jitter_ask_round_trip(GstWzpJitter *self)
{
  guint64 hop;
  if (self->until_asked-- > 0)
    return;
  self->until_asked = ROUND_TRIP_FRAMES;
  GstQuery *query =
      gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty("wzp-round-trip"));
  if (gst_pad_peer_query(self->sinkpad, query) &&
      gst_structure_get_uint64(gst_query_get_structure(query), "round-trip", &hop)) {
    g_mutex_lock(&self->lock);
    wzp_jitter_set_round_trip(self->jitter, (gint64)(2 * hop));
    g_mutex_unlock(&self->lock);
  }
  gst_query_unref(query);
}

gboolean
gst_wzp_jitter_src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstWzpJitter *self = GST_WZP_JITTER(parent);
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);

  gboolean live;
  GstClockTime min = 0;
  if (gst_pad_peer_query(self->sinkpad, query))
    gst_query_parse_latency(query, &live, &min, NULL);
  g_mutex_lock(&self->lock);
  GstClockTime own = (GstClockTime)gst_wzp_jitter_reported_locked(self);
  self->answered_latency = (gint64)own;
  g_mutex_unlock(&self->lock);
  /* what downstream waits longer the queue here holds */
  gst_query_set_latency(query, TRUE, min + own, GST_CLOCK_TIME_NONE);
  return TRUE;
}

gboolean
gst_wzp_jitter_src_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpJitter *self = GST_WZP_JITTER(parent);
  gint64 by;
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY) {
    /* from now on our times are played so much later: they move to where the sound stays */
    g_mutex_lock(&self->lock);
    wzp_jitter_set_reported(self->jitter, self->answered_latency);
    g_mutex_unlock(&self->lock);
  } else if (gst_event_has_name(event, "wzp-frame-stretched")) {
    g_mutex_lock(&self->lock);
    if (gst_structure_get_int64(gst_event_get_structure(event), "by", &by))
      wzp_jitter_stretched(self->jitter, by);
    g_mutex_unlock(&self->lock);
    gst_event_unref(event);
    return TRUE;
  }
  return gst_pad_event_default(pad, parent, event);
}
