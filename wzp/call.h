/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "carrier.h"
#include "dial.h"
#include "group.h"
#include "nat.h"

/* The client's side of a call: the state machine that ties handshake, control channel, room keys and
 * liveness together. Sans-I/O: datagrams and the time go in, datagrams and events come out.
 *
 * Rule of use: after every call that takes `now`, call wzp_call_poll() until it returns false, then
 * arm a timer for wzp_call_next_timeout(). Not thread safe: the owner locks.
 *
 * Two modes. RELAY: a hop session to wzp-relay, and a room with sender keys (3.3-3.7) or dialled calls. UDP: two boxes and a
 * key file, no relay (PROTOCOL.md 11); both may initiate, the lower commitment stays initiator.
 *
 * Liveness, RELAY mode (PROTOCOL.md 12): keep-alive PING when nothing was sent for 8 s.
 * While media was sent or received within the last 10 s, nothing authenticated (a record or a media
 * packet that opened) for 1 s: PING each 250 ms; for 1.5 s (for 1.25 s and the round trip, where that is
 * longer: the answer needs its time): a new hop handshake after 0-1 s random, with the same JOIN; the old
 * session stays in use until the new one completes, or is heard again before HS3 left. Without media the
 * same after a keep-alive that is unanswered for 1 s (PING each 250 ms; 3 s after it a new handshake).
 * After the relay's CLOSE: a new handshake in 1, 2, 4, 8 s and up to 1 s random more.
 * Handshake: resend each 100 ms in the first second, then 250 ms, from 500 ms on twice, 30 ms apart; after 30 s a fresh one.
 * UDP mode: PING each second; 3 s without any record: a new handshake (the old session lives on). */

typedef enum { WZP_CALL_RELAY, WZP_CALL_UDP } WzpCallMode;
#define WZP_CALL_REMOTES_MAX 8

typedef struct {
  WzpCallMode mode;
  const WzpIdentity
      *identity; /* borrowed; in UDP mode a fresh one per start is made here instead */
  WzpRandom random;
  /* Where to: relay addresses (all are tried with the same HS1, the first good answer wins), or the
   * other box. UDP mode with n_remotes == 0 waits for the other side's HS1. */
  WzpAddress remotes[WZP_CALL_REMOTES_MAX];
  unsigned n_remotes;
  /* RELAY */
  WzpRoomSecret room;
  WzpRoomList *list; /* who may be in it (a reference is taken); NULL: everybody */
  /* Instead of a room: dialled calls (dial.h). It listens, and calls callee when the relay is reached. */
  bool calls;
  WzpAcceptMode accept_mode; /* in a room: trusted, or no direct path */
  bool has_callee, has_callee_key;
  uint8_t callee[WZP_FINGERPRINT_SIZE]; /* not our own */
  uint8_t callee_key[32];
  bool has_relay_key, has_relay_fingerprint; /* pinned before / named by the URI */
  uint8_t relay_key[32];
  uint8_t relay_fingerprint[WZP_FINGERPRINT_SIZE];
  bool
      relay_key_unproven; /* pinned when it was first met, and nobody said that it is the right one */
  /* Shown to the relay before the room; NULL: none. Valid (auth.h), borrowed. A relay of which neither
   * key nor fingerprint is known, or only an unproven key, gets it only when that is wanted: it may be
   * anybody's. */
  const char *token;
  bool token_at_first_use;
  /* The owner can open a TLS stream to the relay, for as long as UDP is dead. */
  bool tls;
  /* UDP */
  uint8_t psk[32];
} WzpCallConfig;

typedef enum {
  WZP_CALL_IDLE,
  WZP_CALL_CONNECTING, /* first handshake runs */
  WZP_CALL_WAITING, /* joined; nobody else here yet (UDP: never); dialled calls: none is on, or it rings */
  WZP_CALL_ACTIVE,       /* a member is confirmed and holds our key (UDP: session up) */
  WZP_CALL_RECONNECTING, /* was connected, is looking for the relay again; shown after 3 s of silence */
  WZP_CALL_ENDED         /* left, or a fatal error was reported */
} WzpCallState;
const char *wzp_call_state_name(WzpCallState state); /* "connecting" */

