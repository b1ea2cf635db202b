/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpcall in rooms of many: a branch per sender, who is heard and who is not. */
#include "room-rig.h"
#include "wzp/profile.h"
#include <gst/check/gsttestclock.h>

#define TALKERS 16

static RigRelay *relay;

/* The ones who talk, all in the same fifth of a second, and no other of the first `of`. */
typedef struct {
  Ears *ears;
  unsigned of;
} Expected;

static bool
just_they_are_heard(Room *room, gpointer data)
{
  const Expected *expected = data;
  for (unsigned n = 0; n < expected->of; n++) {
    if (n < room->n_talking ? !ears_hear(expected->ears, room_frequency(n))
                            : !ears_miss(expected->ears, room_frequency(n)))
      return false;
  }
  return true;
}

static bool
is_quiet(Room *room, gpointer ears)
{
  for (unsigned n = 0; n < room->n_talking; n++)
    if (!ears_miss(ears, room_frequency(n)))
      return false;
  return true;
}

static unsigned
children(const Room *room)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(room->pipeline), "call");
  return (unsigned)GST_BIN_NUMCHILDREN(call);
}

/* A branch goes a moment after its voice. */
static bool
has_children(Room *room, gpointer number)
{
  return children(room) == GPOINTER_TO_UINT(number);
}

static GstClockTime
latency_of(GstElement *pipeline)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  g_autoptr(GstPad) pad = gst_element_get_static_pad(call, "src");
  g_autoptr(GstQuery) query = gst_query_new_latency();
  GstClockTime latency = GST_CLOCK_TIME_NONE;
  gboolean live = FALSE;
  g_assert_true(gst_pad_query(pad, query));
  gst_query_parse_latency(query, &live, &latency, NULL);
  g_assert_true(live);
  return latency;
}

/* The first two turns in which the call says what it hears. */
static bool
has_reported(Room *room, gpointer data)
{
  (void)data;
  return room->peers[0]->report_packets >= 2;
}

/* Sixteen of sixty-three others talk at once, and each of them is heard. Then half of them leave. */
static void
test_talkers(void)
{
  Room room;
  room_begin(
      &room, rig_relay_port(relay),
      rig_play("wzpcall name=call " ROOM_URI " ! " ROOM_HEARD, rig_relay_port(relay), "heard"),
      TALKERS);
  Ears *ears = ears_listen(room.pipeline, "heard");
  rig_wait_state(room.pipeline, "call", "waiting");
  g_assert_cmpuint(latency_of(room.pipeline), ==, 20 * GST_MSECOND);
  for (unsigned n = 1; n < ROOM_MEMBERS; n++)
    room_add_peer(&room);
  room_run(&room, room_is_full, NULL);
  g_assert_cmpuint(rig_counter(room.pipeline, "call", "voices"), ==, 0);

  Expected expected = {ears, TALKERS};
  room.n_talking = TALKERS;
  room_run(&room, just_they_are_heard, &expected);
  g_assert_cmpuint(rig_counter(room.pipeline, "call", "voices"), ==, TALKERS);
  g_assert_true(ears_miss(ears, room_frequency(TALKERS)));
  g_assert_cmpuint(latency_of(room.pipeline), ==, 20 * GST_MSECOND);
  room_run(&room, has_reported, NULL);
  g_assert_cmpuint(room.peers[0]->reports, >=, TALKERS); /* all it has to say, in few packets */

  for (unsigned n = TALKERS / 2; n < TALKERS; n++) {
    wzp_call_leave(room.peers[n]->call, g_get_monotonic_time());
    room.peers[n]->timestamp = 0;
  }
  room.n_talking = TALKERS / 2;
  room_run(&room, just_they_are_heard, &expected);
  room_run(&room, room_has_voices, GUINT_TO_POINTER(TALKERS / 2));
  g_assert_cmpuint(room_members(&room), ==, ROOM_MEMBERS - 1 - TALKERS / 2);
  room_end(&room);
  ears_free(ears);
}

