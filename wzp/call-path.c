/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include <string.h>

/* The direct path of a call or room of two: what path.h decides, tied to the call and its owner's agents. */

WzpPath *
wzp_call_path(const WzpCall *call, uint32_t *serial)
{
  if (call->dial != NULL)
    return wzp_dial_path(call->dial, serial);
  return call->group != NULL ? wzp_group_path(call->group, serial) : NULL;
}

static WzpOutput *
push_path(WzpCall *call, WzpPathOutputType type, uint32_t serial)
{
  WzpOutput *output = g_new0(WzpOutput, 1);
  output->kind = WZP_OUTPUT_PATH;
  output->path.type = type;
  output->path_serial = serial;
  g_queue_push_tail(&call->outputs, output);
  return output;
}

static void
take_output(WzpCall *call, uint32_t serial, const WzpPathOutput *output)
{
  WzpResult result;
  switch (output->type) {
  case WZP_PATH_SEND_MESSAGE:
    result = call->dial != NULL ? wzp_dial_send_path(call->dial, output->data, output->length)
                                : wzp_group_send_path(call->group, output->data, output->length);
    if (result != WZP_OK)
      call->stats.drops[result]++;
    break;
  case WZP_PATH_CHANGED:
    wzp_call_push_event(call, WZP_EVENT_PATH)->direct = output->direct;
    break;
  default:
    push_path(call, output->type, serial)->path = *output;
    break;
  }
}

/* The path of the call before, if there was one, is over with it. */
static void
follow_call(WzpCall *call, const WzpPath *path, uint32_t serial)
{
  if (call->had_path && (path == NULL || serial != call->path_serial)) {
    push_path(call, WZP_PATH_OVER, call->path_serial);
    call->had_path = false;
  }
  if (path != NULL) {
    call->had_path = true;
    call->path_serial = serial;
  }
}

static bool
poll_record(WzpCall *call, WzpTime now, uint8_t record[WZP_DATAGRAM_MAX], size_t *length)
{
  if (call->dial != NULL)
    return wzp_dial_poll_direct(call->dial, now, record, length);
  g_autoptr(GBytes) pairwise = call->past_relay ? wzp_group_poll_direct(call->group, now) : NULL;
  if (pairwise == NULL)
    return false;
  record[0] = WZP_PAIRWISE_BYTE;
  memcpy(record + 1, g_bytes_get_data(pairwise, length), g_bytes_get_size(pairwise));
  ++*length;
  return true;
}

/* While the relay is away the call's channel, or the pairwise records of a room, take the way of the media. */
static void
send_records(WzpCall *call, WzpTime now, WzpPath *path, uint32_t serial, bool relay_usable)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  uint16_t k;
  call->past_relay = !relay_usable && wzp_path_reaches(path, now);
  if (call->dial != NULL)
    wzp_dial_set_past_relay(call->dial, call->past_relay);
  while (poll_record(call, now, record, &length)) {
    wzp_path_route(path, now, &k);
    WzpOutput *output = push_path(call, WZP_PATH_SEND_RECORD, serial);
    output->path.k = k;
    memcpy(output->data, record, length);
    output->length = length;
  }
}

void
wzp_call_path_pump(WzpCall *call, WzpTime now)
{
  uint32_t serial = 0;
  WzpPathOutput output;
  WzpPath *path = call->state != WZP_CALL_ENDED ? wzp_call_path(call, &serial) : NULL;
  const WzpCallSession *session = call->session;
  follow_call(call, path, serial);
  if (path == NULL) {
    call->past_relay = false;
    if (call->dial != NULL)
      wzp_dial_set_past_relay(call->dial, false);
    return;
  }
  bool usable = session != NULL && session->joined && !call->lost;
  wzp_path_set_relay(path, now, usable,
                     session != NULL ? wzp_control_round_trip(session->control) : -1);
  wzp_path_set_nat(path, now, wzp_call_nat(call));
  while (wzp_path_poll(path, now, &output))
    take_output(call, serial, &output);
  send_records(call, now, path, serial, usable);
}

void
wzp_call_path_timeout(WzpCall *call, WzpTime now)
{
  uint32_t serial;
  WzpPath *path = wzp_call_path(call, &serial);
  if (path != NULL && now >= wzp_path_next_timeout(path))
    wzp_path_handle_timeout(path, now);
}

WzpTime
wzp_call_path_next_timeout(const WzpCall *call)
{
  uint32_t serial;
  const WzpPath *path = wzp_call_path(call, &serial);
  return path != NULL ? wzp_path_next_timeout(path) : WZP_NEVER;
}

