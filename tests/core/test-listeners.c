/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/listeners.h"
#include <glib.h>

/* A listener who loses so many of each 50 packets, since ever. */
typedef struct {
  uint8_t slot;
  uint16_t judged, received;
} Ear;

static bool
report(WzpListeners *listeners, WzpTime now, Ear *ear, unsigned lost)
{
  ear->judged = (uint16_t)(ear->judged + 50);
  ear->received = (uint16_t)(ear->received + 50 - lost);
  const WzpReport report = {.judged = ear->judged, .received = ear->received};
  return wzp_listeners_report(listeners, now, ear->slot, &report);
}

static void
test_one(void)
{
  WzpListeners listeners = {0};
  Ear ear = {
      .slot = 3, .judged = 65000, .received = 40}; /* over the wrap, and late in the stream */
  for (unsigned second = 0; second < 100; second++)
    g_assert_true(report(&listeners, second * 10 * WZP_SECOND, &ear, second % 50));
}

static void
test_worst(void)
{
  WzpListeners listeners = {0};
  Ear good = {.slot = 1}, bad = {.slot = 2};
  unsigned of_good = 0, of_bad = 0;
  for (unsigned second = 0; second < 20; second++) {
    of_good += report(&listeners, second * WZP_SECOND, &good, 1);
    of_bad += report(&listeners, second * WZP_SECOND, &bad, 15);
  }
  g_assert_cmpuint(of_good, <=, 2); /* who came first, until something was known */
  g_assert_cmpuint(of_bad, >=, 18);
  /* the good one becomes the worse one, by enough to tell */
  of_good = of_bad = 0;
  for (unsigned second = 20; second < 60; second++) {
    of_good += report(&listeners, second * WZP_SECOND, &good, 25);
    of_bad += report(&listeners, second * WZP_SECOND, &bad, 15);
  }
  g_assert_cmpuint(of_good, >=, 30);
  g_assert_cmpuint(of_bad, <=, 10);
}

/* Two that are nearly equal: no jumping to and fro. */
static void
test_equals(void)
{
  WzpListeners listeners = {0};
  Ear first = {.slot = 1}, second = {.slot = 2};
  for (unsigned n = 0; n < 100; n++) {
    g_assert_true(report(&listeners, n * WZP_SECOND, &first, 10 + n % 2));
    g_assert_false(report(&listeners, n * WZP_SECOND, &second, 11 - n % 2));
  }
}

static void
test_leaves(void)
{
  WzpListeners listeners = {0};
  Ear good = {.slot = 1}, bad = {.slot = 2};
  for (unsigned n = 0; n < 10; n++) {
    report(&listeners, n * WZP_SECOND, &good, 0);
    report(&listeners, n * WZP_SECOND, &bad, 20);
  }
  for (unsigned n = 10; n < 14; n++)
    g_assert_false(report(&listeners, n * WZP_SECOND, &good, 0));
  g_assert_true(report(&listeners, 14 * WZP_SECOND, &good, 0));
  report(&listeners, 15 * WZP_SECOND, &bad, 20);
  report(&listeners, 16 * WZP_SECOND, &bad, 20);
  g_assert_false(report(&listeners, 16 * WZP_SECOND, &good, 0));
  wzp_listeners_forget(&listeners, bad.slot);
  g_assert_cmpuint(listeners.n, ==, 1);
  g_assert_true(report(&listeners, 16 * WZP_SECOND, &good, 0));
}

/* In a large room the turns are rare: nobody is taken for gone between two of its own. */
static void
test_rare(void)
{
  WzpListeners listeners = {0};
  Ear good = {.slot = 1}, bad = {.slot = 2};
  for (unsigned n = 0; n < 10; n++) {
    report(&listeners, n * 12 * WZP_SECOND, &good, 0);
    report(&listeners, n * 12 * WZP_SECOND + 6 * WZP_SECOND, &bad, 20);
    g_assert_cmpuint(listeners.n, ==, 2);
  }
  for (unsigned n = 10; n <= 12; n++)
    g_assert_false(report(&listeners, n * 12 * WZP_SECOND, &good, 0));
  g_assert_true(report(&listeners, 151 * WZP_SECOND, &good, 0));
}

/* The weakest took more turns than the others for a while; then one of theirs gets lost. It is not taken for gone. */
static void
test_urgent(void)
{
  WzpListeners listeners = {0};
  Ear good[3] = {{.slot = 1}, {.slot = 2}, {.slot = 3}}, bad = {.slot = 4};
  for (unsigned second = 0; second < 60; second++) {
    if (second % 4 == 0)
      for (unsigned n = 0; n < G_N_ELEMENTS(good); n++)
        report(&listeners, second * WZP_SECOND, &good[n], 2);
    if (second < 51)
      report(&listeners, second * WZP_SECOND, &bad, 20);
  }
  g_assert_cmpuint(listeners.n, ==, 4);
  g_assert_cmpuint(listeners.followed, ==, bad.slot);
  report(&listeners, 61 * WZP_SECOND, &good[0], 2); /* it is gone, though */
  g_assert_cmpuint(listeners.n, ==, 3);
}

