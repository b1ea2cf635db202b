/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpfec: what is lost between a protecting and a recovering one comes back. */
#include "repair-pair.h"

static gboolean
one_in_ten(gpointer random)
{
  return g_rand_int_range(random, 0, 10) == 0;
}

typedef struct {
  const char *scheme;
  gint overhead;
  guint frames_per_packet;
  guint residual; /* of 1000 frames, at most */
} Loss;

static const Loss losses[] = {
    {"auto", -1, 0, 10},     {"sliding", 100, 1, 10}, {"copies", 100, 1, 25}, {"block", 100, 1, 30},
    {"sliding", 100, 2, 20}, {"none", -1, 0, 130},    {"auto", 0, 0, 130},
};

static void
test_loss(gconstpointer data)
{
  const Loss *loss = data;
  const guint frames = 2000;
  GstHarness *there = protect(loss->scheme, loss->overhead), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  g_autoptr(GRand) random = g_rand_new_with_seed(7);
  g_object_set(there->element, "frames-per-packet", loss->frames_per_packet, NULL);
  for (guint n = 0; n < frames; n++) {
    push_frame(there, n);
    carry(there, back, &heard, one_in_ten, random);
  }
  guint lost = frames - heard.own, residual = lost - heard.recovered;
  g_test_message("%u lost, %u of them brought back", lost, heard.recovered);
  g_assert_cmpuint(lost, >, frames / 20);
  g_assert_cmpuint(residual * 1000 / frames, <=, loss->residual);
  gboolean repairs = loss->residual < 100;
  g_assert_true((heard.recovered > 0) == repairs);
  g_assert_cmpuint(test_stat(back->element, "recovered"), ==, heard.recovered);
  g_assert_cmpuint(test_stat(back->element, "frames"), ==, heard.own);
  g_assert_cmpuint(test_stat(back->element, "invalid"), ==, 0);
  g_assert_cmpuint(test_stat(back->element, "packets-lost"), >, 0);
  g_assert_true((test_stat(there->element, "repair-bytes") > 0) == repairs);
  g_assert_cmpuint(test_stat(there->element, "frames"), ==, frames);
  g_assert_cmpuint(test_stat(there->element, "frame-bytes"), ==, frames * SIZE);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* Frames that came are pieces of their packet, not copies of it. */
static void
test_zero_copy(void)
{
  GstHarness *there = protect("copies", 100), *back = recover();
  g_object_set(there->element, "frames-per-packet", 3, NULL);
  for (guint n = 0; n < 6; n++)
    push_frame(there, n);
  for (guint p = 0; p < 2; p++) {
    GstBuffer *packet = gst_harness_pull(there);
    GstMemory *memory = gst_buffer_get_memory(packet, 0);
    deliver(back, packet);
    for (guint n = 0; n < 3; n++) {
      GstBuffer *frame = gst_harness_pull(back);
      g_assert_true(gst_buffer_peek_memory(frame, 0)->parent == memory);
      gst_buffer_unref(frame);
    }
    gst_memory_unref(memory);
  }
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* --- the end of a stretch: nothing follows that repair could ride on --- */

static void
test_end_of_stream(void)
{
  GstHarness *there = protect("copies", 100), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  lose_the_last(there, back, &heard);
  g_assert_true(gst_harness_push_event(there, gst_event_new_eos()));
  GstBuffer *packet = gst_harness_pull(there);
  g_assert_cmpuint(test_meta_get(packet)->code, ==, WZP_CODE_COMFORT_NOISE);
  g_assert_cmpuint(GST_BUFFER_PTS(packet), ==, 20 * FRAME);
  GstClockTime arrival = GST_BUFFER_PTS(packet) + WAY;
  deliver(back, packet);
  take_frames(back, &heard, arrival);
  carry(there, back, &heard, NULL, NULL);
  g_assert_cmpuint(heard.recovered, ==, 1);
  g_assert_true(g_hash_table_contains(heard.numbers, GUINT_TO_POINTER(19)));
  g_assert_cmpuint(heard.silences, ==, 1);
  GstEvent *eos = test_try_event(there, GST_EVENT_EOS);
  g_assert_nonnull(eos);
  gst_event_unref(eos);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* In a gap what is owed goes once a frame time, and then nothing any more, however long the gap. */
static void
test_gap(void)
{
  GstHarness *there = protect("copies", 100), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  lose_the_last(there, back, &heard);
  g_assert_true(gst_harness_push_event(there, gst_event_new_gap(20 * FRAME, 3 * FRAME)));
  carry(there, back, &heard, NULL, NULL);
  g_assert_cmpuint(heard.recovered, ==, 1);
  guint packets = gst_harness_buffers_received(there);
  g_assert_cmpuint(packets, >, 20);
  g_assert_cmpuint(packets, <=, 23);
  g_assert_true(gst_harness_push_event(there, gst_event_new_gap(23 * FRAME, GST_SECOND)));
  g_assert_true(
      gst_harness_push_event(there, gst_event_new_gap(23 * FRAME + GST_SECOND, 3600 * GST_SECOND)));
  g_assert_cmpuint(gst_harness_buffers_received(there), <=, packets + 40);
  carry(there, back, &heard, NULL, NULL);
  guint before = gst_harness_buffers_received(there);
  g_assert_true(gst_harness_push_event(there, gst_event_new_gap(4000 * GST_SECOND, FRAME)));
  g_assert_cmpuint(gst_harness_buffers_received(there), ==, before);
  GstEvent *gap = test_try_event(there, GST_EVENT_GAP);
  g_assert_nonnull(gap); /* goes on: others have a use for it */
  gst_event_unref(gap);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

static guint
packets_in_gaps(GstClockTime duration)
{
  GstHarness *h = protect("sliding", 100);
  for (guint n = 0; n < 20; n++)
    push_frame(h, n);
  for (GstClockTime at = 20 * FRAME; at < 24 * FRAME; at += duration)
    g_assert_true(gst_harness_push_event(h, gst_event_new_gap(at, duration)));
  guint packets = gst_harness_buffers_received(h) - 20;
  gst_harness_teardown(h);
  return packets;
}

/* Repair goes once a frame time, in however short pieces silence comes: valve and the like make one of a buffer. */
static void
test_short_gaps(void)
{
  guint packets = packets_in_gaps(4 * FRAME);
  g_assert_cmpuint(packets, ==, 4);
  g_assert_cmpuint(packets_in_gaps(2 * FRAME), ==, packets);
  g_assert_cmpuint(packets_in_gaps(FRAME), ==, packets);
  g_assert_cmpuint(packets_in_gaps(FRAME / 2), ==, packets);
  g_assert_cmpuint(packets_in_gaps(FRAME / 8), ==, packets);
}

/* A gap before any frame, one without a length, and one outside the segment harm nothing. */
static void
test_strange_gaps(void)
{
  GstHarness *h = protect("copies", 100);
  g_assert_true(gst_harness_push_event(h, gst_event_new_gap(0, GST_SECOND)));
  g_assert_null(gst_harness_try_pull(h));
  push_frame(h, 0);
  g_assert_true(gst_harness_push_event(h, gst_event_new_gap(FRAME, GST_CLOCK_TIME_NONE)));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 10 * GST_SECOND;
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
  g_assert_true(gst_harness_push_event(h, gst_event_new_gap(FRAME, FRAME)));
  gst_harness_teardown(h);
}

/* A new segment closes what waits; a flush forgets it. */
static void
test_segment_and_flush(void)
{
  GstHarness *h = protect("copies", 100);
  GstSegment segment;
  g_object_set(h->element, "frames-per-packet", 3, NULL);
  gst_segment_init(&segment, GST_FORMAT_TIME);
  push_frame(h, 0);
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, 0);
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
  g_assert_cmpuint(gst_harness_buffers_received(h), >, 0);

  guint before = gst_harness_buffers_received(h);
  push_frame(h, 5);
  g_assert_true(gst_harness_push_event(h, gst_event_new_stream_start("another")));
  g_assert_cmpuint(gst_harness_buffers_received(h), >, before);
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));

  for (guint n = 10; n < 14; n++)
    push_frame(h, n);
  before = gst_harness_buffers_received(h);
  test_flush(h);
  g_assert_true(gst_harness_push_event(h, gst_event_new_eos()));
  g_assert_cmpuint(gst_harness_buffers_received(h), ==, before);
  gst_harness_teardown(h);
}

static void
test_flush_recover(void)
{
  GstHarness *there = protect("copies", 100), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  lose_the_last(there, back, &heard);
  test_flush(back);
  push_frame(there, 20); /* with a copy of 19, which is of another time now */
  GstBuffer *packet = gst_harness_pull(there);
  deliver(back, packet);
  GstBuffer *frame = gst_harness_pull(back);
  g_assert_false(test_meta_get(frame)->recovered);
  gst_buffer_unref(frame);
  g_assert_cmpuint(test_stat(back->element, "packets"), ==, 20);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* --- while playing --- */

static char *
plan_scheme(GstHarness *h)
{
  GstStructure *stats = NULL;
  g_object_get(h->element, "stats", &stats, NULL);
  char *scheme = g_strdup(gst_structure_get_string(stats, "scheme"));
  gst_structure_free(stats);
  return scheme;
}

static void
test_change_scheme(void)
{
  static const char *const schemes[] = {"copies", "block", "none", "sliding", "copies"};
  GstHarness *there = protect("sliding", 100), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  g_autoptr(GRand) random = g_rand_new_with_seed(9);
  guint n = 0;
  for (guint s = 0; s < G_N_ELEMENTS(schemes); s++) {
    gst_util_set_object_arg(G_OBJECT(there->element), "scheme", schemes[s]);
    guint before = heard.recovered;
    for (guint end = n + 300; n < end; n++) {
      push_frame(there, n);
      carry(there, back, &heard, one_in_ten, random);
    }
    g_autofree char *scheme = plan_scheme(there);
    g_assert_cmpstr(scheme, ==, schemes[s]);
    if (!g_str_equal(schemes[s], "none"))
      g_assert_cmpuint(heard.recovered, >, before + 10);
  }
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* Overhead follows the property at once, and so does what the limits leave room for. */
static void
test_change_overhead(void)
{
  static const gint overheads[] = {0, 50, 200, 20};
  GstHarness *h = protect("sliding", 0);
  guint n = 0;
  for (guint s = 0; s < G_N_ELEMENTS(overheads); s++) {
    g_object_set(h->element, "overhead", overheads[s], NULL);
    guint64 repair = test_stat(h->element, "repair-bytes");
    for (guint end = n + 500; n < end; n++)
      push_frame(h, n);
    repair = test_stat(h->element, "repair-bytes") - repair;
    g_assert_cmpuint(repair, >=, 500 * SIZE * (guint)overheads[s] / 110);
    g_assert_cmpuint(repair, <=, 500 * SIZE * (guint)overheads[s] / 90 + 2 * SIZE);
  }
  g_object_set(h->element, "max-delay", 0, NULL); /* nothing comes in time */
  push_frame(h, n++);
  g_autofree char *scheme = plan_scheme(h);
  g_assert_cmpstr(scheme, ==, "none");
  gst_harness_teardown(h);
}

static guint64
bytes_of_a_second(GstHarness *h, guint *n)
{
  guint64 before = test_stat(h->element, "bundle-bytes");
  for (guint end = *n + 50; *n < end; (*n)++)
    push_frame(h, *n);
  return test_stat(h->element, "bundle-bytes") - before;
}

static gboolean
was_posted(GstBus *bus, GstMessageType type)
{
  GstMessage *message = gst_bus_pop_filtered(bus, type);
  if (message != NULL)
    gst_message_unref(message);
  return message != NULL;
}

/* A budget is all-in: 56 bytes of headers and tags a packet. */
static void
test_budget(void)
{
  GstHarness *h = protect("auto", -1);
  g_autoptr(GstBus) bus = gst_bus_new();
  guint n = 0;
  gst_element_set_bus(h->element, bus);
  bytes_of_a_second(h, &n);
  g_object_set(h->element, "budget", 52000, "frames-per-packet", 1, NULL);
  bytes_of_a_second(h, &n);
  guint64 bytes = bytes_of_a_second(h, &n);
  g_assert_cmpuint((bytes + 50 * 56) * 8, <=, 52000);
  g_assert_cmpuint(bytes, >, 50 * SIZE);
  g_assert_false(was_posted(bus, GST_MESSAGE_WARNING));
  /* too little for the frames: they go all the same, and that is said, once */
  g_object_set(h->element, "budget", 1000, NULL);
  bytes_of_a_second(h, &n);
  bytes = bytes_of_a_second(h, &n);
  g_assert_cmpuint(bytes, >=, 50 * SIZE);
  g_assert_cmpuint(bytes, <=, 50 * (SIZE + 4));
  g_assert_true(was_posted(bus, GST_MESSAGE_WARNING));
  g_assert_false(was_posted(bus, GST_MESSAGE_WARNING));
  g_object_set(h->element, "budget", 2000, NULL);
  bytes_of_a_second(h, &n);
  g_assert_true(was_posted(bus, GST_MESSAGE_WARNING));
  g_object_set(h->element, "budget", 0, NULL);
  bytes_of_a_second(h, &n);
  g_assert_false(was_posted(bus, GST_MESSAGE_WARNING));
  gst_element_set_bus(h->element, NULL);
  gst_harness_teardown(h);
}

/* Nothing known of the network, nothing set: one frame a packet, no latency. */
static void
test_defaults_cost_no_delay(void)
{
  GstHarness *h = gst_harness_new("wzpfec");
  gst_harness_set_src_caps_str(h, GST_WZP_CAPS_FRAMES);
  for (guint n = 0; n < 100; n++) {
    push_frame(h, n);
    g_assert_cmpuint(gst_harness_buffers_received(h), ==, n + 1);
  }
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 0);
  gst_harness_teardown(h);
}

static void
test_latency(void)
{
  GstHarness *h = protect("copies", 100);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);
  gst_harness_set_upstream_latency(h, 7 * GST_MSECOND);
  push_frame(h, 0);
  g_assert_false(was_posted(bus, GST_MESSAGE_LATENCY));
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 7 * GST_MSECOND);
  g_object_set(h->element, "frames-per-packet", 3, NULL);
  push_frame(h, 1);
  g_assert_true(was_posted(bus, GST_MESSAGE_LATENCY));
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 47 * GST_MSECOND);
  g_object_set(h->element, "frames-per-packet", 1, NULL);
  push_frame(h, 2);
  g_assert_true(was_posted(bus, GST_MESSAGE_LATENCY));
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 7 * GST_MSECOND);
  gst_element_set_bus(h->element, NULL);
  gst_object_unref(bus);
  gst_harness_teardown(h);
}

