/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"
#include "wzp/profile.h"

#define OPUS_20_MS 0
#define OPUS_40_MS 3

static GstHarness *
decoder(void)
{
  GstHarness *h = gst_harness_new("wzpdec");
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  return h;
}

/* Frames as wzpenc makes them of silence and then the sine. */
static GPtrArray *
make_frames_after(const char *profile, guint silence_ms, guint ms)
{
  GstHarness *h = gst_harness_new("wzpenc");
  GPtrArray *frames = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);
  guint64 at = 0;
  GstBuffer *frame;
  gst_util_set_object_arg(G_OBJECT(h->element), "profile", profile);
  gst_harness_set_src_caps_str(h, TEST_CAPS_AUDIO);
  if (silence_ms > 0) {
    GstBuffer *silence = test_sine(silence_ms, &at);
    gst_buffer_memset(silence, 0, 0, gst_buffer_get_size(silence));
    g_assert_cmpint(gst_harness_push(h, silence), ==, GST_FLOW_OK);
  }
  g_assert_cmpint(gst_harness_push(h, test_sine(ms, &at)), ==, GST_FLOW_OK);
  while ((frame = gst_harness_try_pull(h)) != NULL)
    g_ptr_array_add(frames, frame);
  gst_harness_teardown(h);
  return frames;
}

static GPtrArray *
make_frames(const char *profile, guint ms)
{
  return make_frames_after(profile, 0, ms);
}

static void
push_frame(GstHarness *h, GPtrArray *frames, guint n)
{
  g_assert_cmpint(gst_harness_push(h, gst_buffer_ref(frames->pdata[n])), ==, GST_FLOW_OK);
}

static double
level(GstBuffer *buffer)
{
  GstMapInfo map;
  double sum = 0;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
  const gint16 *pcm = (const gint16 *)map.data;
  gsize samples = map.size / sizeof *pcm;
  for (gsize i = 0; i < samples; i++)
    sum += (double)pcm[i] * pcm[i];
  gst_buffer_unmap(buffer, &map);
  return sqrt(sum / (double)MAX(samples, 1));
}

/* What went in comes out: of the right length, at the right time, as loud as it was. */
static void
test_sine_through(gconstpointer data)
{
  GPtrArray *frames = make_frames(data, 2000);
  GstHarness *h = decoder();
  gsize size = 0;
  double power = 0;
  for (guint i = 0; i < frames->len; i++)
    push_frame(h, frames, i);
  for (guint i = 0; i < frames->len; i++) {
    GstBuffer *audio = gst_harness_pull(h);
    g_assert_cmpuint(GST_BUFFER_PTS(audio), ==, GST_BUFFER_PTS(GST_BUFFER(frames->pdata[i])));
    size += gst_buffer_get_size(audio);
    if (i >= 5)
      power += level(audio) * level(audio) / (frames->len - 5);
    gst_buffer_unref(audio);
  }
  g_assert_cmpuint(size, ==, 2000 * 48 * 2);
  g_assert_cmpfloat(sqrt(power), >, 8192); /* 11585 went in, and 3 dB may be lost or won */
  g_assert_cmpfloat(sqrt(power), <, 16384);
  test_assert_caps(h, TEST_CAPS_AUDIO);
  test_assert_stats_name(h->element, "application/x-wzp-dec-stats");
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, frames->len);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "invalid"), ==, 0);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

static void
push_gap(GstHarness *h, GstClockTime at, GstClockTime duration, gboolean lost)
{
  GstEvent *gap = gst_event_new_gap(at, duration);
  if (lost)
    gst_event_set_gap_flags(gap, GST_GAP_FLAG_MISSING_DATA);
  g_assert_true(gst_harness_push_event(h, gap));
}