typedef enum {
  WZP_EVENT_STATE,         /* state */
  WZP_EVENT_RELAY_KEY,     /* key: first contact, the owner pins it now (before HS3 leaves) */
  WZP_EVENT_RELAY_CHANGED, /* key: what was seen; fatal before the first connection, else once per
                               episode and the old session goes on */
  WZP_EVENT_MEMBER,        /* key, slot: confirmed, unverified */
  WZP_EVENT_MEMBER_LEFT,   /* key, slot */
  WZP_EVENT_MEMBER_ANNOUNCED, /* key, slot: was sent our key, but has proven nothing yet */
  WZP_EVENT_MEMBER_WITHDRAWN, /* key, slot: announced, and gone without having proven anything */
  WZP_EVENT_MEMBER_UNLISTED,  /* key, slot: shown by the relay, not on the list: is given nothing */
  WZP_EVENT_UNLISTED_LEFT,    /* key, slot */
  WZP_EVENT_WRONG_LIST,       /* the list is of another room, or we are not on it; fatal */
  WZP_EVENT_MEMBER_MOVED, /* key, slot, former_slot: the relay came back with another one for it */
  WZP_EVENT_ERROR,        /* code, text; fatal: the call is ENDED */
  WZP_EVENT_CARRIER, /* by_stream: what carries the leg to the relay from now on; UDP at first */
  WZP_EVENT_CLOSED,  /* reason: the relay said goodbye; the call reconnects, except REPLACED */
  WZP_EVENT_NAT,     /* nat: what is known of it changed */
  WZP_EVENT_PATH,    /* direct: media go directly from now on, or by the relay again */
  WZP_EVENT_HEARING, /* heard: nothing is heard any more of those who talk, or it is again (hearing.h) */
  WZP_EVENT_CALL /* dial: of a dialled call. MEMBER when it is accepted, MEMBER_LEFT when it ends, come too */
} WzpEventType;

typedef struct {
  WzpEventType type;
  WzpCallState state;
  uint8_t key[32];
  uint8_t slot, former_slot;
  bool by_stream;
  WzpErrorCode code;
  WzpCloseReason reason;
  char text[256];
  bool direct, heard;
  WzpNat nat;
  WzpDialEvent dial;
} WzpEvent;

typedef enum { WZP_OUTPUT_DATAGRAM, WZP_OUTPUT_EVENT, WZP_OUTPUT_PATH } WzpOutputKind;
typedef struct {
  WzpOutputKind kind;
  WzpAddress to; /* datagram */
  size_t length; /* datagram */
  uint8_t data[WZP_DATAGRAM_MAX];
  WzpEvent event;
  WzpPathOutput
      path; /* what an agent of a direct path has to do: AGENT_..., SEND_..., OVER; SEND_RECORD: data, length */
  uint32_t path_serial;
} WzpOutput;

typedef struct WzpCall WzpCall;
WzpCall *wzp_call_new(const WzpCallConfig *config);
void wzp_call_free(WzpCall *call); /* wipes */
/* The dialled calls; NULL in a room and in UDP mode. What is asked of it is an input like all others. */
WzpDial *wzp_call_dial(WzpCall *call);

void wzp_call_start(WzpCall *call, WzpTime now);
/* A fresh answer of the resolver; used by the next handshake. */
void wzp_call_set_remotes(WzpCall *call, const WzpAddress *remotes, unsigned n);
/* The TLS stream of config.tls. Ask after every input whether there should be one: then the owner opens it, and
 * tells when it is up (TLS's handshake through) or that it is not, or not any more; else it closes it, and tells that too. remote: the address
 * of datagrams that go and come there, with a stream number that no stream before had. Datagrams for one that is
 * down may still be polled until there is a new session: they go by the one that is up now, or nowhere. */
bool wzp_call_wants_stream(const WzpCall *call, WzpTime now);
void wzp_call_stream_up(WzpCall *call, WzpTime now, const WzpAddress *remote);
void wzp_call_stream_down(WzpCall *call, WzpTime now);
/* This machine may have another address now: the relay, or in UDP mode the other box, is told at once. As often as
 * it seems so: nothing is said for longer than it takes to hear that nothing changed there. */
void wzp_call_moved(WzpCall *call, WzpTime now);
/* A newer list of the room (wzp_group_set_list()). WZP_NOT_ALLOWED: we are not on it any more, and should leave. */
WzpResult wzp_call_set_list(WzpCall *call, WzpTime now, WzpRoomList *list);
/* From now on. In a room with a key or a list a trusted one may tell our address to whoever is alone with us there; in
 * another one to those of wzp_call_trust() alone, which is said of members that are there, announced or confirmed. */
void wzp_call_set_accept_mode(WzpCall *call, WzpTime now, WzpAcceptMode mode);
void wzp_call_trust(WzpCall *call, WzpTime now, const uint8_t id[32]);
/* Says goodbye (LEAVE, CLOSE); state ENDED. The owner sends what poll gives, and goes on for as long as
 * there is a next timeout (some 100 ms: the goodbye is said three times), then may stop. */
void wzp_call_leave(WzpCall *call, WzpTime now);

