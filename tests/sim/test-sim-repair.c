/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls with repair, in virtual time: what it brings back, and that it comes through all that happens to a
 * network. */
#include "sim-measure.h"

static SimMeasureConfig
good_call(uint64_t seed, unsigned seconds)
{
  return (SimMeasureConfig){
      .seed = seed,
      .duration = seconds * WZP_SECOND,
      .round_trip = 100 * WZP_MSEC,
      .profile = wzp_profile_by_name("opus-24k"),
      .limits = {.overhead = WZP_FEC_OVERHEAD_AUTO,
                 .max_delay = 200 * WZP_MSEC,
                 .may_lower_profile = true},
  };
}

static void
sum_seconds(const SimMeasure *measure, unsigned from, unsigned to, SimCounts *sum)
{
  *sum = (SimCounts){0};
  for (unsigned i = from; i < to; i++) {
    const SimCounts *counts = &g_array_index(measure->seconds, SimSecond, i).counts;
    sum->sent += counts->sent;
    sum->received += counts->received;
    sum->repaired += counts->repaired;
    sum->lost += counts->lost;
  }
}

static void
test_ten_percent(void)
{
  SimMeasureConfig config = good_call(1, 120);
  SimMeasure measure;
  config.link.loss = .1;
  g_assert_true(sim_measure_run(&config, &measure));
  const SimCounts *counts = &measure.counts;
  g_test_message("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " lost", counts->lost, counts->sent);
  g_assert_cmpuint(counts->sent, ==, counts->received + counts->repaired + counts->lost);
  g_assert_cmpuint(counts->lost, <=, counts->sent / 100);
  g_assert_cmpuint(counts->repaired, >=, counts->sent / 20);
  g_assert_cmpint(measure.delay_max, <=, config.limits.max_delay);
  g_assert_cmpint(measure.delay_p50, >, 0);
  /* the other side told what it lost, and was believed */
  g_assert_cmpuint(measure.sender.reports_handled, >=, 120 / 2);
  g_assert_cmpfloat_with_epsilon(measure.sender.channel.loss, .1, .06);
  sim_measure_clear(&measure);
}

static void
test_loss_steps(void)
{
  static const SimStep steps[] = {{.at = 20 * WZP_SECOND, .loss = .3},
                                  {.at = 60 * WZP_SECOND, .loss = 0}};
  SimMeasureConfig config = good_call(2, 90);
  SimMeasure measure;
  SimCounts before, during, after;
  config.steps = steps;
  config.n_steps = G_N_ELEMENTS(steps);
  config.limits.max_delay = 360 * WZP_MSEC;
  g_assert_true(sim_measure_run(&config, &measure));
  sum_seconds(&measure, 0, 20, &before);
  sum_seconds(&measure, 23, 60, &during);
  sum_seconds(&measure, 70, 90, &after);
  g_assert_cmpuint(before.received, ==, before.sent);
  g_assert_cmpuint(after.received, ==, after.sent);
  /* met within three seconds */
  g_test_message("after the step: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " lost", during.lost,
                 during.sent);
  g_assert_cmpuint(during.lost, <=, during.sent * 4 / 100);
  const SimSecond *last = &g_array_index(measure.seconds, SimSecond, 89);
  g_assert_cmpfloat(last->estimate.loss, <, .05);
  sim_measure_clear(&measure);
}

static void
test_blackout(void)
{
  SimMeasureConfig config = good_call(3, 30);
  SimMeasure measure;
  SimCounts before, during, after;
  config.link.blackout_from = 10 * WZP_SECOND;
  config.link.blackout_to = 15 * WZP_SECOND;
  g_assert_true(sim_measure_run(&config, &measure));
  sum_seconds(&measure, 0, 9, &before);
  sum_seconds(&measure, 10, 14, &during);
  sum_seconds(&measure, 20, 30, &after);
  g_assert_cmpuint(before.received, ==, before.sent);
  g_assert_cmpuint(during.lost, ==, during.sent);
  g_assert_cmpuint(after.lost, ==, 0);
  sim_measure_clear(&measure);
}

/* Ten seconds of frames, but for those of a packet at each end. */
static void
assert_whole(uint64_t frames)
{
  g_assert_cmpuint(frames, >=, 500 - 3);
  g_assert_cmpuint(frames, <=, 500 + 3);
}

/* Half of what is sent passes, for ten seconds; the queue holds what 200 ms bring. Nothing is left of it when it
 * is over. */
static void
test_bottleneck(void)
{
  static const SimLinkConfig wide = {.delay = 20 * WZP_MSEC};
  const SimLinkConfig narrow = {
      .delay = 20 * WZP_MSEC, .rate = 24000, .queue_time = 200 * WZP_MSEC};
  const SimCallConfig config = {
      .seed = 4,
      .mode = WZP_CALL_RELAY,
      .out = wide,
      .in = wide,
      .repair = true,
      .limits = {.overhead = WZP_FEC_OVERHEAD_AUTO, .max_delay = 200 * WZP_MSEC}};
  SimCall *sim = sim_call_new(&config);
  const SimParty *talker = &sim->parties[0], *listener = &sim->parties[1];
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim_call_run(sim, 10 * WZP_SECOND);
  const SimLinkStats before = sim_link_stats(talker->out);
  g_assert_cmpuint(before.lost, ==, 0);
  sim_link_set_config(talker->out, &narrow);
  sim_call_run(sim, 10 * WZP_SECOND);
  const SimLinkStats after = sim_link_stats(talker->out);
  g_assert_cmpuint(after.queue_dropped, ==, after.lost);
  g_assert_cmpuint(after.queue_dropped, >, (after.sent - before.sent) / 4);
  g_assert_cmpuint(after.queue_dropped, <, after.sent - before.sent);
  sim_link_set_config(talker->out, &wide);
  sim_call_run(sim, 3 * WZP_SECOND);
  const uint64_t received = listener->frames_received;
  sim_call_run(sim, 10 * WZP_SECOND);
  assert_whole(listener->frames_received - received);
  g_assert_true(sim_call_is_active(sim));
  sim_call_free(sim);
}

/* A phone goes from one network to the other. What was on its way to the old address is lost; the call finds
 * itself again, and nothing that the phone says is lost. */
static void
test_address_change(void)
{
  static const SimLinkConfig clean = {.delay = 30 * WZP_MSEC};
  const SimCallConfig config = {
      .seed = 5,
      .mode = WZP_CALL_RELAY,
      .out = clean,
      .in = clean,
      .repair = true,
      .limits = {.overhead = WZP_FEC_OVERHEAD_AUTO, .max_delay = 200 * WZP_MSEC}};
  SimCall *sim = sim_call_new(&config);
  SimParty *mover = &sim->parties[0], *other = &sim->parties[1];
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  sim_call_run(sim, 10 * WZP_SECOND);
  sim_call_move_party(sim, 0, "203.0.113.77:40000");
  const WzpTime moved = sim->now;
  sim_call_run(sim, 6 * WZP_SECOND);
  g_assert_true(sim_call_is_active(sim));
  g_assert_cmpuint(sim_party_stats(mover).handshakes_started, ==, 1);
  /* and all is whole again */
  const uint64_t by_mover = mover->frames_received, by_other = other->frames_received;
  sim_call_run(sim, 10 * WZP_SECOND);
  assert_whole(mover->frames_received - by_mover);
  assert_whole(other->frames_received - by_other);
  for (unsigned i = 0; i < 2; i++) {
    WzpTime first = WZP_NEVER, last = 0;
    for (unsigned n = 0; n < sim->parties[i].frames->len; n++) {
      const SimFrame *frame = &g_array_index(sim->parties[i].frames, SimFrame, n);
      if (frame->captured > sim->now - WZP_SECOND)
        break;
      if (frame->captured >= moved - WZP_SECOND && frame->arrived == WZP_NEVER) {
        first = MIN(first, frame->captured);
        last = MAX(last, frame->captured);
      }
    }
    if (i == 0)
      g_assert_cmpint(first, ==, WZP_NEVER);
    else /* what was on its way, one round trip more, and a packet each way */
      g_assert_cmpint(last - first, <=, 30 * WZP_MSEC + 60 * WZP_MSEC + 40 * WZP_MSEC);
  }
  sim_call_free(sim);
}

/* Who only listens reports all the same. */
static void
test_one_sided(void)
{
  static const SimLinkConfig lossy = {.loss = .2, .delay = 20 * WZP_MSEC};
  static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};
  const SimCallConfig config = {
      .seed = 7,
      .mode = WZP_CALL_RELAY,
      .out = lossy,
      .in = clean,
      .no_playout = true,
      .repair = true,
      .limits = {.overhead = WZP_FEC_OVERHEAD_AUTO, .max_delay = 300 * WZP_MSEC}};
  SimCall *sim = sim_call_new(&config);
  const SimParty *talker = &sim->parties[0], *listener = &sim->parties[1];
  WzpFecSenderStats stats;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  sim_call_talk(sim, 1, false);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 20 * WZP_SECOND));
  sim_call_run(sim, 30 * WZP_SECOND);
  wzp_fec_sender_get_stats(talker->fec_sender, sim->now, &stats);
  g_assert_cmpuint(listener->frames_sent, ==, 0);
  g_assert_cmpuint(stats.reports_handled, >=, 10);
  g_assert_cmpfloat_with_epsilon(stats.channel.loss, .2, .12);
  g_assert_cmpuint(listener->frames_received, >=, talker->frames_sent * 97 / 100);
  sim_call_free(sim);
}