static void
test_concealment(void)
{
  GPtrArray *frames = make_frames("opus-24k", 400);
  GstHarness *h = decoder();
  for (guint i = 0; i < 10; i++) {
    push_frame(h, frames, i);
    gst_buffer_unref(gst_harness_pull(h));
  }
  push_gap(h, 200 * GST_MSECOND, 20 * GST_MSECOND, TRUE);
  GstBuffer *audio = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(audio), ==, 20 * 48 * 2);
  g_assert_cmpuint(GST_BUFFER_PTS(audio), ==, 200 * GST_MSECOND);
  g_assert_cmpfloat(level(audio), >, 3000); /* it goes on as it was, not silent */
  gst_buffer_unref(audio);
  push_frame(h, frames, 11);
  audio = gst_harness_pull(h);
  g_assert_cmpuint(GST_BUFFER_PTS(audio), ==, 220 * GST_MSECOND);
  gst_buffer_unref(audio);
  /* longer than one call of the codec makes */
  push_gap(h, 240 * GST_MSECOND, 300 * GST_MSECOND, TRUE);
  audio = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(audio), ==, 300 * 48 * 2);
  gst_buffer_unref(audio);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 2);
  g_assert_cmpuint(test_stat(h->element, "concealed-ms"), ==, 320);
  g_assert_cmpuint(test_stat(h->element, "silence-ms"), ==, 0);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

static void
push_lost(GstHarness *h, GstBuffer *next, GstClockTime ahead)
{
  GstStructure *lost =
      gst_structure_new("wzp-frame-lost", "index", G_TYPE_UINT64, (guint64)0, NULL);
  gst_structure_set(lost, "next", GST_TYPE_BUFFER, next, "ahead", G_TYPE_UINT64, ahead, NULL);
  g_assert_true(gst_harness_push_event(h, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, lost)));
}

/* No step between the two is larger than those within the next one, which is taken. */
static void
assert_joins(GstBuffer *audio, GstBuffer *next)
{
  gint16 last;
  GstMapInfo map;
  gint most = 0;
  gst_buffer_extract(audio, gst_buffer_get_size(audio) - sizeof last, &last, sizeof last);
  g_assert_true(gst_buffer_map(next, &map, GST_MAP_READ));
  const gint16 *pcm = (const gint16 *)map.data;
  for (gsize i = 1; i < map.size / sizeof *pcm; i++)
    most = MAX(most, ABS(pcm[i] - pcm[i - 1]));
  g_assert_cmpint(ABS(pcm[0] - last), <=, most);
  gst_buffer_unmap(next, &map);
  gst_buffer_unref(next);
}

/* A frame is lost with which a sound begins. What was before knows nothing of it; who has the next frame already hears it
 * begin. What is no frame, is of another codec or far away changes nothing. */
static void
test_leads_over(gconstpointer data)
{
  const guint ms = wzp_profile_by_name(data)->frame_ms, n = 10;
  GPtrArray *frames = make_frames_after(data, n * ms, 400);
  GPtrArray *other = make_frames("codec2-3200", 400);
  GstBuffer *broken = gst_buffer_copy_deep(frames->pdata[n + 1]);
  const struct {
    GstBuffer *next;
    GstClockTime ahead;
  } known[] = {{NULL, 0},
               {frames->pdata[n + 1], ms * GST_MSECOND},
               {other->pdata[n + 1], ms * GST_MSECOND},
               {broken, ms * GST_MSECOND},
               {frames->pdata[n + 1], GST_SECOND}};
  double levels[G_N_ELEMENTS(known)];
  gst_buffer_resize(broken, 0, 0);
  for (guint round = 0; round < G_N_ELEMENTS(known); round++) {
    GstHarness *h = decoder();
    for (guint i = 0; i < n; i++) {
      push_frame(h, frames, i);
      gst_buffer_unref(gst_harness_pull(h));
    }
    if (known[round].next != NULL)
      push_lost(h, known[round].next, known[round].ahead);
    push_gap(h, n * ms * GST_MSECOND, ms * GST_MSECOND, TRUE);
    GstBuffer *audio = gst_harness_pull(h);
    levels[round] = level(audio);
    push_frame(h, frames, n + 1);
    if (round == 1)
      assert_joins(audio, gst_harness_pull(h));
    gst_buffer_unref(audio);
    gst_harness_teardown(h);
  }
  g_test_message("%.0f, led over %.0f", levels[0], levels[1]);
  g_assert_cmpfloat(levels[0], <, 100);
  g_assert_cmpfloat(levels[1], >, 300);
  for (guint round = 2; round < G_N_ELEMENTS(known); round++)
    g_assert_cmpfloat(levels[round], ==, levels[0]);
  gst_buffer_unref(broken);
  g_ptr_array_unref(frames);
  g_ptr_array_unref(other);
}

