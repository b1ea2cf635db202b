/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpmicrophone and wzpspeaker: which device a name means, and what happens when it goes away and comes back. */
#include "call-rig.h"
#include "fake-devices.h"
#include <string.h>

#define HEARD "fakesink name=heard async=false signal-handoffs=true"

static GstElement *
element_new(gboolean microphone, const char *name)
{
  GstElement *element = gst_element_factory_make(microphone ? "wzpmicrophone" : "wzpspeaker", NULL);
  g_assert_nonnull(element);
  g_object_set(element, "device", name, NULL);
  return gst_object_ref_sink(element);
}

static void
expect_device(gboolean microphone, const char *name, const char *device)
{
  gint64 buffer_time, latency_time;
  gboolean async;
  GstElement *element = element_new(microphone, name);
  g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
  g_assert_cmpuint(fake_device_users(device, microphone), ==, 1);
  fake_device_last(&buffer_time, &latency_time, &async);
  g_assert_cmpint(buffer_time, ==, 40000);
  g_assert_cmpint(latency_time, ==, 10000);
  g_assert_true(microphone || !async);
  gst_element_set_state(element, GST_STATE_NULL);
  g_assert_cmpuint(fake_device_users(device, microphone), ==, 0);
  gst_object_unref(element);
}

static void
expect_error(gboolean microphone, const char *name, const char *word)
{
  GstElement *element = element_new(microphone, name);
  g_autoptr(GstBus) bus = gst_bus_new();
  g_autoptr(GError) error = NULL;
  gst_element_set_bus(element, bus);
  g_assert_cmpint(gst_element_set_state(element, GST_STATE_READY), ==, GST_STATE_CHANGE_FAILURE);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  g_assert_nonnull(message);
  gst_message_parse_error(message, &error, NULL);
  g_assert_nonnull(strstr(error->message, word));
  gst_message_unref(message);
  gst_element_set_bus(element, NULL);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
}

static void
test_names(void)
{
  expect_device(TRUE, "Headset", "Headset"); /* and not the other one that has it in its name */
  expect_device(TRUE, "mono", "Headset Mono");
  expect_device(TRUE, "BUILT-IN", "Built-in Mic");
  expect_device(FALSE, "loud", "Loudspeaker");
  expect_error(FALSE, "Built-in", "'Loudspeaker', 'Headset'"); /* that is a microphone */
  expect_error(TRUE, "head", "'Headset', 'Headset Mono'");
  expect_error(TRUE, "Broken", "cannot be opened");
  expect_error(TRUE, "", "no microphone is called ''");
  fake_device_spoil("Headset", TRUE, 1);
  expect_error(TRUE, "Headset", "has no pad");
}

static void
wait_event(GstElement *pipeline, const char *event, const char *device)
{
  GstMessage *message = rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-device", NULL);
  const GstStructure *structure = gst_message_get_structure(message);
  g_assert_cmpstr(gst_structure_get_string(structure, "event"), ==, event);
  g_assert_cmpstr(gst_structure_get_string(structure, "device"), ==, device);
  gst_message_unref(message);
}

typedef struct {
  GMutex lock;
  GCond changed;
  guint silent, loud; /* buffers */
  GstClockTime last;
  gboolean backwards; /* time stamps went */
} Heard;

static void
hear(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Heard *heard = data;
  (void)sink;
  (void)pad;
  g_mutex_lock(&heard->lock);
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP))
    heard->silent++;
  else
    heard->loud++;
  if (GST_CLOCK_TIME_IS_VALID(heard->last))
    heard->backwards |= GST_BUFFER_PTS(buffer) + 30 * GST_MSECOND < heard->last;
  heard->last = GST_BUFFER_PTS(buffer);
  g_cond_broadcast(&heard->changed);
  g_mutex_unlock(&heard->lock);
}

static void
wait_for(Heard *heard, guint *what, guint n)
{
  gint64 end = g_get_monotonic_time() + RIG_PATIENCE / 1000;
  g_mutex_lock(&heard->lock);
  guint from = *what;
  while (*what < from + n)
    g_assert_true(g_cond_wait_until(&heard->changed, &heard->lock, end));
  g_mutex_unlock(&heard->lock);
}

