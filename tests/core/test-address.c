/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/address.h"
#include "test-util.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static void
test_text(void)
{
  static const struct {
    const char *text, *shown;
  } good[] = {
      {"192.0.2.1:4433", "192.0.2.1:4433"},       {"[2001:db8::1]:4433", "[2001:db8::1]:4433"},
      {"[2001:DB8:0:0::1]:1", "[2001:db8::1]:1"}, {"[::]:0", "[::]:0"},
      {"0.0.0.0:65535", "0.0.0.0:65535"},         {"[::ffff:192.0.2.1]:80", "192.0.2.1:80"},
      {"[fe80::1%3]:9", "[fe80::1%3]:9"},
  };
  static const char *const bad[] = {
      "",
      ":",
      "192.0.2.1",
      "192.0.2.1:",
      "192.0.2.1:65536",
      "192.0.2:1",
      "example:1",
      "192.0.2.1:+1",
      "192.0.2.1: 1",
      "192.0.2.1:1x",
      "::1:80",
      "[::1]",
      "[::1]80",
      "[::1:80",
      "[192.0.2.1]:80",
      "[]:80",
      "[::1]:99999",
      "[::1%]:80",
      "[fe80::1%eth0]:1",
      "[::1%4294967296]:1",
      "]:1",
      "[:1",
      "192.0.2.1:4433 ",
      "[::1]:184467440737095516170",
      "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff:0000:1111:2222]:"
      "1",
  };
  char text[WZP_ADDRESS_TEXT];
  WzpAddress address;

  for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
    g_assert_true(wzp_address_parse(&address, good[i].text));
    g_assert_cmpstr(wzp_address_format(&address, text), ==, good[i].shown);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
    if (wzp_address_parse(&address, bad[i]))
      g_error("\"%s\" was taken for an address", bad[i]);
    g_assert_cmpuint(address.family, ==, 0);
  }
  g_assert_cmpstr(wzp_address_format(&address, text), ==, "none");

  /* the longest there is fits */
  memset(&address, 0xff, sizeof address);
  address.family = 6;
  wzp_address_format(&address, text);
  g_assert_true(g_str_has_suffix(text, "%4294967295]:65535"));
}

static void
test_mapped_is_one_form(void)
{
  WzpAddress plain, mapped;
  struct sockaddr_storage storage;

  g_assert_true(wzp_address_parse(&plain, "192.0.2.1:4433"));
  socklen_t length = wzp_address_to_sockaddr(&plain, &storage, true);
  g_assert_cmpuint(length, ==, sizeof(struct sockaddr_in6));
  g_assert_cmpint(storage.ss_family, ==, AF_INET6);
  g_assert_true(wzp_address_from_sockaddr(&mapped, (struct sockaddr *)&storage, length));
  g_assert_true(wzp_address_equal(&plain, &mapped));
  g_assert_cmpuint(mapped.family, ==, 4);

  ((struct sockaddr_in6 *)&storage)->sin6_scope_id = 7; /* means nothing for IPv4 */
  g_assert_true(wzp_address_from_sockaddr(&mapped, (struct sockaddr *)&storage, length));
  g_assert_true(wzp_address_equal(&plain, &mapped));

  length = wzp_address_to_sockaddr(&plain, &storage, false);
  g_assert_cmpuint(length, ==, sizeof(struct sockaddr_in));
  g_assert_cmpint(storage.ss_family, ==, AF_INET);
  g_assert_true(wzp_address_from_sockaddr(&mapped, (struct sockaddr *)&storage, length));
  g_assert_true(wzp_address_equal(&plain, &mapped));

  uint8_t wire[19];
  WzpReader reader;
  test_hex(wire, sizeof wire, "06115100000000000000000000ffffc0000201");
  wzp_reader_init(&reader, wire, sizeof wire);
  g_assert_true(wzp_address_read(&mapped, &reader));
  g_assert_true(wzp_address_equal(&plain, &mapped));
}

static void
test_equal(void)
{
  WzpAddress a, b;
  static const char *const texts[] = {"192.0.2.1:1",     "192.0.2.1:2",   "192.0.2.2:1",
                                      "[2001:db8::1]:1", "[fe80::1%1]:1", "[fe80::1%2]:1"};
  for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
    for (unsigned j = 0; j < G_N_ELEMENTS(texts); j++) {
      g_assert_true(wzp_address_parse(&a, texts[i]) && wzp_address_parse(&b, texts[j]));
      g_assert_cmpint(wzp_address_equal(&a, &b), ==, i == j);
    }
  }
}

