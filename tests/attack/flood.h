/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include "wzp/bytes.h"
#include "wzp/time.h"
#include <glib.h>

/* Those who attack the relay in flood-gate: a thread each. */

typedef enum {
  FLOOD_PEACE,
  FLOOD_RANDOM,
  FLOOD_BAD_TAG,
  FLOOD_REPLAY,
  FLOOD_HELLO,  /* HS1s that no cookie is sent for */
  FLOOD_COOKIE, /* HS1s of one address, with its cookie */
  FLOOD_TOKENS, /* clients whose token nobody judges */
  FLOOD_ABUSE,  /* members of rooms, who use up each limit */
  FLOOD_IDLE,   /* sessions that do nothing, and handshakes that stop half-way */
  FLOOD_N_KINDS
} FloodKind;

#define FLOOD_COOKIES_PER_SECOND 2000
#define FLOOD_TOKEN_CLIENTS 30
#define FLOOD_ABUSERS 200
#define FLOOD_IDLE_SESSIONS 9000
#define FLOOD_HALF_OPEN 1000
#define FLOOD_BATCH 50

typedef struct {
  FloodKind kind;
  WzpAddress relay;
  unsigned rate;                  /* datagrams a second */
  uint8_t good[WZP_DATAGRAM_MAX]; /* a datagram that a member sent */
  size_t good_length;
  gint ready, stop; /* atomic: it has what it needs to begin; it is to end */
  uint64_t sent, bytes_in,
      bytes_out;       /* datagrams and bytes to the relay, bytes from it; after the thread's end */
  uint64_t handshakes; /* of those from it: HS2 */
  unsigned open, half_open; /* at the end: its sessions, its handshakes */
} Flood;

/* Whoever has no session; FLOOD_RANDOM to FLOOD_COOKIE. flood: a Flood. */
gpointer flood_strangers(gpointer flood);
/* Whoever has one, or almost; FLOOD_TOKENS to FLOOD_IDLE. */
gpointer flood_clients(gpointer flood);
/* A socket at 127.NET.x.y, the nth address of that net, with a long queue. */
int flood_socket(unsigned net, unsigned n);
