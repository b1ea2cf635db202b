/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gst-util.h"
#include "tests/core/sound.h"

#define FRAME 480
#define FRAME_TIME (10 * GST_MSECOND)
#define LATENCY (60 * GST_MSECOND) /* of the pipeline */
#define LATE 40                    /* ms, of the echo */

typedef struct {
  GstHarness *near, *far;
  GRand *random;
  gint16 played[FRAME * 64]; /* the last ones, a ring */
  guint64 frames;
  double in, out; /* energy */
} Line;

static void
line_init(Line *line)
{
  GstElement *element = gst_element_factory_make("wzpecho", NULL);
  *line = (Line){.random = g_rand_new_with_seed(4)};
  line->near = gst_harness_new_with_element(element, "sink", "src");
  line->far = gst_harness_new_with_element(element, "far_sink", "far_src");
  gst_object_unref(element);
  gst_harness_set_src_caps_str(line->near, TEST_CAPS_AUDIO);
  gst_harness_set_src_caps_str(line->far, TEST_CAPS_AUDIO);
  g_assert_true(gst_harness_push_upstream_event(line->far, gst_event_new_latency(LATENCY)));
}

static void
line_clear(Line *line)
{
  gst_harness_teardown(line->far);
  gst_harness_teardown(line->near);
  g_rand_free(line->random);
}

static GstBuffer *
buffer_of(const gint16 *pcm, guint samples, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_memdup(pcm, samples * sizeof *pcm);
  GST_BUFFER_PTS(buffer) = pts;
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(samples, GST_SECOND, 48000);
  return buffer;
}

/* What is played now sounds LATENCY later, and is heard LATE ms after that. */
static void
run(Line *line, guint frames)
{
  line->in = line->out = 1e-9;
  for (guint f = 0; f < frames; f++, line->frames++) {
    gint16 far[FRAME], near[FRAME];
    double swell = line->frames / 20 % 3 == 0 ? 0.1 : 1;
    for (guint i = 0; i < FRAME; i++) {
      far[i] = sound_sample(3000 * swell * sound_gauss(line->random));
      line->played[(line->frames * FRAME + i) % G_N_ELEMENTS(line->played)] = far[i];
    }
    GstClockTime pts = line->frames * FRAME_TIME;
    g_assert_cmpint(gst_harness_push(line->far, buffer_of(far, FRAME, pts)), ==, GST_FLOW_OK);
    gst_buffer_unref(gst_harness_pull(line->far));
    guint64 back = (LATENCY / GST_MSECOND + LATE) * 48;
    /* heard as far ahead of what is played as it is in a pipeline */
    for (guint i = 0; i < FRAME; i++) {
      guint64 at = line->frames * FRAME + i + LATENCY / GST_MSECOND * 48 - FRAME * 3;
      near[i] = at < back ? 0 : line->played[(at - back) % G_N_ELEMENTS(line->played)] / 2;
      line->in += near[i] * near[i];
    }
    pts += LATENCY - 3 * FRAME_TIME;
    g_assert_cmpint(gst_harness_push(line->near, buffer_of(near, FRAME, pts)), ==, GST_FLOW_OK);
    GstBuffer *buffer = gst_harness_try_pull(line->near);
    g_assert_true((buffer != NULL) == (line->frames > 0));
    if (buffer == NULL)
      continue;
    g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, pts - FRAME_TIME);
    gst_buffer_extract(buffer, 0, near, sizeof near);
    gst_buffer_unref(buffer);
    for (guint i = 0; i < FRAME; i++)
      line->out += near[i] * near[i];
  }
}

static void
test_reduction(void)
{
  Line line;
  g_autoptr(GstStructure) stats = NULL;
  double reduction = 0;
  line_init(&line);
  run(&line, 300);
  run(&line, 200);
  g_assert_cmpfloat(10 * log10(line.in / line.out), >, 25);
  test_assert_stats_name(line.near->element, "application/x-wzp-echo-stats");
  g_object_get(line.near->element, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_double(stats, "reduction-db", &reduction));
  g_assert_cmpfloat(reduction, >, 20);
  g_assert_cmpuint(test_stat(line.near->element, "frames"), ==, 500);
  g_assert_cmpuint(test_stat(line.near->element, "far-frames"), ==, 500);
  g_assert_cmpuint(test_stat(line.near->element, "realigned"), ==, 0);
  line_clear(&line);
}

