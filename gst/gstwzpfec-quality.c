/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpfec-private.h"

GST_DEBUG_CATEGORY_EXTERN(gst_wzp_fec_debug);
#define GST_CAT_DEFAULT gst_wzp_fec_debug

/* How well the sending side of a session may speak: wzp/quality.h on the reports that come, wzpenc upstream and the bus.
 * Without a session nobody reports, and nothing is decided. */

#define VERDICT_HOLDS (2 * WZP_SECOND) /* another verdict is told no sooner */

static WzpQualityMode
mode_of(GstWzpFecTier setting)
{
  switch (setting) {
  case GST_WZP_FEC_TIER_MANUAL:
    return WZP_QUALITY_FIXED;
  case GST_WZP_FEC_TIER_COMPATIBLE:
    return WZP_QUALITY_COMPATIBLE;
  default:
    return WZP_QUALITY_AUTO;
  }
}

/* --- wzpenc: what it may do at best, and what it shall do --- */

static const WzpProfile *
ask_wanted(GstWzpFec *self)
{
  const WzpProfile *profile = NULL;
  GstQuery *query =
      gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty("wzp-wanted-profile"));
  if (gst_pad_peer_query(self->sinkpad, query))
    profile =
        wzp_profile_by_name(gst_structure_get_string(gst_query_get_structure(query), "profile"));
  gst_query_unref(query);
  return profile;
}

static void
tell_encoder(GstWzpFec *self, const WzpProfile *profile)
{
  if (profile == self->protect.asked)
    return;
  self->protect.asked = profile;
  GST_DEBUG_OBJECT(self, "asks for %s", profile != NULL ? profile->name : "what is wanted");
  GstStructure *structure = gst_structure_new("wzp-profile", "profile", G_TYPE_STRING,
                                              profile != NULL ? profile->name : "", NULL);
  gst_pad_push_event(self->sinkpad, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure));
}

/* --- the bus --- */

static void
put_state(GstStructure *structure, const WzpQualityState *state)
{
  gst_structure_set(
      structure, "tier", G_TYPE_STRING, wzp_tier_name(state->tier), "reason", G_TYPE_STRING,
      wzp_reason_name(state->reason), "verdict", G_TYPE_STRING, wzp_verdict_name(state->verdict),
      "network", G_TYPE_STRING, wzp_network_name(state->network), "limit", G_TYPE_UINT,
      state->limit, "uplink-loss", G_TYPE_DOUBLE, state->loss, "residual-loss", G_TYPE_DOUBLE,
      state->residual, "downlink-loss", G_TYPE_DOUBLE, state->downlink_loss, "queue-ms",
      G_TYPE_DOUBLE, state->queue, "jitter-ms", G_TYPE_DOUBLE, state->jitter, "path-round-trip",
      G_TYPE_DOUBLE, state->round_trip < 0 ? -1.0 : (gdouble)state->round_trip / WZP_MSEC,
      "drift-ppm", G_TYPE_DOUBLE, state->drift_ppm, "listeners", G_TYPE_UINT, state->listeners,
      "tier-steps-down", G_TYPE_UINT64, state->steps_down, "tier-steps-up", G_TYPE_UINT64,
      state->steps_up, "limit-cuts", G_TYPE_UINT64, state->cuts, "limit-probes", G_TYPE_UINT64,
      state->probes, NULL);
}

