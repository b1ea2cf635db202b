/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/hearing.h"
#include <glib.h>

/* When nothing is heard of those who talk; whole calls are in tests/sim/test-sim-hearing.c. */

#define START (1000 * WZP_SECOND)
#define NO_SIGN (-1)

static void
test_talks(void)
{
  WzpHearing hearing = {0};
  g_assert_cmpint(wzp_hearing_next_timeout(&hearing), ==, WZP_NEVER);
  g_assert_false(wzp_hearing_is_due(&hearing, START));
  wzp_hearing_opened(&hearing, START, 7, true);
  const WzpTime due = START + WZP_HEARING_PATIENCE;
  g_assert_cmpint(wzp_hearing_next_timeout(&hearing), ==, due);
  wzp_hearing_judge(&hearing, due - 1, NO_SIGN);
  g_assert_false(hearing.unheard);
  for (unsigned i = 0; i < 3; i++) { /* it counts once */
    wzp_hearing_judge(&hearing, due + i, NO_SIGN);
    g_assert_true(hearing.unheard);
    g_assert_cmpuint(hearing.times, ==, 1);
    g_assert_cmpint(wzp_hearing_next_timeout(&hearing), ==, WZP_NEVER);
  }
  wzp_hearing_opened(&hearing, due + WZP_SECOND, 7, true);
  g_assert_false(hearing.unheard);
  wzp_hearing_judge(&hearing, due + 10 * WZP_SECOND, NO_SIGN);
  g_assert_cmpuint(hearing.times, ==, 2);
}

/* Silence that was announced, and those who are gone. */
static void
test_silence(void)
{
  WzpHearing hearing = {0};
  wzp_hearing_opened(&hearing, START, 7, true);
  wzp_hearing_opened(&hearing, START, WZP_SLOT_MAX, true);
  wzp_hearing_opened(&hearing, START, 7, false);
  g_assert_true(wzp_hearing_is_due(&hearing, START + WZP_HEARING_PATIENCE)); /* the other one */
  wzp_hearing_forget(&hearing, WZP_SLOT_MAX);
  wzp_hearing_forget(&hearing, WZP_SLOT_MAX);
  g_assert_cmpint(wzp_hearing_next_timeout(&hearing), ==, WZP_NEVER);
  wzp_hearing_judge(&hearing, START + WZP_HEARING_PATIENCE, NO_SIGN);
  g_assert_false(hearing.unheard);
  /* he leaves while he is missed */
  wzp_hearing_opened(&hearing, START, 3, true);
  wzp_hearing_judge(&hearing, START + WZP_HEARING_PATIENCE, NO_SIGN);
  g_assert_true(hearing.unheard);
  wzp_hearing_forget(&hearing, 3);
  g_assert_false(hearing.unheard);
}

/* Who answers long after his last word has stopped; a sign that is as old as that word says nothing. */
static void
test_signs(void)
{
  WzpHearing hearing = {0};
  const WzpTime due = START + WZP_HEARING_PATIENCE;
  wzp_hearing_opened(&hearing, START, 0, true);
  wzp_hearing_judge(&hearing, due, START + WZP_HEARING_TALK_OVER - 1);
  g_assert_true(hearing.unheard);
  wzp_hearing_judge(&hearing, due, START + WZP_HEARING_TALK_OVER);
  g_assert_false(hearing.unheard);
  wzp_hearing_judge(&hearing, due + WZP_SECOND, NO_SIGN);
  g_assert_false(hearing.unheard); /* he talks no more */
  g_assert_cmpuint(hearing.times, ==, 1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/hearing/talks", test_talks);
  g_test_add_func("/hearing/silence", test_silence);
  g_test_add_func("/hearing/signs", test_signs);
  return g_test_run();
}
