/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "call.h"
#include "hearing.h"
#include "nat-probe.h"

/* Inside of a call. call.c: the public functions. call-session.c: what both modes share, handshakes that we
 * start and sessions. call-carrier.c: what carries them. call-hop.c: RELAY mode's session to the relay. call-room.c: what the relay says, and
 * the room's keys. call-dial.c: dialled calls instead, call-hearing.c: whether nothing is heard, call-path.c: their direct path, call-nat.c: what NAT is in its way. call-udp.c: UDP mode. */

/* What a handshake leaves behind. */
typedef struct {
  WzpControl *control;
  WzpAddress remote;
  uint8_t receive_cid[WZP_CID_SIZE];
  bool initiator;
  WzpTime since;       /* when it came into use */
  WzpTime media_heard; /* last media packet that opened; since, if none */
  WzpTime last_ping;
  WzpTime asked; /* first PING since something was heard, or WZP_NEVER */
  /* RELAY */
  WzpTime watched_from; /* media go there since, without a pause */
  bool joined;          /* the relay answered our JOIN */
  uint8_t session_id[4];
  WzpHopKeys hop_keys;
  bool media_framed;
  uint64_t media_index; /* the highest packet number that was framed, not wrapped */
  /* UDP */
  uint32_t serial; /* of the session, in the upper half of the index of opened packets */
  bool odd_start;  /* of the peer: changes with its identity, so with each of its starts */
  uint8_t slot, peer_slot, peer[32];
  WzpSender *sender;
  WzpReceiver *receiver;
  WzpHeaderPolicy headers;
} WzpCallSession;

/* A handshake that we started. */
typedef struct {
  WzpInitiator *initiator;
  WzpTime started;            /* half a minute later a fresh one begins */
  WzpTime message_since;      /* the current message went out first */
  WzpTime next_send, twin_at; /* twin: once more, just behind it */
  bool has_cookie;
  WzpAddress remotes[WZP_CALL_REMOTES_MAX + 1];
  unsigned n_remotes;
  WzpCallSession *session; /* once HS3 left: waits for the other side's first record */
} WzpCallAttempt;

struct WzpCall {
  WzpCallConfig config;
  WzpIdentity *fresh_identity; /* UDP */
  const WzpIdentity *identity;
  WzpCallState state;
  GQueue outputs; /* of WzpOutput */
  WzpCallStats stats;

  WzpCallSession *session; /* in use */
  GPtrArray *old;          /* UDP: sessions before it, still opened */
  WzpCallAttempt *attempt;
  WzpTime attempt_at; /* when the next one starts, or WZP_NEVER */
  bool lost;          /* the session in use fell silent, a new one is sought */
  unsigned moved;     /* PINGs that are still to tell the relay where we are */
  WzpTime moved_next;
  bool was_up;       /* joined (RELAY) or had a session (UDP) at some time */
  unsigned goodbyes; /* still to be said again: a lossy path may lose one */
  WzpTime goodbye_at;
  unsigned back_off;      /* goodbyes of the relay without a lasting session between */
  WzpTime media_sent;     /* 0 if none */
  unsigned header_repeat; /* of full headers */
  unsigned session_rate;  /* 0: none */
  uint64_t session_bytes;

  /* RELAY */
  WzpGroup *group;
  bool connected_once, changed_reported;
  WzpCarrier carrier;
  WzpTime carrier_timeout;
  WzpAddress stream; /* while carrier.up */
  bool first_use;    /* nothing was known of the relay's key */
  WzpDial *dial;     /* dialled calls in the group's place */
  bool callee_waits;
  WzpNatProbe nat_probe;
  WzpAddress observed; /* in the newest HS2 */
  uint16_t second_port;
  WzpAddress own[2]; /* IPv4, IPv6 */
  bool had_path;     /* agents of it may live */
  unsigned ways;     /* of the last packet */
  uint64_t way_changes;
  uint32_t path_serial;
  bool past_relay; /* records that the relay would carry go directly */
  /* UDP */
  GPtrArray *half_open;
  WzpTime half_open_budget
      [2]; /* when the next new HS1 may cost us work; [1]: from where it should come */
  uint32_t n_sessions;
  bool odd_start; /* of the last session made, and the peer that it is with */
  uint8_t last_peer[32];
  /* UDP and dialled calls */
  bool has_member;
  WzpMemberInfo member;

  WzpHearing hearing;
  bool told_unheard;
};