bool
wzp_call_path_reaches(const WzpCall *call, WzpTime now)
{
  uint32_t serial;
  const WzpPath *path = wzp_call_path(call, &serial);
  return path != NULL && wzp_path_reaches(path, now);
}

/* --- What comes --- */

static WzpResult
dispatch(WzpCall *call, WzpTime now, uint32_t serial, uint16_t k, const uint8_t *data,
         size_t length, bool *media)
{
  uint32_t ours;
  WzpPath *path = wzp_call_path(call, &ours);
  WzpResult result;
  if (path == NULL || ours != serial)
    return WZP_UNKNOWN_SESSION; /* of an agent that does not know yet that it is over */
  if (length > WZP_DATAGRAM_MAX)
    return WZP_TOO_LONG;
  switch (wzp_datagram_kind(data, length)) {
  case WZP_DATAGRAM_TRUNK:
    if (!wzp_trunk_valid(data, length))
      return WZP_MALFORMED;
    *media = true;
    return WZP_OK;
  case WZP_DATAGRAM_MEDIA:
    *media = true;
    return WZP_OK;
  case WZP_DATAGRAM_PATH_PROBE:
    result = wzp_path_probe(path, now, k, data, length);
    if (result == WZP_OK && call->dial != NULL)
      wzp_dial_heard_direct(call->dial, now);
    return result;
  case WZP_DATAGRAM_CONTROL:
    return call->dial != NULL ? wzp_dial_receive_direct(call->dial, now, data, length)
                              : WZP_UNEXPECTED;
  case WZP_DATAGRAM_PAIRWISE:
    return call->group != NULL ? wzp_group_receive(call->group, now, data + 1, length - 1)
                               : WZP_UNEXPECTED;
  default:
    return WZP_UNKNOWN_KIND;
  }
}

WzpResult
wzp_call_handle_direct(WzpCall *call, WzpTime now, uint32_t serial, uint16_t k, const uint8_t *data,
                       size_t length, bool *media)
{
  *media = false;
  call->stats.datagrams_received++;
  WzpResult result = dispatch(call, now, serial, k, data, length, media);
  if (result != WZP_OK)
    call->stats.drops[result]++;
  return result;
}

/* --- Media --- */

static void
heard_relay(WzpCall *call, WzpTime now)
{
  if (call->session == NULL)
    return;
  call->session->media_heard = now;
  wzp_call_heard(call, call->session);
}

/* The path to whoever sealed the packet; NULL: to him there is none. */
static WzpPath *
path_of_packet(const WzpCall *call, WzpTime now, const uint8_t *packet, size_t length)
{
  WzpHeader header;
  size_t header_length;
  uint32_t serial;
  if (call->group != NULL && (wzp_header_parse(&header, packet, length, &header_length) != WZP_OK ||
                              !wzp_group_path_speaks(call->group, now, header.slot)))
    return NULL;
  return wzp_call_path(call, &serial);
}

bool
wzp_call_packet_arrived(WzpCall *call, WzpTime now, WzpWay way, uint16_t k, const uint8_t *packet,
                        size_t length)
{
  WzpPath *path = path_of_packet(call, now, packet, length);
  if (path == NULL && way == WZP_WAY_DIRECT && call->group != NULL) {
    /* no relay looked whether the slot is the sender's own */
    call->stats.drops[WZP_WRONG_SLOT]++;
    return false;
  }
  if (path == NULL || wzp_path_arrived(path, now, way, k, packet, length))
    return true;
  if (way == WZP_WAY_RELAY)
    heard_relay(call, now);
  return false;
}

bool
wzp_call_path_opened(WzpCall *call, WzpTime now, const uint8_t *packet, size_t length,
                     WzpTime interval)
{
  WzpPath *path = path_of_packet(call, now, packet, length);
  if (path == NULL)
    return true;
  unsigned ways = wzp_path_opened(path, now, packet, length, interval);
  return ways == 0 || (ways & WZP_WAY_RELAY) != 0;
}

unsigned
wzp_call_route(WzpCall *call, WzpTime now, uint16_t *k)
{
  uint32_t serial;
  WzpPath *path = wzp_call_path(call, &serial);
  *k = 0;
  unsigned ways = path != NULL ? wzp_path_route(path, now, k) : WZP_WAY_RELAY;
  if (ways != call->ways)
    call->way_changes++;
  call->ways = ways;
  return ways;
}

uint64_t
wzp_call_way_changes(const WzpCall *call)
{
  return call->way_changes;
}
