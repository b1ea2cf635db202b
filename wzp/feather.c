/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "feather-private.h"
#include "json-object.h"
#include "kdf.h"
#include <sodium.h>
#include <math.h>
#include <string.h>

static const char *const type_names[WZP_FEATHER_N_TYPES] = {
    [WZP_FEATHER_TYPE_OFFER] = "Offer",
    [WZP_FEATHER_TYPE_ANSWER] = "Answer",
    [WZP_FEATHER_TYPE_ICE_CANDIDATE] = "IceCandidate",
    [WZP_FEATHER_TYPE_HANGUP] = "Hangup",
    [WZP_FEATHER_TYPE_REJECT] = "Reject",
    [WZP_FEATHER_TYPE_RINGING] = "Ringing",
    [WZP_FEATHER_TYPE_BUSY] = "Busy",
    [WZP_FEATHER_TYPE_HOLD] = "Hold",
    [WZP_FEATHER_TYPE_UNHOLD] = "Unhold",
    [WZP_FEATHER_TYPE_MUTE] = "Mute",
    [WZP_FEATHER_TYPE_UNMUTE] = "Unmute",
    [WZP_FEATHER_TYPE_TRANSFER] = "Transfer",
};

static const char *const reason_names[WZP_FEATHER_N_REASONS] = {
    [WZP_FEATHER_REASON_NORMAL] = "Normal",     [WZP_FEATHER_REASON_BUSY] = "Busy",
    [WZP_FEATHER_REASON_DECLINED] = "Declined", [WZP_FEATHER_REASON_TIMEOUT] = "Timeout",
    [WZP_FEATHER_REASON_ERROR] = "Error",
};

static const struct {
  const char *name;
  WzpFeatherType type;
  bool bare;
} kinds[WZP_FEATHER_N_SIGNALS] = {
    [WZP_FEATHER_OTHER] = {NULL, WZP_FEATHER_TYPE_OFFER, false},
    [WZP_FEATHER_CALL_OFFER] = {"CallOffer", WZP_FEATHER_TYPE_OFFER, false},
    [WZP_FEATHER_CALL_ANSWER] = {"CallAnswer", WZP_FEATHER_TYPE_ANSWER, false},
    [WZP_FEATHER_ICE_CANDIDATE] = {"IceCandidate", WZP_FEATHER_TYPE_ICE_CANDIDATE, false},
    [WZP_FEATHER_HANGUP] = {"Hangup", WZP_FEATHER_TYPE_HANGUP, false},
    [WZP_FEATHER_HOLD] = {"Hold", WZP_FEATHER_TYPE_HOLD, true},
    [WZP_FEATHER_UNHOLD] = {"Unhold", WZP_FEATHER_TYPE_UNHOLD, true},
    [WZP_FEATHER_MUTE] = {"Mute", WZP_FEATHER_TYPE_MUTE, true},
    [WZP_FEATHER_UNMUTE] = {"Unmute", WZP_FEATHER_TYPE_UNMUTE, true},
    [WZP_FEATHER_TRANSFER] = {"Transfer", WZP_FEATHER_TYPE_TRANSFER, false},
    [WZP_FEATHER_TRANSFER_ACK] = {"TransferAck", WZP_FEATHER_TYPE_OFFER, true},
    [WZP_FEATHER_CALL_RINGING] = {"CallRinging", WZP_FEATHER_TYPE_RINGING, false},
};

void
wzp_feather_room(char text[WZP_FEATHER_ROOM_TEXT], const char *group)
{
  uint8_t hash[32];
  g_autofree char *salted = g_strconcat("featherchat-group:", group, NULL);
  wzp_sha256(hash, (const uint8_t *)salted, strlen(salted));
  sodium_bin2hex(text, WZP_FEATHER_ROOM_TEXT, hash, (WZP_FEATHER_ROOM_TEXT - 1) / 2);
}

const char *
wzp_feather_type_name(WzpFeatherType type)
{
  return type_names[type];
}

