/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include "auth.h"
#include <sodium.h>
#include <string.h>

/* The session to the relay: who the relay is, whether it still hears us, and finding it again. */

#define KEEP_ALIVE (8 * WZP_SECOND)
#define MEDIA_MEMORY (10 * WZP_SECOND) /* so long after a media packet we watch closely */
#define SILENCE_ASK WZP_SECOND
#define SILENCE_LOST (1500 * WZP_MSEC)
#define SILENCE_LOST_STREAM (5 * WZP_SECOND) /* TCP sends again by itself, and that takes time */
#define ASK_EVERY (250 * WZP_MSEC)
#define ASK_EARLY (100 * WZP_MSEC) /* for so long, where answers come as soon: */
#define ASK_EARLY_FOR (2 * WZP_SECOND)
#define ASK_SLACK (20 * WZP_MSEC)
#define ASKED_ENOUGH 12 /* times: a network that loses half of all would have answered */
#define MOVED_EVERY (40 * WZP_MSEC)
#define MOVED_PINGS                                                                                \
  15 /* unless one is answered sooner: then nothing changed for the relay, or it knows */
#define ASK_FOR (3 * WZP_SECOND)
#define SPREAD WZP_SECOND /* so that not all clients of a relay come back at once */

bool
wzp_call_hop_shows_token(const WzpCall *call)
{
  bool anybodys = call->first_use || call->config.relay_key_unproven;
  return call->config.token != NULL && (!anybodys || call->config.token_at_first_use);
}

/* What we are here for: the JOIN, or that we listen. */
static GBytes *
first_message(const WzpCall *call)
{
  if (call->dial != NULL)
    return wzp_dial_listen(call->dial);
  uint8_t join[1 + WZP_JOIN_BLOB_SIZE] = {WZP_MESSAGE_JOIN};
  memcpy(join + 1, wzp_group_join(call->group), WZP_JOIN_BLOB_SIZE);
  return g_bytes_new(join, sizeof join);
}

/* What the relay hears first: the same, and the token before it. */
static size_t
greeting_length(const WzpCall *call)
{
  g_autoptr(GBytes) first = first_message(call);
  size_t length = g_bytes_get_size(first);
  return wzp_call_hop_shows_token(call) ? WZP_AUTH_OVERHEAD + strlen(call->config.token) + length
                                        : length;
}

static void
write_greeting(const WzpCall *call, WzpWriter *writer)
{
  g_autoptr(GBytes) first = first_message(call);
  size_t length;
  const uint8_t *data = g_bytes_get_data(first, &length);
  if (wzp_call_hop_shows_token(call))
    wzp_auth_write(writer, call->config.token, data, length);
  else
    wzp_writer_bytes(writer, data, length);
}

/* One that is too long for HS3. */
static void
send_greeting(WzpCall *call, WzpCallSession *session)
{
  size_t length = greeting_length(call);
  g_autofree uint8_t *message = g_malloc(length);
  WzpWriter writer;
  wzp_writer_init(&writer, message, length);
  write_greeting(call, &writer);
  WzpResult result = wzp_control_send(session->control, message, length);
  g_assert(result == WZP_OK); /* the first in an empty queue */
  sodium_memzero(message, length);
}

