/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-message.h"
#include <glib.h>
#include <string.h>

static const char *
name_of(const char *const *names, unsigned n, unsigned value)
{
  return value < n ? names[value] : "unknown";
}

const char *
wzp_call_status_name(WzpCallStatus status)
{
  static const char *const names[WZP_N_CALL_STATUS] = {
      [WZP_CALL_LISTENING] = "listening", [WZP_CALL_UNREACHABLE] = "unreachable",
      [WZP_CALL_BUSY] = "busy",           [WZP_CALL_LIMITED] = "limited",
      [WZP_CALL_ALONE] = "alone",         [WZP_CALL_TOGETHER] = "together",
      [WZP_CALL_NO_PLACE] = "no-place",
  };
  return name_of(names, G_N_ELEMENTS(names), status);
}

const char *
wzp_accept_mode_name(WzpAcceptMode mode)
{
  static const char *const names[] = {"reject", "trusted", "private"};
  return name_of(names, G_N_ELEMENTS(names), mode);
}

const char *
wzp_call_end_name(WzpCallEnd end)
{
  static const char *const names[WZP_N_ENDS] = {
      [WZP_END_HUNG_UP] = "hung-up",
      [WZP_END_DECLINED] = "declined",
      [WZP_END_BUSY] = "busy",
      [WZP_END_TIMEOUT] = "timeout",
      [WZP_END_TRANSFERRED] = "transferred",
      [WZP_END_ERROR] = "error",
      [WZP_END_UNREACHABLE] = "unreachable",
      [WZP_END_NO_ANSWER] = "no-answer",
      [WZP_END_LIMITED] = "limited",
      [WZP_END_NO_PLACE] = "no-place",
      [WZP_END_LOST] = "lost",
      [WZP_END_WRONG_IDENTITY] = "wrong-identity",
      [WZP_END_CROSSED] = "crossed",
  };
  return name_of(names, G_N_ELEMENTS(names), end);
}

/* --- By the relay --- */

static WzpResult
check_route(const WzpCallMessage *message)
{
  static const WzpCallRoute none;
  const WzpCallRoute *route = &message->route;
  bool listening =
      message->kind == WZP_MESSAGE_CALL_STATUS && message->status == WZP_CALL_LISTENING;
  if (listening)
    return memcmp(route, &none, sizeof none) == 0 ? WZP_OK : WZP_MALFORMED;
  return memcmp(route->caller, route->callee, WZP_FINGERPRINT_SIZE) != 0 ? WZP_OK : WZP_MALFORMED;
}

WzpResult
wzp_call_message_parse(WzpCallMessage *message, const uint8_t *data, size_t length)
{
  WzpReader reader;
  memset(message, 0, sizeof *message);
  wzp_reader_init(&reader, data, length);
  message->kind = (WzpMessageKind)wzp_reader_u8(&reader);
  if (length == 0)
    return WZP_TRUNCATED;
  if (message->kind == WZP_MESSAGE_LISTEN) {
    wzp_reader_copy(&reader, message->instance, sizeof message->instance);
    return reader.failed ? WZP_TRUNCATED : wzp_reader_done(&reader) ? WZP_OK : WZP_TOO_LONG;
  }
  wzp_reader_copy(&reader, &message->route, sizeof message->route);
  switch (message->kind) {
  case WZP_MESSAGE_CALL:
    message->body = wzp_reader_rest(&reader, &message->body_length);
    if (message->body_length > WZP_CALL_BODY_MAX)
      return WZP_TOO_LONG;
    if (message->body_length == 0)
      return WZP_TRUNCATED;
    break;
  case WZP_MESSAGE_CALL_MEDIA:
    message->media = (WzpCallMedia)wzp_reader_u8(&reader);
    if (message->media > WZP_CALL_MEDIA_JOIN)
      return WZP_MALFORMED;
    break;
  case WZP_MESSAGE_CALL_STATUS:
    message->status = (WzpCallStatus)wzp_reader_u8(&reader);
    if (message->status >= WZP_N_CALL_STATUS)
      return WZP_MALFORMED;
    break;
  default:
    return WZP_UNKNOWN_KIND;
  }
  if (reader.failed)
    return WZP_TRUNCATED;
  if (wzp_reader_left(&reader) > 0)
    return WZP_TOO_LONG;
  return check_route(message);
}

