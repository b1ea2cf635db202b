/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/packet.h"
#include "wzp/profile.h"
#include "test-util.h"

static void
test_datagram_kinds(void)
{
  static const WzpDatagramKind handshake_and_up[] = {
      WZP_DATAGRAM_HS1,     WZP_DATAGRAM_HS2,   WZP_DATAGRAM_HS3,        WZP_DATAGRAM_COOKIE,
      WZP_DATAGRAM_CONTROL, WZP_DATAGRAM_TRUNK, WZP_DATAGRAM_PATH_PROBE, WZP_DATAGRAM_PAIRWISE,
  };
  for (unsigned first = 0; first < 256; first++) {
    uint8_t byte = (uint8_t)first;
    WzpDatagramKind expected = WZP_DATAGRAM_UNKNOWN;
    if (first <= 3)
      expected = WZP_DATAGRAM_STUN;
    else if (first >= 0x40 && first <= 0x47)
      expected = handshake_and_up[first - 0x40];
    else if (first >= 0x80)
      expected = WZP_DATAGRAM_MEDIA;
    g_assert_cmpint(wzp_datagram_kind(&byte, 1), ==, expected);
  }
  g_assert_cmpint(wzp_datagram_kind(NULL, 0), ==, WZP_DATAGRAM_UNKNOWN);
}

static void
test_header_vectors(void)
{
  WzpHeader header;
  size_t length;
  uint8_t packet[WZP_HEADER_FULL_SIZE], out[WZP_HEADER_FULL_SIZE];

  test_hex(packet, 4, "d3f90102");
  g_assert_cmpint(wzp_header_parse(&header, packet, 4, &length), ==, WZP_OK);
  g_assert_cmpuint(length, ==, 4);
  g_assert_false(header.full);
  g_assert_cmpuint(header.epoch_low, ==, 1);
  g_assert_cmpuint(header.code, ==, 3);
  g_assert_cmpuint(header.slot, ==, 249);
  g_assert_cmpuint(header.seq, ==, 0x0102);
  g_assert_cmpuint(wzp_header_write(&header, out), ==, 4);
  g_assert_cmpmem(out, 4, packet, 4);

  test_hex(packet, 12, "a0050008 00001e00 06010000");
  g_assert_cmpint(wzp_header_parse(&header, packet, 12, &length), ==, WZP_OK);
  g_assert_cmpuint(length, ==, 12);
  g_assert_true(header.full);
  g_assert_cmpuint(header.epoch_low, ==, 2);
  g_assert_cmpuint(header.code, ==, 0);
  g_assert_cmpuint(header.slot, ==, 5);
  g_assert_cmpuint(header.seq, ==, 8);
  g_assert_cmpuint(header.timestamp, ==, 7680);
  g_assert_cmpuint(header.epoch8, ==, 6);
  g_assert_cmpuint(header.flags, ==, WZP_FLAG_TALK_START);
  g_assert_cmpuint(wzp_header_write(&header, out), ==, 12);
  g_assert_cmpmem(out, 12, packet, 12);
}

static void
check_header(const char *hex, WzpResult expected)
{
  uint8_t packet[WZP_HEADER_FULL_SIZE];
  size_t n = strlen(hex) / 2, length = 99;
  WzpHeader header;
  test_hex(packet, n, hex);
  g_assert_cmpint(wzp_header_parse(&header, packet, n, &length), ==, expected);
  if (expected != WZP_OK)
    g_assert_cmpuint(length, ==, 0);
}

static void
test_header_refusals(void)
{
  check_header("", WZP_TRUNCATED);
  check_header("c00000", WZP_TRUNCATED);
  check_header("80000000000000000000", WZP_TRUNCATED);
  check_header("8000000000000000000000", WZP_TRUNCATED);
  check_header("800000000000000000000000", WZP_OK);
  check_header("800000000000000000000001", WZP_MALFORMED);
  check_header("800000000000000000000100", WZP_MALFORMED);
  check_header("800000000000000001000000", WZP_MALFORMED); /* epoch bits 0, epoch 1 */
  check_header("900000000000000005000000", WZP_OK);
  check_header("80000000000000000080fe00", WZP_MALFORMED);
  check_header("800000000000000000fe0000", WZP_OK); /* unknown flags are ignored */
  check_header("7f000000", WZP_UNKNOWN_KIND);
  check_header("45000000", WZP_UNKNOWN_KIND);
  static const char *const reserved[] = {"cb000000", "cc000000", "cf000000",
                                         "8b0000000000000000000000"};
  for (unsigned i = 0; i < G_N_ELEMENTS(reserved); i++)
    check_header(reserved[i], WZP_UNKNOWN_KIND);
}

