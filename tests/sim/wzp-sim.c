/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A call through a bad network in virtual time, and what is left of it: two clients and a relay of the real
 * protocol code talk for the given time, and each frame of the one is counted at the other.
 *
 *   wzp-sim --loss 0.2 --burst 2 --profile good --max-delay 200 --budget 60 --seconds 600 --seed 1 --json
 *
 * The same flags and seed print the same. docs/TESTING.md says what is counted how. */
#include "sim-measure.h"
#include "sim-options.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The tiers that the quality controller chooses between, besides the profiles themselves. */
static const struct {
  const char *name, *profile;
  bool may_lower;
  unsigned max_delay_ms;
} tiers[] = {
    {"good", "opus-24k", true, 200},
    {"degraded", "opus-6k", false, 360},
    {"catastrophic", "codec2-1200", false, 400},
};
#define PROFILE_MAX_DELAY_MS 200
#define ROUND_TRIP_DEFAULT_MS 100
#define SECONDS_MAX 86400

typedef struct {
  SimLinkOptions link;
  char *profile, *scheme, *blackout, *tier, **steps, **rate_steps, **networks;
  double round_trip, max_delay, budget, seconds;
  gint64 seed;
  int overhead, block, window, frames;
  gboolean json, timeline, playout;
  GArray *parsed_steps; /* SimStep */
} Options;

static gboolean
parse_profile(const Options *options, SimMeasureConfig *config, GError **error)
{
  const char *profile = options->profile != NULL ? options->profile : "good";
  unsigned max_delay = PROFILE_MAX_DELAY_MS;
  config->profile = wzp_profile_by_name(profile);
  for (unsigned i = 0; i < G_N_ELEMENTS(tiers); i++) {
    if (strcmp(profile, tiers[i].name) != 0)
      continue;
    config->profile = wzp_profile_by_name(tiers[i].profile);
    config->limits.may_lower_profile = tiers[i].may_lower;
    max_delay = tiers[i].max_delay_ms;
  }
  config->limits.max_delay = max_delay * WZP_MSEC;
  if (config->profile != NULL)
    return TRUE;
  GString *names = g_string_new(NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS(tiers); i++)
    g_string_append_printf(names, "%s, ", tiers[i].name);
  for (unsigned i = 0; wzp_profile_nth(i) != NULL; i++)
    g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", wzp_profile_nth(i)->name);
  sim_option_fail(error, "--profile is one of %s, not '%s'", names->str, profile);
  g_string_free(names, TRUE);
  return FALSE;
}

/* "1:2" or "1:2:3"; how many numbers there were, 0 for anything else. */
static unsigned
parse_numbers(const char *text, double numbers[3])
{
  for (unsigned n = 0; n < 3; n++) {
    char *end;
    numbers[n] = g_ascii_strtod(text, &end);
    if (end == text)
      return 0;
    if (*end == '\0')
      return n + 1;
    if (*end != ':')
      return 0;
    text = end + 1;
  }
  return 0;
}

static gint
compare_steps(gconstpointer a, gconstpointer b)
{
  const SimStep *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}

static gboolean
parse_rate_steps(Options *options, GError **error)
{
  for (char **text = options->rate_steps; text != NULL && *text != NULL; text++) {
    double numbers[3];
    if (parse_numbers(*text, numbers) != 2 || !(numbers[0] >= 0 && numbers[0] <= SECONDS_MAX) ||
        !(numbers[1] == 0 || (numbers[1] >= 1 && numbers[1] <= 1000000)))
      return sim_option_fail(error, "--rate-step is SECOND:KBPS (0: no bottleneck), not '%s'",
                             *text);
    const SimStep step = {.at = (WzpTime)(numbers[0] * WZP_SECOND),
                          .has_rate = true,
                          .rate = (unsigned)(numbers[1] * 1000)};
    g_array_append_val(options->parsed_steps, step);
  }
  return TRUE;
}

static gboolean
parse_networks(Options *options, const SimMeasureConfig *config, GError **error)
{
  for (char **text = options->networks; text != NULL && *text != NULL; text++) {
    char *end;
    const double second = g_ascii_strtod(*text, &end);
    SimStep step = {.at = (WzpTime)(second * WZP_SECOND), .has_network = true};
    if (end == *text || *end != ':' || !(second >= 0 && second <= SECONDS_MAX) ||
        !wzp_network_by_name(end + 1, &step.network))
      return sim_option_fail(
          error, "--network is SECOND:NAME, of unknown, wired, wifi, cellular, not '%s'", *text);
    if (!config->quality)
      return sim_option_fail(error, "--network is for --tier");
    g_array_append_val(options->parsed_steps, step);
  }
  return TRUE;
}

