/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-private.h"
#include <sodium.h>
#include <string.h>

/* One call, once both are proven: what the two say in their channel, and the end. */

#define SEND_AGAIN (3 * WZP_SECOND)
#define NO_ANSWER (30 * WZP_SECOND)
#define UNREACHABLE_AGAIN (2 * WZP_SECOND)
#define UNREACHABLE_PATIENCE (5 * WZP_SECOND) /* its client may be on its way back to the relay */
#define CALLEE_RINGS (60 * WZP_SECOND)
#define CALLER_RINGS (75 * WZP_SECOND)
#define PING_AFTER (10 * WZP_SECOND)
#define LOST_AFTER (45 * WZP_SECOND)
#define ALONE_LOST_AFTER (30 * WZP_SECOND)
#define LAST_WORDS (10 * WZP_SECOND)
#define EARLY_MAX 8

void
wzp_line_set_state(WzpLine *line, WzpTime now, WzpLineState state)
{
  line->state = state;
  line->since = now;
}

void
wzp_line_say(WzpLine *line, const WzpDialMessage *message)
{
  uint8_t bytes[WZP_DIAL_MESSAGE_MAX];
  size_t length = wzp_dial_message_write(bytes, message);
  /* full only when the other side has not answered for long: then the call is lost anyway */
  (void)wzp_control_send(line->control, bytes, length);
}

static void
send_body(WzpDial *dial, const WzpLine *line, const uint8_t *body, size_t length)
{
  const WzpCallMessage message = {
      .kind = WZP_MESSAGE_CALL, .route = line->route, .body = body, .body_length = length};
  wzp_dial_push_message(dial, &message);
}

/* --- The end --- */

void
wzp_line_end(WzpDial *dial, WzpTime now, WzpLine *line, WzpCallEnd end, bool theirs)
{
  bool declines = !line->outgoing && line->state == WZP_LINE_RINGING;
  if (line->state == WZP_LINE_OVER)
    return;
  if (line->control != NULL && !theirs) {
    const WzpDialMessage message = {.type = declines ? WZP_DIAL_DECLINE : WZP_DIAL_HANGUP,
                                    .end = end < WZP_N_END_SAID ? end : WZP_END_ERROR};
    wzp_line_say(line, &message);
  }
  wzp_line_set_state(line, now, WZP_LINE_OVER);
  line->together = false;
  if (dial->on != line)
    return;
  dial->on = NULL;
  WzpDialEvent *event = wzp_dial_push_event(dial, WZP_DIAL_EVENT_ENDED, line);
  event->end = end;
  event->theirs = theirs;
}

bool
wzp_line_is_done(const WzpLine *line, WzpTime now)
{
  if (line->state != WZP_LINE_OVER)
    return false;
  return line->control == NULL || wzp_control_queued_bytes(line->control) == 0 ||
         now - line->since >= LAST_WORDS;
}

/* --- What the other side says --- */

static void
agree_on(WzpLine *line, WzpAcceptMode theirs)
{
  if (theirs == WZP_ACCEPT_PRIVATE)
    line->mode = WZP_ACCEPT_PRIVATE;
}

static WzpResult
begin_path(WzpTime now, WzpLine *line)
{
  WzpResult result = WZP_OK;
  GBytes *bytes;
  line->path = wzp_path_new(&line->path_config, now);
  while ((bytes = g_queue_pop_head(&line->early)) != NULL) {
    size_t length;
    const uint8_t *data = g_bytes_get_data(bytes, &length);
    WzpResult one = wzp_path_receive(line->path, now, data, length);
    result = result == WZP_OK ? one : result;
    g_bytes_unref(bytes);
  }
  return result;
}

static bool
may_begin_early(const WzpDial *dial, const WzpLine *line)
{
  return line->trusted && line->path == NULL && line->state == WZP_LINE_RINGING &&
         line->mode == WZP_ACCEPT_TRUSTED && dial->config.mode == WZP_ACCEPT_TRUSTED;
}

void
wzp_line_trust(WzpDial *dial, WzpTime now, WzpLine *line)
{
  line->trusted = true;
  if (may_begin_early(dial, line) && (!line->outgoing || !g_queue_is_empty(&line->early)))
    (void)begin_path(now, line);
}

/* It still rings: who does not trust the other one says nothing of himself, and keeps what he heard. */
static WzpResult
take_early_path(WzpDial *dial, WzpTime now, WzpLine *line, const WzpDialMessage *message)
{
  if (line->path != NULL)
    return wzp_path_receive(line->path, now, message->body, message->body_length);
  if (line->mode != WZP_ACCEPT_TRUSTED)
    return WZP_NOT_ALLOWED;
  if (line->early.length == EARLY_MAX)
    return WZP_QUEUE_FULL;
  g_queue_push_tail(&line->early, g_bytes_new(message->body, message->body_length));
  return may_begin_early(dial, line) ? begin_path(now, line) : WZP_OK;
}

