/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Plays network traces through wzp/jitter in virtual time and judges what came of it.
 *
 *   bench-jitter [--json] [--round-trip MS] [--latency MS] [--max-latency MS] TRACE...
 *
 * A trace has a line for each 20 ms frame: its one-way delay in ms, -1 for lost; lines that begin with # are comments.
 * Per trace: mean and 95th percentile of the delay above the trace's minimum; concealed, the larger of time that was
 * filled and content that was not played, in percent; stretched, frames that were made longer or shorter;
 * interruptions, fills of 150 ms and more; R by ITU-T G.107 for one-way base delays of 50 and 250 ms:
 * 93.2 - mean(Id(base + 30 + delay)) - Ie, Id = .024 x + .11 (x - 177.3)+, Ie = 5 + 90 P / (P + 20).
 * Without --latency playout is adaptive, for a --round-trip of 500 ms; with it, at that fixed latency. */
#include "bench-jitter-decoder.h"
#include "wzp/jitter.h"
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define FRAME (20 * MS)
#define INTERRUPTION (150 * MS)
#define QUEUE 512

typedef struct {
  int64_t arrival, sent;
  uint64_t index;
} Arrival;

typedef struct {
  GArray *arrivals; /* of Arrival, as they came */
  uint64_t frames;  /* sent */
  int64_t minimum;  /* ns */
} Trace;

typedef struct {
  GArray *delays; /* of double, ms above the minimum */
  int64_t filled, total, run;
  uint64_t stretched;
  unsigned interruptions;
} Outcome;

static int
by_arrival(gconstpointer a, gconstpointer b)
{
  const Arrival *left = a, *right = b;
  if (left->arrival != right->arrival)
    return left->arrival < right->arrival ? -1 : 1;
  return left->index < right->index ? -1 : 1;
}

static bool
read_trace(const char *path, Trace *trace)
{
  FILE *file = fopen(path, "r");
  char line[256];
  if (file == NULL) {
    fprintf(stderr, "bench-jitter: %s cannot be opened: %s\n", path, g_strerror(errno));
    return false;
  }
  *trace = (Trace){.arrivals = g_array_new(FALSE, FALSE, sizeof(Arrival)), .minimum = INT64_MAX};
  for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
    char *text = g_strstrip(line), *end;
    if (*text == '\0' || *text == '#')
      continue;
    double ms = g_ascii_strtod(text, &end);
    if (end == text || *end != '\0' || !(ms >= -1 && ms < 1e6)) {
      fprintf(stderr, "bench-jitter: %s:%u: '%s' is no delay in ms, and not -1 for lost\n", path,
              number, text);
      fclose(file);
      g_array_unref(trace->arrivals);
      return false;
    }
    Arrival arrival = {.sent = (int64_t)trace->frames * FRAME, .index = trace->frames};
    arrival.arrival = arrival.sent + (int64_t)(ms * (double)MS);
    trace->frames++;
    if (ms < 0)
      continue;
    trace->minimum = MIN(trace->minimum, arrival.arrival - arrival.sent);
    g_array_append_val(trace->arrivals, arrival);
  }
  fclose(file);
  if (trace->arrivals->len == 0) {
    fprintf(stderr, "bench-jitter: %s has no packet that came\n", path);
    g_array_unref(trace->arrivals);
    return false;
  }
  g_array_sort(trace->arrivals, by_arrival);
  return true;
}

static void
end_run(Outcome *outcome)
{
  outcome->interruptions += outcome->run >= INTERRUPTION;
  outcome->run = 0;
}

static void
take(Outcome *outcome, const Trace *trace, WzpJitter *jitter, Decoder *decoder,
     const WzpJitterOutput *output)
{
  if (output->action == WZP_JITTER_DROP)
    return;
  outcome->total += output->duration;
  if (output->action != WZP_JITTER_PLAY) {
    decoder_fill(decoder, output->duration);
    outcome->filled += output->duration;
    outcome->run += output->duration;
    return;
  }
  end_run(outcome);
  int64_t by = decoder_play(decoder, output->stretch);
  if (by != 0)
    wzp_jitter_stretched(jitter, by);
  outcome->total += by;
  outcome->stretched += by != 0;
  double delay = (double)(output->due - (int64_t)output->id * FRAME - trace->minimum) / (double)MS;
  g_array_append_val(outcome->delays, delay);
}

