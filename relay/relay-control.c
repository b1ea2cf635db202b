/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-control-private.h"
#include "wzp/auth.h"
#include "wzp/stun.h"
#include <sodium.h>
#include <string.h>

/* 16 KiB a second and bursts of 64 KiB, in whatever size the operator sets */
#define CONTROL_BURST_SECONDS 4

RelayControl *
relay_control_new(const RelayLimits *limits, const WzpIdentity *identity, const WzpRandom *random,
                  WzpTime now, const RelayControlHooks *hooks)
{
  RelayControl *control = g_new0(RelayControl, 1);

  control->limits = *limits;
  control->identity = identity;
  control->random = *random;
  control->hooks = *hooks;
  control->sessions = relay_sessions_new(limits, random);
  control->rooms = relay_rooms_new(limits);
  control->calls = relay_calls_new(limits);
  control->admission = relay_admission_new(limits, random, now);
  control->auth = relay_auth_new(limits);
  g_queue_init(&control->tokens_wait);
  return control;
}

void
relay_control_free(RelayControl *control)
{
  if (control == NULL)
    return;
  relay_sessions_free(control->sessions);
  relay_calls_free(control->calls);
  relay_rooms_free(control->rooms);
  relay_admission_free(control->admission);
  relay_auth_free(control->auth);
  g_free(control);
}

void
relay_control_drop(RelayControl *control, WzpResult reason)
{
  control->stats.control_drops[reason]++;
}

/* --- answers to strangers: one at a time, never longer than what asked for them --- */

static void
reply(RelayControl *control, const WzpAddress *to, const uint8_t *data, size_t length)
{
  g_assert(length <= sizeof control->reply.data);
  control->reply.to = *to;
  control->reply.length = length;
  memcpy(control->reply.data, data, length);
  control->has_reply = true;
}

static void
reply_cookie(RelayControl *control, WzpTime now, const WzpAddress *from, const WzpHs1 *hs1)
{
  uint8_t cookie[WZP_COOKIE_SIZE], datagram[WZP_COOKIE_DATAGRAM];

  relay_admission_cookie(control->admission, now, from, cookie);
  wzp_cookie_datagram(datagram, hs1->cid_i, cookie);
  reply(control, from, datagram, sizeof datagram);
  control->stats.cookies_sent++;
}

static void
reply_hs2(RelayControl *control, const RelaySession *session)
{
  size_t length;
  const uint8_t *hs2 = wzp_responder_message(session->responder, &length);

  reply(control, &session->hs1_address, hs2, length);
}

/* --- handshake --- */

static WzpResult
start_handshake(RelayControl *control, WzpTime now, const WzpAddress *from, const uint8_t *data,
                size_t length, const uint8_t digest[32])
{
  WzpHandshakeConfig config = {.mode = WZP_MODE_HOP};
  uint8_t payload[WZP_HS2_HOP_MAX];
  WzpResult result;
  RelaySession *session;
  WzpWriter writer;
  bool evicted;

  session = relay_sessions_add_half_open(control->sessions, now, from, digest, &evicted);
  if (evicted)
    relay_control_drop(control, WZP_QUEUE_FULL);
  if (session == NULL)
    return WZP_QUEUE_FULL;

  config.identity = control->identity;
  config.capabilities = WZP_CAP_MEDIA_1 | WZP_CAP_TRUNK;
  memcpy(config.cid, session->cid, sizeof config.cid);
  wzp_writer_init(&writer, payload, sizeof payload);
  wzp_writer_u32(&writer, session->sid);
  wzp_address_write(from, &writer);
  wzp_writer_u16(&writer, control->second_port);
  session->responder =
      wzp_responder_new(&config, &control->random, data, length, payload, writer.length, &result);
  if (session->responder == NULL) {
    relay_sessions_remove(control->sessions, session);
    return result;
  }
  relay_timers_set(relay_sessions_timers(control->sessions), session->index,
                   now + RELAY_HALF_OPEN_LIFE);
  reply_hs2(control, session);
  return WZP_OK;
}

static WzpResult
handle_hs1(RelayControl *control, WzpTime now, const WzpAddress *from, const uint8_t *data,
           size_t length)
{
  WzpHs1 hs1;
  uint8_t digest[32];
  RelaySession *session;
  WzpResult result = wzp_hs1_parse(&hs1, data, length);

  if (result != WZP_OK)
    return result;
  if (hs1.mode != WZP_MODE_HOP || control->shutting_down)
    return WZP_UNSUPPORTED;
  wzp_hs1_digest(digest, data, &hs1);
  session = relay_sessions_find_hs1(control->sessions, from, digest);
  if (session != NULL) {
    /* once HS3 came, its sender has HS2: this HS1 is an old copy */
    if (session->state != RELAY_SESSION_HALF_OPEN)
      return WZP_UNEXPECTED;
    reply_hs2(control, session);
    return WZP_OK;
  }
  switch (relay_admission_check(control->admission, now, from, hs1.cookie,
                                relay_sessions_n_half_open(control->sessions))) {
  case RELAY_ADMIT:
    return start_handshake(control, now, from, data, length, digest);
  case RELAY_ASK_COOKIE:
    reply_cookie(control, now, from, &hs1);
    return WZP_BAD_COOKIE;
  case RELAY_REFUSE:
    break;
  }
  return WZP_RATE_LIMITED;
}

