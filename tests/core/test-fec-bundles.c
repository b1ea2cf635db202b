/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The receiver of repair, given bundles that were made by hand: right ones, odd ones and wrong ones. */
#include "fec-stream.h"

static WzpResult
give_bundle(WzpFecReceiver *receiver, uint8_t code, uint64_t index, uint64_t media_ms,
            const WzpWriter *bundle)
{
  WzpFecPacketInfo info = {
      .code = code, .index = index, .has_media_ms = true, .media_ms = media_ms};
  return wzp_fec_receiver_push(receiver, 0, &info, bundle->data, bundle->length);
}

static void
write_frame(WzpWriter *bundle, uint8_t byte)
{
  uint8_t frame[20];
  memset(frame, byte, sizeof frame);
  wzp_bundle_write(bundle, WZP_ELEMENT_FRAMES, frame, sizeof frame, false);
}

static void
write_element(WzpWriter *bundle, const WzpFecElement *element)
{
  uint8_t body[WZP_DATAGRAM_MAX];
  WzpWriter writer;
  wzp_writer_init(&writer, body, sizeof body);
  wzp_fec_element_write(&writer, element);
  wzp_bundle_write(bundle, WZP_ELEMENT_REPAIR, body, writer.length, false);
}

/* Frame 0 came, 1 is lost, 2 carries what the test says of it. How many frames come out of that packet. */
static unsigned
frames_of(WzpFecReceiver *receiver, const WzpFecElement *element, WzpResult expected)
{
  uint8_t bytes[WZP_DATAGRAM_MAX];
  WzpWriter bundle;
  WzpFecFrame frame;
  unsigned n = 0;
  wzp_writer_init(&bundle, bytes, sizeof bytes);
  write_frame(&bundle, 1);
  g_assert_cmpint(give_bundle(receiver, 0, 10, 1000, &bundle), ==, WZP_OK);
  while (wzp_fec_receiver_next(receiver, &frame)) {
  }
  wzp_writer_init(&bundle, bytes, sizeof bytes);
  write_frame(&bundle, 3);
  write_element(&bundle, element);
  g_assert_cmpint(give_bundle(receiver, 0, 12, 1040, &bundle), ==, expected);
  while (wzp_fec_receiver_next(receiver, &frame))
    n++;
  return n;
}

typedef struct {
  const char *name;
  WzpFecElement element;
  const char *symbols; /* hex */
  unsigned frames;
  WzpResult result;
  unsigned malformed, late;
} Hand;

#define LENGTHS .lengths = true, .copies = true, .window = 1, .n_symbols = 1
#define CODED .window = 1, .n_symbols = 1, .symbol_length = 4
#define OTHER .copies = true, .window = 1, .n_symbols = 1, .symbol_length = 4, .other_framing = true

static const Hand hands[] = {
    {"good", {LENGTHS, .symbol_length = 6}, "000401020304", 2, WZP_OK, 0, 0},
    {"shorter", {LENGTHS, .symbol_length = 6}, "000301020300", 2, WZP_OK, 0, 0},
    {"no-length", {LENGTHS, .symbol_length = 6}, "000000000000", 1, WZP_OK, 1, 0},
    {"zero-length", {LENGTHS, .symbol_length = 6}, "000000000001", 1, WZP_OK, 1, 0},
    {"padding", {LENGTHS, .symbol_length = 6}, "000301020304", 1, WZP_OK, 1, 0},
    {"too-long", {LENGTHS, .symbol_length = 6}, "ffff01020304", 1, WZP_OK, 1, 0},
    {"coded", {CODED}, "01020304", 2, WZP_OK, 0, 0},
    {"own-framing",
     {OTHER, .code = 0, .distance = 20, .offset = 1 << 2},
     "01020304",
     2,
     WZP_OK,
     0,
     0},
    {"given-before",
     {OTHER, .code = 0, .distance = 20, .offset = 2 << 2},
     "01020304",
     1,
     WZP_OK,
     0,
     0},
    {"before-the-first-packet",
     {OTHER, .code = 0, .distance = 20, .offset = 31 << 2},
     "01020304",
     1,
     WZP_OK,
     0,
     1},
    {"misplaced",
     {OTHER, .code = 0, .distance = 40, .offset = 1 << 2},
     "01020304",
     1,
     WZP_OK,
     0,
     1},
    {"no-such-frame",
     {OTHER, .code = 0, .distance = 20, .offset = 1 << 2 | 1},
     "01020304",
     1,
     WZP_MALFORMED,
     1,
     0},
    {"itself", {OTHER, .code = 0, .distance = 0}, "01020304", 1, WZP_OK, 0, 0},
    {"no-such-run", {OTHER, .code = 3, .distance = 20}, "01020304", 1, WZP_OK, 0, 1},
    {"off-phase", {OTHER, .code = 0, .distance = 30}, "01020304", 1, WZP_OK, 0, 1},
    {"before-zero", {OTHER, .code = 0, .distance = 65535}, "01020304", 1, WZP_OK, 0, 1},
    {"below-number-0", {CODED, .offset = 20}, "01020304", 1, WZP_OK, 0, 1},
    {"no-audio-code", {OTHER, .code = 14, .distance = 20}, "01020304", 1, WZP_MALFORMED, 1, 0},
};

static void
test_by_hand(gconstpointer data)
{
  const Hand *hand = data;
  uint8_t symbols[8];
  WzpFecElement element = hand->element;
  test_hex(symbols, element.symbol_length, hand->symbols);
  element.symbols = symbols;
  WzpFecReceiver *receiver = wzp_fec_receiver_new();
  WzpFecReceiverStats stats;
  g_assert_cmpuint(frames_of(receiver, &element, hand->result), ==, hand->frames);
  wzp_fec_receiver_get_stats(receiver, &stats);
  g_assert_cmpuint(stats.malformed, ==, hand->malformed);
  g_assert_cmpuint(stats.late_repairs, ==, hand->late);
  wzp_fec_receiver_free(receiver);
}

