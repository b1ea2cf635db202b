/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpcrypt
 *
 * wzpcrypt seals bundles into packets, or opens packets into bundles; the caps decide which, and
 * #GstWzpCrypt:direction tells. The keys are those of the session of the pipeline, which a #wzpsrc or
 * #wzpsink brings; see #GstWzpCrypt:session. It is the only maker of packets: there is no way round it.
 *
 * A packet that does not open (forged, replayed, of a key not known yet) and a bundle that nobody could
 * read yet are dropped and counted by reason in #GstWzpCrypt:stats.
 *
 * |[
 * gst-launch-1.0 audiotestsrc is-live=true ! audioconvert ! audioresample ! wzpenc ! wzpfec ! wzpcrypt !
 *     wzpsink uri=wzp://relay.example/room
 * ]| Seals a tone and sends it into the room.
 */

#include "gstwzpcrypt.h"
#include "gstwzpcontext.h"
#include "gstwzpelements.h"
#include "gstwzpmeta.h"
#include "wzp/packet.h"
#include "wzp/profile.h"
#include <string.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_crypt_debug);
#define GST_CAT_DEFAULT gst_wzp_crypt_debug

#define SEALING_OVERHEAD (WZP_HEADER_FULL_SIZE + WZP_TAG_SIZE)
#define TALK_START_PACKETS 3 /* as many as carry the full header after a start */

enum { PROP_0, PROP_SESSION, PROP_DIRECTION, PROP_STATS };

struct _GstWzpCrypt {
  GstBaseTransform parent;

  /* the object lock guards */
  gchar *session_name;
  GstWzpCryptDirection direction;
  guint64 packets, frames, bytes;
  guint64 drops[WZP_N_RESULTS];

  /* streaming thread */
  WzpSession *session;
  gboolean gap; /* the next packet follows an interruption */
  guint talk_start_left;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_WZP_CAPS_BUNDLES ";" GST_WZP_CAPS_SEALED));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_WZP_CAPS_SEALED ";" GST_WZP_CAPS_BUNDLES));

G_DEFINE_TYPE_WITH_CODE(GstWzpCrypt, gst_wzp_crypt, GST_TYPE_BASE_TRANSFORM,
                        GST_DEBUG_CATEGORY_INIT(gst_wzp_crypt_debug, "wzpcrypt", 0,
                                                "WZP sealing and opening"))
GST_ELEMENT_REGISTER_DEFINE(wzpcrypt, "wzpcrypt", GST_RANK_NONE, GST_TYPE_WZP_CRYPT)

GType
gst_wzp_crypt_direction_get_type(void)
{
  static GType type;
  static const GEnumValue values[] = {{GST_WZP_CRYPT_NONE, "No caps yet", "none"},
                                      {GST_WZP_CRYPT_SEAL, "Bundles in, packets out", "seal"},
                                      {GST_WZP_CRYPT_OPEN, "Packets in, bundles out", "open"},
                                      {0, NULL, NULL}};
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpCryptDirection", values));
  return type;
}

/* --- negotiation --- */

