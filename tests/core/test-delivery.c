/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/delivery.h"
#include "wzp/outage.h"
#include "test-util.h"
#include <math.h>

/* Packets of 100 bytes each 20 ms over a way with a delay and a bottleneck; a report each second of them. */
typedef struct {
  WzpDelivery path;
  WzpDeliveryLog log;
  WzpTime now;
  uint64_t media_ms;
  double delay, free_at; /* ms of the receiver's clock, which is 70000 ms behind */
  double rate;           /* bit/s; 0: none */
  double drift;          /* ms a second */
  unsigned bytes;
  WzpReport report;
} Rig;

static void
rig_init(Rig *rig)
{
  memset(rig, 0, sizeof *rig);
  wzp_delivery_init(&rig->path, 7);
  rig->delay = 50;
  rig->bytes = 100;
  rig->report.slot = 1;
}

/* Sends a packet; when it is out at the other end, ms. */
static double
rig_send(Rig *rig)
{
  wzp_delivery_log_packet(&rig->log, rig->now, rig->media_ms, true, rig->bytes);
  double sent = (double)rig->now / WZP_MSEC, out = sent;
  if (rig->rate > 0) {
    out = MAX(sent, rig->free_at) + rig->bytes * 8000 / rig->rate;
    rig->free_at = out;
  }
  double arrival = out + rig->delay + rig->drift * sent / 1000 - 70000;
  rig->report.heard = (uint16_t)rig->media_ms;
  rig->report.transit = (uint16_t)(int64_t)floor(arrival - (double)rig->media_ms - 20);
  rig->report.judged++;
  rig->report.received++;
  rig->now += 20 * WZP_MSEC;
  rig->media_ms += 20;
  return out;
}

/* The report comes 60 ms after the packet that it heard came. */
static void
rig_second(Rig *rig)
{
  double out = 0;
  for (unsigned i = 0; i < 50; i++)
    out = rig_send(rig);
  WzpTime came = (WzpTime)((out + rig->delay + 60) * WZP_MSEC);
  rig->report.held = 2;
  wzp_delivery_report(&rig->path, MAX(came, rig->now), &rig->report, 1, &rig->log);
}

static void
test_steady(void)
{
  Rig rig;
  rig_init(&rig);
  for (unsigned i = 0; i < 20; i++)
    rig_second(&rig);
  g_assert_true(rig.path.timed);
  g_assert_cmpfloat(fabs(rig.path.queue), <, 1.5);
  g_assert_cmpfloat(rig.path.drift, ==, 0);
  g_assert_cmpfloat(rig.path.loss, ==, 0);
  g_assert_cmpfloat(fabs(rig.path.delivered - 40000), <, 2500);
  /* 50 there, 60 back less the 8 that it was held */
  g_assert_cmpint(ABS(rig.path.round_trip - 102 * WZP_MSEC), <, 3 * WZP_MSEC);
}

/* 40 kbit/s into 32: a quarter of a second of queue a second; the capacity shows at once. */
static void
test_queue(void)
{
  Rig rig;
  rig_init(&rig);
  for (unsigned i = 0; i < 5; i++)
    rig_second(&rig);
  rig.rate = 32000;
  for (unsigned i = 1; i <= 3; i++) {
    rig_second(&rig);
    g_assert_cmpfloat(fabs(rig.path.queue - 250 * i), <, 30);
    g_assert_cmpfloat(fabs(rig.path.delivered - 32000), <, 1500);
    g_assert_cmpfloat(rig.path.before, <, rig.path.queue - 200);
  }
  /* what was sent since waits longer still: reported of the last packet, when all of it was sent */
  g_assert_cmpfloat(rig.path.backlog, <, rig.path.queue);
  g_assert_cmpfloat(rig.path.backlog, >, rig.path.queue - 1100);
  /* nothing is sent: it drains, and is gone */
  rig.now += 3 * WZP_SECOND;
  rig.media_ms += 3000;
  rig.rate = 0;
  rig_second(&rig);
  g_assert_cmpfloat(rig.path.queue, <, 30);
}

