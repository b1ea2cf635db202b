/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Silence on the wire: descriptors between the frames, and repair around them. */
#include "fec-stream.h"
#include "wzp/comfort-noise.h"

#define TALK 40
#define PAUSE 80 /* slots of 20 ms, of which each 20th is a descriptor */
#define ROUNDS 12

static unsigned
talk_and_pause(FecStream *stream, const char *profile)
{
  unsigned descriptors = 0;
  fec_stream_talk(stream, profile, 0, TALK);
  for (unsigned i = 0; i < PAUSE; i++) {
    if (i % 20 == 0) {
      fec_stream_comfort(stream);
      descriptors++;
    } else {
      fec_stream_silence(stream, 1);
    }
  }
  return descriptors;
}

/* Without loss: every descriptor comes, numbers have no holes but theirs, and silence is not sent. */
static void
test_clean(gconstpointer data)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_NONE, 0, 1);
  unsigned descriptors = 0;
  fec_stream_init(&stream, &limits);
  for (unsigned i = 0; i < ROUNDS; i++) {
    descriptors += talk_and_pause(&stream, data);
    g_assert_cmpuint(stream.comforts, ==, descriptors);
    g_assert_cmpuint(stream.comfort_ms + (PAUSE - 60) * 20, ==, stream.media_ms);
  }
  WzpFecReceiverStats stats;
  wzp_fec_receiver_get_stats(stream.receiver, &stats);
  g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
  g_assert_cmpuint(stats.hopeless, ==, 0);
  g_assert_cmpuint(stats.malformed, ==, 0);
  g_assert_cmpuint(stats.reception.lost, ==, 0);
  fec_stream_check_numbers(&stream, descriptors);
  /* frames, descriptors, and a frame that found no second one in its packet */
  const WzpProfile *profile = wzp_profile_by_name(data);
  unsigned per_packet =
      wzp_framing_from_code((uint8_t)wzp_framing_frame_code(profile->codec, profile->frame_ms))
          ->frames_per_packet;
  g_assert_cmpuint(stream.packets, ==, ROUNDS * TALK / per_packet + descriptors);
  fec_stream_clear(&stream);
}

/* With loss the last frames of a talk come back during the silence, which is marked all the while; and nothing is taken for
 * lost that was silent. */
static void
test_loss(gconstpointer data)
{
  double loss = GPOINTER_TO_UINT(data) / 100.0;
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1);
  fec_stream_init(&stream, &limits);
  stream.by_header = true;
  fec_stream_channel(&stream, loss, 0);
  fec_stream_talk(&stream, "opus-24k", 0, 12);
  stream.loss = loss;
  unsigned marked = 0;
  for (unsigned i = 0; i < 60; i++) {
    unsigned before = stream.comforts;
    talk_and_pause(&stream, "opus-24k");
    marked += stream.comforts > before;
  }
  stream.loss = 0;
  fec_stream_talk(&stream, "opus-24k", 0, 60);
  unsigned lost = fec_stream_lost(&stream);
  WzpFecReceiverStats stats;
  wzp_fec_receiver_get_stats(stream.receiver, &stats);
  g_test_message("%u of %u frames lost, %u silences of 60 marked", lost, 60 * TALK, marked);
  g_assert_cmpuint(marked, ==, 60);
  g_assert_cmpfloat(lost, <=, loss > 0.15 ? 0.04 * 60 * TALK : 0.01 * 60 * TALK);
  g_assert_cmpuint(stats.malformed, ==, 0);
  /* packets that were lost at an edge of silence may have held frames: no more numbers are left out than these */
  g_assert_cmpuint(stats.hopeless, <=, lost + stats.reception.lost);
  fec_stream_check_numbers(&stream, UINT64_MAX);
  fec_stream_clear(&stream);
}

static unsigned lost_of_end;

static bool
lose_of_end(FecStream *stream, uint64_t index, const WzpFecPacket *packet)
{
  (void)index;
  (void)packet;
  return stream->ended && lost_of_end > 0 && lost_of_end-- > 0;
}

/* A stream that ends falls silent, in three packets of which two may be lost. It may begin again. */
static void
end_and_begin(const char *profile, WzpFecScheme scheme, unsigned lost)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(scheme, scheme == WZP_FEC_NONE ? 0 : 100, 1);
  fec_stream_init(&stream, &limits);
  stream.lose = lose_of_end;
  fec_stream_end(&stream); /* nothing was said that could end */
  g_assert_cmpuint(stream.packets, ==, 0);
  stream.ended = false;
  fec_stream_talk(&stream, profile, 0, TALK);
  lost_of_end = lost;
  uint64_t before = stream.packets;
  fec_stream_end(&stream);
  g_assert_cmpuint(stream.packets - before, ==, 3);
  g_assert_cmpuint(stream.comforts, ==, lost < 3);
  g_assert_true(lost == 3 || stream.comfort_ms == stream.media_ms);
  fec_stream_end(&stream);
  g_assert_cmpuint(stream.packets - before, ==, 3);
  stream.media_ms += 3000;
  stream.now += 3000 * WZP_MSEC;
  fec_stream_talk(&stream, profile, 0, TALK);
  g_assert_cmpuint(fec_stream_lost(&stream), ==, 0);
  g_assert_cmpuint(stream.comforts, ==, lost < 3);
  fec_stream_check_numbers(&stream, UINT64_MAX);
  fec_stream_clear(&stream);
}

