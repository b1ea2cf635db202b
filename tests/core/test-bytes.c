/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/bytes.h"
#include "wzp/result.h"
#include "test-util.h"

static void
test_reads_hex(void)
{
  uint8_t out[2];
  g_assert_true(wzp_hex_read(out, 2, "0aFf"));
  g_assert_cmpuint(out[0], ==, 0x0a);
  g_assert_cmpuint(out[1], ==, 0xff);
  static const char *const bad[] = {"", "0aF", "0aFf0", "0aFf00", "0aFg", " aFf", "0a f", "0x0a"};
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
    g_assert_false(wzp_hex_read(out, 2, bad[i]));
}

static void
test_reads_what_was_written(void)
{
  uint8_t buffer[64];
  WzpWriter writer;
  wzp_writer_init(&writer, buffer, sizeof buffer);
  wzp_writer_u8(&writer, 0x01);
  wzp_writer_u16(&writer, 0x0203);
  wzp_writer_u32(&writer, 0x04050607);
  wzp_writer_u64(&writer, 0x08090a0b0c0d0e0f);
  wzp_writer_label(&writer, "wz1");
  wzp_writer_lp(&writer, "\x10\x11", 2);
  wzp_writer_zero(&writer, 2);
  memset(wzp_writer_reserve(&writer, 1), 0xff, 1);
  g_assert_false(writer.failed);
  assert_hex(buffer, writer.length, "0102030405060708090a0b0c0d0e0f777a31000210110000ff");

  WzpReader reader;
  uint8_t label[3];
  size_t length;
  wzp_reader_init(&reader, buffer, writer.length);
  g_assert_cmpuint(wzp_reader_u8(&reader), ==, 0x01);
  g_assert_cmpuint(wzp_reader_u16(&reader), ==, 0x0203);
  g_assert_cmpuint(wzp_reader_u32(&reader), ==, 0x04050607);
  g_assert_cmpuint(wzp_reader_u64(&reader), ==, 0x08090a0b0c0d0e0f);
  g_assert_true(wzp_reader_copy(&reader, label, sizeof label));
  g_assert_cmpmem(label, 3, "wz1", 3);
  g_assert_cmpuint(wzp_reader_u16(&reader), ==, 2);
  g_assert_true(wzp_reader_bytes(&reader, 2) == buffer + 20);
  g_assert_cmpuint(wzp_reader_left(&reader), ==, 3);
  g_assert_false(wzp_reader_done(&reader));
  g_assert_true(wzp_reader_rest(&reader, &length) == buffer + 22);
  g_assert_cmpuint(length, ==, 3);
  g_assert_true(wzp_reader_done(&reader));
  g_assert_nonnull(wzp_reader_rest(&reader, &length));
  g_assert_cmpuint(length, ==, 0);
}

static void
test_failed_read_sticks(void)
{
  const uint8_t data[] = {1, 2, 3};
  uint8_t out[4] = {9, 9, 9, 9};
  size_t length = 9;
  WzpReader reader;

  wzp_reader_init(&reader, data, sizeof data);
  g_assert_cmpuint(wzp_reader_u32(&reader), ==, 0);
  g_assert_true(reader.failed);
  g_assert_cmpuint(wzp_reader_u8(&reader), ==, 0);
  g_assert_null(wzp_reader_bytes(&reader, 0));
  g_assert_false(wzp_reader_copy(&reader, out, sizeof out));
  assert_hex(out, sizeof out, "00000000");
  g_assert_null(wzp_reader_rest(&reader, &length));
  g_assert_cmpuint(length, ==, 0);
  g_assert_cmpuint(wzp_reader_left(&reader), ==, 0);
  g_assert_false(wzp_reader_done(&reader));

  /* a length that would wrap the sum is only too long */
  wzp_reader_init(&reader, data, sizeof data);
  wzp_reader_u8(&reader);
  g_assert_null(wzp_reader_bytes(&reader, SIZE_MAX));
  g_assert_true(reader.failed);
}

static void
test_empty_input(void)
{
  size_t length = 9;
  WzpReader reader;

  wzp_reader_init(&reader, NULL, 0);
  g_assert_true(wzp_reader_done(&reader));
  g_assert_nonnull(wzp_reader_rest(&reader, &length));
  g_assert_cmpuint(length, ==, 0);
  g_assert_true(wzp_reader_copy(&reader, NULL, 0));
  wzp_reader_u8(&reader);
  g_assert_true(reader.failed);
}

