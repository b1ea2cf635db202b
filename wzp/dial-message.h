/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "bytes.h"
#include "handshake.h"
#include "signal.h"

/* The messages of dialled calls (PROTOCOL.md 15). Two kinds: what goes by the relay's hands, which sees of a call
 * who, whom and its number; and what the two say to each other inside, sealed with keys that only they have. */

/* --- By the relay: kind(1) | route(48) | the rest; LISTEN has the client's instance in the route's place --- */

#define WZP_CALL_ID_SIZE 16
/* What a call is known by. All 48 bytes together: nobody can take a place in another's call by its number. */
typedef struct {
  uint8_t id[WZP_CALL_ID_SIZE];
  uint8_t caller[WZP_FINGERPRINT_SIZE], callee[WZP_FINGERPRINT_SIZE];
} WzpCallRoute;
#define WZP_CALL_ROUTE_SIZE sizeof(WzpCallRoute)

/* Random, of a running client: by it the relay knows a new session of the same client. */
#define WZP_CALL_INSTANCE_SIZE 16
#define WZP_CALL_BODY_MAX 1300 /* of CALL: HS1 to HS3, or a control record */

/* CALL_MEDIA */
typedef enum {
  WZP_CALL_MEDIA_OVER = 0, /* the call is over for the sender */
  WZP_CALL_MEDIA_JOIN = 1  /* the sender's media go to the other one, and the other's to it */
} WzpCallMedia;

/* CALL_STATUS */
typedef enum {
  WZP_CALL_LISTENING = 0, /* the answer to LISTEN; the route is zero */
  WZP_CALL_UNREACHABLE,   /* the other one has no session that listens */
  WZP_CALL_BUSY,          /* too many calls ring there */
  WZP_CALL_LIMITED,       /* too many attempts, or too many calls of the sender */
  WZP_CALL_ALONE,         /* joined; the other one's media are not there (any more) */
  WZP_CALL_TOGETHER,      /* both are there */
  WZP_CALL_NO_PLACE,      /* the relay takes no more calls, or no more traffic */
  WZP_N_CALL_STATUS
} WzpCallStatus;
const char *wzp_call_status_name(WzpCallStatus status); /* "unreachable" */

typedef struct {
  WzpMessageKind kind; /* LISTEN, CALL, CALL_MEDIA, CALL_STATUS */
  WzpCallRoute route;
  uint8_t instance[WZP_CALL_INSTANCE_SIZE]; /* LISTEN */
  WzpCallMedia media;
  WzpCallStatus status;
  const uint8_t *body; /* CALL: a view */
  size_t body_length;
} WzpCallMessage;
/* A whole message, kind byte included. WZP_UNKNOWN_KIND for kinds that are not these. A route of which caller and
 * callee are the same is WZP_MALFORMED. */
WzpResult wzp_call_message_parse(WzpCallMessage *message, const uint8_t *data, size_t length);
/* Free with g_bytes_unref(). */
GBytes *wzp_call_message_build(const WzpCallMessage *message);

/* --- Inside: type(1) | body, messages of the call's own control channel --- */

/* How a call may travel. Private: by the relay only, and nothing is gathered that tells where one is. */
typedef enum {
  WZP_ACCEPT_REJECT = 0,
  WZP_ACCEPT_TRUSTED = 1,
  WZP_ACCEPT_PRIVATE = 2
} WzpAcceptMode;
const char *wzp_accept_mode_name(WzpAcceptMode mode); /* "trusted" */

/* Why a call ended; the first six also stand in DECLINE and HANGUP. */
typedef enum {
  WZP_END_HUNG_UP = 0,
  WZP_END_DECLINED = 1,
  WZP_END_BUSY = 2,
  WZP_END_TIMEOUT = 3,     /* nobody took it */
  WZP_END_TRANSFERRED = 4, /* goes on with somebody else */
  WZP_END_ERROR = 5,
  WZP_N_END_SAID,
  WZP_END_UNREACHABLE =
      WZP_N_END_SAID,     /* the relay knows of no place where the other one listens */
  WZP_END_NO_ANSWER,      /* reached, but its client did not answer */
  WZP_END_LIMITED,        /* too many attempts */
  WZP_END_NO_PLACE,       /* the relay takes no more calls */
  WZP_END_LOST,           /* nothing was heard any more */
  WZP_END_WRONG_IDENTITY, /* only somebody else answered */
  WZP_END_CROSSED,        /* both called each other: the other one's call goes on */
  WZP_N_ENDS
} WzpCallEnd;
const char *wzp_call_end_name(WzpCallEnd end); /* "hung-up" */

typedef enum {
  WZP_DIAL_INVITE = 0x01,    /* mode; the caller's first, in HS3 */
  WZP_DIAL_RINGING = 0x02,   /* the callee's first */
  WZP_DIAL_ACCEPT = 0x03,    /* mode */
  WZP_DIAL_DECLINE = 0x04,   /* end */
  WZP_DIAL_HANGUP = 0x05,    /* end */
  WZP_DIAL_HOLD = 0x06,      /* on */
  WZP_DIAL_MUTE = 0x07,      /* on */
  WZP_DIAL_TRANSFER = 0x08,  /* target: please call this one instead */
  WZP_DIAL_REKEY = 0x09,     /* number: generation; key: e' */
  WZP_DIAL_REKEY_ACK = 0x0a, /* number: generation; key: e'' */
  WZP_DIAL_KEY = 0x0b,       /* number: epoch; key: base */
  WZP_DIAL_KEYACK = 0x0c,    /* number: epoch */
  WZP_DIAL_PATH = 0x0d       /* body: a path message (path-message.h) */
} WzpDialType;

typedef struct {
  WzpDialType type;
  WzpAcceptMode mode; /* trusted or private */
  WzpCallEnd end;
  bool on;
  uint8_t target[WZP_FINGERPRINT_SIZE];
  uint32_t number;
  uint8_t key[32];
  const uint8_t *body; /* a view */
  size_t body_length;
} WzpDialMessage;
#define WZP_DIAL_MESSAGE_MAX 37 /* without PATH, which is not written here */

/* What stands behind the fields is ignored, for later versions; an end that is not known reads as WZP_END_ERROR,
 * a mode that is not known as private. */
WzpResult wzp_dial_message_parse(WzpDialMessage *message, const uint8_t *data, size_t length);
size_t wzp_dial_message_write(uint8_t out[WZP_DIAL_MESSAGE_MAX], const WzpDialMessage *message);
