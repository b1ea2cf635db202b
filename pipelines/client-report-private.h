/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "client-ends.h"
#include "client-peers.h"
#include "client-quality.h"
#include "client-report.h"
#include "client-room-code.h"

/* client-report.c: what comes in, and what is said of it meanwhile. client-summary.c: the whole, at the end. */

#define CLIENT_UNKNOWN -1.

typedef struct {
  guint64 frames_sent, frames_received, frames_repaired, frames_concealed, frames_lost, frames_late;
  double round_trip, delay;           /* ms */
  guint64 bytes_sent, bytes_received; /* all-in, with IP and UDP headers */
  char path[16], transport[8], nat[16], peer_nat[16];
  guint64 path_attempts, path_switches, path_silences, unheard_here, unheard_there, unheard_times;
  gboolean unheard;                               /* nothing is heard now of who was speaking */
  double direct_round_trip, longest_gap, renewal; /* ms */
} ClientCounters;

/* Bytes of one direction since there was audio. */
typedef struct {
  gint64 since; /* monotonic us; 0: no audio yet */
  guint64 bytes_before, bytes;
} ClientWire;

struct ClientReport {
  gboolean sends, hears, terminal;
  gint64 started, started_at; /* monotonic, and unix time, us */
  gint64 active;              /* monotonic us of the first time that somebody was there, or 0 */
  char *state, *error, *fingerprint, *relay_fingerprint;
  char *said;    /* the last line */
  char *drops;   /* datagrams that were not taken, by reason; JSON */
  GArray *peers; /* ClientPeer */
  ClientRoomCode *room_code;
  /* of the last dialled call; NULL: none */
  char *call_peer, *call_name, *words, *digits, *call_mode, *call_end;
  gint64 accepted,
      direct; /* monotonic us: the call was taken, or somebody came into the room; media first went directly; 0: not */
  WzpContacts *contacts;
  ClientQuality quality;
  ClientEnds ends;
  double level_sent, level_heard, recorded;
  ClientCounters now;
  ClientWire wire_sent, wire_received;
  ClientMoments moments;
  gint64 ended;
};