static void
begin_to_talk(WzpDial *dial, WzpTime now, WzpLine *line)
{
  wzp_line_set_state(line, now, WZP_LINE_TALKING);
  line->next_send = now;
  if (line->mode != WZP_ACCEPT_TRUSTED) {
    g_clear_pointer(&line->path, wzp_path_free);
    g_queue_clear_full(&line->early, (GDestroyNotify)g_bytes_unref);
  } else if (line->path == NULL) {
    (void)begin_path(now, line);
  } else {
    wzp_path_accepted(line->path, now);
  }
  sodium_memzero(&line->path_config, sizeof line->path_config);
  wzp_dial_push_event(dial, WZP_DIAL_EVENT_ACCEPTED, line);
  if (line->together)
    wzp_dial_push_event(dial, WZP_DIAL_EVENT_TOGETHER, line);
}

void
wzp_line_accept(WzpDial *dial, WzpTime now, WzpLine *line, WzpAcceptMode mode)
{
  const WzpDialMessage message = {.type = WZP_DIAL_ACCEPT, .mode = mode};
  agree_on(line, mode);
  wzp_line_say(line, &message);
  begin_to_talk(dial, now, line);
}

static WzpResult
take_talk(WzpDial *dial, WzpTime now, WzpLine *line, const WzpDialMessage *message)
{
  WzpDialEvent *event;
  if (line->state != WZP_LINE_TALKING)
    return WZP_UNEXPECTED;
  switch (message->type) {
  case WZP_DIAL_HOLD:
    line->remote_held = message->on;
    event = wzp_dial_push_event(dial, WZP_DIAL_EVENT_HELD, line);
    event->on = message->on;
    return WZP_OK;
  case WZP_DIAL_MUTE:
    line->remote_muted = message->on;
    event = wzp_dial_push_event(dial, WZP_DIAL_EVENT_MUTED, line);
    event->on = message->on;
    return WZP_OK;
  case WZP_DIAL_TRANSFER:
    line->transfer_asked = true;
    memcpy(line->transfer_to, message->target, sizeof line->transfer_to);
    event = wzp_dial_push_event(dial, WZP_DIAL_EVENT_TRANSFER, line);
    memcpy(event->target, message->target, sizeof event->target);
    return WZP_OK;
  case WZP_DIAL_PATH:
    if (line->path == NULL) /* a private call has none */
      return WZP_NOT_ALLOWED;
    return wzp_path_receive(line->path, now, message->body, message->body_length);
  default:
    return wzp_line_rekey_message(dial, now, line, message);
  }
}

static WzpResult
take_message(WzpDial *dial, WzpTime now, WzpLine *line, const WzpDialMessage *message)
{
  bool asking = line->outgoing && line->state == WZP_LINE_RINGING;
  switch (message->type) {
  case WZP_DIAL_RINGING:
    if (!asking)
      return WZP_UNEXPECTED;
    wzp_dial_push_event(dial, WZP_DIAL_EVENT_REMOTE_RINGS, line);
    return WZP_OK;
  case WZP_DIAL_ACCEPT:
    if (!asking)
      return WZP_UNEXPECTED;
    agree_on(line, message->mode);
    begin_to_talk(dial, now, line);
    return WZP_OK;
  case WZP_DIAL_DECLINE:
    if (!asking)
      return WZP_UNEXPECTED;
    wzp_line_end(dial, now, line, message->end, true);
    return WZP_OK;
  case WZP_DIAL_HANGUP:
    wzp_line_end(dial, now, line, message->end, true);
    return WZP_OK;
  case WZP_DIAL_INVITE:
    return WZP_UNEXPECTED;
  case WZP_DIAL_PATH:
    if (line->state == WZP_LINE_RINGING)
      return take_early_path(dial, now, line, message);
    return take_talk(dial, now, line, message);
  default:
    return take_talk(dial, now, line, message);
  }
}

