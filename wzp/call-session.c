/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include <sodium.h>
#include <string.h>

#define RESEND_FAST (100 * WZP_MSEC)
#define RESEND_FAST_FOR WZP_SECOND
#define RESEND_SLOW (250 * WZP_MSEC)
/* so long without an answer, each goes twice: not sooner, for the sake of slow links */
#define TWIN_AFTER (500 * WZP_MSEC)
#define TWIN_BEHIND (30 * WZP_MSEC)
#define RESEND_SELDOM WZP_SECOND
#define RESEND_SELDOM_AFTER (5 * WZP_SECOND)
#define ATTEMPT_LIFE (30 * WZP_SECOND)
/* so long after its HS2 the other side has certainly forgotten it, if our HS3 did not come */
#define ANSWER_LIFE (10 * WZP_SECOND)
#define BACK_OFF_DOUBLINGS 3
/* a session that held so long was no refusal */
#define LASTING (30 * WZP_SECOND)

/* --- Sessions --- */

WzpCallSession *
wzp_call_session_new(const WzpHandshakeKeys *keys, bool initiator, const WzpAddress *remote,
                     WzpTime now)
{
  WzpCallSession *session = g_new0(WzpCallSession, 1);
  WzpControlConfig config = {0};
  wzp_control_config_from_keys(&config, keys, initiator);
  session->control = wzp_control_new(&config, now);
  memcpy(session->receive_cid, config.receive_cid, WZP_CID_SIZE);
  sodium_memzero(&config, sizeof config);
  session->remote = *remote;
  session->initiator = initiator;
  session->since = session->media_heard = session->last_ping = now;
  session->asked = WZP_NEVER;
  memcpy(session->session_id, keys->cid_r + WZP_CID_SIZE - sizeof session->session_id,
         sizeof session->session_id);
  wzp_hop_keys_init(&session->hop_keys, keys->hop_i2r);
  return session;
}

void
wzp_call_session_free(WzpCallSession *session)
{
  if (session == NULL)
    return;
  wzp_control_free(session->control);
  wzp_sender_free(session->sender);
  wzp_receiver_free(session->receiver);
  sodium_memzero(session, sizeof *session);
  g_free(session);
}

WzpTime
wzp_call_session_heard(const WzpCallSession *session)
{
  return MAX(session->media_heard, wzp_control_last_heard(session->control));
}

void
wzp_call_session_ping(WzpCallSession *session, WzpTime now)
{
  wzp_control_ping(session->control);
  session->last_ping = now;
  session->asked = MIN(session->asked, now);
}

static WzpCallSession *
pending(const WzpCall *call)
{
  return call->attempt != NULL ? call->attempt->session : NULL;
}

WzpCallSession *
wzp_call_nth_session(const WzpCall *call, unsigned n)
{
  WzpCallSession *newest[] = {pending(call), call->session};
  for (unsigned i = 0; i < G_N_ELEMENTS(newest); i++)
    if (newest[i] != NULL && n-- == 0)
      return newest[i];
  return n < call->old->len ? g_ptr_array_index(call->old, call->old->len - 1 - n) : NULL;
}

WzpCallSession *
wzp_call_find_session(const WzpCall *call, const uint8_t cid[WZP_CID_SIZE])
{
  WzpCallSession *session;
  for (unsigned n = 0; (session = wzp_call_nth_session(call, n)) != NULL; n++)
    if (memcmp(session->receive_cid, cid, WZP_CID_SIZE) == 0)
      break;
  return session;
}

bool
wzp_call_is_remote(const WzpCall *call, const WzpAddress *from)
{
  const WzpCallSession *session;
  for (unsigned n = 0; (session = wzp_call_nth_session(call, n)) != NULL; n++)
    if (wzp_address_equal(&session->remote, from) || wzp_call_carrier_knows(call, from))
      break;
  return session != NULL;
}

void
wzp_call_heard(WzpCall *call, WzpCallSession *session)
{
  session->asked = WZP_NEVER;
  if (session != call->session)
    return;
  call->attempt_at = WZP_NEVER;
  /* once HS3 left, the other side may already have changed over: then the new session must come */
  if (call->attempt != NULL && call->attempt->session == NULL)
    wzp_call_attempt_stop(call);
  if (call->attempt == NULL)
    call->lost = false;
}

/* The relay hears us from another address than before and asks whether it is us. */
static void
answer_challenge(WzpCall *call, WzpTime now, WzpCallSession *session, const WzpAddress *from)
{
  uint8_t challenge[WZP_CHALLENGE_SIZE], answer[WZP_DATAGRAM_MAX];
  size_t length;
  if (wzp_control_take_challenge(session->control, challenge) &&
      call->config.mode == WZP_CALL_RELAY &&
      wzp_call_carrier_challenged(call, now, session, from) &&
      wzp_control_answer(session->control, now, challenge, answer, &length))
    wzp_call_push_datagram(call, from, answer, length);
}

