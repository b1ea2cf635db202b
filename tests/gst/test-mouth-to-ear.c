/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From mouth to ear in virtual time, by clicks: a voice through all elements but sealing and the sockets, over a network without
 * a way of its own. What is asserted is what the elements themselves take; bench-latency shows it with all that is real. */
#include "gst-util.h"

#define MS GST_MSECOND
#define FRAME (20 * MS)
#define SAMPLES 960
#define EVERY 50 /* frames between two clicks */
#define LEVEL 8000
#define HEARD 2000
#define SETTLED (5 * EVERY)
#define START 75 /* frames: while what the way carries is found out, a packet may hold several */

/* What the network does with the packet of a frame: how late it is, below 0: lost. */
typedef gint (*Network)(GRand *random, guint frame);

typedef struct {
  GstClockTime arrival;
  GstBuffer *packet;
} Way;

static gint
by_arrival(gconstpointer a, gconstpointer b, gpointer data)
{
  const Way *left = a, *right = b;
  (void)data;
  return (left->arrival > right->arrival) - (left->arrival < right->arrival);
}

static GstBuffer *
speak(guint frame)
{
  gint16 *pcm = g_new0(gint16, SAMPLES);
  for (guint i = 0; frame % EVERY == 0 && i < SAMPLES / 2; i++)
    pcm[i] = i / 24 % 2 == 0 ? LEVEL : -LEVEL; /* 1 kHz */
  GstBuffer *buffer = gst_buffer_new_wrapped(pcm, SAMPLES * sizeof *pcm);
  GST_BUFFER_PTS(buffer) = frame * FRAME;
  GST_BUFFER_DURATION(buffer) = FRAME;
  return buffer;
}

/* Times are of turn, since the latency is not reported. */
static void
listen(GstHarness *ear, GArray *delays, gint64 *last)
{
  GstBuffer *buffer;
  while ((buffer = gst_harness_try_pull(ear)) != NULL) {
    GstMapInfo map;
    g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
    const gint16 *pcm = (const gint16 *)(gpointer)map.data;
    for (gsize i = 0; i < map.size / sizeof *pcm; i++) {
      if (ABS(pcm[i]) < HEARD)
        continue;
      GstClockTime at = GST_BUFFER_PTS(buffer) + gst_util_uint64_scale(i, GST_SECOND, 48000);
      gint64 click = (gint64)(at / (EVERY * FRAME));
      double delay = (double)(at - (GstClockTime)click * EVERY * FRAME) / (double)MS;
      if (click > *last)
        g_array_append_val(delays, delay);
      *last = MAX(*last, click);
      break;
    }
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
  }
}

static gint
by_value(gconstpointer a, gconstpointer b)
{
  const double *left = a, *right = b;
  return (*left > *right) - (*left < *right);
}

static void
pack(GstHarness *mouth, gint frames)
{
  g_autoptr(GstElement) fec = gst_bin_get_by_name(GST_BIN(mouth->element), "fec");
  g_object_set(fec, "frames-per-packet", frames, NULL);
}

