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
#include "gstwzpprofile.h"
#include "wzp/gain.h"
#include "wzp/talk.h"
#include "wzpencoder.h"
#include "wzpheard.h"
#include <gst/audio/audio.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_enc_debug);
#define GST_CAT_DEFAULT gst_wzp_enc_debug

/* Descriptors of the room, at most so often; in the tiers where a packet more is felt, more rarely. */
#define COMFORT_INTERVAL_MS 400
#define COMFORT_INTERVAL_SPARE_MS 1200

enum { PROP_0, PROP_PROFILE, PROP_DTX, PROP_GAIN_CONTROL, PROP_STATS };

#define GST_TYPE_WZP_ENC (gst_wzp_enc_get_type())
G_DECLARE_FINAL_TYPE(GstWzpEnc, gst_wzp_enc, GST, WZP_ENC, GstAudioEncoder)

struct _GstWzpEnc {
  GstAudioEncoder parent;

  /* property and accounting, under the object lock */
  gint profile; /* number in the table of wzp/profile.h */
  gint asked;   /* by wzpfec, as the way is; -1: nothing */
  gboolean dtx, gain_control;
  gfloat gain_db, speech_db;
  guint64 frames, bytes, dropped, comfort, silent;

  /* streaming thread */
  WzpEncoder *encoder;
  const WzpProfile *current; /* what the frames in hand are made with; NULL before the start */
  WzpTalk *talk;
  WzpGain *gain;
  gboolean levels;       /* gain control is on */
  WzpHeard *heard;       /* by wzpdenoise, in the sound that is not encoded yet */
  GstClockTime next_pts; /* where the last buffer ended */
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

/* GstAudioEncoder */

static gint
gst_wzp_enc_frame_samples(GstWzpEnc *self)
{
  return (gint)self->current->frame_ms * (WZP_VOICE_RATE / 1000);
}

/* What the property names, or what is asked for, if that is less. */
static const WzpProfile *
gst_wzp_enc_next_profile(GstWzpEnc *self)
{
  GST_OBJECT_LOCK(self);
  const WzpProfile *profile = wzp_profile_nth((guint)MAX(self->profile, self->asked));
  GST_OBJECT_UNLOCK(self);
  return profile;
}

/* Takes over the profile, between two frames. */
static gboolean
gst_wzp_enc_apply_profile(GstWzpEnc *self)
{
  const WzpProfile *profile = gst_wzp_enc_next_profile(self);
  if (profile == self->current)
    return TRUE;

  const gchar *refused = wzp_encoder_set_profile(self->encoder, profile);
  if (refused != NULL) {
    GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS,
                      ("The profile %s cannot be encoded here.", profile->name), ("%s", refused));
    return FALSE;
  }
  self->current = profile;

  GstAudioEncoder *base = GST_AUDIO_ENCODER(self);
  gint samples = gst_wzp_enc_frame_samples(self);
  gst_audio_encoder_set_frame_samples_min(base, samples);
  gst_audio_encoder_set_frame_samples_max(base, samples);
  gst_audio_encoder_set_frame_max(base, 1);
  /* what the codec looks ahead is in the sound, not in the times of the frames: nothing waits for it */
  GstClockTime latency = self->current->frame_ms * GST_MSECOND;
  gst_audio_encoder_set_latency(base, latency, latency);
  GST_INFO_OBJECT(self, "profile %s", profile->name);
  return TRUE;
}

static gboolean
gst_wzp_enc_start(GstAudioEncoder *base)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  const gchar *why;

  self->encoder = wzp_encoder_new(&why);
  self->talk = wzp_talk_new();
  self->gain = wzp_gain_new();
  self->index = 0;
  self->current = NULL;
  wzp_heard_clear(self->heard);
  if (self->encoder == NULL)
    GST_ELEMENT_ERROR(self, LIBRARY, INIT, ("The encoder could not be made: %s.", why), (NULL));
  return self->encoder != NULL;
}

static gboolean
gst_wzp_enc_stop(GstAudioEncoder *base)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  g_clear_pointer(&self->encoder, wzp_encoder_free);
  g_clear_pointer(&self->talk, wzp_talk_free);
  g_clear_pointer(&self->gain, wzp_gain_free);
  self->current = NULL;
  GST_OBJECT_LOCK(self);
  self->asked = -1;
  GST_OBJECT_UNLOCK(self);
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
  if (self->encoder == NULL)
    return;
  wzp_encoder_reset(self->encoder);
  wzp_talk_reset(self->talk);
  wzp_gain_reset(self->gain);
  wzp_heard_clear(self->heard);
}