static uint8_t
random_code(TestRandom *random)
{
  uint8_t code;
  do {
    code = (uint8_t)test_random_below(random, 16);
  } while (wzp_framing_from_code(code) == NULL);
  return code;
}

/* parse(write(x)) = x */
static void
test_header_round_trip(void)
{
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 100000; round++) {
    WzpHeader in = {
        .full = test_random_below(&random, 2) == 0,
        .code = random_code(&random),
        .slot = (uint8_t)test_random_u64(&random),
        .seq = (uint16_t)test_random_u64(&random),
    };
    if (in.full) {
      in.timestamp = (uint32_t)test_random_u64(&random);
      in.epoch8 = (uint8_t)test_random_u64(&random);
      in.flags = test_random_below(&random, 2) == 0 ? WZP_FLAG_TALK_START : 0;
      in.epoch_low = in.epoch8 & 3;
    } else {
      in.epoch_low = (uint8_t)test_random_below(&random, 4);
    }
    uint8_t packet[WZP_HEADER_FULL_SIZE];
    size_t length = wzp_header_write(&in, packet), parsed;
    WzpHeader out;
    g_assert_cmpuint(length, ==, in.full ? WZP_HEADER_FULL_SIZE : WZP_HEADER_MINI_SIZE);
    g_assert_cmpint(wzp_header_parse(&out, packet, length, &parsed), ==, WZP_OK);
    g_assert_cmpuint(parsed, ==, length);
    g_assert_cmpint(out.full, ==, in.full);
    g_assert_cmpuint(out.epoch_low, ==, in.epoch_low);
    g_assert_cmpuint(out.code, ==, in.code);
    g_assert_cmpuint(out.slot, ==, in.slot);
    g_assert_cmpuint(out.seq, ==, in.seq);
    g_assert_cmpuint(out.timestamp, ==, in.timestamp);
    g_assert_cmpuint(out.epoch8, ==, in.epoch8);
    g_assert_cmpuint(out.flags, ==, in.flags);
    g_assert_cmpint(wzp_header_parse(&out, packet, test_random_below(&random, length), &parsed), ==,
                    WZP_TRUNCATED);
  }
}

/* write(parse(b)) = b, except for flags that do not exist, which are sent as zero */
static void
test_header_from_bytes(void)
{
  TestRandom random;
  unsigned accepted = 0;
  test_random_init(&random);

  for (unsigned round = 0; round < 100000; round++) {
    uint8_t packet[WZP_HEADER_FULL_SIZE], out[WZP_HEADER_FULL_SIZE];
    size_t length;
    WzpHeader header;
    test_random_bytes(&random, packet, sizeof packet);
    packet[0] |= 0x80;
    if (test_random_below(&random, 4) != 0) {
      packet[8] = (uint8_t)((packet[8] & ~3) | (packet[0] >> 4 & 3));
      packet[10] = packet[11] = 0;
    }
    if (wzp_header_parse(&header, packet, sizeof packet, &length) != WZP_OK)
      continue;
    accepted++;
    g_assert_cmpuint(wzp_header_write(&header, out), ==, length);
    if (header.full)
      packet[9] &= WZP_FLAG_TALK_START;
    g_assert_cmpmem(out, length, packet, length);
  }
  g_assert_cmpuint(accepted, >, 50000);
}

