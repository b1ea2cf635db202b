/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include "profile.h"
#include <sodium.h>
#include <string.h>

/* after the first one */
#define GOODBYES 2
#define GOODBYE_EVERY (60 * WZP_MSEC)
#define SHOW_SILENCE (3 * WZP_SECOND)

const char *
wzp_call_state_name(WzpCallState state)
{
  static const char *const names[] = {
      [WZP_CALL_IDLE] = "idle",       [WZP_CALL_CONNECTING] = "connecting",
      [WZP_CALL_WAITING] = "waiting", [WZP_CALL_ACTIVE] = "active",
      [WZP_CALL_ENDED] = "ended",     [WZP_CALL_RECONNECTING] = "reconnecting",
  };
  return (unsigned)state < G_N_ELEMENTS(names) ? names[state] : "unknown";
}

WzpCall *
wzp_call_new(const WzpCallConfig *config)
{
  g_return_val_if_fail(config->mode == WZP_CALL_UDP || config->identity != NULL, NULL);
  g_return_val_if_fail(config->n_remotes <= WZP_CALL_REMOTES_MAX, NULL);
  WzpCall *call = g_new0(WzpCall, 1);
  call->config = *config;
  if (call->config.list != NULL)
    wzp_room_list_ref(call->config.list);
  call->identity = config->identity;
  call->state = WZP_CALL_IDLE;
  g_queue_init(&call->outputs);
  call->old = g_ptr_array_new_with_free_func((GDestroyNotify)wzp_call_session_free);
  call->attempt_at = WZP_NEVER;
  wzp_call_carrier_init(call);
  wzp_nat_probe_init(&call->nat_probe);
  if (config->mode == WZP_CALL_RELAY && config->calls)
    wzp_call_dial_init(call);
  return call;
}

void
wzp_call_free(WzpCall *call)
{
  if (call == NULL)
    return;
  wzp_call_attempt_stop(call);
  wzp_call_session_free(call->session);
  g_ptr_array_unref(call->old);
  wzp_group_free(call->group);
  wzp_room_list_unref(call->config.list);
  wzp_dial_free(call->dial);
  wzp_call_udp_free(call);
  g_queue_clear_full(&call->outputs, g_free);
  sodium_memzero(call, sizeof *call);
  g_free(call);
}

/* --- Outputs --- */

WzpEvent *
wzp_call_push_event(WzpCall *call, WzpEventType type)
{
  WzpOutput *output = g_new0(WzpOutput, 1);
  output->kind = WZP_OUTPUT_EVENT;
  output->event.type = type;
  output->event.state = call->state;
  g_queue_push_tail(&call->outputs, output);
  return &output->event;
}

void
wzp_call_push_datagram(WzpCall *call, const WzpAddress *to, const uint8_t *data, size_t length)
{
  WzpOutput *output = g_new0(WzpOutput, 1);
  g_assert(length <= sizeof output->data);
  output->kind = WZP_OUTPUT_DATAGRAM;
  output->to = *to;
  output->length = length;
  memcpy(output->data, data, length);
  g_queue_push_tail(&call->outputs, output);
}

static bool
poll_control(WzpCall *call, WzpCallSession *session, WzpTime now, WzpOutput *output)
{
  if (session == NULL)
    return false;
  wzp_control_set_rate(session->control, call->session_rate);
  if (!wzp_control_poll(session->control, now, output->data, &output->length))
    return false;
  output->kind = WZP_OUTPUT_DATAGRAM;
  output->to = session->remote;
  return true;
}

static bool
poll(WzpCall *call, WzpTime now, WzpOutput *output)
{
  if (call->state != WZP_CALL_ENDED)
    wzp_call_room_pump(call, now);
  wzp_call_path_pump(call, now);
  WzpOutput *queued = g_queue_pop_head(&call->outputs);
  if (queued != NULL) {
    *output = *queued;
    g_free(queued);
    return true;
  }
  if (poll_control(call, call->session, now, output))
    return true;
  for (unsigned i = 0; i < call->old->len; i++)
    if (poll_control(call, g_ptr_array_index(call->old, i), now, output))
      return true;
  call->carrier_timeout = wzp_carrier_next_timeout(&call->carrier, now);
  return false;
}

bool
wzp_call_poll(WzpCall *call, WzpTime now, WzpOutput *output)
{
  if (!poll(call, now, output))
    return false;
  if (output->kind == WZP_OUTPUT_DATAGRAM)
    call->session_bytes += WZP_IP_UDP_SIZE + output->length;
  return true;
}

/* --- State --- */

static void
set_state(WzpCall *call, WzpCallState state)
{
  if (call->state == state)
    return;
  call->state = state;
  wzp_call_push_event(call, WZP_EVENT_STATE);
}

