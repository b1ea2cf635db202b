/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"
#include "wzp/profile.h"

/* wzpenc and wzpdec together: voice through all profiles and through every change from one to another. */

#define FIRST_SAMPLES 4800 /* encoders settle */

typedef struct {
  GstHarness *h;
  GstElement *encoder;
  guint64 fed; /* samples in */
  GArray *out; /* of gint16 */
} Voice;

static void
voice_init_line(Voice *voice, const char *line)
{
  voice->h = gst_harness_new_parse(line);
  voice->encoder = gst_bin_get_by_name(GST_BIN(voice->h->element), "encoder");
  voice->fed = 0;
  voice->out = g_array_new(FALSE, FALSE, sizeof(gint16));
  gst_harness_set_src_caps_str(voice->h, TEST_CAPS_AUDIO);
}

static void
voice_init(Voice *voice)
{
  voice_init_line(voice, "wzpenc name=encoder ! wzpdec");
}

static void
voice_clear(Voice *voice)
{
  gst_object_unref(voice->encoder);
  g_array_unref(voice->out);
  gst_harness_teardown(voice->h);
}

/* A vowel: 130 Hz and its harmonics, weaker the higher. No sound above 2 kHz, so every codec here passes it on. */
static GstBuffer *
vowel(guint64 *at)
{
  gint16 *pcm = g_new(gint16, 960);
  for (guint i = 0; i < 960; i++) {
    double x = 0, t = 2 * G_PI * 130 * (double)(*at + i) / 48000;
    for (guint n = 1; n <= 15; n++)
      x += sin(n * t + n * n) / n;
    pcm[i] = (gint16)(5000 * x);
  }
  GstBuffer *buffer = gst_buffer_new_wrapped(pcm, 960 * sizeof *pcm);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(*at, GST_SECOND, 48000);
  GST_BUFFER_DURATION(buffer) = 20 * GST_MSECOND;
  *at += 960;
  return buffer;
}

/* Takes what came out; each buffer begins where the one before ended. */
static void
take(Voice *voice)
{
  GstBuffer *audio;
  while ((audio = gst_harness_try_pull(voice->h)) != NULL) {
    GstMapInfo map;
    g_assert_cmpuint(GST_BUFFER_PTS(audio), ==,
                     gst_util_uint64_scale(voice->out->len, GST_SECOND, 48000));
    g_assert_true(gst_buffer_map(audio, &map, GST_MAP_READ));
    g_array_append_vals(voice->out, map.data, map.size / sizeof(gint16));
    gst_buffer_unmap(audio, &map);
    gst_buffer_unref(audio);
  }
}

static void
feed(Voice *voice, const char *profile, guint ms)
{
  gst_util_set_object_arg(G_OBJECT(voice->encoder), "profile", profile);
  for (guint i = 0; i < ms / 20; i++) {
    g_assert_cmpint(gst_harness_push(voice->h, vowel(&voice->fed)), ==, GST_FLOW_OK);
    take(voice);
  }
}

/* The largest step from sample to sample: a click is a large one. */
static gint
largest_step(const GArray *out, guint from, guint to)
{
  gint largest = 0;
  for (guint i = MAX(from, 1); i < to; i++) {
    gint step = g_array_index(out, gint16, i) - g_array_index(out, gint16, i - 1);
    largest = MAX(largest, ABS(step));
  }
  return largest;
}

static double
level(const GArray *out, guint from, guint to)
{
  double sum = 0;
  for (guint i = from; i < to; i++) {
    double x = g_array_index(out, gint16, i);
    sum += x * x;
  }
  return sqrt(sum / MAX(to - from, 1));
}

/* The quietest 10 ms. */
static double
quietest(const GArray *out, guint from, guint to)
{
  double least = G_MAXDOUBLE;
  for (guint i = from; i + 480 <= to; i += 240)
    least = MIN(least, level(out, i, i + 480));
  return least;
}

static void
test_profile(gconstpointer data)
{
  Voice voice;
  voice_init(&voice);
  feed(&voice, data, 1000);
  g_assert_cmpuint(voice.out->len, ==, 48000);
  /* about as loud as it went in: 5000 * sqrt(sum of 1/n^2 / 2) is 4500; the vocoder is less exact */
  double loud = level(voice.out, FIRST_SAMPLES, 48000);
  g_assert_cmpfloat(loud, >, 2500);
  g_assert_cmpfloat(loud, <, g_str_has_prefix(data, "opus") ? 6000 : 14000);
  voice_clear(&voice);
}

/* From each profile to each other: not a sample is missing, no step is larger than the profiles make by themselves, and
 * nowhere is it quiet. */
