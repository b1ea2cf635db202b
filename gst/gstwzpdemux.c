/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpdemux
 * @title: wzpdemux
 * @see_also: wzpsrc, wzpcrypt
 *
 * Gives every sender of a room a pad of its own, `src_%u` by the sender's slot. It stands before wzpcrypt,
 * because replay window, repair and playout are one sender's each.
 *
 * A pad goes when wzpsrc says by the event `wzp-member-left` that its sender is gone: it gets the event and
 * EOS before. When #GstWzpDemux:max-pads are in use, a new sender gets the place of one that was not heard
 * for 30 s; if there is none its packets are counted and dropped. A pad that nobody linked is no error: who
 * comes into a room is not ours to decide.
 *
 * |[
 * gst-launch-1.0 wzpsrc uri=wzp://relay.example/room ! wzpdemux name=room
 *     room. ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec ! autoaudiosink
 * ]| Listens to the first who speaks.
 */

#include "gstwzpelements.h"
#include "gstwzpmeta.h"
#include "gstwzpsrc.h"
#include "wzp/packet.h"
#include <gst/base/gstflowcombiner.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_demux_debug);
#define GST_CAT_DEFAULT gst_wzp_demux_debug

#define DEFAULT_MAX_PADS 64
#define IDLE_TIME (30 * GST_SECOND)

enum { PROP_0, PROP_MAX_PADS, PROP_STATS };

typedef struct {
  GstPad *pad;
  GstClockTime heard; /* running time of the last packet */
} Sender;

#define GST_TYPE_WZP_DEMUX (gst_wzp_demux_get_type())
G_DECLARE_FINAL_TYPE(GstWzpDemux, gst_wzp_demux, GST, WZP_DEMUX, GstElement)

struct _GstWzpDemux {
  GstElement parent;
  GstPad *sinkpad;

  /* streaming thread */
  Sender senders[WZP_SLOT_MAX + 1]; /* pad NULL: none */
  GstFlowCombiner *combiner;
  GstSegment segment;

  /* under the object lock */
  guint max_pads, n_pads;
  guint64 packets, malformed, refused, unlinked;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_WZP_CAPS_SEALED));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(GST_WZP_CAPS_SEALED));

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpDemux, gst_wzp_demux, GST_TYPE_ELEMENT,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_demux_debug, "wzpdemux", 0,
                                                      "WZP senders of a room"))
GST_ELEMENT_REGISTER_DEFINE(wzpdemux, "wzpdemux", GST_RANK_NONE, GST_TYPE_WZP_DEMUX)

static void
gst_wzp_demux_count(GstWzpDemux *self, guint64 *counter)
{
  GST_OBJECT_LOCK(self);
  (*counter)++;
  GST_OBJECT_UNLOCK(self);
}

/* Pads of senders */

static GstEvent *
gst_wzp_demux_stream_start(GstWzpDemux *self, GstPad *pad, guint slot)
{
  gchar *id = gst_pad_create_stream_id_printf(pad, GST_ELEMENT(self), "slot-%03u", slot);
  GstEvent *event = gst_event_new_stream_start(id);
  GstEvent *upstream = gst_pad_get_sticky_event(self->sinkpad, GST_EVENT_STREAM_START, 0);
  guint group;
  g_free(id);
  if (upstream != NULL) {
    if (gst_event_parse_group_id(upstream, &group))
      gst_event_set_group_id(event, group);
    gst_event_unref(upstream);
  }
  return event;
}

static gboolean
gst_wzp_demux_copy_sticky(GstPad *sinkpad, GstEvent **event, gpointer data)
{
  (void)sinkpad;
  if (GST_EVENT_TYPE(*event) != GST_EVENT_STREAM_START && GST_EVENT_TYPE(*event) != GST_EVENT_EOS)
    gst_pad_store_sticky_event(GST_PAD(data), *event);
  return TRUE;
}

static void
gst_wzp_demux_add_sender(GstWzpDemux *self, guint slot)
{
  gchar *name = g_strdup_printf("src_%u", slot);
  GstPad *pad = gst_pad_new_from_static_template(&src_template, name);
  g_free(name);
  gst_pad_use_fixed_caps(pad);
  gst_pad_set_active(pad, TRUE);
  gst_pad_push_event(pad, gst_wzp_demux_stream_start(self, pad, slot));
  gst_pad_sticky_events_foreach(self->sinkpad, gst_wzp_demux_copy_sticky, pad);

  self->senders[slot].pad = pad;
  gst_flow_combiner_add_pad(self->combiner, pad);
  GST_OBJECT_LOCK(self);
  self->n_pads++;
  GST_OBJECT_UNLOCK(self);
  GST_INFO_OBJECT(self, "sender in slot %u", slot);
  gst_element_add_pad(GST_ELEMENT(self), pad);
}

