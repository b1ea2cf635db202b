/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpfec-private.h"
#include "wzp/comfort-noise.h"
#include "wzp/packet.h"

GST_DEBUG_CATEGORY_EXTERN(gst_wzp_fec_debug);
#define GST_CAT_DEFAULT gst_wzp_fec_debug

/* Room that wzpcrypt needs around a bundle: the full header and the tag. */
#define PACKET_PREFIX WZP_HEADER_FULL_SIZE
#define PACKET_PADDING WZP_TAG_SIZE
/* Turns of silence that a long gap gets at once: nothing is owed to frames that are farther back. */
#define GAP_TURNS (WZP_FEC_WINDOW_MAX * 2)
#define FRAME_TIME_LEAST (20 * GST_MSECOND)

void
gst_wzp_fec_protect_begin_locked(GstWzpFec *self)
{
  if (self->protect.sender == NULL)
    self->protect.sender = wzp_fec_sender_new(&self->limits);
  if (self->protect.quality == NULL)
    gst_wzp_fec_quality_begin_locked(self);
  self->limits_changed = FALSE;
}

void
gst_wzp_fec_protect_clear(GstWzpFec *self)
{
  g_clear_pointer(&self->protect.sender, wzp_fec_sender_free);
  g_clear_pointer(&self->protect.quality, wzp_quality_free);
  gst_clear_object(&self->protect.media_clock);
  self->protect = (GstWzpFecProtect){.media_last = GST_CLOCK_TIME_NONE};
}

void
gst_wzp_fec_protect_reset_locked(GstWzpFec *self)
{
  GstWzpFecProtect *protect = &self->protect;
  if (protect->sender != NULL)
    wzp_fec_sender_reset(protect->sender);
  protect->next_frame = 0;
  protect->framing = NULL;
  protect->next_turn = 0;
  protect->carrying = FALSE;
  protect->interrupted = TRUE;
}

GstClockTime
gst_wzp_fec_protect_latency_locked(GstWzpFec *self)
{
  const GstWzpFecProtect *protect = &self->protect;
  if (protect->sender == NULL || protect->framing == NULL)
    return 0;
  const WzpFraming *framing = protect->framing;
  guint frames = wzp_framing_frames_up_to(framing->codec, framing->frame_ms,
                                          wzp_fec_sender_plan(protect->sender)->frames_per_packet);
  return (MAX(frames, framing->frames_per_packet) - 1) * framing->frame_ms * GST_MSECOND;
}

static GstClockTime
media_time_locked(GstWzpFec *self, GstClockTime running_time)
{
  return (GstClockTime)((gint64)running_time + self->protect.media_shift);
}

/* As wzpcrypt writes it into the header. */
static guint64
media_ms_locked(GstWzpFec *self, GstClockTime running_time)
{
  return (media_time_locked(self, running_time) + GST_MSECOND / 2) / GST_MSECOND;
}

/* Over a seek running time begins anew, and over a pause it stands still. Who listens knows of neither: for them the time
 * of what we say goes on with the clock. */
static void
follow_clock_locked(GstWzpFec *self, GstClockTime running_time)
{
  GstWzpFecProtect *protect = &self->protect;
  GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
  GstClockTime at = clock != NULL ? gst_clock_get_time(clock) : 0;
  if (protect->interrupted && GST_CLOCK_TIME_IS_VALID(protect->media_last)) {
    GstClockTime passed =
        protect->framing != NULL ? protect->framing->frame_ms * GST_MSECOND : FRAME_TIME_LEAST;
    if (clock != NULL && clock == protect->media_clock && at > protect->media_last_at)
      passed = MAX(passed, at - protect->media_last_at);
    protect->media_shift = (gint64)(protect->media_last + passed) - (gint64)running_time;
  }
  protect->interrupted = FALSE;
  protect->media_last = media_time_locked(self, running_time);
  protect->media_last_at = at;
  gst_object_replace((GstObject **)&protect->media_clock, (GstObject *)clock);
  gst_clear_object(&clock);
}