/* The median, in ms, of the clicks from the frame `from` on. packed: frames a packet at the start. */
static double
measure_packed(gint packed, Network network, guint frames, guint from)
{
  GstHarness *mouth = gst_harness_new_parse("wzpenc ! wzpfec name=fec");
  GstHarness *ear = gst_harness_new_parse("wzpfec ! wzpjitter report-latency=false ! wzpdec");
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  g_autoptr(GArray) delays = g_array_new(FALSE, FALSE, sizeof(double));
  GQueue way = G_QUEUE_INIT;
  gint64 last = -1;
  gst_harness_use_testclock(ear);
  gst_harness_set_src_caps_str(mouth, TEST_CAPS_AUDIO);
  gst_harness_set_src_caps_str(ear, GST_WZP_CAPS_BUNDLES);
  gboolean started = FALSE;
  pack(mouth, packed);
  for (guint n = 0; n < frames; n++) {
    if (n == START)
      pack(mouth, 0);
    /* a frame is there when it has been spoken to its end */
    GstBuffer *packet;
    g_assert_cmpint(gst_harness_push(mouth, speak(n)), ==, GST_FLOW_OK);
    while ((packet = gst_harness_try_pull(mouth)) != NULL) {
      gint late = network(random, n);
      if (late < 0) {
        gst_buffer_unref(packet);
        continue;
      }
      Way *one = g_new(Way, 1);
      *one = (Way){.arrival = (n + 1) * FRAME + (guint)late * MS, .packet = packet};
      g_queue_insert_sorted(&way, one, by_arrival, NULL);
    }
    while (!g_queue_is_empty(&way) &&
           ((Way *)g_queue_peek_head(&way))->arrival <= (n + 1) * FRAME) {
      Way *one = g_queue_pop_head(&way);
      if (started)
        test_crank_until(ear, one->arrival);
      else
        gst_harness_set_time(ear, one->arrival);
      started = TRUE;
      GstWzpMeta *meta = test_meta_get(one->packet);
      meta->slot = 5;
      meta->arrival = one->arrival;
      g_assert_cmpint(gst_harness_push(ear, one->packet), ==, GST_FLOW_OK);
      g_free(one);
      gint64 before = (gint64)(from / EVERY) - 1;
      if (n < from)
        g_array_set_size(delays, 0);
      else
        last = MAX(last, before);
      listen(ear, delays, &last);
    }
  }
  for (Way *one; (one = g_queue_pop_head(&way)) != NULL; g_free(one))
    gst_buffer_unref(one->packet);
  gst_harness_teardown(mouth);
  gst_harness_teardown(ear);
  g_assert_cmpuint(delays->len, >=, 5);
  g_array_sort(delays, by_value);
  double median = g_array_index(delays, double, delays->len / 2);
  g_test_message("%.1f ms in the median, %.1f at most", median,
                 g_array_index(delays, double, delays->len - 1));
  return median;
}

static double
measure(Network network, guint frames, guint from)
{
  return measure_packed(0, network, frames, from);
}

static gint
still(GRand *random, guint frame)
{
  (void)random;
  (void)frame;
  return 0;
}

static gint
jittery(GRand *random, guint frame)
{
  (void)frame;
  return g_rand_int_range(random, 0, 51);
}

static gint
lossy_at_first(GRand *random, guint frame)
{
  return frame < 1000 && g_rand_int_range(random, 0, 10) == 0 ? -1 : 0;
}

static gint
lossy(GRand *random, guint frame)
{
  (void)frame;
  return g_rand_int_range(random, 0, 10) == 0 ? -1 : 0;
}

static void
test_still(void)
{
  g_assert_cmpfloat(measure(still, 800, SETTLED), <=, 35);
}

/* What packets of several frames took is no jitter: it goes with them. */
static void
test_packed_start(void)
{
  g_assert_cmpfloat(measure_packed(3, still, 800, SETTLED), <=, 35);
}

static void
test_jitter(void)
{
  g_assert_cmpfloat(measure(jittery, 1500, SETTLED), <=, 110);
}

/* Repair is waited for while there is something to repair, and costs nothing 5 s after the last loss. */
static void
test_repair(void)
{
  double waiting = measure(lossy, 1500, 1000);
  double after = measure(lossy_at_first, 1900, 1000 + 5 * EVERY);
  g_assert_cmpfloat(after, <=, 35);
  g_assert_cmpfloat(waiting, >=, after + 15);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/mouth-to-ear/still", test_still);
  g_test_add_func("/mouth-to-ear/packed-start", test_packed_start);
  g_test_add_func("/mouth-to-ear/jitter", test_jitter);
  g_test_add_func("/mouth-to-ear/repair", test_repair);
  return test_run();
}