static void
test_symbol_too_long(void)
{
  uint8_t symbols[500] = {0};
  WzpFecElement element = {CODED};
  element.symbol_length = sizeof symbols;
  element.symbols = symbols;
  WzpFecReceiver *receiver = wzp_fec_receiver_new();
  g_assert_cmpuint(frames_of(receiver, &element, WZP_MALFORMED), ==, 1);
  wzp_fec_receiver_free(receiver);
}

/* What is good before a flaw is used; what is unknown is counted and skipped. */
static void
test_bundles(void)
{
  uint8_t bytes[256];
  WzpWriter bundle;
  WzpFecFrame frame;
  WzpFecReceiverStats stats;
  WzpFecReceiver *receiver = wzp_fec_receiver_new();

  wzp_writer_init(&bundle, bytes, sizeof bytes);
  wzp_bundle_write(&bundle, 9, "new", 3, false);
  wzp_bundle_write(&bundle, WZP_ELEMENT_PADDING, "old", 3, false);
  write_frame(&bundle, 1);
  g_assert_cmpint(give_bundle(receiver, 0, 10, 1000, &bundle), ==, WZP_OK);
  g_assert_true(wzp_fec_receiver_next(receiver, &frame));
  g_assert_true(frame.data > bytes && frame.data + frame.length <= bytes + bundle.length);
  g_assert_false(wzp_fec_receiver_next(receiver, &frame));

  wzp_writer_init(&bundle, bytes, sizeof bytes);
  write_frame(&bundle, 2);
  write_frame(&bundle, 3); /* a packet has its frames once */
  g_assert_cmpint(give_bundle(receiver, 0, 11, 1020, &bundle), ==, WZP_MALFORMED);
  g_assert_true(wzp_fec_receiver_next(receiver, &frame));
  g_assert_cmpuint(frame.data[0], ==, 2);
  g_assert_false(wzp_fec_receiver_next(receiver, &frame));

  wzp_writer_init(&bundle, bytes, sizeof bytes);
  write_frame(&bundle, 4);
  wzp_writer_u8(&bundle, 0x31); /* a report whose length byte is missing */
  g_assert_cmpint(give_bundle(receiver, 0, 12, 1040, &bundle), ==, WZP_TRUNCATED);
  g_assert_true(wzp_fec_receiver_next(receiver, &frame));

  static const uint8_t odd[] = {0x10, 1, 2, 3, 4};
  bundle = (WzpWriter){.data = (uint8_t *)odd, .length = sizeof odd};
  g_assert_cmpint(give_bundle(receiver, 2, 13, 1060, &bundle), ==, WZP_MALFORMED);
  g_assert_cmpint(give_bundle(receiver, WZP_CODE_NO_AUDIO, 14, 1080, &bundle), ==, WZP_MALFORMED);
  g_assert_cmpint(give_bundle(receiver, WZP_CODE_COMFORT_NOISE, 15, 1080, &bundle), ==,
                  WZP_MALFORMED);
  g_assert_cmpint(give_bundle(receiver, 12, 16, 1080, &bundle), ==, WZP_MALFORMED);
  g_assert_cmpint(give_bundle(receiver, 0, UINT64_MAX, 1080, &bundle), ==, WZP_MALFORMED);
  g_assert_cmpint(give_bundle(receiver, 0, 17, UINT64_MAX, &bundle), ==, WZP_MALFORMED);
  g_assert_false(wzp_fec_receiver_next(receiver, &frame));
  wzp_fec_receiver_get_stats(receiver, &stats);
  g_assert_cmpuint(stats.unknown_elements, ==, 1);
  g_assert_cmpuint(stats.malformed, ==, 8);
  g_assert_cmpuint(stats.frames, ==, 3);
  wzp_fec_receiver_free(receiver);
}

/* A listener of many says it all in one packet; what is too much is left, and nothing of a packet before comes again. */
static void
test_many_reports(void)
{
  uint8_t bytes[1000];
  WzpWriter bundle;
  WzpReport report;
  WzpFecReceiver *receiver = wzp_fec_receiver_new();
  for (unsigned round = 0; round < 2; round++) {
    wzp_writer_init(&bundle, bytes, sizeof bytes);
    for (unsigned n = 0; n < WZP_REPORTS_MAX + 2; n++)
      wzp_report_write_element(
          &bundle, &(WzpReport){.slot = (uint8_t)n, .judged = (uint16_t)(100 * round + n)}, false);
    g_assert_cmpint(give_bundle(receiver, WZP_CODE_NO_AUDIO, round, 0, &bundle), ==, WZP_OK);
    for (unsigned n = 0; n < WZP_REPORTS_MAX; n++) {
      g_assert_true(wzp_fec_receiver_peer_report(receiver, &report));
      g_assert_cmpuint(report.slot, ==, n);
      g_assert_cmpuint(report.judged, ==, 100 * round + n);
    }
    g_assert_false(wzp_fec_receiver_peer_report(receiver, &report));
  }
  wzp_fec_receiver_free(receiver);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  for (unsigned i = 0; i < G_N_ELEMENTS(hands); i++) {
    g_autofree char *path = g_strdup_printf("/fec-bundles/by-hand/%s", hands[i].name);
    g_test_add_data_func(path, &hands[i], test_by_hand);
  }
  g_test_add_func("/fec-bundles/symbol-too-long", test_symbol_too_long);
  g_test_add_func("/fec-bundles/flaws", test_bundles);
  g_test_add_func("/fec-bundles/many-reports", test_many_reports);
  return g_test_run();
}