static GstBuffer *
make_packet_locked(GstWzpFec *self, const WzpFecPacket *packet)
{
  GstWzpFecProtect *protect = &self->protect;
  const WzpFraming *framing = wzp_framing_from_code(packet->code);
  GstAllocationParams params;
  gst_allocation_params_init(&params);
  params.prefix = PACKET_PREFIX;
  params.padding = PACKET_PADDING;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, packet->length, &params);
  gst_buffer_fill(buffer, 0, packet->bundle, packet->length);

  GstWzpMeta *meta = gst_wzp_meta_add(buffer);
  meta->code = packet->code;
  meta->index = packet->position;
  if (packet->n_frames > 0) {
    const GstWzpFecOrigin *origin = &protect->origins[packet->first % GST_WZP_FEC_ORIGINS];
    GST_BUFFER_PTS(buffer) = origin->pts;
    GST_BUFFER_DURATION(buffer) = packet->n_frames * framing->frame_ms * GST_MSECOND;
    meta->media_time = origin->media_time;
  } else {
    gint64 running_time = (gint64)(packet->media_ms * GST_MSECOND) - protect->media_shift;
    GST_BUFFER_PTS(buffer) = gst_segment_position_from_running_time(&self->segment, GST_FORMAT_TIME,
                                                                    (guint64)MAX(running_time, 0));
    meta->media_time = packet->media_ms * GST_MSECOND;
  }
  if (packet->gap)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  protect->carrying = FALSE;
  wzp_quality_sent(protect->quality, gst_wzp_fec_now(self, meta->media_time), packet->media_ms,
                   packet->n_frames > 0,
                   wzp_fec_packet_overhead(&self->limits) + (guint)packet->length);
  return buffer;
}

static void
poll_packets_locked(GstWzpFec *self, GstBufferList *out)
{
  WzpFecPacket packet;
  while (wzp_fec_sender_poll(self->protect.sender, &packet))
    gst_buffer_list_add(out, make_packet_locked(self, &packet));
}

/* Packets that the session itself put into our stream: repair counts back over them. */
static void
count_others(GstWzpFec *self, WzpSession *session)
{
  guint64 others = wzp_session_count_unplaced(session);
  g_mutex_lock(&self->lock);
  wzp_fec_sender_skip(self->protect.sender, others - self->protect.others);
  self->protect.others = others;
  g_mutex_unlock(&self->lock);
}

/* What the session's other direction has for us: what others say of our stream, and what we say of theirs. */
static void
exchange_reports(GstWzpFec *self, WzpTime now)
{
  WzpSession *session = gst_wzp_fec_session(self);
  WzpFecSenderStats stats;
  WzpReport report;
  guint8 listener;
  if (session == NULL)
    return;
  count_others(self, session);
  while (wzp_session_take_left(session, &listener)) {
    g_mutex_lock(&self->lock);
    const WzpListener *next = wzp_listeners_forget(&self->protect.listeners, listener);
    if (next != NULL)
      wzp_fec_sender_follow(self->protect.sender, now, &next->report, next->loss);
    self->limits_changed |= wzp_quality_left(self->protect.quality, now, listener);
    wzp_fec_sender_get_stats(self->protect.sender, now, &stats);
    g_mutex_unlock(&self->lock);
    wzp_session_set_loss(session, stats.channel.loss);
  }
  while (wzp_session_take_heard(session, &listener, &report)) {
    g_mutex_lock(&self->lock);
    if (wzp_listeners_report(&self->protect.listeners, now, listener, &report))
      wzp_fec_sender_handle_report(self->protect.sender, now, &report);
    wzp_fec_sender_get_stats(self->protect.sender, now, &stats);
    gst_wzp_fec_quality_heard_locked(self, now, listener, &report, &stats.channel);
    g_mutex_unlock(&self->lock);
    wzp_session_set_loss(session, stats.channel.loss);
  }
  if (self->protect.carrying || !wzp_session_take_report(session, &report))
    return;
  g_mutex_lock(&self->lock);
  wzp_fec_sender_carry_report(self->protect.sender, now, &report);
  wzp_quality_own_report(self->protect.quality, now, &report);
  self->protect.carrying = TRUE;
  g_mutex_unlock(&self->lock);
}

static void
apply_limits_locked(GstWzpFec *self)
{
  if (!self->limits_changed)
    return;
  WzpFecLimits limits = gst_wzp_fec_quality_limits_locked(self);
  wzp_fec_sender_set_limits(self->protect.sender, &limits);
  self->limits_changed = FALSE;
}

/* Frames are sent whatever the budget: who set it should know. */
static void
warn_of_budget(GstWzpFec *self)
{
  g_mutex_lock(&self->lock);
  const WzpFecPlan plan = *wzp_fec_sender_plan(self->protect.sender);
  guint budget = self->limits.budget;
  gboolean warn = budget != 0 && budget < plan.least_budget && !self->protect.budget_warned &&
                  !self->limits_changed;
  self->protect.budget_warned |= warn;
  g_mutex_unlock(&self->lock);
  if (warn)
    GST_ELEMENT_WARNING(self, RESOURCE, SETTINGS,
                        ("budget=%u is exceeded: the frames alone take %u bit/s with all headers, "
                         "%u of %s in a packet. Give at least that, frames-per-packet=0 or a lower "
                         "profile of wzpenc.",
                         budget, plan.least_budget, plan.frames_per_packet, plan.profile->name),
                        (NULL));
}

