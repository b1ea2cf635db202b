/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-private.h"
#include <sodium.h>
#include <string.h>

#define FIRST_WORDS (500 * WZP_MSEC)

WzpDial *
wzp_dial_new(const WzpDialConfig *config)
{
  g_return_val_if_fail(config->identity != NULL, NULL);
  WzpDial *dial = g_new0(WzpDial, 1);
  dial->config = *config;
  wzp_random_fill(&dial->config.random, dial->instance, sizeof dial->instance);
  dial->lines = g_ptr_array_new_with_free_func(wzp_dial_line_free);
  g_queue_init(&dial->messages);
  g_queue_init(&dial->last_words);
  g_queue_init(&dial->events);
  return dial;
}

void
wzp_dial_line_free(gpointer data)
{
  WzpLine *line = data;
  wzp_initiator_free(line->initiator);
  wzp_initiator_free(line->again);
  wzp_responder_free(line->responder);
  wzp_control_free(line->control);
  wzp_sender_free(line->sender);
  wzp_receiver_free(line->receiver);
  wzp_path_free(line->path);
  g_queue_clear_full(&line->early, (GDestroyNotify)g_bytes_unref);
  sodium_memzero(line, sizeof *line);
  g_free(line);
}

void
wzp_dial_free(WzpDial *dial)
{
  if (dial == NULL)
    return;
  g_ptr_array_unref(dial->lines);
  g_queue_clear_full(&dial->messages, (GDestroyNotify)g_bytes_unref);
  g_queue_clear_full(&dial->last_words, (GDestroyNotify)g_bytes_unref);
  g_queue_clear_full(&dial->events, g_free);
  g_free(dial);
}

/* --- Lines --- */

WzpLine *
wzp_dial_new_line(WzpDial *dial, WzpTime now, const WzpCallRoute *route, bool outgoing)
{
  WzpLine *line = g_new0(WzpLine, 1);
  line->route = *route;
  line->outgoing = outgoing;
  line->state = outgoing ? WZP_LINE_CALLING : WZP_LINE_HALF_OPEN;
  line->since = line->last_ping = now;
  line->unreachable_since = line->alone_since = WZP_NEVER;
  line->rekey_at = line->offer_again_at = line->drop_at = WZP_NEVER;
  g_ptr_array_add(dial->lines, line);
  return line;
}

static WzpLine *
nth(const WzpDial *dial, unsigned n)
{
  return g_ptr_array_index(dial->lines, n);
}

WzpLine *
wzp_dial_find(const WzpDial *dial, const WzpCallRoute *route)
{
  for (unsigned i = 0; i < dial->lines->len; i++)
    if (memcmp(&nth(dial, i)->route, route, sizeof *route) == 0)
      return nth(dial, i);
  return NULL;
}

/* The call that the person means: the one that is on, whatever it is called. */
static WzpLine *
meant(const WzpDial *dial, const uint8_t *id)
{
  if (dial->on == NULL || (id != NULL && memcmp(dial->on->route.id, id, WZP_CALL_ID_SIZE) != 0))
    return NULL;
  return dial->on;
}

bool
wzp_dial_may_answer(WzpDial *dial, WzpTime now)
{
  unsigned half_open = 0;
  for (unsigned i = 0; i < dial->lines->len; i++)
    half_open += nth(dial, i)->state == WZP_LINE_HALF_OPEN;
  WzpTime *oldest = &dial->answers[dial->n_answers % WZP_DIAL_ANSWERS_MAX];
  if (half_open >= WZP_DIAL_HALF_OPEN_MAX ||
      (dial->n_answers >= WZP_DIAL_ANSWERS_MAX && now - *oldest < WZP_DIAL_ANSWERS_TIME))
    return false;
  *oldest = now;
  dial->n_answers++;
  return true;
}

/* --- What the person wants --- */

WzpResult
wzp_dial_call(WzpDial *dial, WzpTime now, const uint8_t callee[WZP_FINGERPRINT_SIZE],
              const uint8_t key[32])
{
  WzpCallRoute route;
  if (memcmp(callee, dial->config.identity->fingerprint, WZP_FINGERPRINT_SIZE) == 0)
    return WZP_OWN_IDENTITY;
  if (dial->on != NULL && dial->on->transfer_asked &&
      memcmp(callee, dial->on->transfer_to, WZP_FINGERPRINT_SIZE) == 0)
    wzp_line_end(dial, now, dial->on, WZP_END_TRANSFERRED, false);
  if (dial->on != NULL)
    return WZP_UNEXPECTED;
  wzp_random_fill(&dial->config.random, route.id, sizeof route.id);
  memcpy(route.caller, dial->config.identity->fingerprint, sizeof route.caller);
  memcpy(route.callee, callee, sizeof route.callee);
  dial->on = wzp_dial_new_line(dial, now, &route, true);
  wzp_line_call(dial, now, dial->on, key);
  return WZP_OK;
}