WzpResult
wzp_call_hop_answered(WzpCall *call, const uint8_t relay_key[32], const uint8_t *payload,
                      size_t length, const uint8_t cid_r[WZP_CID_SIZE], WzpWriter *first_message)
{
  WzpReader reader;
  WzpAddress observed;
  wzp_reader_init(&reader, payload, length);
  const uint8_t *session_id = wzp_reader_bytes(&reader, 4);
  if (!wzp_address_read(&observed, &reader) || reader.failed ||
      memcmp(session_id, cid_r + WZP_CID_SIZE - 4, 4) != 0)
    return WZP_MALFORMED;
  uint16_t second_port = wzp_reader_u16(&reader);
  wzp_call_nat_answered(call, &observed, reader.failed ? 0 : second_port);

  if (!call->config.has_relay_key) {
    call->first_use = !call->config.has_relay_fingerprint;
    call->config.has_relay_key = true;
    memcpy(call->config.relay_key, relay_key, sizeof call->config.relay_key);
    memcpy(wzp_call_push_event(call, WZP_EVENT_RELAY_KEY)->key, relay_key, 32);
  }
  /* made once: showing the same JOIN again lets the members keep their keys */
  if (call->group == NULL && call->dial == NULL) {
    call->group =
        wzp_group_new(call->identity, &call->config.room, relay_key, &call->config.random);
    wzp_group_set_direct(call->group, call->config.accept_mode == WZP_ACCEPT_TRUSTED);
    WzpResult result = wzp_group_set_list(call->group, 0, call->config.list);
    if (result != WZP_OK) {
      wzp_call_push_event(call, WZP_EVENT_WRONG_LIST);
      wzp_call_end(call);
      return result;
    }
  }
  if (greeting_length(call) <= WZP_HANDSHAKE_PAYLOAD_MAX)
    write_greeting(call, first_message);
  return WZP_OK;
}

void
wzp_call_hop_wrong_relay(WzpCall *call, const uint8_t key[32])
{
  if (call->changed_reported)
    return;
  call->changed_reported = true;
  memcpy(wzp_call_push_event(call, WZP_EVENT_RELAY_CHANGED)->key, key, 32);
  if (!call->connected_once)
    wzp_call_end(call);
}

/* Media go there, or came lately: then silence is noticed soon. */
static bool
talks(const WzpCall *call, WzpTime now)
{
  const WzpCallSession *session = call->session;
  WzpTime last = call->media_sent;
  if (session->media_heard > session->since)
    last = MAX(last, session->media_heard);
  return last > 0 && now < last + MEDIA_MEMORY;
}

static WzpTime
ask_interval(const WzpCallSession *session)
{
  WzpTime round_trip = wzp_control_round_trip(session->control);
  if (round_trip < 0 || session->asked == WZP_NEVER ||
      session->last_ping >= session->asked + ASK_EARLY_FOR)
    return ASK_EVERY;
  return CLAMP(round_trip + ASK_SLACK, ASK_EARLY, ASK_EVERY);
}

static void
ask(WzpCall *call, WzpTime now)
{
  WzpTime patience = WZP_CARRIER_SILENT;
  wzp_call_session_ping(call->session, now);
  if (talks(call, now))
    patience = MAX(WZP_CARRIER_SILENT_TALKING, ASKED_ENOUGH * ask_interval(call->session)) +
               MAX(wzp_control_round_trip(call->session->control), 0);
  wzp_call_carrier_asked(call, now, &call->session->remote, patience);
}

void
wzp_call_hop_sends_media(WzpCall *call, WzpTime now)
{
  if (now - call->media_sent > SILENCE_ASK)
    call->session->watched_from = now;
}

void
wzp_call_hop_moved(WzpCall *call, WzpTime now)
{
  if (call->session == NULL)
    return;
  call->moved = MOVED_PINGS;
  call->moved_next = now;
}

/* The relay learns by what it hears from elsewhere that we moved, and asks; one of these may be lost. */
static void
tell_move(WzpCall *call, WzpTime now)
{
  if (call->moved == 0 || now < call->moved_next)
    return;
  call->moved--;
  call->moved_next = now + MOVED_EVERY;
  ask(call, now);
}

void
wzp_call_hop_promote(WzpCall *call, WzpTime now, WzpCallSession *session)
{
  wzp_call_session_free(call->session);
  call->session = session;
  session->since = now;
  wzp_call_carrier_set(call, now, &session->remote);
  call->connected_once = true;
  call->changed_reported = false;
  if (greeting_length(call) > WZP_HANDSHAKE_PAYLOAD_MAX)
    send_greeting(call, session);
  if (call->dial != NULL)
    wzp_call_dial_promoted(call, now);
  wzp_call_nat_start(call, now);
  ask(call, now); /* to know the round trip early */
}

