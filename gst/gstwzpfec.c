/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpfec
 * @title: wzpfec
 * @see_also: wzpenc, wzpcrypt, wzpjitter
 *
 * Stands between frames and bundles, in both directions; the caps of the sink pad decide which.
 *
 * fec=false (behind wzpenc): *protect*. Each packet's frames become one bundle, the payload that
 * wzpcrypt seals. #GstWzpFec:frames-per-packet above 1 saves headers and costs latency, which the LATENCY
 * query reports.
 *
 * fec=true (behind wzpcrypt): *recover*. Each bundle becomes its frames, numbered one by one. A bundle that
 * does not read is counted and dropped; elements of an unknown type are counted and skipped.
 *
 * |[
 * gst-launch-1.0 autoaudiosrc ! audioconvert ! audioresample ! wzpenc ! wzpfec ! wzpcrypt !
 *     wzpsink uri=wzp://relay.example/room
 * ]| Protects and sends.
 * |[
 * gst-launch-1.0 wzpsrc uri=wzp://relay.example/room ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec !
 *     autoaudiosink
 * ]| Receives and recovers.
 */

#include "gstwzpelements.h"
#include "gstwzpmeta.h"
#include "wzp/numbering.h"
#include "wzp/packet.h"
#include "wzp/profile.h"

GST_DEBUG_CATEGORY_STATIC(gst_wzp_fec_debug);
#define GST_CAT_DEFAULT gst_wzp_fec_debug

#define DEFAULT_FRAMES_PER_PACKET 1
#define MAX_FRAMES_PER_PACKET 3
/* Room that wzpcrypt needs around a bundle: the full header and the tag. */
#define PACKET_PREFIX WZP_HEADER_FULL_SIZE
#define PACKET_PADDING 16

enum { PROP_0, PROP_FRAMES_PER_PACKET, PROP_DIRECTION, PROP_STATS, N_PROPS };
static GParamSpec *properties[N_PROPS];

typedef enum { GST_WZP_FEC_NONE, GST_WZP_FEC_PROTECT, GST_WZP_FEC_RECOVER } GstWzpFecDirection;

#define GST_TYPE_WZP_FEC (gst_wzp_fec_get_type())
G_DECLARE_FINAL_TYPE(GstWzpFec, gst_wzp_fec, GST, WZP_FEC, GstElement)

struct _GstWzpFec {
  GstElement parent;
  GstPad *sinkpad, *srcpad;

  /* under the object lock */
  guint frames_per_packet;
  GstWzpFecDirection direction;
  GstClockTime latency;
  guint64 frames, packets, invalid, unknown_elements;

  /* streaming thread: protect */
  GstBuffer *held[MAX_FRAMES_PER_PACKET];
  guint n_held;
  guint64 next_packet;
  gboolean discont;

  /* streaming thread: recover */
  WzpNumbering numbering;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_WZP_CAPS_FRAMES "; " GST_WZP_CAPS_BUNDLES));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_WZP_CAPS_BUNDLES "; " GST_WZP_CAPS_FRAMES));

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpFec, gst_wzp_fec, GST_TYPE_ELEMENT,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_fec_debug, "wzpfec", 0,
                                                      "WZP bundles and repair"))
GST_ELEMENT_REGISTER_DEFINE(wzpfec, "wzpfec", GST_RANK_NONE, GST_TYPE_WZP_FEC)

#define GST_TYPE_WZP_FEC_DIRECTION (gst_wzp_fec_direction_get_type())
static GType
gst_wzp_fec_direction_get_type(void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {GST_WZP_FEC_NONE, "Not known before caps", "none"},
      {GST_WZP_FEC_PROTECT, "Frames to bundles", "protect"},
      {GST_WZP_FEC_RECOVER, "Bundles to frames", "recover"},
      {0, NULL, NULL},
  };
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpFecDirection", values));
  return type;
}

