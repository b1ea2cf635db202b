/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpdecoder.h"
#include "wzpresampler.h"
#include "wzp/comfort-noise.h"
#include "wzp/extrapolate.h"
#include "wzp/lead-in.h"
#include "wzp/relevel.h"
#include <codec2/codec2.h>
#include <math.h>
#include <opus/opus.h>
#include <string.h>

/* RFC 6716: a frame has at most 1275 bytes. */
#define OPUS_FRAME_MAX 1275
#define TOC_CELT 16
#define OPUS_INVENTS 480 /* samples */
#define OPUS_RESUME 240
#define LEAD_IN_ALONE 0.95f
#define CODEC2_RATE 8000
#define UP (WZP_VOICE_RATE / CODEC2_RATE)
#define CODEC2_SAMPLES_MAX 320
#define CODEC2_3200_SAMPLES 160
#define CODEC2_FRAME_MAX 8
#define REPEAT_DB -3.0f
#define CODEC2_RESUME 40 /* samples in which Codec2 takes over from extrapolation */
#define SWITCH_WAIT_MAX (6 * WZP_DECODER_STEP)
#define SWITCH_FADE (4 * WZP_DECODER_STEP)

struct _WzpDecoder {
  OpusDecoder *opus;
  OpusDecoder
      *scout; /* hears what comes behind a gap while that is concealed; made when it is needed */
  WzpLeadIn lead_in;             /* to that */
  gint16 invented[OPUS_INVENTS]; /* by concealment, and how much of it is still to be heard */
  gsize n_invented;
  WzpCodec codec; /* of the last frame; WZP_CODEC_NONE: nothing to go on from */
  guint kind;     /* of the last frame, see kind_of(); 0: none */
  struct CODEC2 *codec2;
  WzpResampler *up;
  WzpExtrapolator extrapolator; /* of Codec2 1200 */
  WzpRelevel relevel;
  gsize lost; /* samples of Codec2 that were concealed */
  guint8
      last_frame[CODEC2_FRAME_MAX]; /* of Codec2 3200, to be repeated, and what is ready of that */
  guint repeated;
  gint16 ready[CODEC2_3200_SAMPLES];
  gsize n_ready; /* at its end */
  WzpNoiseMaker *room;
  gboolean room_known, resting; /* resting: the room is what sounds now */
  gint16 fade[SWITCH_FADE]; /* loudness of what fades in, 0 to 32767; the other one is its mirror */
};

WzpDecoder *
wzp_decoder_new(const gchar **why)
{
  WzpDecoder *self = g_new0(WzpDecoder, 1);
  int error = OPUS_OK;
  self->opus = opus_decoder_create(WZP_VOICE_RATE, 1, &error);
  self->up = wzp_resampler_new(CODEC2_RATE, WZP_VOICE_RATE);
  self->room = wzp_noise_maker_new(1);
  for (guint i = 0; i < SWITCH_FADE; i++)
    self->fade[i] = (gint16)(INT16_MAX * sin(G_PI_2 * (i + 0.5) / SWITCH_FADE));
  *why = self->opus == NULL ? opus_strerror(error)
         : self->up == NULL ? "GStreamer does not resample from 8 to 48 kHz"
                            : NULL;
  if (*why == NULL)
    return self;
  wzp_decoder_free(self);
  return NULL;
}

void
wzp_decoder_free(WzpDecoder *self)
{
  if (self == NULL)
    return;
  g_clear_pointer(&self->opus, opus_decoder_destroy);
  g_clear_pointer(&self->codec2, codec2_destroy);
  g_free(self->scout);
  wzp_resampler_free(self->up);
  wzp_noise_maker_free(self->room);
  g_free(self);
}

void
wzp_decoder_reset(WzpDecoder *self)
{
  opus_decoder_ctl(self->opus, OPUS_RESET_STATE);
  self->n_invented = 0;
  wzp_lead_in_leave(&self->lead_in);
  self->codec = WZP_CODEC_NONE;
  self->kind = 0;
  self->room_known = self->resting = FALSE;
}

/* Opus */

/* Samples of the packet by its first bytes (RFC 6716, 3.1 and 3.2); 0 when it is not mono or cut. */
static guint
toc_samples(const guint8 *data, gsize size)
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

static gboolean
is_opus(const guint8 *frame, gsize size, gsize samples)
{
  return size <= OPUS_FRAME_MAX && toc_samples(frame, size) == samples;
}

/* libopus invents at least 10 ms of voice at a time, of which it would throw away what is not asked for: shorter gaps would be
 * pieces that do not fit together. */