/* Another way is longer, which is no queue; a report that speaks of the former one still says nothing of it. */
static void
test_another_way(void)
{
  Rig rig;
  rig_init(&rig);
  for (unsigned i = 0; i < 5; i++)
    rig_second(&rig);
  WzpReport late = rig.report;
  rig.delay = 120;
  rig.log.way++;
  for (unsigned i = 0; i < 5; i++) {
    rig_second(&rig);
    g_assert_true(rig.path.timed);
    g_assert_cmpfloat(fabs(rig.path.queue), <, 1.5);
  }
  /* it knows no more than before */
  late.judged = rig.report.judged;
  int64_t transit = rig.path.transit;
  late.heard = (uint16_t)rig.media_ms;
  rig.log.way--;
  wzp_delivery_log_packet(&rig.log, rig.now, rig.media_ms, true, rig.bytes);
  rig.log.way++;
  wzp_delivery_report(&rig.path, rig.now + 60 * WZP_MSEC, &late, 1, &rig.log);
  g_assert_cmpint(rig.path.transit, ==, transit);
  g_assert_cmpfloat(fabs(rig.path.queue), <, 1.5);
}

/* Another way is longer at one instant, and no queue: the listener says so, and we did not send much at once. */
static void
test_step(void)
{
  Rig rig;
  for (unsigned beside = 0; beside <= 1600; beside += 400) {
    rig_init(&rig);
    for (unsigned i = 0; i < 10; i++)
      rig_second(&rig);
    const double delivered = rig.path.delivered;
    rig.delay += 200;
    rig.report.stepped += 200;
    rig.log.bytes += beside;
    rig_second(&rig);
    /* 40 kbit/s: a kilobyte takes as long */
    g_assert_cmpfloat(fabs(rig.path.queue - (beside < 800 ? 0 : 200)), <, 2);
    if (beside < 800)
      g_assert_cmpfloat(fabs(rig.path.delivered - delivered), <, 500 + 8 * beside);
    g_assert_cmpint(ABS(rig.path.round_trip - (100 + 50) * WZP_MSEC), <, 10 * WZP_MSEC);
  }
  /* a queue behind it is one, and so is what grew beside it */
  rig_init(&rig);
  for (unsigned i = 0; i < 10; i++)
    rig_second(&rig);
  rig.delay += 250;
  rig.report.stepped += 200;
  rig_second(&rig);
  g_assert_cmpfloat(fabs(rig.path.queue - 50), <, 2);
  /* the empty way is as it was again, and no listener makes it longer than it is */
  rig.delay -= 250;
  rig.report.stepped += 500;
  rig_second(&rig);
  g_assert_cmpfloat(fabs(rig.path.queue), <, 2);
  rig.delay += 100;
  rig_second(&rig);
  g_assert_cmpfloat(fabs(rig.path.queue - 100), <, 2);
}

/* A longer packet takes longer over a slow link; that is no queue once the link is known. */
static void
test_longer_packets(void)
{
  Rig rig;
  rig_init(&rig);
  rig.rate = 64000;
  for (unsigned i = 0; i < 5; i++)
    rig_second(&rig);
  rig.bytes = 150; /* 60 kbit/s: 6 ms longer */
  rig_second(&rig);
  g_assert_cmpfloat(rig.path.queue, >, 4.9);
  rig.path.bottleneck = 64000;
  rig_second(&rig);
  g_assert_cmpfloat(rig.path.queue, <, 1.5);
  rig.bytes = 100; /* and a shorter one is no news */
  rig_second(&rig);
  g_assert_cmpfloat(fabs(rig.path.queue), <, 1.5);
}

static void
test_drift(void)
{
  for (int ppm = -1000; ppm <= 1000; ppm += 500) {
    Rig rig;
    rig_init(&rig);
    rig.drift = ppm / 1000.0;
    for (unsigned i = 0; i < 300; i++) {
      rig_second(&rig);
      if (i > 70)
        g_assert_cmpfloat(fabs(rig.path.queue), <, 12);
    }
    g_assert_cmpfloat(fabs(wzp_delivery_drift_ppm(&rig.path) - ppm), <, 60);
  }
  /* a way that is never the same is no drift */
  Rig rig;
  rig_init(&rig);
  for (unsigned i = 0; i < 300; i++) {
    rig.delay = 50 + 40 * (i / 20 % 2);
    rig_second(&rig);
    g_assert_cmpfloat(wzp_delivery_drift_ppm(&rig.path), ==, 0);
  }
}

