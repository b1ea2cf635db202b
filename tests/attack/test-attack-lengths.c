/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/gst/gst-util.h"
#include "wzp/profile.h"

/* A18: who counts bytes on the wire learns nothing of what is said, nor whether anything is. What is sealed
 * is what comes out of wzpfec; sealing adds the same to all of one header. */

#define MSEC_OF_AUDIO 2400
#define CHUNK_MS 20

typedef enum { SILENCE, NOISE, SYLLABLES } Voice;

/* Syllables: bursts of a voice-like sum of tones, now louder, now softer, with pauses between them. */
static GstBuffer *
audio(Voice voice, GRand *rand, guint64 *at)
{
  const gsize samples = CHUNK_MS * 48;
  gint16 *pcm = g_new0(gint16, samples);
  for (gsize i = 0; i < samples; i++) {
    const double t = (double)(*at + i) / 48000, beat = sin(2 * G_PI * 1.7 * t);
    double value = 0;
    if (voice == NOISE)
      value = g_rand_double_range(rand, -0.9, 0.9);
    else if (voice == SYLLABLES && beat > 0)
      for (guint k = 1; k < 12; k++)
        value += beat * beat * sin(2 * G_PI * (110 + 15 * sin(3 * t)) * k * t) / (k * 2);
    pcm[i] = (gint16)(value * 30000);
  }
  GstBuffer *buffer = gst_buffer_new_wrapped(pcm, samples * sizeof *pcm);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(*at, GST_SECOND, 48000);
  GST_BUFFER_DURATION(buffer) = CHUNK_MS * GST_MSECOND;
  *at += samples;
  return buffer;
}

/* The lengths of all packets, in order, each with its moment. Free with g_array_unref(). */
static GArray *
lengths_of(Voice voice, const char *profile, const char *repair)
{
  g_autofree char *line = g_strdup_printf("wzpenc profile=%s ! wzpfec %s", profile, repair);
  GstHarness *h = gst_harness_new_parse(line);
  GArray *lengths = g_array_new(FALSE, FALSE, sizeof(guint64));
  g_autoptr(GRand) rand = g_rand_new_with_seed(18);
  guint64 at = 0;
  GstBuffer *bundle;
  gst_harness_set_src_caps_str(h, TEST_CAPS_AUDIO);
  for (guint ms = 0; ms < MSEC_OF_AUDIO; ms += CHUNK_MS) {
    g_assert_cmpint(gst_harness_push(h, audio(voice, rand, &at)), ==, GST_FLOW_OK);
    while ((bundle = gst_harness_try_pull(h)) != NULL) {
      const guint64 pair = (guint64)ms << 32 | gst_buffer_get_size(bundle);
      g_array_append_val(lengths, pair);
      gst_buffer_unref(bundle);
    }
  }
  gst_harness_teardown(h);
  return lengths;
}

static void
test_lengths(gconstpointer data)
{
  const WzpProfile *profile = data;
  static const char *const repairs[] = {"scheme=none", "overhead=100", "overhead=-1",
                                        "constant-size=true"};
  for (guint i = 0; i < G_N_ELEMENTS(repairs); i++) {
    g_autoptr(GArray) silence = lengths_of(SILENCE, profile->name, repairs[i]);
    g_assert_cmpuint(silence->len, >, 20);
    for (guint n = 1; n < silence->len && g_str_has_prefix(repairs[i], "constant"); n++)
      g_assert_cmpuint((guint32)g_array_index(silence, guint64, n), ==,
                       (guint32)g_array_index(silence, guint64, 0));
    for (Voice voice = NOISE; voice <= SYLLABLES; voice++) {
      g_autoptr(GArray) speech = lengths_of(voice, profile->name, repairs[i]);
      g_assert_cmpmem(speech->data, speech->len * sizeof(guint64), silence->data,
                      silence->len * sizeof(guint64));
    }
  }
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
    const WzpProfile *profile = wzp_profile_nth(n);
    g_autofree char *path = g_strdup_printf("/attack/lengths/%s", profile->name);
    if (profile->codec == WZP_CODEC_OPUS)
      g_test_add_data_func(path, profile, test_lengths);
  }
  return g_test_run();
}