/* When the silence of the session in use is to be shown. With half of all datagrams lost some answers
 * are missing all the time: the search begins early and quietly, media go on meanwhile. */
static WzpTime
shown_lost_at(const WzpCall *call)
{
  if (!call->lost || call->session == NULL)
    return WZP_NEVER;
  return call->config.mode == WZP_CALL_RELAY ? wzp_call_session_heard(call->session) + SHOW_SILENCE
                                             : 0;
}

static void
update_state(WzpCall *call, WzpTime now)
{
  if (call->state == WZP_CALL_IDLE || call->state == WZP_CALL_ENDED)
    return;
  bool relay = call->config.mode == WZP_CALL_RELAY;
  bool up = call->session != NULL && now < shown_lost_at(call) && (!relay || call->session->joined);
  if (!up)
    set_state(call, call->was_up ? WZP_CALL_RECONNECTING : WZP_CALL_CONNECTING);
  else if (relay && !wzp_call_room_has_listener(call))
    set_state(call, WZP_CALL_WAITING);
  else
    set_state(call, WZP_CALL_ACTIVE);
  wzp_call_hearing_update(call, now);
}

void
wzp_call_end(WzpCall *call)
{
  if (call->state == WZP_CALL_ENDED)
    return;
  wzp_call_attempt_stop(call);
  call->attempt_at = WZP_NEVER;
  if (call->session != NULL)
    wzp_control_close(call->session->control, WZP_CLOSE_LEAVE);
  set_state(call, WZP_CALL_ENDED);
}

WzpTime
wzp_call_random_time(WzpCall *call, WzpTime limit)
{
  uint32_t value;
  wzp_random_fill(&call->config.random, &value, sizeof value);
  return value % (uint32_t)(limit + 1);
}

/* Nothing may happen before the start or after the end. */
static bool
is_running(const WzpCall *call)
{
  return call->state != WZP_CALL_IDLE && call->state != WZP_CALL_ENDED;
}

static WzpResult
count(WzpCall *call, WzpResult result)
{
  if (result != WZP_OK)
    call->stats.drops[result]++;
  return result;
}

/* --- Start and end --- */

void
wzp_call_start(WzpCall *call, WzpTime now)
{
  g_return_if_fail(call->state == WZP_CALL_IDLE);
  if (call->config.mode == WZP_CALL_UDP)
    wzp_call_udp_start(call);
  set_state(call, WZP_CALL_CONNECTING);
  if (call->config.mode == WZP_CALL_RELAY || call->config.n_remotes > 0)
    wzp_call_attempt_start(call, now);
}

void
wzp_call_set_remotes(WzpCall *call, const WzpAddress *remotes, unsigned n)
{
  g_return_if_fail(n <= WZP_CALL_REMOTES_MAX);
  memcpy(call->config.remotes, remotes, n * sizeof *remotes);
  call->config.n_remotes = n;
  /* an attempt that has nowhere to go, or none for want of an address, need not wait */
  bool aimless = call->attempt != NULL ? call->attempt->n_remotes == 0
                                       : call->session == NULL && call->attempt_at == WZP_NEVER;
  if (is_running(call) && n > 0 && aimless)
    call->attempt_at = 0;
}

void
wzp_call_leave(WzpCall *call, WzpTime now)
{
  if (call->state == WZP_CALL_ENDED)
    return;
  if (call->config.mode == WZP_CALL_RELAY)
    wzp_call_room_leave(call, now);
  wzp_call_end(call);
  call->goodbyes = call->session != NULL ? GOODBYES : 0;
  call->goodbye_at = now + GOODBYE_EVERY;
}

void
wzp_call_moved(WzpCall *call, WzpTime now)
{
  if (!is_running(call))
    return;
  if (call->config.mode == WZP_CALL_RELAY)
    wzp_call_hop_moved(call, now);
  else if (call->session != NULL && call->attempt == NULL)
    wzp_call_attempt_start(call, now); /* ends at once when something is heard */
}

static void
say_goodbye_again(WzpCall *call, WzpTime now)
{
  if (call->goodbyes == 0 || now < call->goodbye_at)
    return;
  wzp_control_close(call->session->control, WZP_CLOSE_LEAVE);
  call->goodbyes--;
  call->goodbye_at = now + GOODBYE_EVERY;
}

/* --- Input --- */

static WzpResult
handle_media(WzpCall *call, const WzpAddress *from, const uint8_t *data, size_t length,
             WzpDatagramKind kind, bool *media)
{
  if (!wzp_call_is_remote(call, from))
    return WZP_UNKNOWN_SOURCE;
  if (kind == WZP_DATAGRAM_TRUNK && !wzp_trunk_valid(data, length))
    return WZP_MALFORMED;
  *media = true;
  return WZP_OK;
}

