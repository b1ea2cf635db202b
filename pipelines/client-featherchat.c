/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-command.h"
#include "client-seed.h"
#include "wzp/feather.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX (2 * WZP_FEATHER_TEXT_MAX)

static gboolean G_GNUC_PRINTF(2, 3) usage(GError **error, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, CLIENT_ERROR, CLIENT_USAGE, text);
  return FALSE;
}

static gboolean
command_room(const ClientCommandOptions *options, GError **error)
{
  char room[WZP_FEATHER_ROOM_TEXT];
  wzp_feather_room(room, options->words[0]);
  g_autofree char *line = g_strconcat(room, "\n", NULL);
  return client_command_put(line, error);
}

/* --- encode --- */

/* The signals that can be said from a command line. */
static gboolean
choose_signal(WzpFeatherCall *call, GError **error)
{
  WzpFeatherSignal *signal = &call->payload.signal;
  switch (call->type) {
  case WZP_FEATHER_TYPE_OFFER:
    signal->kind = WZP_FEATHER_CALL_OFFER;
    break;
  case WZP_FEATHER_TYPE_ANSWER:
    signal->kind = WZP_FEATHER_CALL_ANSWER;
    break;
  case WZP_FEATHER_TYPE_RINGING:
    signal->kind = WZP_FEATHER_CALL_RINGING;
    break;
  case WZP_FEATHER_TYPE_BUSY:
    signal->kind = WZP_FEATHER_HANGUP;
    signal->reason = WZP_FEATHER_REASON_BUSY;
    break;
  case WZP_FEATHER_TYPE_REJECT:
    signal->kind = WZP_FEATHER_HANGUP;
    signal->reason = WZP_FEATHER_REASON_DECLINED;
    break;
  case WZP_FEATHER_TYPE_HANGUP:
    signal->kind = WZP_FEATHER_HANGUP;
    break;
  case WZP_FEATHER_TYPE_HOLD:
    signal->kind = WZP_FEATHER_HOLD;
    break;
  case WZP_FEATHER_TYPE_UNHOLD:
    signal->kind = WZP_FEATHER_UNHOLD;
    break;
  case WZP_FEATHER_TYPE_MUTE:
    signal->kind = WZP_FEATHER_MUTE;
    break;
  case WZP_FEATHER_TYPE_UNMUTE:
    signal->kind = WZP_FEATHER_UNMUTE;
    break;
  default:
    return usage(error, "%s is made by a running call only", wzp_feather_type_name(call->type));
  }
  return TRUE;
}

static gboolean
copy(char *out, gsize size, const char *text, const char *what, GError **error)
{
  if (!text)
    return TRUE;
  if (!*text || strlen(text) >= size)
    return usage(error, "%s has 1 to %zu bytes, not %zu", what, size - 1, strlen(text));
  g_strlcpy(out, text, size);
  return TRUE;
}

/* What the messenger's other programs need to find in an offer or answer. Their signature is bound to no call and
 * could be shown elsewhere, so none is made: who is who shows the handshake in the room. */
static void
set_keys(WzpFeatherSignal *signal, const WzpIdentity *identity)
{
  static const WzpFeatherProfile profile = {
      .codec = "Opus24k", .fec_ratio = 0.2, .frame_msec = 20, .frames_per_block = 5};
  if (signal->kind != WZP_FEATHER_CALL_OFFER && signal->kind != WZP_FEATHER_CALL_ANSWER)
    return;
  memcpy(signal->identity, identity->ed25519_public, 32);
  signal->n_profiles = 1;
  signal->profiles[0] = profile;
}

static gboolean
fill(WzpFeatherCall *call, const ClientCommandOptions *options, GError **error)
{
  WzpFeatherPayload *payload = &call->payload;
  WzpFeatherSignal *signal = &payload->signal;
  if (options->alias && signal->kind != WZP_FEATHER_CALL_OFFER)
    return usage(error, "only an offer has an --alias");
  if (!copy(call->id, sizeof call->id, options->call_id, "--call-id", error) ||
      !copy(signal->alias, sizeof signal->alias, options->alias, "--alias", error) ||
      !copy(payload->relay, sizeof payload->relay, options->relay, "--relay", error) ||
      !copy(payload->room, sizeof payload->room, options->room, "--room", error))
    return FALSE;
  if (signal->kind == WZP_FEATHER_CALL_RINGING || signal->kind == WZP_FEATHER_HANGUP)
    g_strlcpy(signal->call_id, call->id, sizeof signal->call_id);
  return TRUE;
}

