/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpfec, receiving: what it says of frames to wzpjitter, and what it makes of packets that come late or are wrong. */
#include "repair-pair.h"

/* --- until when there is hope --- */

/* The next frame without hope that it told of. */
static gboolean
take_hopeless(GstHarness *back, guint64 *index)
{
  GstEvent *event = test_try_event(back, GST_EVENT_CUSTOM_DOWNSTREAM);
  if (event == NULL)
    return FALSE;
  g_assert_true(gst_event_has_name(event, "wzp-frame-hopeless"));
  g_assert_true(gst_structure_get_uint64(gst_event_get_structure(event), "index", index));
  gst_event_unref(event);
  return TRUE;
}

static gboolean
lose_two(gpointer data)
{
  guint n = *(guint *)data;
  return n == 30 || n == 31;
}

/* Two of a run are more than single copies bring back: hope ends, once. */
static void
test_hopeless(void)
{
  GstHarness *there = protect("copies", 100), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  guint64 index = 0;
  guint n;
  for (n = 0; n < 33; n++) {
    push_frame(there, n);
    carry(there, back, &heard, lose_two, &n);
  }
  /* 32 brought a copy of 31; one of 30 could still come out of order */
  g_assert_false(take_hopeless(back, &index));
  for (; n < 60; n++) {
    push_frame(there, n);
    carry(there, back, &heard, NULL, NULL);
  }
  g_assert_true(take_hopeless(back, &index));
  g_assert_cmpuint(index, ==, 30);
  g_assert_false(take_hopeless(back, &index));
  g_assert_cmpuint(test_stat(back->element, "hopeless"), ==, 1);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* The last frames of a stretch are lost and only repair speaks of them, too little of it. They are told of when hope
 * ends, not when talking begins again. */
static void
test_hopeless_named(void)
{
  GstHarness *there = protect("sliding", 100), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  guint64 index = 0;
  g_object_set(there->element, "window", 12, NULL);
  for (guint n = 0; n < 40; n++) {
    push_frame(there, n);
    carry(there, back, &heard, n >= 37 ? lose_all : NULL, NULL);
  }
  g_assert_true(gst_harness_push_event(there, gst_event_new_gap(40 * FRAME, FRAME)));
  carry(there, back, &heard, NULL, NULL);
  g_assert_cmpuint(heard.own + heard.recovered, ==, 37);
  g_assert_false(take_hopeless(back, &index));

  GstBuffer *later = test_buffer("\0", 1, WZP_CODE_NO_AUDIO, 60);
  GST_BUFFER_PTS(later) = test_meta_get(later)->media_time = 4 * GST_SECOND;
  deliver(back, later);
  for (guint n = 37; n < 40; n++) {
    g_assert_true(take_hopeless(back, &index));
    g_assert_cmpuint(index, ==, n);
  }
  g_assert_false(take_hopeless(back, &index));
  g_assert_cmpuint(test_stat(back->element, "hopeless"), ==, 3);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

typedef struct {
  GRand *random;
  guint blackout; /* packets still to lose */
} Storm;

static gboolean
lose_in_storm(gpointer data)
{
  Storm *storm = data;
  if (storm->blackout == 0 && g_rand_int_range(storm->random, 0, 200) == 0)
    storm->blackout = (guint)g_rand_int_range(storm->random, 1, 60);
  if (storm->blackout > 0) {
    storm->blackout--;
    return TRUE;
  }
  return g_rand_int_range(storm->random, 0, 10) < 4;
}

/* Each frame comes, or is told of as hopeless; both only where equations that waited are solved after all, long after any
 * window that reaches back. */
static void
test_hopeless_storm(void)
{
  const guint frames = 20000;
  GstHarness *there = protect("sliding", 100), *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  g_autoptr(GHashTable) hopeless = g_hash_table_new(NULL, NULL);
  Storm storm = {.random = g_rand_new_with_seed(5)};
  guint64 index;
  for (guint n = 0; n < frames; n++) {
    push_frame(there, n);
    carry(there, back, &heard, lose_in_storm, &storm);
    if (n % 100 == 99) {
      GstEvent *gap = gst_event_new_gap((n + 1) * FRAME, FRAME);
      g_assert_true(gst_harness_push_event(there, gap));
      carry(there, back, &heard, lose_in_storm, &storm);
    }
    while (take_hopeless(back, &index))
      g_assert_true(g_hash_table_add(hopeless, GUINT_TO_POINTER((guint)index)));
  }
  g_assert_cmpuint(g_hash_table_size(hopeless), >, frames / 10);
  g_assert_cmpuint(g_hash_table_size(hopeless), ==, test_stat(back->element, "hopeless"));
  guint both = 0;
  for (guint n = 0; n < frames; n++)
    both += g_hash_table_contains(heard.numbers, GUINT_TO_POINTER(n)) &&
            g_hash_table_contains(hopeless, GUINT_TO_POINTER(n));
  g_assert_cmpuint(both * 50, <, g_hash_table_size(hopeless));
  guint known = heard.own + heard.recovered + g_hash_table_size(hopeless) - both;
  g_assert_cmpuint(known, <=, frames);
  g_assert_cmpuint(known, >, frames - 200);
  g_rand_free(storm.random);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

/* --- packets that come late --- */

/* Packet p of two frames, with a copy of the frame copy, if any; see PROTOCOL.md, section 9. */
static GstBuffer *
pair(guint p, gint copy)
{
  guint8 bytes[2 + 2 * SIZE + 3 + SIZE] = {0x11, 2 * SIZE}, *end = bytes + 2 + 2 * SIZE;
  fill(bytes + 2, 2 * p);
  fill(bytes + 2 + SIZE, 2 * p + 1);
  if (copy >= 0) {
    const guint8 head[] = {0x20, 0x80, (guint8)(2 * p - 1 - (guint)copy)};
    memcpy(end, head, sizeof head);
    fill(end + sizeof head, (guint)copy);
    end += sizeof head + SIZE;
  }
  GstBuffer *buffer = test_buffer(bytes, (gsize)(end - bytes), 1, p);
  GST_BUFFER_PTS(buffer) = test_meta_get(buffer)->media_time = 2 * p * FRAME;
  return buffer;
}

/* Of a packet that comes behind repair of its first frame, the second keeps its place. */
static void
test_late_packet(void)
{
  GstHarness *back = recover();
  Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
  for (guint p = 0; p < 4; p++) {
    static const guint order[] = {0, 2, 1, 3};
    deliver(back, pair(order[p], order[p] == 2 ? 2 : -1));
    take_frames(back, &heard, 2 * order[p] * FRAME + WAY); /* looks at the places, too */
    if (p == 1)
      g_assert_cmpuint(heard.recovered, ==, 1);
  }
  g_assert_cmpuint(heard.own, ==, 7);
  g_assert_cmpuint(heard.recovered, ==, 1);
  g_hash_table_unref(heard.numbers);
  gst_harness_teardown(back);
}

/* --- what wzpjitter says --- */

static GstEvent *
playout(const char *name, GType type, guint64 delay)
{
  GstStructure *structure = gst_structure_new_empty(name);
  if (type == G_TYPE_UINT64)
    gst_structure_set(structure, "delay", type, delay, NULL);
  else
    gst_structure_set(structure, "delay", type, "long", NULL);
  return gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure);
}

static void
test_playout_delay(void)
{
  GstHarness *h = recover();
  GstEvent *event;
  while ((event = gst_harness_try_pull_upstream_event(h)) != NULL)
    gst_event_unref(event);
  g_assert_cmpuint(test_stat(h->element, "playout"), ==, 0);
  g_assert_true(gst_harness_push_upstream_event(
      h, playout("wzp-playout-delay", G_TYPE_UINT64, 80 * GST_MSECOND)));
  g_assert_cmpuint(test_stat(h->element, "playout"), ==, 80 * GST_MSECOND);
  g_assert_null(gst_harness_try_pull_upstream_event(h)); /* was for us */
  /* others are not, and go on */
  gst_harness_push_upstream_event(h, playout("wzp-playout-delay", G_TYPE_STRING, 0));
  gst_harness_push_upstream_event(h, playout("something-else", G_TYPE_UINT64, 1));
  for (guint i = 0; i < 2; i++)
    gst_event_unref(gst_harness_pull_upstream_event(h));
  g_assert_cmpuint(test_stat(h->element, "playout"), ==, 80 * GST_MSECOND);
  gst_harness_teardown(h);
}

/* --- a sender that begins anew --- */

static void
stream_of(GstHarness *back, guint32 stream, guint lost, guint first, guint frames, Heard *heard)
{
  GstHarness *there = protect("sliding", 100);
  for (guint n = 0; n < frames; n++) {
    push_frame(there, n);
    GstBuffer *packet = gst_harness_pull(there);
    GstClockTime arrival = GST_BUFFER_PTS(packet) + WAY;
    test_meta_get(packet)->stream = stream;
    if (n == lost || n < first) {
      gst_buffer_unref(packet);
      continue;
    }
    deliver(back, packet);
    take_frames(back, heard, arrival);
  }
  gst_harness_teardown(there);
}

/* The first numbers of the new stream did not come in the old one, so that they alone do not tell it; what they brought
 * still serves to repair what follows. */
static void
test_new_stream(void)
{
  GstHarness *back = recover();
  for (guint32 stream = 1; stream <= 2; stream++) {
    Heard heard = {.numbers = g_hash_table_new(NULL, NULL)};
    stream_of(back, stream, stream == 1 ? 100 : 5, stream == 1 ? 5 : 0, 40, &heard);
    g_assert_cmpuint(heard.own, ==, stream == 1 ? 35 : 39);
    g_assert_cmpuint(heard.recovered, ==, stream == 1 ? heard.recovered : 1);
    g_hash_table_unref(heard.numbers);
  }
  gst_harness_teardown(back);
}

/* --- what others send --- */

/* Packets with bytes, codes and numbers changed: frames may be missed or be wrong, but nothing else happens, and the
 * next stream is as good as ever. */
static void
test_hostile(void)
{
  GstHarness *there = protect("sliding", 100), *back = recover();
  g_autoptr(GRand) random = g_rand_new_with_seed(11);
  GstBuffer *buffer;
  for (guint n = 0; n < 20000; n++) {
    guint8 dice[8];
    for (guint i = 0; i < sizeof dice; i++)
      dice[i] = (guint8)g_rand_int_range(random, 0, 256);
    push_frame(there, n);
    buffer = gst_buffer_make_writable(gst_harness_pull(there));
    GstWzpMeta *meta = test_meta_get(buffer);
    GstMapInfo map;
    g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
    if (dice[0] < 128)
      map.data[dice[1] % map.size] ^= (guint8)(1 << (dice[2] % 8));
    gst_buffer_unmap(buffer, &map);
    if (dice[0] % 4 == 0)
      gst_buffer_set_size(buffer, dice[3] % (gst_buffer_get_size(buffer) + 1));
    if (dice[0] % 16 == 1)
      meta->code = dice[4] % 20;
    if (dice[0] % 32 == 2)
      meta->index = dice[5] < 4 ? G_MAXUINT64 - dice[6] : meta->index + dice[6];
    if (dice[0] % 32 == 3)
      meta->media_time = dice[5] < 4 ? GST_CLOCK_TIME_NONE - dice[6] : meta->media_time + dice[6];
    g_assert_cmpint(gst_harness_push(back, buffer), ==, GST_FLOW_OK);
    while ((buffer = gst_harness_try_pull(back)) != NULL) {
      g_assert_cmpuint(gst_buffer_get_size(buffer), >, 0);
      gst_buffer_unref(buffer);
    }
    GstEvent *event;
    while ((event = gst_harness_try_pull_event(back)) != NULL)
      gst_event_unref(event);
  }
  g_assert_cmpuint(test_stat(back->element, "invalid"), >, 0);
  /* another sender */
  test_flush(there);
  for (guint n = 0; n < 10; n++) {
    push_frame(there, n);
    buffer = gst_harness_pull(there);
    test_meta_get(buffer)->slot = 9;
    g_assert_cmpint(gst_harness_push(back, buffer), ==, GST_FLOW_OK);
    GstBuffer *frame = gst_harness_pull(back);
    guint8 bytes[SIZE];
    fill(bytes, n);
    g_assert_cmpint(gst_buffer_memcmp(frame, 0, bytes, SIZE), ==, 0);
    gst_buffer_unref(frame);
  }
  gst_harness_teardown(there);
  gst_harness_teardown(back);
}

int
main(int argc, char **argv)
{
  test_init(&argc, &argv);
  g_test_add_func("/wzpfec/hopeless", test_hopeless);
  g_test_add_func("/wzpfec/hopeless-named", test_hopeless_named);
  g_test_add_func("/wzpfec/hopeless-storm", test_hopeless_storm);
  g_test_add_func("/wzpfec/late-packet", test_late_packet);
  g_test_add_func("/wzpfec/playout-delay", test_playout_delay);
  g_test_add_func("/wzpfec/new-stream", test_new_stream);
  g_test_add_func("/wzpfec/hostile", test_hostile);
  return test_run();
}