/* --- while others look and turn knobs --- */

#define TURNS 3000

static gpointer
turn_knobs(gpointer data)
{
  GstHarness *there = data;
  g_autoptr(GRand) random = g_rand_new_with_seed(13);
  for (guint turn = 0; turn < TURNS; turn++) {
    const guint dice = (guint)g_rand_int_range(random, 0, 1000);
    g_object_set(there->element, "scheme", (gint)(dice % 5), "frames-per-packet", dice % 4,
                 "overhead", (gint)(dice % 200) - 1, "max-delay", dice, "window", dice % 64,
                 "budget", dice % 3 * 40000, "block-size", 1 + dice % 32, NULL);
    test_stat(there->element, "packets");
    gst_harness_query_latency(there);
  }
  return NULL;
}

static gpointer
ask_much(gpointer data)
{
  GstHarness *back = data;
  for (guint turn = 0; turn < TURNS; turn++) {
    GstStructure *delay = gst_structure_new("wzp-playout-delay", "delay", G_TYPE_UINT64,
                                            (guint64)turn * GST_MSECOND, NULL);
    GstQuery *query =
        gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty("wzp-round-trip"));
    gst_harness_push_upstream_event(back, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, delay));
    gst_pad_peer_query(back->sinkpad, query); /* unknown without a session */
    gst_query_unref(query);
    test_stat(back->element, "frames");
  }
  return NULL;
}

