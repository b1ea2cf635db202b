/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-control-private.h"
#include <string.h>

/* Dialled calls: messages go between two identities, unread, and the media of a call go through a room of its own
 * that only these two can enter. */

static RelaySession *
session_of(RelayControl *control, const RelayCall *call, RelayCallSide side)
{
  uint32_t index = call->sessions[side];

  return index == RELAY_NO_SESSION ? NULL : relay_sessions_get(control->sessions, index);
}

static void
tell(RelayControl *control, RelaySession *session, const WzpCallRoute *route, WzpCallStatus status)
{
  WzpCallMessage message = {.kind = WZP_MESSAGE_CALL_STATUS, .status = status};
  GBytes *bytes;

  if (route != NULL)
    message.route = *route;
  bytes = wzp_call_message_build(&message);
  relay_control_send(control, session, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  g_bytes_unref(bytes);
}

static void
refuse(RelayControl *control, RelaySession *session, const WzpCallRoute *route,
       WzpCallStatus status)
{
  control->stats.calls_refused[status]++;
  tell(control, session, route, status);
}

/* Is the other side there? What that one does cannot fill, and so close, this one's leg: while its queue is long, how things
 * stand is told when it is empty again. */
static void
tell_of_other(RelayControl *control, RelayCall *call, RelayCallSide side)
{
  RelaySession *session = session_of(control, call, side);

  call->news[side] = !relay_control_takes(session, 1 + WZP_CALL_ROUTE_SIZE + 1);
  if (!call->news[side])
    tell(control, session, &call->route,
         call->media[relay_call_other(side)] ? WZP_CALL_TOGETHER : WZP_CALL_ALONE);
}

static RelayCallSide
side_of(const RelayCall *call, const RelaySession *session)
{
  return call->sessions[RELAY_CALLER] == session->index ? RELAY_CALLER : RELAY_CALLEE;
}

bool
relay_control_catch_up_call(RelayControl *control, RelaySession *session)
{
  RelayCall *call = session->call_media;

  if (call == NULL || !call->news[side_of(call, session)])
    return false;
  tell_of_other(control, call, side_of(call, session));
  return !call->news[side_of(call, session)];
}

/* --- media --- */

static void
leave_media(RelayControl *control, RelayCall *call, RelayCallSide side)
{
  RelaySession *session = session_of(control, call, side);

  if (!call->media[side])
    return;
  call->media[side] = call->news[side] = false;
  session->call_media = NULL;
  relay_control_set_media_room(control, session, RELAY_NO_ROOM, 0);
  if (call->media[relay_call_other(side)]) {
    tell_of_other(control, call, relay_call_other(side));
    return;
  }
  call->has_room = false;
  relay_rooms_give_index(control->rooms, call->room);
}

static void
join_media(RelayControl *control, RelayCall *call, RelayCallSide side)
{
  RelaySession *session = session_of(control, call, side);
  bool again = call->media[side];

  if (!again) {
    if (relay_control_is_crowded(control) ||
        (!call->has_room && !relay_rooms_take_index(control->rooms, &call->room))) {
      refuse(control, session, &call->route, WZP_CALL_NO_PLACE);
      return;
    }
    call->has_room = true;
    call->media[side] = true;
    session->call_media = call;
    /* the caller speaks in slot 0, the callee in slot 1 */
    relay_control_set_media_room(control, session, call->room, side == RELAY_CALLER ? 0 : 1);
  }
  call->news[side] = false;
  if (!call->media[relay_call_other(side)]) {
    tell(control, session, &call->route, WZP_CALL_ALONE);
    return;
  }
  relay_calls_answered(control->calls, call);
  tell(control, session, &call->route, WZP_CALL_TOGETHER);
  if (!again)
    tell_of_other(control, call, relay_call_other(side));
}

/* --- whose session a side is --- */

static void
unbind(RelayControl *control, RelayCall *call, RelayCallSide side)
{
  RelaySession *session = session_of(control, call, side);
  unsigned i;

  if (session == NULL)
    return;
  leave_media(control, call, side);
  call->sessions[side] = RELAY_NO_SESSION;
  for (i = 0; i < RELAY_SESSION_CALLS_MAX; i++) {
    if (session->calls[i] == call)
      session->calls[i] = NULL;
  }
}

static bool
bind_side(RelayControl *control, RelayCall *call, RelayCallSide side, RelaySession *session)
{
  unsigned i;

  if (call->sessions[side] == session->index)
    return true;
  for (i = 0; i < RELAY_SESSION_CALLS_MAX && session->calls[i] != NULL; i++)
    ;
  if (i == RELAY_SESSION_CALLS_MAX)
    return false;
  unbind(control, call, side);
  session->calls[i] = call;
  call->sessions[side] = session->index;
  return true;
}

static void
end_call(RelayControl *control, RelayCall *call)
{
  unbind(control, call, RELAY_CALLER);
  unbind(control, call, RELAY_CALLEE);
  relay_calls_remove(control->calls, call);
}

static void
end_if_abandoned(RelayControl *control, RelayCall *call)
{
  if (call->sessions[RELAY_CALLER] == RELAY_NO_SESSION &&
      call->sessions[RELAY_CALLEE] == RELAY_NO_SESSION)
    relay_calls_remove(control->calls, call);
}

void
relay_control_leave_call_media(RelayControl *control, RelaySession *session)
{
  RelayCall *call = session->call_media;

  if (call != NULL)
    leave_media(control, call, side_of(call, session));
}

void
relay_control_leave_calls(RelayControl *control, RelaySession *session)
{
  unsigned i;

  for (i = 0; i < RELAY_SESSION_CALLS_MAX; i++) {
    RelayCall *call = session->calls[i];

    if (call == NULL)
      continue;
    unbind(control, call, side_of(call, session));
    end_if_abandoned(control, call);
  }
  if (session->listening) {
    uint8_t fingerprint[WZP_FINGERPRINT_SIZE];

    wzp_fingerprint(fingerprint, session->identity);
    relay_calls_unlisten(control->calls, fingerprint, session->index);
    session->listening = false;
  }
}

/* --- messages --- */

/* Another session of the same client: its calls and their media are the new one's without a gap. */
static void
take_over(RelayControl *control, WzpTime now, RelaySession *session, RelaySession *older)
{
  unsigned i;

  for (i = 0; i < RELAY_SESSION_CALLS_MAX; i++) {
    RelayCall *call = older->calls[i];
    RelayCallSide side;

    if (call == NULL || session->calls[i] != NULL)
      continue; /* goes with the older session */
    side = side_of(call, older);
    older->calls[i] = NULL;
    session->calls[i] = call;
    call->sessions[side] = session->index;
    if (!call->media[side])
      continue;
    older->call_media = NULL;
    relay_control_set_media_room(control, older, RELAY_NO_ROOM, 0);
    session->call_media = call;
    relay_control_set_media_room(control, session, call->room, side == RELAY_CALLER ? 0 : 1);
  }
  relay_control_remove(control, now, older, WZP_CLOSE_REPLACED);
}

static void
listen_here(RelayControl *control, WzpTime now, RelaySession *session, const uint8_t *instance)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  uint32_t older;

  wzp_fingerprint(fingerprint, session->identity);
  older = relay_calls_instance(control->calls, fingerprint, instance);
  relay_calls_listen(control->calls, fingerprint, instance, session->index);
  session->listening = true;
  if (older != RELAY_NO_SESSION && older != session->index && session->room == NULL &&
      session->call_media == NULL)
    take_over(control, now, session, relay_sessions_get(control->sessions, older));
  tell(control, session, NULL, WZP_CALL_LISTENING);
  relay_control_first_record(control, now, session);
}

