/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "control.h"
#include "dial.h"
#include "path.h"

/* Inside of dialled calls. A *line* is one call: dial.c has the lines of an identity and what the person wants,
 * dial-handshake.c a line's handshake, dial-line.c its messages and its end, dial-keys.c its new keys and its media. */

typedef enum {
  WZP_LINE_CALLING,   /* out: HS1 is on its way */
  WZP_LINE_PROVING,   /* out: HS3 is */
  WZP_LINE_HALF_OPEN, /* in: HS2 is; nobody knows of the call yet */
  WZP_LINE_RINGING,   /* both are proven */
  WZP_LINE_TALKING,
  WZP_LINE_OVER /* what is left to be said is */
} WzpLineState;

typedef struct {
  WzpCallRoute route;
  bool outgoing;
  WzpLineState state;
  WzpTime since; /* in this state */

  WzpInitiator *initiator;
  bool has_expected_key; /* out: the callee's */
  uint8_t expected_key[32];
  WzpTime proving_since; /* this initiator has its HS2 */
  WzpInitiator *again;   /* one more, because the callee must have forgotten the other by now */
  WzpResponder *responder;
  uint8_t hs1_digest[32];    /* in: what a repeated HS1 is known by */
  WzpTime next_send;         /* of the handshake's message, or of CALL_MEDIA */
  WzpTime unreachable_since; /* the relay said so; WZP_NEVER: it did not */
  bool wrong_identity_told;

  /* From the handshake's end. */
  WzpControl *control;
  uint8_t key[32], sas[8];
  WzpAcceptMode mode; /* of the call; until it is accepted, the caller's wish */
  WzpTime last_ping;

  /* Media. */
  bool joined;                      /* CALL_MEDIA went out on this hop session */
  bool together;                    /* so the relay says */
  WzpTime alone_since, media_heard; /* WZP_NEVER: not alone */
  bool held, muted, remote_held, remote_muted;
  bool transfer_asked; /* by the other side */
  uint8_t transfer_to[WZP_FINGERPRINT_SIZE];
  uint32_t serial;
  WzpSender *sender;
  WzpReceiver *receiver;
  WzpHeaderPolicy headers;
  WzpPathConfig path_config; /* wiped when it is not needed */
  WzpPath *path;             /* NULL: not talking and not trusted, or private */
  bool trusted;              /* may have our addresses while it rings */
  GQueue early;              /* GBytes: path messages that came before there was a path */

  /* New keys. */
  uint8_t rekey[32];
  uint32_t generation;
  bool offered;
  uint8_t offer_secret[32], offer_public[32];
  WzpTime rekey_at, offer_again_at, answered_at;
  WzpTime drop_at; /* of the generation before; WZP_NEVER: it is gone, or still needed */
  bool fresh_base_due;
  uint32_t sealed; /* packets under these keys */
  bool base_acknowledged;
  WzpTime epoch_since;
} WzpLine;

struct WzpDial {
  WzpDialConfig config;
  uint8_t instance[WZP_CALL_INSTANCE_SIZE];
  bool connected;
  bool past_relay;                       /* records can go directly now */
  GPtrArray *lines;                      /* WzpLine */
  WzpLine *on;                           /* the one that is on, or NULL */
  GQueue messages;                       /* GBytes for the relay */
  GQueue last_words;                     /* GBytes: records that go directly too */
  GQueue events;                         /* WzpDialEvent */
  WzpTime answers[WZP_DIAL_ANSWERS_MAX]; /* when HS1s were answered, a ring */
  unsigned n_answers, unfinished;
  uint32_t n_media; /* lines that had media */
};

/* --- dial.c --- */
WzpDialEvent *wzp_dial_push_event(WzpDial *dial, WzpDialEventType type, const WzpLine *line);
void wzp_dial_push_message(WzpDial *dial, const WzpCallMessage *message);
WzpLine *wzp_dial_new_line(WzpDial *dial, WzpTime now, const WzpCallRoute *route, bool outgoing);
WzpLine *wzp_dial_find(const WzpDial *dial, const WzpCallRoute *route);
/* May one more HS1 be answered now? Counts it. */
bool wzp_dial_may_answer(WzpDial *dial, WzpTime now);
void wzp_dial_line_free(gpointer line);