/* Nothing at all would be heard, and nothing else would say why. */
static void
warn_of_time(GstWzpFec *self, GstBuffer *buffer)
{
  g_mutex_lock(&self->lock);
  gboolean warn = !GST_BUFFER_PTS_IS_VALID(buffer) && !self->protect.time_warned;
  self->protect.time_warned |= warn;
  g_mutex_unlock(&self->lock);
  if (warn)
    GST_ELEMENT_WARNING(self, STREAM, FORMAT,
                        ("Sound without time stamps is not sent: its source must set them; with "
                         "appsrc and fakesrc do-timestamp=true does."),
                        ("%" GST_PTR_FORMAT, buffer));
}

static WzpResult
push_frame_locked(GstWzpFec *self, WzpTime now, GstClockTime running_time, GstBuffer *buffer,
                  const GstMapInfo *map)
{
  GstWzpFecProtect *protect = &self->protect;
  const GstWzpMeta *meta = gst_wzp_meta_get(buffer);
  if (meta->code == WZP_CODE_COMFORT_NOISE) {
    protect->next_turn = running_time + WZP_COMFORT_FRAME_MS * GST_MSECOND;
    return wzp_fec_sender_comfort(protect->sender, now, media_ms_locked(self, running_time),
                                  map->data, map->size);
  }
  const WzpFecSourceFrame frame = {
      .code = meta->code,
      .media_ms = media_ms_locked(self, running_time),
      .talk_start = protect->left_out || GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT),
      .data = map->data,
      .length = map->size};
  protect->origins[protect->next_frame % GST_WZP_FEC_ORIGINS] =
      (GstWzpFecOrigin){GST_BUFFER_PTS(buffer), media_time_locked(self, running_time)};
  WzpResult result = wzp_fec_sender_push(protect->sender, now, &frame);
  if (result == WZP_OK) {
    protect->left_out = FALSE;
    protect->next_frame++;
    protect->framing = wzp_framing_from_code(meta->code);
    protect->next_turn = running_time + protect->framing->frame_ms * GST_MSECOND;
  }
  return result;
}

/* The way is so full that the frame would come too late. */
static void
leave_out_locked(GstWzpFec *self, WzpTime now, GstClockTime running_time, GstBuffer *buffer)
{
  GstWzpFecProtect *protect = &self->protect;
  protect->left_out = TRUE;
  protect->frames_left_out++;
  protect->next_turn = running_time + GST_BUFFER_DURATION(buffer);
  wzp_fec_sender_silence(protect->sender, now, media_ms_locked(self, running_time));
}

void
gst_wzp_fec_protect_frame(GstWzpFec *self, GstBuffer *buffer, GstBufferList *out)
{
  GstMapInfo map;
  GstClockTime running_time =
      gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  gboolean usable = GST_CLOCK_TIME_IS_VALID(running_time) && gst_wzp_meta_get(buffer) != NULL &&
                    gst_buffer_map(buffer, &map, GST_MAP_READ);
  if (usable) {
    WzpTime now = gst_wzp_fec_now(self, running_time);
    exchange_reports(self, now);
    gst_wzp_fec_quality_before(self, now);
    g_mutex_lock(&self->lock);
    apply_limits_locked(self);
    follow_clock_locked(self, running_time);
    WzpResult result = WZP_OK;
    if (gst_wzp_fec_quality_is_paused_locked(self, now))
      leave_out_locked(self, now, running_time, buffer);
    else
      result = push_frame_locked(self, now, running_time, buffer, &map);
    poll_packets_locked(self, out);
    g_mutex_unlock(&self->lock);
    gst_buffer_unmap(buffer, &map);
    gst_wzp_fec_quality_after(self, now);
    if (result == WZP_OK)
      warn_of_budget(self);
    else
      GST_LOG_OBJECT(self, "%s: %" GST_PTR_FORMAT, wzp_result_name(result), buffer);
  } else {
    GST_LOG_OBJECT(self, "not a frame, or without a time: %" GST_PTR_FORMAT, buffer);
    g_mutex_lock(&self->lock);
    self->invalid++;
    g_mutex_unlock(&self->lock);
    warn_of_time(self, buffer);
  }
  gst_buffer_unref(buffer);
}

