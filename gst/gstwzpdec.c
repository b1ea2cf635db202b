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
 * frame, is concealed; a plain GAP event becomes silence. The output therefore has one sample for every
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
#include "wzp/profile.h"
#include <gst/audio/audio.h>
#include <opus/opus.h>

GST_DEBUG_CATEGORY_STATIC(gst_wzp_dec_debug);
#define GST_CAT_DEFAULT gst_wzp_dec_debug

#define SAMPLE_RATE 48000
/* RFC 6716: a frame has at most 1275 bytes; 3.4 bounds what one call of the decoder makes. */
#define OPUS_FRAME_MAX 1275
#define OPUS_SAMPLES_MAX 5760
/* Concealment is made in steps of 2.5 ms. */
#define CONCEAL_STEP 120
/* A gap longer than this is silence in any case; libopus has faded out long before. */
#define CONCEAL_MAX GST_SECOND

enum { PROP_0, PROP_STATS };

#define GST_TYPE_WZP_DEC (gst_wzp_dec_get_type())
G_DECLARE_FINAL_TYPE(GstWzpDec, gst_wzp_dec, GST, WZP_DEC, GstAudioDecoder)

struct _GstWzpDec {
  GstAudioDecoder parent;

  /* streaming thread */
  OpusDecoder *decoder;
  gboolean silent_gap; /* the gap in hand is silence, not loss */
  gint leftover;       /* samples that earlier gaps asked for beyond whole steps */

  /* accounting, under the object lock */
  guint64 frames, concealed, invalid;
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
  int error = OPUS_OK;

  self->decoder = opus_decoder_create(SAMPLE_RATE, 1, &error);
  self->leftover = 0;
  gst_audio_decoder_set_plc_aware(base, TRUE); /* the base class forgets it at each stop */
  if (self->decoder == NULL)
    GST_ELEMENT_ERROR(self, LIBRARY, INIT,
                      ("The Opus decoder could not be made: %s.", opus_strerror(error)), (NULL));
  return self->decoder != NULL;
}

static gboolean
gst_wzp_dec_stop(GstAudioDecoder *base)
{
  g_clear_pointer(&GST_WZP_DEC(base)->decoder, opus_decoder_destroy);
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
  gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_S16, SAMPLE_RATE, 1, NULL);
  return gst_audio_decoder_set_output_format(base, &info);
}

static void
gst_wzp_dec_flush(GstAudioDecoder *base, gboolean hard)
{
  GstWzpDec *self = GST_WZP_DEC(base);
  /* a soft flush is a mere DISCONT: what the codec remembers still helps */
  if (!hard || self->decoder == NULL)
    return;
  opus_decoder_ctl(self->decoder, OPUS_RESET_STATE);
  self->leftover = 0;
}

/* Samples of the packet by its first bytes (RFC 6716, 3.1 and 3.2); 0 when it is not mono or cut. */
static guint
gst_wzp_dec_toc_samples(const guint8 *data, gsize size)
{
  static const guint silk[] = {480, 960, 1920, 2880};
  guint config = data[0] >> 3;
  guint samples, frames;

  if (data[0] & 0x04)
    return 0;
  if (config < 12)
    samples = silk[config & 3];
  else if (config < 16)
    samples = silk[config & 1];
  else
    samples = 120u << (config & 3);
  switch (data[0] & 3) {
  case 0:
    frames = 1;
    break;
  case 3:
    frames = size > 1 ? data[1] & 0x3f : 0;
    break;
  default:
    frames = 2;
  }
  return samples * frames;
}

/* Nothing goes to the codec that is not exactly what the packet's code announced. */
static gboolean
gst_wzp_dec_frame_fits(GstBuffer *buffer, const guint8 *data, gsize size)
{
  GstWzpMeta *meta = gst_wzp_meta_get(buffer);
  const WzpFraming *framing = meta != NULL ? wzp_framing_from_code(meta->code) : NULL;
  if (framing == NULL || framing->codec != WZP_CODEC_OPUS)
    return FALSE;
  if (size < 1 || size > OPUS_FRAME_MAX)
    return FALSE;
  return gst_wzp_dec_toc_samples(data, size) == framing->frame_ms * (SAMPLE_RATE / 1000u);
}

static GstFlowReturn
gst_wzp_dec_finish(GstWzpDec *self, GstBuffer *output)
{
  return gst_audio_decoder_finish_frame(GST_AUDIO_DECODER(self), output, 1);
}

static GstBuffer *
gst_wzp_dec_allocate(GstWzpDec *self, gsize samples)
{
  return gst_audio_decoder_allocate_output_buffer(GST_AUDIO_DECODER(self),
                                                  samples * sizeof(opus_int16));
}