static int
find(const char *const *names, int n, const char *name)
{
  for (int i = 0; name != NULL && i < n; i++)
    if (strcmp(names[i], name) == 0)
      return i;
  return -1;
}

bool
wzp_feather_type_parse(WzpFeatherType *type, const char *name)
{
  for (int i = 0; i < WZP_FEATHER_N_TYPES; i++) {
    if (g_ascii_strcasecmp(type_names[i], name) == 0) {
      *type = (WzpFeatherType)i;
      return true;
    }
  }
  return false;
}

const char *
wzp_feather_reason_name(WzpFeatherReason reason)
{
  return reason_names[reason];
}

const char *
wzp_feather_kind_name(WzpFeatherKind kind)
{
  return kinds[kind].name;
}

bool
wzp_feather_kind_is_bare(WzpFeatherKind kind)
{
  return kinds[kind].bare;
}

WzpFeatherType
wzp_feather_type_of(const WzpFeatherSignal *signal)
{
  if (signal->kind == WZP_FEATHER_HANGUP && signal->reason == WZP_FEATHER_REASON_BUSY)
    return WZP_FEATHER_TYPE_BUSY;
  if (signal->kind == WZP_FEATHER_HANGUP && signal->reason == WZP_FEATHER_REASON_DECLINED)
    return WZP_FEATHER_TYPE_REJECT;
  return kinds[signal->kind].type;
}

/* --- reading: the first thing that is wrong sticks --- */

typedef struct {
  JsonObject *object;
  WzpResult result;
} Reader;

static void
fail(Reader *reader, WzpResult result)
{
  if (reader->result == WZP_OK)
    reader->result = result;
}

static bool
can_be_shown(const char *text)
{
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
    gunichar c = g_utf8_get_char(at);
    if (!g_unichar_isprint(c) || g_unichar_iszerowidth(c))
      return false;
  }
  return true;
}

static void
copy_text(Reader *reader, char *out, size_t size, const char *text)
{
  if (strlen(text) >= size)
    fail(reader, WZP_TOO_LONG);
  else if (!can_be_shown(text))
    fail(reader, WZP_MALFORMED);
  else
    g_strlcpy(out, text, size);
}

/* Null and missing are the same as empty. */
static void
read_optional(Reader *reader, const char *name, char *out, size_t size)
{
  JsonNode *node = json_object_get_member(reader->object, name);
  if (node == NULL || JSON_NODE_HOLDS_NULL(node))
    return;
  const char *text = wzp_json_object_string(reader->object, name);
  if (text == NULL)
    fail(reader, WZP_MALFORMED);
  else
    copy_text(reader, out, size, text);
}

static void
read_text(Reader *reader, const char *name, char *out, size_t size)
{
  read_optional(reader, name, out, size);
  if (*out == '\0')
    fail(reader, WZP_MALFORMED);
}

/* In the one way that it is written. */
static void
read_fingerprint(Reader *reader, const char *name, char out[WZP_FINGERPRINT_TEXT])
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  const char *text = wzp_json_object_string(reader->object, name);
  if (text != NULL && wzp_fingerprint_parse(fingerprint, text))
    wzp_fingerprint_format(fingerprint, out);
  else
    fail(reader, WZP_MALFORMED);
}

static bool
read_int(JsonNode *node, unsigned low, unsigned high, unsigned *number)
{
  if (node == NULL || !JSON_NODE_HOLDS_VALUE(node) ||
      json_node_get_value_type(node) != G_TYPE_INT64)
    return false;
  gint64 value = json_node_get_int(node);
  *number = (unsigned)value;
  return value >= low && value <= high;
}