static void
test_bundle_vectors(void)
{
  uint8_t buffer[64];
  WzpWriter writer;
  wzp_writer_init(&writer, buffer, sizeof buffer);
  wzp_bundle_write(&writer, WZP_ELEMENT_REPORT, "\xaa\xbb", 2, false);
  wzp_bundle_write(&writer, WZP_ELEMENT_FRAMES, "\x01\x02\x03", 3, true);
  assert_hex(buffer, writer.length, "3102aabb10010203");

  WzpBundleReader bundle;
  WzpElement element;
  wzp_bundle_reader_init(&bundle, buffer, writer.length);
  g_assert_true(wzp_bundle_reader_next(&bundle, &element));
  g_assert_cmpuint(element.type, ==, WZP_ELEMENT_REPORT);
  g_assert_cmpmem(element.data, element.length, "\xaa\xbb", 2);
  g_assert_true(wzp_bundle_reader_next(&bundle, &element));
  g_assert_cmpuint(element.type, ==, WZP_ELEMENT_FRAMES);
  g_assert_cmpmem(element.data, element.length, "\x01\x02\x03", 3);
  g_assert_false(wzp_bundle_reader_next(&bundle, &element));
  g_assert_cmpint(bundle.result, ==, WZP_OK);

  /* the shortest length field that holds it */
  static const uint8_t zeros[256];
  uint8_t long_buffer[600];
  wzp_writer_init(&writer, long_buffer, sizeof long_buffer);
  wzp_bundle_write(&writer, WZP_ELEMENT_PADDING, zeros, 255, false);
  g_assert_cmpuint(writer.length, ==, 2 + 255);
  wzp_bundle_write(&writer, WZP_ELEMENT_PADDING, zeros, 256, false);
  g_assert_cmpuint(writer.length, ==, 2 + 255 + 3 + 256);

  /* too long for its length field, or a type of more than four bits */
  static const uint8_t body[UINT16_MAX + 1];
  uint8_t *room = g_malloc(sizeof body + 8);
  wzp_writer_init(&writer, room, sizeof body + 8);
  wzp_bundle_write(&writer, WZP_ELEMENT_PADDING, body, sizeof body, false);
  g_assert_true(writer.failed);
  wzp_writer_init(&writer, room, sizeof body + 8);
  wzp_bundle_write(&writer, 16, body, 1, false);
  g_assert_true(writer.failed);
  g_free(room);
}

/* How many elements come out before the end, and why it ends. */
static void
check_bundle(const char *hex, unsigned expected_count, WzpResult expected)
{
  uint8_t data[16];
  size_t n = strlen(hex) / 2;
  unsigned count = 0;
  WzpBundleReader bundle;
  WzpElement element;
  test_hex(data, n, hex);
  wzp_bundle_reader_init(&bundle, data, n);
  while (wzp_bundle_reader_next(&bundle, &element))
    count++;
  g_assert_cmpuint(count, ==, expected_count);
  g_assert_cmpint(bundle.result, ==, expected);
  /* the end stays the end */
  g_assert_false(wzp_bundle_reader_next(&bundle, &element));
  g_assert_null(element.data);
}

static void
test_bundle_edges(void)
{
  check_bundle("", 0, WZP_OK);
  check_bundle("10", 1, WZP_OK); /* the rest, which is nothing */
  check_bundle("1100", 1, WZP_OK);
  check_bundle("11", 0, WZP_TRUNCATED);
  check_bundle("1101", 0, WZP_TRUNCATED);
  check_bundle("1200", 0, WZP_TRUNCATED);
  check_bundle("120000", 1, WZP_OK);
  check_bundle("120001", 0, WZP_TRUNCATED);
  check_bundle("13", 0, WZP_MALFORMED);
  check_bundle("1f", 0, WZP_MALFORMED);
  check_bundle("110155f10133100102", 3, WZP_OK); /* an unknown type in the middle */
  check_bundle("1101551401", 1, WZP_MALFORMED);
}

/* What is written comes back; cut anywhere, nothing is invented. */
static void
test_bundle_round_trip(void)
{
  enum { MOST = 5 };
  static uint8_t buffer[4096], bodies[MOST][700];
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 100000; round++) {
    unsigned count = (unsigned)test_random_below(&random, MOST + 1);
    uint8_t types[MOST];
    size_t lengths[MOST];
    WzpWriter writer;
    wzp_writer_init(&writer, buffer, sizeof buffer);
    bool open_end = test_random_below(&random, 2) == 0;
    for (unsigned i = 0; i < count; i++) {
      types[i] = (uint8_t)test_random_below(&random, 16);
      lengths[i] = test_random_below(&random, round % 10 == 0 ? sizeof bodies[i] : 40);
      test_random_bytes(&random, bodies[i], lengths[i]);
      wzp_bundle_write(&writer, types[i], bodies[i], lengths[i], open_end && i + 1 == count);
    }
    g_assert_false(writer.failed);

    WzpBundleReader bundle;
    WzpElement element;
    wzp_bundle_reader_init(&bundle, buffer, writer.length);
    for (unsigned i = 0; i < count; i++) {
      g_assert_true(wzp_bundle_reader_next(&bundle, &element));
      g_assert_cmpuint(element.type, ==, types[i]);
      g_assert_cmpmem(element.data, element.length, bodies[i], lengths[i]);
    }
    g_assert_false(wzp_bundle_reader_next(&bundle, &element));
    g_assert_cmpint(bundle.result, ==, WZP_OK);

    size_t cut = test_random_below(&random, writer.length + 1);
    unsigned got = 0;
    wzp_bundle_reader_init(&bundle, buffer, cut);
    while (wzp_bundle_reader_next(&bundle, &element)) {
      g_assert_cmpuint(element.type, ==, types[got]);
      g_assert_cmpuint(element.length, <=, lengths[got]);
      g_assert_cmpmem(element.data, element.length, bodies[got], element.length);
      got++;
    }
    g_assert_cmpuint(got, <=, count);
    g_assert_true(bundle.result == WZP_OK || bundle.result == WZP_TRUNCATED);
  }
}

