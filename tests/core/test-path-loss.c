/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/path-private.h"

static WzpPathLoss loss;
static WzpPathNumbers numbers;

static void
add(WzpTime now, unsigned number)
{
  wzp_path_loss_add(&loss, &numbers, now, (uint16_t)number);
}

static void
begin(void)
{
  loss = (WzpPathLoss){0};
  numbers = (WzpPathNumbers){0};
}

/* A fifth is missing; numbers wrap. */
static void
test_counts(void)
{
  begin();
  for (unsigned n = 0; n < 19; n++)
    add(n * 20 * WZP_MSEC, 65530 + n);
  g_assert_cmpuint(wzp_path_loss_percent(&loss, WZP_SECOND), ==, WZP_PATH_LOSS_UNKNOWN);
  for (unsigned n = 19; n < 500; n++)
    if (n % 5 != 0)
      add(n * 20 * WZP_MSEC, 65530 + n);
  g_assert_cmpuint(wzp_path_loss_percent(&loss, 10 * WZP_SECOND), >=, 19);
  g_assert_cmpuint(wzp_path_loss_percent(&loss, 10 * WZP_SECOND), <=, 21);
  /* nothing came for long: nothing is known */
  g_assert_cmpuint(wzp_path_loss_percent(&loss, 21 * WZP_SECOND), ==, WZP_PATH_LOSS_UNKNOWN);
}

/* What is late is not lost, and what went another way neither. */
static void
test_others(void)
{
  begin();
  for (unsigned n = 0; n < 100; n++)
    add(n * 20 * WZP_MSEC, n ^ 1);
  g_assert_cmpuint(wzp_path_loss_percent(&loss, 2 * WZP_SECOND), ==, 0);
  for (unsigned n = 1000; n < 1100; n++)
    add(n * 20 * WZP_MSEC, n);
  g_assert_cmpuint(wzp_path_loss_percent(&loss, 22 * WZP_SECOND), ==, 0);
}

/* What is over is forgotten within seconds, at the pace of speech and of probes. */
static void
test_forgets(void)
{
  static const WzpTime pace[] = {20 * WZP_MSEC, 500 * WZP_MSEC},
                       within[] = {8 * WZP_SECOND, 60 * WZP_SECOND};
  for (unsigned i = 0; i < G_N_ELEMENTS(pace); i++) {
    WzpTime now = 0;
    unsigned number = 0;
    begin();
    for (unsigned n = 0; n < 100; n++, now += pace[i])
      add(now, number += 2);
    g_assert_cmpuint(wzp_path_loss_percent(&loss, now), >=, 45);
    for (WzpTime over = now; now < over + within[i]; now += pace[i])
      add(now, ++number);
    g_assert_cmpuint(wzp_path_loss_percent(&loss, now), <=, 10);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/path-loss/counts", test_counts);
  g_test_add_func("/path-loss/others", test_others);
  g_test_add_func("/path-loss/forgets", test_forgets);
  return g_test_run();
}
