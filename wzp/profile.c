/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile.h"
#include <stddef.h>
#include <string.h>

static const WzpFraming framings[16] = {
    [0] = {WZP_CODEC_OPUS, 20, 1},
    [1] = {WZP_CODEC_OPUS, 20, 2},
    [2] = {WZP_CODEC_OPUS, 20, 3},
    [3] = {WZP_CODEC_OPUS, 40, 1},
    [4] = {WZP_CODEC_OPUS, 40, 2},
    [5] = {WZP_CODEC_CODEC2_3200, 20, 2},
    [6] = {WZP_CODEC_CODEC2_3200, 20, 4},
    [7] = {WZP_CODEC_CODEC2_1200, 40, 1},
    [8] = {WZP_CODEC_CODEC2_1200, 40, 2},
    [9] = {WZP_CODEC_CODEC2_1200, 40, 3},
    [10] = {WZP_CODEC_CODEC2_1200, 40, 4},
    [WZP_CODE_COMFORT_NOISE] = {WZP_CODEC_COMFORT_NOISE, 0, 0},
    [WZP_CODE_NO_AUDIO] = {WZP_CODEC_NONE, 0, 0},
};

const WzpFraming *
wzp_framing_from_code(uint8_t code)
{
  if (code > 15 || code == 11 || code == 12 || code == 15)
    return NULL;
  return &framings[code];
}

int
wzp_framing_code(WzpCodec codec, unsigned frame_ms, unsigned frames_per_packet)
{
  for (uint8_t code = 0; code < 16; code++) {
    const WzpFraming *framing = wzp_framing_from_code(code);
    if (framing != NULL && framing->codec == codec && framing->frame_ms == frame_ms &&
        framing->frames_per_packet == frames_per_packet)
      return code;
  }
  return -1;
}

static const WzpProfile profiles[] = {
    {"opus-64k", WZP_CODEC_OPUS, 64000, 20, 160, 48000},
    {"opus-48k", WZP_CODEC_OPUS, 48000, 20, 120, 48000},
    {"opus-32k", WZP_CODEC_OPUS, 32000, 20, 80, 48000},
    {"opus-24k", WZP_CODEC_OPUS, 24000, 20, 60, 48000},
    {"opus-16k", WZP_CODEC_OPUS, 16000, 20, 40, 48000},
    {"opus-12k", WZP_CODEC_OPUS, 12000, 40, 60, 48000},
    {"opus-8k", WZP_CODEC_OPUS, 8000, 40, 40, 48000},
    {"opus-6k", WZP_CODEC_OPUS, 6000, 40, 30, 48000},
    {"codec2-3200", WZP_CODEC_CODEC2_3200, 3200, 20, 8, 8000},
    {"codec2-1200", WZP_CODEC_CODEC2_1200, 1200, 40, 6, 8000},
};
#define N_PROFILES (sizeof profiles / sizeof profiles[0])

const WzpProfile *
wzp_profile_nth(unsigned n)
{
  return n < N_PROFILES ? &profiles[n] : NULL;
}

const WzpProfile *
wzp_profile_by_name(const char *name)
{
  for (size_t i = 0; i < N_PROFILES; i++)
    if (strcmp(profiles[i].name, name) == 0)
      return &profiles[i];
  return NULL;
}

const WzpProfile *
wzp_profile_match(WzpCodec codec, unsigned frame_ms, unsigned frame_bytes)
{
  for (size_t i = 0; i < N_PROFILES; i++)
    if (profiles[i].codec == codec && profiles[i].frame_ms == frame_ms &&
        profiles[i].frame_bytes == frame_bytes)
      return &profiles[i];
  return NULL;
}