static void
gst_wzp_fec_count(GstWzpFec *self, guint64 *counter)
{
  GST_OBJECT_LOCK(self);
  (*counter)++;
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_fec_set_latency(GstWzpFec *self, GstClockTime latency)
{
  GST_OBJECT_LOCK(self);
  gboolean changed = self->latency != latency;
  self->latency = latency;
  GST_OBJECT_UNLOCK(self);
  if (changed)
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

/* Protect */

static void
gst_wzp_fec_drop_held(GstWzpFec *self)
{
  for (guint i = 0; i < self->n_held; i++)
    gst_buffer_unref(self->held[i]);
  self->n_held = 0;
}

/* One packet of the first n held frames, which have one framing and one size. */
static GstBuffer *
gst_wzp_fec_bundle(GstWzpFec *self, guint n)
{
  GstBuffer *first = self->held[0];
  const WzpFraming *framing = wzp_framing_from_code(gst_wzp_meta_get(first)->code);
  gsize frame_size = gst_buffer_get_size(first);
  guint8 frames[WZP_DATAGRAM_MAX], bundle[WZP_DATAGRAM_MAX];
  WzpWriter writer;

  for (guint i = 0; i < n; i++)
    gst_buffer_extract(self->held[i], 0, frames + i * frame_size, frame_size);
  wzp_writer_init(&writer, bundle, sizeof bundle);
  wzp_bundle_write(&writer, WZP_ELEMENT_FRAMES, frames, n * frame_size, true);

  GstAllocationParams params;
  gst_allocation_params_init(&params);
  params.prefix = PACKET_PREFIX;
  params.padding = PACKET_PADDING;
  GstBuffer *packet = gst_buffer_new_allocate(NULL, writer.length, &params);
  gst_buffer_fill(packet, 0, bundle, writer.length);
  GST_BUFFER_PTS(packet) = GST_BUFFER_PTS(first);
  GST_BUFFER_DTS(packet) = GST_BUFFER_DTS(first);
  GST_BUFFER_DURATION(packet) = n * framing->frame_ms * GST_MSECOND;
  if (self->discont)
    GST_BUFFER_FLAG_SET(packet, GST_BUFFER_FLAG_DISCONT);
  self->discont = FALSE;
  gst_wzp_meta_copy(packet, first);
  GstWzpMeta *meta = gst_wzp_meta_get(packet);
  meta->code = (guint8)wzp_framing_code(framing->codec, framing->frame_ms, n);
  meta->index = self->next_packet++;
  gst_wzp_fec_count(self, &self->packets);

  for (guint i = 0; i < n; i++)
    gst_buffer_unref(self->held[i]);
  self->n_held -= n;
  memmove(self->held, self->held + n, self->n_held * sizeof self->held[0]);
  return packet;
}

/* What is held cannot become a whole packet any more: its frames go one by one. */
static void
gst_wzp_fec_close_packet(GstWzpFec *self, GstBufferList *out)
{
  while (self->n_held > 0)
    gst_buffer_list_add(out, gst_wzp_fec_bundle(self, 1));
}

/* How many frames a packet of this framing gets: as many as asked, or as many as there is a code for. */
static guint
gst_wzp_fec_packet_frames(GstWzpFec *self, const WzpFraming *framing)
{
  GST_OBJECT_LOCK(self);
  guint n = self->frames_per_packet;
  GST_OBJECT_UNLOCK(self);
  while (n > 1 && wzp_framing_code(framing->codec, framing->frame_ms, n) < 0)
    n--;
  return n;
}

static void
gst_wzp_fec_protect(GstWzpFec *self, GstBuffer *frame, GstBufferList *out)
{
  GstWzpMeta *meta = gst_wzp_meta_get(frame);
  const WzpFraming *framing = meta != NULL ? wzp_framing_from_code(meta->code) : NULL;
  gsize size = gst_buffer_get_size(frame);
  gboolean usable = framing != NULL && framing->frames_per_packet == 1 && size > 0 &&
                    MAX_FRAMES_PER_PACKET * size < WZP_DATAGRAM_MAX;
  if (!usable) {
    GST_LOG_OBJECT(self, "not a frame: %" GST_PTR_FORMAT, frame);
    gst_wzp_fec_count(self, &self->invalid);
    gst_buffer_unref(frame);
    return;
  }
  gst_wzp_fec_count(self, &self->frames);

  guint n = gst_wzp_fec_packet_frames(self, framing);
  gst_wzp_fec_set_latency(self, (n - 1) * framing->frame_ms * GST_MSECOND);
  gboolean discont = GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_DISCONT);
  if (self->n_held > 0 && (discont || gst_wzp_meta_get(self->held[0])->code != meta->code ||
                           gst_buffer_get_size(self->held[0]) != size || self->n_held >= n))
    gst_wzp_fec_close_packet(self, out);
  self->discont |= discont;

  self->held[self->n_held++] = frame;
  if (self->n_held == n)
    gst_buffer_list_add(out, gst_wzp_fec_bundle(self, n));
}

/* Recover */

/* Cuts the body of a FRAMES element in the packet's frames. FALSE when it does not divide. */
static gboolean
gst_wzp_fec_split(GstWzpFec *self, GstBuffer *packet, gsize offset, gsize length,
                  GstBufferList *out)
{
  GstWzpMeta *meta = gst_wzp_meta_get(packet);
  const WzpFraming *framing = wzp_framing_from_code(meta->code);
  guint n = framing != NULL ? framing->frames_per_packet : 0;
  if (n == 0 || length == 0 || length % n != 0)
    return FALSE;

  guint64 first = wzp_numbering_first_frame(&self->numbering, framing, meta->index);
  GstClockTime duration = framing->frame_ms * GST_MSECOND;
  for (guint i = 0; i < n; i++) {
    GstBuffer *frame = gst_buffer_copy_region(packet, GST_BUFFER_COPY_MEMORY,
                                              offset + i * (length / n), length / n);
    if (GST_BUFFER_PTS_IS_VALID(packet))
      GST_BUFFER_PTS(frame) = GST_BUFFER_PTS(packet) + i * duration;
    GST_BUFFER_DURATION(frame) = duration;
    if (i == 0 && GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_DISCONT))
      GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DISCONT);
    gst_wzp_meta_copy(frame, packet);
    GstWzpMeta *own = gst_wzp_meta_get(frame);
    own->code = (guint8)wzp_framing_code(framing->codec, framing->frame_ms, 1);
    own->index = first + i;
    if (own->media_time != GST_CLOCK_TIME_NONE)
      own->media_time += i * duration;
    gst_buffer_list_add(out, frame);
    gst_wzp_fec_count(self, &self->frames);
  }
  return TRUE;
}