/* Lost frames of the vocoders: never zeros at once, softer and softer, and the time is kept. */
static void
test_vocoder_concealment(gconstpointer data)
{
  const WzpProfile *profile = wzp_profile_by_name(data);
  GPtrArray *frames = make_frames(data, 800);
  GstHarness *h = decoder();
  guint ms = profile->frame_ms, n = 400 / ms;
  double before = 0, first = 0, last = 0;
  for (guint i = 0; i < n; i++) {
    push_frame(h, frames, i);
    GstBuffer *audio = gst_harness_pull(h);
    before = level(audio);
    gst_buffer_unref(audio);
  }
  for (guint i = 0; i < 120 / ms; i++) {
    push_gap(h, (n + i) * ms * GST_MSECOND, ms * GST_MSECOND, TRUE);
    GstBuffer *audio = gst_harness_pull(h);
    g_assert_cmpuint(gst_buffer_get_size(audio), ==, ms * 48 * 2);
    last = level(audio);
    if (i == 0)
      first = last;
    gst_buffer_unref(audio);
  }
  g_test_message("%.0f, then %.0f to %.0f", before, first, last);
  g_assert_cmpfloat(first, >, before / 4);
  g_assert_cmpfloat(last, <, first);
  g_assert_cmpfloat(last, >, 0);
  push_frame(h, frames, n + 120 / ms);
  GstBuffer *audio = gst_harness_pull(h);
  g_assert_cmpfloat(level(audio), >, before / 4);
  gst_buffer_unref(audio);
  g_assert_cmpuint(test_stat(h->element, "concealed-ms"), ==, 120);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

/* Parts of 2.5 ms are not lost: in the end the samples are as many as the gaps' time. */
static void
test_concealment_of_odd_lengths(void)
{
  GPtrArray *frames = make_frames("opus-24k", 100);
  GstHarness *h = decoder();
  push_frame(h, frames, 0);
  gst_buffer_unref(gst_harness_pull(h));
  for (guint i = 0; i < 10; i++)
    push_gap(h, (20 + 4 * i) * GST_MSECOND, 4 * GST_MSECOND, TRUE);
  gsize size = 0;
  GstBuffer *audio;
  while ((audio = gst_harness_try_pull(h)) != NULL) {
    size += gst_buffer_get_size(audio);
    gst_buffer_unref(audio);
  }
  g_assert_cmpuint(size, ==, 40 * 48 * 2);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

static void
test_silence(void)
{
  GPtrArray *frames = make_frames("opus-24k", 100);
  GstHarness *h = decoder();
  push_frame(h, frames, 0);
  gst_buffer_unref(gst_harness_pull(h));
  push_gap(h, 20 * GST_MSECOND, 1500 * GST_MSECOND, FALSE);
  GstBuffer *audio = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(audio), ==, 1500 * 48 * 2);
  g_assert_true(GST_BUFFER_FLAG_IS_SET(audio, GST_BUFFER_FLAG_GAP));
  g_assert_cmpfloat(level(audio), ==, 0);
  gst_buffer_unref(audio);
  g_assert_cmpuint(test_stat(h->element, "silence-ms"), ==, 1500);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 0);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

/* A descriptor sounds like the room, and so do the gaps behind it, until somebody speaks. */
static void
test_comfort_noise(void)
{
  static const guint8 descriptor[8] = {100, 0, 0, 0, 0, 0, 0, 0}; /* -50 dB */
  GPtrArray *frames = make_frames("opus-24k", 400);
  GstHarness *h = decoder();
  for (guint i = 0; i < 10; i++) {
    push_frame(h, frames, i);
    gst_buffer_unref(gst_harness_pull(h));
  }
  GstBuffer *frame = test_buffer(descriptor, sizeof descriptor, WZP_CODE_COMFORT_NOISE, 10);
  GST_BUFFER_PTS(frame) = 200 * GST_MSECOND;
  GST_BUFFER_DURATION(frame) = 20 * GST_MSECOND;
  g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
  GstBuffer *audio = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(audio), ==, 20 * 48 * 2);
  gst_buffer_unref(audio);
  push_gap(h, 220 * GST_MSECOND, 130 * GST_MSECOND, FALSE);
  audio = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(audio), ==, 130 * 48 * 2);
  g_assert_false(GST_BUFFER_FLAG_IS_SET(audio, GST_BUFFER_FLAG_GAP));
  double loud = 20 * log10(level(audio) / 32768);
  g_assert_cmpfloat(loud, >, -52);
  g_assert_cmpfloat(loud, <, -48);
  gst_buffer_unref(audio);
  GST_BUFFER_PTS(GST_BUFFER(frames->pdata[17])) = 350 * GST_MSECOND;
  push_frame(h, frames, 17);
  gst_buffer_unref(gst_harness_pull(h));
  push_gap(h, 370 * GST_MSECOND, 20 * GST_MSECOND, TRUE); /* a loss is none of the room's */
  audio = gst_harness_pull(h);
  g_assert_cmpfloat(level(audio), >, 2000);
  gst_buffer_unref(audio);
  g_assert_cmpuint(test_stat(h->element, "comfort"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, 11);
  g_assert_cmpuint(test_stat(h->element, "silence-ms"), ==, 130);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 1);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