static void
test_trunk_vectors(void)
{
  uint8_t buffer[32];
  const uint8_t first[] = {0xc0, 1, 0, 7, 0xaa}, second[] = {0xc0, 1, 0, 8};
  WzpWriter writer;
  wzp_writer_init(&writer, buffer, sizeof buffer);
  g_assert_true(wzp_trunk_append(&writer, first, sizeof first));
  g_assert_true(wzp_trunk_append(&writer, second, sizeof second));
  assert_hex(buffer, writer.length, "450005c0010007aa0004c0010008");
  g_assert_true(wzp_trunk_valid(buffer, writer.length));

  const uint8_t *packet;
  size_t position = 0, length;
  g_assert_true(wzp_trunk_next(buffer, writer.length, &position, &packet, &length));
  g_assert_cmpmem(packet, length, first, sizeof first);
  g_assert_true(wzp_trunk_next(buffer, writer.length, &position, &packet, &length));
  g_assert_cmpmem(packet, length, second, sizeof second);
  g_assert_false(wzp_trunk_next(buffer, writer.length, &position, &packet, &length));
  g_assert_null(packet);
}

static void
check_trunk(const char *hex, bool expected)
{
  uint8_t data[32];
  size_t n = strlen(hex) / 2;
  test_hex(data, n, hex);
  g_assert_cmpint(wzp_trunk_valid(data, n), ==, expected);
}

static void
test_trunk_edges(void)
{
  check_trunk("", false);
  check_trunk("45", false); /* nothing in it */
  check_trunk("4500", false);
  check_trunk("450000", false);
  check_trunk("450004c0000000", true);
  check_trunk("440004c0000000", false);
  check_trunk("450003c00000", false); /* shorter than any header */
  check_trunk("450005c0000000", false);
  check_trunk("450003c0000000", false);
  check_trunk("450004c000000000", false); /* one byte over */
  check_trunk("450004c00000000004c0000001", true);
  check_trunk("450004c00000000005c0000001", false); /* the second spoils the first */
  check_trunk("45000745000480000000", false);       /* no trunk in a trunk */
  check_trunk("45000444000000", false);             /* media only */

  uint8_t buffer[10];
  const uint8_t media[8] = {0x80}, other[8] = {0x44};
  WzpWriter writer;
  wzp_writer_init(&writer, buffer, sizeof buffer);
  g_assert_false(wzp_trunk_append(&writer, media, 8)); /* 11 bytes needed */
  g_assert_false(wzp_trunk_append(&writer, other, 4));
  g_assert_false(wzp_trunk_append(&writer, media, 3));
  g_assert_cmpuint(writer.length, ==, 0);
  g_assert_false(writer.failed);
  g_assert_true(wzp_trunk_append(&writer, media, 7));
  g_assert_false(wzp_trunk_append(&writer, media, 4));
  g_assert_cmpuint(writer.length, ==, 10);
}