static void
gst_wzp_fec_recover(GstWzpFec *self, GstBuffer *packet, GstBufferList *out)
{
  GstMapInfo map;
  gboolean valid = FALSE;
  gst_wzp_fec_count(self, &self->packets);
  if (gst_wzp_meta_get(packet) != NULL && gst_buffer_map(packet, &map, GST_MAP_READ)) {
    WzpBundleReader bundle;
    WzpElement element;
    valid = TRUE;
    wzp_bundle_reader_init(&bundle, map.data, map.size);
    while (valid && wzp_bundle_reader_next(&bundle, &element)) {
      if (element.type == WZP_ELEMENT_FRAMES)
        valid =
            gst_wzp_fec_split(self, packet, (gsize)(element.data - map.data), element.length, out);
      else if (element.type >= WZP_ELEMENT_N)
        gst_wzp_fec_count(self, &self->unknown_elements);
    }
    valid = valid && bundle.result == WZP_OK;
    gst_buffer_unmap(packet, &map);
  }
  if (!valid) {
    GST_LOG_OBJECT(self, "not a bundle: %" GST_PTR_FORMAT, packet);
    gst_wzp_fec_count(self, &self->invalid);
  }
  gst_buffer_unref(packet);
}

/* Data flow */

static void
gst_wzp_fec_handle(GstWzpFec *self, GstBuffer *buffer, GstBufferList *out)
{
  if (self->direction == GST_WZP_FEC_PROTECT)
    gst_wzp_fec_protect(self, buffer, out);
  else
    gst_wzp_fec_recover(self, buffer, out);
}