static void
test_bad_sockaddr(void)
{
  struct sockaddr_in in = {.sin_family = AF_INET};
  struct sockaddr local = {.sa_family = AF_UNIX};
  struct sockaddr_storage storage;
  WzpAddress address;

  g_assert_false(wzp_address_from_sockaddr(&address, NULL, 0));
  g_assert_false(wzp_address_from_sockaddr(&address, (struct sockaddr *)&in, 1));
  g_assert_false(wzp_address_from_sockaddr(&address, (struct sockaddr *)&in, sizeof in - 1));
  g_assert_false(wzp_address_from_sockaddr(&address, &local, sizeof local));
  in.sin_family = AF_INET6;
  g_assert_false(wzp_address_from_sockaddr(&address, (struct sockaddr *)&in, sizeof in));
  g_assert_cmpuint(address.family, ==, 0);
  g_assert_cmpuint(wzp_address_to_sockaddr(&address, &storage, true), ==, 0);
}

/* write and read, format and parse, to and from a sockaddr: all give back what went in */
static void
test_round_trips(void)
{
  TestRandom random;
  test_random_init(&random);

  for (unsigned round = 0; round < 100000; round++) {
    WzpAddress in = {.family = test_random_below(&random, 2) == 0 ? 4 : 6}, out;
    in.port = (uint16_t)test_random_u64(&random);
    test_random_bytes(&random, in.bytes, in.family == 4 ? 4 : 16);

    uint8_t wire[19], again[19];
    WzpWriter writer;
    WzpReader reader;
    wzp_writer_init(&writer, wire, sizeof wire);
    wzp_address_write(&in, &writer);
    g_assert_false(writer.failed);
    g_assert_cmpuint(writer.length, ==, in.family == 4 ? 7 : 19);
    wzp_reader_init(&reader, wire, writer.length);
    g_assert_true(wzp_address_read(&out, &reader));
    g_assert_true(wzp_reader_done(&reader));
    g_assert_true(wzp_address_equal(&in, &out));
    size_t length = writer.length;
    wzp_writer_init(&writer, again, sizeof again);
    wzp_address_write(&out, &writer);
    g_assert_cmpmem(wire, length, again, writer.length);

    size_t cut = test_random_below(&random, length);
    wzp_reader_init(&reader, wire, cut);
    g_assert_false(wzp_address_read(&out, &reader));
    g_assert_true(reader.failed);

    in.scope = in.family == 6 ? (uint32_t)test_random_below(&random, 3) : 0;
    char text[WZP_ADDRESS_TEXT];
    g_assert_true(wzp_address_parse(&out, wzp_address_format(&in, text)));
    g_assert_true(wzp_address_equal(&in, &out));

    struct sockaddr_storage storage;
    bool v6_socket = in.family == 6 || test_random_below(&random, 2) == 0;
    socklen_t size = wzp_address_to_sockaddr(&in, &storage, v6_socket);
    g_assert_true(wzp_address_from_sockaddr(&out, (struct sockaddr *)&storage, size));
    g_assert_true(wzp_address_equal(&in, &out));
  }
}

static void
test_unknown_family_on_the_wire(void)
{
  uint8_t wire[19] = {0};
  WzpAddress address;
  for (unsigned family = 0; family < 256; family++) {
    WzpReader reader;
    wire[0] = (uint8_t)family;
    wzp_reader_init(&reader, wire, sizeof wire);
    g_assert_cmpint(wzp_address_read(&address, &reader), ==, family == 4 || family == 6);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/address/text", test_text);
  g_test_add_func("/address/mapped-is-one-form", test_mapped_is_one_form);
  g_test_add_func("/address/equal", test_equal);
  g_test_add_func("/address/bad-sockaddr", test_bad_sockaddr);
  g_test_add_func("/address/round-trips", test_round_trips);
  g_test_add_func("/address/unknown-family-on-the-wire", test_unknown_family_on_the_wire);
  return g_test_run();
}