static void
test_microphone_goes(void)
{
  Heard heard = {.last = GST_CLOCK_TIME_NONE};
  GstElement *pipeline = rig_parse("wzpmicrophone name=mic device=Headset ! " HEARD);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "heard");
  g_signal_connect(sink, "handoff", G_CALLBACK(hear), &heard);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  wait_for(&heard, &heard.loud, 5);
  for (guint round = 0; round < 3; round++) {
    if (round == 0) /* as with pulsesrc */
      fake_device_vanish("Headset", TRUE);
    else
      fake_device_unplug("Headset", TRUE);
    wait_event(pipeline, "lost", "Headset");
    rig_wait_warning(pipeline, "pulled out");
    wait_for(&heard, &heard.silent, 5); /* marked as such */
    fake_device_unplug("Built-in Mic", TRUE);
    fake_device_plug("Built-in Mic", TRUE); /* not the one that is named */
    wait_for(&heard, &heard.silent, 5);
    g_assert_cmpuint(fake_device_users("Built-in Mic", TRUE), ==, 0);
    fake_device_plug("Headset", TRUE);
    wait_event(pipeline, "taken", "Headset");
    wait_for(&heard, &heard.loud, 5);
  }
  g_assert_false(heard.backwards);
  /* the end that is asked for is one */
  gst_element_send_event(pipeline, gst_event_new_eos());
  gst_message_unref(rig_wait(pipeline, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(pipeline);
  g_assert_cmpuint(fake_device_users("Headset", TRUE), ==, 0);
}

static void
test_speaker_goes(void)
{
  GstElement *pipeline =
      rig_play("audiotestsrc is-live=true samplesperbuffer=480 ! "
               "audio/x-raw,format=S16LE,rate=48000,channels=1 ! tee name=t ! queue ! " HEARD
               " t. ! queue ! wzpspeaker device=loud");
  fake_device_wait("Loudspeaker", FALSE, 5);
  for (guint round = 0; round < 3; round++) {
    fake_device_unplug("Loudspeaker", FALSE);
    wait_event(pipeline, "lost", "loud");
    rig_wait_warning(pipeline, "pulled out");
    rig_wait_buffers(pipeline, "heard", 10); /* nobody else notices */
    fake_device_plug("Loudspeaker", FALSE);
    wait_event(pipeline, "taken", "Loudspeaker");
    fake_device_wait("Loudspeaker", FALSE, 5);
  }
  rig_stop(pipeline);
  g_assert_cmpuint(fake_device_users("Loudspeaker", FALSE), ==, 0);
}

/* Until a stand-in of the pipeline's speaker, another than *before, plays. */
static void
wait_stand_in(GstElement *pipeline, GstObject **before)
{
  for (gboolean plays = FALSE; !plays;) {
    GstState state;
    g_autoptr(GstMessage) message = rig_wait(pipeline, GST_MESSAGE_STATE_CHANGED, NULL, NULL);
    GstObject *source = GST_MESSAGE_SRC(message);
    gst_message_parse_state_changed(message, NULL, &state, NULL);
    plays = state == GST_STATE_PLAYING && source != *before &&
            g_str_has_prefix(GST_OBJECT_NAME(source), "fakesink");
    if (plays)
      gst_object_replace(before, source);
  }
}

/* One loudspeaker takes the place of another while the beginning of the stream is on its way to that: it gets it all the same. */
static void
test_speaker_begins(void)
{
  GstObject *stand_in = NULL;
  GstElement *pipeline = rig_play("audiotestsrc is-live=true samplesperbuffer=480 ! "
                                  "audio/x-raw,format=S16LE,rate=48000,channels=1 ! tee name=t ! "
                                  "queue ! " HEARD " t. ! queue ! wzpspeaker device=loud");
  fake_device_wait("Loudspeaker", FALSE, 5);
  fake_device_unplug("Loudspeaker", FALSE);
  wait_stand_in(pipeline, &stand_in);
  fake_device_hold("Loudspeaker");
  fake_device_plug("Loudspeaker", FALSE);
  fake_device_wait_held("Loudspeaker");
  fake_device_vanish("Loudspeaker", FALSE);
  wait_stand_in(pipeline, &stand_in);
  fake_device_let_go("Loudspeaker");
  rig_wait_buffers(pipeline, "heard", 10);
  fake_device_plug("Loudspeaker", FALSE);
  fake_device_wait("Loudspeaker", FALSE, 5);
  rig_stop(pipeline);
  g_assert_cmpuint(fake_device_users("Loudspeaker", FALSE), ==, 0);
  gst_clear_object(&stand_in);
}

/* A device that fails, but is still there, is tried again, later each time. It is told once that it is gone, and that it is
 * back when it works. */
static void
test_fails(void)
{
  Heard heard = {.last = GST_CLOCK_TIME_NONE};
  GstElement *pipeline =
      rig_parse("wzpmicrophone name=mic device=Headset ! tee name=t ! queue ! " HEARD
                " t. ! queue ! wzpspeaker device=loud");
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "heard");
  g_signal_connect(sink, "handoff", G_CALLBACK(hear), &heard);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  wait_for(&heard, &heard.loud, 5);
  const guint microphones = fake_device_opened("Headset", TRUE);
  fake_device_fail("Headset", TRUE, 2);
  wait_event(pipeline, "lost", "Headset");
  rig_wait_warning(pipeline, "out of order");
  wait_for(&heard, &heard.silent, 5);
  wait_event(pipeline, "taken", "Headset");
  wait_for(&heard, &heard.loud, 5);
  g_assert_cmpuint(fake_device_opened("Headset", TRUE), ==, microphones + 2);

  fake_device_wait("Loudspeaker", FALSE, 5);
  const guint speakers = fake_device_opened("Loudspeaker", FALSE);
  fake_device_fail("Loudspeaker", FALSE, 1);
  wait_event(pipeline, "lost", "loud");
  wait_event(pipeline, "taken", "Loudspeaker");
  fake_device_wait("Loudspeaker", FALSE, 5);
  g_assert_cmpuint(fake_device_opened("Loudspeaker", FALSE), ==, speakers + 1);

  /* it stops while the next try is due */
  fake_device_fail("Headset", TRUE, 1);
  wait_event(pipeline, "lost", "Headset");
  rig_stop(pipeline);
  g_assert_false(heard.backwards);
  g_assert_cmpuint(fake_device_users("Headset", TRUE), ==, 0);
  g_assert_cmpuint(fake_device_users("Loudspeaker", FALSE), ==, 0);
}

