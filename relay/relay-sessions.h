/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-calls.h"
#include "relay-media.h"
#include "relay-rooms.h"
#include "relay-timers.h"

/* The control plane's table of sessions: half-open handshakes, open sessions, and sessions that say
 * goodbye. One fixed table; the index is part of the session id that the client writes into its
 * datagrams, so every lookup is an array access that is then checked. */

typedef enum {
  RELAY_SESSION_FREE,
  RELAY_SESSION_HALF_OPEN, /* HS2 was sent */
  RELAY_SESSION_OPEN,
  RELAY_SESSION_CLOSING /* CLOSE was sent; waits a moment for what was still to be acknowledged */
} RelaySessionState;

typedef enum {
  RELAY_SESSION_WITHOUT_TOKEN,
  RELAY_SESSION_TOKEN_WAITS,   /* for its turn to be checked */
  RELAY_SESSION_TOKEN_CHECKED, /* now */
  RELAY_SESSION_AUTHORISED     /* or no token is asked for */
} RelaySessionAuth;

#define RELAY_ADDRESS_KEY_MAX 9
#define RELAY_SESSION_CALLS_MAX 8

/* The leg speaks from another address, and both were sent a challenge, each its own (relay-control-moves.c). */
typedef struct {
  bool pending;
  bool answered; /* from the new address; the old one may still object */
  bool due;      /* the challenge for the new address has to go out */
  WzpAddress to;
  uint8_t for_new[WZP_CHALLENGE_SIZE], for_old[WZP_CHALLENGE_SIZE];
  WzpTime since, sent, answered_at;
  WzpTime next_for_old; /* WZP_NEVER: enough were sent */
  WzpTime not_before;   /* the next one */
} RelayMove;

typedef struct {
  RelaySessionState state;
  uint32_t index, sid;
  WzpAddress address;        /* where the leg is */
  WzpAddress other_address;  /* of the other family, from where it was heard too; family 0: none */
  WzpAddress hs1_address;    /* where its handshake came from */
  uint8_t cid[WZP_CID_SIZE]; /* ours */
  uint8_t hs1_digest[32];    /* with that address: what a repeated HS1 is known by */
  uint32_t hash;             /* of both, keyed */
  WzpTime since;             /* HS1 came; open since; closing since */
  WzpResponder *responder;   /* half-open only */
  WzpControl *control;       /* open and closing */
  uint8_t hs3_digest[32];    /* what a repeated HS3 is known by */
  bool first_record_made;
  uint8_t identity[32]; /* verified */
  bool counted;         /* in the tallies */
  bool overflowed;      /* its queue was full: to be closed */
  RelayMove move;
  RelayBucket control_bytes, joins;
  RelaySessionAuth auth;
  bool auth_asked; /* was told that a token is needed */
  char *token;     /* waits or is checked */
  GBytes *held;    /* the message that came with it */
  RelayRoom *room;
  uint8_t slot;
  bool listening;                            /* calls of its identity come here */
  RelayCall *calls[RELAY_SESSION_CALLS_MAX]; /* that this session is a side of */
  RelayCall *call_media;                     /* the one that its media go to */
  /* Its queue is long, so what happens in its room waits until it is empty: the slots that changed, one bit each. */
  bool behind;
  uint8_t changed[WZP_SLOT_MAX / 8 + 1];
  GList half_open_link, dirty_link, token_link;
  bool dirty;
} RelaySession;

typedef struct RelaySessions RelaySessions;
RelaySessions *relay_sessions_new(const RelayLimits *limits, const WzpRandom *random);
void relay_sessions_free(RelaySessions *sessions);

/* A half-open entry with fresh ids; the oldest one gives way when there are too many (*evicted is then
 * true). The caller sets the responder. */
RelaySession *relay_sessions_add_half_open(RelaySessions *sessions, WzpTime now,
                                           const WzpAddress *from, const uint8_t hs1_digest[32],
                                           bool *evicted);
/* The entry of this HS1, half-open or already finished. */
RelaySession *relay_sessions_find_hs1(RelaySessions *sessions, const WzpAddress *from,
                                      const uint8_t hs1_digest[32]);
/* By the connection id that starts at cid; NULL unless all eight bytes match a session. */
RelaySession *relay_sessions_find_cid(RelaySessions *sessions, const uint8_t cid[WZP_CID_SIZE]);
/* By the session id in the trailer of a media datagram. */
RelaySession *relay_sessions_find_trailer(RelaySessions *sessions, const uint8_t *data,
                                          size_t length);
RelaySession *relay_sessions_get(RelaySessions *sessions, unsigned index);
/* Half-open to open: counts it for its identity and address. */
void relay_sessions_open(RelaySessions *sessions, RelaySession *session, WzpTime now);
/* The leg is at another address from now on, and counted there. */
void relay_sessions_move(RelaySessions *sessions, RelaySession *session, const WzpAddress *address);
/* It was heard from there as well, an address of the other family: it lives there too, without being counted. */
void relay_sessions_note_other(RelaySessions *sessions, RelaySession *session,
                               const WzpAddress *address);
/* Does a session live there? */
bool relay_sessions_is_home(const RelaySessions *sessions, const WzpAddress *address);
/* Open to closing: no longer counted. */
void relay_sessions_close(RelaySessions *sessions, RelaySession *session, WzpTime now);
/* Any state to free; wipes. */
void relay_sessions_remove(RelaySessions *sessions, RelaySession *session);

unsigned relay_sessions_n_half_open(const RelaySessions *sessions);
unsigned relay_sessions_n_open(const RelaySessions *sessions);
unsigned relay_sessions_n_identity(const RelaySessions *sessions, const uint8_t identity[32]);
unsigned relay_sessions_n_address(const RelaySessions *sessions, const WzpAddress *address);
unsigned relay_sessions_capacity(const RelaySessions *sessions);

/* One due time per session. */
RelayTimers *relay_sessions_timers(RelaySessions *sessions);
/* Sessions whose control channel is to be polled. */
void relay_sessions_mark_dirty(RelaySessions *sessions, RelaySession *session);
RelaySession *relay_sessions_first_dirty(RelaySessions *sessions);
void relay_sessions_clear_dirty(RelaySessions *sessions, RelaySession *session);

/* The part of an address that limits go by: IPv4 /32, IPv6 /64. Returns the length. */
size_t relay_address_key(const WzpAddress *address, uint8_t key[RELAY_ADDRESS_KEY_MAX]);