static GstPadProbeReturn
gst_wzp_enc_look_at_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstWzpEnc *self = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstWzpSpeechMeta *meta = gst_wzp_speech_meta_get(buffer);
  (void)pad;
  wzp_heard_add(self->heard, (guint)(gst_buffer_get_size(buffer) / sizeof(gint16)),
                meta != NULL ? meta->probability : -1);
  return GST_PAD_PROBE_OK;
}

static void
gst_wzp_enc_tell_speech(GstWzpEnc *self)
{
  gfloat speech[WZP_TALK_FRAME_MAX / WZP_VAD_SAMPLES];
  guint frame = (guint)gst_wzp_enc_frame_samples(self);
  wzp_heard_keep(self->heard, frame + WZP_VOICE_SAMPLES_MAX);
  for (guint n = 0; n < G_N_ELEMENTS(speech); n++)
    speech[n] = n * WZP_VAD_SAMPLES < frame ? wzp_heard_take(self->heard, WZP_VAD_SAMPLES) : -1;
  wzp_talk_set_speech(self->talk, speech);
}

/* NULL when the codec does not make a frame of the profile's size. */
static GstBuffer *
gst_wzp_enc_encode(GstWzpEnc *self, const gint16 *pcm)
{
  GstBuffer *buffer =
      gst_audio_encoder_allocate_output_buffer(GST_AUDIO_ENCODER(self), self->current->frame_bytes);
  GstMapInfo map;
  if (buffer == NULL || !gst_buffer_map(buffer, &map, GST_MAP_WRITE)) {
    gst_clear_buffer(&buffer);
    return NULL;
  }
  gboolean made = wzp_encoder_encode(self->encoder, pcm, map.data);
  gst_buffer_unmap(buffer, &map);
  if (!made) {
    GST_WARNING_OBJECT(self, "no frame of %u bytes: dropped", self->current->frame_bytes);
    gst_clear_buffer(&buffer);
    return NULL;
  }
  GstWzpMeta *meta = gst_wzp_meta_add(buffer);
  meta->code = (guint8)wzp_framing_frame_code(self->current->codec, self->current->frame_ms);
  meta->index = self->index;
  return buffer;
}

/* Behind the decision what is sent: that is made of the sound as it was. */
static const gint16 *
gst_wzp_enc_level(GstWzpEnc *self, const WzpTalkOutput *part, gint16 levelled[WZP_TALK_FRAME_MAX])
{
  if (!self->levels)
    return part->pcm;
  wzp_gain_frame(self->gain, part->pcm, levelled, part->samples, part->speech,
                 wzp_talk_room(self->talk));
  GST_OBJECT_LOCK(self);
  self->gain_db = wzp_gain_db(self->gain);
  self->speech_db = wzp_gain_speech_db(self->gain);
  GST_OBJECT_UNLOCK(self);
  return levelled;
}

static GstFlowReturn
gst_wzp_enc_send(GstWzpEnc *self, const WzpTalkOutput *part)
{
  gint16 levelled[WZP_TALK_FRAME_MAX];
  GstBuffer *output = gst_wzp_enc_encode(self, gst_wzp_enc_level(self, part, levelled));
  if (output != NULL && part->start)
    GST_BUFFER_FLAG_SET(output, GST_BUFFER_FLAG_DISCONT);
  GST_OBJECT_LOCK(self);
  if (output != NULL) {
    self->frames++;
    self->bytes += self->current->frame_bytes;
  } else {
    self->dropped++;
  }
  GST_OBJECT_UNLOCK(self);
  self->index++;
  return gst_audio_encoder_finish_frame(GST_AUDIO_ENCODER(self), output, (gint)part->samples);
}

static void
gst_wzp_enc_push_gap(GstWzpEnc *self, GstClockTime duration)
{
  gst_pad_push_event(GST_AUDIO_ENCODER_SRC_PAD(self), gst_event_new_gap(self->next_pts, duration));
  self->next_pts += duration;
}

