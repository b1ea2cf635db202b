/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-json.h"
#include "client-report-private.h"
#include <stdio.h>

/* What is said of a call when it is over. */

static double
wire_kbit_s(const ClientReport *report, const ClientWire *wire)
{
  if (!wire->since || report->ended <= wire->since)
    return CLIENT_UNKNOWN;
  return (double)(wire->bytes - wire->bytes_before) * 8000 / (double)(report->ended - wire->since);
}

static double
msec_since_start(const ClientReport *report, gint64 moment)
{
  return moment ? (double)(moment - report->started) / 1000 : CLIENT_UNKNOWN;
}

static void
add_peers(GString *json, GArray *peers)
{
  GString *list = g_string_new("[");
  for (guint i = 0; i < peers->len; i++) {
    const ClientPeer *peer = &g_array_index(peers, ClientPeer, i);
    GString *one = g_string_new("{");
    client_json_add_text(one, "fingerprint", peer->fingerprint);
    client_json_add(one, "verified", peer->verified ? "true" : "false");
    client_json_add(one, "present", peer->present ? "true" : "false");
    client_json_add_text(one, "name", peer->name);
    g_string_append_printf(list, "%s%s}", i ? "," : "", one->str);
    g_string_free(one, TRUE);
  }
  g_string_append_c(list, ']');
  client_json_add(json, "peers", list->str);
  g_string_free(list, TRUE);
}

static void
add_call(GString *json, const ClientReport *report)
{
  if (!report->call_peer) {
    client_json_add(json, "call", "null");
    return;
  }
  GString *call = g_string_new("{");
  client_json_add_text(call, "fingerprint", report->call_peer);
  client_json_add_text(call, "name",
                       report->call_name && *report->call_name ? report->call_name : NULL);
  client_json_add_text(call, "sas_words", report->words);
  client_json_add_text(call, "sas_digits", report->digits);
  client_json_add_text(call, "mode", report->call_mode);
  client_json_add_text(call, "end", report->call_end);
  g_string_append_c(call, '}');
  client_json_add(json, "call", call->str);
  g_string_free(call, TRUE);
}

static void
add_quality(GString *json, const ClientReport *report)
{
  const ClientQuality *quality = &report->quality;
  GString *one = g_string_new("{");
  if (!report->sends || !quality->tier) {
    g_string_free(one, TRUE);
    client_json_add(json, "quality", "null");
    return;
  }
  client_json_add_text(one, "tier", quality->tier);
  client_json_add_text(one, "profile", quality->profile);
  client_json_add_text(one, "reason", quality->reason);
  client_json_add_text(one, "verdict", quality->verdict);
  client_json_add_text(one, "text", quality->text);
  client_json_add_number(one, "uplink_loss_pct", 100 * quality->uplink_loss, 1);
  client_json_add_number(one, "residual_loss_pct", 100 * quality->residual_loss, 1);
  client_json_add_number(one, "downlink_loss_pct", 100 * quality->downlink_loss, 1);
  client_json_add_number(one, "queue_ms", quality->queue, 0);
  client_json_add_number(one, "path_round_trip_ms", quality->round_trip, 0);
  client_json_add_number(one, "tier_steps_down", quality->steps_down, 0);
  client_json_add_number(one, "tier_steps_up", quality->steps_up, 0);
  g_string_append_c(one, '}');
  client_json_add(json, "quality", one->str);
  g_string_free(one, TRUE);
}

/* Unix time in ms of a monotonic moment, so that two processes can be compared. */
static double
unix_msec(const ClientReport *report, gint64 moment)
{
  return moment ? (double)(report->started_at + moment - report->started) / 1000 : CLIENT_UNKNOWN;
}

static void
print_json(const ClientReport *report)
{
  const ClientCounters *now = &report->now;
  GString *json = g_string_new("{");
  client_json_add_text(json, "state", report->state);
  client_json_add_text(json, "error", report->error);
  client_json_add_text(json, "fingerprint", report->fingerprint);
  client_json_add_text(json, "relay_fingerprint", report->relay_fingerprint);
  add_peers(json, report->peers);
  add_call(json, report);
  client_json_add_text(json, "path", now->path);
  client_json_add_text(json, "transport", now->transport);
  client_json_add_text(json, "nat", now->nat);
  client_json_add_text(json, "peer_nat", now->peer_nat);
  client_json_add_number(json, "time_to_direct_ms",
                         report->direct ? (double)MAX(report->direct - report->accepted, 0) / 1000
                                        : CLIENT_UNKNOWN,
                         1);
  client_json_add_number(json, "direct_round_trip_ms", now->direct_round_trip, 1);
  client_json_add_count(json, "path_attempts", now->path_attempts);
  client_json_add_count(json, "path_switches", now->path_switches);
  client_json_add_count(json, "path_silences", now->path_silences);
  client_json_add_count(json, "path_unheard_here", now->unheard_here);
  client_json_add_count(json, "path_unheard_there", now->unheard_there);
  client_json_add(json, "unheard", now->unheard ? "true" : "false");
  client_json_add_count(json, "unheard_times", now->unheard_times);
  client_json_add_number(json, "path_longest_gap_ms", now->longest_gap, 0);
  client_json_add_number(json, "path_renewal_ms", now->renewal, 0);
  client_json_add_number(json, "time_to_active_ms", msec_since_start(report, report->active), 1);
  client_json_add_number(json, "time_to_first_audio_ms",
                         msec_since_start(report, report->moments.first_heard), 1);
  client_json_add_number(json, "started_unix_ms", unix_msec(report, report->started), 1);
  client_json_add_number(json, "first_sent_unix_ms", unix_msec(report, report->moments.first_sent),
                         1);
  client_json_add_number(json, "first_heard_unix_ms",
                         unix_msec(report, report->moments.first_heard), 1);
  client_json_add_count(json, "frames_sent", now->frames_sent);
  client_json_add_count(json, "frames_received", now->frames_received);
  client_json_add_count(json, "frames_repaired", now->frames_repaired);
  client_json_add_count(json, "frames_concealed", now->frames_concealed);
  client_json_add_count(json, "frames_lost", now->frames_lost);
  client_json_add_count(json, "frames_late", now->frames_late);
  client_json_add_number(json, "delay_ms", report->hears ? now->delay : CLIENT_UNKNOWN, 1);
  client_json_add_number(json, "round_trip_ms", now->round_trip, 1);
  client_json_add_number(
      json, "wire_kbps",
      wire_kbit_s(report, report->sends ? &report->wire_sent : &report->wire_received), 1);
  client_json_add_number(json, "wire_kbps_sent", wire_kbit_s(report, &report->wire_sent), 1);
  client_json_add_number(json, "wire_kbps_received", wire_kbit_s(report, &report->wire_received),
                         1);
  add_quality(json, report);
  client_json_add(json, "drops", report->drops ? report->drops : "{}");
  client_json_add_text(json, "echo_canceller", report->ends.canceller);
  client_json_add_decibels(json, "erle_db", report->ends.erle);
  client_json_add_decibels(json, "gain_db", report->ends.gain);
  client_json_add_decibels(json, "speech_db", report->ends.speech);
  client_json_add_number(json, "recorded_seconds", report->recorded, 3);
  printf("%s}\n", json->str);
  g_string_free(json, TRUE);
}

static void
print_text(const ClientReport *report)
{
  const ClientCounters *now = &report->now;
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