/* One datagram from the socket. *media is true when it is a media packet or a valid trunk of our
 * leg: the caller hands the packet(s) on and later opens them with wzp_call_open(). All else is
 * consumed here. Failures are counted in the stats and harmless. */
WzpResult wzp_call_handle_datagram(WzpCall *call, WzpTime now, const WzpAddress *from,
                                   const uint8_t *data, size_t length, bool *media);
void wzp_call_handle_timeout(WzpCall *call, WzpTime now);
WzpTime wzp_call_next_timeout(const WzpCall *call);
bool wzp_call_poll(WzpCall *call, WzpTime now, WzpOutput *output);

/* The address of this machine's from which the owner's socket speaks to the relay in that family, with the socket's
 * port: tells whether there is a NAT at all. */
void wzp_call_set_own_address(WzpCall *call, const WzpAddress *own);
/* Addresses or routes of this machine changed. */
void wzp_call_network_changed(WzpCall *call, WzpTime now);

/* A packet to send as media. WZP_NOT_CONNECTED, WZP_NO_RECEIVER: drop it, counted. */
WzpResult wzp_call_seal(WzpCall *call, WzpTime now, uint8_t code, uint32_t timestamp, uint8_t flags,
                        bool gap, const void *plain, size_t length, uint8_t *out, size_t capacity,
                        size_t *out_length, WzpHeader *header);
/* So many packets before the next one were made and never came to wzp_call_seal(): their numbers are left out, as
 * are those of packets that it refused. What a bundle says of packets before it is counted in those that were made. */
void wzp_call_leave_out(WzpCall *call, unsigned packets);
/* The loss of packets that the others report (0..1): decides how often full headers are repeated. */
void wzp_call_set_loss(WzpCall *call, double loss);
/* What the session says beside media takes no more than so many bit/s, all-in; 0: as it comes. */
void wzp_call_set_session_rate(WzpCall *call, unsigned rate);
/* Bytes of it so far, all-in: they are no media's. */
uint64_t wzp_call_session_bytes(const WzpCall *call);
/* The datagram for a sealed packet: adds the hop trailer, names the address. out has room for
 * length + WZP_TRAILER_SIZE; out may be packet. */
WzpResult wzp_call_frame_media(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length,
                               uint8_t *out, size_t *out_length, WzpAddress *to);
WzpResult wzp_call_open(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length,
                        uint8_t *out, size_t *out_length, WzpOpened *opened);

/* --- The direct path of a call or a room of two --- */

/* NULL: there is none, and agents that still live have nothing to say. What is asked of it is an input like all others.
 * *serial: which call's path it is. */
WzpPath *wzp_call_path(const WzpCall *call, uint32_t *serial);
/* What came by agent k of that path. *media as in wzp_call_handle_datagram(). */
WzpResult wzp_call_handle_direct(WzpCall *call, WzpTime now, uint32_t serial, uint16_t k,
                                 const uint8_t *data, size_t length, bool *media);
/* Each media packet, before it is handed on. False: it came before by another way, and opened: drop it. k: of the
 * agent, if it came directly. */
bool wzp_call_packet_arrived(WzpCall *call, WzpTime now, WzpWay way, uint16_t k,
                             const uint8_t *packet, size_t length);
/* Where a sealed packet goes: a set of WzpWay; k: of the direct one. */
unsigned wzp_call_route(WzpCall *call, WzpTime now, uint16_t *k);
/* How often that set was another one than before. */
uint64_t wzp_call_way_changes(const WzpCall *call);

typedef struct {
  WzpCallState state;
  WzpAddress remote;  /* of the leg in use */
  WzpTime round_trip; /* -1 unknown */
  uint64_t packets_sealed, packets_opened;
  uint64_t handshakes_started, handshakes_completed;
  uint64_t datagrams_received;
  uint64_t drops[WZP_N_RESULTS]; /* by reason, receive side and send side */
  unsigned n_members;            /* confirmed others */
  uint8_t relay_key[32];
  bool has_relay_key;
  bool by_stream;   /* the leg in use */
  WzpNat nat;       /* between us and the relay */
  WzpAddress asked; /* where to ask the relay what a socket looks like; family 0: nowhere */
  uint64_t carrier_changes;
  bool unheard;           /* nothing is heard now of those who talk, by whatever way */
  unsigned unheard_times; /* that it began */
} WzpCallStats;
void wzp_call_get_stats(const WzpCall *call, WzpCallStats *stats);
/* Confirmed others; false past the last. UDP mode: one, while the session is up. */
bool wzp_call_member(const WzpCall *call, unsigned n, WzpMemberInfo *info);
/* wzp_group_code_digest() of the room that the call is in; false as well when it is in none. */
bool wzp_call_code_digest(const WzpCall *call, uint8_t digest[32], unsigned *n_members);