void
relay_control_observe(uint64_t buckets[12], double *sum, WzpTime duration)
{
  double seconds = (double)duration / (double)WZP_SECOND;
  unsigned i = 0;

  while (i < RELAY_N_HANDSHAKE_BOUNDS && seconds > relay_handshake_bounds[i])
    i++;
  buckets[i]++;
  *sum += seconds;
}

static bool
within_limits(const RelayControl *control, const RelaySession *session)
{
  return relay_sessions_n_open(control->sessions) <= control->limits.max_sessions &&
         relay_sessions_n_identity(control->sessions, session->identity) <=
             control->limits.max_sessions_per_identity &&
         relay_sessions_n_address(control->sessions, &session->address) <=
             control->limits.max_sessions_per_ip;
}

/* Does the message ask to replace an older leg of the same identity? */
static bool
is_return(const RelayControl *control, const RelaySession *session, const uint8_t *message,
          size_t length)
{
  WzpJoin join;
  WzpAuth auth;

  if (length > 0 && message[0] == WZP_MESSAGE_AUTH) {
    if (wzp_auth_parse(&auth, message + 1, length - 1) != WZP_OK)
      return false;
    message = auth.message;
    length = auth.message_length;
  }
  if (length > 0 && message[0] == WZP_MESSAGE_LISTEN)
    return relay_control_knows_instance(control, session, message, length);
  return length > 0 && message[0] == WZP_MESSAGE_JOIN &&
         wzp_join_parse(&join, message + 1, length - 1) == WZP_OK &&
         relay_rooms_has(control->rooms, join.room_id, session->identity);
}

static void
open_session(RelayControl *control, WzpTime now, RelaySession *session, WzpHandshakeKeys *keys)
{
  RelayCommand command = {.type = RELAY_COMMAND_ADD_LEG};
  WzpControlConfig config;
  unsigned burst = CONTROL_BURST_SECONDS * control->limits.control_bytes_per_second;

  relay_control_observe(control->stats.handshake_buckets, &control->stats.handshake_seconds_sum,
                        now - session->since);
  control->stats.handshakes_completed++;
  memcpy(session->identity, keys->peer, sizeof session->identity);
  relay_sessions_open(control->sessions, session, now);
  wzp_control_config_from_keys(&config, keys, false);
  session->control = wzp_control_new(&config, now);
  relay_bucket_init(&session->control_bytes, now, burst);
  relay_bucket_init(&session->joins, now, RELAY_JOINS_BURST);
  session->auth = control->tokens_required ? RELAY_SESSION_WITHOUT_TOKEN : RELAY_SESSION_AUTHORISED;

  command.sid = session->sid;
  command.address = session->address;
  memcpy(command.hop_key, keys->hop_i2r, sizeof command.hop_key);
  command.capabilities = keys->peer_capabilities;
  control->hooks.command(control->hooks.user, &command);
  sodium_memzero(&command, sizeof command);
  sodium_memzero(&config, sizeof config);
}

/* One whose token is still being looked at may come back to its room, and is judged then. */
void
relay_control_check_place(RelayControl *control, WzpTime now, RelaySession *session)
{
  if (session->state != RELAY_SESSION_OPEN || session->room != NULL || session->token != NULL ||
      within_limits(control, session))
    return;
  relay_control_error(control, session, WZP_ERROR_BUSY,
                      "The relay takes no more sessions, or no more of this identity or address. "
                      "Try again later.");
  relay_control_close(control, now, session, WZP_CLOSE_ERROR);
}

/* It tells the initiator that it is connected. It is made early, before more is queued, so that it is
 * short: a repeated HS3 gets it again, and no answer may be longer than its question. */
void
relay_control_first_record(RelayControl *control, WzpTime now, RelaySession *session)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;

  if (session->first_record_made)
    return;
  session->first_record_made = true;
  if (wzp_control_poll(session->control, now, record, &length))
    reply(control, &session->address, record, length);
}

