/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile.h"
#include <stddef.h>
#include <string.h>

/* Indexed by the code; reserved codes have no frames and WZP_CODEC_NONE, and so has "no audio". */
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

#define N_FRAMINGS (sizeof framings / sizeof framings[0])

const WzpFraming *
wzp_framing_from_code(uint8_t code)
{
  if (code >= N_FRAMINGS)
    return NULL;
  if (framings[code].codec == WZP_CODEC_NONE && code != WZP_CODE_NO_AUDIO)
    return NULL;
  return &framings[code];
}

unsigned
wzp_framing_packet_ms(uint8_t code)
{
  const WzpFraming *framing = wzp_framing_from_code(code);
  return framing != NULL ? framing->frame_ms * framing->frames_per_packet : 0;
}

int
wzp_framing_code(WzpCodec codec, unsigned frame_ms, unsigned frames_per_packet)
{
  for (uint8_t code = 0; code < N_FRAMINGS; code++) {
    const WzpFraming *framing = wzp_framing_from_code(code);
    if (framing != NULL && framing->codec == codec && framing->frame_ms == frame_ms &&
        framing->frames_per_packet == frames_per_packet)
      return code;
  }
  return -1;
}

int
wzp_framing_frame_code(WzpCodec codec, unsigned frame_ms)
{
  int best = -1;
  for (uint8_t code = 0; code < N_FRAMINGS; code++) {
    const WzpFraming *framing = &framings[code];
    if (framing->frames_per_packet > 0 && framing->codec == codec &&
        framing->frame_ms == frame_ms &&
        (best < 0 || framing->frames_per_packet < framings[best].frames_per_packet))
      best = code;
  }
  return best;
}

unsigned
wzp_framing_frames_up_to(WzpCodec codec, unsigned frame_ms, unsigned wanted)
{
  while (wanted > 0 && wzp_framing_code(codec, frame_ms, wanted) < 0)
    wanted--;
  return wanted;
}

/* frame_bytes = bitrate * frame_ms / 8000. The bandwidth is what the bitrate serves well: more of it costs
 * intelligibility. */
static const WzpProfile profiles[] = {
    {"opus-64k", WZP_CODEC_OPUS, 64000, 20, 160, 48000, 20000},
    {"opus-48k", WZP_CODEC_OPUS, 48000, 20, 120, 48000, 20000},
    {"opus-32k", WZP_CODEC_OPUS, 32000, 20, 80, 48000, 12000},
    {"opus-24k", WZP_CODEC_OPUS, 24000, 20, 60, 48000, 8000},
    {"opus-20k", WZP_CODEC_OPUS, 20000, 20, 50, 48000, 8000},
    {"opus-16k", WZP_CODEC_OPUS, 16000, 20, 40, 48000, 8000},
    {"opus-12k", WZP_CODEC_OPUS, 12000, 40, 60, 48000, 8000},
    {"opus-8k", WZP_CODEC_OPUS, 8000, 40, 40, 48000, 4000},
    {"opus-6.6k", WZP_CODEC_OPUS, 6600, 40, 33, 48000, 4000},
    {"opus-6k", WZP_CODEC_OPUS, 6000, 40, 30, 48000, 4000},
    {"codec2-3200", WZP_CODEC_CODEC2_3200, 3200, 20, 8, 8000, 4000},
    {"codec2-1200", WZP_CODEC_CODEC2_1200, 1200, 40, 6, 8000, 4000},
};

#define N_PROFILES (sizeof profiles / sizeof profiles[0])

const WzpProfile *
wzp_profile_by_name(const char *name)
{
  for (unsigned n = 0; name != NULL && n < N_PROFILES; n++) {
    if (strcmp(profiles[n].name, name) == 0)
      return &profiles[n];
  }
  return NULL;
}

const WzpProfile *
wzp_profile_nth(unsigned n)
{
  return n < N_PROFILES ? &profiles[n] : NULL;
}

const WzpProfile *
wzp_profile_match(WzpCodec codec, unsigned frame_ms, unsigned frame_bytes)
{
  for (unsigned n = 0; n < N_PROFILES; n++) {
    if (profiles[n].codec == codec && profiles[n].frame_ms == frame_ms &&
        profiles[n].frame_bytes == frame_bytes)
      return &profiles[n];
  }
  return NULL;
}