/* On request the gap goes on to others. */
static void
test_without_concealment(void)
{
  GPtrArray *frames = make_frames("opus-24k", 100);
  GstHarness *h = decoder();
  gboolean plc = FALSE;
  g_object_get(h->element, "plc", &plc, NULL);
  g_assert_true(plc);
  g_object_set(h->element, "plc", FALSE, NULL);
  push_frame(h, frames, 0);
  gst_buffer_unref(gst_harness_pull(h));
  push_gap(h, 20 * GST_MSECOND, 20 * GST_MSECOND, TRUE);
  g_assert_null(gst_harness_try_pull(h));
  GstEvent *gap = test_try_event(h, GST_EVENT_GAP);
  g_assert_nonnull(gap);
  gst_event_unref(gap);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

typedef struct {
  const char *name;
  guint8 code;
  gsize size;
  guint8 start[2];
} Invalid;

static const Invalid invalids[] = {
    {"ten-ms", OPUS_20_MS, 60, {8 << 3}},           /* SILK wideband 10 ms */
    {"forty-ms-as-twenty", OPUS_20_MS, 60, {0x50}}, /* SILK wideband 40 ms */
    {"twenty-ms-as-forty", OPUS_40_MS, 60, {0x48}}, /* SILK wideband 20 ms */
    {"stereo", OPUS_20_MS, 60, {0x4c}},
    {"two-frames", OPUS_20_MS, 60, {0x49}},
    {"no-frames", OPUS_20_MS, 60, {0x4b, 0}},
    {"cut-count", OPUS_20_MS, 1, {0x4b}},
    {"too-long", OPUS_20_MS, 1276, {0x48}},
    {"opus-as-codec2-3200", 5, 60, {0x48}},
    {"codec2-1200-as-3200", 5, 6, {0x48}},
    {"cut-codec2-1200", 7, 5, {0x48}},
    {"cut-comfort-noise", WZP_CODE_COMFORT_NOISE, 7, {0x48}},
    {"no-audio", WZP_CODE_NO_AUDIO, 60, {0x48}},
    {"reserved", 15, 60, {0x48}},
    {"padding-longer-than-packet", OPUS_20_MS, 3, {0x4b, 0x41}},
};

static void
test_invalid(gconstpointer data)
{
  const Invalid *invalid = data;
  GstHarness *h = decoder();
  guint8 bytes[1276] = {0};
  memcpy(bytes, invalid->start, sizeof invalid->start);
  if (invalid->size == 3)
    bytes[2] = 200;
  GstBuffer *frame = test_buffer(bytes, invalid->size, invalid->code, 0);
  GST_BUFFER_PTS(frame) = 0;
  GST_BUFFER_DURATION(frame) = 20 * GST_MSECOND;
  g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
  /* its time is filled all the same */
  GstBuffer *audio = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(audio), ==, 20 * 48 * 2);
  gst_buffer_unref(audio);
  g_assert_cmpuint(test_stat(h->element, "invalid"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "concealed"), ==, 1);
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, 0);
  gst_harness_teardown(h);
}

