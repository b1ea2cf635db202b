/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include <sodium.h>
#include <string.h>

/* UDP mode: two boxes, a key file, no relay. Both may start handshakes; a new session replaces the one in
 * use when it completes, and the one before is still opened for a while. */

#define PING_EVERY WZP_SECOND
#define SILENCE_LOST (3 * WZP_SECOND)
#define OLD_LIFE (10 * WZP_SECOND) /* of a replaced session, since it was heard last */
#define OLD_MAX 4
#define HALF_OPEN_LIFE (10 * WZP_SECOND)
#define HALF_OPEN_MAX 64
#define HALF_OPEN_EVERY (50 * WZP_MSEC) /* an old HS1, sent again by anyone, still has a good MAC */
#define HALF_OPEN_BURST 20
/* so long our own HS3 goes first; a peer that still starts anew has lost it with a restart */
#define CROSSING_FOR (2 * WZP_SECOND)
/* a packet's slot says of which session it is, so that it is tried with one key only */
#define SLOT_PAIRS ((WZP_SLOT_MAX + 1) / 2)

/* An HS1 that we answered. */
typedef struct {
  WzpResponder *responder;
  WzpAddress from;
  uint8_t digest[32], cid[WZP_CID_SIZE];
  WzpTime since;
} HalfOpen;

static void
half_open_free(gpointer data)
{
  HalfOpen *entry = data;
  wzp_responder_free(entry->responder);
  g_free(entry);
}

void
wzp_call_udp_start(WzpCall *call)
{
  /* fresh per start: the key file is what authenticates */
  call->fresh_identity = wzp_identity_new_random(&call->config.random);
  call->identity = call->fresh_identity;
  call->odd_start = true; /* so that the first peer's is even */
  call->half_open = g_ptr_array_new_with_free_func(half_open_free);
}

void
wzp_call_udp_free(WzpCall *call)
{
  g_clear_pointer(&call->half_open, g_ptr_array_unref);
  wzp_identity_free(call->fresh_identity);
  call->fresh_identity = NULL;
}

void
wzp_call_udp_set_up(WzpCall *call, WzpCallSession *session, const WzpHandshakeKeys *keys)
{
  uint8_t sid[32];
  const uint8_t *ours = session->initiator ? keys->media_i : keys->media_r;
  const uint8_t *theirs = session->initiator ? keys->media_r : keys->media_i;
  session->serial = call->n_sessions++;
  uint8_t pair = (uint8_t)(keys->th4[0] % SLOT_PAIRS * 2);
  session->slot = session->initiator ? pair : pair | 1;
  session->peer_slot = session->initiator ? pair | 1 : pair;
  memcpy(session->peer, keys->peer, sizeof session->peer);
  if (memcmp(call->last_peer, keys->peer, sizeof call->last_peer) != 0)
    call->odd_start = !call->odd_start;
  memcpy(call->last_peer, keys->peer, sizeof call->last_peer);
  session->odd_start = call->odd_start;
  wzp_stream_id(sid, call->identity->ed25519_public, keys->th4);
  session->sender = wzp_sender_new(sid, ours, 0);
  wzp_stream_id(sid, keys->peer, keys->th4);
  session->receiver = wzp_receiver_new(sid);
  wzp_receiver_add_base(session->receiver, 0, theirs);
}

/* The peer as a member: gone when its identity is no more, here when a session is up. */
static void
report_member(WzpCall *call)
{
  const WzpCallSession *session = call->session;
  if (call->has_member &&
      (session == NULL || memcmp(call->member.id, session->peer, sizeof call->member.id) != 0)) {
    WzpEvent *event = wzp_call_push_event(call, WZP_EVENT_MEMBER_LEFT);
    event->slot = call->member.slot;
    memcpy(event->key, call->member.id, sizeof event->key);
    wzp_call_hearing_left(call, call->member.slot);
    call->has_member = false;
  }
  if (call->has_member && session != NULL)
    call->member.slot = session->peer_slot;
  if (call->has_member || session == NULL)
    return;
  call->has_member = true;
  call->member = (WzpMemberInfo){
      .slot = session->peer_slot,
      .state = WZP_MEMBER_CONFIRMED,
      .has_our_key = true,
      .we_have_key = true,
  };
  memcpy(call->member.id, session->peer, sizeof call->member.id);
  WzpEvent *event = wzp_call_push_event(call, WZP_EVENT_MEMBER);
  event->slot = call->member.slot;
  memcpy(event->key, call->member.id, sizeof event->key);
}

