/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpenc
 * @title: wzpenc
 * @see_also: wzpdec, wzpfec
 *
 * Encodes voice to frames of constant size. The #GstWzpEnc:profile says codec, bitrate and frame length
 * in one word; it may change while playing and takes effect at the next frame.
 *
 * The size of a frame never depends on what is said: frames of variable size give away speech through
 * encryption.
 *
 * |[
 * gst-launch-1.0 audiotestsrc is-live=true ! wzpenc profile=opus-24k ! wzpdec ! autoaudiosink
 * ]| A tone through the codec and back.
 */

#include "gstwzpelements.h"
#include "gstwzpmeta.h"
#include "wzp/profile.h"
#include <gst/audio/audio.h>
#include <opus/opus.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_enc_debug);
#define GST_CAT_DEFAULT gst_wzp_enc_debug

#define SAMPLE_RATE 48000
#define COMPLEXITY 5
#define LONGEST_FRAME_MS 60

enum { PROP_0, PROP_PROFILE, PROP_STATS };

#define GST_TYPE_WZP_ENC (gst_wzp_enc_get_type())
G_DECLARE_FINAL_TYPE(GstWzpEnc, gst_wzp_enc, GST, WZP_ENC, GstAudioEncoder)

struct _GstWzpEnc {
  GstAudioEncoder parent;

  /* property and accounting, under the object lock */
  gint profile; /* number in the table of wzp/profile.h */
  guint64 frames, bytes, dropped;

  /* streaming thread */
  OpusEncoder *encoder;
  const WzpProfile *current; /* what the frames in hand are made with; NULL before the start */
  guint64 index;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("audio/x-raw, format=(string)" GST_AUDIO_NE(
                                S16) ", layout=(string)interleaved, rate=(int)48000, "
                                     "channels=(int)1"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_WZP_CAPS_FRAMES));

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpEnc, gst_wzp_enc, GST_TYPE_AUDIO_ENCODER,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_enc_debug, "wzpenc", 0,
                                                      "WZP voice encoder"))
GST_ELEMENT_REGISTER_DEFINE(wzpenc, "wzpenc", GST_RANK_NONE, GST_TYPE_WZP_ENC)

/* The Opus profiles of the table, under their names. */
#define GST_TYPE_WZP_PROFILE (gst_wzp_profile_get_type())
static GType
gst_wzp_profile_get_type(void)
{
  static gsize type;
  if (g_once_init_enter(&type)) {
    GArray *values = g_array_new(TRUE, TRUE, sizeof(GEnumValue));
    for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
      const WzpProfile *profile = wzp_profile_nth(n);
      if (profile->codec != WZP_CODEC_OPUS)
        continue;
      GEnumValue value = {.value = (gint)n, .value_nick = profile->name};
      value.value_name =
          g_strdup_printf("Opus %u kbit/s, %u ms, %u bytes a frame", profile->bitrate / 1000,
                          profile->frame_ms, profile->frame_bytes);
      g_array_append_val(values, value);
    }
    /* the type system keeps the values for good */
    gpointer kept = g_array_free(values, FALSE);
    g_once_init_leave(&type, g_enum_register_static("GstWzpProfile", kept));
  }
  return type;
}

static gint
default_profile(void)
{
  gint n = 0;
  while (wzp_profile_nth((guint)n) != wzp_profile_by_name(WZP_PROFILE_DEFAULT))
    n++;
  return n;
}

/* GstAudioEncoder */

static gint
gst_wzp_enc_frame_samples(GstWzpEnc *self)
{
  return (gint)(self->current->frame_ms * SAMPLE_RATE / 1000);
}

static gboolean
gst_wzp_enc_set(GstWzpEnc *self, gint request, gint value)
{
  int result = opus_encoder_ctl(self->encoder, request, value);
  if (result != OPUS_OK)
    GST_ERROR_OBJECT(self, "request %d with %d: %s", request, value, opus_strerror(result));
  return result == OPUS_OK;
}

