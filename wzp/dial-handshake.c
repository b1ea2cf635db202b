/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-private.h"
#include <sodium.h>
#include <string.h>

/* The handshake of one call, until both are proven. */

/* the relay carries records reliably */
#define RECORD_AGAIN (2 * WZP_SECOND)

static WzpHandshakeConfig
handshake_config(WzpDial *dial, const WzpLine *line)
{
  WzpHandshakeConfig config = {
      .mode = WZP_MODE_CALL,
      .identity = dial->config.identity,
      .capabilities = WZP_CAP_MEDIA_1 | WZP_CAP_TRUNK,
  };
  wzp_random_fill(&dial->config.random, config.cid, sizeof config.cid);
  memcpy(config.call_id, line->route.id, sizeof config.call_id);
  memcpy(config.caller, line->route.caller, sizeof config.caller);
  memcpy(config.callee, line->route.callee, sizeof config.callee);
  return config;
}

/* How calls of ours travel. Who takes none still may make some. */
static WzpAcceptMode
own_mode(const WzpDial *dial)
{
  return dial->config.mode == WZP_ACCEPT_TRUSTED ? WZP_ACCEPT_TRUSTED : WZP_ACCEPT_PRIVATE;
}

static WzpInitiator *
new_initiator(WzpDial *dial, const WzpLine *line)
{
  WzpHandshakeConfig config = handshake_config(dial, line);
  config.has_expected_fingerprint = true;
  memcpy(config.expected_fingerprint, line->route.callee, sizeof config.expected_fingerprint);
  config.has_expected_key = line->has_expected_key;
  memcpy(config.expected_key, line->expected_key, sizeof config.expected_key);
  return wzp_initiator_new(&config, &dial->config.random);
}

void
wzp_line_call(WzpDial *dial, WzpTime now, WzpLine *line, const uint8_t key[32])
{
  line->has_expected_key = key != NULL;
  if (key != NULL)
    memcpy(line->expected_key, key, sizeof line->expected_key);
  line->initiator = new_initiator(dial, line);
  line->mode = own_mode(dial);
  line->next_send = now;
}

WzpTime
wzp_line_again_at(const WzpLine *line)
{
  return line->state == WZP_LINE_PROVING && line->again == NULL
             ? line->proving_since + WZP_DIAL_HALF_OPEN_LIFE
             : WZP_NEVER;
}

void
wzp_line_call_again(WzpDial *dial, WzpTime now, WzpLine *line)
{
  line->again = new_initiator(dial, line);
  line->next_send = now;
}

/* Both have the keys now. */
static void
set_up(WzpDial *dial, WzpTime now, WzpLine *line, const WzpHandshakeKeys *keys)
{
  WzpControlConfig config;
  wzp_control_config_from_keys(&config, keys, line->outgoing);
  config.resend_every = RECORD_AGAIN;
  wzp_control_free(line->control); /* those of a try before */
  g_queue_clear_full(&line->early, (GDestroyNotify)g_bytes_unref);
  line->control = wzp_control_new(&config, now);
  sodium_memzero(&config, sizeof config);
  memcpy(line->key, keys->peer, sizeof line->key);
  memcpy(line->sas, keys->sas, sizeof line->sas);
  line->path_config.initiator = line->outgoing;
  memcpy(line->path_config.send_key, line->outgoing ? keys->path_i2r : keys->path_r2i, 32);
  memcpy(line->path_config.receive_key, line->outgoing ? keys->path_r2i : keys->path_i2r, 32);
  memcpy(line->path_config.ice, keys->ice, sizeof line->path_config.ice);
  line->media_heard = line->last_ping = now;
  wzp_line_set_keys(dial, now, line, keys);
}

WzpResult
wzp_line_handle_hs1(WzpDial *dial, WzpTime now, WzpLine *line, const WzpCallMessage *message)
{
  WzpHs1 hs1;
  uint8_t digest[32];
  const WzpLine *on = dial->on;
  WzpResult result = wzp_hs1_parse(&hs1, message->body, message->body_length);
  if (result != WZP_OK)
    return result;
  if (hs1.mode != WZP_MODE_CALL)
    return WZP_UNKNOWN_KIND;
  if (memcmp(message->route.callee, dial->config.identity->fingerprint, WZP_FINGERPRINT_SIZE) != 0)
    return WZP_UNEXPECTED;
  wzp_hs1_digest(digest, message->body, &hs1);
  if (line != NULL) {
    if (line->state != WZP_LINE_HALF_OPEN || memcmp(digest, line->hs1_digest, sizeof digest) != 0)
      return WZP_UNEXPECTED;
    line->next_send = now; /* the same answer */
    return WZP_OK;
  }
  /* both call each other: the lower one's call is the one */
  if (on != NULL && on->outgoing && on->state != WZP_LINE_TALKING &&
      memcmp(on->route.callee, message->route.caller, WZP_FINGERPRINT_SIZE) == 0 &&
      memcmp(on->route.caller, on->route.callee, WZP_FINGERPRINT_SIZE) < 0)
    return WZP_UNEXPECTED;
  if (!wzp_dial_may_answer(dial, now))
    return WZP_RATE_LIMITED;

  line = wzp_dial_new_line(dial, now, &message->route, false);
  WzpHandshakeConfig config = handshake_config(dial, line);
  line->responder = wzp_responder_new(&config, &dial->config.random, message->body,
                                      message->body_length, NULL, 0, &result);
  if (line->responder == NULL) {
    g_ptr_array_remove(dial->lines, line);
    return result;
  }
  memcpy(line->hs1_digest, digest, sizeof digest);
  line->next_send = now;
  return WZP_OK;
}

