/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpcall with a microphone and a speaker of its own. */
#include "call-rig.h"
#include "fake-devices.h"
#include <string.h>

#define URI "uri=wzp://127.0.0.1:%u/room KNOWN"
#define LIVE "audiotestsrc is-live=true samplesperbuffer=480"
#define HEARD "fakesink name=heard signal-handoffs=true"
/* a line of one element would be no pipeline */
#define ASIDE LIVE " ! fakesink async=false "
#define OWN "microphone=Built-in speaker=Loud"

static RigRelay *relay;

static unsigned
port(void)
{
  return rig_relay_port(relay);
}

/* How many elements of this factory there are in the call. */
static guint
count(GstElement *pipeline, const char *factory)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  g_autoptr(GstIterator) iterator =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(call), factory);
  GValue value = G_VALUE_INIT;
  guint n = 0;
  for (; gst_iterator_next(iterator, &value) == GST_ITERATOR_OK; g_value_reset(&value))
    n++;
  g_value_unset(&value);
  return n;
}

static guint64
frames_echo_saw(GstElement *pipeline, const char *field)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  g_autoptr(GstIterator) iterator =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(call), "wzpecho");
  g_autoptr(GstStructure) stats = NULL;
  GValue value = G_VALUE_INIT;
  guint64 frames = 0;
  g_assert_cmpint(gst_iterator_next(iterator, &value), ==, GST_ITERATOR_OK);
  g_object_get(g_value_get_object(&value), "stats", &stats, NULL);
  g_value_unset(&value);
  g_assert_true(gst_structure_get_uint64(stats, field, &frames));
  return frames;
}

/* What the call says of its canceller, and whether it speaks of gain. */
static void
expect_stats(GstElement *pipeline, const char *canceller, gboolean gain)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  g_autoptr(GstStructure) stats = NULL;
  const gboolean echo = strcmp(canceller, "wzpecho") == 0;
  double value;
  gint late;
  g_object_get(call, "stats", &stats, NULL);
  g_assert_cmpstr(gst_structure_get_string(stats, "echo-canceller"), ==, canceller);
  g_assert_cmpint(gst_structure_get_double(stats, "echo-reduction-db", &value), ==, echo);
  g_assert_cmpint(gst_structure_get_int(stats, "echo-late-ms", &late), ==, echo);
  g_assert_cmpint(gst_structure_get_double(stats, "gain-db", &value), ==, gain);
  g_assert_cmpint(gst_structure_get_double(stats, "speech-db", &value), ==, gain);
}

/* Both are pulled out and put back in while the call is on: it does not end, and then goes on. */
static void
test_devices(void)
{
  GstElement *own = rig_play(ASIDE "wzpcall name=call " URI " " OWN, port());
  GstElement *other = rig_play(LIVE " ! wzpcall name=call " URI " ! " HEARD, port());
  rig_wait_buffers(other, "heard", 20);
  fake_device_wait("Loudspeaker", FALSE, 20);
  g_assert_cmpuint(count(own, "wzpecho"), ==, 1);
  g_assert_cmpuint(frames_echo_saw(own, "frames"), >, 0);
  g_assert_cmpuint(frames_echo_saw(own, "far-frames"), >, 0);
  expect_stats(own, "wzpecho", TRUE);

  fake_device_unplug("Built-in Mic", TRUE);
  gst_message_unref(rig_wait(own, GST_MESSAGE_ELEMENT, "wzp-device", NULL));
  fake_device_unplug("Loudspeaker", FALSE);
  gst_message_unref(rig_wait(own, GST_MESSAGE_ELEMENT, "wzp-device", NULL));
  rig_wait_buffers(other, "heard", 30);
  guint64 sent = rig_counter(own, "call", "frames-sent");
  rig_wait_buffers(other, "heard", 30);
  g_assert_cmpuint(rig_counter(own, "call", "frames-sent"), >, sent);
  g_autofree char *state = rig_string(own, "call", "state");
  g_assert_cmpstr(state, ==, "active");
  fake_device_plug("Built-in Mic", TRUE);
  fake_device_plug("Loudspeaker", FALSE);
  fake_device_wait("Built-in Mic", TRUE, 10);
  fake_device_wait("Loudspeaker", FALSE, 10);
  rig_stop(own);
  rig_stop(other);
  g_assert_cmpuint(fake_device_users("Built-in Mic", TRUE), ==, 0);
  g_assert_cmpuint(fake_device_users("Loudspeaker", FALSE), ==, 0);
}

