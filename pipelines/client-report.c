/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-report-private.h"
#include "client-json.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SILENCE_DB -60.
#define METER_WIDTH 10

static void
say_room_code(gpointer data, const char *code, guint members)
{
  client_report_say(
      data,
      "room code of these %u members: %s (the same for all of you, unless somebody is hidden "
      "from some)",
      members, code);
}

ClientReport *
client_report_new(const ClientOptions *options)
{
  ClientReport *report = g_new0(ClientReport, 1);
  report->sends = client_options_send(options);
  report->hears = client_options_hear(options);
  report->terminal = isatty(STDERR_FILENO);
  report->started = g_get_monotonic_time();
  report->started_at = g_get_real_time();
  report->state = g_strdup("idle");
  report->peers = client_peers_new();
  report->room_code = client_room_code_new(say_room_code, report);
  client_quality_init(&report->quality);
  client_ends_init(&report->ends);
  report->level_sent = report->level_heard = SILENCE_DB;
  report->now.round_trip = report->now.delay = report->recorded = CLIENT_UNKNOWN;
  report->now.direct_round_trip = CLIENT_UNKNOWN;
  return report;
}

void
client_report_free(ClientReport *report)
{
  client_room_code_free(report->room_code);
  g_array_unref(report->peers);
  wzp_contacts_free(report->contacts);
  client_quality_clear(&report->quality);
  g_free(report->state);
  g_free(report->error);
  g_free(report->said);
  g_free(report->drops);
  g_free(report->fingerprint);
  g_free(report->relay_fingerprint);
  g_free(report->call_peer);
  g_free(report->call_name);
  g_free(report->words);
  g_free(report->digits);
  g_free(report->call_mode);
  g_free(report->call_end);
  g_free(report);
}

void
client_report_set_contacts(ClientReport *report, WzpContacts *contacts)
{
  wzp_contacts_free(report->contacts);
  report->contacts = contacts;
}

/* --- what comes in --- */

static void
take_state(ClientReport *report, const GstStructure *structure)
{
  const char *state = gst_structure_get_string(structure, "state");
  const char *text = gst_structure_get_string(structure, "text");
  if (!state)
    return;
  g_free(report->state);
  report->state = g_strdup(state);
  if (g_str_equal(state, "active") && !report->active)
    report->active = g_get_monotonic_time();
  client_report_say(report, "%s", text ? text : state);
}

static void
take_peer(ClientReport *report, const GstStructure *structure)
{
  char *text = client_peers_take(report->peers, report->contacts, structure);
  gboolean present = FALSE, proven = FALSE;
  gst_structure_get_boolean(structure, "present", &present);
  gst_structure_get_boolean(structure, "proven", &proven);
  if (present && proven && !report->accepted)
    report->accepted = g_get_monotonic_time();
  if (text)
    client_report_say(report, "%s", text);
  g_free(text);
}

static void
take_list(ClientReport *report, const GstStructure *structure)
{
  guint64 version = 0;
  guint members = 0;
  gst_structure_get_uint64(structure, "version", &version);
  gst_structure_get_uint(structure, "members", &members);
  client_report_say(report,
                    "only who is on the room's list may be here: version %" G_GUINT64_FORMAT
                    ", %u people",
                    version, members);
}

static void
take_room_code(ClientReport *report, GstMessage *message)
{
  guint members = 0;
  gst_structure_get_uint(gst_message_get_structure(message), "members", &members);
  client_room_code_make(report->room_code, G_OBJECT(GST_MESSAGE_SRC(message)), members);
}

static void
take_relay_key(ClientReport *report, const GstStructure *structure)
{
  const char *fingerprint = gst_structure_get_string(structure, "fingerprint");
  gboolean is_new = FALSE, remembered = FALSE;
  gst_structure_get_boolean(structure, "first-use", &is_new);
  gst_structure_get_boolean(structure, "remembered", &remembered);
  g_free(report->relay_fingerprint);
  report->relay_fingerprint = g_strdup(fingerprint);
  client_report_say(report, "the relay's key is %s%s", fingerprint,
                    !is_new      ? ""
                    : remembered ? ", seen for the first time and remembered"
                                 : ", seen for the first time");
}