static void
test_loss(void)
{
  Rig rig;
  rig_init(&rig);
  for (unsigned i = 0; i < 10; i++) {
    for (unsigned n = 0; n < 50; n++) {
      rig_send(&rig);
      rig.report.received -= n % 10 == 0;
    }
    rig.report.unrepaired += 2; /* of 100 frames */
    bool counted = wzp_delivery_report(&rig.path, rig.now, &rig.report, 2, &rig.log);
    g_assert_true(counted == (i > 0));
    if (!counted)
      continue;
    g_assert_cmpfloat(fabs(rig.path.loss - 0.1), <, 1e-9);
    g_assert_cmpfloat(fabs(rig.path.residual - 0.02), <, 1e-9);
    g_assert_cmpuint(rig.path.judged, ==, 50);
  }
  g_assert_cmpfloat(fabs(rig.path.mean_loss - 0.1), <, 1e-9);
  /* the same again, or an older one, says nothing */
  unsigned n = rig.path.n;
  g_assert_false(wzp_delivery_report(&rig.path, rig.now, &rig.report, 2, &rig.log));
  WzpReport old = rig.report;
  old.judged -= 100;
  g_assert_false(wzp_delivery_report(&rig.path, rig.now, &old, 2, &rig.log));
  g_assert_cmpuint(rig.path.n, ==, n);
  /* long after, it is another stream */
  g_assert_false(wzp_delivery_report(&rig.path, rig.now + 11 * WZP_SECOND, &old, 2, &rig.log));
  old.judged += 50;
  g_assert_true(wzp_delivery_report(&rig.path, rig.now + 12 * WZP_SECOND, &old, 2, &rig.log));
}

/* Few packets are put together with the next ones. */
static void
test_few(void)
{
  Rig rig;
  unsigned counted = 0;
  rig_init(&rig);
  wzp_delivery_report(&rig.path, 0, &rig.report, 1, &rig.log);
  for (unsigned i = 0; i < 60; i++) {
    rig_send(&rig);
    counted += wzp_delivery_report(&rig.path, rig.now, &rig.report, 1, &rig.log);
  }
  g_assert_cmpuint(counted, ==, 60 / WZP_DELIVERY_FEW);
}

/* The transit is 16 bits that go round. */
static void
test_wraps(void)
{
  Rig rig;
  rig_init(&rig);
  rig.delay = 70000 + 32700;
  for (unsigned i = 0; i < 10; i++) {
    rig.delay += 20;
    rig_second(&rig);
  }
  g_assert_cmpfloat(fabs(rig.path.queue - 9 * 20), <, 2);
}

/* Whatever a peer says, the figures are figures. */
static void
test_nonsense(void)
{
  TestRandom random;
  test_random_init(&random);
  Rig rig;
  rig_init(&rig);
  for (unsigned i = 0; i < 5000; i++) {
    uint8_t body[WZP_REPORT_SIZE];
    for (size_t n = 0; n < sizeof body; n++)
      body[n] = (uint8_t)test_random_below(&random, 256);
    body[0] = 1;
    WzpReport report;
    g_assert_cmpint(wzp_report_parse(&report, body, sizeof body), ==, WZP_OK);
    if (test_random_below(&random, 2) == 0)
      report.heard = rig.report.heard;
    rig_send(&rig);
    rig.now += (WzpTime)test_random_below(&random, WZP_SECOND);
    wzp_delivery_report(&rig.path, rig.now, &report, 1 + (unsigned)test_random_below(&random, 4),
                        &rig.log);
    g_assert_true(rig.path.loss >= 0 && rig.path.loss <= 1);
    g_assert_true(rig.path.residual >= 0 && rig.path.residual <= 1);
    g_assert_true(isfinite(rig.path.queue) && isfinite(rig.path.delivered));
    g_assert_true(rig.path.backlog >= 0 && isfinite(rig.path.backlog));
    g_assert_true(rig.path.round_trip >= -1 && rig.path.round_trip < 10 * WZP_SECOND);
  }
}