static WzpResult
handle_record(WzpDial *dial, WzpTime now, WzpLine *line, const WzpCallMessage *message)
{
  GBytes *bytes;
  if (line == NULL || line->control == NULL)
    return WZP_UNKNOWN_SESSION;
  WzpResult result = wzp_control_receive(line->control, now, message->body, message->body_length);
  if (result != WZP_OK)
    return result;
  if (line->state == WZP_LINE_PROVING) { /* it has our third message */
    wzp_line_set_state(line, now, WZP_LINE_RINGING);
    g_clear_pointer(&line->again, wzp_initiator_free);
  }
  wzp_line_heard(now, line);
  while (line->state != WZP_LINE_OVER && (bytes = wzp_control_next_message(line->control))) {
    WzpDialMessage said;
    size_t length;
    const uint8_t *data = g_bytes_get_data(bytes, &length);
    WzpResult one = wzp_dial_message_parse(&said, data, length);
    if (one == WZP_OK)
      one = take_message(dial, now, line, &said);
    if (one != WZP_OK && result == WZP_OK)
      result = one;
    g_bytes_unref(bytes);
    sodium_memzero(&said, sizeof said);
  }
  return result;
}

WzpResult
wzp_line_receive(WzpDial *dial, WzpTime now, WzpLine *line, const WzpCallMessage *message)
{
  switch (wzp_datagram_kind(message->body, message->body_length)) {
  case WZP_DATAGRAM_HS1:
    return wzp_line_handle_hs1(dial, now, line, message);
  case WZP_DATAGRAM_HS2:
    return wzp_line_handle_hs2(dial, now, line, message);
  case WZP_DATAGRAM_HS3:
    return wzp_line_handle_hs3(dial, now, line, message);
  case WZP_DATAGRAM_CONTROL:
    return handle_record(dial, now, line, message);
  default:
    return WZP_UNKNOWN_KIND;
  }
}

/* --- What the relay says --- */

static void
set_together(WzpDial *dial, WzpTime now, WzpLine *line, bool together)
{
  bool changed = line->together != together || (!together && line->alone_since == WZP_NEVER);
  line->alone_since = together ? WZP_NEVER : MIN(line->alone_since, now);
  line->together = together;
  if (changed)
    wzp_dial_push_event(dial, together ? WZP_DIAL_EVENT_TOGETHER : WZP_DIAL_EVENT_ALONE, line);
}

static void
try_again_later(WzpDial *dial, WzpTime now, WzpLine *line)
{
  if (line->unreachable_since == WZP_NEVER)
    line->unreachable_since = now;
  if (now - line->unreachable_since >= UNREACHABLE_PATIENCE)
    wzp_line_end(dial, now, line, WZP_END_UNREACHABLE, false);
  else
    line->next_send = now + UNREACHABLE_AGAIN;
}

/* No media of ours there for now; the call itself may still be heard. */
static void
media_refused(WzpDial *dial, WzpTime now, WzpLine *line)
{
  line->joined = false;
  if (line->state != WZP_LINE_TALKING)
    return; /* asked again when they matter */
  set_together(dial, now, line, false);
  line->next_send = now + SEND_AGAIN;
}

WzpResult
wzp_line_status(WzpDial *dial, WzpTime now, WzpLine *line, WzpCallStatus status)
{
  bool calling = line->state == WZP_LINE_CALLING, talking = line->state == WZP_LINE_TALKING;
  bool told = status == WZP_CALL_ALONE || status == WZP_CALL_TOGETHER;
  if (talking && told) {
    set_together(dial, now, line, status == WZP_CALL_TOGETHER);
  } else if (line->joined && told) {
    line->together = status == WZP_CALL_TOGETHER; /* it is taken: that word is on its way, too */
  } else if (line->joined && (status == WZP_CALL_LIMITED || status == WZP_CALL_NO_PLACE)) {
    media_refused(dial, now, line);
  } else if (!calling) {
    return WZP_UNEXPECTED;
  } else if (status == WZP_CALL_UNREACHABLE) {
    try_again_later(dial, now, line);
  } else if (status == WZP_CALL_BUSY) {
    wzp_line_end(dial, now, line, WZP_END_BUSY, false);
  } else if (status == WZP_CALL_LIMITED) {
    wzp_line_end(dial, now, line, WZP_END_LIMITED, false);
  } else if (status == WZP_CALL_NO_PLACE) {
    wzp_line_end(dial, now, line, WZP_END_NO_PLACE, false);
  } else {
    return WZP_UNEXPECTED;
  }
  return WZP_OK;
}

/* --- What is to be sent --- */

static void
join_media(WzpDial *dial, WzpLine *line)
{
  const WzpCallMessage join = {
      .kind = WZP_MESSAGE_CALL_MEDIA, .route = line->route, .media = WZP_CALL_MEDIA_JOIN};
  if (!line->joined)
    wzp_dial_push_message(dial, &join);
  line->joined = true;
}