/* Takes over the profile that the property names, between two frames. */
static gboolean
gst_wzp_enc_apply_profile(GstWzpEnc *self)
{
  GST_OBJECT_LOCK(self);
  const WzpProfile *profile = wzp_profile_nth((guint)self->profile);
  GST_OBJECT_UNLOCK(self);
  if (profile == self->current)
    return TRUE;

  opus_int32 lookahead = 0;
  if (!gst_wzp_enc_set(self, OPUS_SET_BITRATE((opus_int32)profile->bitrate)) ||
      opus_encoder_ctl(self->encoder, OPUS_GET_LOOKAHEAD(&lookahead)) != OPUS_OK) {
    GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS,
                      ("This libopus refuses the profile %s.", profile->name), (NULL));
    return FALSE;
  }
  self->current = profile;

  GstAudioEncoder *base = GST_AUDIO_ENCODER(self);
  gint samples = gst_wzp_enc_frame_samples(self);
  gst_audio_encoder_set_frame_samples_min(base, samples);
  gst_audio_encoder_set_frame_samples_max(base, samples);
  gst_audio_encoder_set_frame_max(base, 1);
  GstClockTime latency = gst_util_uint64_scale(samples + lookahead, GST_SECOND, SAMPLE_RATE);
  gst_audio_encoder_set_latency(base, latency, latency);
  GST_INFO_OBJECT(self, "profile %s", profile->name);
  return TRUE;
}

static gboolean
gst_wzp_enc_start(GstAudioEncoder *base)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  int error = OPUS_OK;

  self->encoder = opus_encoder_create(SAMPLE_RATE, 1, OPUS_APPLICATION_VOIP, &error);
  if (self->encoder == NULL) {
    GST_ELEMENT_ERROR(self, LIBRARY, INIT,
                      ("The Opus encoder could not be made: %s.", opus_strerror(error)), (NULL));
    return FALSE;
  }
  self->index = 0;
  self->current = NULL;
  gboolean set = gst_wzp_enc_set(self, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)) &&
                 gst_wzp_enc_set(self, OPUS_SET_COMPLEXITY(COMPLEXITY)) &&
                 gst_wzp_enc_set(self, OPUS_SET_VBR(0)) && gst_wzp_enc_set(self, OPUS_SET_DTX(0)) &&
                 gst_wzp_enc_set(self, OPUS_SET_INBAND_FEC(0));
  if (!set)
    GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS, ("This libopus refuses a setting that voice needs."),
                      ("%s", opus_get_version_string()));
  return set;
}

static gboolean
gst_wzp_enc_stop(GstAudioEncoder *base)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  g_clear_pointer(&self->encoder, opus_encoder_destroy);
  self->current = NULL;
  return TRUE;
}

static gboolean
gst_wzp_enc_set_format(GstAudioEncoder *base, GstAudioInfo *info)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  (void)info;           /* the template leaves one format */
  self->current = NULL; /* the base class has just forgotten frame size and latency */
  if (!gst_wzp_enc_apply_profile(self))
    return FALSE;
  GstCaps *caps = gst_static_pad_template_get_caps(&src_template);
  gboolean set = gst_audio_encoder_set_output_format(base, caps);
  gst_caps_unref(caps);
  return set;
}

static void
gst_wzp_enc_flush(GstAudioEncoder *base)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  if (self->encoder != NULL)
    opus_encoder_ctl(self->encoder, OPUS_RESET_STATE);
}

/* Encodes to exactly the profile's frame_bytes. NULL when libopus does not manage that. */
static GstBuffer *
gst_wzp_enc_encode(GstWzpEnc *self, const opus_int16 *pcm)
{
  opus_int32 exact = (opus_int32)self->current->frame_bytes;
  GstBuffer *buffer = gst_audio_encoder_allocate_output_buffer(GST_AUDIO_ENCODER(self), exact);
  GstMapInfo map;
  if (buffer == NULL || !gst_buffer_map(buffer, &map, GST_MAP_WRITE)) {
    gst_clear_buffer(&buffer);
    return NULL;
  }
  opus_int32 length =
      opus_encode(self->encoder, pcm, gst_wzp_enc_frame_samples(self), map.data, exact);
  if (length > 0 && length < exact && opus_packet_pad(map.data, length, exact) == OPUS_OK)
    length = exact;
  gst_buffer_unmap(buffer, &map);
  if (length != exact) {
    GST_WARNING_OBJECT(self, "a frame of %d bytes instead of %d dropped", length, exact);
    gst_clear_buffer(&buffer);
    return NULL;
  }
  GstWzpMeta *meta = gst_wzp_meta_add(buffer);
  meta->code = (guint8)wzp_framing_code(self->current->codec, self->current->frame_ms, 1);
  meta->index = self->index;
  return buffer;
}

