/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-control-private.h"
#include <string.h>

/* Others must not be able to fill, and so close, a leg: most of its queue is for what it asked itself.
 * Members say again what got lost; what happened in the room is told later, in short. */
#define QUEUE_FOR_OTHERS (WZP_CONTROL_QUEUE_MAX / 4)
#define QUEUE_TO_CATCH_UP (WZP_CONTROL_QUEUE_MAX / 2)
/* of the traffic that the operator allows; from there on nobody new may join */
#define EGRESS_FULL_PERCENT 90

/* --- telling --- */

void
relay_control_send(RelayControl *control, RelaySession *session, const void *message, size_t length)
{
  WzpResult result;

  if (session->overflowed)
    return;
  result = wzp_control_send(session->control, message, length);
  if (result != WZP_OK) {
    /* messages are reliable and in order, so none can be left out: the leg is closed at the next poll */
    relay_control_drop(control, result);
    session->overflowed = true;
  }
  relay_sessions_mark_dirty(control->sessions, session);
}

bool
relay_control_takes(RelaySession *session, size_t length)
{
  return wzp_control_queued_bytes(session->control) + length <= QUEUE_FOR_OTHERS;
}

static void
send_signal(RelayControl *control, RelaySession *session, const WzpSignal *signal)
{
  GBytes *message = wzp_signal_build(signal);

  relay_control_send(control, session, g_bytes_get_data(message, NULL), g_bytes_get_size(message));
  g_bytes_unref(message);
}

static void
send_member(RelayControl *control, RelaySession *session, const RelayMember *member)
{
  uint8_t message[2 + WZP_JOIN_BLOB_SIZE];

  message[0] = WZP_MESSAGE_MEMBER;
  message[1] = member->slot;
  memcpy(message + 2, member->blob, WZP_JOIN_BLOB_SIZE);
  relay_control_send(control, session, message, sizeof message);
}

void
relay_control_error(RelayControl *control, RelaySession *session, WzpErrorCode code,
                    const char *text)
{
  WzpSignal signal = {.type = WZP_SIGNAL_ERROR, .code = code};

  g_strlcpy(signal.text, text, sizeof signal.text);
  send_signal(control, session, &signal);
}

static void
fill_members(WzpSignal *signal, const RelayRoom *room)
{
  unsigned i;

  signal->n_members = room->n_members;
  for (i = 0; i < room->n_members; i++)
    signal->members[i] = room->members[i].slot;
}

static RelaySession *
session_of(RelayControl *control, const RelayMember *member)
{
  return relay_sessions_get(control->sessions, member->session);
}

/* Something happened at this slot. False when the leg will hear of it later. */
static bool
takes_news(RelaySession *session, uint8_t slot)
{
  if (wzp_control_queued_bytes(session->control) > QUEUE_FOR_OTHERS)
    session->behind = true;
  if (session->behind)
    session->changed[slot / 8] |= (uint8_t)(1u << slot % 8);
  return !session->behind;
}

static void
send_roster(RelayControl *control, RelaySession *session, const RelayRoom *room)
{
  WzpSignal roster = {.type = WZP_SIGNAL_ROSTER};

  fill_members(&roster, room);
  send_signal(control, session, &roster);
}

static void
tell_roster(RelayControl *control, const RelayRoom *room, const RelaySession *except)
{
  unsigned i;

  for (i = 0; i < room->n_members; i++) {
    RelaySession *session = session_of(control, &room->members[i]);

    if (session != except && !session->behind)
      send_roster(control, session, room);
  }
}

static void
send_left(RelayControl *control, RelaySession *session, uint8_t slot, WzpCloseReason reason)
{
  WzpSignal left = {.type = WZP_SIGNAL_LEFT, .slot = slot};

  g_strlcpy(left.reason,
            reason == WZP_CLOSE_TIMEOUT    ? "timeout"
            : reason == WZP_CLOSE_REPLACED ? "replaced"
                                           : "leave",
            sizeof left.reason);
  send_signal(control, session, &left);
}

static void
tell_left(RelayControl *control, const RelayRoom *room, uint8_t slot, WzpCloseReason reason,
          const RelaySession *except)
{
  unsigned i;

  for (i = 0; i < room->n_members; i++) {
    RelaySession *session = session_of(control, &room->members[i]);

    if (session != except && takes_news(session, slot))
      send_left(control, session, slot, reason);
  }
}

/* Whoever was at a slot that changed is gone; who is there now follows. */
bool
relay_control_catch_up(RelayControl *control, RelaySession *session)
{
  unsigned slot;

  if (session->state != RELAY_SESSION_OPEN || wzp_control_queued_bytes(session->control) > 0)
    return false;
  if (!session->behind)
    return relay_control_catch_up_call(control, session);
  for (slot = 0; slot <= WZP_SLOT_MAX; slot++) {
    const RelayMember *member = relay_room_member(session->room, (uint8_t)slot);

    if (!(session->changed[slot / 8] >> slot % 8 & 1))
      continue;
    if (wzp_control_queued_bytes(session->control) > QUEUE_TO_CATCH_UP)
      return true; /* the rest when that is through */
    session->changed[slot / 8] &= (uint8_t) ~(1u << slot % 8);
    send_left(control, session, (uint8_t)slot, WZP_CLOSE_LEAVE);
    if (member != NULL)
      send_member(control, session, member);
  }
  session->behind = false;
  send_roster(control, session, session->room);
  return true;
}