WzpResult
wzp_call_handle_record(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data,
                       size_t length)
{
  if (length < WZP_CONTROL_OVERHEAD)
    return WZP_TRUNCATED;
  WzpCallSession *session = wzp_call_find_session(call, data + 1);
  if (session == NULL)
    return WZP_UNKNOWN_SESSION;
  if (!wzp_address_equal(from, &session->remote) && !wzp_call_carrier_knows(call, from))
    return WZP_UNKNOWN_SOURCE;
  WzpResult result = wzp_control_receive(session->control, now, data, length);
  if (result != WZP_OK)
    return result;

  wzp_control_drop_first(session->control);
  call->moved = 0;
  wzp_call_carrier_heard(call, from);
  answer_challenge(call, now, session, from);
  if (session == pending(call)) {
    call->attempt->session = NULL;
    wzp_call_attempt_stop(call);
    call->stats.handshakes_completed++;
    if (call->config.mode == WZP_CALL_RELAY)
      wzp_call_hop_promote(call, now, session);
    else
      wzp_call_udp_promote(call, now, session);
  }
  wzp_call_heard(call, session);
  if (call->config.mode == WZP_CALL_RELAY)
    wzp_call_hop_record(call, now);
  else
    wzp_call_udp_record(call, now, session);
  return WZP_OK;
}

void
wzp_call_back_off(WzpCall *call, WzpTime now, const WzpCallSession *session)
{
  if (now - session->since >= LASTING)
    call->back_off = 0;
  call->attempt_at = now + (WZP_SECOND << MIN(call->back_off, BACK_OFF_DOUBLINGS)) +
                     wzp_call_random_time(call, WZP_SECOND);
  call->back_off++;
}

/* --- Handshakes that we start --- */

static void
add_remote(WzpCallAttempt *attempt, const WzpAddress *remote)
{
  if (!wzp_call_attempt_targets(attempt, remote))
    attempt->remotes[attempt->n_remotes++] = *remote;
}

static void
put_message(WzpCall *call, const WzpAddress *to)
{
  size_t length;
  const uint8_t *message = wzp_initiator_message(call->attempt->initiator, &length);
  wzp_call_push_datagram(call, to, message, length);
}

static void
send_message(WzpCall *call, WzpTime now)
{
  WzpCallAttempt *attempt = call->attempt;
  for (unsigned i = 0; i < attempt->n_remotes; i++) {
    put_message(call, &attempt->remotes[i]);
    wzp_call_carrier_asked(call, now, &attempt->remotes[i], WZP_CARRIER_SILENT);
  }
  attempt->next_send =
      now + (now - attempt->message_since < RESEND_FAST_FOR ? RESEND_FAST : RESEND_SLOW);
  attempt->twin_at = now - attempt->message_since >= TWIN_AFTER ? now + TWIN_BEHIND : WZP_NEVER;
  /* nothing is missed meanwhile */
  if (attempt->session == NULL && now - attempt->message_since >= RESEND_SELDOM_AFTER &&
      wzp_call_path_reaches(call, now)) {
    attempt->next_send = now + RESEND_SELDOM;
    attempt->twin_at = WZP_NEVER;
  }
}

/* Of two that are lost apart one is there more often; a stream loses neither. */
static void
send_twin(WzpCall *call)
{
  WzpCallAttempt *attempt = call->attempt;
  attempt->twin_at = WZP_NEVER;
  for (unsigned i = 0; i < attempt->n_remotes; i++)
    if (attempt->remotes[i].stream == 0)
      put_message(call, &attempt->remotes[i]);
}

void
wzp_call_attempt_start(WzpCall *call, WzpTime now)
{
  bool hop = call->config.mode == WZP_CALL_RELAY;
  WzpHandshakeConfig config = {
      .mode = hop ? WZP_MODE_HOP : WZP_MODE_UDP,
      .identity = call->identity,
      .capabilities = WZP_CALL_CAPABILITIES,
      .has_expected_key = hop && call->config.has_relay_key,
      .has_expected_fingerprint = hop && call->config.has_relay_fingerprint,
  };
  memcpy(config.expected_key, call->config.relay_key, sizeof config.expected_key);
  memcpy(config.expected_fingerprint, call->config.relay_fingerprint,
         sizeof config.expected_fingerprint);
  memcpy(config.psk, call->config.psk, sizeof config.psk);
  wzp_random_fill(&call->config.random, config.cid, sizeof config.cid);

  wzp_call_attempt_stop(call);
  WzpCallAttempt *attempt = call->attempt = g_new0(WzpCallAttempt, 1);
  attempt->initiator = wzp_initiator_new(&config, &call->config.random);
  sodium_memzero(&config, sizeof config);
  attempt->started = attempt->message_since = now;
  for (unsigned i = 0; i < call->config.n_remotes; i++)
    add_remote(attempt, &call->config.remotes[i]);
  if (call->carrier.up)
    add_remote(attempt, &call->stream);
  /* a box that waits for the other has no address but the one that it came from */
  if (!hop && call->session != NULL)
    add_remote(attempt, &call->session->remote);
  call->attempt_at = WZP_NEVER;
  call->stats.handshakes_started++;
  send_message(call, now);
}

void
wzp_call_attempt_stop(WzpCall *call)
{
  if (call->attempt == NULL)
    return;
  wzp_initiator_free(call->attempt->initiator);
  wzp_call_session_free(call->attempt->session);
  g_clear_pointer(&call->attempt, g_free);
}

