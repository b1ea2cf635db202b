/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-options.h"

#define MS_MAX 60000
#define BURST_MAX 10000
#define KBPS_MAX 1000000
#define QUEUE_DEFAULT_MS 200

void
sim_link_options_init(SimLinkOptions *options)
{
  *options = (SimLinkOptions){.loss = SIM_OPTION_UNSET,
                              .burst = SIM_OPTION_UNSET,
                              .rate = SIM_OPTION_UNSET,
                              .queue = SIM_OPTION_UNSET};
}

void
sim_link_options_clear(SimLinkOptions *options)
{
  g_clear_pointer(&options->trace_path, g_free);
  g_clear_pointer(&options->trace, sim_trace_free);
}

void
sim_link_options_add(SimLinkOptions *options, GOptionContext *context)
{
  const GOptionEntry entries[] = {
      {"loss", 0, 0, G_OPTION_ARG_DOUBLE, &options->loss, "Share that is lost, each way (0)",
       "0..1"},
      {"burst", 0, 0, G_OPTION_ARG_DOUBLE, &options->burst,
       "Losses come in bursts of so many slots of 20 ms in the mean (each alone)", "B"},
      {"trace", 0, 0, G_OPTION_ARG_FILENAME, &options->trace_path,
       "A recorded network instead: a line per 20 ms, delay in ms or -1 for lost; repeats", "FILE"},
      {"jitter", 0, 0, G_OPTION_ARG_DOUBLE, &options->jitter, "Up to so much on top (0)", "MS"},
      {"reorder", 0, 0, G_OPTION_ARG_NONE, &options->reorder,
       "Jitter lets datagrams overtake each other", NULL},
      {"duplicate", 0, 0, G_OPTION_ARG_DOUBLE, &options->duplicate, "Share that comes twice (0)",
       "0..1"},
      {"rate", 0, 0, G_OPTION_ARG_DOUBLE, &options->rate,
       "A bottleneck, each way, with a queue that drops at its tail (none)", "KBPS"},
      {"queue", 0, 0, G_OPTION_ARG_DOUBLE, &options->queue,
       "The longest wait in front of the bottleneck (200)", "MS"},
      {0}};
  g_option_context_add_main_entries(context, entries, NULL);
}

gboolean
sim_option_fail(GError **error, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
  g_free(text);
  return FALSE;
}

gboolean
sim_option_check_ms(const char *option, double value, GError **error)
{
  if (value >= 0 && value <= MS_MAX)
    return TRUE;
  return sim_option_fail(error, "%s is milliseconds from 0 to %d, not %g", option, MS_MAX, value);
}

static gboolean
check_probability(const char *option, double value, GError **error)
{
  if (value >= 0 && value <= 1)
    return TRUE;
  return sim_option_fail(error, "%s is a probability from 0 to 1 (0.1 is ten percent), not %g",
                         option, value);
}

gboolean
sim_burst_check(const char *option, double burst, GError **error)
{
  if (burst >= 1 && burst <= BURST_MAX)
    return TRUE;
  return sim_option_fail(error, "%s: a mean burst is slots of 20 ms from 1 to %d, not %g", option,
                         BURST_MAX, burst);
}

gboolean
sim_loss_check(const char *option, double loss, double burst, GError **error)
{
  if (!check_probability(option, loss, error))
    return FALSE;
  if (burst <= 0 || loss == 1 || loss <= sim_burst_loss_max(burst))
    return TRUE;
  return sim_option_fail(error, "%s: a loss of %g needs bursts of at least %.2f slots, not %g",
                         option, loss, loss / (1 - loss), burst);
}

gboolean
sim_link_options_apply(SimLinkOptions *options, SimLinkConfig *config, GError **error)
{
  const gboolean has_loss = options->loss != SIM_OPTION_UNSET;
  const gboolean has_burst = options->burst != SIM_OPTION_UNSET;
  const gboolean has_rate = options->rate != SIM_OPTION_UNSET;
  const gboolean has_queue = options->queue != SIM_OPTION_UNSET;
  const double loss = has_loss ? options->loss : 0, burst = has_burst ? options->burst : 0;
  if (options->trace_path != NULL && (has_loss || has_burst))
    return sim_option_fail(error, "--trace brings its own losses: give either --trace or --loss");
  if (has_burst && !has_loss)
    return sim_option_fail(error, "--burst says how --loss comes: it needs --loss P");
  if (has_burst && !sim_burst_check("--burst", burst, error))
    return FALSE;
  if (!sim_loss_check("--loss", loss, burst, error) ||
      !check_probability("--duplicate", options->duplicate, error) ||
      !sim_option_check_ms("--jitter", options->jitter, error))
    return FALSE;
  if (has_rate && !(options->rate >= 1 && options->rate <= KBPS_MAX))
    return sim_option_fail(error, "--rate is kbit/s from 1 to %d, not %g", KBPS_MAX, options->rate);
  if (has_queue && !has_rate)
    return sim_option_fail(error, "--queue is in front of a bottleneck: it needs --rate KBPS");
  if (has_queue && !sim_option_check_ms("--queue", options->queue, error))
    return FALSE;
  if (options->trace_path != NULL &&
      (options->trace = sim_trace_load(options->trace_path, error)) == NULL)
    return FALSE;
  config->loss = loss;
  config->burst = burst;
  config->duplicate = options->duplicate;
  config->jitter = (WzpTime)(options->jitter * WZP_MSEC);
  config->reorder = options->reorder;
  config->trace = options->trace;
  if (has_rate) {
    config->rate = (unsigned)(options->rate * 1000);
    /* a bound of 0 would be none: what waits at all is dropped */
    config->queue_time =
        MAX((WzpTime)((has_queue ? options->queue : QUEUE_DEFAULT_MS) * WZP_MSEC), 1);
  }
  return TRUE;
}
