/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpdenoise
 * @title: wzpdenoise
 * @see_also: wzpenc
 *
 * Takes noise out of speech, by RNNoise where that was built in, by libspeexdsp otherwise. #GstWzpDenoise:strength changes
 * while playing, faded over 10 ms. What comes out carries the time that it had: it comes 10 ms later, which the latency
 * query tells; with strength=off it passes at once and costs nothing.
 *
 * With RNNoise each buffer of 10 ms also carries the probability that somebody speaks in it, by which wzpenc tells
 * speech from silence.
 *
 * |[
 * gst-launch-1.0 autoaudiosrc ! audioconvert ! audioresample ! wzpdenoise strength=strong ! audioconvert ! autoaudiosink
 * ]| One's own voice without the room.
 */

#include "gstwzpelements.h"
#include "gstwzpframes.h"
#include "gstwzpmeta.h"
#include "wzp/denoise.h"
#include <gst/audio/audio.h>
#include <gst/audio/gstaudiofilter.h>
#include <math.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_denoise_debug);
#define GST_CAT_DEFAULT gst_wzp_denoise_debug

#define RATE 48000
#define FRAME WZP_DENOISE_SAMPLES
#define FRAME_TIME (10 * GST_MSECOND)
#define HELD_MAX 4
#define SPEECH 0.5f

enum { PROP_0, PROP_STRENGTH, PROP_ENGINE, PROP_STATS };

#define DEFAULT_STRENGTH WZP_DENOISE_STRONG

#define GST_TYPE_WZP_DENOISE (gst_wzp_denoise_get_type())
G_DECLARE_FINAL_TYPE(GstWzpDenoise, gst_wzp_denoise, GST, WZP_DENOISE, GstAudioFilter)

/* A frame that went in and did not come out yet. */
typedef struct {
  GstClockTime pts;
  guint samples; /* of sound; behind it is what fills the last frame */
} Held;

struct _GstWzpDenoise {
  GstAudioFilter parent;

  /* under the object lock */
  WzpDenoiseStrength strength;
  gchar *engine; /* that is wanted; NULL: the best one */
  guint delay;   /* frames, of the engine that runs */
  guint64 frames, speech, passed;
  gfloat probability; /* the last one; -1 unknown */

  /* streaming thread */
  WzpDenoise *denoise;
  gboolean active; /* sound is in the engine */
  gboolean dry;    /* the last frame that came out ended as it went in */
  gboolean stale;  /* what the engine remembers is not what was before */
  GstWzpFrames in;
  Held held[HELD_MAX];
  guint n_held;
  GQueue ready; /* of GstBuffer */
};

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpDenoise, gst_wzp_denoise, GST_TYPE_AUDIO_FILTER,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_denoise_debug, "wzpdenoise", 0,
                                                      "WZP noise removal"))
GST_ELEMENT_REGISTER_DEFINE(wzpdenoise, "wzpdenoise", GST_RANK_NONE, GST_TYPE_WZP_DENOISE)

#define GST_TYPE_WZP_DENOISE_STRENGTH (gst_wzp_denoise_strength_get_type())
static GType
gst_wzp_denoise_strength_get_type(void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {WZP_DENOISE_OFF, "The sound as it is", "off"},
      {WZP_DENOISE_LIGHT, "Noise is 10 dB softer", "light"},
      {WZP_DENOISE_STRONG, "Next to no noise is left", "strong"},
      {0, NULL, NULL},
  };
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpDenoiseStrength", values));
  return type;
}

static WzpDenoiseStrength
get_strength(GstWzpDenoise *self)
{
  GST_OBJECT_LOCK(self);
  WzpDenoiseStrength strength = self->strength;
  GST_OBJECT_UNLOCK(self);
  return strength;
}

/* --- sound --- */

static gboolean
is_float(GstWzpDenoise *self)
{
  return GST_AUDIO_FILTER_FORMAT(self) == GST_AUDIO_FORMAT_F32LE;
}

static gsize
sample_size(GstWzpDenoise *self)
{
  return is_float(self) ? sizeof(gfloat) : sizeof(gint16);
}