static WzpResult
dispatch(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data, size_t length,
         bool *media)
{
  bool relay = call->config.mode == WZP_CALL_RELAY;
  WzpDatagramKind kind = wzp_datagram_kind(data, length);
  if (!is_running(call))
    return WZP_NOT_CONNECTED;
  if (length > WZP_DATAGRAM_MAX)
    return WZP_TOO_LONG;
  switch (kind) {
  case WZP_DATAGRAM_MEDIA:
  case WZP_DATAGRAM_TRUNK:
    return handle_media(call, from, data, length, kind, media);
  case WZP_DATAGRAM_CONTROL:
    return wzp_call_handle_record(call, now, from, data, length);
  case WZP_DATAGRAM_HS1:
    return relay ? WZP_UNEXPECTED : wzp_call_udp_handle_hs1(call, now, from, data, length);
  case WZP_DATAGRAM_HS3:
    return relay ? WZP_UNEXPECTED : wzp_call_udp_handle_hs3(call, now, from, data, length);
  case WZP_DATAGRAM_HS2:
  case WZP_DATAGRAM_COOKIE:
    return wzp_call_attempt_handle(call, now, from, data, length);
  case WZP_DATAGRAM_STUN:
    return relay ? wzp_call_nat_receive(call, from, data, length) : WZP_UNKNOWN_KIND;
  default:
    return WZP_UNKNOWN_KIND;
  }
}

WzpResult
wzp_call_handle_datagram(WzpCall *call, WzpTime now, const WzpAddress *from, const uint8_t *data,
                         size_t length, bool *media)
{
  *media = false;
  call->stats.datagrams_received++;
  WzpResult result = count(call, dispatch(call, now, from, data, length, media));
  wzp_call_room_pump(call, now);
  update_state(call, now);
  return result;
}

void
wzp_call_handle_timeout(WzpCall *call, WzpTime now)
{
  say_goodbye_again(call, now);
  if (!is_running(call))
    return;
  if (call->config.mode == WZP_CALL_RELAY) {
    wzp_call_hop_timeout(call, now);
    wzp_call_room_timeout(call, now);
    wzp_call_path_timeout(call, now);
    wzp_call_nat_timeout(call, now);
    wzp_call_room_pump(call, now);
  } else {
    wzp_call_udp_timeout(call, now);
  }
  wzp_call_attempt_timeout(call, now);
  update_state(call, now);
}

WzpTime
wzp_call_next_timeout(const WzpCall *call)
{
  if (!is_running(call))
    return call->goodbyes > 0 ? call->goodbye_at : WZP_NEVER;
  WzpTime next = wzp_call_attempt_next_timeout(call);
  if (call->state == WZP_CALL_WAITING || call->state == WZP_CALL_ACTIVE)
    next = MIN(next, shown_lost_at(call));
  if (call->session != NULL)
    next = MIN(next, wzp_control_next_timeout(call->session->control));
  for (unsigned i = 0; i < call->old->len; i++) {
    WzpCallSession *old = g_ptr_array_index(call->old, i);
    next = MIN(next, wzp_control_next_timeout(old->control));
  }
  next = MIN(next, wzp_hearing_next_timeout(&call->hearing));
  if (call->config.mode == WZP_CALL_UDP)
    return MIN(next, wzp_call_udp_next_timeout(call));
  next = MIN(next, wzp_call_path_next_timeout(call));
  if (call->session != NULL)
    next = MIN(next, wzp_nat_probe_next_timeout(&call->nat_probe));
  next = MIN(next, wzp_call_hop_next_timeout(call));
  next = MIN(next, call->carrier_timeout);
  return MIN(next, wzp_call_room_next_timeout(call));
}

/* --- Media --- */

void
wzp_call_leave_out(WzpCall *call, unsigned packets)
{
  if (call->dial != NULL)
    wzp_dial_leave_out(call->dial, packets);
  else if (call->group != NULL)
    wzp_group_leave_out(call->group, packets);
  else if (call->session != NULL && call->session->sender != NULL)
    wzp_sender_leave_out(call->session->sender, packets);
}

WzpResult
wzp_call_seal(WzpCall *call, WzpTime now, uint8_t code, uint32_t timestamp, uint8_t flags, bool gap,
              const void *plain, size_t length, uint8_t *out, size_t capacity, size_t *out_length,
              WzpHeader *header)
{
  const WzpSealRequest request = {.code = code, .timestamp = timestamp, .flags = flags};
  WzpResult result = WZP_NOT_CONNECTED;
  bool reaches = call->session != NULL || wzp_call_path_reaches(call, now);
  if (is_running(call) && reaches && call->was_up) {
    if (call->dial != NULL) {
      result = wzp_dial_seal(call->dial, now, &request, gap, call->header_repeat, plain, length,
                             out, capacity, out_length, header);
    } else if (call->config.mode == WZP_CALL_RELAY) {
      wzp_group_set_header_repeat(call->group, call->header_repeat);
      result = wzp_group_seal(call->group, code, timestamp, flags, gap, plain, length, out,
                              capacity, out_length, header);
    } else {
      result =
          wzp_call_udp_seal(call, &request, gap, plain, length, out, capacity, out_length, header);
    }
  }
  if (result == WZP_OK) {
    call->stats.packets_sealed++;
  } else {
    wzp_call_leave_out(call, 1);
  }
  return count(call, result);
}

