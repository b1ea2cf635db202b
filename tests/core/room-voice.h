/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/fec-sender.h"
#include "wzp/group.h"
#include "wzp/jitter.h"

/* What a client of a room says, with repair, and what it plays of each other: frames go through the real sender and
 * receiver of repair and the real playout. */

#define ROOM_VOICES 8
#define ROOM_VOICE_LATENCY (200 * WZP_MSEC)

typedef struct RoomVoice RoomVoice;
/* percent: of loss that the sender knows of. */
RoomVoice *room_voice_new(unsigned n, unsigned percent);
void room_voice_free(RoomVoice *voice);
/* The next frame; then poll for packets. */
void room_voice_speak(RoomVoice *voice, WzpTime now, uint32_t media_ms);
bool room_voice_poll(RoomVoice *voice, WzpFecPacket *packet);
/* An opened packet of `from`. */
void room_voice_hear(RoomVoice *voice, WzpTime now, unsigned from, const WzpOpened *opened,
                     const uint8_t *bundle, size_t length);
/* What is played of `from` from now on is another's, or nobody's. */
void room_voice_forget(RoomVoice *voice, unsigned from);
/* Plays what is due; at least each 20 ms. */
void room_voice_play(RoomVoice *voice, WzpTime now);

typedef struct {
  unsigned played, recovered, lost; /* frames; lost: of those that were to be played */
  WzpTime longest_gap; /* without a frame of somebody who was heard before and after it */
} RoomVoiceStats;
RoomVoiceStats room_voice_stats(const RoomVoice *voice);
