/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "talk.h"
#include <glib.h>
#include <string.h>

#define HELD 8                /* frames; more than what is held back and the one that came */
#define CHANGE_DB 1.5f        /* of the room that is worth telling */
#define UNCHANGED_INTERVALS 4 /* so much more rarely the same is told again */

#define PARTS (WZP_TALK_FRAME_MAX / WZP_VAD_SAMPLES)

typedef struct {
  int16_t pcm[WZP_TALK_FRAME_MAX];
  unsigned samples;
  bool speech;
} Held;

struct WzpTalk {
  WzpVad *vad;
  bool suppression, listening;
  unsigned interval;
  float probability[PARTS]; /* of speech in the next frame */

  Held held[HELD];
  unsigned first, n;
  bool draining;

  bool talking, start, marked; /* marked: the descriptor that begins a silence went */
  unsigned since;              /* ms since the last descriptor */
  WzpNoise told;
};

static void
forget_speech(WzpTalk *talk)
{
  for (unsigned n = 0; n < PARTS; n++)
    talk->probability[n] = -1;
}

WzpTalk *
wzp_talk_new(void)
{
  WzpTalk *talk = g_new0(WzpTalk, 1);
  talk->vad = wzp_vad_new();
  talk->suppression = true;
  talk->interval = 400;
  wzp_talk_reset(talk);
  return talk;
}

void
wzp_talk_free(WzpTalk *talk)
{
  if (talk == NULL)
    return;
  wzp_vad_free(talk->vad);
  g_free(talk);
}

void
wzp_talk_reset(WzpTalk *talk)
{
  wzp_vad_reset(talk->vad);
  forget_speech(talk);
  talk->first = talk->n = talk->since = 0;
  talk->draining = talk->marked = false;
  talk->talking = talk->start = true;
}

void
wzp_talk_set_suppression(WzpTalk *talk, bool suppression)
{
  talk->suppression = suppression;
}

void
wzp_talk_set_listening(WzpTalk *talk, bool listening)
{
  talk->listening = listening;
}

void
wzp_talk_set_interval(WzpTalk *talk, unsigned ms)
{
  talk->interval = ms;
}

void
wzp_talk_set_speech(WzpTalk *talk, const float probability[PARTS])
{
  memcpy(talk->probability, probability, sizeof talk->probability);
}

static bool
hears_speech(WzpTalk *talk, const int16_t *pcm, unsigned samples)
{
  bool speech = false;
  for (unsigned n = 0; n < PARTS && (n + 1) * WZP_VAD_SAMPLES <= samples; n++)
    speech = wzp_vad_frame(talk->vad, pcm + n * WZP_VAD_SAMPLES, talk->probability[n]) || speech;
  return speech;
}

void
wzp_talk_frame(WzpTalk *talk, const int16_t *pcm, unsigned samples)
{
  bool analyse = talk->suppression || talk->listening;
  bool speech = !analyse || hears_speech(talk, pcm, samples);
  bool talking = !talk->suppression || speech;
  forget_speech(talk);
  if (talk->n == HELD) { /* the owner did not take them */
    talk->first = (talk->first + 1) % HELD;
    talk->n--;
  }
  Held *held = &talk->held[(talk->first + talk->n++) % HELD];
  held->samples = MIN(samples, WZP_TALK_FRAME_MAX);
  held->speech = speech;
  memcpy(held->pcm, pcm, held->samples * sizeof *pcm);
  talk->draining = false;
  if (talk->talking && !talking)
    talk->marked = false;
  if (!talk->talking && talking)
    talk->start = true;
  talk->talking = talking;
}

void
wzp_talk_drain(WzpTalk *talk)
{
  talk->draining = true;
}

static unsigned
ms_of(unsigned samples)
{
  return samples / (WZP_NOISE_RATE / 1000);
}

static unsigned
held_ms(const WzpTalk *talk)
{
  unsigned ms = 0;
  for (unsigned i = 0; i < talk->n; i++)
    ms += ms_of(talk->held[(talk->first + i) % HELD].samples);
  return ms;
}

static bool
is_worth_telling(WzpTalk *talk)
{
  if (!talk->marked)
    return true;
  if (talk->since < talk->interval)
    return false;
  return talk->since >= UNCHANGED_INTERVALS * talk->interval ||
         wzp_noise_distance(&talk->told, wzp_vad_room(talk->vad)) >= CHANGE_DB;
}

bool
wzp_talk_next(WzpTalk *talk, WzpTalkOutput *output)
{
  bool waits = !talk->talking && talk->marked && !talk->draining;
  if (talk->n == 0 || (waits && held_ms(talk) <= WZP_TALK_BEFORE_MS))
    return false;
  const Held *held = &talk->held[talk->first];
  talk->first = (talk->first + 1) % HELD;
  talk->n--;
  *output = (WzpTalkOutput){.action = WZP_TALK_SILENT, .pcm = held->pcm, .samples = held->samples};
  if (talk->talking) {
    output->action = WZP_TALK_SEND;
    output->start = talk->start;
    output->speech = talk->suppression || held->speech;
    talk->start = false;
    return true;
  }
  talk->since += ms_of(held->samples);
  if (is_worth_telling(talk)) {
    output->action = WZP_TALK_COMFORT;
    talk->told = *wzp_vad_room(talk->vad);
    talk->marked = true;
    talk->since = 0;
  }
  return true;
}

const WzpNoise *
wzp_talk_room(const WzpTalk *talk)
{
  return wzp_vad_room(talk->vad);
}
