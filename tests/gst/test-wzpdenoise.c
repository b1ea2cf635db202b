/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"
#include "tests/core/sound.h"

#define RATE 48000
#define CAPS_FLOAT                                                                                 \
  "audio/x-raw, format=(string)F32LE, layout=(string)interleaved, rate=(int)48000, "               \
  "channels=(int)1"
#define FRAME 480

static gboolean
has_rnnoise(void)
{
  g_autoptr(GstElement) element = gst_element_factory_make("wzpdenoise", NULL);
  gst_object_ref_sink(element);
  g_object_set(element, "engine", "rnnoise", NULL);
  gboolean has = gst_element_set_state(element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE;
  gst_element_set_state(element, GST_STATE_NULL);
  return has;
}

static GstHarness *
denoiser(const gchar *engine, const gchar *strength, const gchar *caps)
{
  GstElement *element = gst_element_factory_make("wzpdenoise", NULL);
  g_object_set(element, "engine", engine, NULL);
  gst_util_set_object_arg(G_OBJECT(element), "strength", strength);
  GstHarness *h = gst_harness_new_with_element(element, "sink", "src");
  gst_harness_set_src_caps_str(h, caps);
  return h;
}

static GRand *random_numbers;
static SoundRoom room; /* at -30 dB */

/* A sine of 440 Hz or, with `noise`, that of a room. */
static void
push(GstHarness *h, guint samples, guint64 *at, gboolean noise, gboolean is_float)
{
  gsize size = samples * (is_float ? sizeof(gfloat) : sizeof(gint16));
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);
  GstMapInfo map;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
  for (guint i = 0; i < samples; i++) {
    double x = noise ? sound_room_next(&room) / 32768
                     : 0.3 * sin(2 * G_PI * 440 * (double)(*at + i) / RATE);
    if (is_float)
      ((gfloat *)map.data)[i] = (gfloat)x;
    else
      ((gint16 *)map.data)[i] = (gint16)lrint(x * 32767);
  }
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(*at, GST_SECOND, RATE);
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(samples, GST_SECOND, RATE);
  *at += samples;
  g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
}

/* Adds what came out to `out` (of gdouble), and checks that its times are without a gap. */
static void
collect(GstHarness *h, GArray *out, gboolean is_float)
{
  GstBuffer *buffer;
  while ((buffer = gst_harness_try_pull(h)) != NULL) {
    GstMapInfo map;
    GstClockTime expected = gst_util_uint64_scale(out->len, GST_SECOND, RATE);
    g_assert_cmpuint(GST_BUFFER_PTS(buffer) + 1 - expected, <=, 2); /* a rounded ns */
    g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
    gsize samples = map.size / (is_float ? sizeof(gfloat) : sizeof(gint16));
    for (gsize i = 0; i < samples; i++) {
      gdouble x = is_float ? ((gfloat *)map.data)[i] : ((gint16 *)map.data)[i] / 32768.0;
      g_assert_true(isfinite(x));
      g_array_append_val(out, x);
    }
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
  }
}

static double
level(const GArray *sound, gsize from, gsize n)
{
  double sum = 1e-12;
  for (gsize i = from; i < from + n; i++)
    sum += g_array_index(sound, gdouble, i) * g_array_index(sound, gdouble, i);
  return 10 * log10(sum / (double)n);
}

/* All that goes in comes out with the time that it had; nothing is left behind at the end. */
static void
check_times(const gchar *engine, guint samples, gboolean is_float)
{
  GstHarness *h = denoiser(engine, "strong", is_float ? CAPS_FLOAT : TEST_CAPS_AUDIO);
  GArray *out = g_array_new(FALSE, FALSE, sizeof(gdouble));
  guint64 at = 0;
  while (at < RATE / 2)
    push(h, samples, &at, TRUE, is_float);
  collect(h, out, is_float);
  guint held = (guint)at - out->len;
  g_assert_cmpuint(held, >=, FRAME);
  g_assert_cmpuint(held, <, FRAME + FRAME);
  GstClockTime latency = gst_harness_query_latency(h);
  g_assert_cmpuint(latency, ==, samples % FRAME == 0 ? 10 * GST_MSECOND : 20 * GST_MSECOND);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  collect(h, out, is_float);
  g_assert_cmpuint(out->len, ==, at);
  test_assert_stats_name(h->element, "application/x-wzp-denoise-stats");
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, (at + FRAME - 1) / FRAME + 1);
  g_array_unref(out);
  gst_harness_teardown(h);
}