void
wzp_line_send(WzpDial *dial, WzpTime now, WzpLine *line)
{
  const uint8_t *bytes;
  size_t length;
  if (now < line->next_send)
    return;
  switch (line->state) {
  case WZP_LINE_CALLING:
  case WZP_LINE_PROVING:
    bytes = wzp_initiator_message(line->again != NULL ? line->again : line->initiator, &length);
    send_body(dial, line, bytes, length);
    if (line->state == WZP_LINE_PROVING)
      join_media(dial, line);
    line->next_send = now + SEND_AGAIN;
    break;
  case WZP_LINE_HALF_OPEN:
    bytes = wzp_responder_message(line->responder, &length);
    send_body(dial, line, bytes, length);
    line->next_send = WZP_NEVER; /* the caller's timers are the only ones */
    break;
  case WZP_LINE_RINGING: /* who calls is there before the call is taken, to hear the first word */
    if (line->outgoing)
      join_media(dial, line);
    line->next_send = WZP_NEVER;
    break;
  case WZP_LINE_TALKING:
    join_media(dial, line);
    line->next_send = WZP_NEVER;
    break;
  default:
    line->next_send = WZP_NEVER;
    break;
  }
}

/* --- Time --- */

WzpTime
wzp_line_last_heard(const WzpLine *line)
{
  return MAX(line->media_heard, wzp_control_last_heard(line->control));
}

static bool
is_alive(const WzpLine *line)
{
  return line->state == WZP_LINE_RINGING || line->state == WZP_LINE_TALKING;
}

static WzpTime
ping_at(const WzpLine *line)
{
  return is_alive(line) ? MAX(wzp_line_last_heard(line), line->last_ping) + PING_AFTER : WZP_NEVER;
}

/* When patience ends in this state, and how the call ends then. */
static WzpTime
end_at(const WzpLine *line, WzpCallEnd *end)
{
  WzpTime lost = WZP_NEVER, answer = WZP_NEVER;
  *end = WZP_END_TIMEOUT;
  switch (line->state) {
  case WZP_LINE_CALLING:
  case WZP_LINE_PROVING:
    *end = line->wrong_identity_told ? WZP_END_WRONG_IDENTITY : WZP_END_NO_ANSWER;
    return line->since + NO_ANSWER;
  case WZP_LINE_HALF_OPEN:
    return line->since + WZP_DIAL_HALF_OPEN_LIFE;
  case WZP_LINE_OVER:
    return line->since + LAST_WORDS;
  case WZP_LINE_RINGING:
    answer = line->since + (line->outgoing ? CALLER_RINGS : CALLEE_RINGS);
    break;
  case WZP_LINE_TALKING:
    if (line->alone_since != WZP_NEVER)
      lost = MAX(wzp_line_last_heard(line), line->alone_since) + ALONE_LOST_AFTER;
    break;
  }
  lost = MIN(lost, wzp_line_last_heard(line) + LOST_AFTER);
  if (lost < answer)
    *end = WZP_END_LOST;
  return MIN(lost, answer);
}

static void
give_up_half_open(WzpDial *dial, WzpTime now, WzpLine *line)
{
  wzp_line_set_state(line, now, WZP_LINE_OVER);
  dial->unfinished++;
  WzpDialEvent *event = wzp_dial_push_event(dial, WZP_DIAL_EVENT_UNFINISHED, line);
  event->count = dial->unfinished;
}

void
wzp_line_timeout(WzpDial *dial, WzpTime now, WzpLine *line)
{
  WzpCallEnd end;
  if (line->state == WZP_LINE_OVER)
    return; /* forgotten when the next message is asked for */
  if (now >= end_at(line, &end)) {
    if (line->state == WZP_LINE_HALF_OPEN)
      give_up_half_open(dial, now, line);
    else
      wzp_line_end(dial, now, line, end, false);
    return;
  }
  if (now >= wzp_line_again_at(line))
    wzp_line_call_again(dial, now, line);
  if (now >= ping_at(line)) {
    line->last_ping = now;
    wzp_control_ping(line->control);
  }
  if (line->control != NULL)
    wzp_line_keys_timeout(dial, now, line);
}

WzpTime
wzp_line_next_timeout(const WzpDial *dial, const WzpLine *line)
{
  WzpCallEnd end;
  WzpTime next = MIN(end_at(line, &end), MIN(ping_at(line), wzp_line_again_at(line)));
  if (line->control != NULL && line->state != WZP_LINE_OVER)
    next = MIN(next, wzp_line_keys_next_timeout(line));
  if (line->control != NULL && (dial->connected || (dial->past_relay && line->path != NULL)))
    next = MIN(next, wzp_control_next_timeout(line->control));
  if (!dial->connected)
    return next;
  if (line->state != WZP_LINE_OVER)
    next = MIN(next, line->next_send);
  return wzp_line_is_done(line, line->since) ? 0 : next;
}
