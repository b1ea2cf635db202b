/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"
#include "wzp/dial-message.h"

/* Who can be called, and which calls there are: between whom, and over which sessions. Pure tables: what the two are
 * told is relay-control-calls.c's part. Nothing is kept of a call but its route; a call is gone when neither side
 * has a session for it, or when nothing was said in it for a while.
 *
 * A call *rings* until the media of both have met; so long it counts for both identities. */

#define RELAY_CALL_IDLE (90 * WZP_SECOND) /* unless both are in it with their media */
#define RELAY_NO_SESSION UINT32_MAX

typedef enum { RELAY_CALLER, RELAY_CALLEE } RelayCallSide;

typedef struct {
  WzpCallRoute route;
  uint32_t sessions[2]; /* by RelayCallSide: table index, or RELAY_NO_SESSION */
  bool media[2];        /* this side's session sends into the room */
  bool news[2];         /* and has yet to hear whether the other side's does */
  bool has_room;
  uint32_t room; /* the media plane's name of it */
  bool ringing;
  WzpTime used;
  GList link;
} RelayCall;

typedef struct RelayCalls RelayCalls;
RelayCalls *relay_calls_new(const RelayLimits *limits);
void relay_calls_free(RelayCalls *calls);
unsigned relay_calls_count(const RelayCalls *calls);

/* Where calls for an identity go: to the session that asked for them last. */
void relay_calls_listen(RelayCalls *calls, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                        const uint8_t instance[WZP_CALL_INSTANCE_SIZE], uint32_t session);
/* The session of this client of that identity; RELAY_NO_SESSION: it has none. */
uint32_t relay_calls_instance(const RelayCalls *calls,
                              const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                              const uint8_t instance[WZP_CALL_INSTANCE_SIZE]);
void relay_calls_unlisten(RelayCalls *calls, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                          uint32_t session);
/* RELAY_NO_SESSION: nowhere. */
uint32_t relay_calls_listener(const RelayCalls *calls,
                              const uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);

RelayCall *relay_calls_find(const RelayCalls *calls, const WzpCallRoute *route);
/* side makes it. NULL and *status (BUSY: the other one has enough that rings; LIMITED: the maker has, or tries too
 * often) when that is over a limit. */
RelayCall *relay_calls_add(RelayCalls *calls, WzpTime now, const WzpCallRoute *route,
                           RelayCallSide side, WzpCallStatus *status);
void relay_calls_used(RelayCalls *calls, WzpTime now, RelayCall *call);
void relay_calls_answered(RelayCalls *calls, RelayCall *call); /* rings no more */
/* Its room must have been given back. */
void relay_calls_remove(RelayCalls *calls, RelayCall *call);
/* One that was idle too long, or NULL. */
RelayCall *relay_calls_idle(RelayCalls *calls, WzpTime now);

const uint8_t *relay_call_party(const RelayCall *call, RelayCallSide side);
static inline RelayCallSide
relay_call_other(RelayCallSide side)
{
  return side == RELAY_CALLER ? RELAY_CALLEE : RELAY_CALLER;
}
