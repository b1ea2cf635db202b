/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-report.h"
#include "client-ends.h"
#include "client-peers.h"
#include "client-quality.h"
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define UNKNOWN -1.
#define SILENCE_DB -60.
#define METER_WIDTH 10

typedef struct {
  guint64 frames_sent, frames_received, frames_repaired, frames_concealed, frames_lost, frames_late;
  double round_trip, delay;           /* ms */
  guint64 bytes_sent, bytes_received; /* all-in, with IP and UDP headers */
  char path[16], transport[8], nat[16], peer_nat[16];
  guint64 path_attempts, path_switches, path_silences, unheard_here, unheard_there, unheard_times;
  gboolean unheard;                               /* nothing is heard now of who was speaking */
  double direct_round_trip, longest_gap, renewal; /* ms */
} Counters;

/* Bytes of one direction since there was audio. */
typedef struct {
  gint64 since; /* monotonic us; 0: no audio yet */
  guint64 bytes_before, bytes;
} Wire;

struct ClientReport {
  gboolean sends, hears, terminal;
  gint64 started, started_at; /* monotonic, and unix time, us */
  gint64 active;              /* monotonic us of the first time that somebody was there, or 0 */
  char *state, *error, *fingerprint, *relay_fingerprint;
  char *said;    /* the last line */
  char *drops;   /* datagrams that were not taken, by reason; JSON */
  GArray *peers; /* ClientPeer */
  /* of the last dialled call; NULL: none */
  char *call_peer, *call_name, *words, *digits, *call_mode, *call_end;
  gint64 accepted,
      direct; /* monotonic us: the call was taken, or somebody came into the room; media first went directly; 0: not */
  WzpContacts *contacts;
  ClientQuality quality;
  ClientEnds ends;
  double level_sent, level_heard, recorded;
  Counters now;
  Wire wire_sent, wire_received;
  ClientMoments moments;
  gint64 ended;
};

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
  client_quality_init(&report->quality);
  client_ends_init(&report->ends);
  report->level_sent = report->level_heard = SILENCE_DB;
  report->now.round_trip = report->now.delay = report->recorded = UNKNOWN;
  report->now.direct_round_trip = UNKNOWN;
  return report;
}