static void
post(GstWzpFec *self, const WzpQualityState *state, const WzpProfile *profile)
{
  g_autofree gchar *text = wzp_quality_text(state);
  GstStructure *structure = gst_structure_new("wzp-quality", "text", G_TYPE_STRING, text, "profile",
                                              G_TYPE_STRING, profile->name, NULL);
  put_state(structure, state);
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

static void
tell_application(GstWzpFec *self, WzpTime now)
{
  GstWzpFecProtect *protect = &self->protect;
  WzpQualityState state;
  g_mutex_lock(&self->lock);
  wzp_quality_get_state(protect->quality, now, &state);
  const WzpProfile *profile = wzp_fec_sender_plan(protect->sender)->profile;
  g_mutex_unlock(&self->lock);
  gboolean tier = state.tier != protect->told.tier;
  gboolean verdict =
      state.verdict != protect->told.verdict && now - protect->told_at >= VERDICT_HOLDS;
  if (protect->told_any && !tier && !verdict)
    return;
  protect->told_any = TRUE;
  protect->told = state;
  protect->told_at = now;
  post(self, &state, profile);
}

/* --- life --- */

void
gst_wzp_fec_quality_begin_locked(GstWzpFec *self)
{
  GstWzpFecProtect *protect = &self->protect;
  protect->quality = wzp_quality_new();
  protect->settings_changed = TRUE;
}

static gboolean
take_settings_locked(GstWzpFec *self, WzpTime now)
{
  GstWzpFecProtect *protect = &self->protect;
  gboolean changed = protect->settings_changed;
  protect->settings_changed = FALSE;
  if (changed) {
    wzp_quality_set_mode(protect->quality, mode_of(self->tier));
    wzp_quality_set_tier(protect->quality, self->tier >= GST_WZP_FEC_TIER_FIRST
                                               ? (WzpTier)(self->tier - GST_WZP_FEC_TIER_FIRST)
                                               : WZP_N_TIERS);
    wzp_quality_set_network(protect->quality, now, self->network);
  }
  return changed;
}

void
gst_wzp_fec_quality_before(GstWzpFec *self, WzpTime now)
{
  GstWzpFecProtect *protect = &self->protect;
  if (self->session == NULL)
    return;
  const WzpProfile *wanted = ask_wanted(self);
  const guint64 way = wzp_session_count_ways(self->session);
  g_mutex_lock(&self->lock);
  const guint rate = wzp_quality_session_rate(protect->quality, now);
  g_mutex_unlock(&self->lock);
  const guint64 beside = wzp_session_share_way(self->session, rate);
  g_mutex_lock(&self->lock);
  wzp_quality_set_way(protect->quality, way);
  wzp_quality_sent_beside(protect->quality, beside - protect->beside);
  wzp_fec_sender_spent(protect->sender, beside - protect->beside);
  protect->beside = beside;
  wzp_quality_set_profile(protect->quality, wanted);
  gboolean changed = wanted != protect->wanted;
  protect->wanted = wanted;
  changed |= take_settings_locked(self, now);
  changed |= wzp_quality_tick(protect->quality, now);
  self->limits_changed |= changed;
  g_mutex_unlock(&self->lock);
}

void
gst_wzp_fec_quality_heard_locked(GstWzpFec *self, WzpTime now, guint8 listener,
                                 const WzpReport *report, const WzpChannelState *channel)
{
  self->limits_changed |=
      wzp_quality_report(self->protect.quality, now, listener, report, &self->limits,
                         wzp_fec_sender_plan(self->protect.sender), channel);
}

WzpFecLimits
gst_wzp_fec_quality_limits_locked(GstWzpFec *self)
{
  return self->session != NULL ? wzp_quality_limits(self->protect.quality, &self->limits)
                               : self->limits;
}

gboolean
gst_wzp_fec_quality_is_paused_locked(GstWzpFec *self, WzpTime now)
{
  return self->session != NULL && wzp_quality_is_paused(self->protect.quality, now);
}

void
gst_wzp_fec_quality_after(GstWzpFec *self, WzpTime now)
{
  GstWzpFecProtect *protect = &self->protect;
  if (self->session == NULL || protect->quality == NULL)
    return;
  g_mutex_lock(&self->lock);
  const WzpProfile *profile = protect->wanted != NULL && self->tier != GST_WZP_FEC_TIER_MANUAL
                                  ? wzp_fec_sender_plan(protect->sender)->profile
                                  : NULL;
  g_mutex_unlock(&self->lock);
  tell_encoder(self, profile == protect->wanted ? NULL : profile);
  tell_application(self, now);
}

void
gst_wzp_fec_quality_put_stats_locked(GstWzpFec *self, GstStructure *stats)
{
  WzpQualityState state = {.verdict = WZP_VERDICT_UNKNOWN, .tier = WZP_TIER_GOOD, .round_trip = -1};
  if (self->protect.quality != NULL)
    wzp_quality_get_state(self->protect.quality, gst_wzp_fec_now(self, 0), &state);
  put_state(stats, &state);
  g_autofree gchar *text = wzp_quality_text(&state);
  gst_structure_set(stats, "verdict-text", G_TYPE_STRING, text, NULL);
}
