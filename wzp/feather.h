/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "identity.h"
#include "result.h"

/* What the messenger featherChat says about calls (PROTOCOL.md 14). Its people have the same seeds, words and
 * fingerprints as ours; its groups have rooms; and it carries call signals from one person to another, sealed by
 * itself. Texts in these structures are UTF-8 without control characters; an empty one is one that there is not. */

/* The room of a group: 32 hex digits, from which nobody reads the name. */
#define WZP_FEATHER_ROOM_TEXT 33
void wzp_feather_room(char text[WZP_FEATHER_ROOM_TEXT], const char *group);

/* What the messenger shows of a call signal. */
typedef enum {
  WZP_FEATHER_TYPE_OFFER,
  WZP_FEATHER_TYPE_ANSWER,
  WZP_FEATHER_TYPE_ICE_CANDIDATE,
  WZP_FEATHER_TYPE_HANGUP,
  WZP_FEATHER_TYPE_REJECT,
  WZP_FEATHER_TYPE_RINGING,
  WZP_FEATHER_TYPE_BUSY,
  WZP_FEATHER_TYPE_HOLD,
  WZP_FEATHER_TYPE_UNHOLD,
  WZP_FEATHER_TYPE_MUTE,
  WZP_FEATHER_TYPE_UNMUTE,
  WZP_FEATHER_TYPE_TRANSFER,
  WZP_FEATHER_N_TYPES
} WzpFeatherType;
const char *wzp_feather_type_name(WzpFeatherType type); /* "IceCandidate" */
/* In any case; false for none of them. */
bool wzp_feather_type_parse(WzpFeatherType *type, const char *name);

/* The signal inside. */
typedef enum {
  WZP_FEATHER_OTHER, /* one that has no use here: only its name is kept */
  WZP_FEATHER_CALL_OFFER,
  WZP_FEATHER_CALL_ANSWER,
  WZP_FEATHER_ICE_CANDIDATE,
  WZP_FEATHER_HANGUP,
  WZP_FEATHER_HOLD,
  WZP_FEATHER_UNHOLD,
  WZP_FEATHER_MUTE,
  WZP_FEATHER_UNMUTE,
  WZP_FEATHER_TRANSFER,
  WZP_FEATHER_TRANSFER_ACK,
  WZP_FEATHER_CALL_RINGING,
  WZP_FEATHER_N_SIGNALS
} WzpFeatherKind;

typedef enum {
  WZP_FEATHER_REASON_NORMAL,
  WZP_FEATHER_REASON_BUSY,
  WZP_FEATHER_REASON_DECLINED,
  WZP_FEATHER_REASON_TIMEOUT,
  WZP_FEATHER_REASON_ERROR,
  WZP_FEATHER_N_REASONS
} WzpFeatherReason;
const char *wzp_feather_reason_name(WzpFeatherReason reason);

typedef struct {
  char codec[16]; /* "Opus24k" */
  double fec_ratio;
  unsigned frame_msec, frames_per_block; /* 1 to 255 */
} WzpFeatherProfile;

#define WZP_FEATHER_PROFILES_MAX 16

typedef struct {
  WzpFeatherKind kind;
  char name[32]; /* of the kind, always */
  /* CallOffer, CallAnswer. The signature is bound to no call: it proves nothing here, and a handshake follows. */
  uint8_t identity[32], ephemeral[32], signature[64];
  unsigned signature_length; /* 0 or 64 */
  unsigned n_profiles;       /* offered; an answer has one */
  WzpFeatherProfile profiles[WZP_FEATHER_PROFILES_MAX];
  char alias[65];                                /* CallOffer: what the caller calls itself */
  char candidate[512];                           /* IceCandidate */
  WzpFeatherReason reason;                       /* Hangup */
  char call_id[65];                              /* Hangup, CallRinging */
  char target[WZP_FINGERPRINT_TEXT], relay[256]; /* Transfer: to whom, and where */
} WzpFeatherSignal;

/* The payload of a call signal. */
typedef struct {
  WzpFeatherSignal signal;
  char relay[256]; /* host:port for the media */
  char room[129];
} WzpFeatherPayload;

/* The call signal as the messenger has it. */
typedef struct {
  char id[65];
  char sender[WZP_FINGERPRINT_TEXT], target[WZP_FINGERPRINT_TEXT];
  WzpFeatherType type;
  WzpFeatherPayload payload;
} WzpFeatherCall;

/* The type that goes with a signal; TYPE_OFFER for what has none of its own. */
WzpFeatherType wzp_feather_type_of(const WzpFeatherSignal *signal);

#define WZP_FEATHER_TEXT_MAX 8192

/* JSON. Unknown members are passed over. WZP_MALFORMED, or WZP_TOO_LONG for what has no room; *out is zeroes then. */
WzpResult wzp_feather_payload_parse(WzpFeatherPayload *out, const void *text, size_t length);
WzpResult wzp_feather_call_parse(WzpFeatherCall *out, const void *text, size_t length);
/* Free with g_free(). The kind is not WZP_FEATHER_OTHER. */
char *wzp_feather_payload_build(const WzpFeatherPayload *payload);
char *wzp_feather_call_build(const WzpFeatherCall *call);