static void
gst_wzp_demux_remove_sender(GstWzpDemux *self, guint slot)
{
  GstPad *pad = self->senders[slot].pad;
  self->senders[slot].pad = NULL;
  gst_flow_combiner_remove_pad(self->combiner, pad);
  GST_OBJECT_LOCK(self);
  self->n_pads--;
  GST_OBJECT_UNLOCK(self);
  GST_INFO_OBJECT(self, "no sender in slot %u any more", slot);
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(GST_ELEMENT(self), pad);
}

static void
gst_wzp_demux_end_sender(GstWzpDemux *self, guint slot)
{
  gst_pad_push_event(self->senders[slot].pad, gst_event_new_eos());
  gst_wzp_demux_remove_sender(self, slot);
}

static void
gst_wzp_demux_remove_all(GstWzpDemux *self)
{
  for (guint slot = 0; slot < G_N_ELEMENTS(self->senders); slot++) {
    if (self->senders[slot].pad != NULL)
      gst_wzp_demux_remove_sender(self, slot);
  }
}

/* Makes room for one more sender, if need be by ending the one that was silent longest. */
static gboolean
gst_wzp_demux_has_room(GstWzpDemux *self, GstClockTime now)
{
  GST_OBJECT_LOCK(self);
  gboolean free_pad = self->n_pads < self->max_pads;
  GST_OBJECT_UNLOCK(self);
  if (free_pad)
    return TRUE;

  gint idle = -1;
  for (guint slot = 0; slot < G_N_ELEMENTS(self->senders); slot++) {
    const Sender *sender = &self->senders[slot];
    if (sender->pad != NULL && (idle < 0 || sender->heard < self->senders[idle].heard))
      idle = (gint)slot;
  }
  if (idle < 0 || !GST_CLOCK_TIME_IS_VALID(now) || self->senders[idle].heard + IDLE_TIME > now)
    return FALSE;
  gst_wzp_demux_end_sender(self, (guint)idle);
  return TRUE;
}

/* Data flow */

static gint
gst_wzp_demux_slot(GstBuffer *buffer)
{
  guint8 start[WZP_HEADER_FULL_SIZE];
  WzpHeader header;
  gsize length, given = gst_buffer_extract(buffer, 0, start, sizeof start);
  if (wzp_header_parse(&header, start, given, &length) != WZP_OK || header.slot > WZP_SLOT_MAX)
    return -1;
  return header.slot;
}

static GstFlowReturn
gst_wzp_demux_drop(GstWzpDemux *self, GstBuffer *buffer, guint64 *counter)
{
  gst_wzp_demux_count(self, counter);
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_wzp_demux_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpDemux *self = GST_WZP_DEMUX(parent);
  (void)pad;
  gint slot = gst_wzp_demux_slot(buffer);
  if (slot < 0)
    return gst_wzp_demux_drop(self, buffer, &self->malformed);

  GstWzpMeta *meta = gst_wzp_meta_get(buffer);
  GstClockTime now =
      meta != NULL && GST_CLOCK_TIME_IS_VALID(meta->arrival)
          ? meta->arrival
          : gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  Sender *sender = &self->senders[slot];
  if (sender->pad == NULL) {
    if (!gst_wzp_demux_has_room(self, now))
      return gst_wzp_demux_drop(self, buffer, &self->refused);
    gst_wzp_demux_add_sender(self, (guint)slot);
  }
  if (GST_CLOCK_TIME_IS_VALID(now))
    sender->heard = now;

  gst_wzp_demux_count(self, &self->packets);
  GstFlowReturn flow = gst_pad_push(sender->pad, buffer);
  if (flow == GST_FLOW_NOT_LINKED) {
    gst_wzp_demux_count(self, &self->unlinked);
    flow = GST_FLOW_OK;
  }
  return gst_flow_combiner_update_pad_flow(self->combiner, sender->pad, flow);
}