static void
forget_news(RelaySession *session)
{
  session->behind = false;
  memset(session->changed, 0, sizeof session->changed);
}

/* --- rooms --- */

void
relay_control_set_media_room(RelayControl *control, const RelaySession *session, uint32_t room,
                             uint8_t slot)
{
  RelayCommand command = {
      .type = RELAY_COMMAND_SET_ROOM, .sid = session->sid, .room = room, .slot = slot};

  control->hooks.command(control->hooks.user, &command);
}

static void
set_media_room(RelayControl *control, const RelaySession *session)
{
  relay_control_set_media_room(control, session,
                               session->room != NULL ? session->room->index : RELAY_NO_ROOM,
                               session->slot);
}

void
relay_control_leave_room(RelayControl *control, WzpTime now, RelaySession *session,
                         WzpCloseReason reason)
{
  RelayRoom *room = session->room;
  uint8_t slot = session->slot;
  bool last;

  if (room == NULL)
    return;
  last = room->n_members == 1;
  session->room = NULL;
  forget_news(session);
  set_media_room(control, session);
  relay_rooms_leave(control->rooms, now, room, slot);
  if (last || reason == WZP_CLOSE_SHUTDOWN)
    return;
  tell_left(control, room, slot, reason, NULL);
  tell_roster(control, room, NULL);
}

/* The older leg of the identity that just joined. Its place in the room is already the new one's. */
static void
displace(RelayControl *control, WzpTime now, RelaySession *session, const RelayJoined *joined)
{
  RelaySession *older = relay_sessions_get(control->sessions, joined->displaced_session);

  if (older != session) {
    older->room = NULL;
    forget_news(older);
    set_media_room(control, older);
    /* The same JOIN comes from the same client, which is already looking at its new session: a CLOSE
     * that overtook the first record would look to it like a second person with its identity. */
    if (joined->returned)
      relay_control_remove(control, now, older, WZP_CLOSE_REPLACED);
    else
      relay_control_close(control, now, older, WZP_CLOSE_REPLACED);
  }
  if (!joined->returned)
    tell_left(control, joined->room, joined->displaced_slot, WZP_CLOSE_REPLACED, session);
}

static void
tell_joined(RelayControl *control, WzpTime now, RelaySession *session, bool others_too)
{
  WzpSignal signal = {.type = WZP_SIGNAL_JOINED, .slot = session->slot};
  const RelayRoom *room = session->room;
  unsigned i;

  memcpy(signal.home, control->identity->ed25519_public, sizeof signal.home);
  fill_members(&signal, room);
  forget_news(session); /* here come all */
  send_signal(control, session, &signal);
  relay_control_first_record(control, now, session);
  for (i = 0; i < room->n_members; i++) {
    if (room->members[i].slot != session->slot)
      send_member(control, session, &room->members[i]);
  }
  if (!others_too)
    return;
  for (i = 0; i < room->n_members; i++) {
    RelaySession *other = session_of(control, &room->members[i]);

    if (other != session && takes_news(other, session->slot))
      send_member(control, other, relay_room_member(room, session->slot));
  }
  tell_roster(control, room, session);
}

static const char *
refusal_text(WzpErrorCode code)
{
  switch (code) {
  case WZP_ERROR_BUSY:
    return "The relay takes no more rooms, no more of this identity, or no more traffic. Try again "
           "later.";
  case WZP_ERROR_WRONG_RELAY:
    return "The JOIN names another relay as the home of the room.";
  case WZP_ERROR_NOT_ALLOWED:
    return "This room is not open to your identity on this relay. Its operator has the list.";
  default:
    return "The JOIN is malformed, its signature does not hold, or it is not of this session's "
           "identity.";
  }
}

static void
refuse_join(RelayControl *control, RelaySession *session, WzpErrorCode code)
{
  char full[96];

  g_snprintf(full, sizeof full, "The room is full: it has the %u members that this relay allows.",
             control->limits.max_members);
  relay_control_log(control, session, wzp_error_code_name(code));
  relay_control_error(control, session, code,
                      code == WZP_ERROR_ROOM_FULL ? full : refusal_text(code));
}

static bool
is_allowed(const RelayControl *control, const WzpJoin *join)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];

  wzp_fingerprint(fingerprint, join->id);
  return control->access == NULL ||
         relay_access_allows(control->access, join->room_id, fingerprint);
}

bool
relay_control_is_crowded(const RelayControl *control)
{
  uint64_t limit = control->limits.max_egress_bytes_per_second;

  return limit > 0 &&
         control->hooks.egress(control->hooks.user) >= limit * EGRESS_FULL_PERCENT / 100;
}

