/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * SECTION:element-wzpdec
 * @title: wzpdec
 * @see_also: wzpenc, wzpjitter
 *
 * Decodes the frames of a WarzonePhone call to audio. Every frame says what it is (its meta carries the
 * code of the packet), so a sender may change its profile at any frame without a new negotiation.
 *
 * What is missing is filled: a GAP event with %GST_GAP_FLAG_MISSING_DATA, as wzpjitter sends it for a lost
 * frame, is concealed, and where wzpjitter holds the frame behind it already, which its event wzp-frame-lost has with it, the
 * sound leads over to that; a plain GAP event sounds like the room as the sender described it (comfort noise), and is
 * silent before he did. The output therefore has one sample for every
 * sample of the call's time. With plc=false GAP events are passed on instead.
 *
 * A frame that is not what its code says never reaches the codec; it is counted and concealed.
 *
 * |[
 * gst-launch-1.0 wzpsrc uri=wzp://relay.example/room ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec !
 *     autoaudiosink
 * ]| Listens to a room.
 */

#include "gstwzpelements.h"
#include "gstwzpmeta.h"
#include "gstwzpstretch.h"
#include "wzpdecoder.h"
#include <gst/audio/audio.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_dec_debug);
#define GST_CAT_DEFAULT gst_wzp_dec_debug

/* A gap longer than this is silence in any case; concealment has faded out long before. */
#define CONCEAL_MAX GST_SECOND

enum { PROP_0, PROP_STATS };

#define GST_TYPE_WZP_DEC (gst_wzp_dec_get_type())
G_DECLARE_FINAL_TYPE(GstWzpDec, gst_wzp_dec, GST, WZP_DEC, GstAudioDecoder)

struct _GstWzpDec {
  GstAudioDecoder parent;

  /* streaming thread */
  WzpDecoder *decoder;
  WzpStretch *stretch;
  gint64 wish;         /* of the frame in hand, to be stretched by so many ns */
  gboolean silent_gap; /* the gap in hand is silence, not loss */
  GstBuffer *next; /* the frame that comes so long after the beginning of the gap; NULL: unknown */
  GstClockTime ahead;
  gint leftover; /* samples that earlier gaps asked for beyond whole steps */

  /* accounting, under the object lock */
  guint64 frames, comfort, concealed, invalid;
  GstClockTime concealed_time, silence_time;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_WZP_CAPS_FRAMES));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("audio/x-raw, format=(string)" GST_AUDIO_NE(
                                S16) ", layout=(string)interleaved, rate=(int)48000, "
                                     "channels=(int)1"));

G_DEFINE_FINAL_TYPE_WITH_CODE(GstWzpDec, gst_wzp_dec, GST_TYPE_AUDIO_DECODER,
                              GST_DEBUG_CATEGORY_INIT(gst_wzp_dec_debug, "wzpdec", 0,
                                                      "WZP voice decoder"))
GST_ELEMENT_REGISTER_DEFINE(wzpdec, "wzpdec", GST_RANK_NONE, GST_TYPE_WZP_DEC)

/* GstAudioDecoder */

static gboolean
gst_wzp_dec_start(GstAudioDecoder *base)
{
  GstWzpDec *self = GST_WZP_DEC(base);
  const gchar *why;

  self->decoder = wzp_decoder_new(&why);
  self->stretch = wzp_stretch_new();
  self->leftover = 0;
  gst_audio_decoder_set_plc_aware(base, TRUE); /* the base class forgets it at each stop */
  if (self->decoder == NULL)
    GST_ELEMENT_ERROR(self, LIBRARY, INIT, ("The decoder could not be made: %s.", why), (NULL));
  return self->decoder != NULL;
}

static gboolean
gst_wzp_dec_stop(GstAudioDecoder *base)
{
  gst_clear_buffer(&GST_WZP_DEC(base)->next);
  g_clear_pointer(&GST_WZP_DEC(base)->decoder, wzp_decoder_free);
  g_clear_pointer(&GST_WZP_DEC(base)->stretch, wzp_stretch_free);
  return TRUE;
}

/* Frames have no rate of their own; the base class would ask for the one of the output. */
static GstCaps *
gst_wzp_dec_getcaps(GstAudioDecoder *base, GstCaps *filter)
{
  GstCaps *caps = gst_pad_get_pad_template_caps(GST_AUDIO_DECODER_SINK_PAD(base));
  if (filter != NULL) {
    GstCaps *both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(caps);
    return both;
  }
  return caps;
}

static gboolean
gst_wzp_dec_set_format(GstAudioDecoder *base, GstCaps *caps)
{
  GstAudioInfo info;
  (void)caps; /* the template leaves one format */
  gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_S16, WZP_VOICE_RATE, 1, NULL);
  return gst_audio_decoder_set_output_format(base, &info);
}

static void
gst_wzp_dec_flush(GstAudioDecoder *base, gboolean hard)
{
  GstWzpDec *self = GST_WZP_DEC(base);
  /* a soft flush is a mere DISCONT: what the codec remembers still helps */
  if (!hard || self->decoder == NULL)
    return;
  gst_clear_buffer(&self->next);
  wzp_decoder_reset(self->decoder);
  wzp_stretch_reset(self->stretch);
  self->leftover = 0;
}