static void
handle_close(WzpCall *call, WzpTime now, WzpCloseReason reason)
{
  bool changing_over = call->attempt != NULL && call->attempt->session != NULL;
  if (reason == WZP_CLOSE_REPLACED && changing_over)
    return; /* by our own new session */
  wzp_call_push_event(call, WZP_EVENT_CLOSED)->reason = reason;
  if (reason == WZP_CLOSE_REPLACED) {
    wzp_call_end(call);
    return;
  }
  WzpCallSession *session = g_steal_pointer(&call->session);
  if (!changing_over) {
    wzp_call_attempt_stop(call);
    wzp_call_back_off(call, now, session);
  }
  wzp_call_session_free(session);
}

void
wzp_call_hop_record(WzpCall *call, WzpTime now)
{
  GBytes *message;
  WzpCloseReason reason;
  while (call->session != NULL && call->state != WZP_CALL_ENDED &&
         (message = wzp_control_next_message(call->session->control)) != NULL) {
    size_t length;
    const uint8_t *data = g_bytes_get_data(message, &length);
    wzp_call_room_message(call, now, data, length);
    g_bytes_unref(message);
  }
  if (call->session != NULL && call->state != WZP_CALL_ENDED &&
      wzp_control_take_close(call->session->control, &reason))
    handle_close(call, now, reason);
}

/* When a silent session is asked for a sign of life, and when it counts as lost. */
typedef struct {
  WzpTime ask, lost;
} Watch;

static Watch
watch(const WzpCall *call)
{
  const WzpCallSession *session = call->session;
  WzpTime heard = wzp_call_session_heard(session);
  WzpTime again = session->last_ping + ask_interval(session);
  WzpTime keep_alive = MAX(wzp_control_last_sent(session->control), call->media_sent) + KEEP_ALIVE;
  WzpTime ask = MAX(heard + SILENCE_ASK, again);
  if (talks(call, ask)) {
    /* on a slow path the answer to the first PING needs its time */
    WzpTime round_trip = wzp_control_round_trip(session->control);
    WzpTime lost = session->remote.stream != 0 ? SILENCE_LOST_STREAM : SILENCE_LOST;
    WzpTime patience = MAX(lost, SILENCE_ASK + round_trip + ASK_EVERY);
    return (Watch){MIN(ask, keep_alive), MAX(heard, session->watched_from) + patience};
  }
  /* a message that is not acknowledged asks as well as a PING */
  WzpTime asked = wzp_control_waiting_since(session->control);
  asked = MIN(session->asked, asked != WZP_NEVER ? MAX(asked, heard) : WZP_NEVER);
  if (asked != WZP_NEVER)
    return (Watch){MAX(asked + SILENCE_ASK, again),
                   asked + (session->remote.stream != 0 ? SILENCE_LOST_STREAM : ASK_FOR)};
  /* what is sent again and again, because nothing answers, is no sign of life */
  return (Watch){MIN(keep_alive, MAX(heard + KEEP_ALIVE, again)), WZP_NEVER};
}

static bool
seeking(const WzpCall *call)
{
  return call->attempt != NULL || call->attempt_at != WZP_NEVER;
}

void
wzp_call_hop_lose(WzpCall *call, WzpTime now)
{
  call->lost = true;
  if (!seeking(call))
    call->attempt_at = now + wzp_call_random_time(call, SPREAD);
}

void
wzp_call_hop_timeout(WzpCall *call, WzpTime now)
{
  wzp_call_carrier_timeout(call, now);
  if (call->session == NULL)
    return;
  tell_move(call, now);
  Watch due = watch(call);
  if (now >= due.lost && !seeking(call)) {
    wzp_call_hop_lose(call, now);
    if (call->session->remote.stream != 0)
      wzp_carrier_stuck(&call->carrier);
  }
  if (now >= due.ask)
    ask(call, now);
}

WzpTime
wzp_call_hop_next_timeout(const WzpCall *call)
{
  if (call->session == NULL)
    return WZP_NEVER;
  Watch due = watch(call);
  WzpTime next = seeking(call) ? due.ask : MIN(due.ask, due.lost);
  return call->moved > 0 ? MIN(next, call->moved_next) : next;
}