static GstFlowReturn
gst_wzp_fec_push(GstWzpFec *self, GstBufferList *out)
{
  guint n = gst_buffer_list_length(out);
  if (n > 1)
    return gst_pad_push_list(self->srcpad, out);
  GstFlowReturn flow = GST_FLOW_OK;
  if (n == 1)
    flow = gst_pad_push(self->srcpad, gst_buffer_ref(gst_buffer_list_get(out, 0)));
  gst_buffer_list_unref(out);
  return flow;
}

static GstFlowReturn
gst_wzp_fec_not_negotiated(GstWzpFec *self)
{
  GST_ELEMENT_ERROR(
      self, CORE, NEGOTIATION,
      ("wzpfec got data without caps. Put wzpenc or wzpcrypt before it, or the caps " //
       GST_WZP_CAPS_NAME ",sealed=false,fec=(true|false)."),
      (NULL));
  return GST_FLOW_NOT_NEGOTIATED;
}

static GstFlowReturn
gst_wzp_fec_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  (void)pad;
  if (self->direction == GST_WZP_FEC_NONE) {
    gst_buffer_unref(buffer);
    return gst_wzp_fec_not_negotiated(self);
  }
  GstBufferList *out = gst_buffer_list_new_sized(MAX_FRAMES_PER_PACKET);
  gst_wzp_fec_handle(self, buffer, out);
  return gst_wzp_fec_push(self, out);
}

static GstFlowReturn
gst_wzp_fec_chain_list(GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  (void)pad;
  if (self->direction == GST_WZP_FEC_NONE) {
    gst_buffer_list_unref(list);
    return gst_wzp_fec_not_negotiated(self);
  }
  GstBufferList *out = gst_buffer_list_new_sized(gst_buffer_list_length(list));
  for (guint i = 0; i < gst_buffer_list_length(list); i++)
    gst_wzp_fec_handle(self, gst_buffer_ref(gst_buffer_list_get(list, i)), out);
  gst_buffer_list_unref(list);
  return gst_wzp_fec_push(self, out);
}

static void
gst_wzp_fec_reset(GstWzpFec *self)
{
  gst_wzp_fec_drop_held(self);
  self->discont = FALSE;
  self->numbering = (WzpNumbering){0};
}

/* Caps */

static void
gst_wzp_fec_flip(GstCaps *caps)
{
  for (guint i = 0; i < gst_caps_get_size(caps); i++) {
    GstStructure *structure = gst_caps_get_structure(caps, i);
    gboolean fec;
    if (gst_structure_get_boolean(structure, "fec", &fec))
      gst_structure_set(structure, "fec", G_TYPE_BOOLEAN, !fec, NULL);
  }
}