/* Members come, speak and go: nothing of them stays, and the sound goes on without a hole. */
static void
test_come_and_go(void)
{
  Room room;
  room_begin(
      &room, rig_relay_port(relay),
      rig_play("wzpcall name=call " ROOM_URI " ! " ROOM_HEARD, rig_relay_port(relay), "heard"), 2);
  Ears *ears = ears_listen(room.pipeline, "heard");
  rig_wait_state(room.pipeline, "call", "waiting");
  unsigned before = children(&room);
  room_add_peer(&room);
  room_run(&room, room_is_full, NULL);
  room.n_talking = 1;
  room_run(&room, room_has_voices, GUINT_TO_POINTER(1));
  for (unsigned round = 0; round < 8; round++) {
    RelayPeer *guest = room_add_peer(&room);
    room.n_talking = 2;
    room_run(&room, room_has_voices, GUINT_TO_POINTER(2));
    wzp_call_leave(guest->call, g_get_monotonic_time());
    relay_peers_run_for(room.peers, 2, 20 * WZP_MSEC);
    room.n_talking = 1;
    room_run(&room, room_has_voices, GUINT_TO_POINTER(1));
    relay_peer_free(room.peers[--room.n_peers]);
  }
  room_run(&room, has_children, GUINT_TO_POINTER(before + 1));
  wzp_call_leave(room.peers[0]->call, g_get_monotonic_time());
  room.n_talking = 0;
  room_run(&room, room_has_voices, GUINT_TO_POINTER(0));
  room_run(&room, has_children, GUINT_TO_POINTER(before));
  guint64 heard = ears_count(ears);
  rig_wait_buffers(room.pipeline, "heard", 20);
  g_mutex_lock(&ears->lock);
  g_assert_cmpuint(ears->count, >, heard);
  g_assert_cmpuint(ears->holes, ==, 0);
  g_mutex_unlock(&ears->lock);
  room_end(&room);
  ears_free(ears);
}

static GstPadProbeReturn
note_end(GstPad *pad, GstPadProbeInfo *info, gpointer ended)
{
  (void)pad;
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
    g_atomic_int_set((gint *)ended, TRUE);
  return GST_PAD_PROBE_OK;
}

/* ended: when the mix has been given all that the only voice has. */
static void
watch_voice_end(const Room *room, gint *ended)
{
  g_autoptr(GstIterator) each =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(room->pipeline), "wzpdec");
  GValue value = G_VALUE_INIT;
  g_assert_cmpint(gst_iterator_next(each, &value), ==, GST_ITERATOR_OK);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(g_value_get_object(&value), "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, note_end, ended, NULL);
  g_value_unset(&value);
}

static bool
is_set(Room *room, gpointer flag)
{
  (void)room;
  return g_atomic_int_get((gint *)flag);
}

static bool
has_received(Room *room, gpointer frames)
{
  return rig_counter(room->pipeline, "call", "frames-received") == GPOINTER_TO_UINT(frames);
}

/* Who leaves is heard to the end, though others stay: what he said last waits in the mix for its turn. No time passes
 * but that of the test, so all of it waits there when he is gone. */
static void
test_last_words(void)
{
  enum { SAID = 20 }; /* less than the latency */
  Room room;
  GstElement *pipeline = rig_parse("wzpcall name=call latency=500 " ROOM_URI " ! " ROOM_HEARD,
                                   rig_relay_port(relay), "heard");
  g_autoptr(GstTestClock) clock =
      GST_TEST_CLOCK(gst_test_clock_new_with_start_time(10 * GST_SECOND));
  gst_pipeline_use_clock(GST_PIPELINE(pipeline), GST_CLOCK(clock));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  room_begin(&room, rig_relay_port(relay), pipeline, 1);
  Ears *ears = ears_listen(pipeline, "heard");
  rig_wait_state(pipeline, "call", "waiting");
  for (unsigned n = 0; n < 2; n++)
    room_add_peer(&room);
  room_run(&room, room_is_full, NULL);
  gst_test_clock_advance_time(clock, SAID * 20 * GST_MSECOND);
  for (unsigned n = 0; n < SAID; n++)
    relay_peer_say(room.peers[0], room.tones[0].bundles[n], sizeof room.tones[0].bundles[n]);
  room_run(&room, has_received, GUINT_TO_POINTER(SAID));
  gint ended = FALSE;
  watch_voice_end(&room, &ended);
  wzp_call_leave(room.peers[0]->call, g_get_monotonic_time());
  room_run(&room, is_set, &ended);

  while (ears_count(ears) < SAID * ROOM_FRAME) {
    g_assert_cmpuint(rig_counter(pipeline, "call", "voices"), ==, 1);
    g_assert_true(gst_test_clock_crank(clock));
  }
  g_assert_true(ears_hear(ears, room_frequency(0)));
  while (ears_count(ears) < SAID * ROOM_FRAME + ROOM_WINDOW)
    g_assert_true(gst_test_clock_crank(clock));
  g_assert_true(ears_miss(ears, room_frequency(0)));
  room_run(&room, room_has_voices, GUINT_TO_POINTER(0));
  room_end(&room);
  ears_free(ears);
}