static void
test_switch(gconstpointer data)
{
  const char *from = data;
  for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
    const char *to = wzp_profile_nth(n)->name;
    if (strcmp(from, to) == 0)
      continue;
    Voice voice;
    voice_init(&voice);
    feed(&voice, from, 400);
    guint change = voice.out->len;
    feed(&voice, to, 400);
    guint end = voice.out->len;
    g_assert_cmpuint(voice.fed - end, <, 40 * 48); /* of a frame that is not whole yet */

    guint before = change, after = change + 4800;
    gint usual =
        MAX(largest_step(voice.out, FIRST_SAMPLES, before), largest_step(voice.out, after, end));
    gint step = largest_step(voice.out, before, after);
    double low = MIN(quietest(voice.out, FIRST_SAMPLES, before), quietest(voice.out, after, end));
    double dip = quietest(voice.out, before, after);
    g_test_message("%s to %s: largest step %d, usual %d; quietest %.0f, usual %.0f", from, to, step,
                   usual, dip, low);
    g_assert_cmpint(step, <=, usual * 3 / 2);
    g_assert_cmpfloat(dip, >, low / 4); /* where two pitches meet they may weaken each other */
    voice_clear(&voice);
  }
}

/* Silence in the middle: a soft hiss. */
static GstBuffer *
hiss(guint64 *at)
{
  gint16 *pcm = g_new(gint16, 960);
  for (guint i = 0; i < 960; i++)
    pcm[i] = (gint16)g_test_rand_int_range(-60, 61); /* of -59 dB */
  GstBuffer *buffer = gst_buffer_new_wrapped(pcm, 960 * sizeof *pcm);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(*at, GST_SECOND, 48000);
  GST_BUFFER_DURATION(buffer) = 20 * GST_MSECOND;
  *at += 960;
  return buffer;
}

/* Words with pauses between: the listener hears each word at its time, and the room in between, as loud as it is; for most
 * of a pause nothing is sent. */
static void
words_and_silence(const char *data, const char *line)
{
  Voice voice;
  voice_init_line(&voice, line);
  g_object_set(voice.encoder, "dtx", TRUE, NULL);
  for (guint word = 0; word < 3; word++) {
    for (guint i = 0; i < 100; i++) {
      g_assert_cmpint(gst_harness_push(voice.h, hiss(&voice.fed)), ==, GST_FLOW_OK);
      take(&voice);
    }
    feed(&voice, data, 800);
  }
  g_assert_true(gst_harness_push_event(voice.h, gst_event_new_eos()));
  take(&voice);
  g_assert_cmpuint(voice.out->len, >=, voice.fed);
  for (guint word = 0; word < 3; word++) {
    guint begin = word * 2800 * 48;
    double room = level(voice.out, begin + 48000, begin + 1900 * 48);
    double loud = level(voice.out, begin + 2100 * 48, begin + 2700 * 48);
    g_test_message("%s: room %.1f, word %.0f", data, room, loud);
    g_assert_cmpfloat(room, >, 35 / 3.0); /* 35 went in; of it the codec's band comes out */
    g_assert_cmpfloat(room, <, 35 * 1.4);
    g_assert_cmpfloat(loud, >, 2000);
  }
  guint64 frames = test_stat(voice.encoder, "frames"), silent = test_stat(voice.encoder, "silent");
  guint64 comfort = test_stat(voice.encoder, "comfort");
  g_assert_cmpuint(comfort, >=, 3);
  g_assert_cmpuint(comfort, <=, 15);
  g_assert_cmpuint(silent * 100 / (frames + silent + comfort), >, 45);
  voice_clear(&voice);
}

static void
test_silence(gconstpointer data)
{
  words_and_silence(data, "wzpenc name=encoder ! wzpdec");
}

static void
test_silence_in_packets(gconstpointer data)
{
  words_and_silence(data, "wzpenc name=encoder ! wzpfec ! wzpfec ! wzpdec");
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
    const char *name = wzp_profile_nth(n)->name;
    g_autofree char *alone = g_strdup_printf("/voice/profile/%s", name);
    g_autofree char *from = g_strdup_printf("/voice/switch-from/%s", name);
    g_test_add_data_func(alone, name, test_profile);
    g_test_add_data_func(from, name, test_switch);
    g_autofree char *silence = g_strdup_printf("/voice/silence/%s", name);
    g_test_add_data_func(silence, name, test_silence);
  }
  g_test_add_data_func("/voice/silence-in-packets/opus-24k", "opus-24k", test_silence_in_packets);
  g_test_add_data_func("/voice/silence-in-packets/codec2-1200", "codec2-1200",
                       test_silence_in_packets);
  return test_run();
}
