/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/report.h"
#include "test-util.h"
#include <math.h>

/* 20 ms per packet: index i comes at 20 i. */
static WzpTime
time_of(uint64_t index)
{
  return (WzpTime)index * 20 * WZP_MSEC;
}

static WzpReceptionStats
stats_of(const WzpReception *reception)
{
  WzpReceptionStats stats;
  wzp_reception_get_stats(reception, &stats);
  g_assert_cmpuint(stats.judged, ==, stats.received + stats.lost);
  g_assert_cmpuint(stats.runs, <=, stats.lost);
  return stats;
}

/* The bytes of docs/PROTOCOL.md 9. */
static void
test_bytes(void)
{
  static const WzpReport report = {.slot = 0x21,
                                   .judged = 0x3456,
                                   .received = 0x2345,
                                   .runs = 0x0102,
                                   .unrepaired = 0x0f0e,
                                   .playout = 0x14,
                                   .jitter = 0x07,
                                   .repaired = 0x0432,
                                   .heard = 0x89ab,
                                   .held = 0x05,
                                   .transit = 0xfedc,
                                   .stepped = 0x0191};
  uint8_t bytes[WZP_REPORT_SIZE + 1] = {0};
  WzpWriter writer;
  wzp_writer_init(&writer, bytes, sizeof bytes);
  wzp_report_write(&writer, &report);
  g_assert_cmpuint(writer.length, ==, WZP_REPORT_SIZE);
  assert_hex(bytes, WZP_REPORT_SIZE,
             "21345623450102"
             "0f0e14070432"
             "89ab05fedc0191");
  WzpReport again;
  /* a later version appends: its tail is not ours to judge */
  for (size_t length = WZP_REPORT_SIZE; length <= sizeof bytes; length++) {
    g_assert_cmpint(wzp_report_parse(&again, bytes, length), ==, WZP_OK);
    g_assert_cmpuint(again.slot, ==, report.slot);
    g_assert_cmpuint(again.judged, ==, report.judged);
    g_assert_cmpuint(again.received, ==, report.received);
    g_assert_cmpuint(again.runs, ==, report.runs);
    g_assert_cmpuint(again.unrepaired, ==, report.unrepaired);
    g_assert_cmpuint(again.playout, ==, report.playout);
    g_assert_cmpuint(again.jitter, ==, report.jitter);
    g_assert_cmpuint(again.repaired, ==, report.repaired);
    g_assert_cmpuint(again.heard, ==, report.heard);
    g_assert_cmpuint(again.held, ==, report.held);
    g_assert_cmpuint(again.transit, ==, report.transit);
    g_assert_cmpuint(again.stepped, ==, report.stepped);
  }
  /* and an earlier one says less */
  for (size_t length = WZP_REPORT_LEAST; length < WZP_REPORT_SIZE; length++) {
    g_assert_cmpint(wzp_report_parse(&again, bytes, length), ==, WZP_OK);
    g_assert_cmpuint(again.transit, ==, report.transit);
    g_assert_cmpuint(again.stepped, ==, 0);
  }
  for (size_t length = 0; length < WZP_REPORT_LEAST; length++)
    g_assert_cmpint(wzp_report_parse(&again, bytes, length), ==, WZP_TRUNCATED);
  bytes[0] = WZP_SLOT_MAX + 1;
  g_assert_cmpint(wzp_report_parse(&again, bytes, WZP_REPORT_SIZE), ==, WZP_MALFORMED);
}

/* What waits before it is sent says so; what was not heard lately stays so. */
static void
test_age(void)
{
  WzpReport report = {.held = 10};
  wzp_report_age(&report, -WZP_SECOND);
  g_assert_cmpuint(report.held, ==, 10);
  wzp_report_age(&report, 100 * WZP_MSEC);
  g_assert_cmpuint(report.held, ==, 35);
  wzp_report_age(&report, 870 * WZP_MSEC);
  g_assert_cmpuint(report.held, ==, 252);
  wzp_report_age(&report, 60 * WZP_SECOND);
  g_assert_cmpuint(report.held, ==, 255);
  wzp_report_age(&report, WZP_SECOND);
  g_assert_cmpuint(report.held, ==, 255);
}

