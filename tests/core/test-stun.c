/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/stun.h"
#include "test-util.h"
#include <string.h>

/* The transaction, and the address that is seen, of RFC 5769 sections 2.2 and 2.3. */
static const uint8_t modern[] = {0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7,
                                 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

static void
assert_answer(const uint8_t *asked, size_t length, const char *seen, const uint8_t *attribute,
              size_t attribute_length)
{
  WzpStunRequest request;
  WzpAddress address;
  uint8_t out[WZP_STUN_RESPONSE_MAX];
  g_assert_cmpint(wzp_stun_request_parse(&request, asked, length), ==, WZP_OK);
  g_assert_true(wzp_address_parse(&address, seen));
  g_assert_cmpuint(wzp_stun_response_write(out, &request, &address), ==, 20 + attribute_length);
  g_assert_cmphex(out[0] << 8 | out[1], ==, 0x0101);
  g_assert_cmpuint(out[2] << 8 | out[3], ==, attribute_length);
  g_assert_cmpmem(out + 4, 16, asked + 4, 16);
  g_assert_cmpmem(out + 20, attribute_length, attribute, attribute_length);
}

static void
test_modern(void)
{
  static const uint8_t v4[] = {0x00, 0x20, 0x00, 0x08, 0x00, 0x01,
                               0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
  static const uint8_t v6[] = {0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47,
                               0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79,
                               0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9};
  assert_answer(modern, sizeof modern, "192.0.2.1:32853", v4, sizeof v4);
  assert_answer(modern, sizeof modern, "[2001:db8:1234:5678:11:2233:4455:6677]:32853", v6,
                sizeof v6);
}

static void
test_classic(void)
{
  static const uint8_t v4[] = {0x00, 0x01, 0x00, 0x08, 0x00, 0x01, 0x80, 0x55, 192, 0, 2, 1};
  static const uint8_t v6[] = {0x00, 0x01, 0x00, 0x14, 0x00, 0x02, 0x80, 0x55,
                               0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,
                               0,    0,    0,    0,    0,    0,    0,    1};
  uint8_t asked[20];
  memcpy(asked, modern, sizeof asked);
  asked[4] ^= 1;
  assert_answer(asked, sizeof asked, "192.0.2.1:32853", v4, sizeof v4);
  assert_answer(asked, sizeof asked, "[2001:db8::1]:32853", v6, sizeof v6);
}

static WzpResult
parse(uint16_t type, uint16_t said, const char *attributes_hex)
{
  WzpStunRequest request;
  size_t length = strlen(attributes_hex) / 2;
  uint8_t data[WZP_STUN_REQUEST_MAX + 64];
  memcpy(data, modern, sizeof modern);
  data[0] = (uint8_t)(type >> 8);
  data[1] = (uint8_t)type;
  data[2] = (uint8_t)(said >> 8);
  data[3] = (uint8_t)said;
  g_assert_true(wzp_hex_read(data + sizeof modern, length, attributes_hex));
  return wzp_stun_request_parse(&request, data, sizeof modern + length);
}

static void
test_attributes(void)
{
  /* SOFTWARE of five bytes, padded, and FINGERPRINT */
  g_assert_cmpint(parse(1, 20, "80220005616263646500000080280004e57a3bcf"), ==, WZP_OK);
  g_assert_cmpint(parse(1, 12, "802200056162636465000000"), ==, WZP_OK);
  g_assert_cmpint(parse(1, 8, "0003000400000000"), ==, WZP_UNSUPPORTED); /* CHANGE-REQUEST */
  g_assert_cmpint(parse(1, 12, "000200080001115cc0000201"), ==,
                  WZP_UNSUPPORTED);                                      /* RESPONSE-ADDRESS */
  g_assert_cmpint(parse(1, 8, "0006000461626364"), ==, WZP_UNSUPPORTED); /* USERNAME: of ICE */
  g_assert_cmpint(parse(1, 8, "8022000561626364"), ==, WZP_TRUNCATED);
  g_assert_cmpint(parse(1, 4, "8022ffff"), ==, WZP_TRUNCATED);
  g_assert_cmpint(parse(1, 4, "80220000"), ==, WZP_OK);
  g_assert_cmpint(parse(1, 0, "80220000"), ==, WZP_MALFORMED);
  g_assert_cmpint(parse(1, 8, "80220000"), ==, WZP_MALFORMED);
  g_assert_cmpint(parse(1, 2, "8022"), ==, WZP_MALFORMED);
  g_assert_cmpint(parse(0x0101, 0, ""), ==, WZP_UNKNOWN_KIND); /* somebody's answer */
  g_assert_cmpint(parse(0x0003, 0, ""), ==, WZP_UNKNOWN_KIND); /* TURN's Allocate */
}

static void
test_lengths(void)
{
  WzpStunRequest request;
  uint8_t data[WZP_STUN_REQUEST_MAX + 4] = {0};
  memcpy(data, modern, sizeof modern);
  for (size_t length = 0; length < WZP_STUN_REQUEST_MIN; length++)
    g_assert_cmpint(wzp_stun_request_parse(&request, data, length), ==, WZP_TRUNCATED);
  for (size_t length = 24; length <= sizeof data; length += 4) {
    size_t said = length - 20, value = said - 4;
    data[2] = (uint8_t)(said >> 8);
    data[3] = (uint8_t)said;
    data[20] = 0x80;
    data[22] = (uint8_t)(value >> 8);
    data[23] = (uint8_t)value;
    g_assert_cmpint(wzp_stun_request_parse(&request, data, length), ==,
                    length <= WZP_STUN_REQUEST_MAX ? WZP_OK : WZP_TOO_LONG);
  }
}

/* What a relay writes, a client reads; nothing else. */
static void
test_response(void)
{
  static const char *const seen[] = {"192.0.2.1:32853", "[2001:db8::1]:1"};
  uint8_t asked[WZP_STUN_REQUEST_MIN], transaction[16] = {9, 9, 9, 9, 1, 2, 3}, other[16] = {1};
  wzp_stun_request_write(asked, transaction);
  for (unsigned i = 0; i < 2; i++) {
    WzpStunRequest request;
    WzpAddress address, observed;
    uint8_t out[WZP_STUN_RESPONSE_MAX + 8];
    g_assert_cmpint(wzp_stun_request_parse(&request, asked, sizeof asked), ==, WZP_OK);
    g_assert_false(request.classic);
    g_assert_true(wzp_address_parse(&address, seen[i]));
    size_t length = wzp_stun_response_write(out, &request, &address);
    g_assert_cmpint(wzp_stun_response_parse(&observed, transaction, out, length), ==, WZP_OK);
    g_assert_true(wzp_address_equal(&observed, &address));
    g_assert_cmpint(wzp_stun_response_parse(&observed, other, out, length), ==, WZP_UNEXPECTED);
    for (size_t cut = 0; cut < length; cut++)
      g_assert_cmpint(wzp_stun_response_parse(&observed, transaction, out, cut), !=, WZP_OK);
    /* another attribute before it */
    memmove(out + 28, out + 20, length - 20);
    memcpy(out + 20, (const uint8_t[]){0x80, 0x22, 0, 4, 'a', 'b', 'c', 'd'}, 8);
    out[3] = (uint8_t)(out[3] + 8);
    g_assert_cmpint(wzp_stun_response_parse(&observed, transaction, out, length + 8), ==, WZP_OK);
    g_assert_true(wzp_address_equal(&observed, &address));
    out[33] = i == 0 ? 2 : 1; /* the other family, and not its length */
    g_assert_cmpint(wzp_stun_response_parse(&observed, transaction, out, length + 8), ==,
                    WZP_MALFORMED);
  }
  g_assert_cmpint(wzp_stun_response_parse(&(WzpAddress){0}, transaction, asked, sizeof asked), ==,
                  WZP_UNKNOWN_KIND);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/stun/modern", test_modern);
  g_test_add_func("/stun/classic", test_classic);
  g_test_add_func("/stun/attributes", test_attributes);
  g_test_add_func("/stun/lengths", test_lengths);
  g_test_add_func("/stun/response", test_response);
  return g_test_run();
}