/* --- dial-line.c --- */
static inline const uint8_t *
wzp_line_peer(const WzpLine *line)
{
  return line->outgoing ? line->route.callee : line->route.caller;
}
/* The caller speaks in slot 0, the callee in slot 1. */
static inline uint8_t
wzp_line_slot(bool caller)
{
  return caller ? 0 : 1;
}
void wzp_line_set_state(WzpLine *line, WzpTime now, WzpLineState state);
/* The body of a CALL message; line NULL: of a call that is not known. */
WzpResult wzp_line_receive(WzpDial *dial, WzpTime now, WzpLine *line,
                           const WzpCallMessage *message);
WzpResult wzp_line_status(WzpDial *dial, WzpTime now, WzpLine *line, WzpCallStatus status);
void wzp_line_say(WzpLine *line, const WzpDialMessage *message);
/* While it rings: the callee begins, when it trusts the caller; the caller when it trusts the callee and heard of that. */
void wzp_line_trust(WzpDial *dial, WzpTime now, WzpLine *line);
void wzp_line_accept(WzpDial *dial, WzpTime now, WzpLine *line, WzpAcceptMode mode);
/* It is over: tells the person, and the other side when it is not theirs to know. */
void wzp_line_end(WzpDial *dial, WzpTime now, WzpLine *line, WzpCallEnd end, bool theirs);
/* Queues what the handshake and the relay have to hear now. */
void wzp_line_send(WzpDial *dial, WzpTime now, WzpLine *line);
void wzp_line_timeout(WzpDial *dial, WzpTime now, WzpLine *line);
WzpTime wzp_line_next_timeout(const WzpDial *dial, const WzpLine *line);
/* Nothing is left to be said. */
bool wzp_line_is_done(const WzpLine *line, WzpTime now);

/* --- dial-handshake.c --- */
void wzp_line_call(WzpDial *dial, WzpTime now, WzpLine *line, const uint8_t key[32]);
WzpResult wzp_line_handle_hs1(WzpDial *dial, WzpTime now, WzpLine *line,
                              const WzpCallMessage *message);
WzpResult wzp_line_handle_hs2(WzpDial *dial, WzpTime now, WzpLine *line,
                              const WzpCallMessage *message);
WzpResult wzp_line_handle_hs3(WzpDial *dial, WzpTime now, WzpLine *line,
                              const WzpCallMessage *message);
/* When the callee's half-open side has died without our HS3 reaching it, if it did not. */
WzpTime wzp_line_again_at(const WzpLine *line);
/* Begins the handshake again, in the same call. What comes of the one before still counts, until the new one is
 * answered. */
void wzp_line_call_again(WzpDial *dial, WzpTime now, WzpLine *line);

/* --- dial-keys.c --- */
/* From one generation of a channel's keys to the next; rekey is read and replaced. offer, answer: the public keys e'
 * and e''. False, and nothing changed: theirs is no key. */
typedef struct {
  uint8_t app_i2r[32], app_r2i[32], rekey[32];
} WzpDialKeys;
bool wzp_dial_next_keys(WzpDialKeys *keys, const uint8_t secret[32], const uint8_t theirs[32],
                        const uint8_t offer[32], const uint8_t answer[32], uint32_t generation);
void wzp_line_set_keys(WzpDial *dial, WzpTime now, WzpLine *line, const WzpHandshakeKeys *keys);
WzpResult wzp_line_rekey_message(WzpDial *dial, WzpTime now, WzpLine *line,
                                 const WzpDialMessage *message);
/* From end to end, media and all else. */
WzpTime wzp_line_last_heard(const WzpLine *line);
/* A record opened: the other side may have changed its keys. */
void wzp_line_heard(WzpTime now, WzpLine *line);
void wzp_line_keys_timeout(WzpDial *dial, WzpTime now, WzpLine *line);
WzpTime wzp_line_keys_next_timeout(const WzpLine *line);