static void
gst_wzp_demux_member_left(GstWzpDemux *self, GstEvent *event)
{
  guint slot;
  if (gst_structure_get_uint(gst_event_get_structure(event), "slot", &slot) &&
      slot <= WZP_SLOT_MAX && self->senders[slot].pad != NULL) {
    gst_pad_push_event(self->senders[slot].pad, gst_event_ref(event));
    gst_wzp_demux_end_sender(self, slot);
  }
  gst_event_unref(event);
}

static gboolean
gst_wzp_demux_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpDemux *self = GST_WZP_DEMUX(parent);
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_STREAM_START: /* each sender's stream has an id of its own */
    gst_event_unref(event);
    for (guint slot = 0; slot < G_N_ELEMENTS(self->senders); slot++) {
      GstPad *src = self->senders[slot].pad;
      if (src != NULL)
        gst_pad_push_event(src, gst_wzp_demux_stream_start(self, src, slot));
    }
    return TRUE;
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment(event, &self->segment);
    break;
  case GST_EVENT_FLUSH_STOP:
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    gst_flow_combiner_reset(self->combiner);
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    if (gst_event_has_name(event, GST_WZP_EVENT_MEMBER_LEFT)) {
      gst_wzp_demux_member_left(self, event);
      return TRUE;
    }
    break;
  default:
    break;
  }
  /* without a pad there is nobody to take it; what is sticky the first pad gets later */
  GST_OBJECT_LOCK(self);
  gboolean alone = self->n_pads == 0;
  GST_OBJECT_UNLOCK(self);
  return gst_pad_event_default(pad, parent, event) || alone;
}

/* GstElement */

static GstStateChangeReturn
gst_wzp_demux_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpDemux *self = GST_WZP_DEMUX(element);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_demux_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_wzp_demux_remove_all(self);
    gst_flow_combiner_reset(self->combiner);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
  }
  return result;
}

/* GObject */

static void
gst_wzp_demux_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstWzpDemux *self = GST_WZP_DEMUX(object);
  switch (id) {
  case PROP_MAX_PADS:
    GST_OBJECT_LOCK(self);
    self->max_pads = g_value_get_uint(value);
    GST_OBJECT_UNLOCK(self);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void
gst_wzp_demux_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpDemux *self = GST_WZP_DEMUX(object);
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_MAX_PADS:
    g_value_set_uint(value, self->max_pads);
    break;
  case PROP_STATS:
    g_value_take_boxed(value,
                       gst_structure_new("application/x-wzp-demux-stats", "senders", G_TYPE_UINT64,
                                         (guint64)self->n_pads, "packets", G_TYPE_UINT64,
                                         self->packets, "malformed", G_TYPE_UINT64, self->malformed,
                                         "refused", G_TYPE_UINT64, self->refused, "unlinked",
                                         G_TYPE_UINT64, self->unlinked, NULL));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_demux_finalize(GObject *object)
{
  gst_flow_combiner_free(GST_WZP_DEMUX(object)->combiner);
  G_OBJECT_CLASS(gst_wzp_demux_parent_class)->finalize(object);
}

static void
gst_wzp_demux_class_init(GstWzpDemuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->set_property = gst_wzp_demux_set_property;
  object_class->get_property = gst_wzp_demux_get_property;
  object_class->finalize = gst_wzp_demux_finalize;
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_demux_change_state);

  /**
   * GstWzpDemux:max-pads:
   *
   * How many senders have a pad at a time. Lowering it removes none.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_MAX_PADS,
      g_param_spec_uint("max-pads", "Most pads", "Senders that have a pad at a time", 1,
                        WZP_SLOT_MAX + 1, DEFAULT_MAX_PADS,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpDemux:stats:
   *
   * "application/x-wzp-demux-stats" with, as #guint64: "senders" that have a pad now; "packets" that went
   * to a pad, of which "unlinked" found nobody behind it; "malformed", no media packets; "refused", no pad
   * was free.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Senders, packets, and drops by reason",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "WZP senders of a room", "Demux/Network",
                                        "Gives each sender of a room its own pad", GST_WZP_AUTHOR);
}

static void
gst_wzp_demux_init(GstWzpDemux *self)
{
  self->max_pads = DEFAULT_MAX_PADS;
  self->combiner = gst_flow_combiner_new();
  gst_segment_init(&self->segment, GST_FORMAT_TIME);

  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_demux_chain));
  gst_pad_set_event_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_demux_sink_event));
  gst_pad_use_fixed_caps(self->sinkpad);
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);
}
