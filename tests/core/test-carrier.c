/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/carrier.h"
#include <glib.h>

/* The timers of the choice between UDP and a stream; whole calls are in tests/sim/test-sim-tls.c. */

#define START (1000 * WZP_SECOND)

static void
init(WzpCarrier *carrier)
{
  wzp_carrier_init(carrier, true);
  wzp_carrier_heard(carrier);
  g_assert_cmpint(wzp_carrier_next_timeout(carrier, START), ==, WZP_NEVER);
}

/* UDP is asked and silent for as long as is said; each answer begins anew. */
static void
test_silence(void)
{
  WzpCarrier carrier;
  init(&carrier);
  g_assert_false(wzp_carrier_wants_stream(&carrier, START + 100 * WZP_SECOND));
  wzp_carrier_asked(&carrier, START, WZP_CARRIER_SILENT);
  wzp_carrier_asked(&carrier, START + WZP_SECOND, WZP_CARRIER_SILENT); /* again: the first counts */
  g_assert_cmpint(wzp_carrier_next_timeout(&carrier, START), ==, START + WZP_CARRIER_SILENT);
  g_assert_false(wzp_carrier_wants_stream(&carrier, START + WZP_CARRIER_SILENT - 1));
  g_assert_true(wzp_carrier_wants_stream(&carrier, START + WZP_CARRIER_SILENT));
  g_assert_cmpint(wzp_carrier_next_timeout(&carrier, START + WZP_CARRIER_SILENT), ==, WZP_NEVER);
  wzp_carrier_heard(&carrier);
  g_assert_false(wzp_carrier_wants_stream(&carrier, START + WZP_CARRIER_SILENT));
  /* who is in a hurry says so */
  wzp_carrier_asked(&carrier, START, WZP_CARRIER_SILENT);
  wzp_carrier_asked(&carrier, START, WZP_SECOND);
  g_assert_cmpint(wzp_carrier_next_timeout(&carrier, START), ==, START + WZP_SECOND);

  wzp_carrier_init(&carrier, false);
  wzp_carrier_asked(&carrier, START, WZP_CARRIER_SILENT);
  g_assert_false(wzp_carrier_wants_stream(&carrier, START + 100 * WZP_SECOND));
  g_assert_cmpint(wzp_carrier_next_timeout(&carrier, START), ==, WZP_NEVER);
}

/* Runs on the stream until it may be left; UDP answers each probe after this time. Returns when. */
static WzpTime
probe_until_return(WzpCarrier *carrier, WzpTime now, WzpTime answer_after)
{
  for (unsigned i = 0; i < 1000; i++) {
    now = wzp_carrier_next_timeout(carrier, now);
    g_assert_cmpint(now, <, WZP_NEVER);
    g_assert_true(wzp_carrier_probe(carrier, now));
    g_assert_false(wzp_carrier_probe(carrier, now));
    if (wzp_carrier_probe_answered(carrier, now + answer_after))
      return now + answer_after;
    now += answer_after;
  }
  g_assert_not_reached();
}

/* At the start UDP has a second; one that was only late may be taken at once. */
static void
test_race(void)
{
  WzpCarrier carrier;
  WzpTime now = START;
  wzp_carrier_init(&carrier, true);
  wzp_carrier_asked(&carrier, now, WZP_CARRIER_SILENT);
  g_assert_false(wzp_carrier_wants_stream(&carrier, now + WZP_CARRIER_SILENT_NEW - 1));
  g_assert_true(wzp_carrier_wants_stream(&carrier, now + WZP_CARRIER_SILENT_NEW));
  wzp_carrier_up(&carrier);
  wzp_carrier_on_stream(&carrier, now);
  g_assert_cmpint(probe_until_return(&carrier, now, 20 * WZP_MSEC), <, now + 2 * WZP_SECOND);
}

