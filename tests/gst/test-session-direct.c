/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpsrc and wzpsink in a room of two that may go past the relay. */
#include "call-rig.h"

/* both elements of a session of their own: the first brings the URI */
#define BOTH                                                                                       \
  "wzpsrc name=in uri=wzp://127.0.0.1:%u/room#000102030405060708090a0b0c0d0e0f KNOWN %s ! "        \
  "wzpcrypt ! fakesink name=heard signal-handoffs=true " RIG_BUNDLES " ! wzpcrypt ! "              \
  "wzpsink name=out"

static RigRelay *relay;

static guint
attempts(GstElement *pipeline, const char *name)
{
  g_autoptr(GstElement) element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_autoptr(GstStructure) stats = NULL;
  guint n = 0;
  g_object_get(element, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_uint(stats, "path-attempts", &n));
  return n;
}

static void
set_mode(GstElement *pipeline, const char *name, const char *mode)
{
  g_autoptr(GstElement) element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  gst_util_set_object_arg(G_OBJECT(element), "accept-mode", mode);
}

/* A direct path is tried when both say that it may be, from the start or, on either element, in the middle of the call. */
static void
test_accept_mode(void)
{
  const unsigned port = rig_relay_port(relay);
  GstElement *first = rig_play(BOTH, port, "accept-mode=trusted");
  rig_wait_state(first, NULL, "waiting");
  GstElement *second = rig_play(BOTH, port, "");
  rig_wait_buffers(first, "heard", 20);
  rig_wait_buffers(second, "heard", 20);
  g_assert_cmpuint(attempts(first, "in") + attempts(second, "in"), ==, 0);
  set_mode(second, "out", "trusted");
  while (attempts(first, "out") == 0 || attempts(second, "in") == 0)
    rig_wait_buffers(first, "heard", 1);
  rig_stop(second);
  rig_stop(first);

  first = rig_play(BOTH, port, "accept-mode=trusted");
  rig_wait_state(first, NULL, "waiting");
  second = rig_play(BOTH, port, "accept-mode=trusted");
  while (attempts(first, "in") == 0 || attempts(second, "in") == 0)
    rig_wait_buffers(first, "heard", 1);
  rig_stop(second);
  rig_stop(first);
}

int
main(int argc, char **argv)
{
  static const RigCase cases[] = {{"accept-mode", test_accept_mode}};
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  return rig_run_cases("/session-direct/", cases, G_N_ELEMENTS(cases), &relay, NULL);
}