static void
test_without_meta(void)
{
  GstHarness *h = decoder();
  GstBuffer *frame = gst_buffer_new_memdup("\x48 no idea what this is", 20);
  GST_BUFFER_PTS(frame) = 0;
  GST_BUFFER_DURATION(frame) = 20 * GST_MSECOND;
  g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
  g_assert_cmpuint(test_stat(h->element, "invalid"), ==, 1);
  gst_harness_teardown(h);
}

/* Any bytes: no crash, and for each frame its time. */
static void
test_noise(void)
{
  GstHarness *h = decoder();
  for (guint i = 0; i < 2000; i++) {
    guint8 bytes[200];
    gsize size = (gsize)g_test_rand_int_range(1, sizeof bytes);
    for (gsize k = 0; k < size; k++)
      bytes[k] = (guint8)g_test_rand_int();
    bytes[0] &= 0xfb;
    guint8 code = g_test_rand_bit() ? OPUS_20_MS : OPUS_40_MS;
    GstClockTime duration = (code == OPUS_20_MS ? 20 : 40) * GST_MSECOND;
    GstBuffer *frame = test_buffer(bytes, size, code, i);
    GST_BUFFER_PTS(frame) = i * 40 * GST_MSECOND;
    GST_BUFFER_DURATION(frame) = duration;
    g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
    GstBuffer *audio = gst_harness_pull(h);
    g_assert_cmpuint(gst_buffer_get_size(audio), ==, duration / GST_MSECOND * 48 * 2);
    gst_buffer_unref(audio);
  }
  g_assert_cmpuint(test_stat(h->element, "frames") + test_stat(h->element, "invalid"), ==, 2000);
  gst_harness_teardown(h);
}

/* The sender changes its profile; caps do not. */
static void
test_other_profile(void)
{
  GPtrArray *first = make_frames("opus-24k", 200), *second = make_frames("opus-6k", 400);
  GstHarness *h = decoder();
  push_frame(h, first, 0);
  push_frame(h, second, 3);
  push_frame(h, first, 7);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *audio = gst_harness_pull(h);
    g_assert_cmpuint(gst_buffer_get_size(audio), ==, (i == 1 ? 40 : 20) * 48 * 2);
    gst_buffer_unref(audio);
  }
  g_assert_cmpuint(test_stat(h->element, "invalid"), ==, 0);
  gst_harness_teardown(h);
  g_ptr_array_unref(first);
  g_ptr_array_unref(second);
}

static void
test_renegotiation(void)
{
  GPtrArray *frames = make_frames("opus-24k", 100);
  GstHarness *h = decoder();
  push_frame(h, frames, 0);
  GstCaps *caps = gst_caps_from_string(GST_WZP_CAPS_FRAMES);
  g_assert_true(gst_harness_push_event(h, gst_event_new_caps(caps)));
  gst_caps_unref(caps);
  g_assert_true(gst_harness_push_upstream_event(h, gst_event_new_reconfigure()));
  push_frame(h, frames, 1);
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 2);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

