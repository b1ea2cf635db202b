/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "signal.h"
#include "json-object.h"
#include <sodium.h>
#include <string.h>

#define SLOT_MAX 249

static const char *const type_names[] = {
    [WZP_SIGNAL_UNKNOWN] = NULL, [WZP_SIGNAL_JOINED] = "joined", [WZP_SIGNAL_ROSTER] = "roster",
    [WZP_SIGNAL_LEFT] = "left",  [WZP_SIGNAL_LEAVE] = "leave",   [WZP_SIGNAL_ERROR] = "error",
};

static const char *const code_names[] = {
    [WZP_ERROR_NONE] = "NONE",
    [WZP_ERROR_UNKNOWN] = "UNKNOWN",
    [WZP_ERROR_ROOM_FULL] = "ROOM_FULL",
    [WZP_ERROR_BUSY] = "BUSY",
    [WZP_ERROR_BAD_JOIN] = "BAD_JOIN",
    [WZP_ERROR_WRONG_RELAY] = "WRONG_RELAY",
    [WZP_ERROR_RATE_LIMITED] = "RATE_LIMITED",
    [WZP_ERROR_UNSUPPORTED] = "UNSUPPORTED",
    [WZP_ERROR_AUTH_REQUIRED] = "AUTH_REQUIRED",
    [WZP_ERROR_AUTH_REFUSED] = "AUTH_REFUSED",
    [WZP_ERROR_AUTH_UNAVAILABLE] = "AUTH_UNAVAILABLE",
    [WZP_ERROR_NOT_ALLOWED] = "NOT_ALLOWED",
};

const char *
wzp_error_code_name(WzpErrorCode code)
{
  return (size_t)code < G_N_ELEMENTS(code_names) ? code_names[code] : "UNKNOWN";
}

/* --- reading --- */

static bool
read_slot(JsonNode *node, unsigned *slot)
{
  if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
    return false;
  gint64 value = json_node_get_int(node);
  if (value < 0 || value > SLOT_MAX)
    return false;
  *slot = (unsigned)value;
  return true;
}

static bool
read_members(WzpSignal *signal, JsonObject *object)
{
  JsonNode *node = json_object_get_member(object, "members");
  if (!node || !JSON_NODE_HOLDS_ARRAY(node))
    return false;
  JsonArray *members = json_node_get_array(node);
  unsigned n = json_array_get_length(members);
  if (n > WZP_SIGNAL_MEMBERS_MAX)
    return false;
  for (unsigned i = 0; i < n; i++) {
    unsigned slot;
    if (!read_slot(json_array_get_element(members, i), &slot) ||
        memchr(signal->members, (int)slot, i))
      return false;
    signal->members[i] = (uint8_t)slot;
  }
  signal->n_members = n;
  return true;
}

static bool
read_key(uint8_t key[32], const char *hex)
{
  return hex && wzp_hex_read(key, 32, hex);
}

/* Text of a stranger, as it may be shown in a terminal: valid UTF-8, cut at a character, and nothing
 * in it that moves the cursor or turns the writing direction. */
static void
copy_text(char *out, size_t size, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
  size_t length = 0;
  for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
    gunichar c = g_utf8_get_char(at);
    char encoded[6];
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      c = ' ';
      break;
    default:
      break;
    }
    size_t n = (size_t)g_unichar_to_utf8(c, encoded);
    if (length + n >= size)
      break;
    memcpy(out + length, encoded, n);
    length += n;
  }
  out[length] = '\0';
}

static WzpErrorCode
read_code(const char *name)
{
  for (unsigned code = WZP_ERROR_ROOM_FULL; code < G_N_ELEMENTS(code_names); code++)
    if (strcmp(name, code_names[code]) == 0)
      return (WzpErrorCode)code;
  return WZP_ERROR_UNKNOWN;
}