/* Streams that cannot be opened are tried ever less often; one that served, at once. */
static void
test_retries(void)
{
  WzpCarrier carrier;
  WzpTime now = START, pauses[8];
  init(&carrier);
  wzp_carrier_asked(&carrier, now - WZP_CARRIER_SILENT, WZP_CARRIER_SILENT);
  for (unsigned i = 0; i < G_N_ELEMENTS(pauses); i++) {
    g_assert_true(wzp_carrier_wants_stream(&carrier, now));
    wzp_carrier_down(&carrier, now, 0);
    WzpTime next = wzp_carrier_next_timeout(&carrier, now);
    g_assert_false(wzp_carrier_wants_stream(&carrier, next - 1));
    pauses[i] = next - now;
    now = next;
  }
  g_assert_cmpint(pauses[0], ==, WZP_SECOND);
  g_assert_cmpint(pauses[1], ==, 2 * WZP_SECOND);
  g_assert_cmpint(pauses[7], ==, WZP_CARRIER_RETRY_MAX / 2);
  wzp_carrier_up(&carrier);
  wzp_carrier_on_stream(&carrier, now);
  wzp_carrier_down(&carrier, now, WZP_SECOND / 2);
  g_assert_false(wzp_carrier_wants_stream(&carrier, now + WZP_SECOND / 2 - 1));
  g_assert_true(wzp_carrier_wants_stream(&carrier, now + WZP_SECOND / 2));
}

/* The hold: 10 s, then twice as long for each quick death, and 10 s again once UDP had lived. */
static void
test_hold(void)
{
  WzpCarrier carrier;
  WzpTime now = START, hold = WZP_CARRIER_HOLD;
  init(&carrier);
  for (unsigned i = 0; i < 8; i++) {
    const WzpTime began = now;
    wzp_carrier_up(&carrier);
    wzp_carrier_on_stream(&carrier, now);
    now = probe_until_return(&carrier, now, 20 * WZP_MSEC);
    g_assert_cmpint(now - began, >=, hold);
    g_assert_cmpint(now - began, <, hold + 5 * WZP_SECOND);
    wzp_carrier_on_udp(&carrier, now);
    /* it stays open for a while */
    g_assert_true(wzp_carrier_wants_stream(&carrier, now + WZP_CARRIER_LINGER - 1));
    g_assert_false(wzp_carrier_wants_stream(&carrier, now + WZP_CARRIER_LINGER));
    wzp_carrier_down(&carrier, now, 0);
    now += 5 * WZP_SECOND;
    hold = MIN(2 * hold, WZP_CARRIER_HOLD_MAX);
  }
  now += WZP_CARRIER_SOON;
  wzp_carrier_up(&carrier);
  wzp_carrier_on_stream(&carrier, now);
  g_assert_cmpint(probe_until_return(&carrier, now, 20 * WZP_MSEC), <=,
                  now + WZP_CARRIER_HOLD + 5 * WZP_SECOND);
}

/* Slow answers are answers; those that come no more bring nothing back. */
static void
test_probes(void)
{
  WzpCarrier carrier;
  WzpTime now = START;
  unsigned n = 0;
  init(&carrier);
  wzp_carrier_up(&carrier);
  wzp_carrier_on_stream(&carrier, now);
  g_assert_cmpint(probe_until_return(&carrier, now, 900 * WZP_MSEC), <, now + 20 * WZP_SECOND);

  init(&carrier);
  wzp_carrier_up(&carrier);
  wzp_carrier_on_stream(&carrier, now);
  for (; now < START + 600 * WZP_SECOND; n++) {
    now = wzp_carrier_next_timeout(&carrier, now);
    g_assert_true(wzp_carrier_probe(&carrier, now));
  }
  g_assert_cmpuint(n, <=, 4 + 600 / 16);
  g_assert_false(wzp_carrier_probe_answered(&carrier, now)); /* one is not enough */
  wzp_carrier_stuck(&carrier);
  g_assert_false(wzp_carrier_wants_stream(&carrier, now));
  wzp_carrier_down(&carrier, now, 0);
  g_assert_true(wzp_carrier_wants_stream(&carrier, now));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/carrier/silence", test_silence);
  g_test_add_func("/carrier/race", test_race);
  g_test_add_func("/carrier/retries", test_retries);
  g_test_add_func("/carrier/hold", test_hold);
  g_test_add_func("/carrier/probes", test_probes);
  return g_test_run();
}
