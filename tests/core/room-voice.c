/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "room-voice.h"
#include "wzp/fec-holes.h"
#include "wzp/fec-receiver.h"
#include <glib.h>
#include <string.h>

#define FRAME_MS 20
#define FRAME_BYTES 60
#define QUEUE 100

typedef struct {
  WzpFecReceiver *receiver; /* NULL: nothing heard yet */
  WzpFecHoles *holes;
  WzpJitter *jitter;
  bool heard;
  WzpTime played_until;
} Ear;

struct RoomVoice {
  unsigned n;
  WzpFecSender *sender;
  bool began;
  Ear ears[ROOM_VOICES];
  RoomVoiceStats stats;
};

RoomVoice *
room_voice_new(unsigned n, unsigned percent)
{
  RoomVoice *voice = g_new0(RoomVoice, 1);
  const WzpChannelState state = wzp_channel_of_burst(percent / 100.0, 0);
  const WzpFecLimits limits = {.scheme = WZP_FEC_AUTO,
                               .overhead = WZP_FEC_OVERHEAD_AUTO,
                               .max_delay = ROOM_VOICE_LATENCY,
                               .frames_per_packet = 1,
                               .profile = wzp_profile_by_name("opus-24k")};
  voice->n = n;
  voice->sender = wzp_fec_sender_new(&limits);
  wzp_fec_sender_set_channel(voice->sender, &state);
  return voice;
}

void
room_voice_free(RoomVoice *voice)
{
  if (voice == NULL)
    return;
  for (unsigned from = 0; from < ROOM_VOICES; from++)
    room_voice_forget(voice, from);
  wzp_fec_sender_free(voice->sender);
  g_free(voice);
}

/* A frame says whose it is, and which. */
static void
fill(uint8_t frame[FRAME_BYTES], unsigned n, uint32_t media_ms)
{
  memset(frame, (int)n, FRAME_BYTES);
  memcpy(frame, &media_ms, sizeof media_ms);
}

void
room_voice_speak(RoomVoice *voice, WzpTime now, uint32_t media_ms)
{
  uint8_t data[FRAME_BYTES];
  fill(data, voice->n, media_ms);
  const WzpFecSourceFrame frame = {.code = 0,
                                   .media_ms = media_ms,
                                   .talk_start = !voice->began,
                                   .data = data,
                                   .length = sizeof data};
  voice->began = true;
  g_assert_cmpint(wzp_fec_sender_push(voice->sender, now, &frame), ==, WZP_OK);
}

bool
room_voice_poll(RoomVoice *voice, WzpFecPacket *packet)
{
  return wzp_fec_sender_poll(voice->sender, packet);
}

static void
take_frame(Ear *ear, WzpTime now, unsigned from, const WzpFecFrame *frame)
{
  const WzpJitterFrame due = {.index = frame->number,
                              .media_time =
                                  frame->has_media_ms ? (int64_t)frame->media_ms * 1000000 : -1,
                              .duration = FRAME_MS * INT64_C(1000000),
                              .arrival = now * 1000,
                              .waited = frame->waited_ms * INT64_C(1000000),
                              .recovered = frame->recovered};
  uint8_t expected[FRAME_BYTES];
  uint32_t media_ms;
  g_assert_cmpuint(frame->length, ==, FRAME_BYTES);
  memcpy(&media_ms, frame->data, sizeof media_ms);
  fill(expected, from, media_ms); /* the right speaker */
  g_assert_cmpmem(frame->data, FRAME_BYTES, expected, FRAME_BYTES);
  wzp_jitter_push(ear->jitter, &due, NULL);
}

void
room_voice_hear(RoomVoice *voice, WzpTime now, unsigned from, const WzpOpened *opened,
                const uint8_t *bundle, size_t length)
{
  Ear *ear = &voice->ears[from];
  const WzpFecPacketInfo info = {.code = opened->header.code,
                                 .index = opened->index,
                                 .has_media_ms = opened->has_media_ms,
                                 .media_ms = opened->media_ms,
                                 .talk_start = opened->header.full &&
                                               (opened->header.flags & WZP_FLAG_TALK_START) != 0};
  WzpFecFrame frame;
  uint64_t hopeless;
  if (ear->receiver == NULL) {
    ear->receiver = wzp_fec_receiver_new();
    ear->holes = wzp_fec_holes_new();
    ear->jitter = wzp_jitter_new(ROOM_VOICE_LATENCY * 1000, QUEUE);
  }
  WzpResult result = wzp_fec_receiver_push(ear->receiver, now, &info, bundle, length);
  g_assert_true(result == WZP_OK || result == WZP_TOO_OLD); /* overtaken, at the start */
  wzp_fec_holes_pushed(ear->holes, ear->receiver);
  while (wzp_fec_receiver_next(ear->receiver, &frame)) {
    take_frame(ear, now, from, &frame);
    wzp_fec_holes_came(ear->holes, frame.number);
  }
  wzp_fec_holes_find(ear->holes, ear->receiver);
  while (wzp_fec_holes_next(ear->holes, &hopeless))
    wzp_jitter_hopeless(ear->jitter, hopeless);
}

static void
note_played(RoomVoice *voice, Ear *ear, WzpTime at)
{
  if (ear->heard)
    voice->stats.longest_gap = MAX(voice->stats.longest_gap, at - ear->played_until);
  ear->heard = true;
  ear->played_until = at + FRAME_MS * WZP_MSEC;
  voice->stats.played++;
}

static void
play(RoomVoice *voice, Ear *ear, WzpTime now)
{
  WzpJitterOutput output;
  while ((output = wzp_jitter_poll(ear->jitter, now * 1000)).action != WZP_JITTER_WAIT) {
    if (output.action == WZP_JITTER_PLAY)
      note_played(voice, ear, output.due / 1000);
  }
}

void
room_voice_play(RoomVoice *voice, WzpTime now)
{
  for (unsigned from = 0; from < ROOM_VOICES; from++)
    if (voice->ears[from].jitter != NULL)
      play(voice, &voice->ears[from], now);
}

static RoomVoiceStats
with_ear(RoomVoiceStats stats, const Ear *ear)
{
  WzpJitterStats jitter;
  if (ear->jitter == NULL)
    return stats;
  wzp_jitter_get_stats(ear->jitter, &jitter);
  stats.recovered += (unsigned)jitter.recovered;
  stats.lost += (unsigned)jitter.lost;
  return stats;
}

void
room_voice_forget(RoomVoice *voice, unsigned from)
{
  Ear *ear = &voice->ears[from];
  voice->stats = with_ear(voice->stats, ear);
  wzp_fec_receiver_free(ear->receiver);
  wzp_fec_holes_free(ear->holes);
  wzp_jitter_free(ear->jitter);
  *ear = (Ear){0};
}

RoomVoiceStats
room_voice_stats(const RoomVoice *voice)
{
  RoomVoiceStats stats = voice->stats;
  for (unsigned from = 0; from < ROOM_VOICES; from++)
    stats = with_ear(stats, &voice->ears[from]);
  return stats;
}