/* In the place of a frame goes what the room sounds like. */
static GstFlowReturn
gst_wzp_enc_describe(GstWzpEnc *self, const WzpTalkOutput *part)
{
  guint8 descriptor[WZP_COMFORT_SIZE];
  wzp_comfort_write(wzp_talk_room(self->talk), self->current->bandwidth, descriptor);
  GstBuffer *output = gst_buffer_new_memdup(descriptor, sizeof descriptor);
  GstWzpMeta *meta = gst_wzp_meta_add(output);
  meta->code = WZP_CODE_COMFORT_NOISE;
  meta->index = self->index++;
  GST_OBJECT_LOCK(self);
  self->comfort++;
  GST_OBJECT_UNLOCK(self);
  GstFlowReturn flow =
      gst_audio_encoder_finish_frame(GST_AUDIO_ENCODER(self), output, (gint)part->samples);
  GstClockTime left = gst_util_uint64_scale(part->samples, GST_SECOND, WZP_VOICE_RATE) -
                      WZP_COMFORT_FRAME_MS * GST_MSECOND;
  if (left > 0)
    gst_wzp_enc_push_gap(self, left);
  return flow;
}

static GstFlowReturn
gst_wzp_enc_be_silent(GstWzpEnc *self, const WzpTalkOutput *part)
{
  GST_OBJECT_LOCK(self);
  self->silent++;
  GST_OBJECT_UNLOCK(self);
  GstFlowReturn flow =
      gst_audio_encoder_finish_frame(GST_AUDIO_ENCODER(self), NULL, (gint)part->samples);
  gst_wzp_enc_push_gap(self, gst_util_uint64_scale(part->samples, GST_SECOND, WZP_VOICE_RATE));
  return flow;
}

static GstFlowReturn
gst_wzp_enc_take_parts(GstWzpEnc *self)
{
  GstFlowReturn flow = GST_FLOW_OK;
  WzpTalkOutput part;
  while (flow == GST_FLOW_OK && wzp_talk_next(self->talk, &part)) {
    switch (part.action) {
    case WZP_TALK_SEND:
      flow = gst_wzp_enc_send(self, &part);
      break;
    case WZP_TALK_COMFORT:
      flow = gst_wzp_enc_describe(self, &part);
      break;
    case WZP_TALK_SILENT:
      flow = gst_wzp_enc_be_silent(self, &part);
      break;
    }
  }
  return flow;
}

/* What is held back has the length of the profile's frames: it must go before that changes. */
static GstFlowReturn
gst_wzp_enc_before_profile(GstWzpEnc *self)
{
  const WzpProfile *profile = gst_wzp_enc_next_profile(self);
  if (profile->frame_ms == self->current->frame_ms)
    return GST_FLOW_OK;
  wzp_talk_drain(self->talk);
  return gst_wzp_enc_take_parts(self);
}

static GstFlowReturn
gst_wzp_enc_handle_frame(GstAudioEncoder *base, GstBuffer *input)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  if (input == NULL) { /* what is held back was silence */
    wzp_talk_drain(self->talk);
    return gst_wzp_enc_take_parts(self);
  }

  GstMapInfo map;
  if (!gst_buffer_map(input, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR(self, STREAM, ENCODE, ("The audio to encode cannot be read."), (NULL));
    return GST_FLOW_ERROR;
  }
  /* at the end of the stream less than a frame may be left: silence completes it */
  gint16 padded[WZP_VOICE_SAMPLES_MAX] = {0};
  gsize frame_size = (gsize)gst_wzp_enc_frame_samples(self) * sizeof(gint16);
  memcpy(padded, map.data, MIN(map.size, frame_size));
  gst_buffer_unmap(input, &map);

  GST_OBJECT_LOCK(self);
  gboolean dtx = self->dtx, levels = self->gain_control;
  GST_OBJECT_UNLOCK(self);
  wzp_talk_set_suppression(self->talk, dtx);
  wzp_talk_set_listening(self->talk, levels);
  if (levels && !self->levels)
    wzp_gain_reset(self->gain);
  self->levels = levels;
  wzp_talk_set_interval(self->talk, self->current->codec == WZP_CODEC_OPUS
                                        ? COMFORT_INTERVAL_MS
                                        : COMFORT_INTERVAL_SPARE_MS);
  gst_wzp_enc_tell_speech(self);
  wzp_talk_frame(self->talk, padded, (guint)gst_wzp_enc_frame_samples(self));
  GstFlowReturn flow = gst_wzp_enc_take_parts(self);
  if (flow == GST_FLOW_OK)
    flow = gst_wzp_enc_before_profile(self);
  if (flow == GST_FLOW_OK && !gst_wzp_enc_apply_profile(self))
    return GST_FLOW_ERROR;
  return flow;
}