static void
take_text(char **text, const GstStructure *structure, const char *field)
{
  const char *value = gst_structure_get_string(structure, field);
  if (!value)
    return;
  g_free(*text);
  *text = g_strdup(value);
}

static void
take_call(ClientReport *report, const GstStructure *structure)
{
  /* what is not said: it is followed by what is */
  static const char *const quiet[] = {"proven", "connected", "disconnected", NULL};
  const char *event = gst_structure_get_string(structure, "event");
  const char *text = gst_structure_get_string(structure, "text");
  if (!event || !text)
    return;
  if (!g_strv_contains(quiet, event))
    client_report_say(report, "%s", text);
  if (g_str_equal(event, "missed") || g_str_equal(event, "unfinished"))
    return; /* not of our call */
  take_text(&report->call_peer, structure, "fingerprint");
  take_text(&report->call_name, structure, "name");
  take_text(&report->words, structure, "sas-words");
  take_text(&report->digits, structure, "sas-digits");
  take_text(&report->call_mode, structure, "mode");
  take_text(&report->call_end, structure, "reason");
  if (g_str_equal(event, "accepted")) {
    report->accepted = g_get_monotonic_time();
    client_report_say(report,
                      "both of you see the same words, unless somebody sits between you: %s (%s)",
                      report->words, report->digits);
  } else if (g_str_equal(event, "ended") &&
             (!report->active || g_strcmp0(report->call_end, "lost") == 0)) {
    client_report_set_error(report, text);
  }
}

static void
take_path(ClientReport *report, const GstStructure *structure)
{
  const char *path = gst_structure_get_string(structure, "path");
  const char *text = gst_structure_get_string(structure, "text");
  if (!path || !text)
    return;
  if (g_str_equal(path, "direct") && !report->direct)
    report->direct = g_get_monotonic_time();
  client_report_say(report, "%s", text);
}

static void
take_quality(ClientReport *report, const GstStructure *structure)
{
  ClientQuality *quality = &report->quality;
  const gboolean first = quality->tier == NULL;
  if (client_quality_take(quality, structure) && !first)
    client_report_say(report, "quality %s, %s: %s", quality->tier, quality->profile, quality->text);
}

static void
take_level(double *level, const GstStructure *structure)
{
  const GValue *value = gst_structure_get_value(structure, "rms");
  const GValueArray *channels = value ? g_value_get_boxed(value) : NULL;
  if (channels && channels->n_values)
    *level = g_value_get_double(channels->values);
}

void
client_report_take_message(ClientReport *report, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure(message);
  const char *name = structure ? gst_structure_get_name(structure) : "";
  if (g_str_equal(name, "wzp-state"))
    take_state(report, structure);
  else if (g_str_equal(name, "wzp-transport") || g_str_equal(name, "wzp-hearing"))
    client_report_say(report, "%s", gst_structure_get_string(structure, "text"));
  else if (g_str_equal(name, "wzp-peer"))
    take_peer(report, structure);
  else if (g_str_equal(name, "wzp-room-list"))
    take_list(report, structure);
  else if (g_str_equal(name, "wzp-room-code"))
    take_room_code(report, message);
  else if (g_str_equal(name, "wzp-call"))
    take_call(report, structure);
  else if (g_str_equal(name, "wzp-path"))
    take_path(report, structure);
  else if (g_str_equal(name, "wzp-quality"))
    take_quality(report, structure);
  else if (g_str_equal(name, "wzp-relay-key"))
    take_relay_key(report, structure);
  else if (g_str_equal(name, "level"))
    take_level(g_str_equal(GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), CLIENT_LEVEL_HEARD)
                   ? &report->level_heard
                   : &report->level_sent,
               structure);
}