bool
relay_control_knows_instance(const RelayControl *control, const RelaySession *session,
                             const uint8_t *message, size_t length)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  WzpCallMessage listen;

  wzp_fingerprint(fingerprint, session->identity);
  return wzp_call_message_parse(&listen, message, length) == WZP_OK &&
         listen.kind == WZP_MESSAGE_LISTEN &&
         relay_calls_instance(control->calls, fingerprint, listen.instance) != RELAY_NO_SESSION;
}

/* The call of a message, made if need be; NULL: told already why not. */
static RelayCall *
call_of(RelayControl *control, WzpTime now, RelaySession *session, const WzpCallRoute *route,
        RelayCallSide side)
{
  WzpCallStatus status = WZP_CALL_LIMITED;
  RelayCall *idle, *call = relay_calls_find(control->calls, route);
  bool made = call == NULL;

  while (made && (idle = relay_calls_idle(control->calls, now)) != NULL)
    end_call(control, idle);
  if (made)
    call = relay_calls_add(control->calls, now, route, side, &status);
  if (call != NULL && bind_side(control, call, side, session)) {
    control->stats.calls_started += made;
    relay_calls_used(control->calls, now, call);
    return call;
  }
  if (call != NULL && made)
    relay_calls_remove(control->calls, call);
  relay_control_drop(control, WZP_RATE_LIMITED);
  refuse(control, session, route, status);
  return NULL;
}

