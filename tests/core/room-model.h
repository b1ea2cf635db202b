/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "room-voice.h"
#include "wzp/group-private.h"

/* A room in virtual time: clients with a WzpGroup each, and a relay that forwards. Control messages
 * arrive late but whole and in order, as over the reliable hop, unless the relay restarts; media is
 * lost and reordered. Everything is drawn from one seed. */

#define ROOM_CLIENTS ROOM_VOICES
#define ROOM_FRAME_MS 20

typedef struct {
  bool in_use;   /* takes part; after it left its group stays for a look at it */
  unsigned life; /* counts joins: what was sent for a former one is dropped */
  bool joined;   /* the relay has it in the roster */
  bool talking;
  WzpIdentity *identity;
  WzpGroup *group;
  uint8_t slot;
  uint32_t media_ms;
  WzpTime control_up, control_down; /* when the last message in each direction arrives */
  WzpTime joined_at;

  unsigned sealed, sent_packets, refused_to_seal;
  unsigned opened, arrived;
  unsigned results[WZP_N_RESULTS];
  unsigned confirmed, left, ready; /* events */
  unsigned records_sent;
  WzpTime last_opened;
  uint64_t last_index;
  /* Packets of an epoch whose key this client was sent: how many came, and how many of them found none. */
  unsigned meant, without_key;
  RoomVoice *voice; /* with repair: what it says and plays */
} RoomClient;

typedef struct {
  WzpTime now, next_tick;
  WzpSeededRandom random_state;
  WzpRandom random;
  unsigned loss_percent; /* media */
  WzpTime delay, jitter; /* one way, each leg; control gets up to ten times the jitter */
  bool
      repair; /* set before anybody joins: real frames with repair are said and played, else one packet a frame */
  bool keep_media;  /* remember every media packet that was sent */
  GPtrArray *media; /* GBytes */
  bool (*drop_record)(void *user, unsigned from, unsigned to); /* may be NULL */
  void *drop_user;
  void (*spoken)(void *user, unsigned from, const uint8_t *packet, size_t length); /* or NULL */
  void *spoken_user;
  RoomClient clients[ROOM_CLIENTS];
  int roster[WZP_SLOT_MAX + 1]; /* client in the slot, or -1 */
  unsigned generation;          /* of the relay */
  unsigned next_slot;
  GSequence *flight;
} RoomModel;

RoomModel *
room_model_new(void); /* every model has a seed of its own, all from the one that GLib prints */
RoomModel *room_model_new_seeded(uint64_t seed); /* always the same */
void room_model_free(RoomModel *model);

uint32_t room_model_draw(RoomModel *model, uint32_t below);

/* A fresh identity (or that of client `as`), a group, JOIN on its way. */
void room_model_join(RoomModel *model, unsigned n, const char *room_name);
void room_model_rejoin(RoomModel *model, unsigned n, unsigned as, const char *room_name);
/* Says goodbye (LEAVE records, then the relay is told) or vanishes; the relay notices at once. */
void room_model_leave(RoomModel *model, unsigned n, bool politely);
void room_model_restart_relay(RoomModel *model);
/* The relay lost this one leg and it comes back with the same JOIN. */
void room_model_lose_leg(RoomModel *model, unsigned n, WzpTime until_back);
void room_model_run(RoomModel *model, WzpTime duration);
/* Hands on what the group wants to send, and takes its events. */
void room_model_pump(RoomModel *model, unsigned n);
/* One media packet now; true when it was sealed. */
bool room_model_speak(RoomModel *model, unsigned n);