/* Any number, as a double; otherwise stays as it is. */
static void
read_number(const GstStructure *stats, const char *field, double *number)
{
  const GValue *value = gst_structure_get_value(stats, field);
  GValue as_double = G_VALUE_INIT;
  g_value_init(&as_double, G_TYPE_DOUBLE);
  if (value && g_value_transform(value, &as_double))
    *number = g_value_get_double(&as_double);
  g_value_unset(&as_double);
}

static guint64
read_count(const GstStructure *stats, const char *field)
{
  double number = 0;
  read_number(stats, field, &number);
  return number > 0 ? (guint64)number : 0;
}

static gboolean
add_drop(GQuark field, const GValue *value, gpointer json)
{
  const char *name = g_quark_to_string(field);
  if (g_str_has_prefix(name, "drops-") && G_VALUE_HOLDS_UINT64(value) &&
      g_value_get_uint64(value) > 0)
    client_json_add_count(json, name + strlen("drops-"), g_value_get_uint64(value));
  return TRUE;
}

static char *
describe_drops(const GstStructure *stats)
{
  GString *json = g_string_new("{");
  gst_structure_foreach(stats, add_drop, json);
  g_string_append_c(json, '}');
  return g_string_free(json, FALSE);
}

static void
count_wire(ClientWire *wire, gint64 first_audio, gint64 now, guint64 bytes)
{
  if (first_audio && !wire->since) {
    wire->since = now;
    wire->bytes_before = bytes;
  }
  wire->bytes = bytes;
}

void
client_report_take_stats(ClientReport *report, const ClientPipeline *pipeline)
{
  GstStructure *stats = NULL;
  char *fingerprint = NULL;
  g_object_get(pipeline->call, "stats", &stats, "fingerprint", &fingerprint, NULL);
  report->moments.first_sent = client_moment(&pipeline->moments.first_sent);
  report->moments.first_heard = client_moment(&pipeline->moments.first_heard);
  report->ended = g_get_monotonic_time();
  if (fingerprint) {
    g_free(report->fingerprint);
    report->fingerprint = fingerprint;
  }
  if (!stats)
    return;
  ClientCounters *now = &report->now;
  now->frames_sent = read_count(stats, "frames-sent");
  now->frames_received = read_count(stats, "frames-received");
  now->frames_repaired = read_count(stats, "frames-repaired");
  now->frames_concealed = read_count(stats, "frames-concealed");
  now->frames_lost = read_count(stats, "frames-lost");
  now->frames_late = read_count(stats, "frames-late");
  now->bytes_sent = read_count(stats, "bytes-sent");
  now->bytes_received = read_count(stats, "bytes-received");
  now->path_attempts = read_count(stats, "path-attempts");
  now->path_switches = read_count(stats, "path-switches");
  now->path_silences = read_count(stats, "path-silences");
  now->unheard_here = read_count(stats, "path-unheard-here");
  now->unheard_there = read_count(stats, "path-unheard-there");
  now->unheard_times = read_count(stats, "unheard-times");
  gst_structure_get_boolean(stats, "unheard", &now->unheard);
  read_number(stats, "path-longest-gap", &now->longest_gap);
  read_number(stats, "path-renewal", &now->renewal);
  read_number(stats, "direct-round-trip", &now->direct_round_trip);
  read_number(stats, "round-trip", &now->round_trip);
  client_quality_take(&report->quality, stats);
  client_ends_take(&report->ends, stats);
  if (read_count(stats, "voices") > 0) /* else what the last one waited stands */
    read_number(stats, "jitter-delay-ms", &now->delay);
  g_free(report->drops);
  report->drops = describe_drops(stats);
  const char *path = gst_structure_get_string(stats, "path");
  const char *transport = gst_structure_get_string(stats, "transport");
  const char *relay = gst_structure_get_string(stats, "relay-fingerprint");
  if (relay && *relay) {
    g_free(report->relay_fingerprint);
    report->relay_fingerprint = g_strdup(relay);
  }
  if (!report->call_end) /* else what the call went by stands */
    g_strlcpy(now->path, path ? path : "none", sizeof now->path);
  g_strlcpy(now->transport, transport ? transport : "none", sizeof now->transport);
  const char *nat = gst_structure_get_string(stats, "nat");
  const char *peer_nat = gst_structure_get_string(stats, "peer-nat");
  g_strlcpy(now->nat, nat ? nat : "unknown", sizeof now->nat);
  g_strlcpy(now->peer_nat, peer_nat ? peer_nat : "unknown", sizeof now->peer_nat);
  count_wire(&report->wire_sent, report->moments.first_sent, report->ended, now->bytes_sent);
  count_wire(&report->wire_received, report->moments.first_heard, report->ended,
             now->bytes_received);
  gst_structure_free(stats);
}

