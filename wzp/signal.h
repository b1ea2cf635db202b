/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "control.h"

/* What control messages say. A message = kind(1) | body. Binary where keys are at stake, JSON (one
 * object) for what people and operators read. */

typedef enum {
  WZP_MESSAGE_SIGNAL = 0x01, /* JSON object, UTF-8 */
  WZP_MESSAGE_JOIN = 0x02,   /* client -> relay: the JOIN blob of group.h */
  WZP_MESSAGE_MEMBER = 0x03, /* relay -> client: slot(1) | JOIN blob */
  WZP_MESSAGE_PAIRWISE =
      0x04,                /* both ways: to(1) | from(1) | ctr(4) | sealed; the relay forwards it */
  WZP_MESSAGE_AUTH = 0x05, /* client -> relay: token and the message that waits for it; auth.h */
  /* dialled calls; dial-message.h */
  WZP_MESSAGE_LISTEN = 0x06,     /* client -> relay: calls for this identity come here */
  WZP_MESSAGE_CALL = 0x07,       /* both ways; the relay forwards it by fingerprint */
  WZP_MESSAGE_CALL_MEDIA = 0x08, /* client -> relay */
  WZP_MESSAGE_CALL_STATUS = 0x09 /* relay -> client */
} WzpMessageKind;

/* JSON signals, by their "type":
 *   joined  relay -> client  {"type":"joined","slot":N,"home":"<64 hex>","members":[slots]}
 *           first answer to JOIN; MEMBER messages of those slots follow
 *   roster  relay -> client  {"type":"roster","members":[slots]}     after every change
 *   left    relay -> client  {"type":"left","slot":N,"reason":"leave|timeout|replaced"}
 *   leave   client -> relay  {"type":"leave"}
 *   error   relay -> client  {"type":"error","code":"ROOM_FULL","text":"..."}
 * Members are slots, the client's own included. Unknown types and unknown fields are ignored. */

typedef enum {
  WZP_SIGNAL_UNKNOWN,
  WZP_SIGNAL_JOINED,
  WZP_SIGNAL_ROSTER,
  WZP_SIGNAL_LEFT,
  WZP_SIGNAL_LEAVE,
  WZP_SIGNAL_ERROR
} WzpSignalType;

/* Error codes, as they stand in "code". */
typedef enum {
  WZP_ERROR_NONE,
  WZP_ERROR_UNKNOWN, /* a code that this version does not know; text still says what */
  WZP_ERROR_ROOM_FULL,
  WZP_ERROR_BUSY,        /* the relay takes no more sessions or rooms */
  WZP_ERROR_BAD_JOIN,    /* JOIN malformed, signature wrong, identity not the session's */
  WZP_ERROR_WRONG_RELAY, /* JOIN names another home relay */
  WZP_ERROR_RATE_LIMITED,
  WZP_ERROR_UNSUPPORTED,
  WZP_ERROR_AUTH_REQUIRED,    /* this relay serves only who sends a token */
  WZP_ERROR_AUTH_REFUSED,     /* the token is not good, or another identity's */
  WZP_ERROR_AUTH_UNAVAILABLE, /* the token could not be checked; later it may be */
  WZP_ERROR_NOT_ALLOWED       /* the room is not open to this identity */
} WzpErrorCode;
const char *wzp_error_code_name(WzpErrorCode code); /* "ROOM_FULL" */

#define WZP_SIGNAL_MEMBERS_MAX 250

typedef struct {
  WzpSignalType type;
  unsigned slot;      /* joined, left */
  uint8_t home[32];   /* joined */
  unsigned n_members; /* joined, roster */
  uint8_t members[WZP_SIGNAL_MEMBERS_MAX];
  char reason[32];   /* left */
  WzpErrorCode code; /* error */
  char text[256];    /* error; control characters replaced */
} WzpSignal;

/* body is the message without its kind byte. WZP_MALFORMED for what is not such an object, has a wrong
 * type or range in a field that we use, or nests deeper than 8. */
WzpResult wzp_signal_parse(WzpSignal *signal, const void *body, size_t length);
/* The whole message, kind byte included. */
GBytes *wzp_signal_build(const WzpSignal *signal);