/* Each frame time of silence is a turn in which what is owed to the last frames may go. Gaps may be shorter than
 * that, or much longer. */
void
gst_wzp_fec_protect_gap(GstWzpFec *self, GstEvent *gap, GstBufferList *out)
{
  GstWzpFecProtect *protect = &self->protect;
  GstClockTime start, duration;
  gst_event_parse_gap(gap, &start, &duration);
  GstClockTime running_time = gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, start);
  if (protect->framing == NULL || !GST_CLOCK_TIME_IS_VALID(running_time))
    return;
  GstClockTime frame_time = protect->framing->frame_ms * GST_MSECOND;
  GstClockTime end =
      running_time + (GST_CLOCK_TIME_IS_VALID(duration) ? MAX(duration, 1) : frame_time);
  GstClockTime at = running_time;
  if (protect->next_turn > at && protect->next_turn - at <= frame_time)
    at = protect->next_turn;
  for (guint turn = 0; turn < GAP_TURNS && at < end; turn++) {
    WzpTime now = gst_wzp_fec_now(self, at);
    exchange_reports(self, now);
    gst_wzp_fec_quality_before(self, now);
    g_mutex_lock(&self->lock);
    apply_limits_locked(self);
    follow_clock_locked(self, at);
    wzp_fec_sender_silence(protect->sender, now, media_ms_locked(self, at));
    poll_packets_locked(self, out);
    g_mutex_unlock(&self->lock);
    gst_wzp_fec_quality_after(self, now);
    at += frame_time;
  }
  protect->next_turn = MAX(at, end);
}

void
gst_wzp_fec_protect_finish(GstWzpFec *self, gboolean end, GstBufferList *out)
{
  WzpTime now = gst_wzp_fec_now(self, 0);
  WzpSession *session = gst_wzp_fec_session(self);
  if (session != NULL)
    count_others(self, session);
  g_mutex_lock(&self->lock);
  if (self->protect.framing != NULL && end)
    wzp_fec_sender_end(self->protect.sender, now);
  else if (self->protect.framing != NULL)
    wzp_fec_sender_finish(self->protect.sender, now);
  self->protect.left_out |= end;
  poll_packets_locked(self, out);
  g_mutex_unlock(&self->lock);
}

void
gst_wzp_fec_protect_resume(GstWzpFec *self)
{
  g_mutex_lock(&self->lock);
  self->protect.interrupted = TRUE;
  g_mutex_unlock(&self->lock);
}

GstStructure *
gst_wzp_fec_protect_stats_locked(GstWzpFec *self)
{
  WzpFecSenderStats stats = {0};
  WzpFecPlan plan = {.scheme = WZP_FEC_NONE};
  if (self->protect.sender != NULL) {
    wzp_fec_sender_get_stats(self->protect.sender, gst_wzp_fec_now(self, 0), &stats);
    plan = *wzp_fec_sender_plan(self->protect.sender);
  }
  guint64 invalid = self->invalid + stats.invalid;
  GstStructure *structure = gst_structure_new(
      "application/x-wzp-fec-protect-stats", "frames", G_TYPE_UINT64, stats.frames, "packets",
      G_TYPE_UINT64, stats.packets, "invalid", G_TYPE_UINT64, invalid, "repair-symbols",
      G_TYPE_UINT64, stats.repair_symbols, "frame-bytes", G_TYPE_UINT64, stats.frame_bytes,
      "repair-bytes", G_TYPE_UINT64, stats.repair_bytes, "bundle-bytes", G_TYPE_UINT64,
      stats.bundle_bytes, "reports-carried", G_TYPE_UINT64, stats.reports_carried,
      "reports-handled", G_TYPE_UINT64, stats.reports_handled, "reports-stale", G_TYPE_UINT64,
      stats.reports_stale, "plan-changes", G_TYPE_UINT64, stats.plans, "scheme", G_TYPE_STRING,
      wzp_fec_scheme_name(plan.scheme), "frames-per-packet", G_TYPE_UINT, plan.frames_per_packet,
      "loss", G_TYPE_DOUBLE, stats.channel.loss, "mean-burst", G_TYPE_DOUBLE,
      wzp_channel_mean_burst(&stats.channel), "frames-left-out", G_TYPE_UINT64,
      self->protect.frames_left_out, "expected-loss", G_TYPE_DOUBLE, plan.expected_loss, "profile",
      G_TYPE_STRING, plan.profile != NULL ? plan.profile->name : "", NULL);
  gst_wzp_fec_quality_put_stats_locked(self, structure);
  return structure;
}
