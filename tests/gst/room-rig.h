/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "call-rig.h"
#include "relay-peer.h"

/* A wzpcall in a room of many. The others are calls on sockets that say tones, one each; what comes out of the mix is
 * looked at for them. */

/* Of the largest room, the call included. ThreadSanitizer is after the call's threads, and makes the members on sockets,
 * which have none, ten times as slow. */
#ifdef __SANITIZE_THREAD__
#define ROOM_MEMBERS 20
#else
#define ROOM_MEMBERS 64
#endif
#define ROOM_RATE 48000
#define ROOM_FRAME 960
#define ROOM_WINDOW (ROOM_RATE / 5) /* samples that are looked at: whole periods of all tones */
#define ROOM_LOUD 1400.0            /* amplitude of a tone */
#define ROOM_TONES 50               /* frames of one that are encoded, and said again and again */

#define ROOM_URI "uri=wzp://127.0.0.1:%u/room KNOWN"
#define ROOM_HEARD                                                                                 \
  "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! "               \
  "fakesink name=%s signal-handoffs=true"

typedef struct {
  uint8_t bundles[ROOM_TONES][61];
} Tone;

/* What came last out of a sink. */
typedef struct {
  GMutex lock;
  int16_t samples[ROOM_WINDOW]; /* a ring */
  guint64 count;
  GstClockTime next; /* where the next buffer should begin */
  unsigned holes;
} Ears;

/* Of the fakesink called name; free with ears_free() when the pipeline is gone. */
Ears *ears_listen(GstElement *pipeline, const char *name);
void ears_free(Ears *ears);
guint64 ears_count(Ears *ears); /* samples so far */
/* The last ROOM_WINDOW samples have a tone of that frequency, or nothing of it. */
bool ears_hear(Ears *ears, unsigned hertz);
bool ears_miss(Ears *ears, unsigned hertz);

typedef struct {
  GstElement *pipeline; /* with the element "call" */
  unsigned port;        /* of the relay */
  RelayPeer *peers[ROOM_MEMBERS];
  unsigned n_peers, n_talking; /* the first ones */
  Tone *tones;
  unsigned said;
} Room;

/* Of the member's tone. */
unsigned room_frequency(unsigned n);
/* pipeline is taken; n_tones: as many members at most will talk. */
void room_begin(Room *room, unsigned port, GstElement *pipeline, unsigned n_tones);
void room_end(Room *room);
RelayPeer *room_add_peer(Room *room);
unsigned room_members(const Room *room); /* as the call counts them */

typedef bool (*RoomUntil)(Room *room, gpointer data);
/* Those who talk say a frame every 20 ms, until done. The silent ones are looked after now and then only: what they hear
 * is not what is tested. */
void room_run(Room *room, RoomUntil done, gpointer data);
/* Each for room_run(). */
bool room_is_full(Room *room, gpointer unused); /* all are in, and all know it */
bool room_has_voices(Room *room, gpointer number);