static bool
rings_here(const WzpLine *line)
{
  return line != NULL && !line->outgoing && line->state == WZP_LINE_RINGING;
}

WzpResult
wzp_dial_trust(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE])
{
  WzpLine *line = meant(dial, id);
  if (line == NULL || line->control == NULL)
    return WZP_UNEXPECTED;
  wzp_line_trust(dial, now, line);
  return WZP_OK;
}

WzpResult
wzp_dial_accept(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE], WzpAcceptMode mode)
{
  WzpLine *line = meant(dial, id);
  if (!rings_here(line))
    return WZP_UNEXPECTED;
  if (mode == WZP_ACCEPT_REJECT)
    wzp_line_end(dial, now, line, WZP_END_DECLINED, false);
  else
    wzp_line_accept(dial, now, line, mode);
  return WZP_OK;
}

WzpResult
wzp_dial_decline(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE], WzpCallEnd end)
{
  WzpLine *line = meant(dial, id);
  if (!rings_here(line))
    return WZP_UNEXPECTED;
  wzp_line_end(dial, now, line, end < WZP_N_END_SAID ? end : WZP_END_DECLINED, false);
  return WZP_OK;
}

WzpResult
wzp_dial_hang_up(WzpDial *dial, WzpTime now, const uint8_t id[WZP_CALL_ID_SIZE])
{
  WzpLine *line = meant(dial, id);
  if (line == NULL)
    return WZP_UNEXPECTED;
  wzp_line_end(dial, now, line, rings_here(line) ? WZP_END_DECLINED : WZP_END_HUNG_UP, false);
  return WZP_OK;
}

static WzpResult
set_switch(WzpDial *dial, WzpDialType type, bool on)
{
  WzpLine *line = dial->on;
  if (line == NULL || line->state != WZP_LINE_TALKING)
    return WZP_UNEXPECTED;
  bool *value = type == WZP_DIAL_HOLD ? &line->held : &line->muted;
  if (*value != on) {
    const WzpDialMessage message = {.type = type, .on = on};
    *value = on;
    wzp_line_say(line, &message);
  }
  return WZP_OK;
}

WzpResult
wzp_dial_hold(WzpDial *dial, bool on)
{
  return set_switch(dial, WZP_DIAL_HOLD, on);
}

WzpResult
wzp_dial_mute(WzpDial *dial, bool on)
{
  return set_switch(dial, WZP_DIAL_MUTE, on);
}

WzpResult
wzp_dial_transfer(WzpDial *dial, const uint8_t target[WZP_FINGERPRINT_SIZE])
{
  WzpLine *line = dial->on;
  WzpDialMessage message = {.type = WZP_DIAL_TRANSFER};
  if (line == NULL || line->state != WZP_LINE_TALKING)
    return WZP_UNEXPECTED;
  if (memcmp(target, wzp_line_peer(line), WZP_FINGERPRINT_SIZE) == 0 ||
      memcmp(target, dial->config.identity->fingerprint, WZP_FINGERPRINT_SIZE) == 0)
    return WZP_OWN_IDENTITY;
  memcpy(message.target, target, sizeof message.target);
  wzp_line_say(line, &message);
  return WZP_OK;
}

void
wzp_dial_set_mode(WzpDial *dial, WzpAcceptMode mode)
{
  dial->config.mode = mode;
}

/* --- The relay --- */

void
wzp_dial_set_connected(WzpDial *dial, WzpTime now, bool connected)
{
  if (dial->connected == connected)
    return;
  dial->connected = connected;
  if (!connected) { /* these went with the session, if they ever left */
    g_queue_clear_full(&dial->messages, (GDestroyNotify)g_bytes_unref);
    return;
  }
  for (unsigned i = 0; i < dial->lines->len; i++) {
    WzpLine *line = nth(dial, i);
    line->joined = false;
    line->next_send = now;
  }
}

GBytes *
wzp_dial_listen(const WzpDial *dial)
{
  WzpCallMessage message = {.kind = WZP_MESSAGE_LISTEN};
  memcpy(message.instance, dial->instance, sizeof message.instance);
  return wzp_call_message_build(&message);
}