void
wzp_call_set_loss(WzpCall *call, double loss)
{
  call->header_repeat = wzp_header_repeat(loss);
}

void
wzp_call_set_session_rate(WzpCall *call, unsigned rate)
{
  call->session_rate = rate;
}

uint64_t
wzp_call_session_bytes(const WzpCall *call)
{
  return call->session_bytes;
}

WzpResult
wzp_call_frame_media(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length, uint8_t *out,
                     size_t *out_length, WzpAddress *to)
{
  WzpCallSession *session = call->session;
  if (!is_running(call) || session == NULL)
    return count(call, WZP_NOT_CONNECTED);
  if (length > WZP_DATAGRAM_MAX - WZP_TRAILER_SIZE)
    return count(call, WZP_TOO_LONG);
  memmove(out, packet, length);
  if (call->config.mode == WZP_CALL_RELAY)
    wzp_call_hop_sends_media(call, now);
  call->media_sent = now;
  *out_length = length;
  *to = session->remote;
  if (call->config.mode == WZP_CALL_RELAY) {
    const uint16_t seq = wzp_datagram_seq(out, length);
    const uint64_t index =
        session->media_framed ? wzp_seq16_extend(seq, session->media_index) : seq;
    session->media_index = MAX(session->media_index, index);
    session->media_framed = true;
    wzp_trailer_append(out, length, session->session_id,
                       wzp_hop_keys_at(&session->hop_keys, (uint32_t)(index >> 16)));
    *out_length += WZP_TRAILER_SIZE;
  }
  return WZP_OK;
}

WzpResult
wzp_call_open(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length, uint8_t *out,
              size_t *out_length, WzpOpened *opened)
{
  WzpResult result = WZP_NOT_CONNECTED;
  if (!is_running(call))
    return count(call, result);
  if (call->config.mode == WZP_CALL_UDP)
    result = wzp_call_udp_open(call, now, packet, length, out, out_length, opened);
  else if (call->dial != NULL)
    result = wzp_dial_open(call->dial, now, packet, length, out, out_length, opened);
  else if (call->group != NULL)
    result = wzp_group_open(call->group, now, packet, length, out, out_length, opened);
  if (result == WZP_OK) {
    call->stats.packets_opened++;
    WzpTime interval = wzp_framing_packet_ms(opened->header.code) * WZP_MSEC;
    bool by_relay = wzp_call_path_opened(call, now, packet, length, interval);
    wzp_call_hearing_opened(call, now, opened->header.slot, interval > 0);
    if (call->config.mode == WZP_CALL_RELAY && call->session != NULL && by_relay) {
      call->session->media_heard = now;
      wzp_call_carrier_heard(call, &call->session->remote);
      wzp_call_heard(call, call->session);
    }
  }
  update_state(call, now);
  return count(call, result);
}

/* --- What is known --- */

void
wzp_call_get_stats(const WzpCall *call, WzpCallStats *stats)
{
  WzpMemberInfo info;
  *stats = call->stats;
  stats->state = call->state;
  stats->round_trip = -1;
  if (call->session != NULL) {
    stats->remote = call->session->remote;
    stats->by_stream = call->session->remote.stream != 0;
    stats->round_trip = wzp_control_round_trip(call->session->control);
  }
  stats->nat = wzp_call_nat(call);
  stats->unheard = call->hearing.unheard;
  stats->unheard_times = call->hearing.times;
  stats->asked = wzp_call_nat_relay(call);
  while (wzp_call_member(call, stats->n_members, &info))
    stats->n_members++;
  stats->has_relay_key = call->config.has_relay_key;
  memcpy(stats->relay_key, call->config.relay_key, sizeof stats->relay_key);
}

bool
wzp_call_member(const WzpCall *call, unsigned n, WzpMemberInfo *info)
{
  if (call->config.mode == WZP_CALL_UDP || call->dial != NULL) {
    *info = call->member;
    return n == 0 && call->has_member;
  }
  for (unsigned i = 0; call->group != NULL && wzp_group_member(call->group, i, info); i++)
    if (info->state == WZP_MEMBER_CONFIRMED && n-- == 0)
      return true;
  return false;
}
