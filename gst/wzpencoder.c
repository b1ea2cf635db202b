/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpencoder.h"
#include "wzpresampler.h"
#include <codec2/codec2.h>
#include <opus/opus.h>
#include <string.h>

/* What libopus spends on a frame, by bitrate. It looks longer for a better one where bits are few: up to 20 kbit/s that is heard
 * (STOI .983 becomes .986 at 16), above it is not. There its voice coder need not fill the frame either: it would quantise each one up to
 * six times until the last bits are used. It aims a little lower, the first result that fits is taken, and the rest padded. From 32 kbit/s
 * on its music coder says as much for a tenth of the work; at complexity 0 it looks back at no pitch, so that a lost frame spoils
 * less of the next ones, and searches nothing, by which voice loses nothing. */
typedef struct {
  guint bitrate; /* of the profile, from this on */
  gint signal, complexity;
  guint aim; /* bit/s of the profile's 24; 24: each frame is filled */
} Effort;
static const Effort efforts[] = {
    {32000, OPUS_SIGNAL_MUSIC, 0, 24},
    {24000, OPUS_SIGNAL_VOICE, 5, 23},
    {0, OPUS_SIGNAL_VOICE, 10, 24},
};
#define AIM_FILLED 24
#define CODEC2_RATE 8000
#define CODEC2_SAMPLES_MAX 320

struct _WzpEncoder {
  const WzpProfile *profile;
  OpusEncoder *opus;
  struct CODEC2 *codec2; /* of the profile's mode; NULL with other profiles */
  WzpResampler *down;
  gboolean heard;                        /* history is of this stream */
  gboolean independent;                  /* the frame in hand must not lean on the frames before */
  gint16 history[WZP_VOICE_SAMPLES_MAX]; /* the last 40 ms */
};

static gboolean
set(WzpEncoder *self, gint request, gint value)
{
  return opus_encoder_ctl(self->opus, request, value) == OPUS_OK;
}

WzpEncoder *
wzp_encoder_new(const gchar **why)
{
  WzpEncoder *self = g_new0(WzpEncoder, 1);
  int error = OPUS_OK;
  self->opus = opus_encoder_create(WZP_VOICE_RATE, 1, OPUS_APPLICATION_VOIP, &error);
  self->down = wzp_resampler_new(WZP_VOICE_RATE, CODEC2_RATE);
  *why = NULL;
  if (self->opus == NULL)
    *why = opus_strerror(error);
  else if (!set(self, OPUS_SET_VBR_CONSTRAINT(0)) || !set(self, OPUS_SET_DTX(0)) ||
           !set(self, OPUS_SET_INBAND_FEC(0)))
    *why = "libopus refuses a setting that voice needs";
  else if (self->down == NULL)
    *why = "GStreamer does not resample from 48 to 8 kHz";
  if (*why == NULL)
    return self;
  wzp_encoder_free(self);
  return NULL;
}

void
wzp_encoder_free(WzpEncoder *self)
{
  if (self == NULL)
    return;
  g_clear_pointer(&self->opus, opus_encoder_destroy);
  g_clear_pointer(&self->codec2, codec2_destroy);
  wzp_resampler_free(self->down);
  g_free(self);
}

void
wzp_encoder_reset(WzpEncoder *self)
{
  opus_encoder_ctl(self->opus, OPUS_RESET_STATE);
  wzp_resampler_reset(self->down);
  self->heard = FALSE;
  memset(self->history, 0, sizeof self->history);
  if (self->codec2 == NULL)
    return;
  codec2_destroy(self->codec2);
  self->codec2 = codec2_create(self->profile->codec == WZP_CODEC_CODEC2_3200 ? CODEC2_MODE_3200
                                                                             : CODEC2_MODE_1200);
}

static gsize
frame_samples(const WzpEncoder *self)
{
  return self->profile->frame_ms * (WZP_VOICE_RATE / 1000u);
}

static gboolean
encode_codec2(WzpEncoder *self, const gint16 *pcm, guint8 *frame)
{
  gint16 narrow[CODEC2_SAMPLES_MAX];
  wzp_resampler_process(self->down, pcm, frame_samples(self), narrow);
  codec2_encode(self->codec2, frame, narrow);
  return TRUE;
}

static gboolean
encode_opus(WzpEncoder *self, const gint16 *pcm, guint8 *frame)
{
  opus_int32 exact = (opus_int32)self->profile->frame_bytes;
  opus_int32 length = opus_encode(self->opus, pcm, (int)frame_samples(self), frame, exact);
  if (length > 0 && length < exact && opus_packet_pad(frame, length, exact) == OPUS_OK)
    length = exact;
  return length == exact;
}