/* The 64th listener counts like the first: it may be the weakest. */
static void
test_many(void)
{
  WzpListeners listeners = {0};
  Ear ears[WZP_LISTENERS_MAX + 1];
  for (unsigned n = 0; n <= WZP_LISTENERS_MAX; n++)
    ears[n] = (Ear){.slot = (uint8_t)n};
  for (unsigned second = 0; second < 10; second++)
    for (unsigned n = 0; n <= WZP_LISTENERS_MAX; n++)
      report(&listeners, second * WZP_SECOND, &ears[n], n == WZP_LISTENERS_MAX - 1 ? 20 : 1);
  g_assert_cmpuint(listeners.n, ==, WZP_LISTENERS_MAX);
  g_assert_cmpuint(listeners.followed, ==, WZP_LISTENERS_MAX - 1);
  g_assert_true(report(&listeners, 60 * WZP_SECOND, &ears[WZP_LISTENERS_MAX], 0));
  g_assert_cmpuint(listeners.n, ==, 1);
}

/* Who loses clearly more than all of whom that is known. */
static void
test_stands_out(void)
{
  WzpListeners listeners = {0};
  Ear first = {.slot = 1}, second = {.slot = 2}, third = {.slot = 3};
  report(&listeners, 0, &first, 20);
  report(&listeners, WZP_SECOND, &first, 20);
  g_assert_false(wzp_listeners_stands_out(&listeners, 1)); /* nobody else is known */
  report(&listeners, WZP_SECOND, &second, 1);
  g_assert_false(wzp_listeners_stands_out(&listeners, 1));
  report(&listeners, 2 * WZP_SECOND, &second, 1);
  g_assert_true(wzp_listeners_stands_out(&listeners, 1));
  g_assert_false(wzp_listeners_stands_out(&listeners, 2));
  g_assert_false(wzp_listeners_stands_out(&listeners, 3));
  for (unsigned n = 0; n < 3; n++)
    report(&listeners, (2 + n) * WZP_SECOND, &third, 19);
  g_assert_false(wzp_listeners_stands_out(&listeners, 1)); /* of two that are alike none does */
  wzp_listeners_forget(&listeners, 3);
  g_assert_true(wzp_listeners_stands_out(&listeners, 1));
}

/* Who is followed leaves: the worst of the others is followed at once, of whom all is known. */
static void
test_told(void)
{
  WzpListeners listeners = {0};
  Ear good = {.slot = 1}, bad = {.slot = 2}, worst = {.slot = 3};
  for (unsigned second = 0; second < 20; second++) {
    report(&listeners, second * WZP_SECOND, &good, 0);
    report(&listeners, second * WZP_SECOND, &bad, 5);
    report(&listeners, second * WZP_SECOND, &worst, 20);
  }
  g_assert_null(wzp_listeners_forget(&listeners, 1));
  const WzpListener *next = wzp_listeners_forget(&listeners, 3);
  g_assert_nonnull(next);
  g_assert_cmpuint(next->slot, ==, 2);
  g_assert_cmpfloat_with_epsilon(next->loss, 0.1, 0.01);
  g_assert_cmpuint(next->report.judged, ==, bad.judged);
  g_assert_null(wzp_listeners_forget(&listeners, 2));
  g_assert_true(report(&listeners, 20 * WZP_SECOND, &good, 0));
}

/* Counters that make no sense do not make somebody the worst. */
static void
test_nonsense(void)
{
  WzpListeners listeners = {0};
  Ear good = {.slot = 1};
  g_assert_true(report(&listeners, 0, &good, 1));
  for (unsigned n = 1; n < 100; n++) {
    const WzpReport odd = {.judged = (uint16_t)(n * 3), .received = (uint16_t)(n * 40000)};
    g_assert_false(wzp_listeners_report(&listeners, n * WZP_SECOND, 2, &odd));
    g_assert_true(report(&listeners, n * WZP_SECOND, &good, 1));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/listeners/one", test_one);
  g_test_add_func("/listeners/worst", test_worst);
  g_test_add_func("/listeners/equals", test_equals);
  g_test_add_func("/listeners/leaves", test_leaves);
  g_test_add_func("/listeners/rare", test_rare);
  g_test_add_func("/listeners/urgent", test_urgent);
  g_test_add_func("/listeners/many", test_many);
  g_test_add_func("/listeners/stands-out", test_stands_out);
  g_test_add_func("/listeners/told", test_told);
  g_test_add_func("/listeners/nonsense", test_nonsense);
  return g_test_run();
}
