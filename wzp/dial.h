/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "dial-message.h"
#include "path.h"
#include "seal.h"

/* Dialled calls of one identity, through a relay that only forwards (PROTOCOL.md 15). Sans-I/O: messages for and from
 * the relay, the time, and what the person wants go in; messages for the relay and events come out.
 *
 * A call is one handshake of mode 2, and then a control channel and media that only the two can read. The callee's
 * side knows nothing of a call, and rings for none, before the third message of the handshake proved the caller.
 *
 * One call at a time is *on* (dialling, ringing, talking); who else calls meanwhile is told that we are busy, after
 * it proved who it is. Two who dial each other at the same moment meet in the call of the lower fingerprint.
 *
 * Times: the handshake's message again each 3 s (and at once on a new hop session), no answer to it in 30 s ends the
 * call; who answered HS1 forgets it after 10 s, and the caller then begins again; ringing ends after 60 s at the
 * callee and 75 s at the caller; a call of which nothing was heard for 45 s is lost, for 30 s when the relay says that
 * the other one's media left; a ping each 10 s when nothing else is heard; what is left to be said after the end is
 * tried for 10 s. New keys after 10 minutes or 2^15 packets. */

#define WZP_DIAL_HALF_OPEN_MAX 4 /* handshakes that we answer at once, and ... */
#define WZP_DIAL_ANSWERS_MAX 20  /* ... in so long: each is one guess at the words */
#define WZP_DIAL_ANSWERS_TIME (600 * WZP_SECOND)
#define WZP_DIAL_HALF_OPEN_LIFE (10 * WZP_SECOND)
#define WZP_DIAL_REKEY_EVERY (600 * WZP_SECOND)
#define WZP_DIAL_REKEY_PACKETS (1u << 15)

typedef enum {
  WZP_DIAL_EVENT_NONE,
  WZP_DIAL_EVENT_INCOMING,       /* it rings here; mode: how the caller wants it to travel */
  WZP_DIAL_EVENT_PROVEN,         /* we called: the callee is who it should be */
  WZP_DIAL_EVENT_REMOTE_RINGS,   /* it rings there */
  WZP_DIAL_EVENT_ACCEPTED,       /* mode: how it travels: private when either side said so */
  WZP_DIAL_EVENT_TOGETHER,       /* media can flow (again) */
  WZP_DIAL_EVENT_ALONE,          /* the other side's media are away for now */
  WZP_DIAL_EVENT_HELD,           /* on: the other side holds, or resumes */
  WZP_DIAL_EVENT_MUTED,          /* on */
  WZP_DIAL_EVENT_TRANSFER,       /* target: the other side asks us to call this one instead */
  WZP_DIAL_EVENT_ENDED,          /* end; theirs: the other side said so */
  WZP_DIAL_EVENT_MISSED,         /* somebody proven called while we were in a call; key */
  WZP_DIAL_EVENT_WRONG_IDENTITY, /* key: somebody else answered for the callee; once a call */
  WZP_DIAL_EVENT_UNFINISHED      /* count: calls that were begun and never proven, so far */
} WzpDialEventType;

typedef struct {
  WzpDialEventType type;
  uint8_t id[WZP_CALL_ID_SIZE];
  bool outgoing;
  bool proven;     /* key and sas are known */
  uint8_t key[32]; /* of the other side */
  uint8_t peer[WZP_FINGERPRINT_SIZE];
  uint8_t sas[8];
  WzpAcceptMode mode;
  WzpCallEnd end;
  bool theirs, on;
  uint8_t target[WZP_FINGERPRINT_SIZE];
  unsigned count;
} WzpDialEvent;

typedef struct {
  const WzpIdentity *identity; /* borrowed */
  WzpRandom random;
  WzpAcceptMode
      mode; /* reject: declines every call; trusted, private: it rings, and so calls of ours travel */
} WzpDialConfig;

typedef enum {
  WZP_DIAL_IDLE,     /* no call is on */
  WZP_DIAL_DIALLING, /* ours, on its way or ringing there */
  WZP_DIAL_RINGS,    /* one rings here */
  WZP_DIAL_TALKING   /* accepted */
} WzpDialState;

typedef struct {
  WzpDialState state;
  bool together; /* talking, and both have their media at the relay */
  bool outgoing, proven;
  uint8_t id[WZP_CALL_ID_SIZE], peer[WZP_FINGERPRINT_SIZE], key[32], sas[8];
  WzpAcceptMode mode; /* what both agreed on; ours before */
  bool held, muted;   /* by us */
  bool remote_held, remote_muted;
  uint8_t slot, remote_slot;
  uint32_t generation; /* of the call's control channel */
  uint32_t epoch;      /* of our media */
} WzpDialInfo;

typedef struct WzpDial WzpDial;
WzpDial *wzp_dial_new(const WzpDialConfig *config);
void wzp_dial_free(WzpDial *dial); /* wipes */