gboolean
client_report_was_active(const ClientReport *report)
{
  return report->active != 0;
}

gboolean
client_report_is_cut_off(const ClientReport *report)
{
  return g_str_equal(report->state, "reconnecting") && !g_str_equal(report->now.path, "direct");
}

gboolean
client_report_broke_off(const ClientReport *report)
{
  return g_strcmp0(report->call_end, "lost") == 0;
}

void
client_report_set_error(ClientReport *report, const char *text)
{
  if (!report->error)
    report->error = g_strdup(text);
}

void
client_report_set_recording(ClientReport *report, double seconds)
{
  report->recorded = seconds;
}

/* --- what goes out --- */

static double
loss_percent(const ClientCounters *now)
{
  const double all = (double)(now->frames_received + now->frames_repaired + now->frames_lost);
  return all > 0 ? 100 * (double)now->frames_lost / all : CLIENT_UNKNOWN;
}

void
client_report_say(ClientReport *report, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  /* the end of a call comes as an event and as a warning: once is enough */
  if (g_strcmp0(text, report->said) != 0)
    fprintf(stderr, "%s%s\n", report->terminal ? "\r\033[K" : "", text);
  g_free(report->said);
  report->said = text;
}

static void
append_meter(GString *line, double level)
{
  const double share = CLAMP((level - SILENCE_DB) / -SILENCE_DB, 0, 1);
  const int filled = (int)lround(share * METER_WIDTH);
  g_string_append_c(line, '[');
  for (int i = 0; i < METER_WIDTH; i++)
    g_string_append_c(line, i < filled ? '#' : '.');
  g_string_append_c(line, ']');
}

void
client_report_status_line(ClientReport *report)
{
  if (!report->terminal)
    return;
  GString *line = g_string_new(NULL);
  if (report->sends) {
    g_string_append(line, "out ");
    append_meter(line, report->level_sent);
  }
  if (report->hears) {
    g_string_append(line, report->sends ? " in " : "in ");
    append_meter(line, report->level_heard);
  }
  g_string_append_printf(line, " %s, path %s%s", report->state, report->now.path,
                         g_str_equal(report->now.transport, "tls") ? " (tls)" : "");
  if (report->now.unheard)
    g_string_append(line, ", NOTHING IS HEARD");
  if (loss_percent(&report->now) >= 0)
    g_string_append_printf(line, ", loss %.1f %%", loss_percent(&report->now));
  if (report->hears && report->now.delay >= 0)
    g_string_append_printf(line, ", delay %.0f ms", report->now.delay);
  if (report->now.round_trip >= 0)
    g_string_append_printf(line, ", round trip %.0f ms", report->now.round_trip);
  if (report->sends && report->quality.tier)
    g_string_append_printf(line, ", %s (%s)", report->quality.tier, report->quality.verdict);
  for (guint i = 0; i < report->peers->len; i++) {
    const ClientPeer *peer = &g_array_index(report->peers, ClientPeer, i);
    if (peer->present)
      g_string_append_printf(line, ", %s %s", peer->name ? peer->name : peer->fingerprint,
                             peer->verified ? "verified" : "unverified");
  }
  /* a line that wraps could not be written over */
  struct winsize window;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 &&
      line->len >= window.ws_col)
    g_string_truncate(line, window.ws_col - 1);
  fprintf(stderr, "\r\033[K%s", line->str);
  fflush(stderr);
  g_string_free(line, TRUE);
}
