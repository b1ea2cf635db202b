/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpcall in rooms of many: a branch per sender, who is heard and who is not. The others are calls on sockets that say
 * tones; what comes out of the mix is looked at for them. */
#include "call-rig.h"
#include "relay-peer.h"
#include <math.h>
#include <opus.h>
#include <string.h>

/* Of the largest room, the call included. ThreadSanitizer is after the call's threads, and makes the members on sockets,
 * which have none, ten times as slow. */
#ifdef __SANITIZE_THREAD__
#define MEMBERS 20
#else
#define MEMBERS 64
#endif
#define TALKERS 16
#define RATE 48000
#define FRAME 960
#define WINDOW (RATE / 5) /* samples that are looked at: whole periods of all tones */
#define LOUD 1400.0       /* amplitude of a tone */
#define TONES 50          /* frames of one that are encoded, and said again and again */

#define URI "uri=wzp://127.0.0.1:%u/room KNOWN"
#define HEARD                                                                                      \
  "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! "               \
  "fakesink name=%s signal-handoffs=true"

static RigRelay *relay;

/* --- tones --- */

typedef struct {
  uint8_t bundles[TONES][61];
} Tone;

static unsigned
frequency(unsigned n)
{
  return 400 + 150 * n; /* a whole number of periods a frame */
}

static void
make_tone(Tone *tone, unsigned hertz)
{
  int error;
  OpusEncoder *encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_AUDIO, &error);
  g_assert_cmpint(error, ==, OPUS_OK);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(24000));
  opus_encoder_ctl(encoder, OPUS_SET_VBR(0));
  opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(1));
  opus_int16 samples[FRAME];
  for (unsigned i = 0; i < FRAME; i++)
    samples[i] = (opus_int16)lrint(LOUD * sin(2 * G_PI * hertz * i / RATE));
  for (unsigned n = 0; n < 2 * TONES; n++) { /* the first half is the beginning of a sound */
    uint8_t *bundle = tone->bundles[n % TONES];
    bundle[0] = 0x10; /* frames, to the end */
    g_assert_cmpint(opus_encode(encoder, samples, FRAME, bundle + 1, 60), ==, 60);
  }
  opus_encoder_destroy(encoder);
}

/* --- ears: what came last out of a sink --- */

typedef struct {
  GMutex lock;
  int16_t samples[WINDOW]; /* a ring */
  guint64 count;
  GstClockTime next; /* where the next buffer should begin */
  unsigned holes;
} Ears;

static void
hear(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  (void)sink;
  (void)pad;
  Ears *ears = data;
  GstMapInfo map;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
  g_mutex_lock(&ears->lock);
  const int16_t *heard = (const int16_t *)map.data;
  for (gsize n = 0; n < map.size / 2; n++)
    ears->samples[ears->count++ % WINDOW] = heard[n];
  if (GST_CLOCK_TIME_IS_VALID(ears->next) &&
      ABS(GST_CLOCK_DIFF(ears->next, GST_BUFFER_PTS(buffer))) > (gint64)GST_MSECOND)
    ears->holes++;
  ears->next = GST_BUFFER_PTS(buffer) + map.size / 2 * GST_SECOND / RATE;
  g_mutex_unlock(&ears->lock);
  gst_buffer_unmap(buffer, &map);
}

static Ears *
listen_to(GstElement *pipeline, const char *name)
{
  Ears *ears = g_new0(Ears, 1);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_mutex_init(&ears->lock);
  ears->next = GST_CLOCK_TIME_NONE;
  g_signal_connect(sink, "handoff", G_CALLBACK(hear), ears);
  return ears;
}

static void
ears_free(Ears *ears)
{
  g_mutex_clear(&ears->lock);
  g_free(ears);
}

/* Amplitude of a tone in the last fifth of a second (Goertzel). */
static double
loudness(Ears *ears, unsigned hertz)
{
  double last = 0, before = 0, turn = 2 * G_PI * hertz / RATE, factor = 2 * cos(turn);
  g_mutex_lock(&ears->lock);
  for (unsigned n = 0; n < WINDOW; n++) {
    double now = ears->samples[(ears->count + n) % WINDOW] + factor * last - before;
    before = last;
    last = now;
  }
  g_mutex_unlock(&ears->lock);
  return 2 * sqrt(last * last + before * before - factor * last * before) / WINDOW;
}

static bool
is_heard(Ears *ears, unsigned hertz)
{
  return loudness(ears, hertz) > LOUD / 2;
}

static bool
is_silent(Ears *ears, unsigned hertz)
{
  return loudness(ears, hertz) < LOUD / 8;
}