/* NULL when the packet is not valid inside. */
static GstBuffer *
gst_wzp_dec_decode(GstWzpDec *self, GstBuffer *input)
{
  opus_int16 pcm[OPUS_SAMPLES_MAX];
  GstMapInfo map;
  if (!gst_buffer_map(input, &map, GST_MAP_READ))
    return NULL;
  int samples = OPUS_INVALID_PACKET;
  if (gst_wzp_dec_frame_fits(input, map.data, map.size))
    samples = opus_decode(self->decoder, map.data, (opus_int32)map.size, pcm, OPUS_SAMPLES_MAX, 0);
  gst_buffer_unmap(input, &map);
  if (samples <= 0)
    return NULL;
  GstBuffer *output = gst_wzp_dec_allocate(self, (gsize)samples);
  gst_buffer_fill(output, 0, pcm, (gsize)samples * sizeof(opus_int16));
  return output;
}

static GstFlowReturn
gst_wzp_dec_silence(GstWzpDec *self, GstClockTime duration)
{
  gsize samples = gst_util_uint64_scale_round(duration, SAMPLE_RATE, GST_SECOND);
  if (samples == 0)
    return gst_wzp_dec_finish(self, NULL);
  GstBuffer *output = gst_wzp_dec_allocate(self, samples);
  gst_buffer_memset(output, 0, 0, samples * sizeof(opus_int16));
  GST_BUFFER_FLAG_SET(output, GST_BUFFER_FLAG_GAP);
  GST_OBJECT_LOCK(self);
  self->silence_time += duration;
  GST_OBJECT_UNLOCK(self);
  return gst_wzp_dec_finish(self, output);
}

/* What the codec makes of its memory, for as long as the gap is. */
static GstFlowReturn
gst_wzp_dec_conceal(GstWzpDec *self, GstClockTime duration)
{
  gint wanted = (gint)gst_util_uint64_scale_round(duration, SAMPLE_RATE, GST_SECOND);
  wanted += self->leftover;
  gint samples = wanted / CONCEAL_STEP * CONCEAL_STEP;
  self->leftover = wanted - samples;
  if (samples == 0)
    return gst_wzp_dec_finish(self, NULL);

  GstBuffer *output = gst_wzp_dec_allocate(self, (gsize)samples);
  GstMapInfo map;
  if (!gst_buffer_map(output, &map, GST_MAP_WRITE)) {
    gst_buffer_unref(output);
    return gst_wzp_dec_finish(self, NULL);
  }
  opus_int16 *pcm = (opus_int16 *)map.data;
  for (gint at = 0; at < samples;) {
    int made =
        opus_decode(self->decoder, NULL, 0, pcm + at, MIN(samples - at, OPUS_SAMPLES_MAX), 0);
    if (made <= 0) { /* cannot happen with whole steps; silence is right then, too */
      memset(pcm + at, 0, (gsize)(samples - at) * sizeof *pcm);
      break;
    }
    at += made;
  }
  gst_buffer_unmap(output, &map);
  GST_OBJECT_LOCK(self);
  self->concealed++;
  self->concealed_time += gst_util_uint64_scale(samples, GST_SECOND, SAMPLE_RATE);
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

  GstBuffer *output = gst_wzp_dec_decode(self, input);
  GST_OBJECT_LOCK(self);
  if (output != NULL)
    self->frames++;
  else
    self->invalid++;
  GST_OBJECT_UNLOCK(self);
  if (output != NULL)
    return gst_wzp_dec_finish(self, output);

  GST_LOG_OBJECT(self, "invalid frame: %" GST_PTR_FORMAT, input);
  if (!GST_CLOCK_TIME_IS_VALID(duration) || duration > CONCEAL_MAX)
    return gst_wzp_dec_finish(self, NULL);
  return gst_wzp_dec_conceal(self, duration);
}

static gboolean
gst_wzp_dec_sink_event(GstAudioDecoder *base, GstEvent *event)
{
  GstWzpDec *self = GST_WZP_DEC(base);
  GstAudioDecoderClass *parent_class = GST_AUDIO_DECODER_CLASS(gst_wzp_dec_parent_class);
  if (GST_EVENT_TYPE(event) != GST_EVENT_GAP)
    return parent_class->sink_event(base, event);

  /* the base class turns the event into an empty buffer, and the flag would be lost on the way */
  GstGapFlags flags = 0;
  gst_event_parse_gap_flags(event, &flags);
  self->silent_gap = !(flags & GST_GAP_FLAG_MISSING_DATA);
  gboolean handled = parent_class->sink_event(base, event);
  self->silent_gap = FALSE;
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
                                 self->frames, "concealed", G_TYPE_UINT64, self->concealed,
                                 "concealed-ms", G_TYPE_UINT64, self->concealed_time / GST_MSECOND,
                                 "silence-ms", G_TYPE_UINT64, self->silence_time / GST_MSECOND,
                                 "invalid", G_TYPE_UINT64, self->invalid, NULL));
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
   * "application/x-wzp-dec-stats" with, as #guint64: "frames" decoded; "concealed", gaps that were
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