#define WZP_CALL_CAPABILITIES (WZP_CAP_MEDIA_1 | WZP_CAP_TRUNK)

/* --- call.c --- */
WzpEvent *wzp_call_push_event(WzpCall *call, WzpEventType type);
void wzp_call_push_datagram(WzpCall *call, const WzpAddress *to, const uint8_t *data,
                            size_t length);
/* Says goodbye on the session in use and is ENDED. */
void wzp_call_end(WzpCall *call);
/* Uniform in 0..limit. */
WzpTime wzp_call_random_time(WzpCall *call, WzpTime limit);

/* --- call-session.c --- */
WzpCallSession *wzp_call_session_new(const WzpHandshakeKeys *keys, bool initiator,
                                     const WzpAddress *remote, WzpTime now);
void wzp_call_session_free(WzpCallSession *session); /* wipes; NULL is fine */
WzpTime wzp_call_session_heard(const WzpCallSession *session);
void wzp_call_session_ping(WzpCallSession *session, WzpTime now);
/* Pending, in use, old: the newest first; NULL past the last. */
WzpCallSession *wzp_call_nth_session(const WzpCall *call, unsigned n);
/* NULL if none. */
WzpCallSession *wzp_call_find_session(const WzpCall *call, const uint8_t cid[WZP_CID_SIZE]);
/* Does a session live at this address? */
bool wzp_call_is_remote(const WzpCall *call, const WzpAddress *from);
/* Something authenticated came on the session in use: it is not lost. */
void wzp_call_heard(WzpCall *call, WzpCallSession *session);
WzpResult wzp_call_handle_record(WzpCall *call, WzpTime now, const WzpAddress *from,
                                 const uint8_t *data, size_t length);
/* The next try after a goodbye: 1, 2, 4, 8 s and up to one more. */
void wzp_call_back_off(WzpCall *call, WzpTime now, const WzpCallSession *session);

/* Replaces an attempt that runs. */
void wzp_call_attempt_start(WzpCall *call, WzpTime now);
void wzp_call_attempt_stop(WzpCall *call);
bool wzp_call_attempt_targets(const WzpCallAttempt *attempt, const WzpAddress *address);
/* COOKIE and HS2. */
WzpResult wzp_call_attempt_handle(WzpCall *call, WzpTime now, const WzpAddress *from,
                                  const uint8_t *data, size_t length);
void wzp_call_attempt_timeout(WzpCall *call, WzpTime now);
WzpTime wzp_call_attempt_next_timeout(const WzpCall *call);

/* The message that the attempt is at, to one more address. */
void wzp_call_attempt_add(WzpCall *call, WzpTime now, const WzpAddress *remote);
/* Nobody is there any more. */
void wzp_call_attempt_forget(WzpCall *call, WzpTime now, const WzpAddress *remote);

/* --- call-carrier.c: UDP or a stream to the relay --- */
void wzp_call_carrier_init(WzpCall *call);
/* Something that wants an answer within patience goes there; something good came from there. */
void wzp_call_carrier_asked(WzpCall *call, WzpTime now, const WzpAddress *to, WzpTime patience);
void wzp_call_carrier_heard(WzpCall *call, const WzpAddress *from);
/* The session in use is there. */
void wzp_call_carrier_set(WzpCall *call, WzpTime now, const WzpAddress *remote);
/* The relay can be there, in RELAY mode. */
bool wzp_call_carrier_knows(const WzpCall *call, const WzpAddress *from);
/* A challenge came. Is it to be answered? Where a session goes that is on its way back to UDP, is decided here. */
bool wzp_call_carrier_challenged(WzpCall *call, WzpTime now, WzpCallSession *session,
                                 const WzpAddress *from);
void wzp_call_carrier_timeout(WzpCall *call, WzpTime now);

/* --- call-hop.c --- */
/* The session in use is lost; another one is sought within a second. */
void wzp_call_hop_lose(WzpCall *call, WzpTime now);
/* HS2 is good: what we now know of the relay, and the first message for it. */
WzpResult wzp_call_hop_answered(WzpCall *call, const uint8_t relay_key[32], const uint8_t *payload,
                                size_t length, const uint8_t cid_r[WZP_CID_SIZE],
                                WzpWriter *first_message);
