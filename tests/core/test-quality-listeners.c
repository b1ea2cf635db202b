/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is made of the reports of several listeners, of our own, and of those who leave; and what is said of it. */
#include "quality-rig.h"

/* What stays lost is said from the first report that tells of it, and an outage is no loss of the way. */
static void
test_words_at_first(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_report(&rig, 0, 0, 50);
  rig_report(&rig, 18, 75, 50);
  g_assert_cmpfloat(rig_state(&rig).loss, ==, 0.72);
  g_assert_cmpfloat(rig_state(&rig).residual, ==, 0.75);
  wzp_quality_free(rig.quality);

  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  WzpReport *report = &rig.reports[1];
  report->judged += 200;
  report->runs++;
  report->unrepaired += 200;
  for (unsigned i = 0; i < 6; i++)
    rig_report(&rig, 0, 0, 90);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_GOOD);
  g_assert_cmpuint(rig_state(&rig).limit, ==, 0);
  g_assert_cmpfloat(rig_state(&rig).queue, ==, 0);
  g_assert_cmpfloat(rig_state(&rig).residual, >, 0.03); /* it was heard */
  wzp_quality_free(rig.quality);
}

/* Each threshold from both sides. */
static void
test_compatible(void)
{
  static const struct {
    bool cellular;
    unsigned lost, late, reports; /* of 25; ms */
    WzpTier tier;
  } rows[] = {{false, 11, 0, 3, WZP_TIER_CATASTROPHIC},
              {false, 10, 0, 3, WZP_TIER_DEGRADED},
              {false, 3, 0, 3, WZP_TIER_DEGRADED},
              {false, 2, 0, 3, WZP_TIER_GOOD},
              {false, 0, 350, 20, WZP_TIER_GOOD},
              {false, 0, 450, 20, WZP_TIER_DEGRADED},
              {false, 0, 700, 20, WZP_TIER_CATASTROPHIC},
              {false, 11, 0, 2, WZP_TIER_GOOD},
              {true, 11, 0, 2, WZP_TIER_CATASTROPHIC},
              {true, 7, 0, 2, WZP_TIER_CATASTROPHIC},
              {true, 3, 0, 2, WZP_TIER_DEGRADED},
              {true, 2, 0, 2, WZP_TIER_GOOD},
              {true, 1, 0, 2, WZP_TIER_GOOD},
              {true, 0, 350, 20, WZP_TIER_DEGRADED}};
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    Rig rig;
    rig_init(&rig, "opus-24k");
    wzp_quality_set_mode(rig.quality, WZP_QUALITY_COMPATIBLE);
    if (rows[i].cellular)
      wzp_quality_set_network(rig.quality, 0, WZP_NETWORK_CELLULAR);
    rig_warm(&rig);
    for (unsigned n = 0; n < rows[i].reports; n++) {
      rig_talk(&rig);
      rig.now += rows[i].late * WZP_MSEC;
      rig_say(&rig, 1, rows[i].lost, 0, 50);
    }
    g_test_message("row %zu, round trip %d", i, (int)(rig_state(&rig).round_trip / 1000));
    g_assert_cmpint(rig_tier(&rig), ==, rows[i].tier);
    for (unsigned n = 0; n < 25 && rows[i].late == 0; n++)
      rig_report(&rig, 0, 0, 50);
    g_assert_true(rows[i].late > 0 || rig_tier(&rig) == WZP_TIER_GOOD);
    wzp_quality_free(rig.quality);
  }
}

/* Three follow the weakest; of six one who hears nothing does not make it bad for all, two do. */
static void
test_rooms(void)
{
  for (unsigned listeners = 2; listeners <= 6; listeners++) {
    for (unsigned weak = 0; weak <= 2; weak++) {
      Rig rig;
      rig_init(&rig, "opus-24k");
      rig_warm(&rig);
      for (unsigned n = 0; n < 40; n++) {
        rig_talk(&rig);
        for (unsigned slot = 1; slot <= listeners; slot++)
          rig_say(&rig, (uint8_t)slot, slot <= weak ? 12 : 0, slot <= weak ? 10 : 0, 50);
      }
      unsigned left_out = listeners >= 4 ? listeners / 4 : 0;
      g_assert_cmpint(rig_tier(&rig), ==, weak > left_out ? WZP_TIER_CATASTROPHIC : WZP_TIER_GOOD);
      WzpVerdict verdict = rig_state(&rig).verdict;
      if (weak > left_out)
        g_assert_cmpint(verdict, ==,
                        weak < listeners ? WZP_VERDICT_LISTENER_LOSES : WZP_VERDICT_UPLINK_LOSES);
      else
        g_assert_cmpint(verdict, ==, WZP_VERDICT_GOOD);
      wzp_quality_free(rig.quality);
    }
  }
}

/* One hears all, the other one so little that the tier falls to the last. */
static void
rig_hear_two(Rig *rig)
{
  rig_init(rig, "opus-24k");
  rig_warm(rig);
  for (unsigned n = 0; n < 20; n++) {
    rig_talk(rig);
    rig_say(rig, 1, 0, 0, 50);
    rig_say(rig, 2, 12, 10, 50);
  }
  g_assert_cmpint(rig_tier(rig), ==, WZP_TIER_CATASTROPHIC);
}

