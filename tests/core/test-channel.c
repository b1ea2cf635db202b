/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/channel.h"
#include "test-util.h"
#include <math.h>

/* A stream of packets over a two-state channel to a receiver whose reports come back over another. */
typedef struct {
  TestRandom random;
  WzpReception *reception;
  WzpChannel *channel;
  WzpTime now, interval;
  uint64_t index;
  WzpChannelState truth;
  bool lost;
  double report_loss;
} Rig;

static void
rig_init(Rig *rig, WzpTime interval, double loss, double burst)
{
  *rig = (Rig){.interval = interval,
               .now = WZP_SECOND,
               .truth = wzp_channel_of_burst(loss, burst),
               .reception = wzp_reception_new(),
               .channel = wzp_channel_new(),
               .report_loss = loss};
  test_random_init(&rig->random);
}

static void
rig_clear(Rig *rig)
{
  wzp_reception_free(rig->reception);
  wzp_channel_free(rig->channel);
}

static bool
chance(Rig *rig, double probability)
{
  return (double)test_random_below(&rig->random, 1u << 30) < probability * (1u << 30);
}

static void
rig_run(Rig *rig, WzpTime duration)
{
  double memory = pow(rig->truth.memory, (double)rig->interval / (20.0 * WZP_MSEC));
  double loss = rig->truth.loss;
  if (rig->truth.memory <= 0)
    memory = 0;
  for (WzpTime end = rig->now + duration; rig->now < end; rig->now += rig->interval) {
    rig->lost = chance(rig, rig->lost ? loss + memory * (1 - loss) : loss * (1 - memory));
    if (!rig->lost)
      wzp_reception_packet(rig->reception, rig->now, rig->index);
    rig->index++;
    WzpReport report;
    if (wzp_reception_report(rig->reception, rig->now, &report) && !chance(rig, rig->report_loss))
      wzp_channel_report(rig->channel, rig->now, &report, rig->interval);
  }
}

static WzpChannelState
rig_state(const Rig *rig)
{
  return wzp_channel_state(rig->channel, rig->now);
}

static void
test_bursts(void)
{
  for (double loss = 0.05; loss < 0.6; loss += 0.15) {
    for (double burst = 2; burst <= 8; burst *= 2) {
      WzpChannelState state = wzp_channel_of_burst(loss, burst);
      double least = 1 / (1 - loss); /* of independent losses */
      g_assert_cmpfloat_with_epsilon(wzp_channel_mean_burst(&state), MAX(burst, least), 1e-9);
    }
  }
  WzpChannelState state = wzp_channel_of_burst(0.3, 0);
  g_assert_cmpfloat(state.memory, ==, 0);
}

static void
test_before_reports(void)
{
  WzpChannel *channel = wzp_channel_new();
  WzpChannelState state = wzp_channel_state(channel, WZP_SECOND);
  g_assert_cmpfloat(state.loss, >=, 0.05);
  g_assert_cmpfloat(state.loss, <=, 0.15);
  g_assert_cmpfloat(state.memory, ==, 0);
  g_assert_false(wzp_channel_is_known(channel, WZP_SECOND));
  g_assert_cmpint(wzp_channel_playout(channel), ==, 0);
  wzp_channel_free(channel);
}

/* Long known channels are known well; independent losses are not taken for bursts. */
static void
test_steady(void)
{
  static const struct {
    double loss, burst;
    WzpTime interval;
  } cells[] = {{0, 0, 20},   {0.05, 0, 20}, {0.3, 0, 20}, {0.5, 0, 80}, {0.7, 0, 80},
               {0.1, 4, 20}, {0.3, 8, 20},  {0.3, 3, 20}, {0.2, 8, 40}};
  for (size_t n = 0; n < G_N_ELEMENTS(cells); n++) {
    double loss = 0, memory = 0;
    enum { ROUNDS = 400 }; /* so many calls know a rare loss to one part in twenty */
    for (unsigned round = 0; round < ROUNDS; round++) {
      Rig rig;
      rig_init(&rig, cells[n].interval * WZP_MSEC, cells[n].loss, cells[n].burst);
      rig_run(&rig, 30 * WZP_SECOND);
      loss += rig_state(&rig).loss / ROUNDS;
      memory += rig_state(&rig).memory / ROUNDS;
      rig_clear(&rig);
    }
    double truth = wzp_channel_of_burst(cells[n].loss, cells[n].burst).memory;
    g_test_message("loss %.2f burst %.0f, %d ms: loss %.3f memory %.3f (%.3f)", cells[n].loss,
                   cells[n].burst, (int)cells[n].interval, loss, memory, truth);
    g_assert_cmpfloat(loss, >=, cells[n].loss * 0.95);
    g_assert_cmpfloat(loss, <=, cells[n].loss * (cells[n].burst > 0 ? 1.5 : 1.2) + 0.015);
    g_assert_cmpfloat(memory, >=, truth - 0.2);
    g_assert_cmpfloat(memory, <=, truth + 0.15);
  }
}