void wzp_call_hop_wrong_relay(WzpCall *call, const uint8_t key[32]);
void wzp_call_hop_promote(WzpCall *call, WzpTime now, WzpCallSession *session);
/* There is a token, and the relay may see it. */
bool wzp_call_hop_shows_token(const WzpCall *call);
void wzp_call_hop_record(WzpCall *call, WzpTime now);
void wzp_call_hop_moved(WzpCall *call, WzpTime now);
/* A media packet goes to the relay. */
void wzp_call_hop_sends_media(WzpCall *call, WzpTime now);
void wzp_call_hop_timeout(WzpCall *call, WzpTime now);
WzpTime wzp_call_hop_next_timeout(const WzpCall *call);

/* --- call-room.c --- */
void wzp_call_room_message(WzpCall *call, WzpTime now, const uint8_t *message, size_t length);
/* Hands the group's records to the session and its events to the owner. */
void wzp_call_room_pump(WzpCall *call, WzpTime now);
void wzp_call_room_timeout(WzpCall *call, WzpTime now);
WzpTime wzp_call_room_next_timeout(const WzpCall *call);
bool wzp_call_room_has_listener(const WzpCall *call);
void wzp_call_room_leave(WzpCall *call, WzpTime now);

/* --- call-dial.c: as those of call-room.c, which call them --- */
void wzp_call_dial_init(WzpCall *call);
void wzp_call_dial_promoted(WzpCall *call, WzpTime now);
WzpResult wzp_call_dial_message(WzpCall *call, WzpTime now, const uint8_t *message, size_t length);
void wzp_call_dial_pump(WzpCall *call, WzpTime now);
void wzp_call_dial_timeout(WzpCall *call, WzpTime now);
void wzp_call_dial_leave(WzpCall *call, WzpTime now);

/* --- call-path.c --- */
void wzp_call_path_pump(WzpCall *call, WzpTime now);
void wzp_call_path_timeout(WzpCall *call, WzpTime now);
WzpTime wzp_call_path_next_timeout(const WzpCall *call);
bool wzp_call_path_reaches(const WzpCall *call, WzpTime now);
/* A packet opened; interval: until the next one, 0: it is no audio. False: it came by no relay. */
bool wzp_call_path_opened(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length,
                          WzpTime interval);

/* --- call-hearing.c --- */
/* A packet of media opened; more: another one follows. Somebody left. */
void wzp_call_hearing_opened(WzpCall *call, WzpTime now, uint8_t slot, bool more);
void wzp_call_hearing_left(WzpCall *call, uint8_t slot);
void wzp_call_hearing_update(WzpCall *call, WzpTime now);

/* --- call-nat.c --- */
/* HS2 said so. */
void wzp_call_nat_answered(WzpCall *call, const WzpAddress *observed, uint16_t second_port);
/* There is a new session. */
void wzp_call_nat_start(WzpCall *call, WzpTime now);
WzpResult wzp_call_nat_receive(WzpCall *call, const WzpAddress *from, const uint8_t *data,
                               size_t length);
void wzp_call_nat_timeout(WzpCall *call, WzpTime now);
/* The best address of the relay to ask how we look: of IPv4 if there is one, since IPv6 has hardly any NAT. */
WzpAddress wzp_call_nat_relay(const WzpCall *call);
WzpNat wzp_call_nat(const WzpCall *call);

/* --- call-udp.c --- */
void wzp_call_udp_start(WzpCall *call);
void wzp_call_udp_free(WzpCall *call);
void wzp_call_udp_set_up(WzpCall *call, WzpCallSession *session, const WzpHandshakeKeys *keys);
void wzp_call_udp_promote(WzpCall *call, WzpTime now, WzpCallSession *session);
WzpResult wzp_call_udp_handle_hs1(WzpCall *call, WzpTime now, const WzpAddress *from,
                                  const uint8_t *data, size_t length);
WzpResult wzp_call_udp_handle_hs3(WzpCall *call, WzpTime now, const WzpAddress *from,
                                  const uint8_t *data, size_t length);
void wzp_call_udp_record(WzpCall *call, WzpTime now, WzpCallSession *session);
void wzp_call_udp_timeout(WzpCall *call, WzpTime now);
WzpTime wzp_call_udp_next_timeout(const WzpCall *call);
WzpResult wzp_call_udp_seal(WzpCall *call, const WzpSealRequest *request, bool gap,
                            const void *plain, size_t length, uint8_t *out, size_t capacity,
                            size_t *out_length, WzpHeader *header);
WzpResult wzp_call_udp_open(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length,
                            uint8_t *out, size_t *out_length, WzpOpened *opened);