static bool
read_fields(WzpSignal *signal, JsonObject *object)
{
  const char *type = wzp_json_object_string(object, "type"), *code;
  if (!type)
    return false;
  for (unsigned i = WZP_SIGNAL_JOINED; i < G_N_ELEMENTS(type_names); i++)
    if (strcmp(type, type_names[i]) == 0)
      signal->type = (WzpSignalType)i;

  switch (signal->type) {
  case WZP_SIGNAL_JOINED:
    return read_slot(json_object_get_member(object, "slot"), &signal->slot) &&
           read_key(signal->home, wzp_json_object_string(object, "home")) &&
           read_members(signal, object);
  case WZP_SIGNAL_ROSTER:
    return read_members(signal, object);
  case WZP_SIGNAL_LEFT:
    copy_text(signal->reason, sizeof signal->reason, wzp_json_object_string(object, "reason"));
    return read_slot(json_object_get_member(object, "slot"), &signal->slot);
  case WZP_SIGNAL_ERROR:
    code = wzp_json_object_string(object, "code");
    if (!code)
      return false;
    signal->code = read_code(code);
    copy_text(signal->text, sizeof signal->text, wzp_json_object_string(object, "text"));
    return true;
  case WZP_SIGNAL_LEAVE:
  case WZP_SIGNAL_UNKNOWN:
    return true;
  }
  return false;
}

WzpResult
wzp_signal_parse(WzpSignal *signal, const void *body, size_t length)
{
  *signal = (WzpSignal){0};
  if (length > WZP_CONTROL_MESSAGE_MAX)
    return WZP_TOO_LONG;
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *object = wzp_json_object_parse(&parser, body, length);
  if (!object || !read_fields(signal, object)) {
    *signal = (WzpSignal){0};
    return WZP_MALFORMED;
  }
  return WZP_OK;
}

/* --- writing --- */

static void
write_members(JsonBuilder *builder, const WzpSignal *signal)
{
  json_builder_set_member_name(builder, "members");
  json_builder_begin_array(builder);
  for (unsigned i = 0; i < MIN(signal->n_members, WZP_SIGNAL_MEMBERS_MAX); i++)
    json_builder_add_int_value(builder, signal->members[i]);
  json_builder_end_array(builder);
}

static void
write_string(JsonBuilder *builder, const char *name, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid(value, -1);
  json_builder_set_member_name(builder, name);
  json_builder_add_string_value(builder, valid);
}

static void
write_slot(JsonBuilder *builder, unsigned slot)
{
  json_builder_set_member_name(builder, "slot");
  json_builder_add_int_value(builder, slot);
}

GBytes *
wzp_signal_build(const WzpSignal *signal)
{
  g_return_val_if_fail(signal->type > WZP_SIGNAL_UNKNOWN && signal->type <= WZP_SIGNAL_ERROR, NULL);
  g_autoptr(JsonBuilder) builder = json_builder_new_immutable();
  char home[65];
  json_builder_begin_object(builder);
  write_string(builder, "type", type_names[signal->type]);
  switch (signal->type) {
  case WZP_SIGNAL_JOINED:
    sodium_bin2hex(home, sizeof home, signal->home, sizeof signal->home);
    write_slot(builder, signal->slot);
    write_string(builder, "home", home);
    write_members(builder, signal);
    break;
  case WZP_SIGNAL_ROSTER:
    write_members(builder, signal);
    break;
  case WZP_SIGNAL_LEFT:
    write_slot(builder, signal->slot);
    write_string(builder, "reason", signal->reason);
    break;
  case WZP_SIGNAL_ERROR:
    write_string(builder, "code", wzp_error_code_name(signal->code));
    write_string(builder, "text", signal->text);
    break;
  case WZP_SIGNAL_LEAVE:
  case WZP_SIGNAL_UNKNOWN:
    break;
  }
  json_builder_end_object(builder);

  JsonNode *root = json_builder_get_root(builder);
  g_autofree char *text = json_to_string(root, FALSE);
  json_node_unref(root);
  GByteArray *message = g_byte_array_new();
  const uint8_t kind = WZP_MESSAGE_SIGNAL;
  g_byte_array_append(message, &kind, 1);
  g_byte_array_append(message, (const guint8 *)text, (guint)strlen(text));
  return g_byte_array_free_to_bytes(message);
}