/* A stream of 20 ms packets whose delay is 70 ms by our clock, later 150, then reports of it. */
static void
test_transit(void)
{
  WzpReception *reception = wzp_reception_new();
  WzpReport report = {0};
  const WzpTime behind = 70 * WZP_MSEC;
  unsigned reports = 0;
  WzpTime told = 0;
  wzp_reception_packet(reception, 0, 0);
  g_assert_true(wzp_reception_report(reception, 300 * WZP_MSEC, &report));
  g_assert_cmpuint(report.held, ==, 255); /* nothing with a time came yet */
  for (uint64_t index = 1; index < 500; index++) {
    const WzpTime late = index < 250 ? behind : 2 * behind + 10 * WZP_MSEC;
    /* one packet that comes late by itself says nothing */
    const WzpTime now = time_of(index + 1) + (index % 50 == 7 ? 4 : 1) * late;
    wzp_reception_packet(reception, now, index);
    wzp_reception_media(reception, now, index * 20 + 65000, 20);
    if (!wzp_reception_report(reception, now + 8 * WZP_MSEC, &report))
      continue;
    g_assert_cmpuint(report.held, ==, 2);
    g_assert_cmpuint(report.heard, ==, (uint16_t)(index * 20 + 65000));
    if (index < 5 || (index >= 250 && index < 253))
      continue;
    g_assert_cmpint(report.transit, ==, (uint16_t)((index < 250 ? 70 : 150) - 65000));
    g_assert_cmpuint(report.jitter, <=, index < 250 ? 25 : 60);
    /* the step is told at once, and then it is no news */
    reports += index >= 253;
    if (index >= 253 && told == 0)
      told = now;
  }
  g_assert_cmpint(told - time_of(253), <=, 400 * WZP_MSEC);
  g_assert_cmpuint(reports, >=, 5);
  g_assert_cmpuint(reports, <=, 8);
  wzp_reception_free(reception);
}

/* The delay that grows is told each 200 ms. */
static void
test_transit_grows(void)
{
  WzpReception *reception = wzp_reception_new();
  WzpReport report;
  WzpTime last = 0;
  for (uint64_t index = 0; index < 300; index++) {
    const WzpTime now = time_of(index) + (WzpTime)(index > 150 ? index - 150 : 0) * 12 * WZP_MSEC;
    wzp_reception_packet(reception, now, index);
    wzp_reception_media(reception, now, index * 20, 20);
    if (!wzp_reception_report(reception, now, &report))
      continue;
    if (index > 160)
      g_assert_cmpint(now - last, <=, 230 * WZP_MSEC);
    last = now;
  }
  wzp_reception_free(reception);
}

static void
test_counts(void)
{
  WzpReception *reception = wzp_reception_new();
  for (uint64_t index = 1000; index < 1100; index++) {
    if (index != 1010 && index != 1011 && index != 1050)
      wzp_reception_packet(reception, time_of(index), index);
  }
  WzpReceptionStats stats = stats_of(reception);
  g_assert_cmpuint(stats.judged, ==, 100);
  g_assert_cmpuint(stats.lost, ==, 3);
  g_assert_cmpuint(stats.runs, ==, 2);
  wzp_reception_unrepaired(reception, 2);
  WzpReport report;
  g_assert_true(wzp_reception_report(reception, time_of(1100), &report));
  g_assert_cmpuint(report.judged, ==, 1100);
  g_assert_cmpuint(report.received, ==, 97);
  g_assert_cmpuint(report.runs, ==, 2);
  g_assert_cmpuint(report.unrepaired, ==, 2);
  wzp_reception_free(reception);
}