GBytes *
wzp_call_message_build(const WzpCallMessage *message)
{
  uint8_t data[1 + WZP_CALL_ROUTE_SIZE + WZP_CALL_BODY_MAX];
  WzpWriter writer;
  wzp_writer_init(&writer, data, sizeof data);
  wzp_writer_u8(&writer, (uint8_t)message->kind);
  if (message->kind == WZP_MESSAGE_LISTEN)
    wzp_writer_bytes(&writer, message->instance, sizeof message->instance);
  else
    wzp_writer_bytes(&writer, &message->route, sizeof message->route);
  if (message->kind == WZP_MESSAGE_CALL)
    wzp_writer_bytes(&writer, message->body, message->body_length);
  else if (message->kind == WZP_MESSAGE_CALL_MEDIA)
    wzp_writer_u8(&writer, (uint8_t)message->media);
  else if (message->kind == WZP_MESSAGE_CALL_STATUS)
    wzp_writer_u8(&writer, (uint8_t)message->status);
  g_assert(!writer.failed);
  return g_bytes_new(data, writer.length);
}

/* --- Inside --- */

WzpResult
wzp_dial_message_parse(WzpDialMessage *message, const uint8_t *data, size_t length)
{
  WzpReader reader;
  uint8_t value;
  memset(message, 0, sizeof *message);
  if (length == 0)
    return WZP_TRUNCATED;
  wzp_reader_init(&reader, data, length);
  message->type = (WzpDialType)wzp_reader_u8(&reader);
  switch (message->type) {
  case WZP_DIAL_RINGING:
    break;
  case WZP_DIAL_INVITE:
  case WZP_DIAL_ACCEPT:
    value = wzp_reader_u8(&reader);
    message->mode = value == WZP_ACCEPT_TRUSTED ? WZP_ACCEPT_TRUSTED : WZP_ACCEPT_PRIVATE;
    break;
  case WZP_DIAL_DECLINE:
  case WZP_DIAL_HANGUP:
    value = wzp_reader_u8(&reader);
    message->end = value < WZP_N_END_SAID ? (WzpCallEnd)value : WZP_END_ERROR;
    break;
  case WZP_DIAL_HOLD:
  case WZP_DIAL_MUTE:
    value = wzp_reader_u8(&reader);
    if (value > 1)
      return WZP_MALFORMED;
    message->on = value == 1;
    break;
  case WZP_DIAL_TRANSFER:
    wzp_reader_copy(&reader, message->target, sizeof message->target);
    break;
  case WZP_DIAL_REKEY:
  case WZP_DIAL_REKEY_ACK:
  case WZP_DIAL_KEY:
    message->number = wzp_reader_u32(&reader);
    wzp_reader_copy(&reader, message->key, sizeof message->key);
    break;
  case WZP_DIAL_KEYACK:
    message->number = wzp_reader_u32(&reader);
    break;
  case WZP_DIAL_PATH:
    message->body = wzp_reader_rest(&reader, &message->body_length);
    break;
  default:
    return WZP_UNKNOWN_KIND;
  }
  return reader.failed ? WZP_TRUNCATED : WZP_OK;
}

size_t
wzp_dial_message_write(uint8_t out[WZP_DIAL_MESSAGE_MAX], const WzpDialMessage *message)
{
  WzpWriter writer;
  wzp_writer_init(&writer, out, WZP_DIAL_MESSAGE_MAX);
  wzp_writer_u8(&writer, (uint8_t)message->type);
  switch (message->type) {
  case WZP_DIAL_RINGING:
    break;
  case WZP_DIAL_INVITE:
  case WZP_DIAL_ACCEPT:
    wzp_writer_u8(&writer, (uint8_t)message->mode);
    break;
  case WZP_DIAL_DECLINE:
  case WZP_DIAL_HANGUP:
    wzp_writer_u8(&writer, (uint8_t)message->end);
    break;
  case WZP_DIAL_HOLD:
  case WZP_DIAL_MUTE:
    wzp_writer_u8(&writer, message->on);
    break;
  case WZP_DIAL_TRANSFER:
    wzp_writer_bytes(&writer, message->target, sizeof message->target);
    break;
  case WZP_DIAL_REKEY:
  case WZP_DIAL_REKEY_ACK:
  case WZP_DIAL_KEY:
    wzp_writer_u32(&writer, message->number);
    wzp_writer_bytes(&writer, message->key, sizeof message->key);
    break;
  case WZP_DIAL_KEYACK:
    wzp_writer_u32(&writer, message->number);
    break;
  case WZP_DIAL_PATH:
    g_assert_not_reached();
  }
  g_assert(!writer.failed);
  return writer.length;
}