/* What a device gives cannot be used: what stands in goes on, and it is tried again. */
static void
test_unusable(void)
{
  Heard heard = {.last = GST_CLOCK_TIME_NONE};
  GstElement *pipeline = rig_parse("wzpmicrophone name=mic device=Headset ! " HEARD);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "heard");
  g_autoptr(GstElement) microphone = gst_bin_get_by_name(GST_BIN(pipeline), "mic");
  g_signal_connect(sink, "handoff", G_CALLBACK(hear), &heard);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  wait_for(&heard, &heard.loud, 5);
  fake_device_unplug("Headset", TRUE);
  wait_event(pipeline, "lost", "Headset");
  wait_for(&heard, &heard.silent, 5);
  fake_device_spoil("Headset", TRUE, 2);
  fake_device_plug("Headset", TRUE);
  wait_event(pipeline, "taken", "Headset");
  wait_for(&heard, &heard.loud, 5);
  g_assert_cmpint(GST_BIN_NUMCHILDREN(microphone), ==, 1);
  rig_stop(pipeline);
  g_assert_cmpuint(fake_device_users("Headset", TRUE), ==, 0);
}

/* A device that fails before it ever worked is an error, and so it stops the pipeline. */
static void
test_never_worked(void)
{
  GstElement *pipeline = rig_parse("wzpmicrophone device=mono ! " HEARD);
  gst_element_set_state(pipeline, GST_STATE_READY);
  fake_device_unplug("Headset Mono", TRUE);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  rig_wait_error(pipeline, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "pulled out");
  fake_device_plug("Headset Mono", TRUE);
  rig_stop(pipeline);
}