static void
take_frame(GstWzpDenoise *self, gsize samples, gfloat in[FRAME])
{
  gsize size = samples * sample_size(self);
  if (is_float(self)) {
    gst_wzp_frames_take(&self->in, in, size);
  } else {
    gint16 pcm[FRAME];
    gst_wzp_frames_take(&self->in, pcm, size);
    for (gsize i = 0; i < samples; i++)
      in[i] = pcm[i] / 32768.0f;
  }
}

static void
put_ready(GstWzpDenoise *self, const gfloat *sound, const Held *held, gfloat probability)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, held->samples * sample_size(self), NULL);
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_WRITE)) {
    gst_buffer_unref(buffer);
    return;
  }
  if (is_float(self)) {
    memcpy(map.data, sound, map.size);
  } else {
    gint16 *pcm = (gint16 *)map.data;
    for (guint i = 0; i < held->samples; i++)
      pcm[i] = (gint16)lrintf(CLAMP(sound[i] * 32768, -32768, 32767));
  }
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = held->pts;
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(held->samples, GST_SECOND, RATE);
  if (probability >= 0)
    gst_wzp_speech_meta_add(buffer, probability);
  g_queue_push_tail(&self->ready, buffer);
}

/* held: what goes in, or NULL for the silence that pushes the last frames out. */
static void
run_frame(GstWzpDenoise *self, const gfloat in[FRAME], const Held *held,
          WzpDenoiseStrength strength)
{
  gfloat out[FRAME];
  guint delay = wzp_denoise_delay(self->denoise);
  gboolean due = held == NULL || self->n_held == delay;
  /* the sound before was as it is, and so this one begins */
  wzp_denoise_set_strength(self->denoise, due ? strength : WZP_DENOISE_OFF);
  gfloat probability = wzp_denoise_frame(self->denoise, in, out);
  GST_OBJECT_LOCK(self);
  self->frames++;
  self->speech += probability > SPEECH;
  self->probability = probability;
  GST_OBJECT_UNLOCK(self);
  if (due && self->n_held > 0) {
    self->dry = strength == WZP_DENOISE_OFF;
    put_ready(self, out, &self->held[0], probability);
    self->n_held--;
    memmove(self->held, self->held + 1, self->n_held * sizeof *self->held);
  }
  if (held != NULL)
    self->held[self->n_held++] = *held;
}

static Held
next_frame(GstWzpDenoise *self, guint samples)
{
  return (Held){gst_wzp_frames_time(&self->in, sample_size(self), RATE), samples};
}

static void
run_frames(GstWzpDenoise *self, WzpDenoiseStrength strength)
{
  gfloat in[FRAME];
  while (gst_adapter_available(self->in.adapter) >= FRAME * sample_size(self)) {
    Held held = next_frame(self, FRAME);
    take_frame(self, FRAME, in);
    run_frame(self, in, &held, strength);
  }
}

/* All that went in comes out, and the engine rests. */
static void
drain(GstWzpDenoise *self, WzpDenoiseStrength strength)
{
  gfloat in[FRAME] = {0};
  guint rest = (guint)(gst_adapter_available(self->in.adapter) / sample_size(self));
  if (!self->active)
    return;
  if (rest > 0) {
    Held held = next_frame(self, rest);
    take_frame(self, rest, in);
    run_frame(self, in, &held, strength);
    memset(in, 0, sizeof in);
  }
  while (self->n_held > 0)
    run_frame(self, in, NULL, strength);
  self->active = FALSE;
  GST_OBJECT_LOCK(self);
  self->probability = -1;
  GST_OBJECT_UNLOCK(self);
}

static void
forget(GstWzpDenoise *self)
{
  gst_adapter_clear(self->in.adapter);
  g_queue_clear_full(&self->ready, (GDestroyNotify)gst_buffer_unref);
  self->n_held = 0;
  self->active = FALSE;
  self->stale = TRUE;
}