void
wzp_call_udp_promote(WzpCall *call, WzpTime now, WzpCallSession *session)
{
  if (call->session != NULL) {
    if (call->old->len == OLD_MAX)
      g_ptr_array_remove_index(call->old, 0);
    g_ptr_array_add(call->old, call->session);
  }
  call->session = session;
  session->since = now;
  call->was_up = true;
  call->attempt_at = WZP_NEVER;
  /* an attempt whose HS3 left may be the one that the peer goes by: let it complete as well */
  if (call->attempt != NULL && call->attempt->session == NULL)
    wzp_call_attempt_stop(call);
  call->lost = false;
  report_member(call);
  wzp_call_session_ping(session, now); /* a responder's first record, an initiator's first answer */
}

/* --- Answering --- */

static HalfOpen *
find_half_open(const WzpCall *call, const WzpAddress *from, const uint8_t digest[32])
{
  for (unsigned i = 0; i < call->half_open->len; i++) {
    HalfOpen *entry = g_ptr_array_index(call->half_open, i);
    if (wzp_address_equal(&entry->from, from) && memcmp(entry->digest, digest, 32) == 0)
      return entry;
  }
  return NULL;
}

/* Is the other box at this address, for all that we know? */
static bool
is_expected(const WzpCall *call, const WzpAddress *from)
{
  for (unsigned i = 0; i < call->config.n_remotes; i++)
    if (wzp_address_equal(&call->config.remotes[i], from))
      return true;
  return wzp_call_is_remote(call, from);
}

static WzpResult
new_half_open(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data,
              size_t length, HalfOpen **out)
{
  WzpTime earliest = now - HALF_OPEN_BURST * HALF_OPEN_EVERY;
  WzpTime *budget = &call->half_open_budget[is_expected(call, from)];
  if (*budget > now)
    return WZP_RATE_LIMITED;
  *budget = MAX(*budget, earliest) + HALF_OPEN_EVERY;

  WzpHandshakeConfig config = {
      .mode = WZP_MODE_UDP,
      .identity = call->identity,
      .capabilities = WZP_CALL_CAPABILITIES,
  };
  WzpResult result;
  memcpy(config.psk, call->config.psk, sizeof config.psk);
  wzp_random_fill(&call->config.random, config.cid, sizeof config.cid);
  HalfOpen *entry = g_new0(HalfOpen, 1);
  entry->responder =
      wzp_responder_new(&config, &call->config.random, data, length, NULL, 0, &result);
  memcpy(entry->cid, config.cid, sizeof entry->cid);
  sodium_memzero(&config, sizeof config);
  if (entry->responder == NULL) {
    g_free(entry);
    return result;
  }
  entry->from = *from;
  entry->since = now;
  if (call->half_open->len == HALF_OPEN_MAX)
    g_ptr_array_remove_index(call->half_open, 0);
  g_ptr_array_add(call->half_open, entry);
  *out = entry;
  return WZP_OK;
}

/* Both started: the lower commitment stays initiator, so one of the two HS1s is not answered. */
static WzpResult
check_crossing(const WzpCall *call, WzpTime now, const WzpAddress *from, const WzpHs1 *hs1)
{
  const WzpCallAttempt *attempt = call->attempt;
  if (attempt == NULL)
    return WZP_OK;
  int order =
      memcmp(wzp_initiator_commitment(attempt->initiator), hs1->commitment, sizeof hs1->commitment);
  if (order == 0)
    return WZP_OWN_IDENTITY;
  bool ours_goes_on = wzp_call_attempt_targets(attempt, from) &&
                      (attempt->session == NULL || now - attempt->message_since < CROSSING_FOR);
  return order < 0 && ours_goes_on ? WZP_UNEXPECTED : WZP_OK;
}

