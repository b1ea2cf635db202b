/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/downlink.h"
#include "test-util.h"

static WzpTime now;

/* Reports about slot 4 whose transit is `ms` above a clock of nobody's. */
static bool
say(WzpDownlink *downlink, WzpReport *report, int ms)
{
  report->judged += 20;
  report->received += 20;
  report->transit = (uint16_t)(65500 + ms);
  now += WZP_SECOND;
  return wzp_downlink_report(downlink, now, report);
}

static void
test_sudden(void)
{
  WzpDownlink downlink = {0};
  WzpReport report = {.slot = 4};
  for (unsigned i = 0; i < 20; i++)
    g_assert_false(say(&downlink, &report, i % 2 == 0 ? 10 : 0));
  g_assert_false(say(&downlink, &report, 60)); /* not much yet */
  g_assert_true(say(&downlink, &report, 160));
  g_assert_true(say(&downlink, &report, 300)); /* the 16 bits have gone round meanwhile */
  g_assert_false(say(&downlink, &report, 310));
  g_assert_false(say(&downlink, &report, 500 - 300)); /* a bunch behind a stall becomes shorter */
  g_assert_false(say(&downlink, &report, 0));
  g_assert_false(say(&downlink, &report, 400)); /* another way */
  g_assert_false(say(&downlink, &report, 405));
}

/* What jitter explains is not sudden; nor what grows slowly. */
static void
test_not_sudden(void)
{
  WzpDownlink downlink = {0};
  WzpReport report = {.slot = 4, .jitter = 40};
  for (unsigned i = 0; i < 40; i++)
    g_assert_false(say(&downlink, &report, i % 2 == 0 ? 150 : 0));
  report.jitter = 2;
  for (int i = 0; i < 40; i++)
    g_assert_false(say(&downlink, &report, 30 * i));
  /* nothing was heard that has a time */
  report.held = UINT8_MAX;
  g_assert_false(say(&downlink, &report, 9000));
}

/* Of several only one's way becomes longer: it is his. */
static void
test_several(void)
{
  WzpDownlink downlink = {0};
  WzpReport one = {.slot = 4}, other = {.slot = 9};
  for (unsigned i = 0; i < 3; i++) {
    say(&downlink, &one, 0);
    say(&downlink, &other, 0);
  }
  g_assert_false(say(&downlink, &one, 200));
  g_assert_false(say(&downlink, &one, 400));
}

static void
test_loss(void)
{
  WzpDownlink downlink = {0};
  WzpReport one = {.slot = 1}, other = {.slot = WZP_SLOT_MAX};
  g_assert_cmpfloat(wzp_downlink_loss(&downlink, now), ==, 0);
  for (unsigned i = 0; i < 30; i++) {
    one.judged += 50;
    one.received += 45;
    other.judged += 50;
    other.received += 35;
    wzp_downlink_report(&downlink, now, &one);
    wzp_downlink_report(&downlink, now, &other);
  }
  g_assert_cmpfloat_with_epsilon(wzp_downlink_loss(&downlink, now), 0.3, 0.01);
  other.judged -= 500; /* an old one, and a slot that there is not, change nothing */
  wzp_downlink_report(&downlink, now, &other);
  const WzpReport none = {.slot = UINT8_MAX, .judged = 100};
  g_assert_false(wzp_downlink_report(&downlink, now, &none));
  g_assert_cmpfloat_with_epsilon(wzp_downlink_loss(&downlink, now), 0.3, 0.01);
}

/* A way that was cut for 2 s loses nothing when it is whole again. */
static void
test_cut(void)
{
  WzpDownlink downlink = {0};
  WzpReport report = {.slot = 4};
  for (unsigned i = 0; i < 5; i++)
    say(&downlink, &report, 0);
  report.judged += 100;
  report.runs++;
  say(&downlink, &report, 0);
  g_assert_cmpfloat(wzp_downlink_loss(&downlink, now), ==, 0);
  report.judged += 2;
  report.runs += 2;
  say(&downlink, &report, 0);
  g_assert_cmpfloat(wzp_downlink_loss(&downlink, now), >, 0.02);
}

/* Who left, or was silent for long, is neither heard badly nor one of several. */
static void
test_gone(void)
{
  WzpDownlink downlink = {0};
  for (unsigned left = 0; left <= 1; left++) {
    WzpReport one = {.slot = 4}, other = {.slot = 9};
    for (unsigned i = 0; i < 10; i++) {
      say(&downlink, &one, 0);
      other.runs += 10;
      other.judged += 10;
      say(&downlink, &other, 0);
    }
    g_assert_cmpfloat(wzp_downlink_loss(&downlink, now), >, 0.2);
    g_assert_false(say(&downlink, &one, 60));
    g_assert_false(say(&downlink, &one, 160));
    if (left)
      wzp_downlink_forget(&downlink, 9);
    else
      now += WZP_DOWNLINK_AGE;
    g_assert_cmpfloat(wzp_downlink_loss(&downlink, now), ==, 0);
    say(&downlink, &one, 0);
    say(&downlink, &one, 0);
    g_assert_false(say(&downlink, &one, 60));
    g_assert_true(say(&downlink, &one, 160));
    wzp_downlink_forget(&downlink, 4);
    g_assert_false(say(&downlink, &one, 20000)); /* another clock, at the same slot */
    g_assert_false(say(&downlink, &one, 20000 + 60));
    g_assert_true(say(&downlink, &one, 20000 + 160));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/downlink/sudden", test_sudden);
  g_test_add_func("/downlink/not-sudden", test_not_sudden);
  g_test_add_func("/downlink/several", test_several);
  g_test_add_func("/downlink/loss", test_loss);
  g_test_add_func("/downlink/cut", test_cut);
  g_test_add_func("/downlink/gone", test_gone);
  return g_test_run();
}