static GstFlowReturn
gst_wzp_dec_finish(GstWzpDec *self, GstBuffer *output)
{
  GstAudioDecoder *base = GST_AUDIO_DECODER(self);
  if (output != NULL)
    output = gst_wzp_stretch_buffer(self->stretch, base, output, self->wish);
  self->wish = 0;
  return gst_audio_decoder_finish_frame(base, output, 1);
}

static GstBuffer *
gst_wzp_dec_allocate(GstWzpDec *self, gsize samples)
{
  return gst_audio_decoder_allocate_output_buffer(GST_AUDIO_DECODER(self),
                                                  samples * sizeof(gint16));
}

/* NULL when the bytes are not what the packet's code announced. */
static GstBuffer *
gst_wzp_dec_decode(GstWzpDec *self, GstBuffer *input)
{
  gint16 pcm[WZP_VOICE_SAMPLES_MAX];
  GstWzpMeta *meta = gst_wzp_meta_get(input);
  GstMapInfo map;
  if (meta == NULL || !gst_buffer_map(input, &map, GST_MAP_READ))
    return NULL;
  gsize samples = wzp_decoder_decode(self->decoder, meta->code, map.data, map.size, pcm);
  gst_buffer_unmap(input, &map);
  if (samples == 0)
    return NULL;
  self->wish = meta->stretch;
  GstBuffer *output = gst_wzp_dec_allocate(self, samples);
  gst_buffer_fill(output, 0, pcm, samples * sizeof *pcm);
  return output;
}

static GstFlowReturn
gst_wzp_dec_silence(GstWzpDec *self, GstClockTime duration)
{
  gsize samples = gst_util_uint64_scale_round(duration, WZP_VOICE_RATE, GST_SECOND);
  if (samples == 0)
    return gst_wzp_dec_finish(self, NULL);
  GstBuffer *output = gst_wzp_dec_allocate(self, samples);
  GstMapInfo map;
  if (!gst_buffer_map(output, &map, GST_MAP_WRITE)) {
    gst_buffer_unref(output);
    return gst_wzp_dec_finish(self, NULL);
  }
  gboolean sounds = wzp_decoder_rest(self->decoder, (gint16 *)map.data, samples);
  gst_buffer_unmap(output, &map);
  if (!sounds)
    GST_BUFFER_FLAG_SET(output, GST_BUFFER_FLAG_GAP);
  GST_OBJECT_LOCK(self);
  self->silence_time += duration;
  GST_OBJECT_UNLOCK(self);
  return gst_wzp_dec_finish(self, output);
}

/* Tells the decoder what comes behind the gap. */
static void
gst_wzp_dec_expect(GstWzpDec *self)
{
  const GstWzpMeta *meta = self->next != NULL ? gst_wzp_meta_get(self->next) : NULL;
  GstMapInfo map;
  if (meta == NULL || !gst_buffer_map(self->next, &map, GST_MAP_READ))
    return;
  const gsize ahead = gst_util_uint64_scale_round(self->ahead, WZP_VOICE_RATE, GST_SECOND);
  wzp_decoder_expect(self->decoder, meta->code, map.data, map.size, ahead);
  gst_buffer_unmap(self->next, &map);
}

/* What the codec makes of its memory, and of what comes next, for as long as the gap is. */
static GstFlowReturn
gst_wzp_dec_conceal(GstWzpDec *self, GstClockTime duration)
{
  gint wanted = (gint)gst_util_uint64_scale_round(duration, WZP_VOICE_RATE, GST_SECOND);
  wanted += self->leftover;
  gint samples = wanted / WZP_DECODER_STEP * WZP_DECODER_STEP;
  self->leftover = wanted - samples;
  if (samples == 0)
    return gst_wzp_dec_finish(self, NULL);

  GstBuffer *output = gst_wzp_dec_allocate(self, (gsize)samples);
  GstMapInfo map;
  if (!gst_buffer_map(output, &map, GST_MAP_WRITE)) {
    gst_buffer_unref(output);
    return gst_wzp_dec_finish(self, NULL);
  }
  gst_wzp_dec_expect(self);
  wzp_decoder_conceal(self->decoder, (gint16 *)map.data, (gsize)samples);
  gst_buffer_unmap(output, &map);
  GST_OBJECT_LOCK(self);
  self->concealed++;
  self->concealed_time += gst_util_uint64_scale(samples, GST_SECOND, WZP_VOICE_RATE);
  GST_OBJECT_UNLOCK(self);
  return gst_wzp_dec_finish(self, output);
}