static void
test_trunk_round_trip(void)
{
  enum { MOST = 8 };
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 100000; round++) {
    uint8_t buffer[WZP_DATAGRAM_MAX], packets[MOST][300];
    size_t lengths[MOST];
    unsigned count = 0;
    WzpWriter writer;
    wzp_writer_init(&writer, buffer, 1 + test_random_below(&random, sizeof buffer));
    while (count < MOST) {
      lengths[count] = WZP_HEADER_MINI_SIZE + test_random_below(&random, 290);
      test_random_bytes(&random, packets[count], 8);
      memset(packets[count] + 8, (int)count, sizeof packets[count] - 8);
      packets[count][0] |= 0x80;
      size_t before = writer.length;
      if (!wzp_trunk_append(&writer, packets[count], lengths[count])) {
        g_assert_cmpuint(writer.length, ==, before);
        g_assert_false(writer.failed);
        break;
      }
      count++;
    }
    g_assert_cmpint(wzp_trunk_valid(buffer, writer.length), ==, count > 0);
    if (count == 0)
      continue;

    const uint8_t *packet;
    size_t position = 0, length;
    WzpWriter again;
    uint8_t rebuilt[WZP_DATAGRAM_MAX];
    wzp_writer_init(&again, rebuilt, sizeof rebuilt);
    for (unsigned i = 0; i < count; i++) {
      g_assert_true(wzp_trunk_next(buffer, writer.length, &position, &packet, &length));
      g_assert_cmpmem(packet, length, packets[i], lengths[i]);
      g_assert_true(wzp_trunk_append(&again, packet, length));
    }
    g_assert_cmpuint(position, ==, writer.length);
    g_assert_cmpmem(rebuilt, again.length, buffer, writer.length);

    /* cut anywhere but between two entries it is no trunk any more */
    size_t cut = test_random_below(&random, writer.length), end = 1;
    bool between = false;
    for (unsigned i = 0; i < count; i++) {
      end += 2 + lengths[i];
      between = between || cut == end;
    }
    g_assert_cmpint(wzp_trunk_valid(buffer, cut), ==, between);
  }
}

/* The published hop tag: over the first published media packet alone. Its last four bytes stand where
 * a session id stands, so the tag over all before the tag is the same one. */
static void
test_trailer_vector(void)
{
  uint8_t datagram[40], key[16];
  test_hex(datagram, 36,
           "c3000007408503d94b17a3fd286340d2a721b13828ac4ca466e25d3b564a27655fabfd02");
  test_hex(key, 16, "29b91f37bb1b6105faa4d78f87911433");
  uint8_t last[4];
  memcpy(last, datagram + 32, 4);
  wzp_trailer_append(datagram, 32, last, key);
  assert_hex(datagram + 36, 4, "48a9bbe2");
  g_assert_true(wzp_trailer_check(datagram, 40, key));
}

static void
test_trailer(void)
{
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 20000; round++) {
    uint8_t datagram[128], key[16], session_id[4];
    size_t length = test_random_below(&random, sizeof datagram - WZP_TRAILER_SIZE);
    test_random_bytes(&random, datagram, sizeof datagram);
    test_random_bytes(&random, key, sizeof key);
    test_random_bytes(&random, session_id, sizeof session_id);
    wzp_trailer_append(datagram, length, session_id, key);
    g_assert_cmpmem(datagram + length, 4, session_id, 4);
    g_assert_true(wzp_trailer_check(datagram, length + WZP_TRAILER_SIZE, key));

    size_t bit = test_random_below(&random, 8 * (length + WZP_TRAILER_SIZE));
    datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
    g_assert_false(wzp_trailer_check(datagram, length + WZP_TRAILER_SIZE, key));
    datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
    key[0] ^= 1;
    g_assert_false(wzp_trailer_check(datagram, length + WZP_TRAILER_SIZE, key));
  }

  static const uint8_t short_one[WZP_TRAILER_SIZE - 1], key[16];
  for (size_t length = 0; length < WZP_TRAILER_SIZE; length++)
    g_assert_false(wzp_trailer_check(short_one, length, key));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/packet/datagram-kinds", test_datagram_kinds);
  g_test_add_func("/packet/header/vectors", test_header_vectors);
  g_test_add_func("/packet/header/refusals", test_header_refusals);
  g_test_add_func("/packet/header/round-trip", test_header_round_trip);
  g_test_add_func("/packet/header/from-bytes", test_header_from_bytes);
  g_test_add_func("/packet/bundle/vectors", test_bundle_vectors);
  g_test_add_func("/packet/bundle/edges", test_bundle_edges);
  g_test_add_func("/packet/bundle/round-trip", test_bundle_round_trip);
  g_test_add_func("/packet/trunk/vectors", test_trunk_vectors);
  g_test_add_func("/packet/trunk/edges", test_trunk_edges);
  g_test_add_func("/packet/trunk/round-trip", test_trunk_round_trip);
  g_test_add_func("/packet/trailer/vector", test_trailer_vector);
  g_test_add_func("/packet/trailer/bit-flips", test_trailer);
  return g_test_run();
}