WzpResult
wzp_dial_receive(WzpDial *dial, WzpTime now, const uint8_t *data, size_t length)
{
  WzpCallMessage message;
  WzpResult result = wzp_call_message_parse(&message, data, length);
  if (result != WZP_OK)
    return result;
  WzpLine *line = wzp_dial_find(dial, &message.route);
  switch (message.kind) {
  case WZP_MESSAGE_CALL:
    return wzp_line_receive(dial, now, line, &message);
  case WZP_MESSAGE_CALL_STATUS:
    if (line == NULL)
      return message.status == WZP_CALL_LISTENING ? WZP_OK : WZP_UNKNOWN_SESSION;
    return wzp_line_status(dial, now, line, message.status);
  default:
    return WZP_UNEXPECTED;
  }
}

void
wzp_dial_push_message(WzpDial *dial, const WzpCallMessage *message)
{
  g_queue_push_tail(&dial->messages, wzp_call_message_build(message));
}

static void
forget_done(WzpDial *dial, WzpTime now)
{
  for (unsigned i = dial->lines->len; i-- > 0;) {
    WzpLine *line = nth(dial, i);
    if (!wzp_line_is_done(line, now))
      continue;
    const WzpCallMessage over = {.kind = WZP_MESSAGE_CALL_MEDIA, .route = line->route};
    wzp_dial_push_message(dial, &over);
    g_ptr_array_remove_index(dial->lines, i);
  }
}

static void
poll_records(WzpDial *dial, WzpTime now)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  for (unsigned i = 0; i < dial->lines->len; i++) {
    WzpLine *line = nth(dial, i);
    wzp_line_send(dial, now, line);
    while (line->control != NULL && wzp_control_poll(line->control, now, record, &length)) {
      const WzpCallMessage message = {
          .kind = WZP_MESSAGE_CALL, .route = line->route, .body = record, .body_length = length};
      wzp_dial_push_message(dial, &message);
      /* Last words take both ways: nobody is there to say them again. The first of a call, too: what is said then goes
       * directly where that is ready, and is not to overtake them. */
      bool first = line->state == WZP_LINE_TALKING && now - line->since < FIRST_WORDS;
      if ((first || line->state == WZP_LINE_OVER) && line->path != NULL &&
          wzp_path_reaches(line->path, now))
        g_queue_push_tail(&dial->last_words, g_bytes_new(record, length));
    }
  }
}

GBytes *
wzp_dial_poll(WzpDial *dial, WzpTime now)
{
  if (!dial->connected)
    return NULL;
  if (g_queue_is_empty(&dial->messages)) {
    poll_records(dial, now);
    forget_done(dial, now);
  }
  return g_queue_pop_head(&dial->messages);
}

void
wzp_dial_handle_timeout(WzpDial *dial, WzpTime now)
{
  for (unsigned i = dial->lines->len; i-- > 0;)
    wzp_line_timeout(dial, now, nth(dial, i));
  if (!dial->connected) /* nobody is there to hear what is left */
    forget_done(dial, now);
}

WzpTime
wzp_dial_next_timeout(const WzpDial *dial)
{
  WzpTime next = WZP_NEVER;
  if (dial->connected && !g_queue_is_empty((GQueue *)&dial->messages))
    return 0;
  for (unsigned i = 0; i < dial->lines->len; i++)
    next = MIN(next, wzp_line_next_timeout(dial, nth(dial, i)));
  return next;
}

/* --- The direct path --- */

/* The call that is on, or one whose last words may have to go directly. */
static WzpLine *
path_line(const WzpDial *dial)
{
  if (dial->on != NULL && dial->on->path != NULL)
    return dial->on;
  for (unsigned i = 0; i < dial->lines->len; i++)
    if (nth(dial, i)->path != NULL)
      return nth(dial, i);
  return NULL;
}

WzpPath *
wzp_dial_path(const WzpDial *dial, uint32_t *serial)
{
  const WzpLine *line = path_line(dial);
  if (line == NULL)
    return NULL;
  *serial = line->serial;
  return line->path;
}

WzpResult
wzp_dial_send_path(WzpDial *dial, const uint8_t *message, size_t length)
{
  uint8_t bytes[1 + WZP_PATH_MESSAGE_MAX] = {WZP_DIAL_PATH};
  const WzpLine *line = dial->on;
  if (line == NULL || line->control == NULL)
    return WZP_OK; /* the call is over: nobody needs it any more */
  memcpy(bytes + 1, message, length);
  return wzp_control_send(line->control, bytes, 1 + length);
}