static GstFlowReturn
gst_wzp_dec_handle_frame(GstAudioDecoder *base, GstBuffer *input)
{
  GstWzpDec *self = GST_WZP_DEC(base);
  if (input == NULL) /* drained; nothing is kept here */
    return GST_FLOW_OK;

  GstClockTime duration = GST_BUFFER_DURATION(input);
  if (gst_buffer_get_size(input) == 0) {
    if (!GST_CLOCK_TIME_IS_VALID(duration))
      return gst_wzp_dec_finish(self, NULL);
    if (self->silent_gap || duration > CONCEAL_MAX)
      return gst_wzp_dec_silence(self, duration);
    return gst_wzp_dec_conceal(self, duration);
  }

  GstWzpMeta *meta = gst_wzp_meta_get(input);
  GstBuffer *output = gst_wzp_dec_decode(self, input);
  GST_OBJECT_LOCK(self);
  if (output == NULL)
    self->invalid++;
  else if (meta->code == WZP_CODE_COMFORT_NOISE)
    self->comfort++;
  else
    self->frames++;
  GST_OBJECT_UNLOCK(self);
  if (output != NULL)
    return gst_wzp_dec_finish(self, output);

  GST_LOG_OBJECT(self, "invalid frame: %" GST_PTR_FORMAT, input);
  if (!GST_CLOCK_TIME_IS_VALID(duration) || duration > CONCEAL_MAX)
    return gst_wzp_dec_finish(self, NULL);
  return gst_wzp_dec_conceal(self, duration);
}

/* wzpjitter tells it ahead of the GAP event; nobody else needs it. */
static void
gst_wzp_dec_take_next(GstWzpDec *self, GstStructure *lost)
{
  gst_clear_buffer(&self->next);
  if (!gst_structure_get(lost, "next", GST_TYPE_BUFFER, &self->next, "ahead", G_TYPE_UINT64,
                         &self->ahead, NULL))
    gst_clear_buffer(&self->next);
  gst_structure_remove_field(lost, "next");
}

static gboolean
gst_wzp_dec_sink_event(GstAudioDecoder *base, GstEvent *event)
{
  GstWzpDec *self = GST_WZP_DEC(base);
  GstAudioDecoderClass *parent_class = GST_AUDIO_DECODER_CLASS(gst_wzp_dec_parent_class);
  if (gst_event_has_name(event, "wzp-frame-lost")) {
    event = gst_event_make_writable(event);
    gst_wzp_dec_take_next(self, gst_event_writable_structure(event));
  }
  if (GST_EVENT_TYPE(event) != GST_EVENT_GAP)
    return parent_class->sink_event(base, event);

  /* the base class turns the event into an empty buffer, and the flag would be lost on the way */
  GstGapFlags flags = 0;
  gst_event_parse_gap_flags(event, &flags);
  self->silent_gap = !(flags & GST_GAP_FLAG_MISSING_DATA);
  gboolean handled = parent_class->sink_event(base, event);
  self->silent_gap = FALSE;
  gst_clear_buffer(&self->next);
  return handled;
}

/* GObject */

static void
gst_wzp_dec_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpDec *self = GST_WZP_DEC(object);
  switch (id) {
  case PROP_STATS:
    GST_OBJECT_LOCK(self);
    g_value_take_boxed(
        value, gst_structure_new("application/x-wzp-dec-stats", "frames", G_TYPE_UINT64,
                                 self->frames, "comfort", G_TYPE_UINT64, self->comfort, "concealed",
                                 G_TYPE_UINT64, self->concealed, "concealed-ms", G_TYPE_UINT64,
                                 self->concealed_time / GST_MSECOND, "silence-ms", G_TYPE_UINT64,
                                 self->silence_time / GST_MSECOND, "invalid", G_TYPE_UINT64,
                                 self->invalid, NULL));
    GST_OBJECT_UNLOCK(self);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void
gst_wzp_dec_class_init(GstWzpDecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstAudioDecoderClass *decoder_class = GST_AUDIO_DECODER_CLASS(klass);

  object_class->get_property = gst_wzp_dec_get_property;

  /**
   * GstWzpDec:stats:
   *
   * "application/x-wzp-dec-stats" with, as #guint64: "frames" decoded; "comfort", descriptors of
   * the room; "concealed", gaps that were
   * concealed, and "concealed-ms", their time; "silence-ms", time filled with silence; "invalid", frames
   * that were not what their code says.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Frames decoded, concealed and refused",
                         GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  decoder_class->start = GST_DEBUG_FUNCPTR(gst_wzp_dec_start);
  decoder_class->stop = GST_DEBUG_FUNCPTR(gst_wzp_dec_stop);
  decoder_class->getcaps = GST_DEBUG_FUNCPTR(gst_wzp_dec_getcaps);
  decoder_class->set_format = GST_DEBUG_FUNCPTR(gst_wzp_dec_set_format);
  decoder_class->flush = GST_DEBUG_FUNCPTR(gst_wzp_dec_flush);
  decoder_class->handle_frame = GST_DEBUG_FUNCPTR(gst_wzp_dec_handle_frame);
  decoder_class->sink_event = GST_DEBUG_FUNCPTR(gst_wzp_dec_sink_event);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "WZP voice decoder", "Codec/Decoder/Audio",
      "Decodes the frames of a call and conceals those that are missing", GST_WZP_AUTHOR);
}

static void
gst_wzp_dec_init(GstWzpDec *self)
{
  GstAudioDecoder *base = GST_AUDIO_DECODER(self);
  gst_audio_decoder_set_plc(base, TRUE);
  gst_audio_decoder_set_needs_format(base, TRUE);
}
