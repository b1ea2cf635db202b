/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpquiet.h"

/* A silence is so many steps in a row, the one in which the last buffer came left out. */
#define STEPS 4

struct _GstWzpQuiet {
  gatomicrefcount references; /* the owner, the probe, and the wait or the call that follows it */
  GstElement *source;
  GstPad *pad;
  gulong probe;
  GstClock *clock;
  GstClockTime patience;
  GMutex lock;       /* guards what follows; nothing else is locked while it is held */
  guint quiet_steps; /* in a row, to now */
  GstClockID wait;
  gboolean stopped;
};

static void
unref(gpointer data)
{
  GstWzpQuiet *quiet = data;
  if (!g_atomic_ref_count_dec(&quiet->references))
    return;
  gst_object_unref(quiet->pad);
  gst_object_unref(quiet->clock);
  gst_object_unref(quiet->source);
  g_mutex_clear(&quiet->lock);
  g_free(quiet);
}

static GstWzpQuiet *
ref(GstWzpQuiet *quiet)
{
  g_atomic_ref_count_inc(&quiet->references);
  return quiet;
}

static GstPadProbeReturn
heard(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  (void)info;
  GstWzpQuiet *quiet = data;
  g_mutex_lock(&quiet->lock);
  quiet->quiet_steps = 0;
  g_mutex_unlock(&quiet->lock);
  return GST_PAD_PROBE_OK;
}

/* In a thread of its own: an EOS event waits for the streaming thread, the clock must not. */
static void
end_stream(GstElement *source, gpointer data)
{
  GstWzpQuiet *quiet = data;
  g_mutex_lock(&quiet->lock);
  gboolean stopped = quiet->stopped;
  g_mutex_unlock(&quiet->lock);
  if (!stopped)
    gst_element_send_event(source, gst_event_new_eos());
}

static void wait_step(GstWzpQuiet *quiet);

static gboolean
step_passed(GstClock *clock, GstClockTime time, GstClockID id, gpointer data)
{
  (void)clock;
  (void)id;
  GstWzpQuiet *quiet = data;
  g_mutex_lock(&quiet->lock);
  gboolean stopped = quiet->stopped;
  gboolean over = ++quiet->quiet_steps > STEPS;
  g_mutex_unlock(&quiet->lock);
  if (stopped || !GST_CLOCK_TIME_IS_VALID(time))
    return TRUE;
  if (!over)
    wait_step(quiet);
  else
    gst_element_call_async(quiet->source, end_stream, ref(quiet), unref);
  return TRUE;
}

/* Counted from now, not from when the last step was due: what a machine slept through is one step at most. */
static void
wait_step(GstWzpQuiet *quiet)
{
  GstClockTime when = gst_clock_get_time(quiet->clock) + quiet->patience / STEPS;
  GstClockID wait = gst_clock_new_single_shot_id(quiet->clock, when);
  g_mutex_lock(&quiet->lock);
  GstClockID before = quiet->wait;
  quiet->wait = quiet->stopped ? NULL : gst_clock_id_ref(wait);
  gboolean stopped = quiet->stopped;
  g_mutex_unlock(&quiet->lock);
  if (before != NULL)
    gst_clock_id_unref(before);
  if (!stopped)
    gst_clock_id_wait_async(wait, step_passed, ref(quiet), unref);
  gst_clock_id_unref(wait);
}

GstWzpQuiet *
gst_wzp_quiet_start(GstElement *source, GstClock *clock, GstClockTime patience)
{
  GstWzpQuiet *quiet = g_new0(GstWzpQuiet, 1);
  g_atomic_ref_count_init(&quiet->references);
  g_mutex_init(&quiet->lock);
  quiet->source = gst_object_ref(source);
  quiet->pad = gst_element_get_static_pad(source, "src");
  quiet->clock = gst_object_ref(clock);
  quiet->patience = patience;
  quiet->probe = gst_pad_add_probe(quiet->pad, GST_PAD_PROBE_TYPE_BUFFER, heard, ref(quiet), unref);
  wait_step(quiet);
  return quiet;
}

void
gst_wzp_quiet_stop(GstWzpQuiet *quiet)
{
  if (quiet == NULL)
    return;
  g_mutex_lock(&quiet->lock);
  quiet->stopped = TRUE;
  GstClockID wait = g_steal_pointer(&quiet->wait);
  g_mutex_unlock(&quiet->lock);
  if (wait != NULL) {
    gst_clock_id_unschedule(wait);
    gst_clock_id_unref(wait);
  }
  gst_pad_remove_probe(quiet->pad, quiet->probe);
  unref(quiet);
}