/* A relay that starts again gives out its slots anew: nobody is taken for who was there before. */
static void
test_relay_restarted(void)
{
  Room room;
  unsigned port = rig_relay_port(relay);
  room_begin(&room, rig_relay_port(relay),
             rig_play("wzpcall name=call " ROOM_URI " ! " ROOM_HEARD, port, "heard"), 3);
  Ears *ears = ears_listen(room.pipeline, "heard");
  Expected expected = {ears, 3};
  rig_wait_state(room.pipeline, "call", "waiting");
  for (unsigned n = 0; n < 3; n++) {
    room_add_peer(&room);
    room_run(&room, room_is_full, NULL);
  }
  /* their streams are of different age: one cannot be taken for the other's continuation */
  for (unsigned n = 0; n < 3; n++)
    for (unsigned i = 0; i < n * 150; i++)
      relay_peer_say(room.peers[n], room.tones[n].bundles[i % ROOM_TONES], 61);
  room.n_talking = 3;
  room_run(&room, just_they_are_heard, &expected);
  for (unsigned round = 0; round < 2; round++) {
    rig_relay_kill(relay);
    room_run(&room, is_quiet, ears);
    relay = rig_relay_start("relay", port);
    room_run(&room, just_they_are_heard, &expected);
  }
  room_end(&room);
  ears_free(ears);
}

/* Of the call's sending wzpfec. */
static GstStructure *
stats_of_protector(GstElement *pipeline)
{
  g_autoptr(GstIterator) each =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline), "wzpfec");
  GValue value = G_VALUE_INIT;
  GstStructure *found = NULL;
  GstIteratorResult result;
  while ((result = gst_iterator_next(each, &value)) != GST_ITERATOR_DONE) {
    g_autoptr(GstStructure) stats = NULL;
    if (result == GST_ITERATOR_RESYNC) { /* somebody comes or goes */
      gst_iterator_resync(each);
      continue;
    }
    g_object_get(g_value_get_object(&value), "stats", &stats, NULL);
    if (found == NULL && gst_structure_has_field(stats, "reports-handled"))
      found = g_steal_pointer(&stats);
    g_value_unset(&value);
  }
  g_assert_nonnull(found);
  return found;
}

static guint64
reports_planned_by(GstElement *pipeline)
{
  g_autoptr(GstStructure) stats = stats_of_protector(pipeline);
  guint64 reports;
  g_assert_true(gst_structure_get_uint64(stats, "reports-handled", &reports));
  return reports;
}

static void
wait_heard(GstElement *pipeline, Ears *ears, bool heard)
{
  gint64 end = g_get_monotonic_time() + (gint64)(RIG_PATIENCE / GST_USECOND);
  while (heard ? !ears_hear(ears, room_frequency(0)) : !ears_miss(ears, room_frequency(0))) {
    g_assert_cmpint(g_get_monotonic_time(), <, end);
    rig_wait_buffers(pipeline, "heard", 5);
  }
}

/* One speaks, three listen, each a pipeline of its own; one of them goes, and another one comes. */
static void
test_listeners(void)
{
  enum { LISTENERS = 4, AT_ONCE = 3 };
  GstElement *listeners[LISTENERS];
  Ears *ears[LISTENERS];
  unsigned port = rig_relay_port(relay);
  GstElement *speaker = rig_play("audiotestsrc is-live=true freq=%u volume=0.1 ! "
                                 "wzpcall name=call dtx=false " ROOM_URI " ! fakesink",
                                 room_frequency(0), port);
  for (unsigned n = 0; n < LISTENERS; n++) {
    if (n == AT_ONCE)
      rig_stop(listeners[0]);
    listeners[n] = rig_play("wzpcall name=call " ROOM_URI " ! " ROOM_HEARD, port, "heard");
    ears[n] = ears_listen(listeners[n], "heard");
    rig_wait_state(listeners[n], "call", "active");
    for (unsigned i = n == AT_ONCE ? 1 : 0; i <= n; i++)
      wait_heard(listeners[i], ears[i], true);
  }
  for (gint64 end = g_get_monotonic_time() + (gint64)(RIG_PATIENCE / GST_USECOND);
       reports_planned_by(speaker) == 0;) {
    g_assert_cmpint(g_get_monotonic_time(), <, end);
    rig_wait_buffers(listeners[1], "heard", 5);
  }
  rig_stop(speaker);
  for (unsigned n = 1; n < LISTENERS; n++) {
    wait_heard(listeners[n], ears[n], false);
    rig_stop(listeners[n]);
  }
  for (unsigned n = 0; n < LISTENERS; n++)
    ears_free(ears[n]);
}

/* One who hears the call and says how well. */
typedef struct {
  RelayPeer *peer;
  WzpReception *reception;
  unsigned loses; /* one of so many packets on the way to it; 0: none */
  uint8_t slot;   /* the call's */
} Listener;