static gboolean
command_encode(const ClientCommandOptions *options, GError **error)
{
  WzpFeatherCall call = {0};
  uint8_t seed[32], fingerprint[WZP_FINGERPRINT_SIZE], id[16];
  if (!wzp_feather_type_parse(&call.type, options->words[0]))
    return usage(error,
                 "'%s' is no call signal; there are offer, answer, ringing, busy, reject, "
                 "hangup, hold, unhold, mute and unmute",
                 options->words[0]);
  if (!wzp_fingerprint_parse(fingerprint, options->words[1]))
    return usage(error, "'%s' is no fingerprint: eight groups of four hex digits",
                 options->words[1]);
  wzp_fingerprint_format(fingerprint, call.target);
  const WzpRandom random = wzp_random_system();
  wzp_random_fill(&random, id, sizeof id);
  sodium_bin2hex(call.id, sizeof call.id, id, sizeof id);
  if (!choose_signal(&call, error) || !fill(&call, options, error) ||
      !client_seed_read(options->identity, options->passphrase_file, seed, error))
    return FALSE;
  WzpIdentity *identity = wzp_identity_new(seed);
  sodium_memzero(seed, sizeof seed);
  wzp_fingerprint_format(identity->fingerprint, call.sender);
  set_keys(&call.payload.signal, identity);
  wzp_identity_free(identity);

  g_autofree char *text = wzp_feather_call_build(&call);
  if (wzp_feather_call_parse(&call, text, strlen(text)) != WZP_OK)
    return usage(error, "--alias, --relay, --room and --call-id are UTF-8 text without control "
                        "characters");
  g_autofree char *line = g_strconcat(text, "\n", NULL);
  return client_command_put(line, error);
}

/* --- decode --- */

static void
add(GString *out, const char *name, const char *value)
{
  if (*value)
    g_string_append_printf(out, "%s=%s\n", name, value);
}

static void
add_payload(GString *out, const WzpFeatherPayload *payload)
{
  const WzpFeatherSignal *signal = &payload->signal;
  add(out, "signal", signal->name);
  add(out, "relay", payload->relay);
  add(out, "room", payload->room);
  add(out, "alias", signal->alias);
  add(out, "call-id", signal->call_id);
  add(out, "candidate", signal->candidate);
  add(out, "transfer-to", signal->target);
  add(out, "transfer-relay", signal->relay);
  if (signal->kind == WZP_FEATHER_HANGUP)
    add(out, "reason", wzp_feather_reason_name(signal->reason));
  for (guint i = 0; i < signal->n_profiles; i++)
    g_string_append_printf(out, "profile=%s, %u ms\n", signal->profiles[i].codec,
                           signal->profiles[i].frame_msec);
}

/* The key in an offer must be the sender's. True when there is none. */
static gboolean
add_key(GString *out, const WzpFeatherSignal *signal, const char *sender, GError **error)
{
  char hex[65], text[WZP_FINGERPRINT_TEXT];
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  if (signal->kind != WZP_FEATHER_CALL_OFFER && signal->kind != WZP_FEATHER_CALL_ANSWER)
    return TRUE;
  wzp_fingerprint(fingerprint, signal->identity);
  wzp_fingerprint_format(fingerprint, text);
  add(out, "key", sodium_bin2hex(hex, sizeof hex, signal->identity, 32));
  add(out, "fingerprint", text);
  if (!*sender || g_str_equal(sender, text))
    return TRUE;
  g_set_error(error, CLIENT_ERROR, CLIENT_SECURITY,
              "STOP: the messenger says that %s calls, but the key in the call is of %s", sender,
              text);
  return FALSE;
}

static gboolean
command_decode(const ClientCommandOptions *options, GError **error)
{
  (void)options;
  WzpFeatherCall call;
  g_autofree char *input = g_malloc(INPUT_MAX + 1);
  const gsize length = fread(input, 1, INPUT_MAX + 1, stdin);
  WzpResult result = wzp_feather_call_parse(&call, input, length);
  g_autoptr(GString) out = g_string_new(NULL);
  if (result == WZP_OK) {
    add(out, "type", wzp_feather_type_name(call.type));
    add(out, "id", call.id);
    add(out, "from", call.sender);
    add(out, "to", call.target);
  } else if (wzp_feather_payload_parse(&call.payload, input, length) == WZP_OK) {
    add(out, "type", wzp_feather_type_name(wzp_feather_type_of(&call.payload.signal)));
  } else {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL,
                "standard input is no call signal of featherChat, and no payload of one (%s)",
                wzp_result_name(result));
    return FALSE;
  }
  add_payload(out, &call.payload);
  return add_key(out, &call.payload.signal, call.sender, error) &&
         client_command_put(out->str, error);
}

const ClientCommand client_featherchat_commands[] = {
    {"room", "GROUP", "The room of a group: wzp-client --room takes it", 1, 1, "", command_room},
    {"encode", "TYPE FINGERPRINT", "A call signal for somebody, as JSON", 2, 2,
     "identity passphrase-file relay room alias call-id", command_encode},
    {"decode", "", "What a call signal on standard input says", 0, 0, "", command_decode},
    {0}};