/* An array of exactly size numbers, or of none when it may be empty. Returns how many. */
static unsigned
read_bytes(Reader *reader, const char *name, uint8_t *out, unsigned size, bool may_be_empty)
{
  JsonNode *node = json_object_get_member(reader->object, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
  unsigned length = array == NULL ? 0 : json_array_get_length(array);
  if (array == NULL || (length != size && (length != 0 || !may_be_empty))) {
    fail(reader, WZP_MALFORMED);
    return 0;
  }
  for (unsigned i = 0; i < length; i++) {
    unsigned number;
    if (!read_int(json_array_get_element(array, i), 0, 255, &number))
      fail(reader, WZP_MALFORMED);
    else
      out[i] = (uint8_t)number;
  }
  return length;
}

static void
read_profile(Reader *reader, JsonNode *node, WzpFeatherProfile *profile)
{
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node)) {
    fail(reader, WZP_MALFORMED);
    return;
  }
  Reader inner = {.object = json_node_get_object(node)};
  read_text(&inner, "codec", profile->codec, sizeof profile->codec);
  JsonNode *ratio = json_object_get_member(inner.object, "fec_ratio");
  GType type = ratio != NULL && JSON_NODE_HOLDS_VALUE(ratio) ? json_node_get_value_type(ratio) : 0;
  profile->fec_ratio =
      type == G_TYPE_DOUBLE || type == G_TYPE_INT64 ? json_node_get_double(ratio) : NAN;
  if (!(profile->fec_ratio >= 0 && profile->fec_ratio <= 100) ||
      !read_int(json_object_get_member(inner.object, "frame_duration_ms"), 1, 255,
                &profile->frame_msec) ||
      !read_int(json_object_get_member(inner.object, "frames_per_block"), 1, 255,
                &profile->frames_per_block))
    fail(&inner, WZP_MALFORMED);
  fail(reader, inner.result);
}

static void
read_profiles(Reader *reader, WzpFeatherSignal *signal)
{
  JsonNode *node = json_object_get_member(reader->object, "supported_profiles");
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node)) {
    fail(reader, WZP_MALFORMED);
    return;
  }
  JsonArray *array = json_node_get_array(node);
  unsigned n = json_array_get_length(array);
  if (n > WZP_FEATHER_PROFILES_MAX) {
    fail(reader, WZP_TOO_LONG);
    return;
  }
  for (unsigned i = 0; i < n; i++)
    read_profile(reader, json_array_get_element(array, i), &signal->profiles[i]);
  signal->n_profiles = n;
}

static void
read_keys(Reader *reader, WzpFeatherSignal *signal)
{
  read_bytes(reader, "identity_pub", signal->identity, sizeof signal->identity, false);
  read_bytes(reader, "ephemeral_pub", signal->ephemeral, sizeof signal->ephemeral, false);
  signal->signature_length =
      read_bytes(reader, "signature", signal->signature, sizeof signal->signature, true);
}

static void
read_fields(Reader *reader, WzpFeatherSignal *signal)
{
  int reason;
  switch (signal->kind) {
  case WZP_FEATHER_CALL_OFFER:
    read_keys(reader, signal);
    read_profiles(reader, signal);
    read_optional(reader, "alias", signal->alias, sizeof signal->alias);
    break;
  case WZP_FEATHER_CALL_ANSWER:
    read_keys(reader, signal);
    read_profile(reader, json_object_get_member(reader->object, "chosen_profile"),
                 &signal->profiles[0]);
    signal->n_profiles = 1;
    break;
  case WZP_FEATHER_ICE_CANDIDATE:
    read_text(reader, "candidate", signal->candidate, sizeof signal->candidate);
    break;
  case WZP_FEATHER_HANGUP:
    reason =
        find(reason_names, WZP_FEATHER_N_REASONS, wzp_json_object_string(reader->object, "reason"));
    if (reason < 0)
      fail(reader, WZP_MALFORMED);
    else
      signal->reason = (WzpFeatherReason)reason;
    read_optional(reader, "call_id", signal->call_id, sizeof signal->call_id);
    break;
  case WZP_FEATHER_TRANSFER:
    read_fingerprint(reader, "target_fingerprint", signal->target);
    read_optional(reader, "relay_addr", signal->relay, sizeof signal->relay);
    break;
  case WZP_FEATHER_CALL_RINGING:
    read_text(reader, "call_id", signal->call_id, sizeof signal->call_id);
    break;
  default:
    break;
  }
}