/* --- What the person wants --- */

/* Calls. key: the whole key that the callee must have, or NULL. WZP_UNEXPECTED: a call is on (which ends by itself
 * when its other side asked for this one); WZP_OWN_IDENTITY. */
WzpResult wzp_dial_call(WzpDial *dial, WzpTime now, const uint8_t callee[WZP_FINGERPRINT_SIZE],
                        const uint8_t key[32]);
/* The other side of the call that is on may know our addresses before it is accepted, and while both trust each other the
 * direct path is made as it rings; never when either said that the call is private. WZP_UNEXPECTED: the other side proved
 * nothing yet. */
WzpResult wzp_dial_trust(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE]);
/* id NULL: the call that is on. WZP_UNEXPECTED: there is none, or it does not ring here. */
WzpResult wzp_dial_accept(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE],
                          WzpAcceptMode mode);
WzpResult wzp_dial_decline(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE],
                           WzpCallEnd end);
/* Ends the call in whatever state. */
WzpResult wzp_dial_hang_up(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE]);
/* Nothing is sent while either side holds; a muted side sends what is no audio. */
WzpResult wzp_dial_hold(WzpDial *dial, bool on);
WzpResult wzp_dial_mute(WzpDial *dial, bool on);
/* Asks the other side to call target instead; the call with us ends when it does. */
WzpResult wzp_dial_transfer(WzpDial *dial, const uint8_t target[WZP_FINGERPRINT_SIZE]);
/* The mode of calls from now on. */
void wzp_dial_set_mode(WzpDial *dial, WzpAcceptMode mode);

/* --- The relay --- */

/* Is a hop session up, of which the relay heard LISTEN? Without one nothing is sent. Say false between two: what was
 * said on the older one may be lost. */
void wzp_dial_set_connected(WzpDial *dial, WzpTime now, bool connected);
/* What a new hop session is to hear first of all: that we listen, and who we are among the sessions of our identity.
 * Free with g_bytes_unref(). */
GBytes *wzp_dial_listen(const WzpDial *dial);
/* A whole message of the kinds of dial-message.h. Failures are harmless. */
WzpResult wzp_dial_receive(WzpDial *dial, WzpTime now, const uint8_t *message, size_t length);
/* The next message for the relay, or NULL. Free with g_bytes_unref(). Call after every input, until NULL. */
GBytes *wzp_dial_poll(WzpDial *dial, WzpTime now);
WzpDialEvent wzp_dial_next_event(WzpDial *dial); /* type NONE: no more */
void wzp_dial_handle_timeout(WzpDial *dial, WzpTime now);
WzpTime wzp_dial_next_timeout(const WzpDial *dial);

/* --- Media of the call that is on; as in seal.h and call.h --- */

void wzp_dial_leave_out(WzpDial *dial, unsigned packets); /* see wzp_sender_leave_out() */
/* WZP_NO_RECEIVER: not taken yet, or the relay says that the other side is away, or held, or muted. */
WzpResult wzp_dial_seal(WzpDial *dial, WzpTime now, const WzpSealRequest *request, bool gap,
                        unsigned header_repeat, const void *plain, size_t length, uint8_t *out,
                        size_t capacity, size_t *out_length, WzpHeader *header);
WzpResult wzp_dial_open(WzpDial *dial, WzpTime now, const uint8_t *packet, size_t length,
                        uint8_t *out, size_t *out_length, WzpOpened *opened);

/* --- The direct path of the call that is on --- */

/* NULL: none is on that may have one. *serial: which call's; another for each. */
WzpPath *wzp_dial_path(const WzpDial *dial, uint32_t *serial);
/* A message of that path, for the other side. */
WzpResult wzp_dial_send_path(WzpDial *dial, const uint8_t *message, size_t length);
/* Records of the call's channel go there while the relay is away (PROTOCOL.md 16): can they now? Then they are polled
 * here, after every input, until false; else by wzp_dial_poll(), after which the last ones of a call come here too. */
void wzp_dial_set_past_relay(WzpDial *dial, bool past_relay);
bool wzp_dial_poll_direct(WzpDial *dial, WzpTime now, uint8_t record[WZP_DATAGRAM_MAX],
                          size_t *length);
WzpResult wzp_dial_receive_direct(WzpDial *dial, WzpTime now, const uint8_t *record, size_t length);
/* When anything of the other side of the call that is on came, by whatever way; -1: none is on. */
WzpTime wzp_dial_last_heard(const WzpDial *dial);
/* Something that can only be the other side's came there. */
void wzp_dial_heard_direct(WzpDial *dial, WzpTime now);

void wzp_dial_get_info(const WzpDial *dial, WzpDialInfo *info);
bool wzp_dial_is_together(const WzpDial *dial);
/* Is something still to be said, after the end? */
bool wzp_dial_is_finishing(const WzpDial *dial);