static GstFlowReturn
gst_wzp_enc_handle_frame(GstAudioEncoder *base, GstBuffer *input)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  if (input == NULL) /* drained; nothing is kept here */
    return GST_FLOW_OK;

  GstMapInfo map;
  if (!gst_buffer_map(input, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR(self, STREAM, ENCODE, ("The audio to encode cannot be read."), (NULL));
    return GST_FLOW_ERROR;
  }
  /* at the end of the stream less than a frame may be left: silence completes it */
  opus_int16 padded[SAMPLE_RATE * LONGEST_FRAME_MS / 1000] = {0};
  gsize frame_size = (gsize)gst_wzp_enc_frame_samples(self) * sizeof(opus_int16);
  memcpy(padded, map.data, MIN(map.size, frame_size));
  gst_buffer_unmap(input, &map);

  GstBuffer *output = gst_wzp_enc_encode(self, padded);
  GST_OBJECT_LOCK(self);
  if (output != NULL) {
    self->frames++;
    self->bytes += self->current->frame_bytes;
  } else {
    self->dropped++;
  }
  GST_OBJECT_UNLOCK(self);
  self->index++;

  GstFlowReturn flow =
      gst_audio_encoder_finish_frame(base, output, gst_wzp_enc_frame_samples(self));
  if (flow == GST_FLOW_OK && !gst_wzp_enc_apply_profile(self))
    return GST_FLOW_ERROR;
  return flow;
}

/* Here the frame has its time. */
static GstFlowReturn
gst_wzp_enc_pre_push(GstAudioEncoder *base, GstBuffer **buffer)
{
  GstWzpMeta *meta = gst_wzp_meta_get(*buffer);
  meta->media_time =
      gst_segment_to_running_time(&base->output_segment, GST_FORMAT_TIME, GST_BUFFER_PTS(*buffer));
  return GST_FLOW_OK;
}

/* GObject */

static void
gst_wzp_enc_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstWzpEnc *self = GST_WZP_ENC(object);
  switch (id) {
  case PROP_PROFILE:
    GST_OBJECT_LOCK(self);
    self->profile = g_value_get_enum(value);
    GST_OBJECT_UNLOCK(self);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void
gst_wzp_enc_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpEnc *self = GST_WZP_ENC(object);
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_PROFILE:
    g_value_set_enum(value, self->profile);
    break;
  case PROP_STATS:
    g_value_take_boxed(value,
                       gst_structure_new("application/x-wzp-enc-stats", "frames", G_TYPE_UINT64,
                                         self->frames, "bytes", G_TYPE_UINT64, self->bytes,
                                         "dropped", G_TYPE_UINT64, self->dropped, NULL));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_enc_class_init(GstWzpEncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstAudioEncoderClass *encoder_class = GST_AUDIO_ENCODER_CLASS(klass);

  object_class->set_property = gst_wzp_enc_set_property;
  object_class->get_property = gst_wzp_enc_get_property;

  /**
   * GstWzpEnc:profile:
   *
   * Codec, bitrate and frame length. A change takes effect at the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_PROFILE,
      g_param_spec_enum("profile", "Profile",
                        "Codec, bitrate and frame length; takes effect at the next frame",
                        GST_TYPE_WZP_PROFILE, default_profile(),
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpEnc:stats:
   *
   * "application/x-wzp-enc-stats" with, as #guint64, "frames" and "bytes" that were made, and "dropped":
   * frames that libopus could not bring to the size of the profile.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Frames and bytes made, frames dropped",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_PROFILE, 0);

  encoder_class->start = GST_DEBUG_FUNCPTR(gst_wzp_enc_start);
  encoder_class->stop = GST_DEBUG_FUNCPTR(gst_wzp_enc_stop);
  encoder_class->set_format = GST_DEBUG_FUNCPTR(gst_wzp_enc_set_format);
  encoder_class->flush = GST_DEBUG_FUNCPTR(gst_wzp_enc_flush);
  encoder_class->handle_frame = GST_DEBUG_FUNCPTR(gst_wzp_enc_handle_frame);
  encoder_class->pre_push = GST_DEBUG_FUNCPTR(gst_wzp_enc_pre_push);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "WZP voice encoder", "Codec/Encoder/Audio",
                                        "Encodes voice to Opus frames of constant size",
                                        GST_WZP_AUTHOR);
}

static void
gst_wzp_enc_init(GstWzpEnc *self)
{
  self->profile = default_profile();
  /* media time counts samples; the jitter of a capture device's timestamps is not sent */
  gst_audio_encoder_set_perfect_timestamp(GST_AUDIO_ENCODER(self), TRUE);
}
