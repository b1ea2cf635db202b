/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpjitter-private.h"
#include "gstwzpmeta.h"

GST_DEBUG_CATEGORY_EXTERN(gst_wzp_jitter_debug);
#define GST_CAT_DEFAULT gst_wzp_jitter_debug

void
gst_wzp_jitter_wake_locked(GstWzpJitter *self)
{
  if (self->wait != NULL)
    gst_clock_id_unschedule(self->wait);
  g_cond_broadcast(&self->changed);
}

gboolean
gst_wzp_jitter_now(GstWzpJitter *self, GstClockTime *now)
{
  GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
  if (clock == NULL)
    return FALSE;
  GstClockTime time = gst_clock_get_time(clock);
  GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  gst_object_unref(clock);
  *now = time > base ? time - base : 0;
  return TRUE;
}

void
gst_wzp_jitter_frame_left_locked(GstWzpJitter *self)
{
  for (GList *link = self->events.head; link != NULL; link = link->next) {
    HeldEvent *held = link->data;
    if (held->ahead > 0)
      held->ahead--;
  }
  g_cond_broadcast(&self->changed); /* chain may wait for room */
}

/* Waits for the clock to reach a running time, or until something changes. */
static void
gst_wzp_jitter_wait_locked(GstWzpJitter *self, gint64 until)
{
  GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
  if (clock == NULL)
    return;
  GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  GstClockID id = gst_clock_new_single_shot_id(clock, base + (GstClockTime)until);
  self->wait = id;
  g_mutex_unlock(&self->lock);
  gst_clock_id_wait(id, NULL);
  g_mutex_lock(&self->lock);
  self->wait = NULL;
  gst_clock_id_unref(id);
  gst_object_unref(clock);
}

/* The next thing to do: an event to push, or else the output. FALSE: there will be none any more. */
static gboolean
gst_wzp_jitter_next_locked(GstWzpJitter *self, HeldEvent **event, WzpJitterOutput *output)
{
  *event = NULL;
  while (!self->flushing && self->flow == GST_FLOW_OK) {
    HeldEvent *held = g_queue_peek_head(&self->events);
    if (held != NULL && held->ahead == 0) {
      *event = g_queue_pop_head(&self->events);
      return TRUE;
    }
    GstClockTime now;
    if (!self->playing) {
      g_cond_wait(&self->changed, &self->lock);
      continue;
    }
    if (self->eos || !gst_wzp_jitter_now(self, &now))
      *output = wzp_jitter_drain(self->jitter);
    else
      *output = wzp_jitter_poll(self->jitter, (gint64)now);
    if (output->action == WZP_JITTER_PLAY || output->action == WZP_JITTER_DROP)
      gst_wzp_jitter_frame_left_locked(self);
    if (output->action == WZP_JITTER_LOST && output->ahead > 0) /* it stays in the queue */
      gst_buffer_ref(GSIZE_TO_POINTER(output->id));
    if (output->action != WZP_JITTER_WAIT)
      return TRUE;
    if (self->eos)
      return FALSE;
    if (output->until == INT64_MAX)
      g_cond_wait(&self->changed, &self->lock);
    else
      gst_wzp_jitter_wait_locked(self, output->until);
  }
  return FALSE;
}

static GstFlowReturn
gst_wzp_jitter_push_frame(GstWzpJitter *self, const WzpJitterOutput *output)
{
  GstBuffer *buffer = gst_buffer_make_writable(GST_BUFFER(GSIZE_TO_POINTER(output->id)));
  GST_BUFFER_PTS(buffer) = (GstClockTime)MAX(output->time, 0);
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(buffer) = (GstClockTime)output->duration;
  if (output->discont)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  else
    GST_BUFFER_FLAG_UNSET(buffer, GST_BUFFER_FLAG_DISCONT);
  GstWzpMeta *meta = gst_wzp_meta_get(buffer);
  if (meta != NULL)
    meta->stretch = output->stretch;
  return gst_pad_push(self->srcpad, buffer);
}