/* --- the room --- */

typedef struct {
  GstElement *pipeline;
  RelayPeer *peers[MEMBERS];
  unsigned n_peers, n_talking; /* the first ones */
  Tone *tones;
  unsigned said;
} Room;

static RelayPeer *
add_peer(Room *room)
{
  WzpAddress address;
  g_autofree char *place = g_strdup_printf("127.0.0.1:%u", rig_relay_port(relay));
  g_assert_true(wzp_address_parse(&address, place));
  room->peers[room->n_peers] = relay_peer_new("127.0.0.1", &address, "room");
  return room->peers[room->n_peers++];
}

static unsigned
members_of_call(const Room *room)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(room->pipeline), "call");
  g_autoptr(GstStructure) stats = NULL;
  unsigned members = 0;
  g_object_get(call, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_uint(stats, "members", &members));
  return members;
}

static void
room_begin(Room *room, GstElement *pipeline, unsigned n_tones)
{
  *room = (Room){.pipeline = pipeline, .tones = g_new0(Tone, n_tones)};
  for (unsigned n = 0; n < n_tones; n++)
    make_tone(&room->tones[n], frequency(n));
}

static void
room_end(Room *room)
{
  rig_stop(room->pipeline);
  for (unsigned n = 0; n < room->n_peers; n++)
    relay_peer_free(room->peers[n]);
  g_free(room->tones);
}

typedef bool (*RoomUntil)(Room *room, gpointer data);

/* Those who talk say a frame every 20 ms, until done. The silent ones are looked after now and then only: what they hear
 * is not what is tested. */
static void
room_run(Room *room, RoomUntil done, gpointer data)
{
  gint64 now = g_get_monotonic_time(), end = now + (gint64)(RIG_PATIENCE / GST_USECOND);
  gint64 next = now;
  for (unsigned turn = 0; !done(room, data); turn++) {
    g_assert_cmpint(now, <, end);
    bool all = room->n_talking == 0 || turn % 10 == 0;
    for (unsigned n = 0; n < room->n_talking; n++)
      relay_peer_say(room->peers[n], room->tones[n].bundles[room->said % TONES], 61);
    room->said++;
    next += 20 * WZP_MSEC;
    now = g_get_monotonic_time();
    relay_peers_run_for(room->peers, all ? room->n_peers : room->n_talking, MAX(next - now, 0));
    now = g_get_monotonic_time();
  }
}

static bool
all_are_in(Room *room, gpointer data)
{
  (void)data;
  for (unsigned n = 0; n < room->n_peers; n++) {
    WzpCallStats stats;
    wzp_call_get_stats(room->peers[n]->call, &stats);
    if (stats.state != WZP_CALL_ACTIVE || stats.n_members != room->n_peers)
      return false;
  }
  return members_of_call(room) == room->n_peers;
}

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
    if (n < room->n_talking ? !is_heard(expected->ears, frequency(n))
                            : !is_silent(expected->ears, frequency(n)))
      return false;
  }
  return true;
}

static bool
is_quiet(Room *room, gpointer ears)
{
  for (unsigned n = 0; n < room->n_talking; n++)
    if (!is_silent(ears, frequency(n)))
      return false;
  return true;
}

static bool
has_voices(Room *room, gpointer data)
{
  return rig_counter(room->pipeline, "call", "voices") == GPOINTER_TO_UINT(data);
}

static unsigned
children(const Room *room)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(room->pipeline), "call");
  return (unsigned)GST_BIN_NUMCHILDREN(call);
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
  room_begin(&room, rig_play("wzpcall name=call " URI " ! " HEARD, rig_relay_port(relay), "heard"),
             TALKERS);
  Ears *ears = listen_to(room.pipeline, "heard");
  rig_wait_state(room.pipeline, "call", "waiting");
  g_assert_cmpuint(latency_of(room.pipeline), ==, 20 * GST_MSECOND);
  for (unsigned n = 1; n < MEMBERS; n++)
    add_peer(&room);
  room_run(&room, all_are_in, NULL);
  g_assert_cmpuint(rig_counter(room.pipeline, "call", "voices"), ==, 0);

  Expected expected = {ears, TALKERS};
  room.n_talking = TALKERS;
  room_run(&room, just_they_are_heard, &expected);
  g_assert_cmpuint(rig_counter(room.pipeline, "call", "voices"), ==, TALKERS);
  g_assert_true(is_silent(ears, frequency(TALKERS)));
  g_assert_cmpuint(latency_of(room.pipeline), ==, 20 * GST_MSECOND);
  room_run(&room, has_reported, NULL);
  g_assert_cmpuint(room.peers[0]->reports, >=, TALKERS); /* all it has to say, in few packets */

  for (unsigned n = TALKERS / 2; n < TALKERS; n++) {
    wzp_call_leave(room.peers[n]->call, g_get_monotonic_time());
    room.peers[n]->timestamp = 0;
  }
  room.n_talking = TALKERS / 2;
  room_run(&room, just_they_are_heard, &expected);
  room_run(&room, has_voices, GUINT_TO_POINTER(TALKERS / 2));
  g_assert_cmpuint(members_of_call(&room), ==, MEMBERS - 1 - TALKERS / 2);
  room_end(&room);
  ears_free(ears);
}

