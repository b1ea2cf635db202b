/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The table of what a packet can carry. The wire names codec, frame length and frames per packet only
 * (the four bits CCCC of the first byte); the Opus bitrate follows from the frame's size. */

typedef enum {
  WZP_CODEC_NONE,
  WZP_CODEC_OPUS,
  WZP_CODEC_CODEC2_3200,
  WZP_CODEC_CODEC2_1200,
  WZP_CODEC_COMFORT_NOISE
} WzpCodec;

typedef struct {
  WzpCodec codec;
  uint8_t frame_ms;          /* 0 for codes without frames */
  uint8_t frames_per_packet; /* 0 for codes without frames */
} WzpFraming;

#define WZP_CODE_COMFORT_NOISE 13
#define WZP_CODE_NO_AUDIO 14

/* NULL for reserved codes (11, 12, 15) and above 15. */
const WzpFraming *wzp_framing_from_code(uint8_t code);
/* What a packet of this code lasts, in ms; 0: it has no frames, or the code is reserved. */
unsigned wzp_framing_packet_ms(uint8_t code);
/* The code of a framing, or -1. */
int wzp_framing_code(WzpCodec codec, unsigned frame_ms, unsigned frames_per_packet);
/* The code that names one frame of this kind: of the smallest packet (Codec2 3200 has none of one frame). -1 for what
 * has no frames. */
int wzp_framing_frame_code(WzpCodec codec, unsigned frame_ms);
/* The most frames, up to `wanted`, of which there is a packet; 0: not even for so few. */
unsigned wzp_framing_frames_up_to(WzpCodec codec, unsigned frame_ms, unsigned wanted);

typedef struct {
  const char *name; /* "opus-24k": what people type */
  WzpCodec codec;
  unsigned bitrate; /* bit/s of the codec alone */
  unsigned frame_ms;
  unsigned frame_bytes; /* exact: all profiles are constant rate */
  unsigned sample_rate; /* Hz of the codec's input and output */
  unsigned bandwidth;   /* Hz: the highest that is coded */
} WzpProfile;

#define WZP_PROFILE_DEFAULT "opus-24k"

const WzpProfile *wzp_profile_by_name(const char *name); /* NULL if unknown */
const WzpProfile *wzp_profile_nth(unsigned n);           /* NULL past the last; for lists */
/* The profile of frames of this codec, length and size (how a receiver learns the Opus bitrate). */
const WzpProfile *wzp_profile_match(WzpCodec codec, unsigned frame_ms, unsigned frame_bytes);