static gboolean
parse_tier(const Options *options, SimMeasureConfig *config, GError **error)
{
  config->tier = WZP_N_TIERS;
  config->quality = options->tier != NULL;
  config->playout = options->playout;
  if (options->tier == NULL || strcmp(options->tier, "auto") == 0)
    return TRUE;
  if (strcmp(options->tier, "compatible") == 0)
    config->quality_mode = WZP_QUALITY_COMPATIBLE;
  else if (!wzp_tier_by_name(options->tier, &config->tier))
    return sim_option_fail(error,
                           "--tier is auto, compatible, studio-64k, studio-48k, studio-32k, good, "
                           "degraded or catastrophic, not '%s'",
                           options->tier);
  return TRUE;
}

static gboolean
parse_steps(Options *options, SimMeasureConfig *config, GError **error)
{
  for (char **text = options->steps; text != NULL && *text != NULL; text++) {
    double numbers[3] = {0};
    const unsigned n = parse_numbers(*text, numbers);
    if (n < 2 || !(numbers[0] >= 0 && numbers[0] <= SECONDS_MAX))
      return sim_option_fail(error, "--step is SECOND:LOSS or SECOND:LOSS:BURST, not '%s'", *text);
    const SimStep step = {.at = (WzpTime)(numbers[0] * WZP_SECOND),
                          .has_loss = true,
                          .loss = numbers[1],
                          .burst = n == 3 ? numbers[2] : config->link.burst};
    if (n == 3 && !sim_burst_check("--step", step.burst, error))
      return FALSE;
    if (!sim_loss_check("--step", step.loss, step.burst, error))
      return FALSE;
    if (options->parsed_steps->len > 0 &&
        g_array_index(options->parsed_steps, SimStep, options->parsed_steps->len - 1).at > step.at)
      return sim_option_fail(error, "--step %s comes before the step in front of it", *text);
    g_array_append_val(options->parsed_steps, step);
  }
  if (options->parsed_steps->len > 0 && config->link.trace != NULL)
    return sim_option_fail(error, "--trace brings its own losses: --step needs --loss");
  if (!parse_rate_steps(options, error) || !parse_networks(options, config, error))
    return FALSE;
  g_array_sort(options->parsed_steps, compare_steps); /* stable: as they were typed */
  config->steps = (const SimStep *)(gconstpointer)options->parsed_steps->data;
  config->n_steps = options->parsed_steps->len;
  return TRUE;
}

static gboolean
parse_blackout(const Options *options, SimLinkConfig *link, GError **error)
{
  double numbers[3];
  if (options->blackout == NULL)
    return TRUE;
  if (parse_numbers(options->blackout, numbers) != 2 || !(numbers[0] >= 0) ||
      !(numbers[1] > numbers[0] && numbers[1] <= SECONDS_MAX))
    return sim_option_fail(error, "--blackout is FROM:TO in seconds, not '%s'", options->blackout);
  link->blackout_from = (WzpTime)(numbers[0] * WZP_SECOND);
  link->blackout_to = (WzpTime)(numbers[1] * WZP_SECOND);
  return TRUE;
}

static gboolean
check_whole(const char *option, int value, int least, int most, GError **error)
{
  if (value >= least && value <= most)
    return TRUE;
  return sim_option_fail(error, "%s is a whole number from %d to %d, not %d", option, least, most,
                         value);
}

static gboolean
parse_limits(const Options *options, WzpFecLimits *limits, GError **error)
{
  const char *scheme = options->scheme != NULL ? options->scheme : "auto";
  if (!wzp_fec_scheme_by_name(scheme, &limits->scheme))
    return sim_option_fail(error, "--scheme is auto, sliding, block, copies or none, not '%s'",
                           scheme);
  if (options->max_delay != SIM_OPTION_UNSET) {
    if (!sim_option_check_ms("--max-delay", options->max_delay, error))
      return FALSE;
    limits->max_delay = (WzpTime)(options->max_delay * WZP_MSEC);
  }
  if (options->budget != SIM_OPTION_UNSET) {
    if (!(options->budget >= 1 && options->budget <= 10000))
      return sim_option_fail(error, "--budget is kbit/s from 1 to 10000, not %g", options->budget);
    limits->budget = (unsigned)(options->budget * 1000);
  }
  if (!check_whole("--overhead", options->overhead, WZP_FEC_OVERHEAD_AUTO, WZP_FEC_OVERHEAD_MAX,
                   error) ||
      !check_whole("--block-size", options->block, 0, WZP_FEC_BLOCK_SIZE_MAX, error) ||
      !check_whole("--window", options->window, 0, WZP_FEC_WINDOW_MAX, error) ||
      !check_whole("--frames", options->frames, 0, 4, error))
    return FALSE;
  limits->overhead = options->overhead;
  limits->block_size = (unsigned)options->block;
  limits->window = (unsigned)options->window;
  limits->frames_per_packet = (unsigned)options->frames;
  return TRUE;
}