/* All frames come, whatever is set and asked meanwhile. */
static void
test_threads(void)
{
  GstHarness *there = protect("auto", -1), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  GThread *knobs = g_thread_new("knobs", turn_knobs, there);
  GThread *questions = g_thread_new("questions", ask_much, back);
  for (guint n = 0; n < TURNS; n++) {
    push_frame(there, n);
    carry(there, back, &heard, NULL, NULL);
    if (n % 500 == 499) {
      g_assert_true(gst_harness_push_event(there, gst_event_new_gap((n + 1) * FRAME, FRAME)));
      carry(there, back, &heard, NULL, NULL);
    }
  }
  g_assert_true(gst_harness_push_event(there, gst_event_new_eos()));
  carry(there, back, &heard, NULL, NULL);
  g_thread_join(knobs);
  g_thread_join(questions);
  g_assert_cmpuint(heard.own, ==, TURNS);
  g_assert_cmpuint(heard.recovered, ==, 0);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* --- properties --- */

static void
test_properties(void)
{
  GstElement *element = gst_element_factory_make("wzpfec", NULL);
  GObjectClass *klass = G_OBJECT_GET_CLASS(element);
  static const struct {
    const char *name;
    guint minimum, maximum, initial;
  } numbers[] = {{"max-delay", 0, 2000, 200},
                 {"block-size", 1, 32, 5},
                 {"window", 0, 64, 0},
                 {"frames-per-packet", 0, 4, 1},
                 {"budget", 0, 256000, 0}};
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
    const GParamSpecUInt *spec =
        G_PARAM_SPEC_UINT(g_object_class_find_property(klass, numbers[i].name));
    guint value = 999999;
    g_assert_cmpuint(spec->minimum, ==, numbers[i].minimum);
    g_assert_cmpuint(spec->maximum, ==, numbers[i].maximum);
    g_object_get(element, numbers[i].name, &value, NULL);
    g_assert_cmpuint(value, ==, numbers[i].initial);
    g_assert_cmpuint(spec->default_value, ==, value);
    g_object_set(element, numbers[i].name, numbers[i].maximum, NULL);
    g_object_get(element, numbers[i].name, &value, NULL);
    g_assert_cmpuint(value, ==, numbers[i].maximum);
  }
  gint overhead = 0, scheme = -1;
  g_object_get(element, "overhead", &overhead, "scheme", &scheme, NULL);
  g_assert_cmpint(overhead, ==, WZP_FEC_OVERHEAD_AUTO);
  g_assert_cmpint(scheme, ==, WZP_FEC_AUTO);
  g_object_set(element, "overhead", WZP_FEC_OVERHEAD_MAX, "session", "other", NULL);
  g_autofree char *session = NULL;
  g_object_get(element, "overhead", &overhead, "session", &session, NULL);
  g_assert_cmpint(overhead, ==, WZP_FEC_OVERHEAD_MAX);
  g_assert_cmpstr(session, ==, "other");
  /* the names are those of the library */
  GEnumClass *schemes =
      G_PARAM_SPEC_ENUM(g_object_class_find_property(klass, "scheme"))->enum_class;
  for (guint i = 0; i < schemes->n_values; i++)
    g_assert_cmpstr(schemes->values[i].value_nick, ==,
                    wzp_fec_scheme_name((WzpFecScheme)schemes->values[i].value));
  g_assert_null(wzp_fec_scheme_name((WzpFecScheme)schemes->n_values));
  gst_object_unref(element);
}