static void
test_refuses_caps(void)
{
  GstHarness *h = gst_harness_new("wzpdec");
  test_assert_refuses(h, GST_WZP_CAPS_BUNDLES);
  test_assert_refuses(h, GST_WZP_CAPS_SEALED);
  test_assert_refuses(h, "audio/x-opus");
  gst_harness_teardown(h);
}

static void
test_flushing_and_end(void)
{
  GPtrArray *frames = make_frames("opus-24k", 200);
  GstHarness *h = decoder();
  push_frame(h, frames, 0);
  gst_buffer_unref(gst_harness_pull(h));
  test_flush(h);
  push_frame(h, frames, 5);
  GstBuffer *audio = gst_harness_pull(h);
  g_assert_cmpuint(GST_BUFFER_PTS(audio), ==, 100 * GST_MSECOND);
  gst_buffer_unref(audio);
  push_frame(h, frames, 6);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  gst_buffer_unref(gst_harness_pull(h));
  GstEvent *eos = test_try_event(h, GST_EVENT_EOS);
  g_assert_nonnull(eos);
  gst_event_unref(eos);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

/* A frame is decoded as it comes: nothing is added. */
static void
test_latency(void)
{
  GPtrArray *frames = make_frames("opus-24k", 100);
  GstHarness *h = decoder();
  gst_harness_set_upstream_latency(h, 70 * GST_MSECOND);
  push_frame(h, frames, 0);
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 70 * GST_MSECOND);
  gst_harness_teardown(h);
  g_ptr_array_unref(frames);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
    const WzpProfile *profile = wzp_profile_nth(n);
    if (profile->codec != WZP_CODEC_OPUS)
      continue; /* a vocoder of speech makes of a sine what it likes; see test-voice.c */
    char *path = g_strdup_printf("/wzpdec/sine/%s", profile->name);
    g_test_add_data_func(path, profile->name, test_sine_through);
    g_free(path);
  }
  for (guint i = 0; i < G_N_ELEMENTS(invalids); i++) {
    char *path = g_strdup_printf("/wzpdec/invalid/%s", invalids[i].name);
    g_test_add_data_func(path, &invalids[i], test_invalid);
    g_free(path);
  }
  g_test_add_func("/wzpdec/concealment", test_concealment);
  g_test_add_data_func("/wzpdec/leads-over/silk", "opus-24k", test_leads_over);
  g_test_add_data_func("/wzpdec/leads-over/silk-40-ms", "opus-8k", test_leads_over);
  g_test_add_data_func("/wzpdec/leads-over/celt", "opus-64k", test_leads_over);
  g_test_add_func("/wzpdec/concealment-of-odd-lengths", test_concealment_of_odd_lengths);
  g_test_add_data_func("/wzpdec/concealment/codec2-3200", "codec2-3200", test_vocoder_concealment);
  g_test_add_data_func("/wzpdec/concealment/codec2-1200", "codec2-1200", test_vocoder_concealment);
  g_test_add_func("/wzpdec/silence", test_silence);
  g_test_add_func("/wzpdec/comfort-noise", test_comfort_noise);
  g_test_add_func("/wzpdec/without-concealment", test_without_concealment);
  g_test_add_func("/wzpdec/without-meta", test_without_meta);
  g_test_add_func("/wzpdec/noise", test_noise);
  g_test_add_func("/wzpdec/other-profile", test_other_profile);
  g_test_add_func("/wzpdec/renegotiation", test_renegotiation);
  g_test_add_func("/wzpdec/refuses-caps", test_refuses_caps);
  g_test_add_func("/wzpdec/flush-and-end-of-stream", test_flushing_and_end);
  g_test_add_func("/wzpdec/latency", test_latency);
  return test_run();
}