static void
conceal_opus(WzpDecoder *self, gint16 *pcm, gsize samples)
{
  for (gsize at = 0; at < samples;) {
    if (self->n_invented == 0) {
      if (opus_decode(self->opus, NULL, 0, self->invented, OPUS_INVENTS, 0) != OPUS_INVENTS)
        memset(self->invented, 0, sizeof self->invented);
      self->n_invented = OPUS_INVENTS;
    }
    gsize take = MIN(samples - at, self->n_invented);
    memcpy(pcm + at, self->invented + OPUS_INVENTS - self->n_invented, take * sizeof *pcm);
    self->n_invented -= take;
    at += take;
  }
}

/* How a frame sounds by itself, whatever was lost before it. SILK leans on its own sound, so it is heard twice; CELT only tells
 * how the loudness changed since the frame that was heard last. */
static int
scout_opus(WzpDecoder *self, const guint8 *frame, gsize size, gint16 *pcm)
{
  const gsize bytes = (gsize)opus_decoder_get_size(1);
  const gboolean celt = frame[0] >> 3 >= TOC_CELT;
  int made = 0;
  if (self->scout == NULL)
    self->scout = g_malloc(bytes);
  memcpy(self->scout, self->opus, bytes);
  if (!celt)
    opus_decoder_ctl(self->scout, OPUS_RESET_STATE);
  for (guint times = celt ? 1 : 2; times > 0; times--)
    made = opus_decode(self->scout, frame, (opus_int32)size, pcm, WZP_VOICE_SAMPLES_MAX, 0);
  return made;
}

static void
expect_opus(WzpDecoder *self, const guint8 *frame, gsize size, gsize ahead)
{
  gint16 pcm[WZP_VOICE_SAMPLES_MAX];
  const int made = scout_opus(self, frame, size, pcm);
  if (made < WZP_LEAD_IN_SPEECH_MIN)
    return;
  wzp_lead_in_begin(&self->lead_in, pcm, (guint)made, (guint)ahead);
}

static gsize
decode_opus(WzpDecoder *self, const guint8 *frame, gsize size, gsize samples, gint16 *pcm)
{
  if (!is_opus(frame, size, samples))
    return 0;
  int made = opus_decode(self->opus, frame, (opus_int32)size, pcm, (int)samples, 0);
  /* what was invented beyond the gap leads over to the frame, if nothing better does */
  gint n = wzp_lead_in_share(&self->lead_in) > LEAD_IN_ALONE
               ? 0
               : (gint)MIN(self->n_invented, OPUS_RESUME);
  const gint16 *before = self->invented + OPUS_INVENTS - self->n_invented;
  for (gint i = 0; i < n; i++)
    pcm[i] = (gint16)((pcm[i] * (i + 1) + before[i] * (n - 1 - i)) / n);
  wzp_lead_in_end(&self->lead_in, pcm, (guint)samples);
  self->n_invented = 0;
  return made > 0 ? (gsize)made : 0;
}

/* Codec2. Lost frames of 3200, each of which stands for itself, are the last one again, softer each time. 1200 tells pitch and
 * energy as differences: said twice they would go astray for long, so its decoder is left alone and the sound goes on
 * without it; what its loudness is off by afterwards is estimated. */

static void
begin_codec2(WzpDecoder *self, WzpCodec codec)
{
  g_clear_pointer(&self->codec2, codec2_destroy);
  self->codec2 =
      codec2_create(codec == WZP_CODEC_CODEC2_3200 ? CODEC2_MODE_3200 : CODEC2_MODE_1200);
  wzp_resampler_reset(self->up);
  self->extrapolator = (WzpExtrapolator){0};
  self->relevel = (WzpRelevel){0};
  self->lost = 0;
  self->repeated = self->n_ready = 0;
}

/* How loud the nth repetition ends. */
static gfloat
repeat_gain(guint repeated)
{
  return powf(10, REPEAT_DB / 20 * (gfloat)repeated);
}

static void
ramp(gint16 *pcm, gint n, gfloat from, gfloat to)
{
  for (gint i = 0; i < n; i++)
    pcm[i] = (gint16)((gfloat)pcm[i] * (from + (to - from) * (gfloat)i / (gfloat)n));
}

static void
repeat_codec2(WzpDecoder *self, gint16 *narrow, gsize n)
{
  for (gsize at = 0; at < n;) {
    if (self->n_ready == 0) {
      codec2_decode(self->codec2, self->ready, self->last_frame);
      self->n_ready = CODEC2_3200_SAMPLES;
      self->repeated++;
      ramp(self->ready, CODEC2_3200_SAMPLES, repeat_gain(self->repeated - 1),
           repeat_gain(self->repeated));
    }
    gsize take = MIN(n - at, self->n_ready);
    memcpy(narrow + at, self->ready + CODEC2_3200_SAMPLES - self->n_ready, take * sizeof *narrow);
    self->n_ready -= take;
    at += take;
  }
}