static WzpResult
repeated_hs3(RelayControl *control, WzpTime now, RelaySession *session, const uint8_t *data,
             size_t length)
{
  unsigned rate = control->limits.control_bytes_per_second;
  const uint8_t *record;
  uint8_t digest[32];
  size_t record_length;

  wzp_sha256(digest, data, length);
  if (sodium_memcmp(digest, session->hs3_digest, sizeof digest) != 0 || session->control == NULL)
    return WZP_UNEXPECTED;
  record = wzp_control_first_record(session->control, &record_length);
  if (record == NULL || record_length > length)
    return WZP_UNEXPECTED;
  if (!relay_bucket_take(&session->control_bytes, now, rate, CONTROL_BURST_SECONDS * rate, length))
    return WZP_RATE_LIMITED;
  reply(control, &session->hs1_address, record, record_length);
  return WZP_OK;
}

static WzpResult
handle_hs3(RelayControl *control, WzpTime now, const WzpAddress *from, const uint8_t *data,
           size_t length)
{
  RelaySession *session;
  WzpHandshakeKeys keys;
  const uint8_t *payload;
  size_t payload_length;
  WzpResponder *responder;
  WzpResult result;

  if (length < 1 + WZP_CID_SIZE)
    return WZP_TRUNCATED;
  session = relay_sessions_find_cid(control->sessions, data + 1);
  if (session == NULL)
    return WZP_UNKNOWN_SESSION;
  if (!wzp_address_equal(from, &session->hs1_address))
    return WZP_UNKNOWN_SOURCE;
  if (session->state != RELAY_SESSION_HALF_OPEN)
    return repeated_hs3(control, now, session, data, length);
  if (control->shutting_down)
    return WZP_UNSUPPORTED;
  result =
      wzp_responder_read_hs3(session->responder, data, length, &keys, &payload, &payload_length);
  /* It opened, so it is of whoever sent this HS1, and proves nothing: no honest one will follow. Each
   * further one would cost a signature check. */
  if (result == WZP_BAD_COMMITMENT || result == WZP_BAD_SIGNATURE || result == WZP_OWN_IDENTITY)
    relay_sessions_remove(control->sessions, session);
  if (result != WZP_OK)
    return result;

  wzp_sha256(session->hs3_digest, data, length);
  open_session(control, now, session, &keys);
  sodium_memzero(&keys, sizeof keys);
  /* payload is a view into it */
  responder = g_steal_pointer(&session->responder);
  if (payload_length > 0 &&
      (within_limits(control, session) || is_return(control, session, payload, payload_length)))
    relay_control_message(control, now, session, payload, payload_length);
  relay_control_check_place(control, now, session);
  wzp_responder_free(responder);
  relay_control_first_record(control, now, session);
  relay_sessions_mark_dirty(control->sessions, session);
  return WZP_OK;
}

/* --- control records --- */

static WzpResult
handle_record(RelayControl *control, WzpTime now, const WzpAddress *from, const uint8_t *data,
              size_t length)
{
  unsigned rate = control->limits.control_bytes_per_second;
  WzpCloseReason reason;
  RelaySession *session;
  WzpResult result;
  GBytes *message;

  if (length < 1 + WZP_CID_SIZE)
    return WZP_TRUNCATED;
  session = relay_sessions_find_cid(control->sessions, data + 1);
  if (session == NULL || session->control == NULL)
    return WZP_UNKNOWN_SESSION;
  /* charged only once it opened: others cannot use up what a leg may send */
  if (!relay_bucket_has_credit(&session->control_bytes, now, rate, CONTROL_BURST_SECONDS * rate))
    return WZP_RATE_LIMITED;
  result = wzp_control_receive(session->control, now, data, length);
  if (result != WZP_OK)
    return result;
  relay_bucket_charge(&session->control_bytes, length);
  wzp_control_drop_first(session->control);
  relay_sessions_mark_dirty(control->sessions, session);
  relay_control_move_record(control, now, session, from, length);

  while ((message = wzp_control_next_message(session->control)) != NULL) {
    if (session->state == RELAY_SESSION_OPEN)
      relay_control_message(control, now, session, g_bytes_get_data(message, NULL),
                            g_bytes_get_size(message));
    g_bytes_unref(message);
  }
  if (wzp_control_take_close(session->control, &reason))
    relay_control_remove(control, now, session, WZP_CLOSE_LEAVE);
  return WZP_OK;
}

/* --- STUN --- */

void
relay_control_set_second_port(RelayControl *control, uint16_t port)
{
  control->second_port = port;
}

/* What a client's other sockets look like from here. Only addresses from which a session lives are answered: they are
 * no strangers, and the answer to the shortest question, which libnice asks, is a little longer than that. */