static GstCaps *
gst_wzp_crypt_transform_caps(GstBaseTransform *transform, GstPadDirection direction, GstCaps *caps,
                             GstCaps *filter)
{
  (void)transform;
  (void)direction;
  GstCaps *flipped = gst_caps_new_empty();
  for (guint n = 0; n < gst_caps_get_size(caps); n++) {
    GstStructure *structure = gst_structure_copy(gst_caps_get_structure(caps, n));
    gboolean sealed;
    if (gst_structure_get_boolean(structure, "sealed", &sealed))
      gst_structure_set(structure, "sealed", G_TYPE_BOOLEAN, !sealed, NULL);
    gst_structure_set(structure, "fec", G_TYPE_BOOLEAN, TRUE, NULL);
    flipped = gst_caps_merge_structure(flipped, structure);
  }
  if (filter != NULL) {
    GstCaps *all = flipped;
    flipped = gst_caps_intersect_full(filter, all, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(all);
  }
  return flipped;
}

static void
set_direction(GstWzpCrypt *self, GstWzpCryptDirection direction)
{
  GST_OBJECT_LOCK(self);
  gboolean changed = self->direction != direction;
  self->direction = direction;
  GST_OBJECT_UNLOCK(self);
  if (changed)
    g_object_notify(G_OBJECT(self), "direction");
}

static gboolean
gst_wzp_crypt_set_caps(GstBaseTransform *transform, GstCaps *in, GstCaps *out)
{
  (void)out;
  GstWzpCrypt *self = GST_WZP_CRYPT(transform);
  gboolean sealed = FALSE;
  if (!gst_structure_get_boolean(gst_caps_get_structure(in, 0), "sealed", &sealed)) {
    GST_ELEMENT_ERROR(self, CORE, NEGOTIATION,
                      ("The caps lack the field 'sealed'; behind udpsrc set "
                       "caps=\"" GST_WZP_CAPS_SEALED "\"."),
                      ("caps %" GST_PTR_FORMAT, in));
    return FALSE;
  }
  set_direction(self, sealed ? GST_WZP_CRYPT_OPEN : GST_WZP_CRYPT_SEAL);
  return TRUE;
}

static gboolean
gst_wzp_crypt_transform_size(GstBaseTransform *transform, GstPadDirection direction, GstCaps *caps,
                             gsize size, GstCaps *other_caps, gsize *other_size)
{
  (void)caps;
  (void)other_caps;
  GstWzpCrypt *self = GST_WZP_CRYPT(transform);
  /* an upper bound; transform() cuts to what it wrote */
  *other_size = direction == GST_PAD_SINK && self->direction == GST_WZP_CRYPT_SEAL
                    ? size + SEALING_OVERHEAD
                    : size;
  return TRUE;
}

/* --- data --- */

static gboolean
find_session(GstWzpCrypt *self)
{
  if (self->session != NULL)
    return TRUE;
  GST_OBJECT_LOCK(self);
  g_autofree gchar *name = g_strdup(self->session_name);
  GST_OBJECT_UNLOCK(self);
  self->session = gst_wzp_context_find(GST_ELEMENT(self), name, FALSE);
  if (self->session != NULL)
    return gst_wzp_context_check_configured(GST_ELEMENT(self), self->session);
  GST_ELEMENT_ERROR(self, STREAM, DECRYPT_NOKEY,
                    ("wzpcrypt found no session: a wzpsrc or wzpsink with the same 'session' "
                     "property must be in the pipeline."),
                    ("session '%s'", name != NULL ? name : ""));
  return FALSE;
}

static WzpResult
seal(GstWzpCrypt *self, GstBuffer *in, const GstMapInfo *plain, GstMapInfo *packet, gsize *length)
{
  GstClockTime time = gst_segment_to_running_time(&GST_BASE_TRANSFORM(self)->segment,
                                                  GST_FORMAT_TIME, GST_BUFFER_PTS(in));
  if (!GST_CLOCK_TIME_IS_VALID(time))
    return WZP_MALFORMED; /* outside its segment, or not stamped */
  const GstWzpMeta *meta = gst_wzp_meta_get(in);
  if (meta != NULL && GST_CLOCK_TIME_IS_VALID(meta->media_time))
    time = meta->media_time;
  if (GST_BUFFER_IS_DISCONT(in)) {
    self->gap = TRUE;
    self->talk_start_left = TALK_START_PACKETS;
  }
  guint32 timestamp = (guint32)((time + GST_MSECOND / 2) / GST_MSECOND);
  WzpHeader header;
  WzpResult result =
      wzp_session_seal(self->session, meta != NULL ? meta->index : WZP_SESSION_UNPLACED,
                       meta != NULL ? meta->code : WZP_CODE_NO_AUDIO, timestamp,
                       self->talk_start_left > 0 ? WZP_FLAG_TALK_START : 0, self->gap, plain->data,
                       plain->size, packet->data, packet->size, length, &header);
  if (result == WZP_OK) {
    self->gap = FALSE;
    self->talk_start_left -= self->talk_start_left > 0 ? 1 : 0;
  } else {
    self->gap = TRUE; /* what was not sent is a gap to the receiver */
    self->talk_start_left = TALK_START_PACKETS;
  }
  return result;
}

static WzpResult
open_packet(GstWzpCrypt *self, const GstMapInfo *packet, GstMapInfo *plain, gsize *length,
            GstBuffer *out)
{
  WzpOpened opened;
  WzpResult result =
      wzp_session_open(self->session, packet->data, packet->size, plain->data, length, &opened);
  if (result != WZP_OK)
    return result;
  GstWzpMeta *meta = gst_wzp_meta_get(out);
  if (meta == NULL) /* behind some other source than wzpsrc */
    meta = gst_wzp_meta_add(out);
  meta->code = opened.header.code;
  meta->slot = opened.header.slot;
  meta->stream = opened.stream;
  meta->index = opened.index;
  meta->flags = opened.header.full ? opened.header.flags : 0;
  meta->media_time = opened.has_media_ms ? opened.media_ms * GST_MSECOND : GST_CLOCK_TIME_NONE;
  return WZP_OK;
}

static void
count(GstWzpCrypt *self, WzpResult result, guint8 code, gsize bytes)
{
  GST_OBJECT_LOCK(self);
  if (result == WZP_OK) {
    const WzpFraming *framing = wzp_framing_from_code(code);
    self->packets++;
    self->frames += framing != NULL ? framing->frames_per_packet : 0;
    self->bytes += bytes;
  } else {
    self->drops[result]++;
  }
  GST_OBJECT_UNLOCK(self);
}

static GstFlowReturn
gst_wzp_crypt_transform(GstBaseTransform *transform, GstBuffer *in, GstBuffer *out)
{
  GstWzpCrypt *self = GST_WZP_CRYPT(transform);
  if (!find_session(self))
    return GST_FLOW_ERROR;
  GstMapInfo from, to;
  gsize length = 0;
  if (!gst_buffer_map(in, &from, GST_MAP_READ))
    goto no_memory;
  if (!gst_buffer_map(out, &to, GST_MAP_WRITE)) {
    gst_buffer_unmap(in, &from);
    goto no_memory;
  }
  WzpResult result = self->direction == GST_WZP_CRYPT_SEAL
                         ? seal(self, in, &from, &to, &length)
                         : open_packet(self, &from, &to, &length, out);
  gst_buffer_unmap(out, &to);
  gst_buffer_unmap(in, &from);
  const GstWzpMeta *meta = gst_wzp_meta_get(self->direction == GST_WZP_CRYPT_SEAL ? in : out);
  count(self, result, meta != NULL ? meta->code : WZP_CODE_NO_AUDIO, length);
  if (result != WZP_OK) {
    GST_LOG_OBJECT(self, "dropped: %s", wzp_result_name(result));
    return GST_BASE_TRANSFORM_FLOW_DROPPED;
  }
  gst_buffer_set_size(out, (gssize)length);
  return GST_FLOW_OK;

  /* ERRORS */
no_memory:
  GST_ELEMENT_ERROR(self, RESOURCE, FAILED, ("A packet's memory cannot be mapped."), (NULL));
  return GST_FLOW_ERROR;
}

static gboolean
gst_wzp_crypt_start(GstBaseTransform *transform)
{
  GstWzpCrypt *self = GST_WZP_CRYPT(transform);
  self->gap = TRUE;
  self->talk_start_left = TALK_START_PACKETS;
  GST_OBJECT_LOCK(self);
  self->packets = self->frames = self->bytes = 0;
  memset(self->drops, 0, sizeof self->drops);
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

static gboolean
gst_wzp_crypt_stop(GstBaseTransform *transform)
{
  GstWzpCrypt *self = GST_WZP_CRYPT(transform);
  g_clear_object(&self->session);
  set_direction(self, GST_WZP_CRYPT_NONE);
  return TRUE;
}

/* --- the object --- */

static GstStructure *
make_stats(GstWzpCrypt *self)
{
  GST_OBJECT_LOCK(self);
  GstStructure *stats =
      gst_structure_new(self->direction == GST_WZP_CRYPT_OPEN ? "application/x-wzp-open-stats"
                                                              : "application/x-wzp-seal-stats",
                        self->direction == GST_WZP_CRYPT_OPEN ? "packets-opened" : "packets-sealed",
                        G_TYPE_UINT64, self->packets, "frames", G_TYPE_UINT64, self->frames,
                        "bytes", G_TYPE_UINT64, self->bytes, NULL);
  for (unsigned reason = WZP_OK + 1; reason < WZP_N_RESULTS; reason++) {
    gchar name[64];
    g_snprintf(name, sizeof name, "drops-%s", wzp_result_name(reason));
    gst_structure_set(stats, name, G_TYPE_UINT64, self->drops[reason], NULL);
  }
  GST_OBJECT_UNLOCK(self);
  return stats;
}

static void
gst_wzp_crypt_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstWzpCrypt *self = GST_WZP_CRYPT(object);
  if (id != PROP_SESSION) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK(self);
  g_free(self->session_name);
  self->session_name = g_value_dup_string(value);
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_crypt_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstWzpCrypt *self = GST_WZP_CRYPT(object);
  switch (id) {
  case PROP_SESSION:
    GST_OBJECT_LOCK(self);
    g_value_set_string(value, self->session_name);
    GST_OBJECT_UNLOCK(self);
    break;
  case PROP_DIRECTION:
    GST_OBJECT_LOCK(self);
    g_value_set_enum(value, self->direction);
    GST_OBJECT_UNLOCK(self);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, make_stats(self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    break;
  }
}

static void
gst_wzp_crypt_finalize(GObject *object)
{
  GstWzpCrypt *self = GST_WZP_CRYPT(object);
  g_clear_object(&self->session);
  g_free(self->session_name);
  G_OBJECT_CLASS(gst_wzp_crypt_parent_class)->finalize(object);
}

static void
gst_wzp_crypt_init(GstWzpCrypt *self)
{
  gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), FALSE);
}