static void
handle_join(RelayControl *control, WzpTime now, RelaySession *session, const uint8_t *blob,
            size_t length)
{
  WzpErrorCode code = WZP_ERROR_NONE;
  RelayRoom *older_room = session->room;
  RelayJoined joined;
  WzpResult result;
  WzpJoin join;

  if (!relay_bucket_take(&session->joins, now, RELAY_JOINS_PER_SECOND, RELAY_JOINS_BURST, 1)) {
    relay_control_drop(control, WZP_RATE_LIMITED);
    relay_control_error(control, session, WZP_ERROR_RATE_LIMITED,
                        "Too many JOINs on one connection. Wait a second.");
    return;
  }
  result = wzp_join_parse(&join, blob, length);
  if (result == WZP_OK && memcmp(join.id, session->identity, sizeof join.id) != 0)
    result = WZP_WRONG_IDENTITY;
  if (result != WZP_OK) {
    relay_control_drop(control, result);
    code = WZP_ERROR_BAD_JOIN;
  } else if (memcmp(join.relay_key, control->identity->ed25519_public, sizeof join.relay_key) !=
             0) {
    relay_control_drop(control, WZP_WRONG_IDENTITY);
    code = WZP_ERROR_WRONG_RELAY;
  } else if (!is_allowed(control, &join)) {
    relay_control_drop(control, WZP_NOT_ALLOWED);
    code = WZP_ERROR_NOT_ALLOWED;
  } else if (!relay_rooms_has(control->rooms, join.room_id, join.id) &&
             relay_control_is_crowded(control)) {
    /* whoever is in the room already brings no more traffic by coming back */
    relay_control_drop(control, WZP_RATE_LIMITED);
    code = WZP_ERROR_BUSY;
  } else {
    code = relay_rooms_join(control->rooms, now, session->index, &join, blob, &joined);
    if (code != WZP_ERROR_NONE)
      relay_control_drop(control, WZP_ROOM_FULL);
  }
  if (code != WZP_ERROR_NONE) {
    refuse_join(control, session, code);
    return;
  }

  /* one room per session: a JOIN elsewhere leaves the room before */
  if (older_room != NULL && older_room != joined.room)
    relay_control_leave_room(control, now, session, WZP_CLOSE_LEAVE);
  relay_control_leave_call_media(control, session);
  session->room = joined.room;
  session->slot = joined.slot;
  if (joined.displaced)
    displace(control, now, session, &joined);
  set_media_room(control, session);
  relay_control_log(control, session, joined.returned ? "came back to its room" : "joined a room");
  tell_joined(control, now, session, !joined.returned);
}

void
relay_control_set_access(RelayControl *control, const RelayAccess *access)
{
  control->access = access;
}

/* --- messages --- */

#define PAIRWISE_MAX 512

static void
handle_pairwise(RelayControl *control, RelaySession *session, const uint8_t *message, size_t length)
{
  const RelayMember *to;

  if (length < 1 + 2 + 4 + WZP_TAG_SIZE) {
    relay_control_drop(control, WZP_TRUNCATED);
  } else if (length > PAIRWISE_MAX) {
    relay_control_drop(control, WZP_TOO_LONG);
  } else if (session->room == NULL) {
    relay_control_drop(control, WZP_NOT_CONNECTED);
  } else if (message[2] != session->slot) {
    relay_control_drop(control, WZP_WRONG_SLOT);
  } else if (message[1] == session->slot ||
             (to = relay_room_member(session->room, message[1])) == NULL) {
    relay_control_drop(control, WZP_NO_RECEIVER);
  } else if (!relay_control_takes(session_of(control, to), length)) {
    relay_control_drop(control, WZP_QUEUE_FULL);
  } else {
    relay_control_send(control, session_of(control, to), message, length);
  }
}

void
relay_control_message(RelayControl *control, WzpTime now, RelaySession *session,
                      const uint8_t *message, size_t length)
{
  WzpSignal signal;
  WzpResult result;

  if (length == 0) {
    relay_control_drop(control, WZP_TRUNCATED);
    return;
  }
  if (message[0] != WZP_MESSAGE_AUTH && session->auth != RELAY_SESSION_AUTHORISED) {
    relay_control_auth_missing(control, session);
    return;
  }
  switch (message[0]) {
  case WZP_MESSAGE_AUTH:
    relay_control_auth_message(control, now, session, message + 1, length - 1);
    break;
  case WZP_MESSAGE_SIGNAL:
    result = wzp_signal_parse(&signal, message + 1, length - 1);
    if (result != WZP_OK)
      relay_control_drop(control, result);
    else if (signal.type == WZP_SIGNAL_LEAVE)
      relay_control_leave_room(control, now, session, WZP_CLOSE_LEAVE);
    break;
  case WZP_MESSAGE_JOIN:
    handle_join(control, now, session, message + 1, length - 1);
    break;
  case WZP_MESSAGE_PAIRWISE:
    handle_pairwise(control, session, message, length);
    break;
  case WZP_MESSAGE_LISTEN:
  case WZP_MESSAGE_CALL:
  case WZP_MESSAGE_CALL_MEDIA:
    relay_control_call_message(control, now, session, message, length);
    break;
  default:
    relay_control_drop(control, WZP_UNKNOWN_KIND);
    break;
  }
}