static gboolean
gst_wzp_fec_sink_caps(GstWzpFec *self, GstCaps *caps)
{
  gboolean fec;
  if (!gst_structure_get_boolean(gst_caps_get_structure(caps, 0), "fec", &fec)) {
    GST_ELEMENT_ERROR(self, CORE, NEGOTIATION,
                      ("The caps before wzpfec lack the field fec=(boolean)."),
                      ("%" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  GstWzpFecDirection direction = fec ? GST_WZP_FEC_RECOVER : GST_WZP_FEC_PROTECT;
  gboolean changed = self->direction != direction;
  if (changed) {
    gst_wzp_fec_reset(self);
    GST_OBJECT_LOCK(self);
    self->direction = direction;
    GST_OBJECT_UNLOCK(self);
    if (direction == GST_WZP_FEC_RECOVER)
      gst_wzp_fec_set_latency(self, 0);
    g_object_notify_by_pspec(G_OBJECT(self), properties[PROP_DIRECTION]);
  }
  GstCaps *flipped = gst_caps_copy(caps);
  gst_wzp_fec_flip(flipped);
  gboolean pushed = gst_pad_push_event(self->srcpad, gst_event_new_caps(flipped));
  gst_caps_unref(flipped);
  return pushed;
}

/* What one side can do is what the other side's peer can do, with fec flipped. */
static GstCaps *
gst_wzp_fec_query_caps(GstWzpFec *self, GstPad *pad, GstCaps *filter)
{
  GstPad *other = pad == self->sinkpad ? self->srcpad : self->sinkpad;
  GstCaps *own = gst_pad_get_pad_template_caps(pad);
  GstCaps *peer = gst_pad_peer_query_caps(other, NULL);
  GstCaps *template = gst_pad_get_pad_template_caps(other);
  GstCaps *there = gst_caps_intersect(peer, template);
  gst_caps_unref(peer);
  gst_caps_unref(template);
  there = gst_caps_make_writable(there);
  gst_wzp_fec_flip(there);
  GstCaps *caps = gst_caps_intersect(own, there);
  gst_caps_unref(own);
  gst_caps_unref(there);
  if (filter != NULL) {
    GstCaps *both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(caps);
    caps = both;
  }
  return caps;
}

/* Events and queries */

static gboolean
gst_wzp_fec_sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_CAPS: {
    GstCaps *caps;
    gst_event_parse_caps(event, &caps);
    gboolean handled = gst_wzp_fec_sink_caps(self, caps);
    gst_event_unref(event);
    return handled;
  }
  case GST_EVENT_GAP:
  case GST_EVENT_SEGMENT:
  case GST_EVENT_EOS:
    if (self->n_held > 0) {
      GstBufferList *out = gst_buffer_list_new();
      gst_wzp_fec_close_packet(self, out);
      gst_wzp_fec_push(self, out);
    }
    break;
  case GST_EVENT_FLUSH_STOP:
    gst_wzp_fec_reset(self);
    break;
  default:
    break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static gboolean
gst_wzp_fec_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstWzpFec *self = GST_WZP_FEC(parent);
  switch (GST_QUERY_TYPE(query)) {
  case GST_QUERY_CAPS: {
    GstCaps *filter;
    gst_query_parse_caps(query, &filter);
    GstCaps *caps = gst_wzp_fec_query_caps(self, pad, filter);
    gst_query_set_caps_result(query, caps);
    gst_caps_unref(caps);
    return TRUE;
  }
  case GST_QUERY_LATENCY: {
    if (pad != self->srcpad || !gst_pad_peer_query(self->sinkpad, query))
      return gst_pad_query_default(pad, parent, query);
    gboolean live;
    GstClockTime min, max;
    gst_query_parse_latency(query, &live, &min, &max);
    GST_OBJECT_LOCK(self);
    GstClockTime own = self->latency;
    GST_OBJECT_UNLOCK(self);
    gst_query_set_latency(query, live, min + own,
                          GST_CLOCK_TIME_IS_VALID(max) ? max + own : GST_CLOCK_TIME_NONE);
    return TRUE;
  }
  default:
    return gst_pad_query_default(pad, parent, query);
  }
}

static GstStateChangeReturn
gst_wzp_fec_change_state(GstElement *element, GstStateChange transition)
{
  GstWzpFec *self = GST_WZP_FEC(element);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_wzp_fec_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_wzp_fec_reset(self);
    self->next_packet = 0;
    GST_OBJECT_LOCK(self);
    self->direction = GST_WZP_FEC_NONE;
    self->latency = 0;
    GST_OBJECT_UNLOCK(self);
    g_object_notify_by_pspec(G_OBJECT(self), properties[PROP_DIRECTION]);
  }
  return result;
}

/* GObject */

static GstStructure *
gst_wzp_fec_stats_locked(GstWzpFec *self)
{
  if (self->direction == GST_WZP_FEC_RECOVER)
    return gst_structure_new("application/x-wzp-fec-recover-stats", "packets", G_TYPE_UINT64,
                             self->packets, "frames", G_TYPE_UINT64, self->frames, "invalid",
                             G_TYPE_UINT64, self->invalid, "unknown-elements", G_TYPE_UINT64,
                             self->unknown_elements, NULL);
  return gst_structure_new("application/x-wzp-fec-protect-stats", "frames", G_TYPE_UINT64,
                           self->frames, "packets", G_TYPE_UINT64, self->packets, "invalid",
                           G_TYPE_UINT64, self->invalid, NULL);
}

static void
gst_wzp_fec_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstWzpFec *self = GST_WZP_FEC(object);
  switch (id) {
  case PROP_FRAMES_PER_PACKET:
    GST_OBJECT_LOCK(self);
    self->frames_per_packet = g_value_get_uint(value);
    GST_OBJECT_UNLOCK(self);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void
gst_wzp_fec_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpFec *self = GST_WZP_FEC(object);
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_FRAMES_PER_PACKET:
    g_value_set_uint(value, self->frames_per_packet);
    break;
  case PROP_DIRECTION:
    g_value_set_enum(value, self->direction);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, gst_wzp_fec_stats_locked(self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_fec_class_init(GstWzpFecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->set_property = gst_wzp_fec_set_property;
  object_class->get_property = gst_wzp_fec_get_property;
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_wzp_fec_change_state);

  /**
   * GstWzpFec:frames-per-packet:
   *
   * Protect: how many frames share a packet. Where the codec has no code for so many (40 ms Opus has 1 and
   * 2), the packet gets as many as there is a code for. A change takes effect at the next frame.
   *
   * Since: 0.1
   */
  properties[PROP_FRAMES_PER_PACKET] =
      g_param_spec_uint("frames-per-packet", "Frames per packet",
                        "Protect: frames that share a packet; each above 1 saves headers and costs "
                        "a frame of latency",
                        1, MAX_FRAMES_PER_PACKET, DEFAULT_FRAMES_PER_PACKET,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  /**
   * GstWzpFec:direction:
   *
   * What the element does; follows from the caps of the sink pad.
   *
   * Since: 0.1
   */
  properties[PROP_DIRECTION] = g_param_spec_enum(
      "direction", "Direction", "What the caps make this element do", GST_TYPE_WZP_FEC_DIRECTION,
      GST_WZP_FEC_NONE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * GstWzpFec:stats:
   *
   * Protect: "application/x-wzp-fec-protect-stats" with, as #guint64, "frames" that came, "packets" that
   * were made, and "invalid", buffers that were no frames.
   *
   * Recover: "application/x-wzp-fec-recover-stats" with "packets" that came, "frames" that they held,
   * "invalid", bundles that did not read or not fit their code, and "unknown-elements".
   *
   * Since: 0.1
   */
  properties[PROP_STATS] =
      g_param_spec_boxed("stats", "Statistics", "Counters, named by the direction",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties(object_class, N_PROPS, properties);
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_FEC_DIRECTION, 0);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "WZP bundles", "Filter/Network",
      "Makes bundles of frames for sending, and frames of bundles that came", GST_WZP_AUTHOR);
}

static void
gst_wzp_fec_init(GstWzpFec *self)
{
  self->frames_per_packet = DEFAULT_FRAMES_PER_PACKET;

  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_chain));
  gst_pad_set_chain_list_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_chain_list));
  gst_pad_set_event_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_sink_event));
  gst_pad_set_query_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_query));
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_query_function(self->srcpad, GST_DEBUG_FUNCPTR(gst_wzp_fec_query));
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}
