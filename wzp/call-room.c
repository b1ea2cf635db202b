/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include <string.h>

/* What the relay says, and the room's keys: signals, MEMBER and PAIRWISE to and from the group. */

static void
fail(WzpCall *call, WzpErrorCode code, const char *text)
{
  WzpEvent *event = wzp_call_push_event(call, WZP_EVENT_ERROR);
  event->code = code;
  g_strlcpy(event->text, text, sizeof event->text);
  wzp_call_end(call);
}

static void
handle_joined(WzpCall *call, WzpTime now, const WzpSignal *signal)
{
  if (memcmp(signal->home, call->config.relay_key, sizeof signal->home) != 0) {
    fail(call, WZP_ERROR_WRONG_RELAY,
         "This room is at home on another relay. Name that relay in the URI.");
    return;
  }
  if (signal->slot > WZP_SLOT_MAX) {
    call->stats.drops[WZP_MALFORMED]++;
    return;
  }
  /* the relay may have restarted with an empty memory */
  if (call->was_up && !call->session->joined)
    wzp_group_relay_restarted(call->group, now);
  call->was_up = call->session->joined = true;
  wzp_group_set_slot(call->group, (uint8_t)signal->slot);
}

static void
handle_roster(WzpCall *call, WzpTime now, const WzpSignal *signal)
{
  bool present[WZP_SLOT_MAX + 1] = {false};
  for (unsigned i = 0; i < signal->n_members; i++)
    if (signal->members[i] <= WZP_SLOT_MAX)
      present[signal->members[i]] = true;
  for (unsigned slot = 0; slot <= WZP_SLOT_MAX; slot++)
    if (!present[slot])
      wzp_group_remove_member(call->group, now, (uint8_t)slot);
}

/* Will it be different in a while? */
static bool
is_passing(WzpErrorCode code)
{
  return code == WZP_ERROR_BUSY || code == WZP_ERROR_AUTH_UNAVAILABLE;
}

static void
handle_error(WzpCall *call, const WzpSignal *signal)
{
  /* who had a place tries to get it again: a goodbye follows, and the back-off with it */
  if (is_passing(signal->code) && call->was_up) {
    call->stats.drops[WZP_RATE_LIMITED]++;
    return;
  }
  switch (signal->code) {
  case WZP_ERROR_AUTH_REQUIRED:
    if (call->config.token != NULL && !wzp_call_hop_shows_token(call))
      fail(call, signal->code,
           "The relay asks for the token, which is not shown to a relay whose key nobody vouches "
           "for: "
           "it was taken at first use. Name its fingerprint (relay=), or say once that it is the "
           "right one (token-at-first-use).");
    else
      fail(call, signal->code, signal->text);
    break;
  case WZP_ERROR_AUTH_REFUSED:
  case WZP_ERROR_AUTH_UNAVAILABLE:
  case WZP_ERROR_NOT_ALLOWED:
  case WZP_ERROR_BUSY:
  case WZP_ERROR_ROOM_FULL:
  case WZP_ERROR_BAD_JOIN:
  case WZP_ERROR_WRONG_RELAY:
  case WZP_ERROR_UNSUPPORTED:
    fail(call, signal->code, signal->text);
    break;
  default:
    call->stats
        .drops[signal->code == WZP_ERROR_RATE_LIMITED ? WZP_RATE_LIMITED : WZP_UNSUPPORTED]++;
    break;
  }
}

static WzpResult
handle_signal(WzpCall *call, WzpTime now, const uint8_t *body, size_t length)
{
  WzpSignal signal;
  WzpResult result = wzp_signal_parse(&signal, body, length);
  if (result != WZP_OK)
    return result;
  if (call->dial != NULL && signal.type != WZP_SIGNAL_ERROR)
    return WZP_UNEXPECTED; /* there is no room */
  switch (signal.type) {
  case WZP_SIGNAL_JOINED:
    handle_joined(call, now, &signal);
    break;
  case WZP_SIGNAL_ROSTER:
    handle_roster(call, now, &signal);
    break;
  case WZP_SIGNAL_LEFT:
    if (signal.slot <= WZP_SLOT_MAX)
      wzp_group_remove_member(call->group, now, (uint8_t)signal.slot);
    break;
  case WZP_SIGNAL_ERROR:
    handle_error(call, &signal);
    break;
  default: /* of a later version */
    break;
  }
  return WZP_OK;
}

