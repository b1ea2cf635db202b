/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-access.h"
#include "relay-admission.h"
#include "relay-auth.h"
#include "relay-control.h"
#include "relay-sessions.h"

/* Shared by relay-control.c (handshakes, records), relay-control-life.c (time, the end), relay-control-auth.c
 * (tokens), relay-control-rooms.c (messages, rooms), relay-control-calls.c (dialled calls) and
 * relay-control-moves.c (legs that change their address). */

#define RELAY_HALF_OPEN_LIFE (10 * WZP_SECOND)

struct RelayControl {
  RelayLimits limits;
  const WzpIdentity *identity;
  WzpRandom random;
  RelayControlHooks hooks;
  RelaySessions *sessions;
  RelayRooms *rooms;
  RelayCalls *calls;
  RelayAdmission *admission;
  const RelayAccess *access; /* NULL: everybody may join every room */
  uint16_t second_port;
  bool tokens_required;
  RelayAuth *auth;
  GQueue tokens_wait; /* sessions, the longest waiting first */
  bool shutting_down;
  /* the one answer that needs no session; waits for the next poll */
  bool has_reply;
  RelayDatagram reply;
  RelayStats stats;
};

void relay_control_drop(RelayControl *control, WzpResult reason);
void relay_control_log(RelayControl *control, const RelaySession *session, const char *what);
/* Makes the first record of a session's channel: the acknowledgement of HS3 and what is queued. Does
 * nothing when it was made before. */
void relay_control_first_record(RelayControl *control, WzpTime now, RelaySession *session);
/* Leaves the room, tells the client why, and lets the session linger for the acknowledgements. */
void relay_control_close(RelayControl *control, WzpTime now, RelaySession *session,
                         WzpCloseReason reason);
/* When the session is looked at again, if nothing comes. */
void relay_control_set_timer(RelayControl *control, RelaySession *session);
/* The session is gone at once, without a word to its client. */
void relay_control_remove(RelayControl *control, WzpTime now, RelaySession *session,
                          WzpCloseReason reason);

/* Says BUSY and closes when there is no place for one more session. One in a room is there within the
 * limits, or in the place of its own older leg. */
void relay_control_check_place(RelayControl *control, WzpTime now, RelaySession *session);
/* One more of a duration. */
void relay_control_observe(uint64_t buckets[12], double *sum, WzpTime duration);

/* AUTH, without its kind byte. */
void relay_control_auth_message(RelayControl *control, WzpTime now, RelaySession *session,
                                const uint8_t *body, size_t length);
/* Another message of a session that is not authorised. */
void relay_control_auth_missing(RelayControl *control, RelaySession *session);
/* The session's time is over. */
void relay_control_auth_expire(RelayControl *control, WzpTime now, RelaySession *session);
/* The session closes: its token need not be checked any more. */
void relay_control_auth_forget(RelayControl *control, RelaySession *session);

/* A JOIN costs a signature check: one a second, so many at once. */
#define RELAY_JOINS_PER_SECOND 1
#define RELAY_JOINS_BURST 8

/* Tells a leg that was behind what changed in its room or call meanwhile, once its queue is empty. True when
 * there is something to send now. */
bool relay_control_catch_up(RelayControl *control, RelaySession *session);
/* One message from a client: kind and body. */
void relay_control_message(RelayControl *control, WzpTime now, RelaySession *session,
                           const uint8_t *message, size_t length);
/* An error signal. */
void relay_control_error(RelayControl *control, RelaySession *session, WzpErrorCode code,
                         const char *text);
/* Out of the room; the others hear of it. Nothing when it is in none. */
void relay_control_leave_room(RelayControl *control, WzpTime now, RelaySession *session,
                              WzpCloseReason reason);
/* A message for the client. It is closed when its queue is full. */
void relay_control_send(RelayControl *control, RelaySession *session, const void *message,
                        size_t length);
/* Is there room in its queue for what others say? */
bool relay_control_takes(RelaySession *session, size_t length);
/* Where the leg's media go: RELAY_NO_ROOM, or a room of the media plane and the slot in it. */
void relay_control_set_media_room(RelayControl *control, const RelaySession *session, uint32_t room,
                                  uint8_t slot);
/* Is there as much traffic as the operator allows? */
bool relay_control_is_crowded(const RelayControl *control);

/* --- relay-control-moves.c: the leg's datagrams come from elsewhere --- */
/* A record of the session opened. */
void relay_control_move_record(RelayControl *control, WzpTime now, RelaySession *session,
                               const WzpAddress *from, size_t length);
/* Good media of a leg that is elsewhere: the media plane checked them. */
WzpResult relay_control_move_media(RelayControl *control, WzpTime now, const WzpAddress *from,
                                   const uint8_t *data, size_t length);
bool relay_control_move_poll(RelayControl *control, WzpTime now, RelaySession *session,
                             RelayDatagram *datagram);
void relay_control_move_timeout(RelayControl *control, WzpTime now, RelaySession *session);
WzpTime relay_control_move_deadline(const RelaySession *session);

/* LISTEN, CALL, CALL_MEDIA; whole. */
void relay_control_call_message(RelayControl *control, WzpTime now, RelaySession *session,
                                const uint8_t *message, size_t length);
/* A LISTEN of a client that has another session already. */
bool relay_control_knows_instance(const RelayControl *control, const RelaySession *session,
                                  const uint8_t *message, size_t length);
/* Its media go to no call any more; it may still be a side of one. */
void relay_control_leave_call_media(RelayControl *control, RelaySession *session);
/* Tells a leg whose queue is empty whether the other side of its call is there, if that could not be told at once. True when
 * there is something to send now. */
bool relay_control_catch_up_call(RelayControl *control, RelaySession *session);
/* The session listens no more, and is a side of no call. */
void relay_control_leave_calls(RelayControl *control, RelaySession *session);