enum { ROUNDS = 200 };

/* Loss that steps from 0 to 30 % and back is met within three seconds. */
static void
test_steps(void)
{
  for (WzpTime interval = 20 * WZP_MSEC; interval <= 80 * WZP_MSEC; interval *= 2) {
    unsigned up = 0, down = 0, gone = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
      Rig rig;
      rig_init(&rig, interval, 0, 0);
      rig_run(&rig, 30 * WZP_SECOND);
      g_assert_cmpfloat(rig_state(&rig).loss, <=, 0.02);
      rig.truth.loss = rig.report_loss = 0.3;
      rig_run(&rig, 3 * WZP_SECOND);
      up += rig_state(&rig).loss >= 0.2 && rig_state(&rig).loss <= 0.5;
      rig_run(&rig, 27 * WZP_SECOND);
      rig.truth.loss = rig.report_loss = 0;
      rig_run(&rig, 3 * WZP_SECOND);
      down += rig_state(&rig).loss <= 0.05;
      rig_run(&rig, 3 * WZP_SECOND); /* and what little of it was remembered */
      gone += rig_state(&rig).loss <= 0.03 && rig_state(&rig).memory == 0;
      rig_clear(&rig);
    }
    g_test_message("%d ms: up %u, down %u, gone %u of %d", (int)(interval / WZP_MSEC), up, down,
                   gone, ROUNDS);
    /* fewer packets in three seconds tell less */
    unsigned enough = interval == 20 * WZP_MSEC ? 90 : interval == 40 * WZP_MSEC ? 80 : 70;
    g_assert_cmpuint(up, >=, ROUNDS * enough / 100);
    g_assert_cmpuint(down, >=, ROUNDS * enough / 100);
    g_assert_cmpuint(gone, >=, ROUNDS * (enough + 5) / 100);
  }
}

/* Bursts that lengthen are met within three seconds: fifty packets a second tell enough. That they are over takes
 * longer to be sure of. */
static void
test_bursts_lengthen(void)
{
  unsigned met = 0, over = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    Rig rig;
    rig_init(&rig, 20 * WZP_MSEC, 0.3, 0);
    rig_run(&rig, 30 * WZP_SECOND);
    rig.truth = wzp_channel_of_burst(0.3, 8);
    rig_run(&rig, 3 * WZP_SECOND);
    met += rig_state(&rig).memory >= 0.4;
    rig_run(&rig, 27 * WZP_SECOND);
    rig.truth = (WzpChannelState){0, 0};
    rig.report_loss = 0;
    rig_run(&rig, 6 * WZP_SECOND);
    over += rig_state(&rig).loss <= 0.1;
    rig_clear(&rig);
  }
  g_test_message("met %u, over %u of %d", met, over, ROUNDS);
  g_assert_cmpuint(met, >=, ROUNDS * 7 / 10);
  g_assert_cmpuint(over, >=, ROUNDS * 7 / 10);
}

/* A report every 200 ms of a stream of 50 packets a second that loses every tenth, each loss for itself. */
static WzpReport
tenth(unsigned n, uint16_t start)
{
  return (WzpReport){.judged = (uint16_t)(start + 10 * n),
                     .received = (uint16_t)(start + 9 * n),
                     .runs = (uint16_t)(start + n),
                     .playout = 20};
}

static WzpResult
say(WzpChannel *channel, WzpTime now, WzpReport report)
{
  return wzp_channel_report(channel, now, &report, 20 * WZP_MSEC);
}

/* Counters wrap, reports are lost, come twice and in the wrong order. */
static void
test_disorder(void)
{
  WzpChannel *channel = wzp_channel_new();
  WzpTime now = WZP_SECOND;
  uint16_t start = (uint16_t)-300;
  for (unsigned n = 0; n < 200; n++, now += 200 * WZP_MSEC) {
    if (n % 3 != 1)
      g_assert_cmpint(say(channel, now, tenth(n, start)), ==, WZP_OK);
    if (n % 3 == 0 && n > 0) {
      g_assert_cmpint(say(channel, now, tenth(n - 2, start)), ==, WZP_REPLAYED);
      g_assert_cmpint(say(channel, now, tenth(n, start)), ==, WZP_OK);
    }
  }
  WzpChannelState state = wzp_channel_state(channel, now);
  g_assert_cmpfloat(state.loss, >=, 0.1);
  g_assert_cmpfloat(state.loss, <=, 0.12);
  g_assert_cmpfloat(state.memory, ==, 0);
  g_assert_true(wzp_channel_is_known(channel, now));
  g_assert_cmpint(wzp_channel_playout(channel), ==, 200 * WZP_MSEC);
  wzp_channel_free(channel);
}