WzpResult
wzp_call_udp_handle_hs1(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data,
                        size_t length)
{
  WzpHs1 hs1;
  WzpResult result = wzp_hs1_parse(&hs1, data, length);
  if (result != WZP_OK)
    return result;
  if (hs1.mode != WZP_MODE_UDP)
    return WZP_UNKNOWN_KIND;
  if (!wzp_hs1_check_psk(data, &hs1, call->config.psk))
    return WZP_BAD_COOKIE;
  result = check_crossing(call, now, from, &hs1);
  if (result != WZP_OK)
    return result;

  uint8_t digest[32];
  wzp_hs1_digest(digest, data, &hs1);
  HalfOpen *entry = find_half_open(call, from, digest);
  if (entry == NULL) {
    result = new_half_open(call, now, from, data, length, &entry);
    if (result != WZP_OK)
      return result;
    memcpy(entry->digest, digest, sizeof entry->digest);
  }
  size_t hs2_length;
  const uint8_t *hs2 = wzp_responder_message(entry->responder, &hs2_length);
  wzp_call_push_datagram(call, from, hs2, hs2_length);
  return WZP_OK;
}

/* HS3 came again: our first record may have been lost. */
static WzpResult
repeat_first_record(WzpCall *call, const WzpCallSession *session)
{
  size_t length;
  const uint8_t *record = wzp_control_first_record(session->control, &length);
  if (record == NULL)
    return WZP_REPLAYED;
  wzp_call_push_datagram(call, &session->remote, record, length);
  return WZP_OK;
}

WzpResult
wzp_call_udp_handle_hs3(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data,
                        size_t length)
{
  if (length < 1 + WZP_CID_SIZE)
    return WZP_TRUNCATED;
  const WzpCallSession *known = wzp_call_find_session(call, data + 1);
  if (known != NULL && !known->initiator)
    return wzp_address_equal(from, &known->remote) ? repeat_first_record(call, known)
                                                   : WZP_UNKNOWN_SOURCE;
  HalfOpen *entry = NULL;
  for (unsigned i = 0; i < call->half_open->len && entry == NULL; i++) {
    HalfOpen *candidate = g_ptr_array_index(call->half_open, i);
    if (memcmp(candidate->cid, data + 1, WZP_CID_SIZE) == 0)
      entry = candidate;
  }
  if (entry == NULL)
    return WZP_UNKNOWN_SESSION;
  if (!wzp_address_equal(from, &entry->from))
    return WZP_UNKNOWN_SOURCE;

  WzpHandshakeKeys keys;
  const uint8_t *payload;
  size_t payload_length;
  WzpResult result =
      wzp_responder_read_hs3(entry->responder, data, length, &keys, &payload, &payload_length);
  if (result != WZP_OK)
    return result;
  WzpCallSession *session = wzp_call_session_new(&keys, false, from, now);
  wzp_call_udp_set_up(call, session, &keys);
  sodium_memzero(&keys, sizeof keys);
  call->stats.handshakes_completed++;
  wzp_call_udp_promote(call, now, session);
  return WZP_OK;
}

/* --- While a session is up --- */

void
wzp_call_udp_record(WzpCall *call, WzpTime now, WzpCallSession *session)
{
  GBytes *message;
  WzpCloseReason reason;
  while ((message = wzp_control_next_message(session->control)) != NULL) {
    call->stats.drops[WZP_UNSUPPORTED]++; /* this version has nothing to say there */
    g_bytes_unref(message);
  }
  if (!wzp_control_take_close(session->control, &reason))
    return;
  if (session != call->session) {
    g_ptr_array_remove(call->old, session);
    return;
  }
  wzp_call_push_event(call, WZP_EVENT_CLOSED)->reason = reason;
  call->session = NULL;
  report_member(call);
  wzp_call_attempt_stop(call);
  if (call->config.n_remotes > 0)
    wzp_call_back_off(call, now, session);
  wzp_call_session_free(session);
}