/* Words of half a second with silence between them: the last frame of a word is repaired too, by packets that go
 * out in the silence. */
static void
test_ends_of_words(void)
{
  static const SimLinkConfig lossy = {.loss = .2, .delay = 20 * WZP_MSEC};
  static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};
  const SimCallConfig config = {.seed = 6,
                                .mode = WZP_CALL_RELAY,
                                .out = lossy,
                                .in = clean,
                                .no_playout = true,
                                .repair = true,
                                .limits = {.overhead = 100, .max_delay = 400 * WZP_MSEC}};
  enum { WORDS = 200 };
  SimCall *sim = sim_call_new(&config);
  SimParty *talker = &sim->parties[0];
  unsigned lost = 0, alone = 0;
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 20 * WZP_SECOND));
  sim_call_run(sim, 5 * WZP_SECOND);
  for (unsigned word = 0; word < WORDS; word++) {
    sim_call_talk(sim, 0, true);
    sim_call_run(sim, 500 * WZP_MSEC);
    sim_call_talk(sim, 0, false);
    sim_call_run(sim, 700 * WZP_MSEC);
    const SimFrame *frame = &g_array_index(talker->frames, SimFrame, talker->frames->len - 1);
    lost += frame->arrived == WZP_NEVER;
    alone += frame->own;
  }
  g_test_message("of %d last frames %u came, %u were repaired, %u lost", WORDS, alone,
                 WORDS - alone - lost, lost);
  /* alone one in five is lost; six standard deviations of that below is 6 */
  g_assert_cmpuint(alone, <, WORDS * 9 / 10);
  g_assert_cmpuint(lost, <=, WORDS * 3 / 100);
  g_assert_cmpuint(sim->parties[1].frames_twice, ==, 0);
  sim_call_free(sim);
}