static WzpResult
handle_stun(RelayControl *control, WzpTime now, const WzpAddress *from, const uint8_t *data,
            size_t length)
{
  WzpStunRequest request;
  uint8_t response[WZP_STUN_RESPONSE_MAX];
  WzpResult result = wzp_stun_request_parse(&request, data, length);

  if (result != WZP_OK)
    return result;
  if (!relay_sessions_is_home(control->sessions, from))
    return WZP_UNKNOWN_SOURCE;
  if (!relay_admission_stun(control->admission, now, from))
    return WZP_RATE_LIMITED;
  reply(control, from, response, wzp_stun_response_write(response, &request, from));
  control->stats.stun_answered++;
  return WZP_OK;
}

WzpResult
relay_control_handle(RelayControl *control, WzpTime now, const WzpAddress *from,
                     const uint8_t *data, size_t length)
{
  WzpResult result;

  switch (wzp_datagram_kind(data, length)) {
  case WZP_DATAGRAM_HS1:
    result = handle_hs1(control, now, from, data, length);
    break;
  case WZP_DATAGRAM_HS3:
    result = handle_hs3(control, now, from, data, length);
    break;
  case WZP_DATAGRAM_CONTROL:
    result = handle_record(control, now, from, data, length);
    break;
  case WZP_DATAGRAM_MEDIA:
  case WZP_DATAGRAM_TRUNK:
    result = relay_control_move_media(control, now, from, data, length);
    break;
  case WZP_DATAGRAM_STUN:
    result = handle_stun(control, now, from, data, length);
    break;
  default:
    result = WZP_UNKNOWN_KIND;
    break;
  }
  if (result != WZP_OK)
    relay_control_drop(control, result);
  return result;
}

bool
relay_control_poll(RelayControl *control, WzpTime now, RelayDatagram *datagram)
{
  RelaySession *session;

  if (control->has_reply) {
    datagram->to = control->reply.to;
    datagram->length = control->reply.length;
    memcpy(datagram->data, control->reply.data, control->reply.length);
    control->has_reply = false;
    return true;
  }
  while ((session = relay_sessions_first_dirty(control->sessions)) != NULL) {
    if (session->overflowed && session->state == RELAY_SESSION_OPEN) {
      relay_control_log(control, session, "did not take its messages");
      relay_control_close(control, now, session, WZP_CLOSE_ERROR);
    }
    if (relay_control_move_poll(control, now, session, datagram))
      return true;
    if (session->control != NULL &&
        wzp_control_poll(session->control, now, datagram->data, &datagram->length)) {
      datagram->to = session->address;
      if (session->move.answered)
        reply(control, &session->move.to, datagram->data, datagram->length);
      return true;
    }
    if (relay_control_catch_up(control, session))
      continue;
    relay_sessions_clear_dirty(control->sessions, session);
    relay_control_set_timer(control, session);
  }
  return false;
}

void
relay_control_shutdown(RelayControl *control, WzpTime now)
{
  unsigned capacity = relay_sessions_capacity(control->sessions), i;

  control->shutting_down = true;
  /* nobody is told that the others left: all are to come back and find the room as it was */
  for (i = 0; i < capacity; i++) {
    RelaySession *session = relay_sessions_get(control->sessions, i);

    if (session->state == RELAY_SESSION_HALF_OPEN)
      relay_sessions_remove(control->sessions, session);
    else if (session->state == RELAY_SESSION_OPEN)
      relay_control_close(control, now, session, WZP_CLOSE_SHUTDOWN);
  }
}

void
relay_control_get_stats(const RelayControl *control, RelayStats *stats)
{
  unsigned i;

  *stats = control->stats;
  stats->sessions = relay_sessions_n_open(control->sessions);
  stats->rooms = relay_rooms_count(control->rooms);
  stats->calls = relay_calls_count(control->calls);
  for (i = 0; i < relay_sessions_capacity(control->sessions); i++) {
    const RelaySession *session = relay_sessions_get(control->sessions, i);

    stats->unauthorised +=
        session->state == RELAY_SESSION_OPEN && session->auth != RELAY_SESSION_AUTHORISED;
  }
}

void
relay_control_log(RelayControl *control, const RelaySession *session, const char *what)
{
  const uint8_t *bytes = session->address.bytes;
  const char *by = session->address.stream != 0 ? " by TLS" : "";
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  char line[256];

  if (control->hooks.log == NULL)
    return;
  wzp_fingerprint(fingerprint, session->identity);
  if (session->address.family == 4)
    g_snprintf(line, sizeof line, "%02x%02x from %u.%u.%u.0/24%s %s", fingerprint[0],
               fingerprint[1], bytes[0], bytes[1], bytes[2], by, what);
  else
    g_snprintf(line, sizeof line, "%02x%02x from %x:%x:%x::/48%s %s", fingerprint[0],
               fingerprint[1], bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3],
               bytes[4] << 8 | bytes[5], by, what);
  control->hooks.log(control->hooks.user, line);
}