static void
take_packet(void *user, const WzpOpened *opened)
{
  Listener *listener = user;
  if (opened->header.code == WZP_CODE_NO_AUDIO)
    return;
  listener->slot = opened->header.slot;
  if (listener->loses == 0 || opened->index % listener->loses != 0)
    wzp_reception_packet(listener->reception, g_get_monotonic_time(), opened->index);
  else
    wzp_reception_unrepaired(listener->reception, 1);
}

static void
report(Listener *listener)
{
  WzpReport report;
  if (!wzp_reception_report(listener->reception, g_get_monotonic_time(), &report))
    return;
  report.slot = listener->slot;
  relay_peer_report(listener->peer, &report);
}

/* Whether the verdict is that a listener loses, so much is said to be lost, and repair is planned for about as much. */
static bool
is_said(const Room *room, bool listener_loses, double least, double most)
{
  g_autoptr(GstStructure) stats = stats_of_protector(room->pipeline);
  double lost, planned;
  g_assert_true(gst_structure_get_double(stats, "uplink-loss", &lost));
  g_assert_true(gst_structure_get_double(stats, "loss", &planned));
  return listener_loses ==
             (g_strcmp0(gst_structure_get_string(stats, "verdict"), "listener-loses") == 0) &&
         lost >= least && lost <= most && planned >= least / 2 && planned <= most;
}

static bool
weakest_is_known(Room *room, gpointer listeners)
{
  for (unsigned n = 0; n < 2; n++)
    report((Listener *)listeners + n);
  return is_said(room, true, 0.2, 1);
}

static bool
nobody_loses(Room *room, gpointer data)
{
  (void)data;
  return is_said(room, false, 0, 0.05);
}

/* In a room of three one hears badly, and is spoken for. When it leaves, that is over at once: the other one need not
 * say a word. */
static void
test_weakest_leaves(void)
{
  Room room;
  Listener listeners[2] = {{.loses = 3}, {.loses = 0}};
  room_begin(&room, rig_relay_port(relay),
             rig_play("audiotestsrc is-live=true volume=0.1 ! wzpcall name=call dtx=false " ROOM_URI
                      " ! fakesink",
                      rig_relay_port(relay)),
             0);
  rig_wait_state(room.pipeline, "call", "waiting");
  for (unsigned n = 0; n < 2; n++) {
    listeners[n].peer = room_add_peer(&room);
    listeners[n].reception = wzp_reception_new();
    listeners[n].peer->heard = take_packet;
    listeners[n].peer->user = &listeners[n];
  }
  room_run(&room, room_is_full, NULL);
  room_run(&room, weakest_is_known, listeners);
  wzp_call_leave(listeners[0].peer->call, g_get_monotonic_time());
  room_run(&room, nobody_loses, NULL);
  room_end(&room);
  for (unsigned n = 0; n < 2; n++)
    wzp_reception_free(listeners[n].reception);
}

static void
wait_code(GstElement *pipeline, unsigned members)
{
  unsigned told = 0;
  while (told != members) {
    g_autoptr(GstMessage) message =
        rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-room-code", "call");
    g_assert_true(gst_structure_get_uint(gst_message_get_structure(message), "members", &told));
  }
}

/* Two who see the same members have the same words to compare, and others when somebody came. */
static void
test_code(void)
{
  GstElement *calls[3];
  char *codes[4];
  for (unsigned n = 0; n < 2; n++)
    calls[n] = rig_play("wzpcall name=call " ROOM_URI " ! fakesink", rig_relay_port(relay));
  for (unsigned n = 0; n < 2; n++) {
    wait_code(calls[n], 2);
    codes[n] = rig_string(calls[n], "call", "room-code");
    g_assert_nonnull(codes[n]);
  }
  g_assert_cmpstr(codes[0], ==, codes[1]);
  calls[2] = rig_play("wzpcall name=call " ROOM_URI " ! fakesink", rig_relay_port(relay));
  wait_code(calls[0], 3);
  wait_code(calls[2], 3);
  codes[2] = rig_string(calls[0], "call", "room-code");
  codes[3] = rig_string(calls[2], "call", "room-code");
  g_assert_cmpstr(codes[2], ==, codes[3]);
  g_assert_cmpstr(codes[2], !=, codes[0]);
  for (unsigned n = 0; n < G_N_ELEMENTS(codes); n++)
    g_free(codes[n]);
  for (unsigned n = 0; n < 3; n++)
    rig_stop(calls[n]);
}

static const RigCase cases[] = {
    {"talkers", test_talkers},
    {"come-and-go", test_come_and_go},
    {"last-words", test_last_words},
    {"relay-restarted", test_relay_restarted},
    {"listeners", test_listeners},
    {"weakest-leaves", test_weakest_leaves},
    {"code", test_code},
};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  return rig_run_cases("/room/", cases, G_N_ELEMENTS(cases), &relay,
                       "[relay]\nhandshakes-per-second=1000\n");
}