/* What was just heard fills filters and analysis windows, so that the first frame does not begin in silence. The decoder
 * has not heard it: nothing that is told as a difference to frames before may go into it. */
static void
begin_opus(WzpEncoder *self)
{
  guint8 unused[512];
  const gsize prime = frame_samples(self);
  opus_encoder_ctl(self->opus, OPUS_RESET_STATE);
  self->independent = set(self, OPUS_SET_PREDICTION_DISABLED(1));
  if (self->heard && opus_encode(self->opus, self->history + WZP_VOICE_SAMPLES_MAX - prime,
                                 (int)prime, unused, sizeof unused) < 0)
    opus_encoder_ctl(self->opus, OPUS_RESET_STATE);
}

static const gchar *
begin_codec2(WzpEncoder *self)
{
  gint16 narrow[CODEC2_SAMPLES_MAX];
  guint8 unused[16];
  gboolean absolute = self->profile->codec == WZP_CODEC_CODEC2_3200;
  g_clear_pointer(&self->codec2, codec2_destroy);
  self->codec2 = codec2_create(absolute ? CODEC2_MODE_3200 : CODEC2_MODE_1200);
  if (self->codec2 == NULL)
    return "libcodec2 lacks the profile's mode";
  if ((guint)codec2_samples_per_frame(self->codec2) !=
          self->profile->frame_ms * CODEC2_RATE / 1000 ||
      (guint)codec2_bits_per_frame(self->codec2) != self->profile->frame_bytes * 8)
    return "libcodec2 has another frame than the profile";
  wzp_resampler_reset(self->down);
  wzp_resampler_process(self->down, self->history, WZP_VOICE_SAMPLES_MAX, narrow);
  /* Codec2 1200 tells pitch and energy as differences, so its encoder starts with its decoder */
  for (gint at = 0; absolute && at < CODEC2_SAMPLES_MAX; at += CODEC2_SAMPLES_MAX / 2)
    codec2_encode(self->codec2, unused, narrow + at);
  return NULL;
}

static gint
opus_bandwidth(guint hz)
{
  return hz <= 4000    ? OPUS_BANDWIDTH_NARROWBAND
         : hz <= 6000  ? OPUS_BANDWIDTH_MEDIUMBAND
         : hz <= 8000  ? OPUS_BANDWIDTH_WIDEBAND
         : hz <= 12000 ? OPUS_BANDWIDTH_SUPERWIDEBAND
                       : OPUS_BANDWIDTH_FULLBAND;
}

const gchar *
wzp_encoder_set_profile(WzpEncoder *self, const WzpProfile *profile)
{
  const WzpProfile *before = self->profile;
  if (profile == before)
    return NULL;
  self->profile = profile;
  if (profile->codec != WZP_CODEC_OPUS)
    return begin_codec2(self);
  const Effort *effort = efforts;
  while (profile->bitrate < effort->bitrate)
    effort++;
  if (!set(self, OPUS_SET_COMPLEXITY(effort->complexity)) ||
      !set(self, OPUS_SET_SIGNAL(effort->signal)) ||
      !set(self, OPUS_SET_VBR(effort->aim < AIM_FILLED)) ||
      !set(self, OPUS_SET_BITRATE((opus_int32)(profile->bitrate * effort->aim / AIM_FILLED))) ||
      !set(self, OPUS_SET_MAX_BANDWIDTH(opus_bandwidth(profile->bandwidth))))
    return "libopus refuses the profile's bitrate, bandwidth, coder or complexity";
  g_clear_pointer(&self->codec2, codec2_destroy);
  /* libopus would go to another rate of its voice coder with a click, or only after seconds */
  if (before != NULL && (before->codec != WZP_CODEC_OPUS ||
                         (before->bandwidth <= 4000) != (profile->bandwidth <= 4000)))
    begin_opus(self);
  return NULL;
}

static void
remember(WzpEncoder *self, const gint16 *pcm)
{
  gsize n = frame_samples(self), kept = WZP_VOICE_SAMPLES_MAX - n;
  memmove(self->history, self->history + n, kept * sizeof *pcm);
  memcpy(self->history + kept, pcm, n * sizeof *pcm);
  self->heard = TRUE;
}

gboolean
wzp_encoder_encode(WzpEncoder *self, const gint16 *pcm, guint8 *frame)
{
  gboolean made =
      self->codec2 != NULL ? encode_codec2(self, pcm, frame) : encode_opus(self, pcm, frame);
  if (self->independent)
    self->independent = !set(self, OPUS_SET_PREDICTION_DISABLED(0));
  remember(self, pcm);
  return made;
}
