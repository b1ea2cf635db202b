/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpgate.h"

#define BUFFERS (GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST)

struct _GstWzpGate {
  GMutex lock; /* guards what follows; only pad probes are touched while it is held */
  GstPad *pad;
  GstElement *pace;
  gulong probe; /* holds what nobody would hear; 0: open */
  gulong end;   /* answers EOS; 0: not asked for */
  gboolean asked, live, peer_came, playing;
};

static gboolean
input_is_live(GstPad *pad)
{
  gboolean live = FALSE;
  GstQuery *query = gst_query_new_latency();
  if (gst_pad_peer_query(pad, query))
    gst_query_parse_latency(query, &live, NULL, NULL);
  gst_query_unref(query);
  return live;
}

/* Streaming thread, for each buffer that comes to a closed gate. The first one also tells what kind of
 * input this is: live audio comes at its own pace; everything else is paced by the clock, counted from
 * the first frame that passes, and its time stamps stay as they are. */
static GstPadProbeReturn
hold(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)info;
  GstWzpGate *gate = data;
  g_mutex_lock(&gate->lock);
  gboolean first = !gate->asked;
  g_mutex_unlock(&gate->lock);
  gboolean live = first && input_is_live(pad);
  if (first)
    g_object_set(gate->pace, "sync", !live, NULL);

  GstPadProbeReturn result = GST_PAD_PROBE_OK; /* waits until the probe is removed */
  g_mutex_lock(&gate->lock);
  if (first)
    gate->live = live;
  gate->asked = TRUE;
  if (gate->peer_came && gate->playing) {
    result = gate->probe != 0 ? GST_PAD_PROBE_REMOVE : GST_PAD_PROBE_PASS;
    gate->probe = 0;
  } else if (gate->live) {
    result = GST_PAD_PROBE_DROP;
  }
  g_mutex_unlock(&gate->lock);
  return result;
}

static GstPadProbeReturn
answer_eos(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  (void)data;
  gst_mini_object_unref(GST_PAD_PROBE_INFO_DATA(info));
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
  return GST_PAD_PROBE_HANDLED;
}

static void
remove_locked(GstWzpGate *gate, gulong *probe)
{
  if (*probe != 0)
    gst_pad_remove_probe(gate->pad, *probe);
  *probe = 0;
}

static void
close_locked(GstWzpGate *gate)
{
  gate->asked = FALSE;
  if (gate->pad == NULL)
    return;
  remove_locked(gate, &gate->end);
  if (gate->probe == 0)
    gate->probe =
        gst_pad_add_probe(gate->pad, GST_PAD_PROBE_TYPE_BLOCK | BUFFERS, hold, gate, NULL);
}

/* A probe that was not asked yet opens itself at the first buffer. */
static void
open_locked(GstWzpGate *gate)
{
  if (gate->peer_came && gate->playing && gate->asked)
    remove_locked(gate, &gate->probe);
}

void
gst_wzp_gate_place(GstWzpGate *gate, GstPad *inner, GstElement *pace)
{
  g_mutex_lock(&gate->lock);
  remove_locked(gate, &gate->probe);
  remove_locked(gate, &gate->end);
  gst_object_replace((GstObject **)&gate->pad, (GstObject *)inner);
  gst_object_replace((GstObject **)&gate->pace, (GstObject *)pace);
  close_locked(gate);
  g_mutex_unlock(&gate->lock);
}

void
gst_wzp_gate_begin(GstWzpGate *gate, gboolean alone)
{
  g_mutex_lock(&gate->lock);
  gate->peer_came = !alone;
  close_locked(gate);
  g_mutex_unlock(&gate->lock);
}

void
gst_wzp_gate_peer_came(GstWzpGate *gate)
{
  g_mutex_lock(&gate->lock);
  gate->peer_came = TRUE;
  open_locked(gate);
  g_mutex_unlock(&gate->lock);
}

void
gst_wzp_gate_set_playing(GstWzpGate *gate, gboolean playing)
{
  g_mutex_lock(&gate->lock);
  gate->playing = playing;
  open_locked(gate);
  g_mutex_unlock(&gate->lock);
}

void
gst_wzp_gate_end(GstWzpGate *gate)
{
  g_mutex_lock(&gate->lock);
  if (gate->pad != NULL && gate->end == 0) {
    /* a buffer that leaves the one probe comes to the other */
    gate->end = gst_pad_add_probe(gate->pad, BUFFERS, answer_eos, NULL, NULL);
    remove_locked(gate, &gate->probe);
  }
  g_mutex_unlock(&gate->lock);
}

GstWzpGate *
gst_wzp_gate_new(void)
{
  GstWzpGate *gate = g_new0(GstWzpGate, 1);
  g_mutex_init(&gate->lock);
  return gate;
}

void
gst_wzp_gate_free(GstWzpGate *gate)
{
  gst_wzp_gate_place(gate, NULL, NULL);
  g_mutex_clear(&gate->lock);
  g_free(gate);
}