/* Buffers of any size; what went in comes out, in time and to its end. */
static void
test_ragged(void)
{
  Line line;
  gint16 pcm[2000] = {0};
  guint64 samples = 0, out = 0;
  line_init(&line);
  gst_harness_set_upstream_latency(line.near, 20 * GST_MSECOND);
  g_assert_cmpuint(gst_harness_query_latency(line.near), ==, 30 * GST_MSECOND);
  for (guint i = 0; i < 50; i++) {
    guint n = (guint)g_test_rand_int_range(1, G_N_ELEMENTS(pcm));
    GstClockTime pts = gst_util_uint64_scale(samples, GST_SECOND, 48000);
    g_assert_cmpint(gst_harness_push(line.near, buffer_of(pcm, n, pts)), ==, GST_FLOW_OK);
    samples += n;
  }
  g_assert_cmpuint(gst_harness_query_latency(line.near), ==, 40 * GST_MSECOND);
  g_assert_true(gst_harness_push_event(line.near, gst_event_new_eos()));
  GstBuffer *buffer;
  while ((buffer = gst_harness_try_pull(line.near)) != NULL) {
    GstClockTime due = gst_util_uint64_scale(out, GST_SECOND, 48000);
    g_assert_cmpint(ABS(GST_CLOCK_DIFF(due, GST_BUFFER_PTS(buffer))), <, GST_MSECOND);
    out += gst_buffer_get_size(buffer) / sizeof(gint16);
    gst_buffer_unref(buffer);
  }
  g_assert_cmpuint(out, >=, samples);
  g_assert_cmpuint(out, <, samples + FRAME);
  line_clear(&line);
}

/* Each way has its own events and queries. */
static void
test_ways(void)
{
  Line line;
  line_init(&line);
  run(&line, 3);
  test_assert_caps(line.near, TEST_CAPS_AUDIO);
  test_assert_caps(line.far, TEST_CAPS_AUDIO);
  g_assert_true(gst_harness_push_event(line.far, gst_event_new_eos()));
  g_assert_cmpint(gst_harness_push(line.near, gst_buffer_new_allocate(NULL, 960, NULL)), ==,
                  GST_FLOW_OK);
  gst_buffer_unref(gst_harness_pull(line.near));
  gst_harness_set_upstream_latency(line.far, 70 * GST_MSECOND);
  g_assert_cmpuint(gst_harness_query_latency(line.far), ==, 70 * GST_MSECOND);
  line_clear(&line);
}

/* A jump of the time, a flush, and up and down: nothing of before is left. */
static void
test_breaks(void)
{
  Line line;
  gint16 pcm[FRAME] = {0};
  line_init(&line);
  run(&line, 3);
  GstBuffer *buffer = buffer_of(pcm, FRAME, 5 * GST_SECOND);
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  g_assert_cmpint(gst_harness_push(line.near, buffer), ==, GST_FLOW_OK);
  gst_buffer_unref(gst_harness_pull(line.near)); /* the last one before */
  g_assert_cmpint(gst_harness_push(line.near, buffer_of(pcm, FRAME, 5 * GST_SECOND + FRAME_TIME)),
                  ==, GST_FLOW_OK);
  buffer = gst_harness_pull(line.near);
  g_assert_true(GST_BUFFER_IS_DISCONT(buffer));
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, 5 * GST_SECOND);
  gst_buffer_unref(buffer);
  g_assert_true(gst_harness_push_event(line.near, gst_event_new_flush_start()));
  g_assert_true(gst_harness_push_event(line.near, gst_event_new_flush_stop(TRUE)));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  g_assert_true(gst_harness_push_event(line.near, gst_event_new_segment(&segment)));
  g_assert_cmpint(gst_harness_push(line.near, buffer_of(pcm, FRAME, 0)), ==, GST_FLOW_OK);
  g_assert_null(gst_harness_try_pull(line.near));
  line_clear(&line);
}

static gpointer
play(gpointer data)
{
  Line *line = data;
  gint16 pcm[FRAME] = {0};
  for (guint i = 0; i < 300; i++) {
    gst_harness_push(line->far, buffer_of(pcm, FRAME, i * FRAME_TIME));
    gst_buffer_unref(gst_harness_pull(line->far));
  }
  return NULL;
}

/* Both sides in threads of their own. */
static void
test_threads(void)
{
  Line line;
  gint16 pcm[FRAME] = {0};
  line_init(&line);
  GThread *thread = g_thread_new("far", play, &line);
  for (guint i = 0; i < 300; i++) {
    gst_harness_push(line.near, buffer_of(pcm, FRAME, i * FRAME_TIME));
    test_stat(line.near->element, "frames");
  }
  g_thread_join(thread);
  g_assert_cmpuint(gst_harness_buffers_received(line.near), ==, 299);
  line_clear(&line);
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/wzpecho/reduction", test_reduction);
  g_test_add_func("/wzpecho/ragged", test_ragged);
  g_test_add_func("/wzpecho/ways", test_ways);
  g_test_add_func("/wzpecho/breaks", test_breaks);
  g_test_add_func("/wzpecho/threads", test_threads);
  return g_test_run();
}