/* A receiver that starts anew counts from nothing: no losses are seen in that, and what follows counts. */
static void
test_restart(void)
{
  WzpChannel *channel = wzp_channel_new();
  WzpTime now = WZP_SECOND;
  for (unsigned n = 100; n < 200; n++, now += 200 * WZP_MSEC)
    say(channel, now, tenth(n, 0));
  for (unsigned n = 0; n < 50; n++, now += 200 * WZP_MSEC) {
    WzpReport report = tenth(n, 0);
    report.judged = (uint16_t)(2000 + 10 * n);
    report.received = (uint16_t)(10 * n); /* and the channel is a good one now */
    report.runs = 0;
    say(channel, now, report);
    WzpChannelState state = wzp_channel_state(channel, now);
    g_assert_cmpfloat(state.loss, <=, 0.16);
  }
  g_assert_cmpfloat(wzp_channel_state(channel, now).loss, <=, 0.01);
  wzp_channel_free(channel);
}

/* Reports stay away: the last word holds, but not as a promise. */
static void
test_silence(void)
{
  Rig rig;
  rig_init(&rig, 20 * WZP_MSEC, 0, 0);
  rig_run(&rig, 20 * WZP_SECOND);
  g_assert_cmpfloat(rig_state(&rig).loss, <=, 0.01);
  rig.now += 10 * WZP_SECOND;
  g_assert_false(wzp_channel_is_known(rig.channel, rig.now));
  g_assert_cmpfloat(rig_state(&rig).loss, >=, 0.05);
  rig_clear(&rig);
}

/* Whatever reports say, the state is one. */
static void
test_nonsense(void)
{
  TestRandom random;
  test_random_init(&random);
  WzpChannel *channel = wzp_channel_new();
  WzpTime now = 0;
  for (unsigned n = 0; n < 20000; n++) {
    uint8_t body[WZP_REPORT_SIZE];
    test_random_bytes(&random, body, sizeof body);
    body[0] = 0;
    if (n % 2 == 0) /* plausible ones, too */
      body[1] = body[3] = (uint8_t)(n / 64), body[5] = 0;
    WzpReport report;
    g_assert_cmpint(wzp_report_parse(&report, body, sizeof body), ==, WZP_OK);
    now += (WzpTime)test_random_below(&random, WZP_SECOND);
    wzp_channel_report(channel, now, &report, (WzpTime)test_random_below(&random, 200 * WZP_MSEC));
    WzpChannelState state = wzp_channel_state(channel, now);
    g_assert_true(state.loss >= 0 && state.loss <= 1);
    g_assert_true(state.memory >= 0 && state.memory < 1);
  }
  wzp_channel_free(channel);
}

/* Another listener: what he lost is known at once, and his next report fits. */
static void
test_follow(void)
{
  WzpChannel *channel = wzp_channel_new();
  WzpReport report = {0};
  for (unsigned n = 0; n < 20; n++) {
    report.judged += 50;
    report.received += 20;
    report.runs += 10;
    wzp_channel_report(channel, n * WZP_SECOND, &report, 20 * WZP_MSEC);
  }
  g_assert_cmpfloat(wzp_channel_state(channel, 20 * WZP_SECOND).loss, >, 0.5);
  WzpReport other = {.judged = 3000, .received = 2700, .runs = 290};
  wzp_channel_follow(channel, 20 * WZP_SECOND, &other, 0.1);
  g_assert_cmpfloat(wzp_channel_state(channel, 20 * WZP_SECOND).loss, ==, 0.1);
  g_assert_true(wzp_channel_is_known(channel, 20 * WZP_SECOND));
  for (unsigned n = 21; n < 30; n++) {
    other.judged += 50;
    other.received += 45;
    other.runs += 5;
    g_assert_cmpint(wzp_channel_report(channel, n * WZP_SECOND, &other, 20 * WZP_MSEC), ==, WZP_OK);
    g_assert_cmpfloat(wzp_channel_state(channel, n * WZP_SECOND).loss, <, 0.25);
  }
  wzp_channel_free(channel);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/channel/bursts", test_bursts);
  g_test_add_func("/channel/before-reports", test_before_reports);
  g_test_add_func("/channel/steady", test_steady);
  g_test_add_func("/channel/steps", test_steps);
  g_test_add_func("/channel/bursts-lengthen", test_bursts_lengthen);
  g_test_add_func("/channel/disorder", test_disorder);
  g_test_add_func("/channel/restart", test_restart);
  g_test_add_func("/channel/silence", test_silence);
  g_test_add_func("/channel/nonsense", test_nonsense);
  g_test_add_func("/channel/follow", test_follow);
  return g_test_run();
}