/* An event that is not handled stops nothing; a pad that is gone shows with the next frame. */
static void
gst_wzp_jitter_push_gap(GstWzpJitter *self, const WzpJitterOutput *output)
{
  GstClockTime timestamp = (GstClockTime)MAX(output->time, 0);
  GstClockTime duration = (GstClockTime)output->duration;
  GstEvent *gap = gst_event_new_gap(timestamp, duration);
  if (output->action == WZP_JITTER_LOST) {
    GstStructure *lost =
        gst_structure_new("wzp-frame-lost", "index", G_TYPE_UINT64, output->index, "timestamp",
                          G_TYPE_UINT64, timestamp, "duration", G_TYPE_UINT64, duration, NULL);
    if (output->ahead > 0) {
      GstBuffer *next = GSIZE_TO_POINTER(output->id);
      gst_structure_set(lost, "next", GST_TYPE_BUFFER, next, "ahead", G_TYPE_UINT64,
                        (guint64)output->ahead, NULL);
      gst_buffer_unref(next);
    }
    gst_pad_push_event(self->srcpad, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, lost));
    gst_event_set_gap_flags(gap, GST_GAP_FLAG_MISSING_DATA);
  }
  gst_pad_push_event(self->srcpad, gap);
}

static GstFlowReturn
gst_wzp_jitter_push_output(GstWzpJitter *self, const WzpJitterOutput *output)
{
  switch (output->action) {
  case WZP_JITTER_PLAY:
    return gst_wzp_jitter_push_frame(self, output);
  case WZP_JITTER_DROP:
    gst_buffer_unref(GSIZE_TO_POINTER(output->id));
    return GST_FLOW_OK;
  case WZP_JITTER_LOST:
  case WZP_JITTER_SILENCE:
    gst_wzp_jitter_push_gap(self, output);
    return GST_FLOW_OK;
  case WZP_JITTER_WAIT:
    break;
  }
  g_return_val_if_reached(GST_FLOW_ERROR);
}

/* The task's end: by EOS, flushing, or because nobody downstream takes anything. */
static void
gst_wzp_jitter_end_task(GstWzpJitter *self, GstFlowReturn flow, gboolean drained, guint32 seqnum)
{
  GST_DEBUG_OBJECT(self, "task pauses: %s", drained ? "eos" : gst_flow_get_name(flow));
  gst_pad_pause_task(self->srcpad);
  if (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR(self, flow);
  if (drained || flow == GST_FLOW_NOT_LINKED || flow <= GST_FLOW_EOS) {
    GstEvent *eos = gst_event_new_eos();
    if (drained)
      gst_event_set_seqnum(eos, seqnum);
    gst_pad_push_event(self->srcpad, eos);
  }
}

void
gst_wzp_jitter_loop(gpointer data)
{
  GstWzpJitter *self = data;
  WzpJitterOutput output = {0};
  HeldEvent *held = NULL;

  g_mutex_lock(&self->lock);
  gboolean more = gst_wzp_jitter_next_locked(self, &held, &output);
  GstFlowReturn flow = self->flushing ? GST_FLOW_FLUSHING : self->flow;
  gboolean drained = !more && flow == GST_FLOW_OK;
  guint32 seqnum = self->eos_seqnum;
  if (drained) {
    self->flow = GST_FLOW_EOS;
    gst_wzp_jitter_wake_locked(self);
  }
  g_mutex_unlock(&self->lock);

  if (!more) {
    gst_wzp_jitter_end_task(self, flow, drained, seqnum);
    return;
  }
  if (held != NULL) {
    gst_pad_push_event(self->srcpad, held->event);
    g_free(held);
    return;
  }
  flow = gst_wzp_jitter_push_output(self, &output);
  if (flow == GST_FLOW_OK)
    return;
  g_mutex_lock(&self->lock);
  if (!self->flushing)
    self->flow = flow;
  gst_wzp_jitter_wake_locked(self);
  g_mutex_unlock(&self->lock);
}
