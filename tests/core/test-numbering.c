/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/numbering.h"
#include <glib.h>

static uint64_t
first_frame(WzpNumbering *numbering, uint8_t code, uint64_t packet)
{
  return wzp_numbering_first_frame(numbering, wzp_framing_from_code(code), packet);
}

static void
test_one_framing(void)
{
  WzpNumbering single = {0}, triple = {0};
  g_assert_cmpuint(first_frame(&single, 0, 70000), ==, 70000);
  g_assert_cmpuint(first_frame(&single, 0, 69999), ==, 69999);
  g_assert_cmpuint(first_frame(&triple, 2, 1000), ==, 3000);
  g_assert_cmpuint(first_frame(&triple, 2, 1002), ==, 3006);
  g_assert_cmpuint(first_frame(&triple, 2, 1001), ==, 3003);
}

static void
test_change(void)
{
  WzpNumbering numbering = {0};
  g_assert_cmpuint(first_frame(&numbering, 0, 100), ==, 100);
  /* 101 to 103 hold one frame each, 104 and on hold three */
  g_assert_cmpuint(first_frame(&numbering, 2, 104), ==, 104);
  g_assert_cmpuint(first_frame(&numbering, 2, 105), ==, 107);
  g_assert_cmpuint(first_frame(&numbering, 0, 103), ==, 103);
  g_assert_cmpuint(first_frame(&numbering, 0, 102), ==, 102);
  g_assert_cmpuint(first_frame(&numbering, 2, 106), ==, 110);
  /* and back */
  g_assert_cmpuint(first_frame(&numbering, 0, 107), ==, 113);
  g_assert_cmpuint(first_frame(&numbering, 0, 108), ==, 114);
  g_assert_cmpuint(first_frame(&numbering, 2, 106), ==, 110);
}

/* The framing did not change, only the codec: numbers do not even notice. */
static void
test_same_count(void)
{
  WzpNumbering numbering = {0};
  g_assert_cmpuint(first_frame(&numbering, 0, 5), ==, 5);
  g_assert_cmpuint(first_frame(&numbering, 3, 6), ==, 6);
  g_assert_cmpuint(first_frame(&numbering, 7, 7), ==, 7);
  g_assert_cmpuint(first_frame(&numbering, 0, 8), ==, 8);
}

/* Packets that come late, from before the first that came, had more frames than there are numbers. */
static void
test_before_zero(void)
{
  WzpNumbering numbering = {0};
  g_assert_cmpuint(first_frame(&numbering, 0, 3), ==, 3);
  g_assert_cmpuint(first_frame(&numbering, 10, 2), ==, 2);
  g_assert_cmpuint(first_frame(&numbering, 10, 1), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/numbering/one-framing", test_one_framing);
  g_test_add_func("/numbering/change", test_change);
  g_test_add_func("/numbering/same-count", test_same_count);
  g_test_add_func("/numbering/before-zero", test_before_zero);
  return g_test_run();
}