static void
test_end(gconstpointer data)
{
  for (unsigned lost = 0; lost <= 3; lost++) {
    end_and_begin(data, WZP_FEC_NONE, lost);
    end_and_begin(data, WZP_FEC_SLIDING, lost);
  }
}

/* Who is silent already says no more of it. */
static void
test_end_of_silence(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_NONE, 0, 1);
  fec_stream_init(&stream, &limits);
  fec_stream_talk(&stream, "opus-24k", 0, TALK);
  fec_stream_comfort(&stream);
  fec_stream_end(&stream);
  g_assert_cmpuint(stream.packets, ==, TALK + 1);
  wzp_fec_sender_reset(stream.sender);
  fec_stream_end(&stream); /* flushed: nothing of it is left that could end */
  g_assert_cmpuint(stream.packets, ==, TALK + 1);
  fec_stream_clear(&stream);
}

/* A descriptor of another size is refused; one in a packet of another code, or cut, is malformed to the receiver. */
static void
test_malformed(void)
{
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_NONE, 0, 1);
  uint8_t bytes[WZP_COMFORT_SIZE + 1] = {0};
  fec_stream_init(&stream, &limits);
  for (unsigned n = 0; n <= sizeof bytes; n++) {
    if (n != WZP_COMFORT_SIZE)
      g_assert_cmpint(wzp_fec_sender_comfort(stream.sender, 0, 0, bytes, n), ==, WZP_MALFORMED);
  }
  static const struct {
    uint8_t code;
    size_t length;
    bool timed;
    WzpResult result;
    bool given;
  } cases[] = {
      {WZP_CODE_NO_AUDIO, WZP_COMFORT_SIZE, true, WZP_OK,
       true}, /* said again: the first one was lost */
      {WZP_CODE_NO_AUDIO, WZP_COMFORT_SIZE, true, WZP_OK, false}, /* and was not lost */
      {WZP_CODE_COMFORT_NOISE, WZP_COMFORT_SIZE, true, WZP_OK, true},
      {WZP_CODE_NO_AUDIO, WZP_COMFORT_SIZE, true, WZP_OK, false},
      {WZP_CODE_COMFORT_NOISE, WZP_COMFORT_SIZE + 1, true, WZP_OK, true}, /* of a later version */
      {WZP_CODE_COMFORT_NOISE, WZP_COMFORT_SIZE - 1, true, WZP_MALFORMED, false},
      {WZP_CODE_NO_AUDIO, WZP_COMFORT_SIZE - 1, true, WZP_MALFORMED, false},
      {WZP_CODE_COMFORT_NOISE, WZP_COMFORT_SIZE, false, WZP_TOO_OLD, false},
      {0, WZP_COMFORT_SIZE, true, WZP_MALFORMED, false},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    uint8_t bundle[32];
    WzpWriter writer;
    WzpFecFrame frame;
    WzpFecPacketInfo info = {.code = cases[i].code,
                             .index = 100 + i,
                             .has_media_ms = cases[i].timed,
                             .media_ms = 1000 + 20 * i};
    wzp_writer_init(&writer, bundle, sizeof bundle);
    wzp_bundle_write(&writer, WZP_ELEMENT_COMFORT, bytes, cases[i].length, true);
    g_assert_cmpint(wzp_fec_receiver_push(stream.receiver, 0, &info, bundle, writer.length), ==,
                    cases[i].result);
    g_assert_cmpint(wzp_fec_receiver_next(stream.receiver, &frame), ==, cases[i].given);
  }
  /* an old one tells nothing any more */
  uint8_t bundle[32];
  WzpWriter writer;
  WzpFecPacketInfo info = {
      .code = WZP_CODE_COMFORT_NOISE, .index = 99, .has_media_ms = true, .media_ms = 1000};
  wzp_writer_init(&writer, bundle, sizeof bundle);
  wzp_bundle_write(&writer, WZP_ELEMENT_COMFORT, bytes, WZP_COMFORT_SIZE, true);
  g_assert_cmpint(wzp_fec_receiver_push(stream.receiver, 0, &info, bundle, writer.length), ==,
                  WZP_TOO_OLD);
  fec_stream_clear(&stream);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  static const char *const profiles[] = {"opus-24k", "opus-6k", "codec2-1200", "codec2-3200"};
  for (unsigned i = 0; i < G_N_ELEMENTS(profiles); i++) {
    g_autofree char *path = g_strdup_printf("/fec-silence/clean/%s", profiles[i]);
    g_test_add_data_func(path, profiles[i], test_clean);
    g_autofree char *end = g_strdup_printf("/fec-silence/end/%s", profiles[i]);
    g_test_add_data_func(end, profiles[i], test_end);
  }
  g_test_add_data_func("/fec-silence/loss/10", GUINT_TO_POINTER(10), test_loss);
  g_test_add_data_func("/fec-silence/loss/30", GUINT_TO_POINTER(30), test_loss);
  g_test_add_func("/fec-silence/end-of-silence", test_end_of_silence);
  g_test_add_func("/fec-silence/malformed", test_malformed);
  return g_test_run();
}
