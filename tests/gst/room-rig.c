/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "room-rig.h"
#include <math.h>
#include <opus.h>

/* --- tones --- */

unsigned
room_frequency(unsigned n)
{
  return 400 + 150 * n; /* a whole number of periods a frame */
}

static void
make_tone(Tone *tone, unsigned hertz)
{
  int error;
  OpusEncoder *encoder = opus_encoder_create(ROOM_RATE, 1, OPUS_APPLICATION_AUDIO, &error);
  g_assert_cmpint(error, ==, OPUS_OK);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(24000));
  opus_encoder_ctl(encoder, OPUS_SET_VBR(0));
  opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(1));
  opus_int16 samples[ROOM_FRAME];
  for (unsigned i = 0; i < ROOM_FRAME; i++)
    samples[i] = (opus_int16)lrint(ROOM_LOUD * sin(2 * G_PI * hertz * i / ROOM_RATE));
  for (unsigned n = 0; n < 2 * ROOM_TONES; n++) { /* the first half is the beginning of a sound */
    uint8_t *bundle = tone->bundles[n % ROOM_TONES];
    bundle[0] = 0x10; /* frames, to the end */
    g_assert_cmpint(opus_encode(encoder, samples, ROOM_FRAME, bundle + 1, 60), ==, 60);
  }
  opus_encoder_destroy(encoder);
}

/* --- ears: what came last out of a sink --- */

static void
take_sound(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  (void)sink;
  (void)pad;
  Ears *ears = data;
  GstMapInfo map;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
  g_mutex_lock(&ears->lock);
  const int16_t *heard = (const int16_t *)map.data;
  for (gsize n = 0; n < map.size / 2; n++)
    ears->samples[ears->count++ % ROOM_WINDOW] = heard[n];
  if (GST_CLOCK_TIME_IS_VALID(ears->next) &&
      ABS(GST_CLOCK_DIFF(ears->next, GST_BUFFER_PTS(buffer))) > (gint64)GST_MSECOND)
    ears->holes++;
  ears->next = GST_BUFFER_PTS(buffer) + map.size / 2 * GST_SECOND / ROOM_RATE;
  g_mutex_unlock(&ears->lock);
  gst_buffer_unmap(buffer, &map);
}

Ears *
ears_listen(GstElement *pipeline, const char *name)
{
  Ears *ears = g_new0(Ears, 1);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_mutex_init(&ears->lock);
  ears->next = GST_CLOCK_TIME_NONE;
  g_signal_connect(sink, "handoff", G_CALLBACK(take_sound), ears);
  return ears;
}

void
ears_free(Ears *ears)
{
  g_mutex_clear(&ears->lock);
  g_free(ears);
}

guint64
ears_count(Ears *ears)
{
  g_mutex_lock(&ears->lock);
  guint64 count = ears->count;
  g_mutex_unlock(&ears->lock);
  return count;
}

/* Amplitude of a tone in the last fifth of a second (Goertzel). */
static double
loudness(Ears *ears, unsigned hertz)
{
  double last = 0, before = 0, turn = 2 * G_PI * hertz / ROOM_RATE, factor = 2 * cos(turn);
  g_mutex_lock(&ears->lock);
  for (unsigned n = 0; n < ROOM_WINDOW; n++) {
    double now = ears->samples[(ears->count + n) % ROOM_WINDOW] + factor * last - before;
    before = last;
    last = now;
  }
  g_mutex_unlock(&ears->lock);
  return 2 * sqrt(last * last + before * before - factor * last * before) / ROOM_WINDOW;
}

bool
ears_hear(Ears *ears, unsigned hertz)
{
  return loudness(ears, hertz) > ROOM_LOUD / 2;
}

bool
ears_miss(Ears *ears, unsigned hertz)
{
  return loudness(ears, hertz) < ROOM_LOUD / 8;
}

/* --- the room --- */

RelayPeer *
room_add_peer(Room *room)
{
  WzpAddress address;
  g_autofree char *place = g_strdup_printf("127.0.0.1:%u", room->port);
  g_assert_true(wzp_address_parse(&address, place));
  room->peers[room->n_peers] = relay_peer_new("127.0.0.1", &address, "room");
  return room->peers[room->n_peers++];
}

unsigned
room_members(const Room *room)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(room->pipeline), "call");
  g_autoptr(GstStructure) stats = NULL;
  unsigned members = 0;
  g_object_get(call, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_uint(stats, "members", &members));
  return members;
}

void
room_begin(Room *room, unsigned port, GstElement *pipeline, unsigned n_tones)
{
  *room = (Room){.pipeline = pipeline, .port = port, .tones = g_new0(Tone, n_tones)};
  for (unsigned n = 0; n < n_tones; n++)
    make_tone(&room->tones[n], room_frequency(n));
}

void
room_end(Room *room)
{
  rig_stop(room->pipeline);
  for (unsigned n = 0; n < room->n_peers; n++)
    relay_peer_free(room->peers[n]);
  g_free(room->tones);
}

/* Those who talk say a frame every 20 ms, until done. The silent ones are looked after now and then only: what they hear
 * is not what is tested. */
void
room_run(Room *room, RoomUntil done, gpointer data)
{
  gint64 now = g_get_monotonic_time(), end = now + (gint64)(RIG_PATIENCE / GST_USECOND);
  gint64 next = now;
  for (unsigned turn = 0; !done(room, data); turn++) {
    g_assert_cmpint(now, <, end);
    bool all = room->n_talking == 0 || turn % 10 == 0;
    for (unsigned n = 0; n < room->n_talking; n++)
      relay_peer_say(room->peers[n], room->tones[n].bundles[room->said % ROOM_TONES], 61);
    room->said++;
    next += 20 * WZP_MSEC;
    now = g_get_monotonic_time();
    relay_peers_run_for(room->peers, all ? room->n_peers : room->n_talking, MAX(next - now, 0));
    now = g_get_monotonic_time();
  }
}

bool
room_is_full(Room *room, gpointer data)
{
  (void)data;
  for (unsigned n = 0; n < room->n_peers; n++) {
    WzpCallStats stats;
    wzp_call_get_stats(room->peers[n]->call, &stats);
    if (stats.state != WZP_CALL_ACTIVE || stats.n_members != room->n_peers)
      return false;
  }
  return room_members(room) == room->n_peers;
}

bool
room_has_voices(Room *room, gpointer data)
{
  return rig_counter(room->pipeline, "call", "voices") == GPOINTER_TO_UINT(data);
}
