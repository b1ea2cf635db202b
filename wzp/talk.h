/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "vad.h"

/* What of the sound is sent: speech with a little before and after it; of silence a descriptor of the room now and then.
 * Frames go in and come out in their order, each as one of three things. Speech comes out at once; silence
 * WZP_TALK_BEFORE_MS late, so that its end can still turn out to be how a word began. */

#define WZP_TALK_BEFORE_MS 60
#define WZP_TALK_FRAME_MAX (2 * WZP_VAD_SAMPLES) /* samples of a frame: one or two times 20 ms */

typedef enum {
  WZP_TALK_SEND,    /* encode it */
  WZP_TALK_COMFORT, /* in its place goes the room's descriptor */
  WZP_TALK_SILENT   /* nothing is sent for it */
} WzpTalkAction;

typedef struct {
  WzpTalkAction action;
  bool start;  /* SEND: the first after silence */
  bool speech; /* SEND: it is speech, or stands beside some; false: all is sent, and this is none */
  const int16_t *pcm; /* valid until the next frame goes in */
  unsigned samples;
} WzpTalkOutput;

typedef struct WzpTalk WzpTalk;
WzpTalk *wzp_talk_new(void);
void wzp_talk_free(WzpTalk *talk);
/* As new; what was queued is forgotten. */
void wzp_talk_reset(WzpTalk *talk);
/* false: everything is sent, at a constant rate, and unless it listens nothing is analysed. From the next frame on. */
void wzp_talk_set_suppression(WzpTalk *talk, bool suppression);
/* true: what is speech is found out even while everything is sent. From the next frame on. */
void wzp_talk_set_listening(WzpTalk *talk, bool listening);
/* How often a descriptor goes at most, ms; the first of a silence goes at once. */
void wzp_talk_set_interval(WzpTalk *talk, unsigned ms);
/* How likely there is speech in the next frame, of each 20 ms of it, 0..1, as noise removal heard it; -1: not known. Without
 * it nothing is known. */
void wzp_talk_set_speech(WzpTalk *talk,
                         const float probability[WZP_TALK_FRAME_MAX / WZP_VAD_SAMPLES]);
/* samples: WZP_VAD_SAMPLES or WZP_TALK_FRAME_MAX. Then take the outputs until next() is false. */
void wzp_talk_frame(WzpTalk *talk, const int16_t *pcm, unsigned samples);
/* No frame follows these, or none like them: what is held back is silence. Take the outputs. */
void wzp_talk_drain(WzpTalk *talk);
bool wzp_talk_next(WzpTalk *talk, WzpTalkOutput *output);
/* What the room sounds like. */
const WzpNoise *wzp_talk_room(const WzpTalk *talk);
