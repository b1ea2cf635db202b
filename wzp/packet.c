/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "packet.h"
#include "profile.h"
#include <sodium.h>
#include <string.h>

WzpDatagramKind
wzp_datagram_kind(const uint8_t *data, size_t length)
{
  if (length == 0)
    return WZP_DATAGRAM_UNKNOWN;
  if (data[0] >= 0x80)
    return WZP_DATAGRAM_MEDIA;
  if (data[0] <= 0x03)
    return WZP_DATAGRAM_STUN;
  if (data[0] >= 0x40 && data[0] <= 0x46)
    return (WzpDatagramKind)(WZP_DATAGRAM_HS1 + (data[0] - 0x40));
  return WZP_DATAGRAM_UNKNOWN;
}

WzpResult
wzp_header_parse(WzpHeader *header, const uint8_t *packet, size_t length, size_t *header_length)
{
  WzpReader reader;
  wzp_reader_init(&reader, packet, length);
  uint8_t first = wzp_reader_u8(&reader);
  *header = (WzpHeader){
      .full = (first & 0xc0) == 0x80,
      .epoch_low = first >> 4 & 3,
      .code = first & 15,
      .slot = wzp_reader_u8(&reader),
      .seq = wzp_reader_u16(&reader),
  };
  if (!reader.failed && (first & 0x80) == 0)
    return WZP_UNKNOWN_KIND;
  if (header->full) {
    header->timestamp = wzp_reader_u32(&reader);
    header->epoch8 = wzp_reader_u8(&reader);
    header->flags = wzp_reader_u8(&reader);
    if (wzp_reader_u16(&reader) != 0 || (header->epoch8 & 3) != header->epoch_low)
      return reader.failed ? WZP_TRUNCATED : WZP_MALFORMED;
  }
  if (reader.failed)
    return WZP_TRUNCATED;
  if (wzp_framing_from_code(header->code) == NULL)
    return WZP_UNKNOWN_KIND;
  if (header->slot > WZP_SLOT_MAX)
    return WZP_MALFORMED;
  *header_length = reader.position;
  return WZP_OK;
}

size_t
wzp_header_write(const WzpHeader *header, uint8_t out[WZP_HEADER_FULL_SIZE])
{
  WzpWriter writer;
  wzp_writer_init(&writer, out, WZP_HEADER_FULL_SIZE);
  uint8_t epoch_low = header->full ? header->epoch8 & 3 : header->epoch_low & 3;
  wzp_writer_u8(&writer,
                (uint8_t)((header->full ? 0x80 : 0xc0) | epoch_low << 4 | (header->code & 15)));
  wzp_writer_u8(&writer, header->slot);
  wzp_writer_u16(&writer, header->seq);
  if (header->full) {
    wzp_writer_u32(&writer, header->timestamp);
    wzp_writer_u8(&writer, header->epoch8);
    wzp_writer_u8(&writer, header->flags);
    wzp_writer_u16(&writer, 0);
  }
  return writer.length;
}

void
wzp_bundle_reader_init(WzpBundleReader *bundle, const void *data, size_t length)
{
  wzp_reader_init(&bundle->reader, data, length);
  bundle->result = WZP_OK;
}

bool
wzp_bundle_reader_next(WzpBundleReader *bundle, WzpElement *element)
{
  WzpReader *reader = &bundle->reader;
  if (bundle->result != WZP_OK || wzp_reader_left(reader) == 0)
    return false;
  uint8_t head = wzp_reader_u8(reader);
  element->type = head >> 4;
  switch (head & 15) {
  case 0:
    element->data = wzp_reader_rest(reader, &element->length);
    return true;
  case 1:
    element->length = wzp_reader_u8(reader);
    break;
  case 2:
    element->length = wzp_reader_u16(reader);
    break;
  default:
    bundle->result = WZP_MALFORMED;
    return false;
  }
  element->data = wzp_reader_bytes(reader, element->length);
  if (reader->failed)
    bundle->result = WZP_TRUNCATED;
  return !reader->failed;
}

void
wzp_bundle_write(WzpWriter *writer, uint8_t type, const void *data, size_t length, bool last)
{
  unsigned form = last ? 0 : length < 256 ? 1 : 2;
  if (length > UINT16_MAX) {
    writer->failed = true;
    return;
  }
  wzp_writer_u8(writer, (uint8_t)((type & 15) << 4 | form));
  if (form == 1)
    wzp_writer_u8(writer, (uint8_t)length);
  else if (form == 2)
    wzp_writer_u16(writer, (uint16_t)length);
  wzp_writer_bytes(writer, data, length);
}

bool
wzp_trunk_next(const uint8_t *data, size_t length, size_t *position, const uint8_t **packet,
               size_t *packet_length)
{
  WzpReader reader;
  wzp_reader_init(&reader, data, length);
  reader.position = *position > 0 ? *position : 1;
  if (reader.position >= length)
    return false;
  *packet_length = wzp_reader_u16(&reader);
  *packet = wzp_reader_bytes(&reader, *packet_length);
  if (!reader.failed)
    *position = reader.position;
  return !reader.failed;
}

bool
wzp_trunk_valid(const uint8_t *data, size_t length)
{
  if (wzp_datagram_kind(data, length) != WZP_DATAGRAM_TRUNK)
    return false;
  size_t position = 0, packet_length;
  const uint8_t *packet;
  bool any = false;
  while (wzp_trunk_next(data, length, &position, &packet, &packet_length)) {
    if (wzp_datagram_kind(packet, packet_length) != WZP_DATAGRAM_MEDIA)
      return false;
    any = true;
  }
  return any && position == length;
}

bool
wzp_trunk_append(WzpWriter *writer, const uint8_t *packet, size_t length)
{
  size_t need = length + 2 + (writer->length == 0 ? 1 : 0);
  if (writer->failed || length > UINT16_MAX || need > writer->capacity - writer->length)
    return false;
  if (writer->length == 0)
    wzp_writer_u8(writer, 0x45);
  wzp_writer_lp(writer, packet, length);
  return true;
}

static void
hop_tag(uint8_t tag[4], const uint8_t *data, size_t length, const uint8_t hop_key[16])
{
  uint8_t hash[crypto_shorthash_BYTES];
  crypto_shorthash(hash, data, length, hop_key);
  memcpy(tag, hash, 4);
}

void
wzp_trailer_append(uint8_t *datagram, size_t length, const uint8_t session_id[4],
                   const uint8_t hop_key[16])
{
  memcpy(datagram + length, session_id, 4);
  hop_tag(datagram + length + 4, datagram, length + 4, hop_key);
}

bool
wzp_trailer_check(const uint8_t *datagram, size_t length, const uint8_t hop_key[16])
{
  if (length < WZP_TRAILER_SIZE)
    return false;
  uint8_t tag[4];
  hop_tag(tag, datagram, length - 4, hop_key);
  return sodium_memcmp(tag, datagram + length - 4, 4) == 0;
}
