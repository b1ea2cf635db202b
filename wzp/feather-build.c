/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "feather-private.h"
#include "json-object.h"

static void
add_text(JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_string_value(builder, text);
}

/* What there is not is null. */
static void
add_optional(JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name(builder, name);
  if (*text != '\0')
    json_builder_add_string_value(builder, text);
  else
    json_builder_add_null_value(builder);
}

static void
add_number(JsonBuilder *builder, const char *name, unsigned number)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_int_value(builder, number);
}

static void
add_bytes(JsonBuilder *builder, const char *name, const uint8_t *bytes, unsigned length)
{
  json_builder_set_member_name(builder, name);
  json_builder_begin_array(builder);
  for (unsigned i = 0; i < length; i++)
    json_builder_add_int_value(builder, bytes[i]);
  json_builder_end_array(builder);
}

static void
add_profile(JsonBuilder *builder, const WzpFeatherProfile *profile)
{
  json_builder_begin_object(builder);
  add_text(builder, "codec", profile->codec);
  json_builder_set_member_name(builder, "fec_ratio");
  json_builder_add_double_value(builder, profile->fec_ratio);
  add_number(builder, "frame_duration_ms", profile->frame_msec);
  add_number(builder, "frames_per_block", profile->frames_per_block);
  json_builder_end_object(builder);
}

static void
add_keys(JsonBuilder *builder, const WzpFeatherSignal *signal)
{
  add_bytes(builder, "identity_pub", signal->identity, sizeof signal->identity);
  add_bytes(builder, "ephemeral_pub", signal->ephemeral, sizeof signal->ephemeral);
  add_bytes(builder, "signature", signal->signature, signal->signature_length);
}

static void
add_fields(JsonBuilder *builder, const WzpFeatherSignal *signal)
{
  switch (signal->kind) {
  case WZP_FEATHER_CALL_OFFER:
    add_keys(builder, signal);
    json_builder_set_member_name(builder, "supported_profiles");
    json_builder_begin_array(builder);
    for (unsigned i = 0; i < signal->n_profiles; i++)
      add_profile(builder, &signal->profiles[i]);
    json_builder_end_array(builder);
    add_optional(builder, "alias", signal->alias);
    break;
  case WZP_FEATHER_CALL_ANSWER:
    add_keys(builder, signal);
    json_builder_set_member_name(builder, "chosen_profile");
    add_profile(builder, &signal->profiles[0]);
    break;
  case WZP_FEATHER_ICE_CANDIDATE:
    add_text(builder, "candidate", signal->candidate);
    break;
  case WZP_FEATHER_HANGUP:
    add_text(builder, "reason", wzp_feather_reason_name(signal->reason));
    add_optional(builder, "call_id", signal->call_id);
    break;
  case WZP_FEATHER_TRANSFER:
    add_text(builder, "target_fingerprint", signal->target);
    add_optional(builder, "relay_addr", signal->relay);
    break;
  case WZP_FEATHER_CALL_RINGING:
    add_text(builder, "call_id", signal->call_id);
    break;
  default:
    break;
  }
}

/* {"Kind":{...}}, or the kind alone when it has no fields. */
static void
add_signal(JsonBuilder *builder, const WzpFeatherSignal *signal)
{
  const char *name = wzp_feather_kind_name(signal->kind);
  json_builder_set_member_name(builder, "signal");
  if (wzp_feather_kind_is_bare(signal->kind)) {
    json_builder_add_string_value(builder, name);
    return;
  }
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, name);
  json_builder_begin_object(builder);
  add_fields(builder, signal);
  json_builder_end_object(builder);
  json_builder_end_object(builder);
}

static char *
to_text(JsonBuilder *builder)
{
  json_builder_end_object(builder);
  JsonNode *root = json_builder_get_root(builder);
  char *text = json_to_string(root, FALSE);
  json_node_unref(root);
  return text;
}

char *
wzp_feather_payload_build(const WzpFeatherPayload *payload)
{
  g_return_val_if_fail(payload->signal.kind > WZP_FEATHER_OTHER &&
                           payload->signal.kind < WZP_FEATHER_N_SIGNALS,
                       NULL);
  g_autoptr(JsonBuilder) builder = json_builder_new_immutable();
  json_builder_begin_object(builder);
  add_signal(builder, &payload->signal);
  add_optional(builder, "relay_addr", payload->relay);
  add_optional(builder, "room", payload->room);
  return to_text(builder);
}

char *
wzp_feather_call_build(const WzpFeatherCall *call)
{
  g_autofree char *payload = wzp_feather_payload_build(&call->payload);
  g_return_val_if_fail(payload != NULL, NULL);
  g_autoptr(JsonBuilder) builder = json_builder_new_immutable();
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "CallSignal");
  json_builder_begin_object(builder);
  add_text(builder, "id", call->id);
  add_text(builder, "sender_fingerprint", call->sender);
  add_text(builder, "signal_type", wzp_feather_type_name(call->type));
  add_text(builder, "payload", payload);
  add_text(builder, "target", call->target);
  json_builder_end_object(builder);
  return to_text(builder);
}
