/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A pad of wzpcall for one member of a room. */
#include "room-rig.h"

static RigRelay *relay;

static bool
each_ears_hear_apart(Room *room, gpointer data)
{
  Ears **ears = data;
  (void)room;
  for (unsigned n = 0; n < 2; n++)
    if (!ears_hear(ears[n], room_frequency(n)) || !ears_miss(ears[n], room_frequency(1 - n)))
      return false;
  return true;
}

/* A member with a pad of its own is heard there alone, and the mix is without it. */
static void
test_own_pad(void)
{
  Room room;
  room_begin(&room, rig_relay_port(relay),
             rig_play("wzpcall name=call " ROOM_URI " ! " ROOM_HEARD " call.sender_1 ! " ROOM_HEARD,
                      rig_relay_port(relay), "heard", "own"),
             2);
  Ears *mix = ears_listen(room.pipeline, "heard"), *own = ears_listen(room.pipeline, "own");
  rig_wait_state(room.pipeline, "call", "waiting");
  for (unsigned n = 0; n < 2; n++) {
    room_add_peer(&room); /* one after the other: slots 1 and 2 */
    room_run(&room, room_is_full, NULL);
  }
  room.n_talking = 2;
  Ears *both[] = {own, mix};
  room_run(&room, each_ears_hear_apart, both);
  room_end(&room);
  ears_free(mix);
  ears_free(own);
}

static GstPadProbeReturn
note_end(GstPad *pad, GstPadProbeInfo *info, gpointer ended)
{
  (void)pad;
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
    g_atomic_int_inc((gint *)ended);
  return GST_PAD_PROBE_OK;
}

static void
watch_end(const Room *room, const char *name, gint *ended)
{
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(room->pipeline), name);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, note_end, ended, NULL);
}

static bool
has_ended(Room *room, gpointer ended)
{
  (void)room;
  return g_atomic_int_get((gint *)ended) > 0;
}

/* EOS when the member leaves, also one who never said a word. */
static void
test_own_pad_ends(void)
{
  Room room;
  room_begin(&room, rig_relay_port(relay),
             rig_play("wzpcall name=call " ROOM_URI " ! " ROOM_HEARD
                      " async=false call.sender_1 ! " ROOM_HEARD
                      " async=false call.sender_2 ! " ROOM_HEARD " async=false",
                      rig_relay_port(relay), "heard", "one", "two"),
             1);
  gint ended[2] = {0, 0};
  watch_end(&room, "one", &ended[0]);
  watch_end(&room, "two", &ended[1]);
  rig_wait_state(room.pipeline, "call", "waiting");
  for (unsigned n = 0; n < 2; n++) {
    room_add_peer(&room);
    room_run(&room, room_is_full, NULL);
  }
  room.n_talking = 1;
  room_run(&room, room_has_voices, GUINT_TO_POINTER(1));
  wzp_call_leave(room.peers[1]->call, g_get_monotonic_time());
  relay_peers_run_for(room.peers, 2, 20 * WZP_MSEC);
  room_run(&room, has_ended, &ended[1]);
  relay_peer_free(room.peers[--room.n_peers]);
  g_assert_cmpint(ended[0], ==, 0);
  wzp_call_leave(room.peers[0]->call, g_get_monotonic_time());
  relay_peers_run_for(room.peers, 1, 20 * WZP_MSEC);
  room.n_talking = 0;
  room_run(&room, has_ended, &ended[0]);
  room_end(&room);
}

/* So much came out, and then so many turns went by. */
typedef struct {
  Ears *ears;
  guint64 samples;
  unsigned turns;
} Later;

static bool
is_later(Room *room, gpointer data)
{
  Later *later = data;
  (void)room;
  return ears_count(later->ears) >= later->samples && later->turns-- == 0;
}

static bool
second_ears_hear(Room *room, gpointer ears)
{
  (void)room;
  return ears_hear(ears, room_frequency(1));
}

/* What stands behind a pad of its own wants no more, or is stopped: the call goes on for the others. */
static void
own_pad_stops(const char *more, bool stop)
{
  Room room;
  room_begin(&room, rig_relay_port(relay),
             rig_play("wzpcall name=call " ROOM_URI " ! " ROOM_HEARD
                      " async=false call.sender_1 ! " ROOM_HEARD " async=false %s",
                      rig_relay_port(relay), "heard", "own", more),
             2);
  Ears *mix = ears_listen(room.pipeline, "heard"), *own = ears_listen(room.pipeline, "own");
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(room.pipeline), "own");
  rig_wait_state(room.pipeline, "call", "waiting");
  room_add_peer(&room);
  room_run(&room, room_is_full, NULL);
  room.n_talking = 1;
  Later spoke = {own, 5 * ROOM_FRAME, 0};
  room_run(&room, is_later, &spoke);
  if (stop) {
    gst_element_set_locked_state(sink, TRUE);
    gst_element_set_state(sink, GST_STATE_READY);
  }
  Later noticed = {own, 0, 20}; /* by what stands before it */
  room_run(&room, is_later, &noticed);
  room_add_peer(&room);
  room_run(&room, room_is_full, NULL);
  room.n_talking = 2;
  room_run(&room, second_ears_hear, mix);
  gst_element_set_state(sink, GST_STATE_NULL);
  room_end(&room);
  ears_free(mix);
  ears_free(own);
}

static void
test_own_pad_full(void)
{
  own_pad_stops("num-buffers=10", false);
}

static void
test_own_pad_stopped(void)
{
  own_pad_stops("", true);
}

static const RigCase cases[] = {
    {"alone", test_own_pad},
    {"ends", test_own_pad_ends},
    {"full", test_own_pad_full},
    {"stopped", test_own_pad_stopped},
};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  return rig_run_cases("/room-pads/", cases, G_N_ELEMENTS(cases), &relay,
                       "[relay]\nhandshakes-per-second=1000\n");
}