static void
go_on_codec2(WzpDecoder *self, gint16 *narrow, gsize n)
{
  if (self->codec == WZP_CODEC_CODEC2_3200)
    repeat_codec2(self, narrow, n);
  else
    wzp_extrapolator_make(&self->extrapolator, narrow, (guint)n);
}

static void
relevel_codec2(WzpDecoder *self, gint16 *narrow, gsize n)
{
  if (self->lost > 0)
    wzp_relevel_lost(&self->relevel, (gfloat)self->lost / (gfloat)n);
  self->lost = 0;
  wzp_relevel_frame(&self->relevel, narrow, (guint)n);
}

static gsize
decode_codec2(WzpDecoder *self, const guint8 *frame, gsize size, gsize samples, gint16 *pcm)
{
  gint16 narrow[CODEC2_SAMPLES_MAX], before[CODEC2_RESUME];
  gboolean resumes = self->extrapolator.going_on || self->n_ready > 0;
  guint repeated = self->repeated;
  if (self->codec2 == NULL)
    return 0;
  if (resumes)
    go_on_codec2(self, before, CODEC2_RESUME);
  codec2_decode(self->codec2, narrow, frame);
  if (self->codec == WZP_CODEC_CODEC2_1200)
    relevel_codec2(self, narrow, samples / UP);
  ramp(narrow, CODEC2_RESUME, repeat_gain(repeated), 1);
  for (gint i = 0; resumes && i < CODEC2_RESUME; i++)
    narrow[i] =
        (gint16)((narrow[i] * (i + 1) + before[i] * (CODEC2_RESUME - 1 - i)) / CODEC2_RESUME);
  memcpy(self->last_frame, frame, MIN(size, sizeof self->last_frame));
  self->repeated = self->n_ready = 0;
  wzp_extrapolator_hear(&self->extrapolator, narrow, (guint)(samples / UP));
  wzp_resampler_process(self->up, narrow, samples / UP, pcm);
  return samples;
}

static void
conceal_codec2(WzpDecoder *self, gint16 *pcm, gsize samples)
{
  gint16 narrow[CODEC2_SAMPLES_MAX];
  for (gsize at = 0; at < samples;) {
    gsize n = MIN(samples - at, CODEC2_SAMPLES_MAX * UP);
    go_on_codec2(self, narrow, n / UP);
    self->lost += n / UP;
    wzp_resampler_process(self->up, narrow, n / UP, pcm + at);
    at += n;
  }
}

/* Both */

static gsize
decode(WzpDecoder *self, const WzpFraming *framing, const guint8 *frame, gsize size, gint16 *pcm)
{
  gsize samples = framing->frame_ms * (WZP_VOICE_RATE / 1000u);
  if (framing->codec == WZP_CODEC_OPUS)
    return decode_opus(self, frame, size, samples, pcm);
  return decode_codec2(self, frame, size, samples, pcm);
}

static gboolean
fits(const WzpFraming *framing, gsize size)
{
  if (framing == NULL || framing->frames_per_packet == 0 || size == 0)
    return FALSE;
  return framing->codec == WZP_CODEC_OPUS ||
         wzp_profile_match(framing->codec, framing->frame_ms, (guint)size) != NULL;
}

/* Frames of another kind do not lean on those before: another codec, or Opus with its voice coder at another rate. */
static guint
kind_of(const WzpFraming *framing, const guint8 *frame)
{
  gboolean narrow = framing->codec == WZP_CODEC_OPUS && frame[0] >> 3 < 4;
  return (guint)framing->codec * 2 + (narrow ? 1 : 0);
}

static void
begin(WzpDecoder *self, WzpCodec codec)
{
  wzp_lead_in_leave(&self->lead_in);
  if (codec == WZP_CODEC_OPUS) {
    opus_decoder_ctl(self->opus, OPUS_RESET_STATE);
    self->n_invented = 0;
  } else
    begin_codec2(self, codec);
}

/* How long the new one is not itself yet: its filters fill, and Codec2 1200 comes out of silence. */
static gsize
switch_wait(WzpCodec codec)
{
  return codec == WZP_CODEC_OPUS          ? WZP_DECODER_STEP
         : codec == WZP_CODEC_CODEC2_3200 ? 2 * WZP_DECODER_STEP
                                          : SWITCH_WAIT_MAX;
}

static void
fade_over(const WzpDecoder *self, gint16 *pcm, const gint16 *before, gsize wait)
{
  memcpy(pcm, before, wait * sizeof *pcm);
  for (gsize i = 0; i < SWITCH_FADE; i++) {
    gint in = pcm[wait + i] * self->fade[i];
    gint out = before[wait + i] * self->fade[SWITCH_FADE - 1 - i];
    pcm[wait + i] = (gint16)CLAMP((in + out) >> 15, INT16_MIN, INT16_MAX);
  }
}