/* What is no value is refused, and the old one stays. */
static void
test_wrong_values(void)
{
  static const struct {
    const char *name;
    gint value;
  } wrong[] = {{"overhead", -2},         {"overhead", 601},  {"max-delay", 2001},
               {"block-size", 0},        {"block-size", 33}, {"window", 65},
               {"frames-per-packet", 5}, {"budget", 256001}, {"frames-per-packet", -1}};
  GstElement *element = gst_element_factory_make("wzpfec", NULL);
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
    gint before = 0, after = 0;
    g_object_get(element, wrong[i].name, &before, NULL);
    g_test_expect_message("GLib-GObject", G_LOG_LEVEL_WARNING, "*out of range*");
    g_object_set(element, wrong[i].name, wrong[i].value, NULL);
    g_test_assert_expected_messages();
    g_object_get(element, wrong[i].name, &after, NULL);
    g_assert_cmpint(after, ==, before);
  }
  gst_object_unref(element);
  g_autoptr(GError) error = NULL;
  element = gst_parse_launch("wzpfec scheme=fast", &error);
  g_assert_error(error, GST_PARSE_ERROR, GST_PARSE_ERROR_COULD_NOT_SET_PROPERTY);
  g_clear_pointer(&element, gst_object_unref);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS(losses); i++) {
    g_autofree char *path = g_strdup_printf("/wzpfec/loss/%s-%d-%u", losses[i].scheme,
                                            losses[i].overhead, losses[i].frames_per_packet);
    g_test_add_data_func(path, &losses[i], test_loss);
  }
  g_test_add_func("/wzpfec/zero-copy", test_zero_copy);
  g_test_add_func("/wzpfec/end-of-stream", test_end_of_stream);
  g_test_add_func("/wzpfec/gap", test_gap);
  g_test_add_func("/wzpfec/short-gaps", test_short_gaps);
  g_test_add_func("/wzpfec/strange-gaps", test_strange_gaps);
  g_test_add_func("/wzpfec/segment-and-flush", test_segment_and_flush);
  g_test_add_func("/wzpfec/flush-recover", test_flush_recover);
  g_test_add_func("/wzpfec/change-scheme", test_change_scheme);
  g_test_add_func("/wzpfec/change-overhead", test_change_overhead);
  g_test_add_func("/wzpfec/budget", test_budget);
  g_test_add_func("/wzpfec/defaults-cost-no-delay", test_defaults_cost_no_delay);
  g_test_add_func("/wzpfec/latency", test_latency);
  g_test_add_func("/wzpfec/threads", test_threads);
  g_test_add_func("/wzpfec/properties", test_properties);
  g_test_add_func("/wzpfec/wrong-values", test_wrong_values);
  return test_run();
}
