/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a call through a real relay makes of lost packets and of media time. */
#include "call-rig.h"
#include "gst/gstwzpmeta.h"

#define URI "uri=wzp://127.0.0.1:%u/room KNOWN"

static RigRelay *relay;

static unsigned
port(void)
{
  return rig_relay_port(relay);
}

/* Frames that were spoken, and what comes out of them. */
typedef struct {
  GMutex lock;
  GHashTable *spoken; /* GBytes */
  guint unknown;
} Frames;

static GstPadProbeReturn
note_spoken(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Frames *frames = data;
  GstMapInfo map;
  (void)pad;
  gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ);
  g_mutex_lock(&frames->lock);
  g_hash_table_add(frames->spoken, g_bytes_new(map.data, map.size));
  g_mutex_unlock(&frames->lock);
  gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
  return GST_PAD_PROBE_OK;
}

static void
note_heard(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Frames *frames = data;
  GstMapInfo map;
  (void)sink;
  (void)pad;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  g_autoptr(GBytes) frame = g_bytes_new(map.data, map.size);
  g_mutex_lock(&frames->lock);
  frames->unknown += !g_hash_table_contains(frames->spoken, frame);
  g_mutex_unlock(&frames->lock);
  gst_buffer_unmap(buffer, &map);
}

/* Packets that get lost between wzpfec and wzpcrypt, and those that the session puts in on its own, take their numbers:
 * repair is counted in them, and brings back what was spoken and nothing else. */
static void
test_unsealed(void)
{
  Frames frames = {.spoken = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                                   (GDestroyNotify)g_bytes_unref, NULL)};
  g_mutex_init(&frames.lock);
  GstElement *listener = rig_parse("wzpsrc name=in " URI " ! wzpcrypt ! wzpfec name=recover ! "
                                   "fakesink name=heard signal-handoffs=true",
                                   port());
  g_autoptr(GstElement) heard = gst_bin_get_by_name(GST_BIN(listener), "heard");
  g_signal_connect(heard, "handoff", G_CALLBACK(note_heard), &frames);
  GstElement *speaker = rig_parse("audiotestsrc is-live=true wave=white-noise ! wzpenc name=code ! "
                                  "wzpfec overhead=200 ! identity drop-probability=0.3 ! "
                                  "wzpcrypt ! wzpsink name=out " URI,
                                  port());
  g_autoptr(GstElement) code = gst_bin_get_by_name(GST_BIN(speaker), "code");
  g_autoptr(GstPad) pad = gst_element_get_static_pad(code, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, note_spoken, &frames, NULL);
  gst_element_set_state(listener, GST_STATE_PLAYING);
  gst_element_set_state(speaker, GST_STATE_PLAYING);
  rig_wait_buffers(listener, "heard", 1); /* now it knows that it recovers */
  while (rig_counter(listener, "recover", "recovered") < 40)
    g_thread_yield();
  rig_stop(speaker);
  rig_stop(listener);
  g_assert_cmpuint(frames.unknown, ==, 0);
  g_hash_table_unref(frames.spoken);
  g_mutex_clear(&frames.lock);
}

#define HOUR (3600 * GST_SECOND)

static gboolean
move_an_hour(GstBuffer **buffer, guint n, gpointer data)
{
  const GstMetaInfo *known = gst_meta_get_info("GstWzpMeta");
  (void)n;
  (void)data;
  *buffer = gst_buffer_make_writable(*buffer);
  ((GstWzpMeta *)gst_buffer_get_meta(*buffer, known->api))->media_time += HOUR;
  return TRUE;
}

static GstPadProbeReturn
say_later(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
    gst_buffer_list_foreach(list, move_an_hour, data);
    GST_PAD_PROBE_INFO_DATA(info) = list;
  } else {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    move_an_hour(&buffer, 0, data);
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
  }
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
hear_later(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  const GstMetaInfo *known = gst_meta_get_info("GstWzpMeta");
  const GstWzpMeta *meta =
      (const GstWzpMeta *)gst_buffer_get_meta(GST_PAD_PROBE_INFO_BUFFER(info), known->api);
  (void)pad;
  (void)data;
  g_assert_cmpuint(meta->media_time, >=, HOUR);
  g_assert_cmpuint(meta->media_time, <, HOUR + 100 * GST_SECOND);
  return GST_PAD_PROBE_OK;
}

static void
probe(GstElement *pipeline, const char *name, GstPadProbeType type, GstPadProbeCallback callback)
{
  g_autoptr(GstElement) element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(element, "src");
  gst_pad_add_probe(pad, type, callback, NULL, NULL);
}

/* What is sealed says the media time, which is running time only as long as the pipeline neither seeks nor pauses. */
static void
test_media_time(void)
{
  GstElement *listener = rig_parse(
      "wzpsrc name=in " URI " ! wzpcrypt name=open ! fakesink name=heard signal-handoffs=true ",
      port());
  GstElement *speaker = rig_parse("audiotestsrc is-live=true ! wzpenc ! wzpfec scheme=none "
                                  "name=protect ! wzpcrypt ! wzpsink name=out " URI,
                                  port());
  probe(speaker, "protect", GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, say_later);
  probe(listener, "open", GST_PAD_PROBE_TYPE_BUFFER, hear_later);
  gst_element_set_state(listener, GST_STATE_PLAYING);
  gst_element_set_state(speaker, GST_STATE_PLAYING);
  rig_wait_buffers(listener, "heard", 10);
  rig_stop(speaker);
  rig_stop(listener);
}

static const RigCase cases[] = {
    {"unsealed", test_unsealed},
    {"media-time", test_media_time},
};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  return rig_run_cases("/session-media/", cases, G_N_ELEMENTS(cases), &relay, NULL);
}
