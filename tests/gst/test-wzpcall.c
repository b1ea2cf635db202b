/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpcall: whole calls through a real relay, from files and live, in both directions and one. */
#include "call-rig.h"
#include "gst/gstwzpmeta.h"
#include "wzp/profile.h"
#include <gio/gio.h>
#include <string.h>

#define URI "uri=wzp://127.0.0.1:%u/room KNOWN"
#define TONE "audiotestsrc num-buffers=%u samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1"
#define LIVE "audiotestsrc is-live=true samplesperbuffer=480"
#define HEARD "fakesink name=heard signal-handoffs=true"

static RigRelay *relay;

static unsigned
port(void)
{
  return rig_relay_port(relay);
}

/* Not live: every frame goes out, at the clock's pace, and not one before somebody is there. */
static void
test_file(void)
{
  const unsigned frames = 60;
  GstElement *speaker = rig_play(TONE " ! wzpcall name=call tier=manual " URI, frames, port());
  rig_wait_state(speaker, "call", "waiting");
  GstElement *listener =
      rig_play("wzpcall name=call latency=1000 end-on-leave=true " URI " ! " HEARD, port());
  rig_wait_state(speaker, "call", "active");
  gint64 start = g_get_monotonic_time();
  gst_message_unref(rig_wait(speaker, GST_MESSAGE_EOS, NULL, NULL));
  gint64 took = g_get_monotonic_time() - start;
  g_assert_cmpint(took, >=, (frames - 5) * 20 * G_TIME_SPAN_MILLISECOND);
  guint64 sent = rig_counter(speaker, "call", "frames-sent");
  g_assert_cmpuint(sent, >=, frames); /* the encoder's delay may take one more */
  g_assert_cmpuint(sent, <=, frames + 1);
  g_assert_cmpuint(rig_counter(speaker, "call", "drops-no-receiver"), ==, 0);
  g_assert_cmpuint(rig_counter(speaker, "call", "drops-not-connected"), ==, 0);

  rig_stop(speaker); /* leaves, and with it the other one's stream ends */
  gst_message_unref(rig_wait(listener, GST_MESSAGE_EOS, NULL, NULL));
  /* the first packet may come when only the listener's session is up: the next ones repair it */
  guint64 received = rig_counter(listener, "call", "frames-received");
  g_assert_cmpuint(received, >=, sent - 3);
  g_assert_cmpuint(received + rig_counter(listener, "call", "frames-repaired"), ==, sent);
  g_assert_cmpuint(rig_counter(listener, "call", "frames-lost"), ==, 0);
  rig_stop(listener);
}

/* Live input is not held back, and what nobody could hear is not encoded and thrown away later. */
static void
test_live(void)
{
  GstElement *speaker = rig_play(LIVE " ! wzpcall name=call " URI, port());
  rig_wait_state(speaker, "call", "waiting");
  GstElement *listener = rig_play("wzpcall name=call " URI " ! " HEARD, port());
  rig_wait_buffers(listener, "heard", 20);
  g_assert_cmpuint(rig_counter(speaker, "call", "drops-no-receiver"), ==, 0);
  rig_stop(speaker);
  rig_stop(listener);
}

/* Two calls in one pipeline never take each other for their own. */
static void
test_two_in_one(void)
{
  GstElement *pipeline =
      rig_play(LIVE " ! wzpcall name=a " URI " ! " HEARD " " LIVE " ! wzpcall name=b " URI
                    " ! fakesink name=other signal-handoffs=true",
               port(), port());
  rig_wait_buffers(pipeline, "heard", 20);
  rig_wait_buffers(pipeline, "other", 20);
  g_autofree char *a = rig_string(pipeline, "a", "fingerprint");
  g_autofree char *b = rig_string(pipeline, "b", "fingerprint");
  g_assert_cmpstr(a, !=, b);
  rig_stop(pipeline);
}

/* Nor the session of elements beside it, wherever those are linked. */
static void
test_beside_others(void)
{
  GstElement *pipeline =
      rig_play("wzpsrc name=in " URI " ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec ! audioconvert ! "
               "audioresample ! wzpcall name=call uri=wzp://127.0.0.1:%u/elsewhere KNOWN",
               port(), port());
  rig_wait_state(pipeline, "call", "waiting");
  g_autofree char *in = rig_string(pipeline, "in", "fingerprint");
  g_autofree char *call = rig_string(pipeline, "call", "fingerprint");
  g_assert_nonnull(in);
  g_assert_cmpstr(in, !=, call);
  rig_stop(pipeline);
}