static WzpFeatherKind
kind_by_name(const char *name)
{
  for (int i = WZP_FEATHER_OTHER + 1; i < WZP_FEATHER_N_SIGNALS; i++)
    if (strcmp(kinds[i].name, name) == 0)
      return (WzpFeatherKind)i;
  return WZP_FEATHER_OTHER;
}

static void
read_signal(Reader *reader, WzpFeatherSignal *signal)
{
  JsonNode *node = json_object_get_member(reader->object, "signal");
  const char *name = wzp_json_object_string(reader->object, "signal");
  JsonObject *fields = NULL;
  if (node != NULL && JSON_NODE_HOLDS_OBJECT(node) &&
      json_object_get_size(json_node_get_object(node)) == 1) {
    g_autoptr(GList) names = json_object_get_members(json_node_get_object(node));
    name = names->data;
    JsonNode *inner = json_object_get_member(json_node_get_object(node), name);
    fields = JSON_NODE_HOLDS_OBJECT(inner) ? json_node_get_object(inner) : NULL;
    if (fields == NULL)
      fail(reader, WZP_MALFORMED);
  }
  if (name == NULL || *name == '\0') {
    fail(reader, WZP_MALFORMED);
    return;
  }
  copy_text(reader, signal->name, sizeof signal->name, name);
  signal->kind = kind_by_name(name);
  if (signal->kind == WZP_FEATHER_OTHER)
    return;
  if ((fields == NULL) != kinds[signal->kind].bare) {
    fail(reader, WZP_MALFORMED);
    return;
  }
  Reader inner = {.object = fields};
  if (fields != NULL)
    read_fields(&inner, signal);
  fail(reader, inner.result);
}

WzpResult
wzp_feather_payload_parse(WzpFeatherPayload *out, const void *text, size_t length)
{
  memset(out, 0, sizeof *out);
  if (length > WZP_FEATHER_TEXT_MAX)
    return WZP_TOO_LONG;
  g_autoptr(JsonParser) parser = NULL;
  Reader reader = {.object = wzp_json_object_parse(&parser, text, length)};
  if (reader.object == NULL)
    return WZP_MALFORMED;
  read_signal(&reader, &out->signal);
  read_optional(&reader, "relay_addr", out->relay, sizeof out->relay);
  read_optional(&reader, "room", out->room, sizeof out->room);
  if (reader.result != WZP_OK)
    memset(out, 0, sizeof *out);
  return reader.result;
}

static WzpResult
read_call(WzpFeatherCall *out, JsonObject *object)
{
  JsonNode *node = json_object_get_member(object, "CallSignal");
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
    return WZP_MALFORMED;
  Reader reader = {.object = json_node_get_object(node)};
  int type =
      find(type_names, WZP_FEATHER_N_TYPES, wzp_json_object_string(reader.object, "signal_type"));
  const char *payload = wzp_json_object_string(reader.object, "payload");
  if (type < 0 || payload == NULL)
    return WZP_MALFORMED;
  out->type = (WzpFeatherType)type;
  read_text(&reader, "id", out->id, sizeof out->id);
  read_fingerprint(&reader, "sender_fingerprint", out->sender);
  read_fingerprint(&reader, "target", out->target);
  fail(&reader, wzp_feather_payload_parse(&out->payload, payload, strlen(payload)));
  return reader.result;
}

WzpResult
wzp_feather_call_parse(WzpFeatherCall *out, const void *text, size_t length)
{
  memset(out, 0, sizeof *out);
  if (length > 2 * WZP_FEATHER_TEXT_MAX) /* the payload is quoted once more */
    return WZP_TOO_LONG;
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *object = wzp_json_object_parse(&parser, text, length);
  WzpResult result = object == NULL ? WZP_MALFORMED : read_call(out, object);
  if (result != WZP_OK)
    memset(out, 0, sizeof *out);
  return result;
}
