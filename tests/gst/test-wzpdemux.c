/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"
#include <stdio.h>
#include "wzp/packet.h"

/* The room: each pad that comes gets a harness of its own behind it, as an application would link it. */
typedef struct {
  GstHarness *h;
  GstHarness *senders[WZP_SLOT_MAX + 1];
  guint added, removed;
  gboolean link;
} Room;

static void
pad_added(GstElement *element, GstPad *pad, gpointer data)
{
  Room *room = data;
  guint slot;
  room->added++;
  g_assert_cmpint(sscanf(GST_PAD_NAME(pad), "src_%u", &slot), ==, 1);
  if (!room->link)
    return;
  room->senders[slot] = gst_harness_new_with_element(element, NULL, GST_PAD_NAME(pad));
}

static void
pad_removed(GstElement *element, GstPad *pad, gpointer data)
{
  (void)element;
  (void)pad;
  ((Room *)data)->removed++;
}

static void
room_init(Room *room)
{
  *room = (Room){.link = TRUE};
  room->h = gst_harness_new_with_padnames("wzpdemux", "sink", NULL);
  g_signal_connect(room->h->element, "pad-added", G_CALLBACK(pad_added), room);
  g_signal_connect(room->h->element, "pad-removed", G_CALLBACK(pad_removed), room);
  gst_harness_set_src_caps_str(room->h, GST_WZP_CAPS_SEALED);
}

static void
room_clear(Room *room)
{
  g_signal_handlers_disconnect_by_data(room->h->element, room);
  for (guint slot = 0; slot <= WZP_SLOT_MAX; slot++) {
    if (room->senders[slot] != NULL)
      gst_harness_teardown(room->senders[slot]);
  }
  gst_harness_teardown(room->h);
}

static GstBuffer *
packet(guint8 slot, guint16 seq, GstClockTime arrival)
{
  WzpHeader header = {.code = 0, .slot = slot, .seq = seq};
  guint8 bytes[40] = {0};
  wzp_header_write(&header, bytes);
  GstBuffer *buffer = gst_buffer_new_memdup(bytes, sizeof bytes);
  GST_BUFFER_PTS(buffer) = arrival;
  return buffer;
}

static void
push(Room *room, guint8 slot, guint16 seq, GstClockTime arrival)
{
  g_assert_cmpint(gst_harness_push(room->h, packet(slot, seq, arrival)), ==, GST_FLOW_OK);
}

static void
assert_stream(GstHarness *h, const char *id_end)
{
  static const GstEventType order[] = {GST_EVENT_STREAM_START, GST_EVENT_CAPS, GST_EVENT_SEGMENT};
  for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
    GstEvent *event = gst_harness_pull_event(h);
    g_assert_cmpstr(GST_EVENT_TYPE_NAME(event), ==, gst_event_type_get_name(order[i]));
    if (i == 0) {
      const gchar *id;
      gst_event_parse_stream_start(event, &id);
      g_assert_true(g_str_has_suffix(id, id_end));
    }
    gst_event_unref(event);
  }
}

static void
test_senders(void)
{
  Room room;
  room_init(&room);
  for (guint16 seq = 0; seq < 10; seq++) {
    push(&room, 3, seq, seq * 20 * GST_MSECOND);
    push(&room, 249, seq, seq * 20 * GST_MSECOND);
  }
  g_assert_cmpuint(room.added, ==, 2);
  static const guint8 slots[] = {3, 249};
  for (guint i = 0; i < 2; i++) {
    GstHarness *h = room.senders[slots[i]];
    g_assert_nonnull(h);
    g_assert_cmpuint(gst_harness_buffers_received(h), ==, 10);
    assert_stream(h, i == 0 ? "/slot-003" : "/slot-249");
    for (guint16 seq = 0; seq < 10; seq++) {
      guint8 start[4];
      GstBuffer *buffer = gst_harness_pull(h);
      gst_buffer_extract(buffer, 0, start, sizeof start);
      g_assert_cmpuint(start[1], ==, slots[i]);
      g_assert_cmpuint(start[3], ==, seq);
      gst_buffer_unref(buffer);
    }
    test_assert_caps(h, GST_WZP_CAPS_SEALED);
  }
  test_assert_stats_name(room.h->element, "application/x-wzp-demux-stats");
  g_assert_cmpuint(test_stat(room.h->element, "senders"), ==, 2);
  g_assert_cmpuint(test_stat(room.h->element, "packets"), ==, 20);
  room_clear(&room);
}

static void
leave(Room *room, guint slot)
{
  GstStructure *structure = gst_structure_new("wzp-member-left", "slot", G_TYPE_UINT, slot, NULL);
  g_assert_true(gst_harness_push_event(
      room->h, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, structure)));
}

static void
test_member_left(void)
{
  Room room;
  room_init(&room);
  push(&room, 1, 0, 0);
  push(&room, 2, 0, 0);
  leave(&room, 7); /* never spoke */
  g_assert_cmpuint(room.removed, ==, 0);
  leave(&room, 1);
  g_assert_cmpuint(room.removed, ==, 1);
  g_assert_cmpuint(test_stat(room.h->element, "senders"), ==, 1);
  GstEvent *event = test_try_event(room.senders[1], GST_EVENT_CUSTOM_DOWNSTREAM);
  g_assert_nonnull(event);
  gst_event_unref(event);
  event = test_try_event(room.senders[1], GST_EVENT_EOS);
  g_assert_nonnull(event);
  gst_event_unref(event);
  g_assert_null(test_try_event(room.senders[2], GST_EVENT_EOS));

  /* somebody else gets the slot: a new pad */
  gst_harness_teardown(room.senders[1]);
  push(&room, 1, 500, GST_SECOND);
  g_assert_cmpuint(room.added, ==, 3);
  g_assert_cmpuint(gst_harness_buffers_received(room.senders[1]), ==, 1);
  room_clear(&room);
}

