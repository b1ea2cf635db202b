/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-bucket.h"
#include "relay-core.h"

/* The media plane: checks every media datagram that claims a leg and hands it to the other members of
 * the leg's room. It owns dense tables that were allocated at the start; nothing is allocated, locked or
 * logged per packet. It decrypts nothing and holds no media key: only each leg's hop key.
 *
 * One thread owns it. The control plane talks to it by commands, applied between datagrams. Counters and
 * last-seen times are relaxed atomics, so that the control thread may read them at any time.
 *
 * Order of the checks (docs/PROTOCOL.md): length, first byte, session id, hop tag, slot, duplicate
 * window, rate. */

/* A session id is a table index in its low bits and random bits above. */
unsigned relay_sid_capacity(const RelayLimits *limits);
unsigned relay_sid_index(uint32_t sid, unsigned capacity);
uint32_t relay_sid_make(unsigned index, uint32_t random, unsigned capacity);

/* Handshakes that wait for their third message; they hold session ids too. */
#define RELAY_HALF_OPEN_MAX 1024
#define RELAY_NO_ROOM UINT32_MAX

typedef enum {
  RELAY_COMMAND_ADD_LEG,     /* sid, address, hop_key, capabilities */
  RELAY_COMMAND_REMOVE_LEG,  /* sid */
  RELAY_COMMAND_SET_ROOM,    /* sid, room (RELAY_NO_ROOM: none), slot */
  RELAY_COMMAND_SET_ADDRESS, /* sid, address: there, and only there */
  RELAY_COMMAND_ADD_ADDRESS  /* sid, address: there as well */
} RelayCommandType;

typedef struct {
  RelayCommandType type;
  uint32_t sid;
  WzpAddress address;
  uint8_t hop_key[16];
  uint16_t capabilities;
  uint32_t room; /* index below max_rooms; the control plane gives them out */
  uint8_t slot;
} RelayCommand;

/* Where forwarded packets go. data is a view into the datagram that is being handled; it lives as long
 * as that does. */
typedef void (*RelaySend)(void *user, const WzpAddress *to, const uint8_t *data, size_t length);

typedef struct {
  uint64_t datagrams_received;
  uint64_t packets_received, bytes_received;
  uint64_t packets_forwarded, bytes_forwarded;
  uint64_t drops[WZP_N_RESULTS];
} RelayMediaStats;

typedef struct RelayMedia RelayMedia;
RelayMedia *relay_media_new(const RelayLimits *limits);
void relay_media_free(RelayMedia *media);
void relay_media_apply(RelayMedia *media, WzpTime now, const RelayCommand *command);

/* Takes any datagram of the second port, where STUN questions alone are heard. True: it is one, for the control plane. */
bool relay_media_handle_question(RelayMedia *media, const uint8_t *data, size_t length);
/* Takes any datagram. *for_control is true when it is something that the control plane must look at; everything
 * else was forwarded or dropped and counted here. Media are for it only when they were good, new, and of a leg
 * that is elsewhere (and at most four times a second): they went on, and say where the leg may be now. */
WzpResult relay_media_handle(RelayMedia *media, WzpTime now, const WzpAddress *from,
                             const uint8_t *data, size_t length, RelaySend send, void *user,
                             bool *for_control);
/* What the owner of the socket lost on its own (send buffer full, control queue full). */
void relay_media_count_drop(RelayMedia *media, WzpResult reason, uint64_t n);

/* Any thread. */
void relay_media_get_stats(const RelayMedia *media, RelayMediaStats *stats);
/* The same, added to the media part of the relay's stats. */
void relay_stats_add_media(RelayStats *stats, const RelayMedia *media);
/* Bytes forwarded in the last second, roughly. Any thread. */
uint64_t relay_media_egress(const RelayMedia *media, WzpTime now);
/* When the last packet with a good hop tag came; 0 when none did. */
WzpTime relay_media_last_seen(const RelayMedia *media, uint32_t sid);