/* What went on until now, for something else to fade in over it. FALSE: nothing did. */
static gboolean
go_on(WzpDecoder *self, gint16 *pcm, gsize samples)
{
  if (self->resting)
    wzp_noise_maker_make(self->room, pcm, samples);
  else if (self->codec != WZP_CODEC_NONE)
    wzp_decoder_conceal(self, pcm, samples);
  return self->resting || self->codec != WZP_CODEC_NONE;
}

gboolean
wzp_decoder_rest(WzpDecoder *self, gint16 *pcm, gsize samples)
{
  gint16 before[SWITCH_FADE];
  const gsize lost = self->lost; /* what only fades is not */
  if (!self->room_known) {
    wzp_lead_in_leave(&self->lead_in);
    memset(pcm, 0, samples * sizeof *pcm);
    return FALSE;
  }
  gboolean fades = samples >= SWITCH_FADE && !self->resting && go_on(self, before, SWITCH_FADE);
  wzp_lead_in_leave(&self->lead_in);
  self->lost = lost;
  wzp_noise_maker_make(self->room, pcm, samples);
  if (fades)
    fade_over(self, pcm, before, 0);
  self->resting = TRUE;
  return TRUE;
}

static gsize
decode_room(WzpDecoder *self, const guint8 *frame, gsize size, gint16 *pcm)
{
  const gsize samples = WZP_COMFORT_FRAME_MS * (WZP_VOICE_RATE / 1000);
  WzpNoise noise;
  if (wzp_comfort_parse(&noise, frame, size) != WZP_OK)
    return 0;
  wzp_noise_maker_set(self->room, &noise);
  self->room_known = TRUE;
  wzp_decoder_rest(self, pcm, samples);
  return samples;
}

gsize
wzp_decoder_decode(WzpDecoder *self, guint8 code, const guint8 *frame, gsize size, gint16 *pcm)
{
  const WzpFraming *framing = wzp_framing_from_code(code);
  gint16 before[SWITCH_WAIT_MAX + SWITCH_FADE], unused[WZP_VOICE_SAMPLES_MAX];
  if (code == WZP_CODE_COMFORT_NOISE)
    return decode_room(self, frame, size, pcm);
  if (!fits(framing, size))
    return 0;
  guint kind = kind_of(framing, frame);
  gboolean changes = kind != self->kind, rested = self->resting;
  gboolean fades = (changes || rested) && go_on(self, before, G_N_ELEMENTS(before));
  if (changes)
    begin(self, framing->codec);
  /* Codec2 comes from the frame before: of the first there is none, and it may be its own */
  if (changes && framing->codec == WZP_CODEC_CODEC2_3200)
    decode(self, framing, frame, size, unused);
  gsize samples = decode(self, framing, frame, size, pcm);
  if (samples > 0 || changes) {
    self->kind = samples > 0 ? kind : 0;
    self->codec = samples > 0 ? framing->codec : WZP_CODEC_NONE;
  }
  if (samples == 0)
    return 0;
  self->resting = FALSE;
  if (fades)
    fade_over(self, pcm, before, changes ? switch_wait(framing->codec) : 0);
  return samples;
}

void
wzp_decoder_expect(WzpDecoder *self, guint8 code, const guint8 *frame, gsize size, gsize ahead)
{
  const WzpFraming *framing = wzp_framing_from_code(code);
  if (self->resting || ahead == 0 || ahead > WZP_LEAD_IN_MAX || self->lead_in.end > 0 ||
      code == WZP_CODE_COMFORT_NOISE || !fits(framing, size) || framing->codec != WZP_CODEC_OPUS ||
      kind_of(framing, frame) != self->kind ||
      !is_opus(frame, size, framing->frame_ms * (WZP_VOICE_RATE / 1000u)))
    return;
  expect_opus(self, frame, size, ahead);
}

void
wzp_decoder_conceal(WzpDecoder *self, gint16 *pcm, gsize samples)
{
  if (self->resting) { /* nothing tells what was lost: the room is no worse than anything else */
    wzp_noise_maker_make(self->room, pcm, samples);
    return;
  }
  switch (self->codec) {
  case WZP_CODEC_OPUS:
    conceal_opus(self, pcm, samples);
    wzp_lead_in_mix(&self->lead_in, pcm, (guint)samples);
    break;
  case WZP_CODEC_CODEC2_3200:
  case WZP_CODEC_CODEC2_1200:
    conceal_codec2(self, pcm, samples);
    break;
  default:
    memset(pcm, 0, samples * sizeof *pcm);
  }
}