static WzpResult
handle_member(WzpCall *call, WzpTime now, const uint8_t *body, size_t length)
{
  if (length < 1)
    return WZP_TRUNCATED;
  return wzp_group_add_member(call->group, now, body[0], body + 1, length - 1);
}

void
wzp_call_room_message(WzpCall *call, WzpTime now, const uint8_t *message, size_t length)
{
  WzpResult result = WZP_TRUNCATED;
  if (call->dial != NULL && length > 0 && message[0] != WZP_MESSAGE_SIGNAL) {
    result = wzp_call_dial_message(call, now, message, length);
  } else if (length > 0) {
    const uint8_t *body = message + 1;
    size_t body_length = length - 1;
    switch (message[0]) {
    case WZP_MESSAGE_SIGNAL:
      result = handle_signal(call, now, body, body_length);
      break;
    case WZP_MESSAGE_MEMBER:
      result = handle_member(call, now, body, body_length);
      break;
    case WZP_MESSAGE_PAIRWISE:
      result = wzp_group_receive(call->group, now, body, body_length);
      break;
    default:
      result = WZP_UNKNOWN_KIND;
      break;
    }
  }
  if (result != WZP_OK)
    call->stats.drops[result]++;
}

static void
send_message(WzpCall *call, uint8_t kind, const void *body, size_t length)
{
  g_autofree uint8_t *message = g_malloc(length + 1);
  message[0] = kind;
  memcpy(message + 1, body, length);
  WzpResult result = wzp_control_send(call->session->control, message, length + 1);
  if (result != WZP_OK) /* what matters is sent again from end to end */
    call->stats.drops[result]++;
}

static WzpEventType
event_of(WzpGroupEventType type)
{
  switch (type) {
  case WZP_GROUP_CONFIRMED:
    return WZP_EVENT_MEMBER;
  case WZP_GROUP_ANNOUNCED:
    return WZP_EVENT_MEMBER_ANNOUNCED;
  case WZP_GROUP_WITHDRAWN:
    return WZP_EVENT_MEMBER_WITHDRAWN;
  case WZP_GROUP_MOVED:
    return WZP_EVENT_MEMBER_MOVED;
  case WZP_GROUP_UNLISTED:
    return WZP_EVENT_MEMBER_UNLISTED;
  case WZP_GROUP_UNLISTED_LEFT:
    return WZP_EVENT_UNLISTED_LEFT;
  default:
    return WZP_EVENT_MEMBER_LEFT;
  }
}

static void
report_members(WzpCall *call)
{
  for (;;) {
    WzpGroupEvent from = wzp_group_next_event(call->group);
    if (from.type == WZP_GROUP_NONE)
      return;
    if (from.type == WZP_GROUP_READY)
      continue; /* shows as the call's state */
    WzpEvent *event = wzp_call_push_event(call, event_of(from.type));
    event->slot = from.slot;
    event->former_slot = from.former_slot;
    memcpy(event->key, from.id, sizeof event->key);
    if (event->type == WZP_EVENT_MEMBER_LEFT)
      wzp_call_hearing_left(call, from.slot);
    else if (event->type == WZP_EVENT_MEMBER_MOVED)
      wzp_call_hearing_left(call, from.former_slot);
  }
}

static bool
in_room(const WzpCall *call)
{
  return call->group != NULL && call->session != NULL && call->session->joined;
}