static WzpTime
heard_on_any(const WzpCall *call)
{
  WzpTime heard = wzp_call_session_heard(call->session);
  for (unsigned i = 0; i < call->old->len; i++)
    heard = MAX(heard, wzp_call_session_heard(g_ptr_array_index(call->old, i)));
  return heard;
}

static WzpTime
old_until(const WzpCallSession *session)
{
  return wzp_call_session_heard(session) + OLD_LIFE;
}

void
wzp_call_udp_timeout(WzpCall *call, WzpTime now)
{
  for (unsigned i = call->old->len; i-- > 0;)
    if (now >= old_until(g_ptr_array_index(call->old, i)))
      g_ptr_array_remove_index(call->old, i);
  for (unsigned i = call->half_open->len; i-- > 0;)
    if (now - ((HalfOpen *)g_ptr_array_index(call->half_open, i))->since >= HALF_OPEN_LIFE)
      g_ptr_array_remove_index(call->half_open, i);
  if (call->session == NULL)
    return;
  if (now >= call->session->last_ping + PING_EVERY)
    wzp_call_session_ping(call->session, now);
  if (!call->lost && now >= heard_on_any(call) + SILENCE_LOST) {
    call->lost = true;
    if (call->attempt == NULL)
      wzp_call_attempt_start(call, now);
  }
}

WzpTime
wzp_call_udp_next_timeout(const WzpCall *call)
{
  WzpTime next = WZP_NEVER;
  for (unsigned i = 0; i < call->old->len; i++)
    next = MIN(next, old_until(g_ptr_array_index(call->old, i)));
  for (unsigned i = 0; i < call->half_open->len; i++)
    next = MIN(next, ((HalfOpen *)g_ptr_array_index(call->half_open, i))->since + HALF_OPEN_LIFE);
  if (call->session == NULL)
    return next;
  next = MIN(next, call->session->last_ping + PING_EVERY);
  return call->lost ? next : MIN(next, heard_on_any(call) + SILENCE_LOST);
}

/* --- Media --- */

WzpResult
wzp_call_udp_seal(WzpCall *call, const WzpSealRequest *request, bool gap, const void *plain,
                  size_t length, uint8_t *out, size_t capacity, size_t *out_length,
                  WzpHeader *header)
{
  WzpCallSession *session = call->session;
  WzpSealRequest whole = *request;
  whole.slot = session->slot;
  session->headers.repeat = call->header_repeat;
  whole.full =
      wzp_header_policy_full(&session->headers, request->code,
                             wzp_sender_next_epoch(session->sender), request->timestamp, gap);
  return wzp_sender_seal(session->sender, &whole, plain, length, out, capacity, out_length, header);
}

/* The newest session whose packets have this slot. */
static WzpCallSession *
session_of_slot(const WzpCall *call, uint8_t slot)
{
  WzpCallSession *session;
  for (unsigned n = 0; (session = wzp_call_nth_session(call, n)) != NULL; n++)
    if (session->peer_slot == slot)
      break;
  return session;
}

WzpResult
wzp_call_udp_open(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length, uint8_t *out,
                  size_t *out_length, WzpOpened *opened)
{
  WzpHeader header;
  size_t header_length;
  WzpResult result = wzp_header_parse(&header, packet, length, &header_length);
  if (result != WZP_OK)
    return result;
  WzpCallSession *session = session_of_slot(call, header.slot);
  if (session == NULL)
    return call->session != NULL ? WZP_UNKNOWN_SENDER : WZP_NOT_CONNECTED;
  result = wzp_receiver_open(session->receiver, now, packet, length, out, out_length, opened);
  if (result != WZP_OK)
    return result;
  session->media_heard = now;
  /* Packet numbers start again with each session and media time with each start of the peer: both
   * are to lie far from those before, so that playout sees the break and not late packets. */
  opened->index |= (uint64_t)session->serial << 32;
  opened->media_ms += session->odd_start ? UINT64_C(1) << 32 : 0;
  wzp_call_heard(call, session);
  return WZP_OK;
}