static void
test_max_pads(void)
{
  Room room;
  room_init(&room);
  room.link = FALSE;
  g_object_set(room.h->element, "max-pads", 2, NULL);
  push(&room, 1, 0, 0);
  push(&room, 2, 0, 10 * GST_SECOND);
  push(&room, 3, 0, 20 * GST_SECOND);
  g_assert_cmpuint(room.added, ==, 2);
  g_assert_cmpuint(test_stat(room.h->element, "refused"), ==, 1);
  /* 30 s after its last packet the first one's place is free */
  push(&room, 3, 1, 30 * GST_SECOND - 1);
  g_assert_cmpuint(test_stat(room.h->element, "refused"), ==, 2);
  push(&room, 3, 2, 30 * GST_SECOND);
  g_assert_cmpuint(room.added, ==, 3);
  g_assert_cmpuint(room.removed, ==, 1);
  g_assert_cmpuint(test_stat(room.h->element, "senders"), ==, 2);
  room_clear(&room);
}

static void
test_malformed(void)
{
  static const guint8 packets[][4] = {
      {0x00, 1, 0, 0}, {0x44, 1, 0, 0}, {0xcb, 1, 0, 0}, {0xc0, 250, 0, 0}, {0x80, 1, 0, 0}};
  Room room;
  room_init(&room);
  for (guint i = 0; i < G_N_ELEMENTS(packets); i++) {
    GstBuffer *buffer = gst_buffer_new_memdup(packets[i], 4);
    g_assert_cmpint(gst_harness_push(room.h, buffer), ==, GST_FLOW_OK);
  }
  g_assert_cmpint(gst_harness_push(room.h, gst_buffer_new()), ==, GST_FLOW_OK);
  g_assert_cmpuint(room.added, ==, 0);
  g_assert_cmpuint(test_stat(room.h->element, "malformed"), ==, 6);
  room_clear(&room);
}

/* Who comes in is not ours to decide; that nobody listens to him ends nothing. */
static void
test_unlinked(void)
{
  Room room;
  room_init(&room);
  room.link = FALSE;
  push(&room, 1, 0, 0);
  push(&room, 1, 1, 0);
  g_assert_cmpuint(test_stat(room.h->element, "unlinked"), ==, 2);
  room_clear(&room);
}

static void
test_end_flush_and_renegotiation(void)
{
  Room room;
  room_init(&room);
  push(&room, 1, 0, 0);
  push(&room, 2, 0, 0);
  test_flush(room.h);
  push(&room, 1, 1, 0);
  GstCaps *caps = gst_caps_from_string(GST_WZP_CAPS_SEALED);
  g_assert_true(gst_harness_push_event(room.h, gst_event_new_caps(caps)));
  gst_caps_unref(caps);
  push(&room, 2, 1, 0);
  g_assert_cmpuint(gst_harness_buffers_received(room.senders[1]), ==, 2);
  g_assert_cmpuint(gst_harness_buffers_received(room.senders[2]), ==, 2);
  g_assert_true(gst_harness_push_event(room.h, gst_event_new_eos()));
  for (guint slot = 1; slot <= 2; slot++) {
    GstEvent *event = test_try_event(room.senders[slot], GST_EVENT_FLUSH_STOP);
    g_assert_nonnull(event);
    gst_event_unref(event);
    event = test_try_event(room.senders[slot], GST_EVENT_EOS);
    g_assert_nonnull(event);
    gst_event_unref(event);
  }
  room_clear(&room);
}

static void
test_latency(void)
{
  Room room;
  room_init(&room);
  gst_harness_set_upstream_latency(room.h, 30 * GST_MSECOND);
  push(&room, 1, 0, 0);
  g_assert_cmpuint(gst_harness_query_latency(room.senders[1]), ==, 30 * GST_MSECOND);
  room_clear(&room);
}

static void
test_refuses_caps(void)
{
  GstHarness *h = gst_harness_new_with_padnames("wzpdemux", "sink", NULL);
  test_assert_refuses(h, GST_WZP_CAPS_BUNDLES);
  test_assert_refuses(h, GST_WZP_CAPS_FRAMES);
  gst_harness_teardown(h);
}

static void
test_property(void)
{
  GstElement *element = gst_element_factory_make("wzpdemux", NULL);
  GParamSpecUInt *spec =
      G_PARAM_SPEC_UINT(g_object_class_find_property(G_OBJECT_GET_CLASS(element), "max-pads"));
  guint value = 0;
  g_assert_cmpuint(spec->minimum, ==, 1);
  g_assert_cmpuint(spec->maximum, ==, 250);
  g_object_get(element, "max-pads", &value, NULL);
  g_assert_cmpuint(value, ==, 64);
  gst_object_unref(element);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/wzpdemux/senders", test_senders);
  g_test_add_func("/wzpdemux/member-left", test_member_left);
  g_test_add_func("/wzpdemux/max-pads", test_max_pads);
  g_test_add_func("/wzpdemux/malformed", test_malformed);
  g_test_add_func("/wzpdemux/unlinked", test_unlinked);
  g_test_add_func("/wzpdemux/end-flush-renegotiation", test_end_flush_and_renegotiation);
  g_test_add_func("/wzpdemux/latency", test_latency);
  g_test_add_func("/wzpdemux/refuses-caps", test_refuses_caps);
  g_test_add_func("/wzpdemux/property", test_property);
  return test_run();
}
