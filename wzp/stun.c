/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stun.h"
#include <string.h>

#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define MAGIC_COOKIE 0x2112a442u
#define MAPPED_ADDRESS 0x0001
#define XOR_MAPPED_ADDRESS 0x0020
#define OPTIONAL_FROM 0x8000

/* RFC 5389 section 15: each value is padded to four bytes, and the message's length counts that. */
static WzpResult
check_attributes(WzpReader *reader)
{
  while (wzp_reader_left(reader) > 0) {
    uint16_t type = wzp_reader_u16(reader);
    size_t length = wzp_reader_u16(reader);
    wzp_reader_bytes(reader, (length + 3) & ~(size_t)3);
    if (reader->failed)
      return WZP_TRUNCATED;
    if (type < OPTIONAL_FROM)
      return WZP_UNSUPPORTED;
  }
  return WZP_OK;
}

WzpResult
wzp_stun_request_parse(WzpStunRequest *request, const uint8_t *data, size_t length)
{
  WzpReader reader, cookie;
  if (length < WZP_STUN_REQUEST_MIN)
    return WZP_TRUNCATED;
  if (length > WZP_STUN_REQUEST_MAX)
    return WZP_TOO_LONG;
  wzp_reader_init(&reader, data, length);
  if (wzp_reader_u16(&reader) != BINDING_REQUEST)
    return WZP_UNKNOWN_KIND;
  size_t rest = wzp_reader_u16(&reader);
  wzp_reader_copy(&reader, request->transaction, sizeof request->transaction);
  if (rest != wzp_reader_left(&reader) || rest % 4 != 0)
    return WZP_MALFORMED;
  wzp_reader_init(&cookie, request->transaction, 4);
  request->classic = wzp_reader_u32(&cookie) != MAGIC_COOKIE;
  return check_attributes(&reader);
}

/* RFC 5389 section 15.2: port and address XORed with what the transaction begins with. */
static void
hide(uint8_t *value, size_t length, const uint8_t *transaction)
{
  for (size_t i = 0; i < length; i++)
    value[i] ^= transaction[i];
}

size_t
wzp_stun_response_write(uint8_t out[WZP_STUN_RESPONSE_MAX], const WzpStunRequest *request,
                        const WzpAddress *observed)
{
  WzpWriter writer;
  uint16_t size = observed->family == 6 ? 16 : 4;
  wzp_writer_init(&writer, out, WZP_STUN_RESPONSE_MAX);
  wzp_writer_u16(&writer, BINDING_SUCCESS);
  wzp_writer_u16(&writer, (uint16_t)(8 + size));
  wzp_writer_bytes(&writer, request->transaction, sizeof request->transaction);
  wzp_writer_u16(&writer, request->classic ? MAPPED_ADDRESS : XOR_MAPPED_ADDRESS);
  wzp_writer_u16(&writer, (uint16_t)(4 + size));
  wzp_writer_u8(&writer, 0);
  wzp_writer_u8(&writer, observed->family == 6 ? 2 : 1);
  wzp_writer_u16(&writer, observed->port);
  wzp_writer_bytes(&writer, observed->bytes, size);
  if (!request->classic) {
    hide(out + writer.length - size - 2, 2, request->transaction);
    hide(out + writer.length - size, size, request->transaction);
  }
  return writer.length;
}

void
wzp_stun_request_write(uint8_t out[WZP_STUN_REQUEST_MIN], uint8_t transaction[16])
{
  WzpWriter writer;
  wzp_writer_init(&writer, transaction, 4);
  wzp_writer_u32(&writer, MAGIC_COOKIE);
  wzp_writer_init(&writer, out, WZP_STUN_REQUEST_MIN);
  wzp_writer_u16(&writer, BINDING_REQUEST);
  wzp_writer_u16(&writer, 0);
  wzp_writer_bytes(&writer, transaction, 16);
}

static bool
read_observed(WzpAddress *observed, const uint8_t *transaction, const uint8_t *value, size_t length)
{
  uint8_t plain[4 + 16];
  WzpReader reader;
  WzpWriter writer;
  if (length != 8 && length != sizeof plain)
    return false;
  memcpy(plain, value, length);
  hide(plain + 2, 2, transaction);
  hide(plain + 4, length - 4, transaction);
  bool v6 = plain[1] == 2;
  if ((plain[1] != 1 && !v6) || length != (v6 ? sizeof plain : 8))
    return false;
  /* the same as an address of ours but for the first two bytes */
  wzp_writer_init(&writer, plain, sizeof plain);
  wzp_writer_u8(&writer, 0);
  wzp_writer_u8(&writer, v6 ? 6 : 4);
  wzp_reader_init(&reader, plain + 1, length - 1);
  return wzp_address_read(observed, &reader);
}

WzpResult
wzp_stun_response_parse(WzpAddress *observed, const uint8_t transaction[16], const uint8_t *data,
                        size_t length)
{
  WzpReader reader;
  if (length < WZP_STUN_REQUEST_MIN)
    return WZP_TRUNCATED;
  if (length > WZP_STUN_REQUEST_MAX)
    return WZP_TOO_LONG;
  wzp_reader_init(&reader, data, length);
  if (wzp_reader_u16(&reader) != BINDING_SUCCESS)
    return WZP_UNKNOWN_KIND;
  size_t rest = wzp_reader_u16(&reader);
  const uint8_t *to = wzp_reader_bytes(&reader, 16);
  if (rest != wzp_reader_left(&reader))
    return WZP_MALFORMED;
  if (memcmp(to, transaction, 16) != 0)
    return WZP_UNEXPECTED;
  while (wzp_reader_left(&reader) > 0) {
    uint16_t type = wzp_reader_u16(&reader);
    size_t size = wzp_reader_u16(&reader);
    const uint8_t *value = wzp_reader_bytes(&reader, (size + 3) & ~(size_t)3);
    if (reader.failed)
      return WZP_TRUNCATED;
    if (type == XOR_MAPPED_ADDRESS)
      return read_observed(observed, transaction, value, size) ? WZP_OK : WZP_MALFORMED;
  }
  return WZP_MALFORMED;
}