/* A hole waits for what may come yet; what comes later than thought is taken back, and waited for longer. */
static void
test_reordering(void)
{
  WzpReception *reception = wzp_reception_new();
  for (uint64_t index = 0; index < 10; index++)
    wzp_reception_packet(reception, time_of(index), index);
  wzp_reception_packet(reception, time_of(11), 11);
  wzp_reception_packet(reception, time_of(12), 12);
  g_assert_cmpuint(stats_of(reception).judged, ==, 10);
  wzp_reception_packet(reception, time_of(13), 10);
  g_assert_cmpuint(stats_of(reception).judged, ==, 13);
  g_assert_cmpuint(stats_of(reception).lost, ==, 0);
  /* a run of three, and its middle comes after all: two runs; then an end: one */
  for (uint64_t index = 16; index < 30; index++)
    wzp_reception_packet(reception, time_of(index), index);
  g_assert_cmpuint(stats_of(reception).lost, ==, 3);
  g_assert_cmpuint(stats_of(reception).runs, ==, 1);
  wzp_reception_packet(reception, time_of(30), 14);
  g_assert_cmpuint(stats_of(reception).runs, ==, 2);
  wzp_reception_packet(reception, time_of(30), 14); /* twice counts once */
  g_assert_cmpuint(stats_of(reception).lost, ==, 2);
  wzp_reception_packet(reception, time_of(30), 13);
  g_assert_cmpuint(stats_of(reception).lost, ==, 1);
  g_assert_cmpuint(stats_of(reception).runs, ==, 1);
  /* that was up to 280 ms late: now 100 ms are no longer a loss */
  wzp_reception_packet(reception, time_of(31), 31);
  wzp_reception_packet(reception, time_of(35), 36);
  wzp_reception_packet(reception, time_of(40), 37);
  g_assert_cmpuint(stats_of(reception).lost, ==, 1);
  wzp_reception_packet(reception, time_of(46), 38);
  g_assert_cmpuint(stats_of(reception).lost, ==, 5 + 1 + 1 - 1);
  wzp_reception_free(reception);
}

/* Random order, random holes: at the end the counts are those of the set of packets that came. */
static void
test_any_order(void)
{
  TestRandom random;
  test_random_init(&random);
  for (unsigned round = 0; round < 200; round++) {
    WzpReception *reception = wzp_reception_new();
    enum { N = 400 };
    bool came[N] = {[0] = true, [N - 1] = true};
    unsigned lost = 0, runs = 0;
    wzp_reception_packet(reception, 0, 0);
    for (unsigned block = 1; block + 8 < N; block += 8) {
      unsigned order[8];
      for (unsigned i = 0; i < 8; i++) {
        unsigned j = (unsigned)test_random_below(&random, i + 1);
        order[i] = order[j];
        order[j] = i;
      }
      for (unsigned i = 0; i < 8; i++) {
        unsigned index = block + order[i];
        came[index] = test_random_below(&random, 4) != 0;
        if (came[index])
          wzp_reception_packet(reception, time_of(block + i), index);
      }
    }
    wzp_reception_packet(reception, time_of(N), N - 1);
    for (unsigned i = 0; i < N; i++) {
      lost += !came[i];
      runs += !came[i] && came[i - 1];
    }
    WzpReport report;
    wzp_reception_report(reception, time_of(N) + WZP_SECOND, &report);
    WzpReceptionStats stats = stats_of(reception);
    g_assert_cmpuint(stats.judged, ==, N);
    g_assert_cmpuint(stats.lost, ==, lost);
    g_assert_cmpuint(stats.runs, ==, runs);
    wzp_reception_free(reception);
  }
}

/* A hole as long as a blackout is one run and costs no time, and so does a number from nowhere. */
static void
test_jump(void)
{
  WzpReception *reception = wzp_reception_new();
  wzp_reception_packet(reception, 0, 5);
  wzp_reception_packet(reception, WZP_SECOND, 5 + 3000);
  wzp_reception_packet(reception, 2 * WZP_SECOND, 5 + 3001);
  WzpReceptionStats stats = stats_of(reception);
  g_assert_cmpuint(stats.judged, ==, 3002);
  g_assert_cmpuint(stats.received, ==, 3);
  g_assert_cmpuint(stats.runs, ==, 1);
  wzp_reception_packet(reception, 3 * WZP_SECOND, UINT64_MAX - 1);
  wzp_reception_packet(reception, 3 * WZP_SECOND, UINT64_MAX);
  wzp_reception_packet(reception, 3 * WZP_SECOND, 0);
  stats_of(reception);
  wzp_reception_free(reception);
}

/* Reports that a stream of this loss gives in ten seconds, of which the first half minute is over. */
static unsigned
reports_at(double before, double after)
{
  TestRandom random;
  test_random_init(&random);
  WzpReception *reception = wzp_reception_new();
  WzpReport report;
  unsigned n = 0;
  WzpTime last = -WZP_SECOND;
  for (uint64_t index = 0; index < 40 * 50; index++) {
    bool counted = index >= 30 * 50;
    uint64_t limit = (uint64_t)((counted ? after : before) * 1e6);
    if (test_random_below(&random, 1000000) >= limit)
      wzp_reception_packet(reception, time_of(index), index);
    if (wzp_reception_report(reception, time_of(index), &report)) {
      g_assert_cmpint(time_of(index) - last, >=, 200 * WZP_MSEC);
      last = time_of(index);
      n += counted;
    }
  }
  wzp_reception_free(reception);
  return n;
}