static GstFlowReturn
gst_wzp_denoise_submit_input_buffer(GstBaseTransform *base, gboolean discont, GstBuffer *input)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(base);
  GstFlowReturn flow = GST_BASE_TRANSFORM_CLASS(gst_wzp_denoise_parent_class)
                           ->submit_input_buffer(base, discont, input);
  GstBuffer *buffer = g_steal_pointer(&base->queued_buf);
  if (flow != GST_FLOW_OK || buffer == NULL)
    return flow;

  WzpDenoiseStrength strength = get_strength(self);
  if (discont || GST_BUFFER_IS_DISCONT(buffer))
    drain(self, strength);
  if (strength == WZP_DENOISE_OFF && !self->active) {
    GST_OBJECT_LOCK(self);
    self->passed++;
    GST_OBJECT_UNLOCK(self);
    self->stale = TRUE;
    g_queue_push_tail(&self->ready, buffer);
    return GST_FLOW_OK;
  }
  if (!self->active) {
    if (self->stale)
      wzp_denoise_reset(self->denoise);
    self->stale = FALSE;
    self->active = self->dry = TRUE;
  }
  gst_wzp_frames_push(&self->in, buffer, FRAME * sample_size(self));
  run_frames(self, strength);
  if (strength == WZP_DENOISE_OFF && self->dry) /* faded, with sound behind it and not an end */
    drain(self, strength);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_wzp_denoise_generate_output(GstBaseTransform *base, GstBuffer **output)
{
  *output = g_queue_pop_head(&GST_WZP_DENOISE(base)->ready);
  return GST_FLOW_OK;
}

/* --- events and queries --- */

static gboolean
gst_wzp_denoise_sink_event(GstBaseTransform *base, GstEvent *event)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(base);
  GstBuffer *buffer;
  switch (GST_EVENT_TYPE(event)) {
  case GST_EVENT_EOS:
  case GST_EVENT_SEGMENT:
  case GST_EVENT_CAPS:
  case GST_EVENT_GAP:
    drain(self, get_strength(self));
    while ((buffer = g_queue_pop_head(&self->ready)) != NULL)
      gst_pad_push(GST_BASE_TRANSFORM_SRC_PAD(base), buffer);
    break;
  case GST_EVENT_FLUSH_STOP:
    forget(self);
    break;
  default:
    break;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_wzp_denoise_parent_class)->sink_event(base, event);
}

static GstClockTime
get_latency(GstWzpDenoise *self)
{
  GST_OBJECT_LOCK(self);
  guint frames = self->strength == WZP_DENOISE_OFF ? 0 : self->delay + (self->in.ragged ? 1 : 0);
  GST_OBJECT_UNLOCK(self);
  return frames * FRAME_TIME;
}

static gboolean
gst_wzp_denoise_query(GstBaseTransform *base, GstPadDirection direction, GstQuery *query)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(base);
  if (direction != GST_PAD_SRC || GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return GST_BASE_TRANSFORM_CLASS(gst_wzp_denoise_parent_class)->query(base, direction, query);
  return gst_wzp_frames_answer_latency(GST_BASE_TRANSFORM_SINK_PAD(base), query, get_latency(self));
}

/* --- life --- */

static gboolean
gst_wzp_denoise_start(GstBaseTransform *base)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(base);
  GST_OBJECT_LOCK(self);
  g_autofree gchar *engine = g_strdup(self->engine);
  GST_OBJECT_UNLOCK(self);
  self->denoise = wzp_denoise_new(engine);
  if (self->denoise == NULL) {
    g_autoptr(GString) known = g_string_new(NULL);
    for (guint n = 0; wzp_denoise_engine(n) != NULL; n++)
      g_string_append_printf(known, "%s%s", n > 0 ? ", " : "", wzp_denoise_engine(n));
    GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS,
                      ("There is no engine '%s' for noise removal in this build; there is: %s.",
                       engine, known->str),
                      (NULL));
    return FALSE;
  }
  GST_OBJECT_LOCK(self);
  self->delay = wzp_denoise_delay(self->denoise);
  GST_OBJECT_UNLOCK(self);
  gst_wzp_frames_restart(&self->in);
  forget(self);
  return TRUE;
}

static gboolean
gst_wzp_denoise_stop(GstBaseTransform *base)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(base);
  forget(self);
  g_clear_pointer(&self->denoise, wzp_denoise_free);
  return TRUE;
}

/* --- GObject --- */