static void
play(const Trace *trace, WzpJitter *jitter, Decoder *decoder, Outcome *outcome)
{
  int64_t now = 0;
  unsigned next = 0;
  for (;;) {
    bool more = next < trace->arrivals->len;
    const Arrival *arrival = more ? &g_array_index(trace->arrivals, Arrival, next) : NULL;
    if (more && arrival->arrival <= now) {
      WzpJitterFrame frame = {.index = arrival->index,
                              .media_time = arrival->sent,
                              .duration = FRAME,
                              .arrival = arrival->arrival,
                              .id = arrival->index};
      wzp_jitter_push(jitter, &frame, NULL);
      next++;
      continue;
    }
    WzpJitterStats stats;
    wzp_jitter_get_stats(jitter, &stats);
    if (!more && stats.queued == 0)
      return;
    WzpJitterOutput output = wzp_jitter_poll(jitter, now);
    if (output.action == WZP_JITTER_WAIT)
      now = more ? MIN(output.until, arrival->arrival) : output.until;
    else
      take(outcome, trace, jitter, decoder, &output);
  }
}

static double
id_of(double ms)
{
  return .024 * ms + (ms > 177.3 ? .11 * (ms - 177.3) : 0);
}

static double
rating(const GArray *delays, double base, double concealed)
{
  double sum = 0;
  for (unsigned i = 0; i < delays->len; i++)
    sum += id_of(base + 30 + g_array_index(delays, double, i));
  double r = 93.2 - sum / MAX(delays->len, 1) - (5 + 90 * concealed / (concealed + 20));
  return CLAMP(r, 0, 100);
}

static int
by_value(gconstpointer a, gconstpointer b)
{
  const double *left = a, *right = b;
  return (*left > *right) - (*left < *right);
}

static void
print_outcome(const char *path, const Trace *trace, const Outcome *outcome, bool json)
{
  g_autofree char *name = g_path_get_basename(path);
  unsigned played = outcome->delays->len;
  double mean = 0, p95 = 0;
  for (unsigned i = 0; i < played; i++)
    mean += g_array_index(outcome->delays, double, i) / played;
  double filled = 100.0 * (double)outcome->filled / (double)MAX(outcome->total, 1);
  double lost = 100.0 * (double)(trace->frames - played) / (double)trace->frames;
  double concealed = MAX(filled, lost);
  double r50 = rating(outcome->delays, 50, concealed),
         r250 = rating(outcome->delays, 250, concealed);
  g_array_sort(outcome->delays, by_value);
  if (played > 0)
    p95 = g_array_index(outcome->delays, double, (played - 1) * 95 / 100);
  printf(json ? "{\"trace\":\"%s\",\"delay_mean_ms\":%.2f,\"delay_p95_ms\":%.2f,"
                "\"concealed_pct\":%.3f,\"stretched_pct\":%.2f,\"interruptions\":%u,"
                "\"r50\":%.2f,\"r250\":%.2f}\n"
              : "%-44s %7.1f %7.1f %8.3f %7.2f %5u %7.2f %7.2f\n",
         name, mean, p95, concealed, 100.0 * (double)outcome->stretched / MAX(played, 1),
         outcome->interruptions, r50, r250);
}

int
main(int argc, char **argv)
{
  gboolean json = FALSE;
  int round_trip = 500, latency = -1, max_latency = 600;
  g_auto(GStrv) paths = NULL;
  const GOptionEntry options[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object a trace", NULL},
      {"round-trip", 0, 0, G_OPTION_ARG_INT, &round_trip, "What playout knows of it", "MS"},
      {"latency", 0, 0, G_OPTION_ARG_INT, &latency, "Fixed, instead of adaptive", "MS"},
      {"max-latency", 0, 0, G_OPTION_ARG_INT, &max_latency, "Adaptive: at most", "MS"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "TRACE..."},
      {0},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  g_option_context_add_main_entries(context, options, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || paths == NULL) {
    fprintf(stderr, "bench-jitter: %s\n", error != NULL ? error->message : "name a trace or more");
    return 2;
  }
  if (!json)
    printf("%-44s %7s %7s %8s %7s %5s %7s %7s\n", "trace", "mean ms", "p95 ms", "conc. %", "str. %",
           "int.", "R50", "R250");
  for (unsigned i = 0; paths[i] != NULL; i++) {
    Trace trace;
    if (!read_trace(paths[i], &trace))
      return 1;
    WzpJitter *jitter = wzp_jitter_new(latency < 0 ? WZP_JITTER_ADAPTIVE : latency * MS, QUEUE);
    wzp_jitter_set_max_latency(jitter, max_latency * MS);
    wzp_jitter_set_round_trip(jitter, round_trip * MS);
    Decoder decoder;
    decoder_init(&decoder);
    Outcome outcome = {.delays = g_array_new(FALSE, FALSE, sizeof(double))};
    play(&trace, jitter, &decoder, &outcome);
    print_outcome(paths[i], &trace, &outcome, json);
    g_array_unref(outcome.delays);
    g_array_unref(trace.arrivals);
    decoder_clear(&decoder);
    wzp_jitter_free(jitter);
  }
  return 0;
}