/* Either alone, and neither again: what was opened is closed, and the pads are free. */
static void
test_either(void)
{
  GstElement *other = rig_play(LIVE " ! wzpcall name=call " URI " ! " HEARD, port());
  GstElement *pipeline = rig_play(ASIDE "wzpcall name=call " URI " microphone=built", port());
  rig_wait_buffers(other, "heard", 20);
  g_assert_cmpuint(count(pipeline, "wzpecho"), ==, 0);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  g_object_set(call, "microphone", NULL, "speaker", "loud", NULL);
  for (guint round = 0; round < 2; round++) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    fake_device_wait("Loudspeaker", FALSE, 10);
    g_assert_cmpuint(count(pipeline, "wzpmicrophone"), ==, 0);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    g_assert_cmpuint(count(pipeline, "wzpspeaker"), ==, 0);
  }
  rig_stop(pipeline);
  rig_stop(other);
}

static void
test_choices(void)
{
  static const struct {
    const char *line;
    guint echo;
    gboolean gain;
  } lines[] = {
      {ASIDE "wzpcall name=call echo-cancel=off " OWN, 0, TRUE},
      {ASIDE "wzpcall name=call echo-cancel=speex " OWN, 1, TRUE},
      {LIVE " ! wzpcall name=call ! fakesink", 0, FALSE},
      {LIVE " ! wzpcall name=call echo-cancel=on gain-control=on ! fakesink", 1, TRUE},
      {LIVE " ! wzpcall name=call echo-cancel=on", 0, FALSE}, /* nothing is heard */
  };
  for (guint n = 0; n < G_N_ELEMENTS(lines); n++) {
    GstElement *pipeline = rig_parse("%s", lines[n].line);
    for (guint round = 0; round < 3; round++) {
      g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_READY), ==,
                      GST_STATE_CHANGE_SUCCESS);
      g_assert_cmpuint(count(pipeline, "wzpecho"), ==, lines[n].echo);
      expect_stats(pipeline, lines[n].echo > 0 ? "wzpecho" : "off", lines[n].gain);
      gst_element_set_state(pipeline, GST_STATE_NULL);
      g_assert_cmpuint(count(pipeline, "wzpecho"), ==, 0);
    }
    rig_stop(pipeline);
  }
}

static void
expect_error(const char *line, GQuark domain, int code, const char *word)
{
  GstElement *pipeline = rig_parse("%s", line);
  g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_READY), ==, GST_STATE_CHANGE_FAILURE);
  rig_wait_error(pipeline, domain, code, word);
  rig_stop(pipeline);
}

static void
test_errors(void)
{
  expect_error(ASIDE "wzpcall microphone=nobody", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
               "'Headset', 'Headset Mono', 'Built-in Mic'");
  expect_error(ASIDE "wzpcall speaker=nobody", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
               "no speaker is called 'nobody'");
  expect_error(LIVE " ! wzpcall " OWN, GST_CORE_ERROR, GST_CORE_ERROR_PAD, "pad 'sink' is linked");
  expect_error(ASIDE "wzpcall echo-cancel=webrtc " OWN, GST_CORE_ERROR,
               GST_CORE_ERROR_MISSING_PLUGIN, "webrtcdsp");
}

int
main(int argc, char **argv)
{
  static const RigCase cases[] = {
      {"devices", test_devices},
      {"either", test_either},
      {"choices", test_choices},
      {"errors", test_errors},
  };
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  fake_devices_register();
  return rig_run_cases("/wzpcall-ends/", cases, G_N_ELEMENTS(cases), &relay, NULL);
}