WzpResult
wzp_line_handle_hs2(WzpDial *dial, WzpTime now, WzpLine *line, const WzpCallMessage *message)
{
  const uint8_t *payload;
  size_t payload_length;
  uint8_t invite[WZP_DIAL_MESSAGE_MAX], peer[32];
  WzpHandshakeKeys keys;
  bool again = line != NULL && line->state == WZP_LINE_PROVING && line->again != NULL;
  if (line == NULL || (line->state != WZP_LINE_CALLING && !again))
    return WZP_UNEXPECTED;
  WzpInitiator *initiator = again ? line->again : line->initiator;
  WzpResult result = wzp_initiator_read_hs2(initiator, message->body, message->body_length,
                                            &payload, &payload_length, peer);
  if (result == WZP_WRONG_IDENTITY && !line->wrong_identity_told) {
    line->wrong_identity_told = true;
    WzpDialEvent *event = wzp_dial_push_event(dial, WZP_DIAL_EVENT_WRONG_IDENTITY, line);
    memcpy(event->key, peer, sizeof event->key);
  }
  if (result != WZP_OK)
    return result;
  const WzpDialMessage first = {.type = WZP_DIAL_INVITE, .mode = line->mode};
  size_t length = wzp_dial_message_write(invite, &first);
  result = wzp_initiator_finish(initiator, invite, length, &keys);
  if (result != WZP_OK)
    return result;
  if (again) { /* patience is that of the first try */
    wzp_initiator_free(line->initiator);
    line->initiator = g_steal_pointer(&line->again);
  } else {
    wzp_line_set_state(line, now, WZP_LINE_PROVING);
  }
  set_up(dial, now, line, &keys);
  sodium_memzero(&keys, sizeof keys);
  line->next_send = line->proving_since = now;
  wzp_dial_push_event(dial, WZP_DIAL_EVENT_PROVEN, line);
  return WZP_OK;
}

/* The caller is proven. */
static void
begin_to_ring(WzpDial *dial, WzpTime now, WzpLine *line)
{
  WzpLine *on = dial->on;
  bool ours_again =
      on != NULL && memcmp(wzp_line_peer(on), line->route.caller, WZP_FINGERPRINT_SIZE) == 0;
  wzp_line_set_state(line, now, WZP_LINE_RINGING);
  if (dial->config.mode == WZP_ACCEPT_REJECT) {
    wzp_dial_push_event(dial, WZP_DIAL_EVENT_MISSED, line);
    wzp_line_end(dial, now, line, WZP_END_DECLINED, false);
    return;
  }
  if (on != NULL && !ours_again) {
    wzp_dial_push_event(dial, WZP_DIAL_EVENT_MISSED, line);
    wzp_line_end(dial, now, line, WZP_END_BUSY, false);
    return;
  }
  if (on != NULL && on->outgoing && on->state != WZP_LINE_TALKING) {
    if (memcmp(on->route.caller, on->route.callee, WZP_FINGERPRINT_SIZE) < 0) {
      /* it was half-open before we called: ours is the one, and the other side sees that too */
      wzp_line_set_state(line, now, WZP_LINE_OVER);
      return;
    }
    wzp_line_end(dial, now, on, WZP_END_CROSSED, true);
    dial->on = line;
    wzp_line_accept(dial, now, line, own_mode(dial));
    return;
  }
  /* who calls anew has lost the call that we know of */
  if (on != NULL)
    wzp_line_end(dial, now, on, WZP_END_LOST, false);
  dial->on = line;
  const WzpDialMessage ringing = {.type = WZP_DIAL_RINGING};
  wzp_line_say(line, &ringing);
  wzp_dial_push_event(dial, WZP_DIAL_EVENT_INCOMING, line);
}

WzpResult
wzp_line_handle_hs3(WzpDial *dial, WzpTime now, WzpLine *line, const WzpCallMessage *message)
{
  WzpHandshakeKeys keys;
  WzpDialMessage invite;
  const uint8_t *payload;
  size_t payload_length;
  if (line == NULL || line->outgoing)
    return WZP_UNEXPECTED;
  if (line->state != WZP_LINE_HALF_OPEN)
    return WZP_REPLAYED; /* our channel says again by itself what was not heard */
  WzpResult result = wzp_responder_read_hs3(line->responder, message->body, message->body_length,
                                            &keys, &payload, &payload_length);
  if (result != WZP_OK)
    return result;
  set_up(dial, now, line, &keys);
  sodium_memzero(&keys, sizeof keys);
  line->mode = WZP_ACCEPT_PRIVATE;
  if (wzp_dial_message_parse(&invite, payload, payload_length) == WZP_OK &&
      invite.type == WZP_DIAL_INVITE)
    line->mode = invite.mode;
  begin_to_ring(dial, now, line);
  return WZP_OK;
}