static void
forward(RelayControl *control, WzpTime now, RelaySession *session, const WzpCallMessage *message,
        RelayCallSide side, const uint8_t *data, size_t length)
{
  const uint8_t *party = side == RELAY_CALLER ? message->route.callee : message->route.caller;
  RelayCall *call = relay_calls_find(control->calls, &message->route);
  uint32_t listener = relay_calls_listener(control->calls, party);
  RelayCallSide other_side = relay_call_other(side);
  RelaySession *other;

  /* who is not there costs no place in the table, so that nobody is found out by trying either */
  if ((call == NULL || call->sessions[other_side] == RELAY_NO_SESSION) &&
      listener == RELAY_NO_SESSION) {
    relay_control_drop(control, WZP_NO_RECEIVER);
    refuse(control, session, &message->route, WZP_CALL_UNREACHABLE);
    return;
  }
  call = call_of(control, now, session, &message->route, side);
  if (call == NULL)
    return;
  if (call->sessions[other_side] == RELAY_NO_SESSION &&
      !bind_side(control, call, other_side, relay_sessions_get(control->sessions, listener))) {
    relay_control_drop(control, WZP_RATE_LIMITED);
    refuse(control, session, &message->route, WZP_CALL_BUSY);
    return;
  }
  other = session_of(control, call, other_side);
  if (relay_control_takes(other, length))
    relay_control_send(control, other, data, length);
  else
    relay_control_drop(control, WZP_QUEUE_FULL);
}

static void
handle_media(RelayControl *control, WzpTime now, RelaySession *session,
             const WzpCallMessage *message, RelayCallSide side)
{
  RelayCall *call;

  if (message->media == WZP_CALL_MEDIA_OVER) {
    call = relay_calls_find(control->calls, &message->route);
    if (call != NULL && call->sessions[side] == session->index) {
      unbind(control, call, side);
      end_if_abandoned(control, call);
    }
    return;
  }
  call = call_of(control, now, session, &message->route, side);
  if (call == NULL)
    return;
  /* media of one call, or of one room */
  if (session->call_media != call)
    relay_control_leave_call_media(control, session);
  relay_control_leave_room(control, now, session, WZP_CLOSE_LEAVE);
  join_media(control, call, side);
}

void
relay_control_call_message(RelayControl *control, WzpTime now, RelaySession *session,
                           const uint8_t *data, size_t length)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  WzpCallMessage message;
  RelayCallSide side = RELAY_CALLER;
  WzpResult result = wzp_call_message_parse(&message, data, length);

  if (result == WZP_OK && message.kind != WZP_MESSAGE_LISTEN) {
    wzp_fingerprint(fingerprint, session->identity);
    if (memcmp(fingerprint, message.route.caller, sizeof fingerprint) == 0)
      side = RELAY_CALLER;
    else if (memcmp(fingerprint, message.route.callee, sizeof fingerprint) == 0)
      side = RELAY_CALLEE;
    else
      result = WZP_WRONG_IDENTITY;
  }
  if (result != WZP_OK)
    relay_control_drop(control, result);
  else if (message.kind == WZP_MESSAGE_LISTEN)
    listen_here(control, now, session, message.instance);
  else if (message.kind == WZP_MESSAGE_CALL)
    forward(control, now, session, &message, side, data, length);
  else
    handle_media(control, now, session, &message, side);
}