/* What we say to each other gets there, by the relay or past it. */
static bool
is_heard(const WzpCall *call)
{
  return in_room(call) || (call->group != NULL && call->past_relay);
}

void
wzp_call_room_pump(WzpCall *call, WzpTime now)
{
  if (call->dial != NULL)
    wzp_call_dial_pump(call, now);
  if (call->group == NULL)
    return;
  wzp_group_follow_paths(call->group, now);
  wzp_call_path_pump(call, now);
  report_members(call);
  GBytes *record;
  while (in_room(call) && (record = wzp_group_poll(call->group, now)) != NULL) {
    size_t length;
    const void *data = g_bytes_get_data(record, &length);
    send_message(call, WZP_MESSAGE_PAIRWISE, data, length);
    g_bytes_unref(record);
  }
}

/* Without a session nothing can be sent, and nobody is missed that could not be seen either. */
void
wzp_call_room_timeout(WzpCall *call, WzpTime now)
{
  if (call->dial != NULL)
    wzp_call_dial_timeout(call, now);
  if (is_heard(call) && now >= wzp_group_next_timeout(call->group))
    wzp_group_handle_timeout(call->group, now);
}

WzpTime
wzp_call_room_next_timeout(const WzpCall *call)
{
  if (call->dial != NULL)
    return wzp_dial_next_timeout(call->dial);
  return is_heard(call) ? wzp_group_next_timeout(call->group) : WZP_NEVER;
}

bool
wzp_call_room_has_listener(const WzpCall *call)
{
  if (call->dial != NULL)
    return wzp_dial_is_together(call->dial);
  WzpMemberInfo info;
  for (unsigned n = 0; call->group != NULL && wzp_group_member(call->group, n, &info); n++)
    if (info.state == WZP_MEMBER_CONFIRMED && info.has_our_key)
      return true;
  return false;
}

void
wzp_call_room_leave(WzpCall *call, WzpTime now)
{
  if (call->dial != NULL)
    wzp_call_dial_leave(call, now);
  if (!is_heard(call))
    return;
  wzp_group_leave(call->group);
  wzp_call_room_pump(call, now);
  if (!in_room(call))
    return;
  WzpSignal signal = {.type = WZP_SIGNAL_LEAVE};
  g_autoptr(GBytes) message = wzp_signal_build(&signal);
  size_t length;
  const void *data = g_bytes_get_data(message, &length);
  WzpResult result = wzp_control_send(call->session->control, data, length);
  if (result != WZP_OK)
    call->stats.drops[result]++;
}

void
wzp_call_set_accept_mode(WzpCall *call, WzpTime now, WzpAcceptMode mode)
{
  call->config.accept_mode = mode;
  if (call->dial != NULL)
    wzp_dial_set_mode(call->dial, mode);
  if (call->group != NULL) {
    wzp_group_set_direct(call->group, mode == WZP_ACCEPT_TRUSTED);
    wzp_call_room_pump(call, now);
  }
}

void
wzp_call_trust(WzpCall *call, WzpTime now, const uint8_t id[32])
{
  if (call->group == NULL)
    return;
  wzp_group_trust(call->group, id);
  wzp_call_room_pump(call, now);
}

WzpResult
wzp_call_set_list(WzpCall *call, WzpTime now, WzpRoomList *list)
{
  WzpRoomList *former = call->config.list;
  if (call->group != NULL) {
    WzpResult result = wzp_group_set_list(call->group, now, list);
    if (result != WZP_OK)
      return result;
  } else if (!wzp_room_list_has(list, call->identity->ed25519_public)) {
    return WZP_NOT_ALLOWED;
  }
  call->config.list = wzp_room_list_ref(list);
  wzp_room_list_unref(former);
  return WZP_OK;
}

bool
wzp_call_code_digest(const WzpCall *call, uint8_t digest[32], unsigned *n_members)
{
  *n_members = 0;
  return in_room(call) && wzp_group_code_digest(call->group, digest, n_members);
}