/* Here the frame has its time. */
static GstFlowReturn
gst_wzp_enc_pre_push(GstAudioEncoder *base, GstBuffer **buffer)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  GstWzpMeta *meta = gst_wzp_meta_get(*buffer);
  if (meta->code == WZP_CODE_COMFORT_NOISE)
    GST_BUFFER_DURATION(*buffer) = WZP_COMFORT_FRAME_MS * GST_MSECOND;
  self->next_pts = GST_BUFFER_PTS(*buffer) + GST_BUFFER_DURATION(*buffer);
  meta->media_time =
      gst_segment_to_running_time(&base->output_segment, GST_FORMAT_TIME, GST_BUFFER_PTS(*buffer));
  return GST_FLOW_OK;
}

/* GObject */

/* What is held back was silence, and before this one. */
static void
gst_wzp_enc_before_gap(GstWzpEnc *self, GstEvent *gap)
{
  GstClockTime start, duration;
  gst_event_parse_gap(gap, &start, &duration);
  GST_AUDIO_ENCODER_STREAM_LOCK(self);
  if (self->current != NULL) {
    wzp_talk_drain(self->talk);
    gst_wzp_enc_take_parts(self);
  }
  self->next_pts = start + (GST_CLOCK_TIME_IS_VALID(duration) ? duration : 0);
  GST_AUDIO_ENCODER_STREAM_UNLOCK(self);
}

/* The base class keeps events for the next frame. Silence is told at once: in it wzpfec sends what it still owes. */
static gboolean
gst_wzp_enc_sink_event(GstAudioEncoder *base, GstEvent *event)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  GstPad *pad = GST_AUDIO_ENCODER_SRC_PAD(base);
  if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
    GstEvent *segment = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    if (segment != NULL) {
      gst_event_unref(segment);
      gst_wzp_enc_before_gap(self, event);
      return gst_pad_push_event(pad, event);
    }
  }
  return GST_AUDIO_ENCODER_CLASS(gst_wzp_enc_parent_class)->sink_event(base, event);
}

/* wzpfec asks for a profile, "" for what the property says, and what that is. */
static gboolean
gst_wzp_enc_src_event(GstAudioEncoder *base, GstEvent *event)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CUSTOM_UPSTREAM ||
      !gst_event_has_name(event, "wzp-profile"))
    return GST_AUDIO_ENCODER_CLASS(gst_wzp_enc_parent_class)->src_event(base, event);
  const gint n =
      gst_wzp_profile_find(gst_structure_get_string(gst_event_get_structure(event), "profile"));
  GST_OBJECT_LOCK(self);
  self->asked = n;
  GST_OBJECT_UNLOCK(self);
  gst_event_unref(event);
  return TRUE;
}

static gboolean
gst_wzp_enc_src_query(GstAudioEncoder *base, GstQuery *query)
{
  GstWzpEnc *self = GST_WZP_ENC(base);
  if (GST_QUERY_TYPE(query) != GST_QUERY_CUSTOM ||
      !gst_structure_has_name(gst_query_get_structure(query), "wzp-wanted-profile"))
    return GST_AUDIO_ENCODER_CLASS(gst_wzp_enc_parent_class)->src_query(base, query);
  GST_OBJECT_LOCK(self);
  const WzpProfile *profile = wzp_profile_nth((guint)self->profile);
  GST_OBJECT_UNLOCK(self);
  gst_structure_set(gst_query_writable_structure(query), "profile", G_TYPE_STRING, profile->name,
                    NULL);
  return TRUE;
}

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
  case PROP_DTX:
    GST_OBJECT_LOCK(self);
    self->dtx = g_value_get_boolean(value);
    GST_OBJECT_UNLOCK(self);
    break;
  case PROP_GAIN_CONTROL:
    GST_OBJECT_LOCK(self);
    self->gain_control = g_value_get_boolean(value);
    self->gain_db = 0;
    self->speech_db = WZP_GAIN_UNKNOWN_DB;
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
  case PROP_DTX:
    g_value_set_boolean(value, self->dtx);
    break;
  case PROP_GAIN_CONTROL:
    g_value_set_boolean(value, self->gain_control);
    break;
  case PROP_STATS:
    g_value_take_boxed(
        value, gst_structure_new(
                   "application/x-wzp-enc-stats", "frames", G_TYPE_UINT64, self->frames, "bytes",
                   G_TYPE_UINT64, self->bytes, "dropped", G_TYPE_UINT64, self->dropped, "comfort",
                   G_TYPE_UINT64, self->comfort, "silent", G_TYPE_UINT64, self->silent, "profile",
                   G_TYPE_STRING, wzp_profile_nth((guint)MAX(self->profile, self->asked))->name,
                   "gain-db", G_TYPE_DOUBLE, (gdouble)self->gain_db, "speech-db", G_TYPE_DOUBLE,
                   (gdouble)self->speech_db, NULL));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_enc_finalize(GObject *object)
{
  wzp_heard_free(GST_WZP_ENC(object)->heard);
  G_OBJECT_CLASS(gst_wzp_enc_parent_class)->finalize(object);
}

