/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-trace.h"
#include <string.h>

#define DELAY_MAX_MS 60000

/* A whole line is one number. */
static bool
parse_line(const char *line, SimTraceSlot *slot)
{
  char *end = NULL;
  const double delay = g_ascii_strtod(line, &end);
  if (end == line || *end != '\0')
    return false;
  slot->lost = delay == -1;
  if (!slot->lost && !(delay >= 0 && delay <= DELAY_MAX_MS)) /* NaN neither */
    return false;
  slot->delay = (WzpTime)(delay * WZP_MSEC + .5);
  return true;
}

/* A lost slot gets the delay of the last one that came before it; the file repeats. */
static void
fill_lost(GArray *slots)
{
  WzpTime delay = 0;
  for (unsigned i = 0; i < 2 * slots->len; i++) {
    SimTraceSlot *slot = &g_array_index(slots, SimTraceSlot, i % slots->len);
    if (slot->lost)
      slot->delay = delay;
    else
      delay = slot->delay;
  }
}

SimTrace *
sim_trace_parse(const char *text, const char *name, GError **error)
{
  GArray *slots = g_array_new(FALSE, FALSE, sizeof(SimTraceSlot));
  char **lines = g_strsplit(text, "\n", -1);
  unsigned bad = 0;
  for (unsigned i = 0; lines[i] != NULL && bad == 0; i++) {
    SimTraceSlot slot;
    g_strstrip(lines[i]);
    if (lines[i][0] == '\0' || lines[i][0] == '#')
      continue;
    if (parse_line(lines[i], &slot))
      g_array_append_val(slots, slot);
    else
      bad = i + 1;
  }
  if (bad > 0)
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s, line %u: '%.40s' is neither a delay in ms from 0 to %d nor -1 for lost", name,
                bad, lines[bad - 1], DELAY_MAX_MS);
  else if (slots->len == 0)
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s holds no slot: a trace has a line with a delay in ms, or -1, for each 20 ms",
                name);
  g_strfreev(lines);
  if (bad > 0 || slots->len == 0) {
    g_array_unref(slots);
    return NULL;
  }
  fill_lost(slots);
  SimTrace *trace = g_new0(SimTrace, 1);
  trace->n_slots = slots->len;
  trace->slots = (SimTraceSlot *)(gpointer)g_array_free(slots, FALSE);
  return trace;
}

SimTrace *
sim_trace_load(const char *path, GError **error)
{
  char *text = NULL;
  size_t length = 0;
  SimTrace *trace = NULL;
  if (!g_file_get_contents(path, &text, &length, error)) {
    g_prefix_error(error, "the trace cannot be read: ");
    return NULL;
  }
  if (strlen(text) != length)
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s is no trace: it holds a zero byte", path);
  else
    trace = sim_trace_parse(text, path, error);
  g_free(text);
  return trace;
}

void
sim_trace_free(SimTrace *trace)
{
  if (trace == NULL)
    return;
  g_free(trace->slots);
  g_free(trace);
}
