/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-measure.h"

#define CONNECT_LIMIT (30 * WZP_SECOND)
/* until the last frames are in a packet */
#define PACKETS_CLOSE (500 * WZP_MSEC)
#define QUALITY_MAX_DELAY (400 * WZP_MSEC) /* of the lowest tier */

static gint
compare_times(gconstpointer a, gconstpointer b)
{
  const WzpTime *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* Of sorted times; 0 of none. */
static WzpTime
quantile(const GArray *times, unsigned percent)
{
  return times->len > 0 ? g_array_index(times, WzpTime, (times->len - 1) * percent / 100) : 0;
}

static void
run_to(SimCall *sim, WzpTime end)
{
  /* what happens at the end itself is not ours any more */
  if (end - 1 > sim->now)
    sim_call_run(sim, end - 1 - sim->now);
}

static WzpTime
judged_delay(const SimMeasureConfig *config)
{
  return config->quality ? MAX(config->limits.max_delay, QUALITY_MAX_DELAY)
                         : config->limits.max_delay;
}

static void
set_links(SimCall *sim, const SimLinkConfig *link)
{
  for (unsigned i = 0; i < 2; i++) {
    SimLinkConfig config = *link;
    config.delay = sim->config.out.delay;
    /* the way back meets another part of the trace */
    config.trace_from = config.trace != NULL ? i * config.trace->n_slots / 2 : 0;
    sim_link_set_config(sim->parties[i].out, &config);
  }
}

static void
count(const SimFrame *frame, WzpTime max_delay, SimCounts *counts, GArray *delays)
{
  const WzpTime delay = MAX(frame->arrived - frame->expected, 0);
  counts->sent++;
  if (frame->arrived == WZP_NEVER)
    counts->lost++;
  else if (frame->own)
    counts->received++; /* no delay beyond its own packet's */
  else if (delay > max_delay)
    counts->lost++;
  else {
    counts->repaired++;
    g_array_append_val(delays, delay);
  }
}

static void
judge(const SimParty *talker, const SimMeasureConfig *config, WzpTime start, SimMeasure *measure)
{
  GArray *delays = g_array_new(FALSE, FALSE, sizeof(WzpTime));
  bool in_gap = false;
  for (unsigned i = 0; i < talker->frames->len; i++) {
    const SimFrame *frame = &g_array_index(talker->frames, SimFrame, i);
    if (frame->captured < start || frame->captured >= start + config->duration)
      continue;
    const bool missing = frame->arrived == WZP_NEVER || !frame->own;
    measure->gaps += missing && !in_gap;
    in_gap = missing;
    const unsigned second = (unsigned)((frame->captured - start) / WZP_SECOND);
    count(frame, judged_delay(config), &g_array_index(measure->seconds, SimSecond, second).counts,
          delays);
  }
  for (unsigned i = 0; i < measure->seconds->len; i++) {
    const SimCounts *counts = &g_array_index(measure->seconds, SimSecond, i).counts;
    measure->counts.sent += counts->sent;
    measure->counts.received += counts->received;
    measure->counts.repaired += counts->repaired;
    measure->counts.lost += counts->lost;
    measure->counts.wire_bytes += counts->wire_bytes;
  }
  g_array_sort(delays, compare_times);
  measure->delay_p50 = quantile(delays, 50);
  measure->delay_p95 = quantile(delays, 95);
  measure->delay_max = quantile(delays, 100);
  g_array_unref(delays);
}

static void
take_step(SimCall *sim, const SimStep *step, SimLinkConfig *link)
{
  if (step->has_loss) {
    link->loss = step->loss;
    link->burst = step->burst;
  }
  if (step->has_rate)
    link->rate = step->rate;
  set_links(sim, link);
  for (unsigned i = 0; i < 2 && step->has_network; i++)
    if (sim->parties[i].quality != NULL)
      wzp_quality_set_network(sim->parties[i].quality, sim->now, step->network);
}

/* Talks for the whole duration, a second at a time. */
static void
talk(SimCall *sim, const SimMeasureConfig *config, WzpTime start, SimMeasure *measure)
{
  const SimParty *talker = &sim->parties[0];
  const WzpTime end = start + config->duration;
  SimLinkConfig link = config->link;
  uint64_t bytes = talker->wire_bytes;
  SimLinkStats waits = sim_link_stats(talker->out);
  unsigned step = 0;
  for (WzpTime from = start; from < end; from += WZP_SECOND) {
    const WzpTime to = MIN(from + WZP_SECOND, end);
    SimSecond second = {0};
    for (; step < config->n_steps && start + config->steps[step].at < to; step++) {
      run_to(sim, start + config->steps[step].at);
      take_step(sim, &config->steps[step], &link);
    }
    run_to(sim, to);
    second.counts.wire_bytes = talker->wire_bytes - bytes;
    bytes = talker->wire_bytes;
    second.plan = *wzp_fec_sender_plan(talker->fec_sender);
    wzp_fec_sender_get_stats(talker->fec_sender, sim->now, &measure->sender);
    second.estimate = measure->sender.channel;
    if (talker->quality != NULL)
      wzp_quality_get_state(talker->quality, sim->now, &second.quality);
    const SimLinkStats waited = sim_link_stats(talker->out);
    second.wait = sim_link_wait(&waits, &waited, 95);
    waits = waited;
    if (sim->parties[1].jitter != NULL)
      second.latency = wzp_jitter_latency(sim->parties[1].jitter) / 1000;
    g_array_append_val(measure->seconds, second);
    measure->quality = second.quality;
  }
  measure->plan = *wzp_fec_sender_plan(talker->fec_sender);
}

/* The talking goes on, uncounted, until the last frame that counts was brought, or is too late. */
static void
await_last(SimCall *sim, const SimMeasureConfig *config, WzpTime end)
{
  WzpTime last = end;
  sim_call_run(sim, PACKETS_CLOSE);
  for (unsigned i = 0; i < sim->parties[0].frames->len; i++) {
    const SimFrame *frame = &g_array_index(sim->parties[0].frames, SimFrame, i);
    if (frame->captured < end && frame->expected != WZP_NEVER)
      last = MAX(last, frame->expected);
  }
  run_to(sim, last + judged_delay(config) + 2);
}

bool
sim_measure_run(const SimMeasureConfig *config, SimMeasure *measure)
{
  const SimLinkConfig clean = {.delay = config->round_trip / 4};
  const SimCallConfig call = {.seed = config->seed,
                              .mode = WZP_CALL_RELAY,
                              .out = clean,
                              .in = clean,
                              .no_playout = !config->playout,
                              .latency = config->playout ? SIM_ADAPTIVE : 0,
                              .quality = config->quality,
                              .quality_mode = config->quality_mode,
                              .tier = config->tier,
                              .profile = config->profile,
                              .repair = true,
                              .limits = config->limits};
  SimCall *sim = sim_call_new(&call);
  *measure = (SimMeasure){.has_quality = config->quality,
                          .has_playout = config->playout,
                          .seconds = g_array_new(FALSE, TRUE, sizeof(SimSecond))};
  sim_call_start_relay(sim);
  for (unsigned i = 0; i < 2; i++) {
    sim_call_start_party(sim, i);
    sim_call_talk(sim, i, false);
  }
  const bool active = sim_call_run_until(sim, sim_call_is_active, CONNECT_LIMIT);
  if (active) {
    const WzpTime start = sim->now;
    set_links(sim, &config->link);
    for (unsigned i = 0; i < 2; i++) {
      sim_link_set_origin(sim->parties[i].out, start);
      sim_call_talk(sim, i, true);
    }
    const SimLinkStats before = sim_link_stats(sim->parties[0].out);
    talk(sim, config, start, measure);
    const SimLinkStats after = sim_link_stats(sim->parties[0].out);
    measure->wait_p95 = sim_link_wait(&before, &after, 95);
    measure->wait_max = after.wait_max;
    measure->datagrams = after.sent - before.sent;
    measure->datagrams_lost = after.lost - before.lost;
    await_last(sim, config, start + config->duration);
    judge(&sim->parties[0], config, start, measure);
    measure->twice = sim->parties[1].frames_twice;
    measure->mistimed = sim->parties[1].frames_mistimed;
    measure->refused = sim->parties[1].bundles_refused;
    measure->concealed = sim->parties[1].frames_lost + sim->parties[1].frames_silent;
    measure->played = sim->parties[1].played->len;
    measure->stall = sim->parties[1].longest_stall;
    measure->unheard = sim->parties[1].unheard;
  }
  sim_call_free(sim);
  return active;
}

void
sim_measure_clear(SimMeasure *measure)
{
  g_clear_pointer(&measure->seconds, g_array_unref);
}