/* Words, while half of all is lost and the rest comes in any order within 150 ms: full headers are lost or come late, and
 * still nothing is heard that was not said, and nothing twice. */
static void
test_shuffled_words(void)
{
  static const SimLinkConfig bad = {
      .loss = .5, .delay = 20 * WZP_MSEC, .jitter = 150 * WZP_MSEC, .reorder = true};
  static const SimLinkConfig clean = {.delay = 20 * WZP_MSEC};
  for (unsigned frames = 0; frames < 4; frames++) {
    const SimCallConfig config = {
        .seed = 11 + frames,
        .mode = WZP_CALL_RELAY,
        .out = bad,
        .in = clean,
        .no_playout = true,
        .repair = true,
        .limits = {.overhead = 150, .frames_per_packet = frames, .max_delay = 400 * WZP_MSEC}};
    SimCall *sim = sim_call_new(&config);
    const SimParty *listener = &sim->parties[1];
    sim_call_start_relay(sim);
    sim_call_start_party(sim, 0);
    sim_call_start_party(sim, 1);
    g_assert_true(sim_call_run_until(sim, sim_call_is_active, 60 * WZP_SECOND));
    for (unsigned word = 0; word < 150; word++) {
      sim_call_talk(sim, 0, true);
      sim_call_run(sim, (200 + 37 * word % 600) * WZP_MSEC);
      sim_call_talk(sim, 0, false);
      sim_call_run(sim, (50 + 53 * word % 400) * WZP_MSEC);
    }
    g_assert_cmpuint(listener->frames_wrong, ==, 0);
    g_assert_cmpuint(listener->frames_twice, ==, 0);
    g_assert_cmpuint(listener->frames_recovered, >, listener->frames_received / 10);
    sim_call_free(sim);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/repair/ten-percent", test_ten_percent);
  g_test_add_func("/sim/repair/loss-steps", test_loss_steps);
  g_test_add_func("/sim/repair/blackout", test_blackout);
  g_test_add_func("/sim/repair/bottleneck", test_bottleneck);
  g_test_add_func("/sim/repair/address-change", test_address_change);
  g_test_add_func("/sim/repair/one-sided", test_one_sided);
  g_test_add_func("/sim/repair/ends-of-words", test_ends_of_words);
  g_test_add_func("/sim/repair/shuffled-words", test_shuffled_words);
  return g_test_run();
}