void
client_report_free(ClientReport *report)
{
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

/* Making the words takes a moment in which the terminal waits. */
static void
take_room_code(ClientReport *report, GstMessage *message)
{
  guint members = 0;
  char *code = NULL;
  gst_structure_get_uint(gst_message_get_structure(message), "members", &members);
  g_object_get(GST_MESSAGE_SRC(message), "room-code", &code, NULL);
  if (code)
    client_report_say(
        report,
        "room code of these %u members: %s (the same for all of you, unless somebody is hidden "
        "from some)",
        members, code);
  g_free(code);
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

static void
add_member(GString *json, const char *name, const char *value)
{
  g_string_append_printf(json, "%s\"%s\":%s", json->len > 1 ? "," : "", name, value);
}

static void
add_count(GString *json, const char *name, guint64 count)
{
  char text[32];
  g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, count);
  add_member(json, name, text);
}

static gboolean
add_drop(GQuark field, const GValue *value, gpointer json)
{
  const char *name = g_quark_to_string(field);
  if (g_str_has_prefix(name, "drops-") && G_VALUE_HOLDS_UINT64(value) &&
      g_value_get_uint64(value) > 0)
    add_count(json, name + strlen("drops-"), g_value_get_uint64(value));
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
count_wire(Wire *wire, gint64 first_audio, gint64 now, guint64 bytes)
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
  Counters *now = &report->now;
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
loss_percent(const Counters *now)
{
  const double all = (double)(now->frames_received + now->frames_repaired + now->frames_lost);
  return all > 0 ? 100 * (double)now->frames_lost / all : UNKNOWN;
}

static double
wire_kbit_s(const ClientReport *report, const Wire *wire)
{
  if (!wire->since || report->ended <= wire->since)
    return UNKNOWN;
  return (double)(wire->bytes - wire->bytes_before) * 8000 / (double)(report->ended - wire->since);
}

static double
msec_since_start(const ClientReport *report, gint64 moment)
{
  return moment ? (double)(moment - report->started) / 1000 : UNKNOWN;
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

/* Appends a member; json-glib would print 61.1 with all its seventeen digits. */
static void
add_number(GString *json, const char *name, double number, int digits)
{
  char text[32];
  g_snprintf(text, sizeof text, "%.*f", digits, number);
  add_member(json, name, number < 0 ? "null" : text);
}

static void
add_decibels(GString *json, const char *name, double level)
{
  char text[32];
  g_snprintf(text, sizeof text, "%.1f", level);
  add_member(json, name, isnan(level) ? "null" : text);
}

static void
add_text(GString *json, const char *name, const char *text)
{
  JsonNode *node = json_node_init_string(json_node_alloc(), text);
  char *quoted = text ? json_to_string(node, FALSE) : g_strdup("null");
  add_member(json, name, quoted);
  g_free(quoted);
  json_node_unref(node);
}

static void
add_peers(GString *json, GArray *peers)
{
  GString *list = g_string_new("[");
  for (guint i = 0; i < peers->len; i++) {
    const ClientPeer *peer = &g_array_index(peers, ClientPeer, i);
    GString *one = g_string_new("{");
    add_text(one, "fingerprint", peer->fingerprint);
    add_member(one, "verified", peer->verified ? "true" : "false");
    add_member(one, "present", peer->present ? "true" : "false");
    add_text(one, "name", peer->name);
    g_string_append_printf(list, "%s%s}", i ? "," : "", one->str);
    g_string_free(one, TRUE);
  }
  g_string_append_c(list, ']');
  add_member(json, "peers", list->str);
  g_string_free(list, TRUE);
}

static void
add_call(GString *json, const ClientReport *report)
{
  if (!report->call_peer) {
    add_member(json, "call", "null");
    return;
  }
  GString *call = g_string_new("{");
  add_text(call, "fingerprint", report->call_peer);
  add_text(call, "name", report->call_name && *report->call_name ? report->call_name : NULL);
  add_text(call, "sas_words", report->words);
  add_text(call, "sas_digits", report->digits);
  add_text(call, "mode", report->call_mode);
  add_text(call, "end", report->call_end);
  g_string_append_c(call, '}');
  add_member(json, "call", call->str);
  g_string_free(call, TRUE);
}

static void
add_quality(GString *json, const ClientReport *report)
{
  const ClientQuality *quality = &report->quality;
  GString *one = g_string_new("{");
  if (!report->sends || !quality->tier) {
    g_string_free(one, TRUE);
    add_member(json, "quality", "null");
    return;
  }
  add_text(one, "tier", quality->tier);
  add_text(one, "profile", quality->profile);
  add_text(one, "reason", quality->reason);
  add_text(one, "verdict", quality->verdict);
  add_text(one, "text", quality->text);
  add_number(one, "uplink_loss_pct", 100 * quality->uplink_loss, 1);
  add_number(one, "residual_loss_pct", 100 * quality->residual_loss, 1);
  add_number(one, "downlink_loss_pct", 100 * quality->downlink_loss, 1);
  add_number(one, "queue_ms", quality->queue, 0);
  add_number(one, "path_round_trip_ms", quality->round_trip, 0);
  add_number(one, "tier_steps_down", quality->steps_down, 0);
  add_number(one, "tier_steps_up", quality->steps_up, 0);
  g_string_append_c(one, '}');
  add_member(json, "quality", one->str);
  g_string_free(one, TRUE);
}

/* Unix time in ms of a monotonic moment, so that two processes can be compared. */
static double
unix_msec(const ClientReport *report, gint64 moment)
{
  return moment ? (double)(report->started_at + moment - report->started) / 1000 : UNKNOWN;
}

static void
print_json(const ClientReport *report)
{
  const Counters *now = &report->now;
  GString *json = g_string_new("{");
  add_text(json, "state", report->state);
  add_text(json, "error", report->error);
  add_text(json, "fingerprint", report->fingerprint);
  add_text(json, "relay_fingerprint", report->relay_fingerprint);
  add_peers(json, report->peers);
  add_call(json, report);
  add_text(json, "path", now->path);
  add_text(json, "transport", now->transport);
  add_text(json, "nat", now->nat);
  add_text(json, "peer_nat", now->peer_nat);
  add_number(json, "time_to_direct_ms",
             report->direct ? (double)MAX(report->direct - report->accepted, 0) / 1000 : UNKNOWN,
             1);
  add_number(json, "direct_round_trip_ms", now->direct_round_trip, 1);
  add_count(json, "path_attempts", now->path_attempts);
  add_count(json, "path_switches", now->path_switches);
  add_count(json, "path_silences", now->path_silences);
  add_count(json, "path_unheard_here", now->unheard_here);
  add_count(json, "path_unheard_there", now->unheard_there);
  add_member(json, "unheard", now->unheard ? "true" : "false");
  add_count(json, "unheard_times", now->unheard_times);
  add_number(json, "path_longest_gap_ms", now->longest_gap, 0);
  add_number(json, "path_renewal_ms", now->renewal, 0);
  add_number(json, "time_to_active_ms", msec_since_start(report, report->active), 1);
  add_number(json, "time_to_first_audio_ms", msec_since_start(report, report->moments.first_heard),
             1);
  add_number(json, "started_unix_ms", unix_msec(report, report->started), 1);
  add_number(json, "first_sent_unix_ms", unix_msec(report, report->moments.first_sent), 1);
  add_number(json, "first_heard_unix_ms", unix_msec(report, report->moments.first_heard), 1);
  add_count(json, "frames_sent", now->frames_sent);
  add_count(json, "frames_received", now->frames_received);
  add_count(json, "frames_repaired", now->frames_repaired);
  add_count(json, "frames_concealed", now->frames_concealed);
  add_count(json, "frames_lost", now->frames_lost);
  add_count(json, "frames_late", now->frames_late);
  add_number(json, "delay_ms", report->hears ? now->delay : UNKNOWN, 1);
  add_number(json, "round_trip_ms", now->round_trip, 1);
  add_number(json, "wire_kbps",
             wire_kbit_s(report, report->sends ? &report->wire_sent : &report->wire_received), 1);
  add_number(json, "wire_kbps_sent", wire_kbit_s(report, &report->wire_sent), 1);
  add_number(json, "wire_kbps_received", wire_kbit_s(report, &report->wire_received), 1);
  add_quality(json, report);
  add_member(json, "drops", report->drops ? report->drops : "{}");
  add_text(json, "echo_canceller", report->ends.canceller);
  add_decibels(json, "erle_db", report->ends.erle);
  add_decibels(json, "gain_db", report->ends.gain);
  add_decibels(json, "speech_db", report->ends.speech);
  add_number(json, "recorded_seconds", report->recorded, 3);
  printf("%s}\n", json->str);
  g_string_free(json, TRUE);
}

static void
print_text(const ClientReport *report)
{
  const Counters *now = &report->now;
  if (report->fingerprint)
    printf("you        %s\n", report->fingerprint);
  for (guint i = 0; i < report->peers->len; i++) {
    char *who = client_peer_describe(&g_array_index(report->peers, ClientPeer, i));
    printf("with       %s\n", who);
    g_free(who);
  }
  if (report->call_peer && report->words)
    printf("words      %s (%s)\n", report->words, report->digits);
  if (report->sends)
    printf("sent       %" G_GUINT64_FORMAT " frames, %.1f kbit/s all-in\n", now->frames_sent,
           MAX(wire_kbit_s(report, &report->wire_sent), 0));
  if (report->sends && report->quality.tier && report->now.frames_sent > 0)
    printf("quality    %s, %s: %s\n", report->quality.tier, report->quality.profile,
           report->quality.text);
  if (report->hears)
    printf("heard      %" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT
           " repaired, %" G_GUINT64_FORMAT " concealed, delay %.0f ms\n",
           now->frames_received, now->frames_repaired, now->frames_concealed, MAX(now->delay, 0));
  g_autofree char *ends = client_ends_describe(&report->ends);
  if (ends)
    printf("ends       %s\n", ends);
  if (now->unheard_times)
    printf("unheard    %" G_GUINT64_FORMAT " times%s\n", now->unheard_times,
           now->unheard ? ", and at the end" : "");
  if (report->call_peer)
    printf("path       %s%s%s\n", now->path,
           now->unheard_here ? ", nothing was heard directly for a while" : "",
           now->unheard_there ? ", the other side heard nothing directly for a while" : "");
  if (report->recorded >= 0)
    printf("recorded   %.1f s\n", report->recorded);
}

void
client_report_print(const ClientReport *report, gboolean json)
{
  if (report->terminal)
    fprintf(stderr, "\r\033[K");
  if (json)
    print_json(report);
  else
    print_text(report);
  fflush(stdout);
}