static bool
each_is_heard_apart(Room *room, gpointer data)
{
  Ears **ears = data;
  (void)room;
  for (unsigned n = 0; n < 2; n++)
    if (!is_heard(ears[n], frequency(n)) || !is_silent(ears[n], frequency(1 - n)))
      return false;
  return true;
}

/* A member with a pad of its own is heard there alone, and the mix is without it. */
static void
test_own_pad(void)
{
  Room room;
  room_begin(&room,
             rig_play("wzpcall name=call " URI " ! " HEARD " call.sender_1 ! " HEARD,
                      rig_relay_port(relay), "heard", "own"),
             2);
  Ears *mix = listen_to(room.pipeline, "heard"), *own = listen_to(room.pipeline, "own");
  rig_wait_state(room.pipeline, "call", "waiting");
  for (unsigned n = 0; n < 2; n++) {
    add_peer(&room); /* one after the other: slots 1 and 2 */
    room_run(&room, all_are_in, NULL);
  }
  room.n_talking = 2;
  Ears *both[] = {own, mix};
  room_run(&room, each_is_heard_apart, both);
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
  room_begin(&room,
             rig_play("wzpcall name=call " URI " ! " HEARD " async=false call.sender_1 ! " HEARD
                      " async=false call.sender_2 ! " HEARD " async=false",
                      rig_relay_port(relay), "heard", "one", "two"),
             1);
  gint ended[2] = {0, 0};
  watch_end(&room, "one", &ended[0]);
  watch_end(&room, "two", &ended[1]);
  rig_wait_state(room.pipeline, "call", "waiting");
  for (unsigned n = 0; n < 2; n++) {
    add_peer(&room);
    room_run(&room, all_are_in, NULL);
  }
  room.n_talking = 1;
  room_run(&room, has_voices, GUINT_TO_POINTER(1));
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
  g_mutex_lock(&later->ears->lock);
  bool heard = later->ears->count >= later->samples;
  g_mutex_unlock(&later->ears->lock);
  return heard && later->turns-- == 0;
}

static bool
second_is_heard(Room *room, gpointer ears)
{
  (void)room;
  return is_heard(ears, frequency(1));
}

/* What stands behind a pad of its own wants no more, or is stopped: the call goes on for the others. */
static void
own_pad_stops(const char *more, bool stop)
{
  Room room;
  room_begin(&room,
             rig_play("wzpcall name=call " URI " ! " HEARD " async=false call.sender_1 ! " HEARD
                      " async=false %s",
                      rig_relay_port(relay), "heard", "own", more),
             2);
  Ears *mix = listen_to(room.pipeline, "heard"), *own = listen_to(room.pipeline, "own");
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(room.pipeline), "own");
  rig_wait_state(room.pipeline, "call", "waiting");
  add_peer(&room);
  room_run(&room, all_are_in, NULL);
  room.n_talking = 1;
  Later spoke = {own, 5 * FRAME, 0};
  room_run(&room, is_later, &spoke);
  if (stop) {
    gst_element_set_locked_state(sink, TRUE);
    gst_element_set_state(sink, GST_STATE_READY);
  }
  Later noticed = {own, 0, 20}; /* by what stands before it */
  room_run(&room, is_later, &noticed);
  add_peer(&room);
  room_run(&room, all_are_in, NULL);
  room.n_talking = 2;
  room_run(&room, second_is_heard, mix);
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

