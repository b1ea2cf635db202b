/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls without a relay: two programs, a key file, and what people are told. */
#include "call-rig.h"
#include <glib/gstdio.h>

#define SPEAK RIG_BUNDLES " ! wzpcrypt name=seal ! wzpsink name=out "

static void
test_udp(void)
{
  unsigned meeting = rig_free_port();
  g_autofree char *key = rig_key_file("key", '7');
  GstElement *waiting = rig_play("wzpsrc name=in key-file=%s local-port=%u ! wzpcrypt ! "
                                 "fakesink name=heard signal-handoffs=true " SPEAK,
                                 key, meeting);
  for (unsigned round = 0; round < 2; round++) {
    GstElement *caller = rig_play("wzpsrc name=in uri=wzp://127.0.0.1:%u?key-file=%s ! wzpcrypt ! "
                                  "fakesink name=heard signal-handoffs=true " SPEAK,
                                  meeting, key);
    rig_wait_state(caller, NULL, "active");
    rig_wait_buffers(caller, "heard", 5);
    rig_wait_buffers(waiting, "heard", 5);
    rig_stop(caller);
  }
  rig_stop(waiting);
}

/* Over IPv6, an address in brackets. */
static void
test_udp_ipv6(void)
{
  unsigned meeting = rig_free_port();
  g_autofree char *key = rig_key_file("key", '7');
  if (!rig_has_ipv6()) {
    g_test_skip("this machine has no IPv6 loopback");
    return;
  }
  GstElement *waiting = rig_play("wzpsrc name=in key-file=%s local-port=%u ! wzpcrypt ! "
                                 "fakesink name=heard signal-handoffs=true",
                                 key, meeting);
  GstElement *caller = rig_play(SPEAK "uri=wzp://[::1]:%u?key-file=%s", meeting, key);
  rig_wait_buffers(waiting, "heard", 5);
  rig_stop(caller);
  rig_stop(waiting);
}

static void
test_udp_refusals(void)
{
  g_autofree char *key = rig_key_file("key", '7');
  GstElement *alone =
      rig_play("wzpsrc key-file=%s host=127.0.0.1 port=%u connect-timeout=300 ! fakesink", key,
               rig_free_port());
  rig_wait_error(alone, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "way back");
  rig_stop(alone);

  g_chmod(key, 0644);
  GstElement *open = rig_play("wzpsrc key-file=%s ! fakesink", key);
  rig_wait_error(open, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "chmod 600");
  rig_stop(open);

  GstElement *room = rig_play("wzpsrc uri=wzp://127.0.0.1/room key-file=%s ! fakesink", key);
  rig_wait_error(room, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "no room");
  rig_stop(room);
}

static void
test_wrong_key_file(void)
{
  unsigned meeting = rig_free_port();
  g_autofree char *ours = rig_key_file("ours", '7'), *theirs = rig_key_file("theirs", '8');
  GstElement *waiting =
      rig_play("wzpsrc name=in key-file=%s local-port=%u ! fakesink", ours, meeting);
  GstElement *caller =
      rig_play("wzpsrc name=in uri=wzp://127.0.0.1:%u?key-file=%s connect-timeout=600 ! fakesink",
               meeting, theirs);
  rig_wait_error(caller, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "same key file");
  g_assert_cmpuint(rig_counter(waiting, "in", "drops-bad-cookie"), >, 0);
  g_autofree char *state = rig_string(waiting, "in", "state");
  g_assert_cmpstr(state, ==, "connecting");
  rig_stop(caller);
  rig_stop(waiting);
}

static const RigCase cases[] = {
    {"call", test_udp},
    {"ipv6", test_udp_ipv6},
    {"refusals", test_udp_refusals},
    {"wrong-key-file", test_wrong_key_file},
};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  return rig_run_cases("/session-udp/", cases, G_N_ELEMENTS(cases), NULL, NULL);
}