static gboolean
check_options(Options *options, int rest, SimMeasureConfig *config, GError **error)
{
  const bool given = options->round_trip != SIM_OPTION_UNSET;
  if (rest > 1)
    return sim_option_fail(error, "there are words that belong to no option");
  if (!sim_link_options_apply(&options->link, &config->link, error) ||
      !parse_profile(options, config, error) || !parse_tier(options, config, error) ||
      !parse_limits(options, &config->limits, error) || !parse_steps(options, config, error) ||
      !parse_blackout(options, &config->link, error) ||
      (given && !sim_option_check_ms("--rtt", options->round_trip, error)))
    return FALSE;
  if (!(options->seconds > 0 && options->seconds <= SECONDS_MAX))
    return sim_option_fail(error, "--seconds is a number above 0, up to %d, not %g", SECONDS_MAX,
                           options->seconds);
  if (options->seed < 0)
    return sim_option_fail(error, "--seed is a whole number from 0, not %" G_GINT64_FORMAT,
                           options->seed);
  const double round_trip = given                        ? options->round_trip
                            : config->link.trace != NULL ? 0
                                                         : ROUND_TRIP_DEFAULT_MS;
  config->round_trip = (WzpTime)(round_trip * WZP_MSEC);
  config->duration = (WzpTime)(options->seconds * WZP_SECOND);
  config->seed = (uint64_t)options->seed;
  return TRUE;
}

/* --- What came of it --- */

static double
ms(WzpTime time)
{
  return (double)time / WZP_MSEC;
}