static void
test_times(gconstpointer engine)
{
  static const guint samples[] = {FRAME, 2 * FRAME, 4 * FRAME, 337, 1001};
  for (guint i = 0; i < G_N_ELEMENTS(samples); i++)
    for (guint format = 0; format < 2; format++)
      check_times(engine, samples[i], format == 1);
}

/* A frame of 40 ms is clean in all of its four parts. */
static void
test_whole_frames(gconstpointer engine)
{
  GstHarness *h = denoiser(engine, "strong", TEST_CAPS_AUDIO);
  GArray *out = g_array_new(FALSE, FALSE, sizeof(gdouble));
  guint64 at = 0;
  while (at < 4 * RATE)
    push(h, 4 * FRAME, &at, TRUE, FALSE);
  collect(h, out, FALSE);
  double power[4] = {0};
  for (gsize n = 3 * RATE / FRAME; (n + 1) * FRAME <= out->len; n++)
    power[n % 4] += pow(10, level(out, n * FRAME, FRAME) / 10) / (RATE / FRAME / 4);
  for (guint part = 0; part < 4; part++)
    g_assert_cmpfloat(10 * log10(power[part]), <, -30 - 6);
  g_array_unref(out);
  gst_harness_teardown(h);
}

/* light leaves the noise, 10 dB softer. */
static void
test_light(gconstpointer engine)
{
  GstHarness *h = denoiser(engine, "light", CAPS_FLOAT);
  GArray *out = g_array_new(FALSE, FALSE, sizeof(gdouble));
  guint64 at = 0;
  while (at < 4 * RATE)
    push(h, FRAME, &at, TRUE, TRUE);
  collect(h, out, TRUE);
  g_assert_cmpfloat(fabs(level(out, 3 * RATE, RATE / 2) - (-30 - 10)), <, 2);
  g_array_unref(out);
  gst_harness_teardown(h);
}

/* off: the very bytes, at once, and no latency. */
static void
test_off(void)
{
  GstHarness *h = denoiser(NULL, "off", TEST_CAPS_AUDIO);
  guint64 at = 0;
  for (guint i = 0; i < 20; i++) {
    GstBuffer *sent = test_sine(7, &at), *back;
    gst_buffer_ref(sent);
    g_assert_cmpint(gst_harness_push(h, sent), ==, GST_FLOW_OK);
    back = gst_harness_try_pull(h);
    g_assert_true(back == sent);
    gst_buffer_unref(back);
    gst_buffer_unref(sent);
  }
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 0);
  g_assert_cmpuint(test_stat(h->element, "passed"), ==, 20);
  g_assert_cmpuint(test_stat(h->element, "frames"), ==, 0);
  gst_harness_teardown(h);
}

/* Whenever the strength changes, the sound goes on: no sample is missing and none jumps. */
static void
test_switching(gconstpointer engine)
{
  static const gchar *const strengths[] = {"off", "light", "strong"};
  GstHarness *h = denoiser(engine, "off", CAPS_FLOAT);
  GArray *out = g_array_new(FALSE, FALSE, sizeof(gdouble));
  guint64 at = 0;
  double natural = 0.3 * pow(2 * G_PI * 440 / RATE, 2), jump = 0;
  for (guint i = 0; i < 300; i++) {
    if (i % 7 == 0)
      gst_util_set_object_arg(G_OBJECT(h->element), "strength",
                              strengths[g_test_rand_int_range(0, 3)]);
    push(h, (guint)g_test_rand_int_range(1, 2000), &at, FALSE, TRUE);
  }
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  collect(h, out, TRUE);
  g_assert_cmpuint(out->len, ==, at);
  for (guint i = 2; i < out->len - 2 * FRAME; i++) { /* the end is heard as one */
    const gdouble *x = &g_array_index(out, gdouble, i - 2);
    jump = MAX(jump, fabs(x[2] - 2 * x[1] + x[0]));
  }
  g_assert_cmpfloat(jump, <, 4 * natural); /* a click has 300 times it */
  g_array_unref(out);
  gst_harness_teardown(h);
}