/* The composed line and wzpcall speak the same. */
static void
test_composed(void)
{
  GstElement *call = rig_play(LIVE " ! wzpcall name=call " URI " ! " HEARD, port());
  GstElement *composed = rig_play(
      LIVE
      " ! audioconvert ! audioresample ! wzpenc ! wzpfec ! wzpcrypt ! wzpsink " URI
      " wzpsrc ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec ! audioconvert ! audioresample ! " HEARD,
      port());
  rig_wait_buffers(call, "heard", 20);
  rig_wait_buffers(composed, "heard", 20);
  rig_stop(call);
  rig_stop(composed);
}

/* A file through decodebin, linked late, heard into a file. */
static void
test_decodebin(void)
{
  g_autofree char *spoken = rig_path("spoken.wav"), *recorded = rig_path("recorded.wav");
  GstElement *maker = rig_play(TONE " ! wavenc ! filesink location=%s", 50, spoken);
  gst_message_unref(rig_wait(maker, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(maker);

  GstElement *listener =
      rig_play("wzpcall name=call end-on-leave=true " URI " ! wavenc ! filesink location=%s",
               port(), recorded);
  rig_wait_state(listener, "call", "waiting");
  GstElement *speaker =
      rig_play("filesrc location=%s ! decodebin ! wzpcall name=call " URI, spoken, port());
  gst_message_unref(rig_wait(speaker, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(speaker);
  gst_message_unref(rig_wait(listener, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(listener);
  g_autofree char *text = NULL;
  gsize length;
  g_assert_true(g_file_get_contents(recorded, &text, &length, NULL));
  /* a second of it; the packets of the start are longer, and playout then makes up for that */
  g_assert_cmpuint(length, >=, 44 + 46 * 1920);
  gint loudest = 0;
  for (gsize n = 44; n + 1 < length; n += 2)
    loudest = MAX(loudest, (gint16)(((guint8)text[n + 1] << 8) | (guint8)text[n]));
  g_assert_cmpint(loudest, >, 10000);
}

/* Sending and receiving end together when the other side leaves. */
static void
test_end_on_leave(void)
{
  GstElement *staying =
      rig_play(LIVE " ! wzpcall name=call end-on-leave=true " URI " ! " HEARD, port());
  GstElement *leaving = rig_play(LIVE " ! wzpcall name=call " URI " ! " HEARD, port());
  rig_wait_buffers(staying, "heard", 10);
  rig_wait_buffers(leaving, "heard", 10);
  rig_stop(leaving);
  gst_message_unref(rig_wait(staying, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(staying);
}

/* Of the other side, by their own packets or by repair; or, of at most 3 in a packet, before wzpsrc was there. */
static guint64
frames_heard(GstElement *pipeline)
{
  return rig_counter(pipeline, "call", "frames-received") +
         rig_counter(pipeline, "call", "frames-repaired") +
         3 * rig_counter(pipeline, "call", "packets-unread");
}

/* tier: frames are counted, and on a busy machine a call may go on in longer ones */
#define ENDS_SOON "name=call end-after-silence=400 tier=manual "

/* Two files: who is done first hears the other one out; then both end by themselves. */
static void
test_files_both_ways(void)
{
  GstElement *shorter = rig_play(TONE " ! wzpcall " ENDS_SOON URI " ! " HEARD, 20, port());
  GstElement *longer = rig_play(TONE " ! wzpcall " ENDS_SOON URI " ! " HEARD, 100, port());
  gst_message_unref(rig_wait(shorter, GST_MESSAGE_EOS, NULL, NULL));
  g_assert_cmpuint(frames_heard(shorter), >=, 100);
  gst_message_unref(rig_wait(longer, GST_MESSAGE_EOS, NULL, NULL));
  g_assert_cmpuint(frames_heard(longer), >=, 20);
  rig_stop(shorter);
  rig_stop(longer);
}

/* In PAUSED nothing comes, and that is not the silence that ends a call. */
static void
test_silence_in_pause(void)
{
  GstElement *speaker = rig_play(TONE " ! wzpcall " ENDS_SOON URI " ! " HEARD, 10, port());
  GstElement *other = rig_play(LIVE " ! wzpcall " URI " ! fakesink", port());
  rig_wait_buffers(speaker, "heard", 50); /* long after the end of the ten */
  gst_element_set_state(speaker, GST_STATE_PAUSED);
  GstElement *second = rig_play(LIVE " ! fakesink sync=true name=heard signal-handoffs=true");
  rig_wait_buffers(second, "heard", 100);
  rig_stop(second);
  gst_element_set_state(speaker, GST_STATE_PLAYING);
  rig_wait_buffers(speaker, "heard", 20);
  rig_stop(other);
  gst_message_unref(rig_wait(speaker, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(speaker);
}

/* What gst-launch-1.0 -e does: EOS goes to the sources, and the pipeline ends. */
static void
test_eos(void)
{
  static const char *const tails[] = {" ! " HEARD, ""};
  static const char *const heads[] = {LIVE " ! ", ""};
  for (guint n = 0; n < 3; n++) {
    g_autofree char *line = g_strdup_printf("%swzpcall name=call uri=wzp://127.0.0.1:%u/room "
                                            "KNOWN%s",
                                            heads[n & 1], port(), tails[n >> 1]);
    GstElement *pipeline = rig_play("%s", line);
    rig_wait_state(pipeline, "call", "waiting");
    g_test_message("%s", line);
    gst_element_send_event(pipeline, gst_event_new_eos());
    gst_message_unref(rig_wait(pipeline, GST_MESSAGE_EOS, NULL, NULL));
    rig_stop(pipeline);
  }
}

/* Nobody is there, and a file waits for somebody: EOS does not wait. Nor where a call is on. */
static void
test_eos_of_file(void)
{
  GstElement *speaker = rig_play(TONE " ! wzpcall name=call " URI " ! " HEARD, 3000, port());
  rig_wait_state(speaker, "call", "waiting");
  gst_element_send_event(speaker, gst_event_new_eos());
  gst_message_unref(rig_wait(speaker, GST_MESSAGE_EOS, NULL, NULL));
  gst_element_set_state(speaker, GST_STATE_READY);

  gst_element_set_state(speaker, GST_STATE_PLAYING); /* and that was for this time */
  GstElement *listener = rig_play("wzpcall " URI " ! " HEARD, port());
  rig_wait_buffers(listener, "heard", 20);
  gst_element_send_event(speaker, gst_event_new_eos());
  gst_message_unref(rig_wait(speaker, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(speaker);
  rig_stop(listener);
}

static void
test_relay_restarted(void)
{
  unsigned same = port();
  GstElement *a = rig_play(LIVE " ! wzpcall name=call " URI " ! " HEARD, same);
  GstElement *b = rig_play(LIVE " ! wzpcall name=call " URI " ! " HEARD, same);
  rig_wait_buffers(a, "heard", 10);
  rig_wait_buffers(b, "heard", 10);
  rig_relay_kill(relay);
  rig_wait_state(a, "call", "reconnecting");
  rig_wait_state(b, "call", "reconnecting");
  relay = rig_relay_start("relay", same);
  rig_wait_state(a, "call", "active");
  rig_wait_state(b, "call", "active");
  guint64 before = rig_counter(a, "call", "frames-received");
  rig_wait_buffers(a, "heard", 100);
  g_assert_cmpuint(rig_counter(a, "call", "frames-received"), >, before);
  rig_stop(a);
  rig_stop(b);
}

/* Stopped and started again, the other way round: a direction goes when its pad is unlinked. */
static void
test_again(void)
{
  GstElement *pipeline = rig_parse(LIVE " name=tone ! wzpcall name=call " URI " ! " HEARD, port());
  g_autoptr(GstElement) tone = gst_bin_get_by_name(GST_BIN(pipeline), "tone");
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  for (guint round = 0; round < 3; round++) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    rig_wait_state(pipeline, "call", "waiting");
    g_assert_cmpint(GST_BIN_NUMCHILDREN(call), ==, round == 1 ? 5 : 13);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    if (round == 0)
      gst_element_unlink(tone, call);
    if (round == 1)
      g_assert_true(gst_element_link(tone, call));
    if (round == 0)
      gst_element_set_locked_state(tone, TRUE);
    else
      gst_element_set_locked_state(tone, FALSE);
  }
  rig_stop(pipeline);
}

/* What is sent in the time of 60 buffers of 10 ms of what is heard. */
static guint64
sent_meanwhile(GstElement *pipeline)
{
  rig_wait_buffers(pipeline, "heard", 20); /* what was on its way to the encoder */
  guint64 before = rig_counter(pipeline, "call", "frames-sent");
  rig_wait_buffers(pipeline, "heard", 60);
  return rig_counter(pipeline, "call", "frames-sent") - before;
}

/* The element of this factory in a call; of the wzpfec, the one of this direction (1 protect, 2 recover). */
static GstElement *
dup_inner(GstElement *pipeline, const char *factory, int direction)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  GstIterator *elements = gst_bin_iterate_all_by_element_factory_name(GST_BIN(call), factory);
  GValue item = G_VALUE_INIT;
  GstElement *found = NULL;
  while (found == NULL && gst_iterator_next(elements, &item) == GST_ITERATOR_OK) {
    GstElement *element = g_value_get_object(&item);
    int its = direction;
    if (direction != 0)
      g_object_get(element, "direction", &its, NULL);
    if (its == direction)
      found = gst_object_ref(element);
    g_value_unset(&item);
  }
  gst_iterator_free(elements);
  g_assert_nonnull(found);
  return found;
}

typedef struct {
  gint told, gaps; /* atomic: descriptors of a room, and events */
} Silences;

static GstPadProbeReturn
look_for_silence(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Silences *silences = data;
  (void)pad;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
    const GstMetaInfo *known = gst_meta_get_info("GstWzpMeta");
    const GstWzpMeta *meta =
        (const GstWzpMeta *)gst_buffer_get_meta(GST_PAD_PROBE_INFO_BUFFER(info), known->api);
    if (meta->code == WZP_CODE_COMFORT_NOISE)
      g_atomic_int_inc(&silences->told);
  } else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_GAP) {
    g_atomic_int_inc(&silences->gaps);
  }
  return GST_PAD_PROBE_OK;
}

/* mute, and push-to-talk without the key: nothing goes out; it goes on as if nothing had been. */
static void
test_silent(void)
{
  GstElement *a = rig_play(LIVE " ! wzpcall name=call push-to-talk=true " URI " ! " HEARD, port());
  GstElement *b = rig_play(LIVE " ! wzpcall name=call " URI " ! " HEARD, port());
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(a), "call");
  rig_wait_buffers(a, "heard", 10);
  g_assert_cmpuint(rig_counter(a, "call", "frames-sent"), ==, 0);
  g_object_set(call, "talk", TRUE, NULL);
  g_assert_cmpuint(sent_meanwhile(a), >, 8);
  Silences silences = {0};
  g_autoptr(GstElement) protector = dup_inner(a, "wzpfec", 1);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(protector, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                    look_for_silence, &silences, NULL);
  g_object_set(call, "mute", TRUE, NULL);
  g_assert_cmpuint(sent_meanwhile(a), <=, 4);
  g_object_set(call, "mute", FALSE, NULL);
  g_assert_cmpuint(sent_meanwhile(a), >, 8);
  g_object_set(call, "talk", FALSE, NULL);
  g_assert_cmpuint(sent_meanwhile(a), <=, 4);
  /* both times it is said: what is silence is no loss */
  g_assert_cmpint(g_atomic_int_get(&silences.told), ==, 2);
  g_assert_cmpint(g_atomic_int_get(&silences.gaps), >, 10);
  g_object_set(call, "push-to-talk", FALSE, NULL);
  g_assert_cmpuint(sent_meanwhile(a), >, 8);
  rig_stop(a);
  rig_stop(b);
}

/* --- repair --- */

static guint64
fec_counter(GstElement *pipeline, int direction, const char *field)
{
  g_autoptr(GstElement) fec = dup_inner(pipeline, "wzpfec", direction);
  g_autoptr(GstStructure) stats = NULL;
  guint64 value = 0;
  g_object_get(fec, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_uint64(stats, field, &value));
  return value;
}

static GstPadProbeReturn
lose(GstPad *pad, GstPadProbeInfo *info, gpointer random)
{
  (void)pad;
  (void)info;
  return g_rand_int_range(random, 0, 5) == 0 ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

/* From READY on, one in five packets that this call sends is lost. */
static void
make_lossy(GstElement *pipeline)
{
  gst_element_set_state(pipeline, GST_STATE_READY);
  g_autoptr(GstElement) sink = dup_inner(pipeline, "wzpsink", 0);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, lose, g_rand_new_with_seed(3),
                    (GDestroyNotify)g_rand_free);
}

/* One speaks, the other only listens: what it reports goes alone. Of what is lost little is concealed. */
static void
test_lossy(void)
{
  const unsigned frames = 250;
  /* tier: on a busy machine the queue is real, and takes the room for repair */
  GstElement *speaker = rig_parse(TONE " ! wzpcall name=call tier=manual " URI, frames, port());
  make_lossy(speaker);
  gst_element_set_state(speaker, GST_STATE_PLAYING);
  rig_wait_state(speaker, "call", "waiting");
  GstElement *listener =
      rig_play("wzpcall name=call latency=200 end-on-leave=true " URI " ! " HEARD, port());
  gst_message_unref(rig_wait(speaker, GST_MESSAGE_EOS, NULL, NULL));
  g_assert_cmpuint(fec_counter(speaker, 1, "reports-handled"), >=, 3);
  g_autoptr(GstElement) fec = dup_inner(speaker, "wzpfec", 1);
  g_autoptr(GstStructure) stats = NULL;
  gdouble loss = 0;
  g_object_get(fec, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_double(stats, "loss", &loss));
  g_assert_cmpfloat(loss, >, 0.1);
  g_assert_cmpfloat(loss, <, 0.45);
  g_assert_cmpuint(fec_counter(listener, 2, "reports-made"), >=, 3);

  rig_stop(speaker);
  gst_message_unref(rig_wait(listener, GST_MESSAGE_EOS, NULL, NULL));
  guint64 received = rig_counter(listener, "call", "frames-received");
  guint64 repaired = rig_counter(listener, "call", "frames-repaired");
  guint64 concealed = rig_counter(listener, "call", "frames-concealed");
  g_test_message("%u sent, %u received, %u repaired, %u concealed", frames, (unsigned)received,
                 (unsigned)repaired, (unsigned)concealed);
  g_assert_cmpuint(received, <, frames * 9 / 10);
  g_assert_cmpuint(repaired, >, frames / 10);
  g_assert_cmpuint(concealed, <=, frames / 50); /* at first nothing is known of losses */
  rig_stop(listener);
}

/* Both speak: reports travel in what is spoken. Only one way is bad. */
static void
test_reports(void)
{
  GstElement *a = rig_parse(LIVE " ! wzpcall name=call latency=100 " URI " ! " HEARD, port());
  make_lossy(a);
  gst_element_set_state(a, GST_STATE_PLAYING);
  GstElement *b = rig_play(LIVE " ! wzpcall name=call latency=100 " URI " ! " HEARD, port());
  rig_wait_buffers(a, "heard", 150);
  rig_wait_buffers(b, "heard", 100);
  g_assert_cmpuint(fec_counter(b, 1, "reports-carried"), >=, 2);
  g_assert_cmpuint(fec_counter(a, 2, "reports-heard"), >=, 2);
  g_assert_cmpuint(fec_counter(a, 2, "reports-not-ours"), ==, 0);
  g_assert_cmpuint(fec_counter(a, 1, "reports-handled"), >=, 2);
  g_assert_cmpuint(fec_counter(b, 2, "recovered"), >, 0);
  g_assert_cmpuint(fec_counter(a, 2, "packets-lost"), ==, 0);
  rig_stop(a);
  rig_stop(b);
}

/* The first word is that nothing is known; then the tier that is asked for is spoken, whatever the way. */
static void
test_tier(void)
{
  GstElement *a = rig_parse(
      LIVE " ! wzpcall name=call tier=degraded network-hint=wifi " URI " ! " HEARD, port());
  GstElement *b =
      rig_parse(LIVE " ! wzpcall name=call tier=manual profile=opus-64k " URI " ! " HEARD, port());
  gst_element_set_state(a, GST_STATE_PLAYING);
  gst_element_set_state(b, GST_STATE_PLAYING);
  g_autoptr(GstMessage) message = rig_wait(a, GST_MESSAGE_ELEMENT, "wzp-quality", NULL);
  const GstStructure *quality = gst_message_get_structure(message);
  g_assert_cmpstr(gst_structure_get_string(quality, "tier"), ==, "degraded");
  g_assert_cmpstr(gst_structure_get_string(quality, "reason"), ==, "manual");
  g_assert_cmpstr(gst_structure_get_string(quality, "verdict"), ==, "unknown");
  g_assert_cmpstr(gst_structure_get_string(quality, "network"), ==, "wifi");
  g_assert_nonnull(gst_structure_get_string(quality, "text"));
  rig_wait_buffers(a, "heard", 100);
  rig_wait_buffers(b, "heard", 100);
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(a), "call");
  g_autoptr(GstElement) other = gst_bin_get_by_name(GST_BIN(b), "call");
  g_autoptr(GstStructure) stats = NULL;
  g_autoptr(GstStructure) theirs = NULL;
  gdouble round_trip = -1;
  g_object_get(call, "stats", &stats, NULL);
  g_object_get(other, "stats", &theirs, NULL);
  g_assert_cmpstr(gst_structure_get_string(stats, "tier"), ==, "degraded");
  g_assert_cmpstr(gst_structure_get_string(stats, "profile"), !=, "opus-24k");
  g_assert_true(gst_structure_get_double(stats, "path-round-trip", &round_trip));
  g_assert_cmpfloat(round_trip, >=, 0);
  g_assert_cmpstr(gst_structure_get_string(theirs, "profile"), ==, "opus-64k");
  g_assert_cmpstr(gst_structure_get_string(theirs, "reason"), ==, "manual");
  rig_stop(a);
  rig_stop(b);
}

/* What repair may cost stands in the link, or is changed while the call is on. */
static void
test_repair_properties(void)
{
  GstElement *pipeline = rig_play(LIVE " ! wzpcall name=call "
                                       "uri=wzp://127.0.0.1:%u/"
                                       "room?scheme=copies&overhead=100&max-delay=120 KNOWN",
                                  port());
  rig_wait_state(pipeline, "call", "waiting");
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  g_autoptr(GstElement) fec = dup_inner(pipeline, "wzpfec", 0);
  gint scheme = -1, overhead = -1;
  guint max_delay = 0, budget = 0;
  g_object_get(fec, "scheme", &scheme, "overhead", &overhead, "max-delay", &max_delay, NULL);
  g_assert_cmpint(scheme, ==, 3); /* copies */
  g_assert_cmpint(overhead, ==, 100);
  g_assert_cmpuint(max_delay, ==, 120);
  gst_util_set_object_arg(G_OBJECT(call), "scheme", "sliding");
  g_object_set(call, "budget", 60000, NULL);
  g_object_get(fec, "scheme", &scheme, "budget", &budget, NULL);
  g_assert_cmpint(scheme, ==, 1);
  g_assert_cmpuint(budget, ==, 60000);
  rig_stop(pipeline);

  pipeline = rig_play("wzpcall name=call uri=wzp://127.0.0.1:%u/room?scheme=fast KNOWN ! fakesink",
                      port());
  rig_wait_error(pipeline, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "scheme");
  rig_stop(pipeline);
}

static void
test_no_uri(void)
{
  GstElement *pipeline = rig_play("wzpcall ! fakesink");
  rig_wait_error(pipeline, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "set 'uri'");
  rig_stop(pipeline);
}

static const RigCase cases[] = {
    {"file", test_file},
    {"live", test_live},
    {"two-in-one", test_two_in_one},
    {"beside-others", test_beside_others},
    {"composed", test_composed},
    {"decodebin", test_decodebin},
    {"end-on-leave", test_end_on_leave},
    {"files-both-ways", test_files_both_ways},
    {"silence-in-pause", test_silence_in_pause},
    {"eos", test_eos},
    {"eos-of-file", test_eos_of_file},
    {"relay-restarted", test_relay_restarted},
    {"again", test_again},
    {"silent", test_silent},
    {"no-uri", test_no_uri},
    {"lossy", test_lossy},
    {"reports", test_reports},
    {"tier", test_tier},
    {"repair-properties", test_repair_properties},
};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  return rig_run_cases("/call/", cases, G_N_ELEMENTS(cases), &relay, NULL);
}