static double
percent(uint64_t part, uint64_t whole)
{
  return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static double
kbps(uint64_t bytes, double seconds)
{
  return (double)bytes * 8 / 1000 / seconds;
}

/* "opus-24k, 1 in a packet, sliding 10@0 x1.00": windows and offsets of its programs, symbols a packet. */
static const char *
describe_plan(const WzpFecPlan *plan, char text[128])
{
  int length = snprintf(text, 128, "%s, %u in a packet, %s", plan->profile->name,
                        plan->frames_per_packet, wzp_fec_scheme_name(plan->scheme));
  if (plan->scheme == WZP_FEC_BLOCK)
    snprintf(text + length, 128 - (size_t)length, " %u+%u", plan->block_size, plan->block_repairs);
  else if (plan->scheme != WZP_FEC_NONE)
    for (unsigned i = 0; i < plan->n_programs && length < 100; i++)
      length += snprintf(text + length, 128 - (size_t)length, " %u@%u", plan->programs[i].window,
                         plan->programs[i].offset);
  if (plan->scheme == WZP_FEC_SLIDING || plan->scheme == WZP_FEC_COPIES)
    snprintf(text + length, 128 - (size_t)length, " x%.2f", plan->symbols_256 / 256.0);
  return text;
}

/* "" without a controller. Free with g_free(). */
static char *
describe_quality(const SimMeasure *measure, const SimSecond *second, gboolean json)
{
  const WzpQualityState *quality = &second->quality;
  if (!measure->has_quality)
    return g_strdup("");
  if (json)
    return g_strdup_printf(",\"tier\":\"%s\",\"reason\":\"%s\",\"verdict\":\"%s\",\"limit\":%u"
                           ",\"wait_ms\":%.0f,\"latency_ms\":%.0f",
                           wzp_tier_name(quality->tier), wzp_reason_name(quality->reason),
                           wzp_verdict_name(quality->verdict), quality->limit, ms(second->wait),
                           ms(second->latency));
  return g_strdup_printf("  %s by %s, %s, limit %.1f, waits %.0f, latency %.0f",
                         wzp_tier_name(quality->tier), wzp_reason_name(quality->reason),
                         wzp_verdict_name(quality->verdict), quality->limit / 1000.0,
                         ms(second->wait), ms(second->latency));
}

static unsigned
count_tier(const SimMeasure *measure, WzpTier tier)
{
  unsigned n = 0;
  for (unsigned i = 0; i < measure->seconds->len; i++)
    n += g_array_index(measure->seconds, SimSecond, i).quality.tier == tier;
  return n;
}

static void
print_quality(const SimMeasure *measure, gboolean json)
{
  const WzpQualityState *quality = &measure->quality;
  if (measure->has_playout)
    printf(json ? ",\"playout\":{\"concealed\":%" PRIu64 ",\"played\":%" PRIu64
                  ",\"longest_stall_ms\":%.0f,\"unheard_ms\":%.0f}"
                : "playout          %" PRIu64 " steps concealed, %" PRIu64
                  " frames played, longest stall %.0f ms, in stalls %.0f ms\n",
           measure->concealed, measure->played, ms(measure->stall), ms(measure->unheard));
  if (!measure->has_quality)
    return;
  char *text = wzp_quality_text(quality);
  if (json)
    printf(
        ",\"wait_ms\":{\"p95\":%.0f,\"max\":%.0f},\"quality\":{\"verdict\":\"%s\",\"text\":\"%s\""
        ",\"steps_down\":%" PRIu64 ",\"steps_up\":%" PRIu64 ",\"cuts\":%" PRIu64
        ",\"probes\":%" PRIu64 ",\"round_trip_ms\":%.0f,\"drift_ppm\":%.0f,\"seconds\":{",
        ms(measure->wait_p95), ms(measure->wait_max), wzp_verdict_name(quality->verdict), text,
        quality->steps_down, quality->steps_up, quality->cuts, quality->probes,
        ms(quality->round_trip), quality->drift_ppm);
  else
    printf("waits            95 %% %.0f ms, longest %.0f ms\nquality          %s; tier %" PRIu64
           " down, %" PRIu64 " up; limit cut %" PRIu64 " times, raised %" PRIu64
           "\nseconds          ",
           ms(measure->wait_p95), ms(measure->wait_max), text, quality->steps_down,
           quality->steps_up, quality->cuts, quality->probes);
  for (WzpTier tier = 0; tier < WZP_N_TIERS; tier++)
    printf(json ? "%s\"%s\":%u" : "%s%s %u",
           tier == 0 ? ""
           : json    ? ","
                     : ", ",
           wzp_tier_name(tier), count_tier(measure, tier));
  printf(json ? "}}" : "\n");
  g_free(text);
}

static void
print_timeline(const SimMeasure *measure, gboolean json)
{
  char plan[128];
  if (!json)
    printf("second   sent  received  repaired  lost  kbit/s  estimated loss  burst  plan\n");
  for (unsigned i = 0; i < measure->seconds->len; i++) {
    const SimSecond *second = &g_array_index(measure->seconds, SimSecond, i);
    const SimCounts *counts = &second->counts;
    const double burst = wzp_channel_mean_burst(&second->estimate);
    describe_plan(&second->plan, plan);
    char *quality = describe_quality(measure, second, json);
    if (json)
      printf("{\"second\":%u,\"frames_sent\":%" PRIu64 ",\"frames_received\":%" PRIu64
             ",\"frames_repaired\":%" PRIu64 ",\"frames_lost\":%" PRIu64 ",\"wire_bytes\":%" PRIu64
             ",\"estimated_loss\":%.4f,\"estimated_burst\":%.2f"
             ",\"plan\":\"%s\"%s}\n",
             i, counts->sent, counts->received, counts->repaired, counts->lost, counts->wire_bytes,
             second->estimate.loss, burst, plan, quality);
    else
      printf("%6u %6" PRIu64 " %9" PRIu64 " %9" PRIu64 " %5" PRIu64 " %7.1f %15.3f %6.2f  %s%s\n",
             i, counts->sent, counts->received, counts->repaired, counts->lost,
             kbps(counts->wire_bytes, 1), second->estimate.loss, burst, plan, quality);
    g_free(quality);
  }
}

static double
mean_gap(const SimMeasure *measure)
{
  const uint64_t missing = measure->counts.repaired + measure->counts.lost;
  return measure->gaps > 0 ? (double)missing / (double)measure->gaps : 0;
}

static void
print_json(const SimMeasure *measure, double seconds)
{
  const SimCounts *counts = &measure->counts;
  const WzpFecSenderStats *sender = &measure->sender;
  char plan[128];
  printf("{\"frames_sent\":%" PRIu64 ",\"frames_received\":%" PRIu64 ",\"frames_repaired\":%" PRIu64
         ",\"frames_lost\":%" PRIu64,
         counts->sent, counts->received, counts->repaired, counts->lost);
  printf(",\"repair_delay_ms\":{\"p50\":%.1f,\"p95\":%.1f,\"max\":%.1f}", ms(measure->delay_p50),
         ms(measure->delay_p95), ms(measure->delay_max));
  printf(",\"wire_bytes\":%" PRIu64 ",\"seconds\":%g,\"kbps\":%.3f,\"loss_pct\":%.4f",
         counts->wire_bytes, seconds, kbps(counts->wire_bytes, seconds),
         percent(counts->lost, counts->sent));
  printf(",\"mean_gap\":%.3f", mean_gap(measure));
  printf(",\"datagrams\":%" PRIu64 ",\"datagrams_lost\":%" PRIu64 ",\"channel_loss_pct\":%.3f",
         measure->datagrams, measure->datagrams_lost,
         percent(measure->datagrams_lost, measure->datagrams));
  printf(",\"reports\":{\"received\":%" PRIu64 ",\"stale\":%" PRIu64 ",\"sent\":%" PRIu64 "}",
         sender->reports_handled, sender->reports_stale, sender->reports_carried);
  printf(",\"listener\":{\"frames_twice\":%" PRIu64 ",\"frames_mistimed\":%" PRIu64
         ",\"bundles_refused\":%" PRIu64 "}",
         measure->twice, measure->mistimed, measure->refused);
  printf(",\"estimate\":{\"loss\":%.4f,\"burst\":%.2f}", sender->channel.loss,
         wzp_channel_mean_burst(&sender->channel));
  print_quality(measure, TRUE);
  printf(",\"plan_changes\":%" PRIu64 ",\"plan\":\"%s\"}\n", sender->plans,
         describe_plan(&measure->plan, plan));
}

static void
print_table(const SimMeasure *measure, double seconds)
{
  const SimCounts *counts = &measure->counts;
  char plan[128];
  printf("frames sent      %9" PRIu64 "   in %g s\n", counts->sent, seconds);
  printf("  received       %9" PRIu64 "   %7.3f %%\n", counts->received,
         percent(counts->received, counts->sent));
  printf("  repaired       %9" PRIu64 "   %7.3f %%\n", counts->repaired,
         percent(counts->repaired, counts->sent));
  printf("  lost           %9" PRIu64 "   %7.3f %%\n", counts->lost,
         percent(counts->lost, counts->sent));
  printf("repair delay     median %.1f ms, 95 %% %.1f ms, longest %.1f ms\n",
         ms(measure->delay_p50), ms(measure->delay_p95), ms(measure->delay_max));
  printf("on the wire      %.2f kbit/s, IP and UDP and all of ours (%" PRIu64 " bytes)\n",
         kbps(counts->wire_bytes, seconds), counts->wire_bytes);
  printf("datagrams lost   %" PRIu64 " of %" PRIu64 ", %.2f %%\n", measure->datagrams_lost,
         measure->datagrams, percent(measure->datagrams_lost, measure->datagrams));
  printf("own packet lost  %.2f frames in a row in the mean\n", mean_gap(measure));
  printf("reports          %" PRIu64 " came, %" PRIu64 " of them stale\n",
         measure->sender.reports_handled + measure->sender.reports_stale,
         measure->sender.reports_stale);
  printf("last estimate    loss %.2f %%, mean burst %.2f slots of 20 ms\n",
         100 * measure->sender.channel.loss, wzp_channel_mean_burst(&measure->sender.channel));
  printf("last plan        %s (%" PRIu64 " changes)\n", describe_plan(&measure->plan, plan),
         measure->sender.plans);
  print_quality(measure, FALSE);
}

/* Frames are sent whatever the budget. */
static void
warn_of_budget(const WzpFecLimits *limits, const WzpFecPlan *plan)
{
  if (limits->budget != 0 && limits->budget < plan->least_budget)
    g_printerr(
        "wzp-sim: --budget %g is exceeded: the frames alone take %.1f kbit/s with all headers "
        "(%s, %u in a packet)\n",
        limits->budget / 1000.0, plan->least_budget / 1000.0, plan->profile->name,
        plan->frames_per_packet);
}

int
main(int argc, char **argv)
{
  Options options = {.round_trip = SIM_OPTION_UNSET,
                     .max_delay = SIM_OPTION_UNSET,
                     .budget = SIM_OPTION_UNSET,
                     .seconds = 60,
                     .seed = 1,
                     .overhead = WZP_FEC_OVERHEAD_AUTO};
  const GOptionEntry entries[] = {
      {"rtt", 0, 0, G_OPTION_ARG_DOUBLE, &options.round_trip,
       "Of the whole path, without jitter and queue (100; on top of a trace 0)", "MS"},
      {"profile", 0, 0, G_OPTION_ARG_STRING, &options.profile,
       "A tier (good, degraded, catastrophic) or a profile such as opus-24k (good)", "NAME"},
      {"max-delay", 0, 0, G_OPTION_ARG_DOUBLE, &options.max_delay,
       "What is repaired later than this is lost (200; degraded 360, catastrophic 400)", "MS"},
      {"budget", 0, 0, G_OPTION_ARG_DOUBLE, &options.budget,
       "For all that is sent, with IP and UDP; less than the frames take is exceeded, with a "
       "warning "
       "(what the policy thinks right)",
       "KBPS"},
      {"scheme", 0, 0, G_OPTION_ARG_STRING, &options.scheme, "Of repair (auto)",
       "auto|sliding|block|copies|none"},
      {"overhead", 0, 0, G_OPTION_ARG_INT, &options.overhead,
       "Repair in percent of the frames' bytes (-1: the policy's choice)", "PERCENT"},
      {"window", 0, 0, G_OPTION_ARG_INT, &options.window, "Of repair (0: the policy's choice)",
       "FRAMES"},
      {"block-size", 0, 0, G_OPTION_ARG_INT, &options.block, "Of the scheme block (0: 5)",
       "FRAMES"},
      {"frames", 0, 0, G_OPTION_ARG_INT, &options.frames, "In a packet (0: the policy's choice)",
       "N"},
      {"tier", 0, 0, G_OPTION_ARG_STRING, &options.tier,
       "The quality controller chooses (auto, compatible), or keeps to this tier; --profile is the "
       "best that it may use (no controller)",
       "NAME"},
      {"rate-step", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.rate_steps,
       "Another bottleneck from this second on, 0 for none; may come again", "T:KBPS"},
      {"network", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.networks,
       "The application says from this second on: unknown, wired, wifi, cellular; may come again",
       "T:NAME"},
      {"playout", 0, 0, G_OPTION_ARG_NONE, &options.playout,
       "The listener plays, with a latency that follows the network", NULL},
      {"step", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.steps,
       "Another loss, and burst, from this second on; may come again", "T:P[:B]"},
      {"blackout", 0, 0, G_OPTION_ARG_STRING, &options.blackout, "Nothing passes between seconds",
       "FROM:TO"},
      {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options.seconds, "Of talking (60)", "S"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "The same seed, the same luck (1)", "N"},
      {"timeline", 0, 0, G_OPTION_ARG_NONE, &options.timeline, "A line per second as well", NULL},
      {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, "One JSON object, as the last line", NULL},
      {0}};
  GError *error = NULL;
  SimMeasureConfig config = {0};
  SimMeasure measure = {0};
  int status = 0;
  sim_link_options_init(&options.link);
  options.parsed_steps = g_array_new(FALSE, FALSE, sizeof(SimStep));
  GOptionContext *context = g_option_context_new(NULL);
  g_option_context_set_summary(context, "A call through a bad network, in virtual time.");
  sim_link_options_add(&options.link, context);
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) ||
      !check_options(&options, argc, &config, &error)) {
    g_printerr("wzp-sim: %s\n", error->message);
    status = 2;
  } else if (!sim_measure_run(&config, &measure)) {
    g_printerr("wzp-sim: no call came about\n");
    status = 1;
  } else {
    warn_of_budget(&config.limits, &measure.plan);
    if (options.timeline)
      print_timeline(&measure, options.json);
    if (options.json)
      print_json(&measure, options.seconds);
    else
      print_table(&measure, options.seconds);
  }
  sim_measure_clear(&measure);
  g_clear_error(&error);
  g_option_context_free(context);
  g_array_unref(options.parsed_steps);
  sim_link_options_clear(&options.link);
  g_strfreev(options.steps);
  g_strfreev(options.rate_steps);
  g_strfreev(options.networks);
  g_free(options.tier);
  g_free(options.blackout);
  g_free(options.profile);
  g_free(options.scheme);
  return status;
}