/* The pipeline stops at any moment of an exchange. */
static void
test_stops_meanwhile(void)
{
  for (guint round = 0; round < 20; round++) {
    GstElement *pipeline = rig_play("wzpmicrophone device=Headset ! " HEARD
                                    " audiotestsrc is-live=true samplesperbuffer=480 ! "
                                    "audio/x-raw,format=S16LE,rate=48000,channels=1 ! "
                                    "wzpspeaker device=Loudspeaker");
    fake_device_wait("Headset", TRUE, 2);
    fake_device_wait("Loudspeaker", FALSE, 3);
    fake_device_unplug("Headset", TRUE);
    fake_device_unplug("Loudspeaker", FALSE);
    if (round % 2 == 0) /* of either */
      gst_message_unref(rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-device", NULL));
    fake_device_plug("Headset", TRUE);
    fake_device_plug("Loudspeaker", FALSE);
    rig_stop(pipeline);
    g_assert_cmpuint(fake_device_users("Headset", TRUE), ==, 0);
    g_assert_cmpuint(fake_device_users("Loudspeaker", FALSE), ==, 0);
  }
}

/* No device that the system prefers: that is said, and one that comes, or is there all the same, is taken. */
static void
test_none(void)
{
  Heard heard = {.last = GST_CLOCK_TIME_NONE};
  GstElement *pipeline = rig_parse("wzpmicrophone ! " HEARD);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "heard");
  g_signal_connect(sink, "handoff", G_CALLBACK(hear), &heard);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  rig_wait_warning(pipeline, "There is no microphone that works");
  g_autoptr(GstMessage) taken = rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-device", NULL);
  g_assert_cmpstr(gst_structure_get_string(gst_message_get_structure(taken), "event"), ==, "taken");
  wait_for(&heard, &heard.loud, 5);
  rig_stop(pipeline);
}

/* Holds the exchange of the element until the end is on its way to PLAYING. */
static void
wait_until_it_plays(GstBin *end, GstElement *element, gpointer data)
{
  Heard *heard = data;
  if (gst_element_get_factory(element) != NULL) /* it only stands in */
    return;
  g_mutex_lock(&heard->lock);
  heard->silent++;
  g_cond_broadcast(&heard->changed);
  g_mutex_unlock(&heard->lock);
  for (gboolean plays = FALSE; !plays; g_thread_yield()) {
    GST_OBJECT_LOCK(end);
    plays = GST_STATE_PENDING(end) == GST_STATE_PLAYING;
    GST_OBJECT_UNLOCK(end);
  }
}

/* A device is taken while the pipeline begins to play: its sound has the time of the pipeline. */
static void
test_taken_on_the_way(void)
{
  Heard heard = {.last = GST_CLOCK_TIME_NONE}, held = {0};
  GstElement *pipeline = rig_parse("wzpmicrophone name=mic ! " HEARD);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "heard");
  g_autoptr(GstElement) microphone = gst_bin_get_by_name(GST_BIN(pipeline), "mic");
  g_signal_connect(sink, "handoff", G_CALLBACK(hear), &heard);
  g_signal_connect(microphone, "element-added", G_CALLBACK(wait_until_it_plays), &held);
  gst_element_set_state(pipeline, GST_STATE_PAUSED);
  g_mutex_lock(&held.lock);
  while (held.silent == 0)
    g_cond_wait(&held.changed, &held.lock);
  g_mutex_unlock(&held.lock);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  wait_for(&heard, &heard.loud, 1);
  g_mutex_lock(&heard.lock);
  g_assert_cmpuint(heard.last, <, GST_SECOND * 60); /* and not since the machine is on */
  g_mutex_unlock(&heard.lock);
  rig_stop(pipeline);
}

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  fake_devices_register();
  g_test_add_func("/wzpaudioend/names", test_names);
  g_test_add_func("/wzpaudioend/microphone-goes", test_microphone_goes);
  g_test_add_func("/wzpaudioend/speaker-goes", test_speaker_goes);
  g_test_add_func("/wzpaudioend/speaker-begins", test_speaker_begins);
  g_test_add_func("/wzpaudioend/fails", test_fails);
  g_test_add_func("/wzpaudioend/unusable", test_unusable);
  g_test_add_func("/wzpaudioend/never-worked", test_never_worked);
  g_test_add_func("/wzpaudioend/none", test_none);
  g_test_add_func("/wzpaudioend/taken-on-the-way", test_taken_on_the_way);
  g_test_add_func("/wzpaudioend/stops-meanwhile", test_stops_meanwhile);
  return g_test_run();
}