/* Which losses are a cut way, and which are chance. */
static void
test_outage(void)
{
  static const struct {
    unsigned lost, runs;
    double again;
    WzpTime lasted;
    bool outage;
  } rows[] = {
      {25, 1, 0, 500, true},     {25, 0, 0, 500, true}, /* it goes on from the report before */
      {15, 1, 0, 300, false},                           /* repair may bring that back */
      {25, 25, 0.5, 500, false}, {100, 4, 0.2, 2000, false}, {20, 1, 0.9, 400, false},
      {100, 1, 0.9, 2000, true}, {27, 3, 0.1, 540, true},    {21, 3, 0.5, 420, false},
      {4, 1, 0, 4000, false},    {6, 1, 0, 4000, true},      {0, 0, 0, 0, false},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
    g_assert_cmpint(
        wzp_outage(rows[i].lost, rows[i].runs, rows[i].again, rows[i].lasted * WZP_MSEC), ==,
        rows[i].outage);
}

/* The way was cut for 3 s and takes longer since: that is no loss, and no queue. */
static void
test_cut(void)
{
  Rig rig;
  WzpReport report = {.heard = 980, .held = 0, .judged = 50, .received = 50, .transit = 30};
  rig_init(&rig);
  for (unsigned n = 0; n < 250; n++)
    wzp_delivery_log_packet(&rig.log, n * 20 * WZP_MSEC, n * 20, true, 100);
  wzp_delivery_report(&rig.path, WZP_SECOND, &report, 1, &rig.log);
  /* the first of those that come is heard, and the hole before it not judged yet */
  report.heard = 3980;
  report.transit = 90;
  g_assert_false(wzp_delivery_report(&rig.path, 4 * WZP_SECOND, &report, 1, &rig.log));
  g_assert_true(rig.path.unsettled);
  g_assert_cmpfloat(rig.path.queue, ==, 0);
  report = (WzpReport){.heard = 4180, .judged = 210, .received = 61, .runs = 1, .transit = 90};
  report.unrepaired = 40;
  g_assert_true(wzp_delivery_report(&rig.path, 4200 * WZP_MSEC, &report, 1, &rig.log));
  g_assert_true(rig.path.outage && !rig.path.unsettled);
  g_assert_cmpfloat(rig.path.loss, ==, 0);
  g_assert_cmpfloat(rig.path.residual, ==, 0);
  g_assert_cmpfloat(rig.path.missed, >, 0.2);
  g_assert_cmpfloat(rig.path.queue, ==, 0);
  /* repair is given up later; what is lost after that is lost */
  report.heard = 4580;
  report.judged += 20;
  report.received += 20;
  report.unrepaired += 109;
  wzp_delivery_report(&rig.path, 4600 * WZP_MSEC, &report, 1, &rig.log);
  g_assert_false(rig.path.outage);
  g_assert_cmpfloat(rig.path.residual, ==, 0);
  report.heard = 4980;
  report.judged += 20;
  report.received += 18;
  report.runs += 2;
  report.unrepaired += 2;
  wzp_delivery_report(&rig.path, 5000 * WZP_MSEC, &report, 1, &rig.log);
  g_assert_cmpfloat(rig.path.loss, ==, 0.1);
  g_assert_cmpfloat(rig.path.residual, ==, 0.1);
}

/* What a sender remembers is not more than it sent: no report tells of what was before. */
static void
test_young(void)
{
  Rig rig;
  rig_init(&rig);
  rig.now = 10 * WZP_SECOND;
  rig.log.way = 3;
  rig_send(&rig);
  /* nothing came at first, then as much as was sent, a moment ago */
  const WzpReport nothing = {.slot = 1, .heard = UINT16_MAX, .held = UINT8_MAX};
  wzp_delivery_report(&rig.path, rig.now, &nothing, 1, &rig.log);
  WzpReport first = rig.report;
  for (unsigned i = 0; i < 20; i++)
    rig_send(&rig);
  WzpDelivery other = rig.path;
  wzp_delivery_report(&rig.path, rig.now, &first, 1, &rig.log);
  g_assert_true(rig.path.timed);
  g_assert_cmpfloat(rig.path.least_bits, ==, 8 * rig.bytes);
  /* what is not judged yet of that is not so much that it could be a cut way */
  first.heard = (uint16_t)(rig.media_ms - 100);
  wzp_delivery_report(&other, rig.now, &first, 1, &rig.log);
  g_assert_false(other.unsettled);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/delivery/steady", test_steady);
  g_test_add_func("/delivery/queue", test_queue);
  g_test_add_func("/delivery/another-way", test_another_way);
  g_test_add_func("/delivery/step", test_step);
  g_test_add_func("/delivery/longer-packets", test_longer_packets);
  g_test_add_func("/delivery/drift", test_drift);
  g_test_add_func("/delivery/loss", test_loss);
  g_test_add_func("/delivery/few", test_few);
  g_test_add_func("/delivery/wraps", test_wraps);
  g_test_add_func("/delivery/nonsense", test_nonsense);
  g_test_add_func("/delivery/outage", test_outage);
  g_test_add_func("/delivery/cut", test_cut);
  g_test_add_func("/delivery/young", test_young);
  return g_test_run();
}
