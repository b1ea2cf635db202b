/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench-util.h"
#include "gst/wzpdecoder.h"
#include "gst/wzpencoder.h"
#include "wzp/talk.h"
#include <glib.h>
#include <math.h>
#include <opus/opus.h>
#include <string.h>

/* What a second of voice costs, by the code of wzpenc and wzpdec: encoding, decoding, hearing speech, making noise; as CPU time
 * and as a ratio to libopus in the same run as opusenc and opusdec set it for voice: complexity 10, any bandwidth, at the same
 * bitrate (at 6 kbit/s for Codec2, at 24 for silence).
 *
 *   bench-voice [PART]      one part alone, for an instruction count:
 *   valgrind --tool=callgrind build/tests/bench/bench-voice opus-24k     or stock-24k, silence */

#define SECONDS 20
#define RATE WZP_VOICE_RATE
#define FRAME 960

static gint16 sound[SECONDS * RATE];
static guint8 frames[SECONDS * 50][1276];
static volatile gint sink;

/* Vowels of changing pitch with hiss between them: half of the time each. */
static void
make_sound(void)
{
  guint32 random = 1;
  double turn = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(sound); i++) {
    double t = (double)i / RATE, x = 0;
    random = random * 1664525 + 1013904223;
    turn += 2 * G_PI * (120 + 30 * sin(7 * t)) / RATE;
    for (guint n = 1; n <= 20 && fmod(t, 1) < 0.5; n++)
      x += sin(n * turn + n * n) / n;
    sound[i] = (gint16)(3000 * x + (double)(gint32)random / 2147483648.0 * 40);
  }
}

typedef struct {
  double encode, decode; /* ns of CPU a second of voice */
} Cost;

static Cost
measure_profile(const WzpProfile *profile)
{
  const gchar *why;
  gsize samples = profile->frame_ms * RATE / 1000u, n = G_N_ELEMENTS(sound) / samples;
  guint8 code = (guint8)wzp_framing_frame_code(profile->codec, profile->frame_ms);
  gint16 out[WZP_VOICE_SAMPLES_MAX];
  WzpEncoder *encoder = wzp_encoder_new(&why);
  WzpDecoder *decoder = wzp_decoder_new(&why);
  bench_require(encoder != NULL && decoder != NULL, "no codecs");
  bench_require(wzp_encoder_set_profile(encoder, profile) == NULL, "profile refused");
  double begin = bench_now_ns();
  for (gsize i = 0; i < n; i++)
    bench_require(wzp_encoder_encode(encoder, sound + i * samples, frames[i]), "no frame");
  double middle = bench_now_ns();
  for (gsize i = 0; i < n; i++)
    sink += (gint)wzp_decoder_decode(decoder, code, frames[i], profile->frame_bytes, out);
  Cost cost = {(middle - begin) / SECONDS, (bench_now_ns() - middle) / SECONDS};
  wzp_encoder_free(encoder);
  wzp_decoder_free(decoder);
  return cost;
}

static Cost
measure_stock(gint bitrate)
{
  OpusEncoder *encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, NULL);
  OpusDecoder *decoder = opus_decoder_create(RATE, 1, NULL);
  static opus_int32 lengths[SECONDS * 50];
  gint16 out[FRAME];
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate));
  opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(10));
  opus_encoder_ctl(encoder, OPUS_SET_VBR(0));
  double begin = bench_now_ns();
  for (gsize i = 0; i < SECONDS * 50; i++)
    lengths[i] = opus_encode(encoder, sound + i * FRAME, FRAME, frames[i], sizeof frames[i]);
  double middle = bench_now_ns();
  for (gsize i = 0; i < SECONDS * 50; i++)
    sink += opus_decode(decoder, frames[i], lengths[i], out, FRAME, 0);
  Cost cost = {(middle - begin) / SECONDS, (bench_now_ns() - middle) / SECONDS};
  opus_encoder_destroy(encoder);
  opus_decoder_destroy(decoder);
  return cost;
}

/* encode: hearing speech; decode: making noise. */
static Cost
measure_silence(void)
{
  WzpTalk *talk = wzp_talk_new();
  WzpNoiseMaker *maker = wzp_noise_maker_new(1);
  WzpTalkOutput output;
  gint16 out[FRAME];
  double begin = bench_now_ns();
  for (gsize i = 0; i < SECONDS * 50; i++) {
    wzp_talk_frame(talk, sound + i * FRAME, FRAME);
    while (wzp_talk_next(talk, &output))
      sink += output.action == WZP_TALK_SEND;
  }
  double middle = bench_now_ns();
  wzp_noise_maker_set(maker, wzp_talk_room(talk));
  for (gsize i = 0; i < SECONDS * 50; i++) {
    wzp_noise_maker_make(maker, out, FRAME);
    sink += out[0];
  }
  Cost cost = {(middle - begin) / SECONDS, (bench_now_ns() - middle) / SECONDS};
  wzp_talk_free(talk);
  wzp_noise_maker_free(maker);
  return cost;
}

static void
print_cost(const char *name, Cost cost, Cost stock)
{
  printf("%-24s %8.2f %8.2f   %5.2f %5.2f\n", name, cost.encode / 1e6, cost.decode / 1e6,
         cost.encode / stock.encode, cost.decode / stock.decode);
}

int
main(int argc, char **argv)
{
  const char *only = argc > 1 ? argv[1] : NULL;
  if (only != NULL && strcmp(only, "stock-24k") != 0 && strcmp(only, "silence") != 0 &&
      wzp_profile_by_name(only) == NULL) {
    fprintf(stderr, "bench-voice: '%s' is no profile, nor stock-24k or silence\n", only);
    return 2;
  }
  make_sound();
  printf("%-24s %8s %8s   ratio to stock\n", "ms CPU a second", "encode", "decode");
  if (only != NULL && strcmp(only, "stock-24k") == 0)
    measure_stock(24000);
  for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
    const WzpProfile *profile = wzp_profile_nth(n);
    gint bitrate = (gint)MAX(profile->bitrate, 6000);
    if (only == NULL)
      print_cost(profile->name, measure_profile(profile), measure_stock(bitrate));
    else if (strcmp(only, profile->name) == 0)
      measure_profile(profile);
  }
  if (only == NULL)
    print_cost("silence: hear, make", measure_silence(), measure_stock(24000));
  else if (strcmp(only, "silence") == 0)
    measure_silence();
  return 0;
}