/* Members come, speak and go: nothing of them stays, and the sound goes on without a hole. */
static void
test_come_and_go(void)
{
  Room room;
  room_begin(&room, rig_play("wzpcall name=call " URI " ! " HEARD, rig_relay_port(relay), "heard"),
             2);
  Ears *ears = listen_to(room.pipeline, "heard");
  rig_wait_state(room.pipeline, "call", "waiting");
  unsigned before = children(&room);
  add_peer(&room);
  room_run(&room, all_are_in, NULL);
  room.n_talking = 1;
  room_run(&room, has_voices, GUINT_TO_POINTER(1));
  for (unsigned round = 0; round < 8; round++) {
    RelayPeer *guest = add_peer(&room);
    room.n_talking = 2;
    room_run(&room, has_voices, GUINT_TO_POINTER(2));
    wzp_call_leave(guest->call, g_get_monotonic_time());
    relay_peers_run_for(room.peers, 2, 20 * WZP_MSEC);
    room.n_talking = 1;
    room_run(&room, has_voices, GUINT_TO_POINTER(1));
    relay_peer_free(room.peers[--room.n_peers]);
  }
  g_assert_cmpuint(children(&room), ==, before + 1);
  wzp_call_leave(room.peers[0]->call, g_get_monotonic_time());
  room.n_talking = 0;
  room_run(&room, has_voices, GUINT_TO_POINTER(0));
  g_assert_cmpuint(children(&room), ==, before);
  g_mutex_lock(&ears->lock);
  guint64 heard = ears->count;
  g_mutex_unlock(&ears->lock);
  rig_wait_buffers(room.pipeline, "heard", 20);
  g_mutex_lock(&ears->lock);
  g_assert_cmpuint(ears->count, >, heard);
  g_assert_cmpuint(ears->holes, ==, 0);
  g_mutex_unlock(&ears->lock);
  room_end(&room);
  ears_free(ears);
}

/* A relay that starts again gives out its slots anew: nobody is taken for who was there before. */
static void
test_relay_restarted(void)
{
  Room room;
  unsigned port = rig_relay_port(relay);
  room_begin(&room, rig_play("wzpcall name=call " URI " ! " HEARD, port, "heard"), 3);
  Ears *ears = listen_to(room.pipeline, "heard");
  Expected expected = {ears, 3};
  rig_wait_state(room.pipeline, "call", "waiting");
  for (unsigned n = 0; n < 3; n++) {
    add_peer(&room);
    room_run(&room, all_are_in, NULL);
  }
  /* their streams are of different age: one cannot be taken for the other's continuation */
  for (unsigned n = 0; n < 3; n++)
    for (unsigned i = 0; i < n * 150; i++)
      relay_peer_say(room.peers[n], room.tones[n].bundles[i % TONES], 61);
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

/* What the call's sending wzpfec did with reports about its stream. */
static guint64
reports_planned_by(GstElement *pipeline)
{
  g_autoptr(GstIterator) each =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline), "wzpfec");
  GValue value = G_VALUE_INIT;
  guint64 reports = 0, handled;
  while (gst_iterator_next(each, &value) == GST_ITERATOR_OK) {
    g_autoptr(GstStructure) stats = NULL;
    g_object_get(g_value_get_object(&value), "stats", &stats, NULL);
    if (gst_structure_get_uint64(stats, "reports-handled", &handled))
      reports += handled;
    g_value_unset(&value);
  }
  return reports;
}

static void
wait_heard(GstElement *pipeline, Ears *ears, bool heard)
{
  gint64 end = g_get_monotonic_time() + (gint64)(RIG_PATIENCE / GST_USECOND);
  while (heard ? !is_heard(ears, frequency(0)) : !is_silent(ears, frequency(0))) {
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
                                 "wzpcall name=call dtx=false " URI " ! fakesink",
                                 frequency(0), port);
  for (unsigned n = 0; n < LISTENERS; n++) {
    if (n == AT_ONCE)
      rig_stop(listeners[0]);
    listeners[n] = rig_play("wzpcall name=call " URI " ! " HEARD, port, "heard");
    ears[n] = listen_to(listeners[n], "heard");
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
    calls[n] = rig_play("wzpcall name=call " URI " ! fakesink", rig_relay_port(relay));
  for (unsigned n = 0; n < 2; n++) {
    wait_code(calls[n], 2);
    codes[n] = rig_string(calls[n], "call", "room-code");
    g_assert_nonnull(codes[n]);
  }
  g_assert_cmpstr(codes[0], ==, codes[1]);
  calls[2] = rig_play("wzpcall name=call " URI " ! fakesink", rig_relay_port(relay));
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
    {"own-pad", test_own_pad},
    {"own-pad-ends", test_own_pad_ends},
    {"own-pad-full", test_own_pad_full},
    {"own-pad-stopped", test_own_pad_stopped},
    {"come-and-go", test_come_and_go},
    {"relay-restarted", test_relay_restarted},
    {"listeners", test_listeners},
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
