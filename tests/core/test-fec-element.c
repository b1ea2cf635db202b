/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/fec-element.h"

/* The bytes of PROTOCOL.md 9. */
typedef struct {
  const char *name, *hex;
  WzpFecElement element;
} Example;

static const uint8_t symbols[] = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5};

static const Example examples[] = {
    {"coded",
     "0200 81 a0a1a2a3a4a5",
     {.window = 5, .n_symbols = 2, .esi_step = 8, .symbol_length = 3}},
    {"coded-offset",
     "07ff f0 a0a1a2a3a4a5",
     {.window = 16, .offset = 127, .n_symbols = 1, .esi_step = 15, .symbol_length = 6}},
    {"copies",
     "8102 a0a1a2a3a4a5",
     {.copies = true, .window = 3, .offset = 2, .n_symbols = 3, .symbol_length = 2}},
    {"lengths",
     "5f80 01 a0a1a2a3a4a5",
     {.lengths = true, .window = 64, .n_symbols = 2, .symbol_length = 3}},
    {"other-framing",
     "2000 03 0140 05 a0a1a2a3a4a5",
     {.other_framing = true,
      .code = 3,
      .distance = 320,
      .window = 1,
      .n_symbols = 6,
      .symbol_length = 1}},
    {"copies-all",
     "e080 00 ffff a0a1a2a3a4a5",
     {.copies = true,
      .lengths = true,
      .other_framing = true,
      .distance = 65535,
      .window = 2,
      .n_symbols = 2,
      .symbol_length = 3}},
};

static void
assert_equal(const WzpFecElement *a, const WzpFecElement *b)
{
  g_assert_cmpint(a->copies, ==, b->copies);
  g_assert_cmpint(a->lengths, ==, b->lengths);
  g_assert_cmpint(a->other_framing, ==, b->other_framing);
  g_assert_cmpuint(a->window, ==, b->window);
  g_assert_cmpuint(a->offset, ==, b->offset);
  g_assert_cmpuint(a->code, ==, b->code);
  g_assert_cmpuint(a->distance, ==, b->distance);
  g_assert_cmpuint(a->esi_step, ==, b->esi_step);
  g_assert_cmpuint(a->n_symbols, ==, b->n_symbols);
  g_assert_cmpuint(a->symbol_length, ==, b->symbol_length);
  g_assert_cmpmem(a->symbols, a->n_symbols * a->symbol_length, b->symbols,
                  b->n_symbols * b->symbol_length);
}

static void
test_bytes(gconstpointer data)
{
  const Example *example = data;
  uint8_t expected[64], written[64];
  size_t length = 0;
  WzpWriter writer;
  WzpFecElement element = example->element, parsed;
  g_assert_cmpint(sodium_hex2bin(expected, sizeof expected, example->hex, strlen(example->hex), " ",
                                 &length, NULL),
                  ==, 0);
  element.symbols = symbols;

  wzp_writer_init(&writer, written, sizeof written);
  wzp_fec_element_write(&writer, &element);
  g_assert_false(writer.failed);
  g_assert_cmpmem(written, writer.length, expected, length);
  g_assert_cmpuint(wzp_fec_element_head_size(&element), ==, length - sizeof symbols);

  g_assert_cmpint(wzp_fec_element_parse(&parsed, expected, length), ==, WZP_OK);
  assert_equal(&parsed, &element);
  for (size_t cut = 0; cut <= length - sizeof symbols; cut++)
    g_assert_cmpint(wzp_fec_element_parse(&parsed, expected, cut), ==, WZP_TRUNCATED);
}

static void
test_every_field(void)
{
  TestRandom random;
  uint8_t bytes[2048], body[1024];
  test_random_init(&random);
  test_random_bytes(&random, bytes, sizeof bytes);
  for (unsigned i = 0; i < 20000; i++) {
    WzpFecElement element = {
        .copies = test_random_below(&random, 2),
        .lengths = test_random_below(&random, 2),
        .other_framing = test_random_below(&random, 2),
        .window = 1 + (unsigned)test_random_below(&random, WZP_FEC_WINDOW_MAX),
        .offset = (unsigned)test_random_below(&random, WZP_FEC_OFFSET_MAX + 1),
        .symbols = bytes,
    };
    element.symbol_length = (element.lengths ? 3 : 1) + test_random_below(&random, 12);
    element.n_symbols = element.window;
    if (!element.copies) {
      element.n_symbols = 1 + (unsigned)test_random_below(&random, WZP_FEC_CODED_MAX);
      element.esi_step = (unsigned)test_random_below(&random, WZP_FEC_ESI_STEP_MAX + 1);
    }
    if (element.other_framing) {
      element.code = (uint8_t)test_random_below(&random, 11);
      element.distance = (uint16_t)test_random_u64(&random);
    }
    WzpWriter writer;
    WzpFecElement parsed;
    wzp_writer_init(&writer, body, sizeof body);
    wzp_fec_element_write(&writer, &element);
    g_assert_false(writer.failed);
    g_assert_cmpint(wzp_fec_element_parse(&parsed, body, writer.length), ==, WZP_OK);
    assert_equal(&parsed, &element);
  }
}

static void
test_malformed(void)
{
  static const char *const bodies[] = {
      "0200 01 a0a1a2",     /* three bytes are no two symbols */
      "8100 a0a1a2a3",      /* four are no three frames */
      "4200 00 0001",       /* a length and no frame */
      "2000 0e 0014 00 a0", /* code without audio */
      "2000 0d 0014 00 a0", /* comfort noise has no frames of a length */
      "a000 0b 0014 a0",    /* a reserved code */
      "a000 ff 0014 a0",
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(bodies); i++) {
    uint8_t body[16];
    size_t length;
    WzpFecElement element;
    sodium_hex2bin(body, sizeof body, bodies[i], strlen(bodies[i]), " ", &length, NULL);
    g_assert_cmpint(wzp_fec_element_parse(&element, body, length), ==, WZP_MALFORMED);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
    g_autofree char *path = g_strdup_printf("/fec-element/bytes/%s", examples[i].name);
    g_test_add_data_func(path, &examples[i], test_bytes);
  }
  g_test_add_func("/fec-element/every-field", test_every_field);
  g_test_add_func("/fec-element/malformed", test_malformed);
  return g_test_run();
}