static void
gst_wzp_crypt_class_init(GstWzpCryptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS(klass);

  object_class->set_property = gst_wzp_crypt_set_property;
  object_class->get_property = gst_wzp_crypt_get_property;
  object_class->finalize = gst_wzp_crypt_finalize;
  g_object_class_install_property(
      object_class, PROP_SESSION,
      g_param_spec_string("session", "Session",
                          "Name of the session whose keys are used; unset: the pipeline's one",
                          NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property(
      object_class, PROP_DIRECTION,
      g_param_spec_enum("direction", "Direction", "What the caps make of this element",
                        GST_TYPE_WZP_CRYPT_DIRECTION, GST_WZP_CRYPT_NONE,
                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Counters, as application/x-wzp-seal-stats or application/x-wzp-open-stats",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_CRYPT_DIRECTION, 0);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "WZP crypt", "Encryptor/Decryptor/Network",
      "Seals or opens the packets of a voice call, as the caps say", GST_WZP_AUTHOR);

  transform_class->transform_caps = GST_DEBUG_FUNCPTR(gst_wzp_crypt_transform_caps);
  transform_class->set_caps = GST_DEBUG_FUNCPTR(gst_wzp_crypt_set_caps);
  transform_class->transform_size = GST_DEBUG_FUNCPTR(gst_wzp_crypt_transform_size);
  transform_class->transform = GST_DEBUG_FUNCPTR(gst_wzp_crypt_transform);
  transform_class->start = GST_DEBUG_FUNCPTR(gst_wzp_crypt_start);
  transform_class->stop = GST_DEBUG_FUNCPTR(gst_wzp_crypt_stop);
}