static void
test_pace(void)
{
  enum { ROUNDS = 40 };
  unsigned steady = 0;
  g_assert_cmpuint(reports_at(0, 0), ==, 10);
  for (unsigned round = 0; round < ROUNDS; round++)
    steady += reports_at(0.3, 0.3); /* now and then a run is long by chance */
  g_test_message("%u reports in %d times 10 s", steady, ROUNDS);
  g_assert_cmpuint(steady, <=, ROUNDS * 16);
  g_assert_cmpuint(reports_at(0, 0.3), >=, 15);
  g_assert_cmpuint(reports_at(0.3, 0), >=, 15);
}

/* Nobody speaks: one report more, in case the last was lost, and no third. */
static void
test_silence(void)
{
  WzpReception *reception = wzp_reception_new();
  WzpReport report;
  g_assert_false(wzp_reception_report(reception, WZP_SECOND, &report));
  for (uint64_t index = 0; index < 100; index++)
    wzp_reception_packet(reception, time_of(index), index);
  unsigned n = 0;
  for (WzpTime now = time_of(100); now < time_of(100) + 60 * WZP_SECOND; now += 20 * WZP_MSEC)
    n += wzp_reception_report(reception, now, &report);
  g_assert_cmpuint(n, ==, 2);
  wzp_reception_free(reception);
}

/* Packets of 20 ms come `apart` ms from each other from the 100th on, but for one that a stall holds up for 200 ms. Returns
 * what the reports then say that passes, at most; *after: when one first said so, ms. */
static double
slow_down(unsigned apart, unsigned jitter, bool stalls, unsigned *after)
{
  WzpReception *reception = wzp_reception_new();
  WzpReport report;
  double passes = 0;
  WzpTime at = 0, slow_since = 100 * 20 * WZP_MSEC;
  for (unsigned n = 0; n < 130; n++) {
    at = n < 100 ? (WzpTime)(n * 20 + (n * 7 % 5) * jitter / 4) * WZP_MSEC
                 : MAX(at, slow_since) + apart * WZP_MSEC;
    WzpTime late = stalls && n >= 50 && n < 60 ? (60 * 20 - n * 20) * WZP_MSEC : 0;
    wzp_reception_packet(reception, at + late, n);
    wzp_reception_media(reception, at + late, n * 20, 20);
    if (!wzp_reception_report(reception, at + late, &report) || report.passes == 0)
      continue;
    if (passes == 0)
      *after = (unsigned)((at + late - slow_since) / WZP_MSEC);
    passes = MAX(passes, report.passes);
  }
  wzp_reception_free(reception);
  return passes;
}

/* A way that becomes slow all at once is told at once, and how slow; jitter and stalls are none. */
static void
test_slow(void)
{
  unsigned after = 0;
  double passes = slow_down(80, 0, false, &after);
  g_assert_cmpfloat(fabs(passes - 0.25), <, 0.02);
  g_assert_cmpuint(after, <=, 240);
  passes = slow_down(35, 2, false, &after);
  g_assert_cmpfloat(fabs(passes - 20 / 35.0), <, 0.03);
  g_assert_cmpuint(after, <=, 280);
  g_assert_cmpfloat(slow_down(25, 0, false, &after), ==, 0);
  g_assert_cmpfloat(slow_down(20, 0, true, &after), ==, 0);
  g_assert_cmpfloat(slow_down(20, 16, true, &after), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/report/bytes", test_bytes);
  g_test_add_func("/report/age", test_age);
  g_test_add_func("/report/transit", test_transit);
  g_test_add_func("/report/transit-grows", test_transit_grows);
  g_test_add_func("/report/counts", test_counts);
  g_test_add_func("/report/reordering", test_reordering);
  g_test_add_func("/report/any-order", test_any_order);
  g_test_add_func("/report/jump", test_jump);
  g_test_add_func("/report/pace", test_pace);
  g_test_add_func("/report/silence", test_silence);
  g_test_add_func("/report/slow", test_slow);
  return g_test_run();
}