void
wzp_call_attempt_add(WzpCall *call, WzpTime now, const WzpAddress *remote)
{
  WzpCallAttempt *attempt = call->attempt;
  (void)now;
  if (attempt == NULL || attempt->session != NULL ||
      attempt->n_remotes == G_N_ELEMENTS(attempt->remotes))
    return;
  add_remote(attempt, remote);
  put_message(call, remote);
}

void
wzp_call_attempt_forget(WzpCall *call, WzpTime now, const WzpAddress *remote)
{
  WzpCallAttempt *attempt = call->attempt;
  if (attempt == NULL || !wzp_call_attempt_targets(attempt, remote))
    return;
  if (attempt->session != NULL) { /* HS3 went there, and nowhere else */
    wzp_call_attempt_stop(call);
    call->attempt_at = now;
    return;
  }
  unsigned kept = 0;
  for (unsigned i = 0; i < attempt->n_remotes; i++)
    if (!wzp_address_equal(&attempt->remotes[i], remote))
      attempt->remotes[kept++] = attempt->remotes[i];
  attempt->n_remotes = kept;
}

bool
wzp_call_attempt_targets(const WzpCallAttempt *attempt, const WzpAddress *address)
{
  for (unsigned i = 0; i < attempt->n_remotes; i++)
    if (wzp_address_equal(&attempt->remotes[i], address))
      return true;
  return false;
}

static WzpResult
handle_hs2(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data, size_t length)
{
  WzpCallAttempt *attempt = call->attempt;
  const uint8_t *payload;
  uint8_t peer[32], first[WZP_HANDSHAKE_PAYLOAD_MAX];
  size_t payload_length;
  WzpResult result =
      wzp_initiator_read_hs2(attempt->initiator, data, length, &payload, &payload_length, peer);
  if (result == WZP_WRONG_IDENTITY)
    wzp_call_hop_wrong_relay(call, peer);
  if (result != WZP_OK)
    return result;
  wzp_call_carrier_heard(call, from);

  WzpWriter message;
  wzp_writer_init(&message, first, sizeof first);
  if (call->config.mode == WZP_CALL_RELAY) {
    result = wzp_call_hop_answered(call, peer, payload, payload_length, data + 1 + WZP_CID_SIZE,
                                   &message);
    if (result != WZP_OK) {
      /* the one answer that this HS1 may have is used up */
      wzp_call_attempt_stop(call);
      call->attempt_at = now + WZP_SECOND;
      return result;
    }
  }
  WzpHandshakeKeys keys;
  result = wzp_initiator_finish(attempt->initiator, first, message.length, &keys);
  sodium_memzero(first, sizeof first); /* a token may stand in it */
  if (result != WZP_OK)
    return result;
  attempt->session = wzp_call_session_new(&keys, true, from, now);
  if (call->config.mode == WZP_CALL_UDP)
    wzp_call_udp_set_up(call, attempt->session, &keys);
  sodium_memzero(&keys, sizeof keys);
  attempt->remotes[0] = *from;
  attempt->n_remotes = 1;
  attempt->message_since = now;
  send_message(call, now);
  return WZP_OK;
}

WzpResult
wzp_call_attempt_handle(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data,
                        size_t length)
{
  if (call->attempt == NULL)
    return WZP_UNEXPECTED;
  if (!wzp_call_attempt_targets(call->attempt, from))
    return WZP_UNKNOWN_SOURCE;
  if (wzp_datagram_kind(data, length) != WZP_DATAGRAM_COOKIE)
    return handle_hs2(call, now, from, data, length);
  WzpResult result = wzp_initiator_read_cookie(call->attempt->initiator, data, length);
  if (result == WZP_OK && !call->attempt->has_cookie) {
    /* once, so that cookies cannot make us send faster than the schedule does */
    call->attempt->has_cookie = true;
    send_message(call, now);
  }
  return result;
}

static WzpTime
life_of(const WzpCallAttempt *attempt)
{
  WzpTime end = attempt->started + ATTEMPT_LIFE;
  return attempt->session != NULL ? MIN(end, attempt->message_since + ANSWER_LIFE) : end;
}

void
wzp_call_attempt_timeout(WzpCall *call, WzpTime now)
{
  if (now >= call->attempt_at)
    wzp_call_attempt_start(call, now);
  WzpCallAttempt *attempt = call->attempt;
  if (attempt == NULL)
    return;
  if (now >= life_of(attempt)) {
    if (call->session != NULL && !call->lost)
      wzp_call_attempt_stop(call);
    else
      wzp_call_attempt_start(call, now);
  } else if (now >= attempt->next_send) {
    send_message(call, now);
  } else if (now >= attempt->twin_at) {
    send_twin(call);
  }
}

WzpTime
wzp_call_attempt_next_timeout(const WzpCall *call)
{
  const WzpCallAttempt *attempt = call->attempt;
  if (attempt == NULL)
    return call->attempt_at;
  return MIN(MIN(call->attempt_at, attempt->twin_at), MIN(attempt->next_send, life_of(attempt)));
}