void
wzp_dial_set_past_relay(WzpDial *dial, bool past_relay)
{
  dial->past_relay = past_relay;
}

bool
wzp_dial_poll_direct(WzpDial *dial, WzpTime now, uint8_t record[WZP_DATAGRAM_MAX], size_t *length)
{
  WzpLine *line = path_line(dial);
  g_autoptr(GBytes) last = g_queue_pop_head(&dial->last_words);
  if (last != NULL) {
    *length = g_bytes_get_size(last);
    memcpy(record, g_bytes_get_data(last, NULL), *length);
    return true;
  }
  return dial->past_relay && line != NULL && line->control != NULL &&
         wzp_control_poll(line->control, now, record, length);
}

WzpResult
wzp_dial_receive_direct(WzpDial *dial, WzpTime now, const uint8_t *record, size_t length)
{
  WzpLine *line = path_line(dial);
  if (line == NULL)
    return WZP_UNKNOWN_SESSION;
  const WzpCallMessage message = {
      .kind = WZP_MESSAGE_CALL, .route = line->route, .body = record, .body_length = length};
  return wzp_line_receive(dial, now, line, &message);
}

WzpTime
wzp_dial_last_heard(const WzpDial *dial)
{
  return dial->on != NULL && dial->on->control != NULL ? wzp_line_last_heard(dial->on) : -1;
}

void
wzp_dial_heard_direct(WzpDial *dial, WzpTime now)
{
  WzpLine *line = path_line(dial);
  if (line != NULL)
    line->media_heard = now;
}

/* --- Events --- */

WzpDialEvent *
wzp_dial_push_event(WzpDial *dial, WzpDialEventType type, const WzpLine *line)
{
  WzpDialEvent *event = g_new0(WzpDialEvent, 1);
  event->type = type;
  g_queue_push_tail(&dial->events, event);
  if (line == NULL)
    return event;
  memcpy(event->id, line->route.id, sizeof event->id);
  memcpy(event->peer, wzp_line_peer(line), sizeof event->peer);
  event->outgoing = line->outgoing;
  event->mode = line->mode;
  event->proven = line->control != NULL;
  if (event->proven) {
    memcpy(event->key, line->key, sizeof event->key);
    memcpy(event->sas, line->sas, sizeof event->sas);
  }
  return event;
}

WzpDialEvent
wzp_dial_next_event(WzpDial *dial)
{
  WzpDialEvent event = {.type = WZP_DIAL_EVENT_NONE};
  g_autofree WzpDialEvent *queued = g_queue_pop_head(&dial->events);
  if (queued != NULL)
    event = *queued;
  return event;
}

/* --- What is known --- */

bool
wzp_dial_is_together(const WzpDial *dial)
{
  return dial->on != NULL && dial->on->state == WZP_LINE_TALKING && dial->on->together;
}

bool
wzp_dial_is_finishing(const WzpDial *dial)
{
  return dial->connected && (dial->lines->len > (dial->on != NULL ? 1 : 0) ||
                             !g_queue_is_empty((GQueue *)&dial->messages));
}

static WzpDialState
state_of(const WzpLine *line)
{
  if (line == NULL)
    return WZP_DIAL_IDLE;
  if (line->state == WZP_LINE_TALKING)
    return WZP_DIAL_TALKING;
  return line->outgoing ? WZP_DIAL_DIALLING : WZP_DIAL_RINGS;
}

void
wzp_dial_get_info(const WzpDial *dial, WzpDialInfo *info)
{
  const WzpLine *line = dial->on;
  *info = (WzpDialInfo){.state = state_of(line), .mode = dial->config.mode};
  if (line == NULL)
    return;
  info->together = wzp_dial_is_together(dial);
  info->outgoing = line->outgoing;
  info->proven = line->control != NULL;
  memcpy(info->id, line->route.id, sizeof info->id);
  memcpy(info->peer, wzp_line_peer(line), sizeof info->peer);
  memcpy(info->key, line->key, sizeof info->key);
  memcpy(info->sas, line->sas, sizeof info->sas);
  info->mode = line->mode;
  info->held = line->held;
  info->muted = line->muted;
  info->remote_held = line->remote_held;
  info->remote_muted = line->remote_muted;
  info->slot = wzp_line_slot(line->outgoing);
  info->remote_slot = wzp_line_slot(!line->outgoing);
  info->generation = line->generation;
  info->epoch = line->sender != NULL ? wzp_sender_epoch(line->sender) : 0;
}
