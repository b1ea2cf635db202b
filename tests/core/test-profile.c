/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/profile.h"
#include "test-util.h"

static void
test_codes(void)
{
  static const struct {
    WzpCodec codec;
    unsigned frame_ms, frames;
  } table[16] = {
      {WZP_CODEC_OPUS, 20, 1},
      {WZP_CODEC_OPUS, 20, 2},
      {WZP_CODEC_OPUS, 20, 3},
      {WZP_CODEC_OPUS, 40, 1},
      {WZP_CODEC_OPUS, 40, 2},
      {WZP_CODEC_CODEC2_3200, 20, 2},
      {WZP_CODEC_CODEC2_3200, 20, 4},
      {WZP_CODEC_CODEC2_1200, 40, 1},
      {WZP_CODEC_CODEC2_1200, 40, 2},
      {WZP_CODEC_CODEC2_1200, 40, 3},
      {WZP_CODEC_CODEC2_1200, 40, 4},
      {0, 0, 0},
      {0, 0, 0},
      {WZP_CODEC_COMFORT_NOISE, 0, 0},
      {WZP_CODEC_NONE, 0, 0},
      {0, 0, 0},
  };

  for (unsigned code = 0; code < 256; code++) {
    const WzpFraming *framing = wzp_framing_from_code((uint8_t)code);
    if (code >= 16 || code == 11 || code == 12 || code == 15) {
      g_assert_null(framing);
      continue;
    }
    g_assert_nonnull(framing);
    g_assert_cmpint(framing->codec, ==, table[code].codec);
    g_assert_cmpuint(framing->frame_ms, ==, table[code].frame_ms);
    g_assert_cmpuint(framing->frames_per_packet, ==, table[code].frames);
    g_assert_cmpint(wzp_framing_code(framing->codec, framing->frame_ms, framing->frames_per_packet),
                    ==, (int)code);
  }
  g_assert_cmpint(wzp_framing_code(WZP_CODEC_OPUS, 20, 4), ==, -1);
  g_assert_cmpint(wzp_framing_code(WZP_CODEC_OPUS, 60, 1), ==, -1);
  g_assert_cmpint(wzp_framing_frame_code(WZP_CODEC_OPUS, 40), ==, 3);
  g_assert_cmpint(wzp_framing_frame_code(WZP_CODEC_CODEC2_3200, 20), ==, 5); /* of two */
  g_assert_cmpint(wzp_framing_frame_code(WZP_CODEC_CODEC2_1200, 40), ==, 7);
  g_assert_cmpint(wzp_framing_frame_code(WZP_CODEC_OPUS, 60), ==, -1);
  g_assert_cmpint(wzp_framing_frame_code(WZP_CODEC_NONE, 0), ==, -1);
  g_assert_cmpint(wzp_framing_frame_code(WZP_CODEC_COMFORT_NOISE, 0), ==, -1);
  g_assert_cmpuint(wzp_framing_frames_up_to(WZP_CODEC_OPUS, 20, 9), ==, 3);
  g_assert_cmpuint(wzp_framing_frames_up_to(WZP_CODEC_OPUS, 40, 3), ==, 2);
  g_assert_cmpuint(wzp_framing_frames_up_to(WZP_CODEC_CODEC2_3200, 20, 3), ==, 2);
  g_assert_cmpuint(wzp_framing_frames_up_to(WZP_CODEC_CODEC2_3200, 20, 1), ==, 0);
  g_assert_cmpint(wzp_framing_code(WZP_CODEC_CODEC2_3200, 20, 1), ==, -1);
  /* numbers that only fit when cut to eight bits */
  g_assert_cmpint(wzp_framing_code(WZP_CODEC_OPUS, 256 + 20, 1), ==, -1);
  g_assert_cmpint(wzp_framing_code(WZP_CODEC_OPUS, 20, 256 + 1), ==, -1);
}

static void
test_profiles(void)
{
  static const char *const names[] = {"opus-64k",  "opus-48k", "opus-32k",    "opus-24k",
                                      "opus-20k",  "opus-16k", "opus-12k",    "opus-8k",
                                      "opus-6.6k", "opus-6k",  "codec2-3200", "codec2-1200"};

  for (unsigned n = 0; n < G_N_ELEMENTS(names); n++) {
    const WzpProfile *profile = wzp_profile_nth(n);
    g_assert_nonnull(profile);
    g_assert_cmpstr(profile->name, ==, names[n]);
    g_assert_true(wzp_profile_by_name(names[n]) == profile);
    /* constant rate: the frame's size is exactly the bitrate's */
    g_assert_cmpuint(profile->frame_bytes * 8000, ==, profile->bitrate * profile->frame_ms);
    /* and the size is all the receiver needs */
    g_assert_true(wzp_profile_match(profile->codec, profile->frame_ms, profile->frame_bytes) ==
                  profile);
    g_assert_cmpuint(profile->sample_rate, ==, profile->codec == WZP_CODEC_OPUS ? 48000 : 8000);
    /* some number of its frames can be sent */
    bool sendable = false;
    for (unsigned frames = 1; frames <= 4; frames++)
      sendable = sendable || wzp_framing_code(profile->codec, profile->frame_ms, frames) >= 0;
    g_assert_true(sendable);
  }
  g_assert_null(wzp_profile_nth(G_N_ELEMENTS(names)));
  g_assert_null(wzp_profile_by_name("opus-25k"));
  g_assert_null(wzp_profile_by_name(""));
  g_assert_null(wzp_profile_match(WZP_CODEC_OPUS, 20, 61));

  const WzpProfile *standard = wzp_profile_by_name(WZP_PROFILE_DEFAULT);
  g_assert_nonnull(standard);
  g_assert_cmpuint(standard->bitrate, ==, 24000);
  g_assert_cmpuint(standard->frame_bytes, ==, 60);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/profile/codes", test_codes);
  g_test_add_func("/profile/profiles", test_profiles);
  return g_test_run();
}