/* What is no sound does not stay in the engine's memory. */
static void
test_broken_sound(gconstpointer engine)
{
  GstHarness *h = denoiser(engine, "strong", CAPS_FLOAT);
  GArray *out = g_array_new(FALSE, FALSE, sizeof(gdouble));
  guint64 at = 0;
  push(h, FRAME, &at, TRUE, TRUE);
  for (guint i = 0; i < 4; i++) {
    static const gfloat broken[] = {NAN, INFINITY, -INFINITY, 1e30f};
    gfloat *pcm = g_new(gfloat, FRAME);
    for (guint n = 0; n < FRAME; n++)
      pcm[n] = broken[i];
    GstBuffer *buffer = gst_buffer_new_wrapped(pcm, FRAME * sizeof *pcm);
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, RATE);
    at += FRAME;
    g_assert_cmpint(gst_harness_push(h, buffer), ==, GST_FLOW_OK);
  }
  while (at < RATE)
    push(h, FRAME, &at, TRUE, TRUE);
  collect(h, out, TRUE);
  g_assert_cmpuint(out->len, ==, at - FRAME);
  g_array_unref(out);
  gst_harness_teardown(h);
}

static void
test_forgets(gconstpointer engine)
{
  GstHarness *h = denoiser(engine, "strong", CAPS_FLOAT);
  GArray *out = g_array_new(FALSE, FALSE, sizeof(gdouble));
  guint64 at = 0;
  push(h, 700, &at, TRUE, TRUE);
  test_flush(h);
  while (gst_harness_try_pull(h) != NULL)
    ;
  at = 0;
  push(h, 2 * FRAME, &at, TRUE, TRUE);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  collect(h, out, TRUE);
  g_assert_cmpuint(out->len, ==, 2 * FRAME);
  g_array_unref(out);
  gst_harness_teardown(h);
}

static void
test_unknown_engine(void)
{
  GstHarness *h = gst_harness_new("wzpdenoise");
  g_autoptr(GstBus) bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);
  gst_element_set_state(h->element, GST_STATE_NULL);
  g_object_set(h->element, "engine", "magic", NULL);
  g_assert_cmpint(gst_element_set_state(h->element, GST_STATE_PAUSED), ==,
                  GST_STATE_CHANGE_FAILURE);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  g_autoptr(GError) error = NULL;
  gst_message_parse_error(message, &error, NULL);
  g_assert_nonnull(strstr(error->message, "magic"));
  g_assert_nonnull(strstr(error->message, "speexdsp"));
  gst_message_unref(message);
  gst_element_set_bus(h->element, NULL);
  gst_harness_teardown(h);
}

/* The probability of speech is on what comes out when the engine knows it: none in noise. */
static void
test_probability(gconstpointer engine)
{
  GstHarness *h = denoiser(engine, "strong", TEST_CAPS_AUDIO);
  guint64 at = 0;
  gboolean known = g_str_equal(engine, "rnnoise");
  while (at < 3 * RATE)
    push(h, 2 * FRAME, &at, TRUE, FALSE);
  guint n = 0, speech = 0;
  for (GstBuffer *buffer; (buffer = gst_harness_try_pull(h)) != NULL; n++) {
    GstWzpSpeechMeta *meta = test_speech_meta_get(buffer);
    g_assert_cmpint(meta != NULL, ==, known);
    speech += n >= 100 && known && meta->probability > 0.5f;
    gst_buffer_unref(buffer);
  }
  g_assert_cmpuint(n, ==, at / FRAME - 1);
  g_assert_cmpuint(speech, <=, (n - 100) / 4);
  gst_harness_teardown(h);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  random_numbers = g_rand_new_with_seed(18);
  sound_room_init(&room, random_numbers, -30, 1000);
  static const struct {
    const gchar *name;
    void (*run)(gconstpointer engine);
  } tests[] = {
      {"times", test_times},
      {"whole-frames", test_whole_frames},
      {"light", test_light},
      {"switching", test_switching},
      {"broken-sound", test_broken_sound},
      {"flush", test_forgets},
      {"probability", test_probability},
  };
  const gchar *engines[] = {"speexdsp", has_rnnoise() ? "rnnoise" : NULL};
  for (guint e = 0; e < G_N_ELEMENTS(engines) && engines[e] != NULL; e++) {
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
      g_autofree gchar *name = g_strdup_printf("/wzpdenoise/%s/%s", engines[e], tests[i].name);
      g_test_add_data_func(name, engines[e], tests[i].run);
    }
  }
  g_test_add_func("/wzpdenoise/off", test_off);
  g_test_add_func("/wzpdenoise/unknown-engine", test_unknown_engine);
  return g_test_run();
}