static void
gst_wzp_denoise_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(object);
  GstClockTime before = get_latency(self);
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_STRENGTH:
    self->strength = g_value_get_enum(value);
    break;
  case PROP_ENGINE:
    g_free(self->engine);
    self->engine = g_value_dup_string(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(self);
  if (get_latency(self) != before)
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

static void
gst_wzp_denoise_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(object);
  GST_OBJECT_LOCK(self);
  switch (id) {
  case PROP_STRENGTH:
    g_value_set_enum(value, self->strength);
    break;
  case PROP_ENGINE:
    g_value_set_string(value, self->engine);
    break;
  case PROP_STATS:
    g_value_take_boxed(value,
                       gst_structure_new("application/x-wzp-denoise-stats", "frames", G_TYPE_UINT64,
                                         self->frames, "speech", G_TYPE_UINT64, self->speech,
                                         "passed", G_TYPE_UINT64, self->passed, "probability",
                                         G_TYPE_DOUBLE, (gdouble)self->probability, NULL));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(self);
}

static void
gst_wzp_denoise_finalize(GObject *object)
{
  GstWzpDenoise *self = GST_WZP_DENOISE(object);
  forget(self);
  g_clear_pointer(&self->denoise, wzp_denoise_free);
  gst_wzp_frames_clear(&self->in);
  g_free(self->engine);
  G_OBJECT_CLASS(gst_wzp_denoise_parent_class)->finalize(object);
}

static void
gst_wzp_denoise_class_init(GstWzpDenoiseClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS(klass);

  object_class->set_property = gst_wzp_denoise_set_property;
  object_class->get_property = gst_wzp_denoise_get_property;
  object_class->finalize = gst_wzp_denoise_finalize;

  /**
   * GstWzpDenoise:strength:
   *
   * How much noise is taken away; a change is faded over 10 ms.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STRENGTH,
      g_param_spec_enum("strength", "Strength", "How much noise is taken away",
                        GST_TYPE_WZP_DENOISE_STRENGTH, DEFAULT_STRENGTH,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWzpDenoise:engine:
   *
   * What takes it away: "rnnoise" where it was built in, "speexdsp". One at a time.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_ENGINE,
      g_param_spec_string("engine", "Engine",
                          "What takes noise away: rnnoise (where it was built in) or speexdsp; "
                          "unset, the better one",
                          NULL,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * GstWzpDenoise:stats:
   *
   * "application/x-wzp-denoise-stats" with, as #guint64, "frames" of 10 ms that the engine worked on, "speech", those of them
   * in which somebody more likely spoke than not, and "passed", buffers that went through as they were; "probability"
   * (#gdouble), that of speech in the last frame, -1 when it is not known.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Frames worked on, with speech, and passed",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_DENOISE_STRENGTH, 0);

  base_class->start = GST_DEBUG_FUNCPTR(gst_wzp_denoise_start);
  base_class->stop = GST_DEBUG_FUNCPTR(gst_wzp_denoise_stop);
  base_class->sink_event = GST_DEBUG_FUNCPTR(gst_wzp_denoise_sink_event);
  base_class->query = GST_DEBUG_FUNCPTR(gst_wzp_denoise_query);
  base_class->submit_input_buffer = GST_DEBUG_FUNCPTR(gst_wzp_denoise_submit_input_buffer);
  base_class->generate_output = GST_DEBUG_FUNCPTR(gst_wzp_denoise_generate_output);

  GstCaps *caps = gst_caps_from_string(
      "audio/x-raw, format=(string){ S16LE, F32LE }, layout=(string)interleaved, "
      "rate=(int)48000, channels=(int)1");
  gst_audio_filter_class_add_pad_templates(GST_AUDIO_FILTER_CLASS(klass), caps);
  gst_caps_unref(caps);
  gst_element_class_set_static_metadata(element_class, "WZP noise removal", "Filter/Effect/Audio",
                                        "Takes noise out of speech, and hears whether there is any",
                                        GST_WZP_AUTHOR);
}

static void
gst_wzp_denoise_init(GstWzpDenoise *self)
{
  self->strength = DEFAULT_STRENGTH;
  self->delay = 1;
  self->probability = -1;
  gst_wzp_frames_init(&self->in, GST_ELEMENT(self));
  g_queue_init(&self->ready);
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), FALSE);
}