static void
test_failed_write_sticks(void)
{
  uint8_t buffer[4] = {9, 9, 9, 9};
  WzpWriter writer;

  wzp_writer_init(&writer, buffer, 3);
  wzp_writer_u16(&writer, 0x0102);
  wzp_writer_u16(&writer, 0x0304);
  g_assert_true(writer.failed);
  wzp_writer_u8(&writer, 5);
  g_assert_null(wzp_writer_reserve(&writer, 0));
  g_assert_cmpuint(writer.length, ==, 2);
  assert_hex(buffer, sizeof buffer, "01020909");

  wzp_writer_init(&writer, buffer, 4);
  g_assert_null(wzp_writer_reserve(&writer, SIZE_MAX));
  g_assert_true(writer.failed);

  static const uint8_t long_body[UINT16_MAX + 1];
  uint8_t *room = g_malloc(sizeof long_body + 2);
  wzp_writer_init(&writer, room, sizeof long_body + 2);
  wzp_writer_lp(&writer, long_body, sizeof long_body);
  g_assert_true(writer.failed);
  wzp_writer_init(&writer, room, sizeof long_body + 2);
  wzp_writer_lp(&writer, long_body, UINT16_MAX);
  g_assert_false(writer.failed);
  g_free(room);
}

/* Random runs of reads over random input: never outside, and as a plain copy would say. */
static void
test_reads_stay_inside(void)
{
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 100000; round++) {
    size_t length = test_random_below(&random, 24);
    uint8_t *data = g_malloc(length + 1); /* on the heap, for AddressSanitizer */
    test_random_bytes(&random, data, length);
    WzpReader reader;
    wzp_reader_init(&reader, data, length);
    size_t expected = 0;
    bool failed = false;
    for (unsigned step = 0; step < 8; step++) {
      static const size_t sizes[] = {1, 2, 4, 8};
      size_t size = sizes[test_random_below(&random, 4)];
      failed = failed || expected + size > length;
      uint64_t value = 0;
      for (size_t i = 0; i < size && !failed; i++)
        value = value << 8 | data[expected + i];
      if (!failed)
        expected += size;
      uint64_t got = size == 1   ? wzp_reader_u8(&reader)
                     : size == 2 ? wzp_reader_u16(&reader)
                     : size == 4 ? wzp_reader_u32(&reader)
                                 : wzp_reader_u64(&reader);
      g_assert_cmpuint(got, ==, value);
      g_assert_cmpint(reader.failed, ==, failed);
    }
    g_assert_cmpint(wzp_reader_done(&reader), ==, !failed && expected == length);
    g_free(data);
  }
}

/* Every result has a name of its own, fit for a counter's label. */
static void
test_result_names(void)
{
  GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
  for (int result = 0; result < WZP_N_RESULTS; result++) {
    const char *name = wzp_result_name((WzpResult)result);
    g_assert_cmpstr(name, !=, "unknown-result");
    g_assert_cmpuint(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), ==, strlen(name));
    g_assert_true(g_hash_table_add(seen, (char *)name));
  }
  g_assert_cmpstr(wzp_result_name(WZP_BAD_TAG), ==, "bad-tag");
  g_assert_cmpstr(wzp_result_name(WZP_N_RESULTS), ==, "unknown-result");
  g_assert_cmpstr(wzp_result_name((WzpResult)-1), ==, "unknown-result");
  g_hash_table_unref(seen);
}

/* The same seed gives the same bytes, another seed others. */
static void
test_seeded_random(void)
{
  WzpSeededRandom a_state, b_state, c_state;
  WzpRandom a = wzp_random_seeded(&a_state, 7), b = wzp_random_seeded(&b_state, 7);
  WzpRandom c = wzp_random_seeded(&c_state, 8);
  uint8_t one[64], two[64], other[64], system_one[32], system_two[32];

  wzp_random_fill(&a, one, sizeof one);
  wzp_random_fill(&b, two, sizeof two);
  wzp_random_fill(&c, other, sizeof other);
  g_assert_cmpmem(one, sizeof one, two, sizeof two);
  g_assert_true(memcmp(one, other, sizeof one) != 0);
  wzp_random_fill(&a, two, sizeof two);
  g_assert_true(memcmp(one, two, sizeof one) != 0);

  WzpRandom system_random = wzp_random_system();
  wzp_random_fill(&system_random, system_one, sizeof system_one);
  wzp_random_fill(&system_random, system_two, sizeof system_two);
  g_assert_true(memcmp(system_one, system_two, sizeof system_one) != 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/bytes/reads-hex", test_reads_hex);
  g_test_add_func("/bytes/reads-what-was-written", test_reads_what_was_written);
  g_test_add_func("/bytes/failed-read-sticks", test_failed_read_sticks);
  g_test_add_func("/bytes/empty-input", test_empty_input);
  g_test_add_func("/bytes/failed-write-sticks", test_failed_write_sticks);
  g_test_add_func("/bytes/reads-stay-inside", test_reads_stay_inside);
  g_test_add_func("/result/names", test_result_names);
  g_test_add_func("/random/seeded", test_seeded_random);
  return g_test_run();
}