static void
gst_wzp_enc_class_init(GstWzpEncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstAudioEncoderClass *encoder_class = GST_AUDIO_ENCODER_CLASS(klass);

  object_class->set_property = gst_wzp_enc_set_property;
  object_class->get_property = gst_wzp_enc_get_property;
  object_class->finalize = gst_wzp_enc_finalize;

  /**
   * GstWzpEnc:profile:
   *
   * Codec, bitrate and frame length. A change takes effect at the next frame. Behind it wzpfec may ask for less, as the
   * way allows: #GstWzpFec:tier.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_PROFILE,
      g_param_spec_enum("profile", "Profile",
                        "Codec, bitrate and frame length; takes effect at the next frame",
                        GST_TYPE_WZP_PROFILE, gst_wzp_profile_default(),
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpEnc:dtx:
   *
   * Silence is not sent: in its place goes a descriptor of what the room sounds like, at its beginning and when that
   * changes, and the listener hears such noise. What is silence wzpdenoise says, when it stands before. FALSE: every frame is sent, at a constant rate, and nobody on the
   * way can tell who speaks when.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_DTX,
      g_param_spec_boolean("dtx", "Discontinuous transmission",
                           "Send descriptions of the room instead of silence; off: constant rate",
                           FALSE,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpEnc:gain-control:
   *
   * The level of speech is brought between -26 and -23 dB of full scale, by 3 dB a second, as far as 20 dB up or down; peaks
   * stay below -1 dB. Silence is decided before, learnt from is only speech, and silence is not raised. Speech whose
   * level is right is not touched.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_GAIN_CONTROL,
      g_param_spec_boolean("gain-control", "Gain control",
                           "Bring the level of speech between -26 and -23 dB of full scale", FALSE,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpEnc:stats:
   *
   * "application/x-wzp-enc-stats" with, as #guint64, "frames" and "bytes" that were made, and "dropped":
   * frames that the codec could not bring to the size of the profile; "comfort",
   * descriptors of the room that went instead of frames; "silent", frames for which nothing was sent. "profile"
   * (string) is what is spoken now: #GstWzpEnc:profile, or less, where wzpfec asks for it. With #GstWzpEnc:gain-control, as
   * #gdouble, "gain-db", what speech is raised by, and "speech-db", its level before that, -200 when it is not known.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Frames and bytes made, frames dropped or silent",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_PROFILE, 0);

  encoder_class->start = GST_DEBUG_FUNCPTR(gst_wzp_enc_start);
  encoder_class->stop = GST_DEBUG_FUNCPTR(gst_wzp_enc_stop);
  encoder_class->set_format = GST_DEBUG_FUNCPTR(gst_wzp_enc_set_format);
  encoder_class->flush = GST_DEBUG_FUNCPTR(gst_wzp_enc_flush);
  encoder_class->handle_frame = GST_DEBUG_FUNCPTR(gst_wzp_enc_handle_frame);
  encoder_class->sink_event = GST_DEBUG_FUNCPTR(gst_wzp_enc_sink_event);
  encoder_class->src_event = GST_DEBUG_FUNCPTR(gst_wzp_enc_src_event);
  encoder_class->src_query = GST_DEBUG_FUNCPTR(gst_wzp_enc_src_query);
  encoder_class->pre_push = GST_DEBUG_FUNCPTR(gst_wzp_enc_pre_push);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "WZP voice encoder", "Codec/Encoder/Audio",
                                        "Encodes voice to frames of constant size", GST_WZP_AUTHOR);
}

static void
gst_wzp_enc_init(GstWzpEnc *self)
{
  self->heard = wzp_heard_new();
  gst_pad_add_probe(GST_AUDIO_ENCODER_SINK_PAD(self), GST_PAD_PROBE_TYPE_BUFFER,
                    gst_wzp_enc_look_at_buffer, self, NULL);
  self->profile = gst_wzp_profile_default();
  self->asked = -1;
  self->speech_db = WZP_GAIN_UNKNOWN_DB;
  /* media time counts samples; the jitter of a capture device's timestamps is not sent */
  gst_audio_encoder_set_perfect_timestamp(GST_AUDIO_ENCODER(self), TRUE);
}