/* The weakest one left: who remains is followed. */
static void
test_leaves(void)
{
  Rig rig;
  rig_hear_two(&rig);
  for (unsigned n = 0; n < 80; n++)
    rig_report(&rig, 0, 0, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  g_assert_cmpuint(rig_state(&rig).listeners, ==, 1);
  wzp_quality_free(rig.quality);
}

/* The weakest one left and that is told: the tier is judged by who remains from the next report on, not 15 s later. */
static void
test_left(void)
{
  Rig rig;
  rig_hear_two(&rig);
  g_assert_cmpuint(rig_state(&rig).listeners, ==, 2);
  g_assert_false(wzp_quality_left(rig.quality, rig.now, 3));
  g_assert_true(wzp_quality_left(rig.quality, rig.now, 2));
  g_assert_false(wzp_quality_left(rig.quality, rig.now, 2));
  g_assert_cmpuint(rig_state(&rig).listeners, ==, 1);
  g_assert_cmpfloat(rig_state(&rig).loss, <, 0.01);
  g_assert_cmpint(rig_state(&rig).verdict, !=, WZP_VERDICT_LISTENER_LOSES);
  for (unsigned n = 0; n < 21; n++) /* ten good ones for each step */
    rig_report(&rig, 0, 0, 50);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD);
  g_assert_false(
      wzp_quality_left(rig.quality, rig.now, 1)); /* the last one: nothing is known then */
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_UNKNOWN);
  wzp_quality_free(rig.quality);
}

/* Where the last listener left a new call begins, unless he is back in a moment. */
static void
test_alone(void)
{
  for (unsigned seconds = 3; seconds <= 6; seconds += 3) {
    Rig rig;
    rig_init(&rig, "opus-24k");
    rig_warm(&rig);
    for (unsigned n = 0; n < 10; n++)
      rig_report(&rig, 12, 10, 50);
    g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_CATASTROPHIC);
    wzp_quality_left(rig.quality, rig.now, 1);
    for (unsigned n = 0; n < 2 * seconds; n++)
      rig_talk(&rig);
    g_assert_cmpint(rig_tier(&rig), ==, seconds == 3 ? WZP_TIER_CATASTROPHIC : WZP_TIER_GOOD);
    rig_report(&rig, 0, 0, 50);
    for (unsigned n = 0; n < 14; n++)
      rig_talk(&rig);
    g_assert_cmpint(rig_tier(&rig), ==, seconds == 3 ? WZP_TIER_CATASTROPHIC : WZP_TIER_GOOD);
    wzp_quality_free(rig.quality);
  }
}

static void
test_downlink(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  WzpReport own = {.slot = 4};
  for (unsigned n = 0; n < 20; n++) {
    rig_report(&rig, 0, 0, 50);
    own.judged += 50;
    own.received += 40;
    wzp_quality_own_report(rig.quality, rig.now, &own);
  }
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_DOWNLINK_LOSES);
  g_assert_cmpfloat(rig_state(&rig).downlink_loss, >, 0.19);
  g_assert_cmpfloat(rig_state(&rig).downlink_loss, <, 0.21);
  g_assert_cmpint(rig_tier(&rig), ==, WZP_TIER_GOOD); /* what we send is another matter */
  wzp_quality_left(rig.quality, rig.now, 4);
  g_assert_cmpfloat(rig_state(&rig).downlink_loss, ==, 0);
  g_assert_cmpint(rig_state(&rig).verdict, ==, WZP_VERDICT_GOOD);
  wzp_quality_free(rig.quality);
}

/* What we hear becomes slow all at once: much less is sent, until a report about that says that ours is not. */
static void
test_alarm(void)
{
  Rig rig;
  rig_init(&rig, "opus-24k");
  rig_warm(&rig);
  WzpReport own = {.slot = 4};
  wzp_quality_own_report(rig.quality, rig.now, &own);
  own.transit = 50;
  wzp_quality_own_report(rig.quality, rig.now, &own);
  own.transit = 300;
  wzp_quality_own_report(rig.quality, rig.now, &own);
  g_assert_true(wzp_quality_tick(rig.quality, rig.now));
  unsigned limit = rig_state(&rig).limit;
  g_assert_cmpuint(limit, >, 9000);
  g_assert_cmpuint(limit, <, 27000); /* 54000 were sent */
  own.transit = 600;
  wzp_quality_own_report(rig.quality, rig.now, &own);
  g_assert_cmpuint(rig_state(&rig).limit, <, limit);
  rig_report(&rig, 0, 0, 50);
  g_assert_true(wzp_quality_tick(rig.quality, rig.now));
  g_assert_cmpuint(rig_state(&rig).limit, ==, 0);
  /* and when no report comes at all, not for long */
  own.transit = 900;
  wzp_quality_own_report(rig.quality, rig.now, &own);
  g_assert_cmpuint(rig_state(&rig).limit, !=, 0);
  for (unsigned i = 0; i < 8; i++)
    rig_talk(&rig);
  g_assert_cmpuint(rig_state(&rig).limit, ==, 0);
  /* where it is known how slow, as slow, and no slower the next time */
  for (unsigned i = 0; i < 2; i++) {
    own.passes = 0.5;
    own.transit += 200;
    wzp_quality_own_report(rig.quality, rig.now, &own);
    g_assert_cmpuint(rig_state(&rig).limit, >, 20000);
    g_assert_cmpuint(rig_state(&rig).limit, <, 27000);
  }
  wzp_quality_free(rig.quality);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/quality-listeners/words-at-first", test_words_at_first);
  g_test_add_func("/quality-listeners/compatible", test_compatible);
  g_test_add_func("/quality-listeners/rooms", test_rooms);
  g_test_add_func("/quality-listeners/leaves", test_leaves);
  g_test_add_func("/quality-listeners/left", test_left);
  g_test_add_func("/quality-listeners/alone", test_alone);
  g_test_add_func("/quality-listeners/downlink", test_downlink);
  g_test_add_func("/quality-listeners/alarm", test_alarm);
  return g_test_run();
}
