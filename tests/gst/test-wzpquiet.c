/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The wait for a stream to fall silent, on a clock of the test's own. */
#include "call-rig.h"
#include "gst/gstwzpquiet.h"
#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>

#define PATIENCE (400 * GST_MSECOND)
#define STEP (PATIENCE / 4)

typedef struct {
  GstHarness *harness; /* of what makes the stream */
  GstTestClock *clock;
  GstWzpQuiet *quiet;
} Watched;

static Watched
watch(void)
{
  Watched watched = {gst_harness_new("identity"), NULL, NULL};
  gst_harness_set_src_caps_str(watched.harness, "some/thing");
  watched.clock = GST_TEST_CLOCK(gst_test_clock_new());
  watched.quiet = gst_wzp_quiet_start(watched.harness->element, GST_CLOCK(watched.clock), PATIENCE);
  return watched;
}

static void
unwatch(Watched *watched)
{
  gst_wzp_quiet_stop(watched->quiet);
  gst_object_unref(watched->clock);
  gst_harness_teardown(watched->harness);
}

/* The clock goes on to the next wait, which ends `late` after it was due. */
static void
pass_step(Watched *watched, GstClockTime late)
{
  GstClockID due;
  gst_test_clock_wait_for_next_pending_id(watched->clock, &due);
  gst_test_clock_set_time(watched->clock, gst_clock_id_get_time(due) + late);
  GstClockID done = gst_test_clock_process_next_clock_id(watched->clock);
  g_assert_true(done == due);
  gst_clock_id_unref(done);
  gst_clock_id_unref(due);
}

static void
assert_ends(Watched *watched)
{
  g_assert_cmpuint(gst_test_clock_peek_id_count(watched->clock), ==, 0);
  GstEvent *event;
  do {
    event = gst_harness_pull_event(watched->harness);
    g_assert_nonnull(event);
    gst_event_unref(event);
  } while (GST_EVENT_TYPE(event) != GST_EVENT_EOS);
}

static void
assert_goes_on(Watched *watched)
{
  g_assert_cmpuint(gst_test_clock_peek_id_count(watched->clock), ==, 1);
}

static void
test_silent(void)
{
  Watched watched = watch();
  for (guint n = 0; n < 4; n++) {
    pass_step(&watched, 0);
    assert_goes_on(&watched);
  }
  pass_step(&watched, 0);
  assert_ends(&watched);
  g_assert_cmpuint(gst_clock_get_time(GST_CLOCK(watched.clock)), ==, PATIENCE + STEP);
  unwatch(&watched);
}

/* Each buffer begins the count anew. */
static void
test_heard(void)
{
  Watched watched = watch();
  for (guint n = 0; n < 40; n++) {
    if (n % 4 == 3)
      gst_harness_push(watched.harness, gst_buffer_new());
    pass_step(&watched, 0);
    assert_goes_on(&watched);
  }
  unwatch(&watched);
}

/* Nobody was heard for an hour because the machine slept: the other side may well be speaking. */
static void
test_slept(void)
{
  Watched watched = watch();
  pass_step(&watched, 3600 * GST_SECOND);
  assert_goes_on(&watched);
  pass_step(&watched, 10 * GST_SECOND);
  assert_goes_on(&watched);
  gst_harness_push(watched.harness, gst_buffer_new());
  for (guint n = 0; n < 4; n++) {
    pass_step(&watched, 0);
    assert_goes_on(&watched);
  }
  pass_step(&watched, 0);
  assert_ends(&watched);
  unwatch(&watched);
}

static void
test_stopped(void)
{
  Watched watched = watch();
  pass_step(&watched, 0);
  gst_wzp_quiet_stop(watched.quiet);
  watched.quiet = NULL;
  g_assert_cmpuint(gst_test_clock_peek_id_count(watched.clock), ==, 0);
  unwatch(&watched);
}

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/quiet/silent", test_silent);
  g_test_add_func("/quiet/heard", test_heard);
  g_test_add_func("/quiet/slept", test_slept);
  g_test_add_func("/quiet/stopped", test_stopped);
  return g_test_run();
}
